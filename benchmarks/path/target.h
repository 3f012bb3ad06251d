/* SPDX-License-Identifier: Apache-2.0 */
/* path/target.h: what is read: a file, a block device, or the files of a directory of test data, as one row of
 * blocks of equal size. A file that is no multiple of the block ends at its last whole one. */
#ifndef PATH_TARGET_H
#define PATH_TARGET_H
#include <feedline/err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_target_file {
	int fd;
	char *path; /* for messages; malloc'd; NULL: it has none */
	uint64_t bytes;
	uint64_t first;	 /* the number of its first block in the row */
	uint64_t number; /* in its data set, which its blocks carry; a single file may have any */
};

struct fl_target {
	struct fl_target_file *files; /* of a directory: in the order of its index */
	size_t files_n;
	uint64_t block_bytes;
	uint64_t blocks; /* in the row; at least 1 */
	bool described;	 /* made of feedline/block.h: seed, file and offset say what is in it */
	uint64_t seed;
	size_t strangers; /* entries of the directory that are not in its index */
};

/* Opens for reading, past the page cache (direct) or through it. Refused, each with its reason: what path/direct.h
 * refuses; a directory without an index, or whose index is damaged, incomplete, or does not fit its files (missing,
 * of another size, links). A single file that begins with a block of feedline/block.h, and whose last block is one
 * too, is `described`. */
int fl_target_open(const char *path, bool direct, uint64_t block_bytes, struct fl_target *ret, struct fl_err *err);
void fl_target_close(struct fl_target *t);

/* Where block number `block` of the row lies. */
struct fl_place {
	unsigned file;
	uint64_t offset;
};
struct fl_place fl_target_place(const struct fl_target *t, uint64_t block);

/* Is what was read from there right, in full (feedline/block.h)? data: `bytes` of a described target, a multiple of
 * FL_BLOCK_BYTES. 0, or -EBADMSG with what was found where. */
int fl_target_check(const struct fl_target *t, struct fl_place at, const void *data, uint64_t bytes,
		    struct fl_err *err);
/* The same of one that is not described: against the same bytes read again. */
int fl_target_compare(const struct fl_target *t, struct fl_place at, const void *data, const void *again,
		      uint64_t bytes, struct fl_err *err);

/* The share of its pages that the page cache holds now, 0 .. 1; negative errno: the kernel does not tell. */
int fl_target_resident(const struct fl_target *t, double *ret_ratio, struct fl_err *err);
/* Has dirty pages written back and asks the kernel to forget the pages of the files (no privilege needed). What
 * is mapped or locked stays: fl_target_resident() tells. */
int fl_target_drop(const struct fl_target *t, struct fl_err *err);
/* The same of `blocks` blocks of the row from `first` on, which are all in it; dirty pages are not written back. The
 * block is a multiple of a page. */
int fl_target_resident_blocks(const struct fl_target *t, uint64_t first, uint64_t blocks, double *ret_ratio,
			      struct fl_err *err);
int fl_target_drop_blocks(const struct fl_target *t, uint64_t first, uint64_t blocks, struct fl_err *err);

#endif
