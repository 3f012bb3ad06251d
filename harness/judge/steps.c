/* SPDX-License-Identifier: Apache-2.0 */
/* steps.c: the series of a lane to what its steps did. They come from a store that somebody may have changed: of any
 * length, not finite, negative, in any order. */
#include "base/alloc.h"
#include "judge/loop.h"
#include "record/series.h"
#include <math.h>
#include <stdlib.h>

/* A sink that is faster than it was asked to be, or whose accounts give more than all of the time. */
static const double accounts_most = 1.05;

static const struct fl_series *find_samples(const struct fl_lane_record *record, const char *metric)
{
	const struct fl_series *s = fl_record_series(record, metric);

	return s && s->kind == FL_SERIES_SAMPLES && s->n > 0 ? s : NULL;
}

static bool counts(const struct fl_series *s, size_t i)
{
	return (!s->valid || s->valid[i]) && isfinite(s->value[i]) && s->value[i] >= 0;
}

static bool is_ordered(const struct fl_series *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!isfinite(s->at[i]) || s->at[i] < 0 || (i && s->at[i] <= s->at[i - 1]))
			return false;
	return true;
}

/* Steps of one or more rounds, side by side. */
struct steps {
	double *stall, *period, *time; /* time: what each was asked to take */
	size_t n;
};

/* When the first step of the window began is not known, but what it must have taken: its stall, its gap and C. */
static void add_first(const struct fl_series *stall, const struct fl_series *gap, double step_time_ns, struct steps *s)
{
	if (!gap || gap->at[0] != stall->at[0] || !counts(gap, 0) || !counts(stall, 0))
		return;
	s->stall[s->n] = stall->value[0];
	s->period[s->n] = stall->value[0] + gap->value[0] + step_time_ns;
	s->time[s->n++] = step_time_ns;
}

static struct steps steps_of(const struct fl_series *stall, double step_time_ns)
{
	struct steps s = { .stall = fl_zalloc(stall->n, sizeof(double)),
			   .period = fl_zalloc(stall->n, sizeof(double)),
			   .time = fl_zalloc(stall->n, sizeof(double)) };

	for (size_t i = 1; i < stall->n; i++) {
		double period = stall->at[i] - stall->at[i - 1];

		if (!counts(stall, i))
			continue;
		s.stall[s.n] = fmin(stall->value[i], period);
		s.period[s.n] = period;
		s.time[s.n++] = step_time_ns;
	}
	return s;
}

static void release(struct steps *s)
{
	free(s->stall);
	free(s->period);
	free(s->time);
}

/* ---- the queue */

static double mean_of(const struct fl_series *s, size_t from, size_t to)
{
	double sum = 0, n = 0;

	for (size_t i = from; i < to; i++)
		if (counts(s, i)) {
			sum += s->value[i];
			n++;
		}
	return n > 0 ? sum / n : (double)NAN;
}

/* What it gave and did not get back: by the means of the first and the last tenth of the steps, since it goes up and
 * down by one all the time. NaN: unknown. */
static double fell_by(const struct fl_series *queue)
{
	size_t tenth = queue->n / 10 ? queue->n / 10 : 1;

	return mean_of(queue, 0, tenth) - mean_of(queue, queue->n - tenth, queue->n);
}

/* Batches that the queues before the sink gave: those ready, and the chunks that wait to become some. NaN: unknown. */
static double drained(const struct fl_series *ready, const struct fl_series *waiting, const struct fl_loop_shape *shape)
{
	double batches = fell_by(ready), chunks = waiting ? fell_by(waiting) : (double)NAN;

	if (isfinite(chunks) && shape->chunks > 0)
		batches += chunks / shape->chunks;
	return shape->ahead ? fmin(batches, (double)shape->ahead) : batches;
}

/* ---- what the stages did while the sink waited */

/* Sums over time. */
struct weighed {
	double sum, time;
};

static void weigh(struct weighed *w, double value, double time)
{
	if (time > 0 && isfinite(value)) {
		w->sum += value * time;
		w->time += time;
	}
}

