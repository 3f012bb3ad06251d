/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/launch.h: options of gpu.launch. */
#ifndef GPU_LAUNCH_H
#define GPU_LAUNCH_H
#include "rows.h"

struct fl_gpu_launch_opts {
	const struct fl_device *gpu;
};

FL_GPU_OPEN_OF(launch, nothing);
FL_GPU_HOOKS_OF(launch);

#endif
