/* SPDX-License-Identifier: Apache-2.0 */
/* test_plan.c: suites over a machine to plans: cases, options, what is refused, what is skipped; and a plan as JSON. */
#include "../sample.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "plan/plan.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int make_on(const struct fl_machine *m, const char *text, const struct fl_override *overrides, size_t n,
		   struct fl_plan **ret, struct fl_err *err)
{
	struct fl_catalog catalog = sample_catalog();
	struct fl_suite *suite;
	int rc = fl_suite_parse(text, strlen(text), "s", "s.yaml", &suite, err);

	if (rc < 0)
		return rc;
	rc = fl_plan_make(suite, &catalog, m, &(struct fl_plan_settings){ .overrides = overrides, .overrides_n = n },
			  ret, err);
	fl_suite_free(suite);
	return rc;
}

static int make(const char *text, struct fl_plan **ret, struct fl_err *err)
{
	struct sample_machine s;

	sample_machine_init(&s);
	return make_on(&s.m, text, NULL, 0, ret, err);
}

static struct fl_plan *must(const char *text)
{
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };

	if (make(text, &plan, &err) < 0)
		fail_msg("'%s': %s", text, err.what);
	return plan;
}

/* The labels of all cases, in order. */
static const struct {
	const char *text, *labels;
} expansions[] = {
	{ "- bench: null.nop\n", "null.nop\n" },
	{ "- bench: memory.copy\n", "memory.copy numa=node0 memory=node0\n"
				    "memory.copy numa=node0 memory=node1\n"
				    "memory.copy numa=node1 memory=node0\n"
				    "memory.copy numa=node1 memory=node1\n" },
	{ "- bench: memory.copy\n  each: [memory]\n  with: {numa: 1}\n", "memory.copy numa=node1 memory=node0\n"
									 "memory.copy numa=node1 memory=node1\n" },
	{ "- bench: memory.copy\n  with: {numa: node0, memory: 1, size: 1MiB, duration: 1s}\n",
	  "memory.copy numa=node0 memory=node1 size=1MiB\n" },
	{ "- bench: null.nop\n  each: [numa]\n", "null.nop numa=node0\nnull.nop numa=node1\n" },
	{ "- bench: null.nop\n- bench: null.nop\n- bench: null.nop\n", "null.nop\nnull.nop #2\nnull.nop #3\n" },
	{ "- bench: memory.copy\n  with: {memory: local}\n", "memory.copy numa=node0 memory=node0\n"
							     "memory.copy numa=node1 memory=node1\n" },
	{ "- bench: memory.copy\n  with: {memory: local, numa: 1}\n", "memory.copy numa=node1 memory=node1\n" },
	{ "- together: [{bench: null.nop}, {bench: null.pipeline}]\n", "null.nop + null.pipeline\n" },
	{ "- together: [{bench: null.nop, each: [numa]}]\n", "null.nop numa=node0 + null.nop numa=node1\n" },
	{ "- together: [{bench: memory.copy}]\n",
	  "memory.copy numa=node0 memory=node0 + memory.copy numa=node0 memory=node1 + 2 more\n" },
};

static void test_expansion(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(expansions) / sizeof(expansions[0]); i++) {
		struct fl_plan *plan = must(expansions[i].text);
		struct fl_text t = { 0 };

		for (size_t k = 0; k < plan->cases_n; k++)
			fl_text_add(&t, "%s\n", plan->cases[k].label);
		assert_string_equal(fl_text_str(&t), expansions[i].labels);
		fl_text_release(&t);
		fl_plan_free(plan);
	}
}

