/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c: the command of a tool that others know, from its template (feedline/bench.h says what may stand in one). */
#include "base/alloc.h"
#include "base/units.h"
#include "catalog/catalog.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LIST	   ':'	/* between the name and the list of a slot */
#define CALCULATES "*/" /* what makes a slot a calculation */

/* ---- which tools
 *
 * A record may come from anybody, and what is printed of it is pasted into a shell: so a command calls one of these
 * tools, and its options are these alone, whole or up to a '='. None of them lets the tool carry out anything else, as
 * fio's --exec_prerun does. A benchmark whose peer needs more adds it here. */
static const struct tool {
	const char *name, *options[22];
} tools[] = {
	{ "fio",
	  { "--name",
	    "--filename",
	    "--readonly",
	    "--ioengine=io_uring",
	    "--direct",
	    "--rw=read",
	    "--rw=randread",
	    "--norandommap",
	    "--bs",
	    "--iodepth",
	    "--numjobs",
	    "--size",
	    "--offset_increment",
	    "--group_reporting",
	    "--fixedbufs",
	    "--registerfiles",
	    "--invalidate",
	    "--cpus_allowed",
	    "--cpus_allowed_policy",
	    "--time_based",
	    "--runtime" } },
	{ "likwid-bench", { "-t", "-s", "-w" } },
	{ "nvbandwidth", { "-t", "-b" } },
};

static const struct tool *find_tool(const char *name)
{
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (strcmp(tools[i].name, name) == 0)
			return &tools[i];
	return NULL;
}

static bool may_say(const struct tool *tool, const char *word)
{
	for (const char *const *o = tool->options; *o; o++) {
		size_t n = strlen(*o);

		if (strncmp(word, *o, n) == 0 && (word[n] == 0 || (word[n] == '=' && !strchr(*o, '='))))
			return true;
	}
	return word[0] != '-';
}

/* ---- is it well formed, and of names that there are? */

static const struct fl_fact *find_fact(const struct fl_entry *e, const char *name)
{
	const struct fl_fact *f = e->facts;

	while (f && f->name && strcmp(f->name, name) != 0)
		f++;
	return f && f->name ? f : NULL;
}

