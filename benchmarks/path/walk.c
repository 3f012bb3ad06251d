/* SPDX-License-Identifier: Apache-2.0 */
/* path/walk.c: in which order one thread of several visits the blocks of a row. */
#include "path/walk.h"
#include "path/random.h"

struct fl_walk fl_walk_of(uint64_t blocks, unsigned thread, unsigned threads, bool random)
{
	uint64_t share = blocks / threads, rest = blocks % threads;

	if (random)
		return (struct fl_walk){ .blocks = blocks,
					 .random = (thread + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15) };
	return (struct fl_walk){ .first = share * thread + (thread < rest ? thread : rest),
				 .blocks = share + (thread < rest) };
}

uint64_t fl_walk_next(struct fl_walk *w)
{
	uint64_t block = w->next;

	if (w->random)
		return fl_random_below(&w->random, w->blocks);
	w->next = block + 1 < w->blocks ? block + 1 : 0;
	return w->first + block;
}
