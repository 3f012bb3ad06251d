/* SPDX-License-Identifier: Apache-2.0 */
/* rows_read.c: JSON to structs. The JSON may be hostile: every type, bound and length is checked. */
#include "base/alloc.h"
#include "base/text.h"
#include "machine/machine.h"
#include "machine/rows.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where in the file a struct is, and what its members may depend on. */
struct place {
	const json_t *object;
	const struct place *above;
	const char *key;	/* in the struct above; of the outermost one: its name */
	size_t index, siblings; /* in a list of so many; 0 of 0 where it is in none */
};

#define KNOWN_MAX 1e18 /* bytes, bits per second, CPUs: nothing of a machine is larger */

static int read_struct(const struct row *rows, const struct place *place, char *into, struct fl_err *err);

/* "machine.drives[3]" */
static void show_place(const struct place *place, struct fl_text *out)
{
	if (place->above) {
		show_place(place->above, out);
		fl_text_add(out, ".");
	}
	fl_text_add(out, "%s", place->key);
	if (place->siblings)
		fl_text_add(out, "[%zu]", place->index);
}

static int wrong(const struct place *place, const struct row *row, const char *expected, struct fl_err *err)
{
	struct fl_text at = { 0 };
	int rc;

	show_place(place, &at);
	rc = fl_fail(err, -EINVAL, "%s.%s: %s expected", fl_text_str(&at), row->key, expected);
	fl_text_release(&at);
	return rc;
}

static bool is_null(const json_t *value)
{
	return !value || json_is_null(value);
}

static char *reason_for(const struct place *place, const struct row *row)
{
	const char *why = json_string_value(json_object_get(json_object_get(place->object, "unknown"), row->key));

	return fl_dup(why && *why ? why : "the machine file gives no reason");
}

static int read_text(const struct place *place, const struct row *row, const json_t *value, char **ret,
		     struct fl_err *err)
{
	if (is_null(value) && row->type == ROW_TEXT_OR_NULL)
		return 0;
	if (!json_is_string(value) || json_string_length(value) == 0)
		return wrong(place, row, "a text that is not empty", err);
	*ret = fl_dup(json_string_value(value));
	return 0;
}

static int read_known_text(const struct place *place, const struct row *row, const json_t *value,
			   struct fl_known_text *ret, struct fl_err *err)
{
	if (is_null(value))
		ret->why = reason_for(place, row);
	else
		return read_text(place, row, value, &ret->value, err);
	return 0;
}

static int read_known(const struct place *place, const struct row *row, const json_t *value, struct fl_known *ret,
		      struct fl_err *err)
{
	double number = json_number_value(value);

	if (is_null(value)) {
		*ret = (struct fl_known){ .value = NAN, .why = reason_for(place, row) };
		return 0;
	}
	if (!json_is_number(value) || !(number >= 0 && number <= KNOWN_MAX))
		return wrong(place, row, "a number from 0 to 1e18", err);
	ret->value = number;
	return 0;
}

static int read_number(const struct place *place, const struct row *row, const json_t *value, int *ret,
		       struct fl_err *err)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > ROWS_NUMBER_MAX)
		return wrong(place, row, "a whole number from 0 to 65535", err);
	*ret = (int)json_integer_value(value);
	return 0;
}

static int read_node(const struct place *place, const struct row *row, const json_t *value, int *ret,
		     struct fl_err *err)
{
	if (!is_null(value))
		return read_number(place, row, value, ret, err);
	*ret = -1;
	return 0;
}

static int read_count(const struct place *place, const struct row *row, const json_t *value, unsigned *ret,
		      struct fl_err *err)
{
	int number = 0, rc = read_number(place, row, value, &number, err);

	if (rc == 0)
		*ret = (unsigned)number;
	return rc;
}

static int read_choice(const struct place *place, const struct row *row, const json_t *value, unsigned *ret,
		       struct fl_err *err)
{
	const char *text = json_is_string(value) ? json_string_value(value) : "";

