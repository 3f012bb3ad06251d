/* SPDX-License-Identifier: Apache-2.0 */
/* rdma/stream_hooks.c: what the stream does. */
#include "path/rdma/events.h"
#include "path/rdma/gpu.h"
#include "path/rdma/post.h"
#include "path/rdma/words.h"
#include "stream.h"
#include <endian.h>
#include <errno.h>
#include <feedline/clock.h>
#include <inttypes.h>
#include <stdlib.h>

/* LATE: after so long what an unreliable transport sent does not come any more. SLOTS_LEAST_MAX: twice the most that
 * depth, or receives, can be. */
enum {
	INITIATOR,
	TARGET,
	LINE_BYTES = 64,
	RECEIVES = 512,
	WHOLE_LISTS = 32,
	SLOTS_LEAST_MAX = 32768,
	LATE_NS = 200000000
};

struct stream_state {
	const struct fl_rdma_stream_opts *opts;
	struct fl_lane *lane;
	enum fl_rdma_kind kind;
	struct fl_rdma_port port;
	struct fl_rdma_memory memory;
	struct fl_rdma_link link;
	struct fl_rdma_data out, in; /* of which this side has the source, the other; alike but for the seed */
	unsigned receives;
	struct fl_rdma_post *posts[FL_RDMA_THREADS_MAX]; /* NULL: this side only has the memory */
	atomic_bool halted;
};

static const char *const roles[] = { "initiator", "target" };

/* The same in both lanes. */
static const uint64_t seed = UINT64_C(0x72646d612e737472);

/* ---- who has what: in its memory the source comes first, then sinks, or what atomics found */

static bool is_atomic(const struct stream_state *s)
{
	return s->kind == FL_RDMA_ADD || s->kind == FL_RDMA_SWAP;
}

static bool is_either(const struct stream_state *s, unsigned role)
{
	return s->opts->direction == FL_RDMA_BOTH || fl_rank(s->lane) == role;
}

static bool initiates(const struct stream_state *s)
{
	return is_either(s, INITIATOR);
}

static bool has_source(const struct stream_state *s)
{
	return !is_atomic(s) && is_either(s, s->kind == FL_RDMA_READ ? TARGET : INITIATOR);
}

static bool has_sinks(const struct stream_state *s)
{
	return is_either(s, s->kind == FL_RDMA_READ ? INITIATOR : TARGET);
}

static bool receives(const struct stream_state *s)
{
	return s->kind == FL_RDMA_SEND && has_sinks(s);
}

/* Where sinks begin, here and, since both sides are alike where both have a source, there. */
static uint64_t sinks_at(const struct stream_state *s)
{
	return s->opts->direction == FL_RDMA_BOTH ? fl_rdma_data_source_bytes(&s->out) : 0;
}

int fl_rdma_stream_probe(const void *opts, struct fl_err *err)
{
	const struct fl_rdma_stream_opts *o = opts;

	return fl_rdma_port_probe(&FL_RDMA_PORT_SPEC(o), false, err);
}

int fl_rdma_stream_probe_atomic(const void *opts, struct fl_err *err)
{
	const struct fl_rdma_stream_opts *o = opts;

	return fl_rdma_port_probe(&FL_RDMA_PORT_SPEC(o), true, err);
}

/* ---- open */

