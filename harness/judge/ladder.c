/* SPDX-License-Identifier: Apache-2.0 */
/* ladder.c: the first rung of a path that does not hold what is wanted. */
#include "judge/judge.h"
#include "judge/loop.h"
#include <math.h>

enum { CHAIN_MAX = 64 };

int fl_rate_holds(const struct fl_interval *rate, double demand_bytes_per_s)
{
	if (rate->n == 0)
		return 0;
	return rate->low > demand_bytes_per_s ? 1 : rate->high < demand_bytes_per_s ? -1 : 0;
}

bool fl_rung_is_faster(const struct fl_interval *rung, const struct fl_interval *before)
{
	return rung->n && before->n && rung->low > before->high && rung->median > (1 + FL_TOLERANCE) * before->median;
}

/* As fl_rate_holds(). */
static int holds(const struct fl_ladder_rung *rung, double demand_bytes_per_s, bool jitter)
{
	int by_rate = fl_rate_holds(&rung->rate, demand_bytes_per_s);

	if (!jitter || by_rate < 0)
		return by_rate;
	if (isnan(rung->replayed))
		return 0;
	return rung->replayed < FL_FED_BELOW ? 1 : -1;
}

/* The rungs from the first to the top; 0: the chain is broken, or has a loop. */
static size_t climb(const struct fl_ladder_rung *rungs, size_t n, int top, int chain[CHAIN_MAX])
{
	size_t length = 0;

	for (int at = top; at >= 0; at = rungs[at].after) {
		if ((size_t)at >= n || length == CHAIN_MAX)
			return 0;
		chain[length++] = at;
	}
	for (size_t i = 0; i < length / 2; i++) {
		int lower = chain[length - 1 - i];

		chain[length - 1 - i] = chain[i];
		chain[i] = lower;
	}
	return length;
}

/* So slow that no disturbance made it so; or enough all the same, since a disturbance makes nothing faster: but it may
 * make arrivals uneven. */
static bool is_clear(const struct fl_interval *rate, double demand_bytes_per_s, bool jitter)
{
	return rate->n && (rate->high < demand_bytes_per_s / 2 || (rate->low > demand_bytes_per_s && !jitter));
}

enum fl_ladder_says fl_ladder_judge(const struct fl_ladder_rung *rungs, size_t n, int top, double demand_bytes_per_s,
				    const struct fl_interval *together, bool jitter, int *ret)
{
	int chain[CHAIN_MAX];
	size_t length = climb(rungs, n, top, chain);

	*ret = top;
	if (length == 0)
		return FL_LADDER_SILENT;
	for (size_t i = 1; i < length; i++)
		if (fl_rung_is_faster(&rungs[chain[i]].rate, &rungs[chain[i - 1]].rate)) {
			*ret = chain[i];
			return FL_LADDER_INVALID;
		}
	if (fl_rung_is_faster(together, &rungs[top].rate))
		return FL_LADDER_CROWD;
	for (size_t i = 0; i < length; i++)
		if (rungs[chain[i]].disturbed && !is_clear(&rungs[chain[i]].rate, demand_bytes_per_s, jitter)) {
			*ret = chain[i];
			return FL_LADDER_DISTURBED;
		}
	for (size_t i = 0; i < length; i++) {
		int held = holds(&rungs[chain[i]], demand_bytes_per_s, jitter);

		*ret = chain[i];
		if (held <= 0)
			return held < 0 ? FL_LADDER_RUNG : FL_LADDER_SILENT;
	}
	return together->n && fl_rate_holds(together, demand_bytes_per_s) < 0 ? FL_LADDER_SHARED : FL_LADDER_SUFFICES;
}
