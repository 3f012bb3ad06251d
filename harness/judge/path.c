/* SPDX-License-Identifier: Apache-2.0 */
/* path.c: the hops that a lane's payload loads. They follow from the flows that its benchmark declared, the options and
 * placement in its record and the machine of the run; none from a benchmark's name. */
#include "base/alloc.h"
#include "base/json.h"
#include "judge/parts.h"
#include "machine/pcie.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a hop is known to reach of its cap.
 * A device writing into memory over PCIe: published copies reach 56.57 GB/s on 5.0 x16 and 26.34 GB/s on 4.0 x16. Their
 * max payload was not published; with the smallest that can be (256 and 128 bytes) both are 97 % of the cap, with 256
 * the second is 90 %. 95 % is taken.
 * A limit that the benchmark puts on itself (a paced source): all of it. */
static const double pcie_read_share = 0.95, stated_share = 1.0;

/* Where a flow begins or ends. */
struct end {
	enum { END_CPU, END_MEMORY, END_DRIVE, END_NIC, END_GPU, END_UNKNOWN } kind;
	bool named;		  /* by a device or path option */
	int node;		  /* -1: unknown */
	char *name;		  /* "drive nvme-S1", owned */
	const struct fl_pci *pci; /* NULL: not a PCI device */
	const char *why;	  /* of END_UNKNOWN */
};

static int known_node(const struct fl_known *node)
{
	return node->why || !isfinite(node->value) ? -1 : (int)node->value;
}

static const struct fl_pci *pci_of(const struct fl_pci *pci)
{
	return pci->address ? pci : NULL;
}

static struct end end_of_drive(const struct fl_drive *d)
{
	return (struct end){
		END_DRIVE, true, known_node(&d->node), fl_format("drive %s", d->id), pci_of(&d->pci), NULL
	};
}

/* A device option's id, by kind. */
static struct end end_of_device(const struct fl_machine *m, const char *kind, const char *id)
{
	for (size_t i = 0; strcmp(kind, "node") == 0 && i < m->nodes_n; i++)
		if (strcmp(m->nodes[i].id, id) == 0)
			return (struct end){ END_MEMORY, true, m->nodes[i].number, fl_format("DRAM of %s", id),
					     NULL,	 NULL };
	for (size_t i = 0; strcmp(kind, "drive") == 0 && i < m->drives_n; i++)
		if (strcmp(m->drives[i].id, id) == 0)
			return end_of_drive(&m->drives[i]);
	for (size_t i = 0; strcmp(kind, "nic") == 0 && i < m->nics_n; i++)
		if (strcmp(m->nics[i].id, id) == 0)
			return (struct end){ END_NIC,
					     true,
					     known_node(&m->nics[i].node),
					     fl_format("NIC %s", id),
					     pci_of(&m->nics[i].pci),
					     NULL };
	for (size_t i = 0; strcmp(kind, "gpu") == 0 && i < m->gpus_n; i++)
		if (strcmp(m->gpus[i].id, id) == 0)
			return (struct end){ END_GPU,
					     true,
					     known_node(&m->gpus[i].node),
					     fl_format("GPU %s", id),
					     pci_of(&m->gpus[i].pci),
					     NULL };
	return (struct end){ END_UNKNOWN, true,
			     -1,	  fl_format("%s '%s'", kind, id),
			     NULL,	  "not in the machine of this run" };
}

static struct end end_of_path(const struct fl_machine *m, const char *path)
{
	const char *why = "no absolute path";
	const struct fl_drive *drive = path[0] == '/' ? fl_machine_drive_of(m, path, NULL, &why) : NULL;

	if (drive)
		return end_of_drive(drive);
	return (struct end){ END_UNKNOWN, true, -1, fl_format("drive below '%s'", path), NULL, why };
}

static struct end end_of_memory(const struct fl_machine *m, int node)
{
	const struct fl_node *n = node < 0 ? NULL : fl_machine_node(m, node);

	return (struct end){ END_MEMORY, false, node, n ? fl_format("DRAM of %s", n->id) : fl_dup("DRAM"), NULL, NULL };
}

static struct end find_end(const struct fl_subject *s, const struct fl_lane_verdict *v, const char *name)
{
	const struct fl_field *field = fl_entry_field(s->entry, name);
	const char *text = fl_json_text_or_null(v->options, name);
	double node = fl_json_number_or_nan(v->placement, "node");
	int own = node >= 0 && node < 1 << 20 ? (int)node : -1;

	if (strcmp(name, "cpu") == 0)
		return (struct end){ .kind = END_CPU, .node = own };
	if (strcmp(name, "own_memory") == 0 || (strcmp(name, "memory") == 0 && !field))
		return end_of_memory(s->machine, own);
	if (!field || !text)
		return (struct end){ END_UNKNOWN, true, -1, fl_dup(name), NULL, "the record does not say which" };
	if (field->type == FL_DEVICE && field->range)
		return end_of_device(s->machine, field->range, text);
	return end_of_path(s->machine, text);
}

char *fl_hop_name(const struct fl_subject *s, const struct fl_lane_verdict *v, const char *hop)
{
	bool is_end = strcmp(hop, "memory") == 0 || fl_entry_field(s->entry, hop);

	return is_end ? find_end(s, v, hop).name : fl_dup(hop);
}

/* ---- hops */

