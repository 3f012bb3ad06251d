/* SPDX-License-Identifier: Apache-2.0 */
/* changes.h: is this the machine that a run was begun on? Numbers from before and after a reboot, a new driver,
 * another governor or moved hardware do not belong into one run. */
#ifndef FL_CLI_CHANGES_H
#define FL_CLI_CHANGES_H
#include "machine/machine.h"
#include "plan/plan.h"
#include "record/record.h"

/* What a run is held against. */
struct fl_changes_now {
	const struct fl_machine *machine;
	const json_t *environment;
	struct fl_visible visible; /* what the user's environment says of GPUs */
	unsigned host;		   /* which of plan->hosts it is; 0 where the plan is of one machine */
};

/* 0, or -EINVAL naming everything that differs from what the run and its plan recorded. Who uses a GPU, and what hides
 * it, counts where the plan has lanes on it: that decided whether they are measured. By which interface the host is
 * reached counts where a lane there reaches another host by any. Of a plan of several machines, `run` has machine and
 * environment of that host. */
int fl_changes_check(const struct fl_run *run, const struct fl_plan *plan, const struct fl_changes_now *now,
		     struct fl_err *err);

#endif
