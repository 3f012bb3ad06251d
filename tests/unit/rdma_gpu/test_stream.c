/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream.c: rdma.write and rdma.read from and into the memory of GPUs, over both stubs: by a dma-buf and by peer
 * memory, right data and wrong, what stands in the way, and that nothing is left whatever fails. */
#include "path/cache.h"
#include "path/rdma/memory.h"
#include "rdma/stream.h"
#include "stubs/cudart/stub.h"
#include "stubs/gpus.h"
#include "stubs/verbs/stub.h"
#include "unit/path/tcp_rig.h"

/* Small buffers do, and are fast. */
int fl_cache_beyond(const char *cpu_dir, int cpu, unsigned threads, enum fl_cache_times times, uint64_t asked,
		    uint64_t *ret, struct fl_err *err)
{
	(void)cpu_dir, (void)cpu, (void)threads, (void)times, (void)err;
	*ret = asked;
	return 0;
}

enum { WRITE, READ, SEND, ATOMIC };
extern const struct fl_bench fl_bench_rdma_stream[];

enum { SIZE = 3 << 10, REQUESTS = 2100 };

static const struct fl_device node = { .id = "node0", .node = -1 };
static const struct fl_device gpus[2] = {
	{ .id = "gpu-0000:11:00.0", .pci = "0000:11:00.0", .uuid = "GPU-5eed0000-0000-4000-8000-000000000000" },
	{ .id = "gpu-0000:82:00.0", .pci = "0000:82:00.0", .uuid = "GPU-5eed0005-0000-4000-8000-000000000005" },
};

/* What each lane's memory is, and by which way. */
struct where {
	unsigned row;
	bool on_gpu[2];
	enum fl_rdma_way way;
	unsigned direction, transport;
	bool inlined;
};

static const struct fl_device nics[] = { { .id = "nic-0", .rdma = "mlx5_0", .node = -1 },
					 { .id = "nic-1", .rdma = "mlx5_1", .node = -1 } };

static struct fl_rdma_stream_opts opts_of(const struct where *w, unsigned rank)
{
	const uint64_t size = w->inlined ? 64 : SIZE;

	return (struct fl_rdma_stream_opts){
		.memory = w->on_gpu[rank] ? &gpus[rank] : &node,
		.gpu_memory = w->way,
		.nic = &nics[rank],
		.interface = "",
		.gid = "auto",
		.mtu = "auto",
		.size = size,
		.buffer = 6 << 20, /* gone through once, and more than is looked at at a time */
		.qps = 2,
		.threads = 1,
		.direction = w->direction,
		.transport = w->transport,
		.inlined = w->inlined,
		.depth = 16,
		.list = 1,
		.signal = 1
	};
}

static void is_clean(const char *what)
{
	char why[256];

	if (!verbs_stub_is_clean(why, sizeof(why)) || !stub_is_clean(why, sizeof(why)))
		fail_msg("%s: %s", what, why);
}

/* The rank that counts what arrives. */
static unsigned measured(const struct where *w)
{
	return w->row == SEND;
}

/* Both lanes to their end, the initiator after so many requests; nothing is left. */
static void live(const char *verbs, const char *cuda, const struct where *w, struct rig_life lives[2])
{
	const struct fl_rdma_stream_opts o[2] = { opts_of(w, 0), opts_of(w, 1) };
	struct rig_group *g = new_group();
	char what[160];

	verbs_stub_begin(verbs);
	verbs_stub_gpu(stub_behind);
	stub_begin(cuda);
	for (unsigned rank = 0; rank < 2; rank++) {
		lives[rank] = (struct rig_life){ .bench = &fl_bench_rdma_stream[w->row],
						 .opts = &o[rank],
						 .lane = { .group = g, .rank = rank, .size = 2 },
						 .threads = 1,
						 .ops_wanted = rank == measured(w) ? REQUESTS : 0 };
		rig_begin(&lives[rank]);
	}
	rig_end(&lives[0]);
	rig_end(&lives[1]);
	free(g);
	snprintf(what, sizeof(what), "'%s', '%s'", verbs, cuda);
	is_clean(what);
}

static int end_of(const struct rig_life *l)
{
	return l->open_rc ? l->open_rc : l->step_rc ? l->step_rc : l->verify_rc;
}