static double mean(const struct weighed *w)
{
	return w->time > 0 ? w->sum / w->time : (double)NAN;
}

/* A stage's value counts for as long as its step lay within a stall of the sink. */
static void weigh_stalls(const struct fl_series *stall, const struct fl_series *stage, struct weighed *w)
{
	size_t i = 1;

	if (!stage || !is_ordered(stage))
		return;
	for (size_t k = 1; k < stage->n; k++) {
		double from = stage->at[k - 1], to = stage->at[k];

		if (!counts(stage, k))
			continue;
		while (i < stall->n && stall->at[i] <= from)
			i++;
		for (size_t at = i; at < stall->n && stall->at[at - 1] < to; at++)
			if (counts(stall, at))
				weigh(w, stage->value[k],
				      fmin(to, stall->at[at - 1] + stall->value[at]) - fmax(from, stall->at[at - 1]));
	}
}

static void weigh_all(const struct fl_series *stage, struct weighed *w)
{
	if (!stage || !is_ordered(stage))
		return;
	for (size_t k = 1; k < stage->n; k++)
		if (counts(stage, k))
			weigh(w, stage->value[k], stage->at[k] - stage->at[k - 1]);
}

/* ---- a lane of the loop */

struct sums {
	struct fl_shares S, AU;
	struct weighed source, source_cpu, copy, waiting, ready, period;
	double drained; /* shares of W, summed over the rounds that know */
	size_t drained_n;
	const char *why;
};

static void add_queues(const struct fl_lane_record *record, const struct fl_series *stall,
		       const struct fl_loop_shape *shape, struct sums *sums)
{
	const struct fl_series *ready = find_samples(record, "ready_batches");
	double share;

	if (!ready)
		return;
	share = drained(ready, find_samples(record, "waiting_chunks"), shape) * shape->step_time_ns /
		(stall->at[stall->n - 1] - stall->at[0]);
	weigh(&sums->ready, mean_of(ready, 0, ready->n), 1);
	if (isfinite(share)) {
		sums->drained += share;
		sums->drained_n++;
	}
}

static void add_round(const struct fl_lane_record *record, const struct fl_loop_shape *shape, bool first,
		      struct sums *sums)
{
	const struct fl_series *stall = find_samples(record, "stall_ns");
	struct steps s;

	if (!stall)
		return;
	if (!is_ordered(stall)) {
		sums->why = "the times of its steps are not in order";
		return;
	}
	s = steps_of(stall, shape->step_time_ns);
	if (first)
		add_first(stall, find_samples(record, "gap_ns"), shape->step_time_ns, &s);
	fl_shares_add(&sums->S, s.stall, s.period, s.n);
	fl_shares_add(&sums->AU, s.time, s.period, s.n);
	for (size_t i = 0; i < s.n; i++)
		weigh(&sums->period, s.period[i], 1);
	weigh_stalls(stall, find_samples(record, "source_busy_ratio"), &sums->source);
	weigh_stalls(stall, find_samples(record, "source_cpu_ratio"), &sums->source_cpu);
	weigh_stalls(stall, find_samples(record, "copy_busy_ratio"), &sums->copy);
	weigh_stalls(stall, find_samples(record, "waiting_chunks"), &sums->waiting);
	add_queues(record, stall, shape, sums);
	release(&s);
}

static const char *find_fault(const struct fl_loop *loop, const struct sums *sums)
{
	if (sums->why)
		return sums->why;
	if (loop->S.n == 0)
		return "fewer than 3 of its steps ended while it was measured";
	if (loop->AU.median > accounts_most)
		return "it took batches faster than its step time allows";
	if (loop->S.median + loop->AU.median > accounts_most)
		return "its stalls and steps add up to more than the time that passed";
	return NULL;
}

