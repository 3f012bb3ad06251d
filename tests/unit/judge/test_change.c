/* SPDX-License-Identifier: Apache-2.0 */
/* test_change.c: what a comparison says, verdict by verdict. */
#include "compared.h"
#include <errno.h>

/* One lane, one primary metric: n rounds near `before`, n near `after`, that differ by `spread` in all. */
struct pair {
	struct fl_evidence *a, *b;
};

static void spread_out(struct fl_evidence_metric *m, double level, double spread)
{
	for (size_t i = 0; i < m->n; i++)
		m->medians[i] = level * (1 + spread * ((double)i / (double)(m->n > 1 ? m->n - 1 : 1) - 0.5));
}

static struct pair pair_of(enum fl_better better, size_t n, double before, double after, double spread)
{
	struct pair p = { evidence_new("run-a", "host", 4), evidence_new("run-b", "host", 4) };

	spread_out(evidence_metric(evidence_lane(p.a, "memory.copy", 4), "bytes_per_s", better, true, n, before),
		   before, spread);
	spread_out(evidence_metric(evidence_lane(p.b, "memory.copy", 4), "bytes_per_s", better, true, n, after), after,
		   spread);
	return p;
}

static void release(struct pair *p, struct compared *d)
{
	fl_comparison_free(d->c);
	fl_evidence_free(p->a);
	fl_evidence_free(p->b);
}

