/* SPDX-License-Identifier: Apache-2.0 */
/* hop.c: what queues and interventions say of the binding hop, and whether witnesses agree. */
#include "judge/loop.h"
#include <math.h>

/* A stage that does nothing else. Chunks: one at least waits for it, at any moment. */
static const double full_time = 0.9, one_waits = 1;

enum fl_stage fl_busy_stage(const struct fl_loop *loop, uint64_t prefetch)
{
	if (isnan(loop->source_busy) || isnan(loop->copy_busy) || isnan(loop->waiting_chunks))
		return FL_STAGE_UNKNOWN;
	if (prefetch && loop->ready >= (double)prefetch - 0.5)
		return FL_STAGE_SINK;
	if (loop->copy_busy >= full_time && loop->waiting_chunks >= one_waits)
		return FL_STAGE_COPY;
	/* Chunks that come in lumps wait for a moment before a copying stage that has time. */
	if (loop->source_busy < full_time || (loop->copy_busy >= full_time && loop->waiting_chunks >= one_waits))
		return FL_STAGE_UNKNOWN;
	return loop->source_cpu >= full_time ? FL_STAGE_SOURCE_CPU : FL_STAGE_SOURCE;
}

int fl_intervention_moved(const struct fl_interval *S, const struct fl_interval *slowed, double limit_bytes_per_s,
			  double demand_bytes_per_s)
{
	double rise = 1 - limit_bytes_per_s / demand_bytes_per_s - S->median;

	if (S->n == 0 || slowed->n == 0 || !(rise > 0))
		return 0;
	if (slowed->median - S->median >= rise / 2 && slowed->low > S->high)
		return 1;
	return slowed->high - S->low < rise / 2 ? -1 : 0;
}

int fl_witnesses_agree(const struct fl_testimony *said, size_t n)
{
	int hop = -1;
	size_t named = 0, supported = 0;

	for (size_t i = 0; i < n; i++) {
		if (said[i].kind != FL_NAMES)
			continue;
		if (named && said[i].hop != hop)
			return -1;
		hop = said[i].hop;
		named++;
	}
	for (size_t i = 0; i < n; i++) {
		if (said[i].kind == FL_DENIES && (said[i].hop == FL_EVERY_HOP || said[i].hop == hop))
			return -1;
		supported += said[i].kind == FL_SUPPORTS && said[i].hop == hop;
	}
	return named && named + supported >= 2 ? hop : -1;
}
