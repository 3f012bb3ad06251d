/* SPDX-License-Identifier: Apache-2.0 */
/* alike.c: lanes that share a remark. */
#include "base/alloc.h"
#include "reports/parts.h"
#include <stdlib.h>
#include <string.h>

enum { BENCHES_NAMED = 4 }; /* benchmarks that a remark names */

static int compare_texts(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

static int compare_meaning(const struct fl_lane_verdict *a, const struct fl_lane_verdict *b)
{
	int order = (a->verdict > b->verdict) - (a->verdict < b->verdict);

	if (!order && a->verdict != FL_VERDICT_NOT_MEASURED) /* that a device is missing is so of all that want it */
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

char *fl_report_subject(const struct fl_judgement *j, const struct fl_lane_verdict *v)
{
	const char *benches[BENCHES_NAMED];
	struct fl_text t = { 0 };
	size_t n = 0, more = 0;
	char *clean;

	for (size_t i = 0; i < j->lanes_n; i++) {
		bool named = compare_meaning(v, &j->lanes[i]) != 0;

		for (size_t k = 0; k < n && !named; k++)
			named = strcmp(benches[k], j->lanes[i].bench) == 0;
		if (named)
			continue;
		if (n < BENCHES_NAMED)
			benches[n++] = j->lanes[i].bench;
		else
			more++;
	}
	for (size_t k = 0; k < n; k++)
		fl_text_add(&t, "%s%s", k ? ", " : "", benches[k]);
	fl_text_add(&t, "%s", more ? " and others" : "");
	clean = fl_report_clean(fl_text_str(&t));
	fl_text_release(&t);
	return clean;
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

const struct fl_lane_verdict *fl_report_only_reason(const struct fl_judgement *j)
{
	for (size_t i = 0; i < j->lanes_n; i++)
		if (j->lanes[i].verdict != FL_VERDICT_NOT_MEASURED || !j->lanes[i].reason ||
		    compare_meaning(&j->lanes[0], &j->lanes[i]) != 0)
			return NULL;
	return j->lanes_n > 1 ? &j->lanes[0] : NULL;
}
