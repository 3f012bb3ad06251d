/* SPDX-License-Identifier: Apache-2.0 */
/* test_suite.c: the suite grammar: what is read, and how what is not is refused. */
#include "base/text.h"
#include "plan/suite.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *text, struct fl_suite **ret, struct fl_err *err)
{
	return fl_suite_parse(text, strlen(text), "s", "s.yaml", ret, err);
}

static void test_every_word(void **state)
{
	struct fl_err err = { 0 };
	struct fl_suite *s;

	(void)state;
	assert_int_equal(parse("- bench: memory.copy\n"
			       "  with: {size: 1MiB, numa: 0}\n"
			       "  each: [memory]\n"
			       "  repeat: 3\n"
			       "  require: [memory.copy]\n"
			       "- together:\n"
			       "    - bench: null.nop\n"
			       "    - bench: null.nop\n",
			       &s, &err),
			 0);
	assert_string_equal(s->name, "s");
	assert_string_equal(s->source, "s.yaml");
	assert_false(s->required);
	assert_int_equal(s->rules_n, 2);
	assert_string_equal(s->rules[0].bench, "memory.copy");
	assert_int_equal(s->rules[0].with_n, 2);
	assert_string_equal(s->rules[0].with[1].name, "numa");
	assert_string_equal(s->rules[0].with[1].text, "0");
	assert_int_equal(s->rules[0].with[1].line, 2);
	assert_int_equal(s->rules[0].with[1].column, 28);
	assert_string_equal(s->rules[0].each[0].name, "memory");
	assert_int_equal(s->rules[0].repeat, 3);
	assert_string_equal(s->rules[0].require[0].name, "memory.copy");
	assert_null(s->rules[1].bench);
	assert_int_equal(s->rules[1].together_n, 2);
	assert_int_equal(s->rules[1].repeat, 1);
	assert_int_equal(s->rules[1].line, 6);
	fl_suite_free(s);
}

static const struct {
	const char *words, *said;
	enum fl_schedule_kind kind;
	unsigned rounds;
	enum fl_reach reach;
} across[] = {
	{ "repeat: 1", NULL, FL_SCHEDULE_PAIRS, 0, FL_REACH_ALL },
	{ "across: pairs", "across", FL_SCHEDULE_PAIRS, 0, FL_REACH_ALL },
	{ "across: shifts", "across", FL_SCHEDULE_SHIFTS, 0, FL_REACH_ALL },
	{ "across: bisection", "across", FL_SCHEDULE_BISECTION, 0, FL_REACH_ALL },
	{ "across: {sample: 16}", "across", FL_SCHEDULE_SAMPLE, 16, FL_REACH_ALL },
	{ "reach: within", "reach", FL_SCHEDULE_PAIRS, 0, FL_REACH_WITHIN },
	{ "reach: between\n  across: shifts", "reach", FL_SCHEDULE_SHIFTS, 0, FL_REACH_BETWEEN },
};

static void test_across(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(across) / sizeof(across[0]); i++) {
		struct fl_text text = { 0 };
		struct fl_err err = { 0 };
		struct fl_suite *s;

		fl_text_add(&text, "- bench: tcp.stream\n  %s\n", across[i].words);
		assert_int_equal(parse(fl_text_str(&text), &s, &err), 0);
		assert_int_equal(s->rules[0].across.kind, across[i].kind);
		assert_int_equal(s->rules[0].across.rounds, across[i].rounds);
		assert_int_equal(s->rules[0].across.reach, across[i].reach);
		if (across[i].said)
			assert_string_equal(s->rules[0].across.said, across[i].said);
		else
			assert_null(s->rules[0].across.said);
		fl_suite_free(s);
		fl_text_release(&text);
	}
}

