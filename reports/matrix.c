/* SPDX-License-Identifier: Apache-2.0 */
/* matrix.c: many lanes of one benchmark, each over two devices, as a table: rows are the first device, columns the
 * second. What is remarkable keeps its row among the lanes, too; the others are in the table alone. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "reports/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES_LEAST = 8, SIDE_MOST = FL_COLUMNS_MAX - 1 };

/* One side of a matrix: the ids of its devices, in the order in which they come. */
struct side {
	const char *option, *ids[SIDE_MOST];
	size_t n;
};

struct fl_matrix {
	const struct fl_lane_verdict *first;
	struct side rows, columns;
	const struct fl_lane_verdict *cells[SIDE_MOST][SIDE_MOST];
	size_t lanes_n;
	bool fits;
};

/* The two device options that a lane has, if there are just two of them. */
static bool find_options(const struct fl_lane_verdict *v, const char **ret_row, const char **ret_column)
{
	size_t n = 0;

	for (const struct fl_field *f = v->entry->fields; f->name; f++) {
		if (f->type != FL_DEVICE || !fl_json_text_or_null(v->options, f->name))
			continue;
		if (n == 0)
			*ret_row = f->name;
		else
			*ret_column = f->name;
		n++;
	}
	return n == 2;
}

static bool runs_alone(const struct fl_judgement *j, const struct fl_lane_verdict *v)
{
	const struct fl_lane_verdict *next = v + 1 < j->lanes + j->lanes_n ? v + 1 : NULL;

	return v->place == 0 && !(next && fl_report_same_case(v, next));
}

/* What lanes of one matrix have in common; malloc'd. */
static char *key_of(const struct fl_lane_verdict *v, const char *row, const char *column)
{
	json_t *others = json_copy(v->options);
	char *text, *key;

	json_object_del(others, row);
	json_object_del(others, column);
	text = json_dumps(others, JSON_SORT_KEYS);
	key = fl_format("%s %u %s", v->bench, v->host, text ? text : "");
	free(text);
	json_decref(others);
	return key;
}

/* Its place on a side; n: there is no room for it. */
static size_t place_of(struct side *side, const struct fl_lane_verdict *v)
{
	const char *id = fl_json_text_or_null(v->options, side->option);

	for (size_t i = 0; i < side->n; i++)
		if (id && strcmp(side->ids[i], id) == 0)
			return i;
	if (!id || side->n == SIDE_MOST)
		return SIDE_MOST;
	side->ids[side->n++] = id;
	return side->n - 1;
}

static void put(struct fl_matrix *m, const struct fl_lane_verdict *v)
{
	size_t row = place_of(&m->rows, v), column = place_of(&m->columns, v);

	if (row == SIDE_MOST || column == SIDE_MOST || m->cells[row][column]) {
		m->fits = false;
		return;
	}
	m->cells[row][column] = v;
	m->lanes_n++;
}

/* The matrix of that key, a new one where there is none yet. index: of keys. */
static struct fl_matrix *find_matrix(struct fl_matrices *all, json_t *index, const struct fl_lane_verdict *v,
				     const char *row, const char *column)
{
	char *key = key_of(v, row, column);
	json_t *at = json_object_get(index, key);
	size_t i = at ? (size_t)json_integer_value(at) : all->n;

	if (!at) {
		all->items = fl_grow(all->items, all->n + 1, sizeof(*all->items));
		all->items[all->n] = fl_zalloc(1, sizeof(**all->items));
		*all->items[all->n++] = (struct fl_matrix){
			.first = v, .rows = { .option = row }, .columns = { .option = column }, .fits = true
		};
		json_object_set_new(index, key, json_integer((json_int_t)i));
	}
	free(key);
	return all->items[i];
}

static size_t row_of(const struct fl_matrix *m, const char *id)
{
	size_t i = 0;

	while (i < m->rows.n && strcmp(m->rows.ids[i], id) != 0)
		i++;
	return i;
}

