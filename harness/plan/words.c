/* SPDX-License-Identifier: Apache-2.0 */
/* words.c: the words of a rule, and what each of them wants: the whole grammar of a suite (suite.h). */
#include "base/alloc.h"
#include "base/doc.h"
#include "base/text.h"
#include "base/units.h"
#include "plan/parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct fl_spot spot_of(const struct fl_parser *p, const struct fl_doc *node)
{
	return (struct fl_spot){ p->source, node->line, node->column };
}

static struct fl_spot spot_of_key(const struct fl_parser *p, const struct fl_doc *node)
{
	return (struct fl_spot){ p->source, node->key_line, node->key_column };
}

static int refuse_name(const struct fl_parser *p, struct fl_spot spot, const char *what, const char *text,
		       const char *const *names, size_t n)
{
	const char *near = fl_nearest(text, names, n);
	struct fl_text all = { 0 };

	fl_fail_at(spot, p->err, -EINVAL, "unknown %s '%s'", what, text);
	if (near)
		return fl_hint(p->err, "did you mean '%s'?", near);
	for (size_t i = 0; i < n; i++)
		fl_text_add(&all, "%s%s", i ? ", " : "", names[i]);
	fl_hint(p->err, "known: %s", fl_text_str(&all));
	fl_text_release(&all);
	return -EINVAL;
}

/* The index of a text among names; -EINVAL: "unknown WHAT 'x'" with the nearest name. */
static int find_name(const struct fl_parser *p, struct fl_spot spot, const char *what, const char *text,
		     const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], text) == 0)
			return (int)i;
	return refuse_name(p, spot, what, text, names, n);
}

static int read_bench(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	if (item->kind != FL_DOC_TEXT || !item->text[0])
		return fl_fail_at(spot_of(p, item), p->err, -EINVAL, "'bench' wants the name of a benchmark");
	rule->bench = fl_dup(item->text);
	return 0;
}

static struct fl_setting setting_of(const char *name, const char *text, const struct fl_doc *at)
{
	return (struct fl_setting){
		.name = fl_dup(name), .text = fl_dup(text), .line = at->line, .column = at->column
	};
}

static int read_with(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
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
		rule->with[rule->with_n++] = setting_of(option->key, option->text, option);
	}
	return 0;
}

/* A list of names, each once. */
static int read_names(const struct fl_parser *p, const struct fl_doc *item, struct fl_setting **ret, size_t *ret_n)
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
		(*ret)[(*ret_n)++] = setting_of(name->text, NULL, name);
	}
	return 0;
}

static int read_each(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	return read_names(p, item, &rule->each, &rule->each_n);
}

static int read_at_once(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	return read_names(p, item, &rule->at_once, &rule->at_once_n);
}

static int read_require(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	return read_names(p, item, &rule->require, &rule->require_n);
}

static int read_require_if_any(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	return read_names(p, item, &rule->require_if_any, &rule->require_if_any_n);
}

static int read_primary(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	return read_names(p, item, &rule->primary, &rule->primary_n);
}

static int refuse_pairs(const struct fl_parser *p, const struct fl_doc *at, const char *what)
{
	fl_fail_at(spot_of(p, at), p->err, -EINVAL, "'pairs' wants %s", what);
	return fl_hint(p->err, "write it as: pairs: {of: [numa, memory], relation: local}");
}

static int read_relation(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	size_t n;
	const char *const *names = fl_relation_names(&n);
	int i;

	if (item->kind != FL_DOC_TEXT)
		return refuse_pairs(p, item, "a relation");
	i = find_name(p, spot_of(p, item), "relation", item->text, names, n);
	if (i < 0)
		return i;
	rule->relation = (enum fl_relation)i;
	return 0;
}

/* "beside.gpu", of the load, becomes "gpu". */
static int read_pair_of_load(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	static const char of_load[] = "beside.";
	char *option;

	if (rule->pairs_n != 2 || strncmp(rule->pairs[0].name, of_load, strlen(of_load)) == 0)
		return refuse_pairs(p, item, "two device options in 'of', the first one of the benchmark");
	if (strncmp(rule->pairs[1].name, of_load, strlen(of_load)) != 0)
		return 0;
	option = fl_dup(rule->pairs[1].name + strlen(of_load));
	free(rule->pairs[1].name);
	rule->pairs[1].name = option;
	rule->pairs_beside = true;
	return 0;
}

static int read_pairs(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	static const char *const names[] = { "of", "relation" };

	if (item->kind != FL_DOC_MAP)
		return refuse_pairs(p, item, "two device options and their relation");
	for (size_t i = 0; i < item->n; i++) {
		const struct fl_doc *part = &item->items[i];
		int which = find_name(p, spot_of_key(p, part), "word of 'pairs'", part->key, names, 2), rc;

		if (which < 0)
			return which;
		rc = which == 0 ? read_names(p, part, &rule->pairs, &rule->pairs_n) : read_relation(p, part, rule);
		if (rc < 0)
			return rc;
	}
	if (!fl_doc_get(item, "relation"))
		return refuse_pairs(p, item, "a relation");
	return read_pair_of_load(p, item, rule);
}

