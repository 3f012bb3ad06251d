/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c: the time of the stub, by events. An event is a request that comes to its end, or somebody's sleep that does;
 * time goes on to the next one as soon as nobody who takes part has anything left to do at this one: who sleeps, and
 * who has looked in vain and again all around since the last event. What comes between two events takes no time. */
#include "parts.h"
#include "stub.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Of looks in vain: who has polled twice, or asked for the time so often with nothing else in between, has looked at
 * everything that he waits for in between: memory, too. Asking counts for less because who measures asks, too. */
enum { A_POLL = 8, A_GLANCE = 1, ENOUGH = 16 };

/* Of real time: what is waited for at once, before time goes on with nothing to come, and how often the kernel has to
 * say that a thread waits for something else. */
enum { WAIT_NS = 1000000, SPARE_NS = 100000, STILLS = 10 };

int __real_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms);

struct thread {
	struct thread *next;
	pid_t id;
	uint64_t event; /* the last that it looked after, and */
	unsigned looks; /* how much it looked since */
	unsigned stills;
	bool asleep;
	struct pollfd *fds; /* that wake it */
	nfds_t fds_n;
	uint64_t until_ns; /* likewise */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

/* ---- who takes part */

static void out_locked(const struct thread *t)
{
	struct thread **at = &stub.threads;

	while (*at && *at != t)
		at = &(*at)->next;
	if (*at)
		*at = t->next;
	pthread_cond_broadcast(&stub.changed);
}

static void end_thread(void *arg)
{
	pthread_mutex_lock(&stub.lock);
	out_locked(arg);
	pthread_mutex_unlock(&stub.lock);
	free(arg);
}

static void make_key(void)
{
	if (pthread_key_create(&key, end_thread))
		abort();
}

static bool is_in_locked(const struct thread *t)
{
	const struct thread *i = stub.threads;

	while (i && i != t)
		i = i->next;
	return i;
}

/* This thread; it takes part from now on. */
static struct thread *in_locked(void)
{
	struct thread *t;

	pthread_once(&once, make_key);
	t = pthread_getspecific(key);
	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t || pthread_setspecific(key, t))
			abort();
		t->id = gettid();
	}
	t->stills = 0;
	if (is_in_locked(t))
		return t;
	t->looks = 0;
	t->next = stub.threads;
	stub.threads = t;
	pthread_cond_broadcast(&stub.changed);
	return t;
}

void clock_work_locked(bool takes_part)
{
	struct thread *t;

	pthread_once(&once, make_key);
	t = takes_part ? in_locked() : pthread_getspecific(key);
	if (t)
		t->looks = t->stills = 0;
}

void clock_begin_locked(void)
{
	stub.threads = NULL;
	stub.gathered = false;
	stub.event++;
	stub.beginner = pthread_self();
}

void verbs_stub_leave(void)
{
	struct thread *t;

	pthread_once(&once, make_key);
	t = pthread_getspecific(key);
	pthread_mutex_lock(&stub.lock);
	if (t)
		out_locked(t);
	pthread_mutex_unlock(&stub.lock);
}

/* ---- who waits */

static void wake_sleepers_locked(void)
{
	for (struct thread *t = stub.threads; t; t = t->next)
		if (t->asleep && (t->until_ns <= stub.now_ns || (t->fds_n && __real_poll(t->fds, t->fds_n, 0) > 0))) {
			t->asleep = false;
			t->looks = t->stills = 0;
			pthread_cond_broadcast(&stub.changed);
		}
}

static bool waits_locked(const struct thread *t)
{
	return t->asleep || (t->event == stub.event && t->looks >= ENOUGH);
}

static bool all_wait_locked(void)
{
	unsigned n = 0;

	for (const struct thread *t = stub.threads; t; t = t->next, n++)
		if (!waits_locked(t))
			return false;
	stub.gathered |= n >= stub.settings.threads;
	return stub.gathered;
}

/* Does the kernel say that it sleeps? That is not for anything of the stub, whose lock is free now and then. */
static bool is_still(const struct thread *t)
{
	char path[64], text[128], state = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)t->id);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	for (ssize_t i = 0; i + 2 < n; i++)
		if (text[i] == ')' && text[i + 1] == ' ')
			state = text[i + 2];
	return state == 'S';
}

