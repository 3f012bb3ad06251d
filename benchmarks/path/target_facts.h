/* SPDX-License-Identifier: Apache-2.0 */
/* path/target_facts.h: what a benchmark over path/target.h says of it, in the same words everywhere. */
#ifndef PATH_TARGET_FACTS_H
#define PATH_TARGET_FACTS_H
#include "path/target.h"
#include <feedline/bench.h>

/* Rows for its declaration of facts. */
/* clang-format off */
#define FL_TARGET_FACTS                                                                                                \
	{ "files", false, "how many files are read" },                                                                 \
	{ "strangers", false, "entries of the directory that are not in its index, and are left alone" }
/* clang-format on */

static inline void fl_target_state(const struct fl_target *t, struct fl_lane *lane)
{
	fl_set_fact(lane, "files", "%zu", t->files_n);
	fl_set_fact(lane, "strangers", "%zu", t->strangers);
}

#endif