/* Columns of the same devices as the rows come in their order. */
static void sort_columns(struct fl_matrix *m)
{
	const struct fl_matrix old = *m;

	for (size_t c = 0; c < old.columns.n; c++) {
		size_t to = row_of(m, old.columns.ids[c]);

		m->columns.ids[to] = old.columns.ids[c];
		for (size_t r = 0; r < m->rows.n; r++)
			m->cells[r][to] = old.cells[r][c];
	}
}

/* Are the columns the same devices as the rows? */
static bool same_devices(const struct fl_matrix *m)
{
	for (size_t i = 0; i < m->columns.n; i++)
		if (row_of(m, m->columns.ids[i]) == m->rows.n)
			return false;
	return m->columns.n == m->rows.n;
}

static bool is_plain(const struct fl_lane_verdict *v)
{
	return (v->verdict == FL_PASS || v->verdict == FL_UNJUDGED) && !v->alike.odd;
}

/* Those with so many lanes that a table is easier to read; frees the others. */
static void keep_large(struct fl_matrices *all)
{
	size_t kept = 0;

	for (size_t i = 0; i < all->n; i++) {
		struct fl_matrix *m = all->items[i];

		if (m->fits && m->lanes_n >= LANES_LEAST && m->rows.n > 1 && m->columns.n > 1) {
			all->items[kept++] = m;
			if (same_devices(m))
				sort_columns(m);
		} else {
			free(m);
		}
	}
	all->n = kept;
}

static void note_shown(struct fl_matrices *all, const struct fl_matrix *m)
{
	for (size_t row = 0; row < m->rows.n; row++)
		for (size_t column = 0; column < m->columns.n; column++) {
			const struct fl_lane_verdict *v = m->cells[row][column];

			if (v && is_plain(v))
				all->shown[v - all->lanes] = true;
		}
}

/* Lanes whose benchmark has so many that their reasons are not read one by one, or which several hosts have. */
static void note_many(struct fl_matrices *all, const struct fl_judgement *j)
{
	json_t *counts = json_object();

	for (size_t i = 0; i < j->lanes_n; i++) {
		json_int_t n = json_integer_value(json_object_get(counts, j->lanes[i].bench));

		json_object_set_new(counts, j->lanes[i].bench, json_integer(n + 1));
	}
	for (size_t i = 0; i < j->lanes_n; i++)
		all->many[i] = j->lanes[i].reason &&
			       ((j->lanes[i].verdict == FL_UNJUDGED &&
				 json_integer_value(json_object_get(counts, j->lanes[i].bench)) > LANES_LEAST) ||
				(j->hosts_n && j->lanes[i].verdict != FL_VERDICT_NOT_MEASURED && !j->lanes[i].feed));
	json_decref(counts);
}

struct fl_matrices fl_report_matrices(const struct fl_judgement *j, const struct fl_words *w)
{
	struct fl_matrices all = { .lanes = j->lanes,
				   .shown = fl_zalloc(j->lanes_n, sizeof(bool)),
				   .many = fl_zalloc(j->lanes_n, sizeof(bool)) };
	json_t *index = json_object();

	for (size_t i = 0; i < j->lanes_n; i++) {
		const struct fl_lane_verdict *v = &j->lanes[i];
		const char *row, *column;

		if (runs_alone(j, v) && !v->rung && !fl_words_is_alone(w, v) && find_options(v, &row, &column))
			put(find_matrix(&all, index, v, row, column), v);
	}
	json_decref(index);
	note_many(&all, j);
	keep_large(&all);
	for (size_t i = 0; i < all.n; i++)
		note_shown(&all, all.items[i]);
	return all;
}

void fl_report_matrices_release(struct fl_matrices *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->items[i]);
	free(all->items);
	free(all->shown);
	free(all->many);
	*all = (struct fl_matrices){ 0 };
}

