/* SPDX-License-Identifier: Apache-2.0 */
/* test_store.c: what goes into a store comes out of it, in order, bit for bit; the life of a run. */
#include "record/owner.h"
#include "same.h"
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Every kind of value there is: NaN, infinities, -0, empty arrays, nulls, histograms, an unmeasured lane. */
static void fill_with_everything(struct fl_run *run)
{
	struct fl_lane_record *lane = sample_lane(run, 0, 0, 0, 100);
	struct fl_series *s = &lane->series[0];

	s->value[0] = INFINITY;
	s->value[1] = -0.0;
	memcpy(&s->value[2], "\x01\x02\x03\x04\x05\x06\xf8\x7f", 8); /* a NaN with a payload */
	s->at[3] = NAN;
	add_series(lane, "read_ns", FL_SERIES_HISTOGRAM, 12);
	add_series(lane, "nothing_ns", FL_SERIES_SAMPLES, 0);
	add_series(lane, "no_counts", FL_SERIES_HISTOGRAM, 0);
	lane = fl_run_add_lane(run);
	lane->case_no = 1;
	lane->bench = fl_dup("gpu.h2d");
	lane->outcome = FL_NOT_MEASURED;
	lane->reason = fl_dup("no GPU");
	lane->hint = fl_dup("put one in: \xc3\xa9");
	lane = sample_lane(run, 2, 0, 0, 1);
	lane->outcome = FL_INVALID;
	lane->reason = fl_dup("pages are elsewhere");
	json_array_append_new(lane->distrust, json_string("clock"));
}

static void round_trip(void **state)
{
	struct place *p = *state;
	struct fl_store *s = opened(p->store, true);
	struct fl_run *run = sample_run("quick"), *loaded;

	fill_with_everything(run);
	OK(fl_store_begin(s, run, &err));
	assert_int_equal(strlen(run->id), strlen("20261122T094512Z-7f3a9c"));
	assert_int_equal(run->status, -1);
	OK(fl_store_add(s, run->id, run->lanes, run->lanes_n, &err));
	OK(fl_store_load(s, run->id, &loaded, &err));
	assert_same_run(run, loaded);
	fl_run_free(loaded);
	OK(fl_store_finish(s, run->id, 3, &err));
	fl_store_close(s);

	run->finished = true;
	run->status = 3;
	s = opened(p->store, false);
	OK(fl_store_load(s, "last", &loaded, &err));
	assert_same_run(run, loaded);
	fl_run_free(loaded);
	fl_run_free(run);
	fl_store_close(s);
	assert_int_equal(clean(p->dir, 0), 1); /* neither log nor shared memory stays behind */
}

static void thousand_lanes(void **state)
{
	struct place *p = *state;
	struct fl_store *s = opened(p->store, true);
	struct fl_run *run = sample_run("many"), *loaded;

	for (unsigned i = 0; i < 1000; i++)
		sample_lane(run, 0, 0, i, 10);
	OK(fl_store_begin(s, run, &err));
	OK(fl_store_add(s, run->id, run->lanes, run->lanes_n, &err));
	OK(fl_store_load(s, run->id, &loaded, &err));
	assert_same_run(run, loaded);
	fl_run_free(loaded);
	fl_run_free(run);
	fl_store_close(s);
}

/* Rounds, then cases, then lanes, in whatever order they were finished. */
static void lanes_are_ordered(void **state)
{
	static const unsigned finished[][3] = { { 1, 1, 0 }, { 0, 1, 1 }, { 0, 0, 0 }, { 1, 0, 0 }, { 0, 1, 0 } };
	struct place *p = *state;
	struct fl_store *s = opened(p->store, true);
	struct fl_run *run = sample_run("order"), *loaded;
	unsigned seen = 0;

	OK(fl_store_begin(s, run, &err));
	for (size_t i = 0; i < 5; i++) {
		sample_lane(run, finished[i][1], finished[i][0], finished[i][2], 1);
		OK(fl_store_add(s, run->id, &run->lanes[i], 1, &err));
	}
	OK(fl_store_load(s, run->id, &loaded, &err));
	assert_int_equal(loaded->lanes_n, 5);
	for (size_t i = 0; i < 5; i++) {
		const struct fl_lane_record *l = &loaded->lanes[i];
		unsigned key = 1 + l->round * 100 + l->case_no * 10 + l->lane;

		assert_true(key > seen);
		seen = key;
	}
	fl_run_free(loaded);
	fl_run_free(run);
	fl_store_close(s);
}

