/* SPDX-License-Identifier: Apache-2.0 */
/* test_ping.c: one message at a time between two sides: that all bytes of each are looked at, how long the stub is
 * known to take, and how it ends when something fails. */
#include "path/rdma/ping.c"
#include "rdma_rig.h"
#include <feedline/clock.h>
#include <math.h>

/* All time is that of the stub. */
uint64_t fl_now_ns(void)
{
	return verbs_stub_now_ns();
}

void fl_sleep_until(uint64_t at_ns)
{
	verbs_stub_sleep_until(at_ns);
}

/* What both sides are asked for, and what rank 0 found. */
struct wish {
	enum ibv_wr_opcode opcode;
	enum fl_rdma_transport transport;
	uint64_t size, trips;
	bool inlined, events, relaxed, halted;
	/* of the side that answers, where it is not the same */
	uint64_t size_there;
	double mean_ns;
};

struct total {
	uint64_t trips, all_well;
};

static bool is_echoed(const struct wish *w)
{
	return w->opcode == IBV_WR_RDMA_WRITE || w->opcode == IBV_WR_SEND;
}

static int make_trips(struct side *s, struct fl_rdma_ping *p, struct fl_err *err)
{
	struct wish *w = s->arg;
	uint64_t all_ns = 0;
	int rc = 0;

	for (uint64_t i = 0; i < w->trips && rc == 0; i++) {
		uint64_t ns = 0;

		if (s->lane.rank == 0)
			rc = fl_rdma_ping_ask(p, &ns, err);
		else if (is_echoed(w))
			rc = fl_rdma_ping_answer(p, err);
		all_ns += ns;
	}
	if (s->lane.rank == 0)
		w->mean_ns = (double)all_ns / (double)w->trips;
	return rc;
}

static int act_on(struct side *s, struct fl_rdma_ping *p, struct fl_err *err)
{
	struct total mine = { 0 }, all[2];
	int rc = fl_barrier(&s->lane, "places", err);

	if (rc == 0)
		rc = make_trips(s, p, err);
	fl_rdma_ping_drain(p);
	mine.all_well = fl_rdma_ping_trips(p, &mine.trips);
	if (rc == 0)
		rc = fl_allgather(&s->lane, "totals", &mine, sizeof(mine), all, err);
	if (rc == 0 && s->lane.rank == 1)
		rc = fl_rdma_ping_check(p, all[0].trips, err);
	return rc == 0 && !all[0].all_well ? -EIO : rc;
}

static int act(struct side *s, struct fl_err *err)
{
	const struct wish *w = s->arg;
	const atomic_bool halted = w->halted;
	const struct fl_rdma_ping_spec spec = { .link = &s->link,
						.memory = &s->memory,
						.halted = &halted,
						.opcode = w->opcode,
						.size = s->lane.rank && w->size_there ? w->size_there : w->size,
						.asks = s->lane.rank == 0,
						.inlined = w->inlined };
	struct fl_rdma_ping *p = NULL;
	int rc = fl_rdma_ping_open(&spec, &p, err);

	if (rc == 0)
		rc = act_on(s, p, err);
	fl_rdma_ping_close(p);
	return rc;
}

static void live(const char *stub, struct wish *w, struct side both[2])
{
	const bool sends = w->opcode == IBV_WR_SEND;
	struct rig_group *g = new_group();

	verbs_stub_begin(stub);
	for (unsigned rank = 0; rank < 2; rank++) {
		both[rank] = side_of(g, rank);
		both[rank].arg = w;
		both[rank].act = act;
		both[rank].memory_spec.bytes = fl_rdma_ping_bytes(rank && w->size_there ? w->size_there : w->size);
		both[rank].memory_spec.rights = fl_rdma_ping_rights(w->opcode, rank == 0);
		both[rank].memory_spec.relaxed = w->relaxed;
		both[rank].link_spec.transport = w->transport;
		both[rank].link_spec.depth = FL_RDMA_PING_DEPTH;
		both[rank].link_spec.receives = sends ? FL_RDMA_PING_RECEIVES : 0;
		both[rank].link_spec.apart = sends;
		both[rank].link_spec.inline_bytes = w->inlined ? 220 : 0;
		both[rank].link_spec.events = w->events;
	}
	sides_live(&both[0], &both[1]);
}

