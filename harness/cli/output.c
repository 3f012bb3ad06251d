/* SPDX-License-Identifier: Apache-2.0 */
/* output.c: stdout and stderr. */
#include "cli/output.h"
#include "base/alloc.h"
#include "base/json.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PLAIN_COLUMNS = 100 };

/* A closed stdout becomes one that cannot be written: the failure then shows where it is looked for. */
void fl_output_init(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
	}
}

static int failed(struct fl_err *err)
{
	int code = errno;

	fl_fail(err, -EIO, "write to standard output: %s", strerror(code));
	return code == ENOSPC ? fl_hint(err, "make room, or send the output elsewhere") : err->code;
}

int fl_output_text(struct fl_text *text, struct fl_err *err)
{
	int rc = 0;

	for (size_t done = 0; rc == 0 && done < text->n;) {
		ssize_t n = write(STDOUT_FILENO, text->bytes + done, text->n - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			rc = failed(err);
	}
	fl_text_release(text);
	return rc;
}

int fl_output_json(json_t *doc, struct fl_err *err)
{
	struct fl_text text = { 0 };

	fl_json_write(doc, 2, &text);
	json_decref(doc);
	return fl_output_text(&text, err);
}

int fl_output_close(struct fl_err *err)
{
	return close(STDOUT_FILENO) < 0 && errno != EBADF && errno != EINTR ? failed(err) : 0;
}

void fl_output_error(const struct fl_err *err)
{
	fprintf(stderr, "feedline: %s%s%s\n", err->what, *err->hint ? "; " : "", err->hint);
}

void fl_output_error_now(struct fl_err *err)
{
	fl_output_error(err);
	err->what[0] = err->hint[0] = 0;
}

void fl_output_say(const char *fmt, ...)
{
	va_list args;
	char *line;
	int n;

	va_start(args, fmt);
	n = vasprintf(&line, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	fl_blank_controls(line);
	fprintf(stderr, "feedline: %s\n", line);
	free(line);
}

void fl_output_lines(const char *text)
{
	while (*text) {
		char *line = fl_format("%.*s", (int)strcspn(text, "\n"), text);

		text += strlen(line);
		text += *text == '\n';
		fl_blank_controls(line);
		fprintf(stderr, "%s\n", line);
		free(line);
	}
}

unsigned fl_output_columns(int fd)
{
	const char *term = getenv("TERM");
	struct winsize size;

	if (!isatty(fd) || !term || !strcmp(term, "dumb"))
		return 0;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : PLAIN_COLUMNS;
}

struct fl_look fl_output_look(void)
{
	const char *no_color = getenv("NO_COLOR");
	unsigned columns = fl_output_columns(STDOUT_FILENO);

	return (struct fl_look){
		.colour = columns > 0 && !(no_color && *no_color),
		.width = columns > 0 ? columns : PLAIN_COLUMNS,
	};
}

char *fl_output_quote(const char *word)
{
	struct fl_text out = { 0 };

	fl_text_quote(&out, word);
	return out.bytes;
}
