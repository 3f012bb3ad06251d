/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/device.c: GPUs from what the harness calls them to what CUDA does. */
#include "path/cuda/device.h"
#include "path/cuda/kernels.h"
#include "path/cuda/process.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- which one */

static bool is_part(const struct fl_device *which)
{
	return which->uuid && !strncmp(which->uuid, "MIG-", 4);
}

/* CUDA has the 16 bytes of it, others a text. */
static bool same_uuid(const char *text, const cudaUUID_t *uuid)
{
	char ours[41] = "GPU-";
	size_t n = 4;

	for (unsigned i = 0; i < 16; i++)
		n += (size_t)snprintf(ours + n, sizeof(ours) - n, "%s%02x",
				      i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
				      (unsigned)(unsigned char)uuid->bytes[i]);
	return !strcasecmp(text, ours);
}

static int find_by_uuid(const struct fl_device *which, int devices, int *ret, struct fl_err *err)
{
	for (int i = 0; i < devices; i++) {
		struct cudaDeviceProp properties;
		int rc = FL_CUDA(err, cudaGetDeviceProperties(&properties, i));

		if (rc < 0)
			return rc;
		if (which->uuid && same_uuid(which->uuid, &properties.uuid)) {
			*ret = i;
			return 0;
		}
	}
	return fl_cuda_check(cudaErrorInvalidDevice, "find the GPU by its UUID", err);
}

static int look_for(const struct fl_device *which, int *ret, struct fl_err *err)
{
	int devices, rc = FL_CUDA(err, cudaGetDeviceCount(&devices));

	if (rc < 0)
		return rc;
	if (is_part(which)) {
		if (devices != 1)
			return fl_fail(err, -ENXIO, "%s: CUDA shows %d devices and not this part of a GPU alone",
				       which->id, devices);
		*ret = 0;
		return 0;
	}
	if (which->pci)
		return fl_cuda_check(cudaDeviceGetByPCIBusId(ret, which->pci), "find the GPU by its PCI address", err);
	return find_by_uuid(which, devices, ret, err);
}

/* What was never found was not lost, whatever CUDA calls it: its first call says "unknown error" where the driver is
 * only half there. */
static int find(const struct fl_device *which, int *ret, struct fl_err *err)
{
	int rc = look_for(which, ret, err);

	if (rc == -ENODEV && err)
		err->code = -ENXIO;
	return rc == -ENODEV ? -ENXIO : rc;
}

/* ---- what it is */

static int ask(int number, enum cudaDeviceAttr what, int *ret, struct fl_err *err)
{
	return FL_CUDA(err, cudaDeviceGetAttribute(ret, what, number));
}

static int describe(struct fl_cuda_device *d, struct fl_err *err)
{
	struct cudaDeviceProp properties;
	int sms = 0, l2 = 0, mode = 0;
	int rc = FL_CUDA(err, cudaGetDeviceProperties(&properties, d->number));

	if (rc == 0)
		rc = ask(d->number, cudaDevAttrMultiProcessorCount, &sms, err);
	if (rc == 0)
		rc = ask(d->number, cudaDevAttrL2CacheSize, &l2, err);
	if (rc == 0)
		rc = ask(d->number, cudaDevAttrComputeMode, &mode, err);
	if (rc < 0)
		return rc;
	snprintf(d->model, sizeof(d->model), "%s", properties.name);
	d->sms = sms > 0 ? (unsigned)sms : 1;
	d->l2_bytes = l2 > 0 ? (uint64_t)l2 : 0;
	d->exclusive = mode == cudaComputeModeExclusiveProcess || mode == cudaComputeModeExclusive;
	return 0;
}

/* ---- its life */

/* The context, which the first call that needs one makes, and what is kept in it. Alone. */
static int enter(struct fl_cuda_device *d, struct fl_err *err)
{
	int rc = fl_cuda_device_use(d, err);

	if (rc == 0)
		rc = fl_cuda_check(cudaFree(NULL), "make a context", err);
	if (rc == 0)
		rc = fl_cuda_check((cudaError_t)fl_kernels_load(), "load the kernels", err);
	if (rc == 0)
		rc = FL_CUDA(err, cudaStreamCreateWithFlags(&d->stream, cudaStreamNonBlocking));
	if (rc == 0)
		rc = FL_CUDA(err, cudaMalloc(&d->scratch, FL_CUDA_SCRATCH_BYTES));
	return rc;
}

