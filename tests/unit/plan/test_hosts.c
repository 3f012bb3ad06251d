/* SPDX-License-Identifier: Apache-2.0 */
/* test_hosts.c: plans of several machines: what each does for itself, what they do with each other, and what comes next
 * when results of all of them are there. */
#include "../sample_loop.h"
#include "base/alloc.h"
#include "base/json.h"
#include "plan/plan.h"
#include "record/record.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* n hosts "n1" .., each a sample machine; what differs is up to the test. */
struct rack {
	struct sample_machine *machines;
	struct fl_plan_host *hosts;
	char (*names)[24];
	size_t n;
};

static struct rack build(size_t n)
{
	struct rack r = { fl_zalloc(n, sizeof(*r.machines)), fl_zalloc(n, sizeof(*r.hosts)),
			  fl_zalloc(n, sizeof(*r.names)), n };

	for (size_t i = 0; i < n; i++) {
		sample_machine_init(&r.machines[i]);
		snprintf(r.names[i], sizeof(r.names[i]), "n%zu", i + 1);
		r.hosts[i] = (struct fl_plan_host){ .name = r.names[i], .machine = &r.machines[i].m };
	}
	return r;
}

static void tear_down(struct rack *r)
{
	free(r->machines);
	free(r->hosts);
	free(r->names);
}

static int make(const struct rack *r, const char *text, struct fl_plan **ret, struct fl_err *err)
{
	const struct fl_plan_settings settings = { .demands = &sample_demands };
	struct fl_entry entries[SAMPLE_LOOP_ENTRIES];
	struct fl_catalog catalog = sample_loop_catalog(entries);
	struct fl_suite *suite;
	int rc = fl_suite_parse(text, strlen(text), "s", "s.yaml", &suite, err);

	if (rc < 0)
		return rc;
	rc = fl_plan_make_hosts(suite, &catalog, r->hosts, r->n, &settings, ret, err);
	fl_suite_free(suite);
	return rc;
}

static struct fl_plan *must(const struct rack *r, const char *text)
{
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };

	if (make(r, text, &plan, &err) < 0)
		fail_msg("'%s': %s", text, err.what);
	return plan;
}

/* "KIND LABEL", and of its cases the label and every lane as "HOST", of groups "HOST.RANK"; "-" before it: skipped. */
static char *describe(const struct fl_plan *plan)
{
	struct fl_text t = { 0 };

	for (size_t i = 0; i < plan->studies_n; i++) {
		const struct fl_study *s = &plan->studies[i];

		fl_text_add(&t, "%s %s\n", fl_study_name(s->kind), s->label);
		for (unsigned k = 0; k < s->cases_n; k++) {
			const struct fl_plan_case *c = &plan->cases[s->first + k];

			fl_text_add(&t, "  %s:", c->label);
			for (size_t n = 0; n < c->lanes_n; n++) {
				const struct fl_plan_lane *l = &c->lanes[n];

				fl_text_add(&t, " %s%s", l->skip ? "-" : "", plan->hosts[l->host]);
				if (l->size > 1)
					fl_text_add(&t, ".%u", l->rank);
			}
			fl_text_add(&t, "\n");
		}
	}
	return t.bytes;
}

static void check_described(const struct rack *r, const char *text, const char *want)
{
	struct fl_plan *plan = must(r, text);
	char *is = describe(plan);

	assert_string_equal(is, want);
	free(is);
	fl_plan_free(plan);
}

/* Written and read back, it is the same: so groups, workers and hosts are numbered as they must be. */
static void check_round_trip(const struct fl_plan *plan)
{
	json_t *once = fl_plan_json(plan), *twice;
	struct fl_plan *again = NULL;
	struct fl_err err = { 0 };

	if (fl_plan_read(once, &again, &err) < 0)
		fail_msg("%s", err.what);
	twice = fl_plan_json(again);
	assert_true(json_equal(once, twice));
	json_decref(once);
	json_decref(twice);
	fl_plan_free(again);
}

/* ---- each for itself */

