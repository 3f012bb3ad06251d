/* SPDX-License-Identifier: Apache-2.0 */
/* file.c: reading and replacing whole files. places.c says where feedline keeps its own. */
#include "base/file.h"
#include "base/alloc.h"
#include <errno.h>
#include <fcntl.h>
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

int fl_file_read_open(int fd, const char *path, size_t max_bytes, struct fl_text *out, struct fl_err *err)
{
	size_t n = out->n;
	int rc = read_all(fd, max_bytes, out);

	if (rc == 0)
		return 0;
	out->n = n;
	if (out->bytes)
		out->bytes[n] = 0;
	if (rc == -EFBIG)
		return fl_fail(err, rc, "'%s' is larger than %zu bytes", path, max_bytes);
	return fl_fail(err, rc, "read '%s': %s", path, strerror(-rc));
}

int fl_file_read(int dir_fd, const char *path, size_t max_bytes, struct fl_text *out, struct fl_err *err)
{
	int rc, fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return fl_fail(err, -errno, "open '%s': %s", path, strerror(errno));
	rc = fl_file_read_open(fd, path, max_bytes, out, err);
	close(fd);
	return rc;
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
	return 0;
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

struct fl_new_file {
	char *path, *dir, *sibling;
	bool nameless; /* sibling is not there yet */
	int fd;
};

static struct fl_new_file *make_file(const char *path)
{
	struct fl_new_file *file = fl_zalloc(1, sizeof(*file));

	file->path = fl_dup(path);
	file->dir = fl_directory_of(path);
	file->sibling = fl_format("%s.%ld.new", path, (long)getpid());
	return file;
}

static void free_file(struct fl_new_file *file)
{
	free(file->path);
	free(file->dir);
	free(file->sibling);
	free(file);
}

static int refuse(const char *path, int code, struct fl_err *err)
{
	return fl_fail(err, code, "write '%s': %s", path, strerror(-code));
}

int fl_new_file_begin(const char *path, struct fl_new_file **ret, struct fl_err *err)
{
	struct fl_new_file *file;
	struct stat st;
	int rc;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		rc = fl_fail(err, -EINVAL, "write '%s': it is there and not a file", path);
		fl_hint(err, "name a new file, or one to replace");
		return rc;
	}
	file = make_file(path);
	file->fd = open_new(file->dir, file->sibling, &file->nameless);
	if (file->fd < 0) {
		rc = refuse(path, file->fd, err);
		free_file(file);
		return rc;
	}
	*ret = file;
	return 0;
}

int fl_new_file_add(struct fl_new_file *file, const void *bytes, size_t n, struct fl_err *err)
{
	int rc = write_all(file->fd, bytes, n);

	return rc < 0 ? refuse(file->path, rc, err) : 0;
}

static int put_in_place(struct fl_new_file *file)
{
	int rc = fsync(file->fd) < 0 ? -errno : 0;

	if (rc == 0 && file->nameless) {
		rc = name_it(file->fd, file->sibling);
		file->nameless = rc < 0;
	}
	if (rc == 0 && rename(file->sibling, file->path) < 0)
		rc = -errno;
	return rc;
}

int fl_new_file_end(struct fl_new_file *file, int rc, struct fl_err *err)
{
	int placed = rc < 0 ? rc : put_in_place(file);

	close(file->fd);
	if (placed < 0 && !file->nameless)
		unlink(file->sibling);
	if (placed == 0)
		sync_dir(file->dir);
	if (placed < 0 && rc == 0)
		rc = refuse(file->path, placed, err);
	free_file(file);
	return rc;
}

int fl_file_write(const char *path, const void *bytes, size_t n, struct fl_err *err)
{
	struct fl_new_file *file;
	int rc = fl_new_file_begin(path, &file, err);

	return rc < 0 ? rc : fl_new_file_end(file, fl_new_file_add(file, bytes, n, err), err);
}
