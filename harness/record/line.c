/* SPDX-License-Identifier: Apache-2.0 */
/* line.c: records to lines of JSON. */
#include "record/line.h"
#include "base/json.h"
#include "base/units.h"
#include "record/export.h"
#include "record/schema.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const fl_series_kind_names[] = { [FL_SERIES_SAMPLES] = "samples", [FL_SERIES_HISTOGRAM] = "histogram" };

/* ---- numbers */

static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* NAN as such is null, and nothing else is. */
static const char *odd_number(char buf[FL_UNIT_TEXT], double value)
{
	uint64_t bits = bits_of(value);

	if (bits == bits_of((double)NAN))
		return "null";
	if (value == 0)
		return "-0.0";
	snprintf(buf, FL_UNIT_TEXT, "\"%016" PRIx64 "\"", bits);
	return buf;
}

static void add_number(struct fl_text *out, double value)
{
	char buf[FL_UNIT_TEXT];
	const char *shown = buf;

	if (!isfinite(value) || (value == 0 && signbit(value)))
		shown = odd_number(buf, value);
	else if (value == floor(value) && fabs(value) < 0x1p53)
		snprintf(buf, sizeof(buf), "%lld", (long long)value);
	else
		fl_show_number(buf, value);
	fl_text_put(out, shown, strlen(shown));
}

static void add_numbers(struct fl_text *out, const char *key, const double *values, size_t n)
{
	fl_text_add(out, ",\"%s\":[", key);
	for (size_t i = 0; i < n; i++) {
		fl_text_put(out, ",", i > 0);
		add_number(out, values[i]);
	}
	fl_text_put(out, "]", 1);
}

/* ---- members: the comma, the key, the value */

static void add_json(struct fl_text *out, const char *key, const json_t *value)
{
	fl_text_add(out, ",\"%s\":", key);
	fl_json_write(value, 0, out);
}

static void add_string(struct fl_text *out, const char *key, const char *text_or_null)
{
	json_t *value = fl_json_string(text_or_null);

	add_json(out, key, value);
	json_decref(value);
}

/* The first of an object has no comma before it. */
static void add_member(struct fl_text *out, const char *key, const char *text)
{
	json_t *value = fl_json_string(text);

	fl_text_add(out, "\"%s\":", key);
	fl_json_write(value, 0, out);
	json_decref(value);
}

static void add_columns(struct fl_text *out, const struct fl_json_column *columns, const void *of)
{
	json_t *value;

	for (; columns->name; columns++) {
		memcpy(&value, (const char *)of + columns->offset, sizeof(value));
		add_json(out, columns->name, value);
	}
}

/* ---- series */

static bool all_valid(const struct fl_series *s)
{
	return s->kind == FL_SERIES_HISTOGRAM || s->n == 0 || !memchr(s->valid, 0, s->n);
}

static void add_valid(struct fl_text *out, const struct fl_series *s)
{
	fl_text_add(out, ",\"valid\":[");
	for (size_t i = 0; i < s->n; i++) {
		fl_text_put(out, ",", i > 0);
		fl_text_put(out, s->valid[i] ? "1" : "0", 1);
	}
	fl_text_put(out, "]", 1);
}

static void add_series(struct fl_text *out, const struct fl_series *s)
{
	fl_text_add(out, "{\"kind\":\"%s\"", fl_series_kind_names[s->kind]);
	add_string(out, "metric", s->metric);
	add_numbers(out, "at", s->at, s->n);
	add_numbers(out, "value", s->value, s->n);
	if (!all_valid(s))
		add_valid(out, s);
	fl_text_put(out, "}", 1);
}

/* ---- lines */

void fl_line_head(struct fl_text *out)
{
	fl_text_add(out, "{\"feedline_export\":%d,\"made_by\":\"feedline %s\"}\n", FL_EXPORT_SCHEMA, FEEDLINE_VERSION);
}

void fl_line_journal(const char *id, const char *host, struct fl_text *out)
{
	fl_text_add(out, "{\"feedline_export\":%d,\"made_by\":\"feedline %s\",\"journal\":{", FL_EXPORT_SCHEMA,
		    FEEDLINE_VERSION);
	add_member(out, "run", id);
	add_string(out, "host", host);
	fl_text_add(out, "}}\n");
}

void fl_line_run(const struct fl_run *run, struct fl_text *out)
{
	fl_text_add(out, "{\"run\":{\"started_ns\":%" PRId64, run->started_ns);
	add_string(out, "id", run->id);
	if (run->finished)
		fl_text_add(out, ",\"status\":%d", run->status);
	else
		fl_text_add(out, ",\"status\":null");
	add_columns(out, fl_run_json, run);
	fl_text_add(out, "}}\n");
}

void fl_line_host(const struct fl_run_host *host, struct fl_text *out)
{
	fl_text_add(out, "{\"host\":{");
	add_member(out, "name", host->name);
	add_columns(out, fl_host_json, host);
	fl_text_add(out, "}}\n");
}

void fl_line_lane(const struct fl_lane_record *lane, struct fl_text *out)
{
	fl_text_add(out, "{\"lane\":{\"round\":%u,\"case\":%u,\"lane\":%u", lane->round, lane->case_no, lane->lane);
	add_string(out, "bench", lane->bench);
	add_string(out, "outcome", fl_outcome_name(lane->outcome));
	add_string(out, "reason", lane->reason);
	add_string(out, "hint", lane->hint);
	add_columns(out, fl_lane_json, lane);
	fl_text_add(out, ",\"series\":[");
	for (size_t i = 0; i < lane->series_n; i++) {
		fl_text_put(out, ",", i > 0);
		add_series(out, &lane->series[i]);
	}
	fl_text_add(out, "]}}\n");
}

void fl_line_watched(const struct fl_watched *w, struct fl_text *out)
{
	fl_text_add(out, "{\"watched\":{\"round\":%u,\"case\":%u", w->round, w->case_no);
	add_string(out, "subject", w->subject);
	fl_text_add(out, ",\"series\":");
	add_series(out, &w->series);
	fl_text_add(out, "}}\n");
}

void fl_line_run_end(const char *id, const struct fl_line_counts *counts, struct fl_text *out)
{
	fl_text_add(out,
		    "{\"end_of_run\":{\"hosts\":%" PRIu64 ",\"lanes\":%" PRIu64 ",\"series\":%" PRIu64
		    ",\"samples\":%" PRIu64 ",\"watched\":%" PRIu64,
		    counts->hosts, counts->lanes, counts->series, counts->samples, counts->watched);
	add_string(out, "id", id);
	fl_text_add(out, "}}\n");
}

void fl_line_baseline(const struct fl_baseline *b, struct fl_text *out)
{
	json_t *runs = json_array();

	for (size_t i = 0; i < b->runs_n; i++)
		json_array_append_new(runs, fl_json_string(b->runs[i]));
	fl_text_add(out, "{\"baseline\":{\"created_ns\":%" PRId64, b->created_ns);
	add_string(out, "name", b->name);
	add_string(out, "note", b->note);
	add_json(out, "runs", runs);
	fl_text_add(out, "}}\n");
	json_decref(runs);
}

void fl_line_end(size_t runs, size_t baselines, struct fl_text *out)
{
	fl_text_add(out, "{\"end_of_export\":{\"runs\":%zu,\"baselines\":%zu}}\n", runs, baselines);
}

void fl_line_count(const struct fl_lane_record *lane, struct fl_line_counts *counts)
{
	counts->lanes++;
	counts->series += lane->series_n;
	for (size_t i = 0; i < lane->series_n; i++)
		counts->samples += lane->series[i].n;
}
