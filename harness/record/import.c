/* SPDX-License-Identifier: Apache-2.0 */
/* import.c: which line may follow which, and what becomes of it. */
#include "record/import.h"
#include "base/alloc.h"
#include "base/json.h"
#include "record/add.h"
#include "record/export.h"
#include "record/find.h"
#include "record/journal_in.h"
#include "record/lane_in.h"
#include "record/lanes.h"
#include "record/life.h"
#include "record/line.h"
#include "record/lines_in.h"
#include "record/schema.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KIND_ROOM = 32, PLACE_ROOM = 256 };
enum { WATCHED_SINCE = 2, HOSTS_SINCE = 3 }; /* schema of an export */

struct fl_import {
	struct fl_lines_in lines;
	struct fl_lane_in lane_in;
	struct fl_store *store;
	struct fl_imported did;
	bool ended;

	/* the run whose lanes come now */
	char id[40]; /* empty: none */
	bool there;  /* it is in the store: its lanes are compared with those that `stored` gives */
	bool grows;  /* it is there, but was cut short: what it lacks is added */
	bool grew;
	int status;	    /* that the line of the run says; -1: not finished */
	int64_t no;	    /* key of its row */
	struct fl_run *met; /* as it is in the store, with its hosts, without lanes; NULL: it is not */
	struct fl_lanes stored;
	struct fl_lane_record next; /* of `stored`, not met yet; no bench: there is none */
	struct fl_adding adding;
	struct fl_line_counts counts;
	struct fl_lane_record last;	/* its numbers: round, case, lane */
	struct fl_watched next_watched; /* of `stored`, as `next`; no subject: there is none */
	struct fl_watched last_watched; /* that came; no subject: none yet */
	int64_t schema;			/* of the export */
	struct fl_from_journal journal; /* what its head says */
};

/* ---- errors */

/* -EINVAL: what is wrong with the line, as a whole. */
static int refuse(const struct fl_import *i, struct fl_err *err, const char *what)
{
	fl_fail(err, -EINVAL, "%s:%zu: %s", i->lines.name, i->lines.line, what);
	return fl_hint(err, "nothing was imported; export it again");
}

static int refuse_scan(const struct fl_import *i, const struct fl_scan *s, struct fl_err *err)
{
	fl_fail(err, -EINVAL, "%s:%zu:%zu: %s", i->lines.name, i->lines.line, fl_scan_column(s), s->bad);
	return fl_hint(err, "nothing was imported; export it again");
}

static int other_content(const struct fl_import *i, const char *what, const char *name, struct fl_err *err)
{
	fl_fail(err, -EEXIST, "%s:%zu: %s '%s' is in store '%s' with other content", i->lines.name, i->lines.line, what,
		name, i->store->path);
	return fl_hint(err, "nothing was imported; choose another store with --store FILE");
}

/* "FILE:LINE: run", for the messages of the typed getters. */
static void name_place(const struct fl_import *i, const char *kind, char ret[PLACE_ROOM])
{
	char *place = fl_format("%s:%zu: %s", i->lines.name, i->lines.line, kind);

	fl_copy(ret, PLACE_ROOM, place);
	free(place);
}

/* ---- the first line */

/* Is it compressed, or nothing that has lines? */
static int no_export(const struct fl_import *i, const char *line, struct fl_err *err)
{
	fl_fail(err, -EINVAL, "'%s' is not an export of feedline", i->lines.name);
	if ((unsigned char)line[0] == 0x1f || strncmp(line, "\x28\xb5\x2f\xfd", 4) == 0 ||
	    strncmp(line, "BZh", 3) == 0 ||
	    strncmp(line,
		    "\xfd"
		    "7zXZ",
		    5) == 0)
		return fl_hint(err, "it is compressed: unpack it, as with: gunzip -c FILE | feedline import -");
	if (strncmp(line, "SQLite", 6) == 0)
		return fl_hint(err, "it is a database: name it as --store, or export from it first");
	return fl_hint(err, "make one with: feedline export --output FILE");
}

