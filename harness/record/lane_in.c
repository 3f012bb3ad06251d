/* SPDX-License-Identifier: Apache-2.0 */
/* lane_in.c: one lane from hostile JSON. Every member must be there once, and no other. */
#include "record/lane_in.h"
#include "base/alloc.h"
#include "base/json.h"
#include "record/line.h"
#include "record/schema.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_ROOM = 64, SERIES_MAX = 1024, HEX_DIGITS = 16 };

void fl_lane_in_release(struct fl_lane_in *in)
{
	free(in->at);
	free(in->value);
	free(in->valid);
	*in = (struct fl_lane_in){ 0 };
}

/* Which of the names, and notes it as seen; -1, and a fault of the scan: none of them, or one seen before. `names` ends
 * with NULL. */
static int number_of(struct fl_scan *s, const char *const *names, const char *name, unsigned *seen)
{
	for (int i = 0; names[i]; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		if (*seen & 1U << i)
			fl_scan_fail(s, "this member was there before");
		*seen |= 1U << i;
		return s->bad ? -1 : i;
	}
	fl_scan_fail(s, "no such member is known");
	return -1;
}

/* ---- numbers */

/* The sixteen digits of a double that is no number; anything else than those is refused. */
static double take_odd(struct fl_scan *s)
{
	static const char digits[] = "0123456789abcdef";
	char word[HEX_DIGITS + 2];
	uint64_t bits = 0;
	double value;

	fl_scan_word(s, word, sizeof(word));
	if (strlen(word) != HEX_DIGITS || word[strspn(word, digits)]) {
		fl_scan_fail(s, "no number");
		return NAN;
	}
	for (const char *c = word; *c; c++)
		bits = bits << 4 | (uint64_t)(strchr(digits, *c) - digits);
	memcpy(&value, &bits, sizeof(value));
	if (isfinite(value))
		fl_scan_fail(s, "a number must be written as one");
	return value;
}

static double take_value(struct fl_scan *s)
{
	size_t n;
	const char *word;

	if (fl_scan_is(s, '"'))
		return take_odd(s);
	if (!fl_scan_is(s, 'n'))
		return fl_scan_number(s);
	word = fl_scan_slice(s, &n);
	if (n < 4 || strncmp(word, "null", 4) != 0 || strspn(word + 4, " \t") != n - 4)
		fl_scan_fail(s, "a number is expected");
	return NAN;
}

static void make_room(struct fl_lane_in *in, size_t n)
{
	if (n <= in->room)
		return;
	in->room = n < 64 ? 64 : 2 * n;
	in->at = fl_grow(in->at, in->room, sizeof(*in->at));
	in->value = fl_grow(in->value, in->room, sizeof(*in->value));
	in->valid = fl_grow(in->valid, in->room, sizeof(*in->valid));
}

static size_t take_numbers(struct fl_lane_in *in, struct fl_scan *s, bool times)
{
	size_t n = 0;

	fl_scan_enter(s, '[');
	while (fl_scan_item(s)) {
		make_room(in, n + 1);
		(times ? in->at : in->value)[n++] = take_value(s);
	}
	return n;
}

static size_t take_valid(struct fl_lane_in *in, struct fl_scan *s)
{
	size_t n = 0;

	fl_scan_enter(s, '[');
	while (fl_scan_item(s)) {
		make_room(in, n + 1);
		in->valid[n++] = (uint8_t)fl_scan_count(s, 1);
	}
	return n;
}

/* ---- series */

enum series_member { KIND, METRIC, AT, VALUE, VALID };
static const char *const series_members[] = { "kind", "metric", "at", "value", "valid", NULL };
enum { SERIES_NEEDED = 1 << KIND | 1 << METRIC | 1 << AT | 1 << VALUE };

struct series_in {
	unsigned seen;
	char metric[WORD_ROOM], kind[WORD_ROOM];
	size_t at_n, value_n, valid_n;
};

