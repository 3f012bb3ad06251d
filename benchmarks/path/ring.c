/* SPDX-License-Identifier: Apache-2.0 */
/* path/ring.c: one thread's io_uring that keeps `depth` reads of one file in flight. */
#include "path/ring.h"
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Oldest first. All are asked for; while the kernel does not know one (EINVAL), the newest is dropped. */
static const struct {
	const char *name;
	unsigned flag;
} features[] = {
	{ "coop_taskrun", IORING_SETUP_COOP_TASKRUN },	 /* 5.19: no interrupt of the thread for a completion */
	{ "single_issuer", IORING_SETUP_SINGLE_ISSUER }, /* 6.0 */
	{ "defer_taskrun", IORING_SETUP_DEFER_TASKRUN }, /* 6.1: completions are worked off when we wait for them */
};
enum { FEATURES = sizeof(features) / sizeof(*features) };

struct slot {
	uint64_t offset;
	bool whole; /* the block at offset has arrived and nothing was read over it since */
};

struct fl_ring {
	struct io_uring uring;
	struct fl_ring_spec spec;
	struct slot *slots; /* depth of them; slot i reads into block i of the buffers */
	unsigned *idle;	    /* slots not in flight */
	unsigned idle_n;
	int halt_fd; /* eventfd that the ring polls, so that halting costs nothing while reading */
	bool halted; /* the poll has fired */
	bool broken; /* the ring itself failed: nothing more will arrive */
	bool enabled, file_registered, buffers_registered;
	char obtained[64];
};

/* ---- setup */

static unsigned entries(const struct fl_ring *r)
{
	return r->spec.depth + 1; /* the reads and the poll of halt_fd */
}

static void name_features(struct fl_ring *r, unsigned n)
{
	size_t used = 0;

	if (n == 0)
		snprintf(r->obtained, sizeof(r->obtained), "none");
	for (unsigned i = 0; i < n; i++)
		used += (size_t)snprintf(r->obtained + used, sizeof(r->obtained) - used, "%s%s", i ? "|" : "",
					 features[i].name);
}

static int setup_failed(int rc, struct fl_err *err)
{
	if (rc == -EPERM || rc == -EACCES || rc == -ENOSYS) {
		fl_fail(err, -EPERM, "io_uring is forbidden or missing here: %s", strerror(-rc));
		return fl_hint(err, "see sysctl kernel.io_uring_disabled and the container's seccomp profile");
	}
	fl_fail(err, rc, "set up io_uring: %s", strerror(-rc));
	if (rc == -ENOMEM)
		fl_hint(err, "choose a smaller depth, or raise the limit of locked memory (ulimit -l)");
	return rc;
}

static int setup(struct fl_ring *r, struct fl_err *err)
{
	int rc = -EINVAL;

	for (unsigned n = FEATURES + 1; n-- > 0 && rc == -EINVAL;) {
		unsigned flags = IORING_SETUP_R_DISABLED;

		for (unsigned i = 0; i < n; i++)
			flags |= features[i].flag;
		rc = io_uring_queue_init(entries(r), &r->uring, flags);
		name_features(r, n);
	}
	return rc < 0 ? setup_failed(rc, err) : 0;
}

static void release(struct fl_ring *r)
{
	free(r->slots);
	free(r->idle);
	free(r);
}

/* NULL: no memory. */
static struct fl_ring *allocate(const struct fl_ring_spec *spec)
{
	struct fl_ring *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->spec = *spec;
	r->slots = calloc(spec->depth, sizeof(*r->slots));
	r->idle = calloc(spec->depth, sizeof(*r->idle));
	if (!r->slots || !r->idle) {
		release(r);
		return NULL;
	}
	for (unsigned slot = spec->depth; slot-- > 0;)
		r->idle[r->idle_n++] = slot; /* taken from the end: slot 0 first */
	return r;
}

int fl_ring_open(const struct fl_ring_spec *spec, struct fl_ring **ret, struct fl_err *err)
{
	struct fl_ring *r;
	int rc;

	if (spec->depth == 0 || spec->depth > FL_RING_DEPTH_MAX)
		return fl_fail(err, -EINVAL, "a ring of depth %u", spec->depth);
	r = allocate(spec);
	if (!r)
		return fl_fail(err, -ENOMEM, "no memory for a ring of depth %u", spec->depth);
	r->halt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->halt_fd < 0) {
		rc = fl_fail(err, -errno, "make an eventfd: %s", strerror(errno));
		goto release_ring;
	}
	rc = setup(r, err);
	if (rc < 0)
		goto close_halt_fd;
	r->file_registered = io_uring_register_files(&r->uring, &spec->fd, 1) == 0;
	*ret = r;
	return 0;

close_halt_fd:
	close(r->halt_fd);
release_ring:
	release(r);
	return rc;
}

void fl_ring_close(struct fl_ring *r)
{
	if (!r)
		return;
	io_uring_queue_exit(&r->uring);
	close(r->halt_fd);
	release(r);
}

/* ---- registered buffers */

static char *block_of(const struct fl_ring *r, unsigned i)
{
	return (char *)r->spec.buffers + i * r->spec.walk.block_bytes;
}

