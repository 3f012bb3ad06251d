/* SPDX-License-Identifier: Apache-2.0 */
/* beside.c: what devices did beside the cases of a run, over all of them: the few figures that matter, of those that
 * did something; and what looking at them cost. */
#include "base/alloc.h"
#include "base/json.h"
#include "reports/parts.h"
#include "reports/watched.h"
#include <stdlib.h>
#include <string.h>

enum { DEVICES_MAX = 20 };

/* ---- in words */

static void add_figure(struct fl_text *out, const struct fl_figure_words *w, const struct fl_figure *f)
{
	char middle[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT];
	double value = w->form == FL_ROSE ? f->rose : f->high;

	if (!(value > w->least))
		return;
	fl_text_add(out, "%s%s ", out->n ? ", " : "", w->words);
	fl_figure_show(low, w, f->low);
	fl_figure_show(high, w, f->high);
	switch (w->form) {
	case FL_RANGE:
		fl_text_add(out, "%s", fl_figure_show(middle, w, fl_figure_median(f)));
		if (strcmp(low, high) != 0)
			fl_text_add(out, " (%s .. %s)", low, high);
		break;
	case FL_AS_IT_IS:
		fl_text_add(out, "%s%s%s", low, strcmp(low, high) ? " .. " : "", strcmp(low, high) ? high : "");
		break;
	case FL_ROSE:
		fl_text_add(out, "+%.0f", f->rose);
		break;
	case FL_EVENT:
		fl_text_add(out, "%.0f", f->last);
		break;
	}
}

static char *words_of(const struct fl_device_seen *d)
{
	struct fl_text out = { 0 };

	for (const struct fl_figure_words *w = fl_figure_words; w->metric; w++) {
		const struct fl_figure *f = fl_beside_get(d, w->metric);

		if (f)
			add_figure(&out, w, f);
	}
	return out.bytes;
}

/* " (n3)"; "" on one machine. */
static char *of_host(const struct fl_run *run, size_t host)
{
	char *name = host < run->hosts_n ? fl_report_clean(run->hosts[host].name) : NULL;
	char *aside = name ? fl_format(" (%s)", name) : fl_dup("");

	free(name);
	return aside;
}

void fl_add_watching_cost(struct fl_section *s, const struct fl_run *run, const struct fl_beside *b)
{
	char ratio[FL_UNIT_TEXT], longest[FL_UNIT_TEXT], *cpu_host, *longest_host;
	struct fl_watching_cost cost;

	if (!fl_beside_cost(b, &cost))
		return;
	cpu_host = of_host(run, cost.cpu_host);
	longest_host = of_host(run, cost.longest_host);
	fl_section_add(s, (struct fl_remark){ .subject = fl_dup("telemetry"),
					      .text = fl_format("%s%s of one CPU%s, longest call %s%s",
								run->hosts_n ? "at most " : "",
								fl_show_percent(ratio, cost.cpu_ratio), cpu_host,
								fl_show_ns(longest, cost.longest_ns), longest_host) });
	free(cpu_host);
	free(longest_host);
}

struct fl_section fl_section_beside(const struct fl_run *run)
{
	struct fl_section section = { .title = "beside", .indent = 4 };
	struct fl_beside b = fl_beside_collect(run);
	size_t more = 0;

	for (size_t i = 0; i < b.n; i++) {
		char *words = b.devices[i].is_own ? NULL : words_of(&b.devices[i]);

		if (words && section.remarks_n < DEVICES_MAX) {
			fl_section_add(&section, (struct fl_remark){ .subject = fl_report_clean(b.devices[i].id),
								     .text = words });
			continue;
		}
		more += words != NULL;
		free(words);
	}
	if (more)
		fl_section_add(&section, (struct fl_remark){ .subject = fl_format("%zu more", more),
							     .text = fl_dup("'feedline show' has them all") });
	fl_add_watching_cost(&section, run, &b);
	fl_beside_release(&b);
	return section;
}

/* ---- for programs */

static json_t *figure_json(const struct fl_figure *f)
{
	json_t *o = json_object();

	json_object_set_new(o, "median", fl_json_number(fl_figure_median(f)));
	json_object_set_new(o, "low", fl_json_number(f->low));
	json_object_set_new(o, "high", fl_json_number(f->high));
	json_object_set_new(o, "rose", fl_json_number(f->rose));
	json_object_set_new(o, "n", json_integer((json_int_t)f->n));
	return o;
}

static json_t *device_json(const struct fl_device_seen *d)
{
	json_t *o = json_object(), *metrics = json_object();

	for (size_t i = 0; i < d->n; i++) {
		json_t *name = fl_json_string(d->figures[i].metric);

		json_object_set_new(metrics, json_string_value(name), figure_json(&d->figures[i]));
		json_decref(name);
	}
	json_object_set_new(o, "subject", fl_json_string(d->id));
	json_object_set_new(o, "metrics", metrics);
	return o;
}

void fl_beside_json(const struct fl_run *run, json_t *o)
{
	struct fl_beside b = fl_beside_collect(run);
	json_t *list = json_array();
	struct fl_watching_cost cost;

	for (size_t i = 0; i < b.n; i++)
		if (!b.devices[i].is_own)
			json_array_append_new(list, device_json(&b.devices[i]));
	if (json_array_size(list))
		json_object_set(o, "beside", list);
	json_decref(list);
	if (fl_beside_cost(&b, &cost))
		json_object_set_new(o, "telemetry",
				    json_pack("{s:o, s:o, s:o}", "cpu_ratio", fl_json_number(cost.cpu_ratio),
					      "longest_call_ns", fl_json_number(cost.longest_ns), "calls",
					      fl_json_number(cost.calls)));
	fl_beside_release(&b);
}
