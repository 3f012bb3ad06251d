/* SPDX-License-Identifier: Apache-2.0 */
/* parts.h: what the renderers share with each other and with nobody else. */
#ifndef FL_REPORTS_PARTS_H
#define FL_REPORTS_PARTS_H
#include "reports/reports.h"

/* ---- words.c: what tells one lane from the others */
struct fl_words;
struct fl_matrices;
struct fl_words *fl_words_make(const struct fl_judgement *j);
void fl_words_free(struct fl_words *w);
/* "storage.read block=4KiB pattern=random": the benchmark, and what the user gave for the only lane of it, else the
 * options in which its lanes differ; and what runs beside it. Long paths by name. Clean. malloc'd. */
char *fl_words_name(const struct fl_words *w, const struct fl_lane_verdict *v);
/* Is it what a study holds the same lane beside others against? */
bool fl_words_is_alone(const struct fl_words *w, const struct fl_lane_verdict *v);
/* The name of a lane without these two options: what a matrix over them is of. Clean, malloc'd. */
char *fl_words_matrix(const struct fl_words *w, const struct fl_lane_verdict *v, const char *row, const char *column);
/* Are both of one case on one host? */
bool fl_report_same_case(const struct fl_lane_verdict *a, const struct fl_lane_verdict *b);
/* The name without the host: what is the same on all. Clean, malloc'd. */
char *fl_words_common(const struct fl_words *w, const struct fl_lane_verdict *v);
/* The files that the lanes are of. */
const struct fl_files *fl_words_files(const struct fl_words *w);

/* ---- lines.c: text in lines */
/* A copy without control characters: records may hold what a worker wrote. malloc'd; NULL gives "". */
char *fl_report_clean(const char *text);
const char *fl_report_colour(const struct fl_look *look, enum fl_verdict verdict);
const char *fl_report_plain(const struct fl_look *look);
size_t fl_report_width(const struct fl_look *look);

/* ---- machine_gpus.c: GPUs of a machine, and the switches above devices. Texts are owned, and clean but remarks. */
struct fl_gpu;
/* What a user may type for it: its place among the GPUs that can be used. "": it cannot. */
char *fl_report_gpu_number(const struct fl_machine *m, const struct fl_gpu *gpu);
char *fl_report_gpu_model(const struct fl_gpu *gpu); /* or its PCI ids */
/* "18 NVLinks to switches, 478 GB/s, exclusive process" */
char *fl_report_gpu_state(const struct fl_machine *m, const struct fl_gpu *gpu);
/* What is wrong with it: the i-th of FL_GPU_REMARKS that may be; NULL: not that. As it stands in the machine. */
enum { FL_GPU_REMARKS = 5 };
char *fl_report_gpu_remark(const struct fl_machine *m, const struct fl_gpu *gpu, size_t i);
/* Switches with more than one device below them, in lines. */
void fl_report_switches(const struct fl_machine *m, const struct fl_look *look, struct fl_text *out);

/* ---- alike.c: lanes of one benchmark that mean the same for the same reason share one remark; of lanes that were not
 * measured, those of all benchmarks; of many lanes (matrix.c), those whose reasons differ only in figures and in the
 * names of their devices.
 * For every lane how many there are: at the first of them; 0 at the others. malloc'd. *ret_first: of every lane the
 * first that it is alike, malloc'd; NULL: not wanted. */
size_t *fl_report_alike(const struct fl_judgement *j, const struct fl_matrices *matrices, size_t **ret_first);
/* The benchmarks of the lanes that are like this one: "gpu.h2d, gpu.d2h". Clean, malloc'd. */
char *fl_report_subject(const struct fl_judgement *j, const struct fl_lane_verdict *v);
/* Nothing was measured, of several lanes, and all for one reason: that; else NULL. */
const struct fl_lane_verdict *fl_report_only_reason(const struct fl_judgement *j);

/* ---- table.c: cells in columns, of whatever they are. Where a line is too long the first column gives way; the last
 * one has the colour of the row's verdict. */
enum { FL_COLUMNS_MAX = 17 };
struct fl_column {
	const char *head;
	bool right; /* its cells are numbers */
};
struct fl_row {
	char *cells[FL_COLUMNS_MAX]; /* clean, owned */
	enum fl_verdict verdict;
};
struct fl_table {
	const struct fl_column *columns;
	struct fl_column *owned; /* what `columns` is, heads and all, where it is the table's; else NULL */
	size_t columns_n;
	struct fl_row *rows;
	size_t rows_n;
};
/* Takes the cells. */
void fl_table_add(struct fl_table *t, struct fl_row row);
/* No row has anything in this column: it is left out. */
bool fl_table_is_empty(const struct fl_table *t, size_t column);
/* As aligned lines. */
void fl_table_text(const struct fl_table *t, const struct fl_look *look, struct fl_text *out);
/* pipes.c: in Markdown; the first cells are code. */
void fl_table_markdown(const struct fl_table *t, struct fl_text *out);
void fl_table_release(struct fl_table *t);

