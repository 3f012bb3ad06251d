/* SPDX-License-Identifier: Apache-2.0 */
/* test_loop.c: the pieces that judge starvation, over sinks whose losses are known. */
#include "../feeding.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const double C = 1e6;

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-9 * (fabs(b) + 1);
}

/* ---- shares */

static void test_share_of_few_steps(void **state)
{
	static const double over[] = { 1, 3, 2 }, under[] = { 10, 10, 20 };
	struct fl_interval r = fl_share_interval(over, under, 3);

	(void)state;
	assert_true(near(r.median, 0.15) && near(r.low, 0.1) && near(r.high, 0.3));
	assert_true(r.confidence == 0 && r.n == 3);
	assert_int_equal(fl_share_interval(over, under, 0).n, 0);
}

/* Ten segments of three steps, whose shares are 0.1 and 0.3 by turns: mean 0.2, deviation sqrt(10/9) / 10. */
static void test_share_of_segments(void **state)
{
	double over[30], under[30], half = 2.262 * sqrt(10.0 / 9 / 10) / 10;
	struct fl_interval r;

	(void)state;
	for (size_t i = 0; i < 30; i++) {
		under[i] = 2;
		over[i] = i / 3 % 2 ? 0.6 : 0.2;
	}
	r = fl_share_interval(over, under, 30);
	assert_true(near(r.median, 0.2) && near(r.low, 0.2 - half) && near(r.high, 0.2 + half));
	assert_true(r.confidence == 0.95 && r.n == 30);
}

/* One round: its segments; more: their medians, and extremes below six. */
static void test_shares_of_rounds(void **state)
{
	static const double over[] = { 1, 2, 3, 2, 4, 6, 3, 5 }, under[] = { 10, 10, 10, 10, 10, 10, 10, 10 };
	struct fl_shares all = { 0 };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		fl_shares_add(&all, over, under, 2);
	assert_int_equal(fl_shares_interval(&all).n, 0); /* two steps say nothing, however often */
	assert_int_equal(all.steps, 0);
	fl_shares_add(&all, over, under, 3);
	assert_int_equal(fl_shares_interval(&all).n, 3); /* steps */
	fl_shares_add(&all, over, under, 0);
	fl_shares_add(&all, over + 3, under, 3);
	assert_int_equal(fl_shares_interval(&all).n, 2); /* rounds */
	assert_true(near(fl_shares_interval(&all).low, 0.2) && near(fl_shares_interval(&all).high, 0.4));
	for (size_t i = 0; i < 4; i++)
		fl_shares_add(&all, over + i, under, 4);
	assert_int_equal(fl_shares_interval(&all).n, 6);
	assert_int_equal(all.steps, 22);
	assert_true(fl_shares_interval(&all).confidence > 0.95);
	fl_shares_release(&all);
}

/* ---- steps of a loop */

static struct fl_loop measure_as(struct fl_run *run, struct fl_loop_shape shape)
{
	const struct fl_lane_record *records[8];

	for (size_t i = 0; i < run->lanes_n; i++)
		records[i] = &run->lanes[i];
	return fl_loop_measure(records, run->lanes_n, &shape);
}

static struct fl_loop measure(struct fl_run *run)
{
	return measure_as(run, (struct fl_loop_shape){ C, NAN, 0 });
}

static struct fl_run *loop_run(unsigned rounds)
{
	struct fl_run *run = sample_run_new(false, NULL);

	sample_lane(sample_case(run, "null.nop", (int)rounds), "null.nop", "{}", NULL);
	for (unsigned i = 0; i < rounds; i++)
		sample_record(run, 0, 0, i);
	return run;
}

