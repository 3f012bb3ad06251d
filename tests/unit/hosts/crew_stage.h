/* SPDX-License-Identifier: Apache-2.0 */
/* crew_stage.h: a crew of two hosts, whose agents are children that play what an agent says, each in one way. */
#ifndef FL_TESTS_CREW_STAGE_H
#define FL_TESTS_CREW_STAGE_H
#include "base/alloc.h"
#include "base/json.h"
#include "hosts/crew_parts.h"
#include "hosts/join.h"
#include "record/journal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <feedline/clock.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOSTS = 2 };
static const uint64_t ms = 1000000, second = 1000000000;

/* ---- an agent */

enum deed {
	NOTHING,
	DIE,
	HANG,
	SAY,	   /* the words, in the place of what is due */
	SAY_FIRST, /* ... and then what is due */
	FLOOD,	   /* the words, again and again */
	RECORD_OF_OTHER_LANE,
	RECORD_OF_OTHER_CASE,
	RECORD_OF_OTHER_BENCH,
	RECORD_TWICE,
	RECORD_WITHOUT_REASON,
	RECORD_WITH_A_SERIES,
	RECORD_OF_WATCHED,
	JUMP,	     /* its clock */
	FAIL,	     /* the first of its lanes, or by these words */
	FAIL_DIE,    /* ... and then all of it */
	GATHER_FAIL, /* the same of one that gathers */
	SLOW_DOWN,
	ANSWER_LATE, /* about its clock */
	OPEN_LAST,   /* once the first was asked for its clock */
};

struct way {
	const char *at; /* what the hub says last before the deed */
	enum deed deed;
	const char *words;
	const char *outcome, *reason; /* of its lane, a part */
};

/* The lanes of the two: each by itself, a group, or one in lockstep: then rank r is in step 21 + r when it is held; or
 * a group of two on each of them; or a group of three, of which the second is on the second host, and all gather. */
enum together { ALONE, GROUP, LOCKSTEP, PAIRS, TRIO };

/* By rank, shared by all: how often it was asked for its clock, and how often of that between "case" and "start". */
struct asked {
	atomic_uint clocks[HOSTS], before[HOSTS];
};

struct player {
	enum together together;
	struct asked *asked;
	const struct way *way;
	struct fl_wire *w;
	unsigned rank;
	json_t *message; /* "case" */
	char *cancelled; /* why */
	bool stopped;	 /* and has said so */
	int64_t shift_ns;
	unsigned pause_us, gathered;
	unsigned clocks; /* it had been asked for at "case" */
};

static void say_text(struct player *p, const char *words)
{
	json_t *message = NULL;

	if (fl_json_parse(words, strlen(words), "words", &message, NULL) < 0 || fl_wire_send(p->w, message, NULL) < 0 ||
	    fl_wire_drain(p->w, fl_now_ns() + 5 * second, NULL) < 0)
		_exit(9);
	json_decref(message);
}

static void say_line(struct player *p, struct fl_text *line)
{
	json_t *message = json_pack("{s:s, s:s, s:b}", "is", "line", "text", fl_text_str(line), "more", 0);

	fl_wire_send(p->w, message, NULL);
	json_decref(message);
	fl_text_release(line);
}

static void fill_record(const struct player *p, const json_t *lane, struct fl_lane_record *r)
{
	fl_lane_record_init(r);
	r->case_no = (unsigned)json_integer_value(json_object_get(p->message, "case"));
	r->lane = (unsigned)json_integer_value(json_object_get(lane, "number"));
	r->bench = fl_dup(fl_json_text_or_null(lane, "bench"));
	r->options = json_object();
	r->placement = json_object();
	r->facts = json_object();
	r->caps = json_array();
	r->distrust = json_array();
	r->notes = json_pack("{s:i}", "window_ns", 100);
	if (!p->cancelled)
		return;
	r->outcome = FL_NOT_MEASURED;
	r->reason = fl_dup(p->cancelled);
}

static void spoil_record(const struct player *p, struct fl_lane_record *r)
{
	r->lane -= p->way->deed == RECORD_OF_OTHER_LANE;
	r->case_no += p->way->deed == RECORD_OF_OTHER_CASE;
	if (p->way->deed == RECORD_WITHOUT_REASON)
		r->outcome = FL_NOT_MEASURED;
	if (p->way->deed == RECORD_OF_OTHER_BENCH)
		r->bench[0] = 'x';
	if (p->way->deed == RECORD_WITH_A_SERIES) {
		r->series = fl_zalloc(1, sizeof(*r->series));
		r->series_n = 1;
		fl_series_make("made_up", FL_SERIES_SAMPLES, 0, r->series);
	}
}

