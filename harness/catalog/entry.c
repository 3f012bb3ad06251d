/* SPDX-License-Identifier: Apache-2.0 */
/* entry.c: one benchmark's declarations to and from JSON. What is read is hostile: every text is bounded and printable,
 * every table is bounded, names are unique, and what one row says of another holds, so that no later stage checks
 * again. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "base/tape.h"
#include "base/threads.h"
#include "base/units.h"
#include "catalog/catalog.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_CHARS = 64, TEXT_MAX_CHARS = 800, ROWS_MAX = 64, AT_ROOM = 160 };

/* ---- texts */

static int copy_text(const char *text, const char *at, const char *key, const char **ret, struct fl_err *err)
{
	if (strlen(text) > TEXT_MAX_CHARS)
		return fl_fail(err, -EINVAL, "%s: '%s' is longer than %d bytes", at, key, TEXT_MAX_CHARS);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			return fl_fail(err, -EINVAL, "%s: '%s' holds control characters", at, key);
	*ret = fl_dup(text);
	return 0;
}

static int read_text(const json_t *o, const char *at, const char *key, const char **ret, struct fl_err *err)
{
	const char *text;
	int rc = fl_json_text(o, at, key, &text, err);

	return rc ? rc : copy_text(text, at, key, ret, err);
}

/* Absent or null: NULL. */
static int read_optional(const json_t *o, const char *at, const char *key, const char **ret, struct fl_err *err)
{
	if (json_is_null(json_object_get(o, key)) || !json_object_get(o, key)) {
		*ret = NULL;
		return 0;
	}
	return read_text(o, at, key, ret, err);
}

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"

/* A name that users type and that becomes a JSON key and an option. */
static int read_name(const json_t *o, const char *at, const char *key, const char *chars, const char **ret,
		     struct fl_err *err)
{
	const char *text;
	int rc = fl_json_text(o, at, key, &text, err);
	size_t n;

	if (rc)
		return rc;
	n = strlen(text);
	if (n > NAME_MAX_CHARS || strspn(text, chars) != n || text[0] < 'a')
		return fl_fail(err, -EINVAL, "%s: '%s' must begin with a-z and hold at most %d of '%s'", at, key,
			       NAME_MAX_CHARS, chars);
	*ret = fl_dup(text);
	return 0;
}

/* ---- rows: each begins with its name, which is set first, so that a half-read table can be released */

static int read_field(const json_t *o, const char *at, void *row, struct fl_err *err)
{
	struct fl_field *f = row;
	const char *type;
	int rc = read_name(o, at, "name", NAME_CHARS, &f->name, err);

	if (rc == 0)
		rc = fl_json_text(o, at, "type", &type, err);
	if (rc)
		return rc;
	if (fl_type_of(type) < 0)
		return fl_fail(err, -EINVAL, "%s: unknown type '%s'", at, type);
	f->type = (enum fl_type)fl_type_of(type);
	rc = read_optional(o, at, "preset", &f->preset, err);
	if (rc == 0)
		rc = read_optional(o, at, "range", &f->range, err);
	if (rc == 0)
		rc = read_text(o, at, "help", &f->help, err);
	return rc;
}

static int read_metric(const json_t *o, const char *at, void *row, struct fl_err *err)
{
	struct fl_metric *m = row;
	const char *from, *better;
	int rc = read_name(o, at, "name", NAME_CHARS, &m->name, err);

	if (rc == 0)
		rc = fl_json_text(o, at, "from", &from, err);
	if (rc == 0)
		rc = fl_json_text(o, at, "better", &better, err);
	if (rc)
		return rc;
	if (fl_from_of(from) < 0)
		return fl_fail(err, -EINVAL, "%s: unknown source '%s' of a metric", at, from);
	if (fl_better_of(better) < 0)
		return fl_fail(err, -EINVAL, "%s: '%s' is neither higher, lower nor neither", at, better);
	m->from = (enum fl_from)fl_from_of(from);
	m->better = (enum fl_better)fl_better_of(better);
	return read_text(o, at, "help", &m->help, err);
}

static int read_fact(const json_t *o, const char *at, void *row, struct fl_err *err)
{
	struct fl_fact *f = row;
	int rc = read_name(o, at, "name", NAME_CHARS, &f->name, err);

	if (rc == 0)
		rc = fl_json_bool(o, at, "key", &f->key, err);
	return rc ? rc : read_text(o, at, "help", &f->help, err);
}

