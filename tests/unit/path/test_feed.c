/* SPDX-License-Identifier: Apache-2.0 */
/* test_feed.c: every source with either sink brings right data, in the memory that was stated; what a source with a
 * known pace gives is what follows from it; halting ends every state; what cannot be is refused. */
#include "feed_rig.h"
#include "path/random.h"
#include <sched.h>

static const enum fl_pipe_source all_sources[] = { FL_RESIDENT, FL_DRAM, FL_CACHED, FL_BUFFERED, FL_DIRECT, FL_PACED };
enum { SOURCES = sizeof(all_sources) / sizeof(all_sources[0]) };

static bool reads_files(unsigned source)
{
	return source == FL_CACHED || source == FL_BUFFERED || source == FL_DIRECT;
}

/* ---- right data */

static void check_given(const struct rig *r)
{
	bool resident = r->opts.source == FL_RESIDENT;

	for (unsigned i = 0; i < r->steps; i++) {
		const double *g = r->given[i];

		assert_true(g[FL_GIVEN_READY_BATCHES] >= 0 && g[FL_GIVEN_READY_BATCHES] <= (double)r->opts.prefetch);
		assert_true(isnan(g[FL_GIVEN_SOURCE_BUSY]) && isnan(g[FL_GIVEN_COPY_BUSY]));
		if (i == 0) { /* nobody could wait for the first */
			assert_true(isnan(g[FL_GIVEN_STALL_NS]) && isnan(g[FL_GIVEN_DELIVERY_NS]));
			continue;
		}
		assert_true(g[FL_GIVEN_STALL_NS] >= 0 && g[FL_GIVEN_GAP_NS] >= 0);
		assert_true(resident ? isnan(g[FL_GIVEN_DELIVERY_NS]) : g[FL_GIVEN_DELIVERY_NS] >= 0);
		assert_true(!resident || g[FL_GIVEN_STALL_NS] == 0);
	}
}

static void check_facts(const struct rig *r, bool closed)
{
	bool files = reads_files(r->opts.source);

	assert_true(fake_has_fact(&r->lane, closed ? "checked=every byte" : "checked=block heads"));
	assert_int_equal(fake_has_fact(&r->lane, "direct=yes"), r->opts.source == FL_DIRECT);
	assert_int_equal(fake_has_fact(&r->lane, "engine=io_uring") || fake_has_fact(&r->lane, "engine=pread"), files);
	assert_int_equal(
		fake_has_fact(&r->lane, "file_registered=yes") || fake_has_fact(&r->lane, "file_registered=no"), files);
	/* 2 x 4 reads, 3 a batch, and one; prefetch + 1 where nothing has to be in flight. */
	assert_int_equal(fake_has_fact(&r->lane, files ? "batches_ahead=4" : "batches_ahead=3"),
			 r->opts.source != FL_RESIDENT);
	assert_true(r->opts.source != FL_CACHED || fake_has_fact(&r->lane, "cached_before=1.00"));
	assert_true(r->opts.source != FL_BUFFERED || fake_has_fact(&r->lane, "cached_before=0.00"));
}

static void run_source(const struct bed *bed, enum fl_pipe_source source, bool closed)
{
	struct feed_opts o = opts_of(source, bed->dir);
	struct rig *r = make_rig(closed ? feed : ingest, &o);
	struct fl_err err;
	char fact[64];

	start(r, 200); /* round the target several times */
	finish(r, false);
	assert_int_equal(r->rc[FL_PIPE_SINK], 0);
	assert_int_equal(r->bytes, 200 * o.step_bytes);
	for (unsigned i = 0; i < FL_PIPE_THREADS; i += 2) {
		assert_int_equal(r->rc[i], source == FL_RESIDENT ? FL_IDLE : -ECANCELED);
		assert_true(r->busy[i] >= 0 && r->busy[i] <= 1);
	}
	assert_true(r->cpu >= 0 && r->cpu <= 1);
	check_given(r);
	check_facts(r, closed);
	snprintf(fact, sizeof(fact), "buffer_bytes=%llu", (unsigned long long)r->lane.bytes);
	assert_true(fake_has_fact(&r->lane, fact));
	if (verify(r, &err) != 0)
		fail_msg("source %d: %s", source, err.what);
	free_rig(r);
}

static void test_every_source_with_every_sink(void **state)
{
	struct bed bed;

	(void)state;
	make_bed(&bed);
	for (unsigned i = 0; i < SOURCES; i++)
		for (int closed = 0; closed < 2; closed++)
			if (closed || all_sources[i] != FL_RESIDENT)
				run_source(&bed, all_sources[i], closed);
	free_bed(&bed);
}

