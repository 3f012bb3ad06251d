/* SPDX-License-Identifier: Apache-2.0 */
/* test_tape.c: what is written is read; what a liar writes is refused; a worker cannot shrink the memory under the
 * reader. */
#include "base/tape.h"
#include <errno.h>
#include <feedline/clock.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const struct fl_tape_shape shape = { .threads = 2, .steps_max = 4, .given = 1, .hists = 1 };

struct pair {
	struct fl_tape *agent, *worker;
	int fd;
};

static struct pair make_pair(void)
{
	struct pair p;
	struct fl_err err = { 0 };

	assert_int_equal(fl_tape_create(&shape, &p.agent, &p.fd, &err), 0);
	assert_int_equal(fl_tape_map(p.fd, &shape, &p.worker, &err), 0);
	return p;
}

static void free_pair(struct pair *p)
{
	fl_tape_free(p->agent);
	fl_tape_free(p->worker);
	close(p->fd);
}

static void test_steps_arrive(void **state)
{
	struct pair p = make_pair();
	struct fl_tape_step got, step = { .ops = 3, .bytes = 4096 };
	struct fl_err err = { 0 };
	double given = 0.5, got_given;
	uint64_t now_ns = fl_now_ns();

	(void)state;
	fl_tape_start(p.agent, now_ns);
	for (uint64_t i = 0; i < 4; i++) {
		step.start_ns = now_ns + i;
		step.end_ns = now_ns + i + 1;
		assert_true(fl_tape_add(p.worker, 1, &step, &given));
	}
	assert_false(fl_tape_add(p.worker, 1, &step, &given)); /* full */
	assert_int_equal(fl_tape_count(p.agent, 0), 0);
	assert_int_equal(fl_tape_count(p.agent, 1), 4);
	assert_int_equal(fl_tape_dropped(p.agent, 1), 1);
	assert_int_equal(fl_tape_read(p.agent, 1, 3, &got, &got_given, &err), 0);
	assert_int_equal(got.bytes, 4096);
	assert_true(got_given == 0.5);
	free_pair(&p);
}

static void test_histograms_arrive(void **state)
{
	struct pair p = make_pair();

	(void)state;
	fl_hist_add(fl_tape_hist(p.worker, 0, 0), 100);
	fl_hist_add(fl_tape_hist(p.worker, 1, 0), 200);
	assert_int_equal(fl_hist_total(fl_tape_hist(p.agent, 0, 0)), 1);
	assert_int_equal(fl_hist_total(fl_tape_hist(p.agent, 1, 0)), 1);
	free_pair(&p);
}

static void test_impossible_times_are_a_lie(void **state)
{
	const uint64_t second = 1000000000;
	static const struct {
		int64_t start, end;
		uint64_t busy;
	} rows[] = {
		{ -10, 5, 0 },	/* before the common start */
		{ 10, 5, 0 },	/* backwards */
		{ 1, 3600, 0 }, /* in the future (seconds, see below) */
		{ 5, 10, 11 },	/* busy before the common start */
		{ 5, 10, UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pair p = make_pair();
		uint64_t now_ns = fl_now_ns();
		uint64_t unit = i == 2 ? second : 1;
		struct fl_tape_step got, step = { .start_ns = now_ns + (uint64_t)rows[i].start * unit,
						  .end_ns = now_ns + (uint64_t)rows[i].end * unit,
						  .busy_ns = rows[i].busy };
		struct fl_err err = { 0 };
		double given = 0;

		fl_tape_start(p.agent, now_ns);
		fl_tape_add(p.worker, 0, &step, &given);
		usleep(1000);
		assert_int_equal(fl_tape_read(p.agent, 0, 0, &got, &given, &err), -EPROTO);
		free_pair(&p);
	}
}

static void test_overlapping_steps_are_a_lie(void **state)
{
	struct pair p = make_pair();
	uint64_t now_ns = fl_now_ns();
	struct fl_tape_step got, one = { .start_ns = now_ns, .end_ns = now_ns + 100 };
	struct fl_tape_step two = { .start_ns = now_ns + 50, .end_ns = now_ns + 150 };
	struct fl_err err = { 0 };
	double given = 0;

	(void)state;
	fl_tape_start(p.agent, now_ns);
	fl_tape_add(p.worker, 0, &one, &given);
	fl_tape_add(p.worker, 0, &two, &given);
	usleep(1000);
	assert_int_equal(fl_tape_read(p.agent, 0, 0, &got, &given, &err), 0);
	assert_int_equal(fl_tape_read(p.agent, 0, 1, &got, &given, &err), -EPROTO);
	free_pair(&p);
}

/* All of the memory overwritten with ones: every question still has an answer within bounds. */
static void test_garbage_stays_in_bounds(void **state)
{
	struct pair p = make_pair();
	off_t bytes = lseek(p.fd, 0, SEEK_END);
	void *all = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, p.fd, 0);
	struct fl_tape_step got;
	struct fl_err err = { 0 };
	double given;

	(void)state;
	assert_true(all != MAP_FAILED);
	memset(all, 0xff, (size_t)bytes);
	assert_int_equal(fl_tape_count(p.agent, 0), shape.steps_max);
	assert_int_equal(fl_tape_phase(p.agent), FL_PHASE_END);
	assert_in_range(fl_tape_done(p.agent, 0), 0, FL_TAPE_DONE_MAX - 1);
	assert_int_equal(fl_tape_read(p.agent, 1, 3, &got, &given, &err), -EPROTO);
	munmap(all, (size_t)bytes);
	free_pair(&p);
}

