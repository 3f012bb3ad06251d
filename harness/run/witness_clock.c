/* SPDX-License-Identifier: Apache-2.0 */
/* witness_clock.c: whether the clocks can be believed. Correcting the time of day little by little changes the rate of
 * CLOCK_MONOTONIC too, with which everything is measured; setting it moves CLOCK_REALTIME alone, in which the record
 * says when it was. */
#include "run/kernel.h"
#include "run/witness.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t step_ns = 10000000; /* a look that is interrupted is wrong by less */
static const double rate_max = 0.005;	 /* correcting is allowed 0.05 %; some tools take 10 */
static const int64_t read_ns = 100000;	 /* how far apart the readings of one look may be */

static int64_t now_ns(clockid_t clock)
{
	struct timespec t = { 0 };

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Three clocks of one moment, as nearly as can be: the quickest of some tries, since each may be interrupted. */
static void read_clocks(struct fl_clocks *ret)
{
	int64_t least_ns = INT64_MAX;

	for (int i = 0; i < 5 && least_ns > 1000; i++) {
		int64_t from_ns = now_ns(CLOCK_MONOTONIC), real_ns = now_ns(CLOCK_REALTIME);
		int64_t raw_ns = now_ns(CLOCK_MONOTONIC_RAW), to_ns = now_ns(CLOCK_MONOTONIC);

		if (to_ns - from_ns >= least_ns)
			continue;
		least_ns = to_ns - from_ns;
		ret->monotonic_ns = from_ns + least_ns / 2;
		ret->real_ns = real_ns;
		ret->raw_ns = raw_ns;
	}
}

void fl_clocks_look(int root, struct fl_clocks *ret)
{
	*ret = (struct fl_clocks){ 0 };
	read_clocks(ret);
	fl_kernel_line(root, "sys/devices/system/clocksource/clocksource0/current_clocksource", ret->source,
		       sizeof(ret->source));
}

void fl_clocks_judge(const struct fl_clocks *before, const struct fl_clocks *after, json_t *reasons)
{
	int64_t span_ns = after->monotonic_ns - before->monotonic_ns, raw_ns = after->raw_ns - before->raw_ns;
	int64_t set_ns = after->real_ns - before->real_ns - span_ns, drift_ns = span_ns - raw_ns;

	if (llabs(set_ns) > step_ns)
		json_array_append_new(reasons,
				      json_sprintf("the time of day was set by %+.3f s", (double)set_ns / 1e9));
	if (raw_ns > 0 && (double)(llabs(drift_ns) - read_ns) > rate_max * (double)raw_ns)
		json_array_append_new(reasons, json_sprintf("the clock ran %.1f %% too %s, since the time of day was "
							    "being corrected",
							    100 * (double)llabs(drift_ns) / (double)raw_ns,
							    drift_ns > 0 ? "fast" : "slow"));
	if (*before->source && *after->source && strcmp(before->source, after->source))
		json_array_append_new(reasons, json_sprintf("the clock source changed from '%s' to '%s'",
							    before->source, after->source));
}
