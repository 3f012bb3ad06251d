/* SPDX-License-Identifier: Apache-2.0 */
/* ranks.c: ranks, their null distributions, p and intervals. */
#include "base/ranks.h"
#include "base/alloc.h"
#include "base/stats.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- null distributions: how often each value of a statistic comes up when nothing differs */

/* lower[k] = P(statistic <= k), k = 0 .. n-1; the distribution is symmetric. */
struct null {
	size_t a_n, b_n; /* b_n 0: of the signed rank of a_n pairs */
	size_t n;
	double *lower;
};

struct fl_ranks {
	struct null *nulls;
	size_t n;
};

struct fl_ranks *fl_ranks_new(void)
{
	return fl_zalloc(1, sizeof(struct fl_ranks));
}

void fl_ranks_free(struct fl_ranks *ranks)
{
	if (!ranks)
		return;
	for (size_t i = 0; i < ranks->n; i++)
		free(ranks->nulls[i].lower);
	free(ranks->nulls);
	free(ranks);
}

static void accumulate(double *counts, size_t n)
{
	double total = 0, below = 0;

	for (size_t i = 0; i < n; i++)
		total += counts[i];
	for (size_t i = 0; i < n; i++) {
		below += counts[i];
		counts[i] = below / total;
	}
}

/* U of a_n and b_n values without ties: the coefficients of the Gaussian binomial (a_n + b_n choose a_n), made as the
 * product of (1 - q^(b_n + i)) / (1 - q^i). A coefficient follows from those below it only, so the tail that decides is
 * not blurred by the large ones in the middle; scaled so that none overflows. */
static double *count_rank_sums(size_t a_n, size_t b_n, size_t n)
{
	double *counts = fl_zalloc(n, sizeof(*counts));

	counts[0] = 1e-280;
	for (size_t i = 1; i <= a_n; i++) {
		for (size_t k = n; k-- > b_n + i;)
			counts[k] -= counts[k - b_n - i];
		for (size_t k = i; k < n; k++)
			counts[k] += counts[k - i];
	}
	for (size_t k = n / 2; k < n; k++) /* by symmetry, and without what cancelled there */
		counts[k] = counts[n - 1 - k];
	return counts;
}

/* Sum of the ranks with one sign of n pairs without ties: every rank is in it or not. */
static double *count_signed_ranks(size_t pairs, size_t n)
{
	double *counts = fl_zalloc(n, sizeof(*counts));

	counts[0] = 1e-280;
	for (size_t rank = 1; rank <= pairs; rank++)
		for (size_t k = n; k-- > rank;)
			counts[k] += counts[k - rank];
	return counts;
}

static const struct null *find_null(struct fl_ranks *ranks, size_t a_n, size_t b_n)
{
	struct null made = { .a_n = a_n, .b_n = b_n };

	for (size_t i = 0; i < ranks->n; i++)
		if (ranks->nulls[i].a_n == a_n && ranks->nulls[i].b_n == b_n)
			return &ranks->nulls[i];
	made.n = (b_n ? a_n * b_n : a_n * (a_n + 1) / 2) + 1;
	made.lower = b_n ? count_rank_sums(a_n, b_n, made.n) : count_signed_ranks(a_n, made.n);
	accumulate(made.lower, made.n);
	ranks->nulls = fl_grow(ranks->nulls, ranks->n + 1, sizeof(*ranks->nulls));
	ranks->nulls[ranks->n] = made;
	return &ranks->nulls[ranks->n++];
}

static double two_sided(double tail)
{
	return tail < 0.5 ? 2 * tail : 1;
}

/* 2 P(Z > distance / deviation), with half a step of continuity. */
static double normal_p(double distance, double variance)
{
	double z = (fabs(distance) - 0.5) / sqrt(variance);

	return variance > 0 && z > 0 ? erfc(z / sqrt(2)) : 1;
}

/* ---- ranks */

struct ranked {
	double value;
	size_t twice; /* its rank, counted from 1, times two: the mean rank of equal values is whole then */
	bool marked;  /* of the second sample, or of a positive pair */
};

static int ascending(const void *a, const void *b)
{
	double x = ((const struct ranked *)a)->value, y = ((const struct ranked *)b)->value;

	return (x > y) - (x < y);
}

/* Sorts, and gives equal values their mean rank. Returns the sum of t^3 - t over groups of t equal values: 0 without
 * ties. */
static double rank(struct ranked *items, size_t n)
{
	double ties = 0;

	qsort(items, n, sizeof(*items), ascending);
	for (size_t i = 0, same; i < n; i += same) {
		for (same = 1; i + same < n && items[i + same].value == items[i].value; same++)
			;
		for (size_t k = i; k < i + same; k++)
			items[k].twice = 2 * i + same + 1;
		ties += (double)same * (double)same * (double)same - (double)same;
	}
	return ties;
}

/* Twice the rank sum of the marked ones. */
static size_t sum_marked(const struct ranked *items, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += items[i].marked ? items[i].twice : 0;
	return sum;
}

