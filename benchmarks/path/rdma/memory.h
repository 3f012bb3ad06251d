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

/* How the NIC gets to know memory of a GPU: by a dma-buf, by its plain address and a kernel module that its driver
 * asks (peer memory, nvidia_peermem), or by what goes first of the two, in that order. In the order of the words of
 * option gpu_memory of rdma/fields.h. */
enum fl_rdma_way { FL_RDMA_ANY_WAY, FL_RDMA_DMABUF, FL_RDMA_PEER };

/* Memory of a GPU, from builds that have it. */
struct fl_rdma_gpu {
	void *arg;
	int (*alloc)(void *arg, uint64_t bytes, void **ret, struct fl_err *err);
	/* A dma-buf in which it lies from *ret_offset on; the descriptor is the caller's. -EOPNOTSUPP: no dma-buf
	 * here. */
	int (*dmabuf)(void *arg, void *at, uint64_t bytes, int *ret_fd, uint64_t *ret_offset, struct fl_err *err);
	void (*free)(void *arg, void *at);
	/* May a kernel module look for it by its address? -EOPNOTSUPP: not on this GPU. NULL: it may not. */
	int (*peer)(void *arg, struct fl_err *err);
	/* Bytes to and from it, by the GPU; settle: what the NIC wrote before is seen after. */
	int (*put)(void *arg, void *to, const void *from, uint64_t bytes, struct fl_err *err);
	int (*get)(void *arg, void *to, const void *from, uint64_t bytes, struct fl_err *err);
	int (*settle)(void *arg, struct fl_err *err);
	void (*state)(void *arg, struct fl_lane *lane); /* facts; NULL: none */
	void (*close)(void *arg);			/* after free; *this is gone then. NULL: it stays */
};

struct fl_rdma_memory_spec {
	struct fl_lane *lane;
	const struct fl_rdma_port *port;
	uint64_t bytes;
	int node; /* as in fl_alloc */
	unsigned rights;
	bool relaxed;
	const struct fl_rdma_gpu *gpu; /* NULL: memory of the host */
	enum fl_rdma_way way;	       /* of a GPU's */
};

struct fl_rdma_memory {
	char *at; /* of a GPU: what the device and the other side call it */
	uint64_t bytes;
	struct ibv_mr *mr;
	unsigned rights;
	bool relaxed;
	const struct fl_rdma_gpu *gpu;
	enum fl_rdma_way way; /* by which the NIC really knows it */
};

/* From open. -ENOMEM: also where less may be locked, with the limit; -EOPNOTSUPP: memory of a GPU, and no way to it, or
 * not the one that was asked for; others: refused, and by whom. */
int fl_rdma_memory_make(const struct fl_rdma_memory_spec *spec, struct fl_rdma_memory *ret, struct fl_err *err);
/* After the queue pairs; of a zeroed one: nothing. Memory of the host is freed by the harness. */
void fl_rdma_memory_release(struct fl_rdma_memory *m);

/* FL_RDMA_MEMORY_FACTS of path/rdma/facts.h. */
void fl_rdma_memory_state(const struct fl_rdma_memory *m, struct fl_lane *lane);

#endif
