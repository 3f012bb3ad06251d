/* SPDX-License-Identifier: Apache-2.0 */
/* test_json.c: the JSON report, byte for byte, and the members that others rely on. */
#include "golden.h"

static void test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(golden_documents) / sizeof(golden_documents[0]); i++) {
		struct fl_text out = golden_render("json", &golden_documents[i]);

		golden_compare(golden_documents[i].name, &out);
		fl_text_release(&out);
	}
}

static void test_same_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(golden_documents) / sizeof(golden_documents[0]); i++)
		golden_elsewhere("json", &golden_documents[i]);
}

static json_t *parsed(const struct golden *g)
{
	struct fl_text out = golden_render("json", g);
	struct fl_err err = { 0 };
	json_t *doc = NULL;

	if (fl_json_parse(out.bytes, out.n, "report", &doc, &err) < 0)
		fail_msg("%s", err.what);
	fl_text_release(&out);
	return doc;
}

static void has(const json_t *o, const char *const *names)
{
	for (; *names; names++)
		if (!json_object_get(o, *names))
			fail_msg("no member '%s'", *names);
}

static void test_members(void **state)
{
	static const char *const top[] = { "schema",	  "run",   "suite",	  "status",  "verdict",
					   "trustworthy", "lanes", "environment", "machine", NULL };
	static const char *const lane[] = { "bench",  "options",	 "placement", "facts",	"metrics",
					    "hops",   "cap_bytes_per_s", "verdict",   "reason", "hint",
					    "rounds", "distrust",	 NULL };
	static const char *const metric[] = { "median", "low", "high", "n", "confidence", "of", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(golden_documents) / sizeof(golden_documents[0]); i++) {
		json_t *doc = parsed(&golden_documents[i]), *o, *m;
		const char *name;
		size_t k;

		has(doc, top);
		json_array_foreach(json_object_get(doc, "lanes"), k, o)
		{
			has(o, lane);
			json_object_foreach(json_object_get(o, "metrics"), name, m) has(m, metric);
		}
		json_decref(doc);
	}
}

/* What was not measured is null, never zero. */
static void test_unknown_is_null(void **state)
{
	json_t *doc = parsed(&golden_documents[2]);
	json_t *lane = json_array_get(json_object_get(doc, "lanes"), 1);
	json_t *metric = json_object_get(json_object_get(lane, "metrics"), "ops_per_s");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(lane, "verdict")), "not measured");
	assert_true(json_is_null(json_object_get(metric, "median")));
	assert_true(json_is_null(json_object_get(metric, "low")));
	assert_true(json_is_string(json_object_get(metric, "reason")));
	assert_true(json_is_null(json_object_get(lane, "cap_bytes_per_s")));
	assert_true(json_is_null(json_object_get(json_object_get(lane, "placement"), "verified")));
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_same_everywhere),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_unknown_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
