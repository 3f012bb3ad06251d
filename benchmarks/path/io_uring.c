/* SPDX-License-Identifier: Apache-2.0 */
/* path/io_uring.c: the engine over io_uring.
 *
 * The ring is made disabled and enabled by enter, because the fastest mode (SINGLE_ISSUER, DEFER_TASKRUN) binds a ring
 * to the thread that enables it. One call of the kernel hands over everything that is queued and fetches everything
 * that is done; it waits for one completion at most, so that the poll that halting fires always ends it. */
#include "path/io_engine.h"
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Oldest first. All are asked for; while the kernel does not know one (EINVAL), the newest is dropped. */
static const struct {
	const char *name;
	unsigned flag;
	const char *since; /* Linux */
} features[] = {
	{ "coop_taskrun", IORING_SETUP_COOP_TASKRUN, "5.19" },	/* no interrupt of the thread for a completion */
	{ "single_issuer", IORING_SETUP_SINGLE_ISSUER, "6.0" }, /* no lock against other threads that submit */
	{ "defer_taskrun", IORING_SETUP_DEFER_TASKRUN, "6.1" }, /* completions are worked off when we wait for them */
};
enum { FEATURES = sizeof(features) / sizeof(*features), TRIES = 1000 };

#define PIECE_BYTES (UINT64_C(1) << 30) /* the kernel registers no more in one piece */

struct uring {
	struct fl_io io;
	struct io_uring ring;
	const struct iovec *pieces; /* of the registered memory, by address */
	unsigned pieces_n;
	unsigned piece; /* in which the last request lay */
	const int *fds; /* NULL: registered, a request names them by number */
	int halt_fd;	/* eventfd that the ring polls, so that halting costs nothing before */
	atomic_bool halted;
	bool broken; /* the ring itself failed: nothing more will arrive */
};

static struct uring *uring_of(struct fl_io *io)
{
	return (struct uring *)io; /* its first member */
}

/* ---- setup */

static void name_features(struct fl_io *io, unsigned n)
{
	size_t used = 0;

	if (n == 0)
		snprintf(io->features, sizeof(io->features), "none");
	for (unsigned i = 0; i < n; i++)
		used += (size_t)snprintf(io->features + used, sizeof(io->features) - used, "%s%s", i ? "|" : "",
					 features[i].name);
}

static int setup_failed(int rc, struct fl_err *err)
{
	if (rc == -EPERM || rc == -EACCES || rc == -ENOSYS) {
		fl_fail(err, -EPERM, "io_uring is forbidden or missing here: %s", strerror(-rc));
		return fl_hint(err, "see sysctl kernel.io_uring_disabled and the container's seccomp profile");
	}
	if (rc == -EINVAL) /* without any feature, too: R_DISABLED came with Linux 5.10 */
		return fl_fail(err, -EPERM, "io_uring is too old here: %s", strerror(-rc));
	fl_fail(err, rc, "set up io_uring: %s", strerror(-rc));
	if (rc == -ENOMEM)
		fl_hint(err, "choose a smaller depth, or raise the limit of locked memory (ulimit -l)");
	return rc;
}

static int setup(struct uring *u, unsigned depth, struct fl_err *err)
{
	int rc = -EINVAL;

	for (unsigned n = FEATURES + 1; n-- > 0 && rc == -EINVAL;) {
		unsigned flags = IORING_SETUP_R_DISABLED;

		for (unsigned i = 0; i < n; i++)
			flags |= features[i].flag;
		rc = io_uring_queue_init(depth + 1, &u->ring, flags); /* the requests and the poll of halt_fd */
		name_features(&u->io, n);
	}
	return rc < 0 ? setup_failed(rc, err) : 0;
}

/* ---- registered buffers: the kernel need not look up and pin their pages for each request */

static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct iovec *)a)->iov_base;
	uintptr_t y = (uintptr_t)((const struct iovec *)b)->iov_base;

	return (x > y) - (x < y);
}

/* The memory in pieces that the kernel takes. NULL: no memory. */
static struct iovec *cut(const struct fl_io_spec *spec, unsigned *ret_n)
{
	struct iovec *pieces;
	size_t n = 0;

	for (unsigned i = 0; i < spec->memory_n; i++)
		n += (spec->memory[i].iov_len + PIECE_BYTES - 1) / PIECE_BYTES;
	pieces = calloc(n + 1, sizeof(*pieces));
	if (!pieces)
		return NULL;
	n = 0;
	for (unsigned i = 0; i < spec->memory_n; i++)
		for (uint64_t at = 0; at < spec->memory[i].iov_len; at += PIECE_BYTES) {
			uint64_t rest = spec->memory[i].iov_len - at;

			pieces[n++] = (struct iovec){ (char *)spec->memory[i].iov_base + at,
						      rest < PIECE_BYTES ? rest : PIECE_BYTES };
		}
	qsort(pieces, n, sizeof(*pieces), by_address);
	*ret_n = (unsigned)n;
	return pieces;
}

