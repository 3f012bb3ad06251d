/* SPDX-License-Identifier: Apache-2.0 */
/* escape.c: text of any origin in Markdown. What a record holds may be what a hostile worker wrote: no part of it may
 * become a heading, a link, an image, a cell, HTML or code. */
#include "reports/parts.h"
#include <string.h>

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Does the character at `at` need a backslash to be just that character? '_' is one in the midst of a word. */
static bool is_special(const char *text, size_t at)
{
	char c = text[at];

	if (c == '_')
		return at == 0 || !is_letter_or_digit(text[at - 1]) || !is_letter_or_digit(text[at + 1]);
	return strchr("\\`*[]<>&|~$", c) != NULL;
}

void fl_markdown_text(struct fl_text *out, const char *text)
{
	for (size_t i = 0; text[i]; i++)
		fl_text_add(out, "%s%c", is_special(text, i) ? "\\" : "", text[i]);
}

/* "# x", "- x", "1. x" and "===" would make it a heading, a list or the rule below one, and blanks make it code. */
void fl_markdown_line(struct fl_text *out, const char *text)
{
	size_t digits;

	text += strspn(text, " ");
	digits = strspn(text, "0123456789");
	fl_text_put(out, text, digits);
	text += digits;
	if (*text && strchr(digits ? ".)" : "#+-=", *text))
		fl_text_add(out, "\\");
	fl_markdown_text(out, text);
}

/* Backticks around code are one more than the longest row of them in it. */
static size_t fence(const char *text)
{
	size_t longest = 0;

	while (*(text += strcspn(text, "`"))) {
		size_t n = strspn(text, "`");

		longest = n > longest ? n : longest;
		text += n;
	}
	return longest + 1;
}

static void add_fence(struct fl_text *out, size_t n)
{
	while (n--)
		fl_text_put(out, "`", 1);
}

/* In a cell even code must not hold a bare '|'; elsewhere the backslash would show, so that code with one is text. */
void fl_markdown_code(struct fl_text *out, const char *text)
{
	size_t n = fence(text);
	const char *pad = n > 1 || *text == ' ' ? " " : "";

	if (!*text || strchr(text, '|')) {
		fl_markdown_text(out, text);
		return;
	}
	add_fence(out, n);
	fl_text_add(out, "%s%s%s", pad, text, pad);
	add_fence(out, n);
}

void fl_markdown_block(struct fl_text *out, const char *text, size_t indent)
{
	size_t n = fence(text) < 3 ? 3 : fence(text);

	fl_text_add(out, "%*s", (int)indent, "");
	add_fence(out, n);
	fl_text_add(out, "\n%*s%s\n%*s", (int)indent, "", text, (int)indent, "");
	add_fence(out, n);
	fl_text_add(out, "\n");
}
