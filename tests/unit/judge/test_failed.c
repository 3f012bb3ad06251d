/* SPDX-License-Identifier: Apache-2.0 */
/* test_failed.c: what a failed verdict says more: evidence, a command that shows it again, another tool's command. */
#include "judged.h"

/* storage.read as if the limit that it states were all of its path, so that it can fail: 2 rounds of 1 GB/s. */
static struct fl_run *read_run(const char *options)
{
	struct fl_run *run = sample_run_new(false, NULL);

	json_object_set_new(json_object_get(run->declared, "storage.read"), "flows", json_array());
	sample_lane(sample_case(run, "storage.read", 2), "storage.read", options, NULL);
	for (unsigned i = 0; i < 2; i++) {
		struct fl_lane_record *r = sample_record(run, 0, 0, i);

		sample_flat(r, "bytes_per_s", 1e9 + i * 1e6, 9);
		sample_cap(r, "link", 4e9);
		sample_cap(r, "backplane", 8e9);
	}
	return run;
}

static void has_evidence(const struct fl_lane_verdict *v, const char *const *lines)
{
	for (size_t i = 0; i < v->evidence_n; i++)
		if (!lines[i] || strcmp(v->evidence[i], lines[i]) != 0)
			fail_msg("line %zu: '%s'", i, v->evidence[i]);
	assert_null(lines[v->evidence_n]);
}

static void test_too_slow(void **state)
{
	static const char *const lines[] = {
		"measured: 1.00 GB/s, 1.00 GB/s to 1.00 GB/s (the extremes of 2 rounds)",
		"expected: 4.00 GB/s, 100 % of the 4.00 GB/s that link can carry (computed); 3.80 GB/s would pass, 5 % "
		"less",
		"other caps: backplane (8.00 GB/s, computed)",
		"ruled out: a wrong place (CPUs 0-1, node0, read back), wrong data (checked: the last 4 of each "
		"thread), a measurement known to be disturbed",
		NULL,
	};
	struct fl_run *run = read_run("{\"path\":\"/data/it's a:b\",\"block\":\"4096\",\"pattern\":\"random\","
				      "\"numa\":\"node0\",\"duration\":\"90000000000\"}");
	struct fl_judgement *j;
	const struct fl_lane_verdict *v;

	(void)state;
	json_object_set_new(run->lanes[0].facts, "verified", json_string("the last 4 of each thread"));
	j = judge(run);
	v = &j->lanes[0];
	assert_int_equal(v->verdict, FL_FAIL);
	assert_null(v->hint);
	has_evidence(v, lines);
	assert_string_equal(v->again, "feedline bench storage.read --path '/data/it'\\''s a:b' --block 4KiB "
				      "--pattern random --numa node0 --duration 2s");
	assert_string_equal(v->peer.tool, "fio");
	assert_string_equal(v->peer.command, "fio '--filename=/data/it'\\''s a\\:b' --bs=4096 --rw=randread "
					     "--cpus_allowed=0-1");
	assert_string_equal(v->peer.prints, "READ: bw=");
	assert_true(v->peer.expect_bytes_per_s == 4e9);
	fl_judgement_free(j);
	fl_run_free(run);
}

static void test_wrong_data(void **state)
{
	static const char *const lines[] = {
		"the data was wrong in 1 of 2 rounds",
		"ruled out: a wrong place (CPUs 0-1, node0, read back), a measurement known to be disturbed",
		NULL,
	};
	struct fl_run *run = read_run("{\"path\":\"/data/f\"}");
	struct fl_judgement *j;

	(void)state;
	json_object_set_new(run->lanes[1].notes, "verified", json_false());
	run->lanes[1].reason = fl_dup("wrong data: at offset 4096");
	j = judge(run);
	assert_int_equal(j->lanes[0].verdict, FL_FAIL);
	has_evidence(&j->lanes[0], lines);
	assert_string_equal(j->lanes[0].again, "feedline bench storage.read --path /data/f --duration 2s");
	assert_null(j->lanes[0].peer.command); /* it would not look at the data */
	fl_judgement_free(j);
	fl_run_free(run);
}

