/* SPDX-License-Identifier: Apache-2.0 */
/* store_load.c: a whole run out of the store, seen at one moment even while another process adds to it. */
#include "base/alloc.h"
#include "record/blob.h"
#include "record/find.h"
#include "record/schema.h"
#include "record/sql.h"
#include "record/store.h"
#include <errno.h>
#include <string.h>

static int read_run(struct fl_store *s, int64_t no, struct fl_run *run, struct fl_err *err)
{
	struct fl_sql q;
	int rc = fl_sql_open(s, "SELECT plan, machine, environment, declared FROM run WHERE no = ?", &q, err);

	if (rc)
		return rc;
	fl_sql_put_int(&q, no);
	rc = fl_sql_step(&q, err);
	if (rc == 0)
		rc = fl_sql_damaged(s, err, "the row of run '%s' is gone", run->id);
	if (rc == 1) {
		fl_schema_get_json(&q, fl_run_json, run);
		rc = fl_sql_check(&q, err);
	}
	fl_sql_close(&q);
	return rc;
}

static int read_one_series(struct fl_sql *q, struct fl_series *series, struct fl_err *err)
{
	const unsigned char *bytes;
	const char *kind;
	size_t n;
	int rc;

	series->metric = fl_dup(fl_sql_get_word(q));
	kind = fl_sql_get_word(q);
	if (strcmp(kind, "histogram") == 0)
		series->kind = FL_SERIES_HISTOGRAM;
	else if (strcmp(kind, "samples") != 0)
		fl_sql_spoil(q);
	bytes = fl_sql_get_blob(q, &n);
	rc = fl_blob_unpack(bytes ? bytes : (const unsigned char *)"", bytes ? n : 0, series);
	if (rc == -ENOMEM)
		return fl_fail(err, rc, "series '%s': %s", series->metric, strerror(ENOMEM));
	if (rc)
		fl_sql_spoil(q);
	return fl_sql_check(q, err);
}

static int read_series(struct fl_sql *q, int64_t lane_no, struct fl_lane_record *lane, struct fl_err *err)
{
	int rc;

	fl_sql_put_int(q, lane_no);
	while ((rc = fl_sql_step(q, err)) == 1) {
		lane->series = fl_grow(lane->series, lane->series_n + 1, sizeof(*lane->series));
		lane->series[lane->series_n] = (struct fl_series){ 0 };
		rc = read_one_series(q, &lane->series[lane->series_n++], err);
		if (rc)
			return rc;
	}
	return rc;
}

static int read_lane(struct fl_sql *q, struct fl_lane_record *lane, int64_t *ret_no, struct fl_err *err)
{
	int outcome;

	*ret_no = fl_sql_get_int(q, INT64_MIN, INT64_MAX);
	lane->round = (unsigned)fl_sql_get_int(q, 0, UINT32_MAX);
	lane->case_no = (unsigned)fl_sql_get_int(q, 0, UINT32_MAX);
	lane->lane = (unsigned)fl_sql_get_int(q, 0, UINT32_MAX);
	lane->bench = fl_dup(fl_sql_get_word(q));
	outcome = fl_outcome_of(fl_sql_get_word(q));
	if (outcome < 0)
		fl_sql_spoil(q);
	else
		lane->outcome = (enum fl_outcome)outcome;
	lane->reason = fl_sql_get_dup(q);
	lane->hint = fl_sql_get_dup(q);
	fl_schema_get_json(q, fl_lane_json, lane);
	return fl_sql_check(q, err);
}

static int read_lanes(struct fl_sql *lanes, struct fl_sql *series, int64_t run_no, struct fl_run *run,
		      struct fl_err *err)
{
	struct fl_lane_record *lane;
	int64_t no;
	int rc;

	fl_sql_put_int(lanes, run_no);
	while ((rc = fl_sql_step(lanes, err)) == 1) {
		lane = fl_run_add_lane(run);
		rc = read_lane(lanes, lane, &no, err);
		if (rc == 0)
			rc = read_series(series, no, lane, err);
		if (rc)
			return rc;
	}
	return rc;
}

static int read_all(struct fl_store *s, const struct fl_found *found, struct fl_run *run, struct fl_err *err)
{
	struct fl_sql lanes = { 0 }, series = { 0 };
	int rc = read_run(s, found->no, run, err);

	if (rc == 0)
		rc = fl_sql_open(s,
				 "SELECT no, round, case_no, lane, bench, outcome, reason, hint, options, placement,"
				 " facts, caps, distrust, notes FROM lane WHERE run = ? ORDER BY round, case_no, lane",
				 &lanes, err);
	if (rc == 0)
		rc = fl_sql_open(s, "SELECT metric, kind, data FROM series WHERE lane = ? ORDER BY no", &series, err);
	if (rc == 0)
		rc = read_lanes(&lanes, &series, found->no, run, err);
	fl_sql_close(&lanes);
	fl_sql_close(&series);
	return rc;
}

static int load(struct fl_store *s, const char *id, struct fl_run *run, struct fl_err *err)
{
	struct fl_found found;
	int rc = fl_find_run(s, id, &found, err);

	if (rc)
		return rc;
	memcpy(run->id, found.row.id, sizeof(run->id));
	run->started_ns = found.row.started_ns;
	run->finished = found.row.state == FL_FINISHED;
	run->status = found.row.status;
	return read_all(s, &found, run, err);
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
