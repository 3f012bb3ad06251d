/* SPDX-License-Identifier: Apache-2.0 */
/* test_median.c: one number for a series: of what counts. */
#include "record/record.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void medians(void **state)
{
	static const struct {
		enum fl_series_kind kind;
		size_t n;
		double at[4], value[4];
		uint8_t valid[4];
		double want;
	} rows[] = {
		{ FL_SERIES_SAMPLES, 0, { 0 }, { 0 }, { 0 }, NAN },
		{ FL_SERIES_SAMPLES, 3, { 1, 2, 3 }, { 9, 7, 8 }, { 1, 1, 1 }, 8 },
		{ FL_SERIES_SAMPLES, 4, { 1, 2, 3, 4 }, { 9, 7, 8, 1 }, { 1, 1, 1, 1 }, 7.5 },
		{ FL_SERIES_SAMPLES, 3, { 1, 2, 3 }, { 9, 7, 8 }, { 1, 0, 0 }, 9 },
		{ FL_SERIES_SAMPLES, 3, { 1, 2, 3 }, { NAN, INFINITY, 8 }, { 1, 1, 1 }, 8 },
		{ FL_SERIES_SAMPLES, 1, { 1 }, { 9 }, { 0 }, NAN },
		{ FL_SERIES_HISTOGRAM, 0, { 0 }, { 0 }, { 0 }, NAN },
		{ FL_SERIES_HISTOGRAM, 3, { 30, 10, 20 }, { 1, 5, 1 }, { 0 }, 10 },
		{ FL_SERIES_HISTOGRAM, 3, { 10, 20, 30 }, { 1, 1, 5 }, { 0 }, 30 },
		{ FL_SERIES_HISTOGRAM, 3, { 10, 20, NAN }, { -1, 1, 5 }, { 0 }, 20 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_series s;
		double got;

		assert_int_equal(fl_series_make("x", rows[i].kind, rows[i].n, &s), 0);
		for (size_t k = 0; k < rows[i].n; k++) {
			s.at[k] = rows[i].at[k];
			s.value[k] = rows[i].value[k];
			s.valid[k] = rows[i].valid[k];
		}
		got = fl_series_median(&s);
		if (got != rows[i].want && !(isnan(got) && isnan(rows[i].want)))
			fail_msg("row %zu: %g, not %g", i, got, rows[i].want);
		free(s.at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(medians) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
