/* SPDX-License-Identifier: Apache-2.0 */
/* study_solo.c: every lane alone, then all together, every other round the other way round. A lane has the same CPUs in
 * both, so that what it loses is what the others take from its path. Where there is but one lane (a machine with one
 * node, say), nothing can be lost, and it is measured once a round. */
#include "base/alloc.h"
#include "plan/parts.h"
#include <stdlib.h>

/* Every lane of a group alone. cpus: of its first one, where they run together. */
static int add_alone(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_lane_group *group,
		     const struct fl_cpus *cpus, struct fl_plan *plan, struct fl_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < group->n && rc == 0; i++) {
		char *label = fl_lane_label(group, i);

		rc = fl_plan_add_alone(x, rule, &group->lanes[i], 1, &cpus[i], label, plan, err);
		free(label);
	}
	return rc;
}

/* Of all lanes, where they run together. */
static struct fl_cpus *places(const struct fl_expansion *x, const struct fl_lane_list *list)
{
	struct fl_plan_lane *lanes = fl_zalloc(list->lanes_n, sizeof(*lanes));
	struct fl_cpus *cpus;
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		for (size_t k = 0; k < list->groups[i].n; k++)
			lanes[n++] = list->groups[i].lanes[k]; /* borrowed */
	cpus = fl_places_together(x, lanes, n);
	free(lanes);
	return cpus;
}

static int add_study(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
		     struct fl_plan *plan, struct fl_err *err)
{
	char *label = fl_list_label(list);
	struct fl_cpus *cpus = places(x, list);
	size_t lane = 0, n;
	int rc = 0;

	fl_plan_add_study(plan, FL_STUDY_SOLO, label)->cases_n = (unsigned)list->lanes_n + 1;
	for (size_t i = 0; i < list->n && rc == 0; i++) {
		rc = add_alone(x, rule, &list->groups[i], &cpus[lane], plan, err);
		lane += list->groups[i].n;
	}
	if (rc == 0) {
		struct fl_plan_lane *lanes = fl_lane_list_take(list, &n);

		rc = fl_plan_add_case(x, rule, lanes, n, label, plan, err);
	}
	free(cpus);
	free(label);
	return rc;
}

/* A benchmark and the load beside it: neither is more than the other. */
static int add_neighbours(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_lane_group *group,
			  const struct fl_lane_list *load, struct fl_plan *plan, struct fl_err *err)
{
	struct fl_lane_list both = { 0 };
	int rc;

	fl_lane_list_add(&both, group);
	for (size_t i = 0; i < load->n; i++)
		fl_lane_list_add(&both, &load->groups[i]);
	rc = add_study(x, rule, &both, plan, err);
	fl_lane_list_release(&both);
	return rc;
}

static int make(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan, struct fl_err *err)
{
	struct fl_lane_list list = { 0 };
	int rc;

	if (rule->beside)
		return fl_meet_each(x, rule, true, add_neighbours, plan, err);
	rc = fl_expand_rules(x, rule->together, rule->together_n, &list, err);
	if (rc == 0)
		rc = list.lanes_n > 1 ? add_study(x, rule, &list, plan, err) : fl_study_repeat.make(x, rule, plan, err);
	fl_lane_list_release(&list);
	return rc;
}

const struct fl_study_row fl_study_solo = { .name = "solo", .make = make, .turn = fl_study_turn_about };
