/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c: text in lines: cleaned, wrapped, coloured; and times in UTC. */
#include "base/alloc.h"
#include "reports/parts.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WIDTH_DEFAULT = 80, WIDTH_MIN = 40 };

char *fl_report_clean(const char *text)
{
	char *copy = fl_dup(text ? text : "");

	fl_blank_controls(copy);
	return copy;
}

/* The next piece that must not be broken: a word, and after a number the next one too. */
static size_t piece(const char *text)
{
	size_t n = strcspn(text, " ");

	if (n == strspn(text, "0123456789.") && text[n] && text[n + 1] && text[n + 1] != ' ')
		n += 1 + strcspn(text + n + 1, " ");
	return n;
}

void fl_report_wrap(struct fl_text *out, const char *text, size_t at, size_t indent, size_t width)
{
	bool begun = false;

	while (*(text += strspn(text, " "))) {
		size_t n = piece(text);

		if (begun && at + 1 + n > width) {
			fl_text_add(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (begun) {
			fl_text_add(out, " ");
			at++;
		}
		fl_text_put(out, text, n);
		at += n;
		text += n;
		begun = true;
	}
	fl_text_add(out, "\n");
}

const char *fl_report_colour(const struct fl_look *look, enum fl_verdict verdict)
{
	if (!look || !look->colour)
		return "";
	switch (verdict) {
	case FL_PASS:
		return "\033[32m";
	case FL_FAIL:
	case FL_VERDICT_INVALID:
		return "\033[31m";
	case FL_INCONCLUSIVE:
	case FL_VERDICT_NOT_MEASURED:
		return "\033[33m";
	case FL_UNJUDGED:
		break;
	}
	return "\033[36m";
}

const char *fl_report_plain(const struct fl_look *look)
{
	return look && look->colour ? "\033[0m" : "";
}

size_t fl_report_width(const struct fl_look *look)
{
	size_t width = look && look->width ? look->width : WIDTH_DEFAULT;

	return width < WIDTH_MIN ? WIDTH_MIN : width;
}

const char *fl_report_time(char buf[FL_TIME_TEXT], int64_t started_ns)
{
	time_t seconds = (time_t)(started_ns / 1000000000);
	struct tm tm;

	if (started_ns < 0 || !gmtime_r(&seconds, &tm) || tm.tm_year > 9999 - 1900)
		snprintf(buf, FL_TIME_TEXT, "unknown");
	else
		strftime(buf, FL_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}
