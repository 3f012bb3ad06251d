/* SPDX-License-Identifier: Apache-2.0 */
/* test_json.c: loading within limits, typed members, and writing that reads back. */
#include "base/json.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static json_t *parsed(const char *text)
{
	struct fl_err err = { 0 };
	json_t *value = NULL;

	if (fl_json_parse(text, strlen(text), "test", &value, &err) < 0)
		fail_msg("%s", err.what);
	return value;
}

static void refuses_malformed(void **state)
{
	static const struct {
		const char *text, *where;
	} rows[] = {
		{ "", "test:1:" },
		{ "{", "test:1:" },
		{ "{\"a\":1}x", "test:1:" },
		{ "{\n\"a\":1,\n\"a\":2}", "test:3:" }, /* a key given twice */
		{ "[1,\n2,\n,]", "test:3:" },
		{ "\"\xff\"", "test:1:" },
		{ "\"\\u0000\"", "test:1:" },
		{ "99999999999999999999", "test:1:" },
		{ "1e999", "test:1:" },
		{ "NaN", "test:1:" },
		{ "// no\n1", "test:1:" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_err err = { 0 };
		json_t *value = NULL;

		if (fl_json_parse(rows[i].text, strlen(rows[i].text), "test", &value, &err) != -EINVAL)
			fail_msg("'%s' was taken", rows[i].text);
		assert_null(value);
		if (strncmp(err.what, rows[i].where, strlen(rows[i].where)) != 0)
			fail_msg("'%s' for '%s'", err.what, rows[i].text);
	}
}

static int parse_nested(unsigned depth, struct fl_err *err)
{
	struct fl_text text = { 0 };
	json_t *value = NULL;
	int rc;

	fl_text_add(&text, "{\"[[[[\\\"{{{\":\n"); /* brackets in strings do not count */
	for (unsigned i = 1; i < depth; i++)
		fl_text_put(&text, "[", 1);
	for (unsigned i = 1; i < depth; i++)
		fl_text_put(&text, "]", 1);
	if (depth == 1)
		fl_text_put(&text, "1", 1);
	fl_text_put(&text, "}", 1);
	rc = fl_json_parse(fl_text_str(&text), text.n, "test", &value, err);
	json_decref(value);
	fl_text_release(&text);
	return rc;
}

static void bounds_nesting(void **state)
{
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(parse_nested(1, &err), 0);
	assert_int_equal(parse_nested(64, &err), 0);
	assert_int_equal(parse_nested(65, &err), -EINVAL);
	assert_string_equal(err.what, "test:2:64: nested deeper than 64 levels");
	assert_int_equal(parse_nested(1000000, NULL), -EINVAL);
}

static void typed_members(void **state)
{
	json_t *o = parsed(
		"{\"t\":\"x\",\"u\":7,\"i\":-7,\"r\":1.5,\"b\":true,\"o\":{},\"a\":[1,2],\"c\":\"0-3\",\"n\":null}");
	const char *text;
	struct fl_cpus cpus;
	uint64_t u;
	int64_t i;
	json_t *member;
	bool b;

	(void)state;
	assert_int_equal(fl_json_text(o, "at", "t", &text, NULL), 0);
	assert_string_equal(text, "x");
	assert_int_equal(fl_json_u64(o, "at", "u", 7, &u, NULL), 0);
	assert_int_equal(u, 7);
	assert_int_equal(fl_json_u64(o, "at", "u", UINT64_MAX, &u, NULL), 0);
	assert_int_equal(fl_json_i64(o, "at", "i", -7, 0, &i, NULL), 0);
	assert_int_equal(i, -7);
	assert_int_equal(fl_json_bool(o, "at", "b", &b, NULL), 0);
	assert_true(b);
	assert_int_equal(fl_json_object(o, "at", "o", &member, NULL), 0);
	assert_true(json_is_object(member));
	assert_int_equal(fl_json_array(o, "at", "a", 2, &member, NULL), 0);
	assert_int_equal(json_array_size(member), 2);
	assert_int_equal(fl_json_cpus(o, "at", "c", &cpus, NULL), 0);
	assert_int_equal(fl_cpus_count(&cpus), 4);
	assert_string_equal(fl_json_text_or_null(o, "t"), "x");
	assert_null(fl_json_text_or_null(o, "u"));
	assert_null(fl_json_text_or_null(o, "absent"));
	assert_null(fl_json_text_or_null(NULL, "t"));
	assert_true(fl_json_number_or_nan(o, "u") == 7);
	assert_true(fl_json_number_or_nan(o, "r") == 1.5);
	assert_true(isnan(fl_json_number_or_nan(o, "n")));
	assert_true(isnan(fl_json_number_or_nan(o, "t")));
	assert_true(fl_json_bool_or(o, "b", false));
	assert_true(fl_json_bool_or(o, "t", true));
	json_decref(o);
}

/* Each getter on a member that is absent or of another type: -EINVAL, the output untouched, a sentence. */
static void wrong_members(void **state)
{
	json_t *o = parsed("{\"t\":\"x\",\"u\":70,\"i\":-7,\"r\":1.0,\"n\":null,\"a\":[1,2,3],\"c\":\"3-1\"}");
	const char *text = "untouched";
	struct fl_err err = { 0 };
	struct fl_cpus cpus;
	uint64_t u = 4711;
	int64_t i = 4711;
	json_t *member = o;
	bool b = true;

	(void)state;
	assert_int_equal(fl_json_text(o, "m.d[3]", "absent", &text, &err), -EINVAL);
	assert_string_equal(err.what, "m.d[3]: 'absent' is missing");
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_json_text(o, "at", "u", &text, &err), -EINVAL);
	assert_string_equal(err.what, "at: 'u' must be text, is a number");
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_json_u64(o, "at", "u", 69, &u, &err), -EINVAL);
	assert_string_equal(err.what, "at: 'u' is 70, outside 0..69");
	assert_int_equal(fl_json_u64(o, "at", "i", UINT64_MAX, &u, NULL), -EINVAL);
	assert_int_equal(fl_json_u64(o, "at", "r", 9, &u, NULL), -EINVAL);
	assert_int_equal(fl_json_i64(o, "at", "i", -6, 0, &i, NULL), -EINVAL);
	assert_int_equal(fl_json_bool(o, "at", "n", &b, NULL), -EINVAL);
	assert_int_equal(fl_json_object(o, "at", "a", &member, NULL), -EINVAL);
	assert_int_equal(fl_json_array(o, "at", "a", 2, &member, NULL), -EINVAL);
	assert_int_equal(fl_json_cpus(o, "at", "c", &cpus, NULL), -EINVAL);
	assert_int_equal(fl_json_text(NULL, "at", "t", &text, NULL), -EINVAL);
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_json_text(json_object_get(o, "a"), "at", "t", &text, &err), -EINVAL);
	assert_string_equal(err.what, "at: must be an object, is a list");
	assert_string_equal(text, "untouched");
	assert_true(u == 4711 && i == 4711 && b && member == o);
	json_decref(o);
}

