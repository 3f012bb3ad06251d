/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c: the tables, made step by step from version to version. */
#include "record/schema.h"
#include "base/alloc.h"
#include "record/store.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { APPLICATION_ID = 0x46454544 }; /* "FEED": tells our files from those of other programs */

/* A run without a status is not finished. host to start_ticks: the process that carries it out. */
static const char meta_table[] = "CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)";

static const char run_table[] =
	"CREATE TABLE run (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, suite TEXT NOT NULL,"
	" started_ns INTEGER NOT NULL, status INTEGER, host TEXT NOT NULL, boot_id TEXT NOT NULL, pid INTEGER NOT NULL,"
	" start_ticks INTEGER NOT NULL, plan TEXT NOT NULL, machine TEXT NOT NULL, environment TEXT NOT NULL,"
	" declared TEXT NOT NULL)";

static const char lane_table[] =
	"CREATE TABLE lane (no INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run (no) ON DELETE CASCADE,"
	" round INTEGER NOT NULL, case_no INTEGER NOT NULL, lane INTEGER NOT NULL, bench TEXT NOT NULL,"
	" outcome TEXT NOT NULL, reason TEXT, hint TEXT, options TEXT NOT NULL, placement TEXT NOT NULL,"
	" facts TEXT NOT NULL, caps TEXT NOT NULL, distrust TEXT NOT NULL, notes TEXT NOT NULL,"
	" UNIQUE (run, round, case_no, lane))";

static const char series_table[] =
	"CREATE TABLE series (no INTEGER PRIMARY KEY, lane INTEGER NOT NULL REFERENCES lane (no) ON DELETE CASCADE,"
	" metric TEXT NOT NULL, kind TEXT NOT NULL, data BLOB NOT NULL, UNIQUE (lane, metric))";

/* place: the order in which the runs were named. */
static const char baseline_table[] =
	"CREATE TABLE baseline (no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_ns INTEGER NOT NULL,"
	" note TEXT)";

static const char baseline_run_table[] =
	"CREATE TABLE baseline_run (baseline INTEGER NOT NULL REFERENCES baseline (no) ON DELETE CASCADE,"
	" place INTEGER NOT NULL, run INTEGER NOT NULL REFERENCES run (no), PRIMARY KEY (baseline, place),"
	" UNIQUE (baseline, run))";

static const char watched_table[] =
	"CREATE TABLE watched (no INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run (no) ON DELETE CASCADE,"
	" round INTEGER NOT NULL, case_no INTEGER NOT NULL, subject TEXT NOT NULL, metric TEXT NOT NULL,"
	" data BLOB NOT NULL, UNIQUE (run, round, case_no, subject, metric))";

/* place: its number in the plan of the run. */
static const char host_table[] =
	"CREATE TABLE host (run INTEGER NOT NULL REFERENCES run (no) ON DELETE CASCADE, place INTEGER NOT NULL,"
	" name TEXT NOT NULL, machine TEXT NOT NULL, environment TEXT NOT NULL, PRIMARY KEY (run, place),"
	" UNIQUE (run, name))";

/* since: the first schema that has the table. A newer schema only adds tables. */
static const struct {
	const char *sql;
	int since;
} tables[] = {
	{ meta_table, 1 },     { run_table, 1 },	  { lane_table, 1 },	{ series_table, 1 },
	{ baseline_table, 2 }, { baseline_run_table, 2 }, { watched_table, 3 }, { host_table, 4 },
};
enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

const struct fl_json_column fl_run_json[] = {
	{ "plan", offsetof(struct fl_run, plan), JSON_OBJECT, false },
	{ "machine", offsetof(struct fl_run, machine), JSON_OBJECT, false },
	{ "environment", offsetof(struct fl_run, environment), JSON_OBJECT, false },
	{ "declared", offsetof(struct fl_run, declared), JSON_OBJECT, false },
	{ 0 },
};

const struct fl_json_column fl_host_json[] = {
	{ "machine", offsetof(struct fl_run_host, machine), JSON_OBJECT, false },
	{ "environment", offsetof(struct fl_run_host, environment), JSON_OBJECT, false },
	{ 0 },
};

const struct fl_json_column fl_lane_json[] = {
	{ "options", offsetof(struct fl_lane_record, options), JSON_OBJECT, true },
	{ "placement", offsetof(struct fl_lane_record, placement), JSON_OBJECT, true },
	{ "facts", offsetof(struct fl_lane_record, facts), JSON_OBJECT, true },
	{ "caps", offsetof(struct fl_lane_record, caps), JSON_ARRAY, true },
	{ "distrust", offsetof(struct fl_lane_record, distrust), JSON_ARRAY, true },
	{ "notes", offsetof(struct fl_lane_record, notes), JSON_OBJECT, false },
	{ 0 },
};

