/* SPDX-License-Identifier: Apache-2.0 */
/* part.h: the part of a case that one host carries out, as the hub says it and the agent reads it.
 *
 *   {"do":"case","case":3,"round":0,"label":"...","duration_ns":0,"whole":false,"lanes":[
 *     {"number":4,"bench","options":{name: canonical text},"cpus":"0-1","node":0,"worker":4,"group":4,"rank":0,
 *      "size":2,"shares_cpus":false,"skip":null,"hint":null,"addresses":["10.1.0.1","10.1.0.2"]}]}
 *
 * number: of the lane in the whole case, as are worker and group. addresses: of the hosts of its group, by rank; [] for
 * a lane by itself. */
#ifndef FL_HOSTS_PART_H
#define FL_HOSTS_PART_H
#include "plan/plan.h"
#include "run/conductor.h"

struct fl_part {
	struct fl_plan_step at;
	struct fl_plan_case of; /* its own lanes; workers are numbered within the part */
	unsigned *numbers;	/* by lane, rising */
	json_t **addresses;	/* by lane: a list of texts */
	bool whole;		/* a lane of the whole case ends by itself */
};

/* What is said of a part: of each lane its number, in rising order. address gives that of plan->hosts[host]. */
struct fl_part_spec {
	const struct fl_plan *plan;
	struct fl_plan_step at;
	const unsigned *numbers;
	size_t n;
	bool whole;
	const char *(*address)(void *arg, unsigned host);
	void *arg;
};
json_t *fl_part_format(const struct fl_part_spec *spec); /* new reference */
/* Hostile. -EINVAL. */
int fl_part_read(const json_t *message, struct fl_part *ret, struct fl_err *err);
/* {"lane": number in the whole case, "steps": at least 1}, of "held" and "finish". -EINVAL. */
int fl_part_read_steps(const json_t *o, const char *at, struct fl_lane_steps *ret, struct fl_err *err);
void fl_part_release(struct fl_part *part); /* a zeroed one is allowed */

#endif
