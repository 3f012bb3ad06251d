/* SPDX-License-Identifier: Apache-2.0 */
/* ingest and feed: how fast an accelerator can be fed, and whether one is starved that takes step_bytes every
 * step_time. Both are the pipeline of path/pipe.h, in open and in closed loop; the accelerator is emulated. */
#include "path/io_facts.h"
#include "path/pipe.h"
#include "path/target_facts.h"
#include <feedline/bench.h>

struct feed_opts {
	const char *path;
	const struct fl_device *memory;
	uint64_t step_bytes, step_time, block, depth, prefetch, pace, accelerators, accelerator;
	double jitter;
	unsigned source, engine;
};

static int open_pipe(struct fl_lane *lane, const struct feed_opts *o, bool closed, void **ret_state, struct fl_err *err)
{
	struct fl_pipe_spec spec = {
		.source = (enum fl_pipe_source)o->source,
		.path = o->path,
		.step_bytes = o->step_bytes,
		.block = o->block,
		.closed = closed,
		.step_ns = o->step_time,
		.depth = (unsigned)o->depth,
		.prefetch = (unsigned)o->prefetch,
		.node = o->memory->node,
		.engine = (enum fl_io_engine)o->engine,
		.pace_ns = o->pace,
		.jitter = o->jitter,
		.accelerators = (unsigned)o->accelerators,
		.accelerator = (unsigned)o->accelerator,
	};
	struct fl_pipe *pipe;
	int rc = fl_pipe_open(&spec, lane, &pipe, err);

	if (rc == 0)
		*ret_state = pipe;
	return rc;
}

static int ingest_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	return open_pipe(lane, opts, false, ret_state, err);
}

static int feed_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	return open_pipe(lane, opts, true, ret_state, err);
}

/* ---- declarations */

static const struct fl_field feed_fields[] = {
	FL_FIELD(feed_opts, path, FL_PATH, "", NULL,
		 "file, block device or directory of test data to read, where the source reads one"),
	FL_FIELD(feed_opts, source, FL_CHOICE, "direct", FL_PIPE_SOURCES,
		 "where the data come from; cached, buffered and direct read the path"),
	FL_FIELD(feed_opts, step_bytes, FL_BYTES, "64MiB", "4KiB..64GiB", "bytes of a batch, a multiple of 4 KiB"),
	FL_FIELD(feed_opts, step_time, FL_NS, "40ms", "1us..100s", "how long an accelerator takes for a batch"),
	FL_FIELD(feed_opts, block, FL_BYTES, "1MiB", "4KiB..64MiB", "bytes of one read, a multiple of 4 KiB"),
	FL_FIELD(feed_opts, depth, FL_COUNT, "16", "1..1024", "reads that are kept in flight"),
	FL_FIELD(feed_opts, prefetch, FL_COUNT, "2", "1..4096", "batches that may be ready before they are taken"),
	FL_FIELD(feed_opts, memory, FL_DEVICE, "local", "node",
		 "node that holds the accelerator's memory; local: that of the CPUs"),
	FL_FIELD(feed_opts, engine, FL_CHOICE, "auto", "auto|io_uring|pread", "how reads are issued"),
	FL_FIELD(feed_opts, pace, FL_NS, "40ms", "10us..100s", "a paced source completes a batch this often"),
	FL_FIELD(feed_opts, jitter, FL_RATIO, "0", "0..1",
		 "share of a paced source's times that is exponentially distributed, their mean kept"),
	FL_FIELD(feed_opts, accelerators, FL_COUNT, "1", "1..64", "accelerators that are fed together"),
	FL_FIELD(feed_opts, accelerator, FL_COUNT, "0", "0..63", "which of them this one is"),
	{ 0 },
};

