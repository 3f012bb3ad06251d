/* SPDX-License-Identifier: Apache-2.0 */
/* line.h: the lines of an export, written. Equal content is equal bytes. For the files of this room. Each is appended
 * to *out, with its newline. */
#ifndef FL_RECORD_LINE_H
#define FL_RECORD_LINE_H
#include "base/text.h"
#include "record/store.h"

/* The most that a line may have, written or read. */
enum { FL_LINE_MAX = 128 << 20 };

struct fl_line_counts {
	uint64_t hosts, lanes, series, samples, watched;
};

void fl_line_head(struct fl_text *out);
void fl_line_journal(const char *id, const char *host, struct fl_text *out); /* the head of a journal */
void fl_line_run(const struct fl_run *run, struct fl_text *out);
void fl_line_host(const struct fl_run_host *host, struct fl_text *out);
void fl_line_lane(const struct fl_lane_record *lane, struct fl_text *out);
void fl_line_watched(const struct fl_watched *watched, struct fl_text *out);
void fl_line_run_end(const char *id, const struct fl_line_counts *counts, struct fl_text *out);
void fl_line_baseline(const struct fl_baseline *b, struct fl_text *out);
void fl_line_end(size_t runs, size_t baselines, struct fl_text *out);

void fl_line_count(const struct fl_lane_record *lane, struct fl_line_counts *counts);

extern const char *const fl_series_kind_names[];

#endif
