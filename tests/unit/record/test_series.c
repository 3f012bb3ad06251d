/* SPDX-License-Identifier: Apache-2.0 */
/* test_series.c: what the series of a round say, and which of them speaks. */
#include "../sample_run.h"
#include "record/series.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct fl_run *run_of(const char *bench)
{
	struct fl_run *run = sample_run_new(false, NULL);

	sample_lane(sample_case(run, bench, 1), bench, "{}", NULL);
	sample_record(run, 0, 0, 0);
	return run;
}

static void test_samples(void **state)
{
	struct fl_run *run = run_of("null.nop");
	struct fl_series *s;

	(void)state;
	sample_flat(&run->lanes[0], "ops_per_s", 5, 4);
	s = &run->lanes[0].series[0];
	s->value[0] = 1;
	s->value[1] = NAN;
	s->value[2] = 9;
	s->valid[2] = 0;
	assert_true(fl_series_median(s) == 3); /* 1 and 5: the others do not count */
	s->n = 0;
	assert_true(isnan(fl_series_median(s)));
	fl_run_free(run);
}

static void test_histogram(void **state)
{
	struct fl_run *run = run_of("storage.read");
	struct fl_series *s = sample_series(&run->lanes[0], "read_ns", FL_SERIES_HISTOGRAM, 3);

	(void)state;
	for (size_t i = 0; i < 3; i++)
		s->at[i] = 100.0 * (double)(3 - i); /* not in order */
	s->value[0] = 1;
	s->value[1] = 6;
	s->value[2] = 2;
	assert_true(fl_series_median(s) == 200);
	s->value[1] = NAN;
	assert_true(fl_series_median(s) == 100);
	fl_run_free(run);
}

/* The rate in bytes, else the metric that comes first; of a lane that was measured. */
static void test_speaker(void **state)
{
	struct fl_run *run = run_of("storage.read");
	struct fl_lane_record *r = &run->lanes[0];
	enum fl_better better;

	(void)state;
	assert_true(isnan(fl_record_spoken(r, &sample_entries[5], &better)));
	sample_flat(r, "ops_per_s", 7, 2);
	sample_flat(r, "bytes_per_s", 8, 2);
	assert_true(fl_record_spoken(r, &sample_entries[5], &better) == 8);
	assert_int_equal(better, FL_HIGHER);
	assert_true(fl_record_spoken(r, &sample_entries[3], &better) == 7); /* as if it were null.nop */
	assert_int_equal(better, FL_NEITHER);
	r->outcome = FL_INVALID;
	assert_true(isnan(fl_record_spoken(r, &sample_entries[5], &better)));
	fl_run_free(run);
}

/* Each value counts as long as it was the newest; a mean of the time before, only where that is all in the window. */
static void test_watched(void **state)
{
	static const struct {
		const char *metric;
		double at[4], value[4];
		size_t n;
		struct fl_watched_summary sum;
	} rows[] = {
		{ "temperature_c", { -1e8, 9e8, 1e9 }, { 7, 1, 9 }, 3, { 1, 1, 9, 10, 2, 2 } },
		{ "temperature_c", { -1e8, 1e8, 2e8, 1e9 }, { 5, 5, 6, 6 }, 4, { 6, 5, 6, 17, 1, 3 } },
		{ "temperature_c", { -1e8, 1e9, 1.1e9 }, { 0, 3, 1e6 }, 3, { 3, 3, 1e6, 1e6 + 3, 1e6, 2 } },
		{ "temperature_c", { -2e8, -1e8 }, { 4, 4 }, 2, { 4, 4, 4, 8, 0, 2 } }, /* nothing of the window */
		{ "temperature_c", { 1e8, 2e8 }, { NAN, 2 }, 2, { 2, 2, 2, 2, 0, 1 } },
		{ "temperature_c", { 1e8 }, { 3 }, 1, { 3, 3, 3, 3, 0, 1 } },
		/* what an H200 showed: the first is mostly of the time before */
		{ "sm_busy_ratio", { -1e8, 0.3e8, 1.3e8, 1.9e9 }, { 0, 5, 99, 99 }, 4, { 99, 99, 99, 99, 99, 1 } },
		{ "sm_busy_ratio", { -1e8, 0.3e8, 4e8 }, { 0, 5, 99 }, 3, { 99, 99, 99, 99, 99, 1 } },
		{ "sm_busy_ratio", { -2e8, -1e8 }, { 1, 4 }, 2, { 4, 1, 4, 5, 3, 2 } },
		{ "power_w", { 5e8, 1e9, 1.5e9 }, { 9, 2, 3 }, 3, { 2, 2, 3, 5, -6, 2 } },
		{ "pcie_sent_bytes_per_s", { 0.4e8, 3e8 }, { 1, 7 }, 2, { 7, 7, 7, 7, 6, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fl_watched_summary *want = &rows[i].sum;
		struct fl_watched_summary got;
		struct fl_series s;

		assert_int_equal(fl_series_make(rows[i].metric, FL_SERIES_SAMPLES, rows[i].n, &s), 0);
		memcpy(s.at, rows[i].at, rows[i].n * sizeof(*s.at));
		memcpy(s.value, rows[i].value, rows[i].n * sizeof(*s.value));
		memset(s.valid, 1, rows[i].n);
		got = fl_watched_summarize(&s);
		if (got.median != want->median || got.low != want->low || got.high != want->high ||
		    got.sum != want->sum || got.rose != want->rose || got.n != want->n)
			fail_msg("row %zu: %g (%g .. %g), sum %g, rose %g, n %zu", i, got.median, got.low, got.high,
				 got.sum, got.rose, got.n);
		memset(s.valid, 0, rows[i].n);
		assert_int_equal(fl_watched_summarize(&s).n, 0);
		free(s.at);
	}
	assert_true(isnan(fl_watched_summarize(&(struct fl_series){ 0 }).median));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_speaker),
		cmocka_unit_test(test_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
