/* SPDX-License-Identifier: Apache-2.0 */
/* witnesses.c: what ladder, occupancy, counters and intervention say of the hop that starves a lane (starvation.h). */
#include "base/alloc.h"
#include "base/cpus.h"
#include "base/json.h"
#include "base/units.h"
#include "judge/feed.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A drive that counted less than half of what was read has not read it. */
static const double device_read_least = 0.5;

const char *fl_witness_name(unsigned witness)
{
	static const char *const names[FL_WITNESSES] = {
		[FL_LADDER_SAYS] = "ladder",
		[FL_OCCUPANCY_SAYS] = "occupancy",
		[FL_COUNTERS_SAY] = "counters",
		[FL_INTERVENTION_SAYS] = "intervention",
	};

	return names[witness];
}

static struct fl_testimony silent(char **said, char *why)
{
	*said = why;
	return (struct fl_testimony){ FL_SILENT, FL_EVERY_HOP };
}

/* It was not asked, or has nothing to say that anybody need hear. */
static struct fl_testimony absent(char **said, char *why)
{
	*said = why;
	return (struct fl_testimony){ FL_ABSENT, FL_EVERY_HOP };
}

/* ---- ladder */

/* "T3 gives 1.20 GB/s", by arrivals "with the arrivals of T3 it would wait 12 %" */
static void add_rung(struct fl_text *t, const struct fl_feed_rung *rung)
{
	char shown[FL_UNIT_TEXT];

	fl_text_add(t, "%s gives %s", rung->declared->name, fl_show_rate(shown, rung->open.rate.median));
}

static char *say_rung(const struct fl_feed_lane *l, const struct fl_feed_rung *rung, bool jitter)
{
	char wanted[FL_UNIT_TEXT];
	struct fl_text t = { 0 };

	add_rung(&t, rung);
	if (jitter)
		fl_text_add(&t, ", but so unevenly that it would wait; what is before it would not");
	else
		fl_text_add(&t, " of the %s wanted", fl_show_rate(wanted, l->feed->demand_bytes_per_s));
	if (!jitter && rung->after >= 0) {
		fl_text_add(&t, "; ");
		add_rung(&t, &l->plan->rungs[rung->after]);
	}
	fl_text_add(&t, ": %s", rung->hop);
	return t.bytes;
}

static char *say_unknown(const struct fl_feed_rung *rung)
{
	const char *why;

	if (rung->open.rate.n)
		return fl_format("%s gives about what is wanted", rung->declared->name);
	if (fl_feed_is_measured(rung->s, &why))
		why = "too few batches came";
	return fl_format("%s is not known: %s", rung->declared->name, why);
}

static char *say_shared(const struct fl_feed_lane *l, const struct fl_feed_rung *rung)
{
	char together[FL_UNIT_TEXT];
	struct fl_text t = { 0 };

	add_rung(&t, rung);
	fl_text_add(&t, " to one accelerator alone, %s to each of %zu together",
		    fl_show_rate(together, l->open.rate.median), l->plan->loop->n);
	return t.bytes;
}

static char *say_crowd(const struct fl_feed_lane *l, const struct fl_feed_rung *rung)
{
	char *shared = say_shared(l, rung), *crowd = fl_format("%s: the ladder is invalid", shared);

	free(shared);
	return crowd;
}

static bool is_disturbed(const struct fl_feed_rung *rung)
{
	return rung->s && rung->s->verdict && rung->s->verdict->distrust_n;
}

/* "; T3 was disturbed: others took 9 % of it", of the rungs that lead to the loop's own source. */
static char *with_disturbances(const struct fl_feed_plan *p, char *said)
{
	struct fl_text t = { 0 };

	for (int at = p->top; at >= 0; at = p->rungs[at].after)
		if (is_disturbed(&p->rungs[at]))
			fl_text_add(&t, "%s%s was disturbed: %s", t.n ? "; " : "", p->rungs[at].declared->name,
				    p->rungs[at].s->verdict->distrust[0]);
	if (t.n) {
		char *both = fl_format("%s; %s", said, t.bytes);

		free(said);
		said = both;
	}
	fl_text_release(&t);
	return said;
}

