/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.c: which verb, its options out of those of the command, its words. */
#include "cli/verbs.h"
#include "base/alloc.h"
#include "cli/output.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { VERBS_MAX = 16 };

/* malloc'd */
static struct fl_field *select_fields(const struct fl_field *all, const char *takes)
{
	struct fl_field *fields;
	size_t n = 0;

	while (all[n].name)
		n++;
	fields = fl_zalloc(n + 1, sizeof(*fields));
	n = 0;
	for (const struct fl_field *f = all; f->name; f++) {
		char *bars = fl_format("|%s|", f->name);

		if (strstr(takes, bars))
			fields[n++] = *f;
		free(bars);
	}
	return fields;
}

static int run_with(const struct fl_verb *verb, const char *who, const struct fl_option_set *sets,
		    const struct fl_call *call, void *opts, struct fl_err *err)
{
	struct fl_args args;
	int rc = fl_options_parse(sets, who, verb->words_max, call->argc - 1, call->argv + 1, opts, &args, err);

	if (rc < 0)
		return rc;
	if (args.help) {
		rc = fl_options_help(verb->usage, verb->summary, sets, err);
	} else if (args.words_n < verb->words_min) {
		fl_fail(err, -EINVAL, "%s: %s", who, verb->asks);
		rc = fl_hint(err, "usage: feedline %s", verb->usage);
	} else {
		rc = verb->run(verb, call, opts, &args, err);
	}
	fl_args_release(&args);
	return rc;
}

static int run_verb(const struct fl_command *self, const struct fl_verb *verb, const struct fl_call *call, void *opts,
		    struct fl_err *err)
{
	struct fl_field *fields;
	char *who;
	int rc;

	if (!verb->takes)
		return verb->run(verb, call, opts, NULL, err);
	fields = select_fields(self->fields, verb->takes);
	who = fl_format("%s %s", self->name, verb->name);
	rc = run_with(verb, who, (const struct fl_option_set[]){ { .title = "options", .fields = fields }, { 0 } },
		      call, opts, err);
	free(who);
	free(fields);
	return rc;
}

static int help(const struct fl_command *self, struct fl_err *err)
{
	struct fl_text out = { 0 };

	fl_text_add(&out, "usage: feedline %s\n%s\n\n", self->usage, self->summary);
	for (const struct fl_verb *v = self->verbs; v->name; v++)
		fl_text_add(&out, "  %-26s  %s\n", v->usage, v->summary);
	return fl_output_text(&out, err);
}

static int unknown(const struct fl_command *self, const char *word, struct fl_err *err)
{
	const char *names[VERBS_MAX], *near;
	size_t n = 0;

	for (const struct fl_verb *v = self->verbs; v->name && n < VERBS_MAX; v++)
		names[n++] = v->name;
	near = fl_nearest(word, names, n);
	fl_fail(err, -EINVAL, "%s: unknown verb '%s'", self->name, word);
	return near ? fl_hint(err, "did you mean 'feedline %s %s'?", self->name, near)
		    : fl_hint(err, "'feedline %s --help' lists the verbs", self->name);
}

int fl_verbs_run(const struct fl_command *self, const struct fl_call *call, void *opts, struct fl_err *err)
{
	const char *word = call->argc > 1 ? call->argv[1] : NULL;

	if (!word) {
		fl_fail(err, -EINVAL, "%s: which verb?", self->name);
		return fl_hint(err, "'feedline %s --help' lists them", self->name);
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		return help(self, err);
	for (const struct fl_verb *v = self->verbs; v->name; v++)
		if (!strcmp(v->name, word))
			return run_verb(self, v, call, opts, err);
	return unknown(self, word, err);
}
