/* SPDX-License-Identifier: Apache-2.0 */
/* units.c: reading quantities, and exact numbers as text, the same in every locale: whole quantities take exact integer
 * arithmetic, and no decimal point of the C library ever gets through. units_show.c shows them to people. */
#include "base/units.h"
#include "base/text.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ----------------------------------------------------------------------------------------------- */

struct unit {
	const char *name;
	uint64_t scale;
};

static const struct unit byte_units[] = {
	{ "B", 1 },
	{ "kB", UINT64_C(1000) },
	{ "MB", UINT64_C(1000000) },
	{ "GB", UINT64_C(1000000000) },
	{ "TB", UINT64_C(1000000000000) },
	{ "PB", UINT64_C(1000000000000000) },
	{ "KiB", UINT64_C(1) << 10 },
	{ "MiB", UINT64_C(1) << 20 },
	{ "GiB", UINT64_C(1) << 30 },
	{ "TiB", UINT64_C(1) << 40 },
	{ "PiB", UINT64_C(1) << 50 },
	{ NULL, 0 },
};

static const struct unit time_units[] = {
	{ "ns", 1 },
	{ "us", UINT64_C(1000) },
	{ "ms", UINT64_C(1000000) },
	{ "s", UINT64_C(1000000000) },
	{ "m", UINT64_C(60000000000) },
	{ "h", UINT64_C(3600000000000) },
	{ NULL, 0 },
};

/* A number as written: whole.fraction, the fraction as `places` decimal digits without trailing zeros. */
struct written {
	uint64_t whole, fraction;
	unsigned places;
	bool point;
	const char *unit; /* what follows */
};

/* Appends a digit. false: the number does not fit. */
static bool push_digit(uint64_t *number, char digit)
{
	return !__builtin_mul_overflow(*number, 10, number) &&
	       !__builtin_add_overflow(*number, (uint64_t)(digit - '0'), number);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 0; -EINVAL: not a number; -ERANGE: too many digits. */
static int read_number(const char *text, struct written *ret)
{
	struct written w = { 0 };
	const char *c = text, *end;

	if (!is_digit(*c))
		return -EINVAL;
	for (; is_digit(*c); c++)
		if (!push_digit(&w.whole, *c))
			return -ERANGE;
	if (*c == '.') {
		w.point = true;
		if (!is_digit(*++c))
			return -EINVAL;
		end = c + strspn(c, "0123456789");
		w.unit = end;
		while (end > c && end[-1] == '0')
			end--;
		for (; c < end; c++, w.places++)
			if (!push_digit(&w.fraction, *c))
				return -ERANGE;
		c = w.unit;
	}
	w.unit = c;
	*ret = w;
	return 0;
}

/* fraction / 10^places x scale, exactly. false: not a whole number. */
static bool scale_fraction(const struct written *w, uint64_t scale, uint64_t *ret)
{
	uint64_t fraction = w->fraction;

	/* Each place is a division by 2 and by 5: take them from the scale while it has them, else from the digits. */
	for (unsigned i = 0; i < 2 * w->places; i++) {
		unsigned prime = i % 2 ? 5 : 2;

		if (scale % prime == 0)
			scale /= prime;
		else if (fraction % prime == 0)
			fraction /= prime;
		else
			return false;
	}
	return !__builtin_mul_overflow(fraction, scale, ret);
}

static int scale_number(const struct written *w, uint64_t scale, uint64_t *ret)
{
	uint64_t whole, part = 0;

	if (w->places && !scale_fraction(w, scale, &part))
		return -EINVAL;
	if (__builtin_mul_overflow(w->whole, scale, &whole) || __builtin_add_overflow(whole, part, &whole))
		return -ERANGE;
	*ret = whole;
	return 0;
}

static const struct unit *find_unit(const struct unit *units, const char *name)
{
	for (; units->name; units++)
		if (strcmp(units->name, name) == 0)
			return units;
	return NULL;
}

/* What a kind of quantity is called, and how it is to be written. */
struct kind {
	const char *name, *hint;
	const struct unit *units;
	bool bare; /* a number without a unit is understood */
};

static int refuse(const struct kind *kind, int code, const char *text, struct fl_err *err)
{
	code = fl_fail(err, code, code == -ERANGE ? "'%.80s' is too large for %s" : "'%.80s' is not %s", text,
		       kind->name);
	fl_hint(err, "%s", kind->hint);
	return code;
}

static int parse(const struct kind *kind, const char *text, uint64_t *ret, struct fl_err *err)
{
	const struct unit *unit = NULL;
	struct written w;
	uint64_t value;
	int rc = read_number(text, &w);

	if (rc < 0)
		return refuse(kind, rc, text, err);
	if (*w.unit) {
		unit = kind->units ? find_unit(kind->units, w.unit) : NULL;
		if (!unit)
			return refuse(kind, -EINVAL, text, err);
	} else if (w.point || (!kind->bare && w.whole)) {
		return refuse(kind, -EINVAL, text, err);
	}
	rc = scale_number(&w, unit ? unit->scale : 1, &value);
	if (rc < 0)
		return refuse(kind, rc, text, err);
	*ret = value;
	return 0;
}

int fl_parse_count(const char *text, uint64_t *ret, struct fl_err *err)
{
	static const struct kind count = { "a whole number", "write digits only, such as 16", NULL, true };

	return parse(&count, text, ret, err);
}

int fl_parse_bytes(const char *text, uint64_t *ret, struct fl_err *err)
{
	static const struct kind bytes = { "a size in whole bytes",
					   "write 4096, 64KiB, 1.5GiB (2^30) or 2MB (10^6); units: kB MB GB TB PB, KiB "
					   "MiB GiB TiB PiB",
					   byte_units, true };

	return parse(&bytes, text, ret, err);
}

int fl_parse_ns(const char *text, uint64_t *ret, struct fl_err *err)
{
	static const struct kind time = { "a time in whole nanoseconds",
					  "write number and unit, such as 40ms or 1.5s; units: ns us ms s m h",
					  time_units, false };

	return parse(&time, text, ret, err);
}

/* digits[.digits][e[+-]digits]; gives its length, 0: not a decimal number. */
static size_t decimal_length(const char *text)
{
	static const char digits[] = "0123456789";
	size_t n = strspn(text, digits), more;

	if (!n)
		return 0;
	if (text[n] == '.') {
		more = strspn(text + n + 1, digits);
		if (!more)
			return 0;
		n += 1 + more;
	}
	if (text[n] == 'e') {
		size_t sign = text[n + 1] == '+' || text[n + 1] == '-';

		more = strspn(text + n + 1 + sign, digits);
		if (!more)
			return 0;
		n += 1 + sign + more;
	}
	return n;
}

/* strtod() with a decimal point whatever the locale. */
static double read_decimal(const char *text)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* glibc's constant one: no allocation */
	double value;

	if (c == (locale_t)0)
		return NAN;
	value = strtod_l(text, NULL, c);
	freelocale(c);
	return value;
}