/* ---- there and back */

static void trips(void **state)
{
	static const struct wish rows[] = {
		{ .opcode = IBV_WR_RDMA_WRITE, .size = 1 },
		{ .opcode = IBV_WR_RDMA_WRITE, .size = 8, .inlined = true },
		{ .opcode = IBV_WR_RDMA_WRITE, .size = 70000 },
		{ .opcode = IBV_WR_RDMA_WRITE, .size = 263, .transport = FL_RDMA_UC },
		{ .opcode = IBV_WR_SEND, .size = 1, .inlined = true },
		{ .opcode = IBV_WR_SEND, .size = 4096, .events = true },
		{ .opcode = IBV_WR_SEND, .size = 70000, .relaxed = true },
		{ .opcode = IBV_WR_SEND, .size = 257, .transport = FL_RDMA_UC },
		{ .opcode = IBV_WR_SEND, .size = 4096, .transport = FL_RDMA_UD },
		{ .opcode = IBV_WR_SEND, .size = 3, .transport = FL_RDMA_UD, .inlined = true, .events = true },
		{ .opcode = IBV_WR_RDMA_READ, .size = 1 },
		{ .opcode = IBV_WR_RDMA_READ, .size = 70000, .events = true },
		{ .opcode = IBV_WR_ATOMIC_FETCH_AND_ADD, .size = 8 },
		{ .opcode = IBV_WR_ATOMIC_FETCH_AND_ADD, .size = 8, .events = true, .relaxed = true },
		{ .opcode = IBV_WR_ATOMIC_CMP_AND_SWP, .size = 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wish w = rows[i];
		struct side both[2];

		w.trips = 300; /* more than the queues have room for, and than a byte counts */
		live("", &w, both);
		if (both[0].rc || both[1].rc)
			fail_msg("row %zu: %d %s; %d %s", i, both[0].rc, both[0].err.what, both[1].rc,
				 both[1].err.what);
	}
}

/* Bytes at 1 GB/s, and 3 us: of writes and sends there, and back. */
static void as_long_as_known(void **state)
{
	static const struct {
		struct wish wish;
		double ns;
	} rows[] = {
		{ { .opcode = IBV_WR_RDMA_WRITE, .size = 1 }, 6002 },
		{ { .opcode = IBV_WR_RDMA_WRITE, .size = 65536, .transport = FL_RDMA_UC }, 137072 },
		{ { .opcode = IBV_WR_SEND, .size = 8, .inlined = true }, 6016 },
		{ { .opcode = IBV_WR_SEND, .size = 4096, .events = true }, 14192 },
		{ { .opcode = IBV_WR_SEND, .size = 4096, .transport = FL_RDMA_UD }, 14192 },
		{ { .opcode = IBV_WR_RDMA_READ, .size = 8 }, 3008 },
		{ { .opcode = IBV_WR_RDMA_READ, .size = 4096, .events = true }, 7096 },
		{ { .opcode = IBV_WR_ATOMIC_FETCH_AND_ADD, .size = 8 }, 3008 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wish w = rows[i].wish;
		struct side both[2];

		w.trips = 200;
		live(is_echoed(&w) ? "rate=1000000000,latency=3000,threads=2" : "rate=1000000000,latency=3000", &w,
		     both);
		assert_int_equal(both[0].rc, 0);
		if (fabs(w.mean_ns - rows[i].ns) > 0.01 * rows[i].ns)
			fail_msg("row %zu: %g ns, not %g", i, w.mean_ns, rows[i].ns);
	}
}

/* A message that takes the wire, there and back, longer than a host may be silent. */
static void slow_is_not_gone(void **state)
{
	static const enum ibv_wr_opcode opcodes[] = { IBV_WR_SEND, IBV_WR_RDMA_READ };

	(void)state;
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		struct wish w = { .opcode = opcodes[i], .size = 24 << 20, .trips = 1, .events = true };
		struct side both[2];

		if (!is_echoed(&w))
			w.size *= 2;
		live("rate=4500000", &w, both);
		if (both[0].rc || both[1].rc)
			fail_msg("row %zu: %s; %s", i, both[0].err.what, both[1].err.what);
		assert_true(w.mean_ns > 11e9);
	}
}

static void more_than_a_message(void **state)
{
	struct wish w = { .opcode = IBV_WR_RDMA_WRITE, .size = 4096, .trips = 3 };
	struct side both[2];

	(void)state;
	live("message=4095", &w, both);
	assert_int_equal(both[0].rc, -EMSGSIZE);
}

/* ---- what comes is not what was to come */

static void wrong_data(void **state)
{
	static const struct {
		const char *stub;
		enum ibv_wr_opcode opcode;
		enum fl_rdma_transport transport;
		uint64_t size;
		unsigned at; /* the rank that says it */
		const char *says;
	} rows[] = {
		/* The 99th is a ping, the 100th a pong. */
		{ "write:99:flip", IBV_WR_RDMA_WRITE, FL_RDMA_RC, 64, 1,
		  "write 50 of rank 0 (initiator, 127.0.0.1) brought other bytes than its own" },
		{ "write:100:flip", IBV_WR_RDMA_WRITE, FL_RDMA_RC, 64, 0,
		  "write 50 to rank 1 (target, 127.0.0.1) brought other bytes than its own" },
		{ "write:100:flip", IBV_WR_RDMA_WRITE, FL_RDMA_RC, 1, 0, "write 50 to rank 1" },
		{ "write:99:flip", IBV_WR_RDMA_WRITE, FL_RDMA_UC, 2, 1, "write 50 of rank 0" },
		{ "write:599:flip", IBV_WR_RDMA_WRITE, FL_RDMA_RC, 4096, 1, "write 300 of rank 0" },
		{ "write:600:flip", IBV_WR_RDMA_WRITE, FL_RDMA_RC, 4096, 0, "write 300 to rank 1" },
		{ "send:99:flip", IBV_WR_SEND, FL_RDMA_RC, 64, 1, "send 50 of rank 0" },
		{ "send:100:flip", IBV_WR_SEND, FL_RDMA_UC, 1, 0, "send 50 to rank 1" },
		{ "send:599:flip", IBV_WR_SEND, FL_RDMA_UD, 4096, 1, "send 300 of rank 0" },
		{ "send:600:flip", IBV_WR_SEND, FL_RDMA_UD, 4096, 0, "send 300 to rank 1" },
		{ "send:100:drop", IBV_WR_SEND, FL_RDMA_RC, 64, 0, "send 50 to rank 1" },
		{ "read:50:flip", IBV_WR_RDMA_READ, FL_RDMA_RC, 4096, 0,
		  "read 50 to rank 1 (target, 127.0.0.1) brought other bytes than its own" },
		{ "read:300:flip", IBV_WR_RDMA_READ, FL_RDMA_RC, 1, 0, "read 300 to rank 1" },
		{ "read:1:drop", IBV_WR_RDMA_READ, FL_RDMA_RC, 8, 0, "read 1 to rank 1" },
		{ "read:300:drop", IBV_WR_RDMA_READ, FL_RDMA_RC, 4096, 0, "read 300 to rank 1" },
		{ "atomic:50:flip", IBV_WR_ATOMIC_FETCH_AND_ADD, FL_RDMA_RC, 8, 0, "atomic 51 to rank 1" },
		{ "atomic:50:drop", IBV_WR_ATOMIC_FETCH_AND_ADD, FL_RDMA_RC, 8, 0, "atomic 51 to rank 1" },
		{ "atomic:300:flip", IBV_WR_ATOMIC_FETCH_AND_ADD, FL_RDMA_RC, 8, 1,
		  "300 atomics of rank 0 (initiator, 127.0.0.1) leave " },
		{ "atomic:300:drop", IBV_WR_ATOMIC_FETCH_AND_ADD, FL_RDMA_RC, 8, 1, "300 atomics of rank 0" },
		{ "atomic:50:drop", IBV_WR_ATOMIC_CMP_AND_SWP, FL_RDMA_RC, 8, 0, "atomic 51 to rank 1" },
		{ "atomic:300:flip", IBV_WR_ATOMIC_CMP_AND_SWP, FL_RDMA_RC, 8, 1, "300 atomics of rank 0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wish w = {
			.opcode = rows[i].opcode, .transport = rows[i].transport, .size = rows[i].size, .trips = 300
		};
		struct side both[2];

		live(rows[i].stub, &w, both);
		if (both[rows[i].at].rc != -EBADMSG || !strstr(both[rows[i].at].err.what, rows[i].says) ||
		    !strstr(both[rows[i].at].err.hint, "the PCIe path"))
			fail_msg("row %zu: %d '%s' '%s'", i, both[rows[i].at].rc, both[rows[i].at].err.what,
				 both[rows[i].at].err.hint);
	}
}

/* A packet of a message that did not come leaves what came to that place before, which is never the same. */
static void every_packet_has_a_mark(void **state)
{
	enum { ROOM = 3 * EVERY + 1 };
	char now[ROOM], before[ROOM];

	(void)state;
	for (uint64_t size = 1; size <= ROOM; size++) {
		memset(now, 7, size);
		memset(before, 7, size);
		mark(before, size, 1000);
		mark(now, size, 1000 + PLACES);
		for (uint64_t at = 0; at < size; at += EVERY)
			if (!memcmp(now + at, before + at, size - at < EVERY ? size - at : EVERY))
				fail_msg("of %" PRIu64 " bytes those from %" PRIu64 " on are as before", size, at);
	}
}

/* One bit that is turned looks neither like the last message that came to that place nor like the last one of all. */
static void one_bit_is_seen(void **state)
{
	(void)state;
	for (uint64_t number = PLACES; number < 1000; number++)
		for (uint64_t ago = 1; ago <= PLACES; ago++) {
			char now, before;

			mark(&now, 1, number);
			mark(&before, 1, number - ago);
			assert_true(__builtin_popcount((unsigned char)(now ^ before)) >= 2);
		}
}

/* ---- what fails ends with its cause */

static const struct {
	const char *stub;
	struct wish wish;
	int code[2]; /* 0: any */
	const char *says[2];
} failures[] = {
	{ "write:99:status=10",
	  { .opcode = IBV_WR_RDMA_WRITE, .size = 8 },
	  { -EACCES, 0 },
	  { "write, rank 1 (target, 127.0.0.1): its memory may not be accessed", "" } },
	{ "write:100:status=12",
	  { .opcode = IBV_WR_RDMA_WRITE, .size = 8 },
	  { 0, -ETIMEDOUT },
	  { "", "write, rank 0 (initiator, 127.0.0.1): nothing came back" } },
	{ "cut=1",
	  { .opcode = IBV_WR_RDMA_WRITE, .size = 8 },
	  { -ETIMEDOUT, -ETIMEDOUT },
	  { "write, rank 1 (target, 127.0.0.1): nothing came back",
	    "write 1 of rank 0 (initiator, 127.0.0.1) did not come for 10 s" } },
	{ "cut=1",
	  { .opcode = IBV_WR_RDMA_WRITE, .size = 8, .transport = FL_RDMA_UC },
	  { -ETIMEDOUT, -ETIMEDOUT },
	  { "write 1 to rank 1 (target, 127.0.0.1) was not answered for 10 s",
	    "write 1 of rank 0 (initiator, 127.0.0.1) did not come for 10 s" } },
	{ "write:99:drop",
	  { .opcode = IBV_WR_RDMA_WRITE, .size = 8, .transport = FL_RDMA_UC },
	  { -ETIMEDOUT, -ETIMEDOUT },
	  { "write 50 to rank 1", "write 50 of rank 0" } },
	{ "write:100:drop",
	  { .opcode = IBV_WR_RDMA_WRITE, .size = 8 },
	  { -ETIMEDOUT, -ETIMEDOUT },
	  { "write 50 to rank 1 (target, 127.0.0.1) was not answered", "write 51 of rank 0" } },
	{ "write:99:hang",
	  { .opcode = IBV_WR_RDMA_WRITE, .size = 8 },
	  { -ETIMEDOUT, -ETIMEDOUT },
	  { "write 50 to rank 1", "write 50 of rank 0" } },
	{ "cut=1",
	  { .opcode = IBV_WR_SEND, .size = 8 },
	  { -ETIMEDOUT, -ETIMEDOUT },
	  { "send, rank 1 (target, 127.0.0.1): nothing came back", "send 1 of rank 0" } },
	{ "send:99:status=12",
	  { .opcode = IBV_WR_SEND, .size = 8 },
	  { -ETIMEDOUT, 0 },
	  { "send, rank 1 (target, 127.0.0.1): nothing came back", "" } },
	{ "cut=1",
	  { .opcode = IBV_WR_SEND, .size = 8, .transport = FL_RDMA_UD },
	  { -ETIMEDOUT, -ETIMEDOUT },
	  { "send 1 to rank 1 (target, 127.0.0.1) was not answered for 10 s", "send 1 of rank 0" } },
	{ "send:100:hang",
	  { .opcode = IBV_WR_SEND, .size = 8, .transport = FL_RDMA_UC },
	  { -ETIMEDOUT, -ETIMEDOUT },
	  { "send 50 to rank 1 (target, 127.0.0.1) was not answered for 10 s", "send 51 of rank 0" } },
	{ "read:50:status=10",
	  { .opcode = IBV_WR_RDMA_READ, .size = 8 },
	  { -EACCES, -ECANCELED },
	  { "read, rank 1 (target, 127.0.0.1): its memory may not be accessed", "" } },
	{ "read:50:hang",
	  { .opcode = IBV_WR_RDMA_READ, .size = 8 },
	  { -ETIMEDOUT, -ECANCELED },
	  { "read 50 to rank 1 (target, 127.0.0.1) was not done for 10 s", "" } },
	{ "cut=1",
	  { .opcode = IBV_WR_ATOMIC_FETCH_AND_ADD, .size = 8, .events = true },
	  { -ETIMEDOUT, -ECANCELED },
	  { "atomic, rank 1 (target, 127.0.0.1): nothing came back", "" } },
	{ "mlx5_0:ibv_post_send:9:fail=12",
	  { .opcode = IBV_WR_RDMA_WRITE, .size = 8 },
	  { -ENOMEM, -ETIMEDOUT },
	  { "post a write to rank 1 (target, 127.0.0.1): Cannot allocate memory", "write 9 of rank 0" } },
	{ "mlx5_1:ibv_post_recv:40:fail=12",
	  { .opcode = IBV_WR_SEND, .size = 8 },
	  { 0, -ENOMEM },
	  { "", "post a receive for rank 0 (initiator, 127.0.0.1)" } },
	{ "mlx5_0:ibv_post_recv:4:fail=12",
	  { .opcode = IBV_WR_SEND, .size = 8 },
	  { -ENOMEM, -ECANCELED },
	  { "post a receive for rank 1 (target, 127.0.0.1)", "" } },
	{ "mlx5_0:ibv_poll_cq:9:fail=5",
	  { .opcode = IBV_WR_SEND, .size = 8 },
	  { -EIO, 0 },
	  { "the completion queue of the link to rank 1 (target, 127.0.0.1) cannot be read", "" } },
	{ "mlx5_0:ibv_poll_cq:1:fail=5",
	  { .opcode = IBV_WR_RDMA_WRITE, .size = 8 },
	  { -EIO, 0 },
	  { "the completion queue of the link to rank 1", "" } },
	{ "mlx5_0:ibv_req_notify_cq:2:fail=5",
	  { .opcode = IBV_WR_RDMA_READ, .size = 8, .events = true },
	  { -EIO, -ECANCELED },
	  { "the completion queue of the link to rank 1 (target, 127.0.0.1) cannot be slept for", "" } },
	{ "cut=1",
	  { .opcode = IBV_WR_RDMA_WRITE, .size = 8, .transport = FL_RDMA_UC, .halted = true },
	  { -ECANCELED, -ECANCELED },
	  { "", "" } },
	{ "cut=1",
	  { .opcode = IBV_WR_SEND, .size = 8, .transport = FL_RDMA_UD, .halted = true, .events = true },
	  { -ECANCELED, -ECANCELED },
	  { "", "" } },
};

static void fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		struct wish w = failures[i].wish;
		struct side both[2];

		w.trips = 300;
		live(failures[i].stub, &w, both);
		for (unsigned rank = 0; rank < 2; rank++)
			if ((failures[i].code[rank] && both[rank].rc != failures[i].code[rank]) ||
			    !strstr(both[rank].err.what, failures[i].says[rank]))
				fail_msg("row %zu, rank %u: %d '%s'", i, rank, both[rank].rc, both[rank].err.what);
	}
}