/* ---- what works */

static const struct {
	const char *verbs, *cuda;
	struct where where;
	const char *registered[2], *order;
} works[] = {
	{ "",
	  "",
	  { .row = WRITE, .on_gpu = { true, true }, .way = FL_RDMA_ANY_WAY },
	  { "dma-buf", "dma-buf" },
	  "ordered" },
	{ "",
	  "",
	  { .row = READ, .on_gpu = { true, true }, .way = FL_RDMA_ANY_WAY },
	  { "dma-buf", "dma-buf" },
	  "ordered" },
	{ "",
	  "",
	  { .row = WRITE, .on_gpu = { true, false }, .way = FL_RDMA_DMABUF },
	  { "dma-buf", "host" },
	  "ordered" },
	{ "",
	  "",
	  { .row = WRITE, .on_gpu = { false, true }, .way = FL_RDMA_DMABUF },
	  { "host", "dma-buf" },
	  "ordered" },
	{ "peermem=1",
	  "",
	  { .row = WRITE, .on_gpu = { true, true }, .way = FL_RDMA_PEER },
	  { "peer memory", "peer memory" },
	  "ordered" },
	{ "peermem=1",
	  "nodmabuf=0",
	  { .row = WRITE, .on_gpu = { true, true }, .way = FL_RDMA_ANY_WAY },
	  { "peer memory", "dma-buf" },
	  "ordered" },
	{ "peermem=1,mlx5_1:ibv_reg_dmabuf_mr:1+:fail=95",
	  "",
	  { .row = READ, .on_gpu = { true, true }, .way = FL_RDMA_ANY_WAY },
	  { "dma-buf", "peer memory" },
	  "ordered" },
	/* a driver without the call */
	{ "peermem=1",
	  "cudaGetDriverEntryPoint:3:fail=500",
	  { .row = READ, .on_gpu = { true, false }, .way = FL_RDMA_ANY_WAY },
	  { "peer memory", "host" },
	  "ordered" },
	/* what is written is seen late, or perhaps late */
	{ "",
	  "lag=0,lag=5",
	  { .row = WRITE, .on_gpu = { true, true }, .way = FL_RDMA_ANY_WAY },
	  { "dma-buf", "dma-buf" },
	  "flushed" },
	{ "peermem=1",
	  "lag=0",
	  { .row = READ, .on_gpu = { true, false }, .way = FL_RDMA_PEER },
	  { "peer memory", "host" },
	  "flushed" },
	{ "",
	  "noflush=0,noflush=5",
	  { .row = WRITE, .on_gpu = { true, true }, .way = FL_RDMA_ANY_WAY },
	  { "dma-buf", "dma-buf" },
	  "unordered" },
	{ "",
	  "",
	  { .row = SEND, .on_gpu = { true, true }, .way = FL_RDMA_ANY_WAY },
	  { "dma-buf", "dma-buf" },
	  "ordered" },
	{ "peermem=1",
	  "lag=5",
	  { .row = SEND, .on_gpu = { false, true }, .way = FL_RDMA_PEER, .transport = FL_RDMA_WORD_UD },
	  { "host", "peer memory" },
	  "flushed" },
	{ "",
	  "lag=0,lag=5",
	  { .row = SEND, .on_gpu = { true, true }, .way = FL_RDMA_ANY_WAY, .direction = FL_RDMA_BOTH },
	  { "dma-buf", "dma-buf" },
	  "flushed" },
	{ "",
	  "",
	  { .row = WRITE, .on_gpu = { true, true }, .way = FL_RDMA_ANY_WAY, .direction = FL_RDMA_BOTH },
	  { "dma-buf", "dma-buf" },
	  "ordered" },
	{ "",
	  "lag=0,lag=5",
	  { .row = ATOMIC, .on_gpu = { true, true }, .way = FL_RDMA_ANY_WAY },
	  { "dma-buf", "dma-buf" },
	  "flushed" },
	/* no GPU takes part, and none is asked */
	{ "",
	  "driver=0",
	  { .row = WRITE, .on_gpu = { false, false }, .way = FL_RDMA_ANY_WAY },
	  { "host", "host" },
	  "" },
};