static char *say_invalid(const struct fl_feed_plan *p, const struct fl_feed_rung *rung)
{
	struct fl_text t = { 0 };

	add_rung(&t, rung);
	fl_text_add(&t, " and ");
	add_rung(&t, &p->rungs[rung->after]);
	fl_text_add(&t, ", which it contains: the ladder is invalid");
	return t.bytes;
}

/* What the rungs delivered, and would do to a sink with the queue of the loop. */
static void fill_rungs(const struct fl_feed_lane *l, bool jitter, struct fl_ladder_rung *rungs)
{
	for (size_t i = 0; i < l->plan->rungs_n; i++) {
		const struct fl_feed_rung *r = &l->plan->rungs[i];

		rungs[i] = (struct fl_ladder_rung){
			.rate = r->open.rate, .replayed = NAN, .after = r->after, .disturbed = is_disturbed(r)
		};
		if (jitter)
			rungs[i].replayed = fl_replay(r->open.deliveries, r->open.deliveries_n, l->feed->step_time_ns,
						      l->feed->ahead);
	}
}

/* What it says of rung `at`. */
static struct fl_testimony say_ladder(const struct fl_feed_lane *l, enum fl_ladder_says says, int at, bool jitter)
{
	const struct fl_feed_plan *p = l->plan;
	char **said = &l->feed->said[FL_LADDER_SAYS];

	switch (says) {
	case FL_LADDER_RUNG:
		*said = say_rung(l, &p->rungs[at], jitter);
		return (struct fl_testimony){ FL_NAMES, at };
	case FL_LADDER_SHARED: /* the memory or the CPUs may be what is, too */
		*said = say_shared(l, &p->rungs[at]);
		return (struct fl_testimony){ FL_SUPPORTS, at };
	case FL_LADDER_INVALID:
		return silent(said, say_invalid(p, &p->rungs[at]));
	case FL_LADDER_CROWD:
		return silent(said, say_crowd(l, &p->rungs[at]));
	case FL_LADDER_SUFFICES:
		return silent(said, fl_dup("every rung gives what is wanted"));
	case FL_LADDER_DISTURBED:
		return silent(said, fl_dup("it says nothing"));
	case FL_LADDER_SILENT:
		break;
	}
	return silent(said, say_unknown(&p->rungs[at]));
}

static struct fl_testimony ask_ladder(const struct fl_feed_lane *l, bool *ret_invalid, bool *ret_shared)
{
	const struct fl_feed_plan *p = l->plan;
	const struct fl_interval alone = { .n = 0 }, *together = p->loop->n > 1 ? &l->open.rate : &alone;
	bool jitter = l->feed->cause && strcmp(l->feed->cause, "jitter") == 0;
	struct fl_ladder_rung rungs[FL_RUNGS_MAX];
	char **said = &l->feed->said[FL_LADDER_SAYS];
	struct fl_testimony testimony;
	enum fl_ladder_says says;
	int at;

	if (strcmp(p->kind, "ladder") != 0)
		return absent(said, fl_dup("not measured"));
	if (p->top < 0)
		return silent(said, fl_dup("its source is on no rung"));
	fill_rungs(l, jitter, rungs);
	says = fl_ladder_judge(rungs, p->rungs_n, p->top, l->feed->demand_bytes_per_s, together, jitter, &at);
	*ret_invalid = says == FL_LADDER_INVALID || says == FL_LADDER_CROWD;
	*ret_shared = says == FL_LADDER_SHARED;
	testimony = say_ladder(l, says, at, jitter);
	*said = with_disturbances(p, *said);
	return testimony;
}

/* ---- occupancy */

/* The rung that the copying stage belongs to: the first after the control. */
static int first_rung(const struct fl_feed_plan *p)
{
	int at = p->top;

	while (at >= 0 && p->rungs[at].after >= 0)
		at = p->rungs[at].after;
	return at;
}

