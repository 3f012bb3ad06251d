/* SPDX-License-Identifier: Apache-2.0 */
/* test_stats.c: medians and their intervals. */
#include "base/stats.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void medians(void **state)
{
	static const double odd[] = { 5, 1, 3 }, even[] = { 4, 1, 3, 2 }, huge[] = { 1.7e308, 1.7e308 }, one[] = { 7 };

	(void)state;
	assert_true(isnan(fl_median(NULL, 0)));
	assert_true(fl_median(one, 1) == 7);
	assert_true(fl_median(odd, 3) == 3);
	assert_true(fl_median(even, 4) == 2.5);
	assert_true(fl_median(huge, 2) == 1.7e308);
	assert_true(odd[0] == 5 && odd[1] == 1); /* the input is not changed */
}

/* Values n..1: the bounds are ranks. Coverages: binomial tables. */
static void intervals(void **state)
{
	static const struct {
		size_t n;
		double low, high, confidence;
	} rows[] = {
		{ 1, 1, 1, 0 },		 { 2, 1, 2, 0 },	  { 5, 1, 5, 0 },
		{ 6, 1, 6, 0.96875 },	 { 8, 1, 8, 0.9921875 },  { 9, 2, 8, 0.9609375 },
		{ 12, 3, 10, 0.961426 }, { 20, 6, 15, 0.958611 }, { 100, 40, 61, 0.964800 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double values[100];
		struct fl_interval in;

		for (size_t v = 0; v < rows[i].n; v++)
			values[v] = (double)(rows[i].n - v);
		in = fl_median_interval(values, rows[i].n);
		assert_int_equal(in.n, rows[i].n);
		assert_true(in.low == rows[i].low);
		assert_true(in.high == rows[i].high);
		assert_true(fabs(in.confidence - rows[i].confidence) < 1e-6);
		assert_true(in.median == ((double)rows[i].n + 1) / 2);
	}
}

static void nothing_gives_nan(void **state)
{
	struct fl_interval in = fl_median_interval(NULL, 0);

	(void)state;
	assert_int_equal(in.n, 0);
	assert_true(isnan(in.median) && isnan(in.low) && isnan(in.high));
	assert_true(in.confidence == 0);
}

/* Large n: the binomial does not underflow; the half width is near 0.98 sqrt(n). */
static void many_values(void **state)
{
	size_t n = 200000;
	double *values = malloc(n * sizeof(*values));
	struct fl_interval in;

	(void)state;
	assert_non_null(values);
	for (size_t i = 0; i < n; i++)
		values[i] = (double)i;
	in = fl_median_interval(values, n);
	assert_true(in.median == 99999.5);
	assert_true(in.confidence >= 0.95 && in.confidence < 0.951);
	assert_true(fabs((in.high - in.low) / 2 - 0.98 * sqrt((double)n)) < 2);
	free(values);
}

static void spread_of_passes(void **state)
{
	static const struct {
		double values[8];
		size_t n, pass;
		double want;
	} rows[] = {
		{ { 100, 102, 104, 106, 98, 100 }, 6, 2, 6.0 / 99 },
		{ { 100, 110 }, 2, 1, 0.1 },
		{ { 110, 100 }, 2, 1, 0.1 },
		{ { 100, NAN, NAN, NAN, 120, 100 }, 6, 2, 0.1 }, /* a pass without a value does not count */
		{ { 100, 100, 500 }, 3, 2, NAN },		 /* nor does a part of one */
		{ { 100 }, 1, 1, NAN },
		{ { 0, 1 }, 2, 1, NAN },
		{ { 0 }, 0, 3, NAN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double got = fl_spread_of_passes(rows[i].values, rows[i].n, rows[i].pass);

		if (isnan(rows[i].want) ? !isnan(got) : !(fabs(got - rows[i].want) < 1e-12))
			fail_msg("row %zu: %g", i, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(medians),     cmocka_unit_test(intervals),	   cmocka_unit_test(nothing_gives_nan),
		cmocka_unit_test(many_values), cmocka_unit_test(spread_of_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