int fl_schema_put_json(struct fl_sql *q, const struct fl_json_column *columns, const void *from, struct fl_err *err)
{
	json_t *value;

	for (; columns->name; columns++) {
		memcpy(&value, (const char *)from + columns->offset, sizeof(value));
		if (!value)
			value = json_null();
		if (!json_is_null(value) && json_typeof(value) != columns->type)
			return fl_fail(err, -EINVAL, "'%s' of a record is not %s", columns->name,
				       columns->type == JSON_ARRAY ? "a list" : "an object");
		fl_sql_put_json(q, value);
	}
	return 0;
}

json_t **fl_schema_json(const struct fl_json_column *column, void *of)
{
	return (json_t **)(void *)((char *)of + column->offset);
}

void fl_schema_get_json(struct fl_sql *q, const struct fl_json_column *columns, struct fl_shared *shared, void *into)
{
	for (; columns->name; columns++)
		*fl_schema_json(columns, into) = fl_sql_get_json(q, columns->type, columns->repeats ? shared : NULL);
}

static int foreign(struct fl_store *s, struct fl_err *err)
{
	fl_fail(err, -EUCLEAN, "store '%s' is a database of another program", s->path);
	return fl_hint(err, "choose another file with --store FILE");
}

static int newer(struct fl_store *s, int64_t version, struct fl_err *err)
{
	fl_fail(err, -ENOTSUP, "store '%s' was written by a newer feedline (schema %lld, this one knows %d)", s->path,
		(long long)version, FL_STORE_SCHEMA);
	return fl_hint(err, "use that feedline, or choose another file with --store FILE");
}

int fl_schema_version(struct fl_store *s, int64_t *ret, struct fl_err *err)
{
	int64_t application, version, objects;
	int rc = fl_sql_number(s, "PRAGMA application_id", &application, err);

	if (rc == 0)
		rc = fl_sql_number(s, "PRAGMA user_version", &version, err);
	if (rc == 0)
		rc = fl_sql_number(s, "SELECT count(*) FROM sqlite_master", &objects, err);
	if (rc)
		return rc;
	if (application == 0 && version == 0 && objects == 0) {
		*ret = 0;
		return 0;
	}
	if (application != APPLICATION_ID)
		return foreign(s, err);
	if (version > FL_STORE_SCHEMA)
		return newer(s, version, err);
	if (version < 1)
		return fl_sql_damaged(s, err, "schema %lld", (long long)version);
	*ret = version;
	return 0;
}

/* What schema `from` lacks. */
static int add_tables(struct fl_store *s, int64_t from, struct fl_err *err)
{
	int rc = 0;

	for (int i = 0; i < TABLES && rc == 0; i++)
		if (tables[i].since > from)
			rc = fl_sql_run(s, tables[i].sql, err);
	return rc;
}

static int sign(struct fl_store *s, int64_t from, struct fl_err *err)
{
	char *made_by = fl_format("INSERT INTO meta VALUES ('made_by', 'feedline %s')", FEEDLINE_VERSION);
	char *marks = fl_format("PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID, FL_STORE_SCHEMA);
	int rc = from == 0 ? fl_sql_run(s, made_by, err) : 0;

	if (rc == 0)
		rc = fl_sql_run(s, marks, err);
	free(made_by);
	free(marks);
	return rc;
}

int fl_schema_migrate(struct fl_store *s, struct fl_err *err)
{
	int64_t from;
	int rc = fl_sql_run(s, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	rc = fl_schema_version(s, &from, err); /* again: another process may have been faster */
	if (rc == 0)
		rc = add_tables(s, from, err);
	if (rc == 0)
		rc = sign(s, from, err);
	if (rc == 0)
		rc = fl_schema_verify(s, FL_STORE_SCHEMA, err);
	rc = fl_sql_end(s, rc, err);
	if (rc == 0)
		s->schema = FL_STORE_SCHEMA;
	return rc;
}

static bool is_ours(const char *sql, int64_t version)
{
	for (int i = 0; i < TABLES; i++)
		if (tables[i].since <= version && strcmp(tables[i].sql, sql) == 0)
			return true;
	return false;
}

static int tables_of(int64_t version)
{
	int n = 0;

	for (int i = 0; i < TABLES; i++)
		n += tables[i].since <= version;
	return n;
}

int fl_schema_verify(struct fl_store *s, int64_t version, struct fl_err *err)
{
	struct fl_sql q;
	int found = 0, rc = fl_sql_open(s, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL", &q, err);

	if (rc)
		return rc;
	while ((rc = fl_sql_step(&q, err)) == 1 && is_ours(fl_sql_get_word(&q), version))
		found++;
	if (rc == 1 || (rc == 0 && found != tables_of(version)))
		rc = fl_sql_damaged(s, err, "its tables are not those of schema %lld", (long long)version);
	fl_sql_close(&q);
	return rc;
}
