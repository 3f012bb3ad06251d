/* SPDX-License-Identifier: Apache-2.0 */
/* test_crew_clocks.c: when hosts are asked for their clocks, and what comes of what they say. */
#include "crew_stage.h"

/* What a good one leaves behind; a clock that jumps in the middle makes its lane, and no other, one not to trust. */
static void a_clock_jumps(void **state)
{
	const struct way way = { "stop", JUMP, NULL, NULL, NULL };
	struct stage s;

	(void)state;
	stage_open(&s, &way, ALONE);
	run_case(&s, 0);
	check(&s.run.lanes[0], "n1", "measured", NULL, "the first");
	check(&s.run.lanes[1], "n2", "measured", NULL, "the second");
	assert_int_equal(json_array_size(s.run.lanes[0].distrust), 0);
	assert_int_equal(json_array_size(s.run.lanes[1].distrust), 1);
	assert_non_null(strstr(json_string_value(json_array_get(s.run.lanes[1].distrust, 0)),
			       "the clock of host n2 moved by +"));
	assert_true(json_is_integer(json_object_get(s.run.lanes[0].notes, "clock_error_ns")));
	assert_true(json_is_integer(json_object_get(s.run.lanes[0].notes, "clock_offset_ns")));
	stage_close(&s);
}

/* Some 3 ms may lie beside the window of the other, of 50: that is said of groups, whose lanes are measured with
 * one another. */
static void clocks_that_are_known_badly(void **state)
{
	const struct way way = { "case", ANSWER_LATE, NULL, NULL, NULL };

	(void)state;
	for (enum together together = ALONE; together <= GROUP; together++) {
		struct stage s;

		stage_open(&s, &way, together);
		run_case(&s, 0);
		for (unsigned i = 0; i < HOSTS; i++) {
			const struct fl_lane_record *r = &s.run.lanes[i];
			const char *said = json_string_value(json_array_get(r->distrust, 0));

			check(r, i ? "n2" : "n1", "measured", NULL, "a clock that is known badly");
			assert_int_equal(json_array_size(r->distrust), together == GROUP);
			assert_true(!said || strstr(said, "windows of 0.050 s are known to lie together within "));
		}
		stage_close(&s);
	}
}

/* While one still opens its lanes, the clock of the other is asked for. */
static void clocks_while_lanes_open(void **state)
{
	const struct way way = { "case", OPEN_LAST, NULL, NULL, NULL };
	struct stage s;

	(void)state;
	stage_open(&s, &way, ALONE);
	run_case(&s, 0);
	check(&s.run.lanes[0], "n1", "measured", NULL, "the first");
	check(&s.run.lanes[1], "n2", "measured", NULL, "the last");
	assert_true(s.asked->before[0] > 0 && s.asked->before[1] > 0);
	stage_close(&s);
}

/* The next case follows at once: what was found after the one before it holds. It does not of one that was found long
 * ago, nor where a clock jumped meanwhile, which is seen after the case. Windows are of some minutes here, of which
 * agents say at once that they are over, so that it is at once on a slow machine, too. */
static void clocks_between_cases(void **state)
{
	const struct way way = { "stored", JUMP, NULL, NULL, NULL };
	struct stage s;

	(void)state;
	stage_open(&s, &way, ALONE);
	s.cases[0].duration_ns = s.cases[1].duration_ns = 200 * second;
	run_case(&s, 0);
	assert_true(s.asked->before[0] > 0 && s.asked->before[1] > 0);
	s.hub->hosts[0].clock_at_ns -= 1000 * second;
	s.crew->stored(s.crew);
	run_case(&s, 1);
	assert_true(s.asked->before[0] > 0);
	assert_int_equal(s.asked->before[1], 0);
	assert_int_equal(json_array_size(s.run.lanes[2].distrust), 0);
	assert_non_null(strstr(json_string_value(json_array_get(s.run.lanes[3].distrust, 0)),
			       "the clock of host n2 moved by +"));
	stage_close(&s);
}

/* What was found a while ago is known less well by that while. */
static void clocks_age(void **state)
{
	const struct fl_hub_host never = { .clock_error_ns = 5 };
	const struct fl_hub_host host = { .clock_error_ns = 5, .clock_at_ns = 7 * second };
	struct stage s;

	(void)state;
	assert_true(fl_hub_clock_aged_ns(&never, 8 * second) == UINT64_MAX);
	assert_int_equal(fl_hub_clock_aged_ns(&host, 9 * second), ms);
	assert_int_equal(fl_hub_clock_aged_ns(&host, 6 * second), 0);
	stage_open(&s, &good, ALONE);
	s.cases[0].duration_ns = s.cases[1].duration_ns = 200 * second;
	run_case(&s, 0);
	s.hub->hosts[1].clock_at_ns -= 60 * second;
	run_case(&s, 1);
	assert_int_equal(s.asked->before[1], 0);
	assert_true(json_integer_value(json_object_get(s.run.lanes[3].notes, "clock_error_ns")) >= 30 * (int64_t)ms);
	stage_close(&s);
}

/* An answer that comes when nobody waits for it any more is no lie; one to no question is. */
static void a_clock_is_late(void **state)
{
	struct fl_hub_host host = { .clocks_due = 1 };
	struct fl_crew_case c = { .parts_n = 0 };
	struct fl_err err = { 0 };
	json_t *message = json_pack("{s:s, s:i, s:i}", "is", "clock", "sent_ns", 1, "at_ns", 2);

	(void)state;
	assert_int_equal(fl_crew_hear(&c, &host, message, &err), 0);
	assert_int_equal(fl_crew_hear(&c, &host, message, &err), -EPROTO);
	assert_string_equal(err.what, "it said 'clock' out of turn");
	json_decref(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clock_jumps),
		cmocka_unit_test(clocks_that_are_known_badly),
		cmocka_unit_test(clocks_while_lanes_open),
		cmocka_unit_test(clocks_between_cases),
		cmocka_unit_test(clocks_age),
		cmocka_unit_test(a_clock_is_late),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
