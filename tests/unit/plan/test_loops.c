/* SPDX-License-Identifier: Apache-2.0 */
/* test_loops.c: several lanes in the place of one, what a workload demands, and the studies of a closed loop: which
 * cases they have, which of them are wanted as results come in, and that a run that goes on wants the same ones. */
#include "../sample_loop.h"
#include "base/alloc.h"
#include "base/file.h"
#include "plan/plan.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct given {
	const struct fl_override *overrides;
	size_t overrides_n;
	const struct fl_demands *demands;
	unsigned passes;
};

static int make(const char *text, struct given given, struct fl_plan **ret, struct fl_err *err)
{
	const struct fl_plan_settings settings = { .overrides = given.overrides,
						   .overrides_n = given.overrides_n,
						   .demands = given.demands,
						   .passes = given.passes };
	struct fl_entry entries[SAMPLE_LOOP_ENTRIES];
	struct fl_catalog catalog = sample_loop_catalog(entries);
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

static struct fl_plan *must(const char *text, struct given given)
{
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };

	if (make(text, given, &plan, &err) < 0)
		fail_msg("'%s': %s", text, err.what);
	return plan;
}

static const struct given plain = { .demands = &sample_demands };

/* ---- lanes */

#define FEED "- bench: feed\n  with: {path: /data/f"

/* "KIND LABEL [OPTION]", the labels of its cases, and of every lane these options where it has them. */
static void describe(const struct fl_plan *plan, const char *const *options, struct fl_text *out)
{
	for (size_t i = 0; i < plan->studies_n; i++) {
		const struct fl_study *s = &plan->studies[i];

		fl_text_add(out, "%s %s\n", fl_study_name(s->kind), s->label);
		for (unsigned k = 0; k < s->cases_n; k++) {
			const struct fl_plan_case *c = &plan->cases[s->first + k];

			fl_text_add(out, "  %s", c->label);
			if (s->values)
				fl_text_add(out, " <%s>", s->values[k]);
			for (size_t n = 0; n < c->lanes_n; n++) {
				fl_text_add(out, "%s%s", n ? ", " : ": ", c->lanes[n].bench);
				for (const char *const *o = options; *o; o++)
					if (fl_lane_option(&c->lanes[n], *o))
						fl_text_add(out, " %s", fl_lane_option(&c->lanes[n], *o));
			}
			fl_text_add(out, "\n");
		}
	}
}

static void check_described(const struct fl_plan *plan, const char *const *options, const char *want)
{
	struct fl_text t = { 0 };

	describe(plan, options, &t);
	assert_string_equal(fl_text_str(&t), want);
	fl_text_release(&t);
}

static const struct {
	const char *text, *want;
} lanes[] = {
	{ FEED "}\n", "repeat feed path=/data/f\n"
		      "  feed path=/data/f: feed 1 0\n" },
	{ FEED ", accelerators: 3}\n", "repeat feed path=/data/f accelerators=3\n"
				       "  feed path=/data/f accelerators=3: feed 3 0, feed 3 1, feed 3 2\n" },
	{ FEED "}\n  sweep: {accelerators: [1, 2]}\n", "sweep feed path=/data/f\n"
						       "  feed path=/data/f accelerators=1 <1>: feed 1 0\n"
						       "  feed path=/data/f accelerators=2 <2>: feed 2 0, feed 2 1\n" },
	{ "- together:\n    - bench: feed\n      with: {path: /data/f, accelerators: 2}\n    - bench: null.nop\n",
	  "repeat feed path=/data/f accelerators=2 + null.nop\n"
	  "  feed path=/data/f accelerators=2 + null.nop: feed 2 0, feed 2 1, null.nop\n" },
	{ FEED ", accelerators: 2}\n  beside: [{bench: null.nop}]\n",
	  "beside feed path=/data/f accelerators=2 beside null.nop\n"
	  "  feed path=/data/f accelerators=2 alone: feed 2 0, feed 2 1\n"
	  "  feed path=/data/f accelerators=2 beside null.nop: feed 2 0, feed 2 1, null.nop\n" },
	{ "- together:\n    - bench: feed\n      with: {path: /data/f, accelerators: 2}\n  study: solo\n",
	  "solo feed path=/data/f accelerators=2\n"
	  "  feed path=/data/f accelerators=2 accelerator=0 alone: feed 2 0\n"
	  "  feed path=/data/f accelerators=2 accelerator=1 alone: feed 2 1\n"
	  "  feed path=/data/f accelerators=2: feed 2 0, feed 2 1\n" },
};

