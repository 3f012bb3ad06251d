/* SPDX-License-Identifier: Apache-2.0 */
/* throttle.c: cgroups, versions 1 and 2. */
#include "run/throttle.h"
#include "base/alloc.h"
#include "base/file.h"
#include "run/kernel.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <feedline/clock.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NAME	  "feedline-limit-"
#define HANDED_ON "-io" /* at the end of the name: one of us had base hand on the controller */

enum { NAME_BYTES = 64, PATH_BYTES = 300, LINE_BYTES = 1024, PIDS_BYTES = 64 << 10, LIMITS_BYTES = 64 << 10 };

struct fl_throttle {
	int own_fd;   /* our cgroup, where the process came from */
	int base_fd;  /* where its cgroup was made */
	int group_fd; /* its cgroup, locked */
	bool handed_on;
	char name[NAME_BYTES];
};

/* ---- directories and files of cgroup file systems */

enum version { NO_CGROUP, V1, V2 };

static enum version version_of(int fd)
{
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return NO_CGROUP;
	return fs.f_type == CGROUP_SUPER_MAGIC ? V1 : fs.f_type == CGROUP2_SUPER_MAGIC ? V2 : NO_CGROUP;
}

/* A directory of such a file system, not by a link. Negative errno. */
static int open_group(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (version_of(fd) != NO_CGROUP)
		return fd;
	close(fd);
	return -ENOTDIR;
}

static int put(int group, const char *file, const char *text)
{
	size_t n = strlen(text);
	int fd = openat(group, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, n) != (ssize_t)n)
		rc = errno ? -errno : -EIO;
	close(fd);
	return rc;
}

static int put_pid(int group, pid_t pid)
{
	char text[24];

	snprintf(text, sizeof(text), "%d", (int)pid);
	return put(group, "cgroup.procs", text);
}

/* Is "io" one of the words of the file? */
static bool lists_io(int group, const char *file)
{
	char line[LINE_BYTES];

	fl_kernel_line(group, file, line, sizeof(line));
	for (const char *word = line; word; word = strchr(word, ' ') ? strchr(word, ' ') + 1 : NULL)
		if (strncmp(word, "io", 2) == 0 && (word[2] == ' ' || word[2] == 0))
			return true;
	return false;
}

/* ---- those of ours */

/* Whether the name is one of ours; *handed_on: with that mark. */
static bool is_ours(const char *name, bool *handed_on)
{
	const char *at = name + strlen(NAME);
	uint64_t pid, number;

	if (strncmp(name, NAME, strlen(NAME)) != 0 || !fl_kernel_next(&at, &pid) || *at++ != '-' ||
	    !fl_kernel_next(&at, &number))
		return false;
	*handed_on = strcmp(at, HANDED_ON) == 0;
	return *handed_on || !*at;
}

/* The entries of a directory; the descriptor stays the caller's. */
static DIR *list(int group)
{
	int copy = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;

	if (!dir && copy >= 0)
		close(copy);
	return dir;
}

/* Whether it hands on the controller because one of us, who has not ended yet, had it do so. */
static bool is_handed_on_by_us(int group)
{
	DIR *dir = list(group);
	bool found = false, mark = false;

	for (const struct dirent *e; dir && !found && (e = readdir(dir));)
		found = is_ours(e->d_name, &mark) && mark;
	if (dir)
		closedir(dir);
	return found;
}

/* Whether a cgroup below uses the controller: one of us, or somebody's limit. */
static bool is_used(int base, const char *name)
{
	static const char *const files[] = { "io.max", "io.latency", "io.weight" };
	char path[PATH_BYTES], line[LINE_BYTES];
	bool mark;

	if (is_ours(name, &mark))
		return true;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", name, files[i]);
		if (fl_kernel_line(base, path, line, sizeof(line)) && *line && strcmp(line, "default 100") != 0)
			return true;
	}
	return false;
}

/* With the last who needs it. Where one hands it on further, the kernel refuses. */
static void take_back(int base)
{
	DIR *dir = list(base);
	bool used = !dir;

	for (const struct dirent *e; !used && (e = readdir(dir));)
		used = e->d_type == DT_DIR && e->d_name[0] != '.' && is_used(base, e->d_name);
	if (!used)
		put(base, "cgroup.subtree_control", "-io");
	if (dir)
		closedir(dir);
}

/* A lock on the directory, if it is still there under this name. Negative errno. */
static int lock_group(int base, const char *name)
{
	int fd = open_group(base, name);
	struct stat opened, there;

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &opened) == 0 && fstatat(base, name, &there, 0) == 0 &&
	    opened.st_ino == there.st_ino)
		return fd;
	close(fd);
	return -EAGAIN;
}

/* ---- where a cgroup may be made */

/* What a process that is moved out of this cgroup of version 2 would escape. NULL: nothing. The limits of block devices
 * of our own cgroup go with it. */
