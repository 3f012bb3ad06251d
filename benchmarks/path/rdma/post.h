/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/post.h: one thread that keeps the queue pairs of a link busy with requests of one kind and size.
 *
 * Requests are made once, and of each only its two addresses change. They are given to the device in lists; every so
 * many one tells that it and all before it are done. Completions are looked for without an end, or slept for. */
#ifndef PATH_RDMA_POST_H
#define PATH_RDMA_POST_H
#include "path/rdma/data.h"
#include "path/rdma/link.h"
#include <stdatomic.h>

struct fl_rdma_post_spec {
	struct fl_rdma_link *link;
	const struct fl_rdma_memory *memory; /* of this side */
	const struct fl_rdma_data *data;     /* what goes where; its size is that of a request */
	const atomic_bool *halted;
	enum ibv_wr_opcode opcode; /* IBV_WR_RDMA_WRITE: from the source here; IBV_WR_RDMA_READ: into the sinks here */
	unsigned depth;		   /* requests in flight of each pair, at most that of the link */
	unsigned list, signal;	   /* requests given at once; that one completion stands for. Both divide depth, and one
				    * of them the other */
	bool inlined;		   /* the request carries its bytes */
};

struct fl_rdma_post;

/* -EINVAL: numbers that do not fit each other, more inline than the link can, memory here or there that is too
 * short. */
int fl_rdma_post_open(const struct fl_rdma_post_spec *spec, struct fl_rdma_post **ret, struct fl_err *err);
void fl_rdma_post_close(
	struct fl_rdma_post *p); /* may be NULL; nothing may be in flight, or its link is closed first */

/* Goes on until n more requests are done, or a few more; how many in *ret. -ECANCELED: halted; -ETIMEDOUT: nothing was
 * done for FL_RDMA_PATIENCE_MS, or as wc.h says: with words that name the other side. */
enum { FL_RDMA_PATIENCE_MS = 10000 };
int fl_rdma_post_move(struct fl_rdma_post *p, uint64_t n, uint64_t *ret, struct fl_err *err);

/* Waits for all that is in flight; what does not end is flushed. The queues are empty after that. */
void fl_rdma_post_drain(struct fl_rdma_post *p);

/* How many requests of a pair were made, after all were drained; false: not all of them succeeded. */
bool fl_rdma_post_done(const struct fl_rdma_post *p, unsigned pair, uint64_t *ret);

#endif
