/* SPDX-License-Identifier: Apache-2.0 */
/* test_block.c: blocks tell where they belong: whatever is not the right block in the right place is caught by the full
 * check, by the sum as far as it can, and named. */
#include "path/found.h"
#include <feedline/block.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_NO = 3, OFFSET = 5 * FL_BLOCK_BYTES };
#define SEED UINT64_C(0x0123456789abcdef)

struct block {
	uint64_t word[FL_BLOCK_WORDS];
};

static struct block filled(uint64_t seed, uint64_t file, uint64_t offset)
{
	struct block b;

	fl_block_fill(&b, seed, file, offset);
	return b;
}

static size_t check(const struct block *b)
{
	return fl_block_check(b, SEED, FILE_NO, OFFSET);
}

static bool sum_is_right(const struct block *b)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < FL_BLOCK_WORDS; i++)
		sum += b->word[i];
	return sum == fl_block_sum(SEED, FILE_NO, OFFSET);
}

static void right_blocks(void **state)
{
	static const uint64_t seeds[] = { 0, 1, SEED, UINT64_MAX };
	static const uint64_t offsets[] = { 0, FL_BLOCK_BYTES, UINT64_C(1) << 40 };

	(void)state;
	for (size_t s = 0; s < sizeof(seeds) / sizeof(seeds[0]); s++)
		for (uint64_t file = 0; file < 3; file++)
			for (size_t o = 0; o < sizeof(offsets) / sizeof(offsets[0]); o++) {
				struct block b = filled(seeds[s], file, offsets[o]);
				uint64_t sum = 0;

				for (size_t i = 0; i < FL_BLOCK_WORDS; i++)
					sum += b.word[i];
				assert_int_equal(fl_block_check(&b, seeds[s], file, offsets[o]), FL_BLOCK_BYTES);
				assert_true(sum == fl_block_sum(seeds[s], file, offsets[o]));
			}
}

/* They are on drives and in CUDA code: what they are made of never changes. */
static void known_words(void **state)
{
	struct block b = filled(SEED, FILE_NO, OFFSET);

	(void)state;
	assert_memory_equal(&b.word[0], "fedblk01", 8);
	assert_true(b.word[1] == SEED);
	assert_int_equal(b.word[2], FILE_NO);
	assert_int_equal(b.word[3], OFFSET);
	assert_true(b.word[4] == UINT64_C(0x900b8009652c8a28));
	assert_true(b.word[5] == UINT64_C(0xe7bde7dadf615f8d));
	assert_true(b.word[511] == UINT64_C(0xfbec2f1820fc78b5));
}

/* One flipped bit, in every word and in every place of a word. */
static void flipped_bits(void **state)
{
	(void)state;
	for (size_t i = 0; i < FL_BLOCK_WORDS; i++)
		for (unsigned bit = (unsigned)i % 7; bit < 64; bit += 7) {
			struct block b = filled(SEED, FILE_NO, OFFSET);

			b.word[i] ^= UINT64_C(1) << bit;
			assert_int_equal(check(&b), i * sizeof(b.word[0]));
			assert_false(sum_is_right(&b));
		}
}

/* What one word gains another loses: the sum does not see it, the full check does. */
static void words_that_cancel(void **state)
{
	struct block b = filled(SEED, FILE_NO, OFFSET);
	uint64_t word = b.word[7];

	(void)state;
	b.word[7] = b.word[9];
	b.word[9] = word;
	assert_true(sum_is_right(&b));
	assert_int_equal(check(&b), 7 * sizeof(word));
	b = filled(SEED, FILE_NO, OFFSET);
	b.word[FL_BLOCK_CHECK]++;
	b.word[FL_BLOCK_WORDS - 1]--;
	assert_true(sum_is_right(&b));
	assert_int_equal(check(&b), (FL_BLOCK_WORDS - 1) * sizeof(word));
}

