/* SPDX-License-Identifier: Apache-2.0 */
/* test_catalog.c: a directory of manifests, good and hostile, as one catalog. */
#include "base/alloc.h"
#include "base/file.h"
#include "catalog/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define BENCH(name)                                                                                                    \
	"{\"name\":\"" name "\",\"summary\":\"s\",\"unavailable\":null,\"numa\":null,\"threads\":null,"                \
	"\"verifies\":false,\"fields\":[],\"metrics\":[],\"facts\":[],\"flows\":[]}"
#define MANIFEST(program, benchmarks)                                                                                  \
	"{\"schema\":1,\"program\":\"" program "\",\"version\":\"0.1.0\",\"benchmarks\":[" benchmarks "]}"

struct directory {
	char path[256];
};

static int make_directory(void **state)
{
	struct directory *d = fl_zalloc(1, sizeof(*d));

	snprintf(d->path, sizeof(d->path), "%s/fl-catalog-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
	*state = d;
	return mkdtemp(d->path) ? 0 : -1;
}

/* No test makes directories inside. */
static int remove_directory(void **state)
{
	static const char *const names[] = { "a.json", "b.json", ".c.json", "notes.txt" };
	struct directory *d = *state;
	int fd = open(d->path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(fd, names[i], 0);
	close(fd);
	rmdir(d->path);
	free(d);
	return 0;
}

static void put(const struct directory *d, const char *name, const char *text)
{
	char *path = fl_format("%s/%s", d->path, name);
	struct fl_err err = { 0 };

	assert_int_equal(fl_file_write(path, text, strlen(text), &err), 0);
	free(path);
}

static void two_manifests(void **state)
{
	struct fl_err err = { 0 };
	struct fl_catalog *c;

	put(*state, "a.json", MANIFEST("feedline-lane-host", BENCH("storage.read") "," BENCH("memory.copy")));
	put(*state, "b.json", MANIFEST("feedline-lane-cuda", BENCH("gpu.h2d")));
	put(*state, ".c.json", "half written");
	put(*state, "notes.txt", "not a manifest");
	if (fl_catalog_load(((struct directory *)*state)->path, &c, &err))
		fail_msg("%s", err.what);
	assert_int_equal(c->n, 3);
	assert_string_equal(c->entries[0].name, "gpu.h2d");
	assert_string_equal(c->entries[0].program, "feedline-lane-cuda");
	assert_string_equal(c->entries[1].name, "memory.copy");
	assert_string_equal(c->entries[1].program, "feedline-lane-host");
	assert_string_equal(c->entries[2].name, "storage.read");
	fl_catalog_free(c);
}

static void finding(void **state)
{
	static const struct {
		const char *name, *hint;
	} rows[] = {
		{ "memory.cpoy", "memory.copy" },
		{ "storage", "storage.read" },
		{ "quantum.teleport", "feedline list" },
	};
	const struct fl_entry *e = NULL;
	struct fl_err err = { 0 };
	struct fl_catalog *c;

	put(*state, "a.json", MANIFEST("feedline-lane-host", BENCH("storage.read") "," BENCH("memory.copy")));
	assert_int_equal(fl_catalog_load(((struct directory *)*state)->path, &c, &err), 0);
	assert_int_equal(fl_catalog_find(c, "memory.copy", &e, &err), 0);
	assert_ptr_equal(e, &c->entries[0]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err = (struct fl_err){ 0 };
		assert_int_equal(fl_catalog_find(c, rows[i].name, &e, &err), -EINVAL);
		assert_non_null(strstr(err.what, rows[i].name));
		assert_non_null(strstr(err.hint, rows[i].hint));
		assert_ptr_equal(e, &c->entries[0]);
	}
	fl_catalog_free(c);
}

static void refused(void **state)
{
	static const struct {
		const char *a, *b, *says;
		int code;
	} rows[] = {
		{ MANIFEST("feedline-lane-host", BENCH("null.nop")), MANIFEST("feedline-lane-cuda", BENCH("null.nop")),
		  "'null.nop' is declared by 'feedline-lane-", -EINVAL },
		{ MANIFEST("feedline-lane-host", BENCH("null.nop") "," BENCH("null.nop")), NULL, "null.nop", -EINVAL },
		{ MANIFEST("../../bin/sh", BENCH("null.nop")), NULL, "not the name of a worker program", -EINVAL },
		{ MANIFEST("feedline-lane-../x", BENCH("null.nop")), NULL, "not the name", -EINVAL },
		{ MANIFEST("feedline-lane-", BENCH("null.nop")), NULL, "not the name", -EINVAL },
		{ "{\"schema\":2,\"program\":\"feedline-lane-host\",\"version\":\"9\",\"benchmarks\":[]}", NULL,
		  "schema 2", -EINVAL },
		{ "{\"schema\":1,\"program\":\"feedline-lane-host\",\"version\":\"9\"}", NULL, "benchmarks", -EINVAL },
		{ "{\"schema\":1,\"program\":5,\"version\":\"9\",\"benchmarks\":[]}", NULL, "program", -EINVAL },
		{ MANIFEST("feedline-lane-host", "null"), NULL, "benchmarks[0]", -EINVAL },
		{ "[]", NULL, "object", -EINVAL },
		{ "", NULL, "a.json", -EINVAL },
		{ "{\"schema\":1", NULL, "a.json", -EINVAL },
	};
	struct directory *d = *state;
	struct fl_catalog *c = NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_err err = { 0 };
		char *b = fl_format("%s/b.json", d->path);

		unlink(b);
		free(b);
		put(d, "a.json", rows[i].a);
		if (rows[i].b)
			put(d, "b.json", rows[i].b);
		assert_int_equal(fl_catalog_load(d->path, &c, &err), rows[i].code);
		if (!strstr(err.what, rows[i].says))
			fail_msg("row %zu: '%s' does not say '%s'", i, err.what, rows[i].says);
		assert_null(c);
	}
}

static void nothing_there(void **state)
{
	struct fl_err err = { 0 };
	struct fl_catalog *c;

	assert_int_equal(fl_catalog_load(((struct directory *)*state)->path, &c, &err), -ENOENT);
	assert_non_null(strstr(err.hint, "install"));
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_catalog_load("/nonexistent/feedline", &c, &err), -ENOENT);
	assert_non_null(strstr(err.what, "/nonexistent/feedline"));
}

/* A pipe would be waited for until somebody writes. */
static void a_pipe(void **state)
{
	char *path = fl_format("%s/a.json", ((struct directory *)*state)->path);
	struct fl_err err = { 0 };
	struct fl_catalog *c;

	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(fl_catalog_load(((struct directory *)*state)->path, &c, &err), -EINVAL);
	assert_non_null(strstr(err.what, "is not a file"));
	free(path);
}

static void too_large(void **state)
{
	size_t n = FL_MANIFEST_FILE_MAX + 1;
	char *blanks = fl_zalloc(n + 1, 1);
	struct fl_err err = { 0 };
	struct fl_catalog *c;

	memset(blanks, ' ', n);
	put(*state, "a.json", blanks);
	assert_int_equal(fl_catalog_load(((struct directory *)*state)->path, &c, &err), -EFBIG);
	free(blanks);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_manifests), TEST(finding), TEST(refused), TEST(nothing_there), TEST(a_pipe), TEST(too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
