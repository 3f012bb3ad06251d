/* SPDX-License-Identifier: Apache-2.0 */
/* memory.copy: how fast all CPUs of one node copy within the memory of one node (its own or another), payload counted
 * once.
 *
 * Every thread has two buffers and copies one into the other, a chunk an op, round and round: a line is met again
 * only after the whole buffer has passed. No cache may hold a buffer, see choose_size(). */
#include "path/copy.h"
#include "path/cache.h"
#include "path/pattern.h"
#include <errno.h>
#include <feedline/bench.h>
#include <sched.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 1 << 20, LEAST_BYTES = 64 << 20, TIMES_CACHE = 4 };

struct copy_opts {
	const struct fl_device *memory;
	uint64_t size;
};

struct copy_thread {
	char *from, *to; /* copy_state.bytes each */
	uint64_t at;	 /* offset of the next chunk */
	uint64_t copied; /* bytes, in all */
};

struct copy_state {
	const struct fl_copy_engine *engine;
	uint64_t bytes; /* of one buffer of one thread */
	unsigned threads_n;
	struct copy_thread threads[];
};

/* ---- open */

static uint64_t round_up(uint64_t bytes)
{
	return (bytes + CHUNK_BYTES - 1) / CHUNK_BYTES * CHUNK_BYTES;
}

/* The source alone is four times the thread's part of the last-level cache, since non-temporal stores leave all of the
 * cache to it; and 64 MiB at least, which bounds what a wrong idea of the cache can do. A server with 256 threads needs
 * 32 GiB so, a machine with two CPUs 256 MiB. */
static int choose_size(const struct copy_opts *o, unsigned threads, uint64_t *ret, struct fl_err *err)
{
	uint64_t share = fl_cache_share("/sys/devices/system/cpu", sched_getcpu(), threads);
	uint64_t beyond_cache = round_up(TIMES_CACHE * share);

	if (o->size == 0) {
		*ret = beyond_cache > LEAST_BYTES ? beyond_cache : LEAST_BYTES;
		return 0;
	}
	if (o->size % CHUNK_BYTES)
		return fl_fail(err, -EINVAL, "size %llu is no multiple of 1 MiB", (unsigned long long)o->size);
	if (o->size < beyond_cache) {
		fl_fail(err, -EINVAL,
			"buffers of %llu bytes would measure the cache, of which %llu are for each thread",
			(unsigned long long)o->size, (unsigned long long)share);
		return fl_hint(err, "choose a size of at least %llu MiB", (unsigned long long)(beyond_cache >> 20));
	}
	*ret = o->size;
	return 0;
}

static int allocate(struct copy_state *s, struct fl_lane *lane, int node, struct fl_err *err)
{
	void *from, *to;
	int rc = fl_alloc(lane, s->bytes * s->threads_n, node, &from, err);

	if (rc == 0)
		rc = fl_alloc(lane, s->bytes * s->threads_n, node, &to, err);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < s->threads_n; i++)
		s->threads[i] =
			(struct copy_thread){ .from = (char *)from + i * s->bytes, .to = (char *)to + i * s->bytes };
	return 0;
}

static int copy_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct copy_opts *o = opts;
	unsigned threads_n = fl_threads(lane);
	struct copy_state *s = calloc(1, sizeof(*s) + threads_n * sizeof(s->threads[0]));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for %u threads", threads_n);
	*s = (struct copy_state){ .engine = fl_copy_best(), .threads_n = threads_n };
	rc = choose_size(o, threads_n, &s->bytes, err);
	if (rc == 0)
		rc = allocate(s, lane, o->memory->node, err);
	if (rc < 0) {
		free(s);
		return rc;
	}
	fl_set_fact(lane, "engine", "%s", s->engine->name);
	fl_set_fact(lane, "buffer_bytes", "%llu", (unsigned long long)s->bytes);
	*ret_state = s;
	return 0;
}

/* ---- the run */

/* Threads use seeds of their own, so that a chunk that lands in a neighbour's buffer is wrong there. */
static uint64_t seed_of(const struct copy_state *s, unsigned thread)
{
	return 1 + thread * (s->bytes / sizeof(uint64_t));
}

static int copy_enter(void *state, unsigned thread, struct fl_err *err)
{
	struct copy_state *s = state;

	(void)err;
	fl_pattern_fill(s->threads[thread].from, s->bytes, seed_of(s, thread));
	return 0;
}

static int copy_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct copy_state *s = state;
	struct copy_thread *t = &s->threads[thread];

	(void)err;
	for (uint64_t i = 0; i < n; i++) {
		s->engine->copy(t->to + t->at, t->from + t->at, CHUNK_BYTES);
		t->at = t->at + CHUNK_BYTES < s->bytes ? t->at + CHUNK_BYTES : 0;
	}
	t->copied += n * CHUNK_BYTES;
	did->ops = n;
	did->bytes = n * CHUNK_BYTES;
	return 0;
}

static int verify_thread(const struct copy_state *s, unsigned thread, struct fl_err *err)
{
	const struct copy_thread *t = &s->threads[thread];
	uint64_t bytes = t->copied < s->bytes ? t->copied : s->bytes;
	size_t right = fl_pattern_check(t->to, bytes, seed_of(s, thread));

	if (right == bytes)
		return 0;
	return fl_fail(err, -EBADMSG, "thread %u: wrong data at offset %zu of its %llu copied bytes", thread, right,
		       (unsigned long long)bytes);
}

static int copy_verify(void *state, struct fl_err *err)
{
	const struct copy_state *s = state;
	int rc = 0;

	for (unsigned i = 0; i < s->threads_n && rc == 0; i++)
		rc = verify_thread(s, i, err);
	return rc;
}

static void copy_close(void *state)
{
	free(state);
}

/* ---- declarations */

static const struct fl_field copy_fields[] = {
	FL_FIELD(copy_opts, memory, FL_DEVICE, NULL, "node", "node that holds both buffers; local: that of the CPUs"),
	FL_FIELD(copy_opts, size, FL_BYTES, "0", "0..64GiB",
		 "bytes of one buffer of a thread; 0: well beyond the cache"),
	{ 0 },
};

static const struct fl_metric copy_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER,
	  "payload copied per second: each byte is read once and written once" },
	{ 0 },
};

static const struct fl_fact copy_facts[] = {
	{ "engine", true, "instructions that copy" },
	{ "buffer_bytes", false, "size of each of the two buffers of a thread" },
	{ 0 },
};

static const struct fl_flow copy_flows[] = {
	{ "memory", "cpu", 1 },
	{ "cpu", "memory", 1 },
	{ 0 },
};

FL_BENCHES(memory, copy) = {
	{ .name = "memory.copy",
	  .summary = "copies with all CPUs of a node within the memory of a node",
	  .opts_bytes = sizeof(struct copy_opts),
	  .fields = copy_fields,
	  .metrics = copy_metrics,
	  .facts = copy_facts,
	  .flows = copy_flows,
	  .numa = "each",
	  .threads = "cpus",
	  .open = copy_open,
	  .enter = copy_enter,
	  .step = copy_step,
	  .verify = copy_verify,
	  .close = copy_close },
	{ 0 },
};
