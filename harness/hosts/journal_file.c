/* SPDX-License-Identifier: Apache-2.0 */
/* journal_file.c: appending to a file so that it never holds half of what was appended, unless the host dies. */
#include "hosts/journal_file.h"
#include "base/alloc.h"
#include "record/journal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 100 };

struct fl_agent_journal {
	char *path;
	int fd;
	off_t size; /* of what is whole */
};

/* A name of people's as a part of one of a file. */
static char *plain(const char *name)
{
	char *copy = fl_dup(name);

	for (char *c = copy; *c; c++)
		if (*c == '/' || (unsigned char)*c <= ' ')
			*c = '_';
	return copy;
}

static int no_place(int rc, struct fl_err *err)
{
	return fl_hint(err, "a run on many hosts keeps on each what was measured there: %s",
		       rc == -ENOSPC || rc == -EDQUOT ? "make room"
						      : "let XDG_STATE_HOME name a directory that can be written");
}

/* Every directory on the way that is absent. */
static int make_dir(const char *dir, struct fl_err *err)
{
	char *path = fl_dup(dir), *c = path;
	int rc = 0;

	while (rc == 0 && (c = strchr(c + 1, '/'))) {
		*c = 0;
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			rc = -errno;
		*c = '/';
	}
	if (rc == 0 && mkdir(path, 0700) < 0 && errno != EEXIST)
		rc = -errno;
	free(path);
	if (rc == 0)
		return 0;
	fl_fail(err, rc, "make directory '%s' for the journal: %s", dir, strerror(-rc));
	return no_place(rc, err);
}

/* One that nobody has: what an earlier try left behind is kept. */
static int make_file(const char *dir, const char *run, const char *host, struct fl_agent_journal *j, struct fl_err *err)
{
	int rc = -EEXIST;

	for (int i = 1; i <= TRIES && rc == -EEXIST; i++) {
		char number[16] = "";

		if (i > 1)
			snprintf(number, sizeof(number), ".%d", i);
		free(j->path);
		j->path = fl_format("%s/%s-%.150s%s.jsonl", dir, run, host, number); /* its head has the whole name */
		j->fd = open(j->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		rc = j->fd < 0 ? -errno : 0;
	}
	if (rc == 0)
		return 0;
	fl_fail(err, rc, "make the journal '%s': %s", j->path, strerror(-rc));
	return no_place(rc, err);
}

static int write_head(struct fl_agent_journal *j, const char *run, const char *host, struct fl_err *err)
{
	struct fl_text line = { 0 };
	int rc;

	fl_journal_head(run, host, &line);
	rc = fl_agent_journal_append(j, line.bytes, line.n, err);
	fl_text_release(&line);
	return rc;
}

int fl_agent_journal_open(const char *dir, const char *run, const char *host, struct fl_agent_journal **ret,
			  struct fl_err *err)
{
	struct fl_agent_journal *j = fl_zalloc(1, sizeof(*j));
	char *name = plain(host), *id = plain(run);
	int rc = make_dir(dir, err);

	j->fd = -1;
	if (rc == 0)
		rc = make_file(dir, id, name, j, err);
	if (rc == 0)
		rc = write_head(j, run, host, err);
	if (rc < 0)
		fl_agent_journal_close(j, j->fd >= 0);
	else
		*ret = j;
	free(name);
	free(id);
	return rc;
}

const char *fl_agent_journal_path(const struct fl_agent_journal *j)
{
	return j->path;
}

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t did = write(fd, bytes, n);

		if (did < 0 && errno != EINTR)
			return -errno;
		if (did > 0) {
			bytes += did;
			n -= (size_t)did;
		}
	}
	return fdatasync(fd) < 0 ? -errno : 0;
}

int fl_agent_journal_append(struct fl_agent_journal *j, const char *lines, size_t n, struct fl_err *err)
{
	int rc = write_all(j->fd, lines, n);

	if (rc == 0) {
		j->size += (off_t)n;
		return 0;
	}
	fl_fail(err, rc, "write the journal '%s': %s", j->path, strerror(-rc));
	no_place(rc, err);
	if (ftruncate(j->fd, j->size) == 0)
		lseek(j->fd, j->size, SEEK_SET);
	return rc;
}

void fl_agent_journal_close(struct fl_agent_journal *j, bool remove)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	if (remove)
		unlink(j->path);
	free(j->path);
	free(j);
}