/* Sources of known times: what is measured is what was lost. */
static void test_measured_is_true(void **state)
{
	static const struct {
		double rho, jitter;
		size_t room;
	} rows[] = { { 0.5, 0, 2 }, { 0.8, 0.5, 2 }, { 1.05, 1, 2 }, { 1.05, 1, 8 }, { 2, 0, 2 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct source source = { C / rows[i].rho, rows[i].jitter, 77 + i };
		struct fed f = feed(source, C, rows[i].room, false, 400);
		struct fl_run *run = loop_run(1);
		struct fl_loop loop;

		add_fed(&run->lanes[0], &f);
		loop = measure(run);
		assert_null(loop.why);
		assert_int_equal(loop.steps, 399);
		assert_true(near(loop.S.median, true_S(&f)));
		assert_true(near(loop.S.median + loop.AU.median, 1));
		assert_true(loop.S.low <= loop.S.median && loop.S.high >= loop.S.median && loop.S.confidence == 0.95);
		fl_run_free(run);
		fed_release(&f);
	}
}

/* A sink that oversleeps does not raise AU. */
static void test_oversleeping(void **state)
{
	struct fed f = feed((struct source){ C / 2, 0, 1 }, 1.25 * C, 2, false, 100);
	struct fl_run *run = loop_run(1);
	struct fl_loop loop;

	(void)state;
	add_fed(&run->lanes[0], &f);
	loop = measure(run);
	assert_true(near(loop.AU.median, 0.8));
	assert_true(loop.S.median == 0);
	fl_run_free(run);
	fed_release(&f);
}

/* Spoilt steps go with their time. */
static void test_spoilt(void **state)
{
	struct fed f = feed((struct source){ 2 * C, 0, 1 }, C, 2, false, 40);
	struct fl_run *run = loop_run(1);
	struct fl_series *s;
	struct fl_loop loop;

	(void)state;
	for (size_t i = 20; i < f.n; i++)
		f.end[i] += 50 * C; /* step 20 took long, and does not count */
	f.stall[20] += 50 * C;
	add_fed(&run->lanes[0], &f);
	s = &run->lanes[0].series[0];
	assert_false(near(measure(run).S.median, 0.5));
	s->valid[20] = 0;
	loop = measure(run);
	assert_int_equal(loop.steps, 38);
	assert_true(near(loop.S.median, 0.5));
	s->valid[20] = 1;
	s->value[20] = NAN;
	assert_true(near(measure(run).S.median, 0.5));
	fl_run_free(run);
	fed_release(&f);
}

static void test_strange_steps(void **state)
{
	static const struct {
		double stall[5], at[5];
		size_t n;
		const char *why;
	} rows[] = {
		{ { 0 }, { 0 }, 0, "fewer than 3" },
		{ { 0, 0, 0 }, { 1e6, 2e6, 3e6 }, 3, "fewer than 3" },
		{ { 0, 0, 0, 0 }, { 1e6, 2e6, 2e6, 3e6 }, 4, "not in order" },
		{ { 0, 0, 0, 0 }, { 4e6, 3e6, 2e6, 1e6 }, 4, "not in order" },
		{ { 0, 0, 0, 0 }, { 1e6, NAN, 3e6, 4e6 }, 4, "not in order" },
		{ { 0, -1, -1, 0, 0 }, { 1e6, 2e6, 3e6, 4e6, 5e6 }, 5, "fewer than 3" },
		{ { 0, 0, 0, 0 }, { 1e6, 1.5e6, 2e6, 2.5e6 }, 4, "faster than its step time" },
		{ { 1e9, 1e9, 1e9, 1e9 }, { 1e6, 2e6, 3e6, 4e6 }, 4, "more than the time that passed" },
		{ { INFINITY, 0, 0, 0 }, { 1e6, 2e6, 3e6, 4e6 }, 4, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = loop_run(1);
		struct fl_loop loop;

		add_steps(&run->lanes[0], "stall_ns", rows[i].stall, rows[i].at, rows[i].n);
		add_steps(&run->lanes[0], "ready_batches", rows[i].stall, rows[i].at, rows[i].n);
		add_steps(&run->lanes[0], "source_busy_ratio", rows[i].stall, rows[i].at, rows[i].n);
		loop = measure(run);
		if (!loop.why != !rows[i].why || (loop.why && !strstr(loop.why, rows[i].why)))
			fail_msg("row %zu: '%s'", i, loop.why ? loop.why : "");
		fl_run_free(run);
	}
}

/* Three long steps a round: what the first must have taken is known without its beginning. Of fewer, however many
 * rounds there are, nothing is said. */
static void test_steps_that_fill_a_round(void **state)
{
	static const double stall[] = { 3e6, 3e6, 3e6 }, gap[] = { 0, 0, 0 }, at[] = { 5e6, 9e6, 13e6 };

	(void)state;
	for (size_t n = 1; n <= 3; n++) {
		struct fl_run *run = loop_run(3);
		struct fl_loop loop;

		for (unsigned i = 0; i < 3; i++)
			add_steps(&run->lanes[i], "stall_ns", stall, at, n);
		assert_non_null(measure(run).why);
		for (unsigned i = 0; i < 3; i++)
			add_steps(&run->lanes[i], "gap_ns", gap, at, n);
		loop = measure(run);
		assert_true(!loop.why == (n == 3));
		if (n == 3)
			assert_true(loop.S.n == 3 && near(loop.S.median, 0.75) && near(loop.AU.median, 0.25));
		fl_run_free(run);
	}
}

/* A queue that was full in the beginning hides what the source lacks. */
static void test_draining_queue(void **state)
{
	struct fed f = feed((struct source){ C / 0.8, 0, 1 }, C, 100, true, 200);
	struct fl_run *run = loop_run(1);
	struct fl_loop loop;

	(void)state;
	add_fed(&run->lanes[0], &f);
	loop = measure(run);
	assert_true(loop.S.median == 0);
	assert_true(loop.drained > 0.15 && loop.drained < 0.2);
	fl_run_free(run);
	fed_release(&f);
	f = feed((struct source){ C / 0.8, 0, 1 }, C, 2, false, 200);
	run = loop_run(1);
	add_fed(&run->lanes[0], &f);
	loop = measure(run);
	assert_true(loop.drained < 0.01 && loop.S.median > 0.19);
	fl_run_free(run);
	fed_release(&f);
}

/* So does what was read and not yet copied. */
static void test_draining_chunks(void **state)
{
	static const struct {
		struct fl_loop_shape shape;
		double drained;
	} rows[] = {
		{ { C, 2, 0 }, 30.0 / 2 * 1e6 / 99e6 },
		{ { C, 2, 5 }, 5 * 1e6 / 99e6 }, /* more than fits in cannot be */
		{ { C, 2, 20 }, 15 * 1e6 / 99e6 },
		{ { C, NAN, 20 }, 0 },
	};
	double stall[100] = { 0 }, waiting[100], at[100];
	struct fl_run *run = loop_run(1);

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		at[i] = (double)(i + 1) * 1e6;
		waiting[i] = i < 50 ? 32 : 2;
	}
	add_steps(&run->lanes[0], "stall_ns", stall, at, 100);
	add_steps(&run->lanes[0], "ready_batches", stall, at, 100);
	add_steps(&run->lanes[0], "waiting_chunks", waiting, at, 100);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!near(measure_as(run, rows[i].shape).drained, rows[i].drained))
			fail_msg("row %zu: %g", i, measure_as(run, rows[i].shape).drained);
	fl_run_free(run);
}

