/* SPDX-License-Identifier: Apache-2.0 */
/* test_schema.c: files of older schemas are read as they are and migrated when they are written to. */
#include "base/file.h"
#include "same.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define OLD TESTS_DIR "/fixtures/stores/schema-%d.db"
static const char judged[] = "20261122T094512Z-7f3a9c", killed[] = "20261122T094530Z-0b1c2d";
enum { FILE_MAX_BYTES = 1 << 20, STEP_BYTES = 4096, STEPS = 40 };

static struct fl_text get(const char *path)
{
	struct fl_text text = { 0 };

	OK(fl_file_read(AT_FDCWD, path, FILE_MAX_BYTES, &text, &err));
	return text;
}

static void put_old(const char *path, int schema)
{
	char *from = fl_format(OLD, schema);
	struct fl_text text = get(from);

	OK(fl_file_write(path, text.bytes, text.n, &err));
	fl_text_release(&text);
	free(from);
}

static int64_t schema_of(const char *path)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int64_t version;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	version = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return version;
}

/* Both runs of a file that came from an old one. */
static void assert_holds(struct fl_store *s, const struct fl_run *finished, const struct fl_run *unfinished)
{
	struct fl_run *loaded;

	OK(fl_store_load(s, judged, &loaded, &err));
	assert_same_run(finished, loaded);
	fl_run_free(loaded);
	OK(fl_store_load(s, "last", &loaded, &err));
	assert_same_run(unfinished, loaded);
	fl_run_free(loaded);
}

static void read_as_it_is(void **state)
{
	struct place *p = *state;

	for (int schema = 1; schema < FL_STORE_SCHEMA; schema++) {
		struct fl_baseline *all = NULL, none;
		struct fl_text before, after;
		struct fl_run *run;
		struct fl_store *s;
		struct fl_names hosts;
		size_t n = 9;

		put_old(p->store, schema);
		before = get(p->store);
		s = opened(p->store, false);
		OK(fl_store_load(s, judged, &run, &err));
		assert_true(run->finished);
		assert_int_equal(run->lanes_n, 4);
		fl_run_free(run);
		OK(fl_store_load(s, killed, &run, &err));
		assert_false(run->finished);
		fl_run_free(run);
		OK(fl_store_hosts(s, judged, &hosts, &err));
		assert_int_equal(hosts.n, 1);
		fl_names_release(&hosts);
		OK(fl_store_list_baselines(s, &all, &n, &err));
		assert_int_equal(n, 0);
		REFUSED(fl_store_find_baseline(s, "good", &none, &err), -ENOENT, "no baseline yet");
		REFUSED(fl_store_remove_baseline(s, "good", &err), -EROFS, "reading only");
		fl_store_close(s);
		assert_int_equal(clean(p->dir, 0), 1);
		after = get(p->store);
		assert_int_equal(before.n, after.n);
		assert_memory_equal(before.bytes, after.bytes, before.n);
		fl_text_release(&before);
		fl_text_release(&after);
	}
}

static void migrated_on_write(void **state)
{
	struct place *p = *state;

	for (int schema = 1; schema < FL_STORE_SCHEMA; schema++) {
		struct fl_run *finished, *unfinished, *mine = sample_run("new");
		struct fl_store *s;

		put_old(p->store, schema);
		s = opened(p->store, false);
		OK(fl_store_load(s, judged, &finished, &err));
		OK(fl_store_load(s, killed, &unfinished, &err));
		fl_store_close(s);
		fl_store_close(opened(p->store, true));
		assert_int_equal(schema_of(p->store), FL_STORE_SCHEMA);
		s = opened(p->store, true); /* and again */
		assert_holds(s, finished, unfinished);
		OK(fl_store_set_baseline(s, &(struct fl_baseline){ "good", 0, (char *[]){ finished->id }, 1, NULL },
					 false, &err));
		OK(fl_store_resume(s, killed, &err));
		OK(fl_store_begin(s, mine, &err));
		fl_store_close(s);
		fl_run_free(finished);
		fl_run_free(unfinished);
		fl_run_free(mine);
		remove(p->store);
	}
}

/* The child may write no further than `bytes` into any file: it dies there, or its migration fails. */
static void migrate_in_child(const struct place *p, rlim_t bytes, bool dies)
{
	struct rlimit limit = { bytes, RLIM_INFINITY };
	struct fl_store *s;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGXFSZ, dies ? SIG_DFL : SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
			_exit(255);
		_exit(fl_store_open(p->store, true, &s, NULL) != 0); /* not closed: as after a crash */
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGXFSZ : WEXITSTATUS(status) <= 1);
}

/* It is at 1 or at the newest then, and holds what it held. */
static void interrupted_migration(void **state)
{
	struct place *p = *state;
	struct fl_run *finished, *unfinished;
	bool seen[FL_STORE_SCHEMA + 1] = { false };
	struct fl_store *s;

	put_old(p->store, 1);
	s = opened(p->store, false);
	OK(fl_store_load(s, judged, &finished, &err));
	OK(fl_store_load(s, killed, &unfinished, &err));
	fl_store_close(s);
	for (int i = 0; i < 2 * STEPS; i++) {
		clean(p->dir, 1);
		put_old(p->store, 1);
		migrate_in_child(p, (rlim_t)(i / 2) * STEP_BYTES + 100, i % 2);
		s = opened(p->store, false);
		assert_holds(s, finished, unfinished);
		fl_store_close(s);
		assert_true(schema_of(p->store) == 1 || schema_of(p->store) == FL_STORE_SCHEMA);
		seen[schema_of(p->store)] = true;
		s = opened(p->store, true);
		assert_holds(s, finished, unfinished);
		fl_store_close(s);
		assert_int_equal(schema_of(p->store), FL_STORE_SCHEMA);
	}
	assert_true(seen[1] && seen[FL_STORE_SCHEMA]);
	fl_run_free(finished);
	fl_run_free(unfinished);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(read_as_it_is),
		TEST(migrated_on_write),
		TEST(interrupted_migration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
