/* SPDX-License-Identifier: Apache-2.0 */
/* crew.h: cases over many hosts, from the hub's side: who does what when, and the records that come of it. */
#ifndef FL_HOSTS_CREW_H
#define FL_HOSTS_CREW_H
#include "hosts/hub.h"
#include "run/run.h"

/* Makes what fl_run_plan() runs cases with, in place of workers of its own (run.h: fl_agent.crew). A host that is
 * lost stays lost: its lanes are "host n3 was lost: ...", invalid in the case in flight (so that the status of the run
 * is never 0), not measured in all later ones; so are lanes of groups with one there. A lane that fails takes along
 * what its host runs beside it, and its group. The rest goes on, as long as one host is left. */
struct fl_crew *fl_crew_make(struct fl_hub *hub, const struct fl_plan *plan);
void fl_crew_free(struct fl_crew *crew);

#endif
