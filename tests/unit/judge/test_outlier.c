/* SPDX-License-Identifier: Apache-2.0 */
/* test_outlier.c: who is odd among few and among many, and that noise makes nobody so. */
#include "judge/outlier.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 64 };

/* ---- tables */

/* want: a letter for each value: w worse, b better, - not odd. within: of every interval, from the median to each
 * side, in per cent. */
struct row {
	const char *what;
	double values[12];
	size_t n;
	double within;
	const char *better, *want;
};

static const struct row rows[] = {
	{ "three alike and one far below", { 100, 80, 101, 99.5 }, 4, 0.5, "higher", "-w--" },
	{ "the same where less is better", { 100, 80, 101, 99.5 }, 4, 0.5, "lower", "-b--" },
	{ "more is worse there", { 100, 120, 101, 99.5 }, 4, 0.5, "lower", "-w--" },
	{ "one far above", { 100, 120, 101, 99.5 }, 4, 0.5, "higher", "-b--" },
	{ "neither is better", { 100, 80, 101, 99.5 }, 4, 0.5, "neither", "----" },
	{ "no metric", { 100, 80, 101, 99.5 }, 4, 0.5, NULL, "----" },
	{ "spread evenly over 17 %", { 100, 94.3, 88.7, 83 }, 4, 0.5, "higher", "----" },
	{ "spread over 17 %, the lowest a bit apart", { 100, 96, 93, 83 }, 4, 0.5, "higher", "----" },
	{ "two and two", { 100, 80, 100, 80 }, 4, 0, "higher", "----" },
	{ "three the same, one beyond the tolerance", { 100, 100, 100, 94 }, 4, 0, "higher", "---w" },
	{ "three the same, one within", { 100, 100, 100, 95.5 }, 4, 0, "higher", "----" },
	{ "on the line", { 100, 100, 100, 95 }, 4, 0, "higher", "----" },
	{ "its interval reaches over the line", { 100, 100, 100, 94 }, 4, 2, "higher", "----" },
	{ "and does not", { 100, 100, 100, 92 }, 4, 2, "higher", "---w" },
	{ "too few", { 100, 100, 80 }, 3, 0, "higher", "---" },
	{ "too few have a value", { 100, NAN, 100, 80 }, 4, 0, "higher", "----" },
	{ "who has none is left out", { 100, NAN, 100, 80, 101 }, 5, 0.5, "higher", "---w-" },
	{ "one of five", { 100, 101, 99, 100, 80 }, 5, 0.5, "higher", "----w" },
	{ "two of six do not hide each other", { 100, 100.4, 80, 99.8, 81, 100.1 }, 6, 0.5, "higher", "--w-w-" },
	{ "two of seven", { 100, 101, 80, 99, 81, 100, 100.5 }, 7, 0.5, "higher", "--w-w--" },
	{ "one on either side of seven", { 100, 101, 80, 99, 121, 100, 100.5 }, 7, 0.5, "higher", "--w-b--" },
	{ "three of eight", { 100, 100.4, 80, 99.8, 81, 79.5, 100, 100 }, 8, 0.5, "higher", "--w-ww--" },
	{ "eight that spread", { 100, 84, 97, 94, 88, 91, 103, 106 }, 8, 0.5, "higher", "--------" },
	{ "12, one beyond tolerance and spread",
	  { 100, 99, 101, 100, 98, 102, 100, 99, 101, 88, 100, 101 },
	  12,
	  0.5,
	  "higher",
	  "---------w--" },
	{ "all zero", { 0, 0, 0, 0 }, 4, 0, "higher", "----" },
	{ "negative ones", { -100, -100, -100, -120 }, 4, 0, "higher", "---w" },
	{ "none", { 0 }, 0, 0, "higher", "" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct fl_interval values[12] = { 0 };
		enum fl_odd odd[12] = { 0 };
		char got[13] = { 0 };

		for (size_t k = 0; k < r->n; k++) {
			double reach = fabs(r->values[k]) * r->within / 100;

			values[k] = (struct fl_interval){ .median = r->values[k],
							  .low = r->values[k] - reach,
							  .high = r->values[k] + reach,
							  .n = 3 };
		}
		fl_odd_find(values, r->n, r->better, odd);
		for (size_t k = 0; k < r->n; k++)
			got[k] = "-wb"[odd[k]];
		if (strcmp(got, r->want) != 0)
			fail_msg("%s: '%s' instead of '%s'", r->what, got, r->want);
	}
}

