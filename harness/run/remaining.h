/* SPDX-License-Identifier: Apache-2.0 */
/* remaining.h: how long a run still needs. A plan estimates how long its steps take at most; those that were taken say
 * how long they really take here. Pure: the caller reads the clock. */
#ifndef FL_RUN_REMAINING_H
#define FL_RUN_REMAINING_H
#include <stddef.h>
#include <stdint.h>

enum { FL_REMAINING_KEPT = 32, FL_REMAINING_TEXT = 40 };

/* Zeroed: no step was taken yet. */
struct fl_remaining {
	double ratios[FL_REMAINING_KEPT]; /* of the last steps: time taken / time estimated */
	size_t n;			  /* steps in all */
};

/* A step is over. One that needs no time by its estimate says nothing about the others. */
void fl_remaining_took(struct fl_remaining *r, uint64_t estimated_ns, uint64_t took_ns);
/* What an estimate comes to at the median ratio of the last steps; itself before there is any. */
uint64_t fl_remaining_ns(const struct fl_remaining *r, uint64_t estimated_ns);

/* For people who wait: "about 40 s left", never more exact than it can be. Returns buf. */
const char *fl_remaining_show(char buf[FL_REMAINING_TEXT], uint64_t left_ns);

#endif
