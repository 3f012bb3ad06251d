/* SPDX-License-Identifier: Apache-2.0 */
/* journal.h: what one host of a run keeps in a plain file of its own, for the case that the hub is lost before it has
 * stored it. Lines as those of an export (export.h), but for the head, in whatever order they come, and without ends:
 * it may stop anywhere, in the middle of a line too.
 *
 *   {"feedline_export":3,"made_by":"feedline 0.1.0","journal":{"run":"20261122T094512Z-7f3a9c","host":"n3"}}
 *   {"lane":{...}}
 *   {"watched":{...}}
 *
 * Import takes it as what it is: the run must be in the store and interrupted, and gets the lanes and series that it
 * lacks. What it has stays as it is. */
#ifndef FL_RECORD_JOURNAL_H
#define FL_RECORD_JOURNAL_H
#include "base/text.h"
#include "record/record.h"

/* The first line. Each of these is appended to *out, with its newline. */
void fl_journal_head(const char *run_id, const char *host, struct fl_text *out);
void fl_journal_lane(const struct fl_lane_record *lane, struct fl_text *out);
void fl_journal_watched(const struct fl_watched *watched, struct fl_text *out);

/* The reverse of one line without its newline, which is hostile: `line` must have a 0 behind its n bytes. What is
 * shared between the lanes of one reader (record.h) is kept in it. */
struct fl_journal_reader;
struct fl_journal_reader *fl_journal_reader_make(void);
void fl_journal_reader_free(struct fl_journal_reader *r); /* NULL allowed; lanes that it read outlive it */

struct fl_journal_line {
	bool is_lane, is_watched;   /* which of the two it is */
	struct fl_lane_record lane; /* the caller's to release */
	struct fl_watched watched;
};
/* -EINVAL: it is none of these, with "where:COLUMN: why". */
int fl_journal_read(struct fl_journal_reader *r, const char *line, size_t n, const char *where,
		    struct fl_journal_line *ret, struct fl_err *err);

#endif
