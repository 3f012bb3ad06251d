/* SPDX-License-Identifier: Apache-2.0 */
/* witness.c: all witnesses of a case, at the two ends of its window. */
#include "run/witness.h"
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "run/kernel.h"
#include <feedline/clock.h>
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

/* The first lane of the case with that lane's worker. */
static size_t first_of_worker(const struct fl_case *c, size_t lane)
{
	size_t first = 0;

	while (first < lane && (!c->lanes[lane].worker || c->lanes[first].worker != c->lanes[lane].worker))
		first++;
	return first;
}

/* How long threads waited: those of a process that is the lane's alone, or what of a shared one has the lane's name. */
static void look_at_waits(int root, const struct fl_case *c, size_t first, pid_t pid, struct fl_lane_moment *lanes)
{
	struct fl_wait **of;

	if (!fl_case_shares_worker(c, &c->lanes[first])) {
		fl_wait_look(root, pid, &lanes[first].wait);
		return;
	}
	of = fl_zalloc(c->lanes_n, sizeof(struct fl_wait *));
	for (size_t i = first; i < c->lanes_n; i++)
		of[i] = first_of_worker(c, i) == first ? &lanes[i].wait : NULL;
	fl_wait_look_apart(root, pid, of, c->lanes_n);
	free(of);
}

/* What is known of processes only, is so for each of the lanes that share one. */
static struct fl_lane_moment *look_at_lanes(int root, const struct fl_case *c)
{
	struct fl_lane_moment *lanes = fl_zalloc(c->lanes_n, sizeof(*lanes));

	for (size_t i = 0; i < c->lanes_n; i++) {
		pid_t pid = c->lanes[i].worker ? c->lanes[i].worker->child.pid : -1;
		size_t first = first_of_worker(c, i);

		if (first < i) {
			lanes[i].used_ns = lanes[first].used_ns;
			lanes[i].io = lanes[first].io;
			continue;
		}
		lanes[i].used_ns = used_ns(pid);
		look_at_waits(root, c, i, pid, lanes);
		fl_own_io_look(root, pid, &lanes[i].io);
	}
	return lanes;
}

static const struct fl_drive *drive_of(const struct fl_case *c, const struct fl_case_lane *lane, bool written)
{
	const char *why;

	return fl_lane_drive(c->agent->machine, lane->entry, lane->plan, written, &why);
}

static struct fl_drive_look *look_at_drives(int root, const struct fl_case *c)
{
	const struct fl_machine *m = c->agent->machine;
	struct fl_drive_look *looks = fl_zalloc(m->drives_n + 1, sizeof(*looks));

	for (size_t i = 0; i < 2 * c->lanes_n; i++) {
		const struct fl_drive *drive = drive_of(c, &c->lanes[i / 2], i % 2);

		if (drive && !looks[drive - m->drives].looked)
			fl_drive_look(root, drive->dev, &looks[drive - m->drives]);
	}
	return looks;
}

struct fl_moment *fl_moment_take(const struct fl_case *c)
{
	struct fl_moment *m = fl_zalloc(1, sizeof(*m));
	const struct fl_cpus cpus = cpus_of(c);
	int root = fl_kernel_root();

	fl_load_look(root, &m->load);
	m->agent_used_ns = used_ns(getpid());
	m->drives_at_ns = fl_now_ns();
	m->drives = look_at_drives(root, c);
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
	free(m->drives);
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
	bool *counted = fl_zalloc(c->lanes_n, sizeof(*counted)); /* by the first lane of a worker */
	size_t own = first_of_worker(c, (size_t)(lane - c->lanes));

	for (size_t i = 0; i < c->lanes_n; i++) {
		size_t first = first_of_worker(c, i);

		if (counted[first] || (first != own && !overlap(&lane->plan->cpus, &c->lanes[i].plan->cpus)))
			continue;
		ns += since(c->before->lanes[i].used_ns, c->after->lanes[i].used_ns);
		counted[first] = true;
	}
	free(counted);
	return ns;
}

/* The share of its CPUs' time that the lane itself used, or of a worker with several lanes, that all of them did. */
static double busy(const struct fl_case *c, size_t lane)
{
	const struct fl_worker *w = c->lanes[lane].worker;
	const struct fl_cpus *cpus = w ? &w->cpus : &c->lanes[lane].plan->cpus;
	double all_ns = (double)since(c->before->load.at_ns, c->after->load.at_ns) * fl_cpus_count(cpus);

	return all_ns > 0 ? (double)since(c->before->lanes[lane].used_ns, c->after->lanes[lane].used_ns) / all_ns : 0;
}

