/* SPDX-License-Identifier: Apache-2.0 */
/* How agents come to the hub: to one that is late, to one of another run, by several addresses, or not yet. */
#include "agents.h"
#include "hosts/hub.h"
#include "hosts/hub_parts.h"
#include <errno.h>
#include <stdlib.h>

struct latecomer {
	struct fl_hub *hub;
	struct agents *agents;
	uint64_t at_ns; /* 0: it has come */
};

static int come_late(void *arg, struct fl_err *err)
{
	struct latecomer *l = arg;

	(void)err;
	if (l->at_ns && fl_now_ns() >= l->at_ns)
		agents_start(l->agents, l->hub, &(struct agent_way){ .rank = 1, .host = "n2" });
	l->at_ns = fl_now_ns() >= l->at_ns ? 0 : l->at_ns;
	return 0;
}

/* Also where it could be all that is missing, and the one that is meant takes its time. */
static void test_other_secret_ends_no_run(void **state)
{
	struct fl_hub *hub = open_hub(2, "127.0.0.1", 0);
	struct agents a = agents_make();
	struct latecomer late = { .hub = hub, .agents = &a, .at_ns = fl_now_ns() + UINT64_C(5500000000) };
	const struct fl_hub_launch launch = { .check = come_late, .arg = &late };
	struct fl_err err = { 0 };

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	agents_start(&a, hub, &(struct agent_way){ .rank = 1, .host = "n2", .other_secret = true });
	if (fl_hub_gather(hub, limit_ns, &launch, &err) < 0)
		fail_msg("%s", err.what);
	assert_string_equal(hub->hosts[1].name, "n2");
	fl_hub_close(hub);
	agents_kill(&a);
}

static void turn_until_foreign(struct fl_hub *hub)
{
	while (!hub->door->foreign_n)
		fl_hub_turn(hub, fl_now_ns() + short_ns, NULL, NULL);
}

/* It was refused a connection before there was a hub: what it says in the end is that the hub has another secret. */
static void test_other_secret_of_a_late_hub(void **state)
{
	struct fl_hub *hub = open_hub(1, "127.0.0.1", 0), *later;
	struct agents a = agents_make();

	(void)state;
	close(hub->listen_fd);
	hub->listen_fd = -1;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1" });
	usleep(700000);
	later = open_hub(1, "127.0.0.1", hub->port);
	turn_until_foreign(later);
	assert_int_equal(agents_wait(&a, 0), 2);
	assert_int_equal(a.ends[0].code, -EACCES);
	says(a.ends[0].what, "another secret");
	fl_hub_close(later);
	fl_hub_close(hub);
	agents_kill(&a);
}

/* Where the hub may be late, what answers first may be that of the run before. */
static void test_hub_of_the_run_before(void **state)
{
	struct fl_hub *hub = open_hub(1, "127.0.0.1", 0), *before;
	struct agents a = agents_make();

	(void)state;
	close(hub->listen_fd);
	hub->listen_fd = -1;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1", .hub_may_be_late = true });
	before = open_hub(1, "127.0.0.1", hub->port);
	turn_until_foreign(before);
	fl_hub_close(before);
	before = open_hub(1, "127.0.0.1", hub->port);
	before->secret = hub->secret;
	gathers(before);
	fl_hub_close(before);
	assert_int_equal(agents_wait(&a, 0), 0);
	fl_hub_close(hub);
	agents_kill(&a);
}

/* The hub's own agent comes to its first address, the others to the one that they reach. */
static void test_own_host_is_where_others_reach_it(void **state)
{
	struct fl_hub *hub = open_hub(4, NULL, 0);
	struct agents a = agents_make();

	(void)state;
	agents_start(&a, hub, &(struct agent_way){ .rank = 0, .host = "n1", .address = "127.0.0.1" });
	agents_start(&a, hub, &(struct agent_way){ .rank = 1, .host = "n2", .address = "127.0.0.7" });
	agents_start(&a, hub, &(struct agent_way){ .rank = 2, .host = "n3", .address = "127.0.0.9" });
	agents_start(&a, hub, &(struct agent_way){ .rank = 3, .host = "n4", .address = "127.0.0.9" });
	gathers(hub);
	assert_string_equal(hub->hosts[0].address, "127.0.0.9");	     /* most of them */
	assert_null(fl_json_text_or_null(hub->hosts[0].hello, "interface")); /* that of this address: it has none */
	assert_string_equal(hub->hosts[1].address, "127.0.0.1");	     /* from where they come */
	assert_string_equal(hub->hosts[3].address, "127.0.0.1");
	assert_string_equal(fl_json_text_or_null(hub->hosts[3].hello, "host"), "n4");
	fl_hub_close(hub);
	agents_kill(&a);
}

static void is_lost(struct fl_hub *hub, const char *want)
{
	char *text = fl_hub_who_is_lost(hub);

	if (!text || !want)
		assert_ptr_equal(text, want);
	else
		says(text, want);
	free(text);
}

/* A hub that is told to end says who is gone: also who says nothing more and did not close. */
static void test_who_is_lost(void **state)
{
	volatile sig_atomic_t interrupt = 0;
	struct fl_hub *hub = open_hub(3, "127.0.0.1", 0);
	struct agents a = agents_make();

	(void)state;
	hub->interrupt = &interrupt;
	for (int i = 0; i < 3; i++)
		agents_start(&a, hub, &(struct agent_way){ .rank = i, .host = names[i] });
	gathers(hub);
	interrupt = 1;
	is_lost(hub, NULL);
	assert_ptr_equal(hub->interrupt, &interrupt);
	kill(a.pids[1], SIGSTOP);
	is_lost(hub, "host n2 does not answer any more");
	interrupt = 0;
	kill(a.pids[2], SIGKILL);
	while (!hub->hosts[2].lost)
		fl_hub_turn(hub, fl_now_ns() + short_ns, NULL, NULL);
	is_lost(hub, "host n3 was lost: the connection was ");
	fl_hub_lose(hub, &hub->hosts[1], &(struct fl_err){ .code = -ETIMEDOUT, .what = "it hangs" });
	is_lost(hub, "hosts n2, n3 were lost: it hangs");
	fl_hub_close(hub);
	agents_kill(&a);
}

/* Nobody is named who was only told to end, too. */
static void test_who_ends_is_not_lost(void **state)
{
	struct fl_hub *hub = open_hub(2, "127.0.0.1", 0);
	struct agents a = agents_make();

	(void)state;
	for (int i = 0; i < 2; i++)
		agents_start(&a, hub, &(struct agent_way){ .rank = i, .host = names[i] });
	gathers(hub);
	fl_hub_lose(hub, &hub->hosts[0], &(struct fl_err){ .code = -EINTR, .what = "interrupted" });
	kill(a.pids[1], SIGKILL);
	is_lost(hub, NULL);
	fl_hub_close(hub);
	agents_kill(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_secret_ends_no_run),
		cmocka_unit_test(test_other_secret_of_a_late_hub),
		cmocka_unit_test(test_hub_of_the_run_before),
		cmocka_unit_test(test_who_is_lost),
		cmocka_unit_test(test_who_ends_is_not_lost),
		cmocka_unit_test(test_own_host_is_where_others_reach_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
