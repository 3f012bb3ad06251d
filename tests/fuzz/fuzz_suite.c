/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_suite.c: a suite file that anybody may have written, to a plan over a small machine. A plan that is made must
 * survive the way into a record and out of it. */
#include "../unit/sample_gpus.h"
#include "../unit/sample_loop.h"
#include "plan/plan.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(const struct fl_plan *plan)
{
	json_t *doc = fl_plan_json(plan);
	struct fl_plan *again;
	struct fl_err err = { 0 };

	if (fl_plan_read(doc, &again, &err) < 0)
		abort();
	fl_plan_free(again);
	json_decref(doc);
}

/* Over these benchmarks and that machine: a plan that can be read back, or an error that says something. */
static void make(const struct fl_suite *suite, const struct fl_catalog *catalog, const struct fl_machine *m)
{
	static const struct fl_plan_settings settings = { .demands = &sample_demands };
	struct fl_plan *plan;
	struct fl_err err = { 0 };

	if (fl_plan_make(suite, catalog, m, &settings, &plan, &err) == 0) {
		check(plan);
		fl_plan_free(plan);
	} else if (!err.what[0]) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fl_entry entries[SAMPLE_LOOP_ENTRIES];
	struct fl_catalog loops = sample_loop_catalog(entries), of_gpus = sample_gpu_catalog();
	struct sample_machine s;
	struct sample_gpus g;
	struct fl_suite *suite;
	struct fl_err err = { 0 };

	if (fl_suite_parse((const char *)bytes, n, "fuzz", "fuzz.yaml", &suite, &err) < 0)
		return 0;
	sample_machine_init(&s);
	sample_gpus_init(&g);
	make(suite, &loops, &s.m);
	make(suite, &of_gpus, &g.s.m);
	fl_suite_free(suite);
	return 0;
}
