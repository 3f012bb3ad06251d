/* SPDX-License-Identifier: Apache-2.0 */
/* rdma/stream_hooks.c: what the stream does. */
#include "path/cache.h"
#include "path/rdma/post.h"
#include "stream.h"
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>

enum { INITIATOR, TARGET };

struct stream_state {
	const struct fl_rdma_stream_opts *opts;
	struct fl_lane *lane;
	enum ibv_wr_opcode opcode;
	struct fl_rdma_port port;
	struct fl_rdma_memory memory;
	struct fl_rdma_link link;
	struct fl_rdma_data data;
	struct fl_rdma_post *post; /* of the initiator */
	atomic_bool halted;
};

static const char *const roles[] = { "initiator", "target" };

/* The same in both lanes. */
static const uint64_t seed = UINT64_C(0x72646d612e737472);

static bool has_source(const struct stream_state *s)
{
	return fl_rank(s->lane) == (s->opcode == IBV_WR_RDMA_READ ? TARGET : INITIATOR);
}

int fl_rdma_stream_probe(const void *opts, struct fl_err *err)
{
	const struct fl_rdma_stream_opts *o = opts;
	const struct fl_rdma_port_spec spec = FL_RDMA_PORT_SPEC(o);
	struct fl_rdma_port port;
	int rc = fl_rdma_port_open(&spec, &port, err);

	if (rc == 0)
		fl_rdma_port_close(&port);
	return rc;
}

/* ---- open */

/* Caches differ: buffers are beyond the larger one. */
static int agree_in_buffer(struct stream_state *s, struct fl_err *err)
{
	const struct fl_rdma_stream_opts *o = s->opts;
	uint64_t bytes, said, all[2], most;
	int rc = fl_cache_beyond("/sys/devices/system/cpu", sched_getcpu(), 1, FL_CACHE_STREAM, o->buffer, &bytes, err);

	said = htobe64(rc == 0 ? bytes : 0);
	if (rc == 0)
		rc = fl_allgather(s->lane, "buffers", &said, sizeof(said), all, err);
	if (rc < 0)
		return rc;
	most = be64toh(all[0]) > be64toh(all[1]) ? be64toh(all[0]) : be64toh(all[1]);
	if (most > UINT64_C(1) << 40)
		return fl_fail(err, -EPROTO, "the other side wants buffers of %" PRIu64 " bytes", most);
	s->data = (struct fl_rdma_data){ .size = o->size, .pairs = (unsigned)o->qps, .seed = seed };
	s->data.slots = most / (o->size * o->qps);
	if (s->data.slots == 0)
		s->data.slots = 1;
	return 0;
}

static int make_memory(struct stream_state *s, struct fl_err *err)
{
	const bool reads = s->opcode == IBV_WR_RDMA_READ;
	struct fl_rdma_memory_spec spec = { .lane = s->lane,
					    .port = &s->port,
					    .node = s->opts->memory->node,
					    .rights = reads ? FL_RDMA_READABLE : FL_RDMA_WRITABLE,
					    .relaxed = s->opts->relaxed };
	int rc;

	spec.bytes = has_source(s) ? fl_rdma_data_source_bytes(&s->data) : fl_rdma_data_sink_bytes(&s->data);
	if (fl_rank(s->lane) == INITIATOR)
		spec.rights = 0; /* nobody but its own device needs it */
	rc = fl_rdma_memory_make(&spec, &s->memory, err);
	if (rc == 0 && has_source(s))
		fl_rdma_data_fill(&s->data, s->memory.at);
	return rc;
}

static int make_link(struct stream_state *s, struct fl_err *err)
{
	const struct fl_rdma_stream_opts *o = s->opts;
	const struct fl_rdma_link_spec spec = { .lane = s->lane,
						.roles = roles,
						.port = &s->port,
						.memory = &s->memory,
						.pairs = (unsigned)o->qps,
						.depth = (unsigned)o->depth,
						.inline_bytes = o->inlined ? (unsigned)o->size : 0,
						.transport = o->transport == FL_RDMA_WORD_UC ? FL_RDMA_UC : FL_RDMA_RC,
						.traffic_class = (unsigned)o->traffic_class,
						.events = o->completion == FL_RDMA_EVENT };

	return fl_rdma_link_make(&spec, &s->link, err);
}

