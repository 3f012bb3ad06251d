/* SPDX-License-Identifier: Apache-2.0 */
/* test_tcp_flow.c: how long a connection is drained: as long as something moves, whatever that takes in all, and not
 * longer than patience lasts where nothing does. The engine is one that only says how much moved, and the clock its. */
#include "tcp_rig.h"
#include <feedline/clock.h>

static uint64_t scripted_now_ns(void);
#define fl_now_ns scripted_now_ns
#include "path/tcp_flow.c"

static uint64_t clock_ns = UINT64_C(1000000000);

static uint64_t scripted_now_ns(void)
{
	return clock_ns;
}

/* What happens in a turn, and how long it takes. */
struct turn {
	unsigned ms, sent, received; /* bytes */
};

struct scripted {
	struct fl_tcp_flow flow;
	const struct turn *turns;
	size_t n, at;		  /* after the last one both directions have ended; n 0: never */
	unsigned waited_ms;	  /* in all */
	unsigned longest_wait_ms; /* that the engine was allowed */
};

static int turn(struct fl_tcp_flow *flow, unsigned within_ms, struct fl_err *err)
{
	struct scripted *s = (struct scripted *)flow;
	const struct turn *t = s->n ? &s->turns[s->at] : NULL;
	unsigned ms = t && t->ms < within_ms ? t->ms : within_ms;

	(void)err;
	if (within_ms > s->longest_wait_ms)
		s->longest_wait_ms = within_ms;
	clock_ns += UINT64_C(1000000) * ms;
	s->waited_ms += ms;
	if (!t || ms < t->ms)
		return -EAGAIN;
	flow->sent += t->sent;
	flow->in.offset += t->received;
	flow->out_ended = flow->in_ended = ++s->at == s->n;
	return 0;
}

static const struct fl_tcp_kind kind = { .name = "scripted", .turn = turn };

static void drain(struct scripted *s, const struct turn *turns, size_t n)
{
	*s = (struct scripted){ .turns = turns, .n = n };
	s->flow.kind = &kind;
	s->flow.spec = (struct fl_tcp_flow_spec){ .fd = -1, .sends = true, .receives = true };
	fl_tcp_flow_drain(&s->flow);
}

static void as_long_as_it_moves(void **state)
{
	static const struct turn slow[] = { { 6000, 1, 0 }, { 6000, 0, 1 }, { 9000, 1, 0 }, { 9000, 0, 1 } };
	struct scripted s;

	(void)state;
	drain(&s, slow, sizeof(slow) / sizeof(slow[0]));
	assert_true(s.flow.drained);
	assert_int_equal(s.at, 4);
}

/* Turns in which something happens that moves nothing use up patience. */
static void not_longer_than_patience(void **state)
{
	static const struct turn still[] = { { 4000, 0, 0 }, { 4000, 0, 0 }, { 9000, 1, 0 } };
	struct scripted s;

	(void)state;
	drain(&s, still, sizeof(still) / sizeof(still[0]));
	assert_false(s.flow.drained);
	assert_int_equal(s.at, 2);
	assert_in_range(s.waited_ms, FL_TCP_PATIENCE_MS, FL_TCP_PATIENCE_MS + 1);
	drain(&s, NULL, 0);
	assert_false(s.flow.drained);
	assert_in_range(s.longest_wait_ms, FL_TCP_PATIENCE_MS, FL_TCP_PATIENCE_MS + 1);
	assert_in_range(s.waited_ms, FL_TCP_PATIENCE_MS, FL_TCP_PATIENCE_MS + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_long_as_it_moves),
		cmocka_unit_test(not_longer_than_patience),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
