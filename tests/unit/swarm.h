/* SPDX-License-Identifier: Apache-2.0 */
/* swarm.h: many agents in one process that measure nothing: they join, tell a machine, answer their clock, and say of a
 * case what an agent says of one; and a plan for as many, with a crew that carries it out. For tests of the hub, and
 * for scripts/bench-self. */
#ifndef FL_TESTS_SWARM_H
#define FL_TESTS_SWARM_H
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/address.h"
#include "hosts/crew.h"
#include "hosts/join.h"
#include "record/journal.h"
#include <errno.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* What they leave for who runs the hub, in memory that both share. */
struct swarm_seen {
	/* When the last host so far heard when to start, and how much CPU time the hub had used by then. */
	uint64_t started_ns, hub_cpu_ns;
};

struct swarm {
	struct fl_wire **wires; /* by rank; NULL: over */
	json_t **cases;		/* the last "case" that each was told; NULL: none */
	size_t n, left;
	int epoll_fd;
	json_t *machine; /* the message */
	struct swarm_seen *seen;
};

static inline struct swarm_seen *swarm_seen_make(void)
{
	void *seen = mmap(NULL, sizeof(struct swarm_seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return seen == MAP_FAILED ? NULL : seen;
}

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
	json_decref(s->cases[i]);
	s->cases[i] = NULL;
	s->left--;
}

static void swarm_say_lane(struct fl_wire *w, const json_t *message, const json_t *lane)
{
	struct fl_lane_record r;
	struct fl_text line = { 0 };
	json_t *o;

	fl_lane_record_init(&r);
	r.case_no = (unsigned)json_integer_value(json_object_get(message, "case"));
	r.round = (unsigned)json_integer_value(json_object_get(message, "round"));
	r.lane = (unsigned)json_integer_value(json_object_get(lane, "number"));
	r.bench = fl_dup(fl_json_text_or_null(lane, "bench"));
	r.options = json_incref(json_object_get(lane, "options"));
	r.placement = json_object();
	r.facts = json_object();
	r.caps = json_array();
	r.distrust = json_array();
	r.notes = json_pack("{s:i}", "window_ns", 100);
	fl_journal_lane(&r, &line);
	o = json_pack("{s:s, s:s, s:b}", "is", "line", "text", fl_text_str(&line), "more", 0);
	fl_wire_send(w, o, NULL);
	json_decref(o);
	fl_text_release(&line);
	fl_lane_record_release(&r);
}

static void swarm_collect(struct swarm *s, size_t i)
{
	const json_t *lane;
	size_t k;

	json_array_foreach(json_object_get(s->cases[i], "lanes"), k, lane)
		swarm_say_lane(s->wires[i], s->cases[i], lane);
	swarm_say(s->wires[i], "over");
}

/* Those of groups are held, and it is said in which step. */
static void swarm_stop(struct swarm *s, size_t i)
{
	json_t *held = json_array(), *o;
	const json_t *lane;
	size_t k;

	json_array_foreach(json_object_get(s->cases[i], "lanes"), k,
			   lane) if (json_integer_value(json_object_get(lane, "size")) > 1)
		json_array_append_new(held,
				      json_pack("{s:O, s:i}", "lane", json_object_get(lane, "number"), "steps", 7));
	if (json_array_size(held)) {
		o = json_pack("{s:s, s:O}", "is", "held", "lanes", held);
		fl_wire_send(s->wires[i], o, NULL);
		json_decref(o);
	} else {
		swarm_say(s->wires[i], "stopped");
	}
	json_decref(held);
}

static void swarm_see_start(struct swarm *s)
{
	struct timespec t = { 0 };
	clockid_t hub;

	if (clock_getcpuclockid(getppid(), &hub) == 0)
		clock_gettime(hub, &t);
	s->seen->started_ns = fl_now_ns();
	s->seen->hub_cpu_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void swarm_answer(struct swarm *s, size_t i, json_t *message)
{
	static const char *const answers[][2] = {
		{ "begin", "begun" },	 { "case", "ready" },	  { "start", "warm" },
		{ "window", "covered" }, { "finish", "stopped" }, { "cancel", "stopped" },
	};
	const char *told = fl_json_text_or_null(message, "do");
	struct fl_wire *w = s->wires[i];

	if (!told || !strcmp(told, "end") || !strcmp(told, "refused")) {
		swarm_drop(s, i);
		return;
	}
	if (!strcmp(told, "welcome"))
		fl_wire_send(w, s->machine, NULL);
	if (!strcmp(told, "case")) {
		json_decref(s->cases[i]);
		s->cases[i] = json_incref(message);
	}
	if (!strcmp(told, "start"))
		swarm_see_start(s);
	for (size_t k = 0; k < sizeof(answers) / sizeof(answers[0]); k++)
		if (!strcmp(told, answers[k][0]))
			swarm_say(w, answers[k][1]);
	if (!strcmp(told, "stop"))
		swarm_stop(s, i);
	if (!strcmp(told, "collect"))
		swarm_collect(s, i);
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
static inline int swarm_run(const struct fl_bootstrap *b, size_t n, json_t *machine, json_t *environment,
			    struct swarm_seen *seen)
{
	struct swarm s = { .n = n, .epoll_fd = epoll_create1(EPOLL_CLOEXEC), .seen = seen };
	struct rlimit limit;
	int rc = 0;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	s.machine = json_pack("{s:s, s:O, s:O}", "is", "machine", "machine", machine, "environment", environment);
	s.wires = fl_zalloc(n, sizeof(struct fl_wire *));
	s.cases = fl_zalloc(n, sizeof(json_t *));
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = swarm_join(&s, i, b);
	while (rc == 0 && s.left > 0) {
		struct epoll_event events[64];
		int got = epoll_wait(s.epoll_fd, events, 64, 1000);

		for (int i = 0; i < got; i++)
			swarm_serve(&s, events[i].data.u64);
	}
	for (size_t i = 0; i < n; i++) {
		fl_wire_close(s.wires[i]);
		json_decref(s.cases[i]);
	}
	free(s.wires);
	free(s.cases);
	json_decref(s.machine);
	close(s.epoll_fd);
	return rc ? 1 : 0;
}

/* ---- the hub's side */

struct swarm_crew {
	struct fl_hub *hub;
	struct fl_entry entry;
	struct fl_catalog catalog;
	struct fl_plan_case of;
	struct fl_plan plan;
	struct fl_agent agent;
	struct fl_crew *crew;
	struct fl_run run;
};

/* A lane as one of a plan that spans hosts: between this host and its neighbour. */
static void swarm_plan_lane(struct fl_plan_lane *lane, unsigned number, unsigned lanes, unsigned hosts)
{
	static struct fl_option options[] = { { (char *)"streams", (char *)"8" },
					      { (char *)"block_bytes", (char *)"1048576" },
					      { (char *)"engine", (char *)"io_uring" } };
	unsigned host = number / lanes, first = host / 2 * 2;
	bool pairs = first + 1 < hosts;

	*lane = (struct fl_plan_lane){ .bench = (char *)"tcp.stream",
				       .options = options,
				       .options_n = sizeof(options) / sizeof(options[0]),
				       .worker = number,
				       .host = host,
				       .group = pairs ? first * lanes + number % lanes : number,
				       .rank = pairs ? host - first : 0,
				       .size = pairs ? 2 : 1 };
	for (unsigned cpu = 0; cpu < 8; cpu++)
		fl_cpus_add(&lane->cpus, cpu);
}

/* All hosts of the hub, which have come, with so many lanes each; windows of duration_ns, of which agents of a swarm
 * say at once that they are over. */
static inline void swarm_crew_open(struct swarm_crew *c, struct fl_hub *hub, unsigned lanes, uint64_t duration_ns)
{
	static struct fl_metric metrics[] = { { "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload" }, { 0 } };
	static struct fl_fact facts[] = { { 0 } };
	static struct fl_field fields[] = { { 0 } };
	static struct fl_flow flows[] = { { 0 } };
	const unsigned n = (unsigned)hub->n;

	*c = (struct swarm_crew){ .hub = hub, .run = { .status = -1 } };
	c->entry = (struct fl_entry){ .name = (char *)"tcp.stream",
				      .metrics = metrics,
				      .facts = facts,
				      .fields = fields,
				      .flows = flows,
				      .lockstep = true };
	c->catalog = (struct fl_catalog){ .entries = &c->entry, .n = 1 };
	c->of = (struct fl_plan_case){ .label = (char *)"a case", .rounds = 1, .duration_ns = duration_ns };
	c->of.lanes_n = (size_t)n * lanes;
	c->of.lanes = fl_zalloc(c->of.lanes_n, sizeof(*c->of.lanes));
	for (unsigned i = 0; i < c->of.lanes_n; i++)
		swarm_plan_lane(&c->of.lanes[i], i, lanes, n);
	c->plan = (struct fl_plan){ .cases = &c->of, .cases_n = 1, .hosts_n = n };
	c->plan.hosts = fl_zalloc(n, sizeof(*c->plan.hosts));
	for (unsigned i = 0; i < n; i++)
		c->plan.hosts[i] = hub->hosts[i].name;
	c->agent.catalog = &c->catalog;
	c->crew = fl_crew_make(hub, &c->plan);
}

static inline int swarm_crew_run(struct swarm_crew *c, struct fl_err *err)
{
	const struct fl_plan_step at = { .case_no = 0 };
	int rc = c->crew->run_case(c->crew, &c->agent, &c->plan, &at, &c->run, err);

	for (size_t i = 0; i < c->run.lanes_n && rc == 0; i++)
		if (c->run.lanes[i].outcome != FL_MEASURED)
			rc = fl_fail(err, -EIO, "%.300s", c->run.lanes[i].reason);
	for (size_t i = 0; i < c->run.lanes_n; i++)
		fl_lane_record_release(&c->run.lanes[i]);
	c->run.lanes_n = 0;
	return rc;
}

static inline void swarm_crew_close(struct swarm_crew *c)
{
	fl_crew_free(c->crew);
	free(c->run.lanes);
	free(c->of.lanes);
	free(c->plan.hosts);
}

#endif
