/* SPDX-License-Identifier: Apache-2.0 */
/* parts.h: what the files of this room share with each other and with nobody else. */
#ifndef FL_JUDGE_PARTS_H
#define FL_JUDGE_PARTS_H
#include "judge/judge.h"
#include "machine/machine.h"

/* A lane of the plan with its records: what is judged. Everything is borrowed from the run or the judgement. */
struct fl_subject {
	const struct fl_run *run;
	const struct fl_machine *machine;
	const struct fl_entry *entry;
	const json_t *planned; /* its object in the plan */
	const char *bench, *label;
	const char *across; /* of its case: judge.h */
	unsigned case_no, lane, rounds;
	unsigned rounds_needed;			     /* must have a record: all, unless its study has ended it */
	bool needed;				     /* false: so its study did without the case */
	unsigned pass_rounds;			     /* of a calibration, else 0 */
	const json_t *require;			     /* of the plan: "bench" or "bench:metric" */
	bool required;				     /* the suite names it there, or it is a `bench` */
	unsigned case_lanes;			     /* of its case; as subjects they lie side by side */
	bool alone;				     /* `feedline bench` would make its case, and place it so */
	const char *host;			     /* its name; NULL: the run is on one machine */
	char *group_hosts, *group_name;		     /* of a group on several hosts: "n1,n3", "n1 to n3"; owned */
	unsigned group, rank, size;		     /* of the plan (judge.h) */
	bool sends;				     /* its path is asked for what it sends to those of its group */
	bool spans;				     /* its group has lanes on several hosts */
	const struct fl_lane_record *const *records; /* in the order of rounds */
	size_t n;
	struct fl_lane_verdict *verdict; /* NULL: it is not judged yet, or its study did without the case */
};

/* ---- subjects.c: the plan in the record, and its records sorted by it */
struct fl_subjects {
	struct fl_machine *machine;
	struct fl_entry *entries; /* one for each row of run->declared */
	size_t entries_n;
	struct fl_subject *items;
	size_t n;
	const struct fl_lane_record **sorted;
	size_t slots; /* lanes x rounds of all cases */
	bool bench;   /* a run of `feedline bench`: everything must be measured, nothing need be judged */
};
/* -EINVAL: plan, declarations and records contradict each other. */
int fl_subjects_make(const struct fl_run *run, struct fl_subjects *ret, struct fl_err *err);
void fl_subjects_release(struct fl_subjects *s);
/* A metric of the lane that the suite requires by name and that is not this one; NULL: there is none. */
const char *fl_subject_requires_beside(const struct fl_subject *s, const char *metric);

/* ---- summary.c: records to numbers. Metrics in the order of declaration, into v->metrics. */
void fl_summarise(const struct fl_subject *s, struct fl_lane_verdict *v);

/* What fits into the cache of a GPU may be copied without reaching its memory; the largest today has 126 MiB, and both
 * buffers count. */
#define FL_GPU_CACHE_BYTES (UINT64_C(256) << 20)

/* ---- path.c: the hops of a lane, into v->hops, and the cap of the path. v->first must be set. */
void fl_find_path(const struct fl_subject *s, struct fl_lane_verdict *v);
/* What that adds to it: for paths that are no lane's. */
void fl_path_release(struct fl_lane_verdict *v);
/* Does the lane load the other direction of the hop's link? */
bool fl_loads_other_way(const struct fl_lane_verdict *v, const struct fl_hop *hop);
/* What people call a hop that a declaration names as flows do, or in words: "drive nvme-S1", "page cache"; malloc'd. */
char *fl_hop_name(const struct fl_subject *s, const struct fl_lane_verdict *v, const char *hop);

/* ---- seen.c: the link of a GPU in the lane's case, as telemetry saw it: at its best, since it may have rested in
 * between. false: nobody looked. */
struct fl_seen_link {
	double gts, lanes;
};
bool fl_find_seen_link(const struct fl_subject *s, const struct fl_gpu *gpu, struct fl_seen_link *ret);

