/* SPDX-License-Identifier: Apache-2.0 */
/* test_hist.c: the claims of hist.h: exact below 128, within 1/128 above, nothing falls out. */
#include <feedline/hist.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t next(uint64_t *bits)
{
	*bits ^= *bits << 13;
	*bits ^= *bits >> 7;
	*bits ^= *bits << 17;
	return *bits;
}

static void exact_below_128(void **state)
{
	(void)state;
	for (uint64_t v = 0; v < 128; v++) {
		assert_int_equal(fl_hist_bucket(v), v);
		assert_int_equal(fl_hist_middle((unsigned)v), v);
	}
}

/* Every bucket holds its middle, and its edges follow the one before without a gap. */
static void buckets_are_contiguous(void **state)
{
	(void)state;
	assert_int_equal(FL_HIST_BUCKETS, 3776);
	assert_int_equal(sizeof(struct fl_hist), 30208);
	assert_int_equal(fl_hist_bucket(UINT64_MAX), FL_HIST_BUCKETS - 1);
	for (unsigned b = 0; b < FL_HIST_BUCKETS; b++)
		assert_int_equal(fl_hist_bucket(fl_hist_middle(b)), b);
	for (unsigned shift = 7; shift < 64; shift++) {
		uint64_t edge = UINT64_C(1) << shift;

		assert_int_equal(fl_hist_bucket(edge), fl_hist_bucket(edge - 1) + 1);
		assert_int_equal(fl_hist_bucket(edge), 128 + (shift - 7) * 64);
	}
}

static void middle_is_within_1_128(void **state)
{
	uint64_t bits = 88172645463325252;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint64_t r = next(&bits), v = r >> (r & 63);
		uint64_t middle = fl_hist_middle(fl_hist_bucket(v)), off = middle > v ? middle - v : v - middle;

		assert_true(off <= v / 128);
	}
}

static void quantiles(void **state)
{
	struct fl_hist *h = calloc(1, sizeof(*h));

	(void)state;
	assert_non_null(h);
	assert_int_equal(fl_hist_quantile(h, 0.5), 0);
	for (uint64_t v = 1; v <= 100; v++)
		fl_hist_add(h, v);
	assert_int_equal(fl_hist_total(h), 100);
	assert_int_equal(fl_hist_quantile(h, 0), 1);
	assert_int_equal(fl_hist_quantile(h, -1), 1);
	assert_int_equal(fl_hist_quantile(h, 0.01), 1);
	assert_int_equal(fl_hist_quantile(h, 0.5), 50);
	assert_int_equal(fl_hist_quantile(h, 0.505), 51);
	assert_int_equal(fl_hist_quantile(h, 0.99), 99);
	assert_int_equal(fl_hist_quantile(h, 1), 100);
	assert_int_equal(fl_hist_quantile(h, 7), 100);
	free(h);
}

static void merging_commutes(void **state)
{
	struct fl_hist *a = calloc(4, sizeof(*a)), *b = a + 1, *ab = a + 2, *ba = a + 3;
	uint64_t bits = 1234567;

	(void)state;
	assert_non_null(a);
	for (int i = 0; i < 1000; i++)
		fl_hist_add(i % 3 ? a : b, next(&bits) >> (i & 63));
	fl_hist_merge(ab, a);
	fl_hist_merge(ab, b);
	fl_hist_merge(ba, b);
	fl_hist_merge(ba, a);
	assert_memory_equal(ab, ba, sizeof(*ab));
	assert_int_equal(fl_hist_total(ab), 1000);
	free(a);
}

/* Counts that a broken worker wrote: sums stop at the top instead of going round. */
static void hostile_counts(void **state)
{
	struct fl_hist *h = calloc(1, sizeof(*h));

	(void)state;
	assert_non_null(h);
	memset(h, 0xff, sizeof(*h));
	assert_true(fl_hist_total(h) == UINT64_MAX);
	assert_int_equal(fl_hist_quantile(h, 1), 0);
	fl_hist_merge(h, h);
	assert_true(h->count[0] == UINT64_MAX);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_below_128),	  cmocka_unit_test(buckets_are_contiguous),
		cmocka_unit_test(middle_is_within_1_128), cmocka_unit_test(quantiles),
		cmocka_unit_test(merging_commutes),	  cmocka_unit_test(hostile_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
