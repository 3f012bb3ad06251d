/* SPDX-License-Identifier: Apache-2.0 */
/* failed.c: how a lane is measured again, by us and by another tool; and what a failed verdict says more than its
 * reason, so that it can be shown to somebody who doubts it: the evidence, what was ruled out, and what the other tool
 * must print where all is well. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "judge/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Takes the text over; an empty one is no evidence. */
static void add(struct fl_lane_verdict *v, struct fl_text *text)
{
	if (!text->bytes)
		return;
	v->evidence = fl_grow(v->evidence, v->evidence_n + 1, sizeof(*v->evidence));
	v->evidence[v->evidence_n++] = text->bytes;
}

/* "400 MB/s, 396 MB/s to 404 MB/s (the extremes of 3 rounds)" */
static void add_measured(struct fl_lane_verdict *v, const struct fl_metric_summary *m)
{
	const struct fl_interval *i = &m->of_rounds;
	char median[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT];
	struct fl_text t = { 0 };

	fl_text_add(&t, "measured: %s, %s to %s (%s %zu %s)", fl_show_rate(median, i->median),
		    fl_show_rate(low, i->low), fl_show_rate(high, i->high),
		    i->confidence > 0 ? "95 % interval of" : "the extremes of", i->n, m->of);
	add(v, &t);
}

/* "expected: 6.94 GB/s, 95 % of the 7.31 GB/s that drive nvme-S1 link can carry (computed); 6.59 GB/s would pass" */
static void add_expected(struct fl_lane_verdict *v, const struct fl_hop *hop)
{
	double expected = hop->cap_bytes_per_s * hop->expected;
	char rate[FL_UNIT_TEXT], cap[FL_UNIT_TEXT], line[FL_UNIT_TEXT];
	struct fl_text t = { 0 };

	fl_text_add(&t, "expected: %s, %lld %% of the %s that %s can carry (%s); %s would pass, %lld %% less",
		    fl_show_rate(rate, expected), llround(100 * hop->expected), fl_show_rate(cap, hop->cap_bytes_per_s),
		    hop->name, hop->origin, fl_show_rate(line, (1 - FL_TOLERANCE) * expected),
		    llround(100 * FL_TOLERANCE));
	add(v, &t);
}

/* The other hops whose caps are known: they would allow more. */
static void add_others(struct fl_lane_verdict *v, const struct fl_hop *narrowest)
{
	struct fl_text t = { 0 };
	char cap[FL_UNIT_TEXT];

	for (size_t i = 0; i < v->hops_n; i++) {
		const struct fl_hop *hop = &v->hops[i];

		if (hop == narrowest || !isfinite(hop->cap_bytes_per_s))
			continue;
		fl_text_add(&t, "%s%s (%s, %s)", t.n ? ", " : "other caps: ", hop->name,
			    fl_show_rate(cap, hop->cap_bytes_per_s), hop->origin);
	}
	add(v, &t);
}

/* "DRAM of node0 carried as much elsewhere in this run" */
static void add_carried(struct fl_lane_verdict *v)
{
	struct fl_text t = { 0 };

	for (size_t i = 0; i < v->hops_n; i++)
		if (v->hops[i].carried)
			fl_text_add(&t, "%s%s",
				    t.n ? ", " : "not held back by what carried as much elsewhere in this run: ",
				    v->hops[i].name);
	add(v, &t);
}

static void add_wrong_rounds(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	struct fl_text t = { 0 };
	unsigned wrong = 0;

	for (size_t i = 0; i < s->n; i++)
		wrong += json_is_false(json_object_get(s->records[i]->notes, "verified"));
	fl_text_add(&t, "the data was wrong in %u of %zu round%s", wrong, s->n, s->n == 1 ? "" : "s");
	add(v, &t);
}

/* "engine avx2, stores non-temporal": what was really used, of the lane's first round. */
static void add_facts(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	struct fl_text t = { 0 };

	for (const struct fl_fact *f = s->entry->facts; v->first && f->name; f++) {
		const char *value = f->key ? fl_json_text_or_null(v->first->facts, f->name) : NULL;

		if (value)
			fl_text_add(&t, "%s%s %s", t.n ? ", " : "used: ", f->name, value);
	}
	add(v, &t);
}

