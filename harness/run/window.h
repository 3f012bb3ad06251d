/* SPDX-License-Identifier: Apache-2.0 */
/* window.h: from step records to series. Pure: the same steps give the same series.
 *
 * Steps are clipped to the window in proportion: a step of 4 ms of which 1 ms lies inside counts a quarter of its
 * bytes. The window is cut into equal slices; a rate is a slice's bytes (or ops) of all threads over the slice's
 * length, so that a thread that does nothing lowers it. A slice that a spoilt step touches is not valid.
 *
 * Where steps are timed by their device, what lies between two steps is nobody's: a rate is what was done in a slice
 * over the time in which the device was at work in it, and a slice in which it was not has none. */
#ifndef FL_RUN_WINDOW_H
#define FL_RUN_WINDOW_H
#include "base/tape.h"
#include "record/record.h"
#include <feedline/bench.h>

/* The steps of one thread, in time; given[i * given_n + k] = the k-th given value of step i. Owned by the caller. */
struct fl_track {
	struct fl_tape_step *steps;
	double *given;
	size_t n;
};

struct fl_window {
	uint64_t from_ns, to_ns; /* from < to */
	bool device_clock;	 /* its steps are timed by their device */
};

/* How many slices a window deserves: 1 .. 32, so long that four steps of each thread that does ops lie in one (by their
 * mean length in the window, or by device clock by their number in it; at least step_ns each). Fewer steps make fewer
 * samples, never the same step twice. */
size_t fl_window_slices(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w, uint64_t step_ns);

/* What happened inside [from, to). */
struct fl_clip {
	double ops, bytes, busy_ns; /* busy: time in steps that did ops, of all threads together */
	bool spoilt;
};
struct fl_clip fl_window_clip(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w);
/* Time in which any thread was in a step that did ops and is not spoilt. */
double fl_window_work_ns(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w);
/* The same with what of the work does not count: fl_tape_step.busy_ns. */
double fl_window_busy_ns(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w);

/* A series of FL_RATE_BYTES, FL_RATE_OPS or FL_STEP_NS: one value a slice. NaN (not valid) where a slice has no op
 * to divide by, and by device clock no work. */
void fl_window_rates(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w, size_t slices,
		     enum fl_from from, struct fl_series *ret);

/* The k-th of given_n given values of every step that ended in the window, all threads, in the order of time. */
void fl_window_given(const struct fl_track *tracks, size_t tracks_n, const struct fl_window *w, size_t given_n,
		     size_t k, struct fl_series *ret);

/* A histogram's buckets as a series. */
void fl_window_histogram(const struct fl_hist *h, struct fl_series *ret);

#endif