static void test_alike(void **state)
{
	struct rack r = build(3);
	struct fl_plan *plan = must(&r, "- bench: memory.copy\n  with: {memory: local}\n- bench: null.nop\n");
	char *is = describe(plan);

	(void)state;
	assert_int_equal(plan->hosts_n, 3);
	assert_string_equal(plan->hosts[2], "n3");
	assert_string_equal(is, "repeat memory.copy\n"
				"  memory.copy numa=node0 memory=node0: n1 n2 n3\n"
				"  memory.copy numa=node1 memory=node1: n1 n2 n3\n"
				"repeat null.nop\n"
				"  null.nop: n1 n2 n3\n");
	for (unsigned i = 0; i < 3; i++) {
		const struct fl_plan_lane *lane = &plan->cases[0].lanes[i];

		assert_int_equal(lane->worker, i);
		assert_int_equal(lane->group, i);
		assert_int_equal(lane->size, 1);
		assert_true(fl_cpus_equal(&lane->cpus, &plan->cases[0].lanes[0].cpus));
		assert_false(lane->shares_cpus);
	}
	check_round_trip(plan);
	free(is);
	fl_plan_free(plan);
	tear_down(&r);
}

/* The second host has one node, and the third calls its second one otherwise. */
static void test_unlike(void **state)
{
	struct rack r = build(3);

	(void)state;
	r.machines[1].m.nodes_n = 1;
	r.machines[2].nodes[1].id = (char[]){ "node7" };
	r.machines[2].nodes[1].number = 7;
	check_described(&r, "- bench: memory.copy\n  with: {memory: local}\n",
			"repeat memory.copy\n"
			"  memory.copy numa=node0 memory=node0: n1 n2 n3\n"
			"  memory.copy numa=node1|node7 memory=node1|node7: n1 n3\n");
	tear_down(&r);
}

/* A host on which it cannot be measured has a lane that says so, and the others are not held up. */
static void test_skipped_on_one(void **state)
{
	struct rack r = build(2);
	struct fl_plan *plan;
	char *is;

	(void)state;
	r.machines[1].mounts[1].type = (char[]){ "tmpfs" };
	plan = must(&r, "- bench: storage.read\n  with: {path: /data/f}\n- bench: gpu.h2d\n"
			"- together:\n    - bench: storage.read\n      with: {path: /data/f}\n    - bench: null.nop\n");
	is = describe(plan);
	assert_string_equal(is, "repeat storage.read path=/data/f\n"
				"  storage.read path=/data/f: n1 -n2\n"
				"repeat gpu.h2d\n"
				"  gpu.h2d: -n1 -n2\n"
				"repeat storage.read path=/data/f + null.nop\n"
				"  storage.read path=/data/f + null.nop: n1 n1 -n2 -n2\n");
	assert_string_equal(plan->cases[0].lanes[1].skip, "tmpfs is memory, not a drive");
	assert_string_equal(plan->cases[2].lanes[3].skip, "beside it: tmpfs is memory, not a drive");
	check_round_trip(plan);
	free(is);
	fl_plan_free(plan);
	tear_down(&r);
}

/* A study finds something on a host by all of its cases there: where a host has others, it has a study of its own. */
static void test_studies(void **state)
{
	struct rack r = build(3);

	(void)state;
	r.machines[0].m.nodes_n = 1;
	check_described(&r,
			"- together: [{bench: memory.copy, with: {memory: local}}, {bench: null.nop}]\n  study: solo\n",
			"solo memory.copy numa=node0 memory=node0 + null.nop\n"
			"  memory.copy numa=node0 memory=node0 alone: n1\n"
			"  null.nop alone: n1\n"
			"  memory.copy numa=node0 memory=node0 + null.nop: n1 n1\n"
			"solo memory.copy numa=node0 memory=node0 + memory.copy numa=node1 memory=node1 + null.nop\n"
			"  memory.copy numa=node0 memory=node0 alone #2: n2 n3\n"
			"  memory.copy numa=node1 memory=node1 alone: n2 n3\n"
			"  null.nop alone #2: n2 n3\n"
			"  memory.copy numa=node0 memory=node0 + memory.copy numa=node1 memory=node1 + null.nop: "
			"n2 n2 n2 n3 n3 n3\n");
	check_described(&r, "- bench: memory.copy\n  with: {memory: local}\n  study: calibration\n",
			"calibration memory.copy numa=node0 memory=node0\n"
			"  memory.copy numa=node0 memory=node0: n1\n"
			"calibration memory.copy\n"
			"  memory.copy numa=node0 memory=node0 #2: n2 n3\n"
			"  memory.copy numa=node1 memory=node1: n2 n3\n");
	check_described(&r, "- bench: null.nop\n  beside: [{bench: null.pipeline}]\n",
			"beside null.nop beside null.pipeline\n"
			"  null.nop alone: n1 n2 n3\n"
			"  null.nop beside null.pipeline: n1 n1 n2 n2 n3 n3\n");
	check_described(&r, "- bench: storage.read\n  with: {path: /data/f}\n  sweep: {depth: 1..4}\n",
			"sweep storage.read path=/data/f\n"
			"  storage.read path=/data/f depth=1: n1 n2 n3\n"
			"  storage.read path=/data/f depth=2: n1 n2 n3\n"
			"  storage.read path=/data/f depth=4: n1 n2 n3\n");
	tear_down(&r);
}

