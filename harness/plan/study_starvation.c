/* SPDX-License-Identifier: Apache-2.0 */
/* study_starvation.c: a closed loop (feedline/bench.h) held against its control and its open loop, all with the same
 * lanes in the same places. Where the first round shows that it is starved, it runs once more in every round with less
 * from the drive than it had: a hop that is to blame must then hold it up more.
 *
 * How much less is chosen from cases that are made before anything is known, so that what comes next stays a function
 * of plan and results: case slowed-i may read 0.8 * 0.7^i of what its lane asks for, and of those the first is measured
 * that is clearly below what the open loop had. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/stats.h"
#include "base/units.h"
#include "plan/parts.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLOWED = 10, LOOP = 0, OPEN = 1, CONTROL = 2, ALWAYS = 3 }; /* cases that every such study has */
enum { STEPS = 10 };						   /* of a demand that a case has time for, at least */

static const char slowed[] = "slowed-", read_limit[] = "read_limit";
/* Of what the sink takes with its data at hand: what a loop moves that is held up for want of data. Of the demand: what
 * the first slowed case may read, each next one so much of the one before. Of what the open loop moved: what is clearly
 * less. */
static const double held_up = 0.95, slowed_first = 0.8, slowed_next = 0.7, clearly_less = 0.6;

static bool is_slowed(const char *value)
{
	return strncmp(value, slowed, sizeof(slowed) - 1) == 0;
}

/* ---- cases */

int fl_starvation_add(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_lane_group *group,
		      struct fl_plan_lane *lanes, size_t n, const char *value, struct fl_plan *plan, struct fl_err *err)
{
	struct fl_study *s = &plan->studies[plan->studies_n - 1];
	char *label = s->cases_n == LOOP ? fl_dup(group->label) : fl_format("%s %s=%s", group->label, FL_RUNG, value);
	int rc = fl_plan_add_case(x, rule, lanes, n, label, plan, err);

	s->values = fl_grow(s->values, s->cases_n + 1, sizeof(*s->values));
	s->values[s->cases_n++] = fl_dup(value);
	free(label);
	return rc;
}

/* bench, source: what the copies of the group's lanes have in place of their own; NULL: theirs. */
static struct fl_plan_lane *copy_lanes(const struct fl_lane_group *group, const char *bench, const char *source)
{
	struct fl_plan_lane *lanes = fl_plan_lanes_copy(group->lanes, group->n);

	for (size_t i = 0; i < group->n; i++) {
		if (bench) {
			free(lanes[i].bench);
			lanes[i].bench = fl_dup(bench);
		}
		if (source)
			fl_plan_lane_set(&lanes[i], "source", source);
	}
	return lanes;
}

/* The option, digits in its canonical text; 0: it is none. */
static uint64_t number_of(const struct fl_plan_lane *lane, const char *option)
{
	const char *text = fl_lane_option(lane, option);
	uint64_t value = 0;

	return text && fl_parse_count(text, &value, NULL) == 0 ? value : 0;
}

/* What the lane asks for, in bytes per second; 0: nothing is known. */
static double demand_of(const struct fl_plan_lane *lane)
{
	uint64_t time_ns = number_of(lane, "step_time");

	return time_ns ? (double)number_of(lane, "step_bytes") / ((double)time_ns / 1e9) : 0;
}

/* Does the loop read its path, so that less of it can be had? */
static bool reads_path(const struct fl_lane_group *group)
{
	const struct fl_rung *rung = fl_ladder_rung(group->entry, &group->lanes[0]);
	const struct fl_field *hop = rung && rung->hop ? fl_field_find(group->entry->fields, rung->hop) : NULL;

	return hop && hop->type == FL_PATH && fl_entry_field(group->entry, read_limit);
}

/* Those whose limit may be. In a calibration nothing changes between passes. */
static int add_slowed(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_lane_group *group,
		      struct fl_plan *plan, struct fl_err *err)
{
	double limit = demand_of(&group->lanes[0]) * slowed_first;
	int rc = 0;

