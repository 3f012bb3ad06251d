/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.c: which combinations of two device options stand in a relation (suite.h). */
#include "base/alloc.h"
#include "base/field.h"
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

/* The option may be of several kinds, "node|gpu". NULL: it is not known to be a PCI device. */
static const struct fl_pci *pci_of(const struct fl_machine *m, const char *kinds, const char *id)
{
	for (size_t i = 0; fl_kinds_have(kinds, "gpu") && i < m->gpus_n; i++)
		if (strcmp(m->gpus[i].id, id) == 0)
			return &m->gpus[i].pci;
	for (size_t i = 0; (fl_kinds_have(kinds, "nic") || fl_kinds_have(kinds, "rdma")) && i < m->nics_n; i++)
		if (strcmp(m->nics[i].id, id) == 0)
			return &m->nics[i].pci;
	for (size_t i = 0; fl_kinds_have(kinds, "drive") && i < m->drives_n; i++)
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

/* ---- parts of GPUs */

static const struct fl_gpu *part(const struct fl_machine *m, const char *kinds, const char *id)
{
	const struct fl_gpu *gpu = fl_kinds_have(kinds, "gpu") ? fl_gpu_of(m, id) : NULL;

	return gpu && gpu->parent ? gpu : NULL;
}

/* What a neighbour takes from a whole GPU it takes from any part of it: one of them stands for all. */
static bool is_further_part(const struct fl_machine *m, const char *kind, const char *id)
{
	const struct fl_gpu *gpu = part(m, kind, id);

	for (const struct fl_gpu *other = m->gpus; gpu && other < gpu; other++)
		if (other->parent && strcmp(other->parent, gpu->parent) == 0)
			return true;
	return false;
}

static bool are_of_one_gpu(const struct fl_machine *m, const char *kind_a, const char *a, const char *kind_b,
			   const char *b)
{
	const struct fl_gpu *part_a = part(m, kind_a, a), *part_b = part(m, kind_b, b);

	return part_a && part_b && strcmp(part_a->parent, part_b->parent) == 0;
}

/* A process that uses a part can use no other GPU: of each part one combination is left, which says so. */
static void thin_out_parts(const struct fl_machine *m, const struct fl_pair_side *a, const struct fl_pair_side *b,
			   bool *pair)
{
	if (strcmp(a->field->range, "gpu") != 0 || strcmp(b->field->range, "gpu") != 0)
		return;
	for (size_t i = 0; i < a->n; i++) {
		bool is_part = part(m, "gpu", a->ids[i]), said = false;

		for (size_t k = 0; k < b->n; k++) {
			bool *at = &pair[i * b->n + k];

			if (strcmp(a->ids[i], b->ids[k]) == 0)
				continue;
			*at = *at && (is_part ? !said : !part(m, "gpu", b->ids[k]));
			said = said || *at;
		}
	}
}

/* ---- relations */

/* How many devices of the kind come before that one and can be used; -1: it cannot, or there is none. */
static long rank_of(const struct fl_machine *m, const char *kind, const bool *useless, const char *id)
{
	int at = fl_machine_find(m, kind, id);
	long rank = 0;

	for (int i = 0; i < at; i++)
		rank += !(useless && useless[i]);
	return at < 0 || (useless && useless[at]) ? -1 : rank;
}

/* Is b, in the second half of the devices of its kind that can be used, what a is in the first? */
static bool is_counterpart(const struct fl_machine *m, const char *kind, const bool *useless, const char *a,
			   const char *b)
{
	long n = (long)fl_machine_count(m, kind), all = n, i, k;

	for (long d = 0; useless && d < all; d++)
		n -= useless[d];
	i = rank_of(m, kind, useless, a);
	k = rank_of(m, kind, useless, b);
	return i >= 0 && k >= 0 && i < n / 2 && k == i + (n + 1) / 2;
}

static bool are_neighbours(const struct fl_machine *m, const struct fl_pair_side *a, const char *id_a,
			   const struct fl_pair_side *b, const char *id_b, bool by_switch)
{
	const char *kind_a = a->field->range, *kind_b = b->field->range;
	int from = node_of(m, a->field, id_a), to = node_of(m, b->field, id_b);

	if (is_further_part(m, kind_a, id_a) || is_further_part(m, kind_b, id_b) ||
	    are_of_one_gpu(m, kind_a, id_a, kind_b, id_b))
		return false;
	if (by_switch)
		return share_switch(m, kind_a, id_a, kind_b, id_b);
	return from >= 0 && from == to && !share_switch(m, kind_a, id_a, kind_b, id_b);
}

/* Does the second device stand in the relation to the first one? near: it is the nearest one to that. useless: of the
 * first one's kind. */
static bool stands(const struct fl_machine *m, enum fl_relation relation, const struct fl_pair_side *a, size_t i,
		   const struct fl_pair_side *b, size_t k, bool near, const bool *useless)
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
		return are_neighbours(m, a, id_a, b, id_b, true);
	case FL_RELATION_SOCKET:
		return !same && are_neighbours(m, a, id_a, b, id_b, false);
	case FL_RELATION_BISECTION:
		break;
	}
	return strcmp(kind_a, kind_b) == 0 && is_counterpart(m, kind_a, useless, id_a, id_b);
}

