/* SPDX-License-Identifier: Apache-2.0 */
/* test_crew.c: a case over two hosts, of which the second misbehaves in one way each: it is named with what it did, the
 * first is measured all the same, and the second stays lost. Agents are children that play what an agent says. */
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
	JUMP,	  /* its clock */
	FAIL,	  /* the first of its lanes */
	FAIL_DIE, /* ... and then all of it */
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
	char *text = fl_format("{\"is\":\"failed\",\"lane\":%u,\"code\":-5,\"what\":\"no luck\"}", first_of(p));

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
	if (strcmp(told, "window") == 0)
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
		due = p->way->deed != SAY && p->way->deed != FLOOD && p->way->deed != FAIL;
	}
	if (due)
		answer(p, told);
	if (strcmp(told, "case") == 0 && p->together == TRIO)
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

static void stage_open(struct stage *s, const struct way *way, enum together together)
{
	stage_open_both(s, &good, way, together);
}

static void stage_close(struct stage *s)
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

static void run_case(struct stage *s, unsigned number)
{
	const struct fl_plan_step at = { .case_no = number };
	struct fl_err err = { 0 };

	if (s->crew->run_case(s->crew, &s->agent, &s->plan, &at, &s->run, &err) < 0)
		fail_msg("%s", err.what);
}

static void check(const struct fl_lane_record *r, const char *host, const char *outcome, const char *reason,
		  const char *what)
{
	if (strcmp(fl_outcome_name(r->outcome), outcome) != 0 || (reason && (!r->reason || !strstr(r->reason, reason))))
		fail_msg("%s: %s: %s", what, fl_outcome_name(r->outcome), r->reason ? r->reason : "");
	assert_string_equal(fl_json_text_or_null(r->placement, "host"), host);
}

#define LINE(text) "{\"is\":\"line\",\"text\":\"" text "\",\"more\":false}"

