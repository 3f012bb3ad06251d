/* SPDX-License-Identifier: Apache-2.0 */
/* beside.c: what devices did beside the cases of a run, over all of them: the few figures that matter, of those that
 * did something; and what looking at them cost. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "record/series.h"
#include "reports/parts.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUBJECTS_MAX = 20 };
static const char own[] = "feedline";

/* One metric of one subject, over cases and rounds: the median of their medians, and the extremes. */
struct figure {
	const char *metric;
	double *medians;
	size_t n;
	double low, high, sum, rose;
	double last; /* of an event: its number */
};
struct subject {
	const char *id;
	struct figure *figures;
	size_t n;
};
struct beside {
	struct subject *subjects;
	size_t n;
};

/* ---- collecting */

static struct subject *find_subject(struct beside *b, const char *id)
{
	for (size_t i = 0; i < b->n; i++)
		if (!strcmp(b->subjects[i].id, id))
			return &b->subjects[i];
	b->subjects = fl_grow(b->subjects, b->n + 1, sizeof(*b->subjects));
	b->subjects[b->n] = (struct subject){ .id = id };
	return &b->subjects[b->n++];
}

static const struct figure *get(const struct subject *s, const char *metric)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->figures[i].metric, metric))
			return &s->figures[i];
	return NULL;
}

static struct figure *find_figure(struct subject *s, const char *metric)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->figures[i].metric, metric))
			return &s->figures[i];
	s->figures = fl_grow(s->figures, s->n + 1, sizeof(*s->figures));
	s->figures[s->n] = (struct figure){ .metric = metric, .low = NAN, .high = NAN, .last = NAN };
	return &s->figures[s->n++];
}

static void add(struct beside *b, const struct fl_watched *w)
{
	struct fl_watched_summary sum = fl_watched_summarize(&w->series);
	struct figure *f;

	if (sum.n == 0)
		return;
	f = find_figure(find_subject(b, w->subject), w->series.metric);
	f->medians = fl_grow(f->medians, f->n + 1, sizeof(*f->medians));
	f->medians[f->n++] = sum.median;
	f->low = fmin(f->low, sum.low);
	f->high = fmax(f->high, sum.high);
	f->sum += sum.sum;
	f->rose += sum.rose > 0 ? sum.rose : 0;
	f->last = w->series.value[w->series.n - 1];
}

static struct beside collect(const struct fl_run *run)
{
	struct beside b = { 0 };

	for (size_t i = 0; i < run->watched_n; i++)
		add(&b, &run->watched[i]);
	return b;
}

static void release(struct beside *b)
{
	for (size_t i = 0; i < b->n; i++) {
		for (size_t k = 0; k < b->subjects[i].n; k++)
			free(b->subjects[i].figures[k].medians);
		free(b->subjects[i].figures);
	}
	free(b->subjects);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const struct figure *f)
{
	double middle;

	qsort(f->medians, f->n, sizeof(*f->medians), by_value);
	middle = f->medians[f->n / 2];
	return f->n % 2 ? middle : (f->medians[f->n / 2 - 1] + middle) / 2;
}

/* ---- in words */

enum form { RANGE, AS_IT_IS, ROSE, EVENT };
/* In this order; what is not above `least` says nothing. (On a machine of many CPUs that has nothing else to do, one
 * task or another waits for a CPU in 1 to 3 % of the time.) */