static void say_records(struct player *p)
{
	const json_t *lane;
	size_t i;

	json_array_foreach(json_object_get(p->message, "lanes"), i, lane)
	{
		struct fl_watched watched = { .case_no = 7, .subject = (char *)"system", .series = { .metric = "m" } };
		struct fl_lane_record r;
		struct fl_text line = { 0 };

		fill_record(p, lane, &r);
		spoil_record(p, &r);
		fl_journal_lane(&r, &line);
		say_line(p, &line);
		if (p->way->deed == RECORD_TWICE) {
			fl_journal_lane(&r, &line);
			say_line(p, &line);
		}
		if (p->way->deed == RECORD_OF_WATCHED) {
			fl_journal_watched(&watched, &line);
			say_line(p, &line);
		}
		fl_lane_record_release(&r);
	}
	say_text(p, "{\"is\":\"over\"}");
}

static void say_stopped(struct player *p)
{
	if (!p->stopped)
		say_text(p, "{\"is\":\"stopped\"}");
	p->stopped = true;
}

static void say_gather(struct player *p)
{
	const json_t *lane;
	size_t i;

	json_array_foreach(json_object_get(p->message, "lanes"), i, lane)
	{
		json_t *message = json_pack("{s:s, s:O, s:s, s:s}", "is", "gather", "lane",
					    json_object_get(lane, "number"), "name", "x", "value", "00");

		fl_wire_send(p->w, message, NULL);
		json_decref(message);
	}
}

static unsigned first_of(const struct player *p)
{
	const json_t *lane = json_array_get(json_object_get(p->message, "lanes"), 0);

	return (unsigned)json_integer_value(json_object_get(lane, "number"));
}

static void fail_lane(struct player *p)
{
	char *text = p->way->words ? fl_dup(p->way->words)
				   : fl_format("{\"is\":\"failed\",\"lane\":%u,\"code\":-5,\"what\":\"no luck\"}",
					       first_of(p));

	p->cancelled = fl_dup("no luck");
	say_text(p, text);
	free(text);
}

static void do_deed(struct player *p)
{
	switch (p->way->deed) {
	case DIE:
		_exit(0);
	case HANG:
		for (;;)
			pause();
	case SAY:
	case SAY_FIRST:
		say_text(p, p->way->words);
		break;
	case FLOOD:
		for (int i = 0; i < 5000; i++)
			say_text(p, p->way->words);
		break;
	case GATHER_FAIL:
		say_gather(p);
		fail_lane(p);
		say_stopped(p);
		break;
	case FAIL:
		fail_lane(p);
		say_stopped(p);
		break;
	case FAIL_DIE:
		fail_lane(p);
		_exit(0);
	case SLOW_DOWN:
		usleep(300000);
		break;
	case ANSWER_LATE:
		p->pause_us = 3000;
		break;
	case OPEN_LAST:
		while (!p->asked->clocks[0])
			usleep(1000);
		break;
	case JUMP:
		p->shift_ns = 50 * (int64_t)ms;
		break;
	default:
		break;
	}
}

static void say_held(struct player *p)
{
	char *text = fl_format("{\"is\":\"held\",\"lanes\":[{\"lane\":%u,\"steps\":%u}]}", p->rank, 21 + p->rank);

	say_text(p, text);
	free(text);
}

/* It and no other lane is told the step of the one that is ahead. */
static void check_finish(const struct player *p, const json_t *message)
{
	const json_t *lanes = json_object_get(message, "lanes"), *o = json_array_get(lanes, 0);

	if (json_array_size(lanes) != 1 || json_integer_value(json_object_get(o, "lane")) != p->rank ||
	    json_integer_value(json_object_get(o, "steps")) != 22)
		_exit(7);
}

static void say_clock(const struct player *p, const json_t *message)
{
	json_t *answer;

	p->asked->clocks[p->rank]++;
	usleep(p->pause_us);
	answer = json_pack("{s:s, s:O, s:I}", "is", "clock", "sent_ns", json_object_get(message, "sent_ns"), "at_ns",
			   (json_int_t)fl_now_ns() + p->shift_ns);
	fl_wire_send(p->w, answer, NULL);
	json_decref(answer);
}