static void test_words_of_studies(void **state)
{
	struct fl_err err = { 0 };
	struct fl_suite *s;

	(void)state;
	assert_int_equal(
		parse("- bench: storage.read\n"
		      "  pairs: {of: [numa, drive], relation: nearest}\n"
		      "  sweep: {depth: 1..128}\n"
		      "  primary: [\"storage.read:ops_per_s\"]\n"
		      "- bench: storage.read\n"
		      "  beside: [{bench: memory.copy}, {bench: null.nop}]\n"
		      "- bench: storage.read\n"
		      "  sweep: {block: [4KiB, 8KiB]}\n"
		      "  study: ab\n"
		      "- together: [{bench: a, pairs: {of: [b, c], relation: all}}]\n"
		      "  study: solo\n"
		      "- {bench: a, study: calibration}\n"
		      "- {bench: a, repeat: 3..12}\n"
		      "- {bench: a, pairs: {of: [b, beside.c], relation: switch}, beside: [{bench: d}], study: solo}\n"
		      "- {bench: a, pairs: {of: [b, c], relation: bisection}, at_once: [b, c], study: calibration}\n",
		      &s, &err),
		0);
	assert_int_equal(s->rules_n, 8);
	assert_int_equal(s->rules[0].study, FL_STUDY_SWEEP);
	assert_string_equal(s->rules[0].pairs[1].name, "drive");
	assert_int_equal(s->rules[0].relation, FL_RELATION_NEAREST);
	assert_true(s->rules[0].sweep_range);
	assert_string_equal(s->rules[0].sweep[0].name, "depth");
	assert_string_equal(s->rules[0].sweep[0].text, "1");
	assert_string_equal(s->rules[0].sweep[1].text, "128");
	assert_int_equal(s->rules[0].sweep[1].column, 18);
	assert_string_equal(s->rules[0].primary[0].name, "storage.read:ops_per_s");
	assert_int_equal(s->rules[1].study, FL_STUDY_BESIDE);
	assert_int_equal(s->rules[1].beside_n, 2);
	assert_int_equal(s->rules[2].study, FL_STUDY_AB);
	assert_int_equal(s->rules[2].sweep_n, 2);
	assert_false(s->rules[2].sweep_range);
	assert_int_equal(s->rules[3].study, FL_STUDY_SOLO);
	assert_int_equal(s->rules[4].study, FL_STUDY_CALIBRATION);
	assert_int_equal(s->rules[5].study, FL_STUDY_REPEAT);
	assert_int_equal(s->rules[5].repeat_least, 3);
	assert_int_equal(s->rules[5].repeat, 12);
	assert_false(s->rules[0].pairs_beside);
	assert_true(s->rules[6].pairs_beside);
	assert_string_equal(s->rules[6].pairs[1].name, "c");
	assert_int_equal(s->rules[6].relation, FL_RELATION_SWITCH);
	assert_int_equal(s->rules[6].study, FL_STUDY_SOLO);
	assert_int_equal(s->rules[7].at_once_n, 2);
	assert_int_equal(s->rules[7].relation, FL_RELATION_BISECTION);
	fl_suite_repeat(s, 5);
	assert_int_equal(s->rules[5].repeat_least, 5);
	assert_int_equal(s->rules[0].repeat, 5);
	fl_suite_free(s);
}

