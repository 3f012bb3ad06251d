/* SPDX-License-Identifier: Apache-2.0 */
/* study_calibration.c: passes of rounds between which nothing changes. A pass is what a later run would be, so that
 * what differs between passes is what a comparison would see without any cause. */
#include "base/alloc.h"
#include "base/stats.h"
#include "judge/change.h"
#include "plan/parts.h"
#include <errno.h>
#include <stdlib.h>

enum { PASSES_LEAST = FL_NOISE_PASSES, PASSES_MOST = 10 };

static void clear_values(struct fl_study *s)
{
	for (unsigned i = 0; s->values && i < s->cases_n; i++)
		free(s->values[i]);
	free(s->values);
	free(s->option);
	s->values = NULL;
	s->option = NULL;
	s->range = false;
}

static bool is_across(const struct fl_plan *plan, const struct fl_study *s)
{
	return plan->cases[s->first].lanes[0].size > 1;
}

/* Every round of hosts that meet is a study of its own: a host that rests in one still has all of the others. */
static void split(struct fl_plan *plan, size_t first)
{
	struct fl_study *before = plan->studies;
	size_t n = plan->studies_n;

	plan->studies = fl_zalloc(plan->cases_n, sizeof(*plan->studies));
	plan->studies_n = 0;
	for (size_t i = 0; i < n; i++) {
		struct fl_study s = before[i];

		if (i < first || !is_across(plan, &s)) {
			plan->studies[plan->studies_n++] = s;
			continue;
		}
		for (unsigned k = 0; k < s.cases_n; k++)
			plan->studies[plan->studies_n++] =
				(struct fl_study){ .kind = s.kind,
						   .label = fl_dup(plan->cases[s.first + k].label),
						   .first = s.first + k,
						   .cases_n = 1 };
		free(s.label);
	}
	free(before);
}

int fl_plan_calibrate(const struct fl_expansion *x, const struct fl_rule *rule, unsigned passes, size_t first,
		      struct fl_plan *plan, struct fl_err *err)
{
	struct fl_spot spot = { x->suite->source, rule->line, rule->column };
	unsigned least = passes < PASSES_LEAST ? passes : PASSES_LEAST;

	if ((uint64_t)passes * rule->repeat > FL_ROUNDS_MAX)
		return fl_fail_at(spot, err, -EINVAL, "%u passes of %u rounds are more than %d rounds", passes,
				  rule->repeat, FL_ROUNDS_MAX);
	for (size_t i = first; i < plan->studies_n; i++) {
		struct fl_study *s = &plan->studies[i];

		clear_values(s);
		s->kind = FL_STUDY_CALIBRATION;
		for (unsigned k = 0; k < s->cases_n; k++) {
			struct fl_plan_case *c = &plan->cases[s->first + k];

			c->pass_rounds = rule->repeat;
			c->rounds = passes * rule->repeat;
			c->rounds_least = least * rule->repeat;
		}
	}
	split(plan, first);
	return 0;
}

static int make(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan, struct fl_err *err)
{
	size_t first = plan->studies_n;
	int rc = fl_study_repeat.make(x, rule, plan, err);

	return rc < 0 || x->settings->passes ? rc : fl_plan_calibrate(x, rule, PASSES_MOST, first, plan, err);
}

/* How far the passes in the first rounds of a lane differ. */
static double spread_of(const struct fl_results *results, unsigned case_no, unsigned lane, unsigned rounds,
			unsigned pass_rounds)
{
	double *values = fl_zalloc(rounds, sizeof(*values)), spread;

	fl_results_values(results, case_no, lane, rounds, values);
	spread = fl_spread_of_passes(values, rounds, pass_rounds);
	free(values);
	return spread;
}

/* After the least number of passes a case is over where the passes of each lane lie within half the tolerance of a
 * calibrated machine: more of them would not move its line. To end where the spread has just stopped growing would be
 * to choose the passes that look quiet. */
static bool wants(const struct fl_plan *plan, const struct fl_study *s, unsigned i, unsigned round,
		  const struct fl_results *results)
{
	const struct fl_plan_case *c = &plan->cases[s->first + i];

	if (round < c->rounds_least || round % c->pass_rounds)
		return true;
	for (unsigned lane = 0; lane < c->lanes_n; lane++)
		if (spread_of(results, s->first + i, lane, round, c->pass_rounds) > FL_CHANGE_TOLERANCE_CALIBRATED / 2)
			return true;
	return false;
}

const struct fl_study_row fl_study_calibration = { .name = "calibration", .make = make, .wants = wants };