/* Shapes at the bounds: batches of one block, of one and a bit, one ready at the most; more in flight than in a batch,
 * so that batches are complete before those that come first. */
static void test_shapes(void **state)
{
	static const struct {
		uint64_t step_bytes, block, depth, prefetch;
	} rows[] = {
		{ 4096, 4096, 32, 1 },
		{ 4096 + BED_BLOCK, BED_BLOCK, 16, 1 },
		{ BED_BLOCK, BED_BLOCK, 1, 1 },
		{ 9 * BED_BLOCK, BED_BLOCK, 64, 3 },
		{ 40 * BED_BLOCK, BED_BLOCK, 3, 1 },
		{ 3 * BED_BLOCK, 4096, 7, 5 },
	};
	struct bed bed;
	struct fl_err err;

	(void)state;
	make_bed(&bed);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct feed_opts o = opts_of(FL_DIRECT, bed.dir);

		o.step_bytes = rows[i].step_bytes;
		o.block = rows[i].block;
		o.depth = rows[i].depth;
		o.prefetch = rows[i].prefetch;
		for (o.engine = FL_IO_AUTO; o.engine <= FL_IO_PREAD; o.engine += FL_IO_PREAD)
			if (run(feed, &o, 100, &err) != 0)
				fail_msg("row %zu: %s", i, err.what);
	}
	free_bed(&bed);
}

/* Each reads its own part; together they read all of it. */
static void test_accelerators_share_the_target(void **state)
{
	struct bed bed;
	struct fl_err err;

	(void)state;
	make_bed(&bed);
	for (uint64_t i = 0; i < 3; i++) {
		struct feed_opts o = opts_of(FL_DIRECT, bed.dir);
		struct rig *r;

		o.accelerators = 3;
		o.accelerator = i;
		put_block(bed.path[0], 70 * BED_BLOCK, BED_SEED, 0, 0); /* of 160 blocks it is in the second third */
		r = make_rig(feed, &o);
		start(r, 60);
		finish(r, false);
		assert_int_equal(verify(r, &err), i == 1 ? -EBADMSG : 0);
		free_rig(r);
	}
	free_bed(&bed);
}

/* A file that nobody knows is held against what pread finds there. */
static void test_a_strange_file(void **state)
{
	struct bed bed;
	struct fl_err err;
	struct feed_opts o;
	struct rig *r;
	int fd;

	(void)state;
	make_bed(&bed);
	o = opts_of(FL_DIRECT, bed.path[2]);
	fd = open(bed.path[2], O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "strange", 7, 0), 7);
	assert_int_equal(fsync(fd), 0);
	for (int damaged = 0; damaged < 2; damaged++) {
		r = make_rig(feed, &o);
		start(r, 50);
		finish(r, false);
		assert_true(fake_has_fact(&r->lane, "checked=no"));
		for (uint64_t at = 0; damaged && at < bed_bytes[2]; at += BED_BLOCK)
			assert_int_equal(pwrite(fd, "y", 1, (off_t)at + 100), 1);
		assert_int_equal(fsync(fd), 0);
		assert_int_equal(verify(r, &err), damaged ? -EBADMSG : 0);
		free_rig(r);
	}
	close(fd);
	free_bed(&bed);
}

/* Memory is what depth, block, prefetch and step_bytes make of it; the size of a target is not in it. */
static void test_memory_is_bounded(void **state)
{
	struct bed bed;
	uint64_t bytes[2];

	(void)state;
	make_bed(&bed);
	for (unsigned i = 0; i < 2; i++) {
		struct feed_opts o = opts_of(FL_DIRECT, i ? bed.dir : bed.path[2]);
		struct rig *r = make_rig(ingest, &o);

		start(r, 100);
		finish(r, false);
		bytes[i] = r->lane.bytes;
		assert_int_equal(bytes[i], (2 * o.depth + 4) * o.block + (o.prefetch + 2) * o.step_bytes);
		free_rig(r);
	}
	assert_int_equal(bytes[0], bytes[1]);
	free_bed(&bed);
}

/* ---- what the page cache holds */

static void read_whole(const char *path)
{
	char *data = malloc(bed_bytes[0]);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(data && fd >= 0);
	assert_true(pread(fd, data, bed_bytes[0], 0) > 0);
	close(fd);
	free(data);
}

