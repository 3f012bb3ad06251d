/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h: what the user sees while a plan runs: one line on stderr that renews itself, on a terminal only. */
#ifndef FL_CLI_PROGRESS_H
#define FL_CLI_PROGRESS_H
#include "run/run.h"

struct fl_progress {
	unsigned columns; /* 0: no terminal */
	bool shown;	  /* a line is there now */
};

struct fl_progress fl_progress_init(void);
/* The agent's callbacks; progress must outlive them. */
struct fl_watch fl_progress_watch(struct fl_progress *progress);
/* Takes the line away. Call it before anything else is printed. */
void fl_progress_clear(struct fl_progress *progress);

#endif
