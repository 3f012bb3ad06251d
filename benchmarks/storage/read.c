/* SPDX-License-Identifier: Apache-2.0 */
/* storage.read: how fast a drive is read into memory. N threads, each with a ring of its own that keeps `depth`
 * blocks in flight, past the page cache. The file is never written.
 *
 * Options are honoured exactly or refused; only how the kernel does it may differ, and that is a fact. */
#include "path/direct.h"
#include "path/pattern.h"
#include "path/ring.h"
#include <errno.h>
#include <feedline/bench.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SEQUENTIAL, RANDOM };
enum { AUTO, REGISTERED, PLAIN };

struct read_opts {
	const char *path;
	uint64_t block, depth, threads;
	unsigned pattern, buffers;
};

struct read_state {
	const struct read_opts *opts;
	struct fl_direct file;
	char *buffers;		/* threads x depth blocks, from fl_alloc */
	struct fl_ring **rings; /* one a thread; NULL where none is open */
};

/* ---- open */

static uint64_t buffer_bytes(const struct read_opts *o)
{
	return o->threads * o->depth * o->block; /* <= 2^8 * 2^12 * 2^26 */
}

static int check_size(const struct read_opts *o, uint64_t bytes, struct fl_err *err)
{
	if (bytes >= buffer_bytes(o))
		return 0;
	fl_fail(err, -EINVAL, "'%s' has %llu bytes, %llu x depth %llu x block %llu need %llu", o->path,
		(unsigned long long)bytes, (unsigned long long)o->threads, (unsigned long long)o->depth,
		(unsigned long long)o->block, (unsigned long long)buffer_bytes(o));
	return fl_hint(err, "choose a larger file, or a smaller block, depth or number of threads");
}

static void close_rings(struct read_state *s)
{
	for (uint64_t i = 0; i < s->opts->threads; i++) {
		fl_ring_close(s->rings[i]);
		s->rings[i] = NULL;
	}
}

static int open_rings(struct read_state *s, struct fl_err *err)
{
	const struct read_opts *o = s->opts;
	int rc = 0;

	for (unsigned i = 0; i < o->threads && rc == 0; i++) {
		struct fl_ring_spec spec = {
			.fd = s->file.fd,
			.depth = (unsigned)o->depth,
			.buffers = s->buffers + i * o->depth * o->block,
			.walk = fl_walk_of(s->file.bytes, o->block, i, (unsigned)o->threads, o->pattern == RANDOM),
		};

		rc = fl_ring_open(&spec, &s->rings[i], err);
	}
	if (rc < 0)
		close_rings(s);
	return rc;
}

/* All rings or none: a lane of which some threads read the other way is neither. */
static int register_all(struct read_state *s, struct fl_err *err)
{
	for (uint64_t i = 0; i < s->opts->threads; i++) {
		int rc = fl_ring_register_buffers(s->rings[i], err);

		if (rc == 0)
			continue;
		while (i-- > 0)
			fl_ring_unregister_buffers(s->rings[i]);
		return rc;
	}
	return 0;
}

static int choose_buffers(struct read_state *s, struct fl_lane *lane, struct fl_err *err)
{
	struct fl_err refusal = { 0 };

	if (s->opts->buffers != PLAIN && register_all(s, &refusal) == 0) {
		fl_set_fact(lane, "buffers", "registered");
		return 0;
	}
	if (s->opts->buffers == REGISTERED) {
		fl_fail(err, refusal.code, "%s", refusal.what);
		return fl_hint(err, "%llu bytes of locked memory are needed: raise ulimit -l, or let buffers be auto",
			       (unsigned long long)buffer_bytes(s->opts));
	}
	fl_set_fact(lane, "buffers", "plain");
	fl_set_fact(lane, "why_plain", "%s", s->opts->buffers == PLAIN ? "asked for" : refusal.what);
	return 0;
}

static void state_facts(const struct read_state *s, struct fl_lane *lane)
{
	fl_set_fact(lane, "engine", "io_uring");
	fl_set_fact(lane, "ring", "%s", fl_ring_features(s->rings[0]));
	fl_set_fact(lane, "file_registered", "%s", fl_ring_file_registered(s->rings[0]) ? "yes" : "no");
	fl_set_fact(lane, "direct", "yes");
}

