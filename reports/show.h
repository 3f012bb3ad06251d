/* SPDX-License-Identifier: Apache-2.0 */
/* show.h: what the store holds of a run, raw: no verdicts, no limits (that is a report). */
#ifndef FL_REPORTS_SHOW_H
#define FL_REPORTS_SHOW_H
#include "record/store.h"
#include "reports/reports.h"

struct fl_shown {
	const struct fl_run *run;
	enum fl_run_state state;
	bool samples; /* the samples themselves, not only the medians of the rounds */
};

/* For people: at most 100 lanes, and of a round at most 100 samples; what is left out is counted. */
void fl_show_text(const struct fl_shown *shown, const struct fl_look *look, struct fl_text *out);
/* All of it; new reference. */
json_t *fl_show_json(const struct fl_shown *shown);

/* ---- what both share: the records of a run by case and lane, each lane's rounds in their order */
struct fl_show_lane {
	const struct fl_lane_record *const *rounds;
	size_t n; /* at least 1 */
};
struct fl_show_lanes {
	const struct fl_lane_record **sorted;
	struct fl_show_lane *items;
	size_t n;
};
struct fl_show_lanes fl_show_lanes_make(const struct fl_run *run);
void fl_show_lanes_release(struct fl_show_lanes *lanes);
/* The series of that metric, NULL: that round has none. */
const struct fl_series *fl_show_series(const struct fl_lane_record *record, const char *metric);
/* The names of the metrics that any round has, in the order in which they come; borrowed, the list is malloc'd. */
const char **fl_show_metrics(const struct fl_show_lane *lane, size_t *ret_n);

#endif
