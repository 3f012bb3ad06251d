/* SPDX-License-Identifier: Apache-2.0 */
/* studies.c: findings of studies. */
#include "judge/studies.h"
#include "base/alloc.h"
#include "base/stats.h"
#include <math.h>
#include <stdlib.h>

/* The median of the values that there are. */
static double median_of(const double *values, size_t n)
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

double fl_noise_floor(const double *values, size_t n, size_t pass_rounds)
{
	double low = NAN, high = NAN;
	size_t passes = 0;

	for (size_t i = 0; i + pass_rounds <= n; i += pass_rounds) {
		double median = median_of(values + i, pass_rounds);

		if (isnan(median))
			continue;
		low = fmin(low, median);
		high = fmax(high, median);
		passes++;
	}
	return passes > 1 ? (high - low) / fabs(low) : (double)NAN;
}
