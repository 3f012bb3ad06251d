/* SPDX-License-Identifier: Apache-2.0 */
/* shares.c: a share of sums over steps, and its interval: within one round by batch means, over rounds by their order.
 * Only exact operations of IEEE 754 and the square root are used, so that the answer is the same on every machine. */
#include "base/alloc.h"
#include "judge/loop.h"
#include <math.h>
#include <stdlib.h>

enum { SEGMENTS_MAX = 10, SEGMENT_STEPS = 3, SEGMENTS_LEAST = 3 };

/* Student's t, two-sided 95 %, by degrees of freedom. */
static const double student[SEGMENTS_MAX] = { 0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262 };

static const struct fl_interval unknown = { .median = NAN, .low = NAN, .high = NAN };

static double share(const double *over, const double *under, size_t n)
{
	double a = 0, b = 0;

	for (size_t i = 0; i < n; i++) {
		a += over[i];
		b += under[i];
	}
	return b > 0 ? a / b : (double)NAN;
}

/* Too few for segments: the extremes of single steps. */
static struct fl_interval extremes(const double *over, const double *under, size_t n)
{
	struct fl_interval r = { .median = share(over, under, n), .low = NAN, .high = NAN, .n = n };

	for (size_t i = 0; i < n; i++) {
		r.low = fmin(r.low, over[i] / under[i]);
		r.high = fmax(r.high, over[i] / under[i]);
	}
	return r;
}

/* Half the width of the interval. */
static double half_width(const double *over, const double *under, size_t n, size_t segments)
{
	double values[SEGMENTS_MAX], mean = 0, squares = 0;

	for (size_t k = 0; k < segments; k++) {
		size_t from = k * n / segments, to = (k + 1) * n / segments;

		values[k] = share(over + from, under + from, to - from);
		mean += values[k] / (double)segments;
	}
	for (size_t k = 0; k < segments; k++)
		squares += (values[k] - mean) * (values[k] - mean);
	return student[segments - 1] * sqrt(squares / (double)(segments - 1) / (double)segments);
}

struct fl_interval fl_share_interval(const double *over, const double *under, size_t n)
{
	size_t segments = n / SEGMENT_STEPS < SEGMENTS_MAX ? n / SEGMENT_STEPS : SEGMENTS_MAX;
	struct fl_interval r = unknown;
	double half;

	if (n == 0)
		return r;
	if (segments < SEGMENTS_LEAST)
		return extremes(over, under, n);
	half = half_width(over, under, n, segments);
	r.median = share(over, under, n);
	r.low = fmax(0, r.median - half);
	r.high = r.median + half;
	r.confidence = 0.95;
	r.n = n;
	return r;
}

void fl_shares_add(struct fl_shares *all, const double *over, const double *under, size_t n)
{
	all->of_round = fl_grow(all->of_round, all->n + 1, sizeof(*all->of_round));
	all->of_round[all->n++] = n < FL_STEPS_LEAST ? (double)NAN : share(over, under, n);
	if (n < FL_STEPS_LEAST)
		return;
	all->one = fl_share_interval(over, under, n);
	all->steps += n;
}

struct fl_interval fl_shares_interval(const struct fl_shares *all)
{
	double *known = fl_zalloc(all->n + 1, sizeof(*known));
	struct fl_interval r = unknown;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (isfinite(all->of_round[i]))
			known[n++] = all->of_round[i];
	if (n > 0)
		r = n == 1 ? all->one : fl_median_interval(known, n);
	if (!isfinite(r.median) || !isfinite(r.low) || !isfinite(r.high))
		r = unknown;
	free(known);
	return r;
}

void fl_shares_release(struct fl_shares *all)
{
	free(all->of_round);
	*all = (struct fl_shares){ 0 };
}
