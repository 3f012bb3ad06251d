/* SPDX-License-Identifier: Apache-2.0 */
/* test_crew.c: a case over two hosts, of which the second misbehaves in one way each: it is named with what it did, the
 * first is measured all the same, and the second stays lost. */
#include "crew_stage.h"

#include <sys/resource.h>

#define LINE(text) "{\"is\":\"line\",\"text\":\"" text "\",\"more\":false}"

static const struct way ways[] = {
	{ "case", DIE, NULL, "invalid", "host n2 was lost: " },
	{ "case", HANG, NULL, "invalid", "it did not open its lanes within" },
	{ "start", HANG, NULL, "invalid", "it did not warm up within" },
	{ "window", DIE, NULL, "invalid", "host n2 was lost: " },
	{ "window", HANG, NULL, "invalid", "phase 'window' of b" },
	{ "stop", HANG, NULL, "invalid", "it did not stop its lanes within" },
	{ "collect", DIE, NULL, "invalid", "host n2 was lost: " },
	{ "case", FAIL_DIE, NULL, "invalid", "; before that: no luck" },
	{ "start", FAIL_DIE, NULL, "invalid", "host n2 was lost: " },
	{ "case", SAY, "{\"is\":\"nonsense\"}", "invalid", "it said 'nonsense', which is no word" },
	{ "case", SAY, "{}", "invalid", "it said 'nothing'" },
	{ "case", SAY, "{\"is\":\"covered\"}", "invalid", "it said 'covered' out of turn" },
	{ "case", SAY, "{\"is\":\"stopped\"}", "invalid", "it said 'stopped' out of turn" },
	{ "case", SAY, "{\"is\":\"over\"}", "invalid", "it said 'over' out of turn" },
	{ "case", SAY, LINE("{}"), "invalid", "it said 'line' out of turn" },
	{ "case", SAY, "{\"is\":\"begun\"}", "invalid", "it said 'begun' again" },
	{ "start", SAY, "{\"is\":\"ready\"}", "invalid", "it said 'ready' out of turn" },
	{ "start", SAY, "{\"is\":\"moved\",\"bytes\":1}", "invalid", "it said 'moved' out of turn" },
	{ "start", SAY, "{\"is\":\"narrow\"}", "invalid", "it said 'narrow' out of turn" },
	{ "case", SAY, "{\"is\":\"failed\",\"lane\":0,\"code\":-5,\"what\":\"x\"}", "invalid",
	  "a lane of another host" },
	{ "case", SAY, "{\"is\":\"failed\",\"lane\":9,\"code\":-5,\"what\":\"x\"}", "invalid",
	  "a lane of another host" },
	{ "case", SAY, "{\"is\":\"failed\",\"lane\":1,\"code\":5,\"what\":\"x\"}", "invalid", "host n2 was lost" },
	{ "case", SAY, "{\"is\":\"gather\",\"lane\":1,\"name\":\"x\",\"value\":\"\"}", "invalid", "nothing to gather" },
	{ "case", SAY, "{\"is\":\"failed\",\"code\":-28,\"what\":\"no room\"}", "invalid",
	  "host n2 was lost: no room" },
	{ "case", FLOOD, "{\"is\":\"ready\"}", "invalid", "it said 'ready' out of turn" },
	{ "collect", SAY, LINE("{"), "invalid", "it sent what is no record" },
	{ "collect", SAY, LINE("{\\\"lane\\\":{}}"), "invalid", "it sent what is no record" },
	{ "collect", SAY, "{\"is\":\"line\",\"text\":\"{\",\"more\":true}", "invalid", "it floods" },
	{ "collect", SAY, "{\"is\":\"line\",\"text\":1,\"more\":true}", "invalid", "host n2 was lost" },
	{ "collect", SAY, "{\"is\":\"over\"}", "invalid", "it said 'over' without the record of lane 1" },
	{ NULL, RECORD_OF_OTHER_LANE, NULL, "invalid", "a lane that it was not asked for" },
	{ NULL, RECORD_OF_OTHER_CASE, NULL, "invalid", "a lane that it was not asked for" },
	{ NULL, RECORD_OF_OTHER_BENCH, NULL, "invalid", "a lane that it was not asked for" },
	{ NULL, RECORD_TWICE, NULL, "invalid", "it sent lane 1 twice" },
	{ NULL, RECORD_WITHOUT_REASON, NULL, "invalid", "it does not say why lane 1 was not measured" },
	{ NULL, RECORD_WITH_A_SERIES, NULL, "invalid", "it measured 'made_up', which b does not have" },
	{ NULL, RECORD_OF_WATCHED, NULL, "invalid", "watched beside something else" },
};