static const struct way ways[] = {
	{ "case", DIE, NULL, "invalid", "host n2 was lost: " },
	{ "case", HANG, NULL, "invalid", "it did not open its lanes within" },
	{ "start", HANG, NULL, "invalid", "it did not warm up within" },
	{ "window", DIE, NULL, "invalid", "host n2 was lost: " },
	{ "window", HANG, NULL, "invalid", "phase 'window' of b" },
	{ "stop", HANG, NULL, "invalid", "it did not stop its lanes within" },
	{ "collect", DIE, NULL, "invalid", "host n2 was lost: " },
	{ "case", FAIL_DIE, NULL, "invalid", "; before that: no luck" },
	{ "start", FAIL_DIE, NULL, "invalid", "host n2 was lost: " },
	{ "case", SAY, "{\"is\":\"nonsense\"}", "invalid", "it said 'nonsense', which is no word" },
	{ "case", SAY, "{}", "invalid", "it said 'nothing'" },
	{ "case", SAY, "{\"is\":\"covered\"}", "invalid", "it said 'covered' out of turn" },
	{ "case", SAY, "{\"is\":\"stopped\"}", "invalid", "it said 'stopped' out of turn" },
	{ "case", SAY, "{\"is\":\"over\"}", "invalid", "it said 'over' out of turn" },
	{ "case", SAY, LINE("{}"), "invalid", "it said 'line' out of turn" },
	{ "case", SAY, "{\"is\":\"begun\"}", "invalid", "it said 'begun' again" },
	{ "start", SAY, "{\"is\":\"ready\"}", "invalid", "it said 'ready' out of turn" },
	{ "start", SAY, "{\"is\":\"moved\",\"bytes\":1}", "invalid", "it said 'moved' out of turn" },
	{ "start", SAY, "{\"is\":\"narrow\"}", "invalid", "it said 'narrow' out of turn" },
	{ "case", SAY, "{\"is\":\"failed\",\"lane\":0,\"code\":-5,\"what\":\"x\"}", "invalid",
	  "a lane of another host" },
	{ "case", SAY, "{\"is\":\"failed\",\"lane\":9,\"code\":-5,\"what\":\"x\"}", "invalid",
	  "a lane of another host" },
	{ "case", SAY, "{\"is\":\"failed\",\"lane\":1,\"code\":5,\"what\":\"x\"}", "invalid", "host n2 was lost" },
	{ "case", SAY, "{\"is\":\"gather\",\"lane\":1,\"name\":\"x\",\"value\":\"\"}", "invalid", "nothing to gather" },
	{ "case", SAY, "{\"is\":\"failed\",\"code\":-28,\"what\":\"no room\"}", "invalid",
	  "host n2 was lost: no room" },
	{ "case", FLOOD, "{\"is\":\"ready\"}", "invalid", "it said 'ready' out of turn" },
	{ "collect", SAY, LINE("{"), "invalid", "it sent what is no record" },
	{ "collect", SAY, LINE("{\\\"lane\\\":{}}"), "invalid", "it sent what is no record" },
	{ "collect", SAY, "{\"is\":\"line\",\"text\":\"{\",\"more\":true}", "invalid", "it floods" },
	{ "collect", SAY, "{\"is\":\"line\",\"text\":1,\"more\":true}", "invalid", "host n2 was lost" },
	{ "collect", SAY, "{\"is\":\"over\"}", "invalid", "it said 'over' without the record of lane 1" },
	{ NULL, RECORD_OF_OTHER_LANE, NULL, "invalid", "a lane that it was not asked for" },
	{ NULL, RECORD_OF_OTHER_CASE, NULL, "invalid", "a lane that it was not asked for" },
	{ NULL, RECORD_OF_OTHER_BENCH, NULL, "invalid", "a lane that it was not asked for" },
	{ NULL, RECORD_TWICE, NULL, "invalid", "it sent lane 1 twice" },
	{ NULL, RECORD_WITHOUT_REASON, NULL, "invalid", "it does not say why lane 1 was not measured" },
	{ NULL, RECORD_WITH_A_SERIES, NULL, "invalid", "it measured 'made_up', which b does not have" },
	{ NULL, RECORD_OF_WATCHED, NULL, "invalid", "watched beside something else" },
};

static void one_host_misbehaves(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char *what = fl_format("row %zu", i);
		struct stage s;

		stage_open(&s, &ways[i], ALONE);
		run_case(&s, 0);
		assert_int_equal(s.run.lanes_n, HOSTS);
		check(&s.run.lanes[0], "n1", "measured", NULL, what);
		check(&s.run.lanes[1], "n2", ways[i].outcome, ways[i].reason, what);
		run_case(&s, 1);
		check(&s.run.lanes[2], "n1", "measured", NULL, what);
		check(&s.run.lanes[3], "n2", "not measured", "host n2 was lost: ", what);
		stage_close(&s);
		free(what);
	}
}

/* What is of one group goes with it, and the agent of the rest of it is told so. */
static void a_group_is_lost_together(void **state)
{
	const struct way way = { "window", DIE, NULL, NULL, NULL };
	struct stage s;

	(void)state;
	stage_open(&s, &way, GROUP);
	run_case(&s, 0);
	check(&s.run.lanes[1], "n2", "invalid", "host n2 was lost: ", "the lost one");
	check(&s.run.lanes[0], "n1", "not measured", "host n2 was lost: ", "its group");
	stage_close(&s);
}

/* One is lost while its records are due: what the other one measured is kept, also of the same group, and its host. */
static void records_of_the_others_are_kept(void **state)
{
	const struct way slow = { "collect", SLOW_DOWN, NULL, NULL, NULL };
	const struct way way = { "collect", DIE, NULL, NULL, NULL };
	struct stage s;

	(void)state;
	stage_open_both(&s, &slow, &way, GROUP);
	run_case(&s, 0);
	check(&s.run.lanes[1], "n2", "invalid", "host n2 was lost: ", "the lost one");
	check(&s.run.lanes[0], "n1", "measured", NULL, "its group");
	assert_false(s.hub->hosts[0].lost);
	stage_close(&s);
}