static const struct {
	const char *text, *what, *hint;
} bad[] = {
	{ "", "s.yaml:1:1: ", "" },
	{ "bench: null.nop\n", "s.yaml:1:1: a suite wants a list of rules", "- bench: memory.copy" },
	{ "[]\n", "s.yaml:1:1: a suite wants a list of rules", "" },
	{ "- null.nop\n", "s.yaml:1:3: a rule is a map", "" },
	{ "- bensh: null.nop\n", "s.yaml:1:3: unknown word 'bensh'", "did you mean 'bench'" },
	{ "- zzzzzzzz: 1\n", "s.yaml:1:3: unknown word 'zzzzzzzz'",
	  "known: bench, with, each, pairs, at_once, together, beside, sweep, across, reach, only_with, study, repeat, "
	  "primary, "
	  "require, require_if_any" },
	{ "- bench: a\n  across: pair\n", "s.yaml:2:11: unknown schedule 'pair'", "did you mean 'pairs'" },
	{ "- bench: a\n  across: sample\n", "s.yaml:2:11: 'across' wants a number of rounds", "{sample: 16}" },
	{ "- bench: a\n  across: [pairs]\n", "s.yaml:2:11: 'across' wants one schedule", "across: pairs" },
	{ "- bench: a\n  across: {rounds: 3}\n", "s.yaml:2:11: 'across' wants 'sample' and nothing else", "sample" },
	{ "- bench: a\n  across: {sample: 3, seed: 1}\n", "s.yaml:2:11: 'across' wants 'sample' and nothing else", "" },
	{ "- bench: a\n  across: {sample: 0}\n", "s.yaml:2:20: 'sample' wants a number of rounds from 1 to 10000", "" },
	{ "- bench: a\n  across: {sample: 10001}\n", "s.yaml:2:20: 'sample' wants a number of rounds", "" },
	{ "- bench: a\n  across: {sample: [1]}\n", "s.yaml:2:20: 'sample' wants a number of rounds", "" },
	{ "- bench: a\n  reach: [within]\n", "s.yaml:2:10: 'reach' wants 'within' or 'between'", "" },
	{ "- bench: a\n  reach: betwen\n", "s.yaml:2:10: unknown reach 'betwen'", "did you mean 'between'" },
	{ "- together: [{bench: a}]\n  across: pairs\n", "s.yaml:2:3: 'across' belongs to a benchmark", "rules below" },
	{ "- together: [{bench: a}]\n  reach: within\n", "s.yaml:2:3: 'reach' belongs to a benchmark", "rules below" },
	{ "- together: [{bench: a, across: pairs}]\n", "s.yaml:1:25: 'across' cannot stand inside 'together'", "" },
	{ "- bench: a\n  beside: [{bench: b, reach: within}]\n", "s.yaml:2:23: 'reach' cannot stand inside", "" },
	{ "- bench: [a]\n", "s.yaml:1:10: 'bench' wants the name", "" },
	{ "- bench: a\n  with: [b]\n", "s.yaml:2:9: 'with' wants a map", "with: {duration: 500ms}" },
	{ "- bench: a\n  with: {b: [c]}\n", "s.yaml:2:13: option 'b' wants one value", "" },
	{ "- bench: a\n  each: memory\n", "s.yaml:2:9: 'each' wants a list", "" },
	{ "- bench: a\n  each: [m, m]\n", "s.yaml:2:13: 'each' names 'm' twice", "" },
	{ "- bench: a\n  each: [[m]]\n", "s.yaml:2:10: 'each' wants names", "" },
	{ "- bench: a\n  repeat: 0\n", "s.yaml:2:11: 'repeat' wants a number of rounds from 1 to 1000", "" },
	{ "- bench: a\n  repeat: 1001\n", "s.yaml:2:11: 'repeat' wants", "" },
	{ "- bench: a\n  repeat: -1\n", "s.yaml:2:11: 'repeat' wants", "" },
	{ "- bench: a\n  repeat: [1]\n", "s.yaml:2:11: 'repeat' wants", "" },
	{ "- repeat: 2\n", "s.yaml:1:3: a rule needs 'bench' or 'together'", "" },
	{ "- bench: a\n  together: [{bench: b}]\n", "s.yaml:1:3: a rule has either", "" },
	{ "- with: {a: b}\n  together: [{bench: b}]\n", "s.yaml:1:3: 'with' belongs to a benchmark, not to 'together'",
	  "below 'together'" },
	{ "- together: []\n", "s.yaml:1:13: 'together' wants a list of rules", "" },
	{ "- together: [{together: [{bench: a}]}]\n", "s.yaml:1:15: 'together' cannot stand inside 'together'", "" },
	{ "- together: [{bench: a, repeat: 2}]\n", "s.yaml:1:25: 'repeat' cannot stand inside", "" },
	{ "- bench: a\n- bench: &x b\n", "s.yaml:2:", "" },
	{ "- bench: a\n  repeat: 1..3\n", "s.yaml:2:11: 'repeat' wants", "repeat: 3..12" },
	{ "- bench: a\n  repeat: 5..3\n", "s.yaml:2:11: 'repeat' wants", "" },
	{ "- bench: a\n  repeat: 3..\n", "s.yaml:2:11: 'repeat' wants", "" },
	{ "- bench: a\n  pairs: [b, c]\n", "s.yaml:2:10: 'pairs' wants two device options", "relation: local" },
	{ "- bench: a\n  pairs: {of: [b], relation: all}\n", "s.yaml:2:10: 'pairs' wants two", "" },
	{ "- bench: a\n  pairs: {of: [b, c, d], relation: all}\n", "s.yaml:2:10: 'pairs' wants two", "" },
	{ "- bench: a\n  pairs: {of: [b, b], relation: all}\n", "s.yaml:2:19: 'of' names 'b' twice", "" },
	{ "- bench: a\n  pairs: {of: [beside.b, c], relation: all}\n", "s.yaml:2:10: 'pairs' wants two",
	  "relation: local" },
	{ "- bench: a\n  pairs: {of: [b, beside.c], relation: all}\n",
	  "s.yaml:2:3: 'beside.c' in 'pairs' wants 'beside' with one rule", "" },
	{ "- bench: a\n  pairs: {of: [b, beside.c], relation: all}\n  beside: [{bench: a}, {bench: b}]\n",
	  "s.yaml:2:3: 'beside.c' in 'pairs' wants 'beside' with one rule", "" },
	{ "- bench: a\n  at_once: b\n", "s.yaml:2:12: 'at_once' wants a list of names", "" },
	{ "- bench: a\n  at_once: [b, b]\n", "s.yaml:2:16: 'at_once' names 'b' twice", "" },
	{ "- bench: a\n  at_once: [b]\n  sweep: {c: [1, 2]}\n", "s.yaml:2:3: 'at_once' goes with neither", "" },
	{ "- bench: a\n  beside: [{bench: a}]\n  at_once: [b]\n", "s.yaml:3:3: 'at_once' goes with neither", "" },
	{ "- bench: a\n  study: ladder\n  at_once: [b]\n", "s.yaml:3:3: 'at_once' goes with neither", "" },
	{ "- together: [{bench: a, at_once: [b]}]\n", "s.yaml:1:25: 'at_once' cannot stand inside 'together'", "" },
	{ "- together: [{bench: a}]\n  at_once: [b]\n", "s.yaml:2:3: 'at_once' belongs to a benchmark", "" },
	{ "- bench: a\n  pairs: {of: [b, c]}\n", "s.yaml:2:10: 'pairs' wants a relation", "" },
	{ "- bench: a\n  pairs: {of: [b, c], relation: near}\n", "s.yaml:2:33: unknown relation 'near'", "'nearest'" },
	{ "- bench: a\n  pairs: {off: [b, c]}\n", "s.yaml:2:11: unknown word of 'pairs' 'off'", "'of'" },
	{ "- bench: a\n  sweep: [1, 2]\n", "s.yaml:2:10: 'sweep' wants one option", "depth: 1..128" },
	{ "- bench: a\n  sweep: {b: [1, 2], c: [1, 2]}\n", "s.yaml:2:10: 'sweep' wants one option", "" },
	{ "- bench: a\n  sweep: {b: [1]}\n", "s.yaml:2:14: 'sweep' wants two values at least", "" },
	{ "- bench: a\n  sweep: {b: [1, [2]]}\n", "s.yaml:2:18: 'sweep' wants a list of plain values", "" },
	{ "- bench: a\n  sweep: {b: 7}\n", "s.yaml:2:14: 'sweep' wants a list of values, or a range", "" },
	{ "- bench: a\n  sweep: {b: {c: d}}\n", "s.yaml:2:10: 'sweep' wants one option", "" },
	{ "- bench: a\n  study: [ab]\n", "s.yaml:2:10: 'study' wants one name", "" },
	{ "- bench: a\n  study: abc\n", "s.yaml:2:10: unknown study 'abc'", "'ab'" },
	{ "- bench: a\n  study: sweep\n", "s.yaml:2:10: unknown study 'sweep'", "solo, ab, calibration" },
	{ "- bench: a\n  study: solo\n", "s.yaml:2:3: 'study: solo' wants 'together'", "" },
	{ "- bench: a\n  study: ab\n", "s.yaml:2:3: 'study: ab' wants a 'sweep' of exactly two values", "" },
	{ "- bench: a\n  study: ab\n  sweep: {b: [1, 2, 3]}\n", "s.yaml:2:3: 'study: ab' wants", "" },
	{ "- bench: a\n  study: ab\n  sweep: {b: 1..2}\n", "s.yaml:2:3: 'study: ab' wants", "" },
	{ "- bench: a\n  study: calibration\n  sweep: {b: [1, 2]}\n", "s.yaml:2:3: 'study: calibration' goes", "" },
	{ "- bench: a\n  beside: [{bench: b}]\n  sweep: {b: [1, 2]}\n", "s.yaml:2:3: a rule is one study", "" },
	{ "- bench: a\n  sweep: {b: [1, 2]}\n  repeat: 3..9\n", "s.yaml:3:3: this study wants one number of rounds",
	  "" },
	{ "- bench: a\n  beside: []\n", "s.yaml:2:11: 'beside' wants a list of rules", "" },
	{ "- bench: a\n  beside: [{bench: b, sweep: {c: [1, 2]}}]\n",
	  "s.yaml:2:23: 'sweep' cannot stand inside 'beside'", "" },
	{ "- together: [{bench: a, beside: [{bench: b}]}]\n", "s.yaml:1:25: 'beside' cannot stand inside 'together'",
	  "" },
	{ "- together: [{bench: a}]\n  sweep: {b: [1, 2]}\n", "s.yaml:2:3: 'sweep' belongs to a benchmark", "" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fl_suite *s = NULL;
		struct fl_err err = { 0 };

		assert_int_equal(parse(bad[i].text, &s, &err), -EINVAL);
		assert_null(s);
		if (strncmp(err.what, bad[i].what, strlen(bad[i].what)) != 0 || !strstr(err.hint, bad[i].hint))
			fail_msg("'%s': '%s' / '%s'", bad[i].text, err.what, err.hint);
	}
}

