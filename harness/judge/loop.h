/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h: the pieces that judge starvation (starvation.h), each a pure function of numbers. */
#ifndef FL_JUDGE_LOOP_H
#define FL_JUDGE_LOOP_H
#include "judge/starvation.h"
#include "record/record.h"
#include <stdbool.h>

/* ---- shares.c: shares of sums, and their intervals */

/* over[i] / under[i] of steps in their order. The share is sum / sum; the interval that of one round (starvation.h). */
struct fl_interval fl_share_interval(const double *over, const double *under, size_t n);
enum { FL_STEPS_LEAST = 3 };

/* Of several rounds: one such pair of lists each. */
struct fl_shares {
	double *of_round; /* owned; NaN: the round does not count */
	size_t n;
	struct fl_interval one; /* of the last round that counts */
	size_t steps;		/* of all that count */
};
/* A round of fewer than FL_STEPS_LEAST steps does not count. */
void fl_shares_add(struct fl_shares *all, const double *over, const double *under, size_t n);
/* n == 0 where no round counts. */
struct fl_interval fl_shares_interval(const struct fl_shares *all);
void fl_shares_release(struct fl_shares *all);

/* ---- steps.c: the series of a lane to what its steps did */

/* A lane of a closed loop over its rounds. */
struct fl_loop {
	struct fl_interval S, AU; /* n == 0: unknown */
	size_t steps;		  /* that count, of all rounds */
	double period_ns;	  /* mean of those; NaN: none */
	double drained;		  /* share of W that the queues gave and did not get back; never below 0 */
	double ready;		  /* mean of ready_batches; NaN: unknown */
	double source_busy, copy_busy, waiting_chunks; /* means while the sink waited; NaN: unknown */
	double source_cpu;			       /* so is this: share of its CPU's time that it used */
	const char *why;			       /* why S is unknown; NULL: it is known */
};
/* What a batch of the loop is. */
struct fl_loop_shape {
	double step_time_ns;
	double chunks;	/* of a batch; NaN: unknown */
	uint64_t ahead; /* batches that can be begun and not taken at most; 0: unknown */
};
/* records: those measured count. */
struct fl_loop fl_loop_measure(const struct fl_lane_record *const *records, size_t n,
			       const struct fl_loop_shape *shape);

/* A lane of the open loop over its rounds. */
struct fl_open {
	struct fl_interval rate; /* bytes per second; n == 0: unknown */
	double *deliveries;	 /* ns, of all rounds in their order, at most FL_DELIVERIES_MAX; owned */
	size_t deliveries_n;
};
enum { FL_DELIVERIES_MAX = 1 << 16 };
struct fl_open fl_open_measure(const struct fl_lane_record *const *records, size_t n, double step_bytes);
void fl_open_release(struct fl_open *open);

/* The share of time that the busier of source and copy did not wait for the other, over all rounds: 1 is perfect
 * overlap. NaN: unknown. */
double fl_overlap(const struct fl_lane_record *const *records, size_t n);

/* ---- bands.c */

struct fl_band_in {
	struct fl_interval S, AU, rho;
	double control_AU, drained;
};
/* Which line of the table (starvation.h) applied. */
enum fl_line {
	FL_LINE_CONTROL,
	FL_LINE_UNKNOWN,
	FL_LINE_ACCOUNTS,
	FL_LINE_CONTRADICTION,
	FL_LINE_BAND,
	FL_LINE_RHO,
	FL_LINE_QUEUE,
	FL_LINE_LOSS,
	FL_LINE_NOISE,
	FL_LINE_MEDIAN,
};
enum fl_band fl_band_decide(const struct fl_band_in *in, enum fl_line *ret_line);
enum fl_band fl_band_of(double S);
/* How much of its step time the sink kept: in the control, or, where that was less, in the loop, stalls apart. */
double fl_band_kept(const struct fl_band_in *in);
/* The most that S can be where the loop's source is that of the open loop, whose arrivals, replayed, give `replayed`
 * (NaN: unknown); kept as above. */
double fl_band_explained(const struct fl_interval *rho, double replayed, double kept);

/* ---- replay.c */

/* S of a sink that takes a batch every step_time_ns from a source with these service times, while at most `depth`
 * batches are begun and not taken: those that are ready, and the one that is being made. NaN: there are none. */
double fl_replay(const double *deliveries, size_t n, double step_time_ns, uint64_t depth);
/* The smallest depth that cures (starvation.h); 0: none up to FL_DEPTH_MAX. */
uint64_t fl_replay_depth(const double *deliveries, size_t n, double step_time_ns);

/* ---- ladder.c */

struct fl_ladder_rung {
	struct fl_interval rate; /* n == 0: unknown */
	double replayed;	 /* S of its arrivals with the prefetch of the loop; NaN: unknown */
	int after;		 /* the rung before it; -1: the control */
	bool disturbed;		 /* its measurement is not to be trusted */
};
enum fl_ladder_says {
	FL_LADDER_SILENT,    /* a rung is unknown, or at the limit */
	FL_LADDER_INVALID,   /* *ret: the rung that is faster than the one before it */
	FL_LADDER_CROWD,     /* invalid: each of all together is faster than one alone */
	FL_LADDER_DISTURBED, /* *ret: the rung that was, and gives between half and all of what is wanted */
	FL_LADDER_RUNG,	     /* *ret: the one that adds the binding hop */
	FL_LADDER_SHARED,    /* each alone has enough, all together have not */
	FL_LADDER_SUFFICES,  /* nothing of it binds */
};
/* top: the rung of the loop's own source. together: the rate of all accelerators at once, of one of them (n == 0: there
 * is only one). jitter: by arrivals rather than rates. *ret: the rung that the answer is about, also where it is
 * silent. */
enum fl_ladder_says fl_ladder_judge(const struct fl_ladder_rung *rungs, size_t n, int top, double demand_bytes_per_s,
				    const struct fl_interval *together, bool jitter, int *ret);
/* 1: the rate lies above the demand, -1: below, 0: at it, or unknown. */
int fl_rate_holds(const struct fl_interval *rate, double demand_bytes_per_s);
bool fl_rung_is_faster(const struct fl_interval *rung, const struct fl_interval *before);

/* ---- hop.c: do the witnesses agree? */

struct fl_testimony {
	/* ABSENT: it was not asked; SILENT: it was, and cannot tell; SUPPORTS: for it, and not against another. */
	enum { FL_ABSENT, FL_SILENT, FL_NAMES, FL_SUPPORTS, FL_DENIES } kind;
	int hop; /* of FL_NAMES, FL_SUPPORTS; of FL_DENIES: FL_EVERY_HOP, or the one that it cannot be */
};
enum { FL_EVERY_HOP = -1 };
/* The hop that at least two name or support, at least one names, and none denies or names another; -1: unattributed. */
int fl_witnesses_agree(const struct fl_testimony *said, size_t n);
/* What the busy stage is: FL_NAMES source or copy. */
enum fl_stage { FL_STAGE_UNKNOWN, FL_STAGE_SOURCE, FL_STAGE_SOURCE_CPU, FL_STAGE_COPY, FL_STAGE_SINK };
enum fl_stage fl_busy_stage(const struct fl_loop *loop, uint64_t prefetch);
/* Did S rise as a source of `limit` must make it? 1: yes, by half of that at least and beyond noise; -1: not even at
 * the far ends of both intervals; 0: the limit is none, or noise hides what it did. */
int fl_intervention_moved(const struct fl_interval *S, const struct fl_interval *slowed, double limit_bytes_per_s,
			  double demand_bytes_per_s);

#endif