/* Slots that are a line of memory apart where messages tell their number, and a global header before each datagram. */
static void lay_out(struct stream_state *s)
{
	const struct fl_rdma_stream_opts *o = s->opts;
	struct fl_rdma_data d = { .size = is_atomic(s) ? FL_RDMA_WORD_BYTES : o->size, .pairs = (unsigned)o->qps };

	if (o->transport == FL_RDMA_WORD_UD)
		d.lead = LINE_BYTES;
	if (s->kind == FL_RDMA_SEND && o->transport != FL_RDMA_WORD_RC)
		d.stride = (d.lead + d.size + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
	d.unreliable = s->kind == FL_RDMA_WRITE && o->transport == FL_RDMA_WORD_UC;
	s->out = s->in = d;
	s->out.seed = seed + fl_rank(s->lane);
	s->in.seed = seed + 1 - fl_rank(s->lane);
}

/* Receives that the device has room for in the queue of each pair, and for which each completion queue has room beside
 * requests. As many as are in flight at least: where there is not room for these, the link says so. */
static unsigned room_for_receives(const struct stream_state *s)
{
	const struct fl_rdma_stream_opts *o = s->opts;
	const uint64_t pairs = o->threads < o->qps ? o->qps / o->threads : 1, depth = o->depth;
	const uint64_t cqe = (uint64_t)s->port.limits.max_cqe / pairs, wr = (uint64_t)s->port.limits.max_qp_wr;
	uint64_t room = cqe > depth ? cqe - depth : 0;

	room = room < wr ? room : wr;
	return (unsigned)(room > depth ? room : depth);
}

/* As many as a receiver that is held up for a while needs, where the device has room for them; with relaxed ordering
 * each has a place of its own, so there twice what is in flight. The device is given them in lists, which divide
 * their number (path/rdma/receive.c). */
static void choose_receives(struct stream_state *s)
{
	const struct fl_rdma_stream_opts *o = s->opts;
	const unsigned twice = 2 * (unsigned)o->depth, room = room_for_receives(s);

	s->receives = (unsigned)o->receives;
	if (s->receives)
		return;
	s->receives = twice < RECEIVES && !o->relaxed ? RECEIVES : twice;
	if (s->receives <= room)
		return;
	s->receives = room - room % WHOLE_LISTS;
	if (s->receives < o->depth)
		s->receives = room;
}

/* Requests to one place are carried out in order, so that the last one of them is what is there in the end, but where
 * the device may reorder what it writes: there no second one comes to a place before the first is done. Of messages
 * that may be lost in part the place of the next is not looked at (path/rdma/receive.h), so there are others. */
static uint64_t least_slots(const struct stream_state *s)
{
	const struct fl_rdma_stream_opts *o = s->opts;
	const uint64_t least = s->kind == FL_RDMA_SEND && o->transport == FL_RDMA_WORD_UC ? 2 : 1;
	const uint64_t in_flight = s->kind == FL_RDMA_SEND ? s->receives : o->depth;

	return o->relaxed && in_flight > least ? in_flight : least;
}

static const char *why_slots(const struct stream_state *s, uint64_t least)
{
	if (s->opts->relaxed)
		return "with relaxed ordering all that are in flight need places of their own";
	return least == 1 ? "each queue pair needs a place for one"
			  : "each queue pair needs a place for a message, and one for what may be lost in part";
}

static int set_slots(struct stream_state *s, uint64_t bytes, uint64_t least, struct fl_err *err)
{
	const struct fl_rdma_stream_opts *o = s->opts;
	const uint64_t slot = fl_rdma_data_stride(&s->out) * o->qps;
	int rc;

	s->out.slots = bytes / slot;
	if (s->out.slots < least && o->buffer) {
		rc = fl_fail(err, -EINVAL, "buffers of %" PRIu64 " bytes have not room for %" PRIu64 " requests", bytes,
			     least * o->qps);
		fl_hint(err, "%s: ask for buffers of %" PRIu64 " bytes, or for %s", why_slots(s, least), least * slot,
			o->relaxed ? "less in flight" : "smaller requests");
		return rc;
	}
	if (s->out.slots < least)
		s->out.slots = least;
	s->in.slots = s->out.slots;
	return 0;
}

static uint64_t more_of(uint64_t a, uint64_t b)
{
	a = be64toh(a);
	b = be64toh(b);
	return a > b ? a : b;
}

/* Caches differ: buffers are beyond the larger one. So does what devices have room for, and with it how many places
 * there have to be: as many on both sides, or what goes where is not the same. */
static int agree_in_buffer(struct stream_state *s, struct fl_err *err)
{
	const struct fl_rdma_stream_opts *o = s->opts;
	struct {
		uint64_t bytes, least;
	} said = { .least = htobe64(least_slots(s)) }, all[2];
	uint64_t bytes, least;
	int rc = fl_rdma_beyond(o->memory, o->buffer, &bytes, err);

	if (rc < 0)
		return rc;
	said.bytes = htobe64(bytes);
	rc = fl_allgather(s->lane, "buffers", &said, sizeof(said), all, err);
	if (rc < 0)
		return rc;
	bytes = more_of(all[0].bytes, all[1].bytes);
	least = more_of(all[0].least, all[1].least);
	if (bytes > UINT64_C(1) << 40 || least > SLOTS_LEAST_MAX)
		return fl_fail(err, -EPROTO,
			       "the other side wants buffers of %" PRIu64 " bytes, and places for %" PRIu64 " requests",
			       bytes, least);
	return set_slots(s, bytes, least, err);
}

/* What the other side does with the memory here. It reads it, too, to be sure that what it did before is there
 * (path/rdma/post.h). */
static unsigned rights_of(const struct stream_state *s)
{
	if (!is_either(s, TARGET))
		return 0;
	switch (s->kind) {
	case FL_RDMA_WRITE:
		return FL_RDMA_WRITABLE | FL_RDMA_READABLE;
	case FL_RDMA_READ:
		return FL_RDMA_READABLE;
	case FL_RDMA_SEND:
		return 0;
	default:
		return FL_RDMA_ATOMIC | FL_RDMA_READABLE;
	}
}

static int make_memory(struct stream_state *s, struct fl_err *err)
{
	const struct fl_rdma_stream_opts *o = s->opts;
	struct fl_rdma_memory_spec spec = { .lane = s->lane,
					    .port = &s->port,
					    .bytes = FL_RDMA_SPARE_BYTES,
					    .way = (enum fl_rdma_way)o->gpu_memory,
					    .rights = rights_of(s),
					    .relaxed = o->relaxed };
	int rc;

	spec.bytes += has_source(s) ? fl_rdma_data_source_bytes(&s->out) : 0;
	spec.bytes += has_sinks(s) ? fl_rdma_data_sink_bytes(&s->in) : 0;
	spec.bytes += is_atomic(s) && initiates(s) ? o->qps * o->depth * FL_RDMA_WORD_BYTES : 0;
	rc = fl_rdma_memory_on(o->memory, &spec, &s->memory, err);
	if (rc == 0 && has_source(s))
		rc = fl_rdma_bytes_fill(&s->memory, 0, fl_rdma_data_source_bytes(&s->out), fl_rdma_data_make, &s->out,
					err);
	if (rc == 0 && is_atomic(s) && has_sinks(s))
		rc = fl_rdma_bytes_fill(&s->memory, 0, fl_rdma_data_sink_bytes(&s->in), fl_rdma_words_make, &s->in,
					err);
	return rc;
}

static int make_link(struct stream_state *s, struct fl_err *err)
{
	static const enum fl_rdma_transport transports[] = { FL_RDMA_RC, FL_RDMA_UC, FL_RDMA_UD };
	const struct fl_rdma_stream_opts *o = s->opts;
	const struct fl_rdma_link_spec spec = { .lane = s->lane,
						.roles = roles,
						.port = &s->port,
						.memory = &s->memory,
						.pairs = (unsigned)o->qps,
						.threads = (unsigned)o->threads,
						.depth = (unsigned)o->depth,
						.receives = receives(s) ? s->receives : 0,
						.inline_bytes = o->inlined ? (unsigned)o->size : 0,
						.transport = transports[o->transport],
						.traffic_class = (unsigned)o->traffic_class,
						.service_level = (unsigned)o->service_level,
						.events = o->completion == FL_RDMA_EVENT };

	return fl_rdma_link_make(&spec, &s->link, err);
}

static struct fl_rdma_post_spec post_of(struct stream_state *s, unsigned thread)
{
	const struct fl_rdma_stream_opts *o = s->opts;
	struct fl_rdma_post_spec spec = { .link = &s->link,
					  .memory = &s->memory,
					  .data = &s->out,
					  .halted = &s->halted,
					  .thread = thread,
					  .kind = initiates(s) ? s->kind : FL_RDMA_NONE,
					  .depth = (unsigned)o->depth,
					  .list = (unsigned)o->list,
					  .signal = (unsigned)o->signal,
					  .inlined = o->inlined,
					  .receives = receives(s) ? s->receives : 0,
					  .sinks = sinks_at(s) };

	if (s->kind == FL_RDMA_READ)
		spec.here = sinks_at(s);
	else
		spec.there = sinks_at(s);
	return spec;
}

/* Nobody sends before there are receives on the other side. */
static int make_posts(struct stream_state *s, struct fl_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < s->link.threads && (initiates(s) || receives(s)) && rc == 0; i++) {
		const struct fl_rdma_post_spec spec = post_of(s, i);

		rc = fl_rdma_post_open(&spec, &s->posts[i], err);
	}
	return rc == 0 && s->kind == FL_RDMA_SEND ? fl_barrier(s->lane, "receives posted", err) : rc;
}

