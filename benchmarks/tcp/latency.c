/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.latency: how long a message over TCP takes to another host and back. Two lanes: the pinger sends a message and
 * waits for it, the echo sends back what it receives; one connection, one message on its way. The time is that of the
 * whole round trip (sockperf calls half of it latency), by the pinger's clock, from before the call that sends until
 * after the one that received the last byte. Each side calls send and recv, as a program would: that is what it pays.
 *
 * Every byte of every message is looked at, between two of them, on both sides: each has its number in it. */
#include "path/tcp.h"
#include <errno.h>
#include <feedline/clock.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { PINGER, ECHO };
enum { BLOCK, SPIN };

struct latency_opts {
	const struct fl_device *memory;
	const char *interface;
	uint64_t size;
	unsigned wait;
};

struct latency_state {
	const struct latency_opts *opts;
	struct fl_lane *lane;
	struct fl_tcp_spec connect;
	struct fl_tcp_halt halt;
	char peer[FL_TCP_NAME_MAX];
	int fd;
	unsigned char *out, *in;
	uint64_t number; /* of the message */
	uint64_t trips;
};

static const char *const roles[] = { "pinger", "echo" };

/* ---- one message */

/* Blocking calls come back now and then, to see whether the lane is halted or the peer lost. */
enum { LOOK_MS = 50, LOOKS = FL_TCP_PATIENCE_MS / LOOK_MS };

static int wait_in_call(int fd, struct fl_err *err)
{
	const struct timeval look = { .tv_usec = LOOK_MS * 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof(look)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &look, sizeof(look)) < 0)
		return fl_fail(err, -errno, "set how long a call waits: %s", strerror(errno));
	return 0;
}

static bool is_halted(const struct latency_state *s)
{
	return atomic_load_explicit(&s->halt.halted, memory_order_acquire);
}

/* What a call came to that moved nothing: 0: once more. */
static int look_up(const struct latency_state *s, ssize_t n, uint64_t *since_ns, const char *what, struct fl_err *err)
{
	const uint64_t now_ns = fl_now_ns();

	if (is_halted(s))
		return -ECANCELED;
	if (n == 0)
		return fl_tcp_ended(&s->halt, s->peer, err);
	if (errno != EAGAIN && errno != EINTR)
		return fl_tcp_failed(-errno, what, s->peer, err);
	if (!*since_ns)
		*since_ns = now_ns;
	return now_ns - *since_ns < UINT64_C(1000000) * FL_TCP_PATIENCE_MS ? 0 : fl_tcp_lost(s->peer, err);
}

