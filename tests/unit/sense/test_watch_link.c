/* SPDX-License-Identifier: Apache-2.0 */
/* test_watch_link.c: figures of a PCIe link that cannot be. */
#include "sense/watch.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void carries(void **state)
{
	static const struct {
		double generation, lanes, sent, received;
		bool carries;
	} rows[] = {
		{ 5, 16, 10.7e9, 93.3e9, false }, /* an H200 whose processors read at 51.4 GB/s */
		{ 5, 16, 75.2e9, 4.64e6, false }, /* and write at 52.6 GB/s */
		{ 5, 16, 67.4e9, 52.5e9, false }, { 5, 16, 5.27e9, 60.9e9, true }, /* its copy engine, with headers */
		{ 5, 16, 61.2e9, 0, true },	  { 5, 8, 61.2e9, 0, false },	   { 5, 16, NAN, 60e9, true },
		{ NAN, 16, 1e12, 1e12, true },	  { 0, 16, 1e12, 1e12, true },	   { 7, 16, 1e12, 1e12, true },
		{ 5, 3, 1e12, 1e12, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(watch_link_carries(watch_link_bytes_per_s(rows[i].generation, rows[i].lanes),
						    rows[i].sent, rows[i].received),
				 rows[i].carries);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(carries) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