static const char *limit_of(int group, bool own)
{
	static const char *const files[] = { "memory.max",	 "memory.high",	     "memory.swap.max",
					     "memory.swap.high", "memory.zswap.max", "hugetlb.64KB.max",
					     "hugetlb.2MB.max",	 "hugetlb.32MB.max", "hugetlb.512MB.max",
					     "hugetlb.1GB.max",	 "hugetlb.16GB.max", "cpu.max",
					     "cpuset.cpus",	 "cpuset.mems",	     "io.max" };
	const size_t n = sizeof(files) / sizeof(files[0]);
	char line[LINE_BYTES];

	for (size_t i = 0; i < n - own; i++)
		if (fl_kernel_line(group, files[i], line, sizeof(line)) && *line && strncmp(line, "max", 3) != 0)
			return files[i];
	return NULL;
}

static int refuse_limit(const char *limit, struct fl_err *err)
{
	fl_fail(err, -EBUSY,
		"a cgroup that limits reads cannot be made here: our own has %s set, which would be escaped", limit);
	return fl_hint(err, "start feedline from a cgroup without limits of its own");
}

static int refuse(int code, const char *what, struct fl_err *err)
{
	fl_fail(err, code, "a cgroup that limits reads cannot be made here: %s: %s", what, strerror(-code));
	if (code == -EACCES || code == -EPERM)
		fl_hint(err, "this needs root");
	else if (code == -EROFS)
		fl_hint(err, "cgroups are read-only in this container: run outside of it");
	return code;
}

/* Of version 2: the nearest cgroup, from our own up, that hands on the controller; our own does if we may say so. */
static int find_base(struct fl_throttle *t, struct fl_err *err)
{
	int level = t->own_fd;

	t->handed_on = lists_io(level, "cgroup.subtree_control") ? is_handed_on_by_us(level)
								 : put(level, "cgroup.subtree_control", "+io") == 0;
	while (!lists_io(level, "cgroup.subtree_control")) {
		const char *limit = limit_of(level, level == t->own_fd);
		int above = limit ? -EBUSY : open_group(level, ".."); /* not of the kind beyond the topmost one */

		if (level != t->own_fd)
			close(level);
		if (limit)
			return refuse_limit(limit, err);
		if (above < 0) {
			fl_fail(err, -EOPNOTSUPP,
				"a cgroup that limits reads cannot be made here: none above hands on 'io'");
			return fl_hint(err,
				       "as root: echo +io >cgroup.subtree_control, in the cgroup above feedline's");
		}
		level = above;
	}
	t->base_fd = level;
	return 0;
}

/* ---- begin and end */

static int open_own(const char *path, struct fl_throttle *t, struct fl_err *err)
{
	t->own_fd = open_group(AT_FDCWD, path);
	if (t->own_fd < 0)
		return refuse(t->own_fd, path, err);
	if (version_of(t->own_fd) == V2)
		return find_base(t, err);
	t->base_fd = t->own_fd;
	return 0;
}

/* Limits of block devices: those of version 1 do not hold below the cgroup that has them, those of version 2 do not
 * beside it. The first one is that of bytes read. */
static const char *const files_v1[] = { "blkio.throttle.read_bps_device", "blkio.throttle.read_iops_device",
					"blkio.throttle.write_bps_device", "blkio.throttle.write_iops_device", NULL };
static const char *const files_v2[] = { "io.max", NULL };

/* Of "259:0 20000000" or "259:0 rbps=20000000 wbps=max": the bytes that may be read per second. Else no limit. */
static uint64_t limit_in(const char *line, const char *dev)
{
	size_t n = strlen(dev);
	const char *at = line + n;
	uint64_t limit;

	if (strncmp(line, dev, n) != 0 || *at != ' ')
		return UINT64_MAX;
	if (strstr(at, "rbps="))
		at = strstr(at, "rbps=") + 5;
	return fl_kernel_next(&at, &limit) ? limit : UINT64_MAX;
}

/* What holds in our own cgroup holds in the new one, too. least: the bytes of `dev` that may be read, on return no more
 * than here. */
static int copy_limits(int own, int group, const char *const *files, const char *dev, uint64_t *least)
{
	int rc = 0;

	for (const char *const *file = files; *file && rc == 0; file++) {
		struct fl_text text = { 0 };
		char *rest, *line;

		fl_file_read(own, *file, LIMITS_BYTES, &text, NULL);
		rest = text.bytes;
		while (rc == 0 && (line = strsep(&rest, "\n"))) {
			uint64_t limit = file == files ? limit_in(line, dev) : UINT64_MAX;

			*least = limit < *least ? limit : *least;
			rc = *line ? put(group, *file, line) : 0;
		}
		fl_text_release(&text);
	}
	return rc;
}

