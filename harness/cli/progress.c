/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c: which step of how many. */
#include "cli/progress.h"
#include "cli/output.h"
#include <stdio.h>
#include <unistd.h>

struct fl_progress fl_progress_init(void)
{
	return (struct fl_progress){ .columns = fl_output_columns(STDERR_FILENO) };
}

void fl_progress_clear(struct fl_progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}

/* "[5/12] memory.copy node1, round 2 of 3"; "of at most" where a study may end before. */
static void describe(const struct fl_plan *plan, const struct fl_results *results, const struct fl_plan_step *step,
		     struct fl_text *out)
{
	const struct fl_plan_case *c = &plan->cases[step->case_no];
	struct fl_plan_left left = fl_plan_left(plan, results);

	fl_text_add(out, "[%llu/%llu] %s", (unsigned long long)left.steps_done + 1, (unsigned long long)left.steps_most,
		    c->label);
	if (c->rounds > 1)
		fl_text_add(out, ", round %u of %s%u", step->round + 1, c->rounds_least < c->rounds ? "at most " : "",
			    c->rounds);
}

static void case_starts(void *arg, const struct fl_plan *plan, const struct fl_results *results,
			const struct fl_plan_step *step)
{
	struct fl_progress *progress = arg;
	struct fl_text line = { 0 };

	if (progress->columns == 0)
		return;
	describe(plan, results, step, &line);
	fl_progress_clear(progress);
	fprintf(stderr, "%.*s", (int)progress->columns - 1, fl_text_str(&line));
	fflush(stderr);
	progress->shown = true;
	fl_text_release(&line);
}

static void say(void *arg, const char *line)
{
	fl_progress_clear(arg);
	fl_output_say("%s", line);
}

struct fl_watch fl_progress_watch(struct fl_progress *progress)
{
	return (struct fl_watch){ .arg = progress, .case_starts = case_starts, .say = say };
}
