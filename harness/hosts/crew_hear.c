/* SPDX-License-Identifier: Apache-2.0 */
/* crew_hear.c: what agents say while a case is in flight. Each word is legal at one time only, and there is an end to
 * each: an agent that repeats itself, jumps ahead or speaks for others is found out, and its host is lost. */
#include "base/json.h"
#include "hosts/crew_parts.h"
#include "run/conductor.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>

enum { MOVES_PER_S = 20, MOVES_SPARE = 100 };

struct fl_crew_part *fl_crew_part_of(const struct fl_crew_case *c, const struct fl_hub_host *host)
{
	return c->parts_n > 0 ? c->of_host[host->rank] : NULL;
}

/* One that ended early is waited for where all come to their end; and before clocks are compared, since an agent that
 * ends workers does not listen. */
static bool is_at(const struct fl_crew_case *c, const struct fl_crew_part *part)
{
	enum fl_part_stage wanted = c->wanted;

	if (part->ended && wanted == FL_PART_READY)
		wanted = FL_PART_STOPPED;
	if (wanted == FL_PART_HELD && !part->holds)
		return true;
	return part->lost || part->stage >= wanted || (part->ended && wanted < FL_PART_STOPPED);
}

static bool all_at(const struct fl_crew_case *c)
{
	for (size_t i = 0; i < c->parts_n; i++)
		if (!is_at(c, &c->parts[i]))
			return false;
	return true;
}

bool fl_crew_any_goes_on(const struct fl_crew_case *c)
{
	for (size_t i = 0; i < c->parts_n; i++)
		if (!c->parts[i].ended)
			return true;
	return false;
}

static bool all_narrow(const struct fl_crew_case *c)
{
	for (size_t i = 0; i < c->parts_n; i++)
		if (!c->parts[i].ended && !c->parts[i].narrow)
			return false;
	return true;
}

const char *fl_crew_over_early(const struct fl_crew_case *c)
{
	if (!fl_crew_any_goes_on(c))
		return NULL;
	if (c->full)
		return "tape full";
	return !c->of->duration_ns && all_narrow(c) ? "interval narrow" : NULL;
}

bool fl_crew_heard_enough(const struct fl_crew_case *c)
{
	return all_at(c) || (c->open && fl_crew_over_early(c));
}

/* ---- words */

static void go_on(struct fl_crew_part *part, enum fl_part_stage stage)
{
	part->stage = stage;
	part->since_ns = fl_now_ns();
}

static int say_begun(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	bool *begun = &c->crew->begun[part->host->rank];

	(void)message;
	if (*begun)
		return fl_fail(err, -EPROTO, "it said 'begun' again");
	*begun = true;
	return 0;
}

static int say_ready(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	(void)message;
	if (part->stage != FL_PART_SENT || !c->crew->begun[part->host->rank])
		return fl_fail(err, -EPROTO, "it said 'ready' out of turn");
	go_on(part, FL_PART_READY);
	fl_crew_clocks_ask(c, part);
	return 0;
}

static int say_warm(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	(void)message;
	if (part->stage != FL_PART_READY || !c->started || c->whole)
		return fl_fail(err, -EPROTO, "it said 'warm' out of turn");
	go_on(part, FL_PART_WARM);
	return 0;
}

static int say_enough(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	bool full = strcmp(fl_json_text_or_null(message, "is"), "full") == 0;

	if (part->stage != FL_PART_WARM || !c->windowed || (!full && part->narrow))
		return fl_fail(err, -EPROTO, "it said '%s' out of turn", full ? "full" : "narrow");
	part->narrow = true;
	c->full |= full && !part->ended;
	return 0;
}

static int say_covered(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	bool due = c->whole ? part->stage == FL_PART_READY && c->started : part->stage == FL_PART_WARM && c->windowed;

	(void)message;
	if (!due)
		return fl_fail(err, -EPROTO, "it said 'covered' out of turn");
	go_on(part, FL_PART_COVERED);
	return 0;
}

