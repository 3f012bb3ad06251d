/* SPDX-License-Identifier: Apache-2.0 */
/* join.c: what each of several hosts makes of one rule, to one plan: what stands at the same place is one case, with
 * the lanes of all. Things that are called alike are at the same place; of the others (a drive of another serial
 * number) the first of one host and the first of another. */
#include "base/alloc.h"
#include "plan/parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How the hosts call one thing, each name once. */
struct names {
	char **items;
	size_t n;
};

/* A case that grows host by host. */
struct slot {
	struct fl_plan_case c;
	struct names labels;
	char *value; /* of the study's option; NULL: it has none */
	int sort;    /* only cases of one sort are joined */
	size_t last; /* the host that joined it last, from 1 on */
};

struct joined {
	enum fl_study_kind kind;
	struct names labels;
	char *option;
	bool range;
	struct slot *slots;
	size_t slots_n, last;
};

struct join {
	struct joined *studies;
	size_t n;
	size_t host; /* that is joining, from 1 on */
};

/* ---- names */

static void add_name(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->items[i], name) == 0)
			return;
	names->items = fl_grow(names->items, names->n + 1, sizeof(*names->items));
	names->items[names->n++] = fl_dup(name);
}

static void release_names(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
}

/* The i-th word; NULL: there are not so many. */
static const char *word_at(const char *text, size_t i, size_t *ret_n)
{
	while (i-- && text) {
		text = strchr(text, ' ');
		text = text ? text + 1 : NULL;
	}
	*ret_n = text ? strcspn(text, " ") : 0;
	return text;
}

/* How much of the word is "option="; 0: it is none of an option. */
static size_t option_chars(const char *word, size_t n)
{
	const char *equals = memchr(word, '=', n);

	return equals ? (size_t)(equals - word) + 1 : 0;
}

/* Appends " gpu=A|B", or " gpu=A|6 more", of the i-th words. false: they are not of one option. */
static bool add_words(const struct names *names, size_t i, struct fl_text *out)
{
	struct names values = { 0 };
	size_t n, option, first_n;
	const char *first = word_at(names->items[0], i, &first_n);
	bool good = true;

	option = option_chars(first, first_n);
	for (size_t k = 0; k < names->n && good; k++) {
		const char *word = word_at(names->items[k], i, &n);
		char *value = word ? fl_format("%.*s", (int)n, word) : NULL;

		good = value && option_chars(value, n) == option && strncmp(value, first, option) == 0;
		if (good)
			add_name(&values, value + option);
		free(value);
	}
	good = good && (option || values.n == 1);
	fl_text_add(out, "%s%.*s", i ? " " : "", (int)first_n, first);
	if (values.n == 2)
		fl_text_add(out, "|%s", values.items[1]);
	else if (values.n > 2)
		fl_text_add(out, "|%zu more", values.n - 1);
	release_names(&values);
	return good;
}

/* "storage.read drive=nvme-A|nvme-B" */
static char *join_names(const struct names *names)
{
	struct fl_text t = { 0 };
	bool good = true;
	size_t n;

	for (size_t i = 0; good && word_at(names->items[0], i, &n); i++)
		good = add_words(names, i, &t);
	if (good)
		return t.bytes;
	fl_text_release(&t);
	return fl_format("%s and the like", names->items[0]);
}

/* ---- which belong together */

/* Of a study of several cases by their place in it: the last one of `solo` is all together; `beside` has one alone. */
static int sort_of(const struct fl_study *s, const struct fl_plan_case *c, unsigned i)
{
	if (s->kind == FL_STUDY_SOLO)
		return i + 1 == s->cases_n;
	return s->kind == FL_STUDY_BESIDE ? (int)i : fl_is_left_out(c);
}

static bool has_name(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->items[i], name) == 0)
			return true;
	return false;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Has it the cases of the other one? What a study finds on a host wants all of its cases there; plain rounds find
 * nothing. */
static bool has_cases(const struct joined *study, const struct fl_study *s)
{
	if (s->kind == FL_STUDY_REPEAT)
		return true;
	if (study->slots_n != s->cases_n)
		return false;
	for (size_t i = 0; s->values && i < s->cases_n; i++)
		if (!is_same(study->slots[i].value, s->values[i]))
			return false;
	return true;
}

/* label: NULL: any. NULL: none is free. */
static struct joined *find_study(struct join *j, const struct fl_study *s, const char *label)
{
	for (size_t i = 0; i < j->n; i++) {
		struct joined *study = &j->studies[i];

		if (study->last != j->host && study->kind == s->kind && is_same(study->option, s->option) &&
		    has_cases(study, s) && (!label || has_name(&study->labels, label)))
			return study;
	}
	return NULL;
}

static struct slot *find_slot(const struct join *j, const struct joined *study, int sort, const char *value,
			      const char *label)
{
	for (size_t i = 0; i < study->slots_n; i++) {
		struct slot *slot = &study->slots[i];

		if (slot->last != j->host && slot->sort == sort && is_same(slot->value, value) &&
		    (!label || has_name(&slot->labels, label)))
			return slot;
	}
	return NULL;
}

/* ---- joining */

