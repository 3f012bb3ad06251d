/* SPDX-License-Identifier: Apache-2.0 */
/* path/source_file.c: sources that read a file, a block device or a data set: past the page cache (direct), through it
 * with nothing in it (buffered), or out of it (cached). Reads begin in the order of the chunks and stay `depth` deep,
 * across the borders of batches; which is done first is the drive's choice.
 *
 * Each of several accelerators has its own part of the target and goes round in it. cached goes round in the first
 * part of it that is larger than every cache of the CPU, so that it need not all fit into memory. buffered makes the
 * kernel forget what it has read, a stretch at a time and a stretch behind, so that each round comes from the drive. */
#include "path/cache.h"
#include "path/device.h"
#include "path/io_facts.h"
#include "path/source.h"
#include "path/target_facts.h"
#include "path/walk.h"
#include <errno.h>
#include <feedline/clock.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Drives tend to finish many reads at once: all of them may wait for the stage, and as many others be in flight. Some
 * more are on their way back. */
enum { SPARE_SLOTS = 4, DONE_MOST = 64 };
static const uint64_t least_batches = 2;	    /* of a target that is read past the page cache */
enum { DROP_STRETCHES = 32, LARGE_PAGE = 2 << 20 }; /* of the part; a page that lies across a border stays at first */
static const double stays = 0.99, gone = 0.05;	    /* of the pages: resident, and not */

struct file_source {
	struct fl_source base;
	struct fl_target target;
	uint64_t first, blocks; /* its part of the row */
	unsigned depth, slots_n;
	char *memory;	/* slots_n blocks */
	uint64_t *seqs; /* the chunk that is read into a slot */
	struct fl_io *io;
	uint64_t seq, done; /* the next chunk; those that have arrived */
	uint64_t stretch;   /* of buffered: chunks that are dropped at a time; 0: none */
	uint64_t dropped;   /* those before it are */
	/* Of direct: what came, and what the device counted before and after; NULL: that is not asked. */
	const char *devices;
	struct fl_device_count before, after;
	uint64_t read_bytes;
	uint64_t short_ns; /* with fewer reads in flight than asked for, for want of slots or turns */
};

static struct file_source *file_of(struct fl_source *s)
{
	return (struct file_source *)s;
}

/* ---- places */

static uint64_t block_of(const struct file_source *s, uint64_t seq)
{
	return s->first + seq % s->blocks;
}

static struct fl_origin file_origin(const struct fl_source *source, uint64_t seq)
{
	const struct file_source *s = (const struct file_source *)source;
	struct fl_place at = fl_target_place(&s->target, block_of(s, seq));

	return (struct fl_origin){ s->target.seed, s->target.files[at.file].number, at.offset };
}

static const char *file_path(const struct fl_source *source, uint64_t seq)
{
	const struct file_source *s = (const struct file_source *)source;

	return s->target.files[fl_target_place(&s->target, block_of(s, seq)).file].path;
}

/* Calls `what` for the chunks from `from` on, which may go round the end of the part. */
static int for_chunks(struct file_source *s, uint64_t from, uint64_t n,
		      int (*what)(const struct fl_target *, uint64_t, uint64_t, struct fl_err *), struct fl_err *err)
{
	int rc = 0;

	while (n > 0 && rc == 0) {
		uint64_t at = from % s->blocks, run = s->blocks - at < n ? s->blocks - at : n;

		rc = what(&s->target, s->first + at, run, err);
		from += run;
		n -= run;
	}
	return rc;
}

/* ---- open */

static void file_close(struct fl_source *source)
{
	struct file_source *s = file_of(source);

	fl_io_close(s->io);
	fl_queue_free(s->base.turns);
	fl_queue_free(s->base.out);
	fl_queue_free(s->base.back);
	fl_target_close(&s->target);
	free(s->seqs);
	free(s);
}

static int choose_part(struct file_source *s, const struct fl_pipe_spec *spec, struct fl_err *err)
{
	struct fl_walk walk;

	if (s->target.blocks < spec->accelerators) {
		fl_fail(err, -EINVAL, "'%s' has %llu blocks of %llu bytes for %u accelerators", spec->path,
			(unsigned long long)s->target.blocks, (unsigned long long)spec->block, spec->accelerators);
		return fl_hint(err, "choose a larger target or a smaller block");
	}
	walk = fl_walk_of(s->target.blocks, spec->accelerator, spec->accelerators, false);
	s->first = walk.first;
	s->blocks = walk.blocks;
	return 0;
}

