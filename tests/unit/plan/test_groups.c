/* SPDX-License-Identifier: Apache-2.0 */
/* test_groups.c: lanes that make a measurement together, on one machine; and what a plan may say of groups. */
#include "../sample.h"
#include "base/alloc.h"
#include "base/json.h"
#include "plan/plan.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int make_on(const struct fl_machine *m, const char *text, struct fl_plan **ret, struct fl_err *err)
{
	struct fl_catalog catalog = sample_catalog();
	struct fl_suite *suite;
	int rc = fl_suite_parse(text, strlen(text), "s", "s.yaml", &suite, err);

	if (rc < 0)
		return rc;
	rc = fl_plan_make(suite, &catalog, m, NULL, ret, err);
	fl_suite_free(suite);
	return rc;
}

static struct fl_plan *must_on(const struct fl_machine *m, const char *text)
{
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };

	if (make_on(m, text, &plan, &err) < 0)
		fail_msg("'%s': %s", text, err.what);
	return plan;
}

static struct fl_plan *must(const char *text)
{
	struct sample_machine s;

	sample_machine_init(&s);
	return must_on(&s.m, text);
}

static void check_pair(const struct fl_plan_case *c)
{
	assert_int_equal(c->lanes_n, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct fl_plan_lane *lane = &c->lanes[i];

		assert_string_equal(lane->bench, "tcp.stream");
		assert_int_equal(lane->group, 0);
		assert_int_equal(lane->rank, i);
		assert_int_equal(lane->size, 2);
		assert_int_equal(lane->host, 0);
		assert_int_equal(lane->worker, i);
	}
}

/* One host plays both roles, and each has a CPU and a process of its own. */
static void test_pair_on_one_machine(void **state)
{
	struct fl_plan *plan = must("- bench: tcp.stream\n  with: {streams: 4}\n");
	const struct fl_plan_case *c = &plan->cases[0];
	struct fl_cpus both = fl_cpus_and(&c->lanes[0].cpus, &c->lanes[1].cpus);

	(void)state;
	assert_int_equal(plan->cases_n, 1);
	assert_int_equal(plan->hosts_n, 0);
	assert_string_equal(c->label, "tcp.stream streams=4");
	check_pair(c);
	assert_int_equal(fl_cpus_count(&both), 0);
	assert_int_equal(fl_cpus_count(&c->lanes[0].cpus), 1);
	assert_int_equal(fl_cpus_count(&c->lanes[1].cpus), 1);
	assert_false(c->lanes[0].shares_cpus);
	assert_null(c->lanes[0].skip);
	fl_plan_free(plan);
}

/* Whatever `across` says, one host meets itself. */
static void test_across_on_one_machine(void **state)
{
	static const char *const rules[] = { "across: pairs", "across: shifts", "across: bisection",
					     "across: {sample: 7}", "reach: between" };

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		char *text = fl_format("- bench: tcp.stream\n  %s\n", rules[i]);
		struct fl_plan *plan = must(text);

		assert_int_equal(plan->cases_n, 1);
		assert_string_equal(plan->cases[0].label, i == 2 ? "tcp.stream bisection" : "tcp.stream");
		check_pair(&plan->cases[0]);
		fl_plan_free(plan);
		free(text);
	}
}

static void test_sweep_of_pairs(void **state)
{
	struct fl_plan *plan = must("- bench: tcp.stream\n  sweep: {streams: 1..4}\n");

	(void)state;
	assert_int_equal(plan->studies_n, 1);
	assert_int_equal(plan->studies[0].kind, FL_STUDY_SWEEP);
	assert_string_equal(plan->studies[0].label, "tcp.stream");
	assert_int_equal(plan->cases_n, 3);
	assert_string_equal(plan->studies[0].values[2], "4");
	assert_string_equal(plan->cases[2].label, "tcp.stream streams=4");
	for (size_t i = 0; i < plan->cases_n; i++)
		check_pair(&plan->cases[i]);
	fl_plan_free(plan);
}

/* Each node is a case of its own; both lanes sit there. */
static void test_pairs_of_each_node(void **state)
{
	struct fl_plan *plan = must("- bench: tcp.stream\n  each: [numa]\n");

	(void)state;
	assert_int_equal(plan->cases_n, 2);
	for (int i = 0; i < 2; i++) {
		check_pair(&plan->cases[i]);
		assert_int_equal(plan->cases[i].lanes[0].node, i);
		assert_int_equal(plan->cases[i].lanes[1].node, i);
	}
	fl_plan_free(plan);
}

