/* SPDX-License-Identifier: Apache-2.0 */
/* path/queue.h: a bounded queue between two stages: one thread pushes, one pops, without a lock; each sleeps while it
 * has to wait, and only then does the other make a system call to wake it. Items are small and copied in and out (a
 * descriptor of a batch, not the batch).
 *
 * Invariant that callers build on: beside the `depth` items in the queue at most one is in the hands of the popper
 * and one in those of the pusher, so batch k may live in slot k modulo (depth + 2) without a way back for empty
 * slots. */
#ifndef PATH_QUEUE_H
#define PATH_QUEUE_H
#include <feedline/err.h>
#include <stddef.h>
#include <stdint.h>

struct fl_queue; /* opaque */

/* depth and item_bytes >= 1. -ENOMEM. */
int fl_queue_create(size_t depth, size_t item_bytes, struct fl_queue **ret, struct fl_err *err);
void fl_queue_free(struct fl_queue *q); /* after both threads are done with it; NULL allowed */

/* A pusher that sleeps is woken when no more than `left` (< depth) items are in the queue; preset: depth - 1, as soon
 * as there is room. Less spares two switches of thread for every item where a fast pusher shares its CPU with the
 * popper. Before both threads start. */
void fl_queue_set_refill(struct fl_queue *q, size_t left);

/* They wait for room or for an item. -ECANCELED once the queue is shut, even if items are left in it. */
int fl_queue_push(struct fl_queue *q, const void *item);
int fl_queue_pop(struct fl_queue *q, void *ret_item);
/* The same until fl_now_ns() >= until_ns: -ETIMEDOUT then. 0: they do not wait. UINT64_MAX: for ever. */
int fl_queue_push_until(struct fl_queue *q, const void *item, uint64_t until_ns);
int fl_queue_pop_until(struct fl_queue *q, void *ret_item, uint64_t until_ns);

/* A popper in a hurry: takes an item as pop does, but leaves a sleeping pusher asleep until it says so. */
int fl_queue_take(struct fl_queue *q, void *ret_item);
void fl_queue_taken(struct fl_queue *q);

/* How long each side has waited in all. For the thread of that side, or after it. */
uint64_t fl_queue_push_waited_ns(const struct fl_queue *q);
uint64_t fl_queue_pop_waited_ns(const struct fl_queue *q);

/* Items in it now, and items popped so far. Safe from any thread; exact only for a thread that alone can change it. */
size_t fl_queue_count(const struct fl_queue *q);
uint64_t fl_queue_popped(const struct fl_queue *q);

/* For ever; wakes both threads. Safe from any thread. */
void fl_queue_shut(struct fl_queue *q);

#endif
