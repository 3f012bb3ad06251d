/* SPDX-License-Identifier: Apache-2.0 */
/* test_witness_wait.c: how long threads waited for a CPU, and when that is a reason not to trust a window. */
#include "base/json.h"
#include "run/witness.h"
#include "tree.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint64_t second = UINT64_C(1000000000);

/* The reasons are `expected`, one or none (NULL). Takes the list. */
static void assert_reasons(json_t *reasons, const char *expected)
{
	const char *first = json_string_value(json_array_get(reasons, 0));

	if (json_array_size(reasons) != (expected ? 1 : 0) || (expected && strcmp(first, expected)))
		fail_msg("'%s' instead of '%s'", first ? first : "no reason", expected ? expected : "no reason");
	json_decref(reasons);
}

static struct fl_wait look_at_threads(int root, const char *first, const char *second_status)
{
	struct fl_wait wait;

	tree_put("proc/77/task/77/schedstat", first);
	tree_put("proc/77/task/78/schedstat", "5 1000 9\n");
	tree_put("proc/77/task/78/status", second_status);
	tree_put("proc/77/task/other/schedstat", "5 99999999999 9\n");
	fl_wait_look(root, 77, &wait);
	return wait;
}

static void waiting(void **state)
{
	static const struct {
		const char *schedstat, *status;
		unsigned threads;
		double interrupts, blur, waited, switches;
		const char *reason;
	} rows[] = {
		{ "9 300000000 9\n", "x\nvoluntary_ctxt_switches:\t1\nnonvoluntary_ctxt_switches:\t45\n", 2, 0, 0.01,
		  0.15, 40, "its threads waited for a CPU 15 % of the time (40 involuntary context switches)" },
		{ "9 300000000 9\n", "x\nnonvoluntary_ctxt_switches:\t5\n", 2, NAN, NAN, 0.15, 0,
		  "its threads waited for a CPU 15 % of the time" },
		{ "9 300000000 9\n", "x\nnonvoluntary_ctxt_switches:\t45\n", 8, NAN, NAN, 0.0375, 40, NULL },
		{ "9 300000000 9\n", "x\nnonvoluntary_ctxt_switches:\t45\n", 2, 0.11, 0, 0.15, 40, NULL },
		{ "9 300000000 9\n", "hidden\n", 2, 0, 0, 0.15, NAN, "its threads waited for a CPU 15 % of the time" },
		{ "9 0 9\n", "x\nnonvoluntary_ctxt_switches:\t1\n", 2, 0, 0, 0, 0, NULL },
		/* however few ticks a window has; their blur only is that of interrupts which were there */
		{ "9 120000000 9\n", "hidden\n", 2, 0, 0.1, 0.06, NAN, "its threads waited for a CPU 6 % of the time" },
		{ "9 300000000 9\n", "hidden\n", 2, 0.04, 0.04, 0.15, NAN, NULL },
	};
	int root = *(int *)*state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_wait before = look_at_threads(root, "1 0 1\n", "x\nnonvoluntary_ctxt_switches:\t5\n");
		struct fl_wait after = look_at_threads(root, rows[i].schedstat, rows[i].status);
		const struct fl_load_shares load = { .interrupts = rows[i].interrupts, .blur = rows[i].blur };
		struct fl_wait_shares s;
		json_t *reasons = json_array();

		after.at_ns = before.at_ns + second;
		s = fl_wait_between(&before, &after, rows[i].threads);
		if (!(fabs(s.waited - rows[i].waited) < 1e-9))
			fail_msg("row %zu: waited %g", i, s.waited);
		assert_true(isnan(rows[i].switches) ? isnan(s.switches) : s.switches == rows[i].switches);
		fl_wait_judge(&s, &load, reasons);
		assert_reasons(reasons, rows[i].reason);
	}
}

