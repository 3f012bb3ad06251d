/* SPDX-License-Identifier: Apache-2.0 */
/* feedline list: what can be measured, and with --probe what of it here; with --demands what workloads ask for. Without
 * --probe only files are read. */
#include "base/json.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/options.h"
#include "cli/output.h"
#include "run/run.h"
#include <string.h>

struct list_opts {
	bool probe, demands, json;
};

static const struct fl_field list_fields[] = {
	FL_FIELD(list_opts, probe, FL_FLAG, "no", NULL, "ask each benchmark whether it can run here"),
	FL_FIELD(list_opts, demands, FL_FLAG, "no", NULL, "what workloads ask for: the values of --demand"),
	FL_FIELD(list_opts, json, FL_FLAG, "no", NULL, "print one JSON document"),
	{ 0 },
};

enum { SCHEMA = 1 };

/* Ready to run? Fills *why where it is not, or, where nobody asked, only for what was not built. */
static bool ready(const struct fl_home *home, const struct fl_entry *e, bool probe, struct fl_err *why)
{
	fl_entry_available(e, why);
	if (probe && why->code == 0)
		fl_run_probe(home->prefix, e, why);
	return why->code == 0;
}

/* A step of `feedline data` rather than a measurement? */
static bool is_of_data(const struct fl_entry *e)
{
	return strncmp(e->name, "data.", 5) == 0;
}

static int name_width(const struct fl_home *home)
{
	size_t width = 0;

	for (size_t i = 0; i < home->catalog->n; i++)
		if (strlen(home->catalog->entries[i].name) > width)
			width = strlen(home->catalog->entries[i].name);
	return (int)width;
}

static void add_entry(const struct fl_home *home, const struct fl_entry *e, bool probe, int width, struct fl_text *out)
{
	struct fl_err why = { 0 };

	fl_text_add(out, "%-*s  %s\n", width, e->name, e->summary);
	if (!ready(home, e, probe, &why)) {
		fl_text_add(out, "%-*s  unavailable: %s\n", width, "", why.what);
		if (*why.hint)
			fl_text_add(out, "%-*s  %s\n", width, "", why.hint);
	} else if (probe) {
		fl_text_add(out, "%-*s  available\n", width, "");
	}
}

static int list_text(const struct fl_home *home, bool probe, struct fl_err *err)
{
	struct fl_text out = { 0 };
	int width = name_width(home);

	for (size_t i = 0; i < home->catalog->n; i++)
		if (!is_of_data(&home->catalog->entries[i]))
			add_entry(home, &home->catalog->entries[i], probe, width, &out);
	for (size_t i = 0, n = 0; i < home->catalog->n; i++)
		if (is_of_data(&home->catalog->entries[i])) {
			fl_text_add(&out, "%s", n++ ? "" : "\nused by `feedline data`:\n");
			add_entry(home, &home->catalog->entries[i], probe, width, &out);
		}
	return fl_output_text(&out, err);
}

static int demands_text(const struct fl_home *home, struct fl_err *err)
{
	struct fl_text out = { 0 };

	fl_text_add(&out, "%-16s  %10s  %10s  %10s  %-11s  %-16s  %s\n", "demand", "rate", "batch", "every",
		    "accelerator", "workload", "source");
	for (size_t i = 0; i < home->demands->n; i++) {
		const struct fl_demand *d = &home->demands->items[i];
		char rate[FL_UNIT_TEXT], bytes[FL_UNIT_TEXT], time[FL_UNIT_TEXT];

		fl_text_add(&out, "%-16s  %10s  %10s  %10s  %-11s  %-16s  %s\n", d->name,
			    fl_show_rate(rate, fl_demand_rate(d)), fl_show_bytes(bytes, d->step_bytes),
			    fl_show_ns(time, (double)d->step_time_ns), d->accelerator, d->workload, d->source);
	}
	return fl_output_text(&out, err);
}

/* "available" is null where it is not known: a benchmark that was built, and not asked. */
static json_t *list_entry(const struct fl_home *home, const struct fl_entry *e, bool probe)
{
	struct fl_err why = { 0 };
	bool is_ready = ready(home, e, probe, &why);
	json_t *doc = fl_entry_json(e);

	json_object_set_new(doc, "available", is_ready && !probe ? json_null() : json_boolean(is_ready));
	json_object_set_new(doc, "reason", fl_json_string(is_ready ? NULL : why.what));
	json_object_set_new(doc, "hint", fl_json_string(is_ready || !*why.hint ? NULL : why.hint));
	return doc;
}

static int list_json(const struct fl_home *home, bool probe, struct fl_err *err)
{
	json_t *doc = json_object(), *all = json_array(), *demands = json_array();

	for (size_t i = 0; i < home->catalog->n; i++)
		json_array_append_new(all, list_entry(home, &home->catalog->entries[i], probe));
	for (size_t i = 0; i < home->demands->n; i++)
		json_array_append_new(demands, fl_demand_json(&home->demands->items[i]));
	json_object_set_new(doc, "schema", json_integer(SCHEMA));
	json_object_set_new(doc, "benchmarks", all);
	json_object_set_new(doc, "demands", demands);
	return fl_output_json(doc, err);
}

static int list_print(const struct list_opts *opts, struct fl_err *err)
{
	struct fl_home home;
	int rc = fl_home_open(&home, err);

	if (rc < 0)
		return rc;
	if (opts->json)
		rc = list_json(&home, opts->probe, err);
	else
		rc = opts->demands ? demands_text(&home, err) : list_text(&home, opts->probe, err);
	fl_home_close(&home);
	return rc;
}

static int list(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	const struct fl_option_set sets[] = { { .title = "options", .fields = self->fields }, { 0 } };
	struct list_opts opts = { 0 };
	struct fl_args args;
	int rc = fl_options_parse(sets, self->name, 0, call->argc, call->argv, &opts, &args, err);

	if (rc < 0)
		return rc;
	rc = args.help ? fl_options_help(self->usage, self->summary, sets, err) : list_print(&opts, err);
	fl_args_release(&args);
	return rc;
}

const struct fl_command fl_cmd_list = {
	.name = "list",
	.summary = "benchmarks; --probe says why any is unavailable here; --demands: what workloads ask for",
	.usage = "list",
	.fields = list_fields,
	.run = list,
};
