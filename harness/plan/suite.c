/* SPDX-License-Identifier: Apache-2.0 */
/* suite.c: a suite file as rules. Knows the grammar and nothing of benchmarks or machines. */
#include "plan/suite.h"
#include "base/alloc.h"
#include "base/doc.h"
#include "base/text.h"
#include "base/units.h"
#include "plan/parts.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	const char *source;
	struct fl_err *err;
};

int fl_fail_at(struct fl_spot spot, struct fl_err *err, int code, const char *fmt, ...)
{
	char what[sizeof(err->what)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	if (spot.line == 0)
		return fl_fail(err, code, "%s", what);
	return fl_fail(err, code, "%s:%u:%u: %s", spot.source, spot.line, spot.column, what);
}

static struct fl_spot spot_of(const struct parser *p, const struct fl_doc *node)
{
	return (struct fl_spot){ p->source, node->line, node->column };
}

static struct fl_spot spot_of_key(const struct parser *p, const struct fl_doc *node)
{
	return (struct fl_spot){ p->source, node->key_line, node->key_column };
}

static int read_rules(struct parser *p, const struct fl_doc *doc, bool inside, struct fl_rule **ret, size_t *ret_n);

static int read_bench(struct parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	if (item->kind != FL_DOC_TEXT || !item->text[0])
		return fl_fail_at(spot_of(p, item), p->err, -EINVAL, "'bench' wants the name of a benchmark");
	rule->bench = fl_dup(item->text);
	return 0;
}

static int read_with(struct parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	if (item->kind != FL_DOC_MAP) {
		fl_fail_at(spot_of(p, item), p->err, -EINVAL, "'with' wants a map of options");
		return fl_hint(p->err, "write it as: with: {duration: 500ms}");
	}
	rule->with = fl_zalloc(item->n, sizeof(*rule->with));
	for (size_t i = 0; i < item->n; i++) {
		const struct fl_doc *option = &item->items[i];

		if (option->kind != FL_DOC_TEXT)
			return fl_fail_at(spot_of(p, option), p->err, -EINVAL, "option '%s' wants one value",
					  option->key);
		rule->with[rule->with_n++] = (struct fl_setting){ .name = fl_dup(option->key),
								  .text = fl_dup(option->text),
								  .line = option->line,
								  .column = option->column };
	}
	return 0;
}

/* A list of names, each once. */
static int read_names(struct parser *p, const struct fl_doc *item, struct fl_setting **ret, size_t *ret_n)
{
	if (item->kind != FL_DOC_LIST)
		return fl_fail_at(spot_of(p, item), p->err, -EINVAL, "'%s' wants a list of names", item->key);
	*ret = fl_zalloc(item->n, sizeof(**ret));
	for (size_t i = 0; i < item->n; i++) {
		const struct fl_doc *name = &item->items[i];

		if (name->kind != FL_DOC_TEXT || !name->text[0])
			return fl_fail_at(spot_of(p, name), p->err, -EINVAL, "'%s' wants names", item->key);
		for (size_t k = 0; k < i; k++)
			if (strcmp(item->items[k].text, name->text) == 0)
				return fl_fail_at(spot_of(p, name), p->err, -EINVAL, "'%s' names '%s' twice", item->key,
						  name->text);
		(*ret)[(*ret_n)++] =
			(struct fl_setting){ .name = fl_dup(name->text), .line = name->line, .column = name->column };
	}
	return 0;
}

static int read_each(struct parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	return read_names(p, item, &rule->each, &rule->each_n);
}

static int read_require(struct parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	return read_names(p, item, &rule->require, &rule->require_n);
}

static int read_together(struct parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	return read_rules(p, item, true, &rule->together, &rule->together_n);
}

static int read_repeat(struct parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	uint64_t n = 0;

	if (item->kind != FL_DOC_TEXT || fl_parse_count(item->text, &n, NULL) < 0 || n < 1 || n > FL_ROUNDS_MAX)
		return fl_fail_at(spot_of(p, item), p->err, -EINVAL, "'repeat' wants a number of rounds from 1 to %d",
				  FL_ROUNDS_MAX);
	rule->repeat = (unsigned)n;
	return 0;
}

/* The whole grammar of a rule. `outside`: not for a rule inside `together`, whose lanes share one case. */
static const struct word {
	const char *name;
	int (*read)(struct parser *p, const struct fl_doc *item, struct fl_rule *rule);
	bool outside;
} words[] = {
	{ "bench", read_bench, false },	     { "with", read_with, false },    { "each", read_each, false },
	{ "together", read_together, true }, { "repeat", read_repeat, true }, { "require", read_require, true },
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

static int find_word(struct parser *p, const struct fl_doc *item, const struct word **ret)
{
	const char *names[WORDS];

	for (size_t i = 0; i < WORDS; i++) {
		names[i] = words[i].name;
		if (strcmp(words[i].name, item->key) == 0) {
			*ret = &words[i];
			return 0;
		}
	}
	fl_fail_at(spot_of_key(p, item), p->err, -EINVAL, "unknown word '%s'", item->key);
	const char *near = fl_nearest(item->key, names, WORDS);
	if (near)
		return fl_hint(p->err, "did you mean '%s'?", near);
	return fl_hint(p->err, "a rule knows bench, with, each, together, repeat, require");
}

static int check_rule(struct parser *p, const struct fl_doc *doc, const struct fl_rule *rule)
{
	struct fl_spot spot = spot_of(p, doc);

	if (rule->bench && rule->together)
		return fl_fail_at(spot, p->err, -EINVAL, "a rule has either 'bench' or 'together', not both");
	if (!rule->bench && !rule->together)
		return fl_fail_at(spot, p->err, -EINVAL, "a rule needs 'bench' or 'together'");
	if (rule->together && (rule->with || rule->each)) {
		fl_fail_at(spot, p->err, -EINVAL, "'with' and 'each' belong to a benchmark, not to 'together'");
		return fl_hint(p->err, "write them into the rules below 'together'");
	}
	return 0;
}

static int read_rule(struct parser *p, const struct fl_doc *doc, bool inside, struct fl_rule *rule)
{
	int rc;

	*rule = (struct fl_rule){ .line = doc->line, .column = doc->column, .repeat = 1 };
	if (doc->kind != FL_DOC_MAP)
		return fl_fail_at(spot_of(p, doc), p->err, -EINVAL, "a rule is a map such as '- bench: memory.copy'");
	for (size_t i = 0; i < doc->n; i++) {
		const struct word *word = NULL;

		rc = find_word(p, &doc->items[i], &word);
		if (rc < 0)
			return rc;
		if (inside && word->outside)
			return fl_fail_at(spot_of_key(p, &doc->items[i]), p->err, -EINVAL,
					  "'%s' cannot stand inside 'together'", word->name);
		rc = word->read(p, &doc->items[i], rule);
		if (rc < 0)
			return rc;
	}
	return check_rule(p, doc, rule);
}

static int read_rules(struct parser *p, const struct fl_doc *doc, bool inside, struct fl_rule **ret, size_t *ret_n)
{
	if (doc->kind != FL_DOC_LIST || doc->n == 0) {
		fl_fail_at(spot_of(p, doc), p->err, -EINVAL, "%s wants a list of rules",
			   inside ? "'together'" : "a suite");
		return fl_hint(p->err, "a rule is a line such as '- bench: memory.copy'");
	}
	*ret = fl_zalloc(doc->n, sizeof(**ret));
	for (size_t i = 0; i < doc->n; i++) {
		int rc = read_rule(p, &doc->items[i], inside, &(*ret)[(*ret_n)++]);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int fl_suite_parse(const char *bytes, size_t n, const char *name, const char *source, struct fl_suite **ret,
		   struct fl_err *err)
{
	struct fl_err own = { 0 };
	struct parser p = { source, err ? err : &own };
	struct fl_suite *suite;
	struct fl_doc *doc;
	int rc;

	rc = fl_doc_parse(bytes, n, source, &doc, err);
	if (rc < 0)
		return rc;
	suite = fl_zalloc(1, sizeof(*suite));
	suite->name = fl_dup(name);
	suite->source = fl_dup(source);
	rc = read_rules(&p, doc, false, &suite->rules, &suite->rules_n);
	fl_doc_free(doc);
	if (rc < 0) {
		fl_suite_free(suite);
		return rc;
	}
	*ret = suite;
	return 0;
}

struct fl_suite *fl_suite_of_bench(const char *bench, const struct fl_setting *with, size_t with_n, unsigned repeat)
{
	struct fl_suite *suite = fl_zalloc(1, sizeof(*suite));
	struct fl_rule *rule = fl_zalloc(1, sizeof(*rule));

	*rule = (struct fl_rule){ .bench = fl_dup(bench), .repeat = repeat, .with_n = with_n };
	rule->with = fl_zalloc(with_n, sizeof(*rule->with));
	for (size_t i = 0; i < with_n; i++)
		rule->with[i] = (struct fl_setting){ .name = fl_dup(with[i].name), .text = fl_dup(with[i].text) };
	*suite = (struct fl_suite){
		.name = fl_dup(bench), .source = fl_dup("command line"), .rules = rule, .rules_n = 1, .required = true
	};
	return suite;
}

static void release_settings(struct fl_setting *settings, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(settings[i].name);
		free(settings[i].text);
	}
	free(settings);
}

static void free_rules(struct fl_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(rules[i].bench);
		release_settings(rules[i].with, rules[i].with_n);
		release_settings(rules[i].each, rules[i].each_n);
		release_settings(rules[i].require, rules[i].require_n);
		free_rules(rules[i].together, rules[i].together_n);
	}
	free(rules);
}

void fl_suite_free(struct fl_suite *suite)
{
	if (!suite)
		return;
	free_rules(suite->rules, suite->rules_n);
	free(suite->name);
	free(suite->source);
	free(suite);
}
