/* SPDX-License-Identifier: Apache-2.0 */
/* rdma/latency_hooks.c: what the latency rows do. */
#include "latency.h"
#include "path/rdma/events.h"
#include "path/rdma/ping.h"
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { ASKS, ANSWERS };

struct latency_state {
	const struct fl_rdma_latency_opts *opts;
	struct fl_lane *lane;
	enum ibv_wr_opcode opcode;
	uint64_t size;
	struct fl_rdma_port port;
	struct fl_rdma_memory memory;
	struct fl_rdma_link link;
	struct fl_rdma_ping *ping;
	bool inlined;
	atomic_bool halted;
};

/* Both lanes make the trips; else the device of the other one answers. */
static bool is_echoed(const struct latency_state *s)
{
	return s->opcode == IBV_WR_RDMA_WRITE || s->opcode == IBV_WR_SEND;
}

static const char *const *roles_of(const struct latency_state *s)
{
	static const char *const echoed[] = { "pinger", "echo" }, *const asked[] = { "initiator", "target" };

	return is_echoed(s) ? echoed : asked;
}

static bool is_atomic(const struct latency_state *s)
{
	return s->opcode == IBV_WR_ATOMIC_FETCH_AND_ADD || s->opcode == IBV_WR_ATOMIC_CMP_AND_SWP;
}

int fl_rdma_latency_probe(const void *opts, struct fl_err *err)
{
	const struct fl_rdma_latency_opts *o = opts;

	return fl_rdma_port_probe(&FL_RDMA_PORT_SPEC(o), false, err);
}

int fl_rdma_latency_probe_atomic(const void *opts, struct fl_err *err)
{
	const struct fl_rdma_latency_opts *o = opts;

	return fl_rdma_port_probe(&FL_RDMA_PORT_SPEC(o), true, err);
}

/* ---- open */

static int open_port(struct latency_state *s, struct fl_err *err)
{
	const struct fl_rdma_port_spec spec = FL_RDMA_PORT_SPEC(s->opts);
	int rc = fl_rdma_port_open(&spec, &s->port, err);

	return rc == 0 && is_atomic(s) ? fl_rdma_port_atomics(&s->port, err) : rc;
}

/* What is asked for; a wish may come to less. */
static bool asks_inline(const struct latency_state *s)
{
	const unsigned how = s->opts->inlined;

	return is_echoed(s) &&
	       (how == FL_RDMA_INLINE_YES || (how == FL_RDMA_INLINE_AUTO && s->size <= FL_RDMA_INLINE_AUTO_BYTES));
}

static int make_memory(struct latency_state *s, struct fl_err *err)
{
	const struct fl_rdma_memory_spec spec = { .lane = s->lane,
						  .port = &s->port,
						  .bytes = fl_rdma_ping_bytes(s->size),
						  .node = s->opts->memory->node,
						  .rights = fl_rdma_ping_rights(s->opcode, fl_rank(s->lane) == ASKS),
						  .relaxed = s->opts->relaxed };

	return fl_rdma_memory_make(&spec, &s->memory, err);
}

static int make_link(struct latency_state *s, struct fl_err *err)
{
	static const enum fl_rdma_transport transports[] = {
		[FL_RDMA_WORD_RC] = FL_RDMA_RC, [FL_RDMA_WORD_UC] = FL_RDMA_UC, [FL_RDMA_WORD_UD] = FL_RDMA_UD
	};
	const struct fl_rdma_latency_opts *o = s->opts;
	const bool sends = s->opcode == IBV_WR_SEND;
	const struct fl_rdma_link_spec spec = { .lane = s->lane,
						.roles = roles_of(s),
						.port = &s->port,
						.memory = &s->memory,
						.pairs = 1,
						.depth = FL_RDMA_PING_DEPTH,
						.receives = sends ? FL_RDMA_PING_RECEIVES : 0,
						.inline_bytes = asks_inline(s) ? (unsigned)s->size : 0,
						.inline_wish = o->inlined == FL_RDMA_INLINE_AUTO,
						.transport = transports[o->transport],
						.traffic_class = (unsigned)o->traffic_class,
						.service_level = (unsigned)o->service_level,
						.events = o->completion == FL_RDMA_EVENT,
						.apart = sends };

	return fl_rdma_link_make(&spec, &s->link, err);
}

/* Nothing may come before there is a place for it. */
static int make_ping(struct latency_state *s, struct fl_err *err)
{
	struct fl_rdma_ping_spec spec = { .link = &s->link,
					  .memory = &s->memory,
					  .halted = &s->halted,
					  .opcode = s->opcode,
					  .size = s->size,
					  .asks = fl_rank(s->lane) == ASKS };
	int rc;

	s->inlined = asks_inline(s) && s->link.inline_bytes >= s->size;
	spec.inlined = s->inlined;
	rc = fl_rdma_ping_open(&spec, &s->ping, err);
	return rc == 0 ? fl_barrier(s->lane, "places for messages", err) : rc;
}

static void state_facts(const struct latency_state *s)
{
	fl_rdma_port_state(&s->port, s->lane);
	fl_rdma_memory_state(&s->memory, s->lane);
	fl_rdma_link_state(&s->link, s->lane);
	if (is_echoed(s))
		fl_set_fact(s->lane, "inline", "%s", s->inlined ? "yes" : "no");
	if (is_atomic(s))
		fl_rdma_port_state_atomics(&s->port, s->lane);
	fl_set_fact(s->lane, "buffer_bytes", "%" PRIu64, s->memory.bytes);
}

