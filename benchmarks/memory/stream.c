/* SPDX-License-Identifier: Apache-2.0 */
/* memory.copy, memory.read, memory.write: how fast all CPUs of one node move bytes within, from or into the memory of
 * one node (its own or another). Payload is counted once, by copy too.
 *
 * Every thread has buffers of its own and goes through them a chunk an op, round and round: a line is met again only
 * after the whole buffer has passed, and no cache may hold a buffer (path/cache.h). What is done with a chunk is what
 * tells the rows apart. */
#include "path/stream.h"
#include "path/cache.h"
#include "path/pattern.h"
#include <errno.h>
#include <feedline/bench.h>
#include <sched.h>
#include <stdlib.h>

enum { CHUNK_BYTES = FL_CACHE_GRAIN };

struct stream_opts {
	const struct fl_device *memory;
	uint64_t size;
};

struct stream_thread {
	char *from, *to; /* stream_state.bytes each; NULL where the row has no such buffer */
	uint64_t at;	 /* offset of the next chunk */
	uint64_t chunks; /* done, in all */
	bool wrong;	 /* a chunk that was read had another sum than what had been put there */
	uint64_t wrong_at;
};

struct stream_state {
	const struct row *row;
	const struct fl_stream_engine *engine;
	uint64_t bytes; /* of one buffer of one thread */
	unsigned threads_n;
	struct stream_thread threads[];
};

/* What a row does. */
struct row {
	bool from, to;									      /* its buffers */
	void (*move)(const struct stream_state *s, unsigned thread, struct stream_thread *t); /* the chunk at t->at */
	int (*check)(const struct stream_state *s, unsigned thread, struct fl_err *err);      /* is it all right? */
};

/* ---- open */

static int allocate(struct stream_state *s, struct fl_lane *lane, int node, struct fl_err *err)
{
	void *from = NULL, *to = NULL;
	int rc = 0;

	if (s->row->from)
		rc = fl_alloc(lane, s->bytes * s->threads_n, node, &from, err);
	if (rc == 0 && s->row->to)
		rc = fl_alloc(lane, s->bytes * s->threads_n, node, &to, err);
	for (unsigned i = 0; i < s->threads_n && rc == 0; i++)
		s->threads[i] = (struct stream_thread){ .from = from ? (char *)from + i * s->bytes : NULL,
							.to = to ? (char *)to + i * s->bytes : NULL };
	return rc;
}

static int open_row(const struct row *row, struct fl_lane *lane, const struct stream_opts *o, void **ret_state,
		    struct fl_err *err)
{
	unsigned threads_n = fl_threads(lane);
	struct stream_state *s = calloc(1, sizeof(*s) + threads_n * sizeof(s->threads[0]));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for %u threads", threads_n);
	*s = (struct stream_state){ .row = row, .engine = fl_stream_best(), .threads_n = threads_n };
	rc = fl_cache_beyond("/sys/devices/system/cpu", sched_getcpu(), threads_n, FL_CACHE_STREAM, o->size, &s->bytes,
			     err);
	if (rc == 0)
		rc = allocate(s, lane, o->memory->node, err);
	if (rc < 0) {
		free(s);
		return rc;
	}
	fl_set_fact(lane, "engine", "%s", s->engine->name);
	if (row->to)
		fl_set_fact(lane, "stores", "%s", s->engine->stores);
	fl_set_fact(lane, "buffer_bytes", "%llu", (unsigned long long)s->bytes);
	*ret_state = s;
	return 0;
}

/* ---- the run */

/* Threads use seeds of their own, so that a chunk that lands in a neighbour's buffer is wrong there. */
static uint64_t seed_of(const struct stream_state *s, unsigned thread)
{
	return 1 + thread * (s->bytes / sizeof(uint64_t));
}

static int stream_enter(void *state, unsigned thread, struct fl_err *err)
{
	struct stream_state *s = state;

	(void)err;
	if (s->row->from)
		fl_pattern_fill(s->threads[thread].from, s->bytes, seed_of(s, thread));
	return 0;
}

