/* SPDX-License-Identifier: Apache-2.0 */
/* sql.c: errors, transactions and statements. */
#include "record/sql.h"
#include "base/alloc.h"
#include "base/json.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors */

#define DAMAGED_HINT "keep the file for inspection and choose another one with --store FILE"

/* SQLite names a full disk in several ways: its own code for ENOSPC, an I/O error for quotas and size limits. It
 * forgets (3.40) to keep the errno of a failed commit: then the thread's own is still that of the write. */
static int code_of(const struct fl_store *s, int sqlite_rc)
{
	int left = errno, kept = sqlite3_system_errno(s->db);
	int system = kept ? kept : left;

	switch (sqlite_rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* our statements are right, so the schema beneath them is not */
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_TOOBIG:
		return -EFBIG;
	case SQLITE_CONSTRAINT:
		return -EINVAL;
	case SQLITE_IOERR:
		return system == ENOSPC || system == EDQUOT || system == EFBIG ? -ENOSPC : -EIO;
	case SQLITE_CANTOPEN:
		return system == EACCES || system == EROFS || system == ENOSPC || system == EMFILE ? -system : -EINVAL;
	default:
		return -ENOTRECOVERABLE;
	}
}

int fl_sql_fail(const struct fl_store *s, int sqlite_rc, struct fl_err *err)
{
	int code = code_of(s, sqlite_rc);

	switch (code) {
	case -EBUSY:
		fl_fail(err, code, "store '%s' is locked by another process", s->path);
		return fl_hint(err, "wait until the other feedline command has ended");
	case -EUCLEAN:
		fl_fail(err, code, "store '%s' is damaged or no feedline store: %s", s->path, sqlite3_errmsg(s->db));
		return fl_hint(err, DAMAGED_HINT);
	case -ENOSPC:
		fl_fail(err, code, "store '%s': the disk is full", s->path);
		return fl_hint(err, "what was stored before is safe; make room on that disk");
	case -EROFS:
		fl_fail(err, code, "store '%s' cannot be written", s->path);
		return fl_hint(err, "choose another one with --store FILE");
	default:
		return fl_fail(err, code, "store '%s': %s", s->path, sqlite3_errmsg(s->db));
	}
}

int fl_sql_damaged(const struct fl_store *s, struct fl_err *err, const char *fmt, ...)
{
	char what[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	fl_fail(err, -EUCLEAN, "store '%s' is damaged: %s", s->path, what);
	return fl_hint(err, DAMAGED_HINT);
}

/* ---- statements without rows, transactions */

int fl_sql_run(struct fl_store *s, const char *sql, struct fl_err *err)
{
	int sqlite_rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return sqlite_rc == SQLITE_OK ? 0 : fl_sql_fail(s, sqlite_rc, err);
}

int fl_sql_number(struct fl_store *s, const char *sql, int64_t *ret, struct fl_err *err)
{
	struct fl_sql q;
	int64_t number = 0;
	int rc = fl_sql_open(s, sql, &q, err);

	if (rc)
		return rc;
	rc = fl_sql_step(&q, err);
	if (rc == 0)
		rc = fl_sql_damaged(s, err, "'%s' says nothing", sql);
	if (rc == 1) {
		number = fl_sql_get_int(&q, INT64_MIN, INT64_MAX);
		rc = fl_sql_check(&q, err);
	}
	fl_sql_close(&q);
	if (rc == 0)
		*ret = number;
	return rc;
}

int fl_sql_begin(struct fl_store *s, struct fl_err *err)
{
	if (s->write)
		return fl_sql_run(s, "BEGIN IMMEDIATE", err);
	return fl_fail(err, -EROFS, "store '%s' was opened for reading only", s->path);
}

int fl_sql_begin_reading(struct fl_store *s, struct fl_err *err)
{
	return fl_sql_run(s, "BEGIN", err);
}

int fl_sql_end(struct fl_store *s, int rc, struct fl_err *err)
{
	if (rc == 0)
		rc = fl_sql_run(s, "COMMIT", err);
	if (rc && !sqlite3_get_autocommit(s->db)) /* some errors undo the transaction by themselves */
		fl_sql_run(s, "ROLLBACK", NULL);
	return rc;
}

/* ---- statements */

int fl_sql_open(struct fl_store *s, const char *sql, struct fl_sql *ret, struct fl_err *err)
{
	sqlite3_stmt *stmt;
	int sqlite_rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);

	if (sqlite_rc != SQLITE_OK)
		return fl_sql_fail(s, sqlite_rc, err);
	*ret = (struct fl_sql){ .store = s, .stmt = stmt };
	return 0;
}

void fl_sql_close(struct fl_sql *q)
{
	sqlite3_finalize(q->stmt);
	*q = (struct fl_sql){ 0 };
}

static void bound(struct fl_sql *q, int sqlite_rc)
{
	if (q->sqlite_rc == SQLITE_OK)
		q->sqlite_rc = sqlite_rc;
}

void fl_sql_put_int(struct fl_sql *q, int64_t value)
{
	bound(q, sqlite3_bind_int64(q->stmt, ++q->next, value));
}

