/* SPDX-License-Identifier: Apache-2.0 */
/* feedline report: a run of the store, judged again. The same run gives the same report anywhere. */
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/options.h"
#include "cli/report.h"
#include <stdlib.h>

struct report_opts {
	const char *output, *store;
	unsigned format;
	bool json;
};

static const struct fl_field report_fields[] = {
	FL_FIELD(report_opts, format, FL_CHOICE, "text", FL_FORMATS, "the form of the report"),
	FL_FIELD(report_opts, json, FL_FLAG, "no", NULL, "the same as --format json"),
	FL_FIELD(report_opts, output, FL_PATH, "", NULL, "write to this file instead of standard output"),
	FL_FIELD(report_opts, store, FL_PATH, "", NULL, "where runs are kept (else store.db in the state directory)"),
	{ 0 },
};

static int judge_and_write(const struct fl_run *run, const struct fl_renderer *renderer, const char *output,
			   struct fl_err *err)
{
	struct fl_judgement *j;
	int rc = fl_judge(run, &j, err);

	if (rc < 0)
		return rc;
	rc = output ? fl_report_write(renderer, run, j, output, err) : fl_report_print(renderer, run, j, err);
	fl_judgement_free(j);
	return rc;
}

/* Its status says whether there is a report, not what is in it. */
static int report_print(const struct report_opts *opts, const char *id, struct fl_err *err)
{
	const struct fl_renderer *renderer = opts->json ? fl_renderer_find("json") : &fl_renderers[opts->format];
	struct fl_run *run;
	char *store;
	int rc = fl_home_store(opts->store, &store, err);

	if (rc < 0)
		return rc;
	rc = fl_home_run(store, id, &run, err);
	free(store);
	if (rc < 0)
		return rc;
	if (!run->finished)
		fl_output_say("run '%s' is not finished: this is the report of what it has so far", run->id);
	rc = judge_and_write(run, renderer, opts->output, err);
	fl_run_free(run);
	return rc;
}

static int report(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	const struct fl_option_set sets[] = { { .title = "options", .fields = self->fields }, { 0 } };
	struct report_opts opts = { 0 };
	struct fl_args args;
	int rc = fl_options_parse(sets, self->name, 1, call->argc, call->argv, &opts, &args, err);

	if (rc < 0)
		return rc;
	rc = args.help ? fl_options_help(self->usage, self->summary, sets, err)
		       : report_print(&opts, args.words_n ? args.words[0] : "last", err);
	fl_args_release(&args);
	return rc;
}

const struct fl_command fl_cmd_report = {
	.name = "report",
	.summary = "a run of the store, in one of several formats (default: the newest)",
	.usage = "report [ID|last]",
	.words = "@run|last",
	.fields = report_fields,
	.run = report,
};
