/* SPDX-License-Identifier: Apache-2.0 */
/* test_pages.c: sizes of pages from accounts as the kernel writes them. */
#include "path/pages.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BEFORE	"7f5c30000000-7f5c40000000 r-xp 00000000 fe:00 7 /lib/a\nRss: 9999 kB\nAnonHugePages: 0 kB\n"
#define MAPPING "7f5c40000000-7f5c48000000 rw-p 00000000 00:00 0 \nSize: 131072 kB\n"

static const struct {
	const char *what, *smaps, *pages;
} rows[] = {
	{ "all huge", BEFORE MAPPING "Rss: 131072 kB\nAnonHugePages:    131072 kB\n" BEFORE, "huge" },
	{ "nearly all", MAPPING "Rss: 131072 kB\nAnonHugePages: 126976 kB\n", "huge" },
	{ "none", BEFORE MAPPING "Rss: 131072 kB\nAnonHugePages: 0 kB\n", "small" },
	{ "half", MAPPING "Rss: 131072 kB\nAnonHugePages: 65536 kB\n", "mixed" },
	{ "in two mappings",
	  "7f5c40000000-7f5c44000000 rw-p 0 00:00 0\nRss: 65536 kB\nAnonHugePages: 65536 kB\n"
	  "7f5c44000000-7f5c48000000 rw-p 0 00:00 0\nRss: 65536 kB\nAnonHugePages: 0 kB\n",
	  "mixed" },
	{ "another mapping", BEFORE, "unknown" },
	{ "nothing resident", MAPPING "Rss: 0 kB\nAnonHugePages: 0 kB\n", "unknown" },
	{ "garbage", "7f5c40000000 rw\nRss: many kB\n-\n", "unknown" },
	{ "empty", "", "unknown" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char path[] = BUILD_DIR "/smaps-XXXXXX";
		int fd = mkstemp(path);
		const char *pages;

		assert_true(fd >= 0);
		assert_int_equal(write(fd, rows[i].smaps, strlen(rows[i].smaps)), strlen(rows[i].smaps));
		close(fd);
		pages = fl_pages_of(path, (const void *)(uintptr_t)0x7f5c40000000, (uint64_t)128 << 20);
		unlink(path);
		if (strcmp(pages, rows[i].pages) != 0)
			fail_msg("%s: %s", rows[i].what, pages);
	}
	assert_string_equal(fl_pages_of(BUILD_DIR "/absent", rows, 1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
