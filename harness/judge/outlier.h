/* SPDX-License-Identifier: Apache-2.0 */
/* outlier.h: the odd one out among those that should give the same: hosts of a run, devices that are alike. The one
 * rule for both, a pure function of numbers. Somebody spends a night on whom it names, so noise must name nobody.
 *
 * Of 4 at least (of fewer, which one is odd is not clear), one is odd where all of this holds:
 *
 *  1. its median is further than the tolerance from the median of all: what is less is of no matter;
 *  2. it lies further from the others than they from each other: its distance from their median is more than a factor
 *     times their spread. The spread is half the width of the narrowest range around their median that holds a
 *     majority of them and one more (m / 2 + 2 of m others). The value itself has no part in either, so that it cannot
 *     hide itself among few. Others that are odd as well do not hide it, either: one of them among 6 or 7 in all, two
 *     among 8 or 9, three among 10 or 11, nearly half of many. Of others that are the same the spread is 0, and the
 *     tolerance alone decides;
 *  3. its own interval lies wholly beyond the line of the tolerance, on the same side: what moves that much by itself
 *     says nothing.
 *
 * Why not 3 robust standard deviations (1.4826 x the median absolute deviation, MAD), as is usual: of 3 others the MAD
 * is the smaller of two gaps, which is small by chance as often as not; and the largest of many is beyond 3 as a matter
 * of course. A rule that is to name nobody in most samples without outliers must have its factor by the number of
 * values (Hampel identifiers: L. Davies, U. Gather, "The identification of multiple outliers", J. Amer. Statist. Assoc.
 * 88 (1993), 782-792; median and MAD: F. Hampel, J. Amer. Statist. Assoc. 69 (1974), 383-393). The factors here are
 * computed for this spread, by simulation of 300,000 normal samples of each size up to 64, and fewer of larger ones:
 * 2. alone makes one of equals odd for the worse in about 4 % of samples (of 4 values 4.5 %), however wide the noise.
 * For many it is about 3.7 standard deviations.
 *
 * What this costs: one of 4 that is off by 20 times the noise of the others is missed about once in 500, of 5 and more
 * practically never. Each kind of measurement is by itself: of many that are noisy one is named now and then. */
#ifndef FL_JUDGE_OUTLIER_H
#define FL_JUDGE_OUTLIER_H
#include "base/stats.h"
#include "base/units.h"

enum { FL_ODD_LEAST = 4 };

enum fl_odd { FL_ODD_NOT, FL_ODD_WORSE, FL_ODD_BETTER };

/* Each of n into ret. A median that is NaN: it has none, and is left out. better: of the metric ("higher", "lower");
 * where it is neither or NULL, none is odd. */
void fl_odd_find(const struct fl_interval *values, size_t n, const char *better, enum fl_odd *ret);

/* How far from the median, and which part of it, in per cent: "26 %", "5.3 %"; near the tolerance with as many digits
 * as show on which side of it that is. */
const char *fl_odd_show_off(char buf[FL_UNIT_TEXT], double ratio);
const char *fl_odd_show_share(char buf[FL_UNIT_TEXT], double ratio);

#endif
