/* SPDX-License-Identifier: Apache-2.0 */
/* test_field.c: declared rows: user text to canonical text, to the options struct, to JSON and back. */
#include "base/field.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct opts {
	uint64_t depth, block, duration;
	double share;
	bool verify;
	unsigned pattern;
	const char *label, *file, *other;
	const struct fl_device *memory;
};

static const struct fl_field fields[] = {
	FL_FIELD(opts, depth, FL_COUNT, "16", "1..65536", "reads in flight"),
	FL_FIELD(opts, block, FL_BYTES, "1MiB", "512..1GiB", "bytes per read"),
	FL_FIELD(opts, duration, FL_NS, "2s", "1ms..", "how long"),
	FL_FIELD(opts, share, FL_RATIO, "0.95", "0.1..1", "share"),
	FL_FIELD(opts, verify, FL_FLAG, "yes", NULL, "check the data"),
	FL_FIELD(opts, pattern, FL_CHOICE, "sequential", "sequential|random|seq", "order of the reads"),
	FL_FIELD(opts, label, FL_TEXT, "", NULL, "any text"),
	FL_FIELD(opts, file, FL_PATH, NULL, NULL, "what to read"),
	FL_FIELD(opts, memory, FL_DEVICE, NULL, "node", "node of the memory"),
	FL_FIELD(opts, other, FL_PATH, "", NULL, "what to read, if anything"),
	{ 0 },
};

static void finds(void **state)
{
	(void)state;
	assert_ptr_equal(fl_field_find(fields, "block"), &fields[1]);
	assert_null(fl_field_find(fields, "blocks"));
	assert_null(fl_field_find(NULL, "block"));
}

