/* SPDX-License-Identifier: Apache-2.0 */
/* test_target.c: a file or the files of a directory as one row of blocks; what is refused; what is wrong in the data
 * is found and named; what the page cache holds is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "path/target.h"
#include "test_files.h"
#include <feedline/block.h>
#include <feedline/dataset.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SEED UINT64_C(0x1234)
enum { BLOCK = 16 << 10, FILES = 3 };

static const uint64_t sizes[FILES] = { 10 * BLOCK, 4096, 3 * BLOCK + 4096 }; /* the second has no block */

static void write_blocks(int fd, uint64_t bytes, uint64_t seed, uint64_t number)
{
	uint64_t block[FL_BLOCK_WORDS];

	for (uint64_t at = 0; at < bytes; at += FL_BLOCK_BYTES) {
		fl_block_fill(block, seed, number, at);
		assert_int_equal(pwrite(fd, block, FL_BLOCK_BYTES, (off_t)at), FL_BLOCK_BYTES);
	}
	assert_int_equal(fsync(fd), 0);
}

struct bed {
	char dir[256];
	char path[FILES][300];
};

static void make_bed(struct bed *bed)
{
	struct fl_dataset_file files[FILES] = { { (char *)"data-00000000", sizes[0] },
						{ (char *)"data-00000001", sizes[1] },
						{ (char *)"data-00000002", sizes[2] } };
	struct fl_dataset set = { .seed = SEED, .complete = true, .files = files, .files_n = FILES };
	struct fl_err err = { 0 };

	snprintf(bed->dir, sizeof(bed->dir), "%s/target-XXXXXX", BUILD_DIR);
	assert_non_null(mkdtemp(bed->dir));
	for (uint64_t i = 0; i < FILES; i++) {
		int fd;

		set.bytes += sizes[i];
		snprintf(bed->path[i], sizeof(bed->path[i]), "%s/%s", bed->dir, files[i].name);
		fd = open(bed->path[i], O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		write_blocks(fd, sizes[i], SEED, i);
		close(fd);
	}
	assert_int_equal(fl_dataset_write(bed->dir, &set, &err), 0);
}

static void remove_bed(const struct bed *bed)
{
	char index[300];

	snprintf(index, sizeof(index), "%s/%s", bed->dir, FL_DATASET_INDEX);
	unlink(index);
	for (int i = 0; i < FILES; i++)
		unlink(bed->path[i]);
	assert_int_equal(rmdir(bed->dir), 0);
}

static void open_target(const struct bed *bed, const char *path, bool direct, struct fl_target *t)
{
	struct fl_err err = { 0 };
	int rc = fl_target_open(path, direct, BLOCK, t, &err);

	if (rc == -ENODEV) {
		print_message("%s\n", err.what);
		remove_bed(bed);
		skip();
	}
	if (rc < 0)
		fail_msg("%s", err.what);
}

static void refuse(const char *path, uint64_t block, int code, const char *reason)
{
	struct fl_target t = { .files_n = 77 };
	struct fl_err err = { 0 };
	int rc = fl_target_open(path, true, block, &t, &err);

	if (rc != code || !strstr(err.what, reason))
		fail_msg("%d '%s' instead of %d '%s'", rc, err.what, code, reason);
	assert_int_equal(t.files_n, 77);
}

/* ---- the row of blocks */

static void test_a_directory_is_a_row(void **state)
{
	static const struct {
		unsigned file;
		uint64_t offset;
	} want[] = { { 0, 0 },	       { 0, BLOCK },	 { 0, 2 * BLOCK }, { 0, 3 * BLOCK }, { 0, 4 * BLOCK },
		     { 0, 5 * BLOCK }, { 0, 6 * BLOCK }, { 0, 7 * BLOCK }, { 0, 8 * BLOCK }, { 0, 9 * BLOCK },
		     { 2, 0 },	       { 2, BLOCK },	 { 2, 2 * BLOCK } };
	struct fl_target t;
	struct bed bed;

	(void)state;
	make_bed(&bed);
	for (int direct = 1; direct >= 0; direct--) {
		open_target(&bed, bed.dir, direct, &t);
		assert_int_equal(t.files_n, FILES);
		assert_int_equal(t.blocks, sizeof(want) / sizeof(*want));
		assert_true(t.described);
		assert_int_equal(t.seed, SEED);
		assert_int_equal(!!(fcntl(t.files[2].fd, F_GETFL) & O_DIRECT), direct);
		for (uint64_t i = 0; i < t.blocks; i++) {
			struct fl_place at = fl_target_place(&t, i);

			assert_int_equal(at.file, want[i].file);
			assert_int_equal(at.offset, want[i].offset);
		}
		fl_target_close(&t);
	}
	remove_bed(&bed);
}

/* More files than may be open. */
static void test_too_many_files(void **state)
{
	struct rlimit limit, few;
	struct fl_err err = { 0 };
	struct fl_target t;
	struct bed bed;
	int next, rc;

	(void)state;
	make_bed(&bed);
	next = dup(0);
	assert_true(next >= 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
	close(next);
	few = (struct rlimit){ (rlim_t)next + 2, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	rc = fl_target_open(bed.dir, false, BLOCK, &t, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	remove_bed(&bed);
	assert_int_equal(rc, -EMFILE);
	if (!strstr(err.hint, "all 3 files stay open"))
		fail_msg("'%s', '%s'", err.what, err.hint);
}

static void test_a_single_file(void **state)
{
	char path[] = BUILD_DIR "/target-XXXXXX";
	struct fl_target t;
	struct bed bed;

	(void)state;
	make_bed(&bed);
	open_target(&bed, bed.path[2], true, &t);
	assert_int_equal(t.blocks, 3);
	assert_true(t.described);
	assert_int_equal(t.seed, SEED);
	assert_int_equal(t.files[0].number, 2);
	fl_target_close(&t);
	make_file(path);
	open_target(&bed, path, true, &t);
	assert_false(t.described);
	assert_int_equal(t.blocks, FILE_BYTES / BLOCK);
	fl_target_close(&t);
	unlink(path);
	assert_int_equal(truncate(bed.path[2], BLOCK), 0); /* ends otherwise, but with a block still */
	open_target(&bed, bed.path[2], true, &t);
	assert_true(t.described);
	fl_target_close(&t);
	remove_bed(&bed);
}

static void test_refusals(void **state)
{
	struct fl_dataset none = { .complete = true }, begun = { .seed = 1 };
	struct fl_target t;
	struct fl_err err = { 0 };
	struct bed bed;
	char other[400];

	(void)state;
	make_bed(&bed);
	open_target(&bed, bed.dir, true, &t);
	fl_target_close(&t);
	refuse(bed.dir, 1 << 20, -EINVAL, "no file of");
	assert_int_equal(truncate(bed.path[0], (off_t)sizes[0] - 4096), 0);
	refuse(bed.dir, BLOCK, -EINVAL, "its index says 163840");
	assert_int_equal(truncate(bed.path[0], (off_t)sizes[0]), 0);
	refuse(bed.dir, BLOCK, -EINVAL, "hole at offset");
	snprintf(other, sizeof(other), "%s-other", bed.path[0]);
	assert_int_equal(rename(bed.path[0], other), 0);
	refuse(bed.dir, BLOCK, -ENOENT, "No such file");
	assert_int_equal(symlink(other, bed.path[0]), 0);
	refuse(bed.dir, BLOCK, -ELOOP, "symbolic");
	unlink(other);
	assert_int_equal(fl_dataset_write(bed.dir, &begun, &err), 0);
	refuse(bed.dir, BLOCK, -EINVAL, "not complete");
	assert_int_equal(fl_dataset_write(bed.dir, &none, &err), 0);
	refuse(bed.dir, BLOCK, -EINVAL, "not complete");
	snprintf(other, sizeof(other), "%s/%s", bed.dir, FL_DATASET_INDEX);
	assert_int_equal(truncate(other, 5), 0);
	refuse(bed.dir, BLOCK, -EBADMSG, FL_DATASET_INDEX);
	unlink(other);
	refuse(bed.dir, BLOCK, -ENOENT, "without an index of test data");
	remove_bed(&bed);
	refuse(bed.dir, BLOCK, -ENOENT, "No such file");
}

/* ---- the data */

enum { FLIP, SWAP, STALE, ZERO, EXCHANGE, DAMAGES };

static void damage(char *block, int how)
{
	uint64_t *word = (uint64_t *)(block + 2 * FL_BLOCK_BYTES), kept = word[100];

	switch (how) {
	case FLIP:
		block[2 * FL_BLOCK_BYTES + 808] ^= 4;
		break;
	case SWAP: /* the neighbour's data */
		memcpy(block + 2 * FL_BLOCK_BYTES, block + FL_BLOCK_BYTES, FL_BLOCK_BYTES);
		break;
	case STALE: /* of test data that were there before */
		fl_block_fill(word, SEED - 1, 2, BLOCK + 2 * FL_BLOCK_BYTES);
		break;
	case ZERO:
		memset(word, 0, FL_BLOCK_BYTES);
		break;
	default: /* the sum stays right */
		word[100] = word[200];
		word[200] = kept;
	}
}

static void test_damage_is_found(void **state)
{
	static const char *const said[DAMAGES] = {
		[FLIP] = "the block of 'c' file 2 at offset 24576 1 bit is flipped, in byte 80",
		[SWAP] = "file 2 at offset 24576 holds the block of file 2 at offset 20480",
		[STALE] = "holds a block of another data set (seed 0x0000000000001233)",
		[ZERO] = "file 2 at offset 24576 was never written (zeros)",
		[EXCHANGE] = "words are wrong, from byte 800 on",
	};
	char c[] = "c";
	struct fl_target_file files[FILES] = { { .number = 0 }, { .number = 1 }, { .path = c, .number = 2 } };
	struct fl_target t = { .files = files, .files_n = FILES, .block_bytes = BLOCK, .seed = SEED };
	struct fl_place at = { 2, BLOCK };
	char *block = aligned_alloc(4096, BLOCK);

	(void)state;
	for (int how = 0; how < DAMAGES; how++) {
		struct fl_err err = { 0 };

		for (uint64_t i = 0; i < BLOCK; i += FL_BLOCK_BYTES)
			fl_block_fill(block + i, SEED, 2, BLOCK + i);
		assert_int_equal(fl_target_check(&t, at, block, BLOCK, &err), 0);
		damage(block, how);
		assert_int_equal(fl_target_check(&t, at, block, BLOCK, &err), -EBADMSG);
		if (!strstr(err.what, said[how]))
			fail_msg("'%s' instead of '%s'", err.what, said[how]);
	}
	free(block);
}

/* What does not tell where it belongs is held against what is read again. */
static void test_comparison(void **state)
{
	char c[] = "c", one[64] = "the same", two[64] = "the same";
	struct fl_target_file file = { .path = c };
	struct fl_target t = { .files = &file, .files_n = 1, .block_bytes = sizeof(one) };
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_target_compare(&t, (struct fl_place){ 0, 640 }, one, two, sizeof(one), &err), 0);
	two[63] = 7;
	assert_int_equal(fl_target_compare(&t, (struct fl_place){ 0, 640 }, one, two, sizeof(one), &err), -EBADMSG);
	assert_string_equal(err.what, "'c' file 0 at offset 703: 0x00 arrived, read again it is 0x07");
}

/* ---- the page cache */

/* 0, or which check failed. */
static int check_residency(const struct fl_target *t)
{
	struct fl_err err = { 0 };
	double ratio = -1;
	char *data = malloc(FILE_BYTES);

	if (fl_target_drop(t, &err) < 0 || fl_target_resident(t, &ratio, &err) < 0 || ratio != 0)
		return 1;
	if (posix_fadvise(t->files[0].fd, 0, 0, POSIX_FADV_RANDOM) || /* no reading ahead */
	    pread(t->files[0].fd, data, FILE_BYTES / 4, 0) != FILE_BYTES / 4)
		return 2;
	if (fl_target_resident(t, &ratio, &err) < 0 || ratio < 0.25 || ratio > 0.6)
		return 3;
	if (pread(t->files[0].fd, data, FILE_BYTES, 0) != FILE_BYTES || fl_target_resident(t, &ratio, &err) < 0 ||
	    ratio != 1)
		return 4;
	free(data);
	return fl_target_drop(t, &err) < 0 || fl_target_resident(t, &ratio, &err) < 0 || ratio != 0 ? 5 : 0;
}

/* In a process of its own: a filter is for ever. */
static int check_residency_by_mincore(const struct fl_target *t)
{
	enum { CACHESTAT = 451 };
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CACHESTAT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(rules) / sizeof(*rules), rules };
	struct fl_err err = { 0 };
	double ratio = -1;
	int status;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 77;
	status = check_residency(t);
	/* A file of somebody else's: its pages are not told, instead of all being there. */
	if (status == 0 && geteuid() == 0 && seteuid(65534) == 0)
		status = fl_target_resident(t, &ratio, &err) == -EPERM && strstr(err.hint, "may write it") ? 0 : 6;
	return status;
}

static void test_residency(void **state)
{
	char path[] = BUILD_DIR "/target-XXXXXX";
	struct fl_err err = { 0 };
	struct fl_target t;
	int status = 0;
	pid_t child;

	(void)state;
	make_file(path);
	if (fl_target_open(path, false, BLOCK, &t, &err) < 0) {
		unlink(path);
		print_message("%s\n", err.what);
		skip();
	}
	assert_int_equal(check_residency(&t), 0);
	child = fork();
	if (child == 0)
		_exit(check_residency_by_mincore(&t));
	assert_int_equal(waitpid(child, &status, 0), child);
	unlink(path);
	fl_target_close(&t);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 77)
		assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_directory_is_a_row),
		cmocka_unit_test(test_a_single_file),
		cmocka_unit_test(test_too_many_files),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_damage_is_found),
		cmocka_unit_test(test_comparison),
		cmocka_unit_test(test_residency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
