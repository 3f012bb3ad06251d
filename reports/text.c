/* SPDX-License-Identifier: Apache-2.0 */
/* text.c: a report for people, on a terminal: in lines of its width, coloured where that is wanted. */
#include "base/alloc.h"
#include "reports/parts.h"
#include <stdlib.h>
#include <string.h>

/* What every section works on. */
struct page {
	const struct fl_look *look;
	size_t width;
	struct fl_text *out;
};

/* A paragraph: its first line indented by `first`, the others by `rest`. Takes the text. */
static void add_paragraph(const struct page *p, char *text, size_t first, size_t rest, size_t width)
{
	fl_text_add(p->out, "%*s", (int)first, "");
	fl_report_wrap(p->out, text, first, rest, width);
	free(text);
}

/* "unjudged: 5 lanes measured, 0 failed, 5 unjudged" */
static void add_verdict(const struct page *p, const struct fl_content *c)
{
	const char *verdict = fl_verdict_name(c->verdict);

	if (c->headline) {
		fl_text_add(p->out, "%s", fl_report_colour(p->look, c->verdict));
		fl_report_wrap(p->out, c->headline, 0, 2, p->width);
		fl_text_add(p->out, "%s", fl_report_plain(p->look));
	}
	fl_text_add(p->out, "%s%s%s: ", fl_report_colour(p->look, c->verdict), verdict, fl_report_plain(p->look));
	fl_report_wrap(p->out, c->counts, strlen(verdict) + 2, 2, p->width);
}

/* A command has a line of its own and stays on it, so that it can be copied. */
static void add_advice(const struct page *p, const struct fl_advice *a)
{
	if (a->words)
		add_paragraph(p, fl_format("%s%s", a->words, a->command ? ":" : ""), 4, 6, p->width);
	if (a->command)
		fl_text_add(p->out, "      %s\n", a->command);
}

/* "fail: storage.read block=4KiB, required by the suite: 1.02 GB/s is ..." malloc'd */
static char *sentence(const struct fl_remark *r)
{
	return fl_format("%s%s%s%s: %s", r->kind ? r->kind : "", r->kind ? ": " : "", r->subject,
			 r->aside ? r->aside : "", r->text);
}

static void add_section(const struct page *p, const struct fl_section *s)
{
	fl_text_add(p->out, "\n");
	add_paragraph(p, fl_format("%s%s", s->title, s->of ? s->of : ""), 0, 2, p->width);
	if (s->table.rows_n)
		fl_table_text(&s->table, p->look, p->out);
	for (size_t i = 0; i < s->remarks_n; i++) {
		const struct fl_remark *r = &s->remarks[i];

		add_paragraph(p, sentence(r), 2, s->indent, p->width);
		for (size_t k = 0; k < r->advice_n; k++)
			add_advice(p, &r->advice[k]);
	}
}

void fl_content_text(const struct fl_content *c, const struct fl_look *look, struct fl_text *out)
{
	const struct page p = { look, fl_report_width(look), out };

	add_verdict(&p, c);
	fl_report_wrap(out, c->subject, 0, 2, p.width);
	if (c->table.rows_n) {
		fl_text_add(out, "\n");
		fl_table_text(&c->table, look, out);
	}
	for (size_t i = 0; i < c->sections_n; i++)
		add_section(&p, &c->sections[i]);
	if (c->files)
		fl_files_list(c->files, out);
	fl_text_add(out, "\n");
	fl_report_wrap(out, c->legend, 0, 0, p.width);
}
