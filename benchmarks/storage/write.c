/* SPDX-License-Identifier: Apache-2.0 */
/* storage.write: how fast a file is written past the page cache, into a directory that the user names. The file is a
 * new one without a name, so that nothing that was there is touched and nothing is left behind, however the worker
 * ends. It is written once before anything is timed: else the first pass would measure how the file system finds room
 * for it.
 *
 * What is written are blocks of feedline/block.h: number 0 at first, while it is timed the how-manieth write of the
 * thread it is, so a block that the drive lost is seen when the last ones are read back. */
#include "path/direct.h"
#include "path/io_facts.h"
#include "path/prepare.h"
#include "path/stamp.h"
#include "path/traffic.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/bench.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SEQUENTIAL, RANDOM };

struct write_opts {
	const char *path;
	const struct fl_device *memory;
	uint64_t size, block, depth, threads;
	unsigned pattern, engine, buffers; /* engine, buffers: those of path/io.h, in their order */
};

struct write_state {
	const struct write_opts *opts;
	struct fl_target_file file; /* the one of the target */
	struct fl_target target;
	struct fl_traffic *traffic;
};

/* ---- the file */

static int make_failed(const char *dir, int code, struct fl_err *err)
{
	if (code == EINVAL) {
		fl_fail(err, -ENODEV, "make a file in '%s' with O_DIRECT: its file system has no direct I/O", dir);
		return fl_hint(err, "choose a directory on a drive");
	}
	fl_fail(err, -code, "make a file in '%s': %s", dir, strerror(code));
	if (code == EACCES || code == EPERM || code == EROFS)
		fl_hint(err, "choose a directory that may be written");
	return -code;
}

/* Its name, which nobody can guess or have taken, is gone as soon as it is open. */
static int make_file(const char *dir, int *ret_fd, struct fl_err *err)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, code;
	uint64_t random[2];
	char name[64];

	if (at < 0)
		return make_failed(dir, errno, err);
	if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
		close(at);
		return fl_fail(err, -EIO, "no random number for the name of a file");
	}
	snprintf(name, sizeof(name), ".feedline-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	fd = openat(at, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_DIRECT | O_CLOEXEC, 0600);
	code = fd < 0 ? errno : 0;
	/* Where there is no direct I/O, the file may have been made all the same. */
	if (code != EEXIST)
		unlinkat(at, name, 0);
	close(at);
	if (code)
		return make_failed(dir, code, err);
	*ret_fd = fd;
	return 0;
}

static int check_room(const char *dir, uint64_t bytes, struct fl_err *err)
{
	struct statvfs fs;
	uint64_t room;

	if (statvfs(dir, &fs) < 0)
		return fl_fail(err, -errno, "room in '%s': %s", dir, strerror(errno));
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (bytes <= room)
		return 0;
	fl_fail(err, -ENOSPC, "'%s' has room for %" PRIu64 " bytes, the file has %" PRIu64, dir, room, bytes);
	return fl_hint(err, "choose a smaller size, or another directory");
}

/* ---- open */

static int check_options(const struct write_opts *o, struct fl_err *err)
{
	if (o->block % FL_BLOCK_BYTES) {
		fl_fail(err, -EINVAL, "a block of %" PRIu64 " bytes is no multiple of %d", o->block, FL_BLOCK_BYTES);
		return fl_hint(err, "what is written must tell where it belongs: choose a multiple of 4KiB");
	}
	if (o->size >= o->block)
		return 0;
	fl_fail(err, -EINVAL, "a file of %" PRIu64 " bytes has no block of %" PRIu64, o->size, o->block);
	return fl_hint(err, "choose a larger size or a smaller block");
}

/* From the lane's own memory, which holds whole blocks; at most `bytes` of it at once. */
static int write_once(const struct write_state *s, char *memory, uint64_t bytes, uint64_t until_ns, struct fl_err *err)
{
	const struct fl_target *t = &s->target;

	for (uint64_t at = 0; at < s->file.bytes;) {
		uint64_t rest = s->file.bytes - at, now = rest < bytes ? rest : bytes;
		ssize_t n;

		for (uint64_t i = 0; i < now; i += FL_BLOCK_BYTES)
			fl_stamp((uint64_t *)(memory + i), t->seed, 0, at + i);
		n = pwrite(s->file.fd, memory, now, (off_t)at);
		if (n < 0 || (uint64_t)n != now)
			return fl_fail(err, n < 0 ? -errno : -ENOSPC, "write %" PRIu64 " bytes in '%s': %s", now,
				       s->opts->path, n < 0 ? strerror(errno) : "no room for all of it");
		at += now;
		if (at < s->file.bytes) {
			int rc = fl_prepare_goes_on(until_ns, "written", at, s->file.bytes, err);

			if (rc < 0)
				return rc;
		}
	}
	if (fdatasync(s->file.fd) < 0)
		return fl_fail(err, -errno, "sync the file in '%s': %s", s->opts->path, strerror(errno));
	return 0;
}

static int open_traffic(struct write_state *s, struct fl_lane *lane, struct fl_err *err)
{
	enum { CHUNK = 4 << 20 };
	const struct write_opts *o = s->opts;
	struct fl_traffic_spec spec = { .target = &s->target,
					.engine = (enum fl_io_engine)o->engine,
					.buffers = (enum fl_io_buffers)o->buffers,
					.threads = (unsigned)o->threads,
					.depth = (unsigned)o->depth,
					.random = o->pattern == RANDOM,
					.write = true };
	uint64_t bytes = o->threads * o->depth * o->block; /* <= 2^8 * 2^12 * 2^26 */
	void *memory;
	int rc = fl_traffic_fits(&spec, err);

	if (rc == 0)
		rc = fl_alloc(lane, bytes, o->memory->node, &memory, err);
	if (rc < 0)
		return rc;
	for (uint64_t i = 0; i < bytes; i += FL_BLOCK_BYTES)
		fl_block_fill((char *)memory + i, s->target.seed, 0, i);
	spec.memory = memory;
	rc = write_once(s, memory, bytes < CHUNK ? bytes : CHUNK, fl_prepare_until_ns(), err);
	return rc < 0 ? rc : fl_traffic_open(&spec, &s->traffic, err);
}

