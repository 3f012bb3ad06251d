/* SPDX-License-Identifier: Apache-2.0 */
/* history.c: makes a store with large runs for scripts/bench-self. Each is finished and has CASES cases of 10 lanes, 10
 * rounds, and 10 metrics of 10 samples a lane: 10,000 samples a case. The machine is that of a file.
 *   history STORE MACHINE.json RUNS CASES */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "record/store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 10, ROUNDS = 10, METRICS = 10, SAMPLES = 10, MACHINE_BYTES_MAX = 1 << 20 };
static const char bench[] = "null.many";

/* Rates, which have other limits than given values: of those a benchmark may have 8. */
static const struct {
	const char *name, *from;
} metrics[METRICS] = {
	{ "bytes_per_s", "rate_bytes" }, { "ops_per_s", "rate_ops" }, { "value_1", "given" }, { "value_2", "given" },
	{ "value_3", "given" },		 { "value_4", "given" },      { "value_5", "given" }, { "value_6", "given" },
	{ "value_7", "given" },		 { "value_8", "given" },
};

static json_t *declared(void)
{
	json_t *list = json_array();

	for (int i = 0; i < METRICS; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", metrics[i].name, "from",
						      metrics[i].from, "better", "higher", "help", "a value"));
	return json_pack("{s:{s:s, s:s, s:n, s:n, s:n, s:b, s:[], s:o, s:[], s:[]}}", bench, "name", bench, "summary",
			 "many values", "unavailable", "numa", "threads", "verifies", 1, "fields", "metrics", list,
			 "facts", "flows");
}

static json_t *planned_lane(int worker)
{
	return json_pack("{s:s, s:{s:s}, s:s, s:i, s:i, s:b, s:n, s:n}", "bench", bench, "options", "duration",
			 "1000000", "cpus", "0", "node", 0, "worker", worker, "shares_cpus", 0, "skip", "hint");
}

static json_t *plan(unsigned cases)
{
	json_t *all = json_array();

	for (unsigned c = 0; c < cases; c++) {
		char *label = fl_format("%s #%u", bench, c + 1);
		json_t *lanes = json_array();

		for (int i = 0; i < LANES; i++)
			json_array_append_new(lanes, planned_lane(i));
		json_array_append_new(all, json_pack("{s:s, s:i, s:i, s:o}", "label", label, "rounds", ROUNDS,
						     "duration_ns", 1000000, "lanes", lanes));
		free(label);
	}
	return json_pack("{s:i, s:s, s:b, s:[], s:o}", "schema", 1, "suite", "history", "required", 0, "require",
			 "cases", all);
}

/* Numbers from a fixed seed with as many digits as measured ones have. */
static double noise(uint64_t *state)
{
	*state = *state * 6364136223846793005U + 1442695040888963407U;
	return (double)(*state >> 11) * 0x1p-53;
}

static void fill(struct fl_series *s, uint64_t *state)
{
	for (int i = 0; i < SAMPLES; i++) {
		s->at[i] = 1e6 * (i + 1);
		s->value[i] = 1e9 * (1 + 0.01 * noise(state));
		s->valid[i] = 1;
	}
}

static void add_lane(struct fl_run *batch, unsigned case_no, unsigned round, unsigned no, uint64_t *state)
{
	struct fl_lane_record *lane = fl_run_add_lane(batch);

	lane->case_no = case_no;
	lane->round = round;
	lane->lane = no;
	lane->bench = fl_dup(bench);
	lane->options = json_pack("{s:i, s:i}", "duration", 1000000, "block", (int)(LANES * case_no + no));
	lane->placement = json_pack("{s:s, s:i, s:b, s:n}", "cpus", "0", "node", 0, "verified", 1, "reason");
	lane->facts = json_pack("{s:s}", "buffers", "registered");
	lane->caps = json_array();
	lane->distrust = json_array();
	lane->notes = json_pack("{s:i, s:i, s:s, s:i, s:i, s:i, s:i, s:b}", "window_ns", 1000000, "warm_ns",
				(int)(1e6 * noise(state)), "ended", "time up", "threads", 1, "steps",
				(int)(1e6 * noise(state)), "spoilt", 0, "dropped", 0, "verified", 1);
	lane->series_n = METRICS;
	lane->series = fl_zalloc(METRICS, sizeof(*lane->series));
	for (int i = 0; i < METRICS; i++) {
		if (fl_series_make(metrics[i].name, FL_SERIES_SAMPLES, SAMPLES, &lane->series[i]))
			abort();
		fill(&lane->series[i], state);
	}
}

/* A round of all cases. */
static int add_round(struct fl_store *store, const char *id, unsigned cases, unsigned round, uint64_t *state,
		     struct fl_err *err)
{
	struct fl_run *batch = fl_zalloc(1, sizeof(*batch));
	int rc;

	for (unsigned c = 0; c < cases; c++)
		for (unsigned i = 0; i < LANES; i++)
			add_lane(batch, c, round, i, state);
	rc = fl_store_add(store, id, batch->lanes, batch->lanes_n, err);
	fl_run_free(batch);
	return rc;
}

static int add_run(struct fl_store *store, const json_t *machine, unsigned no, unsigned cases, struct fl_err *err)
{
	struct fl_run *run = fl_zalloc(1, sizeof(*run));
	uint64_t state = no;
	int rc;

	snprintf(run->id, sizeof(run->id), "large-%u", no);
	run->started_ns = 1795340712000000000 + no;
	run->plan = plan(cases);
	run->machine = json_incref((json_t *)(uintptr_t)machine);
	run->environment = json_object();
	run->declared = declared();
	rc = fl_store_begin(store, run, err);
	for (unsigned r = 0; r < ROUNDS && rc == 0; r++)
		rc = add_round(store, run->id, cases, r, &state, err);
	if (rc == 0)
		rc = fl_store_finish(store, run->id, 0, err);
	fl_run_free(run);
	return rc;
}

static int make(const char *path, const char *machine_path, const char *runs_text, const char *cases_text,
		struct fl_err *err)
{
	uint64_t runs, cases;
	struct fl_store *store;
	json_t *machine;
	int rc = fl_parse_count(runs_text, &runs, err);

	if (rc == 0)
		rc = fl_parse_count(cases_text, &cases, err);
	if (rc == 0)
		rc = fl_json_load(machine_path, MACHINE_BYTES_MAX, &machine, err);
	if (rc)
		return rc;
	rc = fl_store_open(path, true, &store, err);
	for (unsigned i = 1; i <= runs && rc == 0; i++)
		rc = add_run(store, machine, i, (unsigned)cases, err);
	if (rc == 0)
		fl_store_close(store);
	json_decref(machine);
	return rc;
}

int main(int argc, char **argv)
{
	struct fl_err err = { 0 };

	if (argc != 5) {
		fputs("usage: history STORE MACHINE.json RUNS CASES\n", stderr);
		return 2;
	}
	if (make(argv[1], argv[2], argv[3], argv[4], &err) == 0)
		return 0;
	fprintf(stderr, "history: %s\n", err.what);
	return 1;
}
