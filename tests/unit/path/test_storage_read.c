/* SPDX-License-Identifier: Apache-2.0 */
/* test_storage_read.c: the rows of storage/read.c count what arrives, say what they used, and their verify can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device_tree.h"
#include "fake_lane.h"
#include "storage/read.c"
#include "test_files.h"
#include <feedline/block.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { READ, BUFFERED, LATENCY };

static const struct fl_device node0 = { .id = "node0", .node = 0 };

static struct read_opts opts_of(const char *path)
{
	return (struct read_opts){ .path = path, .memory = &node0, .block = FILE_BLOCK, .depth = 4, .threads = 2 };
}

static void *open_bench(unsigned row, struct fl_lane *lane, const struct read_opts *opts)
{
	struct fl_err err = { 0 };
	void *state = NULL;

	if (fl_bench_storage_read[row].open(lane, opts, &state, &err) < 0)
		fail_msg("%s", err.what);
	return state;
}

/* All threads' hooks from this thread: each engine is bound to the thread that enters it, whichever that is. */
static void run(void *state, unsigned threads, uint64_t n)
{
	static struct fl_hist hist;
	struct fl_hist *hists[] = { &hist };
	struct fl_err err = { 0 };

	hist = (struct fl_hist){ 0 };
	for (unsigned t = 0; t < threads; t++) {
		struct fl_step did = { .hist = hists };

		assert_int_equal(read_enter(state, t, &err), 0);
		for (uint64_t done = 0; done < n; done += did.ops) {
			did.ops = 0;
			if (read_step(state, t, n - done, &did, &err) < 0)
				fail_msg("%s", err.what);
			assert_int_equal(did.bytes, did.ops * FILE_BLOCK);
		}
		read_leave(state, t);
	}
	if (((struct read_state *)state)->latency)
		assert_int_equal(fl_hist_total(&hist), threads * n);
	else
		assert_int_equal(fl_hist_total(&hist), 0);
}

static const struct {
	unsigned row, pattern, engine, buffers, cache;
	const char *facts[4];
} runs[] = {
	{ READ, SEQUENTIAL, FL_IO_AUTO, FL_IO_PLAIN, 0, { "buffers=plain", "why_plain=asked for", "direct=yes" } },
	{ READ, RANDOM, FL_IO_URING, FL_IO_REGISTERED, 0, { "engine=io_uring", "buffers=registered", "files=1" } },
	{ READ, RANDOM, FL_IO_PREAD, FL_IO_BUFFERS_AUTO, 0, { "engine=pread", "buffers=plain", "ring=none" } },
	{ LATENCY, RANDOM, FL_IO_AUTO, FL_IO_BUFFERS_AUTO, 0, { "direct=yes", "cached_before=0.00" } },
	{ BUFFERED, SEQUENTIAL, FL_IO_AUTO, FL_IO_BUFFERS_AUTO, COLD, { "direct=no", "cached_before=0.00" } },
	{ BUFFERED, RANDOM, FL_IO_PREAD, FL_IO_BUFFERS_AUTO, WARM, { "direct=no", "cached_before=1.00" } },
};

static void check_run(size_t i, const char *path, const char *verified)
{
	struct read_opts opts = opts_of(path);
	struct fl_lane lane = { .threads = 2 };
	struct fl_err err = { 0 }, wrong = { 0 };
	void *state;

	opts.pattern = runs[i].pattern;
	opts.engine = runs[i].engine;
	opts.buffers = runs[i].buffers;
	opts.cache = runs[i].cache;
	state = open_bench(runs[i].row, &lane, &opts);
	run(state, 2, 50);
	if (read_verify(state, &err) < 0)
		fail_msg("run %zu: %s", i, err.what);
	for (int f = 0; f < 4 && runs[i].facts[f]; f++)
		if (!fake_has_fact(&lane, runs[i].facts[f]))
			fail_msg("run %zu: no fact %s", i, runs[i].facts[f]);
	assert_true(fake_has_fact(&lane, verified));
	((char *)lane.regions[0])[5 * FILE_BLOCK + 77] ^= 1; /* a block of thread 1 */
	assert_int_equal(read_verify(state, &wrong), -EBADMSG);
	read_close(state);
	fake_free(&lane);
}

