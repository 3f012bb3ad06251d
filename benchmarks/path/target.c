/* SPDX-License-Identifier: Apache-2.0 */
/* path/target.c: what is read: a file, a block device, or the files of a directory of test data. */
#include "path/target.h"
#include "path/blocks.h"
#include "path/direct.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/block.h>
#include <feedline/dataset.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fl_target_close(struct fl_target *t)
{
	for (size_t i = 0; i < t->files_n; i++) {
		close(t->files[i].fd);
		free(t->files[i].path);
	}
	free(t->files);
	*t = (struct fl_target){ 0 };
}

/* The descriptor is the target's now, or closed. */
static int add_file(struct fl_target *t, const struct fl_direct *file, const char *path, uint64_t number,
		    struct fl_err *err)
{
	char *copy = strdup(path);

	if (!copy) {
		close(file->fd);
		return fl_fail(err, -ENOMEM, "no memory for the name of a file");
	}
	t->files[t->files_n++] = (struct fl_target_file){
		.fd = file->fd, .path = copy, .bytes = file->bytes, .first = t->blocks, .number = number
	};
	t->blocks += file->bytes / t->block_bytes;
	return 0;
}

static int allocate(struct fl_target *t, size_t files_n, uint64_t block_bytes, struct fl_err *err)
{
	*t = (struct fl_target){ .block_bytes = block_bytes };
	t->files = calloc(files_n, sizeof(*t->files));
	return t->files ? 0 : fl_fail(err, -ENOMEM, "no memory for %zu files", files_n);
}

/* Blocks that are no whole ones of feedline/block.h are checked by nobody's words but their own file's. */
static bool fits(uint64_t block_bytes)
{
	return block_bytes % FL_BLOCK_BYTES == 0;
}

/* ---- a directory of test data */

static int index_failed(const char *dir, int rc, struct fl_err *err)
{
	if (rc != -ENOENT)
		return rc;
	*err = (struct fl_err){ 0 }; /* said in other words here */
	fl_fail(err, -ENOENT, "'%s' is a directory without an index of test data ('%s')", dir, FL_DATASET_INDEX);
	return fl_hint(err, "'feedline data make %s' makes test data; or name a file or block device", dir);
}

static int open_entry(struct fl_target *t, const char *dir, const struct fl_dataset_file *entry, bool direct,
		      struct fl_err *err)
{
	/* One trial is enough: the files are on one file system. */
	struct fl_direct_how how = { .block_bytes =
					     t->files_n == 0 && entry->bytes >= t->block_bytes ? t->block_bytes : 0,
				     .cached = !direct,
				     .no_link = true };
	struct fl_direct file;
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, entry->name), rc;

	if (n < 0 || (size_t)n >= sizeof(path))
		return fl_fail(err, -ENAMETOOLONG, "'%.200s' has too long a name", dir);
	rc = fl_direct_open_as(path, &how, &file, err);
	if (rc < 0)
		return rc;
	if (file.bytes == entry->bytes)
		return add_file(t, &file, path, t->files_n, err);
	close(file.fd);
	fl_fail(err, -EINVAL, "'%s' has %" PRIu64 " bytes, its index says %" PRIu64, path, file.bytes, entry->bytes);
	return fl_hint(err, "make the test data again with 'feedline data make'");
}

static int open_entries(const char *dir, const struct fl_dataset *set, bool direct, struct fl_target *t,
			struct fl_err *err)
{
	int rc = 0;

	t->described = fits(t->block_bytes);
	t->seed = set->seed;
	t->strangers = set->strangers;
	for (size_t i = 0; i < set->files_n && rc == 0; i++)
		rc = open_entry(t, dir, &set->files[i], direct, err);
	if (rc == -EMFILE)
		fl_hint(err, "all %zu files stay open: raise the limit (ulimit -Hn), or make fewer and larger ones",
			set->files_n);
	if (rc == 0 && t->blocks == 0) {
		rc = fl_fail(err, -EINVAL, "no file of '%s' has a block of %" PRIu64 " bytes", dir, t->block_bytes);
		fl_hint(err, "choose a smaller block");
	}
	return rc;
}

static int open_set(const char *dir, const struct fl_dataset *set, bool direct, uint64_t block_bytes,
		    struct fl_target *ret, struct fl_err *err)
{
	struct fl_target t;
	int rc;

	if (!set->complete || set->files_n == 0) {
		fl_fail(err, -EINVAL, "the test data in '%s' are not complete", dir);
		return fl_hint(err, "'feedline data make %s' completes them", dir);
	}
	rc = allocate(&t, set->files_n, block_bytes, err);
	if (rc < 0)
		return rc;
	rc = open_entries(dir, set, direct, &t, err);
	if (rc < 0) {
		fl_target_close(&t);
		return rc;
	}
	*ret = t;
	return 0;
}

