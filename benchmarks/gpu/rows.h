/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/rows.h: how the rows of this family get their hooks. They are in <file>_hooks.c, which is compiled where there
 * is a CUDA toolkit; the rows themselves always are, so that what could be measured is known everywhere. */
#ifndef GPU_ROWS_H
#define GPU_ROWS_H
#include <feedline/bench.h>

/* FL_GPU_HOOKS(copy, h2d): the hooks of file copy, with an open of the row's own. */
#ifdef FEEDLINE_CUDA
#define FL_GPU_HOOKS(file, row)                                                                                        \
	.probe = fl_gpu_probe, .open = fl_gpu_##file##_open_##row, .enter = fl_gpu_##file##_enter,                     \
	.step = fl_gpu_##file##_step, .halt = fl_gpu_##file##_halt, .leave = fl_gpu_##file##_leave,                    \
	.verify = fl_gpu_##file##_verify, .close = fl_gpu_##file##_close
#else
#define FL_GPU_HOOKS(file, row) .unavailable = "built without CUDA"
#endif

/* Their prototypes, but open's. */
#define FL_GPU_HOOKS_OF(file)                                                                                          \
	int fl_gpu_##file##_enter(void *state, unsigned thread, struct fl_err *err);                                   \
	int fl_gpu_##file##_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err);   \
	void fl_gpu_##file##_halt(void *state);                                                                        \
	void fl_gpu_##file##_leave(void *state, unsigned thread);                                                      \
	int fl_gpu_##file##_verify(void *state, struct fl_err *err);                                                   \
	void fl_gpu_##file##_close(void *state)
#define FL_GPU_OPEN_OF(file, row)                                                                                      \
	int fl_gpu_##file##_open_##row(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)

/* In copy_hooks.c: is there a driver that this build can use, and a GPU? */
int fl_gpu_probe(const void *opts, struct fl_err *err);

/* Options and facts that several files have. */
#define FL_GPU_FIELD_GPU(S)    FL_FIELD(S, gpu, FL_DEVICE, NULL, "gpu", "GPU that is measured")
#define FL_GPU_FIELD_MEMORY(S) FL_FIELD(S, memory, FL_DEVICE, "local", "node", "node that holds the host memory")
#define FL_GPU_FACT_DEVICE                                                                                             \
	{                                                                                                              \
		"device", false, "model of the GPU"                                                                    \
	}
#define FL_GPU_FACT_CUDA                                                                                               \
	{                                                                                                              \
		"cuda", false, "versions of CUDA: of the runtime in this build, and what the driver can do"            \
	}
#define FL_GPU_FACT_GATE                                                                                               \
	{                                                                                                              \
		"gate", false, "what held the work back until all of it was queued: kernel, or none"                   \
	}
#define FL_GPU_FACT_HOST                                                                                               \
	{                                                                                                              \
		"host_memory", true, "kind of host memory that was really got, and its pages"                          \
	}
#define FL_GPU_FACT_PEER                                                                                               \
	{                                                                                                              \
		"peer_access", true, "how the GPUs reach each other: direct, or through host memory"                   \
	}

#endif