/* The lanes of a host that ran together stand in the order of those that ran alone, also where another host calls a
 * device as this one calls its neighbour. */
static void test_solo_in_order(void **state)
{
	struct rack r = build(2);
	struct fl_plan *plan;

	(void)state;
	r.machines[1].nodes[0].id = (char[]){ "node1" };
	r.machines[1].nodes[0].number = 1;
	r.machines[1].nodes[1].id = (char[]){ "node7" };
	r.machines[1].nodes[1].number = 7;
	plan = must(&r, "- together: [{bench: memory.copy, with: {memory: local}}]\n  study: solo\n");
	assert_int_equal(plan->studies_n, 1);
	assert_int_equal(plan->cases_n, 3);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned host = 0; host < 2; host++) {
			const struct fl_plan_lane *alone = &plan->cases[i].lanes[host];
			const struct fl_plan_lane *beside = &plan->cases[2].lanes[2 * host + i];

			assert_int_equal(alone->host, host);
			assert_int_equal(beside->host, host);
			assert_string_equal(fl_lane_option(alone, "memory"), fl_lane_option(beside, "memory"));
		}
	fl_plan_free(plan);
	tear_down(&r);
}

/* ---- with each other */

static const struct {
	size_t hosts;
	const char *text, *want;
} meetings[] = {
	{ 1, "- bench: tcp.stream\n", "repeat tcp.stream\n  tcp.stream: n1.0 n1.1\n" },
	{ 2, "- bench: tcp.stream\n", "repeat tcp.stream n1 - n2\n  tcp.stream n1 - n2: n1.0 n2.1\n" },
	{ 2, "- bench: tcp.stream\n  across: shifts\n",
	  "repeat tcp.stream shift 1 of 1\n  tcp.stream shift 1 of 1: n1.0 n2.1 n2.0 n1.1\n" },
	{ 3, "- bench: tcp.stream\n  with: {streams: 2}\n",
	  "repeat tcp.stream\n"
	  "  tcp.stream streams=2 n2 - n3: n2.0 n3.1\n"
	  "  tcp.stream streams=2 n1 - n3: n1.0 n3.1\n"
	  "  tcp.stream streams=2 n1 - n2: n1.0 n2.1\n" },
	{ 4, "- bench: tcp.stream\n",
	  "repeat tcp.stream\n"
	  "  tcp.stream round 1 of 3: n1.0 n4.1 n2.0 n3.1\n"
	  "  tcp.stream round 2 of 3: n2.0 n4.1 n1.0 n3.1\n"
	  "  tcp.stream round 3 of 3: n3.0 n4.1 n1.0 n2.1\n" },
	{ 5, "- bench: tcp.stream\n  across: bisection\n",
	  "repeat tcp.stream bisection\n  tcp.stream bisection: n1.0 n4.1 n2.0 n5.1\n" },
	{ 4, "- bench: tcp.stream\n  sweep: {streams: [1, 8]}\n  across: bisection\n",
	  "sweep tcp.stream bisection\n"
	  "  tcp.stream streams=1 bisection: n1.0 n3.1 n2.0 n4.1\n"
	  "  tcp.stream streams=8 bisection: n1.0 n3.1 n2.0 n4.1\n" },
	{ 3, "- bench: tcp.stream\n  sweep: {streams: [1, 8]}\n  study: ab\n",
	  "ab tcp.stream n2 - n3\n"
	  "  tcp.stream streams=1 n2 - n3: n2.0 n3.1\n"
	  "  tcp.stream streams=8 n2 - n3: n2.0 n3.1\n"
	  "ab tcp.stream n1 - n3\n"
	  "  tcp.stream streams=1 n1 - n3: n1.0 n3.1\n"
	  "  tcp.stream streams=8 n1 - n3: n1.0 n3.1\n"
	  "ab tcp.stream n1 - n2\n"
	  "  tcp.stream streams=1 n1 - n2: n1.0 n2.1\n"
	  "  tcp.stream streams=8 n1 - n2: n1.0 n2.1\n" },
	{ 3, "- bench: tcp.stream\n  study: calibration\n",
	  "calibration tcp.stream n2 - n3\n"
	  "  tcp.stream n2 - n3: n2.0 n3.1\n"
	  "calibration tcp.stream n1 - n3\n"
	  "  tcp.stream n1 - n3: n1.0 n3.1\n"
	  "calibration tcp.stream n1 - n2\n"
	  "  tcp.stream n1 - n2: n1.0 n2.1\n" },
	{ 4, "- bench: tcp.stream\n  each: [numa]\n  across: bisection\n",
	  "repeat tcp.stream\n"
	  "  tcp.stream numa=node0 bisection: n1.0 n3.1 n2.0 n4.1\n"
	  "  tcp.stream numa=node1 bisection: n1.0 n3.1 n2.0 n4.1\n" },
	{ 2, "- bench: tcp.stream\n  reach: within\n", "repeat tcp.stream\n  tcp.stream: -n1.0 -n2.1\n" },
};

