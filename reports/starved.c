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
	char *what, *name, *clean;

	if (!demand && j->feeds_n == 1)
		return fl_format("accelerator %zu", lane);
	what = demand ? fl_dup(demand) : fl_files_shorten(fl_words_files(w), s->label);
	name = lanes > 1 ? fl_format("%s #%zu", what, lane) : fl_dup(what);
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
			[HOP] = fl_report_clean(feed->hop),
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

enum { RUNG, ADDS, GIVES, SHARE, COSTS, HOLDS, RUNG_COLUMNS };

static const struct fl_column rung_columns[RUNG_COLUMNS] = {
	[RUNG] = { .head = "rung" },
	[ADDS] = { .head = "adds" },
	[GIVES] = { .head = "gives", .right = true },
	[SHARE] = { .head = "of wanted", .right = true },
	[COSTS] = { .head = "costs a batch", .right = true },
	[HOLDS] = { .head = "" },
};

static enum fl_verdict verdict_of(const struct fl_rung_result *r)
{
	if (!r->verdict)
		return FL_VERDICT_NOT_MEASURED;
	if (strcmp(r->verdict, "suffices") == 0)
		return FL_PASS;
	return strcmp(r->verdict, "too slow") == 0 ? FL_FAIL : FL_INCONCLUSIVE;
}

static struct fl_row rung_row(const struct fl_feed_study *study, const struct fl_rung_result *r, bool several)
{
	char share[FL_UNIT_TEXT], costs[FL_UNIT_TEXT];
	const char *demand = several && study->demand ? study->demand : "";

	return (struct fl_row){
		.cells = {
			[RUNG] = fl_format("%s%s%s", demand, *demand ? " " : "", r->name),
			[ADDS] = fl_report_clean(r->hop),
			[GIVES] = show(&r->rate, fl_show_rate),
			[SHARE] = fl_dup(isnan(r->share) ? "-" : fl_show_percent(share, r->share)),
			[COSTS] = fl_dup(isnan(r->exposed_ns) ? "-" : fl_show_ns(costs, r->exposed_ns)),
			[HOLDS] = fl_dup(r->verdict ? r->verdict : "not measured"),
		},
		.verdict = verdict_of(r),
	};
}

struct fl_section fl_section_ladder(const struct fl_judgement *j, const struct fl_words *w)
{
	struct fl_section section = { .title = "ladder: one hop more a rung, each for one accelerator alone",
				      .indent = 4 };

	(void)w;
	section.table = (struct fl_table){ .columns = rung_columns, .columns_n = RUNG_COLUMNS };
	for (size_t i = 0; i < j->feeds_n; i++) {
		const struct fl_feed_study *study = j->feeds[i].study;

		for (size_t k = 0; k < study->rungs_n; k++)
			fl_table_add(&section.table, rung_row(study, &study->rungs[k], j->feeds_n > 1));
	}
	return section;
}
