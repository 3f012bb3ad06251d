/* SPDX-License-Identifier: Apache-2.0 */
/* paired.c: the same lanes under two conditions, compared round by round: what a slow hour does to one of them it does
 * to the other, too. */
#include "base/alloc.h"
#include "base/ranks.h"
#include "base/units.h"
#include "judge/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Ratios of rounds. */
struct ratios {
	double *values;
	size_t n;
};

static double median_in(const struct fl_lane_verdict *v, unsigned round)
{
	return round < v->rounds_planned ? fl_speaking(v)->of_round[round] : (double)NAN;
}

/* Sum of the lanes / sum of their bases, in every round in which all of them have both. */
static struct ratios ratios_of(const struct fl_study_point *points, size_t n)
{
	unsigned rounds = points[0].lane->rounds_planned;
	struct ratios r = { .values = fl_zalloc(rounds, sizeof(*r.values)) };

	for (unsigned i = 0; i < rounds; i++) {
		double sum = 0, base = 0;

		for (size_t k = 0; k < n; k++) {
			sum += median_in(points[k].lane, i);
			base += median_in(points[k].base, i);
		}
		if (isfinite(sum / base))
			r.values[r.n++] = sum / base;
	}
	return r;
}

static struct fl_interval ratio_of(const struct fl_study_point *points, size_t n)
{
	struct ratios r = ratios_of(points, n);
	struct fl_interval interval = fl_median_interval(r.values, r.n);

	free(r.values);
	return interval;
}

static bool has_both(const struct fl_study_point *p)
{
	const struct fl_metric_summary *lane = fl_speaking(p->lane), *base = fl_speaking(p->base);

	return lane && base && strcmp(lane->name, base->name) == 0;
}

/* Can the lanes be added up? */
static bool is_alike(const struct fl_study_result *s)
{
	for (size_t i = 0; i < s->points_n; i++)
		if (!has_both(&s->points[i]) || strcmp(s->points[i].metric, s->points[0].metric) != 0)
			return false;
	return s->points_n > 0;
}

/* "71 % (68 % .. 75 %)"; of too few rounds for an interval the extremes. */
static char *show_ratio(const struct fl_interval *ratio)
{
	char median[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT];

	return fl_format("%s (%s .. %s)", fl_show_percent(median, ratio->median), fl_show_percent(low, ratio->low),
			 fl_show_percent(high, ratio->high));
}

static void set_ratios(struct fl_study_result *s)
{
	for (size_t i = 0; i < s->points_n; i++)
		if (has_both(&s->points[i]))
			s->points[i].ratio = ratio_of(&s->points[i], 1);
}

void fl_study_find_solo(struct fl_study_result *s)
{
	char *shown;

	set_ratios(s);
	if (is_alike(s))
		s->sum = ratio_of(s->points, s->points_n);
	if (s->sum.n == 0) {
		s->found = fl_dup("its lanes have no sum: not all were measured, or not in the same metric");
		return;
	}
	shown = show_ratio(&s->sum);
	s->found = fl_format("together their sum of %s is %s of that of each alone", s->points[0].metric, shown);
	free(shown);
}

void fl_study_find_beside(struct fl_study_result *s)
{
	char *shown;

	set_ratios(s);
	if (s->points[0].ratio.n == 0) {
		s->found = fl_dup("no round has both, alone and beside the load");
		return;
	}
	shown = show_ratio(&s->points[0].ratio);
	s->found = fl_format("beside the load %s is %s of what it is alone", s->points[0].metric, shown);
	free(shown);
}

/* ---- A and B */

/* By signed ranks: B / A with the interval that belongs to them. */
static double compare(const struct ratios *r, struct fl_interval *ret)
{
	struct fl_ranks *ranks = fl_ranks_new();
	struct fl_ratio ratio = fl_signed_rank_ratio(ranks, r->values, r->n);
	double p = fl_signed_rank_p(ranks, r->values, r->n);

	*ret = (struct fl_interval){ ratio.ratio, ratio.low, ratio.high, ratio.confidence, r->n };
	fl_ranks_free(ranks);
	return p;
}

/* Equal beyond doubt, to the tolerance, is an answer; that nothing was seen is none. */
static const char *answer(const struct fl_interval *ratio, double p)
{
	if (ratio->confidence > 0 && p <= 0.05)
		return "differs";
	return ratio->confidence > 0 && ratio->low >= 1 - FL_TOLERANCE && ratio->high <= 1 + FL_TOLERANCE
		       ? "no difference"
		       : "cannot tell";
}

static char *describe_ab(const struct fl_study_result *s, const struct fl_study_point *b)
{
	char *at_a = fl_study_value(s, &s->points[0]), *at_b = fl_study_value(s, b), *shown = show_ratio(&b->ratio);
	char *line = fl_format("%s: %s with %s=%s is %s of that with %s%s", s->answer, b->metric, s->option, at_b,
			       shown, at_a, b->ratio.confidence > 0 ? "" : "; more rounds give an interval");

	free(shown);
	free(at_b);
	free(at_a);
	return line;
}

void fl_study_find_ab(struct fl_study_result *s)
{
	struct fl_study_point *b = &s->points[1];
	struct ratios r = { 0 };
	double p = NAN;

	s->answer = "cannot tell";
	if (has_both(b)) {
		r = ratios_of(b, 1);
		p = compare(&r, &b->ratio);
	}
	if (r.n && isfinite(b->ratio.median)) {
		s->answer = answer(&b->ratio, p);
		s->found = describe_ab(s, b);
	} else {
		b->ratio.n = 0;
		s->found = fl_dup("no round has both A and B");
	}
	free(r.values);
}
