/* SPDX-License-Identifier: Apache-2.0 */
/* noise.h: how far a metric moves by itself, from measurements between which nothing was changed (A=A): the runs of a
 * baseline, or the passes of a calibration. Rounds of one run share its conditions, so their spread alone says too
 * little about the next run. Hosts are never mixed: what differs between two machines is not what one does by itself.
 *
 * The unit is the median of a pass (of a run that is no calibration: all its rounds). Two components of variance, both
 * relative to the median of the passes: v_pass, of the pass medians, and v_round, of the rounds within a pass (the
 * median over the passes). A pass median of r rounds varies by pi/2 v_round / r through its rounds alone
 * (asymptotically, for normal noise), which the rank test takes into account already. What is left moves from pass to
 * pass:
 *
 *   floor = t sqrt(2) sqrt(max(0, v_pass - pi/2 v_round / r))
 *
 * Two measurements differ by sqrt(2) of that standard deviation. t is Student's for as many passes as there are, with
 * 0.15 % beyond it: so that of 20 metrics that all move from pass to pass, one crosses its floor towards the worse in
 * one comparison of 33, and still in fewer than one of 20 where few passes blur the parts. */
#ifndef FL_JUDGE_NOISE_H
#define FL_JUDGE_NOISE_H
#include "judge/evidence.h"

enum { FL_NOISE_PASSES = 5 }; /* fewer know too little */

struct fl_noise;

/* NULL: no metric has enough passes on a host. Owns what it needs: the evidence may be freed. */
struct fl_noise *fl_noise_make(const struct fl_evidence *const *runs, size_t n);
void fl_noise_free(struct fl_noise *noise); /* NULL allowed */

struct fl_floor {
	double ratio;  /* relative; NaN: not known, or only of a lane with another key */
	bool trusted;  /* no lane that it comes from is distrusted */
	size_t passes; /* that it rests on */
};
/* noise may be NULL. */
struct fl_floor fl_noise_floor(const struct fl_noise *noise, const struct fl_evidence_lane *lane, const char *host,
			       const char *metric);
size_t fl_noise_passes(const struct fl_noise *noise); /* the least that any floor rests on; 0 where noise is NULL */

#endif
