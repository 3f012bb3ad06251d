/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream.c: rdma.write and rdma.read between two lanes, over the stub: that it moves the right bytes, what it
 * says of itself, and on which side what fails is named. */
#include "path/rdma/link.h"
#include "rdma/stream.h"
#include "stubs/verbs/stub.h"
#include "unit/path/tcp_rig.h"
#include <feedline/clock.h>

/* All time is that of the stub. */
uint64_t fl_now_ns(void)
{
	return verbs_stub_now_ns();
}

void fl_sleep_until(uint64_t at_ns)
{
	verbs_stub_sleep_until(at_ns);
}

enum { WRITE, READ };
extern const struct fl_bench fl_bench_rdma_stream[];

static const struct fl_device node = { .id = "node0", .node = -1 };

static struct fl_rdma_stream_opts opts_of(const char *device)
{
	return (struct fl_rdma_stream_opts){ .memory = &node,
					     .device = device,
					     .interface = "",
					     .gid = "auto",
					     .mtu = "auto",
					     .size = 64 << 10,
					     .qps = 1,
					     .depth = 16,
					     .list = 1,
					     .signal = 1 };
}

/* Both lanes to their end, the initiator after so many requests; nothing is left. */
static void live(const char *stub, unsigned row, const struct fl_rdma_stream_opts o[2], struct rig_life lives[2])
{
	struct rig_group *g = new_group();
	char why[160];

	verbs_stub_begin(stub);
	for (unsigned rank = 0; rank < 2; rank++) {
		lives[rank] = (struct rig_life){ .bench = &fl_bench_rdma_stream[row],
						 .opts = &o[rank],
						 .lane = { .group = g, .rank = rank, .size = 2 },
						 .threads = 1,
						 .ops_wanted = 3000 };
		rig_begin(&lives[rank]);
	}
	rig_end(&lives[0]);
	rig_end(&lives[1]);
	free(g);
	if (!verbs_stub_is_clean(why, sizeof(why)))
		fail_msg("%s", why);
}

static int end_of(const struct rig_life *l)
{
	return l->open_rc ? l->open_rc : l->step_rc ? l->step_rc : l->verify_rc;
}

