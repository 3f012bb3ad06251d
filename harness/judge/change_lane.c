/* SPDX-License-Identifier: Apache-2.0 */
/* change_lane.c: the numbers of one lane, before and after. */
#include "base/alloc.h"
#include "base/json.h"
#include "judge/change_parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- may they be compared */

/* A lane of a side that does not count, first of all one with wrong data; NULL: all count. */
static const struct fl_evidence_lane *find_without(const struct fl_matched *side, size_t *ret_at)
{
	const struct fl_evidence_lane *found = NULL;

	for (size_t i = 0; i < side->n; i++) {
		if (side->lanes[i]->counts || (found && side->lanes[i]->verdict != FL_FAIL))
			continue;
		found = side->lanes[i];
		*ret_at = i;
		if (found->verdict == FL_FAIL)
			break;
	}
	return found;
}

/* What is unlike: "engine was 'avx512', is 'generic'". malloc'd; NULL: nothing. */
static char *find_unlike(const json_t *before, const json_t *after)
{
	const char *what;
	json_t *value;

	json_object_foreach((json_t *)before, what, value)
	{
		const char *then = json_string_value(value), *now = fl_json_text_or_null(after, what);

		if (!now || strcmp(then, now) != 0)
			return fl_format("%s was '%s', is '%s'", what, then, now ? now : "not said");
	}
	return NULL;
}

/* The first lane of that host on side A, the first of all where A does not have it. */
static const struct fl_evidence_lane *reference_of(const struct fl_match *match, const char *host)
{
	const struct fl_matched *before = &match->sides[0];

	for (size_t i = 0; i < before->n; i++)
		if (strcmp(before->runs[i]->host, host) == 0)
			return before->lanes[i];
	return before->lanes[0];
}

/* Every lane must be like the first one of its host. */
static char *find_unlike_lane(const struct fl_match *match)
{
	for (int side = 0; side <= 1; side++)
		for (size_t i = 0; i < match->sides[side].n; i++) {
			const json_t *first = reference_of(match, match->sides[side].runs[i]->host)->key;
			const json_t *key = match->sides[side].lanes[i]->key;
			char *unlike = find_unlike(first, key);

			if (!unlike && json_object_size(key) != json_object_size(first))
				unlike = fl_dup("the benchmark declares other facts");
			if (unlike)
				return unlike;
		}
	return NULL;
}

static bool is_primary(const struct fl_match *match)
{
	for (int side = 0; side <= 1; side++)
		for (size_t i = 0; i < match->sides[side].n; i++)
			if (match->sides[side].lanes[i]->primary)
				return true;
	return false;
}

/* Neither side measured it, and for the same reason: no change. */
static bool is_missed_alike(const struct fl_match *match)
{
	const struct fl_matched *before = &match->sides[0], *after = &match->sides[1];

	if (before->n == 0 || after->n == 0)
		return false;
	for (int side = 0; side <= 1; side++)
		for (size_t i = 0; i < match->sides[side].n; i++) {
			const struct fl_evidence_lane *lane = match->sides[side].lanes[i];

			if (lane->counts || lane->verdict != FL_VERDICT_NOT_MEASURED ||
			    strcmp(lane->reason, before->lanes[0]->reason) != 0)
				return false;
		}
	return true;
}

/* "wrong data" and the like, told of the run it is of. */
static char *find_uncounted(const struct fl_match *match, enum fl_verdict *ret_verdict)
{
	size_t at = 0;

	for (int side = 1; side >= 0; side--) {
		const struct fl_evidence_lane *lane = find_without(&match->sides[side], &at);

		if (!lane)
			continue;
		if (lane->verdict == FL_FAIL && side)
			*ret_verdict = FL_FAIL;
		return fl_format("%s in run %s: %s", fl_verdict_name(lane->verdict), match->sides[side].runs[at]->run,
				 lane->reason);
	}
	return NULL;
}

static char *find_missing(const struct fl_change_work *w, const struct fl_match *match)
{
	const struct fl_matched *before = &match->sides[0], *after = &match->sides[1];

	if (before->n == 0 || after->n == 0)
		return fl_format("only %s has it", before->n ? "A" : "B");
	for (int side = 0; side <= 1; side++)
		if (match->sides[side].n < w->runs[side])
			return fl_format("%zu of the %zu runs of %s lack it", w->runs[side] - match->sides[side].n,
					 w->runs[side], side ? "B" : "A");
	return NULL;
}

