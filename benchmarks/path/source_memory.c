/* SPDX-License-Identifier: Apache-2.0 */
/* path/source_memory.c: sources whose chunks lie in memory for ever, made of blocks: dram offers them as fast as they
 * are taken, paced on a schedule, resident not at all, since they are in the accelerator's memory already. */
#include "path/cache.h"
#include "path/pause.h"
#include "path/random.h"
#include "path/source.h"
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

/* A batch of the paced source arrives in groups of chunks, so that it need not sleep for each of them; the last one is
 * complete when the batch is due. */
static const double group_ns = 250e3;
enum { group_max = 1024 };

struct memory_source {
	struct fl_source base;
	uint64_t seed;
	char *memory;
	uint64_t chunks;   /* that `memory` holds */
	uint64_t seq;	   /* the next one */
	unsigned resident; /* of the resident source: batches in the accelerator's memory */
	struct fl_pause pause;
	/* Of the paced source: the batch that it is at. */
	double pace_ns, jitter, due_ns, interval_ns;
	uint64_t waited_ns; /* for its turns, as far as due_ns has been put off for it */
	uint64_t random, group;
};

static struct memory_source *memory_of(struct fl_source *s)
{
	return (struct memory_source *)s;
}

/* ---- open */

static void memory_close(struct fl_source *s)
{
	fl_queue_free(s->turns);
	fl_queue_free(s->out);
	free(s);
}

/* Groups of a paced source are pushed at once, as far as that is sensible. */
static uint64_t queue_depth(const struct fl_source *s, const struct fl_pipe_spec *spec)
{
	uint64_t group = s->kind != &fl_source_paced ? 0 : s->shape.chunks < group_max ? s->shape.chunks : group_max;

	return group > spec->depth ? group : spec->depth;
}

/* Larger than every cache, so that the stage reads from DRAM. */
static int make_chunks(struct memory_source *s, const struct fl_pipe_spec *spec, struct fl_lane *lane,
		       struct fl_err *err)
{
	const uint64_t block = spec->block, depth = queue_depth(&s->base, spec);
	struct fl_origin origin = { .seed = s->seed };
	uint64_t least;
	void *memory;
	int rc = fl_cache_beyond("/sys/devices/system/cpu", sched_getcpu(), 1, FL_CACHE_STREAM, 0, &least, err);

	if (rc < 0)
		return rc;
	s->chunks = (least + block - 1) / block;
	rc = fl_alloc(lane, s->chunks * block, -1, &memory, err);
	if (rc < 0)
		return rc;
	s->memory = memory;
	s->base.memory_bytes = s->chunks * block;
	fl_blocks_fill(memory, s->base.memory_bytes, &origin);
	rc = fl_queue_create(depth, sizeof(struct fl_chunk), &s->base.out, err);
	if (rc < 0)
		return rc;
	fl_queue_set_refill(s->base.out, depth / 2);
	return fl_source_set_ahead(&s->base, spec->prefetch + 1, err);
}

static int memory_open(const struct fl_source_kind *kind, const struct fl_pipe_spec *spec, const struct fl_shape *shape,
		       struct fl_lane *lane, struct fl_source **ret, struct fl_err *err)
{
	struct memory_source *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for a source");
	s->base = (struct fl_source){ .kind = kind, .shape = *shape, .described = true, .name = "memory" };
	s->resident = spec->prefetch + 2;
	s->pace_ns = (double)spec->pace_ns;
	s->jitter = spec->jitter;
	s->seed = fl_block_mix(spec->accelerator + UINT64_C(1));
	s->random = s->seed | 1;
	if (kind != &fl_source_resident)
		rc = make_chunks(s, spec, lane, err);
	if (rc < 0) {
		memory_close(&s->base);
		return rc;
	}
	*ret = &s->base;
	return 0;
}

static struct fl_origin memory_origin(const struct fl_source *source, uint64_t seq)
{
	const struct memory_source *s = (const struct memory_source *)source;

	return (struct fl_origin){ .seed = s->seed, .offset = seq % s->chunks * s->base.shape.block };
}

static uint64_t memory_waited_ns(const struct fl_source *s)
{
	return fl_queue_push_waited_ns(s->out) + fl_queue_pop_waited_ns(s->turns);
}

/* ---- dram */

/* 1: pushed; 0: it waited for its neighbours until until_ns. */
static int push_next(struct memory_source *s, uint64_t until_ns)
{
	struct fl_chunk chunk = { .seq = s->seq, .data = s->memory + s->seq % s->chunks * s->base.shape.block };
	int rc = fl_source_begin(&s->base, s->seq, until_ns);

	if (rc == 0)
		rc = fl_queue_push_until(s->base.out, &chunk, until_ns);
	if (rc < 0)
		return rc == -ETIMEDOUT ? 0 : rc;
	s->seq++;
	return 1;
}

