/* SPDX-License-Identifier: Apache-2.0 */
/* test_gpus.c: lanes on GPUs: which of them share a process, which GPUs an environment hides, and what the state of a
 * GPU forbids. */
#include "../sample.h"
#include "base/alloc.h"
#include "base/json.h"
#include "plan/parts.h"
#include "starts.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a machine with four GPUs, two on each node, and room for the two parts of the last one */

enum { WHOLE = 4, PARTS = 2 };

struct rack {
	struct sample_machine s;
	struct fl_gpu gpus[WHOLE + PARTS];
};

static void rack_init(struct rack *r)
{
	sample_machine_init(&r->s);
	r->gpus[0] = sample_gpu_at("gpu-0000:1b:00.0", "0000:1b:00.0", "GPU-aaaa0000", 0);
	r->gpus[1] = sample_gpu_at("gpu-0000:43:00.0", "0000:43:00.0", "GPU-aabb1111", 0);
	r->gpus[2] = sample_gpu_at("gpu-0000:9b:00.0", "0000:9b:00.0", "GPU-cccc2222", 1);
	r->gpus[3] = sample_gpu_at("gpu-0000:c3:00.0", "0000:c3:00.0", "GPU-dddd3333", 1);
	r->s.m.gpus = r->gpus;
	r->s.m.gpus_n = WHOLE;
}

/* The last one in parts. */
static void rack_divide(struct rack *r)
{
	r->gpus[3].mig.value = "on";
	r->gpus[4] = sample_gpu_at("mig-MIG-1111", "0000:c3:00.0", "MIG-1111", 1);
	r->gpus[5] = sample_gpu_at("mig-MIG-2222", "0000:c3:00.0", "MIG-2222", 1);
	r->gpus[4].parent = r->gpus[5].parent = r->gpus[3].id;
	r->s.m.gpus_n = WHOLE + PARTS;
}

static struct fl_field pair_fields[] = {
	{ .name = "from", .type = FL_DEVICE, .range = "gpu", .help = "source" },
	{ .name = "to", .type = FL_DEVICE, .range = "gpu", .help = "sink" },
	{ 0 },
};

static struct fl_field either_fields[] = {
	{ .name = "memory",
	  .type = FL_DEVICE,
	  .preset = "local",
	  .range = "node|gpu",
	  .help = "where the buffers are" },
	{ 0 },
};

static struct fl_entry entries[] = {
	SAMPLE_GPU_COPY("gpu.h2d", "feedline-lane-cuda", "host to GPU", "gpu", sample_gpu_fields),
	SAMPLE_GPU_COPY("gpu.other", "feedline-lane-other", "of another program", "gpu", sample_gpu_fields),
	SAMPLE_GPU_COPY("gpu.p2p", "feedline-lane-cuda", "GPU to GPU", "from", pair_fields),
	SAMPLE_GPU_COPY("either", "feedline-lane-cuda", "a node or a GPU", "memory", either_fields),
	SAMPLE_NOP,
};

static struct fl_plan *plan_of(const struct rack *r, const char *text, const struct fl_plan_settings *settings)
{
	const struct fl_catalog catalog = { .entries = entries, .n = sizeof(entries) / sizeof(entries[0]) };
	struct fl_suite *suite;
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };

	if (fl_suite_parse(text, strlen(text), "s", "s.yaml", &suite, &err) < 0 ||
	    fl_plan_make(suite, &catalog, &r->s.m, settings, &plan, &err) < 0)
		fail_msg("%s", err.what);
	fl_suite_free(suite);
	return plan;
}

/* ---- processes */

