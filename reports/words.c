/* SPDX-License-Identifier: Apache-2.0 */
/* words.c: what tells one lane from the others of its benchmark, in few words. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "base/units.h"
#include "reports/parts.h"
#include <stdlib.h>
#include <string.h>

/* The lanes of one benchmark: how many, and the options in which they differ. */
struct bench {
	const struct fl_lane_verdict *first;
	size_t lanes;
	const char **differs; /* borrowed from the lanes' options */
	size_t differs_n;
	json_t *values; /* of every option, in the first lane that has it: one without its device lacks that. Owned */
};

struct fl_words {
	const struct fl_judgement *j;
	struct bench *benches;
	size_t n;
	bool *alone; /* of each lane: it is what a study holds the same lane beside others against */
	const struct fl_study_result **feeds; /* of each lane: the study of starvation that it is of; NULL: none */
	struct fl_files files;
	json_t *devices; /* of each kind of device the one that all lanes have; null: they have several. Owned */
};

static struct bench *find_bench(const struct fl_words *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->benches[i].first->bench, name) == 0)
			return &w->benches[i];
	return NULL;
}

static bool is_listed(const struct bench *b, const char *option)
{
	for (size_t i = 0; i < b->differs_n; i++)
		if (strcmp(b->differs[i], option) == 0)
			return true;
	return false;
}

static void note_differences(struct bench *b, json_t *options)
{
	const char *name;
	json_t *value;

	json_object_foreach(options, name, value)
	{
		json_t *other = json_object_get(b->values, name);

		if (!other)
			json_object_set(b->values, name, value);
		if (!other || is_listed(b, name) || json_equal(value, other))
			continue;
		b->differs = fl_grow(b->differs, b->differs_n + 1, sizeof(*b->differs));
		b->differs[b->differs_n++] = name;
	}
}

static void note_files(struct fl_words *w, const struct fl_lane_verdict *v)
{
	const char *name;
	json_t *value;

	json_object_foreach(v->options, name, value)
	{
		const struct fl_field *f = fl_entry_field(v->entry, name);

		if (f && f->type == FL_PATH && json_is_string(value))
			fl_files_add(&w->files, json_string_value(value));
	}
}

static void note_devices(struct fl_words *w, const struct fl_lane_verdict *v)
{
	for (const struct fl_field *f = v->entry->fields; f->name; f++) {
		json_t *id = f->type == FL_DEVICE ? json_object_get(v->options, f->name) : NULL;
		json_t *seen = json_object_get(w->devices, f->range);

		if (json_is_string(id) && !(seen && json_equal(seen, id)))
			json_object_set_new(w->devices, f->range, seen ? json_null() : json_incref(id));
	}
}

static void note_feeds(struct fl_words *w)
{
	w->feeds = fl_zalloc(w->j->lanes_n, sizeof(*w->feeds));
	for (size_t i = 0; i < w->j->studies_n; i++)
		for (size_t k = 0; w->j->studies[i].feed && k < w->j->studies[i].points_n; k++)
			if (w->j->studies[i].points[k].lane)
				w->feeds[w->j->studies[i].points[k].lane - w->j->lanes] = &w->j->studies[i];
}

static void note_alone(struct fl_words *w)
{
	w->alone = fl_zalloc(w->j->lanes_n, sizeof(*w->alone));
	for (size_t i = 0; i < w->j->studies_n; i++)
		for (size_t k = 0; k < w->j->studies[i].points_n; k++) {
			const struct fl_study_point *p = &w->j->studies[i].points[k];

			if (p->base && !p->value)
				w->alone[p->base - w->j->lanes] = true;
		}
}

struct fl_words *fl_words_make(const struct fl_judgement *j)
{
	struct fl_words *w = fl_zalloc(1, sizeof(*w));

	w->j = j;
	w->devices = json_object();
	note_alone(w);
	note_feeds(w);
	for (size_t i = 0; i < j->lanes_n; i++) {
		const struct fl_lane_verdict *v = &j->lanes[i];
		struct bench *b = find_bench(w, v->bench);

		if (!b) {
			w->benches = fl_grow(w->benches, w->n + 1, sizeof(*w->benches));
			b = &w->benches[w->n++];
			*b = (struct bench){ .first = v, .values = json_object() };
		}
		b->lanes += v->host == b->first->host && !v->beside; /* hosts have the same */
		note_files(w, v);
		note_differences(b, v->options);
		note_devices(w, v);
	}
	return w;
}

