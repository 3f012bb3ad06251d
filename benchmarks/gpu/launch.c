/* SPDX-License-Identifier: Apache-2.0 */
/* gpu.launch: how long it takes until a CPU sees that a kernel that does nothing, which it launched, is done. */
#include "launch.h"

static const struct fl_field fields[] = {
	FL_GPU_FIELD_GPU(fl_gpu_launch_opts),
	{ 0 },
};

static const struct fl_metric metrics[] = {
	{ "launch_ns", FL_DISTRIBUTION, FL_LOWER, "time from the call that launches to the call that says it is done" },
	{ "launches_per_s", FL_RATE_OPS, FL_HIGHER, "launches per second, each after the one before is done" },
	{ 0 },
};

static const struct fl_fact facts[] = {
	FL_GPU_FACT_DEVICE,
	FL_GPU_FACT_CUDA,
	{ 0 },
};

FL_BENCHES(gpu, launch) = {
	{ .name = "gpu.launch",
	  .summary = "launches of a kernel that does nothing, one after the other",
	  .opts_bytes = sizeof(struct fl_gpu_launch_opts),
	  .fields = fields,
	  .metrics = metrics,
	  .facts = facts,
	  .numa = "gpu",
	  FL_GPU_HOOKS(launch, nothing) },
	{ 0 },
};
