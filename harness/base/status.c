/* SPDX-License-Identifier: Apache-2.0 */
/* status.c: errno to exit status, and which of two statuses counts. */
#include "base/status.h"
#include <errno.h>
#include <stddef.h>

/* What is not in this table is a condition of this machine now: not measured. */
static const struct {
	int code;
	enum fl_status status;
} table[] = {
	{ 0, FL_STATUS_PASS },

	{ -EBADMSG, FL_STATUS_FAIL }, /* wrong data */

	{ -EINVAL, FL_STATUS_USAGE },	    /* malformed, unknown name */
	{ -ERANGE, FL_STATUS_USAGE },	    /* a value out of its range */
	{ -E2BIG, FL_STATUS_USAGE },	    /* too much of something in a file or on the command line */
	{ -EFBIG, FL_STATUS_USAGE },	    /* an input file above its limit */
	{ -ENOENT, FL_STATUS_USAGE },	    /* no such file or run */
	{ -ENOTDIR, FL_STATUS_USAGE },	    /* a path that cannot be */
	{ -EISDIR, FL_STATUS_USAGE },	    /* a directory where a file was asked for */
	{ -ELOOP, FL_STATUS_USAGE },	    /* a path of links in a ring */
	{ -ENAMETOOLONG, FL_STATUS_USAGE }, /* a path that cannot be */
	{ -EEXIST, FL_STATUS_USAGE },	    /* would replace what is there */
	{ -EACCES, FL_STATUS_USAGE },	    /* a file we may not use */
	{ -EROFS, FL_STATUS_USAGE },	    /* the store or output is read-only */
	{ -ENOTSUP, FL_STATUS_USAGE },	    /* a store newer than this program or on a network file system */
	{ -EUCLEAN, FL_STATUS_USAGE },	    /* a store that is corrupt or foreign */
	{ -EILSEQ, FL_STATUS_USAGE },	    /* text that is not UTF-8 */

	{ -ENOTRECOVERABLE, FL_STATUS_BUG },
};

enum fl_status fl_status_of(int code)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].code == code)
			return table[i].status;
	return FL_STATUS_NOT_MEASURED;
}

static const struct {
	const char *name, *meaning;
} words[] = {
	[FL_STATUS_PASS] = { "pass", "everything judged passed, or nothing was to be judged" },
	[FL_STATUS_FAIL] = { "fail", "too slow, regressed, starved, or wrong data" },
	[FL_STATUS_USAGE] = { "usage or configuration", "what was typed, a file or the store cannot be used" },
	[FL_STATUS_NOT_MEASURED] = { "not measured",
				     "invalid; or required, and not measured, inconclusive or unjudged" },
	[FL_STATUS_UNTRUSTED] = { "not trustworthy", "measured, but something disturbed it" },
	[FL_STATUS_BUG] = { "a bug in feedline", "please report it" },
};

const char *fl_status_name(enum fl_status status)
{
	return words[status].name;
}

const char *fl_status_meaning(enum fl_status status)
{
	return words[status].meaning;
}

static unsigned weight(enum fl_status status)
{
	static const unsigned weights[] = {
		[FL_STATUS_PASS] = 0, [FL_STATUS_NOT_MEASURED] = 1, [FL_STATUS_UNTRUSTED] = 2,
		[FL_STATUS_FAIL] = 3, [FL_STATUS_USAGE] = 4,	    [FL_STATUS_BUG] = 5,
	};

	return weights[status];
}

enum fl_status fl_status_worse(enum fl_status a, enum fl_status b)
{
	return weight(a) >= weight(b) ? a : b;
}
