/* SPDX-License-Identifier: Apache-2.0 */
/* baseline.c: names for runs that are alike. A baseline is a row, its runs are rows that refer to those of the runs. */
#include "base/alloc.h"
#include "base/text.h"
#include "record/add.h"
#include "record/find.h"
#include "record/life.h"
#include "record/sql.h"
#include "record/store.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SCHEMA = 2 }; /* that knows baselines */

void fl_baseline_release(struct fl_baseline *b)
{
	for (size_t i = 0; i < b->runs_n; i++)
		free(b->runs[i]);
	free(b->runs);
	free(b->note);
	*b = (struct fl_baseline){ 0 };
}

void fl_baselines_free(struct fl_baseline *baselines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fl_baseline_release(&baselines[i]);
	free(baselines);
}

/* ---- setting and removing */

static int check_name(struct fl_store *s, const char *name, struct fl_err *err)
{
	int rc;

	if (!fl_name_good(name)) {
		fl_fail(err, -EINVAL, "'%s' cannot be the name of a baseline", name);
		return fl_hint(err, "use letters, digits, '-', '_' and '.'; 'last' is the newest run");
	}
	rc = fl_name_taken(s, FL_RUN_NAMED, name, err);
	if (rc == 1)
		return fl_fail(err, -EINVAL, "'%s' is the id of a run, so a baseline cannot be called that", name);
	return rc;
}

static int check(struct fl_store *s, const struct fl_baseline *b, struct fl_err *err)
{
	if (b->runs_n == 0 || b->runs_n > FL_BASELINE_RUNS_MAX)
		return fl_fail(err, -EINVAL, "baseline '%s' has %zu runs, and can have 1 to %d", b->name, b->runs_n,
			       FL_BASELINE_RUNS_MAX);
	if (b->note && strlen(b->note) > FL_BASELINE_NOTE_MAX)
		return fl_fail(err, -EINVAL, "the note of baseline '%s' is longer than %d bytes", b->name,
			       FL_BASELINE_NOTE_MAX);
	return check_name(s, b->name, err);
}

/* 1: there was one. */
static int drop(struct fl_store *s, const char *name, struct fl_err *err)
{
	struct fl_sql q;
	int rc = fl_sql_open(s, "DELETE FROM baseline WHERE name = ?", &q, err);

	if (rc)
		return rc;
	fl_sql_put_text(&q, name);
	rc = fl_sql_once(&q, err);
	fl_sql_close(&q);
	return rc ? rc : sqlite3_changes(s->db) > 0;
}

static int refuse_taken(const struct fl_store *s, const char *name, struct fl_err *err)
{
	fl_fail(err, -EEXIST, "baseline '%s' is already in store '%s'", name, s->path);
	return fl_hint(err, "choose another name, or give it up for this one with --replace");
}

static int make_way(struct fl_store *s, const char *name, bool replace, struct fl_err *err)
{
	int rc = replace ? drop(s, name, err) : fl_name_taken(s, FL_BASELINE_NAMED, name, err);

	if (rc <= 0 || replace)
		return rc < 0 ? rc : 0;
	return refuse_taken(s, name, err);
}

int fl_store_may_name(struct fl_store *s, const char *name, bool replace, struct fl_err *err)
{
	int rc = check_name(s, name, err);

	if (rc == 0 && strlen(name) >= sizeof(((struct fl_baseline *)0)->name))
		rc = fl_fail(err, -EINVAL, "'%s' is too long for the name of a baseline", name);
	if (rc == 0 && !replace)
		rc = fl_name_taken(s, FL_BASELINE_NAMED, name, err);
	return rc == 1 ? refuse_taken(s, name, err) : rc;
}

static int insert(struct fl_store *s, const struct fl_baseline *b, struct fl_err *err)
{
	struct fl_sql q;
	int rc = fl_sql_open(s, "INSERT INTO baseline (name, created_ns, note) VALUES (?, ?, ?)", &q, err);

	if (rc)
		return rc;
	fl_sql_put_text(&q, b->name);
	fl_sql_put_int(&q, b->created_ns ? b->created_ns : fl_real_time_ns());
	fl_sql_put_text(&q, b->note);
	rc = fl_sql_once(&q, err);
	fl_sql_close(&q);
	return rc;
}

