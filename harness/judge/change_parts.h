/* SPDX-License-Identifier: Apache-2.0 */
/* change_parts.h: what the three files of a comparison share: change.c matches lanes, change_lane.c puts their
 * numbers side by side, change_decide.c says what they mean. */
#ifndef FL_JUDGE_CHANGE_PARTS_H
#define FL_JUDGE_CHANGE_PARTS_H
#include "judge/change.h"

/* The lanes of one side that are the same lane, one for each run that has it. */
struct fl_matched {
	const struct fl_evidence_lane **lanes;
	const struct fl_evidence **runs;
	size_t n;
};

struct fl_match {
	const char *name, *identity;
	struct fl_matched sides[2]; /* before, after */
};

struct fl_matches {
	json_t *index; /* identity -> place in items */
	struct fl_match *items;
	size_t n;
};

struct fl_change_work {
	const struct fl_noise *noise;
	double tolerance;   /* NaN: the default */
	const char **hosts; /* that both sides have; none where each side is one host and they differ */
	size_t hosts_n;
	bool all;	/* each side is one host: all runs are used, else those of `hosts` */
	size_t runs[2]; /* used, of A and B */
	struct fl_ranks *ranks;
};

/* change_hosts.c: sets hosts, all and runs, and tells which hosts are left out. -EINVAL: of several there is none in
 * common. */
int fl_find_hosts(const struct fl_side *a, const struct fl_side *b, struct fl_change_work *w, struct fl_comparison *c,
		  struct fl_err *err);
bool fl_uses_run(const struct fl_change_work *w, const struct fl_evidence *run);

/* change_lane.c: everything but what it means: verdicts are still "not measured" (refused, missing), "unjudged" (not
 * primary) or "inconclusive" (to be decided). */
void fl_compare_lane(const struct fl_change_work *w, const struct fl_match *match, struct fl_lane_change *ret);

/* change_decide.c: corrected p, verdicts, counts, status. */
void fl_decide_changes(struct fl_comparison *c);

#endif
