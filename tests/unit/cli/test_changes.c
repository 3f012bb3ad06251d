/* SPDX-License-Identifier: Apache-2.0 */
/* test_changes.c: what a host's environment may not differ in when a run goes on. */
#include "../sample.h"
#include "base/json.h"
#include "cli/changes.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What is said of a run with that plan that recorded `then`, on the same machine, its host 0, with `now`; "" where it
 * may go on. */
static void check_plan(const struct fl_plan *plan, const char *then, const char *now, const char *says)
{
	struct sample_machine s;
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
	rc = fl_changes_check(&run, plan, &is, &err);
	assert_int_equal(rc, *says ? -EINVAL : 0);
	if (*says && !strstr(err.what, says))
		fail_msg("'%s' does not say '%s'", err.what, says);
	if (rc < 0)
		assert_int_equal(strstr(says, "interface") != NULL, strstr(err.hint, "--hub-interface") != NULL);
	json_decref(environment);
	json_decref(run.environment);
	json_decref(run.machine);
}

static void check(const char *then, const char *now, const char *says)
{
	check_plan(&(struct fl_plan){ 0 }, then, now, says);
}

/* A case with a lane by itself on each of two hosts, and a group of two with that option; NULL: it has none. */
static void check_group(const unsigned hosts[2], const char *interface, const char *now, const char *says)
{
	char name[] = "interface", text[16] = "", bench[] = "x";
	struct fl_option option = { .name = name, .text = text };
	struct fl_plan_lane lanes[] = {
		{ .bench = bench, .host = 0, .group = 0, .size = 1 },
		{ .bench = bench, .host = 1, .group = 1, .size = 1 },
		{ .bench = bench, .host = hosts[0], .group = 2, .rank = 0, .size = 2 },
		{ .bench = bench, .host = hosts[1], .group = 2, .rank = 1, .size = 2 },
	};
	struct fl_plan_case one = { .lanes = lanes, .lanes_n = 4 };
	struct fl_plan plan = { .cases = &one, .cases_n = 1 };

	for (size_t i = 2; i < 4 && interface; i++) {
		snprintf(text, sizeof(text), "%s", interface);
		lanes[i].options = &option;
		lanes[i].options_n = 1;
	}
	check_plan(&plan, "{\"interface\": \"eth0\"}", now, says);
}

static const char eth0[] = "{\"interface\": \"eth0\"}", ib0[] = "{\"interface\": \"ib0\"}";

/* Rounds over another network are no rounds of the same measurement. */
static void by_which_interface(void **state)
{
	static const char other[] = "this machine is not as run 'r' left it: interface was 'eth0', is 'ib0'";
	const unsigned apart[] = { 0, 1 }, back[] = { 1, 0 };

	(void)state;
	check_group(apart, "", eth0, "");
	check_group(apart, "", ib0, other);
	check_group(back, NULL, ib0, other);
	check_group(apart, "", "{\"interface\": null}", "interface was 'eth0', is 'unknown'");
	check("{}", ib0, ""); /* an older record */
}

/* By which network the hub is reached is a race where there are two: it counts only where something goes over it. */
static void interface_of_nobody(void **state)
{
	const unsigned apart[] = { 0, 1 }, here[] = { 0, 0 }, there[] = { 1, 2 };

	(void)state;
	check(eth0, ib0, "");
	check_group(here, "", ib0, "");
	check_group(there, "", ib0, "");
	check_group(apart, "eth1", ib0, "");
}

static void other_settings(void **state)
{
	(void)state;
	check("{\"smt\": \"on\"}", "{\"smt\": \"off\"}", "smt was 'on', is 'off'");
	check("{\"variables\": {\"NCCL_ALGO\": \"a\"}}", "{\"variables\": {\"NCCL_ALGO\": \"b\"}}", "");
}

/* What is said where drives[index] of the sample machine is away (gone: now; else then) and a lane has that option. */
static void check_drive(size_t index, bool gone, const char *environment, const char *option, const char *says)
{
	char name[] = "drive", text[16], bench[] = "x";
	struct fl_option one = { .name = name, .text = text };
	struct fl_plan_lane lane = { .bench = bench, .size = 1, .options = &one, .options_n = 1 };
	struct fl_plan_case first = { .lanes = &lane, .lanes_n = 1 };
	const struct fl_plan plan = { .cases = &first, .cases_n = 1 };
	struct sample_machine with, without;
	struct fl_run run = { .id = "r" };
	struct fl_changes_now now = { 0 };
	struct fl_err err = { 0 };

	sample_machine_init(&with);
	sample_machine_init(&without);
	without.drives[0] = without.drives[!index];
	without.m.drives_n = 1;
	snprintf(text, sizeof(text), "%s", option);
	run.machine = fl_machine_json(gone ? &with.m : &without.m);
	now.machine = gone ? &without.m : &with.m;
	assert_int_equal(fl_json_parse(environment, strlen(environment), "then", &run.environment, &err), 0);
	now.environment = run.environment;
	assert_int_equal(fl_changes_check(&run, &plan, &now, &err), *says ? -EINVAL : 0);
	if (*says)
		assert_string_equal(err.what, says);
	json_decref(run.environment);
	json_decref(run.machine);
}

/* One that is not on PCI, as a loop device that some other program had, is nothing to a run that does not use it. */
static void drives_that_come_and_go(void **state)
{
	static const char gone[] = "this machine is not as run 'r' left it: drive 'vda' is gone";

	(void)state;
	check_drive(0, true, "{}", "", "");
	check_drive(0, false, "{}", "", "");
	check_drive(0, true, "{}", "vda", gone);
	check_drive(0, false, "{}", "vda", "");
	check_drive(0, true, "{\"used\": {\"/a\": {\"drive\": \"vda\"}}}", "", gone);
	check_drive(0, true, "{\"used\": {\"/a\": {\"drive\": \"nvme-S1\"}}}", "", "");
	check_drive(1, true, "{}", "", "this machine is not as run 'r' left it: drive 'nvme-S1' is gone");
	check_drive(1, false, "{}", "", "this machine is not as run 'r' left it: drive 'nvme-S1' is new");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drives_that_come_and_go),
		cmocka_unit_test(by_which_interface),
		cmocka_unit_test(interface_of_nobody),
		cmocka_unit_test(other_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