/* Whether a device is on its path: any but memory. */
static bool does_io(const struct fl_entry *entry)
{
	for (const struct fl_field *f = entry->fields; f->name; f++)
		if (f->type == FL_PATH || (f->type == FL_DEVICE && !fl_field_holds(f, "node", NULL)))
			return true;
	return false;
}

/* ---- the drive beneath */

/* By its own word, which set_facts() in collect.c takes too. */
static bool says_direct(const struct fl_case_lane *lane)
{
	const char *said = fl_json_text_or_null(json_object_get(lane->done, "facts"), "direct");

	for (const struct fl_fact *f = lane->entry->facts; f->name; f++)
		if (strcmp(f->name, "direct") == 0)
			return said && strcmp(said, "yes") == 0;
	return false;
}

static double bytes_between(double before, double after)
{
	return after >= before ? after - before : NAN; /* a counter that runs back says nothing */
}

/* What one lane adds to that of its drive. What moved while we looked may be elsewhere. */
static void add_lane(const struct fl_case *c, const struct fl_case_lane *lane, bool written, struct fl_delivery *sum)
{
	const struct fl_own_io *before = &c->before->lanes[lane - c->lanes].io;
	const struct fl_own_io *after = &c->after->lanes[lane - c->lanes].io;
	const double look_ns = 1e6, span_ns = (double)(c->after->drives_at_ns - c->before->drives_at_ns);

	sum->own_bytes += written ? bytes_between(before->written_bytes, after->written_bytes)
				  : bytes_between(before->read_bytes, after->read_bytes);
	sum->payload_bytes += lane->payload_bytes;
	sum->direct_bytes += says_direct(lane) ? lane->payload_bytes : 0;
	sum->flight_bytes += 2 * fl_lane_flight_bytes(lane->plan, lane->threads) + lane->open_bytes +
			     2 * look_ns / span_ns * lane->payload_bytes;
}

struct fl_delivery fl_moments_delivery(const struct fl_case *c, const struct fl_case_lane *lane, bool written)
{
	const struct fl_drive *drive = drive_of(c, lane, written);
	const struct fl_drive_look *before, *after;
	struct fl_delivery sum = { .device_bytes = NAN };

	if (!drive)
		return sum;
	before = &c->before->drives[drive - c->agent->machine->drives];
	after = &c->after->drives[drive - c->agent->machine->drives];
	sum.device_bytes = written ? bytes_between(before->written_bytes, after->written_bytes)
				   : bytes_between(before->read_bytes, after->read_bytes);
	for (size_t i = 0; i < c->lanes_n; i++)
		if (drive_of(c, &c->lanes[i], written) == drive)
			add_lane(c, &c->lanes[i], written, &sum);
	return sum;
}

static json_t *delivery_ratio(const struct fl_case *c, const struct fl_case_lane *lane, bool written)
{
	struct fl_delivery d = fl_moments_delivery(c, lane, written);

	return fl_json_number(fl_delivery_ratio(&d));
}

static void judge_queues(const struct fl_case *c, const struct fl_case_lane *lane, json_t *reasons)
{
	const struct fl_drive *read = drive_of(c, lane, false), *written = drive_of(c, lane, true);
	const struct fl_drive *drives[] = { read, written != read ? written : NULL };

	for (size_t i = 0; i < 2; i++) {
		size_t at = drives[i] ? (size_t)(drives[i] - c->agent->machine->drives) : 0;

		if (drives[i])
			fl_queue_judge(drives[i], &c->before->drives[at], &c->after->drives[at], reasons);
	}
}

/* ---- all */

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
	judge_queues(c, lane, reasons);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "others_ratio",
			 fl_json_number(known.others), "steal_ratio", fl_json_number(known.steal), "interrupts_ratio",
			 fl_json_number(known.interrupts), "run_queue_wait_ratio", fl_json_number(wait.waited),
			 "involuntary_switches", fl_json_number(wait.switches), "heat_throttles",
			 fl_json_number(throttles.core + throttles.package), "quota_throttled_ns",
			 fl_json_number(throttles.quota_ns), "frequency_before_hz", first_hz(before, cpus),
			 "frequency_hz", first_hz(after, cpus), "device_read_ratio", delivery_ratio(c, lane, false),
			 "device_write_ratio", delivery_ratio(c, lane, true));
}
