/* SPDX-License-Identifier: Apache-2.0 */
/* known.c: values that may be unknown, and ids. */
#include "base/alloc.h"
#include "sense.h"
#include <math.h>
#include <string.h>

void know(struct fl_known *ret, double value)
{
	*ret = (struct fl_known){ .value = value };
}

void know_not(struct fl_known *ret, const char *why)
{
	*ret = (struct fl_known){ .value = NAN, .why = fl_dup(why) };
}

void know_text(struct fl_known_text *ret, char *value, const char *why)
{
	ret->value = value;
	ret->why = value ? NULL : fl_dup(why);
}

void know_node(struct fl_known *ret, const struct fl_machine *m, int number, const char *why)
{
	if (number >= 0 && fl_machine_node(m, number))
		know(ret, number);
	else if (m->nodes_n == 1)
		know(ret, m->nodes[0].number);
	else
		know_not(ret, why);
}

char *id_of(const char *kind, const char *text)
{
	static const char kept[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:+-";
	char *id = fl_format("%s-%s", kind, text);

	for (char *p = id; *p; p++)
		if (!strchr(kept, *p))
			*p = '_';
	return id;
}
