/* SPDX-License-Identifier: Apache-2.0 */
/* case.c: the stages of a case: staff, open, pace, stop, collect. Every wait has a limit, and who did not arrive is
 * named. */
#include "run/case.h"
#include "base/alloc.h"
#include "base/field.h"
#include "base/units.h"
#include "run/cache.h"
#include "run/telemetry.h"
#include "run/throttle.h"
#include "run/witness.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t default_limit_ns = UINT64_C(60000000000), elsewhere_ns = UINT64_C(5000000000);

/* ---- staff */

uint64_t fl_case_limit_ns(const struct fl_plan_lane *lane)
{
	const char *text = fl_lane_option(lane, "timeout");
	uint64_t limit_ns;

	return text && fl_parse_count(text, &limit_ns, NULL) == 0 ? limit_ns : default_limit_ns;
}

static void say_file(struct fl_agent *agent, const char *path, bool made)
{
	char size[FL_UNIT_TEXT];
	char *line;

	if (!agent->watch || !agent->watch->say || (agent->said && !strcmp(agent->said, path)))
		return;
	agent->said = path;
	line = fl_format("%s '%s' (%s) to read from", made ? "made" : "reusing", path,
			 fl_show_bytes(size, fl_cache_bytes(path)));
	agent->watch->say(agent->watch->arg, line);
	free(line);
}

/* Makes the file of the cache that the lane reads, if it reads one. */
static int make_files(const struct fl_case *c, const struct fl_case_lane *lane, struct fl_err *err)
{
	for (size_t i = 0; i < lane->plan->options_n; i++) {
		const struct fl_option *o = &lane->plan->options[i];
		const struct fl_field *f = fl_field_find(lane->entry->fields, o->name);
		int rc;

		if (!f || f->type != FL_PATH || !fl_cache_bytes(o->text))
			continue;
		rc = fl_cache_make(o->text, err);
		if (rc < 0)
			return rc;
		say_file(c->agent, o->text, rc > 0);
	}
	return 0;
}

/* Before it opens anything. */
static int hold_reads(const struct fl_case *c, struct fl_case_lane *lane, struct fl_err *err)
{
	const struct fl_limits *limits = &c->agent->machine->limits;
	const char *text = fl_lane_option(lane->plan, "read_limit"), *why;
	struct fl_throttle_spec spec = { .group = limits->io_group.value,
					 .pid = lane->worker->child.pid,
					 .number = (unsigned)(lane - c->lanes) };
	const struct fl_drive *drive;

	if (!text || fl_parse_count(text, &spec.bytes_per_s, NULL) < 0)
		return 0;
	drive = fl_lane_drive(c->agent->machine, lane->entry, lane->plan, false, &why);
	if (fl_case_shares_worker(c, lane))
		return fl_fail(err, -EINVAL, "the reads of one lane cannot be held back where others share its worker");
	if (!drive || !spec.group)
		return fl_fail(err, -ENODEV, "a cgroup that limits reads cannot be made here: %s",
			       drive ? limits->io_group.why : why);
	spec.dev = drive->dev;
	return fl_throttle_begin(&spec, &lane->throttle, err);
}

static int staff_lane(struct fl_case *c, struct fl_case_lane *lane, struct fl_err *err)
{
	int rc = fl_catalog_find(c->agent->catalog, lane->plan->bench, &lane->entry, err);

	if (rc == 0)
		rc = fl_group_check(c, lane, err);
	if (rc == 0)
		rc = make_files(c, lane, err);
	if (rc == 0)
		rc = fl_case_take_worker(c, lane, err);
	if (rc == 0)
		rc = hold_reads(c, lane, err);
	if (rc == 0)
		rc = fl_case_order(c, lane, err);
	return rc;
}

/* Why a lane is not begun: the plan says so, or what it would use is not used again. */
static int refuse(const struct fl_case *c, const struct fl_case_lane *lane, struct fl_err *why)
{
	if (!lane->plan->skip)
		return fl_case_refuse_retired(c, lane, why);
	fl_fail(why, -ENODEV, "%s", lane->plan->skip);
	if (lane->plan->hint)
		fl_hint(why, "%s", lane->plan->hint);
	return -ENODEV;
}

/* ---- who is left out */

/* Puts lanes that would use what is not used again behind the others, which run together without them: where two are
 * left, no study holds the case against others with the same lanes, and there are no parts of it elsewhere that would
 * have to know. */
static void leave_out(struct fl_case *c)
{
	struct fl_case_lane *out = fl_zalloc(c->lanes_n, sizeof(*out));
	size_t kept = 0, out_n = 0;

	for (size_t i = 0; i < c->lanes_n; i++) {
		out[i] = c->lanes[i];
		out_n += fl_case_refuse_retired(c, &out[i], &out[i].err) < 0;
	}
	if (out_n && c->lanes_n - out_n >= 2 && c->at.study == FL_STUDY_REPEAT && !c->conductor) {
		for (size_t i = 0; i < c->lanes_n; i++)
			if (!out[i].err.code)
				c->lanes[kept++] = out[i];
		for (size_t i = 0; i < c->lanes_n; i++)
			if (out[i].err.code) {
				c->lanes[kept] = out[i];
				c->lanes[kept++].state = FL_LANE_FAILED;
			}
		c->out_n = out_n;
		c->lanes_n -= out_n;
	}
	free(out);
}

