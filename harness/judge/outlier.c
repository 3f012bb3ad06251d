/* SPDX-License-Identifier: Apache-2.0 */
/* outlier.c: one against the others, from the sorted medians of all. */
#include "judge/outlier.h"
#include "base/alloc.h"
#include "judge/judge.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By how many spreads one of n must be away (outlier.h); the last row is for all that are more. Even numbers need more
 * than odd ones: the median of the others is one of them, and no distance from itself. */
static double factor_of(size_t n)
{
	static const struct {
		size_t most;
		double factor;
	} rows[] = {
		{ 4, 8.0 },  { 5, 5.0 },   { 6, 8.2 },	  { 7, 5.7 },	     { 8, 7.6 },  { 9, 5.9 },
		{ 10, 7.1 }, { 11, 5.8 },  { 12, 6.8 },	  { 13, 5.8 },	     { 14, 6.5 }, { 15, 5.7 },
		{ 16, 6.3 }, { 17, 5.7 },  { 18, 6.2 },	  { 19, 5.6 },	     { 20, 6.1 }, { 32, 6.0 },
		{ 64, 5.7 }, { 256, 5.6 }, { 1024, 6.0 }, { SIZE_MAX, 6.7 },
	};
	size_t i = 0;

	while (n > rows[i].most)
		i++;
	return rows[i].factor;
}

struct place {
	double median;
	size_t at; /* among the values */
};

static int compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->median != y->median)
		return x->median < y->median ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* The k-th of the others than `self`. */
static double other(const struct place *sorted, size_t self, size_t k)
{
	return sorted[k < self ? k : k + 1].median;
}

static double median_of_others(const struct place *sorted, size_t n, size_t self)
{
	size_t m = n - 1;

	return m % 2 ? other(sorted, self, m / 2) : other(sorted, self, m / 2 - 1) / 2 + other(sorted, self, m / 2) / 2;
}

/* Half the width of the range of those that are nearest to the median of the others. */
static double spread_of_others(const struct place *sorted, size_t n, size_t self, double median)
{
	size_t m = n - 1, held = m / 2 + 2, low = 0, high = m - held;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (median - other(sorted, self, middle) > other(sorted, self, middle + held) - median)
			low = middle + 1;
		else
			high = middle;
	}
	return (other(sorted, self, low + held - 1) - other(sorted, self, low)) / 2;
}

static bool stands_out(const struct place *sorted, size_t n, size_t self)
{
	double median = median_of_others(sorted, n, self);

	return fabs(sorted[self].median - median) > factor_of(n) * spread_of_others(sorted, n, self, median);
}

/* Is all of it beyond the line of the tolerance? -1: below, 1: above, 0: no. */
static int side_of(const struct fl_interval *value, double median)
{
	double line = FL_TOLERANCE * fabs(median);

	if (value->median < median - line && value->high < median - line)
		return -1;
	return value->median > median + line && value->low > median + line;
}

void fl_odd_find(const struct fl_interval *values, size_t n, const char *better, enum fl_odd *ret)
{
	struct place *sorted = fl_zalloc(n, sizeof(*sorted));
	int good = !better ? 0 : strcmp(better, "higher") == 0 ? 1 : strcmp(better, "lower") == 0 ? -1 : 0;
	size_t known = 0;
	double median;

	for (size_t i = 0; i < n; i++) {
		ret[i] = FL_ODD_NOT;
		if (!isnan(values[i].median))
			sorted[known++] = (struct place){ values[i].median, i };
	}
	if (known < FL_ODD_LEAST || !good)
		goto out;
	qsort(sorted, known, sizeof(*sorted), compare);
	median = known % 2 ? sorted[known / 2].median : sorted[known / 2 - 1].median / 2 + sorted[known / 2].median / 2;
	for (size_t i = 0; i < known; i++) {
		int side = side_of(&values[sorted[i].at], median);

		if (side && stands_out(sorted, known, i))
			ret[sorted[i].at] = side == good ? FL_ODD_BETTER : FL_ODD_WORSE;
	}
out:
	free(sorted);
}

/* ---- in words */

enum { MOST_SHOWN = 99999, MOST_DIGITS = 6 };

/* Digits after the point: none from 10 % on, one below; more where one would show the tolerance itself. */
static int digits_of(double off)
{
	double percent = 100 * off, line = 100 * FL_TOLERANCE, scale = 10;

	if (percent >= 10)
		return 0;
	for (int digits = 1; percent > line && digits <= MOST_DIGITS; digits++, scale *= 10)
		if (round(percent * scale) > round(line * scale))
			return digits;
	return 1;
}

const char *fl_odd_show_off(char buf[FL_UNIT_TEXT], double ratio)
{
	double off = fabs(ratio);

	snprintf(buf, FL_UNIT_TEXT, "%.*f %%", digits_of(off), fmin(100 * off, MOST_SHOWN));
	return buf;
}

const char *fl_odd_show_share(char buf[FL_UNIT_TEXT], double ratio)
{
	snprintf(buf, FL_UNIT_TEXT, "%.*f %%", digits_of(fabs(ratio - 1)),
		 fmax(fmin(100 * ratio, MOST_SHOWN), -MOST_SHOWN));
	return buf;
}
