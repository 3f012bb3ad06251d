/* SPDX-License-Identifier: Apache-2.0 */
/* path/pass.c: spans are given out by a counter; within a span a thread keeps its slots busy. */
#include "path/pass.h"
#include "path/io.h"
#include <errno.h>
#include <feedline/block.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t unsafe_bytes_max = UINT64_C(64) << 20; /* what may wait in the page cache for the drive */

/* Files that are written in full and wait to be made safe together: the first of them has the file system commit what
 * the others need, too, so that small files do not wait for the drive one by one. Of a thread, and of all. */
enum { SEALED_MAX = 32, SEALED_ALL = 512 };

struct sealed {
	int fd;
	size_t file;
};

/* One thread. fd < 0: it is in no span. */
struct walker {
	char *buffers;
	struct fl_io *io; /* NULL: there is only a last block to write */
	int fd;
	size_t file;
	uint64_t next, end;   /* of the span: what is queued next */
	uint64_t last;	      /* written when all before it is safe; end where there is no such block */
	uint64_t *offset;     /* by slot */
	unsigned *free_slots; /* a stack */
	unsigned free_n;
	uint64_t unsafe_bytes, moved_bytes;
	struct sealed sealed[SEALED_MAX];
	unsigned sealed_n;
	uint64_t sealed_bytes; /* of their last blocks; those before them are safe */
	const char *engine;    /* NULL: it needed none */
};

struct fl_pass {
	struct fl_pass_spec spec;
	uint64_t *first_span; /* of every file, and the number of all */
	atomic_uint_fast64_t next_span;
	atomic_bool halted;
	struct walker *walkers;
};

uint64_t fl_pass_buffer_bytes(uint32_t block_bytes, unsigned depth)
{
	return (uint64_t)block_bytes * depth;
}

/* ---- open */

static uint64_t spans_of(const struct fl_pass_spec *spec, uint64_t bytes)
{
	uint64_t span = spec->work->span_bytes;

	return span ? (bytes + span - 1) / span : 1;
}

static bool make_walker(struct fl_pass *p, unsigned thread)
{
	struct walker *w = &p->walkers[thread];
	unsigned depth = p->spec.depth;

	*w = (struct walker){ .fd = -1 };
	w->buffers = p->spec.buffers + thread * fl_pass_buffer_bytes(p->spec.block_bytes, depth);
	w->offset = calloc(depth, sizeof(*w->offset));
	w->free_slots = calloc(depth, sizeof(*w->free_slots));
	if (!w->offset || !w->free_slots)
		return false;
	while (w->free_n < depth) {
		w->free_slots[w->free_n] = w->free_n;
		w->free_n++;
	}
	return true;
}

int fl_pass_open(const struct fl_pass_spec *spec, struct fl_pass **ret, struct fl_err *err)
{
	struct fl_pass *p = calloc(1, sizeof(*p));
	bool whole = p != NULL;

	if (p) {
		p->spec = *spec;
		p->first_span = calloc(spec->set->files_n + 1, sizeof(*p->first_span));
		p->walkers = calloc(spec->threads, sizeof(*p->walkers));
		whole = p->first_span && p->walkers;
	}
	for (unsigned i = 0; whole && i < spec->threads; i++)
		whole = make_walker(p, i);
	if (!whole) {
		fl_pass_close(p);
		return fl_fail(err, -ENOMEM, "no memory for %zu files and %u threads", spec->set->files_n,
			       spec->threads);
	}
	for (size_t i = 0; i < spec->set->files_n; i++)
		p->first_span[i + 1] = p->first_span[i] + spans_of(spec, spec->set->files[i].bytes);
	*ret = p;
	return 0;
}

void fl_pass_close(struct fl_pass *pass)
{
	if (!pass)
		return;
	for (unsigned i = 0; pass->walkers && i < pass->spec.threads; i++) {
		free(pass->walkers[i].offset);
		free(pass->walkers[i].free_slots);
	}
	free(pass->walkers);
	free(pass->first_span);
	free(pass);
}

uint64_t fl_pass_moved_bytes(const struct fl_pass *pass)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < pass->spec.threads; i++)
		bytes += pass->walkers[i].moved_bytes;
	return bytes;
}

const char *fl_pass_engine(const struct fl_pass *pass)
{
	for (unsigned i = 0; i < pass->spec.threads; i++)
		if (pass->walkers[i].engine)
			return pass->walkers[i].engine;
	if (!fl_pass_moved_bytes(pass))
		return "none";
	return "pwrite"; /* reads always have an engine */
}

/* ---- from span to span */

static int name_failure(const struct fl_pass *p, size_t file, uint64_t offset, int code, struct fl_err *err)
{
	fl_fail(err, code, "%s '%s/%s' at offset %llu: %s", p->spec.work->write ? "write" : "read", p->spec.dir,
		p->spec.set->files[file].name, (unsigned long long)offset, strerror(-code));
	if (code == -ENOSPC || code == -EDQUOT)
		fl_hint(err, "make room and make the data again: what is complete is kept");
	return code;
}

