/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c: memory of devices and of the host, and whose an address is.
 *
 * Memory of a device lies behind an address that nothing may be mapped at: the host that follows such a pointer dies
 * of it, as it would on a real machine. The stub sees the bytes at another one. What was freed stays known, so that
 * its later use is told.
 *
 * Whatever makes or ends memory waits until no device of the process has anything to do: it need not with a real
 * driver, but it may. */
#include "parts.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* PAGE: where memory of a device begins. */
enum { GRAIN = 512, PAGE = 64 << 10 };

static size_t round_up(size_t bytes, size_t to)
{
	return (bytes + to - 1) / to * to;
}

/* ---- whose it is */

struct range *range_locked(const void *at, size_t bytes, const char **wrong)
{
	uintptr_t a = (uintptr_t)at;
	struct range *freed = NULL;

	for (struct range *r = stub.ranges; r; r = r->next) {
		if (a + bytes <= r->at || a >= r->at + r->bytes)
			continue;
		if (r->freed) {
			freed = r;
			continue;
		}
		if (a >= r->at && bytes <= r->bytes - (a - r->at))
			return r;
		*wrong = "memory that ends before the access does";
		return NULL;
	}
	if (freed)
		*wrong = "memory that was freed";
	return NULL;
}

static struct range *exact_locked(const void *at, enum owner owner)
{
	for (struct range *r = stub.ranges; r; r = r->next)
		if (r->at == (uintptr_t)at && r->owner == owner && !r->freed)
			return r;
	return NULL;
}

static bool overlaps_locked(const void *at, size_t bytes)
{
	uintptr_t a = (uintptr_t)at;

	for (const struct range *r = stub.ranges; r; r = r->next)
		if (!r->freed && a + bytes > r->at && a < r->at + r->bytes)
			return true;
	return false;
}

static void add_locked(const struct range *what)
{
	struct range *r = malloc(sizeof(*r));

	if (!r)
		abort();
	*r = *what;
	r->next = stub.ranges;
	stub.ranges = r;
}

/* Takes it off the list. */
static void forget_locked(const struct range *what)
{
	for (struct range **r = &stub.ranges; *r; r = &(*r)->next)
		if (*r == what) {
			struct range *gone = *r;

			*r = gone->next;
			free(gone);
			return;
		}
}

/* ---- devices */

