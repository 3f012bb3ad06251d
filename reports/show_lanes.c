/* SPDX-License-Identifier: Apache-2.0 */
/* show_lanes.c: the records of a run, which come by rounds, as lanes with their rounds. */
#include "base/alloc.h"
#include "reports/show.h"
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	const struct fl_lane_record *x = *(const struct fl_lane_record *const *)a;
	const struct fl_lane_record *y = *(const struct fl_lane_record *const *)b;

	if (x->case_no != y->case_no)
		return x->case_no < y->case_no ? -1 : 1;
	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return x->round < y->round ? -1 : x->round > y->round;
}

struct fl_show_lanes fl_show_lanes_make(const struct fl_run *run)
{
	struct fl_show_lanes lanes = {
		.sorted = fl_zalloc(run->lanes_n, sizeof(*lanes.sorted)),
		.items = fl_zalloc(run->lanes_n, sizeof(*lanes.items)),
	};

	for (size_t i = 0; i < run->lanes_n; i++)
		lanes.sorted[i] = &run->lanes[i];
	qsort(lanes.sorted, run->lanes_n, sizeof(*lanes.sorted), compare);
	for (size_t i = 0; i < run->lanes_n; i++) {
		const struct fl_lane_record *r = lanes.sorted[i], *before = i ? lanes.sorted[i - 1] : NULL;

		if (!before || before->case_no != r->case_no || before->lane != r->lane)
			lanes.items[lanes.n++].rounds = lanes.sorted + i;
		lanes.items[lanes.n - 1].n++;
	}
	return lanes;
}

void fl_show_lanes_release(struct fl_show_lanes *lanes)
{
	free(lanes->sorted);
	free(lanes->items);
	*lanes = (struct fl_show_lanes){ 0 };
}

const struct fl_series *fl_show_series(const struct fl_lane_record *record, const char *metric)
{
	for (size_t i = 0; i < record->series_n; i++)
		if (strcmp(record->series[i].metric, metric) == 0)
			return &record->series[i];
	return NULL;
}

static bool is_among(const char *name, const char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

const char **fl_show_metrics(const struct fl_show_lane *lane, size_t *ret_n)
{
	const char **names = NULL;
	size_t n = 0;

	for (size_t r = 0; r < lane->n; r++)
		for (size_t i = 0; i < lane->rounds[r]->series_n; i++) {
			const char *name = lane->rounds[r]->series[i].metric;

			if (is_among(name, names, n))
				continue;
			names = fl_grow(names, n + 1, sizeof(*names));
			names[n++] = name;
		}
	*ret_n = n;
	return names;
}
