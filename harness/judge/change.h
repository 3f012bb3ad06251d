/* SPDX-License-Identifier: Apache-2.0 */
/* change.h: what moved between two sides, A (before) and B (after). Each side is a run, or several that are alike.
 * Pure: the same evidence gives the same comparison, byte for byte, anywhere.
 *
 * The unit of replication is the median of a round. A metric's change is the median of all ratios of a round of B to a
 * round of A, with the interval that belongs to the rank test (base/ranks.h). Where both sides have runs of the same
 * two hosts or more, the unit is the host: its own change, before to after, tested by signed ranks. A host that only
 * one side has is left out and said; so is, where the hosts have only one in common, every other one.
 *
 * A change counts where it is larger than the *line*: the tolerance, or the noise floor of that metric where it is
 * known and larger (noise.h). Of a primary metric it is judged so:
 *   fewer than 4 rounds on a side          inconclusive
 *   worse than the line, and p <= 5 %      fail (regressed)
 *   better than the line, and p <= 5 %     pass (improved)
 *   interval ends before the line          pass: a loss beyond the line is excluded. Not where the floor is above 10 %
 *                                          (and the tolerance), or one of the hosts alone is worse than the line
 *   else                                   inconclusive, with the number of rounds that would decide
 * p is that of the rank test with Holm's correction over all primary metrics of the comparison, so that the chance of
 * any false alarm in a comparison is 5 %. The interval is one of 95 % for the metric alone: it can only withhold a
 * pass. Metrics that are not primary are shown, with their own correction, and decide nothing.
 *
 * One tolerance, of the caller; else 5 % where the noise of the metric is not known, since it may well move that far by
 * itself, and 2 % where it is, because then its own floor says what it does.
 *
 * Lanes are matched by what they are (evidence.h). What a run of either side lacks, or what is unlike in what makes
 * numbers comparable, is refused: not measured, never a pass. A lane that neither side measured, for the same reason,
 * is no change and decides nothing; nor does one without a primary metric. */
#ifndef FL_JUDGE_CHANGE_H
#define FL_JUDGE_CHANGE_H
#include "base/ranks.h"
#include "judge/environment.h"
#include "judge/evidence.h"
#include "judge/noise.h"

#define FL_CHANGE_ALPHA		       0.05
#define FL_CHANGE_TOLERANCE	       0.05 /* not calibrated */
#define FL_CHANGE_TOLERANCE_CALIBRATED 0.02 /* calibrated */
#define FL_CHANGE_FLOOR_MAX	       0.10 /* what moves further by itself passes nothing */
enum { FL_CHANGE_UNITS_LEAST = 4 };

struct fl_side {
	const char *name; /* as the user named it: a run, a baseline */
	const struct fl_evidence *const *runs;
	size_t n;
};

enum fl_moved { FL_MOVED_NOT, FL_MOVED_BETTER, FL_MOVED_WORSE };
const char *fl_moved_name(enum fl_moved moved); /* "no change", "improved", "regressed" */

struct fl_metric_change {
	const char *metric; /* borrowed from the evidence */
	enum fl_better better;
	bool primary;
	struct fl_interval before, after; /* of the rounds of all runs of the side */
	size_t units;			  /* what was compared: the smaller side's rounds, or hosts */
	struct fl_ratio ratio;		  /* after / before; NaN: a value is not above zero */
	double p, p_adjusted;		  /* NaN: not compared */
	double least_p;			  /* that so many units can give */
	struct fl_floor floor;		  /* of the metric; over hosts the largest */
	double worst;			  /* ratio of the host that lost most; NaN: hosts are not compared */
	const char *worst_host;
	double line; /* relative */
	enum fl_moved moved;
	enum fl_verdict verdict; /* not measured: not compared; unjudged: not primary */
	char *reason, *hint;	 /* one line; NULL for a plain pass */
};

struct fl_lane_change {
	const char *name;		    /* borrowed from the evidence */
	const char *again, *again_when;	    /* measures it again (judge.h); NULL: none */
	const struct fl_peer_command *peer; /* likewise; its command NULL: none */
	struct fl_metric_change *metrics;
	size_t metrics_n;
	char *refused; /* why it is not compared at all; NULL: it is */
	enum fl_verdict
		verdict; /* of a refused one: fail where B has wrong data; unjudged where it decides nothing; else
				  * not measured */
	char **distrust;
	size_t distrust_n;
};

/* A host that is not compared, since one side lacks it. */
struct fl_left_out {
	const char *host; /* borrowed from the evidence */
	bool after;	  /* only B has it */
};

struct fl_comparison {
	const struct fl_side *a, *b;
	size_t hosts;	  /* pairs of hosts; 0: rounds are compared */
	double tolerance; /* of the caller; NaN: as each metric's noise is known */
	size_t passes;	  /* that the noise of the machine is known from; 0: it is not */
	size_t floors;	  /* metrics whose noise is known */
	struct fl_left_out *left_out;
	size_t left_out_n;
	size_t primary;		      /* metrics that are corrected for together */
	struct fl_lane_change *lanes; /* in the order of A, then those that only B has */
	size_t lanes_n;
	size_t count[FL_UNJUDGED + 1]; /* primary metrics per verdict; a refused lane counts once */
	size_t improved, regressed;    /* of the primary ones */
	enum fl_status status;
	enum fl_verdict verdict;
	bool trustworthy;
	struct fl_differences around; /* what was different around the first runs of A and B (of one host, if any) */
};

/* tolerance: NaN for the default. noise: NULL where it is not known. Sides and evidence must outlive the comparison.
 * -EINVAL: the sides have no lane in common. */
int fl_compare(const struct fl_side *a, const struct fl_side *b, const struct fl_noise *noise, double tolerance,
	       struct fl_comparison **ret, struct fl_err *err);
void fl_comparison_free(struct fl_comparison *c); /* NULL allowed */

#endif
