/* SPDX-License-Identifier: Apache-2.0 */
/* sides.h: the runs that a word on the command line names, as evidence. Each run is loaded, judged, reduced and freed
 * before the next, so that many large ones fit. */
#ifndef FL_CLI_SIDES_H
#define FL_CLI_SIDES_H
#include "judge/evidence.h"
#include "record/store.h"

struct fl_runs_named {
	char *name; /* as the user wrote it */
	struct fl_evidence **runs;
	size_t n;
};

/* words: runs, "last" and baselines, joined by commas; each run once. -ENOENT with the nearest; -EINVAL: named
 * twice. */
int fl_sides_load(struct fl_store *store, const char *words, struct fl_runs_named *ret, struct fl_err *err);
void fl_sides_release(struct fl_runs_named *side);

#endif