/* ---- limits.c: the measured rate against the hops: verdict, reason and hint of a measured lane */
void fl_hold_against_limits(const struct fl_subject *s, struct fl_lane_verdict *v);
/* The metric that is judged; NULL: the lane has none. */
const struct fl_metric_summary *fl_judged_metric(const struct fl_lane_verdict *v);
/* The rate in bytes that is judged: median, and the low and high that the line is held against (judge.h). Of payload
 * that arrives in batches (feedline/bench.h, closed loops) the mean stands for the median. false: the lane has none. */
bool fl_judged_rate(const struct fl_lane_verdict *v, struct fl_interval *ret);
/* The known hop with the smallest cap, or with the smallest rate to expect; NULL: none is known. */
const struct fl_hop *fl_narrowest_hop(const struct fl_lane_verdict *v, bool expected);
/* How many rounds would decide, as a hint; malloc'd. */
char *fl_ask_for_rounds(const struct fl_subject *s);
#define FL_CAME_ANOTHER_WAY "the data came another way: a cache, or a device that is not the one in the path"

/* ---- groups.c: lanes that make one measurement together. What the lane is in it, and whether that is the measurement,
 * into v. */
void fl_find_role(const struct fl_subject *s, struct fl_lane_verdict *v);

/* ---- shared.c: hops that several lanes of a case load. All lanes, judged alone before; in the order of the plan. */
void fl_judge_shared(struct fl_lane_verdict *lanes, size_t n);

/* ---- odd.c: the odd one out, into v->alike. All lanes, with final verdicts; in the order of the plan. */
void fl_find_odd(struct fl_lane_verdict *lanes, size_t n);

/* ---- command.c: commands that measure again what was planned
 * The lane alone, as "feedline bench NAME --option value"; without a duration, and without what is the preset. */
void fl_add_bench_command(const struct fl_subject *s, struct fl_text *out);
/* The lane with those that ran beside it, once and briefly, a closed loop for ten of its steps; malloc'd. NULL: there
 * are more than a line takes, or it would get other CPUs. *ret_when: "in about 25 s", malloc'd, or NULL likewise. */
char *fl_again_command(const struct fl_subject *s, char **ret_when);

/* ---- failed.c: how a lane is measured again, and what a failed verdict says more than its reason. The verdict must
 * be final. */
void fl_show_ways(const struct fl_subject *s, struct fl_lane_verdict *v);

/* ---- peer.c: the command of another tool that measures the lane, into v->peer */
void fl_find_peer(const struct fl_subject *s, struct fl_lane_verdict *v);

/* ---- verdict.c: everything about one lane */
/* In the place of what was said before. Takes the reason, copies the hint; both may be NULL. */
void fl_verdict_set(struct fl_lane_verdict *v, enum fl_verdict verdict, char *reason, const char *hint);
void fl_judge_lane(const struct fl_subject *s, struct fl_lane_verdict *v);

/* ---- starvation.c: the lanes of closed loops, by the studies that hold them against others. All lanes, judged by
 * their limits before. feed_words.c: the headline, what is wanted and what was measured in words; malloc'd. */
void fl_judge_feeds(const struct fl_run *run, const struct fl_subjects *subjects, struct fl_judgement *j);
void fl_feed_conclude(struct fl_judgement *j);
char *fl_feed_wanted(const struct fl_feed *feed);
char *fl_feed_measured(const struct fl_feed *feed);

/* ---- studies.c: what the studies of the plan found, from the verdicts of all lanes */
int fl_find_studies(const struct fl_run *run, struct fl_judgement *j, struct fl_err *err);
void fl_studies_release(struct fl_judgement *j);
/* The metric that speaks for the lane, also where it has no value; NULL: it has none, or there is no lane. */
const struct fl_metric_summary *fl_speaking(const struct fl_lane_verdict *v);
/* knee.c, paired.c, passes.c: they complete a study that has its points. */
void fl_study_find_knee(struct fl_study_result *s);
void fl_study_find_solo(struct fl_study_result *s);
void fl_study_find_beside(struct fl_study_result *s);
void fl_study_find_ab(struct fl_study_result *s);
void fl_study_find_spread(struct fl_study_result *s);

#endif
