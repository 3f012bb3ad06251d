/* SPDX-License-Identifier: Apache-2.0 */
/* test_loop.c: several lanes and closed loops as declared: they survive JSON, nonsense is refused by name, and a ladder
 * may only name benchmarks that take the same options. */
#include "base/json.h"
#include "catalog/catalog.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIELDS                                                                                                         \
	"\"fields\":["                                                                                                 \
	"{\"name\":\"path\",\"type\":\"path\",\"preset\":null,\"range\":null,\"help\":\"file\"},"                      \
	"{\"name\":\"source\",\"type\":\"choice\",\"preset\":\"direct\",\"range\":\"resident|dram|direct\","           \
	"\"help\":\"where from\"},"                                                                                    \
	"{\"name\":\"step_bytes\",\"type\":\"bytes\",\"preset\":\"64MiB\",\"range\":null,\"help\":\"bytes\"},"         \
	"{\"name\":\"step_time\",\"type\":\"ns\",\"preset\":\"40ms\",\"range\":null,\"help\":\"time\"},"               \
	"{\"name\":\"prefetch\",\"type\":\"count\",\"preset\":\"2\",\"range\":null,\"help\":\"batches\"},"             \
	"{\"name\":\"sinks\",\"type\":\"count\",\"preset\":\"1\",\"range\":\"1..64\",\"help\":\"how many\"},"          \
	"{\"name\":\"sink\",\"type\":\"count\",\"preset\":\"0\",\"range\":\"0..63\",\"help\":\"which\"}],"             \
	"\"metrics\":[],\"facts\":[],\"flows\":[],\"peer\":null"
#define ENTRY(name, rest)                                                                                              \
	"{\"name\":\"" name "\",\"summary\":\"s\",\"unavailable\":null,\"numa\":null,\"threads\":null,"                \
	"\"verifies\":true," FIELDS ",\"whole\":false,\"device_clock\":false," rest "}"
#define LANES "\"lanes\":\"sinks\",\"lane\":\"sink\","
#define RUNGS                                                                                                          \
	"\"rungs\":["                                                                                                  \
	"{\"name\":\"T0\",\"bench\":null,\"source\":\"resident\",\"after\":null,\"hop\":null},"                        \
	"{\"name\":\"T1\",\"bench\":\"ingest\",\"source\":\"dram\",\"after\":\"T0\",\"hop\":\"memory\"},"              \
	"{\"name\":\"T2-cold\",\"bench\":\"ingest\",\"source\":\"direct\",\"after\":\"T1\",\"hop\":\"path\"}]"

#define ALONE ",\"roles\":null,\"measured_at\":null,\"lockstep\":false,\"measured_when\":null"

static const char loop[] = ENTRY("feed", LANES "\"open_loop\":\"ingest\"," RUNGS ALONE);
static const char open_loop[] = ENTRY("ingest", LANES "\"open_loop\":null,\"rungs\":[]" ALONE);

/* `text` with the first `from` replaced. */
static json_t *changed(const char *text, const char *from, const char *to)
{
	struct fl_text all = { 0 };
	const char *at = strstr(text, from);
	struct fl_err err = { 0 };
	json_t *doc;

	assert_non_null(at);
	fl_text_put(&all, text, (size_t)(at - text));
	fl_text_add(&all, "%s%s", to, at + strlen(from));
	if (fl_json_parse(all.bytes, all.n, "test", &doc, &err))
		fail_msg("%s", err.what);
	fl_text_release(&all);
	return doc;
}

static void read_changed(const char *text, const char *from, const char *to, struct fl_entry *ret)
{
	json_t *doc = changed(text, from, to);
	struct fl_err err = { 0 };

	if (fl_entry_read(doc, "entry", ret, &err) < 0)
		fail_msg("%s", err.what);
	json_decref(doc);
}

static void round_trip(void **state)
{
	struct fl_text text = { 0 };
	struct fl_entry e;
	json_t *again;

	(void)state;
	read_changed(loop, "", "", &e);
	assert_true(fl_entry_is_loop(&e));
	assert_string_equal(e.lanes, "sinks");
	assert_string_equal(e.lane, "sink");
	assert_string_equal(e.open_loop, "ingest");
	assert_string_equal(e.rungs[0].name, "T0");
	assert_null(e.rungs[0].after);
	assert_string_equal(e.rungs[2].name, "T2-cold");
	assert_string_equal(e.rungs[2].bench, "ingest");
	assert_string_equal(e.rungs[2].hop, "path");
	assert_null(e.rungs[3].name);
	again = fl_entry_json(&e);
	fl_json_write(again, 0, &text);
	assert_string_equal(fl_text_str(&text), loop);
	fl_text_release(&text);
	json_decref(again);
	fl_entry_release(&e);
}

/* A record from before them has none of these members. */
static void old_record(void **state)
{
	struct fl_entry e;

	(void)state;
	read_changed(open_loop, "," LANES "\"open_loop\":null,\"rungs\":[]" ALONE, "", &e);
	assert_null(e.lanes);
	assert_null(e.open_loop);
	assert_null(e.rungs[0].name);
	assert_false(fl_entry_is_loop(&e));
	fl_entry_release(&e);
}