static int stream_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct stream_state *s = state;
	struct stream_thread *t = &s->threads[thread];

	(void)err;
	for (uint64_t i = 0; i < n; i++) {
		s->row->move(s, thread, t);
		t->at = t->at + CHUNK_BYTES < s->bytes ? t->at + CHUNK_BYTES : 0;
		t->chunks++;
	}
	did->ops = n;
	did->bytes = n * CHUNK_BYTES;
	return 0;
}

static int stream_verify(void *state, struct fl_err *err)
{
	const struct stream_state *s = state;
	int rc = 0;

	for (unsigned i = 0; i < s->threads_n && rc == 0; i++)
		rc = s->row->check(s, i, err);
	return rc;
}

static void stream_close(void *state)
{
	free(state);
}

/* ---- memory.copy */

static void copy_chunk(const struct stream_state *s, unsigned thread, struct stream_thread *t)
{
	(void)thread;
	s->engine->copy(t->to + t->at, t->from + t->at, CHUNK_BYTES);
}

static int check_copy(const struct stream_state *s, unsigned thread, struct fl_err *err)
{
	const struct stream_thread *t = &s->threads[thread];
	uint64_t copied = t->chunks * CHUNK_BYTES, bytes = copied < s->bytes ? copied : s->bytes;
	size_t right = fl_pattern_check(t->to, bytes, seed_of(s, thread));

	if (right == bytes)
		return 0;
	return fl_fail(err, -EBADMSG, "thread %u: wrong data at offset %zu of its %llu copied bytes", thread, right,
		       (unsigned long long)bytes);
}

static int copy_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	static const struct row row = { .from = true, .to = true, .move = copy_chunk, .check = check_copy };

	return open_row(&row, lane, opts, ret_state, err);
}

/* ---- memory.read: each chunk must have the sum of what was put there, every time */

static void read_chunk(const struct stream_state *s, unsigned thread, struct stream_thread *t)
{
	uint64_t sum = s->engine->read(t->from + t->at, CHUNK_BYTES);

	if (sum == fl_pattern_total(CHUNK_BYTES, seed_of(s, thread) + t->at / sizeof(uint64_t)) || t->wrong)
		return;
	t->wrong = true;
	t->wrong_at = t->at;
}

static int check_read(const struct stream_state *s, unsigned thread, struct fl_err *err)
{
	const struct stream_thread *t = &s->threads[thread];

	if (!t->wrong)
		return 0;
	return fl_fail(err, -EBADMSG, "thread %u: wrong sum of the %d bytes read at offset %llu", thread, CHUNK_BYTES,
		       (unsigned long long)t->wrong_at);
}

static int read_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	static const struct row row = { .from = true, .move = read_chunk, .check = check_read };

	return open_row(&row, lane, opts, ret_state, err);
}

/* ---- memory.write: the word of a chunk is another one each time, so that what the last pass left out is seen */

static uint64_t word_of(const struct stream_state *s, unsigned thread, uint64_t chunk)
{
	return fl_pattern_word(seed_of(s, thread) << 20, chunk);
}

static void write_chunk(const struct stream_state *s, unsigned thread, struct stream_thread *t)
{
	s->engine->write(t->to + t->at, CHUNK_BYTES, word_of(s, thread, t->chunks));
}

static int check_write(const struct stream_state *s, unsigned thread, struct fl_err *err)
{
	const struct stream_thread *t = &s->threads[thread];
	const uint64_t *words = (const void *)t->to;
	uint64_t whole = s->bytes / CHUNK_BYTES, first = t->chunks > whole ? t->chunks - whole : 0;

	for (uint64_t chunk = first; chunk < t->chunks; chunk++) { /* the last one that went there */
		size_t at = chunk % whole * CHUNK_BYTES / sizeof(*words);
		uint64_t word = word_of(s, thread, chunk);

		for (size_t i = at; i < at + CHUNK_BYTES / sizeof(*words); i++)
			if (words[i] != word)
				return fl_fail(err, -EBADMSG, "thread %u: wrong data at offset %zu of its buffer",
					       thread, i * sizeof(*words));
	}
	return 0;
}

