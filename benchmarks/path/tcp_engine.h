/* SPDX-License-Identifier: Apache-2.0 */
/* path/tcp_engine.h: what the engines of path/tcp_flow.h have in common. */
#ifndef PATH_TCP_ENGINE_H
#define PATH_TCP_ENGINE_H
#include "path/tcp_flow.h"

/* Where the last piece that arrived in a buffer belongs. */
struct fl_tcp_piece {
	uint64_t offset;
	size_t n;
};

struct fl_tcp_kind {
	const char *name;
	int (*open)(const struct fl_tcp_flow_spec *spec, struct fl_tcp_flow **ret, struct fl_err *err);
	void (*close)(struct fl_tcp_flow *flow);
	int (*enter)(struct fl_tcp_flow *flow, struct fl_err *err);
	/* Does something, and waits for it at most so long: -EAGAIN: nothing moved. */
	int (*turn)(struct fl_tcp_flow *flow, unsigned within_ms, struct fl_err *err);
	void (*halt)(struct fl_tcp_flow *flow);
};

struct fl_tcp_flow {
	const struct fl_tcp_kind *kind;
	struct fl_tcp_flow_spec spec;
	struct fl_tcp_out out;
	struct fl_tcp_in in;
	uint64_t sent;
	bool closing;	/* nothing more is begun */
	bool out_ended; /* all that was begun is sent */
	bool in_ended;	/* the other side sends nothing more */
	bool drained;
	struct fl_tcp_piece *pieces; /* by buffer */
	char why[160], why_plain[160];
	const char *send, *receive;
};

/* n bytes arrived in that buffer. */
void fl_tcp_flow_take(struct fl_tcp_flow *flow, unsigned buffer, size_t n);
bool fl_tcp_flow_halted(const struct fl_tcp_flow *flow);

extern const struct fl_tcp_kind fl_tcp_uring, fl_tcp_sockets;

#endif
