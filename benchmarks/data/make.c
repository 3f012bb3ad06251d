/* SPDX-License-Identifier: Apache-2.0 */
/* data.make: writes the files that the index of a directory lists, block by block as feedline/block.h has them. The
 * index comes first (feedline data make) and says that the data is being made: nothing else is ever written. A file
 * that is there in full is kept, what was made of any other of these names is made anew. */
#include "path/pass.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/block.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct make_opts {
	const char *path;
	uint64_t block, depth, threads;
};

struct make_state {
	const struct make_opts *opts;
	struct fl_lane *lane;
	struct fl_dataset set;
	struct fl_pass *pass;
	int dir_fd;
	atomic_bool buffered; /* the file system has no direct I/O */
};

/* ---- one file */

static int refuse(const struct make_state *s, const char *name, struct fl_err *err)
{
	fl_fail(err, -EEXIST, "'%s/%s' is there, and is not of this data set", s->opts->path, name);
	return fl_hint(err, "take it away, or choose another directory");
}

/* 1: it is there in full; 0: nothing is there. */
static int look(const struct make_state *s, size_t file, struct fl_err *err)
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
	struct make_state *s = arg;
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
	const struct make_state *s = arg;

	(void)thread;
	for (uint32_t at = 0; at < bytes; at += FL_BLOCK_BYTES)
		fl_block_fill((char *)data + at, s->set.seed, file, offset + at);
}

/* ---- the hooks */

static const struct fl_pass_work make_work = { .write = true, .open = make_file, .block = fill };

static int check(const struct make_state *s, struct fl_err *err)
{
	const char *path = s->opts->path;

	if (s->opts->block % FL_BLOCK_BYTES) {
		fl_fail(err, -EINVAL, "block is %llu bytes", (unsigned long long)s->opts->block);
		return fl_hint(err, "choose a multiple of %d bytes", FL_BLOCK_BYTES);
	}
	if (s->set.complete) {
		fl_fail(err, -EINVAL, "the data set in '%s' is complete: nothing is to be made", path);
		return fl_hint(err, "remove it first with 'feedline data remove', or choose another directory");
	}
	return s->set.files_n ? 0 : fl_fail(err, -EINVAL, "the data set in '%s' has no files", path);
}

/* One maker at a time, also from another container. A file system without locks has to do without. */
static int lock(const struct make_state *s, struct fl_err *err)
{
	if (flock(s->dir_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	return fl_fail(err, -EBUSY, "the data set in '%s' is being made by another process", s->opts->path);
}

static int open_pass(struct make_state *s, struct fl_err *err)
{
	const struct make_opts *o = s->opts;
	struct fl_pass_spec spec = {
		.dir = o->path,
		.set = &s->set,
		.work = &make_work,
		.arg = s,
		.block_bytes = (uint32_t)o->block,
		.depth = (unsigned)o->depth,
		.threads = (unsigned)o->threads,
	};
	void *buffers;
	int rc = fl_alloc(s->lane, o->threads * fl_pass_buffer_bytes(spec.block_bytes, spec.depth), -1, &buffers, err);

	if (rc < 0)
		return rc;
	spec.buffers = buffers;
	return fl_pass_open(&spec, &s->pass, err);
}

static void free_state(struct make_state *s)
{
	fl_pass_close(s->pass);
	fl_dataset_release(&s->set);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	free(s);
}

static int make_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	struct make_state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	s->opts = opts;
	s->lane = lane;
	s->dir_fd = open(s->opts->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		rc = fl_fail(err, -errno, "open '%s': %s", s->opts->path, strerror(errno));
	else
		rc = lock(s, err);
	if (rc == 0)
		rc = fl_dataset_read_at(s->dir_fd, s->opts->path, &s->set, err);
	if (rc == 0)
		rc = check(s, err);
	if (rc == 0)
		rc = open_pass(s, err);
	if (rc < 0) {
		free_state(s);
		return rc;
	}
	fl_set_fact(lane, "seed", "0x%016llx", (unsigned long long)s->set.seed);
	*ret_state = s;
	return 0;
}

static int make_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	return fl_pass_step(((struct make_state *)state)->pass, thread, n, did, err);
}

static void make_halt(void *state)
{
	fl_pass_halt(((struct make_state *)state)->pass);
}

static void make_leave(void *state, unsigned thread)
{
	fl_pass_leave(((struct make_state *)state)->pass, thread);
}

static int check_size(const struct make_state *s, const struct fl_dataset_file *f, struct fl_err *err)
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
	struct make_state *s = state;
	int rc = 0;

	fl_set_fact(s->lane, "engine", "%s", fl_pass_engine(s->pass));
	fl_set_fact(s->lane, "moved_bytes", "%llu", (unsigned long long)fl_pass_moved_bytes(s->pass));
	fl_set_fact(s->lane, "direct", "%s", atomic_load(&s->buffered) ? "no" : "yes");
	for (size_t i = 0; i < s->set.files_n && rc == 0; i++)
		rc = check_size(s, &s->set.files[i], err);
	return rc;
}

static void make_close(void *state)
{
	free_state(state);
}

/* ---- declarations */

static const struct fl_field make_fields[] = {
	FL_FIELD(make_opts, path, FL_PATH, NULL, NULL, "directory with an index of data that is being made"),
	FL_FIELD(make_opts, block, FL_BYTES, "1MiB", "4KiB..64MiB", "bytes of one write, a multiple of 4096"),
	FL_FIELD(make_opts, depth, FL_COUNT, "8", "1..64", "writes that each thread keeps in flight"),
	FL_FIELD(make_opts, threads, FL_COUNT, "2", "1..256", "threads, each with a file of its own"),
	{ 0 },
};

static const struct fl_metric make_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "bytes written per second, as fast as they are made up" },
	{ 0 },
};

static const struct fl_fact make_facts[] = {
	{ "engine", true, "how writes are issued" },
	{ "direct", true, "whether writes go past the page cache" },
	{ "seed", false, "what the data is made of" },
	{ "moved_bytes", false, "how many bytes were written" },
	{ 0 },
};

static const struct fl_flow make_flows[] = {
	{ "memory", "path", 1, NULL },
	{ 0 },
};

FL_BENCHES(data, make) = {
	{ .name = "data.make",
	  .summary = "writes the files of a data set that is being made ('feedline data make')",
	  .opts_bytes = sizeof(struct make_opts),
	  .fields = make_fields,
	  .metrics = make_metrics,
	  .facts = make_facts,
	  .flows = make_flows,
	  .numa = "path",
	  .threads = "threads",
	  .whole = true,
	  .open = make_open,
	  .step = make_step,
	  .halt = make_halt,
	  .leave = make_leave,
	  .verify = make_verify,
	  .close = make_close },
	{ 0 },
};
