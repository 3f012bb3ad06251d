/* SPDX-License-Identifier: Apache-2.0 */
/* path/io_pread.c: the engine where io_uring is forbidden: a thread for each request in flight, which calls pread or
 * pwrite. The threads are started by enter, so that they run on the CPUs of the thread that does I/O. Whoever has
 * nothing to do sleeps. */
#include "path/io_engine.h"
#include <errno.h>
#include <feedline/helper.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STACK_BYTES = 64 << 10 };

struct pool {
	struct fl_io io;
	int *fds;
	unsigned depth;
	struct fl_io_request *queued; /* of the thread that does I/O; handed over by wait */
	unsigned queued_n;

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t work, news;
	struct fl_io_request *todo; /* a ring of depth */
	unsigned todo_first, todo_n;
	struct fl_io_done *done; /* a ring of depth */
	unsigned done_first, done_n;
	unsigned awaited; /* news is signalled when so many are done; 0: nobody waits */
	bool halted, stopped;

	pthread_t *threads;
	unsigned threads_n;
};

static struct pool *pool_of(struct fl_io *io)
{
	return (struct pool *)io; /* its first member */
}

/* ---- the threads */

static int32_t carry_out(const struct pool *p, const struct fl_io_request *r)
{
	int fd = p->fds[r->file];
	ssize_t n;

	do
		n = r->write ? pwrite(fd, r->data, r->bytes, (off_t)r->offset)
			     : pread(fd, r->data, r->bytes, (off_t)r->offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int32_t)n;
}

static unsigned place(const struct pool *p, unsigned first, unsigned n)
{
	unsigned at = first + n;

	return at < p->depth ? at : at - p->depth;
}

static void *serve(void *arg)
{
	struct pool *p = arg;

	pthread_setname_np(pthread_self(), FL_HELPER_NAME);
	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct fl_io_request r;
		int32_t bytes;

		while (p->todo_n == 0 && !p->stopped)
			pthread_cond_wait(&p->work, &p->lock);
		if (p->stopped)
			break;
		r = p->todo[p->todo_first];
		p->todo_first = place(p, p->todo_first, 1);
		p->todo_n--;
		pthread_mutex_unlock(&p->lock);
		bytes = carry_out(p, &r);
		pthread_mutex_lock(&p->lock);
		p->done[place(p, p->done_first, p->done_n++)] = (struct fl_io_done){ .tag = r.tag, .bytes = bytes };
		if (p->done_n == p->awaited)
			pthread_cond_signal(&p->news);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void stop(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->stopped = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	while (p->threads_n > 0)
		pthread_join(p->threads[--p->threads_n], NULL);
}

/* Signals are for the threads that the harness knows: these block them all. */
static int start(struct pool *p, struct fl_err *err)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int rc = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (p->threads_n < p->depth && rc == 0) {
		rc = pthread_create(&p->threads[p->threads_n], &attr, serve, p);
		p->threads_n += rc == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (rc == 0)
		return 0;
	fl_fail(err, -rc, "start thread %u of %u that call pread: %s", p->threads_n + 1, p->depth, strerror(rc));
	fl_hint(err, "choose a smaller depth, or raise the limit of processes (ulimit -u, pids.max)");
	stop(p);
	return -rc;
}

/* ---- setup */

static void release(struct pool *p)
{
	free(p->fds);
	free(p->queued);
	free(p->todo);
	free(p->done);
	free(p->threads);
	free(p);
}

/* NULL: no memory. */
static struct pool *allocate(const struct fl_io_spec *spec)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->depth = spec->depth;
	p->fds = calloc(spec->fds_n, sizeof(*p->fds));
	p->queued = calloc(spec->depth, sizeof(*p->queued));
	p->todo = calloc(spec->depth, sizeof(*p->todo));
	p->done = calloc(spec->depth, sizeof(*p->done));
	p->threads = calloc(spec->depth, sizeof(*p->threads));
	if (p->fds && p->queued && p->todo && p->done && p->threads)
		return p;
	release(p);
	return NULL;
}

