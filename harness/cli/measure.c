/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c: sense, plan, lock, store, run, judge, report. */
#include "cli/measure.h"
#include "base/alloc.h"
#include "cli/dry_run.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "hosts/crew.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- what a run begins with ---- */

static json_t *declarations(const struct fl_plan *plan, const struct fl_catalog *catalog)
{
	json_t *all = json_object();
	const struct fl_entry *entry;

	for (size_t i = 0; i < plan->cases_n; i++)
		for (size_t k = 0; k < plan->cases[i].lanes_n; k++) {
			const char *bench = plan->cases[i].lanes[k].bench;

			if (!json_object_get(all, bench) && fl_catalog_find(catalog, bench, &entry, NULL) == 0)
				json_object_set_new(all, bench, fl_entry_json(entry));
		}
	return all;
}

json_t *fl_measure_machine(const struct fl_machine *machine)
{
	json_t *doc = fl_machine_json(machine), *gpus = json_object_get(doc, "gpus"), *gpu;
	size_t i;

	json_array_foreach(gpus, i, gpu)
	{
		if (!json_is_string(json_object_get(gpu, "process")))
			continue;
		json_object_set_new(gpu, "process", json_null());
		json_object_set_new(json_object_get(gpu, "unknown"), "process", json_string("names are not kept"));
	}
	return doc;
}

static struct fl_run *new_run(const struct fl_measure *m, const struct fl_plan *plan, const struct fl_machine *machine)
{
	struct fl_run *run = fl_zalloc(1, sizeof(*run));

	run->plan = fl_plan_json(plan);
	if (m->hosts) {
		fl_hosts_record(m->hosts, plan, m->home->catalog, m->call, run);
	} else {
		run->machine = fl_measure_machine(machine);
		run->environment =
			fl_run_environment(m->call->whole_argc, m->call->whole_argv, machine, m->home->catalog, plan);
	}
	run->declared = declarations(plan, m->home->catalog);
	return run;
}

/* ---- from the last case to the exit status ---- */

static int print(const struct fl_measure *m, const struct fl_run *run, const struct fl_judgement *j, struct fl_err *err)
{
	return fl_report_print(fl_renderer_find(m->json ? "json" : "text"), run, j, err);
}

/* A copy, for convenience: everything that is in it can be had from the store again, so that it is not in vain to have
 * measured when it cannot be written. */
static void save(const struct fl_measure *m, const struct fl_run *run, const struct fl_judgement *j)
{
	struct fl_err err = { 0 };

	if (fl_report_save(m->store, run, j, &err) >= 0)
		return;
	fl_hint(&err, "the run is recorded all the same: 'feedline report' prints it");
	fl_output_error(&err);
}

/* The run is recorded by now: an output that fails makes the status worse, never better. */
static int present(const struct fl_measure *m, const struct fl_run *run, const struct fl_judgement *j)
{
	struct fl_err err = { 0 };
	int rc;

	if (m->present) {
		rc = m->present(m->arg, run, &err);
		if (rc < 0)
			fl_output_error(&err);
		return rc < 0 ? (int)fl_status_of(rc) : rc;
	}
	rc = print(m, run, j, &err);
	if (m->save_reports)
		save(m, run, j); /* also where stdout is full */
	if (rc >= 0)
		return (int)j->status;
	fl_output_error(&err);
	return (int)fl_status_worse(j->status, fl_status_of(rc));
}

int fl_measure_name(const struct fl_measure *m, const struct fl_run *run, struct fl_store *store, struct fl_err *err)
{
	char *runs[] = { (char *)run->id };
	struct fl_baseline b = { .runs = runs, .runs_n = 1 };
	int rc;

	if (!m->baseline)
		return 0;
	rc = fl_store_may_name(store, m->baseline, m->replace, err);
	if (rc < 0)
		return rc;
	fl_copy(b.name, sizeof(b.name), m->baseline);
	rc = fl_store_set_baseline(store, &b, m->replace, err);
	if (rc >= 0)
		fl_output_say("run '%s' is baseline '%s', with status %d", run->id, b.name, run->status);
	return rc;
}

