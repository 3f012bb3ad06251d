/* SPDX-License-Identifier: Apache-2.0 */
/* test_clock.c: the time of the stub is exact, to the nanosecond, whoever waits for whom and in whatever way; and it
 * does not stand still for one who has gone. Which thread runs when is up to the kernel: what is asserted may not
 * depend on it. */
#include "path/rdma/wc.h"
#include "rdma_rig.h"
#include <poll.h>
#include <stdatomic.h>

enum { BYTES = 1000, ROUNDS = 50, BEHIND = 4096 };

/* How a side waits for the other one's message. */
enum way { BY_MEMORY, BY_POLLING, BY_EVENT };

static int post(struct side *s, enum ibv_wr_opcode opcode)
{
	struct ibv_sge sge = { .addr = (uintptr_t)s->memory.at + BEHIND, .length = BYTES, .lkey = s->memory.mr->lkey };
	struct ibv_send_wr wr = { .wr_id = 1,
				  .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = opcode,
				  .send_flags = IBV_SEND_SIGNALED,
				  .wr = { .rdma = { .remote_addr = s->link.remote_at, .rkey = s->link.remote_rkey } } };
	struct ibv_send_wr *bad;

	return -ibv_post_send(s->link.qp[0], &wr, &bad);
}

static int post_receive(struct side *s)
{
	struct ibv_sge sge = { .addr = (uintptr_t)s->memory.at, .length = BYTES, .lkey = s->memory.mr->lkey };
	struct ibv_recv_wr wr = { .wr_id = 2, .sg_list = &sge, .num_sge = 1 }, *bad;

	return -ibv_post_recv(s->link.qp[0], &wr, &bad);
}

/* Looks at the clock now and then, as whoever looks at memory has to: for how long does he? */
static int await_byte(struct side *s, char value)
{
	const uint64_t begun = verbs_stub_now_ns();

	for (unsigned i = 1; __atomic_load_n(&s->memory.at[BYTES - 1], __ATOMIC_ACQUIRE) != value; i++)
		if (i % 64 == 0 && verbs_stub_now_ns() - begun > 10000000000)
			return -ETIMEDOUT;
	return 0;
}

static int sleep_for_one(struct side *s)
{
	struct pollfd fd = { .fd = s->link.channel[0]->fd, .events = POLLIN };
	struct ibv_cq *cq;
	void *context;

	if (poll(&fd, 1, 100) != 1 || ibv_get_cq_event(s->link.channel[0], &cq, &context))
		return -ETIMEDOUT;
	ibv_ack_cq_events(cq, 1);
	return 0;
}

/* So many completions. */
static int await_completions(struct side *s, unsigned n, bool sleeps)
{
	struct ibv_wc wc;

	for (unsigned tries = 0; n > 0 && tries < 5000; tries++) {
		int got = ibv_poll_cq(s->link.cq[0], 1, &wc);

		if (got < 0 || (got == 1 && wc.status != IBV_WC_SUCCESS))
			return -EIO;
		n -= (unsigned)got;
		if (got || !sleeps)
			continue;
		if (ibv_req_notify_cq(s->link.cq[0], 0))
			return -EIO;
		got = ibv_poll_cq(s->link.cq[0], 1, &wc);
		n -= (unsigned)got;
		if (!got && sleep_for_one(s) < 0)
			return -ETIMEDOUT;
	}
	return n ? -ETIMEDOUT : 0;
}

static int say(struct side *s, enum way way, char value)
{
	memset(s->memory.at + BEHIND, value, BYTES);
	return post(s, way == BY_MEMORY ? IBV_WR_RDMA_WRITE : IBV_WR_SEND);
}

/* The own message is done as soon as it has come: that is waited for, too. */
static int hear(struct side *s, enum way way, bool first, char value)
{
	if (way == BY_MEMORY)
		return await_byte(s, value);
	return await_completions(s, first ? 1 : 2, way == BY_EVENT);
}

static int plays(struct side *s, struct fl_err *err)
{
	const enum way way = *(const enum way *)s->arg;
	const bool begins = s->lane.rank == 0;
	int rc = 0;

	for (unsigned i = 0; i < 4 && rc == 0 && way != BY_MEMORY; i++)
		rc = post_receive(s);
	if (rc == 0)
		rc = fl_barrier(&s->lane, "posted", err);
	for (int i = 1; i <= ROUNDS && rc == 0; i++) {
		uint64_t begun = verbs_stub_now_ns(), took;

		if (begins)
			rc = say(s, way, (char)i);
		if (rc == 0)
			rc = hear(s, way, !begins && i == 1, (char)i);
		took = verbs_stub_now_ns() - begun;
		if (begins && took != 2 * (BYTES + 500))
			return fl_fail(err, -EIO, "round %d took %llu ns", i, (unsigned long long)took);
		if (rc == 0 && way != BY_MEMORY)
			rc = post_receive(s);
		if (rc == 0 && !begins)
			rc = say(s, way, (char)i);
	}
	if (rc == 0 && way == BY_MEMORY)
		rc = await_completions(s, ROUNDS, false);
	else if (rc == 0 && !begins)
		rc = await_completions(s, 1, way == BY_EVENT);
	return rc;
}

