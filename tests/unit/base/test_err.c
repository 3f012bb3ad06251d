/* SPDX-License-Identifier: Apache-2.0 */
/* test_err.c: the first cause wins, on one line, with one hint. */
#include <errno.h>
#include <feedline/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void first_cause_wins(void **state)
{
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_fail(&err, -ENOENT, "open '%s'", "/x"), -ENOENT);
	assert_int_equal(fl_fail(&err, -EINVAL, "later"), -ENOENT);
	assert_string_equal(err.what, "open '/x'");
	assert_string_equal(err.hint, "");
}

static void one_hint(void **state)
{
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_hint(&err, "no error yet"), 0);
	assert_string_equal(err.hint, "");
	fl_fail(&err, -EIO, "read");
	assert_int_equal(fl_hint(&err, "try %d", 1), -EIO);
	assert_int_equal(fl_hint(&err, "try %d", 2), -EIO);
	assert_string_equal(err.hint, "try 1");
}

static void no_err_at_all(void **state)
{
	(void)state;
	assert_int_equal(fl_fail(NULL, -EIO, "x"), -EIO);
	assert_int_equal(fl_hint(NULL, "x"), -EINVAL); /* never like success */
}

static void always_one_line(void **state)
{
	static const struct {
		const char *text, *shown;
	} rows[] = {
		{ "a\nb\tc\x7f", "a b c " },
		{ "\x1b[2J", " [2J" },
		{ "C1 \xc2\x9b CSI", "C1    CSI" },
		{ "caf\xc3\xa9 \xc2\xb5s", "caf\xc3\xa9 \xc2\xb5s" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_err err = { 0 };

		fl_fail(&err, -EIO, "%s", rows[i].text);
		fl_hint(&err, "%s", rows[i].text);
		assert_string_equal(err.what, rows[i].shown);
		assert_string_equal(err.hint, rows[i].shown);
	}
}

static void long_text_is_cut(void **state)
{
	char text[1000];
	struct fl_err err = { 0 };

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	fl_fail(&err, -EIO, "%s", text);
	assert_int_equal(strlen(err.what), sizeof(err.what) - 1);
}

static void a_failure_needs_an_errno(void **state)
{
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_fail(&err, 0, "x"), -ENOTRECOVERABLE);
	assert_int_equal(fl_fail(NULL, EINVAL, "x"), -ENOTRECOVERABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_cause_wins), cmocka_unit_test(one_hint),
		cmocka_unit_test(no_err_at_all),    cmocka_unit_test(always_one_line),
		cmocka_unit_test(long_text_is_cut), cmocka_unit_test(a_failure_needs_an_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
