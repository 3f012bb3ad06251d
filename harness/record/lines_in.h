/* SPDX-License-Identifier: Apache-2.0 */
/* lines_in.h: a file line by line, bounded. For the files of this room. */
#ifndef FL_RECORD_LINES_IN_H
#define FL_RECORD_LINES_IN_H
#include "base/text.h"
#include <feedline/err.h>
#include <stdbool.h>

struct fl_lines_in {
	const char *name;    /* what messages call it; borrowed */
	size_t line;	     /* number of the last one, from 1 */
	bool cut;	     /* the last one had no newline: the file ends in it */
	int fd;		     /* borrowed */
	struct fl_text read; /* not yet given out from `at` on */
	size_t at;
};

/* 1: the next line without its newline, its byte n being 0, valid until the next call; 0: there is none. -EINVAL: it is
 * longer than FL_LINE_MAX, or holds a byte 0; -EISDIR and the like. */
int fl_lines_next(struct fl_lines_in *in, const char **ret, size_t *ret_n, struct fl_err *err);
void fl_lines_release(struct fl_lines_in *in);

#endif
