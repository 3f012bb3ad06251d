/* SPDX-License-Identifier: Apache-2.0 */
/* study_sweep.c: one option over its values, for every combination of devices. Of a range that doubles, the first round
 * goes upward as long as that pays; the rounds after it measure what the first one did. */
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

/* May a value after these still bring something? Not if the last two of them each brought less than the tolerance over
 * the best before. Where nothing could be better (no result, no direction) that is never known. */
static bool pays(const struct fl_study *s, unsigned n, const struct fl_results *results)
{
	double best = NAN;
	unsigned missed = 0;

	for (unsigned i = 0; i < n && missed < 2; i++) {
		double gain = fl_results_gain(results, s->first + i, 0, 0);

		if (fl_results_rounds(results, s->first + i) == 0)
			return true;
		if (!isnan(best))
			missed = gain >= best + FL_TOLERANCE * fabs(best) ? 0 : missed + 1;
		if (isnan(best) || gain > best)
			best = gain;
	}
	return missed < 2;
}

static bool wants(const struct fl_plan *plan, const struct fl_study *s, unsigned i, unsigned round,
		  const struct fl_results *results)
{
	(void)plan;
	(void)round;
	return !s->range || pays(s, i, results);
}

const struct fl_study_row fl_study_sweep = { .name = "sweep", .make = fl_study_make_values, .wants = wants };
