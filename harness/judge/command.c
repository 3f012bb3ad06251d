/* SPDX-License-Identifier: Apache-2.0 */
/* command.c: commands that measure again what was planned, to be pasted into a shell. Every option is named, also where
 * it had its preset, so that they mean the same tomorrow. */
#include "base/alloc.h"
#include "judge/parts.h"
#include <stdlib.h>
#include <string.h>

enum { LANES_MAX = 16 }; /* of a case that is written as a suite on one line */

#define BRIEFLY "2s" /* instead of the lane's own duration */

/* A bare number is no time. */
static const char *unit_of(const struct fl_field *field)
{
	return field->type == FL_NS ? "ns" : "";
}

/* Options that it does not name: how long, its place among equal lanes, and the name of what is wanted, which is said
 * in full. */
static bool is_left_out(const struct fl_entry *e, const char *name)
{
	return strcmp(name, "duration") == 0 || strcmp(name, "demand") == 0 || (e->lane && strcmp(name, e->lane) == 0);
}

/* The next option that the command names; the iterator is jansson's, NULL at the end. */
static void *next_option(const struct fl_subject *s, json_t *options, void *at, const struct fl_field **ret_field)
{
	while ((at = at ? json_object_iter_next(options, at) : json_object_iter(options)) != NULL) {
		*ret_field = fl_entry_field(s->entry, json_object_iter_key(at));
		if (*ret_field && json_is_string(json_object_iter_value(at)) &&
		    !is_left_out(s->entry, (*ret_field)->name))
			break;
	}
	return at;
}

void fl_add_bench_command(const struct fl_subject *s, struct fl_text *out)
{
	json_t *options = json_object_get(s->planned, "options");
	const struct fl_field *field;

	fl_text_add(out, "feedline bench %s", s->bench);
	for (void *at = NULL; (at = next_option(s, options, at, &field)) != NULL;) {
		fl_text_add(out, " --");
		for (const char *c = field->name; *c; c++)
			fl_text_add(out, "%c", *c == '_' ? '-' : *c);
		fl_text_add(out, " ");
		fl_text_quote(out, json_string_value(json_object_iter_value(at)));
		fl_text_add(out, "%s", unit_of(field));
	}
}

/* ---- lanes that ran together: their case as a suite, YAML on one line */

/* A text in JSON's quotes, which are YAML's, too. */
static void add_quoted(struct fl_text *out, const char *text, const char *unit)
{
	json_t *whole = json_sprintf("%s%s", text, unit);
	char *quoted = json_dumps(whole, JSON_ENCODE_ANY);

	fl_text_add(out, "%s", quoted ? quoted : "\"\"");
	free(quoted);
	json_decref(whole);
}

static void add_rule(struct fl_text *out, const struct fl_subject *s)
{
	json_t *options = json_object_get(s->planned, "options");
	const struct fl_field *field;

	fl_text_add(out, "{bench: %s, with: {", s->bench);
	for (void *at = NULL; (at = next_option(s, options, at, &field)) != NULL;) {
		fl_text_add(out, "%s: ", field->name);
		add_quoted(out, json_string_value(json_object_iter_value(at)), unit_of(field));
		fl_text_add(out, ", ");
	}
	fl_text_add(out, "duration: " BRIEFLY "}}");
}

static char *suite_command(const struct fl_subject *lanes, unsigned n)
{
	struct fl_text suite = { 0 }, command = { 0 };

	fl_text_add(&suite, "[{together: [");
	for (unsigned i = 0; i < n; i++) {
		fl_text_add(&suite, "%s", i ? ", " : "");
		add_rule(&suite, &lanes[i]);
	}
	fl_text_add(&suite, "]}]");
	fl_text_add(&command, "printf %%s ");
	fl_text_quote(&command, suite.bytes);
	fl_text_add(&command, " | feedline run --suite /dev/stdin");
	fl_text_release(&suite);
	return command.bytes;
}

char *fl_again_command(const struct fl_subject *s)
{
	struct fl_text t = { 0 };

	if (!s->alone && (s->case_lanes > LANES_MAX || s->case_lanes == 1))
		return NULL;
	if (!s->alone)
		return suite_command(s - s->lane, s->case_lanes);
	fl_add_bench_command(s, &t);
	fl_text_add(&t, " --duration " BRIEFLY);
	return t.bytes;
}