static bool is_of_lane(const char *name)
{
	static const char *const names[] = { "cpus", "cpus_n", "node", "is_local", "gpus_n" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int check_name(const struct fl_entry *e, const char *name, const char *at, struct fl_err *err)
{
	if (fl_entry_field(e, name) || find_fact(e, name) || is_of_lane(name))
		return 0;
	return fl_fail(err, -EINVAL, "%s: its peer asks for '%s', which is no option, fact or place of the lane", at,
		       name);
}

/* The text that a list "a=X,b=" has for a word; NULL: none. *ret_n: its length. */
static const char *listed(const char *list, const char *word, size_t word_n, size_t *ret_n)
{
	while (*list) {
		size_t n = strcspn(list, ",");

		if (n > word_n && strncmp(list, word, word_n) == 0 && list[word_n] == '=') {
			*ret_n = n - word_n - 1;
			return list + word_n + 1;
		}
		list += n + (list[n] == ',');
	}
	return NULL;
}

/* Every word that the option can be must be in the list. */
static int check_list(const struct fl_entry *e, const char *name, const char *list, const char *at, struct fl_err *err)
{
	const struct fl_field *field = fl_entry_field(e, name);
	const char *words = field && field->type == FL_FLAG ? "no|yes" : "";
	size_t n, unused;

	if (field && field->type == FL_CHOICE)
		words = field->range;
	else if (field && field->type != FL_FLAG && !find_fact(e, name))
		return fl_fail(err, -EINVAL, "%s: its peer has a list for '%s', which is no choice", at, name);
	for (; *words; words += n + (words[n] == '|')) {
		n = strcspn(words, "|");
		if (n && !listed(list, words, n, &unused))
			return fl_fail(err, -EINVAL, "%s: its peer has nothing for %s '%.*s'", at, name, (int)n, words);
	}
	return 0;
}

static int check_factors(const struct fl_entry *e, const char *slot, const char *at, struct fl_err *err)
{
	bool calculates = strpbrk(slot, CALCULATES);

	for (;;) {
		size_t n = strcspn(slot, CALCULATES);
		char *name = fl_format("%.*s", (int)n, slot);
		bool digits = calculates && n && strspn(name, "0123456789") == n;
		int rc = digits ? 0 : check_name(e, name, at, err);

		free(name);
		if (rc < 0 || slot[n] == 0)
			return rc;
		slot += n + 1;
	}
}

/* `slot`: what stands between the braces; may be written into. */
static int check_slot(const struct fl_entry *e, char *slot, const char *at, struct fl_err *err)
{
	char *list = strchr(slot, LIST);
	int rc;

	if (!list)
		return check_factors(e, slot, at, err);
	*list++ = 0;
	rc = check_name(e, slot, at, err);
	return rc ? rc : check_list(e, slot, list, at, err);
}

/* The first word must be the tool and nothing else. */
static int check_tool(const struct fl_peer *peer, const char *at, struct fl_err *err)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t n = strspn(peer->tool, plain);

	if (n == 0 || peer->tool[n] || peer->tool[0] == '-')
		return fl_fail(err, -EINVAL, "%s: '%.40s' is no name of a tool", at, peer->tool);
	if (strncmp(peer->command, peer->tool, n) != 0 || (peer->command[n] && peer->command[n] != ' '))
		return fl_fail(err, -EINVAL, "%s: its peer is '%s', but the command begins otherwise: '%.40s'", at,
			       peer->tool, peer->command);
	return 0;
}

int fl_peer_check(const struct fl_entry *e, const char *at, struct fl_err *err)
{
	const char *rest = e->peer.command;
	int rc = rest ? check_tool(&e->peer, at, err) : 0;

	while (rest && rc == 0 && (rest = strpbrk(rest, "{}")) != NULL) {
		size_t n = strcspn(rest + 1, "{} ");
		char *slot;

		if (*rest == '}' || rest[n + 1] != '}')
			return fl_fail(err, -EINVAL, "%s: braces that do not match in its peer: '%.40s'", at, rest);
		slot = fl_format("%.*s", (int)n, rest + 1);
		rc = check_slot(e, slot, at, err);
		free(slot);
		rest += n + 2;
	}
	return rc;
}

/* ---- expansion */

static const char *value_of(const json_t *values, const char *name)
{
	return json_string_value(json_object_get(values, name));
}

static bool number_of(const json_t *values, const char *factor, uint64_t *ret)
{
	const char *text = factor[0] >= '0' && factor[0] <= '9' ? factor : value_of(values, factor);

	return text && fl_parse_count(text, ret, NULL) == 0;
}

static bool add_calculation(const json_t *values, const char *slot, struct fl_text *out)
{
	uint64_t result = 1, factor;
	char how = '*';

	while (how) {
		size_t n = strcspn(slot, CALCULATES);
		char *name = fl_format("%.*s", (int)n, slot);
		bool known = number_of(values, name, &factor);

		free(name);
		if (!known || factor == 0 || (how == '*' && __builtin_mul_overflow(result, factor, &result)))
			return false;
		if (how == '/')
			result /= factor;
		how = slot[n];
		slot += n + 1;
	}
	if (result)
		fl_text_add(out, "%" PRIu64, result);
	return result > 0;
}

static bool add_slot(const json_t *values, char *slot, struct fl_text *out)
{
	char *list = strchr(slot, LIST);
	const char *value, *text;
	size_t n;

	if (!list && strpbrk(slot, CALCULATES))
		return add_calculation(values, slot, out);
	if (list)
		*list++ = 0;
	value = value_of(values, slot);
	text = value && list ? listed(list, value, strlen(value), &n) : value;
	if (!text || (list && n == 1 && text[0] == '!'))
		return false;
	fl_text_put(out, text, list ? n : strlen(text));
	return true;
}

/* One word of the template, not quoted yet. */
static bool add_word(const json_t *values, const char *word, size_t n, struct fl_text *out)
{
	for (size_t i = 0; i < n;) {
		size_t plain = strcspn(word + i, "{"), slot_n;
		char *slot;
		bool known;

		plain = plain < n - i ? plain : n - i;
		fl_text_put(out, word + i, plain);
		i += plain;
		if (i == n)
			break;
		slot_n = strcspn(word + i + 1, "}");
		slot = fl_format("%.*s", (int)slot_n, word + i + 1);
		known = add_slot(values, slot, out);
		free(slot);
		if (!known)
			return false;
		i += slot_n + 2;
	}
	return true;
}

bool fl_peer_expand(const struct fl_peer *peer, const json_t *values, struct fl_text *out)
{
	const struct tool *tool = find_tool(peer->tool);
	const char *rest = peer->command;
	struct fl_text all = { 0 };
	bool known = tool;

	while (known && *rest) {
		struct fl_text word = { 0 };
		size_t n = strcspn(rest, " ");

		known = add_word(values, rest, n, &word) && may_say(tool, fl_text_str(&word));
		if (word.n) {
			fl_text_add(&all, "%s", all.n ? " " : "");
			fl_text_quote(&all, word.bytes);
		}
		fl_text_release(&word);
		rest += n + (rest[n] == ' ');
	}
	if (known)
		fl_text_put(out, all.bytes, all.n);
	fl_text_release(&all);
	return known;
}