static void test_lanes(void **state)
{
	static const char *const options[] = { "accelerators", "accelerator", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++) {
		struct fl_plan *plan = must(lanes[i].text, plain);

		check_described(plan, options, lanes[i].want);
		fl_plan_free(plan);
	}
}

/* Each lane has a process of its own, and the node of /data has two CPUs. */
static void test_places(void **state)
{
	struct fl_plan *plan = must(FEED ", accelerators: 2}\n", plain);

	(void)state;
	assert_int_equal(plan->cases[0].lanes_n, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct fl_plan_lane *lane = &plan->cases[0].lanes[i];

		assert_int_equal(lane->worker, i);
		assert_int_equal(lane->node, 1);
		assert_int_equal(lane->cpus.bits[0], i ? 0x8 : 0x4);
		assert_true(lane->shares_cpus);
		assert_string_equal(fl_lane_option(lane, "memory"), "node1");
	}
	fl_plan_free(plan);
}

/* ---- demand */

static const struct {
	const char *text;
	struct fl_override overrides[3];
	size_t n;
	const char *want;
} demanded[] = {
	{ FEED ", demand: odd}\n",
	  { { 0 } },
	  0,
	  "repeat feed path=/data/f demand=odd\n"
	  "  feed path=/data/f demand=odd: feed odd 4096 2000000\n" },
	{ FEED "}\n",
	  { { "demand", "small" } },
	  1,
	  "repeat feed path=/data/f demand=small\n"
	  "  feed path=/data/f demand=small: feed small 8192 1000000\n" },
	{ FEED ", demand: all}\n  study: starvation\n", { { 0 } }, 0, NULL },
	{ FEED ", demand: all}\n",
	  { { 0 } },
	  0,
	  "repeat feed path=/data/f demand=small\n"
	  "  feed path=/data/f demand=small: feed small 8192 1000000\n"
	  "repeat feed path=/data/f demand=odd\n"
	  "  feed path=/data/f demand=odd: feed odd 4096 2000000\n" },
	/* the command line goes over the suite, and concerns only those that can obey */
	{ FEED ", demand: odd}\n- bench: null.nop\n",
	  { { "demand", "small" } },
	  1,
	  "repeat feed path=/data/f demand=small\n"
	  "  feed path=/data/f demand=small: feed small 8192 1000000\n"
	  "repeat null.nop\n"
	  "  null.nop: null.nop\n" },
	{ FEED ", step_bytes: 4KiB, step_time: 5ms}\n",
	  { { "demand", "small" } },
	  1,
	  "repeat feed path=/data/f demand=small\n"
	  "  feed path=/data/f demand=small: feed small 8192 1000000\n" },
	{ FEED ", demand: all}\n",
	  { { "step_bytes", "4KiB" }, { "step_time", "3ms" } },
	  2,
	  "repeat feed path=/data/f step_bytes=4KiB step_time=3ms\n"
	  "  feed path=/data/f step_bytes=4KiB step_time=3ms: feed 4096 3000000\n" },
	{ FEED "}\n",
	  { { 0 } },
	  0,
	  "repeat feed path=/data/f\n"
	  "  feed path=/data/f: feed 67108864 40000000\n" },
};

/* A study of a demand has time for ten of its steps ("odd" takes 2 ms); who says step_time has what he asks for. */
static const struct {
	const char *text, *want; /* duration of every case */
} lengthened[] = {
	{ FEED ", demand: odd, duration: 5ms}\n  study: starvation\n", "20000000" },
	{ FEED ", demand: odd, duration: 5ms}\n  study: ladder\n", "20000000" },
	{ FEED ", demand: odd, duration: 21ms}\n  study: starvation\n", "21000000" },
	{ FEED ", demand: odd}\n  study: starvation\n", "2000000000" },
	{ FEED ", demand: odd, duration: 5ms}\n", "5000000" },
	{ FEED ", step_bytes: 4KiB, step_time: 2ms, duration: 5ms}\n  study: starvation\n", "5000000" },
};

static void test_lengthened(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lengthened) / sizeof(lengthened[0]); i++) {
		struct fl_plan *plan = must(lengthened[i].text, plain);

		for (size_t k = 0; k < plan->cases_n; k++) {
			assert_string_equal(fl_lane_option(&plan->cases[k].lanes[0], "duration"), lengthened[i].want);
			assert_int_equal(plan->cases[k].duration_ns, strtoull(lengthened[i].want, NULL, 10));
		}
		fl_plan_free(plan);
	}
}

