/* SPDX-License-Identifier: Apache-2.0 */
/* retired.h: devices that are not used again in this run: GPUs on which a lane hung, a GPU that a lane of this GPU
 * alone has found and then lost, and whatever a worker used last that cannot be ended. Each further lane on them would
 * only hang, too. A run that goes on later (--resume) begins with none. */
#ifndef FL_RUN_RETIRED_H
#define FL_RUN_RETIRED_H
#include <stddef.h>

struct fl_retired {
	struct fl_retired_device {
		char *id, *why; /* why: "phase 'step' of 'gpu.h2d gpu=gpu-0000:41:00.0' did not end" */
	} * items;
	size_t n;
};

/* The first reason stays. */
void fl_retired_add(struct fl_retired *retired, const char *id, const char *why);
const char *fl_retired_why(const struct fl_retired *retired, const char *id); /* NULL: it is in use */
void fl_retired_release(struct fl_retired *retired);

#endif
