/* SPDX-License-Identifier: Apache-2.0 */
/* environment.c: two trees of JSON side by side. How a member is compared is a row of a table; what has none is
 * compared as it stands. */
#include "judge/environment.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 120, NAME_BYTES = 80, DEPTH_MAX = 12 };

enum how {
	AS_IT_STANDS, /* an object by the members that both have; all else as one text */
	NOT_AT_ALL,
	REBOOT,	      /* a boot id: only that it is another one */
	FREELY,	      /* an object with any members: one that is missing is a difference */
	IN_COMMON,    /* an object with any members, of which those that both have are of interest */
	BY_ID,	      /* a list of objects with an "id" */
	BY_ID_IF_PCI, /* the same, without those that come and go and that nobody uses */
	BY_CPUS,      /* a list of objects with "cpus" */
	BY_NUMBER,    /* with "number" */
	BY_ADDRESS,   /* of PCI devices without an id */
};

/* '*' stands for any one name. Ended by NULL. */
struct rule {
	const char *shape;
	enum how how;
};

static const struct rule machine_rules[] = {
	{ "schema", NOT_AT_ALL },
	{ "boot_id", REBOOT },
	{ "mounts", NOT_AT_ALL }, /* those that are used are told below */
	{ "nodes", BY_ID },
	{ "drives", BY_ID_IF_PCI },
	{ "drives.*.block", NOT_AT_ALL },
	{ "drives.*.path", NOT_AT_ALL },
	{ "drives.*.dev", NOT_AT_ALL },
	{ "drives.*.parts", NOT_AT_ALL },
	{ "nics", BY_ID_IF_PCI },
	{ "gpus", BY_ID },
	{ "gpus.*.process", NOT_AT_ALL },
	{ "gpus.*.links", BY_NUMBER },
	/* At rest a GPU lowers the speed of its link, which is that of the port above, too. */
	{ "gpus.*.pci.link.gts_now", NOT_AT_ALL },
	{ "ports", BY_ADDRESS },
	{ "ports.*.pci.link.gts_now", NOT_AT_ALL },
	{ "gpu_driver", NOT_AT_ALL }, /* told by the environment's drivers, as the next */
	{ "cuda", NOT_AT_ALL },
	{ "limits.cpu_group", NOT_AT_ALL },
	{ "limits.io_group", NOT_AT_ALL },
	{ 0 },
};

static const struct rule environment_rules[] = {
	{ "command", NOT_AT_ALL },	 { "load", NOT_AT_ALL },
	{ "boot_id", NOT_AT_ALL }, /* told by the machine, as the next three */
	{ "host", NOT_AT_ALL },		 { "kernel", NOT_AT_ALL },
	{ "arch", NOT_AT_ALL },		 { "variables", FREELY },
	{ "drivers", FREELY },		 { "drivers.*", FREELY },
	{ "frequency", BY_CPUS },	 { "used", IN_COMMON },
	{ "used.*.reason", NOT_AT_ALL }, { 0 },
};

struct walk {
	const struct rule *rules;
	const json_t *used; /* {drive id: true} of either side */
	bool same_host;
	struct fl_differences *found;
};

/* Where in both trees we are. */
struct place {
	char *path;  /* "drives.nvme-S1.firmware" */
	char *shape; /* "drives.*.firmware" */
	unsigned depth;
};

static void compare(struct walk *w, const struct place *at, const json_t *a, const json_t *b);

/* ---- texts for people */

