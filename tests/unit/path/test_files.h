/* SPDX-License-Identifier: Apache-2.0 */
/* test_files.h: files in the build tree for tests of direct reads. */
#ifndef TEST_FILES_H
#define TEST_FILES_H
#include "path/direct.h"
#include "path/pattern.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILE_BLOCK = 64 << 10, FILE_BLOCKS = 32, FILE_BYTES = FILE_BLOCK * FILE_BLOCKS };

/* A file of FILE_BYTES whose word at offset 8 i is word i of pattern 1. `path` ends in XXXXXX. */
static inline void make_file(char *path)
{
	char *data = malloc(FILE_BYTES);
	int fd = mkstemp(path);

	assert_non_null(data);
	assert_true(fd >= 0);
	fl_pattern_fill(data, FILE_BYTES, 1);
	assert_int_equal(write(fd, data, FILE_BYTES), FILE_BYTES);
	assert_int_equal(fsync(fd), 0);
	close(fd);
	free(data);
}

/* Skips the test where the build tree lies on something that has no direct reads. */
static inline void need_direct_reads(const char *path)
{
	struct fl_err err = { 0 };
	struct fl_direct file;

	if (fl_direct_open(path, FILE_BLOCK, &file, &err) == 0) {
		close(file.fd);
		return;
	}
	unlink(path);
	if (err.code != -ENODEV)
		fail_msg("%s", err.what);
	print_message("%s\n", err.what);
	skip();
}

#endif
