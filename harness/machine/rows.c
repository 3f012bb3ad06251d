/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c: structs to JSON, and their release. */
#include "machine/rows.h"
#include "base/json.h"
#include "base/text.h"
#include "machine/machine.h"
#include <math.h>
#include <stdlib.h>

static json_t *write_struct(const struct row *rows, const char *from, size_t siblings);

static json_t *write_cpus(const struct fl_cpus *cpus)
{
	struct fl_text text = { 0 };
	json_t *value;

	fl_cpus_format(cpus, &text);
	value = json_string(fl_text_str(&text));
	fl_text_release(&text);
	return value;
}

static json_t *write_list(const struct row *row, const char *items, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, write_struct(row->rows, items + i * row->size, n));
	return list;
}

static json_t *write_texts(char *const *texts, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(texts[i]));
	return list;
}

static json_t *write_numbers(const unsigned *numbers, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer((json_int_t)numbers[i]));
	return list;
}

static json_t *write_node(int number)
{
	return number < 0 ? json_null() : json_integer(number);
}

static size_t count_of(const struct row *row, const char *from)
{
	return row->count_at ? *(const size_t *)(const void *)(from + row->count_at) : 0;
}

static json_t *write_member(const struct row *row, const char *from, size_t siblings)
{
	const void *member = from + row->at;

	switch (row->type) {
	case ROW_TEXT:
	case ROW_TEXT_OR_NULL:
		return fl_json_string(*(char *const *)member);
	case ROW_KNOWN_TEXT:
		return fl_json_string(((const struct fl_known_text *)member)->value);
	case ROW_KNOWN:
		return fl_json_number(((const struct fl_known *)member)->value);
	case ROW_FLAG:
		return json_boolean(*(const bool *)member);
	case ROW_NUMBER:
	case ROW_NODE:
		return write_node(*(const int *)member);
	case ROW_COUNT:
		return json_integer((json_int_t) * (const unsigned *)member);
	case ROW_CHOICE:
		return json_string(row->names[*(const unsigned *)member]);
	case ROW_CPUS:
		return write_cpus(member);
	case ROW_PRESENT:
		if (!*(char *const *)(const void *)((const char *)member + row->rows->at))
			return json_null();
		return write_struct(row->rows, member, 0);
	case ROW_OBJECT:
		return write_struct(row->rows, member, 0);
	case ROW_LIST:
	case ROW_NEWER_LIST:
		return write_list(row, *(char *const *)member, count_of(row, from));
	case ROW_TEXTS:
		return write_texts(*(char *const *const *)member, count_of(row, from));
	case ROW_SQUARE:
		return write_numbers(*(const unsigned *const *)member, siblings);
	}
	return json_null();
}

/* The reason why a member has no value; NULL if it has one or needs none. */
static const char *reason_of(const struct row *row, const char *from)
{
	const void *member = from + row->at;

	if (row->type == ROW_KNOWN && isnan(((const struct fl_known *)member)->value))
		return ((const struct fl_known *)member)->why;
	if (row->type == ROW_KNOWN_TEXT && !((const struct fl_known_text *)member)->value)
		return ((const struct fl_known_text *)member)->why;
	return NULL;
}

static json_t *write_struct(const struct row *rows, const char *from, size_t siblings)
{
	json_t *object = json_object(), *unknown = json_object();

	for (const struct row *row = rows; row->key; row++) {
		const char *why = reason_of(row, from);

		json_object_set_new(object, row->key, write_member(row, from, siblings));
		if (why)
			json_object_set_new(unknown, row->key, json_string(why));
	}
	if (json_object_size(unknown) > 0)
		json_object_set(object, "unknown", unknown);
	json_decref(unknown);
	return object;
}

json_t *rows_write(const struct row *rows, const void *from)
{
	return write_struct(rows, from, 0);
}

static void release_list(const struct row *row, char *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		rows_release(row->rows, items + i * row->size);
	free(items);
}

static void release_texts(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

static void release_member(const struct row *row, char *from)
{
	void *member = from + row->at;

	switch (row->type) {
	case ROW_TEXT:
	case ROW_TEXT_OR_NULL:
		free(*(char **)member);
		return;
	case ROW_SQUARE:
		free(*(unsigned **)member);
		return;
	case ROW_KNOWN_TEXT:
		free(((struct fl_known_text *)member)->value);
		free(((struct fl_known_text *)member)->why);
		return;
	case ROW_KNOWN:
		free(((struct fl_known *)member)->why);
		return;
	case ROW_OBJECT:
	case ROW_PRESENT:
		rows_release(row->rows, member);
		return;
	case ROW_LIST:
	case ROW_NEWER_LIST:
		release_list(row, *(char **)member, count_of(row, from));
		return;
	case ROW_TEXTS:
		release_texts(*(char ***)member, count_of(row, from));
		return;
	default:
		return;
	}
}

void rows_release(const struct row *rows, void *from)
{
	for (const struct row *row = rows; row->key; row++)
		release_member(row, from);
}
