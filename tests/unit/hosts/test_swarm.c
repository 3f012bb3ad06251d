/* SPDX-License-Identifier: Apache-2.0 */
/* Two hundred hosts at one hub: what a case costs it in messages and memory, by host. */
#include "../swarm.h"
#include "hosts/hub.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <feedline/clock.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { FEW = 20, MANY = 200, LANES = 2 };
static const uint64_t limit_ns = UINT64_C(60000000000);

/* Windows of some hours, of which agents of a swarm say at once that they are over: any clock is known well enough
 * then, by its first answer, and after one case also for the next. */
static const uint64_t window_ns = UINT64_C(20000000000000);

static pid_t start_swarm(const struct fl_hub *hub)
{
	struct swarm_seen *seen = swarm_seen_make();
	pid_t pid;

	assert_non_null(seen);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		json_t *machine = NULL, *environment = json_object();
		struct fl_bootstrap b;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fl_hub_bootstrap(hub, 0, &b);
		close(hub->listen_fd);
		close(hub->epoll_fd);
		if (fl_json_load(TESTS_DIR "/fixtures/machines/small-vm.json", 1 << 20, &machine, NULL) < 0)
			_exit(1);
		_exit(swarm_run(&b, hub->n, machine, environment, seen));
	}
	munmap(seen, sizeof(*seen));
	return pid;
}

static uint64_t messages_of(const struct fl_hub *hub)
{
	uint64_t n = 0;

	for (size_t i = 0; i < hub->n; i++) {
		assert_false(hub->hosts[i].lost);
		n += hub->hosts[i].messages;
	}
	return n;
}

/* One hub with so many hosts, and two cases. What came from all of them until all had come, in the first case and in
 * the second, and what is in use on the heap then. */
struct cost {
	uint64_t messages[3];
	size_t bytes;
};

static struct cost measure(unsigned n)
{
	const struct fl_hub_spec spec = { .n = n, .listen_fd = -1, .bind = "127.0.0.1" };
	size_t before = mallinfo2().uordblks;
	struct swarm_crew crew;
	struct cost cost = { 0 };
	struct fl_err err = { 0 };
	struct fl_hub *hub;
	int status;
	pid_t pid;

	assert_int_equal(fl_hub_open(&spec, &hub, &err), 0);
	pid = start_swarm(hub);
	if (fl_hub_gather(hub, limit_ns, NULL, &err) < 0)
		fail_msg("%s", err.what);
	cost.messages[0] = messages_of(hub);
	swarm_crew_open(&crew, hub, LANES, window_ns);
	for (int i = 1; i <= 2; i++) {
		if (swarm_crew_run(&crew, &err) < 0)
			fail_msg("%s", err.what);
		cost.messages[i] = messages_of(hub);
	}
	swarm_crew_close(&crew);
	cost.bytes = mallinfo2().uordblks - before;
	fl_hub_close(hub);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return cost;
}

/* Each host says hello and its machine; "begun" once; of a case ready, warm, covered, held, stopped, a record of each
 * lane, over, and its clock after it, and before the first, too: so many in all, whatever the number of hosts, and each
 * takes so much memory, which is mostly what is known of its machine. */
static void check_cost(unsigned n)
{
	struct cost cost = measure(n);

	assert_int_equal(cost.messages[0], n * 2);
	assert_int_equal(cost.messages[1] - cost.messages[0], n * (1 + 1 + 6 + LANES + 1));
	assert_int_equal(cost.messages[2] - cost.messages[1], n * (6 + LANES + 1));
	assert_true(cost.bytes < (size_t)n * (64 << 10));
}

static void test_linear(void **state)
{
	(void)state;
	check_cost(FEW);
	check_cost(MANY);
}

/* When the hub goes, they all go. */
static void test_hub_is_gone(void **state)
{
	const struct fl_hub_spec spec = { .n = FEW, .listen_fd = -1, .bind = "127.0.0.1" };
	struct fl_err err = { 0 };
	struct fl_hub *hub;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(fl_hub_open(&spec, &hub, &err), 0);
	pid = start_swarm(hub);
	assert_int_equal(fl_hub_gather(hub, limit_ns, NULL, &err), 0);
	for (size_t i = 0; i < hub->n; i++)
		fl_hub_lose(hub, &hub->hosts[i], &(struct fl_err){ .code = -EPIPE, .what = "the end" });
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	fl_hub_close(hub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linear),
		cmocka_unit_test(test_hub_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