/* What the stages did counts for as long as the sink waited, and no longer. */
static void test_stages_during_stalls(void **state)
{
	static const double at[] = { 1e6, 3e6, 4e6, 6e6, 7e6 }, stall[] = { 0, 1e6, 0, 1e6, 0 };
	static const double stage_at[] = { 1e6, 2e6, 4e6, 5e6, 7e6 }, busy[] = { 0, 1, 0, 0.5, 0 };
	static const double waiting[] = { 9, 3, 9, 1, 9 };
	struct fl_run *run = loop_run(1);
	struct fl_loop loop;

	(void)state;
	add_steps(&run->lanes[0], "stall_ns", stall, at, 5);
	add_steps(&run->lanes[0], "source_busy_ratio", busy, stage_at, 5);
	add_steps(&run->lanes[0], "copy_busy_ratio", busy, at, 5);
	add_steps(&run->lanes[0], "waiting_chunks", waiting, stage_at, 5);
	loop = measure(run);
	assert_true(near(loop.source_busy, 0.75));
	assert_true(near(loop.waiting_chunks, 2));
	assert_true(near(loop.copy_busy, 0.75));
	fl_run_free(run);
}

/* The rate of an open loop is that of all its deliveries, not that of a typical one. */
static void test_open_rate(void **state)
{
	static const double ns[] = { 1e6, 1e6, 1e6, 5e6 }, at[] = { 1, 2, 3, 4 };
	struct fl_run *run = loop_run(1);
	const struct fl_lane_record *record = &run->lanes[0];
	struct fl_open open;

	(void)state;
	add_steps(&run->lanes[0], "delivery_ns", ns, at, 4);
	open = fl_open_measure(&record, 1, 2e6);
	assert_true(near(open.rate.median, 1e9));
	assert_int_equal(open.deliveries_n, 4);
	fl_open_release(&open);
	run->lanes[0].outcome = FL_INVALID;
	open = fl_open_measure(&record, 1, 2e6);
	assert_int_equal(open.rate.n, 0);
	fl_open_release(&open);
	fl_run_free(run);
}

