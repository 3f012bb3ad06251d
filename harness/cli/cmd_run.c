/* SPDX-License-Identifier: Apache-2.0 */
/* feedline run: a suite, judged. Options of benchmarks go over the suite's own, in every rule that has them. */
#include "base/alloc.h"
#include "cli/measure.h"
#include "cli/options.h"
#include "run/paths.h"
#include <errno.h>
#include <stdlib.h>

struct run_opts {
	const char *suite, *store, *resume, *baseline;
	const char *hosts, *launcher, *hub_interface, *remote_program;
	uint64_t repeat, passes;
	bool json, dry_run, resume_anyway, replace;
};

static const struct fl_field run_fields[] = {
	FL_FIELD(run_opts, suite, FL_TEXT, "", "@suite|@file", "a suite by name or file (default quick)"),
	FL_FIELD(run_opts, repeat, FL_COUNT, "", "1..1000", "rounds of every rule (else as the suite says)"),
	FL_FIELD(run_opts, passes, FL_COUNT, "", "5..1000",
		 "calibrate: so many passes at most, each of all rounds, with nothing changed between them"),
	FL_FIELD(run_opts, baseline, FL_TEXT, "", NULL, "what the finished run is called in the store"),
	FL_FIELD(run_opts, replace, FL_FLAG, "no", NULL, "give up the baseline of that name for this one"),
	FL_FIELD(run_opts, dry_run, FL_FLAG, "no", NULL, "only print what would run, where, and for how long"),
	FL_FIELD(run_opts, json, FL_FLAG, "no", NULL, "print one JSON document"),
	FL_FIELD(run_opts, store, FL_PATH, "", NULL, "where runs are kept (else store.db in the state directory)"),
	FL_FIELD(run_opts, resume, FL_TEXT, "", "@run|last", "go on with this run of the store ('last': the newest)"),
	FL_FIELD(run_opts, resume_anyway, FL_FLAG, "no", NULL, "even if boot, driver or devices changed"),
	FL_HOSTS_FIELDS(run_opts),
	{ 0 },
};

static int measure_suite(const struct fl_measure *m, const struct run_opts *opts, const struct fl_args *args,
			 struct fl_err *err)
{
	struct fl_override *overrides;
	struct fl_suite *suite;
	int rc = fl_home_suite(m->home, opts->suite ? opts->suite : "quick", &suite, err);

	if (rc < 0)
		return rc;
	overrides = fl_zalloc(args->given_n + 1, sizeof(*overrides));
	for (size_t i = 0; i < args->given_n; i++)
		overrides[i] = (struct fl_override){ args->given[i].field->name, args->given[i].text };
	if (opts->repeat)
		fl_suite_repeat(suite, (unsigned)opts->repeat);
	rc = fl_paths_resolve(suite, m->home->catalog, overrides, args->given_n, err);
	if (rc >= 0)
		rc = fl_measure_suite(m, suite, overrides, args->given_n, err);
	free(overrides);
	fl_suite_free(suite);
	return rc;
}

/* Of a run that goes on, everything is in its record. */
static int resume(const struct fl_measure *m, const struct run_opts *opts, const struct fl_args *args,
		  struct fl_err *err)
{
	if (opts->suite || opts->repeat || opts->passes || opts->dry_run || args->given_n) {
		fl_fail(err, -EINVAL, "run: --resume takes the plan from the record, nothing can be changed in it");
		return fl_hint(err,
			       "leave out everything but --store, --json, --baseline, --replace and --resume-anyway");
	}
	return fl_measure_resume(m, opts->resume, opts->resume_anyway, err);
}

static int measure(const struct fl_home *home, const struct fl_call *call, const struct run_opts *opts,
		   const struct fl_args *args, struct fl_err *err)
{
	struct fl_measure m = {
		.home = home,
		.call = call,
		.json = opts->json,
		.dry_run = opts->dry_run,
		.save_reports = true,
		.passes = (unsigned)opts->passes,
		.baseline = opts->baseline,
		.replace = opts->replace,
	};
	const struct fl_hosts_options hosts = { opts->hosts, opts->launcher, opts->hub_interface,
						opts->remote_program };
	char *store;
	int rc = fl_hosts_begin(&hosts, home, call, &m.hosts, err);

	if (rc != 0) /* also the agent of a host: the rest is for the hub to do */
		return rc < 0 ? rc : 0;
	rc = fl_home_store(opts->store, &store, err);
	if (rc < 0)
		goto end_hosts;
	m.store = store;
	if (opts->resume)
		rc = resume(&m, opts, args, err);
	else if (opts->resume_anyway)
		rc = fl_fail(err, -EINVAL, "run: --resume-anyway without --resume");
	else
		rc = measure_suite(&m, opts, args, err);
	free(store);
end_hosts:
	fl_hosts_end(m.hosts, rc, err);
	return rc;
}

/* The command's own options, then those of every benchmark; ended by a zeroed row, to be freed. */
static struct fl_option_set *all_options(const struct fl_command *self, const struct fl_catalog *catalog)
{
	struct fl_option_set *sets = fl_zalloc(catalog->n + 3, sizeof(*sets));
	size_t n = 0;

	sets[n++].fields = self->fields;
	sets[n++].fields = fl_common_fields;
	for (size_t i = 0; i < catalog->n; i++)
		sets[n++].fields = catalog->entries[i].fields;
	return sets;
}

/* Not all of them: of a name in several benchmarks each has its own range and preset. */
static int help(const struct fl_command *self, struct fl_err *err)
{
	const struct fl_option_set sets[] = {
		{ .title = "options", .fields = self->fields },
		{ .title = "options of benchmarks go over those of the suite ('feedline bench NAME --help' lists more)",
		  .fields = fl_common_fields,
		  .optional = true },
		{ 0 },
	};

	return fl_options_help(self->usage, self->summary, sets, err);
}

static int run(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	struct fl_option_set *sets;
	struct run_opts opts = { 0 };
	struct fl_home home;
	struct fl_args args;
	int rc = fl_home_open(&home, err);

	if (rc < 0)
		return rc;
	sets = all_options(self, home.catalog);
	rc = fl_options_parse(sets, self->name, 0, call->argc, call->argv, &opts, &args, err);
	if (rc >= 0) {
		rc = args.help ? help(self, err) : measure(&home, call, &opts, &args, err);
		fl_args_release(&args);
	}
	free(sets);
	fl_home_close(&home);
	return rc;
}

const struct fl_command fl_cmd_run = {
	.name = "run",
	.summary = "measure a suite, judge it, print the verdicts",
	.usage = "run",
	.fields = run_fields,
	.of_benchmarks = true,
	.run = run,
};
