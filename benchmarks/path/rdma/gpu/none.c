/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/gpu/none.c: no GPU gives memory, where there was no CUDA toolkit. */
#include "path/rdma/gpu.h"
#include <errno.h>

int fl_rdma_gpu_open(const struct fl_device *which, struct fl_rdma_gpu **ret, struct fl_err *err)
{
	(void)ret;
	fl_fail(err, -ENOSYS, "memory of %s: built without CUDA", which->id ? which->id : "a GPU");
	fl_hint(err, "build it where there is a CUDA toolkit (-DFEEDLINE_CUDA=ON), or choose the memory of a node");
	return -ENOSYS;
}
