/* SPDX-License-Identifier: Apache-2.0 */
/* feedline/block.h: blocks of test data that tell where they belong, the same on a CPU and on a GPU.
 *
 * A file of test data is a row of blocks of 4096 bytes. A block is 512 words of 64 bits, little endian:
 *
 *   word 0      FL_BLOCK_MAGIC
 *   word 1      seed of the data set
 *   word 2      number of the file in the data set
 *   word 3      offset of the block in the file, in bytes
 *   word 4      what makes the sum of all 512 words, modulo 2^64, fl_block_sum(seed, file, offset)
 *   word 5 ..   fl_block_word(key, i), with key = fl_block_key(seed, file, offset)
 *
 * So two checks are possible, both without looking at anything but the block and its place:
 *   sum   adds up all words, at the speed of memory: a flipped bit, a short read, a block that belongs elsewhere and
 *         one of an older data set change it. Exchanged words do not.
 *   full  computes every word again (fl_block_check).
 * The words pass for random: no drive, file system or link can compress or merge them.
 *
 * Everything here is inline, without memory or calls of its own, so that a kernel for a GPU can be made of it. */
#ifndef FEEDLINE_BLOCK_H
#define FEEDLINE_BLOCK_H
#include <stddef.h>
#include <stdint.h>

#ifdef __CUDACC__
#define FL_BLOCK_FN static inline __host__ __device__
#else
#define FL_BLOCK_FN static inline
#endif

enum { FL_BLOCK_BYTES = 4096, FL_BLOCK_WORDS = 512, FL_BLOCK_CHECK = 4, FL_BLOCK_HEAD = 5 };
#define FL_BLOCK_MAGIC 0x31306b6c62646566u /* "fedblk01" */

/* The finisher of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014). */
FL_BLOCK_FN uint64_t fl_block_mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

FL_BLOCK_FN uint64_t fl_block_key(uint64_t seed, uint64_t file, uint64_t offset)
{
	return fl_block_mix(fl_block_mix(fl_block_mix(seed) + file) + offset);
}

FL_BLOCK_FN uint64_t fl_block_word(uint64_t key, uint64_t i)
{
	uint64_t z = key + i * 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 32) * 0xbf58476d1ce4e5b9u;
	return z ^ z >> 29;
}

/* The sum of all words of a right block. */
FL_BLOCK_FN uint64_t fl_block_sum(uint64_t seed, uint64_t file, uint64_t offset)
{
	return fl_block_mix(fl_block_key(seed, file, offset) + 1);
}

/* block: FL_BLOCK_BYTES, aligned to 8. */
FL_BLOCK_FN void fl_block_fill(void *block, uint64_t seed, uint64_t file, uint64_t offset)
{
	uint64_t *word = (uint64_t *)block;
	uint64_t key = fl_block_key(seed, file, offset), sum = FL_BLOCK_MAGIC + seed + file + offset;
	size_t i;

	word[0] = FL_BLOCK_MAGIC;
	word[1] = seed;
	word[2] = file;
	word[3] = offset;
	for (i = FL_BLOCK_HEAD; i < FL_BLOCK_WORDS; i++) {
		word[i] = fl_block_word(key, i);
		sum += word[i];
	}
	word[FL_BLOCK_CHECK] = fl_block_sum(seed, file, offset) - sum;
}

/* The full check: the offset of the first wrong word in bytes; FL_BLOCK_BYTES when there is none. The word that
 * makes the sum right is held against the sum of those that should be there. */
FL_BLOCK_FN size_t fl_block_check(const void *block, uint64_t seed, uint64_t file, uint64_t offset)
{
	const uint64_t *word = (const uint64_t *)block;
	const uint64_t head[FL_BLOCK_CHECK] = { FL_BLOCK_MAGIC, seed, file, offset };
	uint64_t key = fl_block_key(seed, file, offset), sum = FL_BLOCK_MAGIC + seed + file + offset;
	size_t i;

	for (i = 0; i < FL_BLOCK_CHECK; i++)
		if (word[i] != head[i])
			return i * sizeof(*word);
	for (i = FL_BLOCK_HEAD; i < FL_BLOCK_WORDS; i++) {
		if (word[i] != fl_block_word(key, i))
			return i * sizeof(*word);
		sum += word[i];
	}
	if (word[FL_BLOCK_CHECK] != fl_block_sum(seed, file, offset) - sum)
		return FL_BLOCK_CHECK * sizeof(*word);
	return FL_BLOCK_BYTES;
}

#endif
