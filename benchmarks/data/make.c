/* SPDX-License-Identifier: Apache-2.0 */
/* data.make: writes the files that the index of a directory lists, block by block as feedline/block.h has them. The
 * index comes first (feedline data make) and says that the data is being made: nothing else is ever written. A file
 * that is there in full is kept, what was made of any other of these names is made anew. */
#include "path/set_lane.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/block.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- one file */

static int refuse(const struct fl_set_lane *s, const char *name, struct fl_err *err)
{
	fl_fail(err, -EEXIST, "'%s/%s' is there, and is not of this data set", s->opts->path, name);
	return fl_hint(err, "take it away, or choose another directory");
}

/* 1: it is there in full; 0: nothing is there. */
static int look(const struct fl_set_lane *s, size_t file, struct fl_err *err)
{
	const struct fl_dataset_file *f = &s->set.files[file];
	struct stat st;

	if (fstatat(s->dir_fd, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISREG(st.st_mode) && (uint64_t)st.st_size == f->bytes)
			return 1;
		if (S_ISREG(st.st_mode) && !fl_dataset_owns(s->dir_fd, &s->set, file))
			return refuse(s, f->name, err);
		if (unlinkat(s->dir_fd, f->name, 0) == 0)
			return 0;
	}
	return errno == ENOENT ? 0
			       : fl_fail(err, -errno, "replace '%s/%s': %s", s->opts->path, f->name, strerror(errno));
}

static int make_file(void *arg, unsigned thread, size_t file, uint64_t from, int *ret_fd, uint64_t *ret_end,
		     struct fl_err *err)
{
	enum { FLAGS = O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC };
	struct fl_set_lane *s = arg;
	const struct fl_dataset_file *f = &s->set.files[file];
	int fd = -1, rc = look(s, file, err);

	(void)thread;
	(void)from;
	*ret_fd = -1;
	*ret_end = f->bytes;
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!atomic_load(&s->buffered))
		fd = openat(s->dir_fd, f->name, FLAGS | O_DIRECT, 0644);
	if (fd < 0 && (atomic_load(&s->buffered) || errno == EINVAL)) {
		atomic_store(&s->buffered, true);
		unlinkat(s->dir_fd, f->name, 0); /* some make it before they refuse */
		fd = openat(s->dir_fd, f->name, FLAGS, 0644);
	}
	if (fd < 0)
		return fl_fail(err, -errno, "make '%s/%s': %s", s->opts->path, f->name, strerror(errno));
	*ret_fd = fd;
	return 0;
}

static void fill(void *arg, unsigned thread, size_t file, uint64_t offset, void *data, uint32_t bytes)
{
	const struct fl_set_lane *s = arg;

	(void)thread;
	for (uint32_t at = 0; at < bytes; at += FL_BLOCK_BYTES)
		fl_block_fill((char *)data + at, s->set.seed, file, offset + at);
}

/* ---- the hooks */

static int check(const struct fl_set_lane *s, struct fl_err *err)
{
	if (!s->set.complete)
		return 0;
	fl_fail(err, -EINVAL, "the data set in '%s' is complete: nothing is to be made", s->opts->path);
	return fl_hint(err, "remove it first with 'feedline data remove', or choose another directory");
}

/* One maker at a time, also from another container. A file system without locks has to do without. */
static int lock(const struct fl_set_lane *s, struct fl_err *err)
{
	if (flock(s->dir_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	return fl_fail(err, -EBUSY, "the data set in '%s' is being made by another process", s->opts->path);
}

static const struct fl_set_work make_work = {
	.pass = { .write = true, .open = make_file, .block = fill },
	.claim = lock,
	.check = check,
};

static void make_close(void *state)
{
	fl_set_lane_close(state);
	free(state);
}

static int make_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	struct fl_set_lane *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	rc = fl_set_lane_open(s, lane, opts, &make_work, err);
	if (rc < 0)
		make_close(s);
	else
		*ret_state = s;
	return rc;
}

static int check_size(const struct fl_set_lane *s, const struct fl_dataset_file *f, struct fl_err *err)
{
	struct stat st;

	if (fstatat(s->dir_fd, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fl_fail(err, -EBADMSG, "'%s/%s': %s", s->opts->path, f->name, strerror(errno));
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != f->bytes)
		return fl_fail(err, -EBADMSG, "'%s/%s' has %llu of %llu bytes", s->opts->path, f->name,
			       (unsigned long long)st.st_size, (unsigned long long)f->bytes);
	return 0;
}

/* That everything is there; whether it is right, data.verify reads back. */
static int make_verify(void *state, struct fl_err *err)
{
	const struct fl_set_lane *s = state;
	int rc = 0;

	fl_set_lane_state(s);
	for (size_t i = 0; i < s->set.files_n && rc == 0; i++)
		rc = check_size(s, &s->set.files[i], err);
	return rc;
}

/* ---- declarations */

static const struct fl_field make_fields[] = {
	FL_SET_FIELDS("write", "directory with an index of data that is being made",
		      "threads, each with a file of its own"),
	{ 0 },
};

static const struct fl_metric make_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "bytes written per second, as fast as they are made up" },
	{ 0 },
};

static const struct fl_fact make_facts[] = {
	FL_SET_FACTS("write", "written"),
	{ 0 },
};

static const struct fl_flow make_flows[] = {
	{ "memory", "path", 1, NULL },
	{ 0 },
};

FL_BENCHES(data, make) = {
	{ .name = "data.make",
	  .summary = "writes the files of a data set that is being made ('feedline data make')",
	  .opts_bytes = sizeof(struct fl_set_opts),
	  .fields = make_fields,
	  .metrics = make_metrics,
	  .facts = make_facts,
	  .flows = make_flows,
	  .numa = "path",
	  .threads = "threads",
	  .whole = true,
	  .open = make_open,
	  .step = fl_set_lane_step,
	  .halt = fl_set_lane_halt,
	  .leave = fl_set_lane_leave,
	  .verify = make_verify,
	  .close = make_close },
	{ 0 },
};
