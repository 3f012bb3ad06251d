/* SPDX-License-Identifier: Apache-2.0 */
/* flow.c: flows that hold only for some values of an option: "source=direct|buffered". */
#include "base/field.h"
#include "catalog/catalog.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Is `word` one of the words between bars of `list`? */
static bool is_listed(const char *list, const char *word, size_t n)
{
	while (list) {
		size_t length = strcspn(list, "|");

		if (length == n && strncmp(list, word, n) == 0)
			return true;
		list = list[length] ? list + length + 1 : NULL;
	}
	return false;
}

static const struct fl_field *option_of(const struct fl_entry *e, const char *when)
{
	const char *equals = strchr(when, '=');

	for (const struct fl_field *f = e->fields; equals && f->name; f++)
		if (strlen(f->name) == (size_t)(equals - when) && strncmp(f->name, when, strlen(f->name)) == 0)
			return f;
	return NULL;
}

int fl_when_check(const struct fl_entry *e, const char *when, const char *what, const char *at, struct fl_err *err)
{
	const struct fl_field *option = when ? option_of(e, when) : NULL;
	const char *words = option ? when + strlen(option->name) + 1 : NULL;

	if (!when)
		return 0;
	if (!option || option->type != FL_CHOICE)
		return fl_fail(err, -EINVAL, "%s: %s when '%.80s', which begins with no choice", at, what, when);
	for (const char *word = words; word; word = word[strcspn(word, "|")] ? word + strcspn(word, "|") + 1 : NULL)
		if (!is_listed(option->range, word, strcspn(word, "|")))
			return fl_fail(err, -EINVAL, "%s: %s when '%.80s', which are not all words of '%s'", at, what,
				       when, option->name);
	return 0;
}

bool fl_when_holds(const struct fl_entry *e, const char *when,
		   const char *(*text_of)(const void *from, const char *option), const void *from)
{
	const struct fl_field *option = when ? option_of(e, when) : NULL;
	const char *text = option ? text_of(from, option->name) : NULL;

	return !text || is_listed(when + strlen(option->name) + 1, text, strlen(text));
}

int fl_flow_check(const struct fl_entry *e, const struct fl_flow *flow, const char *at, struct fl_err *err)
{
	return fl_when_check(e, flow->when, "a flow holds", at, err);
}

bool fl_flow_holds(const struct fl_entry *e, const struct fl_flow *flow,
		   const char *(*text_of)(const void *from, const char *option), const void *from)
{
	return fl_when_holds(e, flow->when, text_of, from);
}
