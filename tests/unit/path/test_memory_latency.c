/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory_latency.c: memory.latency follows one cycle through every line, and its verify can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake_lane.h"
#include "memory/latency.c"

static const struct fl_device node = { .id = "node0", .node = 0 };

static void step(struct latency_state *s, uint64_t n)
{
	struct fl_step did = { 0 };
	struct fl_err err = { 0 };

	assert_int_equal(latency_step(s, 0, n, &did, &err), 0);
	assert_int_equal(did.ops, n);
	assert_int_equal(did.bytes, 0);
}

static void verify(const struct latency_state *s, const char *wrong)
{
	struct fl_err err = { 0 };

	assert_int_equal(latency_verify((void *)s, &err), wrong ? -EBADMSG : 0);
	if (wrong && !strstr(err.what, wrong))
		fail_msg("%s", err.what);
}

static void swap_next(struct line *a, struct line *b)
{
	struct line *next = a->next;

	a->next = b->next;
	b->next = next;
}

static void test_chases_and_verifies(void **unused)
{
	const struct latency_opts opts = { .memory = &node };
	struct fl_lane lane = { .threads = 1 };
	struct fl_err err = { 0 };
	struct latency_state *s;
	struct line *before;
	void *state;

	(void)unused;
	assert_int_equal(latency_open(&lane, &opts, &state, &err), 0);
	s = state;
	assert_true(s->lines_n * LINE_BYTES >= 64 << 20);
	verify(s, NULL);
	step(s, 1);
	assert_ptr_equal(s->at, s->lines[0].next);
	step(s, 1000);
	verify(s, NULL);
	step(s, s->lines_n); /* once round */
	before = s->at;
	verify(s, NULL);
	s->at = before->next; /* a load that was not counted */
	verify(s, "not where the cycle is");
	s->at = before;
	swap_next(&s->lines[7], &s->lines[9]); /* two cycles now */
	verify(s, "is closed after");
	swap_next(&s->lines[7], &s->lines[9]);
	s->lines[7].next = s->lines[9].next; /* two lines lead to one: round and round elsewhere, or a shortcut */
	verify(s, "the cycle of");
	s->lines[7].next = s->lines + s->lines_n;
	verify(s, "leaves the buffer");
	s->lines[7].next = (struct line *)(void *)((char *)s->lines + 8);
	verify(s, "leaves the buffer");
	latency_close(s);
	fake_free(&lane);
}

/* Every size gives one cycle: nothing is met twice. */
static void test_cycles(void **unused)
{
	(void)unused;
	for (uint64_t n = 1; n <= 40; n++) {
		struct line lines[40];
		uint64_t loads = 0;
		const struct line *at = lines;

		make_cycle(lines, n);
		do
			at = at->next;
		while (++loads < n && at != lines);
		assert_int_equal(loads, n);
		assert_ptr_equal(at, lines);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chases_and_verifies),
		cmocka_unit_test(test_cycles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
