/* SPDX-License-Identifier: Apache-2.0 */
/* test_units.c: quantities read and shown, in the C locale and in one with a decimal comma if there is one. */
#include "base/units.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *text;
	int rc;
	uint64_t value;
};

static void check(int (*parse)(const char *, uint64_t *, struct fl_err *), const struct row *row)
{
	uint64_t value = 4711;
	struct fl_err err = { 0 };
	int rc = parse(row->text, &value, &err);

	if (rc != row->rc || value != (rc ? 4711 : row->value))
		fail_msg("'%s' gave %d, %llu", row->text, rc, (unsigned long long)value);
	assert_int_equal(err.code, rc);
	assert_int_equal(rc < 0, err.hint[0] != 0);
	assert_int_equal(parse(row->text, &value, NULL), row->rc);
}

static void counts(void **state)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "16", 0, 16 },
		{ "007", 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1k", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(fl_parse_count, &rows[i]);
}

static void sizes(void **state)
{
	static const struct row rows[] = {
		{ "4096", 0, 4096 },
		{ "4096B", 0, 4096 },
		{ "0", 0, 0 },
		{ "1kB", 0, 1000 },
		{ "1MB", 0, 1000000 },
		{ "1MiB", 0, 1048576 },
		{ "1.5GiB", 0, 1610612736 },
		{ "0.001kB", 0, 1 },
		{ "1.500kB", 0, 1500 },
		{ "1.00000000000000000000000B", 0, 1 },
		{ "0.5KiB", 0, 512 },
		{ "16383PiB", 0, UINT64_C(16383) << 50 },
		{ "16384PiB", -ERANGE, 0 },
		{ "99999999999GiB", -ERANGE, 0 },
		{ "1.5B", -EINVAL, 0 },
		{ "0.3KiB", -EINVAL, 0 },
		{ "1.5", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "1.kB", -EINVAL, 0 },
		{ ".5kB", -EINVAL, 0 },
		{ "1,5kB", -EINVAL, 0 },
		{ "1 MiB", -EINVAL, 0 },
		{ "1MIB", -EINVAL, 0 },
		{ "1M", -EINVAL, 0 },
		{ "1K", -EINVAL, 0 },
		{ "1MiBx", -EINVAL, 0 },
		{ "MiB", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "inf", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(fl_parse_bytes, &rows[i]);
}

static void times(void **state)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "0s", 0, 0 },
		{ "1ns", 0, 1 },
		{ "40ms", 0, 40000000 },
		{ "2s", 0, 2000000000 },
		{ "1.5us", 0, 1500 },
		{ "0.1m", 0, 6000000000 },
		{ "1h", 0, 3600000000000 },
		{ "5124095h", 0, UINT64_C(5124095) * 3600000000000 },
		{ "5124096h", -ERANGE, 0 },
		{ "40", -EINVAL, 0 },
		{ "0.0", -EINVAL, 0 },
		{ "1.5ns", -EINVAL, 0 },
		{ "2 s", -EINVAL, 0 },
		{ "2S", -EINVAL, 0 },
		{ "1min", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(fl_parse_ns, &rows[i]);
}

static void ratios(void **state)
{
	static const struct {
		const char *text;
		int rc;
		double value;
	} rows[] = {
		{ "0", 0, 0 },		{ "0.95", 0, 0.95 },	{ "95%", 0, 0.95 },
		{ "12", 0, 12 },	{ "1e-9", 0, 1e-9 },	{ "0.30000000000000004", 0, 0.30000000000000004 },
		{ "2.5e+2", 0, 250 },	{ "150%", 0, 1.5 },	{ "1e999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },	{ "-0.1", -EINVAL, 0 }, { "+1", -EINVAL, 0 },
		{ "nan", -EINVAL, 0 },	{ "inf", -EINVAL, 0 },	{ "0x1p3", -EINVAL, 0 },
		{ "0,95", -EINVAL, 0 }, { "1.", -EINVAL, 0 },	{ ".5", -EINVAL, 0 },
		{ "1e", -EINVAL, 0 },	{ "95%%", -EINVAL, 0 }, { "95 %", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double value = 4711;
		struct fl_err err = { 0 };
		int rc = fl_parse_ratio(rows[i].text, &value, &err);

		if (rc != rows[i].rc || value != (rc ? 4711 : rows[i].value))
			fail_msg("'%s' gave %d, %g", rows[i].text, rc, value);
	}
}

static void says_what_is_wrong(void **state)
{
	struct fl_err err = { 0 };
	uint64_t value;

	(void)state;
	fl_parse_ns("40", &value, &err);
	assert_string_equal(err.what, "'40' is not a time in whole nanoseconds");
	assert_non_null(strstr(err.hint, "40ms"));
	err = (struct fl_err){ 0 };
	fl_parse_bytes("99999999999GiB", &value, &err);
	assert_string_equal(err.what, "'99999999999GiB' is too large for a size in whole bytes");
}

static void exact_numbers(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ -0.0, "0" },
		{ 1, "1" },
		{ 0.95, "0.95" },
		{ 0.1, "0.1" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ -12.5, "-12.5" },
		{ 100, "100" },
		{ 123456789, "123456789" },
		{ 0x1p53, "9007199254740992" },
		{ 1e17, "1e17" },
		{ 1e16, "10000000000000000" },
		{ 1e18, "1e18" },
		{ 1.5e300, "1.5e300" },
		{ 0.000001, "0.000001" },
		{ 0.0000001, "1e-7" },
		{ 5e-324, "5e-324" },
		{ -2.2250738585072014e-308, "-2.2250738585072014e-308" },
		{ NAN, "-" },
		{ INFINITY, "-" },
	};
	char buf[FL_UNIT_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(fl_show_number(buf, rows[i].value), rows[i].text);
}

/* Every double reads back to itself, through strtod() and through fl_parse_ratio(). */
static void exact_numbers_read_back(void **state)
{
	uint64_t bits = 88172645463325252;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char buf[FL_UNIT_TEXT];
		double value, back;

		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&value, &bits, sizeof(value));
		value = fabs(value);
		if (!isfinite(value))
			continue;
		fl_show_number(buf, value);
		assert_int_equal(fl_parse_ratio(buf, &back, NULL), 0);
		assert_true(back == value);
	}
}

