/* SPDX-License-Identifier: Apache-2.0 */
/* data.verify: reads every block of a data set past the page cache and holds every word against what it must be. What
 * is wrong is counted, and the first of it said: where, and what is there instead. */
#include "path/found.h"
#include "path/pass.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/block.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct verify_opts {
	const char *path;
	uint64_t block, depth, threads;
};

struct faults {
	uint64_t blocks, files;
	size_t file;	 /* the first of them: of the lowest file and offset */
	bool whole_file; /* it is wrong as a file, not at an offset */
	uint64_t offset;
	char what[240]; /* empty: none */
};

struct verify_state {
	const struct verify_opts *opts;
	struct fl_lane *lane;
	struct fl_dataset set;
	struct fl_pass *pass;
	int dir_fd;
	atomic_bool buffered;
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
	fl_found_describe(&s->set, file, offset, block, f->what, sizeof(f->what));
}

static void look(void *arg, unsigned thread, size_t file, uint64_t offset, void *data, uint32_t bytes)
{
	struct verify_state *s = arg;

	for (uint32_t at = 0; at < bytes; at += FL_BLOCK_BYTES)
		if (fl_block_check((char *)data + at, s->set.seed, file, offset + at) != FL_BLOCK_BYTES)
			note_block(s, thread, file, offset + at, (char *)data + at);
}

/* ---- one file */

/* O_NONBLOCK: a pipe in its place is not waited for. */
static int open_file(struct verify_state *s, const char *name)
{
	enum { FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC };
	int fd = openat(s->dir_fd, name, FLAGS | O_DIRECT);

	if (fd >= 0 || errno != EINVAL)
		return fd;
	atomic_store(&s->buffered, true);
	fd = openat(s->dir_fd, name, FLAGS);
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
	const char *name = s->set.files[file].name;

	if (code == ENOENT)
		note_file(s, thread, file, from, "is missing");
	else if (code == ELOOP)
		note_file(s, thread, file, from, "is a link");
	else if (code == ENXIO)
		note_file(s, thread, file, from, "is no file");
	else
		return fl_fail(err, -code, "open '%s/%s': %s", s->opts->path, name, strerror(code));
	return 0;
}

static int verify_file(void *arg, unsigned thread, size_t file, uint64_t from, int *ret_fd, uint64_t *ret_end,
		       struct fl_err *err)
{
	struct verify_state *s = arg;
	const struct fl_dataset_file *f = &s->set.files[file];
	int fd = open_file(s, f->name);
	char what[128];
	struct stat st;

