/* SPDX-License-Identifier: Apache-2.0 */
/* studied.h: runs with one study of starvation or a ladder, made in code: batches of 1 MiB, one a millisecond, from
 * /data/f on nvme-S1, by sources of planted times (feeding.h). */
#ifndef FL_TESTS_STUDIED_H
#define FL_TESTS_STUDIED_H
#include "feeding.h"
#include <stdio.h>

#define STUDIED_C 1e6
#define STUDIED_D 1048576.0

static struct fl_field studied_fields[] = {
	{ .name = "path", .type = FL_PATH, .help = "file" },
	{ .name = "source",
	  .type = FL_CHOICE,
	  .preset = "direct",
	  .range = "resident|dram|cached|buffered|direct|paced",
	  .help = "where batches come from" },
	{ .name = "step_bytes", .type = FL_BYTES, .preset = "1MiB", .range = "4KiB..16GiB", .help = "of a batch" },
	{ .name = "step_time", .type = FL_NS, .preset = "1ms", .range = "1us..1h", .help = "of a step" },
	{ .name = "prefetch", .type = FL_COUNT, .preset = "2", .range = "1..4096", .help = "batches ahead" },
	{ .name = "memory", .type = FL_DEVICE, .preset = "local", .range = "node", .help = "of the accelerator" },
	{ .name = "accelerators", .type = FL_COUNT, .preset = "1", .range = "1..64", .help = "how many" },
	{ .name = "accelerator", .type = FL_COUNT, .preset = "0", .range = "0..63", .help = "which one" },
	{ 0 },
};
static struct fl_metric studied_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload taken" },
	{ "stall_ns", FL_GIVEN, FL_LOWER, "nothing to do" },
	{ "gap_ns", FL_GIVEN, FL_LOWER, "did not begin" },
	{ "delivery_ns", FL_GIVEN, FL_LOWER, "between batches" },
	{ "ready_batches", FL_GIVEN, FL_NEITHER, "waiting" },
	{ "source_busy_ratio", FL_GIVEN, FL_NEITHER, "of the source" },
	{ "copy_busy_ratio", FL_GIVEN, FL_NEITHER, "of the copying" },
	{ "waiting_chunks", FL_GIVEN, FL_NEITHER, "before the copying" },
	{ 0 },
};
static struct fl_flow studied_flows[] = { { .from = "path", .to = "memory", .per_byte = 1 }, { 0 } };
static struct fl_rung studied_rungs[] = {
	{ "T0", NULL, "resident", NULL, NULL },		  { "T1", "ingest", "dram", "T0", "memory" },
	{ "T2", "ingest", "cached", "T1", "page cache" }, { "T2-cold", "ingest", "buffered", "T2", "path" },
	{ "T3", "ingest", "direct", "T1", "path" },	  { 0 },
};
static struct fl_rung studied_no_rungs[] = { { 0 } };

static inline void studied_declare(struct fl_run *run, char *name, char *open_loop, struct fl_rung *rungs)
{
	const struct fl_entry e = { .name = name,
				    .summary = "takes batches",
				    .program = "feedline-lane-host",
				    .numa = "path",
				    .threads = "3",
				    .verifies = true,
				    .fields = studied_fields,
				    .metrics = studied_metrics,
				    .facts = sample_no_facts,
				    .flows = studied_flows,
				    .lanes = "accelerators",
				    .lane = "accelerator",
				    .open_loop = open_loop,
				    .rungs = rungs };

	json_object_set_new(run->declared, name, fl_entry_json(&e));
}

/* The source of a case by its name; of the others the loop's own. */
static inline const char *studied_source(const char *value, const char *own)
{
	for (const struct fl_rung *r = studied_rungs; r->name; r++)
		if (strcmp(r->name, value) == 0)
			return r->source;
	return strcmp(value, "control") == 0 ? "resident" : own;
}

