/* SPDX-License-Identifier: Apache-2.0 */
/* starvation.h: is an accelerator held up for want of its data, why, and by which hop? Pure; from a study of kind
 * `starvation` or `ladder` (plan/suite.h), whose cases are a closed loop and what it is held against.
 *
 * A sink takes D bytes (step_bytes) every C seconds (step_time). Batch i is complete at r_i, its consuming ends at e_i.
 * Of the steps that ended in the window the first only sets the clock; spoilt ones are left out, with their time:
 *
 *   S    sum of the stalls max(0, r_i - e_(i-1)) / W, W the time between the ends of the first and the last step
 *   AU   (number of steps) x C / W, with C as asked for: a sink that oversleeps cannot raise it
 *   rho  what the same path delivers in open loop, in the same company, / (D / C): D / mean time between deliveries,
 *        with the interval of that time, since times add up and rates do not
 *
 * Intervals. Of each round one value; of 6 rounds or more their median with its interval of 95 %, of 2 to 5 their
 * extremes (base/stats.h). Of one round: its steps in order are cut into up to 10 segments of 3 steps or more, and the
 * interval is that of the segments' shares by Student's t (batch means: Law and Kelton, Simulation Modeling and
 * Analysis, "output data analysis for a single system"), which allows for steps that resemble their neighbours. Fewer
 * than 9 steps: the extremes of single steps, no claim. Rounds of fewer than 3 are left out. Where that leaves none,
 * the steps that set the clock count, too, for their stall, their gap and C; where it still does, nothing is said.
 *
 * Bands: fed S < 5 %, moderately starved < 20 %, starved above (TensorFlow's profiler: input bound from 5 and 20 %).
 * The loss is what the control, whose data is always there, lacks: 1 - AU; or, where that is more, what the loop itself
 * lacks beside its stalls, 1 - AU - S: what a sink oversleeps hides stalls. It widens the interval of S on both sides.
 * What the queues gave that were fuller at the start of the window than at its end widens it upwards: batches x C / W,
 * of those ready and of the chunks that wait to be copied (waiting_chunks x block / D), at most as many as fit in.
 * The first line that applies:
 *
 *   the loss is above 0.1                                 not measurable: the step time cannot be kept here
 *   fewer than 3 steps; accounts that cannot be           not measurable
 *   the loop took more than the open loop can deliver     at the limit: the source was another one in the meantime
 *   the widened interval lies in one band                 that band
 *   rho's interval straddles 1                            at the limit
 *   the widened interval stays above 5 %                  the band of S's median: either is a failure
 *   S alone lies in one band, with the queue it does not  at the limit; a longer duration would tell
 *   S alone lies in one band, the loss widens it          not measurable
 *   S alone straddles 5 %                                 at the limit: more rounds would tell
 *   else                                                  not measurable
 *
 * The band comes before rho, since what the sink lost is what is asked and rho only says why. A queue that drains
 * widens S by what it gave instead of voiding it, since that is all that it can have hidden.
 *
 * Verdicts: fed is pass; moderately starved and starved fail; at the limit is inconclusive; not measurable is not
 * measured. They are those of the loop's lanes. The other cases are evidence: wrong data, invalid measurements and what
 * is below the limits of its path count as everywhere, but none of them must be judged or measured for its own sake.
 * Without the control or the open loop the loop is not measured. Cases of benchmarks that are neither the loop, its
 * open loop nor a rung of it make no such study: they are judged by themselves.
 *
 * Causes, of what is starved: capacity where rho's interval lies below 1: no queue cures that. jitter where it lies at
 * 1 or above and the arrivals of the open loop, replayed, starve a sink with the queue that it had. Else none is named;
 * nor where S, at the low end of its interval, is above the larger of 1 - rho (low end) and the S replayed by more than
 * loss and tolerance: the source was another one in the meantime, or something else holds the loop up.
 * Jitter is cured by a deeper queue: the smallest one <= 4096 with which the arrivals, replayed whole and each half
 * for itself, leave S < 5 %. Replayed: the times between deliveries are the source's service times, repeated until
 * there are enough; the source waits while that many batches are begun and not taken; the sink takes one every C; it
 * begins empty. The queue that it had is the fact `batches_ahead`, where the source states it: `prefetch` and the one
 * that is being made, or what is in flight where that is more because batches are small. So a prefetch as deep as the
 * queue that is needed is enough in either case; it has one batch to spare.
 *
 * The binding hop is found by witnesses, and named where at least two of them say the same and none another:
 *
 *   ladder        the first rung that delivers less than D / C adds the hop; for jitter the first whose arrivals,
 *                 replayed, starve the sink. Where each accelerator alone has enough and all have not, the last hop may
 *                 be what they share: this speaks for it, and not against another. A rung that is faster than the one
 *                 before it beyond noise and tolerance, or all together faster than one alone, makes the ladder
 *                 invalid, and the hop unattributed. It says nothing where a rung that leads to the loop's source
 *                 was disturbed, unless that rung gives less than half of what is wanted, or more than that all
 *                 the same
 *   occupancy     the stage that was busy all the time that the sink waited: the copying, with chunks waiting for it,
 *                 stands for the hop of the first rung, which is copied by one CPU; the source, where the copying has
 *                 time, for that of the last, but speaks against a drive there where its thread computes all the time
 *                 (source_cpu_ratio)
 *   counters      what kept the threads from their CPUs, where it can explain half of the stalls, speaks against every
 *                 hop: their waiting for one (where that is unknown, what others took), what the hypervisor gave to
 *                 others, a quota; a drive that counted less than half of the bytes speaks against itself
 *   intervention  the drive's rate was limited further: where S does not rise by half of what that must do, not even
 *                 at the far ends of the intervals, it speaks against the drive. That S rises, beyond noise, speaks for
 *                 the drive, but not against another hop: whatever is slowed enough binds */
