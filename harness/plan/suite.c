/* SPDX-License-Identifier: Apache-2.0 */
/* suite.c: a suite file as rules: a list of maps, what contradicts itself in them, and their end. What a word of a rule
 * wants is in words.c. */
#include "plan/suite.h"
#include "base/alloc.h"
#include "base/doc.h"
#include "plan/parts.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static struct fl_spot spot_of(const struct fl_parser *p, const struct fl_doc *node)
{
	return (struct fl_spot){ p->source, node->line, node->column };
}

/* Of a word of the rule; of the rule itself where it lacks that word. */
static struct fl_spot spot_of_word(const struct fl_parser *p, const struct fl_doc *rule, const char *word)
{
	const struct fl_doc *item = fl_doc_get(rule, word);

	return item ? (struct fl_spot){ p->source, item->key_line, item->key_column } : spot_of(p, rule);
}

/* Words that a rule has although it is no benchmark. */
static int check_together(const struct fl_parser *p, const struct fl_doc *doc)
{
	static const char *const words[] = { "with",  "each",	"pairs", "at_once",  "beside",
					     "sweep", "across", "reach", "only_with" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!fl_doc_get(doc, words[i]))
			continue;
		fl_fail_at(spot_of_word(p, doc, words[i]), p->err, -EINVAL,
			   "'%s' belongs to a benchmark, not to 'together'", words[i]);
		return fl_hint(p->err, "write it into the rules below 'together', or into a rule of its own");
	}
	return 0;
}

/* What each kind of study needs and cannot have. */
static int check_study(const struct fl_parser *p, const struct fl_doc *doc, const struct fl_rule *rule)
{
	struct fl_spot spot = spot_of_word(p, doc, "study");

	switch (rule->study) {
	case FL_STUDY_SOLO:
		if (!rule->together && !rule->beside)
			return fl_fail_at(spot, p->err, -EINVAL, "'study: solo' wants 'together' or 'beside'");
		return 0;
	case FL_STUDY_AB:
		if (!rule->sweep || rule->sweep_range || rule->sweep_n != 2)
			return fl_fail_at(spot, p->err, -EINVAL, "'study: ab' wants a 'sweep' of exactly two values");
		return 0;
	case FL_STUDY_CALIBRATION:
		if (rule->sweep || rule->beside)
			return fl_fail_at(spot, p->err, -EINVAL,
					  "'study: calibration' goes with neither 'sweep' nor "
					  "'beside'");
		return 0;
	case FL_STUDY_STARVATION:
	case FL_STUDY_LADDER:
		if (!rule->bench || rule->sweep || rule->beside)
			return fl_fail_at(spot, p->err, -EINVAL,
					  "'study: %s' wants 'bench', and goes with neither 'sweep' nor 'beside'",
					  fl_study_name(rule->study));
		return 0;
	case FL_STUDY_REPEAT:
	case FL_STUDY_SWEEP:
	case FL_STUDY_BESIDE:
	case FL_STUDY_KINDS:
		break;
	}
	return 0;
}

/* An option of the load needs one load, and lanes at once need cases of one kind. */
static int check_devices(const struct fl_parser *p, const struct fl_doc *doc, const struct fl_rule *rule)
{
	if (rule->pairs_beside && rule->beside_n != 1)
		return fl_fail_at(spot_of_word(p, doc, "pairs"), p->err, -EINVAL,
				  "'beside.%s' in 'pairs' wants 'beside' with one rule", rule->pairs[1].name);
	if (rule->at_once &&
	    (rule->sweep || rule->beside || (rule->study != FL_STUDY_REPEAT && rule->study != FL_STUDY_CALIBRATION)))
		return fl_fail_at(
			spot_of_word(p, doc, "at_once"), p->err, -EINVAL,
			"'at_once' goes with neither 'sweep' nor 'beside', and with no 'study' but calibration");
	return 0;
}

static int check_rule(const struct fl_parser *p, const struct fl_doc *doc, const struct fl_rule *rule)
{
	struct fl_spot spot = spot_of(p, doc);

	if (rule->bench && rule->together)
		return fl_fail_at(spot, p->err, -EINVAL, "a rule has either 'bench' or 'together', not both");
	if (!rule->bench && !rule->together)
		return fl_fail_at(spot, p->err, -EINVAL, "a rule needs 'bench' or 'together'");
	if (rule->sweep && rule->beside)
		return fl_fail_at(spot_of_word(p, doc, "beside"), p->err, -EINVAL,
				  "a rule is one study: 'sweep' or 'beside', not both");
	if (rule->repeat_least < rule->repeat && rule->study != FL_STUDY_REPEAT) {
		fl_fail_at(spot_of_word(p, doc, "repeat"), p->err, -EINVAL, "this study wants one number of rounds");
		return fl_hint(p->err, "a least and a most are for rules without 'sweep', 'beside' and 'study'");
	}
	if (rule->together && check_together(p, doc) < 0)
		return p->err->code;
	if (check_devices(p, doc, rule) < 0)
		return p->err->code;
	return check_study(p, doc, rule);
}

