/* SPDX-License-Identifier: Apache-2.0 */
/* test_gpu_paths.c: the hops that copies of GPUs load, their caps, and what is to be expected of them. */
#include "../sample_gpus.h"
#include "judged.h"

#define G0 "gpu-0000:10:00.0"
#define G1 "gpu-0000:11:00.0"
#define G2 "gpu-0000:12:00.0"
#define G4 "gpu-0000:14:00.0"

/* x16 with 256 bytes payload: 58.45 GB/s at 32 GT/s. */
static const double x16 = 58.45e9;

static void near(double value, double want, double within)
{
	if (!(fabs(value - want) <= within))
		fail_msg("%g instead of %g", value, want);
}

/* The only lane of a run over a machine, at that rate. facts: JSON, or NULL. */
static struct fl_run *one(struct sample_gpus *g, const char *bench, const char *options, const char *facts, double rate)
{
	struct fl_run *run = sample_gpu_run(g, NULL);
	struct fl_lane_record *r;

	sample_lane(sample_case(run, bench, 1), bench, options, NULL);
	r = sample_record(run, 0, 0, 0);
	sample_flat(r, "bytes_per_s", rate, 9);
	if (facts) {
		json_decref(r->facts);
		r->facts = json_loads(facts, 0, NULL);
	}
	return run;
}

static const struct fl_hop *hop_of(const struct fl_lane_verdict *v, const char *name)
{
	for (size_t i = 0; i < v->hops_n; i++)
		if (strcmp(v->hops[i].name, name) == 0)
			return &v->hops[i];
	return NULL;
}

/* "A; B; C": the hops in their order. */
static char *names_of(const struct fl_lane_verdict *v)
{
	struct fl_text t = { 0 };

	for (size_t i = 0; i < v->hops_n; i++)
		fl_text_add(&t, "%s%s", i ? "; " : "", v->hops[i].name);
	return t.bytes;
}

static void expect_hops(struct fl_run *run, const char *want)
{
	struct fl_judgement *j = judge(run);
	char *names = names_of(&j->lanes[0]);

	assert_string_equal(names, want);
	free(names);
	fl_judgement_free(j);
	fl_run_free(run);
}

#define SIZE ",\"size\":\"536870912\",\"engine\":\"ce\""

