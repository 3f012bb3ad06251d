/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c: JSON from left to right. */
#include "record/scan.h"
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NESTING_MAX = 64 };

struct fl_scan fl_scan_start(const char *bytes, size_t n)
{
	return (struct fl_scan){ .from = bytes, .at = bytes, .end = bytes + n };
}

void fl_scan_fail(struct fl_scan *s, const char *bad)
{
	if (!s->bad)
		s->bad = bad;
}

size_t fl_scan_column(const struct fl_scan *s)
{
	return (size_t)(s->at - s->from) + 1;
}

static void skip_blanks(struct fl_scan *s)
{
	while (*s->at == ' ' || *s->at == '\t' || *s->at == '\r' || *s->at == '\n')
		s->at++;
}

/* The next byte that is no blank; 0: none, or something was wrong. */
static char peek(struct fl_scan *s)
{
	if (s->bad)
		return 0;
	skip_blanks(s);
	return *s->at;
}

bool fl_scan_is(struct fl_scan *s, char first)
{
	return peek(s) == first;
}

void fl_scan_finish(struct fl_scan *s)
{
	peek(s);
	if (s->at != s->end)
		fl_scan_fail(s, "the line must end here");
}

/* ---- objects and lists */

void fl_scan_enter(struct fl_scan *s, char bracket)
{
	if (peek(s) != bracket) {
		fl_scan_fail(s, bracket == '{' ? "an object is expected" : "a list is expected");
		return;
	}
	s->at++;
	s->fresh = true;
}

/* At the next entry, past its comma; false: past the bracket that closes, or wrong. */
static bool next(struct fl_scan *s, char close)
{
	char c = peek(s);
	bool fresh = s->fresh;

	s->fresh = false;
	if (s->bad)
		return false;
	if (c == close) {
		s->at++;
		return false;
	}
	if (fresh)
		return true;
	if (c != ',') {
		fl_scan_fail(s, close == '}' ? "',' or '}' is expected" : "',' or ']' is expected");
		return false;
	}
	s->at++;
	return true;
}

bool fl_scan_item(struct fl_scan *s)
{
	return next(s, ']');
}

bool fl_scan_key(struct fl_scan *s, char *ret, size_t room)
{
	if (!next(s, '}'))
		return false;
	fl_scan_word(s, ret, room);
	if (peek(s) != ':')
		fl_scan_fail(s, "':' is expected");
	s->at += !s->bad;
	return !s->bad;
}

/* ---- values */

void fl_scan_word(struct fl_scan *s, char *ret, size_t room)
{
	size_t n = 0;

	*ret = 0;
	if (peek(s) != '"') {
		fl_scan_fail(s, "a text is expected");
		return;
	}
	while (s->at[n + 1] >= 0x20 && s->at[n + 1] < 0x7f && s->at[n + 1] != '"' && s->at[n + 1] != '\\')
		n++;
	if (s->at[n + 1] != '"' || n >= room) {
		fl_scan_fail(s, "no text that can be here");
		return;
	}
	memcpy(ret, s->at + 1, n);
	ret[n] = 0;
	s->at += n + 2;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The parts of a number: its digits as a whole number, if they are few enough, and the power of ten behind it. */
struct decimal {
	uint64_t digits;
	int digits_n; /* without leading zeros */
	long power;
	bool negative;
};

static void take_digits(struct fl_scan *s, struct decimal *d, bool fraction)
{
	const char *at = s->at; /* in locals: a text might be what the loop writes, for all that the compiler knows */
	struct decimal t = *d;

	if (!is_digit(*at))
		fl_scan_fail(s, "a number is expected");
	for (; is_digit(*at); at++) {
		t.digits_n += t.digits_n > 0 || *at != '0';
		if (t.digits_n <= 18)
			t.digits = 10 * t.digits + (uint64_t)(*at - '0');
		t.power -= fraction;
	}
	s->at = at;
	*d = t;
}

/* Beyond every double, with however many digits a line has room for. */
enum { POWER_MAX = 1000000000 };

static void take_exponent(struct fl_scan *s, struct decimal *d)
{
	bool negative = s->at[1] == '-';
	long power = 0;

	s->at += 1 + (s->at[1] == '+' || negative);
	if (!is_digit(*s->at))
		fl_scan_fail(s, "a number is expected");
	for (; is_digit(*s->at); s->at++)
		power = power < POWER_MAX ? 10 * power + (*s->at - '0') : power;
	d->power += negative ? -power : power;
}

/* Passes a number, as JSON writes it. */
static struct decimal take_decimal(struct fl_scan *s)
{
	struct decimal d = { 0 };

	d.negative = peek(s) == '-';
	s->at += d.negative;
	if (*s->at == '0' && is_digit(s->at[1]))
		fl_scan_fail(s, "a number does not begin with 0");
	if (!s->bad)
		take_digits(s, &d, false);
	if (!s->bad && *s->at == '.') {
		s->at++;
		take_digits(s, &d, true);
	}
	if (!s->bad && (*s->at == 'e' || *s->at == 'E'))
		take_exponent(s, &d);
	return d;
}

/* The decimal point of the C locale, whatever the program's. */
static double read_slowly(const char *text)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* glibc's constant one: no allocation */
	double value;

	if (c == (locale_t)0)
		return NAN;
	value = strtod_l(text, NULL, c);
	freelocale(c);
	return value;
}