/* Batches that come two at a time are no faster for it, and their interval says so. */
static void test_open_rate_of_pairs(void **state)
{
	double ns[60], at[60];
	struct fl_run *run = loop_run(1);
	const struct fl_lane_record *record = &run->lanes[0];
	struct fl_open open;

	(void)state;
	for (size_t i = 0; i < 60; i++) {
		ns[i] = i % 2 ? 1 : 2e6 - 1;
		at[i] = (double)i;
	}
	add_steps(&run->lanes[0], "delivery_ns", ns, at, 60);
	open = fl_open_measure(&record, 1, 1e6);
	assert_true(near(open.rate.median, 1e9));
	assert_true(open.rate.low > 0.8e9 && open.rate.high < 1.3e9);
	fl_open_release(&open);
	fl_run_free(run);
}

/* ---- bands: the table of starvation.h, line by line */

static const struct {
	double S[3], rho[3], control, drained; /* low, median, high */
	enum fl_band band;
	enum fl_line line;
} bands[] = {
	{ { 0, 0.01, 0.02 }, { 2, 2, 2 }, 0.995, 0, FL_FED, FL_LINE_BAND },
	{ { 0.06, 0.1, 0.15 }, { 0.9, 0.9, 0.9 }, 0.995, 0, FL_MODERATELY_STARVED, FL_LINE_BAND },
	{ { 0.5, 0.6, 0.7 }, { 0.4, 0.4, 0.4 }, 0.95, 0, FL_STARVED, FL_LINE_BAND },
	/* the control cannot keep its time, or is not known to */
	{ { 0.5, 0.6, 0.7 }, { 0.4, 0.4, 0.4 }, 0.89, 0, FL_NOT_MEASURABLE, FL_LINE_CONTROL },
	{ { 0, 0, 0 }, { 2, 2, 2 }, 0.5, 0, FL_NOT_MEASURABLE, FL_LINE_CONTROL },
	{ { 0, 0, 0 }, { 2, 2, 2 }, NAN, 0, FL_NOT_MEASURABLE, FL_LINE_CONTROL },
	/* its loss decides */
	{ { 0, 0.01, 0.02 }, { 2, 2, 2 }, 0.96, 0, FL_NOT_MEASURABLE, FL_LINE_LOSS },
	{ { 0.06, 0.2, 0.25 }, { 0.8, 0.8, 0.8 }, 0.97, 0, FL_NOT_MEASURABLE, FL_LINE_LOSS },
	/* rho straddles 1 */
	{ { 0.02, 0.05, 0.07 }, { 0.97, 1, 1.01 }, 0.995, 0, FL_AT_THE_LIMIT, FL_LINE_RHO },
	{ { 0.02, 0.03, 0.04 }, { 0.97, 1, 1.01 }, 0.97, 0, FL_AT_THE_LIMIT, FL_LINE_RHO },
	{ { 0.01, 0.02, 0.03 }, { 0.97, 1, 1.01 }, 0.995, 0, FL_FED, FL_LINE_BAND },
	/* noise */
	{ { 0.02, 0.05, 0.07 }, { 1.2, 1.3, 1.4 }, 0.995, 0, FL_AT_THE_LIMIT, FL_LINE_NOISE },
	{ { 0.15, 0.19, 0.25 }, { 0.8, 0.81, 0.82 }, 0.995, 0, FL_MODERATELY_STARVED, FL_LINE_MEDIAN },
	{ { 0.15, 0.21, 0.25 }, { 0.8, 0.81, 0.82 }, 0.995, 0, FL_STARVED, FL_LINE_MEDIAN },
	/* above 5 % either band is a failure, whatever makes it straddle 20 % */
	{ { 0.17, 0.18, 0.19 }, { 0.8, 0.81, 0.82 }, 0.98, 0, FL_MODERATELY_STARVED, FL_LINE_MEDIAN },
	{ { 0.17, 0.18, 0.21 }, { 0.8, 0.81, 0.82 }, 0.98, 0, FL_MODERATELY_STARVED, FL_LINE_MEDIAN },
	{ { 0.21, 0.22, 0.23 }, { 0.8, 0.8, 0.8 }, 0.97, 0, FL_STARVED, FL_LINE_MEDIAN },
	{ { 0.15, 0.16, 0.17 }, { 0.8, 0.8, 0.8 }, 1, 0.1, FL_MODERATELY_STARVED, FL_LINE_MEDIAN },
	/* a queue that drains */
	{ { 0, 0, 0 }, { 0.95, 0.95, 0.95 }, 1, 0.2, FL_AT_THE_LIMIT, FL_LINE_QUEUE },
	{ { 0, 0, 0 }, { 0.99, 0.99, 0.99 }, 1, 0.02, FL_FED, FL_LINE_BAND },
	{ { 0.3, 0.31, 0.32 }, { 0.6, 0.6, 0.6 }, 1, 0.2, FL_STARVED, FL_LINE_BAND },
	/* more than there can be */
	{ { 0, 0, 0 }, { 0.5, 0.5, 0.5 }, 1, 0, FL_AT_THE_LIMIT, FL_LINE_CONTRADICTION },
};

