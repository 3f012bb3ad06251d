/* SPDX-License-Identifier: Apache-2.0 */
/* feed_rig.h: `ingest` and `feed` run by three threads of a test, and a data set to read. */
#ifndef FEED_RIG_H
#define FEED_RIG_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake_lane.h"
#include "ingest/feed.c"
#include "path/direct.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/block.h>
#include <feedline/dataset.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static const struct fl_bench *const ingest = &fl_bench_ingest_feed[0], *const feed = &fl_bench_ingest_feed[1];

/* ---- a data set: three files, of which one has no whole block, and two end in a part of one */

#define BED_SEED UINT64_C(0x5eed)
enum { BED_BLOCK = 16 << 10, BED_FILES = 3 };
static const uint64_t bed_bytes[BED_FILES] = { 100 * BED_BLOCK + 4096, 4096, 60 * BED_BLOCK };

struct bed {
	char dir[256], path[BED_FILES][300];
};

/* Blocks of another place or seed where they should not be are what tests damage files with. */
static inline void put_block(const char *path, uint64_t at, uint64_t seed, uint64_t file, uint64_t offset)
{
	uint64_t block[FL_BLOCK_WORDS];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	fl_block_fill(block, seed, file, offset);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, block, sizeof(block), (off_t)at), sizeof(block));
	assert_int_equal(fsync(fd), 0);
	close(fd);
}

static inline void write_file(const char *path, uint64_t bytes, uint64_t file)
{
	char *data = aligned_alloc(FL_BLOCK_BYTES, bytes);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_non_null(data);
	for (uint64_t at = 0; at < bytes; at += FL_BLOCK_BYTES)
		fl_block_fill(data + at, BED_SEED, file, at);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, bytes), bytes);
	assert_int_equal(fsync(fd), 0);
	close(fd);
	free(data);
}

static inline void free_bed(struct bed *bed)
{
	char index[300];

	for (unsigned i = 0; i < BED_FILES; i++)
		unlink(bed->path[i]);
	snprintf(index, sizeof(index), "%s/%s", bed->dir, FL_DATASET_INDEX);
	unlink(index);
	rmdir(bed->dir);
}

/* Skips the test where the build tree lies on something that has no direct reads. */
static inline void make_bed(struct bed *bed)
{
	struct fl_dataset_file files[BED_FILES] = { { (char *)"data-00000000", bed_bytes[0] },
						    { (char *)"data-00000001", bed_bytes[1] },
						    { (char *)"data-00000002", bed_bytes[2] } };
	struct fl_dataset set = { .seed = BED_SEED, .complete = true, .files = files, .files_n = BED_FILES };
	struct fl_err err = { 0 };
	struct fl_direct file;

	snprintf(bed->dir, sizeof(bed->dir), "%s/feed-XXXXXX", BUILD_DIR);
	assert_non_null(mkdtemp(bed->dir));
	for (unsigned i = 0; i < BED_FILES; i++) {
		snprintf(bed->path[i], sizeof(bed->path[i]), "%s/%s", bed->dir, files[i].name);
		write_file(bed->path[i], bed_bytes[i], i);
		set.bytes += bed_bytes[i];
	}
	assert_int_equal(fl_dataset_write(bed->dir, &set, &err), 0);
	if (fl_direct_open(bed->path[0], BED_BLOCK, &file, &err) == 0) {
		close(file.fd);
		return;
	}
	free_bed(bed);
	if (err.code != -ENODEV)
		fail_msg("%s", err.what);
	print_message("%s\n", err.what);
	skip();
}

/* ---- a lane */

static const struct fl_device node = { .id = "node0", .node = -1 };

/* Small and quick: a batch is two blocks and a half. */
static inline struct feed_opts opts_of(enum fl_pipe_source source, const char *path)
{
	return (struct feed_opts){ .path = path,
				   .memory = &node,
				   .step_bytes = 2 * BED_BLOCK + BED_BLOCK / 2,
				   .step_time = 20000,
				   .block = BED_BLOCK,
				   .depth = 4,
				   .prefetch = 2,
				   .pace = 100000,
				   .accelerators = 1,
				   .source = (unsigned)source };
}

enum { STEPS_MAX = 512 };

