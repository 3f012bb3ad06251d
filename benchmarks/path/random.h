/* SPDX-License-Identifier: Apache-2.0 */
/* path/random.h: numbers that nothing guesses and that are the same in every run. */
#ifndef PATH_RANDOM_H
#define PATH_RANDOM_H
#include <math.h>
#include <stdint.h>

/* A number below n. Marsaglia's xorshift64: full period; the state is never 0. The modulo's bias is below n / 2^64. */
static inline uint64_t fl_random_below(uint64_t *state, uint64_t n)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % n;
}

/* Exponentially distributed, with mean 1. */
static inline double fl_random_exponential(uint64_t *state)
{
	const uint64_t steps = UINT64_C(1) << 53; /* what a double tells apart */

	return -log(((double)fl_random_below(state, steps) + 0.5) / (double)steps);
}

#endif
