/* SPDX-License-Identifier: Apache-2.0 */
/* export.c: which runs and baselines, and in which order; line.c writes them. */
#include "record/export.h"
#include "base/alloc.h"
#include "record/find.h"
#include "record/lanes.h"
#include "record/line.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 16 };

struct exporting {
	struct fl_store *store;
	const struct fl_sink *to;
	struct fl_text lines; /* not yet put */
	struct fl_run_row *runs;
	bool *wanted; /* of each run */
	size_t runs_n;
	struct fl_baseline *baselines;
	size_t baselines_n;
};

static int flush(struct exporting *e, size_t unless_below, struct fl_err *err)
{
	int rc;

	if (e->lines.n == 0 || e->lines.n < unless_below)
		return 0;
	rc = e->to->put(e->to->arg, e->lines.bytes, e->lines.n, err);
	if (e->lines.room > 16 * CHUNK_BYTES) /* of a lane larger than the others are */
		fl_text_release(&e->lines);
	e->lines.n = 0;
	return rc;
}

/* ---- one run */

/* The line that began at `before`: could import read it? */
static int check_line(const struct exporting *e, size_t before, const char *what, const char *id, struct fl_err *err)
{
	if (e->lines.n - before <= FL_LINE_MAX)
		return 0;
	return fl_fail(err, -EFBIG, "%s of run '%s' is too long for an export", what, id);
}

static int export_lane(struct exporting *e, const struct fl_lane_record *lane, const char *id, struct fl_err *err)
{
	size_t before = e->lines.n;
	char what[64];
	int rc;

	fl_line_lane(lane, &e->lines);
	snprintf(what, sizeof(what), "lane %u of case %u", lane->lane, lane->case_no);
	rc = check_line(e, before, what, id, err);
	return rc ? rc : flush(e, CHUNK_BYTES, err);
}

static int export_host(struct exporting *e, const struct fl_run_host *host, const char *id, struct fl_err *err)
{
	size_t before = e->lines.n;
	int rc;

	fl_line_host(host, &e->lines);
	rc = check_line(e, before, "a host", id, err);
	return rc ? rc : flush(e, CHUNK_BYTES, err);
}

static int export_series(struct exporting *e, const struct fl_watched *w, const char *id, struct fl_err *err)
{
	size_t before = e->lines.n;
	int rc;

	fl_line_watched(w, &e->lines);
	rc = check_line(e, before, "a series", id, err);
	return rc ? rc : flush(e, CHUNK_BYTES, err);
}

static int export_watched(struct exporting *e, struct fl_lanes *lanes, const char *id, struct fl_line_counts *counts,
			  struct fl_err *err)
{
	struct fl_watched w;
	int rc;

	do {
		w = (struct fl_watched){ 0 };
		rc = fl_lanes_next_watched(lanes, &w, err);
		if (rc == 1) {
			counts->watched++;
			rc = export_series(e, &w, id, err);
			rc = rc ? rc : 1;
		}
		fl_watched_release(&w);
	} while (rc == 1);
	return rc;
}

static int export_lanes(struct exporting *e, struct fl_lanes *lanes, const char *id, size_t hosts, struct fl_err *err)
{
	struct fl_line_counts counts = { .hosts = hosts };
	struct fl_lane_record lane;
	int rc;

	do {
		fl_lane_record_init(&lane);
		rc = fl_lanes_next(lanes, &lane, err);
		if (rc == 1) {
			fl_line_count(&lane, &counts);
			rc = export_lane(e, &lane, id, err);
			rc = rc ? rc : 1;
		}
		fl_lane_record_release(&lane);
	} while (rc == 1);
	if (rc == 0)
		rc = export_watched(e, lanes, id, &counts, err);
	if (rc == 0)
		fl_line_run_end(id, &counts, &e->lines);
	return rc;
}

static int export_run(struct exporting *e, const char *id, struct fl_err *err)
{
	struct fl_run *run = fl_zalloc(1, sizeof(*run));
	struct fl_lanes lanes = { 0 };
	struct fl_found found;
	size_t before = e->lines.n;
	int rc = fl_find_run(e->store, id, &found, err);

	if (rc == 0)
		rc = fl_lanes_run(e->store, &found, run, err);
	if (rc == 0)
		rc = fl_lanes_open(e->store, found.no, &lanes, err);
	if (rc == 0) {
		fl_line_run(run, &e->lines);
		rc = check_line(e, before, "what is said", run->id, err);
	}
	for (size_t i = 0; i < run->hosts_n && rc == 0; i++)
		rc = export_host(e, &run->hosts[i], run->id, err);
	if (rc == 0)
		rc = export_lanes(e, &lanes, run->id, run->hosts_n, err);
	fl_lanes_close(&lanes);
	fl_run_free(run);
	return rc;
}

/* ---- what is wanted */

static void want_run(struct exporting *e, const char *id)
{
	for (size_t i = 0; i < e->runs_n; i++)
		if (strcmp(e->runs[i].id, id) == 0)
			e->wanted[i] = true;
}

static int want(struct exporting *e, const char *name, struct fl_err *err)
{
	struct fl_baseline named;
	int rc = fl_store_named(e->store, name, &named, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < named.runs_n; i++)
		want_run(e, named.runs[i]);
	fl_baseline_release(&named);
	return 0;
}

static bool is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int choose(struct exporting *e, const char *const *names, size_t n, struct fl_err *err)
{
	int rc = fl_store_list(e->store, &e->runs, &e->runs_n, err);

	if (rc == 0)
		rc = fl_store_list_baselines(e->store, &e->baselines, &e->baselines_n, err);
	if (rc)
		return rc;
	e->wanted = fl_zalloc(e->runs_n, sizeof(*e->wanted));
	memset(e->wanted, n == 0, e->runs_n);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = want(e, names[i], err);
	return rc;
}

static int export_chosen(struct exporting *e, const char *const *names, size_t n, struct fl_err *err)
{
	size_t runs = 0, baselines = 0;
	int rc = 0;

	fl_line_head(&e->lines);
	for (size_t i = 0; i < e->runs_n && rc == 0; i++)
		if (e->wanted[i]) {
			rc = export_run(e, e->runs[i].id, err);
			runs++;
		}
	for (size_t i = 0; i < e->baselines_n; i++)
		if (n == 0 || is_among(e->baselines[i].name, names, n)) {
			fl_line_baseline(&e->baselines[i], &e->lines);
			baselines++;
		}
	fl_line_end(runs, baselines, &e->lines);
	return rc ? rc : flush(e, 0, err);
}

int fl_export(struct fl_store *s, const char *const *names, size_t names_n, const struct fl_sink *to,
	      struct fl_err *err)
{
	struct exporting e = { .store = s, .to = to };
	int rc = fl_sql_begin_reading(s, err);

	if (rc)
		return rc;
	rc = choose(&e, names, names_n, err);
	if (rc == 0)
		rc = export_chosen(&e, names, names_n, err);
	rc = fl_sql_end(s, rc, err);
	free(e.runs);
	free(e.wanted);
	fl_baselines_free(e.baselines, e.baselines_n);
	fl_text_release(&e.lines);
	return rc;
}
