/* SPDX-License-Identifier: Apache-2.0 */
/* reports.h: a run and its judgement as bytes, one renderer a format. Pure: a report made twice is byte-identical. */
#ifndef FL_REPORTS_REPORTS_H
#define FL_REPORTS_REPORTS_H
#include "base/text.h"
#include "judge/change.h"
#include "judge/judge.h"
#include "record/record.h"

struct fl_look {
	bool colour;	/* ANSI colours (text only) */
	unsigned width; /* columns (text only) */
};

struct fl_renderer {
	const char *name, *suffix, *summary; /* "text"; of its files: "txt"; one line, lower case, no full stop */
	void (*run)(const struct fl_run *run, const struct fl_judgement *j, const struct fl_look *look,
		    struct fl_text *out);
	void (*change)(const struct fl_comparison *c, const struct fl_look *look, struct fl_text *out);
};

/* Ended by a zeroed row. FL_FORMATS: their names in that order, the range of an option. */
extern const struct fl_renderer fl_renderers[];
#define FL_FORMATS "text|json|markdown"
const struct fl_renderer *fl_renderer_find(const char *name); /* NULL: none */

/* What people call the lanes of a judged run, one each, as reports do: for fl_evidence_make(). Freed with
 * fl_report_free_names(). */
char **fl_report_names(const struct fl_judgement *j);
void fl_report_free_names(char **names, size_t n);

/* "n1-n8, n11": names of hosts, all of them or those that are marked, in their order; of many the first ranges and how
 * many more there are. Clean, malloc'd. (hosts.c) */
char *fl_report_names_list(char *const *names, const bool *in, size_t n);

/* "2026-11-22T09:45:12Z", always UTC, so that it means the same on every machine. Returns buf. */
enum { FL_TIME_TEXT = 32 };
const char *fl_report_time(char buf[FL_TIME_TEXT], int64_t started_ns);

/* ---- lines.c: text in lines
 * Appends text broken at blanks, though not between a number and what it counts ("2.40 ms", "14 %"), so that lines
 * end before `width`; the first begins at column `at`, the others are indented by `indent`. Words longer than a line
 * stay whole. Adds the final newline. */
void fl_report_wrap(struct fl_text *out, const char *text, size_t at, size_t indent, size_t width);

/* ---- files.c: what a report or a plan for people says of the files in it, whose paths may be longer than a line */
struct fl_files {
	const char **paths; /* borrowed, each once */
	size_t n;
};
void fl_files_add(struct fl_files *files, const char *path);
/* What stands for a path: its last part, or all of it where that is short or another file has the same last part. */
const char *fl_files_name(const struct fl_files *files, const char *path);
/* A copy of a label ("storage.read path=/a/b depth=4") with names in place of paths; malloc'd. */
char *fl_files_shorten(const struct fl_files *files, const char *text);
/* A section that says which paths the names stand for, whole lines to be copied; nothing where none does. */
void fl_files_list(const struct fl_files *files, struct fl_text *out);
void fl_files_release(struct fl_files *files);

/* A machine for people (`feedline topo`). */
struct fl_machine;
void fl_report_machine(const struct fl_machine *m, const struct fl_look *look, struct fl_text *out);

#endif
