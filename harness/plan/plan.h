/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h: which lanes run together, where, and in which order. Pure: machine + suite + catalog -> plan, and plan +
 * results -> next case. A plan is plain data, written into the run's record, so that --resume is the same call. */
#ifndef FL_PLAN_PLAN_H
#define FL_PLAN_PLAN_H
#include "base/cpus.h"
#include "catalog/catalog.h"
#include "machine/machine.h"
#include "plan/suite.h"
#include <feedline/err.h>
#include <jansson.h>

struct fl_option {
	char *name, *text; /* canonical text (base/field.h); devices by id */
};

struct fl_plan_lane {
	char *bench;
	struct fl_option
		*options; /* declared ones that have a value, then common ones that were given or `each` is of */
	size_t options_n;
	struct fl_cpus cpus; /* where its threads run */
	int node;	     /* where its memory is; -1: no NUMA information */
	unsigned worker;     /* lanes with the same number share a process (first form: each has its own) */
	bool shares_cpus;    /* more threads than CPUs on its node: they take turns */
	char *skip, *hint;   /* known before running that it cannot be measured: the reason and what to do; else NULL */
};

struct fl_plan_case {
	char *label; /* "memory.copy numa=node0 memory=node1": what tells it apart; a second one gets " #2" */
	struct fl_plan_lane *lanes;
	size_t lanes_n;
	unsigned rounds;
	uint64_t duration_ns; /* 0: until the interval is narrow, at most 2 s */
};

struct fl_plan {
	char *suite;
	bool required; /* `bench`: everything must be measured, nothing need be judged */
	char **require;
	size_t require_n; /* metric names "bench:metric" or benchmark names that must be judged */
	struct fl_plan_case *cases;
	size_t cases_n;
};

/* Settings from the command line that go over the suite's `with`: for every rule whose benchmark has that option. An
 * override that no rule can take is -EINVAL. */
struct fl_override {
	const char *name, *text;
};

/* Expands rules over the machine. Errors name file, line and column. -EINVAL: unknown benchmark or option (nearest
 * offered), `--numa 7` on one node; -ENODEV: a named device that the machine lacks. What cannot be measured here is a
 * lane with `skip`, not an error. */
int fl_plan_make(const struct fl_suite *suite, const struct fl_catalog *catalog, const struct fl_machine *machine,
		 const struct fl_override *overrides, size_t overrides_n, struct fl_plan **ret, struct fl_err *err);
void fl_plan_free(struct fl_plan *plan);

json_t *fl_plan_json(const struct fl_plan *plan);
int fl_plan_read(const json_t *doc, struct fl_plan **ret, struct fl_err *err); /* hostile input (from a store) */

/* What is to be done next. `done[i]` = the lane `lane` of case `case_no` has a record for that round. */
struct fl_plan_done {
	unsigned case_no, round, lane;
};
struct fl_plan_step {
	unsigned case_no, round; /* run all lanes of that case */
};
/* Rounds are the outer loop, so that cases alternate; a case with fewer rounds drops out early. A case of which only
 * some lanes are recorded is run again whole. true: *ret is the next; false: everything is done. */
bool fl_plan_next(const struct fl_plan *plan, const struct fl_plan_done *done, size_t done_n, struct fl_plan_step *ret);

/* Upper estimate of the time all cases still to do need. */
uint64_t fl_plan_time_ns(const struct fl_plan *plan);

const char *fl_lane_option(const struct fl_plan_lane *lane, const char *name); /* canonical text, NULL: not set */

#endif
