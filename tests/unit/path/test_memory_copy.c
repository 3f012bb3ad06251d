/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory_copy.c: memory.copy counts what it copies, and its verify can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake_lane.h"
#include "memory/copy.c"

enum { THREADS = 2 };
static const struct fl_bench *const bench = &fl_bench_memory_copy[0];
static const struct fl_device node = { .id = "node0", .node = 0 };

static void *open_and_enter(struct fl_lane *lane, const struct copy_opts *opts)
{
	struct fl_err err = { 0 };
	void *state = NULL;

	if (bench->open(lane, opts, &state, &err) < 0)
		fail_msg("%s", err.what);
	for (unsigned t = 0; t < THREADS; t++)
		assert_int_equal(bench->enter(state, t, &err), 0);
	return state;
}

static void step(void *state, unsigned thread, uint64_t n)
{
	struct fl_step did = { 0 };
	struct fl_err err = { 0 };

	assert_int_equal(bench->step(state, thread, n, &did, &err), 0);
	assert_int_equal(did.ops, n);
	assert_int_equal(did.bytes, n << 20);
}

static void test_copies_and_verifies(void **unused)
{
	struct copy_opts opts = { .memory = &node };
	struct fl_lane lane = { .threads = THREADS };
	struct copy_state *s = open_and_enter(&lane, &opts);
	struct fl_err err = { 0 }, wrong = { 0 };
	uint64_t chunks = s->bytes >> 20;

	(void)unused;
	step(s, 0, 3); /* only begun: the rest of the buffer is not judged */
	step(s, 1, chunks + 2);
	assert_int_equal(bench->verify(s, &err), 0);
	s->threads[1].to[s->bytes - 1] ^= 1;
	assert_int_equal(bench->verify(s, &wrong), -EBADMSG);
	assert_non_null(strstr(wrong.what, "thread 1"));
	bench->close(s);
	fake_free(&lane);
}

static void test_buffers_that_a_cache_holds_are_refused(void **unused)
{
	struct copy_opts opts = { .memory = &node, .size = (1 << 20) + 8 };
	struct fl_lane lane = { .threads = THREADS };
	struct fl_err err = { 0 };
	uint64_t bytes = 7;

	(void)unused;
	assert_int_equal(choose_size(&opts, THREADS, &bytes, &err), -EINVAL);
	assert_int_equal(bytes, 7);
	opts.size = 0;
	assert_int_equal(choose_size(&opts, THREADS, &bytes, &err), 0);
	assert_true(bytes >= LEAST_BYTES);
	assert_int_equal(bytes % CHUNK_BYTES, 0);
	if (fl_cache_share("/sys/devices/system/cpu", sched_getcpu(), THREADS) <= CHUNK_BYTES)
		return; /* nothing can be too small here */
	opts.size = CHUNK_BYTES;
	err = (struct fl_err){ 0 };
	assert_int_equal(bench->open(&lane, &opts, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.what, "would measure the cache"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies_and_verifies),
		cmocka_unit_test(test_buffers_that_a_cache_holds_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