/* Who waits for something else, all the others that are at work as well, takes no part until it comes again. */
static void look_for_gone_locked(void)
{
	struct thread *next;
	bool gone = true;

	for (struct thread *t = stub.threads; t; t = t->next)
		if (!waits_locked(t)) {
			t->stills = is_still(t) ? t->stills + 1 : 0;
			gone = gone && t->stills >= STILLS;
		}
	for (struct thread *t = stub.threads; t && gone; t = next) {
		next = t->next;
		if (!waits_locked(t))
			out_locked(t);
	}
}

/* ---- time goes on */

/* Gives the lock away until something changes, or for so long. */
static bool changes_locked(long ns)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_nsec += ns;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	return pthread_cond_timedwait(&stub.changed, &stub.lock, &at) != ETIMEDOUT;
}

/* Who looks again and again may be waiting for a time of his own: without a request to come, time goes on by steps,
 * each longer than the one before, up to where a sleep ends. */
static uint64_t next_ns_locked(bool *ret_idle)
{
	uint64_t next = wire_next_ns_locked(), wake = NEVER;
	bool all_sleep = true;

	for (const struct thread *t = stub.threads; t; t = t->next) {
		all_sleep = all_sleep && t->asleep;
		wake = t->asleep && t->until_ns < wake ? t->until_ns : wake;
	}
	*ret_idle = next == NEVER;
	if (next == NEVER && !(all_sleep && wake != NEVER)) {
		next = stub.now_ns + stub.idle_ns;
		stub.idle_ns = 2 * stub.idle_ns < IDLE_MOST_NS ? 2 * stub.idle_ns : IDLE_MOST_NS;
	}
	return next < wake ? next : wake;
}

static void go_on_locked(void)
{
	uint64_t event = stub.event, next_ns;
	bool idle;

	next_ns = next_ns_locked(&idle);
	if (idle) { /* others may be about to do something that would come first */
		if (changes_locked(SPARE_NS) || event != stub.event || !all_wait_locked())
			return;
	} else {
		stub.idle_ns = IDLE_NS;
	}
	stub.now_ns = next_ns > stub.now_ns ? next_ns : stub.now_ns;
	stub.event++;
	wire_run_locked();
	wake_sleepers_locked();
	pthread_cond_broadcast(&stub.changed);
}

/* For one who waits. */
static void turn_locked(const struct thread *t)
{
	wake_sleepers_locked();
	if (!waits_locked(t))
		return;
	if (all_wait_locked())
		go_on_locked();
	else if (!changes_locked(WAIT_NS))
		look_for_gone_locked();
}

static void look_locked(struct thread *t, unsigned how_much)
{
	if (t->event != stub.event)
		t->looks = 0;
	t->event = stub.event;
	t->looks += t->looks < ENOUGH ? how_much : 0;
	if (waits_locked(t))
		turn_locked(t);
}

void clock_polled_locked(void)
{
	look_locked(in_locked(), A_POLL);
}

uint64_t verbs_stub_now_ns(void)
{
	struct thread *t = NULL;
	uint64_t ret;

	pthread_mutex_lock(&stub.lock);
	if (!pthread_equal(stub.beginner, pthread_self()))
		t = in_locked();
	if (t)
		look_locked(t, A_GLANCE);
	ret = stub.now_ns;
	pthread_mutex_unlock(&stub.lock);
	return ret;
}

/* ---- sleep */

static void sleep_locked(struct pollfd *fds, nfds_t n, uint64_t until_ns)
{
	struct thread *t = in_locked();

	t->fds = fds;
	t->fds_n = n;
	t->until_ns = until_ns;
	t->asleep = true;
	while (t->asleep)
		turn_locked(t);
}

void verbs_stub_sleep_until(uint64_t at_ns)
{
	pthread_mutex_lock(&stub.lock);
	sleep_locked(NULL, 0, at_ns);
	pthread_mutex_unlock(&stub.lock);
}

/* Whoever sleeps for a channel does so by the time of the stub. */
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	bool is_ours = false;

	pthread_mutex_lock(&stub.lock);
	for (const struct channel *c = stub.channels; c; c = c->next)
		for (nfds_t i = 0; i < n; i++)
			is_ours |= fds[i].fd == c->channel.fd;
	if (is_ours && timeout_ms != 0)
		sleep_locked(fds, n, timeout_ms < 0 ? NEVER : stub.now_ns + (uint64_t)timeout_ms * 1000000);
	pthread_mutex_unlock(&stub.lock);
	return __real_poll(fds, n, is_ours ? 0 : timeout_ms);
}
