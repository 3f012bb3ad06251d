/* SPDX-License-Identifier: Apache-2.0 */
/* pace.c: warm until stable; then measure until the time is up or, where no duration was asked for, until the
 * interval is narrow. The agent decides for all lanes of the case at once, from their tapes. */
#include "base/alloc.h"
#include "base/stats.h"
#include "run/case.h"
#include "run/telemetry.h"
#include "run/witness.h"
#include <errno.h>
#include <feedline/clock.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t ms = 1000000;

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- following the tapes */

/* One more step of a thread. By device clock there is a gap before it, which was waited for, too. */
static void count_step(struct fl_case_lane *lane, uint32_t thread, const struct fl_tape_step *step)
{
	uint64_t before_ns = lane->entry->device_clock ? lane->last_end_ns[thread] : 0;
	uint64_t took_ns = step->end_ns - (before_ns ? before_ns : step->start_ns);

	lane->moved_bytes += step->bytes;
	lane->last_end_ns[thread] = step->end_ns;
	if (took_ns > lane->longest_step_ns)
		lane->longest_step_ns = took_ns;
}

/* Where a tick saw no step, a device clock says nothing, and the CPU's that there was nothing. */
static void add_rate(struct fl_case_lane *lane, double ops, double over_ns)
{
	if (lane->entry->device_clock && !(over_ns > 0))
		return;
	memmove(lane->rate, lane->rate + 1, 2 * sizeof(*lane->rate));
	lane->rate[2] = ops / (over_ns / 1e9);
}

/* Counts the steps that are new, and the rate since the last tick. -EPROTO: the worker lies. */
static int advance(struct fl_case_lane *lane, uint64_t tick_ns, struct fl_err *err)
{
	double given[FL_TAPE_GIVEN_MAX], ops = 0, work_ns = 0;
	uint64_t now_ns = fl_now_ns();

	for (uint32_t t = 0; t < lane->threads; t++) {
		uint32_t count = fl_tape_count(lane->tape, t);

		lane->tape_full |= fl_tape_dropped(lane->tape, t) > 0;
		for (; lane->seen[t] < count; lane->seen[t]++) {
			struct fl_tape_step step;

			if (fl_tape_read(lane->tape, t, lane->seen[t], &step, given, err) < 0)
				return -EPROTO;
			ops += (double)step.ops;
			work_ns += (double)(step.end_ns - step.start_ns);
			lane->moved_at_ns = now_ns;
			count_step(lane, t, &step);
		}
	}
	add_rate(lane, ops, lane->entry->device_clock ? work_ns : (double)tick_ns);
	return 0;
}

static void follow(struct fl_case *c, uint64_t since_ns)
{
	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];
		struct fl_err why = { 0 };

		if (lane->state == FL_LANE_STEPPING && advance(lane, fl_now_ns() - since_ns, &why) < 0)
			fl_case_fail_lane(c, lane, true, &why);
	}
}

int fl_case_tick(struct fl_case *c, uint64_t until_ns, struct fl_err *err)
{
	uint64_t before_ns = fl_now_ns(), due_ns = least(before_ns + c->tick_ns, until_ns);
	int rc = 0;

	fl_telemetry_listen(c->agent->telemetry);
	while (rc == 0 && fl_now_ns() < due_ns)
		rc = fl_case_listen(c, due_ns, err);
	if (rc == 0)
		follow(c, before_ns);
	return rc;
}

/* ---- distributions: what lies between two looks was added in the window */

void fl_case_snapshot(struct fl_case *c, bool at_start)
{
	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];
		uint32_t n = fl_tape_shape(lane->tape)->hists;
		struct fl_hist *merged = fl_zalloc(n + 1, sizeof(*merged));

		for (uint32_t h = 0; h < n; h++)
			for (uint32_t t = 0; t < lane->threads; t++)
				fl_hist_merge(&merged[h], fl_tape_hist(lane->tape, t, h));
		*(at_start ? &lane->hists_from : &lane->hists_to) = merged;
	}
}

/* ---- warm-up */

static bool is_stable(const struct fl_case_lane *lane)
{
	double low = fmin(lane->rate[0], fmin(lane->rate[1], lane->rate[2]));
	double high = fmax(lane->rate[0], fmax(lane->rate[1], lane->rate[2]));

	return low > 0 && high - low <= 0.1 * high;
}

static bool all_stable(const struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (!is_stable(&c->lanes[i]))
			return false;
	return true;
}

