/* SPDX-License-Identifier: Apache-2.0 */
/* test_paths.c: whatever way leads to a file, plans and records hold the one path that it has. */
#include "base/alloc.h"
#include "run/cache.h"
#include "run/paths.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/block.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct fl_field read_fields[] = {
	{ .name = "path", .type = FL_PATH },
	{ .name = "note", .type = FL_TEXT, .preset = "" },
	{ 0 },
};
static struct fl_entry entries[] = { { .name = "storage.read", .fields = read_fields } };
static const struct fl_catalog catalog = { .entries = entries, .n = 1 };

static char *base; /* without symlinks; holds real/file, "link" to real, "loop" to itself */

static int make_dir(void **state)
{
	char dir[] = BUILD_DIR "/test-paths-XXXXXX";
	FILE *file;

	(void)state;
	if (!mkdtemp(dir) || !(base = realpath(dir, NULL)) || chdir(base) < 0 || mkdir("real", 0700) < 0 ||
	    symlink("real", "link") < 0 || symlink("loop", "loop") < 0 || !(file = fopen("real/file", "w")))
		return -1;
	return fclose(file);
}

static int remove_dir(void **state)
{
	(void)state;
	unlink("real/file");
	unlink("link");
	unlink("loop");
	rmdir("real");
	if (chdir("/") < 0 || rmdir(base) < 0)
		return -1; /* something else was left behind */
	free(base);
	return 0;
}

static void assert_resolves(const char *text, const char *dir, const char *below_base)
{
	char *expected = fl_format("%s/%s", base, below_base), *path = NULL;
	struct fl_err err = { 0 };

	if (fl_path_resolve(text, dir, &path, &err) < 0)
		fail_msg("%s", err.what);
	assert_string_equal(path, expected);
	free(path);
	free(expected);
}

static void to_the_file_itself(void **state)
{
	char *absolute = fl_format("%s/link/../link/./file", base);

	(void)state;
	assert_resolves("real/file", NULL, "real/file");
	assert_resolves("link/file", NULL, "real/file");
	assert_resolves("file", "link", "real/file");
	assert_resolves("../real/file", "link", "real/file");
	assert_resolves(absolute, NULL, "real/file");
	assert_resolves(absolute, "/elsewhere", "real/file");
	assert_resolves("link/", NULL, "real"); /* a directory of data */
	assert_resolves(".", "link", "real");
	free(absolute);
}

