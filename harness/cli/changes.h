/* SPDX-License-Identifier: Apache-2.0 */
/* changes.h: is this the machine that a run was begun on? Numbers from before and after a reboot, a new driver,
 * another governor or moved hardware do not belong into one run. */
#ifndef FL_CLI_CHANGES_H
#define FL_CLI_CHANGES_H
#include "machine/machine.h"
#include "record/record.h"

/* 0, or -EINVAL naming everything that differs from what the run recorded. `environment` is that of now. */
int fl_changes_check(const struct fl_run *run, const struct fl_machine *now, const json_t *environment,
		     struct fl_err *err);

#endif
