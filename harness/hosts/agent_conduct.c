/* SPDX-License-Identifier: Apache-2.0 */
/* agent_conduct.c: what the hub says while a part is carried out, and what it is told. The hub knows the secret of the
 * run; what it says is bounded and checked all the same. */
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/agent_parts.h"
#include "hosts/join.h"
#include "run/case.h"
#include <errno.h>
#include <feedline/clock.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t move_ns = UINT64_C(500000000); /* how often the hub is told that work gets on */

static struct fl_agent_part *of(struct fl_conductor *self)
{
	return (struct fl_agent_part *)self;
}

/* ---- to the hub */

void fl_agent_say(struct fl_agent_own *own, json_t *message)
{
	struct fl_err err = { 0 };

	if (!own->gone && fl_wire_send(own->wire, message, &err) < 0)
		fl_agent_lose_hub(own, &err);
	json_decref(message);
}

static void say_cue(struct fl_conductor *self, enum fl_cue cue)
{
	static const char *const words[] = {
		[FL_CUE_READY] = "ready", [FL_CUE_WARM] = "warm",	[FL_CUE_NARROW] = "narrow",
		[FL_CUE_FULL] = "full",	  [FL_CUE_COVERED] = "covered", [FL_CUE_STOPPED] = "stopped",
	};

	fl_agent_say(of(self)->own, json_pack("{s:s}", "is", words[cue]));
}

static void say_failed(struct fl_conductor *self, unsigned number, bool awaits, const struct fl_err *why)
{
	fl_agent_say(of(self)->own,
		     json_pack("{s:s, s:I, s:i, s:o, s:o, s:b}", "is", "failed", "lane", (json_int_t)number, "code",
			       why->code < 0 && why->code > -4096 ? why->code : -EIO, "what", fl_json_string(why->what),
			       "hint", fl_json_string(why->hint[0] ? why->hint : NULL), "awaits", awaits));
}

static void say_moved(struct fl_conductor *self, uint64_t bytes)
{
	struct fl_agent_part *p = of(self);
	uint64_t now_ns = fl_now_ns();

	if (now_ns < p->moved_at_ns + move_ns)
		return;
	p->moved_at_ns = now_ns;
	fl_agent_say(p->own, json_pack("{s:s, s:I}", "is", "moved", "bytes", (json_int_t)(bytes & INT64_MAX)));
}

static void say_held(struct fl_conductor *self, const struct fl_lane_steps *steps, size_t n)
{
	json_t *lanes = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(lanes, json_pack("{s:I, s:I}", "lane", (json_int_t)steps[i].number, "steps",
						       (json_int_t)steps[i].steps));
	fl_agent_say(of(self)->own, json_pack("{s:s, s:o}", "is", "held", "lanes", lanes));
}

/* ---- groups */

static int lane_of(const struct fl_agent_part *p, unsigned group, unsigned rank)
{
	for (size_t i = 0; i < p->part.of.lanes_n; i++) {
		const struct fl_plan_lane *lane = &p->part.of.lanes[i];

		if (lane->size > 1 && lane->group == group && (rank == UINT32_MAX || lane->rank == rank))
			return (int)i;
	}
	return -1;
}

static const char *address(void *arg, unsigned group, unsigned rank)
{
	const struct fl_agent_part *p = arg;
	int lane = lane_of(p, group, UINT32_MAX);

	return lane < 0 ? NULL : json_string_value(json_array_get(p->part.addresses[lane], rank));
}

static int gather(void *arg, unsigned group, unsigned rank, const char *name, const char *hex)
{
	struct fl_agent_part *p = arg;
	int lane = lane_of(p, group, rank);

	if (lane < 0)
		return -EINVAL;
	fl_agent_say(p->own, json_pack("{s:s, s:I, s:s, s:s}", "is", "gather", "lane",
				       (json_int_t)p->part.numbers[lane], "name", name, "value", hex));
	return 0;
}

