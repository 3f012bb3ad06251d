/* SPDX-License-Identifier: Apache-2.0 */
/* limits.c: a measured rate against the hops of its path. Only rates in bytes are held against limits: a hop carries
 * bytes, and a bound for operations or times would have to be guessed from them. */
#include "base/alloc.h"
#include "base/units.h"
#include "judge/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_OF_INTERVAL = 6 }; /* the fewest whose extremes are an interval of 95 % (base/stats.h) */

const struct fl_hop *fl_narrowest_hop(const struct fl_lane_verdict *v, bool expected)
{
	const struct fl_hop *best = NULL;

	for (size_t i = 0; i < v->hops_n; i++) {
		const struct fl_hop *hop = &v->hops[i];
		double own = hop->cap_bytes_per_s * (expected ? hop->expected : 1);

		if (isfinite(own) && (!best || own < best->cap_bytes_per_s * (expected ? best->expected : 1)))
			best = hop;
	}
	return best;
}

/* What is to be expected of it is known exactly, or to be enough. */
static bool speaks(const struct fl_hop *hop)
{
	return hop->carried || (hop->exact && isfinite(hop->expected));
}

/* May this path fail a lane? Every hop's cap must be known exactly. A benchmark that states its own limit speaks for
 * its whole path, but for devices that a flow names. */
static bool is_complete(const struct fl_lane_verdict *v)
{
	bool stated = false;

	for (size_t i = 0; i < v->hops_n; i++)
		stated |= v->hops[i].stated && v->hops[i].exact;
	for (size_t i = 0; i < v->hops_n; i++)
		if (!speaks(&v->hops[i]) && (v->hops[i].named || v->hops[i].stated || !stated))
			return false;
	return v->hops_n > 0;
}

/* "DRAM of node0 (not measured yet), drive vda media (no rating known)" */
static void list_unknown(const struct fl_lane_verdict *v, struct fl_text *out)
{
	const char *comma = "";

	for (size_t i = 0; i < v->hops_n; i++) {
		const struct fl_hop *hop = &v->hops[i];

		if (speaks(hop))
			continue;
		fl_text_add(out, "%s%s (%s)", comma, hop->name, hop->why ? hop->why : hop->origin);
		comma = ", ";
	}
}

static void leave_unjudged(struct fl_lane_verdict *v)
{
	struct fl_text t = { 0 };

	if (v->hops_n == 0) {
		fl_text_add(&t, "it loads no hop with a cap");
	} else {
		fl_text_add(&t, "no exact cap is known of: ");
		list_unknown(v, &t);
	}
	fl_verdict_set(v, FL_UNJUDGED, t.bytes, NULL);
}

static void refuse_too_fast(struct fl_lane_verdict *v, double median, const struct fl_hop *hop)
{
	char got[FL_UNIT_TEXT], cap[FL_UNIT_TEXT];
	struct fl_text t = { 0 };

	fl_text_add(&t, "%s is more than %s can carry (%s, %s)", fl_show_rate(got, median), hop->name,
		    fl_show_rate(cap, hop->cap_bytes_per_s), hop->origin);
	fl_verdict_set(v, FL_VERDICT_INVALID, t.bytes, FL_CAME_ANOTHER_WAY);
}

/* How many rounds would decide. Lanes that run together, or keep the CPUs that they have
 * together, are measured again only by their suite. */
char *fl_ask_for_rounds(const struct fl_subject *s)
{
	unsigned done = (unsigned)s->n; /* its study may have ended it before the planned ones */
	bool few = done < ROUNDS_OF_INTERVAL;
	unsigned more = 2 * done < FL_ROUNDS_MAX ? 2 * done : FL_ROUNDS_MAX;
	unsigned rounds = few ? ROUNDS_OF_INTERVAL : more;
	struct fl_text t = { 0 };

	fl_text_add(&t, "%u rounds give %s: ", rounds, few ? "an interval of 95 %" : "a narrower interval");
	if (s->alone) {
		fl_add_bench_command(s, &t);
		fl_text_add(&t, " --repeat %u", rounds);
	} else {
		fl_text_add(&t, "raise `repeat` in the suite");
	}
	return t.bytes;
}

