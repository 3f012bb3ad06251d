/* SPDX-License-Identifier: Apache-2.0 */
/* watch_pace.c: how often a question may be asked, by what it cost the last time. */
#include "watch.h"
#include <time.h>

static const uint64_t cpu_times = 2000, wall_times = 20, rest_max_ns = UINT64_C(10000000000);

uint64_t watch_pace_rest_ns(uint64_t cpu_ns, uint64_t wall_ns)
{
	uint64_t for_cpu = cpu_ns > rest_max_ns / cpu_times ? rest_max_ns : cpu_ns * cpu_times;
	uint64_t for_wall = wall_ns > rest_max_ns / wall_times ? rest_max_ns : wall_ns * wall_times;

	return for_cpu > for_wall ? for_cpu : for_wall;
}

uint64_t watch_thread_cpu_ns(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}
