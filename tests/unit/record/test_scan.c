/* SPDX-License-Identifier: Apache-2.0 */
/* test_scan.c: numbers are the nearest doubles, whichever way they are read; what is no JSON is refused where it
 * stands; equal texts are one value. */
#include "record/scan.h"
#include "record/shared.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_number(const char *text)
{
	struct fl_scan s = fl_scan_start(text, strlen(text));
	double got = fl_scan_number(&s), want = strtod(text, NULL);

	fl_scan_finish(&s);
	if (s.bad)
		fail_msg("'%s' at %zu: %s", text, fl_scan_column(&s), s.bad);
	if (memcmp(&got, &want, sizeof(got)) != 0)
		fail_msg("'%s' is %a, not %a", text, got, want);
}

static void numbers(void **state)
{
	static const char *const rows[] = {
		"0",
		"-0",
		"-0.0",
		"1",
		"12345678901234567",
		"9007199254740992",
		"9007199254740993",
		"9007199254740993.0000000000000000000000000001",
		"0.1",
		"1e22",
		"1e23",
		"123456789e-22",
		"123456789e-23",
		"1.7976931348623157e308",
		"4.9406564584124654e-324",
		"2.4703282292062327e-324",
		"1e-400",
		"0e999999999999999999999",
		"0.000000000000000000000000000000000000000000001e45",
		"100000000000000000000000000000000000000000000e-44",
		"1E+2",
		"18446744073709551616",
		"999999999999999999999",
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_number(rows[i]);
	srand48(1);
	for (int i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "%.*e", (int)(lrand48() % 20),
			 ldexp(drand48(), (int)(lrand48() % 200) - 100));
		assert_number(text);
		snprintf(text, sizeof(text), "%.*f", (int)(lrand48() % 9), drand48() * 1e9);
		assert_number(text);
	}
}

static void no_numbers(void **state)
{
	static const struct {
		const char *text;
		size_t column;
	} rows[] = {
		{ "", 1 },
		{ "-", 2 },
		{ "+1", 1 },
		{ ".5", 1 },
		{ "1.", 3 },
		{ "1.e5", 3 },
		{ "1e", 3 },
		{ "1e+", 4 },
		{ "01", 1 },
		{ "-01", 2 },
		{ "1e999", 1 },
		{ "-1e999", 1 },
		{ "nan", 1 },
		{ "Infinity", 1 },
		{ "0x10", 2 },
		{ "1 2", 3 },
		{ "1e99999999999", 1 },
		{ "1,5", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_scan s = fl_scan_start(rows[i].text, strlen(rows[i].text));

		fl_scan_number(&s);
		fl_scan_finish(&s);
		if (!s.bad || fl_scan_column(&s) != rows[i].column)
			fail_msg("'%s': %s at %zu", rows[i].text, s.bad ? s.bad : "taken", fl_scan_column(&s));
	}
}

/* Reads {"k": [numbers], ...} and gives the sum of all numbers; NaN: refused. */
static double sum_of(const char *text)
{
	struct fl_scan s = fl_scan_start(text, strlen(text));
	double sum = 0;
	char key[8];

	fl_scan_enter(&s, '{');
	while (fl_scan_key(&s, key, sizeof(key))) {
		fl_scan_enter(&s, '[');
		while (fl_scan_item(&s))
			sum += fl_scan_number(&s);
	}
	fl_scan_finish(&s);
	return s.bad ? NAN : sum;
}

static void structure(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{]",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1}",
		"{\"a\":[}",
		"{\"a\":[1}",
		"{\"a\":[1,]}",
		"{\"a\":[,1]}",
		"{\"a\":[1 2]}",
		"{\"a\":[1]",
		"{\"a\":[1],}",
		"{,\"a\":[1]}",
		"{\"a\":[1]\"b\":[1]}",
		"{\"a\":[1]}}",
		"{\"a\":[[1]]}",
		"{\"abcdefgh\":[]}",
		"{\"\\u0061\":[]}",
		"{\"\xc3\xa9\":[]}",
		"{a:[]}",
	};

	(void)state;
	assert_true(sum_of("{}") == 0);
	assert_true(sum_of(" {\"a\" : [ ] , \"b\":[1,2 , 3],\"c\":[\t4 ] } ") == 10);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!isnan(sum_of(bad[i])))
			fail_msg("'%s' was taken", bad[i]);
}

static void slices(void **state)
{
	static const char text[] = "{\"a\":{\"x\":[1,\"]}\\\"\"]},\"b\":\"q,\\\\\",\"c\":null}";
	struct fl_scan s = fl_scan_start(text, strlen(text));
	static const char *const want[] = { "{\"x\":[1,\"]}\\\"\"]}", "\"q,\\\\\"", "null" };
	const char *slice;
	char key[8];
	size_t n, i = 0;

	(void)state;
	fl_scan_enter(&s, '{');
	while (fl_scan_key(&s, key, sizeof(key))) {
		slice = fl_scan_slice(&s, &n);
		assert_int_equal(n, strlen(want[i]));
		assert_memory_equal(slice, want[i], n);
		i++;
	}
	fl_scan_finish(&s);
	assert_null(s.bad);
	assert_int_equal(i, 3);
}

static void shared_values(void **state)
{
	struct fl_shared *shared = fl_shared_make();
	json_t *first = fl_shared_json(shared, "{\"a\":1}", 7, JSON_OBJECT), *again, *value;
	char text[32];
	int n;

	(void)state;
	assert_non_null(first);
	for (int i = 0; i < 200000; i++) {
		n = snprintf(text, sizeof(text), "[%d]", i);
		value = fl_shared_json(shared, text, (size_t)n, JSON_ARRAY);
		assert_int_equal(json_integer_value(json_array_get(value, 0)), i);
		json_decref(value);
	}
	again = fl_shared_json(shared, "{\"a\":1}", 7, JSON_OBJECT);
	assert_ptr_equal(first, again);
	assert_null(fl_shared_json(shared, "{\"a\":1}", 7, JSON_ARRAY));
	assert_null(fl_shared_json(shared, "{\"a\":1", 6, JSON_OBJECT));
	assert_true(json_is_null(fl_shared_json(shared, "null", 4, JSON_OBJECT)));
	value = fl_shared_json(NULL, "{\"a\":1}", 7, JSON_OBJECT);
	assert_ptr_not_equal(value, first);
	assert_true(json_equal(value, first));
	json_decref(value);
	fl_shared_free(shared);
	assert_int_equal(json_integer_value(json_object_get(first, "a")), 1); /* outlives it */
	json_decref(first);
	json_decref(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers), cmocka_unit_test(no_numbers),    cmocka_unit_test(structure),
		cmocka_unit_test(slices),  cmocka_unit_test(shared_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
