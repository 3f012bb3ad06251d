/* SPDX-License-Identifier: Apache-2.0 */
/* host_list.c: from a text to names of hosts. */
#include "hosts/host_list.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "hosts/bootstrap.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DIGITS_MAX = 9, BRACKETS_MAX = 4, FILE_BYTES_MAX = 1 << 20 };
static const char line_hint[] = "a line is the name of a host, or of several, and rack=NAME";
static const char list_hint[] =
	"n1,n2, n[1-8], or a file with a name a line; who logs in, and at which port, is said in "
	"ssh's configuration";

void fl_host_list_release(struct fl_host_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->items[i].name);
		free(list->items[i].rack);
	}
	free(list->items);
	*list = (struct fl_host_list){ 0 };
}

/* ---- one name */

static bool is_of_name(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("._:-", c));
}

static int add_name(struct fl_host_list *list, const char *name, struct fl_err *err)
{
	size_t n = strnlen(name, FL_HOST_NAME_MAX + 1);
	bool good = n > 0 && n <= FL_HOST_NAME_MAX && isalnum((unsigned char)*name);

	for (size_t i = 0; i < n; i++)
		good = good && is_of_name(name[i]);
	if (!good)
		return fl_fail(err, -EINVAL, "'%.64s' is not the name of a host", name);
	if (list->n == FL_HOSTS_MAX)
		return fl_fail(err, -E2BIG, "more than %d hosts", FL_HOSTS_MAX);
	if ((list->n & (list->n - 1)) == 0) /* room doubles */
		list->items = fl_grow(list->items, list->n ? 2 * list->n : 1, sizeof(*list->items));
	list->items[list->n++] = (struct fl_host_entry){ .name = fl_dup(name) };
	return 0;
}

/* ---- brackets */

/* A number of at most DIGITS_MAX digits; *at moves behind it. Returns how many digits it has, 0: it is none. */
static unsigned number(const char **at, unsigned long *ret)
{
	unsigned digits = 0;

	for (*ret = 0; isdigit((unsigned char)**at) && digits <= DIGITS_MAX; digits++)
		*ret = *ret * 10 + (unsigned long)(*(*at)++ - '0');
	return digits > DIGITS_MAX ? 0 : digits;
}

static int expand_item(struct fl_host_list *list, const char *before, const char *text, unsigned depth,
		       struct fl_err *err);

/* "a-b" or "a" at *at, then ',' or ']'; each with `before` in front and `rest` behind. */
static int expand_range(struct fl_host_list *list, const char *before, const char **at, const char *rest,
			unsigned depth, struct fl_err *err)
{
	unsigned long low, high;
	unsigned width = number(at, &low), digits = width;
	int rc = 0;

	high = low;
	if (width && **at == '-') {
		++*at;
		digits = number(at, &high);
	}
	if (!width || !digits || high < low || (**at != ',' && **at != ']'))
		return fl_fail(err, -EINVAL, "between '[' and ']' are numbers and ranges of them: '[1-4,7]'");
	for (unsigned long i = low; rc == 0 && i <= high; i++) {
		char *longer = fl_format("%s%0*lu", before, (int)width, i);

		rc = expand_item(list, longer, rest, depth + 1, err);
		free(longer);
	}
	return rc;
}

/* `text` is one item, without commas outside of brackets, with `before` in front of it. */
static int expand_item(struct fl_host_list *list, const char *before, const char *text, unsigned depth,
		       struct fl_err *err)
{
	const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;
	char *name = fl_format("%s%.*s", before, (int)(open ? open - text : (long)strlen(text)), text);
	int rc = 0;

	if (strlen(name) > FL_HOST_NAME_MAX || depth > BRACKETS_MAX || (open && !close))
		rc = fl_fail(err, -EINVAL, "'%.64s' is not the name of a host", text);
	else if (!open)
		rc = add_name(list, name, err);
	for (const char *at = open; rc == 0 && open && at < close;) {
		at++;
		rc = expand_range(list, name, &at, close + 1, depth, err);
	}
	free(name);
	return rc;
}

/* Where the item ends: at a comma outside of brackets, or with the text. */
static size_t item_length(const char *text)
{
	bool inside = false;
	size_t n = 0;

	for (; text[n] && (inside || text[n] != ','); n++)
		inside = text[n] == '[' || (inside && text[n] != ']');
	return n;
}

