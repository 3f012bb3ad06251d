/* SPDX-License-Identifier: Apache-2.0 */
/* test_studies.c: rules to studies, which steps they want as results come in, and that a run that goes on wants the
 * same ones. */
#include "../sample.h"
#include "base/alloc.h"
#include "plan/plan.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int make(const char *text, unsigned passes, struct fl_plan **ret, struct fl_err *err)
{
	const struct fl_plan_settings settings = { .passes = passes };
	struct fl_catalog catalog = sample_catalog();
	struct sample_machine s;
	struct fl_suite *suite;
	int rc = fl_suite_parse(text, strlen(text), "s", "s.yaml", &suite, err);

	sample_machine_init(&s);
	if (rc < 0)
		return rc;
	rc = fl_plan_make(suite, &catalog, &s.m, &settings, ret, err);
	fl_suite_free(suite);
	return rc;
}

static struct fl_plan *must(const char *text, unsigned passes)
{
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };

	if (make(text, passes, &plan, &err) < 0)
		fail_msg("'%s': %s", text, err.what);
	return plan;
}

/* ---- what a rule makes: "KIND LABEL [OPTION]", and the labels of its cases */

#define READ "- bench: storage.read\n  with: {path: /data/f}\n"

static const struct {
	const char *text;
	unsigned passes;
	const char *want;
} made[] = {
	{ "- bench: memory.copy\n  with: {memory: local}\n  repeat: 3..12\n", 0,
	  "repeat memory.copy\n"
	  "  memory.copy numa=node0 memory=node0 3..12\n"
	  "  memory.copy numa=node1 memory=node1 3..12\n" },
	{ "- bench: memory.copy\n  with: {memory: local}\n  sweep: {size: 4KiB..16KiB}\n", 0,
	  "sweep memory.copy numa=node0 memory=node0 size: 4096 8192 16384\n"
	  "  memory.copy numa=node0 memory=node0 size=4KiB 1..1\n"
	  "  memory.copy numa=node0 memory=node0 size=8KiB 1..1\n"
	  "  memory.copy numa=node0 memory=node0 size=16KiB 1..1\n"
	  "sweep memory.copy numa=node1 memory=node1 size: 4096 8192 16384\n"
	  "  memory.copy numa=node1 memory=node1 size=4KiB 1..1\n"
	  "  memory.copy numa=node1 memory=node1 size=8KiB 1..1\n"
	  "  memory.copy numa=node1 memory=node1 size=16KiB 1..1\n" },
	{ READ "  sweep: {depth: 3..20}\n  repeat: 2\n", 0,
	  "sweep storage.read path=/data/f depth: 3 6 12 20\n"
	  "  storage.read path=/data/f depth=3 2..2\n"
	  "  storage.read path=/data/f depth=6 2..2\n"
	  "  storage.read path=/data/f depth=12 2..2\n"
	  "  storage.read path=/data/f depth=20 0..2\n" }, /* perhaps not needed */
	{ READ "  sweep: {depth: 3..10}\n", 0,
	  "sweep storage.read path=/data/f depth: 3 6 10\n"
	  "  storage.read path=/data/f depth=3 1..1\n"
	  "  storage.read path=/data/f depth=6 1..1\n"
	  "  storage.read path=/data/f depth=10 1..1\n" },
	{ READ "  sweep: {pattern: [random, sequential]}\n  repeat: 2\n", 0,
	  "sweep storage.read path=/data/f pattern: random sequential\n"
	  "  storage.read path=/data/f pattern=random 2..2\n"
	  "  storage.read path=/data/f pattern=sequential 2..2\n" },
	{ "- bench: storage.read\n  sweep: {path: [/data/f, /var/f]}\n  study: ab\n", 0,
	  "ab storage.read path: /data/f /var/f\n"
	  "  storage.read path=/data/f 1..1\n"
	  "  storage.read path=/var/f 1..1\n" },
	{ READ "  sweep: {block: [4KiB, 4096]}\n  study: ab\n", 0,
	  "ab storage.read path=/data/f block: 4096 4096\n"
	  "  storage.read path=/data/f block=4KiB 1..1\n"
	  "  storage.read path=/data/f block=4096 1..1\n" },
	{ "- together: [{bench: memory.copy, with: {memory: local}}]\n  study: solo\n  repeat: 8\n", 0,
	  "solo memory.copy numa=node0 memory=node0 + memory.copy numa=node1 memory=node1\n"
	  "  memory.copy numa=node0 memory=node0 alone 8..8\n"
	  "  memory.copy numa=node1 memory=node1 alone 8..8\n"
	  "  memory.copy numa=node0 memory=node0 + memory.copy numa=node1 memory=node1 8..8\n" },
	{ "- together: [{bench: null.nop}]\n  study: solo\n", 0, "repeat null.nop\n  null.nop 1..1\n" },
	{ READ "  beside: [{bench: null.nop}, {bench: null.pipeline}]\n", 0,
	  "beside storage.read path=/data/f beside null.nop + null.pipeline\n"
	  "  storage.read path=/data/f alone 1..1\n"
	  "  storage.read path=/data/f beside null.nop + null.pipeline 1..1\n" },
	{ "- bench: null.nop\n  study: calibration\n  repeat: 3\n", 0,
	  "calibration null.nop\n  null.nop 15..30 by 3\n" },
	{ "- bench: null.nop\n  repeat: 3..4\n", 6, "calibration null.nop\n  null.nop 20..24 by 4\n" },
	{ READ "  sweep: {depth: 1..2}\n", 3,
	  "calibration storage.read path=/data/f\n"
	  "  storage.read path=/data/f depth=1 3..3 by 1\n"
	  "  storage.read path=/data/f depth=2 3..3 by 1\n" },
	{ "- bench: null.nop\n  study: calibration\n", 2, "calibration null.nop\n  null.nop 2..2 by 1\n" },
};

