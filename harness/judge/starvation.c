/* SPDX-License-Identifier: Apache-2.0 */
/* starvation.c: the studies of starvation in the plan of a record: their cases, what the lanes of the loop lost, and
 * what that means. The record comes from a store that somebody may have changed: what does not fit together leaves the
 * lanes of the loop unjudged, with a reason; studies.c refuses what contradicts itself. */
#include "judge/starvation.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "judge/feed.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- cases */

const struct fl_subject *fl_feed_lane_of(const struct fl_feed_case *c, size_t lane)
{
	return c && lane < c->n ? &c->lanes[lane] : NULL;
}

const struct fl_feed_case *fl_feed_find_case(const struct fl_feed_plan *p, const char *value)
{
	for (size_t i = 0; i < p->cases_n; i++)
		if (strcmp(p->cases[i].value, value) == 0)
			return &p->cases[i];
	return NULL;
}

bool fl_feed_is_measured(const struct fl_subject *s, const char **why)
{
	const struct fl_lane_verdict *v = s ? s->verdict : NULL;

	*why = "it was not planned";
	if (!v) {
		if (s)
			*why = "it was not needed";
		return false;
	}
	*why = v->reason ? v->reason : "it has no numbers";
	return v->verdict != FL_VERDICT_NOT_MEASURED && v->verdict != FL_VERDICT_INVALID && !v->wrong_data;
}

