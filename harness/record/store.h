/* SPDX-License-Identifier: Apache-2.0 */
/* store.h: one SQLite file that holds runs. The run's row is committed before its first case, finished lanes before the
 * next case starts; a crash at any moment loses at most the case in flight. Write-ahead log, synchronous=FULL.
 * Every error that means "this store cannot be used" is -EINVAL, -EUCLEAN (corrupt or foreign), -ENOTSUP (newer than
 * me, or on a network file system), -EROFS or -EACCES; -ENOENT: no such file (reading) or run; -ENOSPC: disk full;
 * -EBUSY: locked for longer than 5 s (but see fl_store_be_patient()). The store holds what it held before then; a call
 * is carried out whole or not at all. The content is hostile: what is read is well-formed, but whether it makes sense
 * together is the judge's question. */
#ifndef FL_RECORD_STORE_H
#define FL_RECORD_STORE_H
#include "record/record.h"
#include <signal.h>

struct fl_store; /* used by one thread at a time */
enum { FL_STORE_SCHEMA = 4 };

/* write: makes the file (mode 0600) and its directory where absent; an empty file counts as absent; brings a file of an
 * older schema to FL_STORE_SCHEMA, forward only. Otherwise reading only, which also works from a read-only directory,
 * on a full disk, and beside a process that writes; a file of an older schema is read as it is. */
int fl_store_open(const char *path, bool write, struct fl_store **ret, struct fl_err *err);
void fl_store_close(struct fl_store *s); /* NULL allowed */
const char *fl_store_engine(void);	 /* version of the SQLite that is loaded: "3.40.1" */

/* For who has measured what must not be lost: from now on writing waits for other writers until *interrupt is set, and
 * says once a wait that it does. -EBUSY only when interrupted, and not before 5 s. What it points to must outlive the
 * writing. */
struct fl_patience {
	const volatile sig_atomic_t *interrupt;	  /* NULL: never */
	void (*say)(void *arg, const char *line); /* NULL: nothing is said */
	void *arg;
};
void fl_store_be_patient(struct fl_store *s, const struct fl_patience *patience);

/* Commits the run's row (unfinished, without lanes) and its hosts. run->id is filled if empty
 * ("20261122T094512Z-7f3a9c"), started_ns if zero. pid and start time of this process are kept beside it, so that a
 * reader can tell running from interrupted. -EEXIST: the id is taken. */
int fl_store_begin(struct fl_store *s, struct fl_run *run, struct fl_err *err);
/* A resumed run: this process takes it over. -EBUSY: the process that runs it is alive (its pid is named). -EINVAL:
 * it is finished, which also ends adding and finishing. */
int fl_store_resume(struct fl_store *s, const char *id, struct fl_err *err);
/* Commits these lanes in one transaction; a lane already there for (case, round, lane) is replaced. -EINVAL: a JSON
 * member of the wrong kind, an array missing, or two series of one metric. */
int fl_store_add(struct fl_store *s, const char *id, const struct fl_lane_record *lanes, size_t n, struct fl_err *err);
/* The same with what was seen beside a case, which replaces what there was of those cases and rounds: what the lanes
 * alone replace, too, as it belongs to them. -EINVAL: also a series that is not of samples. */
struct fl_finished {
	const struct fl_lane_record *lanes;
	size_t lanes_n;
	const struct fl_watched *watched;
	size_t watched_n;
};
int fl_store_add_case(struct fl_store *s, const char *id, const struct fl_finished *finished, struct fl_err *err);
/* status: 0..255. */
int fl_store_finish(struct fl_store *s, const char *id, int status, struct fl_err *err);

/* The whole run, as it is at one moment; lanes by round, case, lane, whenever they finished. -ENOENT: no such run;
 * hint: the nearest id, or the newest. "last": the newest. */
int fl_store_load(struct fl_store *s, const char *id, struct fl_run **ret, struct fl_err *err);

enum fl_run_state { FL_RUNNING, FL_INTERRUPTED, FL_FINISHED };
struct fl_run_row {
	char id[40];
	char suite[64];
	int64_t started_ns;
	enum fl_run_state state;
	int status; /* -1 unless finished */
};
/* Oldest first; *ret is free()d by the caller. */
int fl_store_list(struct fl_store *s, struct fl_run_row **ret, size_t *ret_n, struct fl_err *err);
const char *fl_run_state_name(enum fl_run_state state);

/* The hosts of a run, by their numbers; of one on one machine its name, where it has one. No such run: none. */
struct fl_names {
	char **items; /* owned */
	size_t n;
};
int fl_store_hosts(struct fl_store *s, const char *id, struct fl_names *ret, struct fl_err *err);
void fl_names_release(struct fl_names *names);

/* A baseline: a name for runs that are by declaration alike (the machine as it should be). Names are made like ids of
 * runs and are none: a word names one or the other. In a file of schema 1 there are none. */
enum { FL_BASELINE_RUNS_MAX = 1000, FL_BASELINE_NOTE_MAX = 1000 };
struct fl_baseline {
	char name[64];
	int64_t created_ns; /* CLOCK_REALTIME */
	char **runs;	    /* their ids, in the order in which they were named */
	size_t runs_n;
	char *note; /* what people should know of it; NULL: nothing */
};

/* created_ns of 0: now. "last" among the runs: the newest. replace: one of that name is given up for it; else -EEXIST.
 * -ENOENT: no such run; -EINVAL: one that is not finished, or is named twice; none, or too many. */
int fl_store_set_baseline(struct fl_store *s, const struct fl_baseline *b, bool replace, struct fl_err *err);
/* Would a baseline of that name be taken? Asked before measuring for hours. Errors as above. */
int fl_store_may_name(struct fl_store *s, const char *name, bool replace, struct fl_err *err);
/* -ENOENT with the nearest name. *ret is released with fl_baseline_release(). */
int fl_store_find_baseline(struct fl_store *s, const char *name, struct fl_baseline *ret, struct fl_err *err);
/* Oldest first. *ret is freed with fl_baselines_free(). */
int fl_store_list_baselines(struct fl_store *s, struct fl_baseline **ret, size_t *ret_n, struct fl_err *err);
/* What a word on a command line names: a run, "last" or a baseline. A run comes as a baseline of that one run without a
 * name. -ENOENT with the nearest of all. */
int fl_store_named(struct fl_store *s, const char *word, struct fl_baseline *ret, struct fl_err *err);
/* Its runs stay. -ENOENT as above. */
int fl_store_remove_baseline(struct fl_store *s, const char *name, struct fl_err *err);
void fl_baseline_release(struct fl_baseline *b);
void fl_baselines_free(struct fl_baseline *baselines, size_t n);

#endif
