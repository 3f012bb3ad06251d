/* SPDX-License-Identifier: Apache-2.0 */
/* path/blocks.c: stretches of test data. */
#include "path/blocks.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { SEED = 1, FILE_NUMBER, OFFSET }; /* words of a head, behind the magic number */

void fl_blocks_fill(void *data, uint64_t bytes, const struct fl_origin *o)
{
	for (uint64_t at = 0; at < bytes; at += FL_BLOCK_BYTES)
		fl_block_fill((char *)data + at, o->seed, o->file, o->offset + at);
}

uint64_t fl_blocks_heads(const void *data, uint64_t bytes, const struct fl_origin *o)
{
	for (uint64_t at = 0; at < bytes; at += FL_BLOCK_BYTES) {
		const uint64_t *word = (const void *)((const char *)data + at);

		if (word[0] != FL_BLOCK_MAGIC || word[SEED] != o->seed || word[FILE_NUMBER] != o->file ||
		    word[OFFSET] != o->offset + at)
			return at;
	}
	return bytes;
}

uint64_t fl_blocks_sums(const struct fl_stream_engine *engine, const void *data, uint64_t bytes,
			const struct fl_origin *o)
{
	for (uint64_t at = 0; at < bytes; at += FL_BLOCK_BYTES)
		if (engine->read((const char *)data + at, FL_BLOCK_BYTES) !=
		    fl_block_sum(o->seed, o->file, o->offset + at))
			return at;
	return bytes;
}

uint64_t fl_blocks_full(const void *data, uint64_t bytes, const struct fl_origin *o)
{
	for (uint64_t at = 0; at < bytes; at += FL_BLOCK_BYTES)
		if (fl_block_check((const char *)data + at, o->seed, o->file, o->offset + at) != FL_BLOCK_BYTES)
			return at;
	return bytes;
}

/* ---- what a wrong block holds */

/* A whole block of test data, wherever it belongs. */
static bool is_block(const uint64_t *word)
{
	return word[0] == FL_BLOCK_MAGIC &&
	       fl_block_check(word, word[SEED], word[FILE_NUMBER], word[OFFSET]) == FL_BLOCK_BYTES;
}

static bool is_zero(const uint64_t *word)
{
	for (size_t i = 0; i < FL_BLOCK_WORDS; i++)
		if (word[i])
			return false;
	return true;
}

/* The bits in which two blocks differ, and the first of them. */
static unsigned count_flipped(const uint64_t *a, const uint64_t *b, unsigned *ret_first)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FL_BLOCK_WORDS; i++) {
		uint64_t flipped = a[i] ^ b[i];

		if (n == 0 && flipped)
			*ret_first = 64 * i + (unsigned)__builtin_ctzll(flipped);
		n += (unsigned)__builtin_popcountll(flipped);
	}
	return n;
}

int fl_blocks_explain(const void *block, const struct fl_origin *o, const char *name, struct fl_err *err)
{
	const unsigned long long file = o->file, offset = o->offset;
	uint64_t want[FL_BLOCK_WORDS], found[FL_BLOCK_WORDS];
	unsigned first = 0, flipped;

	memcpy(found, block, sizeof(found));
	fl_block_fill(want, o->seed, o->file, o->offset);
	flipped = count_flipped(found, want, &first);
	if (is_zero(found))
		fl_fail(err, -EBADMSG, "%s file %llu offset %llu: zeros instead of the block that belongs there", name,
			file, offset);
	else if (is_block(found) && found[SEED] != o->seed)
		fl_fail(err, -EBADMSG, "%s file %llu offset %llu: a stale block, of the data set with seed 0x%llx",
			name, file, offset, (unsigned long long)found[SEED]);
	else if (is_block(found))
		fl_fail(err, -EBADMSG,
			"%s file %llu offset %llu: a swapped block, that of file %llu offset %llu is in its place",
			name, file, offset, (unsigned long long)found[FILE_NUMBER], (unsigned long long)found[OFFSET]);
	else if (flipped == 1)
		fl_fail(err, -EBADMSG, "%s file %llu offset %llu: a flipped bit, bit %u of byte %llu", name, file,
			offset, first % 8, offset + first / 8);
	else
		fl_fail(err, -EBADMSG, "%s file %llu offset %llu: %u of its %d bits are wrong, the first in byte %llu",
			name, file, offset, flipped, 8 * FL_BLOCK_BYTES, offset + first / 8);
	return -EBADMSG;
}
