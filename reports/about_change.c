/* SPDX-License-Identifier: Apache-2.0 */
/* about_change.c: what is said of a comparison: the verdict in words, both sides, one row a primary metric, the
 * reasons, what else moved, and how to read it. */
#include "base/alloc.h"
#include "base/units.h"
#include "reports/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The text, clean; releases it. */
static char *finish(struct fl_text *t)
{
	char *clean = fl_report_clean(fl_text_str(t));

	fl_text_release(t);
	return clean;
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* ---- the verdict and the sides */

static size_t count_refused_as(const struct fl_comparison *c, enum fl_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < c->lanes_n; i++)
		n += c->lanes[i].refused && c->lanes[i].verdict == verdict;
	return n;
}

static size_t count_refused(const struct fl_comparison *c)
{
	return count_refused_as(c, FL_VERDICT_NOT_MEASURED) + count_refused_as(c, FL_UNJUDGED) +
	       count_refused_as(c, FL_FAIL);
}

static char *describe_counts(const struct fl_comparison *c)
{
	size_t refused = count_refused(c), wrong = c->count[FL_FAIL] - c->regressed;
	size_t missing =
		c->count[FL_VERDICT_NOT_MEASURED] - count_refused_as(c, FL_VERDICT_NOT_MEASURED) - c->left_out_n;
	struct fl_text t = { 0 };

	fl_text_add(&t, "%zu primary metric%s compared, %zu regressed", c->primary, plural(c->primary), c->regressed);
	if (wrong)
		fl_text_add(&t, ", %zu lane%s with wrong data", wrong, plural(wrong));
	fl_text_add(&t, ", %zu improved, %zu without a change that counts", c->improved,
		    c->count[FL_PASS] - c->improved);
	if (c->count[FL_INCONCLUSIVE])
		fl_text_add(&t, ", %zu inconclusive", c->count[FL_INCONCLUSIVE]);
	if (missing)
		fl_text_add(&t, ", %zu not measured", missing);
	if (refused)
		fl_text_add(&t, "; %zu lane%s not compared", refused, plural(refused));
	if (c->left_out_n)
		fl_text_add(&t, "; %zu host%s left out", c->left_out_n, plural(c->left_out_n));
	fl_text_add(&t, "%s", c->trustworthy ? "" : "; not trustworthy");
	return finish(&t);
}

/* A run on several hosts is there once for each, one after the other. */
static size_t count_runs(const struct fl_side *side)
{
	size_t n = 0;

	for (size_t i = 0; i < side->n; i++)
		n += i == 0 || strcmp(side->runs[i]->run, side->runs[i - 1]->run) != 0;
	return n;
}

/* "A: quick on node1, 2026-11-22T09:45:12Z, run ..." or "A: good: 3 runs of quick on node1, ... to ..." */
static void add_side(const struct fl_side *side, const char *letter, struct fl_text *t)
{
	const struct fl_evidence *first = side->runs[0], *last = side->runs[side->n - 1];
	char from[FL_TIME_TEXT], to[FL_TIME_TEXT];
	size_t runs = count_runs(side);

	fl_report_time(from, first->started_ns);
	if (runs == 1 && side->n > 1)
		fl_text_add(t, "%s: %s on %zu hosts, %s, run %s", letter, first->suite, side->n, from, first->run);
	else if (side->n == 1)
		fl_text_add(t, "%s: %s on %s, %s, run %s", letter, first->suite, first->host, from, first->run);
	else
		fl_text_add(t, "%s: %s, %zu runs of %s on %s%s, %s to %s", letter, side->name, runs, first->suite,
			    first->host, strcmp(first->host, last->host) ? " and others" : "", from,
			    fl_report_time(to, last->started_ns));
}

static char *describe_sides(const struct fl_comparison *c)
{
	struct fl_text t = { 0 };

	add_side(c->a, "A", &t);
	fl_text_add(&t, "; ");
	add_side(c->b, "B", &t);
	return finish(&t);
}

/* ---- one row a primary metric */

enum { LANE, BEFORE, AFTER, CHANGE, RANGE, LINE, VERDICT, COLUMNS };

