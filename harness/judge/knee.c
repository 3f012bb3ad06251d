/* SPDX-License-Identifier: Apache-2.0 */
/* knee.c: a sweep: the best value of an option, and the smallest one that does nearly as well. */
#include "base/alloc.h"
#include "base/units.h"
#include "judge/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_better(const struct fl_metric_summary *m, double a, double b)
{
	return strcmp(m->better, "lower") == 0 ? a < b : a > b;
}

/* The points' metric, where it can be better or worse; NULL: it cannot, or nothing was measured. */
static const struct fl_metric_summary *find_metric(const struct fl_study_result *s)
{
	for (size_t i = 0; i < s->points_n; i++) {
		const struct fl_metric_summary *m = fl_speaking(s->points[i].lane);

		if (m && !isnan(s->points[i].median))
			return strcmp(m->better, "neither") == 0 ? NULL : m;
	}
	return NULL;
}

static const struct fl_study_point *find_best(const struct fl_study_result *s, const struct fl_metric_summary *m)
{
	const struct fl_study_point *best = NULL;

	for (size_t i = 0; i < s->points_n; i++) {
		const struct fl_study_point *p = &s->points[i];

		if (!isnan(p->median) && (!best || is_better(m, p->median, best->median)))
			best = p;
	}
	return best;
}

/* Numbers are told by their size, other values by their place in the list. */
static bool is_smaller(const struct fl_study_point *a, const struct fl_study_point *b)
{
	uint64_t x, y;

	if (fl_parse_count(a->value, &x, NULL) == 0 && fl_parse_count(b->value, &y, NULL) == 0)
		return x < y;
	return a < b;
}

static void set_shares(struct fl_study_result *s, const struct fl_metric_summary *m, const struct fl_study_point *best)
{
	bool lower = strcmp(m->better, "lower") == 0;
	double at_best = best->median;

	for (size_t i = 0; i < s->points_n; i++) {
		struct fl_study_point *p = &s->points[i];

		if (isnan(p->median))
			continue;
		p->ratio.median = lower ? at_best / p->median : p->median / at_best;
		p->ratio.n = 1;
		if (p->ratio.median >= 1 - FL_TOLERANCE && (!s->knee || is_smaller(p, s->knee)))
			s->knee = p;
	}
}

static char *describe(const struct fl_study_result *s, const struct fl_study_point *best)
{
	const struct fl_study_point *knee = s->knee;
	char at_knee[FL_UNIT_TEXT], at_best[FL_UNIT_TEXT], share[FL_UNIT_TEXT];
	char *value = fl_study_value(s, knee), *best_value = fl_study_value(s, best), *line;

	fl_show_metric(at_knee, knee->metric, knee->median);
	fl_show_metric(at_best, best->metric, best->median);
	fl_show_percent(share, knee->ratio.median);
	if (knee == best)
		line = fl_format("the knee is %s=%s with %s, which is also the best", s->option, value, at_knee);
	else
		line = fl_format("the knee is %s=%s with %s, %s of the best (%s at %s)", s->option, value, at_knee,
				 share, at_best, best_value);
	free(best_value);
	free(value);
	return line;
}

void fl_study_find_knee(struct fl_study_result *s)
{
	const struct fl_metric_summary *m = find_metric(s);
	const struct fl_study_point *best = m ? find_best(s, m) : NULL;

	if (best)
		set_shares(s, m, best);
	s->found =
		best && s->knee ? describe(s, best) : fl_dup("no value was measured that could be better than another");
}
