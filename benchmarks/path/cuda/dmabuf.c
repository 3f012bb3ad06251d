/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/dmabuf.c: memory of a GPU for other devices. */
#include "path/cuda/dmabuf.h"
#include <errno.h>
#include <unistd.h>

/* ---- the driver, which no program is linked with: what the runtime has no call for. Written down from the
 * documentation of CUDA's driver API; results are numbers of cudaError_t. */

enum { DMA_BUF_SUPPORTED = 124, SYNC_MEMOPS = 6, DMA_BUF_FD = 1 };

union call {
	void *found;
	int (*device_get)(int *ret, int number);
	int (*device_attribute)(int *ret, int attribute, int device);
	int (*pointer_set)(const void *value, int attribute, unsigned long long at);
	int (*handle)(void *ret, unsigned long long at, size_t bytes, int type, unsigned long long flags);
};

/* version: of CUDA, in which the call is as above. *ret NULL: the driver has none. */
static int find(const char *name, unsigned version, union call *ret, struct fl_err *err)
{
	enum cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
	cudaError_t rc;

	ret->found = NULL;
#if CUDART_VERSION >= 12050
	rc = cudaGetDriverEntryPointByVersion(name, &ret->found, version, cudaEnableDefault, &found);
#elif CUDART_VERSION >= 12000
	(void)version;
	rc = cudaGetDriverEntryPoint(name, &ret->found, cudaEnableDefault, &found);
#else
	(void)version;
	rc = cudaGetDriverEntryPoint(name, &ret->found, cudaEnableDefault);
	found = rc == cudaSuccess ? cudaDriverEntryPointSuccess : found;
#endif
	if (rc == cudaErrorSymbolNotFound || (rc == cudaSuccess && found != cudaDriverEntryPointSuccess)) {
		cudaGetLastError();
		ret->found = NULL;
		return 0;
	}
	return fl_cuda_check(rc, "find a call of the driver", err);
}

static int check(int rc, const char *call, struct fl_err *err)
{
	return fl_cuda_check((cudaError_t)rc, call, err);
}

/* ---- what there is */

/* An attribute that the driver does not know yet is 0. */
static int ask_driver(const struct fl_cuda_device *device, bool *ret, struct fl_err *err)
{
	union call get, attribute, handle;
	int cu = 0, has = 0, code = 0;
	int rc = find("cuDeviceGet", 2000, &get, err);

	*ret = false;
	if (rc == 0)
		rc = find("cuDeviceGetAttribute", 2000, &attribute, err);
	if (rc == 0)
		rc = find("cuMemGetHandleForAddressRange", 11070, &handle, err);
	if (rc < 0 || !get.found || !attribute.found || !handle.found)
		return rc;
	rc = check(get.device_get(&cu, device->number), "cuDeviceGet", err);
	if (rc == 0)
		code = attribute.device_attribute(&has, DMA_BUF_SUPPORTED, cu);
	if (rc == 0 && code != (int)cudaErrorInvalidValue)
		rc = check(code, "cuDeviceGetAttribute", err);
	*ret = rc == 0 && code == 0 && has;
	return rc;
}

int fl_cuda_offer(const struct fl_cuda_device *device, struct fl_cuda_offer *ret, struct fl_err *err)
{
	struct fl_cuda_offer offer = { 0 };
	int peer = 0, ordering = 0, flushes = 0;
	int rc = fl_cuda_device_use(device, err);

	if (rc == 0)
		rc = ask_driver(device, &offer.dmabuf, err);
	if (rc == 0)
		rc = FL_CUDA(err, cudaDeviceGetAttribute(&peer, cudaDevAttrGPUDirectRDMASupported, device->number));
	if (rc == 0)
		rc = FL_CUDA(err,
			     cudaDeviceGetAttribute(&ordering, cudaDevAttrGPUDirectRDMAWritesOrdering, device->number));
	if (rc == 0)
		rc = FL_CUDA(err, cudaDeviceGetAttribute(&flushes, cudaDevAttrGPUDirectRDMAFlushWritesOptions,
							 device->number));
	if (rc < 0)
		return rc;
	offer.peer = peer != 0;
	offer.order = ordering >= (int)cudaGPUDirectRDMAWritesOrderingOwner ? FL_CUDA_ORDERED
		      : flushes & cudaFlushGPUDirectRDMAWritesOptionHost    ? FL_CUDA_FLUSHED
									    : FL_CUDA_UNORDERED;
	*ret = offer;
	return 0;
}

/* ---- memory */

/* What a dma-buf wants, and nvidia_p2p_get_pages(), which finds memory by its address. */
static uint64_t page_bytes(void)
{
	const uint64_t gpu = 64 << 10, host = (uint64_t)sysconf(_SC_PAGESIZE);

	return host > gpu ? host : gpu;
}

static uint64_t round_up(uint64_t bytes)
{
	return (bytes + page_bytes() - 1) / page_bytes() * page_bytes();
}

static int set_sync(void *at, struct fl_err *err)
{
	const unsigned yes = 1;
	union call set;
	int rc = find("cuPointerSetAttribute", 6000, &set, err);

	if (rc == 0 && !set.found)
		return fl_fail(err, -EOPNOTSUPP, "the CUDA driver has no cuPointerSetAttribute");
	return rc == 0 ? check(set.pointer_set(&yes, SYNC_MEMOPS, (uintptr_t)at), "cuPointerSetAttribute", err) : rc;
}

int fl_cuda_pages(const struct fl_cuda_device *device, uint64_t bytes, void **ret_base, void **ret, struct fl_err *err)
{
	void *base = NULL;
	int rc = fl_cuda_alloc(device, round_up(bytes) + page_bytes(), &base, err);

	if (rc == 0)
		rc = set_sync(base, err);
	if (rc < 0) {
		fl_cuda_free(device, base);
		return rc;
	}
	*ret_base = base;
	*ret = (char *)base + (round_up((uintptr_t)base) - (uintptr_t)base);
	return 0;
}

int fl_cuda_dmabuf(const struct fl_cuda_device *device, void *at, uint64_t bytes, int *ret_fd, struct fl_err *err)
{
	union call handle;
	int fd = -1, code = 0, rc = fl_cuda_device_use(device, err);

	if (rc == 0)
		rc = find("cuMemGetHandleForAddressRange", 11070, &handle, err);
	if (rc < 0)
		return rc;
	if (handle.found)
		code = handle.handle(&fd, (uintptr_t)at, round_up(bytes), DMA_BUF_FD, 0);
	if (!handle.found || code == (int)cudaErrorNotSupported)
		return fl_fail(err, -EOPNOTSUPP, "the driver of %s gives no dma-buf", device->id);
	rc = check(code, "cuMemGetHandleForAddressRange", err);
	if (rc == 0)
		*ret_fd = fd;
	return rc;
}

int fl_cuda_settle(const struct fl_cuda_device *device, const struct fl_cuda_offer *offer, struct fl_err *err)
{
	int rc = fl_cuda_device_use(device, err);

	if (rc < 0 || offer->order != FL_CUDA_FLUSHED)
		return rc;
	return FL_CUDA(err, cudaDeviceFlushGPUDirectRDMAWrites(cudaFlushGPUDirectRDMAWritesTargetCurrentDevice,
							       cudaFlushGPUDirectRDMAWritesToOwner));
}