/* One that was cached and no longer is, and one that should have come from the drive and did not. */
static void test_the_path_is_proved(void **state)
{
	struct bed bed;
	struct fl_err err;

	(void)state;
	make_bed(&bed);
	for (unsigned source = FL_CACHED; source <= FL_BUFFERED; source++) {
		struct feed_opts o = opts_of((enum fl_pipe_source)source, bed.dir);
		struct rig *r = make_rig(ingest, &o);

		start(r, 100);
		finish(r, false);
		assert_int_equal(verify(r, &err), 0);
		for (unsigned i = 0; i < BED_FILES; i++) {
			int fd = open(bed.path[i], O_RDONLY | O_CLOEXEC);

			if (source == FL_CACHED)
				assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
			else
				read_whole(bed.path[i]);
			close(fd);
		}
		assert_int_equal(verify(r, &err), -ESTALE);
		assert_non_null(strstr(err.what, "page cache after the run"));
		free_rig(r);
	}
	free_bed(&bed);
}

/* ---- a pace that is known */

static unsigned count_stalls(const struct rig *r, unsigned from)
{
	unsigned n = 0;

	for (unsigned i = from; i < r->steps; i++)
		n += r->given[i][FL_GIVEN_STALL_NS] > 0;
	return n;
}

/* Its stalls; *ret_paced: it slept until a batch was due, which is busy, but not with a CPU. */
static unsigned stalls_at(uint64_t pace, uint64_t step_time, bool *ret_paced)
{
	struct feed_opts o = opts_of(FL_PACED, "/nowhere");
	struct rig *r;
	unsigned stalls;

	o.pace = pace;
	o.step_time = step_time;
	r = make_rig(feed, &o);
	start(r, 60);
	finish(r, false);
	stalls = count_stalls(r, 5);
	assert_true(r->lane.least_cap_bytes_per_s == (double)o.step_bytes * 1e9 / (double)pace);
	*ret_paced = r->cpu > 0 && r->cpu < 0.5 && (pace < step_time || r->busy[FL_PIPE_SOURCE] > 0.5);
	free_rig(r);
	return stalls;
}

/* Slower than the sink it is waited for, faster it is not. Others that take the CPUs can make stalls, or hide them, so
 * it is tried until they leave it alone. */
static void test_stalls_follow_from_the_pace(void **state)
{
	static const struct {
		uint64_t pace, step_time;
		bool stalls;
	} rows[] = { { 4000000, 500000, true }, { 500000, 4000000, false } };
	enum { TRIES = 20 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		bool as_expected = false, paced = false;

		for (unsigned k = 0; k < TRIES && !as_expected; k++) {
			unsigned stalls = stalls_at(rows[i].pace, rows[i].step_time, &paced);

			as_expected = paced && (rows[i].stalls ? stalls > 45 : stalls < 15);
		}
		assert_true(as_expected);
	}
}

/* The mean of its times stays what it was, whatever their jitter. */
static void test_jitter_keeps_the_mean(void **state)
{
	uint64_t random = 12345;
	double sum = 0, squares = 0;
	enum { N = 200000 };

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		double e = fl_random_exponential(&random);

		assert_true(e >= 0 && isfinite(e));
		sum += e;
		squares += e * e;
	}
	assert_true(fabs(sum / N - 1) < 0.01);
	assert_true(fabs(squares / N - 2) < 0.05); /* of an exponential distribution with mean 1 */
}

/* ---- halting */

/* What everybody is doing when the halt comes: waiting for the consumer, for the pace, or at work. */
static void test_halt_ends_every_state(void **state)
{
	static const struct {
		uint64_t step_time, pace;
		enum fl_pipe_source source;
		unsigned steps; /* of the sink, before */
	} rows[] = {
		{ 100000000000, 0, FL_DIRECT, 0 },
		{ 100000000000, 0, FL_DRAM, 0 },
		{ 100000000000, 0, FL_CACHED, 0 },
		{ 100000000000, 0, FL_BUFFERED, 0 },
		{ 100000000000, 0, FL_RESIDENT, 0 },
		{ 100000000000, 10000, FL_PACED, 0 },
		{ 1000, 100000000000, FL_PACED, 0 },
		{ 1000, 0, FL_DIRECT, 3 },
		{ 1000, 0, FL_DRAM, 3 },
		{ 1000, 0, FL_RESIDENT, 3 },
	};
	struct bed bed;

	(void)state;
	make_bed(&bed);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned pause = 0; pause <= 3; pause++) {
			struct feed_opts o = opts_of(rows[i].source, bed.dir);
			struct rig *r;

			o.step_time = rows[i].step_time;
			o.pace = rows[i].pace ? rows[i].pace : o.pace;
			r = make_rig(feed, &o);
			start(r, STEPS_MAX);
			while (r->steps < rows[i].steps && !r->failed)
				sched_yield();
			usleep(pause * 1000);
			finish(r, true);
			for (unsigned k = 0; r->failed && k < FL_PIPE_THREADS; k++)
				print_message("thread %u: %d %s\n", k, r->rc[k], r->err[k].what);
			assert_false(r->failed);
			assert_true(r->rc[FL_PIPE_SINK] == -ECANCELED || r->steps == STEPS_MAX);
			free_rig(r);
		}
	}
	free_bed(&bed);
}

