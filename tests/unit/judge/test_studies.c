/* SPDX-License-Identifier: Apache-2.0 */
/* test_studies.c: what studies find, and which cases of a run were not needed. */
#include "judged.h"
#include <errno.h>
#include <stdio.h>

/* A plan with one study: a case for every number of lanes in `lanes`, ended by 0. The lanes read from /data/f. */
static struct fl_run *study_run(const char *kind, const char *option, const char *values, const unsigned *lanes,
				unsigned rounds, unsigned least)
{
	struct fl_run *run = sample_run_new(false, NULL);
	json_t *study = json_pack("{s:s, s:s, s:i, s:s?, s:o, s:b}", "kind", kind, "label", "the study", "first_case",
				  0, "option", option, "values", json_loads(values, 0, NULL), "range", 0);
	unsigned n = 0;

	for (; lanes[n]; n++) {
		json_t *c = sample_case(run, "storage.read", (int)rounds);

		json_object_set_new(c, "rounds_least", json_integer(least));
		json_object_set_new(c, "pass_rounds", json_integer(0));
		for (unsigned k = 0; k < lanes[n]; k++)
			sample_lane(c, "storage.read", "{\"path\":\"/data/f\",\"block\":\"4096\"}", NULL);
	}
	json_object_set_new(study, "cases", json_integer(n));
	json_object_set_new(run->plan, "schema", json_integer(2));
	json_object_set_new(run->plan, "studies", json_pack("[o]", study));
	run->finished = true;
	return run;
}

/* One round of a lane; 0: it was not measured. */
static void add_round(struct fl_run *run, unsigned case_no, unsigned lane, unsigned round, double rate)
{
	struct fl_lane_record *r = sample_record(run, case_no, lane, round);

	if (rate > 0)
		sample_flat(r, "bytes_per_s", rate, 3);
	else
		r->outcome = FL_NOT_MEASURED;
}

/* ---- the knee */

static const struct {
	const char *option, *values;
	double medians[6]; /* 0: not measured; -1: not needed */
	const char *knee, *best, *found;
} knees[] = {
	{ "block",
	  "[\"4096\",\"8192\",\"16384\"]",
	  { 1e9, 1.96e9, 2e9 },
	  "8192",
	  "16384",
	  "the knee is block=8KiB with 1.96 GB/s, 98 % of the best (2.00 GB/s at 16KiB)" },
	{ "depth",
	  "[\"1\",\"2\",\"4\",\"8\"]",
	  { 1e9, 2e9, -1, -1 },
	  "2",
	  "2",
	  "the knee is depth=2 with 2.00 GB/s, which is also the best" },
	{ "depth",
	  "[\"4\",\"2\",\"1\"]",
	  { 2e9, 1.98e9, 1e9 },
	  "2",
	  "4",
	  "the knee is depth=2 with 1.98 GB/s, 99 % of" },
	{ "depth", "[\"1\",\"2\",\"4\"]", { 0, 1e9, 0 }, "2", "2", "the knee is depth=2" },
	{ "depth", "[\"0.5\",\"0.25\"]", { 2e9, 2e9 }, "0.25", "0.5", "the knee is depth=0.25 with 2.00 GB/s" },
	{ "depth", "[\"1\",\"2\"]", { 0, 0 }, NULL, NULL, "no value of depth was measured" },
	/* Words are not less than each other. */
	{ "pattern",
	  "[\"sequential\",\"random\"]",
	  { 1.96e9, 2e9 },
	  NULL,
	  "random",
	  "best is pattern=random with 2.00 GB/s; as good within the tolerance: sequential (98 %)" },
	{ "pattern",
	  "[\"sequential\",\"random\",\"reverse\",\"9\",\"mixed\"]",
	  { 0.6e9, 1.94e9, 2e9, 1.98e9, 0 },
	  NULL,
	  "reverse",
	  "best is pattern=reverse with 2.00 GB/s; as good within the tolerance: random (97 %), 9 (99 %); worse: "
	  "sequential (30 %)" },
	{ "pattern",
	  "[\"sequential\",\"random\"]",
	  { 0, 2e9 },
	  NULL,
	  "random",
	  "best is pattern=random with 2.00 GB/s" },
	{ "pattern", "[\"sequential\",\"random\"]", { 0, 0 }, NULL, NULL, "no value of pattern was measured" },
};