struct shown {
	double value;
	const char *text;
};

static void shown_sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1 KiB" },
		{ 1025, "1.00 KiB" },
		{ 4096, "4 KiB" },
		{ 1000000, "977 KiB" },
		{ 1048575, "1.00 MiB" },
		{ 1048576, "1 MiB" },
		{ UINT64_C(256) << 20, "256 MiB" },
		{ UINT64_C(1536) << 20, "1.50 GiB" },
		{ UINT64_C(1020) << 20, "1020 MiB" },
		{ UINT64_C(3) << 40, "3 TiB" },
		{ UINT64_MAX, "16384 PiB" },
	};
	char buf[FL_UNIT_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(fl_show_bytes(buf, rows[i].bytes), rows[i].text);
}

static void shown_times(void **state)
{
	static const struct shown rows[] = {
		{ 0, "0 ns" },		 { 5, "5 ns" },		  { 5.5, "5.50 ns" },
		{ 0.25, "0.250 ns" },	 { 999, "999 ns" },	  { 999.7, "1.00 us" },
		{ 1000, "1.00 us" },	 { 1200000, "1.20 ms" },  { 12345678, "12.3 ms" },
		{ 123456789, "123 ms" }, { 999600000, "1.00 s" }, { 9.996e9, "10.0 s" },
		{ 90e9, "90.0 s" },	 { 599e9, "599 s" },	  { 600e9, "10.0 min" },
		{ 36e12, "10.0 h" },	 { -1500, "-1.50 us" },	  { NAN, "-" },
		{ INFINITY, "-" },
	};
	char buf[FL_UNIT_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(fl_show_ns(buf, rows[i].value), rows[i].text);
}

static void shown_rates(void **state)
{
	static const struct shown rows[] = {
		{ 0, "0 B/s" },
		{ 22.7e9, "22.7 GB/s" },
		{ 999.4e6, "999 MB/s" },
		{ 999.6e6, "1.00 GB/s" },
		{ 1234.5e3, "1.23 MB/s" },
		{ 5e14, "500 TB/s" },
		{ 1e300, "1e+285 PB/s" },
		{ NAN, "-" },
	};
	char buf[FL_UNIT_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(fl_show_rate(buf, rows[i].value), rows[i].text);
}

static void shown_metrics(void **state)
{
	static const struct {
		const char *metric;
		double value;
		const char *text;
	} rows[] = {
		{ "bytes_per_s", 22.7e9, "22.7 GB/s" },
		{ "read_bytes_per_s", 1e6, "1.00 MB/s" },
		{ "ops_per_s", 60123, "60.1 k/s" },
		{ "steps_per_s", 12, "12 /s" },
		{ "step_ns", 1500, "1.50 us" },
		{ "ns", 7, "7 ns" },
		{ "buffer_bytes", 1048576, "1 MiB" },
		{ "buffer_bytes", 1048576.5, "1.00 MiB" },
		{ "buffer_bytes", NAN, "-" },
		{ "fill_ratio", 0.95, "0.950" },
		{ "fill_ratio", 0.01234, "0.0123" },
		{ "fill_ratio", 1, "1" },
		{ "ready_batches", 3, "3" },
		{ "ready_batches", 3.25, "3.25" },
		{ "ready_batches", 123456, "123456" },
		{ "runs", 2.5, "2.50" }, /* not nanoseconds */
		{ "", NAN, "-" },
	};
	char buf[FL_UNIT_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(fl_show_metric(buf, rows[i].metric, rows[i].value), rows[i].text);
}

/* Whatever the locale, points stay points. Skipped where none with a decimal comma is installed. */
static void decimal_comma(void **state)
{
	static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nl_NL.UTF-8" };
	char buf[FL_UNIT_TEXT];
	double ratio;
	size_t i = 0;

	(void)state;
	while (i < sizeof(names) / sizeof(names[0]) && !setlocale(LC_ALL, names[i]))
		i++;
	if (i == sizeof(names) / sizeof(names[0]))
		skip();
	assert_string_equal(fl_show_number(buf, 0.1 + 0.2), "0.30000000000000004");
	assert_string_equal(fl_show_rate(buf, 22.7e9), "22.7 GB/s");
	assert_int_equal(fl_parse_ratio("0.95", &ratio, NULL), 0);
	assert_true(ratio == 0.95);
	setlocale(LC_ALL, "C");
}

static void percent_shows_change(void **state)
{
	static const struct {
		double ratio;
		const char *text;
	} rows[] = { { 0, "0.0 %" },	  { 0.034, "3.4 %" }, { -0.034, "-3.4 %" }, { -0.0001, "0.0 %" },
		     { 0.0994, "9.9 %" }, { 0.0996, "10 %" }, { 0.126, "13 %" },    { -2, "-200 %" },
		     { 1e20, "-" },	  { NAN, "-" },	      { 12.5, "1250 %" } };
	char buf[FL_UNIT_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(fl_show_percent(buf, rows[i].ratio), rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(sizes),
		cmocka_unit_test(times),
		cmocka_unit_test(ratios),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(exact_numbers),
		cmocka_unit_test(exact_numbers_read_back),
		cmocka_unit_test(shown_sizes),
		cmocka_unit_test(shown_times),
		cmocka_unit_test(shown_rates),
		cmocka_unit_test(shown_metrics),
		cmocka_unit_test(decimal_comma),
		cmocka_unit_test(percent_shows_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