/* "while it waited the source was busy 100 % of the time, the copying 20 %, with 0.3 chunks before it" */
static void add_stages(struct fl_text *t, const struct fl_loop *loop)
{
	char source[FL_UNIT_TEXT], copy[FL_UNIT_TEXT], n[FL_UNIT_TEXT];

	fl_text_add(t, "while it waited the source was busy %s of the time, the copying %s, with %s chunks before it",
		    fl_show_percent(source, loop->source_busy), fl_show_percent(copy, loop->copy_busy),
		    fl_show_number(n, round(10 * loop->waiting_chunks) / 10));
}

/* A source that computes all the time does not wait for what it reads from. */
static struct fl_testimony deny_source(const struct fl_feed_lane *l, struct fl_text *t, char **said)
{
	char cpu[FL_UNIT_TEXT];
	int top = l->plan->top;

	fl_text_add(t, ": the CPU of the thread that reads, used %s of the time",
		    fl_show_percent(cpu, l->loop.source_cpu));
	if (top < 0)
		return silent(said, t->bytes);
	fl_text_add(t, ", not %s", l->plan->rungs[top].hop);
	*said = t->bytes;
	return (struct fl_testimony){ FL_DENIES, top };
}

/* A page cache is what its CPU copies; a drive is not. */
static bool is_drive(const struct fl_feed_lane *l, int rung)
{
	const char *hop = rung < 0 ? NULL : l->plan->rungs[rung].declared->hop;
	const struct fl_field *field = hop ? fl_entry_field(l->s->entry, hop) : NULL;

	return field && (field->type == FL_PATH ||
			 (field->type == FL_DEVICE && field->range && strcmp(field->range, "drive") == 0));
}

static struct fl_testimony ask_occupancy(const struct fl_feed_lane *l)
{
	const struct fl_feed_plan *p = l->plan;
	char **said = &l->feed->said[FL_OCCUPANCY_SAYS];
	enum fl_stage stage = fl_busy_stage(&l->loop, l->feed->prefetch);
	struct fl_text t = { 0 };
	int hop = -1;

	if (isnan(l->loop.source_busy) || isnan(l->loop.copy_busy) || isnan(l->loop.waiting_chunks))
		return absent(said, fl_dup("not known"));
	add_stages(&t, &l->loop);
	if (stage == FL_STAGE_SOURCE_CPU && (p->top < 0 || is_drive(l, p->top)))
		return deny_source(l, &t, said);
	if (stage == FL_STAGE_SOURCE || stage == FL_STAGE_SOURCE_CPU)
		hop = p->top;
	else if (stage == FL_STAGE_COPY)
		hop = first_rung(p);
	if (stage == FL_STAGE_SINK)
		fl_text_add(&t, ": batches were ready");
	else if (stage == FL_STAGE_UNKNOWN)
		fl_text_add(&t, ": no stage was busy all the time");
	else
		fl_text_add(&t, ": %s", hop < 0 ? "its source, which is on no rung" : p->rungs[hop].hop);
	if (hop < 0)
		return silent(said, t.bytes);
	*said = t.bytes;
	return (struct fl_testimony){ FL_NAMES, hop };
}

/* ---- counters */

/* The largest figure of that name among the witnesses of the lane's rounds (run/witness.h), or the smallest. NaN:
 * nobody knows. */
static double find_figure(const struct fl_subject *s, const char *name, bool least)
{
	double found = NAN;

	for (size_t i = 0; i < s->n; i++) {
		double value = fl_json_number_or_nan(json_object_get(s->records[i]->notes, "witnesses"), name);

		found = least ? fmin(found, value) : fmax(found, value);
	}
	return found;
}

/* What is a share of the time of several threads or CPUs was at worst all that of one. */
static double times(double share, double n)
{
	double all = share * (n >= 1 ? n : 1);

	return all > 1 ? 1 : all;
}

