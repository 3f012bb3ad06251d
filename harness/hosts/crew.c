/* SPDX-License-Identifier: Apache-2.0 */
/* crew.c: the stages of a case over many hosts. Every wait has a limit, and who did not arrive is named.
 *
 * All hosts measure within one window: [F, T) by the hub's clock. Each is told times by its own, which is known to some
 * error; the largest of these is kept off both ends, so that what a host measures lies within [F, T) whatever its clock
 * really shows, and all windows are equally long. Two of them may then lie as far apart as twice that error: where
 * that is much of a window, what groups measured is not to be trusted. */
#include "hosts/crew.h"
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/crew_parts.h"
#include "hosts/part.h"
#include "run/cache.h"
#include "run/case.h"
#include "run/telemetry.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t ms = 1000000;
static const uint64_t grace_ns = UINT64_C(10000000000);
/* An agent makes its pool and its watcher (at most 31 s) when it hears of the run; files that lanes read are made at
 * that rate at least; a warm-up takes 1 s at most, covering the end of the window 5 s, looking at devices 1 s. */
static const uint64_t begin_limit_ns = UINT64_C(60000000000), warm_limit_ns = UINT64_C(2000000000),
		      cover_limit_ns = UINT64_C(6000000000), records_limit_ns = UINT64_C(60000000000),
		      open_window_ns = UINT64_C(2000000000);
static const double make_bytes_per_s = 50e6;
/* So much of a window may lie beside those of other hosts. */
static const double apart_most = 0.01;
/* That part of what is too much is not worth another question for a clock. */
static const double apart_good = 0.05;
/* What hosts need between being told a time and that time. */
static const uint64_t lead_ns = UINT64_C(50000000);

/* ---- who takes part */

static struct fl_hub_host *host_of(const struct fl_crew_own *crew, unsigned number)
{
	const char *name = number < crew->plan->hosts_n ? crew->plan->hosts[number] : NULL;
	const size_t n = crew->hub->n;

	if (!name)
		return number < n ? &crew->hub->hosts[number] : NULL;
	for (size_t i = 0; i < n; i++) {
		struct fl_hub_host *host = &crew->hub->hosts[(number + i) % n]; /* as a rule their order is one */

		if (host->name && strcmp(host->name, name) == 0)
			return host;
	}
	return NULL;
}

static const char *name_of(const struct fl_crew_own *crew, unsigned number, const struct fl_hub_host *host)
{
	if (number < crew->plan->hosts_n)
		return crew->plan->hosts[number];
	return host && host->name ? host->name : "?";
}

static void miss_absent(struct fl_crew_case *c, struct fl_crew_lane *lane, const struct fl_hub_host *host)
{
	struct fl_err why = { 0 }, said = { 0 };

	if (host && !host->lost)
		return;
	if (host)
		why = host->why;
	else
		fl_fail(&why, -EHOSTDOWN, "it is none of the hosts of this run");
	fl_crew_say_lost(name_of(c->crew, lane->plan->host, host), &why, &said);
	fl_crew_miss_lane(c, lane, &said);
}

static struct fl_crew_part *add_part(struct fl_crew_case *c, struct fl_hub_host *host, unsigned number)
{
	struct fl_crew_part *part = fl_crew_part_of(c, host);

	if (part)
		return part;
	part = c->of_host[host->rank] = &c->parts[c->parts_n++];
	part->host = host;
	part->name = name_of(c->crew, number, host);
	part->numbers = fl_zalloc(c->of->lanes_n, sizeof(*part->numbers));
	return part;
}

/* Files that a lane reads are made before it opens. */
static uint64_t files_limit_ns(const struct fl_plan_lane *lane)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < lane->options_n; i++)
		bytes += fl_cache_bytes(lane->options[i].text);
	return (uint64_t)((double)bytes / make_bytes_per_s * 1e9);
}

static void add_lane(struct fl_crew_case *c, unsigned number)
{
	struct fl_crew_lane *lane = &c->lanes[number];
	struct fl_crew_part *part;
	uint64_t limit_ns = fl_case_limit_ns(lane->plan);

	if (lane->over)
		return;
	part = lane->part = add_part(c, host_of(c->crew, lane->plan->host), lane->plan->host);
	part->numbers[part->n++] = number;
	part->limit_ns = limit_ns > part->limit_ns ? limit_ns : part->limit_ns;
	part->allowed_ns += files_limit_ns(lane->plan);
}