/* The file that a span is of: the last one that begins at it or before. */
static size_t file_of(const struct fl_pass *p, uint64_t span)
{
	size_t low = 0, high = p->spec.set->files_n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (p->first_span[middle] <= span)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static int open_engine(struct fl_pass *p, struct walker *w, struct fl_err *err)
{
	uint64_t blocks = (w->end - w->next + p->spec.block_bytes - 1) / p->spec.block_bytes;
	struct iovec memory = { w->buffers, (size_t)fl_pass_buffer_bytes(p->spec.block_bytes, p->spec.depth) };
	struct fl_io_spec spec = {
		.buffers = FL_IO_PLAIN, /* to register them takes longer than a small file */
		.depth = blocks < p->spec.depth ? (unsigned)blocks : p->spec.depth,
		.fds = &w->fd,
		.fds_n = 1,
		.memory = &memory,
		.memory_n = 1,
	};
	int rc = fl_io_open(&spec, &w->io, err);

	if (rc == 0)
		rc = fl_io_enter(w->io, err);
	if (rc == 0)
		w->engine = fl_io_engine_name(w->io);
	return rc;
}

static int leave_span(struct walker *w)
{
	int rc = 0;

	fl_io_close(w->io);
	w->io = NULL;
	if (w->fd >= 0 && close(w->fd) < 0)
		rc = -errno;
	w->fd = -1;
	return rc;
}

/* All that are sealed, also after the first that fails. */
static int make_sealed_safe(const struct fl_pass *p, struct walker *w, struct fl_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < w->sealed_n; i++) {
		const struct sealed *file = &w->sealed[i];
		int code = fsync(file->fd) < 0 ? -errno : 0;

		if (close(file->fd) < 0 && code == 0)
			code = -errno;
		if (code < 0 && rc == 0)
			rc = name_failure(p, file->file, p->spec.set->files[file->file].bytes, code, err);
	}
	w->sealed_n = 0;
	w->sealed_bytes = 0;
	return rc;
}

/* The file of the span is written. */
static int seal(const struct fl_pass *p, struct walker *w, uint32_t bytes, struct fl_err *err)
{
	unsigned most = SEALED_ALL / p->spec.threads;

	w->sealed[w->sealed_n++] = (struct sealed){ w->fd, w->file };
	w->sealed_bytes += bytes;
	w->fd = -1;
	if (w->sealed_n < most && w->sealed_n < SEALED_MAX && w->sealed_bytes < unsafe_bytes_max)
		return 0;
	return make_sealed_safe(p, w, err);
}

/* Into the next span that has something to do; 1: there is none, and all is safe. */
static int enter_span(struct fl_pass *p, unsigned thread, struct fl_err *err)
{
	const struct fl_pass_spec *s = &p->spec;
	struct walker *w = &p->walkers[thread];
	uint64_t span = atomic_fetch_add(&p->next_span, 1), end, size;
	int rc;

	if (span >= p->first_span[s->set->files_n]) {
		rc = make_sealed_safe(p, w, err);
		return rc < 0 ? rc : 1;
	}
	w->file = file_of(p, span);
	size = end = s->set->files[w->file].bytes;
	w->next = (span - p->first_span[w->file]) * s->work->span_bytes;
	rc = s->work->open(s->arg, thread, w->file, w->next, &w->fd, &end, err);
	if (rc < 0 || w->fd < 0)
		return rc;
	w->end = s->work->span_bytes && size - w->next > s->work->span_bytes ? w->next + s->work->span_bytes : size;
	if (w->end > end)
		w->end = end;
	if (w->next >= w->end) {
		leave_span(w); /* the file ends before it */
		return 0;
	}
	w->last = s->work->write ? (w->end - 1) / s->block_bytes * s->block_bytes : w->end;
	w->unsafe_bytes = 0;
	return w->next < w->last ? open_engine(p, w, err) : 0;
}

/* ---- within a span */

static uint32_t bytes_at(const struct fl_pass *p, const struct walker *w, uint64_t offset)
{
	return w->end - offset < p->spec.block_bytes ? (uint32_t)(w->end - offset) : p->spec.block_bytes;
}

static void queue_next(struct fl_pass *p, unsigned thread)
{
	struct walker *w = &p->walkers[thread];
	unsigned slot = w->free_slots[--w->free_n];
	char *data = w->buffers + (uint64_t)slot * p->spec.block_bytes;
	uint32_t bytes = bytes_at(p, w, w->next);
	struct fl_io_request r = {
		.write = p->spec.work->write, .bytes = bytes, .offset = w->next, .data = data, .tag = slot
	};

	if (r.write)
		p->spec.work->block(p->spec.arg, thread, w->file, w->next, data, bytes);
	w->offset[slot] = w->next;
	fl_io_queue(w->io, &r);
	w->next += bytes;
}

