/* SPDX-License-Identifier: Apache-2.0 */
/* window.c: clipping and slicing. */
#include "run/window.h"
#include "base/alloc.h"
#include <math.h>
#include <stdlib.h>

enum { SLICES_MAX = 32, STEPS_PER_SLICE = 4 };

/* The share of the step that lies in the window. A step without length counts where it stands. */
static double share(const struct fl_tape_step *s, const struct fl_window *w)
{
	uint64_t from = s->start_ns > w->from_ns ? s->start_ns : w->from_ns;
	uint64_t to = s->end_ns < w->to_ns ? s->end_ns : w->to_ns;

	if (s->start_ns == s->end_ns)
		return s->end_ns >= w->from_ns && s->end_ns < w->to_ns ? 1 : 0;
	return to > from ? (double)(to - from) / (double)(s->end_ns - s->start_ns) : 0;
}

/* The first step that ends after `at_ns` (steps of a thread do not overlap). */
static size_t first_after(const struct fl_track *t, uint64_t at_ns)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->steps[middle].end_ns < at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct fl_clip fl_window_clip(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w)
{
	struct fl_clip clip = { 0 };

	for (size_t t = 0; t < tracks_n; t++) {
		const struct fl_track *track = &tracks[t];

		for (size_t i = first_after(track, w->from_ns); i < track->n; i++) {
			const struct fl_tape_step *s = &track->steps[i];
			double part = share(s, w);

			if (s->start_ns >= w->to_ns)
				break;
			if (part <= 0)
				continue;
			if (s->spoilt) {
				clip.spoilt = true;
				continue;
			}
			clip.ops += part * (double)s->ops;
			clip.bytes += part * (double)s->bytes;
			if (s->ops)
				clip.busy_ns += part * (double)(s->end_ns - s->start_ns);
		}
	}
	return clip;
}

/* ---- time at work */

struct span {
	uint64_t from_ns, to_ns;
};