/* A block that nobody chose is no larger than the batch. */
static void test_blocks(void **state)
{
	static const char *const options[] = { "step_bytes", "block", NULL };
	struct fl_plan *plan = must(FEED ", demand: small}\n", plain);

	(void)state;
	check_described(plan, options,
			"repeat feed path=/data/f demand=small\n"
			"  feed path=/data/f demand=small: feed 8192 8192\n");
	fl_plan_free(plan);
	plan = must(FEED ", step_bytes: 2MiB}\n", plain);
	check_described(plan, options,
			"repeat feed path=/data/f step_bytes=2MiB\n"
			"  feed path=/data/f step_bytes=2MiB: feed 2097152 1048576\n");
	fl_plan_free(plan);
	plan = must(FEED ", step_bytes: 8KiB, block: 8KiB}\n", plain);
	check_described(plan, options,
			"repeat feed path=/data/f step_bytes=8KiB block=8KiB\n"
			"  feed path=/data/f step_bytes=8KiB block=8KiB: feed 8192 8192\n");
	fl_plan_free(plan);
}

static void test_demanded(void **state)
{
	static const char *const options[] = { "demand", "step_bytes", "step_time", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(demanded) / sizeof(demanded[0]); i++) {
		const struct given given = { demanded[i].overrides, demanded[i].n, &sample_demands, 0 };
		struct fl_plan *plan = must(demanded[i].text, given);

		if (demanded[i].want)
			check_described(plan, options, demanded[i].want);
		else
			assert_int_equal(plan->studies_n, 2);
		fl_plan_free(plan);
	}
}

/* ---- cases of a study */

#define SMALL(accelerators, study) FEED ", demand: small" accelerators "}\n  study: " study "\n"

/* Of every case what it is, and of its first lane bench, source and limit; how many lanes it has. */
static const struct {
	const char *text;
	const char *want;
	unsigned passes;
} studies[] = {
	/* 8 KiB every 1 ms are 8.192 MB/s; the limits begin with 0.8 of that, each next one 0.7 of it */
	{ SMALL("", "starvation"),
	  "loop: feed direct; open: ingest direct; control: feed resident; slowed-0: feed direct 6553600; "
	  "slowed-1: feed direct 4587520; slowed-2: feed direct 3211264; slowed-3: feed direct 2247884; "
	  "slowed-4: feed direct 1573519; slowed-5: feed direct 1101463; slowed-6: feed direct 771024; "
	  "slowed-7: feed direct 539717; slowed-8: feed direct 377801; slowed-9: feed direct 264461; ",
	  0 },
	/* by itself the lane is T3 in open loop already; among others it is not */
	{ SMALL(", source: dram", "ladder"),
	  "loop: feed dram; open: ingest dram; control: feed resident; T2: ingest cached; T2-cold: ingest buffered; "
	  "T3: ingest direct; ",
	  0 },
	{ SMALL(", source: dram, accelerators: 2", "ladder"),
	  "loop: feed dram x2; open: ingest dram x2; control: feed resident x2; T1: ingest dram; T2: ingest cached; "
	  "T2-cold: ingest buffered; T3: ingest direct; ",
	  0 },
	/* what is not read from a drive cannot be slowed there */
	{ SMALL(", source: cached", "starvation"), "loop: feed cached; open: ingest cached; control: feed resident; ",
	  0 },
	{ SMALL(", source: paced", "starvation"), "loop: feed paced; open: ingest paced; control: feed resident; ", 0 },
	/* limits below a block every second cannot be set */
	{ FEED ", step_bytes: 4KiB, step_time: 400ms}\n  study: starvation\n",
	  "loop: feed direct; open: ingest direct; control: feed resident; slowed-0: feed direct 8192; "
	  "slowed-1: feed direct 5734; ",
	  0 },
	/* nothing changes between passes */
	{ SMALL("", "starvation"), "0: feed direct; 1: ingest direct; 2: feed resident; ", 5 },
};

static void test_studies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(studies) / sizeof(studies[0]); i++) {
		const struct given given = { .demands = &sample_demands, .passes = studies[i].passes };
		struct fl_plan *plan = must(studies[i].text, given);
		const struct fl_study *s = &plan->studies[0];
		struct fl_text t = { 0 };

		assert_int_equal(plan->studies_n, 1);
		assert_int_equal(s->cases_n, plan->cases_n);
		for (unsigned k = 0; k < s->cases_n; k++) {
			const struct fl_plan_case *c = &plan->cases[k];
			const char *limit = fl_lane_option(&c->lanes[0], "read_limit");

			if (s->values)
				fl_text_add(&t, "%s", s->values[k]);
			else
				fl_text_add(&t, "%u", k);
			fl_text_add(&t, ": %s %s%s%s", c->lanes[0].bench, fl_lane_option(&c->lanes[0], "source"),
				    limit ? " " : "", limit ? limit : "");
			if (c->lanes_n > 1)
				fl_text_add(&t, " x%zu", c->lanes_n);
			fl_text_add(&t, "; ");
			assert_int_equal(c->rounds_least == 0, limit != NULL);
		}
		assert_string_equal(fl_text_str(&t), studies[i].want);
		fl_text_release(&t);
		fl_plan_free(plan);
	}
}