/* Sets why the lane is not compared, if so. Wrong data after the change is the worst that a change can do. */
static void refuse(const struct fl_change_work *w, const struct fl_match *match, struct fl_lane_change *ret)
{
	char *unlike = NULL;

	ret->verdict = FL_VERDICT_NOT_MEASURED;
	ret->refused = find_uncounted(match, &ret->verdict);
	if (!ret->refused)
		ret->refused = find_missing(w, match);
	if (!ret->refused) {
		unlike = find_unlike_lane(match);
		ret->refused = unlike ? fl_format("unlike: %s", unlike) : NULL;
		free(unlike);
	}
	if (ret->verdict != FL_FAIL && (!is_primary(match) || is_missed_alike(match)))
		ret->verdict = FL_UNJUDGED;
}

/* ---- numbers */

static const struct fl_evidence_metric *find_metric(const struct fl_evidence_lane *lane, const char *name)
{
	for (size_t i = 0; i < lane->metrics_n; i++)
		if (strcmp(lane->metrics[i].name, name) == 0)
			return &lane->metrics[i];
	return NULL;
}

struct rounds {
	double *medians;
	size_t n;
};

/* The rounds of all runs of a side; host NULL: of any host. */
static struct rounds rounds_of(const struct fl_matched *side, const char *metric, const char *host)
{
	struct rounds all = { 0 };

	for (size_t i = 0; i < side->n; i++) {
		const struct fl_evidence_metric *m = find_metric(side->lanes[i], metric);

		if (!m || (host && strcmp(side->runs[i]->host, host) != 0))
			continue;
		all.medians = fl_grow(all.medians, all.n + m->n, sizeof(*all.medians));
		for (size_t r = 0; r < m->n; r++)
			if (isfinite(m->medians[r]))
				all.medians[all.n++] = m->medians[r];
	}
	return all;
}

static void compare_rounds(const struct fl_change_work *w, const struct rounds *before, const struct rounds *after,
			   struct fl_metric_change *m)
{
	m->units = before->n < after->n ? before->n : after->n;
	m->ratio = fl_rank_sum_ratio(w->ranks, before->medians, before->n, after->medians, after->n);
	m->least_p = fl_rank_sum_least_p(before->n, after->n);
	m->p = fl_rank_sum_p(w->ranks, before->medians, before->n, after->medians, after->n);
	if (!isfinite(m->ratio.ratio))
		m->reason = fl_dup(m->units ? "a value is zero, so there is no ratio" : "a side has no values");
}

/* Towards the worse: the larger, the more was lost. */
static double loss_of(enum fl_better better, double ratio)
{
	return better == FL_LOWER ? ratio : -ratio;
}

static void note_host(struct fl_metric_change *m, const char *host, double ratio)
{
	if (!isfinite(ratio) && !m->reason)
		m->reason = fl_format("host '%s' has no ratio: a side has no values, or a value is zero", host);
	if (isfinite(m->worst) && !(loss_of(m->better, ratio) > loss_of(m->better, m->worst)))
		return;
	m->worst = ratio;
	m->worst_host = host;
}

/* Every host against itself. One without a ratio leaves the metric without one. */
static void compare_hosts(const struct fl_change_work *w, const struct fl_match *match, struct fl_metric_change *m)
{
	double *ratios = fl_zalloc(w->hosts_n, sizeof(*ratios));

	for (size_t i = 0; i < w->hosts_n; i++) {
		struct rounds before = rounds_of(&match->sides[0], m->metric, w->hosts[i]);
		struct rounds after = rounds_of(&match->sides[1], m->metric, w->hosts[i]);

		ratios[i] = fl_rank_sum_ratio(w->ranks, before.medians, before.n, after.medians, after.n).ratio;
		note_host(m, w->hosts[i], ratios[i]);
		free(before.medians);
		free(after.medians);
	}
	m->units = w->hosts_n;
	m->ratio = fl_signed_rank_ratio(w->ranks, ratios, w->hosts_n);
	m->least_p = fl_signed_rank_least_p(w->hosts_n);
	m->p = fl_signed_rank_p(w->ranks, ratios, w->hosts_n);
	free(ratios);
}

/* ---- the line */