#ifndef FL_JUDGE_STARVATION_H
#define FL_JUDGE_STARVATION_H
#include "base/stats.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FL_FED_BELOW	 0.05
#define FL_STARVED_FROM	 0.20
#define FL_CONTROL_LEAST 0.90 /* AU */

enum { FL_DEPTH_MAX = 4096 };

enum fl_band { FL_NO_BAND, FL_FED, FL_MODERATELY_STARVED, FL_STARVED, FL_AT_THE_LIMIT, FL_NOT_MEASURABLE };
const char *fl_band_name(enum fl_band band); /* "fed", ...; NULL for FL_NO_BAND */

enum { FL_LADDER_SAYS, FL_OCCUPANCY_SAYS, FL_COUNTERS_SAY, FL_INTERVENTION_SAYS, FL_WITNESSES };
const char *fl_witness_name(unsigned witness); /* "ladder", ... */

/* What is known of a lane of the loop. Intervals with n == 0 are unknown, all NaN. */
struct fl_feed {
	enum fl_band band; /* FL_NO_BAND: the lane has none, and its verdict says why */
	struct fl_interval S, AU, rho;
	struct fl_interval supply_bytes_per_s; /* of the open loop */
	double demand_bytes_per_s;	       /* D / C */
	double step_bytes, step_time_ns;       /* D and C */
	double control_AU;		       /* NaN: unknown */
	double kept;			       /* 1 - the loss; NaN: unknown */
	const char *cause;		       /* "capacity", "jitter"; NULL: none is named */
	char *hop;			       /* "drive nvme-S1"; "unattributed"; NULL: nothing is starved */
	char *why_hop;			       /* why unattributed, or who said so; NULL without a hop */
	char *said[FL_WITNESSES];	       /* what each witness said, or why it is silent; NULL without a hop */
	bool spoke[FL_WITNESSES];	       /* false: it was not asked, or nobody need hear it */
	uint64_t prefetch, depth_needed;       /* depth_needed 0: none is known to cure it */
	uint64_t ahead;			       /* batches that may be begun and not taken; >= prefetch */
	char *cure;			       /* one line; NULL: nothing to cure */
};

/* A rung of the ladder. */
struct fl_rung_result {
	const char *name, *after; /* of the declaration */
	char *hop;		  /* what it adds */
	struct fl_interval rate;  /* bytes per second of an accelerator; n == 0: unknown */
	const char *why;	  /* of an unknown rate: borrowed from its lane; NULL where it was not planned */
	double share;		  /* of D / C; NaN: unknown */
	double exposed_ns;	  /* that the hop adds to the time of a batch; NaN: unknown */
	const char *verdict;	  /* "suffices", "too slow", "at the limit"; NULL: unknown */
	bool beside;		  /* not on the way of the loop's own source: nothing of the loop is held against it */
	bool faster;		  /* than the rung before it, which cannot be */
};

/* What a study of starvation found beyond its lanes. */
struct fl_feed_study {
	const char *demand; /* name of the profile; NULL: none */
	/* Without the control: the way of the loop's own source from its first rung on, then those beside it. A study
	 * without a ladder has none. Owned, as all below. */
	struct fl_rung_result *rungs;
	size_t rungs_n;
	char *fairness; /* one line; NULL with one accelerator, or where they are alike within the tolerance */
};

void fl_feed_free(struct fl_feed *feed);	      /* NULL allowed */
void fl_feed_study_free(struct fl_feed_study *study); /* NULL allowed */

#endif
