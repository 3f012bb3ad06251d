/* SPDX-License-Identifier: Apache-2.0 */
/* threads.c: the loop that every number comes from. One step thread a CPU (modulo), pinned; enter, wait for the
 * common start, step until stopped, leave. Each thread records alone; nothing is shared while it measures but the
 * stop flag. */
#include "base/threads.h"
#include "base/alloc.h"
#include "lane/lane.h"
#include <errno.h>
#include <feedline/clock.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct step_thread {
	struct fl_lane *lane;
	unsigned index;
	int cpu;
	pthread_t id;
	double given[FL_TAPE_GIVEN_MAX];
	struct fl_hist *hist[FL_TAPE_HISTS_MAX];
};

/* ---- n: how many ops a step does */

/* Aims at steps of lane->step_ns: short enough to clip the window sharply, long enough that the clock costs nothing. */
static uint64_t next_n(uint64_t n, uint64_t took_ns, uint64_t aim_ns)
{
	const uint64_t n_max = UINT64_C(1) << 40; /* a step that takes no time for that many ops does not look at n */

	if (took_ns < aim_ns / 2 && n < n_max) {
		uint64_t factor = took_ns ? aim_ns / took_ns : 8;

		return n * (factor < 2 ? 2 : factor > 8 ? 8 : factor);
	}
	if (took_ns > aim_ns * 2 && n > 1)
		return n / 2;
	return n;
}

/* Work that ends by itself may last for hours: steps become twice as long with each part of the tape that is full, so
 * that it holds them all. */
static uint64_t aim_ns(const struct fl_lane *lane, uint32_t thread)
{
	enum { PARTS = 16 };
	uint32_t part = fl_tape_shape(lane->tape)->steps_max / PARTS + 1;

	return lane->bench->whole ? lane->step_ns << fl_tape_count(lane->tape, thread) / part : lane->step_ns;
}

/* Of a benchmark with a device clock the work of a step is taken to end with the step, and to have lasted as long as
 * the device says. What it cannot have been spoils the step, which then keeps the time of the CPU's clock. */
static void use_device_clock(struct fl_tape_step *record, const struct fl_step *did)
{
	uint64_t most_ns = record->end_ns - record->start_ns;

	if (!(did->device_ns > 0 && did->device_ns <= (double)most_ns) ||
	    !(did->busy_ns >= 0 && did->busy_ns <= (double)most_ns)) {
		record->spoilt = 1;
		return;
	}
	record->start_ns = record->end_ns - (did->device_ns < 1 ? 1 : (uint64_t)did->device_ns);
	record->busy_ns = (uint64_t)did->busy_ns;
}

/* In lockstep it matters which step is the last one: the one after which all ranks of the group end. */
static bool may_step(const struct fl_lane *lane, uint64_t done)
{
	if (lane->bench->lockstep)
		return fl_tape_may_step(lane->tape, done, &lane->given_up);
	return !fl_tape_stopped(lane->tape) && !atomic_load_explicit(&lane->given_up, memory_order_relaxed);
}

/* There is no room for more of its steps. Others wait for it in lockstep, where it goes on; else the agent sees the
 * dropped step and ends the case. */
static void meet_full(struct fl_lane *lane)
{
	if (!lane->bench->lockstep)
		fl_tape_wait_stop(lane->tape, &lane->given_up);
}

static bool has_fixed_n(const struct fl_lane *lane)
{
	return fl_tape_shape(lane->tape)->given > 0 || lane->bench->lockstep;
}

static void step_until_stopped(struct step_thread *t)
{
	struct fl_lane *lane = t->lane;
	const struct fl_tape_shape *shape = fl_tape_shape(lane->tape);
	struct fl_err err = { 0 };
	uint64_t n = 1, start_ns = fl_now_ns();

	for (uint64_t done = 0; may_step(lane, done); done++) {
		struct fl_step did = { .given = t->given, .hist = t->hist };
		struct fl_tape_step record;
		int rc;

		for (uint32_t i = 0; i < shape->given; i++)
			t->given[i] = NAN;
		rc = lane->bench->step(lane->state, t->index, n, &did, &err);
		if (rc == FL_IDLE && lane->bench->lockstep)
			rc = fl_fail(&err, -EINVAL, "step: it is idle, and the others of its group wait for it");
		if (rc == FL_IDLE) {
			fl_tape_set_idle(lane->tape, t->index);
			fl_tape_wait_stop(lane->tape, &lane->given_up);
			return;
		}
		if (rc == -ECANCELED && fl_tape_stopped(lane->tape))
			return;
		if (rc < 0) {
			fl_fail(&err, rc, "step: %s", strerror(-rc));
			fl_lane_give_up(lane, &err);
			return;
		}
		record = (struct fl_tape_step){ .start_ns = start_ns,
						.end_ns = fl_now_ns(),
						.ops = did.ops,
						.bytes = did.bytes,
						.spoilt = did.spoilt };
		if (lane->bench->device_clock)
			use_device_clock(&record, &did);
		if (!fl_tape_add(lane->tape, t->index, &record, t->given)) {
			meet_full(lane);
			continue;
		}
		if (!has_fixed_n(lane))
			n = next_n(n, record.end_ns - record.start_ns, aim_ns(lane, t->index));
		start_ns = record.end_ns; /* no gap: what lies between two steps is the harness's cost and counts */
	}
}

