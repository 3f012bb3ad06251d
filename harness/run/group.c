/* SPDX-License-Identifier: Apache-2.0 */
/* group.c: lanes that make one measurement together, and what they say to each other. */
#include "run/group.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/message.h"
#include "base/text.h"
#include "run/case.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- who belongs together */

bool fl_group_same(const struct fl_case_lane *a, const struct fl_case_lane *b)
{
	return a->plan->size > 1 && b->plan->size > 1 && a->plan->group == b->plan->group;
}

static size_t ranks_here(const struct fl_case *c, const struct fl_case_lane *lane)
{
	size_t n = 0;

	for (size_t i = 0; i < c->lanes_n; i++)
		n += fl_group_same(&c->lanes[i], lane);
	return n;
}

bool fl_group_is_here(const struct fl_case *c, const struct fl_case_lane *lane)
{
	return ranks_here(c, lane) == lane->plan->size;
}

int fl_group_check(const struct fl_case *c, const struct fl_case_lane *lane, struct fl_err *err)
{
	const struct fl_plan_lane *p = lane->plan;

	if (p->size <= 1)
		return lane->entry->roles ? fl_fail(err, -EINVAL, "%s is measured by %u lanes, and this one is alone",
						    p->bench, fl_entry_roles(lane->entry))
					  : 0;
	if (p->size > FL_GROUP_LINK_MAX || p->rank >= p->size)
		return fl_fail(err, -EINVAL, "the plan has rank %u of %u lanes in a group", p->rank, p->size);
	for (size_t i = 0; i < c->lanes_n; i++) {
		const struct fl_case_lane *other = &c->lanes[i];

		if (other != lane && fl_group_same(other, lane) &&
		    (other->plan->rank == p->rank || other->plan->size != p->size))
			return fl_fail(err, -EINVAL, "the plan has two lanes of rank %u in a group, or two sizes of it",
				       p->rank);
	}
	if (!fl_group_is_here(c, lane) && !c->link)
		return fl_fail(err, -EINVAL, "the plan has %zu lanes of a group of %u", ranks_here(c, lane), p->size);
	return 0;
}

static const char *address_of(const struct fl_case *c, const struct fl_case_lane *lane, unsigned rank)
{
	const char *address = NULL;

	if (!fl_group_is_here(c, lane) && c->link)
		address = c->link->address(c->link->arg, lane->plan->group, rank);
	return address ? address : "127.0.0.1";
}

json_t *fl_group_addresses(const struct fl_case *c, const struct fl_case_lane *lane)
{
	json_t *list = json_array();

	for (unsigned i = 0; lane->plan->size > 1 && i < lane->plan->size; i++)
		json_array_append_new(list, fl_json_string(address_of(c, lane, i)));
	return list;
}

const char *fl_group_show_rank(const struct fl_case_lane *lane, char ret[FL_GROUP_RANK_ROOM])
{
	size_t n = 0;
	const char *role = fl_entry_role(lane->entry, lane->plan->rank, &n);

	snprintf(ret, FL_GROUP_RANK_ROOM, role ? "rank %u (%.*s)" : "rank %u", lane->plan->rank, (int)n, role);
	return ret;
}

/* ---- what a lane is told */

static void forget(struct fl_case_lane *lane)
{
	free(lane->wait.hex);
	lane->wait.hex = NULL;
	lane->wait.waits = false;
}

void fl_group_release(struct fl_group_wait *wait)
{
	free(wait->hex);
	free(wait->cancelled);
}

/* A worker that does not take it is heard of by other ways. */
static void tell(const struct fl_case_lane *lane, json_t *message)
{
	fl_message_send(lane->worker->control_fd, message, -1, NULL);
	json_decref(message);
}

static void cancel(const struct fl_case *c, struct fl_case_lane *lane, const char *what)
{
	if (!lane->wait.waits)
		return;
	free(lane->wait.cancelled);
	lane->wait.cancelled = fl_dup(what);
	tell(lane, json_pack("{s:s, s:i, s:s, s:o}", "do", "ungathered", "lane", (int)(lane - c->lanes), "name",
			     lane->wait.name, "what", fl_json_string(what)));
	forget(lane);
}

static void answer(const struct fl_case *c, struct fl_case_lane *lane, const char *const *hex)
{
	json_t *values = json_array();

	for (unsigned i = 0; i < lane->plan->size; i++)
		json_array_append_new(values, json_string(hex[i]));
	tell(lane, json_pack("{s:s, s:i, s:s, s:o}", "do", "gathered", "lane", (int)(lane - c->lanes), "name",
			     lane->wait.name, "values", values));
	forget(lane);
}

