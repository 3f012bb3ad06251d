/* SPDX-License-Identifier: Apache-2.0 */
/* test_queue.c: nothing is lost, doubled or reordered; the bound holds; shutting wakes both sides. */
#include "path/queue.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct fl_queue *queue_of(size_t depth)
{
	struct fl_queue *q = NULL;

	assert_int_equal(fl_queue_create(depth, sizeof(uint64_t), &q, NULL), 0);
	return q;
}

static void test_fifo_and_count(void **state)
{
	struct fl_queue *q = queue_of(3);
	uint64_t got;

	(void)state;
	for (uint64_t round = 0; round < 5; round++) { /* goes round the ring */
		for (uint64_t i = 0; i < 3; i++) {
			uint64_t item = 10 * round + i;

			assert_int_equal(fl_queue_count(q), i);
			assert_int_equal(fl_queue_push(q, &item), 0);
		}
		for (uint64_t i = 0; i < 3; i++) {
			assert_int_equal(fl_queue_pop(q, &got), 0);
			assert_int_equal(got, 10 * round + i);
		}
	}
	fl_queue_free(q);
}

enum { ITEMS = 20000 };

static void *push_all(void *queue)
{
	for (uint64_t i = 0; i < ITEMS; i++)
		if (fl_queue_push(queue, &i) < 0)
			return queue;
	return NULL;
}

static void test_two_threads_in_order(void **state)
{
	struct fl_queue *q = queue_of(2);
	pthread_t pusher;
	void *failed;

	(void)state;
	assert_int_equal(pthread_create(&pusher, NULL, push_all, q), 0);
	for (uint64_t i = 0; i < ITEMS; i++) {
		uint64_t got = UINT64_MAX;

		assert_true(fl_queue_count(q) <= 2);
		assert_int_equal(fl_queue_pop(q, &got), 0);
		assert_int_equal(got, i);
	}
	pthread_join(pusher, &failed);
	assert_null(failed);
	assert_int_equal(fl_queue_count(q), 0);
	fl_queue_free(q);
}

struct waiter {
	struct fl_queue *queue;
	int rc;
};

static void *wait_for_item(void *arg)
{
	struct waiter *w = arg;
	uint64_t got;

	w->rc = fl_queue_pop(w->queue, &got);
	return NULL;
}

static void *wait_for_room(void *arg)
{
	struct waiter *w = arg;
	uint64_t item = 0;

	do
		w->rc = fl_queue_push(w->queue, &item);
	while (w->rc == 0);
	return NULL;
}

static void check_shut(void *(*wait)(void *))
{
	struct waiter w = { .queue = queue_of(1), .rc = 1 };
	uint64_t item = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, wait, &w), 0);
	fl_queue_shut(w.queue);
	pthread_join(thread, NULL);
	assert_int_equal(w.rc, -ECANCELED);
	assert_int_equal(fl_queue_push(w.queue, &item), -ECANCELED);
	assert_int_equal(fl_queue_pop(w.queue, &item), -ECANCELED);
	fl_queue_free(w.queue);
}

static void test_shut_wakes_both_sides(void **state)
{
	(void)state;
	check_shut(wait_for_item);
	check_shut(wait_for_room);
}

static void test_impossible_queues(void **state)
{
	struct fl_err err = { 0 }, too_large = { 0 };
	struct fl_queue *q = NULL;

	(void)state;
	assert_int_equal(fl_queue_create(0, 8, &q, &err), -EINVAL);
	assert_int_equal(fl_queue_create(SIZE_MAX / 4, 8, &q, &too_large), -ENOMEM);
	assert_null(q);
	fl_queue_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fifo_and_count),
		cmocka_unit_test(test_two_threads_in_order),
		cmocka_unit_test(test_shut_wakes_both_sides),
		cmocka_unit_test(test_impossible_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