/* Of a journal the head says which run and host it is of. */
static int check_journal(struct fl_import *i, json_t *head, struct fl_err *err)
{
	json_t *journal = json_object_get(head, "journal");
	const char *run = fl_json_text_or_null(journal, "run"), *host = fl_json_text_or_null(journal, "host");

	i->journal.is = journal != NULL;
	if (journal && (!run || !fl_name_good(run) || !fl_copy(i->journal.run, sizeof(i->journal.run), run)))
		return refuse(i, err, "a journal must say which run it is of");
	if (journal && (!host || !fl_copy(i->journal.host, sizeof(i->journal.host), host)))
		return refuse(i, err, "a journal must say which host it is of");
	return 0;
}

static int check_head(struct fl_import *i, const char *line, size_t n, struct fl_err *err)
{
	json_t *head = NULL;
	int64_t schema = 0;
	int rc = 0;

	if (strncmp(line, "{\"feedline_export\"", 18) != 0 || fl_json_parse(line, n, i->lines.name, &head, NULL) < 0 ||
	    fl_json_i64(head, "", "feedline_export", 1, INT64_MAX, &schema, NULL) < 0)
		rc = no_export(i, line, err);
	if (rc == 0)
		rc = check_journal(i, head, err);
	json_decref(head);
	if (rc == 0 && schema > FL_EXPORT_SCHEMA) {
		rc = fl_fail(err, -ENOTSUP, "'%s' is an export of a newer feedline (schema %lld, this one knows %d)",
			     i->lines.name, (long long)schema, FL_EXPORT_SCHEMA);
		fl_hint(err, "import it with that feedline");
	}
	i->schema = schema;
	return rc;
}

int fl_import_open(int fd, const char *name, struct fl_import **ret, struct fl_err *err)
{
	struct fl_import *i = fl_zalloc(1, sizeof(*i));
	struct fl_err binary = { 0 };
	const char *line = "";
	size_t n = 0;
	int rc;

	i->lines = (struct fl_lines_in){ .name = name, .fd = fd };
	rc = fl_lines_next(&i->lines, &line, &n, &binary);
	if (rc < 0 && rc != -EINVAL)
		*err = binary;
	else
		rc = rc < 0 && i->lines.read.n ? no_export(i, i->lines.read.bytes, err) : check_head(i, line, n, err);
	if (rc < 0)
		fl_import_close(i);
	else
		*ret = i;
	return rc;
}

/* ---- a run */

static void close_run(struct fl_import *i)
{
	fl_lanes_close(&i->stored);
	fl_lane_record_release(&i->next);
	i->next = (struct fl_lane_record){ 0 };
	fl_watched_release(&i->next_watched);
	fl_watched_release(&i->last_watched);
	fl_adding_close(&i->adding);
	fl_run_free(i->met);
	i->met = NULL;
	i->id[0] = 0;
}

void fl_import_close(struct fl_import *i)
{
	if (!i)
		return;
	close_run(i);
	fl_lines_release(&i->lines);
	fl_shared_free(i->lane_in.shared);
	fl_lane_in_release(&i->lane_in);
	free(i);
}

static int read_columns(json_t *doc, const char *at, const struct fl_json_column *columns, void *into,
			struct fl_err *err)
{
	for (; columns->name; columns++) {
		json_t *value = json_object_get(doc, columns->name);

		if (!value || (!json_is_null(value) && json_typeof(value) != columns->type))
			return fl_fail(err, -EINVAL, "%s: '%s' must be an object or null", at, columns->name);
		*fl_schema_json(columns, into) = json_incref(value);
	}
	return 0;
}

static int read_status(json_t *doc, const char *at, struct fl_run *run, struct fl_err *err)
{
	int64_t status = -1;
	int rc = 0;

	run->finished = !json_is_null(json_object_get(doc, "status"));
	if (run->finished)
		rc = fl_json_i64(doc, at, "status", 0, 255, &status, err);
	run->status = (int)status;
	return rc;
}

