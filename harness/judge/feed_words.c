/* SPDX-License-Identifier: Apache-2.0 */
/* feed_words.c: what is found of a lane of a loop in words: its verdict with the reason, what would cure it, and the
 * line that a report begins with. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "judge/feed.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void fl_feed_add_share(struct fl_text *t, const struct fl_interval *share)
{
	char median[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT];

	fl_text_add(t, "%s", fl_show_percent(median, share->median));
	fl_show_percent(low, share->low);
	fl_show_percent(high, share->high);
	if (strcmp(low, high) != 0)
		fl_text_add(t, " (%s .. %s)", low, high);
}

/* "it waits 62 % (60 % .. 64 %) of the time" */
static void add_waits(struct fl_text *t, const struct fl_feed *feed)
{
	fl_text_add(t, "it waits ");
	fl_feed_add_share(t, &feed->S);
	fl_text_add(t, " of the time");
}

static bool is_attributed(const struct fl_feed *feed)
{
	return feed->hop && strcmp(feed->hop, "unattributed") != 0;
}

/* "the drive nvme-S1 gives 1.20 GB/s of the 3.18 GB/s wanted"; several: "... gives the worst 1.20 GB/s of the 3.18 GB/s
 * that each wants" */
static void add_supply(struct fl_text *t, const struct fl_feed *feed, bool several)
{
	char supply[FL_UNIT_TEXT], demand[FL_UNIT_TEXT];
	const char *uneven = feed->cause && strcmp(feed->cause, "jitter") == 0 ? ", but unevenly" : "";

	if (is_attributed(feed))
		fl_text_add(t, "the %s gives ", feed->hop);
	else
		fl_text_add(t, "%s path gives ", several ? "their" : "its");
	fl_text_add(t, "%s%s of the %s %s%s", several ? "the worst " : "",
		    fl_show_rate(supply, feed->supply_bytes_per_s.median),
		    fl_show_rate(demand, feed->demand_bytes_per_s), several ? "that each wants" : "wanted", uneven);
}

static void add_cause(struct fl_text *t, const struct fl_feed_lane *l)
{
	const struct fl_feed *feed = l->feed;

	if (feed->cause)
		fl_text_add(t, " (%s)", feed->cause);
	else if (l->unlike || feed->rho.low >= 1)
		fl_text_add(t,
			    "; the open loop's arrivals would not starve it%s, so something else holds the loop up, or "
			    "the source was another one in the meantime",
			    feed->rho.low >= 1 ? "" : " so much");
	else
		fl_text_add(t, "; whether more bandwidth or a deeper queue is missing cannot be told");
	if (!is_attributed(feed))
		fl_text_add(t, "; by which hop is unattributed: %s", feed->why_hop);
}

/* ---- what would cure it */

static char *find_cure(const struct fl_feed *feed)
{
	char supply[FL_UNIT_TEXT], memory[FL_UNIT_TEXT], times[FL_UNIT_TEXT];
	struct fl_text t = { 0 };
	double more = feed->demand_bytes_per_s / feed->supply_bytes_per_s.median;
	unsigned long long depth = feed->depth_needed;

	if (!feed->cause)
		return NULL;
	if (strcmp(feed->cause, "capacity") == 0)
		return fl_format("%s times the supply, or a demand below %s; no queue makes up for it",
				 fl_show_number(times, ceil(100 * more) / 100),
				 fl_show_rate(supply, feed->supply_bytes_per_s.median));
	if (!depth)
		return fl_format("no prefetch up to %d batches, by the arrivals recorded", FL_DEPTH_MAX);
	fl_text_add(&t, "a prefetch of %llu batches instead of %llu (%s), by the arrivals recorded", depth,
		    (unsigned long long)feed->prefetch,
		    fl_show_bytes(memory, (uint64_t)fmin(1e18, (double)depth * feed->step_bytes)));
	if (feed->ahead > feed->prefetch + 1)
		fl_text_add(&t, "; the source may have %llu begun or complete already",
			    (unsigned long long)feed->ahead);
	return t.bytes;
}

