/* SPDX-License-Identifier: Apache-2.0 */
/* test_post.c: a thread that keeps queue pairs busy: that all bytes come to their places, at the rate that the stub
 * is known to have, and how it ends when something fails. */
#include "path/rdma/post.h"
#include "rdma_rig.h"
#include <feedline/clock.h>
#include <poll.h>

/* All time is that of the stub. */
uint64_t fl_now_ns(void)
{
	return verbs_stub_now_ns();
}

void fl_sleep_until(uint64_t at_ns)
{
	verbs_stub_sleep_until(at_ns);
}

/* What both sides were asked for, and what rank 0 found. */
struct wish {
	struct fl_rdma_data data;
	enum fl_rdma_kind kind;
	unsigned depth, list, signal;
	bool inlined, halted, slow;
	uint64_t requests;
	double bytes_per_s;   /* by the clock of the stub */
	unsigned events_left; /* in the channel, when all was done */
};

struct totals {
	uint64_t done[FL_RDMA_PAIRS_MAX];
	uint64_t all_well;
};

static struct wish wish_of(uint64_t size, uint64_t slots)
{
	return (struct wish){ .data = { .size = size, .slots = slots, .pairs = 1, .seed = 7 },
			      .kind = FL_RDMA_WRITE,
			      .depth = 8,
			      .list = 2,
			      .signal = 4,
			      .requests = 100 };
}

static bool reads(const struct wish *w)
{
	return w->kind == FL_RDMA_READ;
}

/* ---- rank 0 */

static int move(struct side *s, struct fl_rdma_post *p, struct totals *t, struct fl_err *err)
{
	struct wish *w = s->arg;
	uint64_t moved = 0, begun = verbs_stub_now_ns();
	int rc = fl_rdma_post_move(p, w->requests, &moved, err);

	w->bytes_per_s = (double)(moved * w->data.size) * 1e9 / (double)(verbs_stub_now_ns() - begun);
	fl_rdma_post_drain(p);
	t->all_well = 1;
	for (unsigned i = 0; i < w->data.pairs; i++) {
		struct fl_rdma_done done = fl_rdma_post_done(p, i);

		t->all_well &= done.all;
		t->done[i] = done.made;
	}
	return rc;
}

/* Whoever asks to be woken is slow: what it waits for is there when it looks again. */
static int (*notify_at_once)(struct ibv_cq *cq, int solicited_only);

static int notify_slowly(struct ibv_cq *cq, int solicited_only)
{
	int rc = notify_at_once(cq, solicited_only);

	verbs_stub_sleep_until(verbs_stub_now_ns() + 1000000);
	return rc;
}

static void slow_down(struct fl_rdma_link *l)
{
	struct ibv_context_ops *ops = &l->cq[0]->context->ops;

	notify_at_once = ops->req_notify_cq;
	ops->req_notify_cq = notify_slowly;
}

/* How many nobody took. */
static unsigned events_of(struct fl_rdma_link *l)
{
	struct pollfd fd = { .fd = l->channel[0] ? l->channel[0]->fd : -1, .events = POLLIN };
	struct ibv_cq *cq;
	void *context;
	unsigned n = 0;

	for (; poll(&fd, 1, 0) > 0; n++)
		if (ibv_get_cq_event(l->channel[0], &cq, &context) == 0)
			ibv_ack_cq_events(cq, 1);
	return n;
}

static int initiate(struct side *s, struct totals *t, struct fl_err *err)
{
	struct wish *w = s->arg;
	const atomic_bool halted = w->halted;
	const struct fl_rdma_post_spec spec = { .link = &s->link,
						.memory = &s->memory,
						.data = &w->data,
						.halted = &halted,
						.kind = w->kind,
						.depth = w->depth,
						.list = w->list,
						.signal = w->signal,
						.inlined = w->inlined };
	struct fl_rdma_post *p = NULL;
	int rc = fl_rdma_post_open(&spec, &p, err);

	if (w->slow)
		slow_down(&s->link);
	if (rc == 0)
		rc = move(s, p, t, err);
	w->events_left = events_of(&s->link);
	fl_rdma_post_close(p);
	return rc;
}

/* ---- both */

static int check(struct side *s, const struct totals *t, struct fl_err *err)
{
	const struct wish *w = s->arg;
	int rc = 0;

	for (unsigned i = 0; i < w->data.pairs && rc == 0; i++)
		rc = fl_rdma_data_check(&w->data, i, &(struct fl_rdma_view){ .host = s->memory.at }, t->done[i], err);
	return rc;
}

