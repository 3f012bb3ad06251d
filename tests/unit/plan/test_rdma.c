/* SPDX-License-Identifier: Apache-2.0 */
/* test_rdma.c: rules that go over NICs with RDMA, with the benchmarks as they are, and suite rdma: which NIC meets
 * which, what is passed over and why, and what runs at once. */
#include "base/alloc.h"
#include "base/file.h"
#include "plan/plan.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HOSTS_MAX = 8, NICS = 8 };

/* Hosts "n1" .. with eight NICs each, of which the seventh is down; what differs is up to the test. */
struct rack {
	struct fl_machine *machines[HOSTS_MAX];
	struct fl_plan_host hosts[HOSTS_MAX];
	size_t n;
};

static struct rack build(size_t n, const char *machine)
{
	static const char *const names[] = { "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8" };
	char *path = fl_format(TESTS_DIR "/fixtures/machines/%s.json", machine);
	struct rack r = { .n = n };
	struct fl_err err = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (fl_machine_load(path, &r.machines[i], &err) < 0)
			fail_msg("%s", err.what);
		r.hosts[i] = (struct fl_plan_host){ .name = n > 1 ? names[i] : NULL, .machine = r.machines[i] };
	}
	free(path);
	return r;
}

static void tear_down(struct rack *r)
{
	for (size_t i = 0; i < r->n; i++)
		fl_machine_free(r->machines[i]);
}

/* As if no host called its NICs as another one does. */
static void call_otherwise(struct rack *r, size_t host)
{
	struct fl_machine *m = r->machines[host];

	for (size_t i = 0; i < m->nics_n; i++) {
		free(m->nics[i].id);
		m->nics[i].id = fl_format("nic-%zu-of-%s", i, r->hosts[host].name);
	}
}

static int make(const struct rack *r, const char *text, const struct fl_plan_settings *settings, struct fl_plan **ret,
		struct fl_err *err)
{
	struct fl_catalog *catalog;
	struct fl_suite *suite;
	int rc;

	assert_int_equal(fl_catalog_load(BUILD_DIR "/share/feedline/manifests", &catalog, err), 0);
	for (size_t i = 0; i < catalog->n; i++) { /* measured or not: what matters here is what would be */
		free(catalog->entries[i].unavailable);
		catalog->entries[i].unavailable = NULL;
	}
	rc = fl_suite_parse(text, strlen(text), "s", "s.yaml", &suite, err);
	if (rc == 0) {
		rc = fl_plan_make_hosts(suite, catalog, r->hosts, r->n, settings, ret, err);
		fl_suite_free(suite);
	}
	fl_catalog_free(catalog);
	return rc;
}

static struct fl_plan *must(const struct rack *r, const char *text)
{
	const struct fl_plan_settings settings = { 0 };
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };

	if (make(r, text, &settings, &plan, &err) < 0)
		fail_msg("'%s': %s", text, err.what);
	return plan;
}

static struct fl_plan *of_suite(const struct rack *r)
{
	struct fl_text text = { 0 };
	struct fl_err err = { 0 };
	struct fl_plan *plan;

	if (fl_file_read(AT_FDCWD, BUILD_DIR "/share/feedline/suites/rdma.yaml", 1 << 20, &text, &err) < 0)
		fail_msg("%s", err.what);
	plan = must(r, text.bytes);
	fl_text_release(&text);
	return plan;
}

static bool skips(const struct fl_plan_lane *lane, const char *why)
{
	return lane->skip && strstr(lane->skip, why);
}

/* Every case is a NIC of the one host with that of the other that is called the same, each near its NIC. */
static void counterparts(void **state)
{
	struct rack r = build(2, "eight-gpus");
	struct fl_plan *plan = must(&r, "- bench: rdma.write\n");

	(void)state;
	assert_int_equal(plan->cases_n, NICS);
	for (size_t i = 0; i < NICS; i++) {
		const struct fl_plan_case *c = &plan->cases[i];

		assert_int_equal(c->lanes_n, 2);
		for (unsigned k = 0; k < 2; k++) {
			assert_string_equal(fl_lane_option(&c->lanes[k], "nic"), r.machines[0]->nics[i].id);
			assert_int_equal(c->lanes[k].host, k);
			assert_int_equal(c->lanes[k].node, r.machines[0]->nics[i].node.value);
			assert_string_equal(fl_lane_option(&c->lanes[k], "memory"), i < 4 ? "node0" : "node1");
		}
		if (i == 6)
			assert_true(skips(c->lanes, "mlx5_6 port 1 is down"));
		else
			assert_null(c->lanes[0].skip);
	}
	fl_plan_free(plan);
	tear_down(&r);
}

