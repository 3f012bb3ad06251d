/* SPDX-License-Identifier: Apache-2.0 */
/* test_pattern.c: every kind of damage is seen. */
#include "path/pattern.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 512, BYTES = WORDS * 8 };

static void test_right_data_is_right(void **state)
{
	uint64_t words[WORDS];

	(void)state;
	fl_pattern_fill(words, BYTES, 7);
	assert_int_equal(fl_pattern_check(words, BYTES, 7), BYTES);
	assert_int_equal(fl_pattern_check(words, 0, 7), 0);
}

static void test_the_first_wrong_word_is_named(void **state)
{
	uint64_t words[WORDS];

	(void)state;
	fl_pattern_fill(words, BYTES, 7);
	words[100] ^= 1;
	words[200] ^= 1;
	assert_int_equal(fl_pattern_check(words, BYTES, 7), 100 * 8);
	assert_int_equal(fl_pattern_check(words, BYTES, 8), 0);
}

static void test_shifted_data_is_wrong(void **state)
{
	uint64_t words[WORDS + 1];

	(void)state;
	fl_pattern_fill(words, sizeof(words), 0);
	assert_int_equal(fl_pattern_check(words + 1, BYTES, 0), 0);
	assert_int_equal(fl_pattern_check(words + 1, BYTES, 1), BYTES);
}

static void test_sum_sees_bits_and_order(void **state)
{
	uint64_t words[WORDS], sum, swap;

	(void)state;
	fl_pattern_fill(words, BYTES, 3);
	sum = fl_pattern_sum(words, BYTES);
	words[WORDS - 1] ^= (uint64_t)1 << 63;
	assert_true(fl_pattern_sum(words, BYTES) != sum);
	words[WORDS - 1] ^= (uint64_t)1 << 63;
	assert_true(fl_pattern_sum(words, BYTES) == sum);
	swap = words[0];
	words[0] = words[1];
	words[1] = swap;
	assert_true(fl_pattern_sum(words, BYTES) != sum);
	memset(words, 0, BYTES);
	assert_true(fl_pattern_sum(words, BYTES) != fl_pattern_sum(words, BYTES - 8));
}

static void test_total_is_the_sum_of_the_words(void **state)
{
	uint64_t words[WORDS], sum = 0;

	(void)state;
	fl_pattern_fill(words, BYTES, UINT64_MAX - 100);
	for (size_t i = 0; i < WORDS; i++) {
		assert_true(fl_pattern_word(UINT64_MAX - 100, i) == words[i]);
		sum += words[i];
	}
	assert_true(fl_pattern_total(BYTES, UINT64_MAX - 100) == sum);
	assert_true(fl_pattern_total(0, 7) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_data_is_right),
		cmocka_unit_test(test_the_first_wrong_word_is_named),
		cmocka_unit_test(test_shifted_data_is_wrong),
		cmocka_unit_test(test_sum_sees_bits_and_order),
		cmocka_unit_test(test_total_is_the_sum_of_the_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
