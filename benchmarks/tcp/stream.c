/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.stream: how many bytes TCP brings from one host to another, or both ways at once. Two lanes: the sender connects,
 * the receiver listens; every stream is a connection with a thread on each side. What arrives counts; the sender of one
 * direction counts what the kernel took from it.
 *
 * Every block says which stream it is of and how many bytes come before it (path/tcp_data.h), and in the end both sides
 * hold against each other how much was sent and how much arrived. */
#include "path/tcp.h"
#include "path/tcp_flow.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { ONE, BOTH };
enum { SENDER, RECEIVER };

struct stream_opts {
	const struct fl_device *memory;
	const char *interface;
	uint64_t streams, block, depth;
	unsigned direction, engine, zerocopy; /* the last two: those of path/tcp_flow.h, in their order */
};

struct stream_thread {
	struct fl_tcp_flow *flow;
	struct rusage before;
	uint64_t carried_before;
	uint64_t cpu_ns, user_ns, carried; /* of this thread, while it moved; bytes sent and received meanwhile */
	uint64_t counted;		   /* bytes */
};

struct stream_state {
	const struct stream_opts *opts;
	struct fl_lane *lane;
	struct fl_tcp_spec connect;
	struct fl_tcp_halt halt;
	char peer[FL_TCP_NAME_MAX];
	int fds[FL_TCP_STREAMS_MAX];
	struct stream_thread threads[FL_TCP_STREAMS_MAX];
	uint64_t retransmits_before;
};

static const char *const roles[] = { "sender", "receiver" };

static bool sends(const struct stream_state *s)
{
	return s->opts->direction == BOTH || fl_rank(s->lane) == SENDER;
}

static bool receives(const struct stream_state *s)
{
	return s->opts->direction == BOTH || fl_rank(s->lane) == RECEIVER;
}

/* ---- open */

static void close_flows(struct stream_state *s)
{
	for (unsigned i = 0; i < s->opts->streams; i++)
		fl_tcp_flow_close(s->threads[i].flow);
}

/* Another seed for each stream and direction, the same on both sides. */
static uint64_t seed_of(unsigned stream, unsigned from)
{
	return UINT64_C(0x7463702e73747265) + 2 * stream + from;
}

static int open_flow(struct stream_state *s, unsigned i, char *out, char *in, struct fl_err *err)
{
	const struct stream_opts *o = s->opts;
	const unsigned rank = fl_rank(s->lane);
	struct fl_tcp_flow_spec spec = { .fd = s->fds[i],
					 .peer = s->peer,
					 .halt = &s->halt,
					 .sends = sends(s),
					 .receives = receives(s),
					 .engine = (enum fl_tcp_engine)o->engine,
					 .zerocopy = (enum fl_tcp_zerocopy)o->zerocopy,
					 .block_bytes = o->block,
					 .depth = (unsigned)o->depth,
					 .out_seed = seed_of(i, rank),
					 .in_seed = seed_of(i, 1 - rank) };

	spec.out = out;
	spec.in = in;
	return fl_tcp_flow_open(&spec, &s->threads[i].flow, err);
}

static int open_flows(struct stream_state *s, struct fl_err *err)
{
	const struct stream_opts *o = s->opts;
	const uint64_t out_bytes = sends(s) ? FL_TCP_SPARE * o->depth * o->block : 0;
	const uint64_t in_bytes = receives(s) ? fl_tcp_flow_buffers((unsigned)o->depth) * o->block : 0;
	void *memory = NULL;
	int rc = fl_alloc(s->lane, o->streams * (out_bytes + in_bytes), o->memory->node, &memory, err);

	for (unsigned i = 0; i < o->streams && rc == 0; i++) {
		char *own = (char *)memory + i * (out_bytes + in_bytes);

		rc = open_flow(s, i, own, own + out_bytes, err);
	}
	if (rc < 0)
		close_flows(s);
	return rc;
}