static bool is_true_of_all(const struct fl_subject *s, bool of_notes, const char *key)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct fl_lane_record *r = s->records[i];

		if (!json_is_true(json_object_get(of_notes ? r->notes : r->placement, key)))
			return false;
	}
	return true;
}

/* Whether something was seen by a witness (run/witness.h), in every round: where none can look, none is undisturbed. */
static bool had_witnesses(const struct fl_subject *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *name;
		json_t *seen;
		bool any = false;

		json_object_foreach(json_object_get(s->records[i]->notes, "witnesses"), name, seen) any |=
			name && json_is_number(seen);
		if (!any)
			return false;
	}
	return true;
}

/* What it is not, as far as that was looked at. */
static void add_ruled_out(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	const char *cpus = fl_json_text_or_null(v->placement, "cpus");
	json_t *node = json_object_get(v->placement, "node");
	const char *how =
		v->first ? fl_json_text_or_null(v->first->facts, "verified") : NULL; /* not all of it, often */
	struct fl_text t = { 0 };

	if (is_true_of_all(s, false, "verified")) {
		fl_text_add(&t, "ruled out: a wrong place (CPUs %s", cpus ? cpus : "?");
		if (json_is_integer(node))
			fl_text_add(&t, ", node%lld", (long long)json_integer_value(node));
		fl_text_add(&t, ", read back)");
	}
	if (is_true_of_all(s, true, "verified"))
		fl_text_add(&t, "%swrong data (checked%s%s)", t.n ? ", " : "ruled out: ", how ? ": " : "",
			    how ? how : "");
	if (v->distrust_n == 0 && had_witnesses(s))
		fl_text_add(&t, "%sa measurement known to be disturbed", t.n ? ", " : "ruled out: ");
	add(v, &t);
}

/* Shared hops had room for each, or it had not failed (shared.c). */
static void add_company(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	struct fl_text t = { 0 };

	if (s->case_lanes > 1)
		fl_text_add(&t, "%u lane%s ran beside it; no hop whose cap is known was full", s->case_lanes - 1,
			    s->case_lanes > 2 ? "s" : "");
	add(v, &t);
}

static char *again_by_suite(const struct fl_subject *s)
{
	const char *suite = fl_json_text_or_null(s->run->plan, "suite");

	if (s->case_lanes == 1)
		return fl_format("it had only the CPUs that it has beside others: run suite '%s' again",
				 suite ? suite : "?");
	return fl_format("%u lanes ran together: run suite '%s' again", s->case_lanes, suite ? suite : "?");
}

static void add_words(struct fl_lane_verdict *v, const char *what, const char *words)
{
	struct fl_text t = { 0 };

	if (words)
		fl_text_add(&t, "%s: %s", what, words);
	add(v, &t);
}

static void add_starvation(struct fl_lane_verdict *v)
{
	char *wanted = fl_feed_wanted(v->feed), *measured = fl_feed_measured(v->feed);

	add_words(v, "wanted", wanted);
	add_words(v, "measured", measured);
	for (unsigned i = 0; i < FL_WITNESSES; i++)
		add_words(v, fl_witness_name(i), v->feed->spoke[i] ? v->feed->said[i] : NULL);
	add_words(v, "what would cure it", v->feed->cure);
	free(measured);
	free(wanted);
}

static void prove(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	const struct fl_hop *hop = fl_narrowest_hop(v, true);

	if (v->wrong_data) {
		add_wrong_rounds(s, v);
	} else if (v->feed) {
		add_starvation(v);
	} else {
		add_measured(v, fl_judged_metric(v));
		add_expected(v, hop);
		add_others(v, hop);
		add_carried(v);
		add_company(s, v);
		v->peer.expect_bytes_per_s = hop->cap_bytes_per_s * hop->expected * v->peer.counts;
	}
	add_facts(s, v);
	add_ruled_out(s, v);
	if (!v->again && !v->hint)
		v->hint = again_by_suite(s);
}

void fl_show_ways(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	if (v->verdict == FL_VERDICT_NOT_MEASURED)
		return;
	v->again = fl_again_command(s, &v->again_when);
	if (!v->wrong_data) /* other tools do not look at what they moved */
		fl_find_peer(s, v);
	if (v->verdict == FL_FAIL)
		prove(s, v);
}