/* What is due after what the hub said. */
static void answer(struct player *p, const char *told)
{
	if (strcmp(told, "begin") == 0)
		say_text(p, "{\"is\":\"begun\"}");
	if (strcmp(told, "start") == 0)
		say_text(p, "{\"is\":\"warm\"}");
	if (strcmp(told, "window") == 0 || strcmp(told, "close") == 0)
		say_text(p, "{\"is\":\"covered\"}");
	if (strcmp(told, "stop") == 0 && p->together == LOCKSTEP)
		say_held(p);
	else if (strcmp(told, "stop") == 0 || strcmp(told, "cancel") == 0 || strcmp(told, "finish") == 0)
		say_stopped(p);
	if (strcmp(told, "collect") == 0)
		say_records(p);
}

static void hear(struct player *p, json_t *message)
{
	const char *told = fl_json_text_or_null(message, "do");
	bool due = !p->way->at || strcmp(p->way->at, told) != 0;

	if (strcmp(told, "end") == 0)
		_exit(0);
	if (strcmp(told, "clock") == 0) {
		say_clock(p, message);
		return;
	}
	if (strcmp(told, "start") == 0)
		p->asked->before[p->rank] = p->asked->clocks[p->rank] - p->clocks;
	if (strcmp(told, "finish") == 0)
		check_finish(p, message);
	if (strcmp(told, "case") == 0) {
		json_decref(p->message);
		p->message = json_incref(message);
		p->stopped = false;
		p->clocks = p->asked->clocks[p->rank];
	}
	if (strcmp(told, "cancel") == 0 && !p->cancelled)
		p->cancelled = fl_dup(fl_json_text_or_null(message, "what"));
	if (!due) {
		do_deed(p);
		due = p->way->deed != SAY && p->way->deed != FLOOD && p->way->deed != FAIL &&
		      p->way->deed != GATHER_FAIL;
	}
	if (due)
		answer(p, told);
	if (strcmp(told, "case") == 0 && p->together == TRIO && p->way->deed != GATHER_FAIL)
		say_gather(p);
	else if (strcmp(told, "gathered") == 0)
		say_text(p, p->gathered++ ? "{\"is\":\"told again\"}" : "{\"is\":\"ready\"}");
	else if (strcmp(told, "case") == 0 && due)
		say_text(p, "{\"is\":\"ready\"}");
}

static void be_agent(struct player *p, struct fl_bootstrap *b)
{
	static const char *const names[] = { "n1", "n2" };
	struct fl_join join = { .bootstrap = b, .local_size = 1, .until_ns = fl_now_ns() + 20 * second };
	json_t *machine = NULL, *environment = json_object();

	b->rank = (int)p->rank;
	b->host = (char *)(uintptr_t)names[p->rank];
	if (fl_json_load(TESTS_DIR "/fixtures/machines/small-vm.json", 1 << 20, &machine, NULL) < 0 ||
	    fl_join_connect(&join, &p->w, NULL) < 0 || fl_join_tell_machine(p->w, machine, environment, NULL, NULL) < 0)
		_exit(8);
	for (;;) {
		json_t *message = NULL;
		int rc = fl_wire_receive(p->w, &message, NULL);

		if (rc == -EAGAIN)
			fl_wire_wait(p->w, fl_now_ns() + second);
		else if (rc < 0)
			_exit(0);
		else
			hear(p, message);
		json_decref(message);
	}
}

/* ---- the hub */

struct stage {
	struct fl_hub *hub;
	struct asked *asked;
	pid_t pids[HOSTS];
	struct fl_catalog catalog;
	struct fl_entry entry;
	struct fl_plan plan;
	struct fl_plan_case cases[2];
	struct fl_plan_lane lanes[4];
	unsigned lanes_n;
	struct fl_option timeout;
	struct fl_agent agent;
	struct fl_crew *crew;
	struct fl_run run;
};

