/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.h: what a run has to say when runs are compared: for every lane what it is, what makes its numbers
 * comparable, and the medians of its rounds (the unit of replication). A few KiB a lane and free of the run, so that
 * many large runs can be compared one after the other.
 *
 * A run on several hosts gives evidence of each of them, as if each had been run alone: hosts are what is compared. A
 * measurement between hosts counts for each of them; all that a host has a part in are one lane, whose rounds are their
 * medians. */
#ifndef FL_JUDGE_EVIDENCE_H
#define FL_JUDGE_EVIDENCE_H
#include "judge/judge.h"

struct fl_evidence_metric {
	char *name;
	enum fl_better better;
	bool primary;	 /* its change decides: the suite's `primary` names it; without one, the metric that speaks for
			  * the lane (catalog.h), where it has a direction */
	double *medians; /* of each planned round; NaN: it has none */
	size_t n;
};

struct fl_evidence_lane {
	char *name;	/* for people */
	char *identity; /* benchmark, options (but for duration and time-out), what runs beside it: equal texts are the
			 * same lane. A second one in the same run ends in " #2" */
	json_t *key;	/* {"what": text}: all else that makes numbers comparable: duration, node, CPUs, how many of the
			 * lanes of its case ran, the hops of its path with their caps, key facts; of a measurement
			 * between hosts how many the run had. Unlike texts are refused */
	bool primary;	/* a metric of it is */
	bool counts;	/* it has numbers that mean what they say */
	enum fl_verdict verdict; /* of the lane in its run */
	char *reason;		 /* why it does not count; NULL where it does */
	char **distrust;
	size_t distrust_n;
	struct fl_evidence_metric *metrics; /* in the order of declaration */
	size_t metrics_n;
	char *again, *again_when;    /* a command that measures it again (judge.h); NULL: none */
	struct fl_peer_command peer; /* likewise; command NULL: none */
	unsigned pass_rounds; /* rounds of a pass of a calibration: so many medians make one; 0: all of them do */
};

struct fl_evidence {
	char run[40];
	int64_t started_ns;
	char *suite, *host; /* "" where the record does not say */
	json_t *machine, *environment;
	struct fl_evidence_lane *lanes; /* in the order of the plan */
	size_t lanes_n;
};

/* Of how many hosts it has evidence: 1 for a run on one machine. */
size_t fl_evidence_hosts(const struct fl_judgement *j);
/* The evidence of the host of that number. names: what people call the lanes of j, one each (reports/reports.h);
 * copied. Cannot fail: whatever contradicts itself was refused by fl_judge(). */
struct fl_evidence *fl_evidence_make(const struct fl_run *run, const struct fl_judgement *j, char *const *names,
				     size_t host);
void fl_evidence_free(struct fl_evidence *e); /* NULL allowed */

#endif