/* Where no witness could look, or not in every round, that nothing was seen rules out nothing. */
static void test_no_witness(void **state)
{
	static const char *const witnesses[] = { "{\"others_ratio\":null}", "{}", "[1]", "1" };

	(void)state;
	for (size_t i = 0; i < sizeof(witnesses) / sizeof(witnesses[0]); i++) {
		struct fl_run *run = read_run("{\"path\":\"/data/f\"}");
		struct fl_judgement *j;

		json_object_set_new(run->lanes[1].notes, "witnesses", json_loads(witnesses[i], JSON_DECODE_ANY, NULL));
		j = judge(run);
		assert_string_equal(j->lanes[0].evidence[j->lanes[0].evidence_n - 1],
				    "ruled out: a wrong place (CPUs 0-1, node0, read back), wrong data (checked)");
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* Only what failed has anything to prove. */
static void test_nothing_to_prove(void **state)
{
	static const double rates[] = { 1e9, 0.97e9, 1.2e9 }; /* pass, inconclusive below, invalid */

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct fl_run *run = paced_run(false, NULL, 1e9, i == 1 ? 0.9e9 : rates[i], rates[i], 9);
		struct fl_judgement *j = judge(run);
		const struct fl_lane_verdict *v = &j->lanes[0];

		assert_int_not_equal(v->verdict, FL_FAIL);
		if (v->evidence_n || isfinite(v->peer.expect_bytes_per_s))
			fail_msg("row %u has something to prove", i);
		assert_non_null(v->again); /* what a comparison shows where it got slower */
		assert_non_null(v->peer.command);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* ---- lanes that ran together are shown together */

static struct fl_run *together_run(unsigned lanes)
{
	struct fl_run *run = sample_run_new(false, NULL);
	json_t *c = sample_case(run, "together", 1);

	for (unsigned i = 0; i < lanes; i++)
		sample_lane(c, i ? "null.nop" : "null.pipeline", i ? "{}" : "{\"batch\":\"4096\",\"pace\":\"1000000\"}",
			    NULL);
	for (unsigned i = 0; i < lanes; i++)
		sample_flat(sample_record(run, 0, i, 0), i ? "ops_per_s" : "bytes_per_s", 5e8, 9);
	sample_cap(&run->lanes[0], "source pace", 1e9);
	return run;
}

static void test_together(void **state)
{
	struct fl_run *run = together_run(2);
	struct fl_judgement *j = judge(run);
	const struct fl_lane_verdict *v = &j->lanes[0];

	(void)state;
	assert_int_equal(v->verdict, FL_FAIL);
	assert_string_equal(v->again, "printf %s '[{together: [{bench: null.pipeline, with: {batch: \"4KiB\", "
				      "duration: 2s}}, {bench: null.nop, with: {duration: 2s}}]}]' "
				      "| feedline run --suite /dev/stdin");
	assert_string_equal(v->evidence[2], "1 lane ran beside it; no hop whose cap is known was full");
	fl_judgement_free(j);
	fl_run_free(run);

	run = together_run(17);
	j = judge(run);
	assert_null(j->lanes[0].again);
	assert_string_equal(j->lanes[0].hint, "17 lanes ran together: run suite 'sample' again");
	fl_judgement_free(j);
	fl_run_free(run);
}

/* ---- a lane that is alone, but placed as beside others, is measured again by its suite alone */

static void test_kept_place(void **state)
{
	static const double rates[] = { 5e8, 9.2e8 }; /* fails; inconclusive */
	static const char *const hints[] = {
		"it had only the CPUs that it has beside others: run suite 'sample' again",
		"6 rounds give an interval of 95 %: raise `repeat` in the suite",
	};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct fl_run *run = paced_run(false, NULL, 1e9, rates[i], i ? 1e9 : rates[i], 9);
		json_t *cases = json_object_get(run->plan, "cases");
		struct fl_judgement *j;

		json_array_append(cases, json_array_get(cases, 0)); /* the load, and the lane beside it */
		json_array_append_new(cases, json_deep_copy(json_array_get(cases, 0)));
		json_array_append(json_object_get(json_array_get(cases, 2), "lanes"),
				  json_array_get(json_object_get(json_array_get(cases, 0), "lanes"), 0));
		json_object_set_new(run->plan, "schema", json_integer(2));
		json_object_set_new(run->plan, "studies",
				    json_pack("[{s:s, s:s, s:i, s:i}, {s:s, s:s, s:i, s:i}]", "kind", "repeat", "label",
					      "r", "first_case", 0, "cases", 1, "kind", "repeat", "label", "b",
					      "first_case", 1, "cases", 2));
		j = judge(run);
		assert_non_null(j->lanes[0].again);
		fl_judgement_free(j);
		json_object_set_new(
			run->plan, "studies",
			json_pack("[{s:s, s:s, s:i, s:i}]", "kind", "solo", "label", "s", "first_case", 0, "cases", 3));
		j = judge(run);
		assert_null(j->lanes[0].again);
		assert_string_equal(j->lanes[0].hint, hints[i]);
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* ---- values of a template */

static const struct {
	const char *command, *expanded; /* NULL: this lane has no such command */
} values[] = {
	{ "likwid-bench {batch} {pace}", "likwid-bench 4096 0.0025" },
	{ "likwid-bench {drive} {near} {gpu}", "likwid-bench /dev/nvme0n1 1 g0" },
	{ "likwid-bench {cpus_n} {node}", "likwid-bench 2 0" },
	{ "likwid-bench {gpus_n} {is_local}", "likwid-bench 1 no" },
	{ "likwid-bench {engine:fast=-w,slow=-s}", "likwid-bench -w" }, /* what was used, though slow was asked for */
	{ "likwid-bench {missing}", NULL },				/* a fact that was not stated */
};

static void declare(struct fl_run *run, const char *command)
{
	json_t *entry = json_object_get(run->declared, "null.pipeline"), *fields = json_object_get(entry, "fields");
	const char *const devices[] = { "drive", "node", "gpu" }, *const names[] = { "drive", "near", "gpu" };

	for (unsigned i = 0; i < 3; i++)
		json_array_append_new(fields, json_pack("{s:s, s:s, s:n, s:s, s:s}", "name", names[i], "type", "device",
							"preset", "range", devices[i], "help", "one"));
	json_array_append_new(fields, json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", "engine", "type", "choice",
						"preset", "slow", "range", "fast|slow", "help", "which"));
	json_object_set_new(entry, "facts",
			    json_pack("[{s:s, s:b, s:s}, {s:s, s:b, s:s}]", "name", "engine", "key", 1, "help", "used",
				      "name", "missing", "key", 0, "help", "not stated"));
	json_object_set_new(entry, "peer",
			    json_pack("{s:s, s:s, s:s, s:i}", "tool", "likwid-bench", "command", command, "prints",
				      "pumped:", "counts", 3));
}

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct fl_run *run = sample_run_new(false, NULL);
		struct sample_machine s;
		struct fl_gpu gpu = { .id = "g0", .node = SAMPLE_KNOWN(0), .pci = { .node = -1 } };
		struct fl_judgement *j;

		sample_machine_init(&s);
		s.m.gpus = &gpu;
		s.m.gpus_n = 1;
		json_decref(run->machine);
		run->machine = fl_machine_json(&s.m);
		declare(run, values[i].command);
		sample_lane(sample_case(run, "null.pipeline", 1), "null.pipeline",
			    "{\"batch\":\"4096\",\"pace\":\"2500000\",\"drive\":\"nvme-S1\",\"near\":\"node1\","
			    "\"gpu\":\"g0\",\"engine\":\"slow\"}",
			    NULL);
		sample_flat(sample_record(run, 0, 0, 0), "bytes_per_s", 5e8, 9);
		sample_cap(&run->lanes[0], "source pace", 1e9);
		json_object_set_new(run->lanes[0].facts, "engine", json_string("fast"));
		j = judge(run);
		const struct fl_peer_command *peer = &j->lanes[0].peer;
		if (values[i].expanded ? !peer->command || strcmp(peer->command, values[i].expanded) != 0
				       : peer->command != NULL)
			fail_msg("'%s': '%s'", values[i].command, peer->command ? peer->command : "-");
		assert_true(!peer->command || peer->expect_bytes_per_s == 3e9); /* it counts three for one */
		assert_string_equal(j->lanes[0].evidence[2], "used: engine fast");
		fl_judgement_free(j);
		fl_run_free(run);
	}
}

/* A case that a study did without has no lane in the judgement: those behind it keep their own commands. */
static void test_behind_what_was_not_needed(void **state)
{
	struct fl_run *run = sample_run_new(false, NULL);
	json_t *without = sample_case(run, "null.pipeline", 3);
	struct fl_judgement *j;

	(void)state;
	json_object_set_new(run->plan, "schema", json_integer(2));
	json_object_set_new(without, "rounds_least", json_integer(0));
	sample_lane(without, "null.pipeline", "{\"batch\":\"4096\"}", NULL);
	sample_lane(sample_case(run, "memory.copy", 1), "memory.copy", "{\"memory\":\"node0\"}", NULL);
	sample_flat(sample_record(run, 1, 0, 0), "bytes_per_s", 1e9, 9);
	run->finished = true;
	j = judge(run);
	assert_int_equal(j->lanes_n, 1);
	assert_string_equal(j->lanes[0].again, "feedline bench memory.copy --memory node0 --duration 2s");
	fl_judgement_free(j);
	fl_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_slow),	 cmocka_unit_test(test_wrong_data),
		cmocka_unit_test(test_nothing_to_prove), cmocka_unit_test(test_together),
		cmocka_unit_test(test_values),		 cmocka_unit_test(test_behind_what_was_not_needed),
		cmocka_unit_test(test_no_witness),	 cmocka_unit_test(test_kept_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