static double count_cpus(const struct fl_subject *s)
{
	const char *list = fl_json_text_or_null(s->verdict->placement, "cpus");
	struct fl_cpus cpus;

	return list && fl_cpus_parse(list, &cpus, NULL) == 0 ? (double)fl_cpus_count(&cpus) : 1;
}

/* What kept its threads from their CPUs, each as a share of the time; NaN: unknown. */
struct held_up {
	double waited, steal, quota;
};

static struct held_up find_held_up(const struct fl_subject *s)
{
	const json_t *notes = s->verdict->first ? s->verdict->first->notes : NULL;
	struct held_up h = {
		.waited = times(find_figure(s, "run_queue_wait_ratio", false), fl_json_number_or_nan(notes, "threads")),
		.steal = times(find_figure(s, "steal_ratio", false), count_cpus(s)),
		.quota = times(find_figure(s, "quota_throttled_ns", false) / fl_json_number_or_nan(notes, "window_ns"),
			       1)
	};

	if (isnan(h.waited)) /* whoever had its CPUs may have made it wait */
		h.waited = times(find_figure(s, "others_ratio", false), count_cpus(s));
	return h;
}

/* The one that can explain that much; malloc'd, NULL: none can. */
static char *say_held_up(const struct held_up *h, double enough)
{
	char shown[FL_UNIT_TEXT];

	if (h->waited >= enough)
		return fl_format("its threads waited for a CPU for up to %s of the time",
				 fl_show_percent(shown, h->waited));
	if (h->steal >= enough)
		return fl_format("other virtual machines had its CPUs for up to %s of the time",
				 fl_show_percent(shown, h->steal));
	if (h->quota >= enough)
		return fl_format("a CPU quota stopped it for up to %s of the time", fl_show_percent(shown, h->quota));
	return NULL;
}

static struct fl_testimony ask_counters(const struct fl_feed_lane *l)
{
	const struct held_up h = find_held_up(l->s);
	double read = find_figure(l->s, "device_read_ratio", true);
	char **said = &l->feed->said[FL_COUNTERS_SAY], device[FL_UNIT_TEXT];

	*said = say_held_up(&h, l->feed->S.median / 2);
	if (*said)
		return (struct fl_testimony){ FL_DENIES, FL_EVERY_HOP };
	if (read < device_read_least && l->plan->top >= 0) {
		*said = fl_format("the drive counted only %s of the bytes", fl_show_percent(device, read));
		return (struct fl_testimony){ FL_DENIES, l->plan->top };
	}
	if (isnan(h.waited) && isnan(h.steal) && isnan(h.quota) && isnan(read))
		return absent(said, fl_dup("not known"));
	return absent(said, isnan(read) ? fl_dup("nothing against it")
					: fl_format("nothing against it; the drive counted %s of the bytes",
						    fl_show_percent(device, read)));
}

/* ---- intervention */

/* The lane of that index in the first case that was slowed and needed; NULL: none was. */
static const struct fl_subject *find_slowed(const struct fl_feed_plan *p, unsigned lane)
{
	for (size_t i = 0; i < p->cases_n; i++) {
		const struct fl_subject *s = fl_feed_lane_of(&p->cases[i], lane);

		if (strncmp(p->cases[i].value, "slowed-", 7) == 0 && s && s->verdict)
			return s;
	}
	return NULL;
}

static bool has_slowed(const struct fl_feed_plan *p)
{
	for (size_t i = 0; i < p->cases_n; i++)
		if (strncmp(p->cases[i].value, "slowed-", 7) == 0)
			return true;
	return false;
}

static struct fl_testimony ask_intervention(const struct fl_feed_lane *l)
{
	const struct fl_subject *s = find_slowed(l->plan, l->s->lane);
	char **said = &l->feed->said[FL_INTERVENTION_SAYS], limit[FL_UNIT_TEXT], was[FL_UNIT_TEXT], is[FL_UNIT_TEXT];
	double bytes_per_s = s ? fl_json_number_or_nan(s->verdict->options, "read_limit") : (double)NAN;
	const struct fl_loop_shape shape = fl_feed_shape(l->feed, l->v);
	struct fl_loop slowed;
	const char *why;
	int moved;

