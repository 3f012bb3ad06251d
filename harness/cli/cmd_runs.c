/* SPDX-License-Identifier: Apache-2.0 */
/* feedline runs: what the store holds, oldest first. */
#include "base/alloc.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/options.h"
#include "cli/output.h"
#include "record/store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct runs_opts {
	bool json;
	const char *store;
};

static const struct fl_field runs_fields[] = {
	FL_FIELD(runs_opts, json, FL_FLAG, "no", NULL, "print one JSON document"),
	FL_FIELD(runs_opts, store, FL_PATH, "", NULL, "where runs are kept (else store.db in the state directory)"),
	{ 0 },
};

enum { SCHEMA = 1 };

/* A run and the hosts that it is of. */
struct listed {
	struct fl_run_row row;
	struct fl_names hosts;
};

/* "8 hosts (n1-n8)", or the one that it is. */
static char *hosts_text(const struct fl_names *hosts)
{
	char *list = fl_report_names_list(hosts->items, NULL, hosts->n), *text;

	if (hosts->n < 2)
		return list;
	text = fl_format("%zu hosts (%s)", hosts->n, list);
	free(list);
	return text;
}

static size_t suite_width(const struct listed *all, size_t n)
{
	size_t width = strlen("suite");

	for (size_t i = 0; i < n; i++)
		width = strlen(all[i].row.suite) > width ? strlen(all[i].row.suite) : width;
	return width;
}

/* A store may come from anywhere: what it holds must not command the terminal. (JSON escapes it.) */
static int runs_text(struct listed *all, size_t n, struct fl_err *err)
{
	int width = (int)suite_width(all, n);
	struct fl_text out = { 0 };
	char time[FL_TIME_TEXT], status[16];

	fl_text_add(&out, "%-24s  %-20s  %-12s  %-6s  %-*s  %s\n", "run", "started", "state", "status", width, "suite",
		    "on");
	for (size_t i = 0; i < n; i++) {
		struct fl_run_row *r = &all[i].row;
		char *hosts = hosts_text(&all[i].hosts);

		fl_blank_controls(r->id);
		fl_blank_controls(r->suite);
		snprintf(status, sizeof(status), "%d", r->status);
		fl_text_add(&out, "%-24s  %-20s  %-12s  %-6s  %-*s  %s\n", r->id, fl_report_time(time, r->started_ns),
			    fl_run_state_name(r->state), r->state == FL_FINISHED ? status : "-", width, r->suite,
			    hosts);
		free(hosts);
	}
	return fl_output_text(&out, err);
}

static json_t *listed_json(const struct listed *l)
{
	json_t *doc = json_object(), *hosts = json_array();
	const struct fl_run_row *row = &l->row;
	char time[FL_TIME_TEXT];

	for (size_t i = 0; i < l->hosts.n; i++)
		json_array_append_new(hosts, fl_json_string(l->hosts.items[i]));
	json_object_set_new(doc, "id", json_string(row->id));
	json_object_set_new(doc, "suite", json_string(row->suite));
	json_object_set_new(doc, "started", json_string(fl_report_time(time, row->started_ns)));
	json_object_set_new(doc, "state", json_string(fl_run_state_name(row->state)));
	json_object_set_new(doc, "status", row->state == FL_FINISHED ? json_integer(row->status) : json_null());
	json_object_set_new(doc, "hosts", hosts);
	return doc;
}

static int runs_json(const struct listed *listed, size_t n, struct fl_err *err)
{
	json_t *doc = json_object(), *all = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, listed_json(&listed[i]));
	json_object_set_new(doc, "schema", json_integer(SCHEMA));
	json_object_set_new(doc, "runs", all);
	return fl_output_json(doc, err);
}

static void release(struct listed *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fl_names_release(&all[i].hosts);
	free(all);
}

static int add_hosts(struct fl_store *store, const struct fl_run_row *rows, size_t n, struct listed **ret,
		     struct fl_err *err)
{
	struct listed *all = fl_zalloc(n, sizeof(*all));
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		all[i].row = rows[i];
		rc = fl_store_hosts(store, rows[i].id, &all[i].hosts, err);
	}
	if (rc)
		release(all, n);
	else
		*ret = all;
	return rc;
}

static int load(const char *path, struct listed **ret, size_t *ret_n, struct fl_err *err)
{
	struct fl_run_row *rows = NULL;
	struct fl_store *store;
	size_t n = 0;
	int rc = fl_store_open(path, false, &store, err);

	if (rc < 0)
		return rc;
	rc = fl_store_list(store, &rows, &n, err);
	if (rc == 0)
		rc = add_hosts(store, rows, n, ret, err);
	if (rc == 0)
		*ret_n = n;
	free(rows);
	fl_store_close(store);
	return rc;
}

/* Before the first run there is no store, which is no error: there are no runs. A store that was named must exist. */
static int runs_print(const struct runs_opts *opts, struct fl_err *err)
{
	struct listed *all = NULL;
	size_t n = 0;
	char *path;
	int rc = fl_home_store(opts->store, &path, err);

	if (rc < 0)
		return rc;
	if (opts->store || access(path, F_OK) == 0)
		rc = load(path, &all, &n, err);
	free(path);
	if (rc < 0)
		return rc;
	rc = opts->json ? runs_json(all, n, err) : runs_text(all, n, err);
	release(all, n);
	return rc;
}

static int runs(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	const struct fl_option_set sets[] = { { .title = "options", .fields = self->fields }, { 0 } };
	struct runs_opts opts = { 0 };
	struct fl_args args;
	int rc = fl_options_parse(sets, self->name, 0, call->argc, call->argv, &opts, &args, err);

	if (rc < 0)
		return rc;
	rc = args.help ? fl_options_help(self->usage, self->summary, sets, err) : runs_print(&opts, err);
	fl_args_release(&args);
	return rc;
}

const struct fl_command fl_cmd_runs = {
	.name = "runs",
	.summary = "what the store holds",
	.usage = "runs",
	.fields = runs_fields,
	.run = runs,
};
