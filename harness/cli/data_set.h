/* SPDX-License-Identifier: Apache-2.0 */
/* data_set.h: a directory of test data as `feedline data` sees it: which files it is to have, which are there, and
 * their end. Writing and reading them is the business of lanes (benchmarks/data). */
#ifndef FL_CLI_DATA_SET_H
#define FL_CLI_DATA_SET_H
#include "catalog/demand.h"
#include <feedline/dataset.h>

/* The files that `bytes` of data are, rounded up to whole blocks: of the size of a record of the profile (NULL: of
 * 1 GiB), the last one with the rest. -E2BIG: more files than a data set has. The rest of *ret is left as it is. */
int fl_data_lay_out(uint64_t bytes, const struct fl_demand *like, struct fl_dataset *ret, struct fl_err *err);

/* Have both the same files, for the same profile? */
bool fl_data_alike(const struct fl_dataset *a, const struct fl_dataset *b);

/* What the open directory has of the files of a set. */
struct fl_data_state {
	size_t whole;	/* files of the right size */
	uint64_t bytes; /* of those that are not */
	uint64_t held;	/* what these have of the drive's space already */
	size_t present; /* entries with the name of a file, whatever they are */
	size_t there;	/* number of the first of these, */
	size_t example; /* and of the first file that is not whole */
};
void fl_data_look(int dir_fd, const struct fl_dataset *set, struct fl_data_state *ret);

/* Removes the files that were made for the set (fl_dataset_owns()), then the index, then the directory if it was made
 * for the set and is empty. Whatever else has the name of a file (a link, a directory, a file of others) stays.
 * dir_fd: the directory, through which the set was read; dir: its path. -EBUSY: it is being made. */
struct fl_data_removed {
	size_t files;	/* removed */
	uint64_t bytes; /* that these had */
	size_t left;	/* entries with the name of a file that stay */
	bool dir;	/* removed, too */
};
int fl_data_remove(int dir_fd, const char *dir, const struct fl_dataset *set, struct fl_data_removed *ret,
		   struct fl_err *err);

#endif