static void assert_value(const struct fl_study_point *p, const char *value)
{
	if (value)
		assert_string_equal(p->value, value);
	else
		assert_null(p);
}

static void test_knee(void **state)
{
	static const unsigned lanes[] = { 1, 1, 1, 1, 1, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(knees) / sizeof(knees[0]); i++) {
		json_t *values = json_loads(knees[i].values, 0, NULL);
		unsigned n = (unsigned)json_array_size(values);
		struct fl_run *run = study_run("sweep", knees[i].option, knees[i].values, lanes + 5 - n, 2, 0);
		const struct fl_study_result *s;
		struct fl_judgement *j;

		for (unsigned k = 0; k < n; k++)
			for (unsigned round = 0; round < 2 && knees[i].medians[k] >= 0; round++)
				add_round(run, k, 0, round, knees[i].medians[k]);
		j = judge(run);
		s = &j->studies[0];
		assert_int_equal(j->studies_n, 1);
		assert_int_equal(s->points_n, n);
		assert_false(j->interrupted);
		for (unsigned k = 0; k < n; k++)
			assert_int_equal(s->points[k].lane == NULL, knees[i].medians[k] < 0);
		assert_value(s->knee, knees[i].knee);
		assert_value(s->best, knees[i].best);
		if (knees[i].knee ? strncmp(s->found, knees[i].found, strlen(knees[i].found)) != 0
				  : strcmp(s->found, knees[i].found) != 0)
			fail_msg("row %zu: '%s'", i, s->found);
		fl_judgement_free(j);
		fl_run_free(run);
		json_decref(values);
	}
}

/* A lane after cases that were not needed is shown again by its own command. */
static void test_ways_after_unneeded(void **state)
{
	static const unsigned lanes[] = { 1, 1, 1, 0 };
	struct fl_run *run = study_run("sweep", "depth", "[\"1\",\"2\",\"4\"]", lanes, 2, 0);
	struct fl_judgement *j;

	(void)state;
	sample_lane(sample_case(run, "null.pipeline", 2), "null.pipeline", "{\"batch\":\"4096\",\"pace\":\"1000000\"}",
		    NULL);
	for (unsigned round = 0; round < 2; round++) {
		add_round(run, 0, 0, round, 1e9);
		add_round(run, 3, 0, round, 0.5e9);
		sample_cap(&run->lanes[run->lanes_n - 1], "source pace", 1e9);
	}
	j = judge(run);
	assert_int_equal(j->lanes_n, 2);
	assert_int_equal(j->lanes[1].verdict, FL_FAIL);
	assert_non_null(strstr(j->lanes[0].again, "storage.read"));
	assert_non_null(strstr(j->lanes[1].again, "null.pipeline"));
	fl_judgement_free(j);
	fl_run_free(run);
}

/* ---- pairs of rounds: a slow round is slow on both sides */

static const double drift[] = { 1.0, 0.8, 1.2, 0.9, 1.1, 1.0, 0.7, 1.3 };
enum { ROUNDS = sizeof(drift) / sizeof(drift[0]) };

static void test_solo(void **state)
{
	static const unsigned lanes[] = { 1, 1, 2, 0 };
	struct fl_run *run = study_run("solo", NULL, "[]", lanes, ROUNDS, ROUNDS);
	const struct fl_study_result *s;
	struct fl_judgement *j;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		add_round(run, 0, 0, round, 2e9 * drift[round]);
		add_round(run, 1, 0, round, 1e9 * drift[round]);
		add_round(run, 2, 0, round, 1e9 * drift[round]);
		add_round(run, 2, 1, round, 0.8e9 * drift[round]);
	}
	j = judge(run);
	s = &j->studies[0];
	assert_int_equal(s->points_n, 2);
	assert_true(fabs(s->points[0].ratio.median - 0.5) < 1e-9);
	assert_true(fabs(s->points[1].ratio.high - 0.8) < 1e-9);
	assert_true(fabs(s->sum.median - 0.6) < 1e-9);
	assert_int_equal(s->sum.n, ROUNDS);
	assert_string_equal(s->found, "together their sum of bytes_per_s is 60 % (60 % .. 60 %) of that of each alone");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Rounds that only one side has do not count. */