static void test_routes(void **state)
{
	static const struct {
		const char *bench, *options, *facts, *hops;
	} rows[] = {
		{ "gpu.h2d", "{\"gpu\":\"" G0 "\",\"memory\":\"node0\"" SIZE "}", NULL,
		  "DRAM of node0; GPU " G0 " link, towards it; switch 0000:40:00.0 uplink, towards it" },
		{ "gpu.d2h", "{\"gpu\":\"" G0 "\",\"memory\":\"node1\"" SIZE "}", NULL,
		  "GPU " G0 " link; switch 0000:40:00.0 uplink; socket link node0 to node1; DRAM of node1" },
		{ "gpu.bidir", "{\"gpu\":\"" G4 "\",\"memory\":\"node1\"" SIZE "}", NULL,
		  "DRAM of node1; GPU " G4 " link, towards it; switch 0000:60:00.0 uplink, towards it; GPU " G4
		  " link; switch 0000:60:00.0 uplink" },
		{ "gpu.local", "{\"gpu\":\"" G0 "\"" SIZE "}", NULL, "GPU " G0 " memory" },
		/* what both switches pass on stays below the one that they share */
		{ "gpu.p2p", "{\"from\":\"" G0 "\",\"to\":\"" G1 "\",\"direction\":\"one\"" SIZE "}", NULL,
		  "GPU " G0 " link; GPU " G1 " link, towards it" },
		{ "gpu.p2p", "{\"from\":\"" G0 "\",\"to\":\"" G2 "\",\"direction\":\"one\"" SIZE "}", NULL,
		  "GPU " G0 " link; switch 0000:40:00.0 uplink; host bridge, GPU " G0 " to GPU " G2 "; GPU " G2
		  " link, towards it; switch 0000:50:00.0 uplink, towards it" },
		{ "gpu.p2p", "{\"from\":\"" G0 "\",\"to\":\"" G4 "\",\"direction\":\"one\"" SIZE "}", NULL,
		  "GPU " G0 " link; switch 0000:40:00.0 uplink; host bridge, GPU " G0 " to GPU " G4
		  "; socket link node0 to node1; GPU " G4 " link, towards it; switch 0000:60:00.0 uplink, towards it" },
		{ "gpu.p2p", "{\"from\":\"" G0 "\",\"to\":\"" G1 "\",\"direction\":\"one\"" SIZE "}",
		  "{\"peer_access\":\"through host memory\"}",
		  "GPU " G0 " link; switch 0000:40:00.0 uplink; host memory of the driver; GPU " G1
		  " link, towards it; switch 0000:40:00.0 uplink, towards it" },
		{ "gpu.p2p", "{\"from\":\"" G0 "\",\"to\":\"" G1 "\",\"direction\":\"both\"" SIZE "}",
		  "{\"peer_access\":\"direct\"}",
		  "GPU " G0 " link; GPU " G1 " link, towards it; GPU " G1 " link; GPU " G0 " link, towards it" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample_gpus g;

		sample_gpus_init(&g);
		expect_hops(one(&g, rows[i].bench, rows[i].options, rows[i].facts, 1e9), rows[i].hops);
	}
}

static const char *const to_g1 = "{\"from\":\"" G0 "\",\"to\":\"" G1 "\",\"direction\":\"one\"" SIZE "}";
static const char *const from_node0 = "{\"gpu\":\"" G0 "\",\"memory\":\"node0\",\"kind\":\"pinned\"" SIZE "}";

static void test_nvlink(void **state)
{
	struct sample_gpus g;

	(void)state;
	sample_gpus_init(&g);
	sample_nvlinks(&g, 0, 4, G1);
	sample_nvlinks(&g, 1, 4, G0);
	g.links[0][3].up = false;
	expect_hops(one(&g, "gpu.p2p", to_g1, NULL, 60e9), "NVLink " G0 " to " G1);
	sample_gpus_init(&g);
	sample_nvlinks(&g, 0, 18, "switch");
	sample_nvlinks(&g, 1, 18, "switch");
	expect_hops(one(&g, "gpu.p2p", to_g1, NULL, 60e9), "NVLinks of " G0 "; NVLinks of " G1 ", towards it");
	/* one end without: over PCIe */
	g.gpus[1].links_n = 0;
	expect_hops(one(&g, "gpu.p2p", to_g1, NULL, 1e9), "GPU " G0 " link; GPU " G1 " link, towards it");
	/* nobody asked NVML: either may be */
	g.gpus[1].uuid = (struct fl_known_text)SAMPLE_NO_TEXT("no NVML");
	expect_hops(one(&g, "gpu.p2p", to_g1, NULL, 400e9), "GPU " G0 " to GPU " G1);
	sample_gpus_init(&g);
	sample_nvlinks(&g, 0, 10, "cpu");
	expect_hops(one(&g, "gpu.h2d", from_node0, NULL, 200e9),
		    "DRAM of node0; NVLink of GPU " G0 " to the CPU, towards it");
}

static void test_caps(void **state)
{
	struct sample_gpus g;
	struct fl_run *run;
	struct fl_judgement *j;

	(void)state;
	sample_gpus_init(&g);
	sample_nvlinks(&g, 0, 4, G1);
	sample_nvlinks(&g, 1, 4, G0);
	g.links[0][3].up = false;
	run = one(&g, "gpu.p2p", to_g1, NULL, 55e9);
	j = judge(run);
	near(j->lanes[0].cap_bytes_per_s, 75e9, 1);
	assert_int_equal(j->lanes[0].verdict, FL_FAIL);
	fl_judgement_free(j);
	fl_run_free(run);
	run = one(&g, "gpu.local", "{\"gpu\":\"" G0 "\"" SIZE "}", NULL, 1.5e12); /* crosses twice */
	j = judge(run);
	near(j->lanes[0].cap_bytes_per_s, 3.35e12 / 2, 1);
	assert_int_equal(j->lanes[0].verdict, FL_PASS);
	fl_judgement_free(j);
	fl_run_free(run);
	run = one(&g, "gpu.bidir", from_node0, NULL, 100e9); /* both directions have the whole link */
	j = judge(run);
	near(j->lanes[0].cap_bytes_per_s, 2 * x16, 2e7);
	near(hop_of(&j->lanes[0], "GPU " G0 " link")->expected, 0.88, 0);
	assert_int_equal(j->lanes[0].verdict, FL_PASS);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* One lane, what it did, and what that means. */
static void expect(struct sample_gpus *g, const char *bench, const char *options, const char *facts, double rate,
		   enum fl_verdict verdict, const char *reason)
{
	struct fl_run *run = one(g, bench, options, facts, rate);
	struct fl_judgement *j = judge(run);
	const struct fl_lane_verdict *v = &j->lanes[0];

	if (v->verdict != verdict || (reason ? !v->reason || !strstr(v->reason, reason) : v->reason != NULL))
		fail_msg("%s %s: %s: %s", bench, options, fl_verdict_name(v->verdict), v->reason ? v->reason : "-");
	fl_judgement_free(j);
	fl_run_free(run);
}

static void test_verdicts(void **state)
{
	static const char far[] = "{\"from\":\"" G0 "\",\"to\":\"" G4 "\",\"direction\":\"one\"" SIZE "}";
	static const char small[] = "{\"gpu\":\"" G0 "\",\"memory\":\"node0\",\"size\":\"4096\",\"engine\":\"ce\"}";
	static const char by_sm[] =
		"{\"gpu\":\"" G0 "\",\"memory\":\"node0\",\"size\":\"536870912\",\"engine\":\"sm\"}";
	static const char local_by_sm[] = "{\"gpu\":\"" G0 "\",\"size\":\"536870912\",\"engine\":\"sm\"}";
	static const char pull[] =
		"{\"from\":\"" G0 "\",\"to\":\"" G1 "\",\"access\":\"read\",\"direction\":\"one\"" SIZE "}";
	struct sample_gpus g;

	(void)state;
	sample_gpus_init(&g);
	expect(&g, "gpu.h2d", from_node0, NULL, 55e9, FL_PASS, NULL);
	expect(&g, "gpu.h2d", from_node0, NULL, 65e9, FL_VERDICT_INVALID, "more than GPU " G0 " link, towards it");
	/* DRAM was not measured, so that it may be what holds it back */
	expect(&g, "gpu.h2d", from_node0, NULL, 26e9, FL_UNJUDGED, "DRAM of node0 (not measured yet)");
	expect(&g, "gpu.p2p", to_g1, NULL, 50e9, FL_PASS, NULL);
	expect(&g, "gpu.p2p", to_g1, NULL, 25e9, FL_FAIL, "to expect of GPU " G0 " link (computed)");
	expect(&g, "gpu.p2p", pull, NULL, 25e9, FL_UNJUDGED, "what such a path reaches has not been published");
	expect(&g, "gpu.p2p", far, NULL, 25e9, FL_UNJUDGED, "host bridge, GPU " G0 " to GPU " G4 " (not measured yet)");
	expect(&g, "gpu.p2p", to_g1, "{\"peer_access\":\"through host memory\"}", 25e9, FL_UNJUDGED,
	       "host memory of the driver");
	expect(&g, "gpu.h2d", small, NULL, 1e9, FL_UNJUDGED, "only copies of 64 MiB or more are expected to fill it");
	expect(&g, "gpu.h2d", by_sm, NULL, 36e9, FL_PASS, NULL);
	expect(&g, "gpu.h2d", from_node0, "{\"host_memory\":\"pageable\"}", 55e9, FL_UNJUDGED, "buffers of the driver");
	expect(&g, "gpu.local", "{\"gpu\":\"" G0 "\",\"size\":\"1048576\",\"engine\":\"ce\"}", NULL, 4e12, FL_UNJUDGED,
	       "cache of the GPU");
	/* a sound H200 has 0.87 by its copy engine, 0.81 by its multiprocessors */
	expect(&g, "gpu.local", "{\"gpu\":\"" G0 "\"" SIZE "}", NULL, 0.87 * 3.35e12 / 2, FL_PASS, NULL);
	expect(&g, "gpu.local", "{\"gpu\":\"" G0 "\"" SIZE "}", NULL, 0.82 * 3.35e12 / 2, FL_FAIL, "memory (computed)");
	expect(&g, "gpu.local", local_by_sm, NULL, 0.81 * 3.35e12 / 2, FL_PASS, NULL);
	expect(&g, "gpu.local", local_by_sm, NULL, 0.76 * 3.35e12 / 2, FL_FAIL, "memory (computed)");
	g.gpus[0].memory_bytes_per_s = (struct fl_known)SAMPLE_UNKNOWN("no NVML");
	expect(&g, "gpu.local", "{\"gpu\":\"" G0 "\"" SIZE "}", NULL, 4e12, FL_UNJUDGED, "memory (no NVML)");
}

/* A narrow uplink is the hop that is named. */
static void test_uplink(void **state)
{
	struct sample_gpus g;

	(void)state;
	sample_gpus_init(&g);
	g.ports[1].pci.link.gts_now = g.ports[1].pci.link.gts_best = (struct fl_known)SAMPLE_KNOWN(16);
	expect(&g, "gpu.d2h", from_node0, NULL, 20e9, FL_UNJUDGED,
	       "to expect of switch 0000:40:00.0 uplink (computed)");
	expect(&g, "gpu.d2h", from_node0, NULL, 27e9, FL_PASS, NULL);
	/* what the machine does not list may be narrow, too */
	g.gpus[0].pci.upstream = "0000:99:00.0";
	expect(&g, "gpu.d2h", from_node0, NULL, 20e9, FL_UNJUDGED, "PCIe above GPU " G0 " (the machine does not list");
}

static void test_rest(void **state)
{
	struct sample_gpus g;

	(void)state;
	sample_gpus_init(&g);
	g.gpus[0].pci.link.gts_now = (struct fl_known)SAMPLE_KNOWN(2.5);
	expect(&g, "gpu.p2p", to_g1, NULL, 55e9, FL_PASS, NULL);
	expect(&g, "gpu.p2p", to_g1, NULL, 25e9, FL_UNJUDGED,
	       "GPU " G0 " link (computed, loose: it has less while nothing moves");
	/* no more than the port above can do */
	g.ports[2].pci.link.gts_best = (struct fl_known)SAMPLE_KNOWN(16);
	expect(&g, "gpu.p2p", to_g1, NULL, 27e9, FL_PASS, NULL);
}

/* A lane whose GPU's link telemetry saw so: at rest before the window, and in it. valid: it did look there. */
static void see_link(struct fl_run *run, unsigned case_no, const char *gpu, double gen, double lanes, bool valid)
{
	for (unsigned i = 0; i < 2; i++) {
		struct fl_watched *w = fl_run_add_watched(run);

		w->case_no = case_no;
		w->subject = fl_dup(gpu);
		assert_int_equal(fl_series_make(i ? "pcie_lanes" : "pcie_gen", FL_SERIES_SAMPLES, 2, &w->series), 0);
		w->series.at[0] = -1e6;
		w->series.value[0] = 1;
		w->series.at[1] = 1e6;
		w->series.value[1] = i ? lanes : gen;
		w->series.valid[0] = 1;
		w->series.valid[1] = valid;
	}
}

/* A link that was seen to have less under load is held against what its ends can do: to look makes nothing better. */
static void test_trained_down(void **state)
{
	static const struct {
		double gen, lanes, rate;
		bool looked, knows_port;
		enum fl_verdict verdict;
		const char *reason;
	} rows[] = {
		{ 5, 16, 55e9, true, true, FL_PASS, NULL },
		{ 5, 16, 26e9, true, true, FL_FAIL, "to expect of GPU " G0 " link (computed)" },
		{ 5, 8, 26.5e9, true, true, FL_FAIL, "GPU " G0 " link (computed from what its ends can do)" },
		{ 3, 16, 14e9, true, true, FL_FAIL, "GPU " G0 " link (computed from what its ends can do)" },
		{ 5, 8, 26.5e9, true, false, FL_UNJUDGED, "it had less under load, and what its upper end can do" },
		/* it was looked at when it rested, which does not make a good rate a bad one */
		{ 1, 16, 55e9, true, true, FL_PASS, NULL },
		{ 1, 1, 26e9, false, true, FL_UNJUDGED, "it has less while nothing moves" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample_gpus g;
		struct fl_run *run;
		struct fl_judgement *j;
		const struct fl_lane_verdict *v;

		sample_gpus_init(&g);
		g.gpus[0].pci.link.gts_now = (struct fl_known)SAMPLE_KNOWN(2.5);
		if (!rows[i].knows_port)
			g.ports[2].pci.link.lanes_best = (struct fl_known)SAMPLE_UNKNOWN("not said");
		run = one(&g, "gpu.p2p", to_g1, NULL, rows[i].rate);
		see_link(run, 0, G0, rows[i].gen, rows[i].lanes, rows[i].looked);
		j = judge(run);
		v = &j->lanes[0];
		near(v->cap_bytes_per_s, x16, 2e7);
		if (v->verdict != rows[i].verdict || (rows[i].reason && !strstr(v->reason, rows[i].reason)))
			fail_msg("row %zu: %s: %s", i, fl_verdict_name(v->verdict), v->reason ? v->reason : "-");
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

static void test_hypervisor(void **state)
{
	struct sample_gpus g;

	(void)state;
	sample_gpus_init(&g);
	g.gpus[0].pci.link.real = false;
	expect(&g, "gpu.p2p", to_g1, NULL, 200e9, FL_VERDICT_INVALID, "GPU " G1 " link, towards it");
	g.gpus[1].pci.link.real = false;
	expect(&g, "gpu.p2p", to_g1, NULL, 200e9, FL_UNJUDGED, "the PCIe link is emulated, its figures are fiction");
}

/* A part has a share of the engines: its whole GPU's link bounds it, and fails it not. */
static void test_part(void **state)
{
	static const char options[] = "{\"from\":\"mig-1\",\"to\":\"" G1 "\",\"direction\":\"one\"" SIZE "}";
	struct sample_gpus g;

	(void)state;
	sample_gpus_init(&g);
	g.gpus[7] = g.gpus[0];
	g.gpus[7].id = "mig-1";
	g.gpus[7].parent = G0;
	g.gpus[0].mig.value = "on";
	expect(&g, "gpu.p2p", options, NULL, 20e9, FL_UNJUDGED, "GPU " G0 " link (a part of a GPU has but a share");
	expect(&g, "gpu.p2p", options, NULL, 70e9, FL_VERDICT_INVALID, "GPU " G0 " link");
}

static void add_lanes(struct fl_run *run, const char *const *benches, const char *const *options, const double *rates,
		      unsigned n)
{
	unsigned case_no = (unsigned)json_array_size(json_object_get(run->plan, "cases"));
	json_t *c = sample_case(run, "together", 1);

	for (unsigned i = 0; i < n; i++)
		sample_lane(c, benches[i], options[i], NULL);
	for (unsigned i = 0; i < n; i++)
		sample_flat(sample_record(run, case_no, i, 0), "bytes_per_s", rates[i], 9);
}

/* ---- memory that carried more elsewhere in the run is not what holds a lane back */

/* Lane 0: GPU 0 from its node at 26 GB/s; and another case beside it. */
static void expect_with(const char *bench, const char *options, double rate, enum fl_verdict verdict)
{
	struct sample_gpus g;
	struct fl_run *run;
	struct fl_judgement *j;

	sample_gpus_init(&g);
	run = one(&g, "gpu.h2d", from_node0, NULL, 26e9);
	sample_lane(sample_case(run, bench, 1), bench, options, NULL);
	sample_flat(sample_record(run, 1, 0, 0), "bytes_per_s", rate, 9);
	j = judge(run);
	if (j->lanes[0].verdict != verdict)
		fail_msg("%s %s: %s: %s", bench, options, fl_verdict_name(j->lanes[0].verdict), j->lanes[0].reason);
	if (verdict == FL_FAIL) {
		assert_non_null(strstr(j->lanes[0].reason, "to expect of GPU " G0 " link, towards it (computed)"));
		assert_string_equal(j->lanes[0].evidence[3],
				    "not held back by what carried as much elsewhere in this run: DRAM of node0");
	}
	fl_judgement_free(j);
	fl_run_free(run);
}

static void test_carried(void **state)
{
	(void)state;
	expect_with("gpu.h2d", "{\"gpu\":\"" G1 "\",\"memory\":\"node0\",\"size\":\"1073741824\",\"engine\":\"ce\"}",
		    55e9, FL_FAIL);
	expect_with("memory.copy", "{\"memory\":\"node0\",\"size\":\"0\"}", 60e9, FL_FAIL);
	/* too little; of another node; written, not read; perhaps from a cache */
	expect_with("memory.copy", "{\"memory\":\"node0\",\"size\":\"0\"}", 50e9, FL_UNJUDGED);
	expect_with("memory.copy", "{\"memory\":\"node1\",\"size\":\"0\"}", 60e9, FL_UNJUDGED);
	expect_with("gpu.d2h", "{\"gpu\":\"" G1 "\",\"memory\":\"node0\",\"size\":\"1073741824\",\"engine\":\"ce\"}",
		    55e9, FL_UNJUDGED);
	expect_with("memory.copy", "{\"memory\":\"node0\",\"size\":\"1048576\"}", 60e9, FL_UNJUDGED);
}

/* Beside others the memory may be what is short, though it has enough for one. */
static void test_not_carried_beside(void **state)
{
	static const char *const benches[] = { "gpu.h2d", "memory.copy" };
	static const char *const options[] = { "{\"gpu\":\"" G0 "\",\"memory\":\"node0\"" SIZE "}",
					       "{\"memory\":\"node0\",\"size\":\"0\"}" };
	static const double rates[] = { 26e9, 60e9 };
	struct sample_gpus g;
	struct fl_run *run;
	struct fl_judgement *j;

	(void)state;
	sample_gpus_init(&g);
	run = sample_gpu_run(&g, NULL);
	sample_lane(sample_case(run, benches[1], 1), benches[1], options[1], NULL);
	sample_flat(sample_record(run, 0, 0, 0), "bytes_per_s", 90e9, 9);
	add_lanes(run, benches, options, rates, 2);
	j = judge(run);
	assert_int_equal(j->lanes[1].verdict, FL_UNJUDGED);
	assert_non_null(strstr(j->lanes[1].reason, "DRAM of node0 (not measured yet)"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* ---- findings, and the odd one out */

static void expect_finding(struct sample_gpus *g, const char *bench, const char *options, const char *want)
{
	struct fl_run *run = one(g, bench, options, NULL, 10e9);
	struct fl_judgement *j = judge(run);
	const struct fl_lane_verdict *v = &j->lanes[0];

	if (v->findings_n != (want ? 1 : 0) || (want && strcmp(v->findings[0], want) != 0))
		fail_msg("%zu: '%s'", v->findings_n, v->findings_n ? v->findings[0] : "-");
	fl_judgement_free(j);
	fl_run_free(run);
}

static void test_findings(void **state)
{
	static const char far[] = "{\"gpu\":\"" G0 "\",\"memory\":\"node1\"" SIZE "}";
	struct sample_gpus g;

	(void)state;
	sample_gpus_init(&g);
	expect_finding(&g, "gpu.h2d", from_node0, NULL);
	expect_finding(&g, "gpu.h2d", far,
		       "the memory is far, on another node than the GPU: it is slower than near memory as a rule");
	g.gpus[0].pci.link.gts_now = (struct fl_known)SAMPLE_KNOWN(2.5); /* it rests */
	expect_finding(&g, "gpu.h2d", from_node0, NULL);
	g.gpus[0].pci.link.lanes_now = (struct fl_known)SAMPLE_KNOWN(4);
	expect_finding(&g, "gpu.h2d", from_node0,
		       "GPU " G0
		       " link is trained down: it has 32 GT/s x4 while nothing moves, its ends can do 32 GT/s x16");
	sample_gpus_init(&g);
	g.ports[1].pci.link.gts_now = (struct fl_known)SAMPLE_KNOWN(16);
	expect_finding(
		&g, "gpu.bidir", from_node0,
		"switch 0000:40:00.0 uplink is trained down: it has 16 GT/s x16 while nothing moves, its ends can do "
		"32 GT/s x16");
	g.ports[1].pci.link.real = false;
	expect_finding(&g, "gpu.bidir", from_node0, NULL);
	sample_gpus_init(&g);
	sample_nvlinks(&g, 0, 18, "switch");
	sample_nvlinks(&g, 1, 18, "switch");
	g.links[1][7].up = false;
	expect_finding(&g, "gpu.p2p", to_g1, "1 of the 18 NVLinks of " G1 " are down");
}

/* One of eight, and pairs that are not alike. */
static void test_odd(void **state)
{
	static const double rates[SAMPLE_GPUS] = { 55e9, 56e9, 26.5e9, 54e9, 55e9, 55e9, 57e9, 53e9 };
	struct sample_gpus g;
	struct fl_run *run;
	struct fl_judgement *j;

	(void)state;
	sample_gpus_init(&g);
	run = sample_gpu_run(&g, NULL);
	see_link(run, 2, G2, 5, 8, true); /* a link that lost lanes takes no GPU out of its group */
	for (unsigned i = 0; i < SAMPLE_GPUS; i++) {
		char options[160];

		snprintf(options, sizeof(options), "{\"gpu\":\"%s\",\"memory\":\"node%u\"" SIZE "}", g.ids[i], i / 4);
		sample_lane(sample_case(run, "gpu.h2d", 1), "gpu.h2d", options, NULL);
		sample_flat(sample_record(run, i, 0, 0), "bytes_per_s", rates[i], 9);
	}
	sample_lane(sample_case(run, "gpu.h2d", 1), "gpu.h2d", "{\"gpu\":\"" G0 "\",\"memory\":\"node1\"" SIZE "}",
		    NULL);
	sample_flat(sample_record(run, SAMPLE_GPUS, 0, 0), "bytes_per_s", 30e9, 9);
	j = judge(run);
	for (unsigned i = 0; i < SAMPLE_GPUS; i++) {
		assert_int_equal(j->lanes[i].alike.n, SAMPLE_GPUS);
		assert_int_equal(j->lanes[i].alike.odd, i == 2 ? FL_ODD_WORSE : FL_ODD_NOT);
		near(j->lanes[i].alike.median, 55e9, 1);
	}
	assert_int_equal(j->lanes[SAMPLE_GPUS].alike.n, 0); /* far memory: another path */
	fl_judgement_free(j);
	fl_run_free(run);
}

/* ---- lanes beside each other */

/* All GPUs below one uplink share it. */
static void test_shared_uplink(void **state)
{
	static const char *const benches[] = { "gpu.d2h", "gpu.d2h" };
	static const char *const options[] = { "{\"gpu\":\"" G0 "\",\"memory\":\"node0\"" SIZE "}",
					       "{\"gpu\":\"" G1 "\",\"memory\":\"node0\"" SIZE "}" };
	static const double fair[] = { 27e9, 28e9 }, much[] = { 40e9, 40e9 };
	struct sample_gpus g;

	(void)state;
	sample_gpus_init(&g);
	for (unsigned i = 0; i < 2; i++) {
		struct fl_run *run = sample_gpu_run(&g, NULL);
		struct fl_judgement *j;

		add_lanes(run, benches, options, i ? much : fair, 2);
		j = judge(run);
		assert_int_equal(j->lanes[1].verdict, i ? FL_VERDICT_INVALID : FL_UNJUDGED);
		if (i)
			assert_non_null(strstr(j->lanes[0].reason,
					       "2 lanes together put 80.0 GB/s on switch 0000:40:00.0 "
					       "uplink"));
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* A lane's device was at work in that share of the window only. */
static void pause_lane(struct fl_run *run, unsigned case_no, unsigned lane, double ratio)
{
	for (size_t i = 0; i < run->lanes_n; i++)
		if (run->lanes[i].case_no == case_no && run->lanes[i].lane == lane)
			json_object_set_new(run->lanes[i].notes, "device_work_ratio", json_real(ratio));
}

/* Lanes that take turns put no more on a hop than it carries, though each has all of it while it is at work; and what
 * each has then may be its part of a full hop. */
static void test_turns(void **state)
{
	static const char *const benches[] = { "gpu.d2h", "gpu.d2h" };
	static const char *const options[] = { "{\"gpu\":\"" G0 "\",\"memory\":\"node0\"" SIZE "}",
					       "{\"gpu\":\"" G1 "\",\"memory\":\"node0\"" SIZE "}" };
	static const struct {
		double rate, ratio, busy; /* busy 0: nothing is known of it */
		enum fl_verdict verdict;
	} rows[] = {
		{ 40e9, 1, 0, FL_VERDICT_INVALID },	 { 40e9, 0.7, 0, FL_UNJUDGED },
		{ 40e9, 0.9, 0, FL_VERDICT_INVALID },	 { 28e9, 0.6, 0, FL_UNJUDGED },
		{ 40e9, 0.7, 0.95, FL_VERDICT_INVALID }, { 40e9, 0.5, 0.7, FL_UNJUDGED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const double rates[] = { rows[i].rate, rows[i].rate };
		struct sample_gpus g;
		struct fl_run *run;
		struct fl_judgement *j;

		sample_gpus_init(&g);
		run = sample_gpu_run(&g, NULL);
		add_lanes(run, benches, options, rates, 2);
		pause_lane(run, 0, 0, rows[i].ratio);
		pause_lane(run, 0, 1, rows[i].ratio);
		for (size_t k = 0; k < run->lanes_n && rows[i].busy > 0; k++)
			json_object_set_new(run->lanes[k].notes, "device_busy_ratio", json_real(rows[i].busy));
		j = judge(run);
		if (j->lanes[1].verdict != rows[i].verdict)
			fail_msg("row %zu: %s: %s", i, fl_verdict_name(j->lanes[1].verdict), j->lanes[1].reason);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* Nor does memory carry what lanes that take turns have in all. */
static void test_carried_in_turns(void **state)
{
	static const char *const benches[] = { "gpu.h2d", "gpu.h2d" };
	static const char *const options[] = { "{\"gpu\":\"" G0
					       "\",\"memory\":\"node0\",\"size\":\"1073741824\",\"engine\":\"ce\"}",
					       "{\"gpu\":\"" G2
					       "\",\"memory\":\"node0\",\"size\":\"1073741824\",\"engine\":\"ce\"}" };
	static const double rates[] = { 30e9, 30e9 };

	(void)state;
	for (unsigned turns = 0; turns < 2; turns++) {
		struct sample_gpus g;
		struct fl_run *run;
		struct fl_judgement *j;

		sample_gpus_init(&g);
		run = one(&g, "gpu.h2d", from_node0, NULL, 26e9);
		add_lanes(run, benches, options, rates, 2);
		for (unsigned i = 0; i < 2; i++)
			pause_lane(run, 1, i, turns ? 0.5 : 1);
		j = judge(run);
		assert_int_equal(j->lanes[0].verdict, turns ? FL_UNJUDGED : FL_FAIL);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* Each GPU of a switch of NVLinks has its own, in each direction, for all its peers. */
static void test_shared_nvlink(void **state)
{
	static const char *const benches[] = { "gpu.p2p", "gpu.p2p" };
	static const char *const options[] = {
		"{\"from\":\"" G0 "\",\"to\":\"" G1 "\",\"direction\":\"one\"" SIZE "}",
		"{\"from\":\"" G0 "\",\"to\":\"" G2 "\",\"direction\":\"one\"" SIZE "}",
	};
	static const double rates[] = { 190e9, 200e9 };
	struct sample_gpus g;
	struct fl_run *run;
	struct fl_judgement *j;

	(void)state;
	sample_gpus_init(&g);
	for (unsigned i = 0; i < 3; i++)
		sample_nvlinks(&g, i, 18, "switch");
	run = sample_gpu_run(&g, NULL);
	add_lanes(run, benches, options, rates, 2);
	j = judge(run);
	assert_int_equal(j->lanes[0].verdict, FL_UNJUDGED);
	assert_non_null(strstr(j->lanes[0].reason, "it shares NVLinks of " G0 " with 1 more"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* What a lane beside it sends the other way costs it more than was ever published. */
static void test_opposite(void **state)
{
	static const char *const benches[] = { "gpu.p2p", "gpu.p2p" };
	static const char *const options[] = {
		"{\"from\":\"" G0 "\",\"to\":\"" G1 "\",\"direction\":\"one\"" SIZE "}",
		"{\"from\":\"" G1 "\",\"to\":\"" G0 "\",\"direction\":\"one\"" SIZE "}",
	};
	static const double rates[] = { 20e9, 50e9 };
	struct sample_gpus g;
	struct fl_run *run;
	struct fl_judgement *j;

	(void)state;
	sample_gpus_init(&g);
	run = sample_gpu_run(&g, NULL);
	add_lanes(run, benches, options, rates, 2);
	j = judge(run);
	assert_int_equal(j->lanes[0].verdict, FL_UNJUDGED);
	assert_non_null(strstr(j->lanes[0].reason, "the other direction of GPU " G0 " link is loaded, too"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Of two GPUs each is named, however often something was seen of it. */
static void test_distrust_of_each(void **state)
{
	static const char *const said[] = { "Xid 79 of " G0 " in the window", "Xid 79 of " G1 " in the window",
					    "Xid 13 of " G1 " in the window" };
	struct sample_gpus g;
	struct fl_run *run;
	struct fl_judgement *j;

	(void)state;
	sample_gpus_init(&g);
	run = one(&g, "gpu.p2p", to_g1, NULL, 50e9);
	for (unsigned i = 0; i < 3; i++)
		json_array_append_new(run->lanes[0].distrust, json_string(said[i]));
	j = judge(run);
	assert_int_equal(j->lanes[0].distrust_n, 2);
	assert_string_equal(j->lanes[0].distrust[0], said[0]);
	assert_string_equal(j->lanes[0].distrust[1], "Xid 79 of " G1 " in the window (and much the same 1 more time)");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Without a switch of NVLinks every pair of GPUs has its own. */
static void test_mesh(void **state)
{
	static const char *const benches[] = { "gpu.p2p", "gpu.p2p" };
	static const char *const ways[] = {
		"{\"from\":\"" G2 "\",\"to\":\"" G0 "\",\"direction\":\"one\"" SIZE "}",
		"{\"from\":\"" G1 "\",\"to\":\"" G0 "\",\"direction\":\"one\"" SIZE "}",
	};
	static const double rates[] = { 40e9, 90e9 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const char *options[] = { to_g1, ways[i] };
		struct sample_gpus g;
		struct fl_run *run;
		struct fl_judgement *j;

		sample_gpus_init(&g);
		sample_nvlinks(&g, 0, 4, G1);
		sample_nvlinks(&g, 0, 4, G2);
		sample_nvlinks(&g, 1, 4, G0);
		sample_nvlinks(&g, 2, 4, G0);
		run = sample_gpu_run(&g, NULL);
		add_lanes(run, benches, options, rates, 2);
		j = judge(run);
		if (j->lanes[0].verdict != (i ? FL_UNJUDGED : FL_FAIL))
			fail_msg("%u: %s: %s", i, fl_verdict_name(j->lanes[0].verdict), j->lanes[0].reason);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* ---- the command of nvbandwidth, as the benchmarks declare it: where it measures the same one thing */

static void declare_real(struct fl_run *run, const char *bench)
{
	struct fl_catalog *catalog;
	const struct fl_entry *entry;
	struct fl_err err = { 0 };

	assert_int_equal(fl_catalog_load(BUILD_DIR "/share/feedline/manifests", &catalog, &err), 0);
	assert_int_equal(fl_catalog_find(catalog, bench, &entry, &err), 0);
	json_object_set_new(run->declared, bench, fl_entry_json(entry));
	fl_catalog_free(catalog);
}

static void test_peer(void **state)
{
	static const char h2d[] = "{\"gpu\":\"" G0 "\",\"memory\":\"node0\",\"kind\":\"pinned\"" SIZE "}";
	static const char far[] = "{\"gpu\":\"" G0 "\",\"memory\":\"node1\",\"kind\":\"pinned\"" SIZE "}";
	static const char pageable[] = "{\"gpu\":\"" G0 "\",\"memory\":\"node0\",\"kind\":\"pageable\"" SIZE "}";
	static const char small[] = "{\"gpu\":\"" G0 "\",\"memory\":\"node0\",\"kind\":\"pinned\",\"size\":\"4096\","
				    "\"engine\":\"ce\"}";
	static const char sm[] = "{\"gpu\":\"" G0 "\",\"memory\":\"node0\",\"kind\":\"pinned\",\"size\":\"1048576\","
				 "\"engine\":\"sm\"}";
	static const struct {
		const char *bench, *options, *facts;
		unsigned gpus;
		const char *command; /* NULL: none */
	} rows[] = {
		{ "gpu.h2d", h2d, "{\"host_memory\":\"pinned\"}", 1, "nvbandwidth -t host_to_device_memcpy_ce -b 512" },
		{ "gpu.d2h", sm, "{\"host_memory\":\"pinned\"}", 1, "nvbandwidth -t device_to_host_memcpy_sm -b 1" },
		{ "gpu.local", h2d, NULL, 1, "nvbandwidth -t device_local_copy -b 512" },
		{ "gpu.local", sm, NULL, 1, NULL },
		{ "gpu.h2d", h2d, "{\"host_memory\":\"pinned\"}", 2, NULL },
		{ "gpu.h2d", far, "{\"host_memory\":\"pinned\"}", 1, NULL },
		{ "gpu.h2d", small, "{\"host_memory\":\"pinned\"}", 1, NULL },
		{ "gpu.h2d", h2d, "{\"host_memory\":\"pinned, huge pages\"}", 1,
		  "nvbandwidth -t host_to_device_memcpy_ce -b 512" },
		{ "gpu.h2d", pageable, "{\"host_memory\":\"pageable\"}", 1, NULL },
		{ "gpu.bidir", h2d, "{\"host_memory\":\"pinned\"}", 1, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample_gpus g;
		struct fl_run *run;
		struct fl_judgement *j;
		const char *command;

		sample_gpus_init(&g);
		g.s.m.gpus_n = rows[i].gpus;
		run = one(&g, rows[i].bench, rows[i].options, rows[i].facts, 1e9);
		declare_real(run, rows[i].bench);
		j = judge(run);
		command = j->lanes[0].peer.command;
		if (rows[i].command ? !command || strcmp(command, rows[i].command) != 0 : command != NULL)
			fail_msg("row %zu: '%s'", i, command ? command : "-");
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_nvlink),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_uplink),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_hypervisor),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_shared_uplink),
		cmocka_unit_test(test_shared_nvlink),
		cmocka_unit_test(test_opposite),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_carried),
		cmocka_unit_test(test_not_carried_beside),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_trained_down),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_carried_in_turns),
		cmocka_unit_test(test_mesh),
		cmocka_unit_test(test_distrust_of_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
