/* SPDX-License-Identifier: Apache-2.0 */
/* test_data_make.c: data.make writes what the index lists and nothing else, and calls nothing whole that is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>

/* Between opening the directory and reading its index, another directory is put in its place. */
static bool swaps;
static int swapping_flock(int fd, int how);
#define flock swapping_flock
#include "data/make.c"
#undef flock
#include "fake_lane.h"

static int swapping_flock(int fd, int how)
{
	if (swaps)
		assert_true(rename("../swap-dir", "../swap-away") == 0 && symlink("swap-theirs", "../swap-dir") == 0);
	return flock(fd, how);
}

static const struct fl_bench *const bench = &fl_bench_data_make[0];

enum { BYTES = 17 * FL_BLOCK_BYTES };

static int set_up(void **state)
{
	static const char template[] = BUILD_DIR "/make-XXXXXX";
	char *dir = strdup(template);

	*state = dir;
	return dir && mkdtemp(dir) ? chdir(dir) : -1;
}

static int tear_down(void **state)
{
	static const char *const leftovers[] = { FL_DATASET_INDEX, "data-00000000", "data-00000001", "other" };

	for (size_t i = 0; i < sizeof(leftovers) / sizeof(leftovers[0]); i++)
		unlink(leftovers[i]);
	if (chdir("/") < 0 || rmdir(*state) < 0)
		return -1; /* something else was left behind */
	free(*state);
	return 0;
}

static void write_index(bool complete)
{
	struct fl_dataset_file files[] = { { (char *)"data-00000000", BYTES },
					   { (char *)"data-00000001", FL_BLOCK_BYTES } };
	const struct fl_dataset set = { .seed = 7, .files = files, .files_n = 2, .complete = complete };

	assert_int_equal(fl_dataset_write(".", &set, NULL), 0);
}

static const struct fl_set_opts opts = { .path = ".", .block = 4 * FL_BLOCK_BYTES, .depth = 2, .threads = 2 };

/* All of it, by the hooks. Returns what verify says; it tells these facts. */
static int make_by(const struct fl_set_opts *how, const char *fact, const char *other, struct fl_err *err)
{
	struct fl_lane lane = { .threads = 2 };
	void *state = NULL;
	int rc = 0;

	if (bench->open(&lane, how, &state, err) < 0)
		return err->code;
	for (unsigned t = 0; t < 2; t++) {
		do {
			struct fl_step did = { 0 };

			rc = bench->step(state, t, 3, &did, err);
		} while (rc == 0);
		assert_int_equal(rc, FL_IDLE);
		bench->leave(state, t);
	}
	rc = bench->verify(state, err);
	assert_true(fake_has_fact(&lane, fact));
	assert_true(fake_has_fact(&lane, other));
	bench->close(state);
	fake_free(&lane);
	return rc;
}

static int make_all(struct fl_err *err)
{
	return make_by(&opts, "seed=0x0000000000000007", "seed=0x0000000000000007", err);
}

static void assert_right(const char *name, uint64_t file, size_t bytes)
{
	static char data[BYTES] __attribute__((aligned(8)));
	int fd = open(name, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, data, sizeof(data)), bytes);
	close(fd);
	for (size_t at = 0; at < bytes; at += FL_BLOCK_BYTES)
		assert_int_equal(fl_block_check(data + at, 7, file, at), FL_BLOCK_BYTES);
}