static void what_is_not_there(void **state)
{
	static const struct {
		const char *text, *dir;
		int code;
	} rows[] = {
		{ "absent", NULL, -ENOENT },   { "file", NULL, -ENOENT },   { "real/file/x", NULL, -ENOTDIR },
		{ "absent", "link", -ENOENT }, { "loop", NULL, -ELOOP },    { "", NULL, -ENOENT },
		{ "cache:1", NULL, -ERANGE },  { "cache:", NULL, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_err err = { 0 };
		char *path = NULL;
		int rc = fl_path_resolve(rows[i].text, rows[i].dir, &path, &err);

		if (rc >= 0 || !*err.what || path)
			fail_msg("'%s' is '%s'", rows[i].text, path);
		if (strncmp(rows[i].text, "cache:", 6))
			assert_int_equal(rc, rows[i].code);
	}
}

/* The file of the cache is known as such by the path that plans hold, before and after its directory is made. */
static void the_cache(void **state)
{
	char *link = fl_format("%s/link", base), *feedline = fl_format("%s/real/feedline", base), *path;

	(void)state;
	setenv("XDG_CACHE_HOME", link, 1);
	for (int made = 0; made < 2; made++) {
		assert_resolves("cache:8KiB", NULL, "real/feedline/read-8192.data");
		assert_resolves("cache:8KiB", "/elsewhere", "real/feedline/read-8192.data");
		assert_int_equal(fl_path_resolve("cache:8KiB", NULL, &path, NULL), 0);
		assert_int_equal(fl_cache_bytes(path), 8192);
		assert_int_equal(fl_cache_make(path, NULL), !made);
		if (made)
			unlink(path);
		free(path);
	}
	assert_int_equal(rmdir(feedline), 0);
	unsetenv("XDG_CACHE_HOME");
	free(feedline);
	free(link);
}

/* Flips a bit of the file (at < 0: none) and makes it as long as that. */
static void damage(const char *path, off_t at, off_t bytes)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char byte;

	assert_true(fd >= 0);
	if (at >= 0) {
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 4;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_int_equal(ftruncate(fd, bytes), 0);
	close(fd);
}

static void check_blocks(const char *path, uint64_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t block[FL_BLOCK_WORDS];

	for (uint64_t at = 0; at < bytes; at += sizeof(block)) {
		assert_int_equal(read(fd, block, sizeof(block)), sizeof(block));
		assert_int_equal(fl_block_check(block, FL_CACHE_SEED, 0, at), FL_BLOCK_BYTES);
	}
	assert_int_equal(read(fd, block, 1), 0);
	close(fd);
}

/* Every byte of it can be checked; what does not begin and end as it should is made again. */
static void blocks_of_the_cache(void **state)
{
	enum { BYTES = (1 << 20) + 2 * FL_BLOCK_BYTES };
	static const struct {
		off_t at, bytes;
		int made;
	} rows[] = {
		{ -1, BYTES, 0 },     { 100, BYTES, 1 },    { BYTES - 1, BYTES, 1 },
		{ -1, BYTES / 2, 1 }, { -1, BYTES + 1, 1 }, { -1, BYTES, 0 },
	};
	struct fl_err err = { 0 };
	char *path;

	(void)state;
	setenv("XDG_CACHE_HOME", base, 1);
	assert_int_equal(fl_path_resolve("cache:1032KiB", NULL, &path, &err), 0);
	assert_int_equal(fl_cache_make(path, &err), 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		damage(path, rows[i].at, rows[i].bytes);
		assert_int_equal(fl_cache_make(path, &err), rows[i].made);
		check_blocks(path, BYTES);
	}
	unlink(path);
	rmdir("feedline");
	unsetenv("XDG_CACHE_HOME");
	free(path);
}

/* Names like ours of sizes that no such file has. */
static void no_size_of_the_cache(void **state)
{
	static const char *const names[] = { "read-0.data", "read-4095.data", "read-.data",
					     "read-99999999999999999999.data" };

	(void)state;
	setenv("XDG_CACHE_HOME", base, 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = fl_format("%s/feedline/%s", base, names[i]);

		assert_int_equal(fl_cache_bytes(path), 0);
		free(path);
	}
	unsetenv("XDG_CACHE_HOME");
}

/* A link in the cache would lead to another drive than the directory's. */
static void no_link_in_the_cache(void **state)
{
	struct stat st;
	char *path;

	(void)state;
	setenv("XDG_CACHE_HOME", base, 1);
	assert_int_equal(fl_path_resolve("cache:4KiB", NULL, &path, NULL), 0);
	assert_int_equal(mkdir("feedline", 0700), 0);
	assert_int_equal(truncate("real/file", 4096), 0);
	assert_int_equal(symlink("../real/file", path), 0);
	assert_int_equal(fl_cache_make(path, NULL), 1);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(access("real/file", F_OK), 0);
	unlink(path);
	rmdir("feedline");
	unsetenv("XDG_CACHE_HOME");
	free(path);
}

static struct fl_suite *suite_of(const char *yaml)
{
	struct fl_suite *suite = NULL;
	struct fl_err err = { 0 };

	if (fl_suite_parse(yaml, strlen(yaml), "s", "link/s.yaml", &suite, &err) < 0)
		fail_msg("%s", err.what);
	return suite;
}

/* Every path, and nothing else; from the suite's directory, not from ours. */
static void in_a_suite(void **state)
{
	struct fl_suite *suite = suite_of("- together:\n"
					  "    - bench: storage.read\n"
					  "      with: {note: file, path: file}\n"
					  "- bench: storage.raed\n"
					  "  with: {path: file}\n");
	const struct fl_setting *inside = suite->rules[0].together[0].with;
	char *file = fl_format("%s/real/file", base);

	(void)state;
	assert_int_equal(fl_paths_resolve(suite, &catalog, NULL, 0, NULL), 0);
	assert_string_equal(inside[0].text, "file");
	assert_string_equal(inside[1].text, file);
	assert_string_equal(suite->rules[1].with[0].text, "file");
	free(file);
	fl_suite_free(suite);
}

static void missing_in_a_suite(void **state)
{
	const struct fl_override over[] = { { "path", "/dev/null" } };
	struct fl_suite *suite = suite_of("- bench: storage.read\n  with: {note: x, path: absent}\n");
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_paths_resolve(suite, &catalog, NULL, 0, &err), -ENOENT);
	assert_string_equal(err.what, "link/s.yaml:2:25: cannot find 'link/absent': No such file or directory");
	assert_true(err.hint[0]);
	assert_int_equal(fl_paths_resolve(suite, &catalog, over, 1, NULL), 0);
	fl_suite_free(suite);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(to_the_file_itself),   TEST(what_is_not_there),	TEST(the_cache),  TEST(blocks_of_the_cache),
		TEST(no_size_of_the_cache), TEST(no_link_in_the_cache), TEST(in_a_suite), TEST(missing_in_a_suite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
