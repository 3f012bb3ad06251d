/* SPDX-License-Identifier: Apache-2.0 */
/* expand.c: one rule to its lanes: every combination of what its options can be. */
#include "base/alloc.h"
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

/* How many combinations there are; FL_CASE_LANES_MAX + 1 for any larger number. */
static size_t combinations(const struct fl_choices *choices)
{
	size_t total = 1;

	for (size_t k = 0; k < choices->n; k++) {
		total *= choices->items[k].n ? choices->items[k].n : 1;
		if (total > FL_CASE_LANES_MAX)
			return FL_CASE_LANES_MAX + 1;
	}
	return total;
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

/* "memory.copy numa=node0 memory=node1 size=64MiB": what the rule says of it; sweep: with the swept option. */
static char *label_of(const struct fl_plan_lane *lane, const struct fl_choices *choices, const size_t *index,
		      bool sweep)
{
	struct fl_text t = { 0 };

	fl_text_add(&t, "%s", lane->bench);
	for (size_t k = 0; k < choices->n; k++) {
		const struct fl_choice *c = &choices->items[k];

		if (c->tells && c->n && (sweep || !c->swept))
			fl_text_add(&t, " %s=%s", c->field->name, word_of(c, lane, index[k]));
	}
	return t.bytes;
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

static void add_lane(const struct fl_expansion *x, const struct fl_entry *entry, const struct fl_choices *choices,
		     const size_t *index, struct fl_lane_list *list)
{
	struct fl_plan_lane lane = { .bench = fl_dup(entry->name) };

	set_options(choices, index, &lane);
	lane.node = fl_place_node(x->machine, entry, &lane);
	settle_local(x->machine, entry, &lane);
	if (entry->unavailable)
		lane.skip = fl_dup(entry->unavailable);
	else if (choices->missing)
		lane.skip = fl_dup(choices->missing);
	else
		fl_skip_lane(x->machine, entry, &lane);
	list->lanes = fl_grow(list->lanes, list->n + 1, sizeof(*list->lanes));
	list->labels = fl_grow(list->labels, list->n + 1, sizeof(*list->labels));
	list->stems = fl_grow(list->stems, list->n + 1, sizeof(*list->stems));
	list->lanes[list->n] = lane;
	list->labels[list->n] = label_of(&lane, choices, index, true);
	list->stems[list->n] = label_of(&lane, choices, index, false);
	list->n++;
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

int fl_expand_rule(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
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
	if (list->n + n > FL_CASE_LANES_MAX) {
		fl_choices_release(&choices);
		return fl_fail_at(spot, err, -EINVAL, "this rule makes more than %d lanes", FL_CASE_LANES_MAX);
	}
	size_t *index = fl_zalloc(choices.n, sizeof(*index));
	for (size_t i = 0; i < n; i++) {
		pick(&choices, i, index);
		if (is_wanted(&choices, index))
			add_lane(x, entry, &choices, index, list);
	}
	free(index);
	fl_choices_release(&choices);
	return 0;
}

int fl_expand_rules(const struct fl_expansion *x, const struct fl_rule *rules, size_t n, struct fl_lane_list *list,
		    struct fl_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = fl_expand_rule(x, &rules[i], list, err);
	return rc;
}

void fl_lane_list_release(struct fl_lane_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		fl_plan_lane_release(&list->lanes[i]);
		free(list->labels[i]);
		free(list->stems[i]);
	}
	free(list->lanes);
	free(list->labels);
	free(list->stems);
	*list = (struct fl_lane_list){ 0 };
}
