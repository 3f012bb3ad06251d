/* SPDX-License-Identifier: Apache-2.0 */
/* mountinfo.c: /proc/self/mountinfo, and which of its file systems may hold files. */
#include "base/alloc.h"
#include "sense.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MOUNTINFO_BYTES = 4 << 20, MOUNTS_MAX = 4096 };

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Blanks, tabs, newlines and backslashes are written as "\040". In place. */
static char *unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
			*to = (char)(((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0')) & 0xff);
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = 0;
	return text;
}

/* "36 35 98:0 /root /at rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static bool read_mount(char *line, struct sense_mount *ret)
{
	enum { DEV = 2, ROOT, AT, BEFORE_N };
	char *words[BEFORE_N], *rest = strstr(line, " - "), *flags, *type, *source;

	if (!rest)
		return false;
	*rest = 0;
	rest += 3;
	for (size_t i = 0; i < BEFORE_N; i++)
		if (!(words[i] = strsep(&line, " ")) || !*words[i])
			return false;
	flags = strsep(&line, " ");
	type = strsep(&rest, " ");
	source = strsep(&rest, " ");
	if (!*type || !source)
		return false;
	*ret = (struct sense_mount){
		.root = fl_dup(unescape(words[ROOT])),
		.at = fl_dup(unescape(words[AT])),
		.dev = fl_dup(words[DEV]),
		.type = fl_dup(type),
		.source = fl_dup(*source ? unescape(source) : "none"),
		.flags = fl_dup(flags ? flags : ""),
		.options = fl_dup(rest ? rest : ""),
	};
	return true;
}

static size_t count_lines(const struct fl_text *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->n; i++)
		n += text->bytes[i] == '\n';
	return n;
}

struct sense_mounts sense_mountinfo(const struct sense_root *root)
{
	struct sense_mounts list = { 0 };
	struct fl_text text = { 0 };
	char *rest, *line;

	sense_bytes(root, "/proc/self", "mountinfo", MOUNTINFO_BYTES, &text);
	/* a table cut short would name the wrong drive for a path, so none is better */
	if (text.n < MOUNTINFO_BYTES && count_lines(&text) <= MOUNTS_MAX) {
		list.mounts = fl_zalloc(count_lines(&text) + 1, sizeof(*list.mounts));
		rest = text.bytes;
		while ((line = strsep(&rest, "\n")) && rest)
			list.n += read_mount(line, &list.mounts[list.n]);
	}
	fl_text_release(&text);
	return list;
}

static void release_mount(struct sense_mount *mount)
{
	char *texts[] = {
		mount->root, mount->at, mount->dev, mount->type, mount->source, mount->flags, mount->options
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
}

void sense_mounts_release(struct sense_mounts *mounts)
{
	for (size_t i = 0; i < mounts->n; i++)
		release_mount(&mounts->mounts[i]);
	free(mounts->mounts);
	*mounts = (struct sense_mounts){ 0 };
}

/* ---- what a machine file lists */

/* File systems of the kernel's own that hold no files to read. /proc, /sys and /dev themselves are listed all the same:
 * without them their paths would seem to lie on the drive of "/". */
static bool is_pseudo(const char *type)
{
	static const char *const types[] = { "autofs",	   "binfmt_misc", "bpf",    "cgroup",	  "cgroup2",
					     "configfs",   "debugfs",	  "devpts", "efivarfs",	  "fusectl",
					     "mqueue",	   "nsfs",	  "pstore", "rpc_pipefs", "nfsd",
					     "securityfs", "selinuxfs",	  "tracefs" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

/* JSON is UTF-8, file names need not be. Nobody can ask for a path that a plan cannot name. */
static bool is_utf8(const char *text)
{
	json_t *value = json_string(text);

	json_decref(value);
	return value;
}

/* Options that change how fast data moves. Those without a value are flags, and listed; a value may be a name or a
 * secret, so that it is listed only where it is known to be neither. */
static bool is_listed(const char *option, size_t n)
{
	static const char *const names[] = { "allocsize", "barrier",  "cache",	 "commit",   "compress", "data",
					     "discard",	  "logbsize", "logbufs", "nconnect", "proto",	 "rsize",
					     "size",	  "stripe",   "sunit",	 "swidth",   "vers",	 "wsize" };
	size_t name = strcspn(option, "=");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == name && strncmp(names[i], option, name) == 0)
			return true;
	return name >= n;
}

/* Appends the options of a list that are not there yet: "rw" is a flag of both mount and super block. */
static void add_options(const char *list, struct fl_text *out)
{
	for (const char *at = list; *at;) {
		size_t n = strcspn(at, ",");
		const char *had = fl_text_str(out);

		while (*had && (strncmp(had, at, n) != 0 || (had[n] && had[n] != ',')))
			had = strchr(had, ',') ? strchr(had, ',') + 1 : "";
		if (n > 0 && !*had && is_listed(at, n))
			fl_text_add(out, "%s%.*s", out->n ? "," : "", (int)n, at);
		at += n + (at[n] != 0);
	}
}

static char *options_of(const struct sense_mount *mount)
{
	struct fl_text out = { 0 };
	char *options;

	add_options(mount->flags, &out);
	add_options(mount->options, &out);
	options = out.n && is_utf8(out.bytes) ? fl_dup(fl_text_str(&out)) : NULL;
	fl_text_release(&out);
	return options;
}

void sense_mounted(const struct sense_mounts *mounts, struct fl_machine *m)
{
	m->mounts = fl_zalloc(mounts->n + 1, sizeof(*m->mounts));
	for (size_t i = 0; i < mounts->n; i++) {
		const struct sense_mount *mount = &mounts->mounts[i];

		if (is_pseudo(mount->type) || !is_utf8(mount->at) || !is_utf8(mount->source) || !is_utf8(mount->type))
			continue;
		m->mounts[m->mounts_n++] = (struct fl_mount){ .at = fl_dup(mount->at),
							      .type = fl_dup(mount->type),
							      .dev = fl_dup(mount->dev),
							      .source = fl_dup(mount->source),
							      .options = options_of(mount) };
	}
}
