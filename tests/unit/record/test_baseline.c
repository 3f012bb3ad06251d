/* SPDX-License-Identifier: Apache-2.0 */
/* test_baseline.c: names for runs: set, found, listed, replaced, removed, refused. */
#include "same.h"
#include <errno.h>
#include <sqlite3.h>

static void add_run(struct fl_store *s, const char *id, int64_t started_ns, bool finished)
{
	struct fl_run *run = sample_run("quick");

	snprintf(run->id, sizeof(run->id), "%s", id);
	run->started_ns = started_ns;
	OK(fl_store_begin(s, run, &err));
	if (finished)
		OK(fl_store_finish(s, id, 0, &err));
	fl_run_free(run);
}

/* Runs a, b, c, finished, and d, which is not. */
static struct fl_store *with_runs(const char *path)
{
	struct fl_store *s = opened(path, true);

	add_run(s, "a", 1000, true);
	add_run(s, "b", 2000, true);
	add_run(s, "c", 3000, true);
	add_run(s, "d", 500, false);
	return s;
}

static struct fl_baseline named(const char *name, int64_t created_ns, char **runs, size_t runs_n)
{
	struct fl_baseline b = { .created_ns = created_ns, .runs = runs, .runs_n = runs_n };

	snprintf(b.name, sizeof(b.name), "%s", name);
	return b;
}

static void set_and_find(void **state)
{
	struct place *p = *state;
	struct fl_store *s = with_runs(p->store);
	struct fl_baseline b = named("good-1.0_x", 77, (char *[]){ "last", "a" }, 2), found, *all;
	size_t n;

	b.note = "after the new firmware: \xc3\xa9";
	OK(fl_store_set_baseline(s, &b, false, &err));
	fl_store_close(s);
	s = opened(p->store, false);
	OK(fl_store_find_baseline(s, "good-1.0_x", &found, &err));
	assert_string_equal(found.name, b.name);
	assert_int_equal(found.created_ns, 77);
	assert_int_equal(found.runs_n, 2);
	assert_string_equal(found.runs[0], "c"); /* the newest, in the order in which they were named */
	assert_string_equal(found.runs[1], "a");
	assert_string_equal(found.note, b.note);
	fl_baseline_release(&found);
	REFUSED(fl_store_set_baseline(s, &b, true, &err), -EROFS, "reading only");
	fl_store_close(s);
	s = opened(p->store, true);
	b = named("older", 5, (char *[]){ "b" }, 1);
	OK(fl_store_set_baseline(s, &b, false, &err));
	OK(fl_store_list_baselines(s, &all, &n, &err));
	assert_int_equal(n, 2);
	assert_string_equal(all[0].name, "older");
	assert_null(all[0].note);
	assert_string_equal(all[1].runs[1], "a");
	fl_baselines_free(all, n);
	fl_store_close(s);
}

static void replaced_and_removed(void **state)
{
	struct place *p = *state;
	struct fl_store *s = with_runs(p->store);
	struct fl_baseline b = named("good", 0, (char *[]){ "a", "b" }, 2), found;

	OK(fl_store_set_baseline(s, &b, true, &err)); /* nothing was there */
	REFUSED(fl_store_set_baseline(s, &b, false, &err), -EEXIST, "already in store");
	b = named("good", 0, (char *[]){ "c" }, 1);
	OK(fl_store_set_baseline(s, &b, true, &err));
	OK(fl_store_find_baseline(s, "good", &found, &err));
	assert_int_equal(found.runs_n, 1);
	assert_string_equal(found.runs[0], "c");
	assert_true(found.created_ns > 0);
	fl_baseline_release(&found);
	b = named("good", 0, (char *[]){ "d" }, 1);
	REFUSED(fl_store_set_baseline(s, &b, true, &err), -EINVAL, "not finished");
	OK(fl_store_find_baseline(s, "good", &found, &err)); /* a refusal gives nothing up */
	fl_baseline_release(&found);
	REFUSED(fl_store_remove_baseline(s, "goof", &err), -ENOENT, "did you mean 'good'?");
	REFUSED(fl_store_remove_baseline(s, "zzzzzzzz", &err), -ENOENT, "the newest is 'good'");
	OK(fl_store_remove_baseline(s, "good", &err));
	REFUSED(fl_store_find_baseline(s, "good", &found, &err), -ENOENT, "no baseline yet");
	fl_store_close(s);
}