/* A host with two lanes of a group is told once what all of it said, wherever these are in it. */
static void what_was_gathered_is_told_once(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, &good, TRIO);
	run_case(&s, 0);
	for (unsigned i = 0; i < 3; i++)
		check(&s.run.lanes[i], i == 1 ? "n2" : "n1", "measured", NULL, "one of three");
	stage_close(&s);
}

static void check_thinned(const struct fl_lane_record *r, const char *why)
{
	const char *said = json_string_value(json_array_get(r->distrust, 0));

	check(r, "n1", "measured", NULL, why);
	assert_non_null(said);
	assert_non_null(strstr(said, "not all lanes of the case were at work beside it: "));
	assert_non_null(strstr(said, why));
	assert_int_equal(json_integer_value(json_object_get(r->notes, "lanes_ran")), 2);
}

/* A group that is not at work is missed by the others, whenever that was. */
static void fewer_lanes_than_planned(void **state)
{
	static const struct way rows[] = {
		{ "case", FAIL, NULL, "not measured", "no luck" },
		{ "start", FAIL, NULL, "not measured", "no luck" },
		{ "window", FAIL, NULL, "not measured", "no luck" },
		{ "case", DIE, NULL, "invalid", "host n2 was lost: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage s;

		stage_open(&s, &rows[i], PAIRS);
		run_case(&s, 0);
		assert_int_equal(s.run.lanes_n, 4);
		check_thinned(&s.run.lanes[0], rows[i].reason);
		check_thinned(&s.run.lanes[1], rows[i].reason);
		check(&s.run.lanes[2], "n2", rows[i].outcome, rows[i].reason, "the one that failed");
		if (rows[i].deed == DIE) { /* and it was lost before the next one */
			run_case(&s, 1);
			check_thinned(&s.run.lanes[4], "host n2 was lost: ");
		}
		stage_close(&s);
	}
}

/* All are: there is nothing to say. */
static void as_many_lanes_as_planned(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, &good, PAIRS);
	run_case(&s, 0);
	for (unsigned i = 0; i < 4; i++) {
		check(&s.run.lanes[i], i < 2 ? "n1" : "n2", "measured", NULL, "a good one");
		assert_null(json_object_get(s.run.lanes[i].notes, "lanes_ran"));
	}
	stage_close(&s);
}

#define HELD(lanes) "{\"is\":\"held\",\"lanes\":" lanes "}"