/* Which study the words make, where `study` does not say it. */
static void settle_study(struct fl_rule *rule)
{
	if (rule->study != FL_STUDY_REPEAT)
		return;
	if (rule->sweep)
		rule->study = FL_STUDY_SWEEP;
	else if (rule->beside)
		rule->study = FL_STUDY_BESIDE;
}

static int read_rule(const struct fl_parser *p, const struct fl_doc *doc, const char *inside, struct fl_rule *rule)
{
	*rule = (struct fl_rule){ .line = doc->line, .column = doc->column, .repeat = 1, .repeat_least = 1 };
	if (doc->kind != FL_DOC_MAP)
		return fl_fail_at(spot_of(p, doc), p->err, -EINVAL, "a rule is a map such as '- bench: memory.copy'");
	for (size_t i = 0; i < doc->n; i++) {
		int rc = fl_word_read(p, &doc->items[i], inside, rule);

		if (rc < 0)
			return rc;
	}
	settle_study(rule);
	return check_rule(p, doc, rule);
}

int fl_rules_read(const struct fl_parser *p, const struct fl_doc *doc, const char *inside, struct fl_rule **ret,
		  size_t *ret_n)
{
	if (doc->kind != FL_DOC_LIST || doc->n == 0) {
		fl_fail_at(spot_of(p, doc), p->err, -EINVAL, "%s%s%s wants a list of rules", inside ? "'" : "",
			   inside ? inside : "a suite", inside ? "'" : "");
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
	const struct fl_parser p = { source, err ? err : &own };
	struct fl_suite *suite;
	struct fl_doc *doc;
	int rc;

	rc = fl_doc_parse(bytes, n, source, &doc, err);
	if (rc < 0)
		return rc;
	suite = fl_zalloc(1, sizeof(*suite));
	suite->name = fl_dup(name);
	suite->source = fl_dup(source);
	rc = fl_rules_read(&p, doc, NULL, &suite->rules, &suite->rules_n);
	fl_doc_free(doc);
	if (rc < 0) {
		fl_suite_free(suite);
		return rc;
	}
	*ret = suite;
	return 0;
}

struct fl_suite *fl_suite_of_bench(const char *bench, const struct fl_setting *with, size_t with_n,
				   enum fl_study_kind study, unsigned repeat)
{
	struct fl_suite *suite = fl_zalloc(1, sizeof(*suite));
	struct fl_rule *rule = fl_zalloc(1, sizeof(*rule));

	*rule = (struct fl_rule){
		.bench = fl_dup(bench), .study = study, .repeat = repeat, .repeat_least = repeat, .with_n = with_n
	};
	rule->with = fl_zalloc(with_n, sizeof(*rule->with));
	for (size_t i = 0; i < with_n; i++)
		rule->with[i] = (struct fl_setting){ .name = fl_dup(with[i].name), .text = fl_dup(with[i].text) };
	*suite = (struct fl_suite){
		.name = fl_dup(bench), .source = fl_dup("command line"), .rules = rule, .rules_n = 1, .required = true
	};
	return suite;
}

void fl_suite_repeat(struct fl_suite *suite, unsigned rounds)
{
	for (size_t i = 0; i < suite->rules_n; i++)
		suite->rules[i].repeat = suite->rules[i].repeat_least = rounds;
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
		free(rules[i].only_with);
		release_settings(rules[i].with, rules[i].with_n);
		release_settings(rules[i].each, rules[i].each_n);
		release_settings(rules[i].pairs, rules[i].pairs_n);
		release_settings(rules[i].at_once, rules[i].at_once_n);
		release_settings(rules[i].sweep, rules[i].sweep_n);
		release_settings(rules[i].primary, rules[i].primary_n);
		release_settings(rules[i].require, rules[i].require_n);
		release_settings(rules[i].require_if_any, rules[i].require_if_any_n);
		free_rules(rules[i].together, rules[i].together_n);
		free_rules(rules[i].beside, rules[i].beside_n);
	}
	free(rules);
}

/* The rule with one of the settings of that name, the one at `at`, and all the others. */
static struct fl_rule rule_with(const struct fl_rule *rule, const char *name, size_t at)
{
	struct fl_rule one = { .bench = fl_dup(rule->bench),
			       .repeat = rule->repeat,
			       .repeat_least = rule->repeat_least };

	one.with = fl_zalloc(rule->with_n + 1, sizeof(*one.with));
	for (size_t i = 0; i < rule->with_n; i++)
		if (i == at || strcmp(rule->with[i].name, name) != 0)
			one.with[one.with_n++] = (struct fl_setting){ .name = fl_dup(rule->with[i].name),
								      .text = fl_dup(rule->with[i].text) };
	return one;
}

void fl_suite_spread(struct fl_suite *suite, const char *name)
{
	const struct fl_rule *rule = suite->rules;
	struct fl_rule *all = fl_zalloc(1, sizeof(*all));

	*all = (struct fl_rule){ .repeat = rule->repeat, .repeat_least = rule->repeat_least };
	all->together = fl_zalloc(rule->with_n + 1, sizeof(*all->together));
	for (size_t i = 0; i < rule->with_n; i++)
		if (strcmp(rule->with[i].name, name) == 0)
			all->together[all->together_n++] = rule_with(rule, name, i);
	free_rules(suite->rules, suite->rules_n);
	suite->rules = all;
	suite->rules_n = 1;
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
