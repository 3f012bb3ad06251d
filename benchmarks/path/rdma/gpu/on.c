/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/gpu/on.c: memory on a node or a GPU. */
#include "path/cache.h"
#include "path/rdma/gpu.h"
#include <sched.h>

int fl_rdma_beyond(const struct fl_device *where, uint64_t asked, uint64_t *ret, struct fl_err *err)
{
	if (!fl_is_gpu(where))
		return fl_cache_beyond("/sys/devices/system/cpu", sched_getcpu(), 1, FL_CACHE_STREAM, asked, ret, err);
	*ret = asked ? asked : FL_RDMA_GPU_BYTES;
	return 0;
}

int fl_rdma_memory_on(const struct fl_device *where, const struct fl_rdma_memory_spec *spec, struct fl_rdma_memory *ret,
		      struct fl_err *err)
{
	struct fl_rdma_memory_spec on = *spec;
	struct fl_rdma_gpu *gpu = NULL;
	int rc;

	on.node = where->node;
	on.gpu = NULL;
	if (!fl_is_gpu(where))
		return fl_rdma_memory_make(&on, ret, err);
	rc = fl_rdma_gpu_open(where, &gpu, err);
	if (rc < 0)
		return rc;
	on.gpu = gpu;
	rc = fl_rdma_memory_make(&on, ret, err);
	if (rc < 0)
		gpu->close(gpu->arg);
	return rc;
}