bool *fl_pairs_that_stand(const struct fl_machine *m, enum fl_relation relation, const struct fl_pair_side *a,
			  const struct fl_pair_side *b, const bool *useless)
{
	bool *pair = fl_zalloc(a->n * b->n + 1, sizeof(*pair)), any = false;

	for (size_t i = 0; i < a->n; i++) {
		size_t near = nearest(m, node_of(m, a->field, a->ids[i]), b);

		for (size_t k = 0; k < b->n; k++)
			any |= pair[i * b->n + k] = stands(m, relation, a, i, b, k, near == k, useless);
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

/* Which GPUs of the machine no lane of the benchmark can use together with others: malloc'd. */
static bool *find_useless(const struct fl_expansion *x, const struct fl_entry *entry, struct fl_choices *all,
			  const struct fl_choice *of)
{
	const struct fl_choice *shared = find_choice(all, "shared");
	size_t n = fl_machine_count(x->machine, "gpu");
	bool *useless = fl_zalloc(n + 1, sizeof(*useless));

	for (size_t i = 0; i < n; i++) {
		const char *id = fl_machine_device(x->machine, "gpu", i).id;
		struct fl_plan_lane lane = { .bench = fl_dup(entry->name) };

		fl_plan_lane_set(&lane, of->field->name, id);
		if (shared && shared->n)
			fl_plan_lane_set(&lane, "shared", shared->texts[0]);
		useless[i] = part(x->machine, "gpu", id) || fl_skip_gpu(x, entry, &lane);
		fl_plan_lane_release(&lane);
	}
	return useless;
}

void fl_choose_pairs(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_entry *entry,
		     struct fl_choices *all)
{
	struct fl_choice *a = find_choice(all, rule->pairs[0].name), *b = find_choice(all, rule->pairs[1].name);
	const struct fl_pair_side side_a = { a->field, (const char *const *)a->texts, a->n };
	const struct fl_pair_side side_b = { b->field, (const char *const *)b->texts, b->n };
	bool halves = rule->relation == FL_RELATION_BISECTION && strcmp(a->field->range, "gpu") == 0;
	bool *useless = halves ? find_useless(x, entry, all, a) : NULL;
	bool *pair = fl_pairs_that_stand(x->machine, rule->relation, &side_a, &side_b, useless);

	free(useless);
	if (pair) {
		thin_out_parts(x->machine, &side_a, &side_b, pair);
		all->first = a;
		all->second = b;
		all->pair = pair;
		return;
	}
	fl_choice_clear(a);
	fl_choice_clear(b);
	all->missing = fl_no_pair(rule);
}
