/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_judge.c: a run (run_in.h) from a store that anybody may have changed, to a judgement and reports. */
#include "judge/judge.h"
#include "reports/reports.h"
#include "run_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void report(const struct fl_run *run, const struct fl_judgement *j)
{
	const struct fl_look look = { .width = 80 };

	for (const struct fl_renderer *r = fl_renderers; r->name; r++) {
		struct fl_text once = { 0 }, twice = { 0 };

		r->run(run, j, &look, &once);
		r->run(run, j, &look, &twice);
		if (once.n != twice.n || memcmp(once.bytes, twice.bytes, once.n) != 0)
			abort();
		fl_text_release(&once);
		fl_text_release(&twice);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fl_judgement *j = NULL;
	struct fl_err err = { 0 };
	struct fl_run *run;
	json_t *doc;

	if (fl_json_parse((const char *)bytes, n, "run", &doc, &err) < 0)
		return 0;
	run = run_in(doc);
	if (fl_judge(run, &j, &err) == 0)
		report(run, j);
	else if (!err.what[0])
		abort();
	fl_judgement_free(j);
	fl_run_free(run);
	json_decref(doc);
	return 0;
}
