/* SPDX-License-Identifier: Apache-2.0 */
/* test_devices.c: rules over many devices: relations of PCIe, devices at once, and who meets whom. */
#include "../sample_gpus.h"
#include "base/alloc.h"
#include "plan/plan.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A machine with that many of the eight GPUs. */
static int make_on(unsigned gpus, const char *text, struct fl_plan **ret, struct fl_err *err)
{
	struct fl_catalog catalog = sample_gpu_catalog();
	struct sample_gpus g;
	struct fl_suite *suite;
	int rc = fl_suite_parse(text, strlen(text), "s", "s.yaml", &suite, err);

	if (rc < 0)
		return rc;
	sample_gpus_init(&g);
	g.s.m.gpus_n = gpus;
	rc = fl_plan_make(suite, &catalog, &g.s.m, NULL, ret, err);
	fl_suite_free(suite);
	return rc;
}

static struct fl_plan *must(unsigned gpus, const char *text)
{
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };

	if (make_on(gpus, text, &plan, &err) < 0)
		fail_msg("'%s': %s", text, err.what);
	return plan;
}

/* The number of the GPU that a lane has for an option; '-': none. */
static char digit(const struct fl_plan_lane *lane, const char *option)
{
	const char *id = fl_lane_option(lane, option);

	return id ? (char)(id[10] - '0' + '0') : '-';
}

/* "01 23;45": cases apart by ';', lanes by ' ', and of each lane its first one or two GPUs. */
static char *shape_of(const struct fl_plan *plan)
{
	static const char *const options[] = { "gpu", "from", "to", "peer" };
	struct fl_text t = { 0 };

	for (size_t i = 0; i < plan->cases_n; i++)
		for (size_t k = 0; k < plan->cases[i].lanes_n; k++) {
			fl_text_add(&t, "%s", k ? " " : i ? ";" : "");
			for (size_t o = 0; o < sizeof(options) / sizeof(options[0]); o++)
				if (digit(&plan->cases[i].lanes[k], options[o]) != '-')
					fl_text_add(&t, "%c", digit(&plan->cases[i].lanes[k], options[o]));
		}
	return t.bytes ? t.bytes : fl_dup("");
}

#define P2P(relation) "- bench: gpu.p2p\n  pairs: {of: [from, to], relation: " relation "}\n"
#define H2D_MEETS(relation, load)                                                                                      \
	"- bench: gpu.h2d\n  pairs: {of: [gpu, beside.gpu], relation: " relation "}\n  beside: [{bench: " load "}]\n"

static const struct {
	unsigned gpus;
	const char *text, *shape;
} shapes[] = {
	{ 4, P2P("switch"), "01;10;23;32" },
	{ 4, P2P("socket"), "02;03;12;13;20;21;30;31" },
	{ 6, P2P("remote"), "04;05;14;15;24;25;34;35;40;41;42;43;50;51;52;53" },
	{ 3, P2P("same"), "00;11;22" },
	{ 8, P2P("bisection"), "04;15;26;37" },
	{ 5, P2P("bisection"), "03;14" },
	{ 3, P2P("distinct") "  at_once: [to]\n", "01 02;10 12;20 21" },
	{ 3, P2P("distinct") "  at_once: [from]\n", "01 21;02 12;10 20" },
	{ 3, P2P("distinct") "  at_once: [from, to]\n", "01 02 10 12 20 21" },
	{ 8, P2P("bisection") "  at_once: [from, to]\n", "04 15 26 37" },
	{ 3, "- bench: gpu.h2d\n  at_once: [gpu]\n", "0 1 2" },
	{ 3, "- bench: gpu.h2d\n  each: [memory]\n  at_once: [gpu]\n", "0 1 2;0 1 2" },
	{ 2, "- bench: gpu.h2d\n  at_once: [memory]\n", "0 0;1 1" },
	{ 1, "- bench: gpu.h2d\n  at_once: [gpu]\n", "0" },
	/* alone and beside, each in both orders */
	{ 2, H2D_MEETS("switch", "gpu.h2d"), "0;0 1;1;1 0" },
	{ 2, H2D_MEETS("same", "gpu.d2h"), "0;0 0;1;1 1" },
	/* what each loses by the other: once */
	{ 4, H2D_MEETS("switch", "gpu.h2d") "  study: solo\n", "0;1;0 1;2;3;2 3" },
	{ 2, H2D_MEETS("switch", "gpu.d2h") "  study: solo\n", "0;1;0 1;1;0;1 0" },
	{ 3, H2D_MEETS("socket", "gpu.h2d") "  study: solo\n", "0;2;0 2;1;2;1 2" },
	{ 1, H2D_MEETS("same", "gpu.d2h") "  study: solo\n", "0;0;0 0" },
	/* no such pair */
	{ 1, H2D_MEETS("switch", "gpu.h2d") "  study: solo\n", ";; " },
	{ 0, H2D_MEETS("switch", "gpu.h2d") "  study: solo\n", ";; " },
	{ 1, P2P("distinct") "  at_once: [to]\n", "" },
};