static int find_finished(struct fl_store *s, const char *id, struct fl_found *ret, struct fl_err *err)
{
	int rc = fl_find_run(s, id, ret, err);

	if (rc || ret->row.state == FL_FINISHED)
		return rc;
	fl_fail(err, -EINVAL, "run '%s' is not finished, so no baseline can be made of it", ret->row.id);
	return ret->row.state == FL_RUNNING ? fl_hint(err, "wait until it has ended")
					    : fl_hint(err, "go on with: feedline run --resume %s", ret->row.id);
}

static int insert_run(struct fl_sql *q, int64_t baseline, size_t place, const char *id, struct fl_err *err)
{
	struct fl_found found;
	int rc = find_finished(q->store, id, &found, err);

	if (rc)
		return rc;
	fl_sql_put_int(q, baseline);
	fl_sql_put_int(q, (int64_t)place);
	fl_sql_put_int(q, found.no);
	rc = fl_sql_once(q, err);
	if (rc == 0 && sqlite3_changes(q->store->db) == 0)
		return fl_fail(err, -EINVAL, "run '%s' is named twice for one baseline", found.row.id);
	return rc;
}

static int insert_runs(struct fl_store *s, const struct fl_baseline *b, struct fl_err *err)
{
	int64_t baseline = sqlite3_last_insert_rowid(s->db);
	struct fl_sql q;
	int rc = fl_sql_open(s, "INSERT OR IGNORE INTO baseline_run (baseline, place, run) VALUES (?, ?, ?)", &q, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < b->runs_n && rc == 0; i++)
		rc = insert_run(&q, baseline, i, b->runs[i], err);
	fl_sql_close(&q);
	return rc;
}

int fl_baseline_put(struct fl_store *s, const struct fl_baseline *b, bool replace, struct fl_err *err)
{
	int rc = check(s, b, err);

	if (rc == 0)
		rc = make_way(s, b->name, replace, err);
	if (rc == 0)
		rc = insert(s, b, err);
	return rc ? rc : insert_runs(s, b, err);
}

int fl_store_set_baseline(struct fl_store *s, const struct fl_baseline *b, bool replace, struct fl_err *err)
{
	int rc = fl_sql_begin(s, err);

	return rc ? rc : fl_sql_end(s, fl_baseline_put(s, b, replace, err), err);
}

