/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_bad.c: files that are damaged, foreign, newer, locked or not to be written; a full disk; a killed
 * writer. Each gives one clear line with a hint, and what was committed is still there. */
#include "base/file.h"
#include "record/place.h"
#include "sample.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { NOBODY = 65534, FILE_MAX_BYTES = 4 << 20 };

/* A closed store with one unfinished run "r" of n lanes. */
static void make_store(const char *path, unsigned n)
{
	struct fl_run *run = sample_run("quick");
	struct fl_finished all;
	struct fl_err err = { 0 };
	struct fl_store *s;

	snprintf(run->id, sizeof(run->id), "r");
	for (unsigned i = 0; i < n; i++)
		sample_lane(run, 0, 0, i, 100);
	sample_watched(run, 0, 0, "nvme-S1", "busy_ratio", 5);
	fl_run_add_host(run, "n1", json_object(), json_object());
	all = (struct fl_finished){ run->lanes, n, run->watched, 1 };
	if (fl_store_open(path, true, &s, &err) || fl_store_begin(s, run, &err) ||
	    fl_store_add_case(s, "r", &all, &err))
		fail_msg("%s", err.what);
	fl_store_close(s);
	fl_run_free(run);
}

/* Opens and reads everything; the first error, and how many lanes there were. */
static int read_all(const char *path, bool write, size_t *ret_lanes, struct fl_err *err)
{
	struct fl_run_row *rows;
	struct fl_store *s;
	struct fl_run *run;
	size_t n;
	int rc = fl_store_open(path, write, &s, err);

	*ret_lanes = 0;
	if (rc)
		return rc;
	rc = fl_store_list(s, &rows, &n, err);
	if (rc == 0)
		free(rows);
	if (rc == 0)
		rc = fl_store_load(s, "r", &run, err);
	if (rc == 0) {
		*ret_lanes = run->lanes_n;
		fl_run_free(run);
	}
	fl_store_close(s);
	return rc;
}

static void assert_refused(const char *path, bool write, int code, const char *says)
{
	struct fl_err err = { 0 };
	size_t lanes;
	int rc = read_all(path, write, &lanes, &err);

	if (rc != code)
		fail_msg("'%s' opened for %s: %d (%s), not %d", path, write ? "writing" : "reading", rc, err.what,
			 code);
	if (!strstr(err.what, says))
		fail_msg("'%s' does not say '%s'", err.what, says);
	assert_true(err.hint[0]);
}

static void put(const char *path, const void *bytes, size_t n)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static struct fl_text get(const char *path)
{
	struct fl_text text = { 0 };
	struct fl_err err = { 0 };

	assert_int_equal(fl_file_read(AT_FDCWD, path, FILE_MAX_BYTES, &text, &err), 0);
	return text;
}

/* Refused for reading and writing, and not a byte of it changed. */
static void assert_left_alone(const char *path, int code, const char *says)
{
	struct fl_text before = get(path), after;

	assert_refused(path, false, code, says);
	assert_refused(path, true, code, says);
	after = get(path);
	assert_int_equal(before.n, after.n);
	assert_memory_equal(before.bytes, after.bytes, before.n);
	fl_text_release(&before);
	fl_text_release(&after);
}

static void sql(const char *path, const char *statements)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, statements, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", statements, sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void other_files(void **state)
{
	struct place *p = *state;
	static const char text[] = "suite: quick\nthis is a text file that somebody named by mistake\n"
				   "it is longer than the header of a database, which has a hundred bytes\n";

	put(p->store, text, sizeof(text) - 1);
	assert_left_alone(p->store, -EUCLEAN, "no feedline store");
	put(p->store, "x", 1);
	assert_left_alone(p->store, -EUCLEAN, "no feedline store");
	unlink(p->store);
	sql(p->store, "CREATE TABLE places (url TEXT); INSERT INTO places VALUES ('x')");
	assert_left_alone(p->store, -EUCLEAN, "another program");
	sql(p->store, "PRAGMA application_id=252006674; PRAGMA user_version=1");
	assert_left_alone(p->store, -EUCLEAN, "another program");
	unlink(p->store);
	sql(p->store, "PRAGMA user_version=3");
	assert_left_alone(p->store, -EUCLEAN, "another program");
}

