/* SPDX-License-Identifier: Apache-2.0 */
/* path/queue.c: a bounded queue between two stages: a ring with two counters, each written by one side only.
 *
 * Nobody sleeps unseen: who is about to sleep first says so, then looks once more; who changes a counter first changes
 * it, then looks whether the other sleeps. All four are sequentially consistent, so that one of them sees the other. */
#include "path/queue.h"
#include "path/futex.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 64 };

/* What one side writes, on a line of its own. */
struct side {
	_Alignas(LINE_BYTES) _Atomic uint64_t n; /* items that it has pushed or popped */
	_Atomic uint32_t sleeps;		 /* futex: 1 while it does; who wakes it takes the 1 away */
	uint64_t waited_ns;
};

struct fl_queue {
	struct side pusher, popper;
	_Alignas(LINE_BYTES) size_t depth;
	size_t item_bytes, refill;
	_Atomic bool shut;
	unsigned char items[];
};

int fl_queue_create(size_t depth, size_t item_bytes, struct fl_queue **ret, struct fl_err *err)
{
	struct fl_queue *q = NULL;
	size_t bytes;

	if (depth == 0 || item_bytes == 0)
		return fl_fail(err, -EINVAL, "a queue of %zu items of %zu bytes", depth, item_bytes);
	if (depth <= (SIZE_MAX - sizeof(*q) - LINE_BYTES) / item_bytes) {
		bytes = sizeof(*q) + depth * item_bytes;
		q = aligned_alloc(LINE_BYTES, (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES);
	}
	if (!q)
		return fl_fail(err, -ENOMEM, "no memory for a queue of %zu items of %zu bytes", depth, item_bytes);
	memset(q, 0, sizeof(*q));
	q->depth = depth;
	q->item_bytes = item_bytes;
	q->refill = depth - 1;
	*ret = q;
	return 0;
}

void fl_queue_free(struct fl_queue *q)
{
	free(q);
}

void fl_queue_set_refill(struct fl_queue *q, size_t left)
{
	q->refill = left;
}

static void wake(struct side *side)
{
	if (atomic_load(&side->sleeps) && atomic_exchange(&side->sleeps, 0))
		fl_futex_wake(&side->sleeps);
}

size_t fl_queue_count(const struct fl_queue *q)
{
	uint64_t popped = atomic_load(&q->popper.n), n = atomic_load(&q->pusher.n) - popped;

	return n < q->depth ? (size_t)n : q->depth; /* items may have come and gone between the two looks */
}

/* ---- waiting: until the other side's counter is another one than `seen` */

static int wait_change(struct fl_queue *q, struct side *own, const struct side *other, uint64_t seen, uint64_t until_ns)
{
	uint64_t from_ns, now_ns;

	if (until_ns == 0)
		return -ETIMEDOUT;
	now_ns = from_ns = fl_now_ns();
	while (atomic_load(&other->n) == seen && !atomic_load(&q->shut) && now_ns < until_ns) {
		atomic_store(&own->sleeps, 1);
		if (atomic_load(&other->n) == seen && !atomic_load(&q->shut))
			fl_futex_wait(&own->sleeps, 1, until_ns);
		atomic_store(&own->sleeps, 0);
		now_ns = fl_now_ns();
	}
	own->waited_ns += now_ns - from_ns;
	return atomic_load(&other->n) == seen && !atomic_load(&q->shut) ? -ETIMEDOUT : 0;
}

static unsigned char *slot(struct fl_queue *q, uint64_t i)
{
	return q->items + i % q->depth * q->item_bytes;
}

int fl_queue_push_until(struct fl_queue *q, const void *item, uint64_t until_ns)
{
	uint64_t pushed = atomic_load_explicit(&q->pusher.n, memory_order_relaxed);

	for (;;) {
		uint64_t popped = atomic_load_explicit(&q->popper.n, memory_order_acquire);
		int rc;

		if (atomic_load_explicit(&q->shut, memory_order_relaxed))
			return -ECANCELED;
		if (pushed - popped < q->depth)
			break;
		rc = wait_change(q, &q->pusher, &q->popper, popped, until_ns);
		if (rc < 0)
			return rc;
	}
	memcpy(slot(q, pushed), item, q->item_bytes);
	atomic_store(&q->pusher.n, pushed + 1);
	wake(&q->popper);
	return 0;
}

static int take_until(struct fl_queue *q, void *ret_item, uint64_t until_ns)
{
	uint64_t popped = atomic_load_explicit(&q->popper.n, memory_order_relaxed), pushed;

	for (;;) {
		int rc;

		pushed = atomic_load_explicit(&q->pusher.n, memory_order_acquire);
		if (atomic_load_explicit(&q->shut, memory_order_relaxed))
			return -ECANCELED;
		if (pushed != popped)
			break;
		rc = wait_change(q, &q->popper, &q->pusher, pushed, until_ns);
		if (rc < 0)
			return rc;
	}
	memcpy(ret_item, slot(q, popped), q->item_bytes);
	atomic_store(&q->popper.n, popped + 1);
	return 0;
}

int fl_queue_take(struct fl_queue *q, void *ret_item)
{
	return take_until(q, ret_item, UINT64_MAX);
}

void fl_queue_taken(struct fl_queue *q)
{
	if (fl_queue_count(q) <= q->refill)
		wake(&q->pusher);
}

int fl_queue_pop_until(struct fl_queue *q, void *ret_item, uint64_t until_ns)
{
	int rc = take_until(q, ret_item, until_ns);

	if (rc == 0)
		fl_queue_taken(q);
	return rc;
}

int fl_queue_push(struct fl_queue *q, const void *item)
{
	return fl_queue_push_until(q, item, UINT64_MAX);
}

int fl_queue_pop(struct fl_queue *q, void *ret_item)
{
	return fl_queue_pop_until(q, ret_item, UINT64_MAX);
}

/* ---- looking */

uint64_t fl_queue_push_waited_ns(const struct fl_queue *q)
{
	return q->pusher.waited_ns;
}

uint64_t fl_queue_pop_waited_ns(const struct fl_queue *q)
{
	return q->popper.waited_ns;
}

uint64_t fl_queue_popped(const struct fl_queue *q)
{
	return atomic_load_explicit(&q->popper.n, memory_order_acquire);
}

void fl_queue_shut(struct fl_queue *q)
{
	atomic_store(&q->shut, true);
	wake(&q->pusher);
	wake(&q->popper);
}
