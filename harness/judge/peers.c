/* SPDX-License-Identifier: Apache-2.0 */
/* peers.c: from one device to another, or to itself. GPUs with NVLinks between them, or all to a switch of NVLinks,
 * use those; else, and all other devices, PCIe: below the switch that both hang on, or over the root complex. Where the
 * driver cannot let one reach the other, it copies through host memory, and the lane's fact says so. */
#include "base/alloc.h"
#include "base/json.h"
#include "judge/path.h"
#include "machine/route.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The links of a GPU that are up and lead to a peer, all together. */
struct bundle {
	unsigned n, unknown; /* unknown: links that are up, of which peer or rate is not known */
	double bytes_per_s;
	const struct fl_gpu_link *first; /* of which it is known that it leads there */
};

static struct bundle links_to(const struct fl_gpu *gpu, const char *peer)
{
	struct bundle b = { 0 };

	for (size_t i = 0; i < gpu->links_n; i++) {
		const struct fl_gpu_link *link = &gpu->links[i];
		bool known = link->peer.value && isfinite(link->bytes_per_s.value);

		if (!link->up || (link->peer.value && strcmp(link->peer.value, peer) != 0))
			continue;
		if (!b.first && known)
			b.first = link;
		b.n++;
		b.unknown += !known;
		b.bytes_per_s += known ? link->bytes_per_s.value : 0;
	}
	return b;
}

static void add_bundle(struct fl_lane_verdict *v, char *name, const struct bundle *b, enum fl_link_kind kind,
		       const void *link, bool towards, double crossings)
{
	struct fl_hop *hop = fl_hop_add(v, name, crossings);

	fl_hop_is(hop, kind, link, towards);
	if (b->unknown)
		fl_hop_unknown(hop, "peer or speed of some of its links is not known", true);
	else if (b->bytes_per_s > 0)
		fl_hop_know(hop, b->bytes_per_s, true, "computed");
	else
		fl_hop_unknown(hop, "the links carry nothing", true);
}

/* Links that a GPU has and that are down. */
static void find_down(struct fl_lane_verdict *v, const struct fl_gpu *gpu)
{
	size_t down = 0;

	for (size_t i = 0; i < gpu->links_n; i++)
		down += !gpu->links[i].up;
	if (down && down < gpu->links_n)
		fl_path_finding(v, fl_format("%zu of the %zu NVLinks of %s are down", down, gpu->links_n, gpu->id));
}

/* What both directions of the links between two GPUs have in common, and no other pair has. */
static const void *link_between(const struct fl_gpu *a, const struct fl_gpu *b)
{
	const struct fl_gpu *one = a < b ? a : b, *other = a < b ? b : a;
	const struct fl_gpu_link *first = links_to(one, other->id).first;

	return first ? first : links_to(other, one->id).first;
}

/* Directly, or over a switch; false: there are no such links. */
static bool add_nvlink(struct fl_lane_verdict *v, const struct fl_gpu *a, const struct fl_gpu *b, double crossings)
{
	struct bundle direct = links_to(a, b->id), out = links_to(a, "switch"), in = links_to(b, "switch");

	if (direct.n && direct.n > direct.unknown) {
		add_bundle(v, fl_format("NVLink %s to %s", a->id, b->id), &direct, FL_LINK_NVLINK, link_between(a, b),
			   a > b, crossings);
		return true;
	}
	if (out.n == 0 || in.n == 0)
		return false;
	add_bundle(v, fl_format("NVLinks of %s", a->id), &out, FL_LINK_NVLINK, a->links, false, crossings);
	add_bundle(v, fl_format("NVLinks of %s, towards it", b->id), &in, FL_LINK_NVLINK, b->links, true, crossings);
	return true;
}

/* Only NVML tells of NVLinks, and it tells of every GPU that it knows who it is. */
static bool knows_links(const struct fl_gpu *gpu)
{
	return gpu->uuid.value || gpu->links_n;
}

/* The one that moves the payload writes it, or reads it: a NIC whatever it sends and receives, a GPU as it is asked. */
static enum fl_link_kind kind_of(const struct fl_lane_verdict *v, const struct fl_end *from, const struct fl_end *to)
{
	const char *access = fl_json_text_or_null(v->options, "access");

	if (to->kind == FL_END_NIC)
		return FL_LINK_PEER_READ;
	return from->kind != FL_END_NIC && access && strcmp(access, "read") == 0 ? FL_LINK_PEER_READ
										 : FL_LINK_PEER_WRITE;
}