/* Hosts of another make: the n-th NIC meets the n-th. One that lacks a NIC has nothing in its place; where hosts call
 * theirs the same, that is the one that it lacks, and no other. */
static void rails(void **state)
{
	struct rack r = build(2, "eight-gpus");
	struct fl_nic *nics = r.machines[1]->nics, third = nics[3];
	struct fl_plan *plan;

	(void)state;
	memmove(&nics[3], &nics[4], 4 * sizeof(*nics)); /* the fourth is gone */
	r.machines[1]->nics_n = NICS - 1;
	plan = must(&r, "- bench: rdma.write\n");
	assert_int_equal(plan->cases_n, NICS);
	assert_true(
		skips(&plan->cases[3].lanes[1], "n2 has nothing in the place of 'rdma.write nic=nic-0000:5e:00.0'"));
	assert_string_equal(fl_lane_option(&plan->cases[4].lanes[1], "nic"), "nic-0000:9a:00.0");
	fl_plan_free(plan);

	call_otherwise(&r, 1);
	plan = must(&r, "- bench: rdma.write\n");
	assert_int_equal(plan->cases_n, NICS);
	for (size_t i = 0; i < NICS - 1; i++) {
		assert_string_equal(fl_lane_option(&plan->cases[i].lanes[0], "nic"), r.machines[0]->nics[i].id);
		assert_string_equal(fl_lane_option(&plan->cases[i].lanes[1], "nic"), nics[i].id);
	}
	assert_true(skips(&plan->cases[7].lanes[1], "n2 has nothing in the place of"));
	fl_plan_free(plan);
	nics[7] = third;
	r.machines[1]->nics_n = NICS;
	tear_down(&r);
}

/* NICs without RDMA are passed over; named, they say why. */
static void only_with_rdma(void **state)
{
	struct rack r = build(1, "eight-gpus");
	struct fl_nic *first = &r.machines[0]->nics[0];
	const struct fl_override by_name = { "nic", "ib0" }, by_no_name = { "nic", "ib9" };
	const struct fl_plan_settings named = { .overrides = &by_name, .overrides_n = 1 },
				      unknown = { .overrides = &by_no_name, .overrides_n = 1 };
	struct fl_plan *plan;
	struct fl_err err = { 0 };

	(void)state;
	free(first->rdma.value);
	first->rdma = (struct fl_known_text){ .why = fl_dup("no RDMA device") };
	plan = must(&r, "- bench: rdma.read\n");
	assert_int_equal(plan->cases_n, NICS - 1);
	assert_string_equal(fl_lane_option(&plan->cases[0].lanes[0], "nic"), "nic-0000:40:00.0");
	fl_plan_free(plan);
	assert_int_equal(make(&r, "- bench: rdma.read\n", &named, &plan, &err), 0);
	assert_int_equal(plan->cases_n, 1);
	assert_true(skips(plan->cases[0].lanes, "nic-0000:18:00.0 has no RDMA: no RDMA device"));
	fl_plan_free(plan);
	assert_int_equal(make(&r, "- bench: rdma.read\n", &unknown, &plan, &err), -ENODEV);
	assert_string_equal(err.what, "no RDMA device 'ib9' on this machine");
	tear_down(&r);
}

