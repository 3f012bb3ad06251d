/* SPDX-License-Identifier: Apache-2.0 */
/* storage.read, storage.read_buffered, storage.latency: a file, a drive or a directory of test data is read into
 * memory by threads that each keep `depth` blocks in flight; past the page cache or through it, at full speed or with
 * the time of each read. It is never written.
 *
 * Options are honoured exactly or refused; only how the kernel does it may differ, and that is a fact. */
#include "path/device.h"
#include "path/io_facts.h"
#include "path/pattern.h"
#include "path/prepare.h"
#include "path/target_facts.h"
#include "path/traffic.h"
#include <errno.h>
#include <feedline/bench.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SEQUENTIAL, RANDOM };
enum { COLD, WARM };

struct read_opts {
	const char *path;
	const struct fl_device *memory;
	uint64_t block, depth, threads;
	unsigned pattern, engine, buffers; /* engine, buffers: those of path/io.h, in their order */
	unsigned cache;
};

struct read_state {
	const struct read_opts *opts;
	struct fl_lane *lane;
	struct fl_target target;
	struct fl_traffic *traffic;
	bool direct, latency;
	double cached_before; /* share of the pages; negative: not known */
	/* Past the cache. */
	const char *devices;		      /* where the kernel counts what they deliver; NULL: not asked */
	struct fl_device_count device_before; /* when all was prepared */
	/* Through the cache. */
	uint64_t from_drives_before; /* read_from_drives() when all was prepared */
	bool drives_counted;	     /* the kernel counts there what it reads of this target */
	unsigned *passes;	     /* cold: of each thread, over its part */
};

/* ---- the page cache */

enum { OWN_PAGES = 256 << 10 }; /* bytes of programs and the like that are read meanwhile */

static uint64_t bytes_of(const struct fl_target *t)
{
	uint64_t all = 0;

	for (size_t i = 0; i < t->files_n; i++)
		all += t->files[i].bytes;
	return all;
}

static int read_once(const struct fl_target *t, uint64_t until_ns, struct fl_err *err)
{
	enum { CHUNK = 1 << 20 };
	uint64_t read = 0, all = bytes_of(t);
	char *chunk = malloc(CHUNK);
	int rc = chunk ? 0 : fl_fail(err, -ENOMEM, "no memory for a chunk");

	for (size_t i = 0; i < t->files_n && rc == 0; i++)
		for (uint64_t at = 0; at < t->files[i].bytes && rc == 0;) {
			ssize_t n = pread(t->files[i].fd, chunk, CHUNK, (off_t)at);

			if (n <= 0)
				rc = fl_fail(err, n < 0 ? -errno : -EIO, "read at offset %llu: %s",
					     (unsigned long long)at, n < 0 ? strerror(errno) : "the end of the file");
			at += n > 0 ? (uint64_t)n : 0;
			read += n > 0 ? (uint64_t)n : 0;
			if (rc == 0 && read < all)
				rc = fl_prepare_goes_on(until_ns, "read", read, all, err);
		}
	free(chunk);
	return rc;
}

/* Through the cache: cold or warm must be proved, `when`. lost: what it is for if it is not so. */
static const double most = 0.02, least = 0.99;

static int prove(const struct read_state *s, double ratio, const char *when, int lost, struct fl_err *err)
{
	if (s->opts->cache == COLD && ratio > most) {
		fl_fail(err, lost ? lost : -EBUSY, "%.0f %% of '%s' stays in the page cache %s", 100 * ratio,
			s->opts->path, when);
		return fl_hint(err, "pages that a program has mapped or locked cannot be dropped");
	}
	if (s->opts->cache == WARM && ratio < least) {
		fl_fail(err, lost ? lost : -ENOMEM, "only %.0f %% of '%s' is in the page cache %s", 100 * ratio,
			s->opts->path, when);
		return fl_hint(err, "choose a file that fits into memory");
	}
	return 0;
}

/* Bytes that this process had the kernel read from drives so far. */
static uint64_t read_from_drives(void)
{
	struct rusage used;

	return getrusage(RUSAGE_SELF, &used) == 0 ? (uint64_t)used.ru_inblock * 512 : 0;
}

