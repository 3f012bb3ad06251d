/* SPDX-License-Identifier: Apache-2.0 */
/* test_stub.c: the verbs over host memory behave as the tests that lean on them take them to: what every kind of
 * request does to both sides, what is refused, and whatever call fails ends a link without a rest. */
#include "rdma_rig.h"

enum { SECOND = 32 << 10 }; /* where in the memory of a side another buffer is */

/* Polls until there is one; many times in vain: none. */
static bool await(struct side *s, struct ibv_wc *wc)
{
	*wc = (struct ibv_wc){ .status = IBV_WC_GENERAL_ERR };
	for (unsigned i = 0; i < 2000; i++) {
		int n = ibv_poll_cq(s->link.cq[0], 1, wc);

		if (n != 0)
			return n > 0;
	}
	return false;
}

static struct ibv_send_wr request_of(const struct side *s, struct ibv_sge *sge, enum ibv_wr_opcode opcode,
				     uint32_t bytes)
{
	*sge = (struct ibv_sge){ .addr = (uintptr_t)s->memory.at, .length = bytes, .lkey = s->memory.mr->lkey };
	return (struct ibv_send_wr){ .wr_id = 7,
				     .sg_list = sge,
				     .num_sge = 1,
				     .opcode = opcode,
				     .send_flags = IBV_SEND_SIGNALED,
				     .wr = { .rdma = { .remote_addr = s->link.remote_at,
						       .rkey = s->link.remote_rkey } } };
}

static enum ibv_wc_status end_of(struct side *s, struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad;
	struct ibv_wc wc;

	assert_int_equal(ibv_post_send(s->link.qp[0], wr, &bad), 0);
	assert_true(await(s, &wc));
	assert_int_equal(wc.wr_id, 7);
	return wc.status;
}

static void post_receive(struct side *s, uint32_t bytes)
{
	struct ibv_sge sge = { .addr = (uintptr_t)s->memory.at + SECOND, .length = bytes, .lkey = s->memory.mr->lkey };
	struct ibv_recv_wr wr = { .wr_id = 9, .sg_list = &sge, .num_sge = 1 }, *bad;

	assert_int_equal(ibv_post_recv(s->link.qp[0], &wr, &bad), 0);
}

static void live(const char *stub, int (*act)(struct side *s, struct fl_err *err))
{
	struct rig_group *g = new_group();
	struct side both[] = { side_of(g, 0), side_of(g, 1) };

	verbs_stub_begin(stub);
	both[0].act = both[1].act = act;
	both[0].link_spec.inline_bytes = both[1].link_spec.inline_bytes = 64;
	sides_live(&both[0], &both[1]);
	if (both[0].rc || both[1].rc)
		fail_msg("%d %s; %d %s", both[0].rc, both[0].err.what, both[1].rc, both[1].err.what);
}

/* ---- atomics */

static int counts(struct side *s, struct fl_err *err)
{
	uint64_t *here = (uint64_t *)(void *)s->memory.at;
	struct ibv_sge sge;
	struct ibv_send_wr wr = request_of(s, &sge, IBV_WR_ATOMIC_FETCH_AND_ADD, 8);

	if (s->lane.rank == 1)
		*here = 40;
	if (fl_barrier(&s->lane, "filled", err) < 0)
		return -ECANCELED;
	if (s->lane.rank == 0) {
		wr.wr.atomic.remote_addr = s->link.remote_at;
		wr.wr.atomic.rkey = s->link.remote_rkey;
		wr.wr.atomic.compare_add = 2;
		assert_int_equal(end_of(s, &wr), IBV_WC_SUCCESS);
		assert_int_equal(*here, 40);
		wr.opcode = IBV_WR_ATOMIC_CMP_AND_SWP;
		wr.wr.atomic.compare_add = 41; /* it is 42 */
		wr.wr.atomic.swap = 1;
		assert_int_equal(end_of(s, &wr), IBV_WC_SUCCESS);
		assert_int_equal(*here, 42);
		wr.wr.atomic.compare_add = 42;
		assert_int_equal(end_of(s, &wr), IBV_WC_SUCCESS);
		wr.wr.atomic.remote_addr += 4; /* not aligned */
		assert_int_equal(end_of(s, &wr), IBV_WC_REM_INV_REQ_ERR);
	}
	if (fl_barrier(&s->lane, "counted", err) < 0)
		return -ECANCELED;
	if (s->lane.rank == 1)
		assert_int_equal(*here, 1);
	return 0;
}

