/* SPDX-License-Identifier: Apache-2.0 */
/* path/copy.h: copying host memory as fast as one CPU can. The engine is chosen once, at open; it is a key fact, for
 * the engines differ by more than half: a plain store first reads the line it is about to overwrite, a non-temporal
 * one does not. */
#ifndef PATH_COPY_H
#define PATH_COPY_H
#include <stdbool.h>
#include <stddef.h>

enum { FL_COPY_GRAIN = 4096 };

struct fl_copy_engine {
	const char *name;	 /* the fact: "avx512 non-temporal" */
	bool (*supported)(void); /* by this CPU */
	/* Both pointers and `bytes` are multiples of FL_COPY_GRAIN, the buffers do not overlap. When it returns, the
	 * stores are ordered before all later ones. */
	void (*copy)(void *to, const void *from, size_t bytes);
};

/* Best first, ended by a zeroed row; the last one ("memcpy") is supported everywhere. */
extern const struct fl_copy_engine fl_copy_portable[];
extern const struct fl_copy_engine fl_copy_avx[]; /* empty where the CPU is no x86-64 */

/* The best one that this CPU supports. Never NULL. */
const struct fl_copy_engine *fl_copy_best(void);

#endif
