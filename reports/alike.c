/* SPDX-License-Identifier: Apache-2.0 */
/* alike.c: lanes that share a remark. */
#include "base/alloc.h"
#include "base/json.h"
#include "reports/parts.h"
#include <stdlib.h>
#include <string.h>

enum { BENCHES_NAMED = 4 }; /* benchmarks that a remark names */

static int compare_texts(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

/* Whether it is required is said of it, but where it means nothing more. */
static bool is_said_required(const struct fl_lane_verdict *v)
{
	return v->required && v->verdict != FL_FAIL && v->verdict != FL_VERDICT_INVALID;
}

static int compare_meaning(const struct fl_lane_verdict *a, const struct fl_lane_verdict *b)
{
	int order = (a->verdict > b->verdict) - (a->verdict < b->verdict);

	if (!order)
		order = is_said_required(a) - is_said_required(b);

	if (!order && a->verdict != FL_VERDICT_NOT_MEASURED) /* that a device is missing is so of all that want it */
		order = compare_texts(a->bench, b->bench);
	if (!order)
		order = compare_texts(a->reason, b->reason);
	if (!order)
		order = compare_texts(a->hint, b->hint);
	return order || a->verdict != FL_FAIL ? order : compare_texts(a->again, b->again);
}

/* A lane, and of one of many its reason without figures and without what its devices are called; NULL elsewhere. */
struct entry {
	const struct fl_lane_verdict *v;
	char *shape;
};

/* The option whose device the text begins with; NULL: none. */
static const char *find_device(const struct fl_lane_verdict *v, const char *text, size_t *ret_n)
{
	for (const struct fl_field *f = v->entry->fields; f->name; f++) {
		const char *id = f->type == FL_DEVICE ? fl_json_text_or_null(v->options, f->name) : NULL;

		if (id && *id && strncmp(text, id, strlen(id)) == 0) {
			*ret_n = strlen(id);
			return f->name;
		}
	}
	return NULL;
}

static char *shape_of(const struct fl_lane_verdict *v)
{
	struct fl_text t = { 0 };

	for (const char *at = v->reason; *at;) {
		size_t n = strspn(at, "0123456789."), id_n = 0;
		const char *option = find_device(v, at, &id_n);

		if (option)
			fl_text_add(&t, "<%s>", option);
		else
			fl_text_put(&t, n ? "#" : at, 1);
		at += option ? id_n : n ? n : 1;
	}
	return t.bytes ? t.bytes : fl_dup("");
}

static int compare_entries(const struct entry *a, const struct entry *b)
{
	if (!a->shape || !b->shape)
		return a->shape ? 1 : b->shape ? -1 : compare_meaning(a->v, b->v);
	if (is_said_required(a->v) != is_said_required(b->v))
		return is_said_required(a->v) - is_said_required(b->v);
	if (a->v->verdict != b->v->verdict)
		return a->v->verdict < b->v->verdict ? -1 : 1;
	return strcmp(a->v->bench, b->v->bench) ? strcmp(a->v->bench, b->v->bench) : strcmp(a->shape, b->shape);
}

/* Equal ones in the order of the plan. */
static int compare(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int order = compare_entries(a, b);

	return order ? order : (a->v > b->v) - (a->v < b->v);
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

bool fl_report_is_quiet(const struct fl_lane_verdict *v)
{
	return v->beside && v->verdict != FL_FAIL && v->verdict != FL_VERDICT_INVALID;
}

size_t *fl_report_alike(const struct fl_judgement *j, const struct fl_matrices *matrices, size_t **ret_first)
{
	struct entry *sorted = fl_zalloc(j->lanes_n, sizeof(*sorted));
	size_t *counts = fl_zalloc(j->lanes_n, sizeof(*counts)), first = 0, n = 0;
	size_t *firsts = ret_first ? fl_zalloc(j->lanes_n, sizeof(*firsts)) : NULL;

	for (size_t i = 0; i < j->lanes_n; i++) {
		const struct fl_lane_verdict *v = &j->lanes[i];

		if (fl_report_is_quiet(v))
			continue;
		sorted[n].v = v;
		if (fl_report_is_one_of_many(matrices, v))
			sorted[n].shape = shape_of(v);
		n++;
	}
	qsort(sorted, n, sizeof(*sorted), compare);
	for (size_t i = 0; i < n; i++) {
		if (compare_entries(&sorted[first], &sorted[i]))
			first = i;
		counts[sorted[first].v - j->lanes]++;
		if (firsts)
			firsts[sorted[i].v - j->lanes] = (size_t)(sorted[first].v - j->lanes);
	}
	for (size_t i = 0; i < n; i++)
		free(sorted[i].shape);
	free(sorted);
	if (ret_first)
		*ret_first = firsts;
	return counts;
}

const struct fl_lane_verdict *fl_report_only_reason(const struct fl_judgement *j)
{
	for (size_t i = 0; i < j->lanes_n; i++) /* required or not */
		if (j->lanes[i].verdict != FL_VERDICT_NOT_MEASURED || !j->lanes[i].reason ||
		    compare_texts(j->lanes[0].reason, j->lanes[i].reason) != 0 ||
		    compare_texts(j->lanes[0].hint, j->lanes[i].hint) != 0)
			return NULL;
	return j->lanes_n > 1 ? &j->lanes[0] : NULL;
}