static inline void studied_case(struct fl_run *run, const char *value, const char *source, unsigned accelerators,
				int rounds)
{
	bool closed = strcmp(value, "loop") == 0 || strcmp(value, "control") == 0 || strncmp(value, "slowed", 6) == 0;
	const char *bench = closed ? "feed" : "ingest";
	json_t *c = sample_case(run, bench, rounds);
	char options[400];

	json_object_set_new(c, "rounds_least", json_integer(strncmp(value, "slowed", 6) == 0 ? 0 : rounds));
	json_object_set_new(c, "pass_rounds", json_integer(0));
	for (unsigned i = 0; i < (value[0] == 'T' ? 1 : accelerators); i++) {
		snprintf(options, sizeof(options),
			 "{\"path\":\"/data/f\",\"source\":\"%s\",\"step_bytes\":\"1048576\",\"step_time\":\"1000000\","
			 "\"prefetch\":\"2\",\"memory\":\"node0\",\"accelerators\":\"%u\",\"accelerator\":\"%u\"%s}",
			 studied_source(value, source), accelerators, i,
			 value[0] == 's' ? ",\"read_limit\":\"400000000\"" : "");
		sample_lane(c, bench, options, NULL);
	}
}

/* values: of the cases, in their order; ended by NULL. A second study of a run comes after the first. */
static inline void studied_add(struct fl_run *run, const char *kind, const char *source, unsigned accelerators,
			       int rounds, const char *const *values)
{
	json_t *list = json_array();

	if (!json_object_get(run->plan, "studies"))
		json_object_set_new(run->plan, "studies", json_array());
	json_array_append_new(json_object_get(run->plan, "studies"),
			      json_pack("{s:s, s:s, s:I, s:s, s:o, s:b}", "kind", kind, "label", "feed path=/data/f",
					"first_case", (json_int_t)json_array_size(json_object_get(run->plan, "cases")),
					"option", "rung", "values", list, "range", 0));
	for (; *values; values++) {
		json_array_append_new(list, json_string(*values));
		studied_case(run, *values, source, accelerators, rounds);
	}
	json_object_set_new(json_array_get(json_object_get(run->plan, "studies"),
					   json_array_size(json_object_get(run->plan, "studies")) - 1),
			    "cases", json_integer((json_int_t)json_array_size(list)));
}

static inline struct fl_run *studied_run(const char *kind, const char *source, unsigned accelerators, int rounds,
					 const char *const *values)
{
	struct fl_run *run = sample_run_new(true, NULL);

	json_object_set_new(run->plan, "schema", json_integer(2));
	studied_declare(run, "feed", "ingest", studied_rungs);
	studied_declare(run, "ingest", NULL, studied_no_rungs);
	studied_add(run, kind, source, accelerators, rounds, values);
	run->finished = true;
	return run;
}

/* ---- records */

/* What the stages did, all the time. */
struct stages {
	double source, copy, waiting;
};

static inline void studied_constant(struct fl_lane_record *r, const char *metric, double value, const struct fed *f)
{
	double *values = fl_zalloc(f->n, sizeof(*values));

	for (size_t i = 0; i < f->n; i++)
		values[i] = value;
	add_steps(r, metric, values, f->end, f->n);
	free(values);
}

static inline void studied_record(struct fl_run *run, unsigned case_no, unsigned lane, unsigned round,
				  const struct fed *f, struct stages stages)
{
	struct fl_lane_record *r = sample_record(run, case_no, lane, round);
	double rate = 1e9 * STUDIED_D * (double)(f->n - 1) / (f->end[f->n - 1] - f->end[0]);

	json_object_set_new(r->notes, "window_ns", json_real(f->end[f->n - 1]));
	sample_flat(r, "bytes_per_s", rate, 20);
	add_fed(r, f);
	studied_constant(r, "source_busy_ratio", stages.source, f);
	studied_constant(r, "copy_busy_ratio", stages.copy, f);
	studied_constant(r, "waiting_chunks", stages.waiting, f);
}

static const struct stages by_source = { 1, 0.2, 0 }, by_copy = { 0.6, 1, 6 }, idle = { 0.4, 0.2, 0 };

/* The loop: the sink takes `took`, with two batches ahead. Returns what it truly waited. */
static inline double studied_loop(struct fl_run *run, unsigned case_no, unsigned lane, unsigned round,
				  struct source source, double took, struct stages stages, size_t steps)
{
	struct fed f = feed(source, took, 2, false, steps);
	double S = true_S(&f);

	studied_record(run, case_no, lane, round, &f, stages);
	fed_release(&f);
	return S;
}

/* The open loop takes everything at once. */
static inline void studied_open(struct fl_run *run, unsigned case_no, unsigned lane, unsigned round,
				struct source source, size_t steps)
{
	struct fed f = feed(source, 0, 2, false, steps);

	studied_record(run, case_no, lane, round, &f, by_source);
	fed_release(&f);
}

#endif
