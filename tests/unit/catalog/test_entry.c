/* SPDX-License-Identifier: Apache-2.0 */
/* test_entry.c: a declaration survives JSON unchanged, and every kind of nonsense in one is refused by name. */
#include "base/field.h"
#include "base/json.h"
#include "catalog/catalog.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char good[] =
	"{\"name\":\"storage.read\",\"summary\":\"reads a "
	"file\",\"unavailable\":null,\"numa\":\"path\",\"threads\":\"depth\","
	"\"verifies\":true,\"fields\":["
	"{\"name\":\"path\",\"type\":\"path\",\"preset\":null,\"range\":null,\"help\":\"file or block device\"},"
	"{\"name\":\"block\",\"type\":\"bytes\",\"preset\":\"1MiB\",\"range\":\"512..1GiB\",\"help\":\"bytes per "
	"read\"},"
	"{\"name\":\"depth\",\"type\":\"count\",\"preset\":\"16\",\"range\":\"1..64\",\"help\":\"reads\"},"
	"{\"name\":\"pattern\",\"type\":\"choice\",\"preset\":\"random\",\"range\":\"sequential|random\",\"help\":"
	"\"order\"},"
	"{\"name\":\"memory\",\"type\":\"device\",\"preset\":null,\"range\":\"node\",\"help\":\"node of the "
	"buffers\"}],"
	"\"metrics\":[{\"name\":\"bytes_per_s\",\"from\":\"rate_bytes\",\"better\":\"higher\",\"help\":\"payload\"},"
	"{\"name\":\"read_ns\",\"from\":\"distribution\",\"better\":\"lower\",\"help\":\"time of one read\"}],"
	"\"facts\":[{\"name\":\"buffers\",\"key\":true,\"help\":\"registered or plain\"}],"
	"\"flows\":[{\"from\":\"path\",\"to\":\"memory\",\"per_byte\":1,\"when\":\"pattern=random\"}],"
	"\"peer\":{\"tool\":\"fio\",\"command\":\"fio --bs={block} "
	"{pattern:sequential=-s,random=-r}\",\"prints\":\"bw=\","
	"\"counts\":2,\"escape\":\":\"},\"whole\":false,\"device_clock\":false,\"lanes\":null,\"lane\":null,"
	"\"open_loop\":null,\"rungs\":[],\"roles\":null,\"measured_at\":null,\"lockstep\":false,"
	"\"measured_when\":null}";

/* `good` with the first `from` replaced. */
static json_t *changed(const char *from, const char *to)
{
	struct fl_text text = { 0 };
	const char *at = strstr(good, from);
	struct fl_err err = { 0 };
	json_t *doc;

	assert_non_null(at);
	fl_text_put(&text, good, (size_t)(at - good));
	fl_text_add(&text, "%s%s", to, at + strlen(from));
	if (fl_json_parse(text.bytes, text.n, "test", &doc, &err))
		fail_msg("%s", err.what);
	fl_text_release(&text);
	return doc;
}

static void round_trip(void **state)
{
	struct fl_entry e;
	struct fl_err err = { 0 };
	struct fl_text text = { 0 };
	json_t *doc = changed("", ""), *again;

	(void)state;
	assert_int_equal(fl_entry_read(doc, "entry", &e, &err), 0);
	assert_string_equal(e.name, "storage.read");
	assert_null(e.program);
	assert_null(e.unavailable);
	assert_string_equal(e.numa, "path");
	assert_string_equal(e.threads, "depth");
	assert_true(e.verifies);
	assert_int_equal(e.fields[1].type, FL_BYTES);
	assert_string_equal(e.fields[1].preset, "1MiB");
	assert_null(e.fields[5].name);
	assert_int_equal(e.metrics[1].from, FL_DISTRIBUTION);
	assert_int_equal(e.metrics[1].better, FL_LOWER);
	assert_true(e.facts[0].key);
	assert_true(e.flows[0].per_byte == 1);
	assert_string_equal(e.flows[0].when, "pattern=random");
	assert_string_equal(e.peer.tool, "fio");
	assert_true(e.peer.counts == 2);
	again = fl_entry_json(&e);
	fl_json_write(again, 0, &text);
	assert_string_equal(fl_text_str(&text), good);
	fl_text_release(&text);
	json_decref(again);
	json_decref(doc);
	fl_entry_release(&e);
}

