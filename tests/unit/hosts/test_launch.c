/* SPDX-License-Identifier: Apache-2.0 */
/* Which launcher it is, and what comes of a program that was to bring an agent and did not. */
#include "base/alloc.h"
#include "hosts/launch_parts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define HEX16 "0123456789abcdef"

static const uint64_t second_ns = 1000000000;

static int clear(void **state)
{
	static const char *const variables[] = { "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "SLURM_JOB_ID",
						 "SLURM_PROCID",	 "SLURM_STEP_ID",	 "SLURM_JOB_NUM_NODES",
						 "SLURM_STEP_NUM_TASKS", "SLURMD_NODENAME",	 "FEEDLINE_RANK",
						 "FEEDLINE_SIZE",	 "FEEDLINE_HUB",	 "FEEDLINE_SECRET" };

	(void)state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		unsetenv(variables[i]);
	return 0;
}

static void test_which_launcher(void **state)
{
	static const struct {
		const char *hosts, *variables[3][2];
		bool wanted;
	} rows[] = {
		{ NULL, { { 0 } }, false },
		{ "n1", { { 0 } }, true },
		{ NULL, { { "OMPI_COMM_WORLD_SIZE", "1" } }, false },
		{ NULL, { { "OMPI_COMM_WORLD_SIZE", "2" } }, true },
		{ NULL, { { "OMPI_COMM_WORLD_SIZE", "two" } }, true },
		{ NULL, { { "FEEDLINE_RANK", "0" } }, true },
		{ NULL, { { "SLURM_JOB_ID", "7" }, { "SLURM_JOB_NUM_NODES", "1" } }, false },
		{ NULL, { { "SLURM_JOB_ID", "7" }, { "SLURM_JOB_NUM_NODES", "2" } }, true },
		/* under srun the step counts, not the allocation */
		{ NULL, { { "SLURM_PROCID", "0" }, { "SLURM_STEP_ID", "0" }, { "SLURM_STEP_NUM_TASKS", "1" } }, false },
		{ NULL, { { "SLURM_PROCID", "0" }, { "SLURM_STEP_ID", "0" }, { "SLURM_STEP_NUM_TASKS", "2" } }, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		clear(state);
		for (size_t k = 0; k < 3; k++)
			if (rows[i].variables[k][0])
				setenv(rows[i].variables[k][0], rows[i].variables[k][1], 1);
		assert_int_equal(fl_launch_is_wanted(rows[i].hosts, NULL), rows[i].wanted);
	}
	clear(state);
}

static void test_numbers(void **state)
{
	static const char *const bad[] = { "", "-1", "8", " 1", "1 ", "0x1", "99999999999999999999" };
	unsigned long n = 5;

	(void)state;
	assert_int_equal(fl_launch_number("FEEDLINE_RANK", 7, &n, NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		setenv("FEEDLINE_RANK", bad[i], 1);
		assert_int_equal(fl_launch_number("FEEDLINE_RANK", 7, &n, NULL), -EINVAL);
	}
	assert_int_equal(n, 5);
	setenv("FEEDLINE_RANK", "7", 1);
	assert_int_equal(fl_launch_number("FEEDLINE_RANK", 7, &n, NULL), 1);
	assert_int_equal(n, 7);
}

static void test_a_secret_is_taken_out_of_the_environment(void **state)
{
	struct fl_secret secret;
	struct fl_err err = { 0 };

	(void)state;
	assert_int_equal(fl_launch_secret("env", &secret, &err), -EINVAL);
	assert_non_null(strstr(err.hint, "export FEEDLINE_SECRET="));
	setenv("FEEDLINE_SECRET", HEX16 HEX16 HEX16 HEX16, 1);
	assert_int_equal(fl_launch_secret("env", &secret, NULL), 0);
	assert_int_equal(secret.bytes[0], 0x01);
	assert_null(getenv("FEEDLINE_SECRET"));
	setenv("FEEDLINE_SECRET", "geheim", 1);
	err = (struct fl_err){ 0 };
	assert_int_equal(fl_launch_secret("env", &secret, &err), -EINVAL);
	assert_null(strstr(err.what, "geheim"));
}

static void test_an_agent_finds_its_rank_and_name(void **state)
{
	struct fl_bootstrap b = { .rank = -1, .size = 4 };

	(void)state;
	assert_int_equal(fl_launch_identify(&b, NULL), -EINVAL);
	setenv("SLURM_PROCID", "4", 1);
	assert_int_equal(fl_launch_identify(&b, NULL), -EINVAL);
	setenv("SLURM_PROCID", "3", 1);
	setenv("SLURMD_NODENAME", "n4", 1);
	assert_int_equal(fl_launch_identify(&b, NULL), 0);
	assert_int_equal(b.rank, 3);
	assert_string_equal(b.host, "n4");
	fl_bootstrap_release(&b);
}

static int start_shell(struct fl_launch *l, struct fl_launched *p, struct fl_err *err)
{
	const char *const args[] = { "-c", l->remote, NULL };

	return fl_launched_start(p, "/bin/sh", args, "line\n", err);
}

/* What is said of a program that ended like that script does before its agent came. */
static void check_complaint(const char *script, const char *what)
{
	static const char *const names[] = { "n1" };
	struct fl_launch *l = fl_zalloc(1, sizeof(*l));
	struct fl_err err = { 0 };
	uint64_t until_ns = fl_now_ns() + 20 * second_ns;
	int rc = 0;

	l->remote = fl_dup(script);
	l->start = start_shell;
	assert_int_equal(
		fl_hub_open(&(struct fl_hub_spec){ .n = 1, .names = names, .listen_fd = -1, .bind = "127.0.0.1" },
			    &l->hub, NULL),
		0);
	fl_launched_add(l, 0, fl_dup("host n1"));
	while (rc == 0 && fl_now_ns() < until_ns) {
		rc = fl_launched_check(l, &err);
		fl_sleep_until(fl_now_ns() + 1000000);
	}
	assert_int_equal(rc, -EHOSTUNREACH);
	assert_string_equal(err.what, what);
	fl_launch_end(l);
}

static void test_why_an_agent_did_not_come(void **state)
{
	(void)state;
	check_complaint("echo Warning: x >&2; echo 'n1: Permission denied' >&2; exit 255",
			"host n1: n1: Permission denied");
	check_complaint("echo 'feedline: no; do this' >&2; echo 'Connection closed' >&2; exit 3",
			"host n1: no; do this");
	check_complaint("echo out; exit 7",
			"host n1: its agent did not come: the launching program exited with status 7");
	check_complaint("yes | head -c 100000 >&2; echo last >&2; exit 1", "host n1: last");
}

/* Whoever was brought to a hub, or is to be: while the secret is in memory no core shows it, and then again. */
static void test_a_secret_is_guarded(void **state)
{
	static const char *const launchers[] = { "env", "local" };
	struct fl_launch_spec spec = { .launcher = "env", .program = "/bin/true" };
	enum fl_launch_role role = FL_LAUNCH_ALONE;
	struct fl_launch *l = NULL;
	struct fl_err err = { 0 };

	(void)state;
	setenv("FEEDLINE_RANK", "1", 1);
	setenv("FEEDLINE_SIZE", "2", 1);
	setenv("FEEDLINE_HUB", "127.0.0.1:4711", 1);
	assert_int_equal(fl_launch_begin(&spec, &role, &l, &err), -EINVAL); /* there is none */
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	setenv("FEEDLINE_SECRET", HEX16 HEX16 HEX16 HEX16, 1);
	for (int i = 0; i < 2; i++) {
		spec.launcher = launchers[i];
		if (fl_launch_begin(&spec, &role, &l, &err) < 0)
			fail_msg("%s", err.what);
		assert_int_equal(role, i ? FL_LAUNCH_HUB : FL_LAUNCH_AGENT);
		assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
		fl_launch_end(l);
		assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_which_launcher, clear, clear),
		cmocka_unit_test_setup_teardown(test_numbers, clear, clear),
		cmocka_unit_test_setup_teardown(test_a_secret_is_taken_out_of_the_environment, clear, clear),
		cmocka_unit_test_setup_teardown(test_an_agent_finds_its_rank_and_name, clear, clear),
		cmocka_unit_test_setup_teardown(test_a_secret_is_guarded, clear, clear),
		cmocka_unit_test(test_why_an_agent_did_not_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
