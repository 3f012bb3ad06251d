/* SPDX-License-Identifier: Apache-2.0 */
/* json_write.c: making and writing JSON that is stable: the same value gives the same bytes in every locale, and every
 * number reads back as it was. (jansson's own writer cannot print the shortest decimal.) */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *fl_json_number(double value)
{
	if (!isfinite(value))
		return json_null();
	if (value == floor(value) && fabs(value) < 0x1p53)
		return json_integer((json_int_t)value);
	return json_real(value);
}

/* Text of unknown origin (a model name, a worker's last words): a byte outside ASCII becomes '?'. */
static json_t *ascii_only(const char *text)
{
	char *copy = fl_dup(text);
	json_t *value;

	for (char *c = copy; *c; c++)
		if (*c & 0x80)
			*c = '?';
	value = json_string(copy);
	free(copy);
	return value;
}

json_t *fl_json_string(const char *text_or_null)
{
	json_t *value;

	if (!text_or_null)
		return json_null();
	value = json_string(text_or_null);
	return value ? value : ascii_only(text_or_null); /* jansson refuses what is not UTF-8 */
}

/* ---- writing ----------------------------------------------------------------------------------------------- */

struct writer {
	struct fl_text *out;
	unsigned indent; /* 0: all on one line */
	unsigned depth;
};

static void write_value(struct writer *w, const json_t *value);

static void write_string(struct fl_text *out, const char *text, size_t n)
{
	static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	size_t from = 0;

	fl_text_put(out, "\"", 1);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		const char *found;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		found = c ? strchr(escaped, c) : NULL;
		fl_text_put(out, text + from, i - from);
		if (found)
			fl_text_add(out, "\\%c", letters[found - escaped]);
		else
			fl_text_add(out, "\\u%04x", c);
		from = i + 1;
	}
	fl_text_put(out, text + from, n - from);
	fl_text_put(out, "\"", 1);
}

/* A real stays a real when it is read back: "2.0", not "2". */
static void write_real(struct fl_text *out, double value)
{
	char buf[FL_UNIT_TEXT];

	fl_show_number(buf, value);
	fl_text_put(out, buf, strlen(buf));
	fl_text_put(out, ".0", strpbrk(buf, ".e") ? 0 : 2);
}

/* As printf would, which has a lot of other things to look for. */
static void write_integer(struct fl_text *out, json_int_t value)
{
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char buf[24];
	size_t at = sizeof(buf);

	do {
		buf[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (value < 0)
		buf[--at] = '-';
	fl_text_put(out, buf + at, sizeof(buf) - at);
}

static void new_line(struct writer *w)
{
	if (w->indent)
		fl_text_add(w->out, "\n%*s", (int)(w->indent * w->depth), "");
}

static void write_object(struct writer *w, const json_t *object)
{
	const char *comma = "";
	void *at = json_object_iter((json_t *)(uintptr_t)object);

	fl_text_put(w->out, "{", 1);
	w->depth++;
	for (; at; at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
		const char *key = json_object_iter_key(at);

		fl_text_put(w->out, comma, strlen(comma));
		new_line(w);
		write_string(w->out, key, strlen(key));
		fl_text_put(w->out, ": ", w->indent ? 2 : 1);
		write_value(w, json_object_iter_value(at));
		comma = ",";
	}
	w->depth--;
	if (*comma)
		new_line(w);
	fl_text_put(w->out, "}", 1);
}

static bool all_scalars(const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (json_is_object(json_array_get(array, i)) || json_is_array(json_array_get(array, i)))
			return false;
	return true;
}

static void write_array(struct writer *w, const json_t *array)
{
	bool one_line = all_scalars(array);

	fl_text_put(w->out, "[", 1);
	w->depth++;
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i)
			fl_text_put(w->out, ", ", w->indent && one_line ? 2 : 1);
		if (!one_line)
			new_line(w);
		write_value(w, json_array_get(array, i));
	}
	w->depth--;
	if (!one_line)
		new_line(w);
	fl_text_put(w->out, "]", 1);
}

static void write_value(struct writer *w, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		write_object(w, value);
		break;
	case JSON_ARRAY:
		write_array(w, value);
		break;
	case JSON_STRING:
		write_string(w->out, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		write_integer(w->out, json_integer_value(value));
		break;
	case JSON_REAL:
		write_real(w->out, json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		fl_text_put(w->out, json_is_true(value) ? "true" : "false", json_is_true(value) ? 4 : 5);
		break;
	case JSON_NULL:
		fl_text_put(w->out, "null", 4);
		break;
	}
}

void fl_json_write(const json_t *value, unsigned indent, struct fl_text *out)
{
	struct writer w = { .out = out, .indent = indent };

	write_value(&w, value);
	if (indent)
		fl_text_put(out, "\n", 1);
}
