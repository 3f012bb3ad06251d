/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: what every option of a rule can be: one value, or one for each device. Where a value comes from, in this
 * order: the rule's `sweep`, its demand (demand.c), the command line, `with`, `each` and `pairs`, the preset, and for a
 * device option every device there is. */
#include "base/alloc.h"
#include "base/field.h"
#include "plan/parts.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the functions of this file work on. */
struct source {
	const struct fl_expansion *x;
	const struct fl_rule *rule;
	const struct fl_entry *entry;
	const struct fl_demand *demand; /* NULL: none */
};

static const struct fl_setting *find_setting(const struct fl_setting *settings, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

const char *fl_given_text(const struct fl_expansion *x, const struct fl_rule *rule, const char *name,
			  struct fl_spot *spot)
{
	const struct fl_setting *set = find_setting(rule->with, rule->with_n, name);

	*spot = (struct fl_spot){ x->suite->source, 0, 0 };
	for (size_t i = x->settings->overrides_n; i-- > 0;)
		if (strcmp(x->settings->overrides[i].name, name) == 0)
			return x->settings->overrides[i].text;
	if (!set)
		return NULL;
	spot->line = set->line;
	spot->column = set->column;
	return set->text;
}

static bool is_numa(const struct fl_field *field)
{
	return strcmp(field->name, "numa") == 0;
}

/* "there are node0, node1", at most what a hint holds. only_cpus: nodes that have CPUs. */
static void list_devices(const struct fl_machine *m, const char *kind, struct fl_err *err)
{
	struct fl_text names = { 0 };
	size_t n = fl_machine_count(m, kind);

	for (size_t i = 0; i < n; i++) {
		if (i == 8) {
			fl_text_add(&names, " and %zu more", n - i);
			break;
		}
		fl_text_add(&names, "%s%s", i ? ", " : "", fl_machine_device(m, kind, i).id);
	}
	fl_hint(err, n ? "there are: %s" : "there is none%s", fl_text_str(&names));
	fl_text_release(&names);
}

static void list_nodes(const struct fl_machine *m, struct fl_err *err)
{
	struct fl_text names = { 0 };

	for (size_t i = 0; i < m->nodes_n && names.n < 200; i++)
		if (fl_cpus_count(&m->nodes[i].cpus))
			fl_text_add(&names, "%s%s", names.n ? ", " : "", m->nodes[i].id);
	fl_hint(err, "nodes with CPUs: %s", names.n ? fl_text_str(&names) : "none is known");
	fl_text_release(&names);
}

/* A lane can sit on any node with CPUs, also on one without memory. */
static int resolve_numa(const struct fl_machine *m, const char *text, struct fl_spot spot, char **ret,
			struct fl_err *err)
{
	for (size_t i = 0; i < m->nodes_n; i++) {
		const struct fl_node *node = &m->nodes[i];
		char number[16];

		snprintf(number, sizeof(number), "%d", node->number);
		if (strcmp(text, number) != 0 && strcmp(text, node->id) != 0)
			continue;
		if (fl_cpus_count(&node->cpus) == 0) {
			fl_fail_at(spot, err, -EINVAL, "NUMA node '%s' has no CPUs", text);
			list_nodes(m, err);
			return -EINVAL;
		}
		*ret = fl_dup(node->id);
		return 0;
	}
	fl_fail_at(spot, err, -EINVAL, "no NUMA node '%s' on this machine", text);
	list_nodes(m, err);
	return -EINVAL;
}

/* What people call a kind of device, or two of them: "RDMA device", "node or gpu"; malloc'd. */
static char *words_of_kind(const char *kind)
{
	size_t n = strcspn(kind, "|");

	return strcmp(kind, "rdma") == 0 ? fl_dup("RDMA device")
	       : kind[n]		 ? fl_format("%.*s or %s", (int)n, kind, kind + n + 1)
					 : fl_dup(kind);
}

/* One that is there and cannot be used: its lane says why it is not measured. NULL: there is none. */
static const char *find_useless(const struct fl_machine *m, const char *kind, const char *text)
{
	const struct fl_gpu *divided = fl_kinds_have(kind, "gpu") ? fl_gpu_divided(m, text) : NULL;
	int nic = strcmp(kind, "rdma") == 0 ? fl_machine_find(m, "nic", text) : -1;

	return divided ? divided->id : nic >= 0 ? m->nics[nic].id : NULL;
}

static int resolve_device(const struct fl_machine *m, const char *kind, const char *text, struct fl_spot spot,
			  char **ret, struct fl_err *err)
{
	int i = fl_machine_find(m, kind, text);
	const char *useless = i < 0 ? find_useless(m, kind, text) : NULL;

	if (useless) {
		*ret = fl_dup(useless);
		return 0;
	}
	if (i < 0) {
		char *words = words_of_kind(kind);

		fl_fail_at(spot, err, -ENODEV, "no %s '%s' on this machine", words, text);
		free(words);
		list_devices(m, kind, err);
		return -ENODEV;
	}
	*ret = fl_dup(fl_machine_device(m, kind, (size_t)i).id);
	return 0;
}

bool fl_is_local(const struct fl_field *field, const char *text)
{
	return fl_field_holds(field, "node", NULL) && !is_numa(field) && strcmp(text, "local") == 0;
}

int fl_canon_at(const struct fl_field *field, const char *text, struct fl_spot spot, char **ret, struct fl_err *err)
{
	struct fl_err cause = { 0 };
	int rc = fl_field_canon(field, text, ret, &cause);

	if (rc < 0) {
		fl_fail_at(spot, err, rc, "%s", cause.what);
		if (cause.hint[0])
			fl_hint(err, "%s", cause.hint);
	}
	return rc;
}

static int canon(const struct source *s, const struct fl_field *field, const char *text, struct fl_spot spot,
		 char **ret, struct fl_err *err)
{
	if (is_numa(field))
		return resolve_numa(s->x->machine, text, spot, ret, err);
	if (field->type == FL_DEVICE && !fl_is_local(field, text))
		return resolve_device(s->x->machine, field->range, text, spot, ret, err);
	return fl_canon_at(field, text, spot, ret, err);
}

static int choose_one(const struct source *s, const char *text, struct fl_spot spot, struct fl_choice *c,
		      struct fl_err *err)
{
	char *one = NULL;
	int rc = canon(s, c->field, text, spot, &one, err);

	if (rc < 0)
		return rc;
	c->texts = fl_zalloc(1, sizeof(*c->texts));
	c->texts[0] = one;
	c->n = 1;
	return 0;
}

static void choose_nodes(const struct fl_machine *m, struct fl_choice *c)
{
	c->texts = fl_zalloc(m->nodes_n, sizeof(*c->texts));
	for (size_t i = 0; i < m->nodes_n; i++)
		if (fl_cpus_count(&m->nodes[i].cpus))
			c->texts[c->n++] = fl_dup(m->nodes[i].id);
}

static void choose_devices(const struct fl_machine *m, struct fl_choice *c)
{
	const char *kind = c->field->range;
	size_t n = fl_machine_count(m, kind);

	c->texts = fl_zalloc(n, sizeof(*c->texts));
	for (size_t i = 0; i < n; i++)
		c->texts[c->n++] = fl_dup(fl_machine_device(m, kind, i).id);
}

/* Nothing can be measured for want of a kind of device. */
static void miss(struct fl_choices *all, const char *kind)
{
	char *words = words_of_kind(kind);

	if (!all->missing)
		all->missing = fl_format("this machine has no %s", words);
	free(words);
}

/* Every device of the option's kind. A machine that has none leaves the option without a value: for `numa` that means
 * no NUMA information, for others that nothing can be measured. */
static void choose_each(const struct source *s, struct fl_choice *c, struct fl_choices *all)
{
	c->tells = c->each = true;
	if (is_numa(c->field)) {
		choose_nodes(s->x->machine, c);
		return;
	}
	choose_devices(s->x->machine, c);
	if (c->n == 0)
		miss(all, c->field->range);
}

/* How many options of `pairs` are of this benchmark, and not of the load beside it. */
static size_t own_pairs(const struct fl_rule *rule)
{
	return rule->pairs_beside ? 1 : rule->pairs_n;
}

static bool wants_each(const struct source *s, const struct fl_field *field, bool common)
{
	if (find_setting(s->rule->each, s->rule->each_n, field->name) ||
	    find_setting(s->rule->at_once, s->rule->at_once_n, field->name) ||
	    find_setting(s->rule->pairs, own_pairs(s->rule), field->name))
		return true;
	if (is_numa(field))
		return s->entry->numa && strcmp(s->entry->numa, "each") == 0;
	return field->type == FL_DEVICE && !field->preset && !common;
}

int fl_refuse_missing(const struct fl_entry *entry, const struct fl_field *field, struct fl_spot spot,
		      struct fl_err *err)
{
	fl_fail_at(spot, err, -EINVAL, "%s needs '%s'", entry->name, field->name);
	return fl_hint(err, "%s: %s", field->name, field->help ? field->help : "an option without a preset");
}

/* Only the demand itself goes into the label. */
static int choose_demanded(const struct source *s, struct fl_choice *c, struct fl_err *err)
{
	struct fl_spot spot;
	char *text = fl_demand_text(s->demand, c->field->name);
	int rc;

	fl_given_text(s->x, s->rule, FL_DEMAND, &spot);
	rc = choose_one(s, text, spot, c, err);
	free(text);
	c->tells = c->common;
	c->written = c->common ? s->demand->name : NULL;
	return rc;
}

/* Which of several lanes one is, only the plan can say. */
static int refuse_lane(const struct source *s, struct fl_spot spot, struct fl_err *err)
{
	fl_fail_at(spot, err, -EINVAL, "'%s' cannot be set: each lane of %s has its own", s->entry->lane,
		   s->entry->name);
	return fl_hint(err, "'%s' says how many there are", s->entry->lanes);
}

static int choose(const struct source *s, struct fl_choice *c, struct fl_choices *all, struct fl_err *err)
{
	struct fl_spot spot;
	const char *text = fl_given_text(s->x, s->rule, c->field->name, &spot);
	int rc = fl_choose_sweep(s->x, s->rule, c, err);

	if (rc < 0 || c->swept)
		return rc;
	if (fl_is_demanded(s->demand, c->field->name))
		return choose_demanded(s, c, err);
	if (c->common && strcmp(c->field->name, FL_DEMAND) == 0)
		return 0; /* it does not count, or there is none */
	if (text && s->entry->lane && strcmp(c->field->name, s->entry->lane) == 0)
		return refuse_lane(s, spot, err);
	if (text) {
		c->written = text;
		c->tells = strcmp(c->field->name, "duration") != 0;
		return choose_one(s, text, spot, c, err);
	}
	if (wants_each(s, c->field, c->common)) {
		choose_each(s, c, all);
		return 0;
	}
	if (c->field->preset)
		return choose_one(s, c->field->preset, spot, c, err);
	spot = (struct fl_spot){ s->x->suite->source, s->rule->line, s->rule->column };
	return c->common ? 0 : fl_refuse_missing(s->entry, c->field, spot, err);
}

static int refuse_unknown(const struct source *s, const struct fl_setting *set, struct fl_err *err)
{
	struct fl_spot spot = { s->x->suite->source, set->line, set->column };
	const char *names[64];
	size_t n = 0;

	for (const struct fl_field *f = s->entry->fields; f->name && n < 60; f++)
		names[n++] = f->name;
	for (const struct fl_field *f = fl_common_fields; f->name && n < 64; f++)
		if (fl_entry_field(s->entry, f->name))
			names[n++] = f->name;
	fl_fail_at(spot, err, -EINVAL, "%s has no option '%s'", s->entry->name, set->name);
	const char *near = fl_nearest(set->name, names, n);
	return near ? fl_hint(err, "did you mean '%s'?", near)
		    : fl_hint(err, "see `feedline bench %s --help`", s->entry->name);
}

/* Options that are to be every device, by the word `word`. */
static int check_devices(const struct source *s, const char *word, const struct fl_setting *names, size_t n,
			 struct fl_err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct fl_setting *set = &names[i];
		const struct fl_field *field = fl_entry_field(s->entry, set->name);
		struct fl_spot spot = { s->x->suite->source, set->line, set->column };

		if (!field)
			return refuse_unknown(s, set, err);
		if (field->type != FL_DEVICE)
			return fl_fail_at(spot, err, -EINVAL, "'%s' wants device options, '%s' is none", word,
					  set->name);
		if (find_setting(s->rule->with, s->rule->with_n, set->name))
			return fl_fail_at(spot, err, -EINVAL, "'%s' is both in 'with' and in '%s'", set->name, word);
		if (names != s->rule->each && find_setting(s->rule->each, s->rule->each_n, set->name))
			return fl_fail_at(spot, err, -EINVAL, "'%s' is both in 'each' and in '%s'", set->name, word);
	}
	return 0;
}