/* The lanes behind those of other hosts, with numbers to match. */
static void take_lanes(struct fl_plan_case *from, struct fl_plan_case *to)
{
	unsigned before = (unsigned)to->lanes_n;

	to->lanes = fl_grow(to->lanes, to->lanes_n + from->lanes_n, sizeof(*to->lanes));
	for (size_t i = 0; i < from->lanes_n; i++) {
		struct fl_plan_lane *lane = &to->lanes[to->lanes_n++];

		*lane = from->lanes[i];
		lane->worker += before;
		lane->group += before;
	}
	free(from->lanes);
	from->lanes = NULL;
	from->lanes_n = 0;
	to->duration_ns = from->duration_ns > to->duration_ns ? from->duration_ns : to->duration_ns;
}

static void take_case(const struct join *j, struct fl_plan_case *c, struct slot *slot)
{
	add_name(&slot->labels, c->label);
	take_lanes(c, &slot->c);
	slot->last = j->host;
}

static struct slot *add_slot(struct joined *study, const struct fl_plan_case *c, int sort, const char *value)
{
	struct slot *slot;

	study->slots = fl_grow(study->slots, study->slots_n + 1, sizeof(*study->slots));
	slot = &study->slots[study->slots_n++];
	*slot = (struct slot){ .c = *c, .value = fl_dup(value), .sort = sort };
	slot->c.label = NULL;
	slot->c.lanes = NULL;
	slot->c.lanes_n = 0;
	return slot;
}

/* First those that are called alike, so that no other takes their place; but of lanes alone and together the cases
 * stand in the order of the lanes. */
static void take_study(const struct join *j, const struct fl_study *s, struct fl_plan_case *cases, struct joined *study)
{
	for (int alike = s->kind != FL_STUDY_SOLO; alike >= 0; alike--)
		for (unsigned i = 0; i < s->cases_n; i++) {
			struct fl_plan_case *c = &cases[s->first + i];
			const char *value = s->values ? s->values[i] : NULL;
			int sort = sort_of(s, c, i);
			struct slot *slot = c->lanes ? find_slot(j, study, sort, value, alike ? c->label : NULL) : NULL;

			if (c->lanes && !slot && !alike)
				slot = add_slot(study, c, sort, value);
			if (slot)
				take_case(j, c, slot);
		}
	add_name(&study->labels, s->label);
}

static struct joined *add_study(struct join *j, const struct fl_study *s)
{
	j->studies = fl_grow(j->studies, j->n + 1, sizeof(*j->studies));
	j->studies[j->n] = (struct joined){ .kind = s->kind, .option = fl_dup(s->option), .range = s->range };
	return &j->studies[j->n++];
}

static void take_plan(struct join *j, struct fl_plan *part)
{
	bool *taken = fl_zalloc(part->studies_n, sizeof(*taken));

	j->host++;
	for (int alike = 1; alike >= 0; alike--)
		for (size_t i = 0; i < part->studies_n; i++) {
			const struct fl_study *s = &part->studies[i];
			struct joined *study = taken[i] ? NULL : find_study(j, s, alike ? s->label : NULL);

			if (!taken[i] && !study && !alike)
				study = add_study(j, s);
			if (!study)
				continue;
			taken[i] = true;
			study->last = j->host;
			take_study(j, s, part->cases, study);
		}
	free(taken);
}

/* ---- the plan */

static int put_case(const struct fl_expansion *x, const struct fl_rule *rule, struct slot *slot, struct fl_plan *plan,
		    struct fl_err *err)
{
	struct fl_spot spot = { x->suite->source, rule->line, rule->column };

	slot->c.label = join_names(&slot->labels);
	plan->cases = fl_grow(plan->cases, plan->cases_n + 1, sizeof(*plan->cases));
	plan->cases[plan->cases_n++] = slot->c;
	if (slot->c.lanes_n > FL_CASE_LANES_MAX)
		return fl_fail_at(spot, err, -EINVAL, "this rule makes a case of %zu lanes on %zu hosts, more than %d",
				  slot->c.lanes_n, x->hosts_n, FL_CASE_LANES_MAX);
	if (plan->cases_n > FL_CASES_MAX)
		return fl_fail_at(spot, err, -EINVAL, "the suite makes more than %d cases", FL_CASES_MAX);
	return 0;
}

static int put_study(const struct fl_expansion *x, const struct fl_rule *rule, struct joined *study,
		     struct fl_plan *plan, struct fl_err *err)
{
	char *label = join_names(&study->labels);
	struct fl_study *s = fl_plan_add_study(plan, study->kind, label);
	int rc = 0;

	s->range = study->range;
	s->option = study->option;
	s->values = study->option ? fl_zalloc(study->slots_n, sizeof(*s->values)) : NULL;
	s->cases_n = (unsigned)study->slots_n;
	for (size_t i = 0; i < study->slots_n; i++) {
		int put = put_case(x, rule, &study->slots[i], plan, rc == 0 ? err : NULL);

		rc = rc < 0 ? rc : put;
		if (s->values)
			s->values[i] = study->slots[i].value;
		else
			free(study->slots[i].value);
		release_names(&study->slots[i].labels);
	}
	release_names(&study->labels);
	free(study->slots);
	free(label);
	return rc;
}

int fl_plan_join(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_plan *parts, struct fl_plan *plan,
		 struct fl_err *err)
{
	struct join j = { 0 };
	int rc = 0;

	for (size_t h = 0; h < x->hosts_n; h++)
		take_plan(&j, &parts[h]);
	for (size_t i = 0; i < j.n; i++) {
		int put = put_study(x, rule, &j.studies[i], plan, rc == 0 ? err : NULL);

		rc = rc < 0 ? rc : put;
	}
	free(j.studies);
	return rc;
}