/* Labels, and what a lane keeps of the demand; a rung stands alone where the first lane stands among the others. */
static void test_lanes_of_studies(void **state)
{
	struct fl_plan *plan = must(SMALL(", accelerators: 2", "ladder"), plain);
	const struct fl_study *s = &plan->studies[0];

	(void)state;
	assert_int_equal(s->kind, FL_STUDY_LADDER);
	assert_string_equal(s->option, "rung");
	assert_string_equal(s->label, "feed path=/data/f accelerators=2 demand=small");
	assert_string_equal(plan->cases[0].label, s->label);
	assert_string_equal(plan->cases[1].label, "feed path=/data/f accelerators=2 demand=small rung=open");
	assert_string_equal(plan->cases[5].label, "feed path=/data/f accelerators=2 demand=small rung=T2-cold");
	assert_string_equal(plan->cases[7].label, "feed path=/data/f accelerators=2 demand=small rung=slowed-0");
	for (unsigned i = 0; i < s->cases_n; i++) {
		bool rung = i > 2 && i < 7;

		assert_int_equal(plan->cases[i].lanes_n, rung ? 1 : 2);
		for (unsigned k = 0; k < plan->cases[i].lanes_n; k++) {
			const struct fl_plan_lane *lane = &plan->cases[i].lanes[k];

			assert_string_equal(fl_lane_option(lane, "accelerators"), rung ? "1" : "2");
			assert_string_equal(fl_lane_option(lane, "accelerator"), k ? "1" : "0");
			assert_string_equal(fl_lane_option(lane, "demand"), "small");
			assert_string_equal(fl_lane_option(lane, "step_bytes"), "8192");
			assert_int_equal(lane->cpus.bits[0], k ? 0x8 : 0x4);
		}
	}
	fl_plan_free(plan);
}

/* A rung that reads what is no drive is not measured; the loop, which reads nothing, is. */
static void test_rung_without_a_drive(void **state)
{
	struct fl_plan *plan = must("- bench: feed\n  with: {path: /tmp/f, source: dram}\n  study: ladder\n", plain);

	(void)state;
	assert_int_equal(plan->cases_n, 6);
	for (unsigned i = 0; i < plan->cases_n; i++) {
		const char *skip = plan->cases[i].lanes[0].skip;

		if (i < 3)
			assert_null(skip);
		else
			assert_string_equal(skip, "tmpfs is memory, not a drive");
	}
	fl_plan_free(plan);
}

/* ---- carried out: "what.round" in order, by what each case moves in MB/s */

enum { STEPS_MAX = 256 };

struct steps {
	struct fl_plan_step at[STEPS_MAX];
	size_t n;
};

/* What the loop and the open loop move, lane by lane; the loop in round 1 moves `later`. control: 0 is what is asked
 * for. */
struct rates {
	double loop[2], open[2], later, control;
};

static double value_of(const struct fl_plan *plan, const struct fl_plan_step *step, unsigned lane,
		       const struct rates *r)
{
	const char *what = plan->studies[0].values[step->case_no];

	if (strcmp(what, "loop") == 0)
		return 1e6 * (step->round ? r->later : r->loop[lane]);
	if (strcmp(what, "control") == 0)
		return 1e6 * (r->control != 0 ? r->control : 8.192);
	return strcmp(what, "open") == 0 ? 1e6 * r->open[lane] : 1e6;
}

static void add_step(const struct fl_plan *plan, const struct fl_plan_step *step, const struct rates *r,
		     struct fl_results *results)
{
	for (unsigned lane = 0; lane < plan->cases[step->case_no].lanes_n; lane++)
		fl_results_add(results, &(struct fl_plan_result){ step->case_no, step->round, lane,
								  value_of(plan, step, lane, r), FL_HIGHER });
}