static int hear_gathered(struct fl_agent_part *p, struct fl_case *c, const json_t *message, struct fl_err *err)
{
	const char *name = "", *hex[FL_GROUP_LINK_MAX];
	json_t *values = NULL;
	uint64_t group = 0;
	int rc = fl_json_u64(message, "gathered", "group", UINT32_MAX, &group, err);

	(void)p;
	if (rc == 0)
		rc = fl_json_text(message, "gathered", "name", &name, err);
	if (rc == 0)
		rc = fl_json_array(message, "gathered", "values", FL_GROUP_LINK_MAX, &values, err);
	for (size_t i = 0; rc == 0 && i < json_array_size(values); i++)
		hex[i] = json_string_value(json_array_get(values, i));
	return rc < 0 ? rc : fl_group_answer(c, (unsigned)group, name, hex, json_array_size(values), err);
}

/* ---- from the hub */

static int hear_start(struct fl_agent_part *p, struct fl_case *c, const json_t *message, struct fl_err *err)
{
	(void)c;
	return fl_json_u64(message, "start", "at_ns", INT64_MAX, &p->conductor.start_ns, err);
}

/* Why the window ends, as one of the words that records know. */
static void set_end(struct fl_conductor *c, const json_t *message, uint64_t to_ns)
{
	static const char *const words[] = { "time up", "interval narrow", "tape full" };
	const char *said = fl_json_text_or_null(message, "ended");

	if (c->to_ns && to_ns > c->to_ns)
		return;
	c->to_ns = to_ns;
	for (size_t i = 0; said && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], said) == 0)
			c->ended = words[i];
}

static int hear_window(struct fl_agent_part *p, struct fl_case *c, const json_t *message, struct fl_err *err)
{
	uint64_t from_ns = 0, to_ns = 0;
	int rc = fl_json_u64(message, "window", "at_ns", INT64_MAX, &from_ns, err);

	(void)c;
	if (rc == 0)
		rc = fl_json_u64(message, "window", "to_ns", INT64_MAX, &to_ns, err);
	if (rc == 0 && (from_ns == 0 || to_ns <= from_ns))
		rc = fl_fail(err, -EPROTO, "the hub says a window that ends before it begins");
	if (rc < 0)
		return rc;
	p->conductor.from_ns = from_ns;
	set_end(&p->conductor, message, to_ns);
	return 0;
}

static int hear_close(struct fl_agent_part *p, struct fl_case *c, const json_t *message, struct fl_err *err)
{
	uint64_t to_ns = 0;
	int rc = fl_json_u64(message, "close", "to_ns", INT64_MAX, &to_ns, err);

	(void)c;
	if (rc == 0 && to_ns)
		set_end(&p->conductor, message, to_ns);
	return rc;
}

static int hear_stop(struct fl_agent_part *p, struct fl_case *c, const json_t *message, struct fl_err *err)
{
	(void)c;
	(void)message;
	(void)err;
	p->conductor.stop = true;
	return 0;
}

static int hear_finish(struct fl_agent_part *p, struct fl_case *c, const json_t *message, struct fl_err *err)
{
	json_t *lanes = NULL;
	int rc = fl_json_array(message, "finish", "lanes", p->part.of.lanes_n, &lanes, err);

	for (size_t i = 0; rc == 0 && i < json_array_size(lanes); i++) {
		struct fl_lane_steps last = { 0 };

		rc = fl_part_read_steps(json_array_get(lanes, i), "finish", &last, err);
		if (rc == 0)
			rc = fl_lockstep_finish(c, &last, err);
	}
	return rc;
}

static int hear_cancel(struct fl_agent_part *p, struct fl_case *c, const json_t *message, struct fl_err *err)
{
	const char *what = fl_json_text_or_null(message, "what"), *hint = fl_json_text_or_null(message, "hint");
	struct fl_err why = { 0 };

	(void)p;
	(void)err;
	fl_fail(&why, -ECANCELED, "%.300s", what && *what ? what : "the hub does not say why");
	if (hint && *hint)
		fl_hint(&why, "%.700s", hint);
	fl_case_cancel(c, &why);
	return 0;
}

