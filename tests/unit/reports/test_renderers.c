/* SPDX-License-Identifier: Apache-2.0 */
/* test_renderers.c: the table of formats, and its words as the range of an option. */
#include "golden.h"

static void test_range_names_the_table(void **state)
{
	struct fl_text names = { 0 };

	(void)state;
	for (const struct fl_renderer *r = fl_renderers; r->name; r++)
		fl_text_add(&names, "%s%s", names.n ? "|" : "", r->name);
	assert_string_equal(fl_text_str(&names), FL_FORMATS);
	fl_text_release(&names);
}

static void test_find(void **state)
{
	(void)state;
	for (const struct fl_renderer *r = fl_renderers; r->name; r++)
		assert_ptr_equal(fl_renderer_find(r->name), r);
	assert_null(fl_renderer_find("xml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range_names_the_table),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
