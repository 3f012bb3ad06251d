/* SPDX-License-Identifier: Apache-2.0 */
/* test_load.c: libibverbs as it is installed here has all that is called of it, path/rdma is linked without it, and
 * a library that has nothing, or is not there, is found out. */
#include "path/rdma/port.h"
#include "path/rdma/verbs/load.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void fl_set_fact(struct fl_lane *lane, const char *name, const char *fmt, ...)
{
	(void)lane;
	(void)name;
	(void)fmt;
}

static void has_all(void **state)
{
	const char *missing = fl_rdma_verbs_missing(NULL);

	(void)state;
	if (missing && !*missing)
		skip(); /* its header is here, it is not */
	if (missing)
		fail_msg("%s is missing", missing);
}

static void others_have_not(void **state)
{
	(void)state;
	assert_string_equal(fl_rdma_verbs_missing("libno-such-library.so.1"), "");
	assert_string_equal(fl_rdma_verbs_missing("libc.so.6"), "ibv_get_device_list");
}

/* Whatever this machine has, no such device is among it. */
static void no_such_device(void **state)
{
	const struct fl_rdma_port_spec spec = { .device = "no-such", .interface = "", .gid = "auto", .mtu = "auto" };
	struct fl_err err = { 0 };
	struct fl_rdma_port p;

	(void)state;
	assert_true(fl_rdma_port_open(&spec, &p, &err) < 0);
	assert_non_null(strstr(err.what, "RDMA device"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(has_all), cmocka_unit_test(others_have_not),
					    cmocka_unit_test(no_such_device) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