static bool any_full(const struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].tape_full)
			return true;
	return false;
}

void fl_case_fail_full(struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];
		struct fl_err why = { 0 };

		if (!lane->tape_full)
			continue;
		fl_fail(&why, -ENOBUFS,
			"its steps are too short to be recorded one by one: the tape was full in the warm-up");
		fl_hint(&why, "let a step do more");
		fl_case_fail_lane(c, lane, false, &why);
	}
}

static int warm_up(struct fl_case *c, struct fl_err *err)
{
	uint64_t asked_ns = c->plan->duration_ns;
	uint64_t from_ns = c->start_ns + (asked_ns ? least(100 * ms, asked_ns / 2) : 100 * ms);
	uint64_t to_ns = c->start_ns + (asked_ns ? least(1000 * ms, asked_ns / 2) : 1000 * ms);
	int rc = 0;

	while (rc == 0 && fl_now_ns() < to_ns && !fl_case_failed_lane(c)) {
		if (fl_now_ns() >= from_ns && all_stable(c))
			break;
		rc = fl_case_tick(c, to_ns, err);
		fl_case_fail_full(c);
	}
	fl_telemetry_window(c->agent->telemetry, false);
	if (rc == 0)
		rc = fl_conduct_warm(c, err);
	c->before = fl_moment_take(c);
	while (rc == 0 && c->conductor && fl_now_ns() < c->conductor->from_ns && !fl_case_failed_lane(c))
		rc = fl_case_tick(c, c->conductor->from_ns, err);
	fl_case_snapshot(c, true);
	c->window.from_ns = fl_now_ns();
	c->warm_ns = c->window.from_ns > c->start_ns ? c->window.from_ns - c->start_ns : 0;
	return rc;
}

/* ---- the window */

/* Relative half width of the interval of the lane's slices; 1 where there is nothing to tell. */
static double width(const struct fl_case *c, struct fl_case_lane *lane)
{
	struct fl_window w = { c->window.from_ns, fl_now_ns(), lane->entry->device_clock };
	struct fl_series s = { 0 };
	struct fl_interval i;
	size_t n = 0;
	struct fl_err err = { 0 };
	struct fl_track *tracks = fl_case_tracks(lane, &err);

	if (!tracks)
		return 1;
	fl_window_rates(tracks, lane->threads, &w, fl_window_slices(tracks, lane->threads, &w, c->step_ns), FL_RATE_OPS,
			&s);
	for (size_t k = 0; k < s.n; k++) /* by device clock, a slice without work has none */
		if (s.valid[k] && isfinite(s.value[k]))
			s.value[n++] = s.value[k];
	i = fl_median_interval(s.value, n);
	fl_case_free_tracks(tracks, lane->threads);
	free(s.at);
	free(s.value);
	free(s.valid);
	return i.confidence > 0 && i.median > 0 ? (i.high - i.low) / 2 / i.median : 1;
}

static bool all_narrow(const struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (width(c, &c->lanes[i]) > 0.01)
			return false;
	return true;
}

/* Not known yet: it lasts. */
static uint64_t window_end_ns(const struct fl_case *c)
{
	uint64_t asked_ns = c->plan->duration_ns;

	if (c->conductor)
		return c->conductor->to_ns ? c->conductor->to_ns : UINT64_MAX;
	return c->window.from_ns + (asked_ns ? asked_ns : 2000 * ms);
}

/* What is not recorded any more counts as nothing, so the window is to be over soon after that. */
static bool any_nearly_full(const struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++) {
		const struct fl_case_lane *lane = &c->lanes[i];
		uint32_t most = fl_tape_shape(lane->tape)->steps_max;

		for (uint32_t t = 0; t < lane->threads; t++)
			if (lane->seen[t] >= most - most / 4)
				return true;
	}
	return false;
}

/* As fl_case_tick(), but less often: what we do now takes from what is measured. The window's end may come nearer. */
static int watch(struct fl_case *c, struct fl_err *err)
{
	uint64_t before_ns = fl_now_ns(), due_ns = before_ns + (any_nearly_full(c) ? c->tick_ns : c->watch_ns);
	int rc = 0;

	fl_telemetry_listen(c->agent->telemetry);
	while (rc == 0 && fl_now_ns() < least(due_ns, window_end_ns(c)) && !fl_case_failed_lane(c))
		rc = fl_case_listen(c, least(due_ns, window_end_ns(c)), err);
	if (rc == 0)
		follow(c, before_ns);
	return rc;
}

