/* SPDX-License-Identifier: Apache-2.0 */
/* test_data_verify.c: data.verify finds what is wrong in whichever thread it is met, counts it, and names the first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "data/verify.c"
#include "fake_lane.h"

static const struct fl_bench *const bench = &fl_bench_data_verify[0];

enum { FILES = 4, BLOCKS = 9, BYTES = BLOCKS * FL_BLOCK_BYTES, SEED = 7 };

static struct fl_dataset_file files[FILES] = { { (char *)"data-00000000", BYTES },
					       { (char *)"data-00000001", BYTES },
					       { (char *)"data-00000002", BYTES },
					       { (char *)"data-00000003", BYTES } };

static void write_file(size_t file)
{
	static char data[BYTES] __attribute__((aligned(8)));
	int fd = open(files[file].name, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_true(fd >= 0);
	for (size_t at = 0; at < BYTES; at += FL_BLOCK_BYTES)
		fl_block_fill(data + at, SEED, file, at);
	assert_int_equal(write(fd, data, sizeof(data)), sizeof(data));
	close(fd);
}

static int set_up(void **state)
{
	static const char template[] = BUILD_DIR "/verify-XXXXXX";
	const struct fl_dataset set = { .seed = SEED, .files = files, .files_n = FILES, .complete = true };
	char *dir = strdup(template);

	*state = dir;
	if (!dir || !mkdtemp(dir) || chdir(dir) < 0 || fl_dataset_write(".", &set, NULL) < 0)
		return -1;
	for (size_t i = 0; i < FILES; i++)
		write_file(i);
	return 0;
}

static int tear_down(void **state)
{
	unlink(FL_DATASET_INDEX);
	for (size_t i = 0; i < FILES; i++)
		unlink(files[i].name);
	if (chdir("/") < 0 || rmdir(*state) < 0)
		return -1;
	free(*state);
	return 0;
}

/* The threads in turn, the last one first. Returns what verify says. */
static int verify_all(const char *fact, struct fl_err *err)
{
	static const struct fl_set_opts opts = { .path = ".", .block = 2 * FL_BLOCK_BYTES, .depth = 2, .threads = 3 };
	struct fl_lane lane = { .threads = 3 };
	unsigned idle = 0, turns = 0;
	void *state = NULL;
	int rc;

	assert_int_equal(bench->open(&lane, &opts, &state, err), 0);
	while (idle < 3) {
		struct fl_step did = { 0 };

		rc = bench->step(state, 2 - turns++ % 3, 3, &did, err);
		assert_true(rc == 0 || rc == FL_IDLE);
		idle = rc == FL_IDLE ? idle + 1 : 0;
	}
	for (unsigned t = 0; t < 3; t++)
		bench->leave(state, t);
	rc = bench->verify(state, err);
	assert_true(fake_has_fact(&lane, fact));
	bench->close(state);
	fake_free(&lane);
	return rc;
}

static void damage(const char *name, off_t offset)
{
	int fd = open(name, O_RDWR);
	char byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte = (char)(byte ^ 16);
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

static void right_data(void **state)
{
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(verify_all("wrong_blocks=0", &err), 0);
}

static void names_the_first(void **state)
{
	struct fl_err err = { 0 };

	(void)state;
	damage("data-00000003", 100);
	damage("data-00000002", 2 * FL_BLOCK_BYTES + 50);
	damage("data-00000002", 5 * FL_BLOCK_BYTES);
	assert_int_equal(verify_all("wrong_blocks=3", &err), -EBADMSG);
	assert_string_equal(err.what, "'data-00000002' at offset 8192: 1 bit is flipped, in byte 50; "
				      "in all wrong blocks: 3, wrong files: 0");
}

static void every_block(void **state)
{
	char expected[80];

	(void)state;
	for (size_t i = 0; i < FILES; i++)
		for (unsigned b = 0; b < BLOCKS; b++) {
			struct fl_err err = { 0 };
			off_t offset = (off_t)b * FL_BLOCK_BYTES + 4095 - (off_t)i * 500;

			damage(files[i].name, offset);
			assert_int_equal(verify_all("wrong_blocks=1", &err), -EBADMSG);
			snprintf(expected, sizeof(expected), "'%s' at offset %u: 1 bit is flipped, in byte %u",
				 files[i].name, b * FL_BLOCK_BYTES, 4095 - (unsigned)i * 500);
			assert_string_equal(err.what, expected);
			damage(files[i].name, offset);
		}
}

static void files_of_another_size(void **state)
{
	struct fl_err err = { 0 }, missing = { 0 };

	(void)state;
	damage("data-00000001", 0);
	assert_int_equal(truncate("data-00000001", BYTES - 1), 0);
	assert_int_equal(verify_all("wrong_files=1", &err), -EBADMSG);
	assert_string_equal(err.what, "'data-00000001': has 36863 bytes instead of 36864; "
				      "in all wrong blocks: 1, wrong files: 1");
	assert_int_equal(unlink("data-00000000"), 0);
	assert_int_equal(verify_all("wrong_files=2", &missing), -EBADMSG);
	assert_non_null(strstr(missing.what, "'data-00000000': is missing; "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(right_data, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_the_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_block, set_up, tear_down),
		cmocka_unit_test_setup_teardown(files_of_another_size, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
