/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/copies.h: copies between two memories, in one direction or in both, timed by the device that makes them.
 *
 * A batch: a gate, a short copy that is not timed (so that the engine is at work when the clock starts, and no change
 * of engines is timed), an event, the copies, an event; then the gate opens. In both directions there are two streams
 * behind one gate, with an event after each copy or few, and what counts is what both moved while both were busy
 * (window.h). Copies go round through the sink, chunk by chunk, and in each lap they take their data from a little
 * further on in the source: so a copy that does not take place leaves what is wrong there, and not what the lap before
 * brought. After FL_COPIES_SHIFTS laps it begins again. The short copy has memory of its own at both ends.
 *
 * What the driver copies with the help of the calling thread cannot be held back: such batches have no gate. */
#ifndef PATH_CUDA_COPIES_H
#define PATH_CUDA_COPIES_H
#include "path/cuda/gate.h"
#include "path/cuda/place.h"

enum { FL_COPIES_SIDES = 2, FL_COPIES_SHIFTS = 256 };

struct fl_copies_side {
	const struct fl_cuda_device *by; /* whose engine or SMs copy */
	char *to, *from;		 /* as it reaches them: as many bytes as fl_copies_room() says */
	/* The rest is kept here. */
	cudaStream_t stream;
	cudaEvent_t zero, *events; /* zero: behind the gate */
	size_t events_n;
	double *at_ns; /* of the events, after zero */
	uint64_t next; /* the chunk of the sink to copy to next */
	uint64_t laps; /* that are over since fl_copies_restart() */
};

struct fl_copies {
	bool gated, sm;
	uint64_t bytes, chunks; /* of a copy; how many there are in the sink */
	unsigned sides_n;
	struct fl_copies_side side[FL_COPIES_SIDES];
	struct fl_gate gate;
	uint64_t shift;	 /* bytes by which the source moves on in each lap */
	bool loaded;	 /* what copies need of the driver; the first run does */
	uint64_t batch;	 /* copies of each side at a time, both: a multiple of each */
	uint64_t each;	 /* both: so many copies between two events, so that the events cost nothing beside them */
	uint64_t rounds; /* both: batches that make a step */
	uint64_t least;	 /* one side: copies that make a step of some length */
};

/* What a step did. */
struct fl_copies_did {
	double ns;	/* that counted */
	double busy_ns; /* that a side was at work, on average of both */
	double bytes[FL_COPIES_SIDES];
	uint64_t copies; /* of one side */
	bool spoilt;	 /* a gate opened by itself, or a clock showed nothing that can be */
};

/* How many bytes the buffers of a side need, with `bytes` and `chunks` set. */
void fl_copies_room(const struct fl_copies *c, uint64_t *ret_from, uint64_t *ret_to);

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

/* What has to be in the sink of a side by what was copied since the restart, where the source was filled: parts of it,
 * in its order, some of which may be empty. Who loses the data of laps from some moment on is found but where it was
 * just FL_COPIES_SHIFTS laps, or a multiple, before the end. */
enum { FL_COPIES_PARTS = 2 };
void fl_copies_parts(const struct fl_copies *c, unsigned side, struct fl_place_part ret[FL_COPIES_PARTS]);

#endif