static struct fl_interval interval(const double values[3])
{
	return (struct fl_interval){ .low = values[0], .median = values[1], .high = values[2], .n = 8 };
}

static void test_bands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bands) / sizeof(bands[0]); i++) {
		struct fl_band_in in = { interval(bands[i].S), interval(bands[i].S), interval(bands[i].rho),
					 bands[i].control, bands[i].drained };
		enum fl_line line;
		enum fl_band band;

		in.AU = (struct fl_interval){
			.low = 1 - in.S.high, .median = 1 - in.S.median, .high = 1 - in.S.low, .n = 8
		};
		band = fl_band_decide(&in, &line);
		if (band != bands[i].band || line != bands[i].line)
			fail_msg("row %zu: %s by line %d", i, fl_band_name(band), line);
	}
}

/* ---- replay */

static double *times(struct source source, size_t n)
{
	double *t = fl_zalloc(n, sizeof(*t));

	for (size_t i = 0; i < n; i++)
		t[i] = next_time(&source);
	return t;
}

static void test_deeper_is_never_worse(void **state)
{
	double *t = times((struct source){ C / 1.1, 1, 5 }, 300), before = 1;

	(void)state;
	for (uint64_t depth = 1; depth < 200; depth++) {
		double S = fl_replay(t, 300, C, depth);

		assert_true(S <= before && S >= 0);
		before = S;
	}
	assert_true(fl_replay(t, 300, C, 1) > FL_FED_BELOW);
	assert_true(isnan(fl_replay(t, 0, C, 1)) && isnan(fl_replay(t, 300, C, 0)));
	free(t);
}

/* The depth found cures another sink of the same kind of source; one less did not cure this one. */
static void test_depth_cures(void **state)
{
	static const double rhos[] = { 1.15, 1.3, 1.6 };

	(void)state;
	for (size_t i = 0; i < sizeof(rhos) / sizeof(rhos[0]); i++) {
		struct source source = { C / rhos[i], 1, 11 + i };
		double *t = times(source, 4000);
		uint64_t depth = fl_replay_depth(t, 4000, C);

		assert_true(depth > 1 && depth < 100);
		for (uint64_t seed = 100; seed < 110; seed++) {
			struct fed f = feed((struct source){ C / rhos[i], 1, seed }, C, depth, false, 4000);
			struct fed before = feed((struct source){ C / rhos[i], 1, seed }, C, 1, false, 4000);

			if (true_S(&f) >= FL_FED_BELOW + 0.01 || true_S(&before) < FL_FED_BELOW)
				fail_msg("rho %g, depth %d: %g", rhos[i], (int)depth, true_S(&f));
			fed_release(&f);
			fed_release(&before);
		}
		free(t);
	}
}

static void test_no_depth(void **state)
{
	double *slow = times((struct source){ C / 0.9, 0.5, 3 }, 500),
	       *even = times((struct source){ C / 1.2, 0, 3 }, 50);

	(void)state;
	assert_int_equal(fl_replay_depth(slow, 500, C), 0); /* nothing makes up for what does not come */
	assert_int_equal(fl_replay_depth(even, 50, C), 1);
	assert_int_equal(fl_replay_depth(NULL, 0, C), 0);
	free(slow);
	free(even);
}

