/* SPDX-License-Identifier: Apache-2.0 */
/* test_storage_write.c: storage.write counts what it writes, leaves nothing behind, and its verify can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake_lane.h"
#include "storage/write.c"
#include <dirent.h>
#include <sys/stat.h>

enum { WRITE_BLOCK = 64 << 10, WRITE_BLOCKS = 20 };

static const struct fl_device node0 = { .id = "node0", .node = 0 };

static struct write_opts opts_of(const char *dir)
{
	return (struct write_opts){ .path = dir,
				    .memory = &node0,
				    .size = WRITE_BLOCK * WRITE_BLOCKS + 4096,
				    .block = WRITE_BLOCK,
				    .depth = 4,
				    .threads = 2 };
}

static unsigned entries_in(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d));)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

static void make_directory(char *dir)
{
	struct fl_err err = { 0 };

	assert_non_null(mkdtemp(dir));
	if (fl_direct_check_directory(dir, &err) == 0)
		return;
	rmdir(dir);
	print_message("%s\n", err.what);
	skip();
}

static void run(void *state, unsigned threads, uint64_t n)
{
	struct fl_err err = { 0 };

	for (unsigned t = 0; t < threads; t++) {
		struct fl_step did = { 0 };

		if (write_enter(state, t, &err) < 0 || write_step(state, t, n, &did, &err) < 0)
			fail_msg("%s", err.what);
		assert_int_equal(did.ops, n);
		assert_int_equal(did.bytes, n * WRITE_BLOCK);
		write_leave(state, t);
	}
}

/* Word 2 of each block of the file says by which write of its thread it came. */
static void check_numbers(int fd, uint64_t from, uint64_t to)
{
	uint64_t *data = aligned_alloc(4096, WRITE_BLOCK);

	for (unsigned i = 0; i < WRITE_BLOCKS; i++) {
		assert_int_equal(pread(fd, data, WRITE_BLOCK, (off_t)i * WRITE_BLOCK), WRITE_BLOCK);
		if (data[2] < from || data[2] > to)
			fail_msg("block %u came by write %llu of its thread, not %llu to %llu", i,
				 (unsigned long long)data[2], (unsigned long long)from, (unsigned long long)to);
	}
	free(data);
}

/* What a drive might do: a block lands nowhere (what the pass before wrote is still there), or in its neighbour's
 * place. */
static void damage(const struct write_state *s, bool lost)
{
	uint64_t *block = aligned_alloc(4096, FL_BLOCK_BYTES);
	struct fl_traffic_block was;
	unsigned slot = 0;
	uint64_t offset;

	/* The block of a slot that was long without work may have been written again since; not those of all. */
	while (!fl_traffic_block(s->traffic, 1, slot, &was))
		assert_true(++slot < s->opts->depth);
	offset = was.at.offset;
	assert_int_equal(pread(s->file.fd, block, FL_BLOCK_BYTES, (off_t)offset), FL_BLOCK_BYTES);
	if (lost)
		fl_stamp(block, s->target.seed, was.number - WRITE_BLOCKS / 2, offset);
	else
		fl_stamp(block, s->target.seed, was.number, offset + FL_BLOCK_BYTES);
	assert_int_equal(pwrite(s->file.fd, block, FL_BLOCK_BYTES, (off_t)offset), FL_BLOCK_BYTES);
	free(block);
}