static void state_facts(const struct stream_state *s)
{
	fl_rdma_port_state(&s->port, s->lane);
	fl_rdma_memory_state(&s->memory, s->lane);
	fl_rdma_link_state(&s->link, s->lane);
	if (s->kind == FL_RDMA_WRITE)
		fl_set_fact(s->lane, "counts", "%s",
			    s->opts->transport == FL_RDMA_WORD_UC ? "what was sent" : "what arrived");
	fl_set_fact(s->lane, "buffer_bytes", "%" PRIu64, fl_rdma_data_sink_bytes(&s->in));
	if (s->kind == FL_RDMA_SEND)
		fl_set_fact(s->lane, "receives", "%u", s->receives);
	if (is_atomic(s))
		fl_rdma_port_state_atomics(&s->port, s->lane);
}

void fl_rdma_stream_close(void *state)
{
	struct stream_state *s = state;

	fl_rdma_link_close(&s->link);
	fl_rdma_memory_release(&s->memory);
	fl_rdma_port_close(&s->port);
	for (unsigned i = 0; i < FL_RDMA_THREADS_MAX; i++)
		fl_rdma_post_close(s->posts[i]);
	free(s);
}

static int make_all(struct stream_state *s, struct fl_err *err)
{
	const struct fl_rdma_port_spec port = FL_RDMA_PORT_SPEC(s->opts);
	int rc = fl_rdma_port_open(&port, &s->port, err);

	if (rc == 0 && is_atomic(s))
		rc = fl_rdma_port_atomics(&s->port, err);
	if (rc == 0) {
		choose_receives(s);
		rc = agree_in_buffer(s, err);
	}
	if (rc == 0)
		rc = make_memory(s, err);
	if (rc == 0)
		rc = make_link(s, err);
	return rc == 0 ? make_posts(s, err) : rc;
}

