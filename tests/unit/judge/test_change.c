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
		  "50 % worse with 3 rounds: too few to tell among 1 primary metric", "about 4 rounds" },
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
		assert_true(isnan(d.c->tolerance) && m->line == FL_CHANGE_TOLERANCE && d.c->trustworthy);
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

/* Of a lane with the key that evidence_lane() gives. */
static double floor_of(const struct fl_noise *noise, const char *identity, const char *host, const char *metric)
{
	struct fl_evidence_lane lane = { .identity = (char *)identity, .key = json_pack("{s:s}", "engine", "avx512") };
	double floor = fl_noise_floor(noise, &lane, host, metric).ratio;

	json_decref(lane.key);
	return floor;
}

static void free_all(struct fl_evidence **runs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fl_evidence_free(runs[i]);
}

/* What moves from run to run is in the floor, t sqrt(2) times its deviation; what moves from round to round is not. */
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
		assert_true(isnan(floor_of(noise, "memory.copy", "host", "other")));
		assert_true(isnan(floor_of(noise, "other", "host", "bytes_per_s")));
		assert_true(isnan(floor_of(noise, "memory.copy", "elsewhere", "bytes_per_s")));
		sum += floor_of(noise, "memory.copy", "host", "bytes_per_s") / 400;
		fl_noise_free(noise);
		free_all(runs, n);
		baseline_of(runs, 10, 8, 0, 0.01, &seed);
		noise = fl_noise_make((const struct fl_evidence *const *)runs, n);
		none += floor_of(noise, "memory.copy", "host", "bytes_per_s") / 400;
		fl_noise_free(noise);
		free_all(runs, n);
	}
	assert_true(sum > 0.047 && sum < 0.064); /* 0.0570 */
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
	assert_true(isnan(floor_of(NULL, "memory.copy", "host", "bytes_per_s")));
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
	assert_true(fabs(floor_of(noise, "memory.copy", "host", "bytes_per_s") - 4.8 * sqrt(2) * 1.069 / 100) < 0.001);
	fl_noise_free(noise);
	fl_evidence_free(run);
}

/* The same 3 % is a regression on a quiet machine and nothing on one that moves so far by itself; and one that moves
 * very far hides any loss, so that it passes nothing. */