static int prepare(struct read_state *s, struct fl_lane *lane, struct fl_err *err)
{
	void *buffers;
	int rc = check_size(s->opts, s->file.bytes, err);

	if (rc == 0)
		rc = fl_alloc(lane, buffer_bytes(s->opts), -1, &buffers, err);
	if (rc < 0)
		return rc;
	s->buffers = buffers;
	/* So that a read that transfers nothing is seen even where the file is all zeros. */
	fl_pattern_fill(buffers, buffer_bytes(s->opts), 1);
	rc = open_rings(s, err);
	if (rc < 0)
		return rc;
	rc = choose_buffers(s, lane, err);
	if (rc < 0) {
		close_rings(s);
		return rc;
	}
	state_facts(s, lane);
	return 0;
}

static int read_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct read_opts *o = opts;
	struct read_state *s = calloc(1, sizeof(*s));
	struct fl_ring **rings = calloc(o->threads, sizeof(struct fl_ring *));
	int rc;

	if (!s || !rings) {
		rc = fl_fail(err, -ENOMEM, "no memory for %llu threads", (unsigned long long)o->threads);
		goto free_state;
	}
	*s = (struct read_state){ .opts = o, .rings = rings };
	rc = fl_direct_open(o->path, o->block, &s->file, err);
	if (rc < 0)
		goto free_state;
	rc = prepare(s, lane, err);
	if (rc < 0)
		goto close_file;
	*ret_state = s;
	return 0;

close_file:
	close(s->file.fd);
free_state:
	free(rings);
	free(s);
	return rc;
}

/* ---- the run */

static int read_enter(void *state, unsigned thread, struct fl_err *err)
{
	const struct read_state *s = state;

	return fl_ring_enter(s->rings[thread], err);
}

static int read_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	const struct read_state *s = state;
	int rc = fl_ring_read(s->rings[thread], n, err);

	if (rc < 0)
		return rc;
	did->ops = n;
	did->bytes = n * s->opts->block;
	return 0;
}

static void read_halt(void *state)
{
	const struct read_state *s = state;

	for (uint64_t i = 0; i < s->opts->threads; i++)
		fl_ring_halt(s->rings[i]);
}

static void read_leave(void *state, unsigned thread)
{
	const struct read_state *s = state;

	fl_ring_drain(s->rings[thread]);
}

/* ---- verify: what the ring read last against the same blocks by plain pread */

enum { VERIFY_BLOCKS = 8, VERIFY_BYTES = 64 << 20 }; /* at most, of each thread; at least one */

static int verify_block(const struct read_state *s, const void *data, uint64_t offset, char *scratch,
			struct fl_err *err)
{
	size_t bytes = (size_t)s->opts->block;
	unsigned long long at = 0;
	ssize_t n = pread(s->file.fd, scratch, bytes, (off_t)offset);

	if (n < 0)
		return fl_fail(err, -errno, "read '%s' at offset %llu: %s", s->opts->path, (unsigned long long)offset,
			       strerror(errno));
	if ((size_t)n != bytes)
		return fl_fail(err, -EIO, "short read of '%s' at offset %llu: %zd of %zu bytes", s->opts->path,
			       (unsigned long long)offset, n, bytes);
	if (memcmp(data, scratch, bytes) == 0)
		return 0;
	while (((const char *)data)[at] == scratch[at])
		at++;
	fl_fail(err, -EBADMSG, "'%s' at offset %llu: io_uring read 0x%02x, pread 0x%02x", s->opts->path, offset + at,
		((const unsigned char *)data)[at], (unsigned char)scratch[at]);
	return fl_hint(err, "was the file written meanwhile? else the path from this drive corrupts data");
}

static int verify_ring(const struct read_state *s, const struct fl_ring *ring, char *scratch, unsigned *blocks,
		       struct fl_err *err)
{
	uint64_t most = VERIFY_BYTES / s->opts->block; /* block <= VERIFY_BYTES */
	unsigned checked = 0;
	int rc = 0;

