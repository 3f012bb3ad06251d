/* SPDX-License-Identifier: Apache-2.0 */
/* test_import.c: what is exported comes back bit by bit, once; what is no export changes nothing. */
#include "record/export.h"
#include "record/import.h"
#include "record/journal.h"
#include "same.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

/* Every kind of value there is. */
static struct fl_run *everything(const char *id, int64_t started_ns)
{
	struct fl_run *run = sample_run("quick");
	struct fl_lane_record *lane = sample_lane(run, 0, 0, 0, 100);
	struct fl_series *s = &lane->series[0];

	snprintf(run->id, sizeof(run->id), "%s", id);
	run->started_ns = started_ns;
	s->value[0] = INFINITY;
	s->value[1] = -0.0;
	memcpy(&s->value[2], "\x01\x02\x03\x04\x05\x06\xf8\x7f", 8); /* a NaN with a payload */
	s->at[3] = -NAN;
	s->value[4] = 0x1p53;
	s->value[5] = 0x1.fffffffffffffp1023;
	s->value[6] = 0x1p-1074;
	s->value[7] = -1.0 / 3;
	s->value[8] = 123456789012345680.0;
	s->value[9] = 1e22;
	s->value[10] = 1e23;
	s->value[11] = 9007199254740993.0;
	s->value[12] = 0.1;
	add_series(lane, "read_ns", FL_SERIES_HISTOGRAM, 12);
	memset(lane->series[1].valid, 0, 12); /* means nothing there, and a store forgets it */
	add_series(lane, "nothing_ns", FL_SERIES_SAMPLES, 0);
	lane = fl_run_add_lane(run);
	lane->case_no = 1;
	lane->bench = fl_dup("gpu.h2d");
	lane->outcome = FL_NOT_MEASURED;
	lane->reason = fl_dup("no \"GPU\"\n\\");
	lane->hint = fl_dup("put one in: \xc3\xa9");
	lane = sample_lane(run, 0, 1, 0, 3);
	lane->outcome = FL_INVALID;
	lane->reason = fl_dup("pages are elsewhere");
	json_array_append_new(lane->distrust, json_string("clock"));
	fl_run_add_host(run, "n1", json_pack("{s:s}", "host", "n1"), json_null());
	fl_run_add_host(run, "n2", json_pack("{s:s}", "host", "n2"), json_pack("{s:i}", "k", 1));
	sample_watched(run, 0, 0, "nvme-S1", "busy_ratio", 5)->series.value[2] = NAN;
	sample_watched(run, 0, 0, "nvme-S1", "in_flight", 2);
	sample_watched(run, 0, 0, "system", "io_pressure_ratio", 0);
	sample_watched(run, 0, 1, "gpu-0000:41:00.0", "xid", 1)->series.valid[0] = 0;
	return run;
}

static void put_in(struct fl_store *s, struct fl_run *run, bool finish)
{
	const struct fl_finished all = { run->lanes, run->lanes_n, run->watched, run->watched_n };

	OK(fl_store_begin(s, run, &err));
	OK(fl_store_add_case(s, run->id, &all, &err));
	if (finish)
		OK(fl_store_finish(s, run->id, 3, &err));
	run->finished = finish;
	run->status = finish ? 3 : -1;
}

static int put(void *arg, const char *bytes, size_t n, struct fl_err *err)
{
	(void)err;
	fl_text_put(arg, bytes, n);
	return 0;
}

static struct fl_text exported(const char *path, const char *const *names, size_t n)
{
	struct fl_store *s = opened(path, false);
	struct fl_text text = { 0 };

	OK(fl_export(s, names, n, &(struct fl_sink){ put, &text }, &err));
	fl_store_close(s);
	return text;
}

