/* SPDX-License-Identifier: Apache-2.0 */
/* path/queue.h: a bounded queue between two stages: one thread pushes, one pops; both sleep while they wait. Items
 * are small and copied in and out (a descriptor of a batch, not the batch).
 *
 * Invariant that callers build on: beside the `depth` items in the queue at most one is in the hands of the popper
 * and one in those of the pusher, so batch k may live in slot k modulo (depth + 2) without a way back for empty
 * slots. */
#ifndef PATH_QUEUE_H
#define PATH_QUEUE_H
#include <feedline/err.h>
#include <stddef.h>

struct fl_queue; /* opaque */

/* depth and item_bytes >= 1. -ENOMEM. */
int fl_queue_create(size_t depth, size_t item_bytes, struct fl_queue **ret, struct fl_err *err);
void fl_queue_free(struct fl_queue *q); /* after both threads are done with it; NULL allowed */

/* They wait for room or for an item. -ECANCELED once the queue is shut, even if items are left in it. */
int fl_queue_push(struct fl_queue *q, const void *item);
int fl_queue_pop(struct fl_queue *q, void *ret_item);

/* Items in it now. Safe from any thread; exact only for a thread that alone can change it. */
size_t fl_queue_count(struct fl_queue *q);

/* For ever; wakes both threads. Safe from any thread. */
void fl_queue_shut(struct fl_queue *q);

#endif