/* ---- the ladder: T1 after the control, T2 and T3 after T1, T4 after T2; demand 1 GB/s */

static const struct {
	double rates[4][2]; /* low and high in GB/s; 0: unknown */
	double together[2];
	int top;
	bool jitter;
	double replayed[4];
	enum fl_ladder_says says;
	int rung;
} ladders[] = {
	{ { { 4, 5 }, { 0 }, { 0.3, 0.4 } }, { 0 }, 2, false, { 0 }, FL_LADDER_RUNG, 2 },
	{ { { 0.8, 0.9 }, { 0 }, { 0.3, 0.4 } }, { 0 }, 2, false, { 0 }, FL_LADDER_RUNG, 0 },
	{ { { 4, 5 }, { 2, 3 }, { 0.3, 0.4 }, { 0.5, 0.6 } }, { 0 }, 3, false, { 0 }, FL_LADDER_RUNG, 3 },
	{ { { 4, 5 }, { 0.9, 1.1 }, { 0.3, 0.4 }, { 0.5, 0.6 } }, { 0 }, 3, false, { 0 }, FL_LADDER_SILENT, 1 },
	{ { { 4, 5 }, { 0 }, { 0 } }, { 0 }, 2, false, { 0 }, FL_LADDER_SILENT, 2 },
	{ { { 0.1, 0.2 }, { 0 }, { 0.3, 0.4 } }, { 0 }, 2, false, { 0 }, FL_LADDER_INVALID, 2 },
	{ { { 0.30, 0.31 }, { 0 }, { 0.315, 0.32 } },
	  { 0 },
	  2,
	  false,
	  { 0 },
	  FL_LADDER_RUNG,
	  0 }, /* within tolerance */
	{ { { 4, 5 }, { 0 }, { 2, 3 } }, { 0 }, 2, false, { 0 }, FL_LADDER_SUFFICES, 2 },
	{ { { 4, 5 }, { 0 }, { 2, 3 } }, { 0.4, 0.5 }, 2, false, { 0 }, FL_LADDER_SHARED, 2 },
	{ { { 4, 5 }, { 0 }, { 2, 3 } }, { 0.9, 1.5 }, 2, false, { 0 }, FL_LADDER_SUFFICES, 2 },
	{ { { 4, 5 }, { 0 }, { 2, 3 } }, { 0 }, 2, true, { 0, 0, 0.1 }, FL_LADDER_RUNG, 2 },
	{ { { 4, 5 }, { 0 }, { 2, 3 } }, { 0 }, 2, true, { 0.2, 0, 0.3 }, FL_LADDER_RUNG, 0 },
	{ { { 4, 5 }, { 0 }, { 2, 3 } }, { 0 }, 2, true, { 0, 0, 0.01 }, FL_LADDER_SUFFICES, 2 },
	{ { { 4, 5 }, { 0 }, { 2, 3 } }, { 0 }, 2, true, { 0, 0, NAN }, FL_LADDER_SILENT, 2 },
	{ { { 4, 5 } }, { 0 }, 9, false, { 0 }, FL_LADDER_SILENT, 9 },
	/* together faster than alone */
	{ { { 4, 5 }, { 0 }, { 0.3, 0.4 } }, { 0.5, 0.6 }, 2, false, { 0 }, FL_LADDER_CROWD, 2 },
	{ { { 4, 5 }, { 0 }, { 0.3, 0.4 } }, { 0.35, 0.6 }, 2, false, { 0 }, FL_LADDER_RUNG, 2 },
};

static struct fl_interval rate(const double range[2])
{
	return (struct fl_interval){ .low = 1e9 * range[0],
				     .high = 1e9 * range[1],
				     .median = 5e8 * (range[0] + range[1]),
				     .n = range[0] > 0 ? 8 : 0 };
}

static void test_ladder(void **state)
{
	static const int after[4] = { -1, 0, 0, 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(ladders) / sizeof(ladders[0]); i++) {
		struct fl_interval together = rate(ladders[i].together);
		struct fl_ladder_rung rungs[4];
		enum fl_ladder_says says;
		int rung;

		for (size_t k = 0; k < 4; k++)
			rungs[k] = (struct fl_ladder_rung){ rate(ladders[i].rates[k]), ladders[i].replayed[k], after[k],
							    false };
		says = fl_ladder_judge(rungs, 4, ladders[i].top, 1e9, &together, ladders[i].jitter, &rung);
		if (says != ladders[i].says || rung != ladders[i].rung)
			fail_msg("row %zu: %d, rung %d", i, (int)says, rung);
	}
}