/* What was seen beside a case comes with it, in its order, and is replaced with it; other cases keep theirs. */
static void watched_with_its_case(void **state)
{
	struct place *p = *state;
	struct fl_store *s = opened(p->store, true);
	struct fl_run *run = sample_run("watched"), *loaded;
	struct fl_finished f;

	OK(fl_store_begin(s, run, &err));
	sample_lane(run, 1, 0, 0, 3);
	sample_lane(run, 0, 0, 0, 3);
	sample_watched(run, 0, 0, "system", "io_pressure_ratio", 4);
	sample_watched(run, 0, 0, "gpu-1", "power_w", 4);
	sample_watched(run, 0, 0, "gpu-1", "ecc_corrected", 4);
	sample_watched(run, 1, 0, "gpu-1", "power_w", 2);
	f = (struct fl_finished){ run->lanes, 1, run->watched + 3, 1 };
	OK(fl_store_add_case(s, run->id, &f, &err));
	f = (struct fl_finished){ run->lanes + 1, 1, run->watched, 3 };
	OK(fl_store_add_case(s, run->id, &f, &err));
	OK(fl_store_load(s, run->id, &loaded, &err));
	assert_int_equal(loaded->watched_n, 4);
	for (size_t i = 0; i < 4; i++) /* by case, subject and metric: the other way round but for the last */
		assert_true(fl_watched_equal(&loaded->watched[i], &run->watched[i < 3 ? 2 - i : 3]));
	fl_run_free(loaded);

	OK(fl_store_add(s, run->id, run->lanes + 1, 1, &err));
	OK(fl_store_load(s, run->id, &loaded, &err));
	assert_int_equal(loaded->watched_n, 1);
	assert_true(fl_watched_equal(&loaded->watched[0], &run->watched[3]));
	fl_run_free(loaded);

	run->watched[0].series.kind = FL_SERIES_HISTOGRAM;
	f.watched_n = 1;
	REFUSED(fl_store_add_case(s, run->id, &f, &err), -EINVAL, "not a series of samples");
	run->watched[0].series.kind = FL_SERIES_SAMPLES;
	fl_run_free(run);
	fl_store_close(s);
}

static int64_t rows_of(const char *path, const char *table)
{
	char *sql = fl_format("SELECT count(*) FROM %s", table);
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int64_t n;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	free(sql);
	return n;
}

static void lane_is_replaced(void **state)
{
	struct place *p = *state;
	struct fl_store *s = opened(p->store, true);
	struct fl_run *run = sample_run("twice"), *loaded;

	OK(fl_store_begin(s, run, &err));
	sample_lane(run, 0, 0, 0, 50);
	sample_lane(run, 0, 0, 1, 50);
	OK(fl_store_add(s, run->id, run->lanes, 2, &err));
	sample_lane(run, 0, 0, 1, 7);
	add_series(&run->lanes[2], "more_ns", FL_SERIES_HISTOGRAM, 3);
	OK(fl_store_add(s, run->id, &run->lanes[2], 1, &err));
	OK(fl_store_load(s, run->id, &loaded, &err));
	assert_int_equal(loaded->lanes_n, 2);
	assert_same_lane(&loaded->lanes[0], &run->lanes[0]);
	assert_same_lane(&loaded->lanes[1], &run->lanes[2]);
	fl_run_free(loaded);
	fl_run_free(run);
	fl_store_close(s);
	assert_int_equal(rows_of(p->store, "series"), 3); /* those of the old lane are gone */
}

