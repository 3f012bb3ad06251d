/* SPDX-License-Identifier: Apache-2.0 */
/* test_window.c: steps with known sums through clipping and slicing. */
#include "run/window.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void release(struct fl_series *s)
{
	free(s->at);
	free(s->value);
	free(s->valid);
}

/* Two threads, 10 bytes per ns together; the second one starts late. */
static struct fl_tape_step first[] = { { 0, 100, 1, 500, 0, 0 },
				       { 100, 200, 1, 500, 0, 0 },
				       { 200, 300, 1, 500, 0, 0 } };
static struct fl_tape_step second[] = { { 100, 200, 2, 500, 0, 0 }, { 200, 400, 2, 1000, 0, 0 } };
static double given_first[] = { 1, NAN, 3 };
static double given_second[] = { 4, 5 };
static const struct fl_track tracks[] = { { first, given_first, 3 }, { second, given_second, 2 } };

static void test_clip_counts_in_proportion(void **state)
{
	struct fl_window w = { 150, 250, false };
	struct fl_clip clip = fl_window_clip(tracks, 2, &w);

	(void)state;
	assert_true(fabs(clip.bytes - 1000) < 1e-9); /* 250 + 250 of the first, 250 + 250 of the second */
	assert_true(fabs(clip.ops - (0.5 + 0.5 + 1 + 0.5)) < 1e-9);
	assert_true(fabs(clip.busy_ns - 200) < 1e-9);
	assert_false(clip.spoilt);
}

static void test_clip_outside_is_nothing(void **state)
{
	struct fl_window w = { 500, 600, false };
	struct fl_clip clip = fl_window_clip(tracks, 2, &w);

	(void)state;
	assert_true(clip.bytes == 0 && clip.ops == 0 && clip.busy_ns == 0);
}

static void test_slices_add_up_to_the_window(void **state)
{
	struct fl_window w = { 0, 400, false };
	struct fl_series s = { 0 };
	double sum = 0;

	(void)state;
	fl_window_rates(tracks, 2, &w, 4, FL_RATE_BYTES, &s);
	assert_int_equal(s.n, 4);
	for (size_t i = 0; i < s.n; i++)
		sum += s.value[i] * 100e-9;
	assert_true(fabs(sum - 3000) < 1e-6);
	assert_true(fabs(s.value[0] - 5e9) < 1); /* only the first thread: an idle thread lowers the rate */
	assert_true(fabs(s.value[1] - 10e9) < 1);
	assert_true(s.at[3] == 400);
	release(&s);
}

