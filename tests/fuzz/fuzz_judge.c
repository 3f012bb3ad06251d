/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_judge.c: a run from a store that anybody may have changed, to a judgement and reports. The input is an object
 * with "plan", "declared", "finished" and "lanes"; a lane's members are those of the record, with the samples of one
 * series in "value". */
#include "../unit/sample_run.h"
#include "judge/judge.h"
#include "reports/reports.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void replace(json_t **into, const json_t *doc, const char *key)
{
	json_t *value = json_object_get(doc, key);

	if (value) {
		json_decref(*into);
		*into = json_incref(value);
	}
}

static unsigned number(const json_t *doc, const char *key)
{
	return (unsigned)json_integer_value(json_object_get(doc, key));
}

static void add_series(struct fl_lane_record *r, const json_t *doc)
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
		const json_t *value = json_array_get(values, i);

		s->value[i] = json_is_number(value) ? json_number_value(value) : NAN;
		s->at[i] = s->value[i] / 2;
		s->valid[i] = !json_is_null(value);
	}
}

static void add_record(struct fl_run *run, const json_t *doc)
{
	struct fl_lane_record *r = fl_run_add_lane(run);

	r->case_no = number(doc, "case");
	r->lane = number(doc, "lane");
	r->round = number(doc, "round");
	r->outcome = (enum fl_outcome)(number(doc, "outcome") % 3);
	r->bench = fl_dup(fl_json_text_or_null(doc, "bench"));
	r->reason = fl_dup(fl_json_text_or_null(doc, "reason"));
	r->hint = fl_dup(fl_json_text_or_null(doc, "hint"));
	replace(&r->options, doc, "options");
	replace(&r->placement, doc, "placement");
	replace(&r->facts, doc, "facts");
	replace(&r->caps, doc, "caps");
	replace(&r->distrust, doc, "distrust");
	replace(&r->notes, doc, "notes");
	add_series(r, doc);
}

static void report(const struct fl_run *run, const struct fl_judgement *j)
{
	const struct fl_look look = { .width = 80 };

	for (const struct fl_renderer *r = fl_renderers; r->name; r++) {
		struct fl_text once = { 0 }, twice = { 0 };

		r->run(run, j, &look, &once);
		r->run(run, j, &look, &twice);
		if (once.n != twice.n || memcmp(once.bytes, twice.bytes, once.n) != 0)
			abort();
		fl_text_release(&once);
		fl_text_release(&twice);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fl_judgement *j = NULL;
	struct fl_err err = { 0 };
	struct fl_run *run;
	json_t *doc, *lane;
	size_t i;

	if (fl_json_parse((const char *)bytes, n, "run", &doc, &err) < 0)
		return 0;
	run = sample_run_new(false, NULL);
	replace(&run->plan, doc, "plan");
	replace(&run->declared, doc, "declared");
	run->finished = json_is_true(json_object_get(doc, "finished"));
	json_array_foreach(json_object_get(doc, "lanes"), i, lane) add_record(run, lane);
	if (fl_judge(run, &j, &err) == 0)
		report(run, j);
	else if (!err.what[0])
		abort();
	fl_judgement_free(j);
	fl_run_free(run);
	json_decref(doc);
	return 0;
}
