/* SPDX-License-Identifier: Apache-2.0 */
/* test_load.c: libibverbs as it is installed here has all that is called of it, path/rdma is linked without it,,
 * a library that has nothing, or is not there, is found out, and no event costs a look-up. */
#include "path/rdma/port.h"
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What load.c asks of the loader: of the real one, or of one that finds what is called at events, and counts. */
static struct {
	bool on;
	unsigned looked, got, acked;
} fake;

static int fake_get(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **context)
{
	(void)channel, (void)cq, (void)context;
	fake.got++;
	return 0;
}

static void fake_ack(struct ibv_cq *cq, unsigned n)
{
	(void)cq;
	fake.acked += n;
}

static void *open_counted(const char *name, int how)
{
	return fake.on ? &fake : dlopen(name, how);
}

static void *find_counted(void *library, const char *name)
{
	const union {
		int (*get)(struct ibv_comp_channel *, struct ibv_cq **, void **);
		void (*ack)(struct ibv_cq *, unsigned);
		void *found;
	} get = { .get = fake_get }, ack = { .ack = fake_ack };

	if (!fake.on)
		return dlsym(library, name);
	fake.looked++;
	if (!strcmp(name, "ibv_get_cq_event"))
		return get.found;
	return strcmp(name, "ibv_ack_cq_events") ? NULL : ack.found;
}

#define dlopen open_counted
#define dlsym  find_counted
#include "path/rdma/verbs/load.c"
#undef dlopen
#undef dlsym

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

/* The library is opened before there is a channel. */
static void events_look_nothing_up(void **state)
{
	enum { EVENTS = 5 };
	struct ibv_cq *cq = NULL;
	void *context;

	(void)state;
	fake.on = true;
	verbs.once = PTHREAD_ONCE_INIT;
	assert_null(ibv_get_device_list(NULL));
	fake.looked = 0;
	for (unsigned i = 0; i < EVENTS; i++) {
		assert_int_equal(ibv_get_cq_event(NULL, &cq, &context), 0);
		ibv_ack_cq_events(cq, 1);
	}
	assert_int_equal(fake.got, EVENTS);
	assert_int_equal(fake.acked, EVENTS);
	assert_int_equal(fake.looked, 0);
	fake.on = false;
	verbs.once = PTHREAD_ONCE_INIT;
}

/* Without a library there is no event either. */
static void no_event_without_it(void **state)
{
	struct ibv_cq *cq;
	void *context;

	(void)state;
	atomic_store(&verbs.get_cq_event, NULL);
	atomic_store(&verbs.ack_cq_events, NULL);
	errno = 0;
	assert_int_equal(ibv_get_cq_event(NULL, &cq, &context), -1);
	assert_int_equal(errno, ELIBACC);
	ibv_ack_cq_events(NULL, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(events_look_nothing_up),
					    cmocka_unit_test(no_event_without_it), cmocka_unit_test(has_all),
					    cmocka_unit_test(others_have_not), cmocka_unit_test(no_such_device) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
