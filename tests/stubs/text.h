/* SPDX-License-Identifier: Apache-2.0 */
/* text.h: what the texts have in common that tell the stubs what they are and what goes wrong: entries with commas
 * between them. A setting is NAME=VALUE, a fault is [SUBJECT:]CALL:K[+]:DEED: the K-th time that CALL ("any": each) is
 * made (with a +, each time from then on; with a subject, "gpu3", for that one), it does so. A text that cannot be read
 * ends the process. */
#ifndef STUBS_TEXT_H
#define STUBS_TEXT_H
#include <stdbool.h>
#include <stdint.h>

enum { TEXT_FAULTS = 32, TEXT_NAME = 64 };

/* Of one stub. */
struct text_kind {
	const char *who;     /* "CUDA stub" */
	const char *subject; /* "gpu", before its number */
	unsigned subjects;   /* numbers are below that */
	const char *const
		*deeds; /* in the order of their numbers, from 1; "fail=": a number follows; NULL behind the last */
};

struct text_entry {
	const struct text_kind *kind;
	const char *whole; /* for messages */
	const char *value; /* of a setting, behind its '='; NULL: it is a fault */
};

/* deed 0: nothing goes wrong */
struct text_deed {
	unsigned deed;
	uint64_t number;
};

struct text_fault {
	char call[TEXT_NAME];
	int subject; /* -1: any */
	unsigned from, seen;
	bool on; /* each time from then on */
	struct text_deed does;
};

struct text_faults {
	struct text_fault list[TEXT_FAULTS];
	unsigned n;
};

/* Calls `each` for every entry, in their order. text: NULL is none. */
void text_read(const struct text_kind *kind, const char *text, void (*each)(const struct text_entry *e, void *arg),
	       void *arg);

/* A part of an entry, as one of its own. */
struct text_entry text_entry_at(const struct text_kind *kind, const char *at);

_Noreturn void text_refuse(const struct text_entry *e);
bool text_is(const struct text_entry *e, const char *name); /* is it a setting of that name? */
/* Digits to the end, or to `stop`. */
uint64_t text_number(const struct text_entry *e, const char *at, char stop);
unsigned text_subject(const struct text_entry *e, const char *at, char stop); /* the number of one */
uint64_t text_value(const struct text_entry *e);			      /* the value, a number */
unsigned text_bit(const struct text_entry *e); /* the value is the number of a subject: 1 << that */
void text_add_fault(const struct text_entry *e, struct text_faults *faults);
void text_also(struct text_faults *faults, const struct text_faults *more);

/* One call is made, which also bears the name `group` (NULL: none), for that subject (-1: for none). */
struct text_deed text_call(struct text_faults *faults, const char *call, const char *group, int subject);

#endif
