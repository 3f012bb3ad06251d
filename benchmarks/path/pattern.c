/* SPDX-License-Identifier: Apache-2.0 */
/* path/pattern.c: data that tells where it belongs. */
#include "path/pattern.h"

static const uint64_t odd = 0x9e3779b97f4a7c15; /* 2^64 / golden ratio: neighbours differ in about half their bits */

uint64_t fl_pattern_word(uint64_t seed, uint64_t i)
{
	return (seed + i) * odd;
}

void fl_pattern_fill(void *buffer, size_t bytes, uint64_t seed)
{
	uint64_t *words = buffer;

	for (size_t i = 0; i < bytes / sizeof(*words); i++)
		words[i] = fl_pattern_word(seed, i);
}

size_t fl_pattern_check(const void *buffer, size_t bytes, uint64_t seed)
{
	const uint64_t *words = buffer;

	for (size_t i = 0; i < bytes / sizeof(*words); i++)
		if (words[i] != fl_pattern_word(seed, i))
			return i * sizeof(*words);
	return bytes;
}

uint64_t fl_pattern_total(size_t bytes, uint64_t seed)
{
	uint64_t n = bytes / sizeof(uint64_t); /* < 2^32, so that n * (n - 1) is exact */

	return (n * seed + n * (n - 1) / 2) * odd;
}

uint64_t fl_pattern_sum(const void *buffer, size_t bytes)
{
	const uint64_t *words = buffer;
	uint64_t sum = 1, sum_of_sums = 0;

	for (size_t i = 0; i < bytes / sizeof(*words); i++) {
		sum += words[i];
		sum_of_sums += sum;
	}
	return sum_of_sums ^ (sum << 32 | sum >> 32);
}