/* Lanes of one case, and the worker of each: a digit a lane. */
static const struct {
	const char *text, *workers;
} shares[] = {
	{ "- together: [{bench: gpu.h2d}]\n", "0123" }, /* a solo study: its last case is all of them */
	{ "- together:\n    - {bench: gpu.h2d, with: {gpu: 1b:00.0}}\n    - {bench: gpu.h2d, with: {gpu: 1b:00.0}}\n"
	  "    - {bench: gpu.h2d, with: {gpu: 43:00.0}}\n",
	  "002" },
	{ "- together:\n    - {bench: gpu.h2d, with: {gpu: 1b:00.0}}\n    - {bench: gpu.h2d, with: {gpu: 43:00.0}}\n"
	  "    - {bench: gpu.h2d, with: {gpu: 9b:00.0}}\n    - {bench: gpu.p2p, with: {from: 9b:00.0, to: 43:00.0}}\n",
	  "0111" },
	/* joined late, through one that meets both */
	{ "- together:\n    - {bench: gpu.h2d, with: {gpu: c3:00.0}}\n    - {bench: gpu.h2d, with: {gpu: 9b:00.0}}\n"
	  "    - {bench: gpu.p2p, with: {from: 1b:00.0, to: 43:00.0}}\n"
	  "    - {bench: gpu.p2p, with: {from: 43:00.0, to: 9b:00.0}}\n"
	  "    - {bench: gpu.p2p, with: {from: 43:00.0, to: c3:00.0}}\n",
	  "00000" },
	/* another program is another process, and no GPU is none to meet on */
	{ "- together:\n    - {bench: gpu.h2d, with: {gpu: 1b:00.0}}\n    - {bench: gpu.other, with: {gpu: 1b:00.0}}\n"
	  "    - {bench: null.nop}\n    - {bench: null.nop}\n    - {bench: gpu.h2d, with: {gpu: 1b:00.0}}\n",
	  "01230" },
};

static void check_workers(const struct fl_plan_case *c, const char *workers)
{
	assert_int_equal(c->lanes_n, strlen(workers));
	for (size_t k = 0; k < c->lanes_n; k++)
		assert_int_equal(c->lanes[k].worker, workers[k] - '0');
}

static void lanes_that_meet_on_a_gpu_share_a_process(void **state)
{
	struct rack r;

	(void)state;
	rack_init(&r);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		struct fl_plan *plan = plan_of(&r, shares[i].text, NULL);

		check_workers(&plan->cases[plan->cases_n - 1], shares[i].workers);
		fl_plan_free(plan);
	}
}

static void parts_of_a_gpu_are_processes_of_their_own(void **state)
{
	struct fl_plan *plan;
	struct rack r;

	(void)state;
	rack_init(&r);
	rack_divide(&r);
	plan = plan_of(
		&r,
		"- together:\n    - {bench: gpu.h2d, with: {gpu: mig-MIG-1111}}\n"
		"    - {bench: gpu.h2d, with: {gpu: mig-MIG-2222}}\n    - {bench: gpu.h2d, with: {gpu: 1b:00.0}}\n"
		"    - {bench: gpu.h2d, with: {gpu: mig-MIG-1111}}\n",
		NULL);
	for (size_t i = 0; i < plan->cases[plan->cases_n - 1].lanes_n; i++)
		assert_null(plan->cases[plan->cases_n - 1].lanes[i].skip);
	check_workers(&plan->cases[plan->cases_n - 1], "0120");
	fl_plan_free(plan);
}

/* ---- how many workers a round starts */

/* Every GPU from every node, all at once, every pair, all pairs at once, one to all, all to one, on a machine with 8 of
 * them: at most 3 for each GPU. */
static void workers_are_used_again_within_a_round(void **state)
{
	static const char text[] = "- {bench: gpu.h2d, each: [numa]}\n"
				   "- together: [{bench: gpu.h2d}]\n"
				   "- together: [{bench: gpu.h2d}, {bench: gpu.h2d}]\n"
				   "- {bench: gpu.p2p, pairs: {of: [from, to], relation: distinct}}\n"
				   "- together: [{bench: gpu.p2p, pairs: {of: [from, to], relation: distinct}}]\n"
				   "- together: [{bench: gpu.p2p, with: {from: 1b:00.0}}]\n"
				   "- together: [{bench: gpu.p2p, with: {to: 1b:00.0}}]\n";
	struct rack r = { 0 };
	struct fl_machine *m;
	struct fl_err err = { 0 };
	struct fl_plan *plan;
	unsigned starts;

	(void)state;
	if (fl_machine_load(TESTS_DIR "/fixtures/machines/eight-gpus.json", &m, &err) < 0)
		fail_msg("%s", err.what);
	r.s.m = *m;
	plan = plan_of(&r, text, NULL);
	starts = count_starts(plan, NULL);
	if (starts == 0 || starts > 3 * 8)
		fail_msg("%u workers are started in a round", starts);
	fl_plan_free(plan);
	fl_machine_free(m);
}

/* ---- a plan in a store that somebody changed */

