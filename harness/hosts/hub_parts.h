/* SPDX-License-Identifier: Apache-2.0 */
/* hub_parts.h: what the parts of the hub share: hub.c (hosts and the one loop), hub_door.c (who wants to come in),
 * hub_gather.c, hub_clocks.c, hub_differences.c. */
#ifndef FL_HOSTS_HUB_PARTS_H
#define FL_HOSTS_HUB_PARTS_H
#include "hosts/address.h"
#include "hosts/hub.h"

/* One turn of the loop: waits at most until until_ns, hears what is there, 64 events at most. As fl_hub_listen(). */
int fl_hub_turn(struct fl_hub *hub, uint64_t until_ns, const struct fl_hub_ears *ears, struct fl_err *err);

/* ---- the door: connections of which nothing is known. There are as many at most as agents are to come, and a
 * thousand; each has 5 s and 16 KiB to prove that it knows the secret. Where more come, one by chance has to go, so
 * that whoever fills the door mostly hits himself, and an agent, which tries again, comes in; and no more than some
 * thousand a second are let near, so that they do not keep the hub from those that are in. */
enum { FL_DOOR_SPARE = 1024, FL_DOOR_PER_S = 4096, FL_DOOR_LINES_MAX = 10, FL_DOOR_FOREIGN_MAX = 16 };

struct fl_stranger {
	struct fl_wire *wire; /* NULL: the place is free */
	char address[FL_ADDRESS_TEXT];
	uint64_t since_ns;
	uint32_t next_free;
};

struct fl_door {
	struct fl_stranger *strangers;
	uint32_t room, n, free; /* places, taken ones, the first free one (== room: none) */
	uint32_t credit;	/* connections that may still be taken, this second */
	uint64_t credited_ns;
	bool shut;	 /* not listened to until the next tick */
	uint64_t random; /* who has to go */

	unsigned lines;	   /* that were said */
	char refused[400]; /* the last of them that says why somebody was turned away */
	char foreign[FL_DOOR_FOREIGN_MAX][FL_ADDRESS_TEXT]; /* addresses of agents with another secret */
	size_t foreign_n;
	struct fl_err fatal;		  /* why this run cannot be; code 0: nothing yet */
	const struct fl_hub_host *locked; /* the first where another feedline has the lock; NULL: none */
	uint64_t locked_ns;		  /* when it came */
};

void fl_door_open(struct fl_hub *hub);
void fl_door_close(struct fl_hub *hub); /* with the listening socket */
void fl_door_accept(struct fl_hub *hub);
void fl_door_take(struct fl_hub *hub, int fd, const struct sockaddr_storage *from); /* one that was accepted */
void fl_door_hear(struct fl_hub *hub, uint32_t place);
void fl_door_tick(struct fl_hub *hub, uint64_t now_ns);

/* What an epoll event is about. */
enum { FL_EVENT_LISTENER = 0, FL_EVENT_HOST = 1 }; /* then hosts, then strangers */
int fl_hub_watch(struct fl_hub *hub, int op, int fd, uint32_t events, uint64_t about);

#endif
