/* SPDX-License-Identifier: Apache-2.0 */
/* witness_throttle.c: CPUs that were held back. Heat is counted by core and by package, the latter on each CPU of it
 * again. A cgroup's quota is counted on the level that has one, and holds back all below it. */
#include "base/alloc.h"
#include "base/file.h"
#include "run/kernel.h"
#include "run/witness.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAT_BYTES = 64 << 10, PATH_BYTES = 96 };

void fl_heat_look(int root, unsigned cpu, struct fl_heat *ret)
{
	char path[PATH_BYTES];

	*ret = (struct fl_heat){ 0 };
	snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%u/thermal_throttle/core_throttle_count", cpu);
	ret->known = fl_kernel_number(root, path, &ret->core);
	snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%u/thermal_throttle/package_throttle_count", cpu);
	ret->known |= fl_kernel_number(root, path, &ret->package);
}

/* cpu.stat of one level: "nr_throttled 3", and "throttled_usec" (v2) or "throttled_time" in ns (v1). false: it has
 * none. */
static bool add_level(int root, const char *dir, struct fl_quota *ret)
{
	char *path = fl_format("%s/cpu.stat", dir);
	struct fl_text text = { 0 };
	bool read = fl_file_read(root, path, STAT_BYTES, &text, NULL) == 0;
	uint64_t times, duration;

	if (fl_kernel_find(fl_text_str(&text), "nr_throttled", &times)) {
		ret->known = true;
		ret->times += times;
	}
	if (fl_kernel_find(fl_text_str(&text), "throttled_time", &duration))
		ret->ns += duration;
	else if (fl_kernel_find(fl_text_str(&text), "throttled_usec", &duration))
		ret->ns += duration * 1000;
	fl_text_release(&text);
	free(path);
	return read;
}

void fl_quota_look(int root, const char *group, struct fl_quota *ret)
{
	char *dir = group ? fl_format("%s", group + (*group == '/')) : NULL, *end = dir;

	*ret = (struct fl_quota){ 0 };
	while (end && add_level(root, dir, ret)) { /* above the hierarchy no directory has that file */
		end = strrchr(dir, '/');
		if (end)
			*end = 0;
	}
	free(dir);
}

static double since(uint64_t before, uint64_t after)
{
	return after > before ? (double)(after - before) : 0;
}

struct fl_throttles fl_throttles_between(const struct fl_heat *heat_before, const struct fl_heat *heat_after,
					 const struct fl_cpus *cpus, const struct fl_quota *before,
					 const struct fl_quota *after)
{
	struct fl_throttles t = { NAN, NAN, NAN, NAN };

	for (unsigned cpu = 0; cpu < FL_CPUS_MAX; cpu++) {
		if (!fl_cpus_has(cpus, cpu) || !heat_before[cpu].known || !heat_after[cpu].known)
			continue;
		t.core = (isnan(t.core) ? 0 : t.core) + since(heat_before[cpu].core, heat_after[cpu].core);
		t.package = fmax(t.package, since(heat_before[cpu].package, heat_after[cpu].package));
	}
	if (before->known && after->known) {
		t.quota = since(before->times, after->times);
		t.quota_ns = since(before->ns, after->ns);
	}
	return t;
}

void fl_throttles_judge(const struct fl_throttles *t, json_t *reasons)
{
	if (t->core > 0 || t->package > 0)
		json_array_append_new(reasons,
				      json_sprintf("its CPUs were slowed down by heat (cores %.0f times, package "
						   "%.0f times)",
						   t->core, t->package));
	if (t->quota > 0)
		json_array_append_new(reasons,
				      json_sprintf("the cgroup's CPU quota stopped it %.0f times, %.0f ms in all",
						   t->quota, t->quota_ns / 1e6));
}
