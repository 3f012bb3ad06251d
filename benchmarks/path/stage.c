/* SPDX-License-Identifier: Apache-2.0 */
/* path/stage.c: chunks become batches. */
#include "path/stage.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdlib.h>

static void copy(const struct fl_mover *m, void *to, const void *from, uint64_t bytes)
{
	m->engine->copy(to, from, bytes);
}

struct fl_mover fl_mover_copy(void)
{
	const struct fl_stream_engine *engine = fl_stream_best();

	return (struct fl_mover){ .name = engine->name, .move = copy, .engine = engine };
}

int fl_stage_open(const struct fl_shape *shape, unsigned prefetch, const struct fl_source *source, char *memory,
		  struct fl_stage *ret, struct fl_err *err)
{
	struct fl_stage s = { .shape = *shape,
			      .mover = fl_mover_copy(),
			      .in = source->out,
			      .back = source->back,
			      .slots_n = prefetch + 2,
			      .held_max = source->held_max };
	int rc;

	s.memory = memory;
	s.slots = calloc(s.slots_n, sizeof(*s.slots));
	s.held = calloc(s.held_max + 1, sizeof(*s.held));
	if (!s.slots || !s.held) {
		fl_stage_close(&s);
		return fl_fail(err, -ENOMEM, "no memory for a stage");
	}
	for (unsigned i = 0; i < s.slots_n; i++)
		s.slots[i].seq = UINT64_MAX;
	rc = fl_queue_create(prefetch, sizeof(struct fl_batch), &s.out, err);
	if (rc < 0)
		fl_stage_close(&s);
	else
		*ret = s;
	return rc;
}

void fl_stage_close(struct fl_stage *s)
{
	fl_queue_free(s->out);
	free(s->held);
	free(s->slots);
	*s = (struct fl_stage){ 0 };
}

/* ---- chunks */

static struct fl_batch_slot *slot_of(const struct fl_stage *s, uint64_t batch)
{
	return &s->slots[batch % s->slots_n];
}

/* The sink has one batch in its hands; all before that one are done with. */
static bool has_place(const struct fl_stage *s, uint64_t batch)
{
	return batch <= fl_queue_popped(s->out) + s->slots_n - 2;
}

static void see_whether_complete(struct fl_stage *s)
{
	const struct fl_batch_slot *slot = slot_of(s, s->batch);

	if (s->ready_ns == 0 && slot->seq == s->batch && slot->chunks == s->shape.chunks)
		s->ready_ns = fl_now_ns();
}

static int move_chunk(struct fl_stage *s, const struct fl_chunk *chunk)
{
	uint64_t batch = chunk->seq / s->shape.chunks, bytes = fl_chunk_bytes(&s->shape, chunk->seq);
	struct fl_batch_slot *slot = slot_of(s, batch);
	char *to = s->memory + batch % s->slots_n * s->shape.step_bytes + fl_chunk_at(&s->shape, chunk->seq);

	if (slot->seq != batch)
		*slot = (struct fl_batch_slot){ .seq = batch };
	fl_chunk_spoil(to, bytes);
	s->mover.move(&s->mover, to, chunk->data, bytes);
	slot->chunks++;
	see_whether_complete(s);
	return s->back ? fl_queue_push(s->back, &chunk->slot) : 0; /* there is room for every slot */
}

/* One chunk that was held and has its place now. 0: there is none. */
static int move_held(struct fl_stage *s)
{
	for (unsigned i = 0; i < s->held_n; i++) {
		struct fl_chunk chunk = s->held[i];
		int rc;

		if (!has_place(s, chunk.seq / s->shape.chunks))
			continue;
		s->held[i] = s->held[--s->held_n];
		rc = move_chunk(s, &chunk);
		return rc < 0 ? rc : 1;
	}
	return 0;
}

static int take_chunk(struct fl_stage *s, uint64_t until_ns)
{
	struct fl_chunk chunk;
	int rc = fl_queue_pop_until(s->in, &chunk, until_ns);

	if (rc < 0)
		return rc == -ETIMEDOUT ? 0 : rc;
	if (has_place(s, chunk.seq / s->shape.chunks)) {
		rc = move_chunk(s, &chunk);
		return rc < 0 ? rc : 1;
	}
	if (s->held_n == s->held_max)
		return -EPROTO; /* more chunks than the source has memory for */
	s->held[s->held_n++] = chunk;
	return 0;
}

/* ---- batches */

static int hand_on(struct fl_stage *s, uint64_t until_ns)
{
	const struct fl_batch batch = { .seq = s->batch, .ready_ns = s->ready_ns };
	int rc = fl_queue_push_until(s->out, &batch, until_ns);

	if (rc < 0)
		return rc;
	s->batch++;
	s->ready_ns = 0;
	see_whether_complete(s); /* the next one may have been complete before it */
	return 0;
}

/* It never waits for a chunk that the source cannot read for want of memory: reads begin in their order, so one of the
 * oldest batch that is missing has its memory already. */
int fl_stage_advance(struct fl_stage *s, uint64_t until_ns)
{
	int rc;

	/* The sink waits for that first of all. */
	if (s->ready_ns) {
		rc = hand_on(s, s->held_n ? 0 : until_ns);
		if (rc != -ETIMEDOUT)
			return rc;
	}
	rc = s->held_n ? move_held(s) : 0;
	if (rc != 0)
		return rc;
	if (!s->ready_ns)
		return take_chunk(s, until_ns);
	rc = s->held_n ? hand_on(s, until_ns) : 0;
	return rc == -ETIMEDOUT ? 0 : rc;
}

uint64_t fl_stage_waited_ns(const struct fl_stage *s)
{
	return fl_queue_pop_waited_ns(s->in) + fl_queue_push_waited_ns(s->out);
}

size_t fl_stage_waiting(const struct fl_stage *s)
{
	return fl_queue_count(s->in) + s->held_n;
}

bool fl_stage_whole(const struct fl_stage *s, unsigned slot, uint64_t *ret_seq)
{
	*ret_seq = s->slots[slot].seq;
	return s->slots[slot].seq != UINT64_MAX && s->slots[slot].chunks == s->shape.chunks;
}