static int import(const char *path, const char *text, size_t n, struct fl_imported *did, struct fl_err *err)
{
	int fd = memfd_create("import", MFD_CLOEXEC), rc;
	struct fl_import *import;
	struct fl_store *s;

	assert_int_equal(write(fd, text, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	rc = fl_import_open(fd, "x.jsonl", &import, err);
	if (rc == 0) {
		s = opened(path, true);
		rc = fl_import_run(import, s, did, err);
		fl_store_close(s);
		fl_import_close(import);
	}
	close(fd);
	assert_int_equal(rc, err->code);
	return rc;
}

/* Runs "a", which is finished, and "b", which is not, and baseline "good" of the first. */
static struct fl_text sample_export(const char *path)
{
	struct fl_run *a = everything("a", 1000), *b = everything("b", 2000);
	struct fl_store *s = opened(path, true);

	put_in(s, a, true);
	put_in(s, b, false);
	OK(fl_store_set_baseline(s, &(struct fl_baseline){ "good", 5, (char *[]){ "a" }, 1, "a \"note\"" }, false,
				 &err));
	fl_store_close(s);
	fl_run_free(a);
	fl_run_free(b);
	return exported(path, NULL, 0);
}

static void assert_same(const struct fl_text *a, const struct fl_text *b)
{
	assert_string_equal(fl_text_str(a), fl_text_str(b));
}

static void round_trip(void **state)
{
	struct place *p = *state;
	struct fl_text there, back;
	struct fl_imported did = { 0 };
	char *copy = fl_format("%s/copy.db", p->dir);
	struct fl_run *before, *after;
	struct fl_store *s;

	there = sample_export(p->store);
	OK(import(copy, there.bytes, there.n, &did, &err));
	assert_int_equal(did.runs, 2);
	assert_int_equal(did.baselines, 1);
	assert_int_equal(did.runs_there + did.baselines_there, 0);
	for (int i = 0; i < 2; i++) {
		s = opened(p->store, false);
		OK(fl_store_load(s, i ? "b" : "a", &before, &err));
		fl_store_close(s);
		s = opened(copy, false);
		OK(fl_store_load(s, i ? "b" : "a", &after, &err));
		fl_store_close(s);
		assert_same_run(before, after);
		fl_run_free(before);
		fl_run_free(after);
	}
	back = exported(copy, NULL, 0);
	assert_same(&there, &back);
	fl_text_release(&back);
	OK(import(copy, there.bytes, there.n, &did, &err)); /* again: nothing changes */
	assert_int_equal(did.runs + did.baselines, 0);
	assert_int_equal(did.runs_there, 2);
	assert_int_equal(did.baselines_there, 1);
	back = exported(copy, NULL, 0);
	assert_same(&there, &back);
	fl_text_release(&back);
	fl_text_release(&there);
	free(copy);
}

/* Nobody carries out what came from elsewhere, though this process does where it was made. */
static void unfinished_is_interrupted(void **state)
{
	struct place *p = *state;
	struct fl_text there = sample_export(p->store);
	char *copy = fl_format("%s/copy.db", p->dir);
	struct fl_imported did;
	struct fl_run_row *rows;
	struct fl_store *s;
	size_t n;

	OK(import(copy, there.bytes, there.n, &did, &err));
	s = opened(copy, true);
	OK(fl_store_list(s, &rows, &n, &err));
	assert_int_equal(n, 2);
	assert_int_equal(rows[1].state, FL_INTERRUPTED);
	free(rows);
	OK(fl_store_resume(s, "b", &err));
	OK(fl_store_finish(s, "b", 0, &err));
	fl_store_close(s);
	REFUSED(import(copy, there.bytes, there.n, &did, &err), -EEXIST, "run 'b' is in store");
	fl_text_release(&there);
	free(copy);
}

static void chosen(void **state)
{
	static const struct {
		const char *names[2];
		size_t n;
		bool a, b, good;
	} rows[] = {
		{ { 0 }, 0, true, true, true },
		{ { "a" }, 1, true, false, false },
		{ { "last" }, 1, false, true, false },
		{ { "good" }, 1, true, false, true },
		{ { "last", "b" }, 2, false, true, false },
		{ { "b", "good" }, 2, true, true, true },
	};
	struct place *p = *state;
	struct fl_text text = sample_export(p->store);
	struct fl_store *s;

	fl_text_release(&text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text = exported(p->store, rows[i].names, rows[i].n);
		assert_int_equal(strstr(text.bytes, "{\"run\":{\"started_ns\":1000,") != NULL, rows[i].a);
		assert_int_equal(strstr(text.bytes, "{\"run\":{\"started_ns\":2000,") != NULL, rows[i].b);
		assert_int_equal(strstr(text.bytes, "{\"baseline\":") != NULL, rows[i].good);
		fl_text_release(&text);
	}
	s = opened(p->store, false);
	REFUSED(fl_export(s, (const char *[]){ "goof" }, 1, &(struct fl_sink){ put, &text }, &err), -ENOENT,
		"did you mean 'good'?");
	REFUSED(fl_export(s, (const char *[]){ "zzzzzz" }, 1, &(struct fl_sink){ put, &text }, &err), -ENOENT,
		"the newest is 'b'");
	fl_store_close(s);
	fl_text_release(&text);
}

/* Refused with these words, and nothing of it is in the store, which held something before. */
static void assert_refused(const char *path, const char *text, size_t n, int code, const char *says)
{
	struct fl_text before = exported(path, NULL, 0), after;
	struct fl_imported did;

	REFUSED(import(path, text, n, &did, &err), code, says);
	after = exported(path, NULL, 0);
	assert_same(&before, &after);
	fl_text_release(&before);
	fl_text_release(&after);
}

/* One lane of run "b" more, and something beside it; what its store exports then. */
static struct fl_text exported_with(struct fl_store *s, const char *path, const struct fl_lane_record *lane,
				    const struct fl_watched *watched)
{
	const struct fl_finished one = { lane, 1, watched, 1 };

	OK(fl_store_add_case(s, "b", &one, &err));
	return exported(path, NULL, 0);
}

/* What was exported before its end gets the rest from a later export, in whatever order it was measured. */
static void completed(void **state)
{
	struct place *p = *state;
	char *copy = fl_format("%s/copy.db", p->dir), *other = fl_format("%s/other.db", p->dir);
	struct fl_run *run = everything("b", 2000);
	struct fl_store *s = opened(p->store, true);
	struct fl_text early, late, back;
	const struct fl_finished all = { run->lanes, run->lanes_n, run->watched, run->watched_n };
	struct fl_imported did;

	OK(fl_store_begin(s, run, &err));
	early = exported_with(s, p->store, &run->lanes[1], &run->watched[1]);
	OK(import(copy, early.bytes, early.n, &did, &err));
	OK(fl_store_add_case(s, "b", &all, &err));
	OK(fl_store_finish(s, "b", 3, &err));
	fl_store_close(s);
	late = exported(p->store, NULL, 0);
	OK(import(copy, late.bytes, late.n, &did, &err));
	assert_int_equal(did.runs_completed, 1);
	assert_int_equal(did.runs + did.runs_there, 0);
	back = exported(copy, NULL, 0);
	assert_same(&late, &back);
	OK(import(copy, late.bytes, late.n, &did, &err));
	assert_int_equal(did.runs_there, 1);
	assert_refused(copy, early.bytes, early.n, -EEXIST, "run 'b' is in store"); /* it would lose its end */
	fl_text_release(&back);

	s = opened(other, true); /* one that lacks what the early one has: not a later export of it */
	OK(fl_store_begin(s, run, &err));
	back = exported_with(s, other, &run->lanes[0], &run->watched[0]);
	fl_store_close(s);
	unlink(copy);
	OK(import(copy, early.bytes, early.n, &did, &err));
	assert_refused(copy, back.bytes, back.n, -EEXIST, "run 'b' is in store");
	fl_text_release(&back);
	fl_text_release(&late);
	fl_text_release(&early);
	fl_run_free(run);
	free(other);
	free(copy);
}

static void put_other(const char *path)
{
	struct fl_run *run = everything("other", 77);
	struct fl_store *s = opened(path, true);

	put_in(s, run, true);
	fl_store_close(s);
	fl_run_free(run);
}

static void cut_short(void **state)
{
	struct place *p = *state;
	struct fl_text text = sample_export(p->store);
	char *copy = fl_format("%s/copy.db", p->dir);
	struct fl_imported did;

	put_other(copy);
	for (size_t n = 0; n < text.n - 1; n += n % 7 ? 1 : 61)
		assert_refused(copy, text.bytes, n, -EINVAL, "x.jsonl");
	for (const char *line = text.bytes; (line = strchr(line, '\n')) && line[1]; line++)
		assert_refused(copy, text.bytes, (size_t)(line - text.bytes) + 1, -EINVAL, "cut short");
	OK(import(copy, text.bytes, text.n - 1, &did, &err)); /* only the last newline */
	fl_text_release(&text);
	free(copy);
}

/* The text with the first `find` behind the first `after` replaced. */
static struct fl_text changed(const struct fl_text *from, const char *after, const char *find, const char *by)
{
	const char *at = strstr(from->bytes, after);
	struct fl_text text = { 0 };

	at = at ? strstr(at, find) : NULL;
	if (!at)
		fail_msg("no '%s' behind '%s'", find, after);
	fl_text_put(&text, from->bytes, (size_t)(at - from->bytes));
	fl_text_add(&text, "%s%s", by, at + strlen(find));
	return text;
}

static const struct change {
	const char *after, *find, *by, *says;
} hostile[] = {
	{ "", "{\"feedline_export\":3", "{\"feedline_export\":4", "newer feedline (schema 4" },
	{ "", "{\"feedline_export\":3", "{\"feedline_export\":0", "is not an export" },
	{ "", "{\"feedline_export\":3", "{\"feedline_export\":\"1\"", "is not an export" },
	{ "", "{\"feedline_export\"", "{\"export\"", "is not an export" },
	{ "", "{\"feedline_export\"", "\x1f\x8b", "gunzip" },
	{ "", "{\"feedline_export\"", "SQLite format 3", "--store" },
	{ "", "{\"run\":{", "{\"run\":[", "x.jsonl:2:" },
	{ "", "{\"run\":{", "{\"walk\":{", "x.jsonl:2: no line of this kind" },
	{ "", "{\"run\":{", "[{\"run\":{", "x.jsonl:2:1: an object is expected" },
	{ "{\"run\"", "\"id\":\"a\"", "\"id\":\"last\"", "cannot be the id" },
	{ "{\"run\"", "\"id\":\"a\"", "\"id\":\"../a\"", "cannot be the id" },
	{ "{\"run\"", "\"id\":\"a\"", "\"id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "too long" },
	{ "{\"run\"", "\"id\":\"a\"", "\"id\":7", "'id' must be text" },
	{ "{\"run\"", "\"id\":\"a\"", "\"id\":\"a\",\"id\":\"a\"", "x.jsonl:2:" },
	{ "{\"run\"", "\"id\":\"a\"", "\"id\":\"a\",\"more\":1", "not known" },
	{ "{\"run\"", "\"started_ns\":1000", "\"started_ns\":-1", "outside 0" },
	{ "{\"run\"", "\"status\":3", "\"status\":256", "outside 0..255" },
	{ "{\"run\"", "\"status\":3", "\"status\":false", "'status' must be a whole number" },
	{ "{\"run\"", "\"plan\":{", "\"plan\":7,\"x\":{", "'plan' must be an object or null" },
	{ "", "{\"lane\":{", "{\"lane\":[", "x.jsonl:5:9: an object is expected" },
	{ "", "{\"lane\":{", "{\"lane\":{\"more\":1,", "no such member" },
	{ "", "{\"lane\":{", "{\"lane\":{\"round\":0,", "was there before" },
	{ "{\"lane\"", "\"hint\":null,", "", "is missing" },
	{ "{\"lane\"", "\"bench\":\"memory.copy\"", "\"bench\":null", "'bench'" },
	{ "{\"lane\"", "\"bench\":\"memory.copy\"", "\"bench\":7", "a text or null" },
	{ "{\"lane\"", "\"outcome\":\"measured\"", "\"outcome\":\"perfect\"", "no outcome" },
	{ "{\"lane\"", "\"round\":0", "\"round\":1000", "no whole number that can be here" },
	{ "{\"lane\"", "\"round\":0", "\"round\":0.0", "no whole number that can be here" },
	{ "{\"lane\"", "\"round\":0", "\"round\":-1", "no whole number that can be here" },
	{ "{\"lane\"", "\"case\":0", "\"case\":10000", "no whole number that can be here" },
	{ "{\"lane\"", "\"options\":{", "\"options\":[{", "x.jsonl:5:" },
	{ "{\"lane\"", "\"caps\":[", "\"caps\":{},\"x\":[", "a list or null" },
	{ "{\"lane\"", "\"facts\":{", "\"facts\":{\"buffers\":1,", "an object or null" },
	{ "{\"lane\"", "\"kind\":\"samples\"", "\"kind\":\"guess\"", "'kind' must be" },
	{ "{\"lane\"", "\"metric\":\"bytes_per_s\"", "\"metric\":\"b\\u0000\"", "no text that can be here" },
	{ "{\"lane\"", "\"metric\":\"read_ns\"", "\"metric\":\"bytes_per_s\"", "two series of one metric" },
	{ "{\"lane\"", "\"at\":[", "\"at\":[1,", "not equally long" },
	{ "{\"lane\"", "\"at\":[", "\"at\":[[", "a number is expected" },
	{ "{\"lane\"", "\"at\":[", "\"at\":[,", "a number is expected" },
	{ "{\"lane\"", "\"at\":[", "\"at\":{", "a list is expected" },
	{ "{\"lane\"", "\"valid\":[1", "\"valid\":[2", "no whole number that can be here" },
	{ "{\"lane\"", "\"valid\":[1", "\"valid\":[true", "a number is expected" },
	{ "{\"lane\"", "\"valid\":[1", "\"valid\":[1,1", "not equally long" },
	{ "\"histogram\"", "}", ",\"valid\":[1,1,1,1,1,1,1,1,1,1,1,1]}", "a histogram has no 'valid'" },
	{ "{\"lane\"", "\"7ff0000000000000\"", "\"4000000000000000\"", "must be written as one" },
	{ "{\"lane\"", "\"7ff0000000000000\"", "\"7ff\"", "no number" },
	{ "{\"lane\"", "\"7ff0000000000000\"", "\"7FF0000000000000\"", "no number" },
	{ "{\"lane\"", "\"7ff0000000000000\"", "1e999", "does not exist" },
	{ "{\"lane\"", "\"7ff0000000000000\"", "01", "does not begin with 0" },
	{ "{\"lane\"", "\"7ff0000000000000\"", "1.", "a number is expected" },
	{ "{\"lane\"", "\"7ff0000000000000\"", "1e", "a number is expected" },
	{ "{\"lane\"", "\"7ff0000000000000\"", "NaN", "a number is expected" },
	{ "{\"lane\"", "\"7ff0000000000000\"", "nullx", "a number is expected" },
	{ "", "{\"lane\":{\"round\":1", "{\"lane\":{\"round\":0", "not in its place" },
	{ "", "}}\n{\"lane\"", "},\"more\":1}\n{\"lane\"", "one member" },
	{ "{\"lane\"", "}}\n{\"lane\"", "}} x\n{\"lane\"", "must end here" },
	{ "{\"lane\"", "}}\n{\"lane\"", "},\"more\":1}\n{\"lane\"", "one member" },
	{ "", "{\"watched\":{", "{\"watched\":[", "an object is expected" },
	{ "", "{\"watched\":{", "{\"watched\":{\"more\":1,", "no such member" },
	{ "", "{\"watched\":{", "{\"watched\":{\"round\":0,", "was there before" },
	{ "{\"watched\"", "\"round\":0,", "", "is missing" },
	{ "{\"watched\"", "\"round\":0", "\"round\":1000", "no whole number that can be here" },
	{ "{\"watched\"", "\"case\":0", "\"case\":10000", "no whole number that can be here" },
	{ "{\"watched\"", "\"subject\":\"nvme-S1\"", "\"subject\":null", "'subject' must be" },
	{ "{\"watched\"", "\"kind\":\"samples\"", "\"kind\":\"histogram\"", "of samples" },
	{ "{\"watched\"", "\"at\":[", "\"at\":[1,", "not equally long" },
	{ "{\"watched\"", "\"metric\":\"busy_ratio\"", "\"metric\":\"in_flight\"", "not in its place" },
	{ "{\"watched\"", "\"metric\":\"busy_ratio\"", "\"metric\":\"zzz\"", "not in its place" },
	{ "{\"watched\"", "}}\n{\"watched\"", "}} x\n{\"watched\"", "must end here" },
	{ "{\"watched\"", "}}\n{\"watched\"", "},\"more\":1}\n{\"watched\"", "one member" },
	{ "", "{\"end_of_run\"",
	  "{\"lane\":{\"round\":1,\"case\":1,\"lane\":0,\"bench\":\"x\",\"outcome\":\"measured\","
	  "\"reason\":null,\"hint\":null,\"options\":null,\"placement\":null,\"facts\":null,\"caps\":null,"
	  "\"distrust\":null,\"notes\":null,\"series\":[]}}\n{\"end_of_run\"",
	  "before what was watched" },
	{ "{\"end_of_export\"", "}}\n", "}}\n{\"watched\":{}}\n", "more after the end" },
	{ "end_of_run", "\"watched\":4", "\"watched\":5", "there should be 5 watched" },
	{ "", "{\"host\":{", "{\"host\":[", "x.jsonl:3:" },
	{ "", "{\"host\":{", "{\"host\":{\"more\":1,", "not known" },
	{ "{\"host\"", "\"name\":\"n1\"", "\"name\":\"n2\"", "this host was there before" },
	{ "{\"host\"", "\"name\":\"n1\"", "\"name\":7", "'name' must be text" },
	{ "{\"host\"", "\"machine\":{", "\"machine\":[{", "x.jsonl:3" },
	{ "{\"host\"", "\"environment\":null", "\"environment\":7", "'environment' must be" },
	{ "", "{\"watched\"", "{\"host\":{\"name\":\"n9\",\"machine\":null,\"environment\":null}}\n{\"watched\"",
	  "before all lanes" },
	{ "", "{\"run\"", "{\"host\":{\"name\":\"n9\",\"machine\":null,\"environment\":null}}\n{\"run\"",
	  "no run before it" },
	{ "end_of_run", "\"hosts\":2", "\"hosts\":1", "there should be 1 hosts" },
	{ "end_of_run", "\"hosts\":2,", "", "'hosts'" },
	{ "end_of_run", "\"lanes\":3", "\"lanes\":4", "there should be 4 lanes, and 3 came" },
	{ "end_of_run", "\"series\":4", "\"series\":5", "there should be 5 series" },
	{ "end_of_run", "\"samples\":115", "\"samples\":0", "there should be 0 samples" },
	{ "end_of_run", "\"id\":\"a\"", "\"id\":\"b\"", "end of another run" },
	{ "", "{\"end_of_run\"", "{\"end_of_export\"", "has no end" },
	{ "", "{\"end_of_run\"", "{\"run\"", "has no end" },
	{ "{\"baseline\"", "\"name\":\"good\"", "\"name\":\"a\"", "id of a run" },
	{ "{\"baseline\"", "\"name\":\"good\"", "\"name\":\"a b\"", "cannot be the name" },
	{ "{\"baseline\"", "\"runs\":[\"a\"]", "\"runs\":[\"b\"]", "not finished" },
	{ "{\"baseline\"", "\"runs\":[\"a\"]", "\"runs\":[\"zz\"]", "no run 'zz'" },
	{ "{\"baseline\"", "\"runs\":[\"a\"]", "\"runs\":[\"last\"]", "cannot be the id" },
	{ "{\"baseline\"", "\"runs\":[\"a\"]", "\"runs\":[7]", "cannot be the id" },
	{ "{\"baseline\"", "\"runs\":[\"a\"]", "\"runs\":[]", "can have 1 to 1000" },
	{ "{\"baseline\"", "\"created_ns\":5", "\"created_ns\":0", "outside 1" },
	{ "{\"end_of_export\"", "\"runs\":2", "\"runs\":1", "there should be 1 runs" },
	{ "{\"end_of_export\"", "}}\n", "}}\n{}\n", "more after the end" },
	{ "{\"end_of_export\"", "}}\n", "}}\n\n", "more after the end" },
	{ "{\"run\"", "\n{\"lane\"", "\n\n{\"lane\"", "an object is expected" },
};

static void hostile_lines(void **state)
{
	struct place *p = *state;
	struct fl_text good = sample_export(p->store);
	char *copy = fl_format("%s/copy.db", p->dir);

	put_other(copy);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct fl_text bad = changed(&good, hostile[i].after, hostile[i].find, hostile[i].by);
		int code = strstr(hostile[i].says, "newer")	    ? -ENOTSUP
			   : strstr(hostile[i].says, "no run 'zz'") ? -ENOENT
								    : -EINVAL;

		assert_refused(copy, bad.bytes, bad.n, code, hostile[i].says);
		fl_text_release(&bad);
	}
	fl_text_release(&good);
	free(copy);
}

/* What feedlines exported that watched nothing yet. */
static void older_export(void **state)
{
	struct place *p = *state;
	struct fl_run *run = sample_run("old"), *loaded;
	char *copy = fl_format("%s/copy.db", p->dir);
	struct fl_store *s = opened(p->store, true);
	struct fl_text now, head, old;
	struct fl_imported did;

	sample_lane(run, 0, 0, 0, 3);
	snprintf(run->id, sizeof(run->id), "old");
	put_in(s, run, true);
	fl_store_close(s);
	now = exported(p->store, NULL, 0);
	head = changed(&now, "", "{\"feedline_export\":3", "{\"feedline_export\":2");
	old = changed(&head, "{\"end_of_run\"", "\"hosts\":0,", "");
	OK(import(copy, old.bytes, old.n, &did, &err));
	assert_int_equal(did.runs, 1);
	fl_text_release(&head);
	head = changed(&old, "", "{\"feedline_export\":2", "{\"feedline_export\":1");
	fl_text_release(&old);
	old = changed(&head, "{\"end_of_run\"", ",\"watched\":0", "");
	OK(import(copy, old.bytes, old.n, &did, &err)); /* the same */
	assert_int_equal(did.runs_there, 1);
	s = opened(copy, false);
	OK(fl_store_load(s, "old", &loaded, &err));
	assert_same_run(run, loaded);
	fl_store_close(s);
	fl_run_free(loaded);
	fl_run_free(run);
	fl_text_release(&now);
	fl_text_release(&head);
	fl_text_release(&old);
	free(copy);
}

/* The same name and another content. */
static void conflicts(void **state)
{
	static const struct {
		const char *after, *find, *by, *says;
	} rows[] = {
		{ "{\"run\"", "\"kernel\":\"6.1\"", "\"kernel\":\"6.2\"", "run 'a' is in store" },
		{ "{\"run\"", "\"status\":3", "\"status\":2", "run 'a' is in store" },
		{ "{\"lane\"", "\"7ff0000000000000\"", "\"fff0000000000000\"", "run 'a' is in store" },
		{ "{\"lane\"", "-0.0", "0.0", "run 'a' is in store" },
		{ "{\"host\"", "\"name\":\"n1\"", "\"name\":\"n3\"", "run 'a' is in store" },
		{ "{\"host\"", "\"k\":1", "\"k\":2", "run 'a' is in store" },
		{ "{\"watched\"", "\"at\":[-100000000,", "\"at\":[-100000001,", "run 'a' is in store" },
		{ "{\"watched\"", "\"subject\":\"nvme-S1\"", "\"subject\":\"nvme-S0\"", "run 'a' is in store" },
		{ "{\"baseline\"", "\"created_ns\":5", "\"created_ns\":6", "baseline 'good' is in store" },
		{ "{\"baseline\"", "\\\"note", "\\\"nota", "baseline 'good' is in store" },
	};
	struct place *p = *state;
	struct fl_text good = sample_export(p->store);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_text bad = changed(&good, rows[i].after, rows[i].find, rows[i].by);

		assert_refused(p->store, bad.bytes, bad.n, -EEXIST, rows[i].says);
		fl_text_release(&bad);
	}
	fl_text_release(&good);
}

/* Blanks, other orders of members and other ways to write a number mean the same. */
static void other_spellings(void **state)
{
	static const struct {
		const char *after, *find, *by;
	} rows[] = {
		{ "{\"run\"", "\"id\":\"a\"", " \"id\" :\t\"a\"" },
		{ "{\"lane\"", "\"at\":[1000000,", "\"at\":[ 1e6 ,\t" },
		{ "{\"lane\"", "\"at\":[1000000,", "\"at\":[1000000.000," },
		{ "{\"lane\"", "\"at\":[1000000,", "\"at\":[0.0001E+10," },
		{ "{\"lane\"", "\"at\":[1000000,", "\"at\":[1000000.00000000000000000000000000000000001," },
		{ "{\"lane\"", "\"round\":0,\"case\":0,", "\"case\":0,\"round\":0," },
		{ "{\"lane\"", "\"options\":{", "\"options\": { " },
	};
	struct place *p = *state;
	struct fl_text good = sample_export(p->store);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_text other = changed(&good, rows[i].after, rows[i].find, rows[i].by);
		struct fl_imported did = { 0 };

		OK(import(p->store, other.bytes, other.n, &did, &err));
		assert_int_equal(did.runs_there, 2);
		fl_text_release(&other);
	}
	fl_text_release(&good);
}