static int pread_open(const struct fl_io_spec *spec, struct fl_io **ret, struct fl_err *err)
{
	struct pool *p;

	if (spec->buffers == FL_IO_REGISTERED) {
		fl_fail(err, -EINVAL, "engine pread has no registered buffers");
		return fl_hint(err, "let buffers be auto or plain, or choose io_uring");
	}
	p = allocate(spec);
	if (!p)
		return fl_fail(err, -ENOMEM, "no memory for %u requests", spec->depth);
	p->io.kind = &fl_io_pread;
	memcpy(p->fds, spec->fds, spec->fds_n * sizeof(*p->fds));
	snprintf(p->io.features, sizeof(p->io.features), "none");
	snprintf(p->io.why_plain, sizeof(p->io.why_plain), "%s",
		 spec->buffers == FL_IO_PLAIN ? "asked for" : "pread has no registered buffers");
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->news, NULL);
	*ret = &p->io;
	return 0;
}

static void pread_close(struct fl_io *io)
{
	struct pool *p = pool_of(io);

	stop(p);
	pthread_cond_destroy(&p->news);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	release(p);
}

/* ---- the thread that does I/O */

static int pread_enter(struct fl_io *io, struct fl_err *err)
{
	return start(pool_of(io), err);
}

static void pread_queue(struct fl_io *io, const struct fl_io_request *request)
{
	struct pool *p = pool_of(io);

	p->queued[p->queued_n++] = *request;
	io->in_flight++;
}

/* Under the lock. */
static void hand_over(struct pool *p)
{
	for (unsigned i = 0; i < p->queued_n; i++) {
		p->todo[place(p, p->todo_first, p->todo_n++)] = p->queued[i];
		pthread_cond_signal(&p->work);
	}
	p->queued_n = 0;
}

/* Under the lock: sleeps until `least` are done, or is told to halt. */
static void await(struct pool *p, unsigned least, bool even_halted)
{
	while (p->done_n < least && (even_halted || !p->halted)) {
		p->awaited = least;
		pthread_cond_wait(&p->news, &p->lock);
	}
	p->awaited = 0;
}

/* Under the lock: gives the first n. */
static void give(struct pool *p, struct fl_io_done *done, unsigned n)
{
	for (unsigned i = 0; i < n && done; i++)
		done[i] = p->done[place(p, p->done_first, i)];
	p->done_first = place(p, p->done_first, n);
	p->done_n -= n;
	p->io.in_flight -= n;
}

static int pread_wait(struct fl_io *io, unsigned least, struct fl_io_done *done, unsigned most, struct fl_err *err)
{
	struct pool *p = pool_of(io);
	unsigned n;
	int rc;

	(void)err; /* nothing fails but single requests */
	pthread_mutex_lock(&p->lock);
	if (!p->halted)
		hand_over(p);
	await(p, least, false);
	n = p->done_n < most ? p->done_n : most;
	rc = p->halted ? -ECANCELED : (int)n;
	if (rc >= 0)
		give(p, done, n);
	pthread_mutex_unlock(&p->lock);
	return rc;
}

static void pread_halt(struct fl_io *io)
{
	struct pool *p = pool_of(io);

	pthread_mutex_lock(&p->lock);
	p->halted = true;
	pthread_cond_signal(&p->news);
	pthread_mutex_unlock(&p->lock);
}

static unsigned pread_drain(struct fl_io *io, struct fl_io_done *done)
{
	struct pool *p = pool_of(io);
	unsigned n;

	pthread_mutex_lock(&p->lock);
	hand_over(p);
	await(p, io->in_flight, true);
	n = io->in_flight;
	give(p, done, n);
	pthread_mutex_unlock(&p->lock);
	return n;
}

const struct fl_io_kind fl_io_pread = {
	.name = "pread",
	.depth_max = FL_IO_THREADS_MAX,
	.open = pread_open,
	.close = pread_close,
	.enter = pread_enter,
	.queue = pread_queue,
	.wait = pread_wait,
	.halt = pread_halt,
	.drain = pread_drain,
};