static void one_host_misbehaves(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char *what = fl_format("row %zu", i);
		struct stage s;

		stage_open(&s, &ways[i], ALONE);
		run_case(&s, 0);
		assert_int_equal(s.run.lanes_n, HOSTS);
		check(&s.run.lanes[0], "n1", "measured", NULL, what);
		check(&s.run.lanes[1], "n2", ways[i].outcome, ways[i].reason, what);
		run_case(&s, 1);
		check(&s.run.lanes[2], "n1", "measured", NULL, what);
		check(&s.run.lanes[3], "n2", "not measured", "host n2 was lost: ", what);
		stage_close(&s);
		free(what);
	}
}

/* What is of one group goes with it, and the agent of the rest of it is told so. */
static void a_group_is_lost_together(void **state)
{
	const struct way way = { "window", DIE, NULL, NULL, NULL };
	struct stage s;

	(void)state;
	stage_open(&s, &way, GROUP);
	run_case(&s, 0);
	check(&s.run.lanes[1], "n2", "invalid", "host n2 was lost: ", "the lost one");
	check(&s.run.lanes[0], "n1", "not measured", "host n2 was lost: ", "its group");
	stage_close(&s);
}

/* One is lost while its records are due: what the other one measured is kept, also of the same group, and its host. */
static void records_of_the_others_are_kept(void **state)
{
	const struct way slow = { "collect", SLOW_DOWN, NULL, NULL, NULL };
	const struct way way = { "collect", DIE, NULL, NULL, NULL };
	struct stage s;

	(void)state;
	stage_open_both(&s, &slow, &way, GROUP);
	run_case(&s, 0);
	check(&s.run.lanes[1], "n2", "invalid", "host n2 was lost: ", "the lost one");
	check(&s.run.lanes[0], "n1", "measured", NULL, "its group");
	assert_false(s.hub->hosts[0].lost);
	stage_close(&s);
}

/* A host with two lanes of a group is told once what all of it said, wherever these are in it. */
static void what_was_gathered_is_told_once(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, &good, TRIO);
	run_case(&s, 0);
	for (unsigned i = 0; i < 3; i++)
		check(&s.run.lanes[i], i == 1 ? "n2" : "n1", "measured", NULL, "one of three");
	stage_close(&s);
}

static void check_thinned(const struct fl_lane_record *r, const char *why)
{
	const char *said = json_string_value(json_array_get(r->distrust, 0));

	check(r, "n1", "measured", NULL, why);
	assert_non_null(said);
	assert_non_null(strstr(said, "not all lanes of the case were at work beside it: "));
	assert_non_null(strstr(said, why));
	assert_int_equal(json_integer_value(json_object_get(r->notes, "lanes_ran")), 2);
}