/* From the first `begun` of these steps on to the end. */
static void carry_on(const struct fl_plan *plan, const struct steps *before, size_t begun, const struct rates *r,
		     struct steps *ret)
{
	struct fl_results *results = fl_results_make(plan);
	uint64_t most = UINT64_MAX;
	struct fl_plan_step step;

	for (size_t i = begun; i-- > 0;) /* their order does not matter */
		add_step(plan, &before->at[i], r, results);
	for (ret->n = begun; fl_plan_next(plan, results, &step);) {
		struct fl_plan_left left = fl_plan_left(plan, results);

		assert_int_equal(left.steps_done, ret->n);
		assert_true(left.steps_most > ret->n && left.steps_most <= most);
		most = left.steps_most;
		assert_true(ret->n < STEPS_MAX);
		ret->at[ret->n++] = step;
		add_step(plan, &step, r, results);
	}
	assert_int_equal(fl_plan_left(plan, results).steps_most, ret->n);
	fl_results_free(results);
}

/* 8.192 MB/s are asked for: a loop below 7.78 is held up. */
static const struct {
	const char *text;
	struct rates rates;
	const char *want;
} carried_out[] = {
	{ SMALL("", "starvation"), { { 8.2 }, { 12 }, 8.2, 0 }, "control.0 open.0 loop.0" },
	{ SMALL("", "starvation") "  repeat: 3\n",
	  { { 7.79 }, { 7.8 }, 7.79, 0 },
	  "control.0 open.0 loop.0 loop.1 open.1 control.1 control.2 open.2 loop.2" },
	/* held up, and the first limit is clearly less than the open loop had */
	{ SMALL("", "starvation"), { { 7.77 }, { 12 }, 1, 0 }, "control.0 open.0 loop.0 slowed-0.0" },
	{ SMALL("", "starvation"), { { 4 }, { 10.93 }, 4, 0 }, "control.0 open.0 loop.0 slowed-0.0" },
	{ SMALL("", "starvation"), { { 4 }, { 10.91 }, 4, 0 }, "control.0 open.0 loop.0 slowed-1.0" },
	{ SMALL("", "starvation"), { { 4 }, { 0.45 }, 4, 0 }, "control.0 open.0 loop.0 slowed-9.0" },
	{ SMALL("", "starvation"), { { 4 }, { 0.43 }, 4, 0 }, "control.0 open.0 loop.0" },
	/* a sink that is no faster with all data at hand is not held up by them */
	{ SMALL("", "starvation"), { { 4 }, { 12 }, 4, 4.1 }, "control.0 open.0 loop.0" },
	{ SMALL("", "starvation"), { { 4 }, { 12 }, 4, 4.3 }, "control.0 open.0 loop.0 slowed-0.0" },
	/* what was not measured decides nothing */
	{ SMALL("", "starvation"), { { 4 }, { 7 }, 4, NAN }, "control.0 open.0 loop.0" },
	{ SMALL("", "starvation"), { { NAN }, { 7 }, 4, 0 }, "control.0 open.0 loop.0" },
	{ SMALL("", "starvation"), { { 4 }, { NAN }, 4, 0 }, "control.0 open.0 loop.0" },
	/* the same one in every round, always last, whatever later rounds come to; and only one */
	{ SMALL("", "starvation") "  repeat: 2\n",
	  { { 4 }, { 6 }, 8.2, 0 },
	  "control.0 open.0 loop.0 slowed-2.0 loop.1 open.1 control.1 slowed-2.1" },
	{ SMALL("", "starvation") "  repeat: 2\n",
	  { { 8.2 }, { 6 }, 4, 0 },
	  "control.0 open.0 loop.0 loop.1 open.1 control.1" },
	/* of several lanes the median of the loop, the slowest of the open loop */
	{ SMALL(", accelerators: 2", "starvation"),
	  { { 4, 8.2 }, { 12, 5 }, 4, 0 },
	  "control.0 open.0 loop.0 slowed-3.0" },
	{ SMALL(", accelerators: 2", "starvation"), { { 7.5, 8.2 }, { 12, 5 }, 4, 0 }, "control.0 open.0 loop.0" },
	{ SMALL("", "ladder") "  repeat: 2\n",
	  { { 4 }, { 12 }, 4, 0 },
	  "control.0 open.0 T1.0 T2.0 T2-cold.0 loop.0 slowed-0.0 "
	  "loop.1 T2-cold.1 T2.1 T1.1 open.1 control.1 slowed-0.1" },
};

