/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: a long path is told once; elsewhere its last part stands for it. */
#include "base/alloc.h"
#include "reports/reports.h"
#include <stdlib.h>
#include <string.h>

enum { SHORT_MAX = 24 }; /* a path up to that length is no trouble */

void fl_files_add(struct fl_files *files, const char *path)
{
	for (size_t i = 0; i < files->n; i++)
		if (!strcmp(files->paths[i], path))
			return;
	files->paths = fl_grow(files->paths, files->n + 1, sizeof(*files->paths));
	files->paths[files->n++] = path;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

const char *fl_files_name(const struct fl_files *files, const char *path)
{
	const char *name = last_part(path);

	if (strlen(path) <= SHORT_MAX)
		return path;
	for (size_t i = 0; i < files->n; i++)
		if (strcmp(files->paths[i], path) && !strcmp(last_part(files->paths[i]), name))
			return path;
	return name;
}

/* The longest of the paths that stands, as a whole word, at the beginning of a text; NULL: none. */
static const char *path_at(const struct fl_files *files, const char *text)
{
	const char *found = NULL;

	for (size_t i = 0; i < files->n; i++) {
		size_t n = strlen(files->paths[i]);

		if (!strncmp(text, files->paths[i], n) && (!text[n] || text[n] == ' ') && (!found || n > strlen(found)))
			found = files->paths[i];
	}
	return found;
}

char *fl_files_shorten(const struct fl_files *files, const char *text)
{
	struct fl_text t = { 0 };
	char *copy;

	while (*text) {
		size_t n = strcspn(text, "=") + 1; /* "path=/a/b": paths are values of options */
		const char *path;

		if (n > strlen(text)) {
			fl_text_add(&t, "%s", text);
			break;
		}
		fl_text_put(&t, text, n);
		text += n;
		path = path_at(files, text);
		if (!path)
			continue;
		fl_text_add(&t, "%s", fl_files_name(files, path));
		text += strlen(path);
	}
	copy = fl_dup(fl_text_str(&t));
	fl_text_release(&t);
	return copy;
}

void fl_files_list(const struct fl_files *files, struct fl_text *out)
{
	bool begun = false;

	for (size_t i = 0; i < files->n; i++) {
		const char *path = files->paths[i], *name = fl_files_name(files, path);
		char *line;

		if (name == path)
			continue;
		line = fl_format("%s: %s", name, path);
		fl_blank_controls(line);
		fl_text_add(out, "%s  %s\n", begun ? "" : "\nfiles\n", line);
		free(line);
		begun = true;
	}
}

void fl_files_release(struct fl_files *files)
{
	free(files->paths);
	*files = (struct fl_files){ 0 };
}
