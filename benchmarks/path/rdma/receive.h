/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/receive.h: a ring of receives at one queue pair, which are posted ahead of what comes, each for the next
 * slot of its sink. */
#ifndef PATH_RDMA_RECEIVE_H
#define PATH_RDMA_RECEIVE_H
#include "path/rdma/post.h"
#include <endian.h>
#include <errno.h>

struct fl_rdma_receives {
	struct ibv_qp *qp;
	struct ibv_recv_wr *wr; /* spec->receives of them */
	struct ibv_sge *sge;
	unsigned list, next;
	uint64_t first, stride;	       /* where the receive of the first slot begins; from one to the next */
	uint64_t post_slot, take_slot; /* in which the next one that is posted puts its bytes; that comes has them */
	uint64_t posted, done, taken;  /* taken: messages; done: these, and the word that there are no more */
	uint64_t dry;		       /* times that none was left */
	uint64_t *said;		       /* by slot, 1 + the number that the message has; 0: none came. NULL: in order */
	unsigned message_bytes, empty_bytes; /* as a completion counts them */
	bool in_parts;			     /* messages come in several packets, of which some may be lost */
	bool ended;
};

int fl_rdma_receives_make(const struct fl_rdma_post_spec *s, unsigned pair, struct fl_rdma_receives *ret); /* -ENOMEM */
void fl_rdma_receives_free(struct fl_rdma_receives *r);

/* As many as there is room for. 0, or the errno (positive). */
int fl_rdma_receives_post(const struct fl_rdma_post_spec *s, struct fl_rdma_receives *r);

/* One has come. 1: a message; 0: the word that there are no more; -EPROTO: neither. The next receive is at the head
 * now, and keeps what comes of a message whose rest is lost: what its slot had before is not known any more. */
static inline int fl_rdma_receives_take(struct fl_rdma_receives *r, const struct ibv_wc *wc, uint64_t slots)
{
	const uint64_t slot = r->take_slot, next = slot + 1 == slots ? 0 : slot + 1;

	r->done++;
	r->take_slot = next;
	if (wc->byte_len != r->message_bytes) {
		r->ended |= wc->byte_len == r->empty_bytes;
		return wc->byte_len == r->empty_bytes ? 0 : -EPROTO;
	}
	if (r->said)
		r->said[slot] = UINT64_C(1) + be32toh(wc->imm_data);
	if (r->in_parts)
		r->said[next] = 0;
	r->taken++;
	return 1;
}

#endif
