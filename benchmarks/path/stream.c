/* SPDX-License-Identifier: Apache-2.0 */
/* path/stream.c: the engine that works everywhere, and the choice. */
#include "path/stream.h"
#include <string.h>

enum { WORDS = 8 }; /* of a line; sums that do not wait for each other */

static bool always(void)
{
	return true;
}

static void copy_portable(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}

static uint64_t read_portable(const void *from, size_t bytes)
{
	const uint64_t *words = from;
	uint64_t sums[WORDS] = { 0 }, sum = 0;

	for (size_t i = 0; i < bytes / sizeof(*words); i += WORDS)
		for (size_t k = 0; k < WORDS; k++)
			sums[k] += words[i + k];
	for (size_t k = 0; k < WORDS; k++)
		sum += sums[k];
	return sum;
}

static void write_portable(void *to, size_t bytes, uint64_t word)
{
	uint64_t *words = to;

	for (size_t i = 0; i < bytes / sizeof(*words); i++)
		words[i] = word;
}

const struct fl_stream_engine fl_stream_portable[] = {
	{ .name = "portable",
	  .stores = "ordinary",
	  .supported = always,
	  .copy = copy_portable,
	  .read = read_portable,
	  .write = write_portable },
	{ 0 },
};

const struct fl_stream_engine *fl_stream_best(void)
{
	for (const struct fl_stream_engine *e = fl_stream_avx; e->name; e++)
		if (e->supported())
			return e;
	return fl_stream_portable;
}