static int read_run(json_t *doc, const char *at, struct fl_run *run, struct fl_err *err)
{
	const char *id = "";
	int rc = fl_json_text(doc, at, "id", &id, err);

	if (rc == 0 && !fl_copy(run->id, sizeof(run->id), id))
		rc = fl_fail(err, -EINVAL, "%s: '%.60s...' is too long for the id of a run", at, id);
	if (rc == 0 && !fl_name_good(id))
		rc = fl_fail(err, -EINVAL, "%s: '%s' cannot be the id of a run", at, id);
	if (rc == 0)
		rc = fl_json_i64(doc, at, "started_ns", 0, INT64_MAX, &run->started_ns, err);
	if (rc == 0)
		rc = read_status(doc, at, run, err);
	if (rc == 0)
		rc = read_columns(doc, at, fl_run_json, run, err);
	if (rc == 0 && json_object_size(doc) != 7)
		rc = fl_fail(err, -EINVAL, "%s: a member that is not known", at);
	return rc;
}

/* But for its end. */
static bool same_run(const struct fl_run *a, const struct fl_run *b)
{
	return a->started_ns == b->started_ns && json_equal(a->plan, b->plan) && json_equal(a->machine, b->machine) &&
	       json_equal(a->environment, b->environment) && json_equal(a->declared, b->declared);
}

static int next_stored(struct fl_import *i, struct fl_err *err)
{
	int rc;

	fl_lane_record_release(&i->next);
	fl_lane_record_init(&i->next);
	rc = fl_lanes_next(&i->stored, &i->next, err);
	return rc < 0 ? rc : 0;
}

static int next_stored_watched(struct fl_import *i, struct fl_err *err)
{
	int rc;

	fl_watched_release(&i->next_watched);
	rc = fl_lanes_next_watched(&i->stored, &i->next_watched, err);
	return rc < 0 ? rc : 0;
}

static int compare_run(struct fl_import *i, const struct fl_found *found, const struct fl_run *run, struct fl_err *err)
{
	int rc;

	i->met = fl_zalloc(1, sizeof(*i->met));
	rc = fl_lanes_run(i->store, found, i->met, err);
	if (rc == 0 && !(same_run(run, i->met) && (i->grows || run->status == i->met->status)))
		rc = other_content(i, "run", run->id, err);
	return rc;
}

/* Nobody carries out what is not finished here: it may have been carried on elsewhere. */
static int meet_run(struct fl_import *i, const struct fl_run *run, struct fl_err *err)
{
	struct fl_found found;
	int rc = fl_find_run(i->store, run->id, &found, err);

	if (rc)
		return rc;
	i->grows = found.row.state == FL_INTERRUPTED;
	rc = compare_run(i, &found, run, err);
	if (rc == 0)
		rc = fl_lanes_open(i->store, found.no, &i->stored, err);
	if (rc == 0)
		rc = next_stored(i, err);
	if (rc == 0)
		rc = next_stored_watched(i, err);
	return rc ? rc : fl_adding_open(i->store, found.no, &i->adding, err);
}

static int begin_run(struct fl_import *i, const struct fl_run *run, struct fl_err *err)
{
	const struct fl_owner nobody = { 0 };
	int rc = fl_name_taken(i->store, FL_RUN_NAMED, run->id, err);

	i->there = rc == 1;
	i->grows = i->grew = false;
	i->status = run->status;
	if (rc)
		return rc < 0 ? rc : meet_run(i, run, err);
	rc = fl_run_insert(i->store, run, &nobody, &i->no, err);
	return rc ? rc : fl_adding_open(i->store, i->no, &i->adding, err);
}

