/* SPDX-License-Identifier: Apache-2.0 */
/* markdown.c: a report as a document that reads well where code is hosted, and as plain text. Lines are not broken:
 * hosts that keep line breaks would show them, and a word at the beginning of one could mean something. */
#include "base/alloc.h"
#include "reports/parts.h"
#include <stdlib.h>
#include <string.h>

static void add_remark(const struct fl_remark *r, struct fl_text *out)
{
	fl_text_add(out, "- ");
	if (r->kind)
		fl_text_add(out, "**%s**: ", r->kind);
	fl_markdown_code(out, r->subject);
	fl_text_add(out, "%s: ", r->aside ? r->aside : "");
	fl_markdown_text(out, r->text);
	fl_text_add(out, "\n");
	for (size_t i = 0; i < r->advice_n; i++) {
		const struct fl_advice *a = &r->advice[i];

		if (a->words) {
			fl_text_add(out, "\n  ");
			fl_markdown_line(out, a->words);
			fl_text_add(out, "%s\n", a->command ? ":" : "");
		}
		if (a->command) {
			fl_text_add(out, "\n");
			fl_markdown_block(out, a->command, 2);
		}
	}
}

static void add_section(const struct fl_section *s, struct fl_text *out)
{
	fl_text_add(out, "\n## %s", s->title);
	if (s->of)
		fl_markdown_text(out, s->of);
	fl_text_add(out, "\n\n");
	if (s->table.rows_n)
		fl_table_markdown(&s->table, out);
	if (s->table.rows_n && s->remarks_n)
		fl_text_add(out, "\n");
	for (size_t i = 0; i < s->remarks_n; i++)
		add_remark(&s->remarks[i], out);
}

static void add_files(const struct fl_files *files, struct fl_text *out)
{
	bool begun = false;

	for (size_t i = 0; i < files->n; i++) {
		char *name = fl_report_clean(fl_files_name(files, files->paths[i]));
		char *path = fl_report_clean(files->paths[i]);

		if (strcmp(name, path)) {
			fl_text_add(out, "%s- ", begun ? "" : "\n## files\n\n");
			fl_markdown_code(out, name);
			fl_text_add(out, ": ");
			fl_markdown_code(out, path);
			fl_text_add(out, "\n");
			begun = true;
		}
		free(path);
		free(name);
	}
}

void fl_content_markdown(const struct fl_content *c, struct fl_text *out)
{
	if (c->headline) {
		fl_text_add(out, "# ");
		fl_markdown_text(out, c->headline);
		fl_text_add(out, "\n\n");
	}
	fl_text_add(out, "%s%s: %s\n\n", c->headline ? "" : "# ", fl_verdict_name(c->verdict), c->counts);
	fl_markdown_line(out, c->subject);
	fl_text_add(out, "\n");
	if (c->table.rows_n) {
		fl_text_add(out, "\n");
		fl_table_markdown(&c->table, out);
	}
	for (size_t i = 0; i < c->sections_n; i++)
		add_section(&c->sections[i], out);
	if (c->files)
		add_files(c->files, out);
	fl_text_add(out, "\n## how to read it\n\n");
	fl_markdown_line(out, c->legend);
	fl_text_add(out, "\n");
}