/* As many as all slots are for, beside one of which a read is missing. */
static uint64_t batches_ahead(const struct file_source *s, const struct fl_pipe_spec *spec)
{
	uint64_t least = (2 * spec->depth + s->base.shape.chunks - 1) / s->base.shape.chunks + 1;

	return least > spec->prefetch + 1 ? least : spec->prefetch + 1;
}

static int open_memory(struct file_source *s, const struct fl_pipe_spec *spec, struct fl_lane *lane, struct fl_err *err)
{
	void *memory;
	int rc;

	s->depth = spec->depth;
	s->slots_n = 2 * spec->depth + SPARE_SLOTS;
	s->base.held_max = s->slots_n;
	s->base.memory_bytes = s->slots_n * spec->block;
	s->seqs = calloc(s->slots_n, sizeof(*s->seqs));
	rc = s->seqs ? fl_alloc(lane, s->base.memory_bytes, -1, &memory, err)
		     : fl_fail(err, -ENOMEM, "no memory for %u slots", s->slots_n);
	if (rc < 0)
		return rc;
	s->memory = memory;
	rc = fl_queue_create(s->slots_n, sizeof(struct fl_chunk), &s->base.out, err);
	if (rc == 0)
		rc = fl_queue_create(s->slots_n, sizeof(uint32_t), &s->base.back, err);
	for (uint32_t i = 0; rc == 0 && i < s->slots_n; i++)
		rc = fl_queue_push(s->base.back, &i);
	return rc < 0 ? rc : fl_source_set_ahead(&s->base, batches_ahead(s, spec), err);
}

static int open_engine(struct file_source *s, const struct fl_pipe_spec *spec, struct fl_lane *lane, struct fl_err *err)
{
	struct iovec memory = { s->memory, s->base.memory_bytes };
	struct fl_io_spec io = { .engine = spec->engine, .depth = spec->depth, .memory = &memory, .memory_n = 1 };
	int *fds = calloc(s->target.files_n, sizeof(*fds)), rc;

	if (!fds)
		return fl_fail(err, -ENOMEM, "no memory for %zu descriptors", s->target.files_n);
	for (size_t i = 0; i < s->target.files_n; i++)
		fds[i] = s->target.files[i].fd;
	io.fds = fds;
	io.fds_n = (unsigned)s->target.files_n;
	rc = fl_io_open(&io, &s->io, err);
	free(fds);
	if (rc < 0)
		return rc;
	fl_io_state(s->io, fl_io_why_plain(s->io), lane);
	fl_target_state(&s->target, lane);
	return 0;
}

/* Where the kernel does not tell, the fact stays unknown. */
static void state_cached(const struct file_source *s, struct fl_lane *lane)
{
	double ratio;

	if (fl_target_resident_blocks(&s->target, s->first, s->blocks, &ratio, NULL) == 0)
		fl_set_fact(lane, "cached_before", "%.2f", ratio);
}

static int file_open(const struct fl_source_kind *kind, const struct fl_pipe_spec *spec, const struct fl_shape *shape,
		     struct fl_lane *lane, struct fl_source **ret,
		     int (*prepare)(struct file_source *s, const struct fl_pipe_spec *spec, struct fl_lane *lane,
				    struct fl_err *err),
		     struct fl_err *err)
{
	bool direct = kind == &fl_source_direct;
	struct file_source *s;
	int rc;