static int stream_open(struct fl_lane *lane, const struct fl_rdma_stream_opts *o, enum fl_rdma_kind kind,
		       void **ret_state, struct fl_err *err)
{
	struct stream_state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	s->opts = o;
	s->lane = lane;
	s->kind = kind;
	lay_out(s);
	rc = make_all(s, err);
	if (rc < 0) {
		fl_rdma_stream_close(s);
		return rc;
	}
	state_facts(s);
	*ret_state = s;
	return 0;
}

int fl_rdma_stream_open_write(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	return stream_open(lane, opts, FL_RDMA_WRITE, ret_state, err);
}

int fl_rdma_stream_open_read(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	return stream_open(lane, opts, FL_RDMA_READ, ret_state, err);
}

int fl_rdma_stream_open_send(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	return stream_open(lane, opts, FL_RDMA_SEND, ret_state, err);
}

int fl_rdma_stream_open_atomic(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct fl_rdma_stream_opts *o = opts;

	return stream_open(lane, o, o->op == FL_RDMA_OP_SWAP ? FL_RDMA_SWAP : FL_RDMA_ADD, ret_state, err);
}

/* ---- the run */

int fl_rdma_stream_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct stream_state *s = state;
	int rc;

	if (!s->posts[thread])
		return FL_IDLE;
	rc = fl_rdma_post_move(s->posts[thread], n, &did->ops, err);
	if (rc < 0)
		return rc == -ECANCELED ? rc : fl_rdma_events_judge(&s->port, rc, err);
	did->bytes = did->ops * s->out.size;
	return 0;
}

