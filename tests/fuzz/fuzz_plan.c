/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_plan.c: the plan in a record that anybody may have changed: read, carried out, and written back. */
#include "base/json.h"
#include "plan/plan.h"
#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The value of a lane in a round: anything, but always the same. */
static double value_of(unsigned case_no, unsigned round, unsigned lane)
{
	unsigned mixed = (case_no * 31 + round * 17 + lane * 7) % 101;

	return mixed % 13 ? (double)mixed : (double)NAN;
}

static void carry_out(const struct fl_plan *plan, const struct fl_plan_step *step, struct fl_results *results)
{
	if (step->case_no >= plan->cases_n || step->round >= plan->cases[step->case_no].rounds)
		abort();
	for (unsigned lane = 0; lane < plan->cases[step->case_no].lanes_n; lane++) {
		const struct fl_plan_result result = { .case_no = step->case_no,
						       .round = step->round,
						       .lane = lane,
						       .value = value_of(step->case_no, step->round, lane),
						       .better = (enum fl_better)(step->case_no % 3) };

		fl_results_add(results, &result);
	}
}

/* To the end, or as far as a fuzzer's patience goes: every step is new, and there are no more than were told. */
static void use(const struct fl_plan *plan)
{
	struct fl_results *results = fl_results_make(plan);
	uint64_t most = fl_plan_left(plan, results).steps_most, done = 0;
	struct fl_plan_step step;

	for (; done < 200 && fl_plan_next(plan, results, &step); done++)
		carry_out(plan, &step, results);
	if (done > most || fl_plan_left(plan, results).steps_done != done)
		abort();
	fl_results_free(results);
	json_decref(fl_plan_json(plan));
	(void)fl_plan_time_ns(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fl_plan *plan = NULL;
	struct fl_err err = { 0 };
	json_t *doc;
	int rc;

	if (fl_json_parse((const char *)bytes, n, "plan", &doc, &err) < 0)
		return 0;
	rc = fl_plan_read(doc, &plan, &err);
	if (rc < 0 && !err.what[0])
		abort();
	if (rc == 0)
		use(plan);
	fl_plan_free(plan);
	json_decref(doc);
	return 0;
}