/* Every NIC with the memory of every node; nearest, remote. */
static void nodes(void **state)
{
	static const struct {
		const char *rule;
		size_t cases;
	} rows[] = {
		{ "- bench: rdma.write\n  each: [nic, memory]\n", 2 * NICS },
		{ "- bench: rdma.write\n  pairs: {of: [nic, memory], relation: nearest}\n", NICS },
		{ "- bench: rdma.write\n  pairs: {of: [nic, memory], relation: remote}\n", NICS },
	};
	struct rack r = build(2, "eight-gpus");
	size_t gpus[2];

	(void)state;
	for (size_t i = 0; i < r.n; i++) {
		gpus[i] = r.machines[i]->gpus_n;
		r.machines[i]->gpus_n = 0;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_plan *plan = must(&r, rows[i].rule);

		assert_int_equal(plan->cases_n, rows[i].cases);
		for (size_t k = 0; k < plan->cases_n && i > 0; k++) {
			const struct fl_plan_lane *lane = plan->cases[k].lanes;
			bool first = lane->node == (i == 1 ? 0 : 1);

			assert_string_equal(fl_lane_option(lane, "memory"), first ? "node0" : "node1");
		}
		fl_plan_free(plan);
	}
	for (size_t i = 0; i < r.n; i++) /* of which it frees those that it knows of */
		r.machines[i]->gpus_n = gpus[i];
	tear_down(&r);
}

/* The memory of GPUs, too: below a common switch with the NIC, or below none, where that of the node is one more. */
static void gpus(void **state)
{
	struct rack r = build(1, "eight-gpus");
	struct fl_plan *plan = must(&r, "- bench: rdma.write\n  pairs: {of: [nic, memory], relation: switch}\n");

	(void)state;
	assert_int_equal(plan->cases_n, 2 * NICS);
	assert_string_equal(fl_lane_option(plan->cases[0].lanes, "nic"), "nic-0000:18:00.0");
	assert_string_equal(fl_lane_option(plan->cases[0].lanes, "memory"), "gpu-0000:1b:00.0");
	assert_string_equal(fl_lane_option(plan->cases[1].lanes, "memory"), "gpu-0000:43:00.0");
	fl_plan_free(plan);
	plan = must(&r, "- bench: rdma.write\n  pairs: {of: [nic, memory], relation: socket}\n");
	assert_int_equal(plan->cases_n, 3 * NICS);
	for (size_t i = 0; i < 3; i++) {
		static const char *const far[] = { "node0", "gpu-0000:52:00.0", "gpu-0000:61:00.0" };

		assert_string_equal(fl_lane_option(plan->cases[i].lanes, "memory"), far[i]);
	}
	fl_plan_free(plan);
	tear_down(&r);
}

/* Of the parts of a GPU one stands for all. */
static void parts(void **state)
{
	struct rack r = build(1, "eight-gpus");
	struct fl_machine *m = r.machines[0];
	struct fl_plan *plan;

	(void)state;
	for (size_t i = 0; i < 2; i++) /* both below the switch of the first NIC */
		m->gpus[i].parent = fl_dup("GPU-0");
	plan = must(&r, "- bench: rdma.write\n  pairs: {of: [nic, memory], relation: switch}\n");
	assert_int_equal(plan->cases_n, 2 * NICS - 2);
	assert_string_equal(fl_lane_option(plan->cases[1].lanes, "nic"), "nic-0000:40:00.0");
	fl_plan_free(plan);
	tear_down(&r);
}

static const char at_once[] = "- bench: rdma.write\n  at_once: [nic]\n";

/* All NICs of a pair are one case, each pair of NICs a measurement of its own. One that is down costs no other. */
static void all_at_once(void **state)
{
	struct rack r = build(2, "eight-gpus");
	struct fl_plan *plan = must(&r, at_once), *again = NULL;
	const struct fl_plan_case *c = plan->cases;
	json_t *json;

	(void)state;
	assert_int_equal(plan->cases_n, 2);
	assert_string_equal(c->label, "rdma.write n1 - n2 nic=all");
	assert_int_equal(c->lanes_n, 2 * (NICS - 1));
	for (size_t i = 0; i < c->lanes_n; i++) {
		assert_null(c->lanes[i].skip);
		assert_int_equal(c->lanes[i].group, i / 2 * 2);
		assert_int_equal(c->lanes[i].rank, i % 2);
		assert_int_equal(c->lanes[i].host, i % 2);
		assert_string_equal(fl_lane_option(&c->lanes[i], "nic"), fl_lane_option(&c->lanes[i / 2 * 2], "nic"));
		assert_false(c->lanes[i].shares_cpus);
	}
	assert_string_equal(plan->cases[1].label, "rdma.write n1 - n2 nic=all, left out");
	assert_int_equal(plan->cases[1].lanes_n, 2);
	assert_true(skips(plan->cases[1].lanes, "mlx5_6 port 1 is down"));
	json = fl_plan_json(plan);
	assert_int_equal(fl_plan_read(json, &again, NULL), 0);
	json_decref(json);
	fl_plan_free(again);
	fl_plan_free(plan);
	tear_down(&r);
}

