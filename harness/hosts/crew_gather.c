/* SPDX-License-Identifier: Apache-2.0 */
/* crew_gather.c: groups whose lanes are on several hosts: what each says at a point goes to all of them, once all have
 * come. */
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/crew_parts.h"
#include <errno.h>
#include <feedline/bench.h>
#include <stdlib.h>
#include <string.h>

enum { POINT_MAX = 32, GATHERS_MAX = 1000 };

static bool is_hex(const char *text)
{
	size_t n = strlen(text);

	return n <= 2 * (size_t)FL_GATHER_MAX && n % 2 == 0 && strspn(text, "0123456789abcdef") == n;
}

static void forget(struct fl_crew_lane *lane)
{
	free(lane->point);
	free(lane->said);
	lane->point = lane->said = NULL;
}

/* By rank; NULL: not all are there. New reference. */
static json_t *values_of(const struct fl_crew_lane *of)
{
	const struct fl_crew_lane *lane = of;
	json_t *values = json_array();
	size_t n = 0;

	for (unsigned rank = 0; rank < of->plan->size; rank++)
		json_array_append_new(values, json_null());
	do {
		if (lane->said && lane->plan->rank < of->plan->size) {
			json_array_set_new(values, lane->plan->rank, json_string(lane->said));
			n++;
		}
		lane = lane->mate;
	} while (lane != of);
	if (n == of->plan->size)
		return values;
	json_decref(values);
	return NULL;
}

/* Is it of the first lane that the group has in its part? */
static bool is_first(const struct fl_crew_lane *lane)
{
	for (const struct fl_crew_lane *m = lane->mate; m != lane; m = m->mate)
		if (m < lane && m->part == lane->part)
			return false;
	return true;
}

/* One message a host, however many of its lanes are in the group, and wherever they are in it. */
static void answer(struct fl_crew_case *c, struct fl_crew_lane *of, json_t *values)
{
	struct fl_crew_lane *lane = of;
	json_t *message = json_pack("{s:s, s:I, s:s, s:O}", "do", "gathered", "group", (json_int_t)of->plan->group,
				    "name", of->point, "values", values);

	do {
		if (lane->part && is_first(lane))
			fl_hub_tell(c->crew->hub, lane->part->host, message);
		if (lane != of)
			forget(lane);
		lane = lane->mate;
	} while (lane != of);
	json_decref(message);
}

/* That point is not where another of the group waits. */
static const struct fl_crew_lane *elsewhere(const struct fl_crew_lane *of)
{
	for (const struct fl_crew_lane *m = of->mate; m != of; m = m->mate)
		if (m->point && (strcmp(m->point, of->point) != 0 || strlen(m->said) != strlen(of->said)))
			return m;
	return NULL;
}

static void meet(struct fl_crew_case *c, struct fl_crew_lane *lane)
{
	const struct fl_crew_lane *other = elsewhere(lane);
	struct fl_err why = { 0 };
	json_t *values;

	if (other) {
		fl_fail(&why, -EPROTO, "rank %u came to '%s' with %zu bytes, and rank %u waits at '%s' with %zu",
			lane->plan->rank, lane->point, strlen(lane->said) / 2, other->plan->rank, other->point,
			strlen(other->said) / 2);
		fl_crew_fail_lane(c, lane, false, &why);
		return;
	}
	values = values_of(lane);
	if (!values)
		return;
	answer(c, lane, values);
	forget(lane);
	json_decref(values);
}

int fl_crew_gather(struct fl_crew_case *c, struct fl_crew_lane *lane, const json_t *message, struct fl_err *err)
{
	const char *name = "", *value = "";
	int rc = fl_json_text(message, "gather", "name", &name, err);

	if (rc == 0)
		rc = fl_json_text(message, "gather", "value", &value, err);
	if (rc < 0)
		return -EPROTO;
	if (lane->plan->size <= 1 || lane->said || ++lane->gathers > GATHERS_MAX)
		return fl_fail(err, -EPROTO, "it said 'gather' for a lane that has nothing to gather");
	if (!*name || strlen(name) > POINT_MAX || !is_hex(value))
		return fl_fail(err, -EPROTO, "it said 'gather' with what is no name or no value");
	if (lane->over)
		return 0; /* it does not know yet */
	lane->point = fl_dup(name);
	lane->said = fl_dup(value);
	meet(c, lane);
	return 0;
}
