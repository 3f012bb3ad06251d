/* SPDX-License-Identifier: Apache-2.0 */
/* sample_gpus.h: a machine of eight GPUs and the benchmarks that measure them, made in code, for the tests of plan,
 * judge and reports.
 *
 * The machine: the two nodes of sample.h with CPUs 0-7 and 8-15; four switches with two GPUs each, GPU 2k and 2k + 1
 * below switch k, switches 0 and 1 on node0. GPU i is "gpu-0000:<10 + i>:00.0", switch k has the upstream port
 * "0000:<k + 4>0:00.0" below the root port "0000:0<k>:01.0". All links are PCIe 5.0 x16 with 256 bytes payload and do
 * not rest. There are no NVLinks, which NVML has said. */
#ifndef FL_TESTS_SAMPLE_GPUS_H
#define FL_TESTS_SAMPLE_GPUS_H
#include "sample_run.h"
#include <stdio.h>

enum { SAMPLE_GPUS = 8, SAMPLE_SWITCHES = 4, SAMPLE_LINKS = 18 };

struct sample_gpus {
	struct sample_machine s;
	struct fl_gpu gpus[SAMPLE_GPUS];
	struct fl_port ports[4 * SAMPLE_SWITCHES]; /* of each switch: root port, upstream, two downstream */
	struct fl_gpu_link links[SAMPLE_GPUS][SAMPLE_LINKS];
	char ids[SAMPLE_GPUS][24], at[SAMPLE_GPUS][24], uuids[SAMPLE_GPUS][24];
	char addresses[4 * SAMPLE_SWITCHES][24];
};

static inline struct fl_pcie_link sample_x16(void)
{
	return (struct fl_pcie_link){ .gts_now = SAMPLE_KNOWN(32),
				      .gts_best = SAMPLE_KNOWN(32),
				      .lanes_now = SAMPLE_KNOWN(16),
				      .lanes_best = SAMPLE_KNOWN(16),
				      .max_payload_bytes = SAMPLE_KNOWN(256),
				      .real = true };
}

static inline struct fl_pci sample_pci(char *address, char *upstream, int node)
{
	return (struct fl_pci){ .address = address,
				.vendor = "0x10de",
				.device = "0x2330",
				.upstream = upstream,
				.node = node,
				.link = sample_x16() };
}

static inline void sample_switch(struct sample_gpus *g, unsigned k)
{
	struct fl_port *ports = &g->ports[4 * k];
	char(*at)[24] = &g->addresses[4 * k];
	int node = (int)k / 2;

	snprintf(at[0], sizeof(at[0]), "0000:0%u:01.0", k);
	snprintf(at[1], sizeof(at[1]), "0000:%u0:00.0", k + 4);
	snprintf(at[2], sizeof(at[2]), "0000:%u1:00.0", k + 4);
	snprintf(at[3], sizeof(at[3]), "0000:%u1:01.0", k + 4);
	ports[0].pci = sample_pci(at[0], NULL, node);
	ports[1].pci = sample_pci(at[1], at[0], node);
	ports[2].pci = sample_pci(at[2], at[1], node);
	ports[3].pci = sample_pci(at[3], at[1], node);
}

static inline void sample_gpu(struct sample_gpus *g, unsigned i)
{
	struct fl_gpu *gpu = &g->gpus[i];
	int node = (int)i / 4;

	snprintf(g->at[i], sizeof(g->at[i]), "0000:%u:00.0", i + 10);
	snprintf(g->ids[i], sizeof(g->ids[i]), "gpu-0000:%u:00.0", i + 10);
	snprintf(g->uuids[i], sizeof(g->uuids[i]), "GPU-0000000%u", i);
	*gpu = sample_gpu_at(g->ids[i], g->at[i], g->uuids[i], node);
	gpu->driver = (struct fl_known_text){ .value = "nvidia" };
	gpu->firmware = (struct fl_known_text){ .value = "96.00" };
	gpu->ecc = (struct fl_known_text){ .value = "on" };
	gpu->memory_bytes = (struct fl_known)SAMPLE_KNOWN(80e9);
	gpu->memory_bytes_per_s = (struct fl_known)SAMPLE_KNOWN(3.35e12);
	gpu->pending_repairs = (struct fl_known)SAMPLE_KNOWN(0);
	gpu->power_limit_w = (struct fl_known)SAMPLE_KNOWN(700);
	gpu->clock_max_hz = (struct fl_known)SAMPLE_KNOWN(1.98e9);
	gpu->pci = sample_pci(g->at[i], g->addresses[4 * (i / 2) + 2 + i % 2], node);
	gpu->links = g->links[i];
}

