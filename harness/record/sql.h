/* SPDX-License-Identifier: Apache-2.0 */
/* sql.h: the little of SQLite that the store uses, in the words of this project. For the files of this room.
 *
 * A statement (struct fl_sql) keeps the first thing that went wrong: binding and reading columns return nothing to
 * check; fl_sql_step() tells of a failed binding, fl_sql_check() of a column that held nonsense. */
#ifndef FL_RECORD_SQL_H
#define FL_RECORD_SQL_H
#include "record/shared.h"
#include "record/store.h"
#include <feedline/err.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that one text or one series may hold; more is -EFBIG. */
enum { FL_SQL_VALUE_MAX = 256 << 20 };

struct fl_store {
	sqlite3 *db;
	char *path;
	bool write;
	int64_t schema; /* of the file: one that is only read may be older than FL_STORE_SCHEMA */
	bool patient;
	struct fl_patience patience; /* where patient */
};

/* An error of SQLite as an errno with one line that names the store. Returns it. */
int fl_sql_fail(const struct fl_store *s, int sqlite_rc, struct fl_err *err);
/* -EUCLEAN: what the file says cannot be. */
int fl_sql_damaged(const struct fl_store *s, struct fl_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Statements without results, separated by ';'. */
int fl_sql_run(struct fl_store *s, const char *sql, struct fl_err *err);
/* The first column of the first row as an integer. */
int fl_sql_number(struct fl_store *s, const char *sql, int64_t *ret, struct fl_err *err);

/* A transaction: begin, work, end. end commits where rc == 0 and undoes the work otherwise; it returns rc or what
 * commit said. Begin for writing waits for other writers (-EBUSY after 5 s, unless it is patient). */
int fl_sql_begin(struct fl_store *s, struct fl_err *err);
int fl_sql_begin_reading(struct fl_store *s, struct fl_err *err);
int fl_sql_end(struct fl_store *s, int rc, struct fl_err *err);

struct fl_sql {
	struct fl_store *store;
	sqlite3_stmt *stmt;
	int next;		/* parameter or column that the next call takes, from 0 */
	int sqlite_rc;		/* of the first failed binding */
	const char *bad_column; /* name of the first column that held nonsense */
};

int fl_sql_open(struct fl_store *s, const char *sql, struct fl_sql *ret, struct fl_err *err);
void fl_sql_close(struct fl_sql *q); /* a zeroed one is allowed */

/* Bind parameters in their order. Texts and blobs are copied or must live until the step, as said. */
void fl_sql_put_int(struct fl_sql *q, int64_t value);
void fl_sql_put_text(struct fl_sql *q, const char *text_or_null);    /* copied */
void fl_sql_put_json(struct fl_sql *q, const json_t *value);	     /* copied */
void fl_sql_put_blob(struct fl_sql *q, const void *bytes, size_t n); /* must live until the step */

/* 1: a row, its columns are read in order; 0: done, parameters can be bound again; else negative errno. */
int fl_sql_step(struct fl_sql *q, struct fl_err *err);
/* Runs it once, for statements without rows. */
int fl_sql_once(struct fl_sql *q, struct fl_err *err);

/* Read columns in their order. Nonsense (another type, out of range, too long) gives 0, "", NULL and spoils the row. */
int64_t fl_sql_get_int(struct fl_sql *q, int64_t min, int64_t max);
bool fl_sql_get_null(struct fl_sql *q);				/* skips the column if it is null */
void fl_sql_get_text(struct fl_sql *q, char *ret, size_t room); /* must fit */
const char *fl_sql_get_word(struct fl_sql *q);			/* borrowed until the next step; not null */
char *fl_sql_get_dup(struct fl_sql *q);				/* malloc'd; null gives NULL */
/* Of that type, or JSON null; new reference. shared: where its text may have come before; NULL: it has not. */
json_t *fl_sql_get_json(struct fl_sql *q, json_type type, struct fl_shared *shared);
const void *fl_sql_get_blob(struct fl_sql *q, size_t *ret_n); /* borrowed until the next step */
void fl_sql_spoil(struct fl_sql *q);			      /* the column just read means nothing */
/* Did the row make sense so far? Else -EUCLEAN, naming the column. */
int fl_sql_check(struct fl_sql *q, struct fl_err *err);

#endif
