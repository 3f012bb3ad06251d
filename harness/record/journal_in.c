/* SPDX-License-Identifier: Apache-2.0 */
/* journal_in.c: of each lane and series of a journal: does the run lack it? */
#include "record/journal_in.h"
#include "base/alloc.h"
#include "record/add.h"
#include "record/find.h"
#include "record/journal.h"
#include <errno.h>
#include <stdlib.h>

struct taking {
	struct fl_lines_in *lines;
	struct fl_journal_reader *reader;
	struct fl_adding adding;
	struct fl_sql has_lane, has_watched;
	struct fl_from_journal did;
};

/* 1: there is such a row; its parameters are bound. */
static int has(struct fl_sql *q, struct fl_err *err)
{
	int rc, found = 0;

	while ((rc = fl_sql_step(q, err)) == 1)
		found = 1;
	return rc ? rc : found;
}

static int take_lane(struct taking *t, const struct fl_lane_record *lane, struct fl_err *err)
{
	int rc;

	fl_sql_put_int(&t->has_lane, t->adding.run);
	fl_sql_put_int(&t->has_lane, lane->round);
	fl_sql_put_int(&t->has_lane, lane->case_no);
	fl_sql_put_int(&t->has_lane, lane->lane);
	rc = has(&t->has_lane, err);
	if (rc < 0)
		return rc;
	if (rc == 1) {
		t->did.lanes_there++;
		return 0;
	}
	t->did.lanes++;
	return fl_adding_lane(&t->adding, lane, err);
}

/* A host does not say whose subjects they are: in the run they are "n3/nvme-S1". */
static int take_watched(struct taking *t, struct fl_watched *w, struct fl_err *err)
{
	char *subject = fl_format("%s/%s", t->did.host, w->subject);
	int rc;

	free(w->subject);
	w->subject = subject;
	fl_sql_put_int(&t->has_watched, t->adding.run);
	fl_sql_put_int(&t->has_watched, w->round);
	fl_sql_put_int(&t->has_watched, w->case_no);
	fl_sql_put_text(&t->has_watched, w->subject);
	fl_sql_put_text(&t->has_watched, w->series.metric);
	rc = has(&t->has_watched, err);
	if (rc)
		return rc < 0 ? rc : 0;
	t->did.watched++;
	return fl_adding_watched(&t->adding, w, err);
}

static int take_line(struct taking *t, const char *line, size_t n, struct fl_err *err)
{
	char *where = fl_format("%s:%zu", t->lines->name, t->lines->line);
	struct fl_err why = { 0 };
	struct fl_journal_line got;
	int rc = fl_journal_read(t->reader, line, n, where, &got, &why);

	free(where);
	if (rc < 0 && t->lines->cut) {
		t->did.cut = true;
		return 0;
	}
	if (rc < 0) {
		*err = why;
		return fl_hint(err, "nothing was imported");
	}
	rc = got.is_lane ? take_lane(t, &got.lane, err) : take_watched(t, &got.watched, err);
	fl_lane_record_release(&got.lane);
	fl_watched_release(&got.watched);
	return rc;
}

static int check_host(const struct taking *t, struct fl_store *s, const char *run_id, struct fl_err *err)
{
	struct fl_sql q;
	int rc = fl_sql_open(s, "SELECT 1 FROM host WHERE run = ? AND name = ?", &q, err);

	if (rc)
		return rc;
	fl_sql_put_int(&q, t->adding.run);
	fl_sql_put_text(&q, t->did.host);
	rc = has(&q, err);
	fl_sql_close(&q);
	if (rc == 0)
		rc = fl_fail(err, -EINVAL, "%s:1: run '%s' was not on a host '%.64s'", t->lines->name, run_id,
			     t->did.host);
	return rc < 0 ? rc : 0;
}

static int open_taking(struct taking *t, struct fl_store *s, const char *run_id, struct fl_err *err)
{
	struct fl_found found;
	int rc = fl_find_unfinished(s, run_id, &found, err);

	if (rc == 0 && found.row.state == FL_RUNNING) {
		rc = fl_fail(err, -EBUSY, "run '%s' is being carried out", run_id);
		fl_hint(err, "wait until it has ended, or stop it first");
	}
	if (rc == 0)
		rc = fl_adding_open(s, found.no, &t->adding, err);
	if (rc == 0)
		rc = check_host(t, s, run_id, err);
	if (rc == 0)
		rc = fl_sql_open(s, "SELECT 1 FROM lane WHERE run = ? AND round = ? AND case_no = ? AND lane = ?",
				 &t->has_lane, err);
	if (rc == 0)
		rc = fl_sql_open(s,
				 "SELECT 1 FROM watched WHERE run = ? AND round = ? AND case_no = ? AND subject = ?"
				 " AND metric = ?",
				 &t->has_watched, err);
	return rc;
}

int fl_journal_take(struct fl_lines_in *lines, const struct fl_from_journal *head, struct fl_store *s,
		    struct fl_from_journal *ret, struct fl_err *err)
{
	struct taking t = { .lines = lines, .reader = fl_journal_reader_make(), .did = *head };
	const char *line;
	size_t n;
	int rc = open_taking(&t, s, head->run, err);

	while (rc == 0 && (rc = fl_lines_next(lines, &line, &n, err)) == 1)
		rc = take_line(&t, line, n, err);
	fl_sql_close(&t.has_lane);
	fl_sql_close(&t.has_watched);
	fl_adding_close(&t.adding);
	fl_journal_reader_free(t.reader);
	if (rc == 0)
		*ret = t.did;
	return rc;
}