static void answer_all(const struct fl_case *c, const struct fl_case_lane *of, const char *const *hex)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (fl_group_same(&c->lanes[i], of) && c->lanes[i].wait.waits)
			answer(c, &c->lanes[i], hex);
}

/* ---- what a lane says */

static bool is_point(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= FL_GROUP_NAME_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_- ") == n;
}

static bool is_hex(const char *text)
{
	size_t n = strlen(text);

	return n <= 2 * FL_GATHER_MAX && n % 2 == 0 && strspn(text, "0123456789abcdef") == n;
}

/* Is it past what the lane that speaks is in? */
static bool has_gone_on(const struct fl_case_lane *other, const struct fl_case_lane *speaker)
{
	return speaker->state == FL_LANE_SIZED ? other->state > FL_LANE_SIZED && other->state < FL_LANE_FAILED
					       : other->state == FL_LANE_DONE;
}

/* All that wait are at one point, with as many bytes. */
static int compare(const struct fl_case *c, const struct fl_case_lane *lane, const char *name, const char *hex,
		   struct fl_err *err)
{
	char who[FL_GROUP_RANK_ROOM], whom[FL_GROUP_RANK_ROOM];

	for (size_t i = 0; i < c->lanes_n; i++) {
		const struct fl_case_lane *other = &c->lanes[i];

		if (other == lane || !fl_group_same(other, lane))
			continue;
		if (has_gone_on(other, lane))
			return fl_fail(err, -EPROTO, "%s came to '%s', and %s had gone on without it",
				       fl_group_show_rank(lane, who), name, fl_group_show_rank(other, whom));
		if (other->wait.waits && strcmp(other->wait.name, name) != 0)
			return fl_fail(err, -EPROTO, "%s came to '%s', and %s waits at '%s'",
				       fl_group_show_rank(lane, who), name, fl_group_show_rank(other, whom),
				       other->wait.name);
		if (other->wait.waits && strlen(other->wait.hex) != strlen(hex))
			return fl_fail(err, -EPROTO, "%s said %zu bytes at '%s', and %s %zu",
				       fl_group_show_rank(lane, who), strlen(hex) / 2, name,
				       fl_group_show_rank(other, whom), strlen(other->wait.hex) / 2);
	}
	return 0;
}

const struct fl_case_lane *fl_group_lost(const struct fl_case *c, const struct fl_case_lane *lane)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (fl_group_same(&c->lanes[i], lane) && c->lanes[i].state == FL_LANE_FAILED)
			return &c->lanes[i];
	return NULL;
}

static void cancel_for(const struct fl_case *c, struct fl_case_lane *lane, const struct fl_case_lane *lost)
{
	char *what = lost->wait.cancelled ? fl_dup(lost->wait.cancelled)
					  : fl_format("a lane of the same group failed: %s: %.300s", lost->plan->bench,
						      lost->err.what);

	cancel(c, lane, what);
	free(what);
}

/* Answers where all have come; here, or by the link. */
static int settle(const struct fl_case *c, struct fl_case_lane *lane, struct fl_err *err)
{
	const char *hex[FL_GROUP_LINK_MAX];
	const struct fl_case_lane *lost = fl_group_lost(c, lane);
	size_t n = 0;
	int rc;

	if (lost) {
		cancel_for(c, lane, lost);
		return 0;
	}
	if (!fl_group_is_here(c, lane)) {
		if (!c->link)
			return fl_fail(err, -EPROTO, "its group has lanes that are nowhere");
		rc = c->link->gather(c->link->arg, lane->plan->group, lane->plan->rank, lane->wait.name,
				     lane->wait.hex);
		return rc < 0 ? fl_fail(err, rc, "pass on what is said at '%s': %s", lane->wait.name, strerror(-rc))
			      : 0;
	}
	for (size_t i = 0; i < c->lanes_n; i++)
		if (fl_group_same(&c->lanes[i], lane) && c->lanes[i].wait.waits) {
			hex[c->lanes[i].plan->rank] = c->lanes[i].wait.hex;
			n++;
		}
	if (n == lane->plan->size) {
		char *said[FL_GROUP_LINK_MAX] = { 0 };

		for (size_t i = 0; i < n; i++)
			said[i] = fl_dup(hex[i]); /* each is forgotten as its lane is told */
		answer_all(c, lane, (const char *const *)said);
		for (size_t i = 0; i < n; i++)
			free(said[i]);
	}
	return 0;
}