static void test_lane(void **state)
{
	struct fl_plan *plan = must("- bench: storage.read\n"
				    "  with: {path: /data/f, block: 4KiB, duration: 250ms, pattern: random}\n"
				    "  repeat: 4\n");
	const struct fl_plan_case *c = &plan->cases[0];
	const struct fl_plan_lane *lane = &c->lanes[0];

	(void)state;
	assert_int_equal(plan->cases_n, 1);
	assert_string_equal(plan->suite, "s");
	assert_false(plan->required);
	assert_int_equal(c->rounds, 4);
	assert_int_equal(c->duration_ns, 250000000);
	assert_string_equal(lane->bench, "storage.read");
	assert_int_equal(lane->options_n, 6);
	assert_string_equal(lane->options[0].name, "path");
	assert_string_equal(fl_lane_option(lane, "path"), "/data/f");
	assert_string_equal(fl_lane_option(lane, "block"), "4096");
	assert_string_equal(fl_lane_option(lane, "depth"), "16");
	assert_string_equal(fl_lane_option(lane, "pattern"), "random");
	assert_string_equal(lane->options[5].name, "duration");
	assert_null(fl_lane_option(lane, "numa"));
	assert_null(lane->skip);
	assert_int_equal(lane->node, 1);
	assert_int_equal(lane->cpus.bits[0], 0x8);
	assert_true(fl_plan_time_ns(plan) >= 4 * c->duration_ns);
	fl_plan_free(plan);
}

static void test_together(void **state)
{
	struct fl_plan *plan = must("- together:\n"
				    "    - bench: null.nop\n"
				    "      with: {numa: 0, duration: 1s}\n"
				    "    - bench: null.nop\n"
				    "      with: {numa: 0, duration: 3s}\n"
				    "    - bench: null.nop\n"
				    "      with: {numa: 0}\n"
				    "  repeat: 2\n");
	const struct fl_plan_case *c = &plan->cases[0];

	(void)state;
	assert_int_equal(plan->cases_n, 1);
	assert_int_equal(c->lanes_n, 3);
	assert_int_equal(c->rounds, 2);
	assert_int_equal(c->duration_ns, 3000000000);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(c->lanes[i].worker, i);
		assert_true(c->lanes[i].shares_cpus);
	}
	fl_plan_free(plan);
}

static const struct {
	const char *text;
	int code;
	const char *what, *hint;
} refused[] = {
	{ "- bench: memory.copi\n", -EINVAL, "s.yaml:1:3: ", "memory.copy" },
	{ "- bench: storage.read\n", -EINVAL, "s.yaml:1:3: storage.read needs 'path'", "file or block device" },
	{ "- bench: memory.copy\n  with: {sise: 1}\n", -EINVAL, "s.yaml:2:16: memory.copy has no option 'sise'",
	  "did you mean 'size'" },
	{ "- bench: memory.copy\n  with: {zzzzzzzzzz: 1}\n", -EINVAL, "s.yaml:2:22: memory.copy has no option",
	  "feedline bench memory.copy --help" },
	{ "- bench: memory.copy\n  with: {size: 1}\n", -ERANGE, "s.yaml:2:16: ", "" },
	{ "- bench: memory.copy\n  with: {numa: 7}\n", -EINVAL, "s.yaml:2:16: no NUMA node '7' on this machine",
	  "node0, node1" },
	{ "- bench: memory.copy\n  with: {numa: local}\n", -EINVAL, "s.yaml:2:16: no NUMA node 'local'",
	  "node0, node1" },
	{ "- bench: memory.copy\n  with: {memory: 7}\n", -ENODEV, "s.yaml:2:18: no node '7' on this machine",
	  "node0, node1" },
	{ "- bench: gpu.h2d\n  with: {gpu: 0}\n", -ENODEV, "s.yaml:2:15: no gpu '0' on this machine", "there is none" },
	{ "- bench: memory.copy\n  each: [size]\n", -EINVAL, "s.yaml:2:10: 'each' wants device options", "" },
	{ "- bench: memory.copy\n  each: [memry]\n", -EINVAL, "s.yaml:2:10: memory.copy has no option 'memry'",
	  "did you mean 'memory'" },
	{ "- bench: memory.copy\n  each: [memory]\n  with: {memory: 0}\n", -EINVAL,
	  "s.yaml:2:10: 'memory' is both in 'with' and in 'each'", "" },
	{ "- bench: null.nop\n  require: [memory.copy]\n", -EINVAL,
	  "s.yaml:2:13: 'require' names 'memory.copy', which no rule measures", "" },
	{ "- bench: null.nop\n  require_if_any: [\"null.nop:zap\"]\n", -EINVAL,
	  "s.yaml:2:20: 'require_if_any' names the unknown", "" },
	{ "- bench: null.nop\n  require: [\"null.nop:zap\"]\n", -EINVAL, "s.yaml:2:13: 'require' names the unknown",
	  "" },
	{ "- together: [{bench: null.nop}, {bench: null.nip}]\n", -EINVAL, "s.yaml:1:33: ", "null.nop" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct fl_plan *plan = NULL;
		struct fl_err err = { 0 };
		int rc = make(refused[i].text, &plan, &err);

		if (rc != refused[i].code || plan || strncmp(err.what, refused[i].what, strlen(refused[i].what)) != 0 ||
		    !strstr(err.hint, refused[i].hint))
			fail_msg("'%s': %d '%s' / '%s'", refused[i].text, rc, err.what, err.hint);
	}
}

