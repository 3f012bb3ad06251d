/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/gpu.h: memory of a GPU for a NIC, from path/cuda; or that of a node. gpu/cuda.c is compiled where there is
 * a CUDA toolkit, gpu/none.c elsewhere. */
#ifndef PATH_RDMA_GPU_H
#define PATH_RDMA_GPU_H
#include "path/rdma/memory.h"

/* fl_rdma_memory_make() on a node or a GPU (FL_RDMA_FIELDS_MEMORY of rdma/fields.h); the spec says the rest. Also
 * -ENOSYS: it is a GPU, and this build has no CUDA, or there is no driver; and what path/cuda/device.h says of GPUs. */
int fl_rdma_memory_on(const struct fl_device *where, const struct fl_rdma_memory_spec *spec, struct fl_rdma_memory *ret,
		      struct fl_err *err);

/* The bytes of buffers there that no cache holds; asked: 0, or what was asked for. Of a node: fl_cache_beyond(). Of a
 * GPU FL_RDMA_GPU_BYTES, four times the largest L2 that any has, or what was asked for, whatever that is. */
enum { FL_RDMA_GPU_BYTES = 512 << 20 };
int fl_rdma_beyond(const struct fl_device *where, uint64_t asked, uint64_t *ret, struct fl_err *err);

/* A GPU that gives one memory at a time; it ends with its own `close`. Errors: as above. */
int fl_rdma_gpu_open(const struct fl_device *which, struct fl_rdma_gpu **ret, struct fl_err *err);

#endif