static void test_carried_out(void **state)
{
	static struct steps steps;

	(void)state;
	for (size_t i = 0; i < sizeof(carried_out) / sizeof(carried_out[0]); i++) {
		struct fl_plan *plan = must(carried_out[i].text, plain);
		struct fl_text t = { 0 };

		carry_on(plan, NULL, 0, &carried_out[i].rates, &steps);
		for (size_t k = 0; k < steps.n; k++)
			fl_text_add(&t, "%s%s.%u", k ? " " : "", plan->studies[0].values[steps.at[k].case_no],
				    steps.at[k].round);
		assert_string_equal(fl_text_str(&t), carried_out[i].want);
		fl_text_release(&t);
		fl_plan_free(plan);
	}
}

/* A run that was cut anywhere goes on as it would have gone on, also from the plan in its record. */
static void test_resume(void **state)
{
	static struct steps whole, resumed;

	(void)state;
	for (size_t i = 0; i < sizeof(carried_out) / sizeof(carried_out[0]); i++) {
		struct fl_plan *plan = must(carried_out[i].text, plain), *read;
		json_t *doc = fl_plan_json(plan);
		struct fl_err err = { 0 };

		if (fl_plan_read(doc, &read, &err) < 0)
			fail_msg("%s", err.what);
		carry_on(plan, NULL, 0, &carried_out[i].rates, &whole);
		for (size_t cut = 0; cut <= whole.n; cut++) {
			carry_on(read, &whole, cut, &carried_out[i].rates, &resumed);
			assert_int_equal(resumed.n, whole.n);
			memcpy(resumed.at, whole.at, cut * sizeof(*whole.at));
			assert_memory_equal(resumed.at, whole.at, whole.n * sizeof(*whole.at));
		}
		json_decref(doc);
		fl_plan_free(read);
		fl_plan_free(plan);
	}
}

/* The time that all of it needs counts one slowed case, not all that there could be. */
static void test_time(void **state)
{
	struct fl_plan *plan = must(SMALL(", duration: 3s", "ladder") "  repeat: 3\n", plain);

	(void)state;
	assert_int_equal(fl_plan_time_ns(plan), 7ull * 3 * (4000000000 + 4 * 8192)); /* and to fill two batches and 2 */
	fl_plan_free(plan);
	plan = must(FEED ", step_bytes: 1GiB, accelerators: 2, duration: 3s}\n", plain);
	assert_int_equal(fl_plan_time_ns(plan), 4000000000 + 2 * 4 * 1073741824ull);
	fl_plan_free(plan);
}

/* ---- the suite that feedline brings along */

static void read_data(const char *name, struct fl_text *out)
{
	char *path = fl_format("%s/../harness/data/%s", TESTS_DIR, name);
	struct fl_err err = { 0 };

	if (fl_file_read(AT_FDCWD, path, 1 << 20, out, &err) < 0)
		fail_msg("%s", err.what);
	free(path);
}

/* As it is, then as the command line may have it: of each demand a ladder, over files of one's own, four at once. */
static void test_suite_feed(void **state)
{
	const struct fl_override overrides[] = { { "demand", "all" }, { "path", "/data/f" }, { "accelerators", "4" } };
	enum { HOPS = 3 }; /* studies of one hop each, before */
	struct fl_text suite = { 0 }, text = { 0 };
	struct fl_demands *demands = NULL;
	struct fl_err err = { 0 };
	const struct fl_study *ladder;
	struct fl_plan *plan;

	(void)state;
	read_data("suites/feed.yaml", &suite);
	read_data("demands.yaml", &text);
	assert_int_equal(fl_demands_parse(fl_text_str(&text), text.n, "demands.yaml", &demands, &err), 0);
	plan = must(fl_text_str(&suite), (struct given){ .demands = demands });
	assert_int_equal(plan->studies_n, HOPS + 1);
	assert_int_equal(plan->require_n, 1); /* an accelerator of which nothing can be said is no success */
	assert_string_equal(plan->require[0], "feed");
	ladder = &plan->studies[HOPS];
	assert_int_equal(ladder->kind, FL_STUDY_LADDER);
	assert_string_equal(ladder->label, "feed path=cache:4GiB demand=unet3d-h100");
	assert_string_equal(fl_lane_option(&plan->cases[ladder->first].lanes[0], "step_bytes"), "1026207744");
	assert_string_equal(fl_lane_option(&plan->cases[ladder->first].lanes[0], "step_time"), "323000000");
	assert_true(fl_plan_time_ns(plan) < 210000000000); /* about three minutes, it says */
	fl_plan_free(plan);
	plan = must(fl_text_str(&suite), (struct given){ overrides, 3, demands, 0 });
	assert_int_equal(plan->studies_n, HOPS + demands->n);
	for (size_t i = 0; i < demands->n; i++) {
		const struct fl_plan_case *c = &plan->cases[plan->studies[HOPS + i].first];

		assert_int_equal(c->lanes_n, 4);
		assert_string_equal(fl_lane_option(&c->lanes[3], "accelerator"), "3");
		assert_string_equal(fl_lane_option(&c->lanes[3], "path"), "/data/f");
		assert_string_equal(fl_lane_option(&c->lanes[3], "demand"), demands->items[i].name);
	}
	fl_plan_free(plan);
	fl_demands_free(demands);
	fl_text_release(&suite);
	fl_text_release(&text);
}

