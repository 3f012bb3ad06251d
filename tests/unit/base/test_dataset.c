/* SPDX-License-Identifier: Apache-2.0 */
/* test_dataset.c: the index of a data set comes back as it was written, and nothing hostile comes through it. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/block.h>
#include <feedline/dataset.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int make_dir(void **state)
{
	static const char template[] = BUILD_DIR "/test-dataset-XXXXXX";
	char *dir = strdup(template);

	*state = dir;
	return dir && mkdtemp(dir) ? chdir(dir) : -1;
}

static int remove_dir(void **state)
{
	static const char *const leftovers[] = { FL_DATASET_INDEX, "data-00000000", "data-00000001", "other" };

	for (size_t i = 0; i < sizeof(leftovers) / sizeof(leftovers[0]); i++)
		remove(leftovers[i]);
	if (chdir("/") < 0 || rmdir(*state) < 0)
		return -1; /* something else was left behind */
	free(*state);
	return 0;
}

static void write_index(const char *text)
{
	assert_int_equal(fl_file_write(FL_DATASET_INDEX, text, strlen(text), NULL), 0);
}

static void comes_back(void **state)
{
	struct fl_dataset_file files[] = { { (char *)"data-00000000", 8192 }, { (char *)"data-00000001", 4096 } };
	struct fl_dataset set = { .seed = UINT64_C(0xfedcba9876543210), .files = files, .files_n = 2 }, back;

	(void)state;
	assert_int_equal(fl_dataset_write(".", &set, NULL), 0);
	assert_int_equal(fl_dataset_read(".", &back, NULL), 0);
	assert_false(back.complete);
	assert_false(back.made_dir);
	assert_null(back.like);
	assert_int_equal(back.strangers, 0);
	fl_dataset_release(&back);
	set.complete = true;
	set.made_dir = true;
	set.like = (char *)"unet3d-h100";
	assert_int_equal(fl_dataset_write(".", &set, NULL), 0);
	assert_int_equal(fl_dataset_read(".", &back, NULL), 0);
	assert_true(back.complete);
	assert_true(back.made_dir);
	assert_true(back.seed == set.seed);
	assert_string_equal(back.like, "unet3d-h100");
	assert_int_equal(back.files_n, 2);
	assert_string_equal(back.files[1].name, "data-00000001");
	assert_int_equal(back.files[0].bytes, 8192);
	assert_int_equal(back.bytes, 12288);
	fl_dataset_release(&back);
	assert_null(back.files);
}

/* The files of the index are no strangers, whether they are there or not. */
static void counts_strangers(void **state)
{
	struct fl_dataset_file files[] = { { (char *)"data-00000000", 8192 }, { (char *)"data-00000001", 4096 } };
	struct fl_dataset set = { .files = files, .files_n = 2 }, back;

	(void)state;
	assert_int_equal(fl_file_write("data-00000000", "x", 1, NULL), 0);
	assert_int_equal(fl_file_write("other", "x", 1, NULL), 0);
	assert_int_equal(fl_dataset_write(".", &set, NULL), 0);
	assert_int_equal(fl_dataset_read(".", &back, NULL), 0);
	assert_int_equal(back.strangers, 1);
	fl_dataset_release(&back);
}

#define HEAD "\"schema\":1,\"state\":\"complete\",\"seed\":\"0x0123456789abcdef\",\"like\":null"

