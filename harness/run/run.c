/* SPDX-License-Identifier: Apache-2.0 */
/* run.c: the one loop: what is next, run it, keep it. */
#include "run/run.h"
#include "base/alloc.h"
#include "run/case.h"
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>

/* Launchers like to bind us to one CPU; the kernel cuts this down to the cpuset that we are allowed. */
static void widen_affinity(void)
{
	struct fl_cpus all;

	for (size_t i = 0; i < sizeof(all.bits) / sizeof(*all.bits); i++)
		all.bits[i] = ~UINT64_C(0);
	sched_setaffinity(0, sizeof(all.bits), (const cpu_set_t *)(const void *)all.bits);
}

static struct fl_plan_done *done_of(const struct fl_run *run)
{
	struct fl_plan_done *done = fl_zalloc(run->lanes_n + 1, sizeof(*done));

	for (size_t i = 0; i < run->lanes_n; i++)
		done[i] = (struct fl_plan_done){ run->lanes[i].case_no, run->lanes[i].round, run->lanes[i].lane };
	return done;
}

static bool next_step(const struct fl_plan *plan, const struct fl_run *run, struct fl_plan_step *ret)
{
	struct fl_plan_done *done = done_of(run);
	bool any = fl_plan_next(plan, done, run->lanes_n, ret);

	free(done);
	return any;
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
}

static int run_case(struct fl_agent *agent, struct fl_pool *pool, const struct fl_plan *plan,
		    const struct fl_plan_step *at, struct fl_run *run, struct fl_store *store, struct fl_err *err)
{
	size_t before;
	int rc;

	if (agent->watch && agent->watch->case_starts)
		agent->watch->case_starts(agent->watch->arg, plan, at);
	forget_case(run, at);
	before = run->lanes_n;
	rc = fl_case_run(agent, pool, plan, at, run, err);
	if (rc < 0)
		return rc;
	return fl_store_add(store, run->id, run->lanes + before, run->lanes_n - before, err);
}

int fl_run_plan(struct fl_agent *agent, const struct fl_plan *plan, struct fl_run *run, struct fl_store *store,
		struct fl_err *err)
{
	struct fl_plan_step at, before = { UINT_MAX, UINT_MAX };
	struct fl_pool pool;
	int rc = fl_pool_open(agent->prefix, &pool, err);

	if (rc < 0)
		return rc;
	widen_affinity();
	while (rc == 0 && next_step(plan, run, &at)) {
		if (at.round != before.round)
			fl_pool_clear(&pool); /* a round has freshly started workers */
		if (at.round == before.round && at.case_no == before.case_no)
			rc = fl_fail(err, -ENOTRECOVERABLE, "case %u was run and is still to do", at.case_no);
		else
			rc = run_case(agent, &pool, plan, &at, run, store, err);
		before = at;
	}
	fl_pool_close(&pool);
	return rc;
}