/* ---- what is refused */

static const struct {
	const char *text;
	struct fl_override override;
	const char *what, *hint;
} refused[] = {
	{ FEED ", accelerators: 0}\n", { 0 }, "s.yaml:2:39: ", "" },
	{ FEED ", accelerators: 65}\n", { 0 }, "s.yaml:2:39: ", "1..64" },
	{ FEED ", accelerator: 1}\n",
	  { 0 },
	  "s.yaml:2:38: 'accelerator' cannot be set",
	  "'accelerators' says how many" },
	{ FEED "}\n", { "accelerator", "1" }, "'accelerator' cannot be set: each lane of feed has its own", "" },
	{ FEED "}\n  sweep: {accelerator: [1, 2]}\n", { 0 }, "s.yaml:3:25: 'accelerator' cannot be set", "" },
	{ FEED ", demand: smal}\n", { 0 }, "s.yaml:2:33: unknown demand 'smal'", "'small'" },
	{ FEED "}\n", { "demand", "nothing" }, "unknown demand 'nothing'", "list --demands" },
	{ FEED ", demand: small, step_time: 1ms}\n",
	  { 0 },
	  "s.yaml:2:51: 'step_time' contradicts 'demand', which says it",
	  "both step_bytes and step_time" },
	{ FEED ", demand: small}\n", { "step_bytes", "4KiB" }, "'step_bytes' contradicts 'demand'", "" },
	{ FEED ", demand: small}\n  sweep: {step_time: [1ms, 2ms]}\n",
	  { 0 },
	  "s.yaml:3:23: 'step_time' contradicts 'demand'",
	  "" },
	{ "- bench: null.nop\n  with: {demand: small}\n", { 0 }, "s.yaml:2:18: null.nop has no option 'demand'", "" },
	{ "- bench: null.nop\n", { "demand", "small" }, "no benchmark of suite 's' has an option 'demand'", "" },
	{ "- together:\n    - bench: feed\n      with: {path: /data/f, demand: all}\n",
	  { 0 },
	  "s.yaml:2:7: 'demand: all' makes studies, which cannot run together",
	  "a rule of its own" },
	{ "- bench: memory.copy\n  study: starvation\n",
	  { 0 },
	  "s.yaml:1:3: 'study: starvation' wants a closed loop, and memory.copy is none",
	  "rungs" },
	{ "- bench: ingest\n  with: {path: /data/f}\n  study: ladder\n",
	  { 0 },
	  "s.yaml:1:3: 'study: ladder' wants a closed loop, and ingest is none",
	  "" },
	{ FEED ", source: paced}\n  study: ladder\n",
	  { 0 },
	  "s.yaml:2:33: source 'paced' is no rung of feed, so it has no ladder",
	  "'study: starvation'" },
	{ FEED "}\n  study: ladder\n", { "source", "paced" }, "source 'paced' is no rung of feed", "" },
	{ FEED "}\n  study: ladder\n  sweep: {prefetch: [1, 2]}\n",
	  { 0 },
	  "s.yaml:3:3: 'study: ladder' wants 'bench', and goes with neither 'sweep' nor 'beside'",
	  "" },
	{ FEED "}\n  study: starvation\n  beside: [{bench: null.nop}]\n",
	  { 0 },
	  "s.yaml:3:3: 'study: starvation' wants",
	  "" },
	{ "- together: [{bench: null.nop}]\n  study: starvation\n",
	  { 0 },
	  "s.yaml:2:3: 'study: starvation' wants",
	  "" },
	{ FEED "}\n  study: starvation\n  repeat: 3..5\n",
	  { 0 },
	  "s.yaml:4:3: this study wants one number of rounds",
	  "" },
	{ FEED ", step_bytes: 5000}\n",
	  { 0 },
	  "s.yaml:2:37: feed: 'step_bytes' of 5000 is no multiple of 4 KiB",
	  "the nearest are 4 KiB and 8 KiB" },
	{ FEED "}\n", { "block", "5000" }, "feed: 'block' of 5000 is no multiple of 4 KiB", "4 KiB and 8 KiB" },
	{ FEED ", step_bytes: 512KiB, block: 1MiB}\n",
	  { 0 },
	  "s.yaml:2:52: feed: a block of 1 MiB is larger than the batch of 512 KiB",
	  "leave it out" },
	{ FEED ", step_bytes: 512KiB}\n  sweep: {block: [4KiB, 1MiB]}\n",
	  { 0 },
	  "feed: a block of 1 MiB is larger than the batch of 512 KiB",
	  "" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const struct given given = { &refused[i].override, refused[i].override.name != NULL, &sample_demands,
					     0 };
		struct fl_plan *plan = NULL;
		struct fl_err err = { 0 };

		if (make(refused[i].text, given, &plan, &err) >= 0)
			fail_msg("row %zu was not refused", i);
		if (!strstr(err.what, refused[i].what) || !strstr(err.hint, refused[i].hint))
			fail_msg("row %zu: '%s', hint '%s'", i, err.what, err.hint);
	}
}

