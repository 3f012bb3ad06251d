/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: where reports go. */
#include "cli/report.h"
#include "base/alloc.h"
#include "base/file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 16, FILE_COLUMNS = 100 };

int fl_report_find(const char *format, const struct fl_renderer **ret, struct fl_err *err)
{
	const struct fl_renderer *found = fl_renderer_find(format);
	const char *names[NAMES_MAX], *near;
	size_t n = 0;

	if (found) {
		*ret = found;
		return 0;
	}
	for (const struct fl_renderer *r = fl_renderers; r->name && n < NAMES_MAX; r++)
		names[n++] = r->name;
	near = fl_nearest(format, names, n);
	fl_fail(err, -EINVAL, "no report format '%s'", format);
	return near ? fl_hint(err, "did you mean '%s'?", near) : err->code;
}

int fl_report_print(const struct fl_renderer *renderer, const struct fl_run *run, const struct fl_judgement *j,
		    struct fl_err *err)
{
	struct fl_look look = fl_output_look();
	struct fl_text out = { 0 };

	renderer->render(run, j, &look, &out);
	return fl_output_text(&out, err);
}

int fl_report_write(const struct fl_renderer *renderer, const struct fl_run *run, const struct fl_judgement *j,
		    const char *path, struct fl_err *err)
{
	const struct fl_look look = { .width = FILE_COLUMNS };
	struct fl_text out = { 0 };
	int rc;

	renderer->render(run, j, &look, &out);
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

static int save_as(const char *format, const char *suffix, const char *stem, const struct fl_run *run,
		   const struct fl_judgement *j, struct fl_err *err)
{
	const struct fl_renderer *renderer;
	char *path = fl_format("%s.%s", stem, suffix);
	int rc = fl_report_find(format, &renderer, err);

	if (rc >= 0)
		rc = fl_report_write(renderer, run, j, path, err);
	free(path);
	return rc;
}

int fl_report_save(const char *store, const struct fl_run *run, const struct fl_judgement *j, struct fl_err *err)
{
	char *dir, *stem;
	int rc;

	if (strchr(run->id, '/')) /* from a store that was tampered with */
		return fl_fail(err, -EUCLEAN, "run '%s' of store '%s' has no proper name", run->id, store);
	dir = reports_dir(store);
	stem = fl_format("%s/%s", dir, run->id);
	rc = fl_make_dirs(dir, err);
	if (rc >= 0)
		rc = save_as("text", "txt", stem, run, j, err);
	if (rc >= 0)
		rc = save_as("json", "json", stem, run, j, err);
	if (rc >= 0)
		fl_output_say("reports: %s.txt and .json", stem);
	free(stem);
	free(dir);
	return rc;
}
