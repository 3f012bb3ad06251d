/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: the program feedline: a table of commands. */
#include "base/text.h"
#include "cli/cli.h"
#include "cli/output.h"
#include <errno.h>
#include <signal.h>
#include <string.h>

const struct fl_command *const fl_commands[] = {
	&fl_cmd_topo,	&fl_cmd_list,	  &fl_cmd_data,	   &fl_cmd_bench,  &fl_cmd_run,	   &fl_cmd_runs, &fl_cmd_show,
	&fl_cmd_report, &fl_cmd_baseline, &fl_cmd_compare, &fl_cmd_export, &fl_cmd_import, &fl_cmd_doc,	 NULL,
};
enum { COMMANDS = sizeof(fl_commands) / sizeof(fl_commands[0]) - 1 };

bool fl_command_names_benchmark(const struct fl_command *command)
{
	return command->words && !strcmp(command->words, "@benchmark");
}

static int help(struct fl_err *err)
{
	struct fl_text out = { 0 };

	fl_text_add(&out, "usage: feedline COMMAND [OPTION...]\n" FL_PURPOSE "\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fl_text_add(&out, "  %-8s  %s\n", fl_commands[i]->name, fl_commands[i]->summary);
	fl_text_add(&out, "\n'feedline help COMMAND' says more; 'feedline --version' says which feedline this is\n"
			  "exit status:");
	for (int s = FL_STATUS_PASS; s <= FL_STATUS_BUG; s++)
		fl_text_add(&out, "%s %d %s", s ? "," : "", s, fl_status_name((enum fl_status)s));
	fl_text_add(&out, "\n");
	return fl_output_text(&out, err);
}

static int version(struct fl_err *err)
{
	struct fl_text out = { 0 };

	fl_text_add(&out, "feedline %s\n", FEEDLINE_VERSION);
	return fl_output_text(&out, err);
}

static int unknown(const char *name, struct fl_err *err)
{
	const char *names[COMMANDS + 1] = { "help" };
	const char *near;

	for (size_t i = 0; i < COMMANDS; i++)
		names[i + 1] = fl_commands[i]->name;
	near = fl_nearest(name + strspn(name, "-"), names, COMMANDS + 1);
	fl_fail(err, -EINVAL, "unknown %s '%s'", *name == '-' ? "option" : "command", name);
	if (near)
		return fl_hint(err, "did you mean 'feedline %s'?", near);
	return fl_hint(err, "'feedline --help' lists the commands");
}

static int run_command(const struct fl_call *call, struct fl_err *err)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(fl_commands[i]->name, call->argv[0]))
			return fl_commands[i]->run(fl_commands[i], call, err);
	if (!strcmp(fl_cmd_agent.name, call->argv[0]))
		return fl_cmd_agent.run(&fl_cmd_agent, call, err);
	return unknown(call->argv[0], err);
}

/* "help bench memory.copy" is "bench memory.copy --help". */
static int help_about(int argc, char **argv, struct fl_err *err)
{
	char *words[4] = { 0 };
	char option[] = "--help";

	if (argc > 2)
		return fl_fail(err, -EINVAL, "help: unexpected argument '%s'", argv[2]);
	for (int i = 0; i < argc; i++)
		words[i] = argv[i];
	words[argc] = option;
	return run_command(&(struct fl_call){ argc + 1, argc, words, argv }, err);
}

static int dispatch(int argc, char **argv, struct fl_err *err)
{
	if (argc < 2) {
		fl_fail(err, -EINVAL, "which command?");
		return fl_hint(err, "'feedline --help' lists them");
	}
	if (!strcmp(argv[1], "help") && argc > 2)
		return help_about(argc - 2, argv + 2, err);
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(err);
	if (!strcmp(argv[1], "--version"))
		return version(err);
	return run_command(&(struct fl_call){ argc - 1, argc, argv + 1, argv }, err);
}

static enum fl_status settle(int rc, const struct fl_err *err)
{
	if (rc >= 0)
		return (enum fl_status)rc;
	if (*err->what || !err->code) /* else it was said */
		fl_output_error(err);
	return fl_status_of(rc);
}

int main(int argc, char **argv)
{
	struct fl_err err = { 0 }, close_err = { 0 };
	enum fl_status status;

	fl_output_init();
	signal(SIGCHLD, SIG_DFL); /* whoever started us may ignore it, and then children cannot be waited for */
	signal(SIGPIPE, SIG_IGN); /* a reader that leaves is an error of write(), not the end of a run */
	signal(SIGXFSZ, SIG_IGN); /* so is a limit on the size of files (ulimit -f), also of memory that is one */
	status = settle(dispatch(argc, argv, &err), &err);
	return (int)fl_status_worse(status, settle(fl_output_close(&close_err), &close_err));
}