/* All lanes of a call or none: the second one cannot be stored. */
static void add_is_atomic(void **state)
{
	struct place *p = *state;
	struct fl_store *s = opened(p->store, true);
	struct fl_run *run = sample_run("half"), *loaded;

	OK(fl_store_begin(s, run, &err));
	sample_lane(run, 0, 0, 0, 5);
	add_series(sample_lane(run, 0, 0, 1, 5), "bytes_per_s", FL_SERIES_SAMPLES, 5);
	REFUSED(fl_store_add(s, run->id, run->lanes, 2, &err), -EINVAL, "series");
	free(run->lanes[0].series[0].valid);
	run->lanes[0].series[0].valid = NULL;
	REFUSED(fl_store_add(s, run->id, run->lanes, 1, &err), -EINVAL, "lacks an array");
	run->lanes[0].series_n = 0;
	json_decref(run->lanes[0].facts);
	run->lanes[0].facts = json_array();
	REFUSED(fl_store_add(s, run->id, run->lanes, 1, &err), -EINVAL, "'facts'");
	OK(fl_store_load(s, run->id, &loaded, &err));
	assert_int_equal(loaded->lanes_n, 0);
	fl_run_free(loaded);
	run->lanes[0].series_n = 1;
	fl_run_free(run);
	fl_store_close(s);
}

/* A child begins a run; it ends at once, or waits to be killed. */
static pid_t begin_in_child(const struct place *p, const char *id, int64_t started_ns, bool wait_in_it)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct fl_run *run = sample_run("child");
		struct fl_store *s = NULL;

		snprintf(run->id, sizeof(run->id), "%s", id);
		run->started_ns = started_ns;
		if (fl_store_open(p->store, true, &s, NULL) || fl_store_begin(s, run, NULL))
			_exit(1);
		if (write(ready[1], "x", 1) != 1)
			_exit(2);
		while (wait_in_it)
			pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static enum fl_run_state state_of(struct fl_store *s, const char *id)
{
	struct fl_run_row *rows;
	int found = -1;
	size_t n;

	OK(fl_store_list(s, &rows, &n, &err));
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].id, id) == 0)
			found = (int)rows[i].state;
	free(rows);
	assert_int_not_equal(found, -1);
	return (enum fl_run_state)found;
}

static void listing(void **state)
{
	struct place *p = *state;
	struct fl_store *s = opened(p->store, true);
	struct fl_run *newest = sample_run("a suite name that is far too long for the row of a list of runs, really");
	struct fl_run_row *rows;
	size_t n;
	pid_t pid;

	OK(fl_store_list(s, &rows, &n, &err));
	assert_int_equal(n, 0);
	newest->started_ns = 3000;
	OK(fl_store_begin(s, newest, &err));
	assert_string_equal(newest->id + 16, newest->id + strlen("19700101T000000Z"));
	pid = begin_in_child(p, "oldest", 1000, false);
	waitpid(pid, NULL, 0);
	pid = begin_in_child(p, "middle", 2000, false);
	waitpid(pid, NULL, 0);
	OK(fl_store_finish(s, "middle", 1, &err));
	OK(fl_store_list(s, &rows, &n, &err));
	assert_int_equal(n, 3);
	assert_string_equal(rows[0].id, "oldest");
	assert_int_equal(rows[0].state, FL_INTERRUPTED);
	assert_int_equal(rows[0].status, -1);
	assert_int_equal(rows[0].started_ns, 1000);
	assert_string_equal(rows[0].suite, "child");
	assert_string_equal(rows[1].id, "middle");
	assert_int_equal(rows[1].state, FL_FINISHED);
	assert_int_equal(rows[1].status, 1);
	assert_string_equal(rows[2].id, newest->id);
	assert_int_equal(rows[2].state, FL_RUNNING);
	assert_int_equal(strlen(rows[2].suite), sizeof(rows[2].suite) - 1);
	free(rows);
	fl_run_free(newest);
	fl_store_close(s);
}

static void assert_hosts(struct fl_store *s, const char *id, const char *const *want)
{
	struct fl_names names;
	size_t n = 0;

	OK(fl_store_hosts(s, id, &names, &err));
	for (; want[n]; n++)
		assert_true(n < names.n && strcmp(names.items[n], want[n]) == 0);
	assert_int_equal(names.n, n);
	fl_names_release(&names);
}

static void hosts_by_name(void **state)
{
	struct place *p = *state;
	struct fl_store *s = opened(p->store, true);
	struct fl_run *one = sample_run("one"), *many = sample_run("many"), *nameless = sample_run("nameless");

	fl_run_add_host(many, "n9", json_object(), json_object());
	fl_run_add_host(many, "n2", json_object(), json_object());
	json_object_del(nameless->machine, "host");
	OK(fl_store_begin(s, one, &err));
	OK(fl_store_begin(s, many, &err));
	OK(fl_store_begin(s, nameless, &err));
	assert_hosts(s, one->id, (const char *const[]){ "n1", NULL });
	assert_hosts(s, many->id, (const char *const[]){ "n9", "n2", NULL });
	assert_hosts(s, nameless->id, (const char *const[]){ NULL });
	assert_hosts(s, "nosuch", (const char *const[]){ NULL });
	fl_run_free(one);
	fl_run_free(many);
	fl_run_free(nameless);
	fl_store_close(s);
}

