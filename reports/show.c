/* SPDX-License-Identifier: Apache-2.0 */
/* show.c: the content of a run for people: what it was, then every lane with what was recorded beside its numbers, and
 * the median of each round. */
#include "reports/show.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "record/series.h"
#include "reports/parts.h"
#include <stdlib.h>
#include <string.h>

enum { HOSTS_MAX = 16, LANES_MAX = 100, ROUNDS_MAX = 20, SAMPLES_MAX = 100, MEMBER_COLUMNS = 14, INDENT = 2 };

/* "  name          text", goes on below itself. */
static void add_text(struct fl_text *out, size_t width, const char *name, const char *text)
{
	char *clean_name = fl_report_clean(name), *clean = fl_report_clean(text);
	size_t n = strlen(clean_name) < MEMBER_COLUMNS ? MEMBER_COLUMNS : strlen(clean_name);

	fl_text_add(out, "%*s%-*s  ", INDENT, "", (int)n, clean_name);
	fl_report_wrap(out, clean, INDENT + n + 2, INDENT + MEMBER_COLUMNS + 2, width);
	free(clean_name);
	free(clean);
}

/* As it is recorded; nothing where nothing is. */
static void add_json(struct fl_text *out, size_t width, const char *name, const json_t *value)
{
	struct fl_text text = { 0 };

	if (json_is_null(value) || (json_is_object(value) && json_object_size(value) == 0) ||
	    (json_is_array(value) && json_array_size(value) == 0))
		return;
	fl_json_write(value, 0, &text);
	add_text(out, width, name, fl_text_str(&text));
	fl_text_release(&text);
}

/* ---- the run */

static void add_command(struct fl_text *out, size_t width, const json_t *environment)
{
	const json_t *words = json_object_get(environment, "command");
	struct fl_text text = { 0 };

	for (size_t i = 0; i < json_array_size(words); i++) {
		const char *word = json_string_value(json_array_get(words, i));

		fl_text_add(&text, "%s%s", i ? " " : "", word ? word : "?");
	}
	if (text.n)
		add_text(out, width, "command", text.bytes);
	fl_text_release(&text);
}

static const char *or_unknown(const json_t *o, const char *key)
{
	const char *text = fl_json_text_or_null(o, key);

	return text ? text : "not known";
}

static void add_machine(struct fl_text *out, size_t width, const char *name, const json_t *m, const json_t *environment)
{
	char *line =
		fl_format("%s: %s, CPUs %s, %zu NUMA nodes, %zu drives, %zu NICs, %zu GPUs", or_unknown(m, "host"),
			  or_unknown(m, "cpu_model"), or_unknown(m, "cpus"),
			  json_array_size(json_object_get(m, "nodes")), json_array_size(json_object_get(m, "drives")),
			  json_array_size(json_object_get(m, "nics")), json_array_size(json_object_get(m, "gpus")));

	add_text(out, width, name, line);
	free(line);
	line = fl_format("kernel %s, feedline %s", or_unknown(environment, "kernel"),
			 or_unknown(environment, "feedline"));
	add_text(out, width, "software", line);
	free(line);
}

/* The machine that the run was on, or each of them. */
static void add_machines(struct fl_text *out, size_t width, const struct fl_run *run)
{
	if (run->hosts_n == 0)
		add_machine(out, width, "machine", run->machine, run->environment);
	for (size_t i = 0; i < run->hosts_n && i < HOSTS_MAX; i++) {
		const struct fl_run_host *host = &run->hosts[i];
		char *name = fl_format("host %s", host->name);

		add_machine(out, width, name, host->machine, host->environment);
		free(name);
	}
	if (run->hosts_n > HOSTS_MAX) {
		char *more = fl_format("%zu; --json shows all", run->hosts_n - HOSTS_MAX);

		add_text(out, width, "more hosts", more);
		free(more);
	}
}