/* A group that is not at work is missed by the others, whenever that was. */
static void fewer_lanes_than_planned(void **state)
{
	static const struct way rows[] = {
		{ "case", FAIL, NULL, "not measured", "no luck" },
		{ "start", FAIL, NULL, "not measured", "no luck" },
		{ "window", FAIL, NULL, "not measured", "no luck" },
		{ "case", DIE, NULL, "invalid", "host n2 was lost: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage s;

		stage_open(&s, &rows[i], PAIRS);
		run_case(&s, 0);
		assert_int_equal(s.run.lanes_n, 4);
		check_thinned(&s.run.lanes[0], rows[i].reason);
		check_thinned(&s.run.lanes[1], rows[i].reason);
		check(&s.run.lanes[2], "n2", rows[i].outcome, rows[i].reason, "the one that failed");
		if (rows[i].deed == DIE) { /* and it was lost before the next one */
			run_case(&s, 1);
			check_thinned(&s.run.lanes[4], "host n2 was lost: ");
		}
		stage_close(&s);
	}
}

/* All are: there is nothing to say. */
static void as_many_lanes_as_planned(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, &good, PAIRS);
	run_case(&s, 0);
	for (unsigned i = 0; i < 4; i++) {
		check(&s.run.lanes[i], i < 2 ? "n1" : "n2", "measured", NULL, "a good one");
		assert_null(json_object_get(s.run.lanes[i].notes, "lanes_ran"));
	}
	stage_close(&s);
}

#define HELD(lanes) "{\"is\":\"held\",\"lanes\":" lanes "}"

