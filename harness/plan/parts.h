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

/* ---- rules to cases (expand.c) */
struct fl_expansion {
	const struct fl_suite *suite;
	const struct fl_catalog *catalog;
	const struct fl_machine *machine;
	const struct fl_override *overrides;
	size_t overrides_n;
};

/* The lanes of one `bench` rule, one for every combination of its devices. Appends to *lanes, and to *labels for each
 * lane what tells it from others ("memory.copy numa=node0"); both arrays are the caller's. */
struct fl_lane_list {
	struct fl_plan_lane *lanes;
	char **labels;
	size_t n;
};
int fl_expand_rule(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_lane_list *list,
		   struct fl_err *err);
void fl_lane_list_release(struct fl_lane_list *list);
/* Drops contents, not the struct. */
void fl_plan_lane_release(struct fl_plan_lane *lane);

/* ---- options of a rule (options.c) */
/* One option of a rule: its canonical texts, of which every combination with those of the other options is a lane. */
struct fl_choice {
	const struct fl_field *field;
	char **texts;
	size_t n;
	const char *written; /* as the user wrote it (borrowed), where he did */
	bool common;	     /* an option that every benchmark has */
	bool tells;	     /* belongs into the label */
};
struct fl_choices {
	struct fl_choice *items;
	size_t n;
	char *missing; /* "this machine has no gpu": no lane can be measured; else NULL */
};
int fl_choices_make(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_entry *entry,
		    struct fl_choices *ret, struct fl_err *err);
void fl_choices_release(struct fl_choices *choices);
/* Is it `local`, the node of the lane's CPUs, which is known when the lane has its place? */
bool fl_is_local(const struct fl_field *field, const char *text);

/* ---- placement (place.c) */
/* The CPUs of a node that we may use, and all of them; node -1: of the machine. */
struct fl_cpus fl_place_allowed(const struct fl_machine *m, int node);
struct fl_cpus fl_place_all(const struct fl_machine *m, int node);
/* The node a lane sits on: its option `numa`, else as the benchmark declares. -1: the machine has no nodes. */
int fl_place_node(const struct fl_machine *m, const struct fl_entry *entry, const struct fl_plan_lane *lane);
/* Gives every lane of the case that can be measured its CPUs: as many as it has threads where there are so many. */
void fl_place_case(const struct fl_machine *m, const struct fl_catalog *catalog, struct fl_plan_case *c);

/* ---- known before running (skip.c) */
/* Sets skip and hint of a lane that cannot be measured here. */
void fl_skip_lane(const struct fl_machine *m, const struct fl_entry *entry, struct fl_plan_lane *lane);
/* Where one lane of the case cannot be measured, the others cannot either: the load they were to meet is missing. */
void fl_skip_beside(struct fl_plan_case *c);

#endif