static void make_described(char *path)
{
	uint64_t block[FL_BLOCK_WORDS];
	int fd = mkstemp(path);

	for (uint64_t at = 0; at < FILE_BYTES; at += FL_BLOCK_BYTES) {
		fl_block_fill(block, 7, 3, at);
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	}
	assert_int_equal(fsync(fd), 0);
	close(fd);
}

static void test_reads_and_verifies(void **unused)
{
	char path[] = BUILD_DIR "/read-XXXXXX", described[] = BUILD_DIR "/read-XXXXXX";

	(void)unused;
	make_file(path);
	need_direct_reads(path);
	make_described(described);
	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		check_run(i, path, "verified=by reading again the last 4 of each thread");
		check_run(i, described,
			  "verified=each by seed, file and offset; every word of the last 4 of each thread");
	}
	unlink(path);
	unlink(described);
}

/* Blocks that came long before the last ones are looked at, too: at their first and their last head. */
static void test_every_block_is_looked_at(void **unused)
{
	static const struct {
		off_t at;
		uint64_t number;
	} cases[] = { { 5 * FILE_BLOCK, 4 }, { 6 * FILE_BLOCK - FL_BLOCK_BYTES, 2 } };

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char path[] = BUILD_DIR "/read-XXXXXX";
		struct read_opts opts = opts_of(path);
		struct fl_lane lane = { .threads = 1 };
		uint64_t block[FL_BLOCK_WORDS];
		struct fl_err err = { 0 };
		void *state;
		int fd;

		make_described(path);
		need_direct_reads(path);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		fl_block_fill(block, 7, cases[i].number, (uint64_t)cases[i].at);
		assert_int_equal(pwrite(fd, block, sizeof(block), cases[i].at), sizeof(block));
		close(fd);
		opts.threads = 1;
		state = open_bench(READ, &lane, &opts);
		run(state, 1, FILE_BLOCKS - opts.depth);
		assert_int_equal(read_verify(state, &err), -EBADMSG);
		assert_non_null(strstr(err.what, "the block of file"));
		read_close(state);
		fake_free(&lane);
		unlink(path);
	}
}

/* A pass over a part ends with an empty cache, in a step that does not count. */
static void test_cold_stays_cold(void **unused)
{
	char path[] = BUILD_DIR "/read-XXXXXX";
	struct read_opts opts = opts_of(path);
	struct fl_lane lane = { .threads = 1 };
	struct fl_step did = { 0 };
	struct fl_err err = { 0 };
	struct read_state *s;
	double ratio = -1;

	(void)unused;
	opts.threads = 1;
	make_file(path);
	need_direct_reads(path);
	s = open_bench(BUFFERED, &lane, &opts);
	assert_int_equal(read_enter(s, 0, &err), 0);
	assert_int_equal(read_step(s, 0, FILE_BLOCKS, &did, &err), 0);
	assert_false(did.spoilt);
	assert_int_equal(fl_target_resident(&s->target, &ratio, &err), 0);
	assert_true(ratio == 1);
	assert_int_equal(did.ops, FILE_BLOCKS);
	assert_int_equal(read_step(s, 0, 5, &did, &err), 0);
	assert_true(did.spoilt);
	assert_int_equal(did.ops, 0);
	assert_int_equal(fl_target_resident(&s->target, &ratio, &err), 0);
	assert_true(ratio == 0);
	did = (struct fl_step){ 0 };
	assert_int_equal(read_step(s, 0, FILE_BLOCKS + 1, &did, &err), 0);
	assert_int_equal(did.ops, FILE_BLOCKS);
	assert_false(did.spoilt);
	read_leave(s, 0);
	read_close(s);
	fake_free(&lane);
	unlink(path);
}