/* Lanes of other benchmarks are groups of their own. */
static void test_lanes_by_themselves(void **state)
{
	struct fl_plan *plan = must("- together: [{bench: memory.copy}, {bench: null.nop}]\n");
	const struct fl_plan_case *c = &plan->cases[0];

	(void)state;
	assert_int_equal(c->lanes_n, 5);
	for (unsigned i = 0; i < c->lanes_n; i++) {
		assert_int_equal(c->lanes[i].group, i);
		assert_int_equal(c->lanes[i].rank, 0);
		assert_int_equal(c->lanes[i].size, 1);
		assert_int_equal(c->lanes[i].host, 0);
	}
	fl_plan_free(plan);
}

static void test_both_skipped(void **state)
{
	struct sample_machine s;
	struct fl_plan *plan;

	(void)state;
	sample_machine_init(&s);
	s.m.limits.cpus.bits[0] = 0xf0;
	plan = must_on(&s.m, "- bench: tcp.stream\n");
	check_pair(&plan->cases[0]);
	assert_non_null(plan->cases[0].lanes[0].skip);
	assert_non_null(plan->cases[0].lanes[1].skip);
	fl_plan_free(plan);
}

static const struct {
	const char *text, *what;
} refused[] = {
	{ "- bench: memory.copy\n  across: pairs\n",
	  "s.yaml:2:3: 'across' wants a benchmark that is measured between hosts, and memory.copy is not" },
	{ "- bench: memory.copy\n  reach: within\n", "s.yaml:2:3: 'reach' wants a benchmark" },
	{ "- together: [{bench: tcp.stream}, {bench: memory.copy}]\n",
	  "s.yaml:1:14: tcp.stream is measured between hosts: it cannot stand inside 'together' or 'beside'" },
	{ "- bench: memory.copy\n  beside: [{bench: tcp.stream}]\n", "s.yaml:2:12: tcp.stream is measured" },
	{ "- bench: tcp.stream\n  beside: [{bench: memory.copy}]\n",
	  "s.yaml:1:3: tcp.stream is measured between hosts: it does not go with 'beside'" },
	{ "- bench: tcp.stream\n  study: starvation\n", "s.yaml:1:3: 'study: starvation' wants a closed loop" },
};

static void test_refused(void **state)
{
	struct sample_machine s;

	(void)state;
	sample_machine_init(&s);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct fl_plan *plan = NULL;
		struct fl_err err = { 0 };

		assert_int_equal(make_on(&s.m, refused[i].text, &plan, &err), -EINVAL);
		if (strncmp(err.what, refused[i].what, strlen(refused[i].what)) != 0)
			fail_msg("'%s': %s", refused[i].text, err.what);
	}
}

/* ---- what a plan may say */

#define LANE(worker, host, group, rank, size)                                                                          \
	"{\"bench\":\"a\",\"options\":{},\"cpus\":\"0\",\"node\":0,\"worker\":" #worker ",\"host\":" #host             \
	",\"group\":" #group ",\"rank\":" #rank ",\"size\":" #size                                                     \
	",\"shares_cpus\":false,\"skip\":null,\"hint\":null}"
#define PLAN(hosts, lanes)                                                                                             \
	"{\"schema\":3,\"suite\":\"s\",\"required\":false,\"require\":[],\"primary\":[],\"hosts\":" hosts              \
	",\"studies\":[{\"kind\":\"repeat\",\"label\":\"l\",\"first_case\":0,\"cases\":1,\"option\":null,"             \
	"\"values\":[],\"range\":false}],\"cases\":[{\"label\":\"l\",\"rounds\":1,\"rounds_least\":1,"                 \
	"\"pass_rounds\":0,\"duration_ns\":0,\"lanes\":[" lanes "]}]}"

