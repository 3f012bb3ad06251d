/* SPDX-License-Identifier: Apache-2.0 */
/* renderers.c: the table of formats. A new format is a file, a row and a word of FL_FORMATS. */
#include "reports/parts.h"
#include <string.h>

static void run_text(const struct fl_run *run, const struct fl_judgement *j, const struct fl_look *look,
		     struct fl_text *out)
{
	struct fl_words *words = fl_words_make(j);
	struct fl_content c = fl_content_of_run(run, j, words);

	fl_content_text(&c, look, out);
	fl_content_release(&c);
	fl_words_free(words);
}

static void run_markdown(const struct fl_run *run, const struct fl_judgement *j, const struct fl_look *look,
			 struct fl_text *out)
{
	struct fl_words *words = fl_words_make(j);
	struct fl_content c = fl_content_of_run(run, j, words);

	(void)look;
	fl_content_markdown(&c, out);
	fl_content_release(&c);
	fl_words_free(words);
}

static void change_text(const struct fl_comparison *comparison, const struct fl_look *look, struct fl_text *out)
{
	struct fl_content c = fl_content_of_change(comparison);

	fl_content_text(&c, look, out);
	fl_content_release(&c);
}

static void change_markdown(const struct fl_comparison *comparison, const struct fl_look *look, struct fl_text *out)
{
	struct fl_content c = fl_content_of_change(comparison);

	(void)look;
	fl_content_markdown(&c, out);
	fl_content_release(&c);
}

const struct fl_renderer fl_renderers[] = {
	{ "text", "txt", "for people, on a terminal", run_text, change_text },
	{ "json", "json", "for programs, one document", fl_report_json, fl_change_json },
	{ "markdown", "md", "for people, where code is hosted", run_markdown, change_markdown },
	{ 0 },
};

const struct fl_renderer *fl_renderer_find(const char *name)
{
	for (const struct fl_renderer *r = fl_renderers; r->name; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}
