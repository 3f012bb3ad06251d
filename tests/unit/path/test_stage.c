/* SPDX-License-Identifier: Apache-2.0 */
/* test_stage.c: chunks in any order become batches in their order, in no more memory than there is; a chunk that does
 * not arrive is seen. By hand, in one thread: a source and an accelerator that do as they are told. */
#include "path/sink.h"
#include "path/stage.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCK = 4096, CHUNKS = 3, PREFETCH = 2, SLOTS = 16, BATCHES = PREFETCH + 2 };

static const struct fl_shape shape = { .step_bytes = CHUNKS * BLOCK, .block = BLOCK, .chunks = CHUNKS };

struct bench {
	struct fl_source source;
	struct fl_stage stage;
	struct fl_sink sink;
	char *from, *to;
};

static struct fl_origin origin_of(const struct fl_source *s, uint64_t seq)
{
	(void)s;
	return (struct fl_origin){ .seed = 1, .offset = seq * BLOCK };
}

static const struct fl_source_kind kind = { .origin = origin_of };

static struct bench *make_bench(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->from = aligned_alloc(BLOCK, SLOTS * BLOCK);
	b->to = aligned_alloc(BLOCK, BATCHES * shape.step_bytes);
	assert_true(b->from && b->to);
	memset(b->to, 0x55, BATCHES * shape.step_bytes);
	b->source = (struct fl_source){
		.kind = &kind, .shape = shape, .held_max = SLOTS, .described = true, .name = "test"
	};
	assert_int_equal(fl_queue_create(SLOTS, sizeof(struct fl_chunk), &b->source.out, NULL), 0);
	assert_int_equal(fl_queue_create(SLOTS, sizeof(uint32_t), &b->source.back, NULL), 0);
	assert_int_equal(fl_stage_open(&shape, PREFETCH, &b->source, b->to, &b->stage, NULL), 0);
	b->sink = (struct fl_sink){ .shape = shape,
				    .source = &b->source,
				    .in = b->stage.out,
				    .memory = b->to,
				    .slots_n = BATCHES,
				    .engine = fl_stream_best() };
	return b;
}

static void free_bench(struct bench *b)
{
	fl_stage_close(&b->stage);
	fl_queue_free(b->source.out);
	fl_queue_free(b->source.back);
	free(b->from);
	free(b->to);
	free(b);
}

/* The data of chunk `of` as chunk `seq`. */
static void push_as(struct bench *b, uint64_t seq, uint64_t of)
{
	struct fl_chunk chunk = { .seq = seq, .slot = (uint32_t)(seq % SLOTS) };
	struct fl_origin origin = origin_of(&b->source, of);
	char *data = b->from + chunk.slot * (uint64_t)BLOCK;

	fl_blocks_fill(data, BLOCK, &origin);
	chunk.data = data;
	assert_int_equal(fl_queue_push_until(b->source.out, &chunk, 0), 0);
}

static void push(struct bench *b, uint64_t seq)
{
	push_as(b, seq, seq);
}

/* All that can be done without waiting. */
static void advance(struct bench *b)
{
	for (unsigned i = 0; i < 100; i++)
		assert_true(fl_stage_advance(&b->stage, 0) >= 0);
}

static unsigned ready(const struct bench *b)
{
	return (unsigned)fl_queue_count(b->stage.out);
}

static void consume(struct bench *b, double *given)
{
	assert_int_equal(fl_sink_step(&b->sink, given), 0);
}

static unsigned slots_back(struct bench *b)
{
	return (unsigned)fl_queue_count(b->source.back);
}

static void test_any_order(void **state)
{
	static const uint64_t order[] = { 5, 2, 4, 0, 3, 1 }; /* the second batch is complete before the first */
	struct bench *b = make_bench();
	double given[FL_GIVEN_N];
	struct fl_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		push(b, order[i]);
		advance(b);
		assert_int_equal(ready(b), i < 5 ? 0 : 2);
	}
	assert_int_equal(slots_back(b), 6);
	consume(b, given);
	consume(b, given);
	assert_true(given[FL_GIVEN_DELIVERY_NS] >= 0); /* none is ready before those that come first */
	assert_int_equal(b->sink.wrong.code, 0);
	assert_int_equal(fl_sink_check(&b->sink, 0, &err), 0);
	assert_int_equal(fl_sink_check(&b->sink, 1, &err), 0);
	free_bench(b);
}