static const struct fl_column columns[COLUMNS] = {
	[LANE] = { .head = "lane" },
	[BEFORE] = { .head = "A", .right = true },
	[AFTER] = { .head = "B", .right = true },
	[CHANGE] = { .head = "change", .right = true },
	[RANGE] = { .head = "interval" },
	[LINE] = { .head = "line", .right = true },
	[VERDICT] = { .head = "verdict" },
};

/* "+3.2 %" */
static char *show_change(double ratio)
{
	char shown[FL_UNIT_TEXT];

	if (!isfinite(ratio))
		return fl_dup("-");
	fl_show_percent(shown, ratio - 1);
	return fl_format("%s%s", ratio > 1 && strcmp(shown, "0.0 %") ? "+" : "", shown);
}

/* "-1.2 .. +0.4 %" */
static char *show_range(const struct fl_metric_change *m)
{
	char *low = show_change(m->ratio.low), *high = show_change(m->ratio.high), *range;
	char *blank = strchr(low, ' ');

	if (blank)
		*blank = 0;
	range = m->ratio.confidence > 0 ? fl_format("%s .. %s", low, high) : fl_dup("");
	free(low);
	free(high);
	return range;
}

/* The lane, and its metric where that is not the rate in bytes that everybody expects. malloc'd. */
static char *name_of(const struct fl_lane_change *lane, const struct fl_metric_change *m)
{
	char *name = strcmp(m->metric, "bytes_per_s") ? fl_format("%s: %s", lane->name, m->metric) : fl_dup(lane->name);
	char *clean = fl_report_clean(name);

	free(name);
	return clean;
}

static struct fl_row row_of(const struct fl_lane_change *lane, const struct fl_metric_change *m)
{
	char before[FL_UNIT_TEXT], after[FL_UNIT_TEXT], line[FL_UNIT_TEXT];

	return (struct fl_row){
		.cells = {
			[LANE] = name_of(lane, m),
			[BEFORE] = fl_dup(fl_show_metric(before, m->metric, m->before.median)),
			[AFTER] = fl_dup(fl_show_metric(after, m->metric, m->after.median)),
			[CHANGE] = show_change(m->ratio.ratio),
			[RANGE] = show_range(m),
			[LINE] = fl_dup(fl_show_percent(line, m->line)),
			[VERDICT] = fl_dup(fl_verdict_name(m->verdict)),
		},
		.verdict = m->verdict,
	};
}

static struct fl_row refused_row(const struct fl_lane_change *lane)
{
	struct fl_row row = { .verdict = lane->verdict };

	for (size_t i = 0; i < COLUMNS; i++)
		row.cells[i] = i == VERDICT ? fl_dup(fl_verdict_name(lane->verdict))
					    : fl_report_clean(i == LANE	  ? lane->name
							      : i < RANGE ? "-"
									  : "");
	return row;
}

static struct fl_table make_table(const struct fl_comparison *c)
{
	struct fl_table t = { .columns = columns, .columns_n = COLUMNS };

	for (size_t i = 0; i < c->lanes_n; i++) {
		const struct fl_lane_change *lane = &c->lanes[i];

		if (lane->refused)
			fl_table_add(&t, refused_row(lane));
		for (size_t k = 0; k < lane->metrics_n; k++)
			if (lane->metrics[k].primary)
				fl_table_add(&t, row_of(lane, &lane->metrics[k]));
	}
	return t;
}

/* ---- reasons */

/* p to two significant digits: more of them say nothing. */
static double rounded(double p)
{
	double scale = 1;

	while (p > 0 && p * scale < 10 && scale < 1e300)
		scale *= 10;
	return round(p * scale) / scale;
}

