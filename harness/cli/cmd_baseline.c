/* SPDX-License-Identifier: Apache-2.0 */
/* feedline baseline: names for runs that show the machine as it should be. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/home.h"
#include "cli/output.h"
#include "cli/sides.h"
#include "cli/verbs.h"
#include "judge/normal.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct baseline_opts {
	const char *note, *store;
	bool replace, json;
};

/* Of all verbs; each takes some. */
static const struct fl_field baseline_fields[] = {
	FL_FIELD(baseline_opts, replace, FL_FLAG, "no", NULL, "give up the baseline of that name for this one"),
	FL_FIELD(baseline_opts, note, FL_TEXT, "", NULL, "what people should know of it"),
	FL_FIELD(baseline_opts, json, FL_FLAG, "no", NULL, "print one JSON document"),
	FL_FIELD(baseline_opts, store, FL_PATH, "", NULL, "where runs are kept (else store.db in the state directory)"),
	{ 0 },
};

enum { SCHEMA = 1 };

/* ---- set, remove */

static int set(struct fl_store *store, const struct baseline_opts *opts, const struct fl_args *args, struct fl_err *err)
{
	struct fl_baseline b = { .runs_n = args->words_n - 1, .note = fl_dup(opts->note) };
	int rc;

	if (!fl_copy(b.name, sizeof(b.name), args->words[0])) {
		free(b.note);
		return fl_fail(err, -EINVAL, "baseline '%s': the name is too long", args->words[0]);
	}
	b.runs = fl_zalloc(b.runs_n, sizeof(*b.runs));
	for (size_t i = 0; i < b.runs_n; i++)
		b.runs[i] = fl_dup(args->words[i + 1]);
	rc = fl_store_set_baseline(store, &b, opts->replace, err);
	if (rc == 0)
		fl_output_say("baseline '%s' is %zu run%s", b.name, b.runs_n, b.runs_n == 1 ? "" : "s");
	fl_baseline_release(&b);
	return rc;
}

static int remove_it(struct fl_store *store, const struct baseline_opts *opts, const struct fl_args *args,
		     struct fl_err *err)
{
	(void)opts;
	return fl_store_remove_baseline(store, args->words[0], err);
}

/* ---- list */

static json_t *names_json(const struct fl_baseline *b)
{
	json_t *o = json_object(), *runs = json_array();
	char time[FL_TIME_TEXT];

	for (size_t i = 0; i < b->runs_n; i++)
		json_array_append_new(runs, fl_json_string(b->runs[i]));
	json_object_set_new(o, "name", fl_json_string(b->name));
	json_object_set_new(o, "created", json_string(fl_report_time(time, b->created_ns)));
	json_object_set_new(o, "runs", runs);
	json_object_set_new(o, "note", fl_json_string(b->note));
	return o;
}

static int list_json(const struct fl_baseline *all, size_t n, struct fl_err *err)
{
	json_t *o = json_object(), *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, names_json(&all[i]));
	json_object_set_new(o, "schema", json_integer(SCHEMA));
	json_object_set_new(o, "baselines", list);
	return fl_output_json(o, err);
}

static int list_text(const struct fl_baseline *all, size_t n, struct fl_err *err)
{
	struct fl_text out = { 0 };
	char time[FL_TIME_TEXT];

	fl_text_add(&out, "%-24s  %-20s  %4s  %s\n", "baseline", "created", "runs", "note");
	for (size_t i = 0; i < n; i++) {
		char *line = fl_format("%-24s  %-20s  %4zu  %s", all[i].name, fl_report_time(time, all[i].created_ns),
				       all[i].runs_n, all[i].note ? all[i].note : "");

		fl_blank_controls(line);
		fl_text_add(&out, "%s\n", line);
		free(line);
	}
	return fl_output_text(&out, err);
}

static int list(struct fl_store *store, const struct baseline_opts *opts, const struct fl_args *args,
		struct fl_err *err)
{
	struct fl_baseline *all = NULL;
	size_t n = 0;
	int rc = store ? fl_store_list_baselines(store, &all, &n, err) : 0;