static int by_group(const void *a, const void *b)
{
	const struct fl_crew_lane *x = *(struct fl_crew_lane *const *)a, *y = *(struct fl_crew_lane *const *)b;

	if (x->plan->group != y->plan->group)
		return x->plan->group < y->plan->group ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* A plan may come from a store: lanes of a group may be anywhere. */
static void find_mates(struct fl_crew_case *c)
{
	struct fl_crew_lane **of_groups = fl_zalloc(c->of->lanes_n, sizeof(struct fl_crew_lane *));
	size_t n = 0, first = 0;

	for (size_t i = 0; i < c->of->lanes_n; i++) {
		c->lanes[i].mate = &c->lanes[i];
		if (c->lanes[i].plan->size > 1)
			of_groups[n++] = &c->lanes[i];
	}
	qsort(of_groups, n, sizeof(struct fl_crew_lane *), by_group);
	for (size_t i = 0; i < n; i++) {
		bool last = i + 1 == n || of_groups[i + 1]->plan->group != of_groups[i]->plan->group;

		of_groups[i]->mate = last ? of_groups[first] : of_groups[i + 1];
		if (last)
			first = i + 1;
	}
	free(of_groups);
}

static uint64_t asked_ns(const struct fl_crew_case *c)
{
	return c->of->duration_ns ? c->of->duration_ns : open_window_ns;
}

static void init(struct fl_crew_case *c)
{
	size_t n = c->of->lanes_n;

	c->good_ns = (uint64_t)(apart_good * apart_most * (double)asked_ns(c) / 2);
	c->lanes = fl_zalloc(n, sizeof(*c->lanes));
	c->parts = fl_zalloc(c->crew->hub->n + 1, sizeof(*c->parts));
	c->of_host = fl_zalloc(c->crew->hub->n + 1, sizeof(struct fl_crew_part *));
	c->reader = fl_journal_reader_make();
	for (size_t i = 0; i < n; i++) {
		c->lanes[i].plan = &c->of->lanes[i];
		fl_catalog_find(c->agent->catalog, c->of->lanes[i].bench, &c->lanes[i].entry, NULL);
		c->whole |= c->lanes[i].entry && c->lanes[i].entry->whole;
	}
	find_mates(c);
	for (size_t i = 0; i < n; i++)
		miss_absent(c, &c->lanes[i], host_of(c->crew, c->lanes[i].plan->host));
	for (size_t i = 0; i < n; i++)
		add_lane(c, (unsigned)i);
	fl_crew_find_lockstep(c);
}

static void release(struct fl_crew_case *c)
{
	for (size_t i = 0; i < c->of->lanes_n; i++) {
		if (c->lanes[i].got)
			fl_lane_record_release(&c->lanes[i].record);
		free(c->lanes[i].point);
		free(c->lanes[i].said);
	}
	for (size_t i = 0; i < c->parts_n; i++) {
		struct fl_crew_part *part = &c->parts[i];

		for (size_t k = 0; k < part->watched_n; k++)
			fl_watched_release(&part->watched[k]);
		free(part->watched);
		free(part->numbers);
		free(part->distrust);
		fl_text_release(&part->coming);
	}
	free(c->thinned);
	free(c->apart);
	fl_hub_clocks_close(c->clocks);
	fl_journal_reader_free(c->reader);
	free(c->lanes);
	free(c->parts);
	free(c->of_host);
}

/* ---- telling */

static const char *address_of(void *arg, unsigned number)
{
	const struct fl_hub_host *host = host_of(arg, number);

	return host ? host->address : NULL;
}

static void tell(struct fl_crew_case *c, struct fl_crew_part *part, json_t *message)
{
	fl_hub_tell(c->crew->hub, part->host, message);
	json_decref(message);
}

static json_t *begin_message(const struct fl_crew_case *c, const struct fl_crew_part *part, const char *run)
{
	return json_pack("{s:s, s:o, s:o, s:b, s:o}", "do", "begin", "run", fl_json_string(run), "host",
			 fl_json_string(part->name), "telemetry", fl_telemetry_wanted(c->crew->plan), "changed",
			 fl_json_string(c->agent->changed));
}

static void tell_parts(struct fl_crew_case *c, const char *run)
{
	for (size_t i = 0; i < c->parts_n; i++) {
		struct fl_crew_part *part = &c->parts[i];
		const struct fl_part_spec spec = { .plan = c->crew->plan,
						   .at = c->at,
						   .numbers = part->numbers,
						   .n = part->n,
						   .whole = c->whole,
						   .address = address_of,
						   .arg = c->crew };

		part->since_ns = fl_now_ns();
		part->allowed_ns += part->limit_ns + c->crew->grace_ns;
		if (!c->crew->begun[part->host->rank]) {
			part->allowed_ns += c->crew->begin_ns;
			tell(c, part, begin_message(c, part, run));
		}
		tell(c, part, fl_part_format(&spec));
	}
}

/* A time of the hub as that host's clock shows it. What a host says of its clock may be anything. */
static json_t *time_json(const struct fl_crew_part *part, uint64_t at_ns)
{
	uint64_t there_ns = at_ns + (uint64_t)part->offset_ns;

	return json_integer((json_int_t)(there_ns & INT64_MAX));
}

/* To all that go on; at_ns of 0 is not said. */
static void tell_times(struct fl_crew_case *c, const char *what, uint64_t at_ns, uint64_t to_ns, const char *ended)
{
	for (size_t i = 0; i < c->parts_n; i++) {
		struct fl_crew_part *part = &c->parts[i];
		json_t *message = json_pack("{s:s}", "do", what);

		if (at_ns)
			json_object_set_new(message, "at_ns", time_json(part, at_ns));
		if (to_ns)
			json_object_set_new(message, "to_ns", time_json(part, to_ns));
		if (ended)
			json_object_set_new(message, "ended", json_string(ended));
		if (part->ended)
			json_decref(message);
		else
			tell(c, part, message);
	}
}

/* ---- waiting */

static const char *const arrivals[] = { [FL_PART_READY] = "open its lanes",
					[FL_PART_WARM] = "warm up",
					[FL_PART_COVERED] = "come to the end of the window",
					[FL_PART_HELD] = "hold its lanes",
					[FL_PART_STOPPED] = "stop its lanes",
					[FL_PART_OVER] = "send its records" };
static const char *const phases[] = {
	[FL_PART_READY] = "open", [FL_PART_WARM] = "warm-up", [FL_PART_COVERED] = "window",
	[FL_PART_HELD] = "stop",  [FL_PART_STOPPED] = "stop", [FL_PART_OVER] = "collect"
};

static void lose_late(struct fl_crew_case *c, struct fl_crew_part *part)
{
	enum fl_part_stage due = part->ended && c->wanted < FL_PART_STOPPED ? FL_PART_STOPPED : c->wanted;
	struct fl_err why = { 0 };

	fl_fail(&why, -ETIMEDOUT, "it did not %s within %.0f s: phase '%s' of %s", arrivals[due],
		(double)part->allowed_ns / 1e9, phases[due], c->lanes[part->numbers[0]].plan->bench);
	fl_hint(&why, "look at its agent there; if it only needs longer, allow it more time with --timeout");
	fl_crew_lose_part(c, part, &why);
}

static bool is_late(const struct fl_crew_case *c, const struct fl_crew_part *part, uint64_t now_ns)
{
	bool waited_for = !part->lost && part->stage < (part->ended ? FL_PART_STOPPED : c->wanted);

	if (c->wanted == FL_PART_HELD && !part->holds)
		waited_for = false;
	if (part->ended && c->wanted == FL_PART_OVER)
		waited_for = !part->lost && part->stage < FL_PART_OVER;
	return waited_for && now_ns >= part->since_ns + part->allowed_ns;
}

/* From now on all have that long for what they are to do. */
static void allow(struct fl_crew_case *c, uint64_t allowed_ns)
{
	uint64_t now_ns = fl_now_ns();

	for (size_t i = 0; i < c->parts_n; i++) {
		if (c->parts[i].ended && c->wanted < FL_PART_STOPPED)
			continue;
		c->parts[i].since_ns = now_ns;
		c->parts[i].allowed_ns = allowed_ns + c->crew->grace_ns;
	}
}

/* Hears all until then, or until fl_crew_heard_enough(): 1. */
static int listen_until(struct fl_crew_case *c, uint64_t until_ns, struct fl_err *err)
{
	const struct fl_hub_ears ears = { .hear = fl_crew_hear, .lost = fl_crew_hear_lost, .arg = c };

	while (!fl_crew_heard_enough(c)) {
		uint64_t now_ns = fl_now_ns(), next_ns = now_ns + (c->clocks ? 20 : 100) * ms;
		int rc;

		if (now_ns >= until_ns)
			return 0;
		rc = fl_hub_listen(c->crew->hub, next_ns < until_ns ? next_ns : until_ns, &ears, err);
		if (rc < 0)
			return rc;
		if (c->clocks)
			fl_hub_clocks_look(c->clocks);
		now_ns = fl_now_ns();
		for (size_t i = 0; i < c->parts_n; i++)
			if (is_late(c, &c->parts[i], now_ns))
				lose_late(c, &c->parts[i]);
	}
	return 1;
}

static int wait_for(struct fl_crew_case *c, enum fl_part_stage wanted, struct fl_err *err)
{
	int rc;

	c->wanted = wanted;
	rc = listen_until(c, UINT64_MAX, err);
	return rc < 0 ? rc : 0;
}

static bool any_here(const struct fl_crew_case *c)
{
	for (size_t i = 0; i < c->parts_n; i++)
		if (!c->parts[i].lost)
			return true;
	return false;
}

/* ---- the window */

/* Until nobody needs more, a tape is full, or the time is up. *ret_why: why it is over before that; else NULL. */
static int hear_window(struct fl_crew_case *c, uint64_t end_ns, const char **ret_why, struct fl_err *err)
{
	int rc;

	c->open = true;
	rc = listen_until(c, end_ns - lead_ns, err);
	c->open = false;
	*ret_why = rc > 0 ? fl_crew_over_early(c) : NULL;
	return rc < 0 ? rc : 0;
}

/* Hosts that measure for that long may do so beside one another. */
static void judge_windows(struct fl_crew_case *c, uint64_t window_ns)
{
	double apart_ns = 2 * (double)c->error_ns;

	if (c->parts_n > 1 && apart_ns > apart_most * (double)window_ns)
		c->apart = fl_format("the hosts' windows of %.3f s are known to lie together within %.3f ms only: the "
				     "way between a host and the hub takes long",
				     (double)window_ns / 1e9, apart_ns / 1e6);
}

/* When to end, so that there is something between that and the beginning. */
static uint64_t close_ns(const struct fl_crew_case *c, uint64_t from_ns)
{
	uint64_t close_ns = fl_now_ns() + lead_ns / 2, least_ns = from_ns + c->error_ns + ms;

	return close_ns > least_ns + c->error_ns ? close_ns - c->error_ns : least_ns;
}

static int window(struct fl_crew_case *c, struct fl_err *err)
{
	uint64_t from_ns = fl_now_ns() + lead_ns, end_ns = from_ns + 2 * c->error_ns + asked_ns(c);
	uint64_t to_ns = end_ns - c->error_ns, early_ns;
	const char *why;
	int rc;

	c->windowed = true;
	c->wanted = FL_PART_COVERED;
	allow(c, end_ns - fl_now_ns() + cover_limit_ns);
	tell_times(c, "window", from_ns + c->error_ns, to_ns, "time up");
	rc = hear_window(c, end_ns, &why, err);
	if (rc < 0)
		return rc;
	early_ns = why ? close_ns(c, from_ns) : to_ns;
	if (early_ns < to_ns) {
		to_ns = early_ns;
		tell_times(c, "close", 0, to_ns, why);
	}
	judge_windows(c, to_ns - from_ns - c->error_ns);
	return wait_for(c, FL_PART_COVERED, err);
}

/* ---- the stages */

static int measure(struct fl_crew_case *c, struct fl_err *err)
{
	uint64_t limit_ns = 0;
	int rc;

	for (size_t i = 0; i < c->parts_n; i++)
		limit_ns = c->parts[i].limit_ns > limit_ns ? c->parts[i].limit_ns : limit_ns;
	c->started = true;
	c->wanted = c->whole ? FL_PART_COVERED : FL_PART_WARM;
	allow(c, c->whole ? limit_ns : warm_limit_ns);
	tell_times(c, "start", fl_now_ns() + lead_ns + c->error_ns, 0, NULL);
	rc = wait_for(c, c->wanted, err);
	if (rc == 0 && !c->whole && fl_crew_any_goes_on(c))
		rc = window(c, err);
	if (rc < 0)
		return rc;
	c->stopped = true;
	for (size_t i = 0; i < c->of->lanes_n; i++)
		c->ran += !c->lanes[i].over;
	c->wanted = FL_PART_STOPPED;
	allow(c, limit_ns);
	for (size_t i = 0; i < c->parts_n; i++)
		if (!c->parts[i].ended)
			tell(c, &c->parts[i], json_pack("{s:s}", "do", "stop"));
	rc = wait_for(c, FL_PART_HELD, err);
	fl_crew_finish(c);
	return rc;
}

static json_t *collect_message(const struct fl_crew_part *part)
{
	json_t *distrust = json_array();

	if (part->distrust)
		json_array_append_new(distrust, fl_json_string(part->distrust));
	return json_pack("{s:s, s:o, s:o, s:o}", "do", "collect", "clock_offset_ns",
			 part->looked_ns ? json_integer(part->offset_ns) : json_null(), "clock_error_ns",
			 part->looked_ns ? json_integer((json_int_t)part->error_ns) : json_null(), "distrust",
			 distrust);
}

static int collect(struct fl_crew_case *c, struct fl_err *err)
{
	c->collected = true;
	c->wanted = FL_PART_OVER;
	allow(c, records_limit_ns);
	for (size_t i = 0; i < c->parts_n; i++)
		if (!c->parts[i].lost)
			tell(c, &c->parts[i], collect_message(&c->parts[i]));
	return wait_for(c, FL_PART_OVER, err);
}

static int carry_through(struct fl_crew_case *c, const char *run, struct fl_err *err)
{
	int rc;

	fl_crew_clocks_begin(c);
	tell_parts(c, run);
	rc = wait_for(c, FL_PART_READY, err);
	if (rc == 0 && fl_crew_any_goes_on(c))
		rc = fl_crew_clocks_before(c, err);
	if (rc == 0 && fl_crew_any_goes_on(c))
		rc = measure(c, err);
	if (rc == 0)
		rc = wait_for(c, FL_PART_STOPPED, err);
	if (rc == 0 && fl_crew_any_goes_on(c))
		rc = fl_crew_clocks_after(c, err);
	if (rc == 0 && any_here(c))
		rc = collect(c, err);
	return rc;
}

/* Nothing is left that could go on: what is not measured yet never will be. */
static int refuse_alone(const struct fl_crew_own *crew, struct fl_err *err)
{
	const struct fl_hub_host *last = NULL;

	for (size_t i = 0; i < crew->hub->n; i++) {
		if (!crew->hub->hosts[i].lost)
			return 0;
		last = &crew->hub->hosts[i];
	}
	return fl_fail(err, -EHOSTDOWN, "no host is left; host %s was lost: %.200s",
		       last && last->name ? last->name : "?", last ? last->why.what : "");
}

/* What waits while a case is in flight, and what waited before: both. */
struct waiting {
	const struct fl_watch *watch;
	void (*before)(void *arg);
	void *arg;
};

static void wait_with(void *arg)
{
	const struct waiting *w = arg;

	if (w->before)
		w->before(w->arg);
	w->watch->waits(w->watch->arg);
}

static int run_case(struct fl_crew *self, struct fl_agent *agent, const struct fl_plan *plan,
		    const struct fl_plan_step *at, struct fl_run *run, struct fl_err *err)
{
	struct fl_crew_own *crew = (struct fl_crew_own *)self;
	struct fl_crew_case c = { .crew = crew, .agent = agent, .of = &plan->cases[at->case_no], .at = *at };
	struct waiting waiting = { agent->watch, crew->hub->waits, crew->hub->waits_arg };
	int rc = refuse_alone(crew, err);

	if (rc < 0)
		return rc;
	crew->plan = plan;
	if (agent->watch && agent->watch->waits) {
		crew->hub->waits = wait_with;
		crew->hub->waits_arg = &waiting;
	}
	init(&c);
	rc = carry_through(&c, run->id, err);
	crew->hub->waits = waiting.before;
	crew->hub->waits_arg = waiting.arg;
	if (rc == 0)
		fl_crew_keep(&c, run);
	release(&c);
	return rc;
}

/* What hosts have kept for themselves is not needed any more. */
static void stored(struct fl_crew *self)
{
	struct fl_crew_own *crew = (struct fl_crew_own *)self;
	json_t *message = json_pack("{s:s}", "do", "stored");

	for (size_t i = 0; i < crew->hub->n; i++)
		if (crew->begun[crew->hub->hosts[i].rank])
			fl_hub_tell(crew->hub, &crew->hub->hosts[i], message);
	json_decref(message);
}

struct fl_crew *fl_crew_make(struct fl_hub *hub, const struct fl_plan *plan)
{
	struct fl_crew_own *crew = fl_zalloc(1, sizeof(*crew));

	*crew = (struct fl_crew_own){ .crew = { .run_case = run_case, .stored = stored },
				      .hub = hub,
				      .plan = plan,
				      .grace_ns = grace_ns,
				      .begin_ns = begin_limit_ns,
				      .begun = fl_zalloc(hub->n + 1, sizeof(bool)) };
	return &crew->crew;
}

void fl_crew_free(struct fl_crew *crew)
{
	struct fl_crew_own *own = (struct fl_crew_own *)crew;

	if (!own)
		return;
	free(own->begun);
	free(own);
}
