/* SPDX-License-Identifier: Apache-2.0 */
/* completion.c: a script for bash: the table of what is declared, before the functions of data/completion.bash, which
 * look words up in it. A line of the table is a place and what may be typed there:
 *
 *   'commands') words+=' topo list ...' ;;
 *   'report words') words+=' last' ask='runs' ;;
 *   'report options') words+=' --format --help' ;;
 *   'report --format') words+=' text json' ;;
 *   'bench storage.read options') ... 'bench storage.read --path') files=yes ;; */
#include "base/alloc.h"
#include "base/file.h"
#include "cli/documents.h"
#include "cli/options.h"
#include "cli/output.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Names that a command of feedline prints, first in its lines; by their kind. */
static const struct {
	const char *name, *command;
} asked[] = {
	{ "@run", "runs" },
	{ "@baseline", "baseline list" },
};

/* The one option that no command declares. */
static const struct fl_field help_field[] = { { .name = "help", .type = FL_FLAG }, { 0 } };

enum { FUNCTIONS_BYTES_MAX = 64 << 10 };

/* ---- words */

static void add_suites(const struct fl_home *home, struct fl_text *out)
{
	char *names[FL_SUITES_MAX];
	size_t n = fl_home_suites(home, names);

	for (size_t i = 0; i < n; i++) {
		fl_text_add(out, " %s", names[i]);
		free(names[i]);
	}
}

/* The options that follow depend on it, so that it comes first. */
static void add_benchmarks(const struct fl_home *home, struct fl_text *words, struct fl_text *more)
{
	for (size_t i = 0; i < home->catalog->n; i++)
		fl_text_add(words, " %s", home->catalog->entries[i].name);
	fl_text_add(more, " once=yes");
}

static void add_demands(const struct fl_home *home, struct fl_text *out)
{
	for (size_t i = 0; i < home->demands->n; i++)
		fl_text_add(out, " %s", home->demands->items[i].name);
}

static void add_word(const struct fl_home *home, const char *word, struct fl_text *words, struct fl_text *more)
{
	if (strcmp(word, "@suite") == 0)
		add_suites(home, words);
	else if (strcmp(word, "@benchmark") == 0)
		add_benchmarks(home, words, more);
	else if (strcmp(word, "@demand") == 0)
		add_demands(home, words);
	else if (strcmp(word, "@file") == 0)
		fl_text_add(more, " files=yes");
	else if (*word != '@')
		fl_text_add(words, " %s", word);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (strcmp(word, asked[i].name) == 0)
			fl_text_add(more, " ask+=';%s'", asked[i].command);
}

/* ---- lines of the table */

/* Takes the place. The first line of a place counts. */
static void add_line(char *place, const char *words, const char *more, struct fl_text *out)
{
	char *quoted_place = fl_output_quote(place), *quoted_words = fl_output_quote(words);
	char *begin = fl_format("\t%s)", quoted_place);

	if (!strstr(fl_text_str(out), begin))
		fl_text_add(out, "%s words+=%s%s ;;\n", begin, quoted_words, more);
	free(begin);
	free(quoted_words);
	free(quoted_place);
	free(place);
}

/* What a range offers. */
static void add_range(const struct fl_home *home, char *place, const char *range, struct fl_text *out)
{
	struct fl_text words = { 0 }, more = { 0 };
	size_t n;

	for (; *range; range += n + (range[n] == '|')) {
		char *word;

		n = strcspn(range, "|");
		word = fl_format("%.*s", (int)n, range);
		add_word(home, word, &words, &more);
		free(word);
	}
	add_line(place, fl_text_str(&words), fl_text_str(&more), out);
	fl_text_release(&words);
	fl_text_release(&more);
}

/* Values of other types are numbers, sizes and devices of a machine: there is nothing to offer. */
static void add_value(const struct fl_home *home, const char *context, const struct fl_field *f, struct fl_text *out)
{
	char *word = fl_options_word(f->name), *place = fl_format("%s --%s", context, word);

	if (f->type == FL_FLAG)
		add_line(place, " no yes", " flag=yes", out);
	else if (f->type == FL_PATH)
		add_line(place, "", " files=yes", out);
	else if ((f->type == FL_CHOICE || f->type == FL_TEXT) && f->range)
		add_range(home, place, f->range, out);
	else
		free(place);
	free(word);
}

/* Options and their values in a context: a command, or a command and a benchmark. */
static void add_options(const struct fl_home *home, const char *context, const struct fl_field *const *sets,
			struct fl_text *out)
{
	struct fl_text names = { 0 };

	for (; *sets; sets++)
		for (const struct fl_field *f = *sets; f->name; f++) {
			char *word = fl_options_word(f->name);

			fl_text_add(&names, " --%s", word);
			add_value(home, context, f, out);
			free(word);
		}
	add_line(fl_format("%s options", context), fl_text_str(&names), "", out);
	fl_text_release(&names);
}

/* Those of every benchmark that the command takes, each in a context of its own where the benchmark is named. */
static void add_command(const struct fl_home *home, const struct fl_command *c, struct fl_text *out)
{
	const struct fl_field **sets = fl_zalloc(home->catalog->n + 4, sizeof(*sets));
	bool named = fl_command_names_benchmark(c);
	size_t n = 0;

	sets[n++] = c->fields;
	sets[n++] = help_field;
	if (c->of_benchmarks)
		sets[n++] = fl_common_fields;
	for (size_t i = 0; i < home->catalog->n && c->of_benchmarks; i++) {
		const struct fl_entry *e = &home->catalog->entries[i];
		char *context = fl_format("%s %s", c->name, e->name);

		if (named)
			add_options(home, context, (const struct fl_field *const[]){ e->fields, NULL }, out);
		else
			sets[n++] = e->fields;
		free(context);
	}
	add_options(home, c->name, sets, out);
	if (c->words)
		add_range(home, fl_format("%s words", c->name), c->words, out);
	free(sets);
}

static void add_commands(struct fl_text *out)
{
	struct fl_text words = { 0 };

	for (const struct fl_command *const *c = fl_commands; *c; c++)
		fl_text_add(&words, " %s", (*c)->name);
	add_line(fl_dup("commands"), fl_text_str(&words), "", out);
	fl_text_release(&words);
}

int fl_completion(const struct fl_home *home, struct fl_text *out, struct fl_err *err)
{
	char *functions = fl_format("%s/share/feedline/completion.bash", home->prefix);
	int rc;

	fl_text_add(out, "# written by 'feedline doc' from what feedline declares\n"
			 "_feedline_declared() {\n\tcase $1 in\n");
	add_commands(out);
	for (const struct fl_command *const *c = fl_commands; *c; c++)
		add_command(home, *c, out);
	fl_text_add(out, "\tesac\n}\n\n");
	rc = fl_file_read(AT_FDCWD, functions, FUNCTIONS_BYTES_MAX, out, err);
	free(functions);
	return rc;
}