/* Every stream finds its own way. */
static void state_way(const struct stream_state *s, const char *name, const char *(*way)(const struct fl_tcp_flow *))
{
	const char *first = way(s->threads[0].flow);
	bool mixed = false;

	for (unsigned i = 1; i < s->opts->streams; i++)
		mixed |= strcmp(way(s->threads[i].flow), first) != 0;
	fl_set_fact(s->lane, name, "%s", mixed ? "mixed" : first);
}

/* Of the first that has a reason. */
static void state_why(const struct stream_state *s, const char *name, const char *(*why)(const struct fl_tcp_flow *))
{
	for (unsigned i = 0; i < s->opts->streams; i++)
		if (*why(s->threads[i].flow)) {
			fl_set_fact(s->lane, name, "%s", why(s->threads[i].flow));
			return;
		}
}

static int open_all(struct stream_state *s, struct fl_err *err)
{
	int rc = fl_tcp_connect(&s->connect, s->fds, err);

	if (rc < 0)
		return rc;
	rc = open_flows(s, err);
	if (rc < 0) {
		fl_tcp_close(s->fds, s->connect.streams);
		return rc;
	}
	fl_tcp_state(s->fds[0], s->lane);
	state_way(s, "engine", fl_tcp_flow_engine);
	state_why(s, "why_sockets", fl_tcp_flow_why);
	return 0;
}

static int stream_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct stream_opts *o = opts;
	struct stream_state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	s->opts = o;
	s->lane = lane;
	s->connect = (struct fl_tcp_spec){
		.lane = lane, .roles = roles, .interface = o->interface, .streams = (unsigned)o->streams
	};
	if (o->block % FL_BLOCK_BYTES)
		rc = fl_fail(err, -EINVAL, "blocks of %" PRIu64 " bytes are no multiple of %d", o->block,
			     FL_BLOCK_BYTES);
	else
		rc = open_all(s, err);
	if (rc < 0) {
		free(s);
		return rc;
	}
	fl_tcp_name_peer(&s->connect, s->peer);
	s->retransmits_before = fl_tcp_retransmits(s->fds, s->connect.streams);
	*ret_state = s;
	return 0;
}

/* ---- the run */

static uint64_t carried(const struct fl_tcp_flow *flow)
{
	const struct fl_tcp_flow_done done = fl_tcp_flow_done(flow);

	return done.sent + done.received;
}

static int stream_enter(void *state, unsigned thread, struct fl_err *err)
{
	struct stream_thread *t = &((struct stream_state *)state)->threads[thread];
	int rc = fl_tcp_flow_enter(t->flow, err);

	t->carried_before = carried(t->flow);
	getrusage(RUSAGE_THREAD, &t->before);
	return rc;
}

static int stream_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct stream_thread *t = &((struct stream_state *)state)->threads[thread];
	const uint64_t block = ((struct stream_state *)state)->opts->block, before = t->counted / block;
	int rc = fl_tcp_flow_move(t->flow, n, &did->bytes, err);

	if (rc < 0)
		return rc;
	t->counted += did->bytes;
	did->ops = t->counted / block - before;
	return 0;
}

static void stream_halt(void *state)
{
	struct stream_state *s = state;

	atomic_store(&s->halt.halted, true);
	for (unsigned i = 0; i < s->opts->streams; i++)
		fl_tcp_flow_halt(s->threads[i].flow);
}

static uint64_t ns_of(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_usec * 1000;
}

static void stream_leave(void *state, unsigned thread)
{
	struct stream_thread *t = &((struct stream_state *)state)->threads[thread];
	struct rusage now;

	if (getrusage(RUSAGE_THREAD, &now) == 0) {
		t->user_ns = ns_of(&now.ru_utime) - ns_of(&t->before.ru_utime);
		t->cpu_ns = t->user_ns + ns_of(&now.ru_stime) - ns_of(&t->before.ru_stime);
	}
	t->carried = carried(t->flow) - t->carried_before;
	fl_tcp_flow_drain(t->flow);
}

/* ---- what both say in the end */

struct total {
	uint64_t sent[FL_TCP_STREAMS_MAX], received[FL_TCP_STREAMS_MAX];
	uint64_t drained; /* a bit for each stream of which nothing is under way any more, as far as this side knows */
	uint64_t wrong;	  /* 1: something was wrong when it arrived */
	uint64_t retransmits, cpu_ns, user_ns, moved; /* the last three while steps were made */
};

