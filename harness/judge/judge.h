/* SPDX-License-Identifier: Apache-2.0 */
/* judge.h: what a run means. A pure function of the record: the same run gives the same judgement, byte for byte, on
 * any machine, in any locale or time zone.
 *
 * First form. A lane is a case's lane over all rounds. Its metrics are summed up by round medians (the unit of
 * replication). Its rate in bytes is held against the limit of its path, whose hops follow from the declared flows, the
 * placement and the machine in the record. The expectation is the cap times what such a hop is known to reach
 * (expect.c); the line is (1 - tolerance) x expectation. The rate has a median, a low and a high:
 *   6 rounds or more    the interval of at least 95 % over the round medians
 *   2 to 5 rounds       the extremes of the round medians, which claim no confidence: all rounds must agree
 *   1 round             the interval over its slices (it says nothing about the next round); where it has too few of
 *                       them for one, its median alone
 * and is judged so:
 *   median above a cap by more than the tolerance   invalid (a result cannot beat physics); above it by less passes,
 *                                                   since rate and cap are known no better than that
 *   low on or above the line                        pass
 *   high below the line                             fail where every hop's cap is known, else unjudged (the hop without
 *                                                   a known cap, a drive's media say, may be what holds it back)
 *   the line between low and high                   inconclusive where every hop's cap is known, else unjudged
 * and unjudged where no cap is known, or nothing is known of how much of it such a path reaches (copies too short to
 * fill it, pageable memory, a part of a GPU), or where the suite requires a metric by name that is not this rate. The
 * tolerance and the interval are applied once: neither cap nor expectation contains them.
 *
 * Memory has no known cap. Where it carried elsewhere in the run what a lane is expected to put on it, and the lane ran
 * alone, on each host of its measurement, it is not what holds that back, and counts as known.
 *
 * Lanes of one case that load the same hop are also judged together: the sum of what they put on it, their medians by
 * the share of time that each was at work, above its cap by more than the tolerance makes them invalid. None of them
 * fails or is inconclusive unless the sum of their highs, as if they were at work at the same time, is below the line
 * of that hop (then there was room for each): it may have less than its fair share, which is not judged yet. Nor does
 * one whose links others load the other way.
 *
 * Rounds. A run is finished when nothing is left to do; so of a finished run what has no record was not needed, from
 * the round on before which the study of the case does not end it (plan.h). Elsewhere it was interrupted.
 *
 * Several hosts. Each is judged by its own machine, as if it were alone; a measurement between two of them by what
 * both have on its path. Then they are held against each other (across.h). There is one verdict and one status; a host
 * that was lost is something not measured that was to be, whatever the suite requires.
 *
 * Status: a lane that was not measured, inconclusive or (in `run`) unjudged counts only where it is required; an
 * invalid one always, since something is wrong with the measuring itself. Lanes that others are held against in a study
 * of starvation count only where they fail or are invalid; their being disturbed is that of the lanes they judge. */
#ifndef FL_JUDGE_JUDGE_H
#define FL_JUDGE_JUDGE_H
#include "base/stats.h"
#include "base/status.h"
#include "catalog/catalog.h"
#include "judge/across.h"
#include "judge/starvation.h"
#include "judge/studies.h"
#include "record/record.h"

#define FL_TOLERANCE 0.05 /* the one tolerance, printed in every report */

enum fl_verdict { FL_PASS, FL_FAIL, FL_INCONCLUSIVE, FL_VERDICT_INVALID, FL_VERDICT_NOT_MEASURED, FL_UNJUDGED };
const char *
fl_verdict_name(enum fl_verdict v); /* "pass", "fail", "inconclusive", "invalid", "not measured", "unjudged" */

struct fl_metric_summary {
	const char *name; /* of the record's declaration */
	enum fl_from from;
	const char *better; /* "higher", "lower", "neither" */
	struct fl_interval
		of_rounds; /* over round medians when there are several rounds; over the samples of the one otherwise.
			     * Histograms: always over the rounds' p50. n == 0: nothing was recorded, all is NaN */
	const char *of;	   /* what was counted: "rounds", "slices" (of a window), "steps" */
	unsigned rounds;
	double *of_round; /* the median of each planned round; NaN: none; rounds_planned long, owned */
	double mean; /* of all samples; tools that report bytes over time are compared with this. NaN for histograms */
	/* Histograms only, over the values of all rounds; NaN otherwise. */
	double p90, p99, p999, p9999, max;
};

