/* SPDX-License-Identifier: Apache-2.0 */
/* output.h: the only way out. Data goes to stdout, in one piece and checked; everything else goes to stderr,
 * one line each. */
#ifndef FL_CLI_OUTPUT_H
#define FL_CLI_OUTPUT_H
#include "reports/reports.h"
#include <feedline/err.h>
#include <jansson.h>

/* Opens what is missing of descriptors 0 to 2, so that no file of ours becomes somebody's stdout. Call it first. */
void fl_output_init(void);

/* Writes all of it to stdout and releases it. -EIO: it could not be written. */
int fl_output_text(struct fl_text *text, struct fl_err *err);
/* The document, indented. Takes the reference. */
int fl_output_json(json_t *doc, struct fl_err *err);
/* What only close() tells, on network file systems. Nothing is written after it. */
int fl_output_close(struct fl_err *err);

/* "feedline: what", and the hint below it. */
void fl_output_error(const struct fl_err *err);
void fl_output_error_now(struct fl_err *err); /* not at the end, where one that was said is not said again */
/* "feedline: ...", one line whatever it quotes. */
void fl_output_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Text for people, of several lines as they are (without control characters); to stderr. */
void fl_output_lines(const char *text);

/* How a report on this stdout looks: its width; colours on a terminal unless NO_COLOR is set. */
struct fl_look fl_output_look(void);
/* Columns of the terminal behind fd; 0: it is no terminal that can move its cursor. */
unsigned fl_output_columns(int fd);

/* A word as a shell takes it back. malloc'd. */
char *fl_output_quote(const char *word);

#endif