static void test_beside(void **state)
{
	static const unsigned lanes[] = { 1, 3, 0 };
	struct fl_run *run = study_run("beside", NULL, "[]", lanes, ROUNDS, ROUNDS);
	struct fl_judgement *j;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		add_round(run, 0, 0, round, round == 3 ? 0 : 2e9 * drift[round]);
		for (unsigned lane = 0; lane < 3; lane++)
			add_round(run, 1, lane, round, 1.5e9 * drift[round]);
	}
	j = judge(run);
	assert_int_equal(j->studies[0].points_n, 1);
	assert_int_equal(j->studies[0].points[0].ratio.n, ROUNDS - 1);
	assert_true(fabs(j->studies[0].points[0].ratio.low - 0.75) < 1e-9);
	assert_string_equal(j->studies[0].found,
			    "beside the load bytes_per_s is 75 % (75 % .. 75 %) of what it is alone");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* B by round, with A = 1e9 x drift. */
static const struct {
	double b[ROUNDS];
	unsigned rounds;
	const char *answer;
} ab[] = {
	{ { 1.03, 1.02, 1.03, 1.04, 1.03, 1.03, 1.02, 1.03 }, 8, "differs" },
	{ { 0.5, 0.5, 0.51, 0.5, 0.5, 0.49, 0.5, 0.5 }, 8, "differs" },
	{ { 1.01, 0.99, 1.0, 1.01, 0.99, 1.0, 1.01, 0.99 }, 8, "no difference" },
	{ { 1, 1, 1, 1, 1, 1, 1, 1 }, 8, "no difference" },
	{ { 1.3, 0.8, 1.2, 0.7, 1.4, 0.9, 0.8, 1.2 }, 8, "cannot tell" },
	{ { 2, 2, 2 }, 3, "cannot tell" }, /* three rounds prove nothing */
	{ { 0 }, 0, "cannot tell" },
};

