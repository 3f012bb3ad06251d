/* SPDX-License-Identifier: Apache-2.0 */
/* show_json.c: the content of a run for programs. */
#include "base/json.h"
#include "record/series.h"
#include "reports/parts.h"
#include "reports/show.h"
#include <stdlib.h>

static json_t *numbers(const double *values, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, fl_json_number(values[i]));
	return list;
}

static json_t *valid(const struct fl_series *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(list, json_boolean(s->valid[i]));
	return list;
}

/* {"at": [...], "value": [...], "valid": [...]}; null where that round has none. */
static json_t *samples(const struct fl_series *s)
{
	json_t *o;

	if (!s)
		return json_null();
	o = json_object();
	json_object_set_new(o, "at", numbers(s->at, s->n));
	json_object_set_new(o, "value", numbers(s->value, s->n));
	if (s->kind == FL_SERIES_SAMPLES)
		json_object_set_new(o, "valid", valid(s));
	return o;
}

static json_t *metric_json(const struct fl_show_lane *lane, const char *metric, bool with_samples)
{
	json_t *o = json_object(), *medians = json_array(), *counts = json_array(), *all = json_array();

	for (size_t r = 0; r < lane->n; r++) {
		const struct fl_series *s = fl_show_series(lane->rounds[r], metric);

		json_array_append_new(medians, s ? fl_json_number(fl_series_median(s)) : json_null());
		json_array_append_new(counts, json_integer(s ? (json_int_t)s->n : 0));
		if (with_samples)
			json_array_append_new(all, samples(s));
	}
	json_object_set_new(o, "medians", medians);
	json_object_set_new(o, "samples_n", counts);
	if (with_samples)
		json_object_set_new(o, "samples", all);
	json_decref(with_samples ? NULL : all);
	return o;
}

static json_t *round_json(const struct fl_lane_record *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "round", json_integer(r->round));
	json_object_set_new(o, "outcome", json_string(fl_outcome_name(r->outcome)));
	json_object_set_new(o, "reason", fl_json_string(r->reason));
	json_object_set_new(o, "hint", fl_json_string(r->hint));
	json_object_set(o, "placement", r->placement);
	json_object_set(o, "facts", r->facts);
	json_object_set(o, "caps", r->caps);
	json_object_set(o, "notes", r->notes);
	json_object_set(o, "distrust", r->distrust);
	return o;
}

static json_t *lane_json(const struct fl_show_lane *lane, bool with_samples)
{
	json_t *o = json_object(), *rounds = json_array(), *metrics = json_object();
	const struct fl_lane_record *first = lane->rounds[0];
	size_t n;
	const char **names = fl_show_metrics(lane, &n);

	for (size_t r = 0; r < lane->n; r++)
		json_array_append_new(rounds, round_json(lane->rounds[r]));
	for (size_t i = 0; i < n; i++)
		json_object_set_new(metrics, names[i], metric_json(lane, names[i], with_samples));
	free(names);
	json_object_set_new(o, "case", json_integer(first->case_no));
	json_object_set_new(o, "lane", json_integer(first->lane));
	json_object_set_new(o, "bench", fl_json_string(first->bench));
	json_object_set(o, "options", first->options);
	json_object_set_new(o, "rounds", rounds);
	json_object_set_new(o, "metrics", metrics);
	return o;
}

/* One metric of one subject beside one case in one round. */
static json_t *watched_json(const struct fl_watched *w, bool with_samples)
{
	struct fl_watched_summary sum = fl_watched_summarize(&w->series);
	json_t *o = json_object();

	json_object_set_new(o, "case", json_integer(w->case_no));
	json_object_set_new(o, "round", json_integer(w->round));
	json_object_set_new(o, "subject", fl_json_string(w->subject));
	json_object_set_new(o, "metric", fl_json_string(w->series.metric));
	json_object_set_new(o, "median", fl_json_number(sum.median));
	json_object_set_new(o, "low", fl_json_number(sum.low));
	json_object_set_new(o, "high", fl_json_number(sum.high));
	json_object_set_new(o, "samples_n", json_integer((json_int_t)w->series.n));
	if (with_samples)
		json_object_set_new(o, "samples", samples(&w->series));
	return o;
}

static json_t *all_watched(const struct fl_shown *shown)
{
	json_t *list = json_array();

	for (size_t i = 0; i < shown->run->watched_n; i++)
		json_array_append_new(list, watched_json(&shown->run->watched[i], shown->samples));
	return list;
}

static json_t *hosts_json(const struct fl_run *run)
{
	json_t *list = json_array();

	for (size_t i = 0; i < run->hosts_n; i++) {
		const struct fl_run_host *host = &run->hosts[i];
		json_t *o = json_object();

		json_object_set_new(o, "name", fl_json_string(host->name));
		json_object_set(o, "machine", host->machine);
		json_object_set(o, "environment", host->environment);
		json_array_append_new(list, o);
	}
	return list;
}

json_t *fl_show_json(const struct fl_shown *shown)
{
	const struct fl_run *run = shown->run;
	struct fl_show_lanes lanes = fl_show_lanes_make(run);
	json_t *o = json_object(), *list = json_array();
	char time[FL_TIME_TEXT];

	for (size_t i = 0; i < lanes.n; i++)
		json_array_append_new(list, lane_json(&lanes.items[i], shown->samples));
	fl_show_lanes_release(&lanes);
	json_object_set_new(o, "id", fl_json_string(run->id));
	json_object_set_new(o, "started", json_string(fl_report_time(time, run->started_ns)));
	json_object_set_new(o, "state", json_string(fl_run_state_name(shown->state)));
	json_object_set_new(o, "status", run->finished ? json_integer(run->status) : json_null());
	json_object_set_new(o, "suite", fl_json_string(fl_json_text_or_null(run->plan, "suite")));
	json_object_set(o, "environment", run->environment);
	json_object_set(o, "machine", run->machine);
	if (run->hosts_n)
		json_object_set_new(o, "hosts", hosts_json(run));
	json_object_set_new(o, "lanes", list);
	json_object_set_new(o, "watched", all_watched(shown));
	return o;
}
