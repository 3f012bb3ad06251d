/* SPDX-License-Identifier: Apache-2.0 */
/* crew.h: cases over many hosts, from the hub's side: who does what when, and the records that come of it. */
#ifndef FL_HOSTS_CREW_H
#define FL_HOSTS_CREW_H
#include "hosts/hub.h"
#include "run/run.h"

/* Makes what fl_run_plan() runs cases with, in place of workers of its own (run.h: fl_agent.crew). A host that is
 * lost stays lost: its lanes, and those of groups with it, are "not measured: n3 was lost: ..." in this case and
 * all later ones, and the rest goes on, as long as one host is left. */
struct fl_crew *fl_crew_make(struct fl_hub *hub, const struct fl_plan *plan);
void fl_crew_free(struct fl_crew *crew);

#endif
