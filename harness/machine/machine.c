/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c: devices of a machine as benchmarks and users name them. */
#include "machine/machine.h"
#include "base/field.h"
#include "base/units.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct fl_node *fl_machine_node(const struct fl_machine *m, int number)
{
	for (size_t i = 0; i < m->nodes_n; i++)
		if (m->nodes[i].number == number)
			return &m->nodes[i];
	return NULL;
}

/* ---- views: one row a kind */

static int node_number(const struct fl_known *node)
{
	return isnan(node->value) ? -1 : (int)node->value;
}

static size_t count_nodes(const struct fl_machine *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->nodes_n; i++)
		n += m->nodes[i].kind != FL_NODE_EMPTY;
	return n;
}

static struct fl_device_view view_node(const struct fl_machine *m, size_t i)
{
	const struct fl_node *node = m->nodes;

	for (;; node++) {
		if (node->kind == FL_NODE_EMPTY)
			continue;
		if (i-- == 0)
			return (struct fl_device_view){ .id = node->id, .node = node->number };
	}
}

static size_t count_drives(const struct fl_machine *m)
{
	return m->drives_n;
}

static struct fl_device_view view_drive(const struct fl_machine *m, size_t i)
{
	const struct fl_drive *d = &m->drives[i];

	return (struct fl_device_view){
		.id = d->id, .pci = d->pci.address, .path = d->path, .node = node_number(&d->node)
	};
}

static struct fl_device_view nic_as_device(const struct fl_nic *nic)
{
	return (struct fl_device_view){ .id = nic->id,
					.pci = nic->pci.address,
					.node = node_number(&nic->node),
					.rdma = nic->rdma.value,
					.rdma_port = nic->rdma_port.value >= 1 && nic->rdma_port.value <= 255
							     ? (unsigned)nic->rdma_port.value
							     : 0 };
}

static size_t count_nics(const struct fl_machine *m)
{
	return m->nics_n;
}

static struct fl_device_view view_nic(const struct fl_machine *m, size_t i)
{
	return nic_as_device(&m->nics[i]);
}

static size_t count_rdma(const struct fl_machine *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->nics_n; i++)
		n += m->nics[i].rdma.value != NULL;
	return n;
}

static const struct fl_nic *nic_with_rdma(const struct fl_machine *m, size_t i)
{
	const struct fl_nic *nic = m->nics;

	for (;; nic++)
		if (nic->rdma.value && i-- == 0)
			return nic;
}

static struct fl_device_view view_rdma(const struct fl_machine *m, size_t i)
{
	return nic_as_device(nic_with_rdma(m, i));
}

/* A divided GPU computes in its parts only. */
static bool is_usable(const struct fl_gpu *gpu)
{
	return gpu->parent || !gpu->mig.value || strcmp(gpu->mig.value, "on") != 0;
}

static size_t count_gpus(const struct fl_machine *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->gpus_n; i++)
		n += is_usable(&m->gpus[i]);
	return n;
}

static const struct fl_gpu *usable_gpu(const struct fl_machine *m, size_t i)
{
	const struct fl_gpu *gpu = m->gpus;

	for (;; gpu++)
		if (is_usable(gpu) && i-- == 0)
			return gpu;
}

static struct fl_device_view view_gpu(const struct fl_machine *m, size_t i)
{
	const struct fl_gpu *gpu = usable_gpu(m, i);

	return (struct fl_device_view){
		.id = gpu->id, .pci = gpu->pci.address, .uuid = gpu->uuid.value, .node = node_number(&gpu->node)
	};
}

static const struct kind {
	const char *name;
	size_t (*count)(const struct fl_machine *m);
	struct fl_device_view (*view)(const struct fl_machine *m, size_t i);
} kinds[] = {
	{ "node", count_nodes, view_node }, { "drive", count_drives, view_drive }, { "nic", count_nics, view_nic },
	{ "rdma", count_rdma, view_rdma },  { "gpu", count_gpus, view_gpu },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

size_t fl_machine_count(const struct fl_machine *m, const char *kind)
{
	size_t n = 0;

	for (size_t k = 0; k < KINDS; k++)
		n += fl_kinds_have(kind, kinds[k].name) ? kinds[k].count(m) : 0;
	return n;
}

struct fl_device_view fl_machine_device(const struct fl_machine *m, const char *kind, size_t i)
{
	for (size_t k = 0; k < KINDS; k++) {
		size_t n = fl_kinds_have(kind, kinds[k].name) ? kinds[k].count(m) : 0;

		if (i < n)
			return kinds[k].view(m, i);
		i -= n;
	}
	return (struct fl_device_view){ .node = -1 };
}

/* ---- what a user types */

static bool is(const char *name, const char *text)
{
	return name && strcmp(name, text) == 0;
}

/* "41:00.0" is short for "0000:41:00.0". Hexadecimal digits in either case. */
static bool is_address(const char *address, const char *text)
{
	if (!address)
		return false;
	return strcasecmp(address, text) == 0 ||
	       (strncmp(address, "0000:", 5) == 0 && strcasecmp(address + 5, text) == 0);
}

/* A part has the address of its whole, and is not what that means. */
static bool is_at(const struct fl_machine *m, const char *kind, size_t i, const char *pci, const char *text)
{
	return is_address(pci, text) && (strcmp(kind, "gpu") != 0 || !usable_gpu(m, i)->parent);
}

static bool is_number(int number, const char *text)
{
	uint64_t typed;

	return fl_parse_count(text, &typed, NULL) == 0 && typed == (uint64_t)number;
}

/* By its interface, or its RDMA device. Of a device with several ports only the first one is called as the device. */
static bool is_nic(const struct fl_nic *nic, const char *text)
{
	return is(nic->interface, text) || (is(nic->rdma.value, text) && !(nic->rdma_port.value > 1));
}

/* Of one kind. */
static bool has_other_name(const struct fl_machine *m, const char *kind, size_t i, const char *text)
{
	if (strcmp(kind, "node") == 0)
		return is_number(view_node(m, i).node, text);
	if (strcmp(kind, "drive") == 0)
		return is(m->drives[i].block, text);
	if (strcmp(kind, "nic") == 0)
		return is_nic(&m->nics[i], text);
	if (strcmp(kind, "rdma") == 0)
		return is_nic(nic_with_rdma(m, i), text);
	if (strcmp(kind, "gpu") == 0)
		return is_number((int)i, text);
	return false;
}

static int find_of(const struct fl_machine *m, const char *kind, const char *text)
{
	size_t n = fl_machine_count(m, kind);

	for (size_t i = 0; i < n; i++) {
		struct fl_device_view device = fl_machine_device(m, kind, i);

		if (is(device.id, text) || is(device.path, text) || is(device.uuid, text) ||
		    is_at(m, kind, i, device.pci, text) || has_other_name(m, kind, i, text))
			return (int)i;
	}
	return -1;
}

int fl_machine_find(const struct fl_machine *m, const char *kind, const char *text)
{
	bool either = strchr(kind, '|') != NULL;
	size_t before = 0;
	uint64_t number;

	for (size_t k = 0; k < KINDS; k++) {
		int i = -1;

		if (!fl_kinds_have(kind, kinds[k].name))
			continue;
		/* "3" is node3, and no GPU where there is no such node */
		if (!either || strcmp(kinds[k].name, "node") == 0 || fl_parse_count(text, &number, NULL) < 0)
			i = find_of(m, kinds[k].name, text);
		if (i >= 0)
			return (int)before + i;
		before += kinds[k].count(m);
	}
	return -1;
}
