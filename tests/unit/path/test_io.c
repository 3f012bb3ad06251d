/* SPDX-License-Identifier: Apache-2.0 */
/* test_io.c: both engines, and both kinds of buffers, through the same tests: data arrive where they should, many in
 * flight, errors belong to their request, a waiting thread can be halted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "path/io.h"
#include "path/random.h"
#include "test_files.h"
#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { DEPTH = 8, HALF = DEPTH / 2 };

static const struct variant {
	const char *name;
	enum fl_io_engine engine;
	enum fl_io_buffers buffers;
} variants[] = {
	{ "io_uring", FL_IO_URING, FL_IO_REGISTERED },
	{ "io_uring", FL_IO_URING, FL_IO_PLAIN },
	{ "pread", FL_IO_PREAD, FL_IO_PLAIN },
};
enum { VARIANTS = sizeof(variants) / sizeof(*variants) };

/* An engine over one file, with its memory: DEPTH blocks in two regions. */
struct bed {
	struct fl_io *io;
	int fd;
	char *regions[2];
};

/* false: this engine is forbidden here. */
static bool try_open(const struct variant *v, int fd, struct bed *bed)
{
	struct iovec memory[2];
	struct fl_err err = { 0 };
	struct fl_io_spec spec = { .engine = v->engine,
				   .buffers = v->buffers,
				   .depth = DEPTH,
				   .fds = &bed->fd,
				   .fds_n = 1,
				   .memory = memory,
				   .memory_n = 2 };
	int rc;

	*bed = (struct bed){ .fd = fd };
	for (int i = 0; i < 2; i++) {
		bed->regions[i] = aligned_alloc(4096, HALF * FILE_BLOCK);
		assert_non_null(bed->regions[i]);
		memset(bed->regions[i], 0, HALF * FILE_BLOCK);
		memory[1 - i] = (struct iovec){ bed->regions[i], HALF * FILE_BLOCK };
	}
	rc = fl_io_open(&spec, &bed->io, &err);
	if (rc < 0 && rc != -EPERM)
		fail_msg("%s", err.what);
	return rc == 0;
}

static void free_memory(struct bed *bed)
{
	free(bed->regions[0]);
	free(bed->regions[1]);
}

static void close_bed(struct bed *bed)
{
	fl_io_drain(bed->io);
	assert_int_equal(fl_io_in_flight(bed->io), 0);
	fl_io_close(bed->io);
	free_memory(bed);
}

static void *block_of(const struct bed *bed, unsigned slot)
{
	return bed->regions[slot / HALF] + slot % HALF * FILE_BLOCK;
}

static void queue(const struct bed *bed, bool write, unsigned slot, uint64_t block)
{
	struct fl_io_request request = { .write = write,
					 .bytes = FILE_BLOCK,
					 .offset = block * FILE_BLOCK,
					 .data = block_of(bed, slot),
					 .tag = UINT64_MAX - (slot + block * DEPTH) };

	fl_io_queue(bed->io, &request);
}

/* Runs a test over a descriptor with every variant that is allowed here, entered. */
static void for_each_variant(int fd, void (*test)(const struct variant *v, struct bed *bed))
{
	unsigned allowed = 0;

	for (size_t i = 0; i < VARIANTS; i++) {
		struct fl_err err = { 0 };
		struct bed bed;

		if (!try_open(&variants[i], fd, &bed)) {
			print_message("%s is forbidden here\n", variants[i].name);
			free_memory(&bed);
			continue;
		}
		allowed++;
		assert_int_equal(fl_io_enter(bed.io, &err), 0);
		test(&variants[i], &bed);
		close_bed(&bed);
	}
	assert_true(allowed > 0);
}

