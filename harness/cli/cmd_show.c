/* SPDX-License-Identifier: Apache-2.0 */
/* feedline show: what the store holds of a run, or of the runs of a baseline, raw. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/options.h"
#include "cli/output.h"
#include "reports/show.h"
#include <stdlib.h>
#include <string.h>

struct show_opts {
	bool json, samples;
	const char *store;
};

static const struct fl_field show_fields[] = {
	FL_FIELD(show_opts, json, FL_FLAG, "no", NULL, "print one JSON document"),
	FL_FIELD(show_opts, samples, FL_FLAG, "no", NULL, "the samples too, not only the median of each round"),
	FL_FIELD(show_opts, store, FL_PATH, "", NULL, "where runs are kept (else store.db in the state directory)"),
	{ 0 },
};

enum { SCHEMA = 1 };

/* Is it being carried out right now? */
static int find_state(struct fl_store *s, const char *id, enum fl_run_state *ret, struct fl_err *err)
{
	struct fl_run_row *rows;
	size_t n;
	int rc = fl_store_list(s, &rows, &n, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rows[i].id, id))
			*ret = rows[i].state;
	free(rows);
	return 0;
}

/* Text is printed run by run; JSON goes into the list. */
static int show_run(struct fl_store *s, const char *id, const struct show_opts *opts, json_t *list, struct fl_err *err)
{
	struct fl_shown shown = { .state = FL_INTERRUPTED, .samples = opts->samples };
	struct fl_look look = fl_output_look();
	struct fl_text out = { 0 };
	struct fl_run *run;
	int rc = find_state(s, id, &shown.state, err);

	if (rc == 0)
		rc = fl_store_load(s, id, &run, err);
	if (rc < 0)
		return rc;
	shown.run = run;
	if (opts->json) {
		json_array_append_new(list, fl_show_json(&shown));
	} else {
		fl_show_text(&shown, &look, &out);
		rc = fl_output_text(&out, err);
	}
	fl_run_free(run);
	return rc;
}

/* The runs of a baseline stand below its name. */
static int show_head(const struct fl_baseline *b, struct fl_err *err)
{
	char *note = fl_dup(b->note ? b->note : "");
	struct fl_text out = { 0 };

	fl_blank_controls(note);
	if (b->name[0])
		fl_text_add(&out, "baseline %s, %zu run%s%s%s\n\n", b->name, b->runs_n, b->runs_n == 1 ? "" : "s",
			    *note ? ": " : "", note);
	free(note);
	return fl_output_text(&out, err);
}

static json_t *head_json(const struct fl_baseline *b)
{
	char time[FL_TIME_TEXT];
	json_t *o;

	if (!b->name[0])
		return json_null();
	o = json_object();
	json_object_set_new(o, "name", fl_json_string(b->name));
	json_object_set_new(o, "created", json_string(fl_report_time(time, b->created_ns)));
	json_object_set_new(o, "note", fl_json_string(b->note));
	return o;
}

static int show_named(struct fl_store *s, const struct fl_baseline *b, const struct show_opts *opts, struct fl_err *err)
{
	json_t *doc = json_object(), *list = json_array();
	int rc = opts->json ? 0 : show_head(b, err);

	json_object_set_new(doc, "schema", json_integer(SCHEMA));
	json_object_set_new(doc, "baseline", head_json(b));
	json_object_set_new(doc, "runs", list);
	for (size_t i = 0; i < b->runs_n && rc == 0; i++)
		rc = show_run(s, b->runs[i], opts, list, err);
	if (rc == 0 && opts->json)
		return fl_output_json(doc, err);
	json_decref(doc);
	return rc;
}

static int show_print(const struct show_opts *opts, const char *word, struct fl_err *err)
{
	struct fl_baseline named;
	struct fl_store *s;
	int rc = fl_home_read_store(opts->store, &s, err);

	if (rc < 0)
		return rc;
	rc = fl_store_named(s, word, &named, err);
	if (rc == 0) {
		rc = show_named(s, &named, opts, err);
		fl_baseline_release(&named);
	}
	fl_store_close(s);
	return rc;
}

static int show(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	const struct fl_option_set sets[] = { { .title = "options", .fields = self->fields }, { 0 } };
	struct show_opts opts = { 0 };
	struct fl_args args;
	int rc = fl_options_parse(sets, self->name, 1, call->argc, call->argv, &opts, &args, err);

	if (rc < 0)
		return rc;
	rc = args.help ? fl_options_help(self->usage, self->summary, sets, err)
		       : show_print(&opts, args.words_n ? args.words[0] : "last", err);
	fl_args_release(&args);
	return rc;
}

const struct fl_command fl_cmd_show = {
	.name = "show",
	.summary = "what the store holds of a run or baseline, raw (default: the newest)",
	.usage = "show [ID|last|BASELINE]",
	.words = "@run|@baseline|last",
	.fields = show_fields,
	.run = show,
};