static void test_meetings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(meetings) / sizeof(meetings[0]); i++) {
		struct rack r = build(meetings[i].hosts);
		struct fl_plan *plan = must(&r, meetings[i].text);

		check_described(&r, meetings[i].text, meetings[i].want);
		check_round_trip(plan);
		fl_plan_free(plan);
		tear_down(&r);
	}
}

static void test_sample(void **state)
{
	struct rack r = build(16), many = build(202);
	struct fl_plan *plan = must(&r, "- bench: tcp.stream\n  across: {sample: 4}\n");
	struct fl_plan *again = must(&r, "- bench: tcp.stream\n  across: {sample: 4}\n");
	json_t *once = fl_plan_json(plan), *twice = fl_plan_json(again);

	(void)state;
	assert_int_equal(plan->cases_n, 4);
	assert_string_equal(plan->cases[3].label, "tcp.stream round 4 of a sample of 4, 27 % of all pairs");
	assert_int_equal(plan->cases[0].lanes_n, 16);
	assert_true(json_equal(once, twice));
	json_decref(once);
	json_decref(twice);
	fl_plan_free(plan);
	fl_plan_free(again);
	plan = must(&many, "- bench: tcp.stream\n  across: {sample: 200}\n");
	assert_string_equal(plan->cases[0].label, "tcp.stream round 1 of a sample of 200, 99.5 % of all pairs");
	fl_plan_free(plan);
	tear_down(&many);
	plan = must(&r, "- bench: tcp.stream\n  across: {sample: 15}\n");
	assert_int_equal(plan->cases_n, 15);
	assert_string_equal(plan->cases[14].label, "tcp.stream round 15 of 15");
	fl_plan_free(plan);
	tear_down(&r);
}

/* What a rule with the same options is, besides. */
static void test_across(void **state)
{
	struct rack r = build(4);
	struct fl_plan *plan;

	(void)state;
	r.hosts[0].rack = r.hosts[2].rack = "east";
	r.hosts[1].rack = r.hosts[3].rack = "west";
	plan = must(
		&r,
		"- bench: tcp.stream\n- bench: tcp.stream\n  across: bisection\n  reach: between\n- bench: null.nop\n");
	assert_int_equal(plan->cases_n, 5);
	assert_string_equal(plan->cases[2].across, "pairs");
	assert_string_equal(plan->cases[3].across, "bisection between racks");
	assert_null(plan->cases[4].across);
	check_round_trip(plan);
	fl_plan_free(plan);
	tear_down(&r);
}

static void test_racks(void **state)
{
	struct rack r = build(4);

	(void)state;
	r.hosts[0].rack = r.hosts[2].rack = "east";
	r.hosts[1].rack = r.hosts[3].rack = "west";
	check_described(&r, "- bench: tcp.stream\n  reach: within\n",
			"repeat tcp.stream round 1 of 1\n  tcp.stream round 1 of 1: n1.0 n3.1 n2.0 n4.1\n");
	check_described(&r, "- bench: tcp.stream\n  across: bisection\n",
			"repeat tcp.stream bisection\n  tcp.stream bisection: n1.0 n2.1 n3.0 n4.1\n");
	tear_down(&r);
}