static void moves(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		const struct where *w = &works[i].where;
		struct rig_life lives[2];

		live(works[i].verbs, works[i].cuda, w, lives);
		if (end_of(&lives[0]) || end_of(&lives[1]))
			fail_msg("row %zu: %s; %s", i, lives[0].err.what, lives[1].err.what);
		assert_true(lives[measured(w)].ops >= REQUESTS);
		assert_int_equal(lives[measured(w)].bytes,
				 lives[measured(w)].ops * (w->row == ATOMIC ? sizeof(uint64_t) : SIZE));
		for (unsigned rank = 0; rank < 2; rank++) {
			const struct fl_lane *lane = &lives[rank].lane;

			assert_string_equal(rig_fact(lane, "registered"), works[i].registered[rank]);
			assert_string_equal(rig_fact(lane, "gpu"), w->on_gpu[rank] ? STUB_GPU_MODEL : "");
			assert_string_equal(rig_fact(lane, "gpu_order"), w->on_gpu[rank] ? works[i].order : "");
			assert_int_equal(*rig_fact(lane, "cuda") != 0, w->on_gpu[rank]);
		}
	}
}

/* ---- what fails, and where */

static const struct failure {
	const char *verbs, *cuda;
	struct where where;
	unsigned at; /* the rank that says it */
	int code;
	const char *says, *hint;
} failures[] = {
	{ "",
	  "nodmabuf=0",
	  { .row = WRITE, .on_gpu = { true, false }, .way = FL_RDMA_ANY_WAY },
	  0,
	  -EOPNOTSUPP,
	  "no way from mlx5_0 to memory of the GPU: the driver of gpu-0000:11:00.0 gives no dma-buf; no kernel module "
	  "tells mlx5_0 where memory of a GPU is: Bad address",
	  "open kernel modules of NVIDIA and a NIC driver that can; peer memory takes 'modprobe nvidia_peermem'" },
	{ "mlx5_1:ibv_reg_dmabuf_mr:1:fail=95",
	  "",
	  { .row = WRITE, .on_gpu = { true, true }, .way = FL_RDMA_DMABUF },
	  1,
	  -EOPNOTSUPP,
	  "no way from mlx5_1 to memory of the GPU: mlx5_1 cannot register a dma-buf: Operation not supported",
	  "Linux 5.12, CUDA 11.7" },
	{ "",
	  "",
	  { .row = WRITE, .on_gpu = { false, true }, .way = FL_RDMA_PEER },
	  1,
	  -EOPNOTSUPP,
	  "no way from mlx5_1 to memory of the GPU: no kernel module tells mlx5_1",
	  "peer memory takes 'modprobe nvidia_peermem'" },
	{ "peermem=1",
	  "nordma=5",
	  { .row = WRITE, .on_gpu = { false, true }, .way = FL_RDMA_PEER },
	  1,
	  -EOPNOTSUPP,
	  "gpu-0000:82:00.0 has no GPUDirect RDMA",
	  "" },
	/* what is wrong with a registration is wrong with it either way */
	{ "peermem=1,ibv_reg_dmabuf_mr:1+:fail=12",
	  "",
	  { .row = WRITE, .on_gpu = { false, true }, .way = FL_RDMA_ANY_WAY },
	  1,
	  -ENOMEM,
	  "with mlx5_1 as a dma-buf: Cannot allocate memory",
	  "" },
	{ "peermem=1,mlx5_1:ibv_reg_mr:1:fail=22",
	  "nodmabuf=5",
	  { .row = WRITE, .on_gpu = { false, true }, .way = FL_RDMA_ANY_WAY },
	  1,
	  -EINVAL,
	  "with mlx5_1 as peer memory: Invalid argument",
	  "" },
	{ "",
	  "memory=1000000",
	  { .row = WRITE, .on_gpu = { false, true }, .way = FL_RDMA_ANY_WAY },
	  1,
	  -ENOMEM,
	  "gpu-0000:82:00.0 has no 6 MiB of memory",
	  "smaller size" },
	{ "",
	  "driver=0",
	  { .row = WRITE, .on_gpu = { false, true }, .way = FL_RDMA_ANY_WAY },
	  1,
	  -ENOSYS,
	  "there is no CUDA driver here",
	  "" },
	{ "",
	  "gpus=4",
	  { .row = WRITE, .on_gpu = { false, true }, .way = FL_RDMA_ANY_WAY },
	  1,
	  -ENXIO,
	  "find the GPU by its PCI address",
	  "" },
	/* wrong data in the memory of a GPU: by each way, into each side */
	{ "write:500:flip",
	  "",
	  { .row = WRITE, .on_gpu = { true, true }, .way = FL_RDMA_DMABUF },
	  1,
	  -EBADMSG,
	  "byte 1536 of request",
	  "" },
	{ "write:499:drop",
	  "",
	  { .row = WRITE, .on_gpu = { false, true }, .way = FL_RDMA_DMABUF },
	  1,
	  -EBADMSG,
	  " is wrong",
	  "" },
	{ "peermem=1,read:500:flip",
	  "",
	  { .row = READ, .on_gpu = { true, true }, .way = FL_RDMA_PEER },
	  0,
	  -EBADMSG,
	  "byte 1536 of request",
	  "" },
	{ "send:500:flip",
	  "",
	  { .row = SEND, .on_gpu = { true, true }, .way = FL_RDMA_DMABUF },
	  1,
	  -EBADMSG,
	  "byte 1536 of request",
	  "" },
	{ "atomic:500:drop",
	  "",
	  { .row = ATOMIC, .on_gpu = { false, true }, .way = FL_RDMA_DMABUF },
	  1,
	  -EBADMSG,
	  "queue pair ",
	  "one was lost" },
	/* a CPU would have to read it */
	{ "",
	  "",
	  { .row = WRITE, .on_gpu = { true, false }, .way = FL_RDMA_ANY_WAY, .inlined = true },
	  0,
	  -EINVAL,
	  "requests cannot carry bytes of a GPU's memory themselves",
	  "" },
	/* the GPU is lost when its memory is looked at */
	{ "",
	  "gpu5:cudaMemcpyAsync:1:lost=719",
	  { .row = WRITE, .on_gpu = { false, true }, .way = FL_RDMA_ANY_WAY },
	  1,
	  -EIO,
	  "cudaMemcpyAsync: cudaErrorLaunchFailure",
	  "" },
};

