/* SPDX-License-Identifier: Apache-2.0 */
/* test_gpu_suite.c: suite gpu with the benchmarks as they are: on eight GPUs every path once and no more, on one within
 * three minutes. */
#include "../sample_gpus.h"
#include "base/alloc.h"
#include "base/file.h"
#include "plan/plan.h"
#include "starts.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fl_plan *plan_suite(const char *which, const struct fl_machine *m)
{
	char *path = fl_format(BUILD_DIR "/share/feedline/suites/%s.yaml", which);
	struct fl_catalog *catalog;
	struct fl_suite *suite;
	struct fl_plan *plan = NULL;
	struct fl_text text = { 0 };
	struct fl_err err = { 0 };

	assert_int_equal(fl_catalog_load(BUILD_DIR "/share/feedline/manifests", &catalog, &err), 0);
	for (size_t i = 0; i < catalog->n; i++) { /* measured or not: what matters here is what would be */
		free(catalog->entries[i].unavailable);
		catalog->entries[i].unavailable = NULL;
	}
	assert_int_equal(fl_file_read(AT_FDCWD, path, 1 << 20, &text, &err), 0);
	if (fl_suite_parse(text.bytes, text.n, which, path, &suite, &err) < 0 ||
	    fl_plan_make(suite, catalog, m, NULL, &plan, &err) < 0)
		fail_msg("%s", err.what);
	fl_suite_free(suite);
	fl_catalog_free(catalog);
	fl_text_release(&text);
	free(path);
	return plan;
}

static struct fl_machine *eight_gpus(void)
{
	struct fl_machine *m;
	struct fl_err err = { 0 };

	assert_int_equal(fl_machine_load(TESTS_DIR "/fixtures/machines/eight-gpus.json", &m, &err), 0);
	assert_int_equal(fl_machine_count(m, "gpu"), 8);
	return m;
}

/* All that tells one measurement from another. */
static void describe(const struct fl_plan_lane *lane, struct fl_text *out)
{
	fl_text_add(out, "%s", lane->bench);
	for (size_t i = 0; i < lane->options_n; i++)
		if (strcmp(lane->options[i].name, "duration") != 0)
			fl_text_add(out, " %s=%s", lane->options[i].name, lane->options[i].text);
	fl_text_add(out, "; ");
}

static char *describe_case(const struct fl_plan_case *c)
{
	struct fl_text t = { 0 };

	for (size_t k = 0; k < c->lanes_n; k++)
		describe(&c->lanes[k], &t);
	return t.bytes;
}

static bool is_of_neighbours(const struct fl_plan *plan, size_t case_no)
{
	for (size_t i = 0; i < plan->studies_n; i++) {
		const struct fl_study *s = &plan->studies[i];

		if (case_no >= s->first && case_no < s->first + s->cases_n)
			return s->kind == FL_STUDY_SOLO;
	}
	return false;
}

/* Cases of one lane, but for those that neighbours are held against, that are as said; option NULL: any. */
static size_t count(const struct fl_plan *plan, const char *bench, const char *option, const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->cases_n; i++) {
		const struct fl_plan_lane *lane = &plan->cases[i].lanes[0];
		const char *value = option ? fl_lane_option(lane, option) : NULL;

		n += plan->cases[i].lanes_n == 1 && !lane->skip && !is_of_neighbours(plan, i) &&
		     strcmp(lane->bench, bench) == 0 && (!option || (value && strcmp(value, text) == 0));
	}
	return n;
}

/* Cases with so many lanes of a benchmark that can be measured. */
static size_t count_at_once(const struct fl_plan *plan, const char *bench, size_t lanes)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->cases_n; i++)
		n += plan->cases[i].lanes_n == lanes && !plan->cases[i].lanes[0].skip && !is_of_neighbours(plan, i) &&
		     strcmp(plan->cases[i].lanes[0].bench, bench) == 0;
	return n;
}

/* No case is planned twice, but for what neighbours are held against. */
static void check_once(const struct fl_plan *plan)
{
	json_t *seen = json_object();

	for (size_t i = 0; i < plan->cases_n; i++) {
		char *what = describe_case(&plan->cases[i]);

		if (!is_of_neighbours(plan, i) && !plan->cases[i].lanes[0].skip) {
			if (json_object_get(seen, what))
				fail_msg("twice: %s", what);
			json_object_set_new(seen, what, json_true());
		}
		free(what);
	}
	json_decref(seen);
}

/* Every pair of GPUs, and every GPU with every node, once. */
static void check_covered(const struct fl_plan *plan, const struct fl_machine *m)
{
	json_t *pairs = json_object(), *nodes = json_object();

	for (size_t i = 0; i < plan->cases_n; i++) {
		const struct fl_plan_lane *lane = &plan->cases[i].lanes[0];
		const char *size = fl_lane_option(lane, "size"), *engine = fl_lane_option(lane, "engine");
		char *key;

		if (plan->cases[i].lanes_n != 1 || is_of_neighbours(plan, i) || !engine || strcmp(engine, "ce") != 0)
			continue;
		if (strcmp(lane->bench, "gpu.p2p") == 0) {
			key = fl_format("%s %s", fl_lane_option(lane, "from"), fl_lane_option(lane, "to"));
			json_object_set_new(pairs, key, json_true());
			free(key);
		} else if (strcmp(lane->bench, "gpu.h2d") == 0 && strcmp(size, "536870912") == 0) {
			key = fl_format("%s %s", fl_lane_option(lane, "gpu"), fl_lane_option(lane, "memory"));
			json_object_set_new(nodes, key, json_true());
			free(key);
		}
	}
	assert_int_equal(json_object_size(pairs), 8 * 7);
	assert_int_equal(json_object_size(nodes), 8 * fl_machine_count(m, "node"));
	json_decref(pairs);
	json_decref(nodes);
}