static void check_run(const char *dir, unsigned pattern, unsigned engine, const char *fact)
{
	struct write_opts opts = opts_of(dir);
	struct fl_lane lane = { .threads = 2 };
	struct fl_err err = { 0 };
	void *state = NULL;

	opts.pattern = pattern;
	opts.engine = engine;
	if (write_open(&lane, &opts, &state, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(entries_in(dir), 0);
	check_numbers(((struct write_state *)state)->file.fd, 0, 0);
	run(state, 2, 30);
	if (write_verify(state, &err) < 0)
		fail_msg("%s", err.what);
	if (!fake_has_fact(&lane, fact))
		fail_msg("no fact %s", fact);
	/* The third pass, and at most depth - 1 that were still in flight. */
	check_numbers(((struct write_state *)state)->file.fd, 21, 33);
	for (int lost = 0; lost < 2; lost++) {
		struct fl_err wrong = { 0 };

		damage(state, lost);
		assert_int_equal(write_verify(state, &wrong), -EBADMSG);
		if (!strstr(wrong.what, lost ? "of its thread is not there, but" : "the block of offset"))
			fail_msg("%s", wrong.what);
	}
	write_close(state);
	assert_int_equal(entries_in(dir), 0);
	fake_free(&lane);
}

static void test_writes_and_verifies(void **unused)
{
	char dir[] = BUILD_DIR "/write-XXXXXX";

	(void)unused;
	make_directory(dir);
	check_run(dir, SEQUENTIAL, FL_IO_AUTO, "direct=yes");
	check_run(dir, RANDOM, FL_IO_PREAD, "engine=pread");
	assert_int_equal(rmdir(dir), 0);
}

static void refuse(const struct write_opts *opts, int code, const char *reason)
{
	struct fl_lane lane = { .threads = 2 };
	struct fl_err err = { 0 };
	void *state = NULL;
	int rc = write_open(&lane, opts, &state, &err);

	if (rc != code || !strstr(err.what, reason))
		fail_msg("%d '%s' instead of %d '%s'", rc, err.what, code, reason);
	assert_null(state);
	fake_free(&lane);
}

static void test_refusals(void **unused)
{
	char dir[] = BUILD_DIR "/write-XXXXXX", file[sizeof(dir) + 8];
	struct write_opts opts;
	int fd;

	(void)unused;
	make_directory(dir);
	snprintf(file, sizeof(file), "%s/data", dir);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	opts = opts_of(file);
	refuse(&opts, -ENOTDIR, "is no directory");
	opts = opts_of("/dev/shm");
	refuse(&opts, -ENODEV, "tmpfs is memory");
	opts = opts_of("/proc/self");
	refuse(&opts, -ENOSPC, "has room for 0 bytes");
	opts = opts_of(dir);
	opts.block = 4096 + 512;
	refuse(&opts, -EINVAL, "no multiple of 4096");
	opts.block = 64 << 20;
	refuse(&opts, -EINVAL, "has no block");
	opts = opts_of(dir);
	opts.depth = WRITE_BLOCKS;
	refuse(&opts, -EINVAL, "need 40");
	opts = opts_of(dir);
	opts.size = UINT64_C(1) << 60;
	refuse(&opts, -ENOSPC, "has room for");
	assert_int_equal(entries_in(dir), 1);
	unlink(file);
	assert_int_equal(rmdir(dir), 0);
}

/* A file that its drive does not take in time is given up with a reason, before the harness takes it for hung. */
static void test_writing_once_is_bounded(void **unused)
{
	char dir[] = BUILD_DIR "/write-XXXXXX";
	struct write_opts opts = opts_of(dir);
	struct fl_lane lane = { .threads = 2 };
	char *memory = aligned_alloc(4096, WRITE_BLOCK);
	struct fl_err err = { 0 };
	void *state = NULL;

	(void)unused;
	make_directory(dir);
	fl_block_fill(memory, 1, 0, 0);
	for (unsigned i = FL_BLOCK_BYTES; i < WRITE_BLOCK; i += FL_BLOCK_BYTES)
		memcpy(memory + i, memory, FL_BLOCK_BYTES);
	if (write_open(&lane, &opts, &state, &err) < 0 || write_once(state, memory, WRITE_BLOCK, UINT64_MAX, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(write_once(state, memory, WRITE_BLOCK, 0, &err), -ETIMEDOUT);
	assert_string_equal(err.what,
			    "only 65536 of 1310720 bytes were written before the run in the time there is for it");
	write_close(state);
	free(memory);
	fake_free(&lane);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writes_and_verifies),
		cmocka_unit_test(test_writing_once_is_bounded),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