/* ---- two samples */

/* With ties: over all ways to choose b_n of the ranks, those whose sum is as far from the middle. ways[k][s]: how many
 * choices of k items have the doubled rank sum s. */
static double tied_rank_sum_p(const struct ranked *items, size_t n, size_t b_n)
{
	size_t room = n * (n + 1) + 1, sum = sum_marked(items, n),
	       middle2 = b_n * (n + 1); /* doubled mean of the sum */
	double *ways = fl_zalloc((b_n + 1) * room, sizeof(*ways)), all = 0, far = 0;
	size_t distance = sum > middle2 ? sum - middle2 : middle2 - sum;

	ways[0] = 1;
	for (size_t i = 0, most = 1; i < n; i++) {
		most += items[i].twice; /* sums so far are below */
		for (size_t k = (i < b_n ? i + 1 : b_n); k > 0; k--)
			for (size_t s = most; s-- > items[i].twice;)
				ways[k * room + s] += ways[(k - 1) * room + s - items[i].twice];
	}
	for (size_t s = 0; s < room; s++) {
		all += ways[b_n * room + s];
		if ((s > middle2 ? s - middle2 : middle2 - s) >= distance)
			far += ways[b_n * room + s];
	}
	free(ways);
	return far / all;
}

double fl_rank_sum_p(struct fl_ranks *ranks, const double *a, size_t a_n, const double *b, size_t b_n)
{
	size_t n = a_n + b_n;
	struct ranked *items = fl_zalloc(n, sizeof(*items));
	double ties, p = 1;

	for (size_t i = 0; i < n; i++)
		items[i] = (struct ranked){ .value = i < a_n ? a[i] : b[i - a_n], .marked = i >= a_n };
	ties = rank(items, n);
	double u = (double)sum_marked(items, n) / 2 - (double)b_n * (double)(b_n + 1) / 2;
	double largest = (double)a_n * (double)b_n;

	if (a_n == 0 || b_n == 0 || items[0].value == items[n - 1].value)
		p = 1;
	else if (ties == 0 && n <= FL_RANKS_EXACT_MAX)
		p = two_sided(find_null(ranks, a_n, b_n)->lower[(size_t)fmin(u, largest - u)]);
	else if (ties > 0 && n <= FL_RANKS_TIED_MAX)
		p = tied_rank_sum_p(items, n, b_n);
	else
		p = normal_p(u - largest / 2, largest / 12 * ((double)n + 1 - ties / ((double)n * ((double)n - 1))));
	free(items);
	return p;
}

double fl_rank_sum_least_p(size_t a_n, size_t b_n)
{
	double p = 2;

	for (size_t i = 1; i <= a_n; i++)
		p *= (double)i / (double)(b_n + i);
	return p < 1 ? p : 1;
}

size_t fl_rank_sum_needs(double alpha)
{
	size_t n = 1;

	while (n < FL_RANKS_EXACT_MAX && fl_rank_sum_least_p(n, n) > alpha)
		n++;
	return n;
}

/* ---- intervals: the ordered ratios from the k-th on, k-th from the end, where the test would still not refuse */

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* How many ordered ratios may be cut off at either end so that 95 % remain covered, and what is covered then; 0 and 0
 * where not even the extremes cover as much. spread: of the normal distribution, for many values. */
static size_t cut_of(const struct null *null, size_t count, double variance, double *ret_confidence)
{
	size_t cut = 0;

	*ret_confidence = 0;
	if (!null) {
		cut = (size_t)floor(fmax(0, (double)count / 2 - 1.959964 * sqrt(variance)));
		*ret_confidence = cut ? 0.95 : 0;
		return cut;
	}
	while (cut < null->n && null->lower[cut] <= 0.025) {
		*ret_confidence = 1 - 2 * null->lower[cut];
		cut++;
	}
	return cut;
}

/* Takes the ratios over. */
static struct fl_ratio interval_of(double *ratios, size_t n, const struct null *null, double variance)
{
	struct fl_ratio r = { 0 };
	size_t cut = cut_of(null, n, variance, &r.confidence), k = cut ? cut - 1 : 0;

	qsort(ratios, n, sizeof(*ratios), compare_doubles);
	r.ratio = n % 2 ? ratios[n / 2] : ratios[n / 2 - 1] / 2 + ratios[n / 2] / 2;
	r.low = ratios[k];
	r.high = ratios[n - 1 - k];
	free(ratios);
	return r;
}

static bool all_positive(const double *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(values[i] > 0))
			return false;
	return n > 0;
}

static const struct fl_ratio no_ratio = { .ratio = NAN, .low = NAN, .high = NAN };

/* Many values are thinned evenly: all ratios of 512 and 512 are as many as an interval needs. */
static size_t thin(const double *values, size_t n, double *ret)
{
	size_t kept = n < FL_RANKS_EXACT_MAX ? n : FL_RANKS_EXACT_MAX;

	for (size_t i = 0; i < kept; i++)
		ret[i] = values[i * n / kept];
	return kept;
}

