/* SPDX-License-Identifier: Apache-2.0 */
/* expand.c: one rule to its lanes: every combination of what its options can be, and of each as many lanes as its
 * benchmark wants. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/units.h"
#include "plan/parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The i-th combination; the swept option turns fastest, then the last one. An option without a value counts as one. */
static void pick(const struct fl_choices *choices, size_t i, size_t *ret_index)
{
	for (int swept = 1; swept >= 0; swept--)
		for (size_t k = choices->n; k-- > 0;) {
			size_t n = choices->items[k].n ? choices->items[k].n : 1;

			if (choices->items[k].swept != swept)
				continue;
			ret_index[k] = i % n;
			i /= n;
		}
}

/* Is it one that the rule's `pairs` allow? */
static bool is_wanted(const struct fl_choices *choices, const size_t *index)
{
	if (!choices->pair)
		return true;
	return choices->pair[index[choices->first - choices->items] * choices->second->n +
			     index[choices->second - choices->items]];
}

enum { COMBINATIONS_MAX = 1 << 24 };

/* How many combinations there are, those included that `pairs` do not allow; COMBINATIONS_MAX + 1 for any larger
 * number. */
static size_t combinations(const struct fl_choices *choices)
{
	size_t total = 1;

	for (size_t k = 0; k < choices->n; k++) {
		total *= choices->items[k].n ? choices->items[k].n : 1;
		if (total > COMBINATIONS_MAX)
			return COMBINATIONS_MAX + 1;
	}
	return total;
}

/* How many of them are wanted. */
static size_t count_wanted(const struct fl_choices *choices, size_t total)
{
	size_t all = choices->pair ? choices->first->n * choices->second->n : 0, wanted = 0;

	if (all == 0) /* no pairs, or none of a device: combinations() */
		return total;
	for (size_t i = 0; i < all; i++)
		wanted += choices->pair[i];
	return total / all * wanted;
}

/* Options in the order of their declaration, then those that every benchmark has. */
static void set_options(const struct fl_choices *choices, const size_t *index, struct fl_plan_lane *lane)
{
	lane->options = fl_zalloc(choices->n, sizeof(*lane->options));
	for (int common = 0; common <= 1; common++)
		for (size_t k = 0; k < choices->n; k++) {
			const struct fl_choice *c = &choices->items[k];

			if (c->common != common || c->n == 0)
				continue;
			lane->options[lane->options_n++] = (struct fl_option){ .name = fl_dup(c->field->name),
									       .text = fl_dup(c->texts[index[k]]) };
		}
}

/* What the rule says of one option of a lane, in the user's words. */
static const char *word_of(const struct fl_choice *c, const struct fl_plan_lane *lane, size_t i)
{
	if (c->shown)
		return c->shown[i];
	return c->written && c->field->type != FL_DEVICE ? c->written : fl_lane_option(lane, c->field->name);
}

/* "memory.copy numa=node0 memory=node1 size=64MiB": what the rule says of it. whole: else without the options that do
 * not tell its study or its case from others, the swept one and those at once. */
static char *label_of(const struct fl_plan_lane *lane, const struct fl_choices *choices, const size_t *index,
		      bool whole)
{
	struct fl_text t = { 0 };

	fl_text_add(&t, "%s", lane->bench);
	for (size_t k = 0; k < choices->n; k++) {
		const struct fl_choice *c = &choices->items[k];

		if (c->tells && c->n && (whole || !(c->swept || c->at_once)))
			fl_text_add(&t, " %s=%s", c->field->name, word_of(c, lane, index[k]));
	}
	return t.bytes;
}

static char *choice_of(const struct fl_expansion *x, const struct fl_choices *choices, const size_t *index)
{
	struct fl_text t = { 0 };

	for (size_t k = 0; k < choices->n; k++) {
		const struct fl_choice *c = &choices->items[k];

		bool by_number = x->by_number && fl_field_holds(c->field, "rdma", NULL);

		if (c->each && c->n && !by_number)
			fl_text_add(&t, " %s=%s", c->field->name, c->texts[index[k]]);
		else if (c->swept || (c->each && c->n))
			fl_text_add(&t, " %s=%zu", c->field->name, index[k]);
	}
	return t.bytes ? t.bytes : fl_dup("");
}