static void demand(void **state)
{
	struct fl_entry e;

	(void)state;
	read_changed(loop, "", "", &e);
	assert_int_equal(fl_entry_field(&e, "demand")->type, FL_TEXT);
	assert_null(fl_entry_field(&e, "read_limit")); /* no flow begins at its path */
	fl_entry_release(&e);
	read_changed(open_loop, "\"step_time\"", "\"step_times\"", &e);
	assert_null(fl_entry_field(&e, "demand"));
	fl_entry_release(&e);
}

static void nonsense_is_refused(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} rows[] = {
		{ "\"lanes\":\"sinks\"", "\"lanes\":null", "go together" },
		{ "\"lane\":\"sink\"", "\"lane\":null", "go together" },
		{ "\"lanes\":\"sinks\"", "\"lanes\":\"many\"", "'lanes' names 'many'" },
		{ "\"lanes\":\"sinks\"", "\"lanes\":\"path\"", "'lanes' names 'path'" },
		{ "\"lane\":\"sink\"", "\"lane\":\"sinks\"", "'lane' names 'sinks'" },
		{ "\"lanes\":\"sinks\"", "\"lanes\":7", "lanes" },
		{ "\"open_loop\":\"ingest\"", "\"open_loop\":null", "go together" },
		{ "\"open_loop\":\"ingest\"", "\"open_loop\":\"a\\u0007\"", "control characters" },
		{ RUNGS, "\"rungs\":[]", "go together" },
		{ RUNGS, "\"rungs\":7", "rungs" },
		{ RUNGS, "\"rungs\":[7]", "rungs[0]" },
		{ "\"T0\",\"bench\"", "\"t0\",\"bench\"", "must begin with A-Z" },
		{ "\"T0\",\"bench\"", "\"\",\"bench\"", "must begin with A-Z" },
		{ "\"T0\",\"bench\"", "\"T 0\",\"bench\"", "must begin with A-Z" },
		{ "\"T1\",\"bench\"", "\"T0\",\"bench\"", "'T0' is declared twice" },
		{ "\"after\":null,", "\"after\":\"T1\",", "the first rung comes after 'T1'" },
		{ "\"after\":\"T0\"", "\"after\":null", "'T1' comes after none" },
		{ "\"after\":\"T0\"", "\"after\":\"T1\"", "'T1' comes after 'T1', which is none before" },
		{ "\"after\":\"T0\"", "\"after\":\"T2-cold\"", "which is none before it" },
		{ "\"source\":\"dram\"", "\"source\":\"tape\"", "has source 'tape'" },
		{ "\"source\":\"dram\"", "\"source\":null", "source" },
		{ "\"name\":\"prefetch\"", "\"name\":\"ahead\"", "no option 'prefetch'" },
		{ "\"name\":\"step_bytes\",\"type\":\"bytes\"", "\"name\":\"step_bytes\",\"type\":\"text\"",
		  "no option 'step_bytes' of type bytes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *doc = changed(loop, rows[i].from, rows[i].to);
		struct fl_entry e = { .verifies = true };
		struct fl_err err = { 0 };

		if (fl_entry_read(doc, "entry", &e, &err) != -EINVAL)
			fail_msg("row %zu (%s) was not refused", i, rows[i].to);
		if (!strstr(err.what, rows[i].says))
			fail_msg("row %zu: '%s' does not say '%s'", i, err.what, rows[i].says);
		assert_null(e.name); /* untouched */
		json_decref(doc);
	}
}

static void too_many_rungs(void **state)
{
	json_t *doc = changed(loop, "", ""), *rungs = json_object_get(doc, "rungs"), *rung;
	struct fl_err err = { 0 };
	struct fl_entry e;

	(void)state;
	for (int i = 0; i < 14; i++) {
		rung = json_pack("{s:o, s:s, s:s}", "name", json_sprintf("R%d", i), "source", "dram", "after", "T0");
		json_array_append_new(rungs, rung);
	}
	assert_int_equal(fl_entry_read(doc, "entry", &e, &err), -EINVAL);
	assert_non_null(strstr(err.what, "more than 16 rungs"));
	json_decref(doc);
}

static void the_others_of_a_ladder(void **state)
{
	static const struct {
		const char *from, *to, *says; /* of the open loop; NULL: good */
	} rows[] = {
		{ "", "", NULL },
		{ "\"ingest\"", "\"other\"", "names 'ingest' in its ladder, which no program declares" },
		{ "\"name\":\"prefetch\"", "\"name\":\"ahead\"", "has not the same option 'prefetch'" },
		{ "1..64", "1..32", "has not the same option 'sinks'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_entry entries[2];
		const struct fl_catalog c = { .entries = entries, .n = 2 };
		struct fl_err err = { 0 };
		int rc;

		read_changed(loop, "", "", &entries[0]);
		read_changed(open_loop, rows[i].from, rows[i].to, &entries[1]);
		rc = fl_loops_check(&c, &err);
		assert_int_equal(rc, rows[i].says ? -EINVAL : 0);
		if (rows[i].says && !strstr(err.what, rows[i].says))
			fail_msg("row %zu: '%s' does not say '%s'", i, err.what, rows[i].says);
		fl_entry_release(&entries[0]);
		fl_entry_release(&entries[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),	  cmocka_unit_test(old_record),
		cmocka_unit_test(demand),	  cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(too_many_rungs), cmocka_unit_test(the_others_of_a_ladder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
