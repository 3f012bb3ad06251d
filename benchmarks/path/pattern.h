/* SPDX-License-Identifier: Apache-2.0 */
/* path/pattern.h: data that tells where it belongs. Every 64-bit word is different from its neighbours and from the
 * words of other seeds nearby, so a block that is lost, doubled, shifted or torn is seen. Cheap enough to fill and
 * check whole buffers; not meant to be random. `bytes` is a multiple of 8, buffers are aligned to 8. */
#ifndef PATH_PATTERN_H
#define PATH_PATTERN_H
#include <stddef.h>
#include <stdint.h>

/* Word i of the pattern of a seed: (seed + i) times an odd constant. */
uint64_t fl_pattern_word(uint64_t seed, uint64_t i);

/* Fills with these words. Seeds that are `bytes / 8` apart share none. */
void fl_pattern_fill(void *buffer, size_t bytes, uint64_t seed);

/* The offset of the first wrong word; `bytes` when there is none. */
size_t fl_pattern_check(const void *buffer, size_t bytes, uint64_t seed);

/* The sum of all words (modulo 2^64) that fill gives: what a reader must find. */
uint64_t fl_pattern_total(size_t bytes, uint64_t seed);

/* A checksum of any data that changes with the order of the words, too (Fletcher's, over 64-bit words). */
uint64_t fl_pattern_sum(const void *buffer, size_t bytes);

#endif
