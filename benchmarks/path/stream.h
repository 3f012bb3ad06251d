/* SPDX-License-Identifier: Apache-2.0 */
/* path/stream.h: moving through host memory as fast as one CPU can: copying, reading and writing long stretches. The
 * engine is chosen once, at open; it is a key fact, and so is the kind of its stores: an ordinary store first reads the
 * line it is about to overwrite, a non-temporal one does not, so the engines differ by more than half. */
#ifndef PATH_STREAM_H
#define PATH_STREAM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FL_STREAM_GRAIN = 4096 };

/* All pointers and `bytes` are multiples of FL_STREAM_GRAIN. When a function that stores returns, its stores are
 * ordered before all later ones. */
struct fl_stream_engine {
	const char *name;					/* the fact: "avx512" */
	const char *stores;					/* the fact: "non-temporal", "ordinary" */
	bool (*supported)(void);				/* by this CPU */
	void (*copy)(void *to, const void *from, size_t bytes); /* the buffers do not overlap */
	/* Every byte. Returns the sum of all 64-bit words, modulo 2^64, so that nothing can be left out. */
	uint64_t (*read)(const void *from, size_t bytes);
	void (*write)(void *to, size_t bytes, uint64_t word); /* every 64-bit word becomes this one */
};

/* Best first, ended by a zeroed row; the last one ("portable") is supported everywhere. */
extern const struct fl_stream_engine fl_stream_portable[];
extern const struct fl_stream_engine fl_stream_avx[]; /* empty where the CPU is no x86-64 */

/* The best one that this CPU supports. Never NULL. */
const struct fl_stream_engine *fl_stream_best(void);

#endif