struct rig {
	const struct fl_bench *bench;
	struct feed_opts opts;
	struct fl_lane lane;
	void *state;
	pthread_t threads[FL_PIPE_THREADS];
	int rc[FL_PIPE_THREADS]; /* how each ended */
	struct fl_err err[FL_PIPE_THREADS];
	double busy[FL_PIPE_THREADS], cpu;   /* the last that source and stage gave */
	_Atomic unsigned steps;		     /* of the sink */
	_Atomic bool failed;		     /* a thread has, for another reason than a halt */
	unsigned steps_max;		     /* it halts the lane then */
	double given[STEPS_MAX][FL_GIVEN_N]; /* of the sink's steps */
	uint64_t bytes;
};

static inline int step(struct rig *r, unsigned thread, double *given)
{
	struct fl_step did = { .given = given };
	int rc;

	for (unsigned i = 0; i < FL_GIVEN_N; i++)
		given[i] = NAN;
	rc = r->bench->step(r->state, thread, 1, &did, &r->err[thread]);
	if (thread == FL_PIPE_SINK)
		r->bytes += did.bytes;
	else
		assert_int_equal(did.bytes, 0); /* payload is counted where it arrives */
	return rc;
}

struct stepper {
	struct rig *rig;
	unsigned thread;
};

static inline void *step_on(void *arg)
{
	struct stepper s = *(struct stepper *)arg;
	struct rig *r = s.rig;
	double given[FL_GIVEN_N];
	int rc = r->bench->enter(r->state, s.thread, &r->err[s.thread]);

	free(arg);
	while (rc == 0) {
		rc = step(r, s.thread, given);
		if (rc == 0 && s.thread == FL_PIPE_SINK) {
			memcpy(r->given[r->steps], given, sizeof(given));
			if (++r->steps == r->steps_max)
				break;
		}
		if (rc == 0 && s.thread == FL_PIPE_SOURCE)
			r->cpu = given[FL_GIVEN_SOURCE_CPU];
		if (rc == 0 && s.thread == FL_PIPE_SOURCE)
			r->busy[s.thread] = given[FL_GIVEN_SOURCE_BUSY];
		if (rc == 0 && s.thread == FL_PIPE_STAGE)
			r->busy[s.thread] = given[FL_GIVEN_COPY_BUSY];
	}
	r->rc[s.thread] = rc;
	if (rc < 0 && rc != -ECANCELED) {
		r->bench->halt(r->state); /* as the harness does: one that fails ends all */
		r->failed = true;
	}
	r->bench->leave(r->state, s.thread); /* only this thread may wait for what it has in flight */
	return NULL;
}

/* NULL, with the error in *err, where the lane does not open. */
static inline struct rig *open_rig(const struct fl_bench *bench, const struct feed_opts *opts, struct fl_err *err)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->bench = bench;
	r->opts = *opts;
	r->lane.threads = FL_PIPE_THREADS;
	if (bench->open(&r->lane, &r->opts, &r->state, err) == 0)
		return r;
	fake_free(&r->lane);
	free(r);
	return NULL;
}

static inline struct rig *make_rig(const struct fl_bench *bench, const struct feed_opts *opts)
{
	struct fl_err err = { 0 };
	struct rig *r = open_rig(bench, opts, &err);

	if (!r)
		fail_msg("%s: %s", bench->name, err.what);
	return r;
}

static inline void start(struct rig *r, unsigned steps_max)
{
	r->steps_max = steps_max;
	for (unsigned i = 0; i < FL_PIPE_THREADS; i++) {
		struct stepper *s = malloc(sizeof(*s));

		assert_non_null(s);
		*s = (struct stepper){ r, i };
		assert_int_equal(pthread_create(&r->threads[i], NULL, step_on, s), 0);
	}
}

/* halt: from here; else the sink's end is waited for first. */
static inline void finish(struct rig *r, bool halt)
{
	if (!halt)
		pthread_join(r->threads[FL_PIPE_SINK], NULL);
	r->bench->halt(r->state);
	for (unsigned i = 0; i < FL_PIPE_THREADS; i++)
		if (halt || i != FL_PIPE_SINK)
			pthread_join(r->threads[i], NULL);
}

static inline int verify(struct rig *r, struct fl_err *err)
{
	*err = (struct fl_err){ 0 };
	return r->bench->verify(r->state, err);
}

static inline void free_rig(struct rig *r)
{
	r->bench->close(r->state);
	fake_free(&r->lane);
	free(r);
}

/* Runs so many batches and returns what verify says. */
static inline int run(const struct fl_bench *bench, const struct feed_opts *opts, unsigned steps, struct fl_err *err)
{
	struct rig *r = make_rig(bench, opts);
	int rc;

	start(r, steps);
	finish(r, false);
	rc = verify(r, err);
	free_rig(r);
	return rc;
}

#endif
