/* SPDX-License-Identifier: Apache-2.0 */
/* ends.c: where a flow begins or ends: a device of the machine, the memory of a node, the CPUs of the lane. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "judge/path.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int known_node(const struct fl_known *node)
{
	return node->why || !isfinite(node->value) ? -1 : (int)node->value;
}

static const struct fl_pci *pci_of(const struct fl_pci *pci)
{
	return pci->address ? pci : NULL;
}

static struct fl_end end_of_drive(const struct fl_drive *d)
{
	return (struct fl_end){ .kind = FL_END_DRIVE,
				.named = true,
				.node = known_node(&d->node),
				.name = fl_format("drive %s", d->id),
				.pci = pci_of(&d->pci) };
}

static struct fl_end end_of_nic(const struct fl_nic *nic)
{
	return (struct fl_end){ .kind = FL_END_NIC,
				.named = true,
				.node = known_node(&nic->node),
				.name = fl_format("NIC %s", nic->id),
				.pci = pci_of(&nic->pci) };
}

static struct fl_end end_of_rdma(const struct fl_nic *nic)
{
	struct fl_end end = end_of_nic(nic);

	end.port = nic;
	end.rdma = true;
	return end;
}

static struct fl_end end_of_gpu(const struct fl_gpu *gpu)
{
	return (struct fl_end){ .kind = FL_END_GPU,
				.named = true,
				.node = known_node(&gpu->node),
				.name = fl_format("GPU %s", gpu->id),
				.pci = pci_of(&gpu->pci),
				.gpu = gpu };
}

/* A device option's id, by kind. */
static struct fl_end end_of_device(const struct fl_machine *m, const char *kind, const char *id)
{
	for (size_t i = 0; fl_kinds_have(kind, "node") && i < m->nodes_n; i++)
		if (strcmp(m->nodes[i].id, id) == 0)
			return (struct fl_end){ .kind = FL_END_MEMORY,
						.named = true,
						.node = m->nodes[i].number,
						.name = fl_format("DRAM of %s", id) };
	for (size_t i = 0; fl_kinds_have(kind, "drive") && i < m->drives_n; i++)
		if (strcmp(m->drives[i].id, id) == 0)
			return end_of_drive(&m->drives[i]);
	for (size_t i = 0; fl_kinds_have(kind, "nic") && i < m->nics_n; i++)
		if (strcmp(m->nics[i].id, id) == 0)
			return end_of_nic(&m->nics[i]);
	for (size_t i = 0; fl_kinds_have(kind, "rdma") && i < m->nics_n; i++)
		if (strcmp(m->nics[i].id, id) == 0)
			return end_of_rdma(&m->nics[i]);
	for (size_t i = 0; fl_kinds_have(kind, "gpu") && i < m->gpus_n; i++)
		if (strcmp(m->gpus[i].id, id) == 0)
			return end_of_gpu(&m->gpus[i]);
	return (struct fl_end){ .kind = FL_END_UNKNOWN,
				.named = true,
				.node = -1,
				.name = fl_format("%s '%s'", kind, id),
				.why = "not in the machine of this run" };
}

static struct fl_end end_of_path(const struct fl_machine *m, const char *path)
{
	const char *why = "no absolute path";
	const struct fl_drive *drive = path[0] == '/' ? fl_machine_drive_of(m, path, NULL, &why) : NULL;

	if (drive)
		return end_of_drive(drive);
	return (struct fl_end){ .kind = FL_END_UNKNOWN,
				.named = true,
				.node = -1,
				.name = fl_format("drive below '%s'", path),
				.why = why };
}

struct fl_end fl_end_memory(const struct fl_machine *m, int node)
{
	const struct fl_node *n = node < 0 ? NULL : fl_machine_node(m, node);

	return (struct fl_end){ .kind = FL_END_MEMORY,
				.node = node,
				.name = n ? fl_format("DRAM of %s", n->id) : fl_dup("DRAM") };
}

/* What the lane says that it used, else text, as its option has it, else the one by which the host reaches the hub. */
static struct fl_end end_of_interface(const struct fl_subject *s, const struct fl_lane_verdict *v, const char *text)
{
	const char *used = v->first ? fl_json_text_or_null(v->first->facts, FL_INTERFACE) : NULL;
	const char *named = used ? used : text && *text ? text : NULL;
	const char *name = named ? named : fl_json_text_or_null(s->run->environment, FL_INTERFACE);
	bool alone = s->size > 1 && !s->spans && !named;
	struct fl_end end = { .kind = FL_END_UNKNOWN, .named = true, .node = -1 };

	for (size_t i = 0; name && !alone && i < s->machine->nics_n; i++) {
		const char *interface = s->machine->nics[i].interface;

		if (interface && strcmp(interface, name) == 0) {
			end = end_of_nic(&s->machine->nics[i]);
			end.port = &s->machine->nics[i];
			return end;
		}
	}
	end.name = alone ? fl_dup("loopback") : fl_format("interface %s", name ? name : "of this host");
	end.why = alone || name ? "it is no NIC, and has no rate" : "the record does not say which";
	return end;
}

bool fl_end_is_between(const struct fl_entry *e, const char *name)
{
	const struct fl_field *field = fl_entry_field(e, name);

	return strcmp(name, FL_INTERFACE) == 0 || (field && fl_field_holds(field, "rdma", NULL));
}

struct fl_end fl_end_find(const struct fl_subject *s, const struct fl_lane_verdict *v, const char *name)
{
	const struct fl_field *field = fl_entry_field(s->entry, name);
	const char *text = fl_json_text_or_null(v->options, name);
	double node = fl_json_number_or_nan(v->placement, "node");
	int own = node >= 0 && node < 1 << 20 ? (int)node : -1;

	if (strcmp(name, "cpu") == 0)
		return (struct fl_end){ .kind = FL_END_CPU, .node = own };
	if (strcmp(name, "own_memory") == 0 || (strcmp(name, "memory") == 0 && !field))
		return fl_end_memory(s->machine, own);
	if (strcmp(name, FL_INTERFACE) == 0)
		return end_of_interface(s, v, text);
	if (!field || !text)
		return (struct fl_end){ .kind = FL_END_UNKNOWN,
					.named = true,
					.node = -1,
					.name = fl_dup(name),
					.why = "the record does not say which" };
	if (field->type == FL_DEVICE && field->range)
		return end_of_device(s->machine, field->range, text);
	return end_of_path(s->machine, text);
}

char *fl_hop_name(const struct fl_subject *s, const struct fl_lane_verdict *v, const char *hop)
{
	bool is_end = strcmp(hop, "memory") == 0 || fl_entry_field(s->entry, hop);

	return is_end ? fl_end_find(s, v, hop).name : fl_dup(hop);
}
