/* SPDX-License-Identifier: Apache-2.0 */
/* table.c: cells in columns, and their layout as aligned lines. A first cell that does not fit beside the others goes
 * on below itself. */
#include "base/alloc.h"
#include "reports/parts.h"
#include <stdlib.h>
#include <string.h>

enum { INDENT = 2, GAP = 2, FIRST_MIN = 24 };

void fl_table_add(struct fl_table *t, struct fl_row row)
{
	t->rows = fl_grow(t->rows, t->rows_n + 1, sizeof(*t->rows));
	t->rows[t->rows_n++] = row;
}

bool fl_table_is_empty(const struct fl_table *t, size_t column)
{
	for (size_t i = 0; i < t->rows_n; i++)
		if (*t->rows[i].cells[column])
			return false;
	return true;
}

void fl_table_release(struct fl_table *t)
{
	for (size_t i = 0; i < t->rows_n; i++)
		for (size_t c = 0; c < t->columns_n; c++)
			free(t->rows[i].cells[c]);
	for (size_t c = 0; t->owned && c < t->columns_n; c++)
		free((char *)t->owned[c].head);
	free(t->owned);
	free(t->rows);
	*t = (struct fl_table){ 0 };
}

/* What lines are laid out with. */
struct layout {
	const struct fl_table *t;
	size_t width[FL_COLUMNS_MAX]; /* 0: the column is left out */
	const struct fl_look *look;
	struct fl_text *out;
};

/* Columns are as wide as their widest cell. The first is never left out, and gives way when the line is too long. */
static void set_widths(struct layout *l)
{
	const struct fl_table *t = l->t;
	size_t others = INDENT, width = fl_report_width(l->look);

	for (size_t c = 0; c < t->columns_n; c++) {
		if (c > 0 && fl_table_is_empty(t, c))
			continue;
		l->width[c] = strlen(t->columns[c].head);
		for (size_t i = 0; i < t->rows_n; i++)
			if (strlen(t->rows[i].cells[c]) > l->width[c])
				l->width[c] = strlen(t->rows[i].cells[c]);
		if (c > 0)
			others += l->width[c] + (c + 1 == t->columns_n ? 0 : GAP);
	}
	if (l->width[0] > FIRST_MIN && others + l->width[0] + GAP > width) {
		size_t room = width > others + GAP ? width - others - GAP : 0;

		l->width[0] = room > FIRST_MIN ? room : FIRST_MIN;
	}
}

/* How much of the text fits into `width`, ending at a blank; a word that is longer is cut. */
static size_t fitting(const char *text, size_t width)
{
	size_t n = strlen(text);

	if (n <= width)
		return n;
	for (n = width; n > 0 && text[n] != ' '; n--)
		;
	return n ? n : width;
}

static void add_cell(const struct layout *l, const char *cell, size_t n, size_t c)
{
	int pad = (int)(l->width[c] - n);
	bool right = l->t->columns[c].right;

	fl_text_add(l->out, "%*s%.*s%*s", right ? pad : 0, "", (int)n, cell, right ? 0 : pad, "");
}

/* verdict: NULL for the head. */
static void add_line(const struct layout *l, const char *const *cells, const enum fl_verdict *verdict)
{
	const char *first = cells[0];
	size_t n = fitting(first, l->width[0]), last = l->t->columns_n - 1;

	fl_text_add(l->out, "%*s", INDENT, "");
	for (size_t c = 0; c < last; c++) {
		if (l->width[c] == 0)
			continue;
		add_cell(l, cells[c], c == 0 ? n : strlen(cells[c]), c);
		fl_text_add(l->out, "%*s", GAP, "");
	}
	while (!*cells[last] && l->out->n && l->out->bytes[l->out->n - 1] == ' ')
		l->out->bytes[--l->out->n] = 0; /* nothing at the end of the line */
	if (*cells[last] && l->t->columns[last].right)
		fl_text_add(l->out, "%*s", (int)(l->width[last] - strlen(cells[last])), "");
	if (*cells[last] && verdict)
		fl_text_add(l->out, "%s%s%s", fl_report_colour(l->look, *verdict), cells[last],
			    fl_report_plain(l->look));
	else
		fl_text_add(l->out, "%s", cells[last]);
	fl_text_add(l->out, "\n");
	for (first += n; *(first += strspn(first, " ")); first += n) {
		n = fitting(first, l->width[0]);
		fl_text_add(l->out, "%*s%.*s\n", 2 * INDENT, "", (int)n, first);
	}
}

void fl_table_text(const struct fl_table *t, const struct fl_look *look, struct fl_text *out)
{
	struct layout l = { .t = t, .look = look, .out = out };
	const char *heads[FL_COLUMNS_MAX];

	for (size_t c = 0; c < t->columns_n; c++)
		heads[c] = t->columns[c].head;
	set_widths(&l);
	add_line(&l, heads, NULL);
	for (size_t i = 0; i < t->rows_n; i++)
		add_line(&l, (const char *const *)t->rows[i].cells, &t->rows[i].verdict);
}
