/* SPDX-License-Identifier: Apache-2.0 */
/* summary.c: the records of a lane to numbers. The unit of replication is the median of a round: repetitions inside a
 * round only narrow it, so they are an interval of their own only where there is no second round. */
#include "base/alloc.h"
#include "judge/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct fl_series *find_series(const struct fl_lane_record *record, const char *metric)
{
	for (size_t i = 0; i < record->series_n; i++)
		if (strcmp(record->series[i].metric, metric) == 0)
			return &record->series[i];
	return NULL;
}

/* The samples that count: valid and finite. ret has room for all of them. */
static size_t valid_samples(const struct fl_series *series, double *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < series->n; i++)
		if ((!series->valid || series->valid[i]) && isfinite(series->value[i]))
			ret[n++] = series->value[i];
	return n;
}

/* ---- histograms */

struct bucket {
	double at, count;
};
struct buckets {
	struct bucket *items;
	size_t n;
};

static int compare_buckets(const void *a, const void *b)
{
	double x = ((const struct bucket *)a)->at, y = ((const struct bucket *)b)->at;

	return x < y ? -1 : x > y;
}

static void add_buckets(struct buckets *all, const struct fl_series *series)
{
	all->items = fl_grow(all->items, all->n + series->n, sizeof(*all->items));
	for (size_t i = 0; i < series->n; i++)
		if (isfinite(series->at[i]) && isfinite(series->value[i]) && series->value[i] > 0)
			all->items[all->n++] = (struct bucket){ series->at[i], series->value[i] };
}

/* The smallest bucket that at least q of all values are in or below; NaN if there are none. Sorts. */
static double quantile(struct buckets *all, double q)
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

/* ---- one metric */

struct rounds {
	double *medians;
	size_t n;
	double sum, count; /* of all samples that count */
};

/* Return the median of the round; NaN: nothing counts. */
static double add_histogram(const struct fl_series *series, struct buckets *all)
{
	struct buckets own = { 0 };
	double median;

	add_buckets(&own, series);
	median = quantile(&own, 0.5);
	free(own.items);
	add_buckets(all, series);
	return median;
}

static double add_samples(const struct fl_series *series, struct rounds *rounds, struct fl_interval *last)
{
	double *values = fl_zalloc(series->n, sizeof(*values));
	size_t n = valid_samples(series, values);

	if (n)
		*last = fl_median_interval(values, n);
	for (size_t i = 0; i < n; i++)
		rounds->sum += values[i];
	rounds->count += (double)n;
	free(values);
	return n ? last->median : NAN;
}

/* Nothing is known of any round yet. */
static double *no_medians(unsigned rounds)
{
	double *medians = fl_zalloc(rounds, sizeof(*medians));

	for (unsigned i = 0; i < rounds; i++)
		medians[i] = NAN;
	return medians;
}

static struct fl_metric_summary sum_up(const struct fl_subject *s, const struct fl_metric *metric)
{
	struct rounds rounds = { .medians = fl_zalloc(s->n, sizeof(double)) };
	struct fl_interval last = { 0 };
	struct buckets all = { 0 };
	struct fl_metric_summary sum = {
		.name = metric->name,
		.from = metric->from,
		.better = fl_better_name(metric->better),
		.of = "rounds",
		.of_round = no_medians(s->rounds),
	};

	for (size_t i = 0; i < s->n; i++) {
		const struct fl_series *series = find_series(s->records[i], metric->name);
		double median;

		if (!series || s->records[i]->outcome != FL_MEASURED)
			continue;
		median = series->kind == FL_SERIES_HISTOGRAM ? add_histogram(series, &all)
							     : add_samples(series, &rounds, &last);
		sum.of_round[s->records[i]->round] = median; /* a record's round is one of the plan's (subjects.c) */
		if (!isnan(median))
			rounds.medians[rounds.n++] = median;
	}
	sum.rounds = (unsigned)rounds.n;
	sum.of_rounds = fl_median_interval(rounds.medians, rounds.n);
	if (rounds.n == 1 && last.n) {
		sum.of_rounds = last;
		sum.of = metric->from == FL_GIVEN ? "steps" : "slices";
	}
	sum.mean = rounds.count > 0 ? rounds.sum / rounds.count : NAN;
	sum.p90 = quantile(&all, 0.9);
	sum.p99 = quantile(&all, 0.99);
	sum.p999 = quantile(&all, 0.999);
	sum.max = quantile(&all, 1);
	free(all.items);
	free(rounds.medians);
	return sum;
}

void fl_summarise(const struct fl_subject *s, struct fl_lane_verdict *v)
{
	size_t n = 0;

	while (s->entry->metrics[n].name)
		n++;
	v->metrics = fl_zalloc(n, sizeof(*v->metrics));
	for (size_t i = 0; i < n; i++)
		v->metrics[i] = sum_up(s, &s->entry->metrics[i]);
	v->metrics_n = n;
}