	if (!reads_path(group) || x->settings->passes)
		return 0;
	for (int i = 0; i < SLOWED && rc == 0; i++, limit *= slowed_next) {
		char *value = fl_format("%s%d", slowed, i), *text = fl_format("%.0f", floor(limit)), *canon = NULL;

		if (fl_field_canon(fl_entry_field(group->entry, read_limit), text, &canon, NULL) == 0) {
			struct fl_plan_lane *lanes = copy_lanes(group, NULL, NULL);

			for (size_t k = 0; k < group->n; k++)
				fl_plan_lane_set(&lanes[k], read_limit, canon);
			rc = fl_starvation_add(x, rule, group, lanes, group->n, value, plan, err);
			plan->cases[plan->cases_n - 1].rounds_least = 0;
		}
		free(canon);
		free(text);
		free(value);
	}
	return rc;
}

static int add_study(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_lane_group *group,
		     struct fl_plan *plan, struct fl_err *err)
{
	const struct fl_entry *e = group->entry;
	const struct {
		const char *bench, *source, *value;
	} always[ALWAYS] = { [LOOP] = { NULL, NULL, "loop" },
			     [OPEN] = { e->open_loop, NULL, "open" },
			     [CONTROL] = { e->rungs->bench, e->rungs->source, "control" } };
	struct fl_cpus cpus;
	int rc = 0;

	fl_plan_add_study(plan, rule->study, group->label)->option = fl_dup(FL_RUNG);
	for (int i = 0; i < ALWAYS && rc == 0; i++)
		rc = fl_starvation_add(x, rule, group, copy_lanes(group, always[i].bench, always[i].source), group->n,
				       always[i].value, plan, err);
	if (rc < 0)
		return rc;
	cpus = plan->cases[plan->cases_n - ALWAYS].lanes[0].cpus;
	if (rule->study == FL_STUDY_LADDER)
		rc = fl_ladder_add(x, rule, group, &cpus, plan, err);
	return rc < 0 ? rc : add_slowed(x, rule, group, plan, err);
}

/* ---- how long */

/* By a demand steps may be long, and of few of them nothing can be said: the lanes are given the time for enough of
 * them. Who says step_time knows what is asked for, and keeps the duration. */
static void lengthen(const struct fl_lane_group *group)
{
	uint64_t least = STEPS * number_of(&group->lanes[0], "step_time");
	uint64_t given = number_of(&group->lanes[0], "duration"), wanted = given ? given : FL_PLAN_UNTIL_NS;
	const struct fl_field *field = fl_entry_field(group->entry, "duration");
	char *text, *canon = NULL;

	if (!field || !fl_lane_option(&group->lanes[0], FL_DEMAND))
		return;
	text = fl_format("%lluns", (unsigned long long)(least > wanted ? least : wanted));
	if (fl_field_canon(field, text, &canon, NULL) == 0)
		for (size_t i = 0; i < group->n; i++)
			fl_plan_lane_set(&group->lanes[i], "duration", canon);
	free(canon);
	free(text);
}

/* ---- what cannot be */

static int check_loop(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_lane_group *group,
		      struct fl_err *err)
{
	struct fl_spot spot = { x->suite->source, rule->line, rule->column }, of_source;
	const char *study = fl_study_name(rule->study);

	if (!fl_entry_is_loop(group->entry)) {
		fl_fail_at(spot, err, -EINVAL, "'study: %s' wants a closed loop, and %s is none", study,
			   group->entry->name);
		return fl_hint(err, "closed loops are the benchmarks with rungs in `feedline list --json`");
	}
	if (rule->study != FL_STUDY_LADDER || fl_ladder_rung(group->entry, &group->lanes[0]))
		return 0;
	fl_fail_at(fl_given_text(x, rule, "source", &of_source) && of_source.line ? of_source : spot, err, -EINVAL,
		   "source '%s' is no rung of %s, so it has no ladder", fl_lane_option(&group->lanes[0], "source"),
		   group->entry->name);
	return fl_hint(err, "'study: starvation' does without rungs");
}

int fl_starvation_make(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan,
		       struct fl_err *err)
{
	struct fl_lane_list list = { 0 };
	int rc = fl_expand_rule(x, rule, &list, err);

	for (size_t i = 0; i < list.n && rc == 0; i++) {
		rc = check_loop(x, rule, &list.groups[i], err);
		lengthen(&list.groups[i]);
		if (rc == 0)
			rc = add_study(x, rule, &list.groups[i], plan, err);
	}
	fl_lane_list_release(&list);
	return rc;
}