static void assert_written(json_t *value, unsigned indent, const char *expected)
{
	struct fl_text text = { 0 };

	fl_json_write(value, indent, &text);
	assert_string_equal(fl_text_str(&text), expected);
	fl_text_release(&text);
	json_decref(value);
}

static void writes_numbers(void **state)
{
	(void)state;
	assert_written(fl_json_number(NAN), 0, "null");
	assert_written(fl_json_number(-INFINITY), 0, "null");
	assert_written(fl_json_number(1048576), 0, "1048576");
	assert_written(fl_json_number(-3), 0, "-3");
	assert_written(fl_json_number(-0.0), 0, "0");
	assert_written(fl_json_number(0x1p53), 0, "9007199254740992.0");
	assert_written(fl_json_number(0.1), 0, "0.1");
	assert_written(fl_json_number(0.1 + 0.2), 0, "0.30000000000000004");
	assert_written(fl_json_number(1e300), 0, "1e300");
	assert_written(fl_json_number(5e-324), 0, "5e-324");
	assert_written(json_real(2), 0, "2.0");
}

static void writes_text(void **state)
{
	(void)state;
	assert_written(fl_json_string(NULL), 0, "null");
	assert_written(json_integer(0), 0, "0");
	assert_written(json_integer(-70), 0, "-70");
	assert_written(json_integer(INT64_MAX), 0, "9223372036854775807");
	assert_written(json_integer(INT64_MIN), 0, "-9223372036854775808");
	assert_written(fl_json_string("a\"b\\c/d\n\t\x01\x7f"), 0, "\"a\\\"b\\\\c/d\\n\\t\\u0001\x7f\"");
	assert_written(fl_json_string("caf\xc3\xa9"), 0, "\"caf\xc3\xa9\"");
	assert_written(fl_json_string("bad \xff\xc3\xa9"), 0, "\"bad ???\"");
	assert_written(fl_json_string(""), 0, "\"\"");
}

static void writes_structures(void **state)
{
	static const char text[] = "{\"b\":1,\"a\":[true,false,null],\"e\":{},\"l\":[],\"n\":[{\"x\":[1.5]},2]}";

	(void)state;
	assert_written(parsed(text), 0, text);
	assert_written(parsed(text), 2,
		       "{\n  \"b\": 1,\n  \"a\": [true, false, null],\n  \"e\": {},\n  \"l\": [],\n"
		       "  \"n\": [\n    {\n      \"x\": [1.5]\n    },\n    2\n  ]\n}\n");
}

static void loads_files(void **state)
{
	char path[] = BUILD_DIR "/test-json-XXXXXX";
	int fd = mkstemp(path);
	struct fl_err err = { 0 };
	json_t *value = NULL;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "[1,2]", 5), 5);
	close(fd);
	assert_int_equal(fl_json_load(path, 5, &value, &err), 0);
	assert_int_equal(json_array_size(value), 2);
	json_decref(value);
	assert_int_equal(fl_json_load(path, 4, &value, NULL), -EFBIG);
	unlink(path);
	assert_int_equal(fl_json_load(path, 4, &value, NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_malformed), cmocka_unit_test(bounds_nesting), cmocka_unit_test(typed_members),
		cmocka_unit_test(wrong_members),     cmocka_unit_test(writes_numbers), cmocka_unit_test(writes_text),
		cmocka_unit_test(writes_structures), cmocka_unit_test(loads_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
