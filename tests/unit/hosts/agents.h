/* SPDX-License-Identifier: Apache-2.0 */
/* agents.h: agents of a hub as child processes, each with one behaviour, and what became of them. */
#ifndef FL_TESTS_AGENTS_H
#define FL_TESTS_AGENTS_H
#include "base/json.h"
#include "hosts/hub.h"
#include "hosts/join.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <feedline/clock.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AGENTS_MAX = 9 };
static const uint64_t agent_second_ns = UINT64_C(1000000000);
static const uint64_t limit_ns = UINT64_C(20000000000), short_ns = UINT64_C(300000000);
static const char *const names[AGENTS_MAX] = { "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9" };

/* A hub of so many hosts. bind NULL: at all addresses; port 0: at any free one. */
static inline struct fl_hub *open_hub(unsigned n, const char *bind, uint16_t port)
{
	const struct fl_hub_spec spec = { .n = n, .names = names, .listen_fd = -1, .bind = bind, .port = port };
	struct fl_err err = { 0 };
	struct fl_hub *hub;

	if (fl_hub_open(&spec, &hub, &err) < 0)
		fail_msg("%s", err.what);
	return hub;
}

/* All of them come; then it needs its secret no more. */
static inline void gathers(struct fl_hub *hub)
{
	const struct fl_secret none = { { 0 } };
	struct fl_err err = { 0 };

	if (fl_hub_gather(hub, limit_ns, NULL, &err) < 0)
		fail_msg("%s", err.what);
	assert_memory_equal(&hub->secret, &none, sizeof(none));
}

/* What the children leave behind. */
struct agent_end {
	int code; /* of fl_join_connect() */
	char what[320];
	int heard; /* messages after the welcome */
};

struct agents {
	struct agent_end *ends; /* shared with the children */
	pid_t pids[AGENTS_MAX];
	size_t n;
};

/* How a child differs from an agent that does all as it should. */
struct agent_way {
	int rank;
	const char *host;
	const char *address; /* of the hub; NULL: as the hub says */
	bool other_secret;
	bool hub_may_be_late;
	const char *lock;
	unsigned local_size; /* 0: 1 */
	bool goes_away;	     /* after its welcome */
	bool hangs;	     /* after its machine */
	bool bad_machine;
	const char *fails; /* says so after its welcome */
	const char *digest;
	int64_t clock_shift_ns; /* answers its clock by hand, so much later */
	void (*change)(json_t *machine, json_t *environment);
};

static inline struct agents agents_make(void)
{
	struct agents a = { 0 };

	a.ends = mmap(NULL, AGENTS_MAX * sizeof(*a.ends), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(a.ends, MAP_FAILED);
	return a;
}

static json_t *agent_machine(void)
{
	json_t *machine = NULL;

	if (fl_json_load(TESTS_DIR "/fixtures/machines/small-vm.json", 1 << 20, &machine, NULL) < 0)
		_exit(99);
	return machine;
}

static json_t *agent_environment(void)
{
	return json_pack("{s:{s:s, s:s}}", "libraries", "glibc", "2.36", "hwloc", "2.9.0");
}

static void agent_tell_machine(const struct agent_way *way, struct fl_wire *w)
{
	json_t *machine = way->bad_machine ? json_object() : agent_machine(), *environment = agent_environment();

	if (way->change)
		way->change(machine, environment);
	fl_join_tell_machine(w, machine, environment, NULL, NULL);
	json_decref(machine);
	json_decref(environment);
}

/* Answers each message with {"is":"heard"}, until the end. */
static int agent_serve(const struct agent_way *way, struct fl_wire *w, struct agent_end *end)
{
	for (;;) {
		json_t *message = NULL, *answer = NULL;
		const char *told;
		int rc = way->clock_shift_ns
				 ? fl_wire_receive(w, &message, NULL)
				 : fl_join_next(w, fl_now_ns() + 60 * agent_second_ns, NULL, &message, NULL);

		if (rc == -EAGAIN) {
			fl_wire_wait(w, fl_now_ns() + agent_second_ns);
			continue;
		}
		if (rc < 0)
			return 3;
		told = fl_json_text_or_null(message, "do");
		if (told && !strcmp(told, "alive")) {
			json_decref(message);
			continue;
		}
		end->heard++;
		if (told && !strcmp(told, "end"))
			return 0;
		if (told && !strcmp(told, "clock"))
			answer = json_pack("{s:s, s:O, s:I}", "is", "clock", "sent_ns",
					   json_object_get(message, "sent_ns"), "at_ns",
					   (json_int_t)((int64_t)fl_now_ns() + way->clock_shift_ns));
		else
			answer = json_pack("{s:s}", "is", "heard");
		fl_wire_send(w, answer, NULL);
		json_decref(answer);
		json_decref(message);
	}
}

static int agent_live(const struct agent_way *way, struct fl_bootstrap *b, struct agent_end *end)
{
	struct fl_join join = { .bootstrap = b,
				.catalog_digest = way->digest,
				.lock = way->lock,
				.local_size = way->local_size ? way->local_size : 1,
				.until_ns = fl_now_ns() + 20 * agent_second_ns };
	struct fl_err err = { 0 };
	struct fl_wire *w = NULL;

	if (way->other_secret)
		b->secret.bytes[0] ^= 1;
	if (way->address)
		b->addresses[0] = (char *)way->address;
	b->hub_may_be_late = way->hub_may_be_late;
	b->rank = way->rank;
	b->host = (char *)way->host;
	end->code = fl_join_connect(&join, &w, &err);
	memcpy(end->what, err.what, sizeof(end->what));
	if (end->code < 0)
		return 2;
	if (way->goes_away)
		return 4;
	if (way->fails) {
		fl_fail(&err, -ENODEV, "%s", way->fails);
		fl_join_tell_failed(w, &err);
		return 5;
	}
	agent_tell_machine(way, w);
	while (way->hangs)
		pause();
	return agent_serve(way, w, end);
}

static inline void agents_start(struct agents *a, const struct fl_hub *hub, const struct agent_way *way)
{
	struct agent_end *end = &a->ends[a->n];
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct fl_bootstrap b;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fl_hub_bootstrap(hub, 0, &b);
		close(hub->listen_fd);
		close(hub->epoll_fd);
		for (size_t i = 0; i < hub->n; i++)
			if (hub->hosts[i].wire)
				close(fl_wire_fd(hub->hosts[i].wire));
		_exit(agent_live(way, &b, end));
	}
	a->pids[a->n++] = pid;
}

/* Waits for the end of one; how it exited. */
static int agents_wait(struct agents *a, size_t i)
{
	int status = 0;

	assert_int_equal(waitpid(a->pids[i], &status, 0), a->pids[i]);
	a->pids[i] = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline void agents_kill(struct agents *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->pids[i]) {
			kill(a->pids[i], SIGKILL);
			agents_wait(a, i);
		}
	munmap(a->ends, AGENTS_MAX * sizeof(*a->ends));
}

static inline void says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not say '%s'", text, part);
}

#endif