static void resuming(void **state)
{
	struct place *p = *state;
	struct fl_store *s = opened(p->store, true);
	pid_t pid = begin_in_child(p, "r1", 1000, true);

	assert_int_equal(state_of(s, "r1"), FL_RUNNING);
	REFUSED(fl_store_resume(s, "r1", &err), -EBUSY, "is being carried out by process");
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	assert_int_equal(state_of(s, "r1"), FL_INTERRUPTED); /* a zombie does not run */
	waitpid(pid, NULL, 0);
	assert_int_equal(state_of(s, "r1"), FL_INTERRUPTED);
	OK(fl_store_resume(s, "r1", &err));
	assert_int_equal(state_of(s, "r1"), FL_RUNNING);
	OK(fl_store_resume(s, "last", &err));
	OK(fl_store_finish(s, "r1", 0, &err));
	REFUSED(fl_store_resume(s, "r1", &err), -EINVAL, "finished (status 0)");
	REFUSED(fl_store_finish(s, "r1", 1, &err), -EINVAL, "finished");
	REFUSED(fl_store_add(s, "r1", NULL, 0, &err), -EINVAL, "finished");
	fl_store_close(s);
}

/* Another host, an earlier boot, a process id used again: none of them is the process that began the run. */
static void owners(void **state)
{
	struct fl_owner self = fl_owner_self(), other = self;

	(void)state;
	assert_true(fl_owner_alive(&self));
	assert_true(fl_owner_equal(&self, &other));
	other.start_ticks++;
	assert_false(fl_owner_alive(&other));
	assert_false(fl_owner_equal(&self, &other));
	other = self;
	other.boot_id[0] ^= 1;
	assert_false(fl_owner_alive(&other));
	other = self;
	snprintf(other.host, sizeof(other.host), "elsewhere");
	assert_false(fl_owner_alive(&other));
	other = self;
	other.pid = INT32_MAX;
	assert_false(fl_owner_alive(&other));
	other = (struct fl_owner){ .pid = self.pid };
	assert_false(fl_owner_alive(&other));
}

static void unknown_runs(void **state)
{
	struct place *p = *state;
	struct fl_store *s = opened(p->store, true);
	struct fl_run *run = sample_run("x"), *loaded = NULL;

	REFUSED(fl_store_load(s, "last", &loaded, &err), -ENOENT, "no run yet");
	snprintf(run->id, sizeof(run->id), "20261122T094512Z-7f3a9c");
	OK(fl_store_begin(s, run, &err));
	REFUSED(fl_store_begin(s, run, &err), -EEXIST, "already");
	REFUSED(fl_store_load(s, "20261122T094512Z-7f3a9d", &loaded, &err), -ENOENT, "7f3a9c'?");
	REFUSED(fl_store_load(s, "?", &loaded, &err), -ENOENT, "the newest is '20261122T094512Z-7f3a9c'");
	REFUSED(fl_store_add(s, "nope", NULL, 0, &err), -ENOENT, "nope");
	REFUSED(fl_store_finish(s, "nope", 0, &err), -ENOENT, "nope");
	REFUSED(fl_store_resume(s, "nope", &err), -ENOENT, "nope");
	REFUSED(fl_store_finish(s, run->id, 256, &err), -EINVAL, "256");
	snprintf(run->id, sizeof(run->id), "last");
	REFUSED(fl_store_begin(s, run, &err), -EINVAL, "cannot be the id");
	snprintf(run->id, sizeof(run->id), "a b");
	REFUSED(fl_store_begin(s, run, &err), -EINVAL, "cannot be the id");
	assert_null(loaded);
	fl_run_free(run);
	fl_store_close(s);
}