/* FL_GIVEN ones in the order of path/pipe.h. */
static const struct fl_metric feed_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload that the accelerator took per second" },
	{ "step_ns", FL_STEP_NS, FL_LOWER, "time of the accelerator from batch to batch" },
	{ "stall_ns", FL_GIVEN, FL_LOWER, "time it had nothing to do before the next batch was complete" },
	{ "gap_ns", FL_GIVEN, FL_LOWER, "time it had a batch and did not begin" },
	{ "delivery_ns", FL_GIVEN, FL_LOWER, "time from one batch being complete to the next" },
	{ "ready_batches", FL_GIVEN, FL_NEITHER, "batches complete and not yet taken when it came for one" },
	{ "source_busy_ratio", FL_GIVEN, FL_NEITHER,
	  "share of its time that the source did not wait for its neighbours" },
	{ "copy_busy_ratio", FL_GIVEN, FL_NEITHER, "share of its time that copying did not wait for its neighbours" },
	{ "waiting_chunks", FL_GIVEN, FL_NEITHER, "chunks that waited to be copied" },
	{ "source_cpu_ratio", FL_GIVEN, FL_NEITHER, "share of its time that the source's thread had a CPU" },
	{ 0 },
};

static const struct fl_fact feed_facts[] = {
	FL_IO_FACTS,
	FL_TARGET_FACTS,
	{ "direct", true, "whether reads go past the page cache" },
	{ "cached_before", false, "share of what is read that the page cache held before" },
	{ "copy", true, "instructions that move data into the accelerator's memory" },
	{ "checked", false, "what of every batch was checked when it arrived" },
	{ "batches_ahead", false, "batches that may be begun or complete before the sink takes the first of them" },
	{ "buffer_bytes", false, "memory of source and accelerator together" },
	{ 0 },
};

/* A page cache answers from the memory of the node that read first, taken for the lane's. The emulated accelerator
 * reads its batches in closed loop. */
#define MOVES                                                                                                          \
	{ "path", "own_memory", 1, "source=buffered|direct" }, { "own_memory", "cpu", 1, "source=cached|buffered" },   \
		{ "cpu", "own_memory", 1, "source=cached|buffered" },                                                  \
		{ "own_memory", "cpu", 1, "source=dram|cached|buffered|direct|paced" },                                \
	{                                                                                                              \
		"cpu", "memory", 1, "source=dram|cached|buffered|direct|paced"                                         \
	}

static const struct fl_flow ingest_flows[] = { MOVES, { 0 } };
static const struct fl_flow feed_flows[] = { MOVES, { "memory", "cpu", 1, NULL }, { 0 } };

static const struct fl_rung feed_rungs[] = {
	{ "T0", NULL, "resident", NULL, NULL },		  { "T1", "ingest", "dram", "T0", "memory" },
	{ "T2", "ingest", "cached", "T1", "page cache" }, { "T2-cold", "ingest", "buffered", "T2", "path" },
	{ "T3", "ingest", "direct", "T1", "path" },	  { 0 },
};

#define FEED_ROW                                                                                                       \
	.opts_bytes = sizeof(struct feed_opts), .fields = feed_fields, .metrics = feed_metrics, .facts = feed_facts,   \
	.numa = "path", .threads = "3", .lanes = "accelerators", .lane = "accelerator", .enter = fl_pipe_enter,        \
	.step = fl_pipe_step, .halt = fl_pipe_halt, .leave = fl_pipe_leave, .verify = fl_pipe_verify,                  \
	.close = fl_pipe_close

FL_BENCHES(ingest, feed) = {
	{ .name = "ingest",
	  .summary = "reads batches into the memory of an emulated accelerator as fast as it can be done",
	  .flows = ingest_flows,
	  .open = ingest_open,
	  FEED_ROW },
	{ .name = "feed",
	  .summary = "feeds an emulated accelerator that takes a batch of data every step",
	  .flows = feed_flows,
	  .open_loop = "ingest",
	  .rungs = feed_rungs,
	  .open = feed_open,
	  FEED_ROW },
	{ 0 },
};