static const struct {
	const char *metric, *words, *unit; /* unit: NULL: by the metric's name */
	double scale, least;
	enum form form;
} shown[] = {
	{ "sm_busy_ratio", "busy", NULL, 1, -1, RANGE },
	{ "power_w", "power", " W", 1, 0, RANGE },
	{ "temperature_c", "at", " C", 1, 0, RANGE },
	{ "sm_clock_hz", "clock", " MHz", 1e-6, 0, RANGE },
	{ "memory_clock_hz", "memory clock", " MHz", 1e-6, 0, RANGE },
	{ "pcie_gen", "PCIe generation", "", 1, 0, AS_IT_IS },
	{ "pcie_lanes", "lanes", "", 1, 0, AS_IT_IS },
	{ "pcie_received_bytes_per_s", "received", NULL, 1, 1e6, RANGE },
	{ "pcie_sent_bytes_per_s", "sent", NULL, 1, 1e6, RANGE },
	{ "read_bytes_per_s", "read", NULL, 1, 1e6, RANGE },
	{ "written_bytes_per_s", "written", NULL, 1, 1e6, RANGE },
	{ "busy_ratio", "busy", NULL, 1, 0.05, RANGE },
	{ "in_flight", "in flight", "", 1, 1, RANGE },
	{ "received_bytes_per_s", "received", NULL, 1, 1e6, RANGE },
	{ "sent_bytes_per_s", "sent", NULL, 1, 1e6, RANGE },
	{ "rdma_received_bytes_per_s", "RDMA received", NULL, 1, 1e6, RANGE },
	{ "rdma_sent_bytes_per_s", "RDMA sent", NULL, 1, 1e6, RANGE },
	{ "cpu_busy_ratio", "CPUs busy", NULL, 1, 0.05, RANGE },
	{ "cpu_pressure_ratio", "waited for CPUs", NULL, 1, 0.05, RANGE },
	{ "memory_pressure_ratio", "waited for memory", NULL, 1, 0.01, RANGE },
	{ "io_pressure_ratio", "waited for I/O", NULL, 1, 0.01, RANGE },
	{ "errors", "errors", "", 1, 0, ROSE },
	{ "drops", "drops", "", 1, 0, ROSE },
	{ "pcie_replays", "PCIe replays", "", 1, 0, ROSE },
	{ "nvlink_errors", "NVLink errors", "", 1, 0, ROSE },
	{ "ecc_corrected", "corrected memory errors", "", 1, 0, ROSE },
	{ "ecc_uncorrected", "uncorrected memory errors", "", 1, 0, ROSE },
	{ "remapped_rows", "replaced memory rows", "", 1, 0, ROSE },
	{ "xid", "Xid", "", 1, 0, EVENT },
};
enum { SHOWN = sizeof(shown) / sizeof(shown[0]) };

static const char *show(char buf[FL_UNIT_TEXT], size_t i, double value)
{
	if (shown[i].unit)
		snprintf(buf, FL_UNIT_TEXT, "%.0f%s", value * shown[i].scale, shown[i].unit);
	else if (strstr(shown[i].metric, "_ratio"))
		fl_show_percent(buf, value);
	else
		fl_show_metric(buf, shown[i].metric, value);
	return buf;
}

static void add_figure(struct fl_text *out, size_t i, const struct figure *f)
{
	char middle[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT];
	double value = shown[i].form == ROSE ? f->rose : f->high;

	if (!(value > shown[i].least))
		return;
	fl_text_add(out, "%s%s ", out->n ? ", " : "", shown[i].words);
	show(low, i, f->low);
	show(high, i, f->high);
	switch (shown[i].form) {
	case RANGE:
		fl_text_add(out, "%s", show(middle, i, median(f)));
		if (strcmp(low, high) != 0)
			fl_text_add(out, " (%s .. %s)", low, high);
		break;
	case AS_IT_IS:
		fl_text_add(out, "%s%s%s", low, strcmp(low, high) ? " .. " : "", strcmp(low, high) ? high : "");
		break;
	case ROSE:
		fl_text_add(out, "+%.0f", f->rose);
		break;
	case EVENT:
		fl_text_add(out, "%.0f", f->last);
		break;
	}
}

static char *words_of(const struct subject *s)
{
	struct fl_text out = { 0 };

	for (size_t i = 0; i < SHOWN; i++) {
		const struct figure *f = get(s, shown[i].metric);

		if (f)
			add_figure(&out, i, f);
	}
	return out.bytes;
}

/* ---- what it cost */

struct cost {
	double cpu_ratio, longest_ns, calls;
};