/* Takes the name over. The same hop twice is one with the crossings of both. */
static struct fl_hop *add_hop(struct fl_lane_verdict *v, char *name, double crossings)
{
	for (size_t i = 0; i < v->hops_n; i++)
		if (strcmp(v->hops[i].name, name) == 0) {
			free(name);
			v->hops[i].crossings += crossings;
			return &v->hops[i];
		}
	v->hops = fl_grow(v->hops, v->hops_n + 1, sizeof(*v->hops));
	v->hops[v->hops_n] =
		(struct fl_hop){ .name = name, .cap_bytes_per_s = NAN, .crossings = crossings, .expected = NAN };
	return &v->hops[v->hops_n++];
}

static void set_unknown(struct fl_hop *hop, const char *why, bool named)
{
	if (!hop->why)
		hop->why = fl_dup(why);
	hop->named |= named;
}

/* The device's own PCIe link. Only one direction has a formula so far: the device writes into memory. */
static void add_link(struct fl_lane_verdict *v, const struct end *end, bool is_source, double crossings)
{
	struct fl_hop *hop = add_hop(v, fl_format("%s link%s", end->name, is_source ? "" : ", towards it"), crossings);
	const char *why = NULL;
	bool loose = false;
	double cap = is_source ? fl_pcie_write_cap(&end->pci->link, &loose, &why) : NAN;

	hop->named = true;
	if (!isfinite(cap) || cap <= 0) {
		set_unknown(hop, is_source && why ? why : "reads by a device are not computed yet", true);
		return;
	}
	hop->cap_bytes_per_s = cap; /* of the link; divided by the crossings when all are known */
	hop->expected = pcie_read_share;
	hop->exact = !loose;
	if (!hop->origin)
		hop->origin = fl_dup(loose ? "computed, loose" : "computed");
}

static void add_end(struct fl_lane_verdict *v, const struct end *end, bool is_source, double crossings)
{
	switch (end->kind) {
	case END_CPU:
		return;
	case END_MEMORY:
		set_unknown(add_hop(v, fl_dup(end->name), crossings), "not measured yet", end->named);
		return;
	case END_DRIVE:
		set_unknown(add_hop(v, fl_format("%s media", end->name), crossings), "no rating known", true);
		break;
	case END_NIC:
		set_unknown(add_hop(v, fl_format("%s port", end->name), crossings), "payload rate not computed yet",
			    true);
		break;
	case END_GPU:
		break;
	case END_UNKNOWN:
		set_unknown(add_hop(v, fl_dup(end->name), crossings), end->why ? end->why : "not known", true);
		return;
	}
	if (end->pci)
		add_link(v, end, is_source, crossings);
}

/* Source and sink on different nodes: the payload crosses what is between them. */
static void add_socket_link(const struct fl_subject *s, struct fl_lane_verdict *v, int from, int to, double crossings)
{
	const struct fl_node *a = from < 0 ? NULL : fl_machine_node(s->machine, from);
	const struct fl_node *b = to < 0 ? NULL : fl_machine_node(s->machine, to);

	if (a && b && a != b)
		set_unknown(add_hop(v, fl_format("socket link %s to %s", a->id, b->id), crossings), "not measured yet",
			    false);
}

static void add_flow(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_flow *flow)
{
	struct end from = find_end(s, v, flow->from), to = find_end(s, v, flow->to);

	add_end(v, &from, true, flow->per_byte);
	add_socket_link(s, v, from.node, to.node, flow->per_byte);
	add_end(v, &to, false, flow->per_byte);
	free(from.name);
	free(to.name);
}

/* Limits that the benchmark stated while it ran. */
static void add_stated(struct fl_lane_verdict *v)
{
	json_t *caps = v->first ? v->first->caps : NULL;

	for (size_t i = 0; i < json_array_size(caps); i++) {
		const json_t *cap = json_array_get(caps, i);
		const char *name = fl_json_text_or_null(cap, "hop"), *origin = fl_json_text_or_null(cap, "origin");
		const char *why = fl_json_text_or_null(cap, "reason");
		double bytes_per_s = fl_json_number_or_nan(cap, "cap_bytes_per_s");
		struct fl_hop *hop = add_hop(v, fl_dup(name ? name : "a limit without a name"), 1);

		hop->stated = true;
		if (!isfinite(bytes_per_s) || bytes_per_s <= 0) {
			set_unknown(hop, why ? why : "the benchmark does not say", false);
			continue;
		}
		hop->cap_bytes_per_s = bytes_per_s;
		hop->crossings = 1;
		hop->expected = stated_share;
		hop->exact = true;
		if (!hop->origin)
			hop->origin = fl_dup(origin ? origin : "stated");
	}
}

static const char *option_text(const void *options, const char *name)
{
	return fl_json_text_or_null(options, name);
}

void fl_find_path(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	for (const struct fl_flow *flow = s->entry->flows; flow->from; flow++)
		if (fl_flow_holds(s->entry, flow, option_text, v->options))
			add_flow(s, v, flow);
	add_stated(v);
	v->cap_bytes_per_s = NAN;
	for (size_t i = 0; i < v->hops_n; i++) {
		struct fl_hop *hop = &v->hops[i];

		if (hop->crossings > 0)
			hop->cap_bytes_per_s /= hop->crossings;
		if (isfinite(hop->cap_bytes_per_s) && !(v->cap_bytes_per_s <= hop->cap_bytes_per_s))
			v->cap_bytes_per_s = hop->cap_bytes_per_s;
	}
}
