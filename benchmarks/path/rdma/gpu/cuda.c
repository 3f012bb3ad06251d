/* SPDX-License-Identifier: Apache-2.0 */
/* path/rdma/gpu/cuda.c: memory of a GPU for a NIC, by CUDA. */
#include "path/cuda/dmabuf.h"
#include "path/rdma/gpu.h"
#include <errno.h>
#include <stdlib.h>

struct gpu {
	struct fl_rdma_gpu hooks;
	struct fl_cuda_device device;
	struct fl_cuda_offer offer;
	void *base; /* of its memory */
};

static int gpu_alloc(void *arg, uint64_t bytes, void **ret, struct fl_err *err)
{
	struct gpu *g = arg;

	return fl_cuda_pages(&g->device, bytes, &g->base, ret, err);
}

static void gpu_free(void *arg, void *at)
{
	struct gpu *g = arg;

	(void)at;
	fl_cuda_free(&g->device, g->base);
	g->base = NULL;
}

static int gpu_dmabuf(void *arg, void *at, uint64_t bytes, int *ret_fd, uint64_t *ret_offset, struct fl_err *err)
{
	struct gpu *g = arg;
	int rc;

	if (!g->offer.dmabuf)
		return fl_fail(err, -EOPNOTSUPP, "the driver of %s gives no dma-buf", g->device.id);
	rc = fl_cuda_dmabuf(&g->device, at, bytes, ret_fd, err);
	if (rc == 0)
		*ret_offset = 0;
	return rc;
}

static int gpu_peer(void *arg, struct fl_err *err)
{
	const struct gpu *g = arg;

	return g->offer.peer ? 0 : fl_fail(err, -EOPNOTSUPP, "%s has no GPUDirect RDMA", g->device.id);
}

static int move(void *arg, void *to, const void *from, uint64_t bytes, struct fl_err *err)
{
	struct gpu *g = arg;
	int rc = fl_cuda_device_use(&g->device, err);

	if (rc == 0)
		rc = FL_CUDA(err, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, g->device.stream));
	return rc == 0 ? fl_cuda_device_wait(&g->device, err) : rc;
}

static int gpu_settle(void *arg, struct fl_err *err)
{
	const struct gpu *g = arg;

	return fl_cuda_settle(&g->device, &g->offer, err);
}

static void gpu_state(void *arg, struct fl_lane *lane)
{
	static const char *const orders[] = { "ordered", "flushed", "unordered" };
	const struct gpu *g = arg;
	char versions[FL_CUDA_VERSIONS_TEXT];

	fl_cuda_versions(versions);
	fl_set_fact(lane, "gpu", "%s", g->device.model);
	fl_set_fact(lane, "cuda", "%s", versions);
	fl_set_fact(lane, "gpu_order", "%s", orders[g->offer.order]);
}

static void gpu_close(void *arg)
{
	struct gpu *g = arg;

	fl_cuda_device_close(&g->device);
	free(g);
}

int fl_rdma_gpu_open(const struct fl_device *which, struct fl_rdma_gpu **ret, struct fl_err *err)
{
	struct gpu *g = calloc(1, sizeof(*g));
	int rc;

	if (!g)
		return fl_fail(err, -ENOMEM, "no memory for the state of a GPU");
	g->device.number = -1;
	rc = fl_cuda_driver(err);
	if (rc == 0)
		rc = fl_cuda_device_open(which, &g->device, err);
	if (rc == 0)
		rc = fl_cuda_offer(&g->device, &g->offer, err);
	if (rc < 0) {
		gpu_close(g);
		return rc;
	}
	g->hooks = (struct fl_rdma_gpu){ .arg = g,
					 .alloc = gpu_alloc,
					 .dmabuf = gpu_dmabuf,
					 .free = gpu_free,
					 .peer = gpu_peer,
					 .put = move,
					 .get = move,
					 .settle = gpu_settle,
					 .state = gpu_state,
					 .close = gpu_close };
	*ret = &g->hooks;
	return 0;
}
