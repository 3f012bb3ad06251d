/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/ping.h: one message on its way at a time, and how long that takes. Rank 0 asks, and:
 *   IBV_WR_RDMA_WRITE   rank 1 writes back. Both look at the last byte of the place where the next message arrives
 *   IBV_WR_SEND         rank 1 sends back. Both wait for a completion of a receive
 *   IBV_WR_RDMA_READ    the device of rank 1 answers, rank 1 does nothing
 *   IBV_WR_ATOMIC_FETCH_AND_ADD, IBV_WR_ATOMIC_CMP_AND_SWP   likewise, of 8 bytes; the latter always finds what it
 *                       compares with
 *
 * Each message has its number in its last 8 bytes, multiplied so that at least two bits of the last byte change from
 * one in a place to the next one there: one bit that is wrong never looks like a message that has not come. Long ones
 * have it every 256 bytes, which is in every packet. A write is seen by its last byte: bytes before it are there then,
 * since devices write them in order, unless memory is registered for relaxed ordering, which is refused.
 *
 * Messages go out of two places and arrive in two, in turn, which caches hold. What arrived is looked at, and the next
 * message made, beside the path that is timed: by who asks after one trip and before the next, by who answers when the
 * answer is on its way. Reads arrive in one place, from two.
 *
 * Writes and sends tell that they are done every FL_RDMA_PING_GROUP times, and are asked beside that path. */
#ifndef PATH_RDMA_PING_H
#define PATH_RDMA_PING_H
#include "path/rdma/link.h"
#include <stdatomic.h>

/* What a link needs. RECEIVES: of IBV_WR_SEND, `apart`; others have none. */
enum { FL_RDMA_PING_GROUP = 64, FL_RDMA_PING_DEPTH = 2 * FL_RDMA_PING_GROUP, FL_RDMA_PING_RECEIVES = 32 };

struct fl_rdma_ping_spec {
	struct fl_rdma_link *link; /* of one pair; with events: they are slept for, which IBV_WR_RDMA_WRITE cannot */
	const struct fl_rdma_memory *memory; /* of this side, fl_rdma_ping_bytes() */
	const atomic_bool *halted;
	enum ibv_wr_opcode opcode;
	uint64_t size; /* of a message; of atomics 8 */
	bool asks;     /* this is rank 0 */
	bool inlined;  /* messages go with the request */
};

struct fl_rdma_ping;

uint64_t fl_rdma_ping_bytes(uint64_t size);
unsigned fl_rdma_ping_rights(enum ibv_wr_opcode opcode, bool asks); /* that the other side needs in that memory */

/* Fills the memory, posts the first receives: the other side asks only after that. -EINVAL: the transport has no such
 * operation, more inline than the link can, memory that is too short or relaxed; -EMSGSIZE: more than a datagram
 * (UD) takes. */
int fl_rdma_ping_open(const struct fl_rdma_ping_spec *spec, struct fl_rdma_ping **ret, struct fl_err *err);
void fl_rdma_ping_close(struct fl_rdma_ping *p); /* may be NULL; after its link */

/* Once there and back; the time of all of that in *ret_ns. -ECANCELED: halted; -ETIMEDOUT: nothing came for as long as
 * that takes with the patience of post.h; -EBADMSG: what came is not what was to come; or as wc.h says. All name the
 * other side. */
int fl_rdma_ping_ask(struct fl_rdma_ping *p, uint64_t *ret_ns, struct fl_err *err);

/* Waits for one and sends it back, likewise. */
int fl_rdma_ping_answer(struct fl_rdma_ping *p, struct fl_err *err);

/* Waits for a read or atomic that is under way; what is left of others ends with the queue pair. */
void fl_rdma_ping_drain(struct fl_rdma_ping *p);

/* What failed while it was drained, as fl_rdma_ping_ask says it; 0: nothing did. */
int fl_rdma_ping_cause(const struct fl_rdma_ping *p, struct fl_err *err);

/* After that: how many were made, of reads and atomics with the one that was waited for; false: something failed. */
bool fl_rdma_ping_trips(const struct fl_rdma_ping *p, uint64_t *ret);

/* Is the word that atomics change what so many come to? -EBADMSG. */
int fl_rdma_ping_check(const struct fl_rdma_ping *p, uint64_t trips, struct fl_err *err);

#endif
