/* SPDX-License-Identifier: Apache-2.0 */
/* driver.c: the few calls of the driver that are found by name, and memory that other devices read and write. */
#include "parts.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { DMA_BUF_SUPPORTED = 124, SYNC_MEMOPS = 6, DMA_BUF_FD = 1, HOST_PAGE = 4096 };

static bool has(unsigned bits, int device)
{
	return bits & 1u << gpu_of(device);
}

static int device_get(int *ret, int number)
{
	cudaError_t rc = enter("cuDeviceGet", CAN_FAIL, VISIBLE(number), NULL);
	int d = device_locked(number);

	if (rc == cudaSuccess && d < 0)
		rc = cudaErrorInvalidDevice;
	if (rc == cudaSuccess)
		*ret = d;
	return (int)leave(rc);
}

static int device_attribute(int *ret, int attribute, int device)
{
	cudaError_t rc = enter("cuDeviceGetAttribute", CAN_FAIL, -1, NULL);

	if (rc == cudaSuccess && attribute != DMA_BUF_SUPPORTED) {
		misuse_locked("attribute %d of the driver is not known here", attribute);
		rc = cudaErrorInvalidValue;
	}
	if (rc == cudaSuccess)
		*ret = !has(stub.settings.no_dmabuf, device);
	return (int)leave(rc);
}

static struct range *device_range_locked(unsigned long long at, size_t bytes, const char *call)
{
	const char *wrong = "memory of the host";
	struct range *r = range_locked((const void *)(uintptr_t)at, bytes, &wrong);

	if (r && r->owner == OF_DEVICE)
		return r;
	misuse_locked("%s of %s", call, wrong);
	return NULL;
}

static int pointer_set(const void *value, int attribute, unsigned long long at)
{
	cudaError_t rc = enter("cuPointerSetAttribute", CAN_FAIL | CONTEXT, -1, NULL);
	struct range *r;

	if (rc != cudaSuccess)
		return (int)leave(rc);
	r = device_range_locked(at, 1, "cuPointerSetAttribute");
	if (!r || attribute != SYNC_MEMOPS || *(const unsigned *)value != 1)
		return (int)leave(cudaErrorInvalidValue);
	r->is_open = true;
	r->behind = has(stub.settings.lags, r->device);
	return (int)leave(cudaSuccess);
}

/* The same bytes by a descriptor, from the beginning of the range on. */
static int handle(void *ret, unsigned long long at, size_t bytes, int type, unsigned long long flags)
{
	cudaError_t rc = enter("cuMemGetHandleForAddressRange", CAN_FAIL | CONTEXT, -1, NULL);
	struct range *r;
	int fd;

	if (rc != cudaSuccess)
		return (int)leave(rc);
	r = device_range_locked(at, bytes, "cuMemGetHandleForAddressRange");
	if (!r || type != DMA_BUF_FD || flags || at % HOST_PAGE || bytes % HOST_PAGE || at != r->at)
		return (int)leave(cudaErrorInvalidValue);
	if (has(stub.settings.no_dmabuf, r->device))
		return (int)leave(cudaErrorNotSupported);
	if (!r->is_open)
		misuse_locked("a dma-buf of memory whose operations need not be synchronous");
	fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return (int)leave(cudaErrorOperatingSystem);
	*(int *)ret = fd;
	return (int)leave(cudaSuccess);
}

cudaError_t cudaGetDriverEntryPointByVersion(const char *name, void **call, unsigned int version,
					     unsigned long long flags, enum cudaDriverEntryPointQueryResult *found)
{
	const union {
		int (*device_get)(int *, int);
		int (*device_attribute)(int *, int, int);
		int (*pointer_set)(const void *, int, unsigned long long);
		int (*handle)(void *, unsigned long long, size_t, int, unsigned long long);
		void *found;
	} calls[] = { { .device_get = device_get },
		      { .device_attribute = device_attribute },
		      { .pointer_set = pointer_set },
		      { .handle = handle } };
	static const struct {
		const char *name;
		unsigned since;
	} names[] = { { "cuDeviceGet", 2000 },
		      { "cuDeviceGetAttribute", 2000 },
		      { "cuPointerSetAttribute", 6000 },
		      { "cuMemGetHandleForAddressRange", 11070 } };
	cudaError_t rc = enter("cudaGetDriverEntryPoint", CAN_FAIL, -1, NULL);

	if (rc != cudaSuccess || flags)
		return leave(rc != cudaSuccess ? rc : cudaErrorInvalidValue);
	*found = cudaDriverEntryPointSymbolNotFound;
	*call = NULL;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, name) && names[i].since == version) {
			*call = calls[i].found;
			*found = cudaDriverEntryPointSuccess;
			return leave(cudaSuccess);
		}
	return leave(cudaSuccess);
}

cudaError_t cudaDeviceFlushGPUDirectRDMAWrites(enum cudaFlushGPUDirectRDMAWritesTarget target,
					       enum cudaFlushGPUDirectRDMAWritesScope scope)
{
	cudaError_t rc = enter("cudaDeviceFlushGPUDirectRDMAWrites", CAN_FAIL | CONTEXT, -1, NULL);
	int device = current_locked();

	if (rc != cudaSuccess)
		return leave(rc);
	if (target != cudaFlushGPUDirectRDMAWritesTargetCurrentDevice || scope != cudaFlushGPUDirectRDMAWritesToOwner)
		return leave(cudaErrorInvalidValue);
	if (has(stub.settings.no_flush, device))
		return leave(cudaErrorNotSupported);
	for (struct range *r = stub.ranges; r; r = r->next)
		if (r->device == device)
			r->behind = false;
	return leave(cudaSuccess);
}

bool is_behind_locked(const void *at)
{
	const char *wrong = NULL;
	const struct range *r = range_locked(at, 1, &wrong);

	return r && r->behind;
}
