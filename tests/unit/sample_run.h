/* SPDX-License-Identifier: Apache-2.0 */
/* sample_run.h: runs made in code, over the machine and the catalog of sample.h, for the tests of judge and reports. */
#ifndef FL_TESTS_SAMPLE_RUN_H
#define FL_TESTS_SAMPLE_RUN_H
#include "base/alloc.h"
#include "base/json.h"
#include "record/record.h"
#include "sample.h"
#include <stdlib.h>
#include <string.h>

static inline json_t *sample_declared(void)
{
	struct fl_catalog catalog = sample_catalog();
	json_t *o = json_object();

	for (size_t i = 0; i < catalog.n; i++)
		json_object_set_new(o, catalog.entries[i].name, fl_entry_json(&catalog.entries[i]));
	return o;
}

/* An empty run. bench: as `feedline bench` makes it; require: the one name that the suite requires, NULL: none. */
static inline struct fl_run *sample_run_new(bool bench, const char *require)
{
	struct fl_run *run = fl_zalloc(1, sizeof(*run));
	struct sample_machine s;

	sample_machine_init(&s);
	fl_copy(run->id, sizeof(run->id), "20261122T094512Z-7f3a9c");
	run->started_ns = 1795340712000000000; /* 2026-11-22T09:45:12Z */
	run->status = -1;
	run->plan = json_pack("{s:i, s:s, s:b, s:[], s:[]}", "schema", 1, "suite", "sample", "required", bench,
			      "require", "cases");
	if (require)
		json_array_append_new(json_object_get(run->plan, "require"), json_string(require));
	run->machine = fl_machine_json(&s.m);
	run->environment = json_pack("{s:s}", "version", "0.1.0");
	run->declared = sample_declared();
	return run;
}

/* A case; its number is the count of those before. */
static inline json_t *sample_case(struct fl_run *run, const char *label, int rounds)
{
	json_t *c = json_pack("{s:s, s:i, s:i, s:[]}", "label", label, "rounds", rounds, "duration_ns", 0, "lanes");

	json_array_append_new(json_object_get(run->plan, "cases"), c);
	return c;
}

/* A lane of that case. options: canonical texts as a JSON object. */
static inline json_t *sample_lane(json_t *c, const char *bench, const char *options, const char *skip)
{
	json_t *lanes = json_object_get(c, "lanes");
	json_t *lane = json_pack("{s:s, s:o, s:s, s:i, s:i, s:b, s:s?, s:n}", "bench", bench, "options",
				 json_loads(options, 0, NULL), "cpus", "0-1", "node", 0, "worker",
				 (int)json_array_size(lanes), "shares_cpus", 0, "skip", skip, "hint");

	json_array_append_new(lanes, lane);
	return lane;
}

/* Options as a record has them: numbers where the benchmark declares numbers. */
static inline json_t *sample_options(const struct fl_run *run, unsigned case_no, unsigned lane_no, const char **bench)
{
	json_t *c = json_array_get(json_object_get(run->plan, "cases"), case_no);
	json_t *lane = json_array_get(json_object_get(c, "lanes"), lane_no), *value, *options = json_object();
	const char *name;

	*bench = json_string_value(json_object_get(lane, "bench"));
	json_object_foreach(json_object_get(lane, "options"), name, value)
	{
		const char *text = json_string_value(value);
		bool number = text[0] && strspn(text, "0123456789") == strlen(text);

		json_object_set_new(options, name, number ? json_integer(atoll(text)) : json_string(text));
	}
	return options;
}

/* A measured record of that lane without any series. Valid until the next one. */
static inline struct fl_lane_record *sample_record(struct fl_run *run, unsigned case_no, unsigned lane_no,
						   unsigned round)
{
	struct fl_lane_record *r = fl_run_add_lane(run);
	const char *bench;

	r->case_no = case_no;
	r->lane = lane_no;
	r->round = round;
	r->options = sample_options(run, case_no, lane_no, &bench);
	r->bench = fl_dup(bench);
	r->placement = json_pack("{s:s, s:i, s:b, s:n}", "cpus", "0-1", "node", 0, "verified", 1, "reason");
	r->facts = json_object();
	r->caps = json_array();
	r->distrust = json_array();
	r->notes = json_pack("{s:b, s:{s:n, s:f}}", "verified", 1, "witnesses", "others_ratio", "run_queue_wait_ratio",
			     0.01);
	return r;
}

static inline struct fl_series *sample_series(struct fl_lane_record *r, const char *metric, enum fl_series_kind kind,
					      size_t n)
{
	struct fl_series *s;

	r->series = fl_grow(r->series, r->series_n + 1, sizeof(*r->series));
	s = &r->series[r->series_n++];
	*s = (struct fl_series){ .metric = fl_dup(metric),
				 .kind = kind,
				 .n = n,
				 .at = fl_zalloc(n, sizeof(double)),
				 .value = fl_zalloc(n, sizeof(double)),
				 .valid = fl_zalloc(n, 1) };
	return s;
}

/* n equal samples. */
static inline void sample_flat(struct fl_lane_record *r, const char *metric, double value, size_t n)
{
	struct fl_series *s = sample_series(r, metric, FL_SERIES_SAMPLES, n);

	for (size_t i = 0; i < n; i++) {
		s->at[i] = (double)(i + 1) * 1e7;
		s->value[i] = value;
		s->valid[i] = 1;
	}
}

/* Samples from low to high in equal steps. */
static inline void sample_ramp(struct fl_lane_record *r, const char *metric, double low, double high, size_t n)
{
	sample_flat(r, metric, low, n);
	for (size_t i = 1; i < n; i++)
		r->series[r->series_n - 1].value[i] = low + (high - low) * (double)i / (double)(n - 1);
}

static inline void sample_cap(struct fl_lane_record *r, const char *hop, double bytes_per_s)
{
	json_array_append_new(r->caps, json_pack("{s:s, s:f, s:s, s:n}", "hop", hop, "cap_bytes_per_s", bytes_per_s,
						 "origin", "computed", "reason"));
}

#endif