/* Both lanes of a host have CPUs of their own; a host's lane sits near the interface that the others reach it by. */
static void test_places(void **state)
{
	struct fl_nic nic = { .interface = (char[]){ "eth1" }, .node = SAMPLE_KNOWN(1) };
	struct rack r = build(4);
	struct fl_plan *plan;

	(void)state;
	r.machines[1].m.nics = &nic;
	r.machines[1].m.nics_n = 1;
	r.hosts[1].interface = "eth1";
	plan = must(&r, "- bench: tcp.stream\n  across: shifts\n");
	for (size_t i = 0; i < plan->cases_n; i++)
		for (unsigned k = 0; k < plan->cases[i].lanes_n; k++) {
			const struct fl_plan_lane *lane = &plan->cases[i].lanes[k];

			assert_int_equal(lane->node, lane->host == 1);
			assert_int_equal(lane->worker, k);
			assert_int_equal(fl_cpus_count(&lane->cpus), 1);
			assert_false(lane->shares_cpus);
			for (unsigned n = 0; n < k; n++) {
				const struct fl_plan_lane *other = &plan->cases[i].lanes[n];

				assert_false(other->host == lane->host && fl_cpus_equal(&other->cpus, &lane->cpus));
			}
		}
	fl_plan_free(plan);
	tear_down(&r);
}

/* A lane that cannot be takes its group with it, and nobody else. */
static void test_skipped_group(void **state)
{
	struct rack r = build(4);
	struct fl_plan *plan;
	char *is;

	(void)state;
	r.machines[3].m.limits.cpus.bits[0] = 0xf0;
	plan = must(&r, "- bench: tcp.stream\n  across: bisection\n");
	is = describe(plan);
	assert_string_equal(is, "repeat tcp.stream bisection\n  tcp.stream bisection: n1.0 n3.1 -n2.0 -n4.1\n");
	assert_string_equal(plan->cases[0].lanes[2].skip,
			    "the receiver on n4: the cpuset allows 0 of the 2 CPUs of node0");
	assert_true(fl_plan_step_ns(plan, 0) > 0);
	free(is);
	fl_plan_free(plan);
	tear_down(&r);
}

/* Where one host has fewer nodes than the others, what it lacks is a lane that says so. */
static void test_lacking(void **state)
{
	struct rack r = build(2);
	struct fl_plan *plan;

	(void)state;
	r.machines[0].m.nodes_n = 1;
	plan = must(&r, "- bench: tcp.stream\n  each: [numa]\n");
	assert_int_equal(plan->cases_n, 2);
	assert_null(plan->cases[0].lanes[0].skip);
	assert_string_equal(plan->cases[1].lanes[0].skip, "n1 has nothing in the place of 'tcp.stream numa=node1'");
	assert_string_equal(plan->cases[1].lanes[1].skip,
			    "the sender on n1: n1 has nothing in the place of 'tcp.stream numa=node1'");
	fl_plan_free(plan);
	tear_down(&r);
}

/* The number of the node that the lane's buffers are on. */
static int memory_of(const struct fl_plan_lane *lane)
{
	for (size_t i = 0; i < lane->options_n; i++)
		if (!strcmp(lane->options[i].name, "memory"))
			return lane->options[i].text[strlen("node")] - '0';
	return -1;
}

/* A host with three nodes and one with two: what both have meets by name, whichever place it has on each; what only
 * one has is left out. */
