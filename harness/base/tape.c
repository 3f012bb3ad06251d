/* SPDX-License-Identifier: Apache-2.0 */
/* tape.c: the layout is computed on each side from the shape that went with the message; nothing that lies in the
 * shared memory is ever used as a size or an index by the reader. */
#include "base/tape.h"
#include "base/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/clock.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const uint64_t tape_magic = UINT64_C(0x31657061746c66); /* "fltape1" */
static const size_t line_bytes = 64;			       /* one cache line: threads do not share any */
static const uint64_t hold = UINT64_MAX;		       /* of stop_after */
static const size_t tape_bytes_max = (size_t)4 << 30;

struct head {
	uint64_t magic;
	_Atomic uint64_t start_ns;
	_Atomic uint32_t stop;
	_Atomic uint32_t wake; /* futex: changes whenever start_ns, stop or stop_after did */
	_Atomic uint32_t phase;
	_Atomic uint64_t stop_after; /* steps; 0: it was not said; hold: it will be */
};

struct thread_head {
	_Atomic uint32_t count;
	_Atomic uint32_t idle;
	_Atomic uint64_t dropped;
};

struct fl_tape {
	struct fl_tape_shape shape;
	size_t step_bytes, thread_bytes, bytes;
	unsigned char *base;
};

static size_t round_up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static int lay_out(struct fl_tape *t, const struct fl_tape_shape *shape, struct fl_err *err)
{
	if (shape->threads == 0 || shape->threads > FL_TAPE_THREADS_MAX || shape->steps_max == 0 ||
	    shape->steps_max > FL_TAPE_STEPS_MAX || shape->given > FL_TAPE_GIVEN_MAX ||
	    shape->hists > FL_TAPE_HISTS_MAX)
		return fl_fail(err, -EINVAL, "tape of %u threads x %u steps, %u given, %u histograms is out of bounds",
			       shape->threads, shape->steps_max, shape->given, shape->hists);
	t->shape = *shape;
	t->step_bytes = sizeof(struct fl_tape_step) + shape->given * sizeof(double);
	t->thread_bytes = round_up(
		line_bytes + shape->hists * sizeof(struct fl_hist) + shape->steps_max * t->step_bytes, line_bytes);
	t->bytes = line_bytes + shape->threads * t->thread_bytes;
	if (t->bytes > tape_bytes_max)
		return fl_fail(err, -EINVAL, "tape of %zu bytes is too large", t->bytes);
	return 0;
}

static struct head *head_of(const struct fl_tape *t)
{
	return (struct head *)(void *)t->base;
}

static unsigned char *thread_of(const struct fl_tape *t, uint32_t thread)
{
	return t->base + line_bytes + thread * t->thread_bytes;
}

static struct thread_head *thread_head_of(const struct fl_tape *t, uint32_t thread)
{
	return (struct thread_head *)(void *)thread_of(t, thread);
}

static unsigned char *step_of(const struct fl_tape *t, uint32_t thread, uint32_t i)
{
	return thread_of(t, thread) + line_bytes + t->shape.hists * sizeof(struct fl_hist) + i * t->step_bytes;
}

static int map_fd(struct fl_tape *t, int fd, struct fl_err *err)
{
	void *p = mmap(NULL, t->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return fl_fail(err, -errno, "map a tape of %zu bytes: %s", t->bytes, strerror(errno));
	t->base = p;
	return 0;
}

int fl_tape_create(const struct fl_tape_shape *shape, struct fl_tape **ret, int *ret_fd, struct fl_err *err)
{
	struct fl_tape *t = fl_zalloc(1, sizeof(*t));
	int fd = -1;
	int rc = lay_out(t, shape, err);

	if (rc < 0)
		goto free_tape;
	fd = memfd_create("feedline-tape", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)t->bytes) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		rc = fl_fail(err, -errno, "make a tape of %zu bytes: %s", t->bytes, strerror(errno));
		if (rc == -EFBIG)
			fl_hint(err, "the limit of file sizes holds for shared memory, too: raise ulimit -f");
		goto close_fd;
	}
	rc = map_fd(t, fd, err);
	if (rc < 0)
		goto close_fd;
	head_of(t)->magic = tape_magic;
	*ret = t;
	*ret_fd = fd;
	return 0;

close_fd:
	if (fd >= 0)
		close(fd);
free_tape:
	fl_tape_free(t);
	return rc;
}

