/* SPDX-License-Identifier: Apache-2.0 */
/* alike.c: lanes that share a remark. */
#include "base/alloc.h"
#include "reports/parts.h"
#include <stdlib.h>
#include <string.h>

static int compare_texts(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

static int compare_meaning(const struct fl_lane_verdict *a, const struct fl_lane_verdict *b)
{
	int order = (a->verdict > b->verdict) - (a->verdict < b->verdict);

	if (!order)
		order = compare_texts(a->bench, b->bench);
	if (!order)
		order = compare_texts(a->reason, b->reason);
	if (!order)
		order = compare_texts(a->hint, b->hint);
	return order || a->verdict != FL_FAIL ? order : compare_texts(a->again, b->again);
}

/* Equal ones in the order of the plan. */
static int compare(const void *x, const void *y)
{
	const struct fl_lane_verdict *a = *(const struct fl_lane_verdict *const *)x;
	const struct fl_lane_verdict *b = *(const struct fl_lane_verdict *const *)y;
	int order = compare_meaning(a, b);

	return order ? order : (a > b) - (a < b);
}

size_t *fl_report_alike(const struct fl_judgement *j)
{
	const struct fl_lane_verdict **sorted = fl_zalloc(j->lanes_n, sizeof(*sorted));
	size_t *counts = fl_zalloc(j->lanes_n, sizeof(*counts)), first = 0;

	for (size_t i = 0; i < j->lanes_n; i++)
		sorted[i] = &j->lanes[i];
	qsort(sorted, j->lanes_n, sizeof(*sorted), compare);
	for (size_t i = 0; i < j->lanes_n; i++) {
		if (compare_meaning(sorted[first], sorted[i]))
			first = i;
		counts[sorted[first] - j->lanes]++;
	}
	free(sorted);
	return counts;
}
