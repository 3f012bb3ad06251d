/* SPDX-License-Identifier: Apache-2.0 */
/* What counts of two streams of copies. Copies of 100 bytes. */
#include "path/cuda/window.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

enum { COPIES = 4, BYTES = 100 };

struct row {
	const char *what;
	double a[COPIES + 1], b[COPIES + 1];
	double ns, a_bytes, b_bytes; /* ns 0: refused */
};

static const struct row rows[] = {
	{ "alike", { 0, 10, 20, 30, 40 }, { 0, 10, 20, 30, 40 }, 40, 400, 400 },
	/* a is alone before 2 and b after 40: what b copied from 32 to 42 is cut off, and so is a's share of that. */
	{ "one later", { 0, 10, 20, 30, 40 }, { 2, 12, 22, 32, 42 }, 30, 300, 300 },
	/* b alone is faster: its third copy took 20 while both ran and would have taken 20 to its end, but took 15. */
	{ "one slower, and fast when it is alone", { 0, 10, 20, 30, 40 }, { 0, 20, 40, 50, 60 }, 40, 400, 200 },
	{ "a copy goes on alone", { 0, 10, 20, 30, 40 }, { 0, 16, 32, 44, 52 }, 32, 320, 200 },
	/* No copy of b ends while a is busy: then its first one is taken for even. */
	{ "one very slow", { 0, 10, 20, 30, 40 }, { 0, 80, 90, 100, 110 }, 40, 400, 50 },
	{ "the slow one first", { 0, 80, 90, 100, 110 }, { 0, 10, 20, 30, 40 }, 40, 50, 400 },
	{ "one after the other", { 0, 10, 20, 30, 40 }, { 40, 50, 60, 70, 80 }, 0, 0, 0 },
	{ "a gap between", { 0, 10, 20, 30, 40 }, { 50, 60, 70, 80, 90 }, 0, 0, 0 },
	{ "a time falls", { 0, 10, 5, 30, 40 }, { 0, 10, 20, 30, 40 }, 0, 0, 0 },
	{ "no number", { 0, 10, 20, 30, 40 }, { 0, 10, NAN, 30, 40 }, 0, 0, 0 },
	{ "no start", { NAN, 10, 20, 30, 40 }, { 0, 10, 20, 30, 40 }, 0, 0, 0 },
	{ "never ends", { 0, 10, 20, 30, INFINITY }, { 0, 10, 20, 30, 40 }, 0, 0, 0 },
	{ "copies that took no time", { 0, 10, 10, 10, 40 }, { 0, 10, 20, 30, 40 }, 40, 400, 400 },
};

static bool near(double x, double y)
{
	return fabs(x - y) < 1e-9;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct fl_window_side sides[2] = { { r->a, COPIES }, { r->b, COPIES } };
		struct fl_window_both got = { .ns = -1 };
		int rc = fl_window_both(sides, BYTES, &got);
		bool refused = r->ns == 0;

		if (refused ? rc == -ERANGE && got.ns == -1
			    : rc == 0 && near(got.ns, r->ns) && near(got.bytes[0], r->a_bytes) &&
				      near(got.bytes[1], r->b_bytes))
			continue;
		print_error("%s: %d, %g ns, %g and %g bytes\n", r->what, rc, got.ns, got.bytes[0], got.bytes[1]);
		fail();
	}
}

/* Rates are those of the time in which both ran, whatever the tail. */
static void test_tail_does_not_count(void **state)
{
	double fast[] = { 0, 10, 20, 30, 40 }, slow[] = { 0, 20, 40, 45, 50 };
	struct fl_window_side sides[2] = { { fast, 4 }, { slow, 4 } };
	struct fl_window_both got;

	(void)state;
	assert_int_equal(fl_window_both(sides, BYTES, &got), 0);
	assert_true(near(got.bytes[1] / got.ns, BYTES / 20.0));
}

/* How long they were at work is another question: the tail is work as well, of one of the two. */
static void test_busy(void **state)
{
	double a[] = { 0, 10, 20, 30, 40 }, later[] = { 2, 12, 22, 32, 42 }, half[] = { 0, 5, 10, 15, 20 };
	struct fl_window_side sides[2] = { { a, 4 }, { later, 4 } };
	struct fl_window_both got;

	(void)state;
	assert_int_equal(fl_window_both(sides, BYTES, &got), 0);
	assert_true(near(got.ns, 30) && near(got.busy_ns, 40));
	sides[1].at_ns = half;
	assert_int_equal(fl_window_both(sides, BYTES, &got), 0);
	assert_true(near(got.ns, 20) && near(got.busy_ns, 30)); /* one of the two did nothing for half of the time */
}

static void test_nothing_copied(void **state)
{
	double at[] = { 0 };
	struct fl_window_side sides[2] = { { at, 0 }, { at, 0 } };
	struct fl_window_both got;

	(void)state;
	assert_int_equal(fl_window_both(sides, BYTES, &got), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_tail_does_not_count),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_nothing_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
