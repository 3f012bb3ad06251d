/* SPDX-License-Identifier: Apache-2.0 */
/* measure.h: from a suite to a verdict: what `bench`, `run` and `run --resume` have in common. */
#ifndef FL_CLI_MEASURE_H
#define FL_CLI_MEASURE_H
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/hosts.h"
#include "run/run.h"

struct fl_measure {
	const struct fl_home *home;
	const struct fl_call *call; /* recorded */
	struct fl_hosts *hosts;	    /* begun; NULL: this machine alone */
	const char *store;	    /* path */
	bool json;		    /* the document instead of the text */
	bool dry_run;		    /* print the plan; nothing is locked, stored or measured */
	bool save_reports;	    /* also into the directory of the store's reports */
	unsigned passes;	    /* > 0: calibrate, in so many passes at most (plan.h) */
	const char *baseline;	    /* what the finished run is called in the store; NULL: nothing */
	bool replace;		    /* a baseline of that name is given up for it */
	const char *changed;	    /* what is no longer as when the run began, though it goes on; NULL: nothing */
	/* Work that ends by itself (`whole` in feedline/bench.h), where it is more than a measurement. */
	uint64_t bytes;	   /* how much there is to do, for who waits; 0: not known */
	const char *again; /* the command that goes on with it when it was interrupted; NULL: run --resume */
	/* Prints what came of it and returns the exit status, in the place of the report and the run's own; a negative
	 * errno: with *err. NULL: the report. */
	int (*present)(void *arg, const struct fl_run *run, struct fl_err *err);
	void *arg;
};

/* Plans, measures, judges, prints. Returns the run's exit status; -EINTR, with the way to go on as hint, when it was
 * interrupted; else the error of what failed first. */
int fl_measure_suite(const struct fl_measure *m, const struct fl_suite *suite, const struct fl_override *overrides,
		     size_t overrides_n, struct fl_err *err);

/* Goes on with a run of the store, and returns as above. A finished one is only printed. anyway: even on a machine that
 * changed. */
int fl_measure_resume(const struct fl_measure *m, const char *id, bool anyway, struct fl_err *err);

/* Calls a finished run what m->baseline says, if it says something. */
int fl_measure_name(const struct fl_measure *m, const struct fl_run *run, struct fl_store *store, struct fl_err *err);

/* What the user's environment says of GPUs. */
struct fl_visible fl_measure_visible(void);

/* A machine as a record keeps it (new reference). It is handed on: what others run there is none of its business but
 * that it is there. */
json_t *fl_measure_machine(const struct fl_machine *machine);

/* The part they share: under the lock of this node and in the store, what the plan still lacks, then the judgement. A
 * resumed run is one of the store, which this process takes over there; any other is begun there. */
int fl_measure_carry_out(const struct fl_measure *m, const struct fl_plan *plan, const struct fl_machine *machine,
			 struct fl_run *run, bool resumed, struct fl_err *err);

#endif