/* The report comes whether or not the run gets its name. */
static int conclude(const struct fl_measure *m, struct fl_run *run, struct fl_store *store, struct fl_err *err)
{
	struct fl_judgement *j;
	int rc, status;

	run->finished = true;
	rc = fl_judge(run, &j, err);
	if (rc < 0)
		return rc;
	run->status = (int)j->status;
	rc = fl_store_finish(store, run->id, run->status, err);
	if (rc >= 0) {
		status = present(m, run, j);
		rc = fl_measure_name(m, run, store, err);
		rc = rc < 0 ? rc : status;
	}
	fl_judgement_free(j);
	return rc;
}

/* The command that goes on with a run. malloc'd. */
static char *way_on(const struct fl_measure *m, const struct fl_run *run)
{
	char *store, *command, *hosts;

	if (m->again)
		return fl_dup(m->again);
	store = fl_output_quote(m->store);
	hosts = fl_hosts_again(m->hosts);
	command = fl_format("feedline run --resume %s --store %s%s%s%s%s", run->id, store,
			    m->baseline ? " --baseline " : "", m->baseline ? m->baseline : "",
			    m->baseline && m->replace ? " --replace" : "", hosts);
	free(hosts);
	free(store);
	return command;
}

/* What stopped a run that has begun, with the way to go on. Returns the code. */
static int stopped(const struct fl_measure *m, const struct fl_run *run, int code, struct fl_err *err)
{
	const struct fl_err cause = *err;
	char *command = way_on(m, run);
	char *lost = code == -EINTR && m->hosts ? fl_hub_who_is_lost(fl_hosts_hub(m->hosts)) : NULL;
	const char *also = lost ? "; " : "", *who = lost ? lost : "", *by = fl_hosts_launcher(m->hosts);
	bool kept = m->hosts && code != -EINTR; /* a hub that is told to end lets its hosts end, too */

	*err = (struct fl_err){ 0 };
	if (code == -EINTR && m->again)
		fl_fail(err, code, "interrupted%s%s", also, who);
	else if (code == -EINTR)
		fl_fail(err, code, "interrupted%s%s; run '%s' keeps the %zu lane%s measured so far", also, who, run->id,
			run->lanes_n, run->lanes_n == 1 ? "" : "s");
	else
		fl_fail(err, code, "%s", cause.what);
	fl_hint(err, "%s%s%sgo on%s%s%s with: %s", code == -EINTR ? "" : cause.hint,
		code == -EINTR || !*cause.hint ? "" : "; ",
		kept ? "what is not stored yet the hosts keep in feedline/journal of their state directories, for "
		       "'feedline import'; "
		     : "",
		by ? " by " : "", by ? by : "", by ? ", as before," : "", command);
	free(lost);
	free(command);
	return code;
}

static int run_into(const struct fl_measure *m, const struct fl_plan *plan, const struct fl_machine *machine,
		    struct fl_run *run, struct fl_store *store, struct fl_err *err)
{
	struct fl_progress progress = fl_progress_init(m->bytes);
	const struct fl_watch watch = fl_progress_watch(&progress);
	struct fl_agent agent = {
		.prefix = m->home->prefix,
		.machine = machine,
		.catalog = m->home->catalog,
		.watch = &watch,
		.interrupt = fl_interrupt_catch(),
		.changed = m->changed,
	};
	int rc;

	if (m->hosts)
		agent.crew = fl_crew_make(fl_hosts_hub(m->hosts), plan);
	rc = fl_run_plan(&agent, plan, run, store, err);
	fl_crew_free(agent.crew);
	fl_progress_clear(&progress);
	return rc < 0 ? stopped(m, run, rc, err) : conclude(m, run, store, err);
}

