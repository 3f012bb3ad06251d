/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/request.h: a ring of requests of one kind at one queue pair. They are made once; before they are given to
 * the device, in lists, each gets what is its own: addresses, a number, operands. */
#ifndef PATH_RDMA_REQUEST_H
#define PATH_RDMA_REQUEST_H
#include "path/rdma/post.h"

/* In the wr_id of a completion, beside the number of the queue pair. */
#define FL_RDMA_ID_RECEIVE UINT64_C(0x100000000)
#define FL_RDMA_ID_LAST	   UINT64_C(0x200000000)

struct fl_rdma_requests {
	struct ibv_qp *qp;
	struct ibv_send_wr *wr; /* depth of them */
	struct ibv_sge *sge;
	struct fl_rdma_cursor at;
	uint64_t word, first_word; /* of atomics: what the next one finds, and what the first of its lap found */
	unsigned pair, next;	   /* next: in the ring */
	uint64_t posted, done;
	bool ending, ended; /* the last request is under way; is done */
};

const char *fl_rdma_kind_name(enum fl_rdma_kind kind); /* "write" */

/* -EINVAL: numbers that do not fit each other, more inline than the link can, memory here or there that is too short;
 * -EMSGSIZE: more than the transport carries at once; -EOPNOTSUPP: the transport or a device cannot do it. */
int fl_rdma_requests_check(const struct fl_rdma_post_spec *s, struct fl_err *err);
int fl_rdma_requests_make(const struct fl_rdma_post_spec *s, unsigned pair, struct fl_rdma_requests *ret); /* -ENOMEM */
void fl_rdma_requests_free(struct fl_rdma_requests *r);

/* Gives the device another list. 0, or the errno (positive). */
int fl_rdma_requests_post(const struct fl_rdma_post_spec *s, struct fl_rdma_requests *r);

/* After all are done: what tells the other side, or tells of it, that all of them are where they belong (post.h). Its
 * completion has FL_RDMA_ID_LAST. 0: also where there is no such thing, which then has ended; or the errno. */
int fl_rdma_requests_end(const struct fl_rdma_post_spec *s, struct fl_rdma_requests *r);

#endif
