/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/port.h: a port of an RDMA device, opened and looked at, with the address (GID) and the MTU that are used.
 *
 * GID, where nobody gave an index. On Ethernet (RoCE) the first of: RoCE v2 with an IPv4 address, RoCE v2 with an IPv6
 * address that is not link-local. RoCE v1, which no router lets through, is used by index only. On InfiniBand index 0,
 * which is used where a global route is; one that was asked for is used, so the route is a global one.
 * MTU, where nobody gave one: what the port is set to. */
#ifndef PATH_RDMA_PORT_H
#define PATH_RDMA_PORT_H
#include <feedline/bench.h>
#include <infiniband/verbs.h>
#include <stdatomic.h>

struct fl_rdma_port_spec {
	const char *device; /* "mlx5_0"; "": that of the interface, or the only one */
	const char
		*interface; /* "eth0": the address is one of it; "": any. RoCE alone: InfiniBand goes by its device */
	unsigned port;	    /* 1 ..; 0: the first that is active */
	const char *gid;    /* "auto" or an index, "3" */
	const char *mtu;    /* "auto" or bytes, "256" .. "4096" */
};

enum { FL_RDMA_NAME = 96, FL_RDMA_FIRMWARE = 65 };

struct fl_rdma_port {
	struct ibv_context *context;
	struct ibv_pd *pd;
	char name[FL_RDMA_NAME]; /* "mlx5_0 port 1", for messages */
	char device[FL_RDMA_NAME];
	char firmware[FL_RDMA_FIRMWARE];
	struct ibv_device_attr limits; /* of the device */
	struct ibv_port_attr attr;
	uint8_t number;
	bool is_ethernet;
	struct ibv_gid_entry gid;
	bool gid_given;	   /* by its index */
	enum ibv_mtu mtu;  /* that is used, at most attr.active_mtu */
	bool mtu_given;	   /* it was asked for: nobody makes it less */
	int node;	   /* NUMA node of the device; -1: not known */
	atomic_uint heard; /* of path/rdma/events.h alone */
};

/* -ENODEV: no RDMA here, or no such device or interface, with those that there are; -ENETDOWN: the port is not active,
 * with its state; -EADDRNOTAVAIL: no GID by the rule, or nothing at that index, or no LID; -EINVAL: what no device has;
 * -EMSGSIZE: an MTU above what the port is set to; -EOPNOTSUPP: it is neither InfiniBand nor RoCE; -EACCES and
 * others: why it could not be opened. */
int fl_rdma_port_open(const struct fl_rdma_port_spec *spec, struct fl_rdma_port *ret, struct fl_err *err);
/* Can it be opened, and does it have atomics where these are wanted (else -EOPNOTSUPP)? With device NULL: is there any
 * RDMA device at all? */
int fl_rdma_port_probe(const struct fl_rdma_port_spec *spec, bool atomics, struct fl_err *err);
int fl_rdma_port_atomics(const struct fl_rdma_port *p, struct fl_err *err); /* -EOPNOTSUPP: it has none */
void fl_rdma_port_close(struct fl_rdma_port *p); /* after all that was made of it; of a zeroed one: nothing */

/* Are its packets addressed by GID, in a global route: RoCE always, InfiniBand where the port wants it, or somebody
 * asked for a GID? Else by LID. */
bool fl_rdma_port_is_global(const struct fl_rdma_port *p);

/* "RoCE v2", "RoCE v1", "IB" */
const char *fl_rdma_gid_type(const struct ibv_gid_entry *gid);
bool fl_rdma_gid_is_ipv4(const union ibv_gid *gid);
enum { FL_RDMA_GID_TEXT = 48 };
void fl_rdma_gid_text(const union ibv_gid *gid, char ret[FL_RDMA_GID_TEXT]); /* "10.1.0.2", "fd00::2" */

unsigned fl_rdma_mtu_bytes(enum ibv_mtu mtu); /* 0: it is none */

/* What the port can carry, line coding taken off: lanes by their speed. 0: not known. On Ethernet the slowest speed
 * stands for all up to 1 Gb/s and for "unknown", and lanes of the older speeds carry what their name says: their coding
 * is not that of InfiniBand. */
uint64_t fl_rdma_port_bits_per_s(const struct ibv_port_attr *attr);

/* FL_RDMA_PORT_FACTS of path/rdma/facts.h. */
void fl_rdma_port_state(const struct fl_rdma_port *p, struct fl_lane *lane);
void fl_rdma_port_state_atomics(const struct fl_rdma_port *p, struct fl_lane *lane); /* FL_RDMA_ATOMIC_FACT */

#endif
