/* SPDX-License-Identifier: Apache-2.0 */
/* The line that brings an agent to its hub. */
#include "base/text.h"
#include "hosts/bootstrap.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <feedline/clock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEX16	     "0123456789abcdef"
#define HEX64	     HEX16 HEX16 HEX16 HEX16
#define DASHES16     "----------------"
#define DASHES64     DASHES16 DASHES16 DASHES16 DASHES16
#define GOOD(member) "{\"feedline\":1,\"addresses\":[\"10.1.0.1\"],\"port\":1,\"secret\":\"" HEX64 "\"," member "}\n"

enum { PIECE = 16 }; /* so many digits in a row are of the secret */
static const uint64_t soon_ns = UINT64_C(5000000000);

static int read_text(const char *text, struct fl_bootstrap *ret, struct fl_err *err)
{
	int fds[2], rc;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
	close(fds[1]);
	rc = fl_bootstrap_read(fds[0], fl_now_ns() + soon_ns, ret, err);
	close(fds[0]);
	return rc;
}

static void test_there_and_back(void **state)
{
	char *addresses[] = { "10.1.0.1", "fd00::1", "fe80::1%eth0" };
	struct fl_bootstrap b = {
		.addresses = addresses, .addresses_n = 3, .port = 40123, .rank = 3, .size = 8, .host = "n3.rack-1"
	};
	struct fl_bootstrap back;
	struct fl_err err = { 0 };
	char *line;

	(void)state;
	fl_secret_make(&b.secret);
	line = fl_bootstrap_format(&b);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_int_equal(read_text(line, &back, &err), 0);
	assert_int_equal(back.addresses_n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(back.addresses[i], addresses[i]);
	assert_int_equal(back.port, 40123);
	assert_int_equal(back.rank, 3);
	assert_int_equal(back.size, 8);
	assert_string_equal(back.host, "n3.rack-1");
	assert_memory_equal(&back.secret, &b.secret, sizeof(b.secret));
	fl_bootstrap_release(&back);
	free(line);
}

/* Where one line goes to all, rank and name are found elsewhere. */
static void test_for_all(void **state)
{
	struct fl_bootstrap b;
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(read_text(GOOD("\"rank\":null,\"size\":2,\"host\":null"), &b, &err), 0);
	assert_int_equal(b.rank, -1);
	assert_null(b.host);
	fl_bootstrap_release(&b);
}

/* Blanks are as good as none, and a name of a host may be the word that stands before a secret. */
static void test_written_otherwise(void **state)
{
	static const char line[] =
		"{\"host\": \"secret\", \"feedline\": 1, \"addresses\": [\"10.1.0.1\"], \"port\": 1, "
		"\"secret\"\t: \"" HEX64 "\", \"size\": 2}\n";
	struct fl_bootstrap b;
	struct fl_err err = { 0 };
	char hex[2 * FL_SECRET_BYTES + 1];

	(void)state;
	assert_int_equal(read_text(line, &b, &err), 0);
	fl_secret_format(&b.secret, hex);
	assert_string_equal(hex, HEX64);
	assert_string_equal(b.host, "secret");
	fl_bootstrap_release(&b);
}

/* As long as any of them has its secret, no core of this process would show it; afterwards there are cores again. */
static void test_guarded(void **state)
{
	const struct fl_secret none = { { 0 } };
	struct fl_bootstrap first, second;
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	assert_int_equal(read_text(GOOD("\"size\":1"), &first, &err), 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
	assert_int_equal(read_text(GOOD("\"size\":1"), &second, &err), 0);
	fl_bootstrap_release(&second);
	assert_int_equal(read_text("x\n", &second, &err), -EINVAL);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
	fl_bootstrap_forget(&first);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	assert_memory_equal(&first.secret, &none, sizeof(none));
	fl_bootstrap_release(&first);
	assert_int_equal(read_text("x\n", &second, &err), -EINVAL);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
}

/* Where in [from, to) is the text of which each byte was turned over? NULL: nowhere. */
static const char *find_turned(const char *from, const char *to, const char *turned, size_t n)
{
	for (; from + n <= to; from++) {
		size_t i = 0;

		while (i < n && (char)~from[i] == turned[i])
			i++;
		if (i == n)
			return from;
	}
	return NULL;
}

static bool is_anywhere(const char *turned, size_t n)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], rights[8];
	unsigned long from, to;
	bool found = false;

	assert_non_null(maps);
	while (!found && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && strncmp(rights, "rw", 2) == 0)
			found = find_turned((const char *)from, (const char *)to, turned, n) != NULL;
	fclose(maps);
	return found;
}

/* Any `piece` bytes of it in a row: memory that was freed may have been used again in part. */
static bool is_any_of_it_anywhere(const char *turned, size_t n, size_t piece)
{
	for (size_t i = 0; i + piece <= n; i++)
		if (is_anywhere(turned + i, piece))
			return true;
	return false;
}

/* Reads a line from there, uses and releases it, and then gets from there what it must not find in its memory: the
 * secret and its digits, all turned over. */
