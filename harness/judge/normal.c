/* SPDX-License-Identifier: Apache-2.0 */
/* normal.c: the rounds of runs that are alike, metric by metric. */
#include "judge/normal.h"
#include "base/alloc.h"
#include <math.h>
#include <stdlib.h>

struct gathered {
	struct fl_normal_metric m;
	const json_t *key;
	double *medians;
	size_t n;
};

struct gathering {
	json_t *index; /* identity and metric -> place in items */
	struct gathered *items;
	size_t n;
};

static struct gathered *item_of(struct gathering *g, const struct fl_evidence_lane *lane,
				const struct fl_evidence_metric *m)
{
	char *key = fl_format("%s\n%s", lane->identity, m->name);
	const json_t *at = json_object_get(g->index, key);
	size_t i = at ? (size_t)json_integer_value(at) : g->n;

	if (!at) {
		json_object_set_new(g->index, key, json_integer((json_int_t)i));
		g->items = fl_grow(g->items, g->n + 1, sizeof(*g->items));
		g->items[g->n++] = (struct gathered){
			.m = { .lane = lane->name, .metric = m->name, .primary = m->primary, .floor = NAN },
			.key = lane->key
		};
	}
	free(key);
	return &g->items[i];
}

/* host: what the lane's run was measured on; the host that moves most by itself counts. */
static void gather(struct gathering *g, const struct fl_evidence_lane *lane, const char *host,
		   const struct fl_noise *noise)
{
	for (size_t i = 0; lane->counts && i < lane->metrics_n; i++) {
		const struct fl_evidence_metric *m = &lane->metrics[i];
		struct gathered *item = item_of(g, lane, m);

		if (!json_equal((json_t *)item->key, lane->key))
			continue;
		item->m.floor = fmax(item->m.floor, fl_noise_floor(noise, lane, host, m->name).ratio);
		item->medians = fl_grow(item->medians, item->n + m->n, sizeof(*item->medians));
		for (size_t r = 0; r < m->n; r++)
			if (isfinite(m->medians[r]))
				item->medians[item->n++] = m->medians[r];
	}
}

struct fl_normal fl_normal_make(const struct fl_evidence *const *runs, size_t n)
{
	struct fl_noise *noise = fl_noise_make(runs, n);
	struct gathering g = { .index = json_object() };
	struct fl_normal normal = { .passes = fl_noise_passes(noise) };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < runs[i]->lanes_n; k++)
			gather(&g, &runs[i]->lanes[k], runs[i]->host, noise);
	normal.metrics = fl_zalloc(g.n, sizeof(*normal.metrics));
	normal.metrics_n = g.n;
	for (size_t i = 0; i < g.n; i++) {
		normal.metrics[i] = g.items[i].m;
		normal.metrics[i].rounds = fl_median_interval(g.items[i].medians, g.items[i].n);
		free(g.items[i].medians);
	}
	free(g.items);
	json_decref(g.index);
	fl_noise_free(noise);
	return normal;
}

void fl_normal_release(struct fl_normal *normal)
{
	free(normal->metrics);
	*normal = (struct fl_normal){ 0 };
}
