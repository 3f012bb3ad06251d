/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c: which step of how many, and how long they still take. */
#include "cli/progress.h"
#include "base/text.h"
#include "cli/output.h"
#include <feedline/clock.h>
#include <stdio.h>
#include <unistd.h>

static const uint64_t renewed_ns = 1000000000; /* how long a line stays as it is */

struct fl_progress fl_progress_init(void)
{
	return (struct fl_progress){ .columns = fl_output_columns(STDERR_FILENO) };
}

void fl_progress_clear(struct fl_progress *progress)
{
	if (progress->shown)
		fprintf(stderr, "\r%*s\r", (int)progress->shown, "");
	progress->shown = 0;
}

/* ---- how far */

struct left {
	uint64_t steps_done, steps_most;
	uint64_t time_ns; /* of those not done yet, as the plan estimates it */
};

/* As if the plan were so many rounds of this case. */
static uint64_t time_of(const struct fl_plan *plan, size_t case_no, unsigned rounds)
{
	struct fl_plan_case one = plan->cases[case_no];

	one.rounds = rounds;
	return fl_plan_time_ns(&(struct fl_plan){ .cases = &one, .cases_n = 1 });
}

/* Steps in the order of fl_plan_next(): rounds outside, cases inside. */
static struct left count_left(const struct fl_plan *plan, const struct fl_plan_step *step)
{
	struct left left = { 0 };

	for (size_t i = 0; i < plan->cases_n; i++) {
		unsigned rounds = plan->cases[i].rounds, full = step->round + (i < step->case_no);
		unsigned done = rounds < full ? rounds : full;

		left.steps_done += done;
		left.steps_most += rounds;
		left.time_ns += time_of(plan, i, rounds - done);
	}
	return left;
}

/* The step in flight never needs less than nothing, however long it takes. */
static uint64_t time_left(const struct fl_progress *p, const struct left *left, uint64_t now_ns)
{
	uint64_t step_ns = time_of(p->plan, p->step.case_no, 1);
	uint64_t this_ns = fl_remaining_ns(&p->pace, step_ns), spent_ns = now_ns - p->began_ns;

	return fl_remaining_ns(&p->pace, left->time_ns - step_ns) + (this_ns > spent_ns ? this_ns - spent_ns : 0);
}

/* ---- the line */

/* "[5/12] about 40 s left: memory.copy node1, round 2 of 3". What a narrow terminal cuts off is at the end. */
static void describe(const struct fl_progress *p, uint64_t now_ns, struct fl_text *out)
{
	const struct fl_plan_case *c = &p->plan->cases[p->step.case_no];
	struct left left = count_left(p->plan, &p->step);
	char time[FL_REMAINING_TEXT];

	fl_text_add(out, "[%llu/%llu] %s: %s", (unsigned long long)left.steps_done + 1,
		    (unsigned long long)left.steps_most, fl_remaining_show(time, time_left(p, &left, now_ns)),
		    c->label);
	if (c->rounds > 1)
		fl_text_add(out, ", round %u of %u", p->step.round + 1, c->rounds);
	fl_blank_controls(out->bytes);
}

/* How many bytes of the text fit into that many columns, none of them a part of a character. */
static size_t fitting(const char *text, size_t n, size_t columns)
{
	if (n <= columns)
		return n;
	while (columns && ((unsigned char)text[columns] & 0xc0) == 0x80)
		columns--;
	return columns;
}

static void draw(struct fl_progress *p, uint64_t now_ns)
{
	struct fl_text line = { 0 };
	size_t n;

	describe(p, now_ns, &line);
	n = fitting(line.bytes, line.n, p->columns - 1);
	fprintf(stderr, "\r%.*s", (int)n, line.bytes);
	if (n < p->shown)
		fprintf(stderr, "%*s", (int)(p->shown - n), "");
	fflush(stderr);
	p->shown = n;
	p->drawn_ns = now_ns;
	fl_text_release(&line);
}

/* ---- what the agent calls */

static void case_starts(void *arg, const struct fl_plan *plan, const struct fl_plan_step *step)
{
	struct fl_progress *p = arg;
	uint64_t now_ns = fl_now_ns();

	if (p->columns == 0)
		return;
	if (p->plan)
		fl_remaining_took(&p->pace, time_of(p->plan, p->step.case_no, 1), now_ns - p->began_ns);
	p->plan = plan;
	p->step = *step;
	p->began_ns = now_ns;
	draw(p, now_ns);
}

static void waits(void *arg)
{
	struct fl_progress *p = arg;
	uint64_t now_ns = p->columns ? fl_now_ns() : 0;

	if (p->plan && now_ns >= p->drawn_ns + renewed_ns)
		draw(p, now_ns);
}

static void say(void *arg, const char *line)
{
	fl_progress_clear(arg);
	fl_output_say("%s", line);
}

struct fl_watch fl_progress_watch(struct fl_progress *progress)
{
	return (struct fl_watch){ .arg = progress, .case_starts = case_starts, .waits = waits, .say = say };
}
