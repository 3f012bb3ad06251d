/* SPDX-License-Identifier: Apache-2.0 */
/* change.c: two sides to a comparison: lanes matched, metrics measured against each other, then decided. */
#include "judge/change.h"
#include "base/alloc.h"
#include "judge/change_parts.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *fl_moved_name(enum fl_moved moved)
{
	static const char *const names[] = {
		[FL_MOVED_NOT] = "no change",
		[FL_MOVED_BETTER] = "improved",
		[FL_MOVED_WORSE] = "regressed",
	};

	return names[moved];
}

/* ---- lanes of both sides by what they are */

static struct fl_match *match_of(struct fl_matches *m, const struct fl_evidence_lane *lane)
{
	const json_t *at = json_object_get(m->index, lane->identity);

	if (at)
		return &m->items[json_integer_value(at)];
	json_object_set_new(m->index, lane->identity, json_integer((json_int_t)m->n));
	m->items = fl_grow(m->items, m->n + 1, sizeof(*m->items));
	m->items[m->n] = (struct fl_match){ .name = lane->name, .identity = lane->identity };
	return &m->items[m->n++];
}

static void add_side(const struct fl_change_work *w, struct fl_matches *m, const struct fl_side *side, bool after)
{
	for (size_t i = 0; i < side->n; i++)
		for (size_t k = 0; fl_uses_run(w, side->runs[i]) && k < side->runs[i]->lanes_n; k++) {
			const struct fl_evidence_lane *lane = &side->runs[i]->lanes[k];
			struct fl_matched *to = &match_of(m, lane)->sides[after];

			to->lanes = fl_grow(to->lanes, to->n + 1, sizeof(*to->lanes));
			to->runs = fl_grow(to->runs, to->n + 1, sizeof(*to->runs));
			to->lanes[to->n] = lane;
			to->runs[to->n++] = side->runs[i];
		}
}

static bool have_common(const struct fl_matches *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->items[i].sides[0].n && m->items[i].sides[1].n)
			return true;
	return false;
}

static void release_matches(struct fl_matches *m)
{
	for (size_t i = 0; i < m->n; i++)
		for (int side = 0; side <= 1; side++) {
			free(m->items[i].sides[side].lanes);
			free(m->items[i].sides[side].runs);
		}
	free(m->items);
	json_decref(m->index);
}

/* ---- what was different around them: between the first runs of one host, where both sides have one */

static void find_around(const struct fl_change_work *w, const struct fl_side *a, const struct fl_side *b,
			struct fl_differences *ret)
{
	const struct fl_evidence *before = a->runs[0], *after = b->runs[0];

	for (size_t i = a->n; w->hosts_n && i-- > 0;)
		before = strcmp(a->runs[i]->host, w->hosts[0]) ? before : a->runs[i];
	for (size_t i = b->n; w->hosts_n && i-- > 0;)
		after = strcmp(b->runs[i]->host, w->hosts[0]) ? after : b->runs[i];
	fl_differences_find(before->machine, before->environment, after->machine, after->environment, ret);
}

/* ---- the whole */

static void compare_lanes(const struct fl_change_work *w, const struct fl_matches *m, struct fl_comparison *c)
{
	c->lanes = fl_zalloc(m->n, sizeof(*c->lanes));
	c->lanes_n = m->n;
	for (size_t i = 0; i < m->n; i++)
		fl_compare_lane(w, &m->items[i], &c->lanes[i]);
}

static int refuse_nothing_in_common(const struct fl_side *a, const struct fl_side *b, struct fl_err *err)
{
	fl_fail(err, -EINVAL, "'%s' and '%s' have no lane in common", a->name, b->name);
	if (a->n && b->n && strcmp(a->runs[0]->suite, b->runs[0]->suite) != 0)
		return fl_hint(err, "they are of '%s' and '%s'; compare runs of one suite", a->runs[0]->suite,
			       b->runs[0]->suite);
	return fl_hint(err, "compare runs with the same options on the same devices");
}

/* Whether the lanes have something in common. */
static int match(const struct fl_change_work *w, const struct fl_side *a, const struct fl_side *b, struct fl_matches *m,
		 struct fl_err *err)
{
	add_side(w, m, a, false);
	add_side(w, m, b, true);
	return have_common(m) ? 0 : refuse_nothing_in_common(a, b, err);
}

int fl_compare(const struct fl_side *a, const struct fl_side *b, const struct fl_noise *noise, double tolerance,
	       struct fl_comparison **ret, struct fl_err *err)
{
	struct fl_change_work w = { .noise = noise, .tolerance = tolerance, .ranks = fl_ranks_new() };
	struct fl_matches m = { .index = json_object() };
	struct fl_comparison *c = fl_zalloc(1, sizeof(*c));
	int rc;

	*c = (struct fl_comparison){ .a = a, .b = b, .passes = fl_noise_passes(noise), .tolerance = tolerance };
	rc = fl_find_hosts(a, b, &w, c, err);
	if (rc == 0)
		rc = match(&w, a, b, &m, err);
	if (rc == 0) {
		c->hosts = w.hosts_n > 1 ? w.hosts_n : 0;
		compare_lanes(&w, &m, c);
		fl_decide_changes(c);
		find_around(&w, a, b, &c->around);
		*ret = c;
	} else {
		fl_comparison_free(c);
	}
	fl_ranks_free(w.ranks);
	free(w.hosts);
	release_matches(&m);
	return rc;
}

void fl_comparison_free(struct fl_comparison *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_lane_change *lane = &c->lanes[i];

		for (size_t k = 0; k < lane->metrics_n; k++) {
			free(lane->metrics[k].reason);
			free(lane->metrics[k].hint);
		}
		for (size_t k = 0; k < lane->distrust_n; k++)
			free(lane->distrust[k]);
		free(lane->distrust);
		free(lane->metrics);
		free(lane->refused);
	}
	fl_differences_release(&c->around);
	free(c->left_out);
	free(c->lanes);
	free(c);
}
