/* SPDX-License-Identifier: Apache-2.0 */
/* err.c: the first cause of a failure, kept on one line whatever text it quotes. */
#include "base/text.h"
#include <errno.h>
#include <feedline/err.h>
#include <stdarg.h>
#include <stdio.h>

int fl_fail(struct fl_err *err, int code, const char *fmt, ...)
{
	va_list args;

	if (code >= 0)
		code = -ENOTRECOVERABLE; /* the caller's bug: a failure without an errno */
	if (!err)
		return code;
	if (err->code)
		return err->code;
	va_start(args, fmt);
	vsnprintf(err->what, sizeof(err->what), fmt, args);
	va_end(args);
	fl_blank_controls(err->what);
	err->code = code;
	err->hint[0] = 0;
	return code;
}

int fl_hint(struct fl_err *err, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return -EINVAL;
	if (!err->code || err->hint[0])
		return err->code;
	va_start(args, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, args);
	va_end(args);
	fl_blank_controls(err->hint);
	return err->code;
}