static void start_agent(struct stage *s, unsigned rank, const struct way *way, enum together together)
{
	struct player p = { .together = together, .asked = s->asked, .way = way, .rank = rank };
	struct fl_bootstrap b;

	s->pids[rank] = fork();
	assert_true(s->pids[rank] >= 0);
	if (s->pids[rank] > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fl_hub_bootstrap(s->hub, rank, &b);
	close(s->hub->listen_fd);
	close(s->hub->epoll_fd);
	be_agent(&p, &b);
}

static void make_plan(struct stage *s, enum together together)
{
	static struct fl_metric metrics[] = { { "bytes_per_s", FL_RATE_BYTES, FL_HIGHER, "payload" }, { 0 } };
	static struct fl_fact facts[] = { { 0 } };
	static struct fl_field fields[] = { { 0 } };
	static struct fl_flow flows[] = { { 0 } };
	static char *names[] = { (char *)"n1", (char *)"n2" };

	s->entry = (struct fl_entry){
		.name = (char *)"b", .metrics = metrics, .facts = facts, .fields = fields, .flows = flows
	};
	s->catalog = (struct fl_catalog){ .entries = &s->entry, .n = 1 };
	s->timeout = (struct fl_option){ (char *)"timeout", (char *)"300000000" };
	s->lanes_n = together == PAIRS ? 2 * HOSTS : together == TRIO ? 3 : HOSTS;
	for (unsigned i = 0; i < s->lanes_n; i++) {
		unsigned host = together == PAIRS ? i / 2 : i % HOSTS;
		unsigned group = together == PAIRS ? i / 2 : together ? 0 : i;

		s->lanes[i] = (struct fl_plan_lane){ .bench = (char *)"b",
						     .options = &s->timeout,
						     .options_n = 1,
						     .node = -1,
						     .worker = i,
						     .host = host,
						     .group = group,
						     .size = together == TRIO ? 3
							     : together	      ? 2
									      : 1 };
		s->lanes[i].rank = together == ALONE ? 0 : i % s->lanes[i].size;
	}
	for (unsigned i = 0; i < 2; i++)
		s->cases[i] = (struct fl_plan_case){ .label = (char *)"a case",
						     .lanes = s->lanes,
						     .lanes_n = s->lanes_n,
						     .rounds = 1,
						     .duration_ns = 50 * ms };
	s->plan = (struct fl_plan){ .cases = s->cases, .cases_n = 2, .hosts = names, .hosts_n = HOSTS };
}

static const struct way good = { .at = NULL };

static void stage_open_both(struct stage *s, const struct way *one, const struct way *other, enum together together)
{
	const struct fl_hub_spec spec = { .n = HOSTS, .listen_fd = -1, .bind = "127.0.0.1" };
	struct fl_err err = { 0 };

	*s = (struct stage){ .run = { .status = -1 } };
	s->asked = mmap(NULL, sizeof(*s->asked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(s->asked, MAP_FAILED);
	assert_int_equal(fl_hub_open(&spec, &s->hub, &err), 0);
	start_agent(s, 0, one, together);
	start_agent(s, 1, other, together);
	if (fl_hub_gather(s->hub, 20 * second, NULL, &err) < 0)
		fail_msg("%s", err.what);
	make_plan(s, together);
	s->entry.lockstep = together == LOCKSTEP;
	s->agent.catalog = &s->catalog;
	s->crew = fl_crew_make(s->hub, &s->plan);
	((struct fl_crew_own *)s->crew)->grace_ns = 400 * ms;
	((struct fl_crew_own *)s->crew)->begin_ns = 0;
}

static inline void stage_open(struct stage *s, const struct way *way, enum together together)
{
	stage_open_both(s, &good, way, together);
}

static inline void stage_close(struct stage *s)
{
	fl_crew_free(s->crew);
	fl_hub_close(s->hub);
	for (unsigned i = 0; i < HOSTS; i++) {
		kill(s->pids[i], SIGKILL);
		waitpid(s->pids[i], NULL, 0);
	}
	munmap(s->asked, sizeof(*s->asked));
	for (size_t i = 0; i < s->run.lanes_n; i++)
		fl_lane_record_release(&s->run.lanes[i]);
	for (size_t i = 0; i < s->run.watched_n; i++)
		fl_watched_release(&s->run.watched[i]);
	free(s->run.lanes);
	free(s->run.watched);
}

static inline void run_case(struct stage *s, unsigned number)
{
	const struct fl_plan_step at = { .case_no = number };
	struct fl_err err = { 0 };

	if (s->crew->run_case(s->crew, &s->agent, &s->plan, &at, &s->run, &err) < 0)
		fail_msg("%s", err.what);
}

static inline void check(const struct fl_lane_record *r, const char *host, const char *outcome, const char *reason,
			 const char *what)
{
	if (strcmp(fl_outcome_name(r->outcome), outcome) != 0 || (reason && (!r->reason || !strstr(r->reason, reason))))
		fail_msg("%s: %s: %s", what, fl_outcome_name(r->outcome), r->reason ? r->reason : "");
	assert_string_equal(fl_json_text_or_null(r->placement, "host"), host);
}

#endif
