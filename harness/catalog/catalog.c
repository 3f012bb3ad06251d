/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.c: all manifests of a directory as one sorted list of benchmarks. */
#include "catalog/catalog.h"
#include "base/alloc.h"
#include "base/json.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MANIFESTS_MAX = 64, BENCHMARKS_MAX = 1024 };

#define PROGRAM_PREFIX "feedline-lane-"

/* The name becomes part of the path of a program that is started: nothing but our own programs may be named. */
static bool is_program(const char *name)
{
	const char *rest = name + strlen(PROGRAM_PREFIX);
	size_t n;

	if (strncmp(name, PROGRAM_PREFIX, strlen(PROGRAM_PREFIX)) != 0)
		return false;
	n = strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return n > 0 && n < 64 && rest[n] == 0;
}

static int read_heads(const json_t *doc, const char *file, const char **ret_program, json_t **ret_list,
		      struct fl_err *err)
{
	uint64_t schema;
	const char *version;
	int rc = fl_json_u64(doc, file, "schema", UINT32_MAX, &schema, err);

	if (rc)
		return rc;
	if (schema != FL_MANIFEST_SCHEMA) {
		fl_fail(err, -EINVAL, "%s: manifest schema %u is not %d", file, (unsigned)schema, FL_MANIFEST_SCHEMA);
		return fl_hint(err, "it belongs to another version of feedline; install all of one version");
	}
	rc = fl_json_text(doc, file, "program", ret_program, err);
	if (rc == 0)
		rc = fl_json_text(doc, file, "version", &version, err);
	if (rc == 0)
		rc = fl_json_array(doc, file, "benchmarks", BENCHMARKS_MAX, ret_list, err);
	if (rc == 0 && !is_program(*ret_program))
		return fl_fail(err, -EINVAL, "%s: '%s' is not the name of a worker program", file, *ret_program);
	return rc;
}

/* Appends the benchmarks of one manifest. What was read stays in the catalog even on failure. */
static int add_manifest(struct fl_catalog *c, const json_t *doc, const char *file, struct fl_err *err)
{
	const char *program;
	json_t *list;
	char at[128];
	int rc = read_heads(doc, file, &program, &list, err);

	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
		snprintf(at, sizeof(at), "%.80s: benchmarks[%zu]", file, i);
		c->entries = fl_grow(c->entries, c->n + 1, sizeof(*c->entries));
		rc = fl_entry_read(json_array_get(list, i), at, &c->entries[c->n], err);
		if (rc == 0)
			c->entries[c->n++].program = fl_dup(program);
	}
	return rc;
}

static int add_file(struct fl_catalog *c, const char *dir, const char *file, struct fl_err *err)
{
	char *path = fl_format("%s/%s", dir, file);
	json_t *doc = NULL;
	struct stat st;
	int rc = 0;

	if (stat(path, &st) < 0)
		rc = fl_fail(err, -errno, "manifest '%s': %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode)) /* a pipe would wait for a writer */
		rc = fl_fail(err, -EINVAL, "manifest '%s' is not a file", path);
	if (rc == 0)
		rc = fl_json_load(path, FL_MANIFEST_FILE_MAX, &doc, err);
	if (rc == 0)
		rc = add_manifest(c, doc, file, err);
	json_decref(doc);
	free(path);
	return rc;
}

static int is_manifest(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

/* In byte order, so that the first error is the same in every locale. */
static int by_file(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct fl_entry *)a)->name, ((const struct fl_entry *)b)->name);
}

static int sort_and_check(struct fl_catalog *c, struct fl_err *err)
{
	if (c->n > 1)
		qsort(c->entries, c->n, sizeof(*c->entries), by_name);
	for (size_t i = 1; i < c->n; i++)
		if (by_name(&c->entries[i - 1], &c->entries[i]) == 0)
			return fl_fail(err, -EINVAL, "benchmark '%s' is declared by '%s' and by '%s'",
				       c->entries[i].name, c->entries[i - 1].program, c->entries[i].program);
	return 0;
}

static int list_manifests(const char *dir, struct dirent ***ret, int *ret_n, struct fl_err *err)
{
	int n = scandir(dir, ret, is_manifest, by_file);

	if (n < 0) {
		fl_fail(err, -errno, "manifests in '%s': %s", dir, strerror(errno));
		return fl_hint(err, "the installation is not complete; install feedline again");
	}
	*ret_n = n;
	return 0;
}

int fl_catalog_load(const char *dir, struct fl_catalog **ret, struct fl_err *err)
{
	struct fl_catalog *c;
	struct dirent **files;
	int n = 0, rc = list_manifests(dir, &files, &n, err);

	if (rc)
		return rc;
	c = fl_zalloc(1, sizeof(*c));
	if (n == 0) {
		fl_fail(err, -ENOENT, "no manifest in '%s'", dir);
		rc = fl_hint(err, "the installation is not complete; install feedline again");
	} else if (n > MANIFESTS_MAX) {
		rc = fl_fail(err, -EINVAL, "more than %d manifests in '%s'", MANIFESTS_MAX, dir);
	}
	for (int i = 0; i < n; i++) {
		if (rc == 0)
			rc = add_file(c, dir, files[i]->d_name, err);
		free(files[i]);
	}
	free(files);
	if (rc == 0)
		rc = sort_and_check(c, err);
	if (rc == 0)
		rc = fl_loops_check(c, err);
	if (rc)
		fl_catalog_free(c);
	else
		*ret = c;
	return rc;
}

void fl_catalog_free(struct fl_catalog *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		fl_entry_release(&c->entries[i]);
	free(c->entries);
	free(c);
}

static const char *nearest(const struct fl_catalog *c, const char *name)
{
	const char **names = fl_zalloc(c->n + 1, sizeof(*names));
	const char *found;

	for (size_t i = 0; i < c->n; i++)
		names[i] = c->entries[i].name;
	found = fl_nearest(name, names, c->n);
	free(names);
	return found;
}

int fl_catalog_find(const struct fl_catalog *c, const char *name, const struct fl_entry **ret, struct fl_err *err)
{
	const char *near;

	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->entries[i].name, name) == 0) {
			*ret = &c->entries[i];
			return 0;
		}
	near = nearest(c, name);
	fl_fail(err, -EINVAL, "unknown benchmark '%s'", name);
	if (near)
		return fl_hint(err, "did you mean '%s'?", near);
	return fl_hint(err, "'feedline list' shows all benchmarks");
}