static int take_run(struct fl_import *i, json_t *doc, struct fl_err *err)
{
	struct fl_run *run = fl_zalloc(1, sizeof(*run));
	char at[PLACE_ROOM];
	int rc;

	name_place(i, "run", at);
	rc = read_run(doc, at, run, err);
	if (rc == 0)
		rc = begin_run(i, run, err);
	if (rc == 0) {
		memcpy(i->id, run->id, sizeof(i->id));
		i->counts = (struct fl_line_counts){ 0 };
	}
	fl_run_free(run);
	return rc;
}

/* ---- its hosts */

static int add_host(struct fl_import *i, const struct fl_run_host *host, struct fl_err *err)
{
	struct fl_sql q;
	int rc = fl_sql_open(i->store, "SELECT 1 FROM host WHERE run = ? AND name = ?", &q, err);

	if (rc)
		return rc;
	fl_sql_put_int(&q, i->no);
	fl_sql_put_text(&q, host->name);
	rc = fl_sql_step(&q, err);
	fl_sql_close(&q);
	if (rc == 1)
		return refuse(i, err, "this host was there before");
	return rc ? rc : fl_host_insert(i->store, i->no, (size_t)i->counts.hosts, host, err);
}

/* The hosts of a run are known from its beginning, so all of them are there. */
static int store_host(struct fl_import *i, const struct fl_run_host *host, struct fl_err *err)
{
	size_t place = (size_t)i->counts.hosts;
	int rc = 0;

	if (place == FL_RUN_HOSTS_MAX)
		return refuse(i, err, "a run on that many hosts does not exist");
	if (!i->there)
		rc = add_host(i, host, err);
	else if (place >= i->met->hosts_n || !fl_run_host_equal(host, &i->met->hosts[place]))
		rc = other_content(i, "run", i->id, err);
	i->counts.hosts++;
	return rc;
}

static int take_host(struct fl_import *i, json_t *doc, struct fl_err *err)
{
	struct fl_run_host host = { 0 };
	const char *name = "";
	char at[PLACE_ROOM];
	int rc;

	if (i->counts.lanes || i->last_watched.subject)
		return refuse(i, err, "a host comes before all lanes");
	name_place(i, "host", at);
	rc = fl_json_text(doc, at, "name", &name, err);
	if (rc == 0)
		rc = read_columns(doc, at, fl_host_json, &host, err);
	if (rc == 0 && json_object_size(doc) != 3)
		rc = fl_fail(err, -EINVAL, "%s: a member that is not known", at);
	host.name = fl_dup(name);
	if (rc == 0)
		rc = store_host(i, &host, err);
	fl_run_host_release(&host);
	return rc;
}

/* ---- a lane */

static bool follows(const struct fl_lane_record *a, const struct fl_lane_record *b)
{
	if (a->round != b->round)
		return a->round > b->round;
	if (a->case_no != b->case_no)
		return a->case_no > b->case_no;
	return a->lane > b->lane;
}

/* Both come in their order, so one before the next stored one is new. */
static int compare_lane(struct fl_import *i, const struct fl_lane_record *lane, struct fl_err *err)
{
	if (i->next.bench && fl_lane_record_equal(lane, &i->next))
		return next_stored(i, err);
	if (!i->grows || (i->next.bench && !follows(&i->next, lane)))
		return other_content(i, "run", i->id, err);
	i->grew = true;
	return fl_adding_lane(&i->adding, lane, err);
}

static int store_lane(struct fl_import *i, const struct fl_lane_record *lane, struct fl_err *err)
{
	if (i->last_watched.subject)
		return refuse(i, err, "a lane comes before what was watched");
	if (i->counts.lanes > 0 && !follows(lane, &i->last))
		return refuse(i, err, "this lane was there before, or is not in its place");
	if (i->counts.lanes == FL_SLOTS_MAX)
		return refuse(i, err, "a run with that many lanes does not exist");
	fl_line_count(lane, &i->counts);
	i->last = (struct fl_lane_record){ .round = lane->round, .case_no = lane->case_no, .lane = lane->lane };
	return i->there ? compare_lane(i, lane, err) : fl_adding_lane(&i->adding, lane, err);
}

