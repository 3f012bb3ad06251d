/* SPDX-License-Identifier: Apache-2.0 */
/* pcie_path.c: the PCIe links between a device and the root complex: its own, and the uplink of every switch above it.
 * Each direction is a hop of its own. A root port has no link beside that of what hangs below it. A link that several
 * functions of a device have in common (the ports of a NIC, its virtual functions) is one hop for all of them, which is
 * called by their slot; what it is, the first of them says that knows.
 *
 * A drive's and a NIC's link is taken as it is now. That of a GPU, and of a switch, may rest while nothing moves: it is
 * taken as both its ends can do at best, and where it has less now, that is a bound: it fails nobody. Where it was seen
 * to have less under load, it does not rest, it is trained down: it is held against what its ends can do, since a link
 * that lost half its lanes and then gives all that the other half can is not as it should be. */
#include "base/alloc.h"
#include "base/units.h"
#include "judge/path.h"
#include "machine/pcie.h"
#include "machine/route.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A packet is no larger than any function on its way takes: the least max payload that is known. It is exact where that
 * of the device is known, which both directions are bound by. */
static struct fl_known payload_of(const struct fl_pci *device, const struct fl_route *up)
{
	struct fl_known payload = device->link.max_payload_bytes;

	for (size_t i = 0; i < up->n && isfinite(payload.value); i++) {
		double port = up->ports[i]->link.max_payload_bytes.value;

		if (port >= 128 && port < payload.value)
			payload.value = port;
	}
	return payload;
}

/* What one link is: its lower end, the port above that, and whether it may rest. */
struct link {
	const struct fl_pci *lower, *upper; /* upper NULL: not known */
	struct fl_known payload;
	const struct fl_seen_link *seen; /* under load; NULL: nobody looked */
	bool may_rest;
};

static bool moves_up(enum fl_link_kind kind)
{
	return kind == FL_LINK_PCIE_WRITE || kind == FL_LINK_PEER_WRITE;
}

static bool knows_both_ends(const struct link *l)
{
	const struct fl_pcie_link *lower = &l->lower->link, *upper = l->upper ? &l->upper->link : NULL;

	return upper && isfinite(lower->gts_best.value) && isfinite(lower->lanes_best.value) &&
	       isfinite(upper->gts_best.value) && isfinite(upper->lanes_best.value);
}

static void set_cap(struct fl_hop *hop, const struct link *l)
{
	struct fl_pcie_link link = l->lower->link;
	bool rests = false, loose = false, down = false;
	const char *why = NULL;
	double cap;

	if (l->may_rest)
		link = fl_pcie_awake(&link, l->upper ? &l->upper->link : NULL, &rests);
	if (l->seen) {
		down = l->seen->gts < link.gts_now.value || l->seen->lanes < link.lanes_now.value;
		rests = down && !knows_both_ends(l);
		link.gts_now.value = fmax(link.gts_now.value, l->seen->gts);
		link.lanes_now.value = fmax(link.lanes_now.value, l->seen->lanes);
	}
	link.max_payload_bytes = l->payload;
	cap = moves_up(hop->kind) ? fl_pcie_write_cap(&link, &loose, &why) : fl_pcie_read_cap(&link, &loose, &why);
	if (!isfinite(cap) || cap <= 0)
		fl_hop_unknown(hop, why ? why : "the link carries nothing", true);
	else if (rests)
		fl_hop_know(hop, cap, false,
			    down ? "computed, loose: it had less under load, and what its upper end can do is not known"
				 : "computed, loose: it has less while nothing moves");
	else if (down)
		fl_hop_know(hop, cap, !loose,
			    loose ? "computed from what its ends can do, loose" : "computed from what its ends can do");
	else
		fl_hop_know(hop, cap, !loose, loose ? "computed, loose" : "computed");
}

/* A link that has less than both its ends can do. The speed of a GPU's own says nothing until it was seen under load; a
 * width does not rest, nor does a switch as a rule. name: "GPU g link". */