/* The right mark on the wrong tables, among them some that would run code or lie when read. */
static void other_schemas(void **state)
{
	static const struct {
		const char *sql, *says;
		int code;
	} rows[] = {
		{ "PRAGMA user_version=5", "newer feedline (schema 5", -ENOTSUP },
		{ "PRAGMA user_version=1", "tables are not those of schema 1", -EUCLEAN },
		{ "DROP TABLE host; DROP TABLE watched; DROP TABLE baseline_run; DROP TABLE baseline; CREATE VIEW "
		  "baseline AS SELECT 1;"
		  "PRAGMA user_version=1",
		  "tables are not those of schema 1", -EUCLEAN },
		{ "PRAGMA user_version=2147483647", "newer feedline", -ENOTSUP },
		{ "PRAGMA user_version=0", "schema 0", -EUCLEAN },
		{ "PRAGMA user_version=-1", "schema -1", -EUCLEAN },
		{ "DROP TABLE series", "tables are not those", -EUCLEAN },
		{ "DROP TABLE series; DROP TABLE lane; DROP TABLE run; DROP TABLE meta", "tables are not those",
		  -EUCLEAN },
		{ "ALTER TABLE run ADD COLUMN evil TEXT", "tables are not those", -EUCLEAN },
		{ "CREATE VIEW v AS SELECT load_extension('x')", "tables are not those", -EUCLEAN },
		{ "CREATE TRIGGER t AFTER INSERT ON lane BEGIN DELETE FROM run; END", "tables are not those",
		  -EUCLEAN },
		{ "CREATE INDEX i ON run (abs(no))", "tables are not those", -EUCLEAN },
		{ "DROP TABLE meta; CREATE VIEW meta AS SELECT 1 AS key, 2 AS value", "tables are not those",
		  -EUCLEAN },
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unlink(p->store);
		make_store(p->store, 2);
		sql(p->store, rows[i].sql);
		assert_refused(p->store, false, rows[i].code, rows[i].says);
		assert_refused(p->store, true, rows[i].code, rows[i].says);
	}
}

/* Values that our own writer cannot have written. */
static void nonsense_in_rows(void **state)
{
	static const char *const rows[] = {
		"UPDATE run SET plan = '{'",
		"UPDATE host SET place = 7",
		"UPDATE host SET machine = '[]'",
		"UPDATE host SET environment = '{'",
		"UPDATE host SET name = x'00'",
		"UPDATE run SET plan = '[]'",
		"UPDATE run SET plan = 5",
		"UPDATE run SET machine = x'00'",
		"UPDATE run SET started_ns = -1",
		"UPDATE run SET started_ns = 'noon'",
		"UPDATE run SET status = 256",
		"UPDATE run SET status = 'pass'",
		"UPDATE run SET pid = 99999999999",
		"UPDATE run SET suite = 'a' || char(0) || 'b'",
		"UPDATE run SET suite = printf('%.100c', 'x')",
		"UPDATE run SET host = cast(x'ff' AS TEXT)",
		"UPDATE lane SET outcome = 'perfect'",
		"UPDATE lane SET case_no = -1 WHERE lane = 0",
		"UPDATE lane SET round = 4294967296 WHERE lane = 1",
		"UPDATE lane SET facts = '[]'",
		"UPDATE lane SET caps = '{}'",
		"UPDATE lane SET notes = printf('%.*c', 100, '[')",
		"UPDATE lane SET reason = x'41'",
		"UPDATE series SET kind = 'guess'",
		"UPDATE series SET data = substr(data, 2)",
		"UPDATE series SET data = zeroblob(16) || x'02'",
		"UPDATE series SET data = 'text'",
		"UPDATE series SET metric = x'00'",
		"UPDATE watched SET round = -1",
		"UPDATE watched SET case_no = 'first'",
		"UPDATE watched SET subject = x'00'",
		"UPDATE watched SET metric = 'a' || char(0) || 'b'",
		"UPDATE watched SET data = substr(data, 2)",
		"UPDATE watched SET data = 7",
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unlink(p->store);
		make_store(p->store, 2);
		sql(p->store, rows[i]);
		assert_refused(p->store, false, -EUCLEAN, "is damaged");
	}
}

