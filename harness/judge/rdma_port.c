/* SPDX-License-Identifier: Apache-2.0 */
/* rdma_port.c: what the port of a NIC carries of the payload of RDMA. A message is cut into packets of the MTU of its
 * path, and around the payload of each are
 *
 *   InfiniBand   26 bytes: LRH 8, BTH 12, ICRC 4, VCRC 2 (InfiniBand Architecture Specification, volume 1); in a
 *                global route 40 more, the GRH
 *   RoCE v2      82 bytes: Ethernet 14 and 4 of check sequence, IPv4 20, UDP 8, BTH 12, ICRC 4 (annex A17 of the same),
 *                preamble 8, gap 12 (IEEE 802.3, 3.1.1 and 4.4.2); over IPv6 20 more
 *   RoCE v1      94 bytes: a GRH of 40 in the place of IPv4 and UDP
 *
 * So of messages of s bytes, in n = ceil(s / MTU) packets with o bytes around each, the port carries
 *
 *   rate x s / (s + n x o)
 *
 * which for long ones is MTU / (MTU + o): of 400 Gb/s 397.5 by InfiniBand with an MTU of 4096, and by RoCE v2 392, 385
 * and 370 with 4096, 2048 and 1024. The rate is that of the port without its line coding.
 *
 * Left out is what only some packets have (RETH 16 bytes, AETH 4, DETH 8, padding, VLAN tags) and what goes beside the
 * payload (acknowledgements, requests of reads). So nothing beats it, and where messages are short it is more than can
 * be. Where MTU or headers are not known it is that of the most or the fewest bytes, and loose. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "judge/path.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { AROUND_INFINIBAND = 26, AROUND_ROCE_V2 = 82, AROUND_ROCE_V1 = 94, MORE_BY_IPV6 = 20, MORE_BY_GRH = 40 };
enum { MTU_LEAST = 256, MTU_MOST = 4096 };

/* What healthy ports reach with messages of 64 KiB of which enough are under way: EDR 96.6 of 100 Gb/s, 0.972 of the
 * cap at an MTU of 4096 (forums.developer.nvidia.com 273376); RoCE 97.3 of 100, 0.99 (public documentation of
 * vendors); HDR and NDR pass acceptance from 190 and 390 Gb/s on, 0.956 and 0.981 (Azure/AI-benchmarking-guide). Of
 * both directions at once nobody has published a figure. */
static const double share = 0.97;
enum { FILLING_BYTES = 64 << 10, UNDER_WAY_BYTES = 1 << 20 };

static const char *fact(const struct fl_lane_verdict *v, const char *name)
{
	return v->first ? fl_json_text_or_null(v->first->facts, name) : NULL;
}

/* NaN: the lane did not state it. */
static double number_fact(const struct fl_lane_verdict *v, const char *name)
{
	const char *text = fact(v, name);
	uint64_t n = 0;

	return text && fl_parse_count(text, &n, NULL) == 0 ? (double)n : (double)NAN;
}

static bool is(const char *text, const char *word)
{
	return text && strcmp(text, word) == 0;
}

/* ---- is there a wire, and how fast is it? */

/* The address that is used may be of an interface over the NIC's own: "eth0.100" is one by a VLAN. */
static bool is_own_interface(const struct fl_nic *nic, const char *interface)
{
	size_t n = nic->interface ? strlen(nic->interface) : 0;

	return n && strncmp(interface, nic->interface, n) == 0 && (!interface[n] || interface[n] == '.');
}

/* Why the rate of the port says nothing; NULL: it does. */
static const char *why_no_limit(const struct fl_subject *s, const struct fl_lane_verdict *v, const struct fl_nic *nic)
{
	const char *interface = fact(v, FL_INTERFACE);

	if (nic->rdma_soft.value == 1)
		return "the kernel does RDMA in software here (soft-RoCE): the rate of its port is but a name";
	if (!nic->pci.address)
		return "it is not known to be a PCI device: the rate of its port may be but a name";
	if (!nic->pci.link.real)
		return "below a hypervisor both ends may be functions of one NIC: nothing need go over its wire";
	if (!isfinite(nic->pci.link.gts_now.value))
		return "it does not know its link, as virtual functions do not: others may share its port";
	if (s->size > 1 && !s->spans)
		return "both ends are this NIC: nothing need go over its wire";
	if (interface && !is_own_interface(nic, interface))
		return "the address that is used is of another interface, which may stand for several ports";
	return NULL;
}

/* Linux has no word in `active_speed` for more than 100 Gb/s a lane of the port (NDR): one that is faster is called
 * that. So of InfiniBand such a rate, a multiple of that, is "at least". */
static const double fastest_lane = 100e9;

static bool may_be_more(double rate)
{
	return fmod(rate, fastest_lane) == 0;
}

/* Line coding taken off. NaN: it is not known. What the port says of InfiniBand is right where there was a word for it.
 * Else, and on Ethernet, where drivers call speeds without one by a lesser one, too, the machine's counts if that is
 * more, and the port's says nothing alone. */