/* What the kernel left over of a request: the rest says why. */
static int move_rest(const struct fl_pass *p, const struct walker *w, uint64_t offset, char *data, uint32_t done,
		     uint32_t bytes, struct fl_err *err)
{
	while (done < bytes) {
		uint64_t at = offset + done;
		ssize_t n = p->spec.work->write ? pwrite(w->fd, data + done, bytes - done, (off_t)at)
						: pread(w->fd, data + done, bytes - done, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return name_failure(p, w->file, at, -errno, err);
		if (n == 0)
			return fl_fail(err, -EIO, "'%s/%s' ends at offset %llu while it is used", p->spec.dir,
				       p->spec.set->files[w->file].name, (unsigned long long)at);
		done += (uint32_t)n;
	}
	return 0;
}

static int take_done(struct fl_pass *p, unsigned thread, const struct fl_io_done *done, struct fl_step *did,
		     struct fl_err *err)
{
	struct walker *w = &p->walkers[thread];
	unsigned slot = (unsigned)done->tag;
	uint64_t offset = w->offset[slot];
	uint32_t bytes = bytes_at(p, w, offset);
	char *data = w->buffers + (uint64_t)slot * p->spec.block_bytes;
	int rc;

	if (done->bytes < 0)
		return name_failure(p, w->file, offset, done->bytes, err);
	rc = move_rest(p, w, offset, data, (uint32_t)done->bytes, bytes, err);
	if (rc < 0)
		return rc;
	if (!p->spec.work->write)
		p->spec.work->block(p->spec.arg, thread, w->file, offset, data, bytes);
	w->free_slots[w->free_n++] = slot;
	w->unsafe_bytes += bytes;
	w->moved_bytes += bytes;
	did->ops++;
	did->bytes += bytes;
	return 0;
}

static int make_safe(const struct fl_pass *p, struct walker *w, struct fl_err *err)
{
	w->unsafe_bytes = 0;
	return fdatasync(w->fd) < 0 ? name_failure(p, w->file, w->next, -errno, err) : 0;
}

/* Nothing is in flight. A written file gets its last block now, when all before it is safe, so that one of the right
 * size is a complete one whatever happened to who wrote it. */
static int write_last(struct fl_pass *p, unsigned thread, struct fl_step *did, struct fl_err *err)
{
	struct walker *w = &p->walkers[thread];
	uint32_t bytes = bytes_at(p, w, w->last);
	int rc = w->last > 0 ? make_safe(p, w, err) : 0;

	if (rc < 0)
		return rc;
	p->spec.work->block(p->spec.arg, thread, w->file, w->last, w->buffers, bytes);
	rc = move_rest(p, w, w->last, w->buffers, 0, bytes, err);
	if (rc < 0)
		return rc;
	did->ops++;
	did->bytes += bytes;
	w->moved_bytes += bytes;
	return seal(p, w, bytes, err);
}

static int end_span(struct fl_pass *p, unsigned thread, struct fl_step *did, struct fl_err *err)
{
	struct walker *w = &p->walkers[thread];
	int rc = p->spec.work->write ? write_last(p, thread, did, err) : 0;

	if (rc < 0)
		return rc;
	rc = leave_span(w);
	return rc < 0 ? name_failure(p, w->file, w->last, rc, err) : 0;
}

static int move_on(struct fl_pass *p, unsigned thread, struct fl_step *did, struct fl_err *err)
{
	enum { DONE_MAX = 64 };
	struct walker *w = &p->walkers[thread];
	struct fl_io_done done[DONE_MAX];
	int n, rc = 0;

	while (w->free_n && w->next < w->last)
		queue_next(p, thread);
	if (!w->io || fl_io_in_flight(w->io) == 0)
		return end_span(p, thread, did, err);
	n = fl_io_wait(w->io, 1, done, DONE_MAX, err);
	for (int i = 0; i < n && rc == 0; i++)
		rc = take_done(p, thread, &done[i], did, err);
	if (n >= 0 && rc == 0 && p->spec.work->write && w->unsafe_bytes > unsafe_bytes_max)
		rc = make_safe(p, w, err);
	return n < 0 ? n : rc;
}

int fl_pass_step(struct fl_pass *pass, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct walker *w = &pass->walkers[thread];
	int rc = 0;

	while (did->ops < n && rc == 0) {
		if (atomic_load_explicit(&pass->halted, memory_order_relaxed))
			return -ECANCELED;
		rc = w->fd < 0 ? enter_span(pass, thread, err) : move_on(pass, thread, did, err);
	}
	if (rc > 0)
		return did->ops ? 0 : FL_IDLE;
	return rc;
}

/* A wait ends when the drive answers, which is soon or never. */
void fl_pass_halt(struct fl_pass *pass)
{
	atomic_store(&pass->halted, true);
}

void fl_pass_leave(struct fl_pass *pass, unsigned thread)
{
	struct walker *w = &pass->walkers[thread];

	if (w->io)
		fl_io_drain(w->io);
	(void)leave_span(w);
	(void)make_sealed_safe(pass, w, NULL); /* they pass for complete ones */
}
