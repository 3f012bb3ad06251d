/* SPDX-License-Identifier: Apache-2.0 */
/* path/traffic.c: several threads that each keep `depth` blocks of one target in flight. */
#include "path/traffic.h"
#include "path/stamp.h"
#include "path/walk.h"
#include <errno.h>
#include <feedline/clock.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	struct fl_place at;
	uint64_t number;   /* the how-manieth of the thread it is; written into its blocks */
	uint64_t begun_ns; /* where it is asked for */
	bool whole;	   /* the block was moved and nothing else since */
	/* Those in flight are a ring in the order of their numbers. The last slot, which moves nothing, closes it: its
	 * `later` is the oldest, its `earlier` the newest. */
	unsigned earlier, later;
};

struct thread {
	struct fl_io *io;
	struct fl_walk walk;
	uint64_t may_begin;
	uint64_t begun, moved;
	char *memory;	    /* depth blocks; slot i uses block i */
	struct slot *slots; /* depth, and the one that closes the ring */
	unsigned *idle;	    /* slots not in flight */
	unsigned idle_n;
	struct fl_io_done *done; /* depth */
	/* The first block of feedline/block.h that came and was not the one that was asked for. */
	bool wrong;
	struct fl_place wrong_at;
	uint64_t wrong_data[FL_BLOCK_WORDS];
};

struct fl_traffic {
	struct fl_traffic_spec spec;
	char why_plain[160];
	bool heads; /* of read blocks are looked at as they come */
	unsigned threads_n;
	struct thread threads[];
};

/* ---- open */

static void close_engines(struct fl_traffic *t)
{
	for (unsigned i = 0; i < t->threads_n; i++) {
		fl_io_close(t->threads[i].io);
		t->threads[i].io = NULL;
	}
}

void fl_traffic_close(struct fl_traffic *t)
{
	if (!t)
		return;
	close_engines(t);
	for (unsigned i = 0; i < t->threads_n; i++) {
		free(t->threads[i].slots);
		free(t->threads[i].idle);
		free(t->threads[i].done);
	}
	free(t);
}

/* Two writes of one block at a time, and nobody knows which one is there at the end: so a block is one thread's, comes
 * again when all others did, and waits then for the write before (is_clear). */
static struct fl_walk walk_of(const struct fl_traffic_spec *spec, unsigned thread)
{
	return spec->random && spec->write ? fl_walk_shuffled(spec->target->blocks, thread, spec->threads)
					   : fl_walk_of(spec->target->blocks, thread, spec->threads, spec->random);
}

static void link_slots(struct thread *thread, unsigned earlier, unsigned later)
{
	thread->slots[earlier].later = later;
	thread->slots[later].earlier = earlier;
}

static bool allocate_thread(struct fl_traffic *t, unsigned i)
{
	unsigned depth = t->spec.depth;
	struct thread *thread = &t->threads[i];

	*thread = (struct thread){
		.walk = walk_of(&t->spec, i),
		.may_begin = UINT64_MAX,
		.memory = t->spec.memory + (size_t)i * depth * t->spec.target->block_bytes,
		.slots = calloc(depth + 1, sizeof(*thread->slots)),
		.idle = calloc(depth, sizeof(*thread->idle)),
		.done = calloc(depth, sizeof(*thread->done)),
	};
	if (!thread->slots || !thread->idle || !thread->done)
		return false;
	link_slots(thread, depth, depth);
	for (unsigned slot = depth; slot-- > 0;)
		thread->idle[thread->idle_n++] = slot; /* taken from the end: slot 0 first */
	return true;
}