static void describe(const struct fl_plan *plan, struct fl_text *out)
{
	unsigned next = 0;

	for (size_t i = 0; i < plan->studies_n; i++) {
		const struct fl_study *s = &plan->studies[i];

		assert_int_equal(s->first, next);
		next += s->cases_n;
		fl_text_add(out, "%s %s", fl_study_name(s->kind), s->label);
		if (s->option)
			fl_text_add(out, " %s:", s->option);
		for (unsigned k = 0; s->values && k < s->cases_n; k++)
			fl_text_add(out, " %s", s->values[k]);
		fl_text_add(out, "\n");
		for (unsigned k = 0; k < s->cases_n; k++) {
			const struct fl_plan_case *c = &plan->cases[s->first + k];

			fl_text_add(out, "  %s %u..%u", c->label, c->rounds_least, c->rounds);
			if (c->pass_rounds)
				fl_text_add(out, " by %u", c->pass_rounds);
			fl_text_add(out, "\n");
		}
	}
	assert_int_equal(next, plan->cases_n);
}

static void test_made(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		struct fl_plan *plan = must(made[i].text, made[i].passes);
		struct fl_text t = { 0 };

		describe(plan, &t);
		assert_string_equal(fl_text_str(&t), made[i].want);
		fl_text_release(&t);
		fl_plan_free(plan);
	}
}

/* A lane sits alone where it sits among the others; where they cannot be measured, it can. */
static void test_places(void **state)
{
	struct fl_plan *plan =
		must("- together:\n    - {bench: memory.copy, with: {numa: 0, memory: 0}}\n"
		     "    - {bench: null.nop, with: {numa: 0}}\n  study: solo\n"
		     "- bench: memory.copy\n  with: {numa: 0, memory: 0}\n  beside: [{bench: gpu.h2d}]\n",
		     0);

	(void)state;
	for (unsigned lane = 0; lane < 2; lane++) {
		const struct fl_plan_lane *alone = &plan->cases[lane].lanes[0], *among = &plan->cases[2].lanes[lane];

		assert_int_equal(fl_cpus_count(&alone->cpus), 1);
		assert_true(fl_cpus_equal(&alone->cpus, &among->cpus));
		assert_int_equal(alone->worker, 0);
		assert_false(alone->shares_cpus);
	}
	assert_null(plan->cases[3].lanes[0].skip);
	assert_int_equal(plan->cases[3].lanes[0].cpus.bits[0], 0x3);
	assert_string_equal(plan->cases[4].lanes[0].skip, "beside it: this machine has no gpu");
	fl_plan_free(plan);
}