static void workers_of_a_stored_plan(void **state)
{
	static const struct {
		int workers[3];
		bool good;
	} rows[] = {
		{ { 0, 1, 2 }, true },	{ { 0, 0, 2 }, true },	{ { 0, 1, 1 }, true },	{ { 0, 0, 0 }, true },
		{ { 0, 2, 2 }, false }, { { 1, 1, 2 }, false }, { { 0, 0, 1 }, false }, { { 3, 1, 2 }, false },
	};
	struct rack r;

	(void)state;
	rack_init(&r);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_plan *plan = plan_of(
				       &r, "- together: [{bench: null.nop}, {bench: null.nop}, {bench: null.nop}]\n",
				       NULL),
			       *again = NULL;
		json_t *doc = fl_plan_json(plan), *lanes;
		struct fl_err err = { 0 };

		lanes = json_object_get(json_array_get(json_object_get(doc, "cases"), plan->cases_n - 1), "lanes");
		for (size_t k = 0; k < 3; k++)
			json_object_set_new(json_array_get(lanes, k), "worker", json_integer(rows[i].workers[k]));
		assert_int_equal(fl_plan_read(doc, &again, &err), rows[i].good ? 0 : -EINVAL);
		if (!rows[i].good)
			assert_non_null(strstr(err.what, "shares worker"));
		fl_plan_free(again);
		fl_plan_free(plan);
		json_decref(doc);
	}
}

/* ---- what an environment hides */

/* seen: 'y' it is there, 'n' it is hidden, '?' nobody can say; of each GPU, parts included where it is divided. */
static const struct {
	const char *devices, *order, *seen;
	enum { ALIKE, UNLIKE, DIVIDED, NO_UUIDS, SOME_LISTED } rack;
} visibles[] = {
	{ NULL, NULL, "yyyy", ALIKE },
	{ NULL, "PCI_BUS_ID", "yyyyyy", DIVIDED },
	{ "", NULL, "nnnn", ALIKE },
	{ "-1", NULL, "nnnn", ALIKE },
	{ "NoDevFiles", NULL, "nnnn", ALIKE },
	{ "0", NULL, "ynnn", ALIKE },
	{ " 3 ,1", NULL, "nyny", ALIKE },
	{ "0,1,2,3", NULL, "yyyy", ALIKE },
	{ "0,4,1", NULL, "ynnn", ALIKE }, /* the first that is none ends the list */
	{ "0,-1,1", NULL, "ynnn", ALIKE },
	{ "0,,1", NULL, "ynnn", ALIKE },
	{ "2,99999999999999999999,1", NULL, "nnyn", ALIKE },
	{ "0x1", NULL, "nnnn", ALIKE },
	{ "GPU-cccc2222", NULL, "nnyn", ALIKE },
	{ "GPU-c,gpu-AAAA", NULL, "ynyn", ALIKE },
	{ "GPU-dddd3333,GPU-aa,GPU-cccc2222", NULL, "nnny", ALIKE }, /* two begin so */
	{ "GPU-ffff,0", NULL, "nnnn", ALIKE },
	{ "0", NULL, "????", UNLIKE }, /* CUDA's own order is by speed */
	{ "0", "FASTEST_FIRST", "????", UNLIKE },
	{ "0", "PCI_BUS_ID", "ynnn", UNLIKE },
	{ "0,1,2,3", NULL, "yyyy", UNLIKE }, /* all of them, in whichever order */
	{ "0,0,0,0", NULL, "????", UNLIKE },
	{ "0,GPU-cccc2222", NULL, "??y?", UNLIKE },
	{ "0", "PCI_BUS_ID", "??????", DIVIDED },
	{ "MIG-2222", NULL, "nnnnny", DIVIDED },
	{ "GPU-dddd3333", NULL, "nnny??", DIVIDED }, /* one of its parts */
	{ "GPU-aaaa0000", NULL, "????", NO_UUIDS },
	{ "1", NULL, "nynn", NO_UUIDS },
	{ "0,1", NULL, "yyyy", SOME_LISTED }, /* of a job with the last two: it counts those that it has */
	{ "1", NULL, "yyny", SOME_LISTED },
	{ "1", "PCI_BUS_ID", "yyny", SOME_LISTED },
	{ "2,0", NULL, "yynn", SOME_LISTED },
	{ "GPU-dddd3333", NULL, "yyny", SOME_LISTED },
};

/* The driver lists the last two alone, though PCI shows all. */
static void leave_two(struct rack *r)
{
	for (size_t i = 0; i < 2; i++) {
		r->gpus[i].model = (struct fl_known_text)SAMPLE_NO_TEXT("the NVIDIA driver does not list it");
		r->gpus[i].uuid = (struct fl_known_text)SAMPLE_NO_TEXT("the NVIDIA driver does not list it");
	}
}

