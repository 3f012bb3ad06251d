/* SPDX-License-Identifier: Apache-2.0 */
/* path/queue.c: a bounded queue between two stages. A mutex and two conditions: batches are large, so the queue is
 * touched some thousand times a second at most and its cost does not matter. */
#include "path/queue.h"
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct fl_queue {
	pthread_mutex_t lock;
	pthread_cond_t has_room, has_item;
	size_t depth, item_bytes;
	size_t first, n; /* the oldest item, and how many there are */
	bool shut;
	unsigned char items[];
};

int fl_queue_create(size_t depth, size_t item_bytes, struct fl_queue **ret, struct fl_err *err)
{
	struct fl_queue *q = NULL;

	if (depth == 0 || item_bytes == 0)
		return fl_fail(err, -EINVAL, "a queue of %zu items of %zu bytes", depth, item_bytes);
	if (depth <= (SIZE_MAX - sizeof(*q)) / item_bytes)
		q = malloc(sizeof(*q) + depth * item_bytes);
	if (!q)
		return fl_fail(err, -ENOMEM, "no memory for a queue of %zu items of %zu bytes", depth, item_bytes);
	*q = (struct fl_queue){ .depth = depth, .item_bytes = item_bytes };
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->has_room, NULL);
	pthread_cond_init(&q->has_item, NULL);
	*ret = q;
	return 0;
}

void fl_queue_free(struct fl_queue *q)
{
	if (!q)
		return;
	pthread_cond_destroy(&q->has_item);
	pthread_cond_destroy(&q->has_room);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static void *slot(struct fl_queue *q, size_t i)
{
	return q->items + (q->first + i) % q->depth * q->item_bytes;
}

int fl_queue_push(struct fl_queue *q, const void *item)
{
	bool shut;

	pthread_mutex_lock(&q->lock);
	while (q->n == q->depth && !q->shut)
		pthread_cond_wait(&q->has_room, &q->lock);
	shut = q->shut;
	if (!shut) {
		memcpy(slot(q, q->n), item, q->item_bytes);
		q->n++;
		pthread_cond_signal(&q->has_item);
	}
	pthread_mutex_unlock(&q->lock);
	return shut ? -ECANCELED : 0;
}

int fl_queue_pop(struct fl_queue *q, void *ret_item)
{
	bool shut;

	pthread_mutex_lock(&q->lock);
	while (q->n == 0 && !q->shut)
		pthread_cond_wait(&q->has_item, &q->lock);
	shut = q->shut;
	if (!shut) {
		memcpy(ret_item, slot(q, 0), q->item_bytes);
		q->first = (q->first + 1) % q->depth;
		q->n--;
		pthread_cond_signal(&q->has_room);
	}
	pthread_mutex_unlock(&q->lock);
	return shut ? -ECANCELED : 0;
}

size_t fl_queue_count(struct fl_queue *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->n;
	pthread_mutex_unlock(&q->lock);
	return n;
}

void fl_queue_shut(struct fl_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->shut = true;
	pthread_cond_broadcast(&q->has_room);
	pthread_cond_broadcast(&q->has_item);
	pthread_mutex_unlock(&q->lock);
}
