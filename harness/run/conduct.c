/* SPDX-License-Identifier: Apache-2.0 */
/* conduct.c: what a case says to its conductor, and how it waits for what that says. */
#include "run/case.h"
#include <errno.h>
#include <feedline/clock.h>

static const uint64_t look_ns = 100000000;

unsigned fl_case_number(const struct fl_case *c, const struct fl_case_lane *lane)
{
	return c->conductor ? c->conductor->numbers[lane->number] : lane->number;
}

void fl_conduct_cue(struct fl_case *c, enum fl_cue cue)
{
	bool over = cue != FL_CUE_STOPPED && fl_case_failed_lane(c); /* it is not there, and never will be */

	if (!c->conductor || over || c->conductor->said & 1U << cue)
		return;
	c->conductor->said |= 1U << cue;
	c->conductor->cue(c->conductor, cue);
}

void fl_conduct_failed(struct fl_case *c)
{
	for (size_t i = 0; c->conductor && i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];

		if (lane->state != FL_LANE_FAILED || lane->told)
			continue;
		lane->told = true;
		c->conductor->failed(c->conductor, fl_case_number(c, lane), lane->awaits, &lane->err);
	}
}

void fl_case_cancel(struct fl_case *c, const struct fl_err *why)
{
	for (size_t i = 0; i < c->lanes_n; i++) {
		struct fl_case_lane *lane = &c->lanes[i];

		if (lane->state == FL_LANE_FAILED)
			continue;
		lane->told = true; /* they know */
		if (lane->state == FL_LANE_DONE) {
			lane->err = *why;
			lane->state = FL_LANE_FAILED;
		} else
			fl_case_fail_lane(c, lane, false, why);
	}
}

int fl_conduct_ready(struct fl_case *c, struct fl_err *err)
{
	int rc = 0;

	fl_conduct_cue(c, FL_CUE_READY);
	while (rc == 0 && c->conductor && !c->conductor->start_ns && !fl_case_failed_lane(c))
		rc = fl_case_listen(c, fl_now_ns() + look_ns, err);
	return rc;
}

int fl_conduct_warm(struct fl_case *c, struct fl_err *err)
{
	int rc = 0;

	fl_conduct_cue(c, FL_CUE_WARM);
	while (rc == 0 && c->conductor && !c->conductor->from_ns && !fl_case_failed_lane(c)) {
		rc = fl_case_tick(c, UINT64_MAX, err);
		fl_case_fail_full(c);
	}
	return rc;
}

int fl_conduct_covered(struct fl_case *c, struct fl_err *err)
{
	int rc = 0;

	fl_conduct_cue(c, FL_CUE_COVERED);
	while (rc == 0 && c->conductor && !c->conductor->stop && !fl_case_failed_lane(c))
		rc = fl_case_tick(c, UINT64_MAX, err);
	return rc;
}

int fl_conduct_stopped(struct fl_case *c, struct fl_err *err)
{
	int rc = 0;

	fl_conduct_failed(c);
	fl_conduct_cue(c, FL_CUE_STOPPED);
	while (rc == 0 && c->conductor && !c->conductor->collect)
		rc = fl_case_listen(c, fl_now_ns() + look_ns, err);
	return rc;
}