static int dram_produce(struct fl_source *s, uint64_t until_ns, struct fl_err *err)
{
	(void)err;
	return push_next(memory_of(s), until_ns);
}

static int dram_open(const struct fl_pipe_spec *spec, const struct fl_shape *shape, struct fl_lane *lane,
		     struct fl_source **ret, struct fl_err *err)
{
	return memory_open(&fl_source_dram, spec, shape, lane, ret, err);
}

const struct fl_source_kind fl_source_dram = {
	.open = dram_open,
	.produce = dram_produce,
	.waited_ns = memory_waited_ns,
	.origin = memory_origin,
	.close = memory_close,
};

/* ---- paced: a batch takes its time, whenever it has its turn. What it is late for another reason (woken late, or its
 * chunks were not taken) does not add up, but it makes up for no more than a pace of it: else one long pause would be
 * followed by a rate above the one that is stated as its cap. */

static void next_batch(struct memory_source *s, uint64_t now_ns)
{
	double groups;

	s->interval_ns = s->pace_ns * (1 - s->jitter + s->jitter * fl_random_exponential(&s->random));
	if (s->seq == 0)
		s->due_ns = (double)now_ns;
	if (s->due_ns < (double)now_ns - s->pace_ns)
		s->due_ns = (double)now_ns - s->pace_ns;
	s->due_ns += s->interval_ns;
	groups = s->interval_ns / group_ns;
	s->group = groups < 2 ? s->base.shape.chunks : (uint64_t)((double)s->base.shape.chunks / groups) + 1;
}

/* When the group is due to which chunk `index` of its batch belongs. */
static uint64_t due_ns(const struct memory_source *s, uint64_t index)
{
	uint64_t chunks = s->base.shape.chunks, last = (index / s->group + 1) * s->group;
	double left = last < chunks ? (double)(chunks - last) / (double)chunks : 0;

	return (uint64_t)(s->due_ns - s->interval_ns * left);
}

static void put_off(struct memory_source *s)
{
	uint64_t waited_ns = fl_queue_pop_waited_ns(s->base.turns);

	s->due_ns += (double)(waited_ns - s->waited_ns);
	s->waited_ns = waited_ns;
}

static int paced_produce(struct fl_source *source, uint64_t until_ns, struct fl_err *err)
{
	struct memory_source *s = memory_of(source);
	uint64_t index = s->seq % s->base.shape.chunks, at_ns;
	int rc = fl_source_begin(source, s->seq, until_ns);

	(void)err;
	put_off(s);
	if (rc < 0)
		return rc == -ETIMEDOUT ? 0 : rc;
	if (index == 0 && s->group == 0)
		next_batch(s, fl_now_ns());
	at_ns = due_ns(s, index);
	rc = fl_pause_until(&s->pause, at_ns < until_ns ? at_ns : until_ns);
	if (rc < 0 || at_ns > until_ns)
		return rc;
	rc = push_next(s, until_ns);
	if (rc > 0 && index + 1 == s->base.shape.chunks)
		s->group = 0; /* the next one begins a batch */
	return rc;
}

static int paced_open(const struct fl_pipe_spec *spec, const struct fl_shape *shape, struct fl_lane *lane,
		      struct fl_source **ret, struct fl_err *err)
{
	int rc = memory_open(&fl_source_paced, spec, shape, lane, ret, err);

	if (rc == 0)
		fl_set_cap(lane, "source pace", (double)spec->step_bytes * 1e9 / (double)spec->pace_ns, "computed");
	return rc;
}

static void paced_halt(struct fl_source *s)
{
	fl_pause_halt(&memory_of(s)->pause);
}

const struct fl_source_kind fl_source_paced = {
	.open = paced_open,
	.produce = paced_produce,
	.waited_ns = memory_waited_ns,
	.origin = memory_origin,
	.halt = paced_halt,
	.close = memory_close,
};

/* ---- resident */

static int resident_open(const struct fl_pipe_spec *spec, const struct fl_shape *shape, struct fl_lane *lane,
			 struct fl_source **ret, struct fl_err *err)
{
	if (!spec->closed) {
		fl_fail(err, -EINVAL, "a resident source moves nothing, so there is no rate in open loop");
		return fl_hint(err, "it is the control of a closed loop; choose another source");
	}
	return memory_open(&fl_source_resident, spec, shape, lane, ret, err);
}

/* The accelerator's memory, from its beginning on, is the file. */
static struct fl_origin resident_origin(const struct fl_source *source, uint64_t seq)
{
	const struct memory_source *s = (const struct memory_source *)source;
	const struct fl_shape *shape = &s->base.shape;

	return (struct fl_origin){ .seed = s->seed,
				   .offset = seq / shape->chunks % s->resident * shape->step_bytes +
					     fl_chunk_at(shape, seq) };
}

const struct fl_source_kind fl_source_resident = {
	.open = resident_open,
	.origin = resident_origin,
	.close = memory_close,
};
