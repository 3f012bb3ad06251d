/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.h: commands that are several: the second word says which. */
#ifndef FL_CLI_VERBS_H
#define FL_CLI_VERBS_H
#include "cli/cli.h"
#include "cli/options.h"

/* A command within a command. */
struct fl_verb {
	const char *name;	     /* "make" */
	const char *usage, *summary; /* as those of the command */
	const char *
		takes; /* which of the command's options, between bars: "|json|store|"; NULL: run() reads argv itself */
	size_t words_min, words_max;
	const char *asks; /* where there are fewer words: "which directory?" */
	/* As that of the command. opts: as given to fl_verbs_run(), filled; args: the words; NULL where takes is. */
	int (*run)(const struct fl_verb *self, const struct fl_call *call, const void *opts, const struct fl_args *args,
		   struct fl_err *err);
};

/* Does what the second word says. opts: what the command's fields are rows of, zeroed. */
int fl_verbs_run(const struct fl_command *self, const struct fl_call *call, void *opts, struct fl_err *err);

#endif