/* What cannot be measured needs no worker, nor do the lanes beside it. */
static void refuse_all(struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_err why = { 0 };

		if (refuse(c, &c->lanes[i], &why) < 0)
			fl_case_fail_lane(c, &c->lanes[i], false, &why);
	}
}

static void staff(struct fl_case *c)
{
	refuse_all(c);
	for (size_t i = 0; i < c->lanes_n && !fl_case_failed_lane(c); i++) {
		struct fl_err why = { 0 };

		if (staff_lane(c, &c->lanes[i], &why) < 0)
			fl_case_fail_lane(c, &c->lanes[i], false, &why);
		if (c->agent->interrupt && *c->agent->interrupt)
			return;
	}
}

/* ---- wait for all */

static bool is_ready(const struct fl_case_lane *lane)
{
	return lane->state == FL_LANE_READY;
}

static bool is_done(const struct fl_case_lane *lane)
{
	return lane->state == FL_LANE_DONE;
}

/* How far a lane has come: of lanes in one state their phase decides. */
int fl_case_progress(const struct fl_case_lane *lane)
{
	int phase = lane->tape ? (int)fl_tape_phase(lane->tape) : 0;

	return (int)lane->state * (FL_PHASE_END + 1) + phase;
}

/* One of its group that it waits for; and of that one's worker those that have come furthest may only wait for another,
 * with locks that they share. */
struct fl_case_lane *fl_case_guilty(struct fl_case *c, struct fl_case_lane *late, fl_case_arrived arrived,
				    uint64_t waited_ns)
{
	struct fl_case_lane *absent = fl_group_absent(c, late), *guilty = absent;

	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];

		if (lane->worker == absent->worker && !arrived(lane) && lane->state != FL_LANE_FAILED &&
		    !lane->wait.waits && waited_ns >= lane->limit_ns &&
		    fl_case_progress(lane) < fl_case_progress(guilty))
			guilty = lane;
	}
	return guilty;
}

static void fail_late(struct fl_case *c, struct fl_case_lane *lane)
{
	bool waits = lane->wait.waits;
	char *blame = fl_group_blame(c, lane);
	struct fl_err why = { 0 };

	fl_fail(&why, -ETIMEDOUT, "%s: phase '%s' did not end within %.0f s", blame ? blame : "the worker hangs",
		lane->tape ? fl_phase_name(fl_tape_phase(lane->tape)) : "start", (double)lane->limit_ns / 1e9);
	fl_hint(&why, "if it only needs longer, allow it more time with --timeout");
	free(blame);
	lane->awaits = waits;
	if (!waits)
		fl_case_retire_hung(c, lane);
	fl_case_fail_lane(c, lane, !waits, &why);
}

/* A lane that waits for others of its group on another host is not the one to blame: that host has the time to say
 * which of its lanes is. */
static uint64_t patience_ns(const struct fl_case *c, const struct fl_case_lane *lane)
{
	uint64_t limit_ns = lane->limit_ns + fl_lockstep_spare_ns(c, lane);

	return limit_ns + (c->conductor && lane->wait.waits ? elsewhere_ns : 0);
}

/* Until every lane has arrived; a lane that fails or is late ends the wait only where `all_or_none`. */
static int wait_for(struct fl_case *c, fl_case_arrived arrived, bool all_or_none, struct fl_err *err)
{
	uint64_t began_ns = fl_now_ns();

	for (;;) {
		uint64_t now_ns = fl_now_ns(), until_ns = UINT64_MAX;
		bool waiting = false;
		int rc;

		for (size_t i = 0; i < c->lanes_n; i++) {
			struct fl_case_lane *lane = &c->lanes[i];

			if (arrived(lane) || lane->state == FL_LANE_FAILED)
				continue;
			if (now_ns >= began_ns + patience_ns(c, lane) && !fl_lockstep_late(c, lane))
				fail_late(c, fl_case_guilty(c, lane, arrived, now_ns - began_ns));
			else {
				uint64_t late_ns = began_ns + patience_ns(c, lane);

				waiting = true;
				until_ns = late_ns < until_ns ? late_ns : until_ns;
			}
		}
		if (!waiting || (all_or_none && fl_case_failed_lane(c)))
			return 0;
		rc = fl_case_listen(c, until_ns < now_ns + 100000000 ? until_ns : now_ns + 100000000, err);
		if (rc < 0)
			return rc;
	}
}

static int stop_all(struct fl_case *c, struct fl_err *err)
{
	int rc;

	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].state == FL_LANE_STEPPING && !fl_lockstep_is(&c->lanes[i]))
			fl_case_stop_lane(c, &c->lanes[i]);
	rc = fl_lockstep_stop(c, err);
	return rc < 0 ? rc : wait_for(c, is_done, false, err);
}

/* ---- the whole */