/* ---- reasons */

/* "30s": in which a dozen of its steps end. */
static char *ask_for_duration(const struct fl_feed_lane *l, double times)
{
	double window_ns = l->v->first ? fl_json_number_or_nan(l->v->first->notes, "window_ns") : (double)NAN;
	double period_ns = fmax(l->loop.period_ns, l->feed->step_time_ns);
	double needed_s = ceil(fmax(12 * period_ns, times * window_ns) / 1e9);
	struct fl_text t = { 0 };

	fl_text_add(&t, "a longer duration tells more: ");
	fl_add_bench_command(l->s, &t);
	fl_text_add(&t, " --duration %.0fs", needed_s >= 1 && needed_s <= 86400 ? needed_s : 60);
	return t.bytes;
}

static const char *when_lost(const struct fl_feed *feed)
{
	return feed->kept < feed->control_AU ? "stalls apart," : "with all data at hand";
}

static void say_control(const struct fl_feed_lane *l, struct fl_text *t)
{
	char time[FL_UNIT_TEXT], kept[FL_UNIT_TEXT];

	fl_show_ns(time, l->feed->step_time_ns);
	if (isnan(l->feed->control_AU))
		fl_text_add(t, "whether the sink keeps its %s is not known: the control has too few steps", time);
	else
		fl_text_add(t, "%s the sink keeps only %s of its %s a step, 90 %% at least are needed",
			    when_lost(l->feed), fl_show_percent(kept, l->feed->kept), time);
}

static void say_loss(const struct fl_feed_lane *l, struct fl_text *t)
{
	char lost[FL_UNIT_TEXT];

	add_waits(t, l->feed);
	fl_text_add(t, ", and %s it loses %s by itself, which may hide as much or be part of it", when_lost(l->feed),
		    fl_show_percent(lost, fmax(0, 1 - l->feed->kept)));
}

static void say_limit(const struct fl_feed_lane *l, struct fl_text *t)
{
	char supply[FL_UNIT_TEXT], demand[FL_UNIT_TEXT], drained[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT];

	add_waits(t, l->feed);
	if (l->line == FL_LINE_QUEUE)
		fl_text_add(t, ", but its queue gave %s of what it took and was not filled again",
			    fl_show_percent(drained, l->loop.drained));
	else if (l->line == FL_LINE_NOISE)
		fl_text_add(t, "; the line of 5 %% lies inside that");
	else if (l->line == FL_LINE_CONTRADICTION)
		fl_text_add(t,
			    " and took more than the %s of the open loop: the source was another one in the meantime",
			    fl_show_rate(supply, l->feed->supply_bytes_per_s.median));
	else
		fl_text_add(t, "; what could come, %s (%s .. %s), may be more or less than what is wanted, %s",
			    fl_show_rate(supply, l->feed->supply_bytes_per_s.median),
			    fl_show_rate(low, l->feed->supply_bytes_per_s.low),
			    fl_show_rate(high, l->feed->supply_bytes_per_s.high),
			    fl_show_rate(demand, l->feed->demand_bytes_per_s));
}

/* Whoever keeps its step time there would be starved all the same. */
static void add_anyway(struct fl_text *t, const struct fl_feed *feed)
{
	char rho[FL_UNIT_TEXT];

	if (feed->rho.n && feed->rho.high <= 1 - FL_STARVED_FROM)
		fl_text_add(t, "; its path gives only %s of what is wanted anyway",
			    fl_show_percent(rho, feed->rho.median));
}

#define OWN_CPU "give it a CPU of its own, or a longer step"

