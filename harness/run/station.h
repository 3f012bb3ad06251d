/* SPDX-License-Identifier: Apache-2.0 */
/* station.h: what a machine needs to carry out cases, from the first to the last: its pool of workers, the watcher,
 * what its CPUs might run at when it began, and which devices are not used again. */
#ifndef FL_RUN_STATION_H
#define FL_RUN_STATION_H
#include "run/retired.h"
#include "run/run.h"
#include "run/witness.h"
#include "run/worker.h"

struct fl_station {
	struct fl_agent *agent;
	struct fl_pool pool;
	struct fl_speeds began;
	struct fl_retired retired;
};

/* Fills the agent's own members, which point into *ret: it must not move, and outlives all cases. watched: the watcher
 * is started. */
int fl_station_open(struct fl_agent *agent, bool watched, struct fl_station *ret, struct fl_err *err);
void fl_station_close(struct fl_station *s); /* kills all that it started */

#endif
