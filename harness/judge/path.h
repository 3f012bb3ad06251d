/* SPDX-License-Identifier: Apache-2.0 */
/* path.h: what the files share that find the hops of a lane (path.c). Caps are of the hop itself until all crossings
 * are known; then they are of the payload. */
#ifndef FL_JUDGE_PATH_H
#define FL_JUDGE_PATH_H
#include "judge/parts.h"

/* ---- ends.c: where a flow begins or ends */
#define FL_INTERFACE "interface" /* by which the lanes of a group reach each other: an option, and an end of flows */
struct fl_end {
	enum { FL_END_CPU, FL_END_MEMORY, FL_END_DRIVE, FL_END_NIC, FL_END_GPU, FL_END_UNKNOWN } kind;
	bool named;		   /* by a device or path option */
	int node;		   /* -1: unknown */
	char *name;		   /* "drive nvme-S1", owned */
	const struct fl_pci *pci;  /* NULL: not a PCI device, or not known to be one */
	const struct fl_gpu *gpu;  /* of FL_END_GPU */
	const struct fl_nic *port; /* of FL_END_NIC, where TCP or RDMA goes over its port */
	bool rdma;
	const char *why; /* of FL_END_UNKNOWN */
};
struct fl_end fl_end_find(const struct fl_subject *s, const struct fl_lane_verdict *v, const char *name);
/* Is that end the NIC by which the lanes of a group reach each other? */
bool fl_end_is_between(const struct fl_entry *e, const char *name);
/* The DRAM of a node; -1: of one that is not known. */
struct fl_end fl_end_memory(const struct fl_machine *m, int node);

/* ---- path.c: the list of hops */
/* Takes the name over. The same hop twice is one with the crossings of both. Valid until the next one. */
struct fl_hop *fl_hop_add(struct fl_lane_verdict *v, char *name, double crossings);
/* It has no cap, and why. named: by a flow. */
void fl_hop_unknown(struct fl_hop *hop, const char *why, bool named);
/* It has one. exact: else it is a bound, and the origin must say so. */
void fl_hop_know(struct fl_hop *hop, double cap_bytes_per_s, bool exact, const char *origin);
/* What a link is, so that its two directions, and how much is to be expected of it, are found. */
void fl_hop_is(struct fl_hop *hop, enum fl_link_kind kind, const void *link, bool towards);

/* Something seen on the path, once; takes the text. */
void fl_path_finding(struct fl_lane_verdict *v, char *text);

/* ---- pcie_path.c: between a device, the switches above it and the root complex
 * Its own link, then the uplink of every switch below the i-th port of its way; all: up to the root. towards: down to
 * it. kind: how the payload is moved. */
enum { FL_ALL_PORTS = 1 << 16 };
void fl_add_pcie(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_end *device, size_t below,
		 bool towards, enum fl_link_kind kind, double crossings);

/* ---- peers.c: from one device to another, or to itself */
void fl_add_peers(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_end *from,
		  const struct fl_end *to, double crossings);
/* A device and memory: over PCIe, or over NVLinks to the CPU where it has such. */
void fl_add_host_side(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_end *device, bool towards,
		      double crossings);
/* Source and sink on different nodes: the payload crosses what is between them. */
void fl_add_socket_link(const struct fl_subject *s, struct fl_lane_verdict *v, int from, int to, double crossings);

/* ---- port.c: the port of a NIC over which TCP goes. sending: out of this host. */
void fl_add_port(struct fl_lane_verdict *v, const struct fl_end *nic, bool sending, double crossings);

/* ---- rdma_port.c: the same of one by which RDMA goes */
void fl_add_rdma_port(const struct fl_subject *s, struct fl_lane_verdict *v, const struct fl_end *nic, bool sending,
		      double crossings);

/* ---- expect.c: how much of its cap each hop of a link is known to reach, when all hops are known */
void fl_expect(const struct fl_subject *s, struct fl_lane_verdict *v);

#endif
