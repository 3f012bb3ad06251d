/* SPDX-License-Identifier: Apache-2.0 */
/* tails.c: of what hosts measured as distributions the worst tails, and where they are: medians beside each other do
 * not show the host of which one message in ten thousand takes a hundred times as long. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/stats.h"
#include "base/units.h"
#include "reports/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A percentile where it is highest; lane NULL: nowhere. */
struct worst {
	double value;
	const struct fl_lane_verdict *lane;
};

struct tail {
	const char *metric;
	double median; /* of all; of the metric that speaks for them that of the hosts, as elsewhere */
	struct worst p99, p9999;
};

static const struct fl_metric_summary *metric_of(const struct fl_lane_verdict *v, size_t metric)
{
	bool counts = v->verdict != FL_VERDICT_INVALID && v->verdict != FL_VERDICT_NOT_MEASURED && !v->wrong_data;

	return counts && metric < v->metrics_n ? &v->metrics[metric] : NULL;
}

static bool is_trusted(const struct fl_lane_verdict *v)
{
	return v->distrust_n == 0;
}

/* What disturbs a lane makes its tail the longest as a rule, and says nothing of the host: such a one is the worst only
 * where there is no other. */
static void find_worst(struct worst *w, double value, const struct fl_lane_verdict *v)
{
	bool worse = !w->lane || (is_trusted(v) == is_trusted(w->lane) ? value > w->value : is_trusted(v));

	if (!isnan(value) && worse)
		*w = (struct worst){ value, v };
}

/* False: it is no distribution, or one whose high values are not its bad ones. */
static bool find_tail(const struct fl_between *a, size_t metric, struct tail *ret)
{
	double *medians = fl_zalloc(a->lanes_n, sizeof(*medians));
	struct tail t = { .metric = a->lane->metrics[metric].name };
	size_t n = 0;

	for (size_t i = 0; i < a->lanes_n; i++) {
		const struct fl_metric_summary *m = metric_of(a->lanes[i], metric);

		if (!m || isnan(m->max) || strcmp(m->better, "lower") != 0)
			continue;
		medians[n++] = m->of_rounds.median;
		find_worst(&t.p99, m->p99, a->lanes[i]);
		find_worst(&t.p9999, m->p9999, a->lanes[i]);
	}
	t.median = a->metric && strcmp(a->metric, t.metric) == 0 ? a->median : fl_median(medians, n);
	free(medians);
	*ret = t;
	return t.p99.lane && t.p9999.lane;
}

/* ---- for people */

enum { OF, MEDIAN, P99, P9999, COLUMNS };

static const struct fl_column columns[COLUMNS] = {
	[OF] = { .head = "distribution" },
	[MEDIAN] = { .head = "median", .right = true },
	[P99] = { .head = "worst p99", .right = true },
	[P9999] = { .head = "worst p99.99", .right = true },
};

static const char *place_of(const struct fl_lane_verdict *v)
{
	return v->group_name ? v->group_name : v->host_name;
}

/* "80.0 us n3 to n6"; "9.00 ms n5 to n6 ?": not to be trusted */
static char *show_worst(const char *metric, const struct worst *w)
{
	char shown[FL_UNIT_TEXT], *place = fl_report_clean(place_of(w->lane)), *text;

	text = fl_format("%s %s%s", fl_show_metric(shown, metric, w->value), place, is_trusted(w->lane) ? "" : " ?");
	free(place);
	return text;
}

/* The metric that speaks for a lane goes without saying. */
static char *name_of(const struct fl_words *w, const struct fl_between *a, const char *metric)
{
	char *lanes = fl_report_across_name(w, a), *name;

	if (a->metric && strcmp(a->metric, metric) == 0)
		return lanes;
	name = fl_format("%s of %s", metric, lanes);
	free(lanes);
	return name;
}

struct fl_section fl_section_tails(const struct fl_judgement *j, const struct fl_words *w)
{
	struct fl_section s = { .title = "tails: the worst of all, and where",
				.table = { .columns = columns, .columns_n = COLUMNS } };

	for (size_t i = 0; i < j->across_n; i++)
		for (size_t k = 0; k < j->across[i].lane->metrics_n; k++) {
			struct tail t;
			char shown[FL_UNIT_TEXT];

			if (!find_tail(&j->across[i], k, &t))
				continue;
			if (!is_trusted(t.p99.lane) || !is_trusted(t.p9999.lane))
				s.title = "tails: the worst of all, and where; ? is not trustworthy";
			fl_table_add(
				&s.table,
				(struct fl_row){ .cells = {
							 [OF] = name_of(w, &j->across[i], t.metric),
							 [MEDIAN] = fl_dup(fl_show_metric(shown, t.metric, t.median)),
							 [P99] = show_worst(t.metric, &t.p99),
							 [P9999] = show_worst(t.metric, &t.p9999),
						 } });
		}
	return s;
}

/* ---- for programs */

static json_t *worst_json(const struct fl_judgement *j, const struct worst *w)
{
	return json_pack("{s:o, s:o, s:I, s:b}", "value", fl_json_number(w->value), "at",
			 fl_json_string(place_of(w->lane)), "lane", (json_int_t)(w->lane - j->lanes), "trustworthy",
			 is_trusted(w->lane));
}

json_t *fl_tails_json(const struct fl_judgement *j, const struct fl_between *a)
{
	json_t *all = json_array();

	for (size_t i = 0; i < a->lane->metrics_n; i++) {
		struct tail t;

		if (find_tail(a, i, &t))
			json_array_append_new(all, json_pack("{s:o, s:o, s:o, s:o}", "metric", fl_json_string(t.metric),
							     "median", fl_json_number(t.median), "p99",
							     worst_json(j, &t.p99), "p9999", worst_json(j, &t.p9999)));
	}
	return all;
}
