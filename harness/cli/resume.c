/* SPDX-License-Identifier: Apache-2.0 */
/* resume.c: a run of the store goes on, or says that there is nothing left to do. */
#include "cli/changes.h"
#include "cli/measure.h"
#include "cli/report.h"
#include <errno.h>

/* Its status is the one that was recorded, or what is printed beside it where that is worse: a store may say anything,
 * and a newer feedline may know better. */
static int already_finished(const struct fl_measure *m, const struct fl_run *run, struct fl_err *err)
{
	struct fl_judgement *j;
	enum fl_status status;
	int rc;

	if (run->status < FL_STATUS_PASS || run->status > FL_STATUS_BUG)
		return fl_fail(err, -EUCLEAN, "run '%s' is recorded with the impossible status %d", run->id,
			       run->status);
	if (m->baseline) {
		fl_fail(err, -EINVAL, "run '%s' is finished: there is nothing to go on with", run->id);
		return fl_hint(err, "name it with: feedline baseline set %s %s", m->baseline, run->id);
	}
	fl_output_say("run '%s' is finished, with status %d", run->id, run->status);
	rc = fl_judge(run, &j, err);
	if (rc < 0)
		return rc;
	status = j->status;
	rc = fl_report_print(fl_renderer_find(m->json ? "json" : "text"), run, j, err);
	fl_judgement_free(j);
	return rc < 0 ? rc : (int)fl_status_worse((enum fl_status)run->status, status);
}

/* ret_changed: what is no longer as it was, where that is allowed; it goes into the record of all that is measured
 * now. */
static int allow(int rc, const struct fl_err *changed, bool anyway, struct fl_err *ret_changed, struct fl_err *err)
{
	if (rc >= 0)
		return 0;
	if (anyway) {
		fl_output_say("%s", changed->what);
		*ret_changed = *changed;
		return 0;
	}
	*err = *changed;
	return rc;
}

static int check_machine(const struct fl_measure *m, const struct fl_run *run, const struct fl_plan *plan,
			 const struct fl_machine *machine, bool anyway, struct fl_err *ret_changed, struct fl_err *err)
{
	struct fl_err changed = { 0 };
	json_t *environment =
		fl_run_environment(m->call->whole_argc, m->call->whole_argv, machine, m->home->catalog, NULL);
	const struct fl_changes_now now = { .machine = machine,
					    .environment = environment,
					    .visible = fl_measure_visible() };
	int rc = fl_changes_check(run, plan, &now, &changed);

	json_decref(environment);
	return allow(rc, &changed, anyway, ret_changed, err);
}

static int go_on_here(const struct fl_measure *m, struct fl_run *run, const struct fl_plan *plan, bool anyway,
		      struct fl_err *err)
{
	struct fl_measure here = *m;
	struct fl_err changed = { 0 };
	struct fl_machine *machine;
	int rc = fl_run_sense(m->home->prefix, &machine, err);

	if (rc < 0)
		return rc;
	rc = check_machine(m, run, plan, machine, anyway, &changed, err);
	here.changed = changed.code ? changed.what : NULL;
	if (rc >= 0)
		rc = fl_measure_carry_out(&here, plan, machine, run, true, err);
	fl_machine_free(machine);
	return rc;
}

static int go_on_there(const struct fl_measure *m, struct fl_run *run, const struct fl_plan *plan, bool anyway,
		       struct fl_err *err)
{
	struct fl_measure there = *m;
	struct fl_err found = { 0 }, changed = { 0 };
	bool may_go_on = false;
	int rc = fl_hosts_gather(m->hosts, err);

	if (rc < 0)
		return rc;
	rc = fl_hosts_check(m->hosts, run, plan, m->store, &may_go_on, &found);
	rc = allow(rc, &found, anyway && may_go_on, &changed, err);
	there.changed = changed.code ? changed.what : NULL;
	return rc < 0 ? rc : fl_measure_carry_out(&there, plan, fl_hosts_machine(m->hosts), run, true, err);
}

static int go_on(const struct fl_measure *m, struct fl_run *run, bool anyway, struct fl_err *err)
{
	struct fl_plan *plan;
	int rc = fl_plan_read(run->plan, &plan, err);

	if (rc < 0)
		return rc;
	rc = m->hosts || run->hosts_n ? go_on_there(m, run, plan, anyway, err) : go_on_here(m, run, plan, anyway, err);
	fl_plan_free(plan);
	return rc;
}

int fl_measure_resume(const struct fl_measure *m, const char *id, bool anyway, struct fl_err *err)
{
	struct fl_run *run;
	int rc = fl_home_run(m->store, id, &run, err);

	if (rc < 0)
		return rc;
	rc = run->finished ? already_finished(m, run, err) : go_on(m, run, anyway, err);
	fl_run_free(run);
	return rc;
}