/* Waiting up to one time slice is no reason, however short the window: 0.4 ms of 5 ms, but 30 ms of 300 ms are one. */
static void short_waits(void **state)
{
	static const struct {
		uint64_t window_ns, waited_ns;
		const char *reason;
	} rows[] = { { 5000000, 400000, NULL },
		     { 40000000, 3900000, NULL },
		     { 300000000, 30000000, "its threads waited for a CPU 10 % of the time" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_wait before = { .at_ns = second, .has_waited = true }, after = before;
		const struct fl_load_shares load = { 0 };
		struct fl_wait_shares s;
		json_t *reasons = json_array();

		after.at_ns += rows[i].window_ns;
		after.waited_ns += rows[i].waited_ns;
		s = fl_wait_between(&before, &after, 1);
		fl_wait_judge(&s, &load, reasons);
		assert_reasons(reasons, rows[i].reason);
	}
}

/* Threads that a benchmark starts beside those that step wait for one another: that is left out. What its own threads
 * wait is known all the same, but may be for those: no reason. */
static void helpers_wait(void **state)
{
	const struct fl_load_shares load = { 0 };
	int root = *(int *)*state;
	struct fl_wait before, after;
	struct fl_wait_shares s;
	json_t *reasons = json_array();

	tree_put("proc/77/task/77/schedstat", "1 0 1\n");
	tree_put("proc/77/task/77/status", "x\nnonvoluntary_ctxt_switches:\t5\n");
	tree_put("proc/77/task/78/schedstat", "1 0 1\n");
	tree_put("proc/77/task/78/status", "x\nnonvoluntary_ctxt_switches:\t5\n");
	tree_put("proc/77/task/78/comm", "fl-helper\n");
	fl_wait_look(root, 77, &before);
	tree_put("proc/77/task/77/schedstat", "9 300000000 9\n");
	tree_put("proc/77/task/77/status", "x\nnonvoluntary_ctxt_switches:\t9\n");
	tree_put("proc/77/task/78/schedstat", "9 900000000 9\n");
	tree_put("proc/77/task/78/status", "x\nnonvoluntary_ctxt_switches:\t45\n");
	fl_wait_look(root, 77, &after);
	after.at_ns = before.at_ns + second;
	s = fl_wait_between(&before, &after, 1);
	if (!(fabs(s.waited - 0.3) < 1e-9))
		fail_msg("waited %g", s.waited);
	assert_true(s.switches == 4);
	fl_wait_judge(&s, &load, reasons);
	assert_reasons(reasons, NULL);
}

/* A process with lanes 0, 2 and 3 of four: each is told what the threads waited that have its name. */
static void lanes_of_one_process(void **state)
{
	static const struct {
		const char *comm, *schedstat;
	} threads[] = { { "feedline-lane-c\n", "9 500000000 9\n" }, { "fl-lane-2\n", "9 300000000 9\n" },
			{ "fl-lane-0\n", "9 100000000 9\n" },	    { "fl-lane-2\n", "9 20000000 9\n" },
			{ "fl-lane-1\n", "9 700000000 9\n" },	    { "fl-lane-\n", "9 700000000 9\n" },
			{ "fl-lane-77777\n", "9 700000000 9\n" } };
	int root = *(int *)*state;
	struct fl_wait waits[4] = { 0 };
	struct fl_wait *const of[] = { &waits[0], NULL, &waits[2], &waits[3] };

	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		char *comm = fl_format("proc/90/task/%zu/comm", 90 + i),
		     *stat = fl_format("proc/90/task/%zu/schedstat", 90 + i);

		tree_put(comm, threads[i].comm);
		tree_put(stat, threads[i].schedstat);
		free(comm);
		free(stat);
	}
	fl_wait_look_apart(root, 90, of, 4);
	assert_true(waits[0].has_waited && waits[0].waited_ns == 100000000 && waits[0].at_ns > 0);
	assert_true(waits[1].at_ns == 0);
	assert_true(waits[2].waited_ns == 320000000 && !waits[2].helpers);
	assert_true(!waits[3].has_waited);
	tree_put("proc/90/task/90/comm", "fl-helper\n");
	fl_wait_look_apart(root, 90, of, 4);
	assert_true(waits[0].helpers && waits[2].helpers && waits[2].waited_ns == 320000000);
}

/* A process that is gone, or hidden: nothing is known, and nothing is a reason. */
static void nobody_waits(void **state)
{
	const struct fl_load_shares load = { 0 };
	struct fl_wait before, after;
	struct fl_wait_shares s;
	json_t *reasons = json_array();

	fl_wait_look(*(int *)*state, 78, &before);
	fl_wait_look(*(int *)*state, -1, &after);
	s = fl_wait_between(&before, &after, 1);
	assert_true(isnan(s.waited) && isnan(s.switches));
	fl_wait_judge(&s, &load, reasons);
	assert_reasons(reasons, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(waiting),	 cmocka_unit_test(short_waits),
		TREE_TEST(helpers_wait), TREE_TEST(lanes_of_one_process),
		TREE_TEST(nobody_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