/* From the command line there is no line to name. */
static void test_refused_bench(void **state)
{
	const struct fl_setting with[] = { { .name = "blok", .text = "1" } };
	struct fl_suite *suite = fl_suite_of_bench("storage.read", with, 1, FL_STUDY_REPEAT, 1);
	struct fl_catalog catalog = sample_catalog();
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };
	struct sample_machine s;

	(void)state;
	sample_machine_init(&s);
	assert_int_equal(fl_plan_make(suite, &catalog, &s.m, NULL, &plan, &err), -EINVAL);
	assert_string_equal(err.what, "storage.read has no option 'blok'");
	assert_string_equal(err.hint, "did you mean 'block'?");
	fl_suite_free(suite);
}

static void test_require(void **state)
{
	struct fl_plan *plan = must("- bench: null.nop\n  require: [null.nop, \"null.nop:ops_per_s\"]\n");

	(void)state;
	assert_false(plan->required);
	assert_int_equal(plan->require_n, 2);
	assert_string_equal(plan->require[1], "null.nop:ops_per_s");
	fl_plan_free(plan);
}

static void test_overrides(void **state)
{
	const struct fl_override take[] = { { "path", "/tmp/x" }, { "path", "/data/f" }, { "numa", "0" } };
	const struct fl_override refuse[] = { { "blok", "1" } }, wrong[] = { { "path", "/data/f" }, { "numa", "7" } };
	const char *text = "- bench: storage.read\n  with: {path: /var/f}\n  each: [numa]\n- bench: null.nop\n";
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };
	struct sample_machine s;

	(void)state;
	sample_machine_init(&s);
	assert_int_equal(make_on(&s.m, text, take, 3, &plan, &err), 0);
	assert_int_equal(plan->cases_n, 2);
	assert_string_equal(plan->cases[0].label, "storage.read numa=node0 path=/data/f");
	assert_string_equal(plan->cases[1].label, "null.nop numa=node0");
	assert_int_equal(plan->cases[0].lanes[0].node, 0);
	fl_plan_free(plan);
	plan = NULL;
	assert_int_equal(make_on(&s.m, text, refuse, 1, &plan, &err), -EINVAL);
	assert_string_equal(err.what, "no benchmark of suite 's' has an option 'blok'");
	err = (struct fl_err){ 0 };
	assert_int_equal(make_on(&s.m, text, wrong, 2, &plan, &err), -EINVAL);
	assert_string_equal(err.what, "no NUMA node '7' on this machine");
	assert_null(plan);
}