static void test_long_sweep(void **state)
{
	struct fl_text t = { 0 };
	struct fl_suite *s = NULL;
	struct fl_err err = { 0 };

	(void)state;
	fl_text_add(&t, "- bench: a\n  sweep: {b: [0");
	for (int i = 1; i < 257; i++)
		fl_text_add(&t, ", %d", i);
	fl_text_add(&t, "]}\n");
	assert_int_equal(parse(fl_text_str(&t), &s, &err), -EINVAL);
	assert_string_equal(err.what, "s.yaml:2:14: 'sweep' has 257 values, more than 256");
	fl_text_release(&t);
}

static void test_of_bench(void **state)
{
	const struct fl_setting with[] = { { .name = "block", .text = "4KiB" } };
	struct fl_suite *s = fl_suite_of_bench("storage.read", with, 1, FL_STUDY_REPEAT, 2);

	(void)state;
	assert_true(s->required);
	assert_int_equal(s->rules_n, 1);
	assert_string_equal(s->rules[0].bench, "storage.read");
	assert_string_equal(s->rules[0].with[0].text, "4KiB");
	assert_ptr_not_equal(s->rules[0].with[0].text, with[0].text);
	assert_int_equal(s->rules[0].repeat, 2);
	fl_suite_free(s);
	fl_suite_free(NULL);
}

