/* SPDX-License-Identifier: Apache-2.0 */
/* store_add.c: finished lanes into the store, all of a call in one transaction. */
#include "record/add.h"
#include "record/blob.h"
#include "record/find.h"
#include "record/line.h"
#include "record/schema.h"
#include "record/sql.h"
#include "record/store.h"
#include <errno.h>
#include <stdlib.h>

int fl_adding_remove(struct fl_adding *a, const struct fl_lane_record *lane, struct fl_err *err)
{
	fl_sql_put_int(&a->remove, a->run);
	fl_sql_put_int(&a->remove, lane->round);
	fl_sql_put_int(&a->remove, lane->case_no);
	fl_sql_put_int(&a->remove, lane->lane);
	return fl_sql_once(&a->remove, err);
}

static int insert_lane(struct fl_adding *a, const struct fl_lane_record *lane, struct fl_err *err)
{
	int rc;

	fl_sql_put_int(&a->insert, a->run);
	fl_sql_put_int(&a->insert, lane->round);
	fl_sql_put_int(&a->insert, lane->case_no);
	fl_sql_put_int(&a->insert, lane->lane);
	fl_sql_put_text(&a->insert, lane->bench);
	fl_sql_put_text(&a->insert, fl_outcome_name(lane->outcome));
	fl_sql_put_text(&a->insert, lane->reason);
	fl_sql_put_text(&a->insert, lane->hint);
	rc = fl_schema_put_json(&a->insert, fl_lane_json, lane, err);
	return rc ? rc : fl_sql_once(&a->insert, err);
}

static int insert_series(struct fl_adding *a, int64_t lane, const struct fl_series *series, struct fl_err *err)
{
	unsigned char *bytes;
	size_t n;
	int rc = fl_blob_pack(series, &bytes, &n, err);

	if (rc)
		return rc;
	fl_sql_put_int(&a->series, lane);
	fl_sql_put_text(&a->series, series->metric);
	fl_sql_put_text(&a->series, fl_series_kind_names[series->kind]);
	fl_sql_put_blob(&a->series, bytes, n);
	rc = fl_sql_once(&a->series, err);
	free(bytes);
	return rc;
}

int fl_adding_lane(struct fl_adding *a, const struct fl_lane_record *lane, struct fl_err *err)
{
	int64_t no;
	int rc = insert_lane(a, lane, err);

	no = sqlite3_last_insert_rowid(a->store->db);
	for (size_t i = 0; i < lane->series_n && rc == 0; i++)
		rc = insert_series(a, no, &lane->series[i], err);
	return rc;
}

int fl_adding_forget(struct fl_adding *a, const struct fl_lane_record *lane, struct fl_err *err)
{
	fl_sql_put_int(&a->forget, a->run);
	fl_sql_put_int(&a->forget, lane->round);
	fl_sql_put_int(&a->forget, lane->case_no);
	return fl_sql_once(&a->forget, err);
}

int fl_adding_watched(struct fl_adding *a, const struct fl_watched *w, struct fl_err *err)
{
	unsigned char *bytes;
	size_t n;
	int rc;

	if (w->series.kind != FL_SERIES_SAMPLES)
		return fl_fail(err, -EINVAL, "'%s' of '%s' is not a series of samples", w->series.metric, w->subject);
	rc = fl_blob_pack(&w->series, &bytes, &n, err);
	if (rc)
		return rc;
	fl_sql_put_int(&a->watched, a->run);
	fl_sql_put_int(&a->watched, w->round);
	fl_sql_put_int(&a->watched, w->case_no);
	fl_sql_put_text(&a->watched, w->subject);
	fl_sql_put_text(&a->watched, w->series.metric);
	fl_sql_put_blob(&a->watched, bytes, n);
	rc = fl_sql_once(&a->watched, err);
	free(bytes);
	return rc;
}

static int open_statements(struct fl_adding *a, struct fl_err *err)
{
	int rc = fl_sql_open(a->store, "DELETE FROM lane WHERE run = ? AND round = ? AND case_no = ? AND lane = ?",
			     &a->remove, err);

	if (rc == 0)
		rc = fl_sql_open(a->store,
				 "INSERT INTO lane (run, round, case_no, lane, bench, outcome, reason, hint, options,"
				 " placement, facts, caps, distrust, notes)"
				 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
				 &a->insert, err);
	if (rc == 0)
		rc = fl_sql_open(a->store, "INSERT INTO series (lane, metric, kind, data) VALUES (?, ?, ?, ?)",
				 &a->series, err);
	if (rc == 0)
		rc = fl_sql_open(a->store, "DELETE FROM watched WHERE run = ? AND round = ? AND case_no = ?",
				 &a->forget, err);
	if (rc == 0)
		rc = fl_sql_open(a->store,
				 "INSERT INTO watched (run, round, case_no, subject, metric, data)"
				 " VALUES (?, ?, ?, ?, ?, ?)",
				 &a->watched, err);
	return rc;
}

int fl_adding_open(struct fl_store *s, int64_t run, struct fl_adding *ret, struct fl_err *err)
{
	*ret = (struct fl_adding){ .store = s, .run = run };
	return open_statements(ret, err);
}

void fl_adding_close(struct fl_adding *a)
{
	fl_sql_close(&a->remove);
	fl_sql_close(&a->insert);
	fl_sql_close(&a->series);
	fl_sql_close(&a->forget);
	fl_sql_close(&a->watched);
}

static bool same_case(const struct fl_lane_record *a, const struct fl_lane_record *b)
{
	return a->case_no == b->case_no && a->round == b->round;
}

static int add_lanes(struct fl_adding *a, const struct fl_lane_record *lanes, size_t n, struct fl_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = fl_adding_remove(a, &lanes[i], err);
		if (rc == 0 && (i == 0 || !same_case(&lanes[i], &lanes[i - 1])))
			rc = fl_adding_forget(a, &lanes[i], err);
		if (rc == 0)
			rc = fl_adding_lane(a, &lanes[i], err);
	}
	return rc;
}

static int add_case(struct fl_store *s, const char *id, const struct fl_finished *f, struct fl_err *err)
{
	struct fl_adding a = { 0 };
	struct fl_found found;
	int rc = fl_find_unfinished(s, id, &found, err);

	if (rc == 0)
		rc = fl_adding_open(s, found.no, &a, err);
	if (rc == 0)
		rc = add_lanes(&a, f->lanes, f->lanes_n, err);
	for (size_t i = 0; i < f->watched_n && rc == 0; i++)
		rc = fl_adding_watched(&a, &f->watched[i], err);
	fl_adding_close(&a);
	return rc;
}

int fl_store_add_case(struct fl_store *s, const char *id, const struct fl_finished *finished, struct fl_err *err)
{
	int rc = fl_sql_begin(s, err);

	return rc ? rc : fl_sql_end(s, add_case(s, id, finished, err), err);
}

int fl_store_add(struct fl_store *s, const char *id, const struct fl_lane_record *lanes, size_t n, struct fl_err *err)
{
	const struct fl_finished finished = { .lanes = lanes, .lanes_n = n };

	return fl_store_add_case(s, id, &finished, err);
}
