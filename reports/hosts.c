/* SPDX-License-Identifier: Apache-2.0 */
/* hosts.c: a run on several hosts: what all have on one line each, hosts beside each other, measurements between them
 * as tables. What is equal on many is said once. */
#include "base/alloc.h"
#include "base/units.h"
#include "reports/parts.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAMED = 6,	   /* ranges of hosts that a list names */
	TABLE_MOST = 16,   /* hosts, for each of them to be in tables */
	TABLE_COLUMNS = 8, /* hosts beside each other */
	REMARKS_MOST = 16
};

/* ---- names: "n1-n8, n11" */

/* Where the number begins that the name ends in. */
static size_t number_at(const char *name)
{
	size_t n = strlen(name);

	while (n > 0 && isdigit((unsigned char)name[n - 1]))
		n--;
	return n;
}

/* Is b the host that is called as the one after a? */
static bool follows(const char *a, const char *b)
{
	size_t at = number_at(a), other = number_at(b);
	uint64_t x, y;

	if (at != other || !a[at] || !b[other] || strncmp(a, b, at) != 0 || strlen(a + at) > 18 || strlen(b + at) > 18)
		return false;
	if (strlen(a) != strlen(b) && (a[at] == '0' || b[at] == '0')) /* n09, n10 but not n9, n010 */
		return false;
	return fl_parse_count(a + at, &x, NULL) == 0 && fl_parse_count(b + at, &y, NULL) == 0 && y == x + 1;
}

char *fl_report_names_list(char *const *names, const bool *in, size_t n)
{
	struct fl_text t = { 0 };
	size_t named = 0, more = 0;
	char *clean;

	for (size_t i = 0, end; i < n; i = end) {
		end = i + 1;
		if (in && !in[i])
			continue;
		while (end < n && (!in || in[end]) && follows(names[end - 1], names[end]))
			end++;
		if (named++ >= NAMED) {
			more += end - i;
			continue;
		}
		fl_text_add(&t, "%s%s", t.n ? ", " : "", names[i]);
		if (end > i + 2)
			fl_text_add(&t, "-%s", names[end - 1]);
		else if (end > i + 1)
			fl_text_add(&t, ", %s", names[end - 1]);
	}
	if (more)
		fl_text_add(&t, " and %zu more", more);
	clean = fl_report_clean(fl_text_str(&t));
	fl_text_release(&t);
	return clean;
}

char *fl_report_host_list(const struct fl_judgement *j, const bool *in)
{
	char **names = fl_zalloc(j->hosts_n, sizeof(*names)), *list;

	for (size_t i = 0; i < j->hosts_n; i++)
		names[i] = (char *)(uintptr_t)j->hosts[i].name;
	list = fl_report_names_list(names, in, j->hosts_n);
	free(names);
	return list;
}

/* ---- what all have: the lowest, the median and the highest of hosts */

enum { LANE, WORST, MEDIAN, SPREAD, VERDICT, COLUMNS };

static const struct fl_column columns[COLUMNS] = {
	[LANE] = { .head = "on each host" },
	[WORST] = { .head = "worst", .right = true },
	[MEDIAN] = { .head = "median", .right = true },
	[SPREAD] = { .head = "spread", .right = true },
	[VERDICT] = { .head = "verdict" },
};

/* "pass" of all, or what is not: "1 fail", "1 fail, 2 others"; the one that speaks for all of them in *ret. */
static char *show_verdicts(const struct fl_between *a, enum fl_verdict *ret)
{
	static const enum fl_verdict order[] = { FL_FAIL, FL_VERDICT_INVALID, FL_INCONCLUSIVE, FL_VERDICT_NOT_MEASURED,
						 FL_UNJUDGED };
	size_t count[FL_UNJUDGED + 1] = { 0 }, others = a->lanes_n;

	*ret = FL_PASS;
	for (size_t i = 0; i < a->lanes_n; i++)
		count[a->lanes[i]->verdict]++;
	for (size_t i = sizeof(order) / sizeof(order[0]); i-- > 0;)
		if (count[order[i]])
			*ret = order[i];
	others -= count[FL_PASS] + count[*ret];
	if (count[*ret] == a->lanes_n)
		return fl_dup(fl_verdict_name(*ret));
	return others ? fl_format("%zu %s, %zu other%s", count[*ret], fl_verdict_name(*ret), others,
				  others == 1 ? "" : "s")
		      : fl_format("%zu %s", count[*ret], fl_verdict_name(*ret));
}

static bool lower_is_better(const struct fl_between *a)
{
	const struct fl_metric_summary *m = fl_report_speaker(a->lane);

	return m && strcmp(m->better, "lower") == 0;
}

/* "24.5 GB/s n3": of the worst its host, too. */
static char *show_worst(const struct fl_judgement *j, const struct fl_between *a)
{
	bool high = lower_is_better(a);
	char shown[FL_UNIT_TEXT], *name;
	char *text;

	if (a->n < 2)
		return fl_dup("");
	name = fl_report_clean(j->hosts[high ? a->high_host : a->low_host].name);
	text = fl_format("%s %s", fl_show_metric(shown, a->metric, high ? a->high : a->low), name);
	free(name);
	return text;
}

