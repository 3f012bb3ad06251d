/* SPDX-License-Identifier: Apache-2.0 */
/* test_change_power.c: how often comparisons cry wolf, and how often they miss one: by simulation with fixed seeds, so
 * that the counts are the same each time. */
#include "compared.h"
#include <stdio.h>

enum { METRICS = 200, PRIMARY = 20, ROUNDS = 8, PASSES = 10, PASSES_FEW = 5 };

/* What a simulated machine does. */
struct world {
	double drop;	/* of the first primary metric on side B */
	double between; /* deviation from run to run */
	double within;	/* deviation from round to round */
	bool low_tail;
};

static struct fl_evidence *simulate(const struct world *w, size_t metrics, double drop, uint64_t *seed)
{
	struct fl_evidence *e = evidence_new("run", "host", 1);
	struct fl_evidence_lane *lane = evidence_lane(e, "lane", metrics);

	for (size_t i = 0; i < metrics; i++) {
		char name[32];
		double level = 100 * (1 + w->between * noise_of(seed, false)) * (i == 0 ? 1 - drop : 1);

		snprintf(name, sizeof(name), "m%zu", i);
		evidence_noise(evidence_metric(lane, name, FL_HIGHER, i < PRIMARY, ROUNDS, 1), level, w->within,
			       w->low_tail, seed);
	}
	return e;
}

static struct fl_noise *calibrate(const struct world *w, size_t metrics, size_t n, uint64_t *seed)
{
	struct fl_evidence *passes[PASSES];
	struct fl_noise *noise;

	for (size_t i = 0; i < n; i++)
		passes[i] = simulate(w, metrics, 0, seed);
	noise = fl_noise_make((const struct fl_evidence *const *)passes, n);
	for (size_t i = 0; i < n; i++)
		fl_evidence_free(passes[i]);
	return noise;
}

/* The share of comparisons in which a metric (first_only: the one that dropped) fails. passes: of the calibration; 0:
 * there is none. */
static double share_failed(const struct world *w, size_t metrics, size_t passes, double tolerance, bool first_only,
			   int times)
{
	uint64_t seed = 20261125;
	int failed = 0;

	for (int i = 0; i < times; i++) {
		struct fl_noise *noise = passes ? calibrate(w, metrics, passes, &seed) : NULL;
		struct fl_evidence *a = simulate(w, metrics, 0, &seed), *b = simulate(w, metrics, w->drop, &seed);
		struct compared d;

		compare_two(&d, a, b, noise, tolerance);
		failed += first_only ? d.c->lanes[0].metrics[0].verdict == FL_FAIL : d.c->count[FL_FAIL] > 0;
		fl_comparison_free(d.c);
		fl_evidence_free(a);
		fl_evidence_free(b);
		fl_noise_free(noise);
	}
	return (double)failed / times;
}

/* 1,000 comparisons of 200 metrics of which 20 are primary, between which nothing differs. Without any tolerance, so
 * that the test and its correction alone hold the line. */
static void family_wise_error(void **state)
{
	static const struct world normal = { .within = 0.01 }, tailed = { .within = 0.01, .low_tail = true };

	(void)state;
	for (int i = 0; i <= 1; i++) {
		double share = share_failed(i ? &tailed : &normal, i ? PRIMARY : METRICS, 0, 0, false, 1000);

		print_message("family-wise error, %s noise, no tolerance: %.3f\n", i ? "low-tail" : "normal", share);
		assert_true(share <= 0.05);
		assert_true(share > 0); /* it can fail */
	}
}

/* The same where each run has a level of its own: rounds then agree with each other and differ from those of the next
 * run, and no rank test can tell. It is the floor of the calibration that holds the line. */
static void family_wise_error_with_drift(void **state)
{
	static const struct world drifting = { .between = 0.02, .within = 0.005 };
	double blind, calibrated, few;

	(void)state;
	blind = share_failed(&drifting, PRIMARY, 0, 0.02, false, 200);
	calibrated = share_failed(&drifting, PRIMARY, PASSES, NAN, false, 1000);
	few = share_failed(&drifting, PRIMARY, PASSES_FEW, NAN, false, 1000);
	print_message("family-wise error with drift: %.3f, calibrated %.3f, by few passes %.3f\n", blind, calibrated,
		      few);
	assert_true(blind > 0.5);
	assert_true(calibrated <= 0.05);
	assert_true(few <= 0.05);
}

