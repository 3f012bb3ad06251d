/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/latency.h: options of the latency rows; each declares those that it has. */
#ifndef GPU_LATENCY_H
#define GPU_LATENCY_H
#include "rows.h"

struct fl_gpu_latency_opts {
	const struct fl_device *gpu, *memory, *peer;
	uint64_t size;
};

FL_GPU_OPEN_OF(latency, own);
FL_GPU_OPEN_OF(latency, host);
FL_GPU_OPEN_OF(latency, peer);
FL_GPU_HOOKS_OF(latency);

#endif
