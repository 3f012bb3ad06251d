/* SPDX-License-Identifier: Apache-2.0 */
/* record.h: what a run leaves behind, as plain data. Kept, never averaged away: judging and reporting need nothing
 * else. */
#ifndef FL_RECORD_RECORD_H
#define FL_RECORD_RECORD_H
#include <feedline/err.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One metric of one lane in one round. FL_SERIES_SAMPLES: at[i] = ns since the start of the window (the end of the
 * slice or step), value[i] = the metric; valid[i] = 0 for spoilt ones. FL_SERIES_HISTOGRAM: at[i] = middle of a
 * bucket (ns), value[i] = how many; valid unused, may be NULL. Arrays and metric are owned: each for itself, or in one
 * block that `at` begins (`joined`), as a store gives them, which has millions. */
enum fl_series_kind { FL_SERIES_SAMPLES, FL_SERIES_HISTOGRAM };
struct fl_series {
	char *metric;
	enum fl_series_kind kind;
	bool joined;
	size_t n;
	double *at, *value;
	uint8_t *valid;
};

enum fl_outcome { FL_MEASURED, FL_NOT_MEASURED, FL_INVALID };

/* One lane in one round. JSON members are owned references, never NULL: what is shown here, or json null where there is
 * nothing. In lanes from a store equal values are shared between lanes, so nobody changes one: a member is replaced. */
struct fl_lane_record {
	unsigned case_no, round, lane;
	char *bench;
	json_t *options;   /* {"block": 1048576, ...}: as reported to users */
	json_t *placement; /* {"cpus": "0-1", "node": 0, "verified": true|false|null, "reason": ...};
			    * of a run on several hosts also "host": its name */
	json_t *facts;	   /* {"buffers": "registered", ...} */
	json_t *caps;	   /* [{"hop": "source pace", "cap_bytes_per_s": 1e9, "origin": "computed", "reason": null}] */
	enum fl_outcome outcome;
	char *reason, *hint; /* why not FL_MEASURED, or which wrong data was found; else NULL */
	json_t *distrust;    /* list of texts: why a measured lane is not trustworthy */
	json_t *notes; /* {"window_ns", "warm_ns", "ended": "time up"|"work done"|..., "verified": true|false|null,
			      "steps", "spoilt", "dropped", "witnesses": {...} (run/witness.h)} */
	struct fl_series *series;
	size_t series_n;
};

/* What was seen beside a case: one metric of one subject (the id of a GPU, drive, NIC or node; "system": the whole
 * machine; "feedline": what looking at all this cost) in one round. The series is of samples, its times as those of a
 * lane: ns since the start of the window, so that what lies before it is negative. Of equal values one after the other
 * only the first and the last are kept. */
struct fl_watched {
	unsigned case_no, round;
	char *subject;
	struct fl_series series;
};

/* Bounds of the plan in a record, for the room that makes and reads it and for the one that judges by it. SLOTS:
 * lanes x rounds of all cases. */
enum {
	FL_CASES_MAX = 10000,
	FL_CASE_LANES_MAX = 10000,
	FL_PLAN_LANES_MAX = 1 << 17, /* of all cases */
	FL_PLAN_HOSTS_MAX = 4096,
	FL_ROUNDS_MAX = 1000,
	FL_REQUIRE_MAX = 1024,
	FL_SWEEP_MAX = 256, /* values of a study */
	FL_SLOTS_MAX = 1 << 22,
	FL_WATCHED_MAX = 1 << 22, /* series of a run */
	FL_RUN_HOSTS_MAX = 4096
};

/* One of several machines that a run was on. */
struct fl_run_host {
	char *name;
	json_t *machine, *environment; /* as in fl_run; owned */
};

/* One run. On several machines, where a lane ran is what the plan says of it (its `host`), and the subject of what was
 * watched has the host before it: "n2/gpu-0000:41:00.0". */
struct fl_run {
	char id[40];
	int64_t started_ns; /* CLOCK_REALTIME */
	bool finished;
	int status;			      /* exit status of a finished run; -1 before */
	json_t *plan, *machine, *environment; /* environment: versions, kernel, command line, host, boot id, ... */
	json_t *declared;		      /* {"memory.copy": <entry as in the manifest>, ...} */
	/* By the plan's number of them; none where the run was on one machine. machine and environment are those of
	 * the first, too. */
	struct fl_run_host *hosts;
	size_t hosts_n;
	struct fl_lane_record *lanes;
	size_t lanes_n;
	struct fl_watched *watched; /* by round, case, subject and metric, as far as it comes from a store */
	size_t watched_n;
};

struct fl_lane_record *fl_run_add_lane(struct fl_run *run); /* zeroed, JSON members set to null; valid until the next */
void fl_lane_record_init(struct fl_lane_record *lane);	    /* the same for a record outside of a run */
/* The same content: numbers bit by bit, JSON by value. */
bool fl_lane_record_equal(const struct fl_lane_record *a, const struct fl_lane_record *b);
void fl_lane_record_release(struct fl_lane_record *lane);
struct fl_watched *fl_run_add_watched(struct fl_run *run); /* zeroed; valid until the next */
void fl_watched_release(struct fl_watched *watched);
bool fl_watched_equal(const struct fl_watched *a, const struct fl_watched *b); /* bit by bit */
/* By round, case, subject, metric: below 0 where a comes first. */
int fl_watched_compare(const struct fl_watched *a, const struct fl_watched *b);
/* A joined series of n, arrays and all; their content is open. -ENOMEM. */
int fl_series_make(const char *metric, enum fl_series_kind kind, size_t n, struct fl_series *ret);
void fl_run_release_results(struct fl_run *run); /* its lanes and what was watched: it has none any more */
void fl_run_free(struct fl_run *run);
/* name is copied, the references are taken; valid until the next. */
struct fl_run_host *fl_run_add_host(struct fl_run *run, const char *name, json_t *machine, json_t *environment);
bool fl_run_host_equal(const struct fl_run_host *a, const struct fl_run_host *b);
void fl_run_host_release(struct fl_run_host *host);
const char *fl_outcome_name(enum fl_outcome outcome); /* "measured", "not measured", "invalid" */
int fl_outcome_of(const char *name);

#endif
