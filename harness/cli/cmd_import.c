/* SPDX-License-Identifier: Apache-2.0 */
/* feedline import: what export wrote, into the store: all of it or nothing. */
#include "base/text.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/options.h"
#include "cli/output.h"
#include "record/import.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct import_opts {
	const char *store;
};

static const struct fl_field import_fields[] = {
	FL_FIELD(import_opts, store, FL_PATH, "", NULL, "where runs are kept (else store.db in the state directory)"),
	{ 0 },
};

static void add_count(struct fl_text *out, size_t n, const char *what, size_t there)
{
	fl_text_add(out, "%s%zu %s%s imported", out->n ? "; " : "", n, what, n == 1 ? "" : "s");
	if (there)
		fl_text_add(out, ", %zu already there", there);
}

/* "journal of host n3 for run 2026...: 4 lanes added, 2 already there" */
static void say_journal(const struct fl_from_journal *did)
{
	struct fl_text line = { 0 };

	fl_text_add(&line, "journal%s%s for run %s: %zu lane%s added", *did->host ? " of host " : "", did->host,
		    did->run, did->lanes, did->lanes == 1 ? "" : "s");
	if (did->lanes_there)
		fl_text_add(&line, ", %zu already there", did->lanes_there);
	if (did->watched)
		fl_text_add(&line, "; %zu series of telemetry added", did->watched);
	fl_text_add(&line, "%s", did->cut ? "; its last line was cut short" : "");
	fl_output_say("%s", fl_text_str(&line));
	fl_text_release(&line);
}

/* Messages, not data: they go to stderr. */
static void say(const struct fl_imported *did)
{
	struct fl_text line = { 0 };

	if (did->journal.is) {
		say_journal(&did->journal);
		return;
	}
	add_count(&line, did->runs, "run", did->runs_there);
	if (did->runs_completed)
		fl_text_add(&line, ", %zu run%s completed", did->runs_completed, did->runs_completed == 1 ? "" : "s");
	if (did->baselines || did->baselines_there)
		add_count(&line, did->baselines, "baseline", did->baselines_there);
	fl_output_say("%s", fl_text_str(&line));
	fl_text_release(&line);
}

static int import_into(struct fl_import *import, const char *path, struct fl_err *err)
{
	struct fl_imported did;
	struct fl_store *s;
	int rc = fl_store_open(path, true, &s, err);

	if (rc < 0)
		return rc;
	rc = fl_import_run(import, s, &did, err);
	fl_store_close(s);
	if (rc == 0)
		say(&did);
	return rc;
}

static int import_from(int fd, const char *name, const char *store, struct fl_err *err)
{
	struct fl_import *import;
	char *path;
	int rc = fl_home_store(store, &path, err);

	if (rc < 0)
		return rc;
	rc = fl_import_open(fd, name, &import, err);
	if (rc == 0) {
		rc = import_into(import, path, err);
		fl_import_close(import);
	}
	free(path);
	return rc;
}

static int import_file(const struct import_opts *opts, const struct fl_args *args, struct fl_err *err)
{
	const char *file = args->words_n ? args->words[0] : NULL;
	int fd, rc;

	if (!file) {
		fl_fail(err, -EINVAL, "import: which file?");
		return fl_hint(err, "name what 'feedline export' wrote, or '-' for standard input");
	}
	if (!strcmp(file, "-"))
		return import_from(STDIN_FILENO, "standard input", opts->store, err);
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return fl_fail(err, -errno, "open '%s': %s", file, strerror(errno));
	rc = import_from(fd, file, opts->store, err);
	close(fd);
	return rc;
}

static int import(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	const struct fl_option_set sets[] = { { .title = "options", .fields = self->fields }, { 0 } };
	struct import_opts opts = { 0 };
	struct fl_args args;
	int rc = fl_options_parse(sets, self->name, 1, call->argc, call->argv, &opts, &args, err);

	if (rc < 0)
		return rc;
	rc = args.help ? fl_options_help(self->usage, self->summary, sets, err) : import_file(&opts, &args, err);
	fl_args_release(&args);
	return rc;
}

const struct fl_command fl_cmd_import = {
	.name = "import",
	.summary = "runs and baselines that export wrote, into the store: all or nothing",
	.usage = "import FILE|-",
	.words = "@file|-",
	.fields = import_fields,
	.run = import,
};
