/* SPDX-License-Identifier: Apache-2.0 */
/* crew_lockstep.c: groups in lockstep whose lanes are on several hosts. Each host holds its lanes and says which step
 * they are in; the furthest of a group is the last one for all of it. */
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/crew_parts.h"
#include "hosts/part.h"
#include <errno.h>
#include <stdlib.h>

static bool spans(const struct fl_crew_lane *lane)
{
	if (!lane->part || !lane->entry || !lane->entry->lockstep)
		return false;
	for (const struct fl_crew_lane *m = lane->mate; m != lane; m = m->mate)
		if (m->part != lane->part)
			return true;
	return false;
}

void fl_crew_find_lockstep(struct fl_crew_case *c)
{
	for (size_t i = 0; i < c->of->lanes_n; i++) {
		c->lanes[i].spans = spans(&c->lanes[i]);
		if (c->lanes[i].spans)
			c->lanes[i].part->holds = true;
	}
}

/* ---- what hosts say */

static int take(struct fl_crew_case *c, const struct fl_crew_part *part, const json_t *o, struct fl_err *err)
{
	struct fl_lane_steps said = { 0 };
	struct fl_crew_lane *lane;

	if (fl_part_read_steps(o, "held", &said, err) < 0)
		return -EPROTO;
	lane = said.number < c->of->lanes_n ? &c->lanes[said.number] : NULL;
	if (!lane || lane->part != part || !lane->spans || lane->steps)
		return fl_fail(err, -EPROTO, "it said 'held' of lane %u, which it has not to say", said.number);
	lane->steps = said.steps;
	return 0;
}

int fl_crew_held(struct fl_crew_case *c, struct fl_crew_part *part, const json_t *message, struct fl_err *err)
{
	json_t *lanes = NULL;
	int rc = fl_json_array(message, "held", "lanes", part->n, &lanes, err);

	if (rc < 0)
		return -EPROTO;
	for (size_t i = 0; rc == 0 && i < json_array_size(lanes); i++)
		rc = take(c, part, json_array_get(lanes, i), err);
	for (size_t i = 0; rc == 0 && i < part->n; i++)
		if (c->lanes[part->numbers[i]].spans && !c->lanes[part->numbers[i]].steps)
			rc = fl_fail(err, -EPROTO, "it said 'held' without lane %u", part->numbers[i]);
	return rc;
}

/* ---- those that are waited for */

char *fl_crew_awaited(const struct fl_crew_lane *lane)
{
	struct fl_text text = { 0 };

	for (const struct fl_crew_lane *m = lane->mate; m != lane; m = m->mate) {
		size_t n = 0;
		const char *role = m->entry ? fl_entry_role(m->entry, m->plan->rank, &n) : NULL;

		if (!m->part || m->part == lane->part)
			continue;
		if (lane->said ? m->said != NULL : m->part->stage >= FL_PART_STOPPED)
			continue;
		fl_text_add(&text, "%srank %u", text.n ? ", " : "", m->plan->rank);
		if (role)
			fl_text_add(&text, " (%.*s)", (int)n, role);
		fl_text_add(&text, " on host %s", m->part->name);
	}
	return text.bytes;
}

/* ---- what they are told */

/* The furthest, or the last of its group. */
static struct fl_crew_lane *find(struct fl_crew_lane *of, bool furthest)
{
	struct fl_crew_lane *found = of;

	for (struct fl_crew_lane *m = of->mate; m != of; m = m->mate)
		if (furthest ? m->steps > found->steps : m->steps < found->steps)
			found = m;
	return found;
}

/* No step of theirs ends before all have begun it: this one says otherwise. */
static void refuse_apart(struct fl_crew_case *c, struct fl_crew_lane *of)
{
	struct fl_crew_lane *first = find(of, true), *last = find(of, false);
	struct fl_err why = { 0 };

	if (first->steps <= last->steps + FL_LOCKSTEP_APART_MAX)
		return;
	fl_fail(&why, -EPROTO, "it is not in lockstep: rank %u is in step %llu, and rank %u in step %llu",
		first->plan->rank, (unsigned long long)first->steps, last->plan->rank, (unsigned long long)last->steps);
	fl_crew_fail_lane(c, first, false, &why);
}

static json_t *last_steps(const struct fl_crew_case *c, const struct fl_crew_part *part)
{
	json_t *lanes = json_array();

	for (size_t i = 0; i < part->n; i++) {
		struct fl_crew_lane *lane = &c->lanes[part->numbers[i]];

		if (lane->spans)
			json_array_append_new(lanes, json_pack("{s:I, s:I}", "lane", (json_int_t)part->numbers[i],
							       "steps", (json_int_t)find(lane, true)->steps));
	}
	return lanes;
}

void fl_crew_finish(struct fl_crew_case *c)
{
	for (size_t i = 0; i < c->of->lanes_n; i++)
		if (c->lanes[i].spans && !c->lanes[i].over)
			refuse_apart(c, &c->lanes[i]);
	for (size_t i = 0; i < c->parts_n; i++) {
		struct fl_crew_part *part = &c->parts[i];
		json_t *message;

		if (!part->holds || part->ended)
			continue;
		message = json_pack("{s:s, s:o}", "do", "finish", "lanes", last_steps(c, part));
		fl_hub_tell(c->crew->hub, part->host, message);
		json_decref(message);
	}
}
