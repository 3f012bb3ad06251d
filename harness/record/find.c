/* SPDX-License-Identifier: Apache-2.0 */
/* find.c: which runs there are, and whether they still run. */
#include "record/find.h"
#include "base/alloc.h"
#include "base/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROW "SELECT no, id, suite, started_ns, status, host, boot_id, pid, start_ticks FROM run"

static int read_row(struct fl_sql *q, struct fl_found *ret, struct fl_err *err)
{
	struct fl_found f = { 0 };
	bool finished;

	f.no = fl_sql_get_int(q, INT64_MIN, INT64_MAX);
	fl_sql_get_text(q, f.row.id, sizeof(f.row.id));
	fl_sql_get_text(q, f.row.suite, sizeof(f.row.suite));
	f.row.started_ns = fl_sql_get_int(q, 0, INT64_MAX);
	finished = !fl_sql_get_null(q);
	f.row.status = finished ? (int)fl_sql_get_int(q, 0, 255) : -1;
	fl_sql_get_text(q, f.owner.host, sizeof(f.owner.host));
	fl_sql_get_text(q, f.owner.boot_id, sizeof(f.owner.boot_id));
	f.owner.pid = fl_sql_get_int(q, 0, INT32_MAX);
	f.owner.start_ticks = (uint64_t)fl_sql_get_int(q, 0, INT64_MAX);
	if (finished)
		f.row.state = FL_FINISHED;
	else
		f.row.state = fl_owner_alive(&f.owner) ? FL_RUNNING : FL_INTERRUPTED;
	*ret = f;
	return fl_sql_check(q, err);
}

/* The hint of an unknown id. Trouble in reading the list is not what the user asked about. */
static int no_such_run(struct fl_store *s, const char *id, struct fl_err *err)
{
	struct fl_run_row *rows;
	const char **ids, *near;
	size_t n;

	if (fl_store_list(s, &rows, &n, NULL) < 0)
		return fl_fail(err, -ENOENT, "no run '%s' in store '%s'", id, s->path);
	ids = fl_zalloc(n + 1, sizeof(*ids));
	for (size_t i = 0; i < n; i++)
		ids[i] = rows[i].id;
	near = fl_nearest(id, ids, n);
	fl_fail(err, -ENOENT, "no run '%s' in store '%s'", id, s->path);
	if (near)
		fl_hint(err, "did you mean '%s'?", near);
	else if (n)
		fl_hint(err, "the newest is '%s'; 'feedline runs' shows all", rows[n - 1].id);
	else
		fl_hint(err, "the store holds no run yet");
	free(ids);
	free(rows);
	return -ENOENT;
}

int fl_find_run(struct fl_store *s, const char *id, struct fl_found *ret, struct fl_err *err)
{
	bool last = strcmp(id, "last") == 0;
	struct fl_sql q;
	int rc = fl_sql_open(s, last ? ROW " ORDER BY started_ns DESC, no DESC LIMIT 1" : ROW " WHERE id = ?", &q, err);

	if (rc)
		return rc;
	if (!last)
		fl_sql_put_text(&q, id);
	rc = fl_sql_step(&q, err);
	if (rc == 1)
		rc = read_row(&q, ret, err);
	else if (rc == 0)
		rc = no_such_run(s, id, err);
	fl_sql_close(&q);
	return rc;
}

int fl_find_unfinished(struct fl_store *s, const char *id, struct fl_found *ret, struct fl_err *err)
{
	int rc = fl_find_run(s, id, ret, err);

	if (rc == 0 && ret->row.state == FL_FINISHED)
		return fl_fail(err, -EINVAL, "run '%s' is finished (status %d)", ret->row.id, ret->row.status);
	return rc;
}

int fl_store_list(struct fl_store *s, struct fl_run_row **ret, size_t *ret_n, struct fl_err *err)
{
	struct fl_run_row *rows = NULL;
	struct fl_found found;
	struct fl_sql q;
	size_t n = 0;
	int rc = fl_sql_open(s, ROW " ORDER BY started_ns, no", &q, err);

	if (rc)
		return rc;
	while ((rc = fl_sql_step(&q, err)) == 1 && (rc = read_row(&q, &found, err)) == 0) {
		rows = fl_grow(rows, n + 1, sizeof(*rows));
		rows[n++] = found.row;
	}
	fl_sql_close(&q);
	if (rc) {
		free(rows);
		return rc;
	}
	*ret = rows;
	*ret_n = n;
	return 0;
}

const char *fl_run_state_name(enum fl_run_state state)
{
	static const char *const names[] = {
		[FL_RUNNING] = "running",
		[FL_INTERRUPTED] = "interrupted",
		[FL_FINISHED] = "finished",
	};

	return names[state];
}