/* How many of the first `most` bytes are whole characters of UTF-8. */
static int whole_bytes(const char *text, size_t most)
{
	size_t n = strnlen(text, most);

	while (n == most && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--, most--;
	return (int)n;
}

/* Cut, and without what would command a terminal. */
static char *tidy(const char *text)
{
	int n = whole_bytes(text, TEXT_BYTES);
	char *cut = fl_format("%.*s%s", n, text, text[n] ? "..." : "");

	fl_blank_controls(cut);
	return cut;
}

static bool is_plain(const json_t *value)
{
	return !json_is_array(value) && !json_is_object(value);
}

static void put_plain(const json_t *value, struct fl_text *out)
{
	if (json_is_string(value))
		fl_text_add(out, "%s", json_string_value(value));
	else if (json_is_boolean(value))
		fl_text_add(out, "%s", json_is_true(value) ? "yes" : "no");
	else if (json_is_null(value))
		fl_text_add(out, "unknown");
	else
		fl_json_write(value, 0, out);
}

/* Plain members of an object or a list: "driver acpi-cpufreq, governor performance". No more than can be shown. */
static void put_members(const json_t *value, struct fl_text *out)
{
	const char *key;
	json_t *member;
	size_t i;

	json_array_foreach(value, i, member)
	{
		if (out->n > TEXT_BYTES || !is_plain(member))
			continue;
		fl_text_add(out, "%s", out->n ? " " : "");
		put_plain(member, out);
	}
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
	{
		if (out->n > TEXT_BYTES || !is_plain(member))
			continue;
		fl_text_add(out, "%s%.*s ", out->n ? ", " : "", whole_bytes(key, NAME_BYTES), key);
		put_plain(member, out);
	}
}

/* NULL: there is nothing, or nothing is known. */
static char *text_of(const json_t *value)
{
	struct fl_text out = { 0 };
	char *text;

	if (!value || json_is_null(value))
		return NULL;
	if (is_plain(value))
		put_plain(value, &out);
	else
		put_members(value, &out);
	text = tidy(fl_text_str(&out));
	fl_text_release(&out);
	return text;
}

/* Takes the texts. */
static void report(struct walk *w, const char *path, char *before, char *after)
{
	struct fl_differences *d = w->found;

	if ((!before && !after) || d->n >= FL_DIFFERENCES_MAX) {
		d->more += before || after;
		free(before);
		free(after);
		return;
	}
	d->items = fl_grow(d->items, d->n + 1, sizeof(*d->items));
	d->items[d->n++] = (struct fl_difference){ tidy(path), before, after };
}

/* ---- members of objects */

static void compare_below(struct walk *w, const struct place *at, const char *name, bool any, const json_t *a,
			  const json_t *b)
{
	const char *dot = *at->path ? "." : "";
	struct place below = { .path = fl_format("%s%s%.*s", at->path, dot, whole_bytes(name, NAME_BYTES), name),
			       .shape = fl_format("%s%s%.*s", at->shape, dot, NAME_BYTES, any ? "*" : name),
			       .depth = at->depth + 1 };

	if (below.depth <= DEPTH_MAX)
		compare(w, &below, a, b);
	free(below.shape);
	free(below.path);
}

/* Members that both have: what one lacks, its feedline did not know of. */
static void compare_members(struct walk *w, const struct place *at, const json_t *a, const json_t *b, bool any)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)a, key, value)
	{
		const json_t *other = json_object_get(b, key);

		if (other && strcmp(key, "unknown") != 0)
			compare_below(w, at, key, any, value, other);
	}
}

static void compare_freely(struct walk *w, const struct place *at, const json_t *a, const json_t *b)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)a, key, value)
		compare_below(w, at, key, true, value, json_object_get(b, key));
	json_object_foreach((json_t *)(uintptr_t)b, key, value) if (!json_object_get(a, key))
		compare_below(w, at, key, true, NULL, value);
}

/* ---- lists of objects */

/* What an element of a list is known by. malloc'd; NULL: nothing. */
static char *name_of(const json_t *item, enum how how)
{
	const json_t *number = json_object_get(item, "number");

	if (how == BY_NUMBER)
		return json_is_integer(number) ? fl_format("%lld", (long long)json_integer_value(number)) : NULL;
	if (how == BY_ADDRESS)
		return fl_dup(fl_json_text_or_null(json_object_get(item, "pci"), "address"));
	return fl_dup(fl_json_text_or_null(item, how == BY_CPUS ? "cpus" : "id"));
}

/* {name of an element: the element} */
static json_t *index_of(const json_t *list, enum how how)
{
	json_t *index = json_object(), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		char *name = name_of(item, how);

		if (name && !json_object_get(index, name))
			json_object_set(index, name, item);
		free(name);
	}
	return index;
}

static bool is_of_interest(const struct walk *w, const json_t *item)
{
	const char *id = fl_json_text_or_null(item, "id");

	return json_is_object(json_object_get(item, "pci")) || (id && json_object_get(w->used, id));
}