/* As of a file system that answers direct reads through its cache. */
static void test_reads_that_fill_the_cache_are_stale(void **unused)
{
	char path[] = BUILD_DIR "/read-XXXXXX";
	char *data = malloc(FILE_BYTES);
	struct read_opts opts = opts_of(path);
	struct fl_lane lane = { .threads = 2 };
	struct fl_err err = { 0 };
	void *state;
	int fd;

	(void)unused;
	make_file(path);
	need_direct_reads(path);
	state = open_bench(READ, &lane, &opts);
	run(state, 2, FILE_BLOCKS);
	assert_int_equal(read_verify(state, &err), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, data, FILE_BYTES), FILE_BYTES);
	assert_int_equal(read_verify(state, &err), -ESTALE);
	assert_non_null(strstr(err.what, "100 % of "));
	close(fd);
	free(data);
	read_close(state);
	fake_free(&lane);
	unlink(path);
}

/* Pages that cannot be dropped: no reason to refuse reads past the cache, only cold ones. */
static void test_mapped_pages(void **unused)
{
	char path[] = BUILD_DIR "/read-XXXXXX";
	struct read_opts opts = opts_of(path);
	struct fl_lane lane = { .threads = 2 };
	struct fl_err err = { 0 };
	void *state, *map;
	int fd;

	(void)unused;
	make_file(path);
	need_direct_reads(path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	map = mmap(NULL, FILE_BYTES, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	assert_true(map != MAP_FAILED);
	state = open_bench(READ, &lane, &opts);
	assert_true(fake_has_fact(&lane, "cached_before=1.00"));
	run(state, 2, 50);
	assert_int_equal(read_verify(state, &err), 0);
	read_close(state);
	assert_int_equal(buffered_open(&lane, &opts, &state, &err), -EBUSY);
	munmap(map, FILE_BYTES);
	close(fd);
	fake_free(&lane);
	unlink(path);
}

enum { LARGE_BLOCKS = 128, LARGE_BYTES = LARGE_BLOCKS * FILE_BLOCK }; /* more than is read ahead */

static void make_large_file(char *path)
{
	static const char data[FILE_BLOCK] = "x";
	int fd;

	make_file(path);
	need_direct_reads(path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	for (uint64_t i = FILE_BLOCKS; i < LARGE_BLOCKS; i++)
		assert_int_equal(pwrite(fd, data, FILE_BLOCK, (off_t)(i * FILE_BLOCK)), FILE_BLOCK);
	assert_int_equal(fsync(fd), 0);
	close(fd);
}

static void read_it(const char *path)
{
	char *data = malloc(LARGE_BYTES);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(read(fd, data, LARGE_BYTES), LARGE_BYTES);
	close(fd);
	free(data);
}

static void read_it_elsewhere(const char *path)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		read_it(path);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void drop_it(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	close(fd);
}

static void map_it(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	/* unmapped at the end of the test program */
	assert_true(mmap(NULL, LARGE_BYTES, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0) != MAP_FAILED);
	close(fd);
}

/* Cold or warm before, and then no longer: seen, whether or not it is so again at the end. */
static void test_cold_and_warm_must_last(void **unused)
{
	static const struct {
		unsigned cache;
		void (*spoil)(const char *path);
		const char *reason;
	} cases[] = {
		{ COLD, NULL, "" },
		{ WARM, NULL, "" },
		{ COLD, read_it_elsewhere, "came from a drive, the others from the page cache" },
		{ COLD, map_it, "stays in the page cache after the run" },
		{ WARM, drop_it, "came from a drive while" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char path[] = BUILD_DIR "/read-XXXXXX";
		struct read_opts opts = opts_of(path);
		struct fl_lane lane = { .threads = 2 };
		struct fl_step did = { 0 };
		struct fl_err err = { 0 };
		struct read_state *s;

		make_large_file(path);
		opts.threads = 1;
		opts.cache = cases[i].cache;
		s = open_bench(BUFFERED, &lane, &opts);
		assert_true(s->drives_counted);
		assert_int_equal(read_enter(s, 0, &err), 0);
		assert_int_equal(read_step(s, 0, 4, &did, &err), 0);
		if (cases[i].spoil)
			cases[i].spoil(path);
		assert_int_equal(read_step(s, 0, LARGE_BLOCKS - 4, &did, &err), 0);
		read_leave(s, 0);
		if (read_verify(s, &err) != (cases[i].spoil ? -ESTALE : 0) || !strstr(err.what, cases[i].reason))
			fail_msg("case %zu: %s", i, err.what);
		read_close(s);
		fake_free(&lane);
		unlink(path);
	}
}

/* One at its end has the cache forget what it read, and nothing of what another is reading. */
static void test_a_thread_drops_its_own_part(void **unused)
{
	enum { PART = LARGE_BLOCKS / 2 };
	char path[] = BUILD_DIR "/read-XXXXXX";
	struct read_opts opts = opts_of(path);
	struct fl_lane lane = { .threads = 2 };
	struct fl_step did = { 0 };
	struct fl_err err = { 0 };
	struct read_state *s;
	double ratio;

	(void)unused;
	make_large_file(path);
	s = open_bench(BUFFERED, &lane, &opts);
	for (unsigned t = 2; t-- > 0;) {
		assert_int_equal(read_enter(s, t, &err), 0);
		assert_int_equal(read_step(s, t, PART, &did, &err), 0);
	}
	assert_int_equal(read_step(s, 0, 1, &did, &err), 0);
	assert_true(did.spoilt);
	assert_int_equal(fl_target_resident_blocks(&s->target, 0, PART, &ratio, &err), 0);
	assert_true(ratio == 0);
	assert_int_equal(fl_target_resident_blocks(&s->target, 3 * PART / 2 + 1, PART / 2 - 1, &ratio, &err), 0);
	assert_true(ratio == 1);
	read_leave(s, 0);
	read_leave(s, 1);
	read_close(s);
	fake_free(&lane);
	unlink(path);
}

/* So often that no slice of the time can be without a drop: the reason says how much data it takes. */
static void test_too_little_to_be_read_cold(void **unused)
{
	char path[] = BUILD_DIR "/read-XXXXXX";
	struct read_opts opts = opts_of(path);
	struct fl_lane lane = { .threads = 1 };
	struct fl_err err = { 0 };
	void *state;

	(void)unused;
	make_file(path);
	need_direct_reads(path);
	opts.threads = 1;
	state = open_bench(BUFFERED, &lane, &opts);
	run(state, 1, 34 * FILE_BLOCKS);
	assert_int_equal(read_verify(state, &err), -ESTALE);
	assert_non_null(strstr(err.what, "was read cold 33 times"));
	assert_non_null(strstr(err.hint, "at least 8388608 bytes"));
	read_close(state);
	fake_free(&lane);
	unlink(path);
}

/* Of a file that no memory holds the cache keeps only a little, and that little tells. */
static void test_what_a_cache_can_hold(void **unused)
{
	(void)unused;
	assert_true(cacheable(1000, 500, 2000) == 500);
	assert_true(cacheable(300, 500, 2000) == 300);
	assert_true(cacheable(9000, 8000, 1000) == 1000);
}

static void test_reading_once_is_bounded(void **unused)
{
	char path[] = BUILD_DIR "/read-XXXXXX";
	struct read_opts opts = opts_of(path);
	struct fl_lane lane = { .threads = 2 };
	struct fl_err err = { 0 };
	struct read_state *s;

	(void)unused;
	make_file(path);
	need_direct_reads(path);
	s = open_bench(BUFFERED, &lane, &opts);
	assert_int_equal(read_once(&s->target, UINT64_MAX, &err), 0);
	assert_int_equal(read_once(&s->target, 0, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.what, "only 1048576 of 2097152 bytes were read"));
	assert_string_equal(err.hint, "choose at most 1048576 bytes here");
	read_close(s);
	fake_free(&lane);
	unlink(path);
}

static void test_nothing_read_is_not_verified(void **unused)
{
	char path[] = BUILD_DIR "/read-XXXXXX";
	struct read_opts opts = opts_of(path);
	struct fl_lane lane = { .threads = 2 };
	struct fl_err err = { 0 };
	void *state;

	(void)unused;
	make_file(path);
	need_direct_reads(path);
	state = open_bench(READ, &lane, &opts);
	assert_int_equal(read_verify(state, &err), -ENODATA);
	read_close(state);
	fake_free(&lane);
	unlink(path);
}

/* Reads all of the file while the device counts as it is told, and returns what verify says. */
static int read_while(const struct device_tree *t, const char *before, const char *after, struct fl_err *err)
{
	struct read_opts opts = opts_of(t->file);
	struct fl_lane lane = { .threads = 2 };
	const struct read_state row = { .opts = &opts, .lane = &lane, .direct = true, .devices = t->dir };
	void *state = NULL;
	int rc;

	tree_put(t->device, "stat", before);
	if (open_state(&row, &state, err) < 0)
		fail_msg("%s", err->what);
	run(state, 2, FILE_BLOCKS / 2);
	tree_put(t->device, "stat", after);
	rc = read_verify(state, err);
	read_close(state);
	fake_free(&lane);
	return rc;
}

static void test_what_the_device_did_not_deliver(void **unused)
{
	struct fl_err err = { 0 };
	struct device_tree t;

	(void)unused;
	tree_make(&t);
	need_known_file_system(&t);
	tree_counts(&t);
	make_file(t.file);
	assert_int_equal(read_while(&t, "9 0 1000 0\n", "9 0 9999 0\n", &err), 0); /* 4096 are 2 MiB */
	assert_int_equal(read_while(&t, "9 0 1000 0\n", "9 0 5096 0\n", &err), 0);
	assert_int_equal(read_while(&t, "no\n", "9 0 1000 0\n", &err), 0);
	assert_int_equal(read_while(&t, "9 0 1000 0\n", "9 0 3000 0\n", &err), -ESTALE);
	assert_non_null(strstr(err.what, "came from its device"));
	tree_free(&t);
}

static void test_refusals(void **unused)
{
	char path[] = BUILD_DIR "/read-XXXXXX";
	struct read_opts opts = opts_of(path);
	struct fl_lane lane = { .threads = 2 };
	struct fl_err err = { 0 }, cold = { 0 }, page = { 0 };
	void *state = NULL;

	(void)unused;
	make_file(path);
	need_direct_reads(path);
	opts.pattern = RANDOM;
	assert_int_equal(buffered_open(&lane, &opts, &state, &cold), -EINVAL);
	assert_non_null(strstr(cold.what, "not cold"));
	opts.pattern = SEQUENTIAL;
	opts.block = 512;
	assert_int_equal(buffered_open(&lane, &opts, &state, &page), -EINVAL);
	assert_non_null(strstr(page.what, "share pages"));
	opts.block = FILE_BLOCK;
	opts.depth = FILE_BLOCKS / 2 + 1;
	assert_int_equal(direct_open(&lane, &opts, &state, &err), -EINVAL);
	assert_non_null(strstr(err.what, "need"));
	assert_null(state);
	assert_int_equal(lane.regions_n, 0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_and_verifies),
		cmocka_unit_test(test_every_block_is_looked_at),
		cmocka_unit_test(test_cold_stays_cold),
		cmocka_unit_test(test_reads_that_fill_the_cache_are_stale),
		cmocka_unit_test(test_mapped_pages),
		cmocka_unit_test(test_cold_and_warm_must_last),
		cmocka_unit_test(test_a_thread_drops_its_own_part),
		cmocka_unit_test(test_too_little_to_be_read_cold),
		cmocka_unit_test(test_what_a_cache_can_hold),
		cmocka_unit_test(test_reading_once_is_bounded),
		cmocka_unit_test(test_nothing_read_is_not_verified),
		cmocka_unit_test(test_what_the_device_did_not_deliver),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
