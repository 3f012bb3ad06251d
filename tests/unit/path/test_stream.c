/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream.c: every engine that this CPU has copies, reads and writes exactly what it was told, no byte more. */
#include "path/pattern.h"
#include "path/stream.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { AROUND = 1000000 }; /* the seed of what must not be touched */

/* `bytes` with a grain before and behind them. */
static char *framed(size_t bytes)
{
	char *p = aligned_alloc(FL_STREAM_GRAIN, bytes + 2 * FL_STREAM_GRAIN);

	assert_non_null(p);
	fl_pattern_fill(p, bytes + 2 * FL_STREAM_GRAIN, AROUND);
	return p;
}

static void check_frame(const char *p, size_t bytes)
{
	const uint64_t behind = (FL_STREAM_GRAIN + bytes) / 8;

	assert_int_equal(fl_pattern_check(p, FL_STREAM_GRAIN, AROUND), FL_STREAM_GRAIN);
	assert_int_equal(fl_pattern_check(p + 8 * behind, FL_STREAM_GRAIN, AROUND + behind), FL_STREAM_GRAIN);
}

static void check_copy(const struct fl_stream_engine *e, size_t bytes)
{
	char *from = aligned_alloc(FL_STREAM_GRAIN, bytes), *to = framed(bytes);

	fl_pattern_fill(from, bytes, 42);
	e->copy(to + FL_STREAM_GRAIN, from, bytes);
	assert_int_equal(fl_pattern_check(from, bytes, 42), bytes);
	assert_int_equal(fl_pattern_check(to + FL_STREAM_GRAIN, bytes, 42), bytes);
	check_frame(to, bytes);
	free(from);
	free(to);
}

/* The sum is that of every word, wherever the only odd one is. */
static void check_read(const struct fl_stream_engine *e, size_t bytes)
{
	char *from = framed(bytes);
	uint64_t *words = (uint64_t *)(void *)(from + FL_STREAM_GRAIN), sum;

	fl_pattern_fill(words, bytes, 42);
	sum = fl_pattern_total(bytes, 42);
	assert_int_equal(e->read(words, bytes), sum);
	for (size_t i = 0; i < bytes / 8; i += i % 8 == 7 ? 249 : 1) {
		words[i] += (uint64_t)1 << 63;
		assert_int_equal(e->read(words, bytes), sum ^ (uint64_t)1 << 63);
		words[i] -= (uint64_t)1 << 63;
	}
	free(from);
}

static void check_write(const struct fl_stream_engine *e, size_t bytes)
{
	const uint64_t word = 0x0123456789abcdef;
	char *to = framed(bytes);
	const uint64_t *words = (const uint64_t *)(const void *)(to + FL_STREAM_GRAIN);

	e->write(to + FL_STREAM_GRAIN, bytes, word);
	for (size_t i = 0; i < bytes / 8; i++)
		assert_int_equal(words[i], word);
	check_frame(to, bytes);
	free(to);
}

static void check_engines(const struct fl_stream_engine *e)
{
	static const size_t sizes[] = { FL_STREAM_GRAIN, 3 * FL_STREAM_GRAIN, 1 << 20 };

	for (; e->name; e++)
		for (size_t i = 0; i < 3 && e->supported(); i++) {
			check_copy(e, sizes[i]);
			check_read(e, sizes[i]);
			check_write(e, sizes[i]);
		}
}

static void test_engines(void **state)
{
	(void)state;
	check_engines(fl_stream_avx);
	check_engines(fl_stream_portable);
}

static void test_the_best_is_supported(void **state)
{
	(void)state;
	assert_true(fl_stream_best()->supported());
	assert_true(fl_stream_portable[0].supported());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_engines),
		cmocka_unit_test(test_the_best_is_supported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