static void other_places(void **state)
{
	struct block next = filled(SEED, FILE_NO, OFFSET + FL_BLOCK_BYTES);
	struct block other = filled(SEED, FILE_NO + 1, OFFSET);
	struct block stale = filled(SEED + 1, FILE_NO, OFFSET);
	struct block zero = { { 0 } };

	(void)state;
	assert_int_equal(check(&next), 3 * sizeof(uint64_t));
	assert_int_equal(check(&other), 2 * sizeof(uint64_t));
	assert_int_equal(check(&stale), 1 * sizeof(uint64_t));
	assert_int_equal(check(&zero), 0);
	assert_false(sum_is_right(&next));
	assert_false(sum_is_right(&other));
	assert_false(sum_is_right(&stale));
	assert_false(sum_is_right(&zero));
}

/* Torn: a part is still what was there before. */
static void torn(void **state)
{
	struct block b = filled(SEED, FILE_NO, OFFSET), before = filled(SEED - 1, FILE_NO, OFFSET);

	(void)state;
	memcpy(&b.word[64], &before.word[64], 512);
	assert_int_equal(check(&b), 512);
	assert_false(sum_is_right(&b));
}

static void no_two_alike(void **state)
{
	static uint64_t words[64 * FL_BLOCK_WORDS];
	unsigned bits = 0;

	(void)state;
	for (uint64_t i = 0; i < 64; i++)
		fl_block_fill(&words[i * FL_BLOCK_WORDS], SEED, i / 8, i % 8 * FL_BLOCK_BYTES);
	for (size_t i = FL_BLOCK_WORDS; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t in_block = i % FL_BLOCK_WORDS;

		if (in_block < FL_BLOCK_CHECK)
			continue;
		assert_true(words[i] != words[i - FL_BLOCK_WORDS]); /* the block before: nothing to merge */
		bits += (unsigned)__builtin_popcountll(words[i]);
	}
	/* Half of the 63 x 508 x 64 bits are set: 1024128 with a standard deviation of 716. */
	assert_in_range(bits, 1024128 - 5 * 716, 1024128 + 5 * 716);
}

/* ---- what is said of them */

static char names[2][16] = { "data-00000000", "data-00000001" };

static void expect(const struct block *b, const char *text)
{
	struct fl_dataset_file files[] = { { names[0], 1 << 20 }, { names[1], 1 << 20 } };
	const struct fl_dataset set = { .seed = SEED, .files = files, .files_n = 2 };
	char what[240];

	fl_found_describe(&set, 1, OFFSET, b, what, sizeof(what));
	assert_string_equal(what, text);
}

static void is_named(void **state)
{
	struct block b = filled(SEED, 1, OFFSET), other;

	(void)state;
	b.word[15] ^= UINT64_C(1) << 25;
	expect(&b, "1 bit is flipped, in byte 123");
	b.word[20] ^= 3;
	expect(&b, "3 bits are flipped, the first in byte 123");
	b = filled(SEED, 1, OFFSET); /* the head itself is hit */
	b.word[3] ^= 4096;
	expect(&b, "1 bit is flipped, in byte 25");
	b = filled(SEED, 0, 8192);
	expect(&b, "holds the block of 'data-00000000' at offset 8192");
	b = filled(SEED, 7, 8192);
	expect(&b, "holds the block of file 7 at offset 8192");
	b = filled(SEED + 1, 1, OFFSET);
	expect(&b, "holds a block of another data set (seed 0x0123456789abcdf0)");
	memset(&b, 0, sizeof(b));
	expect(&b, "was never written (zeros)");
	memset(&b, 0x5a, sizeof(b));
	expect(&b, "holds nothing of a data set");
	b = filled(SEED, 1, OFFSET);
	other = filled(SEED + 1, 1, OFFSET);
	memcpy(&b.word[64], &other.word[64], 512);
	expect(&b, "64 of 512 words are wrong, from byte 512 on");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_blocks),	     cmocka_unit_test(known_words),  cmocka_unit_test(flipped_bits),
		cmocka_unit_test(words_that_cancel), cmocka_unit_test(other_places), cmocka_unit_test(torn),
		cmocka_unit_test(no_two_alike),	     cmocka_unit_test(is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