static void verdicts(void **state)
{
	static const struct {
		enum fl_better better;
		size_t n;
		double after, spread;
		enum fl_verdict verdict;
		enum fl_moved moved;
		enum fl_status status;
		const char *reason, *hint; /* a part of it */
	} rows[] = {
		{ FL_HIGHER, 8, 90, 0.01, FL_FAIL, FL_MOVED_WORSE, FL_STATUS_FAIL,
		  "10 % worse, beyond the line of 5.0 %", NULL },
		{ FL_LOWER, 8, 110, 0.01, FL_FAIL, FL_MOVED_WORSE, FL_STATUS_FAIL, "10 % worse", NULL },
		{ FL_LOWER, 8, 90, 0.01, FL_PASS, FL_MOVED_BETTER, FL_STATUS_PASS, "10 % better", NULL },
		{ FL_HIGHER, 8, 110, 0.01, FL_PASS, FL_MOVED_BETTER, FL_STATUS_PASS, "10 % better", NULL },
		{ FL_HIGHER, 8, 100, 0.01, FL_PASS, FL_MOVED_NOT, FL_STATUS_PASS, NULL, NULL },
		{ FL_HIGHER, 8, 97, 0.01, FL_PASS, FL_MOVED_NOT, FL_STATUS_PASS, NULL, NULL }, /* within the line */
		{ FL_HIGHER, 8, 98, 0.3, FL_INCONCLUSIVE, FL_MOVED_NOT, FL_STATUS_NOT_MEASURED, "not excluded",
		  "rounds on each side would decide" },
		{ FL_HIGHER, 8, 93, 0.3, FL_INCONCLUSIVE, FL_MOVED_NOT, FL_STATUS_NOT_MEASURED, "not separated",
		  "rounds on each side would decide" },
		{ FL_HIGHER, 3, 50, 0.01, FL_INCONCLUSIVE, FL_MOVED_NOT, FL_STATUS_NOT_MEASURED,
		  "50 % worse with 3 rounds: too few to tell among 1 primary metrics", "about 4 rounds" },
		{ FL_HIGHER, 1, 100, 0, FL_INCONCLUSIVE, FL_MOVED_NOT, FL_STATUS_NOT_MEASURED, "too few", "about 4" },
		{ FL_HIGHER, 8, 0, 0, FL_VERDICT_NOT_MEASURED, FL_MOVED_NOT, FL_STATUS_NOT_MEASURED, "zero", NULL },
		{ FL_HIGHER, 0, 90, 0, FL_VERDICT_NOT_MEASURED, FL_MOVED_NOT, FL_STATUS_NOT_MEASURED, "no values",
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair p = pair_of(rows[i].better, rows[i].n, 100, rows[i].after, rows[i].spread);
		struct compared d;
		const struct fl_metric_change *m;

		compare_two(&d, p.a, p.b, NULL, NAN);
		m = &d.c->lanes[0].metrics[0];
		assert_int_equal(m->verdict, rows[i].verdict);
		assert_int_equal(m->moved, rows[i].moved);
		assert_int_equal(d.c->status, rows[i].status);
		assert_int_equal(d.c->verdict, rows[i].verdict);
		assert_true(d.c->tolerance == FL_CHANGE_TOLERANCE && d.c->trustworthy);
		assert_true(!rows[i].reason || strstr(m->reason, rows[i].reason));
		assert_int_equal(!m->reason, !rows[i].reason);
		assert_true(!rows[i].hint || strstr(m->hint, rows[i].hint));
		release(&p, &d);
	}
}

/* What is not primary is shown and decides nothing. */
static void secondary_metrics_decide_nothing(void **state)
{
	struct pair p = pair_of(FL_HIGHER, 8, 100, 100, 0.01);
	struct compared d;

	(void)state;
	spread_out(evidence_metric(&p.a->lanes[0], "latency_ns", FL_LOWER, false, 8, 10), 10, 0.01);
	spread_out(evidence_metric(&p.b->lanes[0], "latency_ns", FL_LOWER, false, 8, 20), 20, 0.01);
	compare_two(&d, p.a, p.b, NULL, NAN);
	assert_int_equal(d.c->status, FL_STATUS_PASS);
	assert_int_equal(d.c->primary, 1);
	assert_int_equal(d.c->lanes[0].metrics[1].verdict, FL_UNJUDGED);
	assert_int_equal(d.c->lanes[0].metrics[1].moved, FL_MOVED_WORSE);
	release(&p, &d);
}

/* The more primary metrics, the stronger each must speak: 4 + 4 rounds do for one and not for two. */
static void correction_over_primary(void **state)
{
	struct pair p = pair_of(FL_HIGHER, 4, 100, 50, 0.01);
	struct compared d;

	(void)state;
	compare_two(&d, p.a, p.b, NULL, NAN);
	assert_int_equal(d.c->lanes[0].metrics[0].verdict, FL_FAIL);
	fl_comparison_free(d.c);
	evidence_metric(&p.a->lanes[0], "other_per_s", FL_HIGHER, true, 4, 7);
	evidence_metric(&p.b->lanes[0], "other_per_s", FL_HIGHER, true, 4, 7);
	compare_two(&d, p.a, p.b, NULL, NAN);
	assert_int_equal(d.c->lanes[0].metrics[0].verdict, FL_INCONCLUSIVE);
	assert_non_null(strstr(d.c->lanes[0].metrics[0].reason, "among 2 primary"));
	assert_non_null(strstr(d.c->lanes[0].metrics[0].hint, "about 5 rounds"));
	release(&p, &d);
}

static void refuse_key(struct pair *p)
{
	json_object_set_new(p->b->lanes[0].key, "engine", json_string("generic"));
}

static void refuse_missing_key(struct pair *p)
{
	json_object_set_new(p->b->lanes[0].key, "huge_pages", json_string("yes"));
}

static void refuse_invalid(struct pair *p)
{
	p->a->lanes[0].counts = false;
	p->a->lanes[0].verdict = FL_VERDICT_INVALID;
	p->a->lanes[0].reason = fl_dup("pages moved");
}

static void refuse_wrong_data(struct pair *p)
{
	p->b->lanes[0].counts = false;
	p->b->lanes[0].verdict = FL_FAIL;
	p->b->lanes[0].reason = fl_dup("wrong data: block 7");
}

/* Never a pass: what is unlike or missing is refused, with its reason. */
static void refusals(void **state)
{
	static const struct {
		void (*change)(struct pair *p);
		const char *refused;
		enum fl_status status;
	} rows[] = {
		{ refuse_key, "unlike: engine was 'avx512', is 'generic'", FL_STATUS_NOT_MEASURED },
		{ refuse_missing_key, "unlike: the benchmark declares other facts", FL_STATUS_NOT_MEASURED },
		{ refuse_invalid, "invalid in run run-a: pages moved", FL_STATUS_NOT_MEASURED },
		{ refuse_wrong_data, "fail in run run-b: wrong data: block 7", FL_STATUS_FAIL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair p = pair_of(FL_HIGHER, 8, 100, 100, 0.01);
		struct compared d;

		rows[i].change(&p);
		compare_two(&d, p.a, p.b, NULL, NAN);
		assert_string_equal(d.c->lanes[0].refused, rows[i].refused);
		assert_int_equal(d.c->status, rows[i].status);
		assert_int_equal(d.c->lanes[0].metrics_n, 0);
		release(&p, &d);
	}
}

static void only_one_side_has_it(void **state)
{
	struct pair p = pair_of(FL_HIGHER, 8, 100, 100, 0.01);
	struct compared d;

	(void)state;
	evidence_metric(evidence_lane(p.a, "gone", 1), "bytes_per_s", FL_HIGHER, true, 8, 1);
	evidence_metric(evidence_lane(p.b, "new", 1), "bytes_per_s", FL_HIGHER, true, 8, 1);
	compare_two(&d, p.a, p.b, NULL, NAN);
	assert_int_equal(d.c->lanes_n, 3);
	assert_string_equal(d.c->lanes[1].refused, "only A has it");
	assert_string_equal(d.c->lanes[2].refused, "only B has it");
	assert_int_equal(d.c->status, FL_STATUS_NOT_MEASURED);
	release(&p, &d);
}

static void nothing_in_common(void **state)
{
	struct pair p = pair_of(FL_HIGHER, 8, 100, 100, 0.01);
	const struct fl_evidence *a = p.a, *b = p.b;
	struct fl_side sides[2] = { { "A", &a, 1 }, { "B", &b, 1 } };
	struct compared none = { 0 };
	struct fl_err err = { 0 };

	(void)state;
	free(p.b->lanes[0].identity);
	p.b->lanes[0].identity = fl_dup("another");
	assert_int_equal(fl_compare(&sides[0], &sides[1], NULL, NAN, &none.c, &err), -EINVAL);
	assert_string_equal(err.what, "'A' and 'B' have no lane in common");
	release(&p, &none);
}

/* A regression that cannot be trusted is untrustworthy. */
static void distrust(void **state)
{
	static const struct {
		double after;
		enum fl_status status;
	} rows[] = { { 100, FL_STATUS_UNTRUSTED }, { 80, FL_STATUS_UNTRUSTED } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pair p = pair_of(FL_HIGHER, 8, 100, rows[i].after, 0.01);
		struct fl_evidence_lane *lane = &p.b->lanes[0];
		struct compared d;

		lane->distrust = fl_zalloc(1, sizeof(*lane->distrust));
		lane->distrust[lane->distrust_n++] = fl_dup("others took 40 %");
		compare_two(&d, p.a, p.b, NULL, NAN);
		assert_int_equal(d.c->status, rows[i].status);
		assert_false(d.c->trustworthy);
		assert_string_equal(d.c->lanes[0].distrust[0], "run run-b: others took 40 %");
		release(&p, &d);
	}
}

/* ---- noise floor */

/* A baseline of `passes` runs of `rounds` rounds: the level of a run and the rounds around it are given. */
static size_t baseline_of(struct fl_evidence **runs, size_t passes, size_t rounds, double between, double within,
			  uint64_t *seed)
{
	for (size_t i = 0; i < passes; i++) {
		struct fl_evidence_metric *m;

		runs[i] = evidence_new("run", "host", 1);
		m = evidence_metric(evidence_lane(runs[i], "memory.copy", 1), "bytes_per_s", FL_HIGHER, true, rounds,
				    1);
		evidence_noise(m, 100 * (1 + between * noise_of(seed, false)), within, false, seed);
	}
	return passes;
}

static void free_all(struct fl_evidence **runs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fl_evidence_free(runs[i]);
}

/* What moves from run to run is in the floor, 4 sqrt(2) times its deviation; what moves from round to round is not. */
static void floor_is_what_moves_between_passes(void **state)
{
	uint64_t seed = 17;
	double sum = 0, none = 0;

	(void)state;
	for (int i = 0; i < 400; i++) {
		struct fl_evidence *runs[10];
		struct fl_noise *noise;
		size_t n = baseline_of(runs, 10, 8, 0.01, 0.01, &seed);

		noise = fl_noise_make((const struct fl_evidence *const *)runs, n);
		assert_int_equal(fl_noise_passes(noise), 10);
		assert_true(isnan(fl_noise_floor(noise, "memory.copy", "other")));
		assert_true(isnan(fl_noise_floor(noise, "other", "bytes_per_s")));
		sum += fl_noise_floor(noise, "memory.copy", "bytes_per_s") / 400;
		fl_noise_free(noise);
		free_all(runs, n);
		baseline_of(runs, 10, 8, 0, 0.01, &seed);
		noise = fl_noise_make((const struct fl_evidence *const *)runs, n);
		none += fl_noise_floor(noise, "memory.copy", "bytes_per_s") / 400;
		fl_noise_free(noise);
		free_all(runs, n);
	}
	assert_true(sum > 0.045 && sum < 0.062); /* 0.0566 */
	assert_true(none < 0.012);
}

static void too_few_passes_know_nothing(void **state)
{
	uint64_t seed = 1;
	struct fl_evidence *runs[4];
	size_t n = baseline_of(runs, 4, 8, 0.01, 0.01, &seed);

	(void)state;
	assert_null(fl_noise_make((const struct fl_evidence *const *)runs, n));
	assert_int_equal(fl_noise_passes(NULL), 0);
	assert_true(isnan(fl_noise_floor(NULL, "memory.copy", "bytes_per_s")));
	free_all(runs, n);
}

/* One run in passes is as good as many runs; a last pass that was cut off does not count. */
static void passes_of_one_run(void **state)
{
	uint64_t seed = 23;
	struct fl_evidence *run = evidence_new("run", "host", 1);
	struct fl_evidence_lane *lane = evidence_lane(run, "memory.copy", 1);
	struct fl_evidence_metric *m = evidence_metric(lane, "bytes_per_s", FL_HIGHER, true, 43, 1);
	const struct fl_evidence *const runs[] = { run };
	struct fl_noise *noise;

	(void)state;
	lane->pass_rounds = 6;
	for (size_t i = 0; i < m->n; i++)
		m->medians[i] = i / 6 % 2 ? 102 : 100 + 0.01 * uniform(&seed);
	noise = fl_noise_make(runs, 1);
	assert_int_equal(fl_noise_passes(noise), 7);
	assert_true(fabs(fl_noise_floor(noise, "memory.copy", "bytes_per_s") - 4 * sqrt(2) * 1.069 / 100) < 0.001);
	fl_noise_free(noise);
	fl_evidence_free(run);
}

/* The same 3 % is a regression on a quiet machine and nothing on one that moves so far by itself. */
static void the_floor_decides(void **state)
{
	static const struct {
		double between, after;
		enum fl_verdict verdict;
	} rows[] = { { 0.0001, 97, FL_FAIL }, { 0.0001, 99, FL_PASS }, { 0.02, 95, FL_PASS }, { 0.02, 70, FL_FAIL } };
	uint64_t seed = 29;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair p = pair_of(FL_HIGHER, 8, 100, rows[i].after, 0.002);
		struct fl_evidence *runs[10];
		size_t n = baseline_of(runs, 10, 8, rows[i].between, 0.0001, &seed);
		struct fl_noise *noise = fl_noise_make((const struct fl_evidence *const *)runs, n);
		struct compared d;

		compare_two(&d, p.a, p.b, noise, NAN);
		assert_true(d.c->passes && d.c->tolerance == FL_CHANGE_TOLERANCE_CALIBRATED);
		assert_int_equal(d.c->lanes[0].metrics[0].verdict, rows[i].verdict);
		release(&p, &d);
		fl_noise_free(noise);
		free_all(runs, n);
	}
}

/* ---- hosts */

/* n hosts whose level differs by far more than the change: each is its own control. */
static void paired_over_hosts(void **state)
{
	static const struct {
		size_t hosts;
		double after;
		enum fl_verdict verdict;
	} rows[] = { { 8, 0.9, FL_FAIL }, { 8, 1.0, FL_PASS }, { 8, 1.1, FL_PASS }, { 4, 0.9, FL_INCONCLUSIVE } };
	uint64_t seed = 31;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_evidence *before[8], *after[8];
		struct fl_comparison *c = NULL;

		for (size_t k = 0; k < rows[i].hosts; k++) {
			char *host = fl_format("node%zu", k);

			for (int side = 0; side <= 1; side++) {
				struct fl_evidence *e = evidence_new("run", host, 1);
				struct fl_evidence_lane *lane = evidence_lane(e, "memory.copy", 1);
				double level = 50 + 20 * (double)k;

				evidence_noise(evidence_metric(lane, "bytes_per_s", FL_HIGHER, true, 3, 1),
					       side ? level * rows[i].after : level, 0.005, false, &seed);
				*(side ? &after[k] : &before[k]) = e;
			}
			free(host);
		}
		struct fl_side a = { "A", (const struct fl_evidence *const *)before, rows[i].hosts };
		struct fl_side b = { "B", (const struct fl_evidence *const *)after, rows[i].hosts };
		assert_int_equal(fl_compare(&a, &b, NULL, NAN, &c, NULL), 0);
		assert_int_equal(c->hosts, rows[i].hosts);
		assert_int_equal(c->lanes[0].metrics[0].units, rows[i].hosts);
		assert_int_equal(c->lanes[0].metrics[0].verdict, rows[i].verdict);
		if (rows[i].verdict == FL_INCONCLUSIVE)
			assert_non_null(strstr(c->lanes[0].metrics[0].hint, "6 hosts"));
		fl_comparison_free(c);
		free_all(before, rows[i].hosts);
		free_all(after, rows[i].hosts);
	}
}