	if (!s)
		return absent(said, fl_dup(has_slowed(l->plan) ? "not needed" : "not measured"));
	if (!fl_feed_is_measured(s, &why))
		return silent(said, fl_format("not measured: %s", why));
	slowed = fl_loop_measure(s->records, s->n, &shape);
	moved = slowed.why ? 0
			   : fl_intervention_moved(&l->feed->S, &slowed.S, bytes_per_s, l->feed->demand_bytes_per_s);
	if (moved == 0 || l->plan->top < 0)
		return silent(said, fl_format("it says nothing: %s",
					      slowed.why ? slowed.why : "what the limit did is lost in the noise"));
	*said = fl_format("limited to %s from the drive it waits %s instead of %s: %s",
			  fl_show_rate(limit, bytes_per_s), fl_show_percent(is, slowed.S.median),
			  fl_show_percent(was, l->feed->S.median),
			  moved > 0 ? "it follows the drive" : "it does not follow the drive");
	return (struct fl_testimony){ moved > 0 ? FL_SUPPORTS : FL_DENIES, l->plan->top };
}

/* ---- together */

/* Who stands in the way: the first that denies, else those that name unlike hops, else that there are too few. */
static char *say_why_not(const struct fl_feed_lane *l, const struct fl_testimony *said, bool invalid)
{
	unsigned names = 0, who = 0;

	if (invalid)
		return fl_dup(l->feed->said[FL_LADDER_SAYS]);
	for (unsigned i = 0; i < FL_WITNESSES; i++)
		if (said[i].kind == FL_DENIES)
			return fl_dup(l->feed->said[i]);
	for (unsigned i = 0; i < FL_WITNESSES; i++) {
		if (said[i].kind == FL_NAMES && names && said[i].hop != said[who].hop)
			return fl_format("the %s says %s, the %s %s", fl_witness_name(who),
					 l->plan->rungs[said[who].hop].hop, fl_witness_name(i),
					 l->plan->rungs[said[i].hop].hop);
		if (said[i].kind == FL_NAMES) {
			names++;
			who = i;
		}
	}
	if (names)
		return fl_format("only the %s names a hop, %s", fl_witness_name(who),
				 l->plan->rungs[said[who].hop].hop);
	return fl_dup("no witness names a hop");
}

static char *say_who(const struct fl_testimony *said, int hop)
{
	struct fl_text t = { 0 };

	for (unsigned i = 0; i < FL_WITNESSES; i++)
		if ((said[i].kind == FL_NAMES || said[i].kind == FL_SUPPORTS) && said[i].hop == hop)
			fl_text_add(&t, "%s%s", t.n ? " and " : "", fl_witness_name(i));
	fl_text_add(&t, " agree");
	return t.bytes;
}

void fl_feed_attribute(struct fl_feed_lane *l)
{
	bool invalid = false, shared = false;
	const struct fl_testimony said[FL_WITNESSES] = {
		[FL_LADDER_SAYS] = ask_ladder(l, &invalid, &shared),
		[FL_OCCUPANCY_SAYS] = ask_occupancy(l),
		[FL_COUNTERS_SAY] = ask_counters(l),
		[FL_INTERVENTION_SAYS] = ask_intervention(l),
	};
	int hop = invalid ? -1 : fl_witnesses_agree(said, FL_WITNESSES);

	for (unsigned i = 0; i < FL_WITNESSES; i++)
		l->feed->spoke[i] = said[i].kind != FL_ABSENT;
	if (hop < 0) {
		l->feed->hop = fl_dup("unattributed");
		l->feed->why_hop = say_why_not(l, said, invalid);
		return;
	}
	l->feed->hop = shared ? fl_format("%s, shared by %zu accelerators", l->plan->rungs[hop].hop, l->plan->loop->n)
			      : fl_dup(l->plan->rungs[hop].hop);
	l->feed->why_hop = say_who(said, hop);
}
