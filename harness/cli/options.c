/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: from argv to checked values, by getopt_long over declared rows. */
#include "cli/options.h"
#include "base/alloc.h"
#include "base/field.h"
#include "run/paths.h"
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* Every name once, and the text given for it (NULL: none). What getopt_long returns for row i is FIRST + i. */
struct table {
	const struct fl_field **fields;
	char **names; /* "step-bytes" */
	struct option *options;
	const char **texts;
	size_t n, own; /* rows 0..own-1 are the command's */
	struct said {
		size_t row;
		const char *text;
	} * earlier; /* paths of a benchmark that were said before the one in texts */
	size_t earlier_n;
};
enum { FIRST = 256, HELP = 'h' };

char *fl_options_word(const char *name)
{
	char *text = fl_dup(name);

	for (char *p = text; *p; p++)
		if (*p == '_')
			*p = '-';
	return text;
}

static bool table_has(const struct table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->fields[i]->name, name))
			return true;
	return false;
}

static void table_add(struct table *t, const struct fl_field *f)
{
	if (table_has(t, f->name))
		return;
	t->fields[t->n] = f;
	t->names[t->n++] = fl_options_word(f->name);
}

static size_t rows_of(const struct fl_option_set *sets)
{
	size_t n = 0;

	for (const struct fl_option_set *s = sets; s->fields; s++)
		for (const struct fl_field *f = s->fields; f->name; f++)
			n++;
	return n;
}

/* The two rows after ours are --help and the end. */
static struct table table_make(const struct fl_option_set *sets)
{
	size_t n = rows_of(sets);
	struct table t = {
		.fields = fl_zalloc(n + 1, sizeof(*t.fields)),
		.names = fl_zalloc(n + 1, sizeof(*t.names)),
		.texts = fl_zalloc(n + 1, sizeof(*t.texts)),
		.options = fl_zalloc(n + 2, sizeof(*t.options)),
	};

	for (const struct fl_option_set *s = sets; s->fields; s++) {
		for (const struct fl_field *f = s->fields; f->name; f++)
			table_add(&t, f);
		if (s == sets)
			t.own = t.n;
	}
	for (size_t i = 0; i < t.n; i++)
		t.options[i] = (struct option){
			.name = t.names[i],
			.has_arg = t.fields[i]->type == FL_FLAG ? optional_argument : required_argument,
			.val = FIRST + (int)i,
		};
	t.options[t.n] = (struct option){ .name = "help", .val = HELP };
	return t;
}

static void table_release(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->names[i]);
	free(t->names);
	free(t->fields);
	free(t->options);
	free(t->texts);
	free(t->earlier);
}

static int unknown(const struct table *t, const char *who, const char *word, struct fl_err *err)
{
	size_t n = strcspn(word, "=");
	char *typed = fl_format("%.*s", (int)n, word);
	const char *near = fl_nearest(typed + strspn(typed, "-"), (const char *const *)t->names, t->n);

	fl_fail(err, -EINVAL, "%s: unknown option '%s'", who, typed);
	free(typed);
	if (near)
		return fl_hint(err, "did you mean '--%s'?", near);
	return fl_hint(err, "'feedline %s --help' lists the options", who);
}

/* getopt_long takes any unambiguous beginning of a name. We do not: a script that says --dur breaks, or changes its
 * meaning, on the day another option begins so. */
static bool spelt_out(const char *word, const char *name)
{
	size_t n = strcspn(word, "=");

	return n == strlen(name) + 2 && !strncmp(word + 2, name, n - 2);
}

static int needs_value(const struct table *t, const char *who, size_t i, struct fl_err *err)
{
	fl_fail(err, -EINVAL, "%s: option '--%s' needs a value", who, t->names[i]);
	return fl_hint(err, "write --%s %s", t->names[i], fl_field_placeholder(t->fields[i]));
}

static void take_text(struct table *t, size_t row, const char *text)
{
	if (t->texts[row] && row >= t->own && t->fields[row]->type == FL_PATH) {
		t->earlier = fl_grow(t->earlier, t->earlier_n + 1, sizeof(*t->earlier));
		t->earlier[t->earlier_n++] = (struct said){ row, t->texts[row] };
	}
	t->texts[row] = text;
}

static int take_word(struct fl_args *args, size_t words_max, const char *who, const char *word, struct fl_err *err)
{
	if (args->words_n == words_max) {
		fl_fail(err, -EINVAL, "%s: unexpected argument '%s'", who, word);
		return fl_hint(err, "'feedline %s --help' shows what it takes", who);
	}
	args->words = fl_grow(args->words, args->words_n + 1, sizeof(*args->words));
	args->words[args->words_n++] = word;
	return 0;
}

/* The first character of the option string, '-', gives words where they stand instead of moving them behind the
 * options, so argv is only read; the second, ':', tells a missing value from an unknown option. */
static int scan(struct table *t, const char *who, size_t words_max, int argc, char **argv, struct fl_args *args,
		struct fl_err *err)
{
	int rc = 0, c, at = 1;

	opterr = 0;
	for (optind = 0; rc == 0 && (c = getopt_long(argc, argv, "-:h", t->options, NULL)) != -1; at = optind) {
		const struct fl_field *f = c >= FIRST ? t->fields[c - FIRST] : NULL;

		if (c == 1)
			rc = take_word(args, words_max, who, optarg, err);
		else if (c == ':')
			rc = needs_value(t, who, (size_t)(optopt - FIRST), err);
		else if (c == '?' || (f && !spelt_out(argv[at], t->names[c - FIRST])))
			rc = unknown(t, who, argv[at], err);
		else if (f)
			take_text(t, (size_t)(c - FIRST), optarg ? optarg : "yes");
		else
			args->help = true;
		if (args->help)
			return 0;
	}
	for (; rc == 0 && optind < argc; optind++) /* after "--" */
		rc = take_word(args, words_max, who, argv[optind], err);
	return rc;
}

