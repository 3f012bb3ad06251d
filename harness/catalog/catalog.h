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
 *  "metrics":[{"name","from","better","help"}],"facts":[{"name","key","help"}],"flows":[{"from","to","per_byte"}],
 *  "peer":{"tool","command","prints","counts","escape"}}; a record from before it has no "peer". */
json_t *fl_entry_json(const struct fl_entry *e);
int fl_entry_read(const json_t *doc, const char *at, struct fl_entry *ret, struct fl_err *err);
void fl_entry_release(struct fl_entry *e);

/* Options that every benchmark has, ended by a zeroed row: numa (device "node"), duration and timeout (ns). */
extern const struct fl_field fl_common_fields[];
/* The row of an option: the benchmark's own, else a common one; NULL: none. */
const struct fl_field *fl_entry_field(const struct fl_entry *e, const char *name);

/* The metric that speaks for a benchmark where only one can: its rate in bytes, else the first declared; NULL: none. */
const struct fl_metric *fl_entry_speaker(const struct fl_entry *e);

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
