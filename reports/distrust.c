/* SPDX-License-Identifier: Apache-2.0 */
/* distrust.c: why lanes are not to be trusted, and what befell them that is no reason for that: once for all lanes that
 * it is said of in the same way. What a closed loop inherits from the lanes that it is held against is said of them. */
#include "base/alloc.h"
#include "reports/parts.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Reasons that are the same but for their figures. */
struct group {
	const char *text; /* the first of them */
	const struct fl_lane_verdict *first, *last;
	size_t lanes;
};

/* "its threads waited for a CPU # % of the time ": without figures and what is in parentheses. malloc'd. */
static char *shape_of(const char *text)
{
	char *shape = fl_dup(text), *to = shape;

	for (const char *from = text; *from && *from != '(';) {
		size_t figure = isdigit((unsigned char)*from) ? strspn(from, "0123456789.") : 0;

		*to++ = figure ? '#' : *from;
		from += figure ? figure : 1;
	}
	*to = 0;
	return shape;
}

/* What is said of a lane. */
struct texts {
	char *const *items;
	size_t n;
};

/* Own reasons come first. */
static struct texts own_distrust(const struct fl_lane_verdict *v)
{
	return (struct texts){ v->distrust, v->distrust_n - v->inherited_n };
}

static struct texts own_remarks(const struct fl_lane_verdict *v)
{
	return (struct texts){ v->remarks, v->remarks_n };
}

/* places: of the groups, by shape. There can be many lanes, so they are not compared one by one. */
static void note(json_t *places, const struct fl_lane_verdict *v, const char *text, struct group *groups, size_t *n)
{
	char *shape = shape_of(text);
	json_t *place = json_object_get(places, shape);
	struct group *g = &groups[place ? (size_t)json_integer_value(place) : *n];

	if (!place) {
		json_object_set_new(places, shape, json_integer((json_int_t)(*n)++));
		*g = (struct group){ .text = text, .first = v };
	}
	g->lanes += g->last != v;
	g->last = v;
	free(shape);
}

static struct group *collect(const struct fl_judgement *j, struct texts (*texts_of)(const struct fl_lane_verdict *),
			     size_t *ret_n)
{
	json_t *places = json_object();
	struct group *groups;
	size_t most = 0;

	for (size_t i = 0; i < j->lanes_n; i++)
		most += texts_of(&j->lanes[i]).n;
	groups = fl_zalloc(most, sizeof(*groups));
	*ret_n = 0;
	for (size_t i = 0; i < j->lanes_n; i++) {
		struct texts texts = texts_of(&j->lanes[i]);

		for (size_t k = 0; k < texts.n; k++)
			note(places, &j->lanes[i], texts.items[k], groups, ret_n);
	}
	json_decref(places);
	return groups;
}

static void add_groups(struct fl_section *s, const struct fl_words *w, const char *kind, const struct group *groups,
		       size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t more = groups[i].lanes - 1;

		fl_section_add(s, (struct fl_remark){ .kind = fl_dup(kind),
						      .subject = fl_words_name(w, groups[i].first),
						      .aside = more ? fl_format(" (and %zu more lane%s, likewise)",
										more, more == 1 ? "" : "s")
								    : NULL,
						      .text = fl_report_clean(groups[i].text) });
	}
}

void fl_add_distrust(struct fl_section *s, const struct fl_judgement *j, const struct fl_words *w)
{
	size_t n;
	struct group *groups = collect(j, own_remarks, &n);

	add_groups(s, w, "remark", groups, n);
	free(groups);
	groups = collect(j, own_distrust, &n);
	add_groups(s, w, "not trustworthy", groups, n);
	free(groups);
}