/* The command's own options: canonical text into *opts. */
static int store_own(const struct table *t, const char *who, void *opts, struct fl_args *args, struct fl_err *err)
{
	for (size_t i = 0; i < t->own; i++) {
		const char *text = t->texts[i] ? t->texts[i] : t->fields[i]->preset;
		char *canon;
		int rc;

		if (!text)
			return fl_fail(err, -EINVAL, "%s: option '--%s' must be given", who, t->names[i]);
		if (!t->texts[i] && !*text)
			continue;
		if (!*text)
			return fl_fail(err, -EINVAL, "%s: option '--%s' is empty", who, t->names[i]);
		rc = fl_field_canon(t->fields[i], text, &canon, err);
		if (rc < 0)
			return rc;
		args->kept[args->kept_n++] = canon;
		rc = fl_field_store(t->fields[i], canon, opts, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The plan reads these texts again, against the rows they are for; here a typing error is found before anything
 * starts. */
static int check_given(const struct fl_option_set *sets, const struct fl_given *given, struct fl_err *err)
{
	struct fl_err first = { 0 }; /* the first cause stays: that of the row --help shows */

	for (const struct fl_option_set *s = sets; s->fields; s++) {
		const struct fl_field *f = fl_field_find(s->fields, given->field->name);
		char *canon;

		if (f && fl_field_canon(f, given->text, &canon, &first) >= 0) {
			free(canon);
			return 0;
		}
	}
	fl_fail(err, first.code, "%s", first.what);
	return *first.hint ? fl_hint(err, "%s", first.hint) : first.code;
}

/* Workers and records live elsewhere: they get the file itself. */
static int resolve_path(const char *who, struct fl_given *given, struct fl_args *args, struct fl_err *err)
{
	struct fl_err cause = { 0 };
	char *path;
	int rc;

	if (given->field->type != FL_PATH)
		return 0;
	rc = fl_path_resolve(given->text, NULL, &path, &cause);
	if (rc < 0) {
		fl_fail(err, rc, "%s: %s", who, cause.what);
		fl_hint(err, "%s", cause.hint);
		return rc;
	}
	args->kept[args->kept_n++] = path;
	given->text = path;
	return 0;
}

/* Each gives a lane of its own; two of one file would have one name, and find in the cache what the other read. */
static int refuse_again(const char *who, const struct fl_given *given, const struct fl_args *args, struct fl_err *err)
{
	if (given->field->type != FL_PATH)
		return 0;
	for (size_t i = 0; i < args->given_n; i++)
		if (args->given[i].field == given->field && strcmp(args->given[i].text, given->text) == 0) {
			fl_fail(err, -EINVAL, "%s: '%s' is named twice", who, given->text);
			return fl_hint(err, "several threads on one file are one lane: see --threads");
		}
	return 0;
}

static int add_given(const struct table *t, size_t row, const char *text, const struct fl_option_set *sets,
		     const char *who, struct fl_args *args, struct fl_err *err)
{
	struct fl_given given = { .field = t->fields[row], .text = text };
	int rc = check_given(sets + 1, &given, err);

	if (rc >= 0)
		rc = resolve_path(who, &given, args, err);
	if (rc >= 0)
		rc = refuse_again(who, &given, args, err);
	if (rc >= 0)
		args->given[args->given_n++] = given;
	return rc < 0 ? rc : 0;
}

static int collect_given(const struct table *t, const struct fl_option_set *sets, const char *who, struct fl_args *args,
			 struct fl_err *err)
{
	int rc = 0;

	args->given = fl_zalloc(t->n + t->earlier_n + 1, sizeof(*args->given));
	for (size_t row = t->own; row < t->n && rc == 0; row++) {
		for (size_t i = 0; i < t->earlier_n && rc == 0; i++)
			if (t->earlier[i].row == row)
				rc = add_given(t, row, t->earlier[i].text, sets, who, args, err);
		if (rc == 0 && t->texts[row])
			rc = add_given(t, row, t->texts[row], sets, who, args, err);
	}
	return rc;
}

int fl_options_parse(const struct fl_option_set *sets, const char *who, size_t words_max, int argc, char **argv,
		     void *opts, struct fl_args *ret, struct fl_err *err)
{
	struct table t = table_make(sets);
	struct fl_args args = { 0 };
	int rc = scan(&t, who, words_max, argc, argv, &args, err);

	args.kept = fl_zalloc(t.n + t.earlier_n + 1, sizeof(*args.kept));
	if (rc == 0 && !args.help)
		rc = store_own(&t, who, opts, &args, err);
	if (rc == 0 && !args.help)
		rc = collect_given(&t, sets, who, &args, err);
	table_release(&t);
	if (rc < 0)
		fl_args_release(&args);
	else
		*ret = args;
	return rc;
}

void fl_args_release(struct fl_args *args)
{
	for (size_t i = 0; i < args->kept_n; i++)
		free(args->kept[i]);
	free(args->kept);
	free(args->given);
	free(args->words);
	*args = (struct fl_args){ 0 };
}
