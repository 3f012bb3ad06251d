/* SPDX-License-Identifier: Apache-2.0 */
/* manual.c: manual pages, in the macros of man(7). */
#include "base/alloc.h"
#include "base/field.h"
#include "cli/documents.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include <stdlib.h>
#include <string.h>

/* ---- roff */

/* Text that shows as it is: no request at its beginning, no escapes, and characters that a terminal may be asked to
 * take back as they were typed. */
static void add(struct fl_text *out, const char *text)
{
	static const struct {
		char c;
		const char *roff;
	} escapes[] = { { '\\', "\\e" },  { '-', "\\-" },   { '\'', "\\(aq" },
			{ '`', "\\(ga" }, { '^', "\\(ha" }, { '~', "\\(ti" } };

	if (*text == '.')
		fl_text_add(out, "\\&");
	for (; *text; text++) {
		const char *roff = NULL;

		for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++)
			if (*text == escapes[i].c)
				roff = escapes[i].roff;
		if (roff)
			fl_text_add(out, "%s", roff);
		else
			fl_text_put(out, text, 1);
	}
}

/* In another font: 'B' what is typed, 'I' what stands for something. */
static void add_in(struct fl_text *out, char font, const char *text)
{
	fl_text_add(out, "\\f%c", font);
	add(out, text);
	fl_text_add(out, "\\fR");
}

/* A sentence: words that are declared in lower case without a full stop. */
static void add_sentence(struct fl_text *out, const char *words)
{
	char *text = fl_format("%s.\n", words);

	if (*text >= 'a' && *text <= 'z')
		*text = (char)(*text - 'a' + 'A');
	add(out, text);
	free(text);
}