	for (unsigned i = 0; row->names[i]; i++) {
		if (strcmp(text, row->names[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	return wrong(place, row, "one of the known classes", err);
}

static int read_flag(const struct place *place, const struct row *row, const json_t *value, bool *ret,
		     struct fl_err *err)
{
	if (!json_is_boolean(value))
		return wrong(place, row, "true or false", err);
	*ret = json_is_true(value);
	return 0;
}

static int read_cpus(const struct place *place, const struct row *row, const json_t *value, struct fl_cpus *ret,
		     struct fl_err *err)
{
	if (!json_is_string(value) || fl_cpus_parse(json_string_value(value), ret, NULL) < 0)
		return wrong(place, row, "a list of CPUs such as '0-3,8'", err);
	return 0;
}

/* An absent struct: nothing in it is known. */
static void read_absent(const struct row *rows, char *into)
{
	for (const struct row *row = rows; row->key; row++) {
		void *member = into + row->at;

		if (row->type == ROW_KNOWN)
			((struct fl_known *)member)->value = NAN;
		else if (row->type == ROW_NODE)
			*(int *)member = -1;
		else if (row->type == ROW_OBJECT)
			read_absent(row->rows, member);
	}
}

static int read_object(const struct place *place, const struct row *row, const json_t *value, char *into,
		       struct fl_err *err)
{
	struct place within = { .object = value, .above = place, .key = row->key };

	if (row->type == ROW_PRESENT && is_null(value)) {
		read_absent(row->rows, into);
		return 0;
	}
	if (!json_is_object(value))
		return wrong(place, row, "an object", err);
	return read_struct(row->rows, &within, into, err);
}

static int check_list(const struct place *place, const struct row *row, const json_t *value, struct fl_err *err)
{
	if (!json_is_array(value) || json_array_size(value) > ROWS_LIST_MAX)
		return wrong(place, row, "a list of at most 4096", err);
	return 0;
}

static int read_list(const struct place *place, const struct row *row, const json_t *value, char **ret, size_t *ret_n,
		     struct fl_err *err)
{
	size_t n = json_array_size(value);
	int rc = !value && row->type == ROW_NEWER_LIST ? 0 : check_list(place, row, value, err);

	if (rc < 0 || n == 0)
		return rc;
	*ret = fl_zalloc(n, row->size);
	*ret_n = n;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct place within = {
			.object = json_array_get(value, i), .above = place, .key = row->key, .index = i, .siblings = n
		};

		if (!json_is_object(within.object))
			return wrong(place, row, "a list of objects", err);
		rc = read_struct(row->rows, &within, *ret + i * row->size, err);
	}
	return rc;
}

static int read_texts(const struct place *place, const struct row *row, const json_t *value, char ***ret, size_t *ret_n,
		      struct fl_err *err)
{
	size_t n = json_array_size(value);
	int rc = check_list(place, row, value, err);

	if (rc < 0 || n == 0)
		return rc;
	*ret = fl_zalloc(n, sizeof(char *));
	*ret_n = n;
	for (size_t i = 0; i < n; i++) {
		if (!json_is_string(json_array_get(value, i)))
			return wrong(place, row, "a list of texts", err);
		(*ret)[i] = fl_dup(json_string_value(json_array_get(value, i)));
	}
	return 0;
}

static int read_square(const struct place *place, const struct row *row, const json_t *value, unsigned **ret,
		       struct fl_err *err)
{
	size_t n = json_array_size(value);
	int rc = 0;

	if (!json_is_array(value) || n != place->siblings)
		return wrong(place, row, "a list of numbers, one for each node,", err);
	*ret = fl_zalloc(n, sizeof(unsigned));
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = read_count(place, row, json_array_get(value, i), &(*ret)[i], err);
	return rc;
}

static int read_member(const struct place *place, const struct row *row, char *into, struct fl_err *err)
{
	const json_t *value = json_object_get(place->object, row->key);
	void *member = into + row->at;
	size_t *count = (void *)(into + row->count_at);

	switch (row->type) {
	case ROW_TEXT:
	case ROW_TEXT_OR_NULL:
		return read_text(place, row, value, member, err);
	case ROW_KNOWN_TEXT:
		return read_known_text(place, row, value, member, err);
	case ROW_KNOWN:
		return read_known(place, row, value, member, err);
	case ROW_FLAG:
		return read_flag(place, row, value, member, err);
	case ROW_NUMBER:
		return read_number(place, row, value, member, err);
	case ROW_NODE:
		return read_node(place, row, value, member, err);
	case ROW_COUNT:
		return read_count(place, row, value, member, err);
	case ROW_CHOICE:
		return read_choice(place, row, value, member, err);
	case ROW_CPUS:
		return read_cpus(place, row, value, member, err);
	case ROW_OBJECT:
	case ROW_PRESENT:
		return read_object(place, row, value, member, err);
	case ROW_LIST:
	case ROW_NEWER_LIST:
		return read_list(place, row, value, member, count, err);
	case ROW_TEXTS:
		return read_texts(place, row, value, member, count, err);
	case ROW_SQUARE:
		return read_square(place, row, value, member, err);
	}
	return wrong(place, row, "something else", err);
}

static int read_struct(const struct row *rows, const struct place *place, char *into, struct fl_err *err)
{
	int rc = 0;

	for (const struct row *row = rows; row->key && rc == 0; row++)
		rc = read_member(place, row, into, err);
	return rc;
}

int rows_read(const struct row *rows, const json_t *from, const char *where, void *into, struct fl_err *err)
{
	struct place place = { .object = from, .key = where };

	if (!json_is_object(from))
		return fl_fail(err, -EINVAL, "%s: an object expected", where);
	return read_struct(rows, &place, into, err);
}
