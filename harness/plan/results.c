/* SPDX-License-Identifier: Apache-2.0 */
/* results.c: results so far, as a table of what every lane did in every round. */
#include "base/alloc.h"
#include "plan/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A slot for each (case, round, lane); those of a case begin at first[case], round after round. */
struct fl_results {
	const struct fl_plan *plan;
	size_t *first;
	double *value;
	unsigned char *state; /* 0: no result; else 1 + its direction */
	unsigned *rounds;     /* of each case: done without a gap from the first on */
};

struct fl_results *fl_results_make(const struct fl_plan *plan)
{
	struct fl_results *r = fl_zalloc(1, sizeof(*r));
	size_t slots = 0;

	r->plan = plan;
	r->first = fl_zalloc(plan->cases_n, sizeof(*r->first));
	r->rounds = fl_zalloc(plan->cases_n, sizeof(*r->rounds));
	for (size_t i = 0; i < plan->cases_n; i++) {
		r->first[i] = slots;
		slots += plan->cases[i].lanes_n * plan->cases[i].rounds;
	}
	r->value = fl_zalloc(slots, sizeof(*r->value));
	r->state = fl_zalloc(slots, 1);
	return r;
}

void fl_results_free(struct fl_results *r)
{
	if (!r)
		return;
	free(r->first);
	free(r->value);
	free(r->state);
	free(r->rounds);
	free(r);
}

static size_t slot_of(const struct fl_results *r, unsigned case_no, unsigned round, unsigned lane)
{
	return r->first[case_no] + round * r->plan->cases[case_no].lanes_n + lane;
}

static bool is_whole(const struct fl_results *r, unsigned case_no, unsigned round)
{
	return !memchr(r->state + slot_of(r, case_no, round, 0), 0, r->plan->cases[case_no].lanes_n);
}

void fl_results_add(struct fl_results *r, const struct fl_plan_result *result)
{
	const struct fl_plan_case *c;
	unsigned *rounds;
	size_t slot;

	if (result->case_no >= r->plan->cases_n)
		return;
	c = &r->plan->cases[result->case_no];
	if (result->round >= c->rounds || result->lane >= c->lanes_n)
		return;
	slot = slot_of(r, result->case_no, result->round, result->lane);
	r->value[slot] = isfinite(result->value) ? result->value : NAN;
	r->state[slot] = (unsigned char)(1 + result->better);
	rounds = &r->rounds[result->case_no];
	while (*rounds < c->rounds && is_whole(r, result->case_no, *rounds))
		++*rounds;
}

unsigned fl_results_rounds(const struct fl_results *r, unsigned case_no)
{
	return r->rounds[case_no];
}

double fl_results_gain(const struct fl_results *r, unsigned case_no, unsigned round, unsigned lane)
{
	size_t slot = slot_of(r, case_no, round, lane);

	if (r->state[slot] == 1 + FL_HIGHER)
		return r->value[slot];
	return r->state[slot] == 1 + FL_LOWER ? -r->value[slot] : (double)NAN;
}

void fl_results_values(const struct fl_results *r, unsigned case_no, unsigned lane, unsigned rounds, double *ret)
{
	for (unsigned i = 0; i < rounds; i++) {
		size_t slot = slot_of(r, case_no, i, lane);

		ret[i] = r->state[slot] ? r->value[slot] : (double)NAN;
	}
}
