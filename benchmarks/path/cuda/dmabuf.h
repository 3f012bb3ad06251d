/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/dmabuf.h: memory of a GPU that another device, a NIC, reads and writes by itself (GPUDirect RDMA).
 *
 * The other device learns where it is in one of two ways: by a dma-buf, which is a descriptor that any driver takes
 * (CUDA 11.7, Linux 5.12, the open kernel modules), or by its plain address, with a kernel module that the driver of
 * the device asks (peer memory: nvidia_peermem). Whether that module is there only the registration tells.
 *
 * What CUDA's documentation says of order: a GPU whose attribute WritesOrdering is at least "owner" sees what other
 * devices wrote to its memory before; of others it has to be flushed, where the attribute FlushWritesOptions says that
 * the host can. And operations that are synchronous by name may be none for such memory unless SYNC_MEMOPS is set. */
#ifndef PATH_CUDA_DMABUF_H
#define PATH_CUDA_DMABUF_H
#include "path/cuda/device.h"

/* How what other devices wrote becomes visible to the GPU's own copies. */
enum fl_cuda_order { FL_CUDA_ORDERED, FL_CUDA_FLUSHED, FL_CUDA_UNORDERED };

/* What a GPU and its driver offer to other devices. */
struct fl_cuda_offer {
	bool dmabuf, peer;
	enum fl_cuda_order order;
};
int fl_cuda_offer(const struct fl_cuda_device *device, struct fl_cuda_offer *ret, struct fl_err *err);

/* Memory that begins at a page of host and GPU (64 KiB) and has whole ones, as both ways want it; *ret_base: for
 * fl_cuda_free. The device is current afterwards. */
int fl_cuda_pages(const struct fl_cuda_device *device, uint64_t bytes, void **ret_base, void **ret, struct fl_err *err);

/* A dma-buf of all pages of such memory, which begins with it; the descriptor is the caller's. -EOPNOTSUPP: the driver
 * has no such thing. */
int fl_cuda_dmabuf(const struct fl_cuda_device *device, void *at, uint64_t bytes, int *ret_fd, struct fl_err *err);

/* Waits until the GPU sees what other devices have written to its memory, where that is not so by itself. */
int fl_cuda_settle(const struct fl_cuda_device *device, const struct fl_cuda_offer *offer, struct fl_err *err);

#endif