int fl_tape_map(int fd, const struct fl_tape_shape *shape, struct fl_tape **ret, struct fl_err *err)
{
	struct fl_tape *t = fl_zalloc(1, sizeof(*t));
	struct stat st;
	int rc = lay_out(t, shape, err);

	if (rc < 0)
		goto free_tape;
	if (fstat(fd, &st) < 0 || (size_t)st.st_size != t->bytes) {
		rc = fl_fail(err, -EPROTO, "the tape's descriptor is not a tape of %zu bytes", t->bytes);
		goto free_tape;
	}
	rc = map_fd(t, fd, err);
	if (rc < 0)
		goto free_tape;
	if (head_of(t)->magic != tape_magic) {
		rc = fl_fail(err, -EPROTO, "the tape has no magic number");
		goto free_tape;
	}
	*ret = t;
	return 0;

free_tape:
	fl_tape_free(t);
	return rc;
}

void fl_tape_free(struct fl_tape *tape)
{
	if (!tape)
		return;
	if (tape->base)
		munmap(tape->base, tape->bytes);
	free(tape);
}

const struct fl_tape_shape *fl_tape_shape(const struct fl_tape *tape)
{
	return &tape->shape;
}

/* ---- agent -> worker */

static void wake_all(struct head *h)
{
	atomic_fetch_add(&h->wake, 1);
	syscall(SYS_futex, &h->wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void fl_tape_start(struct fl_tape *tape, uint64_t start_ns)
{
	atomic_store(&head_of(tape)->start_ns, start_ns);
	wake_all(head_of(tape));
}

void fl_tape_stop(struct fl_tape *tape)
{
	atomic_store(&head_of(tape)->stop, 1);
	wake_all(head_of(tape));
}

/* A thread writes that a step is finished and looks at what is said; the agent says it and looks at what is finished.
 * All of it is in one order, so that the agent sees the last step but one of those that a thread still begins. */
static void say_stop_after(struct fl_tape *tape, uint64_t steps)
{
	atomic_store(&head_of(tape)->stop_after, steps);
	wake_all(head_of(tape));
}

void fl_tape_hold(struct fl_tape *tape)
{
	say_stop_after(tape, hold);
}

void fl_tape_stop_after(struct fl_tape *tape, uint64_t steps)
{
	say_stop_after(tape, steps ? steps : 1);
}

/* ---- worker */

bool fl_tape_stopped(const struct fl_tape *tape)
{
	return atomic_load_explicit(&head_of(tape)->stop, memory_order_relaxed) != 0;
}

static void wait_change(struct head *h, uint32_t seen)
{
	syscall(SYS_futex, &h->wake, FUTEX_WAIT, seen, NULL, NULL, 0);
}

bool fl_tape_wait_start(struct fl_tape *tape, const _Atomic bool *given_up)
{
	struct head *h = head_of(tape);

	for (;;) {
		uint32_t seen = atomic_load(&h->wake);
		uint64_t start_ns = atomic_load(&h->start_ns);

		if (fl_tape_stopped(tape) || atomic_load(given_up))
			return false;
		if (start_ns) {
			fl_sleep_until(start_ns);
			return !fl_tape_stopped(tape);
		}
		wait_change(h, seen);
	}
}

bool fl_tape_may_step(struct fl_tape *tape, uint64_t done, const _Atomic bool *given_up)
{
	struct head *h = head_of(tape);

	for (;;) {
		uint32_t seen = atomic_load(&h->wake);
		uint64_t after = atomic_load(&h->stop_after);

		if (fl_tape_stopped(tape) || atomic_load_explicit(given_up, memory_order_relaxed))
			return false;
		if (after != hold)
			return after == 0 || done < after;
		wait_change(h, seen);
	}
}

void fl_tape_wait_stop(struct fl_tape *tape, const _Atomic bool *given_up)
{
	struct head *h = head_of(tape);

	for (;;) {
		uint32_t seen = atomic_load(&h->wake);

		if (fl_tape_stopped(tape) || atomic_load(given_up))
			return;
		wait_change(h, seen);
	}
}

void fl_tape_set_idle(struct fl_tape *tape, uint32_t thread)
{
	atomic_store(&thread_head_of(tape, thread)->idle, 1);
}

void fl_tape_rouse(struct fl_tape *tape)
{
	wake_all(head_of(tape));
}

void fl_tape_set_phase(struct fl_tape *tape, enum fl_phase phase)
{
	atomic_store(&head_of(tape)->phase, (uint32_t)phase);
}

bool fl_tape_add(struct fl_tape *tape, uint32_t thread, const struct fl_tape_step *step, const double *given)
{
	struct thread_head *h = thread_head_of(tape, thread);
	uint32_t i = atomic_load_explicit(&h->count, memory_order_relaxed);
	unsigned char *p;

	if (i >= tape->shape.steps_max) {
		atomic_fetch_add(&h->dropped, 1);
		return false;
	}
	p = step_of(tape, thread, i);
	memcpy(p, step, sizeof(*step));
	if (tape->shape.given)
		memcpy(p + sizeof(*step), given, tape->shape.given * sizeof(*given));
	atomic_store(&h->count, i + 1);
	return true;
}

struct fl_hist *fl_tape_hist(struct fl_tape *tape, uint32_t thread, uint32_t i)
{
	return (struct fl_hist *)(void *)(thread_of(tape, thread) + line_bytes + i * sizeof(struct fl_hist));
}

/* ---- agent, reading */

enum fl_phase fl_tape_phase(const struct fl_tape *tape)
{
	uint32_t phase = atomic_load(&head_of(tape)->phase);

	return phase > FL_PHASE_END ? FL_PHASE_END : (enum fl_phase)phase;
}

const char *fl_phase_name(enum fl_phase phase)
{
	static const char *const names[] = {
		[FL_PHASE_START] = "start",   [FL_PHASE_OPEN] = "open",	  [FL_PHASE_ENTER] = "enter",
		[FL_PHASE_READY] = "ready",   [FL_PHASE_STEP] = "step",	  [FL_PHASE_LEAVE] = "leave",
		[FL_PHASE_VERIFY] = "verify", [FL_PHASE_CLOSE] = "close", [FL_PHASE_END] = "end",
	};

	return names[phase];
}

uint32_t fl_tape_count(const struct fl_tape *tape, uint32_t thread)
{
	uint32_t n = atomic_load(&thread_head_of(tape, thread)->count);

	return n > tape->shape.steps_max ? tape->shape.steps_max : n;
}

uint64_t fl_tape_dropped(const struct fl_tape *tape, uint32_t thread)
{
	return atomic_load(&thread_head_of(tape, thread)->dropped);
}

uint64_t fl_tape_done(const struct fl_tape *tape, uint32_t thread)
{
	uint64_t dropped = fl_tape_dropped(tape, thread), done = fl_tape_count(tape, thread);

	return dropped < FL_TAPE_DONE_MAX - done ? done + dropped : FL_TAPE_DONE_MAX - 1;
}

bool fl_tape_idle(const struct fl_tape *tape, uint32_t thread)
{
	return atomic_load(&thread_head_of(tape, thread)->idle) != 0;
}

/* No thread of any machine moves a petabyte or does 10^13 operations in a second. */
static bool is_possible(const struct fl_tape_step *s)
{
	double took_s = (double)(s->end_ns - s->start_ns + 1000) / 1e9;

	return (double)s->bytes / took_s < 1e15 && (double)s->ops / took_s < 1e13;
}

int fl_tape_read(const struct fl_tape *tape, uint32_t thread, uint32_t i, struct fl_tape_step *ret, double *given,
		 struct fl_err *err)
{
	uint64_t not_before_ns = atomic_load(&head_of(tape)->start_ns);
	const unsigned char *p = step_of(tape, thread, i);
	struct fl_tape_step step;

	memcpy(&step, p, sizeof(step)); /* first copied, then checked: the writer may still be at it */
	if (i > 0) {
		struct fl_tape_step before;

		memcpy(&before, step_of(tape, thread, i - 1), sizeof(before));
		not_before_ns = before.end_ns;
	}
	if (step.start_ns < not_before_ns || step.end_ns < step.start_ns || step.end_ns > fl_now_ns() ||
	    step.busy_ns > step.end_ns - not_before_ns)
		return fl_fail(err, -EPROTO, "the worker lies: step %u of thread %u has impossible times", i, thread);
	if (!is_possible(&step))
		return fl_fail(err, -EPROTO, "the worker lies: step %u of thread %u did more than is possible", i,
			       thread);
	*ret = step;
	if (tape->shape.given)
		memcpy(given, p + sizeof(step), tape->shape.given * sizeof(*given));
	return 0;
}