/* Not every file system has what it reads counted: does a page that is not in the cache? Leaves none there. */
static bool drives_are_counted(const struct fl_target *t)
{
	uint64_t before = read_from_drives();
	char byte;

	if (t->files_n == 0 || pread(t->files[0].fd, &byte, 1, 0) != 1)
		return false;
	return read_from_drives() > before && fl_target_drop(t, NULL) == 0;
}

/* Reads past the cache need no empty one, but then one sees afterwards whether they went through it. */
static int prepare_cache(struct read_state *s, struct fl_err *err)
{
	bool warm = !s->direct && s->opts->cache == WARM;
	struct fl_err unknown = { 0 };
	double ratio = -1;
	int rc = warm ? read_once(&s->target, fl_prepare_until_ns(), err)
		      : fl_target_drop(&s->target, s->direct ? NULL : err);

	if (rc < 0 && !s->direct)
		return rc;
	rc = fl_target_resident(&s->target, &ratio, &unknown);
	s->cached_before = ratio;
	if (rc == 0)
		fl_set_fact(s->lane, "cached_before", "%.2f", ratio);
	if (s->direct)
		return 0;
	if (rc < 0)
		return *err = unknown, rc;
	rc = prove(s, ratio, warm ? "after it was read" : "although the kernel was asked to forget it", 0, err);
	s->drives_counted = rc == 0 && (warm || drives_are_counted(&s->target));
	s->from_drives_before = read_from_drives();
	return rc;
}

/* Was it cold or warm all the time? Pages show how it is now; what happened meanwhile (another program read the file,
 * or had its pages dropped) shows in how much came from drives. */
static int check_kept(const struct read_state *s, uint64_t from_drives, struct fl_err *err)
{
	uint64_t moved = fl_traffic_moved(s->traffic) * s->opts->block, all = bytes_of(&s->target), few;
	const unsigned long long came = from_drives - s->from_drives_before;
	double ratio;
	int rc = s->opts->cache == COLD ? fl_target_drop(&s->target, err) : 0;

	if (rc == 0)
		rc = fl_target_resident(&s->target, &ratio, err);
	if (rc == 0)
		rc = prove(s, ratio, "after the run", -ESTALE, err);
	if (rc < 0 || !s->drives_counted)
		return rc;
	if (s->opts->cache == COLD && (double)came < (1 - most) * (double)moved) {
		fl_fail(err, -ESTALE,
			"only %llu of %llu bytes of '%s' came from a drive, the others from the page cache", came,
			(unsigned long long)moved, s->opts->path);
		return fl_hint(err, "does another program read or map the file?");
	}
	few = (uint64_t)((1 - least) * (double)all) + OWN_PAGES;
	if (s->opts->cache == WARM && came > few) {
		fl_fail(err, -ESTALE, "%llu bytes came from a drive while '%s' was read, which was in the page cache",
			came, s->opts->path);
		return fl_hint(err, "something had the kernel drop pages, or the machine has too little memory");
	}
	return 0;
}

/* What the cache holds at most of what was read. */
static double cacheable(double read, double all, double memory)
{
	double least_of_two = read < all ? read : all;

	return least_of_two < memory ? least_of_two : memory;
}

/* Direct reads must leave no pages behind: where they do, the file system answers them through its cache. */
static int check_cache(const struct read_state *s, struct fl_err *err)
{
	const double tell_tale = 0.25; /* of what it could hold; other programs may read a little as well */
	double after, all = (double)bytes_of(&s->target);
	double read = (double)fl_traffic_moved(s->traffic) * (double)s->target.block_bytes;
	double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);

	if (s->cached_before < 0 || fl_target_resident(&s->target, &after, NULL) < 0 ||
	    (after - s->cached_before) * all <= tell_tale * cacheable(read, all, memory))
		return 0;
	fl_fail(err, -ESTALE, "%.0f %% of '%s' is in the page cache after reads that should go past it, %.0f %% before",
		100 * after, s->opts->path, 100 * s->cached_before);
	return fl_hint(err, "this file system reads through its cache, or another program read the file");
}

/* ---- open */