	(void)args;
	if (rc == 0)
		rc = opts->json ? list_json(all, n, err) : list_text(all, n, err);
	fl_baselines_free(all, n);
	return rc;
}

/* ---- show */

static json_t *metric_json(const struct fl_normal_metric *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "lane", fl_json_string(m->lane));
	json_object_set_new(o, "metric", fl_json_string(m->metric));
	json_object_set_new(o, "primary", json_boolean(m->primary));
	json_object_set_new(o, "median", fl_json_number(m->rounds.median));
	json_object_set_new(o, "low", fl_json_number(m->rounds.low));
	json_object_set_new(o, "high", fl_json_number(m->rounds.high));
	json_object_set_new(o, "n", json_integer((json_int_t)m->rounds.n));
	json_object_set_new(o, "floor_ratio", fl_json_number(m->floor));
	return o;
}

static int show_json(const struct fl_baseline *b, const struct fl_normal *v, struct fl_err *err)
{
	json_t *o = names_json(b), *metrics = json_array();

	for (size_t i = 0; i < v->metrics_n; i++)
		json_array_append_new(metrics, metric_json(&v->metrics[i]));
	json_object_set_new(o, "schema", json_integer(SCHEMA));
	json_object_set_new(o, "passes", json_integer((json_int_t)v->passes));
	json_object_set_new(o, "metrics", metrics);
	return fl_output_json(o, err);
}

static void add_metric(const struct fl_normal_metric *m, struct fl_text *out)
{
	char median[FL_UNIT_TEXT], low[FL_UNIT_TEXT], high[FL_UNIT_TEXT], floor[FL_UNIT_TEXT];
	char *line = fl_format(
		"  %12s  %12s  %12s  %7s  %s %s: %s", fl_show_metric(median, m->metric, m->rounds.median),
		fl_show_metric(low, m->metric, m->rounds.low), fl_show_metric(high, m->metric, m->rounds.high),
		fl_show_percent(floor, m->floor), m->primary ? "*" : " ", m->lane, m->metric);

	fl_blank_controls(line);
	fl_text_add(out, "%s\n", line);
	free(line);
}

static int show_text(const struct fl_baseline *b, const struct fl_normal *v, struct fl_err *err)
{
	struct fl_text out = { 0 };
	char *note = fl_dup(b->note ? b->note : "");

	fl_blank_controls(note);
	fl_text_add(&out, "baseline %s: %zu run%s%s%s\n", b->name, b->runs_n, b->runs_n == 1 ? "" : "s",
		    *note ? "; " : "", note);
	if (v->passes)
		fl_text_add(&out, "calibrated: what moves by itself is known from %zu passes\n", v->passes);
	else
		fl_text_add(&out, "not calibrated: fewer than %d passes\n", FL_NOISE_PASSES);
	for (size_t i = 0; i < b->runs_n; i++)
		fl_text_add(&out, "  %s\n", b->runs[i]);
	fl_text_add(&out, "\n  %12s  %12s  %12s  %7s    %s\n", "median", "low", "high", "noise", "lane (* primary)");
	for (size_t i = 0; i < v->metrics_n; i++)
		add_metric(&v->metrics[i], &out);
	free(note);
	return fl_output_text(&out, err);
}

static int show(struct fl_store *store, const struct baseline_opts *opts, const struct fl_args *args,
		struct fl_err *err)
{
	struct fl_normal normal;
	struct fl_runs_named side;
	struct fl_baseline b;
	int rc = fl_store_find_baseline(store, args->words[0], &b, err);

	if (rc < 0)
		return rc;
	rc = fl_sides_load(store, b.name, &side, err);
	if (rc == 0) {
		normal = fl_normal_make((const struct fl_evidence *const *)side.runs, side.n);
		rc = opts->json ? show_json(&b, &normal, err) : show_text(&b, &normal, err);
		fl_normal_release(&normal);
		fl_sides_release(&side);
	}
	fl_baseline_release(&b);
	return rc;
}

/* ---- the verbs */

