/* SPDX-License-Identifier: Apache-2.0 */
/* store_load.c: a whole run out of the store, seen at one moment even while another process adds to it. */
#include "base/alloc.h"
#include "record/find.h"
#include "record/lanes.h"
#include "record/store.h"

static int read_lanes(struct fl_lanes *lanes, struct fl_run *run, struct fl_err *err)
{
	struct fl_lane_record lane;
	int rc;

	for (;;) {
		fl_lane_record_init(&lane);
		rc = fl_lanes_next(lanes, &lane, err);
		if (rc != 1)
			break;
		run->lanes = fl_grow_to_hold(run->lanes, run->lanes_n, sizeof(*run->lanes));
		run->lanes[run->lanes_n++] = lane;
	}
	fl_lane_record_release(&lane);
	return rc;
}

static int read_watched(struct fl_lanes *lanes, struct fl_run *run, struct fl_err *err)
{
	struct fl_watched w;
	int rc;

	for (;;) {
		w = (struct fl_watched){ 0 };
		rc = fl_lanes_next_watched(lanes, &w, err);
		if (rc != 1)
			break;
		*fl_run_add_watched(run) = w;
	}
	fl_watched_release(&w);
	return rc;
}

static int load(struct fl_store *s, const char *id, struct fl_run *run, struct fl_err *err)
{
	struct fl_lanes lanes = { 0 };
	struct fl_found found;
	int rc = fl_find_run(s, id, &found, err);

	if (rc == 0)
		rc = fl_lanes_run(s, &found, run, err);
	if (rc == 0)
		rc = fl_lanes_open(s, found.no, &lanes, err);
	if (rc == 0)
		rc = read_lanes(&lanes, run, err);
	if (rc == 0)
		rc = read_watched(&lanes, run, err);
	fl_lanes_close(&lanes);
	return rc;
}

int fl_store_load(struct fl_store *s, const char *id, struct fl_run **ret, struct fl_err *err)
{
	struct fl_run *run;
	int rc = fl_sql_begin_reading(s, err);

	if (rc)
		return rc;
	run = fl_zalloc(1, sizeof(*run));
	rc = fl_sql_end(s, load(s, id, run, err), err);
	if (rc)
		fl_run_free(run);
	else
		*ret = run;
	return rc;
}
