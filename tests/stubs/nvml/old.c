/* SPDX-License-Identifier: Apache-2.0 */
/* old.c: a library as an old driver would have it, with the first names of a few symbols and nothing else: what
 * harness/sense/nvml_load.c makes of it. Built as libnvidia-ml.so.1. */
#include "sense/nvml.h"
#include <string.h>

int nvmlInit(void);
int nvmlDeviceGetCount(unsigned *ret);
int nvmlDeviceGetHandleByIndex(unsigned index, void **ret);
int nvmlDeviceGetPciInfo_v2(void *d, struct fl_nvml_pci *ret);
int nvmlDeviceGetName(void *d, char *ret, unsigned room);
int nvmlDeviceGetComputeRunningProcesses(void *d, unsigned *n, struct fl_nvml_process_v1 *ret);

int nvmlInit(void)
{
	return FL_NVML_SUCCESS;
}

int nvmlDeviceGetCount(unsigned *ret)
{
	*ret = 1;
	return FL_NVML_SUCCESS;
}

int nvmlDeviceGetHandleByIndex(unsigned index, void **ret)
{
	*ret = (void *)(uintptr_t)(index + 1);
	return FL_NVML_SUCCESS;
}

int nvmlDeviceGetPciInfo_v2(void *d, struct fl_nvml_pci *ret)
{
	(void)d;
	ret->domain = 0x10000;
	ret->bus = 0xab;
	ret->device = 1;
	ret->device_vendor = 0x1db110de;
	return FL_NVML_SUCCESS;
}

/* Longer than may be, without an end, and not for a terminal. */
int nvmlDeviceGetName(void *d, char *ret, unsigned room)
{
	(void)d;
	memset(ret, 'V', room);
	ret[0] = '\033';
	return FL_NVML_SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses(void *d, unsigned *n, struct fl_nvml_process_v1 *ret)
{
	(void)d;
	for (unsigned i = 0; i < *n; i++)
		ret[i] = (struct fl_nvml_process_v1){ .pid = 4194305 + i };
	return FL_NVML_SUCCESS;
}