static void fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		const struct failure *f = &failures[i];
		struct rig_life lives[2];

		live(f->verbs, f->cuda, &f->where, lives);
		if (end_of(&lives[f->at]) != f->code || !strstr(lives[f->at].err.what, f->says) ||
		    !strstr(lives[f->at].err.hint, f->hint))
			fail_msg("row %zu: %d, '%s', '%s'", i, end_of(&lives[f->at]), lives[f->at].err.what,
				 lives[f->at].err.hint);
	}
}

/* Whatever call fails, both lanes end, and nothing is left. */
static void whatever_fails(void **state)
{
	static const char *const verbs[] = { "ibv_alloc_pd",  "ibv_reg_dmabuf_mr", "ibv_reg_mr",     "ibv_create_cq",
					     "ibv_create_qp", "ibv_modify_qp",	   "ibv_destroy_qp", "ibv_destroy_cq",
					     "ibv_dereg_mr",  "ibv_dealloc_pd" };
	static const struct where where = { .row = WRITE, .on_gpu = { true, true }, .way = FL_RDMA_ANY_WAY };
	struct rig_life lives[2];
	unsigned calls, failed = 0;
	char text[96];

	(void)state;
	live("", "", &where, lives);
	calls = stub_calls();
	assert_true(calls > 30);
	for (unsigned k = 1; k <= calls; k++) {
		snprintf(text, sizeof(text), "any:%u:fail=999", k);
		live("", text, &where, lives);
		failed += end_of(&lives[0]) || end_of(&lives[1]);
	}
	assert_true(failed > calls / 2); /* the others are of calls that release */
	for (unsigned i = 0; i < 2 * sizeof(verbs) / sizeof(verbs[0]); i++) {
		snprintf(text, sizeof(text), "peermem=1,%s:%u:fail=5", verbs[i / 2], 1 + i % 2);
		live(text, i / 2 == 2 ? "nodmabuf=0,nodmabuf=5" : "", &where, lives);
		assert_non_null(verbs_stub_fault());
		if (strstr(text, "reg_"))
			assert_int_equal(!end_of(&lives[0]) && !end_of(&lives[1]), strstr(text, "dereg") != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(moves), cmocka_unit_test(fails),
					    cmocka_unit_test(whatever_fails) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