static int by_begin(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

static uint64_t began_ns(const struct fl_tape_step *s, bool busy)
{
	return busy && s->busy_ns > s->end_ns - s->start_ns ? s->end_ns - s->busy_ns : s->start_ns;
}

/* Steps that did ops and count, as far as they lie in the window; one thread after the other. busy: with the time of
 * theirs that does not count. */
static size_t list_spans(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w, bool busy,
			 struct span *ret)
{
	size_t n = 0;

	for (size_t t = 0; t < tracks_n; t++) {
		const struct fl_track *track = &tracks[t];

		for (size_t i = first_after(track, w->from_ns);
		     i < track->n && began_ns(&track->steps[i], busy) < w->to_ns; i++) {
			const struct fl_tape_step *s = &track->steps[i];
			uint64_t from_ns = began_ns(s, busy);

			if (!s->ops || s->spoilt)
				continue;
			ret[n++] = (struct span){ from_ns > w->from_ns ? from_ns : w->from_ns,
						  s->end_ns < w->to_ns ? s->end_ns : w->to_ns };
		}
	}
	return n;
}

static double sum_spans(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w, bool busy)
{
	struct span *spans;
	size_t room = 0, n;
	uint64_t reached_ns = 0;
	double work_ns = 0;

	for (size_t t = 0; t < tracks_n; t++)
		room += tracks[t].n - first_after(&tracks[t], w->from_ns);
	spans = fl_zalloc(room + 1, sizeof(*spans));
	n = list_spans(tracks, tracks_n, w, busy, spans);
	if (tracks_n > 1) /* steps of one thread are in order and apart */
		qsort(spans, n, sizeof(*spans), by_begin);
	for (size_t i = 0; i < n; i++) {
		uint64_t from_ns = spans[i].from_ns > reached_ns ? spans[i].from_ns : reached_ns;

		if (spans[i].to_ns <= from_ns)
			continue;
		work_ns += (double)(spans[i].to_ns - from_ns);
		reached_ns = spans[i].to_ns;
	}
	free(spans);
	return work_ns;
}

double fl_window_work_ns(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w)
{
	return sum_spans(tracks, tracks_n, w, false);
}

double fl_window_busy_ns(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w)
{
	return sum_spans(tracks, tracks_n, w, true);
}

/* ---- slices */

/* The longest of the threads' mean step lengths, of those that do ops in the window. By device clock the gaps before
 * the steps belong to them here. */
static double step_length_ns(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w)
{
	double longest_ns = 0;

	for (size_t t = 0; t < tracks_n; t++) {
		const struct fl_track *track = &tracks[t];
		double sum_ns = 0, n = 0;

		for (size_t i = first_after(track, w->from_ns); i < track->n && track->steps[i].start_ns < w->to_ns;
		     i++) {
			if (!track->steps[i].ops)
				continue;
			sum_ns += (double)(track->steps[i].end_ns - track->steps[i].start_ns);
			n++;
		}
		if (w->device_clock)
			sum_ns = (double)(w->to_ns - w->from_ns);
		if (n > 0 && sum_ns / n > longest_ns)
			longest_ns = sum_ns / n;
	}
	return longest_ns;
}

size_t fl_window_slices(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w, uint64_t step_ns)
{
	double observed_ns = step_length_ns(tracks, tracks_n, w);
	double length_ns = observed_ns > (double)step_ns ? observed_ns : (double)step_ns;
	double slices = (double)(w->to_ns - w->from_ns) / (STEPS_PER_SLICE * (length_ns > 1 ? length_ns : 1));

	return slices < 1 ? 1 : slices > SLICES_MAX ? SLICES_MAX : (size_t)slices;
}

static void make_room(struct fl_series *s, enum fl_series_kind kind, size_t n)
{
	*s = (struct fl_series){ .metric = s->metric,
				 .kind = kind,
				 .n = n,
				 .at = fl_zalloc(n + 1, sizeof(*s->at)),
				 .value = fl_zalloc(n + 1, sizeof(*s->value)),
				 .valid = fl_zalloc(n + 1, sizeof(*s->valid)) };
}

/* over_ns: what a rate is over. */
static double value_of(const struct fl_clip *clip, double over_ns, enum fl_from from)
{
	if (!(over_ns > 0))
		return NAN;
	switch (from) {
	case FL_RATE_BYTES:
		return clip->bytes / (over_ns / 1e9);
	case FL_RATE_OPS:
		return clip->ops / (over_ns / 1e9);
	default:
		return clip->ops > 0 ? clip->busy_ns / clip->ops : NAN;
	}
}

void fl_window_rates(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w, size_t slices,
		     enum fl_from from, struct fl_series *ret)
{
	uint64_t length = w->to_ns - w->from_ns;

	make_room(ret, FL_SERIES_SAMPLES, slices);
	for (size_t i = 0; i < slices; i++) {
		struct fl_window slice = { w->from_ns + length * i / slices, w->from_ns + length * (i + 1) / slices,
					   w->device_clock };
		struct fl_clip clip = fl_window_clip(tracks, tracks_n, &slice);
		double over_ns = w->device_clock ? fl_window_work_ns(tracks, tracks_n, &slice)
						 : (double)(slice.to_ns - slice.from_ns);

		ret->at[i] = (double)(slice.to_ns - w->from_ns);
		ret->value[i] = value_of(&clip, over_ns, from);
		ret->valid[i] = !clip.spoilt && isfinite(ret->value[i]);
	}
}

struct moment {
	double at, value;
	uint8_t valid;
};

static int by_time(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

void fl_window_given(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w, size_t given_n,
		     size_t k, struct fl_series *ret)
{
	struct moment *moments;
	size_t room = 0, n = 0;

	for (size_t t = 0; t < tracks_n; t++)
		room += tracks[t].n;
	moments = fl_zalloc(room + 1, sizeof(*moments));
	for (size_t t = 0; t < tracks_n; t++) {
		for (size_t i = first_after(&tracks[t], w->from_ns); i < tracks[t].n; i++) {
			const struct fl_tape_step *s = &tracks[t].steps[i];
			double value = tracks[t].given[i * given_n + k];

			if (s->end_ns >= w->to_ns)
				break;
			if (isfinite(value)) /* NaN: this step had none to give */
				moments[n++] = (struct moment){ (double)(s->end_ns - w->from_ns), value, !s->spoilt };
		}
	}
	qsort(moments, n, sizeof(*moments), by_time);
	make_room(ret, FL_SERIES_SAMPLES, n);
	for (size_t i = 0; i < n; i++) {
		ret->at[i] = moments[i].at;
		ret->value[i] = moments[i].value;
		ret->valid[i] = moments[i].valid;
	}
	free(moments);
}

void fl_window_histogram(const struct fl_hist *h, struct fl_series *ret)
{
	size_t n = 0;

	for (unsigned b = 0; b < FL_HIST_BUCKETS; b++)
		n += h->count[b] != 0;
	make_room(ret, FL_SERIES_HISTOGRAM, n);
	n = 0;
	for (unsigned b = 0; b < FL_HIST_BUCKETS; b++) {
		if (!h->count[b])
			continue;
		ret->at[n] = (double)fl_hist_middle(b);
		ret->value[n] = (double)h->count[b];
		ret->valid[n++] = 1;
	}
}
