/* SPDX-License-Identifier: Apache-2.0 */
/* test_remaining.c: estimates corrected by what steps took, and the words for them. */
#include "run/remaining.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint64_t s = 1000000000;

static void test_corrected(void **state)
{
	struct fl_remaining r = { 0 };

	(void)state;
	assert_int_equal(fl_remaining_ns(&r, 60 * s), 60 * s); /* nothing is known yet */
	fl_remaining_took(&r, 2 * s, s);
	assert_int_equal(fl_remaining_ns(&r, 60 * s), 30 * s);
	fl_remaining_took(&r, 2 * s, 20 * s); /* made a file first */
	fl_remaining_took(&r, 2 * s, s);
	assert_int_equal(fl_remaining_ns(&r, 60 * s), 30 * s);
	fl_remaining_took(&r, 0, 5 * s); /* a step that cannot be measured */
	assert_int_equal(fl_remaining_ns(&r, 60 * s), 30 * s);
	assert_int_equal(fl_remaining_ns(&r, 0), 0);
}

/* Only the last steps count: a machine may become slower. */
static void test_forgets(void **state)
{
	struct fl_remaining r = { 0 };

	(void)state;
	for (size_t i = 0; i < 100; i++)
		fl_remaining_took(&r, s, s);
	for (size_t i = 0; i < FL_REMAINING_KEPT; i++)
		fl_remaining_took(&r, s, 3 * s);
	assert_int_equal(fl_remaining_ns(&r, 10 * s), 30 * s);
}

static void test_bounded(void **state)
{
	struct fl_remaining r = { 0 };

	(void)state;
	fl_remaining_took(&r, 1, UINT64_MAX);
	assert_int_equal(fl_remaining_ns(&r, UINT64_MAX), INT64_MAX);
}

static void test_words(void **state)
{
	static const struct {
		uint64_t left_ns;
		const char *want;
	} rows[] = {
		{ 0, "a few seconds left" },	       { 4999999999, "a few seconds left" },
		{ 5 * s, "about 5 s left" },	       { 19 * s, "about 19 s left" },
		{ 20 * s, "about 20 s left" },	       { 41 * s, "about 45 s left" },
		{ 99 * s, "about 100 s left" },	       { 100 * s, "about 2 min left" },
		{ 121 * s, "about 3 min left" },       { 35999 * s, "about 600 min left" },
		{ 36000 * s, "about 10 h left" },      { 86399 * s, "about 24 h left" },
		{ INT64_MAX, "about 2562048 h left" }, { UINT64_MAX, "about 5124096 h left" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[FL_REMAINING_TEXT];

		assert_string_equal(fl_remaining_show(text, rows[i].left_ns), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corrected),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