static void atomics(void **state)
{
	(void)state;
	live("", counts);
}

/* ---- sends and receives */

/* A send waits for its receive, for ever; one with a number, and a write with one, use up a receive, too. */
static int waits(struct side *s, struct fl_err *err)
{
	struct ibv_sge sge;
	struct ibv_send_wr wr = request_of(s, &sge, IBV_WR_SEND_WITH_IMM, 100), *bad;
	struct ibv_wc wc;

	(void)err;
	wr.imm_data = 0x01020304;
	if (s->lane.rank == 0) {
		memset(s->memory.at, 0x11, 100);
		assert_int_equal(ibv_post_send(s->link.qp[0], &wr, &bad), 0);
		assert_false(await(s, &wc)); /* nobody has a receive for it */
	}
	if (fl_barrier(&s->lane, "sent", err) < 0)
		return -ECANCELED;
	if (s->lane.rank == 1) {
		post_receive(s, 4096);
		assert_true(await(s, &wc));
		assert_int_equal(wc.status, IBV_WC_SUCCESS);
		assert_int_equal(wc.opcode, IBV_WC_RECV);
		assert_int_equal(wc.wr_id, 9);
		assert_int_equal(wc.byte_len, 100);
		assert_int_equal(wc.imm_data, 0x01020304);
		assert_int_equal(s->memory.at[SECOND + 99], 0x11);
		post_receive(s, 4096);
	}
	if (fl_barrier(&s->lane, "received", err) < 0)
		return -ECANCELED;
	if (s->lane.rank == 0) {
		assert_true(await(s, &wc) && wc.status == IBV_WC_SUCCESS);
		wr.opcode = IBV_WR_RDMA_WRITE_WITH_IMM;
		assert_int_equal(end_of(s, &wr), IBV_WC_SUCCESS);
	}
	if (fl_barrier(&s->lane, "written", err) < 0)
		return -ECANCELED;
	if (s->lane.rank == 1) {
		assert_true(await(s, &wc));
		assert_int_equal(wc.opcode, IBV_WC_RECV_RDMA_WITH_IMM);
		assert_int_equal(s->memory.at[99], 0x11);
	}
	return 0;
}

/* Longer than the receive: both sides end. */
static int overflows(struct side *s, struct fl_err *err)
{
	struct ibv_sge sge;
	struct ibv_send_wr wr = request_of(s, &sge, IBV_WR_SEND, 200);
	struct ibv_wc wc;

	if (s->lane.rank == 1)
		post_receive(s, 199);
	if (fl_barrier(&s->lane, "posted", err) < 0)
		return -ECANCELED;
	if (s->lane.rank == 0)
		assert_int_equal(end_of(s, &wr), IBV_WC_REM_INV_REQ_ERR);
	if (fl_barrier(&s->lane, "sent", err) < 0)
		return -ECANCELED;
	if (s->lane.rank == 1)
		assert_true(await(s, &wc) && wc.status == IBV_WC_LOC_LEN_ERR);
	return 0;
}

static void receives(void **state)
{
	(void)state;
	live("", waits);
	live("", overflows);
}

/* ---- what is taken when, and what is refused */

static int inlines(struct side *s, struct fl_err *err)
{
	struct ibv_sge sge;
	struct ibv_send_wr wr = request_of(s, &sge, IBV_WR_RDMA_WRITE, 64), *bad;
	struct ibv_wc wc;

	if (s->lane.rank == 0) {
		memset(s->memory.at, 0x22, 64);
		wr.send_flags |= IBV_SEND_INLINE;
		sge.lkey = 0; /* nobody looks at it */
		assert_int_equal(ibv_post_send(s->link.qp[0], &wr, &bad), 0);
		memset(s->memory.at, 0x33, 64); /* too late */
		assert_true(await(s, &wc) && wc.status == IBV_WC_SUCCESS);
		sge.length = 65;
		assert_int_equal(ibv_post_send(s->link.qp[0], &wr, &bad), EINVAL);
		assert_ptr_equal(bad, &wr);
	}
	if (fl_barrier(&s->lane, "written", err) < 0)
		return -ECANCELED;
	if (s->lane.rank == 1)
		assert_int_equal(s->memory.at[63], 0x22);
	return 0;
}