static int read_together(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	return fl_rules_read(p, item, "together", &rule->together, &rule->together_n);
}

static int read_beside(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	return fl_rules_read(p, item, "beside", &rule->beside, &rule->beside_n);
}

/* "A..B": the texts before and after, which are the caller's; false: it is no range. */
static bool split_range(const char *text, char **ret_from, char **ret_to)
{
	const char *dots = strstr(text, "..");

	if (!dots || dots == text || !dots[2])
		return false;
	*ret_from = fl_format("%.*s", (int)(dots - text), text);
	*ret_to = fl_dup(dots + 2);
	return true;
}

static int refuse_sweep(const struct fl_parser *p, const struct fl_doc *at, const char *what)
{
	fl_fail_at(spot_of(p, at), p->err, -EINVAL, "'sweep' wants %s", what);
	return fl_hint(p->err, "write it as: sweep: {block: [4KiB, 64KiB]}, or as a range that doubles: "
			       "sweep: {depth: 1..128}");
}

static int read_range(const struct fl_parser *p, const struct fl_doc *option, struct fl_rule *rule)
{
	char *from, *to;

	if (!split_range(option->text, &from, &to))
		return refuse_sweep(p, option, "a list of values, or a range");
	rule->sweep = fl_zalloc(2, sizeof(*rule->sweep));
	rule->sweep[0] = setting_of(option->key, from, option);
	rule->sweep[1] = setting_of(option->key, to, option);
	rule->sweep_n = 2;
	rule->sweep_range = true;
	free(from);
	free(to);
	return 0;
}

static int read_values(const struct fl_parser *p, const struct fl_doc *option, struct fl_rule *rule)
{
	if (option->n < 2)
		return refuse_sweep(p, option, "two values at least");
	if (option->n > FL_SWEEP_MAX)
		return fl_fail_at(spot_of(p, option), p->err, -EINVAL, "'sweep' has %zu values, more than %d",
				  option->n, FL_SWEEP_MAX);
	rule->sweep = fl_zalloc(option->n, sizeof(*rule->sweep));
	for (size_t i = 0; i < option->n; i++) {
		const struct fl_doc *value = &option->items[i];

		if (value->kind != FL_DOC_TEXT)
			return refuse_sweep(p, value, "a list of plain values");
		rule->sweep[rule->sweep_n++] = setting_of(option->key, value->text, value);
	}
	return 0;
}

static int read_sweep(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	const struct fl_doc *option = item->items;

	if (item->kind != FL_DOC_MAP || item->n != 1 || option->kind == FL_DOC_MAP)
		return refuse_sweep(p, item, "one option and its values");
	return option->kind == FL_DOC_TEXT ? read_range(p, option, rule) : read_values(p, option, rule);
}

/* ---- who meets whom */

static void note_across(const struct fl_doc *item, const char *word, struct fl_rule *rule)
{
	if (rule->across.said)
		return;
	rule->across.said = word;
	rule->across.line = item->key_line;
	rule->across.column = item->key_column;
}

static int refuse_across(const struct fl_parser *p, const struct fl_doc *at, const char *what)
{
	fl_fail_at(spot_of(p, at), p->err, -EINVAL, "'across' wants %s", what);
	return fl_hint(p->err, "write it as: across: pairs, or: across: {sample: 16}");
}

static int read_sample(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	const struct fl_doc *rounds = fl_doc_get(item, "sample");
	uint64_t n = 0;

	if (!rounds || item->n != 1)
		return refuse_across(p, item, "'sample' and nothing else in a map");
	if (rounds->kind != FL_DOC_TEXT || fl_parse_count(rounds->text, &n, NULL) < 0 || n < 1 || n > FL_CASES_MAX)
		return fl_fail_at(spot_of(p, rounds), p->err, -EINVAL, "'sample' wants a number of rounds from 1 to %d",
				  FL_CASES_MAX);
	rule->across.kind = FL_SCHEDULE_SAMPLE;
	rule->across.rounds = (unsigned)n;
	return 0;
}

static int read_across(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	const char *names[FL_SCHEDULE_SAMPLE];
	int i;

	note_across(item, "across", rule);
	if (item->kind == FL_DOC_MAP)
		return read_sample(p, item, rule);
	if (item->kind != FL_DOC_TEXT)
		return refuse_across(p, item, "one schedule");
	if (strcmp(item->text, "sample") == 0)
		return refuse_across(p, item, "a number of rounds with 'sample'");
	for (i = 0; i < FL_SCHEDULE_SAMPLE; i++)
		names[i] = fl_schedule_name((enum fl_schedule_kind)i);
	i = find_name(p, spot_of(p, item), "schedule", item->text, names, FL_SCHEDULE_SAMPLE);
	if (i < 0)
		return i;
	rule->across.kind = (enum fl_schedule_kind)i;
	return 0;
}

