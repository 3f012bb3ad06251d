/* SPDX-License-Identifier: Apache-2.0 */
/* starved.c: the accelerators of closed loops, one a row, and the ladders of their paths, one rung a row. */
#include "base/alloc.h"
#include "base/units.h"
#include "reports/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- accelerators */

enum { WHO, WANTS, GETS, WAITS, USED, RHO, HOP, BAND, COLUMNS };

static const struct fl_column columns[COLUMNS] = {
	[WHO] = { .head = "accelerator" },
	[WANTS] = { .head = "wants", .right = true },
	[GETS] = { .head = "could get", .right = true },
	[WAITS] = { .head = "S", .right = true },
	[USED] = { .head = "AU", .right = true },
	[RHO] = { .head = "rho", .right = true },
	[HOP] = { .head = "hop" },
	[BAND] = { .head = "band" },
};

/* "accelerator 0", "unet3d-h100", "unet3d-h100 #1": by the demand, else by the study where there are several. */
static char *name_of(const struct fl_judgement *j, const struct fl_words *w, const struct fl_study_result *s,
		     size_t lane, size_t lanes)
{
	const char *demand = s->feed->study->demand;
	const char *host;
	char *what, *name, *clean;

	if (!demand && j->feeds_n == 1)
		return fl_format("accelerator %zu", lane);
	host = s->feed->host;
	what = demand ? fl_dup(demand) : fl_files_shorten(fl_words_files(w), s->label);
	name = lanes > 1 ? fl_format("%s #%zu%s%s", what, lane, host ? " on " : "", host ? host : "")
			 : fl_format("%s%s%s", what, host ? " on " : "", host ? host : "");
	clean = fl_report_clean(name);
	free(what);
	free(name);
	return clean;
}

static char *show(const struct fl_interval *i, const char *(*how)(char buf[FL_UNIT_TEXT], double value))
{
	char shown[FL_UNIT_TEXT];

	return fl_dup(i->n ? how(shown, i->median) : "-");
}

static char *show_rho(const struct fl_interval *rho)
{
	long long hundredths = rho->n ? llround(100 * fmin(rho->median, 1e9)) : 0; /* no decimal point of a locale */

	return rho->n ? fl_format("%lld.%02lld", hundredths / 100, hundredths % 100) : fl_dup("-");
}

/* What the reasons say in full: "copying into it (one CPU, DRAM of node0)" is "copying into it" in a column. */
static char *short_hop(const char *hop)
{
	char *clean = fl_report_clean(hop), *more = strstr(clean, " (");

	if (more)
		*more = 0;
	return clean;
}

static struct fl_row row_of(const struct fl_lane_verdict *v, char *name)
{
	const struct fl_feed *feed = v->feed;
	char wants[FL_UNIT_TEXT];

	return (struct fl_row){
		.cells = {
			[WHO] = name,
			[WANTS] = fl_dup(fl_show_rate(wants, feed->demand_bytes_per_s)),
			[GETS] = show(&feed->supply_bytes_per_s, fl_show_rate),
			[WAITS] = show(&feed->S, fl_show_percent),
			[USED] = show(&feed->AU, fl_show_percent),
			[RHO] = show_rho(&feed->rho),
			[HOP] = short_hop(feed->hop),
			[BAND] = fl_dup(feed->band ? fl_band_name(feed->band) : fl_verdict_name(v->verdict)),
		},
		.verdict = v->verdict,
	};
}

static size_t count_lanes(const struct fl_study_result *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->points_n; i++)
		n += s->points[i].lane && s->points[i].lane->feed;
	return n;
}

struct fl_section fl_section_feed(const struct fl_judgement *j, const struct fl_words *w)
{
	struct fl_section section = { .title = "accelerators", .indent = 4 };

	section.table = (struct fl_table){ .columns = columns, .columns_n = COLUMNS };
	for (size_t i = 0; i < j->studies_n; i++) {
		const struct fl_study_result *s = &j->studies[i];
		size_t lanes = count_lanes(s), lane = 0;

		for (size_t k = 0; s->feed && k < s->points_n; k++) {
			const struct fl_lane_verdict *v = s->points[k].lane;

			if (v && v->feed)
				fl_table_add(&section.table, row_of(v, name_of(j, w, s, lane++, lanes)));
		}
		if (s->feed && s->feed->study->fairness)
			fl_section_add(&section,
				       (struct fl_remark){ .subject = fl_report_clean(s->label),
							   .text = fl_report_clean(s->feed->study->fairness) });
	}
	return section;
}

/* ---- ladders */

enum { RUNG, GIVES, SHARE, COSTS, HOLDS, RUNG_COLUMNS };

static const struct fl_column rung_columns[RUNG_COLUMNS] = {
	[RUNG] = { .head = "rung" },
	[GIVES] = { .head = "gives", .right = true },
	[SHARE] = { .head = "of wanted", .right = true },
	[COSTS] = { .head = "costs a batch", .right = true },
	[HOLDS] = { .head = "" },
};

static enum fl_verdict verdict_of(const struct fl_rung_result *r)
{
	if (!r->verdict)
		return FL_VERDICT_NOT_MEASURED;
	if (r->faster)
		return FL_VERDICT_INVALID;
	if (strcmp(r->verdict, "suffices") == 0)
		return FL_PASS;
	return strcmp(r->verdict, "too slow") == 0 ? FL_FAIL : FL_INCONCLUSIVE;
}

/* "T3 = T1 + drive nvme-S1" */
static char *sum_of(const struct fl_rung_result *r)
{
	char *hop = fl_report_clean(r->hop), *sum = fl_format("%s = %s + %s", r->name, r->after, hop);

	free(hop);
	return sum;
}

