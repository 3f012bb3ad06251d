/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_plan.c: the plan in a record that anybody may have changed: read, asked for what is next, and written back. */
#include "base/json.h"
#include "plan/plan.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void use(const struct fl_plan *plan)
{
	const struct fl_plan_done done[] = { { 0, 0, 0 }, { 1, 0, 0 }, { 0, 1, 1 } };
	struct fl_plan_step step;

	if (fl_plan_next(plan, done, 3, &step) &&
	    (step.case_no >= plan->cases_n || step.round >= plan->cases[step.case_no].rounds))
		abort();
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