static void test_eight(void **state)
{
	struct fl_machine *m = eight_gpus();
	struct fl_plan *plan = plan_suite("gpu", m);
	size_t solos = 0;
	unsigned starts;

	(void)state;
	check_once(plan);
	check_covered(plan, m);
	assert_int_equal(count(plan, "gpu.h2d", "engine", "ce"), 8 * 2 + 2 * 5 + 2 * 3);
	assert_int_equal(count(plan, "gpu.d2h", "engine", "ce"), 8 * 2 + 2 * 5 + 2 * 3);
	assert_int_equal(count(plan, "gpu.h2d", "engine", "sm"), 8);
	assert_int_equal(count(plan, "gpu.h2d", "kind", "huge"), 2);
	assert_int_equal(count(plan, "gpu.h2d", "size", "4294967296"), 2);
	assert_int_equal(count(plan, "memory.read", NULL, NULL), 2);
	assert_int_equal(count(plan, "memory.write", NULL, NULL), 2);
	assert_int_equal(count(plan, "gpu.bidir", NULL, NULL), 8 * 2 + 2 * 2 + 2);
	assert_int_equal(count(plan, "gpu.bidir", "engine", "sm"), 2);
	assert_int_equal(count(plan, "gpu.bidir", "size", "65536"), 2);
	assert_int_equal(count(plan, "gpu.local", NULL, NULL), 8 * 2);
	assert_int_equal(count(plan, "gpu.p2p", NULL, NULL), 8 * 7 + 4 * (3 + 5));
	assert_int_equal(count(plan, "gpu.p2p", "direction", "both"), 4);
	assert_int_equal(count(plan, "gpu.p2p", "engine", "sm"), 4);
	assert_int_equal(count(plan, "gpu.p2p", "access", "read"), 4);
	assert_int_equal(count(plan, "gpu.p2p", "size", "4096"), 4);
	assert_int_equal(count(plan, "gpu.latency", NULL, NULL), 8);
	assert_int_equal(count(plan, "gpu.latency_host", NULL, NULL), 8 * 2);
	assert_int_equal(count(plan, "gpu.latency_peer", NULL, NULL), 8 * 7);
	assert_int_equal(count(plan, "gpu.launch", NULL, NULL), 8);
	assert_int_equal(count_at_once(plan, "gpu.h2d", 8), 1);
	assert_int_equal(count_at_once(plan, "gpu.d2h", 8), 1);
	assert_int_equal(count_at_once(plan, "gpu.bidir", 8), 1);
	assert_int_equal(count_at_once(plan, "gpu.p2p", 7), 8 + 8);
	assert_int_equal(count_at_once(plan, "gpu.p2p", 56), 1);
	assert_int_equal(count_at_once(plan, "gpu.p2p", 4), 1);
	for (size_t i = 0; i < plan->studies_n; i++)
		solos += plan->studies[i].kind == FL_STUDY_SOLO;
	assert_int_equal(solos, 8 + 4 + 8); /* on one GPU, below four switches, four pairs of switches' GPUs a node */
	for (size_t i = 0; i < plan->cases_n; i++)
		assert_null(plan->cases[i].lanes[0].skip);
	assert_true(fl_plan_time_ns(plan) < UINT64_C(1800) * 1000000000);
	starts = count_starts(plan, "gpu.");
	if (starts == 0 || starts > 3 * 8)
		fail_msg("%u workers are started in a round", starts);
	fl_plan_free(plan);
	fl_machine_free(m);
}

/* The same machine, its GPUs from that one on in so many parts. */
static struct fl_machine *divided(size_t from, unsigned parts)
{
	struct fl_machine *eight = eight_gpus(), *m;
	json_t *doc = fl_machine_json(eight), *gpus = json_object_get(doc, "gpus"), *of;
	json_t *list = json_array();
	struct fl_err err = { 0 };
	size_t i;

	json_array_foreach(gpus, i, of)
	{
		json_array_append(list, of);
		for (unsigned k = 0; i >= from && k < parts; k++) {
			json_t *part = json_deep_copy(of);

			json_object_set_new(part, "id", json_sprintf("mig-MIG-%zu%u", i, k));
			json_object_set_new(part, "uuid", json_sprintf("MIG-%zu%u", i, k));
			json_object_set_new(part, "parent", json_copy(json_object_get(of, "id")));
			json_object_set_new(part, "links", json_array());
			json_array_append_new(list, part);
		}
		if (i >= from)
			json_object_set_new(of, "mig", json_string("on"));
	}
	json_object_set_new(doc, "gpus", list);
	if (fl_machine_read(doc, &m, &err) < 0)
		fail_msg("%s", err.what);
	json_decref(doc);
	fl_machine_free(eight);
	return m;
}

