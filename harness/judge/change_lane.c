/* SPDX-License-Identifier: Apache-2.0 */
/* change_lane.c: the numbers of one lane, before and after. */
#include "base/alloc.h"
#include "base/json.h"
#include "judge/change_parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- may they be compared */

/* The first lane of a side that does not count; NULL: all do. */
static const struct fl_evidence_lane *find_without(const struct fl_matched *side, size_t *ret_at)
{
	for (size_t i = 0; i < side->n; i++)
		if (!side->lanes[i]->counts) {
			*ret_at = i;
			return side->lanes[i];
		}
	return NULL;
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

/* Of the lanes of both sides every one must be like the first. */
static char *find_unlike_lane(const struct fl_match *match)
{
	const json_t *first = match->sides[0].lanes[0]->key;

	for (int side = 0; side <= 1; side++)
		for (size_t i = 0; i < match->sides[side].n; i++) {
			const json_t *key = match->sides[side].lanes[i]->key;
			char *unlike = find_unlike(first, key);

			if (!unlike && json_object_size(key) != json_object_size(first))
				unlike = fl_dup("the benchmark declares other facts");
			if (unlike)
				return unlike;
		}
	return NULL;
}

/* Sets why the lane is not compared, if so. Wrong data after the change is the worst that a change can do. */
static void refuse(const struct fl_match *match, struct fl_lane_change *ret)
{
	size_t at = 0;
	char *unlike;

	ret->verdict = FL_VERDICT_NOT_MEASURED;
	for (int side = 1; side >= 0 && !ret->refused; side--) {
		const struct fl_evidence_lane *lane = find_without(&match->sides[side], &at);

		if (lane && lane->verdict == FL_FAIL && side)
			ret->verdict = FL_FAIL;
		if (lane)
			ret->refused = fl_format("%s in run %s: %s", fl_verdict_name(lane->verdict),
						 match->sides[side].runs[at]->run, lane->reason);
	}
	if (!ret->refused && match->sides[0].n && match->sides[1].n) {
		unlike = find_unlike_lane(match);
		ret->refused = unlike ? fl_format("unlike: %s", unlike) : NULL;
		free(unlike);
	} else if (!ret->refused) {
		ret->refused = fl_format("only %s has it", match->sides[0].n ? "A" : "B");
	}
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

		if (!m || m->n == 0 || (host && strcmp(side->runs[i]->host, host) != 0))
			continue;
		all.medians = fl_grow(all.medians, all.n + m->n, sizeof(*all.medians));
		memcpy(all.medians + all.n, m->medians, m->n * sizeof(*all.medians));
		all.n += m->n;
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
}

/* Every host against itself. */
static void compare_hosts(const struct fl_change_work *w, const struct fl_match *match, struct fl_metric_change *m)
{
	double *ratios = fl_zalloc(w->hosts_n, sizeof(*ratios));
	size_t n = 0;

	for (size_t i = 0; i < w->hosts_n; i++) {
		struct rounds before = rounds_of(&match->sides[0], m->metric, w->hosts[i]);
		struct rounds after = rounds_of(&match->sides[1], m->metric, w->hosts[i]);

		ratios[n] = fl_rank_sum_ratio(w->ranks, before.medians, before.n, after.medians, after.n).ratio;
		n += isfinite(ratios[n]) ? 1 : 0;
		free(before.medians);
		free(after.medians);
	}
	m->units = n;
	m->ratio = fl_signed_rank_ratio(w->ranks, ratios, n);
	m->least_p = fl_signed_rank_least_p(n);
	m->p = fl_signed_rank_p(w->ranks, ratios, n);
	free(ratios);
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
		.floor = fl_noise_floor(w->noise, match->identity, of->name),
		.p_adjusted = NAN,
		.verdict = of->primary ? FL_INCONCLUSIVE : FL_UNJUDGED,
	};
	m->line = m->floor > w->tolerance ? m->floor : w->tolerance;
	if (w->hosts_n > 1)
		compare_hosts(w, match, m);
	else
		compare_rounds(w, &before, &after, m);
	if (!isfinite(m->ratio.ratio)) {
		m->p = NAN;
		m->verdict = of->primary ? FL_VERDICT_NOT_MEASURED : FL_UNJUDGED;
		m->reason = fl_dup(m->units ? "a value is zero, so there is no ratio" : "a side has no values");
	}
	free(before.medians);
	free(after.medians);
}

/* ---- trust: every reason once, with the run it is of */

static void add_distrust(const struct fl_matched *side, struct fl_lane_change *ret)
{
	for (size_t i = 0; i < side->n; i++)
		for (size_t k = 0; k < side->lanes[i]->distrust_n; k++) {
			ret->distrust = fl_grow(ret->distrust, ret->distrust_n + 1, sizeof(*ret->distrust));
			ret->distrust[ret->distrust_n++] =
				fl_format("run %s: %s", side->runs[i]->run, side->lanes[i]->distrust[k]);
		}
}

void fl_compare_lane(const struct fl_change_work *w, const struct fl_match *match, struct fl_lane_change *ret)
{
	const struct fl_evidence_lane *first = match->sides[0].n ? match->sides[0].lanes[0] : NULL;

	*ret = (struct fl_lane_change){ .name = match->name };
	refuse(match, ret);
	if (ret->refused)
		return;
	ret->again = match->sides[1].lanes[0]->again;
	ret->peer = &match->sides[1].lanes[0]->peer;
	ret->metrics = fl_zalloc(first->metrics_n, sizeof(*ret->metrics));
	for (size_t i = 0; i < first->metrics_n; i++)
		compare_metric(w, match, &first->metrics[i], &ret->metrics[ret->metrics_n++]);
	for (int side = 0; side <= 1; side++)
		add_distrust(&match->sides[side], ret);
}