static double rate_of(const struct fl_lane_verdict *v, const struct fl_nic *nic, const char *layer)
{
	double of_port = number_fact(v, "rate_bits_per_s"), of_machine = nic->rate_bits_per_s.value;
	bool infiniband = is(layer, "InfiniBand");

	if (infiniband && of_port > 0 && !may_be_more(of_port))
		return of_port;
	if (infiniband && of_machine < of_port) /* a kernel without the word calls it by the slowest one there */
		return (double)NAN;
	return of_machine > 0 ? fmax(of_port, of_machine) : (double)NAN; /* a port that is not known counts nothing */
}

/* ---- packets */

/* Bytes around the payload of a packet, at least. exact: they are known. */
static double around(const struct fl_lane_verdict *v, const char *layer, bool *ret_exact)
{
	const char *type = fact(v, "gid_type"), *gid = fact(v, "gid");
	bool ipv6 = gid && strchr(gid, ':');

	*ret_exact = true;
	if (is(layer, "Ethernet") && is(type, "RoCE v1"))
		return AROUND_ROCE_V1;
	if (is(layer, "Ethernet"))
		return AROUND_ROCE_V2 + (is(type, "RoCE v2") && ipv6 ? MORE_BY_IPV6 : 0);
	*ret_exact = is(layer, "InfiniBand");
	return AROUND_INFINIBAND + (is(fact(v, "route"), "global") ? MORE_BY_GRH : 0);
}

/* That both sides use, else that the port is set to; the most there is where neither is known. */
static double mtu_of(const struct fl_lane_verdict *v, bool *ret_known)
{
	double mtu = number_fact(v, "path_mtu");

	if (isnan(mtu))
		mtu = number_fact(v, "active_mtu");
	*ret_known = mtu >= MTU_LEAST && mtu <= MTU_MOST;
	return *ret_known ? mtu : MTU_MOST;
}

/* The payload's share of what goes over the wire. Of a lane without `size` that of long messages. */
static double payload_share(const struct fl_lane_verdict *v, double mtu, double header)
{
	double size = fl_json_number_or_nan(v->options, "size");

	return size > 0 ? size / (size + ceil(size / mtu) * header) : mtu / (mtu + header);
}

/* ---- what is to be expected */

/* Bytes that are asked for and not yet there; infinite: the lane does not say. */
static double under_way(const struct fl_lane_verdict *v)
{
	double size = fl_json_number_or_nan(v->options, "size"), depth = fl_json_number_or_nan(v->options, "depth");
	double qps = fl_json_number_or_nan(v->options, "qps");

	return isfinite(depth) ? size * depth * (isfinite(qps) ? qps : 1) : (double)INFINITY;
}

static void expect(const struct fl_lane_verdict *v, struct fl_hop *hop)
{
	char least[FL_UNIT_TEXT];
	char *why = NULL;

	if (v->each)
		why = fl_dup("what a port reaches in both directions at once has not been published");
	else if (!(fl_json_number_or_nan(v->options, "size") >= FILLING_BYTES))
		why = fl_format("only messages of %s or more are expected to fill it",
				fl_show_bytes(least, FILLING_BYTES));
	else if (under_way(v) < UNDER_WAY_BYTES)
		why = fl_format("only with %s or more under way it is expected to be filled",
				fl_show_bytes(least, UNDER_WAY_BYTES));
	else
		hop->expected = share;
	if (why)
		fl_hop_unknown(hop, why, true);
	free(why);
}

void fl_add_rdma_port(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_end *nic, bool sending,
		      double crossings)
{
	struct fl_hop *hop =
		fl_hop_add(v, fl_format("%s port, %s", nic->name, sending ? "sending" : "receiving"), crossings);
	const char *stated = fact(v, "link_layer"), *layer = stated ? stated : nic->port->link_layer.value;
	const char *why = why_no_limit(s, v, nic->port), *why_rate = nic->port->rate_bits_per_s.why;
	double rate = rate_of(v, nic->port, layer);
	bool knows_mtu, knows_headers;
	double mtu = mtu_of(v, &knows_mtu), header = around(v, layer, &knows_headers);
	char *origin;

	hop->named = true;
	hop->link = nic->port;
	hop->towards = !sending;
	if (!why && !(isfinite(rate) && rate > 0))
		why = why_rate ? why_rate : "its rate is not known: what the port says of it may be less than it is";
	if (why) {
		fl_hop_unknown(hop, why, true);
		return;
	}
	origin = !knows_headers ? fl_dup("computed, loose: its link layer is not known")
		 : !knows_mtu	? fl_dup("computed, loose: the MTU is not known")
				: fl_format("computed, %.64s with an MTU of %.0f", layer, mtu);
	fl_hop_know(hop, rate / 8 * payload_share(v, mtu, header), knows_mtu && knows_headers, origin);
	free(origin);
	expect(v, hop);
}