/* What is known before running. `allowed`: the cpuset. */
static const struct {
	const char *text;
	uint64_t allowed;
	const char *skip, *hint;
} skips[] = {
	{ "- bench: memory.copy\n  with: {numa: 0, memory: 0}\n", 0xf, NULL, NULL },
	{ "- bench: memory.copy\n  with: {numa: 0, memory: 0}\n", 0xd, "the cpuset allows 1 of the 2 CPUs of node0",
	  "--bind-to none" },
	{ "- bench: memory.copy\n  with: {numa: 0, memory: 0}\n", 0xc, "the cpuset allows 0 of the 2 CPUs of node0",
	  "--bind-to none" },
	{ "- bench: null.nop\n  with: {numa: 0}\n", 0xd, NULL, NULL },
	{ "- bench: null.nop\n  with: {numa: 0}\n", 0xc, "the cpuset allows 0 of the 2 CPUs of node0", "--mem=0" },
	{ "- bench: gpu.absent\n", 0xf, "built without CUDA", "a feedline that was built with it" },
	{ "- bench: gpu.h2d\n", 0xf, "this machine has no gpu", NULL },
	{ "- bench: storage.read\n  with: {path: /tmp/f}\n", 0xf, "tmpfs is memory, not a drive", "choose a path" },
	{ "- bench: storage.read\n  with: {path: /data/f}\n", 0xf, NULL, NULL },
	{ "- bench: storage.read\n  with: {path: \"cache:256MiB\"}\n", 0xf, NULL, NULL },
};

static void test_skips(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(skips) / sizeof(skips[0]); i++) {
		struct fl_plan *plan = NULL;
		struct fl_err err = { 0 };
		struct sample_machine s;

		sample_machine_init(&s);
		s.m.limits.cpus.bits[0] = skips[i].allowed;
		assert_int_equal(make_on(&s.m, skips[i].text, NULL, 0, &plan, &err), 0);
		const struct fl_plan_lane *lane = &plan->cases[0].lanes[0];
		if (skips[i].skip)
			assert_string_equal(lane->skip, skips[i].skip);
		else
			assert_null(lane->skip);
		if (skips[i].hint)
			assert_non_null(strstr(lane->hint, skips[i].hint));
		else
			assert_null(lane->hint);
		assert_int_equal(fl_plan_time_ns(plan) == 0, lane->skip != NULL);
		fl_plan_free(plan);
	}
}

/* A case of which a lane is missing is not what its rule says. */
static void test_skip_beside(void **state)
{
	struct fl_plan *plan = must("- together:\n"
				    "    - bench: null.nop\n"
				    "    - bench: storage.read\n"
				    "      with: {path: /tmp/f}\n"
				    "    - bench: gpu.h2d\n"
				    "- bench: null.nop\n");
	const struct fl_plan_lane *lanes = plan->cases[0].lanes;

	(void)state;
	assert_string_equal(lanes[0].skip, "beside it: tmpfs is memory, not a drive");
	assert_string_equal(lanes[0].hint, lanes[1].hint);
	assert_string_equal(lanes[1].skip, "tmpfs is memory, not a drive");
	assert_string_equal(lanes[2].skip, "this machine has no gpu");
	assert_null(plan->cases[1].lanes[0].skip);
	fl_plan_free(plan);
}

/* `local` where the node of the CPUs has no memory, or where nodes are not known. */
static void test_local_without_memory(void **state)
{
	const char *text = "- bench: memory.copy\n  with: {memory: local}\n";
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };
	struct sample_machine s;

	(void)state;
	sample_machine_init(&s);
	s.nodes[0].kind = FL_NODE_EMPTY;
	assert_int_equal(make_on(&s.m, text, NULL, 0, &plan, &err), 0);
	assert_string_equal(plan->cases[0].lanes[0].skip, "node0 has no memory");
	assert_null(plan->cases[1].lanes[0].skip);
	fl_plan_free(plan);
	s.m.nodes_n = 0;
	assert_int_equal(make_on(&s.m, text, NULL, 0, &plan, &err), 0);
	assert_int_equal(plan->cases_n, 1);
	assert_string_equal(plan->cases[0].lanes[0].skip, "this machine has no node");
	fl_plan_free(plan);
}

/* ---- the suite that everybody starts with, and the benchmarks as they are, on machines of all kinds */

static struct fl_plan *plan_suite_on(const char *which, const struct fl_plan_host *hosts, size_t n, const char *name)
{
	char *path = fl_format(BUILD_DIR "/share/feedline/suites/%s.yaml", which);
	struct fl_catalog *catalog;
	struct fl_suite *suite;
	struct fl_plan *plan = NULL;
	struct fl_text text = { 0 };
	struct fl_err err = { 0 };

