/* SPDX-License-Identifier: Apache-2.0 */
/* whole.c: a case with a lane that ends by itself. There is nothing to warm up and no time to be up: the window is from
 * the first step to the end of the last one. How long that takes nobody can say, so that a lane hangs when none of its
 * threads gets on. */
#include "run/case.h"
#include "run/telemetry.h"
#include "run/witness.h"
#include <errno.h>
#include <feedline/clock.h>

static bool has_whole(const struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].entry->whole)
			return true;
	return false;
}

bool fl_case_is_whole(const struct fl_case *c)
{
	return c->conductor ? c->conductor->whole : has_whole(c);
}

/* ---- is it done, does it get on */

static bool lane_done(const struct fl_case_lane *lane)
{
	for (uint32_t t = 0; t < lane->threads; t++)
		if (!fl_tape_idle(lane->tape, t))
			return false;
	return true;
}

static bool all_done(const struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].entry->whole && !lane_done(&c->lanes[i]))
			return false;
	return true;
}

static void tell_moved(const struct fl_case *c)
{
	const struct fl_watch *watch = c->agent->watch;
	uint64_t bytes = 0;

	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].entry->whole)
			bytes += c->lanes[i].moved_bytes;
	if (watch && watch->moved)
		watch->moved(watch->arg, bytes);
	if (c->conductor)
		c->conductor->moved(c->conductor, bytes);
}

static void fail_stuck(struct fl_case *c, struct fl_case_lane *lane)
{
	struct fl_err why = { 0 };

	fl_fail(&why, -ETIMEDOUT, "the worker hangs: it finished no step for %.0f s", (double)lane->limit_ns / 1e9);
	fl_hint(&why, "if it only needs longer, allow it more time with --timeout");
	fl_case_retire_hung(c, lane);
	fl_case_fail_lane(c, lane, true, &why);
}

/* The rest of its steps would be lost. */
static void fail_full(struct fl_case *c, struct fl_case_lane *lane)
{
	struct fl_err why = { 0 };

	fl_fail(&why, -ENOBUFS, "its steps are too short to be recorded one by one: the tape is full");
	fl_hint(&why, "let a step do more");
	fl_case_fail_lane(c, lane, false, &why);
}

static void look_after(struct fl_case *c)
{
	uint64_t now_ns = fl_now_ns();

	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];
		uint64_t since_ns = lane->moved_at_ns > c->start_ns ? lane->moved_at_ns : c->start_ns;

		if (!lane->entry->whole || lane->state != FL_LANE_STEPPING)
			continue;
		if (lane->tape_full)
			fail_full(c, lane);
		else if (!lane_done(lane) && now_ns > since_ns + lane->limit_ns)
			fail_stuck(c, lane);
	}
}

/* ---- the window */

/* When the first step of the lane began; UINT64_MAX: it has none. */
static uint64_t first_start_ns(const struct fl_case_lane *lane)
{
	double given[FL_TAPE_GIVEN_MAX];
	uint64_t first_ns = UINT64_MAX;
	struct fl_tape_step step;

	for (uint32_t t = 0; t < lane->threads; t++)
		if (lane->seen[t] && fl_tape_read(lane->tape, t, 0, &step, given, NULL) == 0 &&
		    step.start_ns < first_ns)
			first_ns = step.start_ns;
	return first_ns;
}

/* Where there was nothing to do, the window is the moment in which that was found; of a part that has no such work, it
 * is the time in which others had. */
static void set_window(struct fl_case *c)
{
	uint64_t from_ns = UINT64_MAX, to_ns = 0;

	for (size_t i = 0; i < c->lanes_n; i++) {
		const struct fl_case_lane *lane = &c->lanes[i];
		uint64_t first_ns = lane->entry->whole ? first_start_ns(lane) : UINT64_MAX;

		if (first_ns < from_ns)
			from_ns = first_ns;
		for (uint32_t t = 0; lane->entry->whole && t < lane->threads; t++)
			if (lane->last_end_ns[t] > to_ns)
				to_ns = lane->last_end_ns[t];
	}
	if (!has_whole(c))
		to_ns = fl_now_ns();
	c->window.from_ns = from_ns == UINT64_MAX ? c->start_ns : from_ns;
	c->window.to_ns = to_ns < c->window.from_ns ? c->window.from_ns + 1 : to_ns + 1; /* the last end lies in it */
}

static void end_window(struct fl_case *c)
{
	set_window(c);
	fl_case_snapshot(c, false);
	c->after = fl_moment_take(c);
	fl_telemetry_window(c->agent->telemetry, true);
	if (!fl_case_failed_lane(c))
		c->ended = "work done";
}

int fl_case_pace_whole(struct fl_case *c, uint64_t start_ns, struct fl_err *err)
{
	int rc = 0;

	fl_telemetry_begin(c->agent->telemetry, c);
	fl_telemetry_window(c->agent->telemetry, false);
	c->before = fl_moment_take(c);
	fl_case_snapshot(c, true);
	fl_case_start(c, start_ns);
	while (rc == 0 && !fl_case_failed_lane(c) && !all_done(c)) {
		rc = fl_case_tick(c, UINT64_MAX, err);
		look_after(c);
		tell_moved(c);
	}
	if (rc == 0 && !has_whole(c)) /* it goes on beside the work of others */
		rc = fl_conduct_covered(c, err);
	if (rc == 0)
		rc = fl_case_tick(c, 0, err); /* the last steps */
	end_window(c);
	return rc < 0 ? rc : fl_conduct_covered(c, err);
}
