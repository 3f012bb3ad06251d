/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/copy.h: options of the copy path, which its rows share: each declares those that it has. */
#ifndef GPU_COPY_H
#define GPU_COPY_H
#include "rows.h"

/* In the order of the words of the options. */
enum fl_gpu_engine { FL_GPU_CE, FL_GPU_SM };
enum fl_gpu_access { FL_GPU_WRITE, FL_GPU_READ };
enum fl_gpu_direction { FL_GPU_ONE, FL_GPU_BOTH };

struct fl_gpu_copy_opts {
	const struct fl_device *gpu, *memory; /* host and GPU, or within the GPU */
	const struct fl_device *from, *to;    /* between two GPUs */
	uint64_t size, buffer;
	unsigned engine, kind, access, direction;
};

FL_GPU_OPEN_OF(copy, h2d);
FL_GPU_OPEN_OF(copy, d2h);
FL_GPU_OPEN_OF(copy, bidir);
FL_GPU_OPEN_OF(copy, p2p);
FL_GPU_OPEN_OF(copy, local);
FL_GPU_HOOKS_OF(copy);

#endif