int fl_parse_ratio(const char *text, double *ret, struct fl_err *err)
{
	static const struct kind ratio = { "a ratio", "write a decimal number such as 0.95, or 95%", NULL, true };
	size_t n = decimal_length(text);
	bool percent = n && strcmp(text + n, "%") == 0;
	double value;

	if (!n || (text[n] && !percent))
		return refuse(&ratio, -EINVAL, text, err);
	value = read_decimal(text);
	if (!isfinite(value))
		return refuse(&ratio, -ERANGE, text, err);
	*ret = percent ? value / 100 : value;
	return 0;
}

/* ---- exact numbers ------------------------------------------------------------------------------------------ */

enum { NUMBER_TEXT = 48 };

static bool reads_back(double value, int precision, char text[NUMBER_TEXT])
{
	snprintf(text, NUMBER_TEXT, "%.*e", precision, value);
	return strtod(text, NULL) == value;
}

/* More digits never read back worse, and measured values need 15 to 17 of them: hence from the top, then by halves. */
static void write_shortest(double value, char text[NUMBER_TEXT])
{
	int low = 0, high = 16; /* high reads back */

	for (int top = 15; top >= 14 && low == 0; top--)
		if (reads_back(value, top, text))
			high = top;
		else
			low = top + 1;
	while (low < high) {
		int middle = (low + high) / 2;

		if (reads_back(value, middle, text))
			high = middle;
		else
			low = middle + 1;
	}
	snprintf(text, NUMBER_TEXT, "%.*e", high, value);
}

/* The digits of the shortest decimal that reads back to the value (> 0, finite), and its decimal exponent: 0.ddd x
 * 10^e. "%.*e" and strtod() agree on the decimal point of the locale; only the digits are taken over. */
static int shortest_digits(double value, char digits[20])
{
	char text[NUMBER_TEXT];
	unsigned n = 0;

	write_shortest(value, text);
	for (const char *c = text; *c != 'e'; c++)
		if (is_digit(*c))
			digits[n++] = *c;
	digits[n] = 0;
	return (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
}

const char *fl_show_number(char buf[FL_UNIT_TEXT], double value)
{
	const char *sign = signbit(value) ? "-" : "";
	char digits[20], text[64];
	int exponent, n;

	if (!isfinite(value) || value == 0) {
		fl_copy(buf, FL_UNIT_TEXT, value == 0 ? "0" : "-");
		return buf;
	}
	exponent = shortest_digits(fabs(value), digits);
	n = (int)strlen(digits);
	if (exponent < -5 || exponent > 17)
		snprintf(text, sizeof(text), "%s%c%s%se%d", sign, digits[0], n > 1 ? "." : "", digits + 1,
			 exponent - 1);
	else if (exponent <= 0)
		snprintf(text, sizeof(text), "%s0.%.*s%s", sign, -exponent, "00000", digits);
	else if (exponent >= n)
		snprintf(text, sizeof(text), "%s%s%.*s", sign, digits, exponent - n, "00000000000000000");
	else
		snprintf(text, sizeof(text), "%s%.*s.%s", sign, exponent, digits, digits + exponent);
	fl_copy(buf, FL_UNIT_TEXT, text); /* at most 25 characters */
	return buf;
}
