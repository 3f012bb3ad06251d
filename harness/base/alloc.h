/* SPDX-License-Identifier: Apache-2.0 */
/* alloc.h: small allocations. They never return NULL: when the kernel refuses a few KiB there is nothing sensible left
 * to do, so they abort() (a worker then counts as crashed; the store is safe). Large or user-sized memory (buffers,
 * tapes, files) does not come from here: it is asked for with mmap or a bounded read and may fail with -ENOMEM. */
#ifndef FL_BASE_ALLOC_H
#define FL_BASE_ALLOC_H
#include <stddef.h>

void *fl_zalloc(size_t n, size_t size);	       /* zeroed array of n; n * size is checked */
void *fl_grow(void *p, size_t n, size_t size); /* realloc to n elements */
/* realloc so that an n-th element, counted from 0, has room. It doubles: p must have grown by this alone, from NULL. */
void *fl_grow_to_hold(void *p, size_t n, size_t size);
char *fl_dup(const char *text);						     /* NULL gives NULL */
char *fl_format(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* malloc'd */

#endif
