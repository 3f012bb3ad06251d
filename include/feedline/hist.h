/* SPDX-License-Identifier: Apache-2.0 */
/* feedline/hist.h: a log-linear histogram of times.
 *
 * EXECUTIVE SUMMARY. Values are ns, 0 .. 2^64-1; all of them fit. Below 128 ns a bucket is 1 ns wide (exact). Above,
 * each power of two is cut into 64 equal buckets, so a bucket is at most 1/64 of its lower bound wide and its middle
 * is within 1/128 (0.79 %) of every value in it. Size: 128 buckets of 1 ns, then 64 for each of the 57 powers of two
 * 2^7 .. 2^63: FL_HIST_BUCKETS = 3776 counters of 8 bytes, 29.5 KiB, all in one block without pointers, so that it can
 * live in shared memory. Sums saturate at 2^64-1.
 *
 * One thread writes one histogram; merge afterwards with fl_hist_merge(). A zeroed struct is an empty histogram. */
#ifndef FEEDLINE_HIST_H
#define FEEDLINE_HIST_H
#include <stdint.h>

enum { FL_HIST_SUB_BITS = 6, FL_HIST_BUCKETS = (64 - FL_HIST_SUB_BITS + 1) << FL_HIST_SUB_BITS };

struct fl_hist {
	uint64_t count[FL_HIST_BUCKETS];
};

/* Counts one value. Cannot fail; no allocation, no system call. */
void fl_hist_add(struct fl_hist *h, uint64_t value_ns);

/* Adds all counts of `from` to `into`. Order of merging does not matter. */
void fl_hist_merge(struct fl_hist *into, const struct fl_hist *from);

/* Number of values counted. */
uint64_t fl_hist_total(const struct fl_hist *h);

/* The bucket that holds value_ns, and the middle of a bucket < FL_HIST_BUCKETS (its representative value). */
unsigned fl_hist_bucket(uint64_t value_ns);
uint64_t fl_hist_middle(unsigned bucket);

/* The middle of the first bucket such that at least q (0..1; outside: the nearer end) of the values, and at least one,
 * lie in it or below; 0 if empty. */
uint64_t fl_hist_quantile(const struct fl_hist *h, double q);

#endif
