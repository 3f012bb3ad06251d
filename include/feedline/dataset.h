/* SPDX-License-Identifier: Apache-2.0 */
/* feedline/dataset.h: a directory of test data and the index that says which files belong to it.
 *
 * The index is the file FL_DATASET_INDEX in the directory, JSON:
 *
 *   {"schema": 1, "state": "complete"|"being made", "seed": "0x0123456789abcdef", "like": null|"unet3d-h100",
 *    "made_directory": true|false, "files": [{"name": "data-00000000", "bytes": 1073741824}, ...]}
 *
 * File i of the list has number i and is called data-%08u of it: no index can claim a file of another name. It is made
 * of blocks (feedline/block.h), so its size is a multiple of FL_BLOCK_BYTES. Other files in the directory are not part
 * of it: they are never read, written or removed. The index is written before the first file ("being made") and once
 * more after the last one, so that whatever is left behind is known to be ours. */
#ifndef FEEDLINE_DATASET_H
#define FEEDLINE_DATASET_H
#include <feedline/err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FL_DATASET_INDEX "feedline-data.json"
enum { FL_DATASET_FILES_MAX = 1 << 20, FL_DATASET_NAME_BYTES = 32 };

struct fl_dataset_file {
	char *name; /* fl_dataset_name() of its number */
	uint64_t bytes;
};

struct fl_dataset {
	uint64_t seed;
	char *like; /* the demand profile whose records the files are; NULL: none */
	bool complete;
	bool made_dir; /* the directory was made for it, and goes with it */
	struct fl_dataset_file *files;
	size_t files_n;
	uint64_t bytes;	  /* of all files */
	size_t strangers; /* other entries of the directory, which are left alone; not part of the index */
};

/* Reads the index of a directory, which is hostile input: bounds, right names, whole blocks.
 * Does not look at the files. -ENOENT: there is none; -EBADMSG: it is damaged; -EINVAL: of a newer schema. */
int fl_dataset_read(const char *dir, struct fl_dataset *ret, struct fl_err *err);
/* The same of a directory that is open, which `dir` only names in messages. What is done to files by an index is done
 * through the descriptor that it was read through: a path may lead elsewhere a moment later. */
int fl_dataset_read_at(int dir_fd, const char *dir, struct fl_dataset *ret, struct fl_err *err);
/* Replaces the index in one step. */
int fl_dataset_write(const char *dir, const struct fl_dataset *set, struct fl_err *err);

void fl_dataset_name(size_t number, char ret[FL_DATASET_NAME_BYTES]);
/* Was what has the name of this file of the set made for it? By the head of its first or its last block; also if there
 * is nothing in it, or nothing but zeros at both ends. What is no file, or cannot be read, was not. Only what is owned
 * may be removed or replaced. */
bool fl_dataset_owns(int dir_fd, const struct fl_dataset *set, size_t number);

void fl_dataset_release(struct fl_dataset *set);

#endif
