/* SPDX-License-Identifier: Apache-2.0 */
/* test_walk.c: threads share a file without gap or overlap, and nobody leaves it. */
#include "path/walk.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS_MAX = 64 };

static const struct {
	unsigned blocks, threads;
} shares[] = { { 1, 1 }, { 64, 1 }, { 64, 4 }, { 64, 3 }, { 7, 7 }, { 61, 8 } };

/* Two rounds of each thread visit every block twice, each by one thread only. */
static void test_sequential_covers_the_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		unsigned visits[BLOCKS_MAX] = { 0 };

		for (unsigned t = 0; t < shares[i].threads; t++) {
			struct fl_walk w = fl_walk_of(shares[i].blocks, t, shares[i].threads, false);

			for (uint64_t n = 0; n < 2 * w.blocks; n++) {
				uint64_t block = fl_walk_next(&w);

				assert_int_equal(block, w.first + n % w.blocks);
				visits[block]++;
			}
		}
		for (unsigned b = 0; b < shares[i].blocks; b++)
			assert_int_equal(visits[b], 2);
	}
}

static void test_random_visits_everything(void **state)
{
	(void)state;
	for (unsigned t = 0; t < 3; t++) {
		struct fl_walk w = fl_walk_of(BLOCKS_MAX, t, 3, true);
		unsigned visits[BLOCKS_MAX] = { 0 };

		for (unsigned n = 0; n < 100 * BLOCKS_MAX; n++) {
			uint64_t block = fl_walk_next(&w);

			assert_true(block < BLOCKS_MAX);
			visits[block]++;
		}
		for (unsigned b = 0; b < BLOCKS_MAX; b++)
			assert_in_range(visits[b], 50, 150);
	}
}

/* Each block once in a pass, in a part of the thread's own, in another order than theirs, and the same in each pass. */
static void test_shuffled_covers_the_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		unsigned visits[BLOCKS_MAX] = { 0 }, forward = 0;

		for (unsigned t = 0; t < shares[i].threads; t++) {
			struct fl_walk w = fl_walk_shuffled(shares[i].blocks, t, shares[i].threads);
			uint64_t order[BLOCKS_MAX];

			for (uint64_t n = 0; n < w.blocks; n++) {
				order[n] = fl_walk_next(&w);
				assert_in_range(order[n], w.first, w.first + w.blocks - 1);
				visits[order[n]]++;
				forward += n > 0 && order[n] == order[n - 1] + 1;
			}
			for (uint64_t n = 0; n < w.blocks; n++)
				assert_int_equal(fl_walk_next(&w), order[n]);
		}
		for (unsigned b = 0; b < shares[i].blocks; b++)
			assert_int_equal(visits[b], 1);
		assert_true(forward <= shares[i].blocks / 4);
	}
}

static void test_random_differs_by_thread_and_repeats_by_run(void **state)
{
	struct fl_walk a = fl_walk_of(1 << 18, 0, 2, true), b = fl_walk_of(1 << 18, 1, 2, true);
	struct fl_walk again = a;
	unsigned same = 0;

	(void)state;
	for (unsigned n = 0; n < 1000; n++) {
		uint64_t block = fl_walk_next(&a);

		assert_int_equal(block, fl_walk_next(&again));
		same += block == fl_walk_next(&b);
	}
	assert_in_range(same, 0, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequential_covers_the_file),
		cmocka_unit_test(test_random_visits_everything),
		cmocka_unit_test(test_shuffled_covers_the_file),
		cmocka_unit_test(test_random_differs_by_thread_and_repeats_by_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
