/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h: which lanes run together, where, and in which order. Pure: machine + suite + catalog -> plan, and plan +
 * results -> next case. A plan is plain data, written into the run's record, so that --resume is the same call. */
#ifndef FL_PLAN_PLAN_H
#define FL_PLAN_PLAN_H
#include "base/cpus.h"
#include "catalog/catalog.h"
#include "catalog/demand.h"
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
	unsigned worker; /* lanes with the same number share a process; it is that of the first of them in the case */
	unsigned host;	 /* where it runs: plan->hosts[host]; 0 in a plan of one machine */
	/* Lanes with the same number are a group (feedline/bench.h: roles): it is that of the first of them in the
	 * case. A lane by itself has its own number, rank 0, size 1. */
	unsigned group, rank, size;
	bool shares_cpus;  /* more threads than CPUs on its node: they take turns */
	char *skip, *hint; /* known before running that it cannot be measured: the reason and what to do; else NULL */
};

struct fl_plan_case {
	char *label; /* "memory.copy numa=node0 memory=node1": what tells it apart; a second one gets " #2" */
	struct fl_plan_lane *lanes;
	size_t lanes_n;
	unsigned rounds; /* at most; all of them, unless its study ends it early */
	/* Before which its study does not end it: a finished run may have from there on. 0: it may turn out not to be
	 * needed at all. */
	unsigned rounds_least;
	unsigned pass_rounds; /* calibration: rounds of a pass, one pass after the other; else 0 */
	/* How the hosts of its groups meet: "pairs", "bisection between racks"; NULL: none, or one host. */
	char *across;
	uint64_t duration_ns; /* 0: until the interval is narrow, at most 2 s */
};

/* Cases judged together, each next one chosen from the results so far. Every case belongs to exactly one study; the
 * studies hold the cases of the plan in their order. suite.h says what each kind does. */
struct fl_study {
	enum fl_study_kind kind;
	char *label;	  /* "storage.read pattern=random": what is common to its cases */
	unsigned first;	  /* its cases: plan->cases[first .. first + cases_n) */
	unsigned cases_n; /* solo: lane by lane alone, last all together; beside: alone, beside; ab: a, b */
	char *option;	  /* sweep, ab: which one its cases differ in; starvation, ladder: "rung"; else NULL */
	/* Of that option, canonical text, one a case; NULL without an option. Of "rung": "loop", "open", "control",
	 * of a ladder its other rungs by name, then "slowed-0" .. "slowed-9" as far as there are such cases. */
	char **values;
	bool range; /* sweep: of values that double, measured upward as long as it pays */
};

struct fl_plan {
	char *suite;
	bool required; /* `bench`: everything must be measured, nothing need be judged */
	char **require;
	size_t require_n; /* metric names "bench:metric" or benchmark names that must be judged */
	char **primary;
	size_t primary_n; /* likewise: those whose change decides */
	struct fl_plan_case *cases;
	size_t cases_n;
	struct fl_study *studies;
	size_t studies_n;
	/* The names of the machines that it is of, by which people call them; host 0 is the one that the user is
	 * at. One machine alone has no name: then hosts_n is 0. */
	char **hosts;
	size_t hosts_n;
	char *visible_gpus, *gpu_order; /* of struct fl_visible, by which some GPUs may be hidden; NULL: not set */
};

/* What the user's environment says of GPUs. Workers find theirs by bus address or UUID and are not told it: what it
 * hides, the plan leaves out. */
struct fl_visible {
	const char *devices; /* CUDA_VISIBLE_DEVICES; NULL: not set */
	const char *order;   /* CUDA_DEVICE_ORDER; NULL: not set */
};

/* Settings from the command line that go over the suite's `with`: for every rule whose benchmark has that option and
 * does not sweep it. An override that no rule can take is -EINVAL. */
struct fl_override {
	const char *name, *text;
};
struct fl_plan_settings {
	const struct fl_override *overrides;
	size_t overrides_n;
	const struct fl_demands *demands; /* what `demand` can be; NULL: nothing */
	struct fl_visible visible;
	unsigned passes; /* > 0: every rule becomes a calibration of so many passes at most, each of its rounds */
};

/* Expands rules over the machine. Errors name file, line and column. -EINVAL: unknown benchmark or option (nearest
 * offered), `--numa 7` on one node; -ENODEV: a named device that the machine lacks. What cannot be measured here is a
 * lane with `skip`, not an error. settings: NULL for none. */
int fl_plan_make(const struct fl_suite *suite, const struct fl_catalog *catalog, const struct fl_machine *machine,
		 const struct fl_plan_settings *settings, struct fl_plan **ret, struct fl_err *err);