static int send_all(const struct latency_state *s, const unsigned char *data, struct fl_err *err)
{
	uint64_t since_ns = 0;

	for (size_t at = 0; at < s->opts->size;) {
		ssize_t n = send(s->fd, data + at, s->opts->size - at, MSG_NOSIGNAL);
		int rc = n > 0 ? 0 : look_up(s, n, &since_ns, "send to", err);

		if (rc < 0)
			return rc;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int receive_all(const struct latency_state *s, unsigned char *data, struct fl_err *err)
{
	const int flags = s->opts->wait == SPIN ? MSG_DONTWAIT : 0;
	uint64_t since_ns = 0;

	for (size_t at = 0; at < s->opts->size;) {
		ssize_t n = recv(s->fd, data + at, s->opts->size - at, flags);
		int rc = n > 0 ? 0 : look_up(s, n, &since_ns, "receive from", err);

		if (rc < 0)
			return rc;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* The number in front, as much of it as there is room for; behind it bytes that do not change. */
static void make_next(struct latency_state *s)
{
	const size_t n = s->opts->size < sizeof(s->number) ? s->opts->size : sizeof(s->number);

	s->number++;
	memcpy(s->out, &s->number, n);
}

static bool is_next(const struct latency_state *s)
{
	return memcmp(s->in, s->out, s->opts->size) == 0;
}

/* ---- open */

static int open_all(struct latency_state *s, struct fl_err *err)
{
	void *memory = NULL;
	int rc = fl_alloc(s->lane, 2 * s->opts->size, s->opts->memory->node, &memory, err);

	if (rc == 0)
		rc = fl_tcp_connect(&s->connect, &s->fd, err);
	if (rc < 0)
		return rc;
	rc = wait_in_call(s->fd, err);
	if (rc < 0) {
		fl_tcp_close(&s->fd, 1);
		return rc;
	}
	fl_tcp_name_peer(&s->connect, s->peer);
	s->out = memory;
	s->in = s->out + s->opts->size;
	for (size_t i = 0; i < s->opts->size; i++)
		s->out[i] = (unsigned char)(i * 251 + 7);
	fl_tcp_state(s->fd, s->lane);
	return 0;
}

static int latency_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct latency_opts *o = opts;
	struct latency_state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	s->opts = o;
	s->lane = lane;
	s->connect = (struct fl_tcp_spec){ .lane = lane, .roles = roles, .interface = o->interface, .streams = 1 };
	rc = open_all(s, err);
	if (rc < 0) {
		free(s);
		return rc;
	}
	*ret_state = s;
	return 0;
}

/* ---- the run */

static int ping(struct latency_state *s, struct fl_hist *times, struct fl_err *err)
{
	uint64_t sent_ns, arrived_ns;
	int rc;

	make_next(s);
	sent_ns = fl_now_ns();
	rc = send_all(s, s->out, err);
	if (rc == 0)
		rc = receive_all(s, s->in, err);
	if (rc < 0)
		return rc;
	arrived_ns = fl_now_ns();
	fl_hist_add(times, arrived_ns - sent_ns);
	if (!is_next(s))
		return fl_fail(err, -EBADMSG, "message %" PRIu64 " came back from %s as another one", s->number,
			       s->peer);
	return 0;
}

/* It knows which message is to come, and looks at it once it is on its way back. */
static int echo(struct latency_state *s, struct fl_err *err)
{
	int rc = receive_all(s, s->in, err);

	if (rc == 0)
		rc = send_all(s, s->in, err);
	if (rc < 0)
		return rc;
	make_next(s);
	if (!is_next(s))
		return fl_fail(err, -EBADMSG, "message %" PRIu64 " came from %s as another one", s->number, s->peer);
	return 0;
}

static int latency_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	struct latency_state *s = state;

	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		int rc = fl_rank(s->lane) == PINGER ? ping(s, did->hist[0], err) : echo(s, err);

		if (rc < 0)
			return rc;
		s->trips++;
	}
	did->ops = n;
	return 0;
}

static void latency_halt(void *state)
{
	atomic_store(&((struct latency_state *)state)->halt.halted, true);
}

/* Neither closes before the other has left; and as many came back as went. */
static int latency_verify(void *state, struct fl_err *err)
{
	const struct latency_state *s = state;
	uint64_t trips[2];
	int rc = fl_allgather(s->lane, "totals", &s->trips, sizeof(s->trips), trips, err);

	if (rc < 0)
		return rc;
	fl_set_fact(s->lane, "retransmits", "%" PRIu64, fl_tcp_retransmits(&s->fd, 1));
	if (trips[PINGER] > trips[ECHO] + 1)
		return fl_fail(err, -EBADMSG, "%" PRIu64 " messages came back, and the echo sent %" PRIu64,
			       trips[PINGER], trips[ECHO]);
	return 0;
}

static void latency_close(void *state)
{
	struct latency_state *s = state;

	fl_tcp_close(&s->fd, 1);
	free(s);
}

/* ---- declarations */

/* clang-format off */
static const struct fl_field latency_fields[] = {
	FL_FIELD(latency_opts, size, FL_BYTES, "64", "1..1MiB", "bytes of a message"),
	FL_FIELD(latency_opts, wait, FL_CHOICE, "block", "block|spin",
		 "for a message: the thread sleeps, or asks again and again"),
	FL_FIELD(latency_opts, interface, FL_TEXT, "", NULL,
		 "network interface that both sides are bound to; empty: the one that reaches the peer"),
	FL_FIELD(latency_opts, memory, FL_DEVICE, "local", "node", "NUMA node of the buffers"),
	{ 0 },
};

static const struct fl_metric latency_metrics[] = {
	{ "round_trip_ns", FL_DISTRIBUTION, FL_LOWER, "time of a message there and back" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "messages there and back per second" },
	{ 0 },
};

static const struct fl_fact latency_facts[] = {
	FL_TCP_FACTS,
	{ "retransmits", false, "segments that this side sent again" },
	{ 0 },
};
/* clang-format on */

FL_BENCHES(tcp, latency) = {
	{ .name = "tcp.latency",
	  .summary = "time of a message over TCP to another host and back",
	  .opts_bytes = sizeof(struct latency_opts),
	  .fields = latency_fields,
	  .metrics = latency_metrics,
	  .facts = latency_facts,
	  .numa = "interface",
	  .roles = "pinger|echo",
	  .measured_at = "pinger",
	  .open = latency_open,
	  .step = latency_step,
	  .halt = latency_halt,
	  .verify = latency_verify,
	  .close = latency_close },
	{ 0 },
};