static struct total total_of(const struct stream_state *s)
{
	struct total t = { .retransmits = fl_tcp_retransmits(s->fds, s->connect.streams) - s->retransmits_before };

	for (unsigned i = 0; i < s->opts->streams; i++) {
		struct fl_tcp_flow_done done = fl_tcp_flow_done(s->threads[i].flow);

		t.sent[i] = done.sent;
		t.received[i] = done.received;
		t.drained |= (uint64_t)done.drained << i;
		t.cpu_ns += s->threads[i].cpu_ns;
		t.user_ns += s->threads[i].user_ns;
		t.moved += s->threads[i].carried;
	}
	return t;
}

/* Of the threads that move, not of what the kernel does for them elsewhere. */
static void state_cpu(struct fl_lane *lane, const char *name, const struct total *t)
{
	const double gb = (double)t->moved / 1e9;

	if (gb > 0)
		fl_set_fact(lane, name, "%.3f s per GB (user %.3f s)", (double)t->cpu_ns / 1e9 / gb,
			    (double)t->user_ns / 1e9 / gb);
}

static void state_ways(const struct stream_state *s)
{
	state_way(s, "send", fl_tcp_flow_send);
	state_way(s, "receive", fl_tcp_flow_receive);
	if (sends(s))
		state_why(s, "why_plain", fl_tcp_flow_why_plain);
}

static void state_totals(const struct stream_state *s, const struct total *all)
{
	fl_set_fact(s->lane, "retransmits", "%" PRIu64, all[0].retransmits + all[1].retransmits);
	state_cpu(s->lane, "cpu_sender", &all[SENDER]);
	state_cpu(s->lane, "cpu_receiver", &all[RECEIVER]);
}

/* What was wrong when it arrived is wrong, whatever became of the rest and of the other side. */
static int look_at_arrived(const struct stream_state *s, struct fl_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < s->opts->streams && rc == 0; i++)
		rc = fl_tcp_flow_verdict(s->threads[i].flow, i, err);
	return rc;
}

/* Where something is still under way, neither side knows what the buffers and sums should be. *ret: of which stream. */
static bool is_under_way(const struct stream_state *s, const struct total *all, unsigned *ret)
{
	for (*ret = 0; *ret < s->opts->streams; ++*ret)
		if (!(all[SENDER].drained & all[RECEIVER].drained & UINT64_C(1) << *ret))
			return true;
	return false;
}

static int say_under_way(const struct stream_state *s, unsigned stream, struct fl_err *err)
{
	fl_fail(err, -ETIMEDOUT, "stream %u: not all that was under way in the end came through from or to %s", stream,
		s->peer);
	return fl_hint(err, "is that host, or the network between, still there?");
}

/* What is not all through is not known to be right, and the way is one that changes data. */
static int say_wrong_there(const struct stream_state *s, unsigned stream, struct fl_err *err)
{
	return fl_fail(err, -EBADMSG, "stream %u: not all came through in the end, and %s found wrong data", stream,
		       s->peer);
}

/* Whether all that was sent has arrived, and nothing else. */
static int hold_against(const struct stream_state *s, const struct total *all, struct fl_err *err)
{
	const unsigned rank = fl_rank(s->lane);

	for (unsigned i = 0; i < s->opts->streams; i++) {
		uint64_t sent = all[1 - rank].sent[i], arrived = all[rank].received[i];

		if (receives(s) && arrived != sent) {
			fl_fail(err, -EBADMSG, "stream %u: %" PRIu64 " bytes arrived of %" PRIu64 " that %s sent", i,
				arrived, sent, s->peer);
			return fl_hint(err, "something between the hosts changes what goes over TCP");
		}
	}
	return 0;
}

