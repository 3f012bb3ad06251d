/* SPDX-License-Identifier: Apache-2.0 */
/* text.c: a growing text, the nearest of some names, and a bounded copy. */
#include "base/text.h"
#include "base/alloc.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 63 }; /* longer names are near nothing */

/* Room for n more bytes and the terminator. */
static void reserve(struct fl_text *t, size_t n)
{
	size_t need;

	if (__builtin_add_overflow(t->n, n, &need) || need > SIZE_MAX / 2 - 1)
		abort();
	if (need < t->room)
		return;
	t->room = need < 64 ? 128 : 2 * need;
	t->bytes = fl_grow(t->bytes, t->room, 1);
	t->bytes[t->n] = 0;
}

void fl_text_put(struct fl_text *t, const void *bytes, size_t n)
{
	if (!n)
		return;
	reserve(t, n);
	memcpy(t->bytes + t->n, bytes, n);
	t->n += n;
	t->bytes[t->n] = 0;
}

void fl_text_add(struct fl_text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0)
		abort(); /* a format of ours that the C library refuses */
	reserve(t, (size_t)n);
	va_start(args, fmt);
	vsnprintf(t->bytes + t->n, (size_t)n + 1, fmt, args);
	va_end(args);
	t->n += (size_t)n;
}

const char *fl_text_str(const struct fl_text *t)
{
	return t->bytes ? t->bytes : "";
}

void fl_text_quote(struct fl_text *t, const char *word)
{
	const char *plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./_-";

	if (*word && !word[strspn(word, plain)]) {
		fl_text_add(t, "%s", word);
		return;
	}
	fl_text_add(t, "'");
	for (; *word; word++)
		if (*word == '\'')
			fl_text_add(t, "'\\''");
		else
			fl_text_put(t, word, 1);
	fl_text_add(t, "'");
}

void fl_text_release(struct fl_text *t)
{
	free(t->bytes);
	*t = (struct fl_text){ 0 };
}

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Damerau-Levenshtein distance (adjacent swaps count one) of two words of at most WORD_MAX bytes. */
static unsigned distance(const char *a, size_t a_n, const char *b, size_t b_n)
{
	unsigned rows[3][WORD_MAX + 1] = { 0 };
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (unsigned j = 0; j <= b_n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a_n; i++) {
		unsigned *spare = before;

		before = above;
		above = row;
		row = spare;
		row[0] = i;
		for (unsigned j = 1; j <= b_n; j++) {
			row[j] = min(above[j - 1] + (a[i - 1] != b[j - 1]), 1 + min(above[j], row[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = min(row[j], before[j - 2] + 1);
		}
	}
	return row[b_n];
}

/* The only name that begins with the word. */
static const char *by_prefix(const char *word, size_t word_n, const char *const *names, size_t n)
{
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!names[i] || strncmp(names[i], word, word_n) != 0)
			continue;
		if (found)
			return NULL;
		found = names[i];
	}
	return found;
}

const char *fl_nearest(const char *word, const char *const *names, size_t n)
{
	size_t word_n = strlen(word);
	unsigned best_distance = 1 + (unsigned)min(WORD_MAX, (unsigned)word_n) / 3;
	const char *best;

	if (!word_n || word_n > WORD_MAX)
		return NULL;
	best = by_prefix(word, word_n, names, n);
	for (size_t i = 0; i < n; i++) {
		size_t name_n = names[i] ? strlen(names[i]) : 0;
		unsigned d;

		if (!name_n || name_n > WORD_MAX)
			continue;
		d = distance(word, word_n, names[i], name_n);
		if (d < best_distance || (!best && d == best_distance)) {
			best = names[i];
			best_distance = d;
		}
	}
	return best;
}

void fl_blank_controls(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f;

		if (c1)
			c[0] = c[1] = ' ';
		if (*c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
}

bool fl_copy(char *dst, size_t room, const char *src)
{
	size_t n = strlen(src);
	bool fits = n < room;

	if (!room)
		return false;
	if (!fits)
		n = room - 1;
	memcpy(dst, src, n);
	dst[n] = 0;
	return fits;
}
