/* SPDX-License-Identifier: Apache-2.0 */
/* path/device.c: what the kernel counts of the device beneath a descriptor. */
#include "path/device.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

static const uint64_t sector_bytes = 512; /* whatever those of the drive are */

static bool read_text(const char *path, char *ret, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, ret, room - 1) : -1;

	if (fd >= 0)
		close(fd);
	ret[n > 0 ? n : 0] = 0;
	return n > 0;
}

/* Where all data of the file are; false: that is not known. */
static bool find_device(int fd, dev_t *ret)
{
	struct fsxattr attributes;
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	*ret = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	if (S_ISBLK(st.st_mode))
		return true;
	if (!S_ISREG(st.st_mode) || fstatfs(fd, &fs) < 0)
		return false;
	if (fs.f_type == EXT4_SUPER_MAGIC)
		return true;
	return fs.f_type == XFS_SUPER_MAGIC && ioctl(fd, FS_IOC_FSGETXATTR, &attributes) == 0 &&
	       !(attributes.fsx_xflags & FS_XFLAG_REALTIME);
}

/* A part of a drive has no queue of its own. */
static bool is_counted(const char *dir, dev_t device)
{
	char path[256], text[32];

	snprintf(path, sizeof(path), "%s/%u:%u/queue/iostats", dir, major(device), minor(device));
	if (read_text(path, text, sizeof(text)))
		return text[0] == '1';
	snprintf(path, sizeof(path), "%s/%u:%u/../queue/iostats", dir, major(device), minor(device));
	return read_text(path, text, sizeof(text)) && text[0] == '1';
}

/* The third number of the text; false: there are fewer, or it is too large. */
static bool read_third(const char *text, uint64_t *ret)
{
	for (int i = 0; i < 3; i++) {
		uint64_t n = 0;

		text += strspn(text, " \t");
		if (*text < '0' || *text > '9')
			return false;
		for (; *text >= '0' && *text <= '9'; text++)
			if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*text - '0'), &n))
				return false;
		*ret = n;
	}
	return true;
}

/* The kernel's Documentation/block/stat.rst: requests and merges, then the sectors that were read. One that never
 * counted any, though a file system was read from it, is one that does not count. */
int fl_device_delivered(const char *dir, int fd, uint64_t *ret_bytes)
{
	char path[256], text[512];
	uint64_t sectors;
	dev_t device;

	if (!find_device(fd, &device) || !is_counted(dir, device))
		return -ENODATA;
	snprintf(path, sizeof(path), "%s/%u:%u/stat", dir, major(device), minor(device));
	if (!read_text(path, text, sizeof(text)) || !read_third(text, &sectors) || sectors == 0 ||
	    sectors > UINT64_MAX / sector_bytes)
		return -ENODATA;
	*ret_bytes = sectors * sector_bytes;
	return 0;
}

struct fl_device_count fl_device_count(const char *dir, int fd)
{
	struct fl_device_count count = { 0 };

	count.known = fl_device_delivered(dir, fd, &count.bytes) == 0;
	return count;
}

struct fl_device_count fl_device_count_target(const char *dir, const struct fl_target *t)
{
	struct stat first, st;

	if (!dir || t->files_n == 0)
		return (struct fl_device_count){ 0 };
	for (size_t i = 0; i < t->files_n; i++)
		if (fstat(t->files[i].fd, i ? &st : &first) < 0 || (i && st.st_dev != first.st_dev))
			return (struct fl_device_count){ 0 };
	return fl_device_count(dir, t->files[0].fd);
}

int fl_device_check(const struct fl_device_count *before, const struct fl_device_count *after, uint64_t read,
		    const char *name, struct fl_err *err)
{
	const double least = 0.9;
	double share;

	if (!before->known || !after->known || after->bytes < before->bytes || read == 0)
		return 0;
	share = (double)(after->bytes - before->bytes) / (double)read;
	if (share >= least)
		return 0;
	fl_fail(err, -ESTALE, "only %.0f %% of the %" PRIu64 " bytes that were read of '%s' came from its device",
		100 * share, read, name);
	return fl_hint(err, "a cache before the device answered the rest, so this is not the rate of the device");
}
