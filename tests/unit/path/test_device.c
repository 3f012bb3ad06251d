/* SPDX-License-Identifier: Apache-2.0 */
/* test_device.c: what the kernel counts of a device, out of made-up trees and a real one, and what follows from it. */
#include "path/device.h"
#include "test_files.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

struct tree {
	char dir[256], file[300];
	char device[320]; /* its directory */
	int fd;
};

static void put(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void make_dir(const char *dir, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void remove_in(const char *dir, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	remove(path);
}

/* A file, and a directory for the device that it lies on. */
static void make_tree(struct tree *t)
{
	struct stat st;

	snprintf(t->dir, sizeof(t->dir), "%s/device-XXXXXX", BUILD_DIR);
	assert_non_null(mkdtemp(t->dir));
	snprintf(t->file, sizeof(t->file), "%s/file-XXXXXX", t->dir);
	make_file(t->file);
	t->fd = open(t->file, O_RDONLY | O_CLOEXEC);
	assert_true(t->fd >= 0 && fstat(t->fd, &st) == 0);
	snprintf(t->device, sizeof(t->device), "%s/%u:%u", t->dir, major(st.st_dev), minor(st.st_dev));
	make_dir(t->device, "");
}

static void free_tree(struct tree *t)
{
	static const char *const names[] = { "queue/iostats", "queue", "stat", "" };

	close(t->fd);
	unlink(t->file);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove_in(t->device, names[i]);
	remove_in(t->dir, "queue/iostats");
	remove_in(t->dir, "queue");
	rmdir(t->dir);
}

/* On another file system nothing is known, which is right, but tests nothing. */
static void need_known_file_system(struct tree *t)
{
	struct statfs fs;

	if (fstatfs(t->fd, &fs) == 0 && (fs.f_type == 0xEF53 || fs.f_type == 0x58465342))
		return;
	free_tree(t);
	skip();
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
	struct tree t;

	(void)state;
	make_tree(&t);
	need_known_file_system(&t);
	make_dir(t.device, "queue");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t bytes = 7;

		put(t.device, "stat", rows[i].stat);
		put(t.device, "queue/iostats", rows[i].iostats);
		assert_int_equal(fl_device_delivered(t.dir, t.fd, &bytes), rows[i].bytes ? 0 : -ENODATA);
		assert_true(bytes == (rows[i].bytes ? rows[i].bytes : 7));
		assert_int_equal(fl_device_count(t.dir, t.fd).known, rows[i].bytes > 0);
	}
	free_tree(&t);
}

/* A partition: the queue is that of the drive, one directory up. */
static void test_a_partition(void **state)
{
	struct tree t;
	uint64_t bytes;

	(void)state;
	make_tree(&t);
	need_known_file_system(&t);
	put(t.device, "stat", "1 0 9 1\n");
	assert_int_equal(fl_device_delivered(t.dir, t.fd, &bytes), -ENODATA);
	make_dir(t.dir, "queue");
	put(t.dir, "queue/iostats", "1\n");
	assert_int_equal(fl_device_delivered(t.dir, t.fd, &bytes), 0);
	assert_int_equal(bytes, 9 * 512);
	free_tree(&t);
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
	struct tree t;
	char *data = aligned_alloc(4096, FILE_BLOCK);

	(void)state;
	make_tree(&t);
	if (fl_direct_open(t.file, FILE_BLOCK, &file, &err) < 0) {
		free_tree(&t);
		free(data);
		skip();
	}
	before = fl_device_count("/sys/dev/block", file.fd);
	for (unsigned i = 0; i < FILE_BLOCKS; i++)
		assert_int_equal(pread(file.fd, data, FILE_BLOCK, (off_t)i * FILE_BLOCK), FILE_BLOCK);
	after = fl_device_count("/sys/dev/block", file.fd);
	print_message("%sknown, %" PRIu64 " bytes\n", before.known ? "" : "not ", after.bytes - before.bytes);
	assert_int_equal(before.known, after.known);
	assert_true(!before.known || after.bytes - before.bytes >= FILE_BYTES);
	assert_int_equal(fl_device_check(&before, &after, FILE_BYTES, t.file, &err), 0);
	close(file.fd);
	free(data);
	free_tree(&t);
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