/* A port that is down on one host costs the pairs of that one only. */
static void down_on_one_host(void **state)
{
	struct rack r = build(4, "eight-gpus");
	struct fl_plan *plan;
	size_t lanes = 0, out = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++) { /* it stays down on n4 */
		free(r.machines[i]->nics[6].rdma_state.value);
		r.machines[i]->nics[6].rdma_state.value = fl_dup("active");
	}
	plan = must(&r, "- bench: rdma.write\n  at_once: [nic]\n  across: bisection\n");
	assert_int_equal(plan->cases_n, 2);
	for (size_t i = 0; i < plan->cases[0].lanes_n; i++)
		lanes += plan->cases[0].lanes[i].skip == NULL;
	for (size_t i = 0; i < plan->cases[1].lanes_n; i++)
		out += plan->cases[1].lanes[i].skip != NULL;
	assert_int_equal(lanes, 2 * (2 * NICS - 1));
	assert_int_equal(out, 2);
	fl_plan_free(plan);
	tear_down(&r);
}

/* One NIC a host: there is nothing to run at once with it, however many pairs there are. One host alone sends to itself
 * by each of its own. */
static void few(void **state)
{
	struct rack r = build(4, "eight-gpus"), one = build(1, "eight-gpus");
	struct fl_plan *plan;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 1; k < NICS; k++) {
			struct fl_known_text *rdma = &r.machines[i]->nics[k].rdma;

			free(rdma->value);
			*rdma = (struct fl_known_text){ .why = fl_dup("no RDMA device") };
		}
	plan = must(&r, "- bench: rdma.write\n  at_once: [nic]\n  across: bisection\n");
	assert_int_equal(plan->cases_n, 1);
	assert_int_equal(plan->cases[0].lanes_n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(skips(&plan->cases[0].lanes[i], "there is but one"));
	fl_plan_free(plan);
	plan = must(&one, at_once);
	assert_int_equal(plan->cases[0].lanes_n, 2 * (NICS - 1));
	assert_string_equal(plan->cases[0].label, "rdma.write nic=all");
	fl_plan_free(plan);
	tear_down(&r);
	tear_down(&one);
}

/* A rule only for machines with a kind of device says on others what is missing; of hosts each for itself. */
static void only_with(void **state)
{
	static const char text[] = "- bench: null.nop\n  only_with: rdma\n";
	struct rack r = build(2, "eight-gpus"), none = build(1, "small-vm"), other = build(1, "two-node-vm");
	struct fl_plan *plan = must(&none, text);
	const struct fl_plan_settings settings = { 0 };
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(plan->cases_n, 1);
	assert_true(skips(plan->cases[0].lanes, "this machine has no RDMA device"));
	fl_plan_free(plan);
	plan = must(&other,
		    "- bench: memory.read\n  only_with: rdma\n  pairs: {of: [numa, memory], relation: local}\n");
	assert_int_equal(plan->cases_n, 1);
	assert_int_equal(plan->cases[0].lanes_n, 1);
	assert_true(skips(plan->cases[0].lanes, "this machine has no RDMA device"));
	fl_plan_free(plan);
	r.hosts[1].machine = none.machines[0];
	plan = must(&r, text);
	assert_null(plan->cases[0].lanes[0].skip);
	assert_true(skips(&plan->cases[0].lanes[1], "this machine has no RDMA device"));
	fl_plan_free(plan);
	assert_int_equal(make(&none, "- bench: null.nop\n  only_with: rdme\n", &settings, &plan, &err), -EINVAL);
	assert_string_equal(err.what, "s.yaml:2:14: unknown kind of device 'rdme'");
	assert_string_equal(err.hint, "did you mean 'rdma'?");
	assert_int_equal(make(&none, "- bench: null.nop\n  only_with: [gpu]\n", &settings, &plan, &err), -EINVAL);
	tear_down(&r);
	tear_down(&none);
	tear_down(&other);
}

