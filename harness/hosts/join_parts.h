/* SPDX-License-Identifier: Apache-2.0 */
/* join_parts.h: what join.c and join_find.c share. */
#ifndef FL_HOSTS_JOIN_PARTS_H
#define FL_HOSTS_JOIN_PARTS_H
#include "hosts/address.h"
#include "hosts/join.h"

/* One address of the hub. */
struct fl_way {
	const char *address;
	enum { FL_WAY_WAITS, FL_WAY_CONNECTS, FL_WAY_GREETS, FL_WAY_OVER } state;
	int fd;		      /* while it connects; -1 */
	struct fl_wire *wire; /* while it greets */
	uint64_t at_ns;	      /* when it is tried, or was last tried */
	struct fl_err why;    /* why it failed last */
	struct fl_err wrong;  /* what answered there is no hub of ours; code 0: nothing yet */
	unsigned refused;     /* so often in a row */
};

struct fl_ways {
	const struct fl_join *join;
	struct fl_way *ways;
	size_t n;
	uint64_t until_ns;
};

void fl_ways_open(struct fl_ways *ways, const struct fl_join *join);
void fl_ways_close(struct fl_ways *ways);
/* The next way on which a feedline answers; its wire is the caller's then. -EHOSTUNREACH and others, with *err. */
int fl_ways_find(struct fl_ways *ways, struct fl_way **ret_way, struct fl_wire **ret, struct fl_err *err);
/* A way that turned out to be a wrong one is not tried again, unless the hub may be late; all get a little time. */
void fl_ways_give_up(struct fl_ways *ways, struct fl_way *way, const struct fl_err *why);

#endif
