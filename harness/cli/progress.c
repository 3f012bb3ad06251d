/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c: which step of how many, and how long they still take. */
#include "cli/progress.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/output.h"
#include <feedline/clock.h>
#include <stdio.h>
#include <unistd.h>

static const uint64_t renewed_ns = 1000000000; /* how long a line stays as it is */

struct fl_progress fl_progress_init(uint64_t bytes)
{
	return (struct fl_progress){ .columns = fl_output_columns(STDERR_FILENO), .bytes = bytes };
}

void fl_progress_clear(struct fl_progress *progress)
{
	if (progress->shown)
		fprintf(stderr, "\r%*s\r", (int)progress->shown, "");
	progress->shown = 0;
}

/* ---- how far */

/* The step in flight never needs less than nothing, however long it takes. */
static uint64_t time_left(const struct fl_progress *p, uint64_t now_ns)
{
	uint64_t step_ns = fl_plan_step_ns(p->plan, p->step.case_no);
	uint64_t this_ns = fl_remaining_ns(&p->pace, step_ns), spent_ns = now_ns - p->began_ns;

	return fl_remaining_ns(&p->pace, p->left.time_ns - step_ns) + (this_ns > spent_ns ? this_ns - spent_ns : 0);
}

/* ---- the line */

/* "1.2 GiB of 2 GiB, about 3 s left". Before anything is done nobody knows how long it takes. */
static void describe_work(const struct fl_progress *p, uint64_t now_ns, struct fl_text *out)
{
	uint64_t rest = p->bytes > p->moved_bytes ? p->bytes - p->moved_bytes : 0;
	char done[FL_UNIT_TEXT], all[FL_UNIT_TEXT], time[FL_REMAINING_TEXT];

	fl_text_add(out, "%s of %s", p->moved_bytes ? fl_show_bytes(done, p->moved_bytes) : "nothing yet",
		    fl_show_bytes(all, p->bytes));
	if (p->moved_bytes)
		fl_text_add(out, ", %s",
			    fl_remaining_show(time, (uint64_t)((double)(now_ns - p->began_ns) * (double)rest /
							       (double)p->moved_bytes)));
}

/* "[5/12] about 40 s left: memory.copy node1, round 2 of 3". What a narrow terminal cuts off is at the end. */
static void describe(const struct fl_progress *p, uint64_t now_ns, struct fl_text *out)
{
	const struct fl_plan_case *c = &p->plan->cases[p->step.case_no];
	char time[FL_REMAINING_TEXT];

	fl_text_add(out, "[%llu/%llu] %s: %s", (unsigned long long)p->left.steps_done + 1,
		    (unsigned long long)p->left.steps_most, fl_remaining_show(time, time_left(p, now_ns)), c->label);
	if (c->rounds > 1)
		fl_text_add(out, ", round %u of %s%u", p->step.round + 1, c->rounds_least < c->rounds ? "at most " : "",
			    c->rounds);
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

	if (p->bytes)
		describe_work(p, now_ns, &line);
	else
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

static void case_starts(void *arg, const struct fl_plan *plan, const struct fl_results *results,
			const struct fl_plan_step *step)
{
	struct fl_progress *p = arg;
	uint64_t now_ns = fl_now_ns();

	if (p->columns == 0)
		return;
	if (p->plan)
		fl_remaining_took(&p->pace, fl_plan_step_ns(p->plan, p->step.case_no), now_ns - p->began_ns);
	p->plan = plan;
	p->step = *step;
	p->left = fl_plan_left(plan, results);
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

static void moved(void *arg, uint64_t bytes)
{
	((struct fl_progress *)arg)->moved_bytes = bytes;
}

static void say(void *arg, const char *line)
{
	fl_progress_clear(arg);
	fl_output_say("%s", line);
}

struct fl_watch fl_progress_watch(struct fl_progress *progress)
{
	return (struct fl_watch){
		.arg = progress, .case_starts = case_starts, .waits = waits, .moved = moved, .say = say
	};
}
