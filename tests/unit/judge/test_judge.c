/* SPDX-License-Identifier: Apache-2.0 */
/* test_judge.c: paths, outcomes, statuses, the numbers behind them, and records that contradict themselves. */
#include "judged.h"
#include <errno.h>
#include <stdio.h>

/* ---- paths from flows, placement and machine */

static const struct fl_hop *find_hop(const struct fl_lane_verdict *v, const char *name)
{
	for (size_t i = 0; i < v->hops_n; i++)
		if (strcmp(v->hops[i].name, name) == 0)
			return &v->hops[i];
	fail_msg("no hop '%s'", name);
	return NULL;
}

static struct fl_run *read_run(const char *path, double rate)
{
	struct fl_run *run = sample_run_new(false, NULL);
	char options[128];

	snprintf(options, sizeof(options), "{\"path\":\"%s\",\"block\":\"4096\"}", path);
	sample_lane(sample_case(run, "storage.read", 1), "storage.read", options, NULL);
	sample_flat(sample_record(run, 0, 0, 0), "bytes_per_s", rate, 9);
	return run;
}

static void test_path_of_drive(void **state)
{
	struct fl_run *run = read_run("/data/file", 1e9);
	struct fl_judgement *j = judge(run);
	const struct fl_lane_verdict *v = &j->lanes[0];
	const struct fl_hop *link = find_hop(v, "drive nvme-S1 link");

	(void)state;
	assert_true(link->cap_bytes_per_s > 7e9 && link->cap_bytes_per_s < 7.5e9);
	assert_string_equal(link->origin, "computed");
	assert_true(link->exact);
	assert_true(v->cap_bytes_per_s == link->cap_bytes_per_s);
	assert_true(isnan(find_hop(v, "drive nvme-S1 media")->cap_bytes_per_s));
	assert_string_equal(find_hop(v, "drive nvme-S1 media")->why, "no rating known");
	assert_string_equal(find_hop(v, "DRAM of node0")->why, "not measured yet");
	assert_string_equal(find_hop(v, "socket link node1 to node0")->why, "not measured yet");
	assert_int_equal(v->verdict, FL_UNJUDGED); /* the media may be what holds it back */
	assert_non_null(strstr(v->reason, "drive nvme-S1 media (no rating known)"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A link can be reached, and cannot be beaten, whatever is not known beside it. */
static void test_known_link_decides(void **state)
{
	const struct {
		double rate;
		enum fl_verdict verdict;
	} rows[] = { { 6.9e9, FL_PASS }, { 3e9, FL_UNJUDGED }, { 9e9, FL_VERDICT_INVALID } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct fl_run *run = read_run("/data/file", rows[i].rate);
		struct fl_judgement *j = judge(run);

		assert_int_equal(j->lanes[0].verdict, rows[i].verdict);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

static void test_path_without_drive(void **state)
{
	struct fl_run *run = read_run("/tmp/file", 1e9);
	struct fl_judgement *j = judge(run);
	const struct fl_hop *hop = find_hop(&j->lanes[0], "drive below '/tmp/file'");

	(void)state;
	assert_true(isnan(hop->cap_bytes_per_s));
	assert_non_null(hop->why);
	assert_true(isnan(j->lanes[0].cap_bytes_per_s));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Both flows of a copy cross the DRAM that its option names, and the link when the CPUs are elsewhere. */
static void test_path_of_copy(void **state)
{
	struct fl_run *run = sample_run_new(false, NULL);
	struct fl_judgement *j;

	(void)state;
	sample_lane(sample_case(run, "memory.copy", 1), "memory.copy", "{\"memory\":\"node1\"}", NULL);
	sample_flat(sample_record(run, 0, 0, 0), "bytes_per_s", 1e10, 9);
	j = judge(run);
	assert_true(find_hop(&j->lanes[0], "DRAM of node1")->crossings == 2);
	assert_true(find_hop(&j->lanes[0], "socket link node1 to node0")->crossings == 1);
	assert_true(find_hop(&j->lanes[0], "socket link node0 to node1")->crossings == 1);
	assert_int_equal(j->lanes[0].hops_n, 3);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A flow counts only with the words that it names; own memory is that of the lane. */
static void test_path_by_option(void **state)
{
	const char *const words[] = { "random", "sequential" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fl_run *run = read_run("/data/file", 1e9);
		json_t *flows = json_pack("[{s:s, s:s, s:f, s:s}, {s:s, s:s, s:f}]", "from", "path", "to", "own_memory",
					  "per_byte", 1.0, "when", "pattern=random", "from", "own_memory", "to", "cpu",
					  "per_byte", 1.0);
		struct fl_judgement *j;

		json_object_set_new(json_object_get(run->declared, "storage.read"), "flows", flows);
		json_object_set_new(run->lanes[0].options, "pattern", json_string(words[i]));
		j = judge(run);
		assert_int_equal(j->lanes[0].hops_n, i == 0 ? 4 : 1);
		assert_true(find_hop(&j->lanes[0], "DRAM of node0")->crossings == (i == 0 ? 2 : 1));
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* A stated limit does not speak for a device that a flow names. */
static void test_stated_cap_beside_unknown_device(void **state)
{
	struct fl_run *run = read_run("/data/file", 1e9);
	struct fl_judgement *j;

	(void)state;
	sample_cap(&run->lanes[0], "throttle", 4e9);
	j = judge(run);
	assert_int_equal(j->lanes[0].verdict, FL_UNJUDGED);
	assert_true(j->lanes[0].cap_bytes_per_s == 4e9);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* ---- outcomes of several rounds */

enum what { MEASURED, MISSED, INVALID, WRONG, MISPLACED, DISTRUSTED, SLOW, DOUBTED, NONE };

static void add_round(struct fl_run *run, unsigned case_no, unsigned round, enum what what)
{
	struct fl_lane_record *r;

	if (what == NONE)
		return;
	r = sample_record(run, case_no, 0, round);
	sample_flat(r, "bytes_per_s", what == SLOW || what == DOUBTED ? 5e8 : 1e9, 9);
	sample_cap(r, "source pace", 1e9);
	if (what == MISSED || what == INVALID) {
		r->outcome = what == MISSED ? FL_NOT_MEASURED : FL_INVALID;
		r->reason = fl_dup(what == MISSED ? "no device" : "it crashed");
		r->hint = fl_dup("look there");
	}
	if (what == WRONG)
		json_object_set_new(r->notes, "verified", json_false());
	if (what == MISPLACED)
		json_object_set_new(r->placement, "verified", json_false());
	if (what == DISTRUSTED || what == DOUBTED)
		json_array_append_new(r->distrust, json_string("a clock changed"));
}

static const struct {
	enum what rounds[3];
	enum fl_verdict verdict;
	enum fl_status run, bench, required;
	bool trustworthy, interrupted;
	const char *reason;
} outcomes[] = {
	{ { MEASURED, MEASURED, MEASURED }, FL_PASS, 0, 0, 0, true, false, NULL },
	{ { SLOW, SLOW, SLOW }, FL_FAIL, 1, 1, 1, true, false, "50.0 % of" },
	{ { SLOW, SLOW, MEASURED }, FL_INCONCLUSIVE, 0, 3, 3, true, false, "50.0 % of" },
	{ { MEASURED, MISSED, MEASURED }, FL_VERDICT_NOT_MEASURED, 3, 3, 3, true, false, "no device (round 2 of 3)" },
	{ { MEASURED, MISSED, INVALID }, FL_VERDICT_INVALID, 3, 3, 3, true, false, "it crashed (round 3 of 3)" },
	{ { INVALID, WRONG, MEASURED }, FL_FAIL, 1, 1, 1, true, false, "wrong data (round 2 of 3)" },
	{ { MEASURED, MEASURED, MISPLACED }, FL_VERDICT_INVALID, 3, 3, 3, true, false, "not where it should be" },
	{ { DISTRUSTED, MEASURED, DISTRUSTED }, FL_PASS, 4, 4, 4, false, false, NULL },
	{ { SLOW, DISTRUSTED, SLOW }, FL_INCONCLUSIVE, 4, 4, 4, false, false, "50.0 % of" },
	{ { DOUBTED, SLOW, SLOW }, FL_FAIL, 4, 4, 4, false, false, "50.0 % of" },
	{ { WRONG, DISTRUSTED, MEASURED }, FL_FAIL, 1, 1, 1, false, false, "wrong data" },
	{ { DISTRUSTED, INVALID, MEASURED }, FL_VERDICT_INVALID, 3, 3, 3, true, false, "it crashed" },
	{ { MEASURED, NONE, NONE }, FL_PASS, 3, 3, 3, true, true, NULL },
	{ { NONE, NONE, NONE }, FL_VERDICT_NOT_MEASURED, 3, 3, 3, true, true, "the run was interrupted" },
};

static void test_outcomes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		const enum fl_status want[] = { outcomes[i].run, outcomes[i].bench, outcomes[i].required };

		for (unsigned k = 0; k < 3; k++) {
			struct fl_run *run = sample_run_new(k == 1, k == 2 ? "null.pipeline:bytes_per_s" : NULL);
			struct fl_judgement *j;

			sample_lane(sample_case(run, "null.pipeline", 3), "null.pipeline", "{}", NULL);
			for (unsigned r = 3; r-- > 0;) /* the order in the store does not matter */
				add_round(run, 0, r, outcomes[i].rounds[r]);
			j = judge(run);
			const struct fl_lane_verdict *v = &j->lanes[0];
			if (v->verdict != outcomes[i].verdict || j->status != want[k] ||
			    j->trustworthy != outcomes[i].trustworthy || j->interrupted != outcomes[i].interrupted)
				fail_msg("row %zu.%u: %s, status %d, %s", i, k, fl_verdict_name(v->verdict), j->status,
					 v->reason ? v->reason : "-");
			if (outcomes[i].reason ? !v->reason || !strstr(v->reason, outcomes[i].reason) : !!v->reason)
				fail_msg("row %zu: '%s'", i, v->reason ? v->reason : "-");
			fl_judgement_free(j);
			fl_run_free(run);
		}
	}
}

/* ---- several lanes */

static const struct {
	enum what lanes[3];
	enum fl_verdict verdict;
	enum fl_status status;
} wholes[] = {
	{ { MEASURED, MEASURED, MEASURED }, FL_PASS, 0 },
	{ { MEASURED, MISSED, MEASURED }, FL_PASS, 0 }, /* need not be measured, and something was */
	{ { MISSED, MISSED, MISSED }, FL_VERDICT_NOT_MEASURED, 3 },
	{ { MEASURED, INVALID, MEASURED }, FL_VERDICT_INVALID, 3 },
	{ { SLOW, INVALID, DISTRUSTED }, FL_FAIL, 1 },
	{ { MEASURED, INVALID, DISTRUSTED }, FL_VERDICT_INVALID, 4 },
	{ { MEASURED, NONE, MEASURED }, FL_VERDICT_NOT_MEASURED, 3 },
	{ { SLOW, NONE, NONE }, FL_FAIL, 1 },
};

static void test_wholes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wholes) / sizeof(wholes[0]); i++) {
		struct fl_run *run = sample_run_new(false, NULL);
		struct fl_judgement *j;

		for (unsigned k = 0; k < 3; k++) {
			sample_lane(sample_case(run, "null.pipeline", 1), "null.pipeline", "{}", NULL);
			add_round(run, k, 0, wholes[i].lanes[k]);
		}
		j = judge(run);
		if (j->verdict != wholes[i].verdict || j->status != wholes[i].status)
			fail_msg("row %zu: %s, status %d", i, fl_verdict_name(j->verdict), j->status);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* What was known before not to be measurable has no record and was not interrupted. */
static void test_planned_skip(void **state)
{
	struct fl_run *run = sample_run_new(false, NULL);
	struct fl_judgement *j;

	(void)state;
	sample_lane(sample_case(run, "null.pipeline", 1), "null.pipeline", "{}", NULL);
	sample_lane(sample_case(run, "storage.read", 1), "storage.read", "{\"path\":\"/tmp/f\",\"block\":\"4096\"}",
		    "tmpfs is memory, not a drive");
	add_round(run, 0, 0, MEASURED);
	j = judge(run);
	assert_int_equal(j->status, 0);
	assert_false(j->interrupted);
	assert_int_equal(j->lanes[1].verdict, FL_VERDICT_NOT_MEASURED);
	assert_string_equal(j->lanes[1].reason, "tmpfs is memory, not a drive");
	assert_int_equal(json_integer_value(json_object_get(j->lanes[1].options, "block")), 4096);
	assert_string_equal(json_string_value(json_object_get(j->lanes[1].placement, "cpus")), "0-1");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* ---- numbers */

static void test_round_medians(void **state)
{
	struct fl_run *run = sample_run_new(false, NULL);
	const struct fl_metric_summary *m;
	struct fl_judgement *j;

	(void)state;
	sample_lane(sample_case(run, "memory.copy", 3), "memory.copy", "{\"memory\":\"node0\"}", NULL);
	sample_flat(sample_record(run, 0, 0, 0), "bytes_per_s", 3e9, 100);
	sample_flat(sample_record(run, 0, 0, 1), "bytes_per_s", 1e9, 1);
	sample_ramp(sample_record(run, 0, 0, 2), "bytes_per_s", 1e9, 3e9, 3);
	run->lanes[2].series[0].valid[2] = 0; /* spoilt: the median of that round is 1.5e9 */
	j = judge(run);
	m = &j->lanes[0].metrics[0];
	assert_int_equal(m->rounds, 3);
	assert_string_equal(m->of, "rounds");
	assert_int_equal(m->of_rounds.n, 3);
	assert_true(m->of_rounds.median == 1.5e9 && m->of_rounds.low == 1e9 && m->of_rounds.high == 3e9);
	assert_true(m->of_rounds.confidence == 0);
	assert_true(isnan(m->p99));
	fl_judgement_free(j);
	fl_run_free(run);
}

static void test_one_round(void **state)
{
	struct fl_run *run = paced_run(false, NULL, 1e9, 1e9, 1.2e9, 9);
	struct fl_judgement *j = judge(run);
	const struct fl_metric_summary *m = &j->lanes[0].metrics[0];

	(void)state;
	assert_string_equal(m->of, "slices");
	assert_int_equal(m->of_rounds.n, 9);
	assert_true(m->of_rounds.confidence > 0.95);
	assert_true(m->of_rounds.low > 1.02e9 && m->of_rounds.high < 1.18e9);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Two rounds with 90 values of 100 ns and 10 of 900 ns, and with 200 values of 300 ns. */
static void test_histograms(void **state)
{
	struct fl_run *run = sample_run_new(false, NULL);
	const struct fl_metric_summary *m;
	struct fl_judgement *j;
	struct fl_series *s;

	(void)state;
	sample_lane(sample_case(run, "storage.read", 2), "storage.read", "{\"path\":\"/data/f\"}", NULL);
	s = sample_series(sample_record(run, 0, 0, 0), "read_ns", FL_SERIES_HISTOGRAM, 2);
	s->at[0] = 900;
	s->value[0] = 10;
	s->at[1] = 100;
	s->value[1] = 90;
	s = sample_series(sample_record(run, 0, 0, 1), "read_ns", FL_SERIES_HISTOGRAM, 1);
	s->at[0] = 300;
	s->value[0] = 200;
	j = judge(run);
	m = &j->lanes[0].metrics[2];
	assert_string_equal(m->name, "read_ns");
	assert_true(m->of_rounds.median == 200 && m->of_rounds.low == 100 && m->of_rounds.high == 300);
	assert_true(m->p90 == 300 && m->p99 == 900 && m->p999 == 900 && m->p9999 == 900 && m->max == 900);
	assert_int_equal(j->lanes[0].verdict, FL_UNJUDGED);
	assert_string_equal(j->lanes[0].reason, "only rates in bytes are held against limits");
	assert_int_equal(j->lanes[0].metrics[0].of_rounds.n, 0);
	assert_true(isnan(j->lanes[0].metrics[0].of_rounds.median));
	fl_judgement_free(j);
	fl_run_free(run);
}

static void test_distrust_is_said_once(void **state)
{
	struct fl_run *run = sample_run_new(false, NULL);
	struct fl_judgement *j;

	(void)state;
	sample_lane(sample_case(run, "null.pipeline", 2), "null.pipeline", "{}", NULL);
	add_round(run, 0, 0, DISTRUSTED);
	add_round(run, 0, 1, DISTRUSTED);
	j = judge(run);
	assert_int_equal(j->lanes[0].distrust_n, 1);
	assert_string_equal(j->lanes[0].distrust[0], "a clock changed");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* What takes nothing from a number is kept apart from what does. */
static void test_remarks_are_no_distrust(void **state)
{
	struct fl_run *run = sample_run_new(false, NULL);
	struct fl_judgement *j;

	(void)state;
	sample_lane(sample_case(run, "null.pipeline", 3), "null.pipeline", "{}", NULL);
	for (unsigned i = 0; i < 3; i++) {
		add_round(run, 0, i, MEASURED);
		json_object_set_new(run->lanes[i].notes, "remarks",
				    json_pack("[o, i]", json_sprintf("a limit acted in %u %% of the time", 10 + i), 5));
	}
	j = judge(run);
	assert_int_equal(j->lanes[0].remarks_n, 1);
	assert_string_equal(j->lanes[0].remarks[0],
			    "a limit acted in 10 % of the time (and much the same 2 more times)");
	assert_int_equal(j->lanes[0].distrust_n, 0);
	assert_true(j->trustworthy);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* A reason whose figures differ from round to round is one reason. */
static void test_distrust_with_figures(void **state)
{
	static const char *const said[] = { "took 31 % of CPU 1", "took 7.5 % of CPU 1", "took 31 % of CPU 1", "took" };
	struct fl_run *run = sample_run_new(false, NULL);
	struct fl_judgement *j;

	(void)state;
	sample_lane(sample_case(run, "null.pipeline", 4), "null.pipeline", "{}", NULL);
	for (unsigned i = 0; i < 4; i++) {
		add_round(run, 0, i, MEASURED);
		json_array_append_new(run->lanes[i].distrust, json_string(said[i]));
	}
	j = judge(run);
	assert_int_equal(j->lanes[0].distrust_n, 2);
	assert_string_equal(j->lanes[0].distrust[0], "took 31 % of CPU 1 (and much the same 1 more time)");
	assert_string_equal(j->lanes[0].distrust[1], "took");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* ---- records that contradict themselves */

static void no_plan(struct fl_run *run)
{
	json_decref(run->plan);
	run->plan = json_null();
}

static void no_machine(struct fl_run *run)
{
	json_decref(run->machine);
	run->machine = json_null();
}

static void no_declaration(struct fl_run *run)
{
	json_object_del(run->declared, "null.pipeline");
}

static void false_declaration(struct fl_run *run)
{
	json_object_set(run->declared, "null.pipeline", json_object_get(run->declared, "null.nop"));
}

static void strange_case(struct fl_run *run)
{
	run->lanes[0].case_no = 7;
}

static void strange_lane(struct fl_run *run)
{
	run->lanes[0].lane = 7;
}

static void strange_round(struct fl_run *run)
{
	run->lanes[0].round = 7;
}

static void other_bench(struct fl_run *run)
{
	free(run->lanes[0].bench);
	run->lanes[0].bench = fl_dup("null.nop");
}

static void twice(struct fl_run *run)
{
	sample_record(run, 0, 0, 0);
}

static void undeclared_metric(struct fl_run *run)
{
	sample_flat(&run->lanes[0], "parsecs", 12, 1);
}

static json_t *first_case(struct fl_run *run)
{
	return json_array_get(json_object_get(run->plan, "cases"), 0);
}

static void no_rounds(struct fl_run *run)
{
	json_object_set_new(first_case(run), "rounds", json_integer(0));
	run->lanes_n = 0;
}

static void too_many_rounds(struct fl_run *run)
{
	json_object_set_new(first_case(run), "rounds", json_integer(FL_ROUNDS_MAX + 1));
}

static void no_lanes(struct fl_run *run)
{
	json_array_clear(json_object_get(first_case(run), "lanes"));
	run->lanes_n = 0;
}

/* Each bound is kept, and their product is not. */
static void too_many_slots(struct fl_run *run)
{
	json_t *lanes = json_object_get(first_case(run), "lanes");

	json_object_set_new(first_case(run), "rounds", json_integer(FL_ROUNDS_MAX));
	while (json_array_size(lanes) * FL_ROUNDS_MAX <= FL_SLOTS_MAX)
		json_array_append(lanes, json_array_get(lanes, 0));
}

static void too_many_caps(struct fl_run *run)
{
	for (unsigned i = 0; i < 256; i++)
		sample_cap(&run->lanes[0], "source pace", 1e9);
}

static void too_many_reasons(struct fl_run *run)
{
	for (unsigned i = 0; i < 257; i++)
		json_array_append_new(run->lanes[0].distrust, json_sprintf("reason %u", i));
}

static void too_many_remarks(struct fl_run *run)
{
	json_t *remarks = json_array();

	for (unsigned i = 0; i < 257; i++)
		json_array_append_new(remarks, json_sprintf("remark %u", i));
	json_object_set_new(run->lanes[0].notes, "remarks", remarks);
}

static void test_contradictions(void **state)
{
	static void (*const spoil[])(struct fl_run *) = {
		no_plan,	 no_machine,	 no_declaration, false_declaration, strange_case,     strange_lane,
		strange_round,	 other_bench,	 twice,		 undeclared_metric, no_rounds,	      no_lanes,
		too_many_rounds, too_many_slots, too_many_caps,	 too_many_reasons,  too_many_remarks,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
		struct fl_run *run = paced_run(false, NULL, 1e9, 1e9, 1e9, 9);
		struct fl_judgement *j = NULL;
		struct fl_err err = { 0 };
		size_t lanes_n = run->lanes_n;

		spoil[i](run);
		if (fl_judge(run, &j, &err) != -EINVAL)
			fail_msg("row %zu is accepted", i);
		assert_null(j);
		assert_true(err.what[0] != 0);
		run->lanes_n = run->lanes_n ? run->lanes_n : lanes_n;
		fl_run_free(run);
	}
}

/* Many rounds with reasons of their own are all kept, without comparing each with each. */
static void test_many_reasons(void **state)
{
	struct fl_run *run = sample_run_new(false, NULL);
	struct fl_judgement *j;

	(void)state;
	sample_lane(sample_case(run, "null.pipeline", FL_ROUNDS_MAX), "null.pipeline", "{}", NULL);
	for (unsigned i = 0; i < FL_ROUNDS_MAX; i++) {
		add_round(run, 0, i, MEASURED);
		for (unsigned k = 0; k < 256; k++)
			json_array_append_new(run->lanes[i].distrust,
					      json_sprintf("reason %c%c of round %c%c%c", 'a' + k % 16, 'a' + k / 16,
							   'a' + i % 10, 'a' + i / 10 % 10, 'a' + i / 100));
	}
	j = judge(run);
	assert_int_equal(j->lanes[0].distrust_n, 256 * FL_ROUNDS_MAX);
	fl_judgement_free(j);
	fl_run_free(run);
}

/* An empty plan measured nothing. */
static void test_empty_plan(void **state)
{
	struct fl_run *run = sample_run_new(false, NULL);
	struct fl_judgement *j = judge(run);

	(void)state;
	assert_int_equal(j->verdict, FL_VERDICT_NOT_MEASURED);
	assert_int_equal(j->status, 3);
	fl_judgement_free(j);
	fl_judgement_free(NULL);
	fl_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_of_drive),
		cmocka_unit_test(test_known_link_decides),
		cmocka_unit_test(test_path_without_drive),
		cmocka_unit_test(test_path_of_copy),
		cmocka_unit_test(test_path_by_option),
		cmocka_unit_test(test_stated_cap_beside_unknown_device),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_wholes),
		cmocka_unit_test(test_planned_skip),
		cmocka_unit_test(test_round_medians),
		cmocka_unit_test(test_one_round),
		cmocka_unit_test(test_histograms),
		cmocka_unit_test(test_distrust_is_said_once),
		cmocka_unit_test(test_remarks_are_no_distrust),
		cmocka_unit_test(test_distrust_with_figures),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_many_reasons),
		cmocka_unit_test(test_empty_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
