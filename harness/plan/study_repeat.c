/* SPDX-License-Identifier: Apache-2.0 */
/* study_repeat.c: plain rounds of every case of a rule. With a least and a most of them, a case is over as soon as the
 * interval of each of its lanes is narrow. */
#include "base/alloc.h"
#include "base/stats.h"
#include "judge/judge.h" /* FL_TOLERANCE */
#include "plan/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Every group a case of its own. */
static int add_each(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
		    struct fl_plan *plan, struct fl_err *err)
{
	const char *label = list->n == 1 ? list->groups[0].label : rule->bench;
	int rc = 0;

	fl_plan_add_study(plan, FL_STUDY_REPEAT, label)->cases_n = (unsigned)list->n;
	for (size_t i = 0; i < list->n && rc == 0; i++) {
		size_t n;
		struct fl_plan_lane *lanes = fl_lane_group_take(&list->groups[i], &n);

		rc = fl_plan_add_case(x, rule, lanes, n, list->groups[i].label, plan, err);
	}
	return rc;
}

/* ---- devices at once: groups that differ in those alone are one case */

/* Lanes that make one measurement together stay together, and others of the same round are groups of their own. */
static void add_measurements(struct fl_lane_list *all, const struct fl_lane_group *group)
{
	size_t size = group->lanes->size > 1 ? group->lanes->size : group->n, i = 0;

	do { /* one at least */
		struct fl_lane_group one = *group;

		one.lanes += i;
		one.n = size;
		fl_lane_list_add(all, &one);
		i += size;
	} while (i < group->n);
}

/* The groups from i on with the same stem: into one list; those taken have no stem any more. ret_n: how many there
 * were. */
static struct fl_lane_list gather(struct fl_lane_list *list, size_t i, size_t *ret_n)
{
	char *stem = list->groups[i].stem;
	struct fl_lane_list all = { 0 };

	*ret_n = 0;
	for (size_t k = i; k < list->n; k++) {
		struct fl_lane_group *group = &list->groups[k];

		if (!group->stem || strcmp(group->stem, stem) != 0)
			continue;
		add_measurements(&all, group);
		++*ret_n;
		if (k != i)
			free(group->stem);
		group->stem = NULL;
	}
	free(stem);
	return all;
}

/* "gpu.p2p from=gpu-A to=all", with the relation where it is not simply each with each. */
static char *label_at_once(const struct fl_rule *rule, const struct fl_lane_list *all)
{
	const char *relation = fl_relation_names(&(size_t){ 0 })[rule->relation];
	struct fl_text t = { 0 };

	fl_text_add(&t, "%s", all->groups[0].stem);
	for (size_t i = 0; i < rule->at_once_n; i++)
		fl_text_add(&t, " %s=all", rule->at_once[i].name);
	if (rule->pairs && rule->relation != FL_RELATION_ALL && rule->relation != FL_RELATION_DISTINCT)
		fl_text_add(&t, " (%s)", relation);
	return t.bytes;
}

static bool is_skipped(const struct fl_lane_group *group)
{
	for (size_t k = 0; k < group->n; k++)
		if (group->lanes[k].skip)
			return true;
	return false;
}

/* Takes those that cannot be measured out of a list where others are left to be measured at once. */
static struct fl_lane_list leave_out(struct fl_lane_list *all)
{
	struct fl_lane_list out = { 0 };
	size_t kept = 0, measured = 0;

	for (size_t i = 0; i < all->n; i++) {
		size_t n = all->groups[i].n / all->groups[i].lanes->size; /* measurements */

		measured += n;
		kept += is_skipped(&all->groups[i]) ? 0 : n;
	}
	if (kept < 2 || kept == measured)
		return out;
	kept = 0;
	for (size_t i = 0; i < all->n; i++) {
		struct fl_lane_group *group = &all->groups[i];
		struct fl_lane_list *to = is_skipped(group) ? &out : all;

		if (to == &out)
			out.groups = fl_grow(out.groups, out.n + 1, sizeof(*out.groups));
		to->groups[to == &out ? out.n++ : kept++] = *group;
		out.lanes_n += to == &out ? group->n : 0;
	}
	all->n = kept;
	all->lanes_n -= out.lanes_n;
	return out;
}

static int add_lanes(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
		     const char *label, struct fl_plan *plan, struct fl_err *err)
{
	size_t n;
	struct fl_plan_lane *lanes = fl_lane_list_take(list, &n);

	return fl_plan_add_case(x, rule, lanes, n, label, plan, err);
}