static double sum_of(const struct subject *s, const char *metric)
{
	const struct figure *f = get(s, metric);

	return f ? f->sum : 0;
}

/* False: nothing says. */
static bool cost_of(const struct beside *b, struct cost *ret)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct subject *s = &b->subjects[i];
		const struct figure *longest = get(s, "longest_call_ns");
		double wall_ns = sum_of(s, "wall_ns");

		if (strcmp(s->id, own) != 0 || !(wall_ns > 0))
			continue;
		*ret = (struct cost){ .cpu_ratio = (sum_of(s, "cpu_ns") + sum_of(s, "agent_cpu_ns")) / wall_ns,
				      .longest_ns = longest ? longest->high : (double)NAN,
				      .calls = sum_of(s, "calls") };
		return true;
	}
	return false;
}

static void add_cost(struct fl_section *section, const struct cost *cost)
{
	char ratio[FL_UNIT_TEXT], longest[FL_UNIT_TEXT];

	fl_section_add(section, (struct fl_remark){ .subject = fl_dup("telemetry"),
						    .text = fl_format("%s of one CPU, longest call %s",
								      fl_show_percent(ratio, cost->cpu_ratio),
								      fl_show_ns(longest, cost->longest_ns)) });
}

struct fl_section fl_section_beside(const struct fl_run *run)
{
	struct fl_section section = { .title = "beside", .indent = 4 };
	struct beside b = collect(run);
	struct cost cost;
	size_t more = 0;

	for (size_t i = 0; i < b.n; i++) {
		char *words = strcmp(b.subjects[i].id, own) ? words_of(&b.subjects[i]) : NULL;

		if (words && section.remarks_n < SUBJECTS_MAX) {
			fl_section_add(&section, (struct fl_remark){ .subject = fl_report_clean(b.subjects[i].id),
								     .text = words });
			continue;
		}
		more += words != NULL;
		free(words);
	}
	if (more)
		fl_section_add(&section, (struct fl_remark){ .subject = fl_format("%zu more", more),
							     .text = fl_dup("'feedline show' has them all") });
	if (cost_of(&b, &cost))
		add_cost(&section, &cost);
	release(&b);
	return section;
}

/* ---- for programs */

static json_t *figure_json(const struct figure *f)
{
	json_t *o = json_object();

	json_object_set_new(o, "median", fl_json_number(median(f)));
	json_object_set_new(o, "low", fl_json_number(f->low));
	json_object_set_new(o, "high", fl_json_number(f->high));
	json_object_set_new(o, "rose", fl_json_number(f->rose));
	json_object_set_new(o, "n", json_integer((json_int_t)f->n));
	return o;
}

static json_t *subject_json(const struct subject *s)
{
	json_t *o = json_object(), *metrics = json_object();

	for (size_t i = 0; i < s->n; i++) {
		json_t *name = fl_json_string(s->figures[i].metric);

		json_object_set_new(metrics, json_string_value(name), figure_json(&s->figures[i]));
		json_decref(name);
	}
	json_object_set_new(o, "subject", fl_json_string(s->id));
	json_object_set_new(o, "metrics", metrics);
	return o;
}

void fl_beside_json(const struct fl_run *run, json_t *o)
{
	struct beside b = collect(run);
	json_t *list = json_array();
	struct cost cost;

	for (size_t i = 0; i < b.n; i++)
		if (strcmp(b.subjects[i].id, own) != 0)
			json_array_append_new(list, subject_json(&b.subjects[i]));
	if (json_array_size(list))
		json_object_set(o, "beside", list);
	json_decref(list);
	if (cost_of(&b, &cost))
		json_object_set_new(o, "telemetry",
				    json_pack("{s:o, s:o, s:o}", "cpu_ratio", fl_json_number(cost.cpu_ratio),
					      "longest_call_ns", fl_json_number(cost.longest_ns), "calls",
					      fl_json_number(cost.calls)));
	release(&b);
}
