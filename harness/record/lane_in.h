/* SPDX-License-Identifier: Apache-2.0 */
/* lane_in.h: the lane of a line, read. For the files of this room. */
#ifndef FL_RECORD_LANE_IN_H
#define FL_RECORD_LANE_IN_H
#include "record/record.h"
#include "record/scan.h"
#include "record/shared.h"

/* What is used again from lane to lane. */
struct fl_lane_in {
	struct fl_shared *shared;
	double *at, *value; /* room for that many */
	uint8_t *valid;
	size_t room;
};

/* The object at which the scan stands into a fresh record, which the caller releases whatever happens. What is wrong is
 * in the scan. */
void fl_lane_in_read(struct fl_lane_in *in, struct fl_scan *s, struct fl_lane_record *lane);
/* The same of what a line says was watched, into a zeroed one. */
void fl_watched_in_read(struct fl_lane_in *in, struct fl_scan *s, struct fl_watched *watched);
void fl_lane_in_release(struct fl_lane_in *in);

#endif
