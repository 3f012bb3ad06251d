/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.c: which combinations of two device options stand in a relation (suite.h). */
#include "base/alloc.h"
#include "plan/parts.h"
#include <stdlib.h>
#include <string.h>

static const char *const relation_names[] = {
	[FL_RELATION_ALL] = "all",	 [FL_RELATION_DISTINCT] = "distinct", [FL_RELATION_LOCAL] = "local",
	[FL_RELATION_REMOTE] = "remote", [FL_RELATION_NEAREST] = "nearest",
};

const char *const *fl_relation_names(size_t *ret_n)
{
	*ret_n = sizeof(relation_names) / sizeof(relation_names[0]);
	return relation_names;
}

/* The index of a node in the machine; -1: unknown. */
static int index_of_node(const struct fl_machine *m, int number)
{
	for (size_t i = 0; i < m->nodes_n; i++)
		if (m->nodes[i].number == number)
			return (int)i;
	return -1;
}

/* The index of the node that a device is, or is attached to; -1: unknown. */
static int node_of(const struct fl_machine *m, const struct fl_field *field, const char *id)
{
	int i;

	if (strcmp(field->range, "node") == 0) { /* also one without memory, which is no device */
		for (size_t k = 0; k < m->nodes_n; k++)
			if (strcmp(m->nodes[k].id, id) == 0)
				return (int)k;
		return -1;
	}
	i = fl_machine_find(m, field->range, id);
	return i < 0 ? -1 : index_of_node(m, fl_machine_device(m, field->range, (size_t)i).node);
}

/* The nearest of the second devices to a node: its index among them; the first of equal ones; b->n: none is known. */
static size_t nearest(const struct fl_machine *m, int from, const struct fl_choice *b)
{
	unsigned best_distance = 0;
	size_t best = b->n;

	for (size_t k = 0; from >= 0 && k < b->n; k++) {
		int to = node_of(m, b->field, b->texts[k]);
		const unsigned *distances = m->nodes[from].distances;
		unsigned distance;

		if (to < 0)
			continue;
		distance = distances ? distances[to] : to != from;
		if (best == b->n || distance < best_distance) {
			best = k;
			best_distance = distance;
		}
	}
	return best;
}

/* Does the second device stand in the relation to the first one? near: the nearest one to that. */
static bool stands(const struct fl_machine *m, enum fl_relation relation, const struct fl_choice *a, size_t i,
		   const struct fl_choice *b, size_t k, size_t near)
{
	int from = node_of(m, a->field, a->texts[i]), to = node_of(m, b->field, b->texts[k]);

	switch (relation) {
	case FL_RELATION_ALL:
		return true;
	case FL_RELATION_DISTINCT:
		return strcmp(a->field->range, b->field->range) != 0 || strcmp(a->texts[i], b->texts[k]) != 0;
	case FL_RELATION_LOCAL:
		return from >= 0 && from == to;
	case FL_RELATION_REMOTE:
		return from >= 0 && to >= 0 && from != to;
	case FL_RELATION_NEAREST:
		break;
	}
	return near == k;
}

static struct fl_choice *find_choice(struct fl_choices *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->items[i].field->name, name) == 0)
			return &all->items[i];
	return NULL;
}

void fl_choose_pairs(const struct fl_machine *m, const struct fl_rule *rule, struct fl_choices *all)
{
	struct fl_choice *a = find_choice(all, rule->pairs[0].name), *b = find_choice(all, rule->pairs[1].name);
	bool *pair = fl_zalloc(a->n * b->n + 1, sizeof(*pair)), any = false;

	for (size_t i = 0; i < a->n; i++) {
		size_t near = nearest(m, node_of(m, a->field, a->texts[i]), b);

		for (size_t k = 0; k < b->n; k++)
			any |= pair[i * b->n + k] = stands(m, rule->relation, a, i, b, k, near);
	}
	if (any) {
		all->first = a;
		all->second = b;
		all->pair = pair;
		return;
	}
	free(pair);
	fl_choice_clear(a);
	fl_choice_clear(b);
	all->missing = fl_format("this machine has no %s pair of %s and %s", relation_names[rule->relation],
				 a->field->name, b->field->name);
}
