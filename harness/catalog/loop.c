/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c: several lanes in the place of one, closed loops and their rungs: what must hold of their declarations, so
 * that plan and judge can follow a ladder without looking again. */
#include "base/field.h"
#include "catalog/catalog.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool fl_entry_is_loop(const struct fl_entry *e)
{
	return e->rungs && e->rungs->name;
}

static bool is_field(const struct fl_entry *e, const char *name, enum fl_type type)
{
	const struct fl_field *f = fl_field_find(e->fields, name);

	return f && f->type == type;
}

/* ---- several lanes */

static int check_lanes(const struct fl_entry *e, const char *at, struct fl_err *err)
{
	if (!e->lanes != !e->lane)
		return fl_fail(err, -EINVAL, "%s: 'lanes' and 'lane' go together", at);
	if (!e->lanes)
		return 0;
	if (!is_field(e, e->lanes, FL_COUNT))
		return fl_fail(err, -EINVAL, "%s: 'lanes' names '%s', which is no option that is a count", at,
			       e->lanes);
	if (!is_field(e, e->lane, FL_COUNT) || strcmp(e->lane, e->lanes) == 0)
		return fl_fail(err, -EINVAL, "%s: 'lane' names '%s', which is no other option that is a count", at,
			       e->lane);
	return 0;
}

/* ---- rungs */

/* They begin with a capital letter, so that none is called like a case of a study (plan/suite.h). */
static bool is_rung_name(const char *name)
{
	size_t n = strlen(name);

	return n <= 32 && name[0] >= 'A' && name[0] <= 'Z' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

/* A rung of that name before row `end`? */
static bool is_before(const struct fl_rung *rungs, const struct fl_rung *end, const char *name)
{
	for (const struct fl_rung *r = rungs; r < end; r++)
		if (strcmp(r->name, name) == 0)
			return true;
	return false;
}

static bool is_word_of(const struct fl_field *choice, const char *word)
{
	char *canon = NULL;
	bool is = fl_field_canon(choice, word, &canon, NULL) == 0;

	free(canon);
	return is;
}

/* source: the option that makes the rungs. */
static int check_rung(const struct fl_entry *e, const struct fl_rung *r, const struct fl_field *source, const char *at,
		      struct fl_err *err)
{
	if (!is_rung_name(r->name))
		return fl_fail(err, -EINVAL, "%s: rung '%.40s' must begin with A-Z and be short", at, r->name);
	if (is_before(e->rungs, r, r->name))
		return fl_fail(err, -EINVAL, "%s: rung '%s' is declared twice", at, r->name);
	if (r == e->rungs && r->after)
		return fl_fail(err, -EINVAL, "%s: the first rung comes after '%s'; it is the control", at, r->after);
	if (r != e->rungs && !r->after)
		return fl_fail(err, -EINVAL, "%s: rung '%s' comes after none", at, r->name);
	if (r->after && !is_before(e->rungs, r, r->after))
		return fl_fail(err, -EINVAL, "%s: rung '%s' comes after '%s', which is none before it", at, r->name,
			       r->after);
	if (!is_word_of(source, r->source))
		return fl_fail(err, -EINVAL, "%s: rung '%s' has source '%s', which is no word of that option", at,
			       r->name, r->source);
	return 0;
}

static int check_options(const struct fl_entry *e, const char *at, struct fl_err *err)
{
	static const struct {
		const char *name;
		enum fl_type type;
	} needs[] = {
		{ "source", FL_CHOICE }, { "step_bytes", FL_BYTES }, { "step_time", FL_NS }, { "prefetch", FL_COUNT }
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (!is_field(e, needs[i].name, needs[i].type))
			return fl_fail(err, -EINVAL, "%s: a closed loop has no option '%s' of type %s", at,
				       needs[i].name, fl_type_name(needs[i].type));
	return 0;
}

int fl_loop_check(const struct fl_entry *e, const char *at, struct fl_err *err)
{
	const struct fl_field *source = fl_field_find(e->fields, "source");
	size_t n = 0;
	int rc = check_lanes(e, at, err);

	if (rc < 0)
		return rc;
	if (fl_entry_is_loop(e) != (e->open_loop != NULL))
		return fl_fail(err, -EINVAL, "%s: 'open_loop' and 'rungs' go together", at);
	if (!e->open_loop)
		return 0;
	rc = check_options(e, at, err);
	for (const struct fl_rung *r = e->rungs; r->name && rc == 0; r++) {
		rc = check_rung(e, r, source, at, err);
		if (rc == 0 && ++n > FL_RUNGS_MAX)
			return fl_fail(err, -EINVAL, "%s: more than %d rungs", at, FL_RUNGS_MAX);
	}
	return rc;
}

/* ---- what they say of other benchmarks */

/* A lane of the loop becomes one of the other by its name alone: what it has of options, the other must take. */
static int check_other(const struct fl_catalog *c, const struct fl_entry *loop, const char *name, struct fl_err *err)
{
	const struct fl_entry *other;
	const struct fl_field *f, *of_other;

	if (fl_catalog_find(c, name, &other, NULL) < 0)
		return fl_fail(err, -EINVAL, "'%s' names '%s' in its ladder, which no program declares", loop->name,
			       name);
	for (f = loop->fields; f->name; f++) {
		of_other = fl_field_find(other->fields, f->name);
		if (!of_other || of_other->type != f->type ||
		    strcmp(f->range ? f->range : "", of_other->range ? of_other->range : "") != 0)
			return fl_fail(err, -EINVAL,
				       "'%s' names '%s' in its ladder, which has not the same option '%s'", loop->name,
				       other->name, f->name);
	}
	return 0;
}

int fl_loops_check(const struct fl_catalog *c, struct fl_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < c->n && rc == 0; i++) {
		const struct fl_entry *e = &c->entries[i];

		if (!fl_entry_is_loop(e))
			continue;
		rc = check_other(c, e, e->open_loop, err);
		for (const struct fl_rung *r = e->rungs; r->name && rc == 0; r++)
			if (r->bench)
				rc = check_other(c, e, r->bench, err);
	}
	return rc;
}
