/* SPDX-License-Identifier: Apache-2.0 */
/* test_copy.c: every engine that this CPU has copies exactly what it was told, no byte more. */
#include "path/copy.h"
#include "path/pattern.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_engine(const struct fl_copy_engine *e, size_t bytes)
{
	size_t around = bytes + 2 * FL_COPY_GRAIN;
	char *from = aligned_alloc(FL_COPY_GRAIN, bytes), *to = aligned_alloc(FL_COPY_GRAIN, around);

	fl_pattern_fill(from, bytes, 42);
	fl_pattern_fill(to, around, 1000000);
	e->copy(to + FL_COPY_GRAIN, from, bytes);
	assert_int_equal(fl_pattern_check(from, bytes, 42), bytes);
	assert_int_equal(fl_pattern_check(to + FL_COPY_GRAIN, bytes, 42), bytes);
	assert_int_equal(fl_pattern_check(to, FL_COPY_GRAIN, 1000000), FL_COPY_GRAIN);
	assert_int_equal(
		fl_pattern_check(to + FL_COPY_GRAIN + bytes, FL_COPY_GRAIN, 1000000 + (FL_COPY_GRAIN + bytes) / 8),
		FL_COPY_GRAIN);
	free(from);
	free(to);
}

static void check_engines(const struct fl_copy_engine *e)
{
	for (; e->name; e++) {
		if (!e->supported())
			continue;
		check_engine(e, FL_COPY_GRAIN);
		check_engine(e, 3 * FL_COPY_GRAIN);
		check_engine(e, 1 << 20);
	}
}

static void test_engines_copy(void **state)
{
	(void)state;
	check_engines(fl_copy_avx);
	check_engines(fl_copy_portable);
}

static void test_the_best_is_supported(void **state)
{
	(void)state;
	assert_true(fl_copy_best()->supported());
	assert_true(fl_copy_portable[0].supported());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_engines_copy),
		cmocka_unit_test(test_the_best_is_supported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
