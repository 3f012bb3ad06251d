/* SPDX-License-Identifier: Apache-2.0 */
/* run.h: the agent. Carries out plans on this machine: workers, cases, windows, records. It owns every child it
 * starts, and nothing it starts outlives it. */
#ifndef FL_RUN_RUN_H
#define FL_RUN_RUN_H
#include "catalog/catalog.h"
#include "machine/machine.h"
#include "plan/plan.h"
#include "record/record.h"
#include "record/store.h"
#include <signal.h>

/* What the user sees while it runs; called from the agent's thread. NULL members are skipped. */
struct fl_watch {
	void *arg;
	void (*case_starts)(void *arg, const struct fl_plan *plan, const struct fl_results *results,
			    const struct fl_plan_step *step);
	void (*waits)(void *arg); /* again and again while a case runs, also a hundred times a second: be quick */
	void (*moved)(void *arg, uint64_t bytes); /* of work that ends by itself: so much of it is done */
	void (*say)(void *arg, const char *line); /* "made '/home/u/.cache/feedline/read-256MiB' (256 MiB)" */
};

struct fl_retired;

/* What carries out cases in the place of this machine's own workers: many hosts (hosts/crew.h). run_case appends the
 * records of the case to `run`, as fl_case_run() does, and what was watched; errors are the crew's own: -EINTR, or
 * nothing is left that could go on. */
struct fl_agent;
struct fl_crew {
	int (*run_case)(struct fl_crew *self, struct fl_agent *agent, const struct fl_plan *plan,
			const struct fl_plan_step *at, struct fl_run *run, struct fl_err *err);
	/* All that run_case has appended so far is in the store. */
	void (*stored)(struct fl_crew *self);
};

struct fl_agent {
	const char *prefix; /* base/file.h: worker programs are in prefix/libexec/feedline */
	const struct fl_machine *machine;
	const struct fl_catalog *catalog;
	const struct fl_watch *watch; /* may be NULL */
	/* Set by the caller's SIGINT/SIGTERM handler: stop, keep what is done. May be NULL. */
	const volatile sig_atomic_t *interrupt;
	struct fl_crew *crew; /* NULL: this machine's own workers; else `machine` is the plan's first host */
	/* What is no longer as when the run began, though it goes on (--resume-anyway); every lane measured now says
	 * it. */
	const char *changed;
	/* The agent's own, NULL outside of fl_run_plan(): what the CPUs might run at when it began (witness.h). Every
	 * lane is held against it. */
	const struct fl_speeds *began;
	struct fl_telemetry *telemetry; /* the agent's own, NULL outside of fl_run_plan() */
	struct fl_retired *retired;	/* likewise: devices that are not used again */
	const char *said;		/* the agent's own, NULL at first: the file of which `say` has spoken last */
};

/* Takes the lock of this node (an abstract socket, freed by death); -EBUSY says who holds it: its pid, or that it is
 * in another container. */
int fl_run_lock(int *ret_fd, struct fl_err *err);

/* Runs what fl_plan_next() gives until it is done, recording into the store after every case; `run` has been begun (or
 * loaded, for --resume) and gets the lanes too. From here on the store waits for other writers until interrupted: what
 * the watch's `arg` and `interrupt` point to must outlive the writing. Lanes that fail are records, not errors. -EINTR:
 * interrupted. */
int fl_run_plan(struct fl_agent *agent, const struct fl_plan *plan, struct fl_run *run, struct fl_store *store,
		struct fl_err *err);

/* What a run is measured under, now (new reference), as in fl_run.environment. What is not known is null, lists may be
 * empty. Devices and firmware are the machine's; only what can change without them is here.
 *
 *   "feedline": "0.1.0", "command": ["feedline", "run", ...], "uid": 0, "variables": {by allow-list}
 *   "host", "kernel": "6.1.0-18-amd64", "build": "#1 SMP ...", "arch", "boot_id", "load": "0.10 0.20 ..."
 *   "kernel_parameters": ["iommu=pt", ...], by allow-list
 *   "frequency": [{"cpus": "0-63", "driver": "acpi-cpufreq", "governor": "performance", "min_hz", "max_hz"}]: policies
 *       that are alike are one; "boost": true|false|null
 *   "smt": "on", "numa_balancing": 0|1, "huge_pages": "always [madvise] never", "huge_pages_defrag", "clock_source"
 *   "drivers": {"nvme": {"version": "1.0", "srcversion": null}}: in use and with a version of their own
 *   "libraries": {"glibc": "2.36", ...}: of the agent, as loaded
 *   "used": {"/data/file": {"drive": "nvme-S1", "mount": {"at", "type", "source", "options"}, "reason": null}}: what
 *       the plan reads and writes, by path or drive id; reason: why no drive is known
 *
 * plan: of this machine alone; NULL where none is made yet, or where it is of several hosts, which the hub alone has:
 * then nothing is used. */
json_t *fl_run_environment(int argc, char **argv, const struct fl_machine *machine, const struct fl_catalog *catalog,
			   const struct fl_plan *plan);
/* Its "used": by the lanes of that host, whose machine it is (new reference). plan: NULL: nothing. */
json_t *fl_run_used(const struct fl_machine *machine, const struct fl_catalog *catalog, const struct fl_plan *plan,
		    unsigned host);

/* Asks a benchmark whether it could run here. 0, or the reason in *err. */
int fl_run_probe(const char *prefix, const struct fl_entry *entry, struct fl_err *err);

/* The live machine, from feedline-sense. -ETIMEDOUT after 20 s. */
int fl_run_sense(const char *prefix, struct fl_machine **ret, struct fl_err *err);

#endif
