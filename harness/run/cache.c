/* SPDX-License-Identifier: Apache-2.0 */
/* cache.c: O_TMPFILE, write, fsync, link: a crash leaves nothing behind. (Where the file system has no nameless
 * files, a sibling that ends in .part, which the next run overwrites.) */
#include "run/cache.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/units.h"
#include "run/space.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/block.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char marker[] = "cache:";

static bool is_size(uint64_t bytes)
{
	return bytes > 0 && bytes % FL_BLOCK_BYTES == 0;
}

int fl_cache_path(const char *text, char **ret, struct fl_err *err)
{
	uint64_t bytes;
	char *dir;
	int rc;

	if (strncmp(text, marker, sizeof(marker) - 1))
		return 0;
	rc = fl_parse_bytes(text + sizeof(marker) - 1, &bytes, err);
	if (rc == 0 && !is_size(bytes))
		rc = fl_fail(err, -EINVAL, "'%s': the size must be a multiple of 4 KiB", text);
	if (rc == 0)
		rc = fl_cache_dir(&dir, err);
	if (rc < 0)
		return rc;
	*ret = fl_format("%s/read-%" PRIu64 ".data", dir, bytes);
	free(dir);
	return 1;
}

uint64_t fl_cache_bytes(const char *path)
{
	static const char prefix[] = "/read-";
	const char *name = strrchr(path, '/');
	char digits[24] = "";
	uint64_t bytes;
	char *dir, *expected;

	if (!name || strncmp(name, prefix, sizeof(prefix) - 1))
		return 0;
	fl_copy(digits, sizeof(digits), name + sizeof(prefix) - 1);
	digits[strspn(digits, "0123456789")] = 0;
	if (fl_parse_count(digits, &bytes, NULL) < 0 || !is_size(bytes) || fl_cache_dir(&dir, NULL) < 0)
		return 0;
	expected = fl_format("%s/read-%" PRIu64 ".data", dir, bytes);
	if (strcmp(expected, path))
		bytes = 0;
	free(expected);
	free(dir);
	return bytes;
}

static int write_all(int fd, const unsigned char *data, size_t bytes, const char *path, struct fl_err *err)
{
	for (size_t at = 0; at < bytes;) {
		ssize_t n = write(fd, data + at, bytes - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fl_fail(err, n ? -errno : -EIO, "write '%s': %s", path,
				       n ? strerror(errno) : "nothing was written");
		at += (size_t)n;
	}
	return 0;
}

static int write_data(int fd, uint64_t bytes, const char *path, struct fl_err *err)
{
	enum { BLOCKS = 256 };
	unsigned char *data = fl_zalloc(BLOCKS, FL_BLOCK_BYTES);
	uint64_t done = 0;
	int rc = 0;

	while (done < bytes && rc == 0) {
		size_t n = 0;

		for (; n < BLOCKS && done < bytes; n++, done += FL_BLOCK_BYTES)
			fl_block_fill(data + n * FL_BLOCK_BYTES, FL_CACHE_SEED, 0, done);
		rc = write_all(fd, data, n * FL_BLOCK_BYTES, path, err);
	}
	free(data);
	if (rc == 0 && fsync(fd) < 0)
		rc = fl_fail(err, -errno, "write '%s' to the drive: %s", path, strerror(errno));
	return rc;
}

static int check_space(const char *dir, uint64_t bytes, struct fl_err *err)
{
	int rc = fl_space_check("the file to read", dir, bytes, err);

	return rc == -ENOSPC ? fl_hint(err, "make room, or name a file to read with --path") : rc;
}

/* The finished file gets its name in one step. A stale one of another size is replaced by way of the nameless one. */
static int give_name(int fd, const char *path, struct fl_err *err)
{
	char *proc = fl_format("/proc/self/fd/%d", fd);
	int rc = 0;

	unlink(path);
	if (linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
		rc = fl_fail(err, -errno, "name '%s': %s", path, strerror(errno));
	free(proc);
	return rc;
}

/* Where the file system has no nameless files (NFS, old overlayfs): a sibling, unlinked again on any error. */
static int make_by_rename(const char *path, uint64_t bytes, struct fl_err *err)
{
	char *part = fl_format("%s.part", path);
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 ? fl_fail(err, -errno, "make '%s': %s", part, strerror(errno))
			: write_data(fd, bytes, part, err);

	if (fd >= 0)
		close(fd);
	if (rc == 0 && rename(part, path) < 0)
		rc = fl_fail(err, -errno, "name '%s': %s", path, strerror(errno));
	if (rc < 0)
		unlink(part);
	free(part);
	return rc;
}

static int make_in(const char *dir, const char *path, uint64_t bytes, struct fl_err *err)
{
	int rc = check_space(dir, bytes, err);
	int fd;

	if (rc < 0)
		return rc;
	fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		return make_by_rename(path, bytes, err);
	if (fd < 0)
		return fl_fail(err, -errno, "make a file in '%s': %s", dir, strerror(errno));
	rc = write_data(fd, bytes, path, err);
	if (rc == 0)
		rc = give_name(fd, path, err);
	close(fd);
	return rc;
}

static bool is_block(int fd, uint64_t offset)
{
	uint64_t block[FL_BLOCK_WORDS];

	return pread(fd, block, sizeof(block), (off_t)offset) == (ssize_t)sizeof(block) &&
	       fl_block_check(block, FL_CACHE_SEED, 0, offset) == FL_BLOCK_BYTES;
}

static bool is_there(const char *path, uint64_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	bool is = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == bytes &&
		  is_block(fd, 0) && is_block(fd, bytes - FL_BLOCK_BYTES);

	if (fd >= 0)
		close(fd);
	return is;
}

int fl_cache_make(const char *path, struct fl_err *err)
{
	uint64_t bytes = fl_cache_bytes(path);
	char *dir;
	int rc;

	if (!bytes)
		return fl_fail(err, -EINVAL, "'%s' is not a file of the cache", path);
	if (is_there(path, bytes))
		return 0;
	dir = fl_directory_of(path);
	rc = fl_make_dirs(dir, 0700, err);
	if (rc == 0)
		rc = make_in(dir, path, bytes, err);
	free(dir);
	return rc < 0 ? rc : 1;
}