static void take_member(struct fl_lane_in *in, struct fl_scan *s, int member, struct series_in *ret)
{
	switch (member) {
	case KIND:
		fl_scan_word(s, ret->kind, sizeof(ret->kind));
		if (strcmp(ret->kind, fl_series_kind_names[FL_SERIES_SAMPLES]) != 0 &&
		    strcmp(ret->kind, fl_series_kind_names[FL_SERIES_HISTOGRAM]) != 0)
			fl_scan_fail(s, "'kind' must be \"samples\" or \"histogram\"");
		break;
	case METRIC:
		fl_scan_word(s, ret->metric, sizeof(ret->metric));
		break;
	case AT:
		ret->at_n = take_numbers(in, s, true);
		break;
	case VALUE:
		ret->value_n = take_numbers(in, s, false);
		break;
	case VALID:
		ret->valid_n = take_valid(in, s);
		break;
	}
}

static void build(const struct fl_lane_in *in, struct fl_scan *s, const struct series_in *from, struct fl_series *ret)
{
	enum fl_series_kind kind = strcmp(from->kind, "histogram") == 0 ? FL_SERIES_HISTOGRAM : FL_SERIES_SAMPLES;
	bool has_valid = from->seen & 1 << VALID;
	size_t n = from->at_n;

	if ((from->seen & SERIES_NEEDED) != SERIES_NEEDED)
		fl_scan_fail(s, "a series needs 'kind', 'metric', 'at' and 'value'");
	if (from->value_n != n || (has_valid && from->valid_n != n))
		fl_scan_fail(s, "the lists of a series are not equally long");
	if (has_valid && kind == FL_SERIES_HISTOGRAM)
		fl_scan_fail(s, "a histogram has no 'valid'");
	if (s->bad)
		return;
	if (fl_series_make(from->metric, kind, n, ret) < 0) {
		fl_scan_fail(s, "no memory for a series that long");
		return;
	}
	memset(ret->valid, kind == FL_SERIES_SAMPLES, n);
	if (n == 0)
		return;
	memcpy(ret->at, in->at, n * sizeof(*ret->at));
	memcpy(ret->value, in->value, n * sizeof(*ret->value));
	if (has_valid)
		memcpy(ret->valid, in->valid, n);
}

static bool has_metric(const struct fl_lane_record *lane, const char *metric)
{
	for (size_t i = 0; i < lane->series_n; i++)
		if (strcmp(lane->series[i].metric, metric) == 0)
			return true;
	return false;
}

/* What it gives is filled where nothing was wrong. */
static void take_one(struct fl_lane_in *in, struct fl_scan *s, struct fl_series *ret)
{
	struct series_in from = { 0 };
	char key[WORD_ROOM];
	int member;

	fl_scan_enter(s, '{');
	while (fl_scan_key(s, key, sizeof(key)) && (member = number_of(s, series_members, key, &from.seen)) >= 0)
		take_member(in, s, member, &from);
	build(in, s, &from, ret);
}

static void take_one_series(struct fl_lane_in *in, struct fl_scan *s, struct fl_lane_record *lane)
{
	struct fl_series series = { 0 };

	take_one(in, s, &series);
	if (s->bad)
		return;
	if (has_metric(lane, series.metric)) {
		fl_scan_fail(s, "two series of one metric");
		free(series.at); /* one block */
		return;
	}
	lane->series = fl_grow(lane->series, lane->series_n + 1, sizeof(*lane->series));
	lane->series[lane->series_n++] = series;
}

static void take_series(struct fl_lane_in *in, struct fl_scan *s, struct fl_lane_record *lane)
{
	fl_scan_enter(s, '[');
	while (fl_scan_item(s)) {
		if (lane->series_n == SERIES_MAX)
			fl_scan_fail(s, "a lane with that many series does not exist");
		take_one_series(in, s, lane);
	}
}

/* ---- lane */

/* A text of any characters, or null. malloc'd. */
static char *take_text(struct fl_scan *s)
{
	json_t *value = NULL;
	const char *slice;
	char *text = NULL;
	size_t n;

	slice = fl_scan_slice(s, &n);
	if (!s->bad &&
	    (fl_json_parse(slice, n, "", &value, NULL) < 0 || !(json_is_string(value) || json_is_null(value))))
		fl_scan_fail(s, "a text or null is expected before this");
	text = fl_dup(json_string_value(value));
	json_decref(value);
	return text;
}

static void take_json(struct fl_lane_in *in, struct fl_scan *s, const char *name, struct fl_lane_record *lane)
{
	const struct fl_json_column *column = fl_lane_json;
	const char *slice;
	json_t *value;
	size_t n;

	while (strcmp(column->name, name) != 0)
		column++;
	slice = fl_scan_slice(s, &n);
	value = s->bad ? NULL : fl_shared_json(column->repeats ? in->shared : NULL, slice, n, column->type);
	if (value)
		*fl_schema_json(column, lane) = value;
	else
		fl_scan_fail(s, column->type == JSON_ARRAY ? "a list or null is expected before this"
							   : "an object or null is expected before this");
}

