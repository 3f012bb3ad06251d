/* SPDX-License-Identifier: Apache-2.0 */
/* shared.c: hops that several lanes of one case load at the same time. Each lane was held against the whole cap; here
 * the sum of the lanes is. Where that fills the hop it is said of them, and a lane is not failed for what others have
 * of it, or send the other way over its links. A limit that a benchmark states is its own and is never shared. */
#include "base/alloc.h"
#include "base/units.h"
#include "judge/path.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What one lane puts on one hop, as shares of the hop's cap; NaN: the lane ran, but its rate does not count. Over all
 * of the time, so that what lanes put on it by turns adds up to what it carried; and the most of it while at work. */
struct load {
	struct fl_lane_verdict *lane;
	const struct fl_hop *hop;
	double median, high_at_work;
};

/* Its verdict was found from its rate, and not from what is wrong with it. */
static bool counts(const struct fl_lane_verdict *v)
{
	return v->verdict != FL_VERDICT_INVALID && v->verdict != FL_VERDICT_NOT_MEASURED && !v->wrong_data;
}

/* The loads of a lane; a lane that was not measured did not run beside the others. Returns how many. */
static size_t find_loads(struct fl_lane_verdict *v, struct load *ret)
{
	struct fl_interval rate = { .median = NAN, .high = NAN };
	size_t n = 0;

	if (v->verdict == FL_VERDICT_NOT_MEASURED)
		return 0;
	if (!counts(v) || !fl_judged_rate(v, &rate))
		rate = (struct fl_interval){ .median = NAN, .high = NAN };
	for (size_t i = 0; i < v->hops_n; i++) {
		const struct fl_hop *hop = &v->hops[i];

		if (!hop->stated && isfinite(hop->cap_bytes_per_s))
			ret[n++] = (struct load){ v, hop, v->work_ratio * rate.median / hop->cap_bytes_per_s,
						  rate.high / hop->cap_bytes_per_s };
	}
	return n;
}

static int compare_places(const struct load *a, const struct load *b)
{
	if (a->lane->case_no != b->lane->case_no)
		return a->lane->case_no < b->lane->case_no ? -1 : 1;
	return strcmp(a->hop->name, b->hop->name);
}

static int compare(const void *a, const void *b)
{
	const struct load *x = a, *y = b;
	int places = compare_places(x, y);

	return places ? places : (x->lane->lane > y->lane->lane) - (x->lane->lane < y->lane->lane);
}

static void refuse_too_fast(const struct load *loads, size_t n, double share)
{
	const struct fl_hop *hop = loads->hop;
	double cap = hop->cap_bytes_per_s * hop->crossings; /* of the hop, whatever a payload byte puts on it */
	char got[FL_UNIT_TEXT], can[FL_UNIT_TEXT];

	fl_show_rate(got, share * cap);
	fl_show_rate(can, cap);
	for (size_t i = 0; i < n; i++)
		if (counts(loads[i].lane)) /* another hop may have refused it before */
			fl_verdict_set(loads[i].lane, FL_VERDICT_INVALID,
				       fl_format("%zu lanes together put %s on %s, more than it can carry (%s, %s)", n,
						 got, hop->name, can, hop->origin),
				       FL_CAME_ANOTHER_WAY);
}

/* What such a lane lacks may be what the others got. */
static void excuse(const struct load *loads, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct fl_lane_verdict *v = loads[i].lane;

		if (counts(v) && (v->verdict == FL_FAIL || v->verdict == FL_INCONCLUSIVE))
			fl_verdict_set(v, FL_UNJUDGED,
				       fl_format("%s; it shares %s with %zu more, and a fair share is not judged yet",
						 v->reason, loads->hop->name, n - 1),
				       NULL);
	}
}

/* All that is to be expected of it is used: none can have more but for less of another. */
static void say_shared(const struct load *loads, size_t n, double share)
{
	const struct fl_hop *hop = loads->hop;
	char got[FL_UNIT_TEXT], of_cap[FL_UNIT_TEXT];

	fl_show_rate(got, share * hop->cap_bytes_per_s * hop->crossings);
	fl_show_percent(of_cap, share);
	for (size_t i = 0; i < n; i++)
		if (!loads[i].lane->beside)
			fl_path_finding(
				loads[i].lane,
				fl_format("%s is shared: %zu lanes together put %s on it, %s of what it can carry",
					  hop->name, n, got, of_cap));
}

static void judge_sum(const struct load *loads, size_t n)
{
	double median = 0, high_at_work = 0, line = (1 - FL_TOLERANCE) * loads->hop->expected;

	for (size_t i = 0; i < n; i++) {
		median += loads[i].median;
		high_at_work += loads[i].high_at_work;
	}
	if (median > 1 + FL_TOLERANCE) {
		refuse_too_fast(loads, n, median);
		return;
	}
	if (median >= line)
		say_shared(loads, n, median);
	if (!(high_at_work < line))
		excuse(loads, n);
}

/* ---- what runs the other way */

/* Does another lane of the case load the other direction of that link? */
static bool is_opposed(const struct fl_lane_verdict *v, const struct fl_hop *hop, const struct fl_lane_verdict *first,
		       size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (&first[i] != v && counts(&first[i]) && fl_loads_other_way(&first[i], hop))
			return true;
	return false;
}

/* A link that carries both directions gives each of them less (expect.c), and how much less depends on how much each
 * wants. first: the n lanes of the case. */
static void excuse_opposed(struct fl_lane_verdict *v, const struct fl_lane_verdict *first, size_t n)
{
	for (size_t i = 0; i < v->hops_n; i++) {
		if (!is_opposed(v, &v->hops[i], first, n))
			continue;
		fl_verdict_set(v, FL_UNJUDGED,
			       fl_format("%s; the other direction of %s is loaded, too", v->reason, v->hops[i].name),
			       NULL);
		return;
	}
}

static void judge_opposed(struct fl_lane_verdict *lanes, size_t n)
{
	for (size_t i = 0, same; i < n; i += same) {
		for (same = 1; i + same < n && lanes[i + same].case_no == lanes[i].case_no; same++)
			;
		for (size_t k = i; k < i + same; k++)
			if (counts(&lanes[k]) && (lanes[k].verdict == FL_FAIL || lanes[k].verdict == FL_INCONCLUSIVE))
				excuse_opposed(&lanes[k], lanes + i, same);
	}
}

void fl_judge_shared(struct fl_lane_verdict *lanes, size_t n)
{
	size_t hops_n = 0, loads_n = 0, same;
	struct load *loads;

	for (size_t i = 0; i < n; i++)
		hops_n += lanes[i].hops_n;
	loads = fl_zalloc(hops_n, sizeof(*loads));
	for (size_t i = 0; i < n; i++)
		loads_n += find_loads(&lanes[i], loads + loads_n);
	qsort(loads, loads_n, sizeof(*loads), compare);
	for (size_t i = 0; i < loads_n; i += same) {
		for (same = 1; i + same < loads_n && compare_places(&loads[i], &loads[i + same]) == 0; same++)
			;
		if (same > 1)
			judge_sum(loads + i, same);
	}
	free(loads);
	judge_opposed(lanes, n);
}
