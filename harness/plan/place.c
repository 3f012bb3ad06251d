/* SPDX-License-Identifier: Apache-2.0 */
/* place.c: where lanes sit, and which CPUs of their node each lane of a case gets.
 *
 * A lane with a number of threads has as many CPUs, from the end of the node's; a lane that steps on every CPU begins
 * at the first and has what is left, in even blocks of neighbours where there are several such lanes, since
 * neighbours share caches. Where there are too few CPUs for that, they are dealt round and the lanes say that they
 * share them; equal lanes then have neighbours of their own where there is a CPU for each. */
#include "base/alloc.h"
#include "base/threads.h"
#include "plan/parts.h"
#include <stdlib.h>
#include <string.h>

struct fl_cpus fl_place_all(const struct fl_machine *m, int node)
{
	const struct fl_node *n = node < 0 ? NULL : fl_machine_node(m, node);

	return n ? n->cpus : m->cpus;
}

/* An empty limit is one that a recorded machine does not state: a process always has a CPU. */
struct fl_cpus fl_place_allowed(const struct fl_machine *m, int node)
{
	struct fl_cpus all = fl_place_all(m, node);

	return fl_cpus_count(&m->limits.cpus) ? fl_cpus_and(&all, &m->limits.cpus) : all;
}

/* The first node with a CPU that we may use, else with any; -1: none. */
static int first_node(const struct fl_machine *m)
{
	int any = -1;

	for (size_t i = 0; i < m->nodes_n; i++) {
		struct fl_cpus allowed = fl_place_allowed(m, m->nodes[i].number);

		if (fl_cpus_count(&allowed))
			return m->nodes[i].number;
		if (any < 0 && fl_cpus_count(&m->nodes[i].cpus))
			any = m->nodes[i].number;
	}
	return any;
}

/* The node with CPUs that is nearest to a node; the first one where that node is not known. */
static int nearest_node(const struct fl_machine *m, int number)
{
	const struct fl_node *from = number < 0 ? NULL : fl_machine_node(m, number);
	int best = -1;
	unsigned best_distance = 0;

	if (!from)
		return first_node(m);
	if (fl_cpus_count(&from->cpus))
		return number;
	for (size_t i = 0; i < m->nodes_n; i++) {
		unsigned distance = from->distances ? from->distances[i] : 0;

		if (fl_cpus_count(&m->nodes[i].cpus) && (best < 0 || distance < best_distance)) {
			best = m->nodes[i].number;
			best_distance = distance;
		}
	}
	return best;
}

static int node_of_path(const struct fl_machine *m, const char *path)
{
	const struct fl_drive *drive =
		path[0] == '/' ? fl_machine_drive_of(m, path, NULL, &(const char *){ NULL }) : NULL;

	return drive && !drive->node.why && drive->node.value >= 0 ? (int)drive->node.value : -1;
}

static int node_of_device(const struct fl_machine *m, const char *kind, const char *id)
{
	int i = fl_machine_find(m, kind, id);

	return i < 0 ? -1 : fl_machine_device(m, kind, (size_t)i).node;
}

/* Of the NIC with that interface; -1: there is none, or nobody knows. */
static int node_of_interface(const struct fl_machine *m, const char *interface)
{
	for (size_t i = 0; interface && i < m->nics_n; i++)
		if (m->nics[i].interface && strcmp(m->nics[i].interface, interface) == 0)
			return m->nics[i].node.why || !(m->nics[i].node.value >= 0) ? -1 : (int)m->nics[i].node.value;
	return -1;
}

/* The node of what the benchmark says it sits near; -1: of nothing. */
static int node_wanted(const struct fl_expansion *x, const struct fl_entry *entry, const struct fl_plan_lane *lane)
{
	const struct fl_field *near = entry->numa ? fl_entry_field(entry, entry->numa) : NULL;
	const char *text = near ? fl_lane_option(lane, near->name) : NULL;
	bool is_place = near && (near->type == FL_PATH || near->type == FL_DEVICE);

	if (entry->numa && strcmp(entry->numa, "interface") == 0 && !is_place)
		return node_of_interface(x->machine, text && *text ? text : x->host->interface);
	if (!text)
		return -1;
	return near->type == FL_PATH ? node_of_path(x->machine, text) : node_of_device(x->machine, near->range, text);
}

