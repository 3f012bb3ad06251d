/* SPDX-License-Identifier: Apache-2.0 */
/* hub.h: the one process that agents on all hosts talk to. It measures nothing itself: the host that it is on has
 * an agent like the others. One thread, one epoll; whatever an agent does (hangs, dies, lies, floods), it ends as a
 * host that is lost for a named reason, and the others go on. */
#ifndef FL_HOSTS_HUB_H
#define FL_HOSTS_HUB_H
#include "hosts/bootstrap.h"
#include "machine/machine.h"
#include <signal.h>

/* An agent, as the hub sees it. */
struct fl_hub_host {
	unsigned rank;
	char *name;	      /* the launcher's, until its hello says it; then that */
	char *address;	      /* where the others reach it: from where its connection came; NULL before */
	struct fl_wire *wire; /* NULL: not there yet, or lost */
	bool lost;
	struct fl_err why; /* when lost */
	json_t *hello;	   /* NULL before */
	struct fl_machine *machine;
	json_t *environment;
	/* Its CLOCK_MONOTONIC less the hub's, by the exchange with the shortest way of the last fl_hub_clocks(),
	 * and how far that may be off: half that way. */
	int64_t clock_offset_ns;
	uint64_t clock_error_ns;
	uint64_t messages, bytes; /* that came from it */
};

struct fl_hub {
	struct fl_hub_host *hosts;
	size_t n;
	int listen_fd, epoll_fd;
	struct fl_secret secret;
	const volatile sig_atomic_t *interrupt; /* may be NULL */
	/* Called about ten times a second while the hub waits, from its thread; may be NULL. */
	void (*waits)(void *arg);
	void *waits_arg;
	struct fl_hub_stranger *strangers; /* connections that have not said who they are; hub.c */
};

struct fl_hub_spec {
	unsigned n;
	const char *const *names; /* what the launcher calls them, by rank; NULL: not known yet */
	int listen_fd;		  /* a listening socket that the launcher made, which the hub then owns; -1: make one */
	const char *bind;	  /* numeric address to listen at; NULL: all */
	uint16_t port;		  /* 0: any free one */
	const struct fl_secret *secret; /* NULL: make one */
	const volatile sig_atomic_t *interrupt;
};
int fl_hub_open(const struct fl_hub_spec *spec, struct fl_hub **ret, struct fl_err *err);
void fl_hub_close(struct fl_hub *hub); /* tells all agents to end */
/* What an agent of that rank needs. Release it. */
void fl_hub_bootstrap(const struct fl_hub *hub, unsigned rank, struct fl_bootstrap *ret);

/* Waits until every agent has come and has sent its hello and its machine (hosts.md in README). -ETIMEDOUT after
 * limit_ns names who did not arrive, and how far they came; -EINTR. An agent that is refused (wrong secret, another
 * version) is an error that names it. alive: asked ten times a second whether launching has failed (ssh ended):
 * below 0 with *err ends the wait; may be NULL. */
struct fl_hub_launch {
	int (*check)(void *arg, struct fl_err *err);
	void *arg;
};
int fl_hub_gather(struct fl_hub *hub, uint64_t limit_ns, const struct fl_hub_launch *launch, struct fl_err *err);

/* Queues a message to one host; one that is lost hears nothing. */
void fl_hub_tell(struct fl_hub *hub, struct fl_hub_host *host, const json_t *message);
void fl_hub_tell_all(struct fl_hub *hub, const json_t *message);
/* Hears all hosts until `until_ns`, or until `hear` returns > 0. hear gets each message (borrowed); what it returns
 * below 0 loses that host with *err for a reason. lost is called once for each host that is lost. 0, the > 0, or
 * -EINTR. */
struct fl_hub_ears {
	int (*hear)(void *arg, struct fl_hub_host *host, const json_t *message, struct fl_err *err);
	void (*lost)(void *arg, struct fl_hub_host *host);
	void *arg;
};
int fl_hub_listen(struct fl_hub *hub, uint64_t until_ns, const struct fl_hub_ears *ears, struct fl_err *err);
/* Gives a host up: its connection is closed, its agent ends by that. */
void fl_hub_lose(struct fl_hub *hub, struct fl_hub_host *host, const struct fl_err *why);

/* Measures the clocks of all hosts that are not lost: 8 exchanges each, at once, at most 1 s. A host that does not
 * answer is lost. (Cristian's algorithm: offset = their time - the middle of the exchange; error = half of it.) */
int fl_hub_clocks(struct fl_hub *hub, const struct fl_hub_ears *ears, struct fl_err *err);

/* What differs between the hosts that should not (version, catalog, libraries, kernel, CPUs, cgroups, interfaces),
 * as a table of text for people, or NULL where nothing does. *ret_bars: how many of these differences forbid to
 * measure (another version of feedline, schema or catalog). malloc'd. */
char *fl_hub_differences(const struct fl_hub *hub, unsigned *ret_bars);

#endif
