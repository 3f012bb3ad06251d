/* SPDX-License-Identifier: Apache-2.0 */
/* test_receive.c: messages: all that are sent are received and right, how the two sides agree about the end, and what
 * a receiver says that runs dry, waits in vain or gets what it did not expect. */
#include "path/rdma/post.h"
#include "rdma_rig.h"
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

/* Rank 0 sends. */
struct plan {
	enum fl_rdma_transport transport;
	uint64_t slots, sent_size; /* sent_size: 0: what the other side expects */
	unsigned depth, receives;
	uint64_t sends, takes; /* sends 0: it does nothing; takes: until the other side goes on to the end */
	bool late;	       /* receives are looked at a while after the first message */
	bool leaves;	       /* the sender ends without a word */
	/* what came out, by rank */
	struct fl_rdma_done done[2];
};

enum { SIZE = 1000, LATE_NS = 5000000 };

static struct fl_rdma_data data_of(const struct plan *p, bool sends)
{
	return (struct fl_rdma_data){ .size = sends && p->sent_size ? p->sent_size : SIZE,
				      .slots = p->slots,
				      .pairs = 1,
				      .seed = 5,
				      .lead = p->transport == FL_RDMA_UD ? 64 : 0,
				      .stride = 1152 };
}

static int run(struct side *s, struct fl_rdma_post *post, struct fl_err *err)
{
	struct plan *p = s->arg;
	const bool sends = s->lane.rank == 0;
	uint64_t moved = 0;
	int rc = fl_barrier(&s->lane, "receives posted", err);

	if (rc < 0)
		return rc;
	if (p->late && !sends)
		fl_sleep_until(fl_now_ns() + LATE_NS);
	if (!sends || p->sends > 0)
		rc = fl_rdma_post_move(post, sends ? p->sends : p->takes, &moved, err);
	if (!sends || (p->sends > 0 && !p->leaves))
		fl_rdma_post_drain(post);
	p->done[s->lane.rank] = fl_rdma_post_done(post, 0);
	return rc;
}

static int check(struct side *s, const struct plan *p, const struct fl_rdma_data *d, struct fl_err *err)
{
	const struct fl_rdma_done *done = &p->done[1];
	struct fl_rdma_view sinks = { .host = s->memory.at };

	if (s->lane.rank == 0)
		return 0;
	return done->said ? fl_rdma_data_check_said(d, 0, &sinks, done->said, p->done[0].made, err)
			  : fl_rdma_data_check(d, 0, &sinks, done->taken, err);
}

static int act(struct side *s, struct fl_err *err)
{
	struct plan *p = s->arg;
	const bool sends = s->lane.rank == 0;
	const struct fl_rdma_data d = data_of(p, sends);
	const atomic_bool halted = false;
	const struct fl_rdma_post_spec spec = { .link = &s->link,
						.memory = &s->memory,
						.data = &d,
						.halted = &halted,
						.kind = sends ? FL_RDMA_SEND : FL_RDMA_NONE,
						.depth = p->depth,
						.list = 1,
						.signal = 1,
						.receives = sends ? 0 : p->receives };
	struct fl_rdma_post *post = NULL;
	int rc;

	if (sends)
		fl_rdma_data_make(&d, s->memory.at, 0, fl_rdma_data_source_bytes(&d));
	rc = fl_rdma_post_open(&spec, &post, err);
	if (rc == 0)
		rc = run(s, post, err);
	if (rc == 0)
		rc = fl_barrier(&s->lane, "ended", err);
	if (rc == 0)
		rc = check(s, p, &d, err);
	fl_rdma_post_close(post);
	return rc;
}

static void live(const char *stub, struct plan *p, struct side both[2])
{
	const struct fl_rdma_data d = data_of(p, true);
	struct rig_group *g = new_group();
	char text[200];

	snprintf(text, sizeof(text), "threads=%d,%s", p->sends ? 2 : 1, stub);
	verbs_stub_begin(text);
	for (unsigned rank = 0; rank < 2; rank++) {
		both[rank] = side_of(g, rank);
		both[rank].arg = p;
		both[rank].act = act;
		both[rank].memory_spec.bytes =
			fl_rdma_data_source_bytes(&d) + fl_rdma_data_sink_bytes(&d) + FL_RDMA_SPARE_BYTES;
		if (p->transport == FL_RDMA_UC)
			both[rank].port_spec.mtu = "256"; /* several packets each */
		both[rank].link_spec.transport = p->transport;
		both[rank].link_spec.depth = p->depth;
		both[rank].link_spec.receives = p->receives;
	}
	sides_live(&both[0], &both[1]);
}

