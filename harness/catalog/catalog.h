/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.h: what can be measured: the manifests that the worker programs wrote at build time. Loading one starts no
 * program and touches no device. */
#ifndef FL_CATALOG_CATALOG_H
#define FL_CATALOG_CATALOG_H
#include "base/text.h"
#include <feedline/bench.h>
#include <jansson.h>

enum { FL_MANIFEST_SCHEMA = 1, FL_MANIFEST_FILE_MAX = 4 << 20 };

/* One benchmark as declared. Tables end with a zeroed row, never NULL; offsets in fields are 0. */
struct fl_entry {
	char *name, *summary;
	char *program;	   /* "feedline-lane-host" */
	char *unavailable; /* "built without CUDA"; NULL: available */
	char *numa;	   /* as in struct fl_bench */
	char *threads;	   /* likewise */
	bool verifies;
	struct fl_field *fields;
	struct fl_metric *metrics;
	struct fl_fact *facts;
	struct fl_flow *flows;
	struct fl_peer peer; /* tool NULL: none */
	char *lanes, *lane;  /* as in struct fl_bench */
	bool whole;	     /* likewise */
	bool device_clock;   /* likewise */
	char *open_loop;     /* likewise */
	struct fl_rung *rungs;
	char *roles, *measured_at, *measured_when; /* as in struct fl_bench */
	bool lockstep;				   /* likewise */
};

struct fl_catalog {
	struct fl_entry *entries; /* sorted by name */
	size_t n;
};

/* Every *.json of the directory, hostile input. Two programs with the same benchmark: -EINVAL naming both. */
int fl_catalog_load(const char *dir, struct fl_catalog **ret, struct fl_err *err);
void fl_catalog_free(struct fl_catalog *c);

/* -EINVAL with the nearest name as hint. */
int fl_catalog_find(const struct fl_catalog *c, const char *name, const struct fl_entry **ret, struct fl_err *err);

/* One entry to and from JSON: the form it has in manifests and in records (which must be judged without the benchmark).
 * {"name","summary","unavailable","numa","threads","verifies","fields":[{"name","type","preset","range","help"}],
 *  "metrics":[{"name","from","better","help"}],"facts":[{"name","key","help"}],
 *  "flows":[{"from","to","per_byte","when"}],"peer":{"tool","command","prints","counts","escape"},"whole",
 *  "device_clock","lanes","lane","open_loop","rungs":[{"name","bench","source","after","hop"}],"roles",
 *  "measured_at","lockstep","measured_when"}; a record from before them has no "peer", nothing after it, no
 *  "device_clock", no "roles", no "lockstep", or no "measured_when". */
json_t *fl_entry_json(const struct fl_entry *e);
int fl_entry_read(const json_t *doc, const char *at, struct fl_entry *ret, struct fl_err *err);
void fl_entry_release(struct fl_entry *e);

/* 0, or -ENOSYS with the reason why this build cannot measure it, and what to do. */
int fl_entry_available(const struct fl_entry *e, struct fl_err *err);

/* Options that no benchmark declares, ended by a zeroed row. Every one has numa (device "node") and timeout (ns); one
 * that does not end by itself has duration (ns); one that reads a path has read_limit; one that can be given step_bytes
 * and step_time has demand in their place (demand.h); one with a GPU has shared (flag); every one has telemetry (flag).
 * Flags that are not given are as if they had their default, and no option of the lane. */
extern const struct fl_field fl_common_fields[];
enum { FL_COMMON_MAX = 8 }; /* their number, at most */
/* Those of a benchmark, ended by a zeroed row. */
struct fl_commons {
	struct fl_field fields[FL_COMMON_MAX + 1];
};
struct fl_commons fl_entry_commons(const struct fl_entry *e);
/* The row of an option: the benchmark's own, else a common one; NULL: none. */
const struct fl_field *fl_entry_field(const struct fl_entry *e, const char *name);

/* The metric that speaks for a benchmark where only one can: its rate in bytes, else the first declared; NULL: none. */
const struct fl_metric *fl_entry_speaker(const struct fl_entry *e);

/* ---- loop.c: several lanes, closed loops and their rungs (feedline/bench.h, "closed loops")
 * May they be? -EINVAL names the first thing wrong. Reading an entry checks this. */
enum { FL_RUNGS_MAX = 16 };
int fl_loop_check(const struct fl_entry *e, const char *at, struct fl_err *err);
/* What closed loops say of other benchmarks, where all are known. Loading a catalog checks this. */
int fl_loops_check(const struct fl_catalog *c, struct fl_err *err);
/* Is it a closed loop? */
bool fl_entry_is_loop(const struct fl_entry *e);

/* ---- role.c: lanes that make one measurement together (feedline/bench.h: roles)
 * May they be? Reading an entry checks this. */
enum { FL_ROLES_MAX = 6 }; /* what all of them say at once fits one message */
int fl_roles_check(const struct fl_entry *e, const char *at, struct fl_err *err);
/* How many lanes make one measurement: 1 without roles. */
unsigned fl_entry_roles(const struct fl_entry *e);
/* What the lane of that rank is, not terminated by 0; NULL: nothing (no roles, or not so many). */
const char *fl_entry_role(const struct fl_entry *e, unsigned rank, size_t *ret_n);
/* Of that rank, is it the measurement? Where not each of them is. */
bool fl_entry_is_measured(const struct fl_entry *e, unsigned rank);
/* Is each of several roles with these options? As fl_flow_holds. */
bool fl_entry_measures_each(const struct fl_entry *e, const char *(*text_of)(const void *from, const char *option),
			    const void *from);

/* ---- flow.c: `when` of a flow, and of what else is so for some words of a choice
 * what: "a flow holds". */
int fl_when_check(const struct fl_entry *e, const char *when, const char *what, const char *at, struct fl_err *err);
bool fl_when_holds(const struct fl_entry *e, const char *when,
		   const char *(*text_of)(const void *from, const char *option), const void *from);
/* May it be? Reading an entry checks this. */
int fl_flow_check(const struct fl_entry *e, const struct fl_flow *flow, const char *at, struct fl_err *err);
/* Does it count with these options? text_of gives the canonical text of one; NULL (not known): it does. */
bool fl_flow_holds(const struct fl_entry *e, const struct fl_flow *flow,
		   const char *(*text_of)(const void *from, const char *option), const void *from);

/* ---- peer.c: the template of feedline/bench.h
 * May it be? -EINVAL names the first thing wrong in it. Reading an entry checks this. */
int fl_peer_check(const struct fl_entry *e, const char *at, struct fl_err *err);
/* Appends the command. values: the texts of names, as the tool takes them. false: it cannot be said of this lane, or is
 * not of the tools and options that peer.c lists; *out is as it was. */
bool fl_peer_expand(const struct fl_peer *peer, const json_t *values, struct fl_text *out);

/* "rate_bytes", ... and back (-1: unknown). */
const char *fl_from_name(enum fl_from from);
int fl_from_of(const char *name);
const char *fl_better_name(enum fl_better better);
int fl_better_of(const char *name);

#endif