static inline void sample_gpus_init(struct sample_gpus *g)
{
	*g = (struct sample_gpus){ 0 };
	sample_machine_init(&g->s);
	g->s.nodes[0].cpus = (struct fl_cpus){ { 0x00ff } };
	g->s.nodes[1].cpus = (struct fl_cpus){ { 0xff00 } };
	g->s.m.cpus = g->s.m.limits.cpus = (struct fl_cpus){ { 0xffff } };
	for (unsigned k = 0; k < SAMPLE_SWITCHES; k++)
		sample_switch(g, k);
	for (unsigned i = 0; i < SAMPLE_GPUS; i++)
		sample_gpu(g, i);
	g->s.m.gpus = g->gpus;
	g->s.m.gpus_n = SAMPLE_GPUS;
	g->s.m.ports = g->ports;
	g->s.m.ports_n = sizeof(g->ports) / sizeof(g->ports[0]);
	g->s.m.gpu_driver = (struct fl_known_text){ .value = "580.82.07" };
	g->s.m.cuda = (struct fl_known_text){ .value = "13.0" };
}

/* GPU i gets n NVLinks of 25 GB/s to a peer. */
static inline void sample_nvlinks(struct sample_gpus *g, unsigned i, unsigned n, char *peer)
{
	for (unsigned k = 0; k < n; k++) {
		struct fl_gpu_link *link = &g->links[i][g->gpus[i].links_n++];

		*link = (struct fl_gpu_link){ .number = (unsigned)g->gpus[i].links_n - 1,
					      .up = true,
					      .peer = { .value = peer },
					      .bytes_per_s = SAMPLE_KNOWN(25e9) };
	}
}

/* ---- the benchmarks, as benchmarks/gpu declares them */

static struct fl_field sample_h2d_fields[] = {
	{ .name = "gpu", .type = FL_DEVICE, .range = "gpu", .help = "which GPU" },
	{ .name = "memory", .type = FL_DEVICE, .preset = "local", .range = "node", .help = "node of the host memory" },
	{ .name = "size", .type = FL_BYTES, .preset = "512MiB", .range = "4KiB..16GiB", .help = "bytes of one copy" },
	{ .name = "engine", .type = FL_CHOICE, .preset = "ce", .range = "ce|sm", .help = "what copies" },
	{ .name = "kind",
	  .type = FL_CHOICE,
	  .preset = "pinned",
	  .range = "pinned|pageable|write_combined|huge",
	  .help = "kind of the host memory" },
	{ 0 },
};
static struct fl_field sample_p2p_fields[] = {
	{ .name = "from", .type = FL_DEVICE, .range = "gpu", .help = "source" },
	{ .name = "to", .type = FL_DEVICE, .range = "gpu", .help = "sink" },
	{ .name = "size", .type = FL_BYTES, .preset = "512MiB", .range = "4KiB..16GiB", .help = "bytes of one copy" },
	{ .name = "engine", .type = FL_CHOICE, .preset = "ce", .range = "ce|sm", .help = "what copies" },
	{ .name = "access", .type = FL_CHOICE, .preset = "write", .range = "write|read", .help = "who moves" },
	{ .name = "direction", .type = FL_CHOICE, .preset = "one", .range = "one|both", .help = "directions" },
	{ 0 },
};
static struct fl_field sample_local_fields[] = {
	{ .name = "gpu", .type = FL_DEVICE, .range = "gpu", .help = "which GPU" },
	{ .name = "size", .type = FL_BYTES, .preset = "512MiB", .range = "4KiB..16GiB", .help = "bytes of one copy" },
	{ .name = "engine", .type = FL_CHOICE, .preset = "ce", .range = "ce|sm", .help = "what copies" },
	{ 0 },
};
static struct fl_field sample_latency_fields[] = {
	{ .name = "gpu", .type = FL_DEVICE, .range = "gpu", .help = "which GPU" },
	{ 0 },
};
static struct fl_field sample_latency_host_fields[] = {
	{ .name = "gpu", .type = FL_DEVICE, .range = "gpu", .help = "which GPU" },
	{ .name = "memory", .type = FL_DEVICE, .preset = "local", .range = "node", .help = "node of the host memory" },
	{ 0 },
};
static struct fl_field sample_latency_peer_fields[] = {
	{ .name = "gpu", .type = FL_DEVICE, .range = "gpu", .help = "which GPU" },
	{ .name = "peer", .type = FL_DEVICE, .range = "gpu", .help = "whose memory" },
	{ 0 },
};
static struct fl_metric sample_access_metrics[] = {
	{ "access_ns", FL_STEP_NS, FL_LOWER, "time of one access" },
	{ 0 },
};
static struct fl_metric sample_launch_metrics[] = {
	{ "launch_ns", FL_DISTRIBUTION, FL_LOWER, "from the call to the end" },
	{ "launches_per_s", FL_RATE_OPS, FL_HIGHER, "launches" },
	{ 0 },
};
static struct fl_fact sample_gpu_facts[] = {
	{ "host_memory", true, "what was obtained" },
	{ "peer_access", true, "how one reaches the other" },
	{ 0 },
};
static struct fl_flow sample_h2d_flows[] = { { "memory", "gpu", 1, NULL }, { 0 } };
static struct fl_flow sample_d2h_flows[] = { { "gpu", "memory", 1, NULL }, { 0 } };
static struct fl_flow sample_bidir_flows[] = {
	{ "memory", "gpu", 0.5, NULL },
	{ "gpu", "memory", 0.5, NULL },
	{ 0 },
};
static struct fl_flow sample_p2p_flows[] = {
	{ "from", "to", 1, "direction=one" },
	{ "from", "to", 0.5, "direction=both" },
	{ "to", "from", 0.5, "direction=both" },
	{ 0 },
};
static struct fl_flow sample_local_flows[] = { { "gpu", "gpu", 2, NULL }, { 0 } };

