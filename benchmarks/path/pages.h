/* SPDX-License-Identifier: Apache-2.0 */
/* path/pages.h: what size of pages the kernel really gave to a buffer. It decides how often an address must be looked
 * up in tables that are in memory themselves, so what was asked for is not enough to know. */
#ifndef PATH_PAGES_H
#define PATH_PAGES_H
#include <stdint.h>

/* The fact: "huge" or "small" where at least 95 % of the memory of the mappings that hold [start, start + bytes) is in
 * such pages, else "mixed"; "unknown" where the kernel does not tell. `smaps` is "/proc/self/smaps". */
const char *fl_pages_of(const char *smaps, const void *start, uint64_t bytes);

#endif
