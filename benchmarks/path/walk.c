/* SPDX-License-Identifier: Apache-2.0 */
/* path/walk.c: in which order one thread of several visits the blocks of a file. */
#include "path/walk.h"
#include "path/random.h"

struct fl_walk fl_walk_of(uint64_t bytes, uint64_t block_bytes, unsigned thread, unsigned threads, bool random)
{
	uint64_t blocks = bytes / block_bytes, share = blocks / threads, rest = blocks % threads;
	struct fl_walk w = { .block_bytes = block_bytes };

	if (random) {
		w.blocks = blocks;
		w.random = (thread + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
		return w;
	}
	w.first = share * thread + (thread < rest ? thread : rest);
	w.blocks = share + (thread < rest);
	return w;
}

uint64_t fl_walk_next(struct fl_walk *w)
{
	uint64_t block = w->next;

	if (w->random)
		return fl_random_below(&w->random, w->blocks) * w->block_bytes;
	w->next = block + 1 < w->blocks ? block + 1 : 0;
	return (w->first + block) * w->block_bytes;
}