static void check_unlike(unsigned larger)
{
	unsigned distances[] = { 10, 21, 21 };
	struct rack r = build(2);
	struct fl_node nodes[] = { r.machines[0].nodes[0], sample_node(2, "node2", 0x8, distances),
				   r.machines[0].nodes[1] };
	struct fl_plan *plan;
	unsigned met = 0;

	nodes[2].cpus.bits[0] = 0x4;
	r.machines[larger].m.nodes = nodes;
	r.machines[larger].m.nodes_n = 3;
	plan = must(&r, "- bench: tcp.stream\n  each: [numa, memory]\n");
	assert_int_equal(plan->cases_n, 9);
	for (size_t i = 0; i < plan->cases_n; i++) {
		const struct fl_plan_lane *lanes = plan->cases[i].lanes, *whole = &lanes[larger];
		char *label = fl_format("tcp.stream numa=node%d memory=node%d n1 - n2", whole->node, memory_of(whole));

		if (memory_of(whole) == 2 || whole->node == 2) {
			assert_non_null(lanes[1 - larger].skip);
			assert_non_null(strstr(lanes[1 - larger].skip, "has nothing in the place of 'tcp.stream numa"));
		} else {
			met++;
			assert_int_equal(lanes[0].node, lanes[1].node);
			assert_int_equal(memory_of(&lanes[0]), memory_of(&lanes[1]));
			assert_null(lanes[0].skip);
			assert_null(lanes[1].skip);
		}
		assert_string_equal(plan->cases[i].label, label);
		free(label);
	}
	assert_int_equal(met, 4);
	fl_plan_free(plan);
	tear_down(&r);
}

static void test_unlike_nodes(void **state)
{
	(void)state;
	check_unlike(0);
	check_unlike(1);
}

/* As many nodes, of which each host lacks one of the other's. */
static void test_each_lacks_one(void **state)
{
	struct rack r = build(2);
	struct fl_plan *plan;

	(void)state;
	r.machines[1].nodes[1].id = (char[]){ "node2" };
	r.machines[1].nodes[1].number = 2;
	plan = must(&r, "- bench: tcp.stream\n  each: [numa]\n");
	assert_int_equal(plan->cases_n, 3);
	assert_string_equal(plan->cases[0].label, "tcp.stream numa=node0 n1 - n2");
	assert_null(plan->cases[0].lanes[0].skip);
	assert_string_equal(plan->cases[1].label, "tcp.stream numa=node1 n1 - n2");
	assert_string_equal(plan->cases[2].label, "tcp.stream numa=node2 n1 - n2");
	for (unsigned i = 1; i < 3; i++)
		for (unsigned k = 0; k < plan->cases[i].lanes_n; k++)
			assert_non_null(plan->cases[i].lanes[k].skip);
	fl_plan_free(plan);
	tear_down(&r);
}

/* What is said once is each host's own: `local` memory is on different nodes of the two, and they meet. */
static void test_local_meets_local(void **state)
{
	struct fl_nic nic = { .interface = (char[]){ "eth1" }, .node = SAMPLE_KNOWN(1) };
	struct rack r = build(2);
	struct fl_plan *plan;

	(void)state;
	r.machines[1].m.nics = &nic;
	r.machines[1].m.nics_n = 1;
	r.hosts[1].interface = "eth1";
	plan = must(&r, "- bench: tcp.stream\n  with: {memory: local}\n  sweep: {streams: [1, 2]}\n");
	assert_int_equal(plan->cases_n, 2);
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 2; k++) {
			assert_null(plan->cases[i].lanes[k].skip);
			assert_int_equal(memory_of(&plan->cases[i].lanes[k]), k);
			assert_int_equal(plan->cases[i].lanes[k].options[1].text[0], '1' + i);
		}
	fl_plan_free(plan);
	tear_down(&r);
}

/* ---- too much, and wrong */

