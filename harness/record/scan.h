/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h: a JSON text, read from left to right without making a tree of it: for lists of millions of numbers. The text
 * is hostile. For the files of this room.
 *
 * A scan keeps the first thing that was wrong, and what comes after it gives nothing: look at `bad` at the end. */
#ifndef FL_RECORD_SCAN_H
#define FL_RECORD_SCAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_scan {
	const char *from, *at, *end; /* *end is 0 */
	bool fresh;		     /* just behind the bracket that opens: no comma is due */
	const char *bad;	     /* "a number is expected"; NULL: nothing was wrong */
};

struct fl_scan fl_scan_start(const char *bytes, size_t n); /* bytes[n] must be 0 */
/* Something is wrong where the scan stands now. */
void fl_scan_fail(struct fl_scan *s, const char *bad);
/* From 1, of where the scan stands or stopped. */
size_t fl_scan_column(const struct fl_scan *s);
/* Is there nothing more? */
void fl_scan_finish(struct fl_scan *s);

/* Into an object '{' or a list '['. Then key or item again and again, each followed by reading its value; they give
 * false at the bracket that closes, which they pass, or when something is wrong. */
void fl_scan_enter(struct fl_scan *s, char bracket);
bool fl_scan_key(struct fl_scan *s, char *ret, size_t room); /* plain ASCII without escapes, else it is unknown */
bool fl_scan_item(struct fl_scan *s);

/* Values. */
double fl_scan_number(struct fl_scan *s); /* the nearest double, as strtod() gives it; too large is wrong */
uint64_t fl_scan_count(struct fl_scan *s, uint64_t max); /* a whole number */
/* A text into room bytes, plain as a key. */
void fl_scan_word(struct fl_scan *s, char *ret, size_t room);
/* Any value, as its text; what is inside is not looked at, but for brackets and quotes. Nesting <= 64. */
const char *fl_scan_slice(struct fl_scan *s, size_t *ret_n);
/* Does a value begin with this? '"', '[', 'n' for null ... Reads nothing. */
bool fl_scan_is(struct fl_scan *s, char first);

#endif