	for (unsigned i = 0; i < s->opts->depth && checked < VERIFY_BLOCKS && checked < most && rc == 0; i++) {
		const void *data;
		uint64_t offset;

		if (!fl_ring_block(ring, i, &data, &offset))
			continue;
		rc = verify_block(s, data, offset, scratch, err);
		checked++;
	}
	*blocks += checked;
	return rc;
}

static int read_verify(void *state, struct fl_err *err)
{
	const struct read_state *s = state;
	size_t bytes = (size_t)s->opts->block;
	char *scratch = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned blocks = 0;
	int rc = 0;

	if (scratch == MAP_FAILED)
		return fl_fail(err, -ENOMEM, "no memory for a block of %zu bytes", bytes);
	for (uint64_t i = 0; i < s->opts->threads && rc == 0; i++)
		rc = verify_ring(s, s->rings[i], scratch, &blocks, err);
	munmap(scratch, bytes);
	if (rc == 0 && blocks == 0)
		return fl_fail(err, -ENODATA, "nothing was read, so nothing can be verified");
	return rc;
}

static void read_close(void *state)
{
	struct read_state *s = state;

	close_rings(s);
	close(s->file.fd);
	free(s->rings);
	free(s);
}

/* ---- declarations */

static const struct fl_field read_fields[] = {
	FL_FIELD(read_opts, path, FL_PATH, NULL, NULL, "file or block device to read"),
	FL_FIELD(read_opts, block, FL_BYTES, "1MiB", "512..64MiB",
		 "bytes of one read, a multiple of the logical block"),
	FL_FIELD(read_opts, depth, FL_COUNT, "16", "1..4096", "reads that each thread keeps in flight"),
	FL_FIELD(read_opts, threads, FL_COUNT, "1", "1..256", "threads, each with a ring of its own"),
	FL_FIELD(read_opts, pattern, FL_CHOICE, "sequential", "sequential|random", "order of the blocks"),
	FL_FIELD(read_opts, buffers, FL_CHOICE, "auto", "auto|registered|plain", "how the kernel knows the buffers"),
	{ 0 },
};

static const struct fl_metric read_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload that arrived in memory per second" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "blocks that arrived per second" },
	{ 0 },
};

static const struct fl_fact read_facts[] = {
	{ "engine", true, "how reads are issued" },
	{ "ring", true, "features that the kernel's io_uring has and that are used" },
	{ "buffers", true, "registered with the kernel once, or plain" },
	{ "why_plain", false, "why the buffers are not registered" },
	{ "file_registered", false, "whether the descriptor is registered with the ring" },
	{ "direct", true, "whether reads go past the page cache" },
	{ 0 },
};

static const struct fl_flow read_flows[] = {
	{ "path", "memory", 1, NULL },
	{ 0 },
};

/* Each thread has a part of the file, as here where blocks are read in their order. */
static const struct fl_peer read_peer = {
	.tool = "fio",
	.command = "fio --name=feedline --filename={path} --readonly --ioengine=io_uring --direct=1 "
		   "{pattern:sequential=--rw=read,random=--rw=randread} --norandommap --bs={block} --iodepth={depth} "
		   "--numjobs={threads} --size={100/threads}% --offset_increment={100/threads}% --group_reporting "
		   "{buffers:auto=--fixedbufs,registered=--fixedbufs,plain=} {file_registered:yes=--registerfiles,no=} "
		   "--cpus_allowed={cpus} --cpus_allowed_policy=split --time_based --runtime=10",
	.prints = "READ: bw=",
	.counts = 1,
	.escape = ":",
};

FL_BENCHES(storage, read) = {
	{ .name = "storage.read",
	  .summary = "reads a file or drive past the page cache with io_uring",
	  .opts_bytes = sizeof(struct read_opts),
	  .fields = read_fields,
	  .metrics = read_metrics,
	  .facts = read_facts,
	  .flows = read_flows,
	  .peer = &read_peer,
	  .numa = "path",
	  .threads = "threads",
	  .open = read_open,
	  .enter = read_enter,
	  .step = read_step,
	  .halt = read_halt,
	  .leave = read_leave,
	  .verify = read_verify,
	  .close = read_close },
	{ 0 },
};
