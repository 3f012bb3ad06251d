/* SPDX-License-Identifier: Apache-2.0 */
/* study_beside.c: each group of lanes of a benchmark alone and beside a load, every other round the other way
 * round. It has the same CPUs in both, so that what it loses is what the load takes from its path. */
#include "base/alloc.h"
#include "plan/parts.h"
#include <stdlib.h>

/* The lanes of a group, and the load beside them. */
static struct fl_plan_lane *with_load(const struct fl_lane_group *group, const struct fl_lane_list *load)
{
	struct fl_plan_lane *lanes = fl_zalloc(group->n + load->lanes_n, sizeof(*lanes));
	size_t n = 0;

	for (size_t k = 0; k < group->n; k++)
		lanes[n++] = fl_plan_lane_copy(&group->lanes[k]);
	for (size_t i = 0; i < load->n; i++)
		for (size_t k = 0; k < load->groups[i].n; k++)
			lanes[n++] = fl_plan_lane_copy(&load->groups[i].lanes[k]);
	return lanes;
}

static int add_study(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_lane_group *group,
		     const struct fl_lane_list *load, struct fl_plan *plan, struct fl_err *err)
{
	struct fl_plan_lane *lanes = with_load(group, load);
	struct fl_cpus *cpus = fl_places_together(x, lanes, group->n + load->lanes_n);
	char *others = fl_list_label(load);
	char *label = fl_format("%s beside %s", group->label, others);
	int rc, beside_rc;

	fl_plan_add_study(plan, FL_STUDY_BESIDE, label)->cases_n = 2;
	rc = fl_plan_add_alone(x, rule, group->lanes, group->n, cpus, group->label, plan, err);
	beside_rc = fl_plan_add_case(x, rule, lanes, group->n + load->lanes_n, label, plan, err);
	free(cpus);
	free(label);
	free(others);
	return rc < 0 ? rc : beside_rc;
}

static int make(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan, struct fl_err *err)
{
	return fl_meet_each(x, rule, false, add_study, plan, err);
}

const struct fl_study_row fl_study_beside = { .name = "beside", .make = make, .turn = fl_study_turn_about };