static int write_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	static const struct row row = { .to = true, .move = write_chunk, .check = check_write };

	return open_row(&row, lane, opts, ret_state, err);
}

/* ---- declarations */

static const struct fl_field stream_fields[] = {
	FL_FIELD(stream_opts, memory, FL_DEVICE, NULL, "node", "node that holds the buffers; local: that of the CPUs"),
	FL_FIELD(stream_opts, size, FL_BYTES, "0", "0..64GiB",
		 "bytes of one buffer of a thread; 0: well beyond the cache"),
	{ 0 },
};

static const struct fl_metric copy_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER,
	  "payload copied per second: each byte is read once and written once" },
	{ 0 },
};

static const struct fl_metric read_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "bytes read per second" },
	{ 0 },
};

static const struct fl_metric write_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "bytes written per second" },
	{ 0 },
};

#define FACT_ENGINE                                                                                                    \
	{                                                                                                              \
		"engine", true, "instructions that move the data"                                                      \
	}
#define FACT_BUFFER                                                                                                    \
	{                                                                                                              \
		"buffer_bytes", false, "size of each buffer of a thread"                                               \
	}

static const struct fl_fact load_facts[] = { FACT_ENGINE, FACT_BUFFER, { 0 } };

static const struct fl_fact store_facts[] = {
	FACT_ENGINE,
	{ "stores", true, "ordinary ones first read the line that they overwrite, non-temporal ones do not" },
	FACT_BUFFER,
	{ 0 },
};

static const struct fl_flow copy_flows[] = {
	{ "memory", "cpu", 1, NULL },
	{ "cpu", "memory", 1, NULL },
	{ 0 },
};

static const struct fl_flow read_flows[] = {
	{ "memory", "cpu", 1, NULL },
	{ 0 },
};

static const struct fl_flow write_flows[] = {
	{ "cpu", "memory", 1, NULL },
	{ 0 },
};

#define LIKWID(test, streams, where)                                                                                   \
	"likwid-bench -t {engine:avx512=" test "_avx512,avx2=" test "_avx} -s 8 "                                      \
	"-w M{node}:{" streams "*buffer_bytes*cpus_n/1000}kB:{cpus_n}-" where

static const struct fl_peer copy_peer = {
	.tool = "likwid-bench",
	.command = LIKWID("copy_mem", "2", "0:M{memory},1:M{memory}"),
	.prints = "MByte/s:",
	.counts = 2, /* when read and when written */
};

static const struct fl_peer read_peer = {
	.tool = "likwid-bench",
	.command = LIKWID("load", "1", "0:M{memory}"),
	.prints = "MByte/s:",
	.counts = 1,
};

static const struct fl_peer write_peer = {
	.tool = "likwid-bench",
	.command = LIKWID("store_mem", "1", "0:M{memory}"),
	.prints = "MByte/s:",
	.counts = 1,
};

#define STREAM_HOOKS                                                                                                   \
	.opts_bytes = sizeof(struct stream_opts), .fields = stream_fields, .numa = "each", .threads = "cpus",          \
	.enter = stream_enter, .step = stream_step, .verify = stream_verify, .close = stream_close

FL_BENCHES(memory, stream) = {
	{ .name = "memory.copy",
	  .summary = "copies with all CPUs of a node within the memory of a node",
	  .metrics = copy_metrics,
	  .facts = store_facts,
	  .flows = copy_flows,
	  .peer = &copy_peer,
	  .open = copy_open,
	  STREAM_HOOKS },
	{ .name = "memory.read",
	  .summary = "reads with all CPUs of a node from the memory of a node",
	  .metrics = read_metrics,
	  .facts = load_facts,
	  .flows = read_flows,
	  .peer = &read_peer,
	  .open = read_open,
	  STREAM_HOOKS },
	{ .name = "memory.write",
	  .summary = "writes with all CPUs of a node into the memory of a node",
	  .metrics = write_metrics,
	  .facts = store_facts,
	  .flows = write_flows,
	  .peer = &write_peer,
	  .open = write_open,
	  STREAM_HOOKS },
	{ 0 },
};
