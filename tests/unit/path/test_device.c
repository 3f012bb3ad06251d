/* SPDX-License-Identifier: Apache-2.0 */
/* test_device.c: what the kernel counts of a device, out of made-up trees and a real one, and what follows from it. */
#include "device_tree.h"
#include "path/device.h"
#include "test_files.h"
#include <inttypes.h>
#include <string.h>

/* With a file, opened. */
static int make_tree(struct device_tree *t)
{
	int fd;

	tree_make(t);
	make_file(t->file);
	fd = open(t->file, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void test_made_up(void **state)
{
	static const struct {
		const char *stat, *iostats;
		uint64_t bytes; /* 0: not known */
	} rows[] = {
		{ "  10  2  80  5  1 1 8 1 0 6 6\n", "1\n", 80 * 512 },
		{ "1 2 3", "1\n", 3 * 512 },
		{ "10 2 80 5\n", "0\n", 0 },
		{ "10 2 80 5\n", "", 0 },
		{ "0 0 0 0\n", "1\n", 0 }, /* it does not count */
		{ "10 2\n", "1\n", 0 },
		{ "ten 2 80\n", "1\n", 0 },
		{ "", "1\n", 0 },
		{ "1 1 99999999999999999\n", "1\n", 0 },
	};
	struct device_tree t;
	int fd;

	(void)state;
	fd = make_tree(&t);
	need_known_file_system(&t);
	tree_make_dir(t.device, "queue");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t bytes = 7;

		tree_put(t.device, "stat", rows[i].stat);
		tree_put(t.device, "queue/iostats", rows[i].iostats);
		assert_int_equal(fl_device_delivered(t.dir, fd, &bytes), rows[i].bytes ? 0 : -ENODATA);
		assert_true(bytes == (rows[i].bytes ? rows[i].bytes : 7));
		assert_int_equal(fl_device_count(t.dir, fd).known, rows[i].bytes > 0);
	}
	close(fd);
	tree_free(&t);
}

/* A partition: the queue is that of the drive, one directory up. */
static void test_a_partition(void **state)
{
	struct device_tree t;
	uint64_t bytes;
	int fd;

	(void)state;
	fd = make_tree(&t);
	need_known_file_system(&t);
	tree_put(t.device, "stat", "1 0 9 1\n");
	assert_int_equal(fl_device_delivered(t.dir, fd, &bytes), -ENODATA);
	tree_make_dir(t.dir, "queue");
	tree_put(t.dir, "queue/iostats", "1\n");
	assert_int_equal(fl_device_delivered(t.dir, fd, &bytes), 0);
	assert_int_equal(bytes, 9 * 512);
	close(fd);
	tree_free(&t);
}

static void test_nothing_to_ask(void **state)
{
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	uint64_t bytes;

	(void)state;
	assert_int_equal(fl_device_delivered("/nowhere", fd, &bytes), -ENODATA);
	assert_int_equal(fl_device_delivered("/sys/dev/block", fd, &bytes), -ENODATA);
	assert_int_equal(fl_device_delivered("/sys/dev/block", -1, &bytes), -ENODATA);
	close(fd);
}

static void test_check(void **state)
{
	static const struct {
		struct fl_device_count before, after;
		uint64_t read;
		int rc;
	} rows[] = {
		{ { true, 1000 }, { true, 2000 }, 1000, 0 },	   { { true, 1000 }, { true, 1900 }, 1000, 0 },
		{ { true, 1000 }, { true, 1899 }, 1000, -ESTALE }, { { true, 1000 }, { true, 1000 }, 1000, -ESTALE },
		{ { true, 1000 }, { true, 9000 }, 1000, 0 }, /* others read, too */
		{ { true, 1000 }, { true, 1000 }, 0, 0 },	   { { false, 0 }, { true, 1000 }, 9000, 0 },
		{ { true, 1000 }, { false, 0 }, 9000, 0 },	   { { true, 1000 }, { true, 999 }, 9000, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_err err = { 0 };

		assert_int_equal(fl_device_check(&rows[i].before, &rows[i].after, rows[i].read, "x", &err), rows[i].rc);
		assert_int_equal(err.code, rows[i].rc);
		assert_int_equal(strstr(err.what, "'x' came from its device") != NULL, rows[i].rc < 0);
	}
}

/* Direct reads are delivered by the device; others, once the page cache has it all, are not, but somebody else may read
 * meanwhile, so that is not asked. */
static void test_a_real_one(void **state)
{
	struct fl_device_count before, after;
	struct fl_err err = { 0 };
	struct fl_direct file;
	struct device_tree t;
	char *data = aligned_alloc(4096, FILE_BLOCK);

	(void)state;
	tree_make(&t);
	make_file(t.file);
	if (fl_direct_open(t.file, FILE_BLOCK, &file, &err) < 0) {
		tree_free(&t);
		free(data);
		skip();
	}
	before = fl_device_count(FL_DEVICES, file.fd);
	for (unsigned i = 0; i < FILE_BLOCKS; i++)
		assert_int_equal(pread(file.fd, data, FILE_BLOCK, (off_t)i * FILE_BLOCK), FILE_BLOCK);
	after = fl_device_count(FL_DEVICES, file.fd);
	print_message("%sknown, %" PRIu64 " bytes\n", before.known ? "" : "not ", after.bytes - before.bytes);
	assert_int_equal(before.known, after.known);
	assert_true(!before.known || after.bytes - before.bytes >= FILE_BYTES);
	assert_int_equal(fl_device_check(&before, &after, FILE_BYTES, t.file, &err), 0);
	close(file.fd);
	free(data);
	tree_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_up),	       cmocka_unit_test(test_a_partition),
		cmocka_unit_test(test_nothing_to_ask), cmocka_unit_test(test_check),
		cmocka_unit_test(test_a_real_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
