/* SPDX-License-Identifier: Apache-2.0 */
/* path/tcp.h: TCP connections between the two lanes of a group: rank 1 listens, rank 0 connects. The port is one that
 * the kernel gives; it and a random token travel with the group, and a connection that does not present the token is
 * closed. Nothing here is timed. */
#ifndef PATH_TCP_H
#define PATH_TCP_H
#include <feedline/bench.h>
#include <stdatomic.h>

enum { FL_TCP_STREAMS_MAX = 64, FL_TCP_NAME_MAX = 160 };

struct fl_tcp_spec {
	struct fl_lane *lane;
	const char *const *roles; /* what the two are called */
	const char *interface;	  /* by which both leave and arrive; "": the kernel's choice */
	unsigned streams;	  /* 1 .. FL_TCP_STREAMS_MAX */
};

/* Makes them; ret_fds[i] is stream i, blocking, close-on-exec, without delay (TCP_NODELAY), the caller's. From open.
 * -ECONNREFUSED and the like name the other rank; -ETIMEDOUT: too few came; -EPERM: strangers came, again and again. */
int fl_tcp_connect(const struct fl_tcp_spec *spec, int *ret_fds, struct fl_err *err);
void fl_tcp_close(int *fds, unsigned n);

/* The other rank, as messages call it: "rank 1 (receiver, 10.1.0.2)". */
void fl_tcp_name_peer(const struct fl_tcp_spec *spec, char ret[FL_TCP_NAME_MAX]);

/* What all streams sent again so far. */
uint64_t fl_tcp_retransmits(const int *fds, unsigned n);

/* Rows for a declaration of facts, and what they say of a connection. */
/* clang-format off */
#define FL_TCP_FACTS                                                                                                   \
	{ "interface", false, "by which the connection leaves this host" },                                            \
	{ "mss", false, "most bytes of a segment" },                                                                   \
	{ "congestion", false, "algorithm that holds the sender back" },                                               \
	{ "nodelay", false, "whether small pieces are sent at once (TCP_NODELAY)" },                                   \
	{ "window", false, "least, first and most bytes the kernel buffers: to receive (tcp_rmem); to send (tcp_wmem)" }
/* clang-format on */
void fl_tcp_state(int fd, struct fl_lane *lane);

/* ---- while it runs: what steps have in common that wait for another host */

struct fl_tcp_halt {
	atomic_bool halted;
};
/* The other side has ended the connection. Where it was only halted first, this lane is halted soon: -ECANCELED. Else
 * -ECONNRESET with words. */
int fl_tcp_ended(const struct fl_tcp_halt *halt, const char *peer, struct fl_err *err);
/* What a call of the kernel came to, in words that name the peer: -ECONNRESET, -ETIMEDOUT, ... */
int fl_tcp_failed(int code, const char *what, const char *peer, struct fl_err *err);
enum { FL_TCP_PATIENCE_MS = 10000 }; /* nothing moves for so long: the other host is lost */
int fl_tcp_lost(const char *peer, struct fl_err *err);

#endif