static void what_an_environment_hides(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(visibles) / sizeof(visibles[0]); i++) {
		const struct fl_visible visible = { visibles[i].devices, visibles[i].order };
		char seen[WHOLE + PARTS + 1] = { 0 };
		struct rack r;

		rack_init(&r);
		if (visibles[i].rack == UNLIKE)
			r.gpus[1].model.value = "Another GPU";
		if (visibles[i].rack == SOME_LISTED)
			leave_two(&r);
		if (visibles[i].rack == DIVIDED)
			rack_divide(&r);
		for (size_t k = 0; visibles[i].rack == NO_UUIDS && k < r.s.m.gpus_n; k++)
			r.gpus[k].uuid = (struct fl_known_text)SAMPLE_NO_TEXT("no library");
		for (size_t k = 0; k < r.s.m.gpus_n; k++)
			seen[k] = "n?y"[fl_gpu_seen(&r.s.m, &r.gpus[k], &visible)];
		if (strcmp(seen, visibles[i].seen) != 0)
			fail_msg("'%s' %s: %s, not %s", visible.devices, visible.order ? visible.order : "", seen,
				 visibles[i].seen);
	}
}

/* What CUDA does not know it does not hide. */
static void gpus_of_others_are_not_hidden(void **state)
{
	const struct fl_visible none = { .devices = "" };
	struct rack r;

	(void)state;
	rack_init(&r);
	r.gpus[1].pci.vendor = "0x1002";
	r.gpus[1].uuid = (struct fl_known_text)SAMPLE_NO_TEXT("another maker");
	assert_int_equal(fl_gpu_seen(&r.s.m, &r.gpus[1], &none), FL_SEEN);
	assert_int_equal(fl_gpu_seen(&r.s.m, &r.gpus[0], &none), FL_HIDDEN);
}

static void the_plan_keeps_what_hid_a_gpu(void **state)
{
	const struct fl_plan_settings settings = { .visible = { "1,0", "PCI_BUS_ID" } };
	struct fl_plan *plan, *again;
	struct fl_err err = { 0 };
	json_t *doc;
	struct rack r;

	(void)state;
	rack_init(&r);
	plan = plan_of(&r, "- bench: gpu.h2d\n", &settings);
	doc = fl_plan_json(plan);
	assert_int_equal(fl_plan_read(doc, &again, &err), 0);
	assert_string_equal(again->visible_gpus, "1,0");
	assert_string_equal(again->gpu_order, "PCI_BUS_ID");
	fl_plan_free(again);
	json_object_del(doc, "visible_gpus"); /* a plan from before it */
	json_object_del(doc, "gpu_order");
	assert_int_equal(fl_plan_read(doc, &again, &err), 0);
	assert_null(again->visible_gpus);
	fl_plan_free(again);
	fl_plan_free(plan);
	json_decref(doc);
}

/* ---- what the state of a GPU forbids */

enum change {
	AS_IT_IS,
	HIDDEN,
	PERHAPS,
	PROHIBITED,
	EXCLUSIVE,
	USED_BY_ONE,
	USED_BY_TWO,
	REPAIRS,
	IN_PARTS,
	NO_PARTS,
	LISTED,
	JOB,
	NONE_LISTED,
	OF_INTEL
};

static void change(struct rack *r, enum change what, struct fl_plan_settings *settings)
{
	struct fl_gpu *last = &r->gpus[3];

	settings->visible.devices = what == HIDDEN ? "0" : what == PERHAPS ? "2" : NULL;
	if (what == PERHAPS)
		r->gpus[0].model.value = "Another GPU";
	if (what == PROHIBITED || what == EXCLUSIVE)
		last->compute_mode.value = what == PROHIBITED ? "prohibited" : "exclusive process";
	if (what == USED_BY_ONE || what == USED_BY_TWO) {
		last->processes.value = what == USED_BY_ONE ? 1 : 2;
		last->process.value = what == USED_BY_ONE ? "4711 python3" : NULL;
	}
	if (what == REPAIRS)
		last->pending_repairs = (struct fl_known)SAMPLE_KNOWN(1);
	if (what == IN_PARTS)
		rack_divide(r);
	if (what == NO_PARTS)
		last->mig.value = "on";
	if (what == LISTED || what == JOB)
		leave_two(r);
	if (what == JOB)
		settings->visible.devices = "0,1";
	for (size_t i = 0; what == NONE_LISTED && i < WHOLE; i++)
		r->gpus[i].uuid = (struct fl_known_text)SAMPLE_NO_TEXT("no library");
	if (what == OF_INTEL)
		r->gpus[0].pci.vendor = "0x8086";
	if (what == OF_INTEL)
		r->gpus[0].uuid = (struct fl_known_text)SAMPLE_NO_TEXT("only NVIDIA's driver is asked");
}