static void unavailable_keeps_its_reason(void **state)
{
	json_t *doc = changed("\"unavailable\":null", "\"unavailable\":\"built without CUDA\"");
	struct fl_err err = { 0 };
	struct fl_entry e;

	(void)state;
	assert_int_equal(fl_entry_read(doc, "entry", &e, &err), 0);
	assert_string_equal(e.unavailable, "built without CUDA");
	assert_int_equal(fl_entry_available(&e, &err), -ENOSYS);
	assert_string_equal(err.what, "built without CUDA");
	assert_string_equal(err.hint, "use a feedline that was built with it");
	json_decref(doc);
	fl_entry_release(&e);
}

/* The forms of the declaration that need no option; a record from before it has none. */
static void threads_without_an_option(void **state)
{
	static const struct {
		const char *to, *want;
	} rows[] = {
		{ "\"threads\":\"cpus\"", "cpus" }, { "\"threads\":\"3\"", "3" },  { "\"threads\":\"4096\"", "4096" },
		{ "\"threads\":null", NULL },	    { "\"all_cpus\":true", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *doc = changed("\"threads\":\"depth\"", rows[i].to);
		struct fl_err err = { 0 };
		struct fl_entry e;

		assert_int_equal(fl_entry_read(doc, "entry", &e, &err), 0);
		if (rows[i].want)
			assert_string_equal(e.threads, rows[i].want);
		else
			assert_null(e.threads);
		json_decref(doc);
		fl_entry_release(&e);
	}
}

/* A record from before there were peers has no such member. */
static void no_peer(void **state)
{
	json_t *doc = changed("\"peer\":{", "\"pier\":{");
	struct fl_err err = { 0 };
	struct fl_entry e;

	(void)state;
	assert_int_equal(fl_entry_read(doc, "entry", &e, &err), 0);
	assert_null(e.peer.tool);
	json_decref(doc);
	fl_entry_release(&e);
}

static const char *text_of(const void *text, const char *option)
{
	assert_string_equal(option, "pattern");
	return text;
}

static void flows_with_some_words(void **state)
{
	static const struct {
		const char *when, *pattern;
		bool holds;
	} rows[] = {
		{ NULL, "random", true },
		{ "pattern=random", "random", true },
		{ "pattern=random", "sequential", false },
		{ "pattern=random", "rand", false },
		{ "pattern=sequential|random", "random", true },
		{ "pattern=sequential|random", "sequential", true },
		{ "pattern=random", NULL, true }, /* not known: better a hop too many */
	};
	json_t *doc = changed("", "");
	struct fl_err err = { 0 };
	struct fl_entry e;

	(void)state;
	assert_int_equal(fl_entry_read(doc, "entry", &e, &err), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_flow flow = { "path", "memory", 1, rows[i].when };

		assert_int_equal(fl_flow_holds(&e, &flow, text_of, rows[i].pattern), rows[i].holds);
	}
	json_decref(doc);
	fl_entry_release(&e);
}

static void nonsense_is_refused(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} rows[] = {
		{ "\"storage.read\"", "\"../read\"", "'name'" },
		{ "\"storage.read\"", "\"\"", "'name'" },
		{ "\"storage.read\"", "7", "name" },
		{ "\"reads a file\"", "\"reads \\u001b[2J\"", "control characters" },
		{ "\"numa\":\"path\"", "\"numa\":\"block\"", "'block', which is no device" },
		{ "\"numa\":\"path\"", "\"numa\":[]", "numa" },
		{ "\"threads\":\"depth\"", "\"threads\":4", "threads" },
		{ "\"threads\":\"depth\"", "\"threads\":\"many\"", "'threads' is 'many'" },
		{ "\"threads\":\"depth\"", "\"threads\":\"block\"", "'threads' is 'block'" }, /* no count */
		{ "\"threads\":\"depth\"", "\"threads\":\"0\"", "'threads' is '0'" },
		{ "\"threads\":\"depth\"", "\"threads\":\"4097\"", "1 to 4096" },
		{ "\"threads\":\"depth\"", "\"threads\":\"-1\"", "'threads' is '-1'" },
		{ "\"verifies\":true,", "", "verifies" },
		{ "\"fields\":[", "\"fields\":[5,", "fields[0]" },
		{ "\"name\":\"block\"", "\"name\":\"path\"", "declared twice" },
		{ "\"type\":\"bytes\"", "\"type\":\"octets\"", "unknown type 'octets'" },
		{ "\"1MiB\"", "\"1MiBs\"", "1MiBs" },
		{ "\"1MiB\"", "\"2GiB\"", "block" },
		{ "\"1MiB\"", "1048576", "preset" },
		{ "\"sequential|random\"", "null", "no choices" },
		{ "\"sequential|random\"", "\"up|down\"", "pattern" },
		{ "\"range\":\"node\"", "\"range\":\"planet\"", "no kind of device" },
		{ "\"range\":\"node\"", "\"range\":\"node|nic\"", "no kind of device" },
		{ "\"from\":\"rate_bytes\"", "\"from\":\"thin air\"", "unknown source" },
		{ "\"better\":\"higher\"", "\"better\":\"wider\"", "'wider'" },
		{ "\"name\":\"read_ns\"", "\"name\":\"bytes_per_s\"", "declared twice" },
		{ "\"key\":true", "\"key\":null", "key" },
		{ "\"to\":\"memory\"", "\"to\":\"block\"", "no device or path" },
		{ "\"to\":\"memory\"", "\"to\":\"moon\"", "no device or path" },
		{ "\"per_byte\":1", "\"per_byte\":-1", "per_byte" },
		{ "\"per_byte\":1", "\"per_byte\":\"one\"", "per_byte" },
		{ "pattern=random", "pattern=randomly", "not all words of 'pattern'" },
		{ "pattern=random", "pattern=random|", "not all words of 'pattern'" },
		{ "pattern=random", "pattern=", "not all words of 'pattern'" },
		{ "pattern=random", "pattern", "begins with no choice" },
		{ "pattern=random", "depth=16", "begins with no choice" },
		{ "\"peer\":{", "\"peer\":7,\"x\":{", "peer" },
		{ "\"tool\":\"fio\"", "\"tool\":null", "tool" },
		{ "\"command\"", "\"commands\"", "command" },
		{ "\"counts\":2", "\"counts\":0", "counts" },
		{ "{block}", "{blocks}", "asks for 'blocks'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *doc = changed(rows[i].from, rows[i].to);
		struct fl_entry e = { .verifies = true };
		struct fl_err err = { 0 };

		if (fl_entry_read(doc, "entry", &e, &err) != -EINVAL)
			fail_msg("row %zu (%s) was not refused", i, rows[i].to);
		if (!strstr(err.what, rows[i].says))
			fail_msg("row %zu: '%s' does not say '%s'", i, err.what, rows[i].says);
		assert_true(e.verifies); /* untouched */
		assert_null(e.name);
		json_decref(doc);
	}
}

static void too_many_rows(void **state)
{
	json_t *doc = changed("", ""), *facts = json_object_get(doc, "facts"), *fact;
	struct fl_err err = { 0 };
	struct fl_entry e;

	(void)state;
	for (int i = 0; i < 100; i++) {
		fact = json_pack("{s:o, s:b, s:s}", "name", json_sprintf("fact%d", i), "key", 0, "help", "x");
		json_array_append_new(facts, fact);
	}
	assert_int_equal(fl_entry_read(doc, "entry", &e, &err), -EINVAL);
	json_decref(doc);
}

static void not_an_object(void **state)
{
	json_t *docs[] = { json_null(), json_array(), json_string("x"), json_integer(1) };
	struct fl_err err;
	struct fl_entry e;

	(void)state;
	for (size_t i = 0; i < sizeof(docs) / sizeof(docs[0]); i++) {
		err = (struct fl_err){ 0 };
		assert_int_equal(fl_entry_read(docs[i], "entry", &e, &err), -EINVAL);
		json_decref(docs[i]);
	}
}

static void words(void **state)
{
	(void)state;
	for (int i = FL_RATE_BYTES; i <= FL_GIVEN; i++)
		assert_int_equal(fl_from_of(fl_from_name((enum fl_from)i)), i);
	for (int i = FL_HIGHER; i <= FL_NEITHER; i++)
		assert_int_equal(fl_better_of(fl_better_name((enum fl_better)i)), i);
	assert_string_equal(fl_from_name(FL_STEP_NS), "step_ns");
	assert_string_equal(fl_better_name(FL_NEITHER), "neither");
	assert_int_equal(fl_from_of("rate"), -1);
	assert_int_equal(fl_better_of(""), -1);
}

/* What ends when its work is done has no duration, and keeps its other options; an old record has no word of it. */
static void ends_by_itself(void **state)
{
	json_t *doc = changed("\"whole\":false", "\"whole\":true"), *old = changed(",\"whole\":false", ""), *again;
	struct fl_err err = { 0 };
	struct fl_entry e;

	(void)state;
	assert_int_equal(fl_entry_read(doc, "entry", &e, &err), 0);
	assert_true(e.whole);
	assert_null(fl_entry_field(&e, "duration"));
	assert_null(fl_field_find(fl_entry_commons(&e).fields, "duration"));
	assert_non_null(fl_entry_field(&e, "timeout"));
	again = fl_entry_json(&e);
	assert_true(json_equal(doc, again));
	fl_entry_release(&e);
	assert_int_equal(fl_entry_read(old, "entry", &e, &err), 0);
	assert_false(e.whole);
	fl_entry_release(&e);
	json_decref(doc);
	json_decref(old);
	json_decref(again);
}

/* A record from before there were device clocks has none. */
static void clock_of_a_device(void **state)
{
	json_t *doc = changed("\"device_clock\":false", "\"device_clock\":true");
	json_t *old = changed(",\"device_clock\":false", ""), *again;
	struct fl_err err = { 0 };
	struct fl_entry e;

	(void)state;
	assert_int_equal(fl_entry_read(doc, "entry", &e, &err), 0);
	assert_true(e.device_clock);
	assert_int_equal(fl_entry_available(&e, &err), 0);
	again = fl_entry_json(&e);
	assert_true(json_equal(doc, again));
	fl_entry_release(&e);
	assert_int_equal(fl_entry_read(old, "entry", &e, &err), 0);
	assert_false(e.device_clock);
	fl_entry_release(&e);
	json_decref(doc);
	json_decref(old);
	json_decref(again);
}

static bool role_is(const struct fl_entry *e, unsigned rank, const char *want)
{
	size_t n = 0;
	const char *role = fl_entry_role(e, rank, &n);

	return want ? role && n == strlen(want) && strncmp(role, want, n) == 0 : !role;
}

/* Several lanes make one measurement; a record from before them has no word of it. */
static void roles(void **state)
{
	json_t *doc = changed("\"roles\":null,\"measured_at\":null",
			      "\"roles\":\"sender|receiver\",\"measured_at\":\"receiver\"");
	json_t *old = changed(",\"roles\":null,\"measured_at\":null,\"lockstep\":false,\"measured_when\":null", "");
	json_t *again;
	struct fl_err err = { 0 };
	struct fl_entry e;

	(void)state;
	assert_int_equal(fl_entry_read(doc, "entry", &e, &err), 0);
	assert_int_equal(fl_entry_roles(&e), 2);
	assert_true(role_is(&e, 0, "sender"));
	assert_true(role_is(&e, 1, "receiver"));
	assert_true(role_is(&e, 2, NULL));
	assert_false(fl_entry_is_measured(&e, 0));
	assert_true(fl_entry_is_measured(&e, 1));
	assert_false(e.lockstep);
	again = fl_entry_json(&e);
	assert_true(json_equal(doc, again));
	fl_entry_release(&e);
	assert_int_equal(fl_entry_read(old, "entry", &e, &err), 0);
	assert_int_equal(fl_entry_roles(&e), 1);
	assert_true(role_is(&e, 0, NULL));
	assert_true(fl_entry_is_measured(&e, 0));
	assert_false(e.lockstep);
	fl_entry_release(&e);
	json_decref(doc);
	json_decref(old);
	json_decref(again);
}

/* At one role, but for some words of a choice. */
static void measured_when(void **state)
{
	json_t *doc = changed("\"roles\":null,\"measured_at\":null,\"lockstep\":false,\"measured_when\":null",
			      "\"roles\":\"a|b\",\"measured_at\":\"b\",\"lockstep\":false,"
			      "\"measured_when\":\"pattern=random\"");
	struct fl_err err = { 0 };
	struct fl_entry e;
	json_t *again;

	(void)state;
	assert_int_equal(fl_entry_read(doc, "entry", &e, &err), 0);
	assert_false(fl_entry_measures_each(&e, text_of, "random"));
	assert_true(fl_entry_measures_each(&e, text_of, "sequential"));
	assert_false(fl_entry_measures_each(&e, text_of, NULL));
	again = fl_entry_json(&e);
	assert_true(json_equal(doc, again));
	fl_entry_release(&e);
	json_decref(doc);
	json_decref(again);
}

static void measured_when_it_cannot_be(void **state)
{
	static const struct {
		const char *roles, *says;
	} rows[] = {
		{ "\"roles\":\"a|b\",\"measured_at\":null,\"lockstep\":false,\"measured_when\":\"pattern=random\"",
		  "'measured_when' is of" },
		{ "\"roles\":\"a|b\",\"measured_at\":\"b\",\"lockstep\":false,\"measured_when\":\"depth=1\"",
		  "begins with no choice" },
		{ "\"roles\":\"a|b\",\"measured_at\":\"b\",\"lockstep\":false,\"measured_when\":\"pattern=odd\"",
		  "not all words of 'pattern'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *doc = changed("\"roles\":null,\"measured_at\":null,\"lockstep\":false,\"measured_when\":null",
				      rows[i].roles);
		struct fl_err err = { 0 };
		struct fl_entry e;

		assert_int_equal(fl_entry_read(doc, "entry", &e, &err), -EINVAL);
		if (!strstr(err.what, rows[i].says))
			fail_msg("'%s' does not say '%s'", err.what, rows[i].says);
		json_decref(doc);
	}
}

static void roles_that_cannot_be(void **state)
{
	static const struct {
		const char *roles, *says;
	} rows[] = {
		{ "\"roles\":null,\"measured_at\":\"receiver\"", "there are none" },
		{ "\"roles\":\"alone\",\"measured_at\":null", "1 roles" },
		{ "\"roles\":\"a|b|c|d|e|f|g\",\"measured_at\":null", "7 roles" },
		{ "\"roles\":\"a|a\",\"measured_at\":null", "'a' is declared twice" },
		{ "\"roles\":\"a|\",\"measured_at\":null", "role 1" },
		{ "\"roles\":\"a||b\",\"measured_at\":null", "role 1" },
		{ "\"roles\":\"A|b\",\"measured_at\":null", "role 0" },
		{ "\"roles\":\"a|b\",\"measured_at\":\"c\"", "'c', which is no role" },
		{ "\"roles\":[\"a\",\"b\"],\"measured_at\":null", "roles" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *doc = changed("\"roles\":null,\"measured_at\":null", rows[i].roles);
		struct fl_err err = { 0 };
		struct fl_entry e;

		assert_int_equal(fl_entry_read(doc, "entry", &e, &err), -EINVAL);
		if (!strstr(err.what, rows[i].says))
			fail_msg("row %zu: '%s' does not say '%s'", i, err.what, rows[i].says);
		json_decref(doc);
	}
}

/* They make the same steps: that is of several lanes, and of such as do not end by themselves. */
static void lockstep(void **state)
{
	static const char all[] = "\"whole\":false,\"device_clock\":false,\"lanes\":null,\"lane\":null,"
				  "\"open_loop\":null,\"rungs\":[],\"roles\":null,\"measured_at\":null,"
				  "\"lockstep\":false";
	static const struct {
		const char *to, *says; /* NULL: nothing */
	} rows[] = {
		{ "\"roles\":\"a|b\",\"measured_at\":null,\"lockstep\":true", NULL },
		{ "\"roles\":null,\"measured_at\":null,\"lockstep\":true", "of roles, and there are none" },
		{ "\"whole\":true,\"roles\":\"a|b\",\"measured_at\":null,\"lockstep\":true", "ends by itself" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *doc = changed(all, rows[i].to), *again;
		struct fl_err err = { 0 };
		struct fl_entry e;

		assert_int_equal(fl_entry_read(doc, "entry", &e, &err), rows[i].says ? -EINVAL : 0);
		if (rows[i].says && !strstr(err.what, rows[i].says))
			fail_msg("row %zu: '%s' does not say '%s'", i, err.what, rows[i].says);
		if (!rows[i].says) {
			assert_true(e.lockstep);
			again = fl_entry_json(&e);
			assert_true(json_is_true(json_object_get(again, "lockstep")));
			json_decref(again);
			fl_entry_release(&e);
		}
		json_decref(doc);
	}
}

static void common_fields(void **state)
{
	json_t *doc = changed("", "");
	struct fl_err err = { 0 };
	struct fl_entry e;

	(void)state;
	assert_int_equal(fl_entry_read(doc, "entry", &e, &err), 0);
	assert_ptr_equal(fl_entry_field(&e, "block"), &e.fields[1]);
	assert_ptr_equal(fl_entry_field(&e, "numa"), &fl_common_fields[0]);
	assert_int_equal(fl_entry_field(&e, "duration")->type, FL_NS);
	assert_null(fl_entry_field(&e, "durations"));
	assert_int_equal(fl_entry_field(&e, "read_limit")->type, FL_BYTES);
	assert_null(fl_entry_field(&e, "demand")); /* it has no step_bytes */
	assert_non_null(fl_field_find(fl_entry_commons(&e).fields, "read_limit"));
	assert_null(fl_field_find(fl_entry_commons(&e).fields, "demand"));
	json_decref(doc);
	fl_entry_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(unavailable_keeps_its_reason),
		cmocka_unit_test(threads_without_an_option),
		cmocka_unit_test(no_peer),
		cmocka_unit_test(flows_with_some_words),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(too_many_rows),
		cmocka_unit_test(not_an_object),
		cmocka_unit_test(words),
		cmocka_unit_test(ends_by_itself),
		cmocka_unit_test(clock_of_a_device),
		cmocka_unit_test(common_fields),
		cmocka_unit_test(roles),
		cmocka_unit_test(measured_when),
		cmocka_unit_test(measured_when_it_cannot_be),
		cmocka_unit_test(roles_that_cannot_be),
		cmocka_unit_test(lockstep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
