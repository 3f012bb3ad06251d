/* SPDX-License-Identifier: Apache-2.0 */
/* options.h: the one option parser. Options of commands and options of benchmarks are the same kind of row (struct
 * fl_field), so that names, checks, --help and messages are the same everywhere.
 *
 * In rows of a command the preset "" means: may be left out, the member then stays zero. */
#ifndef FL_CLI_OPTIONS_H
#define FL_CLI_OPTIONS_H
#include "base/text.h"
#include <feedline/bench.h>

/* Rows under one heading of --help. A list of sets ends with a zeroed one; where a name is in several sets, the first
 * row counts for --help and a value is good if it is good for one of them. */
struct fl_option_set {
	const char *title; /* "options of memory.copy" */
	const struct fl_field *fields;
	bool optional; /* a row without preset may be left out */
};

/* An option as typed; a path as the file it means (run/paths.h). Said twice, the last one counts; of the paths of a
 * benchmark each does, in the order in which they were said. */
struct fl_given {
	const struct fl_field *field;
	const char *text;
};

struct fl_args {
	bool help;	    /* --help or -h: nothing else was looked at */
	const char **words; /* what is no option, in order; borrowed from argv */
	size_t words_n;
	struct fl_given *given; /* options of all sets but the first */
	size_t given_n;
	char **kept; /* texts that members of opts and resolved paths point to */
	size_t kept_n;
};

/* Reads argv[1..]. The rows of sets[0] are the command's own: their values and presets go to *opts, whose texts live as
 * long as *ret. `who` is what messages call the command ("bench memory.copy"). At most words_max words may be there.
 * -EINVAL, -ERANGE: one line with the nearest name. *ret is released with fl_args_release() when 0 was returned. */
int fl_options_parse(const struct fl_option_set *sets, const char *who, size_t words_max, int argc, char **argv,
		     void *opts, struct fl_args *ret, struct fl_err *err);
void fl_args_release(struct fl_args *args);

/* A row's name as it is typed, without the two dashes in front: "step-bytes". malloc'd. */
char *fl_options_word(const char *name);

/* Which values, in brackets, with a blank before it: " (1..64, default 16)"; nothing where there is nothing to say.
 * optional: as in an option set. */
void fl_options_values(const struct fl_field *field, bool optional, struct fl_text *out);

/* Prints all of --help: how the command is called, what it does, its options. */
int fl_options_help(const char *usage, const char *summary, const struct fl_option_set *sets, struct fl_err *err);

#endif
