/* SPDX-License-Identifier: Apache-2.0 */
/* steady.h: whether a lane left its steady state within the window: a drive whose fast cells are full, a CPU that got
 * hot. That it had attained one is the warm-up's affair (pace.c). Pure.
 *
 * The slices of the window are cut in two, once in the middle and once before the last quarter. The lane has left its
 * steady state where the medians of both parts differ by more than 10 % (as SNIA's Performance Test Specification
 * allows a slope over its window) and a rank test says that this is no chance: at 0.0005 for each cut, so that of a
 * thousand windows with nothing but noise less than one is accused. Fewer than 15 slices can never say it. */
#ifndef FL_RUN_STEADY_H
#define FL_RUN_STEADY_H
#include "record/record.h"

struct fl_departure {
	double before, after; /* medians of the two parts, in the unit of the series */
	enum { FL_CUT_MIDDLE, FL_CUT_LAST_QUARTER } cut;
};
/* rates: of valid slices, in the order of time. */
bool fl_steady_left(const double *rates, size_t n, struct fl_departure *ret);

/* "it left its steady state: 2.61 GB/s in the first half of the window, 1.43 GB/s in the second"; malloc'd. NULL: it
 * did not, or nothing can be told. The series is one of rates. */
char *fl_steady_judge(const struct fl_series *series);

#endif