/* Of the host that moves most by itself; not known where it is not of every host. */
static struct fl_floor floor_of(const struct fl_change_work *w, const struct fl_match *match, const char *metric)
{
	struct fl_floor largest = { .ratio = w->hosts_n ? 0 : (double)NAN, .trusted = true };

	for (size_t i = 0; i < w->hosts_n; i++) {
		const struct fl_evidence_lane *lane = reference_of(match, w->hosts[i]);
		struct fl_floor floor = fl_noise_floor(w->noise, lane, w->hosts[i], metric);

		if (isnan(floor.ratio))
			return (struct fl_floor){ .ratio = NAN, .trusted = true };
		if (floor.ratio >= largest.ratio)
			largest.ratio = floor.ratio;
		largest.trusted &= floor.trusted;
		largest.passes = largest.passes && largest.passes < floor.passes ? largest.passes : floor.passes;
	}
	return largest;
}

static double line_of(double tolerance, double floor)
{
	if (isnan(tolerance))
		tolerance = isnan(floor) ? FL_CHANGE_TOLERANCE : FL_CHANGE_TOLERANCE_CALIBRATED;
	return floor > tolerance ? floor : tolerance;
}

static void compare_metric(const struct fl_change_work *w, const struct fl_match *match,
			   const struct fl_evidence_metric *of, struct fl_metric_change *m)
{
	struct rounds before = rounds_of(&match->sides[0], of->name, NULL);
	struct rounds after = rounds_of(&match->sides[1], of->name, NULL);

	*m = (struct fl_metric_change){
		.metric = of->name,
		.better = of->better,
		.primary = of->primary,
		.before = fl_median_interval(before.medians, before.n),
		.after = fl_median_interval(after.medians, after.n),
		.floor = floor_of(w, match, of->name),
		.worst = NAN,
		.p_adjusted = NAN,
		.verdict = of->primary ? FL_INCONCLUSIVE : FL_UNJUDGED,
	};
	m->line = line_of(w->tolerance, m->floor.ratio);
	if (w->hosts_n > 1)
		compare_hosts(w, match, m);
	else
		compare_rounds(w, &before, &after, m);
	if (m->reason) {
		m->p = NAN;
		m->verdict = of->primary ? FL_VERDICT_NOT_MEASURED : FL_UNJUDGED;
	}
	free(before.medians);
	free(after.medians);
}

/* ---- trust: every reason once, with the run it is of */

static void say_distrust(struct fl_lane_change *ret, char *reason)
{
	ret->distrust = fl_grow(ret->distrust, ret->distrust_n + 1, sizeof(*ret->distrust));
	ret->distrust[ret->distrust_n++] = reason;
}

/* A line that is where it is because of what was disturbed is no line. */
static void distrust_floors(struct fl_lane_change *ret)
{
	for (size_t i = 0; i < ret->metrics_n; i++) {
		const struct fl_metric_change *m = &ret->metrics[i];

		if (m->primary && !m->floor.trusted && m->line <= m->floor.ratio)
			say_distrust(ret, fl_format("the noise floor of %s is from runs that are not trustworthy",
						    m->metric));
	}
}

static void add_distrust(const struct fl_matched *side, struct fl_lane_change *ret)
{
	for (size_t i = 0; i < side->n; i++)
		for (size_t k = 0; k < side->lanes[i]->distrust_n; k++)
			say_distrust(ret, fl_format("run %s: %s", side->runs[i]->run, side->lanes[i]->distrust[k]));
}

void fl_compare_lane(const struct fl_change_work *w, const struct fl_match *match, struct fl_lane_change *ret)
{
	const struct fl_evidence_lane *first;

	*ret = (struct fl_lane_change){ .name = match->name };
	refuse(w, match, ret);
	if (ret->refused)
		return;
	first = match->sides[0].lanes[0]; /* a side without it was refused */
	ret->again = match->sides[1].lanes[0]->again;
	ret->again_when = match->sides[1].lanes[0]->again_when;
	ret->peer = &match->sides[1].lanes[0]->peer;
	ret->metrics = fl_zalloc(first->metrics_n, sizeof(*ret->metrics));
	for (size_t i = 0; i < first->metrics_n; i++)
		compare_metric(w, match, &first->metrics[i], &ret->metrics[ret->metrics_n++]);
	for (int side = 0; side <= 1; side++)
		add_distrust(&match->sides[side], ret);
	distrust_floors(ret);
}
