/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c: a plan as data: what it holds, and its end. */
#include "plan/plan.h"
#include "base/alloc.h"
#include "plan/parts.h"
#include <stdlib.h>
#include <string.h>

const char *fl_lane_option(const struct fl_plan_lane *lane, const char *name)
{
	for (size_t i = 0; i < lane->options_n; i++)
		if (strcmp(lane->options[i].name, name) == 0)
			return lane->options[i].text;
	return NULL;
}

static const char *option_text(const void *lane, const char *name)
{
	return fl_lane_option(lane, name);
}

bool fl_lane_has_flow(const struct fl_plan_lane *lane, const struct fl_entry *entry, const struct fl_flow *flow)
{
	return fl_flow_holds(entry, flow, option_text, lane);
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

struct fl_plan_lane fl_plan_lane_copy(const struct fl_plan_lane *lane)
{
	struct fl_plan_lane copy = *lane;

	copy.bench = fl_dup(lane->bench);
	copy.skip = fl_dup(lane->skip);
	copy.hint = fl_dup(lane->hint);
	copy.options = fl_zalloc(lane->options_n, sizeof(*copy.options));
	for (size_t i = 0; i < lane->options_n; i++)
		copy.options[i] = (struct fl_option){ fl_dup(lane->options[i].name), fl_dup(lane->options[i].text) };
	return copy;
}

struct fl_plan_lane *fl_plan_lanes_copy(const struct fl_plan_lane *lanes, size_t n)
{
	struct fl_plan_lane *copy = fl_zalloc(n, sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = fl_plan_lane_copy(&lanes[i]);
	return copy;
}

void fl_plan_lane_set(struct fl_plan_lane *lane, const char *name, const char *text)
{
	for (size_t i = 0; i < lane->options_n; i++)
		if (strcmp(lane->options[i].name, name) == 0) {
			free(lane->options[i].text);
			lane->options[i].text = fl_dup(text);
			return;
		}
	lane->options = fl_grow(lane->options, lane->options_n + 1, sizeof(*lane->options));
	lane->options[lane->options_n++] = (struct fl_option){ fl_dup(name), fl_dup(text) };
}

static void release_case(struct fl_plan_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		fl_plan_lane_release(&c->lanes[i]);
	free(c->lanes);
	free(c->label);
	free(c->across);
}

static void release_study(struct fl_study *s)
{
	for (size_t i = 0; s->values && i < s->cases_n; i++)
		free(s->values[i]);
	free(s->values);
	free(s->option);
	free(s->label);
}

static void free_names(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

void fl_plan_release(struct fl_plan *plan)
{
	for (size_t i = 0; i < plan->cases_n; i++)
		release_case(&plan->cases[i]);
	for (size_t i = 0; i < plan->studies_n; i++)
		release_study(&plan->studies[i]);
	free_names(plan->require, plan->require_n);
	free_names(plan->primary, plan->primary_n);
	free_names(plan->hosts, plan->hosts_n);
	free(plan->cases);
	free(plan->studies);
	free(plan->suite);
	free(plan->visible_gpus);
	free(plan->gpu_order);
}

void fl_plan_free(struct fl_plan *plan)
{
	if (!plan)
		return;
	fl_plan_release(plan);
	free(plan);
}