static enum fl_outcome take_outcome(struct fl_scan *s)
{
	char word[WORD_ROOM];
	int outcome;

	fl_scan_word(s, word, sizeof(word));
	outcome = fl_outcome_of(word);
	if (outcome < 0)
		fl_scan_fail(s, "no outcome is called that");
	return outcome < 0 ? FL_INVALID : (enum fl_outcome)outcome;
}

enum lane_member { ROUND, CASE, LANE, BENCH, OUTCOME, REASON, HINT, SERIES };
static const char *const lane_members[] = { "round",  "case", "lane",	  "bench",   "outcome",
					    "reason", "hint", "series",	  "options", "placement",
					    "facts",  "caps", "distrust", "notes",   NULL };
enum { LANE_MEMBERS = sizeof(lane_members) / sizeof(lane_members[0]) - 1 };

static void take_lane_member(struct fl_lane_in *in, struct fl_scan *s, int member, struct fl_lane_record *lane)
{
	switch (member) {
	case ROUND:
		lane->round = (unsigned)fl_scan_count(s, FL_ROUNDS_MAX - 1);
		break;
	case CASE:
		lane->case_no = (unsigned)fl_scan_count(s, FL_CASES_MAX - 1);
		break;
	case LANE:
		lane->lane = (unsigned)fl_scan_count(s, FL_CASE_LANES_MAX - 1);
		break;
	case BENCH:
		lane->bench = take_text(s);
		break;
	case OUTCOME:
		lane->outcome = take_outcome(s);
		break;
	case REASON:
		lane->reason = take_text(s);
		break;
	case HINT:
		lane->hint = take_text(s);
		break;
	case SERIES:
		take_series(in, s, lane);
		break;
	default:
		take_json(in, s, lane_members[member], lane);
		break;
	}
}

void fl_lane_in_read(struct fl_lane_in *in, struct fl_scan *s, struct fl_lane_record *lane)
{
	char key[WORD_ROOM];
	unsigned seen = 0;
	int member;

	fl_scan_enter(s, '{');
	while (fl_scan_key(s, key, sizeof(key)) && (member = number_of(s, lane_members, key, &seen)) >= 0)
		take_lane_member(in, s, member, lane);
	if (seen != (1U << LANE_MEMBERS) - 1)
		fl_scan_fail(s, "a member of the lane is missing");
	if (!s->bad && !lane->bench)
		fl_scan_fail(s, "'bench' of the lane must be a text");
}

/* ---- watched */

enum watched_member { W_ROUND, W_CASE, W_SUBJECT, W_SERIES };
static const char *const watched_members[] = { "round", "case", "subject", "series", NULL };
enum { WATCHED_MEMBERS = sizeof(watched_members) / sizeof(watched_members[0]) - 1 };

static void take_watched_member(struct fl_lane_in *in, struct fl_scan *s, int member, struct fl_watched *w)
{
	switch (member) {
	case W_ROUND:
		w->round = (unsigned)fl_scan_count(s, FL_ROUNDS_MAX - 1);
		break;
	case W_CASE:
		w->case_no = (unsigned)fl_scan_count(s, FL_CASES_MAX - 1);
		break;
	case W_SUBJECT:
		w->subject = take_text(s);
		break;
	case W_SERIES:
		take_one(in, s, &w->series);
		break;
	}
}

void fl_watched_in_read(struct fl_lane_in *in, struct fl_scan *s, struct fl_watched *w)
{
	char key[WORD_ROOM];
	unsigned seen = 0;
	int member;

	fl_scan_enter(s, '{');
	while (fl_scan_key(s, key, sizeof(key)) && (member = number_of(s, watched_members, key, &seen)) >= 0)
		take_watched_member(in, s, member, w);
	if (seen != (1U << WATCHED_MEMBERS) - 1)
		fl_scan_fail(s, "a member of what was watched is missing");
	if (!s->bad && (!w->subject || w->series.kind != FL_SERIES_SAMPLES))
		fl_scan_fail(s, "'subject' must be a text, and the series one of samples");
}