static void deep_and_binary(void **state)
{
	struct place *p = *state;
	struct fl_text good = sample_export(p->store), deep = { 0 }, bad;
	char *copy = fl_format("%s/copy.db", p->dir);

	put_other(copy);
	fl_text_add(&deep, "\"options\":{\"x\":");
	for (int i = 0; i < 100000; i++)
		fl_text_add(&deep, "[");
	bad = changed(&good, "{\"lane\"", "\"options\":{", deep.bytes);
	assert_refused(copy, bad.bytes, bad.n, -EINVAL, "nested too deeply");
	fl_text_release(&bad);
	fl_text_release(&deep);
	good.bytes[good.n / 2] = 0;
	assert_refused(copy, good.bytes, good.n, -EINVAL, "a byte 0");
	assert_refused(copy, "", 0, -EINVAL, "is not an export");
	assert_refused(copy, "\n", 1, -EINVAL, "is not an export");
	assert_refused(copy, "\0\0\0", 3, -EINVAL, "is not an export");
	fl_text_release(&good);
	free(copy);
}

/* As the run has it, and a journal, which is of one host, has not. */
static void watched_on(struct fl_run *run, const char *host)
{
	for (size_t i = 0; i < run->watched_n; i++) {
		char *subject = run->watched[i].subject;

		run->watched[i].subject = fl_format("%s/%s", host, subject);
		free(subject);
	}
}