/* The same over several machines, which all do it at the same time. Rules of benchmarks without roles are made for
 * each machine as above; what stands at the same place of the same rule is one case, with the lanes of all. Rules
 * of benchmarks with roles are made once: who is grouped with whom is what `across` of the rule says (suite.h,
 * schedule.h). n >= 1; names differ, and all must outlive the call only. */
struct fl_plan_host {
	const char *name;
	const struct fl_machine *machine;
	const char *interface; /* by which it reaches the others: where a lane with `numa` of "interface" sits; NULL */
	const char *rack;      /* what hosts with much between them have in common; NULL: not said */
	struct fl_visible visible; /* what its user's environment hides; goes over that of the settings */
};
int fl_plan_make_hosts(const struct fl_suite *suite, const struct fl_catalog *catalog, const struct fl_plan_host *hosts,
		       size_t n, const struct fl_plan_settings *settings, struct fl_plan **ret, struct fl_err *err);
void fl_plan_free(struct fl_plan *plan);

enum { FL_PLAN_SCHEMA = 3 };
json_t *fl_plan_json(const struct fl_plan *plan);
/* Hostile input (from a store). Schema 1 had no studies: all its cases are one of plain rounds. Schema 2 had no groups
 * and no hosts: each lane is by itself, on the one machine. */
int fl_plan_read(const json_t *doc, struct fl_plan **ret, struct fl_err *err);
/* "repeat", "sweep", "solo", "beside", "ab", "calibration", "starvation", "ladder" */
const char *fl_study_name(enum fl_study_kind kind);

/* ---- results so far: what was done, and what came of it */

/* The lane `lane` of case `case_no` has a record of that round. value: the median of the metric that speaks for it
 * (catalog.h) in that round; NaN: it has none. */
struct fl_plan_result {
	unsigned case_no, round, lane;
	double value;
	enum fl_better better;
};
struct fl_results;
struct fl_results *fl_results_make(const struct fl_plan *plan); /* none yet; plan must outlive it */
/* A second result of the same case, round and lane replaces the first; else their order does not matter. One that the
 * plan has no place for changes nothing. */
void fl_results_add(struct fl_results *results, const struct fl_plan_result *result);
void fl_results_free(struct fl_results *results);

/* ---- what is to be done next */
struct fl_plan_step {
	unsigned case_no, round;  /* run all lanes of that case */
	enum fl_study_kind study; /* which kind it belongs to */
};
/* Rounds are the outer loop, so that cases alternate, studies the next one, and within its round a study says which
 * case comes first and whether it is needed. A case of which only some lanes are recorded is run again whole. A pure
 * function: the same plan with the same results gives the same answer, so that --resume asks it again. true: *ret is
 * the next; false: everything is done. */
bool fl_plan_next(const struct fl_plan *plan, const struct fl_results *results, struct fl_plan_step *ret);

/* How far it is. steps_most and time_ns are upper bounds: a study may end early. */
struct fl_plan_left {
	uint64_t steps_done, steps_most; /* of all, those done included */
	uint64_t time_ns;		 /* that those not done yet need */
};
struct fl_plan_left fl_plan_left(const struct fl_plan *plan, const struct fl_results *results);

/* Upper bounds of the time that all cases need, and one round of one of them. */
uint64_t fl_plan_time_ns(const struct fl_plan *plan);
uint64_t fl_plan_step_ns(const struct fl_plan *plan, unsigned case_no);

const char *fl_lane_option(const struct fl_plan_lane *lane, const char *name); /* canonical text, NULL: not set */
/* The ids of the GPUs that the lane's options name, each once. ret has room for FL_LANE_GPUS_MAX. */
enum { FL_LANE_GPUS_MAX = 16 };
size_t fl_lane_gpus(const struct fl_plan_lane *lane, const struct fl_entry *entry, const char **ret);
const struct fl_gpu *fl_gpu_of(const struct fl_machine *m, const char *id); /* NULL: the machine has none */
enum fl_seen { FL_HIDDEN, FL_SEEN_PERHAPS, FL_SEEN };
enum fl_seen fl_gpu_seen(const struct fl_machine *m, const struct fl_gpu *gpu, const struct fl_visible *visible);
/* "2 other processes use gpu-0000:41:00.0"; malloc'd. NULL: none is known of. */
char *fl_gpu_users(const struct fl_gpu *gpu);
bool fl_lane_has_flow(const struct fl_plan_lane *lane, const struct fl_entry *entry, const struct fl_flow *flow);

#endif