static void add_head(struct fl_text *out, size_t width, const struct fl_shown *shown, size_t lanes)
{
	const struct fl_run *run = shown->run;
	char time[FL_TIME_TEXT], *id = fl_report_clean(run->id), *line;

	fl_text_add(out, "run %s\n", id);
	free(id);
	add_text(out, width, "suite", or_unknown(run->plan, "suite"));
	add_text(out, width, "started", fl_report_time(time, run->started_ns));
	if (run->finished)
		line = fl_format("finished, status %d", run->status);
	else
		line = fl_format("%s", fl_run_state_name(shown->state));
	add_text(out, width, "state", line);
	free(line);
	add_command(out, width, run->environment);
	add_machines(out, width, run);
	line = fl_format("%zu, with %zu records", lanes, run->lanes_n);
	add_text(out, width, "lanes", line);
	free(line);
}

/* ---- a lane */

static void add_number(struct fl_text *out, size_t i, const char *metric, double value)
{
	char buf[FL_UNIT_TEXT];

	fl_text_add(out, "%s%s", i ? ", " : "", fl_show_metric(buf, metric, value));
}

/* The median of each round, in their order. */
static void add_medians(struct fl_text *out, size_t width, const struct fl_show_lane *lane, const char *metric)
{
	struct fl_text line = { 0 };

	for (size_t r = 0; r < lane->n && r < ROUNDS_MAX; r++) {
		const struct fl_series *s = fl_show_series(lane->rounds[r], metric);

		if (s)
			add_number(&line, r, metric, fl_series_median(s));
		else
			fl_text_add(&line, "%s-", r ? ", " : "");
	}
	if (lane->n > ROUNDS_MAX)
		fl_text_add(&line, " and %zu more rounds", lane->n - ROUNDS_MAX);
	add_text(out, width, metric, fl_text_str(&line));
	fl_text_release(&line);
}

/* Of one round; spoilt ones in brackets. Of a histogram: "value: how many". */
static void add_samples(struct fl_text *out, size_t width, const struct fl_series *s, unsigned round)
{
	char *name = fl_format("  round %u", round + 1), buf[FL_UNIT_TEXT];
	struct fl_text line = { 0 };

	for (size_t i = 0; i < s->n && i < SAMPLES_MAX; i++)
		if (s->kind == FL_SERIES_HISTOGRAM) {
			add_number(&line, i, s->metric, s->at[i]);
			fl_text_add(&line, ": %s", fl_show_number(buf, s->value[i]));
		} else {
			fl_text_add(&line, "%s%s", i ? ", " : "", s->valid[i] ? "" : "(");
			add_number(&line, 0, s->metric, s->value[i]);
			fl_text_add(&line, "%s", s->valid[i] ? "" : ")");
		}
	if (s->n > SAMPLES_MAX)
		fl_text_add(&line, " and %zu more", s->n - SAMPLES_MAX);
	add_text(out, width, name, fl_text_str(&line));
	fl_text_release(&line);
	free(name);
}

static void add_metrics(struct fl_text *out, size_t width, const struct fl_show_lane *lane, bool samples)
{
	size_t n;
	const char **names = fl_show_metrics(lane, &n);

	for (size_t i = 0; i < n; i++) {
		add_medians(out, width, lane, names[i]);
		for (size_t r = 0; samples && r < lane->n && r < ROUNDS_MAX; r++) {
			const struct fl_series *s = fl_show_series(lane->rounds[r], names[i]);

			if (s)
				add_samples(out, width, s, lane->rounds[r]->round);
		}
	}
	free(names);
}

/* A round that is not simply measured: why. */
static void add_trouble(struct fl_text *out, size_t width, const struct fl_lane_record *r)
{
	char *name = fl_format("round %u", r->round + 1), *line;

	if (r->outcome != FL_MEASURED || r->reason) {
		line = fl_format("%s: %s%s%s", fl_outcome_name(r->outcome), r->reason ? r->reason : "no reason",
				 r->hint ? "; " : "", r->hint ? r->hint : "");
		add_text(out, width, name, line);
		free(line);
	}
	for (size_t i = 0; i < json_array_size(r->distrust); i++) {
		const char *why = json_string_value(json_array_get(r->distrust, i));

		line = fl_format("not trustworthy: %s", why ? why : "?");
		add_text(out, width, name, line);
		free(line);
	}
	free(name);
}

