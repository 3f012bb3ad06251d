/* SPDX-License-Identifier: Apache-2.0 */
/* path/stage.h: what is between the two queues of the pipeline: it brings each chunk to its place in a batch in the
 * accelerator's memory, and hands on the batches in their order.
 *
 * Chunks may come in any order: those of a batch that has no place yet wait in the source's memory. Batch k has slot
 * k modulo (prefetch + 2); it may begin to fill when the sink has taken batch k - prefetch (path/queue.h). */
#ifndef PATH_STAGE_H
#define PATH_STAGE_H
#include "path/pipe.h"
#include "path/queue.h"
#include "path/source.h"
#include "path/stream.h"

/* How a chunk gets there: another kind of accelerator has another one. Complete on return. */
struct fl_mover {
	const char *name; /* the fact */
	void (*move)(const struct fl_mover *m, void *to, const void *from, uint64_t bytes);
	const struct fl_stream_engine *engine;
};
struct fl_mover fl_mover_copy(void); /* the CPU, by the best engine that it has */

/* What travels to the sink. */
struct fl_batch {
	uint64_t seq;
	uint64_t ready_ns; /* when it was complete and all before it were */
};

struct fl_batch_slot {
	uint64_t seq; /* the batch whose chunks lie there */
	uint64_t chunks;
};

struct fl_stage {
	struct fl_shape shape;
	struct fl_mover mover;
	struct fl_queue *in, *back, *out; /* back: may be NULL */
	char *memory;			  /* slots_n batches */
	struct fl_batch_slot *slots;
	unsigned slots_n;
	struct fl_chunk *held; /* that came too early */
	unsigned held_n, held_max;
	uint64_t batch;	   /* the oldest that was not handed on */
	uint64_t ready_ns; /* of it: when it was complete; 0: it is not */
};

/* memory: (prefetch + 2) x step_bytes. The stage makes `out`; the rest is the source's. */
int fl_stage_open(const struct fl_shape *shape, unsigned prefetch, const struct fl_source *source, char *memory,
		  struct fl_stage *ret, struct fl_err *err);
void fl_stage_close(struct fl_stage *s); /* a zeroed one too */

/* Moves one chunk, or hands on one batch, or waits for a neighbour until until_ns. How many chunks were moved (also
 * none), or a negative errno. */
int fl_stage_advance(struct fl_stage *s, uint64_t until_ns);
uint64_t fl_stage_waited_ns(const struct fl_stage *s);
size_t fl_stage_waiting(const struct fl_stage *s); /* chunks before it */

/* The whole batch that lies in a slot; false: none does. */
bool fl_stage_whole(const struct fl_stage *s, unsigned slot, uint64_t *ret_seq);

#endif
