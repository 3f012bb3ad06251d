/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/copies.h: copies between two memories, in one direction or in both, timed by the device that makes them.
 *
 * A batch: a gate, a short copy that is not timed (so that the engine is at work when the clock starts, and no change
 * of engines is timed), an event, the copies, an event; then the gate opens. In both directions there are two streams
 * behind one gate, with an event after each copy or few, and what counts is what both moved while both were busy
 * (window.h). Copies go round through buffers, chunk by chunk.
 *
 * What the driver copies with the help of the calling thread cannot be held back: such batches have no gate. */
#ifndef PATH_CUDA_COPIES_H
#define PATH_CUDA_COPIES_H
#include "path/cuda/gate.h"

enum { FL_COPIES_SIDES = 2 };

struct fl_copies_side {
	const struct fl_cuda_device *by; /* whose engine or SMs copy */
	char *to, *from;		 /* as it reaches them: fl_copies.chunks chunks of fl_copies.bytes each */
	/* The rest is kept here. */
	cudaStream_t stream;
	cudaEvent_t zero, *events; /* zero: behind the gate */
	size_t events_n;
	double *at_ns; /* of the events, after zero */
	uint64_t next; /* the chunk to copy next */
	uint64_t done; /* copies queued since fl_copies_restart() */
};

struct fl_copies {
	bool gated, sm;
	uint64_t bytes, chunks; /* of a copy; how many there are in a buffer */
	unsigned sides_n;
	struct fl_copies_side side[FL_COPIES_SIDES];
	struct fl_gate gate;
	bool loaded;	 /* what copies need of the driver; the first run does */
	uint64_t batch;	 /* copies of each side at a time, both: a multiple of each */
	uint64_t each;	 /* both: so many copies between two events, so that the events cost nothing beside them */
	uint64_t rounds; /* both: batches that make a step */
	uint64_t least;	 /* one side: copies that make a step of some length */
};

/* What a step did. */
struct fl_copies_did {
	double ns; /* that counted */
	double bytes[FL_COPIES_SIDES];
	uint64_t copies; /* of one side */
	bool spoilt;	 /* a gate opened by itself, or a clock showed nothing that can be */
};

/* Fills in the rest of what has everything above it set. In every case to be freed with fl_copies_free(). */
int fl_copies_make(struct fl_copies *c, struct fl_err *err);
void fl_copies_free(struct fl_copies *c);

/* Not timed: n copies of each side, and waits for them. */
int fl_copies_run(struct fl_copies *c, uint64_t n, struct fl_err *err);
/* How long a step has to be, from a first one. -ETIMEDOUT: the gate opened by itself. */
int fl_copies_pace(struct fl_copies *c, struct fl_err *err);
/* Copies for a while, so that the link and the clocks are up. */
int fl_copies_wake(struct fl_copies *c, struct fl_err *err);
/* The next copy is of the first chunk. */
void fl_copies_restart(struct fl_copies *c);

/* One side: n copies, or more where they are short. Both: as many as were found to be right. -ECANCELED: halted. */
int fl_copies_step(struct fl_copies *c, uint64_t n, struct fl_copies_did *did, struct fl_err *err);
void fl_copies_halt(struct fl_copies *c);  /* from any thread */
void fl_copies_drain(struct fl_copies *c); /* waits for all that is queued */

/* How much of the sink of a side was copied since the restart, from its beginning. */
uint64_t fl_copies_covered(const struct fl_copies *c, unsigned side);

#endif