/* ---- what cannot be */

static void refused(void **state)
{
	static const struct {
		struct wish wish;
		int code;
		const char *says;
	} rows[] = {
		{ { .opcode = IBV_WR_RDMA_WRITE, .size = 8, .transport = FL_RDMA_UD }, -EINVAL, "a connected one" },
		{ { .opcode = IBV_WR_RDMA_READ, .size = 8, .transport = FL_RDMA_UC }, -EINVAL, "reliable transport" },
		{ { .opcode = IBV_WR_RDMA_WRITE, .size = 8, .events = true }, -EINVAL, "nothing wakes" },
		{ { .opcode = IBV_WR_RDMA_WRITE, .size = 8, .relaxed = true }, -EINVAL, "seen by its last byte" },
		{ { .opcode = IBV_WR_SEND, .size = 4097, .transport = FL_RDMA_UD },
		  -EMSGSIZE,
		  "4097 bytes are more than a datagram: the path MTU is 4096" },
		{ { .opcode = IBV_WR_SEND, .size = 221, .inlined = true },
		  -EINVAL,
		  "221 bytes do not go inline, 220 do" },
		{ { .opcode = IBV_WR_ATOMIC_CMP_AND_SWP, .size = 16 }, -EINVAL, "atomics are of 8 bytes, not 16" },
		{ { .opcode = IBV_WR_RDMA_WRITE, .size = 8, .size_there = 80 },
		  -EINVAL,
		  "512 bytes are registered here and 768 at rank 1 (target, 127.0.0.1)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wish w = rows[i].wish;
		struct side both[2];

		live("", &w, both);
		if (both[0].rc != rows[i].code || !strstr(both[0].err.what, rows[i].says))
			fail_msg("row %zu: %d '%s'", i, both[0].rc, both[0].err.what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trips),
		cmocka_unit_test(as_long_as_known),
		cmocka_unit_test(wrong_data),
		cmocka_unit_test(every_packet_has_a_mark),
		cmocka_unit_test(one_bit_is_seen),
		cmocka_unit_test(fails),
		cmocka_unit_test(refused),
		cmocka_unit_test(more_than_a_message),
		cmocka_unit_test(slow_is_not_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
