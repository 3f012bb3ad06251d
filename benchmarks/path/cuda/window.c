/* SPDX-License-Identifier: Apache-2.0 */
/* path/cuda/window.c: the time in which two streams of copies were both busy. */
#include "path/cuda/window.h"
#include <errno.h>
#include <math.h>
#include <stdbool.h>

static bool never_falls(const struct fl_window_side *s)
{
	if (s->copies == 0 || !isfinite(s->at_ns[0]))
		return false;
	for (size_t i = 1; i <= s->copies; i++)
		if (!(s->at_ns[i] >= s->at_ns[i - 1]) || !isfinite(s->at_ns[i]))
			return false;
	return true;
}

/* The last end of a copy that is not after `limit_ns`; -INFINITY: none. */
static double last_end(const struct fl_window_side *s, double limit_ns)
{
	for (size_t i = s->copies; i >= 1; i--)
		if (s->at_ns[i] <= limit_ns)
			return s->at_ns[i];
	return -INFINITY;
}

/* The share of a copy that lies between: of one shorter than the clock tells, all or nothing. */
static double share(double begin_ns, double end_ns, double from_ns, double to_ns)
{
	double inside_ns = fmin(end_ns, to_ns) - fmax(begin_ns, from_ns);

	if (end_ns > begin_ns)
		return inside_ns > 0 ? inside_ns / (end_ns - begin_ns) : 0;
	return end_ns > from_ns && end_ns <= to_ns;
}

static double moved(const struct fl_window_side *s, double from_ns, double to_ns, uint64_t copy_bytes)
{
	double copies = 0;

	for (size_t i = 1; i <= s->copies; i++)
		copies += share(s->at_ns[i - 1], s->at_ns[i], from_ns, to_ns);
	return copies * (double)copy_bytes;
}

static double length_of(const struct fl_window_side *s)
{
	return s->at_ns[s->copies] - s->at_ns[0];
}

int fl_window_both(const struct fl_window_side side[2], uint64_t copy_bytes, struct fl_window_both *ret)
{
	double from_ns, limit_ns, to_ns;

	if (!never_falls(&side[0]) || !never_falls(&side[1]))
		return -ERANGE;
	from_ns = fmax(side[0].at_ns[0], side[1].at_ns[0]);
	limit_ns = fmin(side[0].at_ns[side[0].copies], side[1].at_ns[side[1].copies]);
	/* One of the two ends at the limit itself; the other is cut there unless it ended a copy while both ran. */
	to_ns = fmin(last_end(&side[0], limit_ns), last_end(&side[1], limit_ns));
	if (!(to_ns > from_ns))
		to_ns = limit_ns;
	if (!(to_ns > from_ns))
		return -ERANGE;
	ret->ns = to_ns - from_ns;
	ret->busy_ns = fmax((length_of(&side[0]) + length_of(&side[1])) / 2, ret->ns);
	for (unsigned i = 0; i < 2; i++)
		ret->bytes[i] = moved(&side[i], from_ns, to_ns, copy_bytes);
	return 0;
}
