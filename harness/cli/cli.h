/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h: what a command is. Each lives in a file of its own, cmd_<name>.c, with its row at the bottom. */
#ifndef FL_CLI_CLI_H
#define FL_CLI_CLI_H
#include "base/status.h"
#include <feedline/bench.h>

/* How a command was called. argv[0] is the command's name; whole_argv is the line as the user typed it. */
struct fl_call {
	int argc, whole_argc;
	char **argv, **whole_argv;
};

struct fl_verb; /* cli/verbs.h */

struct fl_command {
	const char *name, *summary; /* "topo"; one line, lower case, no full stop */
	const char *usage;	    /* for --help: "report [ID|last]" */
	const char *words; /* what its words may be, as the range of an FL_TEXT: "@run|last"; NULL: it has none */
	const struct fl_verb *verbs; /* ended by a row without name; NULL: it has none */
	const struct fl_field *fields;
	bool of_benchmarks; /* takes the options of benchmarks too: of that which its word names, else of all */
	/* An exit status, or a negative errno with *err, which the caller prints and turns into a status. */
	int (*run)(const struct fl_command *self, const struct fl_call *call, struct fl_err *err);
};

/* "bench": one benchmark is named by its word. */
bool fl_command_names_benchmark(const struct fl_command *command);

/* What feedline does; lower case, no full stop. */
#define FL_PURPOSE "measures what feeds the GPUs of this machine and says what holds them back"

/* Ended by NULL. */
extern const struct fl_command *const fl_commands[];

/* Not among them: what no person types. */
extern const struct fl_command fl_cmd_agent;

extern const struct fl_command fl_cmd_topo, fl_cmd_list, fl_cmd_bench, fl_cmd_run, fl_cmd_runs, fl_cmd_report,
	fl_cmd_show, fl_cmd_baseline, fl_cmd_compare, fl_cmd_data, fl_cmd_export, fl_cmd_import, fl_cmd_doc;

#endif
