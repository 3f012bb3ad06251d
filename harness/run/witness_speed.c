/* SPDX-License-Identifier: Apache-2.0 */
/* witness_speed.c: governor, limit, boost and clock of CPUs. */
#include "base/alloc.h"
#include "run/kernel.h"
#include "run/witness.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 96 };

static const double busy_min = 0.9;   /* below, a clock may rest */
static const double change_max = 0.1; /* of the higher of two frequencies; turbo wanders by less under a steady load */

/* ---- looking */

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

static void look_at(int root, unsigned cpu, struct fl_speed *ret)
{
	char path[PATH_BYTES];
	uint64_t khz;

	path_of(path, cpu, "scaling_governor");
	fl_kernel_line(root, path, ret->governor, sizeof(ret->governor));
	path_of(path, cpu, "scaling_max_freq");
	fl_kernel_number(root, path, &ret->limit_khz);
	path_of(path, cpu, "scaling_cur_freq");
	ret->hz = fl_kernel_number(root, path, &khz) && khz ? (double)khz * 1e3 : NAN;
}

void fl_speeds_look(int root, const struct fl_cpus *cpus, struct fl_speeds *ret)
{
	*ret = (struct fl_speeds){ fl_zalloc(FL_CPUS_MAX, sizeof(*ret->of)), fl_boost_look(root) };
	for (unsigned cpu = 0; cpu < FL_CPUS_MAX; cpu++)
		if (fl_cpus_has(cpus, cpu))
			look_at(root, cpu, &ret->of[cpu]);
}

void fl_speeds_release(struct fl_speeds *speeds)
{
	free(speeds->of);
	*speeds = (struct fl_speeds){ 0 };
}

/* ---- judging: each says whether it gave a reason */

static bool judge_governor(unsigned cpu, const struct fl_speed *then, const struct fl_speed *now, json_t *reasons)
{
	if (!*then->governor || !*now->governor || !strcmp(then->governor, now->governor))
		return false;
	json_array_append_new(reasons, json_sprintf("the governor of CPU %u changed from '%s' to '%s' during the run",
						    cpu, then->governor, now->governor));
	return true;
}

static bool judge_limit(unsigned cpu, const struct fl_speed *then, const struct fl_speed *now, json_t *reasons)
{
	if (!then->limit_khz || !now->limit_khz || then->limit_khz == now->limit_khz)
		return false;
	json_array_append_new(reasons,
			      json_sprintf("the frequency limit of CPU %u changed from %.0f to %.0f MHz during the run",
					   cpu, (double)then->limit_khz / 1e3, (double)now->limit_khz / 1e3));
	return true;
}

static bool judge_boost(enum fl_boost then, enum fl_boost now, json_t *reasons)
{
	if (then == FL_BOOST_UNKNOWN || now == FL_BOOST_UNKNOWN || then == now)
		return false;
	json_array_append_new(reasons, json_sprintf("frequency boost was switched %s during the run",
						    now == FL_BOOST_ON ? "on" : "off"));
	return true;
}

void fl_rules_judge(const struct fl_speeds *began, const struct fl_speeds *before, const struct fl_speeds *after,
		    const struct fl_cpus *cpus, json_t *reasons)
{
	const struct fl_speeds *looks[] = { before, after };
	bool governor = false, limit = false, boost = false;

	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		for (unsigned cpu = 0; cpu < FL_CPUS_MAX; cpu++) {
			const struct fl_speed *then = &began->of[cpu], *now = &looks[i]->of[cpu];

			if (!fl_cpus_has(cpus, cpu))
				continue;
			governor = governor || judge_governor(cpu, then, now, reasons);
			limit = limit || judge_limit(cpu, then, now, reasons);
		}
		boost = boost || judge_boost(began->boost, looks[i]->boost, reasons);
	}
}

void fl_frequency_judge(const struct fl_speeds *before, const struct fl_speeds *after, const struct fl_cpus *cpus,
			double busy, json_t *reasons)
{
	for (unsigned cpu = 0; busy >= busy_min && cpu < FL_CPUS_MAX; cpu++) {
		double from_hz = before->of[cpu].hz, to_hz = after->of[cpu].hz;

		if (!fl_cpus_has(cpus, cpu) || !(fabs(to_hz - from_hz) > change_max * fmax(from_hz, to_hz)))
			continue;
		json_array_append_new(reasons, json_sprintf("the clock of CPU %u went from %.0f to %.0f MHz", cpu,
							    from_hz / 1e6, to_hz / 1e6));
		return;
	}
}