static void add_head(struct fl_text *out, const char *page, const char *summary)
{
	fl_text_add(out, ".\\\" written by 'feedline doc' from what feedline declares\n.TH ");
	for (const char *p = page; *p; p++)
		fl_text_add(out, "%c", *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
	fl_text_add(out, " 1 \"\" \"feedline %s\" \"User Commands\"\n.SH NAME\n", FEEDLINE_VERSION);
	add(out, page);
	fl_text_add(out, " \\- ");
	add(out, summary);
	fl_text_add(out, "\n");
}

/* "feedline-bench(1)"; name: NULL for feedline(1) itself. */
static void add_reference(struct fl_text *out, const char *name, const char *end)
{
	add_in(out, 'B', "feedline");
	if (name) {
		fl_text_add(out, "\\fB\\-");
		add(out, name);
		fl_text_add(out, "\\fR");
	}
	fl_text_add(out, "(1)%s\n", end);
}

/* ---- options */

static void add_option(struct fl_text *out, const struct fl_field *f, bool optional)
{
	char *word = fl_options_word(f->name), *typed = fl_format("--%s", word), *told;
	struct fl_text values = { 0 };

	fl_text_add(out, ".TP\n");
	add_in(out, 'B', typed);
	if (f->type != FL_FLAG) {
		fl_text_add(out, " ");
		add_in(out, 'I', fl_field_placeholder(f));
	}
	fl_text_add(out, "\n");
	fl_options_values(f, optional, &values);
	told = fl_format("%s%s", f->help, fl_text_str(&values));
	add_sentence(out, told);
	fl_text_release(&values);
	free(told);
	free(typed);
	free(word);
}

static void add_options(struct fl_text *out, const struct fl_field *fields, bool optional)
{
	for (const struct fl_field *f = fields; f->name; f++)
		add_option(out, f, optional);
}

/* ---- verbs */

static void add_verbs(struct fl_text *out, const struct fl_verb *verbs)
{
	for (const struct fl_verb *v = verbs; v && v->name; v++) {
		fl_text_add(out, ".TP\n");
		add_in(out, 'B', v->usage);
		fl_text_add(out, "\n");
		add_sentence(out, v->summary);
	}
}

/* ---- benchmarks */

static void add_metrics(struct fl_text *out, const struct fl_metric *metrics)
{
	if (metrics->name)
		fl_text_add(out, ".PP\nMetrics:\n");
	for (const struct fl_metric *m = metrics; m->name; m++) {
		fl_text_add(out, ".TP\n");
		add_in(out, 'B', m->name);
		fl_text_add(out, "\n");
		add_sentence(out, m->help);
	}
}

static void add_benchmark(struct fl_text *out, const struct fl_entry *e)
{
	fl_text_add(out, ".SS ");
	add(out, e->name);
	fl_text_add(out, "\n");
	add_sentence(out, e->summary);
	if (e->unavailable) {
		char *told = fl_format("unavailable: %s", e->unavailable);

		add_sentence(out, told);
		free(told);
	}
	add_options(out, e->fields, false);
	add_metrics(out, e->metrics);
}

static void add_benchmarks(struct fl_text *out, const struct fl_command *c, const struct fl_catalog *catalog)
{
	fl_text_add(out, ".SH COMMON OPTIONS\n");
	if (!fl_command_names_benchmark(c)) {
		fl_text_add(out, "These, and those that\n");
		add_reference(out, "bench", "");
		fl_text_add(out, "tells, go over what a suite says, in every rule whose benchmark has them.\n");
	}
	add_options(out, fl_common_fields, true);
	if (!fl_command_names_benchmark(c))
		return;
	fl_text_add(out, ".SH BENCHMARKS\n");
	for (size_t i = 0; i < catalog->n; i++)
		add_benchmark(out, &catalog->entries[i]);
}

/* ---- what pages have in common */

static void add_statuses(struct fl_text *out)
{
	fl_text_add(out, ".SH EXIT STATUS\nOver a run the first of 5, 2, 1, 4, 3, 0 that applies.\n");
	for (int s = FL_STATUS_PASS; s <= FL_STATUS_BUG; s++) {
		char *told =
			fl_format("%s: %s", fl_status_name((enum fl_status)s), fl_status_meaning((enum fl_status)s));

		fl_text_add(out, ".TP\n.B %d\n", s);
		add_sentence(out, told);
		free(told);
	}
}

/* but: the command whose own page it is in; NULL: none. */
static void add_see_also(struct fl_text *out, const struct fl_command *but)
{
	const char *next = NULL;

	fl_text_add(out, ".SH SEE ALSO\n");
	if (but)
		add_reference(out, NULL, ",");
	for (const struct fl_command *const *c = fl_commands; *c; c++) {
		if (*c == but)
			continue;
		if (next)
			add_reference(out, next, ",");
		next = (*c)->name;
	}
	add_reference(out, next, "");
}

void fl_manual_of_command(const struct fl_command *c, const struct fl_catalog *catalog, struct fl_text *out)
{
	char *page = fl_format("feedline-%s", c->name), *call = fl_format("feedline %s", c->name);

	add_head(out, page, c->summary);
	fl_text_add(out, ".SH SYNOPSIS\n");
	add_in(out, 'B', call);
	add(out, c->usage + strlen(c->name));
	fl_text_add(out, " [\\fIOPTION\\fR...]\n.SH DESCRIPTION\n");
	add_sentence(out, c->summary);
	add_verbs(out, c->verbs);
	fl_text_add(out, ".SH OPTIONS\n");
	add_options(out, c->fields, false);
	fl_text_add(out, ".TP\n.B \\-\\-help\nPrint a summary of the options.\n");
	if (c->of_benchmarks)
		add_benchmarks(out, c, catalog);
	add_statuses(out);
	add_see_also(out, c);
	free(call);
	free(page);
}

/* ---- feedline(1) */

static const char *const places[][2] = {
	{ "NO_COLOR", "if it is set and not empty, nothing is coloured" },
	{ "XDG_STATE_HOME", "the store is feedline/store.db in it (else in ~/.local/state)" },
	{ "XDG_CACHE_HOME", "files to read from are made in feedline in it (else in ~/.cache)" },
};

void fl_manual_of_all(struct fl_text *out)
{
	add_head(out, "feedline", FL_PURPOSE);
	fl_text_add(out, ".SH SYNOPSIS\n\\fBfeedline\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...]\n.SH DESCRIPTION\n");
	add_sentence(out, FL_PURPOSE);
	fl_text_add(out, ".SH COMMANDS\n");
	for (const struct fl_command *const *c = fl_commands; *c; c++) {
		fl_text_add(out, ".TP\n");
		add_in(out, 'B', (*c)->usage);
		fl_text_add(out, "\n");
		add_sentence(out, (*c)->summary);
	}
	add_statuses(out);
	fl_text_add(out, ".SH ENVIRONMENT\n");
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		fl_text_add(out, ".TP\n");
		add_in(out, 'B', places[i][0]);
		fl_text_add(out, "\n");
		add_sentence(out, places[i][1]);
	}
	add_see_also(out, NULL);
}
