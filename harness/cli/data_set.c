/* SPDX-License-Identifier: Apache-2.0 */
/* data_set.c: the files of a data set: laid out, looked at, removed. Always by name within the open directory, never
 * through a link. */
#include "cli/data_set.h"
#include "base/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/block.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t file_bytes_preset = UINT64_C(1) << 30;

static uint64_t whole_blocks(uint64_t bytes)
{
	return (bytes + FL_BLOCK_BYTES - 1) / FL_BLOCK_BYTES * FL_BLOCK_BYTES;
}

int fl_data_lay_out(uint64_t bytes, const struct fl_demand *like, struct fl_dataset *ret, struct fl_err *err)
{
	uint64_t each = like ? whole_blocks(like->record_bytes) : file_bytes_preset, all = whole_blocks(bytes);
	uint64_t n = all / each + (all % each != 0);

	if (n > FL_DATASET_FILES_MAX) {
		fl_fail(err, -E2BIG, "%llu files of %llu bytes", (unsigned long long)n, (unsigned long long)each);
		return fl_hint(err, "a data set has at most %d files: choose a smaller --size", FL_DATASET_FILES_MAX);
	}
	ret->files = fl_zalloc(n + 1, sizeof(*ret->files));
	ret->files_n = n;
	ret->bytes = all;
	ret->like = like ? fl_dup(like->name) : NULL;
	for (uint64_t i = 0; i < n; i++) {
		char name[FL_DATASET_NAME_BYTES];

		fl_dataset_name(i, name);
		ret->files[i] = (struct fl_dataset_file){ fl_dup(name), all - i * each < each ? all - i * each : each };
	}
	return 0;
}

bool fl_data_alike(const struct fl_dataset *a, const struct fl_dataset *b)
{
	if (a->files_n != b->files_n || a->bytes != b->bytes || strcmp(a->like ? a->like : "", b->like ? b->like : ""))
		return false;
	for (size_t i = 0; i < a->files_n; i++)
		if (a->files[i].bytes != b->files[i].bytes || strcmp(a->files[i].name, b->files[i].name))
			return false;
	return true;
}

static void look_at(int dir_fd, const struct fl_dataset *set, size_t i, struct fl_data_state *state)
{
	const struct fl_dataset_file *f = &set->files[i];
	struct stat st;
	bool is_there = fstatat(dir_fd, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	bool is_file = is_there && S_ISREG(st.st_mode);

	if (is_there && !state->present++)
		state->there = i;
	if (is_file && (uint64_t)st.st_size == f->bytes) {
		state->whole++;
		return;
	}
	if (!state->bytes)
		state->example = i;
	state->bytes += f->bytes;
	state->held += is_file ? (uint64_t)st.st_blocks * 512 : 0;
}

void fl_data_look(int dir_fd, const struct fl_dataset *set, struct fl_data_state *ret)
{
	*ret = (struct fl_data_state){ 0 };
	for (size_t i = 0; i < set->files_n; i++)
		look_at(dir_fd, set, i, ret);
}

/* ---- the end */

/* 1: removed; 0: it was not there. */
static int remove_name(int dir_fd, const char *dir, const char *name, struct fl_err *err)
{
	if (unlinkat(dir_fd, name, 0) == 0)
		return 1;
	return errno == ENOENT ? 0 : fl_fail(err, -errno, "remove '%s/%s': %s", dir, name, strerror(errno));
}

static int remove_file(int dir_fd, const char *dir, const struct fl_dataset *set, size_t number,
		       struct fl_data_removed *did, struct fl_err *err)
{
	const char *name = set->files[number].name;
	struct stat st = { 0 };
	int rc;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	if (!fl_dataset_owns(dir_fd, set, number)) {
		did->left++;
		return 0;
	}
	rc = remove_name(dir_fd, dir, name, err);
	if (rc > 0) {
		did->files++;
		did->bytes += (uint64_t)st.st_size;
	}
	return rc;
}

/* The directory, if the path still leads to it. Where others have something in it, it stays. */
static bool remove_dir(int dir_fd, const char *dir)
{
	struct stat is, was;

	return lstat(dir, &is) == 0 && fstat(dir_fd, &was) == 0 && is.st_dev == was.st_dev && is.st_ino == was.st_ino &&
	       rmdir(dir) == 0;
}

int fl_data_remove(int dir_fd, const char *dir, const struct fl_dataset *set, struct fl_data_removed *ret,
		   struct fl_err *err)
{
	struct fl_data_removed did = { 0 };
	int rc = 0;

	if (flock(dir_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) /* as data.make has it */
		return fl_fail(err, -EBUSY, "the data set in '%s' is being made", dir);
	for (size_t i = 0; i < set->files_n && rc >= 0; i++)
		rc = remove_file(dir_fd, dir, set, i, &did, err);
	if (rc >= 0)
		rc = remove_name(dir_fd, dir, FL_DATASET_INDEX, err);
	if (rc < 0)
		return rc;
	did.dir = set->made_dir && remove_dir(dir_fd, dir);
	*ret = did;
	return 0;
}
