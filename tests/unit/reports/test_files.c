/* SPDX-License-Identifier: Apache-2.0 */
/* test_files.c: names for long paths, and that none of them means two files. */
#include "reports/reports.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const char data[] = "/home/somebody/.cache/feedline/read-4096.data";
static const char same_a[] = "/mnt/the-first-drive/test.data", same_b[] = "/mnt/the-second-drive/test.data";
static const char blank[] = "/mnt/the-first-drive/test.data 2";

static struct fl_files some_files(void)
{
	const char *paths[] = { data, "/dev/nvme0n1", same_a, data, same_b, blank };
	struct fl_files files = { 0 };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		fl_files_add(&files, paths[i]);
	return files;
}

static void names(void **state)
{
	struct fl_files files = some_files();

	(void)state;
	assert_int_equal(files.n, 5);
	assert_string_equal(fl_files_name(&files, data), "read-4096.data");
	assert_string_equal(fl_files_name(&files, "/dev/nvme0n1"), "/dev/nvme0n1");
	assert_string_equal(fl_files_name(&files, same_a), same_a);
	assert_string_equal(fl_files_name(&files, blank), "test.data 2");
	assert_string_equal(fl_files_name(&files, "/a/directory/with/a/slash/"), "/a/directory/with/a/slash/");
	fl_files_release(&files);
}

static void labels(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "null.nop", "null.nop" },
		{ "storage.read path=/home/somebody/.cache/feedline/read-4096.data depth=4",
		  "storage.read path=read-4096.data depth=4" },
		{ "a path=/home/somebody/.cache/feedline/read-4096.data2 x=", /* another file */
		  "a path=/home/somebody/.cache/feedline/read-4096.data2 x=" },
		{ "a path=/mnt/the-first-drive/test.data 2 + b path=/dev/nvme0n1",
		  "a path=test.data 2 + b path=/dev/nvme0n1" },
	};
	struct fl_files files = some_files();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *label = fl_files_shorten(&files, rows[i][0]);

		assert_string_equal(label, rows[i][1]);
		free(label);
	}
	fl_files_release(&files);
}

static void list(void **state)
{
	struct fl_files files = some_files(), none = { 0 };
	struct fl_text out = { 0 };

	(void)state;
	fl_files_list(&none, &out);
	assert_int_equal(out.n, 0);
	fl_files_add(&files, "/mnt/somewhere/else/\033[31mred");
	fl_files_list(&files, &out);
	assert_string_equal(fl_text_str(&out), "\nfiles\n"
					       "  read-4096.data: /home/somebody/.cache/feedline/read-4096.data\n"
					       "  test.data 2: /mnt/the-first-drive/test.data 2\n"
					       "   [31mred: /mnt/somewhere/else/ [31mred\n");
	fl_text_release(&out);
	fl_files_release(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(labels),
		cmocka_unit_test(list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