void fl_rdma_stream_halt(void *state)
{
	atomic_store(&((struct stream_state *)state)->halted, true);
}

void fl_rdma_stream_leave(void *state, unsigned thread)
{
	struct stream_state *s = state;

	if (s->posts[thread])
		fl_rdma_post_drain(s->posts[thread]);
}

/* ---- what both say in the end */

struct total {
	uint64_t made[FL_RDMA_PAIRS_MAX], taken[FL_RDMA_PAIRS_MAX]; /* requests, messages of each queue pair */
	uint64_t all_done;					    /* 1: none failed or is still under way */
};

static struct fl_rdma_done done_of(const struct stream_state *s, unsigned pair)
{
	const struct fl_rdma_post *post = s->posts[pair / s->link.share];

	return post ? fl_rdma_post_done(post, pair) : (struct fl_rdma_done){ .all = true };
}

static struct total total_of(const struct stream_state *s)
{
	struct total t = { .all_done = 1 };

	for (unsigned i = 0; i < s->link.pairs; i++) {
		const struct fl_rdma_done done = done_of(s, i);

		t.all_done &= done.all;
		t.made[i] = htobe64(done.made);
		t.taken[i] = htobe64(done.taken);
	}
	t.all_done = htobe64(t.all_done);
	return t;
}

static void state_messages(const struct stream_state *s, const struct total *other)
{
	uint64_t sent = 0, taken = 0, dry = 0;

	for (unsigned i = 0; i < s->link.pairs; i++) {
		const struct fl_rdma_done done = done_of(s, i);

		dry += done.dry;
		taken += done.taken;
		sent += be64toh(other->made[i]);
	}
	fl_set_fact(s->lane, "ran_dry", "%" PRIu64, dry);
	if (s->opts->transport != FL_RDMA_WORD_RC && sent >= taken)
		fl_set_fact(s->lane, "lost", "%" PRIu64 " of %" PRIu64, sent - taken, sent);
}

/* What failed on this side in the end. */
static int cause_of(const struct stream_state *s, struct fl_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < s->link.threads && rc == 0 && s->posts[i]; i++)
		rc = fl_rdma_post_cause(s->posts[i], err);
	return rc;
}

/* Did something fail on the other side, which says why? */
static int is_under_way(const struct stream_state *s, const struct total *all, struct fl_err *err)
{
	int rc;

	if (be64toh(all[0].all_done) && be64toh(all[1].all_done))
		return 0;
	rc = fl_fail(err, -ETIMEDOUT, "not all that was under way in the end was done, says %s", s->link.peer);
	fl_hint(err, "is that host, or the network between, still there?");
	return rc;
}

/* Of messages: none came that was not sent, and where the transport is reliable each one did. */
static int hold_against(const struct stream_state *s, unsigned pair, uint64_t sent, struct fl_err *err)
{
	const uint64_t taken = done_of(s, pair).taken;
	int rc;

	if (taken == sent || (taken < sent && s->opts->transport != FL_RDMA_WORD_RC))
		return 0;
	rc = fl_fail(err, -EBADMSG, "queue pair %u: %" PRIu64 " messages came of %" PRIu64 " that %s sent", pair, taken,
		     sent, s->link.peer);
	fl_hint(err, "a device loses or repeats what its transport says is reliable: the kernel log may have more, or "
		     "its firmware is to be updated");
	return rc;
}

