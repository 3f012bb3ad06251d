/* SPDX-License-Identifier: Apache-2.0 */
/* dry_run.h: a plan before it is run: cases, lanes, placement, and the time it needs at most. */
#ifndef FL_CLI_DRY_RUN_H
#define FL_CLI_DRY_RUN_H
#include "plan/plan.h"

/* In lines of that width; long paths by name, and what they are at the end. */
void fl_dry_run_text(const struct fl_plan *plan, const struct fl_catalog *catalog, size_t width, struct fl_text *out);
/* {"schema", "time_ns", "plan"}, exact; new reference. */
json_t *fl_dry_run_json(const struct fl_plan *plan);

#endif
