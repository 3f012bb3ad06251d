/* SPDX-License-Identifier: Apache-2.0 */
/* dry_run_parts.h: what the files that print a plan share. */
#ifndef FL_CLI_DRY_RUN_PARTS_H
#define FL_CLI_DRY_RUN_PARTS_H
#include "plan/plan.h"
#include "reports/reports.h"

/* What the lines of a plan are written with. */
struct fl_page {
	const struct fl_plan *plan;
	const struct fl_catalog *catalog;
	struct fl_files files;
	size_t width;
	struct fl_text *out;
};

/* Takes the text. Its lines after the first stand two columns further in. */
void fl_page_add_lines(const struct fl_page *p, size_t indent, struct fl_text *text);
/* Appends the benchmark and its options. before: a lane whose options need not be said again; NULL: all are said. */
void fl_page_add_options(const struct fl_page *p, const struct fl_plan_lane *lane, const struct fl_plan_lane *before,
			 struct fl_text *out);
/* Appends where it sits, or why it is not measured. */
void fl_page_add_placement(const struct fl_plan_lane *lane, struct fl_text *out);

/* ---- several hosts (dry_run_hosts.c) */
/* Do the lanes of the case make measurements together? */
bool fl_case_is_across(const struct fl_plan_case *c);
/* The lanes of a case: what is alike is said once, with how many hosts it is on. */
void fl_page_add_hosts(const struct fl_page *p, const struct fl_plan_case *c);
/* Is it the same between other hosts? */
bool fl_case_is_likewise(const struct fl_plan_case *c, const struct fl_plan_case *other);

#endif