static int open_file(struct write_state *s, struct fl_err *err)
{
	const struct write_opts *o = s->opts;
	uint64_t blocks = o->size / o->block, seed;
	int rc = fl_direct_check_directory(o->path, err);

	if (rc == 0)
		rc = check_room(o->path, blocks * o->block, err);
	if (rc == 0 && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		rc = fl_fail(err, -EIO, "no random number for the data");
	if (rc == 0)
		rc = make_file(o->path, &s->file.fd, err);
	if (rc < 0)
		return rc;
	s->file.bytes = blocks * o->block;
	s->target = (struct fl_target){ .files = &s->file,
					.files_n = 1,
					.block_bytes = o->block,
					.blocks = blocks,
					.described = true,
					.seed = seed };
	return 0;
}

static int write_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	struct write_state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	s->opts = opts;
	rc = check_options(s->opts, err);
	if (rc == 0)
		rc = open_file(s, err);
	if (rc < 0)
		goto free_state;
	rc = open_traffic(s, lane, err);
	if (rc < 0)
		goto close_file;
	fl_io_state(fl_traffic_io(s->traffic), fl_traffic_why_plain(s->traffic), lane);
	fl_set_fact(lane, "direct", "yes");
	fl_set_fact(lane, "verified", "by sum and number, read back: the last %u of each thread",
		    fl_traffic_checked(fl_traffic_spec(s->traffic)));
	*ret_state = s;
	return 0;

close_file:
	close(s->file.fd);
free_state:
	free(s);
	return rc;
}

/* ---- the run */

static int write_enter(void *state, unsigned thread, struct fl_err *err)
{
	const struct write_state *s = state;

	return fl_traffic_enter(s->traffic, thread, err);
}

static int write_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	const struct write_state *s = state;
	int64_t moved = fl_traffic_move(s->traffic, thread, n, NULL, err);

	if (moved < 0)
		return (int)moved;
	did->ops = (uint64_t)moved;
	did->bytes = (uint64_t)moved * s->opts->block;
	return 0;
}

static void write_halt(void *state)
{
	const struct write_state *s = state;

	fl_traffic_halt(s->traffic);
}

static void write_leave(void *state, unsigned thread)
{
	const struct write_state *s = state;

	fl_traffic_drain(s->traffic, thread);
}

static int write_verify(void *state, struct fl_err *err)
{
	const struct write_state *s = state;

	return fl_traffic_check(s->traffic, err);
}

static void write_close(void *state)
{
	struct write_state *s = state;

	fl_traffic_close(s->traffic);
	close(s->file.fd);
	free(s);
}

/* ---- declarations */

static const struct fl_field write_fields[] = {
	FL_FIELD(write_opts, path, FL_PATH, NULL, NULL, "directory in which a file is made, written and removed"),
	FL_FIELD(write_opts, memory, FL_DEVICE, "local", "node",
		 "node that holds the buffers; local: that of the CPUs, which are those at the drive"),
	FL_FIELD(write_opts, size, FL_BYTES, "1GiB", "4KiB..16TiB",
		 "bytes of the file, written once before, which must take less than 40 s"),
	FL_FIELD(write_opts, block, FL_BYTES, "1MiB", "4KiB..64MiB", "bytes of one write, a multiple of 4 KiB"),
	FL_FIELD(write_opts, depth, FL_COUNT, "16", "1..4096", "writes that each thread keeps in flight"),
	FL_FIELD(write_opts, threads, FL_COUNT, "1", "1..256", "threads, each with a ring of its own"),
	FL_FIELD(write_opts, pattern, FL_CHOICE, "sequential", "sequential|random",
		 "order of the blocks; random: each thread's part shuffled, each block once in a pass"),
	FL_FIELD(write_opts, engine, FL_CHOICE, "auto", "auto|io_uring|pread",
		 "how writes are issued; auto: by io_uring where that is allowed"),
	FL_FIELD(write_opts, buffers, FL_CHOICE, "auto", "auto|registered|plain", "how the kernel knows the buffers"),
	{ 0 },
};

static const struct fl_metric write_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload that the drive took per second" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "blocks that the drive took per second" },
	{ 0 },
};

static const struct fl_fact write_facts[] = {
	FL_IO_FACTS,
	{ "direct", true, "whether writes go past the page cache" },
	{ "amplified", true, "whether the drive moved more than was asked for" },
	{ "verified", false, "how the data are known to be right" },
	{ 0 },
};

static const struct fl_flow write_flows[] = {
	{ "memory", "path", 1, NULL },
	{ 0 },
};

/* No peer: a command that writes is nothing to be pasted from a record, which may come from anybody. */
FL_BENCHES(storage, write) = {
	{ .name = "storage.write",
	  .summary = "writes a file of its own past the page cache into a directory",
	  .opts_bytes = sizeof(struct write_opts),
	  .fields = write_fields,
	  .metrics = write_metrics,
	  .facts = write_facts,
	  .flows = write_flows,
	  .numa = "path",
	  .threads = "threads",
	  .open = write_open,
	  .enter = write_enter,
	  .step = write_step,
	  .halt = write_halt,
	  .leave = write_leave,
	  .verify = write_verify,
	  .close = write_close },
	{ 0 },
};
