/* SPDX-License-Identifier: Apache-2.0 */
/* path/tcp_sockets.c: the engine that calls send and recv. It never blocks in them: where neither goes on, it waits for
 * either, so that one thread can do both directions and is halted soon. */
#include "path/tcp_engine.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { LOOK_MS = 50 }; /* how long a thread may not know that it is halted */

struct sockets {
	struct fl_tcp_flow flow;
	char *block; /* that is being sent; NULL: none */
	size_t at;
	unsigned slot, buffer;
};

static int sockets_open(const struct fl_tcp_flow_spec *spec, struct fl_tcp_flow **ret, struct fl_err *err)
{
	struct sockets *s;

	if (spec->zerocopy == FL_TCP_ZEROCOPY_YES)
		return fl_fail(err, -EOPNOTSUPP, "sending without a copy needs io_uring");
	s = calloc(1, sizeof(*s));
	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for a connection");
	s->flow.kind = &fl_tcp_sockets;
	s->flow.send = s->flow.receive = "plain";
	*ret = &s->flow;
	return 0;
}

static void sockets_close(struct fl_tcp_flow *flow)
{
	free((struct sockets *)flow);
}

static int sockets_enter(struct fl_tcp_flow *flow, struct fl_err *err)
{
	(void)flow;
	(void)err;
	return 0;
}

static bool passes(int code)
{
	return code == EAGAIN || code == EINTR;
}

/* More than 0: something happened; 0: it cannot go on now. */
static ssize_t send_some(struct sockets *s, struct fl_err *err)
{
	struct fl_tcp_flow *flow = &s->flow;
	ssize_t n;

	if (flow->out_ended)
		return 0;
	if (!s->block && flow->closing) {
		flow->out_ended = true;
		return 1; /* which the other side is told before anybody waits for it */
	}
	if (!s->block) {
		s->block = fl_tcp_out_next(&flow->out, s->slot);
		s->slot = (s->slot + 1) % flow->spec.depth;
		s->at = 0;
	}
	n = send(flow->spec.fd, s->block + s->at, flow->spec.block_bytes - s->at, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return passes(errno) ? 0 : fl_tcp_failed(-errno, "send to", flow->spec.peer, err);
	s->at += (size_t)n;
	flow->sent += (size_t)n;
	if (s->at == flow->spec.block_bytes)
		s->block = NULL;
	return n;
}

static ssize_t receive_some(struct sockets *s, struct fl_err *err)
{
	struct fl_tcp_flow *flow = &s->flow;
	ssize_t n;

	if (flow->in_ended)
		return 0;
	n = recv(flow->spec.fd, flow->spec.in + s->buffer * flow->spec.block_bytes, flow->spec.block_bytes,
		 MSG_DONTWAIT);
	if (n < 0)
		return passes(errno) ? 0 : fl_tcp_failed(-errno, "receive from", flow->spec.peer, err);
	if (n == 0) {
		flow->in_ended = true;
		return 1; /* something happened */
	}
	fl_tcp_flow_take(flow, s->buffer, (size_t)n);
	s->buffer = (s->buffer + 1) % fl_tcp_flow_buffers(flow->spec.depth);
	return n;
}

static int wait_for_either(const struct fl_tcp_flow *flow, unsigned within_ms)
{
	const short out = flow->spec.sends && !flow->out_ended ? POLLOUT : 0;
	const short in = flow->spec.receives && !flow->in_ended ? POLLIN : 0;

	for (unsigned waited_ms = 0; waited_ms < within_ms; waited_ms += LOOK_MS) {
		struct pollfd p = { .fd = flow->spec.fd, .events = (short)(out | in) };

		if (poll(&p, 1, LOOK_MS) != 0 || (fl_tcp_flow_halted(flow) && !flow->closing))
			return 0;
	}
	return -EAGAIN;
}

static int sockets_turn(struct fl_tcp_flow *flow, unsigned within_ms, struct fl_err *err)
{
	struct sockets *s = (struct sockets *)flow;
	ssize_t sent = flow->spec.sends ? send_some(s, err) : 0;
	ssize_t received = sent >= 0 && flow->spec.receives ? receive_some(s, err) : 0;

	if (sent < 0 || received < 0)
		return (int)(sent < 0 ? sent : received);
	if (sent > 0 || received > 0)
		return 0;
	return wait_for_either(flow, within_ms);
}

static void sockets_halt(struct fl_tcp_flow *flow)
{
	(void)flow; /* it looks often enough */
}

const struct fl_tcp_kind fl_tcp_sockets = {
	.name = "sockets",
	.open = sockets_open,
	.close = sockets_close,
	.enter = sockets_enter,
	.turn = sockets_turn,
	.halt = sockets_halt,
};
