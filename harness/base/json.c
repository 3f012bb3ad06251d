/* SPDX-License-Identifier: Apache-2.0 */
/* json.c: loading JSON within limits, and asking it for typed members. json_write.c writes it. */
#include "base/json.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>

enum { NESTING_MAX = 64 };

/* Finds the bracket that opens one level too many, before a recursive parser sees it. Strings are skipped; whatever is
 * wrong otherwise is jansson's to say. */
static bool too_deep(const char *bytes, size_t n, unsigned *line, unsigned *column)
{
	bool in_string = false;
	unsigned depth = 0;

	*line = 1;
	*column = 0;
	for (size_t i = 0; i < n; i++) {
		char c = bytes[i];

		++*column;
		if (in_string && c == '\\' && i + 1 < n) {
			i++;
			++*column;
		} else if (c == '"') {
			in_string = !in_string;
		} else if (!in_string && (c == '[' || c == '{')) {
			if (++depth > NESTING_MAX)
				return true;
		} else if (!in_string && (c == ']' || c == '}')) {
			depth -= depth > 0;
		} else if (c == '\n') {
			++*line;
			*column = 0;
			in_string = false; /* no JSON string spans lines */
		}
	}
	return false;
}

int fl_json_parse(const char *bytes, size_t n, const char *name, json_t **ret, struct fl_err *err)
{
	unsigned line, column;
	json_error_t why;
	json_t *value;

	if (too_deep(bytes, n, &line, &column))
		return fl_fail(err, -EINVAL, "%s:%u:%u: nested deeper than %d levels", name, line, column, NESTING_MAX);
	value = json_loadb(bytes, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!value)
		return fl_fail(err, -EINVAL, "%s:%d:%d: %s", name, why.line < 1 ? 1 : why.line,
			       why.column < 1 ? 1 : why.column, why.text);
	*ret = value;
	return 0;
}

int fl_json_load(const char *path, size_t max_bytes, json_t **ret, struct fl_err *err)
{
	struct fl_text text = { 0 };
	int rc = fl_file_read(AT_FDCWD, path, max_bytes, &text, err);

	if (rc == 0)
		rc = fl_json_parse(fl_text_str(&text), text.n, path, ret, err);
	fl_text_release(&text);
	return rc;
}

static const char *type_name(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",  [JSON_STRING] = "text",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",	     [JSON_NULL] = "null",
	};

	return names[json_typeof(value)];
}

/* The member, or NULL with the error filled: absent. */
static json_t *member(const json_t *o, const char *at, const char *key, struct fl_err *err)
{
	json_t *value = json_object_get(o, key);

	if (value)
		return value;
	if (json_is_object(o))
		fl_fail(err, -EINVAL, "%s: '%s' is missing", at, key);
	else
		fl_fail(err, -EINVAL, "%s: must be an object, is %s", at, o ? type_name(o) : "missing");
	return NULL;
}

static int mismatch(const json_t *value, const char *at, const char *key, const char *wanted, struct fl_err *err)
{
	return fl_fail(err, -EINVAL, "%s: '%s' must be %s, is %s", at, key, wanted, type_name(value));
}

int fl_json_text(const json_t *o, const char *at, const char *key, const char **ret, struct fl_err *err)
{
	json_t *value = member(o, at, key, err);

	if (!value)
		return -EINVAL;
	if (!json_is_string(value))
		return mismatch(value, at, key, "text", err);
	*ret = json_string_value(value);
	return 0;
}

int fl_json_i64(const json_t *o, const char *at, const char *key, int64_t min, int64_t max, int64_t *ret,
		struct fl_err *err)
{
	json_t *value = member(o, at, key, err);
	json_int_t number;

	if (!value)
		return -EINVAL;
	if (!json_is_integer(value))
		return mismatch(value, at, key, "a whole number", err);
	number = json_integer_value(value);
	if (number < min || number > max)
		return fl_fail(err, -EINVAL, "%s: '%s' is %" JSON_INTEGER_FORMAT ", outside %" PRId64 "..%" PRId64, at,
			       key, number, min, max);
	*ret = number;
	return 0;
}

int fl_json_u64(const json_t *o, const char *at, const char *key, uint64_t max, uint64_t *ret, struct fl_err *err)
{
	int64_t number = 0;
	int rc = fl_json_i64(o, at, key, 0, max > INT64_MAX ? INT64_MAX : (int64_t)max, &number, err);

	if (rc == 0)
		*ret = (uint64_t)number;
	return rc;
}

int fl_json_bool(const json_t *o, const char *at, const char *key, bool *ret, struct fl_err *err)
{
	json_t *value = member(o, at, key, err);

	if (!value)
		return -EINVAL;
	if (!json_is_boolean(value))
		return mismatch(value, at, key, "true or false", err);
	*ret = json_is_true(value);
	return 0;
}

int fl_json_object(const json_t *o, const char *at, const char *key, json_t **ret, struct fl_err *err)
{
	json_t *value = member(o, at, key, err);

	if (!value)
		return -EINVAL;
	if (!json_is_object(value))
		return mismatch(value, at, key, "an object", err);
	*ret = value;
	return 0;
}

int fl_json_array(const json_t *o, const char *at, const char *key, size_t max, json_t **ret, struct fl_err *err)
{
	json_t *value = member(o, at, key, err);

	if (!value)
		return -EINVAL;
	if (!json_is_array(value))
		return mismatch(value, at, key, "a list", err);
	if (json_array_size(value) > max)
		return fl_fail(err, -EINVAL, "%s: '%s' has %zu entries, at most %zu are allowed", at, key,
			       json_array_size(value), max);
	*ret = value;
	return 0;
}

int fl_json_cpus(const json_t *o, const char *at, const char *key, struct fl_cpus *ret, struct fl_err *err)
{
	struct fl_err why = { 0 };
	const char *list = "";
	int rc = fl_json_text(o, at, key, &list, err);

	if (rc < 0)
		return rc;
	if (fl_cpus_parse(list, ret, &why) < 0)
		return fl_fail(err, why.code, "%s: '%s': %.200s", at, key, why.what);
	return 0;
}

const char *fl_json_text_or_null(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

double fl_json_number_or_nan(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

bool fl_json_bool_or(const json_t *o, const char *key, bool otherwise)
{
	const json_t *value = json_object_get(o, key);

	return json_is_boolean(value) ? json_is_true(value) : otherwise;
}