/* ---- carried out: the steps that are wanted, given what each comes to */

typedef double value_fn(const struct fl_plan *plan, struct fl_plan_step step, unsigned lane);

static void add_step(const struct fl_plan *plan, struct fl_plan_step step, value_fn *value, enum fl_better better,
		     struct fl_results *results)
{
	for (unsigned lane = 0; lane < plan->cases[step.case_no].lanes_n; lane++) {
		const struct fl_plan_result r = { step.case_no, step.round, lane, value(plan, step, lane), better };

		fl_results_add(results, &r);
	}
}

struct steps {
	struct fl_plan_step at[4096];
	size_t n;
};

/* From the first `begun` of these steps on to the end. */
static void carry_on(const struct fl_plan *plan, const struct steps *before, size_t begun, value_fn *value,
		     enum fl_better better, struct steps *ret)
{
	struct fl_results *results = fl_results_make(plan);
	uint64_t most = UINT64_MAX;
	struct fl_plan_step step;

	for (size_t i = begun; i-- > 0;) /* their order does not matter */
		add_step(plan, before->at[i], value, better, results);
	for (ret->n = begun; fl_plan_next(plan, results, &step);) {
		struct fl_plan_left left = fl_plan_left(plan, results);

		assert_int_equal(left.steps_done, ret->n);
		assert_true(left.steps_most > ret->n && left.steps_most <= most);
		most = left.steps_most;
		assert_true(ret->n < 4096);
		ret->at[ret->n++] = step;
		add_step(plan, step, value, better, results);
	}
	assert_int_equal(fl_plan_left(plan, results).steps_most, ret->n);
	fl_results_free(results);
}

static double tenths(const struct fl_plan *plan, struct fl_plan_step step, unsigned lane)
{
	(void)plan;
	return 100 + (step.case_no * 7 + step.round * 5 + lane * 3) % 10;
}

static double wild(const struct fl_plan *plan, struct fl_plan_step step, unsigned lane)
{
	unsigned mixed = (step.case_no + 1) * 2654435761u + step.round * 40503u + lane * 97u;

	(void)plan;
	mixed ^= mixed >> 13;
	return mixed % 11 ? 50 + mixed % 100 : (double)NAN;
}

static double nothing(const struct fl_plan *plan, struct fl_plan_step step, unsigned lane)
{
	(void)plan;
	(void)step;
	(void)lane;
	return NAN;
}

/* Rises with the value of the option up to 16, and falls from 64 on. */
static double saturating(const struct fl_plan *plan, struct fl_plan_step step, unsigned lane)
{
	double depth = strtod(plan->studies[0].values[step.case_no], NULL);

	(void)lane;
	return depth > 64 ? 1500 : 100 * (depth > 16 ? 16 : depth);
}

static double inverse(const struct fl_plan *plan, struct fl_plan_step step, unsigned lane)
{
	return 1e6 / saturating(plan, step, lane);
}

/* ---- which steps: "case.round" in order */