/* Bytes overwritten everywhere: whatever is read is either refused as damaged or well-formed. */
static void damaged_bytes(void **state)
{
	struct place *p = *state;
	struct fl_text good;
	size_t refused = 0, tried = 0, lanes;

	make_store(p->store, 20);
	good = get(p->store);
	for (size_t at = 0; at + 16 <= good.n; at += at < 4096 ? 16 : 509) {
		char kept[16];
		struct fl_err err = { 0 };
		int rc;

		memcpy(kept, good.bytes + at, sizeof(kept));
		memset(good.bytes + at, 0xa5, sizeof(kept));
		put(p->store, good.bytes, good.n);
		memcpy(good.bytes + at, kept, sizeof(kept));
		rc = read_all(p->store, tried % 2, &lanes, &err);
		if (rc != 0 && rc != -EUCLEAN && rc != -ENOENT && rc != -ENOTSUP)
			fail_msg("damage at %zu: %d, %s", at, rc, err.what);
		if (at == 0)
			assert_int_equal(rc, -EUCLEAN);
		refused += rc != 0;
		tried++;
	}
	assert_true(tried > 100);
	assert_true(refused > tried / 10);
	fl_text_release(&good);
}

static void cut_short(void **state)
{
	struct place *p = *state;
	struct fl_text good;

	make_store(p->store, 20);
	good = get(p->store);
	for (size_t n = 1; n < good.n; n += n < 200 ? 50 : 4096) {
		put(p->store, good.bytes, n);
		assert_refused(p->store, false, -EUCLEAN, "store");
	}
	fl_text_release(&good);
}

static void no_file(void **state)
{
	struct place *p = *state;
	char *through = fl_format("%s/store.db/x.db", p->dir);
	char *pipe_path = fl_format("%s/pipe", p->dir);
	char *link_path = fl_format("%s/link", p->dir);

	assert_int_equal(symlink("nowhere/s.db", link_path), 0);
	assert_refused(link_path, false, -ENOENT, "is a link to 'nowhere/s.db', which does not exist");
	assert_refused(link_path, true, -ENOENT, "is a link to 'nowhere/s.db', which does not exist");
	assert_refused(p->store, false, -ENOENT, "No such file");
	assert_refused(p->dir, false, -EINVAL, "is a directory");
	assert_refused(p->dir, true, -EINVAL, "is a directory");
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	assert_refused(pipe_path, false, -EINVAL, "not a file");
	assert_refused(pipe_path, true, -EINVAL, "not a file");
	assert_refused("/dev/null", true, -EINVAL, "not a file");
	make_store(p->store, 1);
	assert_refused(through, false, -ENOTDIR, "Not a directory");
	assert_int_equal(clean(p->dir, 0), 3);
	free(through);
	free(pipe_path);
	free(link_path);
}

/* Root may write anything, so these are tried as somebody else; the child's status is the first wrong line. */
static int as_nobody(int (*check)(const struct place *), const struct place *p)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 && (setegid(NOBODY) < 0 || seteuid(NOBODY) < 0))
			_exit(255);
		_exit(check(p));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

#define EXPECT(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			return __LINE__ & 0xff ? __LINE__ & 0xff : 1;                                                  \
	} while (0)

static int check_read_only(const struct place *p)
{
	char *fresh = fl_format("%s/new.db", p->dir);
	struct fl_err err = { 0 };
	struct fl_store *s;
	size_t lanes;

	EXPECT(read_all(p->store, false, &lanes, &err) == 0 && lanes == 2);
	EXPECT(fl_store_open(p->store, true, &s, &err) == -EACCES);
	EXPECT(strstr(err.what, "cannot be written") && err.hint[0]);
	err = (struct fl_err){ 0 };
	EXPECT(fl_store_open(fresh, true, &s, &err) == -EACCES && err.hint[0]);
	free(fresh);
	return 0;
}

static int check_unreadable(const struct place *p)
{
	struct fl_err err = { 0 };
	size_t lanes;

	EXPECT(read_all(p->store, false, &lanes, &err) == -EACCES);
	EXPECT(strstr(err.what, "cannot be read") && err.hint[0]);
	return 0;
}

static int check_log_unreadable(const struct place *p)
{
	struct fl_err err = { 0 };
	size_t lanes;

	EXPECT(read_all(p->store, false, &lanes, &err) == -EROFS);
	EXPECT(strstr(err.what, "write-ahead log") && err.hint[0]);
	return 0;
}