static void reading_only(void **state)
{
	struct place *p = *state;
	struct fl_store *w = opened(p->store, true), *r = opened(p->store, false);
	struct fl_run *run = sample_run("x"), *loaded;

	REFUSED(fl_store_begin(r, run, &err), -EROFS, "reading only");
	assert_string_equal(run->id, "");
	OK(fl_store_begin(w, run, &err));
	sample_lane(run, 0, 0, 0, 3);
	OK(fl_store_add(w, run->id, run->lanes, 1, &err));
	OK(fl_store_load(r, run->id, &loaded, &err)); /* while the other one is open */
	assert_int_equal(loaded->lanes_n, 1);
	fl_run_free(loaded);
	fl_run_free(run);
	fl_store_close(r);
	fl_store_close(w);
}

static void modes(void **state)
{
	struct place *p = *state;
	char *path = fl_format("%s/inner/store.db", p->dir);
	char *dir = fl_format("%s/inner", p->dir);
	struct stat st;

	fl_store_close(opened(path, true));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	free(path);
	free(dir);
}

/* Names that mean something to SQLite or in a URI are names of files here. */
static void odd_names(void **state)
{
	static const char *const names[] = {
		":memory:", "file:x", "a?immutable=1", "b%41#c", "with blank", "-\xc3\xa9"
	};
	struct place *p = *state;

	assert_int_equal(chdir(p->dir), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct fl_run *run = sample_run("x");
		struct fl_store *s = opened(names[i], true);
		char *path;

		OK(fl_store_begin(s, run, &err));
		fl_store_close(s);
		assert_int_equal(access(names[i], R_OK), 0);
		path = fl_format("./%s", names[i]);
		assert_int_equal(rows_of(path, "run"), 1);
		free(path);
		fl_run_free(run);
	}
	assert_int_equal(clean(p->dir, 0), 6);
	assert_int_equal(chdir("/"), 0);
}

static void empty_file(void **state)
{
	struct place *p = *state;
	FILE *file = fopen(p->store, "w");
	struct fl_run *run = sample_run("x");
	struct fl_run_row *rows;
	struct fl_store *s;
	size_t n;

	fclose(file);
	s = opened(p->store, false);
	OK(fl_store_list(s, &rows, &n, &err));
	assert_int_equal(n, 0);
	REFUSED(fl_store_begin(s, run, &err), -EROFS, "reading only");
	fl_store_close(s);
	assert_int_equal(clean(p->dir, 0), 1);
	s = opened(p->store, true);
	OK(fl_store_begin(s, run, &err));
	fl_store_close(s);
	fl_run_free(run);
}

/* A worker's last words may be in any encoding; the store stays readable. */
static void other_encodings(void **state)
{
	struct place *p = *state;
	struct fl_store *s = opened(p->store, true);
	struct fl_run *run = sample_run("x"), *loaded;

	OK(fl_store_begin(s, run, &err));
	sample_lane(run, 0, 0, 0, 1)->reason = fl_dup("Ger\xe4t weg");
	OK(fl_store_add(s, run->id, run->lanes, 1, &err));
	OK(fl_store_load(s, run->id, &loaded, &err));
	assert_string_equal(loaded->lanes[0].reason, "Ger?t weg");
	fl_run_free(loaded);
	fl_run_free(run);
	fl_store_close(s);
}

static void state_names(void **state)
{
	(void)state;
	assert_string_equal(fl_run_state_name(FL_RUNNING), "running");
	assert_string_equal(fl_run_state_name(FL_INTERRUPTED), "interrupted");
	assert_string_equal(fl_run_state_name(FL_FINISHED), "finished");
	for (int i = FL_MEASURED; i <= FL_INVALID; i++)
		assert_int_equal(fl_outcome_of(fl_outcome_name((enum fl_outcome)i)), i);
	assert_int_equal(fl_outcome_of("perfect"), -1);
	fl_store_close(NULL);
	fl_run_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(round_trip),
		TEST(thousand_lanes),
		TEST(lanes_are_ordered),
		TEST(lane_is_replaced),
		TEST(watched_with_its_case),
		TEST(add_is_atomic),
		TEST(listing),
		TEST(hosts_by_name),
		TEST(resuming),
		cmocka_unit_test(owners),
		TEST(unknown_runs),
		TEST(reading_only),
		TEST(modes),
		TEST(odd_names),
		TEST(empty_file),
		TEST(other_encodings),
		cmocka_unit_test(state_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