static int check_sweep(const struct source *s, struct fl_err *err)
{
	const struct fl_setting *set = s->rule->sweep;
	const struct fl_field *field = fl_entry_field(s->entry, set->name);
	struct fl_spot spot = { s->x->suite->source, set->line, set->column };

	if (!field)
		return refuse_unknown(s, set, err);
	if (s->entry->lane && strcmp(set->name, s->entry->lane) == 0)
		return refuse_lane(s, spot, err);
	if (field->type == FL_DEVICE) {
		fl_fail_at(spot, err, -EINVAL, "'sweep' wants no devices, '%s' is one", set->name);
		return fl_hint(err, "'each' and 'pairs' go over devices");
	}
	if (find_setting(s->rule->with, s->rule->with_n, set->name))
		return fl_fail_at(spot, err, -EINVAL, "'%s' is both in 'with' and in 'sweep'", set->name);
	return 0;
}

/* Options in `at_once` may be in `each` or `pairs`, too. */
static int check_at_once(const struct source *s, struct fl_err *err)
{
	const struct fl_rule *rule = s->rule;
	const struct fl_rule devices = { .at_once = rule->at_once };
	const struct source own = { s->x, &devices, s->entry, NULL };
	int rc = check_devices(&own, "at_once", rule->at_once, rule->at_once_n, err);

	for (size_t i = 0; i < rule->at_once_n && rc == 0; i++)
		if (find_setting(rule->with, rule->with_n, rule->at_once[i].name))
			rc = fl_fail_at(
				(struct fl_spot){ s->x->suite->source, rule->at_once[i].line, rule->at_once[i].column },
				err, -EINVAL, "'%s' is both in 'with' and in 'at_once'", rule->at_once[i].name);
	return rc;
}

