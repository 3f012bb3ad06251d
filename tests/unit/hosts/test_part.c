/* SPDX-License-Identifier: Apache-2.0 */
/* test_part.c: what one host carries out of a case, as JSON and back; and the file in which it keeps what came of
 * it. */
#include "base/alloc.h"
#include "base/text.h"
#include "hosts/journal_file.h"
#include "hosts/part.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *address(void *arg, unsigned host)
{
	static const char *const addresses[] = { "10.0.0.1", "10.0.0.2" };

	(void)arg;
	return addresses[host];
}

static struct fl_option options[] = { { (char *)"block", (char *)"4096" } };
static struct fl_option others[] = { { (char *)"block", (char *)"8192" } };

/* Lanes 1 and 3 are a group over both hosts; 2 and 3 share a worker on the second one. */
static struct fl_plan_lane lanes[] = {
	{ .bench = (char *)"a", .node = -1, .worker = 0, .group = 0, .size = 1 },
	{ .bench = (char *)"g", .node = 0, .worker = 1, .group = 1, .rank = 0, .size = 2 },
	{ .bench = (char *)"b",
	  .options = options,
	  .options_n = 1,
	  .cpus = { { 6 } },
	  .node = 1,
	  .worker = 2,
	  .host = 1,
	  .group = 2,
	  .size = 1,
	  .shares_cpus = true,
	  .skip = (char *)"no such drive",
	  .hint = (char *)"add one" },
	{ .bench = (char *)"g",
	  .options = others,
	  .options_n = 1,
	  .node = 0,
	  .worker = 2,
	  .host = 1,
	  .group = 1,
	  .rank = 1,
	  .size = 2 },
};
static struct fl_plan_case cases[] = {
	{ .label = (char *)"x" },
	{ .label = (char *)"all", .lanes = lanes, .lanes_n = 4, .rounds = 3, .duration_ns = 7 },
};
static const struct fl_plan plan = { .cases = cases, .cases_n = 2 };

static json_t *second_host(void)
{
	static const unsigned numbers[] = { 2, 3 };
	const struct fl_part_spec spec = { .plan = &plan,
					   .at = { .case_no = 1, .round = 2 },
					   .numbers = numbers,
					   .n = 2,
					   .whole = true,
					   .address = address };

	return fl_part_format(&spec);
}

