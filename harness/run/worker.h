/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h: worker processes: started where their lanes shall run, reused while healthy, watched by one epoll. */
#ifndef FL_RUN_WORKER_H
#define FL_RUN_WORKER_H
#include "base/child.h"
#include "plan/plan.h"
#include <feedline/err.h>
#include <jansson.h>

struct fl_worker;

/* What an epoll event of a worker is about. */
enum fl_source_kind { FL_SOURCE_CONTROL, FL_SOURCE_OUTPUT, FL_SOURCE_END };
struct fl_source {
	enum fl_source_kind kind;
	struct fl_worker *worker;
};

struct fl_worker {
	struct fl_child child;
	int control_fd;
	char *program;
	struct fl_cpus cpus;
	int node;
	char *visible;	       /* the part of a GPU that alone it sees; NULL: all GPUs */
	bool busy;	       /* belongs to lanes of the case in flight */
	bool spent;	       /* one of its lanes failed: still heard for the others, then never used again */
	bool broken;	       /* died, lied or hung: never used again */
	uint64_t output_bytes; /* stdout and stderr so far */
	char tail[512];	       /* the end of it */
	size_t tail_n;
	struct fl_source control, output, end;
	char **devices; /* ids of what its lanes use in the case in flight, or used in the last one */
	size_t devices_n;
	pid_t stuck_pid; /* it was killed and did not end: it is left behind; else 0 */
};

struct fl_pool {
	const char *prefix;
	int epoll_fd;
	char **env;
	struct fl_worker **workers;
	size_t n;
	/* Called for every worker that is left behind. May be NULL. */
	void (*abandoned)(void *arg, const struct fl_worker *w, pid_t pid);
	void *abandoned_arg;
};

enum { FL_OUTPUT_MAX = 1 << 20 }; /* what a worker may print before it counts as flooding */

int fl_pool_open(const char *prefix, struct fl_pool *ret, struct fl_err *err);
void fl_pool_close(struct fl_pool *pool); /* kills and reaps all */

/* What a worker is to be. */
struct fl_worker_spec {
	const char *program; /* the catalog's: a plan may come from a store that somebody tampered with */
	struct fl_cpus cpus; /* those of all its lanes */
	int node;	     /* of its lanes' memory; -1: they have none in common */
	const char *visible; /* as above */
};
/* An idle, healthy worker that is so, else a new one. It is marked busy. */
int fl_pool_take(struct fl_pool *pool, const struct fl_worker_spec *spec, struct fl_worker **ret, struct fl_err *err);
/* After a case: broken and spent workers are killed, the others become idle. */
void fl_pool_settle(struct fl_pool *pool);
/* Between rounds: all workers end ("freshly started workers"). */
void fl_pool_clear(struct fl_pool *pool);

/* Reads what it printed, and stops watching an output that it closed. -EOVERFLOW: it floods. */
int fl_worker_read_output(struct fl_pool *pool, struct fl_worker *w, struct fl_err *err);
bool fl_worker_ends(const struct fl_worker *w, int within_ms);	/* has ended, or does so within that time */
void fl_worker_mute(struct fl_pool *pool, struct fl_worker *w); /* hears it no more; it counts as broken */
void fl_worker_uses(struct fl_worker *w, const char *device);	/* adds it to its devices, once */
/* Kills it, and where it has not ended after 5 s leaves it behind; `how` says how it ended ("killed by SIGSEGV"). */
void fl_worker_kill(struct fl_pool *pool, struct fl_worker *w, char *how, size_t room);
/* The last line that it printed; "" if none. Valid until the next read. */
const char *fl_worker_last_words(struct fl_worker *w);

#endif