static void write_text(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void makes_all(void **state)
{
	struct fl_err err = { 0 };

	(void)state;
	write_index(false);
	assert_int_equal(make_all(&err), 0);
	assert_right("data-00000000", 0, BYTES);
	assert_right("data-00000001", 1, FL_BLOCK_BYTES);
}

/* A part of a file is made anew, what it is a link to is not touched, a whole one is kept as it is. */
static void goes_on(void **state)
{
	struct fl_err err = { 0 };
	struct stat before, after;

	(void)state;
	write_index(false);
	assert_int_equal(make_all(&err), 0);
	assert_int_equal(stat("data-00000001", &before), 0);
	assert_int_equal(unlink("data-00000000"), 0);
	write_text("other", "mine");
	assert_int_equal(symlink("other", "data-00000000"), 0);
	assert_int_equal(make_all(&err), 0);
	assert_right("data-00000000", 0, BYTES);
	assert_int_equal(stat("data-00000001", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(stat("other", &after), 0);
	assert_int_equal(after.st_size, 4);
	assert_int_equal(truncate("data-00000000", 3 * FL_BLOCK_BYTES), 0);
	assert_int_equal(make_all(&err), 0);
	assert_right("data-00000000", 0, BYTES);
}

/* A file of one request needs no engine; that is not nothing. */
static void tells_how(void **state)
{
	static const struct fl_set_opts whole = { .path = ".", .block = 1 << 20, .depth = 2, .threads = 2 };
	struct fl_err err = { 0 };

	(void)state;
	write_index(false);
	assert_int_equal(make_by(&whole, "engine=pwrite", "moved_bytes=73728", &err), 0);
	assert_int_equal(make_by(&whole, "engine=none", "moved_bytes=0", &err), 0);
	assert_int_equal(unlink("data-00000001"), 0);
	assert_int_equal(make_by(&opts, "engine=pwrite", "moved_bytes=4096", &err), 0);
}

/* The index says that it is being made here, but what is there was made by somebody else. */
static void keeps_files_of_others(void **state)
{
	struct fl_lane lane = { .threads = 2 };
	struct fl_step did = { 0 };
	struct fl_err err = { 0 };
	struct stat st;
	void *s = NULL;

	(void)state;
	write_index(false);
	write_text("data-00000000", "mine");
	assert_int_equal(bench->open(&lane, &opts, &s, &err), 0);
	assert_int_equal(bench->step(s, 0, 3, &did, &err), -EEXIST);
	assert_string_equal(err.what, "'./data-00000000' is there, and is not of this data set");
	bench->leave(s, 0);
	bench->close(s);
	fake_free(&lane);
	assert_int_equal(stat("data-00000000", &st), 0);
	assert_int_equal(st.st_size, 4);
}

static void notices_what_is_gone(void **state)
{
	struct fl_lane lane = { .threads = 2 };
	struct fl_err err = { 0 };
	void *s = NULL;

	(void)state;
	write_index(false);
	assert_int_equal(make_all(&err), 0);
	assert_int_equal(bench->open(&lane, &opts, &s, &err), 0);
	assert_int_equal(bench->verify(s, &err), 0);
	assert_int_equal(truncate("data-00000000", BYTES - FL_BLOCK_BYTES), 0);
	assert_int_equal(bench->verify(s, &err), -EBADMSG);
	assert_string_equal(err.what, "'./data-00000000' has 65536 of 69632 bytes");
	bench->close(s);
	fake_free(&lane);
}

static void one_maker_at_a_time(void **state)
{
	struct fl_lane lane = { .threads = 2 };
	struct fl_err err = { 0 };
	void *s = NULL;

	(void)state;
	write_index(false);
	assert_int_equal(bench->open(&lane, &opts, &s, &err), 0);
	assert_int_equal(make_all(&err), -EBUSY);
	bench->close(s);
	fake_free(&lane);
	err = (struct fl_err){ 0 };
	assert_int_equal(make_all(&err), 0);
}

/* The index that counts is that of the directory in which files are made. */
static void stays_in_its_directory(void **state)
{
	static const struct fl_set_opts opts_there = { .path = "../swap-dir", .block = 4096, .depth = 1, .threads = 1 };
	struct fl_dataset_file file = { (char *)"data-00000000", FL_BLOCK_BYTES };
	struct fl_dataset set = { .seed = 7, .files = &file, .files_n = 1 };
	struct fl_lane lane = { .threads = 1 };
	struct fl_err err = { 0 };
	void *s = NULL;

	(void)state;
	assert_int_equal(mkdir("../swap-dir", 0700), 0);
	assert_int_equal(mkdir("../swap-theirs", 0700), 0);
	assert_int_equal(fl_dataset_write("../swap-dir", &set, NULL), 0);
	set.seed = 8;
	assert_int_equal(fl_dataset_write("../swap-theirs", &set, NULL), 0);
	swaps = true;
	assert_int_equal(bench->open(&lane, &opts_there, &s, &err), 0);
	swaps = false;
	assert_true(fake_has_fact(&lane, "seed=0x0000000000000007"));
	bench->close(s);
	fake_free(&lane);
	unlink("../swap-dir");
	unlink("../swap-away/" FL_DATASET_INDEX);
	unlink("../swap-theirs/" FL_DATASET_INDEX);
	assert_int_equal(rmdir("../swap-away") | rmdir("../swap-theirs"), 0);
}

static void needs_an_index_that_says_so(void **state)
{
	struct fl_err err = { 0 }, complete = { 0 };

	(void)state;
	assert_int_equal(make_all(&err), -ENOENT);
	write_index(true);
	assert_int_equal(make_all(&complete), -EINVAL);
	assert_non_null(strstr(complete.what, "is complete"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(makes_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tells_how, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keeps_files_of_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_what_is_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_maker_at_a_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stays_in_its_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(needs_an_index_that_says_so, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