/* What a host kept, in whatever order, gives a run that was cut short what it lacks, and changes nothing else. */
static void journal(void **state)
{
	struct place *p = *state;
	char *copy = fl_format("%s/copy.db", p->dir);
	struct fl_run *run = everything("b", 2000), *loaded;
	struct fl_store *s = opened(p->store, true);
	struct fl_text early, text = { 0 }, line = { 0 };
	struct fl_imported did = { 0 };

	fl_journal_head("b", "n2", &text);
	fl_journal_lane(&run->lanes[2], &text);
	for (size_t i = run->watched_n; i-- > 0;)
		fl_journal_watched(&run->watched[i], &text);
	watched_on(run, "n2");
	OK(fl_store_begin(s, run, &err));
	early = exported_with(s, p->store, &run->lanes[1], &run->watched[1]);
	fl_store_close(s);
	OK(import(copy, early.bytes, early.n, &did, &err));
	fl_journal_lane(&run->lanes[0], &text);
	free(run->lanes[1].hint);
	run->lanes[1].hint = fl_dup("another");
	fl_journal_lane(&run->lanes[1], &text);
	fl_text_add(&text, "{\"lane\":{\"round\":7,");
	OK(import(copy, text.bytes, text.n, &did, &err));
	assert_true(did.journal.is && did.journal.cut);
	assert_string_equal(did.journal.run, "b");
	assert_string_equal(did.journal.host, "n2");
	assert_int_equal(did.journal.watched, 3);
	assert_int_equal(did.journal.lanes, 2);
	assert_int_equal(did.journal.lanes_there, 1);
	free(run->lanes[1].hint);
	run->lanes[1].hint = fl_dup("put one in: \xc3\xa9");
	s = opened(copy, false);
	OK(fl_store_load(s, "b", &loaded, &err));
	fl_store_close(s);
	run->finished = false;
	run->status = -1;
	assert_same_run(run, loaded);
	fl_run_free(loaded);

	fl_text_add(&text, "\n");
	assert_refused(copy, text.bytes, text.n, -EINVAL, "x.jsonl:9:"); /* the line has an end, and is none */
	fl_journal_head("zz", "n2", &line);
	assert_refused(copy, line.bytes, line.n, -ENOENT, "no run 'zz'");
	fl_text_release(&line);
	fl_journal_head("b", "n2", &line);
	fl_text_add(&line, "{\"run\":{}}\n");
	assert_refused(copy, line.bytes, line.n, -EINVAL, "x.jsonl:2:8: neither a lane nor");
	fl_text_release(&line);
	fl_journal_head("b", "n9", &line);
	assert_refused(copy, line.bytes, line.n, -EINVAL, "x.jsonl:1: run 'b' was not on a host 'n9'");
	fl_text_release(&line);
	fl_text_add(&line, "{\"feedline_export\":3,\"made_by\":\"x\",\"journal\":{\"run\":\"b\"}}\n");
	assert_refused(copy, line.bytes, line.n, -EINVAL, "which host it is of");
	fl_text_release(&line);
	fl_journal_head("b", "n2", &line);
	REFUSED(import(p->store, line.bytes, line.n, &did, &err), -EBUSY, "is being carried out");
	s = opened(copy, true);
	OK(fl_store_resume(s, "b", &err));
	OK(fl_store_finish(s, "b", 0, &err));
	fl_store_close(s);
	assert_refused(copy, line.bytes, line.n, -EINVAL, "'b' is finished");
	fl_text_release(&line);
	fl_journal_head("b\nc", "n2", &line);
	assert_refused(copy, line.bytes, line.n, -EINVAL, "which run it is of");
	fl_text_release(&line);
	fl_text_release(&text);
	fl_text_release(&early);
	fl_run_free(run);
	free(copy);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(round_trip),      TEST(unfinished_is_interrupted),
		TEST(completed),       TEST(chosen),
		TEST(cut_short),       TEST(hostile_lines),
		TEST(older_export),    TEST(conflicts),
		TEST(other_spellings), TEST(deep_and_binary),
		TEST(journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
