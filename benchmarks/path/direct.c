/* SPDX-License-Identifier: Apache-2.0 */
/* path/direct.c: a file or block device opened for reads that really reach the drive. */
#include "path/direct.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

static int check_file_system(const char *path, struct fl_err *err)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return fl_fail(err, -errno, "file system of '%s': %s", path, strerror(errno));
	if (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC) {
		fl_fail(err, -ENODEV, "'%s' is on tmpfs: tmpfs is memory, not a drive", path);
		return fl_hint(err, "choose a path on a drive");
	}
	return 0;
}

/* Before opening: opening a pipe would wait for its writer. */
static int check_kind(const char *path, struct fl_err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fl_fail(err, -errno, "'%s': %s", path, strerror(errno));
	if (S_ISBLK(st.st_mode))
		return 0;
	if (!S_ISREG(st.st_mode))
		return fl_fail(err, -EINVAL, "'%s' is neither a file nor a block device", path);
	return check_file_system(path, err);
}

/* A loop device takes O_DIRECT and still reads its file through the page cache, unless it was set up not to. */
static int check_loop(const char *path, struct fl_err *err)
{
	enum { LOOP_MAJOR = 7 };
	char name[64], answer = '1';
	struct stat st;
	dev_t device;
	int fd;

	if (stat(path, &st) < 0)
		return fl_fail(err, -errno, "'%s': %s", path, strerror(errno));
	device = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	if (major(device) != LOOP_MAJOR)
		return 0;
	snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/loop/dio", major(device), minor(device));
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &answer, 1) != 1)
		answer = '?';
	if (fd >= 0)
		close(fd);
	if (answer == '1')
		return 0;
	fl_fail(err, -ENODEV, "'%s' is on a loop device that reads through the page cache", path);
	return fl_hint(err, "set the loop device up with direct I/O (losetup --direct-io=on), or choose another path");
}

static int open_file(const char *path, const struct fl_direct_how *how, int *ret_fd, struct fl_err *err)
{
	int flags = (how->cached ? 0 : O_DIRECT) | (how->no_link ? O_NOFOLLOW : 0);
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	int code = fd < 0 ? errno : 0;

	if (code == 0) {
		*ret_fd = fd;
		return 0;
	}
	if (code == EINVAL && !how->cached) {
		fl_fail(err, -ENODEV, "open '%s' with O_DIRECT: its file system has no direct I/O", path);
		return fl_hint(err, "choose a path on a drive, or the block device itself");
	}
	fl_fail(err, -code, "open '%s': %s", path, strerror(code));
	if (code == EACCES || code == EPERM)
		fl_hint(err, "read permission is needed; for a block device: root or group 'disk', and a device cgroup "
			     "that allows it");
	return -code;
}

static int find_size(int fd, const char *path, uint64_t *ret, struct fl_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fl_fail(err, -errno, "size of '%s': %s", path, strerror(errno));
	if (S_ISBLK(st.st_mode)) {
		if (ioctl(fd, BLKGETSIZE64, ret) < 0)
			return fl_fail(err, -errno, "size of '%s': %s", path, strerror(errno));
		return 0;
	}
	*ret = (uint64_t)st.st_size;
	return 0;
}

/* Unwritten (only allocated) parts count as holes, too. A file system that cannot tell reports none. */
static int check_holes(int fd, const char *path, uint64_t bytes, struct fl_err *err)
{
	struct stat st;
	off_t hole;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	hole = lseek(fd, 0, SEEK_HOLE);
	if (hole < 0 || (uint64_t)hole >= bytes)
		return 0;
	fl_fail(err, -EINVAL, "'%s' has a hole at offset %lld: reading it never touches the drive", path,
		(long long)hole);
	return fl_hint(err, "write the whole file, for example with dd from /dev/urandom");
}

static int try_read(int fd, const char *path, uint64_t block_bytes, struct fl_err *err)
{
	void *buffer = mmap(NULL, (size_t)block_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t n;
	int code;

	if (buffer == MAP_FAILED)
		return fl_fail(err, -ENOMEM, "no memory for a block of %llu bytes", (unsigned long long)block_bytes);
	n = pread(fd, buffer, (size_t)block_bytes, 0);
	code = n < 0 ? errno : 0;
	munmap(buffer, (size_t)block_bytes);
	if (code == EINVAL) {
		fl_fail(err, -EINVAL, "read %llu bytes of '%s' with O_DIRECT: refused", (unsigned long long)block_bytes,
			path);
		return fl_hint(err, "block must be a multiple of the drive's logical block (often 4096 bytes)");
	}
	if (code)
		return fl_fail(err, -code, "read '%s' at offset 0: %s", path, strerror(code));
	if ((uint64_t)n != block_bytes)
		return fl_fail(err, -EIO, "read '%s' at offset 0: %zd of %llu bytes", path, n,
			       (unsigned long long)block_bytes);
	return 0;
}

static int check(int fd, const char *path, const struct fl_direct_how *how, uint64_t *ret_bytes, struct fl_err *err)
{
	uint64_t block_bytes = how->block_bytes;
	uint64_t bytes = 0;
	int rc = find_size(fd, path, &bytes, err);

	if (rc < 0)
		return rc;
	if (bytes < block_bytes) {
		fl_fail(err, -EINVAL, "'%s' has %llu bytes, a block %llu", path, (unsigned long long)bytes,
			(unsigned long long)block_bytes);
		return fl_hint(err, "choose a larger file or a smaller block");
	}
	rc = check_holes(fd, path, bytes, err);
	if (rc == 0 && block_bytes && !how->cached)
		rc = try_read(fd, path, block_bytes, err);
	if (rc == 0)
		*ret_bytes = bytes;
	return rc;
}

int fl_direct_open_as(const char *path, const struct fl_direct_how *how, struct fl_direct *ret, struct fl_err *err)
{
	uint64_t bytes = 0;
	int fd = -1, rc = check_kind(path, err);

	if (rc < 0)
		return rc;
	rc = check_loop(path, err);
	if (rc == 0)
		rc = open_file(path, how, &fd, err);
	if (rc < 0)
		return rc;
	rc = check(fd, path, how, &bytes, err);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	*ret = (struct fl_direct){ .fd = fd, .bytes = bytes };
	return 0;
}

int fl_direct_open(const char *path, uint64_t block_bytes, struct fl_direct *ret, struct fl_err *err)
{
	const struct fl_direct_how how = { .block_bytes = block_bytes };

	return fl_direct_open_as(path, &how, ret, err);
}

int fl_direct_check_directory(const char *dir, struct fl_err *err)
{
	struct stat st;
	int rc;

	if (stat(dir, &st) < 0)
		return fl_fail(err, -errno, "'%s': %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode)) {
		fl_fail(err, -ENOTDIR, "'%s' is no directory", dir);
		return fl_hint(err, "name a directory on the drive: a file of its own is written there and removed");
	}
	rc = check_file_system(dir, err);
	return rc < 0 ? rc : check_loop(dir, err);
}
