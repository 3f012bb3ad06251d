/* SPDX-License-Identifier: Apache-2.0 */
/* test_pass.c: once over all files: every block exactly once, whatever the sizes, spans and threads; a file that is
 * written gets its last block last; what goes wrong is said with its place. */
#include <unistd.h>

static int noting_fsync(int fd);
#define fsync noting_fsync
#include "path/pass.c"
#undef fsync
#include <errno.h>
#include <fcntl.h>
#include <feedline/block.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { FILES = 5, BLOCKS_MAX = 64, SEED = 7 };

static const unsigned blocks[FILES] = { 1, 64, 3, 17, 16 };

struct scene {
	char dir[128];
	char names[FILES][16];
	struct fl_dataset_file files[FILES];
	struct fl_dataset set;
	unsigned seen[FILES][BLOCKS_MAX];  /* how often */
	unsigned order, last_order[FILES]; /* when the last block was asked for */
	size_t skip;			   /* a file without anything to do */
	uint64_t end[FILES];		   /* where its data ends; 0: at its end */
	bool same_file;			   /* whichever is asked for, it is the first */
	int flags;
};

/* How files were made safe. */
static struct {
	unsigned n;
	unsigned fails;		    /* that one, from 1 on; 0: none */
	const struct scene *during; /* a test looks at it then */
	unsigned order;		    /* how many blocks there were before the first of them */
} syncs;

static int noting_fsync(int fd)
{
	if (syncs.n++ == 0 && syncs.during)
		syncs.order = syncs.during->order;
	if (syncs.n == syncs.fails) {
		errno = EIO;
		return -1;
	}
	return fsync(fd);
}

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	*state = s;
	if (!s)
		return -1;
	snprintf(s->dir, sizeof(s->dir), "%s/pass-XXXXXX", BUILD_DIR);
	s->set = (struct fl_dataset){ .seed = SEED, .files = s->files, .files_n = FILES };
	s->skip = FILES;
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(s->names[i], sizeof(s->names[i]), "f%u", i);
		s->files[i] = (struct fl_dataset_file){ s->names[i], (uint64_t)blocks[i] * FL_BLOCK_BYTES };
		s->set.bytes += s->files[i].bytes;
	}
	return mkdtemp(s->dir) ? 0 : -1;
}

static char *path_of(const struct scene *s, size_t file, char ret[160])
{
	snprintf(ret, 160, "%s/%s", s->dir, s->names[file]);
	return ret;
}

static int tear_down(void **state)
{
	struct scene *s = *state;
	char path[160];

	for (size_t i = 0; i < FILES; i++)
		unlink(path_of(s, i, path));
	if (rmdir(s->dir) < 0)
		return -1;
	free(s);
	return 0;
}

static int open_file(void *arg, unsigned thread, size_t file, uint64_t from, int *ret_fd, uint64_t *ret_end,
		     struct fl_err *err)
{
	struct scene *s = arg;
	char path[160];

	(void)thread;
	(void)from;
	*ret_fd = -1;
	if (file == s->skip)
		return 0;
	file = s->same_file ? 0 : file;
	if (s->end[file])
		*ret_end = s->end[file];
	*ret_fd = open(path_of(s, file, path), s->flags, 0600);
	return *ret_fd < 0 ? fl_fail(err, -errno, "open '%s'", path) : 0;
}

static void see(void *arg, unsigned thread, size_t file, uint64_t offset, void *data, uint32_t bytes)
{
	struct scene *s = arg;

	(void)thread;
	file = s->same_file ? 0 : file;
	assert_true(file < FILES && bytes % FL_BLOCK_BYTES == 0 && bytes > 0);
	assert_true(offset + bytes <= s->files[file].bytes);
	for (uint32_t at = 0; at < bytes; at += FL_BLOCK_BYTES) {
		uint64_t block = (offset + at) / FL_BLOCK_BYTES;

		if (s->flags == O_RDONLY)
			assert_int_equal(fl_block_check((char *)data + at, SEED, file, offset + at), FL_BLOCK_BYTES);
		else
			fl_block_fill((char *)data + at, SEED, file, offset + at);
		s->seen[file][block]++;
		s->order++;
		if (block + 1 == blocks[file])
			s->last_order[file] = s->order;
	}
}

