/* SPDX-License-Identifier: Apache-2.0 */
/* normal.h: what runs that are alike say together (a baseline): of every metric the rounds of all of them, and how
 * far it moves by itself. */
#ifndef FL_JUDGE_NORMAL_H
#define FL_JUDGE_NORMAL_H
#include "judge/noise.h"

struct fl_normal_metric {
	const char *lane, *metric; /* borrowed from the evidence */
	bool primary;
	struct fl_interval rounds; /* of the runs whose lane is like that of the first (same key) */
	double floor;		   /* noise.h; NaN: not known */
};

struct fl_normal {
	struct fl_normal_metric *metrics; /* in the order of the first run that has each */
	size_t metrics_n, passes;	  /* passes: 0: too few for a floor */
};

struct fl_normal fl_normal_make(const struct fl_evidence *const *runs, size_t n);
void fl_normal_release(struct fl_normal *normal);

#endif
