/* SPDX-License-Identifier: Apache-2.0 */
/* gpus.h: the GPUs of the stub machine, one truth for the CUDA and the NVML stub: eight on two NUMA nodes, two below
 * each of four switches. The last one can be divided into two MIG parts. */
#ifndef STUBS_GPUS_H
#define STUBS_GPUS_H

enum { STUB_GPUS = 8, STUB_PARTS = 2 };

#define STUB_GPU_MODEL "NVIDIA H100 80GB HBM3"

struct stub_gpu {
	const char *pci, *uuid, *upstream; /* upstream: the port of the switch that it hangs from */
	int node;
};

static const struct stub_gpu stub_gpus[STUB_GPUS] = {
	{ "0000:11:00.0", "GPU-5eed0000-0000-4000-8000-000000000000", "0000:10:00.0", 0 },
	{ "0000:12:00.0", "GPU-5eed0001-0000-4000-8000-000000000001", "0000:10:01.0", 0 },
	{ "0000:21:00.0", "GPU-5eed0002-0000-4000-8000-000000000002", "0000:20:00.0", 0 },
	{ "0000:22:00.0", "GPU-5eed0003-0000-4000-8000-000000000003", "0000:20:01.0", 0 },
	{ "0000:81:00.0", "GPU-5eed0004-0000-4000-8000-000000000004", "0000:80:00.0", 1 },
	{ "0000:82:00.0", "GPU-5eed0005-0000-4000-8000-000000000005", "0000:80:01.0", 1 },
	{ "0000:91:00.0", "GPU-5eed0006-0000-4000-8000-000000000006", "0000:90:00.0", 1 },
	{ "0000:92:00.0", "GPU-5eed0007-0000-4000-8000-000000000007", "0000:90:01.0", 1 },
};

/* Of the last GPU, where it is divided. */
static const char *const stub_parts[STUB_PARTS] = {
	"MIG-5eed0007-0000-4000-8000-0000000000a0",
	"MIG-5eed0007-0000-4000-8000-0000000000a1",
};

#endif
