/* SPDX-License-Identifier: Apache-2.0 */
/* test_storage_read.c: storage.read counts what arrives, says what it used, and its verify can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake_lane.h"
#include "storage/read.c"
#include "test_files.h"

static const struct fl_bench *const bench = &fl_bench_storage_read[0];

static struct read_opts opts_of(const char *path)
{
	return (struct read_opts){ .path = path, .block = FILE_BLOCK, .depth = 4, .threads = 2 };
}

static void *open_state(struct fl_lane *lane, const struct read_opts *opts)
{
	struct fl_err err = { 0 };
	void *state = NULL;
	int rc = bench->open(lane, opts, &state, &err);

	if (rc == -EPERM) {
		print_message("%s\n", err.what);
		unlink(opts->path);
		skip();
	}
	if (rc < 0)
		fail_msg("%s", err.what);
	return state;
}

/* All threads' hooks from this thread: each ring is bound to the thread that enters it, whichever that is. */
static void run(void *state, unsigned threads, uint64_t n)
{
	struct fl_err err = { 0 };

	for (unsigned t = 0; t < threads; t++) {
		struct fl_step did = { 0 };

		assert_int_equal(bench->enter(state, t, &err), 0);
		assert_int_equal(bench->step(state, t, n, &did, &err), 0);
		assert_int_equal(did.ops, n);
		assert_int_equal(did.bytes, n * FILE_BLOCK);
		bench->leave(state, t);
	}
}

static void check_run(const char *path, unsigned pattern, unsigned buffers, const char *fact)
{
	struct read_opts opts = opts_of(path);
	struct fl_lane lane = { .threads = 2 };
	struct fl_err err = { 0 }, wrong = { 0 };
	void *state;

	opts.pattern = pattern;
	opts.buffers = buffers;
	state = open_state(&lane, &opts);
	run(state, 2, 50);
	assert_int_equal(bench->verify(state, &err), 0);
	assert_true(fake_has_fact(&lane, "engine=io_uring"));
	assert_true(fake_has_fact(&lane, fact));
	((char *)lane.regions[0])[5 * FILE_BLOCK + 77] ^= 1; /* a block of thread 1 */
	assert_int_equal(bench->verify(state, &wrong), -EBADMSG);
	bench->close(state);
	fake_free(&lane);
}

static void test_reads_and_verifies(void **unused)
{
	char path[] = BUILD_DIR "/read-XXXXXX";

	(void)unused;
	make_file(path);
	need_direct_reads(path);
	check_run(path, SEQUENTIAL, PLAIN, "buffers=plain");
	check_run(path, RANDOM, REGISTERED, "buffers=registered");
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
	state = open_state(&lane, &opts);
	assert_int_equal(bench->verify(state, &err), -ENODATA);
	bench->close(state);
	fake_free(&lane);
	unlink(path);
}

static void test_a_small_file_is_refused(void **unused)
{
	char path[] = BUILD_DIR "/read-XXXXXX";
	struct read_opts opts = opts_of(path);
	struct fl_lane lane = { .threads = 2 };
	struct fl_err err = { 0 };
	void *state = NULL;

	(void)unused;
	make_file(path);
	need_direct_reads(path);
	opts.depth = FILE_BLOCKS / 2 + 1;
	assert_int_equal(bench->open(&lane, &opts, &state, &err), -EINVAL);
	assert_non_null(strstr(err.what, "need"));
	assert_null(state);
	assert_int_equal(lane.regions_n, 0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_and_verifies),
		cmocka_unit_test(test_nothing_read_is_not_verified),
		cmocka_unit_test(test_a_small_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