static int set_limit(const struct fl_throttle *t, const struct fl_throttle_spec *spec, int group)
{
	bool v2 = version_of(t->base_fd) == V2;
	const char *const *files = v2 ? files_v2 : files_v1;
	uint64_t limit = spec->bytes_per_s;
	int rc = copy_limits(t->own_fd, group, files, spec->dev, &limit);
	char text[80];

	snprintf(text, sizeof(text), v2 ? "%s rbps=%llu" : "%s %llu", spec->dev, (unsigned long long)limit);
	return rc < 0 ? rc : put(group, files[0], text);
}

/* Makes it and locks it. What stands there by this name belongs to an agent that has our PID elsewhere; and before it
 * is locked it may be swept as left over. */
static int make_group(struct fl_throttle *t, unsigned number, struct fl_err *err)
{
	enum { TRIES = 16, NUMBERS = 100000 };
	int rc = 0;

	for (unsigned try = 0; try < TRIES; try++) {
		snprintf(t->name, sizeof(t->name), NAME "%d-%u%s", (int)getpid(), number + try * NUMBERS,
			 t->handed_on ? HANDED_ON : "");
		rc = mkdirat(t->base_fd, t->name, 0755) < 0 ? -errno : lock_group(t->base_fd, t->name);
		if (rc >= 0) {
			t->group_fd = rc;
			return 0;
		}
		if (rc != -EEXIST && rc != -EAGAIN && rc != -ENOENT)
			break;
	}
	return refuse(rc, "mkdir", err);
}

static int limit_and_enter(const struct fl_throttle *t, const struct fl_throttle_spec *spec, struct fl_err *err)
{
	int rc = set_limit(t, spec, t->group_fd);

	if (rc < 0)
		return refuse(rc, "set the limit", err);
	rc = put_pid(t->group_fd, spec->pid);
	return rc < 0 ? refuse(rc, "cgroup.procs", err) : 0;
}

static void release(struct fl_throttle *t)
{
	if (t->handed_on)
		take_back(t->base_fd);
	if (t->group_fd >= 0)
		close(t->group_fd);
	if (t->base_fd >= 0 && t->base_fd != t->own_fd)
		close(t->base_fd);
	if (t->own_fd >= 0)
		close(t->own_fd);
	free(t);
}

int fl_throttle_let_go(const struct fl_throttle *t)
{
	struct fl_text pids = { 0 };
	uint64_t pid;
	int failed = 0;

	if (!t)
		return 0;
	fl_file_read(t->group_fd, "cgroup.procs", PIDS_BYTES, &pids, NULL);
	for (const char *at = fl_text_str(&pids); fl_kernel_next(&at, &pid) && pid <= INT32_MAX; at += *at == '\n') {
		int rc = pid ? put_pid(t->own_fd, (pid_t)pid) : -EPERM; /* 0: of a container that we do not see */

		if (rc < 0 && rc != -ESRCH)
			failed = rc;
	}
	fl_text_release(&pids);
	return failed;
}

/* A process that was killed leaves a moment after it is reaped. */
static void remove_group(const struct fl_throttle *t)
{
	uint64_t until_ns = fl_now_ns() + UINT64_C(1000000000);

	while (unlinkat(t->base_fd, t->name, AT_REMOVEDIR) < 0 && errno == EBUSY && fl_now_ns() < until_ns)
		fl_sleep_until(fl_now_ns() + 5000000);
}

int fl_throttle_begin(const struct fl_throttle_spec *spec, struct fl_throttle **ret, struct fl_err *err)
{
	struct fl_throttle *t = fl_zalloc(1, sizeof(*t));
	int rc;

	*t = (struct fl_throttle){ .own_fd = -1, .base_fd = -1, .group_fd = -1 };
	rc = open_own(spec->group, t, err);
	if (rc == 0)
		rc = make_group(t, spec->number, err);
	if (rc < 0) {
		release(t);
		return rc;
	}
	rc = limit_and_enter(t, spec, err);
	if (rc < 0)
		fl_throttle_end(t);
	else
		*ret = t;
	return rc;
}

void fl_throttle_end(struct fl_throttle *t)
{
	if (!t)
		return;
	remove_group(t);
	release(t);
}

/* ---- what was left over */

/* Not while a process is in it. */
static void remove_left_over(int level, const char *name)
{
	bool handed_on;
	int group = is_ours(name, &handed_on) ? lock_group(level, name) : -1;

	if (group < 0)
		return;
	if (unlinkat(level, name, AT_REMOVEDIR) == 0 && handed_on)
		take_back(level);
	close(group);
}

static void sweep_level(int level)
{
	DIR *dir = list(level);

	if (!dir)
		return;
	for (const struct dirent *e; (e = readdir(dir));)
		remove_left_over(level, e->d_name);
	closedir(dir);
}

void fl_throttle_sweep(const char *group)
{
	int level = group ? open_group(AT_FDCWD, group) : -1;

	while (level >= 0) {
		int above = version_of(level) == V2 ? open_group(level, "..") : -1;

		sweep_level(level);
		close(level);
		level = above;
	}
}