/* "measured: A 9.00 GB/s (8.96 to 9.05 GB/s, 8 rounds), B ..."; p is told in powers of ten that people compare. */
static void add_numbers(const struct fl_comparison *c, struct fl_remark *r, const struct fl_metric_change *m)
{
	const struct fl_interval *sides[] = { &m->before, &m->after };
	char median[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT], p[FL_UNIT_TEXT];
	struct fl_text t = { 0 };

	for (size_t i = 0; i < 2; i++)
		fl_text_add(&t, "%s%s %s, %s to %s in %zu rounds", i ? "; " : "measured: ", i ? "B" : "A",
			    fl_show_metric(median, m->metric, sides[i]->median),
			    fl_show_metric(low, m->metric, sides[i]->low),
			    fl_show_metric(high, m->metric, sides[i]->high), sides[i]->n);
	fl_text_add(&t, "; p %s among %zu primary metrics", fl_show_number(p, rounded(m->p_adjusted)), c->primary);
	fl_remark_advise(r, t.bytes, NULL);
}

/* How to see it again: what it should be is what it was. */
static void add_ways(const struct fl_comparison *c, struct fl_remark *r, const struct fl_lane_change *lane,
		     const struct fl_metric_change *m)
{
	char rate[FL_UNIT_TEXT];

	if (lane->again && !c->hosts)
		fl_remark_advise(r,
				 fl_format("again, %s, it was %s", lane->again_when,
					   fl_show_metric(rate, m->metric, m->before.median)),
				 fl_report_clean(lane->again));
	if (lane->peer->command && !strcmp(m->metric, "bytes_per_s"))
		fl_remark_advise(r,
				 fl_format("the same with %s, whose '%s' should be about %s", lane->peer->tool,
					   lane->peer->prints,
					   fl_show_rate(rate, lane->peer->counts * m->before.median)),
				 fl_report_clean(lane->peer->command));
}

static void add_reason(const struct fl_comparison *c, struct fl_section *s, const struct fl_lane_change *lane,
		       const struct fl_metric_change *m)
{
	const char *kind = m->moved == FL_MOVED_NOT ? fl_verdict_name(m->verdict) : fl_moved_name(m->moved);
	struct fl_remark *r = fl_section_add(s, (struct fl_remark){ .kind = fl_dup(kind),
								    .subject = name_of(lane, m),
								    .text = fl_report_clean(m->reason) });

	if (m->hint)
		fl_remark_advise(r, fl_report_clean(m->hint), NULL);
	if (m->verdict != FL_FAIL)
		return;
	add_numbers(c, r, m);
	add_ways(c, r, lane, m);
}

static void add_left_out(const struct fl_comparison *c, struct fl_section *s)
{
	for (size_t i = 0; i < c->left_out_n; i++)
		fl_section_add(s, (struct fl_remark){ .kind = fl_dup("not compared"),
						      .subject = fl_report_clean(c->left_out[i].host),
						      .text = fl_format("only %s has runs of this host",
									c->left_out[i].after ? "B" : "A") });
}

static struct fl_section find_reasons(const struct fl_comparison *c)
{
	struct fl_section s = { .title = "why", .indent = 4 };

	add_left_out(c, &s);
	for (size_t i = 0; i < c->lanes_n; i++) {
		const struct fl_lane_change *lane = &c->lanes[i];

		if (lane->refused)
			fl_section_add(&s, (struct fl_remark){ .kind = fl_dup(fl_verdict_name(lane->verdict)),
							       .subject = fl_report_clean(lane->name),
							       .text = fl_report_clean(lane->refused) });
		for (size_t k = 0; k < lane->metrics_n; k++)
			if (lane->metrics[k].primary && lane->metrics[k].reason)
				add_reason(c, &s, lane, &lane->metrics[k]);
		for (size_t k = 0; k < lane->distrust_n; k++)
			fl_section_add(&s, (struct fl_remark){ .kind = fl_dup("not trustworthy"),
							       .subject = fl_report_clean(lane->name),
							       .text = fl_report_clean(lane->distrust[k]) });
	}
	return s;
}

/* ---- what was different around them: whether it is the cause is the reader's question */

static struct fl_section find_around(const struct fl_comparison *c)
{
	struct fl_section s = { .title = "what else was different", .indent = 4 };

	for (size_t i = 0; i < c->around.n; i++) {
		const struct fl_difference *d = &c->around.items[i];
		char *text =
			fl_format("was %s, is %s", d->before ? d->before : "unknown", d->after ? d->after : "unknown");

		fl_section_add(
			&s, (struct fl_remark){ .subject = fl_report_clean(d->path), .text = fl_report_clean(text) });
		free(text);
	}
	if (c->around.more)
		fl_section_add(&s, (struct fl_remark){
					   .subject = fl_dup("more"),
					   .text = fl_format("%zu differences that are not listed", c->around.more) });
	return s;
}