/* A rung that was disturbed counts only where no disturbance could make it so slow, or it is fast all the same. */
static void test_disturbed_ladder(void **state)
{
	static const struct {
		double rates[2][2];
		unsigned disturbed;
		enum fl_ladder_says says;
		int rung;
	} rows[] = {
		{ { { 4, 5 }, { 0.6, 0.7 } }, 1, FL_LADDER_DISTURBED, 1 },
		{ { { 4, 5 }, { 0.3, 0.4 } }, 1, FL_LADDER_RUNG, 1 },
		{ { { 4, 5 }, { 0.3, 0.4 } }, 0, FL_LADDER_RUNG, 1 }, /* enough all the same */
		{ { { 0.9, 1.2 }, { 0.3, 0.4 } }, 0, FL_LADDER_DISTURBED, 0 },
		{ { { 4, 5 }, { 0.3, 0.4 } }, 2, FL_LADDER_RUNG, 1 }, /* beside the path */
		{ { { 0.3, 0.4 }, { 0.5, 0.6 } }, 0, FL_LADDER_INVALID, 1 },
		{ { { 0.3, 0.4 }, { 0 } }, 1, FL_LADDER_DISTURBED, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const double beside[2] = { 2, 3 };
		struct fl_ladder_rung rungs[] = { { rate(rows[i].rates[0]), 0, -1, false },
						  { rate(rows[i].rates[1]), 0, 0, false },
						  { rate(beside), 0, 0, false } };
		enum fl_ladder_says says;
		int rung;

		rungs[rows[i].disturbed].disturbed = true;
		says = fl_ladder_judge(rungs, 3, 1, 1e9, &(struct fl_interval){ 0 }, false, &rung);
		if (says != rows[i].says || rung != rows[i].rung)
			fail_msg("row %zu: %d, rung %d", i, (int)says, rung);
	}
}

/* A ladder that bites its own tail ends. */
static void test_ladder_with_a_loop(void **state)
{
	static const double range[2] = { 2, 3 };
	const struct fl_ladder_rung rungs[] = { { rate(range), 0, 1, false }, { rate(range), 0, 0, false } };
	int rung;

	(void)state;
	assert_int_equal(fl_ladder_judge(rungs, 2, 1, 1e9, &(struct fl_interval){ 0 }, false, &rung), FL_LADDER_SILENT);
}

/* ---- stages, interventions, agreement */

static void test_busy_stage(void **state)
{
	static const struct {
		double source, copy, waiting, ready, cpu;
		enum fl_stage stage;
	} rows[] = {
		{ 1, 0.1, 0, 0, NAN, FL_STAGE_SOURCE },	     { 1, 0.1, 0, 0, 0.5, FL_STAGE_SOURCE },
		{ 1, 0.1, 0, 0, 0.95, FL_STAGE_SOURCE_CPU }, { 0.7, 0.1, 0, 0, 0.95, FL_STAGE_UNKNOWN },
		{ 0.95, 1, 4, 0, 0.95, FL_STAGE_COPY },	     { 1, 0.95, 0.2, 0, NAN, FL_STAGE_SOURCE },
		{ 0.7, 0.6, 0, 0, NAN, FL_STAGE_UNKNOWN },   { 1, 0.5, 4, 0, NAN, FL_STAGE_SOURCE },
		{ 0.5, 0.5, 4, 1.9, NAN, FL_STAGE_SINK },    { NAN, 0.5, 4, 0, NAN, FL_STAGE_UNKNOWN },
		{ 1, NAN, 0, 0, NAN, FL_STAGE_UNKNOWN },     { 1, 0.1, NAN, 0, NAN, FL_STAGE_UNKNOWN },
		{ 1, 0.1, 0, NAN, NAN, FL_STAGE_SOURCE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_loop loop = { .source_busy = rows[i].source,
					.copy_busy = rows[i].copy,
					.waiting_chunks = rows[i].waiting,
					.ready = rows[i].ready,
					.source_cpu = rows[i].cpu };

		if (fl_busy_stage(&loop, 2) != rows[i].stage)
			fail_msg("row %zu", i);
	}
}

static void test_intervention(void **state)
{
	static const struct {
		double S[3], slowed[3], limit;
		int moved;
	} rows[] = {
		{ { 0.2, 0.2, 0.2 }, { 0.6, 0.6, 0.6 }, 0.4e9, 1 },
		{ { 0.2, 0.2, 0.2 }, { 0.41, 0.41, 0.41 }, 0.4e9, 1 },
		{ { 0.2, 0.2, 0.2 }, { 0.39, 0.39, 0.39 }, 0.4e9, -1 },
		{ { 0.2, 0.2, 0.2 }, { 0.3, 0.35, 0.39 }, 0.4e9, -1 },
		{ { 0.2, 0.2, 0.2 }, { 0.3, 0.35, 0.41 }, 0.4e9, 0 }, /* hidden by noise */
		{ { 0.2, 0.2, 0.5 }, { 0.45, 0.6, 0.7 }, 0.4e9, 0 },
		{ { 0.7, 0.7, 0.7 }, { 0.7, 0.7, 0.7 }, 0.4e9, 0 }, /* it does not limit */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_interval S = interval(rows[i].S), slowed = interval(rows[i].slowed);

		if (fl_intervention_moved(&S, &slowed, rows[i].limit, 1e9) != rows[i].moved)
			fail_msg("row %zu", i);
	}
	assert_int_equal(fl_intervention_moved(&(struct fl_interval){ 0 }, &(struct fl_interval){ 0 }, 1, 2), 0);
}

static void test_agreement(void **state)
{
	static const struct {
		struct fl_testimony said[3];
		int hop;
	} rows[] = {
		{ { { FL_NAMES, 3 }, { FL_NAMES, 3 }, { FL_SILENT, 0 } }, 3 },
		{ { { FL_NAMES, 3 }, { FL_NAMES, 1 }, { FL_SUPPORTS, 3 } }, -1 },
		{ { { FL_NAMES, 3 }, { FL_SILENT, 0 }, { FL_SUPPORTS, 3 } }, 3 },
		{ { { FL_NAMES, 1 }, { FL_NAMES, 1 }, { FL_SUPPORTS, 3 } }, 1 }, /* whatever is slowed enough binds */
		{ { { FL_NAMES, 1 }, { FL_SILENT, 0 }, { FL_SUPPORTS, 3 } }, -1 },
		{ { { FL_SILENT, 0 }, { FL_SILENT, 0 }, { FL_SUPPORTS, 3 } }, -1 },
		{ { { FL_NAMES, 3 }, { FL_NAMES, 3 }, { FL_DENIES, 3 } }, -1 },
		{ { { FL_NAMES, 1 }, { FL_NAMES, 1 }, { FL_DENIES, 3 } }, 1 },
		{ { { FL_NAMES, 3 }, { FL_NAMES, 3 }, { FL_DENIES, FL_EVERY_HOP } }, -1 },
		{ { { FL_SILENT, 0 }, { FL_SILENT, 0 }, { FL_SILENT, 0 } }, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (fl_witnesses_agree(rows[i].said, 3) != rows[i].hop)
			fail_msg("row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share_of_few_steps),
		cmocka_unit_test(test_share_of_segments),
		cmocka_unit_test(test_shares_of_rounds),
		cmocka_unit_test(test_measured_is_true),
		cmocka_unit_test(test_oversleeping),
		cmocka_unit_test(test_spoilt),
		cmocka_unit_test(test_strange_steps),
		cmocka_unit_test(test_steps_that_fill_a_round),
		cmocka_unit_test(test_draining_queue),
		cmocka_unit_test(test_draining_chunks),
		cmocka_unit_test(test_stages_during_stalls),
		cmocka_unit_test(test_open_rate),
		cmocka_unit_test(test_open_rate_of_pairs),
		cmocka_unit_test(test_bands),
		cmocka_unit_test(test_deeper_is_never_worse),
		cmocka_unit_test(test_depth_cures),
		cmocka_unit_test(test_no_depth),
		cmocka_unit_test(test_ladder),
		cmocka_unit_test(test_disturbed_ladder),
		cmocka_unit_test(test_ladder_with_a_loop),
		cmocka_unit_test(test_busy_stage),
		cmocka_unit_test(test_intervention),
		cmocka_unit_test(test_agreement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