/* Copying what was held, for which there is a place now, comes after what the sink waits for. */
static void test_a_complete_batch_goes_first(void **state)
{
	struct bench *b = make_bench();
	double given[FL_GIVEN_N];

	(void)state;
	for (uint64_t i = 0; i < 3 * CHUNKS - 1; i++)
		push(b, i);
	for (uint64_t i = 3 * CHUNKS; i < 4 * CHUNKS; i++)
		push(b, i); /* no place for them yet */
	push(b, 3 * CHUNKS - 1);
	advance(b);
	assert_int_equal(ready(b), PREFETCH);
	assert_int_equal(b->stage.held_n, CHUNKS);
	consume(b, given);
	assert_int_equal(ready(b), PREFETCH - 1);
	assert_int_equal(fl_stage_advance(&b->stage, 0), 0);
	assert_int_equal(ready(b), PREFETCH);
	advance(b);
	assert_int_equal(b->stage.held_n, 0);
	free_bench(b);
}

/* Chunks beyond the batches that have a place wait in the source's memory, and no batch is overwritten that the sink
 * has not done with. */
static void test_no_more_than_there_is_memory_for(void **state)
{
	struct bench *b = make_bench();
	double given[FL_GIVEN_N];
	uint64_t seq;

	(void)state;
	for (uint64_t i = 0; i < 5 * CHUNKS; i++)
		push(b, i);
	advance(b);
	assert_int_equal(ready(b), PREFETCH);
	assert_int_equal(b->stage.batch, PREFETCH); /* one more is complete, and nobody has room for it */
	assert_int_equal(slots_back(b), (PREFETCH + 1) * CHUNKS);
	assert_int_equal(fl_stage_waiting(&b->stage), 2 * CHUNKS);
	for (unsigned i = 0; i < 5; i++) {
		consume(b, given);
		advance(b);
		assert_int_equal(b->sink.wrong.code, 0);
	}
	assert_int_equal(slots_back(b), 5 * CHUNKS);
	assert_true(fl_stage_whole(&b->stage, 0, &seq));
	assert_int_equal(seq, 4);
	assert_false(fl_stage_whole(&b->stage, 0, &seq) && seq == 0);
	free_bench(b);
}

/* The oldest batch lacks a chunk while later ones pile up: they are held, and all goes on when it comes. */
static void test_a_late_chunk(void **state)
{
	struct bench *b = make_bench();
	double given[FL_GIVEN_N];

	(void)state;
	for (uint64_t i = 1; i < 5 * CHUNKS; i++)
		push(b, i);
	advance(b);
	assert_int_equal(ready(b), 0);
	assert_int_equal(fl_stage_waiting(&b->stage), 2 * CHUNKS); /* batches 3 and 4 */
	push(b, 0);
	advance(b);
	for (unsigned i = 0; i < 5; i++) {
		consume(b, given);
		advance(b);
	}
	assert_int_equal(b->sink.wrong.code, 0);
	assert_int_equal(fl_stage_waiting(&b->stage), 0);
	free_bench(b);
}

static void move_nothing(const struct fl_mover *m, void *to, const void *from, uint64_t bytes)
{
	(void)m;
	(void)to;
	(void)from;
	(void)bytes;
}

/* The source makes a mistake, or the mover: either sink sees it. */
static void test_mistakes(void **state)
{
	enum { SWAPPED, TWICE, NOT_MOVED, MISTAKES };

	(void)state;
	for (unsigned mistake = 0; mistake < MISTAKES; mistake++) {
		for (int closed = 0; closed < 2; closed++) {
			struct bench *b = make_bench();
			double given[FL_GIVEN_N];

			b->sink.closed = closed;
			for (uint64_t i = 0; i < CHUNKS; i++) { /* the very same bytes lie there already */
				struct fl_origin o = origin_of(&b->source, i);

				fl_blocks_fill(b->to + i * BLOCK, BLOCK, &o);
			}
			if (mistake == NOT_MOVED)
				b->stage.mover.move = move_nothing;
			push_as(b, 0, mistake == SWAPPED ? 1 : 0);
			push_as(b, 1, mistake == SWAPPED || mistake == TWICE ? 0 : 1);
			push(b, 2);
			advance(b);
			consume(b, given);
			assert_int_equal(b->sink.wrong.code, -EBADMSG);
			free_bench(b);
		}
	}
}

/* More chunks on their way than the source said that it had memory for. */
static void test_a_source_that_overflows(void **state)
{
	struct bench *b = make_bench();
	int rc = 0;

	(void)state;
	b->stage.held_max = 1;
	push(b, 4 * CHUNKS);
	push(b, 4 * CHUNKS + 1);
	for (unsigned i = 0; i < 10 && rc >= 0; i++)
		rc = fl_stage_advance(&b->stage, 0);
	assert_int_equal(rc, -EPROTO);
	free_bench(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_a_complete_batch_goes_first),
		cmocka_unit_test(test_no_more_than_there_is_memory_for),
		cmocka_unit_test(test_a_late_chunk),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_a_source_that_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