static void moves(void **state)
{
	static const struct {
		unsigned row;
		uint64_t size, qps, list, signal;
		unsigned transport, completion;
		bool inlined, relaxed;
	} rows[] = {
		{ WRITE, 64 << 10, 1, 1, 1, FL_RDMA_WORD_RC, FL_RDMA_POLL, false, false },
		{ WRITE, 1 << 20, 2, 4, 2, FL_RDMA_WORD_UC, FL_RDMA_EVENT, false, true },
		{ WRITE, 64, 3, 2, 8, FL_RDMA_WORD_RC, FL_RDMA_POLL, true, false },
		{ READ, 64 << 10, 2, 1, 4, FL_RDMA_WORD_RC, FL_RDMA_POLL, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_rdma_stream_opts o[2] = { opts_of("mlx5_0"), opts_of("mlx5_1") };
		struct rig_life lives[2];

		for (unsigned rank = 0; rank < 2; rank++) {
			o[rank].size = rows[i].size;
			o[rank].qps = rows[i].qps;
			o[rank].list = rows[i].list;
			o[rank].signal = rows[i].signal;
			o[rank].transport = rows[i].transport;
			o[rank].completion = rows[i].completion;
			o[rank].inlined = rows[i].inlined;
			o[rank].relaxed = rows[i].relaxed;
		}
		live("", rows[i].row, o, lives);
		if (end_of(&lives[0]) || end_of(&lives[1]))
			fail_msg("row %zu: %s; %s", i, lives[0].err.what, lives[1].err.what);
		assert_true(lives[0].ops >= 3000 && lives[0].bytes == lives[0].ops * rows[i].size);
		assert_int_equal(lives[1].ops, 0);
		assert_string_equal(rig_fact(&lives[0].lane, "rdma_device"), "mlx5_0 port 1");
		assert_string_equal(rig_fact(&lives[0].lane, "interface"), "lo");
		assert_string_equal(rig_fact(&lives[1].lane, "rdma_device"), "mlx5_1 port 1");
		assert_string_equal(rig_fact(&lives[0].lane, "transport"), rows[i].transport ? "UC" : "RC");
		assert_string_equal(rig_fact(&lives[0].lane, "relaxed_ordering"), rows[i].relaxed ? "asked for" : "no");
		assert_string_equal(rig_fact(&lives[0].lane, "buffer_bytes"), rig_fact(&lives[1].lane, "buffer_bytes"));
	}
}

/* By the stub's clock: a request of 64 KiB takes 65.536 us of 1 GB/s, whatever the latency. */
static void rate(void **state)
{
	struct fl_rdma_stream_opts o[2] = { opts_of("mlx5_0"), opts_of("mlx5_1") };
	struct rig_life lives[2];
	double took_ns;

	(void)state;
	live("rate=1000000000,latency=3000", WRITE, o, lives);
	took_ns = (double)(verbs_stub_now_ns() - 1000000000);
	assert_int_equal(end_of(&lives[0]), 0);
	/* those that were under way in the end belong to it, too */
	if (took_ns < 65536.0 * (double)lives[0].ops || took_ns > 1.01 * 65536.0 * (double)(lives[0].ops + 16))
		fail_msg("%g ns for %llu requests", took_ns, (unsigned long long)lives[0].ops);
}

/* ---- what fails, and where */

static void fails(void **state)
{
	static const struct {
		unsigned row;
		const char *stub;
		unsigned at; /* the rank that says it */
		int code;
		const char *says;
	} rows[] = {
		{ WRITE, "nics=0", 0, -ENODEV, "no RDMA device here" },
		{ WRITE, "down=1.1,down=1.2", 1, -ENETDOWN, "mlx5_1 port 1 is down" },
		{ WRITE, "mlx5_1:ibv_reg_mr:1:fail=12", 1, -ENOMEM, "with mlx5_1" },
		{ WRITE, "ib=1", 0, -EPROTO, "mlx5_0 port 1 is Ethernet" },
		{ WRITE, "write:1000:status=12", 0, -ETIMEDOUT,
		  "write, rank 1 (target, 127.0.0.1): nothing came back" },
		{ WRITE, "write:1000:hang", 0, -ETIMEDOUT, "no write to rank 1 (target, 127.0.0.1) was done" },
		{ WRITE, "write:3000:flip", 1, -EBADMSG, "byte 32768 of request 2999" },
		{ WRITE, "write:3000:drop", 1, -EBADMSG, " of request 2999 of " },
		{ READ, "read:3000:flip", 0, -EBADMSG, "byte 32768 of request 2999" },
		{ READ, "read:500:status=10", 0, -EACCES, "read, rank 1 (target, 127.0.0.1)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fl_rdma_stream_opts o[2] = { opts_of("mlx5_0"), opts_of("mlx5_1") };
		struct rig_life lives[2];

		live(rows[i].stub, rows[i].row, o, lives);
		assert_int_equal(end_of(&lives[rows[i].at]), rows[i].code);
		if (!strstr(lives[rows[i].at].err.what, rows[i].says))
			fail_msg("row %zu: '%s'", i, lives[rows[i].at].err.what);
	}
}

static void probes(void **state)
{
	struct fl_rdma_stream_opts o = opts_of("mlx5_0");
	struct fl_err err = { 0 };

	(void)state;
	verbs_stub_begin("");
	assert_int_equal(fl_bench_rdma_stream[WRITE].probe(&o, NULL), 0);
	verbs_stub_begin("nics=0");
	assert_int_equal(fl_bench_rdma_stream[READ].probe(&o, &err), -ENODEV);
	assert_non_null(strstr(err.what, "no RDMA device here"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(moves), cmocka_unit_test(rate), cmocka_unit_test(fails),
					    cmocka_unit_test(probes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
