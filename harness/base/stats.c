/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c: medians and their order-statistic intervals. Only exact operations of IEEE 754 are used (no log, no exp), so
 * the same input gives the same result on every machine. */
#include "base/stats.h"
#include "base/alloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* malloc'd */
static double *sorted(const double *values, size_t n)
{
	double *copy = fl_zalloc(n, sizeof(*copy));

	memcpy(copy, values, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), ascending);
	return copy;
}

static double middle(const double *ordered, size_t n)
{
	return n % 2 ? ordered[n / 2] : ordered[n / 2 - 1] / 2 + ordered[n / 2] / 2;
}

double fl_median(const double *values, size_t n)
{
	double *ordered, median;

	if (!n)
		return NAN;
	ordered = sorted(values, n);
	median = middle(ordered, n);
	free(ordered);
	return median;
}

/* Finds the innermost pair (k, n - 1 - k) that covers the median with at least 95 %: the pair misses it when at most k
 * of n fair coins show heads (or at most k tails). Returns its coverage; 0 and k = 0 where no pair does. */
static double innermost(size_t n, size_t *ret_k)
{
	double mantissa = 1, tail = 0, coverage = 0; /* binomial(n, 1/2) at k = mantissa x 2^exponent: no underflow */
	long exponent = -(long)n;

	*ret_k = 0;
	for (size_t k = 0; k < n / 2; k++) {
		int shift;

		tail += exponent < -2000 ? 0 : ldexp(mantissa, (int)exponent);
		if (1 - 2 * tail < 0.95)
			break;
		*ret_k = k;
		coverage = 1 - 2 * tail;
		mantissa = frexp(mantissa * (double)(n - k) / (double)(k + 1), &shift);
		exponent += shift;
	}
	return coverage;
}

struct fl_interval fl_median_interval(const double *values, size_t n)
{
	struct fl_interval interval = { .median = NAN, .low = NAN, .high = NAN, .n = n };
	double *ordered;
	size_t k;

	if (!n)
		return interval;
	ordered = sorted(values, n);
	interval.confidence = innermost(n, &k);
	interval.median = middle(ordered, n);
	interval.low = ordered[k];
	interval.high = ordered[n - 1 - k];
	free(ordered);
	return interval;
}

/* Of the values that there are. */
static double median_of_known(const double *values, size_t n)
{
	double *known = fl_zalloc(n, sizeof(*known)), median;
	size_t known_n = 0;

	for (size_t i = 0; i < n; i++)
		if (!isnan(values[i]))
			known[known_n++] = values[i];
	median = fl_median(known, known_n);
	free(known);
	return median;
}

double fl_spread_of_passes(const double *values, size_t n, size_t pass_rounds)
{
	double low = NAN, high = NAN;
	size_t passes = 0;

	for (size_t i = 0; i + pass_rounds <= n; i += pass_rounds) {
		double median = median_of_known(values + i, pass_rounds);

		if (isnan(median))
			continue;
		low = fmin(low, median);
		high = fmax(high, median);
		passes++;
	}
	return passes > 1 && low != 0 ? (high - low) / fabs(low) : (double)NAN;
}