int fl_place_node(const struct fl_expansion *x, const struct fl_entry *entry, const struct fl_plan_lane *lane)
{
	const struct fl_machine *m = x->machine;
	const char *numa = fl_lane_option(lane, "numa");

	for (size_t i = 0; numa && i < m->nodes_n; i++)
		if (strcmp(m->nodes[i].id, numa) == 0)
			return m->nodes[i].number;
	return nearest_node(m, node_wanted(x, entry, lane));
}

/* ---- CPUs */

/* The lanes of a case on one node, and what they want of its CPUs. */
struct crowd {
	struct fl_plan_case *c;
	const unsigned *threads; /* of every lane of the case; 0: it takes every CPU */
	int node;
	struct fl_cpus cpus;
	size_t cpus_n, fixed_n, takers_n; /* CPUs; threads of lanes with a number of them; lanes that take every CPU */
};

static bool sits_on(const struct fl_plan_lane *lane, int node)
{
	return lane->node == node && !lane->skip;
}

static unsigned threads_of(const struct fl_catalog *catalog, const struct fl_plan_lane *lane)
{
	const struct fl_entry *entry;

	if (fl_catalog_find(catalog, lane->bench, &entry, NULL) < 0)
		return 1;
	if (fl_threads_take_cpus(entry->threads))
		return 0;
	return fl_threads_fixed(entry->threads, entry->threads ? fl_lane_option(lane, entry->threads) : NULL);
}

/* n CPUs from the i-th on; after the last comes the first. */
static struct fl_cpus take(const struct fl_cpus *cpus, size_t i, size_t n)
{
	size_t total = fl_cpus_count(cpus);
	struct fl_cpus part = { 0 };

	for (size_t k = 0; k < n; k++)
		fl_cpus_add(&part, (unsigned)fl_cpus_nth(cpus, (unsigned)((i + k) % total)));
	return part;
}

/* How many lanes there are, if all have the same number of threads and there is a CPU for each; else 0. */
static size_t count_equal(const struct crowd *crowd)
{
	size_t lanes_n = 0;
	unsigned threads = 0;

	for (size_t k = 0; k < crowd->c->lanes_n; k++) {
		if (!sits_on(&crowd->c->lanes[k], crowd->node))
			continue;
		if (lanes_n++ && crowd->threads[k] != threads)
			return 0;
		threads = crowd->threads[k];
	}
	return threads && lanes_n <= crowd->cpus_n ? lanes_n : 0;
}

/* Too few CPUs for equal lanes: only the threads of the same one share them. */
static void divide(const struct crowd *crowd, size_t lanes_n)
{
	size_t lane = 0;

	for (size_t k = 0; k < crowd->c->lanes_n; k++) {
		size_t begin = crowd->cpus_n * lane / lanes_n, end = crowd->cpus_n * (lane + 1) / lanes_n;

		if (!sits_on(&crowd->c->lanes[k], crowd->node))
			continue;
		crowd->c->lanes[k].cpus = take(&crowd->cpus, begin, end - begin);
		crowd->c->lanes[k].shares_cpus = true;
		lane++;
	}
}

/* Too few CPUs: one for a lane that would take them all. */
static void deal(const struct crowd *crowd)
{
	size_t at = 0;

	for (size_t k = 0; k < crowd->c->lanes_n; k++) {
		struct fl_plan_lane *lane = &crowd->c->lanes[k];
		size_t n = crowd->threads[k] ? crowd->threads[k] : 1;

		if (!sits_on(lane, crowd->node))
			continue;
		n = n < crowd->cpus_n ? n : crowd->cpus_n;
		lane->cpus = take(&crowd->cpus, at, n);
		lane->shares_cpus = true;
		at += n;
	}
}

