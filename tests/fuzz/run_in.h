/* SPDX-License-Identifier: Apache-2.0 */
/* run_in.h: a run as the fuzzers of judge and compare take it: an object with "id", "host", "plan", "declared",
 * "machine", "environment", "finished", "hosts" (each with "name", "machine", "environment") and "lanes"; a lane's
 * members are those of the record, with the samples of one series in "value" (and "metric", "at"), or of several in
 * such objects in "series". What is left out is as in sample_run.h; the closed loop of studied.h is declared, too. */
#ifndef FL_TESTS_RUN_IN_H
#define FL_TESTS_RUN_IN_H
#include "../unit/studied.h"

static inline void run_in_replace(json_t **into, const json_t *doc, const char *key)
{
	json_t *value = json_object_get(doc, key);

	if (value) {
		json_decref(*into);
		*into = json_incref(value);
	}
}

static inline unsigned run_in_number(const json_t *doc, const char *key)
{
	return (unsigned)json_integer_value(json_object_get(doc, key));
}

static inline void run_in_series(struct fl_lane_record *r, const json_t *doc)
{
	const json_t *values = json_object_get(doc, "value");
	const char *metric = fl_json_text_or_null(doc, "metric");
	enum fl_series_kind kind =
		json_is_true(json_object_get(doc, "histogram")) ? FL_SERIES_HISTOGRAM : FL_SERIES_SAMPLES;
	struct fl_series *s;

	if (!metric)
		return;
	s = sample_series(r, metric, kind, json_array_size(values));
	for (size_t i = 0; i < s->n; i++) {
		const json_t *value = json_array_get(values, i), *at = json_array_get(json_object_get(doc, "at"), i);

		s->value[i] = json_is_number(value) ? json_number_value(value) : NAN;
		s->at[i] = json_is_number(at) ? json_number_value(at) : s->value[i] / 2;
		s->valid[i] = !json_is_null(value);
	}
}

static inline void run_in_record(struct fl_run *run, const json_t *doc)
{
	struct fl_lane_record *r = fl_run_add_lane(run);
	json_t *series;
	size_t i;

	r->case_no = run_in_number(doc, "case");
	r->lane = run_in_number(doc, "lane");
	r->round = run_in_number(doc, "round");
	r->outcome = (enum fl_outcome)(run_in_number(doc, "outcome") % 3);
	r->bench = fl_dup(fl_json_text_or_null(doc, "bench"));
	r->reason = fl_dup(fl_json_text_or_null(doc, "reason"));
	r->hint = fl_dup(fl_json_text_or_null(doc, "hint"));
	run_in_replace(&r->options, doc, "options");
	run_in_replace(&r->placement, doc, "placement");
	run_in_replace(&r->facts, doc, "facts");
	run_in_replace(&r->caps, doc, "caps");
	run_in_replace(&r->distrust, doc, "distrust");
	run_in_replace(&r->notes, doc, "notes");
	run_in_series(r, doc);
	json_array_foreach(json_object_get(doc, "series"), i, series) run_in_series(r, series);
}

static inline void run_in_host(struct fl_run *run, const json_t *doc)
{
	const char *name = fl_json_text_or_null(doc, "name");
	json_t *machine = json_object_get(doc, "machine");

	if (run->hosts_n < 64)
		fl_run_add_host(run, name ? name : "", json_incref(machine ? machine : run->machine),
				json_incref(json_object_get(doc, "environment")));
}

static inline struct fl_run *run_in(const json_t *doc)
{
	struct fl_run *run = sample_run_new(false, NULL);
	const char *id = fl_json_text_or_null(doc, "id");
	json_t *lane;
	size_t i;

	studied_declare(run, "feed", "ingest", studied_rungs);
	studied_declare(run, "ingest", NULL, studied_no_rungs);
	if (id)
		fl_copy(run->id, sizeof(run->id), id);
	run_in_replace(&run->plan, doc, "plan");
	run_in_replace(&run->declared, doc, "declared");
	run_in_replace(&run->machine, doc, "machine");
	if (json_object_get(doc, "host"))
		json_object_set(run->machine, "host", json_object_get(doc, "host"));
	run_in_replace(&run->environment, doc, "environment");
	json_array_foreach(json_object_get(doc, "hosts"), i, lane) run_in_host(run, lane);
	run->finished = json_is_true(json_object_get(doc, "finished"));
	json_array_foreach(json_object_get(doc, "lanes"), i, lane) run_in_record(run, lane);
	return run;
}

#endif