/* One that the other side lacks: a device is only said to be there, anything else is shown. */
static char *text_of_item(const json_t *item, bool device)
{
	return item && device ? fl_dup("present") : text_of(item);
}

static void compare_items(struct walk *w, const struct place *at, const char *name, const json_t *a, const json_t *b,
			  enum how how)
{
	char *path;

	if (how == BY_ID_IF_PCI && !is_of_interest(w, a) && !is_of_interest(w, b))
		return;
	if (a && b) {
		compare_below(w, at, name, true, a, b);
		return;
	}
	path = fl_format("%s.%.*s", at->path, whole_bytes(name, NAME_BYTES), name);
	report(w, path, text_of_item(a, how != BY_CPUS), text_of_item(b, how != BY_CPUS));
	free(path);
}

static void compare_lists(struct walk *w, const struct place *at, const json_t *a, const json_t *b, enum how how)
{
	json_t *before = index_of(a, how), *after = index_of(b, how), *item;
	const char *name;

	json_object_foreach(before, name, item) compare_items(w, at, name, item, json_object_get(after, name), how);
	json_object_foreach(after, name, item) if (!json_object_get(before, name))
		compare_items(w, at, name, NULL, item, how);
	json_decref(after);
	json_decref(before);
}

/* ---- any value */

static void compare_whole(struct walk *w, const struct place *at, const json_t *a, const json_t *b)
{
	bool numbers = json_is_number(a) && json_is_number(b);

	if (json_equal(a, b) || (numbers && json_number_value(a) == json_number_value(b)))
		return;
	report(w, at->path, text_of(a), text_of(b));
}

static enum how how_of(const struct walk *w, const char *shape)
{
	const struct rule *r = w->rules;

	while (r->shape && strcmp(r->shape, shape) != 0)
		r++;
	return r->shape ? r->how : AS_IT_STANDS;
}

static void compare(struct walk *w, const struct place *at, const json_t *a, const json_t *b)
{
	enum how how = how_of(w, at->shape);

	switch (how) {
	case NOT_AT_ALL:
		return;
	case REBOOT:
		if (w->same_host && !json_equal(a, b))
			report(w, "rebooted", fl_dup("no"), fl_dup("yes"));
		return;
	case FREELY:
		compare_freely(w, at, a, b);
		return;
	case IN_COMMON:
		compare_members(w, at, a, b, true);
		return;
	case BY_ID:
	case BY_ID_IF_PCI:
	case BY_CPUS:
	case BY_NUMBER:
	case BY_ADDRESS:
		compare_lists(w, at, a, b, how);
		return;
	case AS_IT_STANDS:
		break;
	}
	if (json_is_object(a) && json_is_object(b))
		compare_members(w, at, a, b, false);
	else
		compare_whole(w, at, a, b);
}

/* ---- the whole */

static void add_used(const json_t *environment, json_t *ids)
{
	const char *path;
	json_t *use;

	json_object_foreach(json_object_get(environment, "used"), path, use)
	{
		const char *drive = fl_json_text_or_null(use, "drive");

		(void)path;
		if (drive)
			json_object_set_new(ids, drive, json_true());
	}
}

void fl_differences_find(const json_t *machine_before, const json_t *environment_before, const json_t *machine_after,
			 const json_t *environment_after, struct fl_differences *ret)
{
	const struct place top = { .path = (char *)(uintptr_t) "", .shape = (char *)(uintptr_t) "" };
	json_t *used = json_object();
	struct walk w = { .rules = machine_rules, .used = used, .found = ret };

	*ret = (struct fl_differences){ 0 };
	add_used(environment_before, used);
	add_used(environment_after, used);
	w.same_host = json_equal(json_object_get(machine_before, "host"), json_object_get(machine_after, "host"));
	compare_members(&w, &top, machine_before, machine_after, false);
	w.rules = environment_rules;
	compare_members(&w, &top, environment_before, environment_after, false);
	json_decref(used);
}

void fl_differences_release(struct fl_differences *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->items[i].path);
		free(d->items[i].before);
		free(d->items[i].after);
	}
	free(d->items);
	*d = (struct fl_differences){ 0 };
}
