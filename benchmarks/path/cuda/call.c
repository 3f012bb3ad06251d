/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/call.c: errors of CUDA in words. */
#include "path/cuda/call.h"
#include "path/cuda/errors.h"
#include <stdio.h>
#include <string.h>

#define IS(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #theirs)
IS(FL_CUDA_MEMORY_ALLOCATION, cudaErrorMemoryAllocation);
IS(FL_CUDA_INSUFFICIENT_DRIVER, cudaErrorInsufficientDriver);
IS(FL_CUDA_DEVICES_UNAVAILABLE, cudaErrorDevicesUnavailable);
IS(FL_CUDA_NO_DEVICE, cudaErrorNoDevice);
IS(FL_CUDA_INVALID_DEVICE, cudaErrorInvalidDevice);
IS(FL_CUDA_DEVICE_UNINITIALIZED, cudaErrorDeviceUninitialized);
IS(FL_CUDA_NO_KERNEL_IMAGE, cudaErrorNoKernelImageForDevice);
IS(FL_CUDA_ECC_UNCORRECTABLE, cudaErrorECCUncorrectable);
IS(FL_CUDA_OPERATING_SYSTEM, cudaErrorOperatingSystem);
IS(FL_CUDA_LAUNCH_FAILURE, cudaErrorLaunchFailure);
IS(FL_CUDA_SYSTEM_NOT_READY, cudaErrorSystemNotReady);
IS(FL_CUDA_SYSTEM_DRIVER_MISMATCH, cudaErrorSystemDriverMismatch);
IS(FL_CUDA_UNKNOWN, cudaErrorUnknown);

static void versions(int *runtime, int *driver)
{
	if (cudaRuntimeGetVersion(runtime) != cudaSuccess)
		*runtime = 0;
	if (cudaDriverGetVersion(driver) != cudaSuccess)
		*driver = 0;
}

int fl_cuda_check(cudaError_t rc, const char *call, struct fl_err *err)
{
	int runtime, driver, code;
	char hint[200];

	if (rc == cudaSuccess)
		return 0;
	cudaGetLastError();
	versions(&runtime, &driver);
	if (rc == cudaErrorInsufficientDriver && driver == 0)
		code = fl_fail(err, fl_cuda_errno((int)rc), "there is no CUDA driver here");
	else if (rc == cudaErrorInsufficientDriver)
		code = fl_fail(err, fl_cuda_errno((int)rc),
			       "the CUDA driver is too old: it can do CUDA %d.%d, this build is of CUDA %d.%d (%s)",
			       driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10,
			       cudaGetErrorName(rc));
	else
		code = fl_fail(err, fl_cuda_errno((int)rc), "%.*s: %s (%s)", (int)strcspn(call, "("), call,
			       cudaGetErrorName(rc), cudaGetErrorString(rc));
	fl_cuda_hint((int)rc, runtime, driver, hint, sizeof(hint));
	if (hint[0])
		fl_hint(err, "%s", hint);
	return code;
}

int fl_cuda_driver(struct fl_err *err)
{
	int devices;
	int rc = FL_CUDA(err, cudaGetDeviceCount(&devices));

	if (rc == 0 && devices == 0)
		return fl_cuda_check(cudaErrorNoDevice, "cudaGetDeviceCount", err);
	return rc;
}

void fl_cuda_versions(char ret[FL_CUDA_VERSIONS_TEXT])
{
	int runtime, driver;

	versions(&runtime, &driver);
	snprintf(ret, FL_CUDA_VERSIONS_TEXT, "runtime %d.%d, driver %d.%d", runtime / 1000, runtime % 1000 / 10,
		 driver / 1000, driver % 1000 / 10);
}
