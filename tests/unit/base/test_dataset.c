/* SPDX-License-Identifier: Apache-2.0 */
/* test_dataset.c: the index of a data set comes back as it was written, and nothing hostile comes through it. */
#include "base/alloc.h"
#include "base/file.h"
#include <errno.h>
#include <feedline/dataset.h>
#include <setjmp.h>
#include <stdarg.h>
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
	static const char *const leftovers[] = { FL_DATASET_INDEX, "a", "b", "other" };

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
	struct fl_dataset_file files[] = { { (char *)"a", 8192 }, { (char *)"b", 4096 } };
	struct fl_dataset set = { .seed = UINT64_C(0xfedcba9876543210), .files = files, .files_n = 2 }, back;

	(void)state;
	assert_int_equal(fl_dataset_write(".", &set, NULL), 0);
	assert_int_equal(fl_dataset_read(".", &back, NULL), 0);
	assert_false(back.complete);
	assert_null(back.like);
	assert_int_equal(back.strangers, 0);
	fl_dataset_release(&back);
	set.complete = true;
	set.like = (char *)"unet3d-h100";
	assert_int_equal(fl_dataset_write(".", &set, NULL), 0);
	assert_int_equal(fl_dataset_read(".", &back, NULL), 0);
	assert_true(back.complete);
	assert_true(back.seed == set.seed);
	assert_string_equal(back.like, "unet3d-h100");
	assert_int_equal(back.files_n, 2);
	assert_string_equal(back.files[1].name, "b");
	assert_int_equal(back.files[0].bytes, 8192);
	assert_int_equal(back.bytes, 12288);
	fl_dataset_release(&back);
	assert_null(back.files);
}

/* The files of the index are no strangers, whether they are there or not. */
static void counts_strangers(void **state)
{
	struct fl_dataset_file files[] = { { (char *)"a", 8192 }, { (char *)"b", 4096 } };
	struct fl_dataset set = { .files = files, .files_n = 2 }, back;

	(void)state;
	assert_int_equal(fl_file_write("a", "x", 1, NULL), 0);
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
		{ "{" HEAD ",\"files\":[{\"name\":\"../a\",\"bytes\":4096}]}", "'../a' is no name", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"..\",\"bytes\":4096}]}", "'..' is no name", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"\",\"bytes\":4096}]}", "'' is no name", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"/a\",\"bytes\":4096}]}", "'/a' is no name", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"a\\nb\",\"bytes\":4096}]}", "is no name", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"" FL_DATASET_INDEX "\",\"bytes\":4096}]}", "no name", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"a\",\"bytes\":4095}]}", "no whole blocks", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"a\",\"bytes\":0}]}", "no whole blocks", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"a\",\"bytes\":-4096}]}", "outside", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"a\",\"bytes\":4096.0}]}", "whole number", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"a\",\"bytes\":4096},{\"name\":\"b\",\"bytes\":4096},"
		  "{\"name\":\"a\",\"bytes\":4096}]}",
		  "'a' is in it twice", -EBADMSG },
		{ "{" HEAD ",\"files\":[{\"name\":\"a\",\"bytes\":9223372036854771712},"
		  "{\"name\":\"b\",\"bytes\":4096}]}",
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
	assert_int_equal(symlink("a", FL_DATASET_INDEX), 0);
	assert_int_equal(fl_dataset_read(".", &set, NULL), -EBADMSG);
	assert_int_equal(unlink(FL_DATASET_INDEX), 0);
	assert_int_equal(mkfifo(FL_DATASET_INDEX, 0600), 0); /* nobody will ever write into it */
	assert_int_equal(fl_dataset_read(".", &set, NULL), -EBADMSG);
}

/* What reading would refuse is not written, and what was there stays. */
static void writes_no_nonsense(void **state)
{
	struct fl_dataset_file good = { (char *)"a", 4096 }, outside = { (char *)"../a", 4096 },
			       odd = { (char *)"a", 4097 };
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_back, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(counts_strangers, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(refuses_damage, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(needs_a_file, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(writes_no_nonsense, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(many_files, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