static const struct {
	enum change change;
	const char *with, *skip, *hint;
} states[] = {
	{ AS_IT_IS, "gpu: c3:00.0", NULL, NULL },
	{ HIDDEN, "gpu: c3:00.0", "CUDA_VISIBLE_DEVICES='0' hides gpu-0000:c3:00.0", "add GPU-dddd3333 there" },
	{ HIDDEN, "gpu: 1b:00.0", NULL, NULL },
	{ PERHAPS, "gpu: c3:00.0", "may hide gpu-0000:c3:00.0", "CUDA_DEVICE_ORDER=PCI_BUS_ID" },
	{ PROHIBITED, "gpu: c3:00.0", "compute mode 'prohibited'", "nvidia-smi -i 0000:c3:00.0 -c DEFAULT" },
	{ PROHIBITED, "gpu: 1b:00.0", NULL, NULL },
	{ EXCLUSIVE, "gpu: c3:00.0", NULL, NULL },
	{ REPAIRS, "gpu: c3:00.0", NULL, NULL },
	{ USED_BY_ONE, "gpu: c3:00.0", "1 other process uses gpu-0000:c3:00.0", "--shared" },
	{ USED_BY_TWO, "gpu: c3:00.0", "2 other processes use gpu-0000:c3:00.0", "--shared" },
	{ USED_BY_TWO, "gpu: c3:00.0, shared: no", "2 other processes use gpu-0000:c3:00.0", "--shared" },
	{ USED_BY_TWO, "gpu: c3:00.0, shared: yes", NULL, NULL },
	{ IN_PARTS, "gpu: c3:00.0", "gpu-0000:c3:00.0 is divided", "its parts are mig-MIG-1111, mig-MIG-2222" },
	{ IN_PARTS, "gpu: mig-MIG-2222", NULL, NULL },
	{ LISTED, "gpu: 1b:00.0", "CUDA cannot use gpu-0000:1b:00.0: the NVIDIA driver does not list it",
	  "nvidia-smi -L" },
	{ LISTED, "gpu: 9b:00.0", NULL, NULL },
	{ JOB, "gpu: 43:00.0", "the NVIDIA driver does not list it", "this container or job" },
	{ JOB, "gpu: 9b:00.0", NULL, NULL },
	{ JOB, "gpu: c3:00.0", NULL, NULL },
	{ NONE_LISTED, "gpu: 1b:00.0", NULL, NULL },
	{ OF_INTEL, "gpu: 1b:00.0", "CUDA cannot use gpu-0000:1b:00.0: it is none of NVIDIA's", "another GPU" },
	{ OF_INTEL, "gpu: 9b:00.0", NULL, NULL },
	{ NO_PARTS, "gpu: gpu-0000:c3:00.0", "is divided into parts (MIG)", "it has no parts yet" },
};

static void what_the_state_of_a_gpu_forbids(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		char *text = fl_format("- bench: gpu.h2d\n  with: {%s}\n", states[i].with);
		struct fl_plan_settings settings = { 0 };
		const struct fl_plan_lane *lane;
		struct fl_plan *plan;
		struct rack r;

		rack_init(&r);
		change(&r, states[i].change, &settings);
		plan = plan_of(&r, text, &settings);
		lane = &plan->cases[0].lanes[0];
		if (!states[i].skip != !lane->skip || (lane->skip && !strstr(lane->skip, states[i].skip)))
			fail_msg("%zu: '%s'", i, lane->skip ? lane->skip : "it can be measured");
		if (lane->skip && !strstr(lane->hint, states[i].hint))
			fail_msg("%zu: hint '%s'", i, lane->hint);
		fl_plan_free(plan);
		free(text);
	}
}

static void a_part_beside_another_gpu(void **state)
{
	struct fl_plan *plan;
	struct rack r;

	(void)state;
	rack_init(&r);
	rack_divide(&r);
	plan = plan_of(&r, "- bench: gpu.p2p\n  with: {from: mig-MIG-1111, to: 1b:00.0}\n", NULL);
	assert_non_null(strstr(plan->cases[0].lanes[0].skip, "mig-MIG-1111 is a part of a GPU"));
	assert_non_null(plan->cases[0].lanes[0].hint);
	fl_plan_free(plan);
}

