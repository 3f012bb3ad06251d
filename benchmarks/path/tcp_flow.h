/* SPDX-License-Identifier: Apache-2.0 */
/* path/tcp_flow.h: one thread that keeps a TCP connection busy, in one direction or both, with blocks of test data
 * (path/tcp_data.h). By io_uring; where that is forbidden, by calls of the socket.
 *
 * Life: open (any thread) - enter (the thread that moves) - move, move, ... - drain (that thread) - close. */
#ifndef PATH_TCP_FLOW_H
#define PATH_TCP_FLOW_H
#include "path/tcp.h"
#include "path/tcp_data.h"

enum fl_tcp_engine { FL_TCP_AUTO, FL_TCP_URING, FL_TCP_SOCKETS };
enum fl_tcp_zerocopy { FL_TCP_ZEROCOPY_AUTO, FL_TCP_ZEROCOPY_YES, FL_TCP_ZEROCOPY_NO };
enum { FL_TCP_DEPTH_MAX = 64, FL_TCP_SPARE = 4 };

struct fl_tcp_flow_spec {
	int fd;			  /* connected, blocking; stays the caller's */
	const char *peer;	  /* as messages call the other side; outlives the flow */
	struct fl_tcp_halt *halt; /* set before fl_tcp_flow_halt() is called */
	bool sends, receives;
	enum fl_tcp_engine engine;
	enum fl_tcp_zerocopy zerocopy;
	size_t block_bytes; /* a multiple of FL_BLOCK_BYTES */
	unsigned depth;	    /* blocks that the kernel is given at once, and buffers to receive into */
	char *out, *in; /* FL_TCP_SPARE * depth blocks; depth blocks, rounded up to a power of two; NULL where unused */
	uint64_t out_seed, in_seed;
};

/* How many blocks `in` is. */
unsigned fl_tcp_flow_buffers(unsigned depth);

struct fl_tcp_flow;

/* -EPERM: io_uring was insisted on and is forbidden here; -EOPNOTSUPP: so was sending without a copy. */
int fl_tcp_flow_open(const struct fl_tcp_flow_spec *spec, struct fl_tcp_flow **ret, struct fl_err *err);
void fl_tcp_flow_close(struct fl_tcp_flow *flow);
int fl_tcp_flow_enter(struct fl_tcp_flow *flow, struct fl_err *err);
/* Until n blocks more have arrived, or, where nothing is received, were taken by the kernel. *ret_bytes: how many that
 * were. -ECANCELED after halt; -ECONNRESET, -ETIMEDOUT and the like name the peer. */
int fl_tcp_flow_move(struct fl_tcp_flow *flow, uint64_t n, uint64_t *ret_bytes, struct fl_err *err);
void fl_tcp_flow_halt(struct fl_tcp_flow *flow); /* any thread */
/* Sends what it has begun, ends its direction, and takes what arrives until the other side does the same; gives up
 * where nothing moves for FL_TCP_PATIENCE_MS. */
void fl_tcp_flow_drain(struct fl_tcp_flow *flow);

/* ---- what became of it */
struct fl_tcp_flow_done {
	uint64_t sent, received; /* bytes */
	bool drained;		 /* all that was sent has been taken, and all that was sent to us has arrived */
};
struct fl_tcp_flow_done fl_tcp_flow_done(const struct fl_tcp_flow *flow);
/* Was all right of what was looked at while it arrived? -EBADMSG. */
int fl_tcp_flow_verdict(const struct fl_tcp_flow *flow, unsigned stream, struct fl_err *err);
/* The same, and of what lies in the buffers: of a flow that is drained. */
int fl_tcp_flow_verify(struct fl_tcp_flow *flow, unsigned stream, struct fl_err *err);

/* What was obtained, for facts; of send and receive after enter. */
const char *fl_tcp_flow_engine(const struct fl_tcp_flow *flow);	   /* "io_uring", "sockets" */
const char *fl_tcp_flow_why(const struct fl_tcp_flow *flow);	   /* why not io_uring; "" */
const char *fl_tcp_flow_send(const struct fl_tcp_flow *flow);	   /* "zerocopy", "plain", "none" */
const char *fl_tcp_flow_why_plain(const struct fl_tcp_flow *flow); /* why not zerocopy; "" */
const char *fl_tcp_flow_receive(const struct fl_tcp_flow *flow);   /* "multishot", "plain", "none" */

#endif
