/* SPDX-License-Identifier: Apache-2.0 */
/* path/tcp_flow.c: one thread that keeps a TCP connection busy: what does not depend on the engine. */
#include "path/tcp_flow.h"
#include "path/tcp_engine.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

unsigned fl_tcp_flow_buffers(unsigned depth)
{
	unsigned n = 1;

	while (n < depth)
		n *= 2;
	return n;
}

bool fl_tcp_flow_halted(const struct fl_tcp_flow *flow)
{
	return atomic_load_explicit(&flow->spec.halt->halted, memory_order_acquire);
}

void fl_tcp_flow_take(struct fl_tcp_flow *flow, unsigned buffer, size_t n)
{
	flow->pieces[buffer] = (struct fl_tcp_piece){ flow->in.offset, n };
	fl_tcp_in_take(&flow->in, flow->spec.in + buffer * flow->spec.block_bytes, n);
}

/* ---- open and close */

static int open_engine(const struct fl_tcp_flow_spec *spec, struct fl_tcp_flow **ret, struct fl_err *err)
{
	struct fl_err refusal = { 0 };
	int rc;

	if (spec->engine != FL_TCP_SOCKETS) {
		rc = fl_tcp_uring.open(spec, ret, &refusal);
		if (rc != -EPERM || spec->engine == FL_TCP_URING) {
			if (rc < 0)
				*err = refusal;
			return rc;
		}
	}
	rc = fl_tcp_sockets.open(spec, ret, err);
	if (rc == 0)
		snprintf((*ret)->why, sizeof((*ret)->why), "%.159s", refusal.what);
	return rc;
}

int fl_tcp_flow_open(const struct fl_tcp_flow_spec *spec, struct fl_tcp_flow **ret, struct fl_err *err)
{
	struct fl_tcp_piece *pieces = calloc(fl_tcp_flow_buffers(spec->depth), sizeof(*pieces));
	struct fl_tcp_flow *flow = NULL;
	int rc = pieces ? open_engine(spec, &flow, err) : fl_fail(err, -ENOMEM, "no memory for a connection");

	if (rc < 0 || !flow) {
		free(pieces);
		return rc;
	}
	flow->spec = *spec;
	flow->pieces = pieces;
	if (spec->sends)
		fl_tcp_out_fill(&flow->out, spec->out, spec->block_bytes, FL_TCP_SPARE * spec->depth, spec->out_seed);
	fl_tcp_in_begin(&flow->in, spec->in_seed);
	*ret = flow;
	return 0;
}

void fl_tcp_flow_close(struct fl_tcp_flow *flow)
{
	if (!flow)
		return;
	free(flow->pieces);
	flow->kind->close(flow);
}

/* ---- the thread that moves */

int fl_tcp_flow_enter(struct fl_tcp_flow *flow, struct fl_err *err)
{
	return flow->kind->enter(flow, err);
}

static uint64_t counted(const struct fl_tcp_flow *flow)
{
	return flow->spec.receives ? flow->in.offset : flow->sent;
}

int fl_tcp_flow_move(struct fl_tcp_flow *flow, uint64_t n, uint64_t *ret_bytes, struct fl_err *err)
{
	const uint64_t before = counted(flow), until = before + n * flow->spec.block_bytes;

	while (counted(flow) < until) {
		int rc;

		if (fl_tcp_flow_halted(flow))
			return -ECANCELED;
		if (flow->in_ended)
			return fl_tcp_ended(flow->spec.halt, flow->spec.peer, err);
		rc = flow->kind->turn(flow, FL_TCP_PATIENCE_MS, err);
		if (rc == -EAGAIN)
			return fl_tcp_lost(flow->spec.peer, err);
		if (rc < 0)
			return rc;
	}
	*ret_bytes = counted(flow) - before;
	return 0;
}

void fl_tcp_flow_halt(struct fl_tcp_flow *flow)
{
	flow->kind->halt(flow);
}

static uint64_t moved_by(const struct fl_tcp_flow *flow)
{
	return flow->sent + flow->in.offset;
}

static bool is_over(struct fl_tcp_flow *flow)
{
	if (!flow->spec.sends || flow->out_ended)
		return !flow->spec.receives || flow->in_ended;
	return false;
}

/* A slow link may take long over what it was given: patience begins anew with every byte. */
void fl_tcp_flow_drain(struct fl_tcp_flow *flow)
{
	const uint64_t patience_ns = UINT64_C(1000000) * FL_TCP_PATIENCE_MS;
	uint64_t moved = moved_by(flow), until_ns = fl_now_ns() + patience_ns, now_ns;
	bool ended = false;

	flow->closing = true;
	while ((now_ns = fl_now_ns()) < until_ns) {
		if (flow->spec.sends && flow->out_ended && !ended)
			ended = shutdown(flow->spec.fd, SHUT_WR) == 0;
		if (is_over(flow)) {
			flow->drained = true;
			return;
		}
		if (flow->kind->turn(flow, (unsigned)((until_ns - now_ns) / 1000000) + 1, NULL) < 0)
			return;
		if (moved_by(flow) > moved)
			until_ns = fl_now_ns() + patience_ns;
		moved = moved_by(flow);
	}
}

/* ---- what became of it */

struct fl_tcp_flow_done fl_tcp_flow_done(const struct fl_tcp_flow *flow)
{
	return (struct fl_tcp_flow_done){ flow->sent, flow->in.offset, flow->drained };
}

int fl_tcp_flow_verdict(const struct fl_tcp_flow *flow, unsigned stream, struct fl_err *err)
{
	return fl_tcp_in_verdict(&flow->in, stream, err);
}

/* The buffer with the first piece from there on; false: there is none. */
static bool next_piece(const struct fl_tcp_flow *flow, uint64_t from, unsigned *ret)
{
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < fl_tcp_flow_buffers(flow->spec.depth); i++)
		if (flow->pieces[i].n && flow->pieces[i].offset >= from && flow->pieces[i].offset < best) {
			best = flow->pieces[i].offset;
			*ret = i;
		}
	return best != UINT64_MAX;
}

int fl_tcp_flow_verify(struct fl_tcp_flow *flow, unsigned stream, struct fl_err *err)
{
	uint64_t from = 0;
	unsigned i;

	while (flow->spec.receives && next_piece(flow, from, &i)) {
		fl_tcp_in_check(&flow->in, flow->spec.in + i * flow->spec.block_bytes, flow->pieces[i].n,
				flow->pieces[i].offset);
		from = flow->pieces[i].offset + 1;
	}
	return fl_tcp_flow_verdict(flow, stream, err);
}

const char *fl_tcp_flow_engine(const struct fl_tcp_flow *flow)
{
	return flow->kind->name;
}

const char *fl_tcp_flow_why(const struct fl_tcp_flow *flow)
{
	return flow->why;
}

const char *fl_tcp_flow_send(const struct fl_tcp_flow *flow)
{
	return flow->spec.sends ? flow->send : "none";
}

const char *fl_tcp_flow_why_plain(const struct fl_tcp_flow *flow)
{
	return flow->why_plain;
}

const char *fl_tcp_flow_receive(const struct fl_tcp_flow *flow)
{
	return flow->spec.receives ? flow->receive : "none";
}
