/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/errors.c: errors of CUDA in the words of the harness. */
#include "path/cuda/errors.h"
#include <errno.h>
#include <stdio.h>

/* code: what the harness makes of it. What is not in the table is -EIO without a hint. */
static const struct {
	int error, code;
	const char *hint;
} table[] = {
	{ FL_CUDA_MEMORY_ALLOCATION, -ENOMEM, "choose a smaller size, or end what else uses the GPU's memory" },
	{ FL_CUDA_INSUFFICIENT_DRIVER, -ENOSYS, NULL },
	{ FL_CUDA_DEVICES_UNAVAILABLE, -EBUSY,
	  "another process has the GPU for itself (exclusive-process mode): end it, or 'nvidia-smi -c DEFAULT'" },
	{ FL_CUDA_NO_DEVICE, -ENXIO,
	  "see that the driver has a GPU ('nvidia-smi') and CUDA_VISIBLE_DEVICES hides none" },
	{ FL_CUDA_INVALID_DEVICE, -ENXIO, "see whether CUDA_VISIBLE_DEVICES hides it" },
	{ FL_CUDA_DEVICE_UNINITIALIZED, -ENODEV, "the GPU was lost or reset: the kernel log has the reason (Xid)" },
	{ FL_CUDA_NO_KERNEL_IMAGE, -ENOSYS, "this build has no code for that GPU: build with a newer CUDA toolkit" },
	{ FL_CUDA_ECC_UNCORRECTABLE, -EIO,
	  "its memory is damaged: reset the GPU ('nvidia-smi -r'), then look at its ECC counts" },
	{ FL_CUDA_UNSUPPORTED_PTX, -ENOSYS,
	  "this build has no code for that GPU and its driver is too old to make it: update it" },
	{ FL_CUDA_OPERATING_SYSTEM, -EIO,
	  "a call of the kernel failed in the driver: containers may forbid it, or limit locked memory" },
	{ FL_CUDA_LAUNCH_FAILURE, -EIO, "the GPU may have been lost: the kernel log has the reason (Xid)" },
	{ FL_CUDA_SYSTEM_NOT_READY, -ENXIO, "the fabric manager of its NVSwitches is not running" },
	{ FL_CUDA_SYSTEM_DRIVER_MISMATCH, -ENOSYS,
	  "the driver in the kernel and its library are of different versions: reboot after the upgrade" },
	{ FL_CUDA_UNKNOWN, -ENODEV, "the GPU may have been lost: the kernel log has the reason (Xid)" },
};

int fl_cuda_errno(int error)
{
	if (error == 0)
		return 0;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].error == error)
			return table[i].code;
	return -EIO;
}

unsigned fl_cuda_driver_for(int runtime_version)
{
	return runtime_version >= 13000 ? 580 : runtime_version >= 12000 ? 525 : 450;
}

static void driver_hint(int runtime, int driver, char *ret, size_t room)
{
	int n = snprintf(ret, room, "this build's CUDA %d.%d needs driver %u or later; ", runtime / 1000,
			 runtime % 1000 / 10, fl_cuda_driver_for(runtime));

	if (n < 0 || (size_t)n >= room)
		return;
	if (driver == 0)
		snprintf(ret + n, room - (size_t)n, "found none");
	else
		snprintf(ret + n, room - (size_t)n, "found one that can do CUDA %d.%d", driver / 1000,
			 driver % 1000 / 10);
}

void fl_cuda_hint(int error, int runtime_version, int driver_version, char *ret, size_t room)
{
	const char *hint = NULL;

	if (error == FL_CUDA_INSUFFICIENT_DRIVER) {
		driver_hint(runtime_version, driver_version, ret, room);
		return;
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].error == error)
			hint = table[i].hint;
	snprintf(ret, room, "%s", hint ? hint : "");
}