/* The first lane of a case; subjects are in the order of the plan. */
static size_t find_first(const struct fl_subjects *subjects, uint64_t case_no)
{
	size_t low = 0, high = subjects->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (subjects->items[middle].case_no < case_no)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct fl_feed_case case_of(const struct fl_subjects *subjects, uint64_t case_no, const char *value)
{
	size_t first = find_first(subjects, case_no), end = first;

	while (end < subjects->n && subjects->items[end].case_no == case_no)
		end++;
	return (struct fl_feed_case){ value, subjects->items + first, end - first };
}

/* The name of the profile, where the loop was asked for one. */
static const char *find_demand(const struct fl_feed_case *loop)
{
	const struct fl_subject *s = fl_feed_lane_of(loop, 0);

	return s ? fl_json_text_or_null(json_object_get(s->planned, "options"), "demand") : NULL;
}

/* false: it is not a study of starvation, or not one that can be. */
static bool read_study(const json_t *o, const struct fl_subjects *subjects, size_t cases_most, struct fl_feed_plan *ret)
{
	const char *kind = fl_json_text_or_null(o, "kind"), *label = fl_json_text_or_null(o, "label");
	json_t *values = json_object_get(o, "values");
	uint64_t first = 0, n = 0;

	*ret = (struct fl_feed_plan){ .kind = kind, .label = label, .top = -1 };
	if (!kind || !label || (strcmp(kind, "starvation") != 0 && strcmp(kind, "ladder") != 0) ||
	    fl_json_u64(o, "", "first_case", FL_CASES_MAX, &first, NULL) < 0 ||
	    fl_json_u64(o, "", "cases", FL_CASES_MAX, &n, NULL) < 0 || first > cases_most || n > cases_most - first ||
	    json_array_size(values) != n)
		return false;
	ret->cases = fl_zalloc(n, sizeof(*ret->cases));
	for (uint64_t i = 0; i < n; i++) {
		const char *value = json_string_value(json_array_get(values, i));

		if (value)
			ret->cases[ret->cases_n++] = case_of(subjects, first + i, value);
	}
	ret->loop = fl_feed_find_case(ret, "loop");
	ret->open = fl_feed_find_case(ret, "open");
	ret->control = fl_feed_find_case(ret, "control");
	ret->demand = find_demand(ret->loop);
	return true;
}

/* ---- evidence: lanes that are there to hold the loop against */

static bool is_wrong(const struct fl_lane_verdict *v)
{
	return v->wrong_data || v->verdict == FL_VERDICT_INVALID || v->verdict == FL_VERDICT_NOT_MEASURED;
}

/* A closed loop moves what its sink takes, so the limits of its path say nothing of it, but that it cannot be above. */
static void set_aside(struct fl_lane_verdict *v, const char *reason, const char *hint)
{
	if (!is_wrong(v))
		fl_verdict_set(v, FL_UNJUDGED, fl_dup(reason), hint);
}

static void mark_evidence(const struct fl_feed_plan *p)
{
	for (size_t i = 0; i < p->cases_n; i++)
		for (size_t k = 0; k < p->cases[i].n; k++) {
			struct fl_lane_verdict *v = p->cases[i].lanes[k].verdict;

			if (!v)
				continue;
			v->rung = p->cases[i].value;
			if (&p->cases[i] == p->loop)
				continue;
			v->evidence_only = true;
			v->required = false;
			if (fl_entry_is_loop(v->entry))
				set_aside(v, "the loop is held against it; its sink sets its rate", NULL);
		}
}

/* ---- a lane of the loop */

enum { PREFETCH_MAX = 1000000000 }; /* a record may say anything */

static const struct fl_interval unknown = { .median = NAN, .low = NAN, .high = NAN };

/* What the source stated, in the round where it was most; never below the option. */
static uint64_t find_ahead(const struct fl_subject *s, uint64_t prefetch)
{
	uint64_t ahead = prefetch, n;

	for (size_t i = 0; i < s->n; i++) {
		const char *text = fl_json_text_or_null(s->records[i]->facts, "batches_ahead");

		if (text && fl_parse_count(text, &n, NULL) == 0 && n > ahead && n <= PREFETCH_MAX)
			ahead = n;
	}
	return ahead;
}

static struct fl_feed *feed_make(const struct fl_subject *s)
{
	const struct fl_lane_verdict *v = s->verdict;
	struct fl_feed *feed = fl_zalloc(1, sizeof(*feed));
	double prefetch = fl_json_number_or_nan(v->options, "prefetch");

	*feed = (struct fl_feed){ .S = unknown,
				  .AU = unknown,
				  .rho = unknown,
				  .supply_bytes_per_s = unknown,
				  .control_AU = NAN,
				  .kept = NAN,
				  .step_bytes = fl_json_number_or_nan(v->options, "step_bytes"),
				  .step_time_ns = fl_json_number_or_nan(v->options, "step_time"),
				  .prefetch = prefetch >= 1 && prefetch <= PREFETCH_MAX ? (uint64_t)prefetch : 0 };
	feed->ahead = find_ahead(s, feed->prefetch);
	feed->demand_bytes_per_s = 1e9 * feed->step_bytes / feed->step_time_ns;
	return feed;
}

static bool is_known(const struct fl_feed *feed)
{
	return feed->step_bytes > 0 && feed->step_time_ns > 0 && isfinite(feed->demand_bytes_per_s) &&
	       feed->demand_bytes_per_s > 0;
}

static struct fl_interval scaled(struct fl_interval i, double by)
{
	i.median *= by;
	i.low *= by;
	i.high *= by;
	return i;
}

/* Not measured, where what the loop is held against was not. */
static bool misses(struct fl_lane_verdict *v, const struct fl_subject *s, const char *what)
{
	const char *why;

	if (fl_feed_is_measured(s, &why))
		return false;
	fl_verdict_set(v, FL_VERDICT_NOT_MEASURED, fl_format("%s was not measured: %s", what, why),
		       s && s->verdict ? s->verdict->hint : NULL);
	return true;
}

struct fl_loop_shape fl_feed_shape(const struct fl_feed *feed, const struct fl_lane_verdict *v)
{
	double block = fl_json_number_or_nan(v->options, "block");

	return (struct fl_loop_shape){ feed->step_time_ns, block > 0 ? ceil(feed->step_bytes / block) : (double)NAN,
				       feed->ahead };
}

static void measure(struct fl_feed_lane *l, const struct fl_subject *open, const struct fl_subject *control)
{
	struct fl_feed *feed = l->feed;
	const struct fl_loop_shape shape = fl_feed_shape(feed, l->v);
	struct fl_loop kept = fl_loop_measure(control->records, control->n, &shape);

	l->loop = fl_loop_measure(l->s->records, l->s->n, &shape);
	l->open = fl_open_measure(open->records, open->n, feed->step_bytes);
	feed->control_AU = kept.why ? (double)NAN : kept.AU.median;
	feed->S = l->loop.S;
	feed->AU = l->loop.AU;
	feed->supply_bytes_per_s = l->open.rate;
	open->verdict->delivered = l->open.rate;
	feed->rho = scaled(l->open.rate, 1 / feed->demand_bytes_per_s);
}

static void decide(struct fl_feed_lane *l)
{
	struct fl_feed *feed = l->feed;
	const struct fl_band_in in = { feed->S, feed->AU, feed->rho, feed->control_AU, l->loop.drained };

	feed->kept = fl_band_kept(&in);
	feed->band = fl_band_decide(&in, &l->line);
	if (l->loop.why && l->line > FL_LINE_UNKNOWN) {
		feed->band = FL_NOT_MEASURABLE;
		l->line = FL_LINE_ACCOUNTS;
	}
}

/* Why it is starved. Stalls that the arrivals of the open loop would not cause have no name. */
static void find_cause(struct fl_feed_lane *l)
{
	struct fl_feed *feed = l->feed;
	const double *deliveries = l->open.deliveries;
	double replayed = fl_replay(deliveries, l->open.deliveries_n, feed->step_time_ns, feed->ahead);

	l->unlike = feed->S.low > fl_band_explained(&feed->rho, replayed, feed->kept);
	if (l->unlike)
		return;
	if (feed->rho.high < 1) {
		feed->cause = "capacity";
	} else if (feed->rho.low >= 1 && replayed >= FL_FED_BELOW) {
		feed->cause = "jitter";
		feed->depth_needed = fl_replay_depth(deliveries, l->open.deliveries_n, feed->step_time_ns);
	}
}

/* What the loop is held against was disturbed: so is what is said of the loop. */
static void inherit_distrust(struct fl_lane_verdict *v, const struct fl_subject *s, const char *what)
{
	for (size_t i = 0; i < s->verdict->distrust_n; i++) {
		v->distrust = fl_grow(v->distrust, v->distrust_n + 1, sizeof(*v->distrust));
		v->distrust[v->distrust_n++] = fl_format("%s: %s", what, s->verdict->distrust[i]);
		v->inherited_n++;
	}
}

static void judge_lane(const struct fl_feed_plan *p, const struct fl_subject *s)
{
	const struct fl_subject *open = fl_feed_lane_of(p->open, s->lane);
	const struct fl_subject *control = fl_feed_lane_of(p->control, s->lane);
	struct fl_feed_lane l = { .plan = p, .s = s, .v = s->verdict };

	if (!l.v || l.v->feed) /* a plan whose studies overlap is refused later */
		return;
	l.v->feed = l.feed = feed_make(s);
	if (is_wrong(l.v))
		return;
	if (!is_known(l.feed)) {
		fl_verdict_set(l.v, FL_VERDICT_NOT_MEASURED,
			       fl_dup("the record does not say what it takes, and how often"), NULL);
		return;
	}
	if (misses(l.v, control, "the control") || misses(l.v, open, "the open loop"))
		return;
	measure(&l, open, control);
	decide(&l);
	inherit_distrust(l.v, control, "the control");
	inherit_distrust(l.v, open, "the open loop");
	if (l.feed->band == FL_MODERATELY_STARVED || l.feed->band == FL_STARVED) {
		find_cause(&l);
		fl_feed_attribute(&l);
	}
	fl_feed_explain(&l);
	fl_open_release(&l.open);
}

/* ---- studies */

/* Takes the plan. */
static void keep(struct fl_judgement *j, struct fl_feed_plan *p)
{
	const struct fl_feed *feed = p->loop->lanes[0].verdict->feed;
	struct fl_feed_finding f = { .study = fl_feed_study_make(p, feed->demand_bytes_per_s, feed->step_bytes) };

	f.label = p->label;
	f.headline = fl_feed_headline(p, &f.band);
	j->feeds = fl_grow(j->feeds, j->feeds_n + 1, sizeof(*j->feeds));
	j->feeds[j->feeds_n++] = f;
}

/* Measures it the loop, its open loop or a rung of it? */
static bool is_of_loop(const struct fl_entry *loop, const struct fl_entry *entry)
{
	if (entry == loop || strcmp(entry->name, loop->open_loop) == 0)
		return true;
	for (const struct fl_rung *r = loop->rungs; r && r->name; r++)
		if (r->bench && strcmp(entry->name, r->bench) == 0)
			return true;
	return false;
}

/* Else its cases have nothing to do with each other, and none is there for the sake of another. */
static bool is_study(const struct fl_feed_plan *p)
{
	const struct fl_subject *first = fl_feed_lane_of(p->loop, 0);

	if (!first || !fl_entry_is_loop(first->entry))
		return false;
	for (size_t i = 0; i < p->cases_n; i++)
		for (size_t k = 0; k < p->cases[i].n; k++) {
			const struct fl_entry *entry = p->cases[i].lanes[k].entry;

			if (!is_of_loop(first->entry, entry) || (&p->cases[i] == p->loop && entry != first->entry))
				return false;
		}
	return true;
}

static void judge_study(struct fl_feed_plan *p, struct fl_judgement *j)
{
	const struct fl_subject *first = fl_feed_lane_of(p->loop, 0);

	if (!is_study(p))
		return;
	mark_evidence(p);
	if (!first->verdict)
		return;
	fl_feed_measure_rungs(p, fl_json_number_or_nan(first->verdict->options, "step_bytes"));
	for (size_t i = 0; i < p->loop->n; i++)
		judge_lane(p, &p->loop->lanes[i]);
	keep(j, p);
	fl_feed_release_rungs(p);
}

void fl_judge_feeds(const struct fl_run *run, const struct fl_subjects *subjects, struct fl_judgement *j)
{
	const json_t *studies = json_object_get(run->plan, "studies");
	size_t cases = json_array_size(json_object_get(run->plan, "cases"));

	for (size_t i = 0; i < json_array_size(studies) && i < FL_CASES_MAX; i++) {
		struct fl_feed_plan p;

		if (read_study(json_array_get(studies, i), subjects, cases, &p))
			judge_study(&p, j);
		free(p.cases);
	}
	for (size_t i = 0; i < j->lanes_n; i++) {
		struct fl_lane_verdict *v = &j->lanes[i];

		if (fl_entry_is_loop(v->entry) && !v->feed && !v->evidence_only)
			set_aside(v, "a closed loop is judged against its open loop and a control",
				  "a study of starvation has them: feedline bench, or `study: starvation` in a suite");
	}
	fl_feed_conclude(j);
}

void fl_feed_free(struct fl_feed *feed)
{
	if (!feed)
		return;
	for (size_t i = 0; i < FL_WITNESSES; i++)
		free(feed->said[i]);
	free(feed->hop);
	free(feed->why_hop);
	free(feed->cure);
	free(feed);
}