static int make_requests(struct stream_state *s, struct fl_err *err)
{
	const struct fl_rdma_stream_opts *o = s->opts;
	const struct fl_rdma_post_spec spec = { .link = &s->link,
						.memory = &s->memory,
						.data = &s->data,
						.halted = &s->halted,
						.opcode = s->opcode,
						.depth = (unsigned)o->depth,
						.list = (unsigned)o->list,
						.signal = (unsigned)o->signal,
						.inlined = o->inlined };

	return fl_rank(s->lane) == INITIATOR ? fl_rdma_post_open(&spec, &s->post, err) : 0;
}

static void state_facts(const struct stream_state *s)
{
	char interface[IF_NAMESIZE];

	if (s->port.gid.ndev_ifindex && if_indextoname(s->port.gid.ndev_ifindex, interface))
		fl_set_fact(s->lane, "interface", "%s", interface);
	fl_rdma_port_state(&s->port, s->lane);
	fl_rdma_memory_state(&s->memory, s->lane);
	fl_rdma_link_state(&s->link, s->lane);
	fl_set_fact(s->lane, "buffer_bytes", "%" PRIu64, fl_rdma_data_sink_bytes(&s->data));
}

void fl_rdma_stream_close(void *state)
{
	struct stream_state *s = state;

	fl_rdma_link_close(&s->link);
	fl_rdma_memory_release(&s->memory);
	fl_rdma_port_close(&s->port);
	fl_rdma_post_close(s->post);
	free(s);
}

static int stream_open(struct fl_lane *lane, const struct fl_rdma_stream_opts *o, enum ibv_wr_opcode opcode,
		       void **ret_state, struct fl_err *err)
{
	const struct fl_rdma_port_spec port = FL_RDMA_PORT_SPEC(o);
	struct stream_state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	s->opts = o;
	s->lane = lane;
	s->opcode = opcode;
	rc = fl_rdma_port_open(&port, &s->port, err);
	if (rc == 0)
		rc = agree_in_buffer(s, err);
	if (rc == 0)
		rc = make_memory(s, err);
	if (rc == 0)
		rc = make_link(s, err);
	if (rc == 0)
		rc = make_requests(s, err);
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
	return stream_open(lane, opts, IBV_WR_RDMA_WRITE, ret_state, err);
}

int fl_rdma_stream_open_read(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	return stream_open(lane, opts, IBV_WR_RDMA_READ, ret_state, err);
}

/* ---- the run */

int fl_rdma_stream_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct stream_state *s = state;
	int rc;

	(void)thread;
	if (!s->post)
		return FL_IDLE;
	rc = fl_rdma_post_move(s->post, n, &did->ops, err);
	if (rc == 0)
		did->bytes = did->ops * s->data.size;
	return rc;
}

void fl_rdma_stream_halt(void *state)
{
	atomic_store(&((struct stream_state *)state)->halted, true);
}

void fl_rdma_stream_leave(void *state, unsigned thread)
{
	struct stream_state *s = state;

	(void)thread;
	if (s->post)
		fl_rdma_post_drain(s->post);
}

/* ---- is it right? */

struct total {
	uint64_t done[FL_RDMA_PAIRS_MAX];
	uint64_t all_done; /* 1: none failed or is still under way */
};

static struct total total_of(const struct stream_state *s)
{
	struct total t = { .all_done = 1 };

	for (unsigned i = 0; i < s->data.pairs && s->post; i++) {
		uint64_t done = 0;

		t.all_done &= fl_rdma_post_done(s->post, i, &done);
		t.done[i] = htobe64(done);
	}
	t.all_done = htobe64(t.all_done);
	return t;
}

int fl_rdma_stream_verify(void *state, struct fl_err *err)
{
	const struct stream_state *s = state;
	struct total mine = total_of(s), all[2];
	int rc = fl_allgather(s->lane, "totals", &mine, sizeof(mine), all, err);

	if (rc < 0)
		return rc;
	if (!be64toh(all[INITIATOR].all_done)) {
		rc = fl_fail(err, -ETIMEDOUT, "not all requests that were under way in the end were done");
		fl_hint(err, "is that host, or the network between, still there?");
		return rc;
	}
	for (unsigned i = 0; i < s->data.pairs && rc == 0 && !has_source(s); i++)
		rc = fl_rdma_data_check(&s->data, i, s->memory.at, be64toh(all[INITIATOR].done[i]), err);
	return rc;
}