int fl_measure_carry_out(const struct fl_measure *m, const struct fl_plan *plan, const struct fl_machine *machine,
			 struct fl_run *run, bool resumed, struct fl_err *err)
{
	struct fl_store *store;
	int lock = -1, rc = 0;

	if (!m->hosts) /* of those, agents hold the locks */
		rc = fl_run_lock(&lock, err);
	if (rc < 0)
		return rc;
	rc = fl_store_open(m->store, true, &store, err);
	if (rc < 0)
		goto unlock;
	rc = m->baseline ? fl_store_may_name(store, m->baseline, m->replace, err) : 0;
	if (rc >= 0)
		rc = resumed ? fl_store_resume(store, run->id, err) : fl_store_begin(store, run, err);
	if (rc >= 0)
		rc = run_into(m, plan, machine, run, store, err);
	fl_store_close(store);
unlock:
	if (lock >= 0)
		close(lock);
	return rc;
}

/* ---- a new run ---- */

static int begin(const struct fl_measure *m, const struct fl_plan *plan, const struct fl_machine *machine,
		 struct fl_err *err)
{
	struct fl_run *run = new_run(m, plan, machine);
	int rc = fl_measure_carry_out(m, plan, machine, run, false, err);

	fl_run_free(run);
	return rc;
}

static int show_plan(const struct fl_measure *m, const struct fl_plan *plan, struct fl_err *err)
{
	struct fl_text out = { 0 };

	if (m->json)
		return fl_output_json(fl_dry_run_json(plan), err);
	fl_dry_run_text(plan, m->home->catalog, fl_output_look().width, &out);
	return fl_output_text(&out, err);
}

struct fl_visible fl_measure_visible(void)
{
	return (struct fl_visible){ .devices = getenv("CUDA_VISIBLE_DEVICES"), .order = getenv("CUDA_DEVICE_ORDER") };
}

static int measure_here(const struct fl_measure *m, const struct fl_suite *suite,
			const struct fl_plan_settings *settings, struct fl_err *err)
{
	struct fl_machine *machine;
	struct fl_plan *plan;
	int rc = fl_run_sense(m->home->prefix, &machine, err);

	if (rc < 0)
		return rc;
	rc = fl_plan_make(suite, m->home->catalog, machine, settings, &plan, err);
	if (rc < 0)
		goto free_machine;
	rc = m->dry_run ? show_plan(m, plan, err) : begin(m, plan, machine, err);
	fl_plan_free(plan);
free_machine:
	fl_machine_free(machine);
	return rc;
}

/* The machines are the hub's. */
static int measure_hosts(const struct fl_measure *m, const struct fl_suite *suite,
			 const struct fl_plan_settings *settings, struct fl_err *err)
{
	const struct fl_plan_host *hosts;
	struct fl_plan *plan;
	size_t n;
	int rc = fl_hosts_gather(m->hosts, err);

	if (rc < 0)
		return rc;
	hosts = fl_hosts_plan(m->hosts, &n);
	rc = fl_plan_make_hosts(suite, m->home->catalog, hosts, n, settings, &plan, err);
	if (rc < 0)
		return rc;
	rc = m->dry_run ? show_plan(m, plan, err) : begin(m, plan, fl_hosts_machine(m->hosts), err);
	fl_plan_free(plan);
	return rc;
}

int fl_measure_suite(const struct fl_measure *m, const struct fl_suite *suite, const struct fl_override *overrides,
		     size_t overrides_n, struct fl_err *err)
{
	const struct fl_plan_settings settings = { .overrides = overrides,
						   .overrides_n = overrides_n,
						   .demands = m->home->demands,
						   .passes = m->passes,
						   .visible = fl_measure_visible() };

	return m->hosts ? measure_hosts(m, suite, &settings, err) : measure_here(m, suite, &settings, err);
}