static int check_names(const struct source *s, struct fl_err *err)
{
	int rc;

	for (size_t i = 0; i < s->rule->with_n; i++)
		if (!fl_entry_field(s->entry, s->rule->with[i].name))
			return refuse_unknown(s, &s->rule->with[i], err);
	rc = check_devices(s, "each", s->rule->each, s->rule->each_n, err);
	if (rc == 0)
		rc = check_devices(s, "pairs", s->rule->pairs, own_pairs(s->rule), err);
	if (rc == 0)
		rc = check_at_once(s, err);
	return rc == 0 && s->rule->sweep ? check_sweep(s, err) : rc;
}

static size_t count_fields(const struct fl_field *fields)
{
	size_t n = 0;

	while (fields[n].name)
		n++;
	return n;
}

static void list_commons(const struct fl_entry *entry, bool numa, struct fl_choices *all)
{
	for (const struct fl_field *f = fl_common_fields; f->name; f++)
		if (is_numa(f) == numa && fl_entry_field(entry, f->name) == f)
			all->items[all->n++] = (struct fl_choice){ .field = f, .common = true };
}

/* Numa first: it is the outermost loop of a rule's lanes. */
static void list_fields(const struct fl_entry *entry, struct fl_choices *all)
{
	list_commons(entry, true, all);
	for (const struct fl_field *f = entry->fields; f->name; f++)
		all->items[all->n++] = (struct fl_choice){ .field = f };
	list_commons(entry, false, all);
}