void fl_words_free(struct fl_words *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->benches[i].differs);
		json_decref(w->benches[i].values);
	}
	json_decref(w->devices);
	free(w->benches);
	free(w->alone);
	free(w->feeds);
	fl_files_release(&w->files);
	free(w);
}

const struct fl_files *fl_words_files(const struct fl_words *w)
{
	return &w->files;
}

/* "1MiB", "40.0ms": quantities of people, without the blank. */
static void add_quantity(struct fl_text *out, const char *shown)
{
	for (; *shown; shown++)
		if (*shown != ' ')
			fl_text_put(out, shown, 1);
}

static void add_value(struct fl_text *out, const struct fl_words *w, const struct fl_field *field, const json_t *value)
{
	char shown[FL_UNIT_TEXT];
	double number = json_is_number(value) ? json_number_value(value) : -1;

	if (json_is_string(value) && field && field->type == FL_PATH)
		fl_text_add(out, "%s", fl_files_name(&w->files, json_string_value(value)));
	else if (json_is_string(value))
		fl_text_add(out, "%s", json_string_value(value));
	else if (json_is_boolean(value))
		fl_text_add(out, "%s", json_is_true(value) ? "yes" : "no");
	else if (number < 0 || number > 1e18)
		fl_text_add(out, "?");
	else if (field && field->type == FL_BYTES)
		add_quantity(out, fl_show_bytes(shown, (uint64_t)number));
	else if (field && field->type == FL_NS)
		add_quantity(out, fl_show_ns(shown, number));
	else
		fl_text_add(out, "%s", fl_show_number(shown, number));
}

/* without: options that are not to be named; ends with NULL. */
static void add_options(struct fl_text *out, const struct fl_words *w, const struct bench *b,
			const struct fl_lane_verdict *v, const char *const *without)
{
	const char *name;
	json_t *value;

	json_object_foreach(v->options, name, value)
	{
		bool named = is_listed(b, name) && strcmp(name, "duration") != 0;

		for (const char *const *other = without; *other; other++)
			named &= strcmp(*other, name) != 0;
		if (!named)
			continue;
		fl_text_add(out, " %s=", name);
		add_value(out, w, fl_entry_field(v->entry, name), value);
	}
}

bool fl_report_same_case(const struct fl_lane_verdict *a, const struct fl_lane_verdict *b)
{
	return a->case_no == b->case_no && a->host == b->host;
}

/* How many lanes run beside this one on its host, those apart that make one measurement with it; ret_other: the last
 * of them. */
static size_t count_neighbours(const struct fl_words *w, const struct fl_lane_verdict *v, const char **ret_other)
{
	size_t me = (size_t)(v - w->j->lanes), from = me - v->place, n = 0;

	for (size_t i = from; i < w->j->lanes_n && fl_report_same_case(&w->j->lanes[i], v); i++)
		if (i != me && !(v->size > 1 && w->j->lanes[i].group == v->group)) {
			*ret_other = w->j->lanes[i].bench;
			n++;
		}
	return n;
}

/* "beside storage.read", "beside 3 lanes" */
static void add_neighbours(struct fl_text *out, size_t n, const char *other)
{
	if (n == 1)
		fl_text_add(out, " beside %s", other);
	else if (n > 1)
		fl_text_add(out, " beside %zu lanes", n);
}

/* "n1 to n3", "on n2"; of a lane that is beside a measurement what it is there. */
static void add_host(struct fl_text *out, const struct fl_lane_verdict *v)
{
	if (v->group_name)
		fl_text_add(out, " %s", v->group_name);
	else if (v->host_name)
		fl_text_add(out, " on %s", v->host_name);
	if (v->beside || (v->each && !v->group_name))
		fl_text_add(out, " (%s)", v->role);
}

