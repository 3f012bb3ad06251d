/* SPDX-License-Identifier: Apache-2.0 */
/* test_place.c: which CPUs and which node a lane gets. */
#include "../sample.h"
#include "plan/parts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void place(const struct fl_machine *m, struct fl_plan_case *c)
{
	const struct fl_catalog catalog = sample_catalog();
	const struct fl_plan_host host = { .machine = m };
	const struct fl_expansion x = {
		.catalog = &catalog, .machine = m, .host = &host, .hosts = &host, .hosts_n = 1
	};

	fl_place_case(&x, c);
}

static int node_near(const struct fl_machine *m, const char *interface, const struct fl_entry *entry,
		     const struct fl_plan_lane *lane)
{
	const struct fl_plan_host host = { .machine = m, .interface = interface };
	const struct fl_expansion x = { .machine = m, .host = &host, .hosts = &host, .hosts_n = 1 };

	return fl_place_node(&x, entry, lane);
}

static int node_of(const struct fl_machine *m, const struct fl_entry *entry, const struct fl_plan_lane *lane)
{
	return node_near(m, NULL, entry, lane);
}

enum { LANES_MAX = 8 };

static char copy[] = "memory.copy", nop[] = "null.nop", pipeline[] = "null.pipeline"; /* all CPUs, 1, 3 threads */

/* Lanes on a node with these CPUs: what each gets, and whether they share. */
static const struct {
	uint64_t cpus, allowed;
	char *lanes[LANES_MAX];
	const char *want[LANES_MAX];
	bool shares;
} splits[] = {
	{ 0xf, 0xf, { copy }, { "0-3" }, false },
	{ 0xf, 0xf, { copy, copy }, { "0-1", "2-3" }, false },
	{ 0xf, 0xf, { copy, copy, copy }, { "0", "1", "2-3" }, false },
	{ 0xf, 0xf, { copy, copy, copy, copy }, { "0", "1", "2", "3" }, false },
	{ 0xf, 0xf, { copy, copy, copy, copy, copy, copy }, { "0", "1", "2", "3", "0", "1" }, true },
	{ 0xff, 0xf0, { copy, copy }, { "4-5", "6-7" }, false },
	{ 0xff, 0xa0, { copy, copy }, { "5", "7" }, false },
	{ 0xf, 0x4, { copy, copy, copy }, { "2", "2", "2" }, true },
	{ 0xf, 0, { copy }, { "0-3" }, false }, /* the machine does not say what is allowed */
	{ 0xf, 0xf, { nop }, { "3" }, false },
	{ 0xf, 0xf, { pipeline }, { "1-3" }, false },
	{ 0xf, 0xf, { pipeline, nop }, { "0-2", "3" }, false },
	{ 0xf, 0xf, { nop, copy }, { "3", "0-2" }, false },
	{ 0xf, 0xf, { copy, nop, copy, nop }, { "0", "2", "1", "3" }, false },
	{ 0xff, 0xff, { copy, pipeline, copy, nop }, { "0-1", "4-6", "2-3", "7" }, false },
	{ 0x3, 0x3, { pipeline }, { "0-1" }, true }, /* more threads than CPUs */
	{ 0x3, 0x3, { copy, pipeline }, { "0", "0-1" }, true },
	{ 0xf, 0xf, { pipeline, copy, copy }, { "0-2", "3", "0" }, true }, /* one CPU left for two */
	{ 0x1, 0x1, { copy, nop }, { "0", "0" }, true },
	{ 0xf, 0xf, { pipeline, pipeline }, { "0-1", "2-3" }, true }, /* equal ones do not meet */
	{ 0x7, 0x7, { pipeline, pipeline }, { "0", "1-2" }, true },
	{ 0x3, 0x3, { pipeline, pipeline, pipeline }, { "0-1", "0-1", "0-1" }, true },
};

static void check_split(size_t i, const struct fl_plan_lane *lanes, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		struct fl_text t = { 0 };

		fl_cpus_format(&lanes[k].cpus, &t);
		if (strcmp(fl_text_str(&t), splits[i].want[k]) != 0 || lanes[k].shares_cpus != splits[i].shares)
			fail_msg("row %zu, lane %zu: %s%s", i, k, fl_text_str(&t),
				 lanes[k].shares_cpus ? ", shared" : "");
		fl_text_release(&t);
	}
}

static void test_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
		struct fl_plan_lane lanes[LANES_MAX] = { 0 };
		struct fl_plan_case c = { .lanes = lanes };
		struct sample_machine s;

		for (; c.lanes_n < LANES_MAX && splits[i].lanes[c.lanes_n]; c.lanes_n++)
			lanes[c.lanes_n].bench = splits[i].lanes[c.lanes_n];
		sample_machine_init(&s);
		s.nodes[0].cpus.bits[0] = splits[i].cpus;
		s.m.limits.cpus.bits[0] = splits[i].allowed;
		place(&s.m, &c);
		check_split(i, lanes, c.lanes_n);
	}
}

/* As many CPUs as the option says threads. */
static void test_threads_of_an_option(void **state)
{
	struct fl_option option = { (char[]){ "threads" }, (char[]){ "2" } };
	struct fl_plan_lane lane = { .bench = (char[]){ "storage.read" }, .options = &option, .options_n = 1 };
	struct fl_plan_case c = { .lanes = &lane, .lanes_n = 1 };
	struct sample_machine s;

	(void)state;
	sample_machine_init(&s);
	s.nodes[0].cpus.bits[0] = 0xf;
	place(&s.m, &c);
	assert_int_equal(lane.cpus.bits[0], 0xc);
	assert_false(lane.shares_cpus);
}

