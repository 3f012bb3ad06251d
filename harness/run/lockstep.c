/* SPDX-License-Identifier: Apache-2.0 */
/* lockstep.c: lanes that make the same steps end after the same one. They are held: none begins another step. Then it
 * is known which of them has come furthest, and the step that it is in is the last one for all: they all come to it.
 * No time decides, so that none of them can be too late for it.
 *
 * Where some of a group are on other hosts, the conductor knows who has come furthest. */
#include "base/alloc.h"
#include "run/case.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a thread that is halted in a step has for coming back from it, and how long other hosts have for saying what
 * hangs there. */
static const uint64_t look_ns = 100000000, back_ns = UINT64_C(2000000000), elsewhere_ns = UINT64_C(5000000000);

bool fl_lockstep_is(const struct fl_case_lane *lane)
{
	return lane->plan->size > 1 && lane->entry->lockstep;
}

/* ---- how far they are */

/* Of the thread that has finished the fewest, or the most. */
static uint64_t done_least(const struct fl_case_lane *lane)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t t = 0; t < lane->threads; t++) {
		uint64_t done = fl_tape_done(lane->tape, t);

		least = done < least ? done : least;
	}
	return least;
}

static uint64_t done_most(const struct fl_case_lane *lane)
{
	uint64_t most = 0;

	for (uint32_t t = 0; t < lane->threads; t++) {
		uint64_t done = fl_tape_done(lane->tape, t);

		most = done > most ? done : most;
	}
	return most;
}

/* Of its group, the lane here that has come least far. */
static struct fl_case_lane *hindmost(const struct fl_case *c, const struct fl_case_lane *of)
{
	struct fl_case_lane *last = NULL;

	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].tape && fl_group_same(&c->lanes[i], of) &&
		    (!last || done_least(&c->lanes[i]) < done_least(last)))
			last = &c->lanes[i];
	return last;
}

static bool is_held(const struct fl_case_lane *lane)
{
	return lane->lockstep.held && lane->state == FL_LANE_STOPPING;
}

/* ---- the last step */

static void finish(struct fl_case_lane *lane, uint64_t steps)
{
	lane->lockstep.stop_after = steps;
	fl_tape_stop_after(lane->tape, steps);
}

/* No step of theirs ends before all have begun it: this one says otherwise. */
static void fail_ahead(struct fl_case *c, struct fl_case_lane *lane, const struct fl_case_lane *behind)
{
	char who[FL_GROUP_RANK_ROOM], whom[FL_GROUP_RANK_ROOM];
	struct fl_err why = { 0 };

	fl_fail(&why, -EPROTO, "it is not in lockstep: %s made %llu steps, and %s %llu", fl_group_show_rank(lane, who),
		(unsigned long long)done_most(lane), fl_group_show_rank(behind, whom),
		(unsigned long long)done_least(behind));
	fl_case_fail_lane(c, lane, true, &why);
}

/* The lane's group is all here. */
static void settle(struct fl_case *c, const struct fl_case_lane *of)
{
	const struct fl_case_lane *behind = hindmost(c, of);
	uint64_t least = done_least(behind), last = 0;

	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];
		uint64_t most = is_held(lane) && fl_group_same(lane, of) ? done_most(lane) : 0;

		if (most > least + FL_LOCKSTEP_APART_MAX) {
			fail_ahead(c, lane, behind);
			return;
		}
		last = most + 1 > last ? most + 1 : last;
	}
	for (size_t i = 0; i < c->lanes_n; i++)
		if (is_held(&c->lanes[i]) && fl_group_same(&c->lanes[i], of))
			finish(&c->lanes[i], last);
}

static bool is_open(const struct fl_case_lane *lane)
{
	return is_held(lane) && !lane->lockstep.stop_after;
}

static void settle_all(struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n && !fl_case_failed_lane(c); i++)
		if (is_open(&c->lanes[i]) && fl_group_is_here(c, &c->lanes[i]))
			settle(c, &c->lanes[i]);
}

static bool any_open(const struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (is_open(&c->lanes[i]))
			return true;
	return false;
}

/* What those say whose groups are not all here, and the answer. */
static int ask(struct fl_case *c, struct fl_err *err)
{
	struct fl_lane_steps *steps = fl_zalloc(c->lanes_n, sizeof(*steps));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < c->lanes_n; i++)
		if (is_open(&c->lanes[i]))
			steps[n++] = (struct fl_lane_steps){ .number = fl_case_number(c, &c->lanes[i]),
							     .steps = done_most(&c->lanes[i]) + 1 };
	if (n && c->conductor && !fl_case_failed_lane(c))
		c->conductor->held(c->conductor, steps, n);
	free(steps);
	while (rc == 0 && c->conductor && any_open(c) && !fl_case_failed_lane(c))
		rc = fl_case_listen(c, fl_now_ns() + look_ns, err);
	return rc;
}

static void halt(struct fl_case *c, struct fl_case_lane *lane)
{
	if (!is_held(lane) || lane->lockstep.halted)
		return;
	lane->lockstep.halted = true;
	fl_case_stop_lane(c, lane);
}