static int act(struct side *s, struct fl_err *err)
{
	const struct wish *w = s->arg;
	const unsigned source = reads(w) ? 1 : 0;
	struct totals mine = { 0 }, all[2];
	int rc;

	if (s->lane.rank == source)
		fl_rdma_data_make(&w->data, s->memory.at, 0, fl_rdma_data_source_bytes(&w->data));
	rc = fl_barrier(&s->lane, "filled", err);
	if (rc == 0 && s->lane.rank == 0)
		rc = initiate(s, &mine, err);
	if (rc == 0)
		rc = fl_allgather(&s->lane, "totals", &mine, sizeof(mine), all, err);
	if (rc == 0 && s->lane.rank != source)
		rc = check(s, &all[0], err);
	return rc == 0 && !all[0].all_well ? -EIO : rc;
}

static void live(const char *stub, struct wish *w, struct side both[2], bool events)
{
	struct rig_group *g = new_group();

	verbs_stub_begin(stub);
	for (unsigned rank = 0; rank < 2; rank++) {
		both[rank] = side_of(g, rank);
		both[rank].arg = w;
		both[rank].act = act;
		both[rank].memory_spec.bytes = fl_rdma_data_source_bytes(&w->data);
		if (rank != (reads(w) ? 1 : 0))
			both[rank].memory_spec.bytes = fl_rdma_data_sink_bytes(&w->data);
		both[rank].memory_spec.bytes += FL_RDMA_SPARE_BYTES;
		both[rank].link_spec.pairs = w->data.pairs;
		both[rank].link_spec.depth = w->depth;
		both[rank].link_spec.inline_bytes = w->inlined ? 64 : 0;
		both[rank].link_spec.events = events;
	}
	sides_live(&both[0], &both[1]);
}

/* ---- it moves */

static void moves(void **state)
{
	static const struct {
		uint64_t size, slots;
		unsigned pairs, depth, list, signal;
		bool inlined, events;
		enum fl_rdma_kind kind;
	} rows[] = {
		{ 4096, 16, 1, 8, 2, 4, false, false, FL_RDMA_WRITE },
		{ 4096, 16, 1, 1, 1, 1, false, false, FL_RDMA_WRITE },
		{ 65536, 5, 3, 12, 6, 3, false, false, FL_RDMA_WRITE },
		{ 1000, 37, 2, 16, 1, 16, false, true, FL_RDMA_WRITE },
		{ 8, 500, 1, 16, 16, 1, true, false, FL_RDMA_WRITE },
		{ 1, 3, 1, 16, 4, 8, false, false, FL_RDMA_WRITE },
		{ 4096, 16, 2, 8, 2, 4, false, false, FL_RDMA_READ },
		{ 3000, 16, 1, 8, 1, 4, false, true, FL_RDMA_READ },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wish w = wish_of(rows[i].size, rows[i].slots);
		struct side both[2];

		w.data.pairs = rows[i].pairs;
		w.depth = rows[i].depth;
		w.list = rows[i].list;
		w.signal = rows[i].signal;
		w.inlined = rows[i].inlined;
		w.kind = rows[i].kind;
		w.requests = 700;
		live("", &w, both, rows[i].events);
		if (both[0].rc || both[1].rc)
			fail_msg("row %zu: %d %s; %d %s", i, both[0].rc, both[0].err.what, both[1].rc,
				 both[1].err.what);
	}
}