/* Minutes by --dry-run, with all NICs up. */
static double minutes_of(struct rack *r)
{
	struct fl_plan *plan;
	double ns;

	for (size_t i = 0; i < r->n; i++) {
		free(r->machines[i]->nics[6].rdma_state.value);
		r->machines[i]->nics[6].rdma_state.value = fl_dup("active");
	}
	plan = of_suite(r);
	ns = (double)fl_plan_time_ns(plan);
	fl_plan_free(plan);
	return ns / 6e10;
}

/* The suite: what its header says. */
static void suite(void **state)
{
	struct rack two = build(2, "eight-gpus"), eight = build(8, "eight-gpus"), none = build(1, "small-vm");
	struct fl_plan *plan = of_suite(&two);
	size_t remote = 0, at_once_n = 0, measured = 0;

	(void)state;
	for (size_t i = 0; i < plan->cases_n; i++) {
		const struct fl_plan_case *c = &plan->cases[i];
		const struct fl_plan_lane *lane = c->lanes;
		const char *memory = fl_lane_option(lane, "memory");

		if (strncmp(lane->bench, "rdma.", 5) != 0 || lane->skip)
			continue;
		measured++;
		at_once_n += c->lanes_n > 2;
		remote += memory && strncmp(memory, "node", 4) == 0 && memory[4] - '0' != lane->node;
	}
	assert_true(measured > 5 * (size_t)NICS);
	assert_true(remote >= 2 * (size_t)(NICS - 1));
	assert_true(at_once_n >= 2);
	fl_plan_free(plan);
	assert_true(fabs(minutes_of(&two) - 11) < 1);
	assert_true(fabs(minutes_of(&eight) - 29) < 1.5);

	plan = of_suite(&none);
	for (size_t i = 0; i < plan->cases_n; i++)
		assert_true(skips(plan->cases[i].lanes, "this machine has no RDMA device"));
	fl_plan_free(plan);
	tear_down(&two);
	tear_down(&eight);
	tear_down(&none);
}

/* Hosts of which each has one NIC, in another place: the one is near node0, the other near node1. All that is asked of
 * them is measured. */
static void unlike(void **state)
{
	struct rack r = build(2, "eight-gpus");
	struct fl_nic *second = r.machines[1]->nics, third = second[0];
	struct fl_plan *plan;
	size_t measured = 0;

	(void)state;
	second[0] = second[4];
	second[4] = third;
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 1; k < NICS; k++) {
			struct fl_known_text *rdma = &r.machines[i]->nics[k].rdma;

			free(rdma->value);
			*rdma = (struct fl_known_text){ .why = fl_dup("no RDMA device") };
		}
	call_otherwise(&r, 1);
	plan = of_suite(&r);
	for (size_t i = 0; i < plan->cases_n; i++)
		for (size_t k = 0; k < plan->cases[i].lanes_n; k++) {
			const struct fl_plan_lane *lane = &plan->cases[i].lanes[k];

			if (skips(lane, "nothing in the place of"))
				fail_msg("%s: %s", plan->cases[i].label, lane->skip);
			if (strcmp(lane->bench, "rdma.read_latency") == 0) {
				measured += lane->skip == NULL;
				assert_string_equal(fl_lane_option(lane, "memory"), k ? "node1" : "node0");
			}
		}
	assert_int_equal(measured, 2);
	fl_plan_free(plan);
	tear_down(&r);
}

/* More than a plan can hold: what to do is said. */
static void too_many(void **state)
{
	static const char rule[] = "- bench: rdma.write\n  each: [nic, memory]\n  repeat: 1000\n";
	struct rack r = build(8, "eight-gpus");
	const struct fl_plan_settings settings = { 0 };
	struct fl_plan *plan;
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(make(&r, rule, &settings, &plan, &err), -EINVAL);
	assert_non_null(strstr(err.what, "more than"));
	assert_string_equal(err.hint,
			    "run it on fewer hosts at a time, or with fewer rounds, or with fewer of the pairs "
			    "of hosts ('across: {sample: 1}')");
	tear_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counterparts),
		cmocka_unit_test(rails),
		cmocka_unit_test(only_with_rdma),
		cmocka_unit_test(nodes),
		cmocka_unit_test(gpus),
		cmocka_unit_test(parts),
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(down_on_one_host),
		cmocka_unit_test(few),
		cmocka_unit_test(only_with),
		cmocka_unit_test(suite),
		cmocka_unit_test(unlike),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
