/* SPDX-License-Identifier: Apache-2.0 */
/* path/pipe.c: source, stage and sink put together. */
#include "path/pipe.h"
#include "path/sink.h"
#include "path/source.h"
#include "path/stage.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A step of source and stage: at least so long, and at the most so much; the clock is read after so many bytes. */
static const uint64_t least_ns = 2000000, most_ns = 100000000, clock_bytes = 64 << 10;

/* Of what is looked at after the last step, so that it ends soon. */
static const uint64_t full_bytes = UINT64_C(1) << 30;
enum { REREAD_CHUNKS = 8 };

struct fl_pipe {
	struct fl_shape shape;
	struct fl_source *source;
	struct fl_stage stage;
	struct fl_sink sink;
};

/* ---- open */

/* NULL: there is none. */
static const struct fl_source_kind *kind_of(unsigned source)
{
	static const struct fl_source_kind *const kinds[] = {
		[FL_RESIDENT] = &fl_source_resident, [FL_DRAM] = &fl_source_dram,     [FL_CACHED] = &fl_source_cached,
		[FL_BUFFERED] = &fl_source_buffered, [FL_DIRECT] = &fl_source_direct, [FL_PACED] = &fl_source_paced,
	};

	return source < sizeof(kinds) / sizeof(kinds[0]) ? kinds[source] : NULL;
}

static int check(const struct fl_pipe_spec *spec, struct fl_err *err)
{
	const unsigned long long step = spec->step_bytes, block = spec->block;

	if (step == 0 || step % FL_BLOCK_BYTES)
		return fl_fail(err, -EINVAL, "step_bytes %llu is no multiple of %d", step, FL_BLOCK_BYTES);
	if (block == 0 || block % FL_BLOCK_BYTES)
		return fl_fail(err, -EINVAL, "block %llu is no multiple of %d", block, FL_BLOCK_BYTES);
	if (block > step) {
		fl_fail(err, -EINVAL, "a block of %llu bytes is larger than a batch of %llu", block, step);
		return fl_hint(err, "choose a block of at most step_bytes");
	}
	if (spec->accelerator >= spec->accelerators)
		return fl_fail(err, -EINVAL, "there is no accelerator %u among %u", spec->accelerator,
			       spec->accelerators);
	return 0;
}

static int open_source(struct fl_pipe *p, const struct fl_pipe_spec *spec, struct fl_lane *lane, struct fl_err *err)
{
	const struct fl_source_kind *kind = kind_of(spec->source);
	int rc = kind ? kind->open(spec, &p->shape, lane, &p->source, err) : -EINVAL;

	return rc < 0 || p->source ? rc : -EINVAL;
}

/* What a resident batch holds. */
static void fill_resident(const struct fl_pipe *p, char *memory, unsigned slots_n)
{
	struct fl_origin origin = p->source->kind->origin(p->source, 0);

	fl_blocks_fill(memory, slots_n * p->shape.step_bytes, &origin);
}

static int open_rest(struct fl_pipe *p, const struct fl_pipe_spec *spec, struct fl_lane *lane, struct fl_err *err)
{
	const unsigned slots_n = spec->prefetch + 2;
	void *memory;
	int rc = fl_alloc(lane, slots_n * spec->step_bytes, spec->node, &memory, err);

	if (rc == 0 && p->source->out)
		rc = fl_stage_open(&p->shape, spec->prefetch, p->source, memory, &p->stage, err);
	if (rc < 0)
		return rc;
	if (!p->source->out)
		fill_resident(p, memory, slots_n);
	p->sink = (struct fl_sink){ .shape = p->shape,
				    .source = p->source,
				    .in = p->stage.out,
				    .memory = memory,
				    .slots_n = slots_n,
				    .closed = spec->closed,
				    .step_ns = spec->step_ns,
				    .engine = fl_stream_best() };
	return 0;
}

static void state_facts(const struct fl_pipe *p, const struct fl_pipe_spec *spec, struct fl_lane *lane)
{
	uint64_t bytes = p->source->memory_bytes + (spec->prefetch + 2) * spec->step_bytes;

	fl_set_fact(lane, "buffer_bytes", "%llu", (unsigned long long)bytes);
	fl_set_fact(lane, "checked", "%s", !p->source->described ? "no" : spec->closed ? "every byte" : "block heads");
	if (p->source->ahead)
		fl_set_fact(lane, "batches_ahead", "%llu", (unsigned long long)p->source->ahead);
	if (p->source->out)
		fl_set_fact(lane, "copy", "%s", p->stage.mover.name);
}