static const struct {
	size_t hosts;
	const char *text, *what, *hint;
} refused[] = {
	{ 1024, "- bench: tcp.stream\n",
	  "s.yaml:1:3: 'across: pairs' of 1024 hosts makes 1023 rounds of 523776 pairs in all, more than a plan can "
	  "hold",
	  "'across: {sample: 16}' measures that many rounds of the pairs, 'across: bisection' one" },
	{ 512, "- bench: tcp.stream\n  across: shifts\n  with: {streams: 2}\n",
	  "s.yaml:1:3: 'across: shifts' of 512 hosts makes 511 rounds", "sample" },
	{ 256, "- bench: tcp.stream\n  sweep: {streams: [1, 2, 4]}\n",
	  "s.yaml:1:3: 'across: pairs' of 256 hosts makes 255 rounds of 32640 pairs in all for each of its settings",
	  "sample" },
	{ 2, "- bench: memory.copy\n  with: {numa: 1}\n", "host n2: s.yaml:2:16: no NUMA node '1' on this machine",
	  "nodes with CPUs: node0" },
	{ 2, "- bench: tcp.stream\n  with: {numa: 1}\n", "host n2: s.yaml:2:16: no NUMA node '1' on this machine", "" },
	{ 2, "- bench: memory.copi\n", "s.yaml:1:3: ", "memory.copy" },
	{ 2, "- bench: tcp.stream\n  with: {stream: 2}\n", "s.yaml:2:18: tcp.stream has no option 'stream'",
	  "streams" },
	{ 2, "- together: [{bench: null.nop}, {bench: tcp.stream}]\n", "s.yaml:1:33: tcp.stream is measured between",
	  "" },
	{ 2, "- bench: memory.copy\n  across: pairs\n", "s.yaml:2:3: 'across' wants a benchmark", "roles" },
	{ 700, "- together: [{bench: memory.copy}, {bench: memory.copy}, {bench: memory.copy}, {bench: memory.copy}]\n",
	  "s.yaml:1:3: this rule makes a case of 11188 lanes on 700 hosts, more than 10000", "" },
	{ 0, "- bench: null.nop\n", "a plan is of 1 to 4096 hosts, not 0", "" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct rack r = build(refused[i].hosts ? refused[i].hosts : 1);
		struct fl_plan *plan = NULL;
		struct fl_err err = { 0 };

		r.n = refused[i].hosts;
		if (r.n > 1)
			r.machines[1].m.nodes_n = 1;
		assert_true(make(&r, refused[i].text, &plan, &err) < 0);
		if (strncmp(err.what, refused[i].what, strlen(refused[i].what)) != 0)
			fail_msg("'%s': %s", refused[i].text, err.what);
		assert_non_null(strstr(err.hint, refused[i].hint));
		tear_down(&r);
	}
}

/* Hosts enough for a room are no trouble: each pair once, all numbered as they must be. */
static void test_many(void **state)
{
	struct rack r = build(128);
	struct fl_plan *plan = must(&r, "- bench: tcp.stream\n- bench: memory.copy\n  with: {memory: local}\n");

	(void)state;
	assert_int_equal(plan->cases_n, 127 + 2);
	assert_int_equal(plan->cases[126].lanes_n, 128);
	assert_string_equal(plan->cases[126].label, "tcp.stream round 127 of 127");
	assert_int_equal(plan->cases[127].lanes_n, 128);
	check_round_trip(plan);
	fl_plan_free(plan);
	tear_down(&r);
	r = build(1024);
	plan = must(&r, "- bench: tcp.stream\n  across: {sample: 8}\n  repeat: 3\n");
	assert_int_equal(plan->cases_n, 8);
	assert_int_equal(plan->cases[7].lanes_n, 1024);
	fl_plan_free(plan);
	tear_down(&r);
}

/* ---- what comes next */

typedef double value_fn(const struct fl_plan_case *c, unsigned case_no, const struct fl_plan_lane *lane);

/* The labels of the cases in the order in which they were run. */
static char *carry_out(const struct fl_plan *plan, value_fn *value)
{
	struct fl_results *results = fl_results_make(plan);
	struct fl_text t = { 0 };
	struct fl_plan_step step;

	while (fl_plan_next(plan, results, &step)) {
		const struct fl_plan_case *c = &plan->cases[step.case_no];

		fl_text_add(&t, "%s%s", t.n ? " " : "",
			    plan->studies[0].values ? plan->studies[0].values[step.case_no] : "x");
		for (unsigned i = 0; i < c->lanes_n; i++)
			fl_results_add(results, &(struct fl_plan_result){ .case_no = step.case_no,
									  .round = step.round,
									  .lane = i,
									  .value = value(c, step.case_no, &c->lanes[i]),
									  .better = FL_HIGHER });
	}
	fl_results_free(results);
	return t.bytes;
}

static void check_carried_out(const struct rack *r, const char *text, value_fn *value, const char *want)
{
	struct fl_plan *plan = must(r, text);
	char *is = carry_out(plan, value);

	assert_string_equal(is, want);
	free(is);
	fl_plan_free(plan);
}

/* The first host gains nothing by depth; the second one does up to 16. */
static double second_gains(const struct fl_plan_case *c, unsigned case_no, const struct fl_plan_lane *lane)
{
	double depth = strtod(fl_lane_option(lane, "depth"), NULL);

	(void)c;
	(void)case_no;
	return lane->host == 0 ? 100 : 100 * (depth > 16 ? 16 : depth);
}

