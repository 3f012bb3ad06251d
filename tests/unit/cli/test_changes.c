/* SPDX-License-Identifier: Apache-2.0 */
/* test_changes.c: what a host's environment may not differ in when a run goes on. */
#include "../sample.h"
#include "base/json.h"
#include "cli/changes.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What is said of a run that recorded `then`, on the same machine with `now`; "" where it may go on. */
static void check(const char *then, const char *now, const char *says)
{
	struct sample_machine s;
	struct fl_plan plan = { 0 };
	struct fl_err err = { 0 };
	struct fl_run run = { .id = "r" };
	struct fl_changes_now is = { 0 };
	json_t *environment;
	int rc;

	sample_machine_init(&s);
	run.machine = fl_machine_json(&s.m);
	assert_int_equal(fl_json_parse(then, strlen(then), "then", &run.environment, &err), 0);
	assert_int_equal(fl_json_parse(now, strlen(now), "now", &environment, &err), 0);
	is.machine = &s.m;
	is.environment = environment;
	rc = fl_changes_check(&run, &plan, &is, &err);
	assert_int_equal(rc, *says ? -EINVAL : 0);
	if (*says && !strstr(err.what, says))
		fail_msg("'%s' does not say '%s'", err.what, says);
	json_decref(environment);
	json_decref(run.environment);
	json_decref(run.machine);
}

/* Rounds over another network are no rounds of the same measurement. */
static void by_which_interface(void **state)
{
	(void)state;
	check("{\"interface\": \"eth0\"}", "{\"interface\": \"eth0\"}", "");
	check("{\"interface\": \"eth0\"}", "{\"interface\": \"ib0\"}",
	      "this machine is not as run 'r' left it: interface was 'eth0', is 'ib0'");
	check("{\"interface\": \"eth0\"}", "{\"interface\": null}", "interface was 'eth0', is 'unknown'");
	check("{}", "{\"interface\": \"ib0\"}", ""); /* an older record */
}

static void other_settings(void **state)
{
	(void)state;
	check("{\"smt\": \"on\"}", "{\"smt\": \"off\"}", "smt was 'on', is 'off'");
	check("{\"variables\": {\"NCCL_ALGO\": \"a\"}}", "{\"variables\": {\"NCCL_ALGO\": \"b\"}}", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_which_interface),
		cmocka_unit_test(other_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