static int stream_verify(void *state, struct fl_err *err)
{
	struct stream_state *s = state;
	const unsigned other = 1 - fl_rank(s->lane);
	struct total mine = total_of(s), all[2];
	int wrong = look_at_arrived(s, err), rc;
	unsigned i;

	state_ways(s);
	mine.wrong = wrong < 0;
	rc = fl_allgather(s->lane, "totals", &mine, sizeof(mine), all, wrong < 0 ? NULL : err);
	if (rc == 0)
		state_totals(s, all);
	if (wrong < 0 || rc < 0)
		return wrong < 0 ? wrong : rc;
	if (is_under_way(s, all, &i)) /* a lane that fails takes its group along, and what the other found */
		return all[other].wrong ? say_wrong_there(s, i, err) : say_under_way(s, i, err);
	for (i = 0; i < s->opts->streams && rc == 0; i++)
		rc = fl_tcp_flow_verify(s->threads[i].flow, i, err);
	return rc < 0 ? rc : hold_against(s, all, err);
}

static void stream_close(void *state)
{
	struct stream_state *s = state;

	close_flows(s);
	fl_tcp_close(s->fds, s->connect.streams);
	free(s);
}

/* ---- declarations */

/* clang-format off */
static const struct fl_field stream_fields[] = {
	FL_FIELD(stream_opts, streams, FL_COUNT, "1", "1..64", "connections, with a thread on each side"),
	FL_FIELD(stream_opts, direction, FL_CHOICE, "one", "one|both",
		 "from the sender to the receiver, or both ways at once"),
	FL_FIELD(stream_opts, block, FL_BYTES, "128KiB", "4KiB..64MiB",
		 "bytes that are sent at once, a multiple of 4 KiB"),
	FL_FIELD(stream_opts, depth, FL_COUNT, "4", "1..64", "blocks that the kernel is given at once"),
	FL_FIELD(stream_opts, interface, FL_TEXT, "", NULL,
		 "network interface that both sides are bound to; empty: the one that reaches the peer"),
	FL_FIELD(stream_opts, memory, FL_DEVICE, "local", "node", "NUMA node of the buffers"),
	FL_FIELD(stream_opts, engine, FL_CHOICE, "auto", "auto|io_uring|sockets", "how the kernel is asked"),
	FL_FIELD(stream_opts, zerocopy, FL_CHOICE, "auto", "auto|yes|no",
		 "sending without a copy: where the kernel really does, always, never"),
	{ 0 },
};

static const struct fl_metric stream_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER,
	  "bytes per second that arrived; at the sender of one direction, were sent" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "blocks of them per second" },
	{ 0 },
};

static const struct fl_fact stream_facts[] = {
	{ "engine", true, "how the kernel is asked: io_uring or sockets; mixed where streams differ" },
	{ "why_sockets", false, "why not by io_uring" },
	{ "send", true, "zerocopy or plain; mixed where streams differ; none where nothing is sent" },
	{ "why_plain", false, "why not without a copy" },
	{ "receive", true, "multishot or plain; mixed where streams differ; none where nothing is received" },
	FL_TCP_FACTS,
	{ "retransmits", false, "segments that were sent again, of all streams" },
	{ "cpu_sender", false, "time of CPUs that the sender's threads took to send and receive a GB" },
	{ "cpu_receiver", false, "time of CPUs that the receiver's threads took to send and receive a GB" },
	{ 0 },
};

static const struct fl_flow stream_flows[] = {
	{ "memory", "interface", 1, NULL },
	{ 0 },
};
/* clang-format on */

FL_BENCHES(tcp, stream) = {
	{ .name = "tcp.stream",
	  .summary = "bytes over TCP from one host to another, or both ways",
	  .opts_bytes = sizeof(struct stream_opts),
	  .fields = stream_fields,
	  .metrics = stream_metrics,
	  .facts = stream_facts,
	  .flows = stream_flows,
	  .numa = "interface",
	  .threads = "streams",
	  .roles = "sender|receiver",
	  .measured_at = "receiver",
	  .measured_when = "direction=one",
	  .open = stream_open,
	  .enter = stream_enter,
	  .step = stream_step,
	  .halt = stream_halt,
	  .leave = stream_leave,
	  .verify = stream_verify,
	  .close = stream_close },
	{ 0 },
};