static int read_flow(const json_t *o, const char *at, void *row, struct fl_err *err)
{
	struct fl_flow *f = row;
	int rc = read_name(o, at, "from", NAME_CHARS, &f->from, err);

	if (rc == 0)
		rc = read_name(o, at, "to", NAME_CHARS, &f->to, err);
	if (rc)
		return rc;
	f->per_byte = fl_json_number_or_nan(o, "per_byte");
	if (!(f->per_byte > 0 && f->per_byte <= 1e6))
		return fl_fail(err, -EINVAL, "%s: 'per_byte' is not a number of crossings", at);
	return read_optional(o, at, "when", &f->when, err);
}

/* Absent or null: none. */
static int read_peer(const json_t *doc, const char *at, struct fl_peer *ret, struct fl_err *err)
{
	json_t *o = NULL;
	int rc = 0;

	if (json_object_get(doc, "peer") && !json_is_null(json_object_get(doc, "peer")))
		rc = fl_json_object(doc, at, "peer", &o, err);
	if (!o)
		return rc;
	rc = read_text(o, at, "tool", &ret->tool, err);
	if (rc == 0)
		rc = read_text(o, at, "command", &ret->command, err);
	if (rc == 0)
		rc = read_text(o, at, "prints", &ret->prints, err);
	if (rc == 0)
		rc = read_optional(o, at, "escape", &ret->escape, err);
	ret->counts = fl_json_number_or_nan(o, "counts");
	if (rc == 0 && !(ret->counts > 0 && ret->counts <= 1e6))
		return fl_fail(err, -EINVAL, "%s: 'counts' of its peer is not a number of bytes", at);
	return rc;
}

static int read_rung(const json_t *o, const char *at, void *row, struct fl_err *err)
{
	struct fl_rung *r = row;
	int rc = read_text(o, at, "name", &r->name, err);

	if (rc == 0)
		rc = read_optional(o, at, "bench", &r->bench, err);
	if (rc == 0)
		rc = read_text(o, at, "source", &r->source, err);
	if (rc == 0)
		rc = read_optional(o, at, "after", &r->after, err);
	return rc ? rc : read_optional(o, at, "hop", &r->hop, err);
}

static const char *row_name(const void *table, size_t row_bytes, size_t i)
{
	const char *name;

	memcpy(&name, (const char *)table + i * row_bytes, sizeof(name));
	return name;
}

/* The array `key` as a table with a zeroed row at its end. What was read stays in *ret even on failure. */
static int read_table(const json_t *o, const char *at, const char *key, size_t row_bytes,
		      int (*row)(const json_t *, const char *, void *, struct fl_err *), void *ret, struct fl_err *err)
{
	json_t *array;
	int rc = fl_json_array(o, at, key, ROWS_MAX, &array, err);
	size_t n = rc ? 0 : json_array_size(array);
	char *table = fl_zalloc(n + 1, row_bytes), where[AT_ROOM];

	memcpy(ret, &table, sizeof(table));
	for (size_t i = 0; i < n && rc == 0; i++) {
		snprintf(where, sizeof(where), "%s.%s[%zu]", at, key, i);
		rc = row(json_array_get(array, i), where, table + i * row_bytes, err);
	}
	return rc;
}

/* ---- what holds between rows */

static int check_unique(const void *table, size_t row_bytes, const char *at, const char *key, struct fl_err *err)
{
	for (size_t i = 0; row_name(table, row_bytes, i); i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(row_name(table, row_bytes, i), row_name(table, row_bytes, j)) == 0)
				return fl_fail(err, -EINVAL, "%s.%s: '%s' is declared twice", at, key,
					       row_name(table, row_bytes, i));
	return 0;
}

