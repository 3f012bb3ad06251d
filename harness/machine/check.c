/* SPDX-License-Identifier: Apache-2.0 */
/* check.c: what must hold between the members of a machine that was read. */
#include "machine/check.h"
#include "base/alloc.h"
#include "machine/rows.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int check_node_numbers(const struct fl_machine *m, struct fl_err *err)
{
	for (size_t i = 0; i < m->nodes_n; i++)
		for (size_t k = 0; k < i; k++)
			if (m->nodes[i].number == m->nodes[k].number)
				return fl_fail(err, -EINVAL, "machine.nodes: two nodes have the number %d",
					       m->nodes[i].number);
	return 0;
}

static int check_node_of(const struct fl_machine *m, const char *id, const struct fl_known *node,
			 const struct fl_pci *pci, struct fl_err *err)
{
	double value = node->value;

	if (!isnan(value) && (value > ROWS_NUMBER_MAX || value != floor(value) || !fl_machine_node(m, (int)value)))
		return fl_fail(err, -EINVAL, "'%s': the machine has no node %g", id, value);
	if (pci->address && pci->node >= 0 && !fl_machine_node(m, pci->node))
		return fl_fail(err, -EINVAL, "'%s': the machine has no node %d", id, pci->node);
	return 0;
}

static int check_nodes_of_devices(const struct fl_machine *m, struct fl_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < m->drives_n && rc == 0; i++)
		rc = check_node_of(m, m->drives[i].id, &m->drives[i].node, &m->drives[i].pci, err);
	for (size_t i = 0; i < m->nics_n && rc == 0; i++)
		rc = check_node_of(m, m->nics[i].id, &m->nics[i].node, &m->nics[i].pci, err);
	for (size_t i = 0; i < m->gpus_n && rc == 0; i++)
		rc = check_node_of(m, m->gpus[i].id, &m->gpus[i].node, &m->gpus[i].pci, err);
	return rc;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_ids(const struct fl_machine *m, struct fl_err *err)
{
	const char **ids = fl_zalloc(m->nodes_n + m->drives_n + m->nics_n + m->gpus_n + 1, sizeof(*ids));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < m->nodes_n; i++)
		ids[n++] = m->nodes[i].id;
	for (size_t i = 0; i < m->drives_n; i++)
		ids[n++] = m->drives[i].id;
	for (size_t i = 0; i < m->nics_n; i++)
		ids[n++] = m->nics[i].id;
	for (size_t i = 0; i < m->gpus_n; i++)
		ids[n++] = m->gpus[i].id;
	qsort(ids, n, sizeof(*ids), by_text);
	for (size_t i = 1; i < n && rc == 0; i++)
		if (strcmp(ids[i - 1], ids[i]) == 0)
			rc = fl_fail(err, -EINVAL, "two devices have the id '%s'", ids[i]);
	free(ids);
	return rc;
}

/* ---- GPUs */

struct gpus {
	const struct fl_gpu **by_id;
	size_t n;
};

static int by_id(const void *a, const void *b)
{
	return strcmp((*(const struct fl_gpu *const *)a)->id, (*(const struct fl_gpu *const *)b)->id);
}