/* Two who wait for each other: there and back again takes twice the bytes and the latency, each time. */
static void ping_pong(void **state)
{
	static const enum way ways[] = { BY_MEMORY, BY_POLLING, BY_EVENT };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct rig_group *g = new_group();
		struct side both[] = { side_of(g, 0), side_of(g, 1) };

		verbs_stub_begin("rate=1000000000,latency=500,threads=2");
		for (unsigned rank = 0; rank < 2; rank++) {
			both[rank].act = plays;
			both[rank].arg = (void *)&ways[i];
			both[rank].link_spec.depth = both[rank].link_spec.receives = ROUNDS + 4;
			both[rank].link_spec.events = ways[i] == BY_EVENT;
		}
		sides_live(&both[0], &both[1]);
		if (both[0].rc || both[1].rc)
			fail_msg("way %zu: %d %s; %d %s", i, both[0].rc, both[0].err.what, both[1].rc,
				 both[1].err.what);
	}
}

/* ---- several threads of one lane */

enum { THREADS = 3, REQUESTS = 150 };

struct poster {
	struct side *side;
	atomic_uint *posted;
	pthread_t id;
	int rc;
};

/* A request at a time each, and all by the same port. */
static void *post_many(void *arg)
{
	struct poster *p = arg;

	while (p->rc == 0 && atomic_fetch_add(p->posted, 1) < REQUESTS) {
		p->rc = post(p->side, IBV_WR_RDMA_WRITE);
		if (p->rc == 0)
			p->rc = await_completions(p->side, 1, false);
	}
	return NULL;
}

static int post_in_threads(struct side *s, struct fl_err *err)
{
	struct poster p[THREADS] = { 0 };
	atomic_uint posted = 0;
	int rc = 0;

	for (unsigned i = 0; i < THREADS && s->lane.rank == 0; i++) {
		p[i].side = s;
		p[i].posted = &posted;
		if (pthread_create(&p[i].id, NULL, post_many, &p[i]))
			abort();
	}
	for (unsigned i = 0; i < THREADS && s->lane.rank == 0; i++) {
		pthread_join(p[i].id, NULL);
		rc = p[i].rc ? fl_fail(err, p[i].rc, "thread %u", i) : rc;
	}
	return rc;
}

/* They keep the port busy from the first request to the last. */
static void threads(void **state)
{
	struct rig_group *g = new_group();
	struct side both[] = { side_of(g, 0), side_of(g, 1) };

	(void)state;
	verbs_stub_begin("rate=1000000000,latency=500,threads=3");
	both[0].act = both[1].act = post_in_threads;
	sides_live(&both[0], &both[1]);
	if (both[0].rc || both[1].rc)
		fail_msg("%d %s; %d %s", both[0].rc, both[0].err.what, both[1].rc, both[1].err.what);
	assert_int_equal(verbs_stub_now_ns(), 1000000000 + REQUESTS * BYTES + 500);
}

/* ---- one who has gone */

/* The one takes part and then waits for something else than the stub: the other one. */
static int goes(struct side *s, struct fl_err *err)
{
	int rc = post(s, IBV_WR_RDMA_WRITE);

	if (rc == 0 && s->lane.rank == 1)
		return fl_barrier(&s->lane, "written", err);
	for (unsigned i = 1; i < ROUNDS && rc == 0; i++) {
		rc = await_completions(s, 1, false);
		if (rc == 0)
			rc = post(s, IBV_WR_RDMA_WRITE);
	}
	return rc == 0 ? fl_barrier(&s->lane, "written", err) : rc;
}

static void gone(void **state)
{
	struct rig_group *g = new_group();
	struct side both[] = { side_of(g, 0), side_of(g, 1) };

	(void)state;
	verbs_stub_begin("");
	both[0].act = both[1].act = goes;
	sides_live(&both[0], &both[1]);
	assert_int_equal(both[0].rc, 0);
	assert_int_equal(both[1].rc, 0);
}

/* ---- sleep ends on time, in order, with nobody else there and while others work */

static int sleeps(struct side *s, struct fl_err *err)
{
	const uint64_t begun = 1000000000, step = s->lane.rank ? 700 : 1000;
	int rc = 0;

	for (unsigned i = 1; i <= ROUNDS && rc == 0; i++) {
		verbs_stub_sleep_until(begun + i * step);
		if (verbs_stub_now_ns() != begun + i * step)
			rc = fl_fail(err, -EIO, "sleep %u ended at %llu", i, (unsigned long long)verbs_stub_now_ns());
	}
	verbs_stub_leave();
	return rc;
}

static void sleep_ends(void **state)
{
	struct rig_group *g = new_group();
	struct side both[] = { side_of(g, 0), side_of(g, 1) };

	(void)state;
	verbs_stub_begin("threads=2");
	both[0].act = both[1].act = sleeps;
	sides_live(&both[0], &both[1]);
	if (both[0].rc || both[1].rc)
		fail_msg("%s; %s", both[0].err.what, both[1].err.what);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ping_pong), cmocka_unit_test(threads),
					    cmocka_unit_test(gone), cmocka_unit_test(sleep_ends) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