static int register_memory(struct uring *u, const struct fl_io_spec *spec, struct fl_err *err)
{
	unsigned long long bytes = 0;
	unsigned n = 0;
	struct iovec *pieces = cut(spec, &n);
	int rc;

	if (!pieces)
		return fl_fail(err, -ENOMEM, "no memory to register buffers with");
	rc = io_uring_register_buffers(&u->ring, pieces, n);
	if (rc == 0) {
		u->pieces = pieces;
		u->pieces_n = n;
		u->io.buffers_registered = true;
		return 0;
	}
	free(pieces);
	for (unsigned i = 0; i < spec->memory_n; i++)
		bytes += spec->memory[i].iov_len;
	fl_fail(err, rc, "register %llu bytes of buffers with io_uring: %s", bytes, strerror(-rc));
	fl_hint(err, "%llu bytes of locked memory are needed: raise ulimit -l, or let buffers be auto", bytes);
	return rc;
}

static int choose_buffers(struct uring *u, const struct fl_io_spec *spec, struct fl_err *err)
{
	struct fl_err refusal = { 0 };
	const char *why = "asked for";

	if (spec->buffers == FL_IO_REGISTERED)
		return register_memory(u, spec, err);
	if (spec->buffers == FL_IO_BUFFERS_AUTO) {
		if (register_memory(u, spec, &refusal) == 0)
			return 0;
		why = refusal.what;
	}
	snprintf(u->io.why_plain, sizeof(u->io.why_plain), "%.159s", why);
	return 0;
}

static int choose_files(struct uring *u, const struct fl_io_spec *spec, struct fl_err *err)
{
	int *fds;

	u->io.files_registered = io_uring_register_files(&u->ring, spec->fds, spec->fds_n) == 0;
	if (u->io.files_registered)
		return 0;
	fds = calloc(spec->fds_n, sizeof(*fds));
	if (!fds)
		return fl_fail(err, -ENOMEM, "no memory for %u descriptors", spec->fds_n);
	memcpy(fds, spec->fds, spec->fds_n * sizeof(*fds));
	u->fds = fds;
	return 0;
}

static void release(struct uring *u)
{
	close(u->halt_fd);
	free((void *)u->pieces);
	free((void *)u->fds);
	free(u);
}

static void uring_close(struct fl_io *io)
{
	struct uring *u = uring_of(io);

	io_uring_queue_exit(&u->ring);
	release(u);
}

static int uring_open(const struct fl_io_spec *spec, struct fl_io **ret, struct fl_err *err)
{
	struct uring *u = calloc(1, sizeof(*u));
	int rc;

	if (!u)
		return fl_fail(err, -ENOMEM, "no memory for a ring of depth %u", spec->depth);
	u->io.kind = &fl_io_uring;
	u->halt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (u->halt_fd < 0) {
		rc = fl_fail(err, -errno, "make an eventfd: %s", strerror(errno));
		free(u);
		return rc;
	}
	rc = setup(u, spec->depth, err);
	if (rc < 0) {
		release(u);
		return rc;
	}
	rc = choose_buffers(u, spec, err);
	if (rc == 0)
		rc = choose_files(u, spec, err);
	if (rc < 0) {
		uring_close(&u->io);
		return rc;
	}
	*ret = &u->io;
	return 0;
}

/* ---- the thread that does I/O */

/* The tag of the poll: an address that no caller can know. */
static uint64_t poll_tag(const struct uring *u)
{
	return (uintptr_t)&u->halt_fd;
}

static int uring_enter(struct fl_io *io, struct fl_err *err)
{
	struct uring *u = uring_of(io);
	struct io_uring_sqe *sqe;
	/* By number: the shared library of liburing 2.3 does not export io_uring_enable_rings(). */
	int rc = io_uring_register((unsigned)u->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);

	if (rc < 0)
		return fl_fail(err, rc, "enable io_uring: %s", strerror(-rc));
	io_uring_register_ring_fd(&u->ring); /* saves a lookup for each call; refusal (before 5.18) is harmless */
	sqe = io_uring_get_sqe(&u->ring);
	io_uring_prep_poll_add(sqe, u->halt_fd, POLLIN);
	io_uring_sqe_set_data64(sqe, poll_tag(u));
	return 0;
}

static bool lies_in(const struct iovec *piece, const struct fl_io_request *request)
{
	uint64_t at = (uint64_t)((uintptr_t)request->data - (uintptr_t)piece->iov_base);

	return at < piece->iov_len && request->bytes <= piece->iov_len - at;
}

