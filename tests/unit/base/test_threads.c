/* SPDX-License-Identifier: Apache-2.0 */
/* test_threads.c: the forms of a declared number of threads. */
#include "base/threads.h"
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_fixed(void **state)
{
	static const struct {
		const char *declared, *option;
		unsigned want;
	} rows[] = {
		{ NULL, NULL, 1 },     { "3", NULL, 3 },       { "threads", "16", 16 },
		{ "threads", "0", 1 }, { "threads", NULL, 1 }, { "threads", "18446744073709551615", INT_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(fl_threads_fixed(rows[i].declared, rows[i].option), rows[i].want);
}

static void test_cpus(void **state)
{
	(void)state;
	assert_true(fl_threads_take_cpus("cpus"));
	assert_false(fl_threads_take_cpus("4"));
	assert_false(fl_threads_take_cpus(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