/* Likewise, and on the second one nothing can be measured. */
static double first_alone(const struct fl_plan_case *c, unsigned case_no, const struct fl_plan_lane *lane)
{
	return lane->host == 0 ? second_gains(c, case_no, lane) : (double)NAN;
}

/* Only the receiver has results, and gains up to 4 streams. */
static double receiver_gains(const struct fl_plan_case *c, unsigned case_no, const struct fl_plan_lane *lane)
{
	double streams = strtod(fl_lane_option(lane, "streams"), NULL);

	(void)c;
	(void)case_no;
	return lane->rank == 0 ? (double)NAN : streams > 4 ? 4 : streams;
}

static void test_sweep(void **state)
{
	static const char text[] = "- bench: storage.read\n  with: {path: /data/f}\n  sweep: {depth: 1..1024}\n";
	struct rack r = build(2);

	(void)state;
	check_carried_out(&r, text, second_gains, "1 2 4 8 16 32 64");
	check_carried_out(&r, text, first_alone, "1 2 4");
	check_carried_out(&r, "- bench: tcp.stream\n  sweep: {streams: 1..256}\n", receiver_gains, "1 2 4 8 16");
	r.n = 1;
	check_carried_out(&r, "- bench: tcp.stream\n  sweep: {streams: 1..256}\n", receiver_gains, "1 2 4 8 16");
	tear_down(&r);
}

/* The second host is noisy, the first one is not. */
static double second_varies(const struct fl_plan_case *c, unsigned case_no, const struct fl_plan_lane *lane)
{
	static unsigned times;

	(void)c;
	(void)case_no;
	return lane->host == 0 ? 100 : 100 + 10 * (times++ % 3);
}

static void test_narrow(void **state)
{
	struct rack r = build(2);

	(void)state;
	check_carried_out(&r, "- bench: null.nop\n  repeat: 3..6\n", second_varies, "x x x x x x");
	r.n = 1;
	check_carried_out(&r, "- bench: null.nop\n  repeat: 3..6\n", second_varies, "x x x");
	tear_down(&r);
}

/* The loop of the second host is held up at half of its demand; that of the first is not, unless there are but two. */
static double second_starves(const struct fl_plan_case *c, unsigned case_no, const struct fl_plan_lane *lane)
{
	bool control = strcmp(fl_lane_option(lane, "source"), "resident") == 0;

	(void)c;
	(void)case_no;
	return lane->host == 1 && !control ? 4e6 : 8e6;
}

static void test_starvation(void **state)
{
	static const char text[] = "- bench: feed\n  with: {path: /data/f, demand: small}\n  study: starvation\n";
	struct rack r = build(2);
	struct fl_plan *plan = must(&r, text);

	(void)state;
	assert_int_equal(plan->cases[0].lanes_n, 2);
	assert_int_equal(plan->studies_n, 1);
	check_round_trip(plan);
	fl_plan_free(plan);
	check_carried_out(&r, text, second_starves, "control open loop slowed-3");
	r.n = 1;
	check_carried_out(&r, text, second_starves, "control open loop");
	tear_down(&r);
}

/* No host waits for another: a case is as long as the longest of it, however many there are. */
static void test_time(void **state)
{
	struct rack one = build(1), many = build(64);
	struct fl_plan *a = must(&one, "- bench: null.nop\n  with: {duration: 3s}\n  repeat: 2\n");
	struct fl_plan *b = must(&many, "- bench: null.nop\n  with: {duration: 3s}\n  repeat: 2\n");

	(void)state;
	assert_int_equal(fl_plan_time_ns(a), fl_plan_time_ns(b));
	fl_plan_free(a);
	fl_plan_free(b);
	tear_down(&one);
	tear_down(&many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_unlike),
		cmocka_unit_test(test_skipped_on_one),
		cmocka_unit_test(test_studies),
		cmocka_unit_test(test_solo_in_order),
		cmocka_unit_test(test_meetings),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_across),
		cmocka_unit_test(test_racks),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_skipped_group),
		cmocka_unit_test(test_lacking),
		cmocka_unit_test(test_unlike_nodes),
		cmocka_unit_test(test_each_lacks_one),
		cmocka_unit_test(test_local_meets_local),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_starvation),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
