/* SPDX-License-Identifier: Apache-2.0 */
/* life.c: a run begins, is taken over, finishes: changes of its one row. */
#include "record/life.h"
#include "base/json.h"
#include "base/text.h"
#include "record/find.h"
#include "record/owner.h"
#include "record/schema.h"
#include "record/sql.h"
#include "record/store.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { NS_PER_S = 1000000000 };

bool fl_name_good(const char *name)
{
	static const char chars[] = "-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return *name && !name[strspn(name, chars)] && strcmp(name, "last") != 0;
}

/* UTC to the second and six random digits: sorts by time, and is the same length everywhere. */
static int make_id(int64_t started_ns, char ret[40], struct fl_err *err)
{
	time_t seconds = (time_t)(started_ns / NS_PER_S);
	unsigned char noise[3];
	char when[24];
	struct tm utc;

	if (getrandom(noise, sizeof(noise), 0) != sizeof(noise))
		return fl_fail(err, -EIO, "random bytes for the id of a run: %s", strerror(errno));
	if (!gmtime_r(&seconds, &utc) || strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &utc) == 0)
		return fl_fail(err, -EINVAL, "a run cannot start at %lld ns", (long long)started_ns);
	snprintf(ret, 40, "%s-%02x%02x%02x", when, noise[0], noise[1], noise[2]);
	return 0;
}

int64_t fl_real_time_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void put_owner(struct fl_sql *q, const struct fl_owner *owner)
{
	fl_sql_put_text(q, owner->host);
	fl_sql_put_text(q, owner->boot_id);
	fl_sql_put_int(q, owner->pid);
	fl_sql_put_int(q, (int64_t)owner->start_ticks);
}

int fl_name_taken(struct fl_store *s, const char *sql, const char *name, struct fl_err *err)
{
	struct fl_sql q;
	int rc = fl_sql_open(s, sql, &q, err);

	if (rc)
		return rc;
	fl_sql_put_text(&q, name);
	rc = fl_sql_step(&q, err);
	fl_sql_close(&q);
	return rc;
}

static int check_id(struct fl_store *s, const char *id, struct fl_err *err)
{
	int rc;

	if (!fl_name_good(id))
		return fl_fail(err, -EINVAL, "'%s' cannot be the id of a run", id);
	rc = fl_name_taken(s, FL_RUN_NAMED, id, err);
	if (rc == 1)
		return fl_fail(err, -EEXIST, "run '%s' is already in store '%s'", id, s->path);
	if (rc == 0)
		rc = fl_name_taken(s, FL_BASELINE_NAMED, id, err);
	return rc == 1 ? fl_fail(err, -EEXIST, "'%s' is the name of a baseline in store '%s'", id, s->path) : rc;
}