static const struct {
	const char *text, *what; /* what NULL: it is read */
} read_back[] = {
	{ PLAN("[]", LANE(0, 0, 0, 0, 1)), NULL },
	{ PLAN("[\"n1\"]", LANE(0, 0, 0, 0, 1)), NULL },
	{ PLAN("[\"n1\",\"n2\"]", LANE(0, 0, 0, 0, 2) "," LANE(1, 1, 0, 1, 2)), NULL },
	{ PLAN("[\"n1\",\"n2\"]", LANE(0, 0, 0, 1, 2) "," LANE(1, 1, 0, 0, 2)), NULL },
	{ PLAN("[\"n1\",\"n2\"]",
	       LANE(0, 0, 0, 0, 2) "," LANE(1, 1, 1, 0, 2) "," LANE(2, 0, 1, 1, 2) "," LANE(3, 1, 0, 1, 2)),
	  NULL },
	{ PLAN("[\"n1\"]", LANE(0, 1, 0, 0, 1)), "plan.cases[0].lanes[0] is on a host that the plan does not name" },
	{ PLAN("[]", LANE(0, 1, 0, 0, 1)), "plan.cases[0].lanes[0] is on a host" },
	{ PLAN("[]", LANE(0, 0, 0, 0, 0)), "plan.cases[0].lanes[0] has a group, rank and size that cannot be" },
	{ PLAN("[]", LANE(0, 0, 0, 1, 1)), "plan.cases[0].lanes[0] has a group" },
	{ PLAN("[]", LANE(0, 0, 1, 0, 1)), "plan.cases[0].lanes[0] has a group" },
	{ PLAN("[]", LANE(0, 0, 0, 0, 2)), "plan.cases[0].lanes[0] is of a group with lanes that are missing" },
	{ PLAN("[]", LANE(0, 0, 0, 0, 2) "," LANE(1, 0, 1, 0, 1)),
	  "plan.cases[0].lanes[1] is of a group with lanes that are missing" },
	{ PLAN("[]", LANE(0, 0, 0, 0, 2) "," LANE(1, 0, 0, 0, 2)),
	  "plan.cases[0].lanes[1] has the rank of another lane of its group" },
	{ PLAN("[]", LANE(0, 0, 0, 0, 2) "," LANE(1, 0, 0, 1, 3)),
	  "plan.cases[0].lanes[1] is of a group of another size" },
	{ PLAN("[]", LANE(0, 0, 0, 0, 2) "," LANE(1, 0, 0, 1, 2) "," LANE(2, 0, 1, 0, 1)),
	  "plan.cases[0].lanes[2] is of a group that does not go by the number of its first lane" },
	{ PLAN("[\"n1\",\"n2\"]", LANE(0, 0, 0, 0, 1) "," LANE(0, 1, 1, 0, 1)),
	  "plan.cases[0].lanes[1] shares worker 0, which is on another host" },
	{ PLAN("[]", LANE(0, 0, 0, 0, 100)), "plan.cases[0].lanes[0]" },
	{ PLAN("[]", LANE(0, 5000, 0, 0, 1)), "plan.cases[0].lanes[0]" },
	{ PLAN("[\"n1\",\"n1\"]", LANE(0, 0, 0, 0, 1)), "plan.hosts has 'n1' twice" },
	{ PLAN("[\"\"]", LANE(0, 0, 0, 0, 1)), "plan.hosts[0] is no name of a host" },
	{ PLAN("[\"a b\"]", LANE(0, 0, 0, 0, 1)), "plan.hosts[0] is no name of a host" },
	{ PLAN("[\"a/b\"]", LANE(0, 0, 0, 0, 1)), "plan.hosts[0] is no name of a host" },
	{ PLAN("[7]", LANE(0, 0, 0, 0, 1)), "plan.hosts[0] is no text" },
	{ PLAN("null", LANE(0, 0, 0, 0, 1)), "plan" },
};

static void test_read_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(read_back) / sizeof(read_back[0]); i++) {
		const char *text = read_back[i].text, *what = read_back[i].what;
		struct fl_plan *plan = NULL;
		struct fl_err err = { 0 };
		json_t *doc;

		assert_int_equal(fl_json_parse(text, strlen(text), "plan", &doc, &err), 0);
		assert_int_equal(fl_plan_read(doc, &plan, &err), what ? -EINVAL : 0);
		if (what && strncmp(err.what, what, strlen(what)) != 0)
			fail_msg("%zu: '%s', not '%s'", i, err.what, what);
		json_decref(doc);
		fl_plan_free(plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pair_on_one_machine),
		cmocka_unit_test(test_across_on_one_machine),
		cmocka_unit_test(test_sweep_of_pairs),
		cmocka_unit_test(test_pairs_of_each_node),
		cmocka_unit_test(test_lanes_by_themselves),
		cmocka_unit_test(test_both_skipped),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