static void refused(void **state)
{
	static const struct {
		const char *name;
		char *runs[3];
		size_t n;
		int code;
		const char *says;
	} rows[] = {
		{ "", { "a" }, 1, -EINVAL, "cannot be the name" },
		{ "last", { "a" }, 1, -EINVAL, "cannot be the name" },
		{ "a b", { "a" }, 1, -EINVAL, "cannot be the name" },
		{ "../x", { "a" }, 1, -EINVAL, "cannot be the name" },
		{ "b", { "a" }, 1, -EINVAL, "is the id of a run" },
		{ "x", { 0 }, 0, -EINVAL, "can have 1 to 1000" },
		{ "x", { "nope" }, 1, -ENOENT, "no run 'nope'" },
		{ "x", { "a", "d" }, 2, -EINVAL, "run 'd' is not finished" },
		{ "x", { "a", "b", "a" }, 3, -EINVAL, "'a' is named twice" },
		{ "x", { "c", "last" }, 2, -EINVAL, "'c' is named twice" },
	};
	struct place *p = *state;
	struct fl_store *s = with_runs(p->store);
	struct fl_run *run = sample_run("x");
	struct fl_baseline b, *all;
	char note[FL_BASELINE_NOTE_MAX + 2];
	size_t n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		b = named(rows[i].name, 0, (char **)(uintptr_t)rows[i].runs, rows[i].n);
		REFUSED(fl_store_set_baseline(s, &b, false, &err), rows[i].code, rows[i].says);
	}
	memset(note, 'x', sizeof(note) - 1);
	note[sizeof(note) - 1] = 0;
	b = named("x", 0, (char *[]){ "a" }, 1);
	b.note = note;
	REFUSED(fl_store_set_baseline(s, &b, false, &err), -EINVAL, "longer than");
	OK(fl_store_list_baselines(s, &all, &n, &err));
	assert_int_equal(n, 0);
	fl_baselines_free(all, n);
	b = named("x", 0, (char *[]){ "a" }, 1);
	OK(fl_store_set_baseline(s, &b, false, &err));
	snprintf(run->id, sizeof(run->id), "x"); /* nor may a run be called as a baseline is */
	REFUSED(fl_store_begin(s, run, &err), -EEXIST, "name of a baseline");
	fl_run_free(run);
	fl_store_close(s);
}

static void sql(const char *path, const char *statements)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, statements, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", statements, sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* Values that our own writer cannot have written. */
static void nonsense_in_rows(void **state)
{
	static const char *const rows[] = {
		"DELETE FROM baseline_run",
		"UPDATE baseline SET name = x'00'",
		"UPDATE baseline SET name = printf('%.100c', 'x')",
		"UPDATE baseline SET created_ns = -1",
		"UPDATE baseline SET created_ns = 'noon'",
		"UPDATE baseline SET note = x'ff'",
		"UPDATE baseline_run SET run = 99 WHERE place = 0; DELETE FROM baseline_run WHERE place = 1",
		"UPDATE run SET id = x'00' WHERE id = 'a'",
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_baseline b = named("good", 0, (char *[]){ "a", "b" }, 2), *all = NULL;
		struct fl_store *s;
		size_t n = 0;

		clean(p->dir, 1);
		s = with_runs(p->store);
		OK(fl_store_set_baseline(s, &b, false, &err));
		fl_store_close(s);
		sql(p->store, rows[i]);
		s = opened(p->store, false);
		REFUSED(fl_store_list_baselines(s, &all, &n, &err), -EUCLEAN, "is damaged");
		assert_null(all);
		fl_store_close(s);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(set_and_find),
		TEST(replaced_and_removed),
		TEST(refused),
		TEST(nonsense_in_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