static int made_file(int flags)
{
	char path[] = BUILD_DIR "/io-XXXXXX";
	int fd;

	make_file(path);
	fd = open(path, flags | O_CLOEXEC);
	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

/* ---- reading */

static void check_done(const struct bed *bed, struct fl_io_done done, unsigned *ret_slot)
{
	uint64_t number = UINT64_MAX - done.tag, block = number / DEPTH;

	*ret_slot = (unsigned)(number % DEPTH);
	assert_int_equal(done.bytes, FILE_BLOCK);
	assert_int_equal(fl_pattern_check(block_of(bed, *ret_slot), FILE_BLOCK, 1 + block * FILE_BLOCK / 8),
			 FILE_BLOCK);
}

/* DEPTH in flight all the time, each with memory of its own, blocks in any order. */
static void read_many(const struct variant *v, struct bed *bed)
{
	enum { READS = 1000 };
	struct fl_err err = { 0 };
	uint64_t random = 1;
	unsigned queued = 0, done_n = 0;

	for (; queued < DEPTH; queued++)
		queue(bed, false, queued, fl_random_below(&random, FILE_BLOCKS));
	while (done_n < READS) {
		struct fl_io_done done[3];
		int n = fl_io_wait(bed->io, 1 + done_n % 2, done, 3, &err);

		assert_in_range(n, 1 + done_n % 2, 3);
		assert_int_equal(fl_io_in_flight(bed->io), DEPTH - n);
		for (int i = 0; i < n; i++) {
			unsigned slot;

			check_done(bed, done[i], &slot);
			queue(bed, false, slot, fl_random_below(&random, FILE_BLOCKS));
		}
		done_n += (unsigned)n;
	}
	assert_string_equal(fl_io_engine_name(bed->io), v->name);
	assert_int_equal(fl_io_buffers_registered(bed->io), v->buffers == FL_IO_REGISTERED);
	assert_string_equal(fl_io_why_plain(bed->io), v->buffers == FL_IO_PLAIN ? "asked for" : "");
}

static void test_reads(void **state)
{
	int fd = made_file(O_RDONLY);

	(void)state;
	for_each_variant(fd, read_many);
	close(fd);
}

/* Without waiting, nothing is made up, and what is there comes in the order in which it was done. */
static void take_without_waiting(const struct variant *v, struct bed *bed)
{
	struct fl_err err = { 0 };
	struct fl_io_done done[DEPTH];
	unsigned slot, n = 0;

	(void)v;
	assert_int_equal(fl_io_wait(bed->io, 0, done, DEPTH, &err), 0);
	queue(bed, false, 5, 7);
	while (n == 0)
		n = (unsigned)fl_io_wait(bed->io, 0, done, DEPTH, &err);
	assert_int_equal(n, 1);
	check_done(bed, done[0], &slot);
	assert_int_equal(slot, 5);
	for (unsigned i = 0; i < 3; i++) {
		queue(bed, false, i, i);
		assert_int_equal(fl_io_wait(bed->io, 1, done, DEPTH, &err), 1);
		check_done(bed, done[0], &slot);
		assert_int_equal(slot, i);
	}
}

static void test_waiting_for_none(void **state)
{
	int fd = made_file(O_RDONLY);

	(void)state;
	for_each_variant(fd, take_without_waiting);
	close(fd);
}

/* ---- writing */

static void write_and_read_back(const struct variant *v, struct bed *bed)
{
	struct fl_io_done done[DEPTH];
	struct fl_err err = { 0 };
	unsigned slot;

	(void)v;
	for (unsigned i = 0; i < DEPTH; i++) {
		fl_pattern_fill(block_of(bed, i), FILE_BLOCK, 1 + (i + 3) * FILE_BLOCK / 8);
		queue(bed, true, i, i + 3);
	}
	assert_int_equal(fl_io_wait(bed->io, DEPTH, done, DEPTH, &err), DEPTH);
	for (unsigned i = 0; i < DEPTH; i++)
		assert_int_equal(done[i].bytes, FILE_BLOCK);
	for (unsigned i = 0; i < DEPTH; i++) {
		memset(block_of(bed, i), 0, FILE_BLOCK);
		queue(bed, false, i, i + 3);
	}
	assert_int_equal(fl_io_wait(bed->io, DEPTH, done, DEPTH, &err), DEPTH);
	for (unsigned i = 0; i < DEPTH; i++)
		check_done(bed, done[i], &slot);
	assert_int_equal(ftruncate(bed->fd, 0), 0);
}

static void test_writes(void **state)
{
	char path[] = BUILD_DIR "/io-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	unlink(path);
	for_each_variant(fd, write_and_read_back);
	close(fd);
}

/* ---- what goes wrong */

/* Block FILE_BLOCKS - 1 is whole, the next one is not there; the end of the file cuts one in between. */
static void read_beyond(const struct variant *v, struct bed *bed)
{
	struct fl_io_request cut = { .bytes = FILE_BLOCK, .offset = FILE_BYTES - 4096, .data = block_of(bed, 0) };
	struct fl_io_done done;
	struct fl_err err = { 0 };

	(void)v;
	fl_io_queue(bed->io, &cut);
	assert_int_equal(fl_io_wait(bed->io, 1, &done, 1, &err), 1);
	assert_int_equal(done.bytes, 4096);
	cut.offset = FILE_BYTES;
	fl_io_queue(bed->io, &cut);
	assert_int_equal(fl_io_wait(bed->io, 1, &done, 1, &err), 1);
	assert_int_equal(done.bytes, 0);
}

static void test_end_of_file(void **state)
{
	int fd = made_file(O_RDONLY);

	(void)state;
	for_each_variant(fd, read_beyond);
	close(fd);
}

static void read_what_is_for_writing(const struct variant *v, struct bed *bed)
{
	struct fl_io_done done[2];
	struct fl_err err = { 0 };

	(void)v;
	queue(bed, false, 0, 0);
	queue(bed, true, 1, 1);
	assert_int_equal(fl_io_wait(bed->io, 2, done, 2, &err), 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(done[i].bytes, done[i].tag == UINT64_MAX ? -EBADF : FILE_BLOCK);
	assert_int_equal(err.code, 0);
}

static void test_an_error_belongs_to_its_request(void **state)
{
	int fd = made_file(O_WRONLY);

	(void)state;
	for_each_variant(fd, read_what_is_for_writing);
	close(fd);
}

/* ---- halting */

static void *halt(void *io)
{
	fl_io_halt(io);
	return NULL;
}

/* Whenever the halt comes, it must end the waiting; what was in flight is drained by close_bed(). */
static void halt_from_another_thread(const struct variant *v, struct bed *bed)
{
	struct fl_io_done done[DEPTH];
	struct fl_err err = { 0 };
	pthread_t halter;
	unsigned slot;

	(void)v;
	queue(bed, false, 0, 0);
	assert_int_equal(fl_io_wait(bed->io, 1, done, DEPTH, &err), 1);
	assert_int_equal(pthread_create(&halter, NULL, halt, bed->io), 0);
	assert_int_equal(fl_io_wait(bed->io, 1, done, DEPTH, &err), -ECANCELED); /* nothing is in flight */
	pthread_join(halter, NULL);
	queue(bed, false, 1, 1);
	assert_int_equal(fl_io_wait(bed->io, 1, done, DEPTH, &err), -ECANCELED);
	assert_int_equal(fl_io_wait(bed->io, 0, done, DEPTH, &err), -ECANCELED);
	assert_int_equal(err.code, 0);
	assert_int_equal(fl_io_in_flight(bed->io), 1);
	assert_int_equal(fl_io_drain_into(bed->io, done), 1);
	check_done(bed, done[0], &slot);
	assert_int_equal(slot, 1);
}

static void test_halt(void **state)
{
	int fd = made_file(O_RDONLY);

	(void)state;
	for_each_variant(fd, halt_from_another_thread);
	close(fd);
}

/* Reads that do not end by themselves: of an empty pipe, which only io_uring reads at an offset. */
static void test_halt_with_reads_in_flight(void **state)
{
	struct fl_io_done done[DEPTH];
	struct fl_err err = { 0 };
	struct bed bed;
	pthread_t halter;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	if (!try_open(&variants[0], ends[0], &bed)) {
		free_memory(&bed);
		skip();
	}
	assert_int_equal(fl_io_enter(bed.io, &err), 0);
	queue(&bed, false, 0, 0);
	queue(&bed, false, 1, 1);
	assert_int_equal(pthread_create(&halter, NULL, halt, bed.io), 0);
	assert_int_equal(fl_io_wait(bed.io, 1, done, DEPTH, &err), -ECANCELED);
	pthread_join(halter, NULL);
	assert_int_equal(fl_io_in_flight(bed.io), 2);
	close(ends[1]); /* the reads end */
	close_bed(&bed);
	close(ends[0]);
}

/* ---- memory */

/* Reads block i of the file to at[i]; each place is half a block away from the next one that is read to at least. */
static void read_to(struct fl_io *io, char *const at[3])
{
	enum { BYTES = FILE_BLOCK / 2 };
	struct fl_err err = { 0 };
	struct fl_io_done done[3];

	assert_int_equal(fl_io_enter(io, &err), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct fl_io_request r = { .bytes = BYTES, .offset = i * FILE_BLOCK, .data = at[i] };

		fl_io_queue(io, &r);
	}
	assert_int_equal(fl_io_wait(io, 3, done, 3, &err), 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(done[i].bytes, BYTES);
		assert_int_equal(fl_pattern_check(at[i], BYTES, 1 + i * FILE_BLOCK / 8), BYTES);
		memset(at[i], 0, BYTES);
	}
}

/* Registered in pieces of 1 GiB; a request over their seam works like any other. */
static void test_more_memory_than_one_piece(void **state)
{
	const size_t seam = (size_t)1 << 30, bytes = seam + FILE_BLOCK;
	char *region = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *const at[] = { region, region + seam - FILE_BLOCK / 4, region + seam + FILE_BLOCK / 2 };
	int fd = made_file(O_RDONLY);
	struct iovec memory = { region, bytes };

	(void)state;
	assert_true(region != MAP_FAILED);
	for (int buffers = FL_IO_BUFFERS_AUTO; buffers <= FL_IO_PLAIN; buffers += FL_IO_PLAIN) {
		struct fl_io_spec spec = { .buffers = (enum fl_io_buffers)buffers,
					   .depth = 3,
					   .fds = &fd,
					   .fds_n = 1,
					   .memory = &memory,
					   .memory_n = 1 };
		struct fl_err err = { 0 };
		struct fl_io *io;

		if (fl_io_open(&spec, &io, &err) < 0)
			fail_msg("%s", err.what);
		print_message("%s\n", fl_io_buffers_registered(io) ? "registered" : fl_io_why_plain(io));
		read_to(io, at);
		fl_io_drain(io);
		fl_io_close(io);
	}
	munmap(region, bytes);
	close(fd);
}

/* ---- several files */

static void test_several_files(void **state)
{
	int fds[3] = { made_file(O_RDONLY), made_file(O_WRONLY), made_file(O_RDONLY) };
	char *data = aligned_alloc(4096, FILE_BLOCK);
	struct iovec memory = { data, FILE_BLOCK };

	(void)state;
	for (int engine = FL_IO_AUTO; engine <= FL_IO_PREAD; engine++) {
		struct fl_io_spec spec = { .engine = (enum fl_io_engine)engine,
					   .depth = 1,
					   .fds = fds,
					   .fds_n = 3,
					   .memory = &memory,
					   .memory_n = 1 };
		struct fl_err err = { 0 };
		struct fl_io *io;

		if (fl_io_open(&spec, &io, &err) == -EPERM)
			continue;
		assert_int_equal(fl_io_enter(io, &err), 0);
		for (unsigned file = 0; file < 3; file++) {
			struct fl_io_request r = { .file = file, .bytes = FILE_BLOCK, .data = data };
			struct fl_io_done done;

			fl_io_queue(io, &r);
			assert_int_equal(fl_io_wait(io, 1, &done, 1, &err), 1);
			assert_int_equal(done.bytes, file == 1 ? -EBADF : FILE_BLOCK);
		}
		fl_io_drain(io);
		fl_io_close(io);
	}
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	free(data);
}

/* ---- what cannot be had */

static void test_refusals(void **state)
{
	static const struct {
		enum fl_io_engine engine;
		enum fl_io_buffers buffers;
		unsigned depth;
	} cases[] = {
		{ FL_IO_AUTO, FL_IO_BUFFERS_AUTO, 0 },
		{ FL_IO_AUTO, FL_IO_BUFFERS_AUTO, FL_IO_DEPTH_MAX + 1 },
		{ FL_IO_URING, FL_IO_PLAIN, FL_IO_DEPTH_MAX + 1 },
		{ FL_IO_PREAD, FL_IO_PLAIN, FL_IO_THREADS_MAX + 1 },
		{ FL_IO_PREAD, FL_IO_REGISTERED, 1 },
	};
	char data[64];
	int fd = made_file(O_RDONLY);
	struct iovec memory = { data, sizeof(data) };
	struct fl_io *io = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fl_io_spec spec = { .engine = cases[i].engine,
					   .buffers = cases[i].buffers,
					   .depth = cases[i].depth,
					   .fds = &fd,
					   .fds_n = 1,
					   .memory = &memory,
					   .memory_n = 1 };
		struct fl_err err = { 0 };

		assert_int_equal(fl_io_open(&spec, &io, &err), -EINVAL);
		assert_true(err.hint[0] != 0);
	}
	assert_null(io);
	fl_io_close(NULL);
	close(fd);
}

/* In a process of its own: a filter is for ever. The exit status says which check failed. */
static int without_io_uring(int fd)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(rules) / sizeof(*rules), rules };
	char data[64];
	struct iovec memory = { data, sizeof(data) };
	struct fl_io_spec spec = { .depth = 1, .fds = &fd, .fds_n = 1, .memory = &memory, .memory_n = 1 };
	struct fl_err err = { 0 };
	struct fl_io *io;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 77;
	if (fl_io_open(&spec, &io, &err) < 0 || strcmp(fl_io_engine_name(io), "pread") != 0)
		return 1;
	if (!strstr(fl_io_why_pread(io), "io_uring is forbidden") || fl_io_buffers_registered(io))
		return 2;
	fl_io_close(io);
	spec.engine = FL_IO_URING;
	if (fl_io_open(&spec, &io, &err) != -EPERM)
		return 3;
	spec.engine = FL_IO_AUTO;
	spec.buffers = FL_IO_REGISTERED;
	if (fl_io_open(&spec, &io, &err) != -EPERM)
		return 4;
	spec.buffers = FL_IO_BUFFERS_AUTO;
	spec.depth = FL_IO_THREADS_MAX + 1;
	err = (struct fl_err){ 0 };
	return fl_io_open(&spec, &io, &err) != -EINVAL || !strstr(err.hint, "allow io_uring") ? 5 : 0;
}