static void refuses_damage(void **state)
{
	static const struct {
		const char *text, *what;
		int code;
	} rows[] = {
		{ "", "damaged", -EBADMSG },
		{ "{" HEAD ",\"files\":[", "damaged", -EBADMSG },
		{ "[]", "must be an object", -EBADMSG },
		{ "{\"schema\":0}", "outside", -EBADMSG },
		{ "{\"schema\":2,\"state\":7}", "schema 2, this feedline knows 1", -EINVAL },
		{ "{" HEAD "}", "'files' is missing", -EBADMSG },
		{ "{\"schema\":1,\"state\":\"done\"}", "'state' must be", -EBADMSG },
		{ "{\"schema\":1,\"state\":\"complete\",\"seed\":\"0x1\"}", "'seed' must be", -EBADMSG },
		{ "{\"schema\":1,\"state\":\"complete\",\"seed\":\"0x0123456789abcdef0\"}", "'seed' must", -EBADMSG },
		{ "{\"schema\":1,\"state\":\"complete\",\"seed\":\"0x0123456789abcdeg\"}", "'seed' must", -EBADMSG },
		{ "{\"schema\":1,\"state\":\"complete\",\"seed\":\"0x0123456789abcdef\"}", "'like' must", -EBADMSG },
		{ "{" HEAD ",\"made_directory\":1,\"files\":[]}", "'made_directory' must", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"../a\",\"bytes\":4096}]}", "'../a' is no name", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"..\",\"bytes\":4096}]}", "'..' is no name", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"\",\"bytes\":4096}]}", "'' is no name", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"/a\",\"bytes\":4096}]}", "'/a' is no name", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"a\\nb\",\"bytes\":4096}]}", "is no name", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"" FL_DATASET_INDEX "\",\"bytes\":4096}]}", "no name", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"data-00000000\",\"bytes\":4095}]}", "no whole blocks", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"data-00000000\",\"bytes\":0}]}", "no whole blocks", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"data-00000000\",\"bytes\":-4096}]}", "outside", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"data-00000000\",\"bytes\":4096.0}]}", "whole number", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"data-00000000\",\"bytes\":4096},"
		  "{\"name\":\"data-00000000\",\"bytes\":4096}]}",
		  "'data-00000000' is no name of file 1, which is 'data-00000001'", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"thesis.tex\",\"bytes\":4096}]}", "is no name of file 0", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"data-00000000\",\"bytes\":9223372036854771712},"
		  "{\"name\":\"data-00000001\",\"bytes\":4096}]}",
		  "more bytes", -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_dataset set = { .seed = 7 };
		struct fl_err err = { 0 };

		write_index(rows[i].text);
		assert_int_equal(fl_dataset_read(".", &set, &err), rows[i].code);
		if (!strstr(err.what, rows[i].what))
			fail_msg("'%s' for '%s'", err.what, rows[i].text);
		assert_int_equal(set.seed, 7); /* untouched */
	}
}

static void needs_a_file(void **state)
{
	struct fl_dataset set;
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_dataset_read(".", &set, &err), -ENOENT);
	assert_string_equal(err.what, "there is no data set of feedline in '.'");
	assert_int_equal(fl_dataset_read("none", &set, NULL), -ENOENT);
	assert_int_equal(symlink("data-00000000", FL_DATASET_INDEX), 0);
	assert_int_equal(fl_dataset_read(".", &set, NULL), -EBADMSG);
	assert_int_equal(unlink(FL_DATASET_INDEX), 0);
	assert_int_equal(mkfifo(FL_DATASET_INDEX, 0600), 0); /* nobody will ever write into it */
	assert_int_equal(fl_dataset_read(".", &set, NULL), -EBADMSG);
}

enum { EXCHANGES = 3000 };

static void *exchange(void *done)
{
	while (!atomic_load((atomic_bool *)done))
		if (renameat2(AT_FDCWD, "other", AT_FDCWD, FL_DATASET_INDEX, RENAME_EXCHANGE) < 0)
			return done;
	return NULL;
}

/* Index and pipe take turns in the place: one is read, the other refused, and nothing is waited for. */
static void waits_for_no_pipe(void **state)
{
	struct fl_dataset_file file = { (char *)"data-00000000", 4096 };
	struct fl_dataset set = { .files = &file, .files_n = 1 }, back;
	atomic_bool done = false;
	pthread_t thread;
	void *failed;

	(void)state;
	assert_int_equal(fl_dataset_write(".", &set, NULL), 0);
	assert_int_equal(mkfifo("other", 0600), 0);
	assert_int_equal(pthread_create(&thread, NULL, exchange, &done), 0);
	alarm(30); /* ends a wait that would have no end */
	for (int i = 0; i < EXCHANGES; i++) {
		int rc = fl_dataset_read(".", &back, NULL);

		if (rc == 0)
			fl_dataset_release(&back);
		else
			assert_int_equal(rc, -EBADMSG);
	}
	alarm(0);
	atomic_store(&done, true);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
}

/* What reading would refuse is not written, and what was there stays. */
static void writes_no_nonsense(void **state)
{
	struct fl_dataset_file good = { (char *)"data-00000000", 4096 }, outside = { (char *)"../a", 4096 },
			       odd = { (char *)"data-00000000", 4097 };
	struct fl_dataset set = { .seed = 1, .files = &good, .files_n = 1 }, back;

	(void)state;
	assert_int_equal(fl_dataset_write(".", &set, NULL), 0);
	set.seed = 2;
	set.files = &outside;
	assert_int_equal(fl_dataset_write(".", &set, NULL), -EINVAL);
	set.files = &odd;
	assert_int_equal(fl_dataset_write(".", &set, NULL), -EINVAL);
	assert_int_equal(fl_dataset_read(".", &back, NULL), 0);
	assert_int_equal(back.seed, 1);
	fl_dataset_release(&back);
}

/* Values that take many times as much memory as text: refused before memory is given to them. */
static void refuses_too_many_values(void **state)
{
	static const char *const values[] = { "[],", "7,", "{},", "[[[", "\"\"," };
	enum { TEXT_BYTES = 16 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct fl_text text = { 0 };
		struct fl_err err = { 0 };
		struct fl_dataset set;

		fl_text_add(&text, "{" HEAD ",\"files\":[");
		while (text.n < TEXT_BYTES)
			fl_text_put(&text, values[i], strlen(values[i]));
		fl_text_add(&text, "0]}");
		write_index(text.bytes);
		fl_text_release(&text);
		assert_int_equal(fl_dataset_read(".", &set, &err), -EBADMSG);
		if (!strstr(err.what, "more values than 1048576 files need"))
			fail_msg("'%s' for '%s'", err.what, values[i]);
	}
}