/* Stands in for a benchmark that this feedline does not have (a plan from another one's store). */
static const struct fl_entry no_entry = { .fields = (struct fl_field[]){ { 0 } },
					  .metrics = (struct fl_metric[]){ { 0 } },
					  .facts = (struct fl_fact[]){ { 0 } },
					  .flows = (struct fl_flow[]){ { 0 } } };

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* Steps of 2 ms and a look at the tapes every 20 ms, in the window every 100 ms; finer where the time asked for is
 * short, and steps so long that those of a long one fit the tape twice over. */
static void set_pace(struct fl_case *c, uint64_t asked_ns)
{
	enum { STEPS_AIM = 4096 };
	uint64_t time_ns = asked_ns ? asked_ns : UINT64_C(2000000000);

	c->step_ns = clamp(time_ns / 64, 20000, 2000000);
	if (c->step_ns < time_ns / STEPS_AIM)
		c->step_ns = time_ns / STEPS_AIM;
	c->tick_ns = clamp(time_ns / 8, 250000, 20000000);
	c->watch_ns = clamp(time_ns / 8, 250000, 100000000);
}

static void init(struct fl_case *c)
{
	c->lanes_n = c->plan->lanes_n;
	c->lanes = fl_zalloc(c->lanes_n, sizeof(*c->lanes));
	for (size_t i = 0; i < c->lanes_n; i++) {
		c->lanes[i].number = (unsigned)i;
		c->lanes[i].plan = &c->plan->lanes[i];
		c->lanes[i].entry = &no_entry;
		fl_catalog_find(c->agent->catalog, c->plan->lanes[i].bench, &c->lanes[i].entry, NULL);
		c->lanes[i].limit_ns = fl_case_limit_ns(&c->plan->lanes[i]);
	}
	set_pace(c, c->plan->duration_ns);
}

/* What cannot leave its cgroup would be held back in the next case, too. */
static void let_go(const struct fl_case *c, struct fl_case_lane *lane)
{
	if (fl_throttle_let_go(lane->throttle) < 0 && lane->worker && !lane->worker->broken)
		fl_worker_kill(c->pool, lane->worker, NULL, 0);
	fl_throttle_end(lane->throttle);
}

/* Workers that are in the middle of something. */
static void kill_unfinished(struct fl_case *c)
{
	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];

		if (lane->worker && lane->state != FL_LANE_DONE && !lane->worker->broken)
			fl_worker_kill(c->pool, lane->worker, NULL, 0);
	}
}

static void release(struct fl_case *c)
{
	kill_unfinished(c);
	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];

		let_go(c, lane);
		fl_tape_free(lane->tape);
		json_decref(lane->done);
		fl_group_release(&lane->wait);
		free(lane->seen);
		free(lane->last_end_ns);
		free(lane->hists_from);
		free(lane->hists_to);
	}
	fl_moment_free(c->before);
	fl_moment_free(c->after);
	free(c->lanes);
	fl_pool_settle(c->pool);
}

static int carry_through(struct fl_case *c, struct fl_err *err)
{
	int rc;

	staff(c);
	rc = wait_for(c, is_ready, true, err);
	if (rc < 0 || fl_case_failed_lane(c))
		return rc;
	rc = fl_case_pace(c, err);
	return rc < 0 ? rc : stop_all(c, err);
}

/* Other parts may go on for long: nothing of this one runs beside them, once it has failed. */
static int wait_for_others(struct fl_case *c, struct fl_err *err)
{
	if (!c->conductor)
		return 0;
	if (fl_case_failed_lane(c))
		kill_unfinished(c);
	return fl_conduct_stopped(c, err);
}

/* Records are in the order of the plan. */
static void collect_all(const struct fl_case *c, struct fl_run *run)
{
	const struct fl_case_lane *failed = fl_case_failed_lane(c);

	for (unsigned number = 0; number < c->plan->lanes_n; number++)
		for (size_t i = 0; i < c->lanes_n + c->out_n; i++)
			if (c->lanes[i].number == number)
				fl_case_collect(c, &c->lanes[i], failed, fl_run_add_lane(run));
}

static void keep_watched(struct fl_case *c, struct fl_run *run)
{
	size_t before = run->watched_n;

	c->unwatched = fl_telemetry_collect(c->agent->telemetry, c, run);
	c->watched = run->watched ? run->watched + before : NULL;
	c->watched_n = run->watched_n - before;
}

int fl_case_run(struct fl_agent *agent, struct fl_pool *pool, const struct fl_plan_case *plan,
		const struct fl_plan_step *at, struct fl_conductor *conductor, struct fl_run *run, struct fl_err *err)
{
	struct fl_case c = { .agent = agent, .pool = pool, .plan = plan, .conductor = conductor, .at = *at };
	int rc;

	c.link = conductor ? conductor->link : NULL;
	init(&c);
	leave_out(&c);
	rc = carry_through(&c, err);
	if (rc == 0)
		rc = wait_for_others(&c, err);
	if (rc == 0) {
		keep_watched(&c, run);
		fl_case_weigh(&c);
		collect_all(&c, run);
	}
	release(&c);
	return rc;
}