/* ---- is it right? */

static int check_pair(const struct stream_state *s, unsigned pair, struct fl_rdma_view *sinks, uint64_t made,
		      uint64_t made_there, struct fl_err *err)
{
	const struct fl_rdma_done done = done_of(s, pair);
	int rc;

	switch (s->kind) {
	case FL_RDMA_WRITE:
		return fl_rdma_data_check(&s->in, pair, sinks, made_there, err);
	case FL_RDMA_READ:
		return fl_rdma_data_check(&s->in, pair, sinks, made, err);
	case FL_RDMA_SEND:
		rc = hold_against(s, pair, made_there, err);
		if (rc < 0 || !done.said)
			return rc < 0 ? rc : fl_rdma_data_check(&s->in, pair, sinks, done.taken, err);
		return fl_rdma_data_check_said(&s->in, pair, sinks, done.said, made_there, err);
	default:
		return fl_rdma_words_check(&s->in, pair, sinks, made_there, err);
	}
}

static int check_sinks(const struct stream_state *s, struct fl_rdma_view *sinks, const struct total *all,
		       struct fl_err *err)
{
	const unsigned rank = fl_rank(s->lane);
	int rc = 0;

	for (unsigned i = 0; i < s->link.pairs && rc == 0; i++)
		rc = check_pair(s, i, sinks, be64toh(all[rank].made[i]), be64toh(all[1 - rank].made[i]), err);
	return rc;
}

static int check_answers(const struct stream_state *s, struct fl_rdma_view *answers, const struct total *mine,
			 struct fl_err *err)
{
	const unsigned depth = (unsigned)s->opts->depth;
	int rc = 0;

	for (unsigned i = 0; i < s->link.pairs && rc == 0; i++)
		rc = fl_rdma_words_check_answers(&s->out, i, answers, depth, be64toh(mine->made[i]), err);
	return rc;
}

static int check_all(const struct stream_state *s, const struct total *all, struct fl_err *err)
{
	struct fl_rdma_view view;
	int rc;

	if (!has_sinks(s) && !is_atomic(s))
		return 0;
	rc = fl_rdma_view_open(&s->memory, sinks_at(s), &view, err);
	if (rc < 0)
		return rc;
	if (is_atomic(s) && initiates(s))
		rc = check_answers(s, &view, &all[fl_rank(s->lane)], err);
	else
		rc = check_sinks(s, &view, all, err);
	fl_rdma_view_close(&view);
	return rc;
}

static int check_end(const struct stream_state *s, struct fl_err *err)
{
	struct total mine = total_of(s), all[2];
	int cause = cause_of(s, err); /* stands, also where the other side is lost by now */
	int rc = fl_allgather(s->lane, "totals", &mine, sizeof(mine), all, cause < 0 ? NULL : err);

	if (cause < 0 || rc < 0)
		return cause < 0 ? cause : rc;
	if (receives(s))
		state_messages(s, &all[1 - fl_rank(s->lane)]);
	rc = is_under_way(s, all, err);
	if (rc < 0)
		return rc;
	/* Nobody tells when an unreliable write has come: what is not there yet may be on its way. */
	if (s->kind == FL_RDMA_WRITE && s->opts->transport == FL_RDMA_WORD_UC && check_all(s, all, NULL) < 0)
		fl_sleep_until(fl_now_ns() + LATE_NS);
	return check_all(s, all, err);
}

int fl_rdma_stream_verify(void *state, struct fl_err *err)
{
	struct stream_state *s = state;

	return fl_rdma_events_judge(&s->port, check_end(s, err), err);
}