static void a_part_comes_back(void **state)
{
	json_t *message = second_host();
	struct fl_err err = { 0 };
	struct fl_part part;

	(void)state;
	if (fl_part_read(message, &part, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(part.at.case_no, 1);
	assert_int_equal(part.at.round, 2);
	assert_true(part.whole);
	assert_string_equal(part.of.label, "all");
	assert_int_equal(part.of.duration_ns, 7);
	assert_int_equal(part.of.lanes_n, 2);
	assert_int_equal(part.numbers[0], 2);
	assert_int_equal(part.numbers[1], 3);
	assert_string_equal(part.of.lanes[0].bench, "b");
	assert_string_equal(part.of.lanes[0].options[0].text, "4096");
	assert_string_equal(part.of.lanes[1].options[0].text, "8192");
	assert_true(fl_cpus_equal(&part.of.lanes[0].cpus, &lanes[2].cpus));
	assert_int_equal(part.of.lanes[0].node, 1);
	assert_true(part.of.lanes[0].shares_cpus);
	assert_string_equal(part.of.lanes[0].skip, "no such drive");
	assert_string_equal(part.of.lanes[0].hint, "add one");
	assert_null(part.of.lanes[1].skip);
	/* workers by the first of the part, groups by the whole case */
	assert_int_equal(part.of.lanes[0].worker, 0);
	assert_int_equal(part.of.lanes[1].worker, 0);
	assert_int_equal(part.of.lanes[1].group, 1);
	assert_int_equal(part.of.lanes[1].rank, 1);
	assert_int_equal(part.of.lanes[1].size, 2);
	assert_int_equal(json_array_size(part.addresses[0]), 0);
	assert_string_equal(json_string_value(json_array_get(part.addresses[1], 0)), "10.0.0.1");
	assert_string_equal(json_string_value(json_array_get(part.addresses[1], 1)), "10.0.0.2");
	fl_part_release(&part);
	json_decref(message);
}

/* One member that cannot be, of the message or of its last lane. */
static void no_part(void **state)
{
	static const struct {
		const char *key, *value;
		bool of_lane;
		const char *what;
	} rows[] = {
		{ "case", "10000", false, "case" },
		{ "round", "-1", false, "round" },
		{ "duration_ns", "1e3", false, "duration_ns" },
		{ "whole", "1", false, "whole" },
		{ "lanes", "[]", false, "no lanes" },
		{ "number", "2", true, "is not in its place" },
		{ "number", "10000", true, "number" },
		{ "bench", "null", true, "bench" },
		{ "options", "{\"a\":1}", true, "is no text" },
		{ "cpus", "\"x\"", true, "cpus" },
		{ "node", "-2", true, "node" },
		{ "rank", "2", true, "rank" },
		{ "size", "3", true, "has 2 addresses of a group of 3" },
		{ "addresses", "[1,2]", true, "is no text" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *message = second_host(), *lane = json_array_get(json_object_get(message, "lanes"), 1);
		struct fl_err err = { 0 };
		struct fl_part part;

		json_object_set_new(rows[i].of_lane ? lane : message, rows[i].key,
				    json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
		assert_int_equal(fl_part_read(message, &part, &err), -EINVAL);
		if (!strstr(err.what, rows[i].what))
			fail_msg("%s: %s", rows[i].what, err.what);
		json_decref(message);
	}
}

/* ---- the file */

static char *content(const char *path)
{
	struct fl_text text = { 0 };
	char piece[256];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		fl_text_put(&text, piece, n);
	fclose(f);
	return text.bytes ? text.bytes : fl_dup("");
}

static char *make_place(void)
{
	char place[] = "/tmp/feedline-journal-XXXXXX";

	assert_non_null(mkdtemp(place));
	return fl_dup(place);
}

/* A host's name may be as long as a file's alone: the file is named by a part of it. */
static void a_journal_of_a_long_name(void **state)
{
	char *place = make_place(), name[256] = "", *path, *text;
	struct fl_agent_journal *j;
	struct fl_err err = { 0 };

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	assert_int_equal(fl_agent_journal_open(place, "r1", name, &j, &err), 0);
	path = fl_dup(fl_agent_journal_path(j));
	text = content(path);
	assert_non_null(strstr(text, name));
	fl_agent_journal_close(j, false);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(place), 0);
	free(path);
	free(text);
	free(place);
}

static void a_journal_is_kept(void **state)
{
	char *place = make_place(), *dir = fl_format("%s/a/b", place), *text, *command;
	struct fl_agent_journal *j, *again;
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_agent_journal_open(dir, "r1", "n/3", &j, &err), 0);
	assert_non_null(strstr(fl_agent_journal_path(j), "/a/b/r1-n_3.jsonl"));
	assert_int_equal(fl_agent_journal_append(j, "one\n", 4, &err), 0);
	text = content(fl_agent_journal_path(j));
	assert_non_null(strstr(text, "\"run\":\"r1\",\"host\":\"n/3\""));
	assert_non_null(strstr(text, "}\none\n"));
	/* what an earlier try left is not touched */
	assert_int_equal(fl_agent_journal_open(dir, "r1", "n/3", &again, &err), 0);
	assert_non_null(strstr(fl_agent_journal_path(again), "r1-n_3.2.jsonl"));
	command = fl_dup(fl_agent_journal_path(again));
	fl_agent_journal_close(again, true);
	assert_int_equal(access(command, F_OK), -1);
	free(command);
	command = fl_dup(fl_agent_journal_path(j));
	fl_agent_journal_close(j, false);
	assert_int_equal(unlink(command), 0);
	free(command);
	free(text);
	assert_int_equal(rmdir(dir), 0);
	*strrchr(dir, '/') = 0;
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(place), 0);
	free(dir);
	free(place);
}

/* What does not fit is not there in part. */
static void a_journal_is_full(void **state)
{
	const struct rlimit small = { 1000, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
	char *dir = make_place(), *long_line = fl_zalloc(4001, 1), *text;
	struct fl_agent_journal *j;
	struct fl_err err = { 0 };

	(void)state;
	memset(long_line, 'x', 4000);
	assert_int_equal(fl_agent_journal_open(dir, "r1", "n3", &j, &err), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(fl_agent_journal_append(j, long_line, 4000, &err), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_non_null(strstr(err.what, "write the journal '"));
	assert_int_equal(fl_agent_journal_append(j, "two\n", 4, NULL), 0);
	text = content(fl_agent_journal_path(j));
	assert_null(strstr(text, "xxx"));
	assert_non_null(strstr(text, "}\ntwo\n"));
	fl_agent_journal_close(j, true);
	assert_int_equal(rmdir(dir), 0);
	free(long_line);
	free(text);
	free(dir);
}

static void there_is_no_place(void **state)
{
	struct fl_agent_journal *j;
	struct fl_err err = { 0 };

	(void)state;
	assert_true(fl_agent_journal_open("/proc/self/no", "r1", "n3", &j, &err) < 0);
	assert_non_null(strstr(err.what, "make directory '/proc/self/no' for the journal: "));
	assert_non_null(strstr(err.hint, "XDG_STATE_HOME"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_comes_back),	    cmocka_unit_test(no_part),
		cmocka_unit_test(a_journal_of_a_long_name), cmocka_unit_test(a_journal_is_kept),
		cmocka_unit_test(a_journal_is_full),	    cmocka_unit_test(there_is_no_place),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
