/* SPDX-License-Identifier: Apache-2.0 */
/* series.h: what the series of one round says: its median, which is the unit of replication, and the quantiles of its
 * histogram. Spoilt samples and what is not finite never count. */
#ifndef FL_RECORD_SERIES_H
#define FL_RECORD_SERIES_H
#include "catalog/catalog.h"
#include "record/record.h"

/* The samples that count; ret has room for all. Returns how many. */
size_t fl_series_samples(const struct fl_series *series, double *ret);
/* Of the samples; of a histogram its p50. NaN: nothing counts. */
double fl_series_median(const struct fl_series *series);

/* The median of the metric that speaks for the benchmark (catalog.h) in the round of the record, and its direction;
 * NaN: it was not measured. */
double fl_record_spoken(const struct fl_lane_record *record, const struct fl_entry *entry, enum fl_better *ret_better);
const struct fl_series *fl_record_series(const struct fl_lane_record *record, const char *metric); /* NULL: none */

/* How far behind it a value of the metric may reach: GPUs say how busy they are, and their power, as a mean of the time
 * before, of up to a second. What was seen nearer to the start of a window is also of what came before that. */
double fl_watched_reach_ns(const char *metric);

/* What was seen of a subject, in the window and just behind it: each value as long as it was the newest, since of
 * equal ones only the first and the last are kept. What reaches back before the window counts where nothing else is
 * known of it: of that the newest alone; and where nothing at all is known of the window, what was seen before it.
 * Samples that are not valid never count. NaN: nothing is known. rose: what a counter rose by, from the first sample to
 * the last. */
struct fl_watched_summary {
	double median, low, high, sum, rose;
	size_t n;
};
struct fl_watched_summary fl_watched_summarize(const struct fl_series *series);

/* Buckets of one or more histograms. */
struct fl_bucket {
	double at, count;
};
struct fl_buckets {
	struct fl_bucket *items;
	size_t n;
};
void fl_buckets_add(struct fl_buckets *all, const struct fl_series *series);
/* The smallest bucket that at least q of all values are in or below; NaN if there are none. Sorts. */
double fl_buckets_quantile(struct fl_buckets *all, double q);
void fl_buckets_release(struct fl_buckets *all);

#endif