/* By device clock: two steps of 60 ns with gaps of 40 ns before them, in slices of which each is cut differently. */
static void test_gaps_between_steps_of_a_device_do_not_count(void **state)
{
	struct fl_tape_step steps[] = { { 40, 100, 6, 600, 0, 0 }, { 140, 200, 6, 1200, 0, 0 } };
	struct fl_track track = { steps, NULL, 2 };
	static const struct {
		uint64_t from_ns, to_ns;
		double work_ns, bytes_per_s, ops_per_s, step_ns; /* NaN: none */
	} rows[] = {
		{ 0, 200, 120, 15e9, 0.1e9, 10 }, { 0, 100, 60, 10e9, 0.1e9, 10 }, { 100, 200, 60, 20e9, 0.1e9, 10 },
		{ 70, 170, 60, 15e9, 0.1e9, 10 }, { 0, 40, 0, NAN, NAN, NAN },	   { 100, 140, 0, NAN, NAN, NAN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_window w = { rows[i].from_ns, rows[i].to_ns, true };
		const double want[] = { [FL_RATE_BYTES] = rows[i].bytes_per_s,
					[FL_RATE_OPS] = rows[i].ops_per_s,
					[FL_STEP_NS] = rows[i].step_ns };

		assert_true(fl_window_work_ns(&track, 1, &w) == rows[i].work_ns);
		for (int from = FL_RATE_BYTES; from <= FL_STEP_NS; from++) {
			struct fl_series s = { 0 };

			fl_window_rates(&track, 1, &w, 1, (enum fl_from)from, &s);
			assert_int_equal(s.valid[0], !isnan(want[from]));
			assert_true(isnan(want[from]) ? isnan(s.value[0])
						      : fabs(s.value[0] - want[from]) < 1e-9 * want[from]);
			release(&s);
		}
	}
}

/* Threads that share a device: it is at work where any of them is. What is spoilt is no work, nor what does no op. */
static void test_work_of_several_threads(void **state)
{
	struct fl_tape_step one[] = { { 0, 100, 1, 500, 0, 0 }, { 200, 300, 1, 500, 0, 0 }, { 400, 500, 1, 1, 1, 0 } };
	struct fl_tape_step two[] = { { 50, 150, 1, 500, 0, 0 }, { 210, 220, 1, 0, 0, 0 }, { 600, 700, 0, 0, 0, 0 } };
	struct fl_track both[] = { { one, NULL, 3 }, { two, NULL, 3 } };
	struct fl_window all = { 0, 1000, true }, part = { 120, 250, true };
	struct fl_series s = { 0 };

	(void)state;
	assert_true(fl_window_work_ns(both, 2, &all) == 250);
	assert_true(fl_window_work_ns(both, 2, &part) == 80);
	one[1].busy_ns = 140; /* from 160, 40 of which do not count, nor do they where it is 30 and no more than does */
	two[0].busy_ns = 30;
	assert_true(fl_window_work_ns(both, 2, &all) == 250 && fl_window_busy_ns(both, 2, &all) == 290);
	assert_true(fl_window_busy_ns(both, 2, &part) == 120);
	part = (struct fl_window){ 155, 190, true };
	assert_true(fl_window_work_ns(both, 2, &part) == 0 && fl_window_busy_ns(both, 2, &part) == 30);
	assert_true(fl_window_work_ns(both, 0, &all) == 0);
	all.to_ns = 400;
	fl_window_rates(both, 2, &all, 1, FL_RATE_BYTES, &s);
	assert_true(fabs(s.value[0] - 1500 / 250e-9) < 1);
	release(&s);
}

/* Four steps of a device in a slice, wherever its gaps are. */
static void test_slices_by_device_clock(void **state)
{
	enum { STEPS = 40 };
	struct fl_tape_step steps[STEPS];
	struct fl_track track = { steps, NULL, STEPS };
	struct fl_window w = { 0, STEPS * UINT64_C(1000), true };

	(void)state;
	for (uint64_t i = 0; i < STEPS; i++)
		steps[i] = (struct fl_tape_step){ i * 1000 + 900, (i + 1) * 1000, 1, 1, 0, 0 };
	assert_int_equal(fl_window_slices(&track, 1, &w, 100), STEPS / 4);
	w.device_clock = false;
	assert_int_equal(fl_window_slices(&track, 1, &w, 100), 32);
}

static void test_spoilt_steps_void_their_slices(void **state)
{
	struct fl_tape_step steps[] = { { 0, 100, 1, 100, 0, 0 },
					{ 100, 200, 1, 100, 1, 0 },
					{ 200, 300, 1, 100, 0, 0 } };
	struct fl_track track = { steps, NULL, 3 };
	struct fl_window w = { 0, 300, false };
	struct fl_series s = { 0 };

	(void)state;
	fl_window_rates(&track, 1, &w, 3, FL_RATE_BYTES, &s);
	assert_true(s.valid[0] && !s.valid[1] && s.valid[2]);
	release(&s);
}

static void test_step_time_is_per_op_of_busy_threads(void **state)
{
	/* A passive thread (no ops) does not count into the time per op. */
	struct fl_tape_step busy[] = { { 0, 100, 10, 0, 0, 0 } };
	struct fl_tape_step passive[] = { { 0, 100, 0, 0, 0, 0 } };
	struct fl_track both[] = { { busy, NULL, 1 }, { passive, NULL, 1 } };
	struct fl_window w = { 0, 100, false };
	struct fl_series s = { 0 };

	(void)state;
	fl_window_rates(both, 2, &w, 1, FL_STEP_NS, &s);
	assert_true(fabs(s.value[0] - 10) < 1e-9);
	release(&s);
}

static void test_given_is_in_order_of_time_and_skips_none(void **state)
{
	struct fl_window w = { 0, 1000, false };
	struct fl_series s = { 0 };
	const double expected[] = { 1, 4, 3, 5 };

	(void)state;
	fl_window_given(tracks, 2, &w, 1, 0, &s);
	assert_int_equal(s.n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(s.value[i] == expected[i]);
	release(&s);
}

static void test_histogram_keeps_every_count(void **state)
{
	struct fl_hist *h = calloc(1, sizeof(*h));
	struct fl_series s = { 0 };

	(void)state;
	fl_hist_add(h, 5);
	fl_hist_add(h, 5);
	fl_hist_add(h, 1000000);
	fl_window_histogram(h, &s);
	assert_int_equal(s.n, 2);
	assert_true(s.at[0] == 5 && s.value[0] == 2 && s.value[1] == 1);
	assert_true(fabs(s.at[1] - 1e6) / 1e6 < 0.0079);
	release(&s);
	free(h);
}

/* 400 ms steps in a window of 2 s are five samples at the most, whatever length of step was aimed at. */
static void test_slices_hold_several_steps(void **state)
{
	static const struct {
		uint64_t length_ns, aim_ns, observed_ns;
		size_t slices;
	} rows[] = { { 2000000000, 2000000, 2000000, 32 },
		     { 40000000, 2000000, 1000000, 5 },
		     { 1000000, 2000000, 1, 1 },
		     { 2000000000, 2000000, 400000000, 1 },
		     { 2000000000, 2000000, 50000000, 10 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fl_window w = { 0, rows[i].length_ns, false };
		struct fl_tape_step steps[] = { { 0, rows[i].observed_ns, 1, 0, 0, 0 } };
		struct fl_track track = { steps, NULL, 1 };

		assert_int_equal(fl_window_slices(&track, 1, &w, rows[i].aim_ns), rows[i].slices);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clip_counts_in_proportion),
		cmocka_unit_test(test_clip_outside_is_nothing),
		cmocka_unit_test(test_slices_add_up_to_the_window),
		cmocka_unit_test(test_gaps_between_steps_of_a_device_do_not_count),
		cmocka_unit_test(test_work_of_several_threads),
		cmocka_unit_test(test_slices_by_device_clock),
		cmocka_unit_test(test_spoilt_steps_void_their_slices),
		cmocka_unit_test(test_step_time_is_per_op_of_busy_threads),
		cmocka_unit_test(test_given_is_in_order_of_time_and_skips_none),
		cmocka_unit_test(test_histogram_keeps_every_count),
		cmocka_unit_test(test_slices_hold_several_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