	assert_int_equal(fl_catalog_load(BUILD_DIR "/share/feedline/manifests", &catalog, &err), 0);
	assert_int_equal(fl_file_read(AT_FDCWD, path, 1 << 20, &text, &err), 0);
	assert_int_equal(fl_suite_parse(text.bytes, text.n, which, path, &suite, &err), 0);
	if (fl_plan_make_hosts(suite, catalog, hosts, n, NULL, &plan, &err) < 0)
		fail_msg("%s: %s", name, err.what);
	fl_suite_free(suite);
	fl_catalog_free(catalog);
	fl_text_release(&text);
	free(path);
	return plan;
}

static struct fl_plan *plan_suite(const char *which, const struct fl_machine *m, const char *name)
{
	const struct fl_plan_host host = { .machine = m };

	return plan_suite_on(which, &host, 1, name);
}

static struct fl_plan *plan_quick(const struct fl_machine *m, const char *name)
{
	return plan_suite("quick", m, name);
}

/* Rounds enough for intervals everywhere, and all is required that could be judged: rates in bytes, but for pairs of
 * devices, of which a machine may have but one, and for devices of which it has none. */
static void check_acceptance(const struct fl_plan *plan, const struct fl_machine *m)
{
	static const char *const unjudged[] = { "null.nop", "memory.latency", "storage.latency", "gpu.p2p" };

	for (size_t i = 0; i < plan->cases_n; i++) {
		const char *bench = plan->cases[i].lanes[0].bench;
		bool required = false;

		assert_true(plan->cases[i].rounds >= 8);
		for (size_t k = 0; k < sizeof(unjudged) / sizeof(unjudged[0]); k++)
			required |= strcmp(unjudged[k], bench) == 0;
		for (size_t k = 0; k < plan->require_n; k++)
			required |= strcmp(plan->require[k], bench) == 0;
		if (strncmp(bench, "gpu.", 4) == 0 && m->gpus_n == 0)
			required = !required || strcmp(bench, "gpu.p2p") == 0;
		assert_true(required);
	}
	assert_true(plan->primary_n > 0);
}

/* The case of the rule `together`: a copy lane for every node with CPUs, each within its own node. */
static void check_quick_together(const struct fl_plan *plan, const struct fl_machine *m)
{
	const struct fl_plan_case *c = &plan->cases[plan->cases_n - 1];
	size_t lanes = 0;

	for (size_t i = 0; i < m->nodes_n; i++) {
		if (fl_cpus_count(&m->nodes[i].cpus) == 0)
			continue;
		assert_string_equal(c->lanes[lanes].bench, "memory.copy");
		assert_string_equal(fl_lane_option(&c->lanes[lanes], "memory"), m->nodes[i].id);
		assert_int_equal(c->lanes[lanes].node, m->nodes[i].number);
		lanes++;
	}
	assert_int_equal(c->lanes_n, lanes + 1);
	assert_string_equal(c->lanes[lanes].bench, "storage.read");
}

static void test_suites_on_recorded_machines(void **state)
{
	static const char *const names[] = { "small-vm", "two-node-vm", "eight-gpus" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct fl_machine *m;
		struct fl_err err = { 0 };
		char *path = fl_format(TESTS_DIR "/fixtures/machines/%s.json", names[i]);
		struct fl_plan *plan;

		assert_int_equal(fl_machine_load(path, &m, &err), 0);
		plan = plan_quick(m, names[i]);
		check_quick_together(plan, m);
		fl_plan_free(plan);
		plan = plan_suite("acceptance", m, names[i]);
		check_acceptance(plan, m);
		fl_plan_free(plan);
		fl_machine_free(m);
		free(path);
	}
}

