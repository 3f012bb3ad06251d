/* SPDX-License-Identifier: Apache-2.0 */
/* study_solo.c: every lane alone, then all together, every other round the other way round. A lane has the same CPUs in
 * both, so that what it loses is what the others take from its path. Where there is but one lane (a machine with one
 * node, say), nothing can be lost, and it is measured once a round. */
#include "base/alloc.h"
#include "plan/parts.h"
#include <stdlib.h>

/* The lanes given to the last case; the list keeps their labels. */
static int add_together(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
			const char *label, struct fl_plan *plan, struct fl_err *err)
{
	struct fl_plan_lane *lanes = list->lanes;

	list->lanes = fl_zalloc(list->n, sizeof(*lanes));
	return fl_plan_add_case(x, rule, lanes, list->n, label, plan, err);
}

static int add_study(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
		     struct fl_plan *plan, struct fl_err *err)
{
	char *label = fl_join_labels(list->labels, list->n);
	struct fl_cpus *cpus = fl_places_together(x, list->lanes, list->n);
	int rc = 0;

	fl_plan_add_study(plan, FL_STUDY_SOLO, label)->cases_n = (unsigned)list->n + 1;
	for (size_t i = 0; i < list->n && rc == 0; i++)
		rc = fl_plan_add_alone(x, rule, &list->lanes[i], &cpus[i], list->labels[i], plan, err);
	if (rc == 0)
		rc = add_together(x, rule, list, label, plan, err);
	free(cpus);
	free(label);
	return rc;
}

static int make(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan, struct fl_err *err)
{
	struct fl_lane_list list = { 0 };
	int rc = fl_expand_rules(x, rule->together, rule->together_n, &list, err);

	if (rc == 0)
		rc = list.n > 1 ? add_study(x, rule, &list, plan, err) : fl_study_repeat.make(x, rule, plan, err);
	fl_lane_list_release(&list);
	return rc;
}

const struct fl_study_row fl_study_solo = { .name = "solo", .make = make, .turn = fl_study_turn_about };