static int open_traffic(struct read_state *s, struct fl_err *err)
{
	const struct read_opts *o = s->opts;
	struct fl_traffic_spec spec = { .target = &s->target,
					.engine = (enum fl_io_engine)o->engine,
					.buffers = (enum fl_io_buffers)o->buffers,
					.threads = (unsigned)o->threads,
					.depth = (unsigned)o->depth,
					.random = o->pattern == RANDOM };
	uint64_t bytes = o->threads * o->depth * o->block; /* <= 2^8 * 2^12 * 2^26 */
	void *memory;
	int rc = fl_traffic_fits(&spec, err);

	if (rc == 0)
		rc = fl_alloc(s->lane, bytes, o->memory->node, &memory, err);
	if (rc < 0)
		return rc;
	/* So that a read that transfers nothing is seen even where the file is all zeros. */
	fl_pattern_fill(memory, bytes, 1);
	spec.memory = memory;
	return fl_traffic_open(&spec, &s->traffic, err);
}

static void state_facts(const struct read_state *s)
{
	fl_io_state(fl_traffic_io(s->traffic), fl_traffic_why_plain(s->traffic), s->lane);
	fl_set_fact(s->lane, "direct", "%s", s->direct ? "yes" : "no");
	fl_target_state(&s->target, s->lane);
	fl_set_fact(s->lane, "verified", "%s%u of each thread",
		    s->target.described ? "each by seed, file and offset; every word of the last "
					: "by reading again the last ",
		    fl_traffic_checked(fl_traffic_spec(s->traffic)));
}

static bool is_cold(const struct read_state *s)
{
	return !s->direct && s->opts->cache == COLD;
}

static int check_cold(const struct read_opts *o, struct fl_err *err)
{
	if (o->pattern == RANDOM) {
		fl_fail(err, -EINVAL, "random reads meet blocks again, which are not cold then");
		return fl_hint(err, "choose --pattern sequential, or storage.read");
	}
	if (o->block % (uint64_t)sysconf(_SC_PAGESIZE) == 0)
		return 0;
	fl_fail(err, -EINVAL, "blocks of %llu bytes share pages, which are not cold the second time",
		(unsigned long long)o->block);
	return fl_hint(err, "choose a multiple of %ld, or storage.read", sysconf(_SC_PAGESIZE));
}

static int open_row(struct read_state *s, struct fl_err *err)
{
	const struct read_opts *o = s->opts;
	int rc = is_cold(s) ? check_cold(o, err) : 0;

	if (rc == 0)
		rc = fl_target_open(o->path, s->direct, o->block, &s->target, err);
	if (rc < 0)
		return rc;
	rc = prepare_cache(s, err);
	if (rc == 0)
		rc = open_traffic(s, err);
	if (rc < 0) {
		fl_target_close(&s->target);
		return rc;
	}
	s->device_before = fl_device_count_target(s->devices, &s->target);
	state_facts(s);
	return 0;
}

static int open_state(const struct read_state *row, void **ret_state, struct fl_err *err)
{
	struct read_state *s = malloc(sizeof(*s));
	int rc;

	if (!s)
		return fl_fail(err, -ENOMEM, "no memory for the state");
	*s = *row;
	s->passes = calloc(s->opts->threads, sizeof(*s->passes));
	rc = s->passes ? open_row(s, err) : fl_fail(err, -ENOMEM, "no memory for the state");
	if (rc < 0) {
		free(s->passes);
		free(s);
		return rc;
	}
	*ret_state = s;
	return 0;
}

static int direct_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct read_state row = { .opts = opts, .lane = lane, .direct = true, .devices = FL_DEVICES };

	return open_state(&row, ret_state, err);
}

static int latency_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	const struct read_state row = {
		.opts = opts, .lane = lane, .direct = true, .latency = true, .devices = FL_DEVICES
	};

	return open_state(&row, ret_state, err);
}

static int buffered_open(struct fl_lane *lane, const void *opts, void **ret_state, struct fl_err *err)
{
	return open_state(&(struct read_state){ .opts = opts, .lane = lane }, ret_state, err);
}

/* ---- the run */

static int read_enter(void *state, unsigned thread, struct fl_err *err)
{
	const struct read_state *s = state;

	if (is_cold(s))
		fl_traffic_allow(s->traffic, thread, fl_traffic_region(s->traffic, thread));
	return fl_traffic_enter(s->traffic, thread, err);
}

/* Only what this thread has read: the others are still reading theirs. Pages that lie across the ends of its part the
 * kernel keeps if it is asked for a half of them, so it is asked for a little more. */
