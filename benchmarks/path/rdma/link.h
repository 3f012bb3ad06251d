/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/link.h: queue pairs between the two lanes of a group, ready to send and to receive, and what each side
 * has to know of the other. Whatever the two do not agree in is named before anything is sent.
 *
 * Reliable transport gives up by itself: a request without an answer is repeated 6 times with a timeout of 134 ms,
 * which devices may stretch by up to four: an error after 1 to 4 s. A receiver that has no receive posted is waited
 * for without an end, since one that is only slow shall not fail: whoever sends looks after that himself.
 * Path MTU: the smaller of both, unless somebody asked for more. */
#ifndef PATH_RDMA_LINK_H
#define PATH_RDMA_LINK_H
#include "path/rdma/memory.h"

enum fl_rdma_transport { FL_RDMA_RC, FL_RDMA_UC, FL_RDMA_UD };

enum { FL_RDMA_PAIRS_MAX = 64, FL_RDMA_THREADS_MAX = 64, FL_RDMA_PEER_NAME = 160, FL_RDMA_GRH_BYTES = 40 };

struct fl_rdma_link_spec {
	struct fl_lane *lane;
	const char *const *roles; /* what the two are called */
	const struct fl_rdma_port *port;
	const struct fl_rdma_memory *memory; /* that the other side may use as its rights say */
	unsigned pairs;			     /* 1 .. FL_RDMA_PAIRS_MAX */
	unsigned threads;	  /* that have equal shares of them, and a completion queue each; 0: one has all */
	unsigned depth, receives; /* most requests, and receives, in the queue of each */
	unsigned inline_bytes;	  /* that requests can carry themselves; 0: none */
	bool inline_wish;	  /* with none where the device cannot do so many, which others fail for */
	enum fl_rdma_transport transport;
	unsigned traffic_class; /* 0 .. 255; other than 0 makes the route a global one */
	unsigned service_level; /* 0 .. 15; RoCE: 0 .. 7 */
	bool events;		/* completions can be slept for */
	bool apart;		/* receives complete in a queue of their own */
};

struct fl_rdma_link {
	/* Of each thread: of its queue pairs, those from thread * share on, with room for all that can be queued. */
	struct ibv_comp_channel *channel[FL_RDMA_THREADS_MAX]; /* NULL: without events */
	struct ibv_cq *cq[FL_RDMA_THREADS_MAX];
	struct ibv_cq *recv_cq[FL_RDMA_THREADS_MAX]; /* of receives; the same where they are not apart */
	struct ibv_qp *qp[FL_RDMA_PAIRS_MAX];
	struct ibv_ah *ah; /* UD: the other side */
	enum fl_rdma_transport transport;
	bool is_global;		      /* the other side is addressed by GID, with a GRH; else by LID */
	unsigned pairs, inline_bytes; /* what was got */
	unsigned threads, share;      /* share: queue pairs of a thread */
	unsigned reads;		      /* reads and atomics in flight of each that both devices can do */
	enum ibv_mtu mtu;
	uint32_t message_bytes; /* most of a message that the port takes; 0: not known */
	uint32_t remote_qpn[FL_RDMA_PAIRS_MAX], remote_qkey;
	uint64_t remote_at, remote_bytes; /* of its memory */
	uint32_t remote_rkey;
	unsigned remote_rights;
	char peer[FL_RDMA_PEER_NAME]; /* the other side, for messages: "rank 1 (target, 10.1.0.2)" */
};

/* Both make it, from open, at the same point. -EPROTO: the two were not asked for the same, or speak different things;
 * -EMSGSIZE: an MTU that was asked for is more than the other side's; -EHOSTUNREACH: its address does not answer;
 * -EINVAL: more than the device has room for; -ENOMEM. */
int fl_rdma_link_make(const struct fl_rdma_link_spec *spec, struct fl_rdma_link *ret, struct fl_err *err);

/* Can a request be of that size? -EMSGSIZE. */
int fl_rdma_link_check_size(const struct fl_rdma_link *l, uint64_t size, struct fl_err *err);

/* Ends whatever is queued by a thread: all of it completes with an error soon (flushed). Safe while another one posts
 * and polls. */
void fl_rdma_link_flush(struct fl_rdma_link *l, unsigned thread);

void fl_rdma_link_close(struct fl_rdma_link *l); /* of a zeroed one: nothing */

/* FL_RDMA_LINK_FACTS of path/rdma/facts.h. */
void fl_rdma_link_state(const struct fl_rdma_link *l, struct fl_lane *lane);

#endif
