/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h: a plain struct as JSON, by declared rows: one row a member, from which reading, writing and freeing follow.
 * So a member of the machine is named once. Private to this room. */
#ifndef FL_MACHINE_ROWS_H
#define FL_MACHINE_ROWS_H
#include <feedline/err.h>
#include <jansson.h>
#include <stddef.h>

enum row_type {
	ROW_TEXT,	  /* char *, never NULL or empty */
	ROW_TEXT_OR_NULL, /* char * */
	ROW_KNOWN_TEXT,	  /* struct fl_known_text */
	ROW_KNOWN,	  /* struct fl_known, >= 0 */
	ROW_FLAG,	  /* bool */
	ROW_NUMBER,	  /* int, 0 .. ROWS_NUMBER_MAX */
	ROW_NODE,	  /* int, the same, or null for -1 */
	ROW_COUNT,	  /* unsigned, 0 .. ROWS_NUMBER_MAX */
	ROW_CHOICE,	  /* an enum, by the names in .names */
	ROW_CPUS,	  /* struct fl_cpus */
	ROW_OBJECT,	  /* a struct, by .rows */
	ROW_PRESENT,	  /* the same, or null where its first row, a text, is NULL */
	ROW_LIST,	  /* array of structs, by .rows; its length is at .count_at */
	ROW_NEWER_LIST,	  /* the same, and absent in older files: then it is empty */
	ROW_TEXTS,	  /* char **, no member NULL; its length is at .count_at */
	ROW_SQUARE,	  /* unsigned *, as many as the list has members that this struct is in */
};

struct row {
	const char *key; /* NULL ends the rows */
	enum row_type type;
	size_t at, count_at, size;
	const struct row *rows;
	const char *const *names; /* ended by NULL */
};

enum { ROWS_LIST_MAX = 4096, ROWS_NUMBER_MAX = 65535 };

/* Writes a struct. New reference. */
json_t *rows_write(const struct row *rows, const void *from);

/* Reads into a zeroed struct; `where` names the object in messages. On failure -EINVAL, and what was read so far is
 * there to be released. */
int rows_read(const struct row *rows, const json_t *from, const char *where, void *into, struct fl_err *err);

/* Frees all that the members own, not the struct. A zeroed struct is fine. */
void rows_release(const struct row *rows, void *from);

#endif