/* The bytes at *real, and the address of the device at *at. */
static bool map(size_t bytes, void **at, struct range *r)
{
	void *p = MAP_FAILED;

	r->fd = memfd_create("cuda-stub", MFD_CLOEXEC);
	if (r->fd < 0)
		return false;
	if (ftruncate(r->fd, (off_t)bytes) == 0)
		p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (p != MAP_FAILED)
		*at = mmap(NULL, bytes + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	else
		*at = p;
	if (*at == MAP_FAILED) {
		if (p != MAP_FAILED)
			munmap(p, bytes);
		close(r->fd);
		return false;
	}
	*at = (char *)*at + (PAGE - (uintptr_t)*at % PAGE);
	r->real = p;
	return true;
}

cudaError_t cudaMalloc(void **at, size_t bytes)
{
	cudaError_t rc = enter("cudaMalloc", CAN_FAIL | CONTEXT, -1, NULL);
	int device = current_locked();
	size_t takes = round_up(bytes, GRAIN), mapped = round_up(bytes, 4096);
	struct range r;
	void *p;

	if (rc != cudaSuccess)
		return leave(rc);
	if (bytes == 0) {
		*at = NULL;
		return leave(cudaSuccess);
	}
	drain_devices_locked(-1);
	if (takes > stub.settings.memory_bytes - stub.devices[device].used_bytes)
		return leave(cudaErrorMemoryAllocation);
	r = (struct range){ .bytes = bytes, .mapped_bytes = mapped, .owner = OF_DEVICE, .device = device };
	if (!map(mapped, &p, &r))
		return leave(cudaErrorMemoryAllocation);
	r.at = (uintptr_t)p;
	add_locked(&r);
	stub.devices[device].used_bytes += takes;
	*at = p;
	return leave(cudaSuccess);
}

static void free_locked(struct range *r)
{
	munmap(r->real, r->mapped_bytes);
	close(r->fd);
	stub.devices[r->device].used_bytes -= round_up(r->bytes, GRAIN);
	r->real = NULL;
	r->freed = true; /* its address stays taken, so that nothing else is there */
}

/* Of NULL: makes the context and waits for nothing. */
cudaError_t cudaFree(void *at)
{
	cudaError_t rc = enter("cudaFree", CAN_FAIL | (at ? 0 : CONTEXT), -1, NULL);
	struct range *r = at ? exact_locked(at, OF_DEVICE) : NULL;

	if (!at)
		return leave(rc);
	if (!r) {
		misuse_locked("cudaFree of what is no memory of a device");
		return leave(rc != cudaSuccess ? rc : cudaErrorInvalidValue);
	}
	drain_devices_locked(-1);
	if (rc == cudaSuccess)
		rc = stub.devices[r->device].broken;
	free_locked(r);
	return leave(rc);
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes)
{
	cudaError_t rc = enter("cudaMemGetInfo", CAN_FAIL | CONTEXT, -1, NULL);

	if (rc == cudaSuccess) {
		*total_bytes = stub.settings.memory_bytes;
		*free_bytes = *total_bytes - stub.devices[current_locked()].used_bytes;
	}
	return leave(rc);
}

/* ---- the host */

cudaError_t cudaHostAlloc(void **at, size_t bytes, unsigned int flags)
{
	cudaError_t rc = enter("cudaHostAlloc", CAN_FAIL | CONTEXT, -1, NULL);
	size_t mapped = round_up(bytes, 4096);
	void *p;

	if (rc != cudaSuccess)
		return leave(rc);
	if (bytes == 0 || flags & ~7u)
		return leave(cudaErrorInvalidValue);
	drain_devices_locked(-1);
	p = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return leave(cudaErrorMemoryAllocation);
	add_locked(&(struct range){ .at = (uintptr_t)p,
				    .bytes = bytes,
				    .mapped_bytes = mapped,
				    .real = p,
				    .owner = HOST_ALLOCATED,
				    .device = current_locked() });
	*at = p;
	return leave(cudaSuccess);
}

cudaError_t cudaFreeHost(void *at)
{
	cudaError_t rc = enter("cudaFreeHost", CAN_FAIL, -1, NULL);
	struct range *r = exact_locked(at, HOST_ALLOCATED);

	if (!r) {
		misuse_locked("cudaFreeHost of what cudaHostAlloc did not give");
		return leave(rc != cudaSuccess ? rc : cudaErrorInvalidValue);
	}
	drain_devices_locked(-1);
	munmap(r->real, r->mapped_bytes);
	forget_locked(r);
	return leave(rc);
}

cudaError_t cudaHostRegister(void *at, size_t bytes, unsigned int flags)
{
	cudaError_t rc = enter("cudaHostRegister", CAN_FAIL | CONTEXT, -1, NULL);

	if (rc != cudaSuccess)
		return leave(rc);
	if (!at || bytes == 0 || flags & ~3u)
		return leave(cudaErrorInvalidValue);
	if (overlaps_locked(at, bytes))
		return leave(cudaErrorHostMemoryAlreadyRegistered);
	drain_devices_locked(-1);
	add_locked(&(struct range){ .at = (uintptr_t)at,
				    .bytes = bytes,
				    .real = at,
				    .owner = HOST_REGISTERED,
				    .device = current_locked() });
	return leave(cudaSuccess);
}

cudaError_t cudaHostUnregister(void *at)
{
	cudaError_t rc = enter("cudaHostUnregister", CAN_FAIL, -1, NULL);
	struct range *r = exact_locked(at, HOST_REGISTERED);

	if (!r) {
		misuse_locked("cudaHostUnregister of what is not registered");
		return leave(rc != cudaSuccess ? rc : cudaErrorHostMemoryNotRegistered);
	}
	drain_devices_locked(-1);
	forget_locked(r);
	return leave(rc);
}

/* Addresses are the same on both sides. */
cudaError_t cudaHostGetDevicePointer(void **device_at, void *at, unsigned int flags)
{
	cudaError_t rc = enter("cudaHostGetDevicePointer", CAN_FAIL | CONTEXT, -1, NULL);
	const char *wrong = NULL;
	struct range *r = range_locked(at, 1, &wrong);

	if (rc != cudaSuccess)
		return leave(rc);
	if (!r || r->owner == OF_DEVICE || flags) {
		misuse_locked("cudaHostGetDevicePointer of what is not pinned");
		return leave(cudaErrorInvalidValue);
	}
	*device_at = at;
	return leave(cudaSuccess);
}

/* What a reset takes: the device's own memory, with the memory of its freed addresses, and what was pinned with it. */
void release_memory_locked(int device)
{
	struct range *next;

	for (struct range *r = stub.ranges; r; r = next) {
		next = r->next;
		if (r->device != device)
			continue;
		if (r->owner == OF_DEVICE) {
			if (!r->freed)
				free_locked(r);
			munmap((void *)r->at, r->mapped_bytes);
		}
		if (r->owner == HOST_ALLOCATED)
			munmap(r->real, r->mapped_bytes);
		forget_locked(r);
	}
}