/* Lanes of cases of several that can be measured, or that cannot. */
static size_t count_skipped(const struct fl_plan *plan, const char *bench, bool skipped)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->cases_n; i++)
		for (size_t k = 0; k < plan->cases[i].lanes_n; k++)
			n += strcmp(plan->cases[i].lanes[k].bench, bench) == 0 && plan->cases[i].lanes_n > 1 &&
			     !is_of_neighbours(plan, i) && !plan->cases[i].lanes[k].skip != skipped;
	return n;
}

/* One GPU is used by others, and one is divided into two parts: what the six left do at once is measured all the same,
 * and each of the others says why it is not. */
static void test_some(void **state)
{
	struct fl_machine *m = divided(7, 2);
	struct fl_plan *plan;

	(void)state;
	m->gpus[1].processes = (struct fl_known)SAMPLE_KNOWN(1);
	plan = plan_suite("gpu", m);
	check_once(plan);
	assert_int_equal(count_at_once(plan, "gpu.h2d", 6 + 2), 1);
	assert_int_equal(count_at_once(plan, "gpu.bidir", 6 + 2), 1);
	assert_int_equal(count_at_once(plan, "gpu.p2p", 6 * 5), 1);
	assert_int_equal(count_at_once(plan, "gpu.p2p", 5), 6 + 6); /* one to all, all to one */
	assert_int_equal(count_at_once(plan, "gpu.p2p", 3), 1);	    /* halves of the six */
	assert_int_equal(count_skipped(plan, "gpu.h2d", false), 8);
	assert_int_equal(count_skipped(plan, "gpu.p2p", false), 6 * 5 + 6 * 5 + 6 * 5 + 3);
	assert_int_equal(count(plan, "gpu.p2p", NULL, NULL), 6 * 5 + 3 * (3 + 5)); /* pairs, and halves */
	fl_plan_free(plan);
	fl_machine_free(m);
}

/* Eight GPUs in seven parts each: what one part of a GPU says of its neighbours is said once, and what parts cannot do
 * together is said once of each. */
static void test_parts(void **state)
{
	struct fl_machine *m = divided(0, 7);
	struct fl_plan *plan = plan_suite("gpu", m);
	size_t solos = 0;

	(void)state;
	check_once(plan);
	assert_int_equal(count_at_once(plan, "gpu.h2d", 56), 1);
	assert_int_equal(count(plan, "gpu.p2p", NULL, NULL), 0);
	for (size_t i = 0; i < plan->studies_n; i++)
		solos += plan->studies[i].kind == FL_STUDY_SOLO;
	assert_int_equal(solos, 56 + 4 + 8); /* on one part, and then as eight GPUs do */
	assert_true(plan->cases_n < 2000);
	fl_plan_free(plan);
	fl_machine_free(m);
}

/* One GPU, of which the node may not be known, on one node or two. */
static void test_one(void **state)
{
	(void)state;
	for (unsigned nodes = 1; nodes <= 2; nodes++)
		for (unsigned known = 0; known < 2; known++) {
			struct sample_gpus g;
			struct fl_plan *plan;

			sample_gpus_init(&g);
			g.s.m.gpus_n = 1;
			g.s.m.nodes_n = nodes;
			if (!known)
				g.gpus[0].node = (struct fl_known)SAMPLE_UNKNOWN("the platform does not say");
			plan = plan_suite("gpu", &g.s.m);
			check_once(plan);
			assert_int_equal(count(plan, "gpu.h2d", "size", "536870912"), nodes * (1 + 3) + 1);
			assert_int_equal(count(plan, "gpu.h2d", "size", "4096"), nodes);
			assert_int_equal(count(plan, "gpu.p2p", NULL, NULL), 0);
			if (fl_plan_time_ns(plan) > UINT64_C(180) * 1000000000)
				fail_msg("%u nodes: %.1f s", nodes, (double)fl_plan_time_ns(plan) / 1e9);
			fl_plan_free(plan);
		}
}

/* Without GPUs nothing of them is measured, for one reason. */
static void test_none(void **state)
{
	struct sample_machine s;
	struct fl_plan *plan;

	(void)state;
	sample_machine_init(&s);
	plan = plan_suite("gpu", &s.m);
	for (size_t i = 0; i < plan->cases_n; i++)
		for (size_t k = 0; k < plan->cases[i].lanes_n; k++)
			if (strncmp(plan->cases[i].lanes[k].bench, "gpu.", 4) == 0)
				assert_string_equal(plan->cases[i].lanes[k].skip, "this machine has no gpu");
			else
				assert_null(plan->cases[i].lanes[k].skip);
	assert_true(fl_plan_time_ns(plan) <= UINT64_C(10) * 1000000000);
	fl_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eight), cmocka_unit_test(test_some), cmocka_unit_test(test_parts),
		cmocka_unit_test(test_one),   cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
