/* SPDX-License-Identifier: Apache-2.0 */
/* sample.h: a small machine and a small catalog, made in code, for the tests of plan, judge and reports.
 *
 * The machine: node0 with CPUs 0-1 and drive vda (virtio, no PCIe figures), node1 with CPUs 2-3 and drive nvme-S1
 * (PCIe 4.0 x4, 256 bytes payload), "/" on vda, "/data" on nvme-S1, "/tmp" in memory. All its CPUs are allowed. */
#ifndef FL_TESTS_SAMPLE_H
#define FL_TESTS_SAMPLE_H
#include "catalog/catalog.h"
#include "machine/machine.h"
#include <math.h>

struct sample_machine {
	struct fl_machine m;
	struct fl_node nodes[2];
	unsigned distances[2][2];
	struct fl_drive drives[2];
	struct fl_mount mounts[3];
};

#define SAMPLE_KNOWN(v)                                                                                                \
	{                                                                                                              \
		.value = (v)                                                                                           \
	}
#define SAMPLE_UNKNOWN(reason)                                                                                         \
	{                                                                                                              \
		.value = NAN, .why = (reason)                                                                          \
	}
#define SAMPLE_NO_TEXT(reason)                                                                                         \
	{                                                                                                              \
		.why = (reason)                                                                                        \
	}

static inline struct fl_node sample_node(int number, char *id, uint64_t cpus, unsigned *distances)
{
	return (struct fl_node){ .id = id,
				 .number = number,
				 .kind = FL_NODE_DRAM,
				 .cpus = { { cpus } },
				 .memory_bytes = SAMPLE_KNOWN(8.0 * (1 << 30)),
				 .distances = distances };
}

static inline struct fl_drive sample_vda(void)
{
	return (struct fl_drive){ .id = "vda",
				  .block = "vda",
				  .path = "/dev/vda",
				  .dev = "254:0",
				  .model = SAMPLE_NO_TEXT("virtio"),
				  .serial = SAMPLE_NO_TEXT("virtio"),
				  .firmware = SAMPLE_NO_TEXT("virtio"),
				  .bytes = SAMPLE_KNOWN(1e11),
				  .kind = "virtio",
				  .pci = { .node = -1 },
				  .node = SAMPLE_KNOWN(0) };
}

static inline struct fl_drive sample_nvme(void)
{
	return (struct fl_drive){ .id = "nvme-S1",
				  .block = "nvme0n1",
				  .path = "/dev/nvme0n1",
				  .dev = "259:0",
				  .model = { .value = "Example 1" },
				  .serial = { .value = "S1" },
				  .firmware = { .value = "F1" },
				  .bytes = SAMPLE_KNOWN(4e12),
				  .kind = "nvme",
				  .pci = { .address = "0000:41:00.0",
					   .vendor = "0x0001",
					   .device = "0x0002",
					   .node = 1,
					   .link = { .gts_now = SAMPLE_KNOWN(16),
						     .gts_best = SAMPLE_KNOWN(16),
						     .lanes_now = SAMPLE_KNOWN(4),
						     .lanes_best = SAMPLE_KNOWN(4),
						     .max_payload_bytes = SAMPLE_KNOWN(256),
						     .real = true } },
				  .node = SAMPLE_KNOWN(1) };
}

