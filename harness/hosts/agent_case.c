/* SPDX-License-Identifier: Apache-2.0 */
/* agent_case.c: one part of a case, from the message to the records. */
#include "hosts/agent_parts.h"
#include "run/case.h"
#include <errno.h>
#include <stdlib.h>

static void release(struct fl_agent_part *p, struct fl_run *run)
{
	fl_run_release_results(run);
	json_decref(p->clock_offset);
	json_decref(p->clock_error);
	json_decref(p->distrust);
	fl_part_release(&p->part);
}

static int carry_out(struct fl_agent_part *p, struct fl_run *run, struct fl_err *err)
{
	struct fl_agent_own *own = p->own;
	int rc;

	if (p->part.at.round != own->round)
		fl_pool_clear(&own->station.pool); /* a round has freshly started workers */
	own->round = p->part.at.round;
	fl_agent_part_conduct(p);
	rc = fl_case_run(&own->agent, &own->station.pool, &p->part.of, &p->part.at, &p->conductor, run, err);
	return rc < 0 ? rc : fl_agent_send_records(p, run, err);
}

int fl_agent_part_run(struct fl_agent_own *own, const json_t *message, struct fl_err *err)
{
	struct fl_agent_part p = { .own = own };
	struct fl_run run = { .status = -1 };
	int rc;

	if (!own->begun)
		return fl_fail(err, -EPROTO, "the hub said 'case' before 'begin'");
	rc = fl_part_read(message, &p.part, err);
	if (rc < 0)
		return rc;
	rc = carry_out(&p, &run, err);
	release(&p, &run);
	return rc;
}