/* `local` gets its meaning. Without nodes it has none, and the lane is skipped (skip.c). */
static void settle_local(const struct fl_machine *m, const struct fl_entry *entry, struct fl_plan_lane *lane)
{
	const struct fl_node *node = fl_machine_node(m, lane->node);

	for (size_t i = 0; node && i < lane->options_n; i++) {
		struct fl_option *o = &lane->options[i];

		if (!fl_is_local(fl_entry_field(entry, o->name), o->text))
			continue;
		free(o->text);
		o->text = fl_dup(node->id);
	}
}

static struct fl_plan_lane make_lane(const struct fl_expansion *x, const struct fl_entry *entry,
				     const struct fl_choices *choices, const size_t *index)
{
	struct fl_plan_lane lane = { .bench = fl_dup(entry->name), .host = (unsigned)(x->host - x->hosts), .size = 1 };
	struct fl_err why = { 0 };

	set_options(choices, index, &lane);
	lane.node = fl_place_node(x, entry, &lane);
	settle_local(x->machine, entry, &lane);
	if (fl_entry_available(entry, &why) < 0) {
		lane.skip = fl_dup(why.what);
		lane.hint = fl_dup(why.hint);
	} else if (choices->missing)
		lane.skip = fl_dup(choices->missing);
	else
		fl_skip_lane(x, entry, &lane);
	return lane;
}

/* An option that may be left out is missing all the same where what is in its place is read. */
static int check_paths(const struct fl_entry *entry, const struct fl_plan_lane *lane, struct fl_spot spot,
		       struct fl_err *err)
{
	for (const struct fl_field *f = entry->fields; f->name; f++) {
		const char *text = f->type == FL_PATH ? fl_lane_option(lane, f->name) : NULL;

		if (text && !*text && fl_lane_reads(entry, lane, f))
			return fl_refuse_missing(entry, f, spot, err);
	}
	return 0;
}

/* How many lanes there are in the place of one. */
static uint64_t count_lanes(const struct fl_entry *entry, const struct fl_plan_lane *lane)
{
	const char *text = entry->lanes ? fl_lane_option(lane, entry->lanes) : NULL;
	uint64_t n = 1;

	return text && fl_parse_count(text, &n, NULL) < 0 ? 0 : n;
}

/* n lanes like this one, each told which it is. */
static struct fl_plan_lane *multiply(const struct fl_entry *entry, const struct fl_plan_lane *lane, size_t n)
{
	struct fl_plan_lane *lanes = fl_zalloc(n, sizeof(*lanes));

	for (size_t i = 0; i < n; i++) {
		char *number = fl_format("%zu", i);

		lanes[i] = fl_plan_lane_copy(lane);
		if (entry->lane)
			fl_plan_lane_set(&lanes[i], entry->lane, number);
		free(number);
	}
	return lanes;
}

static int add_group(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_entry *entry,
		     const struct fl_choices *choices, const size_t *index, struct fl_lane_list *list,
		     struct fl_err *err)
{
	struct fl_spot spot = { x->suite->source, rule->line, rule->column };
	struct fl_plan_lane lane = make_lane(x, entry, choices, index);
	uint64_t n = count_lanes(entry, &lane);
	int rc = check_paths(entry, &lane, spot, err);

	if (rc == 0)
		rc = fl_batch_settle(x, rule, entry, &lane, err);
	if (rc < 0)
		;
	else if (n == 0)
		rc = fl_fail_at(spot, err, -EINVAL, "'%s' of 0 leaves no lane of %s", entry->lanes, entry->name);
	else if (n > FL_CASE_LANES_MAX - list->lanes_n)
		rc = fl_fail_at(spot, err, -EINVAL, "this rule makes more than %d lanes", FL_CASE_LANES_MAX);
	if (rc == 0) {
		list->groups = fl_grow(list->groups, list->n + 1, sizeof(*list->groups));
		list->groups[list->n++] = (struct fl_lane_group){ .entry = entry,
								  .lanes = multiply(entry, &lane, n),
								  .n = n,
								  .label = label_of(&lane, choices, index, true),
								  .stem = label_of(&lane, choices, index, false),
								  .choice = choice_of(x, choices, index) };
		list->lanes_n += n;
	}
	fl_plan_lane_release(&lane);
	return rc;
}

static int find_entry(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_entry **ret,
		      struct fl_err *err)
{
	struct fl_spot spot = { x->suite->source, rule->line, rule->column };
	struct fl_err cause = { 0 };
	int rc = fl_catalog_find(x->catalog, rule->bench, ret, &cause);

