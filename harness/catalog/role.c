/* SPDX-License-Identifier: Apache-2.0 */
/* role.c: what the lanes of one measurement are: words with '|' between them, one lane each, by rank. */
#include "catalog/catalog.h"
#include <errno.h>
#include <string.h>

enum { ROLE_CHARS_MAX = 32 };

/* The next word of *at, which moves behind it; NULL: there is none. */
static const char *next_word(const char **at, size_t *ret_n)
{
	const char *word = *at;

	if (!word)
		return NULL;
	*ret_n = strcspn(word, "|");
	*at = word[*ret_n] ? word + *ret_n + 1 : NULL;
	return word;
}

const char *fl_entry_role(const struct fl_entry *e, unsigned rank, size_t *ret_n)
{
	const char *at = e->roles, *word = NULL;

	for (unsigned i = 0; i <= rank && (word = next_word(&at, ret_n)); i++)
		;
	return word;
}

unsigned fl_entry_roles(const struct fl_entry *e)
{
	const char *at = e->roles;
	unsigned n = 0;
	size_t chars;

	while (next_word(&at, &chars))
		n++;
	return n ? n : 1;
}

static bool is_same(const char *a, size_t a_n, const char *b, size_t b_n)
{
	return a_n == b_n && memcmp(a, b, a_n) == 0;
}

bool fl_entry_is_measured(const struct fl_entry *e, unsigned rank)
{
	size_t n;
	const char *word = e->measured_at ? fl_entry_role(e, rank, &n) : NULL;

	return !word || is_same(word, n, e->measured_at, strlen(e->measured_at));
}

bool fl_entry_measures_each(const struct fl_entry *e, const char *(*text_of)(const void *from, const char *option),
			    const void *from)
{
	return e->roles && (!e->measured_at || !fl_when_holds(e, e->measured_when, text_of, from));
}

static int check_role(const struct fl_entry *e, unsigned rank, const char *at, struct fl_err *err)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t n, other_n;
	const char *word = fl_entry_role(e, rank, &n);

	if (n == 0 || n > ROLE_CHARS_MAX || strspn(word, chars) < n || word[0] < 'a')
		return fl_fail(err, -EINVAL, "%s: role %u must be a word of at most %d of '%s'", at, rank,
			       ROLE_CHARS_MAX, chars);
	for (unsigned i = 0; i < rank; i++) {
		const char *other = fl_entry_role(e, i, &other_n);

		if (is_same(word, n, other, other_n))
			return fl_fail(err, -EINVAL, "%s: role '%.*s' is declared twice", at, (int)n, word);
	}
	return 0;
}

int fl_roles_check(const struct fl_entry *e, const char *at, struct fl_err *err)
{
	unsigned n = fl_entry_roles(e), measured = 0;
	int rc = 0;

	if (!e->roles && e->lockstep)
		return fl_fail(err, -EINVAL, "%s: 'lockstep' is of roles, and there are none", at);
	if (e->lockstep && e->whole)
		return fl_fail(err, -EINVAL, "%s: what ends by itself is not in lockstep", at);
	if (!e->roles && e->measured_at)
		return fl_fail(err, -EINVAL, "%s: 'measured_at' names a role, and there are none", at);
	if (!e->measured_at && e->measured_when)
		return fl_fail(err, -EINVAL, "%s: 'measured_when' is of 'measured_at', and there is none", at);
	if (!e->roles)
		return 0;
	if (n < 2 || n > FL_ROLES_MAX)
		return fl_fail(err, -EINVAL, "%s: %u roles, not 2 to %d", at, n, FL_ROLES_MAX);
	for (unsigned i = 0; i < n && rc == 0; i++) {
		rc = check_role(e, i, at, err);
		measured += fl_entry_is_measured(e, i);
	}
	if (rc == 0 && measured == 0)
		return fl_fail(err, -EINVAL, "%s: 'measured_at' names '%.40s', which is no role", at, e->measured_at);
	if (rc == 0)
		rc = fl_when_check(e, e->measured_when, "it is measured at one role", at, err);
	if (rc == 0 && e->lanes)
		return fl_fail(err, -EINVAL, "%s: 'roles' and 'lanes' do not go together", at);
	if (rc == 0 && e->open_loop)
		return fl_fail(err, -EINVAL, "%s: a closed loop has no roles", at);
	return rc;
}
