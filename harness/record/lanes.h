/* SPDX-License-Identifier: Apache-2.0 */
/* lanes.h: the lanes of a run out of the store, one after the other. For the files of this room. */
#ifndef FL_RECORD_LANES_H
#define FL_RECORD_LANES_H
#include "record/record.h"
#include "record/shared.h"
#include "record/sql.h"

struct fl_lanes {
	struct fl_sql lanes, series, watched;
	struct fl_shared *shared;
	unsigned schema; /* of the file: before 3 nothing was watched */
};

/* Those of the run with that key, by round, case and lane. To be seen at one moment, all of it belongs into one
 * transaction. Ended with fl_lanes_close(), also after a failure. */
int fl_lanes_open(struct fl_store *s, int64_t run_no, struct fl_lanes *ret, struct fl_err *err);
void fl_lanes_close(struct fl_lanes *l); /* a zeroed one is allowed */

/* 1: the next lane, into a fresh record (fl_lane_record_init), which the caller releases whatever happens; 0: there is
 * none; else negative errno. */
int fl_lanes_next(struct fl_lanes *l, struct fl_lane_record *lane, struct fl_err *err);

/* The same of what was seen beside its cases, by round, case, subject and metric, into a zeroed one, which the caller
 * releases whatever happens. After the lanes or between them. */
int fl_lanes_next_watched(struct fl_lanes *l, struct fl_watched *watched, struct fl_err *err);

/* The row of a run and its hosts: all but its lanes and what was seen beside them. */
struct fl_found;
int fl_lanes_run(struct fl_store *s, const struct fl_found *found, struct fl_run *run, struct fl_err *err);

#endif