static int insert(struct fl_store *s, const struct fl_run *run, const struct fl_owner *owner, struct fl_err *err)
{
	const char *suite = fl_json_text_or_null(run->plan, "suite");
	char shown[sizeof(((struct fl_run_row *)0)->suite)];
	struct fl_sql q;
	int rc = fl_sql_open(s,
			     "INSERT INTO run (host, boot_id, pid, start_ticks, id, started_ns, status, suite, plan,"
			     " machine, environment, declared) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			     &q, err);

	if (rc)
		return rc;
	put_owner(&q, owner);
	fl_sql_put_text(&q, run->id);
	fl_sql_put_int(&q, run->started_ns);
	if (run->finished)
		fl_sql_put_int(&q, run->status);
	else
		fl_sql_put_text(&q, NULL);
	fl_copy(shown, sizeof(shown), suite ? suite : "");
	fl_sql_put_text(&q, shown);
	rc = fl_schema_put_json(&q, fl_run_json, run, err);
	if (rc == 0)
		rc = fl_sql_once(&q, err);
	fl_sql_close(&q);
	return rc;
}

int fl_host_insert(struct fl_store *s, int64_t run, size_t place, const struct fl_run_host *host, struct fl_err *err)
{
	struct fl_sql q;
	int rc = fl_sql_open(s, "INSERT INTO host (run, place, name, machine, environment) VALUES (?, ?, ?, ?, ?)", &q,
			     err);

	if (rc)
		return rc;
	fl_sql_put_int(&q, run);
	fl_sql_put_int(&q, (int64_t)place);
	fl_sql_put_text(&q, host->name);
	rc = fl_schema_put_json(&q, fl_host_json, host, err);
	if (rc == 0)
		rc = fl_sql_once(&q, err);
	fl_sql_close(&q);
	return rc;
}

int fl_run_insert(struct fl_store *s, const struct fl_run *run, const struct fl_owner *owner, int64_t *ret_no,
		  struct fl_err *err)
{
	int rc = check_id(s, run->id, err);

	if (rc == 0 && run->hosts_n > FL_RUN_HOSTS_MAX)
		rc = fl_fail(err, -EINVAL, "a run is on %d hosts at most", FL_RUN_HOSTS_MAX);
	if (rc == 0)
		rc = insert(s, run, owner, err);
	*ret_no = sqlite3_last_insert_rowid(s->db);
	for (size_t i = 0; i < run->hosts_n && rc == 0; i++)
		rc = fl_host_insert(s, *ret_no, i, &run->hosts[i], err);
	return rc;
}

int fl_store_begin(struct fl_store *s, struct fl_run *run, struct fl_err *err)
{
	struct fl_owner self = fl_owner_self();
	struct fl_run begun = *run;
	int64_t no;
	int rc = 0;

	begun.finished = false;
	begun.status = -1;
	if (!begun.started_ns)
		begun.started_ns = fl_real_time_ns();
	if (!begun.id[0])
		rc = make_id(begun.started_ns, begun.id, err);
	if (rc == 0)
		rc = fl_sql_begin(s, err);
	if (rc)
		return rc;
	rc = fl_sql_end(s, fl_run_insert(s, &begun, &self, &no, err), err);
	if (rc == 0)
		*run = begun;
	return rc;
}

static int take_over(struct fl_store *s, const char *id, struct fl_err *err)
{
	struct fl_owner self = fl_owner_self();
	struct fl_found found;
	struct fl_sql q;
	int rc = fl_find_unfinished(s, id, &found, err);

	if (rc)
		return rc;
	if (found.row.state == FL_RUNNING && !fl_owner_equal(&found.owner, &self)) {
		fl_fail(err, -EBUSY, "run '%s' is being carried out by process %lld", found.row.id,
			(long long)found.owner.pid);
		return fl_hint(err, "wait until it has ended, or stop it first");
	}
	rc = fl_sql_open(s, "UPDATE run SET host = ?, boot_id = ?, pid = ?, start_ticks = ? WHERE no = ?", &q, err);
	if (rc)
		return rc;
	put_owner(&q, &self);
	fl_sql_put_int(&q, found.no);
	rc = fl_sql_once(&q, err);
	fl_sql_close(&q);
	return rc;
}

int fl_store_resume(struct fl_store *s, const char *id, struct fl_err *err)
{
	int rc = fl_sql_begin(s, err);

	return rc ? rc : fl_sql_end(s, take_over(s, id, err), err);
}

int fl_run_set_status(struct fl_store *s, const char *id, int status, struct fl_err *err)
{
	struct fl_found found;
	struct fl_sql q;
	int rc = fl_find_unfinished(s, id, &found, err);

	if (rc == 0 && (status < 0 || status > 255))
		rc = fl_fail(err, -EINVAL, "%d is no exit status", status);
	if (rc == 0)
		rc = fl_sql_open(s, "UPDATE run SET status = ? WHERE no = ?", &q, err);
	if (rc)
		return rc;
	fl_sql_put_int(&q, status);
	fl_sql_put_int(&q, found.no);
	rc = fl_sql_once(&q, err);
	fl_sql_close(&q);
	return rc;
}

int fl_store_finish(struct fl_store *s, const char *id, int status, struct fl_err *err)
{
	int rc = fl_sql_begin(s, err);

	return rc ? rc : fl_sql_end(s, fl_run_set_status(s, id, status, err), err);
}
