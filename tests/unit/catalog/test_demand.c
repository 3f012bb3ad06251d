/* SPDX-License-Identifier: Apache-2.0 */
/* test_demand.c: profiles of demand: those that feedline brings along, and every kind of nonsense in a file of them. */
#include "base/alloc.h"
#include "base/text.h"
#include "catalog/demand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char good[] =
	"- name: small\n"
	"  workload: A small one\n"
	"  accelerator: X1\n"
	"  record_bytes: 3KiB\n"
	"  batch: 3\n"
	"  step_time: 500us\n"
	"  source: here, 2026\n"
	"- {name: b, workload: w, accelerator: a, record_bytes: 4096, batch: 1, step_time: 2ms, source: s}\n";

static void read_well(void **state)
{
	const struct fl_demand *d = NULL;
	struct fl_demands *demands;
	struct fl_err err = { 0 };
	json_t *doc;

	(void)state;
	assert_int_equal(fl_demands_parse(good, strlen(good), "d.yaml", &demands, &err), 0);
	assert_int_equal(demands->n, 2);
	assert_int_equal(fl_demand_find(demands, "small", &d, &err), 0);
	assert_string_equal(d->workload, "A small one");
	assert_string_equal(d->accelerator, "X1");
	assert_string_equal(d->source, "here, 2026");
	assert_int_equal(d->record_bytes, 3072);
	assert_int_equal(d->batch, 3);
	assert_int_equal(d->step_time_ns, 500000);
	assert_int_equal(d->step_bytes, 12288); /* 9216, rounded up to whole blocks */
	assert_true(fl_demand_rate(d) == 12288 / 5e-4);
	assert_int_equal(demands->items[1].step_bytes, 4096);
	doc = fl_demand_json(d);
	assert_int_equal(json_integer_value(json_object_get(doc, "step_bytes")), 12288);
	assert_string_equal(json_string_value(json_object_get(doc, "name")), "small");
	json_decref(doc);
	assert_int_equal(fl_demand_find(demands, "smal", &d, &err), -EINVAL);
	assert_non_null(strstr(err.what, "unknown demand 'smal'"));
	assert_non_null(strstr(err.hint, "small"));
	fl_demands_free(demands);
}

static void nonsense_is_refused(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} rows[] = {
		{ "name: small", "name: Small", "d.yaml:1:9: 'name' must hold" },
		{ "name: small", "name: all", "not be 'all'" },
		{ "name: small", "name: ''", "'name' must hold" },
		{ "name: small", "name: -x", "'name' must hold" },
		{ "name: small", "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "'name' must hold" },
		{ "name: small", "name: b", "two profiles 'b'" },
		{ "name: small", "name: [small]", "'name' wants one value" },
		{ "workload: A small one", "workload: ''", "'workload' wants" },
		{ "workload: A small one", "workload: \"\\e[2J\"", "'workload' wants" },
		{ "3KiB", "3.5", "'record_bytes' is '3.5', which cannot be" },
		{ "3KiB", "0", "'record_bytes' is '0'" },
		{ "3KiB", "2TiB", "'record_bytes' is '2TiB'" },
		{ "3KiB", "-1", "'record_bytes' is '-1'" },
		{ "batch: 3", "batch: 100000000", "'batch' is" },
		{ "batch: 3", "batch: 0", "'batch' is" },
		{ "  batch: 3\n", "", "a profile needs 'batch'" },
		{ "500us", "500", "'step_time' is '500'" },
		{ "500us", "0", "'step_time' is '0'" },
		{ "500us", "25h", "'step_time' is '25h'" },
		{ "  source: here, 2026\n", "", "a profile needs 'source'" },
		{ "  source", "  note: x\n  source", "unknown word 'note'" },
		{ "3KiB\n  batch: 3\n", "1TiB\n  batch: 65\n", "larger than 64 TiB" },
		{ good, "", "" },
		{ good, "[]", "a list of 1 to 256 profiles" },
		{ good, "- small\n", "a profile is a map" },
		{ good, "{}", "a list of" },
		{ "- {", "- {{", "d.yaml:8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *at = strstr(good, rows[i].from);
		struct fl_demands *demands = NULL;
		struct fl_text text = { 0 };
		struct fl_err err = { 0 };

		assert_non_null(at);
		fl_text_put(&text, good, (size_t)(at - good));
		fl_text_add(&text, "%s%s", rows[i].to, at + strlen(rows[i].from));
		if (fl_demands_parse(fl_text_str(&text), text.n, "d.yaml", &demands, &err) != -EINVAL)
			fail_msg("row %zu (%s) was not refused", i, rows[i].to);
		if (!strstr(err.what, rows[i].says))
			fail_msg("row %zu: '%s' does not say '%s'", i, err.what, rows[i].says);
		assert_null(demands);
		fl_text_release(&text);
	}
}

static void too_many(void **state)
{
	struct fl_demands *demands = NULL;
	struct fl_text text = { 0 };
	struct fl_err err = { 0 };

	(void)state;
	for (int i = 0; i < FL_DEMANDS_MAX + 1; i++)
		fl_text_add(&text,
			    "- {name: d%d, workload: w, accelerator: a, record_bytes: 1, batch: 1, step_time: 1s, "
			    "source: s}\n",
			    i);
	assert_int_equal(fl_demands_parse(text.bytes, text.n, "d.yaml", &demands, &err), -EINVAL);
	assert_null(demands);
	fl_text_release(&text);
}

/* The rates that a table of what accelerators take has, in MB/s. */
static void those_brought_along(void **state)
{
	static const struct {
		const char *name;
		double mb_per_s;
	} rows[] = {
		{ "unet3d-v100", 431 },	   { "unet3d-a100", 1613 },   { "unet3d-h100", 3177 },
		{ "unet3d-b200", 6335 },   { "resnet50-a100", 105 },  { "resnet50-h100", 205 },
		{ "cosmoflow-a100", 514 }, { "cosmoflow-h100", 809 }, { "flux-b200", 77 },
		{ "retinanet-b200", 163 }, { "dlrm-b200", 33249 },
	};
	struct fl_demands *demands;
	struct fl_err err = { 0 };

	(void)state;
	if (fl_demands_load(TESTS_DIR "/../harness/data/demands.yaml", &demands, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(demands->n, sizeof(rows) / sizeof(rows[0]));
	for (size_t i = 0; i < demands->n; i++) {
		const struct fl_demand *d = NULL;
		double rate;

		if (fl_demand_find(demands, rows[i].name, &d, &err) < 0)
			fail_msg("%s", err.what);
		rate = fl_demand_rate(d) / 1e6;
		if (rate < 0.995 * rows[i].mb_per_s || rate > 1.005 * rows[i].mb_per_s)
			fail_msg("%s asks for %g MB/s", d->name, rate);
	}
	fl_demands_free(demands);
}

static void no_file(void **state)
{
	struct fl_demands *demands = NULL;
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_demands_load("/nonexistent/demands.yaml", &demands, &err), -ENOENT);
	assert_null(demands);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_well), cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(too_many),  cmocka_unit_test(those_brought_along),
		cmocka_unit_test(no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