/* "feed loop", "ingest T3", "feed control #1"; where there are several studies with that of its own. malloc'd. */
static char *rung_name(const struct fl_words *w, const struct fl_lane_verdict *v, bool with_host)
{
	const struct fl_study_result *s = w->feeds[v - w->j->lanes];
	const char *other = NULL;
	size_t neighbours = count_neighbours(w, v, &other);
	const char *demand = s->feed->study->demand;
	char *label = fl_files_shorten(&w->files, w->j->feeds_n > 1 && !demand ? s->label : v->bench), *clean;
	struct fl_text t = { 0 };

	fl_text_add(&t, "%s%s%s %s", label, w->j->feeds_n > 1 && demand ? " " : "",
		    w->j->feeds_n > 1 && demand ? demand : "", v->rung);
	if (neighbours)
		fl_text_add(&t, " #%u", v->place);
	if (with_host)
		add_host(&t, v);
	clean = fl_report_clean(t.bytes);
	fl_text_release(&t);
	free(label);
	return clean;
}

/* What the user gave for the only lane of a benchmark; among others without the devices that all of them have, which
 * the others do not name either. */
static void add_label(struct fl_text *out, const struct fl_words *w, const struct fl_lane_verdict *v)
{
	char *label = fl_files_shorten(&w->files, v->label);

	for (const struct fl_field *f = v->entry->fields; f->name && w->n > 1; f++) {
		if (fl_field_holds(f, "node", NULL)) /* beside where the lane ran, it tells */
			continue;
		const char *id = f->type == FL_DEVICE ? fl_json_text_or_null(v->options, f->name) : NULL;
		const char *all = id ? fl_json_text_or_null(w->devices, f->range) : NULL;
		char *given = all ? fl_format(" %s=%s", f->name, id) : NULL, *at = given ? strstr(label, given) : NULL;
		size_t n = given ? strlen(given) : 0;

		if (at && (at[n] == ' ' || at[n] == 0))
			memmove(at, at + n, strlen(at + n) + 1);
		free(given);
	}
	fl_text_add(out, "%s", label);
	free(label);
}

static char *name_of(const struct fl_words *w, const struct fl_lane_verdict *v, bool with_host)
{
	const struct bench *b = find_bench(w, v->bench);
	const char *other = NULL;
	size_t neighbours = count_neighbours(w, v, &other);
	struct fl_text t = { 0 };
	char *clean;

	if (v->rung && w->feeds[v - w->j->lanes])
		return rung_name(w, v, with_host);
	if (!v->group_name && b->lanes == 1 && neighbours == 0 && strncmp(v->label, v->bench, strlen(v->bench)) == 0) {
		add_label(&t, w, v);
	} else {
		fl_text_add(&t, "%s", v->bench);
		add_options(&t, w, b, v, (const char *const[]){ NULL });
	}
	fl_text_add(&t, "%s", w->alone[v - w->j->lanes] ? " alone" : "");
	if (fl_meets_apart(v))
		fl_text_add(&t, " %s", v->across);
	add_neighbours(&t, neighbours, other);
	if (with_host)
		add_host(&t, v);
	clean = fl_report_clean(fl_text_str(&t));
	fl_text_release(&t);
	return clean;
}

char *fl_words_name(const struct fl_words *w, const struct fl_lane_verdict *v)
{
	return name_of(w, v, true);
}

char *fl_words_common(const struct fl_words *w, const struct fl_lane_verdict *v)
{
	return name_of(w, v, false);
}

bool fl_words_is_alone(const struct fl_words *w, const struct fl_lane_verdict *v)
{
	return w->alone[v - w->j->lanes];
}

char *fl_words_matrix(const struct fl_words *w, const struct fl_lane_verdict *v, const char *row, const char *column)
{
	const char *const without[] = { row, column, NULL };
	struct fl_text t = { 0 };
	char *clean;

	fl_text_add(&t, "%s", v->bench);
	add_options(&t, w, find_bench(w, v->bench), v, without);
	clean = fl_report_clean(t.bytes);
	fl_text_release(&t);
	return clean;
}

char **fl_report_names(const struct fl_judgement *j)
{
	struct fl_words *w = fl_words_make(j);
	char **names = fl_zalloc(j->lanes_n, sizeof(*names));

	for (size_t i = 0; i < j->lanes_n; i++)
		names[i] = fl_words_common(w, &j->lanes[i]);
	fl_words_free(w);
	return names;
}

void fl_report_free_names(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}