	if (rc < 0) {
		fl_fail_at(spot, err, rc, "%s", cause.what);
		if (cause.hint[0])
			fl_hint(err, "%s", cause.hint);
	}
	return rc;
}

int fl_expand_on_host(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
		      struct fl_err *err)
{
	struct fl_spot spot = { x->suite->source, rule->line, rule->column };
	const struct fl_entry *entry;
	struct fl_choices choices;
	int rc;

	rc = find_entry(x, rule, &entry, err);
	if (rc < 0)
		return rc;
	rc = fl_choices_make(x, rule, entry, &choices, err);
	if (rc < 0)
		return rc;
	size_t n = combinations(&choices);
	if (n > COMBINATIONS_MAX || list->lanes_n + count_wanted(&choices, n) > FL_CASE_LANES_MAX) {
		fl_choices_release(&choices);
		return fl_fail_at(spot, err, -EINVAL, "this rule makes more than %d lanes", FL_CASE_LANES_MAX);
	}
	size_t *index = fl_zalloc(choices.n, sizeof(*index));
	for (size_t i = 0; i < n && rc == 0; i++) {
		pick(&choices, i, index);
		if (is_wanted(&choices, index))
			rc = add_group(x, rule, entry, &choices, index, list, err);
	}
	free(index);
	fl_choices_release(&choices);
	return rc;
}

int fl_expand_rule(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
		   struct fl_err *err)
{
	const struct fl_entry *entry = fl_entry_with_roles(x, rule);

	return entry ? fl_across_expand(x, rule, entry, list, err) : fl_expand_on_host(x, rule, list, err);
}

int fl_expand_rules(const struct fl_expansion *x, const struct fl_rule *rules, size_t n, struct fl_lane_list *list,
		    struct fl_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = fl_across_check(x, &rules[i], true, err);
		if (rc == 0)
			rc = fl_expand_rule(x, &rules[i], list, err);
	}
	return rc;
}

struct fl_plan_lane *fl_lane_group_take(struct fl_lane_group *group, size_t *ret_n)
{
	struct fl_plan_lane *lanes = group->lanes;

	*ret_n = group->n;
	group->lanes = NULL;
	group->n = 0;
	return lanes;
}

struct fl_plan_lane *fl_lane_list_take(struct fl_lane_list *list, size_t *ret_n)
{
	struct fl_plan_lane *all = fl_zalloc(list->lanes_n, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		size_t group_n;
		struct fl_plan_lane *lanes = fl_lane_group_take(&list->groups[i], &group_n);

		for (size_t k = 0; k < group_n; k++)
			all[n++] = lanes[k];
		free(lanes);
	}
	*ret_n = n;
	return all;
}

void fl_lane_list_add(struct fl_lane_list *list, const struct fl_lane_group *group)
{
	list->groups = fl_grow(list->groups, list->n + 1, sizeof(*list->groups));
	list->groups[list->n++] = (struct fl_lane_group){ .entry = group->entry,
							  .lanes = fl_plan_lanes_copy(group->lanes, group->n),
							  .n = group->n,
							  .label = fl_dup(group->label),
							  .stem = fl_dup(group->stem),
							  .choice = fl_dup(group->choice) };
	list->lanes_n += group->n;
}

char *fl_lane_label(const struct fl_lane_group *group, size_t lane)
{
	return group->n > 1 ? fl_format("%s %s=%zu", group->label, group->entry->lane, lane) : fl_dup(group->label);
}

char *fl_list_label(const struct fl_lane_list *list)
{
	size_t shown = list->n > 3 ? 2 : list->n;
	struct fl_text t = { 0 };

	for (size_t i = 0; i < shown; i++)
		fl_text_add(&t, "%s%s", i ? " + " : "", list->groups[i].label);
	if (shown < list->n)
		fl_text_add(&t, " + %zu more", list->n - shown);
	return t.bytes;
}

void fl_lane_list_release(struct fl_lane_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct fl_lane_group *group = &list->groups[i];

		for (size_t k = 0; k < group->n; k++)
			fl_plan_lane_release(&group->lanes[k]);
		free(group->lanes);
		free(group->label);
		free(group->stem);
		free(group->choice);
	}
	free(list->groups);
	*list = (struct fl_lane_list){ 0 };
}