/* ---- it ends, and both know how much there was */

static void ends(void **state)
{
	static const struct {
		struct plan plan;
		const char *stub;
		uint64_t lost;
		bool dry;
	} rows[] = {
		{ { FL_RDMA_RC, 16, 0, 4, 8, 100, 50, false, false, { { 0 } } }, "", 0, false },
		/* a slot is used by several at once */
		{ { FL_RDMA_RC, 3, 0, 16, 32, 100, 100, false, false, { { 0 } } }, "", 0, false },
		{ { FL_RDMA_RC, 1, 0, 2, 2, 100, 99, false, false, { { 0 } } }, "", 0, false },
		/* less receives than what is in flight: it waits, and nothing is lost */
		{ { FL_RDMA_RC, 16, 0, 16, 2, 100, 50, true, false, { { 0 } } }, "", 0, true },
		{ { FL_RDMA_UC, 16, 0, 1, 8, 100, 50, false, false, { { 0 } } },
		  "send:40:lose,send:41:lose",
		  2,
		  false },
		/* of a message comes a part, into a slot that had another before: again and again, before the word,
		 * and where nothing comes after it */
		{ { FL_RDMA_UC, 16, 0, 1, 8, 100, 50, false, false, { { 0 } } },
		  "send:40:part,send:41:part,send:70:part",
		  3,
		  false },
		{ { FL_RDMA_UC, 16, 0, 1, 8, 100, 50, false, false, { { 0 } } }, "send:100:part", 1, false },
		{ { FL_RDMA_UC, 2, 0, 1, 8, 100, 50, false, false, { { 0 } } }, "send:100:part", 1, false },
		{ { FL_RDMA_UC, 16, 0, 1, 8, 100, 50, false, false, { { 0 } } },
		  "send:100:part,send:101:lose",
		  1,
		  false },
		/* the word that there are no more is lost */
		{ { FL_RDMA_UC, 16, 0, 1, 8, 100, 50, false, false, { { 0 } } }, "send:101:lose", 0, false },
		{ { FL_RDMA_UD, 3, 0, 1, 8, 100, 50, false, false, { { 0 } } }, "send:101:lose,send:7:lose", 1, false },
		/* 2 receives are there when 16 come, and all of these come before one looks */
		{ { FL_RDMA_UC, 16, 0, 16, 2, 16, 1, true, false, { { 0 } } }, "", 14, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan p = rows[i].plan;
		struct side both[2];

		live(rows[i].stub, &p, both);
		if (both[0].rc || both[1].rc)
			fail_msg("row %zu: %s; %s", i, both[0].err.what, both[1].err.what);
		if (!p.done[0].all || !p.done[1].all || p.done[0].made < p.sends ||
		    (rows[i].lost != 14 && p.done[0].made - p.done[1].taken != rows[i].lost) ||
		    (rows[i].lost == 14 && p.done[0].made - p.done[1].taken < 14) || (p.done[1].dry > 0) != rows[i].dry)
			fail_msg("row %zu: %d %d, %d of %d, dry %d", i, p.done[0].all, p.done[1].all,
				 (int)p.done[1].taken, (int)p.done[0].made, (int)p.done[1].dry);
	}
}

/* ---- who has nobody to hear ends, too */

static void waits_in_vain(void **state)
{
	struct plan silent = { .slots = 16, .depth = 4, .receives = 8, .takes = 1 };
	struct plan leaves = { .slots = 16, .depth = 1, .receives = 8, .sends = 50, .takes = 50, .leaves = true };
	struct side both[2];

	(void)state;
	live("", &silent, both);
	assert_int_equal(both[1].rc, -ETIMEDOUT);
	assert_string_equal(both[1].err.what, "no message from rank 0 (initiator, 127.0.0.1) has come for 10 s");
	assert_non_null(strstr(both[1].err.hint, "still there?"));

	live("", &leaves, both);
	assert_int_equal(both[1].rc, 0);
	assert_int_equal(leaves.done[1].taken, 50);
	assert_false(leaves.done[1].all);
}

static void fails(void **state)
{
	static const struct {
		const char *stub;
		uint64_t sent_size;
		unsigned at;
		int code;
		const char *says;
	} rows[] = {
		{ "", 100, 1, -EPROTO, "a message of 100 bytes came from rank 0 (initiator, 127.0.0.1), not 1000" },
		{ "", 1100, 1, -EMSGSIZE, "receive, rank 0 (initiator, 127.0.0.1): a message is longer" },
		{ "send:20:status=13", 0, 0, -ENOBUFS, "send, rank 1 (target, 127.0.0.1): had no receive" },
		{ "ibv_post_recv:1:fail=12", 0, 1, -ENOMEM, "post a receive for rank 0" },
		{ "ibv_post_recv:9:fail=12", 0, 1, -ENOMEM, "post a receive for rank 0" },
		{ "mlx5_1:ibv_poll_cq:1:fail=5", 0, 1, -EIO, "link to rank 0 (initiator, 127.0.0.1) cannot be read" },
		{ "send:20:flip", 0, 1, -EBADMSG, "byte 500 of request 19 of 20" },
		{ "send:20:drop", 0, 1, -EBADMSG, " of request 19 of 20" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan p = {
			.slots = 16, .sent_size = rows[i].sent_size, .depth = 1, .receives = 4, .sends = 20, .takes = 20
		};
		struct side both[2];

		live(rows[i].stub, &p, both);
		if (both[rows[i].at].rc != rows[i].code || !strstr(both[rows[i].at].err.what, rows[i].says))
			fail_msg("row %zu: %d '%s'", i, both[rows[i].at].rc, both[rows[i].at].err.what);
	}
}

/* What is whole is looked at where a part of others may come, too. */
static void wrong_among_parts(void **state)
{
	static const struct {
		const char *stub, *says; /* says NULL: nothing is wrong */
	} rows[] = {
		{ "send:100:flip", " of request 99 of 100" },
		{ "send:99:flip,send:100:part", " of request 98 of 100" },
		{ "send:90:part,send:100:drop", " of request 99 of 100" },
		{ "send:90:part", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan p = { FL_RDMA_UC, 2, 0, 1, 8, 100, 50, false, false, { { 0 } } };
		struct side both[2];

		live(rows[i].stub, &p, both);
		if (both[1].rc != (rows[i].says ? -EBADMSG : 0) ||
		    (rows[i].says && !strstr(both[1].err.what, rows[i].says)))
			fail_msg("row %zu: %d '%s'", i, both[1].rc, both[1].err.what);
	}
}

/* ---- by what messages say of themselves */

static void says_its_number(void **state)
{
	const struct fl_rdma_data d = { .size = 96, .slots = 2, .pairs = 1, .seed = 3, .stride = 128 };
	const uint64_t sent = (UINT64_C(1) << 32) + 10;
	const uint64_t request = (UINT64_C(1) << 32) - 3;
	uint64_t said[2] = { 1 + (uint32_t)request, 0 };
	char *source = aligned_alloc(4096, fl_rdma_data_source_bytes(&d));
	char bytes[256] = { 0 };
	struct fl_rdma_view sinks = { .host = bytes };
	struct fl_err err = { 0 };

	(void)state;
	fl_rdma_data_make(&d, source, 0, fl_rdma_data_source_bytes(&d));
	memcpy(bytes, source + request / 2 % FL_RDMA_LAPS * FL_BLOCK_BYTES + request % 2 * d.size, d.size);
	assert_int_equal(fl_rdma_data_check_said(&d, 0, &sinks, said, sent, NULL), 0);
	said[0]++; /* it is another */
	assert_int_equal(fl_rdma_data_check_said(&d, 0, &sinks, said, sent, NULL), -EBADMSG);
	assert_int_equal(fl_rdma_data_check_said(&d, 0, &sinks, (uint64_t[]){ 0, 12 }, 11, &err), -EBADMSG);
	assert_non_null(strstr(err.what, "says that it is number 11 of 11"));
	free(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ends), cmocka_unit_test(waits_in_vain),
					    cmocka_unit_test(fails), cmocka_unit_test(wrong_among_parts),
					    cmocka_unit_test(says_its_number) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
