/* SPDX-License-Identifier: Apache-2.0 */
/* feedline export: runs and baselines of the store as lines of JSON, for another feedline's import. */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/options.h"
#include "cli/output.h"
#include "record/export.h"
#include <stdlib.h>
#include <string.h>

struct export_opts {
	const char *output, *store;
};

static const struct fl_field export_fields[] = {
	FL_FIELD(export_opts, output, FL_PATH, "", NULL, "write to this file instead of standard output"),
	FL_FIELD(export_opts, store, FL_PATH, "", NULL, "where runs are kept (else store.db in the state directory)"),
	{ 0 },
};

enum { WORDS_MAX = 1000 };

static int put_out(void *arg, const char *bytes, size_t n, struct fl_err *err)
{
	struct fl_text text = { 0 };

	(void)arg;
	fl_text_put(&text, bytes, n);
	return fl_output_text(&text, err);
}

static int put_file(void *arg, const char *bytes, size_t n, struct fl_err *err)
{
	return fl_new_file_add(arg, bytes, n, err);
}

static int export_to(struct fl_store *s, const struct fl_args *args, const char *output, struct fl_err *err)
{
	struct fl_new_file *file;
	int rc;

	if (!output || strcmp(output, "-") == 0)
		return fl_export(s, args->words, args->words_n, &(struct fl_sink){ put_out, NULL }, err);
	rc = fl_new_file_begin(output, &file, err);
	if (rc < 0)
		return rc;
	rc = fl_export(s, args->words, args->words_n, &(struct fl_sink){ put_file, file }, err);
	return fl_new_file_end(file, rc, err);
}

static int export_store(const struct export_opts *opts, const struct fl_args *args, struct fl_err *err)
{
	struct fl_store *s;
	int rc = fl_home_read_store(opts->store, &s, err);

	if (rc < 0)
		return rc;
	rc = export_to(s, args, opts->output, err);
	fl_store_close(s);
	return rc;
}

static int export(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	const struct fl_option_set sets[] = { { .title = "options", .fields = self->fields }, { 0 } };
	struct export_opts opts = { 0 };
	struct fl_args args;
	int rc = fl_options_parse(sets, self->name, WORDS_MAX, call->argc, call->argv, &opts, &args, err);

	if (rc < 0)
		return rc;
	rc = args.help ? fl_options_help(self->usage, self->summary, sets, err) : export_store(&opts, &args, err);
	fl_args_release(&args);
	return rc;
}

const struct fl_command fl_cmd_export = {
	.name = "export",
	.summary = "runs and baselines of the store as lines of JSON (default: all), for import",
	.usage = "export [ID|last|BASELINE...]",
	.words = "@run|@baseline|last",
	.fields = export_fields,
	.run = export,
};
