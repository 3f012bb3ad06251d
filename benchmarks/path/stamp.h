/* SPDX-License-Identifier: Apache-2.0 */
/* path/stamp.h: makes a right block of feedline/block.h one that belongs elsewhere, without filling it again: its sum
 * is right then, its words stay those of the place that it was filled for. That costs a cache line, so that a writer
 * is not held up by what it writes. */
#ifndef PATH_STAMP_H
#define PATH_STAMP_H
#include <feedline/block.h>

static inline void fl_stamp(uint64_t *word, uint64_t seed, uint64_t number, uint64_t offset)
{
	/* What the words behind the head add up to. */
	uint64_t body =
		fl_block_sum(word[1], word[2], word[3]) - word[0] - word[1] - word[2] - word[3] - word[FL_BLOCK_CHECK];

	word[1] = seed;
	word[2] = number;
	word[3] = offset;
	word[FL_BLOCK_CHECK] = fl_block_sum(seed, number, offset) - word[0] - seed - number - offset - body;
}

#endif
