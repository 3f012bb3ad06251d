/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c: what the arrivals of an open loop do to a sink with a bounded queue before it. A deeper queue never makes a
 * batch complete later, and the count begins with the first batch whatever the depth, so S never rises with it. */
#include "base/alloc.h"
#include "judge/loop.h"
#include <math.h>
#include <stdlib.h>

/* LEAST: of batches, so that what the empty queue costs in the beginning does not decide even the deepest one. HALVES:
 * of recorded arrivals, fewer of which are not worth cutting. */
enum { LEAST = 4 * FL_DEPTH_MAX, HALVES = 20 };

/* taken: room for n: when the sink began with each. */
static double play(const double *deliveries, size_t known, size_t n, double step_time_ns, uint64_t depth, double *taken)
{
	double complete = 0, free_at = 0, first_end = 0, stalls = 0;

	for (size_t i = 0; i < n; i++) {
		double room = i >= depth ? taken[i - depth] : 0;

		complete = fmax(complete, room) + deliveries[i % known];
		if (i)
			stalls += fmax(0, complete - free_at);
		taken[i] = fmax(complete, free_at);
		free_at = taken[i] + step_time_ns;
		if (i == 0)
			first_end = free_at;
	}
	return free_at > first_end ? stalls / (free_at - first_end) : (double)NAN;
}

double fl_replay(const double *deliveries, size_t n, double step_time_ns, uint64_t depth)
{
	size_t all = n < LEAST ? LEAST : n;
	double *taken, S;

	if (n == 0 || depth == 0)
		return NAN;
	taken = fl_zalloc(all, sizeof(*taken));
	S = play(deliveries, n, all, step_time_ns, depth, taken);
	free(taken);
	return S;
}

/* As a whole, and each half for itself: what cures one hour only is no cure. */
static bool cures(const double *deliveries, size_t n, double step_time_ns, uint64_t depth)
{
	size_t half = n / 2;

	return fl_replay(deliveries, n, step_time_ns, depth) < FL_FED_BELOW &&
	       (n < HALVES || (fl_replay(deliveries, half, step_time_ns, depth) < FL_FED_BELOW &&
			       fl_replay(deliveries + half, n - half, step_time_ns, depth) < FL_FED_BELOW));
}

uint64_t fl_replay_depth(const double *deliveries, size_t n, double step_time_ns)
{
	uint64_t too_few = 0, enough = 1;

	if (n == 0 || !cures(deliveries, n, step_time_ns, FL_DEPTH_MAX))
		return 0;
	while (!cures(deliveries, n, step_time_ns, enough)) {
		too_few = enough;
		enough *= 2;
	}
	while (enough - too_few > 1) {
		uint64_t middle = too_few + (enough - too_few) / 2;

		if (cures(deliveries, n, step_time_ns, middle))
			enough = middle;
		else
			too_few = middle;
	}
	return enough;
}
