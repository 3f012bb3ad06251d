/* SPDX-License-Identifier: Apache-2.0 */
/* feedline runs: what the store holds, oldest first. */
#include "base/json.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/options.h"
#include "cli/output.h"
#include "record/store.h"
#include <stdlib.h>
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

/* A store may come from anywhere: what it holds must not command the terminal. (JSON escapes it.) */
static int runs_text(struct fl_run_row *rows, size_t n, struct fl_err *err)
{
	struct fl_text out = { 0 };
	char time[FL_TIME_TEXT];

	fl_text_add(&out, "%-24s  %-20s  %-12s  %-6s  %s\n", "run", "started", "state", "status", "suite");
	for (size_t i = 0; i < n; i++) {
		struct fl_run_row *r = &rows[i];

		fl_blank_controls(r->id);
		fl_blank_controls(r->suite);
		fl_text_add(&out, "%-24s  %-20s  %-12s  ", r->id, fl_report_time(time, r->started_ns),
			    fl_run_state_name(r->state));
		if (r->state == FL_FINISHED)
			fl_text_add(&out, "%-6d  %s\n", r->status, r->suite);
		else
			fl_text_add(&out, "%-6s  %s\n", "-", r->suite);
	}
	return fl_output_text(&out, err);
}

static json_t *row_json(const struct fl_run_row *row)
{
	json_t *doc = json_object();
	char time[FL_TIME_TEXT];

	json_object_set_new(doc, "id", json_string(row->id));
	json_object_set_new(doc, "suite", json_string(row->suite));
	json_object_set_new(doc, "started", json_string(fl_report_time(time, row->started_ns)));
	json_object_set_new(doc, "state", json_string(fl_run_state_name(row->state)));
	json_object_set_new(doc, "status", row->state == FL_FINISHED ? json_integer(row->status) : json_null());
	return doc;
}

static int runs_json(const struct fl_run_row *rows, size_t n, struct fl_err *err)
{
	json_t *doc = json_object(), *all = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, row_json(&rows[i]));
	json_object_set_new(doc, "schema", json_integer(SCHEMA));
	json_object_set_new(doc, "runs", all);
	return fl_output_json(doc, err);
}

static int load(const char *path, struct fl_run_row **ret, size_t *ret_n, struct fl_err *err)
{
	struct fl_store *store;
	int rc = fl_store_open(path, false, &store, err);

	if (rc < 0)
		return rc;
	rc = fl_store_list(store, ret, ret_n, err);
	fl_store_close(store);
	return rc;
}

/* Before the first run there is no store, which is no error: there are no runs. A store that was named must exist. */
static int runs_print(const struct runs_opts *opts, struct fl_err *err)
{
	struct fl_run_row *rows = NULL;
	size_t n = 0;
	char *path;
	int rc = fl_home_store(opts->store, &path, err);

	if (rc < 0)
		return rc;
	if (opts->store || access(path, F_OK) == 0)
		rc = load(path, &rows, &n, err);
	free(path);
	if (rc < 0)
		return rc;
	rc = opts->json ? runs_json(rows, n, err) : runs_text(rows, n, err);
	free(rows);
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
