/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h: order statistics. Input is never changed; n == 0 gives NaN; NaN inputs are the caller's to leave out. */
#ifndef FL_BASE_STATS_H
#define FL_BASE_STATS_H
#include <stddef.h>

struct fl_interval {
	double median, low, high;
	double confidence; /* coverage of low..high for the median; 0: low and high are the extremes, no claim */
	size_t n;
};

double fl_median(const double *values, size_t n);

/* Median with its distribution-free order-statistic interval of at least 95 %: the innermost pair (k, n - 1 - k) of
 * sorted values whose binomial(n, 1/2) coverage is >= 0.95. From n = 6 on there is one (6: min..max, 96.9 %; 8:
 * min..max, 99.2 %; 9: 2nd..8th, 96.1 %; 12: 3rd..10th, 96.1 %; 20: 6th..15th, 95.9 %). Below, low and high are min and
 * max and confidence is 0. */
struct fl_interval fl_median_interval(const double *values, size_t n);

/* How far passes differ between which nothing was changed: the largest relative difference between the medians of any
 * two of them, (largest - smallest) / smallest. values: of n rounds in their order, NaN where a round has none; whole
 * passes of pass_rounds > 0 rounds count, those without any value do not. NaN: fewer than two do. */
double fl_spread_of_passes(const double *values, size_t n, size_t pass_rounds);

#endif
