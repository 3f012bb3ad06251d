/* SPDX-License-Identifier: Apache-2.0 */
/* workers.c: which lanes of a case share a process. Lanes that meet on a GPU do: processes take turns on a GPU, so that
 * lanes of different ones would not run beside each other. The parts of a divided GPU are GPUs of their own. Lanes of
 * a group have each their own, since one waits for the other; so have those of different hosts. */
#include "base/alloc.h"
#include "plan/parts.h"
#include <stdlib.h>
#include <string.h>

/* A GPU, as one worker program uses it, and the first lane that does. */
struct owner {
	const char *program, *gpu;
	unsigned host, lane;
};

struct owners {
	struct owner *items;
	size_t n;
};

/* Every set of lanes goes by its lowest number. */
static unsigned first_of(struct fl_plan_lane *lanes, unsigned i)
{
	while (lanes[i].worker != i)
		i = lanes[i].worker;
	return i;
}

static void join(struct fl_plan_lane *lanes, unsigned a, unsigned b)
{
	a = first_of(lanes, a);
	b = first_of(lanes, b);
	if (a < b)
		lanes[b].worker = a;
	else
		lanes[a].worker = b;
}

static void use(struct owners *owners, struct fl_plan_lane *lanes, unsigned lane, const char *program, const char *gpu)
{
	unsigned host = lanes[lane].host;

	for (size_t i = 0; i < owners->n; i++)
		if (owners->items[i].host == host && strcmp(owners->items[i].gpu, gpu) == 0 &&
		    strcmp(owners->items[i].program, program) == 0) {
			join(lanes, owners->items[i].lane, lane);
			return;
		}
	owners->items = fl_grow(owners->items, owners->n + 1, sizeof(*owners->items));
	owners->items[owners->n++] = (struct owner){ program, gpu, host, lane };
}

void fl_plan_share_workers(const struct fl_catalog *catalog, struct fl_plan_case *c)
{
	struct owners owners = { 0 };

	for (unsigned i = 0; i < c->lanes_n; i++) {
		const char *gpus[FL_LANE_GPUS_MAX];
		const struct fl_entry *entry;
		size_t n;

		c->lanes[i].worker = i;
		if (c->lanes[i].skip || c->lanes[i].size > 1 ||
		    fl_catalog_find(catalog, c->lanes[i].bench, &entry, NULL) < 0)
			continue;
		n = fl_lane_gpus(&c->lanes[i], entry, gpus);
		for (size_t k = 0; k < n; k++)
			use(&owners, c->lanes, i, entry->program, gpus[k]);
	}
	for (unsigned i = 0; i < c->lanes_n; i++)
		c->lanes[i].worker = first_of(c->lanes, i);
	free(owners.items);
}