static int say_held(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	int rc;

	if (part->ended && part->stage < FL_PART_HELD)
		return 0; /* it does not know yet */
	if (part->stage != FL_PART_COVERED || !c->stopped || !part->holds)
		return fl_fail(err, -EPROTO, "it said 'held' out of turn");
	rc = fl_crew_held(c, part, message, err);
	if (rc == 0)
		go_on(part, FL_PART_HELD);
	return rc;
}

static int say_stopped(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	enum fl_part_stage after = part->holds ? FL_PART_HELD : FL_PART_COVERED;

	(void)message;
	if (part->stage >= FL_PART_STOPPED || !(part->ended || (part->stage == after && c->stopped)))
		return fl_fail(err, -EPROTO, "it said 'stopped' out of turn");
	go_on(part, FL_PART_STOPPED);
	return 0;
}

/* The lane of the part that a message is about. */
static int find_lane(struct fl_crew_case *c, const struct fl_crew_part *part, const json_t *message,
		     struct fl_crew_lane **ret, struct fl_err *err)
{
	uint64_t number = 0;
	int rc = fl_json_u64(message, "message", "lane", UINT32_MAX, &number, err);

	if (rc < 0)
		return -EPROTO;
	if (number >= c->of->lanes_n || c->lanes[number].part != part)
		return fl_fail(err, -EPROTO, "it spoke for a lane of another host");
	*ret = &c->lanes[number];
	return 0;
}

/* The agent itself cannot go on. */
static int give_up(const json_t *message, struct fl_err *err)
{
	const char *what = fl_json_text_or_null(message, "what"), *hint = fl_json_text_or_null(message, "hint");

	/* who was told to end, as we may be a moment later, is no cause of anything */
	int code = json_integer_value(json_object_get(message, "code")) == -EINTR ? -EINTR : -ECANCELED;

	fl_fail(err, code, "%.250s", what && *what ? what : "it does not say why");
	if (hint && *hint)
		fl_hint(err, "%.700s", hint);
	return code;
}

/* What the agent says of it, and what it cannot know. */
static void find_reason(struct fl_crew_lane *lane, const json_t *message, int code, struct fl_err *why)
{
	const char *what = fl_json_text_or_null(message, "what"), *hint = fl_json_text_or_null(message, "hint");
	bool awaits = json_is_true(json_object_get(message, "awaits"));
	char *awaited = awaits ? fl_crew_awaited(lane) : NULL;
	const char *at;

	if (!what || !*what)
		what = "it does not say why";
	at = awaited ? strstr(what, FL_LANES_ELSEWHERE) : NULL;
	if (at)
		fl_fail(why, code, "%.*s%.100s%.100s", at - what < 100 ? (int)(at - what) : 100, what, awaited,
			at + strlen(FL_LANES_ELSEWHERE));
	else
		fl_fail(why, code, "%.300s", what);
	lane->named = at != NULL;
	if (hint && *hint)
		fl_hint(why, "%.700s", hint);
	free(awaited);
}

static int say_failed(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	struct fl_crew_lane *lane = NULL;
	struct fl_err why = { 0 };
	int64_t code = -EIO;
	int rc = json_object_get(message, "lane") ? find_lane(c, part, message, &lane, err) : give_up(message, err);

	if (rc == 0)
		rc = fl_json_i64(message, "failed", "code", -4095, -1, &code, err) < 0 ? -EPROTO : 0;
	if (rc < 0 || !lane)
		return rc;
	if (part->stage >= FL_PART_STOPPED)
		return fl_fail(err, -EPROTO, "it said 'failed' out of turn");
	if (lane->over)
		return 0;
	find_reason(lane, message, (int)code, &why);
	fl_crew_fail_lane(c, lane, true, &why);
	part->since_ns = fl_now_ns();
	return 0;
}