/* What is recorded beside the numbers is that of the first round. */
static void add_lane(struct fl_text *out, size_t width, const struct fl_show_lane *lane, bool samples)
{
	const struct fl_lane_record *first = lane->rounds[0];
	char *bench = fl_report_clean(first->bench);

	fl_text_add(out, "\ncase %u, lane %u: %s, %zu round%s\n", first->case_no, first->lane, bench, lane->n,
		    lane->n == 1 ? "" : "s");
	free(bench);
	add_json(out, width, "options", first->options);
	add_json(out, width, "placement", first->placement);
	add_json(out, width, "facts", first->facts);
	add_json(out, width, "caps", first->caps);
	add_json(out, width, "notes", first->notes);
	add_metrics(out, width, lane, samples);
	for (size_t r = 0; r < lane->n && r < ROUNDS_MAX; r++)
		add_trouble(out, width, lane->rounds[r]);
}

/* ---- beside the lanes */

/* "1.20 GB/s (1.10 GB/s .. 1.30 GB/s)" */
static void add_watched_metric(struct fl_text *line, const struct fl_series *s, bool samples)
{
	struct fl_watched_summary sum = fl_watched_summarize(s);
	char buf[FL_UNIT_TEXT];

	fl_text_add(line, "%s%s ", line->n ? "; " : "", s->metric);
	fl_text_add(line, "%s", fl_show_metric(buf, s->metric, sum.median));
	if (sum.low < sum.high) {
		fl_text_add(line, " (%s", fl_show_metric(buf, s->metric, sum.low));
		fl_text_add(line, " .. %s)", fl_show_metric(buf, s->metric, sum.high));
	}
	for (size_t i = 0; samples && i < s->n && i < SAMPLES_MAX; i++) {
		fl_text_add(line, "%s%s", i ? ", " : ": ", fl_show_metric(buf, s->metric, s->value[i]));
		fl_text_add(line, " at %s", fl_show_ns(buf, s->at[i]));
	}
}

/* A line of each subject. */
static void add_watched(struct fl_text *out, size_t width, const struct fl_shown *shown)
{
	const struct fl_run *run = shown->run;
	struct fl_text line = { 0 };
	size_t lines = 0;

	for (size_t i = 0; i < run->watched_n && lines < LANES_MAX; i++) {
		const struct fl_watched *w = &run->watched[i], *next = i + 1 < run->watched_n ? w + 1 : NULL;
		bool first = i == 0 || w[-1].case_no != w->case_no || w[-1].round != w->round;

		if (first)
			fl_text_add(out, "\nbeside case %u, round %u\n", w->case_no, w->round + 1);
		add_watched_metric(&line, &w->series, shown->samples);
		if (next && next->case_no == w->case_no && next->round == w->round &&
		    !strcmp(next->subject, w->subject))
			continue;
		add_text(out, width, w->subject, fl_text_str(&line));
		line.n = 0;
		lines++;
	}
	fl_text_release(&line);
	if (lines == LANES_MAX)
		fl_text_add(out, "\nperhaps more was beside; --json shows all\n");
}

void fl_show_text(const struct fl_shown *shown, const struct fl_look *look, struct fl_text *out)
{
	struct fl_show_lanes lanes = fl_show_lanes_make(shown->run);
	size_t width = fl_report_width(look);

	add_head(out, width, shown, lanes.n);
	for (size_t i = 0; i < lanes.n && i < LANES_MAX; i++)
		add_lane(out, width, &lanes.items[i], shown->samples);
	if (lanes.n > LANES_MAX)
		fl_text_add(out, "\nand %zu more lanes; --json shows all\n", lanes.n - LANES_MAX);
	fl_show_lanes_release(&lanes);
	add_watched(out, width, shown);
}
