/* SPDX-License-Identifier: Apache-2.0 */
/* across.h: hosts held against each other. They are peers: what all of them measured is ranked, with its median and
 * spread, and the odd one out is named, which needs no history and no limits.
 *
 * Of lanes by themselves a host's value is that of its lane at the same place of the same case. Of measurements between
 * hosts it is the median over those that it has a part in, or over those of one direction (host_value.h).
 *
 * Which host is odd is said in outlier.h, as of devices that are alike (odd.c). An odd host that is worse is named; one
 * that is better is only marked. A measurement between two is slow where it is odd, by the same rule, among all of
 * them. Named first is what is to be trusted. Where hosts are further from the median than the tolerance and none is
 * odd, that is said, too, but is never the headline. */
#ifndef FL_JUDGE_ACROSS_H
#define FL_JUDGE_ACROSS_H
#include "judge/host_value.h"
#include "judge/outlier.h"
#include <stdbool.h>
#include <stddef.h>

struct fl_lane_verdict;

struct fl_between {
	const struct fl_lane_verdict *lane;   /* the first of them, for what it is */
	const struct fl_lane_verdict **lanes; /* all, measured or not, but for those beside a measurement; owned */
	size_t lanes_n;
	const char *metric;	  /* the one that speaks for it; NULL: it has none */
	bool between;		  /* of measurements between hosts */
	double *of_host;	  /* by number; NaN: it has none; owned */
	enum fl_odd *odd;	  /* likewise */
	bool *trusted;		  /* likewise: what its value is from is trustworthy */
	enum fl_direction *of;	  /* likewise: of which measurements its value is, where they are between hosts */
	size_t n, odd_n, worse_n; /* hosts with a value, odd ones of them, and those of them that are worse */
	double median, low, high; /* of the hosts' values */
	size_t low_host, high_host;
	/* Of measurements between hosts that are slow, without those in which a worse host has a part. */
	const struct fl_lane_verdict **slow;
	size_t slow_n;
};

struct fl_host_result {
	const char *name; /* of the record */
	bool lost;
	char *why;    /* lost: "host n3 was lost: the connection was closed"; owned */
	size_t odd_n; /* of `across`, in which it is odd and worse */
};

/* The hosts of its case meet in another way than each with each, which its name says. */
bool fl_meets_apart(const struct fl_lane_verdict *v);

#endif