/* Whole numbers below 2^53 and powers of ten up to 10^22 are exact doubles, so one rounding is made and the result is
 * the nearest double. */
static bool read_fast(const struct decimal *d, double *ret)
{
	static const double powers[] = { 1e0,  1e1,  1e2,  1e3,	 1e4,  1e5,  1e6,  1e7,	 1e8,  1e9,  1e10, 1e11,
					 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

	if (d->digits_n > 18 || d->digits > (uint64_t)1 << 53 || d->power > 22 || d->power < -22)
		return false;
	*ret = d->power < 0 ? (double)d->digits / powers[-d->power] : (double)d->digits * powers[d->power];
	return true;
}

double fl_scan_number(struct fl_scan *s)
{
	const char *from = (peek(s), s->at);
	struct decimal d = take_decimal(s);
	double value;

	if (s->bad)
		return 0;
	if (!read_fast(&d, &value))
		value = fabs(read_slowly(from));
	if (!isfinite(value)) {
		s->at = from;
		fl_scan_fail(s, "a number that large does not exist");
		return 0;
	}
	return d.negative ? -value : value;
}

uint64_t fl_scan_count(struct fl_scan *s, uint64_t max)
{
	const char *from = (peek(s), s->at);
	struct decimal d = take_decimal(s);

	if (s->bad)
		return 0;
	if (!d.negative && d.power == 0 && d.digits_n <= 18 && d.digits <= max)
		return d.digits;
	s->at = from;
	fl_scan_fail(s, "no whole number that can be here");
	return 0;
}

/* Past the text that begins here. */
static void pass_text(struct fl_scan *s)
{
	for (s->at++; s->at < s->end && *s->at != '"'; s->at++)
		s->at += *s->at == '\\' && s->at + 1 < s->end;
	if (s->at == s->end)
		fl_scan_fail(s, "a text does not end");
	else
		s->at++;
}

const char *fl_scan_slice(struct fl_scan *s, size_t *ret_n)
{
	const char *from = (peek(s), s->at);
	unsigned depth = 0;

	while (!s->bad && s->at < s->end) {
		char c = *s->at;

		if (depth == 0 && s->at > from && (c == ',' || c == ']' || c == '}'))
			break;
		if (c == '"') {
			pass_text(s);
			continue;
		}
		if ((c == '[' || c == '{') && ++depth > NESTING_MAX)
			fl_scan_fail(s, "nested too deeply");
		else if (c == ']' || c == '}')
			depth -= depth > 0;
		s->at++;
	}
	*ret_n = s->bad ? 0 : (size_t)(s->at - from);
	return from;
}