/* Not measurable, and why. */
static void explain_unmeasurable(struct fl_feed_lane *l, struct fl_text *t)
{
	if (l->line == FL_LINE_CONTROL) {
		say_control(l, t);
		l->v->hint = isnan(l->feed->control_AU) ? ask_for_duration(l, 4) : fl_dup(OWN_CPU);
	} else if (l->line == FL_LINE_LOSS) {
		say_loss(l, t);
		l->v->hint = fl_dup(OWN_CPU);
	} else if (l->loop.why) {
		fl_text_add(t, "%s", l->loop.why);
		l->v->hint = ask_for_duration(l, 2);
	} else {
		fl_text_add(t, "the open loop finished fewer than 3 batches");
		l->v->hint = ask_for_duration(l, 4);
	}
}

static void explain_limit(struct fl_feed_lane *l, struct fl_text *t)
{
	say_limit(l, t);
	if (l->line == FL_LINE_QUEUE)
		l->v->hint = ask_for_duration(l, 4);
	else if (l->line == FL_LINE_NOISE || l->line == FL_LINE_RHO)
		l->v->hint = fl_ask_for_rounds(l->s);
}

/* What measures it hop by hop. */
static char *ask_for_ladder(const struct fl_feed_lane *l)
{
	struct fl_text t = { 0 };

	fl_text_add(&t, "a ladder measures its path hop by hop: ");
	fl_add_bench_command(l->s, &t);
	fl_text_add(&t, " --study ladder");
	return t.bytes;
}

static void explain_starved(struct fl_feed_lane *l, struct fl_text *t)
{
	add_waits(t, l->feed);
	fl_text_add(t, ": ");
	add_supply(t, l->feed, false);
	add_cause(t, l);
	l->feed->cure = find_cure(l->feed);
	if (!is_attributed(l->feed) && strcmp(l->plan->kind, "ladder") != 0)
		l->v->hint = ask_for_ladder(l);
}

void fl_feed_explain(struct fl_feed_lane *l)
{
	static const enum fl_verdict verdicts[] = {
		[FL_NO_BAND] = FL_UNJUDGED,	     [FL_FED] = FL_PASS,
		[FL_MODERATELY_STARVED] = FL_FAIL,   [FL_STARVED] = FL_FAIL,
		[FL_AT_THE_LIMIT] = FL_INCONCLUSIVE, [FL_NOT_MEASURABLE] = FL_VERDICT_NOT_MEASURED,
	};
	struct fl_lane_verdict *v = l->v;
	struct fl_text t = { 0 };

	free(v->reason);
	free(v->hint);
	v->hint = NULL;
	v->verdict = verdicts[l->feed->band];
	if (l->feed->band == FL_NOT_MEASURABLE) {
		explain_unmeasurable(l, &t);
		add_anyway(&t, l->feed);
	} else if (l->feed->band == FL_AT_THE_LIMIT) {
		explain_limit(l, &t);
	} else if (l->feed->band != FL_FED) {
		explain_starved(l, &t);
	}
	v->reason = t.bytes;
}

/* ---- evidence */

char *fl_feed_wanted(const struct fl_feed *feed)
{
	char bytes[FL_UNIT_TEXT], time[FL_UNIT_TEXT], rate[FL_UNIT_TEXT];

	return fl_format("%s every %s, %s", fl_show_bytes(bytes, (uint64_t)fmin(1e18, feed->step_bytes)),
			 fl_show_ns(time, feed->step_time_ns), fl_show_rate(rate, feed->demand_bytes_per_s));
}

char *fl_feed_measured(const struct fl_feed *feed)
{
	char rho[FL_UNIT_TEXT], control[FL_UNIT_TEXT];
	struct fl_text t = { 0 };

	fl_text_add(&t, "S ");
	fl_feed_add_share(&t, &feed->S);
	fl_text_add(&t, ", AU ");
	fl_feed_add_share(&t, &feed->AU);
	fl_text_add(&t, ", rho %s; with all data at hand AU %s",
		    fl_show_number(rho, round(100 * feed->rho.median) / 100),
		    fl_show_percent(control, feed->control_AU));
	return t.bytes;
}

/* ---- accelerators beside each other */

