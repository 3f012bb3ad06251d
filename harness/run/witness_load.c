/* SPDX-License-Identifier: Apache-2.0 */
/* witness_load.c: who used the lane's CPUs. The kernel samples who works at every tick, which can be wrong about
 * threads that sleep and wake in time with it, and measures how long a CPU was free. So the work on a CPU is the
 * smaller of what was sampled and what its free time left. Interrupts are nobody's: most are the lane's own I/O. */
#include "base/alloc.h"
#include "base/file.h"
#include "run/kernel.h"
#include "run/witness.h"
#include <feedline/clock.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STAT_BYTES = 4 << 20, USER = 0, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, TIMES };

static uint64_t tick_ns(void)
{
	return UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* "cpu3 100 0 20 ..." */
static void read_cpu(const char *line, struct fl_load *load)
{
	uint64_t cpu, ticks[TIMES] = { 0 }, ns = tick_ns();
	const char *at = line + 3;

	if (*at < '0' || *at > '9' || !fl_kernel_next(&at, &cpu) || cpu >= FL_CPUS_MAX)
		return; /* "cpu " is the sum of all */
	for (size_t i = 0; i < TIMES && fl_kernel_next(&at, &ticks[i]); i++)
		if (ticks[i] > UINT64_MAX / 4 / ns)
			return;
	load->cpus[cpu] = (struct fl_cpu_times){
		.work_ns = (ticks[USER] + ticks[NICE] + ticks[SYSTEM]) * ns,
		.free_ns = (ticks[IDLE] + ticks[IOWAIT]) * ns,
		.interrupts_ns = (ticks[IRQ] + ticks[SOFTIRQ]) * ns,
		.steal_ns = ticks[STEAL] * ns,
	};
	if (cpu >= load->cpus_n)
		load->cpus_n = (unsigned)cpu + 1;
}

void fl_load_look(int root, struct fl_load *ret)
{
	struct fl_text text = { 0 };

	*ret = (struct fl_load){ .cpus = fl_zalloc(FL_CPUS_MAX, sizeof(*ret->cpus)) };
	fl_file_read(root, "proc/stat", STAT_BYTES, &text, NULL);
	ret->at_ns = fl_now_ns();
	for (const char *line = fl_text_str(&text); !strncmp(line, "cpu", 3); line++) {
		read_cpu(line, ret);
		line = strchr(line, '\n');
		if (!line)
			break;
	}
	fl_text_release(&text);
}

void fl_load_release(struct fl_load *load)
{
	free(load->cpus);
	*load = (struct fl_load){ 0 };
}

static uint64_t since(uint64_t before, uint64_t after)
{
	return after > before ? after - before : 0;
}

static bool is_online(const struct fl_load *load, unsigned cpu)
{
	const struct fl_cpu_times *t = cpu < load->cpus_n ? &load->cpus[cpu] : NULL;

	return t && (t->work_ns || t->free_ns);
}

/* What one CPU did between the looks is added to the sums. */
static void add_cpu(const struct fl_cpu_times *before, const struct fl_cpu_times *after, uint64_t span_ns,
		    struct fl_cpu_times *sums)
{
	uint64_t work_ns = since(before->work_ns, after->work_ns), free_ns = since(before->free_ns, after->free_ns);
	uint64_t interrupts_ns = since(before->interrupts_ns, after->interrupts_ns);
	uint64_t steal_ns = since(before->steal_ns, after->steal_ns);
	uint64_t left_ns = since(free_ns + interrupts_ns + steal_ns, span_ns);

	sums->work_ns += work_ns < left_ns ? work_ns : left_ns;
	sums->interrupts_ns += interrupts_ns;
	sums->steal_ns += steal_ns;
}

struct fl_load_shares fl_load_between(const struct fl_load *before, const struct fl_load *after,
				      const struct fl_cpus *cpus, uint64_t ours_ns)
{
	uint64_t span_ns = since(before->at_ns, after->at_ns);
	struct fl_cpu_times sums = { 0 };
	unsigned n = 0;
	double all_ns;

	for (unsigned cpu = 0; cpu < after->cpus_n; cpu++) {
		if (!fl_cpus_has(cpus, cpu) || !is_online(before, cpu) || !is_online(after, cpu))
			continue;
		add_cpu(&before->cpus[cpu], &after->cpus[cpu], span_ns, &sums);
		n++;
	}
	all_ns = (double)span_ns * n;
	if (!(all_ns > 0))
		return (struct fl_load_shares){ NAN, NAN, NAN, NAN };
	return (struct fl_load_shares){
		.others = (double)since(ours_ns, sums.work_ns) / all_ns,
		.steal = (double)sums.steal_ns / all_ns,
		.interrupts = (double)sums.interrupts_ns / all_ns,
		.blur = (double)tick_ns() / (double)span_ns,
	};
}

static double known(double share, double blur)
{
	return blur <= FL_DISTURBED || share > FL_DISTURBED + blur ? share : NAN;
}

struct fl_load_shares fl_load_known(const struct fl_load_shares *shares)
{
	return (struct fl_load_shares){
		.others = known(shares->others, 3 * shares->blur),
		.steal = known(shares->steal, shares->blur),
		.interrupts = known(shares->interrupts, 2 * shares->blur),
		.blur = shares->blur,
	};
}

/* What the lane's own I/O takes, on a virtual machine that was idle but for it: emulating it 0.13 of the CPU's time,
 * and threads of the kernel that serve it (4 KiB reads, 115,000 a second) 0.09. Such a lane waits for its device, not
 * for its CPU; where it does wait for that, witness_wait.c says so. */
void fl_load_judge(const struct fl_load_shares *shares, bool io, json_t *reasons)
{
	const double own_steal = io ? 0.2 : 0, own_threads = io ? 0.15 : 0;

	if (shares->others > FL_DISTURBED + own_threads + 3 * shares->blur)
		json_array_append_new(reasons, json_sprintf("other programs took %.0f %% of the time of its CPUs",
							    100 * shares->others));
	if (shares->steal > FL_DISTURBED + own_steal + shares->blur)
		json_array_append_new(reasons, json_sprintf("the hypervisor took %.0f %% of the time of its CPUs",
							    100 * shares->steal));
}