static void canonical(void **state)
{
	static const struct {
		const char *name, *text;
		int rc;
		const char *canon;
	} rows[] = {
		{ "depth", "16", 0, "16" },
		{ "depth", "0016", 0, "16" },
		{ "depth", "65536", 0, "65536" },
		{ "depth", "0", -ERANGE, "1..65536" },
		{ "depth", "65537", -ERANGE, "1..65536" },
		{ "depth", "many", -EINVAL, "digits" },
		{ "depth", "", -EINVAL, "digits" },
		{ "block", "1MiB", 0, "1048576" },
		{ "block", "1GiB", 0, "1073741824" },
		{ "block", "1073741825", -ERANGE, "512..1GiB" },
		{ "block", "511", -ERANGE, "512..1GiB" },
		{ "duration", "40ms", 0, "40000000" },
		{ "duration", "0.04s", 0, "40000000" },
		{ "duration", "40", -EINVAL, "40ms" },
		{ "duration", "999us", -ERANGE, "1ms.." },
		{ "duration", "5000000h", -ERANGE, "1ms.." }, /* above 2^63 ns */
		{ "share", "0.950", 0, "0.95" },
		{ "share", "95%", 0, "0.95" },
		{ "share", "1.0", 0, "1" },
		{ "share", "1.01", -ERANGE, "0.1..1" },
		{ "share", "nan", -EINVAL, "0.95" },
		{ "verify", "yes", 0, "yes" },
		{ "verify", "no", 0, "no" },
		{ "verify", "true", -EINVAL, "" },
		{ "pattern", "random", 0, "random" },
		{ "pattern", "seq", 0, "seq" },
		{ "pattern", "randm", -EINVAL, "did you mean 'random'?" },
		{ "pattern", "sequential|random", -EINVAL, "" },
		{ "pattern", "", -EINVAL, "" },
		{ "label", "", 0, "" },
		{ "label", "any: text", 0, "any: text" },
		{ "file", "/a b", 0, "/a b" },
		{ "file", "", -EINVAL, "" },
		{ "other", "", 0, "" },
		{ "memory", "node0", 0, "node0" },
		{ "memory", "", -EINVAL, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fl_field *field = fl_field_find(fields, rows[i].name);
		struct fl_err err = { 0 };
		char *canon = NULL;
		int rc = fl_field_canon(field, rows[i].text, &canon, &err);

		if (rc != rows[i].rc)
			fail_msg("%s '%s' gave %d (%s)", rows[i].name, rows[i].text, rc, err.what);
		if (rc == 0)
			assert_string_equal(canon, rows[i].canon);
		else
			assert_non_null(strstr(err.hint, rows[i].canon));
		if (rc < 0)
			assert_non_null(strstr(err.what, rows[i].name));
		free(canon);
		assert_int_equal(fl_field_canon(field, rows[i].text, &canon, NULL), rc);
		if (rc == 0)
			free(canon);
	}
}

static void stores(void **state)
{
	static const char *const canon[] = { "7",      "1048576", "40000000", "0.95",  "yes",
					     "random", "l",	  "/f",	      "node0", "/g" };
	struct opts opts = { 0 };

	(void)state;
	for (size_t i = 0; fields[i].name; i++)
		assert_int_equal(fl_field_store(&fields[i], canon[i], &opts, NULL), 0);
	assert_int_equal(opts.depth, 7);
	assert_int_equal(opts.block, 1048576);
	assert_int_equal(opts.duration, 40000000);
	assert_true(opts.share == 0.95);
	assert_true(opts.verify);
	assert_int_equal(opts.pattern, 1);
	assert_ptr_equal(opts.label, canon[6]);
	assert_ptr_equal(opts.file, canon[7]);
	assert_null(opts.memory);
	assert_ptr_equal(opts.other, canon[9]);
	assert_int_equal(fl_field_store(&fields[0], "1MiB", &opts, NULL), -EINVAL);
	assert_int_equal(fl_field_store(&fields[2], "40ms", &opts, NULL), -EINVAL);
	assert_int_equal(fl_field_store(&fields[5], "rando", &opts, NULL), -EINVAL);
	assert_int_equal(opts.depth, 7);
}

/* Canonical text -> JSON -> canonical text is the identity. */
static void json_and_back(void **state)
{
	static const struct {
		const char *name, *canon, *json;
	} rows[] = {
		{ "depth", "16", "16" },
		{ "block", "1048576", "1048576" },
		{ "duration", "40000000", "40000000" },
		{ "share", "0.95", "0.95" },
		{ "share", "1", "1" },
		{ "share", "0.30000000000000004", "0.30000000000000004" },
		{ "verify", "yes", "true" },
		{ "verify", "no", "false" },
		{ "pattern", "random", "\"random\"" },
		{ "label", "", "\"\"" },
		{ "file", "/a", "\"/a\"" },
		{ "memory", "node0", "\"node0\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fl_field *field = fl_field_find(fields, rows[i].name);
		json_t *value = fl_field_json(field, rows[i].canon);
		json_t *wanted = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
		char *canon = NULL;

		assert_true(json_equal(value, wanted));
		assert_int_equal(fl_field_from_json(field, value, &canon, NULL), 0);
		assert_string_equal(canon, rows[i].canon);
		free(canon);
		json_decref(value);
		json_decref(wanted);
	}
}

static void refuses_json(void **state)
{
	static const struct {
		const char *name, *json;
		int rc;
	} rows[] = {
		{ "depth", "\"16\"", -EINVAL },	  { "depth", "16.5", -EINVAL }, { "depth", "16.0", -EINVAL },
		{ "depth", "-1", -ERANGE },	  { "depth", "0", -ERANGE },	{ "depth", "65537", -ERANGE },
		{ "depth", "null", -EINVAL },	  { "share", "2", -ERANGE },	{ "share", "-0.5", -ERANGE },
		{ "verify", "\"yes\"", -EINVAL }, { "verify", "1", -EINVAL },	{ "pattern", "\"x\"", -EINVAL },
		{ "pattern", "0", -EINVAL },	  { "file", "\"\"", -EINVAL },	{ "memory", "0", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *value = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
		struct fl_err err = { 0 };
		char *canon = NULL;
		int rc = fl_field_from_json(fl_field_find(fields, rows[i].name), value, &canon, &err);

		if (rc != rows[i].rc)
			fail_msg("%s %s gave %d", rows[i].name, rows[i].json, rc);
		assert_null(canon);
		assert_non_null(strstr(err.what, rows[i].name));
		json_decref(value);
	}
}

/* Declarations come from manifests, which may be hostile too. */
static void malformed_ranges(void **state)
{
	static const char *const ranges[] = { "16", "a..b", "1..x", "...", "1 .. 2" };
	char *canon = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct fl_field field = { .name = "n", .type = FL_COUNT, .range = ranges[i] };

		assert_int_equal(fl_field_canon(&field, "16", &canon, NULL), -EINVAL);
		assert_null(canon);
	}
}

/* What stands for names of a kind says the kind. */
static void placeholders_of_kinds(void **state)
{
	static const struct {
		enum fl_type type;
		const char *range, *want;
	} rows[] = {
		{ FL_DEVICE, "node", "NODE" },
		{ FL_DEVICE, "gpu", "GPU" },
		{ FL_DEVICE, "odd", "DEVICE" },
		{ FL_DEVICE, NULL, "DEVICE" },
		{ FL_TEXT, NULL, "TEXT" },
		{ FL_TEXT, "@run|last", "RUN" },
		{ FL_TEXT, "@suite", "SUITE" },
		{ FL_TEXT, "", "TEXT" },
		{ FL_TEXT, "some|words", "TEXT" },
		{ FL_TEXT, "@suites", "TEXT" },
		{ FL_DEVICE, "node|gpu", "NODE|GPU" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fl_field f = { .name = "x", .type = rows[i].type, .range = rows[i].range };

		assert_string_equal(fl_field_placeholder(&f), rows[i].want);
	}
}

static void kinds_of_devices(void **state)
{
	static const struct {
		enum fl_type type;
		const char *range, *kind, *id;
		bool want;
	} rows[] = {
		{ FL_DEVICE, "gpu", "gpu", NULL, true },
		{ FL_DEVICE, "gpu", "node", NULL, false },
		{ FL_DEVICE, "gpus", "gpu", NULL, false },
		{ FL_TEXT, "gpu", "gpu", NULL, false },
		{ FL_DEVICE, NULL, "gpu", NULL, false },
		{ FL_DEVICE, "node|gpu", "gpu", NULL, true },
		{ FL_DEVICE, "node|gpu", "node", NULL, true },
		{ FL_DEVICE, "node|gpu", "nic", NULL, false },
		{ FL_DEVICE, "node|gpu", "gpu", "gpu-0000:1b:00.0", true },
		{ FL_DEVICE, "node|gpu", "gpu", "mig-MIG-1111", true },
		{ FL_DEVICE, "node|gpu", "gpu", "node10", false },
		{ FL_DEVICE, "node|gpu", "gpu", "local", false },
		{ FL_DEVICE, "node|gpu", "node", "gpu-0000:1b:00.0", false },
		{ FL_DEVICE, "node|gpu", "node", "node0", true },
		{ FL_DEVICE, "node|gpu", "node", "local", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fl_field f = { .name = "x", .type = rows[i].type, .range = rows[i].range };

		if (fl_field_holds(&f, rows[i].kind, rows[i].id) != rows[i].want)
			fail_msg("row %zu", i);
	}
}

static void types_and_placeholders(void **state)
{
	static const char *const placeholders[] = {
		"N", "SIZE", "TIME", "RATIO", "yes|no", "sequential|random|seq", "TEXT", "FILE", "NODE", "FILE",
	};

	(void)state;
	for (int type = FL_COUNT; type <= FL_DEVICE; type++)
		assert_int_equal(fl_type_of(fl_type_name((enum fl_type)type)), type);
	assert_string_equal(fl_type_name(FL_NS), "ns");
	assert_int_equal(fl_type_of("nanoseconds"), -1);
	for (size_t i = 0; fields[i].name; i++)
		assert_string_equal(fl_field_placeholder(&fields[i]), placeholders[i]);
}

static void shows(void **state)
{
	static const struct {
		enum fl_type type;
		const char *canon, *want;
	} rows[] = {
		{ FL_BYTES, "65536", "64KiB" }, { FL_BYTES, "1000", "1000" },	   { FL_BYTES, "0", "0" },
		{ FL_NS, "1500000", "1500us" }, { FL_NS, "2000000000", "2s" },	   { FL_NS, "7", "7ns" },
		{ FL_COUNT, "1024", "1024" },	{ FL_CHOICE, "random", "random" }, { FL_PATH, "/a", "/a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fl_field f = { .name = "x", .type = rows[i].type };
		char *shown = fl_field_show(&f, rows[i].canon);

		assert_string_equal(shown, rows[i].want);
		free(shown);
		shown = fl_field_show(NULL, rows[i].canon);
		assert_string_equal(shown, rows[i].canon);
		free(shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(canonical),
		cmocka_unit_test(stores),
		cmocka_unit_test(json_and_back),
		cmocka_unit_test(refuses_json),
		cmocka_unit_test(malformed_ranges),
		cmocka_unit_test(types_and_placeholders),
		cmocka_unit_test(placeholders_of_kinds),
		cmocka_unit_test(kinds_of_devices),
		cmocka_unit_test(shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
