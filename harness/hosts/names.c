/* SPDX-License-Identifier: Apache-2.0 */
/* names.c: "n1-n7, n9". */
#include "hosts/names.h"
#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* A name as what stands before its last number, that number, and what stands behind it ("node", 12, ".rack-a"). */
struct counted {
	size_t before, digits;
	uint64_t number;
	const char *after;
	bool counts; /* has a number of at most 18 digits */
};

static struct counted take_apart(const char *name)
{
	size_t end = strlen(name), at;
	struct counted c = { 0 };

	while (end > 0 && !isdigit((unsigned char)name[end - 1]))
		end--;
	at = end;
	while (at > 0 && isdigit((unsigned char)name[at - 1]))
		at--;
	c.before = at;
	c.digits = end - at;
	c.after = name + end;
	c.counts = c.digits > 0 && c.digits <= 18;
	for (size_t i = at; i < end && c.counts; i++)
		c.number = c.number * 10 + (uint64_t)(name[i] - '0');
	return c;
}

static bool follows(const char *name, const char *next)
{
	struct counted a = take_apart(name), b = take_apart(next);

	if (!a.counts || !b.counts || b.number != a.number + 1 || a.before != b.before)
		return false;
	if (memcmp(name, next, a.before) != 0 || strcmp(a.after, b.after) != 0)
		return false;
	return a.digits == b.digits || (name[a.before] != '0' && next[b.before] != '0');
}

static size_t run_of(const char *const *names, size_t n)
{
	size_t length = 1;

	while (length < n && follows(names[length - 1], names[length]))
		length++;
	return length < 3 ? 1 : length;
}

void fl_names_collapse(const char *const *names, size_t n, size_t parts_max, struct fl_text *out)
{
	size_t parts = 0;

	for (size_t i = 0; i < n; parts++) {
		size_t length = run_of(names + i, n - i);

		if (parts == parts_max) {
			fl_text_add(out, " and %zu more", n - i);
			return;
		}
		fl_text_add(out, "%s%s", parts ? ", " : "", names[i]);
		if (length > 1)
			fl_text_add(out, "-%s", names[i + length - 1]);
		i += length;
	}
}
