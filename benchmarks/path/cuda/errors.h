/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/errors.h: what an error of CUDA means here. Numbers are those of cudaError_t, so that this needs no
 * header of CUDA; call.c holds them against it. */
#ifndef PATH_CUDA_ERRORS_H
#define PATH_CUDA_ERRORS_H
#include <stddef.h>

enum {
	FL_CUDA_MEMORY_ALLOCATION = 2,
	FL_CUDA_INSUFFICIENT_DRIVER = 35,
	FL_CUDA_DEVICES_UNAVAILABLE = 46,
	FL_CUDA_NO_DEVICE = 100,
	FL_CUDA_INVALID_DEVICE = 101,
	FL_CUDA_DEVICE_UNINITIALIZED = 201,
	FL_CUDA_NO_KERNEL_IMAGE = 209,
	FL_CUDA_ECC_UNCORRECTABLE = 214,
	FL_CUDA_UNSUPPORTED_PTX = 222,
	FL_CUDA_OPERATING_SYSTEM = 304,
	FL_CUDA_LAUNCH_FAILURE = 719,
	FL_CUDA_SYSTEM_NOT_READY = 802,
	FL_CUDA_SYSTEM_DRIVER_MISMATCH = 803,
	FL_CUDA_UNKNOWN = 999,
};

/* -ENOMEM: no memory; -EBUSY: somebody has the device for himself; -ENOSYS: there is no driver, or one that this build
 * cannot use; -ENXIO: CUDA does not show the device, or cannot use it yet; -ENODEV: it is lost, and the run need not
 * try it again; -EIO: any other. 0 for 0. */
int fl_cuda_errno(int error);

/* What to do about it, one line; empty where there is nothing to say. Versions as CUDA has them, 13000 for 13.0;
 * driver: the newest CUDA that it can do, 0 where there is none. */
void fl_cuda_hint(int error, int runtime_version, int driver_version, char *ret, size_t room);

/* The first driver that can run programs of that CUDA runtime: 580 for 13000. */
unsigned fl_cuda_driver_for(int runtime_version);

#endif