/* From the lowest to the highest, of the median. */
static char *show_spread(const struct fl_between *a)
{
	double spread = a->median != 0 ? (a->high - a->low) / fabs(a->median) : (double)NAN;

	return a->n < 2 || isnan(spread) ? fl_dup("") : fl_format("%.0f %%", fmin(100 * spread, 99999));
}

char *fl_report_across_name(const struct fl_words *w, const struct fl_between *a)
{
	char *common = fl_words_common(w, a->lane), *whole;
	size_t pairs = a->lane->each ? (a->lanes_n + 1) / 2 : a->lanes_n; /* each of them once for each way */

	if (!a->between)
		return common;
	whole = fl_format("%s, %zu pair%s%s", common, pairs, pairs == 1 ? "" : "s", a->lane->each ? " both ways" : "");
	free(common);
	return whole;
}

struct fl_table fl_report_hosts(const struct fl_judgement *j, const struct fl_words *w)
{
	struct fl_table t = { .columns = columns, .columns_n = COLUMNS };

	for (size_t i = 0; i < j->across_n; i++) {
		const struct fl_between *a = &j->across[i];
		enum fl_verdict verdict = FL_PASS;
		char shown[FL_UNIT_TEXT];
		char *verdicts = show_verdicts(a, &verdict);

		fl_table_add(&t, (struct fl_row){
					 .cells = { [LANE] = fl_report_across_name(w, a),
						    [WORST] = show_worst(j, a),
						    [MEDIAN] = fl_dup(a->n ? fl_show_metric(shown, a->metric, a->median)
									   : "-"),
						    [SPREAD] = show_spread(a),
						    [VERDICT] = verdicts },
					 .verdict = verdict,
				 });
	}
	return t;
}

/* ---- hosts beside each other, each in per cent of the median of all */

/* "74*" */
static char *show_odd(double share)
{
	char shown[FL_UNIT_TEXT];

	fl_odd_show_share(shown, share);
	*strchr(shown, ' ') = 0;
	return fl_format("%s*", shown);
}

static struct fl_row row_of(const struct fl_words *w, const struct fl_between *a, size_t from, size_t to)
{
	struct fl_row row = { .cells = { fl_report_across_name(w, a) } };

	for (size_t i = from; i < to; i++) {
		double share = a->median != 0 ? 100 * a->of_host[i] / a->median : (double)NAN;

		row.cells[i - from + 1] = isnan(share) ? fl_dup("-")
					  : a->odd[i]  ? show_odd(share / 100)
						       : fl_format("%.0f", fmin(share, 99999));
	}
	return row;
}

bool fl_section_by_host(const struct fl_judgement *j, const struct fl_words *w, size_t part, struct fl_section *ret)
{
	size_t from = part * TABLE_COLUMNS, to = from + TABLE_COLUMNS < j->hosts_n ? from + TABLE_COLUMNS : j->hosts_n;
	struct fl_table t = { .columns_n = to > from ? to - from + 1 : 0 };

	if (j->hosts_n > TABLE_MOST || from >= to || j->hosts_n < 2)
		return false;
	t.owned = fl_zalloc(t.columns_n, sizeof(*t.owned));
	t.columns = t.owned;
	t.owned[0].head = fl_dup("lane");
	for (size_t i = from; i < to; i++)
		t.owned[i - from + 1] = (struct fl_column){ fl_report_clean(j->hosts[i].name), true };
	for (size_t i = 0; i < j->across_n; i++)
		if (j->across[i].n > 1)
			fl_table_add(&t, row_of(w, &j->across[i], from, to));
	*ret = (struct fl_section){ .title = "by host, in % of the median of all; * is the odd one out", .table = t };
	return true;
}

/* ---- between hosts: rows from, columns to */

/* The host of the other lane of the measurement: that at the other end of its name's. */
static const struct fl_lane_verdict *other_of(const struct fl_judgement *j, const struct fl_lane_verdict *v)
{
	for (size_t i = 0; i < j->lanes_n; i++) {
		const struct fl_lane_verdict *o = &j->lanes[i];

		if (o != v && o->group_name && o->case_no == v->case_no && o->group == v->group)
			return o;
	}
	return NULL;
}

static char *show_pair(const struct fl_between *a, const struct fl_lane_verdict *v, const char *unit)
{
	const struct fl_metric_summary *m = fl_report_speaker(v);
	char shown[FL_UNIT_TEXT], *blank;
	bool slow = false;

	if (!m || v->verdict == FL_VERDICT_NOT_MEASURED)
		return fl_dup("-");
	for (size_t i = 0; i < a->slow_n; i++)
		slow |= a->slow[i] == v;
	fl_show_metric(shown, m->name, m->of_rounds.median);
	blank = strchr(shown, ' ');
	if (blank && strcmp(blank + 1, unit) == 0)
		*blank = 0;
	return fl_format("%s%s", shown,
			 v->verdict == FL_FAIL || v->verdict == FL_VERDICT_INVALID ? "!"
			 : slow							   ? "*"
										   : "");
}

