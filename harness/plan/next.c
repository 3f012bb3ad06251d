/* SPDX-License-Identifier: Apache-2.0 */
/* next.c: plan and results so far to the next case. Remembers nothing, so a resumed run asks the same question. */
#include "base/alloc.h"
#include "plan/plan.h"
#include <stdlib.h>

/* One byte for each (case, round, lane); first[c] is where case c begins. */
struct slots {
	unsigned char *done;
	size_t *first;
};

static struct slots mark_done(const struct fl_plan *plan, const struct fl_plan_done *done, size_t n)
{
	struct slots s = { .first = fl_zalloc(plan->cases_n, sizeof(*s.first)) };
	size_t total = 0;

	for (size_t i = 0; i < plan->cases_n; i++) {
		s.first[i] = total;
		total += plan->cases[i].lanes_n * plan->cases[i].rounds;
	}
	s.done = fl_zalloc(total, 1);
	for (size_t i = 0; i < n; i++) {
		const struct fl_plan_case *c;

		if (done[i].case_no >= plan->cases_n)
			continue;
		c = &plan->cases[done[i].case_no];
		if (done[i].round < c->rounds && done[i].lane < c->lanes_n)
			s.done[s.first[done[i].case_no] + done[i].round * c->lanes_n + done[i].lane] = 1;
	}
	return s;
}

static bool is_done(const struct fl_plan *plan, const struct slots *s, struct fl_plan_step step)
{
	size_t lanes = plan->cases[step.case_no].lanes_n;
	const unsigned char *lane = s->done + s->first[step.case_no] + step.round * lanes;

	for (size_t i = 0; i < lanes; i++)
		if (!lane[i])
			return false;
	return true;
}

static unsigned most_rounds(const struct fl_plan *plan)
{
	unsigned most = 0;

	for (size_t i = 0; i < plan->cases_n; i++)
		if (plan->cases[i].rounds > most)
			most = plan->cases[i].rounds;
	return most;
}

static bool find_open(const struct fl_plan *plan, const struct slots *s, struct fl_plan_step *ret)
{
	unsigned rounds = most_rounds(plan);

	for (unsigned round = 0; round < rounds; round++)
		for (unsigned i = 0; i < plan->cases_n; i++) {
			struct fl_plan_step step = { .case_no = i, .round = round };

			if (round < plan->cases[i].rounds && !is_done(plan, s, step)) {
				*ret = step;
				return true;
			}
		}
	return false;
}

bool fl_plan_next(const struct fl_plan *plan, const struct fl_plan_done *done, size_t done_n, struct fl_plan_step *ret)
{
	struct slots s = mark_done(plan, done, done_n);
	bool found = find_open(plan, &s, ret);

	free(s.done);
	free(s.first);
	return found;
}