/* Where it cannot be made current, what it has is given back all the same. Alone. */
static void leave(struct fl_cuda_device *d)
{
	bool current = fl_cuda_device_use(d, NULL) == 0;

	if (d->scratch)
		cudaFree(d->scratch);
	if (d->stream)
		cudaStreamDestroy(d->stream);
	/* A worker may stay for a next case; others may need the device before. */
	if (fl_cuda_users_remove(d->number) == 0 && d->exclusive && current)
		cudaDeviceReset();
	cudaGetLastError();
}

int fl_cuda_device_open(const struct fl_device *which, struct fl_cuda_device *ret, struct fl_err *err)
{
	struct fl_cuda_device d = { .number = -1 };
	int rc = find(which, &d.number, err);

	if (rc == 0)
		rc = describe(&d, err);
	if (rc < 0)
		return rc;
	if (d.number < 0 || d.number >= FL_CUDA_DEVICES_MAX)
		return fl_fail(err, -ENXIO, "CUDA calls %s its device %d, which is beyond what is expected", which->id,
			       d.number);
	snprintf(d.id, sizeof(d.id), "%s", which->id ? which->id : "GPU");
	fl_cuda_alone_begin();
	fl_cuda_users_add(d.number);
	rc = enter(&d, err);
	if (rc < 0)
		leave(&d);
	fl_cuda_alone_end();
	if (rc == 0)
		*ret = d;
	return rc;
}

void fl_cuda_device_close(struct fl_cuda_device *device)
{
	if (device->number < 0)
		return;
	fl_cuda_alone_begin();
	leave(device);
	fl_cuda_alone_end();
	device->number = -1;
}

int fl_cuda_device_use(const struct fl_cuda_device *device, struct fl_err *err)
{
	return FL_CUDA(err, cudaSetDevice(device->number));
}

int fl_cuda_device_wait(const struct fl_cuda_device *device, struct fl_err *err)
{
	int rc = fl_cuda_device_use(device, err);

	return rc == 0 ? FL_CUDA(err, cudaStreamSynchronize(device->stream)) : rc;
}

/* ---- peers */

int fl_cuda_peer(const struct fl_cuda_device *by, const struct fl_cuda_device *other, bool *ret_direct,
		 struct fl_err *err)
{
	cudaError_t enabled;
	int can = 0, rc = fl_cuda_device_use(by, err);

	if (rc == 0)
		rc = FL_CUDA(err, cudaDeviceCanAccessPeer(&can, by->number, other->number));
	if (rc < 0)
		return rc;
	*ret_direct = can != 0;
	if (!can)
		return 0;
	fl_cuda_alone_begin();
	enabled = cudaDeviceEnablePeerAccess(other->number, 0);
	if (enabled == cudaErrorPeerAccessAlreadyEnabled) { /* by a lane before */
		cudaGetLastError();
		enabled = cudaSuccess;
	}
	fl_cuda_alone_end();
	return fl_cuda_check(enabled, "cudaDeviceEnablePeerAccess", err);
}

/* ---- memory */

int fl_cuda_alloc(const struct fl_cuda_device *device, uint64_t bytes, void **ret, struct fl_err *err)
{
	size_t left = 0, all = 0;
	cudaError_t got;
	int rc = fl_cuda_device_use(device, err);

	if (rc < 0)
		return rc;
	fl_cuda_alone_begin();
	got = cudaMalloc(ret, bytes);
	if (got == cudaErrorMemoryAllocation)
		cudaMemGetInfo(&left, &all);
	fl_cuda_alone_end();
	if (got != cudaErrorMemoryAllocation)
		return fl_cuda_check(got, "cudaMalloc", err);
	cudaGetLastError();
	rc = fl_fail(err, -ENOMEM, "%s has no %llu MiB of memory: %llu of %llu MiB are free", device->id,
		     (unsigned long long)bytes >> 20, (unsigned long long)left >> 20, (unsigned long long)all >> 20);
	fl_hint(err, "choose a smaller size, or end what else uses the GPU's memory");
	return rc;
}

void fl_cuda_free(const struct fl_cuda_device *device, void *at)
{
	if (!at)
		return;
	fl_cuda_device_use(device, NULL); /* or not: the address says whose it is */
	fl_cuda_alone_begin();
	cudaFree(at);
	fl_cuda_alone_end();
	cudaGetLastError();
}
