/* SPDX-License-Identifier: Apache-2.0 */
/* study_ladder.c: starvation, and every other rung of the loop: the same path with fewer hops, or with other ones. A
 * rung is measured by one lane alone, where the first one sits among the others, so that it shows what a hop gives
 * before others take from it. */
#include "base/alloc.h"
#include "plan/parts.h"
#include <stdlib.h>
#include <string.h>

const struct fl_rung *fl_ladder_rung(const struct fl_entry *entry, const struct fl_plan_lane *lane)
{
	const char *source = fl_lane_option(lane, "source");

	for (const struct fl_rung *r = entry->rungs; source && r->name; r++)
		if (strcmp(r->source, source) == 0)
			return r;
	return NULL;
}

/* One lane of that rung, alone. With another source it may be one that cannot be measured here. */
static struct fl_plan_lane *make_lane(const struct fl_expansion *x, const struct fl_lane_group *group,
				      const struct fl_rung *rung)
{
	struct fl_plan_lane *lane = fl_plan_lanes_copy(group->lanes, 1);
	const struct fl_entry *entry;

	if (rung->bench) {
		free(lane->bench);
		lane->bench = fl_dup(rung->bench);
	}
	fl_plan_lane_set(lane, "source", rung->source);
	if (group->entry->lanes)
		fl_plan_lane_set(lane, group->entry->lanes, "1");
	if (!lane->skip && fl_catalog_find(x->catalog, lane->bench, &entry, NULL) == 0)
		fl_skip_lane(x, entry, lane);
	return lane;
}

/* The case "open" is that already. */
static bool is_open(const struct fl_lane_group *group, const struct fl_rung *rung)
{
	return group->n == 1 && rung == fl_ladder_rung(group->entry, &group->lanes[0]) && rung->bench &&
	       strcmp(rung->bench, group->entry->open_loop) == 0;
}

int fl_ladder_add(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_lane_group *group,
		  const struct fl_cpus *cpus, struct fl_plan *plan, struct fl_err *err)
{
	int rc = 0;

	for (const struct fl_rung *r = group->entry->rungs + 1; r->name && rc == 0; r++) {
		struct fl_plan_lane *lane;

		if (is_open(group, r))
			continue;
		lane = make_lane(x, group, r);
		rc = fl_starvation_add(x, rule, group, lane, 1, r->name, plan, err);
		if (lane->skip || fl_cpus_count(cpus) == 0)
			continue;
		lane->cpus = *cpus;
		fl_place_alone(x->catalog, lane);
	}
	return rc;
}

const struct fl_study_row fl_study_ladder = {
	.name = "ladder", .make = fl_starvation_make, .turn = fl_starvation_turn, .wants = fl_starvation_wants
};
