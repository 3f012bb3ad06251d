/* SPDX-License-Identifier: Apache-2.0 */
/* data.verify: reads every block of a data set past the page cache and holds every word against what it must be. What
 * is wrong is counted, and the first of it said: where, and what is there instead. */
#include "path/found.h"
#include "path/set_lane.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/block.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct faults {
	uint64_t blocks, files;
	size_t file;	 /* the first of them: of the lowest file and offset */
	bool whole_file; /* it is wrong as a file, not at an offset */
	uint64_t offset;
	char what[240]; /* empty: none */
};

struct verify_state {
	struct fl_set_lane base;
	struct faults *faults; /* by thread */
};

/* ---- what is wrong */

/* Is this one before what was found so far? Then it is to be described. */
static bool is_first(const struct faults *f, size_t file, uint64_t offset)
{
	return !f->what[0] || file < f->file || (file == f->file && offset < f->offset);
}

static void set_first(struct faults *f, size_t file, bool whole_file, uint64_t offset)
{
	f->file = file;
	f->whole_file = whole_file;
	f->offset = offset;
}

/* A fault of a whole file; it is seen from each of its spans and counted in the first. */
static void note_file(struct verify_state *s, unsigned thread, size_t file, uint64_t from, const char *what)
{
	struct faults *f = &s->faults[thread];

	f->files += from == 0;
	if (from || !is_first(f, file, 0))
		return;
	set_first(f, file, true, 0);
	snprintf(f->what, sizeof(f->what), "%s", what);
}

static void note_block(struct verify_state *s, unsigned thread, size_t file, uint64_t offset, const void *block)
{
	struct faults *f = &s->faults[thread];

	f->blocks++;
	if (!is_first(f, file, offset))
		return;
	set_first(f, file, false, offset);
	fl_found_describe(&s->base.set, file, offset, block, f->what, sizeof(f->what));
}

static void look(void *arg, unsigned thread, size_t file, uint64_t offset, void *data, uint32_t bytes)
{
	struct verify_state *s = arg;

	for (uint32_t at = 0; at < bytes; at += FL_BLOCK_BYTES)
		if (fl_block_check((char *)data + at, s->base.set.seed, file, offset + at) != FL_BLOCK_BYTES)
			note_block(s, thread, file, offset + at, (char *)data + at);
}

/* ---- one file */

/* O_NONBLOCK: a pipe in its place is not waited for. */
static int open_file(struct verify_state *s, const char *name)
{
	enum { FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC };
	int fd = openat(s->base.dir_fd, name, FLAGS | O_DIRECT);

	if (fd >= 0 || errno != EINVAL)
		return fd;
	atomic_store(&s->base.buffered, true);
	fd = openat(s->base.dir_fd, name, FLAGS);
	if (fd >= 0)
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return fd;
}

/* What a file is that has not the size it must have; else an empty text. */
static void describe_size(const struct stat *st, uint64_t bytes, char *ret, size_t room)
{
	*ret = 0;
	if (!S_ISREG(st->st_mode))
		snprintf(ret, room, "is no file");
	else if ((uint64_t)st->st_size != bytes)
		snprintf(ret, room, "has %llu bytes instead of %llu", (unsigned long long)st->st_size,
			 (unsigned long long)bytes);
}

static int cannot_open(struct verify_state *s, unsigned thread, size_t file, uint64_t from, int code,
		       struct fl_err *err)
{
	const char *name = s->base.set.files[file].name;

	if (code == ENOENT)
		note_file(s, thread, file, from, "is missing");
	else if (code == ELOOP)
		note_file(s, thread, file, from, "is a link");
	else if (code == ENXIO)
		note_file(s, thread, file, from, "is no file");
	else
		return fl_fail(err, -code, "open '%s/%s': %s", s->base.opts->path, name, strerror(code));
	return 0;
}

static int verify_file(void *arg, unsigned thread, size_t file, uint64_t from, int *ret_fd, uint64_t *ret_end,
		       struct fl_err *err)
{
	struct verify_state *s = arg;
	const struct fl_dataset_file *f = &s->base.set.files[file];
	int fd = open_file(s, f->name);
	char what[128];
	struct stat st;

