/* SPDX-License-Identifier: Apache-2.0 */
/* path/random.h: numbers that nothing guesses and that are the same in every run. */
#ifndef PATH_RANDOM_H
#define PATH_RANDOM_H
#include <math.h>
#include <stdint.h>

/* A number below n. Marsaglia's xorshift64: full period; the state is never 0. The upper half of the product with n
 * costs no division (Lemire: Fast random integer generation in an interval, 2019); its bias is below n / 2^64. */
static inline uint64_t fl_random_below(uint64_t *state, uint64_t n)
{
	__extension__ unsigned __int128 product;

	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	product = *state;
	product *= n;
	return (uint64_t)(product >> 64);
}

/* Exponentially distributed, with mean 1. */
static inline double fl_random_exponential(uint64_t *state)
{
	const uint64_t steps = UINT64_C(1) << 53; /* what a double tells apart */

	return -log(((double)fl_random_below(state, steps) + 0.5) / (double)steps);
}

#endif
