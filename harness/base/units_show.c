/* SPDX-License-Identifier: Apache-2.0 */
/* units_show.c: quantities for people: three significant digits and a unit, built from integers so that no decimal
 * point of a locale appears. */
#include "base/text.h"
#include "base/units.h"
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* A unit: values of at least `from` are shown in it. */
struct step {
	double from, scale;
	const char *unit;
};

/* A value that three digits would show as 1000 of a unit is shown as 1.00 of the next: hence 0.9995. */
#define DECIMAL(scale, unit)                                                                                           \
	{                                                                                                              \
		0.9995 * (scale), scale, unit                                                                          \
	}

static const struct step rate_steps[] = {
	{ 0, 1, " B/s" },	DECIMAL(1e3, " kB/s"),	DECIMAL(1e6, " MB/s"), DECIMAL(1e9, " GB/s"),
	DECIMAL(1e12, " TB/s"), DECIMAL(1e15, " PB/s"), { .unit = NULL },
};
static const struct step per_s_steps[] = {
	{ 0, 1, " /s" },      DECIMAL(1e3, " k/s"),  DECIMAL(1e6, " M/s"),
	DECIMAL(1e9, " G/s"), DECIMAL(1e12, " T/s"), { .unit = NULL },
};
static const struct step ns_steps[] = {
	{ 0, 1, " ns" },	 DECIMAL(1e3, " us"),	  DECIMAL(1e6, " ms"), DECIMAL(1e9, " s"),
	{ 600e9, 60e9, " min" }, { 36e12, 3600e9, " h" }, { .unit = NULL },
};
static const struct step byte_steps[] = {
	{ 0, 1, " B" },
	{ 1023.5, 0x1p10, " KiB" },
	{ 1023.5 * 0x1p10, 0x1p20, " MiB" },
	{ 1023.5 * 0x1p20, 0x1p30, " GiB" },
	{ 1023.5 * 0x1p30, 0x1p40, " TiB" },
	{ 1023.5 * 0x1p40, 0x1p50, " PiB" },
	{ .unit = NULL },
};
static const struct step plain_steps[] = { { 0, 1, "" }, { .unit = NULL } };

/* value: 0 .. 2^53, with 0 to 6 decimals. */
static void show_fixed(char buf[FL_UNIT_TEXT], double value, unsigned decimals, const char *unit)
{
	static const long powers[] = { 1, 10, 100, 1000, 10000, 100000, 1000000 };
	long long scaled = llround(value * (double)powers[decimals]);

	if (decimals)
		snprintf(buf, FL_UNIT_TEXT, "%lld.%0*lld%s", scaled / powers[decimals], (int)decimals,
			 scaled % powers[decimals], unit);
	else
		snprintf(buf, FL_UNIT_TEXT, "%lld%s", scaled, unit);
}

/* Three significant digits of value >= 0; whole numbers of the smallest unit as they are. */
static void show_three(char buf[FL_UNIT_TEXT], double value, const struct step *step)
{
	double scaled = value / step->scale;
	unsigned decimals = 0;

	if (scaled >= 1e15 || (scaled > 0 && scaled < 5e-7)) {
		snprintf(buf, FL_UNIT_TEXT, "%.0e%s", scaled, step->unit);
		return;
	}
	if (step->scale == 1 && scaled == floor(scaled)) {
		show_fixed(buf, scaled, 0, step->unit);
		return;
	}
	for (double limit = 99.95; decimals < 6 && scaled < limit; limit /= 10)
		decimals++;
	show_fixed(buf, scaled, decimals, step->unit);
}

/* Steps end with a row without a unit. */
static const char *show(char buf[FL_UNIT_TEXT], double value, const struct step *step)
{
	char size[FL_UNIT_TEXT];

	if (!isfinite(value)) {
		fl_copy(buf, FL_UNIT_TEXT, "-");
		return buf;
	}
	while (step[1].unit && fabs(value) >= step[1].from)
		step++;
	show_three(size, fabs(value), step);
	snprintf(buf, FL_UNIT_TEXT, "%s%.30s", value < 0 ? "-" : "", size);
	return buf;
}

const char *fl_show_bytes(char buf[FL_UNIT_TEXT], uint64_t bytes)
{
	const struct step *step = byte_steps;

	while (step[1].unit && bytes >= (uint64_t)step[1].scale)
		step++;
	if (bytes % (uint64_t)step->scale)
		return show(buf, (double)bytes, byte_steps);
	snprintf(buf, FL_UNIT_TEXT, "%llu%s", (unsigned long long)(bytes / (uint64_t)step->scale), step->unit);
	return buf;
}

const char *fl_show_ns(char buf[FL_UNIT_TEXT], double ns)
{
	return show(buf, ns, ns_steps);
}

const char *fl_show_rate(char buf[FL_UNIT_TEXT], double bytes_per_s)
{
	return show(buf, bytes_per_s, rate_steps);
}

const char *fl_show_percent(char buf[FL_UNIT_TEXT], double ratio)
{
	double percent = 100 * fabs(ratio);
	bool tenths = percent < 9.95;
	long long digits = tenths ? llround(10 * percent) : percent < 1e15 ? llround(percent) : 0;
	const char *sign = ratio < 0 && digits ? "-" : "";

	if (!isfinite(ratio) || percent >= 1e15)
		fl_copy(buf, FL_UNIT_TEXT, "-");
	else if (tenths)
		snprintf(buf, FL_UNIT_TEXT, "%s%lld.%lld %%", sign, digits / 10, digits % 10);
	else
		snprintf(buf, FL_UNIT_TEXT, "%s%lld %%", sign, digits);
	return buf;
}

/* Does the name end in this unit (a whole word of it)? */
static int ends_in(const char *name, const char *unit)
{
	size_t name_n = strlen(name), unit_n = strlen(unit);

	if (name_n < unit_n || strcmp(name + name_n - unit_n, unit) != 0)
		return 0;
	return name_n == unit_n || name[name_n - unit_n - 1] == '_';
}

const char *fl_show_metric(char buf[FL_UNIT_TEXT], const char *metric, double value)
{
	static const struct {
		const char *unit;
		const struct step *steps;
	} units[] = {
		{ "bytes_per_s", rate_steps },
		{ "per_s", per_s_steps },
		{ "ns", ns_steps },
		{ "bytes", byte_steps },
	};

	if (ends_in(metric, "bytes") && value >= 0 && value < 0x1p64 && value == floor(value))
		return fl_show_bytes(buf, (uint64_t)value);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (ends_in(metric, units[i].unit))
			return show(buf, value, units[i].steps);
	return show(buf, value, plain_steps);
}