static void test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct fl_plan *plan = must(shapes[i].gpus, shapes[i].text);
		char *shape = shape_of(plan);

		if (strcmp(shape, shapes[i].shape) != 0)
			fail_msg("row %zu: '%s' instead of '%s'", i, shape, shapes[i].shape);
		free(shape);
		fl_plan_free(plan);
	}
}

static void test_labels(void **state)
{
	static const struct {
		const char *text, *label;
	} rows[] = {
		{ P2P("distinct") "  at_once: [to]\n", "gpu.p2p from=gpu-0000:10:00.0 to=all" },
		{ P2P("distinct") "  at_once: [from, to]\n", "gpu.p2p from=all to=all" },
		{ P2P("bisection") "  at_once: [from, to]\n", "gpu.p2p from=all to=all (bisection)" },
		{ "- bench: gpu.h2d\n  with: {size: 1MiB}\n  at_once: [gpu]\n", "gpu.h2d size=1MiB gpu=all" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_plan *plan = must(8, rows[i].text);

		assert_string_equal(plan->cases[0].label, rows[i].label);
		fl_plan_free(plan);
	}
}

/* Why lanes are not measured; NULL: they are. */
static void test_not_measured(void **state)
{
	static const struct {
		unsigned gpus;
		const char *text, *skip;
	} rows[] = {
		{ 2, "- bench: gpu.h2d\n  at_once: [gpu]\n", NULL },
		{ 1, "- bench: gpu.h2d\n  at_once: [gpu]\n", "there is but one: nothing runs at once with it" },
		{ 0, "- bench: gpu.h2d\n  at_once: [gpu]\n", "this machine has no gpu" },
		{ 1, P2P("distinct") "  at_once: [to]\n", "this machine has no distinct pair of from and to" },
		{ 1, P2P("bisection") "  at_once: [from, to]\n", "this machine has no bisection pair of from and to" },
		{ 1, H2D_MEETS("switch", "gpu.h2d"), "this machine has no switch pair of gpu and beside.gpu" },
		{ 0, H2D_MEETS("switch", "gpu.h2d"), "this machine has no gpu" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_plan *plan = must(rows[i].gpus, rows[i].text);

		for (size_t k = 0; k < plan->cases_n; k++)
			for (size_t l = 0; l < plan->cases[k].lanes_n; l++) {
				const char *skip = plan->cases[k].lanes[l].skip;

				if (rows[i].skip ? !skip || strcmp(skip, rows[i].skip) != 0 : skip != NULL)
					fail_msg("row %zu: '%s'", i, skip ? skip : "-");
			}
		fl_plan_free(plan);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *what;
	} rows[] = {
		{ "- bench: gpu.h2d\n  at_once: [size]\n",
		  "s.yaml:2:13: 'at_once' wants device options, 'size' is none" },
		{ "- bench: gpu.h2d\n  at_once: [gpuu]\n", "s.yaml:2:13: gpu.h2d has no option 'gpuu'" },
		{ "- bench: gpu.h2d\n  with: {gpu: gpu-0000:10:00.0}\n  at_once: [gpu]\n",
		  "s.yaml:3:13: 'gpu' is both in 'with' and in 'at_once'" },
		{ H2D_MEETS("same", "gpu.p2p"), "s.yaml:2:21: gpu.p2p has no option 'gpu'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_plan *plan = NULL;
		struct fl_err err = { 0 };

		assert_int_equal(make_on(2, rows[i].text, &plan, &err), -EINVAL);
		if (strncmp(err.what, rows[i].what, strlen(rows[i].what)) != 0)
			fail_msg("row %zu: '%s'", i, err.what);
	}
}

/* A study of two neighbours: each alone with the CPUs that it has beside the other. */
static void test_neighbours(void **state)
{
	struct fl_plan *plan = must(2, H2D_MEETS("switch", "gpu.h2d") "  study: solo\n  repeat: 3\n");

	(void)state;
	assert_int_equal(plan->studies_n, 1);
	assert_int_equal(plan->studies[0].kind, FL_STUDY_SOLO);
	assert_int_equal(plan->studies[0].cases_n, 3);
	assert_string_equal(plan->cases[0].label, "gpu.h2d gpu=gpu-0000:10:00.0 alone");
	assert_int_equal(plan->cases[2].rounds, 3);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(plan->cases[i].lanes[0].cpus.bits[0], plan->cases[2].lanes[i].cpus.bits[0]);
	fl_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),	cmocka_unit_test(test_labels),	   cmocka_unit_test(test_not_measured),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