static void test_memory_is_sealed(void **state)
{
	struct pair p = make_pair();

	(void)state;
	assert_int_equal(ftruncate(p.fd, 0), -1);
	assert_int_equal(errno, EPERM);
	free_pair(&p);
}

static void test_shapes_out_of_bounds_are_refused(void **state)
{
	static const struct fl_tape_shape rows[] = {
		{ 0, 4, 0, 0 },
		{ FL_TAPE_THREADS_MAX + 1, 4, 0, 0 },
		{ 1, 0, 0, 0 },
		{ 1, FL_TAPE_STEPS_MAX + 1, 0, 0 },
		{ 1, 4, FL_TAPE_GIVEN_MAX + 1, 0 },
		{ 1, 4, 0, FL_TAPE_HISTS_MAX + 1 },
		{ FL_TAPE_THREADS_MAX, FL_TAPE_STEPS_MAX, 8, 8 }, /* each in bounds, together too much */
	};
	struct fl_tape *tape;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(fl_tape_create(&rows[i], &tape, &fd, NULL), -EINVAL);
}

static void test_a_descriptor_that_is_no_tape_is_refused(void **state)
{
	struct fl_tape *tape;
	int fd = memfd_create("other", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(fl_tape_map(fd, &shape, &tape, NULL), -EPROTO);
	close(fd);
}

/* A thread in lockstep that finishes steps until it is told that one was the last. */
struct stepper {
	struct fl_tape *tape;
	uint64_t done;
	_Atomic bool given_up;
};

static void *make_steps(void *arg)
{
	struct stepper *s = arg;
	double given = 0;

	while (fl_tape_may_step(s->tape, s->done, &s->given_up)) {
		struct fl_tape_step step = { 0 };

		fl_tape_add(s->tape, 0, &step, &given);
		s->done++;
	}
	return NULL;
}

/* Whoever is held has begun one step more than the agent sees at most, and goes on to the one that it is told. */
static void test_all_end_after_the_step_that_is_said(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		struct pair p = make_pair();
		struct stepper s = { .tape = p.worker };
		pthread_t thread;
		uint64_t seen;

		assert_int_equal(pthread_create(&thread, NULL, make_steps, &s), 0);
		while (round % 2 && fl_tape_done(p.agent, 0) < 20)
			;
		fl_tape_hold(p.agent);
		seen = fl_tape_done(p.agent, 0);
		usleep(round % 10 * 50);
		assert_in_range(fl_tape_done(p.agent, 0), seen, seen + 1);
		fl_tape_stop_after(p.agent, seen + 1 + round % 3);
		pthread_join(thread, NULL);
		assert_int_equal(s.done, seen + 1 + round % 3);
		assert_int_equal(fl_tape_done(p.agent, 0), s.done); /* those that had no room count */
		free_pair(&p);
	}
}

/* Held for good, it ends where it is stopped, or fails by itself. */
static void test_a_held_thread_can_be_stopped(void **state)
{
	(void)state;
	for (int stop = 0; stop < 2; stop++) {
		struct pair p = make_pair();
		struct stepper s = { .tape = p.worker };
		pthread_t thread;

		fl_tape_hold(p.agent);
		assert_int_equal(pthread_create(&thread, NULL, make_steps, &s), 0);
		usleep(1000);
		atomic_store(&s.given_up, !stop);
		if (stop)
			fl_tape_stop(p.agent);
		else
			fl_tape_rouse(p.worker);
		pthread_join(thread, NULL);
		assert_int_equal(s.done, 0);
		free_pair(&p);
	}
}

static void *wait_for_start(void *tape)
{
	static _Atomic bool never;

	return fl_tape_wait_start(tape, &never) ? tape : NULL;
}

static void test_start_and_stop_wake_waiters(void **state)
{
	(void)state;
	for (int stop = 0; stop < 2; stop++) {
		struct pair p = make_pair();
		pthread_t waiter;
		void *started;

		assert_int_equal(pthread_create(&waiter, NULL, wait_for_start, p.worker), 0);
		usleep(1000);
		if (stop)
			fl_tape_stop(p.agent);
		else
			fl_tape_start(p.agent, fl_now_ns() + 1000000);
		pthread_join(waiter, &started);
		assert_int_equal(started != NULL, !stop);
		free_pair(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps_arrive),
		cmocka_unit_test(test_histograms_arrive),
		cmocka_unit_test(test_impossible_times_are_a_lie),
		cmocka_unit_test(test_overlapping_steps_are_a_lie),
		cmocka_unit_test(test_garbage_stays_in_bounds),
		cmocka_unit_test(test_memory_is_sealed),
		cmocka_unit_test(test_shapes_out_of_bounds_are_refused),
		cmocka_unit_test(test_a_descriptor_that_is_no_tape_is_refused),
		cmocka_unit_test(test_start_and_stop_wake_waiters),
		cmocka_unit_test(test_all_end_after_the_step_that_is_said),
		cmocka_unit_test(test_a_held_thread_can_be_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
