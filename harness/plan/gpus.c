/* SPDX-License-Identifier: Apache-2.0 */
/* gpus.c: which GPUs a lane uses. */
#include "base/field.h"
#include "plan/parts.h"
#include <string.h>
#include <strings.h>

size_t fl_lane_gpus(const struct fl_plan_lane *lane, const struct fl_entry *entry, const char **ret)
{
	size_t n = 0;

	for (const struct fl_field *f = entry->fields; f->name && n < FL_LANE_GPUS_MAX; f++) {
		const char *id = fl_lane_option(lane, f->name);

		if (!id || !fl_field_holds(f, "gpu", id))
			continue;
		for (size_t i = 0; id && i < n; i++)
			if (strcmp(ret[i], id) == 0)
				id = NULL;
		if (id)
			ret[n++] = id;
	}
	return n;
}

const struct fl_gpu *fl_gpu_of(const struct fl_machine *m, const char *id)
{
	for (size_t i = 0; i < m->gpus_n; i++)
		if (strcmp(m->gpus[i].id, id) == 0)
			return &m->gpus[i];
	return NULL;
}

bool fl_gpu_is_divided(const struct fl_gpu *gpu)
{
	return !gpu->parent && gpu->mig.value && strcmp(gpu->mig.value, "on") == 0;
}

static bool is(const char *name, const char *text)
{
	return name && strcasecmp(name, text) == 0;
}

const struct fl_gpu *fl_gpu_divided(const struct fl_machine *m, const char *text)
{
	for (size_t i = 0; i < m->gpus_n; i++) {
		const struct fl_gpu *gpu = &m->gpus[i];
		const char *address = gpu->pci.address;

		if (fl_gpu_is_divided(gpu) && (is(gpu->id, text) || is(gpu->uuid.value, text) || is(address, text) ||
					       (address && strncmp(address, "0000:", 5) == 0 && is(address + 5, text))))
			return gpu;
	}
	return NULL;
}