static int drop_part(const struct read_state *s, unsigned thread, struct fl_err *err)
{
	enum { LARGE_PAGE = 2 << 20 };
	uint64_t more = LARGE_PAGE / s->opts->block + 1, first = fl_traffic_first(s->traffic, thread);
	uint64_t end = first + fl_traffic_region(s->traffic, thread) + more;

	first = first > more ? first - more : 0;
	end = end < s->target.blocks ? end : s->target.blocks;
	return fl_target_drop_blocks(&s->target, first, end - first, err);
}

/* Cold: at the end of its part a thread has the cache forget it before it begins again. That is a step of its own, so
 * that nothing that was read is spoilt with it. */
static int read_step(void *state, unsigned thread, uint64_t n, struct fl_step *did, struct fl_err *err)
{
	const struct read_state *s = state;
	int64_t moved = fl_traffic_move(s->traffic, thread, n, s->latency ? did->hist[0] : NULL, err);

	if (moved < 0)
		return (int)moved;
	did->ops = (uint64_t)moved;
	did->bytes = (uint64_t)moved * s->opts->block;
	if (moved > 0)
		return 0;
	did->spoilt = true;
	s->passes[thread]++;
	fl_traffic_allow(s->traffic, thread, fl_traffic_region(s->traffic, thread));
	return drop_part(s, thread, err);
}

static void read_halt(void *state)
{
	const struct read_state *s = state;

	fl_traffic_halt(s->traffic);
}

static void read_leave(void *state, unsigned thread)
{
	const struct read_state *s = state;

	fl_traffic_drain(s->traffic, thread);
}

/* A slice of the time in which a part was dropped does not count; where a part is read in less than one, none does. */
static int check_passes(const struct read_state *s, struct fl_err *err)
{
	enum { SLICES = 32 }; /* that the harness cuts the time into */
	unsigned passes = 0;

	for (uint64_t i = 0; i < s->opts->threads; i++)
		passes = s->passes[i] > passes ? s->passes[i] : passes;
	if (passes <= SLICES)
		return 0;
	fl_fail(err, -ESTALE, "'%s' was read cold %u times, so its pages were dropped too often for a rate",
		s->opts->path, passes);
	return fl_hint(err, "choose a shorter --duration, or at least %llu bytes of data",
		       (unsigned long long)bytes_of(&s->target) * (passes * 4 / SLICES));
}

static int read_verify(void *state, struct fl_err *err)
{
	const struct read_state *s = state;
	/* before anything is read again */
	uint64_t from_drives = read_from_drives(), moved = fl_traffic_moved(s->traffic) * s->opts->block;
	struct fl_device_count device_after = fl_device_count_target(s->devices, &s->target);
	int rc = fl_traffic_check(s->traffic, err);

	if (rc < 0)
		return rc;
	if (s->direct) {
		rc = check_cache(s, err);
		return rc < 0 ? rc : fl_device_check(&s->device_before, &device_after, moved, s->opts->path, err);
	}
	rc = check_kept(s, from_drives, err);
	return rc < 0 ? rc : check_passes(s, err);
}

static void read_close(void *state)
{
	struct read_state *s = state;

	fl_traffic_close(s->traffic);
	fl_target_close(&s->target);
	free(s->passes);
	free(s);
}

/* ---- declarations */

/* clang-format off */
#define READ_FIELDS(depth_preset)                                                                                      \
	FL_FIELD(read_opts, path, FL_PATH, NULL, NULL, "file, block device or directory of test data to read"),        \
	FL_FIELD(read_opts, memory, FL_DEVICE, "local", "node",                                                        \
		 "node that holds the buffers; local: that of the CPUs, which are those at the drive"),                \
	FL_FIELD(read_opts, block, FL_BYTES, "1MiB", "512..64MiB",                                                     \
		 "bytes of one read, a multiple of the logical block"),                                                \
	FL_FIELD(read_opts, depth, FL_COUNT, depth_preset, "1..4096", "reads that each thread keeps in flight"),       \
	FL_FIELD(read_opts, threads, FL_COUNT, "1", "1..256", "threads, each with a ring of its own"),                 \
	FL_FIELD(read_opts, pattern, FL_CHOICE, "sequential", "sequential|random", "order of the blocks"),             \
	FL_FIELD(read_opts, engine, FL_CHOICE, "auto", "auto|io_uring|pread",                                          \
		 "how reads are issued; auto: by io_uring where that is allowed"),                                     \
	FL_FIELD(read_opts, buffers, FL_CHOICE, "auto", "auto|registered|plain", "how the kernel knows the buffers")
