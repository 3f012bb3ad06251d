/* SPDX-License-Identifier: Apache-2.0 */
/* feeding.h: sinks that are fed by a source of planted times, step by step, with what they truly lost: for the tests of
 * starvation. Times in ns. */
#ifndef FL_TESTS_FEEDING_H
#define FL_TESTS_FEEDING_H
#include "judge/loop.h"
#include "sample_run.h"

/* A source: mean time of a batch, of which the share `jitter` is exponential. */
struct source {
	double mean, jitter;
	uint64_t seed;
};

static inline double uniform(struct source *s)
{
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 7;
	s->seed ^= s->seed << 17;
	return (double)((s->seed >> 11) + 1) / 9007199254740993.0;
}

static inline double next_time(struct source *s)
{
	return s->mean * (1 - s->jitter - s->jitter * log(uniform(s)));
}

/* What happened to each batch of a closed loop. */
struct fed {
	size_t n;
	double *stall, *gap, *delivery, *ready, *end;
};

static inline void fed_release(struct fed *f)
{
	free(f->stall);
	free(f->gap);
	free(f->delivery);
	free(f->ready);
	free(f->end);
}

/* n batches, the sink taking `took` for each, with room for `room` of them to be ready; they fill the room first where
 * `full`. The source has a batch in hand beside those that are ready only when there is room for it. */
static inline struct fed feed(struct source source, double took, size_t room, bool full, size_t n)
{
	size_t all = n + room; /* the last ones are still ready at the end */
	struct fed f = {
		n, fl_zalloc(all, 8), fl_zalloc(all, 8), fl_zalloc(all, 8), fl_zalloc(all, 8), fl_zalloc(all, 8)
	};
	double *complete = fl_zalloc(all, 8), *begun = fl_zalloc(all, 8), busy_until = 0, now = 0;

	for (size_t i = 0; i < all; i++) {
		if (i >= room && begun[i - room] > busy_until)
			busy_until = begun[i - room];
		busy_until = full && i < room ? 0 : busy_until + next_time(&source);
		complete[i] = busy_until;
		f.delivery[i] = i ? complete[i] - complete[i - 1] : 0;
		f.stall[i] = complete[i] > now ? complete[i] - now : 0;
		begun[i] = complete[i] > now ? complete[i] : now;
		now = begun[i] + took;
		f.end[i] = now;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = i; k < all && k < i + room && complete[k] <= (i ? f.end[i - 1] : 0); k++)
			f.ready[i]++;
	free(begun);
	free(complete);
	return f;
}

/* The share of time that the sink waited, from the end of the first batch to that of the last. */
static inline double true_S(const struct fed *f)
{
	double waited = 0;

	for (size_t i = 1; i < f->n; i++)
		waited += f->stall[i];
	return waited / (f->end[f->n - 1] - f->end[0]);
}

static inline struct fl_series *add_steps(struct fl_lane_record *r, const char *metric, const double *value,
					  const double *at, size_t n)
{
	struct fl_series *s = sample_series(r, metric, FL_SERIES_SAMPLES, n);

	for (size_t i = 0; i < n; i++) {
		s->at[i] = at[i];
		s->value[i] = value[i];
		s->valid[i] = 1;
	}
	return s;
}

static inline void add_fed(struct fl_lane_record *r, const struct fed *f)
{
	add_steps(r, "stall_ns", f->stall, f->end, f->n);
	add_steps(r, "delivery_ns", f->delivery + 1, f->end + 1, f->n - 1);
	add_steps(r, "ready_batches", f->ready, f->end, f->n);
}

#endif