static struct fl_table make_pairs(const struct fl_judgement *j)
{
	struct fl_table t = { .columns_n = j->hosts_n + 1 };

	t.owned = fl_zalloc(t.columns_n, sizeof(*t.owned));
	t.columns = t.owned;
	t.owned[0].head = fl_dup("from \\ to");
	for (size_t i = 0; i < j->hosts_n; i++)
		t.owned[i + 1] = (struct fl_column){ fl_report_clean(j->hosts[i].name), true };
	for (size_t i = 0; i < j->hosts_n; i++) {
		struct fl_row row = { .cells = { fl_report_clean(j->hosts[i].name) } };

		for (size_t k = 0; k < j->hosts_n; k++)
			row.cells[k + 1] = fl_dup("");
		fl_table_add(&t, row);
	}
	return t;
}

bool fl_section_between(const struct fl_judgement *j, const struct fl_words *w, size_t i, struct fl_section *ret)
{
	const struct fl_between *a = &j->across[i];
	char shown[FL_UNIT_TEXT], *unit;
	struct fl_table t;
	char *name;

	if (!a->between || j->hosts_n > TABLE_MOST || j->hosts_n < 3 || a->n == 0)
		return false;
	unit = strchr(fl_show_metric(shown, a->metric, a->median), ' ');
	unit = unit ? unit + 1 : shown + strlen(shown);
	t = make_pairs(j);
	for (size_t k = 0; k < a->lanes_n; k++) {
		const struct fl_lane_verdict *v = a->lanes[k], *other = other_of(j, v);
		const struct fl_lane_verdict *from = other && (v->each || other->rank < v->rank) ? other : v;
		const struct fl_lane_verdict *to = from == v ? other : v;
		char **cell = to ? &t.rows[from->host].cells[to->host + 1] : NULL;

		if (!cell || **cell) /* the first of several speaks */
			continue;
		free(*cell);
		*cell = show_pair(a, v, unit);
	}
	name = fl_words_common(w, a->lane);
	*ret = (struct fl_section){ .title = "between hosts: ",
				    .of = fl_format(
					    "%s%s%s; * is slow though both hosts are well, ! failed or is invalid",
					    name, *unit ? ", " : "", unit),
				    .table = t };
	free(name);
	return true;
}

/* ---- what is wrong with a host as a whole */

/* "host n3: storage.read ...": a subject and what is said of it. */
static void add_remark(struct fl_section *s, const char *text)
{
	char *clean = fl_report_clean(text), *colon = strstr(clean, ": ");

	fl_section_add(s, (struct fl_remark){ .subject = colon ? fl_format("%.*s", (int)(colon - clean), clean)
							       : fl_dup("hosts"),
					      .text = fl_dup(colon ? colon + 2 : clean) });
	free(clean);
}

struct fl_section fl_section_hosts(const struct fl_judgement *j)
{
	struct fl_section s = { .title = "hosts", .indent = 4 };

	for (size_t i = 0; i < j->odd_hosts_n && i < REMARKS_MOST; i++)
		add_remark(&s, j->odd_hosts[i]);
	if (j->odd_hosts_n > REMARKS_MOST)
		fl_section_add(&s, (struct fl_remark){ .subject = fl_dup("more"),
						       .text = fl_format("%zu sentences like these; the JSON has all",
									 j->odd_hosts_n - REMARKS_MOST) });
	return s;
}

/* ---- what else was measured, over all hosts */

static void add_metric(const struct fl_between *a, size_t metric, struct fl_text *out)
{
	double low = NAN, high = NAN;
	char from[FL_UNIT_TEXT], to[FL_UNIT_TEXT];
	const char *name = a->lane->metrics[metric].name;

	for (size_t i = 0; i < a->lanes_n; i++) {
		const struct fl_lane_verdict *v = a->lanes[i];
		double value = metric < v->metrics_n ? v->metrics[metric].of_rounds.median : (double)NAN;

		low = fmin(low, value);
		high = fmax(high, value);
	}
	if (isnan(low))
		return;
	fl_text_add(out, "%s%s %s", out->n ? "; " : "", name, fl_show_metric(from, name, low));
	if (strcmp(from, fl_show_metric(to, name, high)) != 0)
		fl_text_add(out, " to %s", to);
}

struct fl_section fl_section_further_of_hosts(const struct fl_judgement *j, const struct fl_words *w)
{
	struct fl_section s = { .title = "also measured: medians, from host to host", .indent = 6 };

	for (size_t i = 0; i < j->across_n; i++) {
		const struct fl_between *a = &j->across[i];
		struct fl_text t = { 0 };

		for (size_t k = 0; k < a->lane->metrics_n; k++)
			if (!a->metric || strcmp(a->lane->metrics[k].name, a->metric) != 0)
				add_metric(a, k, &t);
		if (t.n)
			fl_section_add(&s, (struct fl_remark){ .subject = fl_report_across_name(w, a),
							       .text = fl_report_clean(fl_text_str(&t)) });
		fl_text_release(&t);
	}
	return s;
}
