/* SPDX-License-Identifier: Apache-2.0 */
/* test_next.c: the order of cases, and that results so far decide it. */
#include "plan/plan.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct fl_plan_lane lanes[3];

/* Two cases of one and two lanes, with 2 and 3 rounds. */
static struct fl_plan_case cases[] = {
	{ .label = "a", .lanes = lanes, .lanes_n = 1, .rounds = 2, .rounds_least = 2 },
	{ .label = "b", .lanes = lanes, .lanes_n = 2, .rounds = 3, .rounds_least = 3 },
};
static struct fl_study studies[] = { { .label = "s", .cases_n = 2 } };
static const struct fl_plan plan = { .suite = "s", .cases = cases, .cases_n = 2, .studies = studies, .studies_n = 1 };

static const struct fl_plan_step order[] = {
	{ .case_no = 0, .round = 0 }, { .case_no = 1, .round = 0 }, { .case_no = 0, .round = 1 },
	{ .case_no = 1, .round = 1 }, { .case_no = 1, .round = 2 },
};
enum { STEPS = sizeof(order) / sizeof(order[0]) };

static void add(struct fl_results *results, unsigned case_no, unsigned round, unsigned lane)
{
	const struct fl_plan_result result = { case_no, round, lane, NAN, FL_HIGHER };

	fl_results_add(results, &result);
}

static void add_step(struct fl_results *results, struct fl_plan_step step)
{
	for (unsigned lane = 0; lane < cases[step.case_no].lanes_n; lane++)
		add(results, step.case_no, step.round, lane);
}

static void check_next(const struct fl_results *results, struct fl_plan_step want)
{
	struct fl_plan_step step;

	assert_true(fl_plan_next(&plan, results, &step));
	assert_int_equal(step.case_no, want.case_no);
	assert_int_equal(step.round, want.round);
}

static void test_order(void **state)
{
	struct fl_results *results = fl_results_make(&plan);
	struct fl_plan_step step;

	(void)state;
	for (size_t i = 0; i < STEPS; i++) {
		struct fl_plan_left left = fl_plan_left(&plan, results);

		check_next(results, order[i]);
		assert_int_equal(left.steps_done, i);
		assert_int_equal(left.steps_most, STEPS);
		assert_true(left.time_ns > 0 && left.time_ns <= fl_plan_time_ns(&plan));
		add_step(results, order[i]);
	}
	assert_false(fl_plan_next(&plan, results, &step));
	assert_int_equal(fl_plan_left(&plan, results).time_ns, 0);
	fl_results_free(results);
}

/* Whatever single step is missing is the next one: that is what --resume asks. */
static void test_any_gap(void **state)
{
	(void)state;
	for (size_t gap = 0; gap < STEPS; gap++) {
		struct fl_results *results = fl_results_make(&plan);

		for (size_t i = 0; i < STEPS; i++)
			if (i != gap)
				add_step(results, order[i]);
		check_next(results, order[gap]);
		fl_results_free(results);
	}
}

static void test_half_a_case_is_run_again(void **state)
{
	struct fl_results *results = fl_results_make(&plan);

	(void)state;
	add(results, 0, 0, 0);
	add(results, 1, 0, 1);
	check_next(results, (struct fl_plan_step){ .case_no = 1 });
	fl_results_free(results);
}

static void test_strange_records_change_nothing(void **state)
{
	struct fl_results *results = fl_results_make(&plan);

	(void)state;
	add(results, 7, 0, 0);
	add(results, 0, 9, 0);
	add(results, 0, 0, 5);
	add(results, UINT32_MAX, UINT32_MAX, 0);
	check_next(results, (struct fl_plan_step){ .case_no = 0 });
	fl_results_free(results);
}

static void test_nothing_to_do(void **state)
{
	const struct fl_plan empty = { .suite = "s" };
	struct fl_results *results = fl_results_make(&empty);
	struct fl_plan_step step = { .case_no = 9, .round = 9 };

	(void)state;
	assert_false(fl_plan_next(&empty, results, &step));
	assert_int_equal(step.case_no, 9);
	assert_int_equal(fl_plan_left(&empty, results).steps_most, 0);
	fl_results_free(results);
	fl_results_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_any_gap),
		cmocka_unit_test(test_half_a_case_is_run_again),
		cmocka_unit_test(test_strange_records_change_nothing),
		cmocka_unit_test(test_nothing_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