	if (!*spec->path) {
		fl_fail(err, -EINVAL, "this source reads a path, and none is named");
		return fl_hint(err, "name a file, a block device or a directory of test data with --path");
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for a source");
	s->base = (struct fl_source){ .kind = kind, .shape = *shape, .name = spec->path };
	rc = fl_target_open(spec->path, direct, spec->block, &s->target, err);
	if (rc < 0) {
		free(s);
		return rc;
	}
	s->base.described = s->target.described;
	rc = choose_part(s, spec, err);
	if (rc == 0)
		rc = open_memory(s, spec, lane, err);
	if (rc == 0)
		rc = prepare(s, spec, lane, err);
	if (rc == 0)
		rc = open_engine(s, spec, lane, err);
	if (rc < 0) {
		file_close(&s->base);
		return rc;
	}
	fl_set_fact(lane, "direct", "%s", direct ? "yes" : "no");
	*ret = &s->base;
	return 0;
}

/* ---- the run */

static int file_enter(struct fl_source *source, struct fl_err *err)
{
	struct file_source *s = file_of(source);

	s->before = fl_device_count_target(s->devices, &s->target);
	return fl_io_enter(s->io, err);
}

static void queue_read(struct file_source *s, uint32_t slot)
{
	struct fl_place at = fl_target_place(&s->target, block_of(s, s->seq));
	char *data = s->memory + slot * s->base.shape.block;
	struct fl_io_request request = { .file = at.file,
					 .bytes = (uint32_t)fl_chunk_bytes(&s->base.shape, s->seq),
					 .offset = at.offset,
					 .data = data,
					 .tag = slot };

	fl_chunk_spoil(data, request.bytes);
	s->seqs[slot] = s->seq++;
	fl_io_queue(s->io, &request);
}

/* As many reads as there may be and slots for. Waits for a turn or a slot only where nothing is in flight. */
static int fill(struct file_source *s, uint64_t until_ns)
{
	int rc = 0;

	while (rc == 0 && fl_io_in_flight(s->io) < s->depth) {
		uint64_t wait_ns = fl_io_in_flight(s->io) ? 0 : until_ns;
		uint32_t slot;

		rc = fl_source_begin(&s->base, s->seq, wait_ns);
		if (rc == 0)
			rc = fl_queue_pop_until(s->base.back, &slot, wait_ns);
		if (rc == 0)
			queue_read(s, slot);
	}
	return rc == -ETIMEDOUT ? 0 : rc;
}

static int fail_read(const struct file_source *s, uint64_t seq, int32_t moved, struct fl_err *err)
{
	struct fl_origin at = file_origin(&s->base, seq);
	const unsigned long long file = at.file, offset = at.offset;

	if (moved < 0)
		return fl_fail(err, moved, "read '%s' file %llu offset %llu: %s", s->base.name, file, offset,
			       strerror(-moved));
	fl_fail(err, -EIO, "short read of '%s' file %llu offset %llu: %d of %llu bytes", s->base.name, file, offset,
		moved, (unsigned long long)fl_chunk_bytes(&s->base.shape, seq));
	return fl_hint(err, "was the file cut short meanwhile?");
}

/* The stretch behind the one in which reads still may be in flight. Pages that lay across its beginning are gone now,
 * too. */
static int drop_behind(struct file_source *s, struct fl_err *err)
{
	uint64_t back = LARGE_PAGE / s->base.shape.block + 1, from = s->dropped > back ? s->dropped - back : 0;

	if (s->done % s->stretch || s->done <= s->slots_n)
		return 0;
	s->dropped = s->done - s->slots_n;
	return for_chunks(s, from, s->dropped - from, fl_target_drop_blocks, err);
}

static int arrived(struct file_source *s, const struct fl_io_done *done, struct fl_err *err)
{
	uint32_t slot = (uint32_t)done->tag;
	struct fl_chunk chunk = { s->seqs[slot], s->memory + slot * s->base.shape.block, slot };
	int rc;

	if (done->bytes < 0 || (uint64_t)done->bytes != fl_chunk_bytes(&s->base.shape, chunk.seq))
		return fail_read(s, chunk.seq, done->bytes, err);
	s->read_bytes += (uint64_t)done->bytes;
	rc = fl_queue_push(s->base.out, &chunk); /* there is room for every slot */
	s->done++;
	return rc == 0 && s->stretch ? drop_behind(s, err) : rc;
}

static int file_produce(struct fl_source *source, uint64_t until_ns, struct fl_err *err)
{
	struct file_source *s = file_of(source);
	struct fl_io_done done[DONE_MOST];
	uint64_t from_ns = 0;
	int n, rc = fill(s, until_ns);

	if (rc < 0 || fl_io_in_flight(s->io) == 0)
		return rc;
	if (fl_io_in_flight(s->io) < s->depth)
		from_ns = fl_now_ns();
	n = fl_io_wait(s->io, 1, done, DONE_MOST, err);
	if (from_ns)
		s->short_ns += fl_now_ns() - from_ns;
	for (int i = 0; i < n && rc == 0; i++)
		rc = arrived(s, &done[i], err);
	return rc < 0 ? rc : n;
}

static uint64_t file_waited_ns(const struct fl_source *source)
{
	const struct file_source *s = (const struct file_source *)source;

	return s->short_ns + fl_queue_pop_waited_ns(s->base.back) + fl_queue_pop_waited_ns(s->base.turns);
}

static void file_halt(struct fl_source *s)
{
	fl_io_halt(file_of(s)->io);
}

static void file_leave(struct fl_source *source)
{
	struct file_source *s = file_of(source);

	fl_io_drain(s->io);
	s->after = fl_device_count_target(s->devices, &s->target);
}

static int file_reread(struct fl_source *source, uint64_t seq, void *to, uint64_t bytes, struct fl_err *err)
{
	const struct file_source *s = file_of(source);
	struct fl_place at = fl_target_place(&s->target, block_of(s, seq));
	ssize_t n = pread(s->target.files[at.file].fd, to, bytes, (off_t)at.offset);

	return n == (ssize_t)bytes ? 0 : fail_read(s, seq, n < 0 ? -errno : (int32_t)n, err);
}

#define FILE_HOOKS                                                                                                     \
	.enter = file_enter, .produce = file_produce, .waited_ns = file_waited_ns, .origin = file_origin,              \
	.halt = file_halt, .leave = file_leave, .reread = file_reread, .file = file_path, .close = file_close

/* ---- direct */

/* A target that is read round and round in no time is answered by the drive's own memory. */
static int check_long_enough(const struct file_source *s, const struct fl_pipe_spec *spec, uint64_t least,
			     const char *why, struct fl_err *err)
{
	const unsigned long long blocks = s->blocks, bytes = least * spec->block * spec->accelerators;

	if (s->blocks >= least)
		return 0;
	fl_fail(err, -EINVAL, "'%s' has %llu blocks for an accelerator, too few to be read %s", spec->path, blocks,
		why);
	return fl_hint(err, "with these batches and this depth %llu bytes are needed: 'feedline data make' makes them",
		       bytes);
}

static int prepare_direct(struct file_source *s, const struct fl_pipe_spec *spec, struct fl_lane *lane,
			  struct fl_err *err)
{
	uint64_t batches = least_batches * s->base.shape.chunks;
	int rc = check_long_enough(s, spec, batches > s->slots_n ? batches : s->slots_n, "again and again", err);

