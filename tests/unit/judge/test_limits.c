/* SPDX-License-Identifier: Apache-2.0 */
/* test_limits.c: rates held against limits: the line, rounds, what a suite requires, hops that lanes share. */
#include "judged.h"

static const struct {
	double cap, low, high;
	size_t n;
	enum fl_verdict verdict;
	enum fl_status run, bench, required;
	const char *reason;
} limits[] = {
	{ 1e9, 1e9, 1e9, 9, FL_PASS, 0, 0, 0, NULL },
	{ 1e9, 0.951e9, 0.952e9, 9, FL_PASS, 0, 0, 0, NULL },
	{ 1e9, 0.949e9, 0.949e9, 9, FL_FAIL, 1, 1, 1, "949 MB/s is 94.9 % of the 1.00 GB/s to expect of source pace" },
	{ 1e9, 0.5e9, 0.5e9, 1, FL_FAIL, 1, 1, 1, "500 MB/s is 50.0 % of" },
	{ 1e9, 0.9e9, 1.0e9, 9, FL_INCONCLUSIVE, 0, 3, 3, "the pass line lies inside its interval" },
	{ 1e9, 0.9e9, 1.0e9, 5, FL_PASS, 0, 0, 0,
	  NULL }, /* too few samples for an interval: the median 0.95 is on the line */
	{ 1e9, 1.049e9, 1.049e9, 9, FL_PASS, 0, 0, 0, NULL },
	{ 1e9, 1.06e9, 1.06e9, 9, FL_VERDICT_INVALID, 3, 3, 3, "1.06 GB/s is more than source pace can carry" },
	{ 0, 1e9, 1e9, 9, FL_UNJUDGED, 0, 0, 3, "no exact cap is known of: DRAM of node0 (not measured yet)" },
	{ 1e9, 0, 0, 0, FL_VERDICT_INVALID, 3, 3, 3, "no sample counts" },
};

static void test_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const enum fl_status want[] = { limits[i].run, limits[i].bench, limits[i].required };

		for (unsigned k = 0; k < 3; k++) {
			struct fl_run *run = paced_run(k == 1, k == 2 ? "null.pipeline" : NULL, limits[i].cap,
						       limits[i].low, limits[i].high, limits[i].n);
			struct fl_judgement *j = judge(run);
			const char *reason = j->lanes[0].reason;

			if (j->lanes[0].verdict != limits[i].verdict || j->verdict != limits[i].verdict ||
			    j->status != want[k])
				fail_msg("row %zu.%u: %s, status %d, %s", i, k, fl_verdict_name(j->lanes[0].verdict),
					 j->status, reason ? reason : "-");
			if (limits[i].reason ? !reason || !strstr(reason, limits[i].reason) : reason != NULL)
				fail_msg("row %zu: '%s'", i, reason ? reason : "-");
			assert_int_equal(j->count[limits[i].verdict], 1);
			assert_true(j->trustworthy);
			assert_false(j->interrupted);
			fl_judgement_free(j);
			fl_run_free(run);
		}
	}
}

/* ---- several rounds: the line is held against their interval, and against their extremes where they have none */

static struct fl_run *rounds_run(bool bench, const double *medians, unsigned n)
{
	struct fl_run *run = sample_run_new(bench, NULL);

	sample_lane(sample_case(run, "null.pipeline", (int)n), "null.pipeline", "{\"batch\":\"1048576\"}", NULL);
	for (unsigned i = 0; i < n; i++) {
		struct fl_lane_record *r = sample_record(run, 0, 0, i);

		sample_flat(r, "bytes_per_s", medians[i] * 1e9, 9);
		sample_cap(r, "source pace", 1e9);
	}
	return run;
}

static const struct {
	double medians[12];
	unsigned n;
	enum fl_verdict verdict;
	const char *hint;
} rounds[] = {
	{ { 0.96, 0.99, 1.0 }, 3, FL_PASS, NULL },
	{ { 0.99, 0.5 },
	  2,
	  FL_INCONCLUSIVE,
	  "6 rounds give an interval of 95 %: feedline bench null.pipeline --repeat 6" },
	{ { 0.99, 0.99, 0.5 }, 3, FL_INCONCLUSIVE, "6 rounds give" }, /* the median alone would pass */
	{ { 0.5, 0.5, 0.99 }, 3, FL_INCONCLUSIVE, "6 rounds give" },  /* and here it would fail */
	{ { 0.5, 0.99, 0.99, 0.99, 0.99 }, 5, FL_INCONCLUSIVE, "6 rounds give" },
	{ { 0.94, 0.93 }, 2, FL_FAIL, NULL },
	{ { 0.5, 0.99, 0.99, 0.99, 0.99, 0.99 }, 6, FL_INCONCLUSIVE, "12 rounds give a narrower interval: " },
	{ { 0.5, 0.99, 0.99, 0.99, 0.99, 0.99, 0.99, 0.99, 0.99 }, 9, FL_PASS, NULL },
	{ { 0.99, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5 }, 9, FL_FAIL, NULL },
};

