/* SPDX-License-Identifier: Apache-2.0 */
/* record.c: the plain data of a run: making, growing and releasing it. */
#include "record/record.h"
#include "base/alloc.h"
#include <stdlib.h>
#include <string.h>

static const char *const outcome_names[] = {
	[FL_MEASURED] = "measured",
	[FL_NOT_MEASURED] = "not measured",
	[FL_INVALID] = "invalid",
};

struct fl_lane_record *fl_run_add_lane(struct fl_run *run)
{
	struct fl_lane_record *lane;

	run->lanes = fl_grow(run->lanes, run->lanes_n + 1, sizeof(*run->lanes));
	lane = &run->lanes[run->lanes_n++];
	*lane = (struct fl_lane_record){
		.options = json_null(),
		.placement = json_null(),
		.facts = json_null(),
		.caps = json_null(),
		.distrust = json_null(),
		.notes = json_null(),
	};
	return lane;
}

void fl_lane_record_release(struct fl_lane_record *lane)
{
	for (size_t i = 0; i < lane->series_n; i++) {
		free(lane->series[i].metric);
		free(lane->series[i].at);
		free(lane->series[i].value);
		free(lane->series[i].valid);
	}
	free(lane->series);
	free(lane->bench);
	free(lane->reason);
	free(lane->hint);
	json_decref(lane->options);
	json_decref(lane->placement);
	json_decref(lane->facts);
	json_decref(lane->caps);
	json_decref(lane->distrust);
	json_decref(lane->notes);
	*lane = (struct fl_lane_record){ 0 };
}

void fl_run_free(struct fl_run *run)
{
	if (!run)
		return;
	for (size_t i = 0; i < run->lanes_n; i++)
		fl_lane_record_release(&run->lanes[i]);
	free(run->lanes);
	json_decref(run->plan);
	json_decref(run->machine);
	json_decref(run->environment);
	json_decref(run->declared);
	free(run);
}

const char *fl_outcome_name(enum fl_outcome outcome)
{
	return outcome_names[outcome];
}

int fl_outcome_of(const char *name)
{
	for (size_t i = 0; i < sizeof(outcome_names) / sizeof(outcome_names[0]); i++)
		if (strcmp(outcome_names[i], name) == 0)
			return (int)i;
	return -1;
}