/* Several runs on a side are one side with more rounds. */
static void several_runs_on_a_side(void **state)
{
	struct pair p = pair_of(FL_HIGHER, 3, 100, 90, 0.001), q = pair_of(FL_HIGHER, 3, 100, 90, 0.001);
	const struct fl_evidence *before[] = { p.a, q.a }, *after[] = { p.b, q.b };
	struct fl_side a = { "A", before, 2 }, b = { "B", after, 2 };
	struct compared d = { 0 };

	(void)state;
	assert_int_equal(fl_compare(&a, &b, NULL, NAN, &d.c, NULL), 0);
	assert_int_equal(d.c->lanes_n, 1);
	assert_int_equal(d.c->lanes[0].metrics[0].before.n, 6);
	assert_int_equal(d.c->lanes[0].metrics[0].verdict, FL_FAIL);
	release(&p, &d);
	fl_evidence_free(q.a);
	fl_evidence_free(q.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(secondary_metrics_decide_nothing),
		cmocka_unit_test(correction_over_primary),
		cmocka_unit_test(refusals),
		cmocka_unit_test(only_one_side_has_it),
		cmocka_unit_test(nothing_in_common),
		cmocka_unit_test(distrust),
		cmocka_unit_test(floor_is_what_moves_between_passes),
		cmocka_unit_test(too_few_passes_know_nothing),
		cmocka_unit_test(passes_of_one_run),
		cmocka_unit_test(the_floor_decides),
		cmocka_unit_test(paired_over_hosts),
		cmocka_unit_test(several_runs_on_a_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
