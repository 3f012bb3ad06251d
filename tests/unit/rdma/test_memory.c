/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory.c: memory that a device may use: of the host, of something that stands for a GPU; refusals. */
#include "path/rdma/gpu.h"
#include "stubs/verbs/stub.h"
#include "unit/path/tcp_rig.h"
#include <sys/mman.h>
#include <sys/resource.h>

enum { BYTES = 1 << 16 };

static struct fl_rdma_port open_port(const char *stub)
{
	const struct fl_rdma_port_spec spec = { .device = "mlx5_0", .interface = "", .gid = "auto", .mtu = "auto" };
	struct fl_rdma_port p = { 0 };

	verbs_stub_begin(stub);
	assert_int_equal(fl_rdma_port_open(&spec, &p, NULL), 0);
	return p;
}

static void close_port(struct fl_rdma_port *p)
{
	char why[160];

	fl_rdma_port_close(p);
	if (!verbs_stub_is_clean(why, sizeof(why)))
		fail_msg("%s", why);
}

static void of_the_host(void **state)
{
	struct fl_rdma_port p = open_port("");
	struct fl_lane lane = { 0 };
	struct fl_rdma_memory_spec spec = { .lane = &lane, .port = &p, .bytes = BYTES, .node = -1 };

	(void)state;
	for (unsigned rights = 0; rights < 8; rights++) {
		struct fl_rdma_memory m;

		spec.rights = rights;
		spec.relaxed = rights & 1;
		lane.facts_n = 0;
		assert_int_equal(fl_rdma_memory_make(&spec, &m, NULL), 0);
		assert_ptr_equal(m.at, lane.memory);
		assert_true(m.mr->length == BYTES && m.mr->addr == lane.memory);
		fl_rdma_memory_state(&m, &lane);
		assert_string_equal(rig_fact(&lane, "registered"), "host");
		assert_string_equal(rig_fact(&lane, "relaxed_ordering"), spec.relaxed ? "asked for" : "no");
		fl_rdma_memory_release(&m);
		fl_rdma_memory_release(&m);
		free(lane.memory);
	}
	close_port(&p);
}

/* ---- refusals */

static void is_refused(const char *stub, int code, const char *says, const char *hint)
{
	struct fl_rdma_port p = open_port(stub);
	struct fl_lane lane = { 0 };
	struct fl_rdma_memory_spec spec = { .lane = &lane, .port = &p, .bytes = BYTES, .node = -1 };
	struct fl_rdma_memory m = { 0 };
	struct fl_err err = { 0 };

	assert_int_equal(fl_rdma_memory_make(&spec, &m, &err), code);
	assert_non_null(strstr(err.what, says));
	if (!strstr(err.hint, hint))
		fail_msg("'%s'", err.hint);
	fl_rdma_memory_release(&m);
	free(lane.memory);
	close_port(&p);
}

static void refusals(void **state)
{
	struct rlimit before, low;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	low = (struct rlimit){ .rlim_cur = 64 << 10, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &low), 0);
	is_refused("memlock=4096", -ENOMEM, "register 65536 bytes with mlx5_0", "'ulimit -l' is 64 KiB");
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
	is_refused("ibv_reg_mr:1:fail=14", -EFAULT, "register 65536 bytes with mlx5_0", "");
}

/* ---- memory of a GPU: that of a descriptor stands for it, 4096 bytes from its beginning */

struct gpu {
	int fd;
	unsigned allocated, freed;
	int refuses;
};

static int gpu_alloc(void *arg, uint64_t bytes, void **ret, struct fl_err *err)
{
	struct gpu *g = arg;

	(void)bytes;
	(void)err;
	g->allocated++;
	*ret = (void *)0x7f0000000000; /* nothing that a CPU can touch */
	return 0;
}

static int gpu_dmabuf(void *arg, void *at, uint64_t bytes, int *ret_fd, uint64_t *ret_offset, struct fl_err *err)
{
	struct gpu *g = arg;

	(void)at;
	(void)bytes;
	if (g->refuses)
		return fl_fail(err, -EOPNOTSUPP, "the GPU has no dma-buf");
	*ret_fd = dup(g->fd);
	*ret_offset = 4096;
	return 0;
}

