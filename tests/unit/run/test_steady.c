/* SPDX-License-Identifier: Apache-2.0 */
/* test_steady.c: what leaves its steady state is found, noise is not. */
#include "base/alloc.h"
#include "run/steady.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLICES_MAX = 32 };

/* xorshift64*, 0 .. 1: the same on every machine. */
static double chance(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (double)((*seed * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

/* About normal: the sum of twelve. */
static double noise(uint64_t *seed)
{
	double sum = -6;

	for (unsigned i = 0; i < 12; i++)
		sum += chance(seed);
	return sum;
}

/* n slices of 2.6 GB/s, from slice `from` on scaled by `factor`, with a slope over the whole and noise. */
static void make(double *rates, size_t n, size_t from, double factor, double slope, double deviation, uint64_t *seed)
{
	for (size_t i = 0; i < n; i++)
		rates[i] = 2.6e9 * (i >= from ? factor : 1) * (1 + slope * ((double)i / (double)n - 0.5)) *
			   (1 + deviation * noise(seed));
}

static void shapes(void **state)
{
	static const struct {
		size_t n, from;
		double factor, slope, deviation;
		bool left;
		int cut;
	} rows[] = {
		{ 32, 32, 1, 0, 0, false, FL_CUT_MIDDLE },	      /* as it should be */
		{ 32, 32, 1, 0, 0.05, false, FL_CUT_MIDDLE },	      /* with noise */
		{ 32, 16, 0.55, 0, 0.02, true, FL_CUT_MIDDLE },	      /* a step in the middle, down */
		{ 32, 16, 1.5, 0, 0.02, true, FL_CUT_MIDDLE },	      /* and up */
		{ 32, 24, 0.55, 0, 0.02, true, FL_CUT_LAST_QUARTER }, /* a step late in it */
		{ 32, 14, 0.55, 0, 0.02, true, FL_CUT_MIDDLE },	      /* and a little early */
		{ 32, 16, 0.95, 0, 0.001, false, FL_CUT_MIDDLE },     /* of less than 10 %: sure, and small */
		{ 32, 32, 1, -0.5, 0.02, true, FL_CUT_MIDDLE },	      /* a drift */
		{ 32, 32, 1, -0.08, 0.01, false, FL_CUT_MIDDLE },     /* within what is allowed */
		{ 32, 31, 0.1, 0, 0.02, false, FL_CUT_MIDDLE },	      /* one bad slice */
		{ 15, 7, 0.55, 0, 0.02, true, FL_CUT_MIDDLE },	      /* just enough slices */
		{ 14, 7, 0.55, 0, 0, false, FL_CUT_MIDDLE },	      /* too few to tell */
		{ 2, 1, 0.1, 0, 0, false, FL_CUT_MIDDLE },
		{ 1, 1, 1, 0, 0, false, FL_CUT_MIDDLE },
		{ 0, 0, 1, 0, 0, false, FL_CUT_MIDDLE },
		{ 32, 0, 0, 0, 0, false, FL_CUT_MIDDLE }, /* nothing moved at all */
		{ 32, 16, 0, 0, 0, true, FL_CUT_MIDDLE }, /* it stopped */
	};
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_departure d = { 0 };
		double rates[SLICES_MAX];

		make(rates, rows[i].n, rows[i].from, rows[i].factor, rows[i].slope, rows[i].deviation, &seed);
		if (fl_steady_left(rates, rows[i].n, &d) != rows[i].left)
			fail_msg("row %zu: %g and then %g", i, d.before, d.after);
		assert_int_equal(d.cut, rows[i].cut);
	}
}

/* Noise of 10 % in windows of any number of slices: less than one of a thousand is accused. */
static void false_alarms(void **state)
{
	enum { WINDOWS = 20000 };
	uint64_t seed = 42;
	unsigned alarms = 0;

	(void)state;
	for (unsigned i = 0; i < WINDOWS; i++) {
		struct fl_departure d;
		double rates[SLICES_MAX];
		size_t n = 15 + i % (SLICES_MAX - 15 + 1);

		make(rates, n, n, 1, 0, 0.1, &seed);
		alarms += fl_steady_left(rates, n, &d);
	}
	if (alarms >= WINDOWS / 1000)
		fail_msg("%u of %d", alarms, WINDOWS);
}

static char *judge(const char *metric, double factor, bool spoilt)
{
	double at[SLICES_MAX], value[SLICES_MAX];
	uint8_t valid[SLICES_MAX];
	struct fl_series s = { .metric = fl_dup(metric), .n = SLICES_MAX, .at = at, .value = value, .valid = valid };
	uint64_t seed = 7;
	char *reason;

	make(value, SLICES_MAX, SLICES_MAX / 2, factor, 0, 0, &seed);
	for (size_t i = 0; i < SLICES_MAX; i++) {
		at[i] = (double)i;
		valid[i] = !spoilt || i < SLICES_MAX / 2;
	}
	reason = fl_steady_judge(&s);
	free(s.metric);
	return reason;
}

static void reasons(void **state)
{
	static const char bytes[] = "bytes_per_s", ops[] = "ops_per_s";
	static const struct {
		const char *metric;
		double factor;
		bool spoilt;
		const char *reason;
	} rows[] = {
		{ bytes, 0.55, false,
		  "it left its steady state: 2.60 GB/s in the first half of the window, 1.43 GB/s in the second" },
		{ ops, 0.5, false,
		  "it left its steady state: 2.60 G/s in the first half of the window, 1.30 G/s in the second" },
		{ bytes, 1, false, NULL },
		{ bytes, 0.55, true, NULL }, /* what was spoilt does not count */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *reason = judge(rows[i].metric, rows[i].factor, rows[i].spoilt);

		if (!reason != !rows[i].reason || (reason && strcmp(reason, rows[i].reason)))
			fail_msg("row %zu: '%s'", i, reason ? reason : "no reason");
		free(reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),
		cmocka_unit_test(false_alarms),
		cmocka_unit_test(reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
