/* SPDX-License-Identifier: Apache-2.0 */
/* witness.h: what else happened while a lane was measured, and whether that spoils its numbers.
 *
 * A witness has three parts: a look, which reads /proc and /sys below `root` (a descriptor of "/", or of a made-up
 * tree) at the start and at the end of the window; what two looks say together, as small numbers that go into the
 * record, so that trust can be judged again later; and a judge, which appends a reason of one line with its figure, or
 * nothing. Numbers and judges are pure. What a system does not show is NaN and no reason.
 *
 * The looks are the kernel's word, not the worker's. They are taken while the lanes run, outside of the window. */
#ifndef FL_RUN_WITNESS_H
#define FL_RUN_WITNESS_H
#include "base/cpus.h"
#include "run/case.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The share of a lane's time that others may take before it counts: as much as the tolerance of a verdict. What is
 * counted in ticks counts from as much above that as it may be wrong. */
#define FL_DISTURBED 0.05

/* ---- witness_load.c: who used the lane's CPUs, from /proc/stat */

struct fl_cpu_times {
	uint64_t work_ns, free_ns, interrupts_ns, steal_ns;
};
struct fl_load {
	uint64_t at_ns; /* CLOCK_MONOTONIC */
	struct fl_cpu_times *cpus;
	unsigned cpus_n; /* by CPU number; all zero: not online */
};
void fl_load_look(int root, struct fl_load *ret);
void fl_load_release(struct fl_load *load);

/* Shares of the time of those CPUs. The kernel counts in ticks of 10 ms, each counter for itself: `blur` is by how much
 * the share of one may be wrong. Others are the sum of three counters, interrupts of two. */
struct fl_load_shares {
	double others, steal, interrupts, blur;
};
/* ours_ns: what the lane and the agent used of it, exactly. */
struct fl_load_shares fl_load_between(const struct fl_load *before, const struct fl_load *after,
				      const struct fl_cpus *cpus, uint64_t ours_ns);
/* Of these, those that say something: a share that may be wrong by more than FL_DISTURBED is NaN, unless it is above
 * all doubt. So others are known from windows of 600 ms on, interrupts of 400 ms, steal of 200 ms. What load does to a
 * lane that wants its CPU is known in any window: its threads wait (witness_wait.c). */
struct fl_load_shares fl_load_known(const struct fl_load_shares *shares);
/* io: the lane moves data through a device, which a hypervisor emulates and the kernel's threads serve in the time of
 * the same CPUs. */
void fl_load_judge(const struct fl_load_shares *shares, bool io, json_t *reasons);

/* ---- witness_wait.c: how long the lane's threads were ready to run and did not, from /proc/PID/task */

struct fl_wait {
	uint64_t at_ns, waited_ns, switches; /* of the process's threads but its helpers; switches: involuntary */
	bool has_waited, has_switches;
	bool helpers; /* it has threads of feedline/helper.h */
};
void fl_wait_look(int root, pid_t pid, struct fl_wait *ret);
/* Of a process with several lanes: to each what its own threads waited (base/threads.h). of[i]: of lane i; NULL: it is
 * in another process. Helpers are said of all of them. */
void fl_wait_look_apart(int root, pid_t pid, struct fl_wait *const *of, size_t n);

struct fl_wait_shares {
	double waited; /* of the time of its threads, helpers left out: these wait for one another */
	double slice;  /* what one time slice of another thread is of it: waiting up to that is no reason */
	double switches;
	bool helpers; /* it may be these that its threads waited for: no reason not to trust the window, but a CPU
			 that was short all the same */
};
struct fl_wait_shares fl_wait_between(const struct fl_wait *before, const struct fl_wait *after, unsigned threads);
/* Waiting is measured to the nanosecond. But threads wait for interrupts too, since busy devices are served by threads
 * of the kernel, and most of those are the lane's own: what interrupts took is allowed, with its blur where there were
 * any. load: of its CPUs. */
void fl_wait_judge(const struct fl_wait_shares *shares, const struct fl_load_shares *load, json_t *reasons);

/* ---- witness_throttle.c: when the CPUs were held back, by heat or by the quota of a cgroup */

struct fl_heat {
	uint64_t core, package; /* how often */
	bool known;
};
void fl_heat_look(int root, unsigned cpu, struct fl_heat *ret);

struct fl_quota {
	uint64_t times, ns; /* on all levels, over all CPUs */
	bool known;
};
/* group: the directory of our cgroup with the controller for CPU time (machine.h); NULL: none. */
void fl_quota_look(int root, const char *group, struct fl_quota *ret);

struct fl_throttles {
	double core, package; /* how often: of all cores together, of the package that was it most often */
	double quota, quota_ns;
};
/* heat: by CPU number, of which `cpus` count. */
struct fl_throttles fl_throttles_between(const struct fl_heat *heat_before, const struct fl_heat *heat_after,
					 const struct fl_cpus *cpus, const struct fl_quota *before,
					 const struct fl_quota *after);
void fl_throttles_judge(const struct fl_throttles *t, json_t *reasons);

/* ---- witness_speed.c: what the CPUs were allowed to run at, and what they ran at */