static void the_floor_decides(void **state)
{
	static const struct {
		double between, after, tolerance;
		enum fl_verdict verdict;
		const char *reason;
	} rows[] = { { 0.0001, 97, NAN, FL_FAIL, "3.0 % worse, beyond the line of 2.0 %" },
		     { 0.0001, 99, NAN, FL_PASS, NULL },
		     { 0.015, 97, NAN, FL_PASS, NULL },
		     { 0.015, 70, NAN, FL_FAIL, "30 % worse" },
		     { 0.05, 97, NAN, FL_INCONCLUSIVE, "too far to exclude a loss" },
		     { 0.05, 40, NAN, FL_FAIL, "60 % worse" },
		     { 0.05, 97, 0.5, FL_PASS, NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair p = pair_of(FL_HIGHER, 8, 100, rows[i].after, 0.002);
		struct fl_evidence *runs[10];
		uint64_t seed = 29;
		size_t n = baseline_of(runs, 10, 8, rows[i].between, 0.0001, &seed);
		struct fl_noise *noise = fl_noise_make((const struct fl_evidence *const *)runs, n);
		const struct fl_metric_change *m;
		struct compared d;

		compare_two(&d, p.a, p.b, noise, rows[i].tolerance);
		m = &d.c->lanes[0].metrics[0];
		assert_true(d.c->passes == 10 && d.c->floors == 1);
		assert_int_equal(m->verdict, rows[i].verdict);
		assert_int_equal(!m->reason, !rows[i].reason);
		assert_true(!m->reason || strstr(m->reason, rows[i].reason));
		release(&p, &d);
		fl_noise_free(noise);
		free_all(runs, n);
	}
}

/* A metric of which the calibration says nothing is held to the wider tolerance: another lane, another key, another
 * host. A lane that was distrusted while it was calibrated makes the line untrustworthy where the line is its floor. */
static void noise_of_something_else(void **state)
{
	static const struct {
		const char *identity, *engine, *host;
		bool distrusted;
		size_t floors;
		enum fl_status status;
	} rows[] = { { "memory.copy", "avx512", "host", false, 1, FL_STATUS_PASS },
		     { "memory.read", "avx512", "host", false, 0, FL_STATUS_PASS },
		     { "memory.copy", "generic", "host", false, 0, FL_STATUS_PASS },
		     { "memory.copy", "avx512", "elsewhere", false, 0, FL_STATUS_PASS },
		     { "memory.copy", "avx512", "host", true, 1, FL_STATUS_UNTRUSTED } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair p = pair_of(FL_HIGHER, 8, 100, 97, 0.002);
		struct fl_evidence *runs[10];
		uint64_t seed = 29;
		size_t n = baseline_of(runs, 10, 8, 0.015, 0.0001, &seed);
		struct fl_noise *noise;
		struct compared d;

		for (size_t k = 0; k < n; k++) {
			struct fl_evidence_lane *lane = &runs[k]->lanes[0];

			free(lane->identity);
			lane->identity = fl_dup(rows[i].identity);
			json_object_set_new(lane->key, "engine", json_string(rows[i].engine));
			free(runs[k]->host);
			runs[k]->host = fl_dup(rows[i].host);
			if (!rows[i].distrusted)
				continue;
			lane->distrust = fl_zalloc(1, sizeof(*lane->distrust));
			lane->distrust[lane->distrust_n++] = fl_dup("others took 40 %");
		}
		noise = fl_noise_make((const struct fl_evidence *const *)runs, n);
		compare_two(&d, p.a, p.b, noise, NAN);
		assert_int_equal(d.c->floors, rows[i].floors);
		assert_true(rows[i].floors || d.c->lanes[0].metrics[0].line == FL_CHANGE_TOLERANCE);
		assert_int_equal(d.c->status, rows[i].status);
		release(&p, &d);
		fl_noise_free(noise);
		free_all(runs, n);
	}
}

/* Rounds without a value do not shift the passes after them; a pass that lacks one is left out. */
static void rounds_without_values(void **state)
{
	struct fl_evidence *run = evidence_new("run", "host", 1);
	struct fl_evidence_lane *lane = evidence_lane(run, "memory.copy", 1);
	struct fl_evidence_metric *m = evidence_metric(lane, "bytes_per_s", FL_HIGHER, true, 12, 1);
	const struct fl_evidence *const runs[] = { run };
	struct fl_noise *noise;

	(void)state;
	lane->pass_rounds = 2;
	for (size_t i = 0; i < m->n; i++)
		m->medians[i] = 100 + (double)(i / 2);
	m->medians[1] = NAN;
	noise = fl_noise_make(runs, 1);
	assert_int_equal(fl_noise_passes(noise), 5);
	assert_true(fabs(floor_of(noise, "memory.copy", "host", "bytes_per_s") - 6.435 * sqrt(2) * sqrt(2.5) / 103) <
		    1e-9);
	fl_noise_free(noise);
	fl_evidence_free(run);
}

/* However many rounds one side has, one round of the other is no evidence. */
static void unequal_sides(void **state)
{
	static const struct {
		size_t n;
		double after;
		enum fl_verdict verdict;
	} rows[] = {
		{ 1, 100, FL_INCONCLUSIVE }, { 1, 50, FL_INCONCLUSIVE }, { 3, 50, FL_INCONCLUSIVE }, { 4, 50, FL_FAIL }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair p = pair_of(FL_HIGHER, 120, 100, 100, 0.01);
		struct compared d;

		fl_evidence_free(p.b);
		p.b = evidence_new("run-b", "host", 1);
		spread_out(evidence_metric(evidence_lane(p.b, "memory.copy", 1), "bytes_per_s", FL_HIGHER, true,
					   rows[i].n, rows[i].after),
			   rows[i].after, 0.01);
		compare_two(&d, p.a, p.b, NULL, NAN);
		assert_int_equal(d.c->lanes[0].metrics[0].verdict, rows[i].verdict);
		release(&p, &d);
	}
}

/* What has no primary metric, or what neither side measured for the same reason, decides nothing; but where nothing
 * that decides is left, nothing was compared. */
static void refused_and_harmless(void **state)
{
	static const struct {
		bool primary, both, alone;
		enum fl_status status;
	} rows[] = { { true, true, false, FL_STATUS_PASS },
		     { true, false, false, FL_STATUS_NOT_MEASURED },
		     { false, false, false, FL_STATUS_PASS },
		     { true, true, true, FL_STATUS_NOT_MEASURED } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair p = pair_of(FL_HIGHER, 8, 100, 100, 0.01);
		struct compared d;

		for (int side = 0; side <= 1; side++) {
			struct fl_evidence *e = side ? p.b : p.a;
			struct fl_evidence_lane *lane = rows[i].alone ? &e->lanes[0] : evidence_lane(e, "tmpfs", 1);

			lane->primary = rows[i].primary;
			if (side == 0 && !rows[i].both)
				continue;
			lane->counts = false;
			lane->verdict = FL_VERDICT_NOT_MEASURED;
			lane->reason = fl_dup("tmpfs is memory, not a drive");
		}
		compare_two(&d, p.a, p.b, NULL, NAN);
		assert_int_equal(d.c->status, rows[i].status);
		release(&p, &d);
	}
}

/* ---- hosts */

enum { HOSTS_MAX = 16 };

/* Runs of n hosts before and after: their levels differ by far more than any change. */
struct rack {
	struct fl_evidence *before[HOSTS_MAX], *after[HOSTS_MAX];
	struct fl_side a, b;
	struct fl_comparison *c;
};

static struct fl_evidence *host_run(size_t number, double level, uint64_t *seed)
{
	char *host = fl_format("node%zu", number);
	struct fl_evidence *e = evidence_new(host, host, 1);

	evidence_noise(evidence_metric(evidence_lane(e, "memory.copy", 1), "bytes_per_s", FL_HIGHER, true, 5, 1), level,
		       0.002, false, seed);
	free(host);
	return e;
}

static void rack_make(struct rack *r, size_t hosts, double after)
{
	uint64_t seed = 31;

	for (size_t i = 0; i < hosts; i++) {
		double level = 50 + 20 * (double)i;

		r->before[i] = host_run(i, level, &seed);
		r->after[i] = host_run(i, level * after, &seed);
	}
	r->a = (struct fl_side){ "A", (const struct fl_evidence *const *)r->before, hosts };
	r->b = (struct fl_side){ "B", (const struct fl_evidence *const *)r->after, hosts };
}

static void rack_release(struct rack *r, size_t hosts)
{
	fl_comparison_free(r->c);
	free_all(r->before, hosts);
	free_all(r->after, hosts);
}

static void scale(struct fl_evidence *e, double factor)
{
	for (size_t i = 0; i < e->lanes[0].metrics[0].n; i++)
		e->lanes[0].metrics[0].medians[i] *= factor;
}

static void paired_over_hosts(void **state)
{
	static const struct {
		size_t hosts;
		double after;
		enum fl_verdict verdict;
	} rows[] = { { 8, 0.9, FL_FAIL }, { 8, 1.0, FL_PASS }, { 8, 1.1, FL_PASS }, { 4, 0.9, FL_INCONCLUSIVE } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rack r = { 0 };
		struct fl_noise *noise;
		const struct fl_metric_change *m;

		rack_make(&r, rows[i].hosts, rows[i].after);
		noise = fl_noise_make(r.a.runs, r.a.n); /* one pass a host: what hosts differ by is no noise */
		assert_null(noise);
		assert_int_equal(fl_compare(&r.a, &r.b, noise, NAN, &r.c, NULL), 0);
		m = &r.c->lanes[0].metrics[0];
		assert_int_equal(r.c->hosts, rows[i].hosts);
		assert_int_equal(m->units, rows[i].hosts);
		assert_int_equal(m->verdict, rows[i].verdict);
		if (rows[i].verdict == FL_INCONCLUSIVE)
			assert_non_null(strstr(m->hint, "6 hosts"));
		rack_release(&r, rows[i].hosts);
	}
}

/* One host of many that lost half of its rate is named, and nothing passes. */
static void one_host_of_many(void **state)
{
	struct rack r = { 0 };
	const struct fl_metric_change *m;

	(void)state;
	rack_make(&r, HOSTS_MAX, 1);
	scale(r.after[7], 0.5);
	assert_int_equal(fl_compare(&r.a, &r.b, NULL, NAN, &r.c, NULL), 0);
	m = &r.c->lanes[0].metrics[0];
	assert_int_equal(m->verdict, FL_INCONCLUSIVE);
	assert_non_null(strstr(m->reason, "host 'node7' alone is 50 % worse"));
	rack_release(&r, HOSTS_MAX);
}

/* A host that one side lacks, or that lacks the lane or its values, is told of and keeps the whole from passing. */
static void incomplete_racks(void **state)
{
	(void)state;
	for (int what = 0; what < 4; what++) {
		struct rack r = { 0 };
		const struct fl_lane_change *lane;

		rack_make(&r, 8, 1);
		if (what == 0)
			r.b.n = 7;
		else if (what == 1)
			r.after[7]->lanes[0].identity[0] = 'M';
		else if (what == 2)
			scale(r.after[7], 0);
		else
			scale(r.after[7], NAN);
		assert_int_equal(fl_compare(&r.a, &r.b, NULL, NAN, &r.c, NULL), 0);
		lane = &r.c->lanes[0];
		assert_int_equal(r.c->status, FL_STATUS_NOT_MEASURED);
		if (what == 0) {
			assert_int_equal(r.c->left_out_n, 1);
			assert_string_equal(r.c->left_out[0].host, "node7");
			assert_false(r.c->left_out[0].after);
		} else if (what == 1) {
			assert_string_equal(lane->refused, "1 of the 8 runs of B lack it");
		} else {
			assert_non_null(strstr(lane->metrics[0].reason, "host 'node7' has no ratio"));
		}
		rack_release(&r, 8);
	}
}

/* With one host in common, only its rounds are compared: those of others would hide what it lost. */
static void one_host_in_common(void **state)
{
	struct rack r = { 0 };
	struct fl_err err = { 0 };

	(void)state;
	rack_make(&r, 4, 0.9);
	r.b = (struct fl_side){ "B", (const struct fl_evidence *const *)&r.after[3], 1 };
	assert_int_equal(fl_compare(&r.a, &r.b, NULL, NAN, &r.c, NULL), 0);
	assert_int_equal(r.c->hosts, 0);
	assert_int_equal(r.c->left_out_n, 3);
	assert_int_equal(r.c->lanes[0].metrics[0].before.n, 5);
	assert_int_equal(r.c->lanes[0].metrics[0].verdict, FL_FAIL);
	fl_comparison_free(r.c);
	r.c = NULL;
	r.a.n = 2;
	assert_int_equal(fl_compare(&r.a, &r.b, NULL, NAN, &r.c, &err), -EINVAL);
	assert_string_equal(err.what, "'A' and 'B' have no host in common");
	r.a.n = 1; /* one host against one other */
	assert_int_equal(fl_compare(&r.a, &r.b, NULL, NAN, &r.c, NULL), 0);
	assert_int_equal(r.c->left_out_n, 0);
	rack_release(&r, 4);
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
		cmocka_unit_test(noise_of_something_else),
		cmocka_unit_test(rounds_without_values),
		cmocka_unit_test(unequal_sides),
		cmocka_unit_test(refused_and_harmless),
		cmocka_unit_test(paired_over_hosts),
		cmocka_unit_test(one_host_of_many),
		cmocka_unit_test(incomplete_racks),
		cmocka_unit_test(one_host_in_common),
		cmocka_unit_test(several_runs_on_a_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
