/* SPDX-License-Identifier: Apache-2.0 */
/* witness.c: all witnesses of a case, at the two ends of its window. */
#include "run/witness.h"
#include "base/alloc.h"
#include "base/json.h"
#include "run/kernel.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- looking */

/* CPU time of a process, all its threads, the ended ones too. 0: it is gone. */
static uint64_t used_ns(pid_t pid)
{
	struct timespec t = { 0 };
	clockid_t clock;

	if (pid > 0 && clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static struct fl_cpus cpus_of(const struct fl_case *c)
{
	struct fl_cpus all = { 0 };

	for (size_t i = 0; i < c->lanes_n; i++)
		for (size_t k = 0; k < sizeof(all.bits) / sizeof(*all.bits); k++)
			all.bits[k] |= c->lanes[i].plan->cpus.bits[k];
	return all;
}

static struct fl_heat *look_at_heat(int root, const struct fl_cpus *cpus)
{
	struct fl_heat *heat = fl_zalloc(FL_CPUS_MAX, sizeof(*heat));

	for (unsigned cpu = 0; cpu < FL_CPUS_MAX; cpu++)
		if (fl_cpus_has(cpus, cpu))
			fl_heat_look(root, cpu, &heat[cpu]);
	return heat;
}

static struct fl_lane_moment *look_at_lanes(int root, const struct fl_case *c)
{
	struct fl_lane_moment *lanes = fl_zalloc(c->lanes_n, sizeof(*lanes));

	for (size_t i = 0; i < c->lanes_n; i++) {
		pid_t pid = c->lanes[i].worker ? c->lanes[i].worker->child.pid : -1;

		lanes[i].used_ns = used_ns(pid);
		fl_wait_look(root, pid, &lanes[i].wait);
	}
	return lanes;
}

struct fl_moment *fl_moment_take(const struct fl_case *c)
{
	struct fl_moment *m = fl_zalloc(1, sizeof(*m));
	const struct fl_cpus cpus = cpus_of(c);
	int root = fl_kernel_root();

	fl_load_look(root, &m->load);
	m->agent_used_ns = used_ns(getpid());
	m->lanes = look_at_lanes(root, c);
	m->heat = look_at_heat(root, &cpus);
	fl_speeds_look(root, &cpus, &m->speeds);
	fl_quota_look(root, c->agent->machine->limits.cpu_group.value, &m->quota);
	fl_clocks_look(root, &m->clocks);
	if (root >= 0)
		close(root);
	return m;
}

void fl_moment_free(struct fl_moment *m)
{
	if (!m)
		return;
	fl_load_release(&m->load);
	fl_speeds_release(&m->speeds);
	free(m->heat);
	free(m->lanes);
	free(m);
}

/* ---- judging */

static bool overlap(const struct fl_cpus *a, const struct fl_cpus *b)
{
	struct fl_cpus both = fl_cpus_and(a, b);

	return fl_cpus_count(&both) > 0;
}

static uint64_t since(uint64_t before, uint64_t after)
{
	return after > before ? after - before : 0;
}

/* What was used on the lane's CPUs by feedline itself: by the lane, by those that the plan lets share its CPUs, and by
 * the agent, wherever it ran. Too much rather than too little: nobody shall be blamed for what we did. */
static uint64_t ours_ns(const struct fl_case *c, const struct fl_case_lane *lane)
{
	uint64_t ns = since(c->before->agent_used_ns, c->after->agent_used_ns);

	for (size_t i = 0; i < c->lanes_n; i++)
		if (&c->lanes[i] == lane || overlap(&lane->plan->cpus, &c->lanes[i].plan->cpus))
			ns += since(c->before->lanes[i].used_ns, c->after->lanes[i].used_ns);
	return ns;
}

/* The share of its CPUs' time that the lane itself used. */
static double busy(const struct fl_case *c, size_t lane)
{
	double all_ns =
		(double)since(c->before->load.at_ns, c->after->load.at_ns) * fl_cpus_count(&c->lanes[lane].plan->cpus);

	return all_ns > 0 ? (double)since(c->before->lanes[lane].used_ns, c->after->lanes[lane].used_ns) / all_ns : 0;
}

/* Whether a device is on its path: any but memory. */
static bool does_io(const struct fl_entry *entry)
{
	for (const struct fl_field *f = entry->fields; f->name; f++)
		if (f->type == FL_PATH || (f->type == FL_DEVICE && strcmp(f->range, "node") != 0))
			return true;
	return false;
}

static json_t *first_hz(const struct fl_moment *m, const struct fl_cpus *cpus)
{
	int first = fl_cpus_nth(cpus, 0);

	return fl_json_number(first < 0 ? NAN : m->speeds.of[first].hz);
}

json_t *fl_moments_judge(const struct fl_case *c, const struct fl_case_lane *lane, json_t *reasons)
{
	const struct fl_moment *before = c->before, *after = c->after;
	const struct fl_cpus *cpus = &lane->plan->cpus;
	size_t at = (size_t)(lane - c->lanes);
	struct fl_load_shares load = fl_load_between(&before->load, &after->load, cpus, ours_ns(c, lane));
	struct fl_load_shares known = fl_load_known(&load);
	struct fl_wait_shares wait = fl_wait_between(&before->lanes[at].wait, &after->lanes[at].wait, lane->threads);
	struct fl_throttles throttles =
		fl_throttles_between(before->heat, after->heat, cpus, &before->quota, &after->quota);

	fl_load_judge(&load, does_io(lane->entry), reasons);
	if (!lane->plan->shares_cpus) /* they wait for each other, which the plan knew */
		fl_wait_judge(&wait, &load, reasons);
	fl_throttles_judge(&throttles, reasons);
	fl_rules_judge(c->agent->began, &before->speeds, &after->speeds, cpus, reasons);
	fl_frequency_judge(&before->speeds, &after->speeds, cpus, busy(c, at), reasons);
	fl_clocks_judge(&before->clocks, &after->clocks, reasons);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "others_ratio", fl_json_number(known.others),
			 "steal_ratio", fl_json_number(known.steal), "interrupts_ratio",
			 fl_json_number(known.interrupts), "run_queue_wait_ratio", fl_json_number(wait.waited),
			 "involuntary_switches", fl_json_number(wait.switches), "heat_throttles",
			 fl_json_number(throttles.core + throttles.package), "quota_throttled_ns",
			 fl_json_number(throttles.quota_ns), "frequency_before_hz", first_hz(before, cpus),
			 "frequency_hz", first_hz(after, cpus));
}