/* ---- escape.c: text of any origin in Markdown, where it shows as it is and means nothing else. Clean text in. */
void fl_markdown_text(struct fl_text *out, const char *text);
/* The same where the text begins a line. */
void fl_markdown_line(struct fl_text *out, const char *text);
/* As code, in a line. */
void fl_markdown_code(struct fl_text *out, const char *text);
/* As code in lines of its own, each indented by that many columns. */
void fl_markdown_block(struct fl_text *out, const char *text, size_t indent);

/* ---- remarks.c: what is said about lanes, as sentences in parts. All texts are clean and owned. */
struct fl_advice {
	char *words;   /* "again"; NULL: none */
	char *command; /* "feedline bench null.nop", to be copied whole; NULL: none */
};
struct fl_remark {
	char *kind;    /* "fail", "not trustworthy"; NULL: none */
	char *subject; /* "storage.read block=4KiB" */
	char *aside;   /* " (2 lanes), required by the suite"; NULL: none */
	char *text;    /* "400 MB/s is 76.3 % of the 524 MB/s to expect of source pace (computed)" */
	struct fl_advice *advice;
	size_t advice_n;
};
struct fl_section {
	const char *title;
	char *of;	       /* what it goes on with; NULL: nothing. Clean, owned */
	struct fl_table table; /* before the remarks; no rows: none. Owned */
	size_t indent;	       /* of the further lines of a remark, in text */
	struct fl_remark *remarks;
	size_t remarks_n;
};
/* The metrics that the table has no room for. */
struct fl_section fl_section_further(const struct fl_judgement *j, const struct fl_words *w);
/* Why lanes mean what they mean, what befell them, and why they are not to be trusted (distrust.c). */
void fl_add_distrust(struct fl_section *s, const struct fl_judgement *j, const struct fl_words *w);
struct fl_section fl_section_why(const struct fl_run *run, const struct fl_judgement *j, const struct fl_words *w,
				 const struct fl_matrices *matrices);
/* Takes the texts but for the title. */
struct fl_remark *fl_section_add(struct fl_section *s, struct fl_remark remark);
/* Takes the texts. */
void fl_remark_advise(struct fl_remark *r, char *words, char *command);
void fl_section_release(struct fl_section *s);

/* ---- findings.c: what was seen on the paths of lanes, and the odd ones out */
void fl_add_findings(struct fl_section *s, const struct fl_judgement *j, const struct fl_words *w);
/* " on n1-n8", of an object with their names; NULL: the run is on one machine. malloc'd. */
char *fl_report_on_hosts(const struct fl_judgement *j, const json_t *names);

/* ---- rdma_ports.c: by which ports lanes went that used RDMA */
struct fl_section fl_section_rdma_ports(const struct fl_judgement *j);

/* ---- matrix.c: many lanes over two devices, as tables */
struct fl_matrix;
struct fl_matrices {
	struct fl_matrix **items; /* owned */
	size_t n;
	const struct fl_lane_verdict *lanes; /* of the judgement */
	bool *many, *shown;		     /* of each of them: see below; owned */
};
struct fl_matrices fl_report_matrices(const struct fl_judgement *j, const struct fl_words *w);
void fl_report_matrices_release(struct fl_matrices *all);
/* A matrix shows it, and there is no more to say of it. */
bool fl_report_in_matrix(const struct fl_matrices *all, const struct fl_lane_verdict *v);
/* It need not be said: it is beside a measurement, and well. */
bool fl_report_is_quiet(const struct fl_lane_verdict *v);
/* It is unjudged, and there are so many lanes of its benchmark that reasons which differ only in figures and in the
 * names of their devices are said once. */
bool fl_report_is_one_of_many(const struct fl_matrices *all, const struct fl_lane_verdict *v);
struct fl_section fl_section_matrix(const struct fl_matrices *all, size_t i, const struct fl_words *w);

/* ---- hosts.c: of a run on several hosts
 * "n1-n8, n11": all of them, or those of the numbers that are marked. Clean, malloc'd. */
char *fl_report_host_list(const struct fl_judgement *j, const bool *in);
/* "net.stream, 28 pairs": what all of them measured. Clean, malloc'd. */
char *fl_report_across_name(const struct fl_words *w, const struct fl_between *a);
/* In the place of lanes: one row for what all hosts have. */
struct fl_table fl_report_hosts(const struct fl_judgement *j, const struct fl_words *w);
/* Of few hosts each of them, some at a time; false: there is no such part. */
bool fl_section_by_host(const struct fl_judgement *j, const struct fl_words *w, size_t part, struct fl_section *ret);
/* Of few hosts what the i-th of j->across measured between each two; false: it did not. */
bool fl_section_between(const struct fl_judgement *j, const struct fl_words *w, size_t i, struct fl_section *ret);
struct fl_section fl_section_hosts(const struct fl_judgement *j); /* what is wrong with one as a whole */
struct fl_section fl_section_further_of_hosts(const struct fl_judgement *j, const struct fl_words *w);