static void gpu_free(void *arg, void *at)
{
	struct gpu *g = arg;

	(void)at;
	g->freed++;
}

static void of_a_gpu(void **state)
{
	static const struct {
		const char *stub;
		int refuses, code;
		const char *says;
	} rows[] = { { "", 0, 0, "" },
		     { "", 1, -EOPNOTSUPP, "the GPU has no dma-buf" },
		     { "ibv_reg_dmabuf_mr:1:fail=95", 0, -EOPNOTSUPP, "mlx5_0 cannot register a dma-buf" },
		     { "ibv_reg_dmabuf_mr:1:fail=93", 0, -EOPNOTSUPP,
		       "mlx5_0 cannot register a dma-buf: Protocol not supported; the GPU gives no peer memory" },
		     { "ibv_reg_dmabuf_mr:1:fail=79", 0, -EOPNOTSUPP, "; the GPU gives no peer memory" },
		     { "ibv_reg_dmabuf_mr:1:fail=22", 0, -EINVAL, "with mlx5_0 as a dma-buf" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_rdma_port p = open_port(rows[i].stub);
		struct gpu gpu = { .fd = memfd_create("gpu", MFD_CLOEXEC), .refuses = rows[i].refuses };
		const struct fl_rdma_gpu hooks = {
			.arg = &gpu, .alloc = gpu_alloc, .dmabuf = gpu_dmabuf, .free = gpu_free
		};
		struct fl_lane lane = { 0 };
		const struct fl_rdma_memory_spec spec = { .lane = &lane, .port = &p, .bytes = BYTES, .gpu = &hooks };
		struct fl_rdma_memory m = { 0 };
		struct fl_err err = { 0 };

		assert_int_equal(ftruncate(gpu.fd, BYTES + 4096), 0);
		assert_int_equal(fl_rdma_memory_make(&spec, &m, &err), rows[i].code);
		assert_non_null(strstr(err.what, rows[i].says));
		if (rows[i].code == 0) {
			fl_rdma_memory_state(&m, &lane);
			assert_string_equal(rig_fact(&lane, "registered"), "dma-buf");
		}
		fl_rdma_memory_release(&m);
		assert_int_equal(gpu.allocated, 1);
		assert_int_equal(gpu.freed, 1);
		close(gpu.fd);
		close_port(&p);
	}
}

/* ---- a node or a GPU, in a build without CUDA */

static void on_a_node_or_a_gpu(void **state)
{
	static const struct fl_device node = { .id = "node0", .node = -1 },
				      gpu = { .id = "gpu-0000:11:00.0", .pci = "0000:11:00.0", .node = 0 };
	struct fl_rdma_port p = open_port("");
	struct fl_lane lane = { 0 };
	const struct fl_rdma_memory_spec spec = { .lane = &lane, .port = &p, .bytes = BYTES };
	struct fl_rdma_memory m = { 0 };
	struct fl_err err = { 0 };
	uint64_t bytes = 0;

	(void)state;
	assert_int_equal(fl_rdma_memory_on(&node, &spec, &m, NULL), 0);
	assert_null(m.gpu);
	fl_rdma_memory_release(&m);
	free(lane.memory);
	assert_int_equal(fl_rdma_memory_on(&gpu, &spec, &m, &err), -ENOSYS);
	assert_string_equal(err.what, "memory of gpu-0000:11:00.0: built without CUDA");
	close_port(&p);
	assert_int_equal(fl_rdma_beyond(&node, 1 << 20, &bytes, NULL), -EINVAL); /* the caches of the host */
	assert_int_equal(fl_rdma_beyond(&gpu, 1 << 20, &bytes, NULL), 0);
	assert_int_equal(bytes, 1 << 20);
	assert_int_equal(fl_rdma_beyond(&gpu, 0, &bytes, NULL), 0);
	assert_int_equal(bytes, FL_RDMA_GPU_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(of_the_host), cmocka_unit_test(refusals),
					    cmocka_unit_test(of_a_gpu), cmocka_unit_test(on_a_node_or_a_gpu) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
