/* SPDX-License-Identifier: Apache-2.0 */
/* study_sweep.c: one option over its values, for every combination of devices. Of a range that doubles, the first round
 * goes upward as long as that pays on any host; the rounds after it measure what the first one did. */
#include "base/alloc.h"
#include "judge/judge.h" /* FL_TOLERANCE */
#include "plan/parts.h"
#include <math.h>
#include <string.h>

enum { ALWAYS = 3 }; /* values of a range that are measured in any case: see pays() */

/* The groups from i on that differ in the swept option alone. */
static size_t count_values(const struct fl_lane_list *list, size_t i)
{
	size_t n = 1;

	while (i + n < list->n && strcmp(list->groups[i + n].stem, list->groups[i].stem) == 0)
		n++;
	return n;
}

/* The option, and the value that each case has of it. */
static void set_values(const struct fl_plan *plan, const char *option, struct fl_study *s)
{
	s->option = fl_dup(option);
	s->values = fl_zalloc(s->cases_n, sizeof(*s->values));
	for (unsigned i = 0; i < s->cases_n; i++)
		s->values[i] = fl_dup(fl_lane_option(&plan->cases[s->first + i].lanes[0], option));
}

/* One study of n groups. */
static int add_study(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list, size_t i,
		     size_t n, struct fl_plan *plan, struct fl_err *err)
{
	size_t study = plan->studies_n;
	int rc = 0;

	fl_plan_add_study(plan, rule->study, list->groups[i].stem)->range = rule->sweep_range;
	for (size_t k = i; k < i + n && rc == 0; k++) {
		size_t lanes_n;
		struct fl_plan_lane *lanes = fl_lane_group_take(&list->groups[k], &lanes_n);

		rc = fl_plan_add_case(x, rule, lanes, lanes_n, list->groups[k].label, plan, err);
		plan->studies[study].cases_n++;
		if (rule->sweep_range && k - i >= ALWAYS)
			plan->cases[plan->cases_n - 1].rounds_least = 0;
	}
	if (rc == 0)
		set_values(plan, rule->sweep[0].name, &plan->studies[study]);
	return rc;
}

int fl_study_make_values(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan,
			 struct fl_err *err)
{
	struct fl_lane_list list = { 0 };
	int rc = fl_expand_rule(x, rule, &list, err);

	for (size_t i = 0, n; i < list.n && rc == 0; i += n) {
		n = count_values(&list, i);
		rc = add_study(x, rule, &list, i, n, plan, err);
	}
	fl_lane_list_release(&list);
	return rc;
}

/* Does the lane speak for its host, or for its group? A rank that is not measured has no result: the others do. */
static bool speaks(const struct fl_plan_case *c, unsigned lane)
{
	unsigned first = 0;

	if (c->lanes[lane].size > 1)
		return true;
	while (c->lanes[first].host != c->lanes[lane].host)
		first++;
	return first == lane;
}

/* The gain of a lane in the first round of the i-th case; NaN: none, or it has no such lane. */
static double gain_of(const struct fl_plan *plan, const struct fl_study *s, unsigned i, unsigned lane,
		      const struct fl_results *results)
{
	return lane < plan->cases[s->first + i].lanes_n ? fl_results_gain(results, s->first + i, 0, lane) : (double)NAN;
}

/* May a value after these n still bring the lane something? Not if the last two of them each brought less than the
 * tolerance over the best before. *ret_known: it had a result at all, in a direction that is better. */
static bool pays_lane(const struct fl_plan *plan, const struct fl_study *s, unsigned n, unsigned lane,
		      const struct fl_results *results, bool *ret_known)
{
	double best = NAN;
	unsigned missed = 0;

	for (unsigned i = 0; i < n && missed < 2; i++) {
		double gain = gain_of(plan, s, i, lane, results);

		if (!isnan(best))
			missed = gain >= best + FL_TOLERANCE * fabs(best) ? 0 : missed + 1;
		if (isnan(best) || gain > best)
			best = gain;
	}
	*ret_known = !isnan(best);
	return missed < 2;
}

/* May it bring something to any of the lanes, by those of the n values that are measured? Where none has a result, that
 * is never known. */
static bool pays(const struct fl_plan *plan, const struct fl_study *s, unsigned n, const struct fl_results *results)
{
	const struct fl_plan_case *c = &plan->cases[s->first];
	bool any = false;
	unsigned measured = 0;

	while (measured < n && fl_results_rounds(results, s->first + measured) > 0)
		measured++;
	for (unsigned lane = 0; lane < c->lanes_n; lane++) {
		bool known = false;

		if (speaks(c, lane) && pays_lane(plan, s, measured, lane, results, &known) && known)
			return true;
		any |= known;
	}
	return !any;
}

static bool wants(const struct fl_plan *plan, const struct fl_study *s, unsigned i, unsigned round,
		  const struct fl_results *results)
{
	(void)round;
	return !s->range || pays(plan, s, i, results);
}

const struct fl_study_row fl_study_sweep = { .name = "sweep", .make = fl_study_make_values, .wants = wants };
