/* SPDX-License-Identifier: Apache-2.0 */
/* table.c: one aligned line a lane. A name that does not fit beside the numbers goes on below itself. */
#include "base/alloc.h"
#include "base/units.h"
#include "reports/parts.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANE, VALUE, RANGE, SHARE, VERDICT, COLUMNS };
enum { INDENT = 2, GAP = 2, LANE_MIN = 24 };

struct row {
	char *cells[COLUMNS];
	enum fl_verdict verdict;
};

struct table {
	struct row *rows; /* the first is the head */
	size_t n;
	size_t width[COLUMNS]; /* 0: the column is left out */
};

const struct fl_metric_summary *fl_report_speaker(const struct fl_lane_verdict *v)
{
	const struct fl_metric_summary *first = NULL;

	for (size_t i = 0; i < v->metrics_n; i++) {
		if (v->metrics[i].of_rounds.n == 0)
			continue;
		if (v->metrics[i].from == FL_RATE_BYTES)
			return &v->metrics[i];
		if (!first)
			first = &v->metrics[i];
	}
	return first;
}

/* "9.20 .. 9.40" in the median's unit where they share it, else with units. "" for a single value. */
static char *show_range(const struct fl_metric_summary *m)
{
	char median[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT];
	char *unit, *low_unit, *high_unit;

	if (m->of_rounds.n < 2)
		return fl_dup("");
	fl_show_metric(median, m->name, m->of_rounds.median);
	fl_show_metric(low, m->name, m->of_rounds.low);
	fl_show_metric(high, m->name, m->of_rounds.high);
	unit = strchr(median, ' ');
	low_unit = strchr(low, ' ');
	high_unit = strchr(high, ' ');
	if (unit && low_unit && high_unit && !strcmp(unit, low_unit) && !strcmp(unit, high_unit))
		*low_unit = *high_unit = 0;
	return fl_format("%s .. %s", low, high);
}

static char *show_share(const struct fl_lane_verdict *v, const struct fl_metric_summary *m)
{
	if (!m || m->from != FL_RATE_BYTES || !isfinite(v->cap_bytes_per_s))
		return fl_dup("");
	return fl_format("%.0f %%", 100 * m->of_rounds.median / v->cap_bytes_per_s);
}

static struct row row_of(const struct fl_words *w, const struct fl_lane_verdict *v)
{
	const struct fl_metric_summary *m = fl_report_speaker(v);
	char shown[FL_UNIT_TEXT];

	return (struct row){
		.cells = {
			[LANE] = fl_words_name(w, v),
			[VALUE] = fl_dup(m ? fl_show_metric(shown, m->name, m->of_rounds.median) : "-"),
			[RANGE] = m ? show_range(m) : fl_dup(""),
			[SHARE] = show_share(v, m),
			[VERDICT] = fl_dup(fl_verdict_name(v->verdict)),
		},
		.verdict = v->verdict,
	};
}

static struct row head_row(void)
{
	return (struct row){ .cells = { [LANE] = fl_dup("lane"),
					[VALUE] = fl_dup("median"),
					[RANGE] = fl_dup("interval"),
					[SHARE] = fl_dup("of cap"),
					[VERDICT] = fl_dup("verdict") } };
}

/* Columns are as wide as their widest cell; those without any are left out. The lane gives way when the line is too
 * long. */
static void set_widths(struct table *t, size_t width)
{
	size_t others = INDENT;

	t->width[LANE] = strlen(t->rows[0].cells[LANE]); /* never none, whatever lanes are called */
	for (int c = 0; c < COLUMNS; c++) {
		for (size_t i = 1; i < t->n; i++)
			if (strlen(t->rows[i].cells[c]) > t->width[c])
				t->width[c] = strlen(t->rows[i].cells[c]);
		if (t->width[c] && strlen(t->rows[0].cells[c]) > t->width[c])
			t->width[c] = strlen(t->rows[0].cells[c]);
		if (c != LANE && t->width[c])
			others += t->width[c] + (c == VERDICT ? 0 : GAP);
	}
	if (t->width[LANE] && others + t->width[LANE] + GAP > width) {
		size_t room = width > others + GAP ? width - others - GAP : 0;

		t->width[LANE] = room > LANE_MIN ? room : LANE_MIN;
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

static void add_cell(struct fl_text *out, const char *cell, size_t n, size_t width, bool right)
{
	fl_text_add(out, "%*s%.*s%*s", right ? (int)(width - n) : 0, "", (int)n, cell, right ? 0 : (int)(width - n),
		    "");
}

static void add_row(const struct table *t, const struct row *row, const struct fl_look *look, bool head,
		    struct fl_text *out)
{
	const char *name = row->cells[LANE];
	size_t n = fitting(name, t->width[LANE]);

	fl_text_add(out, "%*s", INDENT, "");
	for (int c = 0; c < VERDICT; c++) {
		if (t->width[c] == 0)
			continue;
		add_cell(out, row->cells[c], c == LANE ? n : strlen(row->cells[c]), t->width[c],
			 c == VALUE || c == SHARE);
		fl_text_add(out, "%*s", GAP, "");
	}
	if (head)
		fl_text_add(out, "%s\n", row->cells[VERDICT]);
	else
		fl_text_add(out, "%s%s%s\n", fl_report_colour(look, row->verdict), row->cells[VERDICT],
			    fl_report_plain(look));
	for (name += n; *(name += strspn(name, " ")); name += n) {
		n = fitting(name, t->width[LANE]);
		fl_text_add(out, "%*s%.*s\n", 2 * INDENT, "", (int)n, name);
	}
}

void fl_report_table(const struct fl_judgement *j, const struct fl_words *w, const struct fl_look *look,
		     struct fl_text *out)
{
	struct table t = { .rows = fl_zalloc(j->lanes_n + 1, sizeof(*t.rows)) };

	t.rows[t.n++] = head_row();
	for (size_t i = 0; i < j->lanes_n; i++)
		t.rows[t.n++] = row_of(w, &j->lanes[i]);
	set_widths(&t, fl_report_width(look));
	for (size_t i = 0; i < t.n; i++) {
		add_row(&t, &t.rows[i], look, i == 0, out);
		for (int c = 0; c < COLUMNS; c++)
			free(t.rows[i].cells[c]);
	}
	free(t.rows);
}
