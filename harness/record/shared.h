/* SPDX-License-Identifier: Apache-2.0 */
/* shared.h: JSON texts that repeat become one value that all share. Options, placement, facts and the like are the same
 * in every round, so a large run is read many times faster and in a fraction of the memory. For the files of this
 * room. */
#ifndef FL_RECORD_SHARED_H
#define FL_RECORD_SHARED_H
#include <jansson.h>
#include <stddef.h>

struct fl_shared; /* one thread; its values outlive it */

struct fl_shared *fl_shared_make(void);
void fl_shared_free(struct fl_shared *shared); /* NULL allowed */

/* The value of that text, which must be of that type or null; a new reference, of a value that nobody may change. NULL:
 * it is not. shared may be NULL: the text will not come again. */
json_t *fl_shared_json(struct fl_shared *shared, const char *text, size_t n, json_type type);

#endif