static void test_rounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rounds) / sizeof(rounds[0]); i++) {
		bool bench = i % 2;
		struct fl_run *run = rounds_run(bench, rounds[i / 2].medians, rounds[i / 2].n);
		struct fl_judgement *j = judge(run);
		const struct fl_lane_verdict *v = &j->lanes[0];
		const char *hint = rounds[i / 2].hint;
		unsigned status = v->verdict == FL_FAIL ? 1 : v->verdict == FL_INCONCLUSIVE && bench ? 3 : 0;

		if (v->verdict != rounds[i / 2].verdict || j->status != status)
			fail_msg("row %zu: %s, status %d", i / 2, fl_verdict_name(v->verdict), j->status);
		if (hint ? !v->hint || strncmp(v->hint, hint, strlen(hint)) != 0 : v->hint != NULL)
			fail_msg("row %zu: '%s'", i / 2, v->hint ? v->hint : "-");
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* A study that ended a case early: what was done counts, not what was planned. */
static void test_rounds_done(void **state)
{
	static const double medians[] = { 0.5, 0.99, 0.5 };
	struct fl_run *run = rounds_run(false, medians, 3);
	json_t *c = json_array_get(json_object_get(run->plan, "cases"), 0);
	struct fl_judgement *j;

	(void)state;
	json_object_set_new(c, "rounds", json_integer(12));
	json_object_set_new(c, "rounds_least", json_integer(3));
	run->finished = true;
	j = judge(run);
	assert_non_null(strstr(j->lanes[0].hint, "6 rounds give an interval of 95 %"));
	fl_judgement_free(j);
	run->lanes[1].outcome = FL_INVALID;
	run->lanes[1].reason = fl_dup("it was not so");
	j = judge(run);
	assert_string_equal(j->lanes[0].reason, "it was not so (round 2 of 3)");
	fl_judgement_free(j);
	run->finished = false;
	j = judge(run);
	assert_string_equal(j->lanes[0].reason, "it was not so (round 2 of 12)");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* ---- `require` */

static const struct {
	const char *bench, *require;
	enum fl_verdict verdict;
	enum fl_status status;
	const char *reason;
} required[] = {
	{ "null.pipeline", "null.pipeline", FL_PASS, 0, NULL },
	{ "null.pipeline", "null.pipeline:bytes_per_s", FL_PASS, 0, NULL },
	{ "null.pipeline", "null.pipe:stall_ns", FL_PASS, 0, NULL },
	{ "null.pipeline", "null.pipeline:stall_ns", FL_UNJUDGED, 3,
	  "'stall_ns' is to be judged, but only 'bytes_per_s' is held against limits" },
	{ "storage.read", "storage.read", FL_UNJUDGED, 3, "no exact cap is known of: " },
	{ "storage.read", "storage.read:ops_per_s", FL_UNJUDGED, 3, "'ops_per_s' is to be judged, but only" },
	{ "storage.read", "null.pipeline:stall_ns", FL_UNJUDGED, 0, "no exact cap is known of: " },
};

static void test_require(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		struct fl_run *run = sample_run_new(false, required[i].require);
		struct fl_judgement *j;
		struct fl_lane_record *r;

		sample_lane(sample_case(run, required[i].bench, 1), required[i].bench, "{\"path\":\"/tmp/f\"}", NULL);
		r = sample_record(run, 0, 0, 0);
		sample_flat(r, "bytes_per_s", 1e9, 9);
		if (strcmp(required[i].bench, "null.pipeline") == 0)
			sample_cap(r, "source pace", 1e9);
		j = judge(run);
		const char *reason = j->lanes[0].reason;
		if (j->lanes[0].verdict != required[i].verdict || j->status != required[i].status)
			fail_msg("row %zu: %s, status %d", i, fl_verdict_name(j->lanes[0].verdict), j->status);
		if (required[i].reason ? !reason || !strstr(reason, required[i].reason) : reason != NULL)
			fail_msg("row %zu: '%s'", i, reason ? reason : "-");
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* ---- lanes of one case on one hop: two readers of a GPU behind a PCIe 4.0 x4 link (7.30 GB/s), each paced */

static struct fl_run *gpu_run(const double *rates, double pace)
{
	struct fl_run *run = sample_run_new(false, NULL);
	json_t *flows = json_pack("[{s:s, s:s, s:f}]", "from", "gpu", "to", "memory", "per_byte", 1.0);
	struct sample_machine s;
	struct fl_gpu gpu;
	json_t *c;

	sample_machine_init(&s);
	gpu = (struct fl_gpu){ .id = "g0", .pci = s.drives[1].pci, .node = SAMPLE_KNOWN(0) };
	gpu.pci.address = "0000:81:00.0";
	s.m.gpus = &gpu;
	s.m.gpus_n = 1;
	json_decref(run->machine);
	run->machine = fl_machine_json(&s.m);
	json_object_set_new(json_object_get(run->declared, "gpu.h2d"), "flows", flows);
	c = sample_case(run, "together", 1);
	for (unsigned i = 0; i < 2; i++)
		sample_lane(c, "gpu.h2d", "{\"gpu\":\"g0\"}", NULL);
	for (unsigned i = 0; i < 2; i++) {
		struct fl_lane_record *r = sample_record(run, 0, i, 0);

		sample_ramp(r, "bytes_per_s", rates[i], 1.001 * rates[i], 9);
		sample_cap(r, "pace", pace); /* each its own: never shared, though both are called so */
	}
	return run;
}

static const struct {
	double rates[2], pace;
	enum fl_verdict verdicts[2];
	const char *reason; /* of the first */
} shared[] = {
	{ { 3.7e9, 3.7e9 }, 3.7e9, { FL_PASS, FL_PASS }, NULL },
	{ { 3.0e9, 3.0e9 },
	  4e9,
	  { FL_FAIL, FL_FAIL },
	  "75.0 % of the 4.00 GB/s to expect of pace" }, /* room was left */
	{ { 3.0e9, 4.0e9 }, 4e9, { FL_UNJUDGED, FL_PASS }, "it shares GPU g0 link with 1 more" },
	{ { 3.9e9, 3.9e9 },
	  3.9e9,
	  { FL_VERDICT_INVALID, FL_VERDICT_INVALID },
	  "2 lanes together put 7.80 GB/s on GPU" },
	{ { 1.0e9, 9.9e9 }, 9.9e9, { FL_UNJUDGED, FL_VERDICT_INVALID }, "it shares GPU g0 link" },
};

static void test_shared_hop(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		struct fl_run *run = gpu_run(shared[i].rates, shared[i].pace);
		struct fl_judgement *j = judge(run);
		const char *reason = j->lanes[0].reason;

		for (unsigned k = 0; k < 2; k++)
			if (j->lanes[k].verdict != shared[i].verdicts[k])
				fail_msg("row %zu, lane %u: %s: %s", i, k, fl_verdict_name(j->lanes[k].verdict),
					 j->lanes[k].reason ? j->lanes[k].reason : "-");
		if (shared[i].reason ? !reason || !strstr(reason, shared[i].reason) : reason != NULL)
			fail_msg("row %zu: '%s'", i, reason ? reason : "-");
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* What ran in another case, or not at all, loads nothing here. */
static void test_not_shared(void **state)
{
	const double rates[] = { 3.9e9, 3.9e9 };
	struct fl_run *run = gpu_run(rates, 3.9e9);
	struct fl_judgement *j;

	(void)state;
	run->lanes[1].outcome = FL_NOT_MEASURED;
	j = judge(run);
	assert_int_equal(j->lanes[0].verdict, FL_PASS);
	fl_judgement_free(j);
	run->lanes[1].outcome = FL_MEASURED;
	json_array_append(json_object_get(run->plan, "cases"), json_array_get(json_object_get(run->plan, "cases"), 0));
	run->lanes[1].case_no = 1;
	j = judge(run);
	assert_int_equal(j->count[FL_PASS], 2);
	fl_judgement_free(j);
	fl_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),	cmocka_unit_test(test_rounds),	   cmocka_unit_test(test_rounds_done),
		cmocka_unit_test(test_require), cmocka_unit_test(test_shared_hop), cmocka_unit_test(test_not_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
