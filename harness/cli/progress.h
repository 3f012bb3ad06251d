/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h: what the user sees while a plan runs: one line on stderr that renews itself, on a terminal only. It is
 * written with carriage returns and blanks alone, so that also those who want no escape codes can have it. */
#ifndef FL_CLI_PROGRESS_H
#define FL_CLI_PROGRESS_H
#include "run/remaining.h"
#include "run/run.h"

struct fl_progress {
	unsigned columns; /* 0: no terminal */
	size_t shown;	  /* how many of them the line takes that is there now */
	struct fl_remaining pace;
	const struct fl_plan *plan; /* NULL: no step has begun */
	struct fl_plan_step step;   /* in flight */
	struct fl_plan_left left;   /* when it began */
	uint64_t began_ns, drawn_ns;
	uint64_t bytes, moved_bytes; /* work that ends by itself: all of it (0: not known), and what is done */
};

struct fl_progress fl_progress_init(uint64_t bytes);
/* The agent's callbacks; progress must outlive them, and the plan the run. */
struct fl_watch fl_progress_watch(struct fl_progress *progress);
/* Takes the line away. Call it before anything else is printed. */
void fl_progress_clear(struct fl_progress *progress);

#endif