int fl_lockstep_stop(struct fl_case *c, struct fl_err *err)
{
	int rc;

	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];

		if (lane->state != FL_LANE_STEPPING || !fl_lockstep_is(lane))
			continue;
		lane->state = FL_LANE_STOPPING;
		lane->lockstep.held = true;
		fl_tape_hold(lane->tape);
	}
	settle_all(c);
	rc = ask(c, err);
	for (size_t i = 0; rc == 0 && i < c->lanes_n; i++)
		if (is_open(&c->lanes[i]))
			halt(c, &c->lanes[i]);
	return rc;
}

int fl_lockstep_finish(struct fl_case *c, const struct fl_lane_steps *last, struct fl_err *err)
{
	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];

		if (fl_case_number(c, lane) != last->number)
			continue;
		if (lane->state == FL_LANE_FAILED)
			return 0; /* it failed meanwhile */
		if (!is_open(lane) || last->steps > done_most(lane) + FL_LOCKSTEP_APART_MAX)
			break;
		finish(lane, last->steps);
		return 0;
	}
	return fl_fail(err, -EPROTO, "a last step %llu of lane %u, which cannot be", (unsigned long long)last->steps,
		       last->number);
}

/* ---- those that wait for one that does not come */

void fl_lockstep_lose(struct fl_case *c, const struct fl_case_lane *lost)
{
	for (size_t i = 0; fl_lockstep_is(lost) && i < c->lanes_n; i++)
		if (&c->lanes[i] != lost && fl_group_same(&c->lanes[i], lost))
			halt(c, &c->lanes[i]);
}

/* One that failed by itself, not for others that it waited for. */
static const struct fl_case_lane *lost_first(const struct fl_case *c, const struct fl_case_lane *lane)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (fl_group_same(&c->lanes[i], lane) && c->lanes[i].state == FL_LANE_FAILED &&
		    !c->lanes[i].lockstep.back)
			return &c->lanes[i];
	return NULL;
}

/* The one here that it waited for: it hangs in that step, or has not come to it. NULL: who knows. */
static const struct fl_case_lane *awaited(const struct fl_case *c, const struct fl_case_lane *lane)
{
	for (size_t i = 0; i < c->lanes_n; i++) {
		const struct fl_case_lane *other = &c->lanes[i];
		bool here = other != lane && other->tape && fl_group_same(other, lane);

		if (here && done_least(other) + other->lockstep.back <= done_least(lane))
			return other;
	}
	return NULL;
}

/* Why it did not come to its last step, and who else: "rank 0 (sender) waited in step 22 for rank 1 (receiver)". */
static void blame(const struct fl_case *c, struct fl_case_lane *lane, struct fl_err *why)
{
	const struct fl_case_lane *lost = lost_first(c, lane), *last = awaited(c, lane);
	unsigned long long step = done_least(lane) + 1;
	char who[FL_GROUP_RANK_ROOM], whom[FL_GROUP_RANK_ROOM];

	fl_group_show_rank(lane, who);
	lane->awaits = !lost && !fl_group_is_here(c, lane);
	if (lost)
		fl_fail(why, -ECANCELED, "%s waited in step %llu for %s, which failed: %.200s", who, step,
			fl_group_show_rank(lost, whom), lost->err.what);
	else if (lane->awaits)
		fl_fail(why, -ETIMEDOUT, "%s waited in step %llu for " FL_LANES_ELSEWHERE, who, step);
	else if (last)
		fl_fail(why, -ETIMEDOUT, "%s waited in step %llu for %s", who, step, fl_group_show_rank(last, whom));
	else
		fl_fail(why, -ETIMEDOUT, "%s waited in step %llu of %llu, and so did the others of its group", who,
			step, (unsigned long long)lane->lockstep.stop_after);
	if (lost && lost->err.hint[0])
		fl_hint(why, "%s", lost->err.hint);
	else if (!lost)
		fl_hint(why, "if it only needs longer, allow it more time with --timeout");
}

bool fl_lockstep_is_short(struct fl_case *c, struct fl_case_lane *lane)
{
	const struct fl_lockstep *s = &lane->lockstep;
	const bool lost = fl_lockstep_is(lane) && fl_group_lost(c, lane);
	struct fl_err why = { 0 };

	if (s->stop_after ? done_least(lane) >= s->stop_after : !lost)
		return false;
	lane->lockstep.back = true;
	if (lost)
		blame(c, lane, &why);
	else if (!s->halted)
		fl_fail(&why, -EPROTO, "the worker lies: its lane ended after step %llu of %llu, and was not halted",
			(unsigned long long)done_least(lane), (unsigned long long)s->stop_after);
	if (why.code)
		fl_case_fail_lane(c, lane, !lost, &why);
	return true;
}

uint64_t fl_lockstep_spare_ns(const struct fl_case *c, const struct fl_case_lane *lane)
{
	if (!lane->lockstep.halted)
		return 0;
	return back_ns + (lane->lockstep.back && !fl_group_is_here(c, lane) ? elsewhere_ns : 0);
}

bool fl_lockstep_late(struct fl_case *c, struct fl_case_lane *lane)
{
	struct fl_err why = { 0 };

	if (lane->lockstep.back) {
		blame(c, lane, &why);
		fl_case_fail_lane(c, lane, false, &why);
		return true;
	}
	if (!is_held(lane) || lane->lockstep.halted || fl_tape_phase(lane->tape) != FL_PHASE_STEP)
		return false;
	halt(c, lane);
	fl_lockstep_lose(c, lane);
	return true;
}
