/* SPDX-License-Identifier: Apache-2.0 */
/* path/sink.c: the emulated accelerator. */
#include "path/sink.h"
#include <errno.h>
#include <sys/prctl.h>

static const uint64_t spin_ns = 1000000; /* before the end of a step: longer than a CPU takes to wake */

void fl_sink_enter(struct fl_sink *s)
{
	(void)s;
	prctl(PR_SET_TIMERSLACK, 1UL); /* a refusal costs accuracy, which the control shows */
}

/* ---- looking at a batch */

static const char *batch_of(const struct fl_sink *s, uint64_t seq)
{
	return s->memory + seq % s->slots_n * s->shape.step_bytes;
}

enum look { HEADS, SUMS, FULL };

/* One chunk: the offset of its first wrong block; its size: none. */
static uint64_t look_at(const struct fl_sink *s, enum look look, const char *data, uint64_t bytes,
			const struct fl_origin *origin)
{
	switch (look) {
	case HEADS:
		return fl_blocks_heads(data, bytes, origin);
	case SUMS:
		return fl_blocks_sums(s->engine, data, bytes, origin);
	default:
		return fl_blocks_full(data, bytes, origin);
	}
}

static const char *name_of(const struct fl_source *s, uint64_t seq)
{
	return s->kind->file ? s->kind->file(s, seq) : s->name;
}

static int check_batch(const struct fl_sink *s, uint64_t seq, enum look look, struct fl_err *err)
{
	const struct fl_source *source = s->source;

	for (uint64_t i = 0; i < s->shape.chunks; i++) {
		struct fl_origin origin = source->kind->origin(source, seq * s->shape.chunks + i);
		const char *data = batch_of(s, seq) + i * s->shape.block;
		uint64_t bytes = fl_chunk_bytes(&s->shape, i), wrong;

		wrong = look_at(s, look, data, bytes, &origin);
		if (wrong == bytes)
			continue;
		origin.offset += wrong;
		return fl_blocks_explain(data + wrong, &origin, name_of(source, seq * s->shape.chunks + i), err);
	}
	return 0;
}

int fl_sink_check(const struct fl_sink *s, uint64_t seq, struct fl_err *err)
{
	return check_batch(s, seq, FULL, err);
}

/* ---- consuming one */

/* Every byte is read, also of data that nobody knows. The result only keeps the compiler from leaving it out. */
static void read_all(const struct fl_sink *s, uint64_t seq)
{
	volatile uint64_t sum = s->engine->read(batch_of(s, seq), s->shape.step_bytes);

	(void)sum;
}

static void look(struct fl_sink *s, uint64_t seq)
{
	if (s->source->described)
		check_batch(s, seq, s->closed ? SUMS : HEADS, &s->wrong);
	else if (s->closed)
		read_all(s, seq);
}

/* Sleeping is not exact, and spinning takes the CPU from others: the end is spun. */
static int wait_until(const struct fl_sink *s, uint64_t end_ns)
{
	int rc = 0;

	if (fl_now_ns() + spin_ns < end_ns)
		rc = fl_pause_until(&s->pause, end_ns - spin_ns);
	while (rc == 0 && fl_now_ns() < end_ns)
		if (atomic_load_explicit(&s->pause.halted, memory_order_relaxed))
			rc = -ECANCELED;
	return rc;
}

static int consume(struct fl_sink *s, uint64_t seq, uint64_t start_ns)
{
	look(s, seq);
	return s->closed ? wait_until(s, start_ns + s->step_ns) : 0;
}

static double difference(uint64_t to_ns, uint64_t from_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) : 0;
}

/* Waking up after a batch became ready is the sink's own delay, not the data's. */
static void account(const struct fl_sink *s, const struct fl_batch *batch, uint64_t start_ns, double *given)
{
	uint64_t could_ns = batch->ready_ns > s->last_end_ns ? batch->ready_ns : s->last_end_ns;

	if (s->batches == 0)
		return;
	given[FL_GIVEN_STALL_NS] = difference(batch->ready_ns, s->last_end_ns);
	given[FL_GIVEN_GAP_NS] = difference(start_ns, could_ns);
	if (s->in)
		given[FL_GIVEN_DELIVERY_NS] = difference(batch->ready_ns, s->ready_ns);
}

int fl_sink_step(struct fl_sink *s, double *given)
{
	struct fl_batch batch = { .seq = s->batches };
	size_t ready = s->in ? fl_queue_count(s->in) : s->slots_n - 2;
	uint64_t start_ns;
	int rc = atomic_load(&s->pause.halted) ? -ECANCELED : 0;

	if (rc == 0 && s->in)
		rc = fl_queue_take(s->in, &batch);
	if (rc < 0)
		return rc;
	start_ns = fl_now_ns();
	if (s->in)
		fl_queue_taken(s->in); /* waking others is no time in which nothing was begun */
	fl_source_give_turn(s->source);
	account(s, &batch, start_ns, given);
	given[FL_GIVEN_READY_BATCHES] = (double)ready;
	rc = consume(s, batch.seq, start_ns);
	s->last_end_ns = fl_now_ns();
	s->ready_ns = batch.ready_ns;
	s->batches++;
	return rc;
}
