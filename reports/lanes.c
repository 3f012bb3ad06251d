/* SPDX-License-Identifier: Apache-2.0 */
/* lanes.c: one row a lane: what it was, what it reached, how much of its cap that is, and what it means. */
#include "base/alloc.h"
#include "base/units.h"
#include "reports/parts.h"
#include <math.h>
#include <string.h>

enum { LANE, VALUE, RANGE, SHARE, VERDICT, COLUMNS };

static const struct fl_column columns[COLUMNS] = {
	[LANE] = { .head = "lane" },	   [VALUE] = { .head = "median", .right = true },
	[RANGE] = { .head = "interval" },  [SHARE] = { .head = "of cap", .right = true },
	[VERDICT] = { .head = "verdict" },
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

static struct fl_row row_of(const struct fl_words *w, const struct fl_lane_verdict *v)
{
	const struct fl_metric_summary *m = fl_report_speaker(v);
	char shown[FL_UNIT_TEXT];

	return (struct fl_row){
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

struct fl_table fl_report_lanes(const struct fl_judgement *j, const struct fl_words *w)
{
	struct fl_table t = { .columns = columns, .columns_n = COLUMNS };

	for (size_t i = 0; i < j->lanes_n; i++)
		fl_table_add(&t, row_of(w, &j->lanes[i]));
	return t;
}