static int read_reach(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	static const char *const names[] = { "within", "between" };
	int i;

	note_across(item, "reach", rule);
	if (item->kind != FL_DOC_TEXT)
		return fl_fail_at(spot_of(p, item), p->err, -EINVAL, "'reach' wants 'within' or 'between'");
	i = find_name(p, spot_of(p, item), "reach", item->text, names, 2);
	if (i < 0)
		return i;
	rule->across.reach = i == 0 ? FL_REACH_WITHIN : FL_REACH_BETWEEN;
	return 0;
}

static int read_only_with(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	static const char *const kinds[] = { "node", "drive", "nic", "rdma", "gpu" };
	int i;

	if (item->kind != FL_DOC_TEXT)
		return fl_fail_at(spot_of(p, item), p->err, -EINVAL, "'only_with' wants a kind of device");
	i = find_name(p, spot_of(p, item), "kind of device", item->text, kinds, sizeof(kinds) / sizeof(kinds[0]));
	if (i < 0)
		return i;
	rule->only_with = fl_dup(item->text);
	return 0;
}

/* ---- studies and rounds */

/* The kinds that have to be said; the others follow from the words of the rule. */
static int read_study(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	static const enum fl_study_kind kinds[] = { FL_STUDY_SOLO, FL_STUDY_AB, FL_STUDY_CALIBRATION,
						    FL_STUDY_STARVATION, FL_STUDY_LADDER };
	enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };
	const char *names[KINDS];
	int i;

	if (item->kind != FL_DOC_TEXT)
		return fl_fail_at(spot_of(p, item), p->err, -EINVAL, "'study' wants one name");
	for (i = 0; i < KINDS; i++)
		names[i] = fl_study_name(kinds[i]);
	i = find_name(p, spot_of(p, item), "study", item->text, names, KINDS);
	if (i < 0)
		return i;
	rule->study = kinds[i];
	return 0;
}

static bool is_rounds(const char *text, unsigned *ret)
{
	uint64_t n = 0;

	if (fl_parse_count(text, &n, NULL) < 0 || n < 1 || n > FL_ROUNDS_MAX)
		return false;
	*ret = (unsigned)n;
	return true;
}

static int read_repeat(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule)
{
	char *least = NULL, *most = NULL;
	bool good = false;

	if (item->kind == FL_DOC_TEXT && split_range(item->text, &least, &most)) {
		good = is_rounds(least, &rule->repeat_least) && is_rounds(most, &rule->repeat) &&
		       rule->repeat_least >= 2 && rule->repeat_least <= rule->repeat;
	} else if (item->kind == FL_DOC_TEXT) {
		good = is_rounds(item->text, &rule->repeat);
		rule->repeat_least = rule->repeat;
	}
	free(least);
	free(most);
	if (good)
		return 0;
	fl_fail_at(spot_of(p, item), p->err, -EINVAL, "'repeat' wants a number of rounds from 1 to %d", FL_ROUNDS_MAX);
	return fl_hint(p->err, "or the least, 2 or more, and the most: repeat: 3..12");
}

/* The whole grammar of a rule. `outside`: not for a rule inside `together` or `beside`, whose lanes share a case. */
static const struct word {
	const char *name;
	int (*read)(const struct fl_parser *p, const struct fl_doc *item, struct fl_rule *rule);
	bool outside;
} words[] = {
	{ "bench", read_bench, false },		{ "with", read_with, false },
	{ "each", read_each, false },		{ "pairs", read_pairs, false },
	{ "at_once", read_at_once, true },	{ "together", read_together, true },
	{ "beside", read_beside, true },	{ "sweep", read_sweep, true },
	{ "across", read_across, true },	{ "reach", read_reach, true },
	{ "only_with", read_only_with, false }, { "study", read_study, true },
	{ "repeat", read_repeat, true },	{ "primary", read_primary, false },
	{ "require", read_require, false },	{ "require_if_any", read_require_if_any, false },
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

int fl_word_read(const struct fl_parser *p, const struct fl_doc *item, const char *inside, struct fl_rule *rule)
{
	const char *names[WORDS];
	int i;

	for (i = 0; i < WORDS; i++)
		names[i] = words[i].name;
	i = find_name(p, spot_of_key(p, item), "word", item->key, names, WORDS);
	if (i < 0)
		return i;
	if (inside && words[i].outside)
		return fl_fail_at(spot_of_key(p, item), p->err, -EINVAL, "'%s' cannot stand inside '%s'", names[i],
				  inside);
	return words[i].read(p, item, rule);
}
