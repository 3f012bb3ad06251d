/* SPDX-License-Identifier: Apache-2.0 */
/* hist.c: the log-linear histogram. Counts may come from shared memory that a broken worker wrote, so sums saturate. */
#include <feedline/hist.h>
#include <math.h>

enum { SUB = 1 << FL_HIST_SUB_BITS };

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

unsigned fl_hist_bucket(uint64_t value_ns)
{
	unsigned shift;

	if (value_ns < 2 * SUB)
		return (unsigned)value_ns;
	shift = 63 - (unsigned)__builtin_clzll(value_ns) - FL_HIST_SUB_BITS;
	return shift * SUB + (unsigned)(value_ns >> shift);
}

uint64_t fl_hist_middle(unsigned bucket)
{
	unsigned shift;

	if (bucket < 2 * SUB)
		return bucket;
	shift = bucket / SUB - 1;
	return ((uint64_t)(SUB + bucket % SUB) << shift) + (UINT64_C(1) << (shift - 1));
}

void fl_hist_add(struct fl_hist *h, uint64_t value_ns)
{
	h->count[fl_hist_bucket(value_ns)]++;
}

void fl_hist_merge(struct fl_hist *into, const struct fl_hist *from)
{
	for (unsigned i = 0; i < FL_HIST_BUCKETS; i++)
		into->count[i] = sum(into->count[i], from->count[i]);
}

uint64_t fl_hist_total(const struct fl_hist *h)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < FL_HIST_BUCKETS; i++)
		total = sum(total, h->count[i]);
	return total;
}

/* How many of `total` values are q of them: rounded up, 1..total. */
static uint64_t rank_of(double q, uint64_t total)
{
	double rank = ceil(q * (double)total);

	if (!(rank > 1))
		return 1;
	return rank >= (double)total ? total : (uint64_t)rank;
}

uint64_t fl_hist_quantile(const struct fl_hist *h, double q)
{
	uint64_t total = fl_hist_total(h), rank, seen = 0;
	unsigned i = 0;

	if (!total)
		return 0;
	rank = rank_of(q, total);
	for (; i < FL_HIST_BUCKETS - 1; i++) {
		seen = sum(seen, h->count[i]);
		if (seen >= rank)
			break;
	}
	return fl_hist_middle(i);
}