static char *say_holds(const struct fl_rung_result *r)
{
	if (!r->verdict)
		return fl_dup("not measured");
	return r->faster ? fl_format("faster than %s", r->after) : fl_dup(r->verdict);
}

static struct fl_row rung_row(const struct fl_rung_result *r)
{
	char share[FL_UNIT_TEXT], costs[FL_UNIT_TEXT];

	return (struct fl_row){
		.cells = {
			[RUNG] = sum_of(r),
			[GIVES] = show(&r->rate, fl_show_rate),
			[SHARE] = fl_dup(isnan(r->share) ? "-" : fl_show_percent(share, r->share)),
			[COSTS] = fl_dup(isnan(r->exposed_ns) ? "-" : fl_show_ns(costs, r->exposed_ns)),
			[HOLDS] = say_holds(r),
		},
		.verdict = verdict_of(r),
	};
}

static struct fl_row beside_row(size_t columns_n)
{
	struct fl_row row = { .cells = { fl_dup("beside its path:") }, .verdict = FL_UNJUDGED };

	for (size_t i = 1; i < columns_n; i++)
		row.cells[i] = fl_dup("");
	return row;
}

/* A longer way cannot be faster. */
static void explain_faster(const struct fl_rung_result *r, struct fl_section *section)
{
	if (r->faster)
		fl_section_add(section,
			       (struct fl_remark){ .subject = fl_dup(r->name),
						   .text = fl_format("faster than %s, which cannot be: %s", r->after,
								     r->beside ? "nothing follows from it"
									       : "the ladder is invalid") });
}

static void add_ladder(const struct fl_feed_study *study, struct fl_section *section)
{
	section->table = (struct fl_table){ .columns = rung_columns, .columns_n = RUNG_COLUMNS };
	for (size_t i = 0; i < study->rungs_n; i++) {
		if (study->rungs[i].beside && (i == 0 || !study->rungs[i - 1].beside))
			fl_table_add(&section->table, beside_row(RUNG_COLUMNS));
		fl_table_add(&section->table, rung_row(&study->rungs[i]));
		explain_faster(&study->rungs[i], section);
	}
}

/* ---- several ladders: of which workloads a rung has enough */

enum { OF, RANGE, SUFFICES, ALL_COLUMNS };

static const struct fl_column all_columns[ALL_COLUMNS] = {
	[OF] = { .head = "rung" },
	[RANGE] = { .head = "gives", .right = true },
	[SUFFICES] = { .head = "suffices for" },
};

/* A rung over all studies that have it. */
struct tally {
	const struct fl_rung_result *r; /* the first of them */
	double least, most;
	size_t of, suffice, slow;
};

static bool is_same(const struct fl_rung_result *a, const struct fl_rung_result *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->hop ? a->hop : "", b->hop ? b->hop : "") == 0;
}

static struct tally tally(const struct fl_judgement *j, const struct fl_rung_result *r)
{
	struct tally t = { .r = r, .least = INFINITY };

	for (size_t i = 0; i < j->feeds_n; i++)
		for (size_t k = 0; k < j->feeds[i].study->rungs_n; k++) {
			const struct fl_rung_result *other = &j->feeds[i].study->rungs[k];

			if (!is_same(r, other))
				continue;
			t.of++;
			t.suffice += verdict_of(other) == FL_PASS;
			t.slow += verdict_of(other) == FL_FAIL;
			if (other->rate.n) {
				t.least = fmin(t.least, other->rate.median);
				t.most = fmax(t.most, other->rate.median);
			}
		}
	return t;
}

static struct fl_row tally_row(const struct tally *t)
{
	char least[FL_UNIT_TEXT], most[FL_UNIT_TEXT];
	size_t open = t->of - t->suffice - t->slow;
	struct fl_text says = { 0 };
	bool known = t->least <= t->most;

	fl_show_rate(least, t->least);
	fl_text_add(&says, "%zu of %zu", t->suffice, t->of);
	if (t->slow)
		fl_text_add(&says, ", too slow for %zu", t->slow);
	if (open)
		fl_text_add(&says, ", open for %zu", open);
	return (struct fl_row){
		.cells = {
			[OF] = sum_of(t->r),
			[RANGE] = known ? fl_format("%s .. %s", least, fl_show_rate(most, t->most)) : fl_dup("-"),
			[SUFFICES] = says.bytes,
		},
		.verdict = t->slow ? FL_FAIL : open ? FL_INCONCLUSIVE : FL_PASS,
	};
}

/* Did an earlier study have that rung? */
static bool is_told(const struct fl_judgement *j, size_t before, const struct fl_rung_result *r)
{
	for (size_t i = 0; i < before; i++)
		for (size_t k = 0; k < j->feeds[i].study->rungs_n; k++)
			if (is_same(r, &j->feeds[i].study->rungs[k]))
				return true;
	return false;
}

static void add_ladders(const struct fl_judgement *j, struct fl_section *section)
{
	section->table = (struct fl_table){ .columns = all_columns, .columns_n = ALL_COLUMNS };
	for (int beside = 0; beside <= 1; beside++)
		for (size_t i = 0; i < j->feeds_n; i++)
			for (size_t k = 0; k < j->feeds[i].study->rungs_n; k++) {
				const struct fl_rung_result *r = &j->feeds[i].study->rungs[k];
				struct tally t;

				if (r->beside != beside || is_told(j, i, r))
					continue;
				t = tally(j, r);
				fl_table_add(&section->table, tally_row(&t));
			}
}

struct fl_section fl_section_ladder(const struct fl_judgement *j)
{
	struct fl_section section = { .title = "ladder: a hop more each, by one accelerator alone", .indent = 4 };

	if (j->feeds_n == 1)
		add_ladder(j->feeds[0].study, &section);
	else
		add_ladders(j, &section);
	return section;
}
