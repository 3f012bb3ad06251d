/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: where reports go. */
#include "cli/report.h"
#include "base/alloc.h"
#include "base/file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_COLUMNS = 100 };

int fl_report_print(const struct fl_renderer *renderer, const struct fl_run *run, const struct fl_judgement *j,
		    struct fl_err *err)
{
	struct fl_look look = fl_output_look();
	struct fl_text out = { 0 };

	renderer->run(run, j, &look, &out);
	return fl_output_text(&out, err);
}

int fl_report_write(const struct fl_renderer *renderer, const struct fl_run *run, const struct fl_judgement *j,
		    const char *path, struct fl_err *err)
{
	const struct fl_look look = { .width = FILE_COLUMNS };
	struct fl_text out = { 0 };
	int rc;

	renderer->run(run, j, &look, &out);
	rc = fl_file_write(path, fl_text_str(&out), out.n, err);
	fl_text_release(&out);
	return rc;
}

/* "/state/store.reports" for "/state/store.db": stores beside each other keep their reports apart. malloc'd. */
static char *reports_dir(const char *store)
{
	static const char suffix[] = ".db";
	size_t n = strlen(store), end = sizeof(suffix) - 1;
	bool has = n > end && !strcmp(store + n - end, suffix);

	return fl_format("%.*s.reports", (int)(has ? n - end : n), store);
}

static int save_as(const struct fl_renderer *renderer, const char *stem, const struct fl_run *run,
		   const struct fl_judgement *j, struct fl_err *err)
{
	char *path = fl_format("%s.%s", stem, renderer->suffix);
	int rc = fl_report_write(renderer, run, j, path, err);

	free(path);
	return rc;
}

int fl_report_save(const char *store, const struct fl_run *run, const struct fl_judgement *j, struct fl_err *err)
{
	struct fl_text suffixes = { 0 };
	char *dir, *stem;
	int rc;

	if (strchr(run->id, '/')) /* from a store that was tampered with */
		return fl_fail(err, -EUCLEAN, "run '%s' of store '%s' has no proper name", run->id, store);
	dir = reports_dir(store);
	stem = fl_format("%s/%s", dir, run->id);
	rc = fl_make_dirs(dir, 0700, err);
	for (const struct fl_renderer *r = fl_renderers; rc >= 0 && r->name; r++) {
		rc = save_as(r, stem, run, j, err);
		fl_text_add(&suffixes, "%s%s", suffixes.n ? "," : "", r->suffix);
	}
	if (rc >= 0)
		fl_output_say("reports: %s.{%s}", stem, fl_text_str(&suffixes));
	fl_text_release(&suffixes);
	free(stem);
	free(dir);
	return rc;
}