/* How payload is moved over a link: what is to be expected of it follows from that (expect.c). */
enum fl_link_kind {
	FL_LINK_NONE,
	FL_LINK_PCIE_WRITE, /* a device writes into memory */
	FL_LINK_PCIE_READ,  /* it reads from there */
	FL_LINK_PEER_WRITE, /* one device writes into another */
	FL_LINK_PEER_READ,
	FL_LINK_NVLINK,
	FL_LINK_C2C,	    /* NVLinks between a GPU and the CPU */
	FL_LINK_GPU_MEMORY, /* within a GPU */
};

struct fl_hop {
	char *name;		/* "drive nvme-S1 link", "slot 0000:41:00 link, towards it" */
	double cap_bytes_per_s; /* of the payload, after crossings; NaN: unknown */
	char *origin;		/* "computed", "rated", "measured"; "computed, loose"; NULL for an unknown one */
	char *why;		/* why the cap, else what is to be expected of it, is not known; NULL: it is */
	double crossings;	/* of this hop per payload byte */
	double expected;	/* share of the cap that such a hop is known to reach; NaN: unknown */
	bool exact;		/* known, and not loose: it may fail a lane */
	bool stated;		/* by the benchmark itself: a limit that it puts on its payload */
	bool named;		/* a flow names the device, rather than "memory" or "cpu" of the lane */
	/* Of a link, else NONE and NULL: both its directions have the same `link`. */
	enum fl_link_kind kind;
	double reads, writes; /* of memory: the crossings by what is done to it; else 0 */
	/* Of another host of its group: which, and what it is called there (within `name`); else NULL. */
	const char *host, *name_there;
	bool carried;	  /* memory that carried what is expected of the lane elsewhere in the run (carried.c) */
	const void *link; /* compared, and nothing else */
	bool towards;	  /* the direction: towards the device */
};

/* How a lane stands among those that are like it (odd.c). */
struct fl_alike {
	size_t n;	 /* how many there are, it included; 0: too few to tell, or it has none */
	double median;	 /* of their medians */
	enum fl_odd odd; /* among them (outlier.h) */
};

/* The same measurement by another tool. */
struct fl_peer_command {
	char *tool, *command;
	char *prints;		   /* how its output calls the rate */
	double counts;		   /* bytes that it counts for one of payload */
	double expect_bytes_per_s; /* of a fail: what it prints there where the path is as it should be; else NaN */
};