	*ret_fd = -1;
	if (fd < 0)
		return cannot_open(s, thread, file, from, errno, err);
	if (fstat(fd, &st) < 0) {
		fl_fail(err, -errno, "size of '%s/%s': %s", s->base.opts->path, f->name, strerror(errno));
		close(fd);
		return err->code;
	}
	describe_size(&st, f->bytes, what, sizeof(what));
	if (what[0])
		note_file(s, thread, file, from, what);
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return 0;
	}
	*ret_fd = fd;
	*ret_end = (uint64_t)st.st_size / FL_BLOCK_BYTES * FL_BLOCK_BYTES;
	return 0;
}

/* ---- the hooks */

static int check(const struct fl_set_lane *s, struct fl_err *err)
{
	if (s->set.complete)
		return 0;
	fl_fail(err, -EINVAL, "the data set in '%s' is not complete: it is being made", s->opts->path);
	return fl_hint(err, "'feedline data make' goes on where that was interrupted");
}

static const struct fl_set_work verify_work = {
	.pass = { .span_bytes = UINT64_C(64) << 20, .open = verify_file, .block = look },
	.check = check,
};

static void verify_close(void *state)
{
	struct verify_state *s = state;

	fl_set_lane_close(&s->base);
	free(s->faults);
	free(s);
}

static int verify_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct fl_set_opts *o = opts;
	struct verify_state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	rc = fl_set_lane_open(&s->base, lane, o, &verify_work, err);
	s->faults = rc == 0 ? calloc(o->threads, sizeof(*s->faults)) : NULL;
	if (rc == 0 && !s->faults)
		rc = fl_fail(err, -ENOMEM, "no memory for %llu threads", (unsigned long long)o->threads);
	if (rc < 0)
		verify_close(s);
	else
		*ret_state = s;
	return rc;
}

/* The first of all threads' faults, and how many there are. */
static struct faults add_up(const struct verify_state *s)
{
	struct faults all = { 0 };

	for (uint64_t i = 0; i < s->base.opts->threads; i++) {
		const struct faults *f = &s->faults[i];
		uint64_t blocks = all.blocks + f->blocks, files = all.files + f->files;

		if (f->what[0] && is_first(&all, f->file, f->offset))
			all = *f;
		all.blocks = blocks;
		all.files = files;
	}
	return all;
}

static int verify_verify(void *state, struct fl_err *err)
{
	struct verify_state *s = state;
	struct faults all = add_up(s);
	char where[48] = "", more[96] = "";

	fl_set_lane_state(&s->base);
	fl_set_fact(s->base.lane, "wrong_blocks", "%llu", (unsigned long long)all.blocks);
	fl_set_fact(s->base.lane, "wrong_files", "%llu", (unsigned long long)all.files);
	if (!all.what[0])
		return 0;
	if (!all.whole_file)
		snprintf(where, sizeof(where), " at offset %llu", (unsigned long long)all.offset);
	if (all.blocks + all.files > 1)
		snprintf(more, sizeof(more), "; in all wrong blocks: %llu, wrong files: %llu",
			 (unsigned long long)all.blocks, (unsigned long long)all.files);
	return fl_fail(err, -EBADMSG, "'%.64s'%s: %s%s", s->base.set.files[all.file].name, where, all.what, more);
}

/* ---- declarations */

static const struct fl_field verify_fields[] = {
	FL_SET_FIELDS("read", "directory with a data set", "threads, each with a part of a file of its own"),
	{ 0 },
};

static const struct fl_metric verify_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "bytes read and checked per second" },
	{ 0 },
};

static const struct fl_fact verify_facts[] = {
	FL_SET_FACTS("read", "read"),
	{ "wrong_blocks", false, "blocks of 4096 bytes that are not what they must be" },
	{ "wrong_files", false, "files that are missing, no files, or of the wrong size" },
	{ 0 },
};

static const struct fl_flow verify_flows[] = {
	{ "path", "memory", 1, NULL },
	{ 0 },
};

FL_BENCHES(data, verify) = {
	{ .name = "data.verify",
	  .summary = "reads a data set past the page cache and checks every word of it",
	  .opts_bytes = sizeof(struct fl_set_opts),
	  .fields = verify_fields,
	  .metrics = verify_metrics,
	  .facts = verify_facts,
	  .flows = verify_flows,
	  .numa = "path",
	  .threads = "threads",
	  .whole = true,
	  .open = verify_open,
	  .step = fl_set_lane_step,
	  .halt = fl_set_lane_halt,
	  .leave = fl_set_lane_leave,
	  .verify = verify_verify,
	  .close = verify_close },
	{ 0 },
};
