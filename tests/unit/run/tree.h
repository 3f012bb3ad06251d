/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h: a made-up /proc and /sys for the tests of what reads them: small files below a directory of its own. */
#ifndef FL_TESTS_RUN_TREE_H
#define FL_TESTS_RUN_TREE_H
#include "base/alloc.h"
#include "base/file.h"
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char tree_dir[] = BUILD_DIR "/test-tree-XXXXXX";

/* Setup: an empty tree; *state is the descriptor of its root. */
static inline int tree_make(void **state)
{
	static int root;

	memcpy(tree_dir + sizeof(tree_dir) - 7, "XXXXXX", 6);
	if (!mkdtemp(tree_dir))
		return -1;
	root = open(tree_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = &root;
	return root < 0 ? -1 : 0;
}

static inline int tree_drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int tree_remove(void **state)
{
	close(*(int *)*state);
	return nftw(tree_dir, tree_drop, 8, FTW_DEPTH | FTW_PHYS);
}

/* A file with its directories; it replaces the one that is there. */
static inline void tree_put(const char *path, const char *text)
{
	char *whole = fl_format("%s/%s", tree_dir, path), *dir = fl_directory_of(whole);

	if (fl_make_dirs(dir, 0700, NULL) < 0 || fl_file_write(whole, text, strlen(text), NULL) < 0)
		abort();
	free(dir);
	free(whole);
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, tree_make, tree_remove)

#endif
