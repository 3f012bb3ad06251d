/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_store.c: a hostile store is opened, listed, loaded and written to. The first byte of the input chooses: the
 * rest is the whole file, or the rest is one value in an otherwise good store. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "record/store.h"
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const columns[] = {
	"UPDATE run SET id = ?",
	"UPDATE run SET suite = ?",
	"UPDATE run SET started_ns = ?",
	"UPDATE run SET status = ?",
	"UPDATE run SET host = ?",
	"UPDATE run SET pid = ?",
	"UPDATE run SET plan = ?",
	"UPDATE run SET declared = ?",
	"UPDATE lane SET case_no = ?",
	"UPDATE lane SET outcome = ?",
	"UPDATE lane SET reason = ?",
	"UPDATE lane SET options = ?",
	"UPDATE lane SET caps = ?",
	"UPDATE lane SET notes = ?",
	"UPDATE series SET metric = ?",
	"UPDATE series SET kind = ?",
	"UPDATE series SET data = ?",
	"UPDATE baseline SET name = ?",
	"UPDATE baseline SET note = ?",
	"UPDATE baseline SET created_ns = ?",
	"UPDATE baseline_run SET place = ?",
	"UPDATE baseline_run SET run = ?",
	"UPDATE watched SET round = ?",
	"UPDATE watched SET subject = ?",
	"UPDATE watched SET metric = ?",
	"UPDATE watched SET data = ?",
	"UPDATE host SET place = ?",
	"UPDATE host SET name = ?",
	"UPDATE host SET machine = ?",
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static void fill_lane(struct fl_run *run)
{
	struct fl_lane_record *lane = fl_run_add_lane(run);

	lane->bench = fl_dup("null.nop");
	lane->series = fl_zalloc(1, sizeof(*lane->series));
	lane->series_n = 1;
	lane->series[0].metric = fl_dup("ops_per_s");
	lane->series[0].n = 2;
	lane->series[0].at = fl_zalloc(2, sizeof(double));
	lane->series[0].value = fl_zalloc(2, sizeof(double));
	lane->series[0].valid = fl_zalloc(2, 1);
}

static void make_good(const char *path, struct fl_text *ret)
{
	struct fl_run *run = fl_zalloc(1, sizeof(*run));
	struct fl_run *done = fl_zalloc(1, sizeof(*done));
	struct fl_watched *watched = fl_run_add_watched(run);
	struct fl_finished all;
	const struct fl_baseline good = { "good", 7, (char *[]){ done->id }, 1, NULL };
	struct fl_store *s;

	fill_lane(run);
	fl_run_add_host(run, "n1", json_object(), json_null());
	watched->subject = fl_dup("gpu-0");
	if (fl_series_make("power_w", FL_SERIES_SAMPLES, 0, &watched->series) < 0)
		abort();
	all = (struct fl_finished){ run->lanes, 1, watched, 1 };
	fl_copy(done->id, sizeof(done->id), "done");
	if (fl_store_open(path, true, &s, NULL) || fl_store_begin(s, run, NULL) ||
	    fl_store_add_case(s, run->id, &all, NULL) || fl_store_begin(s, done, NULL) ||
	    fl_store_finish(s, done->id, 0, NULL) || fl_store_set_baseline(s, &good, false, NULL))
		abort();
	fl_store_close(s);
	fl_run_free(run);
	fl_run_free(done);
	if (fl_file_read(AT_FDCWD, path, 1 << 20, ret, NULL))
		abort();
}

static void put_file(const char *path, const uint8_t *data, size_t n)
{
	FILE *file = fopen(path, "w");

	if (!file || fwrite(data, 1, n, file) != n || fclose(file))
		abort();
}

/* Not every value can be put in: an id must not be null, say. */
static void put_value(const char *path, const uint8_t *data, size_t n, unsigned column, unsigned type)
{
	sqlite3_stmt *stmt;
	sqlite3_int64 number = 0;
	sqlite3 *db;

	if (sqlite3_open(path, &db) || sqlite3_prepare_v2(db, columns[column % COLUMNS], -1, &stmt, NULL))
		abort();
	memcpy(&number, data, n < sizeof(number) ? n : sizeof(number));
	if (type % 4 == 0)
		sqlite3_bind_text(stmt, 1, (const char *)data, (int)n, SQLITE_STATIC);
	else if (type % 4 == 1)
		sqlite3_bind_blob(stmt, 1, data, (int)n, SQLITE_STATIC);
	else if (type % 4 == 2)
		sqlite3_bind_int64(stmt, 1, number);
	sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

/* A failure must be told, and never be a bug of ours. */
static bool ok(int rc, const struct fl_err *err)
{
	if (rc != err->code || rc == -ENOTRECOVERABLE || (rc && !err->what[0]))
		abort();
	return rc == 0;
}

static void write_one(struct fl_store *s, const char *id)
{
	struct fl_run run = { 0 };
	struct fl_err err = { 0 };

	fill_lane(&run);
	if (ok(fl_store_add(s, id, run.lanes, 1, &err), &err))
		ok(fl_store_finish(s, id, 0, &err), &err);
	fl_lane_record_release(run.lanes);
	free(run.lanes);
}

static void use_baselines(struct fl_store *s, bool write)
{
	struct fl_baseline *all = NULL;
	struct fl_err err = { 0 };
	size_t n = 0;

	ok(fl_store_list_baselines(s, &all, &n, &err), &err);
	for (size_t i = 0; i < n && i < 8 && write; i++) {
		err = (struct fl_err){ 0 };
		if (ok(fl_store_set_baseline(s, &all[i], true, &err), &err))
			ok(fl_store_remove_baseline(s, all[i].name, &err), &err);
	}
	fl_baselines_free(all, n);
}

static void use(const char *path, bool write)
{
	struct fl_run_row *rows = NULL;
	struct fl_names hosts = { 0 };
	struct fl_err err = { 0 };
	struct fl_store *s;
	struct fl_run *run;
	size_t n = 0;

	if (!ok(fl_store_open(path, write, &s, &err), &err))
		return;
	use_baselines(s, write);
	ok(fl_store_list(s, &rows, &n, &err), &err);
	for (size_t i = 0; i < n && i < 8; i++) {
		err = (struct fl_err){ 0 };
		if (ok(fl_store_load(s, rows[i].id, &run, &err), &err))
			fl_run_free(run);
		err = (struct fl_err){ 0 };
		if (ok(fl_store_hosts(s, rows[i].id, &hosts, &err), &err))
			fl_names_release(&hosts);
		if (write)
			write_one(s, rows[i].id);
	}
	free(rows);
	fl_store_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct fl_text good; /* made once */
	static const char *const besides[] = { "", "-wal", "-shm", "-journal" };
	char path[64];

	if (n < 3)
		return 0;
	snprintf(path, sizeof(path), "/dev/shm/fl-fuzz-%d.db", (int)getpid());
	if (data[0] & 1) {
		put_file(path, data + 1, n - 1);
	} else {
		if (good.n)
			put_file(path, (const uint8_t *)good.bytes, good.n);
		else
			make_good(path, &good);
		put_value(path, data + 3, n - 3, data[1], data[2]);
	}
	use(path, data[0] & 2);
	for (size_t i = 0; i < sizeof(besides) / sizeof(besides[0]); i++) {
		char *beside = fl_format("%s%s", path, besides[i]);

		unlink(beside);
		free(beside);
	}
	return 0;
}
