/* SPDX-License-Identifier: Apache-2.0 */
/* text.h: a growing text, and the few string questions we ask. Renderers write into a fl_text, never to a stream. */
#ifndef FL_BASE_TEXT_H
#define FL_BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>

/* Invariant: bytes == NULL and n == 0 (a zeroed struct is empty), or bytes[n] == 0. The owner calls fl_text_release. */
struct fl_text {
	char *bytes;
	size_t n, room;
};

void fl_text_add(struct fl_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fl_text_put(struct fl_text *t, const void *bytes, size_t n);
const char *fl_text_str(const struct fl_text *t); /* "" when empty; valid until the next change */
void fl_text_release(struct fl_text *t);

/* The entry of names[0..n) that the user most likely meant (Damerau-Levenshtein distance <= 1 + length / 3, or a
 * unique prefix); NULL when none is near. NULL entries are skipped. */
const char *fl_nearest(const char *word, const char *const *names, size_t n);

/* Control characters (C0, DEL and, as UTF-8, C1) become blanks: a text from elsewhere must neither break the line nor
 * command the terminal. */
void fl_blank_controls(char *text);

/* Appends a word as one argument of a shell command, in quotes where it needs them. */
void fl_text_quote(struct fl_text *t, const char *word);

/* Copies src into dst, always terminated, cut at room - 1 bytes. Returns whether all of it fitted. */
bool fl_copy(char *dst, size_t room, const char *src);

#endif