/* Over PCIe: up to where their ways meet, and down again. */
static void add_direct(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_end *from,
		       const struct fl_end *to, double crossings)
{
	enum fl_link_kind kind = kind_of(v, from, to);
	struct fl_route a = fl_route_up(s->machine, from->pci), b = fl_route_up(s->machine, to->pci);
	size_t below_a = FL_ALL_PORTS, below_b = FL_ALL_PORTS;
	bool meet = fl_route_meet(&a, &b, &below_a, &below_b);

	fl_add_pcie(s, v, from, below_a, false, kind, crossings);
	if (!meet && !a.lost && !b.lost) {
		fl_hop_unknown(fl_hop_add(v, fl_format("host bridge, %s to %s", from->name, to->name), crossings),
			       "not measured yet", true);
		fl_add_socket_link(s, v, from->node, to->node, crossings);
	}
	fl_add_pcie(s, v, to, below_b, true, kind, crossings);
}

/* The driver's own buffers, of which nothing is known but that they are in memory. */
static void add_staged(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_end *from,
		       const struct fl_end *to, double crossings)
{
	fl_add_host_side(s, v, from, false, crossings);
	fl_hop_unknown(fl_hop_add(v, fl_dup("host memory of the driver"), 2 * crossings),
		       "where it is, and how it is filled, is not known", true);
	fl_add_host_side(s, v, to, true, crossings);
}

/* A copy within one GPU. What fits into its cache need not reach its memory: no cap holds then. */
static void add_local(struct fl_lane_verdict *v, const struct fl_end *gpu, double crossings)
{
	struct fl_hop *hop = fl_hop_add(v, fl_format("%s memory", gpu->name), crossings);
	double size = fl_json_number_or_nan(v->options, "size"), rate = gpu->gpu->memory_bytes_per_s.value;
	const char *why = gpu->gpu->memory_bytes_per_s.why;

	fl_hop_is(hop, FL_LINK_GPU_MEMORY, gpu->gpu, false);
	if (size < FL_GPU_CACHE_BYTES)
		fl_hop_unknown(hop, "what is so small may stay in the cache of the GPU", true);
	else if (isfinite(rate) && rate > 0)
		fl_hop_know(hop, rate, true, "computed");
	else
		fl_hop_unknown(hop, why ? why : "its rate is not known", true);
}

static bool is_staged(const struct fl_lane_verdict *v)
{
	const char *access = v->first ? fl_json_text_or_null(v->first->facts, "peer_access") : NULL;

	return access && strcmp(access, "direct") != 0;
}

void fl_add_peers(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_end *from,
		  const struct fl_end *to, double crossings)
{
	bool gpus = from->gpu && to->gpu;

	if (gpus && from->gpu == to->gpu) {
		add_local(v, from, crossings);
	} else if (is_staged(v)) {
		add_staged(s, v, from, to, crossings);
	} else if (gpus && !(knows_links(from->gpu) && knows_links(to->gpu))) {
		fl_hop_unknown(fl_hop_add(v, fl_format("%s to %s", from->name, to->name), crossings),
			       "without NVML it is not known whether NVLinks join them", true);
	} else if (gpus && add_nvlink(v, from->gpu, to->gpu, crossings)) {
		find_down(v, from->gpu);
		find_down(v, to->gpu);
	} else if (from->pci && to->pci) {
		add_direct(s, v, from, to, crossings);
	} else {
		fl_hop_unknown(fl_hop_add(v, fl_format("%s to %s", from->name, to->name), crossings),
			       "the way between them is not known", true);
	}
}

void fl_add_host_side(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_end *device, bool towards,
		      double crossings)
{
	struct bundle cpu = device->gpu ? links_to(device->gpu, "cpu") : (struct bundle){ 0 };

	if (cpu.n > cpu.unknown)
		add_bundle(v, fl_format("NVLink of %s to the CPU%s", device->name, towards ? ", towards it" : ""), &cpu,
			   FL_LINK_C2C, device->gpu->links, towards, crossings);
	else if (device->pci)
		fl_add_pcie(s, v, device, FL_ALL_PORTS, towards, towards ? FL_LINK_PCIE_READ : FL_LINK_PCIE_WRITE,
			    crossings);
	else if (device->gpu)
		fl_hop_unknown(fl_hop_add(v, fl_format("%s link", device->name), crossings),
			       "it has no PCI address here", true);
}