static int expand(const char *text, struct fl_host_list *list, struct fl_err *err)
{
	int rc = 0;

	for (;;) {
		size_t n = item_length(text);
		char *item = fl_format("%.*s", (int)n, text);

		rc = n ? expand_item(list, "", item, 0, err) : fl_fail(err, -EINVAL, "a name of a host is missing");
		free(item);
		if (rc < 0 || text[n] == 0)
			return rc;
		text += n + 1;
	}
}

int fl_host_list_expand(const char *text, struct fl_host_list *ret, struct fl_err *err)
{
	struct fl_host_list list = { 0 };
	int rc = strnlen(text, FILE_BYTES_MAX) < FILE_BYTES_MAX ? expand(text, &list, err)
								: fl_fail(err, -E2BIG, "the list of hosts is too long");

	if (rc < 0)
		fl_host_list_release(&list);
	else
		*ret = list;
	return rc;
}

/* ---- what --hosts says */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int check_any(const struct fl_host_list *list, const char *path, struct fl_err *err)
{
	if (list->n)
		return 0;
	fl_fail(err, -EINVAL, "'%s' names no host", path);
	return fl_hint(err, "%s", line_hint);
}

static int check_once(const struct fl_host_list *list, struct fl_err *err)
{
	const char **names = fl_zalloc(list->n + 1, sizeof(*names));
	int rc = 0;

	for (size_t i = 0; i < list->n; i++)
		names[i] = list->items[i].name;
	qsort(names, list->n, sizeof(*names), by_name);
	for (size_t i = 1; rc == 0 && i < list->n; i++)
		if (!strcmp(names[i - 1], names[i])) {
			fl_fail(err, -EINVAL, "host '%s' is named twice", names[i]);
			rc = fl_hint(err, "there is one agent on a host; name each once");
		}
	free(names);
	return rc;
}

/* "n[1-4] rack=r1": hosts and what is said of all of them. `line` is changed. */
static int parse_line(char *line, struct fl_host_list *list, struct fl_err *err)
{
	static const char blanks[] = " \t\r";
	const char *rack = NULL;
	char *rest = NULL, *hosts, *word;
	size_t first = list->n;
	int rc;

	line[strcspn(line, "#")] = 0;
	hosts = strtok_r(line, blanks, &rest);
	if (!hosts)
		return 0;
	while ((word = strtok_r(NULL, blanks, &rest))) {
		if (strncmp(word, "rack=", 5) != 0 || !fl_host_name_is_good(word + 5)) {
			fl_fail(err, -EINVAL, "unknown word '%.64s'", word);
			return fl_hint(err, "%s", line_hint);
		}
		rack = word + 5;
	}
	rc = expand(hosts, list, err);
	for (size_t i = first; rc == 0 && rack && i < list->n; i++)
		list->items[i].rack = fl_dup(rack);
	return rc;
}

int fl_host_list_parse(const char *text, const char *path, struct fl_host_list *ret, struct fl_err *err)
{
	struct fl_host_list list = { 0 };
	struct fl_err why = { 0 };
	unsigned number_of_line = 0;
	int rc = 0;

	for (const char *at = text; rc == 0 && *at;) {
		size_t n = strcspn(at, "\n");
		char *line = fl_format("%.*s", (int)n, at);

		number_of_line++;
		rc = parse_line(line, &list, &why);
		free(line);
		at += n + (at[n] == '\n');
	}
	if (rc < 0) {
		fl_fail(err, rc, "%s:%u: %s", path, number_of_line, why.what);
		fl_hint(err, "%s", *why.hint ? why.hint : list_hint);
	} else {
		rc = check_any(&list, path, err);
	}
	if (rc == 0)
		rc = check_once(&list, err);
	if (rc < 0)
		fl_host_list_release(&list);
	else
		*ret = list;
	return rc;
}

static int read_file(const char *path, struct fl_host_list *ret, struct fl_err *err)
{
	struct fl_text text = { 0 };
	int rc = fl_file_read(AT_FDCWD, path, FILE_BYTES_MAX, &text, err);

	if (rc >= 0)
		rc = fl_host_list_parse(fl_text_str(&text), path, ret, err);
	fl_text_release(&text);
	return rc;
}

int fl_host_list_read(const char *given, struct fl_host_list *ret, struct fl_err *err)
{
	struct fl_host_list list;
	struct stat st;
	int rc;

	if (strchr(given, '/') || (stat(given, &st) == 0 && !S_ISDIR(st.st_mode)))
		return read_file(given, ret, err);
	rc = fl_host_list_expand(given, &list, err);
	if (rc < 0)
		return fl_hint(err, "%s", list_hint);
	rc = check_once(&list, err);
	if (rc < 0)
		fl_host_list_release(&list);
	else
		*ret = list;
	return rc;
}
