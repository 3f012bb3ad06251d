/* SPDX-License-Identifier: Apache-2.0 */
/* test_child.c: a child starts where it should, ends when it should, and its output is captured and bounded. */
#include "base/child.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const uint64_t second_ns = 1000000000;

static int shell(const char *script, uint64_t limit_ns, size_t max_bytes, struct fl_text *out, struct fl_err *err)
{
	const char *const args[] = { "-c", script, NULL };
	const struct fl_child_spec spec = { .program = "/bin/sh", .args = args, .node = -1, .control_fd = -1 };

	return fl_child_output(&spec, limit_ns, max_bytes, out, err);
}

static void test_output_comes_back(void **state)
{
	struct fl_text out = { 0 };
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(shell("echo hello; echo no >&2", 10 * second_ns, 100, &out, &err), 0);
	assert_string_equal(fl_text_str(&out), "hello\n");
	fl_text_release(&out);
}

static void test_stdin_holds_what_was_given(void **state)
{
	static char large[FL_CHILD_INPUT_MAX + 2];
	const char *const args[] = { "-c", "wc -c", NULL };
	struct fl_child_spec spec = { .program = "/bin/sh", .args = args, .node = -1, .control_fd = -1 };
	struct fl_text out = { 0 };
	struct fl_err err = { 0 };
	char *const *env = fl_child_env();

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	spec.env = (const char *const *)env;
	spec.input = large;
	assert_int_equal(fl_child_output(&spec, 20 * second_ns, 100, &out, &err), -EMSGSIZE);
	large[FL_CHILD_INPUT_MAX] = 0;
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_child_output(&spec, 20 * second_ns, 100, &out, &err), 0);
	assert_int_equal(strtol(fl_text_str(&out), NULL, 10), FL_CHILD_INPUT_MAX);
	fl_text_release(&out);
	spec.input = NULL;
	assert_int_equal(fl_child_output(&spec, 20 * second_ns, 100, &out, &err), 0);
	assert_string_equal(fl_text_str(&out), "0\n");
	fl_text_release(&out);
	fl_child_env_free((char **)(uintptr_t)env);
}

static void test_failures_are_told_apart(void **state)
{
	static const struct {
		const char *script;
		int code;
		const char *what;
	} rows[] = {
		{ "echo first >&2; echo the last word >&2; exit 3", -ECHILD, "the last word" },
		{ "exit 7", -ECHILD, "'/bin/sh' exited with status 7" },
		{ "kill -SEGV $$", -ECHILD, "'/bin/sh' was killed by SIGSEGV" },
		{ "yes", -EFBIG, "'/bin/sh': its output is too long" },
		{ "exec sleep 60", -ETIMEDOUT, "'/bin/sh' did not answer within 0 s" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fl_text out = { 0 };
		struct fl_err err = { 0 };
		uint64_t limit_ns = rows[i].code == -ETIMEDOUT ? second_ns / 5 : 20 * second_ns;

		assert_int_equal(shell(rows[i].script, limit_ns, 4096, &out, &err), rows[i].code);
		assert_string_equal(err.what, rows[i].what);
		assert_int_equal(out.n, 0);
	}
}

static void test_a_missing_program_is_named(void **state)
{
	const struct fl_child_spec spec = { .program = "/nowhere/feedline-lane-x", .node = -1, .control_fd = -1 };
	struct fl_child child;
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_child_start(&spec, &child, &err), -ENOENT);
	assert_non_null(strstr(err.what, "/nowhere/feedline-lane-x"));
}

static void test_cpus_are_set_before_exec(void **state)
{
	const char *const args[] = { "Cpus_allowed_list", "/proc/self/status", NULL };
	struct fl_cpus cpus = { 0 };
	struct fl_child_spec spec = {
		.program = "/bin/grep", .args = args, .cpus = &cpus, .node = -1, .control_fd = -1
	};
	struct fl_text out = { 0 }, expected = { 0 };
	struct fl_err err = { 0 };
	cpu_set_t mine;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(mine), &mine), 0);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &mine))
			continue;
		fl_cpus_add(&cpus, cpu);
		fl_text_add(&expected, "Cpus_allowed_list:\t%u\n", cpu);
		break;
	}
	assert_int_equal(fl_child_output(&spec, 10 * second_ns, 100, &out, &err), 0);
	assert_string_equal(fl_text_str(&out), fl_text_str(&expected));
	fl_text_release(&out);
	fl_text_release(&expected);
}

static void test_cpus_that_are_not_there(void **state)
{
	struct fl_cpus cpus = { 0 };
	struct fl_child_spec spec = { .program = "/bin/true", .cpus = &cpus, .node = -1, .control_fd = -1 };
	struct fl_child child;
	struct fl_err err = { 0 };

	(void)state;
	fl_cpus_add(&cpus, FL_CPUS_MAX - 1);
	assert_int_equal(fl_child_start(&spec, &child, &err), -EINVAL);
	assert_non_null(strstr(err.what, "CPUs 4095"));
}