static const struct {
	const char *text;
	value_fn *value;
	enum fl_better better;
	const char *want;
} carried_out[] = {
	/* plain rounds: cases alternate */
	{ "- {bench: null.nop, repeat: 2}\n- {bench: null.nop, repeat: 3}\n", tenths, FL_HIGHER,
	  "0.0 1.0 0.1 1.1 1.2" },
	/* every other round the other way round, A and B as well as alone and beside */
	{ READ "  sweep: {block: [4KiB, 8KiB]}\n  study: ab\n  repeat: 4\n", tenths, FL_HIGHER,
	  "0.0 1.0 1.1 0.1 0.2 1.2 1.3 0.3" },
	{ READ "  beside: [{bench: null.nop}]\n  repeat: 2\n", tenths, FL_HIGHER, "0.0 1.0 1.1 0.1" },
	{ "- together: [{bench: null.nop, each: [numa]}]\n  study: solo\n  repeat: 2\n", tenths, FL_HIGHER,
	  "0.0 1.0 2.0 2.1 1.1 0.1" },
	/* upward until two values in a row bring nothing; those measured are measured again */
	{ READ "  sweep: {depth: 1..1024}\n  repeat: 2\n", saturating, FL_HIGHER,
	  "0.0 1.0 2.0 3.0 4.0 5.0 6.0 0.1 1.1 2.1 3.1 4.1 5.1 6.1" },
	{ READ "  sweep: {depth: 1..1024}\n", inverse, FL_LOWER, "0.0 1.0 2.0 3.0 4.0 5.0 6.0" },
	{ READ "  sweep: {depth: 1..8}\n", inverse, FL_HIGHER, "0.0 1.0 2.0" }, /* it only gets worse */
	{ READ "  sweep: {depth: 1..8}\n", nothing, FL_HIGHER, "0.0 1.0 2.0 3.0" },
	{ READ "  sweep: {depth: 1..8}\n", tenths, FL_NEITHER, "0.0 1.0 2.0 3.0" },
	{ READ "  sweep: {depth: [1, 2, 4]}\n", inverse, FL_HIGHER, "0.0 1.0 2.0" }, /* a list is measured whole */
};

static void test_carried_out(void **state)
{
	static struct steps steps;

	(void)state;
	for (size_t i = 0; i < sizeof(carried_out) / sizeof(carried_out[0]); i++) {
		struct fl_plan *plan = must(carried_out[i].text, 0);
		struct fl_text t = { 0 };

		carry_on(plan, NULL, 0, carried_out[i].value, carried_out[i].better, &steps);
		for (size_t k = 0; k < steps.n; k++)
			fl_text_add(&t, "%s%u.%u", k ? " " : "", steps.at[k].case_no, steps.at[k].round);
		assert_string_equal(fl_text_str(&t), carried_out[i].want);
		fl_text_release(&t);
		fl_plan_free(plan);
	}
}

/* ---- how many rounds */

/* Rounds of one lane, and after how many of them it is over. */
static const double *given;

static double as_given(const struct fl_plan *plan, struct fl_plan_step step, unsigned lane)
{
	(void)plan;
	(void)lane;
	return given[step.round];
}

static const struct {
	const char *text;
	double values[16];
	size_t rounds;
} rounds[] = {
	{ "- {bench: null.nop, repeat: 3..12}\n", { 100, 102, 104 }, 3 },
	{ "- {bench: null.nop, repeat: 3..12}\n", { 100, 102, 106, 100, 100, 100, 100, 100, 100 }, 9 }, /* 2nd to 8th */
	{ "- {bench: null.nop, repeat: 3..4}\n", { 100, 200, 300, 400 }, 4 },
	{ "- {bench: null.nop, repeat: 3..12}\n", { NAN, NAN, NAN }, 3 },
	{ "- {bench: null.nop, repeat: 3..12}\n", { NAN, 100, 101 }, 3 },
	{ "- {bench: null.nop, study: calibration}\n", { 100, 100.5, 99.9, 100, 100 }, 5 },
	{ "- {bench: null.nop, study: calibration}\n", { 100, 102, 100, 100, 100, 100, 100, 100, 100, 100 }, 10 },
	{ "- {bench: null.nop, study: calibration}\n", { 100, 101, 102, 103, 104, 105, 106, 107, 108, 109 }, 10 },
	{ "- {bench: null.nop, study: calibration}\n", { NAN, NAN, NAN, NAN, NAN }, 5 },
	{ "- {bench: null.nop, study: calibration, repeat: 2}\n", { 1, 2, 1, 2, 1, 2, 1, 2, 1, 2 }, 10 },
};

static void test_rounds(void **state)
{
	static struct steps steps;

	(void)state;
	for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
		struct fl_plan *plan = must(rounds[i].text, 0);

		given = rounds[i].values;
		carry_on(plan, NULL, 0, as_given, FL_HIGHER, &steps);
		if (steps.n != rounds[i].rounds)
			fail_msg("row %zu: %zu rounds", i, steps.n);
		fl_plan_free(plan);
	}
}

/* ---- a run that was cut anywhere goes on as it would have gone on */