int fl_group_hear(struct fl_case *c, struct fl_case_lane *lane, const json_t *message, struct fl_err *err)
{
	const char *name, *hex;
	char who[FL_GROUP_RANK_ROOM];
	int rc = fl_json_text(message, "gather", "name", &name, err);

	if (rc == 0)
		rc = fl_json_text(message, "gather", "value", &hex, err);
	if (rc < 0)
		return rc;
	if (lane->plan->size <= 1)
		return fl_fail(err, -EPROTO, "it speaks to its group and has none");
	if (!is_point(name) || !is_hex(hex))
		return fl_fail(err, -EPROTO, "%s says to its group what cannot be said", fl_group_show_rank(lane, who));
	if (lane->wait.waits)
		return fl_fail(err, -EPROTO, "%s came to '%s' and waits at '%s'", fl_group_show_rank(lane, who), name,
			       lane->wait.name);
	rc = compare(c, lane, name, hex, err);
	if (rc < 0)
		return rc;
	lane->wait.waits = true;
	fl_copy(lane->wait.name, sizeof(lane->wait.name), name);
	lane->wait.hex = fl_dup(hex);
	return settle(c, lane, err);
}

int fl_group_pass(const struct fl_case *c, const struct fl_case_lane *lane, const char *done, struct fl_err *err)
{
	char who[FL_GROUP_RANK_ROOM], whom[FL_GROUP_RANK_ROOM];

	if (lane->wait.waits)
		return fl_fail(err, -EPROTO, "%s is %s and waits at '%s'", fl_group_show_rank(lane, who), done,
			       lane->wait.name);
	for (size_t i = 0; i < c->lanes_n; i++)
		if (fl_group_same(&c->lanes[i], lane) && c->lanes[i].wait.waits)
			return fl_fail(err, -EPROTO, "%s is %s and did not come to '%s', where %s waits",
				       fl_group_show_rank(lane, who), done, c->lanes[i].wait.name,
				       fl_group_show_rank(&c->lanes[i], whom));
	return 0;
}

void fl_group_lose(struct fl_case *c, const struct fl_case_lane *lane)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (&c->lanes[i] != lane && fl_group_same(&c->lanes[i], lane))
			cancel_for(c, &c->lanes[i], lane);
	fl_lockstep_lose(c, lane);
}

/* ---- from the link */

static const struct fl_case_lane *waiting(const struct fl_case *c, unsigned group)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].plan->size > 1 && c->lanes[i].plan->group == group && c->lanes[i].wait.waits)
			return &c->lanes[i];
	return NULL;
}

int fl_group_answer(struct fl_case *c, unsigned group, const char *name, const char *const *hex, size_t n,
		    struct fl_err *err)
{
	const struct fl_case_lane *lane = waiting(c, group);

	if (!lane)
		return 0; /* it failed meanwhile */
	if (strcmp(lane->wait.name, name) != 0 || n != lane->plan->size)
		return fl_fail(err, -EPROTO, "an answer of %zu to '%.32s', and the group waits at '%s'", n, name,
			       lane->wait.name);
	for (size_t i = 0; i < n; i++)
		if (!hex[i] || !is_hex(hex[i]) || strlen(hex[i]) != strlen(lane->wait.hex))
			return fl_fail(err, -EPROTO, "what rank %zu said at '%s' is not of the same size", i,
				       lane->wait.name);
	answer_all(c, lane, hex);
	return 0;
}

void fl_group_cancel(struct fl_case *c, unsigned group, const char *what)
{
	for (size_t i = 0; i < c->lanes_n; i++)
		if (c->lanes[i].plan->size > 1 && c->lanes[i].plan->group == group)
			cancel(c, &c->lanes[i], what);
}

/* ---- who is late */

struct fl_case_lane *fl_group_absent(const struct fl_case *c, struct fl_case_lane *late)
{
	for (size_t i = 0; late->wait.waits && i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];

		if (fl_group_same(lane, late) && !lane->wait.waits && lane->state != FL_LANE_FAILED)
			return lane;
	}
	return late;
}

char *fl_group_blame(const struct fl_case *c, const struct fl_case_lane *late)
{
	const struct fl_case_lane *other = late->plan->size > 1 ? waiting(c, late->plan->group) : NULL;
	char who[FL_GROUP_RANK_ROOM];

	if (!other)
		return NULL;
	if (late->wait.waits)
		return fl_format("%s waited at '%s' for " FL_LANES_ELSEWHERE, fl_group_show_rank(late, who),
				 late->wait.name);
	return fl_format("%s did not come to '%s'", fl_group_show_rank(late, who), other->wait.name);
}