/* Between hosts, and on one alone over its loopback: the same rules, and every two hosts meet. */
static void test_suite_network(void **state)
{
	enum { HOSTS = 8, ACROSS = 4, BISECTIONS = 2 };
	struct sample_machine s;
	struct fl_plan_host hosts[HOSTS];
	char names[HOSTS][16];
	struct fl_plan *plan;

	(void)state;
	sample_machine_init(&s);
	for (unsigned i = 0; i < HOSTS; i++) {
		snprintf(names[i], sizeof(names[i]), "n%u", i);
		hosts[i] = (struct fl_plan_host){ .name = names[i], .machine = &s.m };
	}
	plan = plan_suite_on("network", hosts, HOSTS, "eight hosts");
	assert_int_equal(plan->cases_n, ACROSS * (HOSTS - 1) + BISECTIONS);
	for (size_t i = 0; i < plan->cases_n; i++)
		assert_int_equal(plan->cases[i].lanes_n, HOSTS);
	fl_plan_free(plan);
	plan = plan_suite("network", &s.m, "one host");
	assert_int_equal(plan->cases_n, ACROSS + BISECTIONS);
	for (size_t i = 0; i < plan->cases_n; i++) {
		assert_int_equal(plan->cases[i].lanes_n, 2);
		assert_null(strchr(plan->cases[i].label, '#'));
	}
	fl_plan_free(plan);
}

/* Node0 with memory and without CPUs, and the other way round: there a copy within the node cannot be. */
static void test_quick_on_odd_nodes(void **state)
{
	struct sample_machine s;
	struct fl_plan *plan;

	(void)state;
	sample_machine_init(&s);
	s.nodes[0].cpus = (struct fl_cpus){ 0 };
	s.nodes[0].kind = FL_NODE_DRAM_NO_CPUS;
	plan = plan_quick(&s.m, "node0 without CPUs");
	check_quick_together(plan, &s.m);
	assert_null(plan->cases[plan->cases_n - 1].lanes[0].skip);
	fl_plan_free(plan);
	sample_machine_init(&s);
	s.nodes[0].kind = FL_NODE_EMPTY;
	plan = plan_quick(&s.m, "node0 without memory");
	check_quick_together(plan, &s.m);
	assert_string_equal(plan->cases[plan->cases_n - 1].lanes[0].skip, "node0 has no memory");
	assert_string_equal(plan->cases[plan->cases_n - 1].lanes[1].skip, "beside it: node0 has no memory");
	fl_plan_free(plan);
}

static void test_too_much(void **state)
{
	struct fl_plan *plan = NULL;
	struct fl_text t = { 0 };
	struct fl_err err = { 0 };

	(void)state;
	for (int i = 0; i < 1100; i++)
		fl_text_add(&t, "- {bench: memory.copy, repeat: 1000}\n");
	assert_int_equal(make(fl_text_str(&t), &plan, &err), -EINVAL);
	assert_null(plan);
	assert_non_null(strstr(err.what, "measurements"));
	fl_text_release(&t);
}

static char *written(const struct fl_plan *plan)
{
	json_t *doc = fl_plan_json(plan);
	struct fl_text t = { 0 };

	fl_json_write(doc, 0, &t);
	json_decref(doc);
	return t.bytes;
}

static void test_round_trip(void **state)
{
	struct fl_plan *plan = must("- bench: memory.copy\n  repeat: 2..3\n  require: [memory.copy]\n"
				    "- bench: storage.read\n  with: {path: /tmp/f}\n  sweep: {depth: 1..4}\n"
				    "  primary: [storage.read]\n"
				    "- {bench: null.nop, study: calibration}\n"
				    "- bench: storage.read\n  with: {path: /tmp/f}\n  beside: [{bench: null.nop}]\n"
				    "- bench: storage.read\n  with: {path: /tmp/f, duration: 1s}\n"
				    "- together: [{bench: null.nop}, {bench: null.nop}, {bench: null.nop}]\n");
	char *once = written(plan), *twice;
	struct fl_plan *again = NULL;
	struct fl_err err = { 0 };
	json_t *doc;

	(void)state;
	assert_int_equal(fl_json_parse(once, strlen(once), "plan", &doc, &err), 0);
	assert_int_equal(fl_plan_read(doc, &again, &err), 0);
	json_decref(doc);
	twice = written(again);
	assert_string_equal(once, twice);
	assert_int_equal(again->cases_n, plan->cases_n);
	assert_int_equal(again->studies_n, plan->studies_n);
	assert_int_equal(again->studies[1].kind, FL_STUDY_SWEEP);
	assert_true(again->studies[1].range);
	assert_string_equal(again->studies[1].values[2], "4");
	assert_int_equal(again->cases[0].rounds_least, 2);
	assert_true(fl_cpus_equal(&again->cases[0].lanes[0].cpus, &plan->cases[0].lanes[0].cpus));
	free(once);
	free(twice);
	fl_plan_free(plan);
	fl_plan_free(again);
}

