/* SPDX-License-Identifier: Apache-2.0 */
/* test_pcie.c: the formulas against figures worked out elsewhere, and links that have no cap. */
#include "machine/pcie.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* GB/s of x16: the link, then packets of 128, 256 and 512 bytes with 64-bit headers (writes) and with those of
 * completions. Published tables give two decimals. */
static const struct row {
	double gts, link, write[3], completion[3];
} rows[] = {
	{ 2.5, 4.00, { 3.37, 3.66, 3.82 }, { 3.46, 3.71, 3.85 } },
	{ 5, 8.00, { 6.74, 7.31, 7.64 }, { 6.92, 7.42, 7.70 } },
	{ 8, 15.75, { 13.27, 14.40, 15.05 }, { 13.62, 14.61, 15.16 } },
	{ 16, 31.51, { 26.53, 28.81, 30.10 }, { 27.25, 29.22, 30.32 } },
	{ 32, 63.02, { 53.07, 57.61, 60.19 }, { 54.50, 58.45, 60.65 } },
};

static void near(double bytes_per_s, double gigabytes_per_s)
{
	if (!(fabs(bytes_per_s / 1e9 - gigabytes_per_s) <= 0.0051))
		fail_msg("%.4f GB/s instead of %.2f", bytes_per_s / 1e9, gigabytes_per_s);
}

static void published_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		near(fl_pcie_link_bytes_per_s(row->gts, 16), row->link);
		for (unsigned k = 0; k < 3; k++) {
			near(fl_pcie_payload_bytes_per_s(row->gts, 16, 128 << k, FL_PCIE_HEADER_64), row->write[k]);
			near(fl_pcie_payload_bytes_per_s(row->gts, 16, 128 << k, FL_PCIE_HEADER_32),
			     row->completion[k]);
		}
	}
}

/* FLITs: no bytes of the data link layer per TLP. */
static void sixth_generation(void **state)
{
	(void)state;
	near(fl_pcie_link_bytes_per_s(64, 16), 118.00);
	near(fl_pcie_payload_bytes_per_s(64, 16, 128, FL_PCIE_HEADER_64), 104.89);
	near(fl_pcie_payload_bytes_per_s(64, 16, 256, FL_PCIE_HEADER_64), 111.06);
	near(fl_pcie_payload_bytes_per_s(64, 16, 512, FL_PCIE_HEADER_64), 114.42);
}

static void narrow_links(void **state)
{
	(void)state;
	near(fl_pcie_payload_bytes_per_s(8, 4, 256, FL_PCIE_HEADER_64), 3.60);
	near(fl_pcie_payload_bytes_per_s(16, 4, 256, FL_PCIE_HEADER_64), 7.20);
	near(fl_pcie_payload_bytes_per_s(32, 4, 256, FL_PCIE_HEADER_64), 14.40);
}

static void no_such_link(void **state)
{
	static const double links[][2] = { { NAN, 4 }, { 8, NAN }, { 0, 4 },	 { 8, 0 },	  { 8, 3 },
					   { 9, 4 },   { -8, 4 },  { 8, 1e300 }, { INFINITY, 16 } };

	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		assert_true(isnan(fl_pcie_link_bytes_per_s(links[i][0], links[i][1])));
		assert_true(isnan(fl_pcie_payload_bytes_per_s(links[i][0], links[i][1], 256, 12)));
	}
}

static struct fl_pcie_link link_of(double gts, double lanes, double payload)
{
	return (struct fl_pcie_link){
		.gts_now.value = gts, .lanes_now.value = lanes, .max_payload_bytes.value = payload, .real = true
	};
}

static void write_cap_uses_what_is_known(void **state)
{
	struct fl_pcie_link known = link_of(32, 4, 256), unknown = link_of(32, 4, NAN);
	const char *why = "left over";
	bool loose = true;

	(void)state;
	near(fl_pcie_write_cap(&known, &loose, &why), 14.61);
	assert_false(loose);
	assert_null(why);
	near(fl_pcie_write_cap(&unknown, &loose, &why), 15.68);
	assert_true(loose);
	assert_null(why);
}

/* A cap below what a real link carries would call good results invalid. */
static void loose_cap_is_above_every_payload(void **state)
{
	struct fl_pcie_link unknown = link_of(16, 8, NAN);
	const char *why;
	bool loose;
	double cap = fl_pcie_write_cap(&unknown, &loose, &why);

	(void)state;
	for (unsigned payload = 128; payload <= FL_PCIE_PAYLOAD_MAX; payload *= 2) {
		struct fl_pcie_link known = link_of(16, 8, payload);

		assert_true(cap >= fl_pcie_write_cap(&known, &loose, &why));
		assert_true(cap >= fl_pcie_payload_bytes_per_s(16, 8, payload, FL_PCIE_HEADER_32));
	}
	assert_true(cap < fl_pcie_link_bytes_per_s(16, 8));
}

static void no_cap_says_why(void **state)
{
	struct fl_pcie_link rows_without[] = { link_of(32, 4, 256), link_of(NAN, 4, 256), link_of(32, NAN, 256),
					       link_of(32, 5, 256) };
	static const char *const words[] = { "emulated", "not known", "not known", "does not know" };

	(void)state;
	rows_without[0].real = false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *why = NULL;
		bool loose;

		assert_true(isnan(fl_pcie_write_cap(&rows_without[i], &loose, &why)));
		assert_non_null(why);
		assert_non_null(strstr(why, words[i]));
	}
}

/* A payload that no port can have is as good as unknown. */
static void impossible_payload_is_loose(void **state)
{
	static const double payloads[] = { 0, 64, 8192, 1e18 };

	(void)state;
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		struct fl_pcie_link link = link_of(8, 4, payloads[i]);
		const char *why;
		bool loose = false;

		near(fl_pcie_write_cap(&link, &loose, &why), 3.92);
		assert_true(loose);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_tables),
		cmocka_unit_test(sixth_generation),
		cmocka_unit_test(narrow_links),
		cmocka_unit_test(no_such_link),
		cmocka_unit_test(write_cap_uses_what_is_known),
		cmocka_unit_test(loose_cap_is_above_every_payload),
		cmocka_unit_test(no_cap_says_why),
		cmocka_unit_test(impossible_payload_is_loose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
