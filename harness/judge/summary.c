/* SPDX-License-Identifier: Apache-2.0 */
/* summary.c: the records of a lane to numbers. The unit of replication is the median of a round: repetitions inside a
 * round only narrow it, so they are an interval of their own only where there is no second round. */
#include "base/alloc.h"
#include "judge/parts.h"
#include "record/series.h"
#include <math.h>
#include <stdlib.h>

struct rounds {
	double *medians;
	size_t n;
	double sum, count; /* of all samples that count */
};

/* Return the median of the round; NaN: nothing counts. */
static double add_histogram(const struct fl_series *series, struct fl_buckets *all)
{
	fl_buckets_add(all, series);
	return fl_series_median(series);
}

static double add_samples(const struct fl_series *series, struct rounds *rounds, struct fl_interval *last)
{
	double *values = fl_zalloc(series->n, sizeof(*values));
	size_t n = fl_series_samples(series, values);

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
	struct fl_buckets all = { 0 };
	struct fl_metric_summary sum = {
		.name = metric->name,
		.from = metric->from,
		.better = fl_better_name(metric->better),
		.of = "rounds",
		.of_round = no_medians(s->rounds),
	};

	for (size_t i = 0; i < s->n; i++) {
		const struct fl_series *series = fl_record_series(s->records[i], metric->name);
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
	sum.p90 = fl_buckets_quantile(&all, 0.9);
	sum.p99 = fl_buckets_quantile(&all, 0.99);
	sum.p999 = fl_buckets_quantile(&all, 0.999);
	sum.p9999 = fl_buckets_quantile(&all, 0.9999);
	sum.max = fl_buckets_quantile(&all, 1);
	fl_buckets_release(&all);
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
