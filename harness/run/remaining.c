/* SPDX-License-Identifier: Apache-2.0 */
/* remaining.c: estimates, corrected by what came of the last ones. */
#include "run/remaining.h"
#include "base/stats.h"
#include <inttypes.h>
#include <stdio.h>

void fl_remaining_took(struct fl_remaining *r, uint64_t estimated_ns, uint64_t took_ns)
{
	if (estimated_ns)
		r->ratios[r->n++ % FL_REMAINING_KEPT] = (double)took_ns / (double)estimated_ns;
}

uint64_t fl_remaining_ns(const struct fl_remaining *r, uint64_t estimated_ns)
{
	double left_ns;

	if (r->n == 0)
		return estimated_ns;
	left_ns = (double)estimated_ns * fl_median(r->ratios, r->n < FL_REMAINING_KEPT ? r->n : FL_REMAINING_KEPT);
	return left_ns < (double)INT64_MAX ? (uint64_t)left_ns : INT64_MAX;
}

/* From where on which unit, and to how many of it the time is rounded up. */
static const struct {
	uint64_t from_s, unit_s, steps;
	const char *unit;
} scale[] = {
	{ 36000, 3600, 1, "h" },
	{ 100, 60, 1, "min" },
	{ 20, 1, 5, "s" },
	{ 5, 1, 1, "s" },
};

const char *fl_remaining_show(char buf[FL_REMAINING_TEXT], uint64_t left_ns)
{
	uint64_t left_s = left_ns / 1000000000;

	for (size_t i = 0; i < sizeof(scale) / sizeof(scale[0]); i++) {
		uint64_t step_s = scale[i].unit_s * scale[i].steps;

		if (left_s < scale[i].from_s)
			continue;
		snprintf(buf, FL_REMAINING_TEXT, "about %" PRIu64 " %s left",
			 (left_s + step_s - 1) / step_s * scale[i].steps, scale[i].unit);
		return buf;
	}
	snprintf(buf, FL_REMAINING_TEXT, "a few seconds left");
	return buf;
}
