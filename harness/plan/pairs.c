/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.c: which combinations of two device options stand in a relation (suite.h). */
#include "base/alloc.h"
#include "machine/route.h"
#include "plan/parts.h"
#include <stdlib.h>
#include <string.h>

static const char *const relation_names[] = {
	[FL_RELATION_ALL] = "all",	 [FL_RELATION_DISTINCT] = "distinct", [FL_RELATION_LOCAL] = "local",
	[FL_RELATION_REMOTE] = "remote", [FL_RELATION_NEAREST] = "nearest",   [FL_RELATION_SAME] = "same",
	[FL_RELATION_SWITCH] = "switch", [FL_RELATION_SOCKET] = "socket",     [FL_RELATION_BISECTION] = "bisection",
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

/* The nearest of the second devices to a node: its index among them; the first of equal ones, and where the node of
 * none is known. */
static size_t nearest(const struct fl_machine *m, int from, const struct fl_pair_side *b)
{
	unsigned best_distance = 0;
	size_t best = b->n;

	for (size_t k = 0; from >= 0 && k < b->n; k++) {
		int to = node_of(m, b->field, b->ids[k]);
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
	return best < b->n ? best : 0;
}

/* ---- PCIe */

/* NULL: it is not known to be a PCI device. */
static const struct fl_pci *pci_of(const struct fl_machine *m, const char *kind, const char *id)
{
	for (size_t i = 0; strcmp(kind, "gpu") == 0 && i < m->gpus_n; i++)
		if (strcmp(m->gpus[i].id, id) == 0)
			return &m->gpus[i].pci;
	for (size_t i = 0; strcmp(kind, "nic") == 0 && i < m->nics_n; i++)
		if (strcmp(m->nics[i].id, id) == 0)
			return &m->nics[i].pci;
	for (size_t i = 0; strcmp(kind, "drive") == 0 && i < m->drives_n; i++)
		if (strcmp(m->drives[i].id, id) == 0)
			return &m->drives[i].pci;
	return NULL;
}

static bool share_switch(const struct fl_machine *m, const char *kind_a, const char *a, const char *kind_b,
			 const char *b)
{
	const struct fl_pci *pci_a = pci_of(m, kind_a, a), *pci_b = pci_of(m, kind_b, b);

	return pci_a && pci_b && fl_route_share_switch(m, pci_a, pci_b);
}

/* ---- relations */

/* Is b, in the second half of the devices of its kind, what a is in the first? */
static bool is_counterpart(const struct fl_machine *m, const char *kind, const char *a, const char *b)
{
	size_t n = fl_machine_count(m, kind);
	int i = fl_machine_find(m, kind, a), k = fl_machine_find(m, kind, b);

	return i >= 0 && k >= 0 && (size_t)i < n / 2 && (size_t)k == (size_t)i + (n + 1) / 2;
}

/* Does the second device stand in the relation to the first one? near: it is the nearest one to that. */
static bool stands(const struct fl_machine *m, enum fl_relation relation, const struct fl_pair_side *a, size_t i,
		   const struct fl_pair_side *b, size_t k, bool near)
{
	const char *kind_a = a->field->range, *kind_b = b->field->range, *id_a = a->ids[i], *id_b = b->ids[k];
	int from = node_of(m, a->field, id_a), to = node_of(m, b->field, id_b);
	bool same = strcmp(kind_a, kind_b) == 0 && strcmp(id_a, id_b) == 0;

	switch (relation) {
	case FL_RELATION_ALL:
		return true;
	case FL_RELATION_DISTINCT:
		return !same;
	case FL_RELATION_LOCAL:
		return from >= 0 && from == to;
	case FL_RELATION_REMOTE:
		return from >= 0 && to >= 0 && from != to;
	case FL_RELATION_NEAREST:
		return near;
	case FL_RELATION_SAME:
		return same;
	case FL_RELATION_SWITCH:
		return share_switch(m, kind_a, id_a, kind_b, id_b);
	case FL_RELATION_SOCKET:
		return !same && from >= 0 && from == to && !share_switch(m, kind_a, id_a, kind_b, id_b);
	case FL_RELATION_BISECTION:
		break;
	}
	return strcmp(kind_a, kind_b) == 0 && is_counterpart(m, kind_a, id_a, id_b);
}

bool *fl_pairs_that_stand(const struct fl_machine *m, enum fl_relation relation, const struct fl_pair_side *a,
			  const struct fl_pair_side *b)
{
	bool *pair = fl_zalloc(a->n * b->n + 1, sizeof(*pair)), any = false;

	for (size_t i = 0; i < a->n; i++) {
		size_t near = nearest(m, node_of(m, a->field, a->ids[i]), b);

		for (size_t k = 0; k < b->n; k++)
			any |= pair[i * b->n + k] = stands(m, relation, a, i, b, k, near == k);
	}
	if (any)
		return pair;
	free(pair);
	return NULL;
}

char *fl_no_pair(const struct fl_rule *rule)
{
	return fl_format("this machine has no %s pair of %s and %s%s", relation_names[rule->relation],
			 rule->pairs[0].name, rule->pairs_beside ? "beside." : "", rule->pairs[1].name);
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
	const struct fl_pair_side side_a = { a->field, (const char *const *)a->texts, a->n };
	const struct fl_pair_side side_b = { b->field, (const char *const *)b->texts, b->n };
	bool *pair = fl_pairs_that_stand(m, rule->relation, &side_a, &side_b);

	if (pair) {
		all->first = a;
		all->second = b;
		all->pair = pair;
		return;
	}
	fl_choice_clear(a);
	fl_choice_clear(b);
	all->missing = fl_no_pair(rule);
}