	if (rc < 0)
		return rc;
	state_cached(s, lane);
	s->devices = spec->devices ? spec->devices : FL_DEVICES;
	return 0;
}

static int direct_open(const struct fl_pipe_spec *spec, const struct fl_shape *shape, struct fl_lane *lane,
		       struct fl_source **ret, struct fl_err *err)
{
	return file_open(&fl_source_direct, spec, shape, lane, ret, prepare_direct, err);
}

static int direct_verify(struct fl_source *source, struct fl_err *err)
{
	const struct file_source *s = file_of(source);

	return fl_device_check(&s->before, &s->after, s->read_bytes, s->base.name, err);
}

const struct fl_source_kind fl_source_direct = { .open = direct_open, .verify = direct_verify, FILE_HOOKS };

/* ---- cached */

static int read_once(struct file_source *s, struct fl_err *err)
{
	int rc = 0;

	for (uint64_t seq = 0; seq < s->blocks && rc == 0; seq++) {
		struct fl_place at = fl_target_place(&s->target, block_of(s, seq));
		ssize_t n = pread(s->target.files[at.file].fd, s->memory, s->base.shape.block, (off_t)at.offset);

		if (n != (ssize_t)s->base.shape.block)
			rc = fail_read(s, seq, n < 0 ? -errno : (int32_t)n, err);
	}
	return rc;
}

/* found: what it is for if they are not all there. */
static int check_stays(const struct file_source *s, int found, const char *when, struct fl_err *err)
{
	const unsigned long long bytes = s->blocks * s->base.shape.block;
	double ratio;
	int rc = fl_target_resident_blocks(&s->target, s->first, s->blocks, &ratio, err);

	if (rc < 0)
		return rc;
	if (ratio >= stays)
		return 0;
	fl_fail(err, found, "only %.0f %% of the %llu bytes that are read of '%s' are in the page cache %s",
		100 * ratio, bytes, s->base.name, when);
	return fl_hint(err, "the machine or its cgroup has too little memory for them, or something else uses it");
}

static int prepare_cached(struct file_source *s, const struct fl_pipe_spec *spec, struct fl_lane *lane,
			  struct fl_err *err)
{
	uint64_t beyond, blocks;
	int rc = fl_cache_beyond("/sys/devices/system/cpu", sched_getcpu(), 1, FL_CACHE_STREAM, 0, &beyond, err);

