/* SPDX-License-Identifier: Apache-2.0 */
/* test_next.c: the order of cases, and that results so far decide it. */
#include "plan/plan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct fl_plan_lane lanes[3];

/* Two cases of one and two lanes, with 2 and 3 rounds. */
static struct fl_plan_case cases[] = {
	{ .label = "a", .lanes = lanes, .lanes_n = 1, .rounds = 2 },
	{ .label = "b", .lanes = lanes, .lanes_n = 2, .rounds = 3 },
};
static const struct fl_plan plan = { .suite = "s", .cases = cases, .cases_n = 2 };

static const struct fl_plan_step order[] = { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 1, 1 }, { 1, 2 } };
enum { STEPS = sizeof(order) / sizeof(order[0]) };

static size_t record(struct fl_plan_done *done, size_t n, struct fl_plan_step step)
{
	for (unsigned lane = 0; lane < cases[step.case_no].lanes_n; lane++)
		done[n++] = (struct fl_plan_done){ .case_no = step.case_no, .round = step.round, .lane = lane };
	return n;
}

static void test_order(void **state)
{
	struct fl_plan_done done[16];
	struct fl_plan_step step;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < STEPS; i++) {
		assert_true(fl_plan_next(&plan, done, n, &step));
		assert_int_equal(step.case_no, order[i].case_no);
		assert_int_equal(step.round, order[i].round);
		n = record(done, n, step);
	}
	assert_false(fl_plan_next(&plan, done, n, &step));
}

/* Whatever single step is missing is the next one: that is what --resume asks. */
static void test_any_gap(void **state)
{
	(void)state;
	for (size_t gap = 0; gap < STEPS; gap++) {
		struct fl_plan_done done[16];
		struct fl_plan_step step;
		size_t n = 0;

		for (size_t i = 0; i < STEPS; i++)
			if (i != gap)
				n = record(done, n, order[i]);
		assert_true(fl_plan_next(&plan, done, n, &step));
		assert_int_equal(step.case_no, order[gap].case_no);
		assert_int_equal(step.round, order[gap].round);
	}
}

static void test_half_a_case_is_run_again(void **state)
{
	const struct fl_plan_done done[] = { { 0, 0, 0 }, { 1, 0, 1 } };
	struct fl_plan_step step;

	(void)state;
	assert_true(fl_plan_next(&plan, done, 2, &step));
	assert_int_equal(step.case_no, 1);
	assert_int_equal(step.round, 0);
}

static void test_strange_records_change_nothing(void **state)
{
	const struct fl_plan_done done[] = { { 7, 0, 0 }, { 0, 9, 0 }, { 0, 0, 5 }, { UINT32_MAX, UINT32_MAX, 0 } };
	struct fl_plan_step step = { 9, 9 };

	(void)state;
	assert_true(fl_plan_next(&plan, done, 4, &step));
	assert_int_equal(step.case_no, 0);
	assert_int_equal(step.round, 0);
}

static void test_nothing_to_do(void **state)
{
	const struct fl_plan empty = { .suite = "s" };
	struct fl_plan_step step = { 9, 9 };

	(void)state;
	assert_false(fl_plan_next(&empty, NULL, 0, &step));
	assert_int_equal(step.case_no, 9);
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
