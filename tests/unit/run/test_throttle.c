/* SPDX-License-Identifier: Apache-2.0 */
/* test_throttle.c: nothing is made or removed where no cgroup file system is. That it holds back: rack/throttle.sh. */
#include "run/throttle.h"
#include "tree.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

static char *in_tree(const char *name)
{
	return fl_format("%s/%s", tree_dir, name);
}

static void refused(void **state)
{
	static const struct {
		const char *name, *words;
		int code;
	} rows[] = {
		{ "plain", "cannot be made here", -ENOTDIR },
		{ "link", "cannot be made here", -ENOTDIR },
		{ "plain/file", "cannot be made here", -ENOTDIR },
		{ "absent", "cannot be made here", -ENOENT },
	};
	char *link = in_tree("link");

	(void)state;
	tree_put("plain/file", "");
	assert_int_equal(symlink("/sys/fs/cgroup", link), 0);
	free(link);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *group = in_tree(rows[i].name);
		struct fl_throttle_spec spec = {
			.group = group, .pid = getpid(), .dev = "7:0", .bytes_per_s = 1000000
		};
		struct fl_throttle *t = NULL;
		struct fl_err err = { 0 };

		assert_int_equal(fl_throttle_begin(&spec, &t, &err), rows[i].code);
		assert_null(t);
		assert_non_null(strstr(err.what, rows[i].words));
		free(group);
	}
}

/* Names like ours elsewhere are not ours. */
static void swept(void **state)
{
	char *dir = in_tree("plain"), *group = in_tree("plain/feedline-limit-999999999-0");
	struct stat st;

	(void)state;
	tree_put("plain/file", "");
	assert_int_equal(mkdir(group, 0700), 0);
	fl_throttle_sweep(dir);
	fl_throttle_sweep(NULL);
	fl_throttle_sweep("");
	assert_int_equal(stat(group, &st), 0);
	fl_throttle_end(NULL);
	free(group);
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(refused),
		TREE_TEST(swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
