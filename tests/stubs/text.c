/* SPDX-License-Identifier: Apache-2.0 */
/* text.c: reads what a stub is told, and counts the calls that something is to go wrong with. */
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_refuse(const struct text_entry *e)
{
	fprintf(stderr, "%s: cannot read '%s'\n", e->kind->who, e->whole);
	abort();
}

struct text_entry text_entry_at(const struct text_kind *kind, const char *at)
{
	const char *equals = strchr(at, '='), *colon = strchr(at, ':');
	bool is_setting = equals && (!colon || equals < colon);

	return (struct text_entry){ kind, at, is_setting ? equals + 1 : NULL };
}

void text_read(const struct text_kind *kind, const char *text, void (*each)(const struct text_entry *e, void *arg),
	       void *arg)
{
	char *copy = strdup(text ? text : ""), *rest = copy, *at;

	while ((at = strsep(&rest, ","))) {
		const struct text_entry e = text_entry_at(kind, at);

		if (*at)
			each(&e, arg);
	}
	free(copy);
}

bool text_is(const struct text_entry *e, const char *name)
{
	size_t n = strlen(name);

	return e->value && (size_t)(e->value - e->whole) == n + 1 && !strncmp(e->whole, name, n);
}

uint64_t text_number(const struct text_entry *e, const char *at, char stop)
{
	char *end;
	uint64_t n = strtoull(at, &end, 10);

	if (end == at || *end != stop)
		text_refuse(e);
	return n;
}

unsigned text_subject(const struct text_entry *e, const char *at, char stop)
{
	uint64_t n = text_number(e, at, stop);

	if (n >= e->kind->subjects)
		text_refuse(e);
	return (unsigned)n;
}

uint64_t text_value(const struct text_entry *e)
{
	return text_number(e, e->value, 0);
}

unsigned text_bit(const struct text_entry *e)
{
	return 1u << text_subject(e, e->value, 0);
}

static struct text_deed read_deed(const struct text_entry *e, const char *at)
{
	for (unsigned i = 0; e->kind->deeds[i]; i++) {
		const char *name = e->kind->deeds[i];
		size_t n = strlen(name);
		bool has_number = name[n - 1] == '=';

		if (has_number ? !strncmp(at, name, n) : !strcmp(at, name))
			return (struct text_deed){ i + 1, has_number ? text_number(e, at + n, 0) : 0 };
	}
	text_refuse(e);
}

void text_add_fault(const struct text_entry *e, struct text_faults *faults)
{
	struct text_fault f = { .subject = -1 };
	size_t n = strlen(e->kind->subject);
	const char *at = e->whole, *count, *deed;

	if (!strncmp(at, e->kind->subject, n)) {
		f.subject = (int)text_subject(e, at + n, ':');
		at = strchr(at, ':') + 1;
	}
	count = strchr(at, ':');
	deed = count ? strchr(count + 1, ':') : NULL;
	if (!deed || count - at >= TEXT_NAME || faults->n == TEXT_FAULTS)
		text_refuse(e);
	memcpy(f.call, at, (size_t)(count - at));
	f.on = deed[-1] == '+';
	f.from = (unsigned)text_number(e, count + 1, f.on ? '+' : ':');
	f.does = read_deed(e, deed + 1);
	faults->list[faults->n++] = f;
}

void text_also(struct text_faults *faults, const struct text_faults *more)
{
	for (unsigned i = 0; i < more->n && faults->n < TEXT_FAULTS; i++)
		faults->list[faults->n++] = more->list[i];
}

static bool concerns(const struct text_fault *f, const char *call, const char *group, int subject)
{
	if (f->subject >= 0 && f->subject != subject)
		return false;
	return !strcmp(f->call, call) || !strcmp(f->call, "any") || (group && !strcmp(f->call, group));
}

struct text_deed text_call(struct text_faults *faults, const char *call, const char *group, int subject)
{
	struct text_deed ret = { 0 };

	for (unsigned i = 0; i < faults->n; i++) {
		struct text_fault *f = &faults->list[i];

		if (!concerns(f, call, group, subject))
			continue;
		f->seen++;
		if (ret.deed == 0 && (f->on ? f->seen >= f->from : f->seen == f->from))
			ret = f->does;
	}
	return ret;
}