int fl_ring_register_buffers(struct fl_ring *r, struct fl_err *err)
{
	struct iovec *blocks = calloc(r->spec.depth, sizeof(*blocks));
	int rc;

	if (!blocks)
		return fl_fail(err, -ENOMEM, "no memory for a ring of depth %u", r->spec.depth);
	for (unsigned i = 0; i < r->spec.depth; i++)
		blocks[i] = (struct iovec){ block_of(r, i), (size_t)r->spec.walk.block_bytes };
	rc = io_uring_register_buffers(&r->uring, blocks, r->spec.depth);
	free(blocks);
	if (rc == 0) {
		r->buffers_registered = true;
		return 0;
	}
	fl_fail(err, rc, "register %u buffers of %llu bytes with io_uring: %s", r->spec.depth,
		(unsigned long long)r->spec.walk.block_bytes, strerror(-rc));
	return rc;
}

void fl_ring_unregister_buffers(struct fl_ring *r)
{
	if (r->buffers_registered)
		io_uring_unregister_buffers(&r->uring);
	r->buffers_registered = false;
}

/* ---- reading */

static void submit_poll(struct fl_ring *r)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);

	io_uring_prep_poll_add(sqe, r->halt_fd, POLLIN);
	io_uring_sqe_set_data64(sqe, r->spec.depth); /* no slot has this number */
}

int fl_ring_enter(struct fl_ring *r, struct fl_err *err)
{
	/* By number: the shared library of liburing 2.3 does not export io_uring_enable_rings(). */
	int rc = io_uring_register((unsigned)r->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);

	if (rc < 0)
		return fl_fail(err, rc, "enable io_uring: %s", strerror(-rc));
	io_uring_register_ring_fd(&r->uring); /* saves a lookup for each call; refusal (before 5.18) is harmless */
	submit_poll(r);
	return 0;
}

static void prepare_read(struct fl_ring *r, unsigned slot)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring); /* never NULL: the ring has entries() */
	unsigned block_bytes = (unsigned)r->spec.walk.block_bytes;
	uint64_t offset = fl_walk_next(&r->spec.walk);
	int fd = r->file_registered ? 0 : r->spec.fd;

	r->slots[slot] = (struct slot){ .offset = offset };
	if (r->buffers_registered)
		io_uring_prep_read_fixed(sqe, fd, block_of(r, slot), block_bytes, offset, (int)slot);
	else
		io_uring_prep_read(sqe, fd, block_of(r, slot), block_bytes, offset);
	if (r->file_registered)
		sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data64(sqe, slot);
}

static int read_failed(const struct fl_ring *r, unsigned slot, int res, struct fl_err *err)
{
	unsigned long long bytes = r->spec.walk.block_bytes, offset = r->slots[slot].offset;

	if (res < 0)
		return fl_fail(err, res, "read %llu bytes at offset %llu: %s", bytes, offset, strerror(-res));
	return fl_fail(err, -EIO, "short read at offset %llu: %d of %llu bytes", offset, res, bytes);
}

/* One completion: 1 if it is a block that arrived, 0 if it is the halt. */
static int take(struct fl_ring *r, const struct io_uring_cqe *cqe, struct fl_err *err)
{
	unsigned slot = (unsigned)cqe->user_data;

	if (slot == r->spec.depth) {
		r->halted = true;
		return 0;
	}
	r->idle[r->idle_n++] = slot;
	if (cqe->res < 0 || (uint64_t)cqe->res != r->spec.walk.block_bytes)
		return read_failed(r, slot, cqe->res, err);
	r->slots[slot].whole = true;
	return 1;
}

/* At most n of the completions that are there now. Returns how many blocks arrived. */
static int take_some(struct fl_ring *r, uint64_t n, struct fl_err *err)
{
	struct io_uring_cqe *cqe;
	unsigned head, seen = 0;
	int blocks = 0, rc = 0;

	io_uring_for_each_cqe(&r->uring, head, cqe)
	{
		if ((uint64_t)blocks == n)
			break;
		seen++;
		rc = take(r, cqe, err);
		if (rc < 0)
			break;
		blocks += rc;
	}
	io_uring_cq_advance(&r->uring, seen);
	return rc < 0 ? rc : blocks;
}

static int submit_and_wait(struct fl_ring *r, struct fl_err *err)
{
	int rc;

	do
		rc = io_uring_submit_and_wait(&r->uring, 1);
	while (rc == -EINTR);
	if (rc >= 0)
		return 0;
	r->broken = true;
	return fl_fail(err, rc, "submit reads to io_uring: %s", strerror(-rc));
}

int fl_ring_read(struct fl_ring *r, uint64_t n, struct fl_err *err)
{
	while (n > 0 && !r->halted) {
		int rc;

		while (r->idle_n > 0)
			prepare_read(r, r->idle[--r->idle_n]);
		rc = submit_and_wait(r, err);
		if (rc == 0)
			rc = take_some(r, n, err);
		if (rc < 0)
			return rc;
		n -= (unsigned)rc;
	}
	return r->halted ? -ECANCELED : 0;
}

void fl_ring_halt(struct fl_ring *r)
{
	eventfd_write(r->halt_fd, 1);
}

void fl_ring_drain(struct fl_ring *r)
{
	while (!r->broken && r->idle_n < r->spec.depth)
		if (submit_and_wait(r, NULL) == 0)
			take_some(r, r->spec.depth, NULL);
}

/* ---- what was obtained */

const char *fl_ring_features(const struct fl_ring *r)
{
	return r->obtained;
}

bool fl_ring_file_registered(const struct fl_ring *r)
{
	return r->file_registered;
}

bool fl_ring_block(const struct fl_ring *r, unsigned i, const void **ret_data, uint64_t *ret_offset)
{
	if (i >= r->spec.depth || !r->slots[i].whole)
		return false;
	*ret_data = block_of(r, i);
	*ret_offset = r->slots[i].offset;
	return true;
}