/* A drop of 3 % in one of 20 primary metrics, rounds of 1 %, 8 + 8 of them, with the tolerance of a calibrated machine:
 * 0.90 and more for normal noise. Under noise with a long tail to one side it is less. */
static void power(void **state)
{
	static const struct {
		struct world world;
		double least;
	} rows[] = { { { 0.03, 0, 0.01, false }, 0.9 }, { { 0.03, 0, 0.01, true }, 0.8 } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct world *w = &rows[i].world;
		double given = share_failed(w, PRIMARY, 0, FL_CHANGE_TOLERANCE_CALIBRATED, true, 1000);
		double calibrated = share_failed(w, PRIMARY, PASSES, NAN, true, 1000);

		print_message("power, %s noise: %.3f, calibrated %.3f\n", i ? "low-tail" : "normal", given, calibrated);
		assert_true(given >= rows[i].least);
		assert_true(calibrated >= rows[i].least);
	}
}

/* ---- how many rounds: runs per side for 90 % power of the rank test at 5 %, over drop and deviation. The numbers are
 * those of an independent simulation of 1,500 repeats a cell; they are the first of the grid that reached 90 %. */

enum { NEVER = 1000, REPEATS = 600 };
static const size_t grid[] = { 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 25, 30, 40, 50, 75, 100 };
enum { GRID = sizeof(grid) / sizeof(grid[0]) };

static double rank_test_power(struct fl_ranks *ranks, size_t n, double drop, double deviation, bool low_tail)
{
	uint64_t seed = 7 + n;
	int found = 0;

	for (int i = 0; i < REPEATS; i++) {
		double a[100], b[100];

		for (size_t k = 0; k < n; k++) {
			a[k] = 1 + deviation * noise_of(&seed, low_tail);
			b[k] = (1 - drop) * (1 + deviation * noise_of(&seed, low_tail));
		}
		found += fl_rank_sum_p(ranks, a, n, b, n) <= 0.05;
	}
	return (double)found / REPEATS;
}

/* Three standard errors of both simulations together, near 0.9. */
static void check_cell(struct fl_ranks *ranks, size_t n, double drop, double deviation, bool low_tail)
{
	const double margin = 3 * sqrt(0.9 * 0.1 * (1.0 / REPEATS + 1.0 / 1500));
	size_t at = 0;

	while (at < GRID && grid[at] != n)
		at++;
	if (at < GRID)
		assert_true(rank_test_power(ranks, n, drop, deviation, low_tail) >= 0.9 - margin);
	if (at > 0)
		assert_true(rank_test_power(ranks, grid[at - 1], drop, deviation, low_tail) < 0.9 + margin);
}

static void rounds_for_power(void **state)
{
	static const double drops[] = { 0.01, 0.02, 0.03, 0.05, 0.1 };
	static const struct {
		double deviation;
		size_t normal[5], low_tail[5];
	} rows[] = {
		{ 0.002, { 4, 4, 4, 4, 4 }, { 4, 4, 4, 4, 4 } },
		{ 0.005, { 8, 4, 4, 4, 4 }, { 8, 4, 4, 4, 4 } },
		{ 0.01, { 25, 7, 5, 4, 4 }, { 16, 8, 6, 4, 4 } },
		{ 0.02, { 100, 25, 11, 6, 4 }, { 50, 17, 10, 6, 4 } },
		{ 0.05, { NEVER, NEVER, 75, 25, 7 }, { NEVER, 75, 40, 17, 8 } },
	};
	struct fl_ranks *ranks = fl_ranks_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 0; k < 5; k++) {
			check_cell(ranks, rows[i].normal[k], drops[k], rows[i].deviation, false);
			check_cell(ranks, rows[i].low_tail[k], drops[k], rows[i].deviation, true);
		}
	fl_ranks_free(ranks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(family_wise_error),
		cmocka_unit_test(family_wise_error_with_drift),
		cmocka_unit_test(power),
		cmocka_unit_test(rounds_for_power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
