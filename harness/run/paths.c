/* SPDX-License-Identifier: Apache-2.0 */
/* paths.c: the paths of the command line and of suites, each to the one file it means. */
#include "run/paths.h"
#include "base/alloc.h"
#include "base/file.h"
#include "run/cache.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int fl_path_resolve(const char *text, const char *dir, char **ret, struct fl_err *err)
{
	bool joins = dir && *text != '/';
	char *whole, *real;
	int rc = fl_cache_path(text, ret, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	whole = joins ? fl_format("%s/%s", dir, text) : fl_dup(text);
	real = realpath(whole, NULL);
	if (real) {
		*ret = real;
	} else {
		rc = fl_fail(err, -errno, "cannot find '%s': %s", whole, strerror(errno));
		fl_hint(err, "name an existing file, directory or block device");
	}
	free(whole);
	return rc;
}

/* What the functions below work on. */
struct walk {
	const char *source, *dir;
	const struct fl_catalog *catalog;
	const struct fl_override *overrides;
	size_t overrides_n;
};

static bool is_overridden(const struct walk *w, const char *name)
{
	for (size_t i = 0; i < w->overrides_n; i++)
		if (!strcmp(w->overrides[i].name, name))
			return true;
	return false;
}

static int resolve_setting(const struct walk *w, struct fl_setting *set, struct fl_err *err)
{
	struct fl_err cause = { 0 };
	char *path;
	int rc = fl_path_resolve(set->text, w->dir, &path, &cause);

	if (rc < 0) {
		fl_fail(err, rc, "%s:%u:%u: %s", w->source, set->line, set->column, cause.what);
		fl_hint(err, "%s", cause.hint);
		return rc;
	}
	free(set->text);
	set->text = path;
	return 0;
}

static int resolve_rules(const struct walk *w, struct fl_rule *rules, size_t n, struct fl_err *err);

/* Those of the settings that are paths. */
static int resolve_settings(const struct walk *w, const struct fl_entry *entry, struct fl_setting *settings, size_t n,
			    struct fl_err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct fl_setting *set = &settings[i];
		const struct fl_field *f = fl_entry_field(entry, set->name);
		int rc;

		if (!f || f->type != FL_PATH || !*set->text || is_overridden(w, set->name))
			continue;
		rc = resolve_setting(w, set, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int resolve_rule(const struct walk *w, struct fl_rule *rule, struct fl_err *err)
{
	const struct fl_entry *entry;
	int rc;

	if (!rule->bench)
		return resolve_rules(w, rule->together, rule->together_n, err);
	if (fl_catalog_find(w->catalog, rule->bench, &entry, NULL) < 0)
		return 0;
	rc = resolve_settings(w, entry, rule->with, rule->with_n, err);
	if (rc == 0)
		rc = resolve_settings(w, entry, rule->sweep, rule->sweep_n, err);
	return rc == 0 ? resolve_rules(w, rule->beside, rule->beside_n, err) : rc;
}

static int resolve_rules(const struct walk *w, struct fl_rule *rules, size_t n, struct fl_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = resolve_rule(w, &rules[i], err);
	return rc;
}

int fl_paths_resolve(struct fl_suite *suite, const struct fl_catalog *catalog, const struct fl_override *overrides,
		     size_t overrides_n, struct fl_err *err)
{
	char *dir = fl_directory_of(suite->source);
	const struct walk w = { suite->source, dir, catalog, overrides, overrides_n };
	int rc = resolve_rules(&w, suite->rules, suite->rules_n, err);

	free(dir);
	return rc;
}