/* ---- an option for a node or a GPU */

static void a_node_or_a_gpu(void **state)
{
	static const struct {
		const char *with, *memory, *skip;
		int node; /* of the lane's CPUs: those near it */
		size_t gpus;
	} rows[] = {
		{ "", "node0", NULL, 0, 0 },
		{ "  with: {memory: node1}\n", "node1", NULL, 1, 0 },
		{ "  with: {memory: 1}\n", "node1", NULL, 1, 0 }, /* a number is that of a node */
		{ "  with: {memory: 9b:00.0}\n", "gpu-0000:9b:00.0", NULL, 1, 1 },
		{ "  with: {memory: GPU-aabb1111}\n", "gpu-0000:43:00.0", "1 other process", 0, 1 },
		{ "  with: {memory: mig-MIG-2222}\n", "mig-MIG-2222", NULL, 1, 1 },
		{ "  with: {memory: c3:00.0}\n", "gpu-0000:c3:00.0", "is divided into parts", 0, 1 },
	};
	struct rack r;

	(void)state;
	rack_init(&r);
	rack_divide(&r);
	r.gpus[1].processes = (struct fl_known){ 1, NULL };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = fl_format("- bench: either\n%s", rows[i].with);
		struct fl_plan *plan = plan_of(&r, text, NULL);
		const struct fl_plan_lane *lane = &plan->cases[0].lanes[0];
		const char *gpus[FL_LANE_GPUS_MAX];

		assert_string_equal(fl_lane_option(lane, "memory"), rows[i].memory);
		if (!rows[i].skip != !lane->skip || (lane->skip && !strstr(lane->skip, rows[i].skip)))
			fail_msg("%zu: '%s'", i, lane->skip ? lane->skip : "it can be measured");
		assert_int_equal(lane->node, rows[i].node);
		assert_int_equal(fl_lane_gpus(lane, &entries[3], gpus), rows[i].gpus);
		fl_plan_free(plan);
		free(text);
	}
}

static void each_node_and_each_gpu(void **state)
{
	static const char *const want[] = {
		"node0", "node1", "gpu-0000:1b:00.0", "gpu-0000:43:00.0", "gpu-0000:9b:00.0", "gpu-0000:c3:00.0"
	};
	struct fl_plan *plan;
	struct rack r;

	(void)state;
	rack_init(&r);
	plan = plan_of(&r, "- bench: either\n  each: [memory]\n", NULL);
	assert_int_equal(plan->cases_n, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < plan->cases_n; i++)
		assert_string_equal(fl_lane_option(&plan->cases[i].lanes[0], "memory"), want[i]);
	fl_plan_free(plan);
}

static void neither_a_node_nor_a_gpu(void **state)
{
	static const char text[] = "- bench: either\n  with: {memory: 2}\n";
	const struct fl_catalog catalog = { .entries = entries, .n = sizeof(entries) / sizeof(entries[0]) };
	struct fl_suite *suite;
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };
	struct rack r;

	(void)state;
	rack_init(&r);
	assert_int_equal(fl_suite_parse(text, strlen(text), "s", "s.yaml", &suite, &err), 0);
	assert_int_equal(fl_plan_make(suite, &catalog, &r.s.m, NULL, &plan, &err), -ENODEV);
	assert_non_null(strstr(err.what, "no node or gpu '2' on this machine"));
	assert_non_null(strstr(err.hint, "node1, gpu-0000:1b:00.0"));
	fl_suite_free(suite);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lanes_that_meet_on_a_gpu_share_a_process),
		cmocka_unit_test(parts_of_a_gpu_are_processes_of_their_own),
		cmocka_unit_test(workers_are_used_again_within_a_round),
		cmocka_unit_test(workers_of_a_stored_plan),
		cmocka_unit_test(what_an_environment_hides),
		cmocka_unit_test(gpus_of_others_are_not_hidden),
		cmocka_unit_test(the_plan_keeps_what_hid_a_gpu),
		cmocka_unit_test(what_the_state_of_a_gpu_forbids),
		cmocka_unit_test(a_part_beside_another_gpu),
		cmocka_unit_test(a_node_or_a_gpu),
		cmocka_unit_test(each_node_and_each_gpu),
		cmocka_unit_test(neither_a_node_nor_a_gpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
