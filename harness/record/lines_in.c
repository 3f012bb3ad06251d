/* SPDX-License-Identifier: Apache-2.0 */
/* lines_in.c: reading by large pieces; a line is looked for in what is new only. */
#include "record/lines_in.h"
#include "record/line.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 16, KEEP_BYTES = 1 << 20 };

void fl_lines_release(struct fl_lines_in *in)
{
	fl_text_release(&in->read);
	in->at = 0;
}

/* Bytes read, 0 at the end. */
static ssize_t read_piece(struct fl_lines_in *in, struct fl_err *err)
{
	char piece[PIECE_BYTES];
	ssize_t n;

	do
		n = read(in->fd, piece, sizeof(piece));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fl_fail(err, -errno, "read '%s': %s", in->name, strerror(errno));
	fl_text_put(&in->read, piece, (size_t)n);
	return n;
}

/* What was given out makes room for what comes. */
static void move_up(struct fl_lines_in *in)
{
	size_t left = in->read.n - in->at;
	struct fl_text kept = { 0 };

	if (in->at == 0)
		return;
	if (in->read.room > KEEP_BYTES && left < KEEP_BYTES / 2) { /* after a long line */
		fl_text_put(&kept, in->read.bytes + in->at, left);
		fl_text_release(&in->read);
		in->read = kept;
	} else {
		memmove(in->read.bytes, in->read.bytes + in->at, left + 1);
		in->read.n = left;
	}
	in->at = 0;
}

static int give(struct fl_lines_in *in, size_t n, const char **ret, size_t *ret_n, struct fl_err *err)
{
	char *line = in->read.bytes + in->at;

	in->line++;
	in->cut = n == in->read.n - in->at;
	in->at += n < in->read.n - in->at ? n + 1 : n;
	if (n > FL_LINE_MAX)
		return fl_fail(err, -EINVAL, "%s:%zu: the line is longer than %d MiB", in->name, in->line,
			       FL_LINE_MAX >> 20);
	line[n] = 0;
	if (strlen(line) != n)
		return fl_fail(err, -EINVAL, "%s:%zu:%zu: a byte 0", in->name, in->line, strlen(line) + 1);
	*ret = line;
	*ret_n = n;
	return 1;
}

int fl_lines_next(struct fl_lines_in *in, const char **ret, size_t *ret_n, struct fl_err *err)
{
	size_t seen = 0; /* of the line, without its end */

	for (;;) {
		const char *from = fl_text_str(&in->read) + in->at;
		size_t have = in->read.n - in->at;
		const char *end = have > seen ? memchr(from + seen, '\n', have - seen) : NULL;
		ssize_t n;

		if (end || have > FL_LINE_MAX)
			return give(in, end ? (size_t)(end - from) : have, ret, ret_n, err);
		seen = have;
		move_up(in);
		n = read_piece(in, err);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return seen ? give(in, seen, ret, ret_n, err) : 0;
	}
}