/* ---- tails.c: of what they measured as distributions the worst tails, and where; for programs: of one of j->across, a
 * list, empty where there is none. */
struct fl_section fl_section_tails(const struct fl_judgement *j, const struct fl_words *w);
json_t *fl_tails_json(const struct fl_judgement *j, const struct fl_between *a);

/* ---- studies.c: what studies found; for programs: a list, whose "lane" and "base_lane" are places in "lanes" */
struct fl_section fl_section_studies(const struct fl_judgement *j, const struct fl_words *w);
json_t *fl_studies_json(const struct fl_judgement *j);

/* ---- beside.c: what devices did beside the cases, and what telemetry cost; for programs: members "beside" and
 * "telemetry" of the report. Nothing where nothing was watched. */
struct fl_section fl_section_beside(const struct fl_run *run);
void fl_beside_json(const struct fl_run *run, json_t *o);
/* beside_hosts.c: of more hosts than have room for each of their devices: of each metric the hosts with the least and
 * the most of it. */
struct fl_section fl_section_beside_hosts(const struct fl_run *run, const struct fl_judgement *j);
struct fl_beside; /* watched.h */
void fl_add_watching_cost(struct fl_section *s, const struct fl_run *run, const struct fl_beside *b);

/* ---- starved.c: the accelerators of closed loops, and the ladders of their paths */
struct fl_section fl_section_feed(const struct fl_judgement *j, const struct fl_words *w);
struct fl_section fl_section_ladder(const struct fl_judgement *j);
/* starved_json.c: members of a lane, and of a study, for programs; nothing where there is nothing to say. */
void fl_feed_lane_json(const struct fl_lane_verdict *v, json_t *lane);
void fl_feed_study_json(const struct fl_study_result *s, json_t *study);

/* ---- hosts_json.c: members of a lane that ran on one of several hosts, or in a group; and of the report of such a
 * run. Nothing elsewhere. */
void fl_host_lane_json(const struct fl_lane_verdict *v, json_t *lane);
void fl_hosts_json(const struct fl_run *run, const struct fl_judgement *j, json_t *o);

/* ---- lanes.c: one row a lane */
/* The metric that speaks for a lane: its rate in bytes, else the first that has a value; NULL: it has none. */
const struct fl_metric_summary *fl_report_speaker(const struct fl_lane_verdict *v);
/* Without those that a matrix shows; those that were not measured for one reason are one row. */
struct fl_table fl_report_lanes(const struct fl_judgement *j, const struct fl_words *w,
				const struct fl_matrices *matrices);

/* ---- content.c: all that a report for people says, whatever it is about; the formats only lay it out. Clean and
 * owned. */
struct fl_content {
	enum fl_verdict verdict;
	char *headline; /* the one thing to know: "starved: 1 of 2 accelerators ..."; NULL: there is none */
	char *counts;	/* "5 lanes measured, 0 failed, 5 unjudged" */
	char *subject;	/* "quick on host, 2026-11-22T09:45:12Z, run 20261122T094512Z-7f3a9c" */
	struct fl_table table;
	struct fl_section *sections;
	size_t sections_n;
	const struct fl_files *files; /* borrowed; NULL: none */
	char *legend;		      /* how to read it */
};
/* Takes it; one without a table and remarks is left out. */
void fl_content_add(struct fl_content *c, struct fl_section section);
void fl_content_text(const struct fl_content *c, const struct fl_look *look, struct fl_text *out); /* text.c */
void fl_content_markdown(const struct fl_content *c, struct fl_text *out);			   /* markdown.c */
void fl_content_release(struct fl_content *c);
/* about_run.c, about_change.c: what is said of a run, and of what moved between two. */
struct fl_content fl_content_of_run(const struct fl_run *run, const struct fl_judgement *j, const struct fl_words *w);
struct fl_content fl_content_of_change(const struct fl_comparison *c);

/* ---- the renderers */
void fl_report_json(const struct fl_run *run, const struct fl_judgement *j, const struct fl_look *look,
		    struct fl_text *out);
json_t *fl_machine_json_short(const json_t *machine);  /* enough to know which one it was */
json_t *fl_peer_json(const struct fl_peer_command *p); /* null where it has no command */
void fl_change_json(const struct fl_comparison *c, const struct fl_look *look, struct fl_text *out);

#endif