static int find_demand(struct source *s, struct fl_err *err)
{
	const struct fl_spot spot = { s->x->suite->source, s->rule->line, s->rule->column };
	bool every = false;
	int rc = fl_demand_of_rule(s->x, s->rule, s->entry, &s->demand, &every, err);

	if (rc < 0 || !every)
		return rc;
	fl_fail_at(spot, err, -EINVAL, "'demand: " FL_DEMAND_ALL "' makes studies, which cannot run together");
	return fl_hint(err, "name one demand, or write a rule of its own");
}

int fl_choices_make(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_entry *entry,
		    struct fl_choices *ret, struct fl_err *err)
{
	struct source s = { x, rule, entry, NULL };
	struct fl_choices all = { 0 };
	int rc = check_names(&s, err);

	if (rc == 0)
		rc = find_demand(&s, err);
	if (rc < 0)
		return rc;
	all.items = fl_zalloc(count_fields(entry->fields) + count_fields(fl_common_fields), sizeof(*all.items));
	list_fields(entry, &all);
	if (rule->only_with && fl_machine_count(x->machine, rule->only_with) == 0)
		miss(&all, rule->only_with);
	for (size_t i = 0; i < all.n && rc == 0; i++) {
		all.items[i].at_once = find_setting(rule->at_once, rule->at_once_n, all.items[i].field->name);
		rc = choose(&s, &all.items[i], &all, err);
	}
	if (rc < 0) {
		fl_choices_release(&all);
		return rc;
	}
	if (rule->only_with && all.missing)
		for (size_t i = 0; i < all.n; i++) /* not one lane for each device that is there: one says it */
			if (all.items[i].each)
				fl_choice_clear(&all.items[i]);
	if (rule->pairs && !rule->pairs_beside && !all.missing)
		fl_choose_pairs(x, rule, entry, &all);
	*ret = all;
	return 0;
}

void fl_choice_clear(struct fl_choice *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->texts[i]);
		if (c->shown)
			free(c->shown[i]);
	}
	free(c->texts);
	free(c->shown);
	c->texts = c->shown = NULL;
	c->n = 0;
}

void fl_choices_release(struct fl_choices *choices)
{
	for (size_t i = 0; i < choices->n; i++)
		fl_choice_clear(&choices->items[i]);
	free(choices->items);
	free(choices->pair);
	free(choices->missing);
	*choices = (struct fl_choices){ 0 };
}
