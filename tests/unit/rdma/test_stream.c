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

enum { WRITE, READ, SEND, ATOMIC };
enum { OPS = 3000 };
extern const struct fl_bench fl_bench_rdma_stream[];

static const struct fl_device node = { .id = "node0", .node = -1 };

static const struct fl_device nics[] = { { .id = "nic-0", .rdma = "mlx5_0", .node = -1 },
					 { .id = "nic-1", .rdma = "mlx5_1", .node = -1 } };

static struct fl_rdma_stream_opts opts_of(unsigned rank)
{
	return (struct fl_rdma_stream_opts){ .memory = &node,
					     .nic = &nics[rank],
					     .interface = "",
					     .gid = "auto",
					     .mtu = "auto",
					     .size = 64 << 10,
					     .qps = 1,
					     .threads = 1,
					     .depth = 16,
					     .list = 1,
					     .signal = 1 };
}

/* Whoever sends goes on until enough has arrived. */
static bool is_measured(unsigned row, unsigned rank)
{
	return row != SEND || rank == 1;
}

/* What a test does with what the initiator says. */
static void (*meddle)(const char *name, void *mine);
static struct rig_group *group;

/* Both lanes to their end, the initiator after so many requests; nothing is left. */
static void live(const char *stub, unsigned row, const struct fl_rdma_stream_opts o[2], struct rig_life lives[2])
{
	const bool all = row == SEND || o[0].direction == FL_RDMA_BOTH;
	struct rig_group *g = new_group();
	char why[160], text[200];

	/* They begin together. */
	snprintf(text, sizeof(text), "threads=%u,%s", (unsigned)o[0].threads * (all ? 2 : 1), stub);
	verbs_stub_begin(text);
	group = g;
	for (unsigned rank = 0; rank < 2; rank++) {
		lives[rank] = (struct rig_life){
			.bench = &fl_bench_rdma_stream[row],
			.opts = &o[rank],
			.lane = { .group = g, .rank = rank, .size = 2, .meddle = rank ? NULL : meddle },
			.threads = (unsigned)o[rank].threads,
			.ops_wanted = is_measured(row, rank) ? OPS : 0
		};
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

/* What a row sets beside opts_of(). */
struct wish {
	unsigned row;
	uint64_t size, qps, threads, list, signal;
	unsigned transport, completion, direction, op;
	bool inlined, relaxed;
	uint64_t receives;
	const char *mtu;
};

static void wish_for(const struct wish *w, struct fl_rdma_stream_opts o[2])
{
	for (unsigned rank = 0; rank < 2; rank++) {
		o[rank] = opts_of(rank);
		o[rank].size = w->size;
		o[rank].qps = w->qps;
		o[rank].threads = w->threads;
		o[rank].list = w->list;
		o[rank].signal = w->signal;
		o[rank].transport = w->transport;
		o[rank].completion = w->completion;
		o[rank].direction = w->direction;
		o[rank].op = w->op;
		o[rank].inlined = w->inlined;
		o[rank].relaxed = w->relaxed;
		o[rank].receives = w->receives;
		o[rank].mtu = w->mtu ? w->mtu : "auto";
	}
}

static void expect_counts(const struct wish *w, const struct rig_life lives[2])
{
	const uint64_t size = w->row == ATOMIC ? 8 : w->size;
	const unsigned measured = w->row == SEND ? 1 : 0;

	assert_true(lives[measured].ops >= OPS);
	for (unsigned rank = 0; rank < 2; rank++)
		assert_int_equal(lives[rank].bytes, lives[rank].ops * size);
	if (w->direction == FL_RDMA_BOTH)
		assert_true(lives[0].ops > 0 && lives[1].ops > 0);
	else if (w->row != SEND)
		assert_int_equal(lives[1].ops, 0);
}

static void expect_facts(const struct wish *w, const struct rig_life lives[2])
{
	static const char *const transports[] = { "RC", "UC", "UD" };
	const struct fl_lane *a = &lives[0].lane, *b = &lives[1].lane;

	assert_string_equal(rig_fact(a, "rdma_device"), "mlx5_0 port 1");
	assert_string_equal(rig_fact(a, "interface"), "lo");
	assert_string_equal(rig_fact(b, "rdma_device"), "mlx5_1 port 1");
	assert_string_equal(rig_fact(a, "transport"), transports[w->transport]);
	assert_string_equal(rig_fact(a, "relaxed_ordering"), w->relaxed ? "asked for" : "no");
	assert_string_equal(rig_fact(a, "buffer_bytes"), rig_fact(b, "buffer_bytes"));
	assert_string_equal(rig_fact(a, "path_mtu"), w->mtu ? w->mtu : "4096");
	if (w->row == WRITE)
		assert_string_equal(rig_fact(a, "counts"),
				    w->transport == FL_RDMA_WORD_UC ? "what was sent" : "what arrived");
	if (w->row == SEND)
		assert_string_equal(rig_fact(b, "receives"), w->receives ? "8" : w->relaxed ? "32" : "512");
	if (w->row == SEND && w->transport == FL_RDMA_WORD_RC)
		assert_string_equal(rig_fact(b, "lost"), "");
	if (w->row == ATOMIC)
		assert_string_equal(rig_fact(a, "atomicity"), "device");
}

static void moves(void **state)
{
	static const struct wish rows[] = {
		{ WRITE, 64 << 10, 1, 1, 1, 1, 0, 0, 0, 0, false, false, 0, NULL },
		{ WRITE, 1 << 20, 2, 2, 4, 2, FL_RDMA_WORD_UC, FL_RDMA_EVENT, 0, 0, false, true, 0, NULL },
		{ WRITE, 64, 3, 1, 2, 8, 0, 0, 0, 0, true, false, 0, "1024" },
		{ WRITE, 4096, 4, 4, 1, 4, 0, 0, FL_RDMA_BOTH, 0, false, false, 0, NULL },
		{ READ, 64 << 10, 2, 1, 1, 4, 0, 0, 0, 0, false, false, 0, NULL },
		{ READ, 8192, 2, 2, 2, 2, 0, FL_RDMA_EVENT, FL_RDMA_BOTH, 0, false, true, 0, NULL },
		{ SEND, 64 << 10, 1, 1, 1, 1, 0, 0, 0, 0, false, false, 0, NULL },
		{ SEND, 3000, 2, 2, 4, 8, 0, FL_RDMA_EVENT, 0, 0, false, false, 8, NULL },
		{ SEND, 64, 2, 1, 1, 4, 0, 0, FL_RDMA_BOTH, 0, true, true, 0, NULL },
		{ SEND, 4096, 2, 1, 2, 4, FL_RDMA_WORD_UC, 0, 0, 0, false, false, 0, NULL },
		{ SEND, 4096, 1, 1, 1, 1, FL_RDMA_WORD_UD, 0, 0, 0, false, false, 0, NULL },
		{ SEND, 1, 4, 2, 2, 4, FL_RDMA_WORD_UD, FL_RDMA_EVENT, FL_RDMA_BOTH, 0, true, false, 0, "256" },
		{ ATOMIC, 0, 1, 1, 1, 1, 0, 0, 0, FL_RDMA_OP_ADD, false, false, 0, NULL },
		{ ATOMIC, 0, 4, 2, 2, 8, 0, FL_RDMA_EVENT, 0, FL_RDMA_OP_SWAP, false, true, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_rdma_stream_opts o[2];
		struct rig_life lives[2];

		wish_for(&rows[i], o);
		live("", rows[i].row, o, lives);
		if (end_of(&lives[0]) || end_of(&lives[1]))
			fail_msg("row %zu: %s; %s", i, lives[0].err.what, lives[1].err.what);
		expect_counts(&rows[i], lives);
		expect_facts(&rows[i], lives);
	}
}

/* By the stub's clock: a request of 64 KiB takes 65.536 us of 1 GB/s, whatever the latency. */
static void rate(void **state)
{
	struct fl_rdma_stream_opts o[2] = { opts_of(0), opts_of(1) };
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

static void sets_nothing(struct fl_rdma_stream_opts *o)
{
	(void)o;
}

static void sets_uc(struct fl_rdma_stream_opts *o)
{
	o->transport = FL_RDMA_WORD_UC;
}

static void sets_ud(struct fl_rdma_stream_opts *o)
{
	o->transport = FL_RDMA_WORD_UD;
}

static void sets_small_ud(struct fl_rdma_stream_opts *o)
{
	o->transport = FL_RDMA_WORD_UD;
	o->size = 512;
}

static void sets_both(struct fl_rdma_stream_opts *o)
{
	o->direction = FL_RDMA_BOTH;
}

static void sets_swap(struct fl_rdma_stream_opts *o)
{
	o->op = FL_RDMA_OP_SWAP;
}

static void sets_odd_threads(struct fl_rdma_stream_opts *o)
{
	o->qps = 3;
	o->threads = 2;
}

static void sets_relaxed(struct fl_rdma_stream_opts *o)
{
	o->relaxed = true;
	o->buffer = UINT64_C(8) << 30;
	o->size = 1 << 30;
}

static void fails(void **state)
{
	static const struct {
		unsigned row;
		void (*sets)(struct fl_rdma_stream_opts *o);
		const char *stub;
		unsigned at; /* the rank that says it */
		int code;
		const char *says;
	} rows[] = {
		{ WRITE, sets_nothing, "nics=0", 0, -ENODEV, "no RDMA device here" },
		{ WRITE, sets_nothing, "down=1.1,down=1.2", 1, -ENETDOWN, "mlx5_1 port 1 is down" },
		{ WRITE, sets_nothing, "mlx5_1:ibv_reg_mr:1:fail=12", 1, -ENOMEM, "with mlx5_1" },
		{ WRITE, sets_nothing, "ib=1", 0, -EPROTO, "mlx5_0 port 1 is Ethernet" },
		{ WRITE, sets_nothing, "write:1000:status=12", 0, -ETIMEDOUT,
		  "write, rank 1 (target, 127.0.0.1): nothing came back" },
		{ WRITE, sets_nothing, "write:1000:hang", 0, -ETIMEDOUT,
		  "no write to rank 1 (target, 127.0.0.1) was done" },
		{ WRITE, sets_nothing, "write:3000:flip", 1, -EBADMSG, "byte 32768 of request 2999" },
		{ WRITE, sets_nothing, "write:3000:drop", 1, -EBADMSG, " of request 2999 of " },
		{ WRITE, sets_uc, "write:3000:lose", 1, -EBADMSG, " of request 2999 of " },
		{ WRITE, sets_both, "mlx5_0:write:2900:flip", 1, -EBADMSG, "byte 32768 of request 2899" },
		{ WRITE, sets_both, "mlx5_1:write:2900:drop", 0, -EBADMSG, " of request 2899 of " },
		{ WRITE, sets_nothing, "read:1:status=12", 1, -ETIMEDOUT,
		  "was done, says rank 0 (initiator, 127.0.0.1)" }, /* the one that comes last */
		{ WRITE, sets_odd_threads, "", 0, -EINVAL, "3 queue pairs are not to be shared" },
		{ WRITE, sets_relaxed, "", 0, -EINVAL, "have not room for 16 requests" },
		{ READ, sets_nothing, "read:3000:flip", 0, -EBADMSG, "byte 32768 of request 2999" },
		{ READ, sets_both, "mlx5_1:read:2900:flip", 1, -EBADMSG, "byte 32768 of request 2899" },
		{ READ, sets_nothing, "read:500:status=10", 0, -EACCES, "read, rank 1 (target, 127.0.0.1)" },
		{ SEND, sets_nothing, "send:3000:flip", 1, -EBADMSG, "byte 32768 of request 2999" },
		{ SEND, sets_nothing, "send:3000:drop", 1, -EBADMSG, " of request 2999 of " },
		{ SEND, sets_both, "mlx5_1:send:2900:flip", 0, -EBADMSG, "byte 32768 of request 2899" },
		{ SEND, sets_uc, "send:2000:lose,send:3000:flip", 1, -EBADMSG, "byte 32768 of request 2999" },
		{ SEND, sets_small_ud, "send:2000:lose,send:3000:flip", 1, -EBADMSG, "byte 256 of request 2999" },
		{ SEND, sets_nothing, "send:1000:status=13", 0, -ENOBUFS, "send, rank 1 (target, 127.0.0.1): had no" },
		{ SEND, sets_nothing, "ibv_post_recv:40:fail=12", 1, -ENOMEM,
		  "post a receive for rank 0 (initiator, 127.0.0.1)" },
		{ SEND, sets_ud, "", 0, -EMSGSIZE, "65536 bytes are more than a datagram has: the path MTU is 4096" },
		{ ATOMIC, sets_nothing, "noatomics=0", 0, -EOPNOTSUPP, "mlx5_0 has no atomics" },
		{ ATOMIC, sets_nothing, "noatomics=1", 1, -EOPNOTSUPP, "mlx5_1 has no atomics" },
		{ ATOMIC, sets_nothing, "atomic:3000:flip", 1, -EBADMSG, " word 2999 of " },
		{ ATOMIC, sets_nothing, "atomic:500:drop", 1, -EBADMSG, " word 499 of " },
		{ ATOMIC, sets_swap, "atomic:500:drop", 1, -EBADMSG, " word 499 of " },
		{ ATOMIC, sets_swap, "atomic:500:status=10", 0, -EACCES, "compare-and-swap, rank 1 (target" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_rdma_stream_opts o[2] = { opts_of(0), opts_of(1) };
		struct rig_life lives[2];

		rows[i].sets(&o[0]);
		rows[i].sets(&o[1]);
		live(rows[i].stub, rows[i].row, o, lives);
		if (end_of(&lives[rows[i].at]) != rows[i].code || !strstr(lives[rows[i].at].err.what, rows[i].says))
			fail_msg("row %zu: %d, '%s'", i, end_of(&lives[rows[i].at]), lives[rows[i].at].err.what);
	}
}

/* The other one is lost, and neither is heard. */
static void loses_all(const char *name, void *mine)
{
	(void)mine;
	if (strcmp(name, "totals") != 0)
		return;
	group->came = 2;
	group->lost = 1;
	pthread_cond_broadcast(&group->changed);
}

static void live_and_lose(const char *stub, struct rig_life lives[2])
{
	struct fl_rdma_stream_opts o[2] = { opts_of(0), opts_of(1) };

	meddle = loses_all;
	live(stub, WRITE, o, lives);
	meddle = NULL;
}

/* What failed after the last step is said by whoever it failed for, also where the other lane is gone by then. */
static void keeps_its_cause(void **state)
{
	struct rig_life lives[2];

	(void)state;
	live_and_lose("write:3012:status=10", lives);
	assert_int_equal(lives[0].step_rc, 0);
	assert_int_equal(lives[0].verify_rc, -EACCES);
	assert_non_null(
		strstr(lives[0].err.what, "write, rank 1 (target, 127.0.0.1): its memory may not be accessed so"));
	assert_int_equal(lives[1].verify_rc, -ECANCELED);
}

/* Who is called off, as the one that has the memory is where the other fails, says so if it was its own port. */
static void knows_why_it_is_called_off(void **state)
{
	struct rig_life lives[2];

	(void)state;
	live_and_lose("mlx5_0:write:40:event=10", lives);
	assert_int_equal(lives[0].verify_rc, -ENETDOWN);
	assert_string_equal(lives[0].err.what,
			    "mlx5_0 port 1 went down while this ran: what was measured is not what it can do");
	assert_int_equal(lives[1].verify_rc, -ECANCELED);
}

/* Where nobody tells what is lost, that is the first thing to think of. */
static void hints(void **state)
{
	static const struct {
		unsigned row;
		void (*sets)(struct fl_rdma_stream_opts *o);
		const char *stub, *hint;
	} rows[] = {
		{ WRITE, sets_uc, "write:3000:lose", "does the network lose packets under load" },
		{ WRITE, sets_nothing, "write:3000:drop", "the NIC, the PCIe path to it" },
		{ SEND, sets_uc, "send:3000:flip", "the NIC, the PCIe path to it" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_rdma_stream_opts o[2] = { opts_of(0), opts_of(1) };
		struct rig_life lives[2];

		rows[i].sets(&o[0]);
		rows[i].sets(&o[1]);
		live(rows[i].stub, rows[i].row, o, lives);
		assert_int_equal(end_of(&lives[1]), -EBADMSG);
		if (!strstr(lives[1].err.hint, rows[i].hint))
			fail_msg("row %zu: '%s'", i, lives[1].err.hint);
	}
}

/* Buffers that are asked for and too small are refused, with the reason. */
static void needs_room(void **state)
{
	static const struct {
		unsigned row;
		uint64_t qps, transport;
		bool relaxed;
		const char *says, *hint;
	} rows[] = {
		{ WRITE, 16, FL_RDMA_WORD_RC, false, "room for 16 requests",
		  "each queue pair needs a place for one: ask for buffers of 17179869184 bytes, or for smaller "
		  "requests" },
		{ WRITE, 1, FL_RDMA_WORD_RC, true, "room for 16 requests",
		  "with relaxed ordering all that are in flight need places of their own: ask for buffers of "
		  "17179869184 "
		  "bytes, or for less in flight" },
		{ SEND, 8, FL_RDMA_WORD_UC, false, "room for 16 requests",
		  "each queue pair needs a place for a message, and one for what may be lost in part: ask for buffers "
		  "of 17179869184 bytes, or for smaller requests" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_rdma_stream_opts o[2] = { opts_of(0), opts_of(1) };
		struct rig_life lives[2];

		for (unsigned rank = 0; rank < 2; rank++) {
			o[rank].size = 1 << 30;
			o[rank].buffer = UINT64_C(8) << 30;
			o[rank].qps = rows[i].qps;
			o[rank].transport = (unsigned)rows[i].transport;
			o[rank].relaxed = rows[i].relaxed;
		}
		live("", rows[i].row, o, lives);
		assert_int_equal(end_of(&lives[0]), -EINVAL);
		if (!strstr(lives[0].err.what, rows[i].says) || strcmp(lives[0].err.hint, rows[i].hint) != 0)
			fail_msg("row %zu: '%s', '%s'", i, lives[0].err.what, lives[0].err.hint);
	}
}

/* Receives that nobody asked for are as many as there is room for: none fails because of them. */
static void fits(void **state)
{
	static const struct {
		const char *stub;
		uint64_t qps, threads, receives;
		const char *has; /* NULL: what was asked for is refused */
	} rows[] = {
		/* 2 * (16 + 64); 16 + 144, in lists of 32 128; less than a list more than what is in flight */
		{ "cqe=1.160", 2, 1, 0, "64" },	 { "cqe=1.160", 2, 2, 0, "128" }, { "cqe=1.80", 2, 1, 0, "24" },
		{ "cqe=1.64", 2, 1, 0, "16" },	 { "cqe=1.160", 2, 1, 65, NULL }, { "", 2, 1, 0, "512" },
		{ "depth=128", 2, 1, 0, "128" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_rdma_stream_opts o[2] = { opts_of(0), opts_of(1) };
		struct rig_life lives[2];

		for (unsigned rank = 0; rank < 2; rank++) {
			o[rank].size = 4096;
			o[rank].qps = rows[i].qps;
			o[rank].threads = rows[i].threads;
			o[rank].receives = rows[i].receives;
		}
		live(rows[i].stub, SEND, o, lives);
		if (!rows[i].has) {
			assert_int_equal(end_of(&lives[1]), -EINVAL);
			assert_non_null(strstr(lives[1].err.what, "of 16 requests and 65 receives"));
			continue;
		}
		if (end_of(&lives[0]) || end_of(&lives[1]))
			fail_msg("row %zu: %s; %s", i, lives[0].err.what, lives[1].err.what);
		assert_string_equal(rig_fact(&lives[1].lane, "receives"), rows[i].has);
	}
}

/* What an unreliable transport loses is said, and is no wrong data. */
static void loses(void **state)
{
	static const struct {
		void (*sets)(struct fl_rdma_stream_opts *o);
		const char *stub, *lost;
	} rows[] = {
		{ sets_uc, "", "0 of " },
		{ sets_uc, "send:100:lose,send:2000:lose", "2 of " },
		{ sets_uc, "send:100:part,send:2000:part,send:2001:lose", "3 of " },
		{ sets_small_ud, "send:100:lose,send:1000:lose,send:1001:lose", "3 of " },
		{ sets_small_ud, "mlx5_0:send:3:lose,mlx5_0:send:4:lose", "2 of " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_rdma_stream_opts o[2] = { opts_of(0), opts_of(1) };
		struct rig_life lives[2];

		rows[i].sets(&o[0]);
		rows[i].sets(&o[1]);
		live(rows[i].stub, SEND, o, lives);
		if (end_of(&lives[0]) || end_of(&lives[1]))
			fail_msg("row %zu: %s; %s", i, lives[0].err.what, lives[1].err.what);
		if (strncmp(rig_fact(&lives[1].lane, "lost"), rows[i].lost, strlen(rows[i].lost)) != 0)
			fail_msg("row %zu: lost '%s'", i, rig_fact(&lives[1].lane, "lost"));
	}
}

static void probes(void **state)
{
	struct fl_rdma_stream_opts o = opts_of(0);
	struct fl_err err = { 0 };

	(void)state;
	verbs_stub_begin("");
	assert_int_equal(fl_bench_rdma_stream[WRITE].probe(&o, NULL), 0);
	verbs_stub_begin("nics=0");
	assert_int_equal(fl_bench_rdma_stream[READ].probe(&o, &err), -ENODEV);
	assert_non_null(strstr(err.what, "no RDMA device here"));
	verbs_stub_begin("noatomics=0");
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_bench_rdma_stream[SEND].probe(&o, NULL), 0);
	assert_int_equal(fl_bench_rdma_stream[ATOMIC].probe(&o, &err), -EOPNOTSUPP);
	assert_string_equal(err.what, "mlx5_0 has no atomics");
	o.nic = NULL; /* of `feedline list --probe` */
	verbs_stub_begin("nics=0");
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_bench_rdma_stream[READ].probe(&o, &err), -ENODEV);
	assert_non_null(strstr(err.what, "no RDMA device here"));
	verbs_stub_begin("nics=2");
	assert_int_equal(fl_bench_rdma_stream[WRITE].probe(&o, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(moves),
					    cmocka_unit_test(rate),
					    cmocka_unit_test(fails),
					    cmocka_unit_test(loses),
					    cmocka_unit_test(fits),
					    cmocka_unit_test(keeps_its_cause),
					    cmocka_unit_test(knows_why_it_is_called_off),
					    cmocka_unit_test(hints),
					    cmocka_unit_test(needs_room),
					    cmocka_unit_test(probes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