/* clang-format on */

static const struct fl_field read_fields[] = { READ_FIELDS("16"), { 0 } };

static const struct fl_field latency_fields[] = { READ_FIELDS("1"), { 0 } };

static const struct fl_field buffered_fields[] = {
	READ_FIELDS("16"),
	FL_FIELD(read_opts, cache, FL_CHOICE, "cold", "cold|warm", "whether the page cache holds the file before"),
	{ 0 },
};

static const struct fl_metric read_metrics[] = {
	{ "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload that arrived in memory per second" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "blocks that arrived per second" },
	{ 0 },
};

static const struct fl_metric latency_metrics[] = {
	{ "latency_ns", FL_DISTRIBUTION, FL_LOWER, "time of one read, from being handed to the kernel to its arrival" },
	{ "ops_per_s", FL_RATE_OPS, FL_HIGHER, "blocks that arrived per second" },
	{ 0 },
};

static const struct fl_fact read_facts[] = {
	FL_IO_FACTS,
	FL_TARGET_FACTS,
	{ "direct", true, "whether reads go past the page cache" },
	{ "amplified", true, "whether the drive moved more than was asked for" },
	{ "cached_before", false, "share of the pages that the page cache held before" },
	{ "verified", false, "how the data are known to be right" },
	{ 0 },
};

static const struct fl_flow read_flows[] = {
	{ "path", "memory", 1, NULL },
	{ 0 },
};

/* Each thread has a part of the file, as here where blocks are read in their order. What fio cannot do alike gives an
 * option that is not allowed, and so no command: several files, a depth of threads. */
#define PEER(direct, limit)                                                                                            \
	"fio --name=feedline {files:1=--filename}={path} --readonly "                                                  \
	"{engine:auto=--ioengine=io_uring,io_uring=--ioengine=io_uring,pread=--ioengine=pread} " direct " "            \
	"{pattern:sequential=--rw=read,random=--rw=randread} --norandommap --bs={block} --iodepth={depth} "            \
	"--numjobs={threads} --size={100/threads}% --offset_increment={100/threads}% --group_reporting "               \
	"{buffers:auto=--fixedbufs,registered=--fixedbufs,plain=} {file_registered:yes=--registerfiles,no=} "          \
	"--cpus_allowed={cpus} --cpus_allowed_policy=split " limit

static const struct fl_peer read_peer = {
	.tool = "fio",
	.command = PEER("--direct=1", "--time_based --runtime=10"),
	.prints = "READ: bw=",
	.counts = 1,
	.escape = ":",
};

/* Cold: once over the file, since fio would find in the cache what it read before. */
static const struct fl_peer buffered_peer = {
	.tool = "fio",
	.command = PEER("--direct=0 {cache:warm=--invalidate=0,cold=--invalidate=1}",
			"{cache:warm=--time_based,cold=} {cache:warm=--runtime=10,cold=}"),
	.prints = "READ: bw=",
	.counts = 1,
	.escape = ":",
};

#define READ_HOOKS                                                                                                     \
	.opts_bytes = sizeof(struct read_opts), .facts = read_facts, .flows = read_flows, .numa = "path",              \
	.threads = "threads", .enter = read_enter, .step = read_step, .halt = read_halt, .leave = read_leave,          \
	.verify = read_verify, .close = read_close

FL_BENCHES(storage, read) = {
	{ .name = "storage.read",
	  .summary = "reads a file, a drive or test data past the page cache",
	  .fields = read_fields,
	  .metrics = read_metrics,
	  .peer = &read_peer,
	  .open = direct_open,
	  READ_HOOKS },
	{ .name = "storage.read_buffered",
	  .summary = "reads a file, a drive or test data through the page cache",
	  .fields = buffered_fields,
	  .metrics = read_metrics,
	  .peer = &buffered_peer,
	  .open = buffered_open,
	  READ_HOOKS },
	{ .name = "storage.latency",
	  .summary = "reads a file, a drive or test data past the page cache and times each read",
	  .fields = latency_fields,
	  .metrics = latency_metrics,
	  .open = latency_open,
	  READ_HOOKS },
	{ 0 },
};