/* Lanes side by side, one for each time that the path is said; everything else is every lane's. */
static void test_spread(void **state)
{
	const struct fl_setting with[] = { { .name = "path", .text = "/a" },
					   { .name = "block", .text = "4KiB" },
					   { .name = "path", .text = "/b" } };
	struct fl_suite *s = fl_suite_of_bench("storage.read", with, 3, FL_STUDY_REPEAT, 2);
	const struct fl_rule *lanes;

	(void)state;
	fl_suite_spread(s, "path");
	assert_int_equal(s->rules_n, 1);
	assert_null(s->rules[0].bench);
	assert_int_equal(s->rules[0].repeat, 2);
	assert_int_equal(s->rules[0].together_n, 2);
	lanes = s->rules[0].together;
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(lanes[i].bench, "storage.read");
		assert_int_equal(lanes[i].with_n, 2);
		assert_string_equal(lanes[i].with[i == 0].name, "block");
		assert_string_equal(lanes[i].with[i == 0].text, "4KiB");
		assert_string_equal(lanes[i].with[i].name, "path");
		assert_string_equal(lanes[i].with[i].text, i ? "/b" : "/a");
	}
	fl_suite_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_word), cmocka_unit_test(test_words_of_studies),
		cmocka_unit_test(test_across),	   cmocka_unit_test(test_long_sweep),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_of_bench),
		cmocka_unit_test(test_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
