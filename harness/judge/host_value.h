/* SPDX-License-Identifier: Apache-2.0 */
/* host_value.h: what a host is worth among others, of measurements that each have two hosts in them. Pure.
 *
 * It is the median over all that the host has a part in: one that is slow with everybody makes one measurement of each
 * of the others slow, which their medians do not show, and all of its own.
 *
 * A host may be slow in one direction alone. Where half or more of its measurements are in the other one, that median
 * does not show it. So its value is the median of one direction where even the best of that, over 3 partners at least,
 * is worse than the median of the other direction by more than the tolerance, and those partners, by the medians over
 * all that they have a part in, are at large not that bad: then they do not explain it. Who is sent to and who is
 * received from may be other hosts (every two hosts once), and three slow ones in a row make what one sends slow. */
#ifndef FL_JUDGE_HOST_VALUE_H
#define FL_JUDGE_HOST_VALUE_H
#include "base/stats.h"
#include <stdbool.h>
#include <stddef.h>

enum fl_direction { FL_BOTH_WAYS, FL_ARRIVING, FL_SENDING };

/* One host's part in one measurement. */
struct fl_host_part {
	unsigned host, partner;
	bool sends;
	struct fl_interval value;
	bool trusted;
};

struct fl_host_value {
	struct fl_interval value; /* medians: of the medians, of the lows and of the highs */
	bool trusted;		  /* more than half of what it is from is */
	enum fl_direction of;
};

/* Sorts the parts, of which every measurement gives one to each of its two hosts, and sets the value of every host that
 * has one. better: of the metric, "higher" or "lower"; NULL:
 * what is measured has no direction. */
void fl_host_values(struct fl_host_part *parts, size_t n, const char *better, struct fl_host_value *of_host);

#endif