static void test_nothing_is_inherited(void **state)
{
	struct fl_text out = { 0 };
	struct fl_err err = { 0 };

	(void)state;
	setenv("FEEDLINE_SECRET", "x", 1);
	/* 0, 1, 2 and the one that ls opens itself; sh is replaced, so it holds none. */
	assert_int_equal(shell("set | grep -c SECRET; exec ls /proc/self/fd", 10 * second_ns, 100, &out, &err), 0);
	assert_string_equal(fl_text_str(&out), "0\n0\n1\n2\n3\n");
	fl_text_release(&out);
}

/* The child ends with its parent even when that is killed without warning. */
static void test_the_child_dies_with_its_parent(void **state)
{
	const char *const args[] = { "60", NULL };
	const struct fl_child_spec spec = { .program = "/bin/sleep", .args = args, .node = -1, .control_fd = -1 };
	int fds[2];
	pid_t parent, child = 0;
	int gone = 0;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	parent = fork();
	if (parent == 0) {
		struct fl_child c;
		struct fl_err err = { 0 };

		if (fl_child_start(&spec, &c, &err) < 0 || write(fds[1], &c.pid, sizeof(c.pid)) != sizeof(c.pid))
			_exit(1);
		pause();
	}
	assert_int_equal(read(fds[0], &child, sizeof(child)), sizeof(child));
	assert_int_equal(kill(child, 0), 0);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	for (int i = 0; i < 200 && !gone; i++) {
		char path[64], state_letter = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
		f = fopen(path, "r");
		if (!f || fscanf(f, "%*d %*s %c", &state_letter) != 1 || state_letter == 'Z')
			gone = 1;
		if (f)
			fclose(f);
		usleep(10000);
	}
	assert_true(gone);
	close(fds[0]);
	close(fds[1]);
}

static void test_kill_takes_the_whole_group(void **state)
{
	const char *const args[] = { "-c", "sleep 60 & echo $!; wait", NULL };
	const struct fl_child_spec spec = { .program = "/bin/sh", .args = args, .node = -1, .control_fd = -1 };
	struct fl_child child;
	struct fl_err err = { 0 };
	struct pollfd p;
	char line[32] = "";
	int grandchild = 0;

	(void)state;
	assert_int_equal(fl_child_start(&spec, &child, &err), 0);
	p = (struct pollfd){ .fd = child.out_fd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_true(read(child.out_fd, line, sizeof(line) - 1) > 0);
	assert_int_equal(sscanf(line, "%d", &grandchild), 1);
	assert_true(WIFSIGNALED(fl_child_kill(&child)));
	assert_int_equal(fl_child_kill(&child), -1);
	for (int i = 0; i < 200 && kill(grandchild, 0) == 0; i++) {
		char path[64], letter = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/stat", grandchild);
		f = fopen(path, "r");
		if (!f)
			return;
		if (fscanf(f, "%*d %*s %c", &letter) == 1 && letter == 'Z') {
			fclose(f);
			return;
		}
		fclose(f);
		usleep(10000);
	}
	assert_int_equal(kill(grandchild, 0), -1);
}

static void test_environment_is_an_allow_list(void **state)
{
	char **env;
	static const char *const never[] = { "CUDA_VISIBLE_DEVICES=", "CUDA_LAUNCH_BLOCKING=",
					     "CUDA_DEVICE_MAX_CONNECTIONS=1",
					     "CUDA_MPS_PIPE_DIRECTORY=", "CUDA_INJECTION64_PATH=" };
	int cuda = 0, refused = 0, launcher = 0, queues = 0;

	(void)state;
	setenv("CUDA_VISIBLE_DEVICES", "0", 1);
	setenv("CUDA_LAUNCH_BLOCKING", "1", 1);
	setenv("CUDA_DEVICE_MAX_CONNECTIONS", "1", 1);
	setenv("CUDA_MPS_PIPE_DIRECTORY", "/run/mps", 1);
	setenv("CUDA_INJECTION64_PATH", "/tmp/profiler.so", 1);
	setenv("CUDA_MODULE_LOADING", "EAGER", 1);
	setenv("OMPI_COMM_WORLD_RANK", "3", 1);
	env = fl_child_env();
	for (size_t i = 0; env[i]; i++) {
		cuda += !strncmp(env[i], "CUDA_MODULE_LOADING=", 20);
		for (size_t k = 0; k < sizeof(never) / sizeof(*never); k++)
			refused += strlen(env[i]) >= strlen(never[k]) && !strncmp(env[i], never[k], strlen(never[k]));
		queues += !strcmp(env[i], "CUDA_DEVICE_MAX_CONNECTIONS=32");
		launcher += !strncmp(env[i], "OMPI_", 5);
	}
	assert_int_equal(cuda, 1);
	assert_int_equal(refused, 0);
	assert_int_equal(queues, 1);
	assert_int_equal(launcher, 0);
	fl_child_env_free(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_comes_back),
		cmocka_unit_test(test_stdin_holds_what_was_given),
		cmocka_unit_test(test_failures_are_told_apart),
		cmocka_unit_test(test_a_missing_program_is_named),
		cmocka_unit_test(test_cpus_are_set_before_exec),
		cmocka_unit_test(test_cpus_that_are_not_there),
		cmocka_unit_test(test_nothing_is_inherited),
		cmocka_unit_test(test_the_child_dies_with_its_parent),
		cmocka_unit_test(test_kill_takes_the_whole_group),
		cmocka_unit_test(test_environment_is_an_allow_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
