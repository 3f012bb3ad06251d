/* SPDX-License-Identifier: Apache-2.0 */
/* groups.c: lanes that make one measurement together, in a plan that may say anything: each group is whole, and goes by
 * the number of its first lane. */
#include "base/alloc.h"
#include "plan/parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of every lane that is the first of its group: where the ranks of that group begin among those of all, which are as
 * many as there are lanes. */
struct ranks {
	size_t *begin, used;
	bool *taken;
};

static int fail_lane(const char *at, size_t lane, const char *what, struct fl_err *err)
{
	return fl_fail(err, -EINVAL, "%s.lanes[%zu] %s", at, lane, what);
}

/* Is the lane of a group that one before it began, or the first of its own? Since no rank is there twice, a group lacks
 * one only where all groups want more lanes than there are. */
static int check_lane(const struct fl_plan_case *c, size_t i, struct ranks *ranks, const char *at, struct fl_err *err)
{
	const struct fl_plan_lane *lane = &c->lanes[i], *first;

	if (lane->group > i || lane->rank >= lane->size)
		return fail_lane(at, i, "has a group, rank and size that cannot be", err);
	first = &c->lanes[lane->group];
	if (first->group != lane->group)
		return fail_lane(at, i, "is of a group that does not go by the number of its first lane", err);
	if (first->size != lane->size || strcmp(first->bench, lane->bench) != 0)
		return fail_lane(at, i, "is of a group of another size or benchmark", err);
	if (first == lane) {
		ranks->begin[i] = ranks->used;
		ranks->used += lane->size;
	}
	if (ranks->used > c->lanes_n)
		return fail_lane(at, i, "is of a group with lanes that are missing", err);
	if (ranks->taken[ranks->begin[lane->group] + lane->rank])
		return fail_lane(at, i, "has the rank of another lane of its group", err);
	ranks->taken[ranks->begin[lane->group] + lane->rank] = true;
	return 0;
}

int fl_groups_check(const struct fl_plan_case *c, size_t hosts_n, const char *at, struct fl_err *err)
{
	struct ranks ranks = { .begin = fl_zalloc(c->lanes_n, sizeof(*ranks.begin)),
			       .taken = fl_zalloc(c->lanes_n, sizeof(*ranks.taken)) };
	int rc = 0;

	for (size_t i = 0; i < c->lanes_n && rc == 0; i++) {
		rc = check_lane(c, i, &ranks, at, err);
		if (rc == 0 && c->lanes[i].host >= (hosts_n ? hosts_n : 1))
			rc = fail_lane(at, i, "is on a host that the plan does not name", err);
	}
	free(ranks.begin);
	free(ranks.taken);
	return rc;
}
