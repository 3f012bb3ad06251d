/* SPDX-License-Identifier: Apache-2.0 */
/* path/pass.h: once over all files of a data set. Threads take spans of files from each other's way and keep requests
 * in flight on them; what is to be done with files and blocks is the caller's (make, verify).
 *
 * A thread is in one span at a time and opens the file and an engine for it, so that any number of files will do. */
#ifndef PATH_PASS_H
#define PATH_PASS_H
#include <feedline/bench.h>
#include <feedline/dataset.h>

struct fl_pass_work {
	bool write;
	/* 0: a span is a whole file, as it must be to write: the last block comes when all others are safe. */
	uint64_t span_bytes;
	/* Opens the file for the span that begins at `from`; -1 in *ret_fd: there is nothing to do in it. *ret_end,
	 * preset to its size in the set: where its data ends. */
	int (*open)(void *arg, unsigned thread, size_t file, uint64_t from, int *ret_fd, uint64_t *ret_end,
		    struct fl_err *err);
	/* Before it is written: fill it. After it was read: look at it. bytes: whole blocks of feedline/block.h. */
	void (*block)(void *arg, unsigned thread, size_t file, uint64_t offset, void *data, uint32_t bytes);
};

struct fl_pass_spec {
	const char *dir; /* for messages */
	const struct fl_dataset *set;
	const struct fl_pass_work *work;
	void *arg;
	uint32_t block_bytes; /* of one request; a multiple of FL_BLOCK_BYTES */
	unsigned depth, threads;
	char *buffers; /* threads x fl_pass_buffer_bytes(), aligned to pages */
};

struct fl_pass; /* opaque */

uint64_t fl_pass_buffer_bytes(uint32_t block_bytes, unsigned depth); /* of one thread */
int fl_pass_open(const struct fl_pass_spec *spec, struct fl_pass **ret, struct fl_err *err);
void fl_pass_close(struct fl_pass *pass); /* NULL allowed */

/* As the hooks of a benchmark: about n requests, FL_IDLE where no span is left. */
int fl_pass_step(struct fl_pass *pass, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err);
void fl_pass_halt(struct fl_pass *pass);
void fl_pass_leave(struct fl_pass *pass, unsigned thread);

/* After all threads left: how much was read or written, */
uint64_t fl_pass_moved_bytes(const struct fl_pass *pass);
/* and how: "io_uring", "pread"; "pwrite" where all files are of one block, which need no engine; "none" where nothing
 * was read or written. */
const char *fl_pass_engine(const struct fl_pass *pass);

#endif