static const char everything[] =
	"- {bench: null.nop, repeat: 3..12}\n" READ "  sweep: {depth: 1..64}\n  repeat: 2\n" READ
	"  sweep: {block: [4KiB, 8KiB]}\n  study: ab\n  repeat: 4\n" READ
	"  beside: [{bench: memory.copy, with: {memory: local}}]\n  repeat: 3\n"
	"- together: [{bench: memory.copy, with: {memory: local}}]\n  study: solo\n  repeat: 3\n"
	"- {bench: memory.copy, with: {memory: local}, study: calibration, repeat: 2}\n";

static int compare_steps(const void *a, const void *b)
{
	const struct fl_plan_step *x = a, *y = b;

	return x->case_no != y->case_no ? (x->case_no < y->case_no ? -1 : 1)
					: (x->round < y->round ? -1 : x->round > y->round);
}

static void test_resume(void **state)
{
	static value_fn *const values[] = { tenths, wild, nothing };
	static struct steps whole, resumed;

	(void)state;
	for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
		struct fl_plan *plan = must(everything, 0);

		carry_on(plan, NULL, 0, values[v], FL_HIGHER, &whole);
		for (size_t cut = 0; cut <= whole.n; cut++) {
			carry_on(plan, &whole, cut, values[v], FL_HIGHER, &resumed);
			assert_int_equal(resumed.n, whole.n);
			memcpy(resumed.at, whole.at, cut * sizeof(*whole.at));
			assert_memory_equal(resumed.at, whole.at, whole.n * sizeof(*whole.at));
		}
		/* each step once */
		qsort(whole.at, whole.n, sizeof(*whole.at), compare_steps);
		for (size_t i = 1; i < whole.n; i++)
			assert_true(compare_steps(&whole.at[i - 1], &whole.at[i]) < 0);
		fl_plan_free(plan);
	}
}

/* ---- what is refused */

static const struct {
	const char *text;
	unsigned passes;
	int code;
	const char *what, *hint;
} refused[] = {
	{ READ "  sweep: {dept: 1..4}\n", 0, -EINVAL, "s.yaml:3:17: storage.read has no option 'dept'", "'depth'" },
	{ READ "  sweep: {numa: [0, 1]}\n", 0, -EINVAL, "s.yaml:3:18: 'sweep' wants no devices, 'numa' is one",
	  "'each'" },
	{ READ "  sweep: {path: [/a, /b]}\n", 0, -EINVAL, "s.yaml:3:18: 'path' is both in 'with' and in 'sweep'", "" },
	{ READ "  sweep: {depth: [1, 9999]}\n", 0, -ERANGE, "s.yaml:3:22: ", "1..4096" },
	{ READ "  sweep: {depth: [1, 2, 1]}\n", 0, -EINVAL, "s.yaml:3:25: 'sweep' has '1' twice", "" },
	{ READ "  sweep: {block: [4KiB, 4096]}\n", 0, -EINVAL, "s.yaml:3:25: 'sweep' has '4096' twice", "" },
	{ READ "  sweep: {depth: 0..4}\n", 0, -ERANGE, "s.yaml:3:18: ", "" },
	{ READ "  sweep: {depth: 4..4}\n", 0, -EINVAL, "s.yaml:3:18: the range of 'depth' does not go upward", "" },
	{ READ "  sweep: {depth: 1..9999}\n", 0, -ERANGE, "s.yaml:3:18: ", "" },
	{ READ "  sweep: {pattern: a..b}\n", 0, -EINVAL, "s.yaml:3:20: 'pattern' has no range to sweep", "" },
	{ READ "  beside: [{bench: null.nip}]\n", 0, -EINVAL, "s.yaml:3:12: ", "null.nop" },
	{ "- bench: memory.copy\n  pairs: {of: [numa, size], relation: all}\n", 0, -EINVAL,
	  "s.yaml:2:22: 'pairs' wants device options, 'size' is none", "" },
	{ "- bench: memory.copy\n  each: [memory]\n  pairs: {of: [numa, memory], relation: all}\n", 0, -EINVAL,
	  "s.yaml:3:22: 'memory' is both in 'each' and in 'pairs'", "" },
	{ "- bench: memory.copy\n  with: {numa: 0}\n  pairs: {of: [numa, memory], relation: all}\n", 0, -EINVAL,
	  "s.yaml:3:16: 'numa' is both in 'with' and in 'pairs'", "" },
	{ "- bench: null.nop\n  primary: [memory.copy]\n", 0, -EINVAL,
	  "s.yaml:2:13: 'primary' names 'memory.copy', which no rule measures", "" },
	{ "- bench: null.nop\n  repeat: 200\n", 8, -EINVAL, "s.yaml:1:3: 8 passes of 200 rounds are more than 1000",
	  "" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct fl_plan *plan = NULL;
		struct fl_err err = { 0 };
		int rc = make(refused[i].text, refused[i].passes, &plan, &err);

		if (rc != refused[i].code || plan || strncmp(err.what, refused[i].what, strlen(refused[i].what)) != 0 ||
		    !strstr(err.hint, refused[i].hint))
			fail_msg("'%s': %d '%s' / '%s'", refused[i].text, rc, err.what, err.hint);
	}
}

