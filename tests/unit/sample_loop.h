/* SPDX-License-Identifier: Apache-2.0 */
/* sample_loop.h: the catalog of sample.h with a closed loop, `feed`, and its open loop, `ingest`; and demands: "small"
 * (8 KiB every 1 ms) and "odd" (3 records of 1000 bytes, one block, every 2 ms); apart from them "huge", which is more
 * than the option takes. */
#ifndef FL_TESTS_SAMPLE_LOOP_H
#define FL_TESTS_SAMPLE_LOOP_H
#include "catalog/demand.h"
#include "sample.h"
#include <string.h>

static struct fl_field sample_loop_fields[] = {
	{ .name = "path", .type = FL_PATH, .help = "file, directory or block device" },
	{ .name = "source",
	  .type = FL_CHOICE,
	  .preset = "direct",
	  .range = "resident|dram|cached|buffered|direct|paced",
	  .help = "where batches come from" },
	{ .name = "step_bytes", .type = FL_BYTES, .preset = "64MiB", .range = "4KiB..16GiB", .help = "of a batch" },
	{ .name = "step_time", .type = FL_NS, .preset = "40ms", .range = "1us..1h", .help = "of a step" },
	{ .name = "block", .type = FL_BYTES, .preset = "1MiB", .range = "4KiB..64MiB", .help = "of a read" },
	{ .name = "prefetch", .type = FL_COUNT, .preset = "2", .range = "1..64", .help = "batches ahead" },
	{ .name = "memory", .type = FL_DEVICE, .preset = "local", .range = "node", .help = "of the accelerator" },
	{ .name = "accelerators", .type = FL_COUNT, .preset = "1", .range = "1..64", .help = "how many" },
	{ .name = "accelerator", .type = FL_COUNT, .preset = "0", .range = "0..63", .help = "which one" },
	{ 0 },
};
static struct fl_metric sample_loop_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload taken" },
	{ "stall_ns", FL_GIVEN, FL_LOWER, "nothing to do" },
	{ "gap_ns", FL_GIVEN, FL_LOWER, "did not begin" },
	{ "delivery_ns", FL_GIVEN, FL_LOWER, "between batches" },
	{ "ready_batches", FL_GIVEN, FL_NEITHER, "waiting" },
	{ 0 },
};
static struct fl_flow sample_loop_flows[] = { { "path", "memory", 1, "source=cached|buffered|direct" }, { 0 } };
static struct fl_rung sample_loop_rungs[] = {
	{ "T0", NULL, "resident", NULL, NULL },		  { "T1", "ingest", "dram", "T0", "memory" },
	{ "T2", "ingest", "cached", "T1", "page cache" }, { "T2-cold", "ingest", "buffered", "T2", "path" },
	{ "T3", "ingest", "direct", "T1", "path" },	  { 0 },
};
static struct fl_rung sample_no_rungs[] = { { 0 } };

static inline struct fl_entry sample_loop_entry(char *name)
{
	return (struct fl_entry){ .name = name,
				  .summary = "a closed loop, or an open one",
				  .program = "feedline-lane-host",
				  .numa = "path",
				  .threads = "3",
				  .verifies = true,
				  .fields = sample_loop_fields,
				  .metrics = sample_loop_metrics,
				  .facts = sample_no_facts,
				  .flows = sample_loop_flows,
				  .lanes = "accelerators",
				  .lane = "accelerator",
				  .rungs = sample_no_rungs };
}

enum { SAMPLE_LOOP_ENTRIES = sizeof(sample_entries) / sizeof(sample_entries[0]) + 2 };

/* entries: where they go; must outlive the catalog. */
static inline struct fl_catalog sample_loop_catalog(struct fl_entry entries[SAMPLE_LOOP_ENTRIES])
{
	memcpy(entries, sample_entries, sizeof(sample_entries));
	entries[SAMPLE_LOOP_ENTRIES - 2] = sample_loop_entry("feed");
	entries[SAMPLE_LOOP_ENTRIES - 2].open_loop = "ingest";
	entries[SAMPLE_LOOP_ENTRIES - 2].rungs = sample_loop_rungs;
	entries[SAMPLE_LOOP_ENTRIES - 1] = sample_loop_entry("ingest");
	return (struct fl_catalog){ .entries = entries, .n = SAMPLE_LOOP_ENTRIES };
}

static struct fl_demand sample_demand_items[] = {
	{ .name = "small",
	  .workload = "Small",
	  .accelerator = "X1",
	  .record_bytes = 4096,
	  .batch = 2,
	  .step_time_ns = 1000000,
	  .step_bytes = 8192,
	  .source = "here" },
	{ .name = "odd",
	  .workload = "Odd",
	  .accelerator = "X2",
	  .record_bytes = 1000,
	  .batch = 3,
	  .step_time_ns = 2000000,
	  .step_bytes = 4096,
	  .source = "here" },
};
static struct fl_demand sample_huge_item[] = {
	{ .name = "huge",
	  .workload = "Huge",
	  .accelerator = "X3",
	  .record_bytes = (uint64_t)1 << 35,
	  .batch = 1,
	  .step_time_ns = 1000000000,
	  .step_bytes = (uint64_t)1 << 35,
	  .source = "here" },
};
static const struct fl_demands sample_demands = { sample_demand_items, 2 }, sample_huge = { sample_huge_item, 1 };

#endif
