/* SPDX-License-Identifier: Apache-2.0 */
/* knee.c: a sweep: the best value of an option, and the smallest one that does nearly as well, which is the knee. Words
 * have no order, and so no knee: of them it is told which others do as well. */
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

static bool is_number(const struct fl_study_point *p, double *ret)
{
	uint64_t n;

	if (fl_parse_count(p->value, &n, NULL) < 0)
		return fl_parse_ratio(p->value, ret, NULL) == 0;
	*ret = (double)n;
	return true;
}

/* Is one of its values less than another, rather than something else? */
static bool has_order(const struct fl_study_result *s)
{
	double ignored;

	for (size_t i = 0; i < s->points_n; i++)
		if (!is_number(&s->points[i], &ignored))
			return false;
	return true;
}

static bool is_smaller(const struct fl_study_point *a, const struct fl_study_point *b)
{
	double x, y;

	return is_number(a, &x) && is_number(b, &y) && x < y;
}

static bool is_near(const struct fl_study_point *p)
{
	return p->ratio.median >= 1 - FL_TOLERANCE;
}

/* How near each comes to the best. */
static void set_shares(struct fl_study_result *s, const struct fl_metric_summary *m, double at_best)
{
	bool lower = strcmp(m->better, "lower") == 0;

	for (size_t i = 0; i < s->points_n; i++) {
		struct fl_study_point *p = &s->points[i];

		if (isnan(p->median))
			continue;
		p->ratio.median = lower ? at_best / p->median : p->median / at_best;
		p->ratio.n = 1;
	}
}

static const struct fl_study_point *find_knee(const struct fl_study_result *s)
{
	const struct fl_study_point *knee = NULL;

	for (size_t i = 0; i < s->points_n; i++)
		if (is_near(&s->points[i]) && (!knee || is_smaller(&s->points[i], knee)))
			knee = &s->points[i];
	return knee;
}

static char *describe_knee(const struct fl_study_result *s)
{
	const struct fl_study_point *knee = s->knee, *best = s->best;
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

/* "; as good within the tolerance: write_combined (98 %)": those that are near the best, or that are not. */
static void add_others(const struct fl_study_result *s, bool near, const char *what, struct fl_text *out)
{
	const char *before = what;

	for (size_t i = 0; i < s->points_n; i++) {
		const struct fl_study_point *p = &s->points[i];
		char share[FL_UNIT_TEXT], *value;

		if (p == s->best || isnan(p->median) || is_near(p) != near)
			continue;
		value = fl_study_value(s, p);
		fl_text_add(out, "%s%s (%s)", before, value, fl_show_percent(share, p->ratio.median));
		free(value);
		before = ", ";
	}
}

static char *describe_best(const struct fl_study_result *s)
{
	char *value = fl_study_value(s, s->best), shown[FL_UNIT_TEXT];
	struct fl_text t = { 0 };

	fl_show_metric(shown, s->best->metric, s->best->median);
	fl_text_add(&t, "best is %s=%s with %s", s->option, value, shown);
	add_others(s, true, "; as good within the tolerance: ", &t);
	add_others(s, false, "; worse: ", &t);
	free(value);
	return t.bytes;
}

static bool is_any_measured(const struct fl_study_result *s)
{
	for (size_t i = 0; i < s->points_n; i++)
		if (!isnan(s->points[i].median))
			return true;
	return false;
}

void fl_study_find_knee(struct fl_study_result *s)
{
	const struct fl_metric_summary *m = find_metric(s);
	const struct fl_study_point *best = m ? find_best(s, m) : NULL;

	if (best)
		set_shares(s, m, best->median);
	if (!best || isnan(best->ratio.median)) { /* of nothing at all there is no share */
		s->found = is_any_measured(s) ? fl_dup("no value was measured that could be better than another")
					      : fl_format("no value of %s was measured", s->option);
		return;
	}
	s->best = best;
	s->knee = has_order(s) ? find_knee(s) : NULL;
	s->found = s->knee ? describe_knee(s) : describe_best(s);
}