#define LANE                                                                                                           \
	"{\"bench\":\"a\",\"options\":{},\"cpus\":\"0\",\"node\":0,\"worker\":0,"                                      \
	"\"shares_cpus\":false,\"skip\":null,\"hint\":null}"
#define PLAN(cases) "{\"schema\":1,\"suite\":\"s\",\"required\":false,\"require\":[],\"cases\":" cases "}"
/* The same in schema 2, where a plan says what may end it. */
#define STUDY(kind, first, n)                                                                                          \
	"{\"kind\":\"" kind "\",\"label\":\"l\",\"first_case\":" first ",\"cases\":" n                                 \
	",\"option\":null,\"values\":[],\"range\":false}"
#define PLAN2(studies, cases)                                                                                          \
	"{\"schema\":2,\"suite\":\"s\",\"required\":false,\"require\":[],\"primary\":[],\"studies\":" studies          \
	",\"cases\":" cases "}"
#define CASE2(least, pass)                                                                                             \
	"{\"label\":\"l\",\"rounds\":4,\"rounds_least\":" least ",\"pass_rounds\":" pass                               \
	",\"duration_ns\":0,\"lanes\":[" LANE "]}"
#define CASE(rounds, lanes) "[{\"label\":\"l\",\"rounds\":" rounds ",\"duration_ns\":0,\"lanes\":" lanes "}]"

static const struct {
	const char *text;
	bool good;
} hostile[] = {
	{ PLAN(CASE("1", "[" LANE "]")), true },
	/* before, a plan named the program to start: it is not even looked at */
	{ PLAN(CASE("1", "[{\"bench\":\"a\",\"program\":\"/bin/sh\",\"options\":{},\"cpus\":\"0\",\"node\":0,"
			 "\"worker\":0,\"shares_cpus\":false,\"skip\":null,\"hint\":null}]")),
	  true },
	{ PLAN("[]"), true },
	{ "null", false },
	{ "[]", false },
	{ "{}", false },
	{ "{\"schema\":2,\"suite\":\"s\",\"required\":false,\"require\":[],\"cases\":[]}", false },
	{ "{\"schema\":1,\"suite\":\"s\",\"required\":false,\"require\":[1],\"cases\":[]}", false },
	{ PLAN("7"), false },
	{ PLAN("[7]"), false },
	{ PLAN(CASE("0", "[" LANE "]")), false },
	{ PLAN(CASE("1001", "[" LANE "]")), false },
	{ PLAN(CASE("-1", "[" LANE "]")), false },
	{ PLAN(CASE("1", "[]")), false },
	{ PLAN(CASE("1", "[null]")), false },
	{ PLAN(CASE("1", "[{\"bench\":\"a\",\"options\":{\"x\":1},\"cpus\":\"0\",\"node\":0,"
			 "\"worker\":0,\"shares_cpus\":false}]")),
	  false },
	{ PLAN(CASE("1", "[{\"bench\":\"a\",\"options\":{},\"cpus\":\"9999\",\"node\":0,"
			 "\"worker\":0,\"shares_cpus\":false}]")),
	  false },
	{ PLAN(CASE("1", "[{\"bench\":\"a\",\"options\":{},\"cpus\":\"0\",\"node\":-2,"
			 "\"worker\":0,\"shares_cpus\":false}]")),
	  false },
	{ PLAN2("[]", "[]"), true },
	{ PLAN2("[" STUDY("repeat", "0", "2") "]", "[" CASE2("0", "0") "," CASE2("4", "0") "]"), true },
	{ PLAN2("[" STUDY("repeat", "0", "1") "," STUDY("calibration", "1", "1") "]",
		"[" CASE2("0", "0") "," CASE2("2", "2") "]"),
	  true },
	{ PLAN2("[]", "[" CASE2("0", "0") "]"), false },			      /* it belongs to no study */
	{ PLAN2("[" STUDY("repeat", "0", "0") "]", "[]"), false },		      /* nor does nothing */
	{ PLAN2("[" STUDY("repeat", "1", "1") "]", "[" CASE2("0", "0") "]"), false }, /* a gap */
	{ PLAN2("[" STUDY("repeat", "0", "2") "]", "[" CASE2("0", "0") "]"), false }, /* beyond the end */
	{ PLAN2("[" STUDY("repent", "0", "1") "]", "[" CASE2("0", "0") "]"), false },
	{ PLAN2("[" STUDY("repeat", "0", "1") "]", "[" CASE2("5", "0") "]"), false }, /* more than there are */
	{ PLAN2("[" STUDY("repeat", "0", "1") "]", "[" CASE2("0", "5") "]"), false },
	{ PLAN2("[" STUDY("calibration", "0", "1") "]", "[" CASE2("0", "0") "]"), false }, /* no passes */
	{ PLAN2("[{\"kind\":\"sweep\",\"label\":\"l\",\"first_case\":0,\"cases\":1,\"option\":\"x\",\"values\":[],"
		"\"range\":true}]",
		"[" CASE2("0", "0") "]"),
	  false }, /* a value for each case */
	{ PLAN2("[{\"kind\":\"sweep\",\"label\":\"l\",\"first_case\":0,\"cases\":1,\"option\":\"x\",\"values\":[1],"
		"\"range\":true}]",
		"[" CASE2("0", "0") "]"),
	  false },
	{ PLAN2("7", "[]"), false },
	{ "{\"schema\":3,\"suite\":\"s\",\"required\":false,\"require\":[],\"primary\":[],\"studies\":[],\"cases\":[]}",
	  false },
};