int fl_pipe_open(const struct fl_pipe_spec *spec, struct fl_lane *lane, struct fl_pipe **ret, struct fl_err *err)
{
	struct fl_pipe *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return fl_fail(err, -ENOMEM, "no memory for the pipeline's state");
	rc = check(spec, err);
	if (rc == 0) {
		p->shape = (struct fl_shape){ spec->step_bytes, spec->block,
					      (spec->step_bytes + spec->block - 1) / spec->block };
		rc = open_source(p, spec, lane, err);
	}
	if (rc == 0)
		rc = open_rest(p, spec, lane, err);
	if (rc) {
		fl_pipe_close(p);
		return rc;
	}
	state_facts(p, spec, lane);
	*ret = p;
	return 0;
}

void fl_pipe_close(void *pipe)
{
	struct fl_pipe *p = pipe;

	if (!p)
		return;
	fl_stage_close(&p->stage);
	if (p->source)
		p->source->kind->close(p->source);
	free(p);
}

/* ---- the run */

int fl_pipe_enter(void *pipe, unsigned thread, struct fl_err *err)
{
	struct fl_pipe *p = pipe;

	if (thread == FL_PIPE_SINK)
		fl_sink_enter(&p->sink);
	if (thread == FL_PIPE_SOURCE && p->source->kind->enter)
		return p->source->kind->enter(p->source, err);
	return 0;
}

/* A step of source or stage: when it began, and what has been done in it. */
struct span {
	uint64_t start_ns, now_ns, chunks, unseen_bytes;
};

static bool goes_on(struct span *s, const struct fl_shape *shape, int chunks)
{
	s->chunks += (unsigned)chunks;
	s->unseen_bytes += (unsigned)chunks * shape->block;
	if (chunks == 0 || s->unseen_bytes >= clock_bytes) {
		s->unseen_bytes = 0;
		s->now_ns = fl_now_ns();
	}
	if (s->now_ns - s->start_ns >= most_ns)
		return false;
	return s->chunks < shape->chunks || s->now_ns - s->start_ns < least_ns;
}

static double busy_share(const struct span *s, uint64_t waited_ns)
{
	double took_ns = (double)(fl_now_ns() - s->start_ns), busy = took_ns - (double)waited_ns;

	return took_ns > 0 && busy > 0 ? busy / took_ns : 0;
}