static void test_nodes_apart(void **state)
{
	struct fl_plan_lane lanes[] = { { .bench = copy, .node = 1 },
					{ .bench = copy, .node = 0 },
					{ .bench = copy, .node = 1, .skip = "not here" },
					{ .bench = copy, .node = 1 } };
	struct fl_plan_case c = { .lanes = lanes, .lanes_n = 4 };
	struct sample_machine s;

	(void)state;
	sample_machine_init(&s);
	place(&s.m, &c);
	assert_int_equal(lanes[0].cpus.bits[0], 0x4);
	assert_int_equal(lanes[1].cpus.bits[0], 0x3);
	assert_int_equal(lanes[2].cpus.bits[0], 0);
	assert_int_equal(lanes[3].cpus.bits[0], 0x8);
}

static void test_no_nodes(void **state)
{
	struct fl_plan_lane lanes[] = { { .bench = copy, .node = -1 }, { .bench = copy, .node = -1 } };
	struct fl_plan_case c = { .lanes = lanes, .lanes_n = 2 };
	struct sample_machine s;

	(void)state;
	sample_machine_init(&s);
	s.m.nodes_n = 0;
	assert_int_equal(node_of(&s.m, &sample_entries[2], &lanes[0]), -1);
	place(&s.m, &c);
	assert_int_equal(lanes[0].cpus.bits[0], 0x3);
	assert_int_equal(lanes[1].cpus.bits[0], 0xc);
}

/* Where a lane sits by what its options say. */
static const struct {
	const char *option, *text;
	int want;
} nodes[] = {
	{ "numa", "node1", 1 },	       { "path", "/data/file", 1 }, { "path", "/var/file", 0 },
	{ "path", "/dev/nvme0n1", 1 }, { "path", "/tmp/file", 0 },  { "path", "cache:1MiB", 0 },
	{ "path", "relative", 0 },
};

static void test_node_of_lane(void **state)
{
	const struct fl_entry *read = &sample_entries[5];

	(void)state;
	assert_string_equal(read->name, "storage.read");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		struct fl_option option = { (char *)nodes[i].option, (char *)nodes[i].text };
		struct fl_plan_lane lane = { .options = &option, .options_n = 1 };
		struct sample_machine s;

		sample_machine_init(&s);
		if (node_of(&s.m, read, &lane) != nodes[i].want)
			fail_msg("%s=%s: node %d", nodes[i].option, nodes[i].text, node_of(&s.m, read, &lane));
	}
}

/* A drive on a node without CPUs is served from the nearest one that has some. */
static void test_nearest_node(void **state)
{
	struct fl_option option = { "path", "/data/file" };
	struct fl_plan_lane lane = { .options = &option, .options_n = 1 };
	struct sample_machine s;

	(void)state;
	sample_machine_init(&s);
	s.nodes[1].cpus.bits[0] = 0;
	assert_int_equal(node_of(&s.m, &sample_entries[5], &lane), 0);
	s.drives[1].node = (struct fl_known)SAMPLE_UNKNOWN("not in sysfs");
	assert_int_equal(node_of(&s.m, &sample_entries[5], &lane), 0);
}

/* The first node that we may use, not the first there is. */
static void test_first_allowed_node(void **state)
{
	struct fl_plan_lane lane = { 0 };
	struct sample_machine s;

	(void)state;
	sample_machine_init(&s);
	assert_int_equal(node_of(&s.m, &sample_entries[3], &lane), 0);
	s.m.limits.cpus.bits[0] = 0xc;
	assert_int_equal(node_of(&s.m, &sample_entries[3], &lane), 1);
}

/* By the option's interface, else the host's; where no NIC has it, or nobody knows its node, the first node. */
static void test_node_of_interface(void **state)
{
	struct fl_nic nics[] = { { .interface = (char[]){ "eth0" }, .node = SAMPLE_KNOWN(0) },
				 { .interface = (char[]){ "eth1" }, .node = SAMPLE_KNOWN(1) },
				 { .interface = NULL, .node = SAMPLE_KNOWN(1) },
				 { .interface = (char[]){ "eth2" }, .node = SAMPLE_UNKNOWN("virtual") } };
	static const struct {
		const char *of_host;
		char of_lane[8];
		int want;
	} cases[] = { { "eth1", "", 1 },     { "eth0", "", 0 },	    { "eth0", "eth1", 1 },
		      { "eth1", "eth0", 0 }, { NULL, "", 0 },	    { NULL, "eth1", 1 },
		      { "lo", "", 0 },	     { "eth1", "eth2", 0 }, { "eth1", "eth9", 0 } };
	struct sample_machine s;

	(void)state;
	sample_machine_init(&s);
	s.m.nics = nics;
	s.m.nics_n = 4;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[8];
		struct fl_option option = { .name = (char[]){ "interface" }, .text = text };
		const struct fl_plan_lane lane = { .options = &option, .options_n = 1 };

		memcpy(text, cases[i].of_lane, sizeof(text));
		if (node_near(&s.m, cases[i].of_host, sample_stream, &lane) != cases[i].want)
			fail_msg("interface '%s' on a host with '%s'", text, cases[i].of_host ? cases[i].of_host : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_threads_of_an_option),
		cmocka_unit_test(test_nodes_apart),
		cmocka_unit_test(test_no_nodes),
		cmocka_unit_test(test_node_of_lane),
		cmocka_unit_test(test_nearest_node),
		cmocka_unit_test(test_first_allowed_node),
		cmocka_unit_test(test_node_of_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