static int be_reader(int fd)
{
	char turned[FL_SECRET_BYTES + 2 * FL_SECRET_BYTES];
	struct fl_bootstrap b;
	struct fl_wire *w;
	int pair[2];

	if (fl_bootstrap_read(fd, fl_now_ns() + soon_ns, &b, NULL) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 2;
	w = fl_wire_open(pair[0], FL_WIRE_AGENT, &b.secret);
	fl_bootstrap_release(&b);
	fl_wire_close(w);
	if (read(fd, turned, sizeof(turned)) != sizeof(turned))
		return 3;
	return is_any_of_it_anywhere(turned, FL_SECRET_BYTES, PIECE / 2) ||
	       is_any_of_it_anywhere(turned + FL_SECRET_BYTES, 2 * FL_SECRET_BYTES, PIECE);
}

static void test_nothing_is_left(void **state)
{
	struct fl_bootstrap b = {
		.addresses = (char *[]){ (char *)"10.1.0.1" }, .addresses_n = 1, .port = 1, .size = 1
	};
	char turned[FL_SECRET_BYTES + 2 * FL_SECRET_BYTES], hex[2 * FL_SECRET_BYTES + 1], *line;
	int fds[2], status;
	pid_t pid;

	(void)state;
#ifdef SANITIZED
	skip(); /* a sanitizer keeps what was freed, and has memory that nobody may read */
#endif
	assert_int_equal(pipe(fds), 0);
	pid = fork(); /* before there is a secret */
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(be_reader(fds[0]));
	fl_secret_make(&b.secret);
	fl_secret_format(&b.secret, hex);
	line = fl_bootstrap_format(&b);
	assert_int_equal(write(fds[1], line, strlen(line)), strlen(line));
	for (size_t i = 0; i < sizeof(turned); i++)
		turned[i] = (char)~(i < FL_SECRET_BYTES ? (char)b.secret.bytes[i] : hex[i - FL_SECRET_BYTES]);
	assert_int_equal(write(fds[1], turned, sizeof(turned)), sizeof(turned));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fds[0]);
	close(fds[1]);
	free(line);
}

static void test_refused(void **state)
{
	static const struct {
		const char *line, *what;
	} rows[] = {
		{ "", "ended early" },
		{ "{\"feedline\":1", "ended early" },
		{ "\n", "not JSON" },
		{ "ssh: Could not resolve hostname\n", "not JSON" },
		{ "[]\n", "must be an object" },
		{ "{\"feedline\":2}\n", "version 2" },
		{ "{\"feedline\":1,\"port\":0}\n", "'port' is 0" },
		{ "{\"feedline\":1,\"port\":65536}\n", "65536" },
		{ "{\"feedline\":1,\"port\":1,\"secret\":\"" HEX16 "\"}\n", "a secret is 64" },
		{ "{\"feedline\":1,\"port\":1,\"secret\":\"" DASHES64 "\"}\n", "a secret is 64" },
		{ "{\"feedline\":1,\"port\":1,\"x\":{\"secret\":\"" HEX64 "\"},\"secret\":\"x\"}\n", "a secret is 64" },
		{ "{\"feedline\":1,\"port\":1,\"x\":{\"secret\":\"" HEX64 "\"}}\n", "'secret' is missing" },
		{ "{\"feedline\":1,\"port\":1,\"secret\":7}\n", "'secret' must be text" },
		{ "{\"secret\"\n", "not JSON" },
		{ "{\"secret\":\n", "not JSON" },
		{ "{\"secret\":\"" HEX64 "\n", "not JSON" },
		{ "{\"feedline\":1,\"port\":1,\"secret\":\"" HEX64 "\",\"addresses\":[]}\n", "'addresses' is empty" },
		{ "{\"feedline\":1,\"port\":1,\"secret\":\"" HEX64 "\",\"addresses\":[\"n1\"]}\n", "address 1" },
		{ GOOD("\"size\":0"), "'size' is 0" },
		{ GOOD("\"size\":4097"), "'size' is 4097" },
		{ GOOD("\"size\":2,\"rank\":2"), "'rank' is 2" },
		{ GOOD("\"size\":2,\"rank\":-1"), "'rank' is -1" },
		{ GOOD("\"size\":2,\"host\":\"\""), "'host' is not a name" },
		{ GOOD("\"size\":2,\"host\":\"a\\u001b[2J\""), "'host' is not a name" },
		{ GOOD("\"size\":2,\"host\":\"a,b\""), "'host' is not a name" },
		{ GOOD("\"size\":2,\"host\":7"), "'host' must be text" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fl_bootstrap b;
		struct fl_err err = { 0 };

		assert_int_equal(read_text(rows[i].line, &b, &err), -EINVAL);
		if (!strstr(err.what, rows[i].what))
			fail_msg("'%s' does not say '%s'", err.what, rows[i].what);
		assert_null(strstr(err.what, HEX16));
	}
}

static void test_too_long(void **state)
{
	struct fl_bootstrap b;
	struct fl_err err = { 0 };
	char line[10000];

	(void)state;
	memset(line, ' ', sizeof(line));
	line[sizeof(line) - 1] = 0;
	assert_int_equal(read_text(line, &b, &err), -EINVAL);
	assert_non_null(strstr(err.what, "longer than"));
}

/* What follows the line is left where it is; and a line that does not come is not waited for without end. */
static void test_no_more_than_the_line(void **state)
{
	struct fl_bootstrap b;
	struct fl_err err = { 0 };
	char rest[8] = { 0 };
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_true(dprintf(fds[1], "%srest", GOOD("\"size\":1")) > 0);
	assert_int_equal(fl_bootstrap_read(fds[0], fl_now_ns() + soon_ns, &b, &err), 0);
	assert_int_equal(read(fds[0], rest, sizeof(rest)), 4);
	assert_string_equal(rest, "rest");
	fl_bootstrap_release(&b);
	assert_int_equal(write(fds[1], "{", 1), 1);
	assert_int_equal(fl_bootstrap_read(fds[0], fl_now_ns() + 20000000, &b, &err), -ETIMEDOUT);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),	  cmocka_unit_test(test_for_all),
		cmocka_unit_test(test_written_otherwise), cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_nothing_is_left),	  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_long),	  cmocka_unit_test(test_no_more_than_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
