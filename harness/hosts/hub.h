/* SPDX-License-Identifier: Apache-2.0 */
/* hub.h: the one process that agents on all hosts talk to. It measures nothing itself: the host that it is on has an
 * agent like the others. It says "alive" to all every few seconds, so that agents know that it is. One thread, one
 * epoll; whatever an agent does (hangs, dies, lies, floods), it ends as a host that is lost for a named reason, and the
 * others go on. */
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
	char *reached;	      /* the address of the hub that its connection went to; NULL before */
	struct fl_wire *wire; /* NULL: not there yet, or lost */
	bool lost;
	struct fl_err why; /* when lost */
	json_t *hello;	   /* NULL before */
	struct fl_machine *machine;
	json_t *environment;
	json_t *visible; /* which devices are hidden there: {"devices", "order"} */
	/* Its CLOCK_MONOTONIC less the hub's, by the exchange with the shortest way when it was last asked, how far
	 * that may have been off: half that way, and when (by the hub's clock) it was; 0: it never was. */
	int64_t clock_offset_ns;
	uint64_t clock_error_ns, clock_at_ns;
	uint64_t clock_way_ns;	  /* the shortest of all of them so far; 0: none yet */
	uint64_t messages, bytes; /* that came from it */
	unsigned clocks_due;	  /* questions for its clock that it has not answered */
	/* The hub's own: somebody has heard that it is lost; it waits for room to send. */
	bool lost_told, waits_for_room;
};

struct fl_hub {
	struct fl_hub_host *hosts;
	size_t n;
	size_t lost_n;	      /* of them are lost */
	size_t lost_untold_n; /* and nobody has heard of it yet */
	int listen_fd;	      /* -1 once all have come: nobody else is let in */
	int epoll_fd;
	char *addresses[FL_ADDRESSES_MAX]; /* of the hub, for agents */
	size_t addresses_n;
	uint16_t port;
	struct fl_secret secret;		/* overwritten once all have come */
	char *catalog_digest;			/* of the hub's own catalog; NULL: not compared */
	const volatile sig_atomic_t *interrupt; /* may be NULL */
	/* Called about ten times a second while the hub waits, from its thread; may be NULL. */
	void (*waits)(void *arg);
	void *waits_arg;
	/* A line for people: who was refused, and why. At most some ten of them, whoever knocks. May be NULL. */
	void (*say)(void *arg, const char *line);
	void *say_arg;
	uint64_t ticked_ns;   /* when it last called waits */
	uint64_t spoke_ns;    /* when it last said "alive" to all */
	struct fl_door *door; /* connections that have not said who they are; hub_parts.h */
};

struct fl_hub_spec {
	unsigned n;
	const char *const *names; /* what the launcher calls them, by rank; NULL: not known yet */
	int listen_fd;		  /* a listening socket that the launcher made, which the hub then owns; -1: make one */
	const char *bind;	  /* numeric address to listen at; NULL: all */
	uint16_t port;		  /* 0: any free one */
	const struct fl_secret *secret; /* NULL: make one */
	const char *catalog_digest;	/* of the hub's catalog, for fl_hub_differences(); NULL: not compared */
	const volatile sig_atomic_t *interrupt;
};
/* Where it fails, listen_fd is still the caller's. */
int fl_hub_open(const struct fl_hub_spec *spec, struct fl_hub **ret, struct fl_err *err);
/* Tells all agents to end, waits at most 1 s for them to hear it, and closes; NULL allowed. */
void fl_hub_close(struct fl_hub *hub);
/* What an agent of that rank needs, as long as not all have come. Release it. */
void fl_hub_bootstrap(const struct fl_hub *hub, unsigned rank, struct fl_bootstrap *ret);

/* Waits until every agent has come and has sent its hello and its machine (README.md); then nobody else is let in.
 * -ETIMEDOUT after limit_ns names who did not arrive, and how far they came; -EINTR. What makes the run impossible is
 * an error at once, with the name of the host: it fails or goes away while it joins, another feedline holds the lock of
 * its node, several agents are on it (-EINVAL). Where agents with another secret came meanwhile, it is -EACCES
 * after limit_ns, with their addresses. Others that knock (scanners, agents of other runs, a second agent of a
 * rank) are turned away with a line to `say`. */