static void put_bytes(struct fl_sql *q, const char *text, size_t n)
{
	bound(q, n > FL_SQL_VALUE_MAX ? SQLITE_TOOBIG
				      : sqlite3_bind_text(q->stmt, ++q->next, text, (int)n, SQLITE_TRANSIENT));
}

static bool is_utf8(const char *text)
{
	const char *c = text;
	json_t *probe;

	while (*c && (unsigned char)*c < 0x80) /* mostly all of it is ASCII */
		c++;
	if (!*c)
		return true;
	probe = json_string(text);
	json_decref(probe);
	return probe;
}

/* What a worker or driver said may be in any encoding, but a reader takes nothing but UTF-8. */
void fl_sql_put_text(struct fl_sql *q, const char *text_or_null)
{
	char *ascii;

	if (!text_or_null || is_utf8(text_or_null)) {
		put_bytes(q, text_or_null, text_or_null ? strlen(text_or_null) : 0);
		return;
	}
	ascii = fl_dup(text_or_null);
	for (char *c = ascii; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	put_bytes(q, ascii, strlen(ascii));
	free(ascii);
}

void fl_sql_put_json(struct fl_sql *q, const json_t *value)
{
	struct fl_text text = { 0 };

	fl_json_write(value, 0, &text);
	put_bytes(q, fl_text_str(&text), text.n);
	fl_text_release(&text);
}

void fl_sql_put_blob(struct fl_sql *q, const void *bytes, size_t n)
{
	bound(q, n > FL_SQL_VALUE_MAX ? SQLITE_TOOBIG
				      : sqlite3_bind_blob(q->stmt, ++q->next, bytes, (int)n, SQLITE_STATIC));
}

int fl_sql_step(struct fl_sql *q, struct fl_err *err)
{
	int sqlite_rc = q->sqlite_rc;

	q->next = 0;
	if (sqlite_rc == SQLITE_TOOBIG)
		return fl_fail(err, -EFBIG, "store '%s': a value is larger than %d MiB", q->store->path,
			       FL_SQL_VALUE_MAX >> 20);
	if (sqlite_rc == SQLITE_OK)
		sqlite_rc = sqlite3_step(q->stmt);
	if (sqlite_rc == SQLITE_ROW)
		return 1;
	if (sqlite_rc != SQLITE_DONE)
		return fl_sql_fail(q->store, sqlite_rc, err);
	sqlite3_reset(q->stmt);
	return 0;
}

int fl_sql_once(struct fl_sql *q, struct fl_err *err)
{
	int rc = fl_sql_step(q, err);

	return rc > 0 ? fl_fail(err, -ENOTRECOVERABLE, "store '%s': a row where none can be", q->store->path) : rc;
}

/* ---- columns */

void fl_sql_spoil(struct fl_sql *q)
{
	if (!q->bad_column)
		q->bad_column = sqlite3_column_name(q->stmt, q->next - 1);
	if (!q->bad_column) /* out of memory */
		q->bad_column = "a column";
}

int fl_sql_check(struct fl_sql *q, struct fl_err *err)
{
	return q->bad_column ? fl_sql_damaged(q->store, err, "'%s' of a row makes no sense", q->bad_column) : 0;
}

int64_t fl_sql_get_int(struct fl_sql *q, int64_t min, int64_t max)
{
	int column = q->next++;
	int64_t value = sqlite3_column_int64(q->stmt, column);

	if (sqlite3_column_type(q->stmt, column) == SQLITE_INTEGER && value >= min && value <= max)
		return value;
	fl_sql_spoil(q);
	return 0;
}

bool fl_sql_get_null(struct fl_sql *q)
{
	bool null = sqlite3_column_type(q->stmt, q->next) == SQLITE_NULL;

	q->next += null;
	return null;
}

const char *fl_sql_get_word(struct fl_sql *q)
{
	int column = q->next++;
	const char *text = NULL;

	if (sqlite3_column_type(q->stmt, column) == SQLITE_TEXT)
		text = (const char *)sqlite3_column_text(q->stmt, column);
	if (text && strlen(text) == (size_t)sqlite3_column_bytes(q->stmt, column) && is_utf8(text))
		return text;
	fl_sql_spoil(q);
	return "";
}

void fl_sql_get_text(struct fl_sql *q, char *ret, size_t room)
{
	if (!fl_copy(ret, room, fl_sql_get_word(q)))
		fl_sql_spoil(q);
}

char *fl_sql_get_dup(struct fl_sql *q)
{
	return fl_sql_get_null(q) ? NULL : fl_dup(fl_sql_get_word(q));
}

json_t *fl_sql_get_json(struct fl_sql *q, json_type type, struct fl_shared *shared)
{
	const char *text = fl_sql_get_word(q);
	json_t *value = fl_shared_json(shared, text, strlen(text), type);

	if (value)
		return value;
	fl_sql_spoil(q);
	return json_null();
}

const void *fl_sql_get_blob(struct fl_sql *q, size_t *ret_n)
{
	int column = q->next++;

	if (sqlite3_column_type(q->stmt, column) != SQLITE_BLOB) {
		fl_sql_spoil(q);
		*ret_n = 0;
		return NULL;
	}
	*ret_n = (size_t)sqlite3_column_bytes(q->stmt, column);
	return sqlite3_column_blob(q->stmt, column); /* NULL when empty */
}