	*ret_fd = -1;
	if (fd < 0)
		return cannot_open(s, thread, file, from, errno, err);
	if (fstat(fd, &st) < 0) {
		fl_fail(err, -errno, "size of '%s/%s': %s", s->opts->path, f->name, strerror(errno));
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

static const struct fl_pass_work verify_work = { .span_bytes = UINT64_C(64) << 20, .open = verify_file, .block = look };

static int check(const struct verify_state *s, struct fl_err *err)
{
	const char *path = s->opts->path;

	if (s->opts->block % FL_BLOCK_BYTES) {
		fl_fail(err, -EINVAL, "block is %llu bytes", (unsigned long long)s->opts->block);
		return fl_hint(err, "choose a multiple of %d bytes", FL_BLOCK_BYTES);
	}
	if (!s->set.complete) {
		fl_fail(err, -EINVAL, "the data set in '%s' is not complete: it is being made", path);
		return fl_hint(err, "'feedline data make' goes on where that was interrupted");
	}
	return s->set.files_n ? 0 : fl_fail(err, -EINVAL, "the data set in '%s' has no files", path);
}

static int open_pass(struct verify_state *s, struct fl_err *err)
{
	const struct verify_opts *o = s->opts;
	struct fl_pass_spec spec = {
		.dir = o->path,
		.set = &s->set,
		.work = &verify_work,
		.arg = s,
		.block_bytes = (uint32_t)o->block,
		.depth = (unsigned)o->depth,
		.threads = (unsigned)o->threads,
	};
	void *buffers;
	int rc;

	s->faults = calloc(o->threads, sizeof(*s->faults));
	if (!s->faults)
		return fl_fail(err, -ENOMEM, "no memory for %llu threads", (unsigned long long)o->threads);
	rc = fl_alloc(s->lane, o->threads * fl_pass_buffer_bytes(spec.block_bytes, spec.depth), -1, &buffers, err);
	if (rc < 0)
		return rc;
	spec.buffers = buffers;
	return fl_pass_open(&spec, &s->pass, err);
}

static void free_state(struct verify_state *s)
{
	fl_pass_close(s->pass);
	fl_dataset_release(&s->set);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	free(s->faults);
	free(s);
}

static int verify_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	struct verify_state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	s->opts = opts;
	s->lane = lane;
	s->dir_fd = open(s->opts->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		rc = fl_fail(err, -errno, "open '%s': %s", s->opts->path, strerror(errno));
	else
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

static int verify_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	return fl_pass_step(((struct verify_state *)state)->pass, thread, n, did, err);
}

static void verify_halt(void *state)
{
	fl_pass_halt(((struct verify_state *)state)->pass);
}

static void verify_leave(void *state, unsigned thread)
{
	fl_pass_leave(((struct verify_state *)state)->pass, thread);
}

/* The first of all threads' faults, and how many there are. */
static struct faults add_up(const struct verify_state *s)
{
	struct faults all = { 0 };

	for (uint64_t i = 0; i < s->opts->threads; i++) {
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

	fl_set_fact(s->lane, "engine", "%s", fl_pass_engine(s->pass));
	fl_set_fact(s->lane, "moved_bytes", "%llu", (unsigned long long)fl_pass_moved_bytes(s->pass));
	fl_set_fact(s->lane, "direct", "%s", atomic_load(&s->buffered) ? "no" : "yes");
	fl_set_fact(s->lane, "wrong_blocks", "%llu", (unsigned long long)all.blocks);
	fl_set_fact(s->lane, "wrong_files", "%llu", (unsigned long long)all.files);
	if (!all.what[0])
		return 0;
	if (!all.whole_file)
		snprintf(where, sizeof(where), " at offset %llu", (unsigned long long)all.offset);
	if (all.blocks + all.files > 1)
		snprintf(more, sizeof(more), "; in all wrong blocks: %llu, wrong files: %llu",
			 (unsigned long long)all.blocks, (unsigned long long)all.files);
	return fl_fail(err, -EBADMSG, "'%.64s'%s: %s%s", s->set.files[all.file].name, where, all.what, more);
}

static void verify_close(void *state)
{
	free_state(state);
}

/* ---- declarations */

static const struct fl_field verify_fields[] = {
	FL_FIELD(verify_opts, path, FL_PATH, NULL, NULL, "directory with a data set"),
	FL_FIELD(verify_opts, block, FL_BYTES, "1MiB", "4KiB..64MiB", "bytes of one read, a multiple of 4096"),
	FL_FIELD(verify_opts, depth, FL_COUNT, "8", "1..64", "reads that each thread keeps in flight"),
	FL_FIELD(verify_opts, threads, FL_COUNT, "2", "1..256", "threads, each with a part of a file of its own"),
	{ 0 },
};

static const struct fl_metric verify_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "bytes read and checked per second" },
	{ 0 },
};

static const struct fl_fact verify_facts[] = {
	{ "engine", true, "how reads are issued" },
	{ "direct", true, "whether reads go past the page cache" },
	{ "seed", false, "what the data is made of" },
	{ "moved_bytes", false, "how many bytes were read" },
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
	  .opts_bytes = sizeof(struct verify_opts),
	  .fields = verify_fields,
	  .metrics = verify_metrics,
	  .facts = verify_facts,
	  .flows = verify_flows,
	  .numa = "path",
	  .threads = "threads",
	  .whole = true,
	  .open = verify_open,
	  .step = verify_step,
	  .halt = verify_halt,
	  .leave = verify_leave,
	  .verify = verify_verify,
	  .close = verify_close },
	{ 0 },
};
