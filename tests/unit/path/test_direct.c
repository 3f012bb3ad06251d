/* SPDX-License-Identifier: Apache-2.0 */
/* test_direct.c: what is read past the page cache, and what is refused, with the reason in the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test_files.h"
#include <sys/stat.h>

static void refuse(const char *path, uint64_t block_bytes, int code, const char *reason)
{
	struct fl_direct file = { .fd = -7, .bytes = 7 };
	struct fl_err err = { 0 };

	assert_int_equal(fl_direct_open(path, block_bytes, &file, &err), code);
	if (!strstr(err.what, reason))
		fail_msg("'%s' instead of '%s'", err.what, reason);
	assert_int_equal(file.fd, -7);
	assert_int_equal(file.bytes, 7);
}

static void test_a_file_opens(void **state)
{
	char path[] = BUILD_DIR "/direct-XXXXXX";
	struct fl_direct file;
	struct fl_err err = { 0 };

	(void)state;
	make_file(path);
	need_direct_reads(path);
	assert_int_equal(fl_direct_open(path, FILE_BLOCK, &file, &err), 0);
	assert_int_equal(file.bytes, FILE_BYTES);
	assert_int_equal(fcntl(file.fd, F_GETFL) & (O_ACCMODE | O_DIRECT), O_RDONLY | O_DIRECT);
	close(file.fd);
	refuse(path, FILE_BLOCK + 1, -EINVAL, "refused");
	refuse(path, FILE_BYTES + 512, -EINVAL, "a block");
	unlink(path);
}

static void test_what_is_no_drive(void **state)
{
	char dir[] = BUILD_DIR "/direct-XXXXXX", fifo[sizeof(dir) + 8];

	(void)state;
	assert_non_null(mkdtemp(dir));
	refuse(dir, 4096, -EINVAL, "neither a file nor a block device");
	refuse("/dev/null", 4096, -EINVAL, "neither a file nor a block device");
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	refuse(fifo, 4096, -ENOENT, "No such file");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	refuse(fifo, 4096, -EINVAL, "neither a file nor a block device");
	unlink(fifo);
	rmdir(dir);
}

static void test_tmpfs_is_refused(void **state)
{
	char path[] = "/dev/shm/feedline-direct-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		skip();
	close(fd);
	refuse(path, 4096, -ENODEV, "tmpfs is memory");
	unlink(path);
}

static void test_holes_are_refused(void **state)
{
	char path[] = BUILD_DIR "/direct-XXXXXX";

	(void)state;
	make_file(path);
	need_direct_reads(path);
	assert_int_equal(truncate(path, 2 * FILE_BYTES), 0);
	refuse(path, FILE_BLOCK, -EINVAL, "hole at offset 2097152");
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_opens),
		cmocka_unit_test(test_what_is_no_drive),
		cmocka_unit_test(test_tmpfs_is_refused),
		cmocka_unit_test(test_holes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
