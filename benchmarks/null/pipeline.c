/* SPDX-License-Identifier: Apache-2.0 */
/* null.pipeline: a data path of three stages without any device: a paced source, a stage that copies, and a timed
 * consumer. What it measures is known beforehand (the slower of source and consumer), so it shows whether the machinery
 * for feeding a GPU measures right: queues, stalls, occupancy, loss.
 *
 *   thread 0: source --queue--> thread 1: stage --queue--> thread 2: consumer
 *
 * Payload is counted at the consumer only. All three sleep when they have nothing to do, so two CPUs are enough. */
#include "path/pattern.h"
#include "path/queue.h"
#include <errno.h>
#include <feedline/bench.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE, STAGE, CONSUMER };

struct pipeline_opts {
	uint64_t batch, pace, consume, depth;
};

/* What travels in the queues; the bytes lie in slot seq modulo slots of the hop's buffer. */
struct batch {
	uint64_t seq, sum;
	uint64_t ready_ns; /* when it was complete at the consumer's end */
};

/* A queue and the memory of its batches. */
struct hop {
	struct fl_queue *queue;
	char *slots;
};

struct pipeline_state {
	const struct pipeline_opts *opts;
	struct hop in, out;
	/* Each is touched by one thread. */
	struct {
		uint64_t due_ns, seq;
	} source;
	struct {
		uint64_t last_end_ns, seq;
	} consumer;
	struct fl_err wrong; /* the first wrong batch that the consumer met */
};

enum { READY_BATCHES }; /* index in fl_step.given */
enum { STALL };		/* index in fl_step.hist */

/* ---- open */

/* One slot in the hands of each side, beside those in the queue. */
static uint64_t slots_of(const struct pipeline_opts *o)
{
	return o->depth + 2;
}

static char *slot_of(const struct pipeline_state *s, const struct hop *hop, uint64_t seq)
{
	return hop->slots + seq % slots_of(s->opts) * s->opts->batch;
}

static int open_hop(struct hop *hop, const struct pipeline_opts *o, struct fl_lane *lane, struct fl_err *err)
{
	void *slots;
	int rc = fl_alloc(lane, slots_of(o) * o->batch, -1, &slots, err);

	if (rc < 0)
		return rc;
	hop->slots = slots;
	return fl_queue_create(o->depth, sizeof(struct batch), &hop->queue, err);
}

static void state_cap(struct fl_lane *lane, const char *name, const struct pipeline_opts *o, uint64_t period_ns)
{
	fl_set_cap(lane, name, (double)o->batch * 1e9 / (double)period_ns, "computed");
}

static void pipeline_close(void *state)
{
	struct pipeline_state *s = state;

	fl_queue_free(s->in.queue);
	fl_queue_free(s->out.queue);
	free(s);
}

static int pipeline_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct pipeline_opts *o = opts;
	struct pipeline_state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the pipeline's state");
	s->opts = o;
	rc = o->batch % sizeof(uint64_t) ? fl_fail(err, -EINVAL, "batch is no multiple of 8 bytes") : 0;
	if (rc == 0)
		rc = open_hop(&s->in, o, lane, err);
	if (rc == 0)
		rc = open_hop(&s->out, o, lane, err);
	if (rc < 0) {
		pipeline_close(s);
		return rc;
	}
	state_cap(lane, "source pace", o, o->pace);
	state_cap(lane, "consumer pace", o, o->consume);
	*ret_state = s;
	return 0;
}

/* ---- the three stages */

/* A batch is due a pace after the one before it. A source that was held up catches up, but never by more than a queue's
 * length of batches: else one long pause would be followed by a rate above the pace that is stated as its cap. */
static uint64_t next_due_ns(uint64_t due_ns, uint64_t now_ns, const struct pipeline_opts *o)
{
	uint64_t slack_ns = o->depth * o->pace;

	if (due_ns == 0)
		return now_ns;
	due_ns += o->pace;
	return now_ns > due_ns + slack_ns ? now_ns - slack_ns : due_ns;
}

static int source_step(struct pipeline_state *s)
{
	uint64_t seq = s->source.seq++;
	char *data = slot_of(s, &s->in, seq);
	struct batch b = { .seq = seq };

	fl_pattern_fill(data, s->opts->batch, seq);
	b.sum = fl_pattern_sum(data, s->opts->batch);
	s->source.due_ns = next_due_ns(s->source.due_ns, fl_now_ns(), s->opts);
	fl_sleep_until(s->source.due_ns);
	return fl_queue_push(s->in.queue, &b);
}

