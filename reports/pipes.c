/* SPDX-License-Identifier: Apache-2.0 */
/* pipes.c: cells in columns as a table in Markdown. Aligned, though no program asks for it: people read the plain text,
 * too. */
#include "base/alloc.h"
#include "reports/parts.h"
#include <stdlib.h>
#include <string.h>

enum { RULE_MIN = 3 };

/* malloc'd */
static char *escape_cell(const char *cell, size_t column)
{
	struct fl_text t = { 0 };
	char *escaped;

	if (column == 0)
		fl_markdown_code(&t, cell);
	else
		fl_markdown_text(&t, cell);
	escaped = fl_dup(fl_text_str(&t));
	fl_text_release(&t);
	return escaped;
}

static size_t column_width(const struct fl_table *t, size_t column)
{
	size_t width = strlen(t->columns[column].head);

	for (size_t i = 0; i < t->rows_n; i++) {
		char *cell = escape_cell(t->rows[i].cells[column], column);

		width = strlen(cell) > width ? strlen(cell) : width;
		free(cell);
	}
	return width < RULE_MIN ? RULE_MIN : width;
}

/* The line below the heads says which columns are numbers. */
static char *rule(size_t width, bool right)
{
	char *dashes = fl_zalloc(width + 1, 1);

	memset(dashes, '-', width);
	if (right)
		dashes[width - 1] = ':';
	return dashes;
}

enum line { HEADS, RULE, ROW };

static char *cell_of(const struct fl_table *t, enum line line, size_t row, size_t column, size_t width)
{
	if (line == HEADS)
		return fl_dup(t->columns[column].head);
	if (line == RULE)
		return rule(width, t->columns[column].right);
	return escape_cell(t->rows[row].cells[column], column);
}

static void add_line(const struct fl_table *t, const size_t *widths, enum line line, size_t row, struct fl_text *out)
{
	for (size_t c = 0; c < t->columns_n; c++) {
		char *cell;
		int pad;

		if (widths[c] == 0)
			continue;
		cell = cell_of(t, line, row, c, widths[c]);
		pad = (int)(widths[c] - strlen(cell));
		fl_text_add(out, "| %*s%s%*s ", t->columns[c].right ? pad : 0, "", cell, t->columns[c].right ? 0 : pad,
			    "");
		free(cell);
	}
	fl_text_add(out, "|\n");
}

void fl_table_markdown(const struct fl_table *t, struct fl_text *out)
{
	size_t widths[FL_COLUMNS_MAX];

	for (size_t c = 0; c < t->columns_n; c++)
		widths[c] = c > 0 && fl_table_is_empty(t, c) ? 0 : column_width(t, c);
	add_line(t, widths, HEADS, 0, out);
	add_line(t, widths, RULE, 0, out);
	for (size_t i = 0; i < t->rows_n; i++)
		add_line(t, widths, ROW, i, out);
}
