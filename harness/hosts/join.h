/* SPDX-License-Identifier: Apache-2.0 */
/* join.h: the agent's side of the hub: finding it, saying who we are, and what is answered without thinking. */
#ifndef FL_HOSTS_JOIN_H
#define FL_HOSTS_JOIN_H
#include "hosts/bootstrap.h"
#include <signal.h>

struct fl_join {
	const struct fl_bootstrap *bootstrap;	/* rank and host are known */
	const char *catalog_digest;		/* NULL: not compared */
	const char *lock;			/* why the lock of this node could not be had; NULL: we have it */
	unsigned local_size;			/* agents that the launcher started on this host */
	uint64_t until_ns;			/* how long the hub is looked for (fl_now_ns) */
	const volatile sig_atomic_t *interrupt; /* may be NULL */
};

/* Connects to the hub by whichever of its addresses answers as a feedline first (each begins 250 ms after the one
 * before it, or when that failed, and those that fail are tried again), says hello and waits for the welcome. *ret is
 * the caller's. -EHOSTUNREACH: none answers, each is named with its reason; -EACCES: the hub has another secret;
 * -EPROTO: it is another version, or no feedline; -EINTR; else the code with which the hub refused us, in its words. */
int fl_join_connect(const struct fl_join *join, struct fl_wire **ret, struct fl_err *err);

/* What comes right after the welcome. visible may be NULL. */
int fl_join_tell_machine(struct fl_wire *w, const json_t *machine, const json_t *environment, const json_t *visible,
			 struct fl_err *err);
/* Instead, or at any time later: why this agent cannot go on. Sends it within 1 s, or not. */
void fl_join_tell_failed(struct fl_wire *w, const struct fl_err *why);

/* The next message, as fl_wire_receive(); questions for our clock are answered here and not seen by the caller. The hub
 * takes the time until the answer for the way, so be quick to ask whenever fl_wire_fd() is readable. */
int fl_join_receive(struct fl_wire *w, json_t **ret, struct fl_err *err);
/* The same, and waits: -ETIMEDOUT, -EINTR. Sends what is queued meanwhile. */
int fl_join_next(struct fl_wire *w, uint64_t until_ns, const volatile sig_atomic_t *interrupt, json_t **ret,
		 struct fl_err *err);

#endif
