/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/gate.h: holds back what is queued on streams until all of it is queued, so that no launch is inside what
 * is timed. A kernel on each stream waits for a flag in host memory; several streams, also of several devices, may
 * wait for the same flag. A gate opens by itself after FL_GATE_NS: then what came behind it was not held back to the
 * end. */
#ifndef PATH_CUDA_GATE_H
#define PATH_CUDA_GATE_H
#include "path/cuda/device.h"
#include <stdatomic.h>

#define FL_GATE_NS UINT64_C(2000000000)

/* More than this are not queued behind a gate: a stream takes about a thousand, and then the call that queues waits. */
enum { FL_GATE_QUEUE_MAX = 256, FL_GATE_STREAMS_MAX = 2 };

struct fl_gate {
	_Atomic uint32_t *flag;	      /* host memory, mapped; NULL: no gate */
	volatile uint32_t *timed_out; /* one for each stream */
	_Atomic bool halted;
};

/* Memory for all devices; one must be current. */
int fl_gate_make(struct fl_gate *ret, struct fl_err *err);
void fl_gate_free(struct fl_gate *g);

/* Gets ready for a next use, when nothing waits for it any more. -ECANCELED: it was halted. Then the caller is gated
 * (process.h) until fl_gate_open(). */
int fl_gate_close(struct fl_gate *g);
/* Puts it in front of what is queued next on a stream of the current device; `index`: which of the streams. */
int fl_gate_queue(struct fl_gate *g, cudaStream_t stream, unsigned index, struct fl_err *err);
void fl_gate_open(struct fl_gate *g);

/* After all that was queued is done: did it open by itself on any stream? */
bool fl_gate_timed_out(const struct fl_gate *g);

/* From any thread: opens it, now and for ever. */
void fl_gate_halt(struct fl_gate *g);
bool fl_gate_halted(const struct fl_gate *g);

#endif
