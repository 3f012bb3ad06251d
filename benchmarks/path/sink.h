/* SPDX-License-Identifier: Apache-2.0 */
/* path/sink.h: the emulated accelerator. In closed loop it reads every byte of a batch, which is what checks it, and is
 * done with it a step's time after it began; where reading alone takes longer, the step does. In open loop it is done
 * at once, having looked at the head of each block. */
#ifndef PATH_SINK_H
#define PATH_SINK_H
#include "path/pause.h"
#include "path/source.h"
#include "path/stage.h"

struct fl_sink {
	struct fl_shape shape;
	struct fl_source *source; /* says where bytes belong, and gets a turn for each batch */
	struct fl_queue *in;	  /* of struct fl_batch; NULL: batches are always ready */
	const char *memory;	  /* of the accelerator: slots_n batches */
	unsigned slots_n;
	bool closed;
	uint64_t step_ns;
	const struct fl_stream_engine *engine;
	struct fl_pause pause;
	/* Of the sink's thread. */
	uint64_t batches;		/* consumed */
	uint64_t ready_ns, last_end_ns; /* of the batch before */
	struct fl_err wrong;		/* the first wrong block */
};

/* On its own thread: sleeps that end when they should. */
void fl_sink_enter(struct fl_sink *s);
/* Consumes one batch. `given`: path/pipe.h. */
int fl_sink_step(struct fl_sink *s, double *given);
/* Every word of a batch. 0 or -EBADMSG. */
int fl_sink_check(const struct fl_sink *s, uint64_t seq, struct fl_err *err);

#endif