/* The hint of an unknown name. Trouble in reading the list is not what the user asked about. */
static int no_such_baseline(struct fl_store *s, const char *name, struct fl_err *err)
{
	struct fl_baseline *all = NULL;
	const char **names, *near;
	size_t n = 0;

	fl_fail(err, -ENOENT, "no baseline '%s' in store '%s'", name, s->path);
	if (fl_store_list_baselines(s, &all, &n, NULL) < 0)
		return -ENOENT;
	names = fl_zalloc(n + 1, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = all[i].name;
	near = fl_nearest(name, names, n);
	if (near)
		fl_hint(err, "did you mean '%s'?", near);
	else if (n)
		fl_hint(err, "the newest is '%s'; 'feedline baseline list' shows all", all[n - 1].name);
	else
		fl_hint(err, "the store holds no baseline yet");
	free(names);
	fl_baselines_free(all, n);
	return -ENOENT;
}

int fl_store_remove_baseline(struct fl_store *s, const char *name, struct fl_err *err)
{
	int rc = fl_sql_begin(s, err);

	if (rc)
		return rc;
	rc = drop(s, name, err);
	if (rc == 0)
		rc = no_such_baseline(s, name, err);
	return fl_sql_end(s, rc < 0 ? rc : 0, err);
}

/* ---- reading */

static int read_runs(struct fl_store *s, int64_t no, struct fl_baseline *b, struct fl_err *err)
{
	char id[sizeof(((struct fl_run *)0)->id)];
	struct fl_sql q;
	int rc = fl_sql_open(s,
			     "SELECT r.id FROM baseline_run AS b JOIN run AS r ON r.no = b.run WHERE b.baseline = ?"
			     " ORDER BY b.place",
			     &q, err);

	if (rc)
		return rc;
	fl_sql_put_int(&q, no);
	while ((rc = fl_sql_step(&q, err)) == 1 && b->runs_n < FL_BASELINE_RUNS_MAX) {
		fl_sql_get_text(&q, id, sizeof(id));
		b->runs = fl_grow(b->runs, b->runs_n + 1, sizeof(*b->runs));
		b->runs[b->runs_n++] = fl_dup(id);
	}
	if (rc == 1 || (rc == 0 && b->runs_n == 0))
		rc = fl_sql_damaged(s, err, "baseline '%s' has no runs, or too many", b->name);
	if (rc == 0)
		rc = fl_sql_check(&q, err);
	fl_sql_close(&q);
	return rc;
}

/* From the columns no, name, created_ns, note. */
static int read_baseline(struct fl_sql *q, struct fl_baseline *ret, struct fl_err *err)
{
	struct fl_baseline b = { 0 };
	int64_t no = fl_sql_get_int(q, INT64_MIN, INT64_MAX);
	int rc;

	fl_sql_get_text(q, b.name, sizeof(b.name));
	b.created_ns = fl_sql_get_int(q, 0, INT64_MAX);
	b.note = fl_sql_get_dup(q);
	rc = fl_sql_check(q, err);
	if (rc == 0)
		rc = read_runs(q->store, no, &b, err);
	if (rc)
		fl_baseline_release(&b);
	else
		*ret = b;
	return rc;
}

static int list(struct fl_store *s, struct fl_baseline **all, size_t *n, struct fl_err *err)
{
	struct fl_sql q;
	int rc = fl_sql_open(s, "SELECT no, name, created_ns, note FROM baseline ORDER BY created_ns, no", &q, err);

	if (rc)
		return rc;
	while ((rc = fl_sql_step(&q, err)) == 1) {
		*all = fl_grow(*all, *n + 1, sizeof(**all));
		rc = read_baseline(&q, &(*all)[*n], err);
		if (rc)
			break;
		++*n;
	}
	fl_sql_close(&q);
	return rc;
}

int fl_store_list_baselines(struct fl_store *s, struct fl_baseline **ret, size_t *ret_n, struct fl_err *err)
{
	struct fl_baseline *all = NULL;
	size_t n = 0;
	int rc = s->schema < FIRST_SCHEMA ? 0 : list(s, &all, &n, err);

	if (rc) {
		fl_baselines_free(all, n);
		return rc;
	}
	*ret = all;
	*ret_n = n;
	return 0;
}

static int find(struct fl_store *s, const char *name, struct fl_baseline *ret, struct fl_err *err)
{
	struct fl_sql q;
	int rc = fl_sql_open(s, "SELECT no, name, created_ns, note FROM baseline WHERE name = ?", &q, err);

	if (rc)
		return rc;
	fl_sql_put_text(&q, name);
	rc = fl_sql_step(&q, err);
	if (rc == 1)
		rc = read_baseline(&q, ret, err);
	else if (rc == 0)
		rc = no_such_baseline(s, name, err);
	fl_sql_close(&q);
	return rc;
}

int fl_store_find_baseline(struct fl_store *s, const char *name, struct fl_baseline *ret, struct fl_err *err)
{
	return s->schema < FIRST_SCHEMA ? no_such_baseline(s, name, err) : find(s, name, ret, err);
}

/* ---- runs and baselines by one word */

static struct fl_baseline only_run(const char *id)
{
	struct fl_baseline b = { .runs = fl_zalloc(1, sizeof(*b.runs)), .runs_n = 1 };

	b.runs[0] = fl_dup(id);
	return b;
}

int fl_store_named(struct fl_store *s, const char *word, struct fl_baseline *ret, struct fl_err *err)
{
	struct fl_err no_run = { 0 }, no_baseline = { 0 };
	struct fl_found found;
	int rc = fl_find_run(s, word, &found, &no_run);

	if (rc == 0) {
		*ret = only_run(found.row.id);
		return 0;
	}
	if (rc == -ENOENT)
		rc = fl_store_find_baseline(s, word, ret, &no_baseline);
	if (rc != -ENOENT || strcmp(word, "last") == 0) {
		if (err && rc)
			*err = no_baseline.code && rc != -ENOENT ? no_baseline : no_run;
		return rc;
	}
	fl_fail(err, rc, "no run and no baseline '%s' in store '%s'", word, s->path);
	return fl_hint(err, "%s", strncmp(no_baseline.hint, "did", 3) == 0 ? no_baseline.hint : no_run.hint);
}
