/* SPDX-License-Identifier: Apache-2.0 */
/* command.c: commands that measure again what was planned, to be pasted into a shell. What differs from the presets is
 * named, quantities as people write them. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/json.h"
#include "base/units.h"
#include "judge/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES_MAX = 16 }; /* of a case that is written as a suite on one line */

#define BRIEFLY "2s" /* instead of the lane's own duration */

/* In the largest unit that leaves no rest: "64MiB", "1500us"; other texts as they are. malloc'd. */
static char *text_of(const struct fl_field *field, const char *text)
{
	static const struct {
		enum fl_type type;
		uint64_t size;
		const char *name;
	} units[] = {
		{ FL_BYTES, UINT64_C(1) << 30, "GiB" },
		{ FL_BYTES, 1 << 20, "MiB" },
		{ FL_BYTES, 1 << 10, "KiB" },
		{ FL_NS, 1000000000, "s" },
		{ FL_NS, 1000000, "ms" },
		{ FL_NS, 1000, "us" },
		{ FL_NS, 1, "ns" }, /* a bare number is no time */
	};
	uint64_t value = 0;

	if ((field->type != FL_BYTES && field->type != FL_NS) || fl_parse_count(text, &value, NULL) < 0)
		return fl_dup(text);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].type == field->type && value && value % units[i].size == 0)
			return fl_format("%llu%s", (unsigned long long)(value / units[i].size), units[i].name);
	return fl_format("%s%s", text, field->type == FL_NS ? "ns" : "");
}

static bool is_preset(const struct fl_field *field, const char *text)
{
	char *canon = NULL;
	bool is = field->preset && field->type != FL_DEVICE &&
		  fl_field_canon(field, field->preset, &canon, NULL) == 0 && strcmp(canon, text) == 0;

	free(canon);
	return is;
}

/* Options that it does not name: how long, its place among equal lanes, and what a demand stands for. */
static bool is_left_out(const struct fl_subject *s, const json_t *options, const struct fl_field *field,
			const char *text)
{
	const char *name = field->name;

	if (strcmp(name, "duration") == 0 || (s->entry->lane && strcmp(name, s->entry->lane) == 0))
		return true;
	if (json_object_get(options, "demand") && (strcmp(name, "step_bytes") == 0 || strcmp(name, "step_time") == 0))
		return true;
	return is_preset(field, text);
}

/* The next option that the command names; the iterator is jansson's, NULL at the end. */
static void *next_option(const struct fl_subject *s, json_t *options, void *at, const struct fl_field **ret_field)
{
	while ((at = at ? json_object_iter_next(options, at) : json_object_iter(options)) != NULL) {
		*ret_field = fl_entry_field(s->entry, json_object_iter_key(at));
		if (*ret_field && json_is_string(json_object_iter_value(at)) &&
		    !is_left_out(s, options, *ret_field, json_string_value(json_object_iter_value(at))))
			break;
	}
	return at;
}

void fl_add_bench_command(const struct fl_subject *s, struct fl_text *out)
{
	json_t *options = json_object_get(s->planned, "options");
	const struct fl_field *field;
	char *text;

	fl_text_add(out, "feedline bench %s", s->bench);
	for (void *at = NULL; (at = next_option(s, options, at, &field)) != NULL;) {
		fl_text_add(out, " --");
		for (const char *c = field->name; *c; c++)
			fl_text_add(out, "%c", *c == '_' ? '-' : *c);
		fl_text_add(out, " ");
		text = text_of(field, json_string_value(json_object_iter_value(at)));
		fl_text_quote(out, text);
		free(text);
	}
}

/* ---- lanes that ran together: their case as a suite, YAML on one line */

/* A text in JSON's quotes, which are YAML's, too. */
static void add_quoted(struct fl_text *out, const struct fl_field *field, const char *text)
{
	char *whole = text_of(field, text);
	json_t *string = json_string(whole);
	char *quoted = json_dumps(string, JSON_ENCODE_ANY);

	fl_text_add(out, "%s", quoted ? quoted : "\"\"");
	free(quoted);
	json_decref(string);
	free(whole);
}

static void add_rule(struct fl_text *out, const struct fl_subject *s)
{
	json_t *options = json_object_get(s->planned, "options");
	const struct fl_field *field;

	fl_text_add(out, "{bench: %s, with: {", s->bench);
	for (void *at = NULL; (at = next_option(s, options, at, &field)) != NULL;) {
		fl_text_add(out, "%s: ", field->name);
		add_quoted(out, field, json_string_value(json_object_iter_value(at)));
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

/* ---- closed loops */

enum { LOOP_STEPS = 10, LOOP_CASES = 4, LOOP_ROUND_S = 5 };

static double option_of(const struct fl_subject *s, const char *name)
{
	const char *text = fl_json_text_or_null(json_object_get(s->planned, "options"), name);
	uint64_t value = 0;

	return text && fl_parse_count(text, &value, NULL) == 0 ? (double)value : 0;
}

static double loop_duration_s(const struct fl_subject *s)
{
	return fmax(2, ceil(fmin(1e6, LOOP_STEPS * option_of(s, "step_time") / 1e9)));
}

/* Each case measures, starts workers, and fills and checks what its batches go through, at some GB/s. */
static int loop_time_s(const struct fl_subject *s)
{
	double lanes = s->entry->lanes ? fmax(1, option_of(s, s->entry->lanes)) : 1;
	double filled = lanes * option_of(s, "step_bytes") * (option_of(s, "prefetch") + 2);
	double time_s = LOOP_CASES * (loop_duration_s(s) + 1 + fmin(1e6, filled / 2e9));

	return (int)ceil(time_s / LOOP_ROUND_S) * LOOP_ROUND_S;
}

/* A measurement between hosts is made again from any of them that reaches the others. */
static char *group_command(const struct fl_subject *s, char **ret_when)
{
	struct fl_text t = { 0 };

	*ret_when = fl_dup("in at most 10 s");
	fl_add_bench_command(s, &t);
	fl_text_add(&t, " --hosts ");
	fl_text_quote(&t, s->group_hosts);
	fl_text_add(&t, " --duration " BRIEFLY);
	return t.bytes;
}

/* "in at most 10 s, on n3"; takes the text. */
static char *on_host(const struct fl_subject *s, char *when)
{
	char *whole;

	if (!s->host)
		return when;
	whole = fl_format("%s, on %s", when, s->host);
	free(when);
	return whole;
}

char *fl_again_command(const struct fl_subject *s, char **ret_when)
{
	bool loop = fl_entry_is_loop(s->entry);
	bool demanded = json_object_get(json_object_get(s->planned, "options"), "demand");
	struct fl_text t = { 0 };

	*ret_when = NULL;
	if (s->spans)
		return group_command(s, ret_when);
	if (!s->alone && (s->case_lanes > LANES_MAX || s->case_lanes == 1))
		return NULL;
	*ret_when = on_host(s, loop ? fl_format("in about %d s", loop_time_s(s)) : fl_dup("in at most 10 s"));
	if (!s->alone)
		return suite_command(s - s->lane, s->case_lanes);
	fl_add_bench_command(s, &t);
	if (loop && !demanded) /* which sees to it by itself */
		fl_text_add(&t, " --duration %.0fs", loop_duration_s(s));
	else if (!loop)
		fl_text_add(&t, " --duration " BRIEFLY);
	return t.bytes;
}
