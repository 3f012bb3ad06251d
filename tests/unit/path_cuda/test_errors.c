/* SPDX-License-Identifier: Apache-2.0 */
/* What errors of CUDA mean here. */
#include "path/cuda/errors.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_codes(void **state)
{
	static const struct {
		int error, code;
	} rows[] = {
		{ 0, 0 },
		{ FL_CUDA_MEMORY_ALLOCATION, -ENOMEM },
		{ FL_CUDA_INSUFFICIENT_DRIVER, -ENOSYS },
		{ FL_CUDA_DEVICES_UNAVAILABLE, -EBUSY },
		{ FL_CUDA_NO_DEVICE, -ENXIO }, /* it shows none: nothing was lost */
		{ FL_CUDA_INVALID_DEVICE, -ENXIO },
		{ FL_CUDA_SYSTEM_NOT_READY, -ENXIO },
		{ FL_CUDA_DEVICE_UNINITIALIZED, -ENODEV },
		{ FL_CUDA_ECC_UNCORRECTABLE, -EIO },
		{ FL_CUDA_UNKNOWN, -ENODEV },
		{ 1, -EIO },	  /* of those that mean nothing special */
		{ 123456, -EIO }, /* of a CUDA to come */
		{ -1, -EIO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(fl_cuda_errno(rows[i].error), rows[i].code);
}

static void test_drivers(void **state)
{
	static const struct {
		int runtime, driver;
		const char *hint;
	} rows[] = {
		{ 13000, 0, "this build's CUDA 13.0 needs driver 580 or later; found none" },
		{ 13000, 12040, "this build's CUDA 13.0 needs driver 580 or later; found one that can do CUDA 12.4" },
		{ 12080, 11080, "this build's CUDA 12.8 needs driver 525 or later; found one that can do CUDA 11.8" },
		{ 11080, 10020, "this build's CUDA 11.8 needs driver 450 or later; found one that can do CUDA 10.2" },
	};
	char hint[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fl_cuda_hint(FL_CUDA_INSUFFICIENT_DRIVER, rows[i].runtime, rows[i].driver, hint, sizeof(hint));
		assert_string_equal(hint, rows[i].hint);
	}
}

/* One line that fits, for whatever error. */
static void test_hints(void **state)
{
	char hint[200], small[8];

	(void)state;
	for (int error = -1; error < 1100; error++) {
		fl_cuda_hint(error, 13000, 13000, hint, sizeof(hint));
		assert_true(strlen(hint) < sizeof(hint) - 1);
		assert_null(strchr(hint, '\n'));
		fl_cuda_hint(error, 13000, 13000, small, sizeof(small));
		assert_true(strlen(small) < sizeof(small));
	}
	fl_cuda_hint(1, 13000, 13000, hint, sizeof(hint));
	assert_string_equal(hint, "");
	fl_cuda_hint(FL_CUDA_DEVICES_UNAVAILABLE, 13000, 13000, hint, sizeof(hint));
	assert_non_null(strstr(hint, "exclusive"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_drivers),
		cmocka_unit_test(test_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