struct fl_speed {
	char governor[24];
	uint64_t limit_khz;
	double hz; /* now */
};
enum fl_boost { FL_BOOST_OFF, FL_BOOST_ON, FL_BOOST_UNKNOWN };
struct fl_speeds {
	struct fl_speed *of; /* by CPU number; nothing is known of those that were not looked at */
	enum fl_boost boost; /* of all CPUs */
};
enum fl_boost fl_boost_look(int root);
void fl_speeds_look(int root, const struct fl_cpus *cpus, struct fl_speeds *ret);
void fl_speeds_release(struct fl_speeds *speeds);
/* Whether somebody changed the rules since the run began, by either end of the window: the rounds and cases of a run
 * are compared with each other. One reason a kind of change, for the first CPU that shows it. */
void fl_rules_judge(const struct fl_speeds *began, const struct fl_speeds *before, const struct fl_speeds *after,
		    const struct fl_cpus *cpus, json_t *reasons);
/* Whether a CPU's clock changed in the window. A frequency is a snapshot, and that of a CPU with little to do wanders
 * by itself: `busy` is the share of the CPUs' time that the lane used, and below 0.9 nothing is said. */
void fl_frequency_judge(const struct fl_speeds *before, const struct fl_speeds *after, const struct fl_cpus *cpus,
			double busy, json_t *reasons);

/* ---- witness_clock.c: whether the clocks themselves can be believed */

struct fl_clocks {
	int64_t real_ns, monotonic_ns, raw_ns; /* CLOCK_REALTIME, _MONOTONIC, _MONOTONIC_RAW, of one moment */
	char source[32];		       /* "tsc"; "" where nothing says */
};
void fl_clocks_look(int root, struct fl_clocks *ret);
void fl_clocks_judge(const struct fl_clocks *before, const struct fl_clocks *after, json_t *reasons);

/* ---- witness_device.c: what the drive itself says it moved, and by which rules, from /sys/dev/block */

enum { FL_QUEUE_SETTINGS = 8 };
struct fl_drive_look {
	bool looked;
	double read_bytes, written_bytes; /* since it is there; NaN: nobody counts */
	char scheduler[24];
	double settings[FL_QUEUE_SETTINGS]; /* in the units of struct fl_drive */
};
void fl_drive_look(int root, const char *dev, struct fl_drive_look *ret); /* "259:0", of a whole disk */

/* What a process had drives move, by the kernel's account of it. */
struct fl_own_io {
	double read_bytes, written_bytes;
};
void fl_own_io_look(int root, pid_t pid, struct fl_own_io *ret);

/* Bytes of one drive in one direction between two looks. */
struct fl_delivery {
	double device_bytes;  /* that it counted itself, for whomever; NaN: unknown */
	double own_bytes;     /* that our lanes had it move; NaN: unknown */
	double payload_bytes; /* of all lanes of the case on that drive */
	double direct_bytes;  /* of those among them that say they go past the page cache */
	double flight_bytes;  /* by how much these may be apart, for what was under way at the two ends */
};
/* Device bytes for one of payload; NaN: unknown, or it may be wrong by more than 0.1. */
double fl_delivery_ratio(const struct fl_delivery *d);
/* Whether less than 0.9 of what was read past the page cache can have come from the drive. Others who use it only raise
 * what it counts. Both counters must say so, where both are there: some drives count nothing (paths to one that several
 * lead to). */
bool fl_delivery_cached(const struct fl_delivery *d);
/* Whether the drive moved more than 1.05 of what was asked for. Unknown where it did, but not for us. */
enum fl_amplified { FL_NOT_AMPLIFIED, FL_AMPLIFIED, FL_AMPLIFIED_UNKNOWN };
enum fl_amplified fl_delivery_amplified(const struct fl_delivery *d);

/* Whether somebody changed how its requests are queued since the machine was looked at, by either end of the window. */
void fl_queue_judge(const struct fl_drive *drive, const struct fl_drive_look *before, const struct fl_drive_look *after,
		    json_t *reasons);

/* ---- witness.c: all of them, for a case. What belongs to CPUs is looked at once for all lanes. */

struct fl_lane_moment {
	uint64_t used_ns; /* CPU time of its process */
	struct fl_wait wait;
	struct fl_own_io io;
};
struct fl_moment {
	struct fl_load load;
	struct fl_heat *heat; /* by CPU number, as speeds */
	struct fl_speeds speeds;
	struct fl_quota quota;
	struct fl_clocks clocks;
	uint64_t agent_used_ns;
	struct fl_lane_moment *lanes; /* in the order of the case */
	uint64_t drives_at_ns;	      /* CLOCK_MONOTONIC */
	struct fl_drive_look *drives; /* in the order of the machine; not looked at: no lane uses it */
};
struct fl_moment *fl_moment_take(const struct fl_case *c);
void fl_moment_free(struct fl_moment *moment); /* NULL allowed */
/* What the two moments of the case, and the start of the run, say about the lane: appends reasons, returns the numbers
 * (null where unknown): {"others_ratio", "steal_ratio", "interrupts_ratio": of its CPUs' time, "run_queue_wait_ratio":
 * of its threads' time, "involuntary_switches", "heat_throttles", "quota_throttled_ns", "frequency_before_hz",
 * "frequency_hz": of its first CPU, at the two ends, "device_read_ratio", "device_write_ratio": what
 * its drive moved for one byte of payload}. */
json_t *fl_moments_judge(const struct fl_case *c, const struct fl_case_lane *lane, json_t *reasons);
/* What the lane had its drive read or write (`written`), by the moments of the case; .payload_bytes 0: nothing. */
struct fl_delivery fl_moments_delivery(const struct fl_case *c, const struct fl_case_lane *lane, bool written);

#endif
