/* SPDX-License-Identifier: Apache-2.0 */
/* odd.c: the odd one out: devices that are alike, on paths that are alike, give the same, and need no history for
 * that. Which of them is odd is said in outlier.h. Lanes are alike that ran alone, whose benchmark and options are
 * the same but for the devices, and whose paths have as many hops with the same caps. What is measured between
 * hosts is theirs to explain (across.c). */
#include "base/alloc.h"
#include "base/json.h"
#include "judge/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
	struct fl_lane_verdict *lane;
	char *kind; /* what those that are alike have in common */
};

static char *kind_of(const struct fl_lane_verdict *v)
{
	struct fl_text t = { 0 };
	const char *name;
	json_t *value;
	char *text;

	fl_text_add(&t, "%s %zu %.6g", v->bench, v->hops_n, v->cap_bytes_per_s);
	json_object_foreach(v->options, name, value)
	{
		const struct fl_field *f = fl_entry_field(v->entry, name);

		if (f && f->type == FL_DEVICE)
			continue;
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS);
		fl_text_add(&t, " %s=%s", name, text ? text : "?");
		free(text);
	}
	return t.bytes;
}

/* Has it a device at all, and did it run alone? next: the lane after it; NULL: it is the last. */
static bool is_candidate(const struct fl_lane_verdict *v, const struct fl_lane_verdict *next)
{
	const struct fl_metric_summary *m = fl_speaking(v);

	if (!m || !isfinite(m->of_rounds.median) || v->lane > 0 || (next && next->case_no == v->case_no) ||
	    v->hops_n == 0 || v->size > 1)
		return false;
	if (v->verdict == FL_VERDICT_INVALID || v->verdict == FL_VERDICT_NOT_MEASURED || v->wrong_data)
		return false;
	for (const struct fl_field *f = v->entry->fields; f->name; f++)
		if (f->type == FL_DEVICE && fl_json_text_or_null(v->options, f->name))
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = strcmp(x->kind, y->kind);

	return order ? order : (x->lane > y->lane) - (x->lane < y->lane);
}

/* n that are alike. */
static void mark(const struct candidate *c, size_t n)
{
	struct fl_interval *values = fl_zalloc(n, sizeof(*values));
	enum fl_odd *odd = fl_zalloc(n, sizeof(*odd));
	double *medians = fl_zalloc(n, sizeof(*medians)), median;

	for (size_t i = 0; i < n; i++) {
		values[i] = fl_speaking(c[i].lane)->of_rounds;
		medians[i] = values[i].median;
	}
	median = fl_median(medians, n);
	fl_odd_find(values, n, fl_speaking(c->lane)->better, odd);
	for (size_t i = 0; i < n; i++)
		c[i].lane->alike = (struct fl_alike){ .n = n, .median = median, .odd = odd[i] };
	free(medians);
	free(odd);
	free(values);
}

void fl_find_odd(struct fl_lane_verdict *lanes, size_t n)
{
	struct candidate *all = fl_zalloc(n, sizeof(*all));
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (is_candidate(&lanes[i], i + 1 < n ? &lanes[i + 1] : NULL))
			all[found++] = (struct candidate){ &lanes[i], kind_of(&lanes[i]) };
	qsort(all, found, sizeof(*all), compare);
	for (size_t i = 0, same; i < found; i += same) {
		for (same = 1; i + same < found && strcmp(all[i].kind, all[i + same].kind) == 0; same++)
			;
		if (same >= FL_ODD_LEAST)
			mark(all + i, same);
	}
	for (size_t i = 0; i < found; i++)
		free(all[i].kind);
	free(all);
}