/* Work that ends by itself takes as long as it takes, as long as it gets on. */
static int say_moved(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	uint64_t bytes = 0, all = 0;

	if (fl_json_u64(message, "moved", "bytes", INT64_MAX, &bytes, err) < 0)
		return -EPROTO;
	if (!c->whole || !c->started || part->stage != FL_PART_READY || bytes < part->moved_bytes)
		return fl_fail(err, -EPROTO, "it said 'moved' out of turn");
	if (++part->moves > MOVES_SPARE + (fl_now_ns() - part->looked_ns) / 1000000000 * MOVES_PER_S)
		return fl_fail(err, -EPROTO, "it floods");
	if (bytes > part->moved_bytes)
		part->since_ns = fl_now_ns();
	part->moved_bytes = bytes;
	for (size_t i = 0; i < c->parts_n; i++)
		all += c->parts[i].moved_bytes;
	if (c->agent->watch && c->agent->watch->moved)
		c->agent->watch->moved(c->agent->watch->arg, all);
	return 0;
}

static int say_gather(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	struct fl_crew_lane *lane = NULL;
	int rc = find_lane(c, part, message, &lane, err);

	if (rc < 0)
		return rc;
	if (part->stage >= FL_PART_STOPPED)
		return fl_fail(err, -EPROTO, "it said 'gather' out of turn");
	return fl_crew_gather(c, lane, message, err);
}

static int say_line(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	if (part->stage != FL_PART_STOPPED || !c->collected)
		return fl_fail(err, -EPROTO, "it said 'line' out of turn");
	part->since_ns = fl_now_ns();
	return fl_crew_line(c, part, message, err);
}

static int say_over(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	int rc;

	(void)message;
	if (part->stage != FL_PART_STOPPED || !c->collected)
		return fl_fail(err, -EPROTO, "it said 'over' out of turn");
	rc = fl_crew_complete(c, part, err);
	if (rc == 0)
		go_on(part, FL_PART_OVER);
	return rc;
}

static const struct {
	const char *is;
	int (*say)(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err);
} words[] = {
	{ "begun", say_begun },	    { "ready", say_ready },	{ "warm", say_warm },	{ "narrow", say_enough },
	{ "full", say_enough },	    { "covered", say_covered }, { "moved", say_moved }, { "gather", say_gather },
	{ "stopped", say_stopped }, { "failed", say_failed },	{ "line", say_line },	{ "over", say_over },
	{ "held", say_held },
};

int fl_crew_hear(void *arg, struct fl_hub_host *host, const json_t *message, struct fl_err *err)
{
	struct fl_crew_case *c = arg;
	struct fl_crew_part *part = fl_crew_part_of(c, host);
	const char *is = fl_json_text_or_null(message, "is");
	size_t i = 0;
	int rc;

	if (is && strcmp(is, "clock") == 0)
		return fl_hub_clocks_hear(c->clocks, host, message, err);
	while (is && i < sizeof(words) / sizeof(words[0]) && strcmp(words[i].is, is) != 0)
		i++;
	if (!is || i == sizeof(words) / sizeof(words[0]))
		return fl_fail(err, -EPROTO, "it said '%.32s', which is no word", is ? is : "nothing");
	if (!part)
		return strcmp(is, "failed") == 0 ? give_up(message, err)
						 : fl_fail(err, -EPROTO, "it said '%s', and has nothing to do", is);
	rc = words[i].say(c, part, message, err);
	if (rc < 0 && part) { /* at once: what goes along is told before anything else is heard */
		fl_crew_lose_part(c, part, err);
		return rc;
	}
	return rc < 0 ? rc : fl_crew_heard_enough(c);
}

void fl_crew_hear_lost(void *arg, struct fl_hub_host *host)
{
	struct fl_crew_case *c = arg;
	struct fl_crew_part *part = fl_crew_part_of(c, host);

	if (part)
		fl_crew_lose_part(c, part, &host->why);
}
