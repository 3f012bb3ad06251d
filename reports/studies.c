/* SPDX-License-Identifier: Apache-2.0 */
/* studies.c: what studies found: for people one remark a study, for programs all of its points. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "reports/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- for people */

/* "depth=32: 2.56 GB/s", "depth=64: not needed" */
static void add_value(const struct fl_study_result *s, const struct fl_study_point *p, const struct fl_words *w,
		      struct fl_text *out)
{
	char *value = fl_study_value(s, p);
	char shown[FL_UNIT_TEXT];

	fl_text_add(out, "%s: ", fl_files_name(fl_words_files(w), value));
	if (!p->lane)
		fl_text_add(out, "not needed");
	else if (isnan(p->median))
		fl_text_add(out, "not measured");
	else
		fl_text_add(out, "%s", fl_show_metric(shown, p->metric, p->median));
	free(value);
}

/* "memory.copy beside storage.read is 67 % of what it is alone", which says as much of a time as of a rate */
static void add_share(const struct fl_study_point *p, const struct fl_words *w, struct fl_text *out)
{
	char *name = p->lane ? fl_words_name(w, p->lane) : fl_dup("?");
	char shown[FL_UNIT_TEXT];

	if (p->ratio.n)
		fl_text_add(out, "%s is %s of what it is alone", name, fl_show_percent(shown, p->ratio.median));
	else
		fl_text_add(out, "%s was not measured both ways", name);
	free(name);
}

static void add_spread(const struct fl_study_point *p, const struct fl_words *w, struct fl_text *out)
{
	char *name = fl_words_name(w, p->lane);
	char shown[FL_UNIT_TEXT];

	fl_text_add(out, "%s %s", name, isnan(p->spread) ? "-" : fl_show_percent(shown, p->spread));
	free(name);
}

/* None of its values was measured, all for one reason, which is said of the lanes: what it found says it all. */
static bool is_missing(const struct fl_study_result *s)
{
	const struct fl_lane_verdict *first = s->points[0].lane;

	for (size_t i = 0; i < s->points_n; i++) {
		const struct fl_study_point *p = &s->points[i];

		if (!p->value || !p->lane || !isnan(p->median) || p->lane->verdict != FL_VERDICT_NOT_MEASURED ||
		    strcmp(p->lane->reason ? p->lane->reason : "", first->reason ? first->reason : "") != 0)
			return false;
	}
	return true;
}

/* What it found, and then point by point what is not said yet. */
static char *describe(const struct fl_study_result *s, const struct fl_words *w)
{
	struct fl_text t = { 0 };
	char *clean;

	fl_text_add(&t, "%s", s->found);
	for (size_t i = 0; s->points_n > 1 && !is_missing(s) && i < s->points_n; i++) {
		const struct fl_study_point *p = &s->points[i];

		fl_text_add(&t, "%s", i ? ", " : "; ");
		if (p->value)
			add_value(s, p, w, &t);
		else if (p->base)
			add_share(p, w, &t);
		else
			add_spread(p, w, &t);
	}
	clean = fl_report_clean(t.bytes);
	fl_text_release(&t);
	return clean;
}

enum { HOSTS_MOST = 16 }; /* of more, only programs are told what each found */

/* NULL: the run is on one machine. */
static const char *host_of(const struct fl_study_result *s)
{
	for (size_t i = 0; i < s->points_n; i++)
		if (s->points[i].lane)
			return s->points[i].lane->host_name;
	return NULL;
}

struct fl_section fl_section_studies(const struct fl_judgement *j, const struct fl_words *w)
{
	struct fl_section section = { .title = "studies", .indent = 4 };

	for (size_t i = 0; i < j->studies_n && j->hosts_n <= HOSTS_MOST; i++) {
		const struct fl_study_result *s = &j->studies[i];
		const char *host = host_of(s);
		char *label;

		if (s->feed) /* it has sections of its own */
			continue;
		label = fl_files_shorten(fl_words_files(w), s->label);

		fl_section_add(&section, (struct fl_remark){ .kind = fl_report_clean(s->kind),
							     .subject = fl_report_clean(label),
							     .aside = host ? fl_format(" on %s", host) : NULL,
							     .text = describe(s, w) });
		free(label);
	}
	return section;
}

/* ---- for programs */

static void set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

static json_t *ratio_json(const struct fl_interval *ratio)
{
	json_t *o;

	if (ratio->n == 0)
		return json_null();
	o = json_object();
	set(o, "median", fl_json_number(ratio->median));
	set(o, "low", fl_json_number(ratio->low));
	set(o, "high", fl_json_number(ratio->high));
	set(o, "confidence", fl_json_number(ratio->confidence));
	set(o, "n", json_integer((json_int_t)ratio->n));
	return o;
}

/* Its place in the list of lanes; null: none. */
static json_t *place_json(const struct fl_judgement *j, const struct fl_lane_verdict *v)
{
	return v ? json_integer(v - j->lanes) : json_null();
}

static json_t *point_json(const struct fl_judgement *j, const struct fl_study_point *p)
{
	json_t *o = json_object();

	set(o, "value", fl_json_string(p->value));
	set(o, "lane", place_json(j, p->lane));
	set(o, "base_lane", place_json(j, p->base));
	set(o, "metric", fl_json_string(p->metric));
	set(o, "median", fl_json_number(p->median));
	set(o, "ratio", ratio_json(&p->ratio));
	set(o, "spread_ratio", fl_json_number(p->spread));
	return o;
}

static json_t *study_json(const struct fl_judgement *j, const struct fl_study_result *s)
{
	json_t *o = json_object(), *points = json_array();

	for (size_t i = 0; i < s->points_n; i++)
		json_array_append_new(points, point_json(j, &s->points[i]));
	set(o, "kind", fl_json_string(s->kind));
	set(o, "label", fl_json_string(s->label));
	if (host_of(s))
		set(o, "host", fl_json_string(host_of(s)));
	set(o, "option", fl_json_string(s->option));
	set(o, "found", fl_json_string(s->found));
	set(o, "knee", fl_json_string(s->knee ? s->knee->value : NULL));
	set(o, "best", fl_json_string(s->best ? s->best->value : NULL));
	set(o, "answer", fl_json_string(s->answer));
	set(o, "sum", ratio_json(&s->sum));
	set(o, "points", points);
	fl_feed_study_json(s, o);
	return o;
}

json_t *fl_studies_json(const struct fl_judgement *j)
{
	json_t *studies = json_array();

	for (size_t i = 0; i < j->studies_n; i++)
		json_array_append_new(studies, study_json(j, &j->studies[i]));
	return studies;
}
