/* SPDX-License-Identifier: Apache-2.0 */
/* store.c: opening and closing. A file is first looked at and only then touched, so that one which is not ours,
 * damaged or newer stays as it is. Its content is hostile: schema SQL may not call functions, and the tables must be
 * exactly ours. */
#include "record/store.h"
#include "base/alloc.h"
#include "base/text.h"
#include "record/place.h"
#include "record/schema.h"
#include "record/sql.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_MS = 20, SAY_MS = 1000, BUSY_MS = 5000 };

/* ---- waiting for other writers */

static bool goes_on_waiting(const struct fl_store *s, int waited_ms)
{
	const struct fl_patience *p = &s->patience;

	if (s->patient && waited_ms == SAY_MS && p->say)
		p->say(p->arg, "the store is locked by another process; waiting");
	return waited_ms < BUSY_MS || (s->patient && !(p->interrupt && *p->interrupt));
}

/* SQLite's busy handler; looks: how often it was called before for the same lock. */
static int wait_a_little(void *arg, int looks)
{
	const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };

	if (!goes_on_waiting(arg, looks < BUSY_MS ? looks * LOOK_MS : BUSY_MS))
		return 0;
	nanosleep(&look, NULL); /* a signal ends it */
	return 1;
}

void fl_store_be_patient(struct fl_store *s, const struct fl_patience *patience)
{
	s->patience = *patience;
	s->patient = true;
}

/* ---- opening */

/* SQLite gives some names a meaning (":memory:", "", "file:..."): as a URI of a path none is left. */
static char *uri_of(const char *path, enum fl_place place)
{
	static const char plain[] = "/._-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct fl_text uri = { 0 };

	fl_text_add(&uri, path[0] == '/' ? "file:" : "file:./");
	for (const char *c = path; *c; c++)
		fl_text_add(&uri, strchr(plain, *c) ? "%c" : "%%%02X", (unsigned char)*c);
	if (place == FL_PLACE_SEALED)
		fl_text_add(&uri, "?immutable=1"); /* else SQLite wants to make the shared memory file */
	return uri.bytes;
}

static int configure(struct fl_store *s, struct fl_err *err)
{
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_handler(s->db, wait_a_little, s);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, FL_SQL_VALUE_MAX);
	sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
	return fl_sql_run(s,
			  "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
			  "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0",
			  err);
}

static int connect_to(struct fl_store *s, const char *uri, int flags, struct fl_err *err)
{
	int sqlite_rc = sqlite3_open_v2(uri, &s->db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);

	return sqlite_rc == SQLITE_OK ? configure(s, err) : fl_sql_fail(s, sqlite_rc, err);
}

/* An empty file that is only read is as good as an empty store, but it cannot be given tables. */
static int stand_in(struct fl_store *s, struct fl_err *err)
{
	int rc;

	sqlite3_close(s->db);
	rc = connect_to(s, "file::memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
	return rc ? rc : fl_schema_migrate(s, err);
}

static int use_log(struct fl_store *s, struct fl_err *err)
{
	struct fl_sql q;
	int rc = fl_sql_open(s, "PRAGMA journal_mode=WAL", &q, err);

	if (rc)
		return rc;
	rc = fl_sql_step(&q, err);
	if (rc >= 0 && (rc == 0 || strcmp(fl_sql_get_word(&q), "wal") != 0)) {
		fl_fail(err, -EINVAL, "store '%s': the file system has no shared memory files", s->path);
		rc = fl_hint(err, "choose a path on a local disk: --store FILE");
	}
	fl_sql_close(&q);
	return rc < 0 ? rc : 0;
}

/* At one moment: another process may be about to migrate it. */
static int look_at(struct fl_store *s, struct fl_err *err)
{
	int rc = fl_sql_begin_reading(s, err);

	if (rc)
		return rc;
	rc = fl_schema_version(s, &s->schema, err);
	if (rc == 0 && s->schema > 0)
		rc = fl_schema_verify(s, s->schema, err);
	return fl_sql_end(s, rc, err);
}

static int prepare_writing(struct fl_store *s, struct fl_err *err)
{
	int rc;

	if (sqlite3_db_readonly(s->db, "main"))
		return fl_sql_fail(s, SQLITE_READONLY, err);
	rc = use_log(s, err);
	return rc == 0 && s->schema < FL_STORE_SCHEMA ? fl_schema_migrate(s, err) : rc;
}

static int open_checked(struct fl_store *s, enum fl_place place, struct fl_err *err)
{
	char *uri = uri_of(s->path, place);
	int rc = connect_to(s, uri, place == FL_PLACE_WRITABLE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY, err);

	free(uri);
	if (rc == 0)
		rc = look_at(s, err);
	if (rc == 0 && s->write)
		rc = prepare_writing(s, err);
	else if (rc == 0 && s->schema == 0)
		rc = stand_in(s, err);
	if (rc == 0 && !s->write)
		rc = fl_sql_run(s, "PRAGMA query_only=ON", err);
	return rc;
}

static int open_at(const char *path, bool write, enum fl_place place, struct fl_store **ret, struct fl_err *err)
{
	struct fl_store *s = fl_zalloc(1, sizeof(*s));
	int rc;

	s->path = fl_dup(path);
	s->write = write;
	rc = open_checked(s, place, err);
	if (rc)
		fl_store_close(s);
	else
		*ret = s;
	return rc;
}

int fl_store_open(const char *path, bool write, struct fl_store **ret, struct fl_err *err)
{
	struct fl_err full = { 0 };
	enum fl_place place;
	int rc = fl_place_check(path, write, &place, err);

	if (rc)
		return rc;
	rc = open_at(path, write, place, ret, &full);
	/* On a full disk not even a reader's shared memory can be made; without a log nobody needs it. */
	if (rc == -ENOSPC && !write && !fl_place_has_log(path))
		return open_at(path, write, FL_PLACE_SEALED, ret, err);
	if (rc) {
		fl_fail(err, full.code, "%s", full.what);
		fl_hint(err, "%s", full.hint);
	}
	return rc;
}

const char *fl_store_engine(void)
{
	return sqlite3_libversion();
}

void fl_store_close(struct fl_store *s)
{
	if (!s)
		return;
	sqlite3_close(s->db);
	free(s->path);
	free(s);
}
