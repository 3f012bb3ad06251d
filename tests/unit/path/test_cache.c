/* SPDX-License-Identifier: Apache-2.0 */
/* test_cache.c: a thread's part of the cache, read from files as the kernel writes them, and sizes beyond it. */
#include "path/cache.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct {
	const char *what, *size, *mask; /* NULL: no such file */
	unsigned threads;
	uint64_t share;
} rows[] = {
	{ "two CPUs share it", "32768K\n", "00000000,00000003\n", 2, 16 << 20 },
	{ "one thread has all of it", "32768K\n", "00000003\n", 1, 32 << 20 },
	{ "sharers in several words", "1024K\n", "0000ffff,00000000,0000ffff\n", 256, 32 << 10 },
	{ "nobody shares it", "2048K\n", "1\n", 64, 2 << 20 },
	{ "no mask", "2048K\n", NULL, 4, 0 },
	{ "no cache", NULL, NULL, 4, 0 },
	{ "garbage", "big\n", "3\n", 4, 0 },
	{ "empty mask", "2048K\n", "0\n", 4, 0 },
};

static void put(const char *dir, unsigned index, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	if (!text)
		return;
	snprintf(path, sizeof(path), "%s/cpu5/cache/index%u", dir, index);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/cpu5/cache/index%u/%s", dir, index, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void make_tree(char *dir)
{
	char path[256];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/cpu5", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/cpu5/cache", dir);
	mkdir(path, 0700);
}

static void remove_tree(const char *dir)
{
	static const char *const names[] = { "cpu5/cache/index0/size",
					     "cpu5/cache/index0/shared_cpu_map",
					     "cpu5/cache/index1/size",
					     "cpu5/cache/index1/shared_cpu_map",
					     "cpu5/cache/index0",
					     "cpu5/cache/index1",
					     "cpu5/cache",
					     "cpu5",
					     "" };
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char dir[] = BUILD_DIR "/cache-XXXXXX";
		uint64_t share;

		make_tree(dir);
		if (rows[i].size) {
			put(dir, 0, "size", "32K\n");
			put(dir, 0, "shared_cpu_map", "1\n");
		}
		put(dir, 1, "size", rows[i].size);
		put(dir, 1, "shared_cpu_map", rows[i].mask);
		share = fl_cache_share(dir, 5, rows[i].threads);
		remove_tree(dir);
		if (share != rows[i].share)
			fail_msg("%s: %llu", rows[i].what, (unsigned long long)share);
	}
}

/* Two threads share 32 MiB, so 64 MiB are beyond it for each. */
static const struct {
	uint64_t asked, bytes; /* 0: refused */
	const char *what, *hint;
} sizes[] = {
	{ 0, 64 << 20, NULL, NULL },
	{ 64 << 20, 64 << 20, NULL, NULL },
	{ (uint64_t)1 << 36, (uint64_t)1 << 36, NULL, NULL },
	{ (64 << 20) + 8, 0, "buffers of 67108872 bytes are no multiple of 1 MiB", "" },
	{ 63 << 20, 0, "would measure the cache, of which 16777216 are for each thread", "at least 64 MiB" },
};

static void test_beyond(void **state)
{
	char dir[] = BUILD_DIR "/cache-XXXXXX";
	struct fl_err unknown = { 0 };
	uint64_t bytes = 0;

	(void)state;
	make_tree(dir);
	assert_int_equal(fl_cache_beyond(dir, 5, 2, FL_CACHE_STREAM, 0, &bytes, NULL), 0); /* nothing is known */
	assert_int_equal(bytes, 64 << 20);
	assert_int_equal(fl_cache_beyond(dir, 5, 2, FL_CACHE_STREAM, 64 << 20, &bytes, NULL), 0);
	assert_int_equal(fl_cache_beyond(dir, 5, 2, FL_CACHE_STREAM, 63 << 20, &bytes, &unknown), -EINVAL);
	assert_non_null(strstr(unknown.what, "may measure the cache, whose size this machine does not tell"));
	assert_non_null(strstr(unknown.hint, "at least 64 MiB"));
	put(dir, 0, "size", "32768K\n");
	put(dir, 0, "shared_cpu_map", "3\n");
	assert_int_equal(fl_cache_beyond(dir, 5, 1, FL_CACHE_STREAM, 0, &bytes, NULL), 0);
	assert_int_equal(bytes, 128 << 20);
	assert_int_equal(fl_cache_beyond(dir, 5, 1, FL_CACHE_CHASE, 0, &bytes, NULL), 0);
	assert_int_equal(bytes, 256 << 20);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct fl_err err = { 0 };
		int rc;

		bytes = 0;
		rc = fl_cache_beyond(dir, 5, 2, FL_CACHE_STREAM, sizes[i].asked, &bytes, &err);
		if (bytes != sizes[i].bytes || rc != (sizes[i].bytes ? 0 : -EINVAL))
			fail_msg("row %zu: %d, %llu", i, rc, (unsigned long long)bytes);
		if (sizes[i].what && (!strstr(err.what, sizes[i].what) || !strstr(err.hint, sizes[i].hint)))
			fail_msg("row %zu: %s; %s", i, err.what, err.hint);
	}
	remove_tree(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_beyond) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