static bool is_device_kind(const char *kind)
{
	static const char *const kinds[] = { "node", "drive", "nic", "rdma", "gpu", "node|gpu" };

	for (size_t i = 0; kind && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
}

/* A preset is read as the user's text would be, so a manifest with one that cannot be used is refused as a whole. */
static int check_fields(const struct fl_entry *e, const char *at, struct fl_err *err)
{
	struct fl_err why = { 0 };
	char *canon;
	int rc = check_unique(e->fields, sizeof(*e->fields), at, "fields", err);

	for (const struct fl_field *f = e->fields; f->name && rc == 0; f++) {
		if (f->type == FL_DEVICE && !is_device_kind(f->range))
			return fl_fail(err, -EINVAL, "%s: option '%s' names no kind of device", at, f->name);
		if (f->type == FL_CHOICE && !f->range)
			return fl_fail(err, -EINVAL, "%s: option '%s' has no choices", at, f->name);
		if (f->type == FL_DEVICE || !f->preset)
			continue;
		if (fl_field_canon(f, f->preset, &canon, &why) < 0)
			return fl_fail(err, -EINVAL, "%s: preset of %s", at, why.what);
		free(canon);
	}
	return rc;
}

static int check_metrics(const struct fl_entry *e, const char *at, struct fl_err *err)
{
	unsigned given = 0, hists = 0;
	int rc = check_unique(e->metrics, sizeof(*e->metrics), at, "metrics", err);

	for (const struct fl_metric *m = e->metrics; m->name; m++) {
		given += m->from == FL_GIVEN;
		hists += m->from == FL_DISTRIBUTION;
	}
	if (rc == 0 && (given > FL_TAPE_GIVEN_MAX || hists > FL_TAPE_HISTS_MAX))
		return fl_fail(err, -EINVAL, "%s: more than %d given metrics or %d distributions", at,
			       FL_TAPE_GIVEN_MAX, FL_TAPE_HISTS_MAX);
	return rc;
}

/* Does `name` say where something is: an option that holds a device or a path? */
static bool is_place(const struct fl_entry *e, const char *name)
{
	const struct fl_field *f = fl_entry_field(e, name);

	return f && (f->type == FL_DEVICE || f->type == FL_PATH);
}

static bool is_end(const struct fl_entry *e, const char *name)
{
	return strcmp(name, "cpu") == 0 || strcmp(name, "memory") == 0 || strcmp(name, "own_memory") == 0 ||
	       (strcmp(name, "interface") == 0 && fl_entry_field(e, name)) || is_place(e, name);
}

static int check_places(const struct fl_entry *e, const char *at, struct fl_err *err)
{
	for (const struct fl_flow *f = e->flows; f->from; f++) {
		const char *ends[] = { f->from, f->to };
		int rc = fl_flow_check(e, f, at, err);

		if (rc < 0)
			return rc;

		for (size_t i = 0; i < 2; i++)
			if (!is_end(e, ends[i]))
				return fl_fail(err, -EINVAL, "%s: a flow ends at '%s', which is no device or path", at,
					       ends[i]);
	}
	if (e->numa && strcmp(e->numa, "each") != 0 && strcmp(e->numa, "interface") != 0 && !is_place(e, e->numa))
		return fl_fail(err, -EINVAL, "%s: 'numa' names '%s', which is no device or path", at, e->numa);
	return 0;
}

/* "cpus", digits, or an option that is a count. */
static int check_threads(const struct fl_entry *e, const char *at, struct fl_err *err)
{
	const struct fl_field *option = e->threads ? fl_field_find(e->fields, e->threads) : NULL;
	uint64_t n = 0;

	if (!e->threads || fl_threads_take_cpus(e->threads) || (option && option->type == FL_COUNT))
		return 0;
	if (fl_parse_count(e->threads, &n, NULL) == 0 && n > 0 && n <= FL_TAPE_THREADS_MAX)
		return 0;
	return fl_fail(err, -EINVAL, "%s: 'threads' is '%s': neither 'cpus', 1 to %d, nor an option that is a count",
		       at, e->threads, FL_TAPE_THREADS_MAX);
}

/* ---- the whole */

static int read_heads(const json_t *doc, const char *at, struct fl_entry *e, struct fl_err *err)
{
	int rc = read_name(doc, at, "name", NAME_CHARS ".", (const char **)&e->name, err);

	if (rc == 0)
		rc = read_text(doc, at, "summary", (const char **)&e->summary, err);
	if (rc == 0)
		rc = read_optional(doc, at, "unavailable", (const char **)&e->unavailable, err);
	if (rc == 0)
		rc = read_optional(doc, at, "numa", (const char **)&e->numa, err);
	if (rc == 0)
		rc = read_optional(doc, at, "threads", (const char **)&e->threads, err);
	return rc ? rc : fl_json_bool(doc, at, "verifies", &e->verifies, err);
}

static int read_tables(const json_t *doc, const char *at, struct fl_entry *e, struct fl_err *err)
{
	int rc = read_table(doc, at, "fields", sizeof(*e->fields), read_field, &e->fields, err);

	if (rc == 0)
		rc = read_table(doc, at, "metrics", sizeof(*e->metrics), read_metric, &e->metrics, err);
	if (rc == 0)
		rc = read_table(doc, at, "facts", sizeof(*e->facts), read_fact, &e->facts, err);
	if (rc == 0)
		rc = read_table(doc, at, "flows", sizeof(*e->flows), read_flow, &e->flows, err);
	return rc ? rc : read_peer(doc, at, &e->peer, err);
}

/* A record from before there were closed loops, or roles, has none of this. */
static int read_loop(const json_t *doc, const char *at, struct fl_entry *e, struct fl_err *err)
{
	int rc = read_optional(doc, at, "lanes", (const char **)&e->lanes, err);

	if (rc == 0)
		rc = read_optional(doc, at, "lane", (const char **)&e->lane, err);
	if (rc == 0)
		rc = read_optional(doc, at, "open_loop", (const char **)&e->open_loop, err);
	if (rc == 0)
		rc = read_optional(doc, at, "roles", (const char **)&e->roles, err);
	if (rc == 0)
		rc = read_optional(doc, at, "measured_at", (const char **)&e->measured_at, err);
	if (rc == 0)
		rc = read_optional(doc, at, "measured_when", (const char **)&e->measured_when, err);
	e->whole = fl_json_bool_or(doc, "whole", false);
	e->device_clock = fl_json_bool_or(doc, "device_clock", false);
	e->lockstep = fl_json_bool_or(doc, "lockstep", false);
	if (rc == 0 && json_object_get(doc, "rungs"))
		return read_table(doc, at, "rungs", sizeof(*e->rungs), read_rung, &e->rungs, err);
	e->rungs = fl_zalloc(1, sizeof(*e->rungs));
	return rc;
}

int fl_entry_read(const json_t *doc, const char *at, struct fl_entry *ret, struct fl_err *err)
{
	struct fl_entry e = { 0 };
	int rc = read_heads(doc, at, &e, err);

	if (rc == 0)
		rc = read_tables(doc, at, &e, err);
	if (rc == 0)
		rc = read_loop(doc, at, &e, err);
	if (rc == 0)
		rc = check_fields(&e, at, err);
	if (rc == 0)
		rc = check_metrics(&e, at, err);
	if (rc == 0)
		rc = check_unique(e.facts, sizeof(*e.facts), at, "facts", err);
	if (rc == 0)
		rc = check_places(&e, at, err);
	if (rc == 0)
		rc = check_threads(&e, at, err);
	if (rc == 0)
		rc = fl_loop_check(&e, at, err);
	if (rc == 0)
		rc = fl_roles_check(&e, at, err);
	if (rc == 0)
		rc = fl_peer_check(&e, at, err);
	if (rc)
		fl_entry_release(&e);
	else
		*ret = e;
	return rc;
}

static void release_fields(struct fl_field *fields)
{
	for (struct fl_field *f = fields; f && f->name; f++) {
		free((void *)f->name);
		free((void *)f->preset);
		free((void *)f->range);
		free((void *)f->help);
	}
	free(fields);
}

static void release_metrics(struct fl_metric *metrics)
{
	for (struct fl_metric *m = metrics; m && m->name; m++) {
		free((void *)m->name);
		free((void *)m->help);
	}
	free(metrics);
}

static void release_facts(struct fl_fact *facts)
{
	for (struct fl_fact *f = facts; f && f->name; f++) {
		free((void *)f->name);
		free((void *)f->help);
	}
	free(facts);
}

static void release_flows(struct fl_flow *flows)
{
	for (struct fl_flow *f = flows; f && f->from; f++) {
		free((void *)f->from);
		free((void *)f->to);
		free((void *)f->when);
	}
	free(flows);
}

static void release_peer(struct fl_peer *p)
{
	free((void *)p->tool);
	free((void *)p->command);
	free((void *)p->prints);
	free((void *)p->escape);
}

static void release_rungs(struct fl_rung *rungs)
{
	for (struct fl_rung *r = rungs; r && r->name; r++) {
		free((void *)r->name);
		free((void *)r->bench);
		free((void *)r->source);
		free((void *)r->after);
		free((void *)r->hop);
	}
	free(rungs);
}

void fl_entry_release(struct fl_entry *e)
{
	free(e->name);
	free(e->summary);
	free(e->program);
	free(e->unavailable);
	free(e->numa);
	free(e->threads);
	release_fields(e->fields);
	release_metrics(e->metrics);
	release_facts(e->facts);
	release_flows(e->flows);
	release_peer(&e->peer);
	free(e->lanes);
	free(e->lane);
	free(e->open_loop);
	free(e->roles);
	free(e->measured_at);
	free(e->measured_when);
	release_rungs(e->rungs);
	*e = (struct fl_entry){ 0 };
}