/* "baseline calibrate NAME OPTION..." is "run --baseline NAME --passes 10 OPTION...". */
static int calibrate(const struct fl_verb *self, const struct fl_call *call, const void *opts,
		     const struct fl_args *args, struct fl_err *err)
{
	static char run[] = "run", baseline_option[] = "--baseline", passes[] = "--passes=10", help[] = "--help";
	char **argv = fl_zalloc((size_t)call->argc + 4, sizeof(*argv));
	bool named = call->argc > 2 && call->argv[2][0] != '-';
	int argc = 0, rc;

	(void)self;
	(void)opts;
	(void)args;
	argv[argc++] = run;
	if (named) {
		argv[argc++] = baseline_option;
		argv[argc++] = call->argv[2];
		argv[argc++] = passes;
		for (int i = 3; i < call->argc; i++)
			argv[argc++] = call->argv[i];
	} else {
		argv[argc++] = help;
	}
	if (named || (call->argc > 2 && !strcmp(call->argv[2], "--help"))) {
		rc = fl_cmd_run.run(&fl_cmd_run, &(struct fl_call){ argc, call->whole_argc, argv, call->whole_argv },
				    err);
	} else {
		fl_fail(err, -EINVAL, "baseline calibrate: which name?");
		rc = fl_hint(err, "usage: feedline baseline calibrate NAME [--suite SUITE] [--passes N] [--repeat N]");
	}
	free(argv);
	return rc;
}

enum { CALIBRATE, SET, LIST, SHOW, REMOVE, VERBS };

static const struct doing {
	bool writes;
	int (*run)(struct fl_store *store, const struct baseline_opts *opts, const struct fl_args *args,
		   struct fl_err *err);
} doings[VERBS] = {
	[SET] = { true, set },
	[LIST] = { false, list },
	[SHOW] = { false, show },
	[REMOVE] = { true, remove_it },
};

static int with_store(const struct fl_verb *self, const struct fl_call *call, const void *opts,
		      const struct fl_args *args, struct fl_err *err);

static const struct fl_verb verbs[VERBS + 1] = {
	[CALIBRATE] = { "calibrate", "baseline calibrate NAME",
			"measure a suite in passes and name that run: options as of 'run'", NULL, 0, 0, NULL,
			calibrate },
	[SET] = { "set", "baseline set NAME RUN...", "name runs that show the machine as it should be",
		  "|replace|note|store|", 2, FL_BASELINE_RUNS_MAX + 1, "too few words", with_store },
	[LIST] = { "list", "baseline list", "the baselines of the store", "|json|store|", 0, 0, NULL, with_store },
	[SHOW] = { "show", "baseline show NAME", "its runs, medians and noise", "|json|store|", 1, 1, "which name?",
		   with_store },
	[REMOVE] = { "remove", "baseline remove NAME", "forget the name; its runs stay", "|store|", 1, 1, "which name?",
		     with_store },
};

/* Before the first run there is no store, which is no error for a list. */
static int with_store(const struct fl_verb *self, const struct fl_call *call, const void *opts,
		      const struct fl_args *args, struct fl_err *err)
{
	const struct doing *doing = &doings[self - verbs];
	const struct baseline_opts *o = opts;
	struct fl_store *store = NULL;
	char *path;
	int rc = fl_home_store(o->store, &path, err);

	(void)call;
	if (rc < 0)
		return rc;
	if (self->words_min || o->store || access(path, F_OK) == 0)
		rc = fl_store_open(path, doing->writes, &store, err);
	if (rc >= 0)
		rc = doing->run(store, o, args, err);
	fl_store_close(store);
	free(path);
	return rc;
}

static int baseline(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	struct baseline_opts opts = { 0 };

	return fl_verbs_run(self, call, &opts, err);
}

const struct fl_command fl_cmd_baseline = {
	.name = "baseline",
	.summary = "runs that show the machine as it should be, and what it does by itself",
	.usage = "baseline calibrate|set|list|show|remove",
	.verbs = verbs,
	.words = "calibrate|set|list|show|remove|@run|@baseline",
	.fields = baseline_fields,
	.run = baseline,
};