static void split(const struct crowd *crowd)
{
	size_t left = crowd->cpus_n - crowd->fixed_n, takers = crowd->takers_n, begin = 0, end = left;

	for (size_t k = 0; k < crowd->c->lanes_n; k++) {
		struct fl_plan_lane *lane = &crowd->c->lanes[k];
		size_t n = crowd->threads[k];

		if (!sits_on(lane, crowd->node))
			continue;
		if (n) {
			lane->cpus = take(&crowd->cpus, end, n);
			end += n;
			continue;
		}
		n = takers > 1 ? left / takers : left; /* what does not divide evenly goes to the last ones */
		lane->cpus = take(&crowd->cpus, begin, n);
		begin += n;
		left -= n;
		takers--;
	}
}

static void place_on(const struct fl_machine *m, const unsigned *threads, int node, struct fl_plan_case *c)
{
	struct crowd crowd = { .c = c, .threads = threads, .node = node, .cpus = fl_place_allowed(m, node) };

	crowd.cpus_n = fl_cpus_count(&crowd.cpus);
	for (size_t k = 0; k < c->lanes_n; k++) {
		if (!sits_on(&c->lanes[k], node))
			continue;
		crowd.fixed_n += threads[k];
		crowd.takers_n += threads[k] == 0;
	}
	if (crowd.cpus_n == 0)
		return;
	if (crowd.fixed_n + crowd.takers_n <= crowd.cpus_n)
		split(&crowd);
	else if (count_equal(&crowd))
		divide(&crowd, count_equal(&crowd));
	else
		deal(&crowd);
}

/* Of lanes on one machine. */
static void place_lanes(const struct fl_machine *m, const struct fl_catalog *catalog, struct fl_plan_case *c)
{
	unsigned *threads = fl_zalloc(c->lanes_n, sizeof(*threads));

	for (size_t k = 0; k < c->lanes_n; k++)
		threads[k] = threads_of(catalog, &c->lanes[k]);
	place_on(m, threads, -1, c);
	for (size_t i = 0; i < m->nodes_n; i++)
		place_on(m, threads, m->nodes[i].number, c);
	free(threads);
}

/* Where the lanes of each host are in the case: at[first[h]] .. at[first[h + 1] - 1], in their order. */
struct by_host {
	size_t *first;
	unsigned *at;
};

static struct by_host sort_by_host(const struct fl_plan_case *c, size_t hosts_n)
{
	struct by_host by = { fl_zalloc(hosts_n + 2, sizeof(*by.first)), fl_zalloc(c->lanes_n, sizeof(*by.at)) };

	for (size_t k = 0; k < c->lanes_n; k++)
		by.first[c->lanes[k].host + 2]++;
	for (size_t h = 2; h < hosts_n + 2; h++)
		by.first[h] += by.first[h - 1];
	for (unsigned k = 0; k < c->lanes_n; k++)
		by.at[by.first[c->lanes[k].host + 1]++] = k;
	return by;
}

void fl_place_case(const struct fl_expansion *x, struct fl_plan_case *c)
{
	struct by_host by = sort_by_host(c, x->hosts_n);
	struct fl_plan_lane *lanes = fl_zalloc(c->lanes_n, sizeof(*lanes)); /* borrow what lanes own */

	for (size_t h = 0; h < x->hosts_n; h++) {
		const unsigned *at = by.at + by.first[h];
		struct fl_plan_case own = { .lanes = lanes, .lanes_n = by.first[h + 1] - by.first[h] };

		for (size_t k = 0; k < own.lanes_n; k++)
			lanes[k] = c->lanes[at[k]];
		if (own.lanes_n)
			place_lanes(x->hosts[h].machine, x->catalog, &own);
		for (size_t k = 0; k < own.lanes_n; k++) {
			c->lanes[at[k]].cpus = lanes[k].cpus;
			c->lanes[at[k]].shares_cpus = lanes[k].shares_cpus;
		}
	}
	free(lanes);
	free(by.first);
	free(by.at);
}

void fl_place_alone(const struct fl_catalog *catalog, struct fl_plan_lane *lane)
{
	lane->shares_cpus = threads_of(catalog, lane) > fl_cpus_count(&lane->cpus);
}
