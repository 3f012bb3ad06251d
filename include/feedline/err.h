/* SPDX-License-Identifier: Apache-2.0 */
/* feedline/err.h: the first cause of a failure, in words, with a hint.
 *
 * A function that can fail returns 0 or a negative errno and fills the `struct fl_err` passed last. The first cause
 * wins: a later fl_fail() on a filled error changes nothing, so callers on the way up may add context only where
 * there was none. Nobody but harness/cli prints.
 *
 * Wording: lower case, what failed first, subjects in 'quotes', no full stop: "open '/x' with O_DIRECT: Invalid
 * argument". The hint says what to do: "tmpfs has no direct I/O; choose a path on a disk". */
#ifndef FEEDLINE_ERR_H
#define FEEDLINE_ERR_H

struct fl_err {
	int code;	/* negative errno; 0: no error yet */
	char what[320]; /* the cause, one line */
	char hint[800]; /* what to do about it, one line; empty if there is nothing to say */
};

/* Records the first cause. `code` is a negative errno. Returns the code that *err holds (so the first one).
 * err may be NULL. Control characters in the text become spaces: an error is always one line. */
int fl_fail(struct fl_err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Adds the hint, if there is an error without one. Returns err->code. err may be NULL, and then it returns
 * -EINVAL, so that `return fl_hint()` after a failure never looks like success; return what fl_fail() gave where the
 * code matters. */
int fl_hint(struct fl_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