static void read_only(void **state)
{
	struct place *p = *state;
	char *log = fl_format("%s-wal", p->store);

	make_store(p->store, 2);
	assert_int_equal(chmod(p->store, 0444), 0);
	assert_int_equal(chmod(p->dir, 0555), 0);
	assert_int_equal(as_nobody(check_read_only, p), 0);
	assert_int_equal(clean(p->dir, 0), 1); /* reading made nothing */
	assert_int_equal(chmod(p->dir, 0755), 0);
	put(log, "something", 9);
	assert_int_equal(chmod(log, 0444), 0);
	assert_int_equal(chmod(p->dir, 0555), 0);
	assert_int_equal(as_nobody(check_log_unreadable, p), 0);
	unlink(log);
	assert_int_equal(chmod(p->store, 0000), 0);
	assert_int_equal(as_nobody(check_unreadable, p), 0);
	chmod(p->dir, 0700);
	free(log);
}

static void locked(void **state)
{
	struct place *p = *state;
	struct fl_run *run = sample_run("late");
	struct fl_err err = { 0 };
	struct fl_store *s;
	sqlite3 *other;
	size_t lanes;

	make_store(p->store, 1);
	assert_int_equal(sqlite3_open(p->store, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(fl_store_open(p->store, true, &s, &err), 0);
	assert_int_equal(fl_store_begin(s, run, &err), -EBUSY);
	assert_non_null(strstr(err.what, "is locked by another process"));
	assert_true(err.hint[0]);
	assert_string_equal(run->id, "");
	err = (struct fl_err){ 0 };
	assert_int_equal(read_all(p->store, false, &lanes, &err), 0); /* a reader need not wait */
	assert_int_equal(lanes, 1);
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(fl_store_begin(s, run, &err), 0);
	fl_store_close(s);
	sqlite3_close(other);
	fl_run_free(run);
}

struct other_writer {
	sqlite3 *db;
	unsigned said;
};

static void commits(void *arg, const char *line)
{
	struct other_writer *other = arg;

	other->said++;
	assert_string_equal(line, "the store is locked by another process; waiting");
	assert_int_equal(sqlite3_exec(other->db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
}

/* Who is patient waits as long as another one writes, unless interrupted. */
static void patient(void **state)
{
	struct place *p = *state;
	struct fl_run *run = sample_run("late");
	struct fl_lane_record *lane = sample_lane(run, 0, 0, 0, 4);
	volatile sig_atomic_t interrupt = 0;
	struct other_writer other = { 0 };
	const struct fl_patience patience = { &interrupt, commits, &other };
	struct fl_err err = { 0 };
	struct fl_store *s;

	make_store(p->store, 1);
	assert_int_equal(fl_store_open(p->store, true, &s, &err), 0);
	assert_int_equal(fl_store_begin(s, run, &err), 0);
	fl_store_be_patient(s, &patience);
	assert_int_equal(sqlite3_open(p->store, &other.db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other.db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(fl_store_add(s, run->id, lane, 1, &err), 0);
	assert_int_equal(other.said, 1);
	fl_store_be_patient(s, &(struct fl_patience){ .interrupt = &interrupt });
	assert_int_equal(sqlite3_exec(other.db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	interrupt = 1;
	assert_int_equal(fl_store_finish(s, run->id, 0, &err), -EBUSY);
	assert_int_equal(sqlite3_exec(other.db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(fl_store_finish(s, run->id, 0, &err), 0);
	fl_store_close(s);
	sqlite3_close(other.db);
	fl_run_free(run);
}

static void network_file_systems(void **state)
{
	static const unsigned local[] = { 0xef53 /* ext4 */,	  0x58465342 /* xfs */,	    0x9123683e /* btrfs */,
					  0x01021994 /* tmpfs */, 0x794c7630 /* overlay */, 0x2fc12fc1 /* zfs */ };

	(void)state;
	assert_string_equal(fl_place_network(0x6969), "NFS");
	assert_string_equal(fl_place_network(0xff534d42), "CIFS");
	assert_string_equal(fl_place_network(0x01021997), "9p");
	assert_string_equal(fl_place_network(0x0bd00bd0), "Lustre");
	assert_string_equal(fl_place_network(0x65735546), "FUSE");
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		assert_null(fl_place_network(local[i]));
}

/* Adds lanes first, first + 1, ... of one sample each until one fails or there are `until`. */
static int add_until(struct fl_store *s, unsigned first, unsigned until, unsigned *ret_next, struct fl_err *err)
{
	int rc = 0;

	for (*ret_next = first; *ret_next < until && rc == 0;) {
		struct fl_run run = { 0 };

		sample_lane(&run, 0, 0, *ret_next, 500);
		rc = fl_store_add(s, "r", run.lanes, 1, err);
		*ret_next += rc == 0;
		fl_lane_record_release(run.lanes);
		free(run.lanes);
	}
	return rc;
}

static int fill_the_disk(const struct place *p)
{
	struct rlimit full = { 300 << 10, RLIM_INFINITY }, free_again = { RLIM_INFINITY, RLIM_INFINITY };
	struct fl_err err = { 0 };
	struct fl_store *s;
	struct fl_run *run;
	unsigned stored, more;

	signal(SIGXFSZ, SIG_IGN);
	EXPECT(fl_store_open(p->store, true, &s, &err) == 0);
	EXPECT(setrlimit(RLIMIT_FSIZE, &full) == 0);
	EXPECT(add_until(s, 2, 10000, &stored, &err) == -ENOSPC);
	EXPECT(strstr(err.what, "disk is full") && err.hint[0] && stored > 3);
	EXPECT(fl_store_load(s, "r", &run, NULL) == 0 && run->lanes_n == stored);
	fl_run_free(run);
	EXPECT(setrlimit(RLIMIT_FSIZE, &free_again) == 0);
	EXPECT(add_until(s, stored, stored + 10, &more, NULL) == 0);
	EXPECT(setrlimit(RLIMIT_FSIZE, &full) == 0); /* full again, and so it stays */
	fl_store_close(s);
	EXPECT(fl_store_open(p->store, false, &s, &err) == 0);
	EXPECT(fl_store_load(s, "r", &run, NULL) == 0 && run->lanes_n == more);
	fl_run_free(run);
	fl_store_close(s);
	return 0;
}

static void full_disk(void **state)
{
	struct place *p = *state;
	int status;
	pid_t pid;

	make_store(p->store, 2);
	pid = fork();
	if (pid == 0)
		_exit(fill_the_disk(p));
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Says the number of every lane that is safely stored. */
static void add_and_tell(const struct place *p, unsigned first, int fd)
{
	struct fl_err err = { 0 };
	struct fl_store *s;
	unsigned next;

	if (fl_store_open(p->store, true, &s, &err) || fl_store_resume(s, "r", &err))
		_exit(1);
	for (;; first = next)
		if (add_until(s, first, first + 1, &next, &err) || write(fd, &next, sizeof(next)) != sizeof(next))
			_exit(2);
}

/* Begun by a process that has gone, so that another one may take the run over. */
static void make_abandoned_store(const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		make_store(path, 1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void killed_while_adding(void **state)
{
	struct place *p = *state;
	unsigned told = 1;
	size_t lanes;

	make_abandoned_store(p->store);
	srand((unsigned)getpid());
	for (int i = 0; i < 20; i++) {
		struct fl_err err = { 0 };
		int fds[2];
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (pid == 0)
			add_and_tell(p, told, fds[1]);
		close(fds[1]);
		for (int skip = rand() % 10; skip >= 0; skip--)
			assert_int_equal(read(fds[0], &told, sizeof(told)), sizeof(told));
		usleep((useconds_t)(rand() % 3000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(fds[0], &told, sizeof(told)) == sizeof(told)) /* what it had said before it died */
			;
		close(fds[0]);
		if (read_all(p->store, i % 2, &lanes, &err))
			fail_msg("%s", err.what);
		assert_in_range(lanes, told, told + 1); /* one may be stored and not told */
		told = (unsigned)lanes;
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(other_files),	TEST(other_schemas),
		TEST(nonsense_in_rows), TEST(damaged_bytes),
		TEST(cut_short),	TEST(no_file),
		TEST(read_only),	TEST(locked),
		TEST(patient),		cmocka_unit_test(network_file_systems),
		TEST(full_disk),	TEST(killed_while_adding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
