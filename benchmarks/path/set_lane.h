/* SPDX-License-Identifier: Apache-2.0 */
/* path/set_lane.h: a lane that goes once over the files of a data set (path/pass.h): its options, what it opens, its
 * hooks and what it says. The benchmark adds what is to be done with files and blocks; its state begins with a
 * fl_set_lane. */
#ifndef PATH_SET_LANE_H
#define PATH_SET_LANE_H
#include "path/pass.h"
#include <feedline/bench.h>
#include <stdatomic.h>

struct fl_set_opts {
	const char *path;
	uint64_t block, depth, threads;
};

/* Rows for its declaration of fields and facts; does: "read" or "write". */
/* clang-format off */
#define FL_SET_FIELDS(does, path_help, threads_help)                                                                   \
	FL_FIELD(fl_set_opts, path, FL_PATH, NULL, NULL, path_help),                                                   \
	FL_FIELD(fl_set_opts, block, FL_BYTES, "1MiB", "4KiB..64MiB", "bytes of one " does ", a multiple of 4096"),    \
	FL_FIELD(fl_set_opts, depth, FL_COUNT, "8", "1..64", does "s that each thread keeps in flight"),               \
	FL_FIELD(fl_set_opts, threads, FL_COUNT, "2", "1..256", threads_help)
#define FL_SET_FACTS(does, done)                                                                                       \
	{ "engine", true, "how " does "s are issued" },                                                                \
	{ "direct", true, "whether " does "s go past the page cache" },                                                \
	{ "seed", false, "what the data is made of" },                                                                 \
	{ "moved_bytes", false, "how many bytes were " done }
/* clang-format on */

struct fl_set_lane {
	const struct fl_set_opts *opts;
	struct fl_lane *lane;
	struct fl_dataset set;
	struct fl_pass *pass;
	int dir_fd;
	atomic_bool buffered; /* the file system has no direct I/O */
};

struct fl_set_work {
	struct fl_pass_work pass; /* its arg is the fl_set_lane */
	int (*claim)(const struct fl_set_lane *s,
		     struct fl_err *err); /* before the index is read; NULL: nothing to do */
	int (*check)(const struct fl_set_lane *s, struct fl_err *err); /* of the index: is it one to work on? */
};

/* s is zeroed; fl_set_lane_close() has to follow, also where this fails. */
int fl_set_lane_open(struct fl_set_lane *s, struct fl_lane *lane, const struct fl_set_opts *opts,
		     const struct fl_set_work *work, struct fl_err *err);
void fl_set_lane_close(struct fl_set_lane *s);
/* Facts that are known at the end. */
void fl_set_lane_state(const struct fl_set_lane *s);

/* Hooks of the benchmark. */
int fl_set_lane_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err);
void fl_set_lane_halt(void *state);
void fl_set_lane_leave(void *state, unsigned thread);

#endif