/* Of this thread. One system call, in a step of at least 2 ms. */
static uint64_t cpu_ns(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double cpu_share(const struct span *s, uint64_t used_ns)
{
	double took_ns = (double)(fl_now_ns() - s->start_ns);

	return (double)used_ns < took_ns ? (double)used_ns / took_ns : 1; /* the two clocks are not read at once */
}

static int step_source(struct fl_pipe *p, double *given, struct fl_err *err)
{
	struct fl_source *source = p->source;
	uint64_t waited_ns = source->kind->waited_ns(source), used_ns = cpu_ns();
	struct span span = { .start_ns = fl_now_ns() };
	int rc;

	span.now_ns = span.start_ns;
	do
		rc = source->kind->produce(source, span.start_ns + most_ns, err);
	while (rc >= 0 && goes_on(&span, &p->shape, rc));
	if (rc < 0)
		return rc;
	given[FL_GIVEN_SOURCE_BUSY] = busy_share(&span, source->kind->waited_ns(source) - waited_ns);
	given[FL_GIVEN_SOURCE_CPU] = cpu_share(&span, cpu_ns() - used_ns);
	return 0;
}

static int step_stage(struct fl_pipe *p, double *given, struct fl_err *err)
{
	uint64_t waited_ns = fl_stage_waited_ns(&p->stage);
	size_t waiting = fl_stage_waiting(&p->stage);
	struct span span = { .start_ns = fl_now_ns() };
	int rc;

	span.now_ns = span.start_ns;
	do
		rc = fl_stage_advance(&p->stage, span.start_ns + most_ns);
	while (rc >= 0 && goes_on(&span, &p->shape, rc));
	if (rc == -EPROTO)
		return fl_fail(err, rc, "the source has more chunks on their way than it said");
	if (rc < 0)
		return rc;
	given[FL_GIVEN_COPY_BUSY] = busy_share(&span, fl_stage_waited_ns(&p->stage) - waited_ns);
	given[FL_GIVEN_WAITING_CHUNKS] = (double)waiting;
	return 0;
}

int fl_pipe_step(void *pipe, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct fl_pipe *p = pipe;
	int rc;

	(void)n; /* 1, as metrics are given */
	if (thread == FL_PIPE_SINK) {
		rc = fl_sink_step(&p->sink, did->given);
		did->ops = rc == 0;
		did->bytes = rc == 0 ? p->shape.step_bytes : 0;
		return rc;
	}
	if (!p->source->out)
		return FL_IDLE;
	return thread == FL_PIPE_SOURCE ? step_source(p, did->given, err) : step_stage(p, did->given, err);
}

void fl_pipe_halt(void *pipe)
{
	struct fl_pipe *p = pipe;

	fl_pause_halt(&p->sink.pause);
	if (p->source->kind->halt)
		p->source->kind->halt(p->source);
	if (!p->source->out)
		return;
	fl_queue_shut(p->source->out);
	if (p->source->back)
		fl_queue_shut(p->source->back);
	if (p->source->turns)
		fl_queue_shut(p->source->turns);
	fl_queue_shut(p->stage.out);
}

void fl_pipe_leave(void *pipe, unsigned thread)
{
	struct fl_pipe *p = pipe;

	if (thread == FL_PIPE_SOURCE && p->source->kind->leave)
		p->source->kind->leave(p->source);
}

/* ---- verify */

static bool is_whole(const struct fl_pipe *p, unsigned slot, uint64_t *ret_seq)
{
	*ret_seq = slot;
	return !p->source->out || fl_stage_whole(&p->stage, slot, ret_seq);
}

/* Data that nobody knows, against the same bytes by another way: the first chunks of one batch. */
static int check_again(const struct fl_pipe *p, uint64_t seq, struct fl_err *err)
{
	struct fl_source *source = p->source;
	char *again = aligned_alloc(FL_BLOCK_BYTES, p->shape.block);
	int rc = 0;

	if (!again)
		return fl_fail(err, -ENOMEM, "no memory for a block");
	for (uint64_t i = 0; rc == 0 && i < p->shape.chunks && i < REREAD_CHUNKS; i++) {
		uint64_t chunk = seq * p->shape.chunks + i;
		struct fl_origin at = source->kind->origin(source, chunk);
		const char *data = p->sink.memory + seq % p->sink.slots_n * p->shape.step_bytes + i * p->shape.block;
		uint64_t bytes = fl_chunk_bytes(&p->shape, i);

		rc = source->kind->reread(source, chunk, again, bytes, err);
		if (rc == 0)
			rc = fl_blocks_compare(data, again, bytes, &at, source->name, err);
	}
	free(again);
	return rc;
}

static int check_memory(const struct fl_pipe *p, struct fl_err *err)
{
	uint64_t bytes = 0, seq;
	int rc = 0;

	for (unsigned slot = 0; rc == 0 && slot < p->sink.slots_n && bytes < full_bytes; slot++) {
		if (!is_whole(p, slot, &seq))
			continue;
		if (p->source->described)
			rc = fl_sink_check(&p->sink, seq, err);
		else if (p->source->kind->reread)
			rc = check_again(p, seq, err);
		bytes += p->shape.step_bytes;
	}
	return rc;
}

int fl_pipe_verify(void *pipe, struct fl_err *err)
{
	struct fl_pipe *p = pipe;
	int rc;

	if (p->sink.wrong.code == 0 && p->sink.batches == 0)
		return fl_fail(err, -ENODATA, "no batch arrived, so nothing can be verified");
	rc = p->sink.wrong.code ? fl_fail(err, p->sink.wrong.code, "%s", p->sink.wrong.what) : check_memory(p, err);
	if (rc == -EBADMSG && p->source->described && p->source->kind->reread)
		fl_hint(err, "'feedline data verify' tells whether the file itself is wrong; if not, its path is");
	if (rc == 0 && p->source->kind->verify)
		rc = p->source->kind->verify(p->source, err);
	return rc;
}