static int open_engines(struct fl_traffic *t, const int *fds, enum fl_io_buffers buffers, struct fl_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < t->threads_n && rc == 0; i++) {
		const struct iovec memory = { t->threads[i].memory, t->spec.depth * t->spec.target->block_bytes };
		const struct fl_io_spec spec = { .engine = t->spec.engine,
						 .buffers = buffers,
						 .depth = t->spec.depth,
						 .fds = fds,
						 .fds_n = (unsigned)t->spec.target->files_n,
						 .memory = &memory,
						 .memory_n = 1 };

		rc = fl_io_open(&spec, &t->threads[i].io, err);
	}
	if (rc < 0)
		close_engines(t);
	return rc;
}

/* Of a lane of which some threads go the other way, neither would be true. */
static int agree_on_buffers(struct fl_traffic *t, const int *fds, struct fl_err *err)
{
	for (unsigned i = 0; i < t->threads_n; i++)
		if (!fl_io_buffers_registered(t->threads[i].io)) {
			snprintf(t->why_plain, sizeof(t->why_plain), "%s", fl_io_why_plain(t->threads[i].io));
			if (i == 0 || t->spec.buffers == FL_IO_PLAIN)
				return 0; /* what one thread alone was refused, none got */
			close_engines(t);
			return open_engines(t, fds, FL_IO_PLAIN, err);
		}
	return 0;
}

static int open_all(struct fl_traffic *t, struct fl_err *err)
{
	const struct fl_target *target = t->spec.target;
	int *fds = calloc(target->files_n, sizeof(*fds));
	int rc;

	if (!fds)
		return fl_fail(err, -ENOMEM, "no memory for %zu descriptors", target->files_n);
	for (size_t i = 0; i < target->files_n; i++)
		fds[i] = target->files[i].fd;
	rc = open_engines(t, fds, t->spec.buffers, err);
	if (rc == 0)
		rc = agree_on_buffers(t, fds, err);
	free(fds);
	return rc;
}

int fl_traffic_fits(const struct fl_traffic_spec *spec, struct fl_err *err)
{
	uint64_t need = (uint64_t)spec->threads * spec->depth;

	if (spec->target->blocks >= need)
		return 0;
	fl_fail(err, -EINVAL, "%" PRIu64 " blocks of %" PRIu64 " bytes are there, %u x depth %u need %" PRIu64,
		spec->target->blocks, spec->target->block_bytes, spec->threads, spec->depth, need);
	return fl_hint(err, "choose a larger file, or a smaller block, depth or number of threads");
}

int fl_traffic_open(const struct fl_traffic_spec *spec, struct fl_traffic **ret, struct fl_err *err)
{
	struct fl_traffic *t;
	bool whole = true;
	int rc = fl_traffic_fits(spec, err);

	if (rc < 0)
		return rc;
	t = calloc(1, sizeof(*t) + spec->threads * sizeof(t->threads[0]));
	if (!t)
		return fl_fail(err, -ENOMEM, "no memory for %u threads", spec->threads);
	t->spec = *spec;
	t->threads_n = spec->threads;
	t->heads = spec->target->described && !spec->write;
	for (unsigned i = 0; i < t->threads_n && whole; i++)
		whole = allocate_thread(t, i);
	rc = whole ? open_all(t, err) : fl_fail(err, -ENOMEM, "no memory for a depth of %u", spec->depth);
	if (rc < 0) {
		fl_traffic_close(t);
		return rc;
	}
	*ret = t;
	return 0;
}

/* ---- the run */

int fl_traffic_enter(struct fl_traffic *t, unsigned thread, struct fl_err *err)
{
	return fl_io_enter(t->threads[thread].io, err);
}

static void stamp(const struct fl_target *target, struct fl_place at, uint64_t number, char *data)
{
	for (uint64_t i = 0; i < target->block_bytes; i += FL_BLOCK_BYTES)
		fl_stamp((uint64_t *)(data + i), target->seed, number, at.offset + i);
}