	if (rc < 0)
		return rc;
	blocks = (beyond + spec->block - 1) / spec->block;
	s->blocks = s->blocks < blocks ? s->blocks : blocks;
	rc = read_once(s, err);
	if (rc < 0)
		return rc;
	state_cached(s, lane);
	return check_stays(s, -ENOMEM, "after they were read", err);
}

static int cached_open(const struct fl_pipe_spec *spec, const struct fl_shape *shape, struct fl_lane *lane,
		       struct fl_source **ret, struct fl_err *err)
{
	return file_open(&fl_source_cached, spec, shape, lane, ret, prepare_cached, err);
}

static int cached_verify(struct fl_source *s, struct fl_err *err)
{
	return check_stays(file_of(s), -ESTALE, "after the run", err);
}

const struct fl_source_kind fl_source_cached = { .open = cached_open, .verify = cached_verify, FILE_HOOKS };

/* ---- buffered */

static int check_gone(const struct file_source *s, uint64_t first, uint64_t n, int found, const char *when,
		      struct fl_err *err)
{
	double ratio;
	int rc = fl_target_resident_blocks(&s->target, s->first + first, n, &ratio, err);

	if (rc < 0)
		return rc;
	if (ratio <= gone)
		return 0;
	fl_fail(err, found, "%.0f %% of what is read of '%s' is in the page cache %s", 100 * ratio, s->base.name, when);
	return fl_hint(err, "another program maps or reads the files, or they were just written");
}

/* Pages that are being read ahead for somebody stay until they have come. */
static int drop_all(struct file_source *s, struct fl_err *err)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	struct fl_err refusal;
	int rc = -EBUSY;

	for (unsigned i = 0; i < 25 && rc == -EBUSY; i++) {
		if (i)
			nanosleep(&pause, NULL);
		rc = fl_target_drop(&s->target, err);
		if (rc < 0)
			return rc;
		refusal = (struct fl_err){ 0 };
		rc = check_gone(s, 0, s->blocks, -EBUSY, "although the kernel was asked to forget it", &refusal);
	}
	return rc < 0 ? *err = refusal, rc : 0;
}

static int prepare_buffered(struct file_source *s, const struct fl_pipe_spec *spec, struct fl_lane *lane,
			    struct fl_err *err)
{
	/* Four times the slots and a stretch, which itself is 1 / 32 of the blocks. */
	uint64_t least = (4 * (uint64_t)s->slots_n + 4) * DROP_STRETCHES / (DROP_STRETCHES - 4) + 1;
	int rc = check_long_enough(s, spec, least, "cold again and again", err);

	s->stretch = s->blocks / DROP_STRETCHES + 1;
	if (rc == 0)
		rc = drop_all(s, err);
	if (rc == 0)
		state_cached(s, lane);
	return rc;
}

static int buffered_open(const struct fl_pipe_spec *spec, const struct fl_shape *shape, struct fl_lane *lane,
			 struct fl_source **ret, struct fl_err *err)
{
	return file_open(&fl_source_buffered, spec, shape, lane, ret, prepare_buffered, err);
}

/* What was read longer ago than what is dropped next must be gone: the half of the part that lies ahead. */
static int buffered_verify(struct fl_source *source, struct fl_err *err)
{
	const struct file_source *s = file_of(source);
	uint64_t half = s->blocks / 2, from = (s->seq + s->blocks / 4) % s->blocks;
	uint64_t n = s->blocks - from < half ? s->blocks - from : half;
	int rc = check_gone(s, from, n, -ESTALE, "after the run", err);

	return rc < 0 || n == half ? rc : check_gone(s, 0, half - n, -ESTALE, "after the run", err);
}

const struct fl_source_kind fl_source_buffered = { .open = buffered_open, .verify = buffered_verify, FILE_HOOKS };
