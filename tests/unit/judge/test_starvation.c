/* SPDX-License-Identifier: Apache-2.0 */
/* test_starvation.c: whole studies of starvation: bands, verdicts, causes, hops, and what they must never say. */
#include "starved.h"

/* ---- bands to verdicts and status */

static void test_verdicts(void **state)
{
	static const struct {
		double rho, jitter, loss;
		enum fl_band band;
		enum fl_verdict verdict;
		enum fl_status status;
	} rows[] = {
		{ 2, 0, 0.002, FL_FED, FL_PASS, FL_STATUS_PASS },
		{ 0.88, 0, 0.002, FL_MODERATELY_STARVED, FL_FAIL, FL_STATUS_FAIL },
		{ 0.5, 0, 0.002, FL_STARVED, FL_FAIL, FL_STATUS_FAIL },
		{ 0.95, 0, 0.03, FL_NOT_MEASURABLE, FL_VERDICT_NOT_MEASURED, FL_STATUS_NOT_MEASURED },
		{ 2, 0, 0.08, FL_NOT_MEASURABLE, FL_VERDICT_NOT_MEASURED, FL_STATUS_NOT_MEASURED },
		/* somebody else was on its core */
		{ 0.3, 0, 0.5, FL_NOT_MEASURABLE, FL_VERDICT_NOT_MEASURED, FL_STATUS_NOT_MEASURED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned rounds = 1; rounds <= 6; rounds += 5) {
			struct fl_run *run = simple(rounds, rows[i].rho, rows[i].jitter, rows[i].loss, 300);
			struct fl_judgement *j = judge(run);

			expect(j, rows[i].band, rows[i].verdict, rows[i].status);
			assert_true(j->trustworthy && !j->interrupted);
			assert_true(fabs(j->lanes[LOOP].feed->rho.median - rows[i].rho) < 1e-9);
			fl_judgement_free(j);
			fl_run_free(run);
		}
}

/* Who takes its core from the loop alone makes nobody fed. */
static void test_disturbed_loop(void **state)
{
	struct fl_run *run = studied_run("starvation", "direct", 1, 1, three);
	struct fl_judgement *j;

	(void)state;
	studied_loop(run, LOOP, 0, 0, times(1.5, 0, 1), 2 * STUDIED_C, by_source, 300);
	studied_open(run, OPEN, 0, 0, times(1.5, 0, 2), 300);
	studied_loop(run, CONTROL, 0, 0, times(1000, 0, 3), STUDIED_C, idle, 300);
	j = judge(run);
	expect(j, FL_NOT_MEASURABLE, FL_VERDICT_NOT_MEASURED, FL_STATUS_NOT_MEASURED);
	assert_non_null(strstr(j->lanes[LOOP].reason, "stalls apart, the sink keeps only 50 %"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A step time that cannot be kept hides nothing where a twentieth comes of what is wanted. */
static void test_hopeless(void **state)
{
	static const struct {
		double rho;
		const char *said;
	} rows[] = { { 0.05, "; its path gives only 5.0 % of what is wanted anyway" }, { 0.9, NULL }, { 2, NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = simple(1, rows[i].rho, 0, 0.5, 300);
		struct fl_judgement *j = judge(run);
		const char *said = strstr(j->lanes[LOOP].reason, "; its path gives only ");

		expect(j, FL_NOT_MEASURABLE, FL_VERDICT_NOT_MEASURED, FL_STATUS_NOT_MEASURED);
		if (!said != !rows[i].said || (said && strcmp(said, rows[i].said) != 0))
			fail_msg("row %zu: %s", i, j->lanes[LOOP].reason);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* S and its interval are those that the sink truly lost. */
static void test_numbers(void **state)
{
	struct fl_run *run = studied_run("starvation", "direct", 1, 2, three);
	double first = add_three(run, 0, 0.6, 0.3, 0, 400), second = add_three(run, 1, 0.6, 0.3, 0, 400);
	struct fl_judgement *j = judge(run);
	const struct fl_feed *feed = j->lanes[LOOP].feed;

	(void)state;
	assert_true(fabs(feed->S.low - fmin(first, second)) < 1e-9 && fabs(feed->S.high - fmax(first, second)) < 1e-9);
	assert_true(fabs(feed->S.median - (first + second) / 2) < 1e-9);
	assert_int_equal(feed->S.n, 2);
	assert_true(fabs(feed->demand_bytes_per_s - 1.048576e9) < 1);
	assert_true(fabs(feed->control_AU - 1) < 1e-9);
	assert_string_equal(feed->cause, "capacity");
	assert_non_null(strstr(feed->cure, "times the supply"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* However the source jitters: below 0.9 of what is wanted nobody is fed; above 1.1 nobody starves without jitter, and
 * who does for jitter is told so, with a depth that cures. */
static void test_sweep(void **state)
{
	static const double jitters[] = { 0, 0.05, 0.3, 1 };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (double rho = 0.5; rho <= 2; rho += 0.05) {
			struct fl_run *run = simple(1, rho, jitters[i], 0.002, 250);
			struct fl_judgement *j = judge(run);
			const struct fl_feed *feed = j->lanes[LOOP].feed;
			bool starved = feed->band == FL_STARVED || feed->band == FL_MODERATELY_STARVED;

			if (rho < 0.9 && feed->band == FL_FED)
				fail_msg("rho %g, jitter %g: fed", rho, jitters[i]);
			if (rho > 1.1 && jitters[i] < 0.1 && feed->band != FL_FED)
				fail_msg("rho %g, jitter %g: %s", rho, jitters[i], j->lanes[LOOP].reason);
			if (rho < 0.85 && jitters[i] < 0.1 && (!starved || strcmp(feed->cause, "capacity") != 0))
				fail_msg("rho %g: %s", rho, j->lanes[LOOP].reason);
			if (feed->cause && strcmp(feed->cause, "jitter") == 0 && rho < 0.95)
				fail_msg("rho %g, jitter %g: called jitter", rho, jitters[i]);
			if (feed->cause && strcmp(feed->cause, "capacity") == 0 && rho > 1.05)
				fail_msg("rho %g, jitter %g: called capacity", rho, jitters[i]);
			fl_judgement_free(j);
			fl_run_free(run);
		}
}

static struct fed feed_with(uint64_t depth, struct source source)
{
	return feed(source, STUDIED_C, depth, false, 4000);
}

static void test_jitter_is_cured(void **state)
{
	struct fl_run *run = studied_run("starvation", "direct", 1, 6, three);
	struct fl_judgement *j;
	const struct fl_feed *feed;
	struct fed f;

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		add_three(run, i, 1.3, 1, 0.002, 1000);
	j = judge(run);
	feed = j->lanes[LOOP].feed;
	assert_string_equal(feed->cause, "jitter");
	assert_int_equal(feed->prefetch, 2);
	assert_true(feed->depth_needed > 2);
	for (uint64_t seed = 1; seed < 8; seed++) {
		f = feed_with(feed->depth_needed, times(1.3, 1, 1000 + seed));
		assert_true(true_S(&f) < FL_FED_BELOW + 0.01);
		fed_release(&f);
		f = feed_with(2, times(1.3, 1, 1000 + seed));
		assert_true(true_S(&f) > FL_FED_BELOW);
		fed_release(&f);
	}
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Batches beyond `prefetch` that the source holds, too, are part of the queue that the loop had. */
static void test_hidden_queue(void **state)
{
	static const struct {
		size_t room; /* that there truly is */
		const char *fact, *cause, *cure;
	} rows[] = {
		{ 2, NULL, "jitter", "batches instead of 2" },
		{ 4, "4", "jitter", "; the source may have 4 begun or complete already" },
		{ 2, "4096", NULL, NULL },
		{ 2, "1", "jitter", "batches instead of 2" }, /* less than was asked for, or no number */
		{ 2, "99999999999999999999", "jitter", "batches instead of 2" },
		{ 2, "many", "jitter", "batches instead of 2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = studied_run("starvation", "direct", 1, 1, three);
		struct fed fed = feed(times(1.1, 1, 5), STUDIED_C, rows[i].room, false, 8000);
		struct fl_judgement *j;
		const struct fl_feed *feed;

		studied_record(run, LOOP, 0, 0, &fed, by_source);
		studied_open(run, OPEN, 0, 0, times(1.1, 1, 6), 8000);
		studied_loop(run, CONTROL, 0, 0, times(1000, 0, 7), STUDIED_C, idle, 100);
		if (rows[i].fact)
			json_object_set_new(run->lanes[LOOP].facts, "batches_ahead", json_string(rows[i].fact));
		j = judge(run);
		feed = j->lanes[LOOP].feed;
		if (!feed->cause != !rows[i].cause || (feed->cause && strcmp(feed->cause, rows[i].cause) != 0) ||
		    !feed->cure != !rows[i].cure || (feed->cure && !strstr(feed->cure, rows[i].cure)) ||
		    (feed->cause && feed->depth_needed <= feed->ahead))
			fail_msg("row %zu: '%s', '%s'", i, feed->cause ? feed->cause : "",
				 feed->cure ? feed->cure : "");
		fed_release(&fed);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* Stalls that the arrivals of the open loop would not cause have no name; nor have those about rho = 1. */
static void test_no_cause(void **state)
{
	struct fl_run *run = studied_run("starvation", "direct", 1, 1, three);
	struct fl_judgement *j;

	(void)state;
	studied_loop(run, LOOP, 0, 0, times(0.8, 0, 1), STUDIED_C, by_source, 300);
	studied_open(run, OPEN, 0, 0, times(1.3, 0, 2), 300); /* the loop disturbs its own source */
	studied_loop(run, CONTROL, 0, 0, times(1000, 0, 3), STUDIED_C, idle, 300);
	j = judge(run);
	expect(j, FL_STARVED, FL_FAIL, FL_STATUS_FAIL);
	assert_null(j->lanes[LOOP].feed->cause);
	assert_non_null(strstr(j->lanes[LOOP].reason, "something else holds the loop up"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A loop that waits far more than its open loop makes it: more of what the open loop had is no cure. */
static void test_unlike_source(void **state)
{
	static const struct {
		double loop, open, jitter;
		const char *cause;
	} rows[] = {
		{ 0.3, 0.8, 0, NULL },
		{ 0.3, 1.2, 1, NULL },
		{ 0.75, 0.8, 0, "capacity" },
		{ 0.9, 0.9, 1, "capacity" }, /* what jitter adds is explained */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = studied_run("starvation", "direct", 1, 1, three);
		struct fl_judgement *j;
		const struct fl_feed *feed;

		studied_loop(run, LOOP, 0, 0, times(rows[i].loop, rows[i].jitter, 1), STUDIED_C, by_source, 4000);
		studied_open(run, OPEN, 0, 0, times(rows[i].open, rows[i].jitter, 2), 4000);
		studied_loop(run, CONTROL, 0, 0, times(1000, 0, 3), STUDIED_C, idle, 4000);
		j = judge(run);
		feed = j->lanes[LOOP].feed;
		expect(j, FL_STARVED, FL_FAIL, FL_STATUS_FAIL);
		if (!feed->cause != !rows[i].cause || !feed->cure != !rows[i].cause ||
		    (rows[i].cause && strcmp(feed->cause, rows[i].cause) != 0) ||
		    (!rows[i].cause && !strstr(j->lanes[LOOP].reason, "the source was another one in the meantime")))
			fail_msg("row %zu: '%s': %s", i, feed->cause ? feed->cause : "", j->lanes[LOOP].reason);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* ---- what the loop is held against */

static void test_missing_evidence(void **state)
{
	static const struct {
		unsigned lane;
		const char *reason;
	} rows[] = { { CONTROL, "the control was not measured: no core" },
		     { OPEN, "the open loop was not measured: no core" } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fl_run *run = simple(2, 0.5, 0, 0, 100);
		struct fl_judgement *j;

		for (size_t k = 0; k < run->lanes_n; k++)
			if (run->lanes[k].case_no == rows[i].lane && run->lanes[k].round == 1) {
				run->lanes[k].outcome = FL_NOT_MEASURED;
				run->lanes[k].reason = fl_dup("no core");
			}
		j = judge(run);
		expect(j, FL_NO_BAND, FL_VERDICT_NOT_MEASURED, FL_STATUS_NOT_MEASURED);
		if (strncmp(j->lanes[LOOP].reason, rows[i].reason, strlen(rows[i].reason)) != 0)
			fail_msg("%s", j->lanes[LOOP].reason);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* What is there for the loop's sake does not speak for the run, but where something is wrong with it. */
static void test_evidence_is_mute(void **state)
{
	struct fl_run *run = simple(1, 2, 0, 0.002, 100);
	struct fl_judgement *j = judge(run);

	(void)state;
	expect(j, FL_FED, FL_PASS, FL_STATUS_PASS);
	assert_int_equal(j->lanes[OPEN].verdict, FL_UNJUDGED);
	assert_int_equal(j->lanes[CONTROL].verdict, FL_UNJUDGED);
	assert_true(j->lanes[OPEN].evidence_only && !j->lanes[OPEN].required);
	assert_string_equal(j->lanes[OPEN].rung, "open");
	assert_string_equal(j->lanes[LOOP].rung, "loop");
	assert_null(j->lanes[LOOP].reason);
	fl_judgement_free(j);
	json_object_set_new(run->lanes[OPEN].notes, "verified", json_false());
	j = judge(run);
	expect(j, FL_NO_BAND, FL_VERDICT_NOT_MEASURED, FL_STATUS_FAIL);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A plan that calls strangers evidence does not silence them. */
static void test_strangers_are_heard(void **state)
{
	(void)state;
	for (unsigned at = LOOP; at <= CONTROL; at++) {
		struct fl_run *run = simple(1, 2, 0, 0.002, 100);
		json_t *c = json_array_get(json_object_get(run->plan, "cases"), at);
		json_t *lane = json_array_get(json_object_get(c, "lanes"), 0);
		struct fl_judgement *j;

		studied_declare(run, "stranger", NULL, studied_no_rungs);
		json_object_set_new(lane, "bench", json_string("stranger"));
		free(run->lanes[at].bench);
		run->lanes[at].bench = fl_dup("stranger");
		j = judge(run);
		for (size_t i = 0; i < j->lanes_n; i++)
			assert_true(!j->lanes[i].evidence_only && !j->lanes[i].rung && !j->lanes[i].feed);
		assert_int_equal(j->feeds_n, 0);
		if (at != LOOP)
			assert_int_equal(j->lanes[LOOP].verdict, FL_UNJUDGED);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* Whose control was disturbed is not to be trusted. */
static void test_distrust_is_inherited(void **state)
{
	struct fl_run *run = simple(1, 2, 0, 0.002, 100);
	struct fl_judgement *j;

	(void)state;
	json_array_append_new(run->lanes[CONTROL].distrust, json_string("others took 9 % of it"));
	j = judge(run);
	assert_int_equal(j->status, FL_STATUS_UNTRUSTED);
	assert_false(j->trustworthy);
	assert_string_equal(j->lanes[LOOP].distrust[0], "the control: others took 9 % of it");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* What a path can carry does not make a loop slow that takes no more; above it, it is invalid as everywhere. */
static void test_limits_of_a_loop(void **state)
{
	struct fl_run *run = simple(1, 2, 0, 0.002, 100);
	struct fl_judgement *j;

	(void)state;
	json_object_set_new(json_object_get(run->declared, "feed"), "flows", json_array());
	sample_cap(&run->lanes[LOOP], "source pace", 4e9);
	sample_cap(&run->lanes[CONTROL], "source pace", 4e9);
	j = judge(run);
	expect(j, FL_FED, FL_PASS, FL_STATUS_PASS);
	fl_judgement_free(j);
	json_array_clear(run->lanes[LOOP].caps);
	sample_cap(&run->lanes[LOOP], "source pace", 0.5e9);
	j = judge(run);
	expect(j, FL_NO_BAND, FL_VERDICT_INVALID, FL_STATUS_NOT_MEASURED);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Batches that come in lumps are not above the pace of their source for half of the time. */
static void test_limits_of_lumps(void **state)
{
	struct fl_run *run = studied_run("starvation", "paced", 1, 1, three);
	struct fl_judgement *j;

	(void)state;
	json_object_set_new(json_object_get(run->declared, "ingest"), "flows", json_array());
	add_three(run, 0, 0.9, 0, 0.002, 100);
	for (unsigned high = 0; high < 2; high++) {
		double *rates = run->lanes[OPEN].series[0].value;

		for (size_t i = 0; i < 20; i++)
			rates[i] = i < 12 ? 1.2e9 : high ? 1.2e9 : 0.4e9;
		json_array_clear(run->lanes[OPEN].caps);
		sample_cap(&run->lanes[OPEN], "source pace", 0.88e9);
		j = judge(run);
		assert_int_equal(j->lanes[OPEN].verdict, high ? FL_VERDICT_INVALID : FL_INCONCLUSIVE);
		fl_judgement_free(j);
	}
	fl_run_free(run);
}

/* ---- the hop */

static const struct {
	struct met met;
	const char *hop, *why; /* why: begins so */
} hops[] = {
	/* the drive, by two and by three witnesses */
	{ { 0.6, 4, { 1, 0.2, 0 }, 0, 0.01, 1 }, DRIVE, "ladder and occupancy agree" },
	{ { 0.6, 4, { 1, 0.2, 0 }, 0.38, 0.01, 1 }, DRIVE, "ladder and occupancy and intervention agree" },
	{ { 0.6, 4, { 0.5, 0.5, 0 }, 0.38, 0.01, 1 }, DRIVE, "ladder and intervention agree" },
	/* the memory; that the drive can be made slower still is no objection */
	{ { 0.6, 0.62, { 0.6, 1, 6 }, 0, 0.01, 1 }, MEMORY, "ladder and occupancy agree" },
	{ { 0.6, 0.62, { 0.6, 1, 6 }, 0.38, 0.01, 1 }, MEMORY, "ladder and occupancy agree" },
	/* they disagree, or there is one only */
	{ { 0.6, 0.62, { 1, 0.2, 0 }, 0, 0.01, 1 }, NULL, "the ladder says " MEMORY ", the occupancy " DRIVE },
	{ { 0.6, 4, { 0.5, 0.5, 0 }, 0, 0.01, 1 }, NULL, "only the ladder names a hop, drive nvme-S1" },
	/* S does not follow the drive; the drive has not read; the threads waited for CPUs */
	{ { 0.6, 4, { 1, 0.2, 0 }, 0.6, 0.01, 1 }, NULL, "limited to 400 MB/s from the drive" },
	{ { 0.6, 4, { 1, 0.2, 0 }, 0.38, 0.01, 0.1 }, NULL, "the drive counted only 10 %" },
	{ { 0.6, 4, { 1, 0.2, 0 }, 0.38, 0.2, 1 }, NULL, "its threads waited for a CPU for up to 60 %" },
	/* a ladder that cannot be */
	{ { 0.6, 0.4, { 1, 0.2, 0 }, 0.38, 0.01, 1 }, NULL, "T3 gives " },
};

static void test_hops(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hops) / sizeof(hops[0]); i++)
		for (unsigned rounds = 1; rounds <= 6; rounds += 5) {
			struct fl_run *run = ladder_run(&hops[i].met, rounds);
			struct fl_judgement *j = judge(run);
			const struct fl_feed *feed = j->lanes[LOOP].feed;

			expect(j, FL_STARVED, FL_FAIL, FL_STATUS_FAIL);
			if (strcmp(feed->hop, hops[i].hop ? hops[i].hop : "unattributed") != 0 ||
			    strncmp(feed->why_hop, hops[i].why, strlen(hops[i].why)) != 0)
				fail_msg("row %zu: '%s': %s", i, feed->hop, feed->why_hop);
			fl_judgement_free(j);
			fl_run_free(run);
		}
}

/* The rungs for reports: rates, shares of what is wanted, what each adds to the time of a batch. */
static void test_rungs(void **state)
{
	struct fl_run *run = ladder_run(&hops[0].met, 6);
	struct fl_judgement *j = judge(run);
	const struct fl_feed_study *study = j->feeds[0].study;

	(void)state;
	assert_int_equal(j->feeds_n, 1);
	assert_int_equal(study->rungs_n, 2);
	assert_string_equal(study->rungs[0].name, "T1");
	assert_string_equal(study->rungs[0].hop, MEMORY);
	assert_string_equal(study->rungs[0].verdict, "suffices");
	assert_string_equal(study->rungs[1].name, "T3");
	assert_string_equal(study->rungs[1].hop, DRIVE);
	assert_string_equal(study->rungs[1].verdict, "too slow");
	assert_true(fabs(study->rungs[1].share - 0.6) < 0.02);
	assert_true(fabs(study->rungs[1].exposed_ns / STUDIED_C - (1 / 0.6 - 1 / 4.0)) < 0.05);
	assert_string_equal(j->studies[0].found, j->headline);
	assert_non_null(
		strstr(j->headline,
		       "starved: the accelerator under 1 MiB every 1.00 ms, 1.05 GB/s: the drive nvme-S1 gives "));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Without a ladder no hop is named, and the command that measures one is. */
static void test_no_ladder(void **state)
{
	struct fl_run *run = simple(2, 0.5, 0, 0.002, 200);
	struct fl_judgement *j = judge(run);
	const struct fl_lane_verdict *v = &j->lanes[LOOP];

	(void)state;
	assert_string_equal(v->feed->hop, "unattributed");
	assert_string_equal(v->feed->why_hop, "only the occupancy names a hop, drive nvme-S1");
	assert_non_null(strstr(v->hint, ": feedline bench feed --path /data/f --memory node0 --study ladder"));
	assert_string_equal(v->again, "feedline bench feed --path /data/f --memory node0 --duration 2s");
	assert_string_equal(v->again_when, "in about 15 s");
	assert_string_equal(v->evidence[0], "wanted: 1 MiB every 1.00 ms, 1.05 GB/s");
	assert_non_null(strstr(v->evidence[1], "measured: S 50 %"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* ---- several accelerators */

/* Each alone has enough, together they have not; one of them gets more than its share. */
static void test_shared(void **state)
{
	static const double rho[4] = { 1.5, 0.5, 0.5, 0.5 };
	struct fl_run *run = shared_run(rho, 2, by_source);
	struct fl_judgement *j = judge(run);

	(void)state;
	assert_int_equal(j->lanes[0].feed->band, FL_FED);
	assert_int_equal(j->lanes[0].verdict, FL_PASS);
	assert_null(j->lanes[0].feed->hop);
	for (unsigned i = 1; i < 4; i++) {
		assert_int_equal(j->lanes[i].feed->band, FL_STARVED);
		assert_string_equal(j->lanes[i].feed->hop, "drive nvme-S1, shared by 4 accelerators");
	}
	assert_non_null(strstr(j->headline, "starved: 3 of 4 accelerators under "));
	assert_non_null(strstr(j->feeds[0].study->fairness, "the slowest accelerator, "));
	assert_non_null(strstr(j->feeds[0].study->fairness, "of the fastest, 0, with 1.05 GB/s"));
	assert_non_null(strstr(j->lanes[1].again, "--accelerators 4 --duration 2s"));
	assert_null(j->lanes[12].again); /* one of four alone: no command makes that */
	fl_judgement_free(j);
	fl_run_free(run);
}

/* The line that a report begins with: of the worst one, what each wants; alike ones are not compared. */
static void test_headlines(void **state)
{
	static const struct {
		unsigned lanes;
		double rho[2];
		const char *headline;
		bool fair;
	} rows[] = {
		{ 1,
		  { 1.5, 0 },
		  "fed: the accelerator under hungry: it wants 1.05 GB/s, could get 1.57 GB/s and waits 0.0 %",
		  true },
		{ 2,
		  { 1.5, 1.2 },
		  "fed: both accelerators under hungry: each wants 1.05 GB/s, could get 1.26 GB/s at least and waits "
		  "at most 0.0 %",
		  true },
		{ 2,
		  { 0.6, 0.4 },
		  "starved: both accelerators under hungry: their path gives the worst 419 MB/s of the 1.05 GB/s that "
		  "each wants",
		  false },
		{ 2,
		  { 0.4, 0.4 },
		  "starved: both accelerators under hungry: their path gives the worst 419 MB/s",
		  true },
		{ 2,
		  { 1.5, 0.4 },
		  "starved: 1 of 2 accelerators under hungry: their path gives the worst 419 MB/s",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = studied_run("starvation", "direct", rows[i].lanes, 1, three);
		json_t *lanes = json_object_get(json_array_get(json_object_get(run->plan, "cases"), 0), "lanes");
		struct fl_judgement *j;

		for (unsigned k = 0; k < rows[i].lanes; k++) {
			json_object_set_new(json_object_get(json_array_get(lanes, k), "options"), "demand",
					    json_string("hungry"));
			studied_loop(run, LOOP, k, 0, times(rows[i].rho[k], 0, 1), STUDIED_C, by_source, 300);
			studied_open(run, OPEN, k, 0, times(rows[i].rho[k], 0, 2), 300);
			studied_loop(run, CONTROL, k, 0, times(1000, 0, 3), STUDIED_C, idle, 300);
		}
		j = judge(run);
		if (strncmp(j->headline, rows[i].headline, strlen(rows[i].headline)) != 0)
			fail_msg("row %zu: '%s'", i, j->headline);
		assert_int_equal(j->feeds[0].study->fairness == NULL, rows[i].fair);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* ---- several demands */

static void test_several_demands(void **state)
{
	struct fl_run *run = simple(1, 2, 0, 0.002, 100);
	struct fl_judgement *j;

	(void)state;
	studied_add(run, "starvation", "direct", 1, 1, three);
	studied_loop(run, 3, 0, 0, times(0.5, 0, 1), STUDIED_C, by_source, 100);
	studied_open(run, 4, 0, 0, times(0.5, 0, 2), 100);
	studied_loop(run, 5, 0, 0, times(1000, 0, 3), STUDIED_C, idle, 100);
	for (unsigned i = 0; i < 2; i++) {
		json_t *c = json_array_get(json_object_get(run->plan, "cases"), 3 * i);

		json_object_set_new(json_object_get(json_array_get(json_object_get(c, "lanes"), 0), "options"),
				    "demand", json_string(i ? "hungry" : "modest"));
	}
	j = judge(run);
	assert_string_equal(j->headline, "starved under hungry; fed under modest");
	assert_string_equal(j->feeds[1].study->demand, "hungry");
	assert_int_equal(j->status, FL_STATUS_FAIL);
	/* by its name, which sees to a duration that is long enough */
	assert_string_equal(j->lanes[3].again, "feedline bench feed --path /data/f --memory node0 --demand hungry");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* ---- too little, and too strange */

static void test_few_steps(void **state)
{
	struct fl_run *run = simple(1, 0.5, 0, 0, 3);
	struct fl_judgement *j = judge(run);

	(void)state;
	expect(j, FL_NOT_MEASURABLE, FL_VERDICT_NOT_MEASURED, FL_STATUS_NOT_MEASURED);
	assert_non_null(strstr(j->lanes[LOOP].hint, " --duration "));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A closed loop that no study holds against anything. */
static void test_loop_without_study(void **state)
{
	static const char *const loop[] = { "loop", NULL };
	struct fl_run *run = studied_run("repeat", "direct", 1, 1, loop);
	struct fl_judgement *j;

	(void)state;
	studied_loop(run, 0, 0, 0, times(0.5, 0, 1), STUDIED_C, by_source, 100);
	j = judge(run);
	assert_int_equal(j->lanes[0].verdict, FL_UNJUDGED);
	assert_null(j->lanes[0].feed);
	assert_null(j->headline);
	fl_judgement_free(j);
	fl_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_disturbed_loop),
		cmocka_unit_test(test_hopeless),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_jitter_is_cured),
		cmocka_unit_test(test_hidden_queue),
		cmocka_unit_test(test_no_cause),
		cmocka_unit_test(test_unlike_source),
		cmocka_unit_test(test_missing_evidence),
		cmocka_unit_test(test_evidence_is_mute),
		cmocka_unit_test(test_strangers_are_heard),
		cmocka_unit_test(test_distrust_is_inherited),
		cmocka_unit_test(test_limits_of_a_loop),
		cmocka_unit_test(test_limits_of_lumps),
		cmocka_unit_test(test_hops),
		cmocka_unit_test(test_rungs),
		cmocka_unit_test(test_no_ladder),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_headlines),
		cmocka_unit_test(test_several_demands),
		cmocka_unit_test(test_few_steps),
		cmocka_unit_test(test_loop_without_study),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