/* ---- what comes next */

/* Control, open loop, rungs, the loop; in odd rounds backward; slowed always last. */
unsigned fl_starvation_turn(const struct fl_study *s, unsigned i, unsigned round)
{
	unsigned n = 0, turn;

	while (n < s->cases_n && !is_slowed(s->values[n]))
		n++;
	if (i >= n)
		return i;
	if (i == LOOP)
		turn = n - 1;
	else
		turn = i == CONTROL ? 0 : i == OPEN ? 1 : i - 1;
	return round % 2 ? n - 1 - turn : turn;
}

static double of_first_round(const struct fl_results *results, unsigned case_no, unsigned lane)
{
	double value;

	fl_results_values(results, case_no, lane, 1, &value);
	return value;
}

/* The median over the lanes of a host in a closed loop, and the smallest of the open one; NaN: not measured, or there
 * are none. */
static double middle_rate(const struct fl_plan *plan, unsigned case_no, unsigned host, const struct fl_results *results)
{
	const struct fl_plan_case *c = &plan->cases[case_no];
	double *values = fl_zalloc(c->lanes_n, sizeof(*values)), rate = 0;
	size_t n = 0;

	for (size_t i = 0; i < c->lanes_n; i++) {
		if (c->lanes[i].host != host)
			continue;
		values[n] = of_first_round(results, case_no, (unsigned)i);
		rate += values[n++]; /* NaN where any is */
	}
	rate = n && !isnan(rate) ? fl_median(values, n) : (double)NAN;
	free(values);
	return rate;
}

static double least_rate(const struct fl_plan *plan, unsigned case_no, unsigned host, const struct fl_results *results)
{
	const struct fl_plan_case *c = &plan->cases[case_no];
	double least = INFINITY;

	for (size_t i = 0; i < c->lanes_n; i++) {
		double value = c->lanes[i].host == host ? of_first_round(results, case_no, (unsigned)i) : INFINITY;

		if (isnan(value))
			return NAN;
		least = value < least ? value : least;
	}
	return least;
}

/* The first of the slowed cases whose limit is at most that rate; cases_n: none. */
static unsigned find_slowed(const struct fl_plan *plan, const struct fl_study *s, unsigned host, double rate)
{
	for (unsigned i = ALWAYS; i < s->cases_n; i++) {
		const struct fl_plan_case *c = &plan->cases[s->first + i];

		for (size_t k = 0; k < c->lanes_n && is_slowed(s->values[i]); k++)
			if (c->lanes[k].host == host && (double)number_of(&c->lanes[k], read_limit) <= rate)
				return i;
	}
	return s->cases_n;
}

/* The first round decides whether the host needs such a case, and which: its number in the study; cases_n: none. Before
 * it is known, the first of them stands for that one. */
static unsigned choose_slowed(const struct fl_plan *plan, const struct fl_study *s, unsigned host,
			      const struct fl_results *results)
{
	bool known = true;

	for (unsigned i = 0; i < ALWAYS; i++)
		known &= fl_results_rounds(results, s->first + i) > 0;
	if (!known)
		return find_slowed(plan, s, host, INFINITY);
	if (!(middle_rate(plan, s->first + LOOP, host, results) <
	      held_up * middle_rate(plan, s->first + CONTROL, host, results)))
		return s->cases_n; /* the rate of the control: a sink that is slow by itself lacks no data */
	return find_slowed(plan, s, host, least_rate(plan, s->first + OPEN, host, results) * clearly_less);
}

/* A slowed case is measured by all hosts as soon as one needs it. */
bool fl_starvation_wants(const struct fl_plan *plan, const struct fl_study *s, unsigned i, unsigned round,
			 const struct fl_results *results)
{
	unsigned hosts = plan->hosts_n ? (unsigned)plan->hosts_n : 1;

	(void)round;
	for (unsigned host = 0; is_slowed(s->values[i]) && host < hosts; host++)
		if (choose_slowed(plan, s, host, results) == i)
			return true;
	return !is_slowed(s->values[i]);
}

const struct fl_study_row fl_study_starvation = {
	.name = "starvation", .make = fl_starvation_make, .turn = fl_starvation_turn, .wants = fl_starvation_wants
};
