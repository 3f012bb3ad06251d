/* SPDX-License-Identifier: Apache-2.0 */
/* series.c: samples and histograms of one round to numbers. */
#include "record/series.h"
#include "base/alloc.h"
#include "base/stats.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t fl_series_samples(const struct fl_series *series, double *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < series->n; i++)
		if ((!series->valid || series->valid[i]) && isfinite(series->value[i]))
			ret[n++] = series->value[i];
	return n;
}

/* ---- histograms */

static int compare_buckets(const void *a, const void *b)
{
	double x = ((const struct fl_bucket *)a)->at, y = ((const struct fl_bucket *)b)->at;

	return x < y ? -1 : x > y;
}

void fl_buckets_add(struct fl_buckets *all, const struct fl_series *series)
{
	all->items = fl_grow(all->items, all->n + series->n, sizeof(*all->items));
	for (size_t i = 0; i < series->n; i++)
		if (isfinite(series->at[i]) && isfinite(series->value[i]) && series->value[i] > 0)
			all->items[all->n++] = (struct fl_bucket){ series->at[i], series->value[i] };
}

double fl_buckets_quantile(struct fl_buckets *all, double q)
{
	double total = 0, below = 0;

	if (all->n == 0)
		return NAN;
	qsort(all->items, all->n, sizeof(*all->items), compare_buckets);
	for (size_t i = 0; i < all->n; i++)
		total += all->items[i].count;
	for (size_t i = 0; i < all->n; i++) {
		below += all->items[i].count;
		if (below >= q * total)
			return all->items[i].at;
	}
	return all->items[all->n - 1].at;
}

void fl_buckets_release(struct fl_buckets *all)
{
	free(all->items);
	*all = (struct fl_buckets){ 0 };
}

/* ---- medians */

double fl_series_median(const struct fl_series *series)
{
	struct fl_buckets buckets = { 0 };
	double *samples, median;

	if (series->kind == FL_SERIES_HISTOGRAM) {
		fl_buckets_add(&buckets, series);
		median = fl_buckets_quantile(&buckets, 0.5);
		fl_buckets_release(&buckets);
		return median;
	}
	samples = fl_zalloc(series->n, sizeof(*samples));
	median = fl_median(samples, fl_series_samples(series, samples));
	free(samples);
	return median;
}

const struct fl_series *fl_record_series(const struct fl_lane_record *record, const char *metric)
{
	for (size_t i = 0; i < record->series_n; i++)
		if (strcmp(record->series[i].metric, metric) == 0)
			return &record->series[i];
	return NULL;
}

double fl_record_spoken(const struct fl_lane_record *record, const struct fl_entry *entry, enum fl_better *ret_better)
{
	const struct fl_metric *speaker = fl_entry_speaker(entry);
	const struct fl_series *series = speaker ? fl_record_series(record, speaker->name) : NULL;

	*ret_better = speaker ? speaker->better : FL_NEITHER;
	return series && record->outcome == FL_MEASURED ? fl_series_median(series) : (double)NAN;
}

/* ---- what was seen beside cases */

double fl_watched_reach_ns(const char *metric)
{
	static const struct {
		const char *metric;
		double ns;
	} reaches[] = {
		{ "sm_busy_ratio", 1e9 }, /* "between 1 second and 1/6 second, depending on the product" */
		{ "memory_busy_ratio", 1e9 },
		{ "power_w", 1e9 },		  /* "averaged over 1 sec interval" since Ampere */
		{ "pcie_sent_bytes_per_s", 5e7 }, /* 20 ms, and of a second question as long */
		{ "pcie_received_bytes_per_s", 5e7 },
	};

	for (size_t i = 0; i < sizeof(reaches) / sizeof(reaches[0]); i++)
		if (!strcmp(reaches[i].metric, metric))
			return reaches[i].ns;
	return 0;
}

static bool counts(const struct fl_series *s, size_t i)
{
	return (!s->valid || s->valid[i]) && isfinite(s->value[i]);
}

/* The first of which none reaches back before the window. */
static size_t first_inside(const struct fl_series *s)
{
	double reach_ns = s->metric ? fl_watched_reach_ns(s->metric) : 0;
	size_t newest = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (!counts(s, i) || !(s->at[i] > 0))
			continue;
		if (s->at[i] >= reach_ns)
			return i;
		newest = i;
	}
	return newest; /* 0, too, where nothing is known of the window */
}

/* How long the i-th value was the newest, in the window; at least a ns, for one that was seen just now. */
static double weight_of(const struct fl_series *s, size_t i)
{
	double from_ns = i ? s->at[i - 1] : 0, ns = s->at[i] - (s->at[i] > 0 && from_ns < 0 ? 0 : from_ns);

	return isfinite(ns) && ns > 1 ? ns : 1;
}

struct fl_watched_summary fl_watched_summarize(const struct fl_series *s)
{
	struct fl_watched_summary sum = { NAN, NAN, NAN, NAN, NAN, 0 };
	struct fl_buckets all = { .items = fl_zalloc(s->n + 1, sizeof(*all.items)) };
	size_t inside = first_inside(s);
	double first = NAN, last = NAN;

	for (size_t i = 0; i < s->n; i++) {
		double value = s->value[i];

		if (!counts(s, i))
			continue;
		first = isnan(first) ? value : first;
		last = value;
		if (i < inside)
			continue;
		all.items[all.n++] = (struct fl_bucket){ value, weight_of(s, i) };
		sum.low = fmin(sum.low, value);
		sum.high = fmax(sum.high, value);
		sum.sum = (sum.n ? sum.sum : 0) + value;
		sum.n++;
	}
	sum.rose = last - first;
	sum.median = fl_buckets_quantile(&all, 0.5);
	fl_buckets_release(&all);
	return sum;
}
