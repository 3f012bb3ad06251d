/* SPDX-License-Identifier: Apache-2.0 */
/* feedline bench: one benchmark, as a suite of one rule. */
#include "base/alloc.h"
#include "cli/measure.h"
#include "cli/options.h"
#include <errno.h>
#include <stdlib.h>

enum study { AUTO, REPEAT, STARVATION, LADDER }; /* as in the option's range */

struct bench_opts {
	unsigned study;
	uint64_t repeat;
	bool json, dry_run;
	const char *store;
	const char *hosts, *launcher, *hub_interface, *remote_program;
};

static const struct fl_field bench_fields[] = {
	FL_FIELD(bench_opts, study, FL_CHOICE, "auto", "auto|repeat|starvation|ladder",
		 "of a closed loop: whether it is fed, or by which hop it is held up"),
	FL_FIELD(bench_opts, repeat, FL_COUNT, "1", "1..1000", "rounds, each with fresh processes"),
	FL_FIELD(bench_opts, dry_run, FL_FLAG, "no", NULL, "only print what would run, and where"),
	FL_FIELD(bench_opts, json, FL_FLAG, "no", NULL, "print one JSON document"),
	FL_FIELD(bench_opts, store, FL_PATH, "", NULL, "where runs are kept (else store.db in the state directory)"),
	FL_HOSTS_FIELDS(bench_opts),
	{ 0 },
};

static enum fl_study_kind kind_of(const struct fl_entry *entry, unsigned study)
{
	switch (study) {
	case LADDER:
		return FL_STUDY_LADDER;
	case STARVATION:
		return FL_STUDY_STARVATION;
	case REPEAT:
		return FL_STUDY_REPEAT;
	default:
		return fl_entry_is_loop(entry) ? FL_STUDY_STARVATION : FL_STUDY_REPEAT;
	}
}

/* The path that is said more than once; NULL: none. Files, drives and directories are measured at once then. */
static const char *said_again(const struct fl_args *args)
{
	for (size_t i = 1; i < args->given_n; i++)
		if (args->given[i].field == args->given[i - 1].field)
			return args->given[i].field->name;
	return NULL;
}

/* Texts are borrowed from args. */
static struct fl_suite *suite_of(const struct fl_entry *entry, const struct fl_args *args,
				 const struct bench_opts *opts)
{
	struct fl_setting *with = fl_zalloc(args->given_n + 1, sizeof(*with));
	struct fl_suite *suite;

	for (size_t i = 0; i < args->given_n; i++) {
		with[i].name = (char *)args->given[i].field->name;
		with[i].text = (char *)args->given[i].text;
	}
	suite = fl_suite_of_bench(entry->name, with, args->given_n, kind_of(entry, opts->study),
				  (unsigned)opts->repeat);
	free(with);
	if (said_again(args))
		fl_suite_spread(suite, said_again(args));
	return suite;
}

static int measure(const struct fl_home *home, const struct fl_entry *entry, const struct fl_call *call,
		   const struct bench_opts *opts, const struct fl_args *args, struct fl_err *err)
{
	struct fl_measure m = { .home = home, .call = call, .json = opts->json, .dry_run = opts->dry_run };
	const struct fl_hosts_options hosts = { opts->hosts, opts->launcher, opts->hub_interface,
						opts->remote_program };
	struct fl_suite *suite;
	char *store;
	int rc;

	if (said_again(args) && kind_of(entry, opts->study) != FL_STUDY_REPEAT) {
		fl_fail(err, -EINVAL, "bench %s: option '--%s' is said more than once", entry->name, said_again(args));
		return fl_hint(err, "with --study repeat each has a lane of its own, side by side");
	}
	rc = fl_hosts_begin(&hosts, home, call, &m.hosts, err);
	if (rc != 0) /* also the agent of a host: the rest is for the hub to do */
		return rc < 0 ? rc : 0;
	rc = fl_home_store(opts->store, &store, err);
	if (rc < 0)
		goto end_hosts;
	m.store = store;
	suite = suite_of(entry, args, opts);
	rc = fl_measure_suite(&m, suite, NULL, 0, err);
	fl_suite_free(suite);
	free(store);
end_hosts:
	fl_hosts_end(m.hosts, rc, err);
	return rc;
}

/* The options are those of the benchmark, so its name must be known before they can be read. */
static int bench_named(const struct fl_command *self, const struct fl_call *call, const struct fl_home *home,
		       struct fl_err *err)
{
	const struct fl_entry *entry;
	struct bench_opts opts = { 0 };
	struct fl_commons commons;
	struct fl_args args;
	char *title, *who;
	int rc = fl_catalog_find(home->catalog, call->argv[1], &entry, err);

	if (rc < 0)
		return rc;
	commons = fl_entry_commons(entry);
	title = fl_format("options of %s", entry->name);
	who = fl_format("%s %s", self->name, entry->name);
	const struct fl_option_set sets[] = {
		{ .title = "options", .fields = self->fields },
		{ .title = title, .fields = entry->fields },
		{ .title = "common options", .fields = commons.fields, .optional = true },
		{ 0 },
	};
	rc = fl_options_parse(sets, who, 0, call->argc - 1, call->argv + 1, &opts, &args, err);
	if (rc >= 0) {
		rc = args.help ? fl_options_help(who, entry->summary, sets, err)
			       : measure(home, entry, call, &opts, &args, err);
		fl_args_release(&args);
	}
	free(who);
	free(title);
	return rc;
}

static int bench_unnamed(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	const struct fl_option_set sets[] = { { .title = "options", .fields = self->fields },
					      { .title = "common options ('feedline bench NAME --help' shows its own)",
						.fields = fl_common_fields,
						.optional = true },
					      { 0 } };
	struct bench_opts opts = { 0 };
	struct fl_args args = { 0 };
	int rc = 0;

	if (call->argc > 1)
		rc = fl_options_parse(sets, self->name, 0, call->argc, call->argv, &opts, &args, err);
	if (rc >= 0 && args.help)
		rc = fl_options_help(self->usage, self->summary, sets, err);
	else if (rc >= 0)
		rc = fl_fail(err, -EINVAL, "bench: which benchmark? its name comes before the options");
	fl_hint(err, "'feedline list' shows the benchmarks");
	fl_args_release(&args);
	return rc;
}

static int bench(const struct fl_command *self, const struct fl_call *call, struct fl_err *err)
{
	struct fl_home home;
	int rc;

	if (call->argc < 2 || call->argv[1][0] == '-')
		return bench_unnamed(self, call, err);
	rc = fl_home_open(&home, err);
	if (rc < 0)
		return rc;
	rc = bench_named(self, call, &home, err);
	fl_home_close(&home);
	return rc;
}

const struct fl_command fl_cmd_bench = {
	.name = "bench",
	.summary = "measure with one benchmark, on every device that its options leave open",
	.usage = "bench NAME",
	.words = "@benchmark",
	.fields = bench_fields,
	.of_benchmarks = true,
	.run = bench,
};