static const char left_out[] = ", left out";

bool fl_is_left_out(const struct fl_plan_case *c)
{
	size_t n = strlen(c->label), end = strlen(left_out);

	return n > end && strcmp(c->label + n - end, left_out) == 0;
}

/* Of one device: there are no others. */
static void skip_only(struct fl_lane_list *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct fl_plan_lane *lane = all->groups[i].lanes;

		if (lane->skip)
			continue;
		lane->skip = fl_dup("there is but one: nothing runs at once with it");
		lane->hint = fl_dup("a rule without 'at_once' measures it alone");
	}
}

/* All that can be measured are one case, so that one device that is used or hidden does not cost what all others do at
 * once. Those left out are a case, too: each says why. */
static int add_at_once(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *all, bool only,
		       size_t study, struct fl_plan *plan, struct fl_err *err)
{
	char *label = label_at_once(rule, all);
	struct fl_lane_list out = { 0 };
	int rc;

	if (only)
		skip_only(all);
	else
		out = leave_out(all);
	rc = add_lanes(x, rule, all, label, plan, err);
	plan->studies[study].cases_n++;
	if (rc == 0 && out.n) {
		char *label_out = fl_format("%s%s", label, left_out);

		rc = add_lanes(x, rule, &out, label_out, plan, err);
		plan->studies[study].cases_n++;
		free(label_out);
	}
	fl_lane_list_release(&out);
	free(label);
	return rc;
}

static int add_all_at_once(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
			   struct fl_plan *plan, struct fl_err *err)
{
	size_t study = plan->studies_n;
	int rc = 0;

	fl_plan_add_study(plan, FL_STUDY_REPEAT, rule->bench);
	for (size_t i = 0; i < list->n && rc == 0; i++) {
		struct fl_lane_list all;
		size_t n;

		if (!list->groups[i].stem)
			continue;
		all = gather(list, i, &n);
		rc = add_at_once(x, rule, &all, n == 1, study, plan, err);
		fl_lane_list_release(&all);
	}
	return rc;
}

/* The lanes of all rules are one case. */
static int add_together(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
			struct fl_plan *plan, struct fl_err *err)
{
	char *label = fl_list_label(list);
	size_t n;
	struct fl_plan_lane *lanes = fl_lane_list_take(list, &n);
	int rc;

	fl_plan_add_study(plan, FL_STUDY_REPEAT, label)->cases_n = 1;
	rc = fl_plan_add_case(x, rule, lanes, n, label, plan, err);
	free(label);
	return rc;
}

static int make(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan, struct fl_err *err)
{
	struct fl_lane_list list = { 0 };
	int rc = rule->bench ? fl_expand_rule(x, rule, &list, err)
			     : fl_expand_rules(x, rule->together, rule->together_n, &list, err);

	if (rc == 0 && rule->at_once)
		rc = add_all_at_once(x, rule, &list, plan, err);
	else if (rc == 0)
		rc = rule->bench ? add_each(x, rule, &list, plan, err) : add_together(x, rule, &list, plan, err);
	fl_lane_list_release(&list);
	return rc;
}

/* Is the interval over its round medians no wider than the tolerance? A lane without any has nothing to narrow. */
static bool is_narrow(const struct fl_results *results, unsigned case_no, unsigned lane, unsigned rounds)
{
	double *values = fl_zalloc(rounds, sizeof(*values));
	struct fl_interval interval;
	size_t n = 0;

	fl_results_values(results, case_no, lane, rounds, values);
	for (unsigned i = 0; i < rounds; i++)
		if (!isnan(values[i]))
			values[n++] = values[i];
	interval = fl_median_interval(values, n);
	free(values);
	return n == 0 || interval.high - interval.low <= FL_TOLERANCE * fabs(interval.median);
}

static bool wants(const struct fl_plan *plan, const struct fl_study *s, unsigned i, unsigned round,
		  const struct fl_results *results)
{
	const struct fl_plan_case *c = &plan->cases[s->first + i];

	if (round < c->rounds_least)
		return true;
	for (unsigned lane = 0; lane < c->lanes_n; lane++)
		if (!is_narrow(results, s->first + i, lane, round))
			return true;
	return false;
}

const struct fl_study_row fl_study_repeat = { .name = "repeat", .make = make, .wants = wants };