struct fl_ratio fl_rank_sum_ratio(struct fl_ranks *ranks, const double *a, size_t a_n, const double *b, size_t b_n)
{
	double x[FL_RANKS_EXACT_MAX], y[FL_RANKS_EXACT_MAX], *ratios;

	if (!all_positive(a, a_n) || !all_positive(b, b_n))
		return no_ratio;
	a_n = thin(a, a_n, x);
	b_n = thin(b, b_n, y);
	ratios = fl_zalloc(a_n * b_n, sizeof(*ratios));
	for (size_t i = 0; i < a_n; i++)
		for (size_t k = 0; k < b_n; k++)
			ratios[i * b_n + k] = y[k] / x[i];
	return interval_of(ratios, a_n * b_n, a_n + b_n <= FL_RANKS_EXACT_MAX ? find_null(ranks, a_n, b_n) : NULL,
			   (double)a_n * (double)b_n * (double)(a_n + b_n + 1) / 12);
}

/* ---- pairs */

/* With ties: every rank is in the sum or not. */
static double tied_signed_rank_p(const struct ranked *items, size_t n)
{
	size_t room = n * (n + 1) + 1, sum = sum_marked(items, n), middle2 = n * (n + 1) / 2;
	double *ways = fl_zalloc(room, sizeof(*ways)), all = 0, far = 0;
	size_t distance = sum > middle2 ? sum - middle2 : middle2 - sum;

	ways[0] = 1;
	for (size_t i = 0; i < n; i++)
		for (size_t s = room; s-- > items[i].twice;)
			ways[s] += ways[s - items[i].twice];
	for (size_t s = 0; s < room; s++) {
		all += ways[s];
		if ((s > middle2 ? s - middle2 : middle2 - s) >= distance)
			far += ways[s];
	}
	free(ways);
	return far / all;
}

/* How far a ratio is from 1, whichever way: 2 and 1/2 are as far. */
static struct ranked distance_of(double ratio)
{
	return (struct ranked){ .value = ratio > 1 ? ratio : 1 / ratio, .marked = ratio > 1 };
}

double fl_signed_rank_p(struct fl_ranks *ranks, const double *ratios, size_t n)
{
	struct ranked *items = fl_zalloc(n, sizeof(*items));
	double ties, p = 1;
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		if (ratios[i] != 1)
			items[used++] = distance_of(ratios[i]);
	ties = rank(items, used);
	double pairs = (double)used, sum = (double)sum_marked(items, used) / 2, largest = pairs * (pairs + 1) / 2;

	if (used == 0)
		p = 1;
	else if (ties == 0 && used <= FL_RANKS_EXACT_MAX)
		p = two_sided(find_null(ranks, used, 0)->lower[(size_t)fmin(sum, largest - sum)]);
	else if (ties > 0 && used <= FL_RANKS_TIED_MAX)
		p = tied_signed_rank_p(items, used);
	else
		p = normal_p(sum - largest / 2, pairs * (pairs + 1) * (2 * pairs + 1) / 24 - ties / 48);
	free(items);
	return p;
}

double fl_signed_rank_least_p(size_t n)
{
	return n < 2 ? 1 : ldexp(2, -(int)(n < 1000 ? n : 1000));
}

size_t fl_signed_rank_needs(double alpha)
{
	size_t n = 1;

	while (n < FL_RANKS_EXACT_MAX && fl_signed_rank_least_p(n) > alpha)
		n++;
	return n;
}

struct fl_ratio fl_signed_rank_ratio(struct fl_ranks *ranks, const double *ratios, size_t n)
{
	double x[FL_RANKS_EXACT_MAX], *means;
	size_t used = 0;

	if (!all_positive(ratios, n))
		return no_ratio;
	n = thin(ratios, n, x);
	means = fl_zalloc(n * (n + 1) / 2, sizeof(*means));
	for (size_t i = 0; i < n; i++)
		for (size_t k = i; k < n; k++)
			means[used++] = i == k ? x[i] : sqrt(x[i]) * sqrt(x[k]);
	return interval_of(means, used, find_null(ranks, n, 0), 0);
}

/* ---- many comparisons */

struct ordered_p {
	double p;
	size_t at;
};

static int compare_p(const void *a, const void *b)
{
	const struct ordered_p *x = a, *y = b;

	if (x->p != y->p)
		return x->p < y->p ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

void fl_holm(const double *p, size_t n, double *ret_adjusted)
{
	struct ordered_p *order = fl_zalloc(n, sizeof(*order));
	double least = 0;
	size_t m = 0;

	for (size_t i = 0; i < n; i++) {
		ret_adjusted[i] = NAN;
		if (!isnan(p[i]))
			order[m++] = (struct ordered_p){ p[i], i };
	}
	qsort(order, m, sizeof(*order), compare_p);
	for (size_t i = 0; i < m; i++) {
		double adjusted = fmin(1, order[i].p * (double)(m - i));

		least = fmax(least, adjusted); /* never below that of a smaller p */
		ret_adjusted[order[i].at] = least;
	}
	free(order);
}