static void find_trained_down(struct fl_lane_verdict *v, const char *name, const struct link *l, bool of_gpu)
{
	const struct fl_pcie_link *now = &l->lower->link;
	bool rests;
	struct fl_pcie_link best = fl_pcie_awake(now, l->upper ? &l->upper->link : NULL, &rests);
	double gts = l->seen ? l->seen->gts : now->gts_now.value,
	       lanes = l->seen ? l->seen->lanes : now->lanes_now.value;
	bool slow = gts < best.gts_now.value && (l->seen || !of_gpu), narrow = lanes < best.lanes_now.value;
	char has[FL_UNIT_TEXT], can[FL_UNIT_TEXT];

	if (!now->real || !(slow || narrow))
		return;
	fl_show_number(has, slow ? gts : best.gts_now.value);
	fl_show_number(can, best.gts_now.value);
	fl_path_finding(v, fl_format("%s is trained down: it has %s GT/s x%.0f%s, its ends can do %s GT/s x%.0f", name,
				     has, lanes, l->seen ? " under load" : " while nothing moves", can,
				     best.lanes_now.value));
}

static void add_link(struct fl_lane_verdict *v, char *name, const struct link *l, bool towards, enum fl_link_kind kind,
		     double crossings)
{
	struct fl_hop *hop = fl_hop_add(v, name, crossings);

	fl_hop_is(hop, kind, l->lower, towards);
	set_cap(hop, l);
}

static const char *direction(bool towards)
{
	return towards ? ", towards it" : "";
}

/* shared: its link; NULL: it has one for itself. Of the parts of a GPU (MIG) all have the link of the whole one. */
static char *name_of(const struct fl_end *device, const struct fl_pci *shared)
{
	if (shared)
		return fl_format("slot %.*s", (int)strcspn(shared->address, "."), shared->address);
	if (device->gpu && device->gpu->parent)
		return fl_format("GPU %s", device->gpu->parent);
	return fl_dup(device->name);
}

/* The uplinks of the switches below the `below`th port. */
static void add_uplinks(struct fl_lane_verdict *v, const struct fl_route *up, struct fl_known payload, size_t below,
			bool towards, enum fl_link_kind kind, double crossings)
{
	for (size_t i = 0; i < up->n && i < below; i++) {
		struct link uplink = { up->ports[i], i + 1 < up->n ? up->ports[i + 1] : NULL, payload, NULL, true };
		char *name;

		if (!fl_route_is_uplink(i))
			continue;
		name = fl_format("switch %s uplink", up->ports[i]->address);
		find_trained_down(v, name, &uplink, false);
		add_link(v, fl_format("%s%s", name, direction(towards)), &uplink, towards, kind, crossings);
		free(name);
	}
}

void fl_add_pcie(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_end *device, size_t below,
		 bool towards, enum fl_link_kind kind, double crossings)
{
	const struct fl_pci *shared = fl_route_shared_link(s->machine, device->pci);
	const struct fl_pci *lower = shared ? shared : device->pci;
	struct fl_route up = fl_route_up(s->machine, device->pci);
	struct fl_known payload = payload_of(lower, &up);
	struct fl_seen_link seen;
	struct link own = { lower, up.n ? up.ports[0] : NULL, payload, NULL, device->gpu != NULL };
	char *name = name_of(device, shared), *link = fl_format("%s link", name);

	if (device->gpu && fl_find_seen_link(s, device->gpu, &seen))
		own.seen = &seen;
	find_trained_down(v, link, &own, device->gpu);
	add_link(v, fl_format("%s%s", link, direction(towards)), &own, towards, kind, crossings);
	add_uplinks(v, &up, payload, below, towards, kind, crossings);
	if (up.lost && below > up.n)
		fl_hop_unknown(fl_hop_add(v, fl_format("PCIe above %s%s", name, direction(towards)), crossings),
			       "the machine does not list the port there", true);
	free(link);
	free(name);
}
