/* SPDX-License-Identifier: Apache-2.0 */
/* path/copy.c: the engine that works everywhere, and the choice. */
#include "path/copy.h"
#include <string.h>

static bool always(void)
{
	return true;
}

static void copy_portable(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}

const struct fl_copy_engine fl_copy_portable[] = {
	{ .name = "memcpy", .supported = always, .copy = copy_portable },
	{ 0 },
};

const struct fl_copy_engine *fl_copy_best(void)
{
	for (const struct fl_copy_engine *e = fl_copy_avx; e->name; e++)
		if (e->supported())
			return e;
	return fl_copy_portable;
}
