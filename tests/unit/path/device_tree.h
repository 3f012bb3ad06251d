/* SPDX-License-Identifier: Apache-2.0 */
/* device_tree.h: a made-up /sys/dev/block in the build tree that knows the device beneath it, and a file there. */
#ifndef DEVICE_TREE_H
#define DEVICE_TREE_H
#include <fcntl.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmocka.h>

struct device_tree {
	char dir[256], file[300]; /* dir/file-XXXXXX, for the test to make */
	char device[320];	  /* the directory of the device */
};

static inline void tree_put(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static inline void tree_make_dir(const char *dir, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static inline void tree_make(struct device_tree *t)
{
	struct stat st;

	snprintf(t->dir, sizeof(t->dir), "%s/device-XXXXXX", BUILD_DIR);
	assert_non_null(mkdtemp(t->dir));
	assert_int_equal(stat(t->dir, &st), 0);
	snprintf(t->file, sizeof(t->file), "%s/file-XXXXXX", t->dir);
	snprintf(t->device, sizeof(t->device), "%s/%u:%u", t->dir, major(st.st_dev), minor(st.st_dev));
	tree_make_dir(t->device, "");
}

/* One that counts. */
static inline void tree_counts(const struct device_tree *t)
{
	tree_make_dir(t->device, "queue");
	tree_put(t->device, "queue/iostats", "1\n");
}

static inline void tree_free(struct device_tree *t)
{
	static const char *const names[] = { "queue/iostats", "queue", "stat", "" };
	const char *const places[] = { t->device, t->dir };
	char path[512];

	unlink(t->file);
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			snprintf(path, sizeof(path), "%s/%s", places[i], names[k]);
			remove(path);
		}
}

/* On another file system nothing is known of the device, which is right, but tests nothing. */
static inline void need_known_file_system(struct device_tree *t)
{
	struct statfs fs;

	if (statfs(t->dir, &fs) == 0 && (fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == XFS_SUPER_MAGIC))
		return;
	tree_free(t);
	skip();
}

#endif