static void begin(struct fl_traffic *t, struct thread *thread, unsigned slot)
{
	const struct fl_target *target = t->spec.target;
	struct fl_place at = fl_target_place(target, fl_walk_next(&thread->walk));
	struct fl_io_request request = { .file = at.file,
					 .write = t->spec.write,
					 .bytes = (uint32_t)target->block_bytes,
					 .offset = at.offset,
					 .data = thread->memory + slot * target->block_bytes,
					 .tag = slot };

	thread->slots[slot].at = at;
	thread->slots[slot].number = ++thread->begun;
	thread->slots[slot].whole = false;
	link_slots(thread, thread->slots[t->spec.depth].earlier, slot);
	link_slots(thread, slot, t->spec.depth);
	if (request.write)
		stamp(target, at, thread->begun, request.data);
	fl_io_queue(thread->io, &request);
}

/* Is no write of the block that comes next in flight? It would be the oldest: the one behind it would have waited. */
static bool is_clear(const struct fl_traffic *t, const struct thread *thread)
{
	const unsigned none = t->spec.depth, oldest = thread->slots[none].later;

	return !t->spec.write || oldest == none ||
	       thread->begun + 1 - thread->slots[oldest].number < thread->walk.blocks;
}

static void begin_all(struct fl_traffic *t, struct thread *thread, bool timed)
{
	uint64_t now_ns = timed ? fl_now_ns() : 0;

	while (thread->idle_n > 0 && thread->may_begin > 0 && is_clear(t, thread)) {
		unsigned slot = thread->idle[--thread->idle_n];

		thread->may_begin--;
		thread->slots[slot].begun_ns = now_ns;
		begin(t, thread, slot);
	}
}

static int move_failed(const struct fl_traffic *t, struct fl_place at, int bytes, struct fl_err *err)
{
	const char *verb = t->spec.write ? "write" : "read";
	char file[32] = "";

	if (t->spec.target->files_n > 1)
		snprintf(file, sizeof(file), " of file %u", at.file);
	if (bytes < 0)
		return fl_fail(err, bytes, "%s %" PRIu64 " bytes at offset %" PRIu64 "%s: %s", verb,
			       t->spec.target->block_bytes, at.offset, file, strerror(-bytes));
	return fl_fail(err, -EIO, "short %s at offset %" PRIu64 "%s: %d of %" PRIu64 " bytes", verb, at.offset, file,
		       bytes, t->spec.target->block_bytes);
}

/* Is this the head of the block of that file and offset? */
static inline bool is_head_right(const struct fl_target *t, const uint64_t *word, uint64_t number, uint64_t offset)
{
	return !((word[0] ^ FL_BLOCK_MAGIC) | (word[1] ^ t->seed) | (word[2] ^ number) | (word[3] ^ offset));
}

static void keep_wrong(struct thread *thread, struct fl_place at, const void *data)
{
	if (thread->wrong)
		return;
	thread->wrong = true;
	thread->wrong_at = at;
	memcpy(thread->wrong_data, data, FL_BLOCK_BYTES);
}

/* Is this what was asked for? Its first and its last block tell, for a cache line each. */
static inline void look_at_heads(const struct fl_target *t, struct thread *thread, unsigned slot)
{
	const uint64_t last = t->block_bytes - FL_BLOCK_BYTES;
	const struct fl_place at = thread->slots[slot].at;
	const uint64_t number = t->files[at.file].number;
	const char *data = thread->memory + slot * t->block_bytes;

	if (!is_head_right(t, (const uint64_t *)data, number, at.offset))
		keep_wrong(thread, at, data);
	else if (last && !is_head_right(t, (const uint64_t *)(data + last), number, at.offset + last))
		keep_wrong(thread, (struct fl_place){ at.file, at.offset + last }, data + last);
}

/* Takes what is done; goes on with the rest where one failed, so that every slot is known to be idle. */
static int end_some(struct fl_traffic *t, struct thread *thread, unsigned n, struct fl_hist *latency,
		    struct fl_err *err)
{
	uint64_t now_ns = latency ? fl_now_ns() : 0;
	int rc = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned slot = (unsigned)thread->done[i].tag;