static double rate_of(const struct fl_subject *s)
{
	struct fl_interval rate;
	const char *why;

	return fl_feed_is_measured(s, &why) && fl_judged_rate(s->verdict, &rate) ? rate.median : (double)NAN;
}

char *fl_feed_fairness(const struct fl_feed_plan *p)
{
	size_t slowest = 0, fastest = 0;
	char low[FL_UNIT_TEXT], high[FL_UNIT_TEXT], share[FL_UNIT_TEXT];
	double least = NAN, most = NAN;

	for (size_t i = 0; i < p->loop->n; i++) {
		double rate = rate_of(&p->loop->lanes[i]);

		if (isnan(rate))
			continue;
		if (!(rate >= least)) {
			least = rate;
			slowest = i;
		}
		if (!(rate <= most)) {
			most = rate;
			fastest = i;
		}
	}
	if (p->loop->n < 2 || !(least < (1 - FL_TOLERANCE) * most))
		return NULL;
	return fl_format("the slowest accelerator, %zu, took %s, %s of the fastest, %zu, with %s", slowest,
			 fl_show_rate(low, least), fl_show_percent(share, least / most), fastest,
			 fl_show_rate(high, most));
}

/* ---- the first line */

/* Which of several speaks for all. */
static unsigned weight(enum fl_band band)
{
	static const unsigned weights[] = {
		[FL_NO_BAND] = 0,
		[FL_FED] = 1,
		[FL_NOT_MEASURABLE] = 2,
		[FL_AT_THE_LIMIT] = 3,
		[FL_MODERATELY_STARVED] = 4,
		[FL_STARVED] = 5,
	};

	return weights[band];
}

/* By band, then by what is missing. */
static bool is_worse(const struct fl_feed *a, const struct fl_feed *b)
{
	if (weight(a->band) != weight(b->band))
		return weight(a->band) > weight(b->band);
	return a->S.n && b->S.n && a->S.median > b->S.median;
}

static const struct fl_lane_verdict *find_worst(const struct fl_feed_plan *p, size_t *ret_alike)
{
	const struct fl_lane_verdict *worst = NULL;

	*ret_alike = 0;
	for (size_t i = 0; i < p->loop->n; i++) {
		const struct fl_lane_verdict *v = p->loop->lanes[i].verdict;

		if (v && v->feed && (!worst || is_worse(v->feed, worst->feed)))
			worst = v;
	}
	for (size_t i = 0; worst && i < p->loop->n; i++) {
		const struct fl_lane_verdict *v = p->loop->lanes[i].verdict;

		*ret_alike += v && v->feed && v->feed->band == worst->feed->band;
	}
	return worst;
}

static bool is_starved(const struct fl_feed *feed)
{
	return feed->band == FL_STARVED || feed->band == FL_MODERATELY_STARVED;
}

/* Another hop that holds one of them up; NULL: there is none. */
static const char *find_other_hop(const struct fl_feed_plan *p, const struct fl_feed *worst)
{
	for (size_t i = 0; i < p->loop->n; i++) {
		const struct fl_lane_verdict *v = p->loop->lanes[i].verdict;

		if (v && v->feed && is_starved(v->feed) && is_attributed(v->feed) && is_attributed(worst) &&
		    strcmp(v->feed->hop, worst->hop) != 0)
			return v->feed->hop;
	}
	return NULL;
}

/* "...; another one is held up by the page cache" */
static void conclude_starved(const struct fl_feed_plan *p, const struct fl_feed *worst, struct fl_text *t)
{
	const char *other = find_other_hop(p, worst);

	add_supply(t, worst, p->loop->n > 1);
	if (!is_attributed(worst))
		fl_text_add(t, ", hop unattributed");
	if (other)
		fl_text_add(t, "; another one is held up by the %s", other);
}