static int stage_step(struct pipeline_state *s)
{
	struct batch b;
	int rc = fl_queue_pop(s->in.queue, &b);

	if (rc < 0)
		return rc;
	memcpy(slot_of(s, &s->out, b.seq), slot_of(s, &s->in, b.seq), s->opts->batch);
	b.ready_ns = fl_now_ns();
	return fl_queue_push(s->out.queue, &b);
}

/* Batches come in order, none missing, none twice, and whole. */
static void check_batch(struct pipeline_state *s, const struct batch *b)
{
	if (b->seq != s->consumer.seq)
		fl_fail(&s->wrong, -EBADMSG, "batch %llu arrived where batch %llu was due", (unsigned long long)b->seq,
			(unsigned long long)s->consumer.seq);
	else if (fl_pattern_sum(slot_of(s, &s->out, b->seq), s->opts->batch) != b->sum)
		fl_fail(&s->wrong, -EBADMSG, "batch %llu arrived with a wrong checksum", (unsigned long long)b->seq);
	s->consumer.seq = b->seq + 1;
}

/* The stall is the time from the end of the previous consume to the batch being ready; waking up comes on top of it and
 * is not the data's fault. Checking the batch is part of consuming it. */
static int consumer_step(struct pipeline_state *s, struct fl_step *did)
{
	size_t ready = fl_queue_count(s->out.queue);
	struct batch b;
	uint64_t start_ns;
	int rc = fl_queue_pop(s->out.queue, &b);

	if (rc < 0)
		return rc;
	start_ns = fl_now_ns();
	if (s->consumer.last_end_ns)
		fl_hist_add(did->hist[STALL],
			    b.ready_ns > s->consumer.last_end_ns ? b.ready_ns - s->consumer.last_end_ns : 0);
	check_batch(s, &b);
	fl_sleep_until(start_ns + s->opts->consume);
	s->consumer.last_end_ns = fl_now_ns();
	did->given[READY_BATCHES] = (double)ready;
	did->ops = 1;
	did->bytes = s->opts->batch;
	return 0;
}

static int pipeline_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct pipeline_state *s = state;

	(void)n; /* 1, as a metric is given */
	(void)err;
	switch (thread) {
	case SOURCE:
		return source_step(s);
	case STAGE:
		return stage_step(s);
	default:
		return consumer_step(s, did);
	}
}

static void pipeline_halt(void *state)
{
	struct pipeline_state *s = state;

	fl_queue_shut(s->in.queue);
	fl_queue_shut(s->out.queue);
}

static int pipeline_verify(void *state, struct fl_err *err)
{
	const struct pipeline_state *s = state;

	return s->wrong.code ? fl_fail(err, s->wrong.code, "%s", s->wrong.what) : 0;
}

/* ---- declarations */

/* By preset the source is the slower one, so the queues are empty and the consumer waits a little for each batch. */
static const struct fl_field pipeline_fields[] = {
	FL_FIELD(pipeline_opts, batch, FL_BYTES, "1MiB", "8..1GiB", "bytes of one batch, a multiple of 8"),
	FL_FIELD(pipeline_opts, pace, FL_NS, "5ms", "10us..1s", "the source offers a batch this often"),
	FL_FIELD(pipeline_opts, consume, FL_NS, "4ms", "10us..1s", "the consumer takes this long for a batch"),
	FL_FIELD(pipeline_opts, depth, FL_COUNT, "4", "1..1024", "batches that each of the two queues holds"),
	{ 0 },
};

static const struct fl_metric pipeline_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload that reached the consumer per second" },
	{ "step_ns", FL_STEP_NS, FL_LOWER, "time of the consumer from batch to batch" },
	{ "stall_ns", FL_DISTRIBUTION, FL_LOWER, "time the consumer had nothing to do before a batch was ready" },
	{ "ready_batches", FL_GIVEN, FL_NEITHER, "batches waiting when the consumer came for one" },
	{ 0 },
};

FL_BENCHES(null, pipeline) = {
	{ .name = "null.pipeline",
	  .summary = "a paced source, a copying stage and a timed consumer, joined by queues",
	  .opts_bytes = sizeof(struct pipeline_opts),
	  .fields = pipeline_fields,
	  .metrics = pipeline_metrics,
	  .threads = "3",
	  .open = pipeline_open,
	  .step = pipeline_step,
	  .halt = pipeline_halt,
	  .verify = pipeline_verify,
	  .close = pipeline_close },
	{ 0 },
};
