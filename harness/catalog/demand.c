/* SPDX-License-Identifier: Apache-2.0 */
/* demand.c: profiles of demand, read as hostile input: every text bounded, every number in range, every name once. */
#include "catalog/demand.h"
#include "base/alloc.h"
#include "base/doc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_CHARS = 40, TEXT_MAX_CHARS = 200, STEP_ALIGN = 4096 };

static const uint64_t record_bytes_max = (uint64_t)1 << 40, batch_max = 1 << 24;
static const uint64_t step_bytes_max = (uint64_t)1 << 46, step_time_max_ns = (uint64_t)86400 * 1000000000;

struct parser {
	const char *source;
	struct fl_err *err; /* never NULL */
};

static int fail_at(const struct parser *p, const struct fl_doc *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail_at(const struct parser *p, const struct fl_doc *at, const char *fmt, ...)
{
	char what[sizeof(p->err->what)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return fl_fail(p->err, -EINVAL, "%s:%u:%u: %s", p->source, at->line, at->column, what);
}

/* ---- what each word wants */

static bool is_name(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n <= NAME_MAX_CHARS && text[0] != '-' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == n && strcmp(text, FL_DEMAND_ALL) != 0;
}

static bool is_printable(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			return false;
	return text[0] && strlen(text) <= TEXT_MAX_CHARS;
}

static int read_name(const struct parser *p, const struct fl_doc *item, void *ret)
{
	if (!is_name(item->text))
		return fail_at(p, item, "'name' must hold at most %d of a-z, 0-9 and '-', and not be '%s'",
			       NAME_MAX_CHARS, FL_DEMAND_ALL);
	*(char **)ret = fl_dup(item->text);
	return 0;
}

static int read_text(const struct parser *p, const struct fl_doc *item, void *ret)
{
	if (!is_printable(item->text))
		return fail_at(p, item, "'%s' wants 1 to %d characters on one line", item->key, TEXT_MAX_CHARS);
	*(char **)ret = fl_dup(item->text);
	return 0;
}

/* parse: of base/units.h. */
static int read_number(const struct parser *p, const struct fl_doc *item,
		       int (*parse)(const char *, uint64_t *, struct fl_err *), uint64_t max, void *ret)
{
	uint64_t value;

	if (parse(item->text, &value, NULL) < 0 || value == 0 || value > max)
		return fail_at(p, item, "'%s' is '%.40s', which cannot be", item->key, item->text);
	*(uint64_t *)ret = value;
	return 0;
}

static int read_bytes(const struct parser *p, const struct fl_doc *item, void *ret)
{
	return read_number(p, item, fl_parse_bytes, record_bytes_max, ret);
}

static int read_batch(const struct parser *p, const struct fl_doc *item, void *ret)
{
	return read_number(p, item, fl_parse_count, batch_max, ret);
}

static int read_time(const struct parser *p, const struct fl_doc *item, void *ret)
{
	return read_number(p, item, fl_parse_ns, step_time_max_ns, ret);
}

static const struct word {
	const char *name;
	int (*read)(const struct parser *p, const struct fl_doc *item, void *ret);
	size_t offset;
} words[] = {
	{ "name", read_name, offsetof(struct fl_demand, name) },
	{ "workload", read_text, offsetof(struct fl_demand, workload) },
	{ "accelerator", read_text, offsetof(struct fl_demand, accelerator) },
	{ "record_bytes", read_bytes, offsetof(struct fl_demand, record_bytes) },
	{ "batch", read_batch, offsetof(struct fl_demand, batch) },
	{ "step_time", read_time, offsetof(struct fl_demand, step_time_ns) },
	{ "source", read_text, offsetof(struct fl_demand, source) },
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

/* ---- profiles */

static int check_words(const struct parser *p, const struct fl_doc *doc)
{
	const char *names[WORDS], *near;

	for (size_t i = 0; i < WORDS; i++) {
		names[i] = words[i].name;
		if (!fl_doc_get(doc, names[i]))
			return fail_at(p, doc, "a profile needs '%s'", names[i]);
	}
	if (doc->n == WORDS) /* keys are unique */
		return 0;
	for (size_t i = 0; i < doc->n; i++) {
		size_t k = 0;

		while (k < WORDS && strcmp(names[k], doc->items[i].key) != 0)
			k++;
		if (k < WORDS)
			continue;
		near = fl_nearest(doc->items[i].key, names, WORDS);
		fail_at(p, &doc->items[i], "unknown word '%.40s'", doc->items[i].key);
		return near ? fl_hint(p->err, "did you mean '%s'?", near) : p->err->code;
	}
	return 0;
}

static int read_profile(const struct parser *p, const struct fl_doc *doc, struct fl_demand *d)
{
	int rc;

	if (doc->kind != FL_DOC_MAP)
		return fail_at(p, doc, "a profile is a map such as '- name: unet3d-h100'");
	rc = check_words(p, doc);
	for (size_t i = 0; i < WORDS && rc == 0; i++) {
		const struct fl_doc *item = fl_doc_get(doc, words[i].name);

		if (item->kind != FL_DOC_TEXT)
			return fail_at(p, item, "'%s' wants one value", item->key);
		rc = words[i].read(p, item, (char *)d + words[i].offset);
	}
	if (rc < 0)
		return rc;
	if (d->record_bytes > step_bytes_max / d->batch)
		return fail_at(p, doc, "a batch of '%s' is larger than 64 TiB", d->name);
	d->step_bytes = (d->record_bytes * d->batch + STEP_ALIGN - 1) / STEP_ALIGN * STEP_ALIGN;
	return 0;
}

static bool is_known(const struct fl_demands *demands, const char *name)
{
	for (size_t i = 0; i < demands->n; i++)
		if (strcmp(demands->items[i].name, name) == 0)
			return true;
	return false;
}

static int read_profiles(const struct parser *p, const struct fl_doc *doc, struct fl_demands *demands)
{
	if (doc->kind != FL_DOC_LIST || doc->n == 0 || doc->n > FL_DEMANDS_MAX)
		return fail_at(p, doc, "a list of 1 to %d profiles is wanted", FL_DEMANDS_MAX);
	demands->items = fl_zalloc(doc->n, sizeof(*demands->items));
	for (size_t i = 0; i < doc->n; i++) {
		struct fl_demand *d = &demands->items[i];
		int rc = read_profile(p, &doc->items[i], d);

		if (rc == 0 && is_known(demands, d->name))
			rc = fail_at(p, &doc->items[i], "there are two profiles '%s'", d->name);
		demands->n++;
		if (rc < 0)
			return rc;
	}
	return 0;
}

int fl_demands_parse(const char *bytes, size_t n, const char *source, struct fl_demands **ret, struct fl_err *err)
{
	struct fl_err own = { 0 };
	const struct parser p = { source, err ? err : &own };
	struct fl_demands *demands;
	struct fl_doc *doc;
	int rc = fl_doc_parse(bytes, n, source, &doc, err);

	if (rc < 0)
		return rc;
	demands = fl_zalloc(1, sizeof(*demands));
	rc = read_profiles(&p, doc, demands);
	fl_doc_free(doc);
	if (rc < 0)
		fl_demands_free(demands);
	else
		*ret = demands;
	return rc;
}

int fl_demands_load(const char *path, struct fl_demands **ret, struct fl_err *err)
{
	struct fl_text text = { 0 };
	const char *slash = strrchr(path, '/');
	int rc = fl_file_read(AT_FDCWD, path, FL_DEMANDS_FILE_MAX, &text, err);

	if (rc == 0)
		rc = fl_demands_parse(fl_text_str(&text), text.n, slash ? slash + 1 : path, ret, err);
	fl_text_release(&text);
	return rc;
}

void fl_demands_free(struct fl_demands *demands)
{
	if (!demands)
		return;
	for (size_t i = 0; i < demands->n; i++) {
		free(demands->items[i].name);
		free(demands->items[i].workload);
		free(demands->items[i].accelerator);
		free(demands->items[i].source);
	}
	free(demands->items);
	free(demands);
}

int fl_demand_find(const struct fl_demands *demands, const char *name, const struct fl_demand **ret, struct fl_err *err)
{
	const char *names[FL_DEMANDS_MAX], *near;

	for (size_t i = 0; i < demands->n; i++) {
		names[i] = demands->items[i].name;
		if (strcmp(names[i], name) == 0) {
			*ret = &demands->items[i];
			return 0;
		}
	}
	near = fl_nearest(name, names, demands->n);
	fl_fail(err, -EINVAL, "unknown demand '%.60s'", name);
	if (near)
		return fl_hint(err, "did you mean '%s'?", near);
	return fl_hint(err, "'feedline list --demands' shows all of them");
}

double fl_demand_rate(const struct fl_demand *d)
{
	return (double)d->step_bytes / ((double)d->step_time_ns / 1e9);
}

json_t *fl_demand_json(const struct fl_demand *d)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", fl_json_string(d->name));
	json_object_set_new(o, "workload", fl_json_string(d->workload));
	json_object_set_new(o, "accelerator", fl_json_string(d->accelerator));
	json_object_set_new(o, "record_bytes", json_integer((json_int_t)d->record_bytes));
	json_object_set_new(o, "batch", json_integer((json_int_t)d->batch));
	json_object_set_new(o, "step_bytes", json_integer((json_int_t)d->step_bytes));
	json_object_set_new(o, "step_time_ns", json_integer((json_int_t)d->step_time_ns));
	json_object_set_new(o, "bytes_per_s", fl_json_number(fl_demand_rate(d)));
	json_object_set_new(o, "source", fl_json_string(d->source));
	return o;
}