static int take_lane(struct fl_import *i, struct fl_scan *s, struct fl_err *err)
{
	struct fl_lane_record lane;
	char key[KIND_ROOM];
	int rc;

	fl_lane_record_init(&lane);
	fl_lane_in_read(&i->lane_in, s, &lane);
	if (fl_scan_key(s, key, sizeof(key)))
		fl_scan_fail(s, "a line has one member");
	fl_scan_finish(s);
	rc = s->bad ? refuse_scan(i, s, err) : store_lane(i, &lane, err);
	fl_lane_record_release(&lane);
	return rc;
}

/* ---- what was watched */

static int compare_watched(struct fl_import *i, const struct fl_watched *w, struct fl_err *err)
{
	if (i->next_watched.subject && fl_watched_equal(w, &i->next_watched))
		return next_stored_watched(i, err);
	if (!i->grows || (i->next_watched.subject && fl_watched_compare(w, &i->next_watched) >= 0))
		return other_content(i, "run", i->id, err);
	i->grew = true;
	return fl_adding_watched(&i->adding, w, err);
}

/* Takes it. */
static int store_watched(struct fl_import *i, struct fl_watched *w, struct fl_err *err)
{
	int rc = 0;

	if (i->last_watched.subject && fl_watched_compare(&i->last_watched, w) >= 0)
		rc = refuse(i, err, "this was there before, or is not in its place");
	else if (i->counts.watched == FL_WATCHED_MAX)
		rc = refuse(i, err, "a run with that much beside it does not exist");
	if (rc == 0)
		rc = i->there ? compare_watched(i, w, err) : fl_adding_watched(&i->adding, w, err);
	i->counts.watched++;
	fl_watched_release(&i->last_watched);
	i->last_watched = *w;
	return rc;
}

static int take_watched(struct fl_import *i, struct fl_scan *s, struct fl_err *err)
{
	struct fl_watched w = { 0 };
	char key[KIND_ROOM];

	fl_watched_in_read(&i->lane_in, s, &w);
	if (fl_scan_key(s, key, sizeof(key)))
		fl_scan_fail(s, "a line has one member");
	fl_scan_finish(s);
	if (!s->bad)
		return store_watched(i, &w, err);
	fl_watched_release(&w);
	return refuse_scan(i, s, err);
}

/* ---- the end of a run */

static int check_count(struct fl_import *i, json_t *doc, const char *at, const char *what, uint64_t seen,
		       struct fl_err *err)
{
	uint64_t said = 0;
	int rc = fl_json_u64(doc, at, what, INT64_MAX, &said, err);

	if (rc || said == seen)
		return rc;
	fl_fail(err, -EINVAL, "%s:%zu: there should be %llu %s, and %llu came before", i->lines.name, i->lines.line,
		(unsigned long long)said, what, (unsigned long long)seen);
	return fl_hint(err, "nothing was imported; export it again");
}

static int check_run_end(struct fl_import *i, json_t *doc, struct fl_err *err)
{
	const char *id = "";
	char at[PLACE_ROOM];
	int rc;

	name_place(i, "end_of_run", at);
	rc = fl_json_text(doc, at, "id", &id, err);
	if (rc == 0 && strcmp(id, i->id) != 0)
		rc = refuse(i, err, "this is the end of another run");
	if (rc == 0 && i->schema >= HOSTS_SINCE)
		rc = check_count(i, doc, at, "hosts", i->counts.hosts, err);
	if (rc == 0)
		rc = check_count(i, doc, at, "lanes", i->counts.lanes, err);
	if (rc == 0)
		rc = check_count(i, doc, at, "series", i->counts.series, err);
	if (rc == 0)
		rc = check_count(i, doc, at, "samples", i->counts.samples, err);
	if (rc == 0 && i->schema >= WATCHED_SINCE)
		rc = check_count(i, doc, at, "watched", i->counts.watched, err);
	return rc;
}

