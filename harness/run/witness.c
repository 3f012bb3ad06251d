/* SPDX-License-Identifier: Apache-2.0 */
/* witness.c: all witnesses of a case, at the two ends of its window. What belongs to CPUs is looked at once for all
 * lanes. */
#include "run/witness.h"
#include "base/alloc.h"
#include "base/json.h"
#include "run/kernel.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct lane_moment {
	uint64_t used_ns; /* CPU time of its process */
	struct fl_wait wait;
	double frequency_hz;
};

struct fl_moment {
	struct fl_load load;
	struct fl_cpus cpus;	/* of all lanes of the case ... */
	struct fl_heat *heat;	/* ... and what they look like, in this order */
	struct fl_speed *speed; /* likewise */
	enum fl_boost boost;
	struct fl_quota quota;
	struct fl_clocks clocks;
	uint64_t agent_used_ns;
	struct lane_moment *lanes;
};

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

static void look_at_cpus(int root, struct fl_moment *m)
{
	size_t n = 0;

	m->heat = fl_zalloc(fl_cpus_count(&m->cpus) + 1, sizeof(*m->heat));
	m->speed = fl_zalloc(fl_cpus_count(&m->cpus) + 1, sizeof(*m->speed));
	for (unsigned cpu = 0; cpu < FL_CPUS_MAX; cpu++) {
		if (!fl_cpus_has(&m->cpus, cpu))
			continue;
		fl_heat_look(root, cpu, &m->heat[n]);
		fl_speed_look(root, cpu, &m->speed[n++]);
	}
}

static void look_at_lanes(int root, const struct fl_case *c, struct fl_moment *m)
{
	m->lanes = fl_zalloc(c->lanes_n, sizeof(*m->lanes));
	for (size_t i = 0; i < c->lanes_n; i++) {
		const struct fl_case_lane *lane = &c->lanes[i];
		pid_t pid = lane->worker ? lane->worker->child.pid : -1;
		int first = fl_cpus_nth(&lane->plan->cpus, 0);

		m->lanes[i].used_ns = used_ns(pid);
		m->lanes[i].frequency_hz = first < 0 ? NAN : fl_speed_hz(root, (unsigned)first);
		fl_wait_look(root, pid, &m->lanes[i].wait);
	}
}

struct fl_moment *fl_moment_take(const struct fl_case *c)
{
	struct fl_moment *m = fl_zalloc(1, sizeof(*m));
	int root = fl_kernel_root();

	m->cpus = cpus_of(c);
	fl_load_look(root, &m->load);
	m->agent_used_ns = used_ns(getpid());
	look_at_lanes(root, c, m);
	look_at_cpus(root, m);
	m->boost = fl_boost_look(root);
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
	free(m->heat);
	free(m->speed);
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

/* Of the looks at the CPUs of the case, those at the lane's own, in its order; `size` bytes each. Returns how many. */
static size_t pick(const struct fl_cpus *all, const struct fl_cpus *own, const void *looks, size_t size, void *ret)
{
	size_t at = 0, n = 0;

	for (unsigned cpu = 0; cpu < FL_CPUS_MAX; cpu++) {
		if (fl_cpus_has(own, cpu))
			memcpy((char *)ret + size * n++, (const char *)looks + size * at, size);
		at += fl_cpus_has(all, cpu);
	}
	return n;
}

static struct fl_throttles judge_heat(const struct fl_case *c, const struct fl_cpus *cpus, json_t *reasons)
{
	size_t room = fl_cpus_count(cpus) + 1, n;
	struct fl_heat *before = fl_zalloc(room, sizeof(*before)), *after = fl_zalloc(room, sizeof(*after));
	struct fl_throttles t;

	n = pick(&c->before->cpus, cpus, c->before->heat, sizeof(*before), before);
	pick(&c->after->cpus, cpus, c->after->heat, sizeof(*after), after);
	t = fl_throttles_between(before, after, n, &c->before->quota, &c->after->quota);
	fl_throttles_judge(&t, reasons);
	free(after);
	free(before);
	return t;
}

static void judge_speed(const struct fl_case *c, const struct fl_cpus *cpus, json_t *reasons)
{
	size_t room = fl_cpus_count(cpus) + 1, n;
	struct fl_speed *before = fl_zalloc(room, sizeof(*before)), *after = fl_zalloc(room, sizeof(*after));

	n = pick(&c->before->cpus, cpus, c->before->speed, sizeof(*before), before);
	pick(&c->after->cpus, cpus, c->after->speed, sizeof(*after), after);
	fl_speed_judge(before, after, cpus, n, reasons);
	free(after);
	free(before);
}

/* Whether a device is on its path: any but memory. */
static bool does_io(const struct fl_entry *entry)
{
	for (const struct fl_field *f = entry->fields; f->name; f++)
		if (f->type == FL_PATH || (f->type == FL_DEVICE && strcmp(f->range, "node") != 0))
			return true;
	return false;
}

json_t *fl_moments_judge(const struct fl_case *c, const struct fl_case_lane *lane, json_t *reasons)
{
	const struct lane_moment *before = &c->before->lanes[lane - c->lanes];
	const struct lane_moment *after = &c->after->lanes[lane - c->lanes];
	const struct fl_cpus *cpus = &lane->plan->cpus;
	struct fl_load_shares load = fl_load_between(&c->before->load, &c->after->load, cpus, ours_ns(c, lane));
	struct fl_load_shares known = fl_load_known(&load);
	struct fl_wait_shares wait = fl_wait_between(&before->wait, &after->wait, lane->threads);
	struct fl_throttles throttles;

	fl_load_judge(&load, does_io(lane->entry), reasons);
	if (!lane->plan->shares_cpus) /* they wait for each other, which the plan knew */
		fl_wait_judge(&wait, &load, reasons);
	throttles = judge_heat(c, cpus, reasons);
	judge_speed(c, cpus, reasons);
	fl_boost_judge(c->before->boost, c->after->boost, reasons);
	fl_clocks_judge(&c->before->clocks, &c->after->clocks, reasons);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "others_ratio", fl_json_number(known.others),
			 "steal_ratio", fl_json_number(known.steal), "interrupts_ratio",
			 fl_json_number(known.interrupts), "run_queue_wait_ratio", fl_json_number(wait.waited),
			 "involuntary_switches", fl_json_number(wait.switches), "heat_throttles",
			 fl_json_number(throttles.core + throttles.package), "quota_throttled_ns",
			 fl_json_number(throttles.quota_ns), "frequency_hz", fl_json_number(after->frequency_hz));
}