/* A group over both hosts that ends after one step: what the second says when it is held. */
static void lockstep(void **state)
{
	static const struct way rows[] = {
		{ .outcome = "measured" },
		{ "stop", SAY, HELD("[{\"lane\":1,\"steps\":89}]"), "not measured", "it is not in lockstep: rank 1" },
		{ "stop", SAY, HELD("[{\"lane\":1,\"steps\":0}]"), "invalid", "host n2 was lost: " },
		{ "stop", SAY, HELD("[{\"lane\":1,\"steps\":1e30}]"), "invalid", "host n2 was lost: " },
		{ "stop", SAY, HELD("[{\"lane\":1,\"steps\":9223372036854775807}]"), "invalid", "host n2 was lost: " },
		{ "stop", SAY, HELD("[{\"lane\":0,\"steps\":21}]"), "invalid", "of lane 0, which it has not to say" },
		{ "stop", SAY, HELD("[{\"lane\":7,\"steps\":21}]"), "invalid", "of lane 7, which it has not to say" },
		{ "stop", SAY, HELD("[]"), "invalid", "it said 'held' without lane 1" },
		{ "stop", SAY, HELD("1"), "invalid", "host n2 was lost: " },
		{ "stop", SAY, "{\"is\":\"stopped\"}", "invalid", "it said 'stopped' out of turn" },
		{ "stop", HANG, NULL, "invalid", "it did not hold its lanes within" },
		{ "stop", DIE, NULL, "invalid", "host n2 was lost: " },
		{ "finish", HANG, NULL, "invalid", "it did not stop its lanes within" },
		{ "finish", SAY, HELD("[{\"lane\":1,\"steps\":21}]"), "invalid", "it said 'held' out of turn" },
		{ "window", SAY, HELD("[{\"lane\":1,\"steps\":21}]"), "invalid", "it said 'held' out of turn" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *what = fl_format("lockstep, row %zu", i);
		const struct way *way = &rows[i];
		struct stage s;

		stage_open(&s, way, LOCKSTEP);
		run_case(&s, 0);
		check(&s.run.lanes[1], "n2", way->outcome, way->reason, what);
		check(&s.run.lanes[0], "n1", way->at ? "not measured" : "measured", way->at ? "n2" : NULL, what);
		stage_close(&s);
		free(what);
	}
}

/* What a good one leaves behind; a clock that jumps in the middle makes its lane, and no other, one not to trust. */
static void a_clock_jumps(void **state)
{
	const struct way way = { "stop", JUMP, NULL, NULL, NULL };
	struct stage s;

	(void)state;
	stage_open(&s, &way, ALONE);
	run_case(&s, 0);
	check(&s.run.lanes[0], "n1", "measured", NULL, "the first");
	check(&s.run.lanes[1], "n2", "measured", NULL, "the second");
	assert_int_equal(json_array_size(s.run.lanes[0].distrust), 0);
	assert_int_equal(json_array_size(s.run.lanes[1].distrust), 1);
	assert_non_null(strstr(json_string_value(json_array_get(s.run.lanes[1].distrust, 0)),
			       "the clock of host n2 moved by +"));
	assert_true(json_is_integer(json_object_get(s.run.lanes[0].notes, "clock_error_ns")));
	assert_true(json_is_integer(json_object_get(s.run.lanes[0].notes, "clock_offset_ns")));
	stage_close(&s);
}

/* Some 3 ms may lie beside the window of the other, of 50: that is said of groups, whose lanes are measured with
 * one another. */
static void clocks_that_are_known_badly(void **state)
{
	const struct way way = { "case", ANSWER_LATE, NULL, NULL, NULL };

	(void)state;
	for (enum together together = ALONE; together <= GROUP; together++) {
		struct stage s;

		stage_open(&s, &way, together);
		run_case(&s, 0);
		for (unsigned i = 0; i < HOSTS; i++) {
			const struct fl_lane_record *r = &s.run.lanes[i];
			const char *said = json_string_value(json_array_get(r->distrust, 0));

			check(r, i ? "n2" : "n1", "measured", NULL, "a clock that is known badly");
			assert_int_equal(json_array_size(r->distrust), together == GROUP);
			assert_true(!said || strstr(said, "windows of 0.050 s are known to lie together within "));
		}
		stage_close(&s);
	}
}

/* While one still opens its lanes, the clock of the other is asked for. */
static void clocks_while_lanes_open(void **state)
{
	const struct way way = { "case", OPEN_LAST, NULL, NULL, NULL };
	struct stage s;

	(void)state;
	stage_open(&s, &way, ALONE);
	run_case(&s, 0);
	check(&s.run.lanes[0], "n1", "measured", NULL, "the first");
	check(&s.run.lanes[1], "n2", "measured", NULL, "the last");
	assert_true(s.asked->before[0] > 0 && s.asked->before[1] > 0);
	stage_close(&s);
}

/* The next case follows at once: what was found after the one before it holds. It does not of one that was found long
 * ago, nor where a clock jumped meanwhile, which is seen after the case. Windows are of some minutes here, of which
 * agents say at once that they are over, so that it is at once on a slow machine, too. */
static void clocks_between_cases(void **state)
{
	const struct way way = { "stored", JUMP, NULL, NULL, NULL };
	struct stage s;

	(void)state;
	stage_open(&s, &way, ALONE);
	s.cases[0].duration_ns = s.cases[1].duration_ns = 200 * second;
	run_case(&s, 0);
	assert_true(s.asked->before[0] > 0 && s.asked->before[1] > 0);
	s.hub->hosts[0].clock_at_ns -= 1000 * second;
	s.crew->stored(s.crew);
	run_case(&s, 1);
	assert_true(s.asked->before[0] > 0);
	assert_int_equal(s.asked->before[1], 0);
	assert_int_equal(json_array_size(s.run.lanes[2].distrust), 0);
	assert_non_null(strstr(json_string_value(json_array_get(s.run.lanes[3].distrust, 0)),
			       "the clock of host n2 moved by +"));
	stage_close(&s);
}

/* What was found a while ago is known less well by that while. */
static void clocks_age(void **state)
{
	const struct fl_hub_host never = { .clock_error_ns = 5 };
	const struct fl_hub_host host = { .clock_error_ns = 5, .clock_at_ns = 7 * second };
	struct stage s;

	(void)state;
	assert_true(fl_hub_clock_aged_ns(&never, 8 * second) == UINT64_MAX);
	assert_int_equal(fl_hub_clock_aged_ns(&host, 9 * second), ms);
	assert_int_equal(fl_hub_clock_aged_ns(&host, 6 * second), 0);
	stage_open(&s, &good, ALONE);
	s.cases[0].duration_ns = s.cases[1].duration_ns = 200 * second;
	run_case(&s, 0);
	s.hub->hosts[1].clock_at_ns -= 60 * second;
	run_case(&s, 1);
	assert_int_equal(s.asked->before[1], 0);
	assert_true(json_integer_value(json_object_get(s.run.lanes[3].notes, "clock_error_ns")) >= 30 * (int64_t)ms);
	stage_close(&s);
}

/* An answer that comes when nobody waits for it any more is no lie; one to no question is. */
static void a_clock_is_late(void **state)
{
	struct fl_hub_host host = { .clocks_due = 1 };
	struct fl_crew_case c = { .parts_n = 0 };
	struct fl_err err = { 0 };
	json_t *message = json_pack("{s:s, s:i, s:i}", "is", "clock", "sent_ns", 1, "at_ns", 2);

	(void)state;
	assert_int_equal(fl_crew_hear(&c, &host, message, &err), 0);
	assert_int_equal(fl_crew_hear(&c, &host, message, &err), -EPROTO);
	assert_string_equal(err.what, "it said 'clock' out of turn");
	json_decref(message);
}

/* Nobody is left: what was under way is recorded, and then there is nothing that could go on. */
static void nobody_is_left(void **state)
{
	const struct fl_plan_step next = { .case_no = 1 };
	const struct way way = { "start", DIE, NULL, NULL, NULL };
	struct fl_err err = { 0 };
	struct stage s;

	(void)state;
	stage_open(&s, &way, ALONE);
	kill(s.pids[0], SIGKILL);
	run_case(&s, 0);
	check(&s.run.lanes[0], "n1", "invalid", "host n1 was lost: ", "the first");
	check(&s.run.lanes[1], "n2", "invalid", "host n2 was lost: ", "the second");
	assert_int_equal(s.crew->run_case(s.crew, &s.agent, &s.plan, &next, &s.run, &err), -EHOSTDOWN);
	assert_non_null(strstr(err.what, "no host is left"));
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_host_misbehaves),
		cmocka_unit_test(a_group_is_lost_together),
		cmocka_unit_test(records_of_the_others_are_kept),
		cmocka_unit_test(what_was_gathered_is_told_once),
		cmocka_unit_test(fewer_lanes_than_planned),
		cmocka_unit_test(as_many_lanes_as_planned),
		cmocka_unit_test(lockstep),
		cmocka_unit_test(a_clock_jumps),
		cmocka_unit_test(clocks_that_are_known_badly),
		cmocka_unit_test(clocks_while_lanes_open),
		cmocka_unit_test(clocks_between_cases),
		cmocka_unit_test(clocks_age),
		cmocka_unit_test(a_clock_is_late),
		cmocka_unit_test(nobody_is_left),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