/* ---- metrics that decide nothing: those that moved are told first, the others in one word */

static void add_other(struct fl_section *s, const struct fl_lane_change *lane)
{
	char before[FL_UNIT_TEXT], after[FL_UNIT_TEXT];
	struct fl_text t = { 0 };

	for (size_t k = 0; k < lane->metrics_n; k++) {
		const struct fl_metric_change *m = &lane->metrics[k];
		char *change;

		if (m->primary || !isfinite(m->ratio.ratio))
			continue;
		change = show_change(m->ratio.ratio);
		fl_text_add(&t, "%s%s %s, was %s: %s%s%s", t.n ? "; " : "", m->metric,
			    fl_show_metric(after, m->metric, m->after.median),
			    fl_show_metric(before, m->metric, m->before.median), change,
			    m->moved == FL_MOVED_NOT ? "" : ", ",
			    m->moved == FL_MOVED_NOT ? "" : fl_moved_name(m->moved));
		free(change);
	}
	if (t.n)
		fl_section_add(s, (struct fl_remark){ .subject = fl_report_clean(lane->name),
						      .text = fl_report_clean(fl_text_str(&t)) });
	fl_text_release(&t);
}

static struct fl_section find_others(const struct fl_comparison *c)
{
	struct fl_section s = { .title = "also compared, deciding nothing", .indent = 6 };

	for (size_t i = 0; i < c->lanes_n; i++)
		add_other(&s, &c->lanes[i]);
	return s;
}

/* ---- how to read it */

/* Where the line is. */
static void add_line(const struct fl_comparison *c, struct fl_text *t)
{
	char given[FL_UNIT_TEXT], known[FL_UNIT_TEXT], unknown[FL_UNIT_TEXT];

	fl_show_percent(given, c->tolerance);
	fl_show_percent(known, FL_CHANGE_TOLERANCE_CALIBRATED);
	fl_show_percent(unknown, FL_CHANGE_TOLERANCE);
	if (!isnan(c->tolerance))
		fl_text_add(t, "The line is the tolerance of %s", given);
	else
		fl_text_add(t, "The line is the tolerance, %s", c->floors ? known : unknown);
	if (c->floors)
		fl_text_add(t, ", or what the metric moves by itself, from %zu passes", c->passes);
	if (c->floors && isnan(c->tolerance))
		fl_text_add(t, "; %s where that is not known", unknown);
	if (!c->floors)
		fl_text_add(t, ": how far this machine moves by itself is not known (feedline baseline calibrate)");
	fl_text_add(t, ".");
}

static char *describe_legend(const struct fl_comparison *c)
{
	struct fl_text t = { 0 };

	if (c->hosts)
		fl_text_add(&t,
			    "Change: B against A, host by host for %zu hosts; the middle of their changes, with an "
			    "interval of 95 %%. ",
			    c->hosts);
	else
		fl_text_add(
			&t,
			"Change: B against A, the median of all ratios of their rounds, with an interval of 95 %%. ");
	fl_text_add(&t,
		    "A metric fails where it is worse than its line and the rank test says so at 5 %%, corrected for "
		    "%zu primary metric%s; it passes where a loss beyond the line is excluded. ",
		    c->primary, plural(c->primary));
	add_line(c, &t);
	if (!c->hosts && c->a->n == 1 && c->b->n == 1 && !c->floors)
		fl_text_add(&t, " Each side is one run, so what differs from run to run counts as a change.");
	return finish(&t);
}

struct fl_content fl_content_of_change(const struct fl_comparison *c)
{
	struct fl_content content = {
		.verdict = c->verdict,
		.counts = describe_counts(c),
		.subject = describe_sides(c),
		.table = make_table(c),
		.legend = describe_legend(c),
	};

	fl_content_add(&content, find_reasons(c));
	fl_content_add(&content, find_around(c));
	fl_content_add(&content, find_others(c));
	return content;
}