static int refuses(struct side *s, struct fl_err *err)
{
	struct ibv_sge sge;
	struct ibv_send_wr wr = request_of(s, &sge, IBV_WR_RDMA_WRITE, 64), *bad;
	struct ibv_wc wc;

	(void)err;
	if (s->lane.rank == 1)
		return 0;
	wr.send_flags = 0;
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(ibv_post_send(s->link.qp[0], &wr, &bad), 0);
	assert_int_equal(ibv_post_send(s->link.qp[0], &wr, &bad), ENOMEM); /* its queue is full */
	assert_false(await(s, &wc));					   /* they are done, and none says so */
	wr.send_flags = IBV_SEND_SIGNALED;
	sge.lkey++; /* nothing is registered so */
	assert_int_equal(end_of(s, &wr), IBV_WC_LOC_PROT_ERR);
	sge.lkey--;
	assert_int_equal(end_of(s, &wr), IBV_WC_WR_FLUSH_ERR); /* the queue pair is in its state of error */
	return 0;
}

static void posts(void **state)
{
	(void)state;
	live("", inlines);
	live("", refuses);
}

/* ---- time: that of the bytes by the rate, one after the other, and the latency */

static int takes_time(struct side *s, struct fl_err *err)
{
	struct ibv_sge sge;
	struct ibv_send_wr wr = request_of(s, &sge, IBV_WR_RDMA_WRITE, 1000), *bad;
	uint64_t begun;
	struct ibv_wc wc;

	(void)err;
	if (s->lane.rank == 1)
		return 0;
	begun = verbs_stub_now_ns();
	assert_int_equal(ibv_post_send(s->link.qp[0], &wr, &bad), 0);
	assert_int_equal(ibv_post_send(s->link.qp[0], &wr, &bad), 0);
	assert_true(await(s, &wc));
	assert_int_equal(verbs_stub_now_ns() - begun, 1000 + 500);
	assert_true(await(s, &wc));
	assert_int_equal(verbs_stub_now_ns() - begun, 2 * 1000 + 500);
	return 0;
}

static void clock_goes(void **state)
{
	(void)state;
	live("rate=1000000000,latency=500", takes_time);
}

/* ---- whatever call fails, as often as it is made: a side fails, and nothing is left */

static int writes(struct side *s, struct fl_err *err)
{
	struct ibv_sge sge;
	struct ibv_send_wr wr = request_of(s, &sge, IBV_WR_RDMA_WRITE, 64), *bad;
	struct ibv_wc wc;

	if (ibv_post_send(s->link.qp[0], &wr, &bad))
		return fl_fail(err, -EIO, "cannot post");
	return await(s, &wc) && wc.status == IBV_WC_SUCCESS ? 0 : fl_fail(err, -EIO, "cannot poll");
}

static void each_call(void **state)
{
	static const char *const calls[] = { "ibv_get_device_list", "ibv_open_device", "ibv_query_device",
					     "ibv_query_port",	    "ibv_alloc_pd",    "ibv_reg_mr",
					     "ibv_create_cq",	    "ibv_create_qp",   "ibv_modify_qp",
					     "ibv_post_send",	    "ibv_poll_cq",     "ibv_create_comp_channel" };

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		unsigned seen = 0;

		for (unsigned k = 1; k == seen + 1 && k <= 8; k++) {
			struct rig_group *g = new_group();
			struct side both[] = { side_of(g, 0), side_of(g, 1) };
			char stub[64];

			snprintf(stub, sizeof(stub), "mlx5_0:%s:%u:fail=5", calls[i], k);
			if (i == 0)
				snprintf(stub, sizeof(stub), "%s:%u:fail=5", calls[i], k);
			verbs_stub_begin(stub);
			both[0].act = both[1].act = writes;
			both[0].link_spec.events = both[1].link_spec.events = true;
			sides_live(&both[0], &both[1]);
			if (!verbs_stub_fault())
				break;
			seen++;
			if (both[0].rc == 0 && both[1].rc == 0)
				fail_msg("'%s' failed and nobody said so", stub);
			assert_true(*both[0].err.what || *both[1].err.what);
		}
		if (seen == 0)
			fail_msg("%s is never called", calls[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(atomics),    cmocka_unit_test(receives),  cmocka_unit_test(posts),
		cmocka_unit_test(clock_goes), cmocka_unit_test(each_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
