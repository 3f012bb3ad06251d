/* SPDX-License-Identifier: Apache-2.0 */
/* swarm.h: many agents in one process that measure nothing: they join, tell a machine, answer their clock, and say of a
 * case what an agent says of one. For tests of the hub, and for scripts/bench-self. */
#ifndef FL_TESTS_SWARM_H
#define FL_TESTS_SWARM_H
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/address.h"
#include "hosts/join.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

struct swarm {
	struct fl_wire **wires; /* by rank; NULL: over */
	size_t n, left;
	int epoll_fd;
	json_t *machine; /* the message */
	json_t *lane;	 /* what each sends of a case, once; NULL: nothing */
};

static void swarm_say(struct fl_wire *w, const char *is)
{
	json_t *o = json_pack("{s:s}", "is", is);

	fl_wire_send(w, o, NULL);
	json_decref(o);
}

static void swarm_drop(struct swarm *s, size_t i)
{
	fl_wire_close(s->wires[i]);
	s->wires[i] = NULL;
	s->left--;
}

static void swarm_answer(struct swarm *s, size_t i, const json_t *message)
{
	static const char *const answers[][2] = {
		{ "case", "ready" }, { "start", "warm" }, { "window", "narrow" }, { "close", "covered" }
	};
	const char *told = fl_json_text_or_null(message, "do");
	struct fl_wire *w = s->wires[i];

	if (!told || !strcmp(told, "end") || !strcmp(told, "refused")) {
		swarm_drop(s, i);
		return;
	}
	if (!strcmp(told, "welcome"))
		fl_wire_send(w, s->machine, NULL);
	for (size_t k = 0; k < sizeof(answers) / sizeof(answers[0]); k++)
		if (!strcmp(told, answers[k][0]))
			swarm_say(w, answers[k][1]);
	if (strcmp(told, "stop") != 0)
		return;
	if (s->lane)
		fl_wire_send(w, s->lane, NULL);
	swarm_say(w, "over");
}

static void swarm_serve(struct swarm *s, size_t i)
{
	json_t *message = NULL;
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = i };
	int rc;

	if (!s->wires[i])
		return;
	fl_wire_flush(s->wires[i], NULL);
	rc = fl_join_receive(s->wires[i], &message, NULL);
	if (rc == 0)
		swarm_answer(s, i, message);
	else if (rc != -EAGAIN)
		swarm_drop(s, i);
	json_decref(message);
	if (!s->wires[i])
		return;
	event.events |= fl_wire_is_full(s->wires[i]) ? EPOLLOUT : 0;
	epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, fl_wire_fd(s->wires[i]), &event);
}

static int swarm_join(struct swarm *s, size_t i, const struct fl_bootstrap *b)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = i };
	struct sockaddr_storage a;
	json_t *hello;
	socklen_t n;
	int fd;

	if (fl_address_parse(b->addresses[0], b->port, &a, &n, NULL) < 0)
		return -1;
	fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, n) < 0)
		return -1;
	s->wires[i] = fl_wire_open(fd, FL_WIRE_AGENT, &b->secret);
	s->left++;
	hello = json_pack("{s:s, s:i, s:o, s:s, s:{s:i, s:i, s:i}, s:i, s:s}", "is", "hello", "rank", (int)i, "host",
			  json_sprintf("n%zu", i + 1), "version", FEEDLINE_VERSION, "schemas", "plan", 2, "store", 3,
			  "export", 2, "local_size", 1, "interface", "lo");
	fl_wire_send(s->wires[i], hello, NULL);
	json_decref(hello);
	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Until all are told to end, or the hub is gone. 0; 1: they could not join. machine, environment: of all of them. */
static inline int swarm_run(const struct fl_bootstrap *b, size_t n, json_t *machine, json_t *environment, json_t *lane)
{
	struct swarm s = { .n = n, .epoll_fd = epoll_create1(EPOLL_CLOEXEC), .lane = lane };
	struct rlimit limit;
	int rc = 0;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	s.machine = json_pack("{s:s, s:O, s:O}", "is", "machine", "machine", machine, "environment", environment);
	s.wires = fl_zalloc(n, sizeof(struct fl_wire *));
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = swarm_join(&s, i, b);
	while (rc == 0 && s.left > 0) {
		struct epoll_event events[64];
		int got = epoll_wait(s.epoll_fd, events, 64, 1000);

		for (int i = 0; i < got; i++)
			swarm_serve(&s, events[i].data.u64);
	}
	for (size_t i = 0; i < n; i++)
		fl_wire_close(s.wires[i]);
	free(s.wires);
	json_decref(s.machine);
	close(s.epoll_fd);
	return rc ? 1 : 0;
}

#endif
