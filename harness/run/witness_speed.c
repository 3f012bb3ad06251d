/* SPDX-License-Identifier: Apache-2.0 */
/* witness_speed.c: governor, limit and boost of CPUs. */
#include "run/kernel.h"
#include "run/witness.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 96 };

static void path_of(char path[PATH_BYTES], unsigned cpu, const char *name)
{
	snprintf(path, PATH_BYTES, "sys/devices/system/cpu/cpu%u/cpufreq/%s", cpu, name);
}

/* Two drivers say it in their own way, one of them the other way round. */
enum fl_boost fl_boost_look(int root)
{
	uint64_t number;

	if (fl_kernel_number(root, "sys/devices/system/cpu/cpufreq/boost", &number))
		return number ? FL_BOOST_ON : FL_BOOST_OFF;
	if (fl_kernel_number(root, "sys/devices/system/cpu/intel_pstate/no_turbo", &number))
		return number ? FL_BOOST_OFF : FL_BOOST_ON;
	return FL_BOOST_UNKNOWN;
}

void fl_boost_judge(enum fl_boost before, enum fl_boost after, json_t *reasons)
{
	if (before != FL_BOOST_UNKNOWN && after != FL_BOOST_UNKNOWN && before != after)
		json_array_append_new(
			reasons, json_sprintf("frequency boost was switched %s", after == FL_BOOST_ON ? "on" : "off"));
}

void fl_speed_look(int root, unsigned cpu, struct fl_speed *ret)
{
	char path[PATH_BYTES];

	*ret = (struct fl_speed){ 0 };
	path_of(path, cpu, "scaling_governor");
	fl_kernel_line(root, path, ret->governor, sizeof(ret->governor));
	path_of(path, cpu, "scaling_max_freq");
	fl_kernel_number(root, path, &ret->limit_khz);
}

double fl_speed_hz(int root, unsigned cpu)
{
	char path[PATH_BYTES];
	uint64_t khz;

	path_of(path, cpu, "scaling_cur_freq");
	return fl_kernel_number(root, path, &khz) && khz ? (double)khz * 1e3 : NAN;
}

static bool is_other(const char *before, const char *after)
{
	return *before && *after && strcmp(before, after);
}

void fl_speed_judge(const struct fl_speed *before, const struct fl_speed *after, const struct fl_cpus *cpus, size_t n,
		    json_t *reasons)
{
	bool governor = false, limit = false;

	for (size_t i = 0; i < n; i++) {
		const struct fl_speed *from = &before[i], *to = &after[i];
		int cpu = fl_cpus_nth(cpus, (unsigned)i);

		if (!governor && is_other(from->governor, to->governor)) {
			governor = true;
			json_array_append_new(reasons, json_sprintf("the governor of CPU %d changed from '%s' to '%s'",
								    cpu, from->governor, to->governor));
		}
		if (!limit && from->limit_khz && to->limit_khz && from->limit_khz != to->limit_khz) {
			limit = true;
			json_array_append_new(
				reasons, json_sprintf("the frequency limit of CPU %d changed from %.0f to %.0f MHz",
						      cpu, (double)from->limit_khz / 1e3, (double)to->limit_khz / 1e3));
		}
	}
}
