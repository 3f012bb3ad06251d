/* SPDX-License-Identifier: Apache-2.0 */
/* units.h: quantities as text. Inside feedline everything is bytes, ns and bytes per second; decimal and binary are
 * different words on input (1MB = 10^6, 1MiB = 2^20), and only renderers scale on output. */
#ifndef FL_BASE_UNITS_H
#define FL_BASE_UNITS_H
#include <feedline/err.h>
#include <stdint.h>

/* Whole text or nothing: no sign, no blanks inside, no trailing garbage; a fraction is allowed where a unit follows and
 * the result is a whole number ("1.5GiB"). -EINVAL: not a quantity; -ERANGE: does not fit. *ret untouched then.
 * bytes: "4096", "4096B", kB MB GB TB PB, KiB MiB GiB TiB PiB. time: "40ms", ns us ms s m h; a bare number other than
 * 0 is refused (40 of what?). count: digits only, k and M not allowed. ratio: decimal number >= 0 or "95%". */
int fl_parse_count(const char *text, uint64_t *ret, struct fl_err *err);
int fl_parse_bytes(const char *text, uint64_t *ret, struct fl_err *err);
int fl_parse_ns(const char *text, uint64_t *ret, struct fl_err *err);
int fl_parse_ratio(const char *text, double *ret, struct fl_err *err);

enum { FL_UNIT_TEXT = 32 };

/* The shortest decimal that reads back to the same double ("0.95", "12", "1e-9"), whatever the locale; also valid JSON.
 * "-" where it is not finite. Returns buf. */
const char *fl_show_number(char buf[FL_UNIT_TEXT], double value);

/* For people, at most 31 characters, three significant digits: "1 MiB" (exact binary multiples), "22.7 GB/s",
 * "1.20 ms", "60.1 k/s". They return buf. What is not finite gives "-". */
const char *fl_show_bytes(char buf[FL_UNIT_TEXT], uint64_t bytes);
const char *fl_show_ns(char buf[FL_UNIT_TEXT], double ns);
const char *fl_show_rate(char buf[FL_UNIT_TEXT], double bytes_per_s);
/* "12 %", "3.2 %", "-0.4 %": a ratio in percent, with one decimal below 10. */
const char *fl_show_percent(char buf[FL_UNIT_TEXT], double ratio);
/* Any metric by the unit that its name ends in: _bytes_per_s, _ops_per_s, _per_s, _ns, _bytes, _ratio, else plain. */
const char *fl_show_metric(char buf[FL_UNIT_TEXT], const char *metric, double value);

#endif
