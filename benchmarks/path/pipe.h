/* SPDX-License-Identifier: Apache-2.0 */
/* path/pipe.h: the one pipeline that feeds an accelerator:
 *
 *   source --chunks--> bounded queue --> stage --batches--> bounded queue --> sink
 *
 * EXECUTIVE SUMMARY. The source has chunks of `block` bytes in memory of its own (path/source.h: twice as many as are
 * in flight and a few more, whatever the size of the file); the stage moves each to its place in a batch in the
 * accelerator's memory (path/stage.h; `prefetch` + 2 batches: one that is consumed, those that are ready, one that
 * fills); the sink takes batches in their order and looks at them (path/sink.h). The source begins no batch before the
 * sink has taken the one that is `prefetch` + 1 before it, so that nothing but `prefetch` hides its jitter; only where
 * twice `depth` reads are more than so many batches it goes on (fact batches_ahead). Each is one thread; all sleep
 * while they have nothing to do. A batch of which `block` is no divisor ends with a shorter chunk.
 *
 * Threads: 0 source, 1 sink, 2 stage. With two CPUs the sink so has one to itself: thread i is on CPU i modulo 2.
 *
 * The sink gives what bench.h calls the metrics of a closed loop, of every batch but the first, which nobody could
 * wait for. Source and stage give what they were busy with: the share of a step in which they did not wait for their
 * neighbours; the source also gives the share in which it had a CPU, so that one is seen that is slow by itself and
 * not by what it reads. Such a step is at least one batch and 2 ms long, or 100 ms, so all weigh about the same. From
 * an open loop follows how much of reading and copying overlapped: eta = max(t_io, t_copy) / t_pipeline, which is the
 * larger of the medians of source_busy_ratio and copy_busy_ratio: 1 where one of them never waits for the other, 0.5
 * where they take turns. */
#ifndef PATH_PIPE_H
#define PATH_PIPE_H
#include "path/io.h"
#include "path/target.h"
#include <feedline/bench.h>

/* In the order of the option's words. */
enum fl_pipe_source { FL_RESIDENT, FL_DRAM, FL_CACHED, FL_BUFFERED, FL_DIRECT, FL_PACED };
#define FL_PIPE_SOURCES "resident|dram|cached|buffered|direct|paced"

enum { FL_PIPE_SOURCE, FL_PIPE_SINK, FL_PIPE_STAGE, FL_PIPE_THREADS }; /* numbers of the threads */

/* fl_step.given, so the order of declaration of FL_GIVEN metrics. */
enum {
	FL_GIVEN_STALL_NS,
	FL_GIVEN_GAP_NS,
	FL_GIVEN_DELIVERY_NS,
	FL_GIVEN_READY_BATCHES,
	FL_GIVEN_SOURCE_BUSY,
	FL_GIVEN_COPY_BUSY,
	FL_GIVEN_WAITING_CHUNKS,
	FL_GIVEN_SOURCE_CPU,
	FL_GIVEN_N
};

struct fl_pipe_spec {
	enum fl_pipe_source source;
	const char *path; /* read by cached, buffered and direct */
	uint64_t step_bytes, block;
	bool closed; /* a batch takes step_ns to consume and every byte of it is read; else it is taken at once */
	uint64_t step_ns;
	unsigned depth, prefetch;
	int node; /* of the accelerator's memory */
	enum fl_io_engine engine;
	uint64_t pace_ns; /* of the paced source: a batch this often ... */
	double jitter;	  /* ... of which this share is exponentially distributed, with the same mean */
	unsigned accelerators, accelerator; /* which part of the target is read */
	const char *devices;		    /* where the kernel says what it counts of them; NULL: "/sys/dev/block" */
};

struct fl_pipe; /* opaque */

/* States the facts of path/io_facts.h, direct, cached_before, copy, checked, batches_ahead and
 * buffer_bytes. -EINVAL:
 * sizes that do not fit each other or the target. */
int fl_pipe_open(const struct fl_pipe_spec *spec, struct fl_lane *lane, struct fl_pipe **ret, struct fl_err *err);
/* The hooks of bench.h. */
int fl_pipe_enter(void *pipe, unsigned thread, struct fl_err *err);
int fl_pipe_step(void *pipe, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err);
void fl_pipe_halt(void *pipe);
void fl_pipe_leave(void *pipe, unsigned thread);
/* -EBADMSG: the first wrong block that the sink met, else the first in the batches that lie in the accelerator's
 * memory, which are checked in full; -ESTALE: the source's data did not come as it had to; -ENODATA: no batch
 * arrived. */
int fl_pipe_verify(void *pipe, struct fl_err *err);
void fl_pipe_close(void *pipe); /* NULL allowed */

/* ---- what the pieces share */

struct fl_shape {
	uint64_t step_bytes, block;
	uint64_t chunks; /* of a batch */
};

/* Chunk number `seq`, counted from the first batch on: its part of its batch. */
static inline uint64_t fl_chunk_at(const struct fl_shape *shape, uint64_t seq)
{
	return seq % shape->chunks * shape->block;
}

static inline uint64_t fl_chunk_bytes(const struct fl_shape *shape, uint64_t seq)
{
	uint64_t left = shape->step_bytes - fl_chunk_at(shape, seq);

	return left < shape->block ? left : shape->block;
}

/* What lies where a chunk is about to arrive, at its beginning and its end, so that one that does not arrive is seen
 * even where the same one lay there before. */
static inline void fl_chunk_spoil(void *data, uint64_t bytes)
{
	uint64_t *word = data;

	word[0] = word[bytes / sizeof(*word) - 1] = 0;
}

#endif
