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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_speaker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
