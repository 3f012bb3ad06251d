/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/memory.h: memory on a stated NUMA node, or of a GPU, that a device may read and write.
 *
 * Relaxed ordering is a wish: a library or kernel that cannot do it leaves it out and tells nobody
 * (IBV_ACCESS_RELAXED_ORDERING is one of the optional flags), so the fact says no more than that it was asked for. */
#ifndef PATH_RDMA_MEMORY_H
#define PATH_RDMA_MEMORY_H
#include "path/rdma/port.h"

/* What the other side may do with it, one or more. */
enum { FL_RDMA_WRITABLE = 1, FL_RDMA_READABLE = 2, FL_RDMA_ATOMIC = 4 };

/* Memory of a GPU, from builds that have it. */
struct fl_rdma_gpu {
	void *arg;
	int (*alloc)(void *arg, uint64_t bytes, void **ret, struct fl_err *err);
	/* A dma-buf in which it lies from *ret_offset on; the descriptor is the caller's. -EOPNOTSUPP: no dma-buf
	 * here. */
	int (*dmabuf)(void *arg, void *at, uint64_t bytes, int *ret_fd, uint64_t *ret_offset, struct fl_err *err);
	void (*free)(void *arg, void *at);
};

struct fl_rdma_memory_spec {
	struct fl_lane *lane;
	const struct fl_rdma_port *port;
	uint64_t bytes;
	int node; /* as in fl_alloc */
	unsigned rights;
	bool relaxed;
	const struct fl_rdma_gpu *gpu; /* NULL: memory of the host */
};

struct fl_rdma_memory {
	char *at; /* of a GPU: what the device and the other side call it */
	uint64_t bytes;
	struct ibv_mr *mr;
	unsigned rights;
	bool relaxed;
	const struct fl_rdma_gpu *gpu;
};

/* From open. -ENOMEM: also where less may be locked, with the limit; -EOPNOTSUPP: no dma-buf; others: refused, and by
 * whom. */
int fl_rdma_memory_make(const struct fl_rdma_memory_spec *spec, struct fl_rdma_memory *ret, struct fl_err *err);
/* After the queue pairs; of a zeroed one: nothing. Memory of the host is freed by the harness. */
void fl_rdma_memory_release(struct fl_rdma_memory *m);

/* FL_RDMA_MEMORY_FACTS of path/rdma/facts.h. */
void fl_rdma_memory_state(const struct fl_rdma_memory *m, struct fl_lane *lane);

#endif
