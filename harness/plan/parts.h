/* SPDX-License-Identifier: Apache-2.0 */
/* parts.h: what the files of this room share with each other and with nobody else. */
#ifndef FL_PLAN_PARTS_H
#define FL_PLAN_PARTS_H
#include "plan/plan.h"
#include "record/record.h" /* FL_CASES_MAX and the other bounds of a plan */

/* Where an error is: "quick.yaml:3:5: " goes before the cause. line 0 (a rule from the command line): no prefix. */
struct fl_spot {
	const char *source;
	unsigned line, column;
};
int fl_fail_at(struct fl_spot spot, struct fl_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- a suite file to rules (suite.c, words.c) */
struct fl_doc;
struct fl_parser {
	const char *source;
	struct fl_err *err; /* never NULL */
};
/* inside: the word whose rules these are; NULL: those of the suite. */
int fl_rules_read(const struct fl_parser *p, const struct fl_doc *doc, const char *inside, struct fl_rule **ret,
		  size_t *ret_n);
int fl_word_read(const struct fl_parser *p, const struct fl_doc *item, const char *inside, struct fl_rule *rule);

/* ---- rules to lanes (expand.c) */
struct fl_expansion {
	const struct fl_suite *suite;
	const struct fl_catalog *catalog;
	const struct fl_machine *machine;	 /* that of `host` */
	const struct fl_plan_settings *settings; /* never NULL */
	const struct fl_demand *demand;		 /* what `demand: all` is at the moment; NULL: no rule of that kind */
	const struct fl_plan_host *host;	 /* the one of `hosts` that lanes are made for */
	const struct fl_plan_host *hosts;	 /* all of them; where there is but one, it may have no name */
	size_t hosts_n;
	bool by_number; /* hosts call their NICs differently: those with the same number among their own meet */
};
/* The user's text for an option of a rule, and where it stands: on the command line, else in `with`; NULL: not given.
 * Of overrides the last one counts. */
const char *fl_given_text(const struct fl_expansion *x, const struct fl_rule *rule, const char *name,
			  struct fl_spot *spot);

/* Lanes that are measured together: one; of a benchmark with `lanes` as many as its option says, in their order; of one
 * with `roles` those of a round of its rule, group by group, each by rank. */
struct fl_lane_group {
	const struct fl_entry *entry;
	struct fl_plan_lane *lanes;
	size_t n;
	char *label; /* what tells it from others: "memory.copy numa=node0 size=1MiB" */
	char *stem;  /* the same without the swept option, or without those that are at once */
	/* Which of its rule's combinations it is, in the same words on every host: devices by name, of those that are
	 * every one of their kind, NICs with RDMA by number where hosts call them differently; a swept value by its
	 * number. */
	char *choice;
};
struct fl_lane_list {
	struct fl_lane_group *groups;
	size_t n, lanes_n; /* lanes of all groups */
};
/* Appends the groups of one `bench` rule, one for every combination of its devices; those that differ only in the
 * swept option follow each other. Of a benchmark with `roles` they are of all hosts, else of one. */
int fl_expand_rule(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
		   struct fl_err *err);
/* The same of one host, of each combination one lane, or as many as `lanes` says. */
int fl_expand_on_host(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
		      struct fl_err *err);
/* Those of several rules, which share a case. */
int fl_expand_rules(const struct fl_expansion *x, const struct fl_rule *rules, size_t n, struct fl_lane_list *list,
		    struct fl_err *err);
void fl_lane_list_release(struct fl_lane_list *list);
/* The lanes of a group, or of all groups, which then have none; the caller's. */
struct fl_plan_lane *fl_lane_group_take(struct fl_lane_group *group, size_t *ret_n);
struct fl_plan_lane *fl_lane_list_take(struct fl_lane_list *list, size_t *ret_n);
/* Appends a copy. */
void fl_lane_list_add(struct fl_lane_list *list, const struct fl_lane_group *group);
/* "LABEL", of one among several "LABEL accelerator=1"; malloc'd. */
char *fl_lane_label(const struct fl_lane_group *group, size_t lane);
/* "A + B + C", or "A + B + 12 more"; malloc'd. */
char *fl_list_label(const struct fl_lane_list *list);
/* Drop contents, not the struct. */
void fl_plan_release(struct fl_plan *plan);
void fl_plan_lane_release(struct fl_plan_lane *lane);
/* Copies that own their texts. */
struct fl_plan_lane fl_plan_lane_copy(const struct fl_plan_lane *lane);
struct fl_plan_lane *fl_plan_lanes_copy(const struct fl_plan_lane *lanes, size_t n);
/* Sets an option, or adds it. */
void fl_plan_lane_set(struct fl_plan_lane *lane, const char *name, const char *text);

/* ---- one of several hosts (make.c) */
struct fl_expansion fl_expansion_on(const struct fl_expansion *x, size_t host);
/* rc; where the rule failed on a host and would not fail in the same words on all, *err names the host, too. */
int fl_on_host(const struct fl_expansion *x, const struct fl_rule *rule, int rc, struct fl_err *err);

/* ---- benchmarks with roles (across.c) */
const struct fl_entry *fl_entry_with_roles(const struct fl_expansion *x, const struct fl_rule *rule); /* NULL: none */
/* Do the words of a rule go with a benchmark that has roles, or with one that has none? inside: the rule shares its
 * case with others. */
/* "pairs", "bisection between racks"; malloc'd. */
char *fl_across_name(const struct fl_rule_across *across);
int fl_across_check(const struct fl_expansion *x, const struct fl_rule *rule, bool inside, struct fl_err *err);
/* Appends the rounds of the rule's schedule, or on one host its one group; each for every combination of options. */
int fl_across_expand(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_entry *entry,
		     struct fl_lane_list *list, struct fl_err *err);

/* ---- who meets whom (beside.c): each group of lanes of a rule, and the load beside it
 * Calls `meet` for each of them: with all of the load, or by the rule's pairs with one group of it. once: two groups
 * that would meet the other way round, too, do so once. Where no pair stands in the relation they meet without a
 * device, and are not measured. */
typedef int fl_meet_fn(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_lane_group *group,
		       const struct fl_lane_list *load, struct fl_plan *plan, struct fl_err *err);
int fl_meet_each(const struct fl_expansion *x, const struct fl_rule *rule, bool once, fl_meet_fn *meet,
		 struct fl_plan *plan, struct fl_err *err);

/* ---- rules to cases (make.c) */
/* Appends a case of these lanes, which it takes over also when it fails. The rounds are those of the rule. */
int fl_plan_add_case(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan_lane *lanes, size_t n,
		     const char *label, struct fl_plan *plan, struct fl_err *err);
/* Where each of these lanes would sit if they ran together, malloc'd; none where they cannot be measured. */
struct fl_cpus *fl_places_together(const struct fl_expansion *x, const struct fl_plan_lane *lanes, size_t n);
/* Appends a case of copies of n lanes: what they do without others. cpus: where each sits among those; none: it has no
 * place there (they cannot be measured), and gets one of its own. The case is called "LABEL alone". */
int fl_plan_add_alone(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_plan_lane *lanes,
		      size_t n, const struct fl_cpus *cpus, const char *label, struct fl_plan *plan,
		      struct fl_err *err);
/* Makes calibrations of the studies from `first` on, which the rule has made. */
int fl_plan_calibrate(const struct fl_expansion *x, const struct fl_rule *rule, unsigned passes, size_t first,
		      struct fl_plan *plan, struct fl_err *err);

/* ---- several hosts (join.c)
 * Appends to the plan what each host makes of the rule: parts[h], by x->hosts, each of this rule alone. They lose
 * their lanes. */
int fl_plan_join(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *parts, struct fl_plan *plan,
		 struct fl_err *err);
/* Is it a case of lanes that could not be measured at once with others (study_repeat.c)? */
bool fl_is_left_out(const struct fl_plan_case *c);

/* ---- studies: one row a kind, each in study_<kind>.c */
struct fl_study_row {
	const char *name;
	/* Appends the studies of a rule with their cases. */
	int (*make)(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan, struct fl_err *err);
	/* When its i-th case has its turn within a round, from 0 on. NULL: cases in their order. */
	unsigned (*turn)(const struct fl_study *s, unsigned i, unsigned round);
	/* Is that round of its i-th case needed, all rounds of it before being done? NULL: all are. */
	bool (*wants)(const struct fl_plan *plan, const struct fl_study *s, unsigned i, unsigned round,
		      const struct fl_results *results);
};
extern const struct fl_study_row fl_study_repeat, fl_study_sweep, fl_study_solo, fl_study_beside, fl_study_ab,
	fl_study_calibration, fl_study_starvation, fl_study_ladder;
const struct fl_study_row *fl_study_row(enum fl_study_kind kind);
bool fl_study_wants(const struct fl_plan *plan, const struct fl_study *s, unsigned i, unsigned round,
		    const struct fl_results *results);
/* Turns of a study that compares: forward in even rounds, backward in odd ones, so that drift cancels out. */
unsigned fl_study_turn_about(const struct fl_study *s, unsigned i, unsigned round);
/* Appends a study of `cases_n` cases that are still to be appended to the plan. Valid until the next one. */
struct fl_study *fl_plan_add_study(struct fl_plan *plan, enum fl_study_kind kind, const char *label);
/* `make` of the kinds whose cases differ in a swept option. */
int fl_study_make_values(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan,
			 struct fl_err *err);

/* ---- closed loops: study_starvation.c, study_ladder.c. Cases are told apart by their value of the study's option
 * FL_RUNG, which no benchmark has: "loop", "open", "control", rungs by their names, "slowed-0" .. "slowed-9". */
#define FL_RUNG "rung"
/* Hooks of both kinds. */
int fl_starvation_make(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *plan,
		       struct fl_err *err);
unsigned fl_starvation_turn(const struct fl_study *s, unsigned i, unsigned round);
bool fl_starvation_wants(const struct fl_plan *plan, const struct fl_study *s, unsigned i, unsigned round,
			 const struct fl_results *results);
/* Appends a case of the last study: these lanes, which it takes. value: what the case is. */
int fl_starvation_add(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_lane_group *group,
		      struct fl_plan_lane *lanes, size_t n, const char *value, struct fl_plan *plan,
		      struct fl_err *err);
/* Appends the rungs of the group's ladder. cpus: where its first lane sits among the others. */
int fl_ladder_add(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_lane_group *group,
		  const struct fl_cpus *cpus, struct fl_plan *plan, struct fl_err *err);
/* The rung whose source the lane has; NULL: none. */
const struct fl_rung *fl_ladder_rung(const struct fl_entry *entry, const struct fl_plan_lane *lane);

/* The longest that a case without a duration measures. */
#define FL_PLAN_UNTIL_NS UINT64_C(2000000000)

/* ---- results so far (results.c) */
/* How many rounds of the case are done without a gap from the first on. */
unsigned fl_results_rounds(const struct fl_results *results, unsigned case_no);
/* What a lane did in a round, turned so that more is better; NaN: it has no result, or nothing that could be better. */
double fl_results_gain(const struct fl_results *results, unsigned case_no, unsigned round, unsigned lane);
/* Its values in the first `rounds` rounds; NaN: none. */
void fl_results_values(const struct fl_results *results, unsigned case_no, unsigned lane, unsigned rounds, double *ret);

/* ---- options of a rule (options.c) */
/* One option of a rule: its canonical texts, of which every combination with those of the other options is a lane. */
struct fl_choice {
	const struct fl_field *field;
	char **texts;
	size_t n;
	const char *written; /* as the user wrote it (borrowed), where he did; NULL of a sweep */
	char **shown;	     /* of a sweep: as the user wrote them, or would; else NULL */
	bool common;	     /* an option that every benchmark has */
	bool tells;	     /* belongs into the label */
	bool swept;	     /* its values are those of the rule's `sweep` */
	bool each;	     /* they are all devices of a kind */
	bool at_once;	     /* its devices are lanes of one case */
};
struct fl_choices {
	struct fl_choice *items;
	size_t n;
	char *missing; /* "this machine has no gpu": no lane can be measured; else NULL */
	/* Of the options of `pairs`: which of their combinations stand in the relation, pair[i * second->n + k]; NULL:
	 * there are none. */
	const struct fl_choice *first, *second;
	bool *pair;
};
int fl_choices_make(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_entry *entry,
		    struct fl_choices *ret, struct fl_err *err);
/* Canonical text of a plain value; errors name the spot. */
int fl_canon_at(const struct fl_field *field, const char *text, struct fl_spot spot, char **ret, struct fl_err *err);
/* Says which option it is that the benchmark needs. -EINVAL. */
int fl_refuse_missing(const struct fl_entry *entry, const struct fl_field *field, struct fl_spot spot,
		      struct fl_err *err);
void fl_choices_release(struct fl_choices *choices);
void fl_choice_clear(struct fl_choice *c); /* it has no value any more */
/* The values of the option where the rule sweeps it, `swept` then (sweep.c); else nothing. */
int fl_choose_sweep(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_choice *c, struct fl_err *err);
const char *const *fl_relation_names(size_t *ret_n); /* by enum fl_relation */
/* Which pairs there are (pairs.c). Where there is none, both options lose their values and all->missing says why. */
void fl_choose_pairs(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_entry *entry,
		     struct fl_choices *all);
/* Which of the devices of one option stand in the relation to which of another: ret[i * b->n + k], malloc'd; NULL: none
 * does. useless: which devices of the first one's kind, as the machine lists them, are not counted in halves; NULL: all
 * are. */
struct fl_pair_side {
	const struct fl_field *field;
	const char *const *ids;
	size_t n;
};
bool *fl_pairs_that_stand(const struct fl_machine *m, enum fl_relation relation, const struct fl_pair_side *a,
			  const struct fl_pair_side *b, const bool *useless);
char *fl_no_pair(const struct fl_rule *rule); /* "this machine has no remote pair of numa and memory"; malloc'd */
/* Is it `local`, the node of the lane's CPUs, which is known when the lane has its place? */
bool fl_is_local(const struct fl_field *field, const char *text);

/* ---- demand (demand.c): an option that stands for step_bytes and step_time */
#define FL_DEMAND "demand"
/* What the rule asks for. *ret NULL: nothing, or (*ret_all) every profile in turn, which no expansion but one with
 * x->demand can take. -EINVAL: unknown, or said beside step_bytes or step_time. */
int fl_demand_of_rule(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_entry *entry,
		      const struct fl_demand **ret, bool *ret_all, struct fl_err *err);
/* Does the demand say what the option of that name is? Then with this text, as a user would write it; malloc'd. */
bool fl_is_demanded(const struct fl_demand *demand, const char *option);
char *fl_demand_text(const struct fl_demand *demand, const char *option);

/* ---- batches (batch.c) */
/* Of a benchmark that moves step_bytes in reads of a block: a block that nobody gave is at most a batch. -EINVAL: not
 * multiples of 4 KiB, or a block that was given and is larger. Other lanes are left alone. */
int fl_batch_settle(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_entry *entry,
		    struct fl_plan_lane *lane, struct fl_err *err);

/* ---- placement (place.c) */
/* The CPUs of a node that we may use, and all of them; node -1: of the machine. */
struct fl_cpus fl_place_allowed(const struct fl_machine *m, int node);
struct fl_cpus fl_place_all(const struct fl_machine *m, int node);
/* The node a lane sits on: its option `numa`, else as the benchmark declares. -1: the machine has no nodes. */
int fl_place_node(const struct fl_expansion *x, const struct fl_entry *entry, const struct fl_plan_lane *lane);
/* Gives every lane of the case that can be measured its CPUs: as many as it has threads where there are so many. Each
 * is placed among those of its own host. */
void fl_place_case(const struct fl_expansion *x, struct fl_plan_case *c);
/* A lane alone on the CPUs that it has. */
void fl_place_alone(const struct fl_catalog *catalog, struct fl_plan_lane *lane);

/* ---- processes (workers.c) */
/* Numbers the workers of the case's lanes: those of one host that can be measured and meet on a GPU share one, but for
 * lanes of groups, which wait for each other. */
void fl_plan_share_workers(const struct fl_catalog *catalog, struct fl_plan_case *c);

/* ---- GPUs (gpus.c, visible.c) */
bool fl_gpu_is_divided(const struct fl_gpu *gpu); /* into parts that are GPUs of their own: it cannot be used whole */
/* Such a one by what a user types: id, bus address or UUID; NULL: it is none. */
const struct fl_gpu *fl_gpu_divided(const struct fl_machine *m, const char *text);
/* Can CUDA know it? No other maker's, and of NVIDIA's none that its driver leaves out where it lists any: a container
 * or a job that was given some sees the others on PCI all the same. */
bool fl_gpu_is_of_cuda(const struct fl_machine *m, const struct fl_gpu *gpu);

/* ---- groups (groups.c): what their numbers say of each other, in a plan that may say anything. hosts_n: 0 or more. */
int fl_groups_check(const struct fl_plan_case *c, size_t hosts_n, const char *at, struct fl_err *err);

/* ---- known before running (skip.c, skip_gpu.c) */
/* Sets skip and hint of a lane that cannot be measured here. */
void fl_skip_lane(const struct fl_expansion *x, const struct fl_entry *entry, struct fl_plan_lane *lane);
/* The same of its GPUs' state. true: it cannot be measured. */
bool fl_skip_gpu(const struct fl_expansion *x, const struct fl_entry *entry, struct fl_plan_lane *lane);
/* Does a byte flow from what this option names, as the lane's other options are? */
bool fl_lane_reads(const struct fl_entry *entry, const struct fl_plan_lane *lane, const struct fl_field *field);
/* Where one lane of the case cannot be measured, the others cannot either: the load they were to meet is missing. */
void fl_skip_beside(struct fl_plan_case *c);
/* The same within each group: groups of a round do without each other. */
void fl_skip_groups(const struct fl_expansion *x, struct fl_plan_case *c);

#endif
