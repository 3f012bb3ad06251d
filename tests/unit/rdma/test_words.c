/* SPDX-License-Identifier: Apache-2.0 */
/* test_words.c: words tell how many atomics came to each. */
#include "path/rdma/words.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SLOTS = 5, PAIRS = 2, DEPTH = 4 };

static const struct fl_rdma_data data = { .size = 8, .slots = SLOTS, .pairs = PAIRS, .seed = 99 };

/* So many of a pair, one after the other; answers: what the last DEPTH of them found. */
static void change(uint64_t *words, unsigned pair, unsigned n, uint64_t answers[PAIRS * DEPTH])
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t *word = &words[pair * SLOTS + i % SLOTS];

		answers[pair * DEPTH + i % DEPTH] = *word;
		*word += FL_RDMA_WORD_STEP;
	}
}

static void are_counted(void **state)
{
	uint64_t words[PAIRS * SLOTS], answers[PAIRS * DEPTH];
	struct fl_rdma_view sinks = { .host = (char *)words }, found = { .host = (char *)answers };

	(void)state;
	for (unsigned n = 0; n < 23; n++) {
		fl_rdma_words_make(&data, (char *)words, 0, sizeof(words));
		change(words, 1, n, answers);
		assert_int_equal(fl_rdma_words_check(&data, 0, &sinks, 0, NULL), 0);
		assert_int_equal(fl_rdma_words_check(&data, 1, &sinks, n, NULL), 0);
		assert_int_equal(fl_rdma_words_check(&data, 1, &sinks, n + 1, NULL), -EBADMSG);
		assert_int_equal(fl_rdma_words_check_answers(&data, 1, &found, DEPTH, n, NULL), 0);
	}
}

static void are_wrong(void **state)
{
	uint64_t words[PAIRS * SLOTS], answers[PAIRS * DEPTH];
	struct fl_rdma_view sinks = { .host = (char *)words }, found = { .host = (char *)answers };
	struct fl_err err = { 0 };

	(void)state;
	fl_rdma_words_make(&data, (char *)words, 0, sizeof(words));
	change(words, 1, 12, answers);
	words[SLOTS + 3] += FL_RDMA_WORD_STEP; /* done twice */
	assert_int_equal(fl_rdma_words_check(&data, 1, &sinks, 12, &err), -EBADMSG);
	assert_non_null(strstr(err.what, "queue pair 1: word 3 of 5 after 2 atomics each"));
	answers[DEPTH + 11 % DEPTH] ^= 1;
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_rdma_words_check_answers(&data, 1, &found, DEPTH, 12, &err), -EBADMSG);
	assert_non_null(strstr(err.what, "queue pair 1: atomic 11 of 12 found"));
}

/* A word of another pair, or another slot, is never the same. */
static void differ(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 40; a++)
		for (unsigned b = 0; b < a; b++)
			assert_true(fl_rdma_word(&data, a % 2, a / 2 % 5, a / 10) !=
				    fl_rdma_word(&data, b % 2, b / 2 % 5, b / 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(are_counted), cmocka_unit_test(are_wrong),
					    cmocka_unit_test(differ) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
