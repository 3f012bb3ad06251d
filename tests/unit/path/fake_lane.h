/* SPDX-License-Identifier: Apache-2.0 */
/* fake_lane.h: the little of a lane that a benchmark's hooks need, in one thread, with its memory in the test's
 * hands. The test includes the benchmark's source file itself. */
#ifndef FAKE_LANE_H
#define FAKE_LANE_H
#include <feedline/bench.h>
#include <feedline/hist.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAKE_REGIONS = 4, FAKE_FACTS = 16, FAKE_TEXT = 128 };

struct fl_lane {
	unsigned threads;
	void *regions[FAKE_REGIONS];
	unsigned regions_n;
	uint64_t bytes;			   /* of all regions */
	char facts[FAKE_FACTS][FAKE_TEXT]; /* "engine=io_uring" */
	unsigned facts_n;
	double least_cap_bytes_per_s; /* 0: none stated */
};

unsigned fl_threads(const struct fl_lane *lane)
{
	return lane->threads;
}

int fl_alloc(struct fl_lane *lane, uint64_t bytes, int node, void **ret, struct fl_err *err)
{
	void *p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

	(void)node;
	if (!p || lane->regions_n == FAKE_REGIONS)
		return fl_fail(err, -12, "the fake lane has no memory");
	memset(p, 0, bytes);
	lane->bytes += bytes;
	lane->regions[lane->regions_n++] = p;
	*ret = p;
	return 0;
}

void fl_set_fact(struct fl_lane *lane, const char *name, const char *fmt, ...)
{
	char *text = lane->facts[lane->facts_n++ % FAKE_FACTS];
	int n = snprintf(text, FAKE_TEXT, "%s=", name);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + n, (size_t)(FAKE_TEXT - n), fmt, args);
	va_end(args);
}

void fl_set_cap(struct fl_lane *lane, const char *hop, double cap_bytes_per_s, const char *origin)
{
	(void)hop;
	(void)origin;
	if (lane->least_cap_bytes_per_s == 0 || cap_bytes_per_s < lane->least_cap_bytes_per_s)
		lane->least_cap_bytes_per_s = cap_bytes_per_s;
}

static inline bool fake_has_fact(const struct fl_lane *lane, const char *text)
{
	for (unsigned i = 0; i < lane->facts_n; i++)
		if (!strcmp(lane->facts[i], text))
			return true;
	return false;
}

static inline void fake_free(struct fl_lane *lane)
{
	while (lane->regions_n > 0)
		free(lane->regions[--lane->regions_n]);
}

#endif