/* What lies below `together` and `beside` is a part of the suite, too. */
static void test_names(void **state)
{
	struct fl_plan *plan = must("- together: [{bench: null.nop, require: [null.nop]}]\n"
				    "  primary: [\"null.nop:ops_per_s\"]\n" READ
				    "  beside: [{bench: null.pipeline, primary: [null.pipeline]}]\n"
				    "  require: [null.nop, storage.read]\n",
				    0);

	(void)state;
	assert_int_equal(plan->require_n, 2);
	assert_string_equal(plan->require[0], "null.nop");
	assert_string_equal(plan->require[1], "storage.read");
	assert_int_equal(plan->primary_n, 2);
	assert_string_equal(plan->primary[0], "null.nop:ops_per_s");
	assert_string_equal(plan->primary[1], "null.pipeline");
	fl_plan_free(plan);
}

/* ---- pairs: node0 has CPUs, memory and drive vda, node1 CPUs, memory and nvme-S1 */

static const struct {
	const char *relation, *labels;
} pairs[] = {
	{ "all", "node0:node0 node0:node1 node1:node0 node1:node1 " },
	{ "local", "node0:node0 node1:node1 " },
	{ "nearest", "node0:node0 node1:node1 " },
	{ "remote", "node0:node1 node1:node0 " },
	{ "distinct", "node0:node1 node1:node0 " },
};

static void test_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char *text = fl_format("- bench: memory.copy\n  pairs: {of: [numa, memory], relation: %s}\n",
				       pairs[i].relation);
		struct fl_plan *plan = must(text, 0);
		struct fl_text t = { 0 };

		for (size_t k = 0; k < plan->cases_n; k++)
			fl_text_add(&t, "%s:%s ", fl_lane_option(plan->cases[k].lanes, "numa"),
				    fl_lane_option(plan->cases[k].lanes, "memory"));
		assert_string_equal(fl_text_str(&t), pairs[i].labels);
		fl_text_release(&t);
		fl_plan_free(plan);
		free(text);
	}
}

/* One node: nothing is remote, which is said. */
static void test_no_pair(void **state)
{
	static const char text[] = "- bench: memory.copy\n  pairs: {of: [numa, memory], relation: remote}\n";
	struct fl_catalog catalog = sample_catalog();
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };
	struct sample_machine s;
	struct fl_suite *suite;

	(void)state;
	sample_machine_init(&s);
	s.m.nodes_n = 1;
	assert_int_equal(fl_suite_parse(text, strlen(text), "s", "s.yaml", &suite, &err), 0);
	assert_int_equal(fl_plan_make(suite, &catalog, &s.m, NULL, &plan, &err), 0);
	assert_int_equal(plan->cases_n, 1);
	assert_string_equal(plan->cases[0].lanes[0].skip, "this machine has no remote pair of numa and memory");
	fl_plan_free(plan);
	fl_suite_free(suite);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),   cmocka_unit_test(test_places), cmocka_unit_test(test_carried_out),
		cmocka_unit_test(test_rounds), cmocka_unit_test(test_resume), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_names),  cmocka_unit_test(test_pairs),  cmocka_unit_test(test_no_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
