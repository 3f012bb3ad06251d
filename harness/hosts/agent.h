/* SPDX-License-Identifier: Apache-2.0 */
/* agent.h: one host of a run on many: does what the hub says, with the workers, windows and records of run/. */
#ifndef FL_HOSTS_AGENT_H
#define FL_HOSTS_AGENT_H
#include "hosts/bootstrap.h"
#include "run/run.h"

struct fl_serve {
	const char *prefix;
	const struct fl_catalog *catalog;
	const char *catalog_digest;
	/* Directory where finished lanes are kept until the hub has stored them (RUN-HOST.jsonl): what is left there
	 * when a hub was lost, `feedline import` takes. NULL: none. */
	const char *journal;
	uint64_t patience_ns; /* so long the hub may say nothing, not even that it is alive; 0: a minute */
	unsigned local_size;  /* agents that the launcher started on this host; 0: not known, one */
	int argc;	      /* of the agent, for the environment in the record */
	char **argv;
	const volatile sig_atomic_t *interrupt;
};

/* Connects to the hub, says who it is, takes the lock of this node, and carries out cases until the hub ends it or
 * is gone; then all workers are gone too. 0: ended by the hub. Below 0 with *err: -EHOSTUNREACH (none of the
 * addresses answers, each is named with its reason), -EACCES (the hub has another secret), -EPIPE (the hub is
 * gone), -ETIMEDOUT (it says nothing any more, or the link is cut), -EINTR. */
int fl_agent_serve(const struct fl_serve *serve, struct fl_bootstrap *bootstrap, struct fl_err *err);

#endif