static inline void sample_machine_init(struct sample_machine *s)
{
	*s = (struct sample_machine){ .distances = { { 10, 21 }, { 21, 10 } } };
	s->nodes[0] = sample_node(0, "node0", 0x3, s->distances[0]);
	s->nodes[1] = sample_node(1, "node1", 0xc, s->distances[1]);
	s->drives[0] = sample_vda();
	s->drives[1] = sample_nvme();
	s->mounts[0] = (struct fl_mount){ .at = "/", .type = "ext4", .dev = "254:0", .source = "/dev/vda" };
	s->mounts[1] = (struct fl_mount){ .at = "/data", .type = "xfs", .dev = "259:0", .source = "/dev/nvme0n1" };
	s->mounts[2] = (struct fl_mount){ .at = "/tmp", .type = "tmpfs", .dev = "0:40", .source = "tmpfs" };
	s->m = (struct fl_machine){ .host = "sample",
				    .kernel = "6.1.0",
				    .arch = "x86_64",
				    .cpu_model = "Example CPU",
				    .boot_id = "00000000-0000-0000-0000-000000000001",
				    .hypervisor = SAMPLE_NO_TEXT("bare metal"),
				    .bare_metal = true,
				    .cpus = { { 0xf } },
				    .nodes = s->nodes,
				    .nodes_n = 2,
				    .drives = s->drives,
				    .drives_n = 2,
				    .mounts = s->mounts,
				    .mounts_n = 3,
				    .limits = { .cpus = { { 0xf } },
						.cpu_quota = SAMPLE_UNKNOWN("no limit"),
						.memory_bytes = SAMPLE_UNKNOWN("no limit"),
						.memlock_bytes = SAMPLE_UNKNOWN("unlimited"),
						.cgroup_version = SAMPLE_KNOWN(2) } };
}

static struct fl_field sample_no_fields[] = { { 0 } };
static struct fl_fact sample_no_facts[] = { { 0 } };
static struct fl_flow sample_no_flows[] = { { 0 } };

static struct fl_field sample_copy_fields[] = {
	{ .name = "memory", .type = FL_DEVICE, .range = "node", .help = "node of both buffers" },
	{ .name = "size", .type = FL_BYTES, .preset = "64MiB", .range = "4KiB..1TiB", .help = "bytes of each buffer" },
	{ 0 },
};
static struct fl_metric sample_copy_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload copied" },
	{ 0 },
};
static struct fl_flow sample_copy_flows[] = { { "memory", "cpu", 1, NULL }, { "cpu", "memory", 1, NULL }, { 0 } };

static struct fl_field sample_read_fields[] = {
	{ .name = "path", .type = FL_PATH, .help = "file or block device" },
	{ .name = "block", .type = FL_BYTES, .preset = "1MiB", .range = "512..64MiB", .help = "bytes per read" },
	{ .name = "depth", .type = FL_COUNT, .preset = "16", .range = "1..4096", .help = "reads in flight" },
	{ .name = "threads", .type = FL_COUNT, .preset = "1", .range = "1..256", .help = "threads" },
	{ .name = "pattern", .type = FL_CHOICE, .preset = "sequential", .range = "sequential|random", .help = "order" },
	{ 0 },
};
static struct fl_metric sample_read_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload read" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "reads per second" },
	{ "read_ns", FL_DISTRIBUTION, FL_LOWER, "time of one read" },
	{ 0 },
};
static struct fl_flow sample_read_flows[] = { { "path", "memory", 1, NULL }, { 0 } };

static struct fl_field sample_pipeline_fields[] = {
	{ .name = "batch", .type = FL_BYTES, .preset = "1MiB", .range = "1..1GiB", .help = "bytes of a batch" },
	{ .name = "pace", .type = FL_NS, .preset = "1ms", .range = "1us..10s", .help = "time per batch" },
	{ 0 },
};
static struct fl_flow sample_pipeline_flows[] = { { "cpu", "memory", 1, NULL }, { "memory", "cpu", 1, NULL }, { 0 } };

static struct fl_metric sample_nop_metrics[] = {
	{ "ops_per_s", FL_RATE_OPS, FL_NEITHER, "empty operations" },
	{ 0 },
};

static struct fl_field sample_gpu_fields[] = {
	{ .name = "gpu", .type = FL_DEVICE, .range = "gpu", .help = "which GPU" },
	{ 0 },
};

