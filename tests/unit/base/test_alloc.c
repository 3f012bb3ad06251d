/* SPDX-License-Identifier: Apache-2.0 */
/* test_alloc.c: an array that grows by one keeps what it holds, and moves seldom. */
#include "base/alloc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void holds_one_more(void **state)
{
	enum { N = 1000 };
	size_t *all = NULL;
	unsigned moves = 0;

	(void)state;
	for (size_t n = 0; n < N; n++) {
		const uintptr_t before = (uintptr_t)all;

		all = fl_grow_to_hold(all, n, sizeof(*all));
		moves += (uintptr_t)all != before;
		all[n] = n;
	}
	for (size_t n = 0; n < N; n++)
		assert_int_equal(all[n], n);
	assert_true(moves <= 11); /* 1, 2, 4 .. 1024 */
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_one_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