/* Nothing of what is stored may be missing. */
static int end_stored(struct fl_import *i, struct fl_err *err)
{
	if (i->next.bench || i->next_watched.subject || i->counts.hosts != i->met->hosts_n)
		return other_content(i, "run", i->id, err);
	if (!i->grows || i->status < 0)
		return 0;
	i->grew = true;
	return fl_run_set_status(i->store, i->id, i->status, err);
}

static int take_run_end(struct fl_import *i, json_t *doc, struct fl_err *err)
{
	int rc = check_run_end(i, doc, err);

	if (rc == 0 && i->there)
		rc = end_stored(i, err);
	if (i->grew)
		i->did.runs_completed++;
	else if (i->there)
		i->did.runs_there++;
	else
		i->did.runs++;
	close_run(i);
	return rc;
}

/* ---- baselines */

static int read_baseline(json_t *doc, const char *at, struct fl_baseline *b, struct fl_err *err)
{
	const json_t *note = json_object_get(doc, "note");
	const char *name = "";
	json_t *runs = NULL;
	int rc = fl_json_text(doc, at, "name", &name, err);

	if (rc == 0 && !fl_copy(b->name, sizeof(b->name), name))
		rc = fl_fail(err, -EINVAL, "%s: '%.80s...' is too long for the name of a baseline", at, name);
	if (rc == 0)
		rc = fl_json_i64(doc, at, "created_ns", 1, INT64_MAX, &b->created_ns, err);
	if (rc == 0)
		rc = fl_json_array(doc, at, "runs", FL_BASELINE_RUNS_MAX, &runs, err);
	if (rc == 0 && (json_object_size(doc) != 4 || !(json_is_null(note) || json_is_string(note))))
		rc = fl_fail(err, -EINVAL, "%s: 'note' must be a text or null, and no other member be there", at);
	b->note = fl_dup(json_string_value(note));
	b->runs = fl_zalloc(json_array_size(runs), sizeof(*b->runs));
	for (size_t k = 0; k < json_array_size(runs) && rc == 0; k++) {
		const char *id = json_string_value(json_array_get(runs, k));

		if (!id || !fl_name_good(id))
			rc = fl_fail(err, -EINVAL, "%s: entry %zu of 'runs' cannot be the id of a run", at, k + 1);
		else
			b->runs[b->runs_n++] = fl_dup(id);
	}
	return rc;
}

static bool same_baseline(const struct fl_baseline *a, const struct fl_baseline *b)
{
	bool same = a->created_ns == b->created_ns && a->runs_n == b->runs_n &&
		    (a->note && b->note ? strcmp(a->note, b->note) == 0 : a->note == b->note);

	for (size_t i = 0; same && i < a->runs_n; i++)
		same = strcmp(a->runs[i], b->runs[i]) == 0;
	return same;
}

/* 1: it is there, and the same. */
static int compare_baseline(struct fl_import *i, const struct fl_baseline *b, struct fl_err *err)
{
	struct fl_baseline stored;
	int rc = fl_name_taken(i->store, FL_BASELINE_NAMED, b->name, err);

	if (rc == 1)
		rc = fl_store_find_baseline(i->store, b->name, &stored, err) < 0 ? err->code : 1;
	if (rc != 1)
		return rc;
	if (!same_baseline(b, &stored))
		rc = other_content(i, "baseline", b->name, err);
	fl_baseline_release(&stored);
	return rc;
}

static int take_baseline(struct fl_import *i, json_t *doc, struct fl_err *err)
{
	struct fl_baseline b = { 0 };
	char at[PLACE_ROOM];
	int rc;

	name_place(i, "baseline", at);
	rc = read_baseline(doc, at, &b, err);
	if (rc == 0)
		rc = compare_baseline(i, &b, err);
	if (rc == 1)
		i->did.baselines_there++;
	if (rc == 0) {
		rc = fl_baseline_put(i->store, &b, false, err);
		i->did.baselines += rc == 0;
	}
	fl_baseline_release(&b);
	return rc < 0 ? rc : 0;
}

