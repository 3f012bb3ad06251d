/* SPDX-License-Identifier: Apache-2.0 */
/* field.c: one declared row at work: user's text -> canonical text -> options struct, and JSON both ways. */
#include "base/field.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096, CHOICES_MAX = 64 };

const struct fl_field *fl_field_find(const struct fl_field *fields, const char *name)
{
	for (; fields && fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

/* A failure of one option: its name goes before the cause, the hint stays. */
static int fail(const struct fl_field *field, const struct fl_err *why, struct fl_err *err)
{
	int rc = fl_fail(err, why->code, "option '%s': %.250s", field->name, why->what);

	if (why->hint[0])
		fl_hint(err, "%s", why->hint);
	return rc;
}

/* ---- numbers: FL_COUNT, FL_BYTES, FL_NS, FL_RATIO --------------------------------------------------------- */

/* Held as long double, which has every uint64_t and every double. */

static bool is_number(enum fl_type type)
{
	return type == FL_COUNT || type == FL_BYTES || type == FL_NS || type == FL_RATIO;
}

static int parse_number(enum fl_type type, const char *text, long double *ret, struct fl_err *err)
{
	uint64_t whole = 0;
	double ratio = 0;
	int rc;

	switch (type) {
	case FL_BYTES:
		rc = fl_parse_bytes(text, &whole, err);
		break;
	case FL_NS:
		rc = fl_parse_ns(text, &whole, err);
		break;
	case FL_RATIO:
		rc = fl_parse_ratio(text, &ratio, err);
		break;
	default:
		rc = fl_parse_count(text, &whole, err);
	}
	if (rc == 0)
		*ret = type == FL_RATIO ? (long double)ratio : (long double)whole;
	return rc;
}

/* One end of a range; an empty text is no bound. */
static int parse_bound(const struct fl_field *field, const char *text, size_t n, long double *ret, struct fl_err *err)
{
	char *copy;
	int rc;

	if (!n)
		return 0;
	copy = strndup(text, n);
	if (!copy)
		abort();
	rc = parse_number(field->type, copy, ret, err);
	free(copy);
	return rc;
}

/* Whole numbers end at 2^63 - 1 even without a range, so that JSON can hold them. */
static int check_range(const struct fl_field *field, long double value, const char *text, struct fl_err *err)
{
	long double low = 0, high = field->type == FL_RATIO ? HUGE_VALL : (long double)INT64_MAX;
	const char *range = field->range ? field->range : "..", *dots = strstr(range, "..");
	struct fl_err why = { 0 };
	int rc;

	if (!dots || parse_bound(field, range, (size_t)(dots - range), &low, &why) < 0 ||
	    parse_bound(field, dots + 2, strlen(dots + 2), &high, &why) < 0)
		return fl_fail(err, -EINVAL, "option '%s' is declared with a malformed range '%s'", field->name, range);
	if (value >= low && value <= high)
		return 0;
	rc = fl_fail(err, -ERANGE, "option '%s': '%.80s' is too %s", field->name, text,
		     value < low ? "small" : "large");
	if (field->range)
		fl_hint(err, "allowed: %s", range);
	return rc;
}

/* malloc'd */
static char *number_text(enum fl_type type, long double value)
{
	char buf[FL_UNIT_TEXT];

	if (type == FL_RATIO)
		return fl_dup(fl_show_number(buf, (double)value));
	return fl_format("%" PRIu64, (uint64_t)value);
}

static int canon_number(const struct fl_field *field, const char *text, char **ret, struct fl_err *err)
{
	struct fl_err why = { 0 };
	long double value = 0;
	int rc;

	if (parse_number(field->type, text, &value, &why) < 0)
		return fail(field, &why, err);
	rc = check_range(field, value, text, err);
	if (rc == 0)
		*ret = number_text(field->type, value);
	return rc;
}

/* Canonical numbers are bare: ns and bytes without their unit. */
static int read_canon_number(const struct fl_field *field, const char *canon, long double *ret, struct fl_err *err)
{
	struct fl_err why = { 0 };
	int rc = parse_number(field->type == FL_RATIO ? FL_RATIO : FL_COUNT, canon, ret, &why);

	return rc < 0 ? fail(field, &why, err) : 0;
}

/* ---- FL_CHOICE, FL_FLAG ------------------------------------------------------------------------------------ */

/* The index of the word in "a|b|c"; -1: not one of them. */
static int choice_index(const char *range, const char *word)
{
	size_t word_n = strlen(word);

	for (int i = 0;; i++) {
		size_t n = strcspn(range, "|");

		if (n && n == word_n && memcmp(range, word, n) == 0)
			return i;
		if (!range[n])
			return -1;
		range += n + 1;
	}
}

static int refuse_choice(const struct fl_field *field, const char *range, const char *word, struct fl_err *err)
{
	const char *names[CHOICES_MAX], *near;
	char *copy = fl_dup(range), *rest = copy;
	size_t n = 0;
	int rc;

	while (rest && n < CHOICES_MAX)
		names[n++] = strsep(&rest, "|");
	near = fl_nearest(word, names, n);
	rc = fl_fail(err, -EINVAL, "option '%s': '%.80s' is not one of %.150s", field->name, word, range);
	if (near)
		fl_hint(err, "did you mean '%s'?", near);
	free(copy);
	return rc;
}

static const char *choices(const struct fl_field *field)
{
	if (field->type == FL_FLAG)
		return "no|yes"; /* so that the index is the bool */
	return field->range ? field->range : "";
}

static int find_choice(const struct fl_field *field, const char *word, int *ret, struct fl_err *err)
{
	int index = choice_index(choices(field), word);

	if (index < 0)
		return refuse_choice(field, choices(field), word, err);
	*ret = index;
	return 0;
}

/* ---- FL_TEXT, FL_PATH, FL_DEVICE ------------------------------------------------------------------------------- */

/* Records, messages and reports are JSON, which has no other bytes. */
static int check_utf8(const struct fl_field *field, const char *text, struct fl_err *err)
{
	json_t *value = json_string(text);

	if (!value)
		return fl_fail(err, -EINVAL, "option '%s' is not UTF-8", field->name);
	json_decref(value);
	return 0;
}

static int check_text(const struct fl_field *field, const char *text, struct fl_err *err)
{
	bool may_be_none = field->type == FL_TEXT || (field->type == FL_PATH && field->preset && !*field->preset);

	if (!*text && !may_be_none)
		return fl_fail(err, -EINVAL, "option '%s' is empty", field->name);
	if (strlen(text) >= TEXT_MAX)
		return fl_fail(err, -ERANGE, "option '%s' is longer than %d bytes", field->name, TEXT_MAX - 1);
	return check_utf8(field, text, err);
}

/* ---- all of them ----------------------------------------------------------------------------------------------- */

int fl_field_canon(const struct fl_field *field, const char *text, char **ret, struct fl_err *err)
{
	int rc, index = 0;

	if (is_number(field->type))
		return canon_number(field, text, ret, err);
	if (field->type == FL_CHOICE || field->type == FL_FLAG)
		rc = find_choice(field, text, &index, err);
	else
		rc = check_text(field, text, err);
	if (rc == 0)
		*ret = fl_dup(text);
	return rc;
}

static int store_number(const struct fl_field *field, const char *canon, void *member, struct fl_err *err)
{
	long double value = 0;
	int rc = read_canon_number(field, canon, &value, err);

	if (rc < 0)
		return rc;
	if (field->type == FL_RATIO)
		*(double *)member = (double)value;
	else
		*(uint64_t *)member = (uint64_t)value;
	return 0;
}

static int store_choice(const struct fl_field *field, const char *canon, void *member, struct fl_err *err)
{
	int index = 0, rc = find_choice(field, canon, &index, err);

	if (rc < 0)
		return rc;
	if (field->type == FL_FLAG)
		*(bool *)member = index;
	else
		*(unsigned *)member = (unsigned)index;
	return 0;
}

int fl_field_store(const struct fl_field *field, const char *canon, void *opts, struct fl_err *err)
{
	void *member = (char *)opts + field->offset;

	switch (field->type) {
	case FL_COUNT:
	case FL_BYTES:
	case FL_NS:
	case FL_RATIO:
		return store_number(field, canon, member, err);
	case FL_CHOICE:
	case FL_FLAG:
		return store_choice(field, canon, member, err);
	case FL_TEXT:
	case FL_PATH:
		*(const char **)member = canon;
		return 0;
	case FL_DEVICE:
		return 0;
	}
	return fl_fail(err, -ENOTRECOVERABLE, "option '%s' has no known type", field->name);
}

json_t *fl_field_json(const struct fl_field *field, const char *canon)
{
	struct fl_err none = { 0 };
	long double value = 0;

	if (field->type == FL_FLAG)
		return json_boolean(strcmp(canon, "yes") == 0);
	if (!is_number(field->type) || read_canon_number(field, canon, &value, &none) < 0)
		return fl_json_string(canon);
	if (field->type == FL_RATIO)
		return fl_json_number((double)value);
	return json_integer((json_int_t)value);
}

static int number_from_json(const struct fl_field *field, const json_t *value, char **ret, struct fl_err *err)
{
	char *text;
	int rc;

	if (!json_is_integer(value) && !(json_is_real(value) && field->type == FL_RATIO))
		return fl_fail(err, -EINVAL, "option '%s' must be a %s", field->name,
			       field->type == FL_RATIO ? "number" : "whole number");
	if (json_is_integer(value)) {
		if (json_integer_value(value) < 0)
			return fl_fail(err, -ERANGE, "option '%s' is negative", field->name);
		text = number_text(FL_COUNT, (long double)json_integer_value(value));
		rc = check_range(field, (long double)json_integer_value(value), text, err);
	} else {
		text = number_text(FL_RATIO, (long double)json_real_value(value));
		rc = check_range(field, (long double)json_real_value(value), text, err);
	}
	if (rc == 0)
		*ret = text;
	else
		free(text);
	return rc;
}

int fl_field_from_json(const struct fl_field *field, const json_t *value, char **ret, struct fl_err *err)
{
	if (is_number(field->type))
		return number_from_json(field, value, ret, err);
	if (field->type == FL_FLAG && json_is_boolean(value)) {
		*ret = fl_dup(json_is_true(value) ? "yes" : "no");
		return 0;
	}
	if (field->type == FL_FLAG || !json_is_string(value))
		return fl_fail(err, -EINVAL, "option '%s' must be %s", field->name,
			       field->type == FL_FLAG ? "true or false" : "text");
	return fl_field_canon(field, json_string_value(value), ret, err);
}