#define SAMPLE_GPU(bench, near, its_fields, its_metrics, its_flows)                                                    \
	{                                                                                                              \
		.name = (bench), .summary = "of a GPU", .program = "feedline-lane-cuda", .numa = (near),               \
		.verifies = true, .fields = (its_fields), .metrics = (its_metrics), .facts = sample_gpu_facts,         \
		.flows = (its_flows),                                                                                  \
	}

static struct fl_entry sample_gpu_entries[] = {
	SAMPLE_GPU("gpu.bidir", "gpu", sample_h2d_fields, sample_copy_metrics, sample_bidir_flows),
	SAMPLE_GPU("gpu.d2h", "gpu", sample_h2d_fields, sample_copy_metrics, sample_d2h_flows),
	SAMPLE_GPU("gpu.h2d", "gpu", sample_h2d_fields, sample_copy_metrics, sample_h2d_flows),
	SAMPLE_GPU("gpu.latency", "gpu", sample_latency_fields, sample_access_metrics, sample_no_flows),
	SAMPLE_GPU("gpu.latency_host", "gpu", sample_latency_host_fields, sample_access_metrics, sample_no_flows),
	SAMPLE_GPU("gpu.latency_peer", "gpu", sample_latency_peer_fields, sample_access_metrics, sample_no_flows),
	SAMPLE_GPU("gpu.launch", "gpu", sample_latency_fields, sample_launch_metrics, sample_no_flows),
	SAMPLE_GPU("gpu.local", "gpu", sample_local_fields, sample_copy_metrics, sample_local_flows),
	SAMPLE_GPU("gpu.p2p", "from", sample_p2p_fields, sample_copy_metrics, sample_p2p_flows),
};

static inline struct fl_catalog sample_gpu_catalog(void)
{
	return (struct fl_catalog){ .entries = sample_gpu_entries,
				    .n = sizeof(sample_gpu_entries) / sizeof(sample_gpu_entries[0]) };
}

/* An empty run on that machine, with these benchmarks declared. */
static inline struct fl_run *sample_gpu_run(struct sample_gpus *g, const char *require)
{
	struct fl_run *run = sample_run_new(false, require);
	struct fl_catalog catalog = sample_gpu_catalog();

	json_decref(run->machine);
	run->machine = fl_machine_json(&g->s.m);
	for (size_t i = 0; i < catalog.n; i++)
		json_object_set_new(run->declared, catalog.entries[i].name, fl_entry_json(&catalog.entries[i]));
	return run;
}

#endif
