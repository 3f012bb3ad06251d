/* SPDX-License-Identifier: Apache-2.0 */
/* feedline doc: manual pages and completion as files, for a package or for oneself. The build calls it. */
#include "base/alloc.h"
#include "base/file.h"
#include "cli/documents.h"
#include "cli/options.h"
#include <errno.h>
#include <stdlib.h>

static const struct fl_field doc_fields[] = { { 0 } };

/* Releases path and text. */
static int write_file(char *path, struct fl_text *text, struct fl_err *err)
{
	int rc = fl_file_write(path, fl_text_str(text), text->n, err);

	fl_text_release(text);
	free(path);
	return rc;
}

static int write_manual(const struct fl_home *home, const char *dir, struct fl_err *err)
{
	struct fl_text page = { 0 };
	int rc;

	fl_manual_of_all(&page);
	rc = write_file(fl_format("%s/feedline.1", dir), &page, err);
	for (const struct fl_command *const *c = fl_commands; rc >= 0 && *c; c++) {
		fl_manual_of_command(*c, home->catalog, &page);
		rc = write_file(fl_format("%s/feedline-%s.1", dir, (*c)->name), &page, err);
	}
	return rc;
}

static int write_completion(const struct fl_home *home, const char *dir, struct fl_err *err)
{
	struct fl_text script = { 0 };
	int rc = fl_completion(home, &script, err);

	return rc < 0 ? rc : write_file(fl_format("%s/feedline", dir), &script, err);
}

static int write_all(const char *share, struct fl_err *err)
{
	char *pages = fl_format("%s/man/man1", share);
	char *completions = fl_format("%s/bash-completion/completions", share);
	struct fl_home home;
	int rc = fl_home_open(&home, err);

	if (rc < 0)
		goto free_paths;
	rc = fl_make_dirs(pages, 0777, err);
	if (rc >= 0)
		rc = fl_make_dirs(completions, 0777, err);
	if (rc >= 0)
		rc = write_manual(&home, pages, err);
	if (rc >= 0)
		rc = write_completion(&home, completions, err);
	fl_home_close(&home);
free_paths:
	free(completions);
	free(pages);
	return rc;
}

static int no_directory(struct fl_err *err)
{
	fl_fail(err, -EINVAL, "doc: into which directory?");
	return fl_hint(err, "one that has, or gets, 'man' and 'bash-completion': ~/.local/share, for example");
}

static int doc(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	const struct fl_option_set sets[] = { { .title = "options", .fields = self->fields }, { 0 } };
	struct fl_args args;
	int rc = fl_options_parse(sets, self->name, 1, call->argc, call->argv, NULL, &args, err);

	if (rc < 0)
		return rc;
	if (args.help)
		rc = fl_options_help(self->usage, self->summary, sets, err);
	else
		rc = args.words_n ? write_all(args.words[0], err) : no_directory(err);
	fl_args_release(&args);
	return rc;
}

const struct fl_command fl_cmd_doc = {
	.name = "doc",
	.summary = "write the manual pages and the completion for bash into a directory",
	.usage = "doc DIRECTORY",
	.words = "@file",
	.fields = doc_fields,
	.run = doc,
};
