/* SPDX-License-Identifier: Apache-2.0 */
/* beside_hosts.c: what devices did on many hosts, in few lines: of each metric the hosts that have the least and the
 * most of it, and of what should not happen at all those where it did. */
#include "base/alloc.h"
#include "base/stats.h"
#include "reports/parts.h"
#include "reports/watched.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED = 6 }; /* hosts */

/* One metric, of each host one value: of its devices that which says most. */
struct row {
	const struct fl_figure_words *words;
	double *of_host; /* by number; NaN: none; owned */
	double most;	 /* of them */
};

static double value_of(const struct fl_figure_words *words, const struct fl_figure *f, double before)
{
	switch (words->form) {
	case FL_ROSE:
		return f->rose + (isnan(before) ? 0 : before);
	case FL_EVENT:
		return fmax(f->last, before);
	default:
		return words->low_is_bad ? fmin(fl_figure_median(f), before) : fmax(fl_figure_median(f), before);
	}
}

static struct row collect(const struct fl_beside *b, const struct fl_figure_words *words, size_t hosts_n)
{
	struct row row = { .words = words, .of_host = fl_zalloc(hosts_n, sizeof(*row.of_host)), .most = NAN };

	for (size_t i = 0; i < hosts_n; i++)
		row.of_host[i] = NAN;
	for (size_t i = 0; i < b->n; i++) {
		const struct fl_device_seen *d = &b->devices[i];
		const struct fl_figure *f = d->is_own ? NULL : fl_beside_get(d, words->metric);

		if (!f)
			continue;
		row.of_host[d->host] = value_of(words, f, row.of_host[d->host]);
	}
	for (size_t i = 0; i < hosts_n; i++)
		row.most = fmax(row.most, row.of_host[i]);
	return row;
}

/* ---- what is more or less: a row */

enum { WHAT, MEDIAN, LOWEST, HIGHEST, COLUMNS };

static const struct fl_column columns[COLUMNS] = {
	[WHAT] = { .head = "of each host" },
	[MEDIAN] = { .head = "median", .right = true },
	[LOWEST] = { .head = "lowest", .right = true },
	[HIGHEST] = { .head = "highest", .right = true },
};

/* "61 C n3" */
static char *show_host(const struct fl_judgement *j, const struct fl_figure_words *words, double value, size_t host)
{
	char shown[FL_UNIT_TEXT], *name = fl_report_clean(j->hosts[host].name), *text;

	text = fl_format("%s %s", fl_figure_show(shown, words, value), name);
	free(name);
	return text;
}

static void add_row(struct fl_section *s, const struct fl_judgement *j, const struct row *row)
{
	double *known = fl_zalloc(j->hosts_n, sizeof(*known));
	size_t n = 0, low = 0, high = 0;
	char shown[FL_UNIT_TEXT], lowest[FL_UNIT_TEXT], highest[FL_UNIT_TEXT];
	bool differ;

	for (size_t i = 0; i < j->hosts_n; i++) {
		if (isnan(row->of_host[i]))
			continue;
		low = n && row->of_host[low] <= row->of_host[i] ? low : i;
		high = n && row->of_host[high] >= row->of_host[i] ? high : i;
		known[n++] = row->of_host[i];
	}
	fl_figure_show(shown, row->words, fl_median(known, n));
	differ = strcmp(fl_figure_show(lowest, row->words, row->of_host[low]),
			fl_figure_show(highest, row->words, row->of_host[high])) != 0;
	fl_table_add(
		&s->table,
		(struct fl_row){
			.cells = {
				[WHAT] = fl_dup(row->words->name),
				[MEDIAN] = fl_dup(shown),
				[LOWEST] = differ ? show_host(j, row->words, row->of_host[low], low) : fl_dup(""),
				[HIGHEST] = differ ? show_host(j, row->words, row->of_host[high], high) : fl_dup(""),
			} });
	free(known);
}

/* ---- what should not happen: "NIC drops: n3 +6, n7 +3 and 2 more hosts" */

static size_t host_with_most(const struct row *row, size_t hosts_n)
{
	size_t most = 0;

	for (size_t i = 1; i < hosts_n; i++)
		if (isnan(row->of_host[most]) || row->of_host[i] > row->of_host[most])
			most = i;
	return most;
}

/* Takes what it names out of the row. */
static void add_event(struct fl_section *s, const struct fl_judgement *j, struct row *row)
{
	struct fl_text t = { 0 };
	size_t more = 0;

	for (size_t i = 0; i < j->hosts_n; i++)
		more += row->of_host[i] > 0;
	for (size_t named = 0; named < NAMED && more; named++, more--) {
		size_t host = host_with_most(row, j->hosts_n);

		fl_text_add(&t, "%s%s %s%.0f", t.n ? ", " : "", j->hosts[host].name,
			    row->words->form == FL_ROSE ? "+" : "", row->of_host[host]);
		row->of_host[host] = NAN;
	}
	if (more)
		fl_text_add(&t, " and %zu more host%s", more, more == 1 ? "" : "s");
	fl_section_add(
		s, (struct fl_remark){ .subject = fl_dup(row->words->name), .text = fl_report_clean(fl_text_str(&t)) });
	fl_text_release(&t);
}

struct fl_section fl_section_beside_hosts(const struct fl_run *run, const struct fl_judgement *j)
{
	struct fl_section s = { .title = "beside, from host to host",
				.table = { .columns = columns, .columns_n = COLUMNS },
				.indent = 4 };
	struct fl_beside b = fl_beside_collect(run);

	for (const struct fl_figure_words *w = fl_figure_words; w->metric; w++) {
		struct row row = collect(&b, w, j->hosts_n);

		if (row.most > w->least && (w->form == FL_RANGE || w->form == FL_AS_IT_IS))
			add_row(&s, j, &row);
		else if (row.most > w->least)
			add_event(&s, j, &row);
		free(row.of_host);
	}
	fl_add_watching_cost(&s, run, &b);
	fl_beside_release(&b);
	return s;
}