static struct fl_loop sum_up(const struct fl_lane_record *const *records, size_t n, const struct fl_loop_shape *shape,
			     bool first)
{
	struct sums sums = { 0 };
	struct fl_loop loop;

	for (size_t i = 0; i < n; i++)
		if (records[i]->outcome == FL_MEASURED)
			add_round(records[i], shape, first, &sums);
	loop = (struct fl_loop){ .S = fl_shares_interval(&sums.S),
				 .AU = fl_shares_interval(&sums.AU),
				 .steps = sums.S.steps,
				 .period_ns = mean(&sums.period),
				 .ready = mean(&sums.ready),
				 .source_busy = mean(&sums.source),
				 .source_cpu = mean(&sums.source_cpu),
				 .copy_busy = mean(&sums.copy),
				 .waiting_chunks = mean(&sums.waiting) };
	if (sums.drained_n)
		loop.drained = fmin(1, fmax(0, sums.drained / (double)sums.drained_n));
	loop.why = find_fault(&loop, &sums);
	fl_shares_release(&sums.S);
	fl_shares_release(&sums.AU);
	return loop;
}

struct fl_loop fl_loop_measure(const struct fl_lane_record *const *records, size_t n, const struct fl_loop_shape *shape)
{
	struct fl_loop loop = sum_up(records, n, shape, false);

	return loop.S.n ? loop : sum_up(records, n, shape, true);
}

/* ---- a lane of the open loop */

static void keep_deliveries(struct fl_open *open, const double *ns, size_t n)
{
	if (n > FL_DELIVERIES_MAX - open->deliveries_n)
		n = FL_DELIVERIES_MAX - open->deliveries_n;
	open->deliveries = fl_grow(open->deliveries, open->deliveries_n + n + 1, sizeof(*open->deliveries));
	for (size_t i = 0; i < n; i++)
		open->deliveries[open->deliveries_n++] = ns[i];
}

/* From the time of a batch, which adds up as rates do not. None came in less than the shortest. */
static struct fl_interval rate_of(const struct fl_interval *time_ns, double shortest_ns, double step_bytes)
{
	struct fl_interval r = *time_ns;

	r.median = 1e9 * step_bytes / time_ns->median;
	r.low = 1e9 * step_bytes / time_ns->high;
	r.high = fmax(r.median, 1e9 * step_bytes / fmax(time_ns->low, shortest_ns));
	if (!isfinite(r.median) || !isfinite(r.low) || !isfinite(r.high))
		r = (struct fl_interval){ .median = NAN, .low = NAN, .high = NAN };
	return r;
}

struct fl_open fl_open_measure(const struct fl_lane_record *const *records, size_t n, double step_bytes)
{
	struct fl_open open = { 0 };
	struct fl_shares times = { 0 };
	struct fl_interval time;
	double shortest = INFINITY;

	for (size_t i = 0; i < n; i++) {
		const struct fl_series *delivery = find_samples(records[i], "delivery_ns");
		double *batches, *ns;
		size_t known = 0;

		if (!delivery || records[i]->outcome != FL_MEASURED)
			continue;
		batches = fl_zalloc(delivery->n, sizeof(*batches));
		ns = fl_zalloc(delivery->n, sizeof(*ns));
		for (size_t k = 0; k < delivery->n; k++)
			if (counts(delivery, k) && delivery->value[k] > 0) {
				shortest = fmin(shortest, delivery->value[k]);
				batches[known] = 1;
				ns[known++] = delivery->value[k];
			}
		fl_shares_add(&times, ns, batches, known);
		keep_deliveries(&open, ns, known);
		free(batches);
		free(ns);
	}
	time = fl_shares_interval(&times);
	open.rate = rate_of(&time, shortest, step_bytes);
	fl_shares_release(&times);
	return open;
}

void fl_open_release(struct fl_open *open)
{
	free(open->deliveries);
	*open = (struct fl_open){ 0 };
}

double fl_overlap(const struct fl_lane_record *const *records, size_t n)
{
	struct weighed source = { 0 }, copy = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (records[i]->outcome != FL_MEASURED)
			continue;
		weigh_all(find_samples(records[i], "source_busy_ratio"), &source);
		weigh_all(find_samples(records[i], "copy_busy_ratio"), &copy);
	}
	return source.time > 0 && copy.time > 0 ? fmin(1, fmax(mean(&source), mean(&copy))) : (double)NAN;
}
