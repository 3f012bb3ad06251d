/* SPDX-License-Identifier: Apache-2.0 */
/* lane.h: one lane inside its worker, shared by the files of this room.
 *
 * Three kinds of threads touch it: the worker's main thread (messages), the lane's own control thread (its life, in
 * life.c) and the step threads. What they share is under `lock`, atomic, or written before the threads start. */
#ifndef FL_LANE_LANE_H
#define FL_LANE_LANE_H
#include "base/cpus.h"
#include "base/tape.h"
#include <feedline/bench.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

/* Memory handed out by fl_alloc. */
struct fl_region {
	void *start;
	size_t bytes;
	int node;
};

/* What the lane asked its group, until it is answered. */
struct fl_gathering {
	const char *name; /* NULL: it asked nothing */
	size_t bytes;
	unsigned char *all; /* where the answer goes: fl_size() times so many bytes */
	int code;	    /* 0: answered; else why not */
	char what[200];
};

struct fl_cap {
	char *hop, *origin;
	double cap_bytes_per_s;
};

struct fl_lane {
	/* The order, written before the control thread starts. */
	unsigned number;
	const struct fl_bench *bench;
	void *opts;
	char **texts; /* canonical texts that opts points into, owned */
	size_t texts_n;
	struct fl_device *devices; /* likewise; one per field, zeroed where it is no device */
	struct fl_cpus cpus;
	int node;
	uint64_t step_ns;    /* the harness aims at steps of about this length */
	uint64_t memory_max; /* what fl_alloc may hand out in all; 0: no limit known */
	unsigned rank, size; /* of its group; by itself: 0 of 1 */
	char **addresses;    /* of the hosts of its group, by rank; owned */
	int control_fd;
	pthread_mutex_t *send_lock; /* of the worker: one message at a time */

	pthread_t control;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct fl_tape *tape; /* set once, under lock */
	void *state;
	bool opened;		 /* state is valid: halt may be called */
	bool halted;		 /* the halt hook was called */
	_Atomic bool given_up;	 /* a thread failed: all threads end */
	unsigned entered, ended; /* threads that came through enter, that left */
	struct fl_err err;	 /* the first failure of any thread */
	char stray[160];	 /* a thread that was not on its CPU; empty: none */

	struct fl_gathering gathering;

	struct fl_region *regions;
	size_t regions_n;
	uint64_t reserved_bytes; /* of all regions, those in the making included */
	char **facts;		 /* value per declared fact; NULL: unset */
	struct fl_cap *caps;
	size_t caps_n;
};

enum { FL_GROUP_MAX = 6 }; /* lanes of a group; the catalog allows no more roles */

/* open.c: a lane from the message "open" (hostile only by mistake: the agent is trusted, but checked), and its end. */
int fl_lane_open(const json_t *message, int control_fd, pthread_mutex_t *send_lock, struct fl_lane **ret,
		 struct fl_err *err);
void fl_lane_free(struct fl_lane *lane);
const struct fl_bench *fl_bench_find(const char *name); /* of this program; NULL: none */
/* Options at their presets; those without one stay zero. For probe. */
int fl_lane_presets(const struct fl_bench *bench, void **ret_opts, struct fl_err *err);

/* life.c: the control thread; arg is the lane. */
void *fl_lane_live(void *arg);

/* talk.c: what the worker's other threads tell the lane ... */
void fl_lane_give_tape(struct fl_lane *lane, struct fl_tape *tape); /* takes ownership */
void fl_lane_halt(struct fl_lane *lane);			    /* calls the halt hook, once, if it may be called */
void fl_lane_give_up(struct fl_lane *lane, const struct fl_err *err);
/* gather.c: the agent's answer to what the lane asked its group. -EPROTO: it is none. */
int fl_lane_gathered(struct fl_lane *lane, const json_t *message, struct fl_err *err);
void fl_lane_ungathered(struct fl_lane *lane, const json_t *message);
/* ... and what goes to the agent. Sending takes the message; it cannot fail: without an agent the worker ends. */
void fl_lane_send(struct fl_lane *lane, json_t *message);
json_t *fl_lane_failure(unsigned number, const struct fl_err *err); /* the message "failed", a new reference */
void fl_lane_report_failure(int control_fd, pthread_mutex_t *send_lock, unsigned number, const struct fl_err *err);

/* threads.c: runs the step threads from enter to leave. Returns when all have ended; 0 or the first failure. */
int fl_lane_step_all(struct fl_lane *lane, unsigned threads, struct fl_err *err);

/* place.c: {"cpus","node","verified","reason"}, read back from the kernel now. New reference. */
json_t *fl_lane_placement(const struct fl_lane *lane);
void fl_lane_free_memory(struct fl_lane *lane);

/* facts.c: what was stated so far. New references. */
json_t *fl_lane_facts(const struct fl_lane *lane);
json_t *fl_lane_caps(const struct fl_lane *lane);

/* describe.c: the manifest of this program, a new reference. -EINVAL: a benchmark that this build can measure lacks a
 * hook. */
int fl_lane_manifest(const char *program, json_t **ret, struct fl_err *err);

/* serve.c: the worker's main thread: messages on control_fd until "quit" or its end. Returns the exit status. */
int fl_lane_serve(int control_fd);

#endif