/* ---- placement of the thread itself, read back */

/* The kernel's affinity mask has the layout of struct fl_cpus. */
static cpu_set_t *mask_of(struct fl_cpus *cpus)
{
	return (cpu_set_t *)(void *)cpus->bits;
}

static struct fl_cpus only(int cpu)
{
	struct fl_cpus set = { 0 };

	fl_cpus_add(&set, (unsigned)cpu);
	return set;
}

static void check_cpu(struct step_thread *t, const char *when)
{
	struct fl_lane *lane = t->lane;
	struct fl_cpus allowed = { 0 }, wanted = only(t->cpu);
	int at = sched_getcpu();

	if (at == t->cpu && sched_getaffinity(0, sizeof(allowed.bits), mask_of(&allowed)) == 0 &&
	    fl_cpus_equal(&allowed, &wanted))
		return;
	pthread_mutex_lock(&lane->lock);
	if (!lane->stray[0])
		snprintf(lane->stray, sizeof(lane->stray), "thread %u was on CPU %d instead of CPU %d %s", t->index, at,
			 t->cpu, when);
	pthread_mutex_unlock(&lane->lock);
}

/* ---- one thread's life */

static int enter(struct step_thread *t, struct fl_err *err)
{
	struct fl_lane *lane = t->lane;

	check_cpu(t, "before the first step");
	return lane->bench->enter ? lane->bench->enter(lane->state, t->index, err) : 0;
}

static void take_name(const struct fl_lane *lane)
{
	char name[16];

	snprintf(name, sizeof(name), FL_STEP_THREAD_NAME "%u", lane->number);
	pthread_setname_np(pthread_self(), name);
}

static void *step_thread_main(void *arg)
{
	struct step_thread *t = arg;
	struct fl_lane *lane = t->lane;
	struct fl_err err = { 0 };
	int rc;

	take_name(lane);
	rc = enter(t, &err);

	if (rc < 0) {
		fl_fail(&err, rc, "enter: %s", strerror(-rc));
		fl_lane_give_up(lane, &err);
	}
	pthread_mutex_lock(&lane->lock);
	lane->entered++;
	pthread_cond_broadcast(&lane->changed);
	pthread_mutex_unlock(&lane->lock);
	if (rc == 0 && fl_tape_wait_start(lane->tape, &lane->given_up)) {
		fl_tape_set_phase(lane->tape, FL_PHASE_STEP);
		step_until_stopped(t);
		check_cpu(t, "after the last step");
	}
	if (rc == 0 && lane->bench->leave)
		lane->bench->leave(lane->state, t->index);
	return NULL;
}

static int start_thread(struct step_thread *t, struct fl_err *err)
{
	struct fl_cpus cpu = only(t->cpu);
	pthread_attr_t attr;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(cpu.bits), mask_of(&cpu));
	rc = pthread_create(&t->id, &attr, step_thread_main, t);
	pthread_attr_destroy(&attr);
	return rc ? fl_fail(err, -rc, "start thread %u on CPU %d: %s", t->index, t->cpu, strerror(rc)) : 0;
}

static void prepare(struct step_thread *t, struct fl_lane *lane, unsigned index)
{
	unsigned cpus = fl_cpus_count(&lane->cpus);

	*t = (struct step_thread){ .lane = lane, .index = index, .cpu = fl_cpus_nth(&lane->cpus, index % cpus) };
	for (uint32_t i = 0; i < fl_tape_shape(lane->tape)->hists; i++)
		t->hist[i] = fl_tape_hist(lane->tape, index, i);
}

/* Tells the agent that all threads wait for the start. */
static void wait_entered(struct fl_lane *lane, unsigned started)
{
	pthread_mutex_lock(&lane->lock);
	while (lane->entered < started)
		pthread_cond_wait(&lane->changed, &lane->lock);
	pthread_mutex_unlock(&lane->lock);
}

int fl_lane_step_all(struct fl_lane *lane, unsigned threads, struct fl_err *err)
{
	struct step_thread *t = fl_zalloc(threads, sizeof(*t));
	unsigned started = 0;
	int rc = 0;

	fl_tape_set_phase(lane->tape, FL_PHASE_ENTER);
	while (started < threads && rc == 0) {
		prepare(&t[started], lane, started);
		rc = start_thread(&t[started], err);
		if (rc == 0)
			started++;
	}
	if (rc < 0)
		fl_lane_give_up(lane, err);
	wait_entered(lane, started);
	if (!atomic_load(&lane->given_up)) {
		fl_tape_set_phase(lane->tape, FL_PHASE_READY);
		fl_lane_send(lane, json_pack("{s:s, s:i}", "is", "ready", "lane", (int)lane->number));
	}
	for (unsigned i = 0; i < started; i++)
		pthread_join(t[i].id, NULL);
	fl_tape_set_phase(lane->tape, FL_PHASE_LEAVE);
	free(t);
	pthread_mutex_lock(&lane->lock);
	if (lane->err.code) {
		*err = lane->err;
		rc = lane->err.code;
	}
	pthread_mutex_unlock(&lane->lock);
	return rc;
}
