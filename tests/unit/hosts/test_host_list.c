/* SPDX-License-Identifier: Apache-2.0 */
/* Names of hosts, as people and Slurm write them. */
#include "base/alloc.h"
#include "base/text.h"
#include "hosts/bootstrap.h"
#include "hosts/host_list.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void assert_names(const struct fl_host_list *list, const char *want)
{
	struct fl_text got = { 0 };

	for (size_t i = 0; i < list->n; i++)
		fl_text_add(&got, "%s%s%s%s", i ? " " : "", list->items[i].name, list->items[i].rack ? "@" : "",
			    list->items[i].rack ? list->items[i].rack : "");
	assert_string_equal(fl_text_str(&got), want);
	fl_text_release(&got);
}

static void test_lists_expand(void **state)
{
	static const struct {
		const char *text, *names;
	} rows[] = {
		{ "n1", "n1" },
		{ "n1,n2", "n1 n2" },
		{ "n[1-3]", "n1 n2 n3" },
		{ "n[08-11]", "n08 n09 n10 n11" },
		{ "n[1,3-4],m", "n1 n3 n4 m" },
		{ "r[1-2]n[1-2].lan", "r1n1.lan r1n2.lan r2n1.lan r2n2.lan" },
		{ "10.0.0.[1-2]", "10.0.0.1 10.0.0.2" },
		{ "n1,n1", "n1 n1" },
		{ "fd00::1", "fd00::1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fl_host_list list;
		struct fl_err err = { 0 };

		assert_int_equal(fl_host_list_expand(rows[i].text, &list, &err), 0);
		assert_names(&list, rows[i].names);
		fl_host_list_release(&list);
	}
}

static void test_what_is_no_list_is_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *what;
	} rows[] = {
		{ "", -EINVAL, "a name of a host is missing" },
		{ "n1,", -EINVAL, "a name of a host is missing" },
		{ ",n1", -EINVAL, "a name of a host is missing" },
		{ "-oProxyCommand=x", -EINVAL, "'-oProxyCommand=x' is not the name of a host" },
		{ "n1,-v", -EINVAL, "'-v' is not the name of a host" },
		{ "n 1", -EINVAL, "'n 1' is not the name of a host" },
		{ "n1;rm", -EINVAL, "'n1;rm' is not the name of a host" },
		{ "n$(x)", -EINVAL, "'n$(x)' is not the name of a host" },
		{ "n[1-3", -EINVAL, "'n[1-3' is not the name of a host" },
		{ "n1]", -EINVAL, "'n1]' is not the name of a host" },
		{ "n[3-1]", -EINVAL, "between '[' and ']' are numbers and ranges of them: '[1-4,7]'" },
		{ "n[]", -EINVAL, "between '[' and ']' are numbers and ranges of them: '[1-4,7]'" },
		{ "n[1,]", -EINVAL, "between '[' and ']' are numbers and ranges of them: '[1-4,7]'" },
		{ "n[1-x]", -EINVAL, "between '[' and ']' are numbers and ranges of them: '[1-4,7]'" },
		{ "n[1-2[3]]", -EINVAL, "between '[' and ']' are numbers and ranges of them: '[1-4,7]'" },
		{ "n[99999999999]", -EINVAL, "between '[' and ']' are numbers and ranges of them: '[1-4,7]'" },
		{ "n[0-999999999]", -E2BIG, "more than 4096 hosts" },
		{ "a[0-99]b[0-99]c[0-99]d[0-99]", -E2BIG, "more than 4096 hosts" },
		{ "a[1]b[1]c[1]d[1]e[1]", -EINVAL, "'' is not the name of a host" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fl_host_list list = { 0 };
		struct fl_err err = { 0 };

		assert_int_equal(fl_host_list_expand(rows[i].text, &list, &err), rows[i].code);
		assert_string_equal(err.what, rows[i].what);
		assert_null(list.items);
	}
}

static void test_the_longest_name(void **state)
{
	char *name = fl_zalloc(FL_HOST_NAME_MAX + 2, 1);
	struct fl_host_list list;

	(void)state;
	memset(name, 'n', FL_HOST_NAME_MAX);
	assert_int_equal(fl_host_list_expand(name, &list, NULL), 0);
	assert_int_equal(list.n, 1);
	fl_host_list_release(&list);
	name[FL_HOST_NAME_MAX] = 'n';
	assert_int_equal(fl_host_list_expand(name, &list, NULL), -EINVAL);
	free(name);
}

static void test_files_have_racks_and_remarks(void **state)
{
	struct fl_host_list list;
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(
		fl_host_list_parse("# ours\n\nn[1-2] rack=r1\n\tn3\track=r2 # new\r\nn4,n5", "hosts", &list, &err), 0);
	assert_names(&list, "n1@r1 n2@r1 n3@r2 n4 n5");
	fl_host_list_release(&list);
}

static void test_bad_files_are_named_with_their_line(void **state)
{
	static const struct {
		const char *text, *what, *hint;
	} rows[] = {
		{ "n1\nn2 slots=2\n", "hosts:2: unknown word 'slots=2'", "a line is the name of a host" },
		{ "n1 rack=\n", "hosts:1: unknown word 'rack='", "a line is the name of a host" },
		{ "n1\n\n-v\n", "hosts:3: '-v' is not the name of a host", "n1,n2, n[1-8]" },
		{ "n1\nn2\nn1\n", "host 'n1' is named twice", "name each once" },
		{ "n[1-3]\nn2\n", "host 'n2' is named twice", "name each once" },
		{ "# nobody\n", "'hosts' names no host", "a line is the name of a host" },
		{ "", "'hosts' names no host", "a line is the name of a host" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fl_host_list list = { 0 };
		struct fl_err err = { 0 };

		assert_int_equal(fl_host_list_parse(rows[i].text, "hosts", &list, &err), -EINVAL);
		assert_string_equal(err.what, rows[i].what);
		assert_non_null(strstr(err.hint, rows[i].hint));
		assert_null(list.items);
	}
}

static void test_what_is_given_is_a_list_or_a_file(void **state)
{
	struct fl_host_list list;
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_host_list_read("n[2-3],n1", &list, &err), 0);
	assert_names(&list, "n2 n3 n1");
	fl_host_list_release(&list);
	assert_int_equal(fl_host_list_read("n1,n1", &list, &err), -EINVAL);
	assert_string_equal(err.what, "host 'n1' is named twice");
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_host_list_read("me@n1", &list, &err), -EINVAL);
	assert_non_null(strstr(err.hint, "ssh's configuration"));
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_host_list_read("/no/such/file", &list, &err), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_expand),
		cmocka_unit_test(test_what_is_no_list_is_refused),
		cmocka_unit_test(test_the_longest_name),
		cmocka_unit_test(test_files_have_racks_and_remarks),
		cmocka_unit_test(test_bad_files_are_named_with_their_line),
		cmocka_unit_test(test_what_is_given_is_a_list_or_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