void fl_rdma_latency_close(void *state)
{
	struct latency_state *s = state;

	fl_rdma_link_close(&s->link);
	fl_rdma_memory_release(&s->memory);
	fl_rdma_port_close(&s->port);
	fl_rdma_ping_close(s->ping);
	free(s);
}

static int latency_open(struct fl_lane *lane, const struct fl_rdma_latency_opts *o, enum ibv_wr_opcode opcode,
			void **ret_state, struct fl_err *err)
{
	struct latency_state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	s->opts = o;
	s->lane = lane;
	s->opcode = opcode;
	s->size = is_atomic(s) ? sizeof(uint64_t) : o->size;
	rc = open_port(s, err);
	if (rc == 0)
		rc = make_memory(s, err);
	if (rc == 0)
		rc = make_link(s, err);
	if (rc == 0)
		rc = make_ping(s, err);
	if (rc < 0) {
		fl_rdma_latency_close(s);
		return rc;
	}
	state_facts(s);
	*ret_state = s;
	return 0;
}

int fl_rdma_latency_open_write(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	return latency_open(lane, opts, IBV_WR_RDMA_WRITE, ret_state, err);
}

int fl_rdma_latency_open_read(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	return latency_open(lane, opts, IBV_WR_RDMA_READ, ret_state, err);
}

int fl_rdma_latency_open_send(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	return latency_open(lane, opts, IBV_WR_SEND, ret_state, err);
}

int fl_rdma_latency_open_atomic(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct fl_rdma_latency_opts *o = opts;
	const bool swaps = o->op == FL_RDMA_LATENCY_SWAP;

	return latency_open(lane, o, swaps ? IBV_WR_ATOMIC_CMP_AND_SWP : IBV_WR_ATOMIC_FETCH_AND_ADD, ret_state, err);
}

/* ---- the run */

static int ask(struct latency_state *s, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	const unsigned ways = is_echoed(s) ? 2 : 1;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t ns;
		int rc = fl_rdma_ping_ask(s->ping, &ns, err);

		if (rc < 0)
			return rc;
		fl_hist_add(did->hist[0], ns / ways);
	}
	did->ops = n;
	return 0;
}

static int answer(struct latency_state *s, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	for (uint64_t i = 0; i < n; i++) {
		int rc = fl_rdma_ping_answer(s->ping, err);

		if (rc < 0)
			return rc;
	}
	did->ops = n;
	return 0;
}

int fl_rdma_latency_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct latency_state *s = state;
	int rc;

	(void)thread;
	if (fl_rank(s->lane) != ASKS && !is_echoed(s))
		return FL_IDLE;
	rc = fl_rank(s->lane) == ASKS ? ask(s, n, did, err) : answer(s, n, did, err);
	return rc < 0 && rc != -ECANCELED ? fl_rdma_events_judge(&s->port, rc, err) : rc;
}

void fl_rdma_latency_halt(void *state)
{
	atomic_store(&((struct latency_state *)state)->halted, true);
}

void fl_rdma_latency_leave(void *state, unsigned thread)
{
	struct latency_state *s = state;

	(void)thread;
	if (fl_rank(s->lane) == ASKS)
		fl_rdma_ping_drain(s->ping);
}

/* ---- is it right? */

struct total {
	uint64_t trips, all_done; /* 1: none failed or is still under way */
};

static int check_trips(const struct latency_state *s, uint64_t asked, uint64_t answered, struct fl_err *err)
{
	int rc;

	if (!is_echoed(s) || asked <= answered + 1)
		return 0;
	rc = fl_fail(err, -EBADMSG, "%" PRIu64 " messages came back, and the echo sent %" PRIu64, asked, answered);
	fl_hint(err, "a device loses or repeats what its transport says is reliable: the kernel log may have more, or "
		     "its firmware is to be updated");
	return rc;
}

/* Did something fail on the other side, which says why? */
static int is_under_way(const struct latency_state *s, const struct total *all, struct fl_err *err)
{
	int rc;

	if (all[ASKS].all_done && all[ANSWERS].all_done)
		return 0;
	rc = fl_fail(err, -ETIMEDOUT, "not all that was under way in the end was done, says %s", s->link.peer);
	fl_hint(err, "is that host, or the network between, still there?");
	return rc;
}

static int check_end(const struct latency_state *s, struct fl_err *err)
{
	struct total mine = { 0 }, all[2];
	int cause = fl_rdma_ping_cause(s->ping, err); /* stands, also where the other side is lost by now */
	int rc;

	mine.all_done = htobe64(fl_rdma_ping_trips(s->ping, &mine.trips));
	mine.trips = htobe64(mine.trips);
	rc = fl_allgather(s->lane, "totals", &mine, sizeof(mine), all, cause < 0 ? NULL : err);
	if (cause < 0 || rc < 0)
		return cause < 0 ? cause : rc;
	rc = is_under_way(s, all, err);
	if (rc < 0)
		return rc;
	if (fl_rank(s->lane) == ASKS)
		return check_trips(s, be64toh(all[ASKS].trips), be64toh(all[ANSWERS].trips), err);
	return fl_rdma_ping_check(s->ping, be64toh(all[ASKS].trips), err);
}

/* Neither closes before the other has left. */
int fl_rdma_latency_verify(void *state, struct fl_err *err)
{
	struct latency_state *s = state;

	return fl_rdma_events_judge(&s->port, check_end(s, err), err);
}
