/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.h: who talks to whom among n hosts, and when. Pure: numbers in, numbers out.
 *
 * A round is a list of pairs that do not share a host, so that they can run at once without being each other's
 * load. */
#ifndef FL_PLAN_SCHEDULE_H
#define FL_PLAN_SCHEDULE_H
#include <stddef.h>
#include <stdint.h>

struct fl_pair {
	unsigned from, to; /* hosts, 0 .. n - 1; not the same */
};

struct fl_schedule_round {
	struct fl_pair *pairs;
	size_t n;
};

struct fl_schedule {
	struct fl_schedule_round *rounds;
	size_t rounds_n;
	double coverage; /* what share of all pairs that could be is in it, 0 .. 1 */
};

enum fl_schedule_kind {
	/* Every two hosts once: n - 1 rounds for even n, n for odd ones (one host rests), by the circle method of
	 * round-robin tournaments. from < to. */
	FL_SCHEDULE_PAIRS,
	/* Round k: each host i to i + k modulo n, k = 1 .. n - 1: every ordered pair once, and in every round each
	 * host sends and receives at once (a permutation: not disjoint, as the only one of these). */
	FL_SCHEDULE_SHIFTS,
	/* One round: each host of the first half with its counterpart in the second; where racks are given, the
	 * halves are of whole racks as far as their sizes allow. */
	FL_SCHEDULE_BISECTION,
	/* `rounds` of the rounds that PAIRS has, chosen by `seed`, evenly over the hosts: every host is in every
	 * round (but for the one that rests), and the coverage says how much of all pairs that is. */
	FL_SCHEDULE_SAMPLE,
	FL_SCHEDULE_KINDS,
};

/* Which pairs count: all, only those within a rack, only those between two. */
enum fl_reach { FL_REACH_ALL, FL_REACH_WITHIN, FL_REACH_BETWEEN };

struct fl_schedule_spec {
	enum fl_schedule_kind kind;
	unsigned n;
	const char *const
		*racks;	     /* by host, equal text is the same rack; NULL: not given, or by host where not known */
	enum fl_reach reach; /* hosts of which the rack is not known count neither within nor between */
	unsigned rounds;     /* SAMPLE */
	uint64_t seed;	     /* SAMPLE: the same seed gives the same rounds */
};

/* n below 2, or a reach that leaves no pair, gives no rounds. Never NULL. */
struct fl_schedule *fl_schedule_make(const struct fl_schedule_spec *spec);
void fl_schedule_free(struct fl_schedule *s);
const char *fl_schedule_name(enum fl_schedule_kind kind); /* "pairs", "shifts", "bisection", "sample" */

#endif