/* All of them are fed. */
static void conclude_fed(const struct fl_feed_plan *p, const struct fl_feed *worst, struct fl_text *t)
{
	bool several = p->loop->n > 1;
	char waits[FL_UNIT_TEXT], supply[FL_UNIT_TEXT], demand[FL_UNIT_TEXT];
	double least = INFINITY;

	for (size_t i = 0; i < p->loop->n; i++) {
		const struct fl_lane_verdict *v = p->loop->lanes[i].verdict;

		if (v && v->feed && v->feed->supply_bytes_per_s.n)
			least = fmin(least, v->feed->supply_bytes_per_s.median);
	}
	fl_text_add(t, "%s ", several ? "each" : "it");
	if (p->demand) /* else the line begins with that */
		fl_text_add(t, "wants %s, ", fl_show_rate(demand, worst->demand_bytes_per_s));
	fl_text_add(t, "could get %s%s and waits %s%s of the time", fl_show_rate(supply, least),
		    several ? " at least" : "", several ? "at most " : "", fl_show_percent(waits, worst->S.median));
}

/* "starved: 3 of 4 accelerators under unet3d-h100: ", "fed: the accelerator under ..." */
static void begin_headline(const struct fl_feed_plan *p, const struct fl_lane_verdict *worst, size_t alike,
			   struct fl_text *t)
{
	const struct fl_feed *feed = worst->feed;
	char *wanted = p->demand ? fl_dup(p->demand) : fl_feed_wanted(feed);

	fl_text_add(t, "%s: ", feed->band ? fl_band_name(feed->band) : fl_verdict_name(worst->verdict));
	if (p->loop->n == 1)
		fl_text_add(t, "the accelerator under %s: ", wanted);
	else if (alike == 2 && p->loop->n == 2)
		fl_text_add(t, "both accelerators under %s: ", wanted);
	else if (alike == p->loop->n)
		fl_text_add(t, "all %zu accelerators under %s: ", alike, wanted);
	else
		fl_text_add(t, "%zu of %zu accelerators under %s: ", alike, p->loop->n, wanted);
	free(wanted);
}

char *fl_feed_headline(const struct fl_feed_plan *p, enum fl_band *ret_band)
{
	struct fl_text t = { 0 };
	size_t alike;
	const struct fl_lane_verdict *worst = find_worst(p, &alike);
	const struct fl_feed *feed = worst ? worst->feed : NULL;

	*ret_band = feed ? feed->band : FL_NO_BAND;
	if (!feed)
		return fl_dup("no accelerator was measured");
	begin_headline(p, worst, alike, &t);
	if (is_starved(feed))
		conclude_starved(p, feed, &t);
	else if (feed->band == FL_FED)
		conclude_fed(p, feed, &t);
	else
		fl_text_add(&t, "%s", worst->reason ? worst->reason : "?");
	return t.bytes;
}

/* ---- several studies: which demands are met */

static void add_band(const struct fl_judgement *j, enum fl_band band, struct fl_text *t)
{
	size_t n = 0;

	for (size_t i = 0; i < j->feeds_n; i++) {
		const char *demand = j->feeds[i].study->demand;

		if (j->feeds[i].band != band)
			continue;
		if (n++ == 0)
			fl_text_add(t, "%s%s under ", t->n ? "; " : "", band ? fl_band_name(band) : "not measured");
		else
			fl_text_add(t, ", ");
		fl_text_add(t, "%s", demand ? demand : j->feeds[i].label);
		if (j->feeds[i].host)
			fl_text_add(t, " on %s", j->feeds[i].host);
	}
}

void fl_feed_conclude(struct fl_judgement *j)
{
	static const enum fl_band order[] = { FL_STARVED,      FL_MODERATELY_STARVED,
					      FL_AT_THE_LIMIT, FL_NOT_MEASURABLE,
					      FL_NO_BAND,      FL_FED };
	struct fl_text t = { 0 };

	if (j->feeds_n == 1) {
		j->headline = fl_dup(j->feeds[0].headline);
		return;
	}
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		add_band(j, order[i], &t);
	j->headline = t.bytes;
}