/* Why it could be over now; NULL: there is no reason. */
static const char *enough(struct fl_case *c, uint64_t *look_ns)
{
	if (any_full(c)) {
		fl_conduct_cue(c, FL_CUE_FULL);
		return "tape full";
	}
	if (c->plan->duration_ns || fl_now_ns() < *look_ns)
		return NULL;
	*look_ns += 500 * ms;
	if (!all_narrow(c))
		return NULL;
	fl_conduct_cue(c, FL_CUE_NARROW);
	return "interval narrow";
}

/* Its conductor's window was over before this host came to it. */
static void fail_missed(struct fl_case *c)
{
	struct fl_err why = { 0 };

	if (c->window.to_ns > c->window.from_ns)
		return;
	fl_fail(&why, -ETIMEDOUT, "this host came %.3f s late, when the window of the others was over",
		(double)(c->window.from_ns - c->window.to_ns) / 1e9);
	c->window.to_ns = c->window.from_ns + 1;
	for (size_t i = 0; i < c->lanes_n; i++)
		fl_case_fail_lane(c, &c->lanes[i], true, &why); /* something is wrong with it */
}

static int measure(struct fl_case *c, struct fl_err *err)
{
	uint64_t look_ns = c->window.from_ns + 500 * ms; /* a look at the interval reads all steps: seldom */
	const char *ended = NULL;
	int rc = 0;

	while (rc == 0 && fl_now_ns() < window_end_ns(c) && !fl_case_failed_lane(c) && (!ended || c->conductor)) {
		rc = watch(c, err);
		ended = enough(c, &look_ns);
	}
	if (c->conductor || !ended)
		ended = c->conductor && c->conductor->ended ? c->conductor->ended : "time up";
	c->window.to_ns = least(window_end_ns(c), fl_now_ns());
	fail_missed(c);
	fl_case_snapshot(c, false);
	c->after = fl_moment_take(c);
	fl_telemetry_window(c->agent->telemetry, true);
	if (!fl_case_failed_lane(c))
		c->ended = ended;
	return rc;
}

/* ---- after it */

static bool all_covered(const struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++) {
		const struct fl_case_lane *lane = &c->lanes[i];

		for (uint32_t t = 0; !lane->tape_full && t < lane->threads; t++)
			if (fl_case_covered_ns(c, lane, t) < c->window.to_ns)
				return false;
	}
	return true;
}

static uint64_t patience_ns(const struct fl_case *c)
{
	uint64_t longest_ns = 0;

	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].longest_step_ns > longest_ns)
			longest_ns = c->lanes[i].longest_step_ns;
	longest_ns *= 2;
	return longest_ns < 250 * ms ? 250 * ms : least(longest_ns, 5000 * ms);
}

/* All lanes go on at full load until the step in flight at the window's end is recorded, so that it can be clipped.
 * What a thread has not finished by then counts as nothing. */
static int linger(struct fl_case *c, struct fl_err *err)
{
	uint64_t until_ns = fl_now_ns() + patience_ns(c);
	int rc = 0;

	while (rc == 0 && fl_now_ns() < until_ns && !fl_case_failed_lane(c) && !all_covered(c))
		rc = fl_case_tick(c, until_ns, err);
	return rc < 0 ? rc : fl_conduct_covered(c, err);
}

void fl_case_start(struct fl_case *c, uint64_t at_ns)
{
	c->start_ns = fl_now_ns() + ms / 2 + 20000 * c->lanes_n; /* time to wake every thread before it */
	if (at_ns > c->start_ns)
		c->start_ns = at_ns;
	for (size_t i = 0; i < c->lanes_n; i++) {
		c->lanes[i].state = FL_LANE_STEPPING;
		fl_tape_start(c->lanes[i].tape, c->start_ns);
	}
}

int fl_case_pace(struct fl_case *c, struct fl_err *err)
{
	int rc = fl_conduct_ready(c, err);
	uint64_t start_ns = c->conductor ? c->conductor->start_ns : 0;

	if (rc < 0 || fl_case_failed_lane(c))
		return rc;
	if (fl_case_is_whole(c))
		return fl_case_pace_whole(c, start_ns, err);
	fl_telemetry_begin(c->agent->telemetry, c);
	fl_case_start(c, start_ns);
	rc = warm_up(c, err);
	if (rc == 0)
		rc = measure(c, err);
	if (rc == 0)
		rc = linger(c, err);
	return rc;
}
