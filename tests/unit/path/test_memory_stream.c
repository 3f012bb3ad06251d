/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory_stream.c: memory.copy, memory.read and memory.write count what they move, and their verify can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake_lane.h"
#include "memory/stream.c"

enum { THREADS = 2, COPY = 0, READ = 1, WRITE = 2 };
static const struct fl_device node = { .id = "node0", .node = 0 };

static struct stream_state *open_and_enter(struct fl_lane *lane, unsigned row)
{
	const struct fl_bench *bench = &fl_bench_memory_stream[row];
	struct stream_opts opts = { .memory = &node };
	struct fl_err err = { 0 };
	void *state = NULL;

	*lane = (struct fl_lane){ .threads = THREADS };
	if (bench->open(lane, &opts, &state, &err) < 0)
		fail_msg("%s", err.what);
	for (unsigned t = 0; t < THREADS; t++)
		assert_int_equal(bench->enter(state, t, &err), 0);
	return state;
}

static void step(struct stream_state *s, unsigned thread, uint64_t n)
{
	struct fl_step did = { 0 };
	struct fl_err err = { 0 };

	assert_int_equal(stream_step(s, thread, n, &did, &err), 0);
	assert_int_equal(did.ops, n);
	assert_int_equal(did.bytes, n << 20);
}

/* Only begun by thread 0, gone through more than once by thread 1. */
static struct stream_state *run(struct fl_lane *lane, unsigned row)
{
	struct stream_state *s = open_and_enter(lane, row);
	struct fl_err err = { 0 };

	assert_int_equal(stream_verify(s, &err), 0); /* nothing was done, nothing is wrong */
	step(s, 0, 3);
	step(s, 1, (s->bytes >> 20) + 2);
	if (stream_verify(s, &err) < 0)
		fail_msg("%s", err.what);
	return s;
}

static void must_be_wrong(struct stream_state *s, const char *what)
{
	struct fl_err err = { 0 };

	assert_int_equal(stream_verify(s, &err), -EBADMSG);
	if (!strstr(err.what, what))
		fail_msg("%s", err.what);
}

static void end(struct fl_lane *lane, struct stream_state *s)
{
	stream_close(s);
	fake_free(lane);
}

static void test_copy(void **unused)
{
	struct fl_lane lane;
	struct stream_state *s = run(&lane, COPY);

	(void)unused;
	s->threads[0].to[3 << 20] ^= 1; /* what was not copied yet is not judged */
	assert_int_equal(stream_verify(s, NULL), 0);
	s->threads[1].to[s->bytes - 1] ^= 1;
	must_be_wrong(s, "thread 1: wrong data");
	end(&lane, s);
}

/* Even of a bit whose effect on a sum over all passes would cancel out. */
static void test_read(void **unused)
{
	struct fl_lane lane;
	struct stream_state *s = run(&lane, READ);

	(void)unused;
	assert_null(s->threads[0].to);
	s->threads[1].from[(5 << 20) + 7] ^= (char)0x80;
	step(s, 1, 3); /* chunks 2 to 4 of this pass */
	assert_int_equal(stream_verify(s, NULL), 0);
	step(s, 1, 2 * (s->bytes >> 20));
	s->threads[1].from[(5 << 20) + 7] ^= (char)0x80;
	must_be_wrong(s, "thread 1: wrong sum of the 1048576 bytes read at offset 5242880");
	end(&lane, s);
}

static void test_write(void **unused)
{
	struct fl_lane lane;
	struct stream_state *s = run(&lane, WRITE);
	char *last = s->threads[1].to + (1 << 20); /* the chunk that was written last */
	char *kept = malloc(1 << 20);

	(void)unused;
	assert_null(s->threads[0].from);
	s->threads[0].to[3 << 20] ^= 1; /* was not written yet */
	assert_int_equal(stream_verify(s, NULL), 0);
	memcpy(kept, last, 1 << 20);
	step(s, 1, s->bytes >> 20);
	assert_int_equal(stream_verify(s, NULL), 0);
	memcpy(last, kept, 1 << 20); /* as if the last pass had left it out */
	must_be_wrong(s, "thread 1: wrong data at offset 1048576");
	free(kept);
	end(&lane, s);
}

/* A fact of stores where there are some; buffers that a cache holds are refused. */
static void test_open(void **unused)
{
	const struct stream_opts odd = { .memory = &node, .size = (1 << 20) + 8 };
	struct fl_err err = { 0 };
	struct fl_lane lane;
	char stores[FAKE_TEXT];

	(void)unused;
	snprintf(stores, sizeof(stores), "stores=%s", fl_stream_best()->stores);
	for (unsigned row = COPY; row <= WRITE; row++) {
		struct stream_state *s = open_and_enter(&lane, row);

		assert_int_equal(fake_has_fact(&lane, stores), row != READ);
		end(&lane, s);
	}
	assert_int_equal(fl_bench_memory_stream[READ].open(&lane, &odd, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.what, "no multiple of 1 MiB"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