static struct fl_field sample_stream_fields[] = {
	{ .name = "interface", .type = FL_TEXT, .preset = "", .help = "interface to send from" },
	{ .name = "streams", .type = FL_COUNT, .preset = "1", .range = "1..256", .help = "connections" },
	{ .name = "memory", .type = FL_DEVICE, .preset = "local", .range = "node", .help = "node of the buffers" },
	{ 0 },
};
/* What anybody can have of a GPU that is whole and not used. */
static inline struct fl_gpu sample_gpu_at(char *id, char *address, char *uuid, int node)
{
	return (struct fl_gpu){ .id = id,
				.model = { .value = "Example GPU" },
				.uuid = { .value = uuid },
				.compute_mode = { .value = "default" },
				.mig = { .value = "off" },
				.processes = SAMPLE_KNOWN(0),
				.process = SAMPLE_NO_TEXT("no process uses it"),
				.pci = { .address = address, .vendor = "0x10de", .device = "0x2330", .node = node },
				.node = SAMPLE_KNOWN(node) };
}

/* A copy from or to a GPU, of a worker program. */
#define SAMPLE_GPU_COPY(bench, of, text, near, its_fields)                                                             \
	{                                                                                                              \
		.name = (bench), .summary = (text), .program = (of), .numa = (near), .fields = (its_fields),           \
		.metrics = sample_copy_metrics, .facts = sample_no_facts, .flows = sample_no_flows,                    \
	}
#define SAMPLE_NOP                                                                                                     \
	{                                                                                                              \
		.name = "null.nop", .summary = "does nothing", .program = "feedline-lane-host", .verifies = true,      \
		.fields = sample_no_fields, .metrics = sample_nop_metrics, .facts = sample_no_facts,                   \
		.flows = sample_no_flows,                                                                              \
	}

static struct fl_entry sample_entries[] = {
	{ .name = "gpu.absent",
	  .summary = "not built",
	  .program = "feedline-lane-cuda",
	  .unavailable = "built without CUDA",
	  .fields = sample_gpu_fields,
	  .metrics = sample_copy_metrics,
	  .facts = sample_no_facts,
	  .flows = sample_no_flows },
	SAMPLE_GPU_COPY("gpu.h2d", "feedline-lane-cuda", "host to GPU", "gpu", sample_gpu_fields),
	{ .name = "memory.copy",
	  .summary = "copies memory",
	  .program = "feedline-lane-host",
	  .numa = "each",
	  .threads = "cpus",
	  .verifies = true,
	  .fields = sample_copy_fields,
	  .metrics = sample_copy_metrics,
	  .facts = sample_no_facts,
	  .flows = sample_copy_flows },
	SAMPLE_NOP,
	{ .name = "null.pipeline",
	  .summary = "three stages",
	  .program = "feedline-lane-host",
	  .threads = "3",
	  .verifies = true,
	  .peer = { .tool = "likwid-bench",
		    .command = "likwid-bench -w {batch} -t {pace} -s {cpus}",
		    .prints = "pumped:",
		    .counts = 2 },
	  .fields = sample_pipeline_fields,
	  .metrics = sample_copy_metrics,
	  .facts = sample_no_facts,
	  .flows = sample_pipeline_flows },
	{ .name = "storage.read",
	  .summary = "reads a file",
	  .program = "feedline-lane-host",
	  .numa = "path",
	  .threads = "threads",
	  .verifies = true,
	  .peer = { .tool = "fio",
		    .command = "fio --filename={path} --bs={block} {pattern:sequential=--rw=read,random=--rw=randread} "
			       "--cpus_allowed={cpus}",
		    .prints = "READ: bw=",
		    .counts = 1,
		    .escape = ":" },
	  .fields = sample_read_fields,
	  .metrics = sample_read_metrics,
	  .facts = sample_no_facts,
	  .flows = sample_read_flows },
	{ .name = "tcp.stream",
	  .summary = "sends to another host",
	  .program = "feedline-lane-host",
	  .numa = "interface",
	  .verifies = true,
	  .roles = "sender|receiver",
	  .measured_at = "receiver",
	  .fields = sample_stream_fields,
	  .metrics = sample_copy_metrics,
	  .facts = sample_no_facts,
	  .flows = sample_no_flows },
};
#define sample_stream (&sample_entries[6])

static inline struct fl_catalog sample_catalog(void)
{
	return (struct fl_catalog){ .entries = sample_entries,
				    .n = sizeof(sample_entries) / sizeof(sample_entries[0]) };
}

#endif