static int open_directory(const char *dir, bool direct, uint64_t block_bytes, struct fl_target *ret, struct fl_err *err)
{
	struct fl_err refusal = { 0 };
	struct fl_dataset set;
	int rc = fl_dataset_read(dir, &set, &refusal);

	if (rc < 0) {
		rc = index_failed(dir, rc, &refusal);
		fl_fail(err, rc, "%s", refusal.what);
		return refusal.hint[0] ? fl_hint(err, "%s", refusal.hint) : rc;
	}
	rc = open_set(dir, &set, direct, block_bytes, ret, err);
	fl_dataset_release(&set);
	return rc;
}

/* ---- a single file or device */

static bool describes_itself(const uint64_t *word, uint64_t offset)
{
	return word[0] == FL_BLOCK_MAGIC && word[3] == offset &&
	       fl_block_check(word, word[1], word[2], offset) == FL_BLOCK_BYTES;
}

/* Reads past the page cache, also for targets that are not: looking must leave nothing there. */
static bool read_block(const char *path, uint64_t offset, void *block)
{
	int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	bool whole = fd >= 0 && pread(fd, block, FL_BLOCK_BYTES, (off_t)offset) == FL_BLOCK_BYTES;

	if (fd >= 0)
		close(fd);
	return whole;
}

/* The first block and the last whole one tell. */
static void ask_blocks(struct fl_target *t, const char *path)
{
	struct fl_target_file *file = &t->files[0];
	uint64_t last = file->bytes / FL_BLOCK_BYTES * FL_BLOCK_BYTES - FL_BLOCK_BYTES, seed, number;
	uint64_t *block;

	if (!fits(t->block_bytes))
		return;
	block = aligned_alloc(FL_BLOCK_BYTES, FL_BLOCK_BYTES);
	if (block && read_block(path, 0, block) && describes_itself(block, 0)) {
		seed = block[1];
		number = block[2];
		if (read_block(path, last, block) && describes_itself(block, last) && block[1] == seed &&
		    block[2] == number) {
			t->described = true;
			t->seed = seed;
			file->number = number;
		}
	}
	free(block);
}

static int open_single(const char *path, bool direct, uint64_t block_bytes, struct fl_target *ret, struct fl_err *err)
{
	const struct fl_direct_how how = { .block_bytes = block_bytes, .cached = !direct };
	struct fl_direct file;
	struct fl_target t;
	int rc = fl_direct_open_as(path, &how, &file, err);

	if (rc < 0)
		return rc;
	rc = allocate(&t, 1, block_bytes, err);
	if (rc < 0) {
		close(file.fd);
		return rc;
	}
	rc = add_file(&t, &file, path, 0, err);
	if (rc < 0) {
		fl_target_close(&t);
		return rc;
	}
	ask_blocks(&t, path);
	*ret = t;
	return 0;
}

int fl_target_open(const char *path, bool direct, uint64_t block_bytes, struct fl_target *ret, struct fl_err *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return open_directory(path, direct, block_bytes, ret, err);
	return open_single(path, direct, block_bytes, ret, err);
}

/* ---- places */

struct fl_place fl_target_place(const struct fl_target *t, uint64_t block)
{
	size_t low = 0, high = t->files_n;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (t->files[middle].first <= block)
			low = middle;
		else
			high = middle;
	}
	return (struct fl_place){ .file = (unsigned)low, .offset = (block - t->files[low].first) * t->block_bytes };
}

/* ---- is it right? */

static struct fl_origin origin_of(const struct fl_target *t, struct fl_place at)
{
	return (struct fl_origin){ t->seed, t->files[at.file].number, at.offset };
}

static const char *name_of(const struct fl_target *t, struct fl_place at)
{
	const char *path = t->files[at.file].path;

	return path ? path : "what was written";
}

int fl_target_check(const struct fl_target *t, struct fl_place at, const void *data, uint64_t bytes, struct fl_err *err)
{
	struct fl_origin origin = origin_of(t, at);
	uint64_t wrong = fl_blocks_full(data, bytes, &origin);

	if (wrong == bytes)
		return 0;
	origin.offset += wrong;
	fl_blocks_explain((const char *)data + wrong, &origin, name_of(t, at), err);
	return fl_hint(err,
		       "'feedline data verify' tells whether the file itself is wrong; if not, the path from it is");
}

int fl_target_compare(const struct fl_target *t, struct fl_place at, const void *data, const void *again,
		      uint64_t bytes, struct fl_err *err)
{
	struct fl_origin origin = origin_of(t, at);

	return fl_blocks_compare(data, again, bytes, &origin, name_of(t, at), err);
}
