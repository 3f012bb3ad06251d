/* SPDX-License-Identifier: Apache-2.0 */
/* environment.h: the parts of a run's environment (run.h), each a new reference. Private to this room. */
#ifndef FL_RUN_ENVIRONMENT_H
#define FL_RUN_ENVIRONMENT_H
#include "run/run.h"

/* settings.c: into `environment`, below `root` (kernel.h). */
void fl_environment_settings(int root, json_t *environment);

/* versions.c */
json_t *fl_environment_drivers(int root, const struct fl_machine *machine);
json_t *fl_environment_libraries(void);

#endif
