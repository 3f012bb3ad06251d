/* SPDX-License-Identifier: Apache-2.0 */
/* path/found.c: what is there in the place of a right block. */
#include "path/found.h"
#include <feedline/block.h>
#include <stdio.h>
#include <string.h>

/* Single bits fall over; what is copied, torn or overwritten differs in whole words, by about half of their bits. */
enum { BITS_FLIPPED_MAX = 8 };

struct difference {
	unsigned bits, words;
	size_t first; /* offset of the first wrong byte */
};

static struct difference compare(const uint64_t *is, const uint64_t *should)
{
	struct difference d = { .first = FL_BLOCK_BYTES };

	for (size_t i = 0; i < FL_BLOCK_WORDS; i++) {
		uint64_t wrong = is[i] ^ should[i];

		if (!wrong)
			continue;
		d.words++;
		d.bits += (unsigned)__builtin_popcountll(wrong);
		if (d.first == FL_BLOCK_BYTES)
			d.first = i * sizeof(*is) + (unsigned)__builtin_ctzll(wrong) / 8; /* little endian */
	}
	return d;
}

static bool is_zero(const uint64_t *word)
{
	for (size_t i = 0; i < FL_BLOCK_WORDS; i++)
		if (word[i])
			return false;
	return true;
}

static uint64_t sum_of(const uint64_t *word)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < FL_BLOCK_WORDS; i++)
		sum += word[i];
	return sum;
}

/* A right block, at least by its sum (path/stamp.h), but of another place: it says itself which. */
static bool describe_stranger(const struct fl_dataset *set, size_t of_file, uint64_t at, const uint64_t *word,
			      char *ret, size_t room)
{
	uint64_t seed = word[1], file = word[2], offset = word[3];

	if (word[0] != FL_BLOCK_MAGIC || sum_of(word) != fl_block_sum(seed, file, offset) ||
	    (seed == set->seed && file == of_file && offset == at))
		return false;
	if (seed != set->seed)
		snprintf(ret, room, "holds a block of another data set (seed 0x%016llx)", (unsigned long long)seed);
	else if (file < set->files_n)
		snprintf(ret, room, "holds the block of '%.64s' at offset %llu", set->files[file].name,
			 (unsigned long long)offset);
	else
		snprintf(ret, room, "holds the block of file %llu at offset %llu", (unsigned long long)file,
			 (unsigned long long)offset);
	return true;
}

void fl_found_describe(const struct fl_dataset *set, size_t file, uint64_t offset, const void *block, char *ret,
		       size_t room)
{
	uint64_t should[FL_BLOCK_WORDS];
	struct difference d;

	if (is_zero(block)) {
		snprintf(ret, room, "was never written (zeros)");
		return;
	}
	if (describe_stranger(set, file, offset, block, ret, room))
		return;
	fl_block_fill(should, set->seed, file, offset);
	d = compare(block, should);
	if (d.words == FL_BLOCK_WORDS)
		snprintf(ret, room, "holds nothing of a data set");
	else if (d.bits <= BITS_FLIPPED_MAX)
		snprintf(ret, room, "%u bit%s flipped, %sin byte %zu", d.bits, d.bits == 1 ? " is" : "s are",
			 d.bits == 1 ? "" : "the first ", d.first);
	else
		snprintf(ret, room, "%u of %d words are wrong, from byte %zu on", d.words, FL_BLOCK_WORDS, d.first);
}