static void test_pread_where_io_uring_is_forbidden(void **state)
{
	int fd = made_file(O_RDONLY), status = 0;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(without_io_uring(fd));
	assert_int_equal(waitpid(child, &status, 0), child);
	close(fd);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The threads of pread stay on the CPU of the thread that enters. */
static void test_pread_stays_on_the_cpu(void **state)
{
	struct fl_err err = { 0 };
	int fd = made_file(O_RDONLY);
	unsigned threads = 0, others = 0;
	cpu_set_t before, one;
	struct dirent *task;
	struct bed bed;
	DIR *tasks;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	for (size_t cpu = 0; CPU_COUNT(&one) == 0; cpu++)
		if (CPU_ISSET(cpu, &before))
			CPU_SET(cpu, &one);
	assert_true(try_open(&variants[2], fd, &bed));
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(fl_io_enter(bed.io, &err), 0);
	tasks = opendir("/proc/self/task");
	assert_non_null(tasks);
	while ((task = readdir(tasks)) != NULL) {
		cpu_set_t seen;

		if (task->d_name[0] == '.')
			continue;
		assert_int_equal(sched_getaffinity((pid_t)strtol(task->d_name, NULL, 10), sizeof(seen), &seen), 0);
		if (CPU_EQUAL(&seen, &one))
			threads++;
		else
			others++;
	}
	assert_in_range(threads, 1 + DEPTH, 2 + DEPTH);
	assert_in_range(others, 0, 1); /* a sanitizer may have one of its own */
	closedir(tasks);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	close_bed(&bed);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_waiting_for_none),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_end_of_file),
		cmocka_unit_test(test_an_error_belongs_to_its_request),
		cmocka_unit_test(test_halt),
		cmocka_unit_test(test_halt_with_reads_in_flight),
		cmocka_unit_test(test_more_memory_than_one_piece),
		cmocka_unit_test(test_several_files),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_pread_where_io_uring_is_forbidden),
		cmocka_unit_test(test_pread_stays_on_the_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
