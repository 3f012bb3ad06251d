/* SPDX-License-Identifier: Apache-2.0 */
/* test_file.c: whole files within bounds, replacing in one step, and the places of feedline. */
#include "base/alloc.h"
#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int make_dir(void **state)
{
	static const char template[] = BUILD_DIR "/test-file-XXXXXX";
	char *dir = strdup(template);

	*state = dir;
	return dir && mkdtemp(dir) ? chdir(dir) : -1;
}

static int remove_dir(void **state)
{
	static const char *const leftovers[] = { "a/b/c", "a/b", "a", "open", "file", "link", "fifo" };

	for (size_t i = 0; i < sizeof(leftovers) / sizeof(leftovers[0]); i++)
		remove(leftovers[i]);
	if (chdir("/") < 0 || rmdir(*state) < 0)
		return -1; /* something else was left behind */
	free(*state);
	return 0;
}

static unsigned entries(void)
{
	DIR *dir = opendir(".");
	unsigned n = 0;

	assert_non_null(dir);
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void writes_and_reads(void **state)
{
	struct fl_text text = { 0 };
	struct fl_err err = { 0 };
	struct stat st;
	mode_t mask = umask(022);

	(void)state;
	assert_int_equal(fl_file_write("file", "old and longer", 14, &err), 0);
	assert_int_equal(fl_file_write("file", "a\0b", 3, &err), 0);
	umask(mask);
	assert_int_equal(stat("file", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(entries(), 1);
	fl_text_add(&text, "before:");
	assert_int_equal(fl_file_read(AT_FDCWD, "file", 3, &text, &err), 0);
	assert_int_equal(text.n, 10);
	assert_memory_equal(text.bytes, "before:a\0b", 11);
	assert_int_equal(fl_file_read(AT_FDCWD, "file", 2, &text, &err), -EFBIG);
	assert_string_equal(err.what, "'file' is larger than 2 bytes");
	assert_int_equal(text.n, 10);
	assert_memory_equal(text.bytes, "before:a\0b", 11);
	fl_text_release(&text);
}

static void cannot_read(void **state)
{
	struct fl_text text = { 0 };
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_file_read(AT_FDCWD, "none", 10, &text, &err), -ENOENT);
	assert_string_equal(err.what, "open 'none': No such file or directory");
	assert_int_equal(fl_file_read(AT_FDCWD, ".", 10, &text, NULL), -EISDIR);
	assert_int_equal(text.n, 0);
	fl_text_release(&text);
}

/* Sysfs and procfs files say that they are 4096 or 0 bytes long. */
static void reads_what_has_no_size(void **state)
{
	struct fl_text text = { 0 };
	int proc = open("/proc", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_true(proc >= 0);
	assert_int_equal(fl_file_read(proc, "self/stat", 1 << 16, &text, NULL), 0);
	assert_true(text.n > 10);
	close(proc);
	fl_text_release(&text);
}

static void cannot_write(void **state)
{
	struct fl_err err = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(fl_file_write("none/file", "x", 1, &err), -ENOENT);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(fl_file_write("fifo", "x", 1, NULL), -EINVAL);
	assert_int_equal(stat("fifo", &st), 0);
	assert_true(S_ISFIFO(st.st_mode)); /* devices and pipes are not replaced by files */
	assert_int_equal(fl_file_write("/dev/null", "x", 1, NULL), -EINVAL);
	assert_int_equal(entries(), 1);
}

static void makes_directories(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(fl_make_dirs("a//b/c/", 0700, NULL), 0);
	assert_int_equal(fl_make_dirs("a/b/c", 0700, NULL), 0);
	assert_int_equal(stat("a/b/c", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(fl_make_dirs("open", 0755, NULL), 0);
	assert_int_equal(stat("open", &st), 0);
	assert_int_equal(st.st_mode & 0700, 0700);
	assert_int_equal(fl_make_dirs("/", 0700, NULL), 0);
	assert_int_equal(fl_file_write("file", "x", 1, NULL), 0);
	assert_int_equal(fl_make_dirs("file", 0700, NULL), -ENOTDIR);
	assert_int_equal(fl_make_dirs("file/below", 0700, NULL), -ENOTDIR);
}

static void xdg_places(void **state)
{
	struct fl_err err = { 0 };
	char *dir = NULL;

	(void)state;
	setenv("HOME", "/home/u", 1);
	setenv("XDG_STATE_HOME", "/state", 1);
	assert_int_equal(fl_state_dir(&dir, NULL), 0);
	assert_string_equal(dir, "/state/feedline");
	free(dir);
	setenv("XDG_STATE_HOME", "relative", 1);
	assert_int_equal(fl_state_dir(&dir, NULL), 0);
	assert_string_equal(dir, "/home/u/.local/state/feedline");
	free(dir);
	unsetenv("XDG_CACHE_HOME");
	assert_int_equal(fl_cache_dir(&dir, NULL), 0);
	assert_string_equal(dir, "/home/u/.cache/feedline");
	free(dir);
	unsetenv("HOME");
	dir = NULL;
	assert_int_equal(fl_cache_dir(&dir, &err), -ENOENT);
	assert_int_equal(fl_cache_dir(&dir, NULL), -ENOENT);
	assert_non_null(strstr(err.what, "XDG_CACHE_HOME"));
	assert_null(dir);
}

static void assert_cache_dir(const char *expected)
{
	char *dir = NULL;

	assert_int_equal(fl_cache_dir(&dir, NULL), 0);
	assert_string_equal(dir, expected);
	free(dir);
}

/* The same directory has the same name before and after it is made, whichever way leads there. */
static void cache_has_one_path(void **state)
{
	char *base = realpath(*state, NULL), *link = fl_format("%s/link", base), *real = fl_format("%s/real", base);
	char *dir = fl_format("%s/real/feedline", base);

	assert_int_equal(symlink("real", link), 0);
	setenv("XDG_CACHE_HOME", link, 1);
	assert_int_equal(mkdir(real, 0700), 0);
	assert_cache_dir(dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_cache_dir(dir);
	setenv("XDG_CACHE_HOME", "/no/such/place", 1);
	assert_cache_dir("/no/such/place/feedline");
	unsetenv("XDG_CACHE_HOME");
	rmdir(dir);
	rmdir(real);
	unlink(link);
	free(dir);
	free(real);
	free(link);
	free(base);
}

static void directories(void **state)
{
	static const char *const rows[][2] = {
		{ "a", "." }, { "/a", "/" }, { "a/b", "a" }, { "/a/b/c", "/a/b" }, { "", "." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *dir = fl_directory_of(rows[i][0]);

		assert_string_equal(dir, rows[i][1]);
		free(dir);
	}
}

/* This test lies in BUILD_DIR/tests, and that has no share/feedline. */
static void prefix_is_one_above(void **state)
{
	char *prefix = NULL;

	(void)state;
	assert_int_equal(fl_prefix(&prefix, NULL), 0);
	assert_string_equal(prefix, BUILD_DIR);
	free(prefix);
}

/* In pieces: nothing is there before the end, and nothing at all when it fails. */
static void test_in_pieces(void **state)
{
	struct fl_new_file *file;
	struct fl_err err = { 0 };
	struct fl_text text = { 0 };

	(void)state;
	assert_int_equal(fl_file_write("file", "old", 3, &err), 0);
	assert_int_equal(fl_new_file_begin("file", &file, &err), 0);
	assert_int_equal(fl_new_file_add(file, "ne", 2, &err), 0);
	assert_int_equal(fl_new_file_end(file, -EIO, &err), -EIO);
	assert_int_equal(fl_new_file_begin("file", &file, &err), 0);
	assert_int_equal(fl_new_file_add(file, "ne", 2, &err), 0);
	assert_int_equal(fl_file_read(AT_FDCWD, "file", 10, &text, &err), 0);
	assert_string_equal(fl_text_str(&text), "old");
	fl_text_release(&text);
	assert_int_equal(fl_new_file_add(file, "w", 1, &err), 0);
	assert_int_equal(fl_new_file_end(file, 0, &err), 0);
	assert_int_equal(fl_file_read(AT_FDCWD, "file", 10, &text, &err), 0);
	assert_string_equal(fl_text_str(&text), "new");
	fl_text_release(&text);
	assert_int_equal(fl_new_file_begin("none/file", &file, &err), -ENOENT);
	assert_int_equal(remove("file"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_pieces, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(writes_and_reads, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(cannot_read, make_dir, remove_dir),
		cmocka_unit_test(reads_what_has_no_size),
		cmocka_unit_test_setup_teardown(cannot_write, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(makes_directories, make_dir, remove_dir),
		cmocka_unit_test(xdg_places),
		cmocka_unit_test_setup_teardown(cache_has_one_path, make_dir, remove_dir),
		cmocka_unit_test(directories),
		cmocka_unit_test(prefix_is_one_above),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