static int hear_collect(struct fl_agent_part *p, struct fl_case *c, const json_t *message, struct fl_err *err)
{
	json_t *distrust = json_object_get(message, "distrust");

	(void)c;
	if (json_array_size(distrust) > 16)
		return fl_fail(err, -EPROTO, "the hub says more of a case than there is");
	json_decref(p->clock_offset);
	json_decref(p->clock_error);
	json_decref(p->distrust);
	p->clock_offset = json_incref(json_object_get(message, "clock_offset_ns"));
	p->clock_error = json_incref(json_object_get(message, "clock_error_ns"));
	p->distrust = json_incref(distrust);
	p->conductor.collect = true;
	return 0;
}

static int hear_end(struct fl_agent_part *p, struct fl_case *c, const json_t *message, struct fl_err *err)
{
	(void)c;
	(void)message;
	p->own->ended = true;
	return fl_fail(err, -ECANCELED, "the hub ended the run");
}

static const struct {
	const char *told;
	int (*hear)(struct fl_agent_part *p, struct fl_case *c, const json_t *message, struct fl_err *err);
} words[] = {
	{ "start", hear_start },       { "window", hear_window }, { "close", hear_close },
	{ "stop", hear_stop },	       { "cancel", hear_cancel }, { "collect", hear_collect },
	{ "gathered", hear_gathered }, { "end", hear_end },	  { "finish", hear_finish },
};

int fl_agent_part_hear(struct fl_agent_part *p, struct fl_case *c, const json_t *message, struct fl_err *err)
{
	const char *told = fl_json_text_or_null(message, "do");

	for (size_t i = 0; told && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].told, told) == 0)
			return words[i].hear(p, c, message, err);
	return fl_fail(err, -EPROTO, "the hub said '%.32s' while a case is measured", told ? told : "nothing");
}

static short events(struct fl_conductor *self)
{
	struct fl_agent_own *own = of(self)->own;

	if (!own->gone)
		fl_agent_look_at_hub(own);
	return own->gone ? 0 : (short)(POLLIN | (fl_wire_is_full(own->wire) ? POLLOUT : 0));
}

/* Lanes that have stopped are kept, though nobody can compare the clocks any more. */
static int meet_end(struct fl_agent_part *p, struct fl_err *err)
{
	if (!(p->conductor.said & 1U << FL_CUE_STOPPED)) {
		if (err)
			*err = p->own->why;
		return p->own->why.code;
	}
	json_decref(p->distrust);
	p->distrust = json_pack("[s]", "the hub was lost before the clocks could be compared after the case");
	p->conductor.collect = true;
	return 0;
}

static int hear(struct fl_conductor *self, struct fl_case *c, struct fl_err *err)
{
	struct fl_agent_part *p = of(self);
	struct fl_agent_own *own = p->own;
	struct fl_err why = { 0 };
	int rc = own->gone ? 0 : fl_wire_flush(own->wire, &why);

	while (rc == 0 && !own->gone) {
		json_t *message = NULL;

		rc = fl_join_receive(own->wire, &message, &why);
		if (rc == -EAGAIN)
			return 0;
		if (rc < 0)
			break;
		rc = fl_agent_part_hear(p, c, message, err);
		json_decref(message);
		if (rc < 0)
			return rc;
	}
	if (rc < 0)
		fl_agent_lose_hub(own, &why);
	return meet_end(p, err);
}

void fl_agent_part_conduct(struct fl_agent_part *p)
{
	p->link = (struct fl_group_link){ .address = address, .gather = gather, .arg = p };
	p->conductor = (struct fl_conductor){ .numbers = p->part.numbers,
					      .whole = p->part.whole,
					      .link = &p->link,
					      .fd = fl_wire_fd(p->own->wire),
					      .events = events,
					      .hear = hear,
					      .cue = say_cue,
					      .failed = say_failed,
					      .held = say_held,
					      .moved = say_moved };
}