static int take_end(struct fl_import *i, json_t *doc, struct fl_err *err)
{
	char at[PLACE_ROOM];
	int rc;

	name_place(i, "end_of_export", at);
	rc = check_count(i, doc, at, "runs", i->did.runs + i->did.runs_completed + i->did.runs_there, err);
	if (rc == 0)
		rc = check_count(i, doc, at, "baselines", i->did.baselines + i->did.baselines_there, err);
	i->ended = true;
	return rc;
}

/* ---- lines */

static const struct {
	const char *kind;
	int (*take)(struct fl_import *i, json_t *doc, struct fl_err *err);
	bool inside; /* a run */
} kinds[] = {
	{ "run", take_run, false },	      { "host", take_host, true },
	{ "end_of_run", take_run_end, true }, { "baseline", take_baseline, false },
	{ "end_of_export", take_end, false },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* All kinds but lanes are few and read as a whole. */
static int take_other(struct fl_import *i, const char *kind, const char *line, size_t n, struct fl_err *err)
{
	json_t *doc = NULL, *of = NULL;
	struct fl_err why = { 0 };
	char at[PLACE_ROOM];
	size_t k = 0;
	int rc;

	while (k < KINDS && strcmp(kinds[k].kind, kind) != 0)
		k++;
	if (k == KINDS)
		return refuse(i, err, "no line of this kind is known");
	if (kinds[k].inside != (i->id[0] != 0))
		return refuse(i, err, i->id[0] ? "the run before it has no end" : "there is no run before it");
	if (fl_json_parse(line, n, "", &doc, &why) < 0) /* ":1:COLUMN: what" */
		return fl_fail(err, -EINVAL, "%s:%zu%s", i->lines.name, i->lines.line, why.what + strlen(":1"));
	name_place(i, "the line", at);
	rc = fl_json_object(doc, at, kind, &of, err);
	if (rc == 0)
		rc = json_object_size(doc) == 1 ? kinds[k].take(i, of, err) : refuse(i, err, "a line has one member");
	json_decref(doc);
	return rc;
}

static int take_line(struct fl_import *i, const char *line, size_t n, struct fl_err *err)
{
	struct fl_scan s = fl_scan_start(line, n);
	char kind[KIND_ROOM];

	if (i->ended)
		return refuse(i, err, "there is more after the end of the export");
	fl_scan_enter(&s, '{');
	if (!fl_scan_key(&s, kind, sizeof(kind)))
		fl_scan_fail(&s, "a line has one member");
	if (s.bad)
		return refuse_scan(i, &s, err);
	if (strcmp(kind, "lane") == 0)
		return i->id[0] ? take_lane(i, &s, err) : refuse(i, err, "a lane without a run before it");
	if (strcmp(kind, "watched") == 0)
		return i->id[0] ? take_watched(i, &s, err) : refuse(i, err, "a series without a run before it");
	return take_other(i, kind, line, n, err);
}

static int take_lines(struct fl_import *i, struct fl_err *err)
{
	const char *line;
	size_t n;
	int rc;

	while ((rc = fl_lines_next(&i->lines, &line, &n, err)) == 1) {
		rc = take_line(i, line, n, err);
		if (rc < 0)
			return rc;
	}
	if (rc < 0)
		return rc;
	return i->ended ? 0 : refuse(i, err, "the file ends here, but the export does not: it was cut short");
}

int fl_import_run(struct fl_import *i, struct fl_store *s, struct fl_imported *ret, struct fl_err *err)
{
	int rc = fl_sql_begin(s, err);

	if (rc)
		return rc;
	i->store = s;
	i->lane_in.shared = fl_shared_make();
	if (i->journal.is)
		rc = fl_journal_take(&i->lines, &i->journal, s, &i->did.journal, err);
	else
		rc = take_lines(i, err);
	close_run(i); /* a statement that is open would hold the transaction */
	rc = fl_sql_end(s, rc, err);
	if (rc == 0)
		*ret = i->did;
	return rc;
}