static void test_words(void **state)
{
	static const struct {
		double off;
		const char *shown, *share; /* of 1 - off */
	} words[] = {
		{ 0.26, "26 %", "74 %" },	 { 0.0999, "10.0 %", "90.0 %" },     { 0.053, "5.3 %", "94.7 %" },
		{ 0.0504, "5.04 %", "94.96 %" }, { 0.05001, "5.001 %", "94.999 %" }, { 0.05, "5.0 %", "95.0 %" },
		{ 0.041, "4.1 %", "95.9 %" },	 { -0.2, "20 %", "120 %" },	     { -0.0504, "5.04 %", "105.04 %" },
	};
	char buf[FL_UNIT_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_string_equal(fl_odd_show_off(buf, words[i].off), words[i].shown);
		assert_string_equal(fl_odd_show_share(buf, 1 - words[i].off), words[i].share);
	}
	assert_true(strlen(fl_odd_show_off(buf, 1e300)) < FL_UNIT_TEXT);
	assert_true(strlen(fl_odd_show_share(buf, -1e300)) < FL_UNIT_TEXT);
}

/* ---- noise */

/* Numbers between 0 and 1 (splitmix64). */
static double draw(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	z ^= z >> 31;
	return ((double)(z >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(uint64_t *seed)
{
	double radius = sqrt(-2 * log(draw(seed)));

	return radius * cos(6.283185307179586 * draw(seed));
}

enum kind {
	ROUNDS, /* 12 rounds, each with noise of its own */
	SLICES, /* one round, each of its 20 slices with noise of its own */
	ONE,	/* one round with noise that its slices have in common, so that they do not show it: the hardest */
};

static struct fl_interval make(enum kind kind, double truth, double noise, uint64_t *seed)
{
	static const size_t counts[] = { [ROUNDS] = 12, [SLICES] = 20, [ONE] = 1 };
	double values[20];

	for (size_t i = 0; i < counts[kind]; i++)
		values[i] = truth * (1 + noise * normal(seed));
	return fl_median_interval(values, counts[kind]);
}

/* How many of the runs accuse a host; off: by how much the last one is worse, which is not counted; missed: in how many
 * that is not seen. */
static unsigned count(enum kind kind, size_t n, double noise, double off, unsigned runs, unsigned *missed)
{
	uint64_t seed = 20260311 + n;
	unsigned accused = 0;

	*missed = 0;
	for (unsigned run = 0; run < runs; run++) {
		struct fl_interval values[MOST];
		enum fl_odd odd[MOST];
		bool any = false;

		for (size_t i = 0; i < n; i++)
			values[i] = make(kind, i + 1 == n ? 100 * (1 - off) : 100, noise, &seed);
		fl_odd_find(values, n, "higher", odd);
		for (size_t i = 0; i < n; i++)
			any |= odd[i] == FL_ODD_WORSE && (off == 0 || i + 1 < n);
		accused += any;
		*missed += odd[n - 1] != FL_ODD_WORSE;
	}
	return accused;
}

/* 4 to 20, then in steps. */
static size_t next(size_t n)
{
	return n < 20 ? n + 1 : n + 11;
}

static void test_noise_accuses_nobody(void **state)
{
	static const double noises[] = { 0.01, 0.05, 0.10 };
	static const unsigned runs[] = { [ROUNDS] = 200, [SLICES] = 200, [ONE] = 10000 };

	(void)state;
	for (enum kind kind = ROUNDS; kind <= ONE; kind++)
		for (size_t k = 0; k < sizeof(noises) / sizeof(noises[0]); k++)
			for (size_t n = FL_ODD_LEAST; n <= MOST; n = next(n)) {
				unsigned missed, accused = count(kind, n, noises[k], 0, runs[kind], &missed);

				if (20 * accused >= runs[kind])
					fail_msg("kind %d, %zu with noise of %g: %u of %u", kind, n, noises[k], accused,
						 runs[kind]);
			}
}

static void test_far_off_is_named(void **state)
{
	(void)state;
	for (enum kind kind = ROUNDS; kind <= ONE; kind++)
		for (size_t n = FL_ODD_LEAST; n <= MOST; n = next(n)) {
			const unsigned runs = 500;
			/* What outlier.h says that it costs. */
			unsigned may_miss = kind == ONE && n == FL_ODD_LEAST ? runs / 100 : 0, missed;
			unsigned accused = count(kind, n, 0.01, 0.2, runs, &missed);

			if (missed > may_miss || accused)
				fail_msg("kind %d, %zu: missed in %u, others accused in %u", kind, n, missed, accused);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_noise_accuses_nobody),
		cmocka_unit_test(test_far_off_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
