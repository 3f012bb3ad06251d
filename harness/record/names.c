/* SPDX-License-Identifier: Apache-2.0 */
/* names.c: the hosts of a run by name, without the rest of it. */
#include "base/alloc.h"
#include "base/json.h"
#include "record/find.h"
#include "record/record.h"
#include "record/sql.h"
#include "record/store.h"
#include <stdlib.h>
#include <string.h>

enum { HOSTS_SINCE = 4 }; /* schema */

static void add(struct fl_names *names, const char *name)
{
	names->items = fl_grow(names->items, names->n + 1, sizeof(*names->items));
	names->items[names->n++] = fl_dup(name);
}

static int add_host(struct fl_sql *q, struct fl_names *names, struct fl_err *err)
{
	const char *name = fl_sql_get_word(q);
	int rc = fl_sql_check(q, err);

	if (rc == 0)
		add(names, name);
	return rc;
}

/* What the machine was called when it was looked at. The rest of it may be nonsense: a list of runs does without. */
static int add_machine(struct fl_sql *q, struct fl_names *names, struct fl_err *err)
{
	const char *text = fl_sql_get_word(q), *name;
	json_t *machine = NULL;
	int rc = fl_sql_check(q, err);

	if (rc)
		return rc;
	fl_json_parse(text, strlen(text), "", &machine, NULL);
	name = fl_json_text_or_null(machine, "host");
	if (name)
		add(names, name);
	json_decref(machine);
	return 0;
}

static int each_row(struct fl_store *s, const char *sql, const char *id,
		    int (*read)(struct fl_sql *, struct fl_names *, struct fl_err *), struct fl_names *names,
		    struct fl_err *err)
{
	struct fl_sql q;
	int rc = fl_sql_open(s, sql, &q, err);

	if (rc)
		return rc;
	fl_sql_put_text(&q, id);
	while ((rc = fl_sql_step(&q, err)) == 1 && (rc = read(&q, names, err)) == 0 && names->n < FL_RUN_HOSTS_MAX)
		;
	fl_sql_close(&q);
	return rc;
}

int fl_store_hosts(struct fl_store *s, const char *id, struct fl_names *ret, struct fl_err *err)
{
	struct fl_names names = { 0 };
	int rc = 0;

	if (s->schema >= HOSTS_SINCE)
		rc = each_row(s, "SELECT name FROM host JOIN run ON run.no = host.run WHERE run.id = ? ORDER BY place",
			      id, add_host, &names, err);
	if (rc == 0 && names.n == 0)
		rc = each_row(s, "SELECT machine FROM run WHERE id = ?", id, add_machine, &names, err);
	if (rc)
		fl_names_release(&names);
	else
		*ret = names;
	return rc;
}

void fl_names_release(struct fl_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct fl_names){ 0 };
}