static void test_ab(void **state)
{
	static const unsigned lanes[] = { 1, 1, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(ab) / sizeof(ab[0]); i++) {
		struct fl_run *run = study_run("ab", "depth", "[\"1\",\"1\"]", lanes, ROUNDS, 0);
		struct fl_judgement *j;

		for (unsigned round = 0; round < ab[i].rounds; round++) {
			add_round(run, 0, 0, round, 1e9 * drift[round]);
			add_round(run, 1, 0, round, 1e9 * drift[round] * ab[i].b[round]);
		}
		j = judge(run);
		if (strcmp(j->studies[0].answer, ab[i].answer) != 0)
			fail_msg("row %zu: %s", i, j->studies[0].found);
		assert_int_equal(j->studies[0].points_n, 2);
		assert_null(j->studies[0].points[0].base);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

static void test_calibration(void **state)
{
	static const unsigned lanes[] = { 1, 0 };
	static const double values[] = { 100, 102, 104, 106, 98, 100, 100, 102, 100 }; /* the last pass is cut off */
	struct fl_run *run = study_run("calibration", NULL, "[]", lanes, 16, 8);
	struct fl_judgement *j;

	(void)state;
	json_object_set_new(json_array_get(json_object_get(run->plan, "cases"), 0), "pass_rounds", json_integer(2));
	for (unsigned round = 0; round < 9; round++)
		add_round(run, 0, 0, round, values[round]);
	j = judge(run);
	assert_int_equal(j->lanes[0].pass_rounds, 2);
	assert_false(j->interrupted);
	assert_true(fabs(j->studies[0].points[0].spread - 6.0 / 99) < 1e-9);
	assert_string_equal(j->studies[0].found, "passes differ by 6.1 % at most (bytes_per_s of storage.read)");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* ---- ended early, or interrupted */

static const struct {
	unsigned rounds, least, recorded;
	bool finished, interrupted;
	size_t lanes;
} ends[] = {
	{ 12, 3, 12, true, false, 1 }, { 12, 3, 5, true, false, 1 },   { 12, 3, 5, false, true, 1 },
	{ 12, 3, 2, true, true, 1 },   { 12, 12, 11, true, true, 1 },  { 12, 0, 0, true, false, 0 },
	{ 12, 0, 0, false, true, 1 },  { 12, 0, 12, false, false, 1 },
};

static void test_ends(void **state)
{
	static const unsigned lanes[] = { 1, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct fl_run *run = study_run("repeat", NULL, "[]", lanes, ends[i].rounds, ends[i].least);
		struct fl_judgement *j;

		json_array_append_new(json_object_get(run->plan, "require"), json_string("null.nop"));
		run->finished = ends[i].finished;
		for (unsigned round = 0; round < ends[i].recorded; round++)
			add_round(run, 0, 0, round, 1e9);
		j = judge(run);
		if (j->interrupted != ends[i].interrupted || j->lanes_n != ends[i].lanes)
			fail_msg("row %zu: %d, %zu lanes", i, j->interrupted, j->lanes_n);
		assert_int_equal(j->studies_n, 0);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* ---- plans that contradict themselves */

static json_t *study_of(struct fl_run *run)
{
	return json_array_get(json_object_get(run->plan, "studies"), 0);
}

static void no_kind(struct fl_run *run)
{
	json_object_del(study_of(run), "kind");
}

static void elsewhere(struct fl_run *run)
{
	json_object_set_new(study_of(run), "first_case", json_integer(1));
}

static void too_long(struct fl_run *run)
{
	json_object_set_new(study_of(run), "cases", json_integer(4));
}

static void no_cases(struct fl_run *run)
{
	json_object_set_new(study_of(run), "cases", json_integer(0));
}

static void few_values(struct fl_run *run)
{
	json_object_set_new(study_of(run), "kind", json_string("sweep"));
	json_object_set_new(study_of(run), "option", json_string("depth"));
}

static void odd_ab(struct fl_run *run)
{
	few_values(run);
	json_object_set_new(study_of(run), "kind", json_string("ab"));
	json_object_set_new(study_of(run), "values", json_pack("[s, s, s]", "1", "2", "3"));
}

static void odd_solo(struct fl_run *run)
{
	json_array_remove(json_object_get(json_array_get(json_object_get(run->plan, "cases"), 2), "lanes"), 1);
}

static void odd_beside(struct fl_run *run)
{
	json_object_set_new(study_of(run), "kind", json_string("beside"));
}

static void twice(struct fl_run *run)
{
	json_array_append(json_object_get(run->plan, "studies"), study_of(run));
}

static void many_least(struct fl_run *run)
{
	json_object_set_new(json_array_get(json_object_get(run->plan, "cases"), 0), "rounds_least", json_integer(3));
}

static void test_contradictions(void **state)
{
	static void (*const spoil[])(struct fl_run *) = {
		no_kind, elsewhere, too_long, no_cases, few_values, odd_ab, odd_solo, odd_beside, twice, many_least,
	};
	static const unsigned lanes[] = { 1, 1, 2, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
		struct fl_run *run = study_run("solo", NULL, "[]", lanes, 2, 2);
		struct fl_judgement *j = NULL;
		struct fl_err err = { 0 };

		spoil[i](run);
		if (fl_judge(run, &j, &err) != -EINVAL)
			fail_msg("row %zu is accepted", i);
		assert_null(j);
		assert_true(err.what[0] != 0);
		fl_run_free(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_knee), cmocka_unit_test(test_ways_after_unneeded),
		cmocka_unit_test(test_solo), cmocka_unit_test(test_beside),
		cmocka_unit_test(test_ab),   cmocka_unit_test(test_calibration),
		cmocka_unit_test(test_ends), cmocka_unit_test(test_contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