/* A demand that the option cannot be, and a feedline that knows none. */
static void test_demands_refused(void **state)
{
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(make(FEED ", demand: huge}\n", (struct given){ .demands = &sample_huge }, &plan, &err),
			 -ERANGE);
	assert_non_null(strstr(err.what, "s.yaml:2:33: "));
	assert_non_null(strstr(err.what, "step_bytes"));
	err = (struct fl_err){ 0 };
	assert_int_equal(make(FEED ", demand: small}\n", (struct given){ 0 }, &plan, &err), -EINVAL);
	assert_non_null(strstr(err.what, "unknown demand 'small'"));
	err = (struct fl_err){ 0 };
	assert_int_equal(make(FEED ", demand: all}\n", (struct given){ 0 }, &plan, &err), -EINVAL);
	assert_non_null(strstr(err.what, "no demand is known"));
}

/* Plans of a record that somebody changed. */
static void test_hostile(void **state)
{
	static const struct {
		const char *key; /* of the study; NULL: of a case */
		const char *json, *says;
	} rows[] = {
		{ "option", "null", "values for 13 cases" },
		{ "values", "[]", "values for 13 cases" },
		{ "values", "[\"open\",\"loop\",\"control\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]",
		  "has case 'open' where 'loop' belongs" },
		{ "kind", "\"starvations\"", "unknown kind" },
		{ NULL, "2", "cases of unlike rounds" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_plan *plan = must(SMALL("", "starvation"), plain), *read = NULL;
		json_t *doc = fl_plan_json(plan), *value = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
		json_t *study = json_array_get(json_object_get(doc, "studies"), 0);
		json_t *last = json_array_get(json_object_get(doc, "cases"), 12);
		struct fl_err err = { 0 };

		assert_non_null(value);
		json_object_set_new(rows[i].key ? study : last, rows[i].key ? rows[i].key : "rounds", value);
		assert_int_equal(fl_plan_read(doc, &read, &err), -EINVAL);
		if (!strstr(err.what, rows[i].says))
			fail_msg("row %zu: '%s'", i, err.what);
		json_decref(doc);
		fl_plan_free(plan);
	}
}

/* `feedline bench` of a closed loop. */
static void test_of_bench(void **state)
{
	const struct fl_setting with[] = { { .name = (char[]){ "path" }, .text = (char[]){ "/data/f" } } };
	struct fl_suite *suite = fl_suite_of_bench("feed", with, 1, FL_STUDY_LADDER, 2);
	const struct fl_plan_settings settings = { .demands = &sample_demands };
	struct fl_entry entries[SAMPLE_LOOP_ENTRIES];
	struct fl_catalog catalog = sample_loop_catalog(entries);
	struct sample_machine s;
	struct fl_plan *plan;
	struct fl_err err = { 0 };

	(void)state;
	sample_machine_init(&s);
	if (fl_plan_make(suite, &catalog, &s.m, &settings, &plan, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(plan->studies[0].kind, FL_STUDY_LADDER);
	assert_int_equal(plan->cases[0].rounds, 2);
	assert_true(plan->required);
	fl_plan_free(plan);
	fl_suite_free(suite);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_demanded),
		cmocka_unit_test(test_lengthened),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_studies),
		cmocka_unit_test(test_lanes_of_studies),
		cmocka_unit_test(test_carried_out),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_rung_without_a_drive),
		cmocka_unit_test(test_suite_feed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_demands_refused),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_of_bench),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