		link_slots(thread, thread->slots[slot].earlier, thread->slots[slot].later);
		thread->idle[thread->idle_n++] = slot;
		if (thread->done[i].bytes < 0 || (uint32_t)thread->done[i].bytes != t->spec.target->block_bytes) {
			rc = move_failed(t, thread->slots[slot].at, thread->done[i].bytes, err);
			continue;
		}
		thread->slots[slot].whole = true;
		if (t->heads)
			look_at_heads(t->spec.target, thread, slot);
		if (latency)
			fl_hist_add(latency, now_ns - thread->slots[slot].begun_ns);
	}
	return rc;
}

int64_t fl_traffic_move(struct fl_traffic *t, unsigned thread, uint64_t n, struct fl_hist *latency, struct fl_err *err)
{
	struct thread *self = &t->threads[thread];
	uint64_t left = n;

	while (left > 0) {
		unsigned most = left < t->spec.depth ? (unsigned)left : t->spec.depth;
		int got, rc;

		begin_all(t, self, latency);
		if (self->idle_n == t->spec.depth)
			break; /* nothing is in flight and nothing may be begun */
		got = fl_io_wait(self->io, 1, self->done, most, err);
		if (got < 0)
			return got;
		rc = end_some(t, self, (unsigned)got, latency, err);
		if (rc < 0)
			return rc;
		left -= (unsigned)got;
	}
	self->moved += n - left;
	return (int64_t)(n - left);
}

void fl_traffic_allow(struct fl_traffic *t, unsigned thread, uint64_t blocks)
{
	t->threads[thread].may_begin = blocks;
}

uint64_t fl_traffic_region(const struct fl_traffic *t, unsigned thread)
{
	return t->threads[thread].walk.blocks;
}

uint64_t fl_traffic_first(const struct fl_traffic *t, unsigned thread)
{
	return t->threads[thread].walk.first;
}

void fl_traffic_halt(struct fl_traffic *t)
{
	for (unsigned i = 0; i < t->threads_n; i++)
		fl_io_halt(t->threads[i].io);
}

/* What was still in flight counts no more, but is there to be checked; its errors come too late to be anybody's. */
void fl_traffic_drain(struct fl_traffic *t, unsigned thread)
{
	struct thread *self = &t->threads[thread];

	end_some(t, self, fl_io_drain_into(self->io, self->done), NULL, NULL);
}

/* ---- what was obtained */

const struct fl_io *fl_traffic_io(const struct fl_traffic *t)
{
	return t->threads[0].io;
}

const char *fl_traffic_why_plain(const struct fl_traffic *t)
{
	return t->why_plain;
}

bool fl_traffic_block(const struct fl_traffic *t, unsigned thread, unsigned slot, struct fl_traffic_block *ret)
{
	const struct thread *from = &t->threads[thread];
	const struct slot *s = &from->slots[slot];

	if (slot >= t->spec.depth || !s->whole)
		return false;
	/* A block that was begun again since, in another slot, has other words by now. */
	if (t->spec.write && from->begun - s->number >= from->walk.blocks)
		return false;
	*ret = (struct fl_traffic_block){ from->memory + slot * t->spec.target->block_bytes, s->at, s->number };
	return true;
}

bool fl_traffic_wrong(const struct fl_traffic *t, unsigned thread, struct fl_traffic_block *ret)
{
	const struct thread *from = &t->threads[thread];

	if (from->wrong)
		*ret = (struct fl_traffic_block){ from->wrong_data, from->wrong_at, 0 };
	return from->wrong;
}

uint64_t fl_traffic_moved(const struct fl_traffic *t)
{
	uint64_t moved = 0;

	for (unsigned i = 0; i < t->threads_n; i++)
		moved += t->threads[i].moved;
	return moved;
}

const struct fl_traffic_spec *fl_traffic_spec(const struct fl_traffic *t)
{
	return &t->spec;
}
