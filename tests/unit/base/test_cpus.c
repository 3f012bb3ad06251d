/* SPDX-License-Identifier: Apache-2.0 */
/* test_cpus.c: sets of CPUs and their list form. */
#include "base/cpus.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void reads_and_writes(void **state)
{
	static const struct {
		const char *list, *again;
		unsigned count;
	} rows[] = {
		{ "", "", 0 },
		{ "\n", "", 0 },
		{ "0", "0", 1 },
		{ "0-3,8", "0-3,8", 5 },
		{ "0-3,8\n", "0-3,8", 5 },
		{ "8,0,1,2,3", "0-3,8", 5 },
		{ "0-1,1-2", "0-2", 3 },
		{ "63-64", "63-64", 2 },
		{ "0,2,4", "0,2,4", 3 },
		{ "4095", "4095", 1 },
		{ "0-4095", "0-4095", 4096 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_text text = { 0 };
		struct fl_cpus set;

		assert_int_equal(fl_cpus_parse(rows[i].list, &set, NULL), 0);
		assert_int_equal(fl_cpus_count(&set), rows[i].count);
		fl_cpus_format(&set, &text);
		assert_string_equal(fl_text_str(&text), rows[i].again);
		fl_text_release(&text);
	}
}

static void refuses(void **state)
{
	static const char *const rows[] = { ",",   "0,",  "0,,1", "-1",	  "1-",	    "3-1",   "0-3-5",
					    "a",   "0 ",  " 0",	  "4096", "0-4096", "0\n\n", "99999999999999999999",
					    "0x1", "\n0", "+1" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_cpus set = { .bits = { 5 } }, before = set;
		struct fl_err err = { 0 };

		if (fl_cpus_parse(rows[i], &set, &err) != -EINVAL)
			fail_msg("'%s' was taken", rows[i]);
		assert_int_equal(err.code, -EINVAL);
		assert_true(fl_cpus_equal(&set, &before));
		assert_int_equal(fl_cpus_parse(rows[i], &set, NULL), -EINVAL);
	}
}

static void members(void **state)
{
	struct fl_cpus a = { 0 }, b = { 0 }, both;

	(void)state;
	fl_cpus_add(&a, 3);
	fl_cpus_add(&a, 64);
	fl_cpus_add(&a, 4095);
	fl_cpus_add(&a, FL_CPUS_MAX);
	assert_int_equal(fl_cpus_count(&a), 3);
	assert_int_equal(fl_cpus_nth(&a, 0), 3);
	assert_int_equal(fl_cpus_nth(&a, 1), 64);
	assert_int_equal(fl_cpus_nth(&a, 2), 4095);
	assert_int_equal(fl_cpus_nth(&a, 3), -1);
	assert_true(fl_cpus_has(&a, 64));
	assert_false(fl_cpus_has(&a, 65));
	assert_false(fl_cpus_has(&a, FL_CPUS_MAX));
	fl_cpus_add(&b, 64);
	both = fl_cpus_and(&a, &b);
	assert_true(fl_cpus_equal(&both, &b));
	assert_false(fl_cpus_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes),
		cmocka_unit_test(refuses),
		cmocka_unit_test(members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
