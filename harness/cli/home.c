/* SPDX-License-Identifier: Apache-2.0 */
/* home.c: where feedline's own files and the user's are. */
#include "cli/home.h"
#include "base/alloc.h"
#include "base/file.h"
#include "record/store.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUITE_BYTES_MAX = 64 << 10 };
static const char suffix[] = ".yaml";

/* What is known of benchmarks and of workloads. */
static int load(struct fl_home *home, struct fl_err *err)
{
	char *manifests = fl_format("%s/share/feedline/manifests", home->prefix);
	char *demands = fl_format("%s/share/feedline/demands.yaml", home->prefix);
	int rc = fl_catalog_load(manifests, &home->catalog, err);

	if (rc == 0) {
		rc = fl_demands_load(demands, &home->demands, err);
		if (rc == -ENOENT)
			fl_hint(err, "the installation is not complete; install feedline again");
	}
	free(demands);
	free(manifests);
	return rc;
}

int fl_home_open(struct fl_home *ret, struct fl_err *err)
{
	struct fl_home home = { 0 };
	int rc;

	rc = fl_prefix(&home.prefix, err);
	if (rc < 0)
		return rc;
	rc = load(&home, err);
	if (rc < 0)
		fl_home_close(&home);
	else
		*ret = home;
	return rc;
}

void fl_home_close(struct fl_home *home)
{
	fl_demands_free(home->demands);
	fl_catalog_free(home->catalog);
	free(home->prefix);
	*home = (struct fl_home){ 0 };
}

int fl_home_store(const char *given, char **ret, struct fl_err *err)
{
	char *dir;
	int rc;

	if (given) {
		*ret = fl_dup(given);
		return 0;
	}
	rc = fl_state_dir(&dir, err);
	if (rc < 0)
		return rc;
	*ret = fl_format("%s/store.db", dir);
	free(dir);
	return 0;
}

int fl_home_read_store(const char *given, struct fl_store **ret, struct fl_err *err)
{
	char *path;
	int rc = fl_home_store(given, &path, err);

	if (rc < 0)
		return rc;
	rc = fl_store_open(path, false, ret, err);
	free(path);
	return rc;
}

int fl_home_run(const char *store, const char *id, struct fl_run **ret, struct fl_err *err)
{
	struct fl_store *s;
	int rc = fl_store_open(store, false, &s, err);

	if (rc < 0)
		return rc;
	rc = fl_store_load(s, id, ret, err);
	fl_store_close(s);
	return rc;
}

/* ---- suites ---- */

/* malloc'd */
static char *suites_dir(const struct fl_home *home)
{
	return fl_format("%s/share/feedline/suites", home->prefix);
}

/* The name of a suite file: its last part without ".yaml". malloc'd. */
static char *suite_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = fl_dup(slash ? slash + 1 : path);
	size_t n = strlen(name), end = strlen(suffix);

	if (n > end && !strcmp(name + n - end, suffix))
		name[n - end] = 0;
	return name;
}

static int read_suite(const char *path, const char *source, struct fl_suite **ret, struct fl_err *err)
{
	struct fl_text text = { 0 };
	char *name;
	int rc = fl_file_read(AT_FDCWD, path, SUITE_BYTES_MAX, &text, err);

	if (rc >= 0) {
		name = suite_name(path);
		rc = fl_suite_parse(fl_text_str(&text), text.n, name, source, ret, err);
		free(name);
	}
	fl_text_release(&text);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t fl_home_suites(const struct fl_home *home, char *ret[FL_SUITES_MAX])
{
	char *path = suites_dir(home);
	DIR *d = opendir(path);
	const struct dirent *e;
	size_t n = 0;

	free(path);
	if (!d)
		return 0;
	while (n < FL_SUITES_MAX && (e = readdir(d)))
		if (strstr(e->d_name, suffix))
			ret[n++] = suite_name(e->d_name);
	closedir(d);
	qsort(ret, n, sizeof(*ret), by_name);
	return n;
}

/* The name of an own suite nearest to what was typed, malloc'd; NULL: none is near. */
static char *nearest_suite(const struct fl_home *home, const char *typed)
{
	char *names[FL_SUITES_MAX], *found;
	size_t n = fl_home_suites(home, names);

	found = fl_dup(fl_nearest(typed, (const char *const *)names, n));
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	return found;
}

static int no_such_suite(const struct fl_home *home, const char *dir, const char *name, struct fl_err *err)
{
	char *near = nearest_suite(home, name);

	fl_fail(err, -ENOENT, "no suite and no file '%s'", name);
	if (near)
		fl_hint(err, "did you mean '%s'?", near);
	else
		fl_hint(err, "name a suite file, or one of those in '%s'", dir);
	free(near);
	return err->code;
}

int fl_home_suite(const struct fl_home *home, const char *name, struct fl_suite **ret, struct fl_err *err)
{
	char *dir = suites_dir(home);
	char *source = fl_format("%s%s", name, suffix);
	char *own = fl_format("%s/%s", dir, source);
	int rc;

	if (!strchr(name, '/') && access(own, F_OK) == 0)
		rc = read_suite(own, source, ret, err);
	else if (access(name, F_OK) == 0)
		rc = read_suite(name, name, ret, err);
	else
		rc = no_such_suite(home, dir, name, err);
	free(own);
	free(source);
	free(dir);
	return rc;
}
