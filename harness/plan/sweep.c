/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.c: the values of a swept option: those of a list, or of a range, doubling from its first to its last. */
#include "base/alloc.h"
#include "base/field.h"
#include "base/units.h"
#include "plan/parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct fl_spot spot_of(const struct fl_expansion *x, const struct fl_setting *value)
{
	return (struct fl_spot){ x->suite->source, value->line, value->column };
}

/* Takes both texts. */
static void add_value(struct fl_choice *c, char *text, char *shown)
{
	c->texts = fl_grow(c->texts, c->n + 1, sizeof(*c->texts));
	c->shown = fl_grow(c->shown, c->n + 1, sizeof(*c->shown));
	c->texts[c->n] = text;
	c->shown[c->n] = shown;
	c->n++;
}

static void add_number(struct fl_choice *c, uint64_t value)
{
	char *text = fl_format("%llu", (unsigned long long)value);

	add_value(c, text, fl_field_show(c->field, text));
}

static bool is_listed(const struct fl_choice *c, const char *text)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->texts[i], text) == 0)
			return true;
	return false;
}

/* Only a comparison may be of equals. */
static int add_listed(const struct fl_expansion *x, const struct fl_rule *rule, const struct fl_setting *value,
		      struct fl_choice *c, struct fl_err *err)
{
	char *text = NULL;
	int rc = fl_canon_at(c->field, value->text, spot_of(x, value), &text, err);

	if (rc < 0)
		return rc;
	if (rule->study != FL_STUDY_AB && is_listed(c, text)) {
		free(text);
		return fl_fail_at(spot_of(x, value), err, -EINVAL, "'sweep' has '%s' twice", value->text);
	}
	add_value(c, text, fl_dup(value->text));
	return 0;
}

static int read_end(const struct fl_expansion *x, const struct fl_setting *end, const struct fl_field *field,
		    uint64_t *ret, struct fl_err *err)
{
	char *text = NULL;
	int rc = fl_canon_at(field, end->text, spot_of(x, end), &text, err);

	if (rc == 0)
		rc = fl_parse_count(text, ret, err);
	free(text);
	return rc;
}

/* Both ends are allowed by the option's row, so all between them are; the last counts even if no doubling meets it. */
static int add_range(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_choice *c, struct fl_err *err)
{
	struct fl_spot spot = spot_of(x, rule->sweep);
	enum fl_type type = c->field->type;
	uint64_t from = 0, to = 0;
	int rc;

	if (type != FL_COUNT && type != FL_BYTES && type != FL_NS)
		return fl_fail_at(spot, err, -EINVAL, "'%s' has no range to sweep: list its values", c->field->name);
	rc = read_end(x, &rule->sweep[0], c->field, &from, err);
	if (rc == 0)
		rc = read_end(x, &rule->sweep[1], c->field, &to, err);
	if (rc < 0)
		return rc;
	if (from == 0 || from >= to)
		return fl_fail_at(spot, err, -EINVAL, "the range of '%s' does not go upward from 1 or more",
				  c->field->name);
	for (uint64_t value = from; value < to; value *= 2) /* both are below 2^63 */
		add_number(c, value);
	add_number(c, to);
	return 0;
}

int fl_choose_sweep(const struct fl_expansion *x, const struct fl_rule *rule, struct fl_choice *c, struct fl_err *err)
{
	int rc = 0;

	if (!rule->sweep || strcmp(rule->sweep[0].name, c->field->name) != 0)
		return 0;
	c->swept = c->tells = true;
	if (rule->sweep_range)
		return add_range(x, rule, c, err);
	for (size_t i = 0; i < rule->sweep_n && rc == 0; i++)
		rc = add_listed(x, rule, &rule->sweep[i], c, err);
	return rc;
}
