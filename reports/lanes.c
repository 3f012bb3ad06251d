/* SPDX-License-Identifier: Apache-2.0 */
/* lanes.c: one row a lane: what it was, what it reached, how much of its cap that is, and what it means. */
#include "base/alloc.h"
#include "base/units.h"
#include "reports/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANE, VALUE, RANGE, SHARE, VERDICT, COLUMNS };

#define COLUMNS_OF(value)                                                                                              \
	{                                                                                                              \
		[LANE] = { .head = "lane" }, [VALUE] = { .head = value, .right = true },                               \
		[RANGE] = { .head = "interval" }, [SHARE] = { .head = "of cap", .right = true },                       \
		[VERDICT] = { .head = "verdict" },                                                                     \
	}

static const struct fl_column columns[COLUMNS] = COLUMNS_OF("median");
static const struct fl_column columns_of_feeds[COLUMNS] = COLUMNS_OF("value"); /* of batches it is the mean */

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

/* Of payload that comes in batches the mean, by the time of the batches where a closed loop is held against it: what
 * its accelerator could get is the same number then. */
static struct fl_interval value_of(const struct fl_lane_verdict *v, const struct fl_metric_summary *m)
{
	struct fl_interval value = m->of_rounds;

	if (m->from != FL_RATE_BYTES)
		return value;
	if (v->delivered.n)
		return v->delivered;
	for (size_t i = 0; i < v->metrics_n; i++)
		if (v->rung && !isnan(m->mean) && strcmp(v->metrics[i].name, "delivery_ns") == 0) {
			value.median = m->mean;
			value.low = fmin(value.low, m->mean);
			value.high = fmax(value.high, m->mean);
		}
	return value;
}

/* "9.20 .. 9.40" in the median's unit where they share it, else with units. "" for a single value. */
static char *show_range(const char *name, const struct fl_interval *value)
{
	char median[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT];
	char *unit, *low_unit, *high_unit;

	if (value->n < 2)
		return fl_dup("");
	fl_show_metric(median, name, value->median);
	fl_show_metric(low, name, value->low);
	fl_show_metric(high, name, value->high);
	unit = strchr(median, ' ');
	low_unit = strchr(low, ' ');
	high_unit = strchr(high, ' ');
	if (unit && low_unit && high_unit && !strcmp(unit, low_unit) && !strcmp(unit, high_unit))
		*low_unit = *high_unit = 0;
	return fl_format("%s .. %s", low, high);
}

static char *show_share(const struct fl_lane_verdict *v, const struct fl_metric_summary *m, double value)
{
	if (!m || m->from != FL_RATE_BYTES || !isfinite(v->cap_bytes_per_s))
		return fl_dup("");
	return fl_format("%.0f %%", 100 * value / v->cap_bytes_per_s);
}

/* Lanes that were not measured for one reason, which is said below the table. */
static struct fl_row row_of_missing(const struct fl_judgement *j, const struct fl_lane_verdict *v, size_t n)
{
	char *subject = fl_report_subject(j, v);
	struct fl_row row = {
		.cells = {
			[LANE] = fl_format("%s (%zu lanes)", subject, n),
			[VALUE] = fl_dup("-"),
			[RANGE] = fl_dup(""),
			[SHARE] = fl_dup(""),
			[VERDICT] = fl_dup(fl_verdict_name(v->verdict)),
		},
		.verdict = v->verdict,
	};

	free(subject);
	return row;
}

static struct fl_row row_of(const struct fl_words *w, const struct fl_lane_verdict *v)
{
	const struct fl_metric_summary *m = fl_report_speaker(v);
	struct fl_interval value = m ? value_of(v, m) : (struct fl_interval){ 0 };
	char shown[FL_UNIT_TEXT];

	return (struct fl_row){
		.cells = {
			[LANE] = fl_words_name(w, v),
			[VALUE] = fl_dup(m ? fl_show_metric(shown, m->name, value.median) : "-"),
			[RANGE] = m ? show_range(m->name, &value) : fl_dup(""),
			[SHARE] = show_share(v, m, value.median),
			[VERDICT] = fl_dup(fl_verdict_name(v->verdict)),
		},
		.verdict = v->verdict,
	};
}

/* Of many studies, what their loops are held against and says nothing by itself. */
static bool is_left_out(const struct fl_judgement *j, const struct fl_lane_verdict *v)
{
	return j->feeds_n > 1 && v->evidence_only && v->verdict == FL_UNJUDGED;
}

struct fl_table fl_report_lanes(const struct fl_judgement *j, const struct fl_words *w,
				const struct fl_matrices *matrices)
{
	struct fl_table t = { .columns = j->feeds_n ? columns_of_feeds : columns, .columns_n = COLUMNS };
	size_t *alike = fl_report_alike(j, matrices, NULL);

	for (size_t i = 0; i < j->lanes_n; i++) {
		const struct fl_lane_verdict *v = &j->lanes[i];
		bool missing = v->verdict == FL_VERDICT_NOT_MEASURED && v->reason;

		if (is_left_out(j, v) || fl_report_is_quiet(v) || fl_report_in_matrix(matrices, v) ||
		    (missing && alike[i] == 0))
			continue;
		fl_table_add(&t, missing && alike[i] > 1 ? row_of_missing(j, v, alike[i]) : row_of(w, v));
	}
	free(alike);
	return t;
}
