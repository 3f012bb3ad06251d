/* SPDX-License-Identifier: Apache-2.0 */
/* crew_end.c: lanes, parts and hosts that end before their time. What a host runs at one time belongs together, as it
 * does on one machine, and so do the lanes of a group; the rest of the case goes on. */
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/crew_parts.h"
#include <errno.h>
#include <feedline/clock.h>
#include <string.h>

static void end_lane(struct fl_crew_lane *lane, const struct fl_err *why)
{
	if (lane->over)
		return;
	lane->over = true;
	lane->why = *why;
}

static void tell_cancel(const struct fl_crew_case *c, const struct fl_crew_part *part, const struct fl_err *why)
{
	json_t *message = json_pack("{s:s, s:o, s:o}", "do", "cancel", "what", fl_json_string(why->what), "hint",
				    fl_json_string(why->hint[0] ? why->hint : NULL));

	fl_hub_tell(c->crew->hub, part->host, message);
	json_decref(message);
}

/* The plan knows that it has no place for a lane of that group. */
static bool is_skipped(const struct fl_crew_lane *lane)
{
	for (const struct fl_crew_lane *m = lane->mate; m != lane; m = m->mate)
		if (m->plan->skip)
			return true;
	return lane->plan->skip != NULL;
}

/* Hosts by themselves are not each other's load; the lanes of groups are, also those of other groups. */
static void thin(struct fl_crew_case *c, const struct fl_crew_lane *lane, const struct fl_err *why)
{
	if (lane->plan->size > 1 && !c->stopped && !c->thinned && !is_skipped(lane))
		c->thinned = fl_format("not all lanes of the case were at work beside it: %s", why->what);
}

/* Marks it, and tells its agent where that does not know. */
static void end_part(struct fl_crew_case *c, struct fl_crew_part *part, const struct fl_err *why, bool tell)
{
	for (size_t i = 0; i < part->n && !part->ended; i++)
		thin(c, &c->lanes[part->numbers[i]], why);
	part->ended = true;
	part->since_ns = fl_now_ns();
	part->allowed_ns = part->limit_ns + c->crew->grace_ns;
	if (tell && !part->lost)
		tell_cancel(c, part, why);
	for (size_t i = 0; i < part->n; i++)
		end_lane(&c->lanes[part->numbers[i]], why);
}

/* Has the lane a group with one that is over on another host? Then its part is over for the same reason. */
static const struct fl_crew_lane *find_over(const struct fl_crew_lane *lane)
{
	for (const struct fl_crew_lane *m = lane->mate; m != lane; m = m->mate)
		if (m->over)
			return m;
	return NULL;
}

static bool follow_once(struct fl_crew_case *c)
{
	bool more = false;

	for (size_t i = 0; i < c->of->lanes_n; i++) {
		struct fl_crew_lane *lane = &c->lanes[i];
		const struct fl_crew_lane *other = lane->over ? NULL : find_over(lane);

		if (!other)
			continue;
		if (lane->part && !lane->part->ended)
			end_part(c, lane->part, &other->why, true);
		end_lane(lane, &other->why);
		more = true;
	}
	return more;
}

/* Until nothing more goes along. What has been measured by the time that records are sent stays measured. */
static void follow(struct fl_crew_case *c)
{
	while (!c->collected && follow_once(c))
		;
}

void fl_crew_fail_lane(struct fl_crew_case *c, struct fl_crew_lane *lane, bool known, const struct fl_err *why)
{
	struct fl_err beside = { 0 };

	fl_fail(&beside, why->code, "a lane of the same case failed on %s: %s: %.200s", lane->part->name,
		lane->plan->bench, why->what);
	if (why->hint[0])
		fl_hint(&beside, "%s", why->hint);
	end_lane(lane, why);
	if (!lane->part->ended)
		end_part(c, lane->part, &beside, !known);
	/* What goes along says whom it is for. */
	lane->why = beside;
	follow(c);
	lane->why = *why;
}

void fl_crew_say_lost(const char *name, const struct fl_err *why, struct fl_err *ret)
{
	*ret = (struct fl_err){ 0 };
	fl_fail(ret, why->code ? why->code : -EHOSTDOWN, "host %s was lost: %s", name,
		why->what[0] ? why->what : "nobody knows why");
	if (why->hint[0])
		fl_hint(ret, "%s", why->hint);
}

/* A lane of a lost host: it ran, and broke off, or what it says of itself will never come. The loss is named first,
 * whatever went wrong before it. */
static void lose_lane(struct fl_crew_lane *lane, const struct fl_err *said)
{
	struct fl_err both = { 0 };

	if (lane->got)
		fl_lane_record_release(&lane->record);
	lane->got = false;
	lane->invalid = true;
	if (!lane->over)
		return;
	fl_fail(&both, said->code, "%.150s; before that: %.150s", said->what, lane->why.what);
	if (said->hint[0])
		fl_hint(&both, "%s", said->hint);
	lane->why = both;
}

void fl_crew_lose_part(struct fl_crew_case *c, struct fl_crew_part *part, const struct fl_err *why)
{
	struct fl_err said;

	if (part->lost || part->stage == FL_PART_OVER)
		return;
	fl_crew_say_lost(part->name, why, &said);
	part->lost = true;
	for (size_t i = 0; i < part->n; i++)
		lose_lane(&c->lanes[part->numbers[i]], &said);
	end_part(c, part, &said, false);
	follow(c);
	if (!part->host->lost)
		fl_hub_lose(c->crew->hub, part->host, why);
}

void fl_crew_miss_lane(struct fl_crew_case *c, struct fl_crew_lane *lane, const struct fl_err *why)
{
	thin(c, lane, why);
	end_lane(lane, why);
	for (struct fl_crew_lane *m = lane->mate; m != lane; m = m->mate)
		end_lane(m, why);
}