/* The largest set fits: the bounds of the index are far enough. */
static void as_many_as_there_can_be(void **state)
{
	struct fl_dataset set = { .like = (char *)"a-profile-with-a-name-of-no-more-than-sixty-four-bytes-in-all-xy" };
	struct fl_dataset back;
	const uint64_t bytes = INT64_MAX / FL_DATASET_FILES_MAX / FL_BLOCK_BYTES * FL_BLOCK_BYTES;

	(void)state;
	set.files = fl_zalloc(FL_DATASET_FILES_MAX, sizeof(*set.files));
	set.files_n = FL_DATASET_FILES_MAX;
	for (unsigned i = 0; i < FL_DATASET_FILES_MAX; i++)
		set.files[i] = (struct fl_dataset_file){ fl_format("data-%08u", i), bytes };
	assert_int_equal(fl_dataset_write(".", &set, NULL), 0);
	assert_int_equal(fl_dataset_read(".", &back, NULL), 0);
	assert_int_equal(back.files_n, FL_DATASET_FILES_MAX);
	fl_dataset_release(&back);
	set.like = NULL;
	fl_dataset_release(&set);
}

/* More than one piece is written at a time. */
static void many_files(void **state)
{
	enum { FILES = 20000 };
	struct fl_dataset set = { .files = fl_zalloc(FILES, sizeof(*set.files)), .files_n = FILES }, back;

	(void)state;
	for (unsigned i = 0; i < FILES; i++)
		set.files[i] = (struct fl_dataset_file){ fl_format("data-%08u", i), 4096 * ((uint64_t)i + 1) };
	assert_int_equal(fl_dataset_write(".", &set, NULL), 0);
	assert_int_equal(fl_dataset_read(".", &back, NULL), 0);
	assert_int_equal(back.files_n, FILES);
	assert_string_equal(back.files[FILES - 1].name, "data-00019999");
	assert_int_equal(back.bytes, UINT64_C(4096) * FILES * (FILES + 1) / 2);
	fl_dataset_release(&set);
	fl_dataset_release(&back);
}

/* Writes n bytes of a right block at that offset of file 1 of a set with that seed. */
static void write_block(int fd, uint64_t seed, uint64_t offset, size_t n)
{
	uint64_t block[FL_BLOCK_WORDS];

	fl_block_fill(block, seed, 1, offset);
	assert_int_equal(pwrite(fd, block, n, (off_t)offset), n);
}

static void knows_its_own(void **state)
{
	static const struct {
		const char *text; /* over the start of the file */
		uint64_t first_seed, last_seed, size;
		size_t first_bytes;
		bool owned;
	} rows[] = {
		{ .size = 0, .owned = true },
		{ .size = 100, .owned = true }, /* zeros */
		{ .size = 12288, .owned = true },
		{ .first_seed = 7, .first_bytes = 4096, .size = 4096, .owned = true },
		{ .first_seed = 7, .first_bytes = 50, .size = 50, .owned = true },
		{ .first_seed = 7, .first_bytes = 4096, .size = 12288, .owned = true },
		{ .first_seed = 7, .first_bytes = 4096, .size = 12288, .text = "damaged", .owned = false },
		{ .first_seed = 7, .last_seed = 7, .first_bytes = 4096, .size = 12288, .text = "x", .owned = true },
		{ .last_seed = 7, .size = 12289, .owned = true },
		{ .text = "mine", .size = 4, .owned = false },
		{ .text = "mine", .size = 4096, .owned = false },
		{ .text = "mine", .size = 12288, .owned = false },
		{ .first_seed = 8, .first_bytes = 4096, .size = 4096, .owned = false },
		{ .last_seed = 8, .size = 12288, .owned = false },
	};
	struct fl_dataset_file files[] = { { (char *)"data-00000000", 4096 }, { (char *)"data-00000001", 12288 } };
	const struct fl_dataset set = { .seed = 7, .files = files, .files_n = 2 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = open("data-00000001", O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);

		assert_int_equal(ftruncate(fd, (off_t)rows[i].size), 0);
		if (rows[i].first_seed)
			write_block(fd, rows[i].first_seed, 0, rows[i].first_bytes);
		if (rows[i].last_seed)
			write_block(fd, rows[i].last_seed, 8192, 4096);
		if (rows[i].text)
			assert_true(pwrite(fd, rows[i].text, strlen(rows[i].text), 0) > 0);
		close(fd);
		if (fl_dataset_owns(AT_FDCWD, &set, 1) != rows[i].owned)
			fail_msg("row %zu", i);
	}
	assert_false(fl_dataset_owns(AT_FDCWD, &set, 0)); /* not there */
	assert_int_equal(truncate("data-00000001", 0), 0);
	assert_int_equal(symlink("data-00000001", "data-00000000"), 0);
	assert_false(fl_dataset_owns(AT_FDCWD, &set, 0));
	assert_int_equal(unlink("data-00000000"), 0);
	assert_int_equal(mkfifo("data-00000000", 0600), 0);
	assert_false(fl_dataset_owns(AT_FDCWD, &set, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_back, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(counts_strangers, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(refuses_damage, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(needs_a_file, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(waits_for_no_pipe, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(writes_no_nonsense, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(refuses_too_many_values, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(as_many_as_there_can_be, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(many_files, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(knows_its_own, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
