/* SPDX-License-Identifier: Apache-2.0 */
/* studies.h: what the studies of a run found, from the round medians of their lanes; pure. plan/suite.h says what each
 * kind measures. What is compared is the metric that speaks for a lane (catalog.h). */
#ifndef FL_JUDGE_STUDIES_H
#define FL_JUDGE_STUDIES_H
#include "base/stats.h"

struct fl_lane_verdict;
struct fl_feed_finding;

/* One case of a sweep or of A and B, one lane of the others; of starvation and ladder one lane of each case. */
struct fl_study_point {
	/* sweep, ab, starvation, ladder: with that value; solo: together; beside: beside the load. NULL: the study did
	 * not need it. */
	const struct fl_lane_verdict *lane;
	const struct fl_lane_verdict *base; /* solo, beside: the same lane alone; B of ab: A; else NULL */
	const char *
		value; /* sweep, ab, starvation, ladder: of the option, canonical text, as the plan has it; else NULL */
	const char *metric; /* NULL: the lane has none */
	double median;	    /* of the lane's round medians; NaN: not measured */
	/* sweep: in `median` how near it comes to the best value, 1 for that one; low and high are NaN. solo, beside,
	 * ab: lane / base, over the ratios of the rounds that have both. n == 0: unknown. */
	struct fl_interval ratio;
	double spread; /* calibration: between its passes (base/stats.h); NaN: fewer than two */
};

struct fl_study_result {
	const char *kind, *label, *option; /* of the plan; option: NULL where its cases do not differ in one */
	struct fl_study_point *points;	   /* owned */
	size_t points_n;
	/* sweep: the value with the best median; NULL: none could be better than another. The smallest within the
	 * tolerance of it; NULL: there is no best, or values are words, which have no order. */
	const struct fl_study_point *best, *knee;
	struct fl_interval sum; /* solo: all lanes together / the sum of what each does alone; n == 0: unknown */
	const char *answer;	/* ab: "differs", "no difference", "cannot tell"; else NULL */
	const struct fl_feed_finding *feed; /* starvation, ladder: what it found (judge.h); else NULL */
	char *found;			    /* one line: what it found, or why nothing; owned */
};

/* The value of a point as a user would write it; malloc'd. */
char *fl_study_value(const struct fl_study_result *s, const struct fl_study_point *p);

#endif