/* Goes over all of it, the threads in turn. Returns what the last step said. */
static int go_over(struct scene *s, bool write, uint32_t block_bytes, uint64_t span_bytes, unsigned threads,
		   struct fl_step *all, struct fl_err *err)
{
	const struct fl_pass_work work = { .write = write, .span_bytes = span_bytes, .open = open_file, .block = see };
	struct fl_pass_spec spec = { .dir = s->dir,
				     .set = &s->set,
				     .work = &work,
				     .arg = s,
				     .block_bytes = block_bytes,
				     .depth = 3,
				     .threads = threads };
	size_t bytes = (size_t)fl_pass_buffer_bytes(block_bytes, spec.depth);
	struct fl_pass *pass;
	unsigned idle = 0;
	int rc = 0;

	spec.buffers = aligned_alloc(4096, bytes * threads);
	assert_non_null(spec.buffers);
	memset(s->seen, 0, sizeof(s->seen));
	s->flags = write ? O_RDWR | O_CREAT | O_TRUNC : O_RDONLY;
	assert_int_equal(fl_pass_open(&spec, &pass, err), 0);
	while (idle < threads && rc >= 0)
		for (unsigned t = 0; t < threads && rc >= 0; t++) {
			struct fl_step did = { 0 };

			rc = fl_pass_step(pass, t, 2, &did, err);
			idle = rc == FL_IDLE ? idle + 1 : 0;
			all->ops += did.ops;
			all->bytes += did.bytes;
			assert_true(rc != 0 || did.ops > 0);
		}
	for (unsigned t = 0; t < threads; t++)
		fl_pass_leave(pass, t);
	fl_pass_close(pass);
	free(spec.buffers);
	return rc;
}

static void each_once(const struct scene *s)
{
	for (size_t f = 0; f < FILES; f++)
		for (unsigned b = 0; b < blocks[f]; b++)
			if (s->seen[f][b] != 1)
				fail_msg("block %u of file %zu was seen %u times", b, f, s->seen[f][b]);
}

static void writes_and_reads(void **state)
{
	static const struct {
		uint64_t span_blocks;
		uint32_t block_blocks;
		unsigned threads;
	} rows[] = { { 4, 1, 1 }, { 16, 4, 3 }, { 7, 3, 2 }, { 64, 64, 8 }, { 0, 8, 2 } };
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t block_bytes = rows[i].block_blocks * FL_BLOCK_BYTES;
		struct fl_step wrote = { 0 }, read = { 0 };
		struct fl_err err = { 0 };

		assert_int_equal(go_over(s, true, block_bytes, 0, rows[i].threads, &wrote, &err), FL_IDLE);
		each_once(s);
		assert_int_equal(wrote.bytes, s->set.bytes);
		assert_int_equal(go_over(s, false, block_bytes, rows[i].span_blocks * FL_BLOCK_BYTES, rows[i].threads,
					 &read, &err),
				 FL_IDLE);
		each_once(s);
		assert_int_equal(read.bytes, s->set.bytes);
	}
}

/* With one thread, files come one after the other, and all blocks of one before its last. */
static void last_block_last(void **state)
{
	struct scene *s = *state;
	struct fl_step did = { 0 };
	struct fl_err err = { 0 };
	unsigned before = 0;

	assert_int_equal(go_over(s, true, FL_BLOCK_BYTES, 0, 1, &did, &err), FL_IDLE);
	for (size_t f = 0; f < FILES; f++) {
		before += blocks[f];
		assert_int_equal(s->last_order[f], before);
	}
}

/* Small files are made safe together, each once, before anybody hears that there is no more to do. */
static void small_files_together(void **state)
{
	struct scene *s = *state;
	struct fl_step did = { 0 };
	struct fl_err err = { 0 };

	memset(&syncs, 0, sizeof(syncs));
	syncs.during = s;
	assert_int_equal(go_over(s, true, BLOCKS_MAX * FL_BLOCK_BYTES, 0, 1, &did, &err), FL_IDLE);
	assert_int_equal(syncs.n, FILES);
	assert_int_equal(syncs.order, 1 + 64 + 3 + 17 + 16);
}

/* The number that a descriptor would get: none is left open where it stays the same. */
static int next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void a_file_that_is_not_safe(void **state)
{
	struct scene *s = *state;
	struct fl_step did = { 0 };
	struct fl_err err = { 0 };
	char path[160], expected[240];
	int before = next_fd();

	memset(&syncs, 0, sizeof(syncs));
	syncs.fails = 2;
	assert_int_equal(go_over(s, true, BLOCKS_MAX * FL_BLOCK_BYTES, 0, 1, &did, &err), -EIO);
	snprintf(expected, sizeof(expected), "write '%s' at offset %d: Input/output error", path_of(s, 1, path),
		 64 * FL_BLOCK_BYTES);
	assert_string_equal(err.what, expected);
	assert_int_equal(syncs.n, FILES);
	assert_int_equal(next_fd(), before);
}

