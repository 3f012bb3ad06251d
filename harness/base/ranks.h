/* SPDX-License-Identifier: Apache-2.0 */
/* ranks.h: are two samples of one distribution, and by how much do they differ? Rank tests and the intervals that
 * belong to them; nothing is assumed about the distribution. Values are finite; NaN are the caller's to leave out.
 *
 * Two samples (before and after, rounds of each): Wilcoxon-Mann-Whitney, two-sided, and the median of all ratios b/a
 * with its order-statistic interval (Hodges-Lehmann on a logarithmic scale; a ratio b/a above r means b above r x a, so
 * no logarithm is needed). Pairs (one node before and after): Wilcoxon signed rank over the ratios, and the median of
 * their pairwise geometric means (Walsh averages).
 *
 * p is exact: from the permutation distribution, with ties too, up to FL_RANKS_TIED_MAX values with and
 * FL_RANKS_EXACT_MAX without them. Beyond, it is that of the normal distribution with correction for ties and
 * continuity. Lehmann, Nonparametrics (1975), chapters 1 to 4. */
#ifndef FL_BASE_RANKS_H
#define FL_BASE_RANKS_H
#include <stddef.h>

enum { FL_RANKS_TIED_MAX = 32, FL_RANKS_EXACT_MAX = 512 };

/* Null distributions met so far, so that a thousand metrics of 8 + 8 rounds need one. Not for two threads at once. */
struct fl_ranks;
struct fl_ranks *fl_ranks_new(void);
void fl_ranks_free(struct fl_ranks *ranks); /* NULL allowed */

/* Two-sided p that a and b come from one distribution; 1 where a side is empty. */
double fl_rank_sum_p(struct fl_ranks *ranks, const double *a, size_t a_n, const double *b, size_t b_n);
/* The smallest p that so many values can give: 2 / C(a_n + b_n, a_n), at most 1. */
double fl_rank_sum_least_p(size_t a_n, size_t b_n);
/* How many values a side needs for a p of `alpha` to be possible at all. */
size_t fl_rank_sum_needs(double alpha);

/* A ratio and the interval that covers it with at least `confidence`. */
struct fl_ratio {
	double ratio, low, high;
	double confidence; /* of low..high; 0: too few values for 95 %, and they are the extremes */
};
/* b/a. All values must be > 0, else everything is NaN; so too where a side is empty. */
struct fl_ratio fl_rank_sum_ratio(struct fl_ranks *ranks, const double *a, size_t a_n, const double *b, size_t b_n);

/* The same over n ratios > 0 of pairs. Ratios of exactly 1 say nothing about a direction and are left out of p. */
double fl_signed_rank_p(struct fl_ranks *ranks, const double *ratios, size_t n);
double fl_signed_rank_least_p(size_t n); /* 2 / 2^n, at most 1 */
size_t fl_signed_rank_needs(double alpha);
struct fl_ratio fl_signed_rank_ratio(struct fl_ranks *ranks, const double *ratios, size_t n);

/* Holm's step-down correction over the n comparisons that decide together: adjusted p, compared with alpha, keep the
 * chance of any false alarm at alpha. NaN stay NaN and are not counted. Holm, Scand. J. Statist. 6 (1979). */
void fl_holm(const double *p, size_t n, double *ret_adjusted);

#endif