bool fl_report_in_matrix(const struct fl_matrices *all, const struct fl_lane_verdict *v)
{
	return all->shown[v - all->lanes];
}

bool fl_report_is_one_of_many(const struct fl_matrices *all, const struct fl_lane_verdict *v)
{
	return all->many[v - all->lanes];
}

/* ---- as a table */

/* The unit that all cells are in but those that name their own: that of the largest. malloc'd. */
static char *unit_of(const struct fl_matrix *m)
{
	const struct fl_metric_summary *largest = NULL;
	char shown[FL_UNIT_TEXT];
	const char *unit;

	for (size_t r = 0; r < m->rows.n; r++)
		for (size_t c = 0; c < m->columns.n; c++) {
			const struct fl_metric_summary *s = m->cells[r][c] ? fl_report_speaker(m->cells[r][c]) : NULL;

			if (s && (!largest || s->of_rounds.median > largest->of_rounds.median))
				largest = s;
		}
	if (!largest)
		return fl_dup("");
	unit = strchr(fl_show_metric(shown, largest->name, largest->of_rounds.median), ' ');
	return fl_dup(unit ? unit + 1 : "");
}

/* "55.0", "41.2 *" for the odd one out, "12.0 !" for one that failed or is invalid, "-" for one not measured. */
static char *show_cell(const struct fl_lane_verdict *v, const char *unit)
{
	const struct fl_metric_summary *s = v ? fl_report_speaker(v) : NULL;
	char shown[FL_UNIT_TEXT];
	const char *mark = "";
	char *blank;

	if (!v)
		return fl_dup("");
	if (!s)
		return fl_dup("-");
	fl_show_metric(shown, s->name, s->of_rounds.median);
	blank = strchr(shown, ' ');
	if (blank && strcmp(blank + 1, unit) == 0)
		*blank = 0;
	if (v->verdict == FL_FAIL || v->verdict == FL_VERDICT_INVALID)
		mark = "!";
	else if (v->alike.odd)
		mark = "*";
	return fl_format("%s%s", shown, mark);
}

static struct fl_table table_of(const struct fl_matrix *m, const char *unit)
{
	bool numbered = same_devices(m);
	struct fl_table t = { .columns_n = m->columns.n + 1 };

	t.owned = fl_zalloc(t.columns_n, sizeof(*t.owned));
	t.owned[0] = (struct fl_column){ .head = fl_format("%s \\ %s", m->rows.option, m->columns.option) };
	for (size_t c = 0; c < m->columns.n; c++)
		t.owned[c + 1] = (struct fl_column){ .head = numbered ? fl_format("%zu", row_of(m, m->columns.ids[c]))
								      : fl_report_clean(m->columns.ids[c]),
						     .right = true };
	t.columns = t.owned;
	for (size_t r = 0; r < m->rows.n; r++) {
		char *id = fl_report_clean(m->rows.ids[r]);
		struct fl_row row = { .cells = { numbered ? fl_format("%zu %s", r, id) : fl_dup(id) } };

		for (size_t c = 0; c < m->columns.n; c++)
			row.cells[c + 1] = show_cell(m->cells[r][c], unit);
		fl_table_add(&t, row);
		free(id);
	}
	return t;
}

struct fl_section fl_section_matrix(const struct fl_matrices *all, size_t i, const struct fl_words *w)
{
	const struct fl_matrix *m = all->items[i];
	const char *host = m->first->host_name;
	char *unit = unit_of(m), *name = fl_words_matrix(w, m->first, m->rows.option, m->columns.option);
	struct fl_section s = { .title = "matrix: ",
				.of = fl_format("%s%s%s, %s%s%s", name, host ? " on " : "", host ? host : "", unit,
						*unit ? "; " : "",
						"* is the odd one among those like it, ! failed or is invalid"),
				.table = table_of(m, unit) };

	free(unit);
	free(name);
	return s;
}
