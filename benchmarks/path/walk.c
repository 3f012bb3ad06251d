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

struct fl_walk fl_walk_shuffled(uint64_t blocks, unsigned thread, unsigned threads)
{
	struct fl_walk w = fl_walk_of(blocks, thread, threads, false);

	while (w.shuffled_bits < 63 && UINT64_C(1) << w.shuffled_bits < w.blocks)
		w.shuffled_bits++;
	return w;
}

/* One to one among the numbers of so many bits: each step can be undone. */
static uint64_t shuffle(uint64_t x, unsigned bits)
{
	uint64_t mask = (UINT64_C(1) << bits) - 1;
	unsigned half = bits / 2 + 1;

	x ^= x >> half;
	x = x * UINT64_C(0xbf58476d1ce4e5b9) & mask;
	x ^= x >> half;
	x = x * UINT64_C(0x94d049bb133111eb) & mask;
	return x ^ x >> half;
}

/* Less than half of the numbers are beyond the region, and left out. */
static uint64_t next_shuffled(struct fl_walk *w)
{
	uint64_t mask = (UINT64_C(1) << w->shuffled_bits) - 1, block;

	do {
		block = shuffle(w->next, w->shuffled_bits);
		w->next = (w->next + 1) & mask;
	} while (block >= w->blocks);
	return w->first + block;
}

uint64_t fl_walk_next(struct fl_walk *w)
{
	uint64_t block = w->next;

	if (w->random)
		return fl_random_below(&w->random, w->blocks);
	if (w->shuffled_bits)
		return next_shuffled(w);
	w->next = block + 1 < w->blocks ? block + 1 : 0;
	return w->first + block;
}