/* A group over both hosts that ends after one step: what the second says when it is held. */
static void lockstep(void **state)
{
	static const struct way rows[] = {
		{ .outcome = "measured" },
		{ "stop", SAY, HELD("[{\"lane\":1,\"steps\":89}]"), "not measured", "it is not in lockstep: rank 1" },
		{ "stop", SAY, HELD("[{\"lane\":1,\"steps\":0}]"), "invalid", "host n2 was lost: " },
		{ "stop", SAY, HELD("[{\"lane\":1,\"steps\":1e30}]"), "invalid", "host n2 was lost: " },
		{ "stop", SAY, HELD("[{\"lane\":1,\"steps\":9223372036854775807}]"), "invalid", "host n2 was lost: " },
		{ "stop", SAY, HELD("[{\"lane\":0,\"steps\":21}]"), "invalid", "of lane 0, which it has not to say" },
		{ "stop", SAY, HELD("[{\"lane\":7,\"steps\":21}]"), "invalid", "of lane 7, which it has not to say" },
		{ "stop", SAY, HELD("[]"), "invalid", "it said 'held' without lane 1" },
		{ "stop", SAY, HELD("1"), "invalid", "host n2 was lost: " },
		{ "stop", SAY, "{\"is\":\"stopped\"}", "invalid", "it said 'stopped' out of turn" },
		{ "stop", HANG, NULL, "invalid", "it did not hold its lanes within" },
		{ "stop", DIE, NULL, "invalid", "host n2 was lost: " },
		{ "finish", HANG, NULL, "invalid", "it did not stop its lanes within" },
		{ "finish", SAY, HELD("[{\"lane\":1,\"steps\":21}]"), "invalid", "it said 'held' out of turn" },
		{ "window", SAY, HELD("[{\"lane\":1,\"steps\":21}]"), "invalid", "it said 'held' out of turn" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *what = fl_format("lockstep, row %zu", i);
		const struct way *way = &rows[i];
		struct stage s;

		stage_open(&s, way, LOCKSTEP);
		run_case(&s, 0);
		check(&s.run.lanes[1], "n2", way->outcome, way->reason, what);
		check(&s.run.lanes[0], "n1", way->at ? "not measured" : "measured", way->at ? "n2" : NULL, what);
		stage_close(&s);
		free(what);
	}
}

#define AWAITS(where)                                                                                                  \
	"{\"is\":\"failed\",\"lane\":1,\"code\":-110,\"awaits\":true,"                                                 \
	"\"what\":\"rank 1 waited " where " for lanes on other hosts: no luck\"}"

/* An agent does not know which lanes on other hosts its own waits for: it is those that have not ended; or that have
 * not come to where it is: of three, 0 and 2 are on the first host. */
static void who_is_waited_for(void **state)
{
	static const struct {
		enum together together;
		struct way one, other;
	} rows[] = {
		{ LOCKSTEP,
		  { "finish", HANG, NULL, NULL, NULL },
		  { "finish", FAIL, AWAITS("in step 22"), NULL,
		    "rank 1 waited in step 22 for rank 0 on host n1: no luck" } },
		{ TRIO,
		  { "case", HANG, NULL, NULL, NULL },
		  { "case", GATHER_FAIL, AWAITS("at 'x'"), NULL,
		    "rank 1 waited at 'x' for rank 2 on host n1, rank 0 on host n1: no luck" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage s;

		stage_open_both(&s, &rows[i].one, &rows[i].other, rows[i].together);
		run_case(&s, 0);
		check(&s.run.lanes[1], "n2", "not measured", rows[i].other.reason, "one that waits");
		stage_close(&s);
	}
}

/* Nobody is left: what was under way is recorded, and then there is nothing that could go on. */
static void nobody_is_left(void **state)
{
	const struct fl_plan_step next = { .case_no = 1 };
	const struct way way = { "start", DIE, NULL, NULL, NULL };
	struct fl_err err = { 0 };
	struct stage s;

	(void)state;
	stage_open(&s, &way, ALONE);
	kill(s.pids[0], SIGKILL);
	run_case(&s, 0);
	check(&s.run.lanes[0], "n1", "invalid", "host n1 was lost: ", "the first");
	check(&s.run.lanes[1], "n2", "invalid", "host n2 was lost: ", "the second");
	assert_int_equal(s.crew->run_case(s.crew, &s.agent, &s.plan, &next, &s.run, &err), -EHOSTDOWN);
	assert_non_null(strstr(err.what, "no host is left"));
	stage_close(&s);
}

/* How often this thread has waited in a case of the two, of whom each takes such a way. */
static long waits(const struct way *way, uint64_t duration_ns)
{
	struct rusage before, after;
	struct stage s;

	stage_open_both(&s, way, way, ALONE);
	s.cases[0].duration_ns = duration_ns;
	getrusage(RUSAGE_THREAD, &before);
	run_case(&s, 0);
	getrusage(RUSAGE_THREAD, &after);
	check(&s.run.lanes[0], "n1", "measured", NULL, "the first");
	check(&s.run.lanes[1], "n2", "measured", NULL, "the second");
	stage_close(&s);
	return after.ru_nvcsw - before.ru_nvcsw;
}

/* The hub may be on a host that measures: it wakes up when something is said, and some 20 times a second. The window
 * asked for is so long that one look at each clock is enough: how many it takes else depends on the machine. */
static void it_sleeps_while_others_measure(void **state)
{
	const struct way slow = { "window", SLOW_DOWN, NULL, NULL, NULL };
	long quick;

	(void)state;
	quick = waits(&good, 200 * second);
	assert_true(waits(&slow, 200 * second) - quick <= 15);
}

/* No duration was asked for, and both say that they have seen enough: the window is closed, or who says nothing more
 * until then would be lost. */
static void a_window_is_over_early(void **state)
{
	const struct way way = { "window", SAY, "{\"is\":\"narrow\"}", NULL, NULL };

	(void)state;
	waits(&way, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_host_misbehaves),
		cmocka_unit_test(a_group_is_lost_together),
		cmocka_unit_test(records_of_the_others_are_kept),
		cmocka_unit_test(what_was_gathered_is_told_once),
		cmocka_unit_test(fewer_lanes_than_planned),
		cmocka_unit_test(as_many_lanes_as_planned),
		cmocka_unit_test(lockstep),
		cmocka_unit_test(who_is_waited_for),
		cmocka_unit_test(nobody_is_left),
		cmocka_unit_test(it_sleeps_while_others_measure),
		cmocka_unit_test(a_window_is_over_early),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
