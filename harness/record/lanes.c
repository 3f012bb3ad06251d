/* SPDX-License-Identifier: Apache-2.0 */
/* lanes.c: rows to records. What repeats from lane to lane is parsed once. */
#include "record/lanes.h"
#include "base/alloc.h"
#include "record/blob.h"
#include "record/find.h"
#include "record/schema.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WATCHED_SINCE = 3, HOSTS_SINCE = 4 }; /* schema */

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
		fl_schema_get_json(&q, fl_run_json, NULL, run);
		rc = fl_sql_check(&q, err);
	}
	fl_sql_close(&q);
	return rc;
}

static int read_host(struct fl_sql *q, struct fl_run *run, struct fl_err *err)
{
	struct fl_run_host *host = fl_run_add_host(run, "", NULL, NULL);

	if (fl_sql_get_int(q, 0, FL_RUN_HOSTS_MAX - 1) != (int64_t)run->hosts_n - 1)
		fl_sql_spoil(q);
	free(host->name);
	host->name = fl_dup(fl_sql_get_word(q));
	fl_schema_get_json(q, fl_host_json, NULL, host);
	return fl_sql_check(q, err);
}

static int read_hosts(struct fl_store *s, int64_t no, struct fl_run *run, struct fl_err *err)
{
	struct fl_sql q;
	int rc;

	if (s->schema < HOSTS_SINCE)
		return 0;
	rc = fl_sql_open(s, "SELECT place, name, machine, environment FROM host WHERE run = ? ORDER BY place", &q, err);
	if (rc)
		return rc;
	fl_sql_put_int(&q, no);
	while ((rc = fl_sql_step(&q, err)) == 1 && (rc = read_host(&q, run, err)) == 0)
		;
	fl_sql_close(&q);
	return rc;
}

int fl_lanes_run(struct fl_store *s, const struct fl_found *found, struct fl_run *run, struct fl_err *err)
{
	int rc;

	memcpy(run->id, found->row.id, sizeof(run->id));
	run->started_ns = found->row.started_ns;
	run->finished = found->row.state == FL_FINISHED;
	run->status = found->row.status;
	rc = read_run(s, found->no, run, err);
	return rc ? rc : read_hosts(s, found->no, run, err);
}

/* ---- lanes */

/* The last column of a row: the arrays. */
static int read_arrays(struct fl_sql *q, const char *metric, struct fl_series *series, struct fl_err *err)
{
	const unsigned char *bytes;
	size_t n;
	int rc;

	bytes = fl_sql_get_blob(q, &n);
	rc = fl_blob_unpack(bytes ? bytes : (const unsigned char *)"", bytes ? n : 0, metric, series);
	if (rc == -ENOMEM)
		return fl_fail(err, rc, "series '%s': %s", metric, strerror(ENOMEM));
	if (rc)
		fl_sql_spoil(q);
	return fl_sql_check(q, err);
}

static int read_one_series(struct fl_sql *q, struct fl_series *series, struct fl_err *err)
{
	const char *metric = fl_sql_get_word(q), *kind = fl_sql_get_word(q);

	if (strcmp(kind, "histogram") == 0)
		series->kind = FL_SERIES_HISTOGRAM;
	else if (strcmp(kind, "samples") != 0)
		fl_sql_spoil(q);
	return read_arrays(q, metric, series, err);
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

static int read_lane(struct fl_lanes *l, struct fl_lane_record *lane, int64_t *ret_no, struct fl_err *err)
{
	struct fl_sql *q = &l->lanes;
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
	fl_schema_get_json(q, fl_lane_json, l->shared, lane);
	return fl_sql_check(q, err);
}

int fl_lanes_open(struct fl_store *s, int64_t run_no, struct fl_lanes *ret, struct fl_err *err)
{
	struct fl_lanes l = { 0 };
	int rc = fl_sql_open(s,
			     "SELECT no, round, case_no, lane, bench, outcome, reason, hint, options, placement,"
			     " facts, caps, distrust, notes FROM lane WHERE run = ? ORDER BY round, case_no, lane",
			     &l.lanes, err);

	if (rc == 0)
		rc = fl_sql_open(s, "SELECT metric, kind, data FROM series WHERE lane = ? ORDER BY no", &l.series, err);
	if (rc == 0 && s->schema >= WATCHED_SINCE)
		rc = fl_sql_open(s,
				 "SELECT round, case_no, subject, metric, data FROM watched WHERE run = ?"
				 " ORDER BY round, case_no, subject, metric",
				 &l.watched, err);
	if (rc) {
		fl_lanes_close(&l);
		return rc;
	}
	fl_sql_put_int(&l.lanes, run_no);
	if (s->schema >= WATCHED_SINCE)
		fl_sql_put_int(&l.watched, run_no);
	l.schema = (unsigned)s->schema;
	l.shared = fl_shared_make();
	*ret = l;
	return 0;
}

void fl_lanes_close(struct fl_lanes *l)
{
	fl_sql_close(&l->lanes);
	fl_sql_close(&l->series);
	fl_sql_close(&l->watched);
	fl_shared_free(l->shared);
	*l = (struct fl_lanes){ 0 };
}

int fl_lanes_next(struct fl_lanes *l, struct fl_lane_record *lane, struct fl_err *err)
{
	int64_t no;
	int rc = fl_sql_step(&l->lanes, err);

	if (rc != 1)
		return rc;
	rc = read_lane(l, lane, &no, err);
	if (rc == 0)
		rc = read_series(&l->series, no, lane, err);
	return rc ? rc : 1;
}

int fl_lanes_next_watched(struct fl_lanes *l, struct fl_watched *w, struct fl_err *err)
{
	struct fl_sql *q = &l->watched;
	const char *metric;
	int rc = l->schema >= WATCHED_SINCE ? fl_sql_step(q, err) : 0;

	if (rc != 1)
		return rc;
	w->round = (unsigned)fl_sql_get_int(q, 0, UINT32_MAX);
	w->case_no = (unsigned)fl_sql_get_int(q, 0, UINT32_MAX);
	w->subject = fl_dup(fl_sql_get_word(q));
	metric = fl_sql_get_word(q);
	w->series.kind = FL_SERIES_SAMPLES;
	rc = read_arrays(q, metric, &w->series, err);
	return rc ? rc : 1;
}
