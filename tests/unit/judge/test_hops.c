/* SPDX-License-Identifier: Apache-2.0 */
/* test_hops.c: what speaks against a hop that a ladder or an occupancy would name: whatever kept the threads from their
 * CPUs, a rung that was disturbed, a source that computes, accelerators that share more than a drive. */
#include "starved.h"

/* Ladder, occupancy and intervention say that it is the drive. */
static const struct met by_drive = { 0.6, 4, { 1, 0.2, 0 }, 0.38, 0.01, 1 };

/* Whatever kept the threads from their CPUs for half of the stalls or more may be all there is. */
static void test_held_up(void **state)
{
	static const struct {
		const char *witnesses, *why; /* NULL: the drive all the same */
	} rows[] = {
		{ "{\"run_queue_wait_ratio\": 0.01, \"steal_ratio\": 0.15}",
		  "other virtual machines had its CPUs for up to 30 %" },
		{ "{\"run_queue_wait_ratio\": 0.01, \"steal_ratio\": 0.05}", NULL },
		{ "{\"run_queue_wait_ratio\": 0.01, \"quota_throttled_ns\": 25e6}",
		  "a CPU quota stopped it for up to 25 %" },
		{ "{\"run_queue_wait_ratio\": 0.01, \"quota_throttled_ns\": 5e6}", NULL },
		{ "{\"run_queue_wait_ratio\": 0.01, \"others_ratio\": 0.4}", NULL }, /* nobody had to wait for them */
		{ "{\"run_queue_wait_ratio\": null, \"others_ratio\": 0.4}",
		  "its threads waited for a CPU for up to 80 %" },
		{ "{\"run_queue_wait_ratio\": null}", NULL },
		{ "{\"steal_ratio\": \"all\", \"quota_throttled_ns\": []}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = ladder_run(&by_drive, 1);
		struct fl_judgement *j;
		const struct fl_feed *feed;

		json_object_set_new(run->lanes[LOOP].notes, "window_ns", json_real(100e6));
		json_object_set_new(run->lanes[LOOP].notes, "witnesses", json_loads(rows[i].witnesses, 0, NULL));
		j = judge(run);
		feed = j->lanes[LOOP].feed;
		if (strcmp(feed->hop, rows[i].why ? "unattributed" : DRIVE) != 0 ||
		    (rows[i].why && strncmp(feed->why_hop, rows[i].why, strlen(rows[i].why)) != 0))
			fail_msg("row %zu: '%s': %s", i, feed->hop, feed->why_hop);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* What was disturbed is said, and believed only where it is clear all the same. */
static void test_disturbed_rung(void **state)
{
	static const struct {
		double loop;
		unsigned lane;
		const char *hop, *said;
	} rows[] = {
		{ 0.6, OPEN, "unattributed", "it says nothing; T3 was disturbed: others took 9 % of it" },
		{ 0.4, OPEN, DRIVE, "drive nvme-S1; T3 was disturbed: others took 9 % of it" },
		{ 0.4, T1, DRIVE, "drive nvme-S1; T1 was disturbed: others took 9 % of it" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct met met = { rows[i].loop, 4, { 1, 0.2, 0 }, 0, 0.01, 1 };
		struct fl_run *run = ladder_run(&met, 1);
		struct fl_judgement *j;
		const struct fl_feed *feed;

		json_array_append_new(run->lanes[rows[i].lane].distrust, json_string("others took 9 % of it"));
		j = judge(run);
		feed = j->lanes[LOOP].feed;
		if (strcmp(feed->hop, rows[i].hop) != 0 || !strstr(feed->said[FL_LADDER_SAYS], rows[i].said))
			fail_msg("row %zu: '%s': %s", i, feed->hop, feed->said[FL_LADDER_SAYS]);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

static void add_computing(struct fl_run *run, double ratio)
{
	json_t *metrics = json_object_get(json_object_get(run->declared, "feed"), "metrics");
	struct fed f = feed(times(0.6, 0.05, 0), STUDIED_C, 2, false, 200);

	json_array_append_new(metrics, json_deep_copy(json_array_get(metrics, 5)));
	json_object_set_new(json_array_get(metrics, json_array_size(metrics) - 1), "name",
			    json_string("source_cpu_ratio"));
	studied_constant(&run->lanes[LOOP], "source_cpu_ratio", ratio, &f);
	fed_release(&f);
}

/* A source that computes all the time is not held up by the drive. */
static void test_source_computes(void **state)
{
	static const char why[] =
		"while it waited the source was busy 100 % of the time, the copying 20 %, with 0 chunks "
		"before it: the CPU of the thread that reads, used 97 % of the time, not " DRIVE;

	(void)state;
	for (unsigned computes = 0; computes < 2; computes++) {
		struct fl_run *run = ladder_run(&by_drive, 1);
		struct fl_judgement *j;

		add_computing(run, computes ? 0.97 : 0.5);
		j = judge(run);
		assert_string_equal(j->lanes[LOOP].feed->hop, computes ? "unattributed" : DRIVE);
		assert_string_equal(j->lanes[LOOP].feed->why_hop,
				    computes ? why : "ladder and occupancy and intervention agree");
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* A page cache is that computing. */
static void test_page_cache_computes(void **state)
{
	struct fl_run *run = studied_run("starvation", "cached", 1, 1, three);
	struct fl_judgement *j;

	(void)state;
	studied_loop(run, LOOP, 0, 0, times(0.6, 0.05, 0), STUDIED_C, by_source, 200);
	studied_open(run, OPEN, 0, 0, times(0.6, 0.05, 10), 200);
	studied_loop(run, CONTROL, 0, 0, times(1000, 0, 20), STUDIED_C, idle, 200);
	add_computing(run, 0.97);
	j = judge(run);
	assert_string_equal(j->lanes[LOOP].feed->why_hop, "only the occupancy names a hop, page cache");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* That all together have not enough may be for want of memory or CPUs; faster than alone they cannot be. */
static void test_not_shared(void **state)
{
	static const double rho[4] = { 0.5, 0.5, 0.5, 0.5 };
	static const struct {
		double alone;
		struct stages stages;
		const char *why;
	} rows[] = {
		{ 2, { 0.5, 0.5, 0 }, "no witness names a hop" },
		{ 2, { 0.6, 1, 6 }, "only the occupancy names a hop, " MEMORY },
		{ 0.3, { 1, 0.2, 0 }, "T3 gives 31" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_run *run = shared_run(rho, rows[i].alone, rows[i].stages);
		struct fl_judgement *j = judge(run);
		const struct fl_feed *feed = j->lanes[1].feed;

		if (strcmp(feed->hop, "unattributed") != 0 ||
		    strncmp(feed->why_hop, rows[i].why, strlen(rows[i].why)) != 0)
			fail_msg("row %zu: '%s': %s", i, feed->hop, feed->why_hop);
		assert_true(!strstr(feed->said[FL_LADDER_SAYS], "invalid") == (i < 2));
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held_up),		cmocka_unit_test(test_disturbed_rung),
		cmocka_unit_test(test_source_computes), cmocka_unit_test(test_page_cache_computes),
		cmocka_unit_test(test_not_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
