/* SPDX-License-Identifier: Apache-2.0 */
/* test_status.c: exit statuses of errors, and which of two counts. */
#include "base/status.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void of_an_error(void **state)
{
	static const struct {
		int code;
		enum fl_status status;
	} rows[] = {
		{ 0, FL_STATUS_PASS },
		{ -EBADMSG, FL_STATUS_FAIL },
		{ -EINVAL, FL_STATUS_USAGE },
		{ -ERANGE, FL_STATUS_USAGE },
		{ -ENOENT, FL_STATUS_USAGE },
		{ -EROFS, FL_STATUS_USAGE },
		{ -EACCES, FL_STATUS_USAGE },
		{ -ENOTSUP, FL_STATUS_USAGE },
		{ -EUCLEAN, FL_STATUS_USAGE },
		{ -EFBIG, FL_STATUS_USAGE },
		{ -ENODEV, FL_STATUS_NOT_MEASURED },
		{ -EBUSY, FL_STATUS_NOT_MEASURED },
		{ -ENOSPC, FL_STATUS_NOT_MEASURED },
		{ -ETIMEDOUT, FL_STATUS_NOT_MEASURED },
		{ -EPROTO, FL_STATUS_NOT_MEASURED },
		{ -ECHILD, FL_STATUS_NOT_MEASURED },
		{ -EPERM, FL_STATUS_NOT_MEASURED },
		{ -ENOMEM, FL_STATUS_NOT_MEASURED },
		{ -EINTR, FL_STATUS_NOT_MEASURED },
		{ -ECANCELED, FL_STATUS_NOT_MEASURED },
		{ -EIO, FL_STATUS_NOT_MEASURED },
		{ -123456, FL_STATUS_NOT_MEASURED }, /* unknown is never a pass */
		{ 1, FL_STATUS_NOT_MEASURED },
		{ -ENOTRECOVERABLE, FL_STATUS_BUG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(fl_status_of(rows[i].code), rows[i].status);
}

/* 5, 2, 1, 4, 3, 0: whatever stands earlier wins, from either side. */
static void the_worse_of_two(void **state)
{
	static const enum fl_status order[] = { FL_STATUS_BUG,	     FL_STATUS_USAGE,	     FL_STATUS_FAIL,
						FL_STATUS_UNTRUSTED, FL_STATUS_NOT_MEASURED, FL_STATUS_PASS };

	(void)state;
	for (size_t i = 0; i < 6; i++)
		for (size_t j = i; j < 6; j++) {
			assert_int_equal(fl_status_worse(order[i], order[j]), order[i]);
			assert_int_equal(fl_status_worse(order[j], order[i]), order[i]);
		}
}

static void words_for_each(void **state)
{
	(void)state;
	for (int s = FL_STATUS_PASS; s <= FL_STATUS_BUG; s++) {
		assert_true(*fl_status_name((enum fl_status)s));
		assert_true(*fl_status_meaning((enum fl_status)s));
	}
	assert_string_equal(fl_status_name(FL_STATUS_UNTRUSTED), "not trustworthy");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(of_an_error), cmocka_unit_test(the_worse_of_two),
					    cmocka_unit_test(words_for_each) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
