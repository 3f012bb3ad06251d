/* SPDX-License-Identifier: Apache-2.0 */
/* run.c: the one loop: what is next, run it, keep it. */
#include "run/run.h"
#include "record/series.h"
#include "run/case.h"
#include "run/station.h"
#include "run/telemetry.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

static void add_results(const struct fl_agent *agent, const struct fl_run *run, size_t from, struct fl_results *results)
{
	for (size_t i = from; i < run->lanes_n; i++) {
		const struct fl_lane_record *lane = &run->lanes[i];
		struct fl_plan_result result = { .case_no = lane->case_no,
						 .round = lane->round,
						 .lane = lane->lane,
						 .value = NAN,
						 .better = FL_NEITHER };
		const struct fl_entry *entry;

		if (fl_catalog_find(agent->catalog, lane->bench, &entry, NULL) == 0)
			result.value = fl_record_spoken(lane, entry, &result.better);
		fl_results_add(results, &result);
	}
}

/* A case that is run again replaces what there was of it, here as in the store. */
static void forget_case(struct fl_run *run, const struct fl_plan_step *at)
{
	size_t kept = 0;

	for (size_t i = 0; i < run->lanes_n; i++) {
		if (run->lanes[i].case_no == at->case_no && run->lanes[i].round == at->round)
			fl_lane_record_release(&run->lanes[i]);
		else
			run->lanes[kept++] = run->lanes[i];
	}
	run->lanes_n = kept;
	kept = 0;
	for (size_t i = 0; i < run->watched_n; i++) {
		if (run->watched[i].case_no == at->case_no && run->watched[i].round == at->round)
			fl_watched_release(&run->watched[i]);
		else
			run->watched[kept++] = run->watched[i];
	}
	run->watched_n = kept;
}

static int run_case(struct fl_agent *agent, struct fl_pool *pool, const struct fl_plan *plan,
		    const struct fl_plan_step *at, struct fl_run *run, struct fl_results *results,
		    struct fl_store *store, struct fl_err *err)
{
	struct fl_finished finished;
	size_t before, watched;
	int rc;

	if (agent->watch && agent->watch->case_starts)
		agent->watch->case_starts(agent->watch->arg, plan, results, at);
	forget_case(run, at);
	before = run->lanes_n;
	watched = run->watched_n;
	if (agent->crew)
		rc = agent->crew->run_case(agent->crew, agent, plan, at, run, err);
	else
		rc = fl_case_run(agent, pool, &plan->cases[at->case_no], at, NULL, run, err);
	if (rc < 0)
		return rc;
	add_results(agent, run, before, results);
	finished = (struct fl_finished){ .lanes = run->lanes + before,
					 .lanes_n = run->lanes_n - before,
					 .watched = run->watched ? run->watched + watched : NULL,
					 .watched_n = run->watched_n - watched };
	rc = fl_store_add_case(store, run->id, &finished, err);
	if (rc == 0 && agent->crew)
		agent->crew->stored(agent->crew);
	return rc;
}

static int run_steps(struct fl_agent *agent, struct fl_pool *pool, const struct fl_plan *plan, struct fl_run *run,
		     struct fl_results *results, struct fl_store *store, struct fl_err *err)
{
	struct fl_plan_step at, before = { .case_no = UINT_MAX, .round = UINT_MAX };
	int rc = 0;

	while (rc == 0 && fl_plan_next(plan, results, &at)) {
		if (pool && at.round != before.round)
			fl_pool_clear(pool); /* a round has freshly started workers */
		if (at.round == before.round && at.case_no == before.case_no)
			rc = fl_fail(err, -ENOTRECOVERABLE, "case %u was run and is still to do", at.case_no);
		else
			rc = run_case(agent, pool, plan, &at, run, results, store, err);
		before = at;
	}
	return rc;
}

/* What was measured is not given up because another process writes for a while. */
static void be_patient(const struct fl_agent *agent, struct fl_store *store)
{
	const struct fl_patience patience = { .interrupt = agent->interrupt,
					      .say = agent->watch ? agent->watch->say : NULL,
					      .arg = agent->watch ? agent->watch->arg : NULL };

	fl_store_be_patient(store, &patience);
}

static int run_all(struct fl_agent *agent, struct fl_pool *pool, const struct fl_plan *plan, struct fl_run *run,
		   struct fl_store *store, struct fl_err *err)
{
	struct fl_results *results = fl_results_make(plan);
	int rc;

	be_patient(agent, store);
	add_results(agent, run, 0, results);
	rc = run_steps(agent, pool, plan, run, results, store, err);
	fl_results_free(results);
	return rc;
}

int fl_run_plan(struct fl_agent *agent, const struct fl_plan *plan, struct fl_run *run, struct fl_store *store,
		struct fl_err *err)
{
	struct fl_station station;
	int rc;

	if (agent->crew)
		return run_all(agent, NULL, plan, run, store, err);
	rc = fl_station_open(agent, fl_telemetry_wanted(plan), &station, err);
	if (rc < 0)
		return rc;
	rc = run_all(agent, &station.pool, plan, run, store, err);
	fl_station_close(&station);
	return rc;
}
