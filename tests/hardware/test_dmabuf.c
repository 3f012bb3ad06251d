/* SPDX-License-Identifier: Apache-2.0 */
/* test_dmabuf.c: on a real GPU: what it offers to other devices, and a dma-buf of its memory where it has any, which is
 * there and has all bytes. Skipped without a GPU. Needs no NIC. */
#include "path/cuda/dmabuf.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { BYTES = (3 << 20) + 123, PAGE = 64 << 10 };

static int setup(void **state)
{
	struct fl_cuda_device *gpu = calloc(1, sizeof(*gpu));
	struct fl_err err = { 0 };
	char pci[32];

	*state = gpu;
	assert_int_equal(cudaDeviceGetPCIBusId(pci, sizeof(pci), 0), cudaSuccess);
	if (fl_cuda_device_open(&(struct fl_device){ .id = "gpu", .pci = pci, .node = -1 }, gpu, &err) < 0)
		fail_msg("%s", err.what);
	return 0;
}

static int teardown(void **state)
{
	fl_cuda_device_close(*state);
	free(*state);
	return 0;
}

static void gives_memory(void **state)
{
	static const char *const orders[] = { "ordered", "flushed", "unordered" };
	struct fl_cuda_device *gpu = *state;
	struct fl_cuda_offer offer;
	struct fl_err err = { 0 };
	void *base, *at;
	int fd = -1, rc;

	if (fl_cuda_offer(gpu, &offer, &err) < 0 || fl_cuda_pages(gpu, BYTES, &base, &at, &err) < 0)
		fail_msg("%s", err.what);
	print_message("dma-buf %s, GPUDirect RDMA %s, %s\n", offer.dmabuf ? "yes" : "no", offer.peer ? "yes" : "no",
		      orders[offer.order]);
	assert_int_equal((uintptr_t)at % PAGE, 0);
	assert_int_equal(fl_cuda_settle(gpu, &offer, &err), 0);
	rc = fl_cuda_dmabuf(gpu, at, BYTES, &fd, &err);
	if (rc != (offer.dmabuf ? 0 : -EOPNOTSUPP))
		fail_msg("%d: %s", rc, err.what);
	if (rc == 0) {
		assert_int_equal(lseek(fd, 0, SEEK_END), (BYTES + PAGE - 1) / PAGE * PAGE);
		close(fd);
	}
	fl_cuda_free(gpu, base);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(gives_memory) };
	struct fl_err err = { 0 };

	if (fl_cuda_driver(&err) < 0) {
		printf("skipped: %s\n", err.what);
		return 77;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
