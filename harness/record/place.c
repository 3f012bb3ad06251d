/* SPDX-License-Identifier: Apache-2.0 */
/* place.c: what a path must be for a store: a file of ours, in a directory of ours, on a local file system. Locks and
 * shared memory of a write-ahead log do not work between hosts, so a network file system would corrupt it silently. */
#include "record/place.h"
#include "base/alloc.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { SMALLEST_BYTES = 512 };

/* Numbers that linux/magic.h lacks are those of coreutils' stat. Overlay and tmpfs are local; FUSE may be anything, and
 * sshfs is the common case. */
static const struct {
	unsigned f_type;
	const char *name;
} networks[] = {
	{ NFS_SUPER_MAGIC, "NFS" },   { SMB_SUPER_MAGIC, "SMB" },     { SMB2_SUPER_MAGIC, "SMB" },
	{ CIFS_SUPER_MAGIC, "CIFS" }, { V9FS_MAGIC, "9p" },	      { AFS_SUPER_MAGIC, "AFS" },
	{ AFS_FS_MAGIC, "AFS" },      { CODA_SUPER_MAGIC, "Coda" },   { NCP_SUPER_MAGIC, "NCP" },
	{ CEPH_SUPER_MAGIC, "Ceph" }, { OCFS2_SUPER_MAGIC, "OCFS2" }, { FUSE_SUPER_MAGIC, "FUSE" },
	{ 0x0bd00bd0, "Lustre" },     { 0x47504653, "GPFS" },	      { 0x19830326, "BeeGFS" },
	{ 0xaad7aaea, "PanFS" },      { 0x01161970, "GFS2" },	      { 0x61636673, "ACFS" },
	{ 0xbeefdead, "StorNext" },   { 0x013111a8, "IBRIX" },	      { 0xa501fcf5, "VxFS" },
	{ 0x786f4256, "vboxsf" },     { 0xbacbacbc, "vmhgfs" },	      { 0x7c7c6673, "prl_fs" },
};

const char *fl_place_network(unsigned f_type)
{
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
		if (networks[i].f_type == f_type)
			return networks[i].name;
	return NULL;
}

static int check_local(const char *path, const char *existing, struct fl_err *err)
{
	struct statfs fs;
	const char *network;

	if (statfs(existing, &fs) < 0)
		return fl_fail(err, -errno, "store '%s': %s", path, strerror(errno));
	network = fl_place_network((unsigned)fs.f_type);
	if (!network)
		return 0;
	fl_fail(err, -ENOTSUP, "store '%s' is on a network file system (%s)", path, network);
	return fl_hint(err, "choose a local path: --store /var/tmp/feedline/store.db");
}

static int access_fail(const char *path, const char *subject, struct fl_err *err)
{
	int code = errno;

	fl_fail(err, -code, "store '%s': the %s cannot be written: %s", path, subject, strerror(code));
	return fl_hint(err, "choose another one with --store FILE, or make it writable");
}

/* Makes the file, so that its mode is ours and the kernel says why it cannot be made. An existing file is left alone:
 * closing a descriptor of it would drop the locks that SQLite holds on it elsewhere in this process. */
static int make_file(const char *path, struct fl_err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	else if (errno != EEXIST)
		return access_fail(path, "directory", err);
	return 0;
}

/* SQLite takes a file that is shorter than its smallest page for an empty one and would write over it. */
static int check_kind(const char *path, const struct stat *st, struct fl_err *err)
{
	if (S_ISREG(st->st_mode) && (st->st_size == 0 || st->st_size >= SMALLEST_BYTES))
		return 0;
	if (S_ISREG(st->st_mode))
		fl_fail(err, -EUCLEAN, "store '%s' is no feedline store: it has %d bytes", path, (int)st->st_size);
	else
		fl_fail(err, -EINVAL, "store '%s' is %s, not a file", path,
			S_ISDIR(st->st_mode) ? "a directory" : "a device or pipe");
	return fl_hint(err, "name another file with --store FILE");
}

static bool can_write(const char *path)
{
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

static int check_write(const char *path, const char *dir, struct fl_err *err)
{
	struct stat st;
	int rc = fl_make_dirs(dir, 0700, err);

	if (rc == 0)
		rc = check_local(path, dir, err);
	if (rc)
		return rc;
	if (stat(path, &st) < 0)
		return errno == ENOENT ? make_file(path, err) : access_fail(path, "file", err);
	rc = check_kind(path, &st, err);
	if (rc == 0)
		rc = check_local(path, path, err); /* it may be a link to elsewhere */
	if (rc)
		return rc;
	if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) < 0)
		return access_fail(path, "file", err);
	if (!can_write(dir))
		return access_fail(path, "directory", err);
	return 0;
}

static bool has_bytes(const char *path, const char *suffix)
{
	char *beside = fl_format("%s%s", path, suffix);
	struct stat st;
	bool has = stat(beside, &st) == 0 ? st.st_size > 0 : errno != ENOENT;

	free(beside);
	return has;
}

bool fl_place_has_log(const char *path)
{
	char *real = realpath(path, NULL); /* the log lies beside the file, not beside a link to it */
	bool has = has_bytes(real ? real : path, "-wal");

	free(real);
	return has;
}

static int log_fail(const char *path, struct fl_err *err)
{
	fl_fail(err, -EROFS, "store '%s' cannot be written, and its write-ahead log must be folded in", path);
	return fl_hint(err, "copy the file and its '-wal' to a directory of your own and read that");
}

static int check_read(const char *path, const char *real, const char *dir, enum fl_place *ret, struct fl_err *err)
{
	struct stat st;
	int rc;

	if (stat(path, &st) < 0) {
		fl_fail(err, -errno, "store '%s': %s", path, strerror(errno));
		return fl_hint(err, "'feedline run' makes it; another one is chosen with --store FILE");
	}
	rc = check_kind(path, &st, err);
	if (rc == 0)
		rc = check_local(path, path, err);
	if (rc)
		return rc;
	if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0) {
		fl_fail(err, -errno, "store '%s' cannot be read: %s", path, strerror(errno));
		return fl_hint(err, "read it as its owner");
	}
	if (can_write(real) && can_write(dir))
		*ret = FL_PLACE_WRITABLE;
	else if (!fl_place_has_log(path))
		*ret = FL_PLACE_SEALED;
	else if (has_bytes(real, "-shm"))
		*ret = FL_PLACE_READABLE;
	else
		return log_fail(path, err);
	return 0;
}

/* Through a link to nothing a file would be made where nobody looked for its directory, log and space. */
static int check_link(const char *path, struct fl_err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	struct stat st;

	if (n < 0 || stat(path, &st) == 0 || errno != ENOENT)
		return 0;
	target[n] = 0;
	fl_fail(err, -ENOENT, "store '%s' is a link to '%s', which does not exist", path, target);
	return fl_hint(err, "make that file, even an empty one, or choose another store with --store FILE");
}

int fl_place_check(const char *path, bool write, enum fl_place *ret, struct fl_err *err)
{
	char *real = realpath(path, NULL); /* as above */
	char *dir = fl_directory_of(real ? real : path);
	int rc = check_link(path, err);

	if (rc == 0 && write) {
		rc = check_write(path, dir, err);
		if (rc == 0)
			*ret = FL_PLACE_WRITABLE;
	} else if (rc == 0) {
		rc = check_read(path, real ? real : path, dir, ret, err);
	}
	free(dir);
	free(real);
	return rc;
}