/* The stub's port carries 1 GB/s and takes 3 us for each request: what one thread finds is that, within 1 %. */
static void is_as_fast_as_known(void **state)
{
	static const struct {
		uint64_t size;
		unsigned depth;
		double bytes_per_s;
	} rows[] = {
		{ 4096, 1, 4096 / 7.096e-6 },	  /* one after the other: bytes and latency */
		{ 4096, 2, 2 * 4096 / 8.192e-6 }, /* two hide it */
		{ 65536, 8, 1e9 },
		{ 65536, 64, 1e9 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wish w = wish_of(rows[i].size, 8);
		struct side both[2];

		w.depth = rows[i].depth;
		w.list = w.signal = 1;
		w.requests = 2000;
		live("rate=1000000000,latency=3000", &w, both, false);
		assert_int_equal(both[0].rc, 0);
		if (w.bytes_per_s < 0.99 * rows[i].bytes_per_s || w.bytes_per_s > 1.01 * rows[i].bytes_per_s)
			fail_msg("row %zu: %g, not %g", i, w.bytes_per_s, rows[i].bytes_per_s);
	}
}

/* Each event is one that somebody waits for: they do not pile up, and who sleeps really does. */
static void events_are_taken(void **state)
{
	(void)state;
	for (unsigned signal = 1; signal <= 8; signal *= 2) {
		struct wish w = wish_of(4096, 16);
		struct side both[2];

		w.signal = signal;
		w.list = 1;
		w.slow = true;
		w.requests = 500;
		live("rate=1000000000,latency=3000", &w, both, true);
		assert_int_equal(both[0].rc, 0);
		if (w.events_left > 1)
			fail_msg("a completion for %u: %u events are left", signal, w.events_left);
	}
}

/* One completion of each pair for what takes the wire longer than a host may be silent. */
static void slow_is_not_gone(void **state)
{
	struct wish w = wish_of(1 << 20, 4);
	struct side both[2];

	(void)state;
	w.data.pairs = 2;
	w.depth = w.signal = 32;
	w.list = 1;
	w.requests = 64;
	live("rate=5000000", &w, both, true);
	if (both[0].rc || both[1].rc)
		fail_msg("%s; %s", both[0].err.what, both[1].err.what);
	live("rate=5000000,write:1+:hang", &w, both, true);
	assert_int_equal(both[0].rc, -ETIMEDOUT);
	if (!strstr(both[0].err.what, "was done for 26 s")) /* 10, and 64 MiB at 4 MB/s */
		fail_msg("'%s'", both[0].err.what);
}

/* ---- what is wrong is found, and by whom */

static void wrong_data(void **state)
{
	static const struct {
		const char *stub;
		enum fl_rdma_kind kind;
		int code[2];
		const char *says;
	} rows[] = {
		{ "write:100:flip", FL_RDMA_WRITE, { -ECANCELED, -EBADMSG }, "byte 2048 of request 99 of " },
		{ "write:100:drop", FL_RDMA_WRITE, { -ECANCELED, -EBADMSG }, " of request 99 of " },
		{ "write:60+:drop", FL_RDMA_WRITE, { -ECANCELED, -EBADMSG }, " of request " },
		{ "read:100:flip", FL_RDMA_READ, { -EBADMSG, -ECANCELED }, "byte 2048 of request 99 of " },
		{ "read:100:drop", FL_RDMA_READ, { -EBADMSG, -ECANCELED }, " of request 99 of " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wish w = wish_of(4096, 16);
		const unsigned finder = rows[i].kind == FL_RDMA_READ ? 0 : 1;
		struct side both[2];

		w.kind = rows[i].kind;
		live(rows[i].stub, &w, both, false);
		assert_int_equal(both[0].rc, rows[i].code[0]);
		assert_int_equal(both[1].rc, rows[i].code[1]);
		if (!strstr(both[finder].err.what, rows[i].says))
			fail_msg("row %zu: '%s'", i, both[finder].err.what);
	}
}

/* No byte of the source is taken by two pairs in a lap, and none is beyond its end in any lap: what all of them go
 * through in a lap is as much as their sinks. */
static void apart(void **state)
{
	static const struct fl_rdma_data rows[] = { { .size = 4096, .slots = 16, .pairs = 8 },
						    { .size = 1000, .slots = 37, .pairs = 3 },
						    { .size = 1, .slots = 1, .pairs = 64 },
						    { .size = 3000, .slots = 5, .pairs = 2, .stride = 3072 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fl_rdma_data *d = &rows[i];
		uint64_t end = 0;

		for (unsigned pair = 0; pair < d->pairs; pair++) {
			struct fl_rdma_cursor c = fl_rdma_data_begin(d, pair);

			assert_true(c.from >= end);
			end = c.from + d->size * d->slots;
			for (uint64_t n = 0; n < d->slots * (FL_RDMA_LAPS + 1); n++) {
				assert_true(c.from + d->size <= fl_rdma_data_source_bytes(d));
				fl_rdma_data_next(d, &c);
			}
		}
		assert_true(fl_rdma_data_source_bytes(d) % FL_BLOCK_BYTES == 0);
		assert_true(fl_rdma_data_source_bytes(d) >= d->pairs * d->size * d->slots);
	}
}

/* Data of another pair's sink. */
static void exchanged(void **state)
{
	const struct fl_rdma_data d = { .size = 4096, .slots = 4, .pairs = 2, .seed = 7 };
	char *source = aligned_alloc(4096, fl_rdma_data_source_bytes(&d));
	char *sinks = aligned_alloc(4096, fl_rdma_data_sink_bytes(&d));
	struct fl_rdma_view view = { .host = sinks };

	(void)state;
	fl_rdma_data_make(&d, source, 0, fl_rdma_data_source_bytes(&d));
	for (unsigned pair = 0; pair < 2; pair++) {
		struct fl_rdma_cursor c = fl_rdma_data_begin(&d, pair);

		for (unsigned i = 0; i < 4 * FL_RDMA_LAPS + 6; i++) {
			memcpy(sinks + c.to, source + c.from, d.size);
			fl_rdma_data_next(&d, &c);
		}
		assert_int_equal(fl_rdma_data_check(&d, pair, &view, 4 * FL_RDMA_LAPS + 6, NULL), 0);
		assert_int_equal(fl_rdma_data_check(&d, pair, &view, 4 * FL_RDMA_LAPS + 7, NULL), -EBADMSG);
	}
	memcpy(sinks, sinks + 4 * d.size, 4 * d.size);
	assert_int_equal(fl_rdma_data_check(&d, 0, &view, 4 * FL_RDMA_LAPS + 6, NULL), -EBADMSG);
	assert_int_equal(fl_rdma_data_check(&d, 1, &view, 4 * FL_RDMA_LAPS + 6, NULL), 0);
	assert_int_equal(fl_rdma_data_check(&d, 0, &view, 0, NULL), 0);
	free(source);
	free(sinks);
}

/* ---- what fails ends with its cause, the queues empty */

static void fails(void **state)
{
	static const struct {
		const char *stub;
		bool events, halted;
		int code;
		const char *says;
	} rows[] = {
		{ "write:50:status=10", false, false, -EACCES, "write, rank 1 (target, 127.0.0.1): its memory" },
		{ "write:50:status=10", true, false, -EACCES, "remote access error" },
		{ "cut=1", false, false, -ETIMEDOUT, "nothing came back" },
		{ "down=1.2,write:50:hang", false, false, -ETIMEDOUT,
		  "no write to rank 1 (target, 127.0.0.1) was done" },
		{ "ibv_post_send:9:fail=12", false, false, -ENOMEM, "post a write to rank 1" },
		{ "ibv_poll_cq:9:fail=5", false, false, -EIO, "completion queue of the link to rank 1" },
		{ "ibv_req_notify_cq:2:fail=5", true, false, -EIO, "cannot be slept for" },
		{ "", false, true, -ECANCELED, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wish w = wish_of(4096, 16);
		struct side both[2];

		w.halted = rows[i].halted;
		live(rows[i].stub, &w, both, rows[i].events);
		assert_int_equal(both[0].rc, rows[i].code);
		assert_int_equal(both[1].rc, -ECANCELED);
		if (!strstr(both[0].err.what, rows[i].says))
			fail_msg("row %zu: '%s'", i, both[0].err.what);
	}
}

static void more_than_a_message(void **state)
{
	struct wish w = wish_of(4096, 16);
	struct side both[2];

	(void)state;
	live("message=4096", &w, both, false);
	assert_int_equal(both[0].rc, 0);
	live("message=4095", &w, both, false);
	assert_int_equal(both[0].rc, -EMSGSIZE);
	assert_string_equal(both[0].err.what, "4096 bytes are more than a message: the port takes 4095 at once");
}

static void numbers(void **state)
{
	static const struct {
		unsigned depth, list, signal;
		bool inlined;
		const char *says;
	} rows[] = {
		{ 8, 3, 4, false, "lists of 3" },
		{ 8, 2, 3, false, "completion for 3" },
		{ 8, 0, 4, false, "lists of 0" },
		{ 12, 4, 6, false, "lists of 4" },
		{ 8, 2, 4, true, "4096 bytes do not go inline, 64 do" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wish w = wish_of(4096, 16);
		struct side both[2];

		w.depth = rows[i].depth;
		w.list = rows[i].list;
		w.signal = rows[i].signal;
		w.inlined = rows[i].inlined;
		live("", &w, both, false);
		assert_int_equal(both[0].rc, -EINVAL);
		if (!strstr(both[0].err.what, rows[i].says))
			fail_msg("row %zu: '%s'", i, both[0].err.what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves),
		cmocka_unit_test(is_as_fast_as_known),
		cmocka_unit_test(wrong_data),
		cmocka_unit_test(exchanged),
		cmocka_unit_test(apart),
		cmocka_unit_test(fails),
		cmocka_unit_test(numbers),
		cmocka_unit_test(more_than_a_message),
		cmocka_unit_test(events_are_taken),
		cmocka_unit_test(slow_is_not_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
