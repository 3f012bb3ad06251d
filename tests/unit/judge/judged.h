/* SPDX-License-Identifier: Apache-2.0 */
/* judged.h: sample runs and their judgement, for the tests of this room. */
#ifndef FL_TESTS_JUDGED_H
#define FL_TESTS_JUDGED_H
#include "../sample_run.h"
#include "judge/judge.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static inline struct fl_judgement *judge(const struct fl_run *run)
{
	struct fl_judgement *j = NULL;
	struct fl_err err = { 0 };

	if (fl_judge(run, &j, &err) < 0)
		fail_msg("%s", err.what);
	return j;
}

/* One lane of one round against a limit: null.pipeline states its own cap (0: it does not), so every hop counts as
 * known. Its n samples rise from low to high. */
static inline struct fl_run *paced_run(bool bench, const char *require, double cap, double low, double high, size_t n)
{
	struct fl_run *run = sample_run_new(bench, require);
	struct fl_lane_record *r;

	sample_lane(sample_case(run, "null.pipeline", 1), "null.pipeline",
		    "{\"batch\":\"1048576\",\"pace\":\"1000000\"}", NULL);
	r = sample_record(run, 0, 0, 0);
	if (n)
		sample_ramp(r, "bytes_per_s", low, high, n);
	if (cap > 0)
		sample_cap(r, "source pace", cap);
	return run;
}

#endif
