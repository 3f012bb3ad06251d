/* SPDX-License-Identifier: Apache-2.0 */
/* root.c: reading files of /sys and /proc below a root. Whatever stands in them is hostile. */
#include "base/alloc.h"
#include "base/units.h"
#include "sense.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, TABLE_MAX_BYTES = 64 << 10, NAMES_MAX = 4096 };

static bool path_of(char path[PATH_MAX], const struct sense_root *root, const char *dir, const char *name)
{
	int n = snprintf(path, PATH_MAX, "%s%s/%s", root->path, dir, name);

	return n > 0 && n < PATH_MAX;
}

/* Reads until the file ends or max_bytes are there: sysfs and proc give what they like at a time. */
static int read_some(int fd, size_t max_bytes, struct fl_text *out)
{
	char block[4096];
	size_t got = 0;

	while (got < max_bytes) {
		size_t ask = max_bytes - got < sizeof(block) ? max_bytes - got : sizeof(block);
		ssize_t n = read(fd, block, ask);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		fl_text_put(out, block, (size_t)n);
		got += (size_t)n;
	}
	return 0;
}

int sense_bytes(const struct sense_root *root, const char *dir, const char *name, size_t max_bytes, struct fl_text *out)
{
	char path[PATH_MAX];
	int fd, rc;

	if (!path_of(path, root, dir, name))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	rc = read_some(fd, max_bytes, out);
	close(fd);
	return rc;
}

/* The first line of `text`, trimmed and printable, in place. */
static char *tidy(char *text)
{
	size_t n;

	text[strcspn(text, "\n")] = 0;
	text += strspn(text, " \t");
	n = strlen(text);
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		text[--n] = 0;
	for (char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return text;
}

char *sense_line(const struct sense_root *root, const char *dir, const char *name)
{
	struct fl_text text = { 0 };
	char *line = NULL;

	if (sense_bytes(root, dir, name, LINE_MAX_BYTES, &text) == 0 && text.n > 0)
		line = tidy(text.bytes);
	line = line && *line ? fl_dup(line) : NULL;
	fl_text_release(&text);
	return line;
}

char *sense_word(const struct sense_root *root, const char *dir, const char *name, const char *key)
{
	struct fl_text text = { 0 };
	char *word = NULL, *rest, *line;

	sense_bytes(root, dir, name, TABLE_MAX_BYTES, &text);
	rest = text.bytes;
	while (!word && (line = strsep(&rest, "\n"))) {
		if (strncmp(line, key, strlen(key)) == 0) {
			line += strlen(key);
			line += strspn(line, " \t");
			word = fl_format("%.*s", (int)strcspn(line, " \t"), line);
		}
	}
	fl_text_release(&text);
	return word;
}

bool sense_number(const struct sense_root *root, const char *dir, const char *name, double *ret)
{
	char *line = sense_line(root, dir, name);
	uint64_t number;
	bool good = line && fl_parse_count(line, &number, NULL) == 0;

	if (good)
		*ret = (double)number;
	free(line);
	return good;
}

bool sense_exists(const struct sense_root *root, const char *dir, const char *name)
{
	char path[PATH_MAX];

	return path_of(path, root, dir, name) && access(path, F_OK) == 0;
}

char *sense_real(const struct sense_root *root, const char *dir, const char *name)
{
	char path[PATH_MAX], real[PATH_MAX];
	size_t n = strlen(root->path);

	if (!path_of(path, root, dir, name) || !realpath(path, real))
		return NULL;
	if (strncmp(real, root->path, n) != 0 || real[n] != '/')
		return NULL;
	return fl_dup(real + n);
}

static int is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

struct sense_names sense_list(const struct sense_root *root, const char *dir, const char *name)
{
	struct sense_names list = { 0 };
	struct dirent **entries;
	char path[PATH_MAX];
	int n = path_of(path, root, dir, name) ? scandir(path, &entries, is_entry, versionsort) : -1;

	if (n < 0)
		return list;
	list.names = fl_zalloc((size_t)n + 1, sizeof(char *));
	for (int i = 0; i < n; i++) {
		if (list.n < NAMES_MAX)
			list.names[list.n++] = fl_dup(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return list;
}

void sense_names_release(struct sense_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct sense_names){ 0 };
}