struct fl_hub_launch {
	/* Has launching failed (ssh ended)? Asked ten times a second; below 0 with *err ends the wait. May be NULL. */
	int (*check)(void *arg, struct fl_err *err);
	/* Who started the agent of that rank ("ssh"); NULL: nobody yet, or not known. May be NULL. */
	const char *(*started_by)(void *arg, unsigned rank);
	void *arg;
};
int fl_hub_gather(struct fl_hub *hub, uint64_t limit_ns, const struct fl_hub_launch *launch, struct fl_err *err);

/* Queues a message to one host; one that is lost hears nothing. */
void fl_hub_tell(struct fl_hub *hub, struct fl_hub_host *host, const json_t *message);
void fl_hub_tell_all(struct fl_hub *hub, const json_t *message);
/* Hears all hosts until `until_ns`, or until `hear` returns > 0. hear gets each message (borrowed); what it returns
 * below 0 loses that host with *err for a reason. lost is called once for each host that is lost, also of those that
 * were lost since the last fl_hub_listen(); either may be NULL. What is there is heard even where until_ns is over. 0,
 * the > 0, or -EINTR. */
struct fl_hub_ears {
	int (*hear)(void *arg, struct fl_hub_host *host, const json_t *message, struct fl_err *err);
	void (*lost)(void *arg, struct fl_hub_host *host);
	void *arg;
};
int fl_hub_listen(struct fl_hub *hub, uint64_t until_ns, const struct fl_hub_ears *ears, struct fl_err *err);
/* Gives a host up: its connection is closed, its agent ends by that. */
void fl_hub_lose(struct fl_hub *hub, struct fl_hub_host *host, const struct fl_err *why);

/* For a hub that is told to end: asks all hosts that are left, which takes 0.4 s at most, and says who is lost or does
 * not answer: "host n3 was lost: why", "host n3 does not answer any more"; NULL: nobody, as far as is known. Who ends
 * because it was told to, too, is not lost. malloc'd. */
char *fl_hub_who_is_lost(struct fl_hub *hub);

/* How far the clocks of hosts are from the hub's (Cristian's algorithm: offset = their time - the middle of the
 * exchange; error = half of it). Hosts are asked as they have time for it, while the caller goes on to listen to all;
 * some at a time, so that they do not wait for one another. 8 exchanges each, or fewer, as soon as one has an error
 * below good_ns, or is hardly longer than the shortest ever was. */
struct fl_hub_clocks;
struct fl_hub_clocks *fl_hub_clocks_open(struct fl_hub *hub, uint64_t good_ns);
void fl_hub_clocks_close(
	struct fl_hub_clocks *c); /* NULL allowed; who was not through keeps what was known of it before */
/* Soon. Nothing, where it is lost, or is being asked. */
void fl_hub_clocks_ask(struct fl_hub_clocks *c, struct fl_hub_host *host);
/* The message "clock". An answer may come when nobody waits for it any more, so c may be NULL. -EPROTO: nothing was
 * asked. */
int fl_hub_clocks_hear(struct fl_hub_clocks *c, struct fl_hub_host *host, const json_t *message, struct fl_err *err);
void fl_hub_clocks_look(
	struct fl_hub_clocks *c); /* to be called about 50 times a second: a slow host gives way to others */
/* Listens until all that were asked are through. A host that does not answer within 3 s is lost. What else hosts say
 * meanwhile goes to `ears`, which may be NULL. */
int fl_hub_clocks_wait(struct fl_hub_clocks *c, const struct fl_hub_ears *ears, struct fl_err *err);
/* All of it, of all hosts that are not lost. */
int fl_hub_clocks(struct fl_hub *hub, uint64_t good_ns, const struct fl_hub_ears *ears, struct fl_err *err);
/* Correcting the time of day may make a clock faster or slower by that part of it: it is no jump. */
enum { FL_CLOCK_DRIFT_PART = 2000 };
/* How much of that may have come to clock_error_ns by then. UINT64_MAX: its clock was never measured. */
uint64_t fl_hub_clock_aged_ns(const struct fl_hub_host *host, uint64_t at_ns);

/* What differs between the hosts that should not (version, catalog, libraries, kernel, CPUs, cgroups, interfaces), and
 * where a cpuset leaves out CPUs of the host, as a table of text for people, or NULL where nothing does. *ret_bars: how
 * many of these differences forbid to measure (another version of feedline, schema or catalog). malloc'd. */
char *fl_hub_differences(const struct fl_hub *hub, unsigned *ret_bars);

#endif