struct fl_lane_verdict {
	unsigned case_no, lane; /* of the plan in the record */
	/* Of a run on several hosts where it ran, else 0 and NULL. place: which of the host's lanes in its case. */
	unsigned host, place;
	const char *host_name;
	/* Of lanes that make one measurement together (feedline/bench.h: roles), else 0, 1 and NULL. group: the lane in
	 * the case that is the first of them. */
	unsigned group, rank, size;
	char *role; /* "sender"; owned */
	/* "n1 to n3": where they are several the hosts of its lanes, by rank; where each is measured the one last that
	 * its payload arrives at. Owned. */
	char *group_name;
	const struct fl_lane_verdict *measured; /* of a group on several hosts: the measurement, itself or another */
	const struct fl_lane_verdict *back;	/* where each is one: the other way's; NULL: none, or not planned so */
	const char *across; /* how the hosts of its case meet: "bisection" (of the plan); NULL: it does not say */
	bool each;	    /* every lane of its group is a measurement: as feedline/bench.h says of flows */
	bool beside;	    /* another of them is the measurement: it counts only where something is wrong with it */
	const char *bench, *label;    /* of the plan in the record; label: of its case */
	const struct fl_entry *entry; /* the declaration in the record */
	json_t *options, *placement;  /* of the record where there is one, else as planned; owned */
	const struct fl_lane_record
		*first; /* the lane's first measured record, else its first one; NULL: it has none */
	struct fl_metric_summary *metrics;
	size_t metrics_n;
	struct fl_hop *hops;
	size_t hops_n;
	double cap_bytes_per_s; /* the smallest cap known on the path, which it cannot beat; NaN: none is known */
	enum fl_verdict verdict;
	char *reason, *hint; /* one line; NULL for a plain pass */
	char **evidence;     /* of a fail, one fact a line; elsewhere none */
	size_t evidence_n;
	/* How it is measured again, of every lane that was measured; reports show it beside a fail. */
	char *again;		     /* a command that shows it once more; NULL: there is none that fits on a line */
	char *again_when;	     /* "in at most 10 s", "in about 25 s"; NULL without a command */
	struct fl_peer_command peer; /* command NULL: the benchmark has none that says exactly the same */
	/* What was seen on its path that makes it slower than such a path can be: a link that is trained down, memory
	 * of another node. One sentence each. */
	char **findings;
	size_t findings_n;
	struct fl_alike alike;
	char **distrust;
	size_t distrust_n, inherited_n; /* the last of them are said of lanes that it is held against, too */
	/* What befell it and takes nothing from its number: a power limit that acted. One sentence each. */
	char **remarks;
	size_t remarks_n;
	struct fl_interval delivered; /* of an open loop that a closed one is held against: its rate; n == 0: none */
	bool wrong_data;
	bool required; /* it must be measured, not inconclusive (bench), and judged (`require`) */
	unsigned rounds_done, rounds_planned; /* planned: at most, where its study may end it early */
	unsigned pass_rounds;		      /* of a calibration: so many rounds are a pass; else 0 */
	/* Of a study of starvation (starvation.h), else NULL and false. */
	const char *rung;     /* what its case is: "loop", "open", "T3" */
	bool evidence_only;   /* it is there to hold the loop against, and need not mean anything by itself */
	struct fl_feed *feed; /* a lane of the loop; owned */
	double overlap;	      /* share of time in which the busier of source and copying was busy; NaN: unknown */
	/* Share of the window in which it was at work, in the round with the least of it: less than 1 where its device
	 * times it, and its rates leave out the time between. */
	double work_ratio;
	/* How many lanes its case has, and how many of them ran together in the round with the fewest: fewer where what
	 * others would use was given up. */
	unsigned case_lanes, lanes_ran;
};

/* What a study of starvation found as a whole. */
struct fl_feed_finding {
	const char *label; /* of the plan */
	const char *host;  /* of a run on several, else NULL */
	enum fl_band band; /* the worst of its accelerators */
	char *headline;	   /* one line: who is starved by what; owned */
	struct fl_feed_study *study;
};

struct fl_judgement {
	enum fl_status status;
	enum fl_verdict verdict; /* of the whole: the worst of its lanes, those apart that need not be measured */
	bool trustworthy;
	bool interrupted; /* rounds that were planned and needed have no record */
	/* By host, and for each in the order of the plan, without those that a study did not need at all. */
	struct fl_lane_verdict *lanes;
	size_t lanes_n;
	struct fl_study_result *studies; /* likewise, without those that only repeat */
	size_t studies_n;
	struct fl_feed_finding *feeds; /* likewise; owned */
	size_t feeds_n;
	/* One line: a host that was lost, who is starved by what, else which host is odd; NULL: nothing. Owned */
	char *headline;
	size_t count[FL_UNJUDGED + 1]; /* lanes per verdict, those apart that are beside a measurement and well */
	struct fl_entry *entries;      /* owned; what the lanes point at */
	size_t entries_n;
	/* Of a run on several hosts (across.h), else none. */
	struct fl_host_result *hosts; /* by their numbers; owned */
	size_t hosts_n;
	struct fl_between *across; /* what all hosts have, in the order of the plan; owned */
	size_t across_n;
	/* What is wrong with one of them as a whole, one line each, a lost one first; last that they spread though none
	 * is odd. Owned */
	char **odd_hosts;
	size_t odd_hosts_n;
	struct fl_view *views; /* owned; what the lanes point at */
	size_t views_n;
};

/* run must outlive the judgement. -EINVAL: the record contradicts itself (a store that was tampered with). */
int fl_judge(const struct fl_run *run, struct fl_judgement **ret, struct fl_err *err);
void fl_judgement_free(struct fl_judgement *j);

#endif
