/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c: a plan as data: what it holds, how long it takes, and its end. */
#include "plan/plan.h"
#include "plan/parts.h"
#include <stdlib.h>
#include <string.h>

/* What a case costs beside the time it measures, seen high: workers start (ms), buffers are filled and checked
 * (hundreds of ms for some GiB), the path warms up. And the longest that a case without a duration measures. */
static const uint64_t overhead_ns = 1000000000, longest_ns = 2000000000;

uint64_t fl_plan_time_ns(const struct fl_plan *plan)
{
	uint64_t total_ns = 0;

	for (size_t i = 0; i < plan->cases_n; i++) {
		const struct fl_plan_case *c = &plan->cases[i];
		uint64_t case_ns = c->rounds * ((c->duration_ns ? c->duration_ns : longest_ns) + overhead_ns);
		bool runs = false;

		for (size_t k = 0; k < c->lanes_n; k++)
			runs |= !c->lanes[k].skip;
		if (runs)
			total_ns += case_ns > (uint64_t)INT64_MAX - total_ns ? (uint64_t)INT64_MAX - total_ns : case_ns;
	}
	return total_ns;
}

const char *fl_lane_option(const struct fl_plan_lane *lane, const char *name)
{
	for (size_t i = 0; i < lane->options_n; i++)
		if (strcmp(lane->options[i].name, name) == 0)
			return lane->options[i].text;
	return NULL;
}

void fl_plan_lane_release(struct fl_plan_lane *lane)
{
	for (size_t i = 0; i < lane->options_n; i++) {
		free(lane->options[i].name);
		free(lane->options[i].text);
	}
	free(lane->options);
	free(lane->bench);
	free(lane->skip);
	free(lane->hint);
}

static void release_case(struct fl_plan_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		fl_plan_lane_release(&c->lanes[i]);
	free(c->lanes);
	free(c->label);
}

void fl_plan_free(struct fl_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->cases_n; i++)
		release_case(&plan->cases[i]);
	for (size_t i = 0; i < plan->require_n; i++)
		free(plan->require[i]);
	free(plan->cases);
	free(plan->require);
	free(plan->suite);
	free(plan);
}