static const struct fl_gpu *find_gpu(const struct gpus *gpus, const char *id)
{
	const struct fl_gpu key = { .id = (char *)(uintptr_t)id }, *at = &key;
	const struct fl_gpu **found = bsearch(&at, gpus->by_id, gpus->n, sizeof(*gpus->by_id), by_id);

	return found ? *found : NULL;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int check_part(const struct gpus *gpus, const struct fl_gpu *part, struct fl_err *err)
{
	const struct fl_gpu *whole = find_gpu(gpus, part->parent);

	if (!whole || whole->parent)
		return fl_fail(err, -EINVAL, "'%s' is a part of '%s', which is no whole GPU of the machine", part->id,
			       part->parent);
	if (!same(whole->mig.value, "on"))
		return fl_fail(err, -EINVAL, "'%s' is a part of '%s', which is not divided", part->id, part->parent);
	if (!same(whole->pci.address, part->pci.address))
		return fl_fail(err, -EINVAL, "'%s' is a part of '%s' with another PCI address", part->id, part->parent);
	return 0;
}

/* The other end is a whole GPU of this machine, or one of the words. */
static int check_links(const struct gpus *gpus, const struct fl_gpu *gpu, struct fl_err *err)
{
	if (gpu->links_n > FL_GPU_LINKS_MAX)
		return fl_fail(err, -EINVAL, "'%s' has more than %d links", gpu->id, FL_GPU_LINKS_MAX);
	for (size_t i = 0; i < gpu->links_n; i++) {
		const char *peer = gpu->links[i].peer.value;
		const struct fl_gpu *other;

		if (i > 0 && gpu->links[i].number <= gpu->links[i - 1].number)
			return fl_fail(err, -EINVAL, "'%s': its links are not in the order of their numbers", gpu->id);
		if (!peer || same(peer, "switch") || same(peer, "cpu"))
			continue;
		other = find_gpu(gpus, peer);
		if (!other || other->parent || other == gpu)
			return fl_fail(err, -EINVAL,
				       "'%s' has a link to '%s', which is no other whole GPU of the machine", gpu->id,
				       peer);
	}
	return 0;
}

static int check_gpus(const struct fl_machine *m, struct fl_err *err)
{
	const struct gpus gpus = { .by_id = fl_zalloc(m->gpus_n + 1, sizeof(*gpus.by_id)), .n = m->gpus_n };
	int rc = 0;

	for (size_t i = 0; i < m->gpus_n; i++)
		gpus.by_id[i] = &m->gpus[i];
	qsort(gpus.by_id, gpus.n, sizeof(*gpus.by_id), by_id);
	for (size_t i = 0; i < m->gpus_n && rc == 0; i++) {
		if (m->gpus[i].parent)
			rc = check_part(&gpus, &m->gpus[i], err);
		if (rc == 0)
			rc = check_links(&gpus, &m->gpus[i], err);
	}
	free(gpus.by_id);
	return rc;
}

/* ---- ports */

static int by_address(const void *a, const void *b)
{
	return strcmp((*(const struct fl_port *const *)a)->pci.address,
		      (*(const struct fl_port *const *)b)->pci.address);
}

static const struct fl_port *find_port(const struct fl_port *const *sorted, size_t n, const char *address)
{
	const struct fl_port key = { .pci.address = (char *)(uintptr_t)address }, *at = &key;
	const struct fl_port *const *found = bsearch(&at, sorted, n, sizeof(*sorted), by_address);

	return found ? *found : NULL;
}

/* Two ports with one address, or a way up without an end. `sorted` has all ports. */
static int check_way_up(const struct fl_machine *m, const struct fl_port *const *sorted, size_t i, struct fl_err *err)
{
	const struct fl_port *at = sorted[i];

	if (i > 0 && same(at->pci.address, sorted[i - 1]->pci.address))
		return fl_fail(err, -EINVAL, "two ports have the address '%s'", at->pci.address);
	if (at->pci.node >= 0 && !fl_machine_node(m, at->pci.node))
		return fl_fail(err, -EINVAL, "port '%s': the machine has no node %d", at->pci.address, at->pci.node);
	for (int steps = 0; at && at->pci.upstream; steps++) {
		if (steps == FL_PORTS_DEEP_MAX)
			return fl_fail(err, -EINVAL, "port '%s' has more than %d ports above it, or itself",
				       sorted[i]->pci.address, FL_PORTS_DEEP_MAX);
		at = find_port(sorted, m->ports_n, at->pci.upstream);
	}
	return 0;
}

static int check_ports(const struct fl_machine *m, struct fl_err *err)
{
	const struct fl_port **sorted = fl_zalloc(m->ports_n + 1, sizeof(*sorted));
	int rc = 0;

	for (size_t i = 0; i < m->ports_n; i++)
		sorted[i] = &m->ports[i];
	qsort(sorted, m->ports_n, sizeof(*sorted), by_address);
	for (size_t i = 0; i < m->ports_n && rc == 0; i++)
		rc = check_way_up(m, sorted, i, err);
	free(sorted);
	return rc;
}

int machine_check(const struct fl_machine *m, struct fl_err *err)
{
	int rc = check_node_numbers(m, err);

	if (rc == 0)
		rc = check_nodes_of_devices(m, err);
	if (rc == 0)
		rc = check_ids(m, err);
	if (rc == 0)
		rc = check_gpus(m, err);
	return rc == 0 ? check_ports(m, err) : rc;
}