/* Is the data of this request in one registered piece? It becomes u->piece then. A request over the seam of two
 * pieces goes as a plain one. */
static bool find_piece(struct uring *u, const struct fl_io_request *request)
{
	unsigned low = 0, high = u->pieces_n;

	if (high == 0)
		return false;
	if (lies_in(&u->pieces[u->piece], request))
		return true;
	while (high - low > 1) {
		unsigned middle = (low + high) / 2;

		if ((uintptr_t)u->pieces[middle].iov_base <= (uintptr_t)request->data)
			low = middle;
		else
			high = middle;
	}
	if (!lies_in(&u->pieces[low], request))
		return false;
	u->piece = low;
	return true;
}

static void uring_queue(struct fl_io *io, const struct fl_io_request *request)
{
	struct uring *u = uring_of(io);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring); /* never NULL: the ring has room for depth + 1 */
	int fd = u->fds ? u->fds[request->file] : (int)request->file;

	if (find_piece(u, request)) {
		io_uring_prep_rw(request->write ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED, sqe, fd, request->data,
				 request->bytes, request->offset);
		sqe->buf_index = (uint16_t)u->piece;
	} else {
		io_uring_prep_rw(request->write ? IORING_OP_WRITE : IORING_OP_READ, sqe, fd, request->data,
				 request->bytes, request->offset);
	}
	if (!u->fds)
		sqe->flags = IOSQE_FIXED_FILE;
	sqe->user_data = request->tag;
	io->in_flight++;
}

/* The kernel is short of memory, or of room for completions: both pass. */
static bool passes(int rc)
{
	return rc == -EAGAIN || rc == -EBUSY;
}

/* Hands over what is queued; lets the kernel post what is done; waits for one completion where `wait` says so. What the
 * kernel cannot take now is handed over next time, after what is done was taken; it is given a second for that. */
static int hand_over(struct uring *u, bool wait, struct fl_err *err)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	int tries = 0, rc;

	for (;;) {
		rc = wait ? io_uring_submit_and_wait(&u->ring, 1) : io_uring_submit_and_get_events(&u->ring);
		if (rc >= 0 || (passes(rc) && io_uring_cq_ready(&u->ring)))
			return 0;
		if (rc != -EINTR && !(passes(rc) && tries++ < TRIES))
			break;
		if (rc != -EINTR)
			nanosleep(&moment, NULL);
	}
	u->broken = true;
	return fl_fail(err, rc, "submit to io_uring: %s", strerror(-rc));
}

/* What is there now, at most `most`; NULL: forgets it. */
static unsigned take(struct uring *u, struct fl_io_done *done, unsigned most)
{
	struct io_uring_cqe *cqe;
	unsigned head, seen = 0, n = 0;

	io_uring_for_each_cqe(&u->ring, head, cqe)
	{
		if (n == most)
			break;
		seen++;
		if (cqe->user_data == poll_tag(u))
			continue;
		if (done)
			done[n] = (struct fl_io_done){ .tag = cqe->user_data, .bytes = cqe->res };
		n++;
	}
	io_uring_cq_advance(&u->ring, seen);
	u->io.in_flight -= n;
	return n;
}

static int uring_wait(struct fl_io *io, unsigned least, struct fl_io_done *done, unsigned most, struct fl_err *err)
{
	struct uring *u = uring_of(io);
	unsigned n = 0;

	do {
		int rc = 0;

		if (!atomic_load_explicit(&u->halted, memory_order_acquire))
			rc = hand_over(u, n < least, err);
		if (rc < 0)
			return rc;
		if (atomic_load_explicit(&u->halted, memory_order_acquire))
			return -ECANCELED;
		n += take(u, done + n, most - n);
	} while (n < least);
	return (int)n;
}

static void uring_halt(struct fl_io *io)
{
	struct uring *u = uring_of(io);

	atomic_store_explicit(&u->halted, true, memory_order_release);
	eventfd_write(u->halt_fd, 1);
}

static unsigned uring_drain(struct fl_io *io, struct fl_io_done *done)
{
	struct uring *u = uring_of(io);
	unsigned n = 0;

	while (!u->broken && io->in_flight > 0)
		if (hand_over(u, true, NULL) == 0)
			n += take(u, done ? done + n : NULL, io->in_flight);
	return n;
}

const struct fl_io_kind fl_io_uring = {
	.name = "io_uring",
	.depth_max = FL_IO_DEPTH_MAX,
	.open = uring_open,
	.close = uring_close,
	.enter = uring_enter,
	.queue = uring_queue,
	.wait = uring_wait,
	.halt = uring_halt,
	.drain = uring_drain,
};
