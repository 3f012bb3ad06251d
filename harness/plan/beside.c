/* SPDX-License-Identifier: Apache-2.0 */
/* beside.c: who meets whom: each group of lanes of a rule, and the load beside it. Where the rule's pairs name a device
 * option of the load, each device meets those of the load that stand in the relation to it. */
#include "base/alloc.h"
#include "plan/parts.h"
#include <stdlib.h>
#include <string.h>

/* The groups of a rule and of its load, and which of them meet. */
struct company {
	struct fl_lane_list own, load;
	bool *pair; /* own.n x load.n */
};

/* The load's rule, with every device of the option that the pairs name. */
static int expand_load(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
		       struct fl_err *err)
{
	struct fl_rule load = rule->beside[0]; /* borrowed, but for `each` */
	int rc;

	if (!rule->pairs_beside)
		return fl_expand_rules(x, rule->beside, rule->beside_n, list, err);
	load.each = fl_zalloc(load.each_n + 1, sizeof(*load.each));
	for (size_t i = 0; i < load.each_n; i++)
		load.each[i] = rule->beside[0].each[i];
	load.each[load.each_n++] = rule->pairs[1];
	rc = fl_expand_rule(x, &load, list, err);
	free(load.each);
	return rc;
}

/* The device of each group; without ones (the machine has none) there is nothing to pair. */
static bool find_side(const struct fl_lane_list *list, const char *option, struct fl_pair_side *ret)
{
	const char **ids = fl_zalloc(list->n, sizeof(*ids));

	*ret = (struct fl_pair_side){ .field = list->n ? fl_entry_field(list->groups[0].entry, option) : NULL,
				      .ids = ids,
				      .n = list->n };
	for (size_t i = 0; i < list->n; i++) {
		ids[i] = fl_lane_option(&list->groups[i].lanes[0], option);
		if (!ids[i])
			return false;
	}
	return list->n > 0;
}

/* Takes an option away. */
static void drop_option(struct fl_plan_lane *lane, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < lane->options_n; i++) {
		if (strcmp(lane->options[i].name, name) != 0) {
			lane->options[kept++] = lane->options[i];
			continue;
		}
		free(lane->options[i].name);
		free(lane->options[i].text);
	}
	lane->options_n = kept;
}

/* A copy of a group that stands for no device: it cannot be measured, since it meets nobody. */
static void add_unmet(const struct fl_lane_group *group, const char *option, const char *why, struct fl_lane_list *ret)
{
	struct fl_lane_group *copy;

	fl_lane_list_add(ret, group);
	copy = &ret->groups[ret->n - 1];
	free(copy->label);
	copy->label = fl_dup(copy->entry->name);
	for (size_t k = 0; k < copy->n; k++) {
		struct fl_plan_lane *lane = &copy->lanes[k];

		drop_option(lane, option);
		free(lane->skip);
		free(lane->hint);
		lane->skip = fl_dup(why);
		lane->hint = NULL;
	}
}

static int meet_nobody(const struct fl_expansion *x, const struct fl_rule *rule, const struct company *c,
		       fl_meet_fn *meet, struct fl_plan *plan, struct fl_err *err)
{
	struct fl_lane_list own = { 0 }, load = { 0 };
	char *why = fl_no_pair(rule);
	int rc;

	add_unmet(&c->own.groups[0], rule->pairs[0].name, why, &own);
	add_unmet(&c->load.groups[0], rule->pairs[1].name, why, &load);
	rc = meet(x, rule, &own.groups[0], &load, plan, err);
	fl_lane_list_release(&own);
	fl_lane_list_release(&load);
	free(why);
	return rc;
}

static size_t find_label(const struct fl_lane_list *list, const char *label)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->groups[i].label, label) == 0)
			return i;
	return list->n;
}

/* Have the same two met before, the other way round? */
static bool have_met(const struct company *c, size_t i, size_t k)
{
	size_t a = find_label(&c->own, c->load.groups[k].label), b = find_label(&c->load, c->own.groups[i].label);

	return a < c->own.n && b < c->load.n && c->pair[a * c->load.n + b] && (a < i || (a == i && b < k));
}

static int meet_pairs(const struct fl_expansion *x, const struct fl_rule *rule, const struct company *c, bool once,
		      fl_meet_fn *meet, struct fl_plan *plan, struct fl_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < c->own.n; i++)
		for (size_t k = 0; k < c->load.n && rc == 0; k++) {
			const struct fl_lane_list one = { &c->load.groups[k], 1, c->load.groups[k].n };

			if (c->pair[i * c->load.n + k] && !(once && have_met(c, i, k)))
				rc = meet(x, rule, &c->own.groups[i], &one, plan, err);
		}
	return rc;
}

static int meet_by_pairs(const struct fl_expansion *x, const struct fl_rule *rule, struct company *c, bool once,
			 fl_meet_fn *meet, struct fl_plan *plan, struct fl_err *err)
{
	struct fl_pair_side a, b;
	bool own = find_side(&c->own, rule->pairs[0].name, &a), load = find_side(&c->load, rule->pairs[1].name, &b);
	int rc;

	if (own && load)
		c->pair = fl_pairs_that_stand(x->machine, rule->relation, &a, &b, NULL);
	free((void *)a.ids);
	free((void *)b.ids);
	if (!(own && load)) /* they say themselves what is missing */
		return meet(x, rule, &c->own.groups[0], &c->load, plan, err);
	if (!c->pair)
		return meet_nobody(x, rule, c, meet, plan, err);
	rc = meet_pairs(x, rule, c, once, meet, plan, err);
	free(c->pair);
	return rc;
}

int fl_meet_each(const struct fl_expansion *x, const struct fl_rule *rule, bool once, fl_meet_fn *meet,
		 struct fl_plan *plan, struct fl_err *err)
{
	struct company c = { 0 };
	int rc = fl_expand_rule(x, rule, &c.own, err);

	if (rc == 0)
		rc = expand_load(x, rule, &c.load, err);
	if (rc == 0 && rule->pairs_beside)
		rc = meet_by_pairs(x, rule, &c, once, meet, plan, err);
	for (size_t i = 0; i < c.own.n && rc == 0 && !rule->pairs_beside; i++)
		rc = meet(x, rule, &c.own.groups[i], &c.load, plan, err);
	fl_lane_list_release(&c.load);
	fl_lane_list_release(&c.own);
	return rc;
}
