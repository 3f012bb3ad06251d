/* SPDX-License-Identifier: Apache-2.0 */
/* file.c: reading and replacing whole files. places.c says where feedline keeps its own. */
#include "base/file.h"
#include "base/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ----------------------------------------------------------------------------------------------- */

/* 0 or a negative errno. The size is found by reading: sysfs and pipes do not know it. */
static int read_all(int fd, size_t max_bytes, struct fl_text *out)
{
	char chunk[16384];
	size_t total = 0;

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		if ((size_t)n > max_bytes - total)
			return -EFBIG;
		total += (size_t)n;
		fl_text_put(out, chunk, (size_t)n);
	}
}

int fl_file_read(int dir_fd, const char *path, size_t max_bytes, struct fl_text *out, struct fl_err *err)
{
	size_t n = out->n;
	int rc, fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return fl_fail(err, -errno, "open '%s': %s", path, strerror(errno));
	rc = read_all(fd, max_bytes, out);
	close(fd);
	if (rc == 0)
		return 0;
	out->n = n;
	if (out->bytes)
		out->bytes[n] = 0;
	if (rc == -EFBIG)
		return fl_fail(err, rc, "'%s' is larger than %zu bytes", path, max_bytes);
	return fl_fail(err, rc, "read '%s': %s", path, strerror(-rc));
}

/* ---- replacing --------------------------------------------------------------------------------------------- */

/* The new file: nameless where the file system can do that (a killed process then leaves nothing), else `sibling`.
 * Returns a descriptor or a negative errno. */
static int open_new(const char *dir, const char *sibling, bool *nameless)
{
	int fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);

	*nameless = fd >= 0;
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT))
		fd = open(sibling, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd;
}

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t wrote = write(fd, bytes, n);

		if (wrote < 0 && errno != EINTR)
			return -errno;
		if (wrote > 0) {
			bytes += wrote;
			n -= (size_t)wrote;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int name_it(int fd, const char *sibling)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, sibling, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* Makes the new name outlive a power cut; a file system that cannot do so is not an error. */
static void sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

static int replace(const char *path, const char *dir, const char *sibling, const void *bytes, size_t n)
{
	bool nameless;
	int rc, fd = open_new(dir, sibling, &nameless);

	if (fd < 0)
		return fd;
	rc = write_all(fd, bytes, n);
	if (rc == 0 && nameless) {
		rc = name_it(fd, sibling);
		nameless = rc < 0;
	}
	close(fd);
	if (rc == 0 && rename(sibling, path) < 0)
		rc = -errno;
	if (rc < 0 && !nameless)
		unlink(sibling);
	if (rc == 0)
		sync_dir(dir);
	return rc;
}

int fl_file_write(const char *path, const void *bytes, size_t n, struct fl_err *err)
{
	char *copy, *dir, *sibling;
	struct stat st;
	int rc;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		rc = fl_fail(err, -EINVAL, "write '%s': it is there and not a file", path);
		fl_hint(err, "name a new file, or one to replace");
		return rc;
	}
	copy = fl_dup(path);
	dir = dirname(copy);
	sibling = fl_format("%s.%ld.new", path, (long)getpid());
	rc = replace(path, dir, sibling, bytes, n);
	free(sibling);
	free(copy);
	return rc < 0 ? fl_fail(err, rc, "write '%s': %s", path, strerror(-rc)) : 0;
}