static void say_share(struct fl_text *t, double median, const struct fl_hop *hop)
{
	char got[FL_UNIT_TEXT], expected[FL_UNIT_TEXT];
	double rate = hop->cap_bytes_per_s * hop->expected;
	long long tenths = llround(1000 * median / rate); /* no decimal point of a locale */

	fl_text_add(t, "%s is %lld.%lld %% of the %s to expect of %s (%s)", fl_show_rate(got, median), tenths / 10,
		    tenths % 10, fl_show_rate(expected, rate), hop->name, hop->origin);
}

/* Below the line, or with the line inside the interval. */
static void doubt(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_interval *m, double line,
		  const struct fl_hop *hop)
{
	struct fl_text t = { 0 };

	say_share(&t, m->median, hop);
	if (!is_complete(v)) {
		fl_text_add(&t, "; no exact cap is known of: ");
		list_unknown(v, &t);
		fl_verdict_set(v, FL_UNJUDGED, t.bytes, NULL);
	} else if (m->high >= line) {
		fl_text_add(&t, "; the pass line lies inside its interval");
		fl_verdict_set(v, FL_INCONCLUSIVE, t.bytes, NULL);
		v->hint = fl_ask_for_rounds(s);
	} else {
		fl_verdict_set(v, FL_FAIL, t.bytes, NULL);
	}
}

const struct fl_metric_summary *fl_judged_metric(const struct fl_lane_verdict *v)
{
	for (size_t i = 0; i < v->metrics_n; i++)
		if (v->metrics[i].from == FL_RATE_BYTES && v->metrics[i].of_rounds.n)
			return &v->metrics[i];
	return NULL;
}

/* Its payload arrives in batches, so slices of the window say how they came: the rate is the mean. */
static bool comes_in_batches(const struct fl_lane_verdict *v)
{
	for (const struct fl_metric *m = v->entry->metrics; m->name; m++)
		if (m->from == FL_GIVEN && strcmp(m->name, "delivery_ns") == 0)
			return true;
	return false;
}

bool fl_judged_rate(const struct fl_lane_verdict *v, struct fl_interval *ret)
{
	const struct fl_metric_summary *rate = fl_judged_metric(v);

	if (!rate)
		return false;
	*ret = rate->of_rounds;
	if (rate->rounds == 1 && ret->confidence == 0) /* too few slices: their extremes are warm-up and chance */
		ret->low = ret->high = ret->median;
	if (comes_in_batches(v)) {
		ret->median = rate->mean;
		ret->low = fmin(ret->low, rate->mean);
		ret->high = fmax(ret->high, rate->mean);
	}
	return true;
}

static void hold(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_interval *rate)
{
	const struct fl_hop *cap = fl_narrowest_hop(v, false), *expect = fl_narrowest_hop(v, true);

	double line = expect ? (1 - FL_TOLERANCE) * expect->cap_bytes_per_s * expect->expected : (double)NAN;

	if (cap && rate->median > (1 + FL_TOLERANCE) * cap->cap_bytes_per_s)
		refuse_too_fast(v, rate->median, cap);
	else if (!expect)
		leave_unjudged(v);
	else if (rate->low >= line)
		v->verdict = FL_PASS;
	else
		doubt(s, v, rate, line, expect);
}

/* That one metric passed says nothing about another that the suite requires. */
static void miss_required(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	const char *judged = fl_judged_metric(v)->name, *required = fl_subject_requires_beside(s, judged);

	if (!required || (v->verdict != FL_PASS && v->verdict != FL_UNJUDGED))
		return;
	free(v->reason);
	v->verdict = FL_UNJUDGED;
	v->reason = fl_format("'%s' is to be judged, but only '%s' is held against limits", required, judged);
}

void fl_hold_against_limits(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	struct fl_interval rate;

	if (!fl_judged_rate(v, &rate)) {
		v->verdict = FL_UNJUDGED;
		v->reason = fl_dup("only rates in bytes are held against limits");
		return;
	}
	hold(s, v, &rate);
	miss_required(s, v);
}
