/* SPDX-License-Identifier: Apache-2.0 */
/* test_queue.c: nothing is lost, doubled or reordered; the bound holds; whoever sleeps is woken; shutting wakes both
 * sides. */
#include "path/queue.h"
#include <errno.h>
#include <feedline/clock.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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

/* A take changes the counts at once; whether the pusher sleeps or not, it goes on after taken. */
static void *push_two(void *queue)
{
	const uint64_t items[] = { 1, 2 };

	return fl_queue_push(queue, &items[0]) < 0 || fl_queue_push(queue, &items[1]) < 0 ? queue : NULL;
}

static void test_take_and_taken(void **state)
{
	struct fl_queue *q = queue_of(1);
	uint64_t got = 0;
	pthread_t pusher;
	void *failed;

	(void)state;
	assert_int_equal(pthread_create(&pusher, NULL, push_two, q), 0);
	assert_int_equal(fl_queue_take(q, &got), 0);
	assert_int_equal(got, 1);
	assert_int_equal(fl_queue_popped(q), 1);
	fl_queue_taken(q);
	assert_int_equal(fl_queue_take(q, &got), 0);
	assert_int_equal(got, 2);
	fl_queue_taken(q);
	pthread_join(pusher, &failed);
	assert_null(failed);
	fl_queue_free(q);
}

/* Items from one thread to another. `pause`: the side that yields the CPU after every so many items, so that the other
 * one finds the queue full or empty and sleeps. Where others hold all CPUs each of that takes them some ms: it is then
 * over after LONG_NS, with what has passed by then. */
struct traffic {
	struct fl_queue *queue;
	uint64_t items, pusher_pause, popper_pause;
};

#define LAST	UINT64_MAX /* the item behind all others */
#define LONG_NS 5000000000ULL

static void rest(uint64_t i, uint64_t pause)
{
	if (pause && i % pause == 0)
		sched_yield();
}

static void *push_all(void *arg)
{
	const struct traffic *t = arg;
	const uint64_t last = LAST, until_ns = fl_now_ns() + LONG_NS;

	for (uint64_t i = 0; i < t->items && (i % 64 || fl_now_ns() < until_ns); i++) {
		if (fl_queue_push(t->queue, &i) < 0)
			return arg;
		rest(i, t->pusher_pause);
	}
	return fl_queue_push(t->queue, &last) < 0 ? arg : NULL;
}

static void pass(size_t depth, size_t refill, struct traffic t)
{
	pthread_t pusher;
	void *failed;
	uint64_t n = 0, got = 0;

	t.queue = queue_of(depth);
	fl_queue_set_refill(t.queue, refill);
	assert_int_equal(pthread_create(&pusher, NULL, push_all, &t), 0);
	while (got != LAST) {
		assert_true(fl_queue_count(t.queue) <= depth);
		assert_int_equal(fl_queue_pop(t.queue, &got), 0);
		assert_true(got == n || got == LAST);
		rest(n++, t.popper_pause);
	}
	pthread_join(pusher, &failed);
	assert_null(failed);
	assert_true(n > 64 && n <= t.items + 1);
	assert_int_equal(fl_queue_count(t.queue), 0);
	assert_int_equal(fl_queue_popped(t.queue), n);
	fl_queue_free(t.queue);
}

static void test_millions_in_order(void **state)
{
	(void)state;
	pass(1024, 1023, (struct traffic){ .items = 3000000 });
	pass(1024, 512, (struct traffic){ .items = 3000000 });
}

static void test_both_sides_sleep_and_wake(void **state)
{
	(void)state;
	pass(1, 0, (struct traffic){ .items = 20000 });
	pass(2, 1, (struct traffic){ .items = 20000, .pusher_pause = 1 });
	pass(2, 0, (struct traffic){ .items = 20000, .popper_pause = 1 });
	pass(16, 8, (struct traffic){ .items = 100000, .pusher_pause = 7, .popper_pause = 11 });
}

static void test_an_end_to_waiting(void **state)
{
	struct fl_queue *q = queue_of(1);
	uint64_t item = 7, past_ns = fl_now_ns();

	(void)state;
	assert_int_equal(fl_queue_pop_until(q, &item, 0), -ETIMEDOUT);
	assert_int_equal(fl_queue_pop_until(q, &item, past_ns), -ETIMEDOUT);
	assert_int_equal(fl_queue_pop_until(q, &item, fl_now_ns() + 2000000), -ETIMEDOUT);
	assert_true(fl_queue_pop_waited_ns(q) >= 2000000);
	assert_int_equal(fl_queue_push_until(q, &item, 0), 0);
	assert_int_equal(fl_queue_push_until(q, &item, 0), -ETIMEDOUT);
	assert_int_equal(fl_queue_push_until(q, &item, fl_now_ns() + 2000000), -ETIMEDOUT);
	assert_true(fl_queue_push_waited_ns(q) >= 2000000);
	item = 0;
	assert_int_equal(fl_queue_pop_until(q, &item, 0), 0);
	assert_int_equal(item, 7);
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

static void check_shut(void *(*wait)(void *), bool late)
{
	struct waiter w = { .queue = queue_of(1), .rc = 1 };
	uint64_t item = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, wait, &w), 0);
	for (unsigned i = 0; late && i < 2000; i++)
		sched_yield(); /* it sleeps by then, or nearly so */
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
	for (unsigned i = 0; i < 200; i++) { /* at every moment of falling asleep */
		check_shut(wait_for_item, i % 2);
		check_shut(wait_for_room, i % 2);
	}
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
		cmocka_unit_test(test_millions_in_order),
		cmocka_unit_test(test_both_sides_sleep_and_wake),
		cmocka_unit_test(test_an_end_to_waiting),
		cmocka_unit_test(test_take_and_taken),
		cmocka_unit_test(test_shut_wakes_both_sides),
		cmocka_unit_test(test_impossible_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
