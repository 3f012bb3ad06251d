/* SPDX-License-Identifier: Apache-2.0 */
/* path/walk.h: in which order one thread of several visits the blocks of a row. Sequential: each thread has a region
 * of its own and starts again at its end. Random: each thread visits the whole row, by a sequence of its own that is
 * the same in every run. */
#ifndef PATH_WALK_H
#define PATH_WALK_H
#include <stdbool.h>
#include <stdint.h>

struct fl_walk {
	uint64_t first, blocks; /* the region; blocks >= 1 */
	uint64_t next;		/* sequential: the next block, from the region's start */
	uint64_t random;	/* state of the generator, never 0; 0: sequential or shuffled */
	unsigned shuffled_bits; /* `next` is shuffled among so many bits, those of the region; 0: it is not */
};

/* Thread `thread` of `threads` over a row of blocks, which holds at least one for every thread. */
struct fl_walk fl_walk_of(uint64_t blocks, unsigned thread, unsigned threads, bool random);

/* Shuffled: each thread has a region of its own and visits it without order, but each block once before any comes
 * again: two visits of a block are as far apart as the region is large. */
struct fl_walk fl_walk_shuffled(uint64_t blocks, unsigned thread, unsigned threads);

/* The number of the block to visit now. */
uint64_t fl_walk_next(struct fl_walk *w);

#endif