/* So many that not all may stay open. */
static void many_small_files(void **state)
{
	enum { MANY = 3 * SEALED_MAX + 1 };
	struct scene *s = *state;
	struct fl_dataset_file files[MANY];
	struct fl_dataset kept = s->set;
	struct fl_step did = { 0 };
	struct fl_err err = { 0 };

	for (unsigned i = 0; i < MANY; i++)
		files[i] = s->files[0];
	s->set = (struct fl_dataset){ .seed = SEED, .files = files, .files_n = MANY };
	s->same_file = true;
	s->skip = MANY;
	memset(&syncs, 0, sizeof(syncs));
	syncs.during = s;
	assert_int_equal(go_over(s, true, FL_BLOCK_BYTES, 0, 1, &did, &err), FL_IDLE);
	assert_int_equal(syncs.n, MANY);
	assert_int_equal(syncs.order, SEALED_MAX);
	s->set = kept;
}

static void skips_files(void **state)
{
	struct scene *s = *state;
	struct fl_step did = { 0 };
	struct fl_err err = { 0 };

	assert_int_equal(go_over(s, true, 4 * FL_BLOCK_BYTES, 0, 2, &did, &err), FL_IDLE);
	s->skip = 1;
	s->end[3] = 2 * FL_BLOCK_BYTES; /* of 17 blocks, in spans of 4 */
	did = (struct fl_step){ 0 };
	assert_int_equal(go_over(s, false, FL_BLOCK_BYTES, UINT64_C(4) * FL_BLOCK_BYTES, 2, &did, &err), FL_IDLE);
	assert_int_equal(did.bytes, s->set.bytes - (64 + 15) * FL_BLOCK_BYTES);
	assert_int_equal(s->seen[1][0], 0);
	assert_int_equal(s->seen[3][1], 1);
	assert_int_equal(s->seen[3][2], 0);
}

/* Shorter than it was said to be when it was opened. */
static void names_the_place(void **state)
{
	struct scene *s = *state;
	struct fl_step did = { 0 };
	struct fl_err err = { 0 };
	char path[160], expected[240];

	assert_int_equal(go_over(s, true, FL_BLOCK_BYTES, 0, 1, &did, &err), FL_IDLE);
	assert_int_equal(truncate(path_of(s, 3, path), 5 * FL_BLOCK_BYTES + 100), 0);
	assert_int_equal(go_over(s, false, FL_BLOCK_BYTES, UINT64_C(8) * FL_BLOCK_BYTES, 1, &did, &err), -EIO);
	snprintf(expected, sizeof(expected), "'%s' ends at offset %d while it is used", path, 5 * FL_BLOCK_BYTES + 100);
	assert_string_equal(err.what, expected);
}

static void halts(void **state)
{
	struct scene *s = *state;
	const struct fl_pass_work work = { .write = true, .open = open_file, .block = see };
	static char buffers[4 * FL_BLOCK_BYTES] __attribute__((aligned(4096)));
	struct fl_pass_spec spec = { .dir = s->dir,
				     .set = &s->set,
				     .work = &work,
				     .arg = s,
				     .block_bytes = FL_BLOCK_BYTES,
				     .depth = 4,
				     .threads = 1,
				     .buffers = buffers };
	struct fl_step did = { 0 };
	struct fl_err err = { 0 };
	struct fl_pass *pass;
	struct stat st;
	char path[160];

	memset(&syncs, 0, sizeof(syncs));
	s->flags = O_RDWR | O_CREAT | O_TRUNC;
	assert_int_equal(fl_pass_open(&spec, &pass, &err), 0);
	assert_int_equal(fl_pass_step(pass, 0, 10, &did, &err), 0); /* in the midst of file 1 */
	fl_pass_halt(pass);
	did = (struct fl_step){ 0 };
	assert_int_equal(fl_pass_step(pass, 0, 10, &did, &err), -ECANCELED);
	fl_pass_leave(pass, 0);
	fl_pass_close(pass);
	assert_int_equal(syncs.n, 1); /* of the one that is written in full */
	assert_int_equal(stat(path_of(s, 0, path), &st), 0);
	assert_int_equal(st.st_size, s->files[0].bytes);
	assert_int_equal(stat(path_of(s, 1, path), &st), 0);
	assert_true((uint64_t)st.st_size < s->files[1].bytes); /* so it does not pass for a complete one */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes_and_reads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(last_block_last, set_up, tear_down),
		cmocka_unit_test_setup_teardown(small_files_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_is_not_safe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_small_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(skips_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_the_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(halts, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
