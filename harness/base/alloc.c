/* SPDX-License-Identifier: Apache-2.0 */
/* alloc.c: small allocations that cannot fail: they abort() instead. */
#include "base/alloc.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p)
{
	if (!p)
		abort();
	return p;
}

void *fl_zalloc(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1));
}

void *fl_grow(void *p, size_t n, size_t size)
{
	return checked(reallocarray(p, n ? n : 1, size ? size : 1));
}

void *fl_grow_to_hold(void *p, size_t n, size_t size)
{
	bool is_full = !(n & (n - 1)); /* 0 and powers of two */

	return is_full ? fl_grow(p, n ? 2 * n : 1, size) : p;
}

char *fl_dup(const char *text)
{
	return text ? checked(strdup(text)) : NULL;
}

char *fl_format(const char *fmt, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		abort();
	return text;
}