/* A plan of schema 1, from before there were studies: every round of every case is run, whatever comes of it. */
static void test_schema_1(void **state)
{
	static const char text[] = PLAN("[{\"label\":\"l\",\"rounds\":7,\"duration_ns\":0,\"lanes\":[" LANE "]},"
					"{\"label\":\"m\",\"rounds\":2,\"duration_ns\":0,\"lanes\":[" LANE "]}]");
	struct fl_plan *plan = NULL;
	struct fl_results *results;
	struct fl_plan_step step;
	struct fl_err err = { 0 };
	unsigned steps = 0;
	json_t *doc;

	(void)state;
	assert_int_equal(fl_json_parse(text, strlen(text), "plan", &doc, &err), 0);
	assert_int_equal(fl_plan_read(doc, &plan, &err), 0);
	json_decref(doc);
	assert_int_equal(plan->studies_n, 1);
	assert_int_equal(plan->studies[0].kind, FL_STUDY_REPEAT);
	assert_int_equal(plan->cases[0].rounds_least, 7);
	results = fl_results_make(plan);
	for (; fl_plan_next(plan, results, &step); steps++) {
		const struct fl_plan_result result = { step.case_no, step.round, 0, 1, FL_HIGHER };

		fl_results_add(results, &result);
	}
	assert_int_equal(steps, 9);
	fl_results_free(results);
	fl_plan_free(plan);
}

static void test_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct fl_plan *plan = NULL;
		struct fl_err err = { 0 };
		json_t *doc;
		int rc;

		assert_int_equal(fl_json_parse(hostile[i].text, strlen(hostile[i].text), "plan", &doc, &err), 0);
		rc = fl_plan_read(doc, &plan, &err);
		json_decref(doc);
		if ((rc == 0) != hostile[i].good || (rc < 0 && (plan || !err.what[0])))
			fail_msg("%s: %d %s", hostile[i].text, rc, err.what);
		fl_plan_free(plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expansion),
		cmocka_unit_test(test_lane),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_bench),
		cmocka_unit_test(test_require),
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_skips),
		cmocka_unit_test(test_skip_beside),
		cmocka_unit_test(test_local_without_memory),
		cmocka_unit_test(test_suites_on_recorded_machines),
		cmocka_unit_test(test_suite_network),
		cmocka_unit_test(test_quick_on_odd_nodes),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_schema_1),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
