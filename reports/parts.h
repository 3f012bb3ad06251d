/* SPDX-License-Identifier: Apache-2.0 */
/* parts.h: what the renderers of runs share with each other and with nobody else. */
#ifndef FL_REPORTS_PARTS_H
#define FL_REPORTS_PARTS_H
#include "reports/reports.h"

/* "2026-11-22T09:45:12Z", always UTC. */
enum { FL_TIME_TEXT = 32 };
const char *fl_report_time(char buf[FL_TIME_TEXT], int64_t started_ns);

/* ---- words.c: what tells one lane from the others */
struct fl_words;
struct fl_words *fl_words_make(const struct fl_judgement *j);
void fl_words_free(struct fl_words *w);
/* "storage.read block=4KiB pattern=random": the benchmark, and what the user gave for the only lane of it, else the
 * options in which its lanes differ; and what runs beside it. Long paths by name. Clean. malloc'd. */
char *fl_words_name(const struct fl_words *w, const struct fl_lane_verdict *v);
/* The files that the lanes are of. */
const struct fl_files *fl_words_files(const struct fl_words *w);

/* ---- lines.c: text in lines */
/* A copy without control characters: records may hold what a worker wrote. malloc'd; NULL gives "". */
char *fl_report_clean(const char *text);
const char *fl_report_colour(const struct fl_look *look, enum fl_verdict verdict);
const char *fl_report_plain(const struct fl_look *look);
size_t fl_report_width(const struct fl_look *look);

/* ---- table.c: one line a lane */
/* The metric that speaks for a lane: its rate in bytes, else the first that has a value; NULL: it has none. */
const struct fl_metric_summary *fl_report_speaker(const struct fl_lane_verdict *v);
void fl_report_table(const struct fl_judgement *j, const struct fl_words *w, const struct fl_look *look,
		     struct fl_text *out);

/* ---- the renderers */
void fl_report_text(const struct fl_run *run, const struct fl_judgement *j, const struct fl_look *look,
		    struct fl_text *out);
void fl_report_json(const struct fl_run *run, const struct fl_judgement *j, const struct fl_look *look,
		    struct fl_text *out);

#endif