/* A lane that was opened and never stepped, or halted before. */
static void test_nothing_arrived(void **state)
{
	struct feed_opts o = opts_of(FL_DRAM, "/nowhere");
	struct rig *r = make_rig(feed, &o);
	double given[FL_GIVEN_N];
	struct fl_err err;

	(void)state;
	assert_int_equal(verify(r, &err), -ENODATA);
	r->bench->halt(r->state);
	for (unsigned i = 0; i < FL_PIPE_THREADS; i++)
		assert_int_equal(step(r, i, given), -ECANCELED);
	free_rig(r);
}

/* ---- what cannot be */

static void refused(const struct fl_bench *bench, const struct feed_opts *o, int code, const char *says)
{
	struct fl_err err = { 0 };
	struct rig *r = open_rig(bench, o, &err);

	if (r || err.code != code || !strstr(err.what, says))
		fail_msg("not refused with '%s': %d '%s'", says, err.code, err.what);
}

static void test_refusals(void **state)
{
	struct bed bed;
	struct feed_opts o;

	(void)state;
	make_bed(&bed);
	o = opts_of(FL_DIRECT, bed.dir);
	o.block = o.step_bytes + 4096;
	refused(feed, &o, -EINVAL, "is larger than a batch of");
	o = opts_of(FL_DRAM, bed.dir);
	o.step_bytes += 512;
	refused(feed, &o, -EINVAL, "step_bytes 41472 is no multiple of 4096");
	o = opts_of(FL_DRAM, bed.dir);
	o.block += 512;
	refused(feed, &o, -EINVAL, "block 16896 is no multiple of 4096");
	o = opts_of(FL_DIRECT, bed.dir);
	o.accelerators = 2;
	o.accelerator = 2;
	refused(feed, &o, -EINVAL, "no accelerator 2 among 2");
	o = opts_of(FL_RESIDENT, bed.dir);
	refused(ingest, &o, -EINVAL, "a resident source moves nothing");
	o = opts_of(FL_DIRECT, "/nowhere/at/all");
	refused(feed, &o, -ENOENT, "/nowhere/at/all");
	o = opts_of(FL_DIRECT, bed.path[0]);
	o.block = 64 * BED_BLOCK;
	o.step_bytes = 64 * BED_BLOCK;
	o.accelerators = 2;
	refused(feed, &o, -EINVAL, "has 1 blocks of 1048576 bytes for 2 accelerators");
	o = opts_of(FL_BUFFERED, bed.path[2]);
	o.depth = 16;
	refused(feed, &o, -EINVAL, "too few to be read cold");
	o = opts_of(FL_DIRECT, bed.path[2]); /* 60 blocks */
	o.depth = 29;
	refused(feed, &o, -EINVAL, "has 60 blocks for an accelerator, too few to be read again and again");
	o = opts_of(FL_DIRECT, bed.path[2]);
	o.step_bytes = 31 * BED_BLOCK;
	refused(feed, &o, -EINVAL, "has 60 blocks for an accelerator, too few to be read again and again");
	o = opts_of(FL_CACHED, bed.dir);
	o.engine = FL_IO_PREAD;
	o.depth = 1024;
	refused(feed, &o, -EINVAL, "requests in flight");
	free_bed(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_source_with_every_sink),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_accelerators_share_the_target),
		cmocka_unit_test(test_a_strange_file),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_the_path_is_proved),
		cmocka_unit_test(test_stalls_follow_from_the_pace),
		cmocka_unit_test(test_jitter_keeps_the_mean),
		cmocka_unit_test(test_halt_ends_every_state),
		cmocka_unit_test(test_nothing_arrived),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
