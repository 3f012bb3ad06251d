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

enum { FEW = 20, MANY = 200 };
static const uint64_t limit_ns = UINT64_C(60000000000);

/* What a case is to the hub: it says this, and waits until all have answered with that. */
static const char *const phases[][2] = {
	{ "case", "ready" }, { "start", "warm" }, { "window", "narrow" }, { "close", "covered" }, { "stop", "over" }
};
enum { PHASES = sizeof(phases) / sizeof(phases[0]) };

struct phase {
	const char *answer;
	size_t left;
};

static int hear(void *arg, struct fl_hub_host *host, const json_t *message, struct fl_err *err)
{
	struct phase *p = arg;
	const char *is = fl_json_text_or_null(message, "is");

	(void)host;
	(void)err;
	if (is && !strcmp(is, p->answer))
		p->left--;
	return p->left == 0;
}

static void lost(void *arg, struct fl_hub_host *host)
{
	(void)arg;
	fail_msg("%s: %s", host->name, host->why.what);
}

static void run_case(struct fl_hub *hub)
{
	struct fl_err err = { 0 };

	assert_int_equal(fl_hub_clocks(hub, 0, NULL, &err), 0);
	for (size_t i = 0; i < PHASES; i++) {
		struct phase p = { .answer = phases[i][1], .left = hub->n };
		const struct fl_hub_ears ears = { .hear = hear, .lost = lost, .arg = &p };
		json_t *message = json_pack("{s:s}", "do", phases[i][0]);

		fl_hub_tell_all(hub, message);
		json_decref(message);
		assert_int_equal(fl_hub_listen(hub, fl_now_ns() + limit_ns, &ears, &err), 1);
	}
}

static pid_t start_swarm(const struct fl_hub *hub)
{
	pid_t pid = fork();

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
		_exit(swarm_run(&b, hub->n, machine, environment, NULL));
	}
	return pid;
}

/* One hub with so many hosts, one case. What came from all of them, and what is in use on the heap meanwhile. */
struct cost {
	uint64_t messages;
	size_t bytes;
};

static struct cost measure(unsigned n)
{
	const struct fl_hub_spec spec = { .n = n, .listen_fd = -1, .bind = "127.0.0.1" };
	size_t before = mallinfo2().uordblks;
	struct cost cost = { 0 };
	struct fl_err err = { 0 };
	struct fl_hub *hub;
	int status;
	pid_t pid;

	assert_int_equal(fl_hub_open(&spec, &hub, &err), 0);
	pid = start_swarm(hub);
	if (fl_hub_gather(hub, limit_ns, NULL, &err) < 0)
		fail_msg("%s", err.what);
	run_case(hub);
	for (size_t i = 0; i < hub->n; i++) {
		assert_false(hub->hosts[i].lost);
		assert_true(hub->hosts[i].clock_error_ns > 0);
		cost.messages += hub->hosts[i].messages;
	}
	cost.bytes = mallinfo2().uordblks - before;
	fl_hub_close(hub);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return cost;
}

/* Each host says hello and its machine, its clock eight times, and a word in each phase: so many in all, whatever the
 * number of hosts, and each takes so much memory, which is mostly what is known of its machine. */
static void test_linear(void **state)
{
	struct cost few = measure(FEW), many = measure(MANY);

	(void)state;
	assert_int_equal(few.messages, FEW * (2 + 8 + PHASES));
	assert_int_equal(many.messages, MANY * (2 + 8 + PHASES));
	assert_true(many.bytes < (size_t)MANY * (64 << 10));
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
